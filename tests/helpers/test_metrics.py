import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import metrics
from helpers.masks import challenge_classes
from helpers.metrics import Confusion


def by_hand(truth, prediction, classes, ignore):
    """TP, FP, FN of each class by looking at one pixel after the other."""
    counts = np.zeros((classes, 3), int)
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if t == ignore:
            continue
        if t == p:
            counts[t, 0] += 1
        else:
            counts[p, 1] += 1
            counts[t, 2] += 1
    return counts


INTEGERS = [np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)]
SHAPES = st.sampled_from([(6, 7), (1, 1), (0, 3), (2, 5, 9), (40, 30)])


@st.composite
def cases(draw):
    """Truth and prediction of any integer type and layout, long runs or none, some ignored."""
    classes = draw(st.sampled_from([1, 2, 4, 15, 16, 300]))
    shape, ignore = draw(SHAPES), draw(st.sampled_from([255, 0, 100, -1]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    both = rng.integers(0, classes, (2, *shape))
    if draw(st.booleans()):  # as in real masks: long runs of one class
        both = np.sort(both, axis=None).reshape(both.shape)
    truth, prediction = both
    hidden = rng.random(shape) < draw(st.sampled_from([0, 0.3, 1]))
    truth = np.where(hidden, ignore, truth)
    arrays = []
    for ids in (truth, prediction):
        fits = [t for t in INTEGERS if not ids.size or (ids.astype(t) == ids).all()]
        ids = ids.astype(draw(st.sampled_from(fits)))
        layout = draw(st.sampled_from(["C", "F", "strided"]))
        arrays.append(np.repeat(ids, 2, -1)[..., ::2] if layout == "strided" else ids.copy(layout))
    return *arrays, classes, ignore


@settings(max_examples=1500, deadline=None)
@given(cases())
def test_equals_counting_by_hand(case):
    truth, prediction, classes, ignore = case
    tp, fp, fn = by_hand(truth, prediction, classes, ignore).T
    confusion = Confusion(classes, ignore).add(truth, prediction)
    assert confusion.matrix.sum() == (truth.astype(np.int64) != ignore).sum()
    with np.errstate(invalid="ignore"):
        for beta in (1, 2, 0.5):
            top = (1 + beta**2) * tp
            np.testing.assert_allclose(
                confusion.f_beta(beta), top / (top + beta**2 * fn + fp), rtol=1e-12
            )
        np.testing.assert_array_equal(confusion.iou(), tp / (tp + fp + fn))
        np.testing.assert_array_equal(confusion.dice(), 2 * tp / (2 * tp + fp + fn))
        np.testing.assert_array_equal(confusion.precision(), tp / (tp + fp))
        np.testing.assert_array_equal(confusion.recall(), tp / (tp + fn))
        np.testing.assert_array_equal(confusion.class_accuracy(), tp / (tp + fn))
        np.testing.assert_allclose(
            confusion.dice(), 2 * confusion.iou() / (1 + confusion.iou()), rtol=1e-12
        )
    total = tp.sum() + fn.sum()
    assert np.isnan(confusion.accuracy()) if not total else confusion.accuracy() == tp.sum() / total
    if total:
        weighted = sum((tp + fn)[k] / total * confusion.iou(0)[k] for k in range(classes))
        assert confusion.frequency_weighted_iou() == pytest.approx(weighted, rel=1e-12)


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


@settings(max_examples=400, deadline=None)
@given(cases())
def test_equals_scikit_learn_and_torchmetrics_on_generated_cases(case):
    import torch
    from sklearn.metrics import confusion_matrix, fbeta_score, jaccard_score
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    truth, prediction, classes, ignore = case
    truth, prediction = truth.astype(np.int64), prediction.astype(np.int64)
    ours = Confusion(classes, ignore).add(truth, prediction)
    counted = truth != ignore
    if classes > 1 and truth.size:
        theirs = multiclass_confusion_matrix(
            torch.from_numpy(prediction.copy()),
            torch.from_numpy(truth.copy()),
            classes,
            ignore_index=ignore,
        )
        np.testing.assert_array_equal(ours.matrix, theirs)
    if counted.any():
        t, p, labels = truth[counted], prediction[counted], range(classes)
        np.testing.assert_array_equal(ours.matrix, confusion_matrix(t, p, labels=labels))
        options = {"labels": labels, "average": None, "zero_division": 1}
        np.testing.assert_allclose(ours.iou(absent=1), jaccard_score(t, p, **options), rtol=1e-12)
        for beta in (0.5, 2):
            theirs = fbeta_score(t, p, beta=beta, **options)
            np.testing.assert_allclose(ours.f_beta(beta, absent=1), theirs, rtol=1e-12)


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
    with pytest.raises(ValueError, match=r"truth: class id 255 at \(0, 1\)"):
        Confusion(4, ignore=0).add(np.array([[1, 255]], np.uint8), np.array([[1, 1]], np.uint8))
    with pytest.raises(ValueError, match="prediction: class id 255"):
        Confusion(4).add(np.array([[1]], np.uint8), np.array([[255]], np.uint8))
    with pytest.raises(ValueError, match="prediction holds float64"):
        metrics.iou(np.zeros((1, 1), int), np.zeros((1, 1)))


def test_what_is_predicted_where_the_truth_is_ignored_does_not_matter():
    truth, prediction = np.array([[1, 255, 255]]), np.array([[1, 255, 77]])
    assert Confusion(4).add(truth, prediction).matrix.sum() == 1


def test_absent_classes_can_count_as_0_or_as_1():
    confusion = Confusion(4).add(np.array([0, 1, 1]), np.array([0, 1, 2]))
    assert confusion.iou(absent=0).tolist() == [1, 0.5, 0, 0]
    assert confusion.iou(absent=1).tolist() == [1, 0.5, 0, 1]
    assert confusion.mean_iou(absent=0) == 1.5 / 4 and confusion.mean_iou(absent=1) == 2.5 / 4
    assert confusion.precision().tolist()[:3] == [1, 1, 0]
    assert np.isnan(confusion.recall()[2]), "class 2 has no true pixel to be found"


def test_four_means_of_the_same_prediction_differ():
    rng = np.random.default_rng(0)
    truth = np.sort(rng.integers(0, 4, (6, 20, 20)), axis=1)
    truth[:3][truth[:3] == 3] = 0
    prediction = np.where(rng.random(truth.shape) < 0.3, rng.integers(0, 4, truth.shape), truth)
    prediction[:2][prediction[:2] == 3] = 0  # two images without class 3
    scores = metrics.iou_per_image(truth, prediction, 4)
    assert scores.shape == (6, 4)
    for row, t, p in zip(scores, truth, prediction, strict=True):
        np.testing.assert_array_equal(row, metrics.iou(t, p, 4))
    by_image = metrics.mean(np.array([metrics.mean(row) for row in scores]))
    by_class = metrics.mean(np.array([metrics.mean(column) for column in scores.T]))
    pooled = metrics.mean_iou(truth, prediction, 4)
    assert len({round(x, 9) for x in (by_image, by_class, metrics.mean(scores), pooled)}) == 4


def test_the_score_of_the_challenge():
    truth = np.array([0] * 10 + [1] * 60 + [2] * 30)
    prediction = np.array([0] * 10 + [1] * 50 + [0] * 10 + [2] * 20 + [1] * 10)
    confusion = Confusion(3).add(truth, prediction)
    vehicle = 5 * 1 * (2 / 3) / (4 * 1 + 2 / 3)  # precision 1, recall 2/3, beta 2
    road = 1.25 * (5 / 6) * (5 / 6) / (0.25 * 5 / 6 + 5 / 6)  # both 5/6, beta 1/2
    assert metrics.challenge_score(confusion) == pytest.approx(50 * (vehicle + road), rel=1e-12)
    slow = metrics.challenge_score(confusion, frames_per_second=4)
    assert slow == pytest.approx(50 * (vehicle + road) - 6, rel=1e-12)
    assert metrics.challenge_score(confusion, 30) == metrics.challenge_score(confusion)
    with pytest.raises(ValueError, match="3 classes, this confusion 13"):
        metrics.challenge_score(Confusion())


def test_equals_scikit_learn_f_beta():
    from sklearn.metrics import fbeta_score, precision_score, recall_score

    rng = np.random.default_rng(2)
    truth, prediction = rng.integers(0, 5, (2, 999))
    confusion = Confusion(5).add(truth, prediction)
    for ours, theirs in (
        (confusion.f_beta(2), fbeta_score(truth, prediction, beta=2, average=None)),
        (confusion.precision(), precision_score(truth, prediction, average=None)),
        (confusion.recall(), recall_score(truth, prediction, average=None)),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_merging_classes_afterwards_is_merging_them_before(seed):
    rng = np.random.default_rng(seed)
    table = rng.permutation([0, 1, 2, *rng.integers(0, 3, 4)])
    truth, prediction = rng.integers(0, 7, (2, 50))
    before = Confusion(3).add(table[truth], table[prediction])
    after = Confusion(7).add(truth, prediction).merge(table)
    assert np.array_equal(after.matrix, before.matrix)


def test_the_score_of_the_challenge_from_all_classes():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 13, (2, 30, 40))
    merged = Confusion(3).add(challenge_classes(truth), challenge_classes(prediction))
    later = Confusion().add(truth, prediction).merge(challenge_classes(np.arange(13)))
    assert metrics.challenge_score(later) == metrics.challenge_score(merged)


def test_an_unknown_score_is_named():
    with pytest.raises(ValueError, match="no score 'jaccard'; there are precision, recall, iou"):
        metrics.fraction("jaccard", 1, 1, 1)


def test_memory_stays_flat_over_10_000_images():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 13, (2, 20, 24, 32)).astype(np.uint8)
    confusion = Confusion().add(truth, prediction)
    peaks = []
    tracemalloc.start()
    for images in (100, 10_000):
        tracemalloc.reset_peak()
        for i in range(images):
            confusion.add(truth[i % 20], prediction[i % 20])
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[1] < peaks[0] + 10_000, "less than a byte for each image"
    assert confusion.matrix.sum() == 10_120 * 24 * 32


def test_what_is_held_at_once_grows_with_the_pixels_and_no_faster():
    peaks = []
    for height in (100, 200, 400):
        mask = np.arange(height)[:, None].repeat(300, 1).astype(np.uint8) % 13
        tracemalloc.start()
        Confusion().add(mask, mask)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] == pytest.approx(2 * (peaks[1] - peaks[0]), rel=0.05)
