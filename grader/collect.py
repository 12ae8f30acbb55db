"""Takes in what a learning platform hands out: zips, folders or loose notebooks, one per student.

Each ends as submitted/<student>/<assignment>/ with the notebook, model.onnx and a timestamp. What
cannot be taken gets a sentence and a placeholder, so that nobody is missing from the grades.
"""

import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import nbformat

from grader.runner import MAX_MODEL
from grader.sandbox import MIB
from grader.submissions import MAX_NOTEBOOK, Unreadable, placeholder, printable, read_notebook

MAX_UNPACKED = 1 << 30
MAX_ENTRIES = 2000
MODEL = "model.onnx"
NOTES = "collected.txt"


@dataclass(frozen=True)
class Collected:
    """What became of one file or folder.

    Attributes:
        student: whose it is; empty when the name does not tell.
        source: the name of the file or folder.
        remarks: what is wrong with it, one sentence each, with the remedy.
    """

    student: str
    source: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """One file of a submission: its path inside, its size, and how to read its first n bytes."""

    path: str
    size: int
    read: Callable[[int], bytes]


class Refused(ValueError):
    """Nothing of this submission can be taken; the message says why."""


def collect(folder: Path, submitted: Path, assignment: str, notebook: str) -> list[Collected]:
    """Take in every submission of a folder.

    Args:
        folder: holds `<student>_anything.zip`, `<student>.zip`, folders called `<student>`, or
            `<student>_anything.ipynb`.
        submitted: nbgrader's folder of submissions.
        assignment: its name.
        notebook: the name of its notebook, without .ipynb.

    Returns:
        One entry per file or folder, in the order of their names. The newest of several of one
        student counts.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder. Name the one with the downloads.")
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    newest: dict[str, Path] = {}
    for path in entries:
        student = student_of(path)
        if student and (student not in newest or _time(path) > _time(newest[student])):
            newest[student] = path
    found = []
    for path in entries:
        student = student_of(path)
        if not student:
            remark = (
                f"{path.name}: the name does not begin with a student's id (letters, digits, "
                ". - @); nothing was taken. Rename it to <student>.zip."
            )
            found.append(Collected("", path.name, (remark,)))
        elif newest[student] != path:
            remark = f"{path.name}: {newest[student].name} is newer and was taken instead."
            found.append(Collected(student, path.name, (remark,)))
        else:
            remarks = _take(path, submitted / student / assignment, notebook)
            found.append(Collected(student, path.name, tuple(remarks)))
    return found


def student_of(path: Path) -> str:
    """The student's id: a folder's whole name, a file's name up to the first "_" or the ending."""
    name = path.name if path.is_dir() else path.stem.split("_")[0]
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}", name) else ""


def _time(path: Path) -> float:
    return path.lstat().st_mtime


def _take(path: Path, target: Path, notebook: str) -> list[str]:
    """Writes one submission; returns what is wrong with it."""
    remarks: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "submission"
        fresh.mkdir()
        try:
            files = _files(path)
            (fresh / f"{notebook}.ipynb").write_bytes(_notebook(path, files, notebook, remarks))
            _model(path, files, fresh, remarks)
        except Refused as error:
            remarks.append(str(error))
            nbformat.write(placeholder(printable(str(error))), fresh / f"{notebook}.ipynb")
        time = datetime.fromtimestamp(_time(path), UTC)
        (fresh / "timestamp.txt").write_text(time.strftime("%Y-%m-%d %H:%M:%S UTC\n"))
        remarks = [printable(remark) for remark in remarks]
        if remarks:
            (fresh / NOTES).write_text("\n".join(remarks) + "\n", "utf-8")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh, target)
    return remarks


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


def _files(path: Path) -> list[File]:
    """The files of a submission. Raises Refused."""
    if path.is_symlink():
        raise Refused(f"{path.name} is a link; nothing was taken. Put the file itself there.")
    if path.is_dir():
        found = _files_of_folder(path)
    elif path.suffix == ".ipynb":
        found = [_file(path, path.name)]
    else:
        found = _files_of_zip(path)
    skip = ("__MACOSX", ".ipynb_checkpoints")
    return [f for f in found if not any(p in skip for p in PurePosixPath(f.path).parts)]


def _file(path: Path, name: str) -> File:
    def read(limit: int) -> bytes:
        with open(path, "rb") as file:
            return file.read(limit)

    return File(name, path.stat().st_size, read)


def _files_of_folder(folder: Path) -> list[File]:
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise Refused(f"{folder.name}: {name} is a link. Submit the file itself.")
        if path.is_file():
            found.append(_file(path, name))
    return found


def _files_of_zip(path: Path) -> list[File]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError):
        raise Refused(
            f"{path.name} ({path.stat().st_size} bytes) is not a zip, or it was cut off on its "
            "way. Pack the notebook and the model into a zip and upload it again."
        ) from None
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
        raise Refused(
            f"{path.name} unpacks to {len(entries)} files of {unpacked / MIB:.0f} MiB; nothing was "
            "taken. Pack the notebook and the model only."
        )
    for entry in entries:
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in entry.filename:
            raise Refused(
                f"{path.name}: {entry.filename[:100]!r} points out of the zip. Pack the files of "
                "one folder."
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused(f"{path.name}: {entry.filename[:100]} is a link. Pack the file itself.")
        if entry.flag_bits & 1:
            raise Refused(f"{path.name} has a password. Pack it without one.")

    def reader(entry: zipfile.ZipInfo) -> Callable[[int], bytes]:
        def read(limit: int) -> bytes:
            try:
                with zipfile.ZipFile(path) as again, again.open(entry) as file:
                    return file.read(limit)
            except (zipfile.zlib.error, NotImplementedError, RuntimeError) as error:
                raise ValueError(str(error)) from None

        return read

    return [File(entry.filename, entry.file_size, reader(entry)) for entry in entries]
