"""The sandbox: runs a program of a student's making where it can do no harm.

Bubblewrap builds a small world of its own: no network, no other processes, the system and the
Python environment read-only, everything else absent or in memory. `command` wraps any program;
`grader.kernel` starts a Jupyter kernel that way, for grading.
"""

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from grader import seccomp
from grader.run_folder import remove_abandoned, run_folder

# The files of ours that a student's process may import in grading. The rest of helpers are the
# solutions of the assignments.
STUDENT_HELPERS = ("__init__.py", "check.py", "wire.py", "export.py", "portable.py", "quiet.py")

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
HOME = "/home/student"
NOBODY = 65534
MIB = 1 << 20

ENVIRONMENT = {
    "HOME": HOME,
    "USER": "student",
    "LANG": "C.UTF-8",
    "IPYTHONDIR": f"{HOME}/.ipython",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "agg",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # as `helpers.keras` has it
    "CUDA_VISIBLE_DEVICES": "",
    # One thread each: grading is repeatable, and thread pools do not eat the process limit.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}

INSTALL = (
    "install it with `sudo apt-get install bubblewrap util-linux` (Debian, Ubuntu) or "
    "`sudo dnf install bubblewrap util-linux` (Fedora)"
)


class SandboxUnavailable(RuntimeError):
    """The sandbox cannot be started on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Limits:
    """What one sandboxed program may use. Memory is address space per process."""

    memory_mib: int = 4096
    processes: int = 96
    cpu_seconds: int = 300
    file_mib: int = 256
    scratch_mib: int = 256

    def resources(self) -> dict[str, int]:
        """By the names of setrlimit."""
        return {
            "AS": self.memory_mib * MIB,
            "NPROC": self.processes,
            "CPU": self.cpu_seconds,
            "FSIZE": self.file_mib * MIB,
            "CORE": 0,
            "NOFILE": 512,
        }

    def prlimit(self) -> list[str]:
        limits = [f"--{name.lower()}={most}" for name, most in self.resources().items()]
        return ["prlimit", *limits, "--"]


def environment(run: Path, **extra: str) -> dict[str, str]:
    """The whole environment of a sandboxed program: nothing is inherited.

    One thing is: where this Python's own shared library lies, if it had to be told.
    """
    path = f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin"
    libraries = [
        folder
        for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":")
        if folder and Path(folder).is_relative_to(sys.base_prefix)
    ]
    if libraries:
        extra["LD_LIBRARY_PATH"] = ":".join(libraries)
    return {**ENVIRONMENT, "PATH": path, "PYTHONPATH": str(run / "lib"), **extra}


def python_folders() -> list[Path]:
    """Every folder that this Python needs: its environment, and the Pythons it links to."""
    found = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve()]
    link = Path(sys.executable)
    while link.is_symlink():
        link = link.parent / link.readlink()
        found.append(Path(os.path.normpath(link)).parent.parent)
    version = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    folders: list[Path] = []
    for folder in found:
        if folder in folders or not (folder / version).exists():
            continue
        if not folder.is_relative_to("/usr"):
            folders.append(folder)
    for folder in folders:
        if Path.home().is_relative_to(folder) or HELPERS.is_relative_to(folder):
            raise SandboxUnavailable(
                f"Python's folder {folder} contains your home or this course, and the sandbox "
                "would show it to students. Make a virtual environment and grade from there."
            )
    return folders


def prepare(run: Path, helpers: tuple[str, ...] = STUDENT_HELPERS) -> None:
    """Fill the run folder: lib/ (files of ours, read-only inside), k/ (sockets, writable)."""
    library = run / "lib" / "helpers"
    library.mkdir(parents=True)
    (run / "k").mkdir()
    (run / "work").mkdir(exist_ok=True)
    for name in helpers:
        shutil.copyfile(HELPERS / name, library / name)
    for folder in (run / "lib", library, run / "work"):
        folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(run / "k", NOBODY, NOBODY)
    (run / "k").chmod(0o700)
    (run / "calls.bpf").write_bytes(seccomp.program())


def close(run: Path) -> None:
    """From here on nothing can be made in k/. A user's own process cannot be kept from it."""
    if os.geteuid() == 0:
        os.chown(run / "k", 0, 0)
        (run / "k").chmod(0o755)


def command(
    program: list[str], run: Path, env: dict[str, str], limits: Limits | None = None
) -> list[str]:
    """Wrap `program` so that it runs in the sandbox.

    Inside, `run`/lib is read-only, `run`/k is writable, and a copy of `run`/work, in memory, is
    the current folder. `env` is the whole environment. Raises SandboxUnavailable where the tools
    are missing.
    """
    limits = limits or Limits()
    root = os.geteuid() == 0
    demand_tools()
    alone = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    alone += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    nobody = ["--unshare-user", "--disable-userns", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    calls: list[str] = []
    if seccomp.program():
        nobody += ["--seccomp", "9"]
        calls = ["/bin/sh", "-c", f'exec "$@" 9<{run}/calls.bpf', "sh"]

    world = _world(run, limits)
    for key, value in env.items():
        world += ["--setenv", key, value]
    # `cp` gives the student a folder to write in without a way back to the disk.
    copy = f'cp -r {run}/work/. {HOME}/work/ 2>/dev/null; cd {HOME}/work; exec "$@"'
    inner = [*limits.prlimit(), "/bin/sh", "-c", copy, "sh", *program]
    read_only = ["--remount-ro", "/dev", "--remount-ro", "/"]
    if not root:
        proc = ["--proc", "/proc"]
        bwrap = ["bwrap", *nobody, *alone, "--cap-drop", "ALL", "--clearenv"]
        return [*calls, *bwrap, *world, *proc, *read_only, "--", *inner]

    # The kernel's process limit does not bind root, not even in a user namespace. So root builds
    # the world (it alone may read root's Python), steps down to nobody, and closes the door.
    return [
        *calls,
        *["bwrap", *alone, "--clearenv", "--cap-drop", "ALL"],
        *["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"],
        *[*world, "--dev-bind", "/proc", "/proc", *read_only, "--"],
        *["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"],
        *["bwrap", *nobody, "--unshare-pid", "--die-with-parent", "--cap-drop", "ALL"],
        *["--dev-bind", "/", "/", "--proc", "/proc", "--", *inner],
    ]


def _world(run: Path, limits: Limits) -> list[str]:
    """Bubblewrap's arguments for the file system."""
    scratch = str(limits.scratch_mib * MIB)
    world = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/") / name
        if path.is_symlink():
            world += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            world += ["--ro-bind", str(path), str(path)]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"):
        world += ["--ro-bind-try", path, path]
    world += ["--dev", "/dev", "--perms", "1777", "--size", str(64 * MIB), "--tmpfs", "/dev/shm"]
    world += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    world += ["--perms", "1777", "--size", scratch, "--tmpfs", "/tmp"]
    world += ["--perms", "0755", "--dir", "/home"]
    world += ["--perms", "0777", "--size", scratch, "--tmpfs", HOME]
    world += ["--perms", "0777", "--dir", f"{HOME}/work"]
    made = {Path("/"), Path("/tmp"), Path("/home")}
    binds = [("--ro-bind", path) for path in python_folders()]
    binds += [("--ro-bind", run / "lib"), ("--ro-bind", run / "work"), ("--bind", run / "k")]
    for how, path in binds:
        # Made here with a mode of our own: bwrap copies the outer one, and /root is closed.
        for parent in reversed(path.parents):
            if parent not in made and not parent.is_relative_to("/usr"):
                made.add(parent)
                world += ["--perms", "0755", "--dir", str(parent)]
        world += [how, str(path), str(path)]
    return world


PROBE = """
import os, socket
assert os.getuid() != 0, "it runs as root"
assert not os.path.exists({repository!r}), "it sees the course's files"
try:
    socket.create_connection(("192.0.2.1", 9), timeout=1)
except OSError:
    print("confined")
"""


def demand_tools() -> None:
    """Raises SandboxUnavailable: a program is missing."""
    for tool in ("bwrap", "prlimit", *(["setpriv"] if os.geteuid() == 0 else [])):
        if shutil.which(tool) is None:
            raise SandboxUnavailable(f"`{tool}` is missing: {INSTALL}.")


def preflight() -> None:
    """Start something harmless in the sandbox, until that has succeeded once.

    Raises SandboxUnavailable: what is missing.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailable(
            "The sandbox needs Linux (user namespaces). Grade on a Linux machine or, for work of "
            "people you trust, with --unconfined."
        )
    demand_tools()
    probe_sandbox()


@functools.cache
def probe_sandbox() -> None:
    remove_abandoned()
    with run_folder() as run:
        prepare(run, helpers=("__init__.py",))
        probe = PROBE.format(repository=str(HELPERS))
        wrapped = command([sys.executable, "-c", probe], run, environment(run))
        try:
            done = subprocess.run(wrapped, capture_output=True, text=True, timeout=60, cwd="/")
        except subprocess.TimeoutExpired:
            raise SandboxUnavailable("The sandbox did not answer within 60 s.") from None
    if done.returncode or done.stdout.strip() != "confined":
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise SandboxUnavailable(
            f"The sandbox does not start; bubblewrap said: {said}. If this machine closes user "
            "namespaces, open them with `sudo sysctl kernel.unprivileged_userns_clone=1` (Debian) "
            "or `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu); in a "
            "container, start it with --privileged. For work of people you trust: --unconfined."
        )
