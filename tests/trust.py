"""Can the grader be trusted? Everything planted, everything right, every attack, in one table.

python -m tests.trust            all of it (`make trust`)
python -m tests.trust --sample   what `make test` runs
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.sandbox import preflight
from grader.settings import REPOSITORY
from tests import attacks, mutants, right

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
    screen, begun, results = Console(), time.monotonic(), []
    for part in (mutants, right, attacks):
        for result in part.run(sample):
            results.append(result)
            if not result.ok:
                screen.print(f"[red]✗[/] {escape(result.name)}\n    {escape(result.said)}")
            elif not len(results) % 20:
                screen.print(f"[dim]{len(results)} done[/]")
    report(screen, results, time.monotonic() - begun)


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
    gained = sum(not r.ok for r in results if r.kind != "right")
    lost = sum(not r.ok for r in results if r.kind == "right")
    tried = Counter(r.kind for r in results)
    hostile = tried["mutant"] + tried["attack"]
    screen.print(f"wrong or hostile, and not dealt with as they should be: {gained} of {hostile}")
    screen.print(
        f"right, and a point was lost:                            {lost} of {tried['right']}"
    )
    screen.print(f"{seconds / 60:.1f} minutes")
    path = REPOSITORY / "build" / "trust.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(r) for r in results], indent=1, ensure_ascii=False) + "\n")
    sys.exit(1 if gained or lost else 0)


if __name__ == "__main__":
    main()
