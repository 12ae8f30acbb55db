"""Does grading many submissions stay flat? python -m tests.bench.many 1000

One `grade` run of small submissions on two workers. Prints, at each hundred, what the command (the
scheduler runs in it) and the workers hold: memory (RSS, MiB), open files, threads, folders in /tmp
and in the workers' own.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench import homework
from tests.bench.homework import NAME, ROOT

MIB = 2**20


def main(students: int, every: int = 100) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("PIXELWISE_BENCH")) as folder:
        root = Path(folder).resolve()
        environment = homework.ours(root, students)
        before = runs()
        command = [sys.executable, "-m", "grader", "grade", NAME, "--workers", "2"]
        command += ["--course", str(root / "assignments")]
        begun = time.monotonic()
        with open(root / "said", "w") as said:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said)
        print(f"{'graded':>7}{'s':>7}  {'command':>18}  {'worker':>18}  {'worker':>18}  /tmp")
        wanted = 2
        while process.poll() is None:
            graded = len(list((root / "run/course/outcomes").glob("*/*.sha256")))
            if graded >= wanted:
                mine = [held(p) for p in [psutil.Process(process.pid), *workers(process.pid)]]
                seconds = time.monotonic() - begun
                left = len(runs() - before)
                print(f"{graded:7}{seconds:7.0f}  {'  '.join(mine)}  {left}", flush=True)
                wanted = every * (graded // every + 1)
            time.sleep(0.2)
        print(Path(root / "said").read_text().splitlines()[-8:])
        print(f"left in /tmp: {sorted(runs() - before) or 'nothing'}; exit {process.returncode}")


def runs() -> set[str]:
    return {path.name for path in Path("/tmp").glob("pixelwise-*")}


def workers(pid: int) -> list[psutil.Process]:
    """Dask's worker processes, the first two; judges and kernels are children of theirs."""
    found = [p for p in psutil.Process(pid).children() if "spawn_main" in " ".join(p.cmdline())]
    return sorted(found, key=lambda p: p.pid)


def held(process: psutil.Process) -> str:
    with process.oneshot():
        rss = process.memory_info().rss / MIB
        return f"{rss:6.0f} MiB {process.num_fds():3} {process.num_threads():3}"


if __name__ == "__main__":
    main(int(sys.argv[1]))
