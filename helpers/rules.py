"""What makes a network a U-Net, and how good a model is: the same words at the desk and in grading.

The facts come from `helpers.architecture.read`, that is, from the shapes of a real run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.architecture import Architecture
from helpers.classes import GRADED, LYFT
from helpers.metrics import Confusion

LEVELS = 4
PARAMETER_RANGE = (0.5, 2.5)
"""A U-Net may have this many times the parameters of the plain one of the same width: without
learnt up-sampling it has less, with one convolution more in each block about twice as many."""


@dataclass(frozen=True)
class Bar:
    """Reaching this IoU gives this share of the points.

    `classes` is the name of a class, or "graded" for the mean over the graded ones.
    """

    classes: str
    iou: float
    share: float


@dataclass(frozen=True)
class Build:
    """A network that a builder is asked for, and the size of the images that it is exported for."""

    classes: int
    width: int
    height: int
    columns: int


class NotBuilt(Exception):
    """The builder gives no network; the message says why."""


def builder_faults(
    builds: Sequence[Build], facts_of: Callable[[Build], Architecture]
) -> tuple[dict[str, str], list[Architecture | None]]:
    """What is wrong with the networks that a builder makes.

    Args:
        builds: what to ask it for.
        facts_of: builds, exports and reads one of them, or raises NotBuilt.

    Returns:
        part → a sentence, and the facts of each network, None for those that were not built.

    Raises:
        NotBuilt: none of them could be built.
    """
    faults: dict[str, str] = {}
    networks: list[Architecture | None] = []
    for build in builds:
        size = build.height, build.columns
        try:
            facts = facts_of(build)
        except NotBuilt as fault:
            networks.append(None)
            faults.setdefault("any size", f"for {size[0]}×{size[1]} images: {fault}")
            if len(networks) == len(builds) and not any(networks):
                raise
            continue
        networks.append(facts)
        for part, fault in unet_faults(facts, build.classes, build.width, size).items():
            faults.setdefault(part, fault)
    return faults, networks


def unet_faults(facts: Architecture, classes: int, width: int, size: tuple[int, int]) -> dict:
    """What is wrong with a U-Net of four levels, part by part.

    Args:
        facts: of the exported graph.
        classes: how many maps were asked for.
        width: how many channels were asked for at full resolution.
        size: height and width of the input.

    Returns:
        part → a sentence; an empty dict for a U-Net as asked.
    """
    checks = {
        "any size": _output_fault(facts, classes, size),
        "levels": _level_fault(facts, width, size),
        "skips": _skip_fault(facts, size),
        "parameters": _parameter_fault(facts, classes, width),
    }
    return {part: fault for part, fault in checks.items() if fault}


def difference(built: Architecture, submitted: Architecture) -> str | None:
    """How two networks differ in their architecture, or None if they don't."""
    if built.parameters != submitted.parameters:
        return (
            f"your builder makes a network of {built.parameters:,} parameters, model.onnx has "
            f"{submitted.parameters:,}: export the network that unet() builds"
        )
    if built.stages != submitted.stages or built.skips != submitted.skips:
        return "model.onnx has other stages or skips than the network that unet() builds"
    return None


def first_width(facts: Architecture) -> int:
    """The channels at full resolution on the way down: the width it was built with."""
    return facts.stages[0].channels[-1]


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


def parameters(classes: int, width: int, channels: int = 3) -> int:
    """The parameters of the plain U-Net: two 3×3 convolutions a block, transposed 2×2 ones between.

    Batch norm is folded away: each map has one bias.
    """

    def convolution(a: int, b: int, kernel: int = 3) -> int:
        return kernel * kernel * a * b + b

    sizes = [width * 2**level for level in range(LEVELS + 1)]
    down = sum(
        convolution(a, b) + convolution(b, b)
        for a, b in zip([channels, *sizes], sizes, strict=False)
    )
    up = sum(
        convolution(2 * b, b, 2) + convolution(2 * b, b) + convolution(b, b) for b in sizes[:LEVELS]
    )
    return down + up + convolution(width, classes, 1)


def _output_fault(facts: Architecture, classes: int, size: tuple[int, int]) -> str | None:
    maps = (classes, *size) if facts.layout == "NCHW" else (*size, classes)
    if facts.output[1:] == maps:
        return None
    got, want = ("×".join(map(str, shape)) for shape in (facts.output[1:], maps))
    return f"for {size[0]}×{size[1]} images and {classes} classes it gives {got} instead of {want}"


def _level_fault(facts: Architecture, width: int, size: tuple[int, int]) -> str | None:
    parts = ["encoder"] * LEVELS + ["bottleneck"] + ["decoder"] * LEVELS
    levels = [*range(LEVELS + 1), *reversed(range(LEVELS))]
    found = [(stage.part, stage.height, stage.width) for stage in facts.stages]
    wanted = [(p, size[0] >> k, size[1] >> k) for p, k in zip(parts, levels, strict=True)]
    if found != wanted:
        return f"the resolutions are {_path(found)}; a U-Net of {LEVELS} levels has {_path(wanted)}"
    for stage, level in zip(facts.stages, levels, strict=True):
        channels = width << level
        # on the way up, the up-sampling and the head stand at the same resolution
        if channels not in stage.channels or (
            stage.part != "decoder" and max(stage.channels) > channels
        ):
            return (
                f"{stage.part}, {stage.height}×{stage.width}: its convolutions give "
                f"{', '.join(map(str, stage.channels))} maps; {channels} are asked for "
                f"(width {width} × {1 << level})"
            )
    return None


def _skip_fault(facts: Architecture, size: tuple[int, int]) -> str | None:
    missing, added = [], []
    for level in range(LEVELS):
        here = [
            s for s in facts.skips if (s.height, s.width) == (size[0] >> level, size[1] >> level)
        ]
        if not any(skip.kind == "concat" for skip in here):
            (added if here else missing).append(f"{size[0] >> level}×{size[1] >> level}")
    said = []
    if missing:
        said.append(f"no skip connection at {', '.join(missing)}")
    if added:
        said.append(f"the maps are added and not concatenated at {', '.join(added)}")
    return " and ".join(said) or None


def _parameter_fault(facts: Architecture, classes: int, width: int) -> str | None:
    if facts.dense:
        return f"it has {facts.dense} dense layer(s), which fix the size of the image"
    plain = parameters(classes, width)
    low, high = (int(factor * plain) for factor in PARAMETER_RANGE)
    if low <= facts.parameters <= high:
        return None
    return (
        f"it has {facts.parameters:,} parameters; a U-Net of width {width} has {low:,} to {high:,}"
    )


def _path(stages: list[tuple[str, int, int]]) -> str:
    return " → ".join(f"{height}×{width}" for _, height, width in stages)


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
