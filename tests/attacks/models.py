"""Attacks by the submitted model. Each is judged as in grading, in its own sandbox."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.attacks.attack import Attack

HEIGHT, WIDTH = 96, 128
WEIGHTS = np.zeros((13, 3, 1, 1), np.float32)
CONV = helper.make_node("Conv", ["image", "w"], ["maps"])


def model(*nodes, shape=("N", 3, HEIGHT, WIDTH), change=None, **constants) -> bytes:
    """A model of nodes that ends in "logits"."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("Conv", ["image", "w"], ["logits"])],
        "graph",
        [value("image", TensorProto.FLOAT, shape)],
        [value("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in {"w": WEIGHTS, **constants}.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    if change:
        change(made)
    return made.SerializeToString()


def external(made: onnx.ModelProto, place: str = "/etc/passwd") -> None:
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", place), ("offset", "0"), ("length", "156")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def external_in_node(made: onnx.ModelProto) -> None:
    holder = onnx.ModelProto()
    holder.graph.initializer.append(made.graph.initializer[0])
    external(holder, "../../../grading.toml")
    node = helper.make_node("Constant", [], ["w2"], value=holder.graph.initializer[0])
    made.graph.node.insert(0, node)


def loop() -> bytes:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", [a], [b]) for a, b in (("v", "v2"), ("go", "go2"))],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []),
         value("v", TensorProto.FLOAT, None)],
        [value("go2", TensorProto.BOOL, []), value("v2", TensorProto.FLOAT, None)],
    )  # fmt: skip
    node = helper.make_node("Loop", ["often", "yes", "image"], ["logits"], body=body)
    return model(node, often=np.array(10**12), yes=np.array(True))


def custom(made: onnx.ModelProto) -> None:
    made.graph.node[0].domain = "pwned.ops"
    made.opset_import.append(helper.make_opsetid("pwned.ops", 1))


def function(made: onnx.ModelProto) -> None:
    made.functions.append(
        helper.make_function("pwned", "Conv", ["a"], ["b"], [CONV], [helper.make_opsetid("", 17)])
    )


def nested() -> bytes:
    """Message in message, deeper than a parser may go."""
    data = b""
    for _ in range(50_000):
        size, length = len(data), b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        data = b"\x3a" + length + bytes([size]) + data
        if len(data) > 100_000:
            break
    return data


def expand(size: list[int]) -> bytes:
    return model(
        CONV,
        helper.make_node("Expand", ["one", "size"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["maps", "sum"], ["logits"]),
        one=np.ones(1, np.float32),
        size=np.array(size, np.int64),
    )


def slow() -> bytes:
    first = np.zeros((64, 3, 1, 1), np.float32)
    wide = np.zeros((64, 64, 7, 7), np.float32)
    nodes = [helper.make_node("Conv", ["image", "first"], ["x0"])]
    for n in range(2000):
        nodes.append(helper.make_node("Conv", [f"x{n}", "wide"], [f"x{n + 1}"], pads=[3] * 4))
    return model(
        *nodes, helper.make_node("Identity", ["x2000"], ["logits"]), first=first, wide=wide
    )


def resized(factor: float) -> bytes:
    return model(
        CONV, helper.make_node("Resize", ["maps", "", "scale"], ["logits"]),
        scale=np.array([1, 1, factor, factor], np.float32),
    )  # fmt: skip


def nan() -> bytes:
    return model(weights=WEIGHTS, w=np.full((13, 3, 1, 1), np.nan, np.float32))


def wide_output() -> bytes:
    return model(w=np.zeros((4000, 3, 1, 1), np.float32))


def remembers() -> bytes:
    """The image's own values as the classes: what a model could carry out of the sandbox."""
    return model(helper.make_node("Concat", ["image"] * 5, ["logits"], axis=1))


def texts() -> bytes:
    return model(
        helper.make_node("Cast", ["image"], ["text"], to=TensorProto.STRING),
        helper.make_node("Identity", ["text"], ["logits"]),
    )


def damaged() -> bytes:
    data = bytearray(model())
    data[10:200:7] = bytes(len(data[10:200:7]))
    return bytes(data)


MODELS = {
    "weights in /etc/passwd": (lambda: model(change=external), "second file"),
    "weights of a node in grading.toml": (lambda: model(change=external_in_node), "second file"),
    "a loop of 10¹² rounds": (loop, "Loop"),
    "operators of its own": (lambda: model(change=custom), "no part of ONNX"),
    "a function of its own": (lambda: model(change=function), "function of its own"),
    "random numbers": (
        lambda: model(CONV, helper.make_node("RandomNormalLike", ["maps"], ["logits"])),
        "RandomNormalLike",
    ),
    "a constant of 2³¹ × 2³¹": (lambda: expand([2**31, 2**31]), "fails|brought|memory"),
    "a constant of 64 GiB": (lambda: expand([1 << 34]), "fails|brought|memory"),
    "a shape that is negative": (lambda: expand([-5]), "fails|brought"),
    "an input of 2³¹ × 2³¹": (
        lambda: model(shape=("N", 3, 2**31, 2**31)),
        "more than|takes images",
    ),
    "an input of 10⁹ images": (lambda: model(shape=(10**9, 3, HEIGHT, WIDTH)), "more than|exactly"),
    "an output of 2³⁰ pixels": (lambda: resized(2**10), "fails|brought|gives|memory"),
    "4000 maps": (wide_output, "more than 64 maps|brought|cut off|fails|memory"),
    "2000 slow layers": (slow, "too long|too much memory"),
    "numbers that are none": (nan, ""),
    "texts": (texts, "floats|fails|gives"),
    "messages in messages": (nested, "not an ONNX|no network"),
    "damaged bytes": (damaged, "not an ONNX|fails|no network"),
    "a zip": (lambda: b"PK\x03\x04" + bytes(1000), "not an ONNX"),
    "nothing": (lambda: b"", "empty"),
    "more than 16 MiB": (lambda: bytes(17 << 20), "at most 16|no model"),
    "images carried out": (remembers, ""),
}

ATTACKS = [
    Attack(f"a model: {name}", model=make, says=says) for name, (make, says) in MODELS.items()
]
