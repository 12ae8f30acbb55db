"""How well do the borders fit? Boundary IoU and boundary F1, for each class.

Large areas hide their borders: a road whose edge is off by ten pixels keeps most of its IoU. Here
only what lies near a border counts.

Ignored pixels of the truth belong to no class in either mask: they are like outside the picture.
Per image: call `boundary_iou` or `boundary_f1` on each image. Pooled: on a stack, or add images to
`BoundaryIoU` or `BoundaryF1`. The rule for absent classes is that of `metrics`.
"""

import numpy as np

from helpers.classes import IGNORE, LYFT
from helpers.metrics import Confusion, ratio


class BoundaryIoU:
    """The IoU of the bands along the borders (Cheng et al. 2021, arXiv:2103.16562).

    The band of a class: its pixels with another class, or the picture's end, at most `distance`
    pixels away, in rows and in columns. For things thinner than two bands it is the plain IoU:
    there look at `BoundaryF1`.

    Args:
        classes: how many there are.
        distance: from 1 on pixels, below 1 a share of the picture's diagonal (at least 1 pixel).
        ignore: the true id that does not count.

    Attributes:
        confusion: of the bands; its last class is 'in no band'.
    """

    def __init__(
        self, classes: int = len(LYFT), distance: float = 0.02, ignore: int = IGNORE
    ) -> None:
        self.distance, self.ignore = distance, ignore
        self.confusion = Confusion(classes + 1, ignore=-1)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> "BoundaryIoU":
        """Counts one mask, H×W, or a stack of masks, N×H×W. Raises as `Confusion.add`."""
        classes = self.confusion.classes - 1
        bands = []
        for mask in _in_one_type(truth, prediction, classes, self.ignore):
            distance = max(1, round(_pixels(self.distance, mask.shape)))
            bands.append(np.where(inside(mask, distance), mask.dtype.type(classes), mask))
        self.confusion.add(*bands)
        return self

    def iou(self, absent: float = np.nan) -> np.ndarray:
        """The boundary IoU of each class, float64, C."""
        return self.confusion.iou(absent)[:-1]


class BoundaryF1:
    """How much of each class's contour lies where the other mask has it (Csurka et al. 2013).

    The contour: pixels whose left, right, upper or lower neighbour has another class. A pixel is
    found if the other mask has a contour pixel of the same class within `tolerance`, measured
    straight. Precision: the share of the predicted contour that is found in the truth; recall: of
    the true one in the prediction; F1 = 2 · precision · recall / (precision + recall).

    Args:
        classes: how many there are.
        tolerance: from 1 on pixels, below 1 a share of the picture's diagonal, rounded up; .0075
            is that of Perazzi et al. 2016 (DAVIS).
        ignore: the true id that does not count.

    Attributes:
        true, predicted: contour pixels of each class, int64, C×2: found, not found.
    """

    def __init__(
        self, classes: int = len(LYFT), tolerance: float = 0.0075, ignore: int = IGNORE
    ) -> None:
        self.tolerance, self.ignore = tolerance, ignore
        self.true = np.zeros((classes, 2), np.int64)
        self.predicted = np.zeros((classes, 2), np.int64)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> "BoundaryF1":
        """Counts one mask, H×W, or a stack of masks, N×H×W. Raises as `Confusion.add`."""
        classes = len(self.true)
        masks = _in_one_type(truth, prediction, classes, self.ignore)
        tolerance = _pixels(self.tolerance, masks[0].shape)
        tolerance = np.ceil(tolerance) if self.tolerance < 1 else tolerance
        true, predicted = (np.where(contour(m, classes), m, m.dtype.type(classes)) for m in masks)
        self.true += _found(true, predicted, classes, tolerance)
        self.predicted += _found(predicted, true, classes, tolerance)
        return self

    def precision(self, absent: float = np.nan) -> np.ndarray:
        """The share of the predicted contour that is right, float64, C."""
        return ratio(self.predicted[:, 0], self.predicted.sum(1), absent)

    def recall(self, absent: float = np.nan) -> np.ndarray:
        """The share of the true contour that was found, float64, C."""
        return ratio(self.true[:, 0], self.true.sum(1), absent)

    def f1(self, absent: float = np.nan) -> np.ndarray:
        """The boundary F1 of each class, float64, C; `absent` where neither mask has a contour."""
        precision, recall = self.precision(absent=0), self.recall(absent=0)
        f1 = ratio(2 * precision * recall, precision + recall, absent=0)
        return np.where(self.true.sum(1) + self.predicted.sum(1) > 0, f1, absent)


def boundary_iou(
    truth: np.ndarray,
    prediction: np.ndarray,
    classes: int = len(LYFT),
    distance: float = 0.02,
    ignore: int = IGNORE,
    absent: float = np.nan,
) -> np.ndarray:
    """Boundary IoU of each class, float64, C, of a mask or a stack; see `BoundaryIoU`."""
    return BoundaryIoU(classes, distance, ignore).add(truth, prediction).iou(absent)


def boundary_f1(
    truth: np.ndarray,
    prediction: np.ndarray,
    classes: int = len(LYFT),
    tolerance: float = 0.0075,
    ignore: int = IGNORE,
    absent: float = np.nan,
) -> np.ndarray:
    """Boundary F1 of each class, float64, C, of a mask or a stack; see `BoundaryF1`."""
    return BoundaryF1(classes, tolerance, ignore).add(truth, prediction).f1(absent)


def inside(mask: np.ndarray, distance: int) -> np.ndarray:
    """True where all pixels up to `distance` rows and columns away have the same id, bool …×H×W.

    That is each class eroded by a square, all classes at once; the picture's end counts as another.
    """
    d, result = distance, np.zeros(mask.shape, bool)
    if min(mask.shape[-2:]) > 2 * d:
        along = _all(mask[..., 1:] == mask[..., :-1], 2 * d, axis=-1)
        down = _all(mask[..., 1:, :] == mask[..., :-1, :], 2 * d, axis=-2)
        result[..., d:-d, d:-d] = _all(along, 2 * d + 1, axis=-2) & down[..., d:-d]
    return result


def contour(mask: np.ndarray, none: int) -> np.ndarray:
    """True where a neighbour in row or column has another id, bool …×H×W.

    Neither the picture's end nor a border with the id `none` counts.
    """
    edge, known = np.zeros(mask.shape, bool), mask != none
    for axis in (-1, -2):
        m, k, e = (np.moveaxis(array, axis, 0) for array in (mask, known, edge))
        change = (m[1:] != m[:-1]) & k[1:] & k[:-1]
        e[1:] |= change
        e[:-1] |= change
    return edge


def _all(region: np.ndarray, length: int, axis: int) -> np.ndarray:
    """Whether `length` entries in a row are all True; the axis gets shorter by length - 1."""
    region, done = np.moveaxis(region, axis, 0), 1
    while done < length:  # each step doubles what an entry speaks for
        step = min(done, length - done)
        region, done = region[:-step] & region[step:], done + step
    return np.moveaxis(region, 0, axis)


def _found(contours: np.ndarray, others: np.ndarray, classes: int, tolerance: float) -> np.ndarray:
    """How many contour pixels of each class have one of the same class near, and how many not.

    Both are …×H×W ids, with the id `classes` off the contours. Returns int64, C×2.
    """
    r = int(tolerance)
    around = [(0, 0)] * (contours.ndim - 2) + [(r, r)] * 2
    contours, others = (np.pad(m, around, constant_values=classes) for m in (contours, others))
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    square = (y**2 + x**2).ravel()
    steps = (y * contours.shape[-1] + x).ravel()[np.argsort(square, kind="stable")]
    contours, others = contours.ravel(), others.ravel()
    place = np.flatnonzero(contours != classes)
    total = np.bincount(contours[place], minlength=classes)
    for step in steps[: np.count_nonzero(square <= tolerance**2)]:  # the nearest first
        place = place[others[place + step] != contours[place]]
        if not place.size:
            break
    missed = np.bincount(contours[place], minlength=classes)
    return np.stack([total - missed, missed], axis=1)


def _in_one_type(
    truth: np.ndarray, prediction: np.ndarray, classes: int, ignore: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both masks in one small type, with the id `classes` where the truth is ignored."""
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    Confusion(classes, ignore).add(truth, prediction)  # raises what is wrong with them
    if truth.ndim < 2:
        raise ValueError(f"a mask is H×W, this one has the shape {truth.shape}")
    # signed: NumPy before 2.2.6 crashes where strided unsigned ids meet a negative number
    counted = truth.astype(np.int64, copy=False) != ignore
    small = np.min_scalar_type(classes)
    none = small.type(classes)
    return tuple(np.where(counted, m.astype(small), none) for m in (truth, prediction))


def _pixels(length: float, shape: tuple[int, ...]) -> float:
    """A length in pixels, given in pixels (from 1 on) or as a share of the diagonal."""
    return length if length >= 1 else length * np.hypot(*shape[-2:])
