"""Checks of reading a label that was stored as a picture: colours to ids."""

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- to_ids(picture, palette) → mask


def to_ids(picture, palette, unknown=255):
    same = (picture[:, :, None] == palette).all(-1)
    return np.where(same.any(-1), same.argmax(-1), unknown)


def _squares(picture, palette):
    return ((picture[:, :, None] - palette) ** 2).sum(-1)


def _found(same, first):
    """The first or the last class that fits, 255 where none does; `same` is bool H×W×C."""
    ids = same.argmax(-1) if first else same.shape[-1] - 1 - same[..., ::-1].argmax(-1)
    return np.where(same.any(-1), ids, 255)


def _one_class_only(picture, palette):
    return np.where((picture == palette[0]).all(-1), 0, 255)


def _red_is_missing(picture, palette):
    """What comes out where ids are written into the red channel of the picture itself."""
    picture = picture.copy()
    for k, colour in enumerate(palette):
        picture[(picture == colour).all(-1), 0] = k
    return picture[..., 0]


# bool H×W×C: which classes fit
LOOSE = {
    "only the red channel is compared: a colour is found only if all three are the same": (
        lambda p, colours: p[:, :, None, 0] == colours[:, 0]
    ),
    "one equal channel is enough: a colour is found only if all three are the same": (
        lambda p, colours: (p[:, :, None] == colours).any(-1)
    ),
    "the sums of the channels are compared: red, green and blue have the same sum": (
        lambda p, colours: p.sum(-1, keepdims=True) == colours.sum(-1)
    ),
    "a difference of uint8 wraps around: 3 − 5 is 254, and 16² is 0. Compare with ==, or convert "
    "to int first": lambda p, colours: _squares(p, colours) == 0,
}
COLOUR_MISTAKES = {
    "a colour that is not in the palette gets the class of the nearest one: it must become 255": (
        lambda p, colours: _squares(p.astype(int), colours.astype(int)).argmin(-1)
    ),
    "a colour that is not in the palette becomes class 0: it must become 255": (
        lambda p, colours: to_ids(p, colours, unknown=0)
    ),
    "a colour that is not in the palette becomes −1: it must become 255": (
        lambda p, colours: to_ids(p, colours, unknown=-1)
    ),
    "the channels are in the order blue, green, red: Pillow and the palette have RGB": (
        lambda p, colours: to_ids(p[..., ::-1], colours)
    ),
    "ids begin with 1: the first colour of the palette is class 0": (
        lambda p, colours: to_ids(p, colours) + (to_ids(p, colours) < 255)
    ),
    "class 0 alone is found: go through all colours before you return": _one_class_only,
    "the last colour is left out: the palette has a class in each of its rows": (
        lambda p, colours: to_ids(p, colours[:-1])
    ),
    "the ids are written into the picture, which is still to be compared: begin with a new array": (
        _red_is_missing
    ),
} | {
    f"{hint}{more}": lambda p, colours, same=same, first=first: _found(same(p, colours), first)
    for hint, same in LOOSE.items()
    for more, first in (("", True), (". Where several fit, the last one wins", False))
}


def colour_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, shape, classes in (
        ("ids", (21, 34), 13),
        ("ids", (1, 1), 4),
        ("unknown", (18, 25), 20),
    ):
        steps = rng.choice(4**3, classes, replace=False)  # many share a channel, or their sum
        palette = np.stack([steps // 16, steps // 4 % 4, steps % 4], -1).astype(np.uint8) * 64
        picture = palette[rng.integers(0, classes, shape)]
        if part == "unknown":  # what JPEG does to a label
            spoilt = rng.random(shape) < 0.2
            picture[spoilt] ^= rng.integers(1, 8, (spoilt.sum(), 3), np.uint8)
        cases.append(case(part, [picture, palette], to_ids, COLOUR_MISTAKES))
    return cases
