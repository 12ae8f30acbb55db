"""What mybinder.org makes of the repository: its steps, taken here without a container."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests import small_machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Binder's image is a Linux")

LEFT = {"assignments", "binder", "course", "data", "helpers"}
LESSONS = (
    "course/00_start_here.ipynb",
    "course/01_what_is_segmentation.ipynb",
    "course/pytorch/04_from_classifier_to_dense.ipynb",
    "course/keras/04_from_classifier_to_dense.ipynb",
)
# as the lab runs it: nbclient's own stand-in for sliders' output loses some replies
EXECUTE = """
import sys
from pathlib import Path
import nbformat
from nbclient import NotebookClient
path = Path(sys.argv[1])
notebook = nbformat.read(path, as_version=4)
client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}})
client.widget_registry = {}
client.execute()
print(sum("Not done yet" in str(cell) for cell in notebook.cells))
"""


def copy(repo: Path, target: Path) -> Path:
    """What a clone of the repository holds, with today's changes."""
    listed = ["git", "ls-files", "-z"]
    done = subprocess.run(listed, cwd=repo, capture_output=True, text=True, check=True)
    for name in done.stdout.split("\0")[:-1]:
        if (repo / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repo / name, target / name)
    subprocess.run(["git", "init", "--quiet", target], check=True)
    return target


@pytest.fixture(scope="module")
def dockerfile(repo, tmp_path_factory) -> str:
    """What repo2docker would have a container engine do."""
    program = Path(sysconfig.get_path("scripts"), "jupyter-repo2docker")
    command = [program, "--no-build", "--debug", "--user-id=1000", "--user-name=jovyan"]
    command += [
        "--Repo2Docker.default_buildpack=None",
        copy(repo, tmp_path_factory.mktemp("clone")),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def image(repo, tmp_path_factory) -> dict[str, str]:
    """The environment in which a student's server starts: HOME is the folder that postBuild left,
    first on PATH is a Python of its own. What conda would have installed are this one's packages,
    all but ours."""
    home = copy(repo, tmp_path_factory.mktemp("binder") / "home")
    prefix, packages = home.parent / "prefix", home.parent / "packages"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "pixelwise" not in path.name:
            (packages / path.name).symlink_to(path)
    programs = sysconfig.get_path("scripts")
    env = {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{prefix}/bin:{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(packages),
        "PIXELWISE_WIDGETS": "text",
    }
    # no index, and nothing to be fetched for a build: all of it is installed here already
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    command = [home / "binder/postBuild"]
    done = subprocess.run(command, cwd=home, env=env | pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return env


def within(image: dict[str, str], *command: str | Path, **more: str) -> str:
    """What a command prints that the image's start script runs."""
    home = Path(image["HOME"])
    started = [home / "binder/start", *command]
    done = subprocess.run(started, cwd=home, env=image | more, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_environment_of_this_folder_is_the_one_that_is_installed(dockerfile):
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert "Building conda environment for python=3.12" in dockerfile


def test_the_steps_come_in_their_order(dockerfile):
    steps = [
        'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"',
        "COPY --chown=1000:1000 src/ ${REPO_DIR}/",
        "USER ${NB_USER}",
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
        "ENTRYPOINT",
    ]
    places = [dockerfile.rindex(step) for step in steps]
    assert places == sorted(places)


def test_what_the_image_brings_along_fits_the_environment(repo, dockerfile):
    """repo2docker installs Jupyter first, in exact versions; ours are added to them."""
    import repo2docker
    from packaging.requirements import Requirement

    python = re.search(r"python=(3\.\d+)", dockerfile).group(1)
    folder = Path(repo2docker.__file__).parent / "buildpacks/conda"
    lock = (folder / f"environment.py-{python}-linux-64.lock").read_text()
    brought = dict(re.findall(r"/([^/]+)-([^-/]+)-[^-/]+\.(?:conda|tar\.bz2)", lock))
    assert brought["python"].startswith(python + ".")
    asked = yaml.safe_load((repo / "binder/environment.yml").read_text())["dependencies"]
    both = [r for r in map(Requirement, asked[1:]) if r.name in brought]
    assert {r.name for r in both} >= {"ipywidgets", "jupyterlab", "pip"}
    assert not [f"{r}: {brought[r.name]}" for r in both if brought[r.name] not in r.specifier]


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_scripts_stop_at_the_first_fault_and_hand_over(repo, script):
    path = repo / "binder" / script
    assert os.access(path, os.X_OK)
    lines = path.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    if script == "start":
        assert lines[-1] == 'exec "$@"'
    else:
        assert "set -euo pipefail" in lines


def test_a_student_finds_lessons_and_assignments_and_nothing_else(repo, image):
    home = Path(image["HOME"])
    seen = {path.name for path in home.iterdir() if path.name != ".cache"}
    assert {name for name in seen if not name.startswith("LICENSE")} == LEFT
    assert [path.name for path in (home / "binder").iterdir()] == ["start"]
    for folder in ("course", "course/pytorch", "course/keras"):
        here = {path.name for path in (home / folder).glob("*.ipynb")}
        assert here == {path.name for path in (repo / folder).glob("[0-9][0-9]_*.ipynb")}
    others = {path.name for path in (home / "course").iterdir() if path.suffix != ".ipynb"}
    assert others == {"keras", "pictures", "pytorch", "results", "twins"}
    names = {path.stem for path in (repo / "assignments/text").glob("*.py")}
    left = {path.relative_to(home / "assignments") for path in home.glob("assignments/**/*.*")}
    assert left == {Path(name, f"{name}.ipynb") for name in names}


def test_no_solution_is_left(repo, image):
    from grader.bundle import solution_lines

    home = Path(image["HOME"])
    for path in (path for path in home.rglob("*") if path.suffix in (".ipynb", ".py", ".json")):
        assert "BEGIN " + "SOLUTION" not in path.read_text("utf-8"), path
    for path in home.glob("assignments/*/*.ipynb"):
        hidden = solution_lines(
            repo / "assignments/source" / path.relative_to(home / "assignments")
        )
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        assert len(hidden) > 10
        assert not [line for line in hidden if line in text]
        assert "...  # your code here" in text


def test_helpers_are_importable_everywhere_and_the_grader_nowhere(image):
    home = Path(image["HOME"])
    code = "import helpers, importlib.util as u; print(helpers.__file__, u.find_spec('grader'))"
    said = within(image, "env", "-C", "course/pytorch", "python", "-c", code)
    assert said.split() == [str(home / "helpers/__init__.py"), "None"]
    from_the_folder = within(image, "python", "-c", code)
    assert from_the_folder.split() == [str(home / "helpers/__init__.py"), "None"]


def test_the_server_starts_with_lesson_00(image):
    code = """
from jupyterlab.labapp import LabApp
from jupyter_server.serverapp import ServerApp
server = LabApp.initialize_server(argv=["--no-browser", "--allow-root", "--ServerApp.port=0"])
print(server.default_url)
"""
    assert within(image, "python", "-c", code).split() == ["/lab/tree/course/00_start_here.ipynb"]
    settings = Path(image["HOME"]).parent / "prefix/share/jupyter/lab/settings/overrides.json"
    assert json.loads(settings.read_text())


def test_threads_follow_the_share_of_the_machine(image, tmp_path):
    home = Path(image["HOME"])
    asked = ["OMP", "MKL", "OPENBLAS", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"]
    names = [name if "NUM" in name else f"{name}_NUM" for name in asked]
    code = f"import os; print([os.environ[name + '_THREADS'] for name in {names}])"
    command = [home / "binder/start", "python", "-c", code]
    done = small_machine.run(command, tmp_path / "log", cwd=home, env=image)
    assert done.output.strip() == str(["1"] * 5)


def test_start_is_replaced_by_what_it_starts(image):
    """A server that gets no signals is killed with what it holds."""
    home = Path(image["HOME"])
    process = subprocess.Popen([home / "binder/start", "sleep", "60"], cwd=home, env=image)
    try:
        for _ in range(600):
            name = Path(f"/proc/{process.pid}/comm").read_text().strip()
            if name == "sleep":
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert name == "sleep"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("megabytes, ends_well", [(1000, True), (3000, False)])
def test_the_small_machine_is_small(tmp_path, megabytes, ends_well):
    code = f"import time; x = bytearray({megabytes} * 10**6); time.sleep(1); print(len(x))"
    done = small_machine.run([sys.executable, "-c", code], tmp_path / "log")
    assert (done.returncode == 0) == ends_well


def test_what_two_processes_share_counts_once(tmp_path):
    code = "import os, time; x = bytes(range(1, 251)) * 10**6; os.fork(); time.sleep(1)"
    done = small_machine.run([sys.executable, "-c", code], tmp_path / "log")
    assert 250e6 < done.peak_mib * 2**20 < 400e6


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_on_one_core_with_2_gb(image, tmp_path, lesson):
    home = Path(image["HOME"])
    command = [home / "binder/start", "python", "-c", EXECUTE, home / lesson]
    done = small_machine.run(command, tmp_path / "log", cwd=home, env=image)
    assert done.returncode == 0, done.output[-3000:]
    print(f"{lesson}: at most {done.peak_mib:.0f} MiB")
    assert int(done.output.split()[-1]) >= 1, "no exercise said 'Not done yet'"
