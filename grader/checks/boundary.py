"""Checks of metrics along borders: the F1 of two contours, with a tolerance."""

import numpy as np

from grader.checks import case
from helpers.verdict import Case

# ---- boundary_f1(truth, prediction, tolerance) → a number

STRAIGHT = ((0, 1), (0, -1), (1, 0), (-1, 0))
AROUND = (*STRAIGHT, (1, 1), (1, -1), (-1, 1), (-1, -1))


def contour(mask, steps=STRAIGHT, beyond="edge"):
    """The True pixels with a False one beside them; np.pad's mode says what lies beyond the end."""
    padded = np.pad(mask, 1, mode=beyond)
    height, width = mask.shape
    around = [padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in steps]
    return mask & ~np.logical_and.reduce(around)


def straight(y, x):
    return np.hypot(y, x)


def found(points, others, tolerance, distance, closer):
    """For each of N points whether one of the others is near, bool N."""
    between = points[:, None] - others[None]
    return closer(distance(between[..., 0], between[..., 1]), tolerance).any(1)


def harmonic(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_f1(
    truth,
    prediction,
    tolerance,
    edge=contour,
    distance=straight,
    closer=np.less_equal,
    join=harmonic,
    neither=np.nan,
    one=0.0,
):
    true, predicted = (np.argwhere(edge(mask)) for mask in (truth, prediction))
    if not len(true) and not len(predicted):
        return neither
    if not len(true) or not len(predicted):
        return one
    precision = found(predicted, true, tolerance, distance, closer).mean()
    recall = found(true, predicted, tolerance, distance, closer).mean()
    return join(precision, recall)


def _but(**change):
    return lambda *arguments: boundary_f1(*arguments, **change)


def _around_the_picture(truth, prediction, tolerance):
    def distance(y, x):
        y, x = np.abs(y), np.abs(x)
        return np.hypot(np.minimum(y, len(truth) - y), np.minimum(x, truth.shape[1] - x))

    return boundary_f1(truth, prediction, tolerance, distance=distance)


def _whole_tolerance(truth, prediction, tolerance):
    return boundary_f1(truth, prediction, int(tolerance))


def _over_both(truth, prediction, tolerance):
    """The share of all contour pixels that is found, of both contours together."""
    sizes = [contour(mask).sum() for mask in (truth, prediction)]
    if not all(sizes):
        return boundary_f1(truth, prediction, tolerance)
    shares = [
        boundary_f1(truth, prediction, tolerance, join=lambda *two, k=k: two[k]) for k in (1, 0)
    ]
    return sum(size * share for size, share in zip(sizes, shares, strict=True)) / sum(sizes)


BOUNDARY_MISTAKES = {
    "the end of the picture counts as a border: only a False neighbour within the picture does": (
        _but(edge=lambda mask: contour(mask, beyond="constant"))
    ),
    "the contour runs on at the other end of the picture: np.roll puts what leaves on the right "
    "back on the left": _but(edge=lambda mask: contour(mask, beyond="wrap")),
    "the distance is measured across the end of the picture: np.roll puts what leaves on the right "
    "back on the left": _around_the_picture,
    "corner neighbours make a contour too: only left, right, above and below count": (
        _but(edge=lambda mask: contour(mask, AROUND))
    ),
    "the contour lies outside: it is made of the mask's own pixels": (
        _but(edge=lambda mask: contour(~mask))
    ),
    "whole areas are compared: take their contours first": _but(edge=lambda mask: mask),
    "a distance that equals the tolerance is left out: <= and not <": _but(closer=np.less),
    "the tolerance is not used: a contour pixel is found if one is within the tolerance": (
        _but(closer=lambda distance, tolerance: distance == 0)
    ),
    "rows and columns are compared apart, which is a square: the distance is straight, "
    "√(rows² + columns²)": _but(distance=lambda y, x: np.maximum(abs(y), abs(x))),
    "rows and columns are added, which is a diamond: the distance is straight, "
    "√(rows² + columns²)": _but(distance=lambda y, x: abs(y) + abs(x)),
    "the squared distance is compared with the tolerance: square both or none": (
        _but(distance=lambda y, x: y**2 + x**2)
    ),
    "that is the precision alone": _but(join=lambda precision, recall: precision),
    "that is the recall alone": _but(join=lambda precision, recall: recall),
    "that is the plain mean of precision and recall: F1 is 2 · p · r / (p + r)": (
        _but(join=lambda precision, recall: (precision + recall) / 2)
    ),
    "the found pixels of both contours are added up before dividing: F1 is 2 · p · r / (p + r)": (
        _over_both
    ),
    "the 2 of F1 is missing: it is 2 · p · r / (p + r)": (
        _but(join=lambda precision, recall: harmonic(precision, recall) / 2)
    ),
    "that is the product of precision and recall: F1 is 2 · p · r / (p + r)": (
        _but(join=lambda precision, recall: precision * recall)
    ),
    "the tolerance is always 1: take the argument": lambda t, p, _: boundary_f1(t, p, 1),
    "the tolerance is always 2: take the argument": lambda t, p, _: boundary_f1(t, p, 2),
    "the tolerance is cut to a whole number: 2.5 is larger than 2": _whole_tolerance,
    "where nothing is found, it is nan (0 / 0): that is wrong throughout, so 0": (
        _but(join=lambda precision, recall: harmonic(precision, recall) or np.nan)
    ),
    "two masks without a contour have the value 0: it must be nan": _but(neither=0.0),
    "two masks without a contour have the value 1: it must be nan": _but(neither=1.0),
    "where one mask alone has a contour, it is nan: that is wrong throughout, so 0": (
        _but(one=np.nan)
    ),
    "where one mask alone has a contour, it is 1: that is wrong throughout, so 0": _but(one=1.0),
}


def blob(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A bool mask of two discs and a bar that runs out of the picture."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for _ in range(2):
        row, column = rng.uniform(8, height - 8), rng.uniform(8, width - 8)
        mask |= np.hypot(y - row, x - column) < rng.uniform(4, 7)
    row = rng.integers(2, height - 6)
    mask[row : row + 4, : width // 2] = True
    column = rng.integers(2, width - 6)
    mask[height // 2 :, column : column + 3] = True
    return mask


def moved(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """The mask a little elsewhere, with holes and crumbs."""
    y, x = rng.choice([-2, -1, 1, 2], 2)
    result = np.roll(mask, (y, x), (0, 1))
    return result ^ (rng.random(mask.shape) < 0.02)


def boundary_cases(rng: np.random.Generator) -> list[Case]:
    # squares that moved by √8 = 2.83 pixels, √10 = 3.16 and √18 = 4.24
    here, there = np.zeros((2, 24, int(rng.integers(58, 66))), bool)
    for column, down, right in ((6, 2, 2), (26, 1, 3), (46, 3, 3)):
        here[5:14, column : column + 8] = True
        there[5 + down : 14 + down, column + right : column + right + 8] = True
    pairs = [("tolerance", here, there, 3.2)]
    # bars at opposite ends, near each other only across the end, on one from end to end
    left, right = np.zeros((2, 20, 28), bool)
    left[:, :2] = right[:, 26:] = right[:, 1:3] = left[8:12] = right[8:12] = True
    pairs.append(("contours", left, right, 3))
    for part, tolerance in (("contours", 3), ("contours", 1), ("tolerance", 2.5)):
        mask = blob(rng, int(rng.integers(26, 34)), int(rng.integers(35, 48)))
        pairs.append((part, mask, moved(rng, mask), tolerance))
    mask = blob(rng, 30, 26)
    none, full, pixel = np.zeros_like(mask), np.ones_like(mask), np.ones((1, 1), bool)
    for truth, prediction in ((none, none), (mask, none), (full, mask), (full, none)):
        pairs.append(("empty", truth, prediction, 2))
    pairs.append(("empty", pixel, pixel, 1))
    near, far = np.zeros((2, 22, int(rng.integers(24, 40))), bool)
    near[3:7, 4:8] = far[14:18, 14:19] = True  # two contours, and nothing is found
    pairs.append(("empty", near, far, 2))
    return [case(part, inputs, boundary_f1, BOUNDARY_MISTAKES) for part, *inputs in pairs]
