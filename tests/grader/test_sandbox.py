"""The sandbox from inside: what a student's program can see, reach and use up."""

import subprocess
import sys

import pytest

from grader import sandbox, seccomp
from grader.sandbox import Limits, SandboxUnavailable

pytestmark = pytest.mark.usefixtures("sandboxed")


@pytest.fixture
def inside(tmp_path):
    """Runs Python code in the sandbox; gives what it printed."""
    run = tmp_path / "run"
    sandbox.prepare(run)
    (run / "work" / "notes.txt").write_text("from the student")

    def call(code: str, limits: Limits | None = None) -> str:
        wrapped = sandbox.command(
            [sys.executable, "-c", code], run, sandbox.environment(run), limits
        )
        done = subprocess.run(wrapped, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return done.stdout

    call.run = run
    return call


def test_it_sees_neither_the_course_nor_the_home_nor_other_processes(inside, repo):
    code = f"""
import os
for path in ({str(repo / "grader")!r}, {str(repo / "helpers")!r}, {str(repo / ".git")!r},
             "/etc/passwd", "/etc/shadow", {str(inside.run / "ledger.jsonl")!r}):
    assert not os.path.exists(path), path
assert os.getuid() == 65534
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
"""
    processes = inside(code)
    assert len(processes.split(",")) <= 3, "bubblewrap, the program, and its shell at most"


def test_it_has_no_network_and_cannot_build_a_sandbox_of_its_own(inside):
    code = """
import os, socket
for address in (("127.0.0.1", 22), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, timeout=1)
        print("connected", address)
    except OSError:
        pass
try:
    os.unshare(os.CLONE_NEWUSER)
    print("a namespace")
except (OSError, AttributeError):
    pass
"""
    assert inside(code) == ""


def test_it_writes_into_memory_only_and_not_much_of_it(inside):
    code = f"""
import os
print(open("notes.txt").read())
open("notes.txt", "w").write("changed")
for path in ("/x", "/dev/x", "/usr/x", {str(inside.run / "lib" / "x")!r}):
    try:
        open(path, "w")
        print("wrote", path)
    except OSError:
        pass
written = 0
try:
    for number in range(100):
        with open(f"/tmp/{{number}}", "wb") as file:
            written += file.write(bytes(10 << 20))
except OSError:
    print(written >> 20 <= 64)
"""
    assert inside(code, Limits(scratch_mib=64)) == "from the student\nTrue\n"
    assert (inside.run / "work" / "notes.txt").read_text() == "from the student"


def test_processes_and_memory_are_limited(inside):
    code = """
import os, time
children = []
try:
    while len(children) < 500:
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        children.append(child)
except OSError:
    print(10 < len(children) < 40)
try:
    bytearray(3 << 30)
except MemoryError:
    print("no memory")
"""
    assert inside(code, Limits(processes=40, memory_mib=2048)) == "True\nno memory\n"


def test_memory_that_belongs_to_no_process_cannot_be_had(inside):
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, call in {"memfd_create": lambda: os.memfd_create("x"),
                   "shmget": lambda: os.close(0) if libc.shmget(0, 4096, 0o1600) >= 0 else 1 / 0,
                   "keyctl": lambda: 1 / 0 if libc.syscall(250, 0, -4, 0) < 0 else 0}.items():
    try:
        call()
        print("had", name)
    except (OSError, ZeroDivisionError):
        pass
"""
    if not seccomp.program():
        pytest.skip("the numbers of this machine's system calls are not known")
    assert inside(code) == ""


def test_a_filter_is_made_for_known_machines_alone():
    assert seccomp.program("riscv64") == b""
    sizes = {len(seccomp.program(machine)) for machine in seccomp.CALLS}
    assert sizes == {(len(seccomp.CALLS["x86_64"][1]) + 6) * 8}


def test_students_can_import_check_and_nothing_that_holds_a_solution(inside):
    code = """
import importlib
from helpers import check, export, wire
for name in ("helpers.masks", "helpers.metrics", "helpers.pytorch.unet", "grader", "grader.checks"):
    try:
        importlib.import_module(name)
        print("imported", name)
    except ImportError:
        pass
"""
    assert inside(code) == ""


@pytest.fixture
def untried():
    """Nobody has found the sandbox to be there yet."""
    sandbox.probe_sandbox.cache_clear()


def test_a_missing_tool_is_named_with_the_way_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"`bwrap` is missing: .*apt-get install"):
        sandbox.preflight()


def test_a_sandbox_that_does_not_start_says_what_bubblewrap_said(monkeypatch, tmp_path, untried):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SandboxUnavailable, match=r"No permissions.*sysctl.*--unconfined"):
        sandbox.preflight()
