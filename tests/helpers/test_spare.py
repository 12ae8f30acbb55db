"""What stands in on Kaggle for packages that are missing there does what the packages do."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import for_kaggle


@pytest.fixture(scope="module")
def spare(repo):
    """The stand-in for onnxruntime, beside the real one."""
    path = repo / "helpers/spare/onnxruntime.py"
    spec = importlib.util.spec_from_file_location("spare_onnxruntime", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def transposed(group: int = 1, bias: bool = True, **attributes) -> bytes:
    """A model with one transposed convolution of a 3×2 kernel, from 4 maps of 5×7 to 6."""
    draw = np.random.default_rng(0)
    weights = [draw.normal(size=(4, 6 // group, 3, 2)).astype(np.float32)]
    weights += [draw.normal(size=6).astype(np.float32)] * bias
    names = ["w", "b"][: len(weights)]
    node = helper.make_node("ConvTranspose", ["image", *names], ["y"], group=group, **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 4, 5, 7])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, name) for w, name in zip(weights, names, strict=True)],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 2]},
        {"strides": [2, 3], "pads": [1, 0, 0, 1]},
        {"strides": [3, 2], "output_padding": [1, 1], "pads": [1, 1, 1, 0]},
        {"dilations": [2, 3], "bias": False},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER", "group": 2},
        {"strides": [2, 2], "output_shape": [10, 14]},
    ],
    ids=str,
)
def test_transposed_convolutions_are_those_of_onnxruntime(spare, attributes):
    model = transposed(**attributes)
    x = np.random.default_rng(1).random((2, 4, 5, 7), np.float32)
    (ours,) = spare.InferenceSession(model).run(None, {"image": x})
    (theirs,) = onnxruntime.InferenceSession(model).run(None, {"image": x})
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_inputs_are_described_as_onnxruntime_does(spare):
    ours, theirs = (r.InferenceSession(transposed()).get_inputs() for r in (spare, onnxruntime))
    assert [(i.name, i.type, i.shape) for i in ours] == [(i.name, i.type, i.shape) for i in theirs]


def test_a_submitted_network_gives_the_same_logits(spare, repo):
    path = str(repo / "assignments/examples/ada/model.onnx")
    x = np.random.default_rng(0).random((1, 3, 96, 128), np.float32)
    (ours,) = spare.InferenceSession(path).run(["logits"], {"image": x})
    (theirs,) = onnxruntime.InferenceSession(path).run(["logits"], {"image": x})
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


EXPORT = """
import sys
import keras, onnxruntime, tf2onnx
from helpers import architecture
from helpers.export import export
from helpers.keras.unet import unet
assert all("/spare/" in m.__file__ for m in (onnxruntime, tf2onnx)), sys.path
print(architecture.read(export(unet(13, width=4, depth=2), sys.argv[1], 16, 24)).summary())
"""


def test_a_keras_model_is_exported_and_read_with_what_the_capstone_carries(repo, tmp_path):
    code = (repo / "course/source/11_capstone_lyft.py").read_text("utf-8")
    for name, path in for_kaggle.carried(code, "keras").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(path.read_bytes())
    paths = os.pathsep.join([str(tmp_path), str(tmp_path / "helpers/spare")])
    done = subprocess.run(
        [sys.executable, "-c", EXPORT, tmp_path / "model.onnx"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "16×24" in done.stdout
    onnx.checker.check_model(str(tmp_path / "model.onnx"))
