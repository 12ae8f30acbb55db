"""Run the lessons as a student does and as an author does, and measure them.

    python course/run.py             every lesson: the student's copy, then the solved one
    python course/run.py 06 01       those whose number or name begins so
    python course/run.py --update    note minutes and memory in course/measured.json as well

Each copy runs in a process of its own with one thread and no network. Prints minutes and memory,
and writes build/notebooks.json.
"""

import argparse
import json
import math
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from build import ROOT, TRACKS, lesson, lessons, to_text

# budgets: a slow machine only gets a remark, but memory is the same everywhere
NOTEBOOK_SECONDS, LONG_NOTEBOOK_SECONDS, LONG = 150, 240, ("09", "11")
CELL_SECONDS, SLOW_MACHINE, TRACK_MINUTES = 60, 15, 20
PEAK_MIB = {None: 1024, "pytorch": 1024, "keras": 1434}
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}

# whoever asks for something from the network gets a refusal at once
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}
NO_NETWORK |= {name.upper(): value for name, value in NO_NETWORK.items()}


@dataclass(frozen=True)
class Run:
    """How one copy of one notebook ran, in seconds on one core. `faults` is empty when all was
    well; `peak_mib` is 0 where the system does not tell."""

    notebook: str
    seconds: float
    slowest_cell: float
    peak_mib: float
    faults: list[str]


def run(where: Path, solved: bool) -> Run:
    """Runs the student's or the solved copy of the notebook `where`, as its text gives it now."""
    notebook = nbformat.reads(to_text(lesson(*lessons()[where], solved)), as_version=4)
    times, peak, faults = execute(notebook, (ROOT / where).parent)
    if not faults:
        faults = [*answer_faults(notebook.cells, solved), *picture_faults(notebook.cells)]
    limit = PEAK_MIB[track_of(where)]
    if peak > limit:
        faults.append(f"peak memory is {peak:.0f} MiB; {limit} at most")
    return Run(where.as_posix(), sum(times), max(times), peak, faults)


def execute(
    notebook: nbformat.NotebookNode, folder: Path, **variables: str
) -> tuple[list[float], float, list[str]]:
    """Runs a notebook in `folder`, with one thread and no network, and puts its outputs in.

    Args:
        variables: of the environment, in place of those that are there.

    Returns:
        The seconds of each cell, the peak memory in MiB, and where it stopped, in words.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS * SLOW_MACHINE,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else each warns of eavesdroppers
        resources={"metadata": {"path": str(folder)}},
    )
    # its stand-in for sliders' output sends on the socket that it waits on: some replies get lost,
    # and a cell takes the whole timeout. Without it their pictures count as the cell's own.
    client.widget_registry = {}
    faults, times = [], [0.0]
    env = {"PIXELWISE_WIDGETS": "text", **os.environ, **variables, **ONE_THREAD, **NO_NETWORK}
    with client.setup_kernel(env=env):
        pid = client.km.provisioner.pid
        for n, cell in enumerate(notebook.cells):
            start = seconds(pid)
            try:
                client.execute_cell(cell, n)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                said = COLOUR_CODES.sub("", str(error)).strip()
                faults.append(f"cell {n} stops: {said[-1500:]}")
                break
            times.append(seconds(pid) - start)
        client.set_widgets_metadata()
        return times, peak_mib(pid), faults


def track_of(where: Path) -> str | None:
    """'pytorch', 'keras', or None for a lesson of both."""
    return where.parent.name if where.parent.name in TRACKS else None


def seconds(pid: int) -> float:
    """Processor time of a living process and of those that it waited for: what it takes on a core
    of its own, whatever else runs. The clock's time if not on Linux."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.perf_counter()
    return sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    """The most memory that a living process has held so far, in MiB; 0 if not on Linux."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def answer_faults(cells: list[dict], solved: bool) -> list[str]:
    """Exercises that do not answer as they should: 'Not done yet' to a stub, ✓ to a solution."""
    faults, within = [], False
    for n, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            if "\n## " in (source := "\n" + cell["source"]):
                within = "\n## Exercises" in source
        elif within and "\nexercise(" in "\n" + cell["source"]:
            said = "".join(output.get("text", "") for output in cell["outputs"])
            if solved and ("✓" not in said or "✗" in said):
                faults.append(f"cell {n}: the solution is not accepted: {said.strip()}")
            if not solved and "Not done yet" not in said:
                faults.append(
                    f"cell {n}: the empty stub is not told 'Not done yet': {said.strip()}"
                )
    return faults


def picture_faults(cells: list[dict]) -> list[str]:
    """Pictures that were shown without alt text."""
    return [
        f"cell {n}: a picture without alt text: show it with helpers.figures.show"
        for n, cell in enumerate(cells)
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
        if kind in ("image/png", "image/jpeg", "image/svg+xml")
        and "alt=" not in output["data"].get("text/html", "")
        and "alt" not in output["metadata"].get(kind, {})
    ]


def record(where: Path, runs: list[Run]) -> dict:
    """A notebook's row in build/notebooks.json: the slower and the larger of its copies."""
    return {
        "notebook": where.as_posix(),
        "track": track_of(where),
        "seconds": round(max(r.seconds for r in runs), 1),
        "peak_mib": round(max(r.peak_mib for r in runs)),
        "ok": not any(r.faults for r in runs),
    }


def table(rows: list[dict]) -> str:
    """Minutes and peak memory of each notebook, and each track's minutes with the lessons of both.

    A student runs one copy; the slower one counts.
    """
    lines = [f"{'notebook':<52}minutes   peak MiB"]
    for row in rows:
        fault = "" if row["ok"] else "   ✗"
        lines.append(f"{row['notebook']:<52}{row['seconds'] / 60:7.1f}{row['peak_mib']:11}{fault}")
    for track in sorted({row["track"] for row in rows} - {None}):
        minutes = sum(row["seconds"] for row in rows if row["track"] in (None, track)) / 60
        slow = f"   slow here: {TRACK_MINUTES} at most" if minutes > TRACK_MINUTES else ""
        lines.append(f"{'all of ' + track:<52}{minutes:7.1f}{slow}")
    return "\n".join(lines)


def keep(rows: list[dict]) -> None:
    """Writes the rows into build/notebooks.json, in place of older ones of the same notebooks."""
    path = ROOT / "build/notebooks.json"
    known = {row["notebook"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    known |= {row["notebook"]: row for row in rows}
    there = [known[where.as_posix()] for where in lessons() if where.as_posix() in known]
    path.write_text(json.dumps(there, indent=1) + "\n")


def remember(rows: list[dict]) -> None:
    """Notes what was measured, in steps of ten seconds and 50 MiB, so that it seldom changes."""
    path = ROOT / "course/measured.json"
    measured = json.loads(path.read_text())
    for row in rows:
        measured[row["notebook"]] = {
            "seconds": math.ceil(row["seconds"] / 10) * 10,
            "peak_mib": math.ceil(row["peak_mib"] / 50) * 50,
        }
    known = {where.as_posix() for where in lessons()}
    measured = {name: value for name, value in measured.items() if name in known}
    path.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the lessons and measure them.")
    parser.add_argument("names", nargs="*", help="run those whose number or name begins so")
    parser.add_argument("--update", action="store_true", help="note it in course/measured.json")
    asked = parser.parse_args()
    rows = []
    for where in lessons():
        if asked.names and not where.name.startswith(tuple(asked.names)):
            continue
        runs = []
        for copy in ("student", "solved"):
            print(f"{where} ({copy}) …", flush=True)
            runs.append(run(where, copy == "solved"))
            done = runs[-1]
            print(
                f"  {done.seconds:.0f} s, slowest cell {done.slowest_cell:.0f} s, "
                f"peak {done.peak_mib:.0f} MiB"
            )
            budget = LONG_NOTEBOOK_SECONDS if where.name.startswith(LONG) else NOTEBOOK_SECONDS
            if done.seconds > budget or done.slowest_cell > CELL_SECONDS:
                print(f"  slow here: {budget} s and {CELL_SECONDS} s a cell is the budget")
            for fault in done.faults:
                print(f"  ✗ {fault}")
        rows.append(record(where, runs))
    print(table(rows))
    (ROOT / "build").mkdir(exist_ok=True)
    keep(rows)
    if asked.update:
        remember([row for row in rows if row["ok"]])
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


if __name__ == "__main__":
    main()
