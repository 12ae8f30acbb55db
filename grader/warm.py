"""Warm starts: a judge and a kernel are forked from a process that has loaded what they need.

`forker.py` is that process; each grading process has one for judges and one for each framework. A
student's kernel is forked from one that no student's code has ever run in, and is confined before
any of it runs: bubblewrap builds the sandbox as for a cold start, around a shell that only waits,
and the fork joins its namespaces.
"""

import contextlib
import functools
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from grader import sandbox, seccomp
from grader.settings import REPOSITORY, course_folder

FORKER = Path(__file__).with_name("forker.py")
START = 300
"""Seconds until a forker has loaded its modules, on a busy machine."""
FRAMEWORKS = {"numpy": (), "pytorch": ("torch",), "keras": ("tensorflow", "keras")}
WAITING = ["/bin/sh", "-c", "echo; read nothing"]
"""Keeps a seat in a sandbox: it says that it is there, and ends when the other end is closed."""


class WarmStartFailed(RuntimeError):
    """Nothing was started; the message says why."""


class Forker:
    """A process that forks programs with their modules loaded. It ends with this process."""

    def __init__(self, modules: Sequence[str], environment: dict[str, str]) -> None:
        self._command = [sys.executable, "-P", str(FORKER)]
        self._modules, self._environment = modules, environment
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None

    def fork(self, request: dict, *files: int) -> tuple[int, socket.socket]:
        """Starts a program.

        Args:
            request: what `forker.become` reads.
            files: its log, and for a kernel the seat.

        Returns:
            Its process id, and a line to it that is closed when one of the two processes ends.

        Raises:
            WarmStartFailed: twice.
        """
        with self._lock:
            for last in (False, True):
                ours, theirs = socket.socketpair()
                ours.settimeout(START)
                try:
                    with theirs:
                        self._send(request, [theirs.fileno(), *files])
                    if pid := ours.recv(64):
                        return int(pid), ours
                    raise OSError("what it forked ended at once")
                except OSError as error:
                    self._process = None
                    ours.close()
                    if last:
                        raise WarmStartFailed(f"the forker does not answer ({error})") from None

    def _send(self, request: dict, files: list[int]) -> None:
        if self._process is None or self._process.poll() is not None:
            self._start()
        message = json.dumps(request).encode() + b"\n"
        socket.send_fds(self._requests, [message[:1]], files)
        self._requests.sendall(message[1:])

    def _start(self) -> None:
        self._requests, theirs = socket.socketpair()
        self._requests.settimeout(START)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [*self._command, str(number), *self._modules],
                env=self._environment,
                pass_fds=[number],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        if self._requests.recv(16) != b"ready":
            raise OSError(f"it cannot load {', '.join(self._modules)}")


def judge(assignment: str, argv: list[str], log: int, confined: bool) -> tuple[int, socket.socket]:
    """Forks a judge with these words on its command line; its process id, and the line to it."""
    request = {
        "name": "pixelwise-judge",
        "call": "grader.judge:main",
        "argv": argv,
        "environment": {
            **_for_judges(),
            "PIXELWISE_COURSE": str(course_folder()),
            "PIXELWISE_UNCONFINED": "0" if confined else "1",
        },
        "folder": str(REPOSITORY),
        "path": [],
    }
    return judges(assignment).fork(request, log)


@functools.cache
def judges(assignment: str) -> Forker:
    """Forks judges of an assignment."""
    modules = ("grader.judge", "grader.public:load", f"grader.checks.{assignment}")
    return Forker((*modules, "numpy.ma", "PIL.ImageFile"), _for_judges())


def _for_judges() -> dict[str, str]:
    threads = {key: "1" for key in sandbox.ENVIRONMENT if key.endswith("_NUM_THREADS")}
    return {**os.environ, **threads, "PYTHONPATH": str(REPOSITORY)}


@functools.cache
def kernels(framework: str) -> Forker:
    """Forks kernels with a framework loaded."""
    # What is loaded must neither read nor write a home: there is none.
    environment = sandbox.environment(Path("/"), HOME="/dev/null")
    del environment["PYTHONPATH"]
    # IPython loads a debugger, which takes longer than all the rest of it
    kernel = ("ipykernel.kernelapp", "ipykernel.debugger", "tornado.queues", "numpy.random")
    return Forker((*kernel, *FRAMEWORKS[framework]), environment)


def framework_of(notebook: NotebookNode) -> str | None:
    """What a notebook imports; None if it must not be loaded before the notebook runs.

    A wrong guess costs time, and nothing else.
    """
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    if "environ" in code:  # what it sets there may be meant for the import
        return None
    imported = set(re.findall(r"^\s*(?:import|from)\s+(torch|tensorflow|keras)\b", code, re.M))
    found = [name for name in ("pytorch", "keras") if imported & set(FRAMEWORKS[name])]
    chosen = re.findall(r"^FRAMEWORK\s*=\s*[\"'](\w+)", code, re.M)[-1:]
    return next((name for name in chosen if name in found), (found or ["numpy"])[0])


@contextlib.contextmanager
def seat():
    """Two ends: ours says who sits at the other, which is a program's standard input and output."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    with ours, theirs:
        yield ours, theirs


def who_sits(ours: socket.socket) -> int:
    """The process id, in our numbers, of the program that waits at the other end."""
    ours.settimeout(60)
    said, about, _, _ = ours.recvmsg(16, socket.CMSG_SPACE(struct.calcsize("3i")))
    for level, kind, data in about:
        if said and (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return struct.unpack("3i", data[: struct.calcsize("3i")])[0]
    raise WarmStartFailed("the sandbox ended at once")


def kernel(
    framework: str, argv: list[str], environment: dict[str, str], ours: socket.socket, log: int
) -> int:
    """Forks a kernel with these words on its command line into the sandbox at whose door `ours` is.

    Gives its process id, in our numbers. Raises WarmStartFailed.
    """
    request = {
        "name": "student-kernel",
        "call": "ipykernel.kernelapp:launch_new_instance",
        "argv": argv,
        "environment": environment,
        "folder": f"{sandbox.HOME}/work",
        "path": [environment["PYTHONPATH"]],
        "seat": who_sits(ours),
        "limits": sandbox.Limits().resources(),
        "nobody": sandbox.NOBODY,
        "calls": seccomp.program().hex(),
    }
    pid, line = kernels(framework).fork(request, log, ours.fileno())
    line.close()
    return pid
