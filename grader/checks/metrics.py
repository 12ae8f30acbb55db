"""Checks of metrics of masks: IoU, the confusion matrix, two kinds of mean IoU.

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
}


def two_masks(rng, shape, classes, ignored=0.0, kind=np.uint8):
    """A random truth and a prediction that is right at six of ten pixels."""
    truth = rng.integers(0, classes, shape)
    prediction = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, classes, shape))
    truth[rng.random(shape) < ignored] = 255
    return truth.astype(kind), prediction.astype(kind)


def confusion_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, shape, classes, ignored, kind in (
        ("counts", (24, 31), 4, 0, np.int64),
        ("counts", (17, 40), 13, 0, np.uint8),
        ("ignore", (24, 31), 5, 0.2, np.uint8),
        ("ignore", (9, 12), 3, 1, np.int32),
        ("any size and type", (60, 45), 40, 0.1, np.uint8),
        ("any size and type", (1, 1), 6, 0, np.uint16),
        ("any size and type", (40, 3), 2, 0.1, np.int16),
    ):
        masks = two_masks(rng, shape, classes, ignored, kind)
        cases.append(case(part, [*masks, classes], confusion, CONFUSION_MISTAKES))
    return cases


# ---- mean_ious(truths, predictions, classes) → pooled, per image


def mean_ious(truths, predictions, classes, **options):
    each = [mean(iou(*pair, classes, **options)) for pair in zip(truths, predictions, strict=True)]
    return mean(iou(truths, predictions, classes, **options)), mean(each)


def mean(values):
    known = np.asarray(values)[~np.isnan(values)]
    return known.mean() if known.size else np.nan


def _classes_first(truths, predictions, classes):
    pairs = zip(truths, predictions, strict=True)
    table = np.array([iou(*pair, classes) for pair in pairs])
    return mean_ious(truths, predictions, classes)[0], mean([mean(column) for column in table.T])


def _one_table(truths, predictions, classes):
    pairs = zip(truths, predictions, strict=True)
    table = np.array([iou(*pair, classes) for pair in pairs])
    return mean_ious(truths, predictions, classes)[0], mean(table.ravel())


def _one_iou(truths, predictions, classes):
    counted = truths != 255
    hits = (truths == predictions)[counted].sum()
    union = 2 * counted.sum() - hits
    return hits / union if union else np.nan, mean_ious(truths, predictions, classes)[1]


def _blank_is_zero(truths, predictions, classes):
    pairs = zip(truths, predictions, strict=True)
    each = [mean(iou(*pair, classes)) for pair in pairs]
    return mean_ious(truths, predictions, classes)[0], np.nan_to_num(each).mean()


MEAN_MISTAKES = {
    "the two numbers are exchanged: the pooled one comes first": (
        lambda t, p, c: mean_ious(t, p, c)[::-1]
    ),
    "both numbers are pooled: the second one is the mean over the images of their own mean IoU": (
        lambda t, p, c: (mean_ious(t, p, c)[0],) * 2
    ),
    "both numbers are means over the images: for the first, count the pixels of all images "
    "together": lambda t, p, c: (mean_ious(t, p, c)[1],) * 2,
    "the second is averaged over the images first and then over the classes: within each image "
    "over its classes first": _classes_first,
    "the second is one mean over all images and classes: an image with many classes then counts "
    "more. Average within each image first": _one_table,
    "the pixels of all classes are added up before dividing: one IoU per class, then the mean": (
        _one_iou
    ),
    "a class that is in neither mask counts as 0: leave it out of the mean": (
        lambda t, p, c: mean_ious(t, p, c, absent=0)
    ),
    "a class that is in neither mask counts as 1: leave it out of the mean": (
        lambda t, p, c: mean_ious(t, p, c, absent=1)
    ),
    "ignored pixels (255 in the truth) are counted": (
        lambda t, p, c: mean_ious(t, p, c, ignore=False)
    ),
    "an image in which all is ignored counts as 0: leave it out": _blank_is_zero,
    "that is the mean Dice: the union counts the overlap once": lambda t, p, c: (
        mean(_dice(iou(t, p, c))),
        mean([mean(_dice(iou(*pair, c))) for pair in zip(t, p, strict=True)]),
    ),
}


def _dice(values):
    return 2 * values / (1 + values)


def mean_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, classes, images in (  # images: how many classes occur in it, how much is ignored
        ("values", 4, ((4, 0), (4, 0), (4, 0))),
        ("absent", 9, ((2, 0), (7, 0), (3, 0), (2, 0))),
        ("ignore", 5, ((5, 0.3), (2, 0), (4, 1))),
        ("ignore", 3, ((3, 1), (2, 1))),
    ):
        pairs = [two_masks(rng, (15, 22), *image) for image in images]
        stacks = [np.stack(masks) for masks in zip(*pairs, strict=True)]
        inputs = [*stacks, classes]
        cases.append(case(part, inputs, mean_ious, MEAN_MISTAKES, names=("pooled", "per_image")))
    return cases
