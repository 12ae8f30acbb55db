"""Reads the architecture of a network out of its ONNX graph, whichever framework wrote it.

Names and operators differ between exporters: the facts come from the real shapes of its maps.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from helpers.graph import (
    ACTIVATIONS,
    CONVOLUTIONS,
    ELEMENTWISE,
    image_input,
    plain_model,
    real_shapes,
)
from helpers.stages import Architecture, Skip, Stage


def read(model: str | Path | bytes, height: int = 96, width: int = 128) -> Architecture:
    """Reads the architecture of a network with one image input.

    Args:
        model: the path of an ONNX file, or its bytes.
        height, width: the size to look at, where the file leaves it free.

    Raises:
        ValueError: the file is too large, broken, not complete in itself, or uses something that
            is no plain layer; the sentence says what.
    """
    plain = plain_model(model)
    layout, shape = image_input(plain.graph, height, width)
    shapes = real_shapes(plain, shape)
    try:
        return _report(plain.graph, layout, shapes)
    except (LookupError, ArithmeticError, ValueError) as error:
        raise ValueError(
            "The layers of the model are put together in a way that no network is "
            f"({type(error).__name__}: {error}). Build it of plain layers."
        ) from error


@dataclass(frozen=True)
class _Maps:
    """What is known of a tensor that depends on the image; of the last 4-D maps, if it is flat."""

    layout: str
    channels: int
    height: int
    width: int
    level: int
    """How often the maps are halved: 0 is the resolution of the image."""
    deepest: int
    """The coarsest level on the way from the image to here."""
    passed: frozenset[int] = frozenset()
    """The channels of the convolutions at this level that it came through."""


def _report(graph: onnx.GraphProto, layout: str, shapes: dict) -> Architecture:
    """Walks the graph in the order of execution, and sorts what it meets."""
    constants = {tensor.name for tensor in graph.initializer}
    (source,) = (value.name for value in graph.input if value.name not in constants)
    shape = shapes[source]
    batch, (channels, *size) = shape[0], _channels_first(shape, layout)
    image = _Maps(layout, channels, *size, level=0, deepest=0)
    known = {source: image}
    zeros = set(_zeros(graph))
    convolutions, skips, kernels, dense = [], [], {}, 0
    for node in graph.node:
        inputs = [name for name in node.input if name in known]
        if not inputs or node.op_type in ("Shape", "Size") or _is_nothing(node, zeros):
            continue  # of the image itself nothing goes on
        if node.op_type in ELEMENTWISE:  # an operand that is spread out is a gate, not maps
            full = [name for name in inputs if shapes[name] == shapes[node.output[0]]]
            inputs = full or inputs
        maps = [known[name] for name in inputs]
        for name in filter(None, node.output):
            known[name] = _follow(node, maps, shapes[name], image, batch)
        after = known[node.output[0]]
        weights = [name for name in node.input[:2] if name not in known]
        if node.op_type in CONVOLUTIONS | {"MatMul", "Gemm"} and weights:
            convolution = node.op_type in CONVOLUTIONS
            out = shapes[node.output[0]]
            kernels[weights[0]] = math.prod(shapes[weights[0]]) + out[1 if convolution else -1]
            summed = shapes[inputs[0]][-1 if node.input[0] in known else -2]
            mixes = not convolution and _mixes_places(maps[0], summed)
            dense += mixes
            if len(out) == 4 and not mixes:
                convolutions.append(after)
                passed = after.passed | {after.channels}
                known[node.output[0]] = replace(after, passed=passed)
            elif not convolution:  # what comes after it is a list of numbers, no maps
                known[node.output[0]] = replace(after, channels=0 if mixes else out[-1])
        elif len(maps) > 1 and _joins(node, after, shapes[node.output[0]]):
            skips += _skip(node, maps, after)
    levels = {m.level for m in known.values() if m.level == m.deepest}
    return Architecture(
        layout=layout,
        input=shape,
        output=shapes[graph.output[0].name],
        stages=tuple(_stages(convolutions)),
        skips=tuple(skips),
        parameters=sum(kernels.values()),
        dense=dense,
        downsamplings=len(levels) - 1,
        upsamplings=len({m.level for m in known.values() if m.level < m.deepest}),
        dilation=max((d for node in graph.node for d in _dilations(node)), default=1),
        ending=_ending(graph),
    )


def _mixes_places(maps: _Maps, summed: int) -> bool:
    """Whether a matrix product over so many numbers takes in all places of the maps, as a dense
    layer on flattened maps does. One over channels, of an attention too, is a 1×1 convolution.
    """
    if not maps.channels:  # no longer maps
        return True
    return maps.channels % summed > 0 and summed % (maps.height * maps.width) == 0


def _zeros(graph: onnx.GraphProto) -> Iterator[str]:
    """The names of constants that are 0 throughout."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    for name, tensor in constants.items():
        if not onnx.numpy_helper.to_array(tensor).any():
            yield name


def _is_nothing(node: onnx.NodeProto, zeros: set[str]) -> bool:
    """Whether the node multiplies by 0."""
    return node.op_type == "Mul" and not zeros.isdisjoint(node.input)


def _ending(graph: onnx.GraphProto) -> str:
    """The activation that is met first on the way back from the output to convolutions."""
    makers = {name: node for node in graph.node for name in node.output}
    names, seen = [graph.output[0].name], set()
    while names:
        name = names.pop()
        node = makers.get(name)
        if name in seen or node is None:
            continue
        seen.add(name)
        if node.op_type in ACTIVATIONS:
            return node.op_type
        if node.op_type not in CONVOLUTIONS | {"MatMul", "Gemm", "Shape"}:
            names += reversed(node.input)
    return ""


def _dilations(node: onnx.NodeProto) -> Iterator[int]:
    for attribute in node.attribute:
        if node.op_type in CONVOLUTIONS and attribute.name == "dilations":
            yield from attribute.ints


def _follow(
    node: onnx.NodeProto, before: list[_Maps], shape: tuple[int, ...], image: _Maps, batch: int
) -> _Maps:
    """What is known of the output of a node."""
    layout, deepest = before[0].layout, max(maps.deepest for maps in before)
    if node.op_type in CONVOLUTIONS:
        layout = "NCHW"
    if node.op_type == "Transpose" and len(shape) >= 4:  # five axes where values are repeated
        order, last = list(node.attribute[0].ints), len(shape) - 1
        channels = order.index(1 if layout == "NCHW" else last)
        layout = {1: "NCHW", last: "NHWC"}.get(channels, layout)
    if len(shape) == 4 and shape[0] == batch:  # an attention has others
        channels, height, width = _channels_first(shape, layout)
        if height * width > 1:  # otherwise one value for each map: no maps
            shrunk = math.log2(image.height * image.width / (height * width)) / 2
            level = max(0, round(shrunk))
            passed = frozenset().union(*(m.passed for m in before if m.level == level))
            return _Maps(layout, channels, height, width, level, max(level, deepest), passed)
    return replace(before[0], layout=layout, deepest=deepest)


def _channels_first(shape: tuple[int, ...], layout: str) -> tuple[int, int, int]:
    return shape[1:] if layout == "NCHW" else (shape[3], *shape[1:3])


def _joins(node: onnx.NodeProto, after: _Maps, shape: tuple[int, ...]) -> bool:
    """Whether the node puts maps together: along the channels, or by a sum."""
    if len(shape) != 4:
        return False
    if node.op_type == "Concat":
        return node.attribute[0].i % 4 == after.layout.index("C")
    return node.op_type in ("Add", "Sum")


def _skip(node: onnx.NodeProto, maps: list[_Maps], after: _Maps) -> Iterator[Skip]:
    """The skip that a joint makes, if some of its maps were coarser before and some never were."""
    unspoilt = [m for m in maps if m.deepest == after.level]
    fresh = [m.channels for m in unspoilt]
    below = [m.channels for m in maps if m.deepest > after.level]
    if fresh and below:
        source = tuple(sorted(frozenset().union(*(m.passed for m in unspoilt))))
        if node.op_type == "Concat":
            yield Skip(after.height, after.width, "concat", (sum(fresh), sum(below)), source)
        else:
            yield Skip(after.height, after.width, "add", (fresh[0], below[0]), source)


def _stages(convolutions: list[_Maps]) -> Iterator[Stage]:
    """Down by one level after the other, then up again."""
    bottom = max((maps.deepest for maps in convolutions), default=0)
    down = [(level, False) for level in range(bottom + 1)]
    up = [(level, True) for level in reversed(range(bottom))]
    for level, was_coarser in down + up:
        here = [m for m in convolutions if m.level == level and (m.deepest > level) == was_coarser]
        if here:
            part = "decoder" if was_coarser else "bottleneck" if level == bottom else "encoder"
            channels = tuple(maps.channels for maps in here)
            # where sizes differ, as without padding, the smallest: exporters order branches freely
            last = min(here, key=lambda maps: maps.height * maps.width)
            yield Stage(part, last.height, last.width, channels)
