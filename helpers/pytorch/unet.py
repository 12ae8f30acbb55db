"""U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597), with padding and batch norm."""

import torch
from torch import nn

from helpers.pytorch.encoder import make_encoder
from helpers.pytorch.layers import crop, double_conv, initialize, upsample
from helpers.sizes import check_size


class UNet(nn.Module):
    """N×channels×H×W float32 in [0, 1] to logits N×classes×H×W; H and W divisible by 2**depth."""

    def __init__(self, classes, width, depth, channels, up, norm, dropout, padding):
        super().__init__()
        if padding not in ("same", "valid"):
            raise ValueError(f'padding is {padding!r}; it can be "same" or "valid".')
        self.padding = padding
        widths = [width * 2**level for level in range(depth)]  # 16, 32, 64, 128
        before = [channels, *widths]
        self.down = nn.ModuleList(
            double_conv(before[i], widths[i], norm, padding) for i in range(depth)
        )
        self.pool = nn.MaxPool2d(2)
        self.bottom = double_conv(before[-1], 2 * before[-1], norm, padding)
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(upsample(2 * c, c, up) for c in reversed(widths))
        self.join = nn.ModuleList(double_conv(2 * c, c, norm, padding) for c in reversed(widths))
        self.head = nn.Conv2d(width, classes, 1)
        initialize(self)

    def forward(self, x):  # with width 16 and depth 4:   3×96×128
        check_size(*x.shape[-2:], 2 ** len(self.down), self.padding)
        skips = []
        for block in self.down:
            x = block(x)  # 16×96×128   32×48×64   64×24×32   128×12×16
            skips.append(x)
            x = self.pool(x)  # 16×48×64   32×24×32   64×12×16   128×6×8
        x = self.dropout(self.bottom(x))  # 256×6×8
        for up, join, skip in zip(self.up, self.join, reversed(skips), strict=True):
            x = up(x)  # 128×12×16   64×24×32   32×48×64   16×96×128
            if self.padding == "valid":
                skip = crop(skip, x)
            x = torch.cat([skip, x], dim=1)  # 256×12×16   128×24×32   64×48×64   32×96×128
            x = join(x)  # 128×12×16   64×24×32   32×48×64   16×96×128
        return self.head(x)  # classes×96×128


class UNetOfEncoder(nn.Module):
    """A U-Net whose left half is one of `helpers.pytorch.encoder`; H and W divisible by 32."""

    def __init__(self, classes, width, up, norm, dropout, encoder):
        super().__init__()
        self.encoder = make_encoder(encoder, width)
        widths = [width * 2**level for level in (4, 3, 2, 1, 0)]
        below = [self.encoder.widths[5], *widths]
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(upsample(below[i], widths[i], up) for i in range(5))
        self.join = nn.ModuleList(
            double_conv(self.encoder.widths[4 - i] + widths[i], widths[i], norm) for i in range(5)
        )
        self.head = nn.Conv2d(width, classes, 1)
        initialize(self)

    def forward(self, image):  # with width 16 and resnet18:   3×96×128
        skips = self.encoder(image)  # 3×96×128 64×48×64 64×24×32 128×12×16 256×6×8 512×3×4
        x = self.dropout(skips.pop())  # 512×3×4
        for up, join in zip(self.up, self.join, strict=True):
            x = up(x)  # 256×6×8   128×12×16   64×24×32   32×48×64   16×96×128
            x = torch.cat([skips.pop(), x], dim=1)
            # 512×6×8   256×12×16   128×24×32   96×48×64   19×96×128
            x = join(x)  # 256×6×8   128×12×16   64×24×32   32×48×64   16×96×128
        return self.head(x)  # classes×96×128


def unet(
    classes: int,
    width: int = 16,
    depth: int = 4,
    channels: int = 3,
    up: str = "transposed",
    norm: bool = True,
    dropout: float = 0.0,
    padding: str = "same",
    encoder: str = "plain",
) -> UNet | UNetOfEncoder:
    """A U-Net that gives logits N×classes×H×W for images N×channels×H×W, float32 in [0, 1].

    `width` is the number of channels at full resolution, doubled `depth` times on the way down;
    `up` is "transposed", "bilinear" or "nearest"; `dropout` drops whole maps at the bottom. H and W
    must be divisible by 2**depth: otherwise the forward pass raises a ValueError naming a size that
    fits. With padding "valid", as in the paper, each 3×3 convolution takes a pixel from every edge,
    the skips are cropped, and the logits are of the middle alone: of 388×388 pixels out of 572×572.

    `encoder` is "plain", the left half of the paper, or "resnet18", "resnet50", "mobilenet_v2" or
    "vgg16", which have five halvings and widths of their own, and take three channels.
    """
    if encoder != "plain":
        if (depth, channels, padding) != (4, 3, "same"):
            raise ValueError(f"{encoder} is as it is: it takes no depth, channels or padding.")
        return UNetOfEncoder(classes, width, up, norm, dropout, encoder)
    return UNet(classes, width, depth, channels, up, norm, dropout, padding)
