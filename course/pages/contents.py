"""The order of the site: its pages, what each lesson is about, and what comes before and after."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from build import NAMES, ROOT, TRACKS, read, target, tracks

README = (ROOT / "README.md").read_text("utf-8")
ABOUT = dict(re.findall(r"^\| (\d\d) · [^|]* \| (.*) \|$", README, re.MULTILINE))
"""What a lesson is about, by its number: the table of the README."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: its text, and a page for each track, {track or None: path within the site}."""

    text: Path

    @property
    def number(self) -> str:
        return self.text.name[:2]

    @property
    def about(self) -> str:
        return ABOUT.get(self.number, "")

    @property
    def pages(self) -> dict[str | None, str]:
        return {track: page(target(self.text, track)) for track in tracks(self.text)}

    @cached_property
    def opening(self) -> str:
        """The text up to the first section."""
        return read(self.text)[0]["source"]

    @property
    def title(self) -> str:
        return re.match(r"# (.*)", self.opening)[1]

    @property
    def name(self) -> str:
        """The title up to the colon, for lists."""
        return self.title.split(": ")[0]

    @property
    def minutes(self) -> int | None:
        found = re.search(r"Plan about (\d+) minutes", self.opening)
        return int(found[1]) if found else None


def page(notebook: Path) -> str:
    """course/keras/05_fcn.ipynb → keras/05_fcn.html"""
    return notebook.relative_to("course").with_suffix(".html").as_posix()


def assignments() -> list[str]:
    """The titles of the assignments, in order."""
    found = [read(text)[0]["source"] for text in (ROOT / "assignments/text").glob("*.py")]
    return sorted(re.search(r"^# (.*)", source, re.MULTILINE)[1] for source in found)


def neighbours(lessons: list[Lesson], number: int, track: str | None) -> dict[str, list[tuple]]:
    """The lessons before and after, each (title, page): from 03 two ways lead on."""

    def ways(n: int) -> list[tuple[str, str]]:
        if not 0 <= n < len(lessons):
            return []
        pages, title = lessons[n].pages, lessons[n].title
        if track in pages:
            return [(title, pages[track])]
        return [(f"{title} ({NAMES[t]})" if t in TRACKS else title, p) for t, p in pages.items()]

    return {"before": ways(number - 1), "after": ways(number + 1)}
