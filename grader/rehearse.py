"""Judges the code of a notebook as grading does, in the sandbox, without nbgrader and gradebook."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from grader import sandbox
from grader.checks import assignment
from grader.execute import JudgeProcess
from grader.outcomes import Outcome, Run, decide, read_ledger
from grader.run_folder import run_folder

SOLUTION = re.compile(
    r"^(?P<indent> *)### BEGIN SOLUTION\n(?P<body>.*?)### END SOLUTION *$", re.DOTALL | re.MULTILINE
)
"""A solution in an assignment's cell, from one mark to the other."""


class RehearsalFailed(RuntimeError):
    """The code stopped, or the judge did; the message holds its last words."""


def code_of(notebook: Path, blank: bool = False, framework: str = "pytorch") -> str:
    """The code of an assignment's source notebook, solved, or as students get it.

    Raises FileNotFoundError when the notebook was not derived yet.
    """
    cells = [c.source for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code"]
    if blank:
        cells = [SOLUTION.sub(r"\g<indent>...", source) for source in cells]
    return "\n\n".join(cells).replace('FRAMEWORK = "pytorch"', f'FRAMEWORK = "{framework}"')


def rehearse(name: str, code: str, model: Path | None = None) -> dict[str, Outcome]:
    """Question → outcome, after the code ran before the judge of an assignment.

    Args:
        name: the assignment.
        code: what the notebook's cells hold; it meets the files that students get in grading.
        model: what is handed in as model.onnx.

    Raises:
        RehearsalFailed: the code or the judge stopped.
        SandboxUnavailable: this machine has no sandbox.
    """
    with run_folder() as run:
        submission = run / "submission"
        sandbox.prepare(run)
        (run / "work" / "answers.py").write_text(code, "utf-8")
        submission.mkdir()
        if model:
            shutil.copyfile(model, submission / "model.onnx")
        judge = JudgeProcess(run, name, submission, True)
        try:
            judge.wait_until_ready()
            env = sandbox.environment(run, PIXELWISE_JUDGE=str(run / "k" / "judge.sock"))
            program = sandbox.command([sys.executable, "answers.py"], run, env)
            done = subprocess.run(program, cwd="/", capture_output=True, text=True)
        finally:
            failed = judge.finish()
        if done.returncode or failed:
            raise RehearsalFailed(f"{name}: {failed or done.stderr[-500:]}")
        told = Run(read_ledger(judge.ledger))
    return {
        question: decide(question, asked.points, told, None)
        for question, asked in assignment(name).items()
    }
