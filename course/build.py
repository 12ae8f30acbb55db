"""Derive every notebook from its text: course/source/*.py and assignments/text/*.py.

    python course/build.py               write them all
    python course/build.py --keep-work   the same, but leave notebooks that somebody has worked in
    python course/build.py --check       write nothing; name the first difference and fail
    python course/build.py --solved      with solutions and `test` cells, into build/solved

Lessons 00 to 03 become course/NN_name.ipynb, those from 04 on course/pytorch/ and course/keras/,
each with the cells of its track. Assignments keep their solutions: nbgrader cuts those.
"""

import argparse
import hashlib
import json
import math
import re
import sys
from pathlib import Path

import jupytext

if __package__:  # course.build
    from course import launch
else:
    import launch

ROOT = Path(__file__).resolve().parent.parent
TRACKS = {"pytorch": "torch", "keras": "keras"}  # folder: tag
NAMES = {"pytorch": "PyTorch", "keras": "Keras"}
FIRST_WITH_TRACKS = 4
SOLUTION = re.compile(r"^( *)# BEGIN SOLUTION\n.*?# END SOLUTION *$", re.DOTALL | re.MULTILINE)
KEPT_METADATA = ("nbgrader", "editable", "deletable", "jupyter", "cellView")
# what gives an answer away: quizzes, checks, target pictures; references, unless it is the stub
FOLDED = re.compile(r"^(quiz|exercise)\(|\balt=", re.MULTILINE)
REFERENCE = re.compile(r"^(def|class) ", re.MULTILINE)
STUB = re.compile(r"# (your code here|BEGIN SOLUTION)")


def texts() -> list[Path]:
    """The texts of the lessons, in order."""
    return sorted((ROOT / "course/source").glob("[0-9][0-9]_*.py"))


def tracks(text: Path) -> list[str | None]:
    """The tracks that a lesson is derived for; [None] where it is for both."""
    return list(TRACKS) if int(text.name[:2]) >= FIRST_WITH_TRACKS else [None]


def target(text: Path, track: str | None) -> Path:
    """Where a lesson's notebook lies, relative to the repository."""
    return Path("course", track or "", f"{text.stem}.ipynb")


def lessons() -> dict[Path, tuple[Path, str | None]]:
    """Every lesson's notebook by its path in the repository: its text and its track."""
    return {target(text, track): (text, track) for text in texts() for track in tracks(text)}


def lesson(text: Path, track: str | None, solved: bool = False) -> dict:
    """The notebook of one lesson: `track` is a key of TRACKS, or None for the lessons of both.
    `solved` keeps the solutions and the cells tagged `test`."""
    unwanted = {tag for folder, tag in TRACKS.items() if folder != track}
    if not solved:
        unwanted.add("test")
    cells = [cell for cell in read(text) if not unwanted & set(cell["metadata"].get("tags", []))]
    if not solved:
        for cell in cells:
            cell["source"] = SOLUTION.sub(r"\1...  # your code here", cell["source"])
    fold(cells)
    where = target(text, track)
    cells[1:1] = [markdown(header_table(where, track)), fetch_cell(where)]
    return notebook([markdown(launch_row(where, track)), *cells], salt=where.as_posix())


def fold(cells: list[dict]) -> None:
    """Folds the code under Exercises and Quiz that the student runs but should not read yet."""
    within = False
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for section in re.findall(r"^## (.*)", cell["source"], re.MULTILINE):
                within = section.strip() in ("Exercises", "Quiz")
        elif within and (
            FOLDED.search(cell["source"])
            or (REFERENCE.search(cell["source"]) and not STUB.search(cell["source"]))
        ):
            cell["metadata"]["jupyter"] = {"source_hidden": True}


def assignment(text: Path) -> dict:
    """The source notebook of one nbgrader assignment, solutions and all."""
    cells = read(text)
    for cell in cells:
        if "nbgrader" in cell["metadata"]:
            given = cell["metadata"]["nbgrader"]
            cell["metadata"]["nbgrader"] = {"schema_version": 3, "task": False, **given}
    return notebook(cells, salt=text.stem)


def read(text: Path) -> list[dict]:
    """The cells of a text: cell_type, source, metadata."""
    return jupytext.reads(text.read_text("utf-8"), fmt="py:percent")["cells"]


def markdown(source: str) -> dict:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def launch_row(where: Path, track: str | None) -> str:
    """Links that open this notebook elsewhere, and the same lesson in the other track."""
    places = [f"[{name}]({address})" for name, address in launch.links(where).items()]
    row = "**Open in** " + " · ".join(places)
    for other in TRACKS:
        if track and other != track:
            row += f" — the same lesson in [{NAMES[other]}](../{other}/{where.name})"
    return row


def fetch_cell(where: Path) -> dict:
    """The folded cell that fetches the course in Colab; its tag is for those who leave it out."""
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form", "tags": ["colab"]}
    return {"cell_type": "code", "source": launch.fetch(where), "metadata": folded}


def header_table(where: Path, track: str | None) -> str:
    """What the lesson needs, as last measured by `make notebooks-run`."""
    measured = json.loads((ROOT / "course/measured.json").read_text()).get(where.as_posix())
    time, memory = "not measured yet", "not measured yet"
    if measured:
        half_minutes = math.ceil(measured["seconds"] / 30)
        time = "under a minute" if half_minutes <= 2 else f"{half_minutes / 2:g} minutes"
        memory = f"{math.ceil(measured['peak_mib'] / 50) * 50} MiB"
    return (
        "| Runs in, on one core | Peak memory | Needs |\n|---|---|---|\n"
        f"| {time} | {memory} | {NAMES.get(track, 'NumPy only')} |"
    )


def notebook(cells: list[dict], salt: str) -> dict:
    """Cells as a notebook without outputs. Ids follow from the text, so that they stay the same
    from one derivation to the next and a change to one cell leaves the others alone."""
    seen: dict[str, int] = {}
    done = []
    for cell in cells:
        key = f"{salt}\n{cell['cell_type']}\n{cell['source']}"
        seen[key] = seen.get(key, 0) + 1
        new = {
            "cell_type": cell["cell_type"],
            "id": hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:12],
            "metadata": {k: v for k, v in cell["metadata"].items() if k in KEPT_METADATA},
            "source": cell["source"].splitlines(keepends=True),
        }
        tags = [t for t in cell["metadata"].get("tags", []) if t not in TRACKS.values()]
        if tags:
            new["metadata"]["tags"] = tags
        if cell["cell_type"] == "code":
            new |= {"execution_count": None, "outputs": []}
        done.append(new)
    return {
        "cells": done,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def derive(solved: bool = False) -> dict[Path, dict]:
    """Every notebook by its path in the repository. `solved`: the lessons alone, solved."""
    made = {where: lesson(*origin, solved) for where, origin in lessons().items()}
    if solved:
        return made
    assignments = {
        Path("assignments/source", text.stem, f"{text.stem}.ipynb"): assignment(text)
        for text in sorted((ROOT / "assignments/text").glob("*.py"))
    }
    return made | assignments


def to_text(made: dict) -> str:
    """The bytes of a notebook, the same at each derivation."""
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def worked_in(path: Path) -> bool:
    """Whether somebody has opened and saved this notebook: Jupyter notes the kernel's version."""
    try:
        there = json.loads(path.read_text("utf-8"))
        return there["metadata"]["language_info"] != {"name": "python"}
    except FileNotFoundError:
        return False
    except (KeyError, ValueError):
        return True


def difference(where: Path, made: dict) -> str | None:
    """The first place where the notebook on disk is not what its text gives, in words."""
    try:
        text = (ROOT / where).read_text("utf-8")
    except FileNotFoundError:
        return f"{where} is missing"
    if text == to_text(made):
        return None
    there = json.loads(text)
    if len(there["cells"]) != len(made["cells"]):
        return f"{where} has {len(there['cells'])} cells, its text gives {len(made['cells'])}"
    for n, (old, new) in enumerate(zip(there["cells"], made["cells"], strict=True)):
        for key in ("cell_type", "source", "metadata", "id", "outputs", "execution_count"):
            if old.get(key) != new.get(key):
                return f"{where}, cell {n}: {key} is not what its text gives"
    return f"{where} is not what its text gives"


def check(notebooks: dict[Path, dict]) -> str | None:
    """The first difference between what is on disk and what the texts give, or None."""
    for where, made in notebooks.items():
        if found := difference(where, made):
            return found
    for path in sorted((ROOT / "course").rglob("[0-9][0-9]_*.ipynb")):
        where = path.relative_to(ROOT)
        if where not in notebooks and ".ipynb_checkpoints" not in where.parts:
            return f"{where} has no text in course/source"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Derive the notebooks from their texts.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing, name a difference")
    how.add_argument("--keep-work", action="store_true", help="leave notebooks that were worked in")
    how.add_argument("--solved", action="store_true", help="with solutions, into build/solved")
    asked = parser.parse_args()
    notebooks = derive(asked.solved)
    if asked.check:
        found = check(notebooks)
        sys.exit(f"{found}. Run `make notebooks` and commit." if found else 0)
    base = ROOT / "build/solved" if asked.solved else ROOT
    for where, made in notebooks.items():
        path, text = base / where, to_text(made)
        if path.exists() and path.read_text("utf-8") == text:
            continue
        if asked.keep_work and worked_in(path):
            print(f"kept {where}: it was worked in. Delete it to get the course's own.")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
