"""Make a web page of the whole course, with search, in build/site.

    python course/web.py            run what has changed, then write the site
    python course/web.py 05 06      the same of those lessons alone

A notebook that does not run is named, and the site stays as it was.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from nbformat import NotebookNode

from build import ROOT, lesson, target, texts
from pages import site
from pages.contents import Lesson, page
from pages.executed import executed, kept

SITE = ROOT / "build/site"


def run_all(lessons: list[Lesson]) -> tuple[dict[str, NotebookNode], list[str]]:
    """Every notebook executed, by its page; and what stopped, 'notebook, cell: why'."""
    notebooks, faults = {}, []
    wanted = [(made.text, track) for made in lessons for track in made.pages]
    measured = json.loads((ROOT / "course/measured.json").read_text())
    for number, (text, track) in enumerate(wanted, 1):
        where = target(text, track)
        made = lesson(text, track)
        place = f"[{number}/{len(wanted)}] {where}"
        if kept(where, made).exists():
            print(f"{place}: as it ran before", flush=True)
        else:
            expected = measured.get(where.as_posix(), {}).get("seconds")
            print(f"{place}: runs{f', about {expected} s' if expected else ''} …", flush=True)
        start = time.perf_counter()
        notebooks[page(where)], stops = executed(where, made)
        if stops:
            print(f"  ✗ after {time.perf_counter() - start:.0f} s", flush=True)
        faults += [f"{where}, {stop}" for stop in stops]
    return notebooks, faults


def make(chosen: list[Path], folder: Path) -> list[str]:
    """Writes a site of these lessons' texts into the folder; what stopped, if anything did."""
    lessons = [Lesson(text) for text in chosen]
    notebooks, faults = run_all(lessons)
    if not faults:
        site.write(folder, lessons, notebooks)
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a web page of the whole course.")
    parser.add_argument("numbers", nargs="*", help="lessons whose number or name begins so")
    numbers = tuple(parser.parse_args().numbers)
    chosen = [text for text in texts() if not numbers or text.name.startswith(numbers)]
    if faults := make(chosen, SITE):
        sys.exit("\n".join(f"✗ {fault}" for fault in faults))
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    pages = sum(len(Lesson(text).pages) for text in chosen) + 1
    print(f"{SITE.relative_to(ROOT)}: {pages} pages, {size / 2**20:.0f} MiB. Look: make site-serve")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from here.")
