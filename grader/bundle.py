"""What students get of an assignment: a zip for a learning platform, and a notebook for Kaggle.

Both hold the notebook and the helpers, with the public cases of this assignment; neither holds the
grader, a solution or the seed. `leaks` looks for that, `stops` runs
them as a student would.
"""

import base64
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

from grader.settings import REPOSITORY, settings

HELPERS = REPOSITORY / "helpers"
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
START = """\
1. Unpack this folder and open a terminal in it.
2. pip install "jupyterlab>=4.2" numpy pillow matplotlib ipywidgets anywidget onnx onnxruntime tqdm
   and, where the assignment asks for a framework, torch or tensorflow.
3. jupyter lab {name}.ipynb
"""
UNPACK = '''\
# The course's helpers travel inside this notebook. Run this cell first.
import base64, io, pathlib, sys, tarfile

CARRIED = """
{carried}
"""
with tarfile.open(fileobj=io.BytesIO(base64.b85decode("".join(CARRIED.split())))) as archive:
    archive.extractall("pixelwise", filter="data")
sys.path.insert(0, str(pathlib.Path("pixelwise").resolve()))
'''
DATA = "kumaresanmanickavelu/lyft-udacity-challenge"


def make(released: Path, target: Path) -> list[Path]:
    """Makes both bundles of a released notebook; the files that were written."""
    name = released.stem
    target.mkdir(parents=True, exist_ok=True)
    packed = target / f"{name}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(released, f"{name}/{released.name}")
        archive.writestr(f"{name}/START.txt", START.format(name=name))
        for path in helper_files(name):
            archive.write(path, f"{name}/{path.relative_to(REPOSITORY).as_posix()}")
    folder = target / f"{name}-kaggle"
    folder.mkdir(exist_ok=True)
    notebook = folder / released.name
    nbformat.write(for_kaggle(nbformat.read(released, as_version=4), name), notebook)
    metadata = folder / "kernel-metadata.json"
    metadata.write_text(json.dumps(kernel_metadata(name), indent=1) + "\n")
    return [packed, notebook, metadata]


def helper_files(name: str) -> Iterator[Path]:
    """The helpers that students get: of the public cases those of this assignment alone."""
    for path in sorted(HELPERS.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        if path.parent.name != "cases" or path.stem == name:
            yield path


def for_kaggle(notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook with a first cell that holds the helpers: Kaggle has no pip and no internet."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as archive:
        for path in helper_files(name):
            archive.add(path, path.relative_to(REPOSITORY).as_posix())
    text = base64.b85encode(file.getvalue()).decode()
    lines = "\n".join(text[i : i + 2000] for i in range(0, len(text), 2000))
    cell = new_code_cell(
        UNPACK.format(carried=lines), metadata={"jupyter": {"source_hidden": True}}
    )
    notebook.cells.insert(1, cell)
    return notebook


def kernel_metadata(name: str) -> dict:
    """What `kaggle kernels push` needs; the id begins with your own Kaggle name."""
    return {
        "id": f"INSERT_KAGGLE_NAME/pixelwise-{name.replace('_', '-')}",
        "title": f"Pixelwise {name.replace('_', ' ')}",
        "code_file": f"{name}.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": False,
        "enable_internet": False,
        "dataset_sources": [DATA] if settings().data == "lyft" else [],
    }


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
    solved = "\n".join(part for cell in cells for part in SOLUTION.findall(cell))
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
