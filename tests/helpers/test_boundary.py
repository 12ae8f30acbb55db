import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt

from helpers import boundary, masks
from helpers.boundary import BoundaryF1, BoundaryIoU
from helpers.streets import scene


def regions(truth, prediction, classes, ignore):
    """Of each class: its pixels in both masks, without the ignored ones; and what is counted."""
    counted = truth != ignore
    for k in range(classes):
        yield (truth == k) & counted, (prediction == k) & counted, counted


def band_counts(truth, prediction, classes, d, ignore=255):
    """Intersection and union of the bands, from scipy's erosion, as in the authors' own code."""
    counts = np.zeros((classes, 2))
    for k, (t, p, _) in enumerate(regions(truth, prediction, classes, ignore)):
        t, p = (
            m & ~binary_erosion(m, np.ones((3, 3)), iterations=d, border_value=0) for m in (t, p)
        )
        counts[k] = (t & p).sum(), (t | p).sum()
    return counts


def contour_counts(truth, prediction, classes, tolerance, ignore=255):
    """Of each class: true contour found, all of it, predicted contour found, all of it."""
    counts = np.zeros((classes, 4))
    for k, (t, p, counted) in enumerate(regions(truth, prediction, classes, ignore)):
        t, p = (m & binary_dilation(counted & ~m) for m in (t, p))
        for i, (mine, other) in enumerate(((t, p), (p, t))):
            near = np.zeros_like(mine)
            if other.any():
                near = distance_transform_edt(~other) <= tolerance
            counts[k, 2 * i : 2 * i + 2] = (mine & near).sum(), mine.sum()
    return counts


def f1_of(counts):
    found, true, right, predicted = counts.T
    with np.errstate(invalid="ignore"):
        recall, precision = np.nan_to_num(found / true), np.nan_to_num(right / predicted)
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return np.where(true + predicted > 0, f1, np.nan)


@st.composite
def pairs(draw):
    """Truth and prediction: blocks of classes, a noisy copy, some ignored, of any integer type."""
    classes = draw(st.integers(1, 5))
    height, width = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    block = draw(st.integers(1, 9))
    coarse = rng.integers(0, classes, (2, -(-height // block), -(-width // block)))
    truth, other = coarse.repeat(block, 1).repeat(block, 2)[:, :height, :width]
    kind = draw(st.sampled_from(["same", "moved", "noisy", "other"]))
    prediction = {
        "same": truth,
        "moved": np.roll(truth, 1, draw(st.integers(0, 1))),
        "noisy": np.where(rng.random(truth.shape) < 0.1, other, truth),
        "other": other,
    }[kind]
    hidden = rng.random(truth.shape) < draw(st.sampled_from([0, 0, 0.2, 1]))
    types = st.sampled_from([np.uint8, np.uint16, np.int32, np.int64])
    truth = np.where(hidden, 255, truth).astype(draw(types))
    return truth, prediction.astype(draw(types)), classes


@settings(max_examples=800, deadline=None)
@given(pairs(), st.integers(1, 6))
def test_boundary_iou_equals_erosion_step_by_step(case, d):
    truth, prediction, classes = case
    counts = band_counts(truth, prediction, classes, d)
    with np.errstate(invalid="ignore"):
        expected = counts[:, 0] / counts[:, 1]
    got = boundary.boundary_iou(truth, prediction, classes, distance=d)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@settings(max_examples=800, deadline=None)
@given(pairs(), st.sampled_from([1, 1.5, 2, 3, 4.3, 7]))
def test_boundary_f1_equals_a_distance_transform(case, tolerance):
    truth, prediction, classes = case
    counts = contour_counts(truth, prediction, classes, tolerance)
    score = BoundaryF1(classes, tolerance).add(truth, prediction)
    np.testing.assert_array_equal(
        score.true, np.stack([counts[:, 0], counts[:, 1] - counts[:, 0]], 1)
    )
    np.testing.assert_allclose(score.f1(), f1_of(counts), rtol=1e-12)
    np.testing.assert_array_equal(
        score.f1(), boundary.boundary_f1(truth, prediction, classes, tolerance)
    )


def test_on_a_street_and_on_a_real_frame(shared):
    street = masks.remove_hood(scene(3, 0, height=150, width=200)[1])
    label = next((shared / "data/lyft_frames").rglob("CameraSeg/*.png"))
    real = masks.remove_hood(masks.decode(np.asarray(Image.open(label))))
    for truth in (street, real):
        height, width = truth.shape
        coarse = masks.resize_mask(truth, height // 6, width // 6)
        prediction = masks.resize_mask(coarse, height, width)
        diagonal = np.hypot(height, width)
        counts = band_counts(truth, prediction, 13, round(0.02 * diagonal))
        with np.errstate(invalid="ignore"):
            expected = counts[:, 0] / counts[:, 1]
        np.testing.assert_allclose(boundary.boundary_iou(truth, prediction), expected, rtol=1e-12)
        counts = contour_counts(truth, prediction, 13, np.ceil(0.0075 * diagonal))
        np.testing.assert_allclose(
            boundary.boundary_f1(truth, prediction), f1_of(counts), rtol=1e-12
        )


def test_pooled_counts_add_up_and_a_stack_is_pooled():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (4, 5, 6)).repeat(4, 1).repeat(4, 2)
    prediction = np.roll(truth, 1, 2)
    iou, f1 = BoundaryIoU(3, 2), BoundaryF1(3, 1.5)
    for t, p in zip(truth, prediction, strict=True):
        iou.add(t, p)
        f1.add(t, p)
    np.testing.assert_array_equal(iou.iou(), boundary.boundary_iou(truth, prediction, 3, 2))
    np.testing.assert_array_equal(f1.f1(), boundary.boundary_f1(truth, prediction, 3, 1.5))
    by_image = [boundary.boundary_f1(t, p, 3, 1.5) for t, p in zip(truth, prediction, strict=True)]
    assert not np.allclose(np.mean(by_image, 0), f1.f1()), "a mean over images is something else"


def test_a_square_by_hand():
    truth, prediction = np.zeros((2, 12, 12), np.uint8)
    truth[2:10, 2:10] = 1
    prediction[2:10, 3:11] = 1  # one column to the right
    # bands of 1 pixel: 28 in each; 7 of the upper and the lower side are common, no column is
    assert boundary.boundary_iou(truth, prediction, 2, distance=1)[1] == 14 / 42
    assert boundary.boundary_f1(truth, prediction, 2, tolerance=1)[1] == 1
    exact = BoundaryF1(2, tolerance=0).add(truth, prediction)
    assert exact.true[1].tolist() == [14, 14]
    assert exact.precision()[1] == exact.recall()[1] == exact.f1()[1] == 0.5


def test_a_thin_class_has_its_iou_as_boundary_iou():
    truth = np.zeros((60, 80), np.uint8)
    truth[10:50, 30:33] = 1
    prediction = np.roll(truth, 1, 1)
    assert boundary.boundary_iou(truth, prediction, 2)[1] == 0.5
    assert boundary.boundary_f1(truth, prediction, 2)[1] == 1


def test_absent_classes():
    truth, prediction = np.zeros((2, 6, 6), np.uint8)
    prediction[2:4, 2:4] = 1
    for score in (boundary.boundary_iou, boundary.boundary_f1):
        values = score(truth, prediction, 3)
        assert values[1] == 0 and np.isnan(values[2])
        assert score(truth, prediction, 3, absent=0)[2] == 0
        assert score(truth, prediction, 3, absent=1)[2] == 1
    assert np.isnan(boundary.boundary_f1(truth, truth, 3)[0]), "one area alone has no contour"
    assert boundary.boundary_iou(truth, truth, 3)[0] == 1, "but a band along the picture's end"


def test_ignored_pixels_are_in_neither_mask():
    truth, prediction = np.zeros((2, 20, 20), np.uint8)
    truth[5:12, 5:12] = 1
    prediction[5:12, 5:12] = 1
    truth[:, 12:] = 255
    prediction[:, 12:] = 2  # whatever it says there
    for score in (boundary.boundary_iou, boundary.boundary_f1):
        values = score(truth, prediction, 3)
        assert values[:2].tolist() == [1, 1] and np.isnan(values[2])
        assert np.isnan(score(np.full((9, 9), 255), np.zeros((9, 9), int), 3)).all()


def test_lengths_as_a_share_of_the_diagonal_and_empty_stacks():
    truth = np.zeros((300, 400), np.uint8)
    truth[100:200, 100:300] = 1
    prediction = np.roll(truth, 3, 0)
    same = (
        boundary.boundary_iou(truth, prediction, 2),
        boundary.boundary_iou(truth, prediction, 2, distance=10),
    )
    np.testing.assert_array_equal(*same)
    assert boundary.boundary_f1(truth, prediction, 2)[1] == 1  # 3.75 pixels, rounded up: 4
    assert boundary.boundary_f1(truth, prediction, 2, 2)[1] < 1
    nothing = np.zeros((0, 8, 8), np.uint8)
    assert np.isnan(boundary.boundary_iou(nothing, nothing, 2)).all()
    assert np.isnan(boundary.boundary_f1(nothing, nothing, 2)).all()


def test_bad_input_is_named():
    ids = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match=r"shape \(4, 4\), prediction \(3, 4\)"):
        boundary.boundary_iou(ids, ids[:3], 2)
    with pytest.raises(ValueError, match=r"truth: class id 7 at \(0, 0\)"):
        boundary.boundary_f1(ids + 7, ids, 2)
    with pytest.raises(ValueError, match="prediction holds float64"):
        boundary.boundary_f1(ids, ids / 2, 2)
    with pytest.raises(ValueError, match=r"H×W, this one has the shape \(4,\)"):
        boundary.boundary_iou(ids[0], ids[0], 2)
