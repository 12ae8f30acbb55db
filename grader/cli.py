"""The instructor's commands: release · collect · grade · report · doctor."""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from distributed import Client
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from grader import batch, bundle, exports, gradebook, inbox, kaggle, sandbox
from grader.collect import take
from grader.course import ASSIGNMENTS, Course, CourseError, Grade, write_csv, write_json
from grader.doctor import examine
from grader.gradebook import GradebookUnusable
from grader.names import Roster
from grader.progress import Display
from grader.report import write as write_report
from grader.sandbox import SandboxUnavailable
from grader.settings import settings

app = typer.Typer(
    help="Release, collect and grade the assignments of Pixelwise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
CourseFolder = Annotated[Path, typer.Option("--course", help="The folder of nbgrader_config.py.")]
MARKS = {"no answer": "0 –", "not graded": "?", "by hand": "…"}


def console() -> Console:
    found = Console()
    return found if found.is_terminal else Console(width=140, soft_wrap=False)


@app.command()
def release(
    assignment: str,
    course: CourseFolder = ASSIGNMENTS,
    exchange: Annotated[bool, typer.Option(help="Also put it into nbgrader's exchange.")] = False,
    run: Annotated[bool, typer.Option(help="Run the bundles as students get them.")] = True,
) -> None:
    """Make the students' version of an assignment, as a zip and for Kaggle, and look it through."""
    screen, opened = console(), Course(course)
    folder = opened.release(assignment, exchange)
    name = opened.notebook(assignment)
    made = bundle.make(folder / f"{name}.ipynb", opened.folder / "bundles")
    found = bundle.leaks(course / "source" / assignment / f"{name}.ipynb", made)
    found += bundle.stops(made) if run else []
    for fault in found:
        screen.print(f"[red]✗[/] {escape(fault)}")
    if found:
        raise typer.Exit(1)
    ran = ", and they run" if run else ""
    screen.print(f"The students' version is in [bold]{escape(str(folder))}[/].")
    screen.print(f"No solution, hidden test or seed is in the bundles{ran}:")
    for path, what in zip(made, ("for a learning platform", "for Kaggle"), strict=False):
        screen.print(f"  {escape(str(path))}  ({what})")


@app.command()
def collect(
    assignment: str,
    source: Annotated[
        Path | None, typer.Argument(help="A folder of downloads, or a CSV of Kaggle's kernels.")
    ] = None,
    course: CourseFolder = ASSIGNMENTS,
    exchange: Annotated[bool, typer.Option(help="From nbgrader's exchange.")] = False,
    roster: Annotated[
        Path | None, typer.Option(help="A CSV: student, and name, moodle, canvas or kaggle.")
    ] = None,
) -> None:
    """Take in what students handed in: a folder of downloads, the exchange or Kaggle."""
    if exchange == (source is not None):
        raise CourseError("Name a folder of downloads or a CSV of Kaggle's kernels, or --exchange.")
    opened = Course(course)
    name, people = opened.notebook(assignment), Roster(roster) if roster else None
    due = gradebook.definition(opened.db_url, assignment)["duedate"]
    with tempfile.TemporaryDirectory() as scratch:
        if exchange:
            inbound, check_owner = opened.inbox(assignment)
            attempts = inbox.of_exchange(inbound, assignment, people, check_owner)
        elif source.suffix == ".csv":
            attempts = kaggle.of_kernels(source, Path(scratch), name, people)
        else:
            attempts = inbox.of_folder(source, people)
        found = take(attempts, opened.submitted, assignment, name, due and due.replace(tzinfo=UTC))
    table = Table("student", "file", "remark", title=f"Collected for {assignment}")
    for one in found:
        said = ["[green]taken[/]"] if one.taken else []
        table.add_row(
            escape(one.student) or "?",
            escape(one.source),
            "\n".join(said + [*map(escape, one.remarks)]),
        )
    screen = console()
    screen.print(table)
    came = {one.student for one in found if one.student}
    screen.print(f"{len(came)} students in [bold]{escape(str(opened.submitted))}[/].")
    missing = set(people.students if people else ()) - set(opened.students(assignment))
    if missing:
        screen.print(f"Nothing of {len(missing)}: {escape(', '.join(sorted(missing)))}.")


@app.command()
def grade(
    assignment: str,
    course: CourseFolder = ASSIGNMENTS,
    unconfined: Annotated[
        bool, typer.Option(help="Without the sandbox: only for the work of people you trust.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="This student; may be repeated.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="What was handed in or changed since then.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Also those that have been graded.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes; by default all cores.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask cluster: tcp://…")] = None,
) -> None:
    """Grade every submission that is new or open, and write the feedback pages."""
    screen = console()
    if unconfined:
        screen.print(
            "[bold red]Grading without the sandbox:[/] the students' code runs as you, and sees "
            "your files. Scores still come from the judge alone."
        )
    else:
        sandbox.preflight()
    settings()
    opened = Course(course, confined=not unconfined)
    opened.notebook(assignment)
    todo = chosen(opened, assignment, only or [], since, force)
    if todo:
        gradebook.check_writable(opened.db_url)
        count = min(workers or os.cpu_count(), len(todo))
        with batch.workers(count, scheduler) as client:
            _grade(screen, opened, assignment, todo, client)
    _report(screen, opened, assignment)


def chosen(
    course: Course, assignment: str, only: list[str], since: datetime | None, force: bool
) -> list[str]:
    """Whose submissions are to be graded. Raises CourseError where there is nobody."""
    students = course.students(assignment)
    if not students:
        raise CourseError(
            f"Nobody handed in {assignment} ({course.submitted}). Collect first: "
            f"python -m grader collect {assignment} FOLDER."
        )
    if strangers := sorted(set(only) - set(students)):
        raise CourseError(f"{', '.join(strangers)} did not hand in {assignment}.")
    students = [s for s in students if not only or s in only]
    if since:
        students = [s for s in students if course.changed(assignment, s) >= since.timestamp()]
    return [s for s in students if force or not course.is_graded(assignment, s)]


def _grade(
    screen: Console, course: Course, assignment: str, todo: list[str], client: Client
) -> None:
    with Display(screen, len(todo), len(client.nthreads())) as display:
        try:
            for student, found, why in batch.grade(course, assignment, todo, client):
                display.step(student, found.seconds if found else 0.0, why)
                if found and not found.feedback:
                    screen.print(f"[red]✗[/] no feedback page for {escape(student)}; see the log")
        except KeyboardInterrupt:
            screen.print("Stopped. The same command goes on from here.")
            raise typer.Exit(130) from None


@app.command()
def report(
    assignment: str,
    course: CourseFolder = ASSIGNMENTS,
    roster: Annotated[
        Path | None, typer.Option(help="As for collect: numbers for Canvas and Moodle.")
    ] = None,
) -> None:
    """Show the grades as they stand, by hand too; write a page about them, and CSV for others."""
    screen, opened = console(), Course(course)
    page, tables = write_report(opened, assignment, exports.people(roster) if roster else {})
    screen.print(f"report          {escape(str(page))}")
    screen.print(f"CSV             {escape(str(tables))} (canvas.csv and moodle.csv, too)")
    _report(screen, opened, assignment)


def _report(screen: Console, course: Course, assignment: str) -> None:
    grades = course.grades(assignment)
    screen.print(_table(assignment, grades))
    for grade in grades:
        for questions, remark in grade.remarks:
            names = f"[bold]{escape(grade.student)} · {escape(questions)}[/]"
            screen.print(Padding(f"{names}  {escape(remark)}", (0, 0, 0, 2)))
    screen.print("0 – no answer   ? not graded, our side broke   … to be marked by hand")
    if not all(g.confined for g in grades):
        screen.print("[red]*[/] graded without the sandbox")
    overview = course.folder / f"grades-{assignment}.csv"
    records = course.folder.parent / "grade.json"
    write_csv(overview, grades)
    write_json(records, grades)
    screen.print(f"feedback pages  {escape(str(course.folder / 'feedback'))}")
    screen.print(f"grades          {escape(str(overview))}")
    screen.print(f"grade.json      {escape(str(records))}")
    broken = [g.student for g in grades if any(q.outcome == "not graded" for q in g.questions)]
    if broken:
        screen.print(f"[red]Not graded in full, by our fault: {escape(', '.join(broken))}.[/]")
        raise typer.Exit(1)


def _table(assignment: str, grades: list[Grade]) -> Table:
    table = Table("student", title=f"Grades of {assignment}", show_lines=True)
    for question in grades[0].questions if grades else []:
        head = question.question.replace("_", "\n")
        table.add_column(f"{escape(head)}\n[dim]{question.max:g}[/]", justify="right")
    table.add_column("total", justify="right", style="bold")
    for grade in grades:
        cells = [MARKS.get(q.outcome, f"{q.points or 0:g}") for q in grade.questions]
        for i, question in enumerate(grade.questions):
            if question.outcome == "by hand" and question.points is not None:
                cells[i] = f"{question.points:g}"
        star = "" if grade.confined else " [red]*[/]"
        total = f"{grade.points:g}/{grade.max:g}"
        table.add_row(escape(grade.student) + star, *cells, total)
    return table


@app.command()
def doctor(
    assignments: Annotated[list[str] | None, typer.Argument(help="Also examine these.")] = None,
    course: CourseFolder = ASSIGNMENTS,
) -> None:
    """Say what this machine and the assignments lack for grading, and how to get it."""
    screen, faults = console(), 0
    for what, said, fine in examine(course, assignments or []):
        mark = "[green]✓[/]" if fine else "[red]✗[/]"
        screen.print(f"{mark} {escape(what)}: {escape(said)}")
        faults += not fine
    if faults:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; faults that the instructor can mend come as a sentence."""
    try:
        app()
    except (CourseError, GradebookUnusable, SandboxUnavailable, OSError, ValueError) as error:
        stop(str(error))
    except DBAPIError as error:
        stop(
            f"the gradebook cannot be used ({' '.join(str(error.orig).split())}). Nothing is lost: "
            "mend that and give the same command again."
        )


def stop(sentence: str) -> None:
    """Ends with status 1 and a sentence for the instructor."""
    Console(stderr=True).print(f"[red]✗[/] {escape(sentence)}", soft_wrap=True)
    sys.exit(1)
