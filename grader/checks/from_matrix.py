"""Checks of metrics that are read off a confusion matrix: accuracies, IoU and Dice of each class.

Each reference is written out here, apart from helpers/, so that a fault in one shows in the other.
"""

import numpy as np

from grader.checks import case
from helpers.verdict import Case


def matrices(rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """(part, matrix): all classes present, some absent in one way or another, and no pixel."""
    whole, larger = (
        rng.integers(1, 60, (size, size)) + np.diag(rng.integers(20, 400, size)) for size in (5, 14)
    )
    missed, invented, absent = rng.permutation(6)[:3]
    gaps = rng.integers(1, 60, (6, 6)) + np.diag(rng.integers(20, 400, 6))
    gaps[:, missed] = 0  # true, never predicted
    gaps[invented] = 0  # predicted, never true
    gaps[absent] = gaps[:, absent] = 0
    pixel = np.zeros((3, 3), np.int64)
    pixel[2, 2] = 1
    return [
        ("values", whole),
        ("values", larger * 1000),
        ("absent", gaps),
        ("absent", pixel),
        ("absent", np.zeros((4, 4), np.int64)),
    ]


def divided(part, whole, absent=np.nan):
    return np.divide(part, whole, out=np.full(np.shape(part), float(absent)), where=whole > 0)


def in_the_second(where, mistakes, reference, *words):
    """Known mistakes that are made in the second number alone; those whose hint holds a word."""
    return {
        f"{where}, {hint}": lambda m, wrong=wrong: (reference(m)[0], wrong(m)[1])
        for hint, wrong in mistakes.items()
        if any(word in hint for word in words)
    }


# ---- accuracies(matrix) → overall, per class


def accuracies(matrix, absent=np.nan, axis=1, overall=None):
    overall = np.trace(matrix) if overall is None else overall
    per_class = divided(np.diag(matrix), matrix.sum(axis), absent)
    return divided(overall, matrix.sum()), per_class


def _with_true_negatives(matrix):
    hit, total = np.diag(matrix), matrix.sum()
    right = hit + total - matrix.sum(0) - matrix.sum(1) + hit
    return accuracies(matrix)[0], divided(right, np.full(len(matrix), total))


def _averaged(matrix):
    known = accuracies(matrix)[1]
    known = known[~np.isnan(known)]
    return known.mean() if known.size else np.nan, accuracies(matrix)[1]


def _per_class_only(change):
    return lambda m: (accuracies(m)[0], change(m))


ACCURACY_MISTAKES = {
    "the accuracy of a class is divided by its predicted pixels, which is precision: divide by its "
    "true pixels, the sum of its row": lambda m: accuracies(m, axis=0),
    "the first number is the mean of the class accuracies: the overall accuracy counts pixels": (
        _averaged
    ),
    "a class without true pixels has accuracy 0: it must be nan": lambda m: accuracies(m, 0),
    "a class without true pixels has accuracy 1: it must be nan": lambda m: accuracies(m, 1),
    "the true negatives are counted as right, so that rare classes look perfect: divide the "
    "diagonal by the sum of the row": _with_true_negatives,
    "class 0 is left out of the overall accuracy: it is a class like the others": (
        lambda m: (divided(np.trace(m[1:, 1:]), m[1:].sum()), accuracies(m)[1])
    ),
    "the accuracy of a class is divided by all pixels: divide by its true pixels": (
        _per_class_only(lambda m: divided(np.diag(m), np.full(len(m), m.sum())))
    ),
    "the accuracy of a class is divided by its union, which is IoU: divide by its true pixels": (
        _per_class_only(lambda m: divided(np.diag(m), m.sum(0) + m.sum(1) - np.diag(m)))
    ),
    "without any pixel the overall accuracy is 0: it must be nan": (
        lambda m: (divided(np.trace(m), m.sum(), 0), accuracies(m)[1])
    ),
    "the overall accuracy is divided by the number of cells: divide by the number of pixels, "
    "matrix.sum()": lambda m: (np.trace(m) / m.size, accuracies(m)[1]),
    "that is the share of wrong pixels: the share of right ones is asked for": (
        lambda m: tuple(1 - value for value in accuracies(m))
    ),
    "counts are divided as whole numbers: use / and not //": (
        lambda m: tuple(np.floor(value) for value in accuracies(m))
    ),
    "the shares are in percent: leave them between 0 and 1": (
        lambda m: tuple(100 * value for value in accuracies(m))
    ),
    "the shares are rounded to two places: return them as they are": (
        lambda m: tuple(np.round(value, 2) for value in accuracies(m))
    ),
    "the shares are rounded to three places: return them as they are": (
        lambda m: tuple(np.round(value, 3) for value in accuracies(m))
    ),
}
ACCURACY_MISTAKES |= in_the_second(
    "in the accuracies of the classes",
    ACCURACY_MISTAKES,
    accuracies,
    "whole numbers",
    "percent",
    "rounded",
)


def accuracy_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(part, [m], accuracies, ACCURACY_MISTAKES, names=("overall", "per_class"))
        for part, m in matrices(rng)
    ]


# ---- iou_and_dice(matrix) → IoU, Dice, per class


def iou_and_dice(matrix, absent=np.nan, dice=None, union=None):
    hit, true, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    whole = true + predicted - hit if union is None else union(true, predicted)
    part = 2 * hit if dice is None else dice(hit)
    return divided(hit, whole, absent), divided(part, true + predicted, absent)


def _from_zero(matrix):
    hit = np.diag(matrix) > 0
    return tuple(np.where(hit, value, np.nan) for value in iou_and_dice(matrix))


def _smoothed(matrix):
    hit, areas = np.diag(matrix), matrix.sum(0) + matrix.sum(1)
    return (hit + 1) / (areas - hit + 1), (2 * hit + 1) / (areas + 1)


def _blind_to_invented(matrix):
    seen = matrix.sum(1) > 0
    return tuple(np.where(seen, value, np.nan) for value in iou_and_dice(matrix))


IOU_DICE_MISTAKES = {
    "the union is the sum of both areas, so that the overlap counts twice: take it off once": (
        lambda m: iou_and_dice(m, union=np.add)
    ),
    "Dice lacks the 2 before the overlap": lambda m: iou_and_dice(m, dice=lambda hit: hit),
    "IoU and Dice are exchanged: IoU comes first": lambda m: iou_and_dice(m)[::-1],
    "the first is recall: the union also holds what was predicted wrongly": (
        lambda m: iou_and_dice(m, union=lambda true, predicted: true)
    ),
    "the first is precision: the union also holds what was missed": (
        lambda m: iou_and_dice(m, union=lambda true, predicted: predicted)
    ),
    "Dice is not 2 · IoU: its denominator is the sum of both areas": (
        lambda m: (iou_and_dice(m)[0], 2 * iou_and_dice(m)[0])
    ),
    "a class that is in neither mask has the value 0: it must be nan": (
        lambda m: iou_and_dice(m, absent=0)
    ),
    "a class that is in neither mask has the value 1: it must be nan": (
        lambda m: iou_and_dice(m, absent=1)
    ),
    "a class that was predicted and is nowhere true gets nan: it is wrong, so 0. Only a class that "
    "is in neither mask is nan": _blind_to_invented,
    "a class that was missed altogether, or made up, gets nan: it is wrong, so 0. Only a class "
    "that is in neither mask is nan": _from_zero,
    "Dice is 2 · IoU / (1 + IoU), and not IoU / (2 − IoU): that goes the other way": (
        lambda m: (iou_and_dice(m)[0], iou_and_dice(m)[0] / (2 - iou_and_dice(m)[0]))
    ),
    "1 is added above and below: that is for losses. Divide the counts as they are": _smoothed,
    "class 0 is left out: it is a class like the others": (
        lambda m: tuple(value[1:] for value in iou_and_dice(m))
    ),
    "counts are divided as whole numbers: use / and not //": (
        lambda m: tuple(np.floor(value) for value in iou_and_dice(m))
    ),
    "one number comes back for all classes: one per class is asked for": (
        lambda m: tuple(np.nanmean(v) if (v == v).any() else np.nan for v in iou_and_dice(m))
    ),
}
IOU_DICE_MISTAKES |= in_the_second(
    "in Dice", IOU_DICE_MISTAKES, iou_and_dice, "whole numbers", "in neither mask has the value"
)


def iou_dice_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(part, [m], iou_and_dice, IOU_DICE_MISTAKES, names=("the IoU", "Dice"))
        for part, m in matrices(rng)
    ]
