"""A folder for one run of a student's program, and what becomes of it if we are killed."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "/tmp/pixelwise-"  # paths of sockets must be short
YOUNG = 600
"""Seconds; a younger folder may be one that its maker is about to lock."""


@contextmanager
def run_folder() -> Iterator[Path]:
    """A new folder for one run; nothing of it is left, whatever a student's program made there.

    It is locked as long as this process lives: `remove_abandoned` tells by that what is in use.
    """
    folder = Path(tempfile.mkdtemp(prefix=Path(PREFIX).name, dir=Path(PREFIX).parent))
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def remove_abandoned() -> None:
    """Removes the folders of runs whose process was killed."""
    for folder in Path(PREFIX).parent.glob(f"{Path(PREFIX).name}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # it went away, or is somebody else's
        try:
            status = os.fstat(lock)
            if status.st_uid == os.geteuid() and time.time() - status.st_mtime > YOUNG:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(lock)


def remove(folder: Path) -> None:
    """Removes a folder with all that is in it, links and closed folders too."""
    for _ in range(20):  # processes that were killed may still be going
        try:
            shutil.rmtree(folder)
            return
        except (OSError, RecursionError):  # closed folders; folders nested without end
            subprocess.run(["chmod", "-R", "u+rwX", "--", folder], stderr=subprocess.DEVNULL)
            subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL)
        if not os.path.lexists(folder):
            return
        time.sleep(0.25)
