"""Takes in what students handed in, however it came: one submission per student, the newest.

Each ends as submitted/<student>/<assignment>/ with the notebook, model.onnx and a timestamp. What
cannot be taken gets a sentence and a placeholder, so that nobody is missing from the grades.
"""

import secrets
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import nbformat

from grader.inbox import Attempt, of_folder
from grader.runner import MAX_MODEL
from grader.sandbox import MIB
from grader.submissions import MAX_NOTEBOOK, Unreadable, placeholder, printable, read_notebook
from grader.unpack import MODEL, NOTES, File, Refused, files_of

SECRET = "submission_secret.txt"
STAMP = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True)
class Collected:
    """What became of one attempt.

    Attributes:
        student: whose it is; empty when nobody knows.
        source: the name of the file or folder, or of the kernel.
        taken: whether its notebook is what will be graded.
        remarks: what is to be known of it, one sentence each, with the remedy.
    """

    student: str
    source: str
    taken: bool
    remarks: tuple[str, ...]


def collect(folder: Path, submitted: Path, assignment: str, notebook: str) -> list[Collected]:
    """Take in every submission of a folder of downloads; see `take`.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    return take(of_folder(folder), submitted, assignment, notebook)


def take(
    attempts: list[Attempt],
    submitted: Path,
    assignment: str,
    notebook: str,
    due: datetime | None = None,
) -> list[Collected]:
    """Take in the newest attempt of every student, and say what became of each.

    Args:
        attempts: from `grader.inbox` or `grader.kaggle`.
        submitted: nbgrader's folder of submissions.
        assignment: its name.
        notebook: the name of its notebook, without .ipynb.
        due: what comes later is late, and taken all the same.

    Returns:
        One entry per attempt, in their order.
    """
    newest = _newest(attempts)
    found = []
    for one in attempts:
        remarks, taken = [*one.remarks, *_lateness(one, due)], False
        target = submitted / one.student / assignment
        if one.student and one.paths:
            if newest[one.student] is not one:
                remarks.insert(0, f"older: {newest[one.student].source} counts instead.")
            elif (kept := _kept(target)) and kept > one.time.replace(microsecond=0):
                remarks.insert(
                    0,
                    f"older: one of {kept.strftime(STAMP)} was collected before and counts. To "
                    f"take this one of {one.time.strftime(STAMP)}, remove {target}.",
                )
            else:
                taken, said = _take(one, target, notebook)
                remarks = said + remarks
        found.append(Collected(one.student, one.source, taken, tuple(map(printable, remarks))))
    return found


def _newest(attempts: list[Attempt]) -> dict[str, Attempt]:
    """Student → the attempt that counts."""
    of_platform: dict[tuple[str, str], Attempt] = {}
    for one in attempts:
        last = of_platform.get((one.student, one.platform))
        if one.paths and (last is None or (one.order, one.time) > (last.order, last.time)):
            of_platform[one.student, one.platform] = one
    newest: dict[str, Attempt] = {}
    for (student, _), one in of_platform.items():
        if student not in newest or one.time > newest[student].time:
            newest[student] = one
    return newest


def _lateness(one: Attempt, due: datetime | None) -> list[str]:
    if due and one.paths and one.time > due:
        return [f"late: of {one.time.strftime(STAMP)}, due {due.strftime(STAMP)}."]
    return [f"late, says {one.platform.capitalize()}."] if one.late else []


def _kept(target: Path) -> datetime | None:
    """When the submission that is there was handed in."""
    try:
        text = (target / "timestamp.txt").read_text("utf-8").strip()
        return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except (OSError, ValueError):
        return None


def _take(one: Attempt, target: Path, notebook: str) -> tuple[bool, list[str]]:
    """Writes one submission; whether its notebook was taken, and what is wrong with it."""
    path, remarks, taken = one.paths[0], [], True
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "submission"
        fresh.mkdir()
        try:
            files = [file for path in one.paths for file in files_of(path)]
            (fresh / f"{notebook}.ipynb").write_bytes(_notebook(path, files, notebook, remarks))
            _model(path, files, fresh, remarks)
        except Refused as error:
            taken = False
            remarks.append(str(error))
            nbformat.write(placeholder(printable(str(error))), fresh / f"{notebook}.ipynb")
        (fresh / "timestamp.txt").write_text(one.time.strftime(STAMP) + "\n")
        (fresh / SECRET).write_text(_secret(one, target))
        remarks = [printable(remark) for remark in remarks]
        if remarks:
            (fresh / NOTES).write_text("\n".join(remarks) + "\n", "utf-8")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh, target)
    return taken, remarks


def _secret(one: Attempt, target: Path) -> str:
    """What nbgrader names a released feedback page after: the student's browser asks for that name.

    Who came by another way gets a secret, too; without one nbgrader releases no feedback at all.
    """
    for path in [*one.paths, target] if one.platform == "exchange" else [target]:
        file = path / SECRET
        if file.is_file() and not file.is_symlink():
            with open(file, encoding="utf-8", errors="replace") as said:
                if kept := said.read(1000).strip():
                    return kept
    return secrets.token_hex(64)


def _notebook(path: Path, files: list[File], name: str, remarks: list[str]) -> bytes:
    """The bytes of the submission's notebook; they need not be a notebook (a remark says so)."""
    notebooks = [file for file in files if file.path.endswith(".ipynb")]
    exact = [file for file in notebooks if PurePosixPath(file.path).name == f"{name}.ipynb"]
    names = ", ".join(sorted(file.path for file in notebooks))
    if not notebooks:
        raise Refused(f"{path.name}: there is no notebook in it. Submit {name}.ipynb.")
    if len(notebooks) > 1 and len(exact) != 1:
        raise Refused(
            f"{path.name}: there are {len(notebooks)} notebooks in it ({names[:200]}). Submit one, "
            f"{name}.ipynb."
        )
    if len(notebooks) > 1:
        remarks.append(f"{path.name}: of {names[:200]} only {exact[0].path} was taken.")
    chosen = exact[0] if exact else notebooks[0]
    if not exact and chosen.path != path.name:
        remarks.append(f"{path.name}: {chosen.path[:200]} was taken as {name}.ipynb.")
    try:
        data = chosen.read(MAX_NOTEBOOK + 1)
        read_notebook(data, chosen.path)
    except Unreadable as error:
        remarks.append(str(error) if chosen.path == path.name else f"{path.name}: {error}")
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise Refused(_damaged(path, chosen, error)) from None
    return data[: MAX_NOTEBOOK + 1]


def _model(path: Path, files: list[File], target: Path, remarks: list[str]) -> None:
    models = [file for file in files if PurePosixPath(file.path).name == MODEL]
    if len(models) > 1:
        remarks.append(f"{path.name}: there are {len(models)} {MODEL} in it; none was taken.")
    if len(models) != 1:
        return
    (model,) = models
    if model.size > MAX_MODEL:
        remarks.append(
            f"{path.name}: {model.path} has {model.size / MIB:.0f} MiB, at most {MAX_MODEL // MIB} "
            "are allowed; it was not taken. Make the network narrower (width=) and export it again."
        )
        return
    try:
        data = model.read(MAX_MODEL + 1)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        remarks.append(_damaged(path, model, error))
        return
    if len(data) <= MAX_MODEL:
        (target / MODEL).write_bytes(data)


def _damaged(path: Path, file: File, error: Exception) -> str:
    return f"{path.name}: {file.path} is damaged ({error}). Pack and upload it again."
