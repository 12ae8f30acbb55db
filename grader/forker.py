"""Has a program's modules loaded, and forks for each run of it: a warm start.

    python forker.py SOCKET MODULE[:FUNCTION]…     started by `grader.warm`, which asks for forks

A student's kernel is forked here too, and then put where bubblewrap has built an empty sandbox. So
this process knows nothing that a student may not know: its environment is the sandbox's, and each
request is read by the child that it is meant for.
"""

import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys

IDLE = 900
"""Seconds without a request after which this process ends; the next one starts another."""
NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "cgroup")
OWNER = 0xB701  # ioctl NS_GET_USERNS: the user namespace that owns a namespace
# linux/prctl.h
DUMPABLE, NAME, SECCOMP, DROP_FROM_BOUND, NO_NEW_PRIVILEGES = 4, 15, 22, 24, 38
CAPABILITIES_3 = 0x20080522  # linux/capability.h: sets of 64 bits

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    before = dict(os.environ)
    for name in sys.argv[2:]:
        module, _, function = name.partition(":")
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    added = {name: os.environ[name] for name in os.environ.keys() - before.keys()}
    gc.collect()
    gc.freeze()  # what all children share is not to be copied for a look at it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests.send(b"ready")
    while select.select([requests], [], [], IDLE)[0]:
        taken, mine = os.pipe()
        if os.fork() == 0:
            request, files = take(requests, mine)
            break
        os.close(mine)
        more = os.read(taken, 1)
        os.close(taken)
        if not more:
            return
    else:
        return
    request["environment"] |= added  # by what was loaded, to be seen by what is loaded later
    become(request, files)


def take(requests: socket.socket, taken: int) -> tuple[dict, list[int]]:
    """In the child: its request, and the files that came with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(requests, 1 << 16, 3)
    while not message.endswith(b"\n"):
        more = requests.recv(1 << 16)
        if not more:
            os._exit(0)  # who started the forker is gone
        message += more
    os.write(taken, b"1")
    requests.detach()  # `become` closes it
    return json.loads(message), files


def become(request: dict, files: list[int]) -> None:
    """Runs what was asked for. `files`: the line to who asked, the log, and for a kernel the seat
    that is kept for it in its sandbox."""
    line, log, *seat = files
    os.setsid()
    libc.prctl(NAME, request["name"].encode(), 0, 0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # the line is 3, the seat 4
    for number, file in enumerate((line, *seat), 3):
        os.dup2(fcntl.fcntl(file, fcntl.F_DUPFD, 64), number)
    os.closerange(3 + 1 + len(seat), 4096)
    if seat:
        sit_down(request)
    else:
        os.write(3, str(os.getpid()).encode())
        os.set_inheritable(3, False)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:0] = request["path"]
    sys.argv = request["argv"]
    importlib.invalidate_caches()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # not the same numbers for everybody
    module, function = request["call"].split(":")
    getattr(sys.modules[module], function)()


def sit_down(request: dict) -> None:
    """Goes on as a process in the sandbox in which `request["seat"]` lives, with as few rights.

    What joins a sandbox may not be its first process, and only a child enters a namespace of
    processes; so who calls this stays outside until the child ends, and frees the seat then.
    """
    there, here = f"/proc/{request['seat']}/ns", "/proc/self/ns"
    user = os.open(f"{there}/user", os.O_RDONLY)
    spaces = [
        os.open(f"{there}/{name}", os.O_RDONLY)
        for name in NAMESPACES
        if os.readlink(f"{there}/{name}") != os.readlink(f"{here}/{name}")
    ]
    root = os.geteuid() == 0
    if not root:  # rights over the other namespaces come with the one that owns them
        enter(fcntl.ioctl(spaces[0], OWNER))
    for space in spaces:
        enter(space)
    if child := os.fork():
        os.write(3, str(child).encode())
        os.closerange(5, 4096)
        os.close(3)
        os.waitpid(child, 0)
        os._exit(0)
    for which, most in request["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{which}"), (most, most))
    if root:
        os.setgroups([])
        os.setresgid(*[request["nobody"]] * 3)
        os.setresuid(*[request["nobody"]] * 3)
    enter(user)
    os.closerange(3, 4096)
    give_up_rights(bytes.fromhex(request["calls"]))
    os.setsid()


def give_up_rights(calls: bytes) -> None:
    """No capability, none to come, and the system calls of a filter only."""
    for capability in range(64):
        libc.prctl(DROP_FROM_BOUND, capability, 0, 0, 0)  # fails from the last one that there is
    header, none = (ctypes.c_uint32 * 2)(CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)()
    demand(libc.capset(header, none))
    demand(libc.prctl(DUMPABLE, 1, 0, 0, 0))  # /proc/self is the student's own, as after exec
    demand(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    if calls:
        program = ctypes.create_string_buffer(calls, len(calls))
        filter_ = (ctypes.c_uint64 * 2)(len(calls) // 8, ctypes.addressof(program))
        demand(libc.prctl(SECCOMP, 2, ctypes.byref(filter_), 0, 0))


def enter(namespace: int) -> None:
    demand(libc.setns(namespace, 0))


def demand(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main()
