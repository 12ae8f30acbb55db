"""nbgrader's steps, made safe: every stock command and the formgrader run through these.

SubmissionExporter    reads a submission, whatever it is
MendMetadata          gives nbgrader's marks back their true values
SandboxExecute        runs it (grader.execute)
LedgerSaveAutoGrades  takes the scores from the judge's ledger, never from an output
SafeOutputs           leaves nothing in a notebook that a browser would execute
"""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader import utils
from nbgrader.api import Gradebook, Notebook
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades

from grader import outcomes, submissions
from grader.checks import assignment
from grader.feedback import judge_outputs
from grader.outcomes import Outcome, Run
from grader.submissions import MARK, Unreadable

NOT_EXECUTED = "the notebook was not executed"


def remove_links(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader copies what a link points to; so no link of a submission may live that long.

    Nor may a pipe, which never ends.
    """
    for folder in {Path(notebook).parent for notebook in notebooks}:
        for path in folder.rglob("*"):
            plain = not path.is_symlink() and (path.is_file() or path.is_dir())
            if not plain and path.suffix != ".ipynb":
                path.unlink()


class SubmissionExporter(NotebookExporter):
    """Reads a notebook that may be anything. What cannot be read becomes a placeholder that says
    so, and the student stays in the gradebook."""

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> Any:
        path = Path(filename)
        resources = ResourcesDict() if resources is None else resources
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        try:
            if path.is_symlink():
                raise Unreadable(f"{path.name} is a link. Submit the notebook itself.")
            if not path.is_file():
                raise Unreadable(f"{path.name} is no plain file. Submit the notebook itself.")
            with open(path, "rb") as file:
                data = file.read(submissions.MAX_NOTEBOOK + 1)
            notebook = submissions.read_notebook(data, path.name)
        except Unreadable as error:
            notebook = submissions.placeholder(str(error))
        return self.from_notebook_node(notebook, resources=resources, **kw)


class MendMetadata(NbGraderPreprocessor):
    """Takes nbgrader's marks of each cell from the gradebook; the student's may say anything.

    Of several copies of a cell the last one is marked, as in nbgrader.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        who = resources["nbgrader"]
        with Gradebook(who["db_url"]) as gradebook:
            marks = true_marks(gradebook.find_notebook(who["notebook"], who["assignment"]))
        for cell in reversed(nb.cells):
            claimed = cell.metadata.pop("nbgrader", {}).get("grade_id")
            if isinstance(claimed, str) and claimed in marks:
                cell.metadata["nbgrader"] = marks.pop(claimed)
        return nb, resources


def true_marks(source: Notebook) -> dict[str, dict[str, Any]]:
    """nbgrader's metadata for each marked cell of an assignment's notebook, by grade_id."""
    points = {cell.name: cell.max_score for cell in [*source.grade_cells, *source.task_cells]}
    grade = {cell.name for cell in source.grade_cells}
    solution = {cell.name for cell in source.solution_cells}
    task = {cell.name for cell in source.task_cells}
    marks = {}
    for cell in source.source_cells:
        marks[cell.name] = {
            "grade_id": cell.name,
            "grade": cell.name in grade,
            "solution": cell.name in solution,
            "task": cell.name in task,
            "locked": cell.locked,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
            "schema_version": 3,
        }
        if cell.name in points:
            marks[cell.name]["points"] = points[cell.name]
    return marks


class LedgerSaveAutoGrades(SaveAutoGrades):
    """Writes one outcome per question into the gradebook, and one line under each test cell."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        who = resources["nbgrader"]
        self.notebook_id, self.assignment_id = who["notebook"], who["assignment"]
        self.student_id = who["student"]
        run = resources.get("pixelwise") or Run(broken=NOT_EXECUTED, confined=False)
        with Gradebook(who["db_url"]) as self.gradebook:
            source = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
            marks = true_marks(source)
            cells = {
                cell.metadata.nbgrader.grade_id: cell
                for cell in nb.cells
                if cell.metadata.get("nbgrader", {}).get("grade_id") in marks
            }
            for number, cell in enumerate(nb.cells):
                late = run.dealt is not None and number >= run.dealt
                cell.metadata[MARK] = {"dealt": late, "judge": 0}
            for name, cell in cells.items():
                if marks[name]["solution"] or marks[name]["task"]:
                    self._add_comment(cell, resources)
            found, asked = [], assignment(self.assignment_id)
            for name in [name for name in marks if "points" in marks[name]]:
                by_hand = marks[name]["solution"] or marks[name]["task"]
                judge = self._by_hand if by_hand else outcomes.decide
                outcome = judge(name, marks[name]["points"], run, cells.get(name))
                self._save(outcome)
                found.append(outcome)
                if name not in cells:
                    text = next(c.source for c in source.source_cells if c.name == name)
                    cells[name] = restored(marks[name], text)
                    nb.cells.append(cells[name])
                if not by_hand:
                    judged = judge_outputs(outcome, asked.get(name), run.confined)
                    cells[name].outputs = [*judged, *cells[name].get("outputs", [])]
                    cells[name].metadata.setdefault(MARK, {})["judge"] = len(judged)
            self.gradebook.db.commit()
        if run.stopped or run.problem:
            nb.cells.insert(0, new_markdown_cell(f"**{run.stopped or run.problem}**"))
        outcomes.save(self.assignment_id, self.student_id, found, run)
        return nb, resources

    def _by_hand(self, name: str, maximum: float, run: Run, cell: NotebookNode | None) -> Outcome:
        if run.problem:
            return Outcome(name, 0.0, maximum, "no answer", run.problem)
        if cell is None:
            remark = "its cell is missing; the answer may stand elsewhere in the notebook"
            return Outcome(name, None, maximum, "by hand", remark)
        if not utils.is_task(cell) and utils.determine_grade(cell)[0] == 0:
            return Outcome(name, 0.0, maximum, "no answer", "nothing was written")
        return Outcome(name, None, maximum, "by hand", "")

    def _save(self, outcome: Outcome) -> None:
        grade = self.gradebook.find_grade(
            outcome.question, self.notebook_id, self.assignment_id, self.student_id
        )
        grade.auto_score = outcome.points
        # A mark that a person gave stays; they are asked to look again.
        grade.needs_manual_grade = grade.manual_score is not None or outcome.points is None


def restored(mark: dict[str, Any], source: str) -> NotebookNode:
    """A cell of the assignment that the submission lacks; it carries the score in the feedback."""
    make = new_code_cell if mark["cell_type"] == "code" else new_markdown_cell
    return make(source=source, metadata={"nbgrader": dict(mark)})


class SafeOutputs(SanitizeHTML):
    """Keeps text and pictures; drops HTML, JavaScript, SVG, widgets and all metadata of outputs.

    In texts, HTML that only lays out a page stays, everything else is shown as it was typed.
    """

    TAGS = (
        "a abbr b blockquote br code details em figcaption figure h1 h2 h3 h4 h5 h6 hr i img kbd "
        "li ol p pre small strong sub summary sup table tbody td th thead tr u ul"
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(enabled=True, tags=self.TAGS.split(), **kwargs)
        self.attributes = {"a": ["href", "title"], "img": ["src", "alt", "width"]}

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        only_text_and_pictures(nb)
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        cell, resources = super().preprocess_cell(cell, resources, index)
        if cell.cell_type == "markdown" and not _can_be_laid_out(cell):
            lines = cell.source.replace("`", "'").splitlines()
            cell.source = "\n".join(f"    {line}" for line in lines)  # as it was typed
        return cell, resources

    def sanitize_code_outputs(self, outputs: list[NotebookNode]) -> list[NotebookNode]:
        return outputs


def _can_be_laid_out(cell: NotebookNode) -> bool:
    """Whether a page can be made of a text, and all that it names is harmless.

    It may miss a picture or be nested without end, link to a script, or load a picture from
    somewhere, which tells who reads it.
    """
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))
    try:
        links = _Links(MarkdownWithMath(renderer=renderer).render(cell.source))
    except Exception:
        return False
    return links.harmless


class _Links(HTMLParser):
    """What a page links to and loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.harmless = True
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            place = re.sub(r"[\x00-\x20]", "", value or "").lower()
            scheme = re.match(r"([a-z][a-z0-9+.-]*):", place)
            if name == "href" and scheme and scheme[1] not in ("http", "https", "mailto"):
                self.harmless = False
            picture = re.match(r"data:image/(png|jpeg|gif|webp);base64,[a-z0-9+/=%]*$", place)
            if name == "src" and (scheme or place.startswith(("//", "\\"))) and not picture:
                self.harmless = False


def only_text_and_pictures(nb: NotebookNode) -> None:
    """Takes out of an executed notebook what a student's code may have made up."""
    nb.metadata.pop("language_info", None)
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        if cell.cell_type == "code":
            if type(cell.get("execution_count")) is not int:
                cell["execution_count"] = None
            found = map(safe_output, cell.get("outputs", []))
            cell.outputs = [output for output in found if output is not None]


def safe_output(output: NotebookNode) -> NotebookNode | None:
    """The same output, of plain text and checked pictures alone; None if nothing is left."""
    if output.output_type == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=_text(output.get("text")))
    if output.output_type == "error":
        lines = output.get("traceback")
        return new_output(
            "error",
            ename=_text(output.get("ename")),
            evalue=_text(output.get("evalue")),
            traceback=[_text(line) for line in lines] if isinstance(lines, list) else [],
        )
    data, given = {}, output.get("data")
    for kind, value in given.items() if isinstance(given, dict) else ():
        value = _text("".join(map(str, value)) if isinstance(value, list) else value)
        if kind == "text/plain":
            data[kind] = value
        elif kind in submissions.PICTURES:
            try:
                picture = base64.b64decode(value)
            except ValueError:
                continue
            if picture.startswith(submissions.PICTURES[kind]):
                data[kind] = base64.b64encode(picture).decode()
    alt = output.get("metadata")
    alt = alt.get("image/png") if isinstance(alt, dict) else None
    alt = (
        {"image/png": {"alt": _text(alt["alt"])}} if isinstance(alt, dict) and "alt" in alt else {}
    )
    return new_output("display_data", data, metadata=alt) if data else None


def _text(value: Any) -> str:
    return submissions.whole(str(value))
