"""The threshold widget in Python: its words and its still picture are those of Sweep."""

import zlib

import numpy as np
import pytest

from helpers.threshold import Sweep
from helpers.widgets.threshold import FN, FP, TP, threshold

rng = np.random.default_rng(0)
TRUTH = rng.random((12, 16)) < 0.4
PROBABILITY = np.clip(0.4 * TRUTH + 0.6 * rng.random((12, 16)), 0, 1)
IMAGE = rng.integers(0, 256, (12, 16, 3), np.uint8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_reaches_a_threshold_exactly_if_the_probability_does(dtype):
    probability = PROBABILITY.astype(dtype)
    probability[0, :3] = 0, 0.07, 1  # 0.07 is no sum of halves
    widget = threshold(IMAGE, probability, TRUTH)
    steps = np.frombuffer(zlib.decompress(widget.values["steps"]), np.uint8).reshape(12, 16)
    for at in range(101):
        assert ((steps >= at) == (probability >= dtype(at / 100))).all()


def test_the_words_are_sweeps_numbers():
    widget = threshold(IMAGE, PROBABILITY, TRUTH, beta=2)
    widget.threshold = 0.37
    sweep = Sweep().add(TRUTH, PROBABILITY)
    best, most = sweep.best(sweep.f_beta(2))
    assert f"Threshold 0.37: precision {sweep.precision()[37]:.3f}" in widget.text()
    assert f"F_2 {sweep.f_beta(2)[37]:.3f}" in widget.text()
    assert f"best F_2 is {most:.3f}, at threshold {best:.2f}" in widget.text()


def test_the_still_picture_has_the_three_groups():
    widget = threshold(IMAGE, PROBABILITY, TRUTH)
    widget.opacity = 1
    picture, named = widget.picture(), PROBABILITY >= 0.5
    assert (picture[named & TRUTH] == TP).all()
    assert (picture[named & ~TRUTH] == FP).all()
    assert (picture[~named & TRUTH] == FN).all()
    assert (picture[~named & ~TRUTH] == IMAGE[~named & ~TRUTH]).all()


def test_ignored_pixels_do_not_count():
    ids = np.where(TRUTH, 7, 0).astype(np.uint8)
    ids[:6] = 255
    widget = threshold(IMAGE, PROBABILITY, ids, k=7)
    sweep = Sweep().add(TRUTH[6:], PROBABILITY[6:])
    assert f"TP {sweep.tp[50]:,}, FP {sweep.fp[50]:,}, FN {sweep.fn[50]:,}" in widget.text()


@pytest.mark.parametrize(
    "change, says",
    [
        ({"probability": PROBABILITY + 0.5}, "Are these logits?"),
        ({"probability": PROBABILITY[:6]}, "must be the same"),
        ({"image": IMAGE[:6]}, "resize the image"),
        ({"image": IMAGE / 255}, "it must be uint8"),
        ({"truth": TRUTH.astype(np.uint8)}, "name the class id k"),
        ({"beta": 9}, "0.25 to 4"),
    ],
)
def test_errors_name_the_remedy(change, says):
    with pytest.raises(ValueError, match=says):
        threshold(**{"image": IMAGE, "probability": PROBABILITY, "truth": TRUTH, **change})
