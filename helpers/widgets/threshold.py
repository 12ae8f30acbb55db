"""Where to cut a map of probabilities: the mask, its scores and their curves at every threshold."""

import numpy as np

from helpers.classes import IGNORE
from helpers.threshold import HUNDREDTHS, Sweep
from helpers.widgets.core import Synced, Widget, check_image, jpeg, packed

TP, FP, FN = (0, 54, 209), (255, 242, 0), (234, 0, 114)  # blue, yellow, magenta


class Threshold(Widget):
    """What `threshold` returns; every attribute can be set from Python.

    Attributes:
        threshold: the mask is where the probability reaches it; in hundredths, 0 to 1.
        beta: of F-beta, 0.25 to 4.
        opacity: 0 shows the photo alone.
        view: 'groups' (true and false pixels) or 'probability'.
        chart: 'scores' (over the threshold) or 'pr' (precision over recall).
    """

    script = "threshold.js"
    threshold = Synced(0.5)
    beta = Synced(1.0)
    opacity = Synced(0.6)
    view = Synced("groups")
    chart = Synced("scores")

    def __init__(self, image, probability, groups, sweep, beta, alt) -> None:
        self._image, self._groups, self._sweep = image, groups, sweep
        # a step of 1/100 reaches a threshold exactly if the probability does
        steps = np.searchsorted(HUNDREDTHS.astype(probability.dtype), probability, side="right")
        self._steps = (steps - 1).astype(np.uint8)
        height, width = groups.shape
        super().__init__(
            "Threshold",
            alt or f"A photo of {width}×{height} pixels under a map of probabilities.",
            image=jpeg(image),
            steps=packed(self._steps),
            truth=packed(groups),
            width=width,
            height=height,
        )
        self.beta = float(beta)

    def _cut(self) -> int:
        return min(100, max(0, round(100 * self.threshold)))

    def text(self) -> str:
        """The scores at the threshold, and the best threshold."""
        sweep, at = self._sweep, self._cut()
        f = sweep.f_beta(self.beta)
        best, most = sweep.best(f)
        return (
            f"Threshold {at / 100:.2f}: precision {sweep.precision()[at]:.3f}, "
            f"recall {sweep.recall()[at]:.3f}, IoU {sweep.iou()[at]:.3f}, "
            f"F_{self.beta:g} {f[at]:.3f}\n"
            f"TP {sweep.tp[at]:,}, FP {sweep.fp[at]:,}, FN {sweep.fn[at]:,} pixels\n"
            f"The best F_{self.beta:g} is {most:.3f}, at threshold {best:.2f}"
        )

    def picture(self) -> np.ndarray:
        """True positives blue, false positives yellow, false negatives magenta, on the photo."""
        named = self._steps >= self._cut()
        tint = self._image.astype(float)
        for where, colour in (
            (named & (self._groups == 1), TP),
            (named & (self._groups == 0), FP),
            (~named & (self._groups == 1), FN),
        ):
            tint[where] = colour
        return (self._image + self.opacity * (tint - self._image)).round().astype(np.uint8)


def threshold(
    image: np.ndarray,
    probability: np.ndarray,
    truth: np.ndarray,
    k: int | None = None,
    beta: float = 1.0,
    alt: str = "",
) -> Threshold:
    """Cuts a map of probabilities at a threshold that you move, and scores the mask.

    Counts and curves are those of `helpers.threshold.Sweep`, at 0, 0.01, … 1.

    Args:
        image: uint8, H×W×3.
        probability: of the class, float H×W, 0 to 1. Of H×W×C take one: probabilities[..., k].
        truth: bool H×W, True where the class is; or class ids, and then `k` is the class.
        k: a class id.
        beta: of F-beta: above 1, missed pixels weigh more than false ones.
        alt: what the picture shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: sizes differ, a value is no probability, ids come without `k`, or `beta` is
            not in 0.25 to 4.
    """
    image, probability, truth = check_image(image), np.asarray(probability), np.asarray(truth)
    if not 0.25 <= beta <= 4:
        raise ValueError(f"beta is {beta}; the slider goes from 0.25 to 4")
    sweep = Sweep().add(truth, probability, k)
    if truth.shape != image.shape[:2]:
        raise ValueError(
            f"probability and truth have the shape {truth.shape}, the image is {image.shape[0]}×"
            f"{image.shape[1]}: resize the image with masks.resize_image"
        )
    if not np.issubdtype(probability.dtype, np.floating):
        probability = probability.astype(float)
    groups = truth if truth.dtype == bool else np.where(truth == IGNORE, IGNORE, truth == k)
    return Threshold(image, probability, groups.astype(np.uint8), sweep, beta, alt)
