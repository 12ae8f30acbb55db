"""What a class did: totals, one line per question, and the commonest wrong answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, mean, median, stdev

from grader.course import Grade
from grader.outcomes import Outcome

ENOUGH = 5
"""Of fewer people no statistics are made."""
COMMON = 5
BINS = 10
UNKNOWN = "none of the known mistakes"


@dataclass(frozen=True)
class Item:
    """A question, as the class answered it. What can't be said is None.

    Attributes:
        question, max: its name and points.
        people: how many have points for it.
        silent: how many of them gave no answer.
        passed: the share with all points.
        difficulty: the mean of the points over the maximum; 1 is easy.
        discrimination: the correlation of its points with the rest of the total.
    """

    question: str
    max: float
    people: int
    silent: int
    passed: float | None
    difficulty: float | None
    discrimination: float | None


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that several gave.

    Attributes:
        question, part: where.
        hint: the hint of the known mistake, or that it is none.
        said: what one of them was told besides.
        students: who gave it.
    """

    question: str
    part: str
    hint: str
    said: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class Totals:
    """The totals of a class: how many people, and where the middle lies."""

    people: int
    max: float
    mean: float | None
    median: float | None
    deviation: float | None
    bins: tuple[tuple[str, int], ...]


def complete(grades: Iterable[Grade]) -> list[Grade]:
    """The grades in which nothing is left ungraded by our fault."""
    return [g for g in grades if all(q.outcome != "not graded" for q in g.questions)]


def totals(grades: Sequence[Grade]) -> Totals:
    """How the totals are distributed, in tenths of the maximum; open questions count as 0."""
    grades = complete(grades)
    points = [grade.points for grade in grades]
    most = max((grade.max for grade in grades), default=0.0)
    counts = [0] * BINS
    for total in points:
        counts[min(BINS - 1, int(BINS * total / most)) if most else 0] += 1
    edges = [most * i / BINS for i in range(BINS + 1)]
    names = [f"{a:g} to {b:g}" for a, b in zip(edges, edges[1:], strict=False)]
    enough = len(points) >= ENOUGH
    return Totals(
        len(points),
        most,
        mean(points) if enough else None,
        median(points) if enough else None,
        stdev(points) if enough else None,
        tuple(zip(names, counts, strict=True)),
    )


def items(grades: Sequence[Grade]) -> list[Item]:
    """One line per question, in the order of the assignment."""
    grades = complete(grades)
    answers: dict[str, list[tuple[Grade, Outcome]]] = {}
    for grade in grades:
        for outcome in grade.questions:
            answers.setdefault(outcome.question, []).append((grade, outcome))
    # a question that is still open for somebody would bend the rest of the total
    whole = {
        name
        for name, all_ in answers.items()
        if len(all_) == len(grades) and all(q.points is not None for _, q in all_)
    }
    return [_item(name, all_, whole - {name}) for name, all_ in answers.items()]


def _item(name: str, answers: list[tuple[Grade, Outcome]], others: set[str]) -> Item:
    scored = [(grade, q) for grade, q in answers if q.points is not None]
    points, most = [q.points for _, q in scored], answers[0][1].max
    silent = sum(q.outcome == "no answer" for _, q in scored)
    if len(points) < ENOUGH or not most:
        return Item(name, most, len(points), silent, None, None, None)
    rest = [sum(q.points for q in grade.questions if q.question in others) for grade, _ in scored]
    passed = sum(p >= most for p in points) / len(points)
    together = discrimination(points, rest)
    return Item(name, most, len(points), silent, passed, mean(points) / most, together)


def discrimination(points: Sequence[float], rest: Sequence[float]) -> float | None:
    """Pearson's correlation; None where it is undefined: all got the same, or too few people."""
    if len(points) < ENOUGH:
        return None
    try:
        return correlation(points, rest)
    except StatisticsError:
        return None


def mistakes(grades: Iterable[Grade]) -> list[Mistake]:
    """All wrong answers to questions that have parts, the commonest first.

    Those with the same hint to the same part are one; each student counts once.
    """
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for grade in grades:
        for outcome in grade.questions:
            for part in outcome.parts if outcome.outcome == "score" else ():
                if part["hint"] is not None:
                    key = outcome.question, part["part"], part["hint"] or UNKNOWN
                    said = part["said"].removeprefix(part["hint"]).removeprefix("; ")
                    found.setdefault(key, {})[grade.student] = said
    made = [
        Mistake(*key, next(iter(said.values())), tuple(sorted(said))) for key, said in found.items()
    ]
    return sorted(made, key=lambda m: (-len(m.students), m.question, m.part, m.hint))
