"""The watch beside a kernel in the sandbox: it ends what uses more than its share.

Limits per process do not bound a family of processes, a folder on disk has no limit at all, and
memory may lie where no process shows it. So this looks at the sums, four times a second.
"""

import os
import stat
import subprocess
import threading
import time
from pathlib import Path

import psutil

from grader.sandbox import HOME, MIB

PAGE = os.sysconf("SC_PAGE_SIZE")
ZEROES = b"/dev/zero (deleted)"
"""How /proc names memory that processes share."""
SCRATCH = ("/tmp", "/dev/shm", HOME)
CHILDREN = "/proc/{0}/task/{1}/children"
MAX_FILES = 50_000
"""On the sandbox's file systems in memory: their size bounds the contents, not the number."""
MAX_OPEN = 4096
"""Open files and sockets of all processes; each may hold some 200 kB in the system's buffers."""
MAX_SOCKETS = 64
"""Entries in the folder of the sockets; a kernel makes seven."""


BUSY = 8
"""A machine that is busy with other things gives so many times the time that is asked for; then
the submission is left ungraded, and nobody loses a point."""


class Watch(threading.Thread):
    """Stops a kernel that uses more than its share of time, memory or disk.

    Attributes:
        reason: why the kernel was stopped, or an empty string.
        ours: True when the machine, not the student, was the reason.
    """

    def __init__(
        self,
        process: subprocess.Popen,
        forked: int | None,
        judge: int,
        writable: Path,
        seconds: int,
        memory_mib: int,
    ) -> None:
        super().__init__(daemon=True)
        self.reason, self.ours = "", False
        self._process, self._forked = process, forked
        self._judge, self._writable = judge, writable
        self._waited = self._waited_by_judge = 0.0
        self._seconds, self._memory_mib = seconds, memory_mib
        self._over = threading.Event()
        # the last resort, on a small machine and on a large one
        self._reserve = min(1024 * MIB, psutil.virtual_memory().total // 20)

    def run(self) -> None:
        begun = time.monotonic()
        while not self._over.wait(0.25) and self._process.poll() is None:
            family = self._family()
            self._look_who_waits(family)
            passed = time.monotonic() - begun
            if passed - self.waited > self._seconds:
                self.stop(f"the whole notebook took longer than {self._seconds} s")
            elif passed > BUSY * self._seconds:
                self.ours = True
                self.stop(f"this machine was too busy: after {passed:.0f} s it was not done")
            elif self._memory(family) > self._memory_mib * MIB:
                self.stop(f"the notebook used more than {self._memory_mib} MiB of memory")
            elif self._wrote():
                self.stop("the notebook wrote into the folder of its sockets")
            elif self._files(family) > MAX_FILES:
                self.stop(f"the notebook made more than {MAX_FILES} files")
            elif sum(len(entries(f"/proc/{pid}/fd")) for pid in family) > MAX_OPEN:
                self.stop(f"the notebook held more than {MAX_OPEN} files and sockets open")
            elif psutil.virtual_memory().available < self._reserve:
                self.ours = True
                self.stop("this machine ran out of memory")
            elif psutil.disk_usage(str(self._writable)).free < 256 * MIB:
                self.ours = True
                self.stop("this machine ran out of disk space")

    @property
    def waited(self) -> float:
        """Seconds for which the notebook, or the judge that it waits for, was kept waiting for a
        processor, when this looked last. That is no fault of the student's."""
        return self._waited + self._waited_by_judge

    def stop(self, reason: str) -> None:
        """Kill the kernel and keep the first reason."""
        self.reason = self.reason or reason
        self._over.set()
        self._process.kill()

    def end(self) -> None:
        self._over.set()
        self.join()

    def _family(self) -> list[int]:
        """The sandbox's processes. A forked kernel has its parent outside of it."""
        forked = [self._forked, *descendants(self._forked)] if self._forked else []
        return [*descendants(self._process.pid), *forked]

    def _look_who_waits(self, family: list[int]) -> None:
        self._waited = max(self._waited, *map(delay, family), 0.0)
        judge = sum(map(delay, (self._judge, *descendants(self._judge))))
        self._waited_by_judge = max(self._waited_by_judge, judge)

    def _memory(self, family: list[int]) -> int:
        """Bytes that the processes hold, and those that they share without showing them."""
        total, shared = 0, {}
        for pid in family:
            total += PAGE * int((read(f"/proc/{pid}/statm").split() or [0, 0])[1])
            # memory of several processes counts for none that has let go of its pages
            maps = read(f"/proc/{pid}/maps")
            for line in maps.splitlines() if ZEROES in maps else ():
                if line.endswith(ZEROES):
                    span, _, _, _, inode, _ = line.split(maxsplit=5)
                    start, end = (int(number, 16) for number in span.split(b"-"))
                    shared[inode] = max(shared.get(inode, 0), end - start)
        return max(total, sum(shared.values()))

    def _files(self, family: list[int]) -> int:
        """Files on the file systems that the sandbox keeps in memory."""
        for pid in reversed(family):  # the first ones live outside of them
            try:
                states = [os.statvfs(f"/proc/{pid}/root{place}") for place in SCRATCH]
            except OSError:
                continue
            return sum(state.f_files - state.f_ffree for state in states if state.f_files)
        return 0

    def _wrote(self) -> bool:
        """Whether more than sockets and the kernel's own file stand in their folder."""
        size, count = 0, 0
        try:
            with os.scandir(self._writable) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    size, count = size + status.st_size, count + 1
                    if count > MAX_SOCKETS or size > MIB or stat.S_ISDIR(status.st_mode):
                        return True
        except OSError:
            return False
        return False


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    if not os.path.exists(CHILDREN.format(os.getpid(), os.getpid())):  # some kernels; macOS
        try:
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []
    found, parents = [], [pid]
    for parent in parents:
        for thread in entries(f"/proc/{parent}/task"):
            children = read(CHILDREN.format(parent, thread)).split()
            found += map(int, children)
            parents += map(int, children)
    return found


def delay_of_family(pid: int) -> float:
    """The longest that one of a process and its descendants was kept waiting, in seconds."""
    return max(map(delay, (pid, *descendants(pid))))


def delay(pid: int) -> float:
    """Seconds for which a process was ready to run and none of the processors was free."""
    return int((read(f"/proc/{pid}/schedstat").split() or [0, 0])[1]) / 1e9


def read(path: str) -> bytes:
    """What stands there; nothing, when the process is gone."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def entries(path: str) -> list[str]:
    """The names in a folder; none, when the process is gone."""
    try:
        return os.listdir(path)
    except OSError:
        return []
