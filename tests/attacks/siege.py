"""Hands in a hostile submission and an honest one after it, grades both, looks at what is left."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch

import nbformat
import psutil
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from grader import outcomes, warm
from grader.checks import __file__ as checks
from grader.course import Grade
from grader.settings import REPOSITORY, settings
from tests.attacks.attack import PRELUDE, Attack
from tests.grader.classroom import NAME, RIGHT, Classroom, opened
from tests.mutants.judged import Result

TEXT = "Poles are worst: they are thin, said the honest one."
ACTIVE = set("script iframe object embed form input button link meta base svg math style".split())
PATIENCE = 120
"""Seconds after which an attack has kept the class waiting; the notebook itself may take 15."""


class Siege:
    """A classroom under attack."""

    def __init__(self, room: Classroom) -> None:
        self.room, self.course = room, room.course()
        self.runs: list[str] = []
        self.count = 0
        self._hand_in_honest("aaa")
        self.course.grade(NAME, "aaa")  # the hidden scenes are drawn
        self.secrets = {
            "the seed": str(settings().seed),
            "another student's text": TEXT,
            "the gradebook": "SQLite format 3",
            "the passwords": "root:x:0:0",
        }

    def results(self, attacks: list[Attack]) -> Iterator[Result]:
        """Runs attacks one after the other, then grades the next student of the class."""
        found = [self._run(attack) for attack in attacks]
        self.count += 1
        honest = f"a{self.count:03}"
        self._hand_in_honest(honest)
        self.course.grade(NAME, honest)
        (grade,) = [g for g in self.course.grades(NAME) if g.student == honest]
        points = {q.question: q.points for q in grade.questions}
        if points["one_hot"] != 5 or points["crop_flip"] != 5:
            said = f"the next student got {points}: {grade.remarks}"
            found = [replace(one, ok=False, said=f"{one.said}; {said}") for one in found]
        yield from found

    def _run(self, attack: Attack) -> Result:
        self.count += 1
        student = f"a{self.count:03}"
        self._hand_in(attack, student)
        before = self._files_of_others(student)
        start = time.monotonic()
        self.course.grade(NAME, student)
        self.course.feedback(NAME, student)
        seconds = time.monotonic() - start
        (grade,) = [g for g in self.course.grades(NAME) if g.student == student]
        faults = list(self._faults(attack, student, grade))
        if seconds > PATIENCE:
            faults.append(f"it kept the class waiting for {seconds:.0f} s")
        if self._files_of_others(student) != before:
            faults.append("files of others were changed")
        faults += self._left_behind()
        said = f"{grade.points:g} points in {seconds:.0f} s"
        said += f": {'; '.join(faults)}" if faults else f"; {_words(grade)}"
        return Result("attack", attack.name, not faults, said, "", grade.points, attack.points)

    def _hand_in(self, attack: Attack, student: str) -> None:
        notebook = self.room.notebook(RIGHT | {"analysis": "Nothing."} | attack.answers)
        for place, code in ((_second(notebook), attack.code), (0, attack.first)):
            paths = {"course": self.room.run, "repository": REPOSITORY, "checks": checks}
            for name, path in paths.items():
                code = code.replace(f"{{{name}}}", str(path))
            if code:
                notebook.cells.insert(place, nbformat.v4.new_code_cell(PRELUDE + code))
        if attack.change:
            attack.change(notebook)
        self._empty_inbox()
        if attack.pack:
            attack.pack(self.room.inbox / f"{student}_{NAME}", notebook)
        elif attack.model:
            self.room.hand_in(student, notebook, model__onnx=attack.model())
        else:
            self.room.hand_in(student, notebook)
        self.room.collected()
        for name, content in attack.files.items():
            path = self.course.submitted / student / NAME / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content) if isinstance(content, bytes) else content(path)

    def _hand_in_honest(self, student: str) -> None:
        self._empty_inbox()
        self.room.hand_in(student, self.room.notebook(RIGHT | {"analysis": TEXT}))
        self.room.collected()

    def _empty_inbox(self) -> None:
        shutil.rmtree(self.room.inbox)
        self.room.inbox.mkdir()

    def _faults(self, attack: Attack, student: str, grade: Grade) -> Iterator[str]:
        marked = [q for q in grade.questions if q.question != "analysis"]
        got = sum(q.points or 0 for q in marked)
        if got != attack.points:
            yield f"{got:g} points instead of {attack.points:g}"
        for question in marked:
            if question.outcome == "not graded":
                yield f"{question.question} is left to a person: {question.remark}"
        written = (self.room.run / "autograded" / student / NAME / f"{NAME}.ipynb").read_text()
        page = (self.room.run / "feedback" / student / NAME / f"{NAME}.html").read_text()
        form = self._form(student)
        kept = outcomes.path_of(NAME, student).read_text()
        notebook = nbformat.reads(written, as_version=4)
        outputs = str([cell.get("outputs") for cell in notebook.cells])
        for name, secret in self.secrets.items():
            if any(secret in text for text in (written, page, form, kept)):
                yield f"{name} was read"
        yield from re.findall(r"gained:.{0,100}", outputs + kept)
        if "leaked:" in page:
            yield "what was hidden stands in the feedback"
        for name, text in (("feedback", page), ("formgrader", form)):
            yield from (f"{name}: {what}" for what in running(text))
        remarks = " ".join(q.remark for q in marked)
        if "\x1b" in remarks or not remarks.isprintable():
            yield "a remark holds characters that a terminal obeys"
        if not re.search(attack.says, remarks + outputs + notebook.cells[0].source):
            yield f"nothing says {attack.says!r}: {remarks[:300]} {outputs[-300:]}"

    def _form(self, student: str) -> str:
        """The page of the formgrader, for the instructor."""
        config = Config()
        config.HTMLExporter.template_name = "formgrade"
        config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
        resources = {"base_url": "", "index": 0, "total": 1, "student": student}
        path = self.room.run / "autograded" / student / NAME / f"{NAME}.ipynb"
        return HTMLExporter(config=config).from_filename(str(path), resources=resources)[0]

    def _files_of_others(self, *mine: str) -> dict[str, str]:
        """Path → hash, of all that a submission must not touch."""
        places = [self.room.assignments / "source", self.room.run / "release"]
        for kind in ("submitted", "autograded", "feedback"):
            if (self.room.run / kind).exists():
                places += [p for p in (self.room.run / kind).iterdir() if p.name not in mine]
        files = [self.room.run / "grading.toml", self.room.assignments / "nbgrader_config.py"]
        files += [path for place in places for path in place.rglob("*") if path.is_file()]
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    def _left_behind(self) -> Iterator[str]:
        for _ in range(40):  # what was killed may still be going
            if not (found := [*self._processes(), *filter(os.path.lexists, self.runs)]):
                break
            time.sleep(0.25)
        for what in found:
            yield f"left behind: {what}"
        homes = [Path("/tmp"), Path.home(), REPOSITORY, REPOSITORY / "grader", self.room.run]
        homes.append(self.room.run / "outcomes" / NAME)
        for home in homes:
            yield from (f"left behind: {path}" for path in home.glob("pwned*"))

    def _processes(self) -> Iterator[str]:
        for process in psutil.process_iter():
            try:
                mounts = Path(f"/proc/{process.pid}/mountinfo").read_text()
                command = " ".join(process.cmdline())
            except (OSError, psutil.Error):
                continue
            if any(f"{run}/" in mounts or f"{run}/" in command for run in self.runs):
                yield f"process {process.pid} {command[:60]}"
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if process.name() in ("pixelwise-judge", "student-kernel"):
                    yield f"process {process.pid} {process.name()}"


@contextmanager
def besieged(root: Path, cold: bool = False) -> Iterator[Siege]:
    """A classroom, and a note of every folder that a run is given.

    Kernels start warm, whatever the notebook says, or cold.
    """
    start = None if cold else "pytorch"
    with opened(root) as room, patch.object(warm, "framework_of", lambda notebook: start):
        made, runs = tempfile.mkdtemp, []

        def noted(*args, **kwargs):
            runs.append(made(*args, **kwargs))
            return runs[-1]

        with patch.object(tempfile, "mkdtemp", noted):
            found = Siege(room)
            found.runs = runs
            yield found


def running(page: str) -> list[str]:
    """What of a page an attacker had a browser execute or load: all of it says "pwned"."""
    found: list[str] = []

    class Parser(HTMLParser):
        tag = ""

        def handle_starttag(self, tag, attributes):
            self.tag = tag
            for name, value in attributes:
                place = re.sub(r"[\x00-\x20]", "", value or "").lower()
                far = re.match(r"[a-z]+:|//", place)
                link = name == "href" and far and not re.match("https?:|mailto:", place)
                loaded = name == "src" and far and not place.startswith("data:image/")
                does = name.startswith(("on", "style", "srcdoc", "action", "formaction", "http-"))
                if "pwned" in place and (link or loaded or does or tag in ACTIVE):
                    found.append(f"<{tag} {name}={value}>"[:200])

        def handle_data(self, data):
            if self.tag in ("script", "style", "svg", "iframe") and "pwned" in data:
                found.append(f"<{self.tag}> {data.strip()[:100]}")

        def handle_endtag(self, tag):
            self.tag = ""

    Parser().feed(page)
    return found


def _second(notebook: nbformat.NotebookNode) -> int:
    """The place between the second answer and its check."""
    return next(i for i, cell in enumerate(notebook.cells) if "def crop_flip(" in cell.source) + 1


def _words(grade: Grade) -> str:
    return " | ".join(dict.fromkeys(q.remark for q in grade.questions[:2] if q.remark))[:160]
