"""In Colab the first cell fetches the course; elsewhere it does nothing."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

import launch
from tests.course import rooms

LOOK = """
import os, helpers
from helpers import where
from helpers.widgets.mode import mode
print(helpers.__file__, os.getcwd(), where.place(), mode())
print(where.stored("results/ranking.json").resolve(), where.stored("twins/fcn8_from_keras.npz"))
"""


@pytest.fixture
def remote(repo, tmp_path) -> Path:
    """A repository with the course as it is now, at the tag of its version."""
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    git = ["git", "--git-dir", folder, "--work-tree", repo]
    git += ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "add", "helpers", "course", "pyproject.toml"], cwd=repo, check=True)
    subprocess.run([*git, "commit", "-q", "-m", "The course"], cwd=repo, check=True)
    subprocess.run([*git, "tag", launch.TAG], cwd=repo, check=True)
    return folder


@pytest.fixture
def python(tmp_path) -> Path:
    """Of an environment that has the packages of this one, but not the course."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (packages,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return tmp_path / "venv/bin/python"


def test_the_first_cell_brings_helpers_and_files(sandboxed, remote, python, repo, tmp_path):
    lesson = nbformat.read(repo / "course/pytorch/05_fcn.ipynb", as_version=4)
    first = next(cell for cell in lesson.cells if cell.cell_type == "code")
    lesson.cells = [first, new_code_cell(LOOK)]
    nbformat.write(lesson, tmp_path / "lesson.ipynb")
    (tmp_path / "content").mkdir()
    ran = rooms.colab(
        tmp_path / "lesson.ipynb", tmp_path / "content", remote, launch.REPOSITORY, python
    )
    assert ran.fault == ""
    course = f"/content/{launch.NAME}/course"
    said = ran.texts()
    assert str(python.parent.parent) in said and "site-packages/helpers/__init__.py" in said
    assert f" {course}/pytorch colab live" in said
    assert f"{course}/results/ranking.json ../twins/fcn8_from_keras.npz" in said


def test_elsewhere_it_does_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.chdir(tmp_path)
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell(launch.fetch(Path("course/00_start_here.ipynb"))).raise_error()
    assert Path.cwd() == tmp_path and list(tmp_path.iterdir()) == []
