"""The six example submissions get what a careful teacher would give, each for its own reason."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

PYTORCH, KERAS, NO_SKIPS, BILINEAR, HALF, BLANK = "ada", "grace", "noor", "tomas", "mei", "sam"


@pytest.fixture(scope="session")
def day(tmp_path_factory, repo):
    """An instructor's day, as `make grade` plays it, in a folder of its own."""
    course = tmp_path_factory.mktemp("day") / "course"
    env = {**os.environ, "PIXELWISE_COURSE": str(course), "OMP_NUM_THREADS": "1"}

    def run(*words):
        done = subprocess.run([sys.executable, "-m", *words], cwd=repo, env=env,
                              capture_output=True, text=True, timeout=900)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    inbox = course.parent / "inbox"
    run("grader", "release", "lyft_unet", "--no-run")
    run("assignments.examples", "build", "--inbox", str(inbox))
    run("grader", "collect", "lyft_unet", str(inbox))
    printed = run("grader", "grade", "lyft_unet")
    return course, printed


@pytest.fixture(scope="session")
def grades(day):
    """(student, question) → record."""
    records = json.loads((day[0].parent / "grade.json").read_text())
    return {(r["student"], r["question"]): r for r in records}


def lost(grades, student):
    """Question → remark, for each automatic question without full points."""
    return {
        q: r["remark"]
        for (s, q), r in grades.items()
        if s == student and q != "analysis" and (r["points"] or 0) < r["max"]
    }


@pytest.mark.parametrize("student", [PYTORCH, KERAS])
def test_full_submissions_get_every_automatic_point(grades, student):
    assert lost(grades, student) == {}
    assert sum(r["points"] or 0 for (s, _), r in grades.items() if s == student) == 90
    assert grades[student, "analysis"]["outcome"] == "by hand"
    assert grades[student, "analysis"]["points"] is None


def test_missing_skips_cost_the_skips_and_nothing_else_of_the_network(grades):
    said = lost(grades, NO_SKIPS)
    assert "no skip connection at 96×128, 48×64, 24×32, 12×16" in said.pop("unet")
    assert grades[NO_SKIPS, "unet"]["points"] == 25 * 0.7
    assert set(said) <= {"trained_model"}
    assert 5 <= grades[NO_SKIPS, "trained_model"]["points"] < 25


def test_bilinear_masks_cost_half_of_that_question_and_some_iou(grades):
    said = lost(grades, BILINEAR)
    assert "resized smoothly (bilinear)" in said.pop("prepare_label")
    assert grades[BILINEAR, "prepare_label"]["points"] == 5
    assert set(said) <= {"trained_model"}


def test_half_done_keeps_its_half(grades):
    points = {q: r["points"] for (s, q), r in grades.items() if s == HALF}
    assert points == {
        "prepare_label": 10, "one_hot": 5, "crop_flip": 5, "unet": 0, "iou": 10, "soft_dice": 0,
        "trained_model": 0, "analysis": None,
    }  # fmt: skip
    for question in ("unet", "soft_dice", "trained_model"):
        assert grades[HALF, question]["outcome"] == "no answer"
    assert "not answered" in grades[HALF, "unet"]["remark"]


def test_blank_gets_nothing_and_is_not_an_error(grades):
    records = [r for (s, _), r in grades.items() if s == BLANK]
    assert len(records) == 8 and all(r["points"] == 0 for r in records)
    assert {r["outcome"] for r in records} == {"no answer"}


def test_everybody_gets_a_feedback_page_and_a_row(day, grades):
    course, printed = day
    table = (course / "grades-lyft_unet.csv").read_text().splitlines()
    assert len(table) == 7 and table[0].startswith("student,prepare_label,one_hot")
    for student in (PYTORCH, KERAS, NO_SKIPS, BILINEAR, HALF, BLANK):
        page = (course / "feedback" / student / "lyft_unet" / "lyft_unet.html").read_text()
        assert page.count("[judge]") == 7, "one line under each automatic question"
        assert f"│ {student}" in printed
    assert (
        "resized smoothly" in (course / f"feedback/{BILINEAR}/lyft_unet/lyft_unet.html").read_text()
    )


def test_what_students_get_holds_no_solution_and_runs_to_its_end(day, tmp_path, repo, monkeypatch):
    notebook = nbformat.read(day[0] / "release/lyft_unet/lyft_unet.ipynb", as_version=4)
    text = json.dumps(notebook)
    assert "SOLUTION" not in text and "ConvTranspose2d" not in text and "A good answer" not in text
    monkeypatch.setenv("PYTHONPATH", str(repo))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    said = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", ()))
    assert said.count("not done yet") == 7 and "Nothing was written yet: set STUDENT" in said
