"""SegNet (Badrinarayanan et al. 2015, arXiv:1511.00561): maxima return to where they came from."""

import torch
from torch import nn
from torch.nn import functional as F

from helpers.pytorch.layers import double_conv, initialize
from helpers.sizes import check_size


class SegNet(nn.Module):
    """N×3×H×W float32 in [0, 1] to logits N×classes×H×W; H and W divisible by 2**depth."""

    def __init__(self, classes, width, depth):
        super().__init__()
        widths = [width * 2**level for level in range(depth)]  # 16, 32, 64, 128, 256
        before = [3, *widths]
        self.down = nn.ModuleList(double_conv(before[i], widths[i]) for i in range(depth))
        self.up = nn.ModuleList(double_conv(c, max(c // 2, width)) for c in reversed(widths))
        self.head = nn.Conv2d(width, classes, 1)
        initialize(self)

    def forward(self, x):  # with width 16 and depth 5:   3×96×128
        check_size(*x.shape[-2:], 2 ** len(self.down))
        places = []
        for block in self.down:
            x = block(x)  # 16×96×128   32×48×64   64×24×32   128×12×16   256×6×8
            places.append(switches(x))  # 16×96×128   32×48×64   64×24×32   128×12×16   256×6×8
            x = F.max_pool2d(x, 2)  # 16×48×64   32×24×32   64×12×16   128×6×8   256×3×4
        for block in self.up:
            x = unpool(x, places.pop())  # 256×6×8   128×12×16   64×24×32   32×48×64   16×96×128
            x = block(x)  # 128×6×8   64×12×16   32×24×32   16×48×64   16×96×128
        return self.head(x)  # classes×96×128


def switches(x: torch.Tensor) -> torch.Tensor:
    """Where the maxima of the 2×2 windows are: 1 there, 0 elsewhere; N×C×H×W like x.

    Of equal values the first counts, in the order of reading, as in `nn.MaxPool2d`.
    """
    x = x.detach()
    highest = x == F.interpolate(F.max_pool2d(x, 2), scale_factor=2.0)
    order = torch.tensor([[4.0, 3.0], [2.0, 1.0]], dtype=x.dtype, device=x.device)
    points = highest * order.repeat(x.shape[-2] // 2, x.shape[-1] // 2)
    return (points == F.interpolate(F.max_pool2d(points, 2), scale_factor=2.0)).to(x.dtype)


def unpool(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Each value goes back to where the maximum was, zeros around it: N×C×H×W to N×C×2H×2W.

    The same as `nn.MaxUnpool2d`, which has no way into an ONNX file.
    """
    return F.interpolate(x, scale_factor=2.0) * places


def segnet(classes: int, width: int = 16, depth: int = 5) -> SegNet:
    """A SegNet that gives logits N×classes×H×W for images N×3×H×W, float32 in [0, 1].

    `width` is the number of channels at full resolution; the maps are halved `depth` times, and
    doubled as often. H and W must be divisible by 2**depth: otherwise the forward pass raises a
    ValueError naming a size that fits.
    """
    return SegNet(classes, width, depth)
