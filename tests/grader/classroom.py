"""A small course of real questions, with a real gradebook, in a folder of its own."""

import copy
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import nbformat
import psutil
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.collect import collect
from grader.course import Course
from grader.outcomes import Outcome
from grader.settings import REPOSITORY

NAME = "lyft_unet"

RIGHT = {
    "one_hot": "def one_hot(mask, classes):\n"
    "    return (mask[..., None] == np.arange(classes)).astype(np.float32)",
    "crop_flip": "def crop_flip(image, mask, top, left, height, width, flip):\n"
    "    pair = [x[top : top + height, left : left + width] for x in (image, mask)]\n"
    "    return tuple(x[:, ::-1] if flip else x for x in pair)",
}
RIGHT["analysis"] = "Poles are worst: they are thin."
# the last of a class: while it takes its time, a test has time to kill whom it wants
UNHURRIED = RIGHT | {"one_hot": "import time\ntime.sleep(3)\n" + RIGHT["one_hot"]}
POINTS = {"one_hot": 5, "crop_flip": 5}


@dataclass
class Classroom:
    """A released course, and the tools to hand in."""

    assignments: Path
    run: Path
    inbox: Path

    def course(self, **options) -> Course:
        return Course(self.assignments, **options)

    def notebook(self, answers: dict[str, str] = RIGHT, extra: str = "") -> NotebookNode:
        """The released notebook with answers; `extra` is a cell before the second question."""
        released = self.run / "release" / NAME / f"{NAME}.ipynb"
        notebook = nbformat.read(released, as_version=4)
        for cell in notebook.cells:
            marked = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            cell.source = answers.get(marked.removesuffix("_answer"), cell.source)
            if marked in POINTS:
                cell.source = f'check("{marked}", {marked})'
        if extra:
            first = next(i for i, cell in enumerate(notebook.cells) if "crop_flip(" in cell.source)
            notebook.cells.insert(first, new_code_cell(extra))
        return notebook

    def hand_in(self, student: str, notebook: NotebookNode, **files: bytes) -> Path:
        path = self.inbox / f"{student}_{NAME}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{NAME}.ipynb", nbformat.writes(notebook))
            for name, data in files.items():
                archive.writestr(name.replace("__", "."), data)
        return path

    def collected(self) -> Course:
        """The course, after all that was handed in is collected."""
        course = self.course()
        collect(self.inbox, course.submitted, NAME, NAME)
        return course

    def take(self, student: str, notebook: NotebookNode, **files: bytes) -> Course:
        """Hands in and collects; gives the course."""
        self.hand_in(student, notebook, **files)
        return self.collected()

    def collect(self, answers: dict[str, dict[str, str]]) -> None:
        """Hands in for student → answers, and collects."""
        for student, given in answers.items():
            self.hand_in(student, self.notebook(answers=given))
        self.collected()

    def environment(self) -> dict[str, str]:
        """For commands: the course's folder, and grader on the path, as in the repository."""
        return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PIXELWISE_COURSE": str(self.run)}


def graded(course: Course, student: str) -> dict[str, Outcome]:
    """Question → outcome, graded anew."""
    course.grade(NAME, student)
    (found,) = [g for g in course.grades(NAME) if g.student == student]
    return {question.question: question for question in found.questions}


def started_by(folder: Path) -> list[psutil.Process]:
    """Processes that live, and whose variable STARTED_BY names a folder: they inherit it."""
    found = []
    for process in psutil.process_iter():
        try:
            started = process.environ().get("STARTED_BY") == str(folder)
            if started and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # it has ended by now
            continue
    return found


def command_of(process: psutil.Process) -> str:
    """What was called; nothing if it has ended by now."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def source_notebook() -> NotebookNode:
    """The instructor's version: two functions, the model, and a text that is marked by hand."""
    cells = [new_code_cell("import numpy as np\nfrom helpers.check import check")]
    for name, points in POINTS.items():
        head, body = RIGHT[name].split("\n", 1)
        solution = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        cells.append(new_code_cell(solution, metadata=mark(f"{name}_answer", solution=True)))
        graded = mark(name, grade=True, locked=True, points=points)
        cells.append(new_code_cell(f'check("{name}", {name})', metadata=graded))
    graded = mark("trained_model", grade=True, locked=True, points=25)
    cells.append(new_code_cell('check("trained_model", "model.onnx")', metadata=graded))
    graded = mark("analysis", grade=True, solution=True, points=10)
    text = "### BEGIN SOLUTION\nA good answer.\n### END SOLUTION"
    cells.append(new_markdown_cell(text, metadata=graded))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=copy.deepcopy(cells), metadata={"kernelspec": kernel})


def mark(name: str, **more: object) -> dict:
    """The metadata by which nbgrader knows a cell."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {**plain, "schema_version": 3, "grade_id": name, **more}}


@contextmanager
def opened(root: Path) -> Iterator[Classroom]:
    """A course that is released and has no submissions yet; short time limits."""
    room = Classroom(root / "assignments", root / "run" / "course", root / "inbox")
    (room.assignments / "source" / NAME).mkdir(parents=True)
    room.inbox.mkdir()
    nbformat.write(source_notebook(), room.assignments / "source" / NAME / f"{NAME}.ipynb")
    config = room.assignments / "nbgrader_config.py"
    shutil.copyfile(REPOSITORY / "assignments" / "nbgrader_config.py", config)
    with open(config, "a") as file:
        for limit in ("timeout = 6", "total_timeout = 15", "memory_mib = 800"):
            file.write(f"c.SandboxExecute.{limit}\n")
    with (
        patch.dict(os.environ, {"PIXELWISE_COURSE": str(room.run)}),
        patch.object(sys, "path", list(sys.path)),
    ):
        room.course().release(NAME)
        yield room
