"""A solution, changed here and there, before a real judge: what it gets for each question."""

import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

from course import build
from grader.checks import assignment
from grader.outcomes import Outcome
from grader.rehearse import RehearsalFailed, rehearse
from grader.settings import REPOSITORY

COURSE = REPOSITORY / "build" / "trust"
"""The judge keeps its hidden scenes there from one submission to the next."""


@dataclass(frozen=True)
class Mutant:
    """One planted mistake.

    Attributes:
        question: whose answer is wrong.
        old, new: what stands in the solution, and what this student wrote instead.
        hint: what the remark must say, as a regular expression: it leads to the error.
        points: what the parts that are right still give.
        framework: "pytorch" or "keras", where the assignment leaves the choice.
    """

    question: str
    old: str
    new: str
    hint: str
    points: float = 0
    framework: str = "pytorch"


def solution(name: str) -> dict[str, str]:
    """The code cells of an assignment, solution and all, in order; an answer by its grade_id."""
    made = build.assignment(REPOSITORY / f"assignments/text/{name}.py")
    return {
        cell["metadata"].get("nbgrader", {}).get("grade_id", f"cell {n}"): "".join(cell["source"])
        for n, cell in enumerate(made["cells"])
        if cell["cell_type"] == "code"
    }


def changed(cells: dict[str, str], mutant: Mutant) -> dict[str, str]:
    """The cells with one mistake. Raises ValueError where the solution has not one such place."""
    answer = f"{mutant.question}_answer"
    if (count := cells[answer].count(mutant.old)) != 1:
        raise ValueError(f"{mutant.question}: '{mutant.old}' stands {count} times in the solution")
    return cells | {answer: cells[answer].replace(mutant.old, mutant.new)}


def uses(cells: dict[str, str], question: str) -> set[str]:
    """The questions whose answers this one calls."""
    mine = cells[f"{question}_answer"]
    others = {key.removesuffix("_answer") for key in cells if key.endswith("_answer")} - {question}
    made = {
        other: re.findall(r"^def (\w+)|^class (\w+)", cells[f"{other}_answer"], re.MULTILINE)
        for other in others
    }
    return {
        other
        for other, names in made.items()
        if any(re.search(rf"\b{name}\b", mine) for name in filter(None, sum(names, ())))
    }


def packed(cells: dict[str, str], mutants: list[Mutant]) -> Iterator[list[Mutant]]:
    """Mutants that can share a submission: of one framework, and none calls another's answer."""
    rest = list(mutants)
    while rest:
        pack: list[Mutant] = []
        for mutant in rest:
            taken = {m.question for m in pack}
            calls = uses(cells, mutant.question)
            called = {m.question for m in pack if mutant.question in uses(cells, m.question)}
            if not (mutant.question in taken or calls & taken or called) and (
                not pack or pack[0].framework == mutant.framework
            ):
                pack.append(mutant)
        yield pack
        rest = [mutant for mutant in rest if mutant not in pack]


def judged(
    name: str, cells: dict[str, str], framework: str, model: Path | None = None
) -> dict[str, dict]:
    """Question → its outcome as a dict, after the code ran in the sandbox, before a judge; "not
    graded" where that failed."""
    script = "\n\n".join(cells.values())
    script = script.replace('FRAMEWORK = "pytorch"', f'FRAMEWORK = "{framework}"')
    with patch.dict(os.environ, {"PIXELWISE_COURSE": str(COURSE), "PIXELWISE_SEED": "7"}):
        try:
            found = rehearse(name, script, model)
        except RehearsalFailed as fault:
            found = {
                question: Outcome(question, None, asked.points, "not graded", str(fault))
                for question, asked in assignment(name).items()
            }
    return {
        question: asdict(outcome) | {"event": outcome.outcome, "points": outcome.points or 0}
        for question, outcome in found.items()
    }


@dataclass(frozen=True)
class Result:
    """One line of the table of trust.

    Attributes:
        kind: "mutant", "right" or "attack".
        name: which one, for a person: "assignment/question: ..." or "theme/...".
        ok: whether it got what it should get.
        said: what it got and what was said about it, in short.
        question: whose answer it is.
        points, expected: what it got, and should get (a mutant may keep what its right parts give).
    """

    kind: str
    name: str
    ok: bool
    said: str
    question: str = ""
    points: float = 0
    expected: float = 0
