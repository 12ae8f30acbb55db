"""The sentences of the set-up, each from a machine that really lacks the thing."""

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import install

FILES = ("pyproject.toml", "constraints.txt", "course/install.py")
OLD_PYTHONS = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/[23]*/bin/python")))
OLD_PYTHONS = [p for p in OLD_PYTHONS if not p.split("/")[-3].startswith(("3.11", "3.12", "3.13"))]


@pytest.fixture
def checkout(repo, tmp_path):
    """What the set-up reads, in a folder of its own."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(repo / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def box(checkout):
    """Runs the set-up in the checkout, inside a box that lacks something."""
    if not shutil.which("bwrap"):
        pytest.skip("no bubblewrap; on Debian: sudo apt-get install bubblewrap")
    probe = subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("bubblewrap may not make namespaces here")

    def run(*options: str, at: Path = checkout) -> str:
        command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--bind", checkout, checkout]
        command += [*options, "--chdir", at, sys.executable, "course/install.py", "lab", "torch"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1
        return done.stderr.strip().splitlines()[-1]

    return run


@pytest.mark.skipif(not OLD_PYTHONS, reason="no other Pythons under ~/.pyenv/versions")
@pytest.mark.parametrize("python", OLD_PYTHONS, ids=lambda path: path.split("/")[-3])
def test_an_old_python_gets_a_sentence(checkout, python):
    done = subprocess.run(
        [python, "course/install.py", "lab"], cwd=checkout, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("This is Python ")
    assert "which needs 3.11, 3.12 or 3.13" in done.stderr


def test_the_range_of_pythons():
    assert "too old" in install.refuse_python((3, 10, 9))
    assert install.refuse_python((3, 11, 0)) is None
    assert install.refuse_python((3, 13, 5)) is None
    assert "too new" in install.refuse_python((3, 14, 0))


def test_too_little_disk(box, checkout, tmp_path_factory):
    small = tmp_path_factory.mktemp("small")
    copies = [part for name in FILES for part in ("--ro-bind", checkout / name, small / name)]
    said = box("--size", str(300 * 2**20), "--tmpfs", small, *copies, at=small)
    assert said.startswith(f"Too little disk: {small} has 0.3 GiB free")


def test_a_python_without_ensurepip(box, checkout):
    import ensurepip

    empty = checkout / "empty"
    empty.mkdir()
    said = box("--ro-bind", empty, str(Path(ensurepip.__file__).parent))
    assert f"sudo apt-get install python3.{sys.version_info[1]}-venv" in said


def test_no_network(box):
    said = box(
        "--unshare-net", "--setenv", "PIP_RETRIES", "1", "--setenv", "PIP_CONFIG_FILE", os.devnull
    )
    assert said.startswith("No network")


def test_a_complete_environment_is_left_alone(checkout, monkeypatch, capsys):
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(install, "ROOT", str(checkout))
    monkeypatch.setattr(install, "PYTHON", str(python))
    monkeypatch.setattr(install, "STAMP", str(checkout / ".venv/pixelwise.json"))
    install.write_stamp(install.fingerprint(), {"lab", "torch"})
    install.main({"lab"})
    assert capsys.readouterr().out == ""
    before = install.fingerprint()
    with open(checkout / "constraints.txt", "a") as file:
        file.write("# another line\n")
    assert install.read_stamp()[0] == before != install.fingerprint()


def test_every_extra_has_its_size(repo):
    import tomllib

    extras = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    assert {"core", *extras["optional-dependencies"]} == set(install.GIB)
