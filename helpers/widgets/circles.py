"""Two circles, the truth and an answer: IoU, Dice and accuracy as they move and grow."""

import numpy as np

from helpers.widgets.core import Synced, Widget
from helpers.widgets.threshold import FN, FP, TP


class Circles(Widget):
    """What `circles` returns; every attribute can be set from Python.

    The truth A lies in the middle of a square picture, the answer B beside it. A pixel belongs to
    a circle if it lies less than the radius from its centre.

    Attributes:
        x, y: how far B lies to the right of A and below it, in pixels.
        radius: of B.
        true_radius: of A.
        side: of the picture.
    """

    script = "circles.js"
    x = Synced(30)
    y = Synced(0)
    radius = Synced(40)
    true_radius = Synced(40)
    side = Synced(320)

    def sets(self) -> tuple[np.ndarray, np.ndarray]:
        """A and B, bool, side×side."""
        y, x = np.mgrid[: self.side, : self.side] - self.side / 2
        truth = x**2 + y**2 < self.true_radius**2
        return truth, (x - self.x) ** 2 + (y - self.y) ** 2 < self.radius**2

    def text(self) -> str:
        """The three scores with their numbers."""
        a, b = self.sets()
        both, union, right = (a & b).sum(), (a | b).sum(), (a == b).sum()
        return (
            f"Two circles in {self.side}×{self.side} pixels, "
            f"A with radius {self.true_radius}, B with radius {self.radius}, "
            f"{self.x} to the right and {self.y} down\n"
            f"IoU = |A∩B| / |A∪B| = {both:,} / {union:,} = {both / union:.3f}\n"
            f"Dice = 2·|A∩B| / (|A|+|B|) = {2 * both:,} / {a.sum() + b.sum():,} = "
            f"{2 * both / (a.sum() + b.sum()):.3f}\n"
            f"accuracy = (TP+TN) / all = {right:,} / {a.size:,} = {right / a.size:.3f}"
        )

    def picture(self) -> np.ndarray:
        """A∩B blue, only B yellow, only A magenta, the rest light grey."""
        a, b = self.sets()
        picture = np.full((*a.shape, 3), 221, np.uint8)
        picture[a & b], picture[b & ~a], picture[a & ~b] = TP, FP, FN
        return picture


def circles(x: int = 30, y: int = 0, radius: int = 40) -> Circles:
    """Two circles that you move and grow, with the numbers in the formulas.

    Args:
        x, y: how far the answer lies to the right of the truth and below it, in pixels.
        radius: of the answer; the truth has 40.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: a circle would leave the sliders' range.
    """
    for name, value, low in (("x", x, -160), ("y", y, -160), ("radius", radius, 1)):
        if not low <= value <= 160:
            raise ValueError(f"{name} is {value}; it goes from {low} to 160")
    alt = "Two circles, the truth A and the answer B; what they share is marked."
    widget = Circles("Two circles", alt, width=10, height=6)
    widget.x, widget.y, widget.radius = int(x), int(y), int(radius)
    return widget
