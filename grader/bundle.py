"""What students get of an assignment: a zip for a learning platform, and a notebook for Kaggle.

Both hold the notebook and the helpers, with the public cases of this assignment; neither holds the
grader, a solution or the seed. `leaks` looks for that, `stops` runs
them as a student would.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

from grader.rehearse import SOLUTION
from grader.settings import REPOSITORY, settings
from helpers import carry

START = """\
1. Unpack this folder and open a terminal in it.
2. pip install "jupyterlab>=4.2" numpy pillow matplotlib ipywidgets anywidget onnx onnxruntime tqdm
   and, where the assignment asks for a framework, torch or tensorflow.
3. jupyter lab {name}.ipynb
"""


def make(released: Path, target: Path) -> list[Path]:
    """Makes both bundles of a released notebook; the files that were written."""
    name = released.stem
    target.mkdir(parents=True, exist_ok=True)
    packed = target / f"{name}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(released, f"{name}/{released.name}")
        archive.writestr(f"{name}/START.txt", START.format(name=name))
        for inside, path in helper_files(name).items():
            archive.write(path, f"{name}/{inside}")
    folder = target / f"{name}-kaggle"
    folder.mkdir(exist_ok=True)
    notebook = folder / released.name
    nbformat.write(for_kaggle(nbformat.read(released, as_version=4), name), notebook)
    metadata = folder / "kernel-metadata.json"
    title = f"Pixelwise {name.replace('_', ' ')}"
    lyft = settings().data == "lyft"
    told = carry.kernel_metadata("INSERT_KAGGLE_NAME", title, released.name, lyft)
    metadata.write_text(json.dumps(told, indent=1) + "\n")
    return [packed, notebook, metadata]


def helper_files(name: str) -> dict[str, Path]:
    """The helpers that students get: of the public cases those of this assignment alone."""
    cases = REPOSITORY.glob(f"helpers/cases/{name}.bin")
    own = {path.relative_to(REPOSITORY).as_posix(): path for path in cases}
    return carry.helper_files() | own


def for_kaggle(notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook with a first cell that holds the helpers: Kaggle has no pip and no internet."""
    files = helper_files(name)
    if any("keras" in cell.source for cell in notebook.cells) and find_spec("tf2onnx"):
        files |= carry.tf2onnx()
    notebook.cells.insert(1, new_code_cell(carry.unpacking(files), metadata=carry.FOLDED))
    return notebook


def leaks(source: Path, made: list[Path]) -> list[str]:
    """What no student may have, and a bundle has: a solution, the grader, the seed."""
    packed, kaggle = made[0], made[1]
    found = []
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name) for name in names}
    found += [f"{packed.name} holds {n}" for n in names if "/grader/" in n or "/assignments/" in n]
    (inside,) = [name for name in names if name.endswith(".ipynb")]
    for line in solution_lines(source):
        for where, text in ((inside, texts[inside]), (kaggle.name, kaggle.read_bytes())):
            if json.dumps(line, ensure_ascii=False)[1:-1].encode() in text:
                found.append(f"{where} holds a line of the solution: {line}")
    seed = str(settings().seed).encode()
    found += [f"{name} holds the seed" for name, text in texts.items() if seed in text]
    return found


def stops(made: list[Path]) -> list[str]:
    """Runs both bundles as a student gets them, each in a folder of its own; what stopped them."""
    packed, kaggle = made[0], made[1]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)
        found += [
            f"{packed.name}: {fault}" for fault in _stops(next(Path(folder).glob("*/*.ipynb")))
        ]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, kaggle.name)
        copy.write_bytes(kaggle.read_bytes())
        found += [f"for Kaggle: {fault}" for fault in _stops(copy)]
    return found


def solution_lines(source: Path) -> set[str]:
    """The lines that stand in the solution alone, and long enough to be told apart."""
    cells = [cell.source for cell in nbformat.read(source, as_version=4).cells]
    solved = "\n".join(part["body"] for cell in cells for part in SOLUTION.finditer(cell))
    given = "\n".join(SOLUTION.sub("", cell) for cell in cells)
    lines = {line.strip() for line in solved.splitlines()}
    return {line for line in lines if len(line) > 20 and line not in given}


def _stops(notebook: Path) -> list[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PIXELWISE_JUDGE")}
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
    command += ["--output", "ran.ipynb", "--ExecutePreprocessor.timeout=600", notebook.name]
    done = subprocess.run(command, cwd=notebook.parent, env=env, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    return [f"it does not run to its end: {' '.join(done.stderr.split())[-300:]}"]
