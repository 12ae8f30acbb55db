"""Checks of metrics: the IoU of each class."""

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
