"""Every lesson: its text keeps to the anatomy, and its notebooks are derived and run.

Each commit runs the lessons of one track, the next commit those of the other; `make notebooks-run`
runs every copy of both.
"""

import subprocess

import pytest

import build
import lint
import run

LESSONS = list(build.lessons())


def track_of_commit():
    """PyTorch after an even number of commits, and where there is no history; Keras after an odd
    one."""
    count = ["git", "-C", build.ROOT, "rev-list", "--count", "HEAD"]
    done = subprocess.run(count, capture_output=True, text=True)
    return list(build.TRACKS)[int(done.stdout or 0) % 2]


TRACK = track_of_commit()
SOLVED = [where for where in LESSONS if run.track_of(where) in (None, TRACK)]
STUDENTS = [where for where in SOLVED if where.name.startswith(("00", "06"))]


def test_there_are_lessons():
    assert "course/00_start_here.ipynb" in {where.as_posix() for where in LESSONS}


@pytest.mark.parametrize("text", build.texts(), ids=lambda text: text.stem)
def test_the_text_keeps_to_the_anatomy(text):
    assert lint.lint(text) == []


def test_the_notebooks_are_what_their_texts_give():
    assert build.check(build.derive()) is None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("where", SOLVED, ids=lambda where: where.as_posix())
def test_the_solved_lesson_runs(where):
    assert run.run(where, solved=True).faults == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("where", STUDENTS, ids=lambda where: where.as_posix())
def test_the_students_copy_runs(where):
    assert run.run(where, solved=False).faults == []
