"""The attempts that lie in a folder of downloads, or in nbgrader's exchange."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from grader.names import Name, Roster, Unknown, read_exchange_name, read_name


@dataclass(frozen=True)
class Attempt:
    """One time that a student handed in.

    Attributes:
        student: whose it is; empty where nobody knows.
        source: what to call it: the name of the file or folder, or of the kernel.
        platform: attempts of one platform are ordered by `order`, then by time.
        paths: a zip, a folder, or a notebook and its model; none where nothing came.
        time: when it was handed in, in UTC.
        order: see `Name`.
        late: whether the platform says so.
        remarks: what the instructor should know of it.
    """

    student: str
    source: str
    platform: str = "student"
    paths: tuple[Path, ...] = ()
    time: datetime = datetime.fromtimestamp(0, UTC)
    order: tuple[int, ...] = ()
    late: bool = False
    remarks: tuple[str, ...] = ()


def of_folder(folder: Path, roster: Roster | None = None) -> list[Attempt]:
    """The attempts in a folder of downloads, in the order of their names.

    Raises FileNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        what = "is a file. Unpack it, and" if folder.is_file() else "is not a folder."
        raise FileNotFoundError(f"{folder} {what} name the folder with the downloads.")
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        try:
            name = read_name(path)
            found.append(_attempt(path, name, roster))
        except Unknown as error:
            found.append(Attempt("", path.name, remarks=(str(error),)))
    return _with_models(found)


def of_exchange(
    inbound: Path, assignment: str, roster: Roster | None = None, check_owner: bool = True
) -> list[Attempt]:
    """The attempts in the inbox of nbgrader's exchange.

    nbgrader's own collecting takes the newest and says nothing of the others, and it follows links.
    """
    found = []
    for path in sorted(inbound.iterdir()):
        try:
            name, of = read_exchange_name(path)
            if of != assignment:
                continue
            attempt = _attempt(path, name, roster)
        except Unknown as error:
            found.append(Attempt("", path.name, remarks=(str(error),)))
            continue
        if check_owner and (owner := _owner(path)) != name.id:
            remark = f"{path.name} says that it is {name.id}'s, but {owner} wrote it."
            attempt = replace(attempt, remarks=(remark,))
        found.append(attempt)
    return found


def _attempt(path: Path, name: Name, roster: Roster | None) -> Attempt:
    student = roster.student(name) if roster else name.id
    time = name.time or datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    if name.kind != "file":
        remark = f"{path.name}: Moodle's {name.kind} is not read; students hand in a file."
        return Attempt(student, path.name, name.platform, (), time, remarks=(remark,))
    return Attempt(student, path.name, name.platform, (path,), time, name.order, name.late)


def _with_models(attempts: list[Attempt]) -> list[Attempt]:
    """Puts a loose model to its student's newest attempt: some upload both files as they are."""
    models = [a for a in attempts if a.paths and a.paths[0].suffix == ".onnx"]
    others = [a for a in attempts if a not in models]
    for model in sorted(models, key=lambda a: (a.order, a.time), reverse=True):
        mine = [
            a
            for a in others
            if a.paths and (a.student, a.platform) == (model.student, model.platform)
        ]
        newest = max(mine, key=lambda a: (a.order, a.time), default=None)
        if newest is None or len(newest.paths) > 1:
            others.append(model)
            continue
        both = replace(
            newest,
            source=f"{newest.source}, {model.source}",
            paths=newest.paths + model.paths,
            time=max(newest.time, model.time),
            late=newest.late or model.late,
        )
        others[others.index(newest)] = both
    return sorted(others, key=lambda a: a.source)


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, NotImplementedError, OSError):
        return "somebody unknown"
