"""Every lesson: its text keeps to the anatomy, its notebooks are derived, and both copies run."""

import pytest

import build
import lint
import run

LESSONS = list(build.derive(solved=True))


def test_there_are_lessons():
    assert "course/00_start_here.ipynb" in {where.as_posix() for where in LESSONS}


@pytest.mark.parametrize("text", build.texts(), ids=lambda text: text.stem)
def test_the_text_keeps_to_the_anatomy(text):
    assert lint.lint(text) == []


def test_the_notebooks_are_what_their_texts_give():
    assert build.check(build.derive()) is None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("solved", [False, True], ids=["student", "solved"])
@pytest.mark.parametrize("where", LESSONS, ids=lambda where: where.as_posix())
def test_the_lesson_runs(where, solved):
    assert run.run(where, solved).faults == []
