"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) as an encoder, with torchvision's names."""

from itertools import pairwise

import torch
from torch import nn

from helpers.pytorch.layers import Standardize
from helpers.sizes import check_size

PLAN = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2 of the paper: how often wider inside, maps, number of blocks, stride of the first."""
LEVELS = (0, 2, 4, 7, 14, 19)
"""The layers at which a new level begins, and where the last one ends."""


class MobileNetV2(nn.Module):
    """N×3×H×W in [0, 1] to a list of maps like `Encoder`; the first of them is the image itself.

    A state dict of torchvision's mobilenet_v2 fits, but for the `classifier` that names the 1000
    classes of ImageNet.
    """

    widths = (3, 16, 24, 32, 96, 1280)

    def __init__(self, output_stride: int = 32):
        super().__init__()
        self.output_stride = output_stride
        self.standardize = Standardize()
        layers = [conv_norm(3, 32, 3, stride=2)]
        before, level = 32, 1
        for wider, after, repeats, stride in PLAN:
            for step in (stride, *[1] * (repeats - 1)):
                # where the maps would be halved, the kernel still sees those of the level before
                dilation = max(1, 2**level // output_stride)
                level += step - 1
                halves = step if 2**level <= output_stride else 1
                layers.append(InvertedResidual(before, after, wider, halves, dilation))
                before = after
        self.features = nn.Sequential(*layers, conv_norm(before, 1280, 1))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:  # with output stride 32: 3×96×128
        check_size(*image.shape[-2:], self.output_stride)
        maps = [image]
        x = self.standardize(image)  # 3×96×128
        for begin, end in pairwise(LEVELS):
            x = self.features[begin:end](x)  # 16×48×64 24×24×32 32×12×16 96×6×8 1280×3×4
            maps.append(x)
        return maps


class InvertedResidual(nn.Module):
    """Makes the maps many by a 1×1 convolution, filters each alone, makes them few again.

    Without a ReLU at the end, for few maps would lose too much. Where as many go out as came in,
    the result is added to them: at first nothing, for its scale begins at 0 (1706.02677).
    """

    def __init__(self, before: int, after: int, wider: int, stride: int, dilation: int):
        super().__init__()
        inside = wider * before
        layers = [conv_norm(before, inside, 1)] if wider > 1 else []
        layers.append(conv_norm(inside, inside, 3, stride, dilation, groups=inside))
        layers.append(nn.Conv2d(inside, after, 1, bias=False))
        layers.append(nn.BatchNorm2d(after, eps=1e-5, momentum=0.1))
        self.conv = nn.Sequential(*layers)
        self.adds = before == after
        if self.adds:
            nn.init.zeros_(self.conv[-1].weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


def conv_norm(
    before: int, after: int, size: int, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution, batch norm, and a ReLU that ends at 6."""
    edge = dilation * (size // 2)
    conv = nn.Conv2d(before, after, size, stride, edge, dilation, groups, bias=False)
    norm = nn.BatchNorm2d(after, eps=1e-5, momentum=0.1)
    return nn.Sequential(conv, norm, nn.ReLU6(inplace=True))
