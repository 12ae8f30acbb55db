"""The same submissions for every grader: two functions in a notebook that may import a framework.

Ours asks through `check`; nbgrader and otter-grader run asserts on the same functions, as their
manuals show. All three get the same two cases' worth of work from a student's code.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from tests.grader.classroom import mark

ROOT = Path(__file__).resolve().parents[2]
NAME = "masks_and_metrics"
IMPORTS = {"NumPy": "", "PyTorch": "import torch\n", "TensorFlow": "import tensorflow as tf\n"}
POINTS = {"to_ids": 8, "confusion": 12}

SOLUTIONS = {
    "to_ids": """def to_ids(picture, palette):
    ### BEGIN SOLUTION
    mask = np.full(picture.shape[:2], 255, np.uint8)
    for k, colour in enumerate(palette):
        mask[(picture == colour).all(-1)] = k
    return mask
    ### END SOLUTION""",
    "confusion": """def confusion(truth, prediction, classes):
    ### BEGIN SOLUTION
    counted = truth != 255
    pairs = truth[counted].astype(int) * classes + prediction[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    ### END SOLUTION""",
}
TESTS = {
    "to_ids": """palette = np.array([[0, 0, 0], [9, 8, 7], [1, 2, 3]], np.uint8)
ids = np.random.default_rng(0).integers(0, 3, (30, 40))
assert np.array_equal(to_ids(palette[ids], palette), ids)""",
    "confusion": """truth, prediction = np.random.default_rng(0).integers(0, 5, (2, 30, 40))
expected = np.zeros((5, 5), int)
np.add.at(expected, (truth.ravel(), prediction.ravel()), 1)
assert np.array_equal(confusion(truth, prediction, 5), expected)""",
}
OTTER = """OK_FORMAT = True
test = {{"name": "{name}", "points": {points}, "suites": [{{"cases": [{{"code": {code!r},
    "hidden": False, "locked": False}}], "scored": True, "setup": "", "teardown": "",
    "type": "doctest"}}]}}
"""


def ours(root: Path, students: int, imports: str = "NumPy") -> dict[str, str]:
    """A released course of ours with submissions in `root`; the environment to grade it in."""
    source = root / "assignments" / "source" / NAME
    source.mkdir(parents=True)
    tests = {name: f'check("{name}", {name})' for name in TESTS}
    first = f"{IMPORTS[imports]}import numpy as np\nfrom helpers.check import check"
    nbformat.write(assignment(first, tests), source / f"{NAME}.ipynb")
    shutil.copyfile(
        ROOT / "assignments/nbgrader_config.py", root / "assignments/nbgrader_config.py"
    )
    course = root / "run" / "course"
    environment = os.environ | {"PIXELWISE_COURSE": str(course), "PYTHONPATH": str(ROOT)}
    release = "import sys, pathlib; from grader.course import Course\n"
    release += "Course(pathlib.Path(sys.argv[1])).release(sys.argv[2])"
    run([sys.executable, "-c", release, str(root / "assignments"), NAME], root, environment)
    hand_in(course / "release" / NAME / f"{NAME}.ipynb", course / "submitted", students)
    return environment


def stock(root: Path, students: int, imports: str = "NumPy") -> dict[str, str]:
    """The same for nbgrader as it is installed; its commands run in `root`."""
    source = root / "source" / NAME
    source.mkdir(parents=True)
    hidden = {
        name: f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
        for name, test in TESTS.items()
    }
    first = f"{IMPORTS[imports]}import numpy as np"
    nbformat.write(assignment(first, hidden), source / f"{NAME}.ipynb")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    run([sys.executable, "-m", "nbgrader", "generate_assignment", NAME], root, environment)
    hand_in(root / "release" / NAME / f"{NAME}.ipynb", root / "submitted", students)
    return environment


def otter(root: Path, students: int, imports: str = "NumPy") -> dict[str, str]:
    """The same for otter-grader: autograder.zip, and notebooks in `root`/submitted."""
    (root / "submitted").mkdir(parents=True)
    with zipfile.ZipFile(root / "autograder.zip", "w") as archive:
        archive.writestr("otter_config.json", '{"pdf": false, "show_all_public": true}')
        for name, test in TESTS.items():
            code = "".join(f">>> {line}\n" for line in test.splitlines())
            text = OTTER.format(name=name, points=POINTS[name], code=code)
            archive.writestr(f"tests/{name}.py", text)
    cells = [f"{IMPORTS[imports]}import numpy as np\nimport otter\ngrader = otter.Notebook()"]
    for name in TESTS:
        cells += [SOLUTIONS[name], f'grader.check("{name}")']
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[*map(new_code_cell, cells)], metadata={"kernelspec": kernel})
    for number in range(students):
        nbformat.write(notebook, root / "submitted" / f"student{number:04}.ipynb")
    return dict(os.environ)


def assignment(first: str, tests: dict[str, str]) -> NotebookNode:
    """The instructor's notebook: a first cell, and for each question its solution and its test."""
    cells = [new_code_cell(first)]
    for name, test in tests.items():
        answer = mark(f"{name}_answer", solution=True)
        cells.append(new_code_cell(SOLUTIONS[name], metadata=answer))
        graded = mark(name, grade=True, locked=True, points=POINTS[name])
        cells.append(new_code_cell(test, metadata=graded))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def hand_in(released: Path, submitted: Path, students: int) -> None:
    """The released notebook with the solutions, from everybody."""
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("_answer")
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = SOLUTIONS[name]
    for number in range(students):
        folder = submitted / f"student{number:04}" / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")


def run(
    command: list[str], folder: Path, environment: dict[str, str] | None, cores: int = 0
) -> None:
    """Runs a command to its end, on the first `cores` cores (0: on all). Raises RuntimeError."""
    done = subprocess.run(
        ["taskset", "-c", f"0-{cores - 1}", *command] if cores else command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr + done.stdout)[-2000:]}")
