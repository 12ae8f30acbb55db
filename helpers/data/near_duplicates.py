"""Near-duplicates: frames so alike that the one gives away the answer to the other."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from helpers.data.pairs import Pairs
from helpers.data.pictures import read_picture
from helpers.where import cores

SIDE = 16
AT_ONCE = 2**18  # comparisons; what they need stays in a core's cache
NEAR = 88
"""Two frames are near-duplicates when they differ in at most so many of the 512 bits.

Measured on drawn streets of 96×128 pixels: among two million pairs of frames from different drives
the least differ in 98 bits, while 7 of 8 frames differ in less than 88 from their neighbour. With
64 bits the drives overlap, because all share the car's hood and the horizon.
"""


def fingerprint(image: np.ndarray) -> np.ndarray:
    """A print that stays nearly the same when the image is resized, brightened or compressed.

    The difference hash (dHash; Krawetz, 'Kind of Like That', 2013) in both directions: the image
    shrinks to 17×17 grey cells, and each bit tells whether a cell is lighter than its left, or
    than its upper, neighbour.

    Args:
        image: uint8, H×W×3.

    Returns:
        512 bits as uint64, 8. The bits in which two differ: `np.bitwise_count(a ^ b).sum()`.
    """
    grey = Image.fromarray(image).convert("L")
    cells = np.asarray(grey.resize((SIDE + 1, SIDE + 1), Image.Resampling.BILINEAR))
    right = cells[1:, 1:] > cells[1:, :-1]
    down = cells[1:, 1:] > cells[:-1, 1:]
    return np.packbits([right, down]).view(np.uint64)


def near_duplicates(
    a: Pairs | Sequence[np.ndarray], b: Pairs | Sequence[np.ndarray], distance: int = NEAR
) -> list[tuple[int, int, int]]:
    """Which frames of two sets are near-duplicates of each other.

    The validation frames that training has seen: `{j for _, j, _ in near_duplicates(train, val)}`.

    Args:
        a, b: pairs, whose images are read on all cores; or images, uint8 H×W×3 each.
        distance: the most bits, of 512, in which the fingerprints may differ.

    Returns:
        (i, j, bits) for each such a[i] and b[j], in the order of i, then j.

    Raises:
        ValueError: an image can't be read; it names the file.
    """
    first, second = _fingerprints(a), _fingerprints(b)
    rows = max(1, AT_ONCE // max(1, len(second)))
    found = []
    for start in range(0, len(first), rows):
        some = first[start : start + rows]
        bits = np.zeros((len(some), len(second)), np.uint16)
        for x, y in zip(some.T, second.T, strict=True):
            bits += np.bitwise_count(x[:, None] ^ y)
        i, j = np.nonzero(bits <= distance)
        found += zip((i + start).tolist(), j.tolist(), bits[i, j].tolist(), strict=True)
    return found


def _fingerprints(images: Pairs | Sequence[np.ndarray]) -> np.ndarray:
    """The fingerprint of each image, uint64 N×8."""
    files = [pair.image for pair in images.items] if isinstance(images, Pairs) else images

    def read(file: Path | np.ndarray) -> np.ndarray:
        return fingerprint(file if isinstance(file, np.ndarray) else read_picture(file, "RGB"))

    prints = np.empty((len(files), 2 * SIDE * SIDE // 64), np.uint64)
    pool = ThreadPoolExecutor(cores())  # threads: Pillow decodes and resizes without Python's lock
    try:
        done = pool.map(read, files)
        for i, bits in enumerate(tqdm(done, "fingerprints", len(files), leave=False, unit="image")):
            prints[i] = bits
    finally:
        pool.shutdown(cancel_futures=True)
    return prints
