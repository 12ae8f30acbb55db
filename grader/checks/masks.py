"""Checks of functions on masks: clean a label, one-hot, paired crop and flip.

Each reference is written out here, apart from helpers/, so that a fault in one shows in the other.
Each known mistake is the reference with one thing wrong; its hint is what the student reads.
"""

import numpy as np
from PIL import Image

from grader.checks import case
from helpers.verdict import Case

VEHICLES, CLASSES = 10, 13

# ---- prepare_label(label, height, width) → mask


def prepare_label(label, height, width, channel=0, resample=Image.NEAREST, clean=None):
    mask = label[:, :, channel]
    mask = (clean or remove_hood)(mask)
    return np.asarray(Image.fromarray(mask).resize((width, height), resample))


def remove_hood(mask, rows=None, ids=(VEHICLES,), becomes=0):
    mask = mask.copy()
    lower = mask[slice(first_row(mask), None) if rows is None else rows]
    lower[np.isin(lower, ids)] = becomes
    return mask


def first_row(mask):
    """Where the hood begins."""
    return 496 * len(mask) // 600


def _hood(**change):
    return lambda *a: prepare_label(*a, clean=lambda m: remove_hood(m, **change))


LABEL_MISTAKES = {
    "the mask is read from the blue channel, which is 0 everywhere: Pillow gives RGB, and the id "
    "is in the red channel, 0": lambda *a: prepare_label(*a, channel=2),
    "the hood begins in row 496 of 600: a label of H rows needs 496 * H // 600": (
        _hood(rows=slice(496, None))
    ),
    "the hood is still there: vehicle pixels in rows 496 and below (of 600) must become 0, before "
    "any resizing": (lambda *a: prepare_label(*a, clean=lambda m: m)),
    "the hood's first row is computed from the height that is asked for: clean the label at its "
    "own size, 496 * H // 600": lambda label, h, w: prepare_label(
        label, h, w, clean=lambda m: remove_hood(m, slice(496 * h // 600, None))
    ),
    "every vehicle is gone: only those in rows 496 and below are the hood": (
        _hood(rows=slice(None))
    ),
    "everything in rows 496 and below is 0: only the vehicle pixels there are the hood": (
        _hood(ids=range(CLASSES))
    ),
    "the hood's first row is still there: row 496 belongs to it, and to the slice": (
        lambda *a: prepare_label(*a, clean=lambda m: remove_hood(m, slice(first_row(m) + 1, None)))
    ),
    "the vehicles above row 496 are gone, and the hood stays: the rows of the hood are the lower "
    "ones": lambda *a: prepare_label(*a, clean=lambda m: remove_hood(m, slice(first_row(m)))),
    "the hood becomes 255: it becomes 0": _hood(becomes=255),
    "the hood is still there, and another class is gone: vehicles have the id 10": _hood(ids=(9,)),
    "the hood is still there, and class 11 is gone: vehicles have the id 10": _hood(ids=(11,)),
    "the mask was resized smoothly (bilinear), which mixes ids into classes that were never there: "
    "use nearest": lambda *a: prepare_label(*a, resample=Image.BILINEAR),
    "the mask was resized with Pillow's default filter, which mixes ids: use nearest": (
        lambda *a: prepare_label(*a, resample=Image.BICUBIC)
    ),
    "grayscale conversion weighs the red channel down to 30 %: take the channel itself": (
        lambda label, h, w: prepare_label(
            np.asarray(Image.fromarray(label).convert("L"))[..., None], h, w
        )
    ),
}


def random_label(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """An H×W×3 label of random patches, with vehicles on both sides of the hood's first row."""
    cells = rng.integers(0, CLASSES, (20, 20), np.uint8)
    mask = cells.repeat(height // 20, 0).repeat(width // 20, 1)
    for _ in range(12):
        row, column = rng.integers(0, height - 60), rng.integers(0, width - 90)
        mask[row : row + rng.integers(8, 60), column : column + 90] = rng.integers(0, CLASSES)
    start = rng.integers(0, width // 2)
    mask[height * 2 // 3 : height - 10, start : start + width // 3] = VEHICLES
    return np.stack([mask, np.zeros_like(mask), np.zeros_like(mask)], -1)


def allowed_ids(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """For each pixel of a smaller mask a uint16: bit k says that id k lies in its part of `mask`.

    Part = the rows and columns that the pixel covers and one more on each side: the nearest
    neighbour of every library is in it.
    """
    allowed = np.zeros((height, width), np.uint16)
    rows = [_span(i, mask.shape[0], height) for i in range(height)]
    columns = [_span(j, mask.shape[1], width) for j in range(width)]
    bits = np.uint16(1) << mask.astype(np.uint16)
    for i, (top, bottom) in enumerate(rows):
        band = np.bitwise_or.reduce(bits[top:bottom], 0)
        for j, (left, right) in enumerate(columns):
            allowed[i, j] = np.bitwise_or.reduce(band[left:right])
    return allowed


def _span(i: int, size: int, count: int) -> tuple[int, int]:
    return max(0, int(np.floor(i * size / count)) - 1), int(np.ceil((i + 1) * size / count)) + 1


def label_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, full, size in (
        ("decode and clean", (600, 800), (600, 800)),
        ("decode and clean", (300, 400), (300, 400)),
        ("resize", (600, 800), (96, 128)),
        ("resize", (300, 400), (120, 180)),
    ):
        label = random_label(rng, *full)
        drawn = case(part, [label, *size], prepare_label, LABEL_MISTAKES)
        allowed = None
        if part == "resize":
            allowed = allowed_ids(remove_hood(label[:, :, 0]), *size)
        cases.append(Case(part, drawn.inputs, drawn.expected, drawn.mistakes, allowed=allowed))
    return cases


# ---- one_hot(mask, classes) → H×W×C


def one_hot(mask, classes):
    return (mask[..., None] == np.arange(classes)).astype(np.float32)


HOT_MISTAKES = {
    "the class axis comes first: H×W×C is asked for": lambda m, c: one_hot(m, c).transpose(2, 0, 1),
    "the maps begin with class 1: map 0 is that of class 0": (
        lambda m, c: (m[..., None] == np.arange(1, c + 1)).astype(np.float32)
    ),
    "the number of maps depends on the ids in this mask: make `classes` maps, always": (
        lambda m, c: one_hot(m, int(m[m < 255].max()) + 1)
    ),
    "ignored pixels (255) count for the last class: they are 0 in every map": (
        lambda m, c: one_hot(np.minimum(m, c - 1), c)
    ),
    "ignored pixels (255) count for class 0: they are 0 in every map": (
        lambda m, c: one_hot(np.where(m == 255, 0, m), c)
    ),
}


def hot_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, classes, top in (("maps", 13, 13), ("maps", 4, 3), ("ignore", 13, 12)):
        mask = rng.integers(0, top, (rng.integers(5, 20), rng.integers(21, 40))).astype(np.uint8)
        if part == "ignore":
            mask[rng.random(mask.shape) < 0.2] = 255
        cases.append(case(part, [mask, classes], one_hot, HOT_MISTAKES))
    return cases


# ---- crop_flip(image, mask, top, left, height, width, flip) → image, mask


def crop_flip(image, mask, top, left, height, width, flip):
    image, mask = (a[top : top + height, left : left + width] for a in (image, mask))
    return (image[:, ::-1], mask[:, ::-1]) if flip else (image, mask)


CROP_MISTAKES = {
    "the image is flipped and its mask is not: whatever moves pixels must move both": (
        lambda i, m, y, x, h, w, f: (
            crop_flip(i, m, y, x, h, w, f)[0],
            crop_flip(i, m, y, x, h, w, False)[1],
        )
    ),
    "nothing is flipped when flip is True": lambda i, m, y, x, h, w, f: crop_flip(
        i, m, y, x, h, w, False
    ),
    "both are flipped although flip is False": lambda i, m, y, x, h, w, f: crop_flip(
        i, m, y, x, h, w, True
    ),
    "it is turned upside down: flip left and right, which is the second axis": (
        lambda i, m, y, x, h, w, f: tuple(
            a[::-1] if f else a for a in crop_flip(i, m, y, x, h, w, False)
        )
    ),
    "top and left are exchanged: rows come first": (
        lambda i, m, y, x, h, w, f: crop_flip(i, m, x, y, h, w, f)
    ),
    "height and width are exchanged: rows come first": (
        lambda i, m, y, x, h, w, f: crop_flip(i, m, y, x, w, h, f)
    ),
    "the crop of the mask lies elsewhere than that of the image": (
        lambda i, m, y, x, h, w, f: (
            crop_flip(i, m, y, x, h, w, f)[0],
            crop_flip(i, m, 0, 0, h, w, f)[1],
        )
    ),
    "the flip comes before the crop, so another part is cut out: crop first": (
        lambda i, m, y, x, h, w, f: crop_flip(
            i[:, ::-1] if f else i, m[:, ::-1] if f else m, y, x, h, w, False
        )
    ),
}


def crop_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, flip in (("crop", False), ("flip", True), ("flip", True)):
        image = rng.integers(0, 256, (40, 56, 3), np.uint8)
        mask = rng.integers(0, CLASSES, (40, 56), np.uint8)
        top, left = int(rng.integers(1, 10)), int(rng.integers(11, 20))
        inputs = [
            image,
            mask,
            top,
            left,
            int(rng.integers(12, 20)),
            int(rng.integers(21, 30)),
            flip,
        ]
        cases.append(case(part, inputs, crop_flip, CROP_MISTAKES))
    return cases
