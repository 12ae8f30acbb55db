"""Can the grader be trusted? Everything planted, everything right, every attack, in one table.

python -m tests.trust            all of it (`make trust`)
python -m tests.trust --sample   what `make test` runs

Stopped, the same command goes on where it was, as long as no code has changed.
"""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.sandbox import preflight
from grader.settings import REPOSITORY
from tests import attacks, mutants, right
from tests.mutants.judged import Result

BUILD = REPOSITORY / "build"
PARTS = mutants, right, attacks
KINDS = {
    "mutant": "planted mistakes: lose what they should, with a hint that leads to them",
    "right": "right answers, differently written: get every point",
    "attack": "attacks: gain nothing, learn nothing, leave nothing, harm nobody",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", action="store_true", help="those that `make test` runs")
    sample = parser.parse_args().sample
    preflight()
    screen, begun = Console(), time.monotonic()
    submissions = (grade for part in PARTS for grade in part.submissions(sample))
    kept = Kept(BUILD / f"trust-{'sample' if sample else 'all'}.jsonl")
    if kept.groups:
        screen.print("Goes on where it was stopped.")
    results: list[Result] = []
    for number, grade in enumerate(submissions):
        group = kept.groups[number] if number < len(kept.groups) else kept.add(grade())
        results += group
        for result in group:
            if not result.ok:
                screen.print(f"[red]✗[/] {escape(result.name)}\n    {escape(result.said)}")
        screen.print(f"[dim]{len(results)} done[/]", end="\r")
    kept.path.unlink()
    report(screen, results, kept.seconds + time.monotonic() - begun)


class Kept:
    """What earlier runs of the same code found, so that the same command goes on from there.

    Attributes:
        groups: the results, by submissions, in their order.
        seconds: how long it took.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.groups, self.seconds = path, [], 0.0
        self._begun, code = time.monotonic(), fingerprint()
        path.parent.mkdir(exist_ok=True)
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        if lines[:1] == [code]:
            for line in lines[1:]:
                self.seconds, group = json.loads(line)
                self.groups.append([Result(**fields) for fields in group])
        else:
            path.write_text(f"{code}\n")
        self._before = self.seconds

    def add(self, group: list[Result]) -> list[Result]:
        """Keeps the results of a submission, and gives them back."""
        seconds = self._before + time.monotonic() - self._begun
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps([seconds, [asdict(result) for result in group]]) + "\n")
        return group


def fingerprint() -> str:
    """Changes when code or texts do."""
    digest = hashlib.sha256()
    for folder in ("assignments", "grader", "helpers", "tests"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def report(screen: Console, results: list, seconds: float) -> None:
    """Prints the table, writes build/trust.json, and ends with status 1 if anything is amiss."""
    table = Table("", "where", "tried", "as it should be", title="Trust")
    for kind, what in KINDS.items():
        own = [r for r in results if r.kind == kind]
        tried = Counter(r.name.split("/")[0] for r in own)
        fine = Counter(r.name.split("/")[0] for r in own if r.ok)
        table.add_section()
        for number, (where, count) in enumerate(sorted(tried.items())):
            table.add_row("" if number else what, where, str(count), str(fine[where]))
    screen.print(table)
    hostile = [r for r in results if r.kind != "right"]
    gained = sum(r.points > r.expected + 1e-6 for r in hostile)
    amiss = sum(not r.ok for r in hostile)
    right_ones = [r for r in results if r.kind == "right"]
    lost = sum(not r.ok for r in right_ones)
    screen.print(f"wrong or hostile, and gained a point:               {gained} of {len(hostile)}")
    screen.print(f"wrong or hostile, and not told or stopped as meant: {amiss} of {len(hostile)}")
    screen.print(f"right, and lost a point:                            {lost} of {len(right_ones)}")
    screen.print(f"{seconds / 60:.1f} minutes")
    (BUILD / "trust.json").write_text(
        json.dumps([asdict(r) for r in results], indent=1, ensure_ascii=False) + "\n"
    )
    sys.exit(1 if gained or amiss or lost else 0)


if __name__ == "__main__":
    main()
