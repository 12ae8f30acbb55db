"""DeepLabv3 on MobileNetV3-Large, as torchvision builds it and with the names of torchvision.

DeepLabv3: Chen et al. 2017, arXiv:1706.05587. MobileNetV3: Howard et al. 2019, arXiv:1905.02244.
"""

from functools import partial

import torch
from torch import nn

from helpers.mobilenet_v3 import LAST, PLAN, STEM, Row
from helpers.pytorch.layers import Standardize, resize


class DeepLabMobileNet(nn.Module):
    """N×3×H×W float32 in [0, 1] to logits N×classes×H×W, for any H and W."""

    def __init__(self, classes: int):
        super().__init__()
        self.standardize = Standardize()
        swish, before = nn.Hardswish, [STEM, *(row.after for row in PLAN)]
        self.backbone = nn.Sequential(
            small(3, STEM, swish, size=3, stride=2),
            *(InvertedResidual(b, row) for b, row in zip(before, PLAN, strict=False)),
            small(before[-1], LAST, swish),
        )
        self.classifier = nn.Sequential(
            ASPP(LAST, 256, (12, 24, 36)),
            *conv_norm(256, 256, nn.ReLU, size=3),
            nn.Conv2d(256, classes, 1),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:  # 3×96×128
        x = self.standardize(image)  # 3×96×128
        x = self.backbone(x)  # 960×6×8
        x = self.classifier(x)  # classes×6×8
        return resize(x, image)  # classes×96×128


def conv_norm(
    before: int, after: int, activation=nn.Identity, size=1, stride=1, dilation=1, groups=1, **norm
) -> nn.Sequential:
    """A convolution, batch norm (options `norm`) and activation."""
    edge = dilation * (size // 2)
    conv = nn.Conv2d(before, after, size, stride, edge, dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after, **norm), activation())


small = partial(conv_norm, eps=1e-3, momentum=0.01)
"""With the batch norm of the MobileNets."""


class InvertedResidual(nn.Module):
    """N×before×H×W to N×after×H/stride×W/stride; what came in is added where it fits."""

    def __init__(self, before: int, row: Row):
        super().__init__()
        self.adds = row.stride == 1 and before == row.after
        act = nn.Hardswish if row.hard_swish else nn.ReLU
        spatial = (row.size, row.stride, row.dilation, row.wide)
        layers = [
            small(before, row.wide, act) if row.wide != before else None,
            small(row.wide, row.wide, act, *spatial),
            SqueezeExcitation(row.wide, row.squeeze) if row.squeeze else None,
            small(row.wide, row.after),
        ]
        self.block = nn.Sequential(*(layer for layer in layers if layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.block(x)
        return x + y if self.adds else y


class SqueezeExcitation(nn.Module):
    """Weighs each map by what all maps are on average (Hu et al. 2017, arXiv:1709.01507)."""

    def __init__(self, channels: int, squeeze: int):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeeze, 1)
        self.fc2 = nn.Conv2d(squeeze, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.fc2(self.fc1(mean).relu()))


class ASPP(nn.Module):
    """The one of `helpers.pytorch.deeplab`, with a batch norm after the mean of the image too."""

    def __init__(self, before: int, after: int, rates: tuple[int, ...]):
        super().__init__()
        mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_norm(before, after, nn.ReLU))
        self.convs = nn.ModuleList(
            [
                conv_norm(before, after, nn.ReLU),
                *(conv_norm(before, after, nn.ReLU, size=3, dilation=rate) for rate in rates),
                mean,
            ]
        )
        self.project = conv_norm((2 + len(rates)) * after, after, nn.ReLU)
        self.project.append(nn.Dropout(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # 960×6×8
        branches = [conv(x) for conv in self.convs]  # 256×6×8 256×6×8 256×6×8 256×6×8 256×1×1
        branches[-1] = branches[-1].expand_as(branches[0])
        x = torch.cat(branches, dim=1)  # 1280×6×8
        return self.project(x)  # 256×6×8


def deeplab_mobilenet(classes: int = 21) -> DeepLabMobileNet:
    """A light DeepLabv3: logits N×classes×H×W for images N×3×H×W, float32 in [0, 1].

    11.0 million parameters. torchvision's state dict of deeplabv3_mobilenet_v3_large fits, but for
    the second classifier that it trains with; `pretrained.voc` loads it.
    """
    return DeepLabMobileNet(classes)
