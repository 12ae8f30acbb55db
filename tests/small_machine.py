"""A machine of Binder's size: one core and 2 GB of memory.

Linux' control groups hold to it where this process may make some. Elsewhere the core is an
affinity, and whoever takes more memory is ended.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

MEMORY = 2 * 10**9
# controller: its file and the share, in version 1 and in version 2
SHARES = {
    "memory": {"memory.limit_in_bytes": MEMORY, "memory.max": MEMORY},
    "cpu": {"cpu.cfs_quota_us": 100_000, "cpu.max": "100000 100000"},
}


@dataclass(frozen=True)
class Ran:
    """How a command ended. `peak_mib`: the most memory that it and its children held at a time,
    looked at ten times a second; what two of them share counts once."""

    returncode: int
    output: str
    peak_mib: float


def run(command: list, log: Path, **options) -> Ran:
    """Runs a command on the small machine; its output passes through the file `log`. `options` are
    those of subprocess.Popen."""
    with _groups() as groups, open(log, "w+") as output:

        def enter() -> None:
            for group in groups.values():
                (group / "cgroup.procs").write_text(str(os.getpid()))
            if "cpu" not in groups:
                os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])

        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=enter,
            **options,
        )
        peak = 0
        while process.poll() is None:
            held = _held(process.pid)
            peak = max(peak, held)
            if "memory" not in groups and held > MEMORY:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.1)
        output.seek(0)
        return Ran(process.returncode, output.read(), peak / 2**20)


def _held(pid: int) -> int:
    """Bytes that a process and all below it hold."""
    total = 0
    try:
        for process in (root := psutil.Process(pid), *root.children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass  # it ended meanwhile; the next look finds the others
    return total


@contextmanager
def _groups() -> Iterator[dict[str, Path]]:
    """Control groups inside our own, by controller; those that can't be made are missing."""
    made = {controller: group for controller in SHARES if (group := _make(controller))}
    try:
        yield made
    finally:
        for group in made.values():
            while pids := (group / "cgroup.procs").read_text().split():
                for pid in pids:
                    os.kill(int(pid), signal.SIGKILL)
                time.sleep(0.1)
            group.rmdir()


def _make(controller: str) -> Path | None:
    own = Path("/proc/self/cgroup")
    for line in own.read_text().splitlines() if own.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = Path("/sys/fs/cgroup", controller if controllers else "")
        group = top / path.strip("/") / f"pixelwise-{controller}-{os.getpid()}"
        try:
            group.mkdir()
            for file, share in SHARES[controller].items():
                if (group / file).exists():
                    (group / file).write_text(str(share))
                    return group
            group.rmdir()
        except OSError:
            continue  # read-only, or not ours
    return None
