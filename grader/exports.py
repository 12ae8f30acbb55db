"""Grades for Canvas and Moodle, in the CSV that each of them imports.

Who has a question open, or one that was not graded, is left out: an empty cell could wipe a grade.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from grader.course import Grade
from grader.names import COLUMNS, rows

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("Identifier", "Grade", "Last modified (grade)", "Feedback comments")
People = Mapping[str, Mapping[str, str]]
"""Student → what the roster says: name, canvas (user id), moodle (participant's number)."""


def people(path: Path) -> People:
    """What a roster says, as `collect` reads it. Raises ValueError, naming the line."""
    return {row["student"]: row for _, row in rows(path, {"student"}, set(COLUMNS))}


def finished(grades: Iterable[Grade]) -> list[Grade]:
    """The grades with points for every question."""
    return [g for g in grades if all(q.points is not None for q in g.questions)]


def canvas(path: Path, assignment: str, grades: Sequence[Grade], people: People) -> None:
    """Canvas' gradebook: it knows people by ID, or else by SIS Login ID, here the student's id.

    The last column is called like the assignment; Canvas makes a new one if it has none of that
    name.
    """
    most = max((grade.max for grade in grades), default=0.0)
    table = [["    Points Possible", "", "", "", "", f"{most:g}"]]
    for grade in finished(grades):
        known = people.get(grade.student, {})
        name, number = known.get("name") or grade.student, known.get("canvas", "")
        table.append([name, number, "", grade.student, "", f"{grade.points:g}"])
    write(path, (*CANVAS, assignment), table)


def moodle(path: Path, grades: Sequence[Grade], people: People) -> None:
    """Moodle's grading worksheet, and its import of grades from CSV.

    The worksheet knows participants by their number, which the roster tells; it leaves alone what
    was marked in Moodle later than the file says. The import maps the student's id to any field of
    the profile.
    """
    table, now = [], datetime.now(UTC).isoformat(timespec="seconds")
    for grade in finished(grades):
        number = people.get(grade.student, {}).get("moodle")
        who = f"Participant {number}" if number else grade.student
        table.append([who, f"{grade.points:g}", now, feedback(grade)])
    write(path, MOODLE, table)


def feedback(grade: Grade) -> str:
    """What is said of a submission, in one line."""
    said = "; ".join(f"{questions}: {remark}" for questions, remark in grade.remarks)
    return said or "All points."


def write(path: Path, head: Sequence[str], table: Iterable[Sequence[object]]) -> None:
    """Writes a CSV that only the instructor may read."""
    with open(create(path), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([plain(cell) for cell in row] for row in table)


def create(path: Path) -> Path:
    """An empty file that only the instructor may read, and its folder; the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.chmod(0o600)
    return path


def plain(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula; None is empty."""
    text = "" if cell is None else str(cell)
    formula = text.startswith(("=", "+", "-", "@", "\t", "\r")) and not isinstance(cell, float)
    return f"'{text}" if formula else text
