"""Rewrites what the exporters leave in an ONNX file, so that every runtime computes it alike."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

HALVES = {TensorProto.FLOAT16, TensorProto.BFLOAT16}


def make_portable(path: Path) -> bool:
    """Changes the file in place: the output is called `logits`, all numbers are float32, padding is
    written in pixels, and operators that ONNX lacks are made of others.

    Returns:
        Whether there were numbers of 16 bits: mixed precision.

    Raises:
        ValueError: the network uses an operator that ONNX does not have.
    """
    model = onnx.load(path)
    nodes = [plain for node in model.graph.node for plain in _plain(node)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    unknown = sorted({n.op_type for n in nodes if not onnx.defs.has(n.op_type, n.domain)})
    if unknown:
        raise ValueError(
            f"the network uses {', '.join(unknown)}, which ONNX does not have. Do it to the images "
            "before they go into the network, or with layers that do the same"
        )
    _call_output_logits(model.graph)
    halves = _write_float32(model.graph)
    onnx.save(model, path)
    return halves


def _plain(node: NodeProto) -> Iterator[NodeProto]:
    """The node, or nodes in its place."""
    if node.op_type in ("Erfc", "Expm1"):  # Keras's GELU is 1 - erf(x), its CELU has exp(x) - 1
        one, result = (f"{node.output[0]}_{name}" for name in ("one", "result"))
        kind, operands = (
            ("Erf", (one, result)) if node.op_type == "Erfc" else ("Exp", (result, one))
        )
        yield helper.make_node("Constant", [], [one], value_float=1.0)
        yield helper.make_node(kind, node.input, [result])
        yield helper.make_node("Sub", operands, node.output)
        return
    if node.op_type == "Conv":
        _write_padding(node)
    yield node


def _write_padding(node: NodeProto) -> None:
    """PyTorch's padding="same", which onnxruntime does not compute where pixels are left out."""
    options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    one_by_one = set(options.get("strides", [1])) == {1}
    if options.get("auto_pad") == b"SAME_UPPER" and "dilations" in options and one_by_one:
        pairs = zip(options["dilations"], options["kernel_shape"], strict=True)
        spans = [dilation * (size - 1) for dilation, size in pairs]
        before = [span // 2 for span in spans]
        after = [span - span // 2 for span in spans]
        (auto,) = (a for a in node.attribute if a.name == "auto_pad")
        auto.CopyFrom(helper.make_attribute("pads", before + after))


def _call_output_logits(graph: GraphProto) -> None:
    old = graph.output[0].name
    graph.output[0].name = "logits"
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = ["logits" if name == old else name for name in names]


def _write_float32(graph: GraphProto) -> bool:
    """Writes numbers of 16 or 64 bits as float32. Whether there were any of 16."""
    attributes = [a for node in graph.node for a in node.attribute]
    casts = [a for node in graph.node if node.op_type == "Cast" for a in node.attribute]
    tensors = [*graph.initializer, *(a.t for a in attributes if a.HasField("t"))]
    types = {graph.output[0].type.tensor_type.elem_type}
    types |= {a.i for a in casts} | {tensor.data_type for tensor in tensors}
    others = HALVES | {TensorProto.DOUBLE}
    if types & others:
        graph.ClearField("value_info")
        graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
        for attribute in casts:
            if attribute.name == "to" and attribute.i in others:
                attribute.i = TensorProto.FLOAT
        for tensor in tensors:
            if tensor.data_type in others:
                values = numpy_helper.to_array(tensor).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return bool(types & HALVES)
