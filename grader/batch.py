"""Many submissions, on Dask: every core of this machine, or a cluster by its address.

Each submission is one task (`grader.worker`); what comes back is written here, by one writer, in an
order that may be cut off anywhere: files, gradebook, outcomes, and last the stamp that says 'done'.
"""

import contextlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import dask
import nbformat
from distributed import CancelledError, Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from grader import gradebook, outcomes, submissions, worker
from grader.course import Course, CourseError
from grader.execute import copy_files
from grader.outcomes import write
from grader.settings import settings
from grader.worker import Graded, Job

CHANCES = 2
"""So many workers may die over one submission before it is left ungraded."""
WORKER = 30
"""Seconds until a cluster has a worker: they may have been started just before."""


def grade(
    course: Course, assignment: str, students: Iterable[str], client: Client
) -> Iterator[tuple[str, Graded | None, str]]:
    """Grades submissions and writes what was found, in the order in which they get done.

    Args:
        course: the instructor's.
        assignment: its name, released.
        students: whose submissions.
        client: from `workers`.

    Yields:
        student, what was found (None if nothing), and why nothing was found.

    Raises:
        CourseError: the cluster went away. What was yielded is safe.
    """
    definition = gradebook.definition(course.db_url, assignment)
    waiting = iter(students)
    asked: dict[Future, str] = {}

    def submit(student: str) -> Future:
        job = job_of(course, assignment, student, definition)
        future = client.submit(worker.grade, job, pure=False, retries=0)
        asked[future] = student
        return future

    # twice as many as there are workers: none waits for us, and memory stays flat
    window = 2 * max(1, len(client.nthreads()))
    done = as_completed((submit(s) for s in islice(waiting, window)), loop=client.loop)
    for future in done:
        student = asked.pop(future)
        try:
            found = future.result()
        except KilledWorker:
            found, why = None, f"{CHANCES} workers died while they graded it"
        except (CancelledError, OSError, TimeoutError) as error:
            raise CourseError(
                f"the cluster went away ({error}). Nothing is lost: give the same command again."
            ) from None
        except Exception as error:
            found, why = None, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if found:
            take_in(course, assignment, found)
            yield student, found, ""
        else:
            course.not_graded(assignment, student, why)
            yield student, None, why
        future.release()
        for student in islice(waiting, 1):
            done.add(submit(student))


@contextlib.contextmanager
def workers(count: int | None = None, scheduler: str | None = None) -> Iterator[Client]:
    """A client of a cluster at an address, or of one on this machine that ends with us.

    Raises CourseError: nobody answers at the address, or no worker is there.
    """
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": CHANCES - 1,
            "distributed.worker.profile.enabled": False,  # 100 times a second, and kept
        }
    )
    # pages about what runs are for nobody
    dask.config.set({f"distributed.{kind}.http.routes": [] for kind in ("scheduler", "worker")})
    if scheduler:
        try:
            client = Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise CourseError(f"no Dask scheduler answers at {scheduler} ({error}).") from None
        with client:
            try:
                client.wait_for_workers(1, timeout=WORKER)
            except TimeoutError:
                raise CourseError(
                    f"the scheduler at {scheduler} has no workers. Start some in this repository: "
                    f"python -m dask worker {scheduler} --nthreads 1"
                ) from None
            yield client
        return
    cluster = LocalCluster(
        n_workers=count or os.cpu_count(),
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        security=True,  # who else is on this machine must not give our workers something to run
        memory_limit=0,  # the sandbox has limits of its own
        silence_logs=logging.CRITICAL,
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


def job_of(course: Course, assignment: str, student: str, definition: dict) -> Job:
    """A submission with all that a worker needs."""
    chosen = settings()
    return Job(
        assignment,
        student,
        files_of(course.submitted / student / assignment),
        definition,
        str(course.assignments),
        chosen.seed,
        str(chosen.folder or chosen.data),
        course.confined,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """What was handed in: path in the folder → content. Links are never followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            if path.suffix == ".ipynb":
                sentence = f"{path.name} is a link. Submit the notebook itself."
                found[name] = nbformat.writes(submissions.placeholder(sentence)).encode()
        elif path.is_file() and not any(p.is_symlink() for p in path.parents if p != folder):
            found[name] = path.read_bytes()
    return found


def take_in(course: Course, assignment: str, found: Graded) -> None:
    """Writes what a worker found; the stamp comes last. Raises GradebookUnusable and OSError."""
    student, name = found.student, course.notebook(assignment)
    source = course.submitted / student / assignment
    stamp = course.unstamp(assignment, student)
    with open(course.log, "a", encoding="utf-8") as log:
        log.write(found.log)
    graded = course.folder / "autograded" / student / assignment
    shutil.rmtree(graded, ignore_errors=True)
    copy_files(source, graded)
    write(graded / f"{name}.ipynb", found.notebook)
    by_hand = gradebook.take_in(course.db_url, assignment, student, found.marks)
    write(outcomes.path_of(assignment, student), found.outcomes)
    if by_hand:
        course.feedback(assignment, student)
    elif found.feedback:
        write(course.folder / "feedback" / student / assignment / f"{name}.html", found.feedback)
    write(stamp, submissions.fingerprint(source).encode())
