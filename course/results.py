"""Runs what takes seeds and minutes, for the lessons to read: python -m course.results [name …]

Each module of course/experiments is one subject. It has measure(seed) → {row: value}; it may have
COMPARE, {row: value} of somebody else's figures. Each seed runs in a process of its own, with one
thread. Prints a table and writes course/results/<name>.json. What was measured before an
interruption is kept in build/results, and the same command goes on from there.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER, UNFINISHED = ROOT / "course/results", ROOT / "build/results"
SEEDS = (0, 1, 2)
NAMES = sorted(p.stem for p in (ROOT / "course/experiments").glob("[a-z]*.py"))
PACKAGES = {"numpy": "numpy", "PIL": "pillow", "torch": "torch", "tensorflow": "tensorflow",
            "keras": "keras"}  # fmt: skip
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def measure(name: str, seed: int) -> dict:
    """One run, in this process → its values, its minutes on a core, and the versions it used."""
    subject = importlib.import_module(f"course.experiments.{name}")
    start = time.process_time()
    values = subject.measure(seed)
    versions = {"python": platform.python_version()}
    for module, package in PACKAGES.items():
        if module in sys.modules:
            versions[package] = sys.modules[module].__version__
    return {
        "what": subject.__doc__.strip().splitlines()[0],
        "minutes": round((time.process_time() - start) / 60, 2),
        "versions": versions,
        "compare": getattr(subject, "COMPARE", {}),
        "values": values,
    }


def run(name: str) -> dict:
    """All seeds of one experiment → what its file holds: values[row] has one value per seed.

    This process loads no framework: the runs do.
    """
    UNFINISHED.mkdir(parents=True, exist_ok=True)
    parts = [UNFINISHED / f"{name}-{seed}.json" for seed in SEEDS]
    for seed, part in zip(SEEDS, parts, strict=True):
        if not part.exists():
            print(f"{name}, seed {seed} …", file=sys.stderr, flush=True)
            command = [sys.executable, "-m", "course.results", name, "--seed", str(seed)]
            done = subprocess.run(
                command, cwd=ROOT, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, check=True
            )
            part.write_bytes(done.stdout)
    runs = [json.loads(part.read_text()) for part in parts]
    for part in parts:
        part.unlink()
    return {
        "what": runs[0]["what"],
        "command": f"python -m course.results {name}",
        "minutes": round(sum(r["minutes"] for r in runs), 2),
        "versions": runs[0]["versions"],
        "seeds": list(SEEDS),
        "values": {row: [r["values"][row] for r in runs] for row in runs[0]["values"]},
        "compare": runs[0]["compare"],
    }


def table(found: dict) -> str:
    """The rows with their values, their mean, and what they compare with."""
    wide = max(map(len, found["values"])) + 2
    seeds = "".join(f"{f'seed {seed}':>10}" for seed in found["seeds"])
    lines = [found["what"], f"{'':{wide}}{seeds}{'mean':>10}{'real':>10}" if found["compare"] else
             f"{'':{wide}}{seeds}{'mean':>10}"]  # fmt: skip
    for row, values in found["values"].items():
        cells = [*values, sum(values) / len(values)]
        if row in found["compare"]:
            cells.append(found["compare"][row])
        lines.append(f"{row:{wide}}" + "".join(f"{cell:10.4g}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser("python -m course.results", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--seed", type=int, help="one run of one experiment; prints it as JSON")
    given = parser.parse_args()
    names = given.names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"no experiment {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if given.seed is not None:
        print(json.dumps(measure(names[0], given.seed)))
        return
    for name in names:
        found = run(name)
        path = FOLDER / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{table(found)}\n→ {path.relative_to(ROOT)}, {found['minutes']} min\n", flush=True)


if __name__ == "__main__":
    main()
