"""Reading what students hand in. Nothing here trusts a byte of it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

MAX_NOTEBOOK = 20 << 20
MAX_CELLS = 1000
MAX_TEXT = 20_000
"""Letters in a text cell, and 10 times as many in all of them: to lay out nonsense takes time that
grows with the square of its length."""
PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8"}
"""The kinds of pictures that are kept, and how their bytes begin."""
MARK = "pixelwise"
"""Our key in the metadata: of a notebook, `problem`, why there is nothing to run; of a cell,
`judge`, how many of its outputs are the judge's, and `dealt`, whether hidden cases had been dealt
by then."""


class Unreadable(ValueError):
    """It is not a notebook; the message tells the student what is wrong and what to do."""


def read_notebook(text: str | bytes, name: str) -> NotebookNode:
    """Read a submitted notebook and build it anew from what grading needs.

    Kept are the cells' types, sources, pasted pictures and nbgrader's metadata; outputs and
    everything else are left behind, so that whatever follows works on a valid notebook.

    Raises:
        Unreadable: it is not a notebook; `name` stands in the message.
    """
    if len(text) > MAX_NOTEBOOK:
        raise Unreadable(
            f"{name} has more than {MAX_NOTEBOOK >> 20} MB. Clear its outputs (Kernel > Restart "
            "and Clear Outputs), save, and submit again."
        )
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        if (count := text.count('"cell_type"')) > MAX_CELLS:
            raise Unreadable(
                f"{name} has {count} cells; at most {MAX_CELLS} are read. Start from a fresh copy."
            )
        notebook = nbformat.reads(text, as_version=4)
        cells = [_cell(cell) for cell in notebook["cells"]]
    except Unreadable:
        raise
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"{name} is not a notebook: byte {error.start} is not text. Submit the .ipynb file "
            "that Jupyter saves, not a zip or a PDF under its name."
        ) from None
    except nbformat.reader.NotJSONError as error:
        place = getattr(error.__cause__ or error.__context__, "pos", 0)
        raise Unreadable(
            f"{name} is not a notebook, or it was cut off: reading stopped at character {place} of "
            f"{len(text)}. Open it in Jupyter, save it, and submit again."
        ) from None
    except Exception as error:
        raise Unreadable(
            f"{name} is not a notebook that Jupyter can open ({type(error).__name__}). Open it in "
            "Jupyter, save it, and submit again."
        ) from None
    left = 10 * MAX_TEXT
    for cell in cells:
        if cell.cell_type != "code":
            cell.source = shortened(cell.source, min(left, MAX_TEXT))
            left -= len(cell.source)
    metadata: dict[str, Any] = {}
    if problem(notebook):
        metadata[MARK] = {"problem": problem(notebook)}
    return new_notebook(cells=cells, metadata=metadata)


def _cell(cell: Any) -> NotebookNode:
    source = cell.get("source", "")
    source = whole("".join(map(str, source)) if isinstance(source, list) else str(source))
    make = {"code": new_code_cell, "markdown": new_markdown_cell}.get(
        cell["cell_type"], new_raw_cell
    )
    made = make(source=source)
    nbgrader = cell.get("metadata", {}).get("nbgrader")
    if isinstance(nbgrader, dict):
        made.metadata["nbgrader"] = nbgrader
    if cell["cell_type"] == "markdown" and isinstance(cell.get("attachments"), dict):
        made["attachments"] = {
            whole(str(name)): found
            for name, data in cell["attachments"].items()
            if isinstance(data, dict) and (found := dict(_pictures(data)))
        }
    return made


def _pictures(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, begin in PICTURES.items():
        try:
            picture = base64.b64decode(data[kind])
        except (KeyError, TypeError, ValueError):
            continue
        if picture.startswith(begin):
            yield kind, base64.b64encode(picture).decode()


def shortened(text: str, most: int) -> str:
    """The text, or its beginning, without pictures that are pasted in as letters."""
    if len(text) <= most:
        return text
    text = re.sub(r"data:image/\w+;base64,[A-Za-z0-9+/=]*", "", text)
    return text if len(text) <= most else f"{text[: max(most, 0)]} … *(cut off here)*"


def whole(text: str) -> str:
    """The text without halves of letters, which JSON can hold and no file can."""
    return text.encode("utf-8", "replace").decode()


def printable(text: str) -> str:
    """The text on one line, without what a terminal or a page would obey."""
    text = " ".join(text.split())
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def placeholder(sentence: str) -> NotebookNode:
    """A notebook that stands where none could be read, so that the student does not vanish."""
    # With an id of ours: the same sentence is the same file, and is not graded twice.
    cell = new_markdown_cell(f"**There is nothing to grade.** {sentence}", id="nothing-to-grade")
    return new_notebook(cells=[cell], metadata={MARK: {"problem": sentence}})


def problem(notebook: NotebookNode) -> str:
    """Why there is nothing to grade in this notebook, or an empty string."""
    note = notebook.get("metadata", {}).get(MARK)
    said = note.get("problem") if isinstance(note, dict) else None
    return printable(said[:500]) if isinstance(said, str) else ""


def fingerprint(folder: Path) -> str:
    """Tells one submission of a student from the next: a hash of its files' names and bytes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            digest.update(json.dumps(str(path.relative_to(folder))).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
