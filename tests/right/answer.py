"""A right answer, and what a student does with it before handing in."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from grader.settings import REPOSITORY

EXAMPLES = REPOSITORY / "assignments" / "examples"
TRAINED = {"pytorch": EXAMPLES / "ada/model.onnx", "keras": EXAMPLES / "grace/model.onnx"}


@dataclass(frozen=True)
class Right:
    """One right answer.

    Attributes:
        question: what it answers.
        way: how it is written, for a person.
        code: what stands in the answer cell; for `trained_model`, what the student did at the desk
            with a file model.onnx that gets every point.
        framework: "pytorch" or "keras", where the assignment leaves the choice.
    """

    question: str
    way: str
    code: str
    framework: str = "pytorch"


def model_of(right: Right, folder: Path) -> Path | None:
    """The model.onnx that is handed in with an answer, made in `folder` as at a desk."""
    code = right.code
    if right.question == "unet":
        code = f'FRAMEWORK = "{right.framework}"\nimport numpy as np\n{code}\n'
        code += "from helpers.export import export\nexport(unet(13, 8), 'model.onnx')"
    elif right.question == "trained_model":
        shutil.copyfile(TRAINED[right.framework], folder / "model.onnx")
    else:
        return None
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{right.way}: {done.stderr[-2000:]}"
    return folder / "model.onnx"
