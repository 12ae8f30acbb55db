"""Stands in for onnxruntime where it is missing, as on Kaggle: ONNX's own reference, in NumPy.

Slower, and the same numbers. It has what the course's helpers ask of onnxruntime and no more; for
notebooks that carry the helpers (see carry.py).
"""

from types import SimpleNamespace

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

GraphOptimizationLevel = SimpleNamespace(ORT_DISABLE_ALL=0)
SessionOptions = SimpleNamespace


class InferenceSession:
    """A model, from a path or from bytes, ready to run."""

    def __init__(self, model, options=None, providers=()) -> None:
        load = onnx.load_from_string if isinstance(model, bytes) else onnx.load
        self._graph = load(model).graph
        self._given = {tensor.name for tensor in self._graph.initializer}
        self._run = ReferenceEvaluator(load(model), new_ops=[ConvTranspose]).run

    def get_inputs(self) -> list[SimpleNamespace]:
        """Name, type ('tensor(float)') and shape of each input; free axes are names."""
        return [_described(i) for i in self._graph.input if i.name not in self._given]

    def run(self, names: list[str] | None, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs `names`, all without them."""
        return self._run(names, feeds)


class ConvTranspose(OpRun):
    """In two dimensions, a hundred times as fast as the reference, which adds up pixel by pixel."""

    op_domain = ""

    def _run(
        self,
        x,
        weights,
        bias=None,
        auto_pad=None,
        dilations=None,
        group=1,
        kernel_shape=None,
        output_padding=None,
        output_shape=None,
        pads=None,
        strides=None,
    ):
        """x is N×C×H×W; weights are C×(M/group)×k×k."""
        step, rate = strides or [1, 1], dilations or [1, 1]
        (n, _, *size), kernel = x.shape, weights.shape[2:]
        extra = output_padding or [0, 0]
        full = [
            s * (i - 1) + d * (k - 1) + 1 + e
            for s, i, d, k, e in zip(step, size, rate, kernel, extra, strict=True)
        ]
        begin, end = (pads or [0] * 4)[:2], (pads or [0] * 4)[2:]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER") or output_shape:
            wanted = output_shape or [s * i for s, i in zip(step, size, strict=True)]
            cut = [f - w for f, w in zip(full, wanted, strict=True)]
            begin = [c // 2 if auto_pad == "SAME_UPPER" else c - c // 2 for c in cut]
            end = [c - b for c, b in zip(cut, begin, strict=True)]
        maps = []
        for part, w in zip(np.split(x, group, 1), np.split(weights, group), strict=True):
            y = np.zeros((n, w.shape[1], *full), x.dtype)
            for row, column in np.ndindex(*kernel):
                top, left = row * rate[0], column * rate[1]
                bottom, right = top + step[0] * size[0], left + step[1] * size[1]
                place = y[:, :, top : bottom : step[0], left : right : step[1]]
                place += np.einsum("nchw,cm->nmhw", part, w[:, :, row, column], optimize=True)
            maps.append(y)
        y = np.concatenate(maps, 1)
        y = y[:, :, begin[0] : full[0] - end[0], begin[1] : full[1] - end[1]]
        return (y if bias is None else y + bias[:, None, None],)


def _described(value: onnx.ValueInfoProto) -> SimpleNamespace:
    tensor = value.type.tensor_type
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    shape = [axis.dim_value or axis.dim_param or None for axis in tensor.shape.dim]
    return SimpleNamespace(name=value.name, type=f"tensor({kind})", shape=shape)
