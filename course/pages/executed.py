"""Executed notebooks, kept in build/executed until their code or what they read changes.

A notebook of the site is the student's copy, run without a network; its widgets are pages of
their own. The text around the code may change without a new run.
"""

import hashlib
from functools import cache
from pathlib import Path

import nbformat

from build import ROOT, to_text
from run import execute

KEPT = ROOT / "build/executed"
# what the code of a lesson reads
READ = ("helpers", "course/results", "course/twins")
SUFFIXES = {".py", ".js", ".css", ".json", ".npz"}


def executed(where: Path, notebook: dict) -> tuple[nbformat.NotebookNode, list[str]]:
    """The notebook with its outputs, from an earlier run if there is one, and where it stopped.

    Args:
        where: its place in the repository; it runs in that folder.
        notebook: as build.lesson makes it, without outputs.
    """
    made = for_reading(notebook)
    path = kept(where, notebook)
    if not path.exists():
        faults = execute(made, (ROOT / where).parent, PIXELWISE_WIDGETS="html")[2]
        if faults:
            return made, faults
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob(f"{where.parent.name}-{where.stem}-*.ipynb"):
            old.unlink()
        nbformat.write(made, path)
        return made, []
    ran = nbformat.read(path, as_version=4)
    for cell, before in zip(code_cells(made), code_cells(ran), strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    if "widgets" in ran.metadata:
        made.metadata.widgets = ran.metadata.widgets
    return made, []


def kept(where: Path, notebook: dict) -> Path:
    """Where the executed notebook is kept, or will be: the name says what the outputs depend on,
    the code and all that it reads."""
    code = "\n\0".join(cell.source for cell in code_cells(for_reading(notebook)))
    key = hashlib.sha256(f"{read_by_lessons()}\0{code}".encode()).hexdigest()[:12]
    return KEPT / f"{where.parent.name}-{where.stem}-{key}.ipynb"


def for_reading(notebook: dict) -> nbformat.NotebookNode:
    """The notebook without what only Colab needs."""
    made = nbformat.reads(to_text(notebook), as_version=4)
    made.cells = [cell for cell in made.cells if "colab" not in cell.metadata.get("tags", [])]
    return made


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells that have outputs."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@cache
def read_by_lessons() -> str:
    """One hash of the helpers and of the files that lessons open."""
    digest = hashlib.sha256()
    for folder in READ:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
