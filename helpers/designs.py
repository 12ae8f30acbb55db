"""What makes a network a U-Net or an FCN: a table of rules for each, the same at the desk and in
grading.

A rule looks at the facts of `helpers.architecture.read`, that is, at the shapes of a real run, and
gives a sentence that says what is wrong, or None.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from helpers.stages import Architecture

LEVELS = 4
"""How often a U-Net halves its maps."""
HALVINGS = 5
"""How often an FCN halves its maps."""
PARAMETER_RANGE = (0.5, 2.5)
"""A U-Net may have this many times the parameters of the plain one of the same width: without
learnt up-sampling it has less, with one convolution more in each block about twice as many."""


@dataclass(frozen=True)
class Build:
    """A network that a builder is asked for, and the size of the images that it is exported for.

    `settings` is what the builder takes besides classes and width, in that order, by name.
    """

    classes: int
    width: int
    height: int
    columns: int
    settings: dict = field(default_factory=dict)

    def at(self, level: int) -> tuple[int, int]:
        """The height and width of maps that were halved so often."""
        return self.height >> level, self.columns >> level


Rule = Callable[[Architecture, Build], str | None]


def output_fault(facts: Architecture, build: Build) -> str | None:
    """The output has the size of the image and a map for each class."""
    size, classes = build.at(0), build.classes
    maps = (classes, *size) if facts.layout == "NCHW" else (*size, classes)
    if facts.output[1:] == maps:
        return None
    got, want = ("×".join(map(str, shape)) for shape in (facts.output[1:], maps))
    return f"for {size[0]}×{size[1]} images and {classes} classes it gives {got} instead of {want}"


def logits_fault(facts: Architecture, build: Build) -> str | None:
    """Nothing stands behind the scores, and no dense layer is in the way."""
    if facts.dense:
        return f"it has {facts.dense} dense layer(s), which fix the size of the image"
    if facts.ending:
        return f"behind the scores stands an activation, {facts.ending}: give them as they are"
    return None


# ---- U-Net


def unet_level_fault(facts: Architecture, build: Build) -> str | None:
    """Four halvings that double the channels, and back."""
    parts = ["encoder"] * LEVELS + ["bottleneck"] + ["decoder"] * LEVELS
    levels = [*range(LEVELS + 1), *reversed(range(LEVELS))]
    found = [(stage.part, stage.height, stage.width) for stage in facts.stages]
    wanted = [(part, *build.at(level)) for part, level in zip(parts, levels, strict=True)]
    if found != wanted:
        return (
            f"the resolutions are {_path(size for _, *size in found)}; a U-Net of {LEVELS} levels "
            f"has {_path(size for _, *size in wanted)}"
        )
    for stage, level in zip(facts.stages, levels, strict=True):
        channels = build.width << level
        # on the way up, the up-sampling and the head stand at the same resolution
        if channels not in stage.channels or (
            stage.part != "decoder" and max(stage.channels) > channels
        ):
            return (
                f"{stage.part}, {stage.height}×{stage.width}: its convolutions give "
                f"{', '.join(map(str, stage.channels))} maps; {channels} are asked for "
                f"(width {build.width} × {1 << level})"
            )
    return None


def unet_skip_fault(facts: Architecture, build: Build) -> str | None:
    """A concatenation at each of the four resolutions."""
    missing, added, other = [], [], []
    for level in range(LEVELS):
        here = [s for s in facts.skips if (s.height, s.width) == build.at(level)]
        joined = [skip for skip in here if skip.kind == "concat"]
        if not joined:
            (added if here else missing).append(_size(build.at(level)))
        elif not any(skip.source for skip in joined):
            other.append(_size(build.at(level)))
    said = []
    if missing:
        said.append(f"no skip connection at {', '.join(missing)}")
    if added:
        said.append(f"the maps are added and not concatenated at {', '.join(added)}")
    if other:
        said.append(
            f"the maps that are concatenated at {', '.join(other)} come from no convolution of "
            "that size: take the encoder's maps before they are halved"
        )
    return " and ".join(said) or None


def unet_parameter_fault(facts: Architecture, build: Build) -> str | None:
    """As many parameters as a U-Net has, and no dense layer."""
    if facts.dense:
        return f"it has {facts.dense} dense layer(s), which fix the size of the image"
    plain = unet_parameters(build.classes, build.width)
    low, high = (int(factor * plain) for factor in PARAMETER_RANGE)
    if low <= facts.parameters <= high:
        return None
    return (
        f"it has {facts.parameters:,} parameters; a U-Net of width {build.width} has {low:,} to "
        f"{high:,}"
    )


def unet_parameters(classes: int, width: int, channels: int = 3) -> int:
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


# ---- FCN


def fcn_channels(width: int, level: int) -> int:
    """The channels of the encoder: doubled by each of the first four halvings."""
    return width * min(2**level, 16)


def fcn_encoder_fault(facts: Architecture, build: Build) -> str | None:
    """Five halvings on the way down; the channels double four times."""
    down = [stage for stage in facts.stages if stage.part != "decoder"]
    found = [(stage.height, stage.width) for stage in down]
    wanted = [build.at(level) for level in range(HALVINGS + 1)]
    if found != wanted:
        return (
            f"on the way down the resolutions with convolutions are {_path(found)}; {HALVINGS} "
            f"halvings give {_path(wanted)}"
        )
    for level, stage in enumerate(down):
        channels = fcn_channels(build.width, level)
        if channels not in stage.channels:
            return (
                f"at {stage.height}×{stage.width} the convolutions give "
                f"{', '.join(map(str, stage.channels))} maps; {channels} are asked for "
                f"(width {build.width} × {min(2**level, 16)})"
            )
    return None


def fcn_sum_rule(stride: int) -> Rule:
    """The rule for FCNs of one stride: scores at 1/32, and a sum at each finer step down to it."""

    def fault(facts: Architecture, build: Build) -> str | None:
        if build.settings["stride"] != stride:
            return None
        bottom = [stage for stage in facts.stages if (stage.height, stage.width) == build.at(5)]
        if not any(build.classes in stage.channels for stage in bottom):
            return (
                f"there are no scores at {_size(build.at(HALVINGS))}: a 1×1 convolution to "
                f"{build.classes} maps is missing there"
            )
        levels = [level for level in (4, 3) if 2**level >= stride]
        said = [said for level in levels if (said := _sum_fault(facts, build, level))]
        sizes = [build.at(level) for level in levels]
        odd = [_size((s.height, s.width)) for s in facts.skips if (s.height, s.width) not in sizes]
        if odd:
            where = f"only at {' and '.join(map(_size, sizes))}" if sizes else "nowhere"
            said.append(f"there is a skip at {', '.join(odd)}; with stride {stride}, {where}")
        return "; ".join(said) or None

    return fault


def _sum_fault(facts: Architecture, build: Build, level: int) -> str | None:
    """What is wrong with the sum of scores at one level."""
    here = [skip for skip in facts.skips if (skip.height, skip.width) == build.at(level)]
    at = f"at {_size(build.at(level))}"
    if not here:
        return (
            f"no sum of scores {at}: bring the coarser scores to that size, and add those of "
            f"block {level}"
        )
    own = _encoder_channels(facts, build, level)
    if any(skip.kind == "concat" for skip in here):
        return f"the maps are concatenated {at}: scores are added"
    for skip in here:
        if skip.channels != (build.classes, build.classes):
            return (
                f"{skip.channels[0]} maps are added {at}: score them first, one map for each of "
                f"the {build.classes} classes"
            )
        if own.isdisjoint(skip.source):
            return (
                f"the scores that are added {at} come from the wrong level: take the encoder's "
                f"{max(own)} maps of that size"
            )
    return None


def _encoder_channels(facts: Architecture, build: Build, level: int) -> set[int]:
    """Of the encoder's maps at a level; those that it has where it has not what is asked for."""
    asked = {fcn_channels(build.width, level)}
    found = {
        channels
        for stage in facts.stages
        if stage.part != "decoder" and (stage.height, stage.width) == build.at(level)
        for channels in stage.channels
    }
    return found & asked or found - {build.classes} or asked


DESIGNS: dict[str, dict[str, Rule]] = {
    "unet": {
        "any size": output_fault,
        "levels": unet_level_fault,
        "skips": unet_skip_fault,
        "parameters": unet_parameter_fault,
    },
    "fcn": {
        "any size": output_fault,
        "encoder": fcn_encoder_fault,
        "stride 32": fcn_sum_rule(32),
        "stride 16": fcn_sum_rule(16),
        "stride 8": fcn_sum_rule(8),
        "logits": logits_fault,
    },
}
"""Design → part of the question → its rule. A part may be called after a setting and its value."""


def _size(size: tuple[int, int]) -> str:
    return "×".join(map(str, size))


def _path(sizes: Iterable[tuple[int, int]]) -> str:
    return " → ".join(map(_size, sizes))
