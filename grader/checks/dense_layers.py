"""Checks of a dense layer that is used as a convolution, on images of any size."""

from functools import partial

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- dense_as_conv(maps, weights, bias, height, width) → one answer per window


def dense_as_conv(maps, weights, bias, height, width, order=None, step=(1, 1), turn=1):
    """The dense layer at every window of height×width; its weights run over row, column, channel.

    `order` turns them into a kernel height×width×channels×units.
    """
    shape = (height, width, maps.shape[2], weights.shape[1])
    kernel = (order or np.reshape)(weights, shape)[::turn, ::turn]
    rows = range(0, maps.shape[0] - height + 1, step[0])
    columns = range(0, maps.shape[1] - width + 1, step[1])
    windows = [[maps[r : r + height, c : c + width] for c in columns] for r in rows]
    return np.einsum("rchwk,hwku->rcu", windows, kernel) + bias


def _channels_first(weights, shape):
    height, width, channels, units = shape
    return weights.reshape(channels, height, width, units).transpose(1, 2, 0, 3)


def _columns_first(weights, shape):
    height, width, channels, units = shape
    return weights.reshape(width, height, channels, units).transpose(1, 0, 2, 3)


def _first_window(maps, weights, bias, height, width):
    return dense_as_conv(maps, weights, bias, height, width)[0, 0]


def _same_size(maps, weights, bias, height, width):
    edges = [((n - 1) // 2, n // 2) for n in (height, width)]
    return dense_as_conv(np.pad(maps, (*edges, (0, 0))), weights, bias, height, width)


DENSE_MISTAKES = {
    "the weights are cut up with the channel as the slowest index, as in PyTorch: here they run "
    "over row, column, channel": partial(dense_as_conv, order=_channels_first),
    "the weights are cut up column by column: they run over row, column, channel": (
        partial(dense_as_conv, order=_columns_first)
    ),
    "the kernel is turned round: the weight of a pixel stays at its pixel": (
        partial(dense_as_conv, turn=-1)
    ),
    "the bias is missing": lambda m, w, b, *size: dense_as_conv(m, w, 0 * b, *size),
    "the bias is added once for each pixel of the window: once for each answer": (
        lambda m, w, b, *size: dense_as_conv(m, w, size[0] * size[1] * b, *size)
    ),
    "that is the answer of the first window alone: there is one for each place of the window": (
        _first_window
    ),
    "there is one answer: there is one for each place of the window": (
        lambda *inputs: dense_as_conv(*inputs)[:1, :1]
    ),
    "the window moves on by its own size: by one pixel": (
        lambda m, w, b, *size: dense_as_conv(m, w, b, *size, step=size)
    ),
    "the maps are padded: only windows that lie wholly inside count": _same_size,
    "the answers are averaged over the windows: leave them as maps": (
        lambda m, w, b, *size: dense_as_conv(m, w, b, *size).mean((0, 1), keepdims=True)
    ),
    "negative answers are cut off (a ReLU): leave them as they are": (
        lambda *inputs: np.maximum(0, dense_as_conv(*inputs))
    ),
}


def dense_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, (height, width, channels), more, units in (
        ("the size of the layer", (3, 4, 2), (0, 0), 5),
        ("the size of the layer", (4, 2, 3), (0, 0), 4),
        ("larger maps", (3, 2, 2), (4, 6), 3),
        ("larger maps", (2, 4, 3), (5, 3), 4),
    ):
        maps = rng.normal(size=(height + more[0], width + more[1], channels))
        weights = rng.normal(size=(height * width * channels, units))
        inputs = [maps, weights, rng.normal(size=units), height, width]
        cases.append(case(part, inputs, dense_as_conv, DENSE_MISTAKES))
    return cases
