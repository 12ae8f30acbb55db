"""Checks of making maps larger: unpooling, transposed convolution, its overlaps, bilinear kernels.

Each reference is written out here, apart from helpers/, so that a fault in one shows in the other.
"""

from functools import partial

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- unpool(maps, factor, places) → maps factor times as large


def unpool(maps, factor, places, inside=(0, 0), spot=None):
    """Places are numbers of pixels in the large map, row by row; None: the corner of each block.

    `spot` makes row and column of a place.
    """
    height, width, channels = (factor, factor, 1) * np.array(maps.shape)
    out = np.zeros((height, width, channels))
    for r, c, k in np.ndindex(maps.shape):
        row, column = r * factor + inside[0], c * factor + inside[1]
        if places is not None:
            row, column = (spot or divmod)(int(places[r, c, k]), width)
        if row < height and column < width:
            out[row, column, k] = maps[r, c, k]
    return out


def _everywhere(maps, factor, places):
    return maps.repeat(factor, 0).repeat(factor, 1)


UNPOOL_MISTAKES = {
    "every pixel of a block gets the value: one gets it, and the others are 0": _everywhere,
    "the value stands at the lower right corner of its block: at the upper left": (
        lambda m, f, p: unpool(m, f, p, (f - 1, f - 1))
    ),
    "the value stands in the middle of its block: at its upper left corner": (
        lambda m, f, p: unpool(m, f, p, (f // 2, f // 2))
    ),
    "the places are not used: with them each value goes back to where the largest one was": (
        lambda m, f, p: unpool(m, f, None)
    ),
    "row and column of a place come from the width of the small maps: divide by that of the large "
    "ones": lambda m, f, p: unpool(m, f, p, spot=lambda place, width: divmod(place, width // f)),
    "the places are counted column by column: they run row by row": (
        lambda m, f, p: unpool(m, f, p, spot=lambda place, _: divmod(place, len(m) * f)[::-1])
    ),
    "the places of channel 0 are used for all channels: each has its own": (
        lambda m, f, p: unpool(m, f, p if p is None else np.repeat(p[..., :1], m.shape[2], 2))
    ),
    "the value is shared out over its block: it stays as it is": (
        lambda m, f, p: _everywhere(m, f, p) / f**2
    ),
}


def unpool_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, shape, factor in (
        ("bed of nails", (3, 5, 1), 2),
        ("bed of nails", (4, 3, 3), 3),
        ("max unpooling", (4, 6, 1), 2),
        ("max unpooling", (5, 3, 4), 3),
    ):
        maps, places = rng.normal(size=shape), None
        if part == "max unpooling":
            r, c = np.indices(shape)[:2] * factor + rng.integers(0, factor, (2, *shape))
            places = r * shape[1] * factor + c
        cases.append(case(part, [maps, factor, places], unpool, UNPOOL_MISTAKES))
    return cases


# ---- transposed_conv(maps, kernel, stride, padding)


def transposed_conv(maps, kernel, stride, padding, add=True):
    """Each value of maps H×W×A lays its copy of the kernel, k×m×A×B, into the output."""
    (h, w, _), (k, m) = maps.shape, kernel.shape[:2]
    out = np.zeros(((h - 1) * stride + k, (w - 1) * stride + m, kernel.shape[3]))
    for r, c in np.ndindex(h, w):
        place = np.s_[r * stride : r * stride + k, c * stride : c * stride + m]
        copy = np.tensordot(maps[r, c], kernel, (0, 2))
        out[place] = out[place] + copy if add else copy
    return out[padding : len(out) - padding, padding : out.shape[1] - padding]


def _cut(cut):
    def mistake(maps, kernel, stride, padding):
        return cut(transposed_conv(maps, kernel, stride, 0), padding, maps, stride)

    return mistake


def _same_channel(maps, kernel, stride, padding):
    """Each map goes to itself alone: the kernels between different maps are left out."""
    kernel = kernel * np.eye(*kernel.shape[2:])
    return transposed_conv(maps, kernel, stride, padding)


def _mean_of_overlaps(maps, kernel, stride, padding):
    counts = [
        overlaps(n, k, stride, padding)
        for n, k in zip(maps.shape[:2], kernel.shape[:2], strict=True)
    ]
    counts = np.maximum(np.outer(*counts), 1)[..., None]
    return transposed_conv(maps, kernel, stride, padding) / counts


TRANSPOSED_MISTAKES = {
    "where copies overlap the last one wins: add them up (+= and not =)": (
        partial(transposed_conv, add=False)
    ),
    "where copies overlap their mean is taken: they are added up": _mean_of_overlaps,
    "the kernel is turned round: it is laid down as it is. Only who convolves maps with zeros "
    "between must flip it": lambda m, k, s, p: transposed_conv(m, k[::-1, ::-1], s, p),
    "rows and columns of the kernel are exchanged": (
        lambda m, k, s, p: transposed_conv(m, k.swapaxes(0, 1), s, p)
    ),
    "the maps that go in and those that come out are exchanged: kernel[:, :, a, b] leads from a "
    "to b": lambda m, k, s, p: transposed_conv(m, k.swapaxes(2, 3), s, p),
    "each map goes to itself alone: every map that goes in adds to every map that comes out": (
        _same_channel
    ),
    "the stride is left out: neighbours lie `stride` pixels apart": (
        lambda m, k, s, p: transposed_conv(m, k, 1, p)
    ),
    "the padding is not cut off": _cut(lambda out, p, *_: out),
    "the padding is cut off at the top and left only: at all four edges": (
        _cut(lambda out, p, *_: out[p:, p:])
    ),
    "the padding adds zeros around: in a transposed convolution it cuts off": (
        _cut(lambda out, p, *_: np.pad(out, ((p, p), (p, p), (0, 0))))
    ),
    "the output is cut to stride times the size: it has (H − 1) · stride + kernel − 2 · padding "
    "rows": lambda m, k, s, p: np.pad(
        transposed_conv(m, k, s, p), ((0, 9 * s), (0, 9 * s), (0, 0))
    )[: len(m) * s, : m.shape[1] * s],
}


def transposed_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, maps, kernel, stride, padding in (
        ("one map", (3, 4, 1), (3, 3, 1, 1), 2, 0),
        ("one map", (4, 5, 1), (4, 4, 1, 1), 2, 0),
        ("several maps", (3, 4, 2), (3, 5, 2, 3), 2, 0),
        ("several maps", (4, 3, 3), (4, 4, 3, 3), 3, 0),
        ("padding", (5, 4, 2), (4, 4, 2, 2), 2, 1),
        ("padding", (4, 6, 1), (5, 5, 1, 2), 1, 2),
        ("gaps", (3, 4, 1), (2, 2, 1, 2), 3, 0),
    ):
        inputs = [rng.normal(size=maps), rng.normal(size=kernel), stride, padding]
        cases.append(case(part, inputs, transposed_conv, TRANSPOSED_MISTAKES))
    return cases


# ---- overlaps(size, kernel, stride, padding) → how often each place is written


def overlaps(size, kernel, stride, padding):
    counts = np.zeros((size - 1) * stride + kernel, int)
    for place in range(size):
        counts[place * stride : place * stride + kernel] += 1
    return counts[padding : len(counts) - padding]


def _endless(size, kernel, stride, padding):
    """As if there were neighbours beyond both ends."""
    more = -(-kernel // stride)
    counts = overlaps(size + 2 * more, kernel, stride, 0)
    whole = (size - 1) * stride + kernel
    return counts[more * stride :][:whole][padding : whole - padding]


def _unspread(size, kernel, stride, padding):
    """The output is long enough, but each copy begins one place after the one before."""
    counts = np.zeros((size - 1) * stride + kernel, int)
    for place in range(size):
        counts[place : place + kernel] += 1
    return counts[padding : len(counts) - padding]


def _strides_long(size, kernel, stride, padding):
    counts = np.pad(overlaps(size, kernel, stride, 0), (0, stride))[: size * stride]
    return counts[padding : len(counts) - padding]


OVERLAP_MISTAKES = {
    "the ends are counted as if there were more pixels beyond: fewer kernels reach them": _endless,
    "the padding is not cut off": lambda n, k, s, p: overlaps(n, k, s, 0),
    "the padding is cut off at one end only: at both": lambda n, k, s, p: overlaps(n, k, s, 0)[p:],
    "the padding adds zeros: it cuts off": lambda n, k, s, p: np.pad(overlaps(n, k, s, 0), p),
    "the stride is left out: neighbours lie `stride` places apart": (
        lambda n, k, s, p: overlaps(n, k, 1, p)
    ),
    "the copies begin one place apart: neighbours lie `stride` places apart": _unspread,
    "the result is cut to size · stride: it has (size − 1) · stride + kernel − 2 · padding": (
        _strides_long
    ),
    "every place counts once at least: where no kernel reaches it is 0": (
        lambda n, k, s, p: np.maximum(1, overlaps(n, k, s, p))
    ),
    "only whether a kernel reaches a place is told: count how many do": (
        lambda n, k, s, p: np.minimum(1, overlaps(n, k, s, p))
    ),
    "that is how many kernels overlap with another: one kernel alone counts 1": (
        lambda n, k, s, p: np.maximum(0, overlaps(n, k, s, p) - 1)
    ),
    "these are shares: counts are asked for": (
        lambda n, k, s, p: overlaps(n, k, s, p) / overlaps(n, k, s, p).max()
    ),
}


def overlap_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, kernel, stride, padding in (
        ("counts", 3, 2, 0),
        ("counts", 4, 2, 0),
        ("counts", 7, 3, 0),
        ("gaps", 2, 3, 0),
        ("gaps", 1, 4, 0),
        ("padding", 4, 2, 1),
        ("padding", 5, 2, 2),
    ):
        inputs = [int(rng.integers(4, 9)), kernel, stride, padding]
        cases.append(case(part, inputs, overlaps, OVERLAP_MISTAKES))
    return cases


# ---- bilinear_kernel(factor, maps) → side×side×maps×maps


def side_weights(factor, side=None, centre=None):
    side = side or 2 * factor - factor % 2
    centre = (side - 1) / 2 if centre is None else centre
    return np.maximum(0, 1 - np.abs(np.arange(side) - centre) / factor)


def bilinear_kernel(factor, maps, weights=side_weights, between=np.eye):
    side = weights(factor)
    return np.outer(side, side)[..., None, None] * between(maps)


def _tent(factor, maps):
    """One tent over the straight distance: a cone, in place of a product of two."""
    side = 2 * factor - factor % 2
    place = np.arange(side) - (side - 1) / 2
    far = np.hypot(place[:, None], place)
    return np.maximum(0, 1 - far / factor)[..., None, None] * np.eye(maps)


def _scaled(total):
    def mistake(factor, maps):
        kernel = bilinear_kernel(factor, maps)
        return kernel / total(kernel[..., 0, 0])

    return mistake


BILINEAR_MISTAKES = {
    "it is 0.5 off the centre: the centre of k pixels is at (k − 1) / 2": (
        partial(bilinear_kernel, weights=lambda f: side_weights(f, centre=side_weights(f).size / 2))
    ),
    "the centre is at factor − 1: for an even factor it lies between two pixels, at factor − 0.5": (
        partial(bilinear_kernel, weights=lambda f: side_weights(f, centre=f - 1))
    ),
    "the side is 2 · factor: for an odd factor it is 2 · factor − 1": (
        partial(bilinear_kernel, weights=lambda f: side_weights(f, 2 * f))
    ),
    "the side is 2 · factor − 1: for an even factor it is 2 · factor": (
        partial(bilinear_kernel, weights=lambda f: side_weights(f, 2 * f - 1))
    ),
    "all weights are 1: that copies values (nearest); they fall from the centre to the edge": (
        partial(bilinear_kernel, weights=lambda f: np.ones(2 * f - f % 2))
    ),
    "the weights fall to 0 at both ends, as with align_corners: from one pixel to the next they "
    "fall by 1 / factor": (
        partial(bilinear_kernel, weights=lambda f: 1 - np.abs(np.linspace(-1, 1, 2 * f - f % 2)))
    ),
    "the weight falls with the straight distance: it is the product of a row's and a column's "
    "weight": _tent,
    "the weights are scaled so that they sum to 1: they sum to factor², as each value is shared "
    "out over factor² pixels": _scaled(np.sum),
    "the weights are scaled so that the largest is 1": _scaled(np.max),
    "every map leads to every map: between different maps the kernel is 0": (
        partial(bilinear_kernel, between=lambda n: np.ones((n, n)))
    ),
    "the maps are mixed to their mean: between different maps the kernel is 0": (
        partial(bilinear_kernel, between=lambda n: np.ones((n, n)) / n)
    ),
    "the two axes of the maps are missing: side×side×maps×maps": (
        lambda factor, maps: bilinear_kernel(factor, 1)[..., 0, 0]
    ),
    "the axes of the maps come first: side×side×maps×maps": (
        lambda factor, maps: bilinear_kernel(factor, maps).transpose(2, 3, 0, 1)
    ),
}


def bilinear_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(part, [factor, maps], bilinear_kernel, BILINEAR_MISTAKES)
        for part, factor, maps in (
            ("even factors", 2, 1),
            ("even factors", 2 * int(rng.integers(2, 5)), 1),
            ("odd factors", 1, 1),
            ("odd factors", 2 * int(rng.integers(1, 4)) + 1, 1),
            ("several maps", 2, int(rng.integers(2, 5))),
            ("several maps", 3, int(rng.integers(2, 5))),
        )
    ]
