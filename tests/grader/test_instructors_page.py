"""docs/instructors.md: its commands, as they are written and in their order, with a small class.

They run in a copy of the repository whose lyft_unet is the classroom's. Kaggle is a server on
loopback, and what people do between the commands (hand in, mark by hand, look into the formgrader)
is done here. Only the port of Dask's scheduler is another one where tests run.
"""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import nbformat
import psutil
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash

from grader.settings import REPOSITORY
from tests.grader.classroom import NAME, RIGHT, Classroom, source_notebook
from tests.grader.kernels_server import Kernel, Kernels

PAGE = REPOSITORY / "docs" / "instructors.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
ROSTER = re.search(r"^```\n(student,.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
ENDPOINT = """\
import os
from kagglesdk import kaggle_env
kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = os.environ["KERNELS"]
"""
WEAK = {**RIGHT, "one_hot": "def one_hot(mask, classes):\n    return mask"}


class Term:
    """A copy of the repository, and what was printed there."""

    def __init__(self, folder: Path):
        self.folder, self.home = folder / "pixelwise", folder / "home"
        self.course = self.folder / "build" / "course"
        self.said: dict[str, str] = {}
        self.running: list[subprocess.Popen] = []
        for name in ("grader", "helpers"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / name, self.folder / name, ignore=ignore)
        (self.folder / ".venv").symlink_to(REPOSITORY / ".venv")
        source = self.folder / "assignments" / "source" / NAME
        source.mkdir(parents=True)
        nbformat.write(source_notebook(), source / f"{NAME}.ipynb")
        config = self.folder / "assignments" / "nbgrader_config.py"
        shutil.copyfile(REPOSITORY / "assignments" / "nbgrader_config.py", config)
        (self.home / ".kaggle").mkdir(parents=True)
        (self.home / ".kaggle" / "access_token").write_text("right\n")
        settings = {"allow_root": True, "open_browser": False, "port_retries": 50}
        (self.home / ".jupyter").mkdir()
        server = self.home / ".jupyter" / "jupyter_server_config.json"
        server.write_text(json.dumps({"ServerApp": settings}))
        (folder / "endpoint").mkdir()
        (folder / "endpoint" / "sitecustomize.py").write_text(ENDPOINT)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])

    def notebook(self, answers):
        room = Classroom(self.folder / "assignments", self.course, self.folder)
        return nbformat.writes(room.notebook(answers))

    def type(self, command: str, **environment: str) -> None:
        """Types a command, with what stands before it in its terminal."""
        dropped = ("PYTHONPATH", "PIXELWISE", "VIRTUAL_ENV", "KAGGLE", "JUPYTER")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        env |= {"HOME": str(self.home), "OMP_NUM_THREADS": "1", "NO_PROXY": "*", **environment}
        env["COLUMNS"] = "300"
        typed = f"{COMMANDS[0]}\n{command.removesuffix('&').replace('8786', self.port)}"
        process = subprocess.Popen(["bash", "-ec", typed], cwd=self.folder, env=env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        if command.endswith("&"):
            self.running.append(process)
            return
        if "jupyter lab" in command:
            self.said[command] = self._until(process, "/lab?token=")
            return
        self.said[command], _ = process.communicate(timeout=400)
        assert process.returncode == 0, f"{command}\n{self.said[command]}"

    def _until(self, process: subprocess.Popen, words: str) -> str:
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                break
        stop(process)
        return said

    def __getitem__(self, begin: str) -> str:
        """What the first command that holds these words printed, on one line."""
        return next(" ".join(said.split()) for typed, said in self.said.items() if begin in typed)


def stop(process: subprocess.Popen) -> None:
    family = psutil.Process(process.pid).children(recursive=True)
    for one in [*family, process]:
        try:
            one.terminate()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(family, timeout=20)
    process.wait()


def hand_in(term: Term) -> None:
    """Four people, each another way; emmy twice, grace no zip, mallory not of the roster."""
    (term.folder / "students.csv").write_text(ROSTER[1])
    (term.folder / "kernels.csv").write_text("student,slug\nmaria,agnesi/street-net\n")
    inbound = term.course / "exchange/pixelwise/inbound"
    ada = inbound / f"ada+{NAME}+2026-11-30 08:00:00.000000 UTC+abc"
    ada.mkdir()
    (ada / f"{NAME}.ipynb").write_text(term.notebook(RIGHT))
    (ada / "submission_secret.txt").write_text("ada's secret")
    moodle = term.folder / "downloads/moodle"
    for name in ("Grace Hopper_123456", "Mallory Mean_666"):
        folder = moodle / f"{name}_assignsubmission_file_"
        folder.mkdir(parents=True)
        (folder / "work.zip").write_bytes(b"no zip")
    canvas = term.folder / "downloads/canvas"
    canvas.mkdir()
    for name in ("noetheremmy_12345_11_lyft_unet.ipynb", "noetheremmy_LATE_12345_12_x-1.ipynb"):
        (canvas / name).write_text(term.notebook({} if "11" in name else RIGHT))


def mark_by_hand(term: Term) -> None:
    with Gradebook(f"sqlite:///{term.course}/gradebook.db") as book:
        for submission in book.assignment_submissions(NAME):
            grade = book.find_grade("analysis", NAME, NAME, submission.student_id)
            grade.manual_score, grade.needs_manual_grade = 8, False
        book.db.commit()


@pytest.fixture(scope="module")
def term(tmp_path_factory, sandboxed):
    """The term, once: every command of the page."""
    term = Term(tmp_path_factory.mktemp("term"))
    try:
        with Kernels({}) as kaggle:
            for command in COMMANDS[1:]:
                environment = {}
                if "--exchange --roster" in command:
                    hand_in(term)
                    kernel = Kernel(term.notebook(RIGHT), output={"model.onnx": b"no model"})
                    kaggle.kernels["agnesi/street-net"] = kernel
                if "kernels.csv" in command:
                    path = str(term.home.parent / "endpoint")
                    environment = {"PYTHONPATH": path, "KERNELS": kaggle.url}
                if "--scheduler" in command:  # maria changes her mind
                    path = term.course / "submitted/maria" / NAME / f"{NAME}.ipynb"
                    path.write_text(term.notebook(WEAK))
                if "generate_feedback" in command:
                    mark_by_hand(term)
                term.type(command, **environment)
        yield term
    finally:
        for process in term.running:
            stop(process)


@pytest.mark.timeout(900)
def test_every_command_of_the_page_does_what_the_page_says(term):
    assert "✗" not in term["doctor"]
    assert "No solution, hidden test or seed" in term["release lyft_unet --exchange"]
    assert "Nothing of 3: emmy, grace, maria." in term["--exchange --roster"]
    assert "work.zip (6 bytes) is not a zip" in term["downloads/moodle"]
    assert "Mallory Mean (moodle 666) is not in students.csv" in term["downloads/moodle"]
    assert "older: noetheremmy_LATE_12345_12_x-1.ipynb counts" in term["downloads/canvas"]
    assert "late, says Canvas" in term["downloads/canvas"]
    assert "taken" in term["kernels.csv"] and "Nothing of" not in term["kernels.csv"]


def test_grading_here_and_on_a_cluster_and_again(term):
    assert "4 of 4 graded" in term["grade lyft_unet"]
    assert "1 of 1 graded" in term["--scheduler"]
    assert "1 of 1 graded" in term["--only grace --since"]
    assert "/lab?token=" in term["jupyter lab"]


def test_marks_by_hand_are_in_the_grades_the_feedback_and_the_backup(term):
    records = json.loads((term.folder / "build/grade.json").read_text())
    points = {}
    for record in records:
        points[record["student"]] = points.get(record["student"], 0) + record["points"]
    assert points == {"ada": 18, "emmy": 18, "grace": 8, "maria": 13}
    page = (term.course / "feedback/grace" / NAME / f"{NAME}.html").read_text()
    assert "8.0 / 45.0" in page
    feedback = term.course / "exchange/pixelwise/feedback"
    assert len(list(feedback.rglob("*.html"))) == 4
    ada = notebook_hash(secret="ada's secret", notebook_id=NAME)
    assert "18.0 / 45.0" in next(feedback.rglob(f"{ada}.html")).read_text()
    rows = list(csv.DictReader(open(term.course / f"report-{NAME}/moodle.csv")))
    assert {row["Identifier"]: row["Grade"] for row in rows}["Participant 123456"] == "8"
    kept = term.home / "pixelwise-2026"
    assert {path.name for path in kept.iterdir()} == {
        "grading.toml", "gradebook.db", "submitted", "outcomes"
    }  # fmt: skip
