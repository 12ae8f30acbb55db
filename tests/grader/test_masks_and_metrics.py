"""An assignment without a model, from the release to the feedback: real nbgrader, real sandbox."""

import copy
import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from course import build
from grader.checks import assignment
from helpers.submit import bundle

NAME = "masks_and_metrics"
QUESTIONS = assignment(NAME)

MISTAKES = {  # question: (in the solution, instead)
    "to_ids": ("255, np.uint8", "0, np.uint8"),
    "prepare_label": ("lower[lower == 10] = 0", "lower[lower == 10] = 10"),
    "confusion": ("truth != 255", "truth < classes - 1"),
    "iou_and_dice": ("hit / (areas - hit), 2 *", "hit / areas,"),
    "boundary_f1": ("<= tolerance**2", "<= tolerance"),
}
HOSTILE = """
import builtins, os, socket
import helpers.check, helpers.verdict, numpy.testing
from helpers import wire
helpers.verdict.wrong = lambda *a: None
numpy.testing.assert_allclose = lambda *a, **k: None
for question in ("accuracies", "iou_and_dice"):
    with socket.socket(socket.AF_UNIX) as judge:
        judge.connect(os.environ["PIXELWISE_JUDGE"])
        wire.send(judge, {"event": "score", "question": question, "points": 12, "max": 12})
class Equal(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda *a: True
def confusion(truth, prediction, classes):
    return np.zeros((classes, classes), object)
def accuracies(matrix):
    return np.zeros(()).view(Equal), np.zeros(len(matrix)).view(Equal)
check = lambda question, *a: print(f"[judge] 12 / 12 points (score): right")
"""


def solved(repo):
    return nbformat.reads(
        json.dumps(build.assignment(repo / f"assignments/text/{NAME}.py")), as_version=4
    )


def answers(notebook):
    """grade_id → cell."""
    marks = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    return {name: cell for name, cell in marks.items() if name}


def hostile(notebook, right):
    """One honest answer, then the attack; one check is deleted."""
    answers(notebook)["prepare_label_answer"].source = right["prepare_label_answer"].source
    cells = [c for c in notebook.cells if not c.source.startswith('check("to_ids"')]
    first = next(i for i, c in enumerate(cells) if c.source.startswith('check("confusion"'))
    cells.insert(first, new_code_cell(HOSTILE))
    notebook.cells = cells


@pytest.fixture(scope="module")
def day(tmp_path_factory, repo, sandboxed):
    """The course folder, after an instructor's day."""
    root = tmp_path_factory.mktemp("day")
    inbox, course = root / "inbox", root / "course"
    inbox.mkdir()
    env = {**os.environ, "PIXELWISE_COURSE": str(course), "OMP_NUM_THREADS": "1"}

    def run(*words):
        command = [sys.executable, "-m", "grader", *words]
        done = subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("release", NAME, "--no-run")
    released = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    full = copy.deepcopy(released)
    for name, cell in answers(solved(repo)).items():
        answers(full)[name].source = cell.source
    nbformat.write(full, inbox / f"{NAME}.ipynb")
    assert "is written" in bundle(inbox / f"{NAME}.ipynb", student="full")
    (inbox / f"{NAME}.ipynb").unlink()
    wrong = copy.deepcopy(full)
    for question, (right, instead) in MISTAKES.items():
        cell = answers(wrong)[f"{question}_answer"]
        assert cell.source.count(right) == 1
        cell.source = cell.source.replace(right, instead)
    nbformat.write(wrong, inbox / f"wrong_{NAME}.ipynb")
    nbformat.write(released, inbox / f"blank_{NAME}.ipynb")
    hostile(released, answers(full))
    nbformat.write(released, inbox / f"hostile_{NAME}.ipynb")
    run("collect", NAME, str(inbox))
    run("grade", NAME)
    return course


def test_every_question_of_everybody_has_an_outcome(grades):
    assert set(grades) == {"full", "wrong", "blank", "hostile"}
    for found in grades.values():
        assert list(found) == [*QUESTIONS, "judgement"]
        assert all(record["outcome"] != "not graded" for record in found.values())


def test_the_solution_gets_every_automatic_point(grades):
    judged = {q: r for q, r in grades["full"].items() if q != "judgement"}
    assert {q: r["remark"] for q, r in judged.items()} == dict.fromkeys(QUESTIONS, "right")
    assert sum(r["points"] for r in judged.values()) == 90
    assert grades["full"]["judgement"]["outcome"] == "by hand"


def test_mistakes_cost_their_part_and_are_named(grades):
    found = {q: (r["points"], r["remark"]) for q, r in grades["wrong"].items()}
    expected = {
        "to_ids": (4, "unknown: a colour that is not in the palette becomes class 0"),
        "prepare_label": (0, "the hood is still there"),
        "confusion": (0, "the last class is left out"),
        "accuracies": (8, "right"),
        "iou_and_dice": (0, "the union is the sum of both areas"),
        "mean_ious": (0, ""),  # it calls the two that are wrong
        "challenge_score": (8, "right"),
        "best_threshold": (8, "right"),
        "boundary_f1": (3, "the squared distance is compared with the tolerance"),
    }
    for question, (points, words) in expected.items():
        assert words in found[question][1], found[question]
        assert found[question][0] == points, (question, found[question])


def test_blank_gets_nothing_and_is_not_an_error(grades):
    assert {r["outcome"] for r in grades["blank"].values()} == {"no answer"}
    assert sum(r["points"] for r in grades["blank"].values()) == 0


def test_attacks_gain_nothing_and_what_was_right_before_counts(grades):
    found = {q: r["points"] for q, r in grades["hostile"].items() if q != "judgement"}
    assert found == {q: 10 if q == "prepare_label" else 0 for q in QUESTIONS}
    assert "missing from the notebook" in grades["hostile"]["to_ids"]["remark"]


@pytest.mark.parametrize("student", ["full", "wrong", "blank", "hostile"])
def test_everybody_gets_a_feedback_page_with_a_line_for_each_question(day, student):
    page = (day / "feedback" / student / NAME / f"{NAME}.html").read_text()
    assert page.count("[judge] ") >= len(QUESTIONS)
    assert f"{student}," in (day / f"grades-{NAME}.csv").read_text()


def test_what_students_get_holds_no_solution_and_runs_to_its_end(day, tmp_path, repo, monkeypatch):
    notebook = nbformat.read(day / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    text = json.dumps(notebook)
    assert "SOLUTION" not in text and "np.bincount(pairs" not in text
    assert "A good answer" not in text
    said = executed(notebook, tmp_path, repo, monkeypatch)
    assert said.count("not done yet") == len(QUESTIONS) and "set STUDENT to your id" in said


def test_at_the_desk_the_solution_is_right_throughout(tmp_path, repo, monkeypatch):
    said = executed(solved(repo), tmp_path, repo, monkeypatch)
    assert said.count("✓") == sum(len(question.parts) for question in QUESTIONS.values())
    assert "✗" not in said and "not done" not in said
    table = said[said.index("overall accuracy") :]
    assert "…" not in table
    accuracy, _, pooled, _, score = (line.split()[-2:] for line in table.splitlines()[:5])
    assert float(accuracy[0]) < float(accuracy[1]) and float(pooled[0]) < float(pooled[1])
    assert float(score[0]) > float(score[1]), "the numbers must disagree about the better answer"


def executed(notebook, folder, repo, monkeypatch):
    """What a notebook prints at a student's desk."""
    monkeypatch.setenv("PYTHONPATH", str(repo))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", ()))
