"""How fast to learn, and when to stop: what the two `train` functions share."""

import math
import time
from collections.abc import Iterator

from tqdm.auto import tqdm


def one_cycle(done: float, warmup: float = 0.15) -> float:
    """The factor on the learning rate when the part `done` of the training, 0 to 1, is behind.

    A straight rise to 1 during the warm-up, then half a cosine down to 0: the one-cycle policy of
    Smith and Topin 2017 (arXiv:1708.07120) with the cosine of Loshchilov and Hutter 2016
    (arXiv:1608.03983).
    """
    if done < warmup:
        return 0.04 + 0.96 * done / warmup
    return 0.5 + 0.5 * math.cos(math.pi * min(1, (done - warmup) / (1 - warmup)))


def timetable(
    steps: int, seconds: float | None, progress: bool
) -> Iterator[tuple[int, float, tqdm]]:
    """Yields (step, learning-rate factor, progress bar) for `steps`, or for `seconds` if given.

    With `seconds` the clock drives the schedule: the rate has come down to 0 when time is up.
    """
    start = time.perf_counter()
    with tqdm(total=steps if seconds is None else None, disable=not progress, unit="step") as bar:
        step = 0
        while True:
            elapsed = time.perf_counter() - start
            done = step / steps if seconds is None else elapsed / seconds
            if done >= 1:
                return
            yield step, one_cycle(done), bar
            bar.update()
            step += 1
