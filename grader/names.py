"""Whose a download is: how Moodle, Canvas and nbgrader's exchange name it, and the roster."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.utils import parse_utc

STUDENT = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}"
MOODLE = re.compile(r"(?P<person>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_(?P<file>.*)")
CANVAS = re.compile(
    r"(?P<person>[^_]+?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<upload>\d+)_"
    r"(?P<file>.+?(-(?P<again>\d+))?(\.\w+)?)"
)
EXCHANGE = re.compile(rf"(?P<id>{STUDENT})\+(?P<assignment>[^+]+)\+(?P<time>[^+]+)(\+[^+]*)?")
COLUMNS = ("student", "name", "moodle", "canvas", "kaggle")


class Unknown(ValueError):
    """It cannot be told whose this is; the message says why and what to do."""


@dataclass(frozen=True)
class Name:
    """What the name of a file or folder tells.

    Attributes:
        platform: "moodle", "canvas", "exchange", or "student" where it begins with a student's id.
        id: the platform's number of the person, or the student's id.
        person: the person's name as the platform writes it; empty where it does not.
        kind: "file", or what Moodle calls it.
        late: whether the platform says that it came late.
        order: grows from attempt to attempt, where the platform numbers them.
        time: when it was handed in, in UTC, where the name tells.
    """

    platform: str
    id: str
    person: str = ""
    kind: str = "file"
    late: bool = False
    order: tuple[int, ...] = ()
    time: datetime | None = None


def read_name(path: Path) -> Name:
    """Reads the name of a file or folder. Raises Unknown."""
    if found := MOODLE.fullmatch(path.name):
        return Name("moodle", found["id"], found["person"], found["kind"])
    if found := CANVAS.fullmatch(path.name):
        order = (int(found["upload"]), int(found["again"] or 0))
        late = found["late"] is not None
        return Name("canvas", found["id"], found["person"], late=late, order=order)
    name = path.name if path.is_dir() else path.stem.split("_")[0]
    if re.fullmatch(STUDENT, name):
        return Name("student", name)
    raise Unknown(
        f"{path.name}: the name does not begin with a student's id (letters, digits, . - @), and "
        "neither Moodle nor Canvas names files so; nothing was taken. Rename it to <student>.zip."
    )


def read_exchange_name(path: Path) -> tuple[Name, str]:
    """Reads the name of a folder in the exchange's inbox; the second is the assignment's name."""
    found = EXCHANGE.fullmatch(path.name)
    try:
        time = parse_utc(found["time"]).replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise Unknown(f"{path.name}: nbgrader does not name submissions so.") from None
    return Name("exchange", found["id"], time=time), found["assignment"]


class Roster:
    """Students and what the platforms call them, of a CSV with a head.

    Its columns: student, and any of name, moodle (participant's number), canvas (user id) and
    kaggle (user name). Raises ValueError, naming the line, when it makes no sense.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.students = path, []
        self._known: dict[tuple[str, str], set[str]] = {}
        for line, row in rows(path, {"student"}, set(COLUMNS)):
            student = row["student"]
            if not re.fullmatch(STUDENT, student):
                raise ValueError(
                    f"{path}, line {line}: {student!r} is no id (letters, digits, . - @)."
                )
            if student in self.students:
                raise ValueError(f"{path}, line {line}: {student} is there twice.")
            self.students.append(student)
            self._known[("exchange", student)] = self._known[("student", student)] = {student}
            for platform in ("moodle", "canvas", "kaggle"):
                if row.get(platform):
                    key = (platform, row[platform].lower())
                    self._known.setdefault(key, set()).add(student)
            for spelling in spellings(row.get("name", "")):
                self._known.setdefault(("name", spelling), set()).add(student)

    def student(self, name: Name) -> str:
        """The student's id. Raises Unknown."""
        named = next(iter(spellings(name.person)), "")
        for key in ((name.platform, name.id.lower()), (name.platform, name.id), ("name", named)):
            found = self._known.get(key, set())
            if len(found) == 1:
                return next(iter(found))
            if found:
                several = ", ".join(sorted(found))
                raise Unknown(f"{key[1]} is {several} in {self.path.name}; nothing was taken.")
        column = {"exchange": "student"}.get(name.platform, name.platform)
        who = f"{name.person} ({name.platform} {name.id})" if name.person else name.id
        raise Unknown(
            f"{who} is not in {self.path.name}; nothing was taken. Write {name.id} into the column "
            f"{column} of its line."
        )


def spellings(name: str) -> list[str]:
    """A name in small letters and without spaces, begun with each of its words in turn: Canvas
    writes lovelaceada for Ada Lovelace."""
    words = ["".join(filter(str.isalnum, word)) for word in name.casefold().split()]
    words = [word for word in words if word]
    return ["".join(words[i:] + words[:i]) for i in range(len(words))]


def rows(path: Path, needed: set[str], known: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV with a head, with their numbers. Raises ValueError."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file, skipinitialspace=True)
        head = {str(name).strip().lower() for name in table.fieldnames or ()}
        if not needed <= head or not head <= known:
            raise ValueError(
                f"{path} has the columns {', '.join(sorted(head)) or 'none'}; it needs "
                f"{', '.join(sorted(needed))}, and knows {', '.join(sorted(known))}, with commas "
                "between them."
            )
        for row in table:
            if None in row or None in row.values():
                raise ValueError(f"{path}, line {table.line_num}: not as many values as columns.")
            cleaned = {key.strip().lower(): value.strip() for key, value in row.items()}
            if any(cleaned.values()):
                yield table.line_num, cleaned
