"""MobileNetV3-Large, row by row, for both frameworks (Howard et al. 2019, arXiv:1905.02244)."""

from typing import NamedTuple


class Row(NamedTuple):
    """One inverted residual: it widens the maps, filters each alone, and narrows them again."""

    size: int
    """The side of the kernels."""
    wide: int
    """Maps in between."""
    after: int
    """Maps that leave it."""
    squeeze: int
    """Maps of its squeeze-and-excitation, 0 where it has none: a quarter, in steps of eight."""
    hard_swish: bool
    """Its activation; else ReLU."""
    stride: int = 1
    dilation: int = 1


STEM = 16
PLAN = (
    Row(3, 16, 16, 0, False),
    Row(3, 64, 24, 0, False, stride=2),
    Row(3, 72, 24, 0, False),
    Row(5, 72, 40, 24, False, stride=2),
    Row(5, 120, 40, 32, False),
    Row(5, 120, 40, 32, False),
    Row(3, 240, 80, 0, True, stride=2),
    Row(3, 200, 80, 0, True),
    Row(3, 184, 80, 0, True),
    Row(3, 184, 80, 0, True),
    Row(3, 480, 112, 120, True),
    Row(3, 672, 112, 168, True),
    # for segmentation the last halving is left out, and the kernels are spread out instead
    Row(5, 672, 160, 168, True, dilation=2),
    Row(5, 960, 160, 240, True, dilation=2),
    Row(5, 960, 160, 240, True, dilation=2),
)
LAST = 960
