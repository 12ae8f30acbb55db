"""Grades one submission in a course of the worker's own; only what it found leaves that course.

A worker shares no folder with the instructor: the submission comes in, the graded notebook, the
feedback page, the outcomes and the marks go out. So it may run on any machine.
"""

import functools
import gc
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader import api
from nbgrader.api import Gradebook
from sqlalchemy import event

from grader import gradebook, outcomes
from grader.course import Course, CourseError

# nbgrader opens its gradebook anew in every step, a dozen times for a submission; SQLAlchemy keeps
# the queries that it compiled with the engine, so the engine stays.
api.create_engine = functools.cache(api.create_engine)


@dataclass(frozen=True)
class Job:
    """A submission to grade.

    Attributes:
        assignment, student: whose.
        files: what was handed in: path in the submission → content.
        definition: the assignment as it was released (`gradebook.definition`).
        course: the folder of nbgrader_config.py, on the worker's machine.
        seed, data: the instructor's settings.
        confined: whether the kernel runs in the sandbox.
    """

    assignment: str
    student: str
    files: dict[str, bytes]
    definition: dict[str, Any] = field(repr=False)
    course: str
    seed: int = field(repr=False)
    data: str
    confined: bool


@dataclass(frozen=True)
class Graded:
    """What a worker found.

    Attributes:
        student: whose.
        outcomes: the file of `outcomes.save`.
        marks: what grading wrote into the gradebook (`gradebook.marks`).
        notebook: the executed notebook.
        feedback: the page for the student; empty if it could not be made.
        seconds: how long it took.
        log: what nbgrader said.
    """

    student: str
    outcomes: bytes
    marks: dict[str, Any]
    notebook: bytes
    feedback: bytes
    seconds: float
    log: str


def grade(job: Job) -> Graded:
    """Grades one submission. Whatever is wrong with it ends as an outcome."""
    begun = time.monotonic()
    course = _course(job)
    name, student = job.assignment, job.student
    _clear(course, name, student)
    for path, content in job.files.items():
        target = course.submitted / student / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    begin = course.log.stat().st_size
    course.grade(name, student)
    notebook = course.notebook(name)
    try:
        page = (course.feedback(name, student) / f"{notebook}.html").read_bytes()
    except (CourseError, OSError):
        page = b""
    graded = course.folder / "autograded" / student / name / f"{notebook}.ipynb"
    with open(course.log, "rb") as log:
        log.seek(begin)
        said = log.read().decode(errors="replace")
    found = Graded(
        student,
        outcomes.path_of(name, student).read_bytes(),
        gradebook.marks(course.db_url, name, student),
        graded.read_bytes() if graded.exists() else b"",
        page,
        time.monotonic() - begun,
        said,
    )
    _clear(course, name, student)
    gc.collect()  # kernel clients and notebooks hold each other, and sockets with them
    return found


_courses: dict[str, Course] = {}


def _course(job: Job) -> Course:
    """The worker's own course with this assignment; made once in a process."""
    wanted = json.dumps([job.definition, job.course, job.seed, job.data, job.confined], default=str)
    key = hashlib.sha256(wanted.encode()).hexdigest()
    if key not in _courses:
        _courses.clear()
        folder = Path(tempfile.mkdtemp(prefix="course-", dir=_scratch()))
        os.environ |= {
            "PIXELWISE_COURSE": str(folder),
            "PIXELWISE_SEED": str(job.seed),
            "PIXELWISE_DATA": job.data,
        }
        os.environ.pop("PIXELWISE_GRADEBOOK", None)  # that one is the instructor's
        _create_gradebook(folder / "gradebook.db", job.definition)
        _courses[key] = Course(Path(job.course), confined=job.confined)
        gc.freeze()  # what was imported stays: nobody need look at it after each submission
    return _courses[key]


def _create_gradebook(path: Path, definition: dict[str, Any]) -> None:
    """A gradebook of the worker's own. What is in it goes on to the instructor's or is made again,
    so it need not outlive a power cut; nobody takes its tables away, or brings it up to date."""
    engine = api.create_engine(f"sqlite:///{path}", echo=False, future=True)
    event.listen(engine, "connect", lambda file, _: file.execute("PRAGMA synchronous = OFF"))
    create_all = api.Base.metadata.create_all
    create_all(bind=engine)  # nbgrader asks Alembic for the version of one without tables: 2 s
    gradebook.create(path, definition)
    api.Base.metadata.create_all = lambda bind: None if bind is engine else create_all(bind=bind)


def _scratch() -> str | None:
    """The folder that Dask gave this worker; it removes it at the end."""
    try:
        from distributed import get_worker

        return get_worker().local_directory
    except (ImportError, ValueError):
        return None


def _clear(course: Course, assignment: str, student: str) -> None:
    """Nothing of a submission stays: the next one meets an empty course."""
    for part in ("submitted", "autograded", "feedback"):
        shutil.rmtree(course.folder / part / student, ignore_errors=True)
    kept = outcomes.path_of(assignment, student)
    kept.unlink(missing_ok=True)
    kept.with_suffix(".sha256").unlink(missing_ok=True)
    with Gradebook(course.db_url) as book:
        if any(s.student_id == student for s in book.assignment_submissions(assignment)):
            book.remove_submission(assignment, student)
