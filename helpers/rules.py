"""What is wrong with a builder's networks, and how good a model is: the same words at the desk and
in grading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.classes import GRADED, LYFT
from helpers.designs import DESIGNS, Build
from helpers.metrics import Confusion
from helpers.stages import Architecture


@dataclass(frozen=True)
class Bar:
    """Reaching this IoU gives this share of the points.

    `classes` is the name of a class, or "graded" for the mean over the graded ones.
    """

    classes: str
    iou: float
    share: float


SAME = "same as model.onnx"
"""The part of a question that compares the builder's network with the model that is handed in."""


BLIND = "nothing of the image reaches a convolution: is it replaced or multiplied by 0 on the way?"


class NotBuilt(Exception):
    """The builder gives no network; the message says why."""


def builder_faults(
    design: str, builds: Sequence[Build], facts_of: Callable[[Build], Architecture]
) -> tuple[dict[str, str], list[Architecture | None]]:
    """What is wrong with the networks that a builder makes.

    Args:
        design: the name of the rules, in `helpers.designs`.
        builds: what to ask it for.
        facts_of: builds, exports and reads one of them, or raises NotBuilt.

    Returns:
        part → a sentence, and the facts of each network, None for those that were not built.

    Raises:
        NotBuilt: none of them could be built.
    """
    faults: dict[str, str] = {}
    open_parts: dict[str, str] = {}
    networks: list[Architecture | None] = []
    shown = set()
    for build in builds:
        named = [f"{name} {value}" for name, value in build.settings.items()]
        try:
            facts = facts_of(build)
            if not facts.stages:
                raise NotBuilt(BLIND)
        except NotBuilt as fault:
            networks.append(None)
            asked = ", ".join([f"{build.height}×{build.columns} images", *named])
            faults.setdefault("any size", f"for {asked}: {fault}")
            open_parts |= dict.fromkeys(named, faults["any size"])
            if len(networks) == len(builds) and not any(networks):
                raise
            continue
        networks.append(facts)
        shown |= {*named}
        for part, rule in DESIGNS[design].items():
            if said := rule(facts, build):
                faults.setdefault(part, said)
    # what could not be built at all is not right either
    faults |= {part: fault for part, fault in open_parts.items() if part not in shown}
    return faults, networks


def difference(built: Architecture, submitted: Architecture) -> str | None:
    """How two networks differ in their architecture, or None if they don't."""
    if built.parameters != submitted.parameters:
        return (
            f"your builder makes a network of {built.parameters:,} parameters, model.onnx has "
            f"{submitted.parameters:,}: export the network that unet() builds"
        )
    maps = [facts.output[1 if facts.layout == "NCHW" else -1] for facts in (built, submitted)]
    if maps[0] != maps[1]:
        return f"model.onnx gives {maps[1]} maps, the network that unet() builds {maps[0]}"
    if built.stages != submitted.stages or built.skips != submitted.skips:
        return "model.onnx has other stages or skips than the network that unet() builds"
    return None


def first_width(facts: Architecture) -> int:
    """The channels at full resolution on the way down: the width it was built with. 1 if unknown.

    What stands on a skip, such as attention, is narrower.
    """
    return max(facts.stages[0].channels) if facts.stages else 1


def judged_iou(confusion: Confusion) -> dict[str, float]:
    """The IoU of each graded class by its name, and their mean as "graded"."""
    ids = [LYFT.id(name) for name in GRADED]
    values = dict(zip(GRADED, confusion.iou()[ids].tolist(), strict=True))
    return values | {"graded": confusion.mean_iou(ids)}


def reached(confusion: Confusion, bars: Sequence[Bar]) -> tuple[float, str]:
    """The share of the points that a model gets, and a sentence with its IoU at each bar."""
    values = judged_iou(confusion)
    share, said = 0.0, []
    for name in dict.fromkeys(bar.classes for bar in bars):
        own = [bar for bar in bars if bar.classes == name]
        passed = [bar for bar in own if values[name] >= bar.iou]
        share += sum(bar.share for bar in passed)
        steps = ", ".join(f"{bar.iou:g}" for bar in own)
        what = "the mean of the graded classes" if name == "graded" else name
        said.append(f"{what} {values[name]:.3f} ({len(passed)} of the bars {steps})")
    return round(share, 6), "IoU of " + "; ".join(said)


def graded_prediction(outputs: np.ndarray) -> np.ndarray:
    """The masks of a model's outputs, float N×13×H×W → uint8 N×H×W.

    Raises ValueError for another number of maps, and for nan.
    """
    if outputs.shape[1] != len(LYFT):
        raise ValueError(
            f"model.onnx gives {outputs.shape[1]} maps for each image; {len(LYFT)} are needed, one "
            "for each class"
        )
    if np.isnan(outputs).any():
        raise ValueError(
            "model.onnx gives nan: its training has failed. Take a smaller learning rate"
        )
    return outputs.argmax(1).astype(np.uint8)
