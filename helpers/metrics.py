"""How good is a mask? Everything is read off one confusion matrix.

With TP, FP and FN the true positive, false positive and false negative pixels of a class:

    accuracy = correct pixels / all pixels
    IoU      = TP / (TP + FP + FN)            (Jaccard 1912)
    Dice     = 2 TP / (2 TP + FP + FN)        (Dice 1945)      = 2 IoU / (1 + IoU)

A class that is neither in the truth nor in the prediction has no IoU and no Dice: nan, and means
leave it out. Pixels whose *true* id is `ignore` are not counted at all.
"""

from collections.abc import Iterable

import numpy as np

from helpers.classes import IGNORE, LYFT


class Confusion:
    """Counts pixels by true and predicted class, over as many images as you add.

    Adding images and then asking for the IoU gives the *pooled* IoU: each pixel counts the same,
    whichever image it is in.

    Attributes:
        matrix: int64, C×C; row = true class, column = predicted class.
    """

    def __init__(self, classes: int = len(LYFT), ignore: int = IGNORE) -> None:
        self.classes = classes
        self.ignore = ignore
        self.matrix = np.zeros((classes, classes), np.int64)

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
        counted = truth != self.ignore
        truth, prediction = truth[counted].astype(np.int64), prediction[counted].astype(np.int64)
        for name, ids in (("truth", truth), ("prediction", prediction)):
            wrong = (ids < 0) | (ids >= self.classes)
            if wrong.any():
                row = np.argwhere(counted)[np.argmax(wrong)]
                raise ValueError(
                    f"{name}: class id {ids[np.argmax(wrong)]} at {tuple(map(int, row))}; "
                    f"ids are 0 to {self.classes - 1}"
                )
        pairs = np.bincount(truth * self.classes + prediction, minlength=self.classes**2)
        self.matrix += pairs.reshape(self.classes, self.classes)
        return self

    def accuracy(self) -> float:
        """The share of the pixels that are right; nan if nothing was counted."""
        total = self.matrix.sum()
        return float(np.trace(self.matrix) / total) if total else float("nan")

    def class_accuracy(self) -> np.ndarray:
        """For each class the share of its true pixels that were found (recall), float64, C."""
        return _ratio(np.diag(self.matrix), self.matrix.sum(1))

    def iou(self) -> np.ndarray:
        """Intersection over union of each class, float64, C; nan where absent from both."""
        hit = np.diag(self.matrix)
        return _ratio(hit, self.matrix.sum(0) + self.matrix.sum(1) - hit)

    def dice(self) -> np.ndarray:
        """Dice of each class, float64, C; nan where absent from both."""
        return _ratio(2 * np.diag(self.matrix), self.matrix.sum(0) + self.matrix.sum(1))

    def mean_iou(self, ids: Iterable[int] | None = None) -> float:
        """The mean IoU over the present classes, or over those of `ids`; nan if there is none."""
        iou = self.iou() if ids is None else self.iou()[list(ids)]
        return float(iou[~np.isnan(iou)].mean()) if not np.isnan(iou).all() else float("nan")


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


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
