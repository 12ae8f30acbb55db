"""How hard the drawn streets are without a network, and how often each class occurs.

A lookup learns the most frequent class of each colour, or of each colour in each cell of the
picture, on 120 drives, and is judged on 30 others: mean IoU over all classes, hood removed.
"""

from collections.abc import Iterator

import numpy as np

from helpers.classes import LYFT
from helpers.metrics import mean_iou
from helpers.streets import scenes

# (steps of each colour channel, rows, columns of cells)
COLOUR = ((16, 1, 1), (12, 1, 1), (8, 1, 1), (6, 1, 1))
COLOUR_AND_POSITION = ((8, 12, 16), (6, 16, 24), (4, 24, 32), (1, 48, 64))

# Shares in the real Lyft-Udacity frames in percent, by id; the hood counts as None.
REAL = (39, 7.5, 3.2, 0.4, 0.04, 0.4, 0.8, 21, 9, 16, 0.3, 1.8, 0.01)


def row_of(name: str) -> str:
    return f"{name}, % of the pixels"


COMPARE = {row_of(name): share for name, share in zip(LYFT.names, REAL, strict=True)}


def keys(images: np.ndarray, boxes: tuple[int, int, int]) -> np.ndarray:
    """For each pixel the number of its colour's box and its cell, int64 N×H×W."""
    colours, rows, columns = boxes
    red, green, blue = np.moveaxis(images.astype(np.int64) * colours // 256, -1, 0)
    height, width = red.shape[1:]
    down, across = np.arange(height) * rows // height, np.arange(width) * columns // width
    cell = down[:, None] * columns + across
    return ((red * colours + green) * colours + blue) * rows * columns + cell


def lookup(
    images: np.ndarray, masks: np.ndarray, unseen: np.ndarray, boxes: tuple[int, int, int]
) -> np.ndarray:
    """The most frequent class of each key, Roads where a key is new, for the pixels of `unseen`."""
    colours, rows, columns = boxes
    size = colours**3 * rows * columns * len(LYFT)
    pairs = keys(images, boxes).ravel() * len(LYFT) + masks.ravel()
    count = np.bincount(pairs, minlength=size).reshape(-1, len(LYFT))
    best = np.where(count.any(1), count.argmax(1), LYFT.id("Roads"))
    return best[keys(unseen, boxes)]


def without_a_network(seed: int) -> Iterator[tuple[str, float]]:
    """Rows of mean IoU on unseen drives, 96×128."""
    images, masks = scenes(range(120), (0, 60, 120), seed)
    unseen, truth = scenes(range(1000, 1030), (0, 60), seed)
    majority = np.bincount(masks.ravel()).argmax()
    yield "the most frequent class everywhere", mean_iou(truth, np.full_like(truth, majority))
    for name, choices in (
        ("the best lookup by colour", COLOUR),
        ("the best lookup by colour and position", COLOUR_AND_POSITION),
    ):
        yield name, max(mean_iou(truth, lookup(images, masks, unseen, b)) for b in choices)


def shares(seed: int) -> Iterator[tuple[str, float]]:
    """The share of each class in 200 frames, 40 drives of 5, in percent."""
    _, masks = scenes(range(200, 240), range(0, 200, 40), seed, 150, 200)
    counts = np.bincount(masks.ravel(), minlength=len(LYFT))
    for name, count in zip(LYFT.names, counts.tolist(), strict=True):
        yield row_of(name), 100 * count / masks.size


def measure(seed: int) -> dict[str, float]:
    return {row: round(float(value), 4) for row, value in (*without_a_network(seed), *shares(seed))}
