"""PSPNet (Zhao et al. 2017, arXiv:1612.01105): what a pixel is depends on what is all around."""

import torch
from torch import nn

from helpers.pytorch.encoder import make_encoder
from helpers.pytorch.layers import conv_norm_relu, initialize, resize


class PSPNet(nn.Module):
    """N×3×H×W float32 in [0, 1] to logits N×classes×H×W; H and W divisible by output_stride."""

    def __init__(self, classes, width, output_stride, bins, encoder):
        super().__init__()
        self.bins = bins
        self.encoder = make_encoder(encoder, width, output_stride)
        maps = self.encoder.widths[-1]
        # A single bin is one value for each map: too few for the statistics of a batch norm.
        self.pyramid = nn.ModuleList(
            conv_norm_relu(maps, maps // len(bins), 1, norm=side > 1) for side in bins
        )
        self.mix = conv_norm_relu(maps + maps // len(bins) * len(bins), 4 * width)
        self.head = nn.Conv2d(4 * width, classes, 1)
        initialize(self)

    def forward(self, image):  # with width 16 and output stride 8:   3×96×128
        x = self.encoder(image)[-1]  # 256×12×16
        branches = [x]
        for side, block in zip(self.bins, self.pyramid, strict=True):
            y = average(x, side)  # 256×1×1   256×2×2   256×3×3   256×6×6
            y = block(y)  # 64×1×1   64×2×2   64×3×3   64×6×6
            branches.append(resize(y, x))
        x = torch.cat(branches, dim=1)  # 512×12×16
        x = self.mix(x)  # 64×12×16
        x = self.head(x)  # classes×12×16
        return resize(x, image)  # classes×96×128


def average(x: torch.Tensor, side: int) -> torch.Tensor:
    """The means of side × side bins: N×C×H×W to N×C×side×side.

    Where H or W is not divisible, neighbouring bins share a row or column: `nn.AdaptiveAvgPool2d`,
    which has no way into an ONNX file.
    """
    if side == 1:
        return x.mean((2, 3), keepdim=True)
    height, width = map(int, x.shape[-2:])
    rows = [
        x[:, :, i * height // side : -(-(i + 1) * height // side)].mean(2, keepdim=True)
        for i in range(side)
    ]
    x = torch.cat(rows, dim=2)
    columns = [
        x[..., i * width // side : -(-(i + 1) * width // side)].mean(3, keepdim=True)
        for i in range(side)
    ]
    return torch.cat(columns, dim=3)


def pspnet(
    classes: int,
    width: int = 16,
    output_stride: int = 8,
    bins: tuple[int, ...] = (1, 2, 3, 6),
    encoder: str = "plain",
) -> PSPNet:
    """A PSPNet that gives logits N×classes×H×W for images N×3×H×W, float32 in [0, 1].

    The last maps of the encoder have one pixel for `output_stride` pixels of the image, 8, 16 or
    32. They are averaged over 1×1, 2×2, 3×3 and 6×6 `bins`, and each pixel gets these means beside
    its own maps. `encoder` is "plain", "resnet18", "resnet50", "mobilenet_v2" or "vgg16". H and W
    must be divisible by output_stride: otherwise the forward pass raises a ValueError naming a size
    that fits.
    """
    return PSPNet(classes, width, output_stride, bins, encoder)
