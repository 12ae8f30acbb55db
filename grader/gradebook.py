"""Between two gradebooks: what a worker needs of the instructor's, and what it found."""

from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

SOURCE = ("name", "cell_type", "locked", "source", "checksum")
GRADED = ("name", "cell_type", "max_score")


class GradebookUnusable(RuntimeError):
    """The gradebook cannot be written; the message says why and what to do."""


def definition(db_url: str, assignment: str) -> dict[str, Any]:
    """An assignment as it was released: its notebooks and their cells, as plain values."""
    with Gradebook(db_url) as gradebook:
        found = gradebook.find_assignment(assignment)
        return {
            "name": assignment,
            "duedate": found.duedate,
            "notebooks": [
                {
                    "name": notebook.name,
                    "kernelspec": notebook.kernelspec,
                    "source": [_columns(cell, SOURCE) for cell in notebook.source_cells],
                    "grade": [_columns(cell, GRADED) for cell in notebook.grade_cells],
                    "task": [_columns(cell, GRADED) for cell in notebook.task_cells],
                    "solution": [cell.name for cell in notebook.solution_cells],
                }
                for notebook in found.notebooks
            ],
        }


def create(path: Path, wanted: dict[str, Any]) -> None:
    """Makes a gradebook at `path` that holds one assignment and nobody's work."""
    with Gradebook(f"sqlite:///{path}") as gradebook:
        name = wanted["name"]
        gradebook.add_assignment(name, duedate=wanted["duedate"])
        for notebook in wanted["notebooks"]:
            where = (notebook["name"], name)
            gradebook.add_notebook(*where, kernelspec=notebook["kernelspec"])
            for kind, add in (
                ("source", gradebook.add_source_cell),
                ("grade", gradebook.add_grade_cell),
                ("task", gradebook.add_task_cell),
            ):
                for cell in notebook[kind]:
                    add(cell["name"], *where, **{k: v for k, v in cell.items() if k != "name"})
            for cell in notebook["solution"]:
                gradebook.add_solution_cell(cell, *where)


def marks(db_url: str, assignment: str, student: str) -> dict[str, Any]:
    """What grading wrote about one submission, as plain values."""
    with Gradebook(db_url) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return {
            "timestamp": submission.timestamp,
            "notebooks": {
                notebook.name: {
                    "penalty": notebook.late_submission_penalty,
                    "grades": {
                        grade.name: (grade.auto_score, grade.needs_manual_grade)
                        for grade in notebook.grades
                    },
                    "comments": {c.name: c.auto_comment for c in notebook.comments},
                }
                for notebook in submission.notebooks
            },
        }


def check_writable(db_url: str) -> None:
    """Raises GradebookUnusable when nothing can be written into the gradebook."""
    try:
        with Gradebook(db_url) as gradebook:
            gradebook.db.execute(text("CREATE TABLE pixelwise_probe (x INTEGER)"))
            gradebook.db.execute(text("DROP TABLE pixelwise_probe"))
            gradebook.db.commit()
    except DBAPIError as error:
        raise GradebookUnusable(_sentence(db_url, error)) from None


def take_in(db_url: str, assignment: str, student: str, found: dict[str, Any]) -> bool:
    """Writes `marks` into the instructor's gradebook; marks that a person gave stay.

    Returns:
        whether a person has marked or commented anything of this submission.

    Raises:
        GradebookUnusable: it is read-only, locked or its disk is full.
    """
    by_hand = False
    try:
        with Gradebook(db_url) as gradebook:
            gradebook.update_or_create_student(student)
            when = {"timestamp": found["timestamp"]} if found["timestamp"] else {}
            submission = gradebook.update_or_create_submission(assignment, student, **when)
            for notebook in submission.notebooks:
                mine = found["notebooks"][notebook.name]
                notebook.late_submission_penalty = mine["penalty"]
                for grade in notebook.grades:
                    marked = grade.manual_score is not None
                    grade.auto_score, still_open = mine["grades"][grade.name]
                    grade.needs_manual_grade = still_open or marked
                    by_hand |= marked
                for comment in notebook.comments:
                    comment.auto_comment = mine["comments"][comment.name]
                    by_hand |= comment.manual_comment is not None
            gradebook.db.commit()
    except DBAPIError as error:
        raise GradebookUnusable(_sentence(db_url, error)) from None
    return by_hand


def _sentence(db_url: str, error: Exception) -> str:
    return (
        f"the gradebook {make_url(db_url)!r} cannot be written ({error.orig}). Nothing is lost: "
        "mend that and give the same command again."
    )


def _columns(cell: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in names}
