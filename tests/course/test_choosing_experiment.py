"""The stored comparison of lesson 10: all eight networks, and of today's code."""

import json
import statistics

import pytest

from course import results
from course.experiments import choosing
from helpers.pytorch.networks import NETWORKS

ALL = choosing.BEFORE | choosing.RANKED


@pytest.fixture(scope="module")
def stored():
    return json.loads((results.FOLDER / "choosing.json").read_text())["values"]


def test_the_two_files_are_one_table_of_every_network(stored):
    assert set(ALL) == set(NETWORKS)
    for name, title in ALL.items():
        count = sum(p.numel() for p in choosing.start(name, 0).parameters())
        assert stored[f"{title}: parameters"] == [count] * 3


def test_the_minutes_are_those_of_the_ranking(stored):
    """Steps times the seconds of one, over the pace of that hour: three minutes for each."""
    for title in choosing.RANKED.values():
        for seed, steps in enumerate(stored[f"{title}: steps"]):
            seconds = stored[f"{title}: seconds per step"][seed] / stored["pace"][seed]
            assert steps * seconds == pytest.approx(60 * choosing.MINUTES, rel=0.01)


def test_the_pace_is_one_when_the_steps_take_as_long_as_then():
    ranking = json.loads((results.FOLDER / "ranking.json").read_text())["values"]
    then = {
        name: 60 * choosing.MINUTES / statistics.mean(ranking[f"{title}: steps"])
        for name, title in choosing.BEFORE.items()
    }
    assert choosing.pace(then) == pytest.approx(1)
    assert choosing.pace({name: 2 * t for name, t in then.items()}) == pytest.approx(2)


def test_the_baseline_is_that_of_the_ranking(stored):
    ranking = json.loads((results.FOLDER / "ranking.json").read_text())["values"]
    assert stored["no model: mean IoU"] == ranking["no model: mean IoU"]
