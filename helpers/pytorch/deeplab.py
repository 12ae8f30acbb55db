"""DeepLabv3 (Chen et al. 2017, arXiv:1706.05587) and v3+ (Chen et al. 2018, arXiv:1802.02611)."""

import torch
from torch import nn

from helpers.pytorch.encoder import make_encoder
from helpers.pytorch.layers import conv_norm_relu, initialize, resize, separable_conv


class ASPP(nn.Module):
    """Looks at the same maps through kernels of several widths: N×before×H×W to N×after×H×W.

    Atrous spatial pyramid pooling: a 1×1 convolution, a dilated 3×3 one for each of the `rates`,
    and the mean of the whole image, side by side.
    """

    def __init__(self, before, after, rates, separable=False):
        super().__init__()
        self.point = conv_norm_relu(before, after, 1)
        dilated = separable_conv if separable else conv_norm_relu
        self.dilated = nn.ModuleList(dilated(before, after, dilation=rate) for rate in rates)
        # One value for each map: too few for the statistics of a batch norm.
        self.image = conv_norm_relu(before, after, 1, norm=False)
        self.mix = conv_norm_relu((2 + len(rates)) * after, after, 1)

    def forward(self, x):  # in DeepLabv3 with width 16 and output stride 8:   256×12×16
        branches = [self.point(x)]  # 64×12×16
        branches += [block(x) for block in self.dilated]  # 64×12×16 64×12×16 64×12×16 64×12×16
        mean = x.mean((2, 3), keepdim=True)  # 256×1×1
        mean = self.image(mean)  # 64×1×1
        branches.append(mean.expand_as(branches[0]))
        x = torch.cat(branches, dim=1)  # 320×12×16
        return self.mix(x)  # 64×12×16


class DeepLabV3(nn.Module):
    """N×3×H×W float32 in [0, 1] to logits N×classes×H×W; H and W divisible by output_stride."""

    def __init__(self, classes, width, output_stride, rates, encoder):
        super().__init__()
        self.encoder = make_encoder(encoder, width, output_stride)
        self.aspp = ASPP(self.encoder.widths[-1], 4 * width, scaled(rates, output_stride))
        self.head = nn.Conv2d(4 * width, classes, 1)
        initialize(self)

    def forward(self, image):  # with width 16 and output stride 8:   3×96×128
        x = self.encoder(image)[-1]  # 256×12×16
        x = self.aspp(x)  # 64×12×16
        x = self.head(x)  # classes×12×16
        return resize(x, image)  # classes×96×128


class DeepLabV3Plus(nn.Module):
    """N×3×H×W float32 in [0, 1] to logits N×classes×H×W; H and W divisible by output_stride."""

    def __init__(self, classes, width, output_stride, rates, encoder):
        super().__init__()
        self.encoder = make_encoder(encoder, width, output_stride)
        rates = scaled(rates, output_stride)
        self.aspp = ASPP(self.encoder.widths[-1], 4 * width, rates, separable=True)
        # Few maps, lest the edges of the low level outweigh what the high one knows.
        self.low = conv_norm_relu(self.encoder.widths[2], width, 1)
        self.join1 = separable_conv(5 * width, 4 * width)
        self.join2 = separable_conv(4 * width, 4 * width)
        self.head = nn.Conv2d(4 * width, classes, 1)
        initialize(self)

    def forward(self, image):  # with width 16 and output stride 16:   3×96×128
        maps = self.encoder(image)  # 16×96×128 32×48×64 64×24×32 128×12×16 256×6×8 256×6×8
        x = self.aspp(maps[-1])  # 64×6×8
        low = self.low(maps[2])  # 16×24×32
        x = resize(x, low)  # 64×24×32
        x = torch.cat([low, x], dim=1)  # 80×24×32
        x = self.join1(x)  # 64×24×32
        x = self.join2(x)  # 64×24×32
        x = self.head(x)  # classes×24×32
        return resize(x, image)  # classes×96×128


def scaled(rates: tuple[int, ...], output_stride: int) -> list[int]:
    """The rates of the ASPP, given for output stride 16: twice as wide on maps twice as large."""
    return [max(1, rate * 16 // output_stride) for rate in rates]


def deeplabv3(
    classes: int,
    width: int = 16,
    output_stride: int = 8,
    rates: tuple[int, ...] = (1, 2, 3),
    encoder: str = "plain",
) -> DeepLabV3:
    """A DeepLabv3 that gives logits N×classes×H×W for images N×3×H×W, float32 in [0, 1].

    The last maps of the encoder have one pixel for `output_stride` pixels of the image, 8, 16 or
    32. `rates` are those of the ASPP at output stride 16, and are doubled at 8. The paper's (6, 12,
    18) are for images of 513×513: on small maps such kernels reach over the edge, and only their
    centres see something. `encoder` is "plain", "resnet18", "resnet50", "mobilenet_v2" or "vgg16".
    H and W must be divisible by output_stride: otherwise the forward pass raises a ValueError
    naming a size that fits.
    """
    return DeepLabV3(classes, width, output_stride, rates, encoder)


def deeplabv3plus(
    classes: int,
    width: int = 16,
    output_stride: int = 16,
    rates: tuple[int, ...] = (1, 2, 3),
    encoder: str = "plain",
) -> DeepLabV3Plus:
    """A DeepLabv3+ that gives logits N×classes×H×W for images N×3×H×W, float32 in [0, 1].

    `deeplabv3` with a decoder: its maps, enlarged to a quarter of the image, meet maps of that size
    from early in the encoder, and separable convolutions join them. The arguments are the same.
    """
    return DeepLabV3Plus(classes, width, output_stride, rates, encoder)
