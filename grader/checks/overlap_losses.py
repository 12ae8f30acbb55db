"""Checks of losses that judge each class by its overlap: Dice and Tversky.

References take a stack of logits, ...×N×H×W×C; see losses.py. All of them are the mean of one loss
per class, over the classes that have a true pixel.
"""

import numpy as np

from grader.checks.losses import (
    ABOVE_CLASSES,
    EMPTY_MISTAKES,
    OTHER_AXES,
    along,
    detached,
    draw,
    log_softmax,
    loss_case,
    sigmoid,
    softmax,
)
from grader.checks.masks import one_hot
from grader.checks.pixel_losses import cross_entropy, first_class_where_ignored
from helpers.verdict import Case


def maps(logits, masks, activation=softmax, ignore=True):
    """p ...×N×H×W×C and t N×H×W×C, both 0 where ignored."""
    counts = (masks != 255)[..., None] if ignore else 1.0
    return activation(logits) * counts, one_hot(masks, logits.shape[-1]).astype(np.float64)


def mean_over_present(losses, t, all_of_them=False):
    present = (t.sum((0, 1, 2)) > 0) | all_of_them
    return np.where(present, losses, 0).sum(-1) / max(present.sum(), 1)


# ---- dice_loss(logits, masks, smooth)


def dice_loss(logits, masks, smooth, activation=softmax, ignore=True, factor=2, score=None, **mean):
    p, t = maps(logits, masks, activation, ignore)
    overlap, size = (p * t).sum(ABOVE_CLASSES), p.sum(ABOVE_CLASSES) + t.sum(ABOVE_CLASSES)
    if score:
        return mean_over_present(1 - score(p, t, smooth), t, **mean)
    return mean_over_present(1 - divided(factor * overlap + smooth, size + smooth), t, **mean)


def divided(above, below):
    return above / np.where(below.real == 0, 1, below)


def dice_of(p, t, smooth, above=1, below=1, axes=ABOVE_CLASSES, power=1, frozen=False):
    overlap = (p * t).sum(axes)
    size = (p**power).sum(axes) + t.sum(axes)
    size = detached(size) if frozen else size
    return divided(2 * overlap + above * smooth, size + below * smooth)


def per_image(logits, masks, smooth):
    p, t = maps(logits, masks)
    dice = dice_of(p, t, smooth, axes=(-3, -2))
    present = t.sum((1, 2)) > 0
    each = np.where(present, 1 - dice, 0).sum(-1) / np.maximum(present.sum(-1), 1)
    return each.mean(-1)


def all_classes_together(logits, masks, smooth):
    p, t = maps(logits, masks)
    dice = dice_of(p, t, smooth, axes=(-4, -3, -2, -1))
    return 1 - dice if t.any() else 0 * dice


def of_means(axes):
    """Means where sums are asked for, so that `smooth` weighs more."""
    return lambda p, t, s: dice_of(p, t, s * np.prod([p.shape[axis] for axis in axes]))


def ignored_are_true(logits, masks, smooth):
    """Ignored pixels are true pixels of class 0, with p = 0."""
    p, _ = maps(logits, masks)
    t = one_hot(first_class_where_ignored(masks), logits.shape[-1]).astype(np.float64)
    return mean_over_present(1 - dice_of(p, t, smooth), t)


def dice_itself(logits, masks, smooth):
    p, t = maps(logits, masks)
    return mean_over_present(dice_of(p, t, smooth), t)


DICE_LOSS_MISTAKES = {
    "the 2 before the overlap is missing": lambda z, m, s: dice_loss(z, m, s, factor=1),
    "the softmax is missing: Dice needs probabilities, not logits": (
        lambda z, m, s: dice_loss(z, m, s, lambda x: x)
    ),
    "that is log_softmax: Dice needs the probabilities themselves": (
        lambda z, m, s: dice_loss(z, m, s, log_softmax)
    ),
    "softmax is taken twice": lambda z, m, s: dice_loss(z, m, s, lambda x: softmax(softmax(x))),
    "sigmoid instead of softmax: the classes exclude each other": (
        lambda z, m, s: dice_loss(z, m, s, sigmoid)
    ),
    "that is Dice itself: the loss is 1 − Dice, so that less is better": dice_itself,
    "that is −Dice: the loss is 1 − Dice": lambda z, m, s: -dice_itself(z, m, s),
    "that is cross-entropy": lambda z, m, s: cross_entropy(z, m),
    "`smooth` is missing, above and below": lambda z, m, s: dice_loss(z, m, 0),
    "`smooth` is always 1: take the argument": lambda z, m, s: dice_loss(z, m, 1.0),
    "`smooth` stands below only: it belongs above too": (
        lambda z, m, s: dice_loss(z, m, s, score=lambda p, t, s: dice_of(p, t, s, above=0))
    ),
    "`smooth` stands above only: it belongs below too": (
        lambda z, m, s: dice_loss(z, m, s, score=lambda p, t, s: dice_of(p, t, s, below=0))
    ),
    "`smooth` is added inside the 2: 2 · (overlap + smooth)": (
        lambda z, m, s: dice_loss(z, m, s, score=lambda p, t, s: dice_of(p, t, s, above=2))
    ),
    "the means over all pixels are taken, where `smooth` weighs more: take sums": (
        lambda z, m, s: dice_loss(z, m, s, score=of_means((-4, -3, -2)))
    ),
    "the means over the images are taken, where `smooth` weighs more: take sums": (
        lambda z, m, s: dice_loss(z, m, s, score=of_means((-4,)))
    ),
    "p is squared below: plain sums are asked for": (
        lambda z, m, s: dice_loss(z, m, s, score=lambda p, t, s: dice_of(p, t, s, power=2))
    ),
    "the sizes below are detached: the value is right, but a part of the gradient is missing": (
        lambda z, m, s: dice_loss(z, m, s, score=lambda p, t, s: dice_of(p, t, s, frozen=True))
    ),
    "Dice is taken per image and then averaged: sum over the whole batch": per_image,
    "one Dice over all classes together: take one per class, then the mean": all_classes_together,
    "the classes are summed up: take their mean": (
        lambda z, m, s: dice_loss(z, m, s) * max(len(np.unique(m[m < 255])), 1)
    ),
    "the mean runs over all classes: leave out those without a true pixel": (
        lambda z, m, s: dice_loss(z, m, s, all_of_them=True)
    ),
    "absent classes are left out above, but the sum is divided by the number of all classes": (
        lambda z, m, s: dice_loss(z, m, s) * len(np.unique(m[m < 255])) / z.shape[-1]
    ),
    "ignored pixels (255) still count in the size of the prediction: set p to 0 there": (
        lambda z, m, s: dice_loss(z, m, s, ignore=False)
    ),
    "ignored pixels (255) count for class 0: they must not count at all": (
        lambda z, m, s: dice_loss(z, first_class_where_ignored(m), s)
    ),
    "ignored pixels (255) count as true pixels of class 0: set t to 0 there too": ignored_are_true,
} | {
    f"the softmax runs over the {name}: it must run over the classes": (
        lambda z, m, s, axis=axis: dice_loss(z, m, s, along(axis, softmax))
    )
    for name, axis in OTHER_AXES.items()
}


def dice_loss_cases(rng: np.random.Generator) -> list[Case]:
    return [
        loss_case(
            part, [*draw(rng, kind, images), smooth], dice_loss, DICE_LOSS_MISTAKES, EMPTY_MISTAKES
        )
        for part, kind, images, smooth in (
            ("values", "plain", 1, 1.0),
            ("values", "plain", 3, 0.5),
            ("values", "plain", 2, 3.0),
            ("absent classes", "absent", 2, 1.0),
            ("absent classes", "one class", 2, 0.5),
            ("ignored pixels", "ignored", 2, 1.0),
            ("ignored pixels", "all ignored", 2, 1.0),
        )
    ]


# ---- tversky_loss(logits, masks, alpha, beta)


def tversky_loss(logits, masks, alpha, beta, activation=softmax, ignore=True, index=None, **mean):
    p, t = maps(logits, masks, activation, ignore)
    counts = (p * t, p * (1 - t), (1 - p) * t)
    tp, fp, fn = (x.sum(ABOVE_CLASSES) for x in counts)
    score = index(tp, fp, fn) if index else divided(tp, tp + alpha * fp + beta * fn)
    return mean_over_present(1 - score, t, **mean)


def tversky_per_image(logits, masks, alpha, beta):
    p, t = maps(logits, masks)
    tp, fp, fn = (x.sum((-3, -2)) for x in (p * t, p * (1 - t), (1 - p) * t))
    present = t.sum((1, 2)) > 0
    losses = np.where(present, 1 - divided(tp, tp + alpha * fp + beta * fn), 0)
    return (losses.sum(-1) / np.maximum(present.sum(-1), 1)).mean(-1)


def tversky_of_all(logits, masks, alpha, beta):
    p, t = maps(logits, masks)
    tp, fp, fn = (x.sum((-4, -3, -2, -1)) for x in (p * t, p * (1 - t), (1 - p) * t))
    return 1 - divided(tp, tp + alpha * fp + beta * fn) if t.any() else 0 * tp


def without_complement(logits, masks, alpha, beta, false_positives):
    """`1 −` left out in one of the two products."""
    p, t = maps(logits, masks)
    tp, fp, fn = (x.sum(ABOVE_CLASSES) for x in (p * t, p * (1 - t), (1 - p) * t))
    fp, fn = (p.sum(ABOVE_CLASSES), fn) if false_positives else (fp, t.sum(ABOVE_CLASSES))
    return mean_over_present(1 - divided(tp, tp + alpha * fp + beta * fn), t)


TVERSKY_MISTAKES = {
    "α and β are swapped: α weighs false positives, β false negatives (Keras' own Tversky has them "
    "the other way round)": lambda z, m, a, b: tversky_loss(z, m, b, a),
    "α and β have no effect: that is Dice, α = β = ½": (
        lambda z, m, a, b: tversky_loss(z, m, 0.5, 0.5)
    ),
    "α and β have no effect: that is Jaccard, α = β = 1": (
        lambda z, m, a, b: tversky_loss(z, m, 1, 1)
    ),
    "α and β are always 0.3 and 0.7: take the arguments": (
        lambda z, m, a, b: tversky_loss(z, m, 0.3, 0.7)
    ),
    "β is taken to be 1 − α: it is an argument of its own": (
        lambda z, m, a, b: tversky_loss(z, m, a, 1 - a)
    ),
    "that is the Tversky index itself: the loss is 1 − it": (
        lambda z, m, a, b: mean_over_present(
            1 - divided_losses(z, m, a, b), one_hot(m, z.shape[-1])
        )
    ),
    "the false positives are all of p: take p · (1 − t)": (
        lambda z, m, a, b: without_complement(z, m, a, b, True)
    ),
    "the false negatives are all of t: take (1 − p) · t": (
        lambda z, m, a, b: without_complement(z, m, a, b, False)
    ),
    "TP counts twice: it has no 2 here": (
        lambda z, m, a, b: tversky_loss(
            z, m, a, b, index=lambda tp, fp, fn: divided(2 * tp, 2 * tp + a * fp + b * fn)
        )
    ),
    "there is a 2 above and none below: here there is none at all": (
        lambda z, m, a, b: tversky_loss(
            z, m, a, b, index=lambda tp, fp, fn: divided(2 * tp, tp + a * fp + b * fn)
        )
    ),
    "the softmax is missing: Tversky needs probabilities, not logits": (
        lambda z, m, a, b: tversky_loss(z, m, a, b, lambda x: x)
    ),
    "softmax is taken twice": (
        lambda z, m, a, b: tversky_loss(z, m, a, b, lambda x: softmax(softmax(x)))
    ),
    "1 is added above and below: nothing is added for smoothness": (
        lambda z, m, a, b: tversky_loss(
            z, m, a, b, index=lambda tp, fp, fn: (tp + 1) / (tp + a * fp + b * fn + 1)
        )
    ),
    "1 is added below: nothing is added for smoothness, and where nothing counts only 0 must not "
    "stand there": lambda z, m, a, b: tversky_loss(
        z, m, a, b, index=lambda tp, fp, fn: tp / (tp + a * fp + b * fn + 1)
    ),
    "all of p and all of t are taken for the false ones: take p · (1 − t) and (1 − p) · t": (
        lambda z, m, a, b: tversky_loss(
            z,
            m,
            a,
            b,
            index=lambda tp, fp, fn: divided(tp, tp + a * (fp + tp) + b * (fn + tp)),
        )
    ),
    "it is taken per image and then averaged: sum over the whole batch": tversky_per_image,
    "one index over all classes together: take one per class, then the mean": tversky_of_all,
    "the mean runs over all classes: leave out those without a true pixel": (
        lambda z, m, a, b: tversky_loss(z, m, a, b, all_of_them=True)
    ),
    "ignored pixels (255) still count as false positives: set p to 0 there": (
        lambda z, m, a, b: tversky_loss(z, m, a, b, ignore=False)
    ),
}


def divided_losses(logits, masks, alpha, beta):
    """1 − index for each class."""
    p, t = maps(logits, masks)
    tp, fp, fn = (x.sum(ABOVE_CLASSES) for x in (p * t, p * (1 - t), (1 - p) * t))
    return 1 - divided(tp, tp + alpha * fp + beta * fn)


def tversky_cases(rng: np.random.Generator) -> list[Case]:
    return [
        loss_case(
            part,
            [*draw(rng, kind, images), alpha, beta],
            tversky_loss,
            TVERSKY_MISTAKES,
            EMPTY_MISTAKES,
        )
        for part, kind, images, alpha, beta in (
            ("values", "plain", 1, 0.3, 0.7),
            ("values", "plain", 3, 0.9, 0.2),
            ("values", "plain", 2, 1.0, 1.5),
            ("absent and ignored", "absent", 2, 0.3, 0.7),
            ("absent and ignored", "ignored", 2, 0.2, 0.9),
            ("absent and ignored", "all ignored", 2, 0.3, 0.7),
        )
    ]
