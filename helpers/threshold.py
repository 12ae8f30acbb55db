"""Where to cut? Scores of a probability map at many thresholds at once.

A network says how probable a class is at each pixel. 'Class k where p >= threshold' makes a mask of
it, and each threshold another one. A low threshold finds nearly all of the class (recall) and much
that is none (precision); a high one the other way round.
"""

import numpy as np

from helpers.classes import IGNORE
from helpers.metrics import fraction, ratio

HUNDREDTHS = np.arange(101) / 100


class Sweep:
    """Counts true and false positives at every threshold, over as many images as you add.

    Args:
        thresholds: float, T, rising; by default 0, 0.01, … 1. Another threshold gives another mask
            only where it passes a probability, so `np.unique(probabilities)` are all there are.
        ignore: the true id that does not count.

    Attributes:
        tp, fp, fn: int64, T: true positive, false positive, false negative pixels.
    """

    def __init__(self, thresholds: np.ndarray = HUNDREDTHS, ignore: int = IGNORE) -> None:
        self.thresholds = np.asarray(thresholds)
        if self.thresholds.ndim != 1 or not (np.diff(self.thresholds) >= 0).all():
            raise ValueError("thresholds are a row of rising numbers; sort them first")
        self.ignore = ignore
        self.tp, self.fp, self.fn = np.zeros((3, len(self.thresholds)), np.int64)

    def add(self, truth: np.ndarray, probabilities: np.ndarray, k: int | None = None) -> "Sweep":
        """Counts one map, or a stack of them.

        Args:
            truth: bool, True where the class is; or class ids, and then `k` is the class.
            probabilities: that of the class, float in [0, 1], of the same shape.
            k: a class id.

        Returns:
            itself.

        Raises:
            ValueError: shapes differ, a probability is nan or not in [0, 1] (it names the first),
                ids come without `k`.
        """
        truth, probabilities = np.asarray(truth), np.asarray(probabilities)
        if truth.shape != probabilities.shape:
            raise ValueError(
                f"truth has the shape {truth.shape}, probabilities {probabilities.shape}: they "
                "must be the same. Of H×W×C probabilities take the class: probabilities[..., k]."
            )
        wrong = ~((probabilities >= 0) & (probabilities <= 1))
        if wrong.any():
            place = tuple(map(int, np.argwhere(wrong)[0]))
            raise ValueError(
                f"probability {probabilities[place]} at {place}; probabilities are 0 to 1. "
                "Are these logits? Apply sigmoid or softmax. If nan: has training diverged?"
            )
        if truth.dtype == bool:
            is_class, rest = truth, ~truth
        elif k is None:
            raise ValueError(f"truth holds {truth.dtype}: name the class id k, or give truth == k")
        else:
            is_class, rest = truth == k, (truth != k) & (truth != self.ignore)
            is_class &= truth != self.ignore
        hits, false = (self._at_least(probabilities[region]) for region in (is_class, rest))
        self.tp += hits
        self.fp += false
        self.fn += np.count_nonzero(is_class) - hits
        return self

    def _at_least(self, values: np.ndarray) -> np.ndarray:
        """How many of the values reach each threshold, int64, T."""
        if not np.issubdtype(values.dtype, np.floating):
            values = values.astype(np.float64)
        # in the values' own type, so that float32 0.9 reaches 0.9, as in `values >= 0.9`
        thresholds = self.thresholds.astype(values.dtype)
        return values.size - np.searchsorted(np.sort(values), thresholds)

    def _score(self, name: str, absent: float, beta: float = 1.0) -> np.ndarray:
        return ratio(*fraction(name, self.tp, self.fp, self.fn, beta), absent)

    def precision(self, absent: float = np.nan) -> np.ndarray:
        """Precision at each threshold, float64, T; `absent` where nothing reaches it."""
        return self._score("precision", absent)

    def recall(self, absent: float = np.nan) -> np.ndarray:
        """Recall at each threshold, float64, T."""
        return self._score("recall", absent)

    def iou(self, absent: float = np.nan) -> np.ndarray:
        """IoU at each threshold, float64, T."""
        return self._score("iou", absent)

    def f_beta(self, beta: float = 1.0, absent: float = np.nan) -> np.ndarray:
        """F-beta at each threshold, float64, T; beta = 1 is Dice."""
        return self._score("f_beta", absent, beta)

    def best(self, scores: np.ndarray) -> tuple[float, float]:
        """The threshold with the highest score, and that score: `sweep.best(sweep.f_beta(2))`.

        Of several the lowest threshold. Where every score is nan, both are nan.
        """
        if np.isnan(scores).all():
            return float("nan"), float("nan")
        at = int(np.nanargmax(scores))
        return float(self.thresholds[at]), float(scores[at])
