"""VGG-16 (Simonyan and Zisserman 2014, arXiv:1409.1556) as an encoder, with torchvision's names."""

from itertools import pairwise

import torch
from torch import nn

from helpers.pytorch.layers import Standardize
from helpers.sizes import check_size

PLAN = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512), ())
"""Column D of Table 1 of the paper: the maps of each convolution, level by level."""
LEVELS = (0, 4, 9, 16, 23, 30, 31)
"""The layers at which a new level begins, with the pooling, and where the last one ends."""


class VGG16(nn.Module):
    """N×3×H×W in [0, 1] to a list of maps like `Encoder`; the last of them are only pooled.

    A state dict of torchvision's vgg16 fits, but for the `classifier` that names the 1000 classes
    of ImageNet.
    """

    widths = (64, 128, 256, 512, 512, 512)

    def __init__(self, output_stride: int = 32):
        super().__init__()
        self.output_stride = output_stride
        self.standardize = Standardize()
        layers, before = [], 3
        for level, channels in enumerate(PLAN):
            if level > 0:
                # the identity in its place, lest the layers get other numbers
                layers.append(nn.MaxPool2d(2) if 2**level <= output_stride else nn.Identity())
            dilation = max(1, 2**level // output_stride)
            for after in channels:
                layers.append(nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation))
                layers.append(nn.ReLU(inplace=True))
                before = after
        self.features = nn.Sequential(*layers)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:  # with output stride 32: 3×96×128
        check_size(*image.shape[-2:], self.output_stride)
        maps = []
        x = self.standardize(image)  # 3×96×128
        for begin, end in pairwise(LEVELS):
            x = self.features[begin:end](x)
            # 64×96×128   128×48×64   256×24×32   512×12×16   512×6×8   512×3×4
            maps.append(x)
        return maps
