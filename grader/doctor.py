"""What this machine and the assignments lack for grading, and how to get it."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np

from grader import sandbox
from grader.checks import Question, assignment
from grader.course import Course
from grader.rehearse import code_of, rehearse
from grader.settings import settings
from helpers.verdict import wrong

FEWEST = 3
"""So many known mistakes each question needs."""
PACKAGES = ("nbgrader", "nbclient", "ipykernel", "onnx", "onnxruntime", "psutil", "bleach")


class Missing(RuntimeError):
    """Something is missing; the message says what, and how to get it."""


def packages() -> str:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise Missing(f"pip install {' '.join(missing)}")
    return "installed"


def frameworks() -> str:
    found = [n for n in ("torch", "tensorflow", "keras") if importlib.util.find_spec(n)]
    if len(found) < 3:
        raise Missing(
            f"students may use PyTorch and Keras; here are only: {', '.join(found) or 'none'}. "
            "Run `pip install -e .[torch,keras]`."
        )
    return ", ".join(found)


def confinement() -> str:
    sandbox.preflight()
    user = "root, which steps down to nobody" if os.geteuid() == 0 else "an ordinary user"
    return f"bubblewrap starts, as {user}: without network and without sight of this course"


def disk(course: Path) -> str:
    folder = Course(course).folder
    free = shutil.disk_usage(folder).free
    if free < 1 << 30:
        raise Missing(f"{folder} has {free >> 20} MiB left; grading needs 1 GiB.")
    return f"{free >> 30} GiB free in {folder}"


def hidden_cases(course: Path) -> str:
    Course(course)
    chosen = settings()
    return f"they come from {chosen.folder or chosen.data}; the seed is kept secret"


def mistakes(name: str) -> str:
    """Every question knows its usual mistakes, and each of them is caught."""
    planted = importlib.util.find_spec("tests.mutants") and import_module(f"tests.mutants.{name}")
    count = 0
    for key, question in assignment(name).items():
        own = [m for m in getattr(planted, "MUTANTS", []) if m.question == key]
        found = known_mistakes(question) | {f"{m.old} → {m.new}" for m in own}
        if len(found) < FEWEST and (planted or question.kind in ("function", "loss")):
            raise Missing(
                f"{key} has {len(found)} known mistakes: add some to grader/checks or to "
                f"tests/mutants/{name}.py until it has {FEWEST}"
            )
        count += len(found)
    return f"{count} known mistakes"


def known_mistakes(question: Question) -> set[str]:
    """The hints of a question's mistakes. Raises Missing for one that no case catches."""
    cases = question.cases(np.random.default_rng(1))
    hints = {hint for case in cases for hint, _ in case.mistakes}
    for hint in hints:
        tried = [(case, dict(case.mistakes)[hint]) for case in cases if hint in dict(case.mistakes)]
        if not any(wrong(case, outputs) == hint for case, outputs in tried):
            raise Missing(f"no case catches the mistake '{hint}'")
    return hints


def reference(name: str, notebook: Path) -> str:
    """The solution gets every point, in each framework that the assignment offers."""
    code = code_of(notebook)
    tracks = ("pytorch", "keras") if 'FRAMEWORK = "pytorch"' in code else ("pytorch",)
    judged = [key for key, question in assignment(name).items() if question.kind != "model"]
    open_parts: set[str] = set()
    for track in tracks:
        found = rehearse(name, code_of(notebook, framework=track))
        for key in judged:
            lost = [part["part"] for part in found[key].parts if part["said"]]
            if found[key].points != found[key].max and lost != ["same as model.onnx"]:
                raise Missing(f"{track}, {key}: the solution gets {found[key].remark}")
            open_parts |= {*lost}
    models = [key for key in assignment(name) if key not in judged]
    said = f"all points of {len(judged)} questions"
    said += f", in {' and '.join(tracks)}" if len(tracks) > 1 else ""
    needs = ", ".join([*models, *sorted(open_parts)])
    return f"{said}; not tried without a trained model: {needs}" if needs else said


def blank(name: str, notebook: Path) -> str:
    """The students' version, untouched, gets nothing."""
    found = rehearse(name, code_of(notebook, blank=True))
    for key, outcome in found.items():
        if outcome.points or outcome.outcome != "no answer":
            raise Missing(f"{key}: an untouched notebook gets {outcome.points} points")
    return "no points, and no question is 'not graded'"


def examine(course: Path, names: list[str]) -> Iterator[tuple[str, str, bool]]:
    """What was looked at, what was found, and whether it is as it should be."""
    looks = [
        ("packages", packages, ()),
        ("frameworks", frameworks, ()),
        ("sandbox", confinement, ()),
        ("course folder", disk, (course,)),
        ("hidden cases", hidden_cases, (course,)),
    ]
    for name in names:
        notebook = course / "source" / name / f"{name}.ipynb"
        looks += [
            (f"{name}: mistakes", mistakes, (name,)),
            (f"{name}: the solution", reference, (name, notebook)),
            (f"{name}: a blank one", blank, (name, notebook)),
        ]
    for what, look, given in looks:
        try:
            yield what, look(*given), True
        except FileNotFoundError as error:
            yield what, f"{error.filename} is missing. Run `make notebooks`.", False
        except Exception as error:  # whatever it is, it is what the instructor needs to read
            yield what, " ".join(str(error).split()), False
