"""Checks of class weights from the pixels of masks: inverse and median frequency."""

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- class_weights(masks, classes, rule) → one weight per class


def count(masks, classes, ignore=True):
    """Pixels of each class in each image, N×C."""
    if not ignore:
        masks = np.where(masks == 255, 0, masks)
    return (masks[..., None] == np.arange(classes)).sum((1, 2))


def divide(part, whole, absent=0.0):
    with np.errstate(all="ignore"):
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1), absent)


def class_weights(
    masks, classes, rule, ignore=True, absent=0.0, inverse=None, median=None, kind=np.int64
):
    counts = count(masks, classes, ignore).astype(kind)
    if rule == "inverse":
        return (inverse or inverse_frequency)(counts, absent)
    return (median or median_frequency)(counts, absent)


def inverse_frequency(counts, absent, classes=np.count_nonzero, total=None):
    pixels = counts.sum(0)
    total = pixels.sum() if total is None else total
    return divide(total / classes(pixels), pixels, absent)


def median_frequency(counts, absent, everywhere=False, of=np.median, total=None, of_all=False):
    of_images = counts.sum(1) if total is None else total
    shown = of_images.sum() if everywhere else ((counts > 0) * of_images[:, None]).sum(0)
    frequency = divide(counts.sum(0), shown)
    return divide(of(frequency if of_all else frequency[frequency > 0]), frequency, absent)


def mean_frequency(counts, absent):
    shares = np.where(counts > 0, counts / np.maximum(counts.sum(1, keepdims=True), 1), np.nan)
    present = counts.sum(0) > 0
    frequency = np.zeros(len(present))
    frequency[present] = np.nanmean(shares[:, present], 0)
    return divide(np.median(frequency[present]), frequency, absent)


def with_all_pixels(masks, classes, rule):
    """The rule with totals that hold the ignored pixels too."""
    counts, each = count(masks, classes), np.full(len(masks), masks[0].size)
    if rule == "inverse":
        return inverse_frequency(counts, 0.0, total=masks.size)
    return median_frequency(counts, 0.0, total=each)


def upside_down(masks, classes, rule):
    weights = class_weights(masks, classes, rule)
    return divide(1, weights)


def scaled(to):
    def mistake(masks, classes, rule):
        weights = class_weights(masks, classes, rule)
        return weights / to(weights)

    return mistake


def mean_of_images(masks, classes, rule):
    each = [class_weights(mask[None], classes, rule) for mask in masks]
    return np.mean(each, 0)


def whole(masks, classes, rule):
    """The first division is one of whole numbers."""
    pixels = count(masks, classes).sum(0)
    if rule == "inverse":
        return divide(pixels.sum() // np.maximum(pixels, 1), pixels > 0) / np.count_nonzero(pixels)
    return np.full(classes, np.nan)  # all frequencies are 0


CLASS_WEIGHTS_MISTAKES = {
    "the number of classes present is missing below: without it the weights are too large": (
        lambda m, c, r: class_weights(
            m, c, r, inverse=lambda n, a: inverse_frequency(n, a, lambda p: 1)
        )
    ),
    "that is 1 / pixels: the number of all pixels is missing above": (
        lambda m, c, r: class_weights(m, c, r, inverse=lambda n, a: divide(1, n.sum(0)))
    ),
    "it is divided by the number of all classes: take the number of those that are present": (
        lambda m, c, r: class_weights(m, c, r, inverse=lambda n, a: inverse_frequency(n, a, len))
    ),
    "the frequency of a class is its share of all images: count the pixels of those images only "
    "that show the class": (
        lambda m, c, r: class_weights(
            m, c, r, median=lambda n, a: median_frequency(n, a, everywhere=True)
        )
    ),
    "that is the mean of the frequencies: take their median": (
        lambda m, c, r: class_weights(
            m, c, r, median=lambda n, a: median_frequency(n, a, of=np.mean)
        )
    ),
    "the median runs over all classes: absent ones, with frequency 0, must not take part": (
        lambda m, c, r: class_weights(
            m, c, r, median=lambda n, a: median_frequency(n, a, of_all=True)
        )
    ),
    "that is 1 / frequency: the median of the frequencies is missing above": (
        lambda m, c, r: class_weights(
            m, c, r, median=lambda n, a: median_frequency(n, a, of=lambda frequency: 1)
        )
    ),
    "the frequency of a class is that of the images in which it is, averaged: divide its pixels by "
    "those of all of them together": lambda m, c, r: class_weights(m, c, r, median=mean_frequency),
    "each image gets its own weights, and they are averaged: count all masks together": (
        mean_of_images
    ),
    "a count wraps around at 256: 8 bits are too small for it": (
        lambda m, c, r: class_weights(m, c, r, kind=np.uint8)
    ),
    "counts are divided as whole numbers: use / and not //": whole,
    "both rules give the inverse frequency: look at `rule`": (
        lambda m, c, r: class_weights(m, c, "inverse")
    ),
    "both rules give the median frequency: look at `rule`": (
        lambda m, c, r: class_weights(m, c, "median")
    ),
    "upside down: a rare class gets a large weight": upside_down,
    "a class without a pixel gets an infinite weight (a division by 0): it gets 0": (
        lambda m, c, r: class_weights(m, c, r, absent=np.inf)
    ),
    "a class without a pixel gets nan (0 / 0): it gets 0": (
        lambda m, c, r: class_weights(m, c, r, absent=np.nan)
    ),
    "a class without a pixel gets the weight 1: it gets 0": (
        lambda m, c, r: class_weights(m, c, r, absent=1.0)
    ),
    "ignored pixels (255) are counted as class 0": (
        lambda m, c, r: class_weights(m, c, r, ignore=False)
    ),
    "ignored pixels (255) are counted in the number of pixels": with_all_pixels,
    "the weights are scaled so that they sum to 1: leave them as the rule gives them": (
        scaled(np.sum)
    ),
    "the weights are scaled to the mean 1: leave them as the rule gives them": scaled(np.mean),
    "the weights are scaled so that the largest is 1: leave them as the rule gives them": (
        scaled(np.max)
    ),
}


def draw_masks(rng: np.random.Generator, classes: int, gone: int = 0) -> np.ndarray:
    """Masks uint8 N×H×W of very unequal classes; not every image shows every class."""
    shape = int(rng.integers(4, 6)), int(rng.integers(28, 36)), int(rng.integers(36, 44))
    here = rng.permutation(classes)[gone:]
    share = np.geomspace(1, 20, len(here))
    masks = np.empty(shape, np.uint8)
    for n, mask in enumerate(masks):
        shown = np.ones(len(here), bool)
        shown[[n % (len(here) - 1), (n + 1) % (len(here) - 1)]] = False  # the largest is in all
        part = share * shown
        mask[:] = rng.choice(here, mask.shape, p=part / part.sum())
        mask[0, : shown.sum()] = here[shown]
    return masks


def class_weights_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, rule, gone, ignored in (
        ("inverse frequency", "inverse", 0, False),
        ("median frequency", "median", 0, False),
        ("absent classes", "inverse", 2, False),
        ("absent classes", "median", 2, False),
        ("ignored pixels", "inverse", 0, True),
        ("ignored pixels", "median", 0, True),
    ):
        classes = int(rng.integers(5, 8)) + gone
        masks = draw_masks(rng, classes, gone)
        if ignored:
            masks[rng.random(masks.shape) < np.linspace(0.1, 0.5, len(masks))[:, None, None]] = 255
        cases.append(case(part, [masks, classes, rule], class_weights, CLASS_WEIGHTS_MISTAKES))
    return cases
