"""Planted mistakes: solutions of the assignments, each wrong in one place.

There is one file for each assignment. `judged` puts them before a real judge, in the sandbox; each
must lose the points that the mistake is worth, and be told a hint that leads to it.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

from tests.mutants.judged import Mutant, Result, changed, judged, packed, solution

ASSIGNMENTS = ("masks_and_metrics", "upsampling_and_fcn", "losses_and_imbalance", "lyft_unet")
SAMPLE = {
    ("masks_and_metrics", "pytorch"): 7,
    ("upsampling_and_fcn", "pytorch"): 4,
    ("upsampling_and_fcn", "keras"): 1,
    ("losses_and_imbalance", "pytorch"): 3,
    ("losses_and_imbalance", "keras"): 2,
    ("lyft_unet", "pytorch"): 2,
    ("lyft_unet", "keras"): 1,
}
"""How many of each the tests run: those at the head of the list that share one submission."""


def of(name: str) -> list[Mutant]:
    """The planted mistakes of an assignment."""
    return import_module(f"tests.mutants.{name}").MUTANTS


def submissions(sample: bool = False) -> Iterator[Callable[[], list[Result]]]:
    """All planted mistakes, or 20 of them, by submissions: each call grades one."""
    for name in ASSIGNMENTS:
        cells = solution(name)
        packs = list(packed(cells, of(name)))
        if sample:
            first = {pack[0].framework: pack for pack in reversed(packs)}
            packs = [pack[: SAMPLE.get((name, which), 0)] for which, pack in first.items()]
        yield from (partial(results, name, cells, pack) for pack in packs if pack)
    if not sample:
        from tests.mutants import models  # draws scenes

        yield from models.submissions()


def results(name: str, cells: dict[str, str], pack: list[Mutant]) -> list[Result]:
    """What each of the mistakes of one submission gets."""
    asked = {mutant.question for mutant in pack}
    wrong = {k: code for k, code in cells.items() if "check(" not in code or k in asked}
    for mutant in pack:
        wrong = changed(wrong, mutant)
    said = judged(name, wrong, pack[0].framework)
    return [result(name, mutant, said.get(mutant.question, {})) for mutant in pack]


def result(assignment: str, mutant: Mutant, event: dict) -> Result:
    """Whether a mistake got what it should get, from what the ledger says of its question."""
    points, remark = event.get("points", 0), event.get("remark", "nothing was said")
    caught = event.get("event") in ("score", "no answer") and abs(points - mutant.points) < 1e-6
    ok = caught and re.search(mutant.hint, remark) is not None
    before, after = (" ".join(part.split())[:60] for part in (mutant.old, mutant.new))
    which = "" if mutant.framework == "pytorch" else f" ({mutant.framework})"
    name = f"{assignment}/{mutant.question}{which}: {before} → {after}"
    given = f"{points:g} points" if caught else f"{points:g} points instead of {mutant.points:g}"
    said = f"{given}: {remark}"
    return Result("mutant", name, ok, said, mutant.question, points, mutant.points)
