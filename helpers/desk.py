"""What check(...) does at the student's desk: the public cases, with a sentence for what is wrong.

The public cases of an assignment lie in cases/<assignment>.bin, drawn from another seed than the
hidden ones; `python -m grader.publish` writes them.
"""

import functools
import zlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from helpers import wire
from helpers.check import Unanswered, describe, respond
from helpers.classes import LYFT
from helpers.verdict import Case, Finding, by_fault, explain, look_at

CASES = Path(__file__).parent / "cases"
DRIVES = range(2000, 2030)
"""The drives of the public scenes that a model is tried on."""


def run_public_cases(question: str, answer: Any, choice: str | None) -> str:
    """What is right and wrong with an answer, part by part, as text. Never raises."""
    try:
        public = find_question(question)
        run = {"function": _functions, "loss": _functions, "network": _networks, "model": _model}
        lines = run[public["kind"]](public, answer, choice)
    except Unanswered as unanswered:
        lines = [f"… not done yet: {unanswered}"]
    except Exception as fault:
        lines = [f"✗ your code stops: {describe(fault)}"]
    return "\n".join([question, *(f"  {line}" for line in lines)])


def find_question(question: str) -> dict:
    """The public part of a question. Raises KeyError when no assignment has it."""
    for path in sorted(CASES.glob("*.bin")):
        if question in (public := _published(path)):
            return deepcopy(public[question])  # who changes it, changes their own
    raise KeyError(f"no assignment has a question '{question}'")


@functools.cache
def _published(path: Path) -> dict:
    return wire.decode(zlib.decompress(path.read_bytes()))


def _functions(public: dict, answer: Any, framework: str | None) -> list[str]:
    faults: dict[str, str] = {}
    open_parts: dict[str, Unanswered] = {}
    findings: list[Finding] = []
    for fields in public["cases"]:
        case = Case(**fields)
        challenge = {"kind": public["kind"], "inputs": case.inputs}
        try:
            findings.append(look_at(case, respond(challenge, answer, framework)))
        except Unanswered as unanswered:
            open_parts.setdefault(case.part, unanswered)
        except Exception as stop:
            faults.setdefault(case.part, f"your code stops: {describe(stop)}")
    for finding, fault in zip(findings, explain(findings), strict=True):
        if fault:
            faults.setdefault(finding.case.part, fault.hint or fault.difference)
    if open_parts.keys() == set(public["parts"]):
        raise next(iter(open_parts.values()))
    left = [part for part in public["parts"] if part not in faults]
    return [
        *(f"✓ {part}" for part in left if part not in open_parts),
        *(f"… {part}: not done yet: {open_parts[part]}" for part in left if part in open_parts),
        *(f"✗ {parts}: {fault}" for parts, fault in by_fault(faults).items()),
    ]


def _networks(public: dict, answer: Any, framework: str | None) -> list[str]:
    from helpers import architecture, rules
    from helpers.designs import Build
    from helpers.rules import SAME

    def facts_of(build: Build) -> architecture.Architecture:
        try:
            challenge = {"kind": "network", "build": vars(build)}
            (data,) = respond(challenge, answer, framework)
            return architecture.read(data.tobytes(), build.height, build.columns)
        except Unanswered:
            raise
        except Exception as fault:
            raise rules.NotBuilt(describe(fault)) from fault

    builds = [Build(**numbers) for numbers in public["builds"]]
    try:
        faults, networks = rules.builder_faults(public["design"], builds, facts_of)
    except rules.NotBuilt as fault:
        return [f"✗ {fault}"]
    parts = list(public["parts"])
    if SAME in parts and not Path("model.onnx").exists():
        parts.remove(SAME)
    elif SAME in parts and (fault := _other_than(Path("model.onnx"), facts_of)):
        faults[SAME] = fault
    lines = [f"✗ {part}: {faults[part]}" if part in faults else f"✓ {part}" for part in parts]
    if networks[0]:
        lines += ["", *networks[0].summary().splitlines()]
    return lines


def _other_than(path: Path, facts_of: Callable) -> str | None:
    """How the exported model differs from what the builder makes at that width."""
    from helpers import architecture, rules
    from helpers.designs import Build

    try:
        submitted = architecture.read(path)
        width = rules.first_width(submitted)
        return rules.difference(facts_of(Build(len(LYFT), width, 96, 128)), submitted)
    except (ValueError, rules.NotBuilt) as fault:
        return str(fault)


def _model(public: dict, path: str, source: str | None) -> list[str]:
    import onnxruntime

    from helpers import architecture, data, rules, streets
    from helpers.metrics import Confusion

    if not Path(path).exists():
        raise Unanswered(f"there is no {path} yet")
    layout = architecture.read(path).layout
    if source == "lyft":
        images, truth = data.load(data.split(data.find())[1])
    else:
        images, truth = streets.scenes(DRIVES, [0])
    batch = images.astype(np.float32) / 255
    batch = batch if layout == "NHWC" else batch.transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {session.get_inputs()[0].name: batch})
    outputs = outputs.transpose(0, 3, 1, 2) if layout == "NHWC" else outputs
    confusion = Confusion().add(truth, rules.graded_prediction(outputs))
    share, said = rules.reached(confusion, [rules.Bar(*bar) for bar in public["bars"][source]])
    mark = "✓" if share == 1 else "✗" if share == 0 else "…"
    return [
        f"{mark} {share:.0%} of the points on {len(images)} public scenes.",
        *said.replace("IoU of ", "").split("; "),
    ]
