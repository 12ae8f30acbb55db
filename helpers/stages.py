"""What `helpers.architecture` reads of a network: its stages, its skips, and a table of them.

Apart from the reading, which needs onnx: the judge of each submission looks at these alone.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Stage:
    """The convolutions at one resolution, on the way down, at the bottom or on the way up."""

    part: str
    """"encoder", "bottleneck" or "decoder"."""
    height: int
    width: int
    channels: tuple[int, ...]
    """The maps that each convolution gives, in the order of execution."""


@dataclass(frozen=True)
class Skip:
    """A place where maps that were never coarser meet maps that come from below."""

    height: int
    width: int
    kind: str
    """"concat" or "add"."""
    channels: tuple[int, int]
    """Of the maps from the encoder, and of those from below."""
    source: tuple[int, ...] = field(default=(), compare=False)
    """The channels of the convolutions at this resolution that the encoder's maps came through."""


@dataclass(frozen=True)
class Architecture:
    layout: str
    """"NCHW" or "NHWC", of the input."""
    input: tuple[int, ...]
    output: tuple[int, ...]
    stages: tuple[Stage, ...]
    skips: tuple[Skip, ...]
    parameters: int
    """Weights of the convolutions and dense layers, and one bias for each of their maps: what is
    left when batch norm is folded into the convolution before it, as exporters do."""
    dense: int
    """How many layers mix positions: matrices that act on flattened maps. 1×1 do not count."""
    downsamplings: int
    """How many resolutions lie below that of the input on the way down."""
    upsamplings: int
    """How many resolutions there are on the way up."""
    dilation: int
    """The widest one: 1 where every kernel looks at neighbours alone."""
    ending: str
    """The activation behind the last convolutions, as ONNX calls it; "" where there is none."""

    def summary(self) -> str:
        """The stages and skips as a table of plain text."""
        size = "×".join(map(str, self.input[1:]))
        lines = [f"input {size} ({self.layout}), {self.parameters:,} parameters"]
        stages = list(self.stages)
        decoded = {(s.height, s.width) for s in stages if s.part == "decoder"}
        for size in dict.fromkeys((skip.height, skip.width) for skip in self.skips):
            if size not in decoded:  # maps are joined there, but no convolution follows
                finer = [
                    n for n, s in enumerate(stages) if s.part == "decoder" and s.height > size[0]
                ]
                stages.insert(min(finer, default=len(stages)), Stage("decoder", *size, ()))
        for stage in stages:
            channels = ", ".join(map(str, stage.channels))
            skips = "".join(
                f"   skip: {skip.kind} {skip.channels[0]} + {skip.channels[1]}"
                for skip in self.skips
                if stage.part == "decoder"
                and (skip.height, skip.width) == (stage.height, stage.width)
            )
            line = f"{stage.part:10}  {stage.height:3}×{stage.width:<3}  {channels:14}{skips}"
            lines.append(line.rstrip())
        if self.dilation > 1:
            lines.append(f"dilation: up to {self.dilation}")
        if self.dense:
            lines.append(f"dense layers: {self.dense}")
        return "\n".join(lines)
