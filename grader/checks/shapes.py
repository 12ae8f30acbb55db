"""Checks of counting by hand: the sizes along a stack of layers, and the receptive field."""

from collections.abc import Callable
from functools import partial

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- output_sizes(size, layers) → the size after each layer


def convolved(n, k, s, p, d, rounding=np.floor):
    return int(rounding((n + 2 * p - d * (k - 1) - 1) / s)) + 1


def transposed(n, k, s, p, d):
    return (n - 1) * s - 2 * p + d * (k - 1) + 1


def output_sizes(size, layers, down=convolved, up=transposed, chained=True):
    sizes = []
    for layer in layers:
        numbers = [layer[name] for name in ("kernel", "stride", "padding", "dilation")]
        before = sizes[-1] if sizes and chained else size
        sizes.append((up if layer["kind"] == "transposed" else down)(before, *numbers))
    return sizes


def with_down(formula: Callable) -> Callable:
    return partial(output_sizes, down=formula)


def with_up(formula: Callable) -> Callable:
    return partial(output_sizes, up=formula)


SIZE_MISTAKES = {
    "the division is rounded up: a window that does not fit any more is dropped, so round down": (
        with_down(lambda n, k, s, p, d: convolved(n, k, s, p, d, np.ceil))
    ),
    "the + 1 is missing: the first window counts too": (
        with_down(lambda n, k, s, p, d: convolved(n, k, s, p, d) - 1)
    ),
    "the padding is added at one end only: both ends get it": (
        with_down(lambda n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1)
    ),
    "the padding is left out": with_down(lambda n, k, s, p, d: convolved(n, k, s, 0, d)),
    "the size is divided by the stride and nothing else: the kernel and the padding count too": (
        with_down(lambda n, k, s, p, d: n // s)
    ),
    "the dilation is left out: it spreads a kernel of k over d · (k − 1) + 1 pixels": (
        with_down(lambda n, k, s, p, d: convolved(n, k, s, p, 1))
    ),
    "the dilated kernel is too wide: k pixels have k − 1 gaps, so it covers d · (k − 1) + 1": (
        with_down(lambda n, k, s, p, d: convolved(n, d * k, s, p, 1))
    ),
    "the window is one pixel too short: a kernel of k covers d · (k − 1) + 1 pixels": (
        with_down(lambda n, k, s, p, d: convolved(n + 1, k, s, p, d))
    ),
    "a transposed convolution is counted like a convolution: it goes the other way": (
        with_up(convolved)
    ),
    "the transposed size is size · stride: kernel and padding count too": (
        with_up(lambda n, k, s, p, d: n * s)
    ),
    "in a transposed convolution padding is cut off, not added": (
        with_up(lambda n, k, s, p, d: transposed(n, k, s, -p, d))
    ),
    "the padding of a transposed convolution is left out: it is cut off at both ends": (
        with_up(lambda n, k, s, p, d: transposed(n, k, s, 0, d))
    ),
    "in a transposed convolution padding is cut off at both ends, not at one": (
        with_up(lambda n, k, s, p, d: (n - 1) * s - p + d * (k - 1) + 1)
    ),
    "the copies of a transposed kernel begin at size places, which lie size − 1 strides apart": (
        with_up(lambda n, k, s, p, d: transposed(n + 1, k, s, p, d))
    ),
    "every layer starts from the size of the image: it starts from the size before it": (
        partial(output_sizes, chained=False)
    ),
    "that is the last size alone: give a list, the size after each layer": (
        lambda size, layers: output_sizes(size, layers)[-1]
    ),
}


def layer(kind, kernel, stride=1, padding=0, dilation=1):
    sizes = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return {"kind": kind, **sizes}


conv, pool, up = (partial(layer, kind) for kind in ("conv", "pool", "transposed"))


def size_cases(rng: np.random.Generator) -> list[Case]:
    k = [int(n) for n in rng.choice([5, 7], 4)]
    d = [int(n) for n in rng.choice([4, 6], 2)]
    stacks = (
        ("convolution and pooling", [conv(7, 2, 3), pool(3, 2, 1), conv(k[0], 1, 1), pool(2, 2)]),
        ("convolution and pooling", [conv(11, 4, 2), pool(3, 2), conv(k[1], 1, 2), conv(3, 2)]),
        ("dilation", [conv(k[2], 1, 1, d[0]), pool(2, 2), conv(3, 1, 1)]),
        ("dilation", [conv(3, 2, 1), conv(k[3], 1, 1, d[1]), pool(3, 2)]),
        ("transposed convolution", [conv(3, 2, 1), up(4, 2, 1), up(k[0], 3, 1)]),
        ("transposed convolution", [up(7, 3, 1), up(16, 8, 4)]),
    )
    return [
        case(part, [2 * int(rng.integers(60, 150)), layers], output_sizes, SIZE_MISTAKES)
        for part, layers in stacks
    ]


# ---- receptive_field(layers) → size, jump, start


def receptive_field(
    layers,
    reach=lambda k, d: d * (k - 1),
    use=lambda jump, s: jump,
    grow=lambda jump, s: jump * s,
    shift=lambda reach, p: reach / 2 - p,
    skipped=(),
):
    size, jump, start = 1, 1, 0.0
    for one in layers:
        if one["kind"] in skipped:
            continue
        more = reach(one["kernel"], one["dilation"])
        step = use(jump, one["stride"])
        size, start = size + more * step, start + shift(more, one["padding"]) * step
        jump = grow(jump, one["stride"])
    return size, jump, start


def at_edges(layers):
    """The place of the left edge of the field in place of its centre."""
    size, jump, start = receptive_field(layers)
    return size, jump, start - (size - 1) / 2


def from_corner(layers):
    size, jump, start = receptive_field(layers)
    return size, jump, start + 0.5


FIELD_MISTAKES = {
    "the jump is left out: one step on coarse maps is several pixels of the image": (
        partial(receptive_field, use=lambda jump, s: 1)
    ),
    "a layer's own stride counts too early: multiply the jump by it after the layer": (
        partial(receptive_field, use=lambda jump, s: jump * s)
    ),
    "a kernel of k adds k − 1 jumps to the size, not k": (
        lambda layers: (
            receptive_field(layers, reach=lambda k, d: d * k)[0],
            *receptive_field(layers)[1:],
        )
    ),
    "the dilation is left out: a dilated kernel reaches over d · (k − 1) pixels": (
        partial(receptive_field, reach=lambda k, d: k - 1)
    ),
    "the strides are added up: the jump is their product": (
        partial(receptive_field, grow=lambda jump, s: jump + s - 1)
    ),
    "the strides are added to the jump: it is their product": (
        partial(receptive_field, grow=lambda jump, s: jump + s)
    ),
    "the jump is the stride of the last layer: it is the product of all strides": (
        partial(receptive_field, grow=lambda jump, s: s)
    ),
    "start is rounded in every layer: windows of an even size have their centre between two "
    "pixels": partial(receptive_field, shift=lambda reach, p: reach // 2 - p),
    "pooling is left out: it is a window with a stride, like a convolution": (
        partial(receptive_field, skipped=("pool",))
    ),
    "start ignores the padding: it moves the first window back, beyond the edge of the image": (
        partial(receptive_field, shift=lambda reach, p: reach / 2)
    ),
    "start is the centre of the field: this is its first pixel": at_edges,
    "start counts from the corner of the first pixel: its centre is at 0": from_corner,
    "start is rounded: windows of an even size have their centre between two pixels": (
        lambda layers: (*receptive_field(layers)[:2], np.floor(receptive_field(layers)[2]))
    ),
    "start stays at 0: without padding the first field begins at the edge, so its centre lies "
    "inside": lambda layers: (*receptive_field(layers)[:2], 0.0),
}


def field_cases(rng: np.random.Generator) -> list[Case]:
    def same(kernel, stride=1, dilation=1):
        return conv(kernel, stride, dilation * (kernel - 1) // 2, dilation)

    k = [int(n) for n in rng.choice([3, 5, 7, 9], 8)]
    d = [int(n) for n in rng.integers(2, 7, 4)]
    stacks = (
        ("size and jump", [same(k[0], 2), same(k[1]), pool(3, 2, 1), same(k[2], 3)]),
        ("size and jump", [same(k[3]), same(k[4], 2), same(k[5], 4), same(k[6])]),
        ("dilation", [same(3, 2), same(3, 1, d[0]), same(k[7], 1, d[1])]),
        ("dilation", [same(3, 1, d[2]), pool(3, 2, 1), same(3, 2, d[3]), same(3)]),
        ("start", [conv(k[0], 2), same(k[1]), pool(2, 2), same(k[2])]),
        ("start", [same(3), pool(2, 2), same(3), conv(3, 1, 1, d[0]), pool(2, 2), pool(2, 2)]),
    )
    names = ("size", "jump", "start")
    return [
        case(part, [layers], receptive_field, FIELD_MISTAKES, names=names)
        for part, layers in stacks
    ]
