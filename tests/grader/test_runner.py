"""Submitted models, honest and hostile, through the confined runner."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from grader import runner, sandbox
from grader.runner import ModelRefused, read_model, run_model
from grader.sandbox import SandboxUnavailable

pytestmark = pytest.mark.usefixtures("sandboxed")

IMAGES = np.random.default_rng(0).random((5, 3, 32, 48), np.float32)
WEIGHTS = np.random.default_rng(1).standard_normal((13, 3, 1, 1)).astype(np.float32)


def model(nodes=None, last=False, batch="N", weights=WEIGHTS, classes=13, **constants) -> bytes:
    """A 1×1 convolution (or other nodes), N×3×32×48 or, with `last`, N×32×48×3."""
    if nodes is None and last:
        nodes = [
            helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["first", "w"], ["maps"]),
            helper.make_node("Transpose", ["maps"], ["logits"], perm=[0, 2, 3, 1]),
        ]
    nodes = nodes or [helper.make_node("Conv", ["image", "w"], ["logits"])]
    shapes = [[batch, 32, 48, n] if last else [batch, n, 32, 48] for n in (3, classes)]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shapes[0])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shapes[1])],
        [numpy_helper.from_array(v, k) for k, v in {"w": weights, **constants}.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made.SerializeToString()


def changed(change) -> bytes:
    made = onnx.load_model_from_string(model())
    change(made)
    return made.SerializeToString()


@pytest.mark.parametrize(
    "layout", [{}, {"last": True}, {"batch": 1}, {"last": True, "batch": 5}, {"batch": 3}]
)
def test_predictions_are_those_of_the_network_in_either_layout(layout):
    outputs, facts = run_model(model(**layout), IMAGES)
    expected = np.einsum("oc,nchw->nohw", WEIGHTS[:, :, 0, 0], IMAGES)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert outputs.dtype == np.float32
    assert facts["layout"] == ("NHWC" if "last" in layout else "NCHW")


def test_a_network_in_float16_gets_its_images_in_float16():
    made = onnx.load_model_from_string(model(weights=WEIGHTS.astype(np.float16)))
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    outputs, _ = run_model(made.SerializeToString(), IMAGES)
    expected = np.einsum("oc,nchw->nohw", WEIGHTS[:, :, 0, 0], IMAGES)
    np.testing.assert_allclose(outputs, expected, atol=0.02)
    assert outputs.dtype == np.float32


def keep_weights_elsewhere(made):
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def loop() -> bytes:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["v"], ["v2"]),
            helper.make_node("Identity", ["go"], ["go2"]),
        ],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("v", TensorProto.FLOAT, None),
        ],
        [value("go2", TensorProto.BOOL, []), value("v2", TensorProto.FLOAT, None)],
    )
    node = helper.make_node("Loop", ["often", "yes", "image"], ["logits"], body=body)
    return model([node], classes=3, often=np.array(10**12), yes=np.array(True))


def hungry() -> bytes:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["maps"]),
        helper.make_node("Expand", ["one", "size"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["maps", "sum"], ["logits"]),
    ]
    return model(nodes, one=np.ones(1, np.float32), size=np.array([10**5, 10**5]))


REFUSED = {
    "empty": (b"", "empty"),
    "too large": (bytes(runner.MAX_MODEL + 1), "more than 16 MiB"),
    "no ONNX": (b"hello" * 100, "not an ONNX file"),
    "cut off": (model()[:120], "not an ONNX file"),
    "weights in a second file": (changed(keep_weights_elsewhere), "second file"),
    "a loop": (loop(), "Loop"),
    "an operator of its own": (
        changed(lambda made: setattr(made.graph.node[0], "domain", "my.own")),
        "my.own",
    ),
    "too much memory": (hungry(), "need too much memory"),
    "65 maps": (
        model(weights=np.zeros((65, 3, 1, 1), np.float32), classes=65),
        "more than 64 maps",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_judged_is_refused_with_a_sentence(name):
    data, sentence = REFUSED[name]
    with pytest.raises(ModelRefused, match=sentence):
        run_model(data, IMAGES)


def test_images_of_another_size_than_the_models_are_refused():
    with pytest.raises(ModelRefused, match="32×48; the judge's are 64×48"):
        run_model(model(), np.zeros((1, 3, 64, 48), np.float32))


def test_a_network_is_read_whatever_the_size_of_its_output():
    halving = [helper.make_node("Conv", ["image", "w"], ["logits"], strides=[2, 2])]
    with pytest.raises(ModelRefused, match="gives 16×24 maps for 32×48 images"):
        run_model(model(halving), IMAGES)
    assert read_model(model(halving))["output"][2:] == [16, 24]


def test_a_model_that_takes_too_long_is_stopped():
    weights = np.zeros((64, 64, 7, 7), np.float32)
    nodes = [helper.make_node("Conv", ["image", "first"], ["x0"])]
    nodes += [
        helper.make_node("Conv", [f"x{i}", "w"], [f"x{i + 1}"], pads=[3] * 4) for i in range(900)
    ]
    nodes += [helper.make_node("Identity", ["x900"], ["logits"])]
    slow = model(nodes, weights=weights, classes=64, first=np.zeros((64, 3, 1, 1), np.float32))
    with pytest.raises(ModelRefused, match="took too long"):
        run_model(slow, np.zeros((20, 3, 32, 48), np.float32), timeout=3)


def test_a_sandbox_that_fails_says_nothing_about_the_model(monkeypatch):
    monkeypatch.setattr(sandbox, "ENVIRONMENT", {**sandbox.ENVIRONMENT, "PYTHONHOME": "/nowhere"})
    with pytest.raises(SandboxUnavailable):
        run_model(model(), IMAGES)
