"""Every source is read by every Python that pyproject.toml allows, as far as they are here."""

import glob
import os
import shutil
import subprocess
import sys

import pytest

import install

VERSIONS = [(3, minor) for minor in range(install.OLDEST[1], install.TOO_NEW[1])]
# reads the names of files line by line; a warning (an escape that is none, say) is a fault as well
COMPILE = """
import sys, warnings
warnings.simplefilter("error")
for name in sys.stdin.read().splitlines():
    with open(name, "rb") as file:
        compile(file.read(), name, "exec", dont_inherit=True)
print("%d.%d" % sys.version_info[:2])
"""


def interpreter(version: tuple[int, int]) -> str | None:
    """A Python of this version: this one, one on PATH, or one of pyenv's."""
    if version == sys.version_info[:2]:
        return sys.executable
    name = "{}.{}".format(*version)
    kept = os.path.join(os.environ.get("PYENV_ROOT", ""), f"versions/{name}.*/bin/python")
    for found in (shutil.which(f"python{name}"), *sorted(glob.glob(kept))):
        # pyenv's stand-ins are on PATH even where they lead nowhere
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    return None


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: "{}.{}".format(*v))
def test_every_source_compiles(repo, version):
    python = interpreter(version)
    if python is None:
        pytest.skip("no python{}.{} on PATH or among pyenv's".format(*version))
    listed = ["git", "ls-files", "*.py"]
    names = subprocess.run(listed, cwd=repo, capture_output=True, text=True, check=True).stdout
    assert names.count("\n") > 200
    there = "\n".join(name for name in names.splitlines() if (repo / name).exists())
    done = subprocess.run(
        [python, "-c", COMPILE], cwd=repo, input=there, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["{}.{}".format(*version)]
