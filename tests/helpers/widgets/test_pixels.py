"""The widgets' arithmetic, which is JavaScript: test_pixels.mjs, run by node."""

import shutil
import subprocess

import pytest


def test_the_arithmetic_in_javascript(repo):
    node = shutil.which("node")
    if not node:
        pytest.skip("no node; on Debian: sudo apt-get install nodejs")
    path = repo / "tests/helpers/widgets/test_pixels.mjs"
    done = subprocess.run([node, "--test", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
