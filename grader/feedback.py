"""What a student reads under each question: points part by part, the fault, where to read on."""

import textwrap
from typing import Any

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.checks import Question
from grader.outcomes import Outcome
from grader.submissions import MARK
from grader.told import name_of_error

WIDTH = 96
"""Letters in a line; a page of feedback need not be scrolled sideways."""


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


class _Compiled(BytecodeCache):
    """Compiled templates, in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = _Compiled()


class FeedbackPage(HTMLExporter):
    """nbconvert's pages; their templates are compiled once in a process, not for each student."""

    def _create_environment(self) -> Environment:
        environment = super()._create_environment()
        environment.bytecode_cache = COMPILED
        return environment
