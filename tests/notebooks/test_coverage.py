"""Every item of coverage.yaml is still taught under the heading that it names."""

import re
from pathlib import Path

import pytest
import yaml

import build
import lint

COVERAGE = yaml.safe_load((Path(__file__).parent / "coverage.yaml").read_text("utf-8"))
TEXTS = {text.name[:2]: text for text in build.texts()}


def sections(cells):
    """Heading → all that stands below it, subsections too, with single blanks."""
    outline, found = lint.outline(cells), {}
    for place, (n, level, words) in enumerate(outline):
        ends = (m for m, other, _ in outline[place + 1 :] if other <= level)
        first, *rest = cells[n : next(ends, len(cells))] or [cells[n]]
        below = first["source"].split(words, 1)[1]
        text = "\n".join([below, *(cell["source"] for cell in rest)])
        found[words] = " ".join(text.split())
    return found


def missing(items, found):
    """What is no longer taught, a sentence each."""
    for entry in items:
        if entry["heading"] not in found:
            yield f"'{entry['item']}': there is no heading '{entry['heading']}'"
            continue
        for words in entry.get("says", []):
            if not re.search(words, found[entry["heading"]], re.IGNORECASE):
                yield f"'{entry['item']}': '{entry['heading']}' does not say '{words}'"


def test_every_lesson_has_its_items():
    assert sorted(COVERAGE) == sorted(TEXTS)


@pytest.mark.parametrize("number", COVERAGE)
def test_each_item_is_taught(number):
    assert list(missing(COVERAGE[number], sections(build.read(TEXTS[number])))) == []


def test_what_disappears_is_named():
    cells = [
        build.markdown(text) for text in ("# 09 · A", "## Rates\nr = 6", "### More\n12", "## B")
    ]
    found = sections(cells)
    assert found == {
        "09 · A": "## Rates r = 6 ### More 12 ## B",
        "Rates": "r = 6 ### More 12",
        "More": "12",
        "B": "",
    }
    entry = {"item": "x", "heading": "Rates", "says": ["R = 6", "18"]}
    assert list(missing([entry], found)) == ["'x': 'Rates' does not say '18'"]
    assert "no heading 'Rate'" in next(missing([entry | {"heading": "Rate"}], found))
