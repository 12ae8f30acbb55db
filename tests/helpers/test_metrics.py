import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import metrics
from helpers.metrics import Confusion


def by_hand(truth, prediction, classes):
    """TP, FP, FN of each class by looking at one pixel after the other."""
    counts = np.zeros((classes, 3), int)
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if t == 255:
            continue
        if t == p:
            counts[t, 0] += 1
        else:
            counts[p, 1] += 1
            counts[t, 2] += 1
    return counts


masks_of_any_kind = arrays(
    st.sampled_from([np.uint8, np.int32, np.int64]),
    (6, 7),
    elements=st.sampled_from([0, 1, 2, 3]),
)


@settings(max_examples=200, deadline=None)
@given(masks_of_any_kind, masks_of_any_kind, arrays(bool, (6, 7)))
def test_equals_counting_by_hand(truth, prediction, ignored):
    truth = np.where(ignored, 255, truth)
    tp, fp, fn = by_hand(truth, prediction, 5).T
    confusion = Confusion(5).add(truth, prediction)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(confusion.iou(), tp / (tp + fp + fn))
        np.testing.assert_array_equal(confusion.dice(), 2 * tp / (2 * tp + fp + fn))
        np.testing.assert_array_equal(confusion.class_accuracy(), tp / (tp + fn))
        np.testing.assert_allclose(
            confusion.dice(), 2 * confusion.iou() / (1 + confusion.iou()), rtol=1e-12
        )
    total = (~ignored).sum()
    assert np.isnan(confusion.accuracy()) if not total else confusion.accuracy() == tp.sum() / total


def test_equals_scikit_learn_and_torchmetrics():
    import torch
    from sklearn.metrics import confusion_matrix, jaccard_score
    from torchmetrics.functional.classification import multiclass_jaccard_index

    rng = np.random.default_rng(1)
    truth, prediction = rng.integers(0, 13, (2, 4, 30, 40))
    confusion = Confusion().add(truth, prediction)
    theirs = confusion_matrix(truth.ravel(), prediction.ravel(), labels=range(13))
    assert np.array_equal(confusion.matrix, theirs)
    np.testing.assert_allclose(
        confusion.iou(), jaccard_score(truth.ravel(), prediction.ravel(), average=None), rtol=1e-12
    )
    ignored = np.where(rng.random(truth.shape) < 0.3, 255, truth)
    pooled = multiclass_jaccard_index(
        torch.from_numpy(prediction), torch.from_numpy(ignored), 13, ignore_index=255
    )
    assert metrics.mean_iou(ignored, prediction) == pytest.approx(pooled.item(), abs=1e-6)


def test_pooled_over_images_is_one_long_image():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 13, (2, 5, 20, 30))
    pooled = Confusion()
    for t, p in zip(truth, prediction, strict=True):
        pooled.add(t, p)
    assert np.array_equal(pooled.iou(), metrics.iou(truth, prediction))
    assert pooled.mean_iou() == metrics.mean_iou(truth, prediction)
    assert pooled.accuracy() == metrics.accuracy(truth, prediction)


def test_absent_classes_are_nan_and_left_out_of_the_mean():
    truth, prediction = np.array([[0, 0], [1, 1]]), np.array([[0, 0], [1, 2]])
    iou = metrics.iou(truth, prediction, 4)
    assert iou[:3].tolist() == [1, 0.5, 0] and np.isnan(iou[3])
    confusion = Confusion(4).add(truth, prediction)
    assert confusion.mean_iou() == 0.5 and confusion.mean_iou([0, 3]) == 1
    assert np.isnan(confusion.mean_iou([3]))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"shape \(2, 2\), prediction \(2, 3\)"):
        metrics.iou(np.zeros((2, 2), int), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"truth: class id 13 at \(1, 0\); ids are 0 to 12"):
        metrics.iou(np.array([[0], [13]]), np.zeros((2, 1), int))
    with pytest.raises(ValueError, match="prediction: class id -1"):
        metrics.iou(np.zeros((1, 1), int), np.array([[-1]]))
    with pytest.raises(ValueError, match="prediction holds float64"):
        metrics.iou(np.zeros((1, 1), int), np.zeros((1, 1)))
