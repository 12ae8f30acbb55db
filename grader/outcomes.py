"""From the judge's ledger to one outcome for each question.

score      the judge decided
no answer  0 points: never asked, an exception, no time left, the cell deleted
not graded our side broke (sandbox, judge, machine): no points are given or taken; a person looks
by hand    a person marks it
"""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode

from grader.settings import course_folder

FINAL = ("score", "no answer", "not graded")


@dataclass(frozen=True)
class Outcome:
    """What became of one question; `points` is None where there is no score."""

    question: str
    points: float | None
    max: float
    outcome: str
    remark: str


@dataclass
class Run:
    """What happened when a submission was run.

    Attributes:
        events: the ledger's lines.
        problem: why there is no notebook to run (theirs).
        stopped: what ended the notebook before its last cell (theirs).
        broken: what of ours failed.
        confined: whether the sandbox was on.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    stopped: str = ""
    broken: str = ""
    confined: bool = True


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """The events of a ledger. A line that is not an event is left out."""
    events = []
    for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def decide(question: str, maximum: float, run: Run, cell: NotebookNode | None) -> Outcome:
    """The outcome of a question that the judge decides.

    Args:
        question: its grade_id.
        maximum: its points in the gradebook.
        run: what happened.
        cell: the executed test cell, None when the notebook has none.
    """
    said = [e for e in run.events if e.get("question") == question and e.get("event") in FINAL]
    if not said:
        if run.problem:
            return Outcome(question, 0.0, maximum, "no answer", run.problem)
        if run.broken:
            return Outcome(question, None, maximum, "not graded", run.broken)
        return Outcome(question, 0.0, maximum, "no answer", _why_silent(question, run, cell))
    event = said[0]
    remark = str(event.get("remark", ""))[:2000]
    if event["event"] == "no answer":
        return Outcome(question, 0.0, maximum, "no answer", remark)
    if event["event"] == "not graded":
        return Outcome(question, None, maximum, "not graded", remark)
    points = event.get("points")
    if type(points) not in (int, float) or not math.isfinite(points):
        remark = f"the judge gave {points!r}, which is not a number of points"
        return Outcome(question, None, maximum, "not graded", remark)
    if event.get("max") != maximum:
        remark = (
            f"the judge counts {event.get('max')} points, the gradebook {maximum:g}: make the "
            "points in the assignment and in grader/checks agree, and release it again"
        )
        return Outcome(question, None, maximum, "not graded", remark)
    return Outcome(question, min(max(float(points), 0.0), maximum), maximum, "score", remark)


def _why_silent(question: str, run: Run, cell: NotebookNode | None) -> str:
    if cell is None:
        return (
            f'the cell check("{question}", …) is missing from the notebook: it was deleted, or a '
            "program that saved the notebook lost its marks. Start from a fresh copy."
        )
    for output in cell.get("outputs", []):
        if output.output_type == "error" and output.ename == "CellTimeoutError":
            return "the cell took too long and was interrupted"
        if output.output_type == "error":
            said = " ".join(str(output.evalue).split())[:200]
            return f"the cell stopped with {str(output.ename)[:60]}: {said}"
    if run.stopped and cell.get("execution_count") is None:
        return run.stopped
    return f'check("{question}", …) never reached the judge'


def path_of(assignment: str, student: str) -> Path:
    """Where the outcomes of a submission are kept: with the instructor, never in the feedback."""
    return course_folder() / "outcomes" / assignment / f"{student}.json"


def save(assignment: str, student: str, found: list[Outcome], run: Run) -> None:
    """Keep the outcomes and the ledger behind them."""
    path = path_of(assignment, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "confined": run.confined,
        "questions": [asdict(outcome) for outcome in found],
        "ledger": run.events,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    part.replace(path)


def load(assignment: str, student: str) -> tuple[list[Outcome], bool] | None:
    """The kept outcomes and whether the sandbox was on; None when there are none yet."""
    path = path_of(assignment, student)
    if not path.exists():
        return None
    record = json.loads(path.read_text("utf-8"))
    return [Outcome(**question) for question in record["questions"]], record["confined"]
