"""FCN (Long, Shelhamer, Darrell 2015, arXiv:1411.4038): scores for classes, summed over scales."""

import torch
from torch import nn

from helpers.pytorch.encoder import make_encoder
from helpers.pytorch.layers import initialize, resize


class FCN(nn.Module):
    """N×3×H×W float32 in [0, 1] to logits N×classes×H×W; H and W divisible by 32."""

    def __init__(self, classes, width, stride, encoder):
        super().__init__()
        self.encoder = make_encoder(encoder, width)
        steps = {32: 0, 16: 1, 8: 2}[stride]
        widths = self.encoder.widths[::-1]
        self.score = nn.ModuleList(nn.Conv2d(widths[i], classes, 1) for i in range(steps + 1))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(classes, classes, 4, stride=2, padding=1, bias=False)
            for _ in range(steps)
        )
        initialize(self)
        for layer in self.up:
            interpolate_at_first(layer)

    def forward(self, image):  # with width 16 and stride 8:   3×96×128
        maps = self.encoder(image)  # 16×96×128 32×48×64 64×24×32 128×12×16 256×6×8 256×3×4
        x = self.score[0](maps.pop())  # classes×3×4
        for up, score in zip(self.up, self.score[1:], strict=True):
            x = up(x)  # classes×6×8   classes×12×16
            x = x + score(maps.pop())  # classes×6×8   classes×12×16
        return resize(x, image)  # classes×96×128


def interpolate_at_first(layer: nn.ConvTranspose2d) -> None:
    """Sets a 4×4 kernel of stride 2 to bilinear interpolation, each channel for itself."""
    side = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.zero_()
        for channel in range(len(layer.weight)):
            layer.weight[channel, channel] = torch.outer(side, side)


def fcn(classes: int, width: int = 16, stride: int = 8, encoder: str = "plain") -> FCN:
    """An FCN that gives logits N×classes×H×W for images N×3×H×W, float32 in [0, 1].

    `stride` is 32, 16 or 8, for FCN-32s, 16s or 8s: the finest maps that are scored have one pixel
    for so many pixels of the image. Coarser scores are doubled in size by kernels that start as
    bilinear interpolation and learn, and the last step interpolates, as in the paper. `encoder` is
    "plain", "resnet18", "resnet50", "mobilenet_v2" or "vgg16". H and W must be divisible by 32:
    otherwise the forward pass raises a ValueError naming a size that fits.
    """
    if stride not in (32, 16, 8):
        raise ValueError(f"stride is {stride}; it can be 32, 16 or 8.")
    return FCN(classes, width, stride, encoder)
