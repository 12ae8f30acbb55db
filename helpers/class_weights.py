"""Weights that make up for rare classes, from counts of pixels. For the losses of both frameworks.

Each rule takes the counts of `count` and gives float64, C: one weight for each class, 0 for a class
without a pixel. Only the ratios matter to a loss that divides by the sum of its weights.
"""

import numpy as np

from helpers.classes import IGNORE, LYFT
from helpers.masks import check_ids


def count(masks: np.ndarray, classes: int = len(LYFT)) -> np.ndarray:
    """How many pixels of each class each mask has.

    Args:
        masks: integer ids, N×H×W; 255 is not counted.
        classes: C.

    Returns:
        int64, N×C.

    Raises:
        ValueError: `masks` is not N×H×W, or an id is neither below C nor 255.
    """
    masks = np.asarray(masks)
    if masks.ndim != 3:
        raise ValueError(f"masks have the shape N×H×W, these {masks.shape}")
    check_ids(masks, classes)
    return np.array(
        [np.bincount(mask[mask != IGNORE].ravel(), minlength=classes) for mask in masks], np.int64
    ).reshape(-1, classes)


def inverse_frequency(counts: np.ndarray) -> np.ndarray:
    """all pixels / (classes present · pixels of the class): every class adds up to the same.

    scikit-learn's 'balanced' rule (King and Zeng 2001).

    Args:
        counts: int, N×C; see `count`.

    Raises:
        ValueError: `counts` is not N×C.
    """
    total = _two(counts).sum(0)
    return _divide(total.sum(), total * np.count_nonzero(total))


def median_frequency(counts: np.ndarray) -> np.ndarray:
    """The median frequency of the classes present / the frequency of the class.

    Eigen and Fergus 2015 (arXiv:1411.4734): the frequency of a class is its share of the pixels
    of those *images* that show it. So a class that is rare because few images have it is not
    punished for that.

    Args:
        counts: int, N×C; see `count`.

    Raises:
        ValueError: `counts` is not N×C.
    """
    counts = _two(counts)
    shown = (counts > 0) * counts.sum(1, keepdims=True)  # the pixels of the images that show it
    frequency = _divide(counts.sum(0), shown.sum(0))
    present = frequency > 0
    return _divide(np.median(frequency[present]) if present.any() else 0, frequency)


def effective_number(counts: np.ndarray, beta: float = 0.99999) -> np.ndarray:
    """(1 − β) / (1 − β^n) for n pixels, then scaled to the mean 1 over the classes present.

    Cui, Jia, Lin, Song and Belongie 2019 (arXiv:1901.05555): a further sample that looks like
    those before it adds little, so that n samples count as (1 − β^n) / (1 − β). With β = 0 all
    weights are 1; with β near 1 they are those of `inverse_frequency`. Pixels are many and alike,
    so their β is nearer to 1 than the paper's 0.9 to 0.9999, which is for images.

    Args:
        counts: int, N×C; see `count`.
        beta: at least 0 and below 1.

    Raises:
        ValueError: `counts` is not N×C, or `beta` is out of range.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta is {beta}; it must be at least 0 and below 1")
    n = _two(counts).sum(0)
    with np.errstate(divide="ignore"):  # log(0) = -inf gives the right 1 − 0^n = 1
        effective = np.where(n > 0, -np.expm1(np.maximum(n, 1) * np.log(beta)), 0) / (1 - beta)
    weights = _divide(1, effective)
    return weights * _divide(np.count_nonzero(n), weights.sum())


def _two(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 2:
        raise ValueError(
            f"counts have the shape N×C, a row for each mask, these {counts.shape}. "
            "class_weights.count(masks) gives them."
        )
    return counts


def _divide(part: np.ndarray | float, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where the whole is 0."""
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
