"""Is an answer right, and if not, what is wrong with it? Used at the desk and by the judge alike.

A case is a question put to a function: its inputs, the expected outputs, and the outputs of known
mistakes. An answer that equals a known mistake gets that mistake's hint.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One question put to a student's function.

    Attributes:
        part: which part of the question it belongs to; it counts when all of its cases are right.
        inputs: what the function is called with: arrays and plain values.
        expected: the arrays that it should return.
        mistakes: (hint, outputs) of functions with one known mistake.
        tolerance: how far a number may be from the expected one, relative to the largest of them.
        allowed: instead of one expected mask, a uint16 map whose bit k says that id k is right here
            (a resized mask has several right answers at edges).
        names: what the outputs are called; without names it is "it", or "output 1", "output 2".
    """

    part: str
    inputs: list[Any]
    expected: list[np.ndarray]
    mistakes: list[tuple[str, list[np.ndarray]]] = field(default_factory=list)
    tolerance: float = 1e-6
    allowed: np.ndarray | None = None
    names: list[str] = field(default_factory=list)

    @cached_property
    def shown(self) -> list[tuple[str, list[np.ndarray]]]:
        """The mistakes that show here; the others teach nothing about this case."""
        return [(hint, outputs) for hint, outputs in self.mistakes if _differs(self, outputs)]


@dataclass(frozen=True)
class Fault:
    """What is wrong with an answer.

    Attributes:
        difference: the first shape, type or number that differs, and the right one.
        hint: the way out of the known mistake that the answer makes, or "".
    """

    difference: str
    hint: str = ""


def wrong(case: Case, answer: list[np.ndarray]) -> str | None:
    """What is wrong with the answer, in a sentence, or None if it is right."""
    fault = find_fault(case, answer)
    return fault and (fault.hint or fault.difference)


def find_fault(case: Case, answer: list[np.ndarray]) -> Fault | None:
    """How the answer differs and which known mistake it makes, or None if it is right."""
    return explain([look_at(case, answer)])[0]


@dataclass(frozen=True)
class Finding:
    """What one case shows of an answer.

    Attributes:
        difference: the first shape, type or number that differs; None: it is right.
        hints: those of all known mistakes that give this answer too.
    """

    case: Case
    difference: str | None
    hints: list[str]


def look_at(case: Case, answer: list[np.ndarray]) -> Finding:
    """Compares the answer with what is expected, and with the known mistakes."""
    answer = _in_one_or_several(answer, case.expected)
    difference = _differs(case, answer)
    return Finding(case, difference, _known_mistakes(case, answer) if difference else [])


def explain(findings: Sequence[Finding]) -> list[Fault | None]:
    """The faults of one function in several cases; None where it is right.

    Two mistakes often look alike in one case. So a hint comes from a mistake that agrees with the
    answers to all cases; if there is none, from the one that agrees with most.
    """
    if not any(finding.difference for finding in findings):
        return [None] * len(findings)
    agreeing = Counter(hint for finding in findings for hint in finding.hints)
    refuted = {
        hint for found in findings for hint, _ in found.case.shown if hint not in found.hints
    }

    def faith(hint: str) -> tuple[bool, int]:
        return hint not in refuted, agreeing[hint]

    return [
        found.difference and Fault(found.difference, max(found.hints, key=faith, default=""))
        for found in findings
    ]


def _in_one_or_several(answer: list[np.ndarray], expected: list[np.ndarray]) -> list[np.ndarray]:
    """Three numbers in one array are three numbers, and a tuple of rows is one array."""
    if len(answer) == 1 < len(expected) and np.shape(answer[0])[:1] == (len(expected),):
        return list(answer[0])
    shapes = {(len(answer), *np.shape(row)) for row in answer}
    if len(answer) > 1 == len(expected) and shapes == {np.shape(expected[0])}:
        return [np.stack(answer)]
    return answer


def _known_mistakes(case: Case, answer: list[np.ndarray]) -> list[str]:
    """The hints of the mistakes that fit; first those that fit altogether."""
    # one that lists fewer outputs is about the first ones
    whole = [
        hint
        for hint, outputs in case.shown
        if _compare(answer[: len(outputs)], outputs, case.tolerance) is None
    ]
    # another mistake in a later output must not hide the first
    first = [hint for hint, outputs in case.shown if _same_first_fault(case, answer, outputs)]
    return list(dict.fromkeys(whole + first))


def _same_first_fault(case: Case, answer: list[np.ndarray], outputs: list[np.ndarray]) -> bool:
    """Whether the first output in which the answer is wrong is wrong here in the same way."""
    if case.allowed is not None or len(answer) != len(case.expected):
        return False
    for got, want, known in zip(answer, case.expected, outputs, strict=False):
        right = _compare([got], [want], case.tolerance) is None
        if right != (_compare([known], [want], case.tolerance) is None):
            return False
        if not right:
            return _compare([got], [known], case.tolerance) is None
    return False


def _differs(case: Case, answer: list[np.ndarray]) -> str | None:
    if case.allowed is None:
        return _compare(answer, case.expected, case.tolerance, case.names)
    fault = _same_kind(answer, case.expected)
    if fault:
        return fault
    ids = np.asarray(answer[0])
    if not np.issubdtype(ids.dtype, np.integer):
        return f"it returns {ids.dtype}; class ids are integers"
    outside = (ids < 0) | (ids > 15)
    fits = (case.allowed >> np.clip(ids, 0, 15).astype(np.uint16)) & 1
    bad = outside | (fits == 0)
    if not bad.any():
        return None
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    return (
        f"{bad.mean():.1%} of the pixels have a class that is not in their part of the label; "
        f"the first is {place_name(place)}, id {ids[place]}"
    )


def _compare(
    answer: list[np.ndarray],
    expected: list[np.ndarray],
    tolerance: float,
    names: Sequence[str] = (),
) -> str | None:
    fault = _same_kind(answer, expected, names)
    if fault:
        return fault
    for number, (got, want) in enumerate(zip(answer, expected, strict=True), 1):
        which = _name(number, len(expected), names)
        got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
        known = np.abs(want[np.isfinite(want)])
        scale = np.max(known, initial=0) or 1.0  # gradients are small: no fixed limit
        with np.errstate(invalid="ignore"):  # infinities
            close = np.isclose(got, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
        if not close.all():
            place = tuple(int(i) for i in np.argwhere(~close)[0])
            at = f" {place_name(place)}" if place else ""
            return f"{which} is {got[place]:.6g}{at} and should be {want[place]:.6g}"
    return None


def _same_kind(
    answer: list[np.ndarray], expected: list[np.ndarray], names: Sequence[str] = ()
) -> str | None:
    if len(answer) != len(expected):
        return f"it returns {len(answer)} values and should return {len(expected)}"
    for number, (got, want) in enumerate(zip(answer, expected, strict=True), 1):
        which = _name(number, len(expected), names)
        if np.asarray(got).dtype.kind not in "biuf":
            return f"{which} holds {np.asarray(got).dtype}; numbers are needed"
        if np.shape(got) != np.shape(want):
            return f"{which} has the shape {np.shape(got)} and should have {np.shape(want)}"
    return None


def _name(number: int, count: int, names: Sequence[str]) -> str:
    if names:
        return names[number - 1]
    return "it" if count == 1 else f"output {number}"


def by_fault(faults: dict[str, str]) -> dict[str, str]:
    """Part → fault, with the parts that have the same fault together: 'values, absent' → fault."""
    parts: dict[str, list[str]] = {}
    for part, fault in faults.items():
        parts.setdefault(fault, []).append(part)
    return {", ".join(names): fault for fault, names in parts.items()}


def place_name(place: tuple[int, ...]) -> str:
    """Where in an array, in words: 'at row 3, column 7', or 'at [0, 3, 7]' for other dimensions."""
    if len(place) == 2:
        return f"at row {place[0]}, column {place[1]}"
    return f"at [{', '.join(map(str, place))}]"
