"""What an instructor asks while grading runs: how far, how long still, what is stuck."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

PAUSE = 10.0
"""Seconds between two lines where there is no terminal to draw on."""


class Display:
    """A bar in a terminal, lines elsewhere. Use it in a `with` statement.

    Attributes:
        done, failed: submissions that are graded, and those that could not be, by our fault.
    """

    def __init__(
        self, screen: Console, total: int, workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.done = self.failed = 0
        self._screen, self._total, self._workers = screen, total, workers
        self._clock, self._begun = clock, clock()
        self._said = self._begun
        self._slowest = ("", 0.0)
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), console=screen)
        self._task = self._bar.add_task(self.line, total=total)

    def __enter__(self) -> "Display":
        if self._screen.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if not self._screen.is_terminal:
            self._screen.print(self.line)

    def step(self, student: str, seconds: float, why: str = "") -> None:
        """One submission is through: how long it took, and why it could not be graded."""
        self.done += not why
        self.failed += bool(why)
        if seconds > self._slowest[1]:
            self._slowest = (student, seconds)
        if why:
            self._bar.console.print(f"[red]✗[/] {escape(f'{student}: {why}')}")
        self._bar.update(self._task, description=self.line, completed=self.done + self.failed)
        if not self._screen.is_terminal and self._clock() - self._said > PAUSE:
            self._said = self._clock()
            self._screen.print(self.line)

    @property
    def line(self) -> str:
        """All of it in a line."""
        through = self.done + self.failed
        left = self._total - through
        running = min(self._workers, left)
        said = [f"{self.done} of {self._total} graded", f"{running} running"]
        said.append(f"{left - running} waiting")
        if self.failed:
            said.append(f"[red]{self.failed} failed[/]")
        if through and left:
            said.append(f"{spoken((self._clock() - self._begun) / through * left)} left")
        if not left:
            said.append(f"{spoken(self._clock() - self._begun)} in all")
        if self._slowest[0]:
            said.append(f"slowest {escape(self._slowest[0])} {spoken(self._slowest[1])}")
        return " · ".join(said)


def spoken(seconds: float) -> str:
    """A time as a person says it: '41 s', '3 min 12 s', '2 h 5 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
