import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from helpers.metrics import Confusion
from helpers.threshold import Sweep


@st.composite
def maps(draw):
    """Class ids with some ignored, a class, and probabilities with many equal ones."""
    shape = draw(st.sampled_from([(1, 1), (5, 7), (2, 6, 4), (0, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    truth = rng.integers(0, draw(st.integers(1, 4)), shape)
    truth[rng.random(shape) < draw(st.sampled_from([0, 0.3, 1]))] = 255
    decimals = draw(st.sampled_from([1, 2, 9]))
    kind = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    return truth, rng.random(shape).round(decimals).astype(kind), draw(st.integers(0, 4))


@settings(max_examples=600, deadline=None)
@given(maps())
def test_equals_each_threshold_by_itself(case):
    truth, probabilities, k = case
    sweep = Sweep().add(truth, probabilities, k)
    for i, threshold in enumerate(sweep.thresholds.tolist()):
        prediction = (probabilities >= threshold).astype(int)
        one = Confusion(2).add(np.where(truth == 255, 255, truth == k), prediction)
        for got, expected in (
            (sweep.precision(), one.precision()),
            (sweep.recall(), one.recall()),
            (sweep.iou(), one.iou()),
            (sweep.f_beta(), one.dice()),
            (sweep.f_beta(0.5), one.f_beta(0.5)),
            (sweep.iou(absent=1), one.iou(absent=1)),
        ):
            np.testing.assert_array_equal(got[i], expected[1])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_precision_and_recall_are_those_of_scikit_learn(seed, decimals):
    rng = np.random.default_rng(seed)
    truth, probabilities = rng.random(200) < 0.3, rng.random(200).round(decimals)
    truth[0] = True
    precision, recall, thresholds = precision_recall_curve(truth, probabilities)
    sweep = Sweep(thresholds).add(truth, probabilities)
    np.testing.assert_allclose(sweep.precision(), precision[:-1], rtol=1e-12)
    np.testing.assert_allclose(sweep.recall(), recall[:-1], rtol=1e-12)


def test_the_best_threshold():
    truth = np.array([True, True, True, False, False])
    probabilities = np.array([0.9, 0.8, 0.4, 0.3, 0.85])
    sweep = Sweep(np.array([0.35, 0.8, 0.9])).add(truth, probabilities)
    assert sweep.best(sweep.iou()) == (0.35, 3 / 4)
    assert sweep.best(sweep.precision()) == (0.9, 1)
    assert sweep.best(sweep.recall()) == (0.35, 1)
    assert np.isnan(Sweep().best(Sweep().iou())).all()


def test_images_are_pooled():
    rng = np.random.default_rng(0)
    truth, probabilities = rng.random((3, 8, 9)) < 0.5, rng.random((3, 8, 9))
    sweep = Sweep()
    for t, p in zip(truth, probabilities, strict=True):
        sweep.add(t, p)
    np.testing.assert_array_equal(sweep.iou(), Sweep().add(truth, probabilities).iou())


def test_float32_is_compared_as_numpy_does():
    p = np.full(1, 0.9, np.float32)
    assert Sweep([0.9]).add(np.array([True]), p).tp[0] == (p >= 0.9).sum() == 1


def test_bad_input_is_named():
    truth, probabilities = np.zeros((2, 3), bool), np.zeros((2, 3))
    probabilities[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"probability nan at \(1, 2\).*diverged"):
        Sweep().add(truth, probabilities)
    probabilities[0, 1] = 3.5
    with pytest.raises(ValueError, match=r"3.5 at \(0, 1\).*logits\? Apply sigmoid"):
        Sweep().add(truth, probabilities)
    with pytest.raises(ValueError, match=r"\(2, 3\), probabilities \(2, 3, 13\).*\[\.\.\., k\]"):
        Sweep().add(truth, np.zeros((2, 3, 13)))
    with pytest.raises(ValueError, match="int64: name the class id k"):
        Sweep().add(truth.astype(int), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="rising"):
        Sweep([0.5, 0.1])
