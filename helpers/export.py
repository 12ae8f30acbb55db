"""Saves a model of either framework as ONNX: the one format that a model is judged in."""

import copy
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from helpers.quiet import quiet

TOLERANCE = 1e-4
HALF_TOLERANCE = 0.05
"""Where the network computes in 16 bits: mixed precision."""


def export(model, path: str | Path, height: int = 96, width: int = 128) -> Path:
    """Writes the model to `path` and checks that the file gives the logits that the model gives.

    Args:
        model: a torch.nn.Module that takes N×3×H×W, or a keras.Model that takes N×H×W×3: float32
            images in [0, 1].
        path: where to write; folders on the way are made.
        height, width: the size that is fixed in the file; the batch size N stays free.

    Returns:
        The path. The file has one input, `image`, and one output, `logits`.

    Raises:
        TypeError: the model is of neither framework.
        ValueError: the framework cannot write it, or the file differs from the model by more than
            1e-4 (0.05 in mixed precision) on most of four random images.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(0).random((4, height, width, 3), np.float32)
    # Whoever built the model has loaded its framework, so the other one is never imported here.
    if "torch" in sys.modules and isinstance(model, sys.modules["torch"].nn.Module):
        image = np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        expected = _export_torch(model, path, image)
    elif "keras" in sys.modules and isinstance(model, sys.modules["keras"].Model):
        expected = _export_keras(model, path, image)
    else:
        raise TypeError(
            f"Cannot export {_kind(model)}: the model must be a torch.nn.Module or a keras.Model."
        )
    _check(path, image, expected, HALF_TOLERANCE if _finish(path) else TOLERANCE)
    return path


def _export_torch(model, path: Path, image: np.ndarray) -> np.ndarray:
    import torch

    model = model.module if isinstance(model, torch.nn.DataParallel) else model
    if any(p.is_floating_point() and p.dtype != torch.float32 for p in model.parameters()):
        model = copy.deepcopy(model).float()
    was_training = model.training
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    x = torch.from_numpy(image).to(device)
    model.eval()
    try:
        # hstack would become a branch on the number of axes; of maps it is this
        stack = patch.object(torch, "hstack", lambda maps: torch.cat(maps, 1))
        with stack, torch.no_grad(), warnings.catch_warnings(), _explained(model):
            warnings.simplefilter("ignore")  # that the exporter is the older one: a tenth the time
            expected = model(x)
            if not isinstance(expected, torch.Tensor):
                raise TypeError(f"it gives {_kind(expected)}, not one tensor of logits")
            _check_scores(str(expected.dtype))
            torch.onnx.export(
                model,
                (x,),
                str(path),
                dynamo=False,
                opset_version=17,
                input_names=["image"],
                output_names=["logits"],
                dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
            )
    finally:
        model.train(was_training)
    return expected.float().cpu().numpy()


def _export_keras(model, path: Path, image: np.ndarray) -> np.ndarray:
    import keras

    with _explained(model), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook a warning does not go to the standard error
        expected = model(image, training=False)
        if isinstance(expected, (list, tuple, dict)):
            raise TypeError(f"it gives {_kind(expected)}, not one tensor of logits")
        _check_scores(str(expected.dtype))
        signature = [keras.InputSpec("float32", (None, *image.shape[1:]), name="image")]
        model.export(str(path), format="onnx", verbose=False, input_signature=signature)
        return keras.ops.convert_to_numpy(expected)


def _check_scores(dtype: str) -> None:
    if "float" not in dtype:
        raise ValueError(
            f"it gives {dtype}, no scores. Leave argmax out of the network: it comes after it"
        )


def _finish(path: Path) -> bool:
    """Calls the output `logits` and writes all numbers as float32, which every runtime computes
    with. Whether there were any of 16 bits."""
    import onnx
    from onnx import TensorProto, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    _write_erfc(graph)
    old = graph.output[0].name
    graph.output[0].name = "logits"
    halves = {TensorProto.FLOAT16, TensorProto.BFLOAT16}
    types, attributes = {graph.output[0].type.tensor_type.elem_type}, []
    for node in graph.node:
        attributes += node.attribute
        for names in (node.input, node.output):
            names[:] = ["logits" if name == old else name for name in names]
        types |= {a.i for a in node.attribute if node.op_type == "Cast"}
    tensors = [*graph.initializer, *(a.t for a in attributes if a.HasField("t"))]
    types |= {tensor.data_type for tensor in tensors}
    others = halves | {TensorProto.DOUBLE}
    if types & others:
        graph.ClearField("value_info")
        graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
        for attribute in attributes:
            if attribute.name == "to" and attribute.i in others:
                attribute.i = TensorProto.FLOAT
        for tensor in tensors:
            if tensor.data_type in others:
                values = numpy_helper.to_array(tensor).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    return bool(types & halves)


def _write_erfc(graph) -> None:
    """1 − erf(x): ONNX has no erfc, of which Keras makes its GELU."""
    from onnx import helper, numpy_helper

    nodes = list(graph.node)
    if not any(node.op_type == "Erfc" for node in nodes):
        return
    graph.initializer.append(numpy_helper.from_array(np.float32(1), "one_for_erfc"))
    del graph.node[:]
    for node in nodes:
        if node.op_type != "Erfc":
            graph.node.append(node)
            continue
        erf = f"{node.output[0]}_erf"
        graph.node.append(helper.make_node("Erf", node.input, [erf]))
        graph.node.append(helper.make_node("Sub", ["one_for_erfc", erf], node.output))


def _check(path: Path, image: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": image})
    if logits.shape != expected.shape:
        raise ValueError(f"{path} gives {logits.shape}, the model {expected.shape}.")
    differences = np.abs(logits - expected).reshape(len(expected), -1).max(1)
    same = differences <= tolerance * max(1, float(np.abs(expected).max()))
    # Not all of the images: where a network asks which of two values is the larger one, as SegNet
    # does, the last digit of a near tie can move a pixel.
    if same.mean() < 0.5:
        difference = differences.max()
        raise ValueError(
            f"{path} differs from the model by {difference:.2g} on the same image. Does the model "
            "draw random numbers, or branch on its input? Both are lost in the file."
        )


@contextmanager
def _explained(model) -> Iterator[None]:
    """Turns the exporters' many kinds of errors into one sentence."""
    try:
        yield
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise ValueError(f"Cannot export {_kind(model)}: {said}") from error


def _kind(model) -> str:
    return f"a {type(model).__module__}.{type(model).__qualname__}"
