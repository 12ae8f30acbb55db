"""The table of trust: what it counts, and that a run which was stopped goes on."""

import json
import sys

import pytest

from tests import trust
from tests.mutants.judged import Result

pytestmark = pytest.mark.usefixtures("sandboxed")


class Part:
    """Three submissions of two results each; `stop` names the one in which Ctrl-C is pressed."""

    def __init__(self):
        self.graded, self.stop = [], None

    def submissions(self, sample):
        for number in range(3):
            yield lambda number=number: self.grade(number)

    def grade(self, number):
        if number == self.stop:
            raise KeyboardInterrupt
        self.graded.append(number)
        return [
            Result("right", f"a/{number}", True, "right", "iou", 1, 1),
            Result("mutant", f"b/{number}", number != 0, "0 points", "iou", 0, 0),
        ]


@pytest.fixture
def part(tmp_path, monkeypatch):
    made = Part()
    monkeypatch.setattr(trust, "PARTS", [made])
    monkeypatch.setattr(trust, "BUILD", tmp_path)
    monkeypatch.setattr(sys, "argv", ["trust"])
    return made


def test_a_run_that_was_stopped_goes_on_and_tells_all(part, tmp_path, capsys):
    part.stop = 2
    with pytest.raises(KeyboardInterrupt):
        trust.main()
    part.stop = None
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        trust.main()
    said = capsys.readouterr().out
    assert part.graded == [0, 1, 2] and ended.value.code == 1
    assert "✗ b/0" in said and "not told or stopped as meant: 1 of 3" in said
    assert "gained a point:               0 of 3" in said
    assert "lost a point:                            0 of 3" in said
    assert len(json.loads((tmp_path / "trust.json").read_text())) == 6


def test_after_a_change_of_the_code_it_begins_anew(part, monkeypatch):
    part.stop = 1
    with pytest.raises(KeyboardInterrupt):
        trust.main()
    part.stop = None
    monkeypatch.setattr(trust, "fingerprint", lambda: "another")
    with pytest.raises(SystemExit):
        trust.main()
    assert part.graded == [0, 0, 1, 2]
