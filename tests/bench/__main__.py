"""Measures speed as a ratio to a named peer in the same run: python -m tests.bench [name …]

Each module beside this file yields the rows of one subject. Prints a table and writes
build/bench.json. Nothing here is asserted: a shared machine is too noisy for that.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["TQDM_DISABLE"] = "1"

ROOT = Path(__file__).resolve().parents[2]
NO_SUBJECTS = {"measure", "homework", "many"}
SUBJECTS = sorted({p.stem for p in Path(__file__).parent.glob("[a-z]*.py")} - NO_SUBJECTS)


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__.split("\n")[0])
    parser.add_argument("subjects", nargs="*", metavar="name", help=", ".join(SUBJECTS))
    chosen = parser.parse_args().subjects or SUBJECTS
    if unknown := set(chosen) - set(SUBJECTS):
        parser.error(f"no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    rows = []
    print(f"{'':44}{'ours':>10}{'peer':>10}  {'unit':12}{'ratio':>7}  peer")
    for subject in chosen:
        for row in importlib.import_module(f"tests.bench.{subject}").rows():
            rows.append(row)
            print(
                f"{row['name']:44}{row['ours']:10.4g}{row['peer']:10.4g}  {row['unit']:12}"
                f"{row['ratio']:7.2f}  {row['peer_name']}",
                flush=True,
            )
    path = ROOT / "build/bench.json"
    path.parent.mkdir(exist_ok=True)
    before = json.loads(path.read_text()) if path.exists() else []
    names = {row["name"] for row in rows}
    kept = [row for row in before if row["name"] not in names]
    path.write_text(json.dumps(kept + rows, indent=1) + "\n")
    print(f"\nratio = how many times better ours is than the peer. {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
