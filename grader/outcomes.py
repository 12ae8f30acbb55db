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
from grader.submissions import MARK, printable
from grader.told import name_of_error
from helpers.verdict import by_fault

FINAL = ("score", "no answer", "not graded")


@dataclass(frozen=True)
class Outcome:
    """What became of one question.

    Attributes:
        points: None where there is no score.
        remark: why, for a person. It tells nothing of a hidden case.
        parts: of a scored question, what each part gave (`told_parts`).
        png, alt: a picture of a fault in base64, and what it shows; empty where there is none.
    """

    question: str
    points: float | None
    max: float
    outcome: str
    remark: str
    parts: list[dict[str, Any]] = field(default_factory=list)
    png: str = ""
    alt: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "remark", printable(self.remark))
        for part in self.parts:
            part["said"] = printable(part["said"])


@dataclass
class Run:
    """What happened when a submission was run.

    Attributes:
        events: the ledger's lines.
        problem: why there is no notebook to run (theirs).
        stopped: what ended the notebook before its last cell (theirs).
        broken: what of ours failed.
        confined: whether the sandbox was on.
        dealt: the number of the first cell in which a hidden case was dealt; None: in none.
        seconds: how long the notebook and its judge ran.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    stopped: str = ""
    broken: str = ""
    confined: bool = True
    dealt: int | None = None
    seconds: float = 0.0


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


def has_dealt(path: Path) -> bool:
    """Whether a judge that keeps this ledger has dealt a hidden case."""
    return any(event.get("event") == "asked" for event in read_ledger(path))


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
    shown = [e for e in run.events if e.get("question") == question and e["event"] == "shown"]
    shown = shown[0] if shown else {}
    parts = told_parts(event.get("parts", []), shown.get("said", {}))
    remark = remark_of(event, parts, shown)
    more = {"parts": parts, "png": shown.get("png", ""), "alt": shown.get("alt", "")}
    if event["event"] == "no answer":
        return Outcome(question, 0.0, maximum, "no answer", remark, **more)
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
    points = min(max(float(points), 0.0), maximum)
    return Outcome(question, points, maximum, "score", remark, **more)


def told_parts(parts: list[dict[str, Any]], shown: dict[str, str]) -> list[dict[str, Any]]:
    """What each part gave: its name, points, maximum, and what is said of it ("" if right)."""
    found = []
    for part in parts:
        right = part["hint"] is None
        said = "" if right else "; ".join(filter(None, (part["hint"], shown.get(part["part"]))))
        found.append({**part, "points": part["max"] if right else 0.0, "said": said})
    return found


def remark_of(event: dict[str, Any], parts: list[dict[str, Any]], shown: dict[str, Any]) -> str:
    """All that is said of a question, in one line; parts with the same fault stand together."""
    if parts:
        faults = {part["part"]: part["said"] for part in parts if part["hint"] is not None}
        said = [f"{names}: {fault}" for names, fault in by_fault(faults).items()]
    else:
        said = [event.get("remark", ""), *dict.fromkeys(shown.get("said", {}).values())]
    return "; ".join(filter(None, map(str, said)))[:2000] or "right"


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
            if cell.metadata.get(MARK, {}).get("dealt"):  # the text may tell a hidden case
                return f"the cell stopped with {name_of_error(str(output.ename))}"
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
    record = {
        "confined": run.confined,
        "seconds": round(run.seconds, 1),
        "questions": [asdict(outcome) for outcome in found],
        "ledger": run.events,
    }
    write(path_of(assignment, student), (json.dumps(record, indent=1) + "\n").encode())


def write(path: Path, content: bytes) -> None:
    """The whole file, or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def load(assignment: str, student: str) -> tuple[list[Outcome], bool] | None:
    """The kept outcomes and whether the sandbox was on; None when there are none yet."""
    record = load_record(assignment, student)
    if record is None:
        return None
    return [Outcome(**question) for question in record["questions"]], record["confined"]


def load_record(assignment: str, student: str) -> dict[str, Any] | None:
    """All that `save` kept, the ledger too; None when there is nothing yet."""
    path = path_of(assignment, student)
    return json.loads(path.read_text("utf-8")) if path.exists() else None
