"""ResNet-18 (He et al. 2015, arXiv:1512.03385) as an encoder, with the names of torchvision's."""

import torch
from torch import nn
from torch.nn import functional as F

from helpers.sizes import check_size


class ResNet18(nn.Module):
    """N×3×H×W in [0, 1] to a list of maps like `Encoder`; the first of them is the image itself.

    A state dict of torchvision's resnet18 fits, but for the `fc` that names the 1000 classes of
    ImageNet. The image is set to the mean and spread that such weights have learnt with.
    """

    widths = (3, 64, 64, 128, 256, 512)

    def __init__(self, output_stride: int = 32):
        super().__init__()
        self.output_stride = output_stride
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None], False)
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225])[:, None, None], False)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps=1e-5, momentum=0.1)
        for level in (2, 3, 4, 5):
            before, after = self.widths[level - 1 : level + 1]
            stride = 2 if 4 < 2**level <= output_stride else 1
            # the first kernel still sees maps of the level before
            old, new = (max(1, 2**i // output_stride) for i in (level - 1, level))
            blocks = Block(before, after, stride, old, new), Block(after, after, 1, new, new)
            self.add_module(f"layer{level - 1}", nn.Sequential(*blocks))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:  # with output stride 32: 3×96×128
        check_size(*image.shape[-2:], self.output_stride)
        x = (image - self.mean) / self.spread
        x = F.relu(self.bn1(self.conv1(x)))  # 64×48×64
        maps = [image, x]
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64×24×32
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)  # 64×24×32   128×12×16   256×6×8   512×3×4
            maps.append(x)
        return maps


class Block(nn.Module):
    """Two 3×3 convolutions, dilated by `old` and `new`; their result is added to what came in."""

    def __init__(self, before: int, after: int, stride: int, old: int, new: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=old, dilation=old, bias=False)
        self.bn1 = nn.BatchNorm2d(after, eps=1e-5, momentum=0.1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=new, dilation=new, bias=False)
        self.bn2 = nn.BatchNorm2d(after, eps=1e-5, momentum=0.1)
        self.downsample = nn.Identity()
        if before != after:
            conv = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(after, eps=1e-5, momentum=0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.downsample(x))
