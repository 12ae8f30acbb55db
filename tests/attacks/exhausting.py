"""Attacks that use up the machine, or do not end. All run inside the sandbox's limits."""

from tests.attacks.attack import Attack

C = "import ctypes, os, signal, time\nlibc = ctypes.CDLL(None, use_errno=True)\n"
STUBBORN = "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nnumber = 0\n"

ATTACKS = [
    Attack("os._exit", "import os; os._exit(0)", says="the kernel died"),
    Attack("a crash in C", C + "ctypes.string_at(0)", says="the kernel died"),
    Attack(
        "killing everything",
        "import os\ntry: os.kill(-1, 9)\nfinally: os.abort()",
        says="the kernel died",
    ),
    Attack(
        "an endless loop, interrupts ignored",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        says="longer than 15 s",
    ),
    Attack(
        "every signal ignored and blocked",
        """
import signal
for number in range(1, 64):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
while True: pass
""",
        says="longer than 15 s",
    ),
    Attack("an endless loop in C", "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
           says="longer than 15 s|too long"),
    Attack("an endless loop in an answer", "def crop_flip(*a):\n    while True: pass",
           says="too long|broke off"),
    Attack(
        "an endless loop when it ends",
        """
import atexit, os, threading
class Last:
    def __del__(self):
        while True: pass
last = Last()
@atexit.register
def never():
    while True: pass
threading._register_atexit(never)
del last
""",
    ),
    Attack(
        "a loop at exit alone, and a process that lives on",
        """
import atexit, os, time
@atexit.register
def never():
    while True: pass
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: time.sleep(1)
    os._exit(0)
""",
    ),
    Attack("sleep", "import time\ntime.sleep(10**6)"),
    Attack("deep recursion in C", "import sys\nsys.setrecursionlimit(10**9)\n"
           "def deep(n): return deep(n + 1)\ndeep(0)"),
    Attack(
        "a fork bomb",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        says="memory|longer than",
    ),
    Attack(
        "a bomb of threads",
        "import threading, time\nwhile True:\n    try:\n"
        "        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "    except (RuntimeError, MemoryError): time.sleep(0.01)",
    ),
    Attack("a list without end", "things = []\nwhile True: things.append(bytearray(1 << 20))",
           says="memory|MemoryError"),
    Attack(
        "memory of many processes",
        """
import os, time
for _ in range(4):
    if os.fork() == 0:
        memory = bytearray(b"x") * (300 << 20)
        time.sleep(60)
time.sleep(60)
""",
        says="memory",
    ),
    Attack(
        "shared memory that no process shows",
        C + """
import mmap
held = []
for _ in range(24):
    memory = mmap.mmap(-1, 64 << 20)
    for place in range(0, len(memory), 4096): memory[place] = 1
    memory.madvise(mmap.MADV_DONTNEED)
    held.append(memory); time.sleep(0.05)
time.sleep(60)
""",
        says="memory",
    ),
    Attack(
        "memory of memfd_create and shmget",
        C + """
for _ in range(8):
    number = libc.memfd_create(b"pwned", 0)
    if number >= 0: gained("memfd"); os.write(number, bytes(64 << 20))
    number = libc.shmget(0, 64 << 20, 0o1600)
    if number >= 0: gained("shmget"); libc.shmat(number, None, 0)
""",
    ),
    Attack(
        "full file systems",
        """
import os
written = 0
for place in ("/tmp", "/dev/shm", os.path.expanduser("~")):
    try:
        for number in range(100):
            with open(f"{place}/{number}", "wb") as file: written += file.write(bytes(16 << 20))
    except OSError as error: print(place, error)
if written > 600 << 20: gained(written)
""",
        says="No space left",
    ),
    Attack(
        "files without number",
        STUBBORN + "while True:\n    number += 1\n    open(f'/tmp/{number}', 'w').close()",
        says="more than 50000 files",
    ),
    Attack(
        "folders without number",
        STUBBORN + "while True:\n    number += 1\n    os.mkdir(f'/dev/shm/{number}')",
        says="more than 50000 files",
    ),
    Attack(
        "open files and sockets without number",
        """
import os, socket, time
def fill():
    held = []
    while True:
        try:
            pair = socket.socketpair(); held.append(pair)
            pair[0].setblocking(False)
            while True: pair[0].send(bytes(8192))
        except BlockingIOError: pass
        except OSError: break
    time.sleep(60)
for _ in range(16):
    if os.fork() == 0: fill()
time.sleep(60)
""",
        says="files and sockets open|memory",
    ),
    Attack(
        "a limit that it lifts",
        """
import resource
for what in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE,
             resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):
    try:
        resource.setrlimit(what, (resource.RLIM_INFINITY,) * 2); gained(what)
    except (OSError, ValueError): pass
""",
    ),
    Attack(
        "a gigabyte of output",
        'import time\nfor _ in range(10**4): print("x" * 100_000); time.sleep(0.002)',
        says="printed more than 10 MiB",
    ),
    Attack("300 MB in one line", 'print("x" * (300 << 20))', says="printed|died|memory|stopped"),
    Attack(
        "a gigabyte past Jupyter",
        "import os\nfor _ in range(2000): os.write(1, bytes(1 << 19)), os.write(2, bytes(1 << 19))",
    ),
    Attack(
        "a million small outputs",
        "from IPython.display import display\nfor n in range(10**6): display(n)",
    ),
    Attack("a result that is written for ever", "class Big:\n    def __repr__(self):\n"
           "        while True: pass\nBig()"),
    Attack(
        "a number with a billion digits",
        "def crop_flip(*a):\n    return 9 ** (9 ** 9)",
        says="too long|longer than|broke off|stops",
    ),
]  # fmt: skip
