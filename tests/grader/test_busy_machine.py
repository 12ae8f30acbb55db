"""A machine that is busy with other things: the time that it takes away is not the student's."""

import os
import subprocess
import sys

import pytest

from tests.grader.classroom import RIGHT, graded, opened

# so much processor time that the wall clock alone would end the cell
SLOW = RIGHT | {
    "one_hot": RIGHT["one_hot"].replace(
        ":\n",
        ":\n    import time\n    while time.process_time() < one_hot.end:\n        pass\n",
        1,
    )
    + "\nimport time\none_hot.end = time.process_time() + 1.5",
}
IDLE = RIGHT | {"one_hot": "import time\ntime.sleep(30)\n" + RIGHT["one_hot"]}


@pytest.fixture
def room(tmp_path, sandboxed):
    with opened(tmp_path) as found:
        with open(found.assignments / "nbgrader_config.py", "a") as file:
            file.write("c.SandboxExecute.timeout = 4\nc.SandboxExecute.total_timeout = 60\n")
        yield found


@pytest.fixture
def busy():
    """One processor for us and five programs that never rest."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    command = [sys.executable, "-c", "while True: pass"]
    programs = [subprocess.Popen(command, start_new_session=True) for _ in range(5)]
    yield
    for program in programs:
        program.kill()
        program.wait()
    os.sched_setaffinity(0, allowed)


def test_a_slow_answer_gets_its_points_on_a_busy_machine(room, busy):
    found = graded(room.take("anna", room.notebook(SLOW)), "anna")
    assert [found[q].points for q in ("one_hot", "crop_flip")] == [5, 5], found


def test_a_cell_that_sleeps_is_interrupted_there_too(room, busy):
    found = graded(room.take("bert", room.notebook(IDLE)), "bert")
    assert found["one_hot"].outcome == "no answer", found
    assert found["crop_flip"].points == 5
