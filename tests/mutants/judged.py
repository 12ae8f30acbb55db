"""A solution, changed here and there, before a real judge: what it gets for each question."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course import build
from grader.settings import REPOSITORY


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
    """The cells with one mistake. Raises ValueError where the solution has no such place, or two."""
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


def judged(name: str, cells: dict[str, str], framework: str, model: Path | None = None) -> dict:
    """Question → what the ledger says of it, after the notebook's code ran before a judge."""
    script = "\n\n".join(cells.values())
    script = script.replace('FRAMEWORK = "pytorch"', f'FRAMEWORK = "{framework}"')
    with tempfile.TemporaryDirectory() as folder:
        submission, ledger = Path(folder, "submission"), Path(folder, "ledger.jsonl")
        submission.mkdir()
        if model:
            (submission / "model.onnx").symlink_to(model)
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        env |= {"PIXELWISE_COURSE": folder, "PIXELWISE_SEED": "7"}
        command = [sys.executable, "-m", "grader.judge", "--assignment", name]
        command += ["--socket", f"{folder}/s", "--ledger", ledger, "--submission", submission]
        judge = subprocess.Popen([*map(str, command)], env=env, cwd=REPOSITORY)
        try:
            while not (ledger.exists() and "ready" in ledger.read_text()):
                assert judge.poll() is None, "the judge did not start"
                time.sleep(0.02)
            run = subprocess.run(
                [sys.executable, "-c", script],
                env=env | {"PIXELWISE_JUDGE": f"{folder}/s"},
                cwd=submission,
                capture_output=True,
                text=True,
            )
            assert run.returncode == 0, run.stderr
            judge.send_signal(signal.SIGTERM)
            assert judge.wait(600) == 0
        finally:
            judge.kill()
        events = [json.loads(line) for line in ledger.read_text().splitlines()]
    return {e["question"]: e for e in events if e.get("question") and e["event"] != "repeated"}


@dataclass(frozen=True)
class Result:
    """One line of the table of trust.

    Attributes:
        kind: "wrong", "right" or "attack".
        name: which one, for a person.
        ok: whether it got what it should get.
        said: what it got and what was said about it, in short.
    """

    kind: str
    name: str
    ok: bool
    said: str
