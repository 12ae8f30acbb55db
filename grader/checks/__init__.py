"""The hidden checks: one file per topic, and one per assignment that names its questions.

A check is inputs, a reference, a tolerance, points and the known mistakes with their hints. It
holds no secret: the judge draws the inputs from the instructor's seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np

from helpers.check import respond_to_call
from helpers.designs import Build
from helpers.rules import Bar
from helpers.verdict import Case


@dataclass(frozen=True)
class Question:
    """One question of an assignment that the judge decides.

    Attributes:
        points: the most that it gives.
        kind: what the student hands over: "function", "loss", "network" (a builder) or "model"
            (a file).
        parts: how the points are shared out: part → share; the shares add up to 1.
        asks: what the student is to write, in a line.
        lesson: where it is taught: the lesson's number and the heading.
        cases: draws the cases of a function or a loss from a generator.
        design: the rules for a network, by their name in helpers.designs.
        builds: draws what its builder is asked for. Where a part compares it with model.onnx, the
            first takes the width of that.
        public_builds: what it is asked for at the student's desk.
    """

    points: float
    kind: str
    parts: dict[str, float]
    asks: str = field(kw_only=True)
    lesson: str = field(kw_only=True)
    cases: Callable[[np.random.Generator], list[Case]] = field(default=lambda rng: [])
    design: str = ""
    builds: Callable[[np.random.Generator], list[Build]] = field(default=lambda rng: [])
    public_builds: tuple[Build, ...] = ()


def assignment(name: str) -> dict[str, Question]:
    """The questions of an assignment, by name. Raises KeyError for an unknown assignment."""
    try:
        return import_module(f"grader.checks.{name}").QUESTIONS
    except ModuleNotFoundError:
        raise KeyError(f"no checks for an assignment called '{name}' in grader/checks/") from None


def bars(name: str, data: str) -> tuple[Bar, ...]:
    """The IoU thresholds of an assignment's model on `data` ("streets" or "lyft")."""
    return import_module(f"grader.checks.{name}").BARS[data]


def case(
    part: str,
    inputs: list,
    reference: Callable,
    mistakes: dict[str, Callable],
    tolerance: float = 1e-5,
    names: Sequence[str] = (),
) -> Case:
    """A case whose expected outputs, and those of the mistakes, are computed here.

    `names` are those of the outputs, for the sentence that says what is wrong.
    """
    known = []
    for hint, mistake in mistakes.items():
        try:
            known.append((hint, respond_to_call(mistake, inputs)))
        except (ValueError, IndexError):
            continue  # this mistake stops on these inputs: there is nothing to compare with
    expected = respond_to_call(reference, inputs)
    return Case(part, inputs, expected, known, tolerance, names=list(names))
