"""What an attack is, and what must hold after it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nbformat.notebooknode import NotebookNode

WRONG = {
    "one_hot": "def one_hot(mask, classes):\n    return mask",
    "crop_flip": "def crop_flip(image, *rest):\n    return image",
}

PRELUDE = """
def gained(*what):
    print("gai" "ned:", *what)
def leaked(*what):
    print("lea" "ked:", *what)
"""
"""An attack calls `gained` where it reached what nobody may reach. What it says with `leaked` is
what it may know but must not carry home: it must not stand in the feedback."""


@dataclass(frozen=True)
class Attack:
    """A hostile submission. Unless it says otherwise both of its answers are wrong.

    After it: no point that the answers do not earn; no question left to a person; `gained` and no
    secret in anything that was written; `leaked` and nothing that runs in the pages; no process, no
    folder, no file left, nothing of others changed; and the next student gets the right grade.

    Attributes:
        name: it must differ from the others'.
        code: a cell between the two questions. In it, {course}, {repository} and {checks} are paths
            of the instructor's.
        first: a cell before everything else.
        answers: what stands in the cells of the answers.
        change: what it does to the notebook before it is handed in.
        files: what lies beside the notebook, as with nbgrader's own way of handing in.
        pack: writes the file that is handed in, given its path without an ending and the notebook.
        model: model.onnx.
        points: what its answers earn.
        says: a regular expression that must be found in a remark or in an output.
    """

    name: str
    code: str = ""
    first: str = ""
    answers: dict[str, str] = field(default_factory=lambda: WRONG)
    change: Callable[[NotebookNode], object] | None = None
    files: dict[str, bytes | Callable[[Path], object]] = field(default_factory=dict)
    pack: Callable[[Path, NotebookNode], object] | None = None
    model: Callable[[], bytes] | None = None
    points: float = 0
    says: str = ""
