"""What a wrong answer does on public cases: sentences and pictures for the feedback.

The hidden cases give the points. Nothing of them is told to anybody but the instructor; so each
fault is shown once more on a case that lies at the student's desk.
"""

import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from grader.diagnosis import graded, training_mistake
from grader.networks import Networks, NoAnswer
from grader.told import name_of_error
from helpers import desk, streets
from helpers.classes import IGNORE, LYFT, Classes
from helpers.verdict import Case, find_fault

Put = Callable[[dict], list[np.ndarray]]
"""Sends a challenge to the student's process and gives its answer, or raises NoAnswer."""

DRIVES = range(desk.DRIVES.start, desk.DRIVES.start + 6)
"""Of the public scenes, those that a model's picture is chosen from."""
NOT_THERE = "it is right in the cases at your desk, and not in others of the same kind: is a size, "
NOT_THERE += "a type, a number of classes or an answer fixed in your code?"


@dataclass(frozen=True)
class Picture:
    """A PNG, and in words what it shows."""

    png: bytes
    alt: str


def load() -> None:
    """Reads the public cases: who forks judges does it once for all of them."""
    with contextlib.suppress(KeyError):
        desk.find_question("the last file is read, too")


def show(
    question: str, parts: Collection[str], put: Put, seconds: float = 20
) -> tuple[dict[str, str], Picture | None]:
    """What a function does on all public cases of its question.

    Args:
        question: its name.
        parts: those that are wrong.
        put: asks the function.
        seconds: no further case is begun after this time.

    Returns:
        part → sentence, and a picture where the case is about masks.
    """
    given = desk.find_question(question)
    said: dict[str, str] = {}
    picture, end = None, time.monotonic() + seconds
    for number, case in enumerate((Case(**fields) for fields in given["cases"]), 1):
        if time.monotonic() > end:
            return said, picture
        try:
            got = put({"kind": given["kind"], "inputs": case.inputs})
            fault = find_fault(case, got)
            sentence = fault and f"in public case {number} {fault.difference}"
        except NoAnswer as nothing:
            fault, sentence = None, f"in public case {number} {nothing}"
        if case.part in parts and sentence:
            said.setdefault(case.part, sentence)
            picture = picture or (fault and picture_of(case, got, number))
    return about(parts, said), picture


def about(parts: Collection[str], said: dict[str, str]) -> dict[str, str]:
    """A sentence for each wrong part."""
    return {part: said.get(part, NOT_THERE) for part in parts}


def show_model(networks: Networks) -> tuple[str, Picture]:
    """The public scene on which the submitted model is worst, in words and as a picture."""
    images, truth = streets.scenes(DRIVES, [0])
    prediction = networks.predict(images)
    right = [(t == p).mean() for t, p in zip(truth, prediction, strict=True)]
    worst = int(np.argmin(right))
    wrong = prediction[worst] != truth[worst]
    missed = np.bincount(truth[worst][wrong], minlength=len(LYFT))
    order = np.argsort(-missed)[:3]
    named = [f"{LYFT.names[k]} ({missed[k]:,} pixels)" for k in order if missed[k]]
    scene = f"public scene (drive {DRIVES[worst]}, frame 0)"
    sentence = f"on {len(images)} public scenes the mean of the graded classes is "
    sentence += f"{graded(truth, prediction):.3f}; the worst of them is drive {DRIVES[worst]}: "
    sentence += f"{wrong.mean():.1%} of its pixels are wrong, most of them {', '.join(named)}"
    if hint := training_mistake(networks.predict, images, truth, prediction):
        sentence = f"{hint}; {sentence}"
    png = panels(truth[worst], prediction[worst], LYFT, images[worst])
    return sentence, Picture(png, f"A {scene}, its labels, the model's and the errors: {sentence}.")


def picture_of(case: Case, got: list[np.ndarray], number: int) -> Picture | None:
    """Truth, answer and errors of a case about masks; None for one about other things."""
    for want, have in zip(case.expected, got, strict=False):
        have = np.asarray(have)
        integers = want.dtype.kind in "iu" and have.dtype.kind in "iu"
        if not (integers and want.ndim == 2 and min(want.shape) > 8):
            continue
        if have.shape != want.shape or (have == want).all():
            continue
        classes = _classes(case)
        if not set(np.unique(want)) <= {*range(len(classes)), IGNORE}:
            return None
        images = [x for x in case.inputs if np.shape(x) == (*want.shape, 3)]
        share = (have != want).mean()
        return Picture(
            panels(want, have, classes, images[0] if images else None),
            f"Public case {number}: the right mask, yours, and the {share:.1%} of the pixels in "
            "which they differ.",
        )
    return None


def panels(
    truth: np.ndarray, prediction: np.ndarray, classes: Classes, image: np.ndarray | None
) -> bytes:
    """Image, right mask, the student's mask and the errors side by side, as a PNG.

    Args:
        truth, prediction: H×W ids; one that is no class counts as ignored.
        image: uint8 H×W×3, or None.
    """
    from helpers import figures  # matplotlib: only where something is wrong

    known = np.isin(prediction, range(len(classes)))
    shown = np.where(known, prediction, IGNORE).astype(np.uint8)
    errors = np.where(truth == prediction, 235, 0).astype(np.uint8)
    pictures = [truth.astype(np.uint8), shown, np.repeat(errors[..., None], 3, 2)]
    titles = ["right", "yours", "errors (black)"]
    if image is not None:
        pictures, titles = [image, *pictures], ["image", *titles]
    figure = figures.side_by_side(pictures, titles, len(pictures), classes)
    data = figures.png(figure)
    figures.plt.close(figure)
    return data


def kind_of_error(text: str) -> str:
    """The name of a Python error, from a sentence of the student's process: nothing else of it.

    Whoever has seen a hidden case could tell it in the text of an error.
    """
    return name_of_error(text.partition(":")[0])


def _classes(case: Case) -> Classes:
    """The palette that the case brings, or Lyft's."""
    for value in case.inputs:
        if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 2:
            if value.shape[1] == 3:
                colours = tuple(f"#{bytes(row).hex()}" for row in value.tolist())
                return Classes("palette", ("",) * len(value), colours)
    return LYFT
