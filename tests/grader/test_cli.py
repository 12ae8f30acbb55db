"""The commands that an instructor types: ours, nbgrader's own, and the formgrader's button."""

import csv
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

NAME = "lyft_unet"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def day(classroom, call):
    """An instructor's day, once: what each command printed."""
    classroom.hand_in("anna", classroom.notebook())
    classroom.hand_in("bert", classroom.notebook(answers={}))
    (classroom.inbox / "carl.zip").write_bytes(b"no zip")
    steps = {"doctor": call("doctor"), "release": call("release", NAME, "--no-run")}
    steps["collect"] = call("collect", NAME, str(classroom.inbox))
    steps["grade"] = call("grade", NAME)
    assert [status for status, _ in steps.values()] == [0, 0, 0, 0], steps
    return {name: said for name, (_, said) in steps.items()}


def test_the_doctor_examines_an_assignment(call, classroom):
    status, said = call("doctor", NAME)
    assert status == 1
    assert f"✓ {NAME}: a blank one: no points" in said
    assert "✗ lyft_unet: the solution: pytorch, prepare_label: the solution gets the cell" in said
    status, said = call("doctor", "masks_and_metrics")
    assert status == 1 and "masks_and_metrics.ipynb is missing. Run `make notebooks`." in said


def test_each_command_says_what_it_did_and_where(day, classroom):
    assert "✗" not in day["doctor"] and "bubblewrap starts" in day["doctor"]
    assert "3 students" in day["collect"] and "is not a zip" in day["collect"]
    assert "10/45" in day["grade"] and "nothing was written" in day["grade"]
    for path in ("feedback", f"grades-{NAME}.csv"):
        assert (classroom.run / path).exists()
        assert path in day["grade"]


def test_the_table_is_also_written_for_programs(day, classroom):
    records = json.loads((classroom.run.parent / "grade.json").read_text())
    assert len(records) == 12
    assert {"student", "question", "points", "max", "outcome", "remark"} <= set(records[0])
    found = {(r["student"], r["question"]): (r["points"], r["outcome"]) for r in records}
    assert found["anna", "one_hot"] == (5, "score")
    assert found["carl", "one_hot"] == (0, "no answer")
    with open(classroom.run / f"grades-{NAME}.csv") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert (rows["anna"]["total"], rows["bert"]["total"], rows["carl"]["max"]) == ("10", "0", "45")


def test_nothing_secret_is_released(day, classroom):
    seed = (classroom.run / "grading.toml").read_text().split("seed = ")[1].split()[0]
    assert (classroom.run / "grading.toml").stat().st_mode & 0o077 == 0
    for folder in ("release", "feedback", "autograded"):
        for path in (classroom.run / folder).rglob("*"):
            assert path.is_dir() or seed.encode() not in path.read_bytes()


def test_the_same_command_again_grades_only_what_is_new(day, classroom, call):
    pages = classroom.run / "feedback"
    before = {page: page.stat().st_mtime_ns for page in pages.rglob("*.html")}
    classroom.hand_in("dora", classroom.notebook())
    call("collect", NAME, str(classroom.inbox))
    status, said = call("grade", NAME)
    assert status == 0 and "1 of 1 graded" in said
    assert {page: page.stat().st_mtime_ns for page in before} == before
    assert (pages / "dora").exists()


def test_without_a_sandbox_grading_refuses_and_unconfined_marks_every_line(day, call, tmp_path):
    for tool in ("alembic", "prlimit", "setpriv"):
        (tmp_path / tool).symlink_to(BIN / tool if tool == "alembic" else f"/usr/bin/{tool}")
    status, said = call("grade", NAME, "--force", PATH=str(tmp_path))
    assert status == 1 and "`bwrap` is missing" in said and "apt-get install" in said
    status, said = call("grade", NAME, "--force", "--unconfined", PATH=str(tmp_path))
    assert status == 0 and "without the sandbox" in said
    assert all(f"{student} *" in said for student in ("anna", "bert", "carl"))
    assert "10/45" in said


def test_mistakes_of_the_instructor_get_a_sentence(day, call, tmp_path):
    assert call("collect", NAME, str(tmp_path / "nowhere"))[0] == 1
    status, said = call("grade", "fcn")
    assert status == 1 and "was not released yet" in said
    status, said = call("grade", NAME, PIXELWISE_SEED="secret")
    assert status == 1 and "grading.toml cannot be read" in said


def test_control_c_stops_everything_and_the_same_command_goes_on(day, classroom, call, repo):
    classroom.hand_in("emil", classroom.notebook(extra="import time; time.sleep(5)"))
    call("collect", NAME, str(classroom.inbox))
    command = [sys.executable, "-m", "grader", "grade", NAME]
    process = subprocess.Popen(
        [*command, "--course", str(classroom.assignments)],
        env=classroom.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=repo,
        start_new_session=True,
    )

    def kernels():
        family = psutil.Process(process.pid).children(recursive=True)
        return [p for p in family if name(p) == "student-kernel"]

    def name(started):
        try:
            return started.name()
        except psutil.Error:  # it has ended by now
            return ""

    while not kernels() and process.poll() is None:
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 130 and "The same command goes on" in said
    assert not psutil.wait_procs(family, timeout=20)[1]
    status, said = call("grade", NAME)
    assert status == 0 and "emil" in said and "?" not in said.split("0 – no answer")[0]


def test_nbgraders_own_command_takes_the_scores_from_the_judge(day, classroom):
    record = classroom.run / "outcomes" / NAME / "anna.json"
    before = record.stat().st_mtime_ns
    command = [str(BIN / "nbgrader"), "autograde", NAME, "--student", "anna", "--force"]
    environment = classroom.environment()
    subprocess.run(command, env=environment, cwd=classroom.assignments, check=True)
    assert record.stat().st_mtime_ns > before
    grades = json.loads(record.read_text())
    assert [q["points"] for q in grades["questions"]] == [5, 5, 0, None]
    assert grades["confined"] is True


def test_the_formgraders_autograde_button_does_too(day, classroom, tmp_path):
    record = classroom.run / "outcomes" / NAME / "anna.json"
    before = record.stat().st_mtime_ns
    port, root = 18000 + int(time.time()) % 2000, classroom.run.parent.parent
    extensions = "{'nbgrader.server_extensions.formgrader': True}"
    options = [f"--port={port}", f"--ServerApp.root_dir={root}", "--IdentityProvider.token=test"]
    options += ["--allow-root", "--no-browser", f"--ServerApp.jpserver_extensions={extensions}"]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(
            [str(BIN / "jupyter-server"), *options],
            env={**classroom.environment(), "JUPYTER_PREFER_ENV_PATH": "1", "HOME": str(tmp_path)},
            cwd=classroom.assignments,
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}/formgrader/api/submission/{NAME}/anna/autograde"
        headers = {"Authorization": "token test"}
        request = urllib.request.Request(address, method="POST", headers=headers)
        for _ in range(300):
            try:
                answer = json.load(urllib.request.urlopen(request, timeout=120))
                break
            except (ConnectionError, urllib.error.URLError) as error:
                assert not isinstance(error, urllib.error.HTTPError), (tmp_path / "log").read_text()
                time.sleep(0.2)
    finally:
        server.terminate()
        server.wait()
    assert answer["success"], answer
    assert record.stat().st_mtime_ns > before
    assert [q["points"] for q in json.loads(record.read_text())["questions"]] == [5, 5, 0, None]
