"""The first U-Net's weight map: narrow gaps between objects count most. For both frameworks."""

from collections.abc import Iterable

import numpy as np


def border_weights(
    objects: np.ndarray, w0: float = 10.0, sigma: float = 5.0, balance: np.ndarray | float = 1.0
) -> np.ndarray:
    """balance + w0 · exp(−(d1 + d2)² / (2 σ²)) in the background, balance inside objects.

    Ronneberger, Fischer and Brox 2015 (arXiv:1505.04597), equation 2, with their w0 = 10 and
    σ = 5 pixels. d1 and d2 are a pixel's distances to the nearest and to the second nearest
    object, from centre to centre; where there are fewer than two objects nothing is added.

    Args:
        objects: integer H×W, 0 = background, 1, 2, 3, … = the objects. `parts` numbers those of a
            semantic mask.
        w0: what a gap of no width would add.
        sigma: in pixels; above 0.
        balance: the paper's w_c, a number or float H×W, for example `class_weights[mask]`.

    Returns:
        float32 H×W, for the `pixel_weights` of `cross_entropy`.

    Raises:
        ValueError: `objects` is not H×W, or `sigma` is not above 0.
    """
    if objects.ndim != 2:
        raise ValueError(f"objects have the shape H×W, these {objects.shape}: one image at a time")
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma}; it must be above 0")
    reach = int(np.ceil(9 * sigma))  # beyond it less than 1e-17 of w0 is left
    nearest = np.full((2, *objects.shape), np.inf)  # d1 and d2
    for number in np.unique(objects[objects != 0]):
        rows, columns = (np.flatnonzero((objects == number).any(axis)) for axis in (1, 0))
        window = tuple(slice(max(0, i[0] - reach), i[-1] + reach + 1) for i in (rows, columns))
        d = distance(objects[window] == number, reach)
        d1, d2 = nearest[0][window], nearest[1][window]
        nearest[1][window] = np.minimum(d2, np.maximum(d, d1))
        nearest[0][window] = np.minimum(d1, d)
    added = w0 * np.exp(-(nearest.sum(0) ** 2) / (2 * sigma**2))
    return (balance + np.where(objects == 0, added, 0)).astype(np.float32)


def distance(region: np.ndarray, reach: int) -> np.ndarray:
    """Each pixel's Euclidean distance to the nearest pixel of the region.

    Args:
        region: bool H×W.
        reach: farther than so many columns it is not looked for.

    Returns:
        float64 H×W, inf where nothing is in reach; exact where it is at most `reach`.
    """
    height, width = region.shape
    row = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(region, row, -np.inf), axis=0)
    below = np.minimum.accumulate(np.where(region, row, np.inf)[::-1], axis=0)[::-1]
    squared = np.minimum(row - above, below - row) ** 2  # within the column
    nearest = squared.copy()
    for step in range(1, min(reach, width - 1) + 1):
        nearest[:, step:] = np.minimum(nearest[:, step:], squared[:, :-step] + step**2)
        nearest[:, :-step] = np.minimum(nearest[:, :-step], squared[:, step:] + step**2)
    return np.sqrt(nearest)


def parts(mask: np.ndarray, ids: Iterable[int]) -> np.ndarray:
    """Numbers what counts as an object in a semantic mask.

    An object is a part that hangs together: pixels of one and the same class among `ids`, each
    touching the next with an edge. Two cars that touch are one object, since a semantic mask
    does not tell them apart; a car behind a pole is two.

    Args:
        mask: integer ids, H×W.
        ids: the classes that have objects, for example vehicles and pedestrians.

    Returns:
        int64 H×W: 0 = no object, then 1, 2, 3, … in reading order of their first pixels.
    """
    chosen = np.isin(mask, list(ids))
    place = np.arange(mask.size).reshape(mask.shape)
    right = chosen[:, 1:] & (mask[:, 1:] == mask[:, :-1])
    below = chosen[1:] & (mask[1:] == mask[:-1])
    one = np.concatenate([place[:, :-1][right], place[:-1][below]])
    other = np.concatenate([place[:, 1:][right], place[1:][below]])
    root = place.ravel().copy()  # every pixel points to an earlier one of its part
    while (apart := root[one] != root[other]).any():
        one, other = one[apart], other[apart]
        low, high = np.minimum(root[one], root[other]), np.maximum(root[one], root[other])
        np.minimum.at(root, high, low)
        while (further := root[root] != root).any():
            root[further] = root[root[further]]
    firsts = np.where(chosen.ravel(), root, -1)
    _, number = np.unique(np.append(-1, firsts), return_inverse=True)
    return number[1:].reshape(mask.shape)
