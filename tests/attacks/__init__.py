"""Hostile submissions, each graded for real; after every four an honest one.

Grouped by what they are after: protocol.py, patching.py, reading.py, writing.py,
exhausting.py, outputs.py, files.py, models.py. `attack.py` says what must hold, `siege.py` looks.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

from tests.attacks.attack import Attack
from tests.attacks.siege import Siege, besieged
from tests.mutants.judged import Result

THEMES = ("protocol", "patching", "reading", "writing", "exhausting", "outputs", "files", "models")
TOGETHER = 4
SAMPLE = (
    "patched numpy.testing, check and print",
    "forged events to the judge",
    "the right answer after the first",
    "rubbish to the grader's client",
    "reading the course's files",
    "hidden cases, put into an output of an earlier cell",
    "folders without end beside the sockets",
    "os._exit",
    "messages with scripts where numbers and names stand",
    "a link to the seed",
)
"""What the tests run."""


def all_of_them() -> list[Attack]:
    """Every attack."""
    return [attack for theme in THEMES for attack in import_module(f"{__name__}.{theme}").ATTACKS]


def submissions(sample: bool = False, cold: bool = False) -> Iterator[Callable[[], list[Result]]]:
    """All attacks, or ten of them, by classes: each call grades one, and an honest submission.

    The kernels are forked warm, or each is a Python of its own.
    """
    attacks = [attack for attack in all_of_them() if not sample or attack.name in SAMPLE]
    together = len(SAMPLE) if sample else TOGETHER
    with tempfile.TemporaryDirectory() as folder, besieged(Path(folder), cold) as room:
        for first in range(0, len(attacks), together):
            yield partial(results, room, attacks[first : first + together])


def results(room: Siege, attacks: list[Attack]) -> list[Result]:
    """What came of these attacks."""
    found = room.results(attacks)
    return [replace(result, name=f"{theme_of(result.name)}/{result.name}") for result in found]


def theme_of(name: str) -> str:
    """The file in which an attack stands."""
    here = (t for t in THEMES for a in import_module(f"{__name__}.{t}").ATTACKS if a.name == name)
    return next(here)
