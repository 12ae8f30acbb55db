"""The stored ladder that lesson 11 reads: whole, of today's scenes, and its first row again."""

import json

import numpy as np
import pytest

from course import results
from course.experiments import ladder
from helpers import masks


@pytest.fixture(scope="module")
def stored():
    return json.loads((results.FOLDER / "ladder.json").read_text())["values"]


@pytest.mark.parametrize("network", ladder.NETWORKS)
@pytest.mark.parametrize("how", ["argmax", "dilation", "thresholds", "thresholds + dilation"])
def test_the_score_is_the_mean_of_both_f(stored, network, how):
    score, car, road = (
        np.array(stored[f"{network}, {how}: {name}"]) for name in ("score", "F_car", "F_road")
    )
    np.testing.assert_allclose(score, 50 * (car + road), atol=0.01)


def test_thresholds_fitted_to_the_test_drives_are_no_worse_for_vehicles(stored):
    for network in ladder.NETWORKS:
        honest = np.array(stored[f"{network}, thresholds: score"])
        fitted = np.array(stored[f"{network}, thresholds chosen on the test drives: score"])
        assert (fitted >= honest - 0.3).all(), network


def test_the_row_without_a_model_again(stored):
    """Tells of scenes that have changed since. A trained row takes half a minute a rung."""
    raw, seen, judged = (ladder.frames(part)[1] for part in ladder.DRIVES)
    again = ladder.without_model(*map(ladder.cleaned, (raw, seen, judged)))
    for name in ("score", "F_car", "F_road"):
        assert again[name] == pytest.approx(
            stored[f"no model, cleaned labels: {name}"][0], abs=1e-3
        )


def test_a_view_puts_its_maps_back_where_they_came_from():
    label = np.zeros((1, ladder.HEIGHT, ladder.WIDTH), np.uint8)
    label[0, 110:250, 50:300] = masks.VEHICLES
    small = ladder.CROP.masks(label)[0] == masks.VEHICLES
    back = ladder.CROP.enlarge(small.astype(np.float32)) >= 0.5
    assert (back != (label[0] == masks.VEHICLES)).mean() < 0.01
    assert not back[:100].any() and not back[260:].any()


def test_dilation_grows_to_all_sides_and_stays_inside():
    region = np.zeros((7, 9), bool)
    region[3, 4] = region[0, 0] = True
    grown = ladder.dilate(region, 1)
    assert grown.sum() == 9 + 4 and grown[2:5, 3:6].all() and grown[:2, :2].all()
