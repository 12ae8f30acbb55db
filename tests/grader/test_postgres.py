"""The gradebook in a real PostgreSQL database: the same grades, and nothing lost when it ends."""

import json
import os
import subprocess
import sys
import time
from unittest.mock import patch

import pytest
from nbgrader.api import Gradebook

from tests.grader.classroom import NAME, RIGHT, UNHURRIED, opened
from tests.grader.postgres import PASSWORD, Postgres, programs

ANSWERS = {
    "anna": RIGHT,
    "bert": {**RIGHT, "one_hot": "def one_hot(mask, classes):\n    return mask"},
    "carl": {},
    "dora": {**UNHURRIED, "analysis": "Signs."},
}


@pytest.fixture(scope="module")
def postgres():
    if programs() is None:
        pytest.skip("no PostgreSQL server here: sudo apt-get install postgresql")
    with Postgres() as running:
        yield running


@pytest.fixture(scope="module")
def expected(tmp_path_factory, sandboxed):
    """The grades of the class with its gradebook in a file."""
    with opened(tmp_path_factory.mktemp("file")) as room:
        room.collect(ANSWERS)
        status, said = call(room, "grade", NAME)
        assert status == 0, said
        assert (room.run / "gradebook.db").exists()
        return records(room)


@pytest.fixture(scope="module")
def in_postgres(expected, postgres, tmp_path_factory):
    """The class again, with its gradebook in PostgreSQL."""
    root = tmp_path_factory.mktemp("postgres")
    with patch.dict(os.environ, {"PIXELWISE_GRADEBOOK": postgres.url}), opened(root) as room:
        room.collect(ANSWERS)
        yield room


def start(room, *words):
    command = [sys.executable, "-m", "grader", *words, "--course", str(room.assignments)]
    env = room.environment() | {"OMP_NUM_THREADS": "1", "PIXELWISE_SEED": "7"}
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)  # fmt: skip


def call(room, *words):
    process = start(room, *words)
    said, _ = process.communicate(timeout=300)
    return process.returncode, " ".join(said.split())


def records(room):
    return json.loads((room.run.parent / "grade.json").read_text())


def test_the_database_goes_down_and_the_same_command_gives_the_grades_of_a_file(
    in_postgres, expected, postgres
):
    process = start(in_postgres, "grade", NAME, "--workers", "1")
    end = time.monotonic() + 120
    while not list(in_postgres.run.glob(f"outcomes/{NAME}/*.sha256")):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    postgres.stop()
    first, _ = process.communicate(timeout=120)
    status, second = call(in_postgres, "grade", NAME)
    postgres.start()
    assert process.returncode == 1 and "Nothing is lost" in first
    assert status == 1 and "cannot be used" in second
    status, third = call(in_postgres, "grade", NAME, "--workers", "2")
    assert status == 0, third
    assert "4 of 4 graded" not in third, "what was graded before is not graded again"
    assert records(in_postgres) == expected
    with Gradebook(postgres.url) as book:
        submissions = [s.student_id for s in book.assignment_submissions(NAME)]
    assert sorted(submissions) == sorted(ANSWERS)
    assert not list(in_postgres.run.glob("*.db"))
    for said in (first, second, third):
        assert PASSWORD not in said and "correct%20horse" not in said


def test_a_mark_by_hand_and_the_report(in_postgres, postgres):
    with Gradebook(postgres.url) as book:
        book.find_grade("analysis", NAME, NAME, "anna").manual_score = 7
        book.db.commit()
    assert call(in_postgres, "grade", NAME, "--force", "--only", "anna")[0] == 0
    assert call(in_postgres, "report", NAME)[0] == 0
    (mark,) = [
        r for r in records(in_postgres) if (r["student"], r["question"]) == ("anna", "analysis")
    ]
    assert (mark["points"], mark["outcome"]) == (7, "by hand")


def test_the_password_stands_in_no_file(in_postgres):
    files = [p for p in in_postgres.run.parent.rglob("*") if p.is_file() and not p.is_symlink()]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        assert PASSWORD.encode() not in content and b"correct%20horse" not in content, path
