"""Puts the pages together: templates around executed notebooks, one style, one script, search."""

import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from build import NAMES, ROOT
from launch import REPOSITORY
from pages.contents import Lesson, assignments, neighbours
from pages.markdown import Text
from pages.outputs import Outputs

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
UNCOLOURED = re.compile(r'<span class="(?:n|nn|o|p|w)">([^<]*)</span>')
FOR_OTHER_PAGES = ("pagefind-*ui.*", "pagefind-highlight.js")  # ours calls pagefind.js alone


def write(folder: Path, lessons: list[Lesson], notebooks: dict[str, NotebookNode]) -> None:
    """Writes the whole site.

    Args:
        folder: is replaced when all is well.
        notebooks: executed, by their page's path within the site.
    """
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for asset in (HERE / "site.css", HERE / "site.js", ROOT / "course/pictures/overview.jpg"):
        shutil.copy(asset, new)
    (new / ".nojekyll").touch()  # else GitHub Pages runs Jekyll over it
    anchors = {page: headings(made) for page, made in notebooks.items()}
    for number, lesson in enumerate(lessons):
        for track, page in lesson.pages.items():
            others = {t: p for t, p in lesson.pages.items() if t != track}
            shared = [anchors[p] for p in others.values()]
            body = article(notebooks[page], new, up(page), shared)
            around = neighbours(lessons, number, track)
            values = {"lesson": lesson, "track": track, **body, **around}
            put(new, page, "lesson.html.j2", lessons, **values)
    launch = Text().render(notebooks[next(iter(lessons[0].pages.values()))].cells[0].source)
    put(new, "index.html", "index.html.j2", lessons, launch=launch, assignments=assignments())
    index(new)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def put(folder: Path, page: str, template: str, lessons: list[Lesson], **values) -> None:
    """Writes one page from its template."""
    values = {"track": None, "up": up(page), "here": page, "lessons": lessons, **values}
    path = folder / page
    path.parent.mkdir(exist_ok=True)
    made = TEMPLATES.get_template(template)
    path.write_text(made.render(names=NAMES, repository=REPOSITORY, **values), "utf-8")


def up(page: str) -> str:
    """The way from a page to the first folder of the site: '' or '../'."""
    return "../" * (len(PurePosixPath(page).parts) - 1)


def headings(notebook: NotebookNode) -> set[str]:
    """The anchors of a page."""
    text = Text()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text.render(cell.source)
    return {anchor for _, anchor, _ in text.headings}


def article(notebook: NotebookNode, folder: Path, way: str, shared: list[set[str]]) -> dict:
    """What a lesson's template shows: the row of links, the cells, the table of contents.

    Args:
        folder: of the site.
        way: from the page to that folder.
        shared: the anchors of the same lesson in the other track.
    """
    text, widgets = Text(), notebook.metadata.get("widgets", {})
    states = next(iter(widgets.values()), {}).get("state", {})
    outputs = Outputs(folder / "files", f"{way}files", states)
    first, *rest = notebook.cells
    cells = []
    for cell in rest:
        if cell.cell_type == "markdown":
            cells.append({"text": text.render(cell.source)})
        else:
            cells.append(
                {
                    "code": coloured(cell.source),
                    "folded": cell.metadata.get("jupyter", {}).get("source_hidden", False),
                    "shown": outputs.render(cell.outputs),
                }
            )
    contents = [
        {"level": level, "anchor": anchor, "words": words,
         "shared": all(anchor in there for there in shared)}
        for level, anchor, words in text.headings
    ]  # fmt: skip
    return {"launch": Text().render(first.source), "cells": cells, "contents": contents}


def coloured(code: str) -> str:
    """Python as HTML; what has no colour of its own needs no mark, which is half of the bytes."""
    marked = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))
    return UNCOLOURED.sub(r"\1", marked)


def index(folder: Path) -> None:
    """Makes the index of the search, in chunks that a page loads as it needs them."""
    command = [sys.executable, "-m", "pagefind", "--site", str(folder), "--silent"]
    subprocess.run(command, check=True)
    for pattern in FOR_OTHER_PAGES:
        for path in (folder / "pagefind").glob(pattern):
            path.unlink()
