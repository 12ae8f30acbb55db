"""What a program can say of style: ruff is content, notebooks are clean, nothing is private."""

import json
import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def tracked(repo):
    """Every file of the repository, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repo, capture_output=True, text=True, check=True
    )
    return [repo / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("command", [["format", "--check"], ["check"]])
def test_ruff_is_content(command, repo):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "."], cwd=repo, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_notebooks_have_no_outputs(tracked):
    notebooks = [path for path in tracked if path.suffix == ".ipynb"]
    assert len(notebooks) >= 5
    for path in notebooks:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None, path


def test_no_path_of_one_machine_stands_in_a_file(tracked, repo):
    here = re.compile(rf"{re.escape(str(repo.parent))}/\w|/root[/]|/home/(?!student)\w+/")
    for path in tracked:
        if path.suffix in (".py", ".md", ".toml", ".txt", ".yml", ".ipynb", ".json", ""):
            found = here.search(path.read_text("utf-8"))
            assert not found, f"{path}: {found and found.group()}"


def test_students_get_helpers_alone(repo):
    """The distribution holds helpers with the public cases, and nothing of the grader."""
    import tomllib

    packages = tomllib.loads((repo / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert packages["packages"]["find"]["include"] == ["helpers*"]
    for path in (repo / "helpers").rglob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r"^\s*(from|import) grader", text, re.MULTILINE), path


@pytest.mark.parametrize(
    "module", ["helpers", "helpers.masks", "helpers.data", "helpers.metrics", "helpers.check"]
)
def test_imports_are_light(module, repo):
    heavy = "torch", "keras", "matplotlib"
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr
