"""Writes the public cases of the assignments, for helpers.check at the student's desk.

    python -m grader.publish            all of them
    python -m grader.publish NAME       one

They are drawn by the same code as the hidden ones, from the seed 0, which everybody may know.
"""

import argparse
import zlib
from dataclasses import asdict, astuple

import numpy as np

from grader.checks import Question, assignment, bars
from grader.settings import REPOSITORY
from helpers import wire
from helpers.desk import CASES

SOURCES = ("streets", "lyft")
ASSIGNMENTS = sorted(path.stem for path in (REPOSITORY / "assignments/text").glob("*.py"))


def public(name: str, question: Question) -> dict:
    """What a student may see of a question: its parts, public cases, sizes and bars."""
    seen = {"kind": question.kind, "points": question.points, "parts": list(question.parts)}
    if question.kind == "network":
        builds = [asdict(build) for build in question.public_builds]
        return seen | {"design": question.design, "builds": builds}
    if question.kind == "model":
        return seen | {
            "bars": {data: [astuple(bar) for bar in bars(name, data)] for data in SOURCES}
        }
    drawn = question.cases(np.random.default_rng(0))
    return seen | {"cases": [asdict(case) for case in drawn]}


def encoded(name: str) -> bytes:
    """The file of one assignment."""
    questions = {key: public(name, question) for key, question in assignment(name).items()}
    return zlib.compress(wire.encode(questions), 9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ASSIGNMENTS))
    CASES.mkdir(exist_ok=True)
    for name in parser.parse_args().names or ASSIGNMENTS:
        path = CASES / f"{name}.bin"
        path.write_bytes(encoded(name))
        print(f"helpers/cases/{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
