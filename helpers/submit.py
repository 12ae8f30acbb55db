"""The submission: one zip with the notebook and the trained model."""

import json
import re
import zipfile
from pathlib import Path

MAX_MODEL = 16 << 20


def bundle(notebook: str | Path, model: str | Path = "model.onnx", student: str = "") -> str:
    """Writes `<student>_<notebook>.zip` beside the notebook and says what is in it.

    Args:
        notebook: the saved notebook.
        model: the exported network; without one, the zip holds the notebook alone.
        student: your id, as your instructor knows it: letters, digits, '.', '-'.

    Returns:
        A sentence for each thing that was packed or is missing. Faults come as sentences too, so
        that the cell that calls it never stops the notebook.
    """
    notebook, model = Path(notebook), Path(model)
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
    if not model.exists():
        said.append(f"- no {model.name}: question 7 gets no points. Train, export, run this again.")
    elif model.stat().st_size > MAX_MODEL:
        said.append(
            f"- no {model.name}: it has {model.stat().st_size >> 20} MiB and 16 are allowed. "
            "Take a smaller WIDTH."
        )
    else:
        files.append(model)
        said.append(f"- {model.name} ({model.stat().st_size / 2**20:.1f} MiB)")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return "\n".join(said)


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
