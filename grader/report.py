"""What an instructor asks after grading, as one page, and as CSV for everything on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import jinja2

from grader import exports, outcomes, similar, statistics, submissions
from grader.course import Course, Grade
from grader.pseudonyms import pseudonyms
from grader.settings import settings
from grader.statistics import COMMON, ENOUGH, Item, Mistake, Totals
from grader.submissions import MAX_NOTEBOOK, Unreadable

SLOWEST = 10
MAX_CODE = 100_000
"""So many letters of a submission's code are compared: a page of an answer has 2,000."""


@dataclass(frozen=True)
class Place:
    """A line of the leaderboard; equal scores share a rank."""

    rank: int
    student: str
    pseudonym: str
    score: float


@dataclass(frozen=True)
class Report:
    """All that the page shows.

    Attributes:
        assignment: its name.
        grades: of everybody who was graded.
        totals, items: see `statistics`.
        mistakes: all wrong answers, the commonest first.
        seconds: student → how long the submission ran, the slowest first.
        places: the leaderboard.
        names: student → pseudonym.
        pairs: submissions to look at.
        ungraded: student, questions and why, where our side broke or nobody graded yet.
        waiting: question → how many answers a person still has to mark.
    """

    assignment: str
    grades: list[Grade]
    totals: Totals
    items: list[Item]
    mistakes: list[Mistake]
    seconds: dict[str, float]
    places: list[Place]
    names: dict[str, str]
    pairs: list[similar.Pair]
    ungraded: list[tuple[str, str, str]]
    waiting: dict[str, int]

    def mistakes_in(self, question: str) -> list[Mistake]:
        """The commonest wrong answers to a question."""
        return [m for m in self.mistakes if m.question == question][:COMMON]

    @property
    def median_seconds(self) -> float | None:
        return median(self.seconds.values()) if len(self.seconds) >= ENOUGH else None


def make(course: Course, assignment: str) -> Report:
    """Looks at all that grading kept. Raises CourseError: the assignment was not released."""
    notebook, grades = course.notebook(assignment), course.grades(assignment)
    students = course.students(assignment)
    names = pseudonyms(settings().seed, students)
    records = {g.student: outcomes.load_record(assignment, g.student) for g in grades}
    seconds = {s: record["seconds"] for s, record in records.items() if record.get("seconds")}
    models = {s: found for s, record in records.items() if (found := _model(record))}
    released = course.folder / "release" / assignment / f"{notebook}.ipynb"
    code = {s: _code(course.submitted / s / assignment / f"{notebook}.ipynb") for s in students}
    pairs = similar.pairs(
        {s: model["weights"] for s, model in models.items()},
        {s: model["mistakes"] for s, model in models.items()},
        code,
        _code(released),
    )
    return Report(
        assignment,
        grades,
        statistics.totals(grades),
        statistics.items(grades),
        statistics.mistakes(grades),
        dict(sorted(seconds.items(), key=lambda item: -item[1])),
        leaderboard({s: model["challenge"] for s, model in models.items()}, names),
        names,
        pairs,
        _ungraded(grades, students),
        _waiting(grades),
    )


def write(course: Course, assignment: str, people: exports.People) -> list[Path]:
    """Writes the page, and a folder of CSV beside it; both paths.

    Only the instructor may read them; leaderboard.csv alone names nobody.
    """
    found = make(course, assignment)
    page = course.folder / f"report-{assignment}.html"
    exports.create(page).write_text(render(found), "utf-8")
    folder = page.with_suffix("")
    tables = {
        "questions": (Item, found.items),
        "leaderboard": (("rank", "pseudonym", "score"), _ranks(found.places)),
        "mistakes": (
            ("question", "part", "students", "hint", "for example"),
            [(m.question, m.part, len(m.students), m.hint, m.said) for m in found.mistakes],
        ),
        "time": (("student", "seconds"), found.seconds.items()),
        "similar": (
            ("first", "second", "why to look"),
            [(pair.first, pair.second, "; ".join(pair.reasons)) for pair in found.pairs],
        ),
        "not graded": (("student", "questions", "why"), found.ungraded),
    }
    for name, (head, rows) in tables.items():
        if head is Item:
            head = list(Item.__dataclass_fields__)
            rows = [[getattr(item, field) for field in head] for item in rows]
        exports.write(folder / f"{name.replace(' ', '-')}.csv", head, rows)
    exports.canvas(folder / "canvas.csv", assignment, found.grades, people)
    exports.moodle(folder / "moodle.csv", found.grades, people)
    return [page, folder]


def render(report: Report) -> str:
    """The page, complete in itself. What students wrote stays text, whatever it is."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"share": _share, "number": _number}
    constants = {"ENOUGH": ENOUGH, "COMMON": COMMON, "SLOWEST": SLOWEST}
    limits = {"SAME_MISTAKES": similar.SAME_MISTAKES, "SAME_CODE": similar.SAME_CODE}
    open_ = len(report.grades) - len(exports.finished(report.grades))
    template = environment.get_template("report.html.j2")
    return template.render(report=report, open=open_, **constants, **limits)


def leaderboard(scores: dict[str, float | None], names: dict[str, str]) -> list[Place]:
    """The models by the challenge's score, the best first."""
    ranked = {student: score for student, score in scores.items() if score is not None}
    return [
        Place(1 + sum(other > score for other in ranked.values()), student, names[student], score)
        for student, score in sorted(ranked.items(), key=lambda item: (-item[1], names[item[0]]))
    ]


def _ranks(places: Sequence[Place]) -> list[tuple[int, str, float]]:
    return [(place.rank, place.pseudonym, place.score) for place in places]


def _model(record: dict[str, Any]) -> dict[str, Any] | None:
    """What the judge wrote of the submitted model, None where it judged none."""
    events = (e for e in record["ledger"] if e.get("event") == "score" and "mistakes" in e)
    return next(events, None)


def _code(path: Path) -> str:
    """The code of a notebook, or its beginning; nothing where it cannot be read."""
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with open(path, "rb") as file:
            cells = submissions.read_notebook(file.read(MAX_NOTEBOOK + 1), path.name).cells
    except (Unreadable, OSError):
        return ""
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")[:MAX_CODE]


def _ungraded(grades: Sequence[Grade], students: Sequence[str]) -> list[tuple[str, str, str]]:
    found = []
    for grade in grades:
        said: dict[str, list[str]] = {}
        for q in grade.questions:
            if q.outcome == "not graded":
                said.setdefault(q.remark, []).append(q.question)
        found += [(grade.student, ", ".join(names), remark) for remark, names in said.items()]
    missing = sorted(set(students) - {grade.student for grade in grades})
    return found + [(student, "all", "it has not been graded yet") for student in missing]


def _waiting(grades: Sequence[Grade]) -> dict[str, int]:
    found: dict[str, int] = {}
    for grade in grades:
        for q in grade.questions:
            if q.outcome == "by hand" and q.points is None:
                found[q.question] = found.get(q.question, 0) + 1
    return found


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")
