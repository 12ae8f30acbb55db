"""ResNet-18 and 50 (He et al. 2015, arXiv:1512.03385) as encoders, with torchvision's names."""

import torch
from torch import nn
from torch.nn import functional as F

from helpers.pytorch.layers import Standardize
from helpers.sizes import check_size


class ResNet(nn.Module):
    """N×3×H×W in [0, 1] to a list of maps like `Encoder`; the first of them is the image itself.

    A state dict of torchvision's resnet18 or resnet50 fits, but for the `fc` that names the 1000
    classes of ImageNet.
    """

    def __init__(self, layers: int, output_stride: int = 32):
        super().__init__()
        kind, repeats = {18: (Block, (2, 2, 2, 2)), 50: (Bottleneck, (3, 4, 6, 3))}[layers]
        self.widths = (3, 64, *(kind.wider * narrow for narrow in (64, 128, 256, 512)))
        self.output_stride = output_stride
        self.standardize = Standardize()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(64)
        before = 64
        for level in (2, 3, 4, 5):
            stride = 2 if 4 < 2**level <= output_stride else 1
            # the first kernel still sees maps of the level before
            old, new = (max(1, 2**i // output_stride) for i in (level - 1, level))
            blocks = []
            for i in range(repeats[level - 2]):
                narrow = self.widths[level] // kind.wider
                blocks.append(kind(before, narrow, 1 if i else stride, new if i else old, new))
                before = self.widths[level]
            self.add_module(f"layer{level - 1}", nn.Sequential(*blocks))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:  # ResNet-18, stride 32: 3×96×128
        check_size(*image.shape[-2:], self.output_stride)
        x = self.standardize(image)
        x = F.relu(self.bn1(self.conv1(x)))  # 64×48×64
        maps = [image, x]
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64×24×32
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)  # 64×24×32   128×12×16   256×6×8   512×3×4
            maps.append(x)
        return maps


class Block(nn.Module):
    """Two 3×3 convolutions, dilated by `old` and `new`; their result is added to what came in.

    At first that is nothing, for their last scale begins at 0 (Goyal et al. 2017, 1706.02677).
    """

    wider = 1

    def __init__(self, before: int, narrow: int, stride: int, old: int, new: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, narrow, 3, stride, padding=old, dilation=old, bias=False)
        self.bn1 = norm(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=new, dilation=new, bias=False)
        self.bn2 = norm(narrow)
        nn.init.zeros_(self.bn2.weight)
        self.downsample = shortcut(before, narrow, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.downsample(x))


class Bottleneck(nn.Module):
    """One 3×3 convolution, dilated by `old`, on a quarter of the maps: 1×1 ones lead in and out.

    The stride is in the 3×3 convolution, as in torchvision; in the paper it is in the 1×1 before.
    """

    wider = 4

    def __init__(self, before: int, narrow: int, stride: int, old: int, new: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, narrow, 1, bias=False)
        self.bn1 = norm(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, padding=old, dilation=old, bias=False)
        self.bn2 = norm(narrow)
        self.conv3 = nn.Conv2d(narrow, 4 * narrow, 1, bias=False)
        self.bn3 = norm(4 * narrow)
        nn.init.zeros_(self.bn3.weight)
        self.downsample = shortcut(before, 4 * narrow, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + self.downsample(x))


def shortcut(before: int, after: int, stride: int) -> nn.Module:
    """What brings the maps that came in to the number and size of those they are added to."""
    if before == after:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), norm(after))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)
