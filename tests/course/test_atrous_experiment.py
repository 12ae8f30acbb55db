"""The stored comparison of rates that lesson 09 reads: whole, of today's scenes, one row again."""

import json

import numpy as np
import pytest

from course import results
from course.experiments import atrous, ranking
from helpers.metrics import mean_iou


@pytest.fixture(scope="module")
def stored():
    return json.loads((results.FOLDER / "atrous.json").read_text())["values"]


@pytest.fixture(scope="module")
def data():
    return atrous.scenes_of_experiment()


def test_the_rows_of_convolutions_differ_in_their_rates_alone(stored):
    near, far, *_ = atrous.COMPARED
    assert stored[f"{near}: parameters"] == stored[f"{far}: parameters"] == [14701] * 3


def test_what_the_lesson_tells(stored):
    """A wide field, and a decoder for thin things, help with each seed."""
    near, far, bare, _, plus, *_ = atrous.COMPARED
    assert min(stored[f"{far}: mean IoU"]) > max(stored[f"{near}: mean IoU"])
    for score in ("IoU of RoadLines", "boundary F1"):
        assert min(stored[f"{plus}: {score}"]) > max(stored[f"{bare}: {score}"])


def test_the_row_without_a_model_again(stored, data):
    """Tells of scenes that have changed since."""
    _, masks, _, truth = data
    again = mean_iou(truth, np.broadcast_to(atrous.prior(masks), truth.shape))
    assert again == pytest.approx(stored["no model: mean IoU"][0], abs=1e-4)


def test_one_row_again(stored, data):
    """The wide row, seed 1. Other processors round otherwise, and training magnifies that."""
    title = "7 convolutions, rates to 16"
    images, masks, *new = data
    network, _ = atrous.trained(title, 1, stored[f"{title}: steps"][1], images, masks)
    again = ranking.scores(network, *new)["mean IoU"]
    assert again == pytest.approx(stored[f"{title}: mean IoU"][1], abs=0.06)
