"""Checks of metrics of masks: IoU, the confusion matrix.

Each reference is written out here, apart from helpers/, so that a fault in one shows in the other.
"""

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- iou(truth, prediction, classes) → one number per class


def iou(truth, prediction, classes, absent=np.nan, union=None, ignore=True):
    counted = truth != 255 if ignore else np.ones(truth.shape, bool)
    values = []
    for c in range(classes):
        t, p = (truth == c) & counted, (prediction == c) & counted
        whole = union(t, p) if union else (t | p).sum()
        values.append((t & p).sum() / whole if whole else absent)
    return np.array(values)


IOU_MISTAKES = {
    "the union is the sum of both areas, so that the overlap counts twice": (
        lambda t, p, c: iou(t, p, c, union=lambda a, b: a.sum() + b.sum())
    ),
    "that is Dice: the union counts the overlap once": (
        lambda t, p, c: 2 * iou(t, p, c) / (1 + iou(t, p, c))
    ),
    "that is recall: the union also holds what was predicted wrongly": (
        lambda t, p, c: iou(t, p, c, union=lambda a, b: a.sum())
    ),
    "that is precision: the union also holds what was missed": (
        lambda t, p, c: iou(t, p, c, union=lambda a, b: b.sum())
    ),
    "a class that is in neither mask has IoU 0: it must be nan": lambda t, p, c: iou(t, p, c, 0.0),
    "a class that is in neither mask has IoU 1: it must be nan": lambda t, p, c: iou(t, p, c, 1.0),
    "ignored pixels (255 in the truth) are counted": lambda t, p, c: iou(t, p, c, ignore=False),
    "one number comes back: the mean. One per class is asked for": (
        lambda t, p, c: np.nanmean(iou(t, p, c))
    ),
}


def iou_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part in ("values", "values", "absent", "ignore"):
        truth = rng.integers(0, 5, (24, 31)).astype(np.uint8)
        prediction = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 5, truth.shape))
        if part == "ignore":
            truth[rng.random(truth.shape) < 0.2] = 255
        inputs = [truth, prediction.astype(np.uint8), 8 if part == "absent" else 5]
        cases.append(case(part, inputs, iou, IOU_MISTAKES))
    return cases


# ---- confusion(truth, prediction, classes) → C×C counts, row = truth


def confusion(truth, prediction, classes, counted=None, kind=np.int64):
    counted = truth != 255 if counted is None else counted
    pairs = truth[counted].astype(kind) * kind(classes) + prediction[counted].astype(kind)
    return np.bincount(pairs, minlength=classes**2)[: classes**2].reshape(classes, classes)


def _once(truth, prediction, classes):
    matrix, counted = np.zeros((classes, classes), np.int64), truth != 255
    matrix[truth[counted], prediction[counted]] += 1
    return matrix


def _present(truth, prediction, classes):
    ids = np.union1d(truth[truth != 255], prediction).astype(np.int64)
    return confusion(truth, prediction, classes)[np.ix_(ids, ids)]


CONFUSION_MISTAKES = {
    "rows and columns are exchanged: the row is the true class, the column the predicted one": (
        lambda t, p, c: confusion(t, p, c).T
    ),
    "ignored pixels (255 in the truth) are counted as the last class": (
        lambda t, p, c: confusion(np.minimum(t, c - 1), p, c)
    ),
    "ignored pixels (255 in the truth) are counted as class 0": (
        lambda t, p, c: confusion(np.where(t == 255, 0, t), p, c)
    ),
    "the last class is left out: ids go up to classes − 1, and 255 alone is ignored": (
        lambda t, p, c: confusion(t, p, c, counted=t < c - 1)
    ),
    "class 0 is left out: it is a class like the others": (
        lambda t, p, c: confusion(t, p, c, counted=(t > 0) & (t != 255))
    ),
    "matrix[truth, prediction] += 1 counts each pair once at most: use np.add.at or np.bincount": (
        _once
    ),
    "truth * classes + prediction grows beyond 255 and wraps around in uint8: convert to int64 "
    "first": lambda t, p, c: confusion(t, p, c, kind=np.uint8),
    "there is a row for each id that occurs: make classes × classes, always": _present,
    "these are shares of all pixels: counts are asked for": (
        lambda t, p, c: confusion(t, p, c) / max(1, np.count_nonzero(t != 255))
    ),
    "these are shares of each true class: counts are asked for": (
        lambda t, p, c: confusion(t, p, c) / np.maximum(1, confusion(t, p, c).sum(1, keepdims=True))
    ),
    "these are shares of each predicted class: counts are asked for": (
        lambda t, p, c: confusion(t, p, c) / np.maximum(1, confusion(t, p, c).sum(0))
    ),
    "a count wraps around at 256: a matrix of 8 bits is too small. Count in int64": (
        lambda t, p, c: confusion(t, p, c).astype(np.uint8)
    ),
    "a count wraps around at 65536: a matrix of 16 bits is too small. Count in int64": (
        lambda t, p, c: confusion(t, p, c).astype(np.uint16)
    ),
    "only the first image of the stack is counted: masks may be N×H×W": (
        lambda t, p, c: confusion(t[0], p[0], c) if t.ndim == 3 else confusion(t, p, c)
    ),
}


def two_masks(rng, shape, classes, ignored=0.0, kind=np.uint8):
    """A random truth and a prediction that is right at six of ten pixels."""
    truth = rng.integers(0, classes, shape)
    prediction = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, classes, shape))
    truth[rng.random(shape) < ignored] = 255
    return truth.astype(kind), prediction.astype(kind)


CARRIED = "counts of an earlier call are still there: begin anew at each call, inside the function"


def confusion_cases(rng: np.random.Generator) -> list[Case]:
    cases: list[Case] = []
    earlier: dict[int, np.ndarray] = {}
    for part, shape, classes, ignored, kind in (
        ("counts", (24, 31), 4, 0, np.int64),
        ("counts", (17, 40), 13, 0, np.uint8),
        ("counts", (3, 11, 14), 4, 0, np.uint8),
        ("ignore", (24, 31), 5, 0.2, np.uint8),
        ("ignore", (2, 13, 9), 5, 0.3, np.int64),
        ("ignore", (9, 12), 3, 1, np.int32),
        ("any size and type", (60, 45), 40, 0.1, np.uint8),
        ("any size and type", (1, 1), 6, 0, np.uint16),
        ("any size and type", (40, 3), 2, 0.1, np.int16),
        ("any size and type", (20, 8, 12), 2, 0.1, np.uint8),
    ):
        truth, prediction = two_masks(rng, shape, classes, ignored, kind)
        if shape[0] == 20:  # 192,000 pixels: many more than 65,536 of one pair
            truth, prediction = np.tile([truth, prediction], (1, 1, 10, 10))
        carried = earlier.get(classes, 0)
        mistakes = CONFUSION_MISTAKES | {
            CARRIED: lambda t, p, c, carried=carried: confusion(t, p, c) + carried
        }
        cases.append(case(part, [truth, prediction, classes], confusion, mistakes))
        earlier[classes] = carried + cases[-1].expected[0]
    return cases
