"""A class on Dask: nothing is lost, whoever is killed, and every grade is there exactly once."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from distributed import Client, Security
from nbgrader.api import Gradebook

from tests.grader.classroom import NAME, RIGHT, UNHURRIED, command_of, started_by

BIN = Path(sys.executable).parent
ANSWERS = {
    "anna": RIGHT,
    "bert": {**RIGHT, "one_hot": "def one_hot(mask, classes):\n    return mask"},
    "carl": {},
    "dora": {**RIGHT, "analysis": "Signs."},
    "emil": UNHURRIED,
}


class Desk:
    """An instructor's folder, and the commands that are typed there."""

    def __init__(self, room, folder):
        self.room, self.folder = room, folder
        self.env = room.environment() | {"PIXELWISE_COURSE": str(folder), "OMP_NUM_THREADS": "1"}
        self.env["STARTED_BY"] = str(folder)  # workers and judges inherit it

    def start(self, *words):
        command = [sys.executable, "-m", "grader", "grade", NAME, *words]
        command += ["--course", str(self.room.assignments)]
        return subprocess.Popen(command, env=self.env, text=True, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip

    def grade(self, *words):
        """Exit status and what was printed."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=300)
        return process.returncode, " ".join(said.split())

    def records(self):
        """Every grade, as the report writes it."""
        records = json.loads((self.folder.parent / "grade.json").read_text())
        return sorted(
            [r | {"seconds": 0} for r in records], key=lambda r: (r["student"], r["question"])
        )

    def stamps(self):
        return len(list(self.folder.glob(f"outcomes/{NAME}/*.sha256")))

    def submissions(self):
        """Who is in the gradebook, as often as they are."""
        with Gradebook(f"sqlite:///{self.folder}/gradebook.db") as book:
            return sorted(s.student_id for s in book.assignment_submissions(NAME))

    def alive(self):
        """Processes of this folder's commands: graders, workers, judges."""
        return started_by(self.folder)


@pytest.fixture(scope="module")
def collected(classroom):
    """A course in which five people have handed in."""
    classroom.collect(ANSWERS)
    return classroom


@pytest.fixture
def desk(collected, tmp_path):
    """A fresh copy of that course."""
    shutil.copytree(collected.run, tmp_path / "run" / "course")
    return Desk(collected, tmp_path / "run" / "course")


@pytest.fixture(scope="module")
def undisturbed(collected, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "run" / "course"
    shutil.copytree(collected.run, folder)
    desk = Desk(collected, folder)
    status, said = desk.grade("--workers", "2")
    assert status == 0, said
    assert "5 of 5 graded" in said and "slowest" in said
    return desk.records()


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.02)


@pytest.mark.parametrize("moment", [0, 1, 3])
def test_kill_9_of_everything_and_the_same_command_again(desk, undisturbed, moment):
    process = desk.start("--workers", "2")
    until(lambda: len(desk.alive()) > 4 if moment == 0 else desk.stamps() >= moment)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with contextlib.suppress(AssertionError):
        until(lambda: not desk.alive())
    assert not desk.alive(), "somebody lives on without its parent"
    left = 5 - desk.stamps()
    status, said = desk.grade("--workers", "2")
    assert status == 0 and f"{left} of {left} graded" in said, said
    assert desk.records() == undisturbed
    assert desk.submissions() == sorted(ANSWERS)


def test_a_worker_that_is_killed_is_replaced(desk, undisturbed):
    process = desk.start("--workers", "2")
    mine = psutil.Process(process.pid)
    until(lambda: desk.stamps() >= 1)
    workers = [c for c in mine.children() if "spawn_main" in command_of(c)]
    assert workers
    workers[0].kill()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert desk.records() == undisturbed and desk.submissions() == sorted(ANSWERS)


@pytest.fixture
def cluster(collected, tmp_path):
    """Starts a scheduler with workers, each in a folder of its own; stops all at the end."""
    started = []

    def start(workers=2):
        file = tmp_path / f"scheduler{len(started)}.json"
        env = collected.environment()
        del env["PIXELWISE_COURSE"]
        command = [
            BIN / "dask",
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
        ]
        scheduler = subprocess.Popen([*map(str, command), "--scheduler-file", str(file)], env=env,
                                     stderr=subprocess.DEVNULL)  # fmt: skip
        started.append(scheduler)
        until(file.exists)
        for n in range(workers):
            folder = tmp_path / f"worker{len(started)}{n}"
            folder.mkdir()
            command = [BIN / "dask", "worker", "--scheduler-file", file, "--nthreads", "1"]
            command += ["--no-dashboard", "--local-directory", folder]
            started.append(subprocess.Popen([*map(str, command)], env=env, cwd=folder,
                                            stderr=subprocess.DEVNULL))  # fmt: skip
        return json.loads(file.read_text())["address"], scheduler

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_cluster_by_its_address_and_a_scheduler_that_dies(desk, undisturbed, cluster):
    address, scheduler = cluster()
    process = desk.start("--scheduler", address)
    until(lambda: desk.stamps() >= 1)
    scheduler.kill()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "the cluster went away" in said and "the same command again" in " ".join(said.split())
    address, _ = cluster()
    status, said = desk.grade("--scheduler", address)
    assert status == 0, said
    assert desk.records() == undisturbed and desk.submissions() == sorted(ANSWERS)


def ports_of(process):
    """Where a process listens; nowhere if it has ended by now."""
    try:
        connections = process.net_connections()
    except psutil.Error:
        return set()
    return {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}


def test_nobody_else_on_the_machine_is_let_in(desk):
    process = desk.start("--workers", "1")
    until(lambda: desk.stamps() >= 1)
    ports = set().union(*map(ports_of, desk.alive()))
    assert len(ports) >= 2
    for port in ports:
        for protocol, secret in (("tcp", None), ("tls", Security.temporary())):
            with pytest.raises(OSError):
                Client(f"{protocol}://127.0.0.1:{port}", security=secret, timeout=2)
        with pytest.raises(OSError):  # nor does a page tell what runs
            urllib.request.urlopen(f"http://127.0.0.1:{port}/info/main/workers.html", timeout=5)
    assert process.wait(300) == 0


def test_a_cluster_without_workers(desk, cluster):
    address, _ = cluster(workers=0)
    status, said = desk.grade("--scheduler", address)
    assert status == 1 and f"the scheduler at {address} has no workers" in said


def test_nobody_at_the_address(desk):
    status, said = desk.grade("--scheduler", "tcp://127.0.0.1:9")
    assert status == 1 and "no Dask scheduler answers at tcp://127.0.0.1:9" in said


def inside(desk, mounts, script):
    """Runs a shell script where the course's folder is mounted otherwise. Without the sandbox: one
    in another needs rights that containers seldom have."""
    command = [*"bwrap --dev-bind / /".split(), *map(str, mounts), "--", "sh", "-c", script]
    return subprocess.run(command, env=desk.env, capture_output=True, text=True, timeout=300)


def test_a_read_only_gradebook_is_said_before_anything_is_graded(desk):
    book = desk.folder / "gradebook.db"
    typed = f"{sys.executable} -m grader grade {NAME} --unconfined --course {desk.room.assignments}"
    done = inside(desk, ["--ro-bind", book, book], typed)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1 and "cannot be written" in said and "readonly" in said
    assert desk.stamps() == 0


def test_a_full_disk_loses_nothing(desk, undisturbed):
    typed = f"{sys.executable} -m grader grade {NAME} --unconfined --course {desk.room.assignments}"
    kept = desk.folder.with_name("kept")
    shutil.copytree(desk.folder, kept)
    script = (
        f"cp -r {kept}/. {desk.folder}; head -c 100M /dev/zero > {desk.folder}/filler; {typed}; "
        f"echo FIRST $?; rm {desk.folder}/filler; {typed}; echo SECOND $?"
    )
    done = inside(desk, ["--size", 8 << 20, "--tmpfs", desk.folder], script)
    said = " ".join((done.stdout + done.stderr).split())
    assert "FIRST 1" in said and "SECOND 0" in said, said
    assert "No space left" in said or "disk is full" in said
    points = [(r["student"], r["question"], r["points"], r["outcome"]) for r in desk.records()]
    wanted = [(r["student"], r["question"], r["points"], r["outcome"]) for r in undisturbed]
    assert points == wanted


def test_only_since_and_force_choose_and_a_regrade_gives_the_same(desk, undisturbed):
    assert desk.grade("--only", "anna", "--only", "carl")[0] == 0
    assert {r["student"] for r in desk.records()} == {"anna", "carl"}
    assert "nobody did not hand in" in desk.grade("--only", "nobody")[1]
    for student in ("bert", "dora"):
        folder = desk.folder / "submitted" / student / NAME
        for path in [folder, *folder.rglob("*")]:
            os.utime(path, (0, 0))
    status, said = desk.grade("--since", "2020-01-01")
    assert {r["student"] for r in desk.records()} == {"anna", "carl", "emil"}, said
    assert desk.grade()[0] == 0
    assert desk.records() == undisturbed
    status, said = desk.grade("--force")
    assert "5 of 5 graded" in said and desk.records() == undisturbed
