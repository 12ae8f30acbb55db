"""Checks of two kinds of mean IoU: of all images together, and image by image."""

import numpy as np

from grader.checks import case
from grader.checks.metrics import CARRIED, iou, two_masks
from helpers.verdict import Case

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


def _of_true_classes(truths, predictions, classes):
    """Means over the classes that occur in the truth: what is made up costs nothing."""
    each = [_in_truth(*pair, classes) for pair in zip(truths, predictions, strict=True)]
    return mean(_in_truth(truths, predictions, classes)), mean([mean(values) for values in each])


def _in_truth(truth, prediction, classes):
    values = iou(truth, prediction, classes)
    return values[np.isin(np.arange(classes), truth)]


def _without_zeros(truths, predictions, classes):
    def positive(truth, prediction):
        values = iou(truth, prediction, classes)
        return mean(values[np.nan_to_num(values) > 0])

    each = [positive(*pair) for pair in zip(truths, predictions, strict=True)]
    return positive(truths, predictions), mean(each)


def _by_area(truths, predictions, classes):
    def weighted(truth, prediction):
        values = np.nan_to_num(iou(truth, prediction, classes))
        areas = np.bincount(truth[truth != 255], minlength=classes)
        return (values * areas).sum() / areas.sum() if areas.any() else np.nan

    each = [weighted(*pair) for pair in zip(truths, predictions, strict=True)]
    return weighted(truths, predictions), mean(each)


def _classes_of_images(truths, predictions, classes):
    pairs = zip(truths, predictions, strict=True)
    table = np.array([iou(*pair, classes) for pair in pairs])
    return mean([mean(column) for column in table.T]), mean_ious(truths, predictions, classes)[1]


def _ignored_are_0(truths, predictions, classes):
    return mean_ious(np.where(truths == 255, 0, truths), predictions, classes)


def _without_class_0(truths, predictions, classes):
    pairs = zip(truths, predictions, strict=True)
    each = [mean(iou(*pair, classes)[1:]) for pair in pairs]
    return mean(iou(truths, predictions, classes)[1:]), mean(each)


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
    "ignored pixels (255 in the truth) are counted as class 0": _ignored_are_0,
    "an image in which all is ignored counts as 0: leave it out": _blank_is_zero,
    "a class that was missed altogether, or made up, is left out of the mean: its IoU is 0, and 0 "
    "is a value. Leave out nan only": _without_zeros,
    "the mean runs over the classes of the truth: a class that was made up has the IoU 0, and "
    "counts": _of_true_classes,
    "class 0 is left out of the mean: it is a class like the others": _without_class_0,
    "the classes are weighted by their areas: in a mean IoU each class counts the same": _by_area,
    "the first is averaged over the images too: count the pixels of all images together, and only "
    "then divide": _classes_of_images,
    "that is the mean Dice: the union counts the overlap once": lambda t, p, c: (
        mean(_dice(iou(t, p, c))),
        mean([mean(_dice(iou(*pair, c))) for pair in zip(t, p, strict=True)]),
    ),
}


def _dice(values):
    return 2 * values / (1 + values)


def mean_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    earlier: list[float] = []
    for part, classes, images in (  # images: how many classes occur in it, how much is ignored
        ("values", 4, ((4, 0), (4, 0), (4, 0))),
        ("values", 20, ((20, 0), (20, 0))),
        ("absent", 9, ((2, 0), (7, 0), (3, 0), (2, 0))),
        ("ignore", 5, ((5, 0.3), (2, 0), (4, 1))),
        ("ignore", 3, ((3, 1), (2, 1))),
    ):
        pairs = [two_masks(rng, (15, 22), *image) for image in images]
        truths, predictions = (np.stack(masks) for masks in zip(*pairs, strict=True))
        if part != "ignore":  # one class is missed in every image, another in one of them
            predictions[predictions == classes - 2] = 0
            predictions[1][predictions[1] == 1] = 0
        if part == "absent":  # and one is made up, in an image that lacks it
            predictions[0, :2] = classes - 1
        inputs = [truths, predictions, classes]
        each = [mean(iou(*pair, classes)) for pair in zip(truths, predictions, strict=True)]
        earlier += each
        carried = {CARRIED: lambda t, p, c, all=tuple(earlier): (mean_ious(t, p, c)[0], mean(all))}
        mistakes = MEAN_MISTAKES | carried
        cases.append(case(part, inputs, mean_ious, mistakes, names=("pooled", "per_image")))
    return cases
