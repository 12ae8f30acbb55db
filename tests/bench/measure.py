"""How the rows of the benchmark are measured."""

import time
from collections.abc import Callable

MINUTES = 1 / 15  # for each comparison


def compare(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    peer_name: str,
    items: int = 1,
    unit: str = "1/s",
    clock: Callable[[], float] = time.process_time,
) -> dict:
    """Runs both in turns for some seconds, and gives the row of their best rates.

    Args:
        ours, peer: called without arguments; each call handles `items` items.
        unit: of the rates, items per second.
        clock: process_time counts this process alone and so bears a busy machine; take
            perf_counter where other processes or threads do the work.
    """
    best = [0.0, 0.0]
    rounds, end = 0, time.perf_counter() + 60 * MINUTES
    while time.perf_counter() < end or rounds < 3:
        for side, function in enumerate((ours, peer)):
            start = clock()
            function()
            best[side] = max(best[side], items / max(clock() - start, 1e-9))
        rounds += 1
    return row(name, *best, peer_name, unit, rounds)


def row(name: str, ours: float, peer: float, peer_name: str, unit: str, n: int) -> dict:
    """A row of build/bench.json from two rates (more is better); `n`: how often each was run."""
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "peer_name": peer_name,
        "unit": unit,
        "ratio": ours / peer,
        "n": n,
    }
