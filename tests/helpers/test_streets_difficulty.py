"""How hard the streets are: colour does not solve them, nor does colour with position.

The numbers are those of course/results/streets.json; one seed is measured again here.
"""

import json

import pytest

from course.experiments import streets


@pytest.fixture(scope="module")
def written(repo):
    return json.loads((repo / "course/results/streets.json").read_text())["values"]


@pytest.fixture(scope="module")
def measured():
    return streets.measure(0)


def test_the_written_numbers_come_out_again(measured, written):
    assert {row: values[0] for row, values in written.items()} == pytest.approx(measured, abs=1e-3)


def test_colour_alone_stays_under_a_quarter(written):
    assert all(0.08 < score < 0.25 for score in written["the best lookup by colour"])


def test_colour_and_position_stay_under_two_fifths(written):
    assert all(0.12 < score < 0.40 for score in written["the best lookup by colour and position"])


def test_a_lookup_learns_what_can_be_learned(measured):
    assert (
        measured["the most frequent class everywhere"]
        < measured["the best lookup by colour"]
        < measured["the best lookup by colour and position"]
    )


def test_classes_are_as_frequent_as_in_the_real_frames(written):
    share = {name: sum(written[streets.row_of(name)]) / 3 for name in streets.LYFT.names}
    real = dict(zip(share, streets.REAL, strict=True))
    frequent = [name for name in sorted(real, key=real.get, reverse=True) if real[name] > 3]
    assert frequent == sorted(frequent, key=share.get, reverse=True)
    for name in (*frequent, "Walls", "Poles", "RoadLines"):
        assert real[name] / 2.2 < share[name] < 2.2 * real[name], name
    assert 0.01 < share["Pedestrians"] < 0.3 and 0.01 < share["TrafficSigns"] < 0.3
    assert 1 < share["Vehicles"] < 4  # more than in the real frames: something to learn from


def test_the_readme_says_the_written_numbers(repo, written):
    text = " ".join((repo / "README.md").read_text().split())
    colour, position = (
        sum(written[f"the best lookup by {what}"]) / 3 for what in ("colour", "colour and position")
    )
    assert (
        f"by colour reaches a mean IoU of {colour:.2f}, by colour and position {position:.2f}"
        in text
    )
