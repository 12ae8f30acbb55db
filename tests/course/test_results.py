"""course/results: what takes seeds and minutes, measured once for the lessons to read."""

import json

import pytest

from course import results


@pytest.mark.parametrize("name", results.NAMES)
def test_every_experiment_has_its_file_with_a_value_for_each_seed(name):
    found = json.loads((results.FOLDER / f"{name}.json").read_text())
    assert found["seeds"] == list(results.SEEDS)
    assert all(len(values) == len(found["seeds"]) for values in found["values"].values())
    assert found["command"] == f"python -m course.results {name}"
    assert {"python", "numpy", "pillow"} <= set(found["versions"]) and found["minutes"] > 0


def test_what_was_measured_before_an_interruption_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "UNFINISHED", tmp_path)
    one = {"what": "A test.", "minutes": 1.5, "versions": {"python": "3.12"}, "compare": {}}
    for seed in (0, 1, 2):
        part = one | {"values": {"a row": seed}}
        (tmp_path / f"streets-{seed}.json").write_text(json.dumps(part))
    found = results.run("streets")  # in no time: nothing is left to measure
    assert found["values"] == {"a row": [0, 1, 2]} and found["minutes"] == 4.5
    assert found["versions"] == one["versions"] and found["what"] == one["what"]
    assert not list(tmp_path.iterdir())


def test_the_table_shows_each_seed_the_mean_and_the_real_figure():
    found = {
        "what": "A test.",
        "seeds": [0, 1],
        "values": {"a share": [0.25, 0.75], "a score": [1.0, 3.0]},
        "compare": {"a share": 0.4},
    }
    title, head, share, score = results.table(found).splitlines()
    assert title == "A test."
    assert head.split() == ["seed", "0", "seed", "1", "mean", "real"]
    assert share.split() == ["a", "share", "0.25", "0.75", "0.5", "0.4"]
    assert score.split() == ["a", "score", "1", "3", "2"]


def test_an_unknown_name_is_answered_with_the_known_ones(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["course.results", "street"])
    with pytest.raises(SystemExit):
        results.main()
    assert "no experiment street; there are" in capsys.readouterr().err
