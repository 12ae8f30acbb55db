"""What the grader's tests share: a classroom, and an instructor's day."""

import contextlib
import io
import json
import os
import subprocess
import sys
import zipfile

import nbformat
import pytest

from grader import cli
from tests.grader.classroom import opened


@pytest.fixture(scope="module")
def classroom(tmp_path_factory, sandboxed):
    """A course that is released and has no submissions yet; short time limits."""
    with opened(tmp_path_factory.mktemp("classroom")) as room:
        yield room


@pytest.fixture(scope="module")
def call(classroom):
    """Types a command of ours; gives the exit status and what was printed."""

    def run(*arguments: str, **environment: str) -> tuple[int, str]:
        said = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            typed = ["grader", *arguments, "--course", str(classroom.assignments)]
            patch.setattr(sys, "argv", typed)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                with pytest.raises(SystemExit) as stopped:
                    cli.main()
        return stopped.value.code, " ".join(said.getvalue().split())

    return run


@pytest.fixture(scope="module")
def day(request, tmp_path_factory, repo, sandboxed):
    """The folder of a course in which four students handed in, after an instructor's day.

    The module says NAME, the assignment, and CHANGES, what rosa has other than the solution. Ada
    hands in the solution, grace the same for Keras, and sam the notebook as it was released.
    """
    name = request.module.NAME
    course = tmp_path_factory.mktemp("day") / "course"
    inbox = course.parent / "inbox"
    inbox.mkdir()
    env = {**os.environ, "PIXELWISE_COURSE": str(course), "OMP_NUM_THREADS": "1"}

    def run(*words):
        done = subprocess.run([sys.executable, "-m", "grader", *words], cwd=repo, env=env,
                              capture_output=True, text=True, timeout=900)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    run("release", name, "--no-run")
    source = nbformat.read(repo / f"assignments/source/{name}/{name}.ipynb", as_version=4)
    solution = {
        c.metadata.nbgrader.grade_id: c.source for c in source.cells if "nbgrader" in c.metadata
    }
    for student in ("ada", "grace", "rosa", "sam"):
        notebook = nbformat.read(course / f"release/{name}/{name}.ipynb", as_version=4)
        for cell in notebook.cells if student != "sam" else ():
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = solution[cell.metadata.nbgrader.grade_id]
            if student == "grace":
                cell.source = cell.source.replace('FRAMEWORK = "pytorch"', 'FRAMEWORK = "keras"')
            for old, new in request.module.CHANGES.items() if student == "rosa" else ():
                cell.source = cell.source.replace(old, new)
        with zipfile.ZipFile(inbox / f"{student}_{name}.zip", "w") as archive:
            archive.writestr(f"{name}.ipynb", nbformat.writes(notebook))
    run("collect", name, str(inbox))
    run("grade", name)
    return course


@pytest.fixture(scope="module")
def grades(day):
    """Student → question → record."""
    found = {}
    for record in json.loads((day.parent / "grade.json").read_text()):
        found.setdefault(record["student"], {})[record["question"]] = record
    return found
