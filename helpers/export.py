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
    with _explained(model):
        from helpers.portable import make_portable  # here, for onnx is needed by nothing before

        halves = make_portable(path)
    _check(path, image, expected, HALF_TOLERANCE if halves else TOLERANCE)
    return path


def _export_torch(model, path: Path, image: np.ndarray) -> np.ndarray:
    import torch

    model = getattr(model, "_orig_mod", model)  # of torch.compile
    model = model.module if isinstance(model, torch.nn.DataParallel) else model
    if any(p.is_floating_point() and p.dtype != torch.float32 for p in model.parameters()):
        model = copy.deepcopy(model).float()
    was_training = model.training
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    x = torch.from_numpy(image).to(device)
    model.eval()
    try:
        with _written_plainly(), torch.no_grad(), warnings.catch_warnings(), _explained(model):
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


@contextmanager
def _written_plainly() -> Iterator[None]:
    """What the exporter of PyTorch does not know is computed in ways that it does."""
    import torch

    def refused(*arguments, **options):
        raise ValueError(
            "max_unpool2d has no way into an ONNX file. helpers.pytorch.segnet has one: "
            "unpool(x, switches(before)) gives the same maps"
        )

    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # attention in one operator
    try:
        with (
            # it would become a branch on the number of axes; of maps it is this
            patch.object(torch, "hstack", lambda maps: torch.cat(maps, 1)),
            patch.object(torch.nn.functional, "max_unpool2d", refused),
        ):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _export_keras(model, path: Path, image: np.ndarray) -> np.ndarray:
    import keras
    import tensorflow as tf

    function = tf.function

    def inline(*arguments, **options):
        """Keras compiles a convolution in groups, and what is compiled is lost in the file."""
        if options.get("jit_compile") and not arguments:
            return lambda convolution: convolution
        return function(*arguments, **options)

    with _explained(model), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook a warning does not go to the standard error
        expected = model(image, training=False)
        if isinstance(expected, (list, tuple, dict)):
            raise TypeError(f"it gives {_kind(expected)}, not one tensor of logits")
        _check_scores(str(expected.dtype))
        # layers that change images at random do so where nobody says that this is no training
        source = keras.Input(image.shape[1:], name="image")
        network = keras.Model(source, model(source, training=False))
        signature = [keras.InputSpec("float32", source.shape, name="image")]
        with patch.object(tf, "function", inline):
            network.export(str(path), format="onnx", verbose=False, input_signature=signature)
        _write_captured(path, network)
        return keras.ops.convert_to_numpy(expected)


def _write_captured(path: Path, network) -> None:
    """Puts in the numbers of tensors that are no weights, such as the mean of a layer
    Normalization: the exporter makes a further input of each."""
    import onnx
    import tensorflow as tf

    file = onnx.load(path)
    others = list(file.graph.input)[1:]
    if others:
        call = tf.function(lambda image: network(image, training=False))
        traced = call.get_concrete_function(tf.TensorSpec(network.input.shape, tf.float32))
        captured = [t.numpy() for t in traced.captured_inputs if t.dtype != tf.resource]
        used = {name for node in file.graph.node for name in node.input}
        for other, values in zip(others, captured, strict=True):
            if other.name in used:
                file.graph.initializer.append(onnx.numpy_helper.from_array(values, other.name))
        del file.graph.input[1:]
        onnx.save(file, path)


def _check_scores(dtype: str) -> None:
    if "float" not in dtype:
        raise ValueError(
            f"it gives {dtype}, no scores. Leave argmax out of the network: it comes after it"
        )


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
