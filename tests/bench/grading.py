"""Submissions per second and core: ours in the sandbox with its judge, against the usual graders.

Each grader gets the same submissions (`homework`) and writes what it always writes: nbgrader its
gradebook, otter-grader its results, ours the gradebook, the feedback pages and the report. What a
command takes to start is left out, as few submissions are timed and then more (of ours more, they
are over sooner); it has a row of its own. One worker runs on one core, two on two. nbgrader is run
as it is delivered; tuned, that is with shutdown_kernel="immediate"; and with its feedback pages.
otter-grader runs in one process, through its `grade_submission`, in an environment of its own
(.venv/otter). Neither confines a submission.
"""

import json
import shutil
import sqlite3
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import homework
from tests.bench.homework import IMPORTS, NAME, POINTS, ROOT
from tests.bench.measure import row

FEW, MORE, OURS = 2, 8, 32
OTTER = "otter-grader[grading]==7.0.0"
TUNED = "--Execute.shutdown_kernel=immediate"
GRADE_ALL = """
import sys
from pathlib import Path
from otter.api import grade_submission
for path in sorted(Path("submitted").glob("*.ipynb")):
    points = grade_submission(str(path), "autograder.zip", quiet=True).total
    assert points == int(sys.argv[1]), points
"""
NBGRADER = [sys.executable, "-m", "nbgrader"]


def rows() -> Iterator[dict]:
    python = otter_python()
    for imports in IMPORTS:
        with tempfile.TemporaryDirectory() as folder:
            yield from rows_of(imports, Path(folder).resolve(), python)


def rows_of(imports: str, root: Path, python: Path) -> Iterator[dict]:
    ours, start = rate(lambda n: grade(root / "ours", n, imports, cores=1), OURS)
    two, _ = rate(lambda n: grade(root / "ours", n, imports, cores=2), OURS)
    peers = {
        "nbgrader autograde": lambda n: autograde(root / "stock", n, imports),
        "nbgrader, tuned": lambda n: autograde(root / "stock", n, imports, TUNED),
        "nbgrader, tuned, with feedback": lambda n: autograde(
            root / "stock", n, imports, TUNED, feedback=True
        ),
        "otter-grader": lambda n: otter(root / "otter", n, imports, python),
    }
    for name, peer in peers.items():
        theirs, their_start = rate(peer)
        yield row(f"grading, {imports}: {name}", ours, theirs, name, "1/s core", MORE)
        if imports == "NumPy" and name == "nbgrader autograde":
            yield row("start of the command", 1 / start, 1 / their_start, name, "1/s", 1)
    peer = "one worker on one core"
    yield row(f"grading, {imports}: two workers on two cores", two, ours, peer, "1/s", OURS)


def rate(seconds: Callable[[int], float], more: int = MORE) -> tuple[float, float]:
    """Submissions per second, and the seconds before the first one."""
    least, most = seconds(FEW), seconds(FEW + more)
    each = max((most - least) / more, 1e-3)
    return 1 / each, max(least - FEW * each, 1e-3)


def grade(root: Path, students: int, imports: str, cores: int) -> float:
    """Seconds of our command; a worker for each core."""
    shutil.rmtree(root, ignore_errors=True)
    environment = homework.ours(root, students, imports)
    command = [sys.executable, "-m", "grader", "grade", NAME, "--workers", str(cores)]
    command += ["--course", str(root / "assignments")]
    seconds = timed(command, ROOT, environment, cores)
    points = [record["points"] for record in json.loads((root / "run/grade.json").read_text())]
    assert sum(points) == students * sum(POINTS.values()), points
    return seconds


def autograde(root: Path, students: int, imports: str, *options: str, feedback=False) -> float:
    """Seconds of nbgrader's own command."""
    shutil.rmtree(root, ignore_errors=True)
    environment = homework.stock(root, students, imports)
    seconds = timed([*NBGRADER, "autograde", NAME, *options], root, environment)
    if feedback:
        seconds += timed([*NBGRADER, "generate_feedback", NAME], root, environment)
    with sqlite3.connect(root / "gradebook.db") as book:
        (points,) = book.execute("SELECT SUM(auto_score) FROM grade").fetchone()
    assert points == students * sum(POINTS.values()), points
    return seconds


def otter(root: Path, students: int, imports: str, python: Path) -> float:
    """Seconds of otter-grader without its container."""
    shutil.rmtree(root, ignore_errors=True)
    environment = homework.otter(root, students, imports)
    return timed([str(python), "-c", GRADE_ALL, str(sum(POINTS.values()))], root, environment)


def timed(command: list[str], folder: Path, environment: dict[str, str], cores: int = 1) -> float:
    begun = time.perf_counter()
    homework.run(command, folder, environment, cores)
    return time.perf_counter() - begun


def otter_python() -> Path:
    """otter-grader's Python; made once. PyTorch and TensorFlow it takes from ours."""
    folder = ROOT / ".venv" / "otter"
    python = folder / "bin" / "python"
    done = folder / OTTER.replace("[grading]", "")
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "-q", OTTER]
        homework.run(pip, ROOT, None)
        (packages,) = folder.glob("lib/python*/site-packages")
        (ours,) = (ROOT / ".venv").glob("lib/python*/site-packages")
        (packages / "ours.pth").write_text(f"{ours}\n")  # its own come first
        done.touch()
    return python
