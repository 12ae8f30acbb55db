"""Where each pixel of the result comes from, and the one resampling that fetches it.

Coordinates are (row, column); the centre of the first pixel is (0, 0).
"""

import math
from functools import lru_cache

import numpy as np
from PIL import Image

from helpers.classes import IGNORE

CELLS = 4  # of the elastic grid, along each side


def source(
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    degrees: float = 0,
    mirror: bool = False,
    shifts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The source's row and column for each pixel of the result.

    The result shows `box` of the source, stretched to `size`, turned about the box's middle and
    bent. All of it but the bending is one 2×2 matrix and the two middles.

    Args:
        size: height and width of the result.
        box: top, left, height and width in the source, in pixels.
        degrees: turns the picture counter-clockwise.
        mirror: left to right.
        shifts: 2 × (CELLS+3) × (CELLS+3), rows then columns: the coefficients of a cubic B-spline
            over the result, in its pixels. No pixel moves further than the largest of them; none
            folds over another while they stay below side / (4 · CELLS).

    Returns:
        rows and columns, float64, each of the result's size.
    """
    height, width = size
    top, left, box_height, box_width = box
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    down, right = box_height / height, box_width / width * (-1 if mirror else 1)
    matrix = np.array([[cos * down, sin * right], [-sin * down, cos * right]])
    i = np.arange(height)[:, None] + 0.5 - height / 2
    j = np.arange(width) + 0.5 - width / 2
    rows = (matrix[0, 0] * i + (top + box_height / 2 - 0.5)) + matrix[0, 1] * j
    columns = (matrix[1, 0] * i + (left + box_width / 2 - 0.5)) + matrix[1, 1] * j
    if shifts is not None:
        for coordinate, bent in zip((rows, columns), np.tensordot(matrix, shifts, 1), strict=True):
            coordinate += _basis(height) @ bent @ _basis(width).T
    return rows, columns


@lru_cache(maxsize=8)
def _basis(n: int) -> np.ndarray:
    """n × (CELLS+3): the weights of the cubic B-spline's coefficients at n pixels."""
    cell, t = np.divmod((np.arange(n) + 0.5) / n * CELLS, 1)
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    )
    basis = np.zeros((n, CELLS + 3))
    for k, weight in enumerate(weights):
        basis[np.arange(n), cell.astype(int) + k] = weight / 6
    return basis


def resample(
    image: np.ndarray, mask: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Image and mask at the given places: bilinear for the image, nearest for the mask.

    Outside the picture the image repeats its edge and the mask is 255. Places are rounded to 1/256
    of a pixel: whole-number arithmetic is fast, and the same on every machine.

    Args:
        image: uint8 H×W×3.
        mask: uint8 H×W.
        rows, columns: float, h×w, from `source`.

    Returns:
        uint8 h×w×3 and uint8 h×w.
    """
    height, width = mask.shape
    y, x = (_in_256ths(places) for places in (rows, columns))

    # The nearest pixel; seen as unsigned, a place left of or above the picture is far outside.
    row, column = (y + 128) >> 8, (x + 128) >> 8
    outside = (row.view(np.uint32) >= height) | (column.view(np.uint32) >= width)
    nearest = (row * np.int32(width) + column).astype(np.intp)
    ids = np.ascontiguousarray(mask).ravel().take(nearest, mode="clip")
    ids[outside] = IGNORE

    # The four neighbours with weights that add up to 256. A neighbour outside has weight 0.
    np.clip(y, 0, (height - 1) * 256, out=y)
    np.clip(x, 0, (width - 1) * 256, out=x)
    corner = ((y >> 8) * np.int32(width) + (x >> 8)).astype(np.intp)
    y &= 255
    x &= 255
    both = (y * x) >> 8
    neighbours = ((0, 256 - y - x + both), (1, x - both), (width, y - both), (width + 1, both))

    # A pixel is one 64-bit number with 16 bits for each colour: one product weighs all three.
    padded = Image.fromarray(image).tobytes("raw", "RGBX")
    pixels = np.frombuffer(padded, np.uint8).astype(np.uint16).view(np.uint64)
    total = np.full(rows.shape, 0x0080_0080_0080_0080, np.uint64)  # half, for the rounding
    for offset, weight in neighbours:
        fetched = pixels[min(offset, mask.size - 1) :].take(corner, mode="clip")
        fetched *= weight.astype(np.uint64)
        total += fetched
    padded = (total.view(np.uint16) >> 8).astype(np.uint8)
    return np.array(Image.frombytes("RGB", rows.shape[::-1], padded, "raw", "RGBX")), ids


def _in_256ths(places: np.ndarray) -> np.ndarray:
    places = places * 256
    return np.rint(places, out=places).astype(np.int32)
