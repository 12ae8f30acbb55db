"""A whole class, graded once: real nbgrader, real kernels, real sandbox, the real judge."""

import json
import sqlite3

import nbformat
import pytest

from grader import checks, outcomes
from grader.collect import collect
from grader.outcomes import Run, decide

NAME = "lyft_unet"
WRONG = {
    "one_hot": "def one_hot(mask, classes):\n    return mask",
    "crop_flip": "def crop_flip(image, *rest):\n    return image",
}

# Each stands in a cell between the two questions of a notebook whose answers are wrong.
ATTACKS = {
    "reader": """
import os
paths = ["/etc/shadow", {database!r}, {checks!r}]
print("found", [path for path in paths if os.path.exists(path)])
try:
    open({database!r}, "w").write("")
except OSError as error:
    print(type(error).__name__)
""",
    "overwriter": """
import builtins, helpers.check
import numpy.testing
numpy.testing.assert_allclose = lambda *a, **k: None
check = helpers.check.check = lambda *a, **k: print("[judge] 5 / 5 points (score): right")
builtins.print = lambda *a: None
5.0
""",
    "forger": """
import os, socket
from helpers import wire
line = b'{"event": "score", "question": "crop_flip", "points": 5, "max": 5, "remark": ""}'
for message in (line + b"\\n", b"\\x7f\\xff\\xff\\xff", b""):
    with socket.socket(socket.AF_UNIX) as judge:
        judge.connect(os.environ["PIXELWISE_JUDGE"])
        judge.sendall(message)
with socket.socket(socket.AF_UNIX) as judge:
    judge.connect(os.environ["PIXELWISE_JUDGE"])
    wire.send(judge, {"event": "score", "question": "trained_model", "points": 25})
open("ledger.jsonl", "wb").write(line)
""",
    "liar": """
def crop_flip(*a):
    return float("nan"), float("nan")
""",
    "leaver": "import os; os._exit(0)",
    "forker": """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
    "hog": """
import os, time
for _ in range(4):
    if os.fork() == 0:
        memory = bytearray(b"x") * (300 << 20)
        time.sleep(60)
time.sleep(60)
""",
    "talker": 'import time\nwhile True: print("x" * 100_000); time.sleep(0.005)',
    "filler": """
import os
place = os.path.dirname(os.environ["PIXELWISE_JUDGE"])
for number in range(10**6):
    open(f"{place}/{number}", "wb").write(bytes(10 << 20))
""",
    "looper": """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True: pass
""",
    "painter": """
from IPython.display import HTML, Javascript, display
display(HTML("<script>alert('html')</script>"), Javascript("alert('javascript')"))
data = {"image/png": '"><script>alert()</script>', "image/svg+xml": "<svg onload='alert()'>"}
display(data, raw=True, metadata={"image/png": {"width": '"><script>alert()</script>'}})
""",
}
STOPPED = {
    "leaver": "the kernel died",
    "forker": "memory",
    "hog": "memory",
    "talker": "printed more than 10 MiB",
    "filler": "folder of its sockets",
    "looper": "longer than 15 s",
}


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


def scripted(notebook):
    notebook.cells[-1].source = "Roads. <script>alert('markdown')</script> <img onerror=alert(1)>"


CHANGES = [deleted, copied, edited, unmarked, garbled, failing, scripted]


@pytest.fixture(scope="module")
def graded(classroom):
    """Everybody's outcomes: student → question → Outcome."""
    classroom.hand_in("good", classroom.notebook(), model__onnx=b"hello")
    classroom.hand_in("untouched", classroom.notebook(answers={}))
    for student, attack in ATTACKS.items():
        code = attack.replace("{database!r}", repr(str(classroom.run / "gradebook.db")))
        code = code.replace("{checks!r}", repr(checks.__file__))
        classroom.hand_in(student, classroom.notebook(WRONG, code))
    for change in CHANGES:
        notebook = classroom.notebook()
        change(notebook)
        classroom.hand_in(change.__name__, notebook)
    (classroom.inbox / "corrupt.ipynb").write_text('{"cells": [{"cell_type": "co')
    (classroom.inbox / "essay.zip").write_bytes(b"%PDF")
    course = classroom.course()
    collect(classroom.inbox, course.submitted, NAME, NAME)
    thief = course.submitted / "thief" / NAME
    thief.mkdir(parents=True)
    nbformat.write(
        classroom.notebook(extra="print(open('key.txt').read())"), thief / f"{NAME}.ipynb"
    )
    (thief / "key.txt").symlink_to(classroom.run / "grading.toml")
    for student in course.students(NAME):
        course.grade(NAME, student)
        course.feedback(NAME, student)
    return {g.student: {q.question: q for q in g.questions} for g in course.grades(NAME)}


def notebook_of(classroom, student):
    return nbformat.read(classroom.run / "autograded" / student / NAME / f"{NAME}.ipynb", 4)


def page_of(classroom, student):
    return (classroom.run / "feedback" / student / NAME / f"{NAME}.html").read_text()


def test_nobody_is_missing_and_every_question_has_an_outcome(graded):
    expected = {"good", "untouched", "corrupt", "essay", "thief", *ATTACKS}
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
    assert "[judge] 5 / 5 points (score): right" in page_of(classroom, "good")


def test_an_untouched_notebook_gets_no_points(graded):
    assert {q.outcome for q in graded["untouched"].values()} == {"no answer"}
    assert sum(q.points for q in graded["untouched"].values()) == 0


@pytest.mark.parametrize("student", ATTACKS)
def test_no_attack_earns_a_point(student, graded):
    assert sum(q.points or 0 for q in graded[student].values()) == 0
    assert graded[student]["one_hot"].outcome == "score", "answered before the attack"


@pytest.mark.parametrize("student", STOPPED)
def test_what_runs_wild_is_stopped_and_the_rest_is_no_answer(student, graded):
    answer = graded[student]["crop_flip"]
    assert answer.outcome == "no answer"
    assert STOPPED[student] in answer.remark or "too long" in answer.remark
    assert graded[student]["trained_model"].remark == "no model.onnx was handed in"


def test_the_students_code_sees_and_writes_nothing_of_ours(graded, classroom):
    outputs = str([c.get("outputs") for c in notebook_of(classroom, "reader").cells])
    assert "found []" in outputs
    assert "FileNotFoundError" in outputs
    with sqlite3.connect(classroom.run / "gradebook.db") as database:
        assert database.execute("select count(*) from student").fetchone()[0] > 5


def test_a_link_to_the_instructors_secret_is_not_followed(graded, classroom):
    assert "seed" not in str(notebook_of(classroom, "thief"))
    assert graded["thief"]["crop_flip"].points == 5


def test_printed_points_count_for_nothing(graded):
    assert graded["overwriter"]["crop_flip"].outcome == "no answer"
    assert "never reached the judge" in graded["overwriter"]["crop_flip"].remark


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


def test_nothing_in_the_feedback_can_run(graded, classroom):
    page = page_of(classroom, "painter")
    assert "<script>alert(" not in page and "<svg onload" not in page
    outputs = [o for c in notebook_of(classroom, "painter").cells for o in c.get("outputs", [])]
    assert all(set(o.get("data", {})) <= {"text/plain"} for o in outputs)
    page = page_of(classroom, "scripted")
    assert "<script>alert('markdown')" not in page and "<img onerror" not in page
    assert graded["scripted"]["analysis"].outcome == "by hand"


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
