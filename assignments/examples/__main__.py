"""Submissions to try the grader on, kept as small patches on the solution.

    python -m assignments.examples build    packs them as zips into build/inbox, as an LMS would
    python -m assignments.examples train    runs each notebook at its student's desk, which trains
                                            its network and writes its model.onnx (3 minutes each)

A folder here is a student. answer.patch changes assignments/text/lyft_unet.py, solution and all,
into what the student wrote; a folder without a patch hands in the notebook as it was released.
"""

import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from course import build
from grader.settings import course_folder

HERE = Path(__file__).resolve().parent
NAME = "lyft_unet"
TEXT = HERE.parent / "text" / f"{NAME}.py"


def students() -> list[str]:
    """Who handed something in, in order."""
    return sorted(path.name for path in HERE.iterdir() if (path / "README.md").exists())


def submission(student: str) -> nbformat.NotebookNode | None:
    """What the student made of the notebook, or None for one who changed nothing."""
    patch = HERE / student / "answer.patch"
    if not patch.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, TEXT.name)
        shutil.copyfile(TEXT, text)
        run = subprocess.run(
            ["git", "apply", str(patch)],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise RuntimeError(
                f"{student}/answer.patch does not fit {TEXT.name} any more; edit it. {run.stderr}"
            )
        notebook = nbformat.reads(json.dumps(build.assignment(text)), as_version=4)
    for cell in notebook.cells:
        lines = cell.source.split("\n")
        cell.source = "\n".join(
            line for line in lines if "### " not in line or "SOLUTION" not in line
        )
    return notebook


def pack(inbox: Path, released: Path) -> list[Path]:
    """Writes one zip per student: the notebook, marked as it was released, and the model.

    Args:
        inbox: where the zips go; emptied first.
        released: the notebook that students were given.
    """
    shutil.rmtree(inbox, ignore_errors=True)
    inbox.mkdir(parents=True)
    original = nbformat.read(released, as_version=4)
    marks = {
        c.metadata.nbgrader.grade_id: c.metadata for c in original.cells if "nbgrader" in c.metadata
    }
    written = []
    for student in students():
        notebook = submission(student) or copy.deepcopy(original)
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata = marks[cell.metadata.nbgrader.grade_id]
        path = inbox / f"{student}_{NAME}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{NAME}.ipynb", json.dumps(notebook, indent=1))
            if (model := HERE / student / "model.onnx").exists():
                archive.write(model, model.name)
        written.append(path)
    return written


def train(student: str) -> None:
    """Runs the student's notebook from top to bottom, as at a desk, and keeps its model.onnx."""
    notebook = submission(student)
    if notebook is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPATH"] = str(HERE.parent.parent)
        os.environ["OMP_NUM_THREADS"] = "1"
        client = NotebookClient(
            notebook, timeout=3600, resources={"metadata": {"path": folder}}, allow_errors=True
        )
        client.execute()
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                if output.output_type == "error":
                    print(f"{student}: {output.ename}: {output.evalue}", file=sys.stderr)
                elif output.get("name") == "stdout":
                    print(f"{student}: {output.text.rstrip()}")
        if (model := Path(folder, "model.onnx")).exists():
            shutil.copyfile(model, HERE / student / model.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["build", "train"])
    parser.add_argument("students", nargs="*", help="whom to train for; all, if nobody is named")
    parser.add_argument("--inbox", type=Path, default=Path("build/inbox"))
    given = parser.parse_args()
    if given.verb == "train":
        for student in given.students or students():
            train(student)
        return
    released = course_folder() / "release" / NAME / f"{NAME}.ipynb"
    if not released.exists():
        sys.exit(f"{released} is missing. Run `python -m grader release {NAME}` first.")
    for path in pack(given.inbox, released):
        print(path)


if __name__ == "__main__":
    main()
