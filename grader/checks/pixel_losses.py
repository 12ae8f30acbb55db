"""Checks of losses that judge each pixel by itself: cross-entropy, weighted, focal.

References take a stack of logits, ...×N×H×W×C; see losses.py.
"""

import numpy as np

from grader.checks.losses import (
    COLUMNS,
    EMPTY_MISTAKES,
    OTHER_AXES,
    OVERFLOW_MISTAKES,
    PIXELS,
    ROWS,
    along,
    detached,
    draw,
    log_softmax,
    loss_case,
    sigmoid,
    softmax,
)
from grader.checks.masks import one_hot
from helpers.verdict import Case


def of_true_class(maps, masks):
    """...×N×H×W: the entry of each pixel's true class; 0 where the pixel is ignored."""
    return (maps * one_hot(masks, maps.shape[-1])).sum(-1)


def first_class_where_ignored(masks):
    return np.where(masks == 255, 0, masks)


def counted(masks):
    return masks != 255


# ---- cross_entropy(logits, masks)


def cross_entropy(logits, masks, log_p=log_softmax, sign=-1, divide_by=None):
    total = sign * of_true_class(log_p(logits), masks).sum(PIXELS)
    pixels = counted(masks).sum() if divide_by is None else divide_by(masks, logits.shape[-1])
    return total / max(pixels, 1)


def mean_of_images(logits, masks):
    pixels = np.maximum(counted(masks).sum((ROWS, COLUMNS)), 1)
    losses = of_true_class(log_softmax(logits), masks).sum((ROWS, COLUMNS))
    return -(losses / pixels).mean(-1)


def binary(logits, masks):
    p, y = sigmoid(logits), one_hot(masks, logits.shape[-1])
    each = -(y * np.log(p) + (1 - y) * np.log(1 - p)) * counted(masks)[..., None]
    return each.sum((-4, -3, -2, -1)) / max(counted(masks).sum() * logits.shape[-1], 1)


def ignored_push(logits, masks):
    """Adds nothing to the value, and p to the gradient of each ignored pixel."""
    log_sum = np.log(np.exp(logits - logits.real.max(-1, keepdims=True)).sum(-1))
    pushes = (log_sum - detached(log_sum)) * (masks == 255)
    return pushes.sum(PIXELS) / max(counted(masks).sum(), 1)


IGNORED_PUSH = (
    "its value is right, but ignored pixels have a gradient: TensorFlow's cross-entropy of one-hot "
    "labels gives p − t, also where t is 0 for every class. Multiply the losses by 0 there"
)
CROSS_ENTROPY_MISTAKES = {
    IGNORED_PUSH: lambda z, m: cross_entropy(z, m) + ignored_push(z, m),
    "softmax is taken twice: log_softmax, and the built-in losses that take logits, hold one": (
        lambda z, m: cross_entropy(z, m, log_p=lambda x: log_softmax(softmax(x)))
    ),
    "the logits are taken for log-probabilities: log_softmax comes first": (
        lambda z, m: cross_entropy(z, m, log_p=lambda x: x)
    ),
    "the sign is wrong: log p is negative, and the loss is −log p": (
        lambda z, m: cross_entropy(z, m, sign=1)
    ),
    "the log is missing: that is −p of the true class": (
        lambda z, m: cross_entropy(z, m, log_p=softmax)
    ),
    "the log is missing: that is 1 − p of the true class": (
        lambda z, m: (
            counted(m).sum() / max(counted(m).sum(), 1) + cross_entropy(z, m, log_p=softmax)
        )
    ),
    "the mean runs over the classes too: sum over them, then the mean over the pixels": (
        lambda z, m: cross_entropy(z, m, divide_by=lambda m, c: counted(m).sum() * c)
    ),
    "that is the sum over the pixels: the mean is asked for": (
        lambda z, m: cross_entropy(z, m, divide_by=lambda m, c: 1)
    ),
    "that is the sum over the pixels divided by the number of images: divide by the pixels": (
        lambda z, m: cross_entropy(z, m, divide_by=lambda m, c: len(m))
    ),
    "ignored pixels are counted below: divide by the number of pixels that count": (
        lambda z, m: cross_entropy(z, m, divide_by=lambda m, c: m.size)
    ),
    "ignored pixels (255) count for class 0: they must not count at all": (
        lambda z, m: cross_entropy(z, first_class_where_ignored(m))
    ),
    "each image is averaged for itself: take one mean over the pixels of the whole batch": (
        mean_of_images
    ),
    "sigmoid instead of softmax: the classes exclude each other": binary,
} | {
    f"log(p + {small:g}), or p cut off there, only hides the overflow: the loss stops at "
    f"{-np.log(small):.0f}, and so does the gradient. Take log_softmax": (
        lambda z, m, small=small: cross_entropy(z, m, log_p=lambda x: np.log(softmax(x) + small))
    )
    for small in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
}
CROSS_ENTROPY_MISTAKES |= {
    f"the softmax runs over the {name}: it must run over the classes": (
        lambda z, m, axis=axis: cross_entropy(z, m, log_p=along(axis, log_softmax))
    )
    for name, axis in OTHER_AXES.items()
}


def cross_entropy_cases(rng: np.random.Generator) -> list[Case]:
    return [
        loss_case(
            part,
            draw(rng, kind, images),
            cross_entropy,
            CROSS_ENTROPY_MISTAKES,
            EMPTY_MISTAKES,
            OVERFLOW_MISTAKES,
        )
        for part, kind, images in (
            ("values", "plain", 1),
            ("values", "plain", 3),
            ("values", "one class", 2),
            ("ignored pixels", "ignored", 2),
            ("ignored pixels", "all ignored", 2),
            ("extreme logits", "extreme", 2),
        )
    ]


# ---- weighted_cross_entropy(logits, masks, weights)


def weighted_cross_entropy(logits, masks, weights, divide_by=None, counts=counted):
    w = counts(masks) * weights.astype(np.float64)[first_class_where_ignored(masks)]
    below = w.sum() if divide_by is None else divide_by(masks, weights)
    valid = first_class_where_ignored(masks)
    total = (-w * of_true_class(log_softmax(logits), valid)).sum(PIXELS)
    return total / (below if below > 0 else 1)


def weights_of_the_answer(logits, masks, weights):
    w = weights[logits.real.argmax(-1)] * counted(masks)
    total = (-w * of_true_class(log_softmax(logits), masks)).sum(PIXELS)
    return total / np.maximum(w.sum(PIXELS), 1e-30)


def weights_on_logits(logits, masks, weights):
    return cross_entropy(logits * weights, masks)


def mean_of_classes(logits, masks, weights):
    """The mean loss of each class, then their weighted mean."""
    y = one_hot(masks, logits.shape[-1])
    pixels = np.maximum(y.sum((0, 1, 2)), 1)
    each = -(log_softmax(logits) * y).sum((-4, -3, -2)) / pixels
    return (each * weights).sum(-1) / weights.sum()


WEIGHTED_MISTAKES = {
    "the sum of the weights is taken as 1 where it is less: only 0 must not stand below the line": (
        lambda z, m, w: weighted_cross_entropy(
            z, m, w, lambda m, w: max((counted(m) * w[first_class_where_ignored(m)]).sum(), 1)
        )
    ),
    "it is divided by the number of pixels: divide by the sum of their weights": (
        lambda z, m, w: weighted_cross_entropy(z, m, w, lambda m, w: counted(m).sum())
    ),
    "it is divided by the number of all pixels, ignored ones too: divide by the sum of the weights "
    "of those that count": (lambda z, m, w: weighted_cross_entropy(z, m, w, lambda m, w: m.size)),
    "it is divided by the sum of the C weights: each pixel brings its weight into the sum below": (
        lambda z, m, w: weighted_cross_entropy(z, m, w, lambda m, w: w.sum())
    ),
    "it is not divided at all": (lambda z, m, w: weighted_cross_entropy(z, m, w, lambda m, w: 1)),
    "the weights have no effect: that is plain cross-entropy": lambda z, m, w: cross_entropy(z, m),
    "the weight is that of the predicted class: take that of the true one": weights_of_the_answer,
    "the logits are multiplied by the weights: weigh the losses of the pixels": weights_on_logits,
    "each class is averaged for itself: sum up over all pixels, above and below": mean_of_classes,
    "ignored pixels count below with the weight of class 0": (
        lambda z, m, w: weighted_cross_entropy(
            z, m, w, lambda m, w: w[first_class_where_ignored(m)].sum()
        )
    ),
    "ignored pixels (255) count for class 0: their weight is 0": (
        lambda z, m, w: weighted_cross_entropy(
            z, m, w, lambda m, w: w[first_class_where_ignored(m)].sum(), np.ones_like
        )
    ),
    "softmax is taken twice": lambda z, m, w: weighted_cross_entropy(softmax(z), m, w),
}


def weighted_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, kind, images in (
        ("values", "plain", 1),
        ("values", "plain", 3),
        ("values", "absent", 2),
        ("values", "one class", 1),
        ("ignored pixels", "ignored", 2),
        ("ignored pixels", "all ignored", 2),
    ):
        logits, masks = draw(rng, kind, images)
        weights = rng.permutation(np.geomspace(0.2, 6, logits.shape[-1])).astype(np.float32)
        if kind == "one class":  # all weights together are less than 1
            weights /= 1000
        inputs = [logits, masks, weights]
        cases.append(
            loss_case(part, inputs, weighted_cross_entropy, WEIGHTED_MISTAKES, EMPTY_MISTAKES)
        )
    return cases


# ---- focal_loss(logits, masks, gamma)


def focal_loss(logits, masks, gamma, factor=None, divide_by=None):
    log_p = of_true_class(log_softmax(logits), masks)
    p = of_true_class(softmax(logits), masks)
    f = (1 - p) ** gamma if factor is None else factor(p, gamma)
    pixels = counted(masks).sum() if divide_by is None else divide_by(masks)
    return -(f * log_p).sum(PIXELS) / max(pixels, 1)


def factor_of_the_mean(logits, masks, gamma):
    loss = cross_entropy(logits, masks)
    return (1 - np.exp(-loss)) ** gamma * loss


def gamma_on_the_log(logits, masks, gamma):
    log_p = of_true_class(log_softmax(logits), masks)
    p = of_true_class(softmax(logits), masks)
    return ((1 - p) * (-log_p) ** gamma).sum(PIXELS) / max(counted(masks).sum(), 1)


def largest_p(logits, masks, gamma):
    log_p = of_true_class(log_softmax(logits), masks)
    p = softmax(logits)
    top = np.take_along_axis(p, p.real.argmax(-1)[..., None], -1)[..., 0]
    return -((1 - top) ** gamma * log_p).sum(PIXELS) / max(counted(masks).sum(), 1)


FOCAL_MISTAKES = {
    IGNORED_PUSH: lambda z, m, g: focal_loss(z, m, g) + ignored_push(z, m),
    "the 1 − is missing: the factor is (1 − p)^γ, so that easy pixels count less": (
        lambda z, m, g: focal_loss(z, m, g, lambda p, g: p**g)
    ),
    "the factor is missing: that is cross-entropy": (
        lambda z, m, g: focal_loss(z, m, g, lambda p, g: 1)
    ),
    "γ multiplies; it is an exponent: (1 − p)^γ": (
        lambda z, m, g: focal_loss(z, m, g, lambda p, g: g * (1 - p))
    ),
    "the factor is 1 − p^γ; it should be (1 − p)^γ": (
        lambda z, m, g: focal_loss(z, m, g, lambda p, g: 1 - p**g)
    ),
    "γ is the exponent of the log: it belongs to 1 − p": gamma_on_the_log,
    "there is a factor α of 0.25: it is not asked for": lambda z, m, g: focal_loss(z, m, g) / 4,
    "γ is always 2: take the argument": lambda z, m, g: focal_loss(z, m, 2),
    "the factor is computed once, from the mean loss: each pixel has a factor of its own": (
        factor_of_the_mean
    ),
    "the factor is detached: the value is right, but a part of the gradient is missing": (
        lambda z, m, g: focal_loss(z, m, g, lambda p, g: (1 - detached(p)) ** g)
    ),
    "p is the largest probability of the pixel: take that of the true class": largest_p,
    "the sign is wrong: log p is negative": lambda z, m, g: -focal_loss(z, m, g),
    "that is the sum over the pixels: the mean is asked for": (
        lambda z, m, g: focal_loss(z, m, g, divide_by=lambda m: 1)
    ),
    "it is divided by the sum of the factors: divide by the number of pixels that count": (
        lambda z, m, g: (
            focal_loss(z, m, g, divide_by=lambda m: 1)
            / ((1 - of_true_class(softmax(z), m)) ** g * counted(m)).sum(PIXELS)
        )
    ),
    "the mean runs over the classes too": (lambda z, m, g: focal_loss(z, m, g) / z.shape[-1]),
    "ignored pixels are counted below: divide by the number of pixels that count": (
        lambda z, m, g: focal_loss(z, m, g, divide_by=lambda m: m.size)
    ),
    "ignored pixels (255) count for class 0: they must not count at all": (
        lambda z, m, g: focal_loss(z, first_class_where_ignored(m), g)
    ),
    "softmax is taken twice": lambda z, m, g: focal_loss(softmax(z), m, g),
} | {
    f"log(p + {small:g}), or p cut off there, only hides the overflow: the loss stops at "
    f"{-np.log(small):.0f}, and so does the gradient. Take log_softmax": (
        lambda z, m, g, small=small: (
            -(
                (1 - of_true_class(softmax(z), m)) ** g
                * of_true_class(np.log(softmax(z) + small), m)
            ).sum(PIXELS)
            / max(counted(m).sum(), 1)
        )
    )
    for small in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
}


def focal_cases(rng: np.random.Generator) -> list[Case]:
    return [
        loss_case(
            part,
            [*draw(rng, kind, images), gamma],
            focal_loss,
            FOCAL_MISTAKES,
            EMPTY_MISTAKES,
            OVERFLOW_MISTAKES,
        )
        for part, kind, images, gamma in (
            ("values", "plain", 1, 2.0),
            ("values", "plain", 3, 2.0),
            ("any γ", "plain", 2, 0.0),
            ("any γ", "plain", 1, float(rng.choice([1.5, 2.5, 3.0]))),
            ("ignored pixels", "ignored", 2, 2.0),
            ("ignored pixels", "all ignored", 2, 2.0),
            ("extreme logits", "extreme", 2, 2.0),
        )
    ]
