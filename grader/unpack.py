"""The files of a submission: a zip, a folder or one file. Nothing here trusts a byte of it."""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.sandbox import MIB

MODEL = "model.onnx"
NOTES = "collected.txt"
"""What collecting had to say of a submission stands in this file beside it."""
MAX_UNPACKED = 1 << 30
MAX_ENTRIES = 2000
SKIPPED = ("__MACOSX", ".ipynb_checkpoints")


@dataclass(frozen=True)
class File:
    """One file of a submission: its path inside, its size, and how to read its first n bytes."""

    path: str
    size: int
    read: Callable[[int], bytes]


class Refused(ValueError):
    """Nothing of this submission can be taken; the message says why."""


def files_of(path: Path) -> list[File]:
    """The files of a submission. Raises Refused."""
    if path.is_symlink():
        raise Refused(f"{path.name} is a link; nothing was taken. Put the file itself there.")
    if path.is_dir():
        found = _files_of_folder(path)
    elif path.suffix in (".ipynb", ".onnx"):
        found = [_file(path, path.name if path.suffix == ".ipynb" else MODEL)]
    else:
        found = _files_of_zip(path)
    return [f for f in found if not any(p in SKIPPED for p in PurePosixPath(f.path).parts)]


def _file(path: Path, name: str) -> File:
    def read(limit: int) -> bytes:
        with open(path, "rb") as file:
            return file.read(limit)

    return File(name, path.stat().st_size, read)


def _files_of_folder(folder: Path) -> list[File]:
    found, zips = [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise Refused(f"{folder.name}: {name} is a link. Submit the file itself.")
        if path.is_file():
            found.append(_file(path, name))
            zips += [path] if path.suffix == ".zip" and path.parent == folder else []
    if any(file.path.endswith(".ipynb") for file in found) or not zips:
        return found
    if len(zips) > 1:
        names = ", ".join(path.name for path in zips)
        raise Refused(f"{folder.name}: there are {len(zips)} zips in it ({names[:200]}). Keep one.")
    return [f for f in found if not f.path.endswith(".zip")] + _files_of_zip(zips[0])


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
