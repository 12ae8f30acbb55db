"""What holds for every assignment: its text, its checks and its public cases belong together."""

import re
import zlib
from collections import Counter

import numpy as np
import pytest

from course import build
from grader.checks import assignment, bars
from grader.publish import ASSIGNMENTS, encoded
from grader.settings import REPOSITORY
from helpers import desk, wire
from helpers.verdict import explain, look_at

QUESTIONS = [(name, key) for name in ASSIGNMENTS for key in assignment(name)]
JUDGED_BY_CASES = [(n, k) for n, k in QUESTIONS if assignment(n)[k].kind in ("function", "loss")]


def cells(name):
    return build.assignment(REPOSITORY / f"assignments/text/{name}.py")["cells"]


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_points_are_those_of_the_checks_and_make_100(name):
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells(name)]
    judged = {m["grade_id"]: m["points"] for m in marks if m.get("grade") and not m["solution"]}
    by_hand = {m["grade_id"]: m["points"] for m in marks if m.get("grade") and m["solution"]}
    assert judged == {key: question.points for key, question in assignment(name).items()}
    assert len(by_hand) == 1 and sum(judged.values()) + sum(by_hand.values()) == 100


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_text_shows_the_points_of_each_question(name):
    text = "".join("".join(c["source"]) for c in cells(name) if c["cell_type"] == "markdown")
    for key, question in assignment(name).items():
        shown = "model.onnx" if question.kind == "model" else key
        assert re.search(rf"\| `{shown}`.*\| {question.points:g} \|", text), key
        assert f"({question.points:g} points)" in text, key


@pytest.mark.parametrize(("name", "key"), QUESTIONS)
def test_each_question_says_what_it_asks_and_which_section_to_reread(name, key):
    question = assignment(name)[key]
    assert question.kind == "model" or question.asks.startswith(f"{key}(")
    number, heading = question.lesson.split(" ", 1)
    (lesson,) = REPOSITORY.glob(f"course/source/{number}_*.py")
    assert re.search(rf"^# ##+ {re.escape(heading)}$", lesson.read_text(), re.MULTILINE), heading


OPENING = ("Time:", "The data.", "How it is graded.", "What you hand in.")
SHARE = re.compile(r"^\| `([^`]+)`.* \| (\d+) % \|$", re.MULTILINE)


def task(name, key):
    """The text of a question, from its heading to its check or its answer in words."""
    said = []
    for cell in cells(name):
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade_id") == key:
            return "\n".join(said)
        if cell["cell_type"] == "markdown" and not marks:
            source = "".join(cell["source"])
            said = [source] if source.startswith("## ") else [*said, source]
    raise KeyError(key)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_all_open_and_close_alike(name):
    said = ["".join(c["source"]) for c in cells(name) if c["cell_type"] == "markdown"]
    found = [said[0].find(f"**{words}**") for words in OPENING]
    assert -1 not in found and found == sorted(found)
    assert "| | together | 100 |" in said[0]
    assert said[-1].startswith("## Hand it in\n")


@pytest.mark.parametrize(("name", "key"), QUESTIONS)
def test_the_text_shows_the_share_of_each_part(name, key):
    question = assignment(name)[key]
    shown = {part: int(percent) / 100 for part, percent in SHARE.findall(task(name, key))}
    if question.kind != "model":
        assert shown == pytest.approx(question.parts)
        return
    for source in ("streets", "lyft"):
        shares = Counter()
        for bar in bars(name, source):
            shares[bar.classes] += bar.share
        assert shown == pytest.approx(dict(shares))


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_points_of_the_question_in_words_are_shared_out(name):
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells(name)]
    (by_hand,) = [m for m in marks if m.get("grade") and m["solution"]]
    whole, *parts = map(int, re.findall(r"\((\d+) points\)", task(name, by_hand["grade_id"])))
    assert whole == by_hand["points"] == sum(parts)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_names_of_the_cells_differ_and_each_answer_stands_before_its_check(name):
    found = [
        c["metadata"]["nbgrader"]["grade_id"] for c in cells(name) if "nbgrader" in c["metadata"]
    ]
    assert len(found) == len(set(found))
    for key, question in assignment(name).items():
        if question.kind != "model":
            assert found.index(f"{key}_answer") < found.index(key)


@pytest.mark.parametrize(("name", "key"), QUESTIONS)
def test_parts_share_out_all_points_and_each_has_cases(name, key):
    question = assignment(name)[key]
    assert sum(question.parts.values()) == pytest.approx(1)
    drawn = question.cases(np.random.default_rng(1))
    if (name, key) in JUDGED_BY_CASES:
        assert {case.part for case in drawn} == set(question.parts)


@pytest.mark.parametrize(("name", "key"), JUDGED_BY_CASES)
def test_every_known_mistake_is_caught_and_named_whatever_the_seed(name, key):
    for seed in range(1, 4):
        drawn = assignment(name)[key].cases(np.random.default_rng(seed))
        hints = {hint for case in drawn for hint, _ in case.mistakes}
        assert len(hints) >= 3
        for hint in hints:
            shown = [(c, dict(c.mistakes)[hint]) for c in drawn if hint in dict(c.mistakes)]
            said = {fault and fault.hint for fault in explain([look_at(*one) for one in shown])}
            assert hint in said, (seed, hint, said)


def test_questions_of_the_same_name_are_the_same_question():
    first = {}
    for name, key in QUESTIONS:
        question = assignment(name)[key]
        other = first.setdefault(key, question)
        same = (question.kind, question.parts, question.cases)
        assert same == (other.kind, other.parts, other.cases), f"{key}: the desk knows one only"


def assert_same(a, b):
    if isinstance(a, np.ndarray):
        np.testing.assert_allclose(a, b, rtol=1e-9)  # the last bit may differ between processors
    elif isinstance(a, dict | list):
        pairs = zip(a, b, strict=True) if isinstance(a, list) else ((a[k], b[k]) for k in a)
        assert len(a) == len(b)
        for x, y in pairs:
            assert_same(x, y)
    else:
        assert a == b


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_public_cases_are_up_to_date(name):
    published = (desk.CASES / f"{name}.bin").read_bytes()
    assert_same(*(wire.decode(zlib.decompress(data)) for data in (published, encoded(name))))
