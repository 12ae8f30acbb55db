"""One nbgrader course, driven through one long-lived API object."""

import csv
import json
import logging
import os
import re
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.exchange import ExchangeError
from nbgrader.utils import temp_attrs
from sqlalchemy.exc import SAWarning
from traitlets.config.loader import PyFileConfigLoader

from grader import outcomes, submissions
from grader.outcomes import Outcome
from grader.settings import REPOSITORY, course_folder

ASSIGNMENTS = REPOSITORY / "assignments"


class CourseError(RuntimeError):
    """nbgrader refused; the message says what, and where its log is."""


@dataclass(frozen=True)
class Grade:
    """The grade of one student: one outcome per question."""

    student: str
    questions: list[Outcome]
    confined: bool

    @property
    def points(self) -> float:
        return sum(q.points or 0.0 for q in self.questions)

    @property
    def max(self) -> float:
        return sum(q.max for q in self.questions)

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """Questions and their remark, for those without full points; equal remarks together."""
        said: dict[str, list[str]] = {}
        for q in self.questions:
            if (q.points or 0) < q.max and (q.remark or q.points is not None):
                said.setdefault(q.remark or q.outcome, []).append(q.question)
        return [(", ".join(names), remark) for remark, names in said.items()]


class Course:
    """An nbgrader course.

    Attributes:
        assignments: the folder of nbgrader_config.py.
        confined: whether students' code runs in the sandbox.
        folder: where everything that grading makes goes (build/course by default).
        log: what nbgrader says.
    """

    def __init__(self, assignments: Path = ASSIGNMENTS, confined: bool = True) -> None:
        if not (assignments / "nbgrader_config.py").exists():
            raise CourseError(f"{assignments} has no nbgrader_config.py: it is no course folder.")
        self.assignments, self.confined = assignments, confined
        config = PyFileConfigLoader("nbgrader_config.py", str(assignments)).load_config()
        if not confined:
            config.SandboxExecute.confined = False
        self.folder = course_folder()
        self.log = self.folder / "grading.log"
        logger = logging.getLogger("traitlets")
        logged = [getattr(handler, "baseFilename", None) for handler in logger.handlers]
        if str(self.log) not in logged:
            logger.addHandler(logging.FileHandler(self.log, encoding="utf-8"))
        logger.propagate = False
        # nbgrader's own way with its database; nothing that an instructor could mend.
        warnings.filterwarnings("ignore", "Object of type", SAWarning)
        self.api = NbGraderAPI(config=config)
        self._directory = self.api.coursedir

    def release(self, assignment: str, exchange: bool = False) -> Path:
        """Make the students' version, in the folder returned and, if asked for, in the exchange."""
        source = Path(self._directory.format_path(self._source, ".", assignment)).resolve()
        if not list(source.glob("*.ipynb")):
            raise CourseError(f"{source} holds no notebook. Run `make notebooks` first.")
        self._call(self.api.generate_assignment(assignment, force=True))
        if exchange:
            (self.folder / "exchange").chmod(0o777)
            self._call(self.api.release_assignment(assignment))
        return self.folder / "release" / assignment

    def notebook(self, assignment: str) -> str:
        """The name of the assignment's notebook, as it was released."""
        try:
            with Gradebook(self._directory.db_url) as gradebook:
                names = [n.name for n in gradebook.find_assignment(assignment).notebooks]
        except MissingEntry:
            names = []
        if not names:
            raise CourseError(
                f"{assignment} was not released yet. Run `python -m grader release {assignment}`."
            )
        if len(names) > 1:
            raise CourseError(f"{assignment} has {len(names)} notebooks; grading takes one.")
        return names[0]

    def inbox(self, assignment: str) -> tuple[Path, bool]:
        """Where nbgrader's exchange keeps what came in, and whether its owners are looked at."""
        with temp_attrs(self._directory, assignment_id=assignment):
            asked = self.api.exchange.Collect(
                coursedir=self._directory, authenticator=self.api.authenticator, parent=self.api
            )
            try:
                asked.init_src()
            except ExchangeError as error:
                raise CourseError(
                    f"nbgrader's exchange cannot be read ({error}). Was {assignment} released with "
                    "--exchange?"
                ) from None
        return Path(asked.inbound_path), asked.check_owner

    @property
    def submitted(self) -> Path:
        return self.folder / "submitted"

    @property
    def db_url(self) -> str:
        """Where the gradebook is, as SQLAlchemy writes it."""
        return self._directory.db_url

    def students(self, assignment: str) -> list[str]:
        """Everybody who handed something in, in order."""
        return sorted(path.parent.name for path in self.submitted.glob(f"*/{assignment}"))

    def is_graded(self, assignment: str, student: str) -> bool:
        """Whether this very submission has been graded, with nothing left open by our fault."""
        kept = outcomes.load(assignment, student)
        if kept is None or any(q.outcome == "not graded" for q in kept[0]):
            return False
        stamp = self._stamp(assignment, student)
        folder = self.submitted / student / assignment
        return stamp.exists() and stamp.read_text() == submissions.fingerprint(folder)

    def changed(self, assignment: str, student: str) -> float:
        """When the submission was handed in or last changed, in seconds since 1970."""
        folder = self.submitted / student / assignment
        return max(path.lstat().st_mtime for path in [folder, *folder.rglob("*")])

    def grade(self, assignment: str, student: str) -> None:
        """Grade one submission. Whatever goes wrong ends as an outcome, not as an exception."""
        folder = self.submitted / student / assignment
        path = folder / f"{self.notebook(assignment)}.ipynb"
        if not os.path.lexists(path):  # what a link points to is not ours to write
            others = ", ".join(sorted(p.name for p in folder.glob("*.ipynb"))) or "none"
            sentence = f"There is no {path.name} in the submission (notebooks found: {others})."
            nbformat.write(submissions.placeholder(sentence), path)
        stamp = self.unstamp(assignment, student)
        outcomes.path_of(assignment, student).unlink(missing_ok=True)
        try:
            with temp_attrs(self._directory, assignment_id=assignment, student_id=student):
                Autograde(coursedir=self._directory, parent=self.api, force=True).start()
        except NbGraderException as error:
            said = " ".join(str(error).split())[:300]
            self.not_graded(assignment, student, f"nbgrader failed ({said}); see {self.log}")
        stamp.write_text(submissions.fingerprint(folder))

    def feedback(self, assignment: str, student: str) -> Path:
        """Write the feedback page of one student."""
        self._call(self.api.generate_feedback(assignment, student, force=True))
        return self.folder / "feedback" / student / assignment

    def grades(self, assignment: str) -> list[Grade]:
        """Every student's grade as it stands; marks that a person gave take precedence."""
        name = self.notebook(assignment)
        grades = []
        with Gradebook(self._directory.db_url) as gradebook:
            for student in self.students(assignment):
                kept = outcomes.load(assignment, student)
                if kept is None:
                    continue
                questions = []
                for outcome in kept[0]:
                    grade = gradebook.find_grade(outcome.question, name, assignment, student)
                    if grade.manual_score is not None:
                        record = {**asdict(outcome), "points": grade.score, "outcome": "by hand"}
                        outcome = Outcome(**record)
                    questions.append(outcome)
                grades.append(Grade(student, questions, kept[1]))
        return grades

    def unstamp(self, assignment: str, student: str) -> Path:
        """From now on the submission counts as not graded; where to write that it is."""
        stamp = self._stamp(assignment, student)
        stamp.unlink(missing_ok=True)
        return stamp

    def not_graded(self, assignment: str, student: str, remark: str) -> None:
        """Says of every question of a submission that our side broke."""
        name, found = self.notebook(assignment), []
        with Gradebook(self._directory.db_url) as gradebook:
            gradebook.update_or_create_submission(assignment, student)
            for cell in gradebook.find_notebook(name, assignment).grade_cells:
                grade = gradebook.find_grade(cell.name, name, assignment, student)
                grade.auto_score, grade.needs_manual_grade = None, True
                found.append(Outcome(cell.name, None, cell.max_score, "not graded", remark))
            gradebook.db.commit()
        outcomes.save(assignment, student, found, outcomes.Run(broken=remark))

    @property
    def _source(self) -> str:
        return self._directory.source_directory

    def _stamp(self, assignment: str, student: str) -> Path:
        return outcomes.path_of(assignment, student).with_suffix(".sha256")

    def _call(self, result: dict) -> None:
        if not result["success"]:
            lines = (result.get("log") or result.get("error") or "").strip().splitlines()
            causes = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
            causes = causes or [line for line in lines if "ERROR" in line] or lines
            raise CourseError(f"nbgrader: {causes[-1] if causes else 'no reason'} ({self.log})")


def write_json(path: Path, grades: Iterable[Grade]) -> None:
    """One record per student and question, for other programs."""
    records = [{"student": g.student, **asdict(q)} for g in grades for q in g.questions]
    for record in records:
        del record["png"]  # it is in the feedback
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_csv(path: Path, grades: list[Grade]) -> None:
    """One row per student; a question without a score stays empty."""
    names = [q.question for q in grades[0].questions] if grades else []
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["student", *names, "total", "max", "open", "remarks"])
        for grade in grades:
            points = ["" if q.points is None else f"{q.points:g}" for q in grade.questions]
            still_open = " ".join(q.question for q in grade.questions if q.points is None)
            remarks = " | ".join(f"{name}: {remark}" for name, remark in grade.remarks)
            total = [f"{grade.points:g}", f"{grade.max:g}"]
            table.writerow([grade.student, *points, *total, still_open, remarks])
    os.chmod(path, 0o600)
