"""What a student reads under each question: points part by part, the fault, where to read on."""

import textwrap
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.checks import Question
from grader.outcomes import Outcome
from grader.told import name_of_error

WIDTH = 96
"""Letters in a line; a page of feedback need not be scrolled sideways."""
MARK = "pixelwise"
"""Our key in a cell's metadata: `judge`, how many of its outputs are the judge's; `dealt`, whether
hidden cases had been dealt by then."""


def judge_outputs(
    outcome: Outcome, question: Question | None, confined: bool
) -> list[NotebookNode]:
    """The judge's outputs under a test cell: its lines, and a picture where there is one."""
    outputs = [new_output("stream", name="stdout", text=_lines(outcome, question, confined))]
    if outcome.png:
        data = {"image/png": outcome.png, "text/plain": outcome.alt}
        alt = {"image/png": {"alt": outcome.alt}}
        outputs.append(new_output("display_data", data, metadata=alt))
    return outputs


def _lines(outcome: Outcome, question: Question | None, confined: bool) -> str:
    if outcome.points is None:
        lines = [f"[judge] not graded: {outcome.remark}. Nothing is lost: a person looks at it."]
    else:
        lines = [f"[judge] {outcome.points:g} / {outcome.max:g} points ({outcome.outcome})"]
        if outcome.parts:
            lines += [_part(part) for part in outcome.parts]
        elif outcome.remark:
            lines[0] += f": {outcome.remark}"
    if question and outcome.points is not None and outcome.points < outcome.max:
        number, heading = question.lesson.split(" ", 1)
        lines += [f"  asked: {question.asks}", f'  reread: lesson {number}, "{heading}"']
    if not confined:
        lines.append("[judge] graded without the sandbox")
    return "".join(textwrap.fill(line, WIDTH, subsequent_indent="      ") + "\n" for line in lines)


def _part(part: dict[str, Any]) -> str:
    mark = "✗" if part["said"] else "✓"
    said = f": {part['said']}" if part["said"] else ""
    return f"  {mark} {part['part']} {part['points']:g} / {part['max']:g}{said}"


class OnlyTheJudge(NbGraderPreprocessor):
    """Drops what a notebook printed once hidden cases had been dealt: it may have printed them.

    The instructor keeps it in the autograded notebook.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        mark = cell.metadata.get(MARK, {})
        if cell.cell_type != "code" or not mark.get("dealt"):
            return cell, resources
        errors = [name_of_error(o.ename) for o in cell.outputs if o.output_type == "error"]
        cell.outputs = cell.outputs[: mark.get("judge", 0)]
        for name in errors:
            cell.outputs.append(new_output("stream", name="stdout", text=f"stopped with {name}\n"))
        return cell, resources
