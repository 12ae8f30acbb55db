"""The folder of a run goes with the run, and those of killed processes go later."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from grader.run_folder import YOUNG, remove_abandoned, run_folder

HELD = """
from grader.run_folder import run_folder
with run_folder() as folder:
    print(folder, flush=True)
    input()
"""


def old(folder):
    os.utime(folder, (0, 0))
    return folder


def held(repo):
    """A process that is in its run folder, and the folder."""
    process = subprocess.Popen([sys.executable, "-c", HELD], cwd=repo, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    return process, Path(process.stdout.readline().strip())


def test_a_run_folder_goes_whatever_was_made_in_it():
    with run_folder() as run:
        place, here = run, os.open(".", os.O_RDONLY)
        (run / "closed").mkdir(mode=0)
        (run / "link").symlink_to("/")
        os.chdir(run)
        for _ in range(3000):  # deeper than a path can name, or Python's recursion go
            os.mkdir("deeper")
            os.chdir("deeper")
        os.fchdir(here)
        os.close(here)
    assert not place.exists()


def test_the_folder_of_a_killed_run_is_removed_and_no_other(repo):
    (alive, kept), (killed, left) = held(repo), held(repo)
    (left / "closed").mkdir()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    remove_abandoned()
    assert left.exists(), f"it is younger than {YOUNG} s"
    old(kept)
    old(left)
    remove_abandoned()
    assert kept.exists() and not left.exists()
    alive.communicate("\n")
    assert not kept.exists()


def test_what_a_link_leads_to_stays(tmp_path):
    (tmp_path / "precious").mkdir()
    link = Path("/tmp/pixelwise-a-link")
    link.unlink(missing_ok=True)
    link.symlink_to(old(tmp_path / "precious"))
    try:
        remove_abandoned()
        assert (tmp_path / "precious").exists()
    finally:
        link.unlink()
