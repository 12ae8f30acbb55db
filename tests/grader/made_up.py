"""A class that nobody taught: outcomes as grading would have kept them."""

import json
from typing import Any

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

from grader import outcomes, similar
from grader.outcomes import Outcome, Run
from tests.grader.classroom import NAME, Classroom

MAX = {"one_hot": 5, "crop_flip": 5, "trained_model": 25, "analysis": 10}
HINT = "255 is counted as a class"
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def outcome(
    question: str, points: float | None, hint: str | None = None, said: str = ""
) -> Outcome:
    """An outcome; `hint` is that of its only part, None where it is right."""
    part = {"part": "values", "max": MAX[question], "hint": hint, "points": points or 0}
    parts = [part | {"said": said or hint or ""}] if question in ("one_hot", "crop_flip") else []
    by_hand = question == "analysis"
    return Outcome(question, points, MAX[question], "by hand" if by_hand else "score", said, parts)


def put(
    room: Classroom,
    student: str,
    found: list[Outcome],
    model: dict[str, Any] | None = None,
    seconds: float = 1.0,
    code: str = "",
) -> None:
    """Keeps outcomes of a student, what the judge wrote of the model, and the code handed in."""
    course = room.course()
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), folder / f"{NAME}.ipynb")
    event = {"event": "score", "question": "trained_model", "points": 25, "max": 25}
    run = Run([event | model] if model else [], seconds=seconds)
    outcomes.save(NAME, student, found, run)
    with Gradebook(course.db_url) as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(NAME, student)
        for one in found:
            grade = book.find_grade(one.question, NAME, NAME, student)
            grade.auto_score, grade.needs_manual_grade = one.points, one.points is None
        book.db.commit()


def model(n: int) -> dict[str, Any]:
    """What the judge writes of the n-th model; those of 8 and 9 are the same."""
    rng = np.random.default_rng(min(n, 8))
    truth = rng.integers(0, 13, (16, 96, 128), np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.1, rng.integers(0, 13, truth.shape), truth)
    about = {"weights": f"w{min(n, 8)}", "mistakes": similar.digest(truth, predicted)}
    return about | {"challenge": 90.0 - n // 2}


def fill(room: Classroom, hostile: bool = False) -> None:
    """Twelve students: the first ones good, the last ones less so, one broken, one not graded."""
    for n in range(10):
        good, best = n < 7, n < 4
        said = HOSTILE if hostile else f"public case {n}: has 13 maps"
        put(
            room,
            f"s{n}",
            [
                outcome("one_hot", 5 if good else 0, None if good else HINT, said),
                outcome("crop_flip", 5 if best else 0, None if best else "", said),
                outcome("trained_model", 25 - 2 * n),
                outcome("analysis", 8 if n % 2 else 6),
            ],
            model=model(n),
            seconds=10.0 + n,
        )
    broken = [Outcome(q, None, most, "not graded", "the disk was full") for q, most in MAX.items()]
    put(room, "t", broken)
    late = room.course().submitted / "u" / NAME
    late.mkdir(parents=True)
    (late / f"{NAME}.ipynb").write_text(json.dumps(new_notebook()))
