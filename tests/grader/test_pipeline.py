"""A whole class, graded once: real nbgrader, real kernels, real sandbox, the real judge.

Those who mean harm are in tests/attacks.
"""

import json

import nbformat
import pytest

from grader import outcomes
from grader.outcomes import Run, decide
from grader.pipeline import SafeOutputs

NAME = "lyft_unet"


def deleted(notebook):
    notebook.cells = [c for c in notebook.cells if 'check("one_hot"' not in c.source]


def copied(notebook):
    cell = next(c for c in notebook.cells if 'check("one_hot"' in c.source)
    notebook.cells.append(nbformat.from_dict(json.loads(json.dumps(cell))))


def edited(notebook):
    cell = next(c for c in notebook.cells if 'check("one_hot"' in c.source)
    cell.source, cell.metadata.nbgrader.points = "print('5.0')", 1000


def unmarked(notebook):
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def garbled(notebook):
    for cell in notebook.cells:
        marks = {"grade_id": ["?"], "points": "all", "schema_version": 1, "grade": True}
        cell.metadata = nbformat.from_dict({"nbgrader": marks})


def failing(notebook):
    cell = next(c for c in notebook.cells if 'check("one_hot"' in c.source)
    notebook.cells.insert(notebook.cells.index(cell), nbformat.v4.new_code_cell("del one_hot"))


CHANGES = [deleted, copied, edited, unmarked, garbled, failing]


@pytest.fixture(scope="module")
def graded(classroom):
    """Everybody's outcomes: student → question → Outcome."""
    classroom.hand_in("good", classroom.notebook(), model__onnx=b"hello")
    classroom.hand_in("untouched", classroom.notebook(answers={}))
    for change in CHANGES:
        notebook = classroom.notebook()
        change(notebook)
        classroom.hand_in(change.__name__, notebook)
    (classroom.inbox / "corrupt.ipynb").write_text('{"cells": [{"cell_type": "co')
    (classroom.inbox / "essay.zip").write_bytes(b"%PDF")
    course = classroom.collected()
    for student in course.students(NAME):
        course.grade(NAME, student)
        course.feedback(NAME, student)
    return {g.student: {q.question: q for q in g.questions} for g in course.grades(NAME)}


def notebook_of(classroom, student):
    return nbformat.read(classroom.run / "autograded" / student / NAME / f"{NAME}.ipynb", 4)


def page_of(classroom, student):
    return (classroom.run / "feedback" / student / NAME / f"{NAME}.html").read_text()


def test_nobody_is_missing_and_every_question_has_an_outcome(graded):
    expected = {"good", "untouched", "corrupt", "essay"}
    assert set(graded) == expected | {change.__name__ for change in CHANGES}
    for questions in graded.values():
        assert list(questions) == ["one_hot", "crop_flip", "trained_model", "analysis"]
        assert all(q.outcome != "not graded" for q in questions.values())


def test_the_right_answers_get_their_points_and_a_line_in_the_feedback(graded, classroom):
    good = graded["good"]
    assert [good[q].points for q in ("one_hot", "crop_flip")] == [5, 5]
    assert good["trained_model"].outcome == "no answer"
    assert "not an ONNX file" in good["trained_model"].remark
    assert good["analysis"].outcome == "by hand"
    page = page_of(classroom, "good")
    assert "[judge] 5 / 5 points (score)" in page and "✓ maps 3 / 3" in page


def test_an_untouched_notebook_gets_no_points(graded):
    assert {q.outcome for q in graded["untouched"].values()} == {"no answer"}
    assert sum(q.points for q in graded["untouched"].values()) == 0


def test_a_deleted_test_cell_is_no_answer_and_comes_back_with_its_line(graded, classroom):
    assert graded["deleted"]["one_hot"].outcome == "no answer"
    assert "is missing from the notebook" in graded["deleted"]["one_hot"].remark
    assert graded["deleted"]["crop_flip"].points == 5
    cells = notebook_of(classroom, "deleted").cells
    (cell,) = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == "one_hot"]
    assert "[judge] 0 / 5 points" in cell.outputs[0].text


@pytest.mark.parametrize("student", ["copied", "edited", "unmarked", "garbled"])
def test_mangled_cells_and_marks_cost_nothing_that_the_judge_has_seen(student, graded):
    assert graded[student]["one_hot"].points == 5
    assert graded[student]["crop_flip"].points == 5
    if student in ("unmarked", "garbled"):
        assert graded[student]["analysis"].outcome == "by hand"
        assert "missing" in graded[student]["analysis"].remark


def test_an_exception_in_the_test_cell_is_named(graded):
    assert graded["failing"]["one_hot"].outcome == "no answer"
    assert "NameError: name 'one_hot' is not defined" in graded["failing"]["one_hot"].remark


@pytest.mark.parametrize("student", ["corrupt", "essay"])
def test_what_is_no_notebook_is_no_answer_with_its_sentence(student, graded, classroom):
    assert {q.outcome for q in graded[student].values()} == {"no answer"}
    said = {"corrupt": "is not a notebook", "essay": "is not a zip"}[student]
    assert said in graded[student]["one_hot"].remark
    assert said in page_of(classroom, student)


def test_a_judge_that_does_not_start_is_our_fault_and_the_next_run_mends_it(
    graded, classroom, monkeypatch
):
    course = classroom.course()
    with monkeypatch.context() as patch:
        patch.setenv("PIXELWISE_SEED", "no number")
        course.grade(NAME, "good")
    (grade,) = [g for g in course.grades(NAME) if g.student == "good"]
    assert {q.outcome for q in grade.questions if q.question != "analysis"} == {"not graded"}
    assert all(q.points is None for q in grade.questions if q.question != "analysis")
    assert "the judge did not start" in grade.questions[0].remark
    assert not course.is_graded(NAME, "good")
    course.grade(NAME, "good")
    assert course.is_graded(NAME, "good")
    (grade,) = [g for g in course.grades(NAME) if g.student == "good"]
    assert grade.points == 10


@pytest.mark.parametrize("points", [float("nan"), float("inf"), None, "5", True])
def test_a_score_that_is_no_number_is_not_graded(points):
    event = {"event": "score", "question": "iou", "points": points, "max": 5}
    assert decide("iou", 5, Run(events=[event]), None).outcome == "not graded"


@pytest.mark.parametrize(("points", "kept"), [(7, 5), (-1, 0), (2.5, 2.5)])
def test_points_stay_between_nothing_and_the_most(points, kept):
    event = {"event": "score", "question": "iou", "points": points, "max": 5}
    later = {**event, "points": 1}
    assert decide("iou", 5, Run(events=[event, later]), None).points == kept


def test_points_that_disagree_with_the_gradebook_are_not_graded():
    event = {"event": "score", "question": "iou", "points": 5, "max": 10}
    found = decide("iou", 5, Run(events=[event]), None)
    assert found.outcome == "not graded" and "10" in found.remark


def test_a_ledger_survives_half_a_line(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"event": "ready"}\n[1]\n{"event": "sc')
    assert outcomes.read_ledger(path) == [{"event": "ready"}]


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt&colon;alert(1))",
        "[a][b]\n\n[b]: data:text/html;base64,x",
        "![a](https://example.org/who-reads-this.png)",
        "![a](attachment:lost.png)",
    ],
)
def test_a_text_that_links_to_harm_or_lacks_a_picture_is_shown_as_it_was_typed(text):
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    page, _ = SafeOutputs().preprocess(page, {})
    assert all(line.startswith("    ") for line in page.cells[0].source.splitlines())


@pytest.mark.parametrize("text", ["[a](https://example.org) **b**", "a < b", "# x", "`a`"])
def test_a_plain_text_stays(text):
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    page, _ = SafeOutputs().preprocess(page, {})
    assert not page.cells[0].source.startswith("    ")
