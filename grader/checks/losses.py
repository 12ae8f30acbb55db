"""Checks of losses: value and gradient, in either framework.

The gradients come from central differences: slow, short, independent of any framework.
"""

from collections.abc import Callable

import numpy as np

from grader.checks import case
from grader.checks.masks import one_hot
from helpers.verdict import Case


def with_gradient(loss: Callable, step: float = 1e-5) -> Callable:
    """The loss as a function that also returns its gradient with respect to its first argument.

    Args:
        loss: (logits N×H×W×C, masks N×H×W) → a number.
        step: the half-width of the difference; the error is of the order of its square.
    """

    def value_and_gradient(logits: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = logits.astype(np.float64)
        gradient = np.empty_like(logits)
        for place in np.ndindex(logits.shape):
            up, down = logits.copy(), logits.copy()
            up[place] += step
            down[place] -= step
            gradient[place] = (loss(up, masks) - loss(down, masks)) / (2 * step)
        return np.asarray(loss(logits, masks)), gradient

    return value_and_gradient


# ---- soft_dice(logits, masks) → one number, and its gradient


def soft_dice(logits, masks, activation=None, factor=2, smooth=1.0, axes=(0, 1, 2), loss=True):
    p = (activation or softmax)(logits)
    y = (masks[..., None] == np.arange(logits.shape[-1])).astype(np.float64)
    overlap, areas = (p * y).sum(axes), p.sum(axes) + y.sum(axes)
    dice = ((factor * overlap + smooth) / (areas + smooth)).mean()
    return 1 - dice if loss else dice


def softmax(logits):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


DICE_MISTAKES = {
    "the 2 before the overlap is missing": lambda z, m: soft_dice(z, m, factor=1),
    "the softmax is missing: Dice needs probabilities, not logits": (
        lambda z, m: soft_dice(z, m, activation=lambda x: x)
    ),
    "softmax is taken twice": lambda z, m: soft_dice(
        z, m, activation=lambda x: softmax(softmax(x))
    ),
    "that is Dice itself: the loss is 1 − Dice, so that less is better": (
        lambda z, m: soft_dice(z, m, loss=False)
    ),
    "the 1 that is added above and below is missing": lambda z, m: soft_dice(z, m, smooth=1e-7),
    "Dice is taken per image and then averaged: sum over the whole batch": (
        lambda z, m: soft_dice(z, m, axes=(1, 2))
    ),
    "one Dice over all classes together: take one per class, then the mean": (
        lambda z, m: soft_dice(z, m, axes=(0, 1, 2, 3))
    ),
    "sigmoid instead of softmax: the classes exclude each other": (
        lambda z, m: soft_dice(z, m, activation=_sigmoid)
    ),
    "that is cross-entropy": lambda z, m: (
        -np.log((softmax(z) * one_hot(m, z.shape[-1])).sum(-1)).mean()
    ),
    "the softmax runs over the wrong axis: it must run over the classes": (
        lambda z, m: soft_dice(
            z, m, activation=lambda x: np.moveaxis(softmax(np.moveaxis(x, 1, -1)), -1, 1)
        )
    ),
}


def dice_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for scale, shape in ((1, (2, 4, 5, 3)), (3, (3, 5, 4, 4))):
        logits = (scale * rng.normal(size=shape)).astype(np.float32)
        masks = rng.integers(0, shape[-1], shape[:-1]).astype(np.uint8)
        known = {hint: with_gradient(mistake) for hint, mistake in DICE_MISTAKES.items()}
        cases.append(case("loss", [logits, masks], with_gradient(soft_dice), known, 1e-3))
    return cases
