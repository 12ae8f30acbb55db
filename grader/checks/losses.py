"""Checks of losses: value and gradient, in either framework.

Here is what they share, and the Dice loss of the assignment lyft_unet. Losses of single pixels are
in pixel_losses.py, losses of overlap in overlap_losses.py.

References take a whole stack of logits, ...×N×H×W×C, and give one number for each, ...; masks are
N×H×W. So axes are counted from the end, and one call finds every slope.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from grader.checks import case
from grader.checks.masks import one_hot
from helpers.verdict import Case

IMAGES, ROWS, COLUMNS = -3, -2, -1
PIXELS = (IMAGES, ROWS, COLUMNS)
"""The axes of all pixels in ...×N×H×W."""
ABOVE_CLASSES = (-4, -3, -2)
"""The same pixels in ...×N×H×W×C."""


def with_gradient(loss: Callable, step: float = 1e-20) -> Callable:
    """The loss as a function that also returns its gradient with respect to its first argument.

    The slope of f at z is the imaginary part of f(z + i·step) / step: exact to rounding, since
    nothing is subtracted (Squire and Trapp 1998, Using complex variables to estimate derivatives
    of real functions). What is wrapped in `detached` counts as a constant.

    Args:
        loss: (logits ...×N×H×W×C, masks N×H×W, settings) → ....
        step: far below the resolution of the logits.
    """

    def value_and_gradient(logits: np.ndarray, masks: np.ndarray, *settings) -> tuple:
        moved = np.eye(logits.size).reshape(-1, *logits.shape) * (1j * step)
        with np.errstate(all="ignore"):
            values = loss(logits.astype(np.float64) + moved, masks, *settings)
        gradient = values.imag.reshape(logits.shape) / step
        return values.real[0], gradient

    return value_and_gradient


def detached(values: np.ndarray) -> np.ndarray:
    """The values as a constant: no slope goes through them."""
    return values.real


def softmax(logits):
    e = np.exp(logits - logits.real.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(logits):
    z = logits - logits.real.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def along(axis: int, function: Callable) -> Callable:
    """A softmax over another axis than that of the classes."""
    return lambda z: np.moveaxis(function(np.moveaxis(z, axis, -1)), -1, axis)


OTHER_AXES = {"images": -4, "rows": -3, "columns": -2}
"""The axes of ...×N×H×W×C that a softmax must not run over."""


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def only(shown: bool, value: float) -> np.ndarray:
    """The value of a mistake whose gradient differs from one framework to the other (nan, inf).

    Raises ValueError where the mistake does not show; `case` then leaves it out.
    """
    if not shown:
        raise ValueError("this mistake does not show here")
    return np.array(value)


def nothing_counts(masks: np.ndarray) -> bool:
    """Whether every pixel is ignored."""
    return bool((masks == 255).all())


def extreme(logits: np.ndarray) -> bool:
    """Whether exp overflows, or a probability underflows, in 32 bits."""
    return bool(np.abs(logits).max() > 100)


EMPTY_MISTAKES = {
    "it is nan where all pixels are ignored: 0 / 0. There the loss is 0, so divide by 1 at least": (
        lambda z, m, *_: only(nothing_counts(m), np.nan)
    ),
    "its value is right, but its gradient is nan where all pixels are ignored: 0 / 0 gives nan on "
    "the way back even if `where` takes the other branch. Keep 0 from standing below the line": (
        lambda z, m, *_: (only(nothing_counts(m), 0.0), np.full(z.shape, np.nan))
    ),
    "where all pixels are ignored the loss is 0, not 1": (
        lambda z, m, *_: only(nothing_counts(m), 1.0)
    ),
}
OVERFLOW_MISTAKES = {
    "it is nan: exp of a logit above 88 overflows in 32 bits. Never take exp of a logit as it is: "
    "log_softmax subtracts the largest first": lambda z, m, *_: only(extreme(z), np.nan),
    "it is infinite: exp of a logit overflows, or a probability underflows to 0, and then comes "
    "the log. Take both steps at once, with log_softmax": lambda z, m, *_: only(extreme(z), np.inf),
}


def draw(
    rng: np.random.Generator,
    kind: str = "plain",
    images: int = 2,
    classes: int = 0,
) -> list[np.ndarray]:
    """Logits float32 N×H×W×C and masks uint8 N×H×W for one case.

    Args:
        kind: "plain": every class occurs, and nothing is ignored; "ignored": some pixels are, in
            one image more than in the other; "all ignored"; "one class" has all pixels; "absent":
            one class of each batch has none, and the logits know little of that; "extreme": logits
            around ±10,000.
        classes: how many; 0 for a number of its own.
    """
    shape = images, int(rng.integers(3, 5)), int(rng.integers(3, 5))
    classes = classes or int(rng.integers(3, 5))
    logits = rng.normal(size=(*shape, classes), scale=1.5)
    masks = rng.permutation(np.arange(np.prod(shape)) % classes).astype(np.uint8).reshape(shape)
    if kind == "ignored":
        masks[0][rng.random(shape[1:]) < 0.2] = 255
        masks[-1, 1:, 1:] = masks[-1, 0, 0] = 255
    elif kind == "all ignored":
        masks[:] = 255
    elif kind == "one class":
        masks[:] = rng.integers(classes)
    elif kind == "absent":
        gone = int(rng.integers(classes))
        masks[masks == gone] = (gone + 1) % classes
    elif kind == "extreme":
        logits += np.where(rng.random(logits.shape) < 0.5, 1e4, -1e4)
    return [logits.astype(np.float32), masks]


def loss_case(
    part: str, inputs: list, reference: Callable, mistakes: dict[str, Callable], *plain: dict
) -> Case:
    """A case of a loss; `plain`: mistakes known by their value, looked for first."""
    known = {hint: mistake for more in plain for hint, mistake in more.items()}
    known |= {hint: with_gradient(mistake) for hint, mistake in mistakes.items()}
    made = case(part, inputs, with_gradient(reference), known, 1e-3)
    return replace(made, names=["the loss", "its gradient (image, row, column, class)"])


# ---- soft_dice(logits, masks) → one number, and its gradient


def soft_dice(logits, masks, activation=softmax, factor=2, smooth=1.0, axes=ABOVE_CLASSES, loss=1):
    p, y = activation(logits), one_hot(masks, logits.shape[-1])
    overlap, areas = (p * y).sum(axes), p.sum(axes) + y.sum(axes)
    dice = (factor * overlap + smooth) / (areas + smooth)
    dice = dice.reshape(len(logits), -1).mean(-1)
    return 1 - dice if loss else dice


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
    "the Dice of the classes is summed up: take its mean": (
        lambda z, m: 1 - z.shape[-1] * soft_dice(z, m, loss=False)
    ),
    "the 1 that is added above and below is missing": lambda z, m: soft_dice(z, m, smooth=1e-7),
    "Dice is taken per image and then averaged: sum over the whole batch": (
        lambda z, m: soft_dice(z, m, axes=(-3, -2))
    ),
    "one Dice over all classes together: take one per class, then the mean": (
        lambda z, m: soft_dice(z, m, axes=(-4, -3, -2, -1))
    ),
    "sigmoid instead of softmax: the classes exclude each other": (
        lambda z, m: soft_dice(z, m, activation=sigmoid)
    ),
    "that is cross-entropy": lambda z, m: (
        -np.log((softmax(z) * one_hot(m, z.shape[-1])).sum(-1)).mean(PIXELS)
    ),
    "the softmax runs over the wrong axis: it must run over the classes": (
        lambda z, m: soft_dice(z, m, activation=along(-3, softmax))
    ),
}


def dice_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for scale, shape in ((1, (2, 4, 5, 3)), (3, (3, 5, 4, 4))):
        logits = (scale * rng.normal(size=shape)).astype(np.float32)
        masks = rng.integers(0, shape[-1], shape[:-1]).astype(np.uint8)
        cases.append(loss_case("loss", [logits, masks], soft_dice, DICE_MISTAKES))
    return cases
