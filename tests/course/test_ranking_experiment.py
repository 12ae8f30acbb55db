"""The stored ranking that lessons 05 and 10 read: of today's scenes, and in the order they tell."""

import json

import numpy as np
import pytest

from course import results
from course.experiments import ranking
from helpers.metrics import mean_iou


@pytest.fixture(scope="module")
def stored():
    return json.loads((results.FOLDER / "ranking.json").read_text())["values"]


@pytest.mark.parametrize("score", ["mean IoU", "IoU of RoadLines", "boundary F1"])
def test_each_skip_helps_and_the_u_net_leads(stored, score):
    means = [np.mean(stored[f"{title}: {score}"]) for title in ranking.RANKED.values()]
    assert means == sorted(means), dict(zip(ranking.RANKED, means, strict=True))
    if score != "mean IoU":  # wider where things are thin
        assert means[-1] - means[0] > 0.3


def test_the_row_without_a_model_again(stored):
    """Tells of scenes that have changed since. A trained row takes three minutes."""
    _, masks, _, truth = ranking.scenes_to_rank()
    most = np.bincount(masks.ravel()).argmax()
    again = mean_iou(truth, np.full_like(truth, most))
    assert again == pytest.approx(stored["no model: mean IoU"][0], abs=1e-4)
