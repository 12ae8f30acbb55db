"""The submission: one zip with the notebook and, where one is asked for, the trained model."""

import json
import re
import zipfile
from pathlib import Path

MAX_MODEL = 16 << 20


def bundle(notebook: str | Path, model: str | Path | None = None, student: str = "") -> str:
    """Writes `<student>_<notebook>.zip` beside the notebook and says what is in it.

    Args:
        notebook: the saved notebook.
        model: the exported network, where the assignment asks for one.
        student: your id, as your instructor knows it: letters, digits, '.', '-'.

    Returns:
        A sentence for each thing that was packed or is missing. Faults come as sentences too, so
        that the cell that calls it never stops the notebook.
    """
    notebook = Path(notebook)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", student):
        return (
            "Nothing was written yet: set STUDENT to your id (letters, digits, '.' and '-'), so "
            "that the grade finds you."
        )
    fault = _notebook_fault(notebook)
    if fault:
        return f"Nothing was written: {fault}"
    path = notebook.with_name(f"{student}_{notebook.stem}.zip")
    files, said = [notebook], [f"{path.name} is written. Hand in this file. In it:"]
    said.append(f"- {notebook.name}")
    if model is not None:
        fault = _model_fault(Path(model))
        if fault is None:
            files.append(Path(model))
        said.append(fault or f"- {model} ({Path(model).stat().st_size / 2**20:.1f} MiB)")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return "\n".join(said)


def _model_fault(path: Path) -> str | None:
    if not path.exists():
        return (
            f"- no {path.name}: the question of the trained network gets no points. Train, export, "
            "run this again."
        )
    if path.stat().st_size > MAX_MODEL:
        return (
            f"- no {path.name}: it has {path.stat().st_size >> 20} MiB and {MAX_MODEL >> 20} are "
            "allowed. Take a smaller WIDTH."
        )
    return None


def _notebook_fault(path: Path) -> str | None:
    if not path.exists():
        return f"there is no {path.name} in {Path.cwd().name}/. Is that the notebook's name?"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        return f"{path.name} is not a notebook. Save it in Jupyter and try again."
    names = {cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") for cell in cells}
    if names <= {None}:
        return (
            f"{path.name} has lost the marks of its questions (some editors drop them). Open the "
            "notebook that you were given, copy your answers into it, and hand in that one."
        )
    return None
