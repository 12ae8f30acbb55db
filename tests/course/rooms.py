"""Rooms like a session at Kaggle or Colab: no checkout, no pixelwise, no network unless asked for.

They need bubblewrap. Called as a program this file is what runs in there: a notebook, and what it
took.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat

REPO = Path(__file__).resolve().parent.parent.parent
SLUG = "lyft-udacity-challenge"
LAYOUTS = {
    "by slug": f"/kaggle/input/{SLUG}",
    "by owner": f"/kaggle/input/datasets/kumaresanmanickavelu/{SLUG}",
}
CELL_SECONDS = 900


@dataclass(frozen=True)
class Ran:
    """How a notebook ran: with its outputs, what stopped it (or ''), seconds, peak memory."""

    notebook: nbformat.NotebookNode
    fault: str
    seconds: float
    peak_mib: float

    def texts(self) -> str:
        """What all cells printed."""
        outputs = [o for cell in self.notebook.cells for o in cell.get("outputs", [])]
        return "".join(output.get("text", "") for output in outputs)


def kaggle(
    notebook: Path,
    work: Path,
    data: Path | None = None,
    layout: str = "by slug",
    python: Path = Path(sys.executable),
) -> Ran:
    """Runs a notebook as Kaggle does.

    Args:
        notebook: the file.
        work: an empty folder: /kaggle/working.
        data: what is attached as the Lyft data, or None.
        layout: one of LAYOUTS.
        python: whose packages there are, nbclient and ipykernel among them.
    """
    room = ["--unshare-net", "--dir", "/kaggle/input", "--bind", str(work), "/kaggle/working"]
    if data:
        room += ["--ro-bind", str(data), LAYOUTS[layout]]
    settings = {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}
    return _run(notebook, work, "/kaggle/working", python, room, settings)


def colab(
    notebook: Path,
    work: Path,
    remote: Path,
    repository: str,
    python: Path,
    network: bool = False,
) -> Ran:
    """Runs a notebook as Colab does.

    Args:
        notebook: the file.
        work: an empty folder: /content.
        remote: the git repository that is found at the address `repository`.
        python: of a virtual environment, into which the notebook may install.
        network: whether pip may ask an index; otherwise all but the course must be there.
    """
    venv = str(_venv(python))
    room = ["--bind", str(work), "/content", "--bind", venv, venv]
    room += ["--ro-bind", str(remote), "/remote"]
    settings = {
        "COLAB_RELEASE_TAG": "release-colab_20261001",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "url.file:///remote.insteadOf",
        "GIT_CONFIG_VALUE_0": repository,
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
    }
    if not network:
        room.append("--unshare-net")
        settings |= {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}  # 0: no isolation
    else:
        settings |= {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    return _run(notebook, work, "/content", python, room, settings)


def _venv(python: Path) -> Path:
    return Path(os.path.abspath(python)).parent.parent


def _run(
    notebook: Path, work: Path, folder: str, python: Path, room: list[str], settings: dict[str, str]
) -> Ran:
    command = ["bwrap", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv"]
    for place in sorted(Path("/").iterdir()):
        if place.is_symlink():
            command += ["--symlink", os.readlink(place), str(place)]
        elif place.name not in ("proc", "dev", "tmp", "kaggle", "content"):
            command += ["--ro-bind", str(place), str(place)]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", str(REPO)]
    packages = {REPO / ".venv", _venv(python)}
    for venv in sorted(str(path) for path in packages if path.exists()):
        command += ["--ro-bind", venv, venv]
    out = work.parent / f"{work.name}-out"
    out.mkdir()
    command += [*room, "--bind", str(out), "/out", "--chdir", folder]
    for path, target in ((notebook, "/src/notebook.ipynb"), (Path(__file__), "/src/rooms.py")):
        command += ["--ro-bind", str(path), target]
    settings = {
        "PATH": f"{_venv(python)}/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "OMP_NUM_THREADS": "1",
        **settings,
    }
    for name, value in settings.items():
        command += ["--setenv", name, value]
    subprocess.run([*command, str(python), "/src/rooms.py", folder], check=True)
    took = json.loads((out / "took.json").read_text())
    return Ran(nbformat.read(out / "notebook.ipynb", as_version=4), **took)


def main(folder: str) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read("/src/notebook.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": folder}}
    )
    client.widget_registry = {}  # see course/run.py
    fault, start = "", time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        fault = str(error)[-1500:]
    took = {
        "fault": fault,
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }
    nbformat.write(notebook, "/out/notebook.ipynb")
    Path("/out/took.json").write_text(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1])
