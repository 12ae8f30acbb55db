"""Assignment 3 from release to feedback: real nbgrader, real kernels, the real judge."""

import json
import os
import subprocess
import sys
import zipfile

import nbformat
import pytest

NAME = "losses_and_imbalance"
FULL = dict.fromkeys(["ada", "grace"], 90)
CHANGES = {  # what rosa has other than the solution
    "torch.log_softmax(logits, 1)": "torch.log(torch.softmax(logits, 1) + 1e-8)",
    "(1 - log_p.exp()) ** gamma": "(1 - log_p.detach().exp()) ** gamma",
    "alpha * fp + beta * fn": "alpha * fn + beta * fp",
}


@pytest.fixture(scope="module")
def day(tmp_path_factory, repo, sandboxed):
    """The folder of a course in which four students handed in, and what grading printed."""
    course = tmp_path_factory.mktemp("day") / "course"
    inbox = course.parent / "inbox"
    inbox.mkdir()
    env = {**os.environ, "PIXELWISE_COURSE": str(course), "OMP_NUM_THREADS": "1"}

    def run(*words):
        done = subprocess.run([sys.executable, "-m", "grader", *words], cwd=repo, env=env,
                              capture_output=True, text=True, timeout=600)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("release", NAME)
    source = nbformat.read(repo / f"assignments/source/{NAME}/{NAME}.ipynb", as_version=4)
    solution = {
        c.metadata.nbgrader.grade_id: c.source for c in source.cells if "nbgrader" in c.metadata
    }
    for student in ("ada", "grace", "rosa", "sam"):
        notebook = nbformat.read(course / f"release/{NAME}/{NAME}.ipynb", as_version=4)
        for cell in notebook.cells if student != "sam" else ():
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = solution[cell.metadata.nbgrader.grade_id]
            if student == "grace":
                cell.source = cell.source.replace('FRAMEWORK = "pytorch"', 'FRAMEWORK = "keras"')
            for old, new in CHANGES.items() if student == "rosa" else ():
                cell.source = cell.source.replace(old, new)
        with zipfile.ZipFile(inbox / f"{student}_{NAME}.zip", "w") as archive:
            archive.writestr(f"{NAME}.ipynb", nbformat.writes(notebook))
    run("collect", NAME, str(inbox))
    return course, run("grade", NAME)


@pytest.fixture(scope="module")
def grades(day):
    """Student → question → record."""
    found = {}
    for record in json.loads((day[0].parent / "grade.json").read_text()):
        found.setdefault(record["student"], {})[record["question"]] = record
    return found


@pytest.mark.parametrize("student", FULL)
def test_the_solution_gets_every_point_in_both_frameworks(grades, student):
    for question, record in grades[student].items():
        if question == "analysis":
            assert (record["outcome"], record["points"]) == ("by hand", None)
        else:
            assert (record["points"], record["remark"]) == (record["max"], "right"), record
    assert sum(r["points"] or 0 for r in grades[student].values()) == FULL[student]


def test_mistakes_cost_their_part_and_are_named(grades):
    points = {question: record["points"] for question, record in grades["rosa"].items()}
    assert points == {
        "cross_entropy": 10.5, "class_weights": 15, "weighted_cross_entropy": 10,
        "focal_loss": 0, "dice_loss": 15, "tversky_loss": 0, "lovasz_loss": 10, "analysis": None,
    }  # fmt: skip
    said = {question: record["remark"] for question, record in grades["rosa"].items()}
    assert "only hides the overflow: the loss stops at 18" in said["cross_entropy"]
    assert "the factor is detached" in said["focal_loss"]
    assert "α and β are swapped" in said["tversky_loss"]


def test_an_untouched_notebook_gets_nothing_and_is_not_an_error(grades):
    assert len(grades["sam"]) == 8
    assert {(r["points"], r["outcome"]) for r in grades["sam"].values()} == {(0, "no answer")}


def test_the_feedback_tells_the_hint_and_no_hidden_number(day, grades):
    page = (day[0] / f"feedback/rosa/{NAME}/{NAME}.html").read_text()
    assert page.count("[judge]") == 7
    assert "the factor is detached" in page and "and should be" not in page


def test_what_students_get_holds_no_solution(day):
    text = (day[0] / f"release/{NAME}/{NAME}.ipynb").read_text()
    for word in ("SOLUTION", "true_log_p", "p_and_t", "take_along_axis", "A named object"):
        assert word not in text
