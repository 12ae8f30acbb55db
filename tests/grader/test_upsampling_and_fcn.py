"""Assignment 2 from release to feedback: real nbgrader, real kernels, the real judge."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

from grader.checks import assignment

NAME = "upsampling_and_fcn"
QUESTIONS = assignment(NAME)
FULL = ["ada", "grace"]
CHANGES = {  # what rosa has other than the solution
    '- layer["padding"]) * jump': ") * jump",
    "+ m] += copy": "+ m] = copy",
    "np.eye(maps)": "np.ones((maps, maps))",
    "weights.reshape(height, width, maps.shape[2], -1)": "weights.reshape(width, height, "
    "maps.shape[2], -1).transpose(1, 0, 2, 3)",
    "return self.larger(total, 2 ** self.scored[-1])": "return self.larger(total, "
    "2 ** self.scored[-1]).softmax(1)",
    "if 2**k >= stride]": "if 2**k >= max(stride, 16)]",
}


@pytest.mark.parametrize("student", FULL)
def test_the_solution_gets_every_point_in_both_frameworks(grades, student):
    judged = {q: r for q, r in grades[student].items() if q != "judgement"}
    assert {q: r["remark"] for q, r in judged.items()} == dict.fromkeys(QUESTIONS, "right")
    assert sum(r["points"] for r in judged.values()) == 90
    assert grades[student]["judgement"]["outcome"] == "by hand"


def test_mistakes_cost_their_part_and_are_named(grades):
    expected = {
        "output_sizes": (8, "right"),
        "receptive_field": (0, "start ignores the padding"),
        "unpool": (8, "right"),
        "transposed_conv": (1.4, "the last one wins"),
        "overlaps": (6, "right"),
        "bilinear_kernel": (7, "every map leads to every map"),
        "dense_as_conv": (0, "cut up column by column"),
        "fcn": (17.5, "no sum of scores at 12×16"),
    }
    for question, (points, words) in expected.items():
        record = grades["rosa"][question]
        assert words in record["remark"] and record["points"] == pytest.approx(points), record
    assert "activation, Softmax" in grades["rosa"]["fcn"]["remark"]


def test_an_untouched_notebook_gets_nothing_and_is_not_an_error(grades):
    assert len(grades["sam"]) == 9
    assert {(r["points"], r["outcome"]) for r in grades["sam"].values()} == {(0, "no answer")}


def test_the_feedback_tells_the_hint(day):
    page = (day / f"feedback/rosa/{NAME}/{NAME}.html").read_text()
    assert page.count("[judge]") == len(QUESTIONS)
    said = " ".join(page.split())  # remarks are wrapped
    assert "the last one wins" in said


def test_what_students_get_holds_no_solution_and_runs_to_its_end(day, tmp_path, repo, monkeypatch):
    notebook = nbformat.read(day / f"release/{NAME}/{NAME}.ipynb", as_version=4)
    text = json.dumps(notebook)
    for word in (
        "SOLUTION",
        "scored_blocks",
        "np.divmod(places, factor * width)",
        "own table; ours",
    ):
        assert word not in text
    monkeypatch.setenv("PYTHONPATH", str(repo))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    said = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", ()))
    assert said.count("not done yet") == len(QUESTIONS) and "set STUDENT to your id" in said
