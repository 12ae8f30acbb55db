"""The encoders that FCN, PSPNet, DeepLab and U-Net share.

The course's own follows VGG (Simonyan and Zisserman 2014, arXiv:1409.1556), with batch norm.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from helpers.pytorch.layers import double_conv
from helpers.pytorch.mobilenet import MobileNetV2
from helpers.pytorch.resnet import ResNet
from helpers.pytorch.vgg import VGG16
from helpers.sizes import check_size

LEVELS = 6


class Encoder(nn.ModuleList):
    """N×3×H×W to a list of maps, one for each of six levels, the finest first.

    Before each level the maps are halved, until a pixel of theirs stands for `output_stride` pixels
    of the image: 8, 16 or 32. After that they keep their size, and the kernels are spread out by
    dilation instead. So each still sees as much of the image, and the weights stay the same ones
    (Chen et al. 2016, arXiv:1606.00915).
    """

    def __init__(self, width: int, output_stride: int = 32):
        self.widths = [width * min(2**level, 16) for level in range(LEVELS)]
        before = [3, *self.widths]
        super().__init__(
            double_conv(before[i], self.widths[i], dilation=max(1, 2**i // output_stride))
            for i in range(LEVELS)
        )
        self.output_stride = output_stride

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:  # with width 16 and output stride 32
        check_size(*x.shape[-2:], self.output_stride)
        maps = []
        for level, block in enumerate(self):
            if 1 < 2**level <= self.output_stride:
                x = F.max_pool2d(x, 2)  # 16×48×64   32×24×32   64×12×16   128×6×8   256×3×4
            x = block(x)  # 16×96×128   32×48×64   64×24×32   128×12×16   256×6×8   256×3×4
            maps.append(x)
        return maps


ENCODERS = {
    "resnet18": partial(ResNet, 18),
    "resnet50": partial(ResNet, 50),
    "mobilenet_v2": MobileNetV2,
    "vgg16": VGG16,
}
"""The encoders that have widths of their own; weights of torchvision's models fit."""


def make_encoder(name: str, width: int, output_stride: int = 32) -> nn.Module:
    """The encoder "plain", the course's own, or one of `ENCODERS`, each with the like of its maps.

    Raises ValueError: there is no such encoder, or output stride.
    """
    if output_stride not in (8, 16, 32):
        raise ValueError(f"output_stride is {output_stride}; it can be 8, 16 or 32.")
    if name == "plain":
        return Encoder(width, output_stride)
    if name not in ENCODERS:
        raise ValueError(f"encoder is {name!r}; it can be plain, {', '.join(ENCODERS)}.")
    return ENCODERS[name](output_stride=output_stride)
