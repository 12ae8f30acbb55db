"""Gradients of NumPy losses by central differences: slow, short, independent of any framework."""

from collections.abc import Callable

import numpy as np


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
