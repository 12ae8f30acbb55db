"""How good is a mask? Everything is read off one confusion matrix.

With TP, FP and FN the true positive, false positive and false negative pixels of a class:

    accuracy  = correct pixels / all pixels
    precision = TP / (TP + FP)                recall = class accuracy = TP / (TP + FN)
    IoU       = TP / (TP + FP + FN)           (Jaccard 1912)
    Dice      = 2 TP / (2 TP + FP + FN)       (Dice 1945)      = 2 IoU / (1 + IoU)
    F_beta    = (1 + b²) TP / ((1 + b²) TP + b² FN + FP)       (van Rijsbergen 1979); F_1 = Dice

The rule for absent classes: where a denominator is 0, the score is `absent`, nan unless you say 0
or 1, and means leave nan out. Pixels whose *true* id is `ignore` are not counted at all.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from helpers.classes import CHALLENGE, IGNORE, LYFT


class Confusion:
    """Counts pixels by true and predicted class, over as many images as you add.

    Adding images and then asking for the IoU gives the *pooled* IoU: each pixel counts the same,
    whichever image it is in. For means over images see `iou_per_image`.

    Attributes:
        matrix: int64, C×C; row = true class, column = predicted class.
    """

    def __init__(
        self, classes: int = len(LYFT), ignore: int = IGNORE, matrix: np.ndarray | None = None
    ) -> None:
        self.classes = classes
        self.ignore = ignore
        self.matrix = np.zeros((classes, classes), np.int64)
        if matrix is not None:
            self.matrix += np.asarray(matrix, np.int64)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> "Confusion":
        """Counts one mask, or a stack of them.

        Args:
            truth, prediction: class ids of any integer type and of the same shape.

        Returns:
            itself.

        Raises:
            ValueError: shapes differ, the ids are no integers, or one is out of range.
        """
        truth, prediction = np.asarray(truth), np.asarray(prediction)
        if truth.shape != prediction.shape:
            raise ValueError(
                f"truth has the shape {truth.shape}, prediction {prediction.shape}: "
                "they must be the same. Resize the prediction, not the truth."
            )
        for name, mask in (("truth", truth), ("prediction", prediction)):
            if not np.issubdtype(mask.dtype, np.integer):
                raise ValueError(f"{name} holds {mask.dtype}; class ids are integers")
        if truth.size:
            pairs = self._quickly(truth, prediction) or self._carefully(truth, prediction)
            self.matrix += _count(*pairs, self.classes)[1:]  # row 0 holds what is ignored
        return self

    def _quickly(self, truth: np.ndarray, prediction: np.ndarray) -> tuple | None:
        """True ids plus 1, with 0 for ignored, and predicted ids; None if any id is unusual."""
        truth, prediction = _bytes(truth), _bytes(prediction)
        if truth is None or prediction is None or self.classes > 254:
            return None
        if self.ignore != 255 and truth.max() == 255:
            return None
        rows = truth + np.uint8(1)  # 255 + 1 gives 0
        if 0 <= self.ignore < 255:
            rows *= truth != self.ignore
        if rows.max() > self.classes or prediction.max() >= self.classes:
            return None
        return rows, prediction

    def _carefully(self, truth: np.ndarray, prediction: np.ndarray) -> tuple:
        """The same for ids of any size, looked at one by one; raises for the first wrong one."""
        # signed: NumPy before 2.2.6 crashes where strided unsigned ids meet a negative number
        counted = truth.astype(np.int64, copy=False) != self.ignore
        for name, ids in (("truth", truth), ("prediction", prediction)):
            wrong = counted & ((ids < 0) | (ids >= self.classes))
            if wrong.any():
                place = tuple(map(int, np.argwhere(wrong)[0]))
                raise ValueError(
                    f"{name}: class id {ids[place]} at {place}; ids are 0 to {self.classes - 1}"
                )
        rows = np.where(counted, truth.astype(np.int64) + 1, 0)
        return rows, np.where(counted, prediction, 0)

    def true_false(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """TP, FP and FN of each class, int64, C."""
        hit = np.diag(self.matrix)
        return hit, self.matrix.sum(0) - hit, self.matrix.sum(1) - hit

    def _score(self, name: str, absent: float, beta: float = 1.0) -> np.ndarray:
        return ratio(*fraction(name, *self.true_false(), beta), absent)

    def merge(self, table: Sequence[int]) -> "Confusion":
        """The confusion of coarser classes: class k becomes table[k]; ids from 0 on.

        The same as merging truth and prediction first: counts add up. To the challenge's classes:
        `confusion.merge(masks.challenge_classes(np.arange(13)))`.
        """
        into = np.eye(max(table) + 1, dtype=np.int64)[list(table)]
        return Confusion(into.shape[1], self.ignore, into.T @ self.matrix @ into)

    def accuracy(self) -> float:
        """The share of the pixels that are right; nan if nothing was counted."""
        total = self.matrix.sum()
        return float(np.trace(self.matrix) / total) if total else float("nan")

    def class_accuracy(self, absent: float = np.nan) -> np.ndarray:
        """For each class the share of its true pixels that were found, float64, C; = recall."""
        return self.recall(absent)

    def precision(self, absent: float = np.nan) -> np.ndarray:
        """For each class the share of its predicted pixels that are right, float64, C."""
        return self._score("precision", absent)

    def recall(self, absent: float = np.nan) -> np.ndarray:
        """For each class the share of its true pixels that were found, float64, C."""
        return self._score("recall", absent)

    def iou(self, absent: float = np.nan) -> np.ndarray:
        """Intersection over union of each class, float64, C; `absent` where in neither mask."""
        return self._score("iou", absent)

    def dice(self, absent: float = np.nan) -> np.ndarray:
        """Dice of each class, float64, C; `absent` where in neither mask."""
        return self._score("dice", absent)

    def f_beta(self, beta: float = 1.0, absent: float = np.nan) -> np.ndarray:
        """F-beta of each class, float64, C. beta > 1 weighs recall more, beta < 1 precision."""
        return self._score("f_beta", absent, beta)

    def mean_iou(self, ids: Iterable[int] | None = None, absent: float = np.nan) -> float:
        """The mean IoU over the classes, or over those of `ids`, leaving nan out."""
        return mean(self.iou(absent) if ids is None else self.iou(absent)[list(ids)])

    def frequency_weighted_iou(self) -> float:
        """The IoU of each class weighted by its share of the true pixels (Long et al. 2015)."""
        frequency = self.matrix.sum(1)
        if not frequency.any():
            return float("nan")
        return float((frequency * self.iou(absent=0)).sum() / frequency.sum())


def accuracy(truth: np.ndarray, prediction: np.ndarray, classes: int = len(LYFT)) -> float:
    """Pixel accuracy of one mask or a stack of masks; see `Confusion.accuracy`."""
    return Confusion(classes).add(truth, prediction).accuracy()


def iou(truth: np.ndarray, prediction: np.ndarray, classes: int = len(LYFT)) -> np.ndarray:
    """IoU of each class, float64, C; see `Confusion.iou`."""
    return Confusion(classes).add(truth, prediction).iou()


def dice(truth: np.ndarray, prediction: np.ndarray, classes: int = len(LYFT)) -> np.ndarray:
    """Dice of each class, float64, C; see `Confusion.dice`."""
    return Confusion(classes).add(truth, prediction).dice()


def mean_iou(truth: np.ndarray, prediction: np.ndarray, classes: int = len(LYFT)) -> float:
    """The mean IoU over the present classes; see `Confusion.mean_iou`."""
    return Confusion(classes).add(truth, prediction).mean_iou()


def iou_per_image(
    truth: np.ndarray,
    prediction: np.ndarray,
    classes: int = len(LYFT),
    absent: float = np.nan,
) -> np.ndarray:
    """The IoU of each class in each image by itself: N×H×W ids → float64 N×C.

    `mean(scores)` over all of it, over axis 1 first or over axis 0 first are three different
    means, and the pooled IoU of `Confusion` is a fourth: always say which one you report.
    """
    return np.array(
        [Confusion(classes).add(t, p).iou(absent) for t, p in zip(truth, prediction, strict=True)]
    ).reshape(-1, classes)


def mean(scores: np.ndarray) -> float:
    """The mean of the scores that are not nan; nan if there is none."""
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if known.size else float("nan")


def challenge_score(confusion: Confusion, frames_per_second: float | None = None) -> float:
    """The score of the Lyft-Udacity challenge, at best 100.

        100 · (F_2 of Vehicle + F_0.5 of Road) / 2 − max(0, 10 − frames per second)

    Args:
        confusion: of masks in the challenge's three classes (see `masks.challenge_classes`).
        frames_per_second: how fast the masks were made; without it nothing is taken off.

    Returns:
        the score; nan if neither the truth nor the masks have a vehicle, or a road.

    Raises:
        ValueError: the confusion is of other classes.
    """
    if confusion.classes != len(CHALLENGE):
        raise ValueError(
            f"the challenge has {len(CHALLENGE)} classes, this confusion {confusion.classes}. "
            "Merge truth and prediction with masks.challenge_classes first."
        )
    vehicle = confusion.f_beta(2)[CHALLENGE.id("Vehicle")]
    road = confusion.f_beta(0.5)[CHALLENGE.id("Road")]
    slow = 0 if frames_per_second is None else max(0, 10 - frames_per_second)
    return float(100 * (vehicle + road) / 2 - slow)


def fraction(score: str, tp, fp, fn, beta: float = 1.0) -> tuple:
    """The formula of a score as (numerator, denominator), for arrays of NumPy or of a framework.

    Args:
        score: precision, recall, iou, dice or f_beta.
        tp, fp, fn: counts, of any shape.
        beta: of f_beta.

    Raises:
        ValueError: there is no such score; it lists those there are.
    """
    if score == "f_beta":
        hit = (1 + beta**2) * tp
        return hit, hit + beta**2 * fn + fp
    fractions = {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "iou": (tp, tp + fp + fn),
        "dice": (2 * tp, 2 * tp + fp + fn),
    }
    if score not in fractions:
        raise ValueError(f"no score '{score}'; there are {', '.join([*fractions, 'f_beta'])}")
    return fractions[score]


def ratio(part: np.ndarray, whole: np.ndarray, absent: float) -> np.ndarray:
    """part / whole, float64; `absent` where the whole is 0."""
    return np.divide(part, whole, out=np.full(len(part), float(absent)), where=whole > 0)


def _bytes(ids: np.ndarray) -> np.ndarray | None:
    """The ids as uint8, or None if they do not fit."""
    if ids.dtype != np.uint8 and (ids.min() < 0 or ids.max() > 255):
        return None
    return ids.astype(np.uint8, copy=False)


def _count(rows: np.ndarray, columns: np.ndarray, classes: int) -> np.ndarray:
    """How often each (row, column) occurs, (classes + 1)×classes.

    Masks are runs of one class, so it is quickest to find where the pair changes and add up the
    lengths of the runs; where there is little but changes, a histogram of the pairs is.
    """
    size = (classes + 1) * classes
    small = np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int64
    pair = rows.astype(small, copy=False)
    pair *= small(classes)  # in place: new memory costs more than the sums
    pair += columns.astype(small, copy=False)
    pair = pair.ravel()
    changes = pair[1:] != pair[:-1]
    if np.count_nonzero(changes) < len(pair) // 10:
        last = np.append(np.flatnonzero(changes), len(pair) - 1)
        length = np.diff(last, prepend=-1)
        counts = np.bincount(pair[last], weights=length, minlength=size).astype(np.int64)
    elif small is np.uint8:
        counts = np.array(Image.fromarray(pair[None]).histogram()[:size])
    else:
        counts = np.bincount(pair, minlength=size)
    return counts.reshape(classes + 1, classes)
