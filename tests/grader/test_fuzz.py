"""What a student's process sends may be anything: the readers say so, and in no other way.

Models are read where they are read in grading, in the sandbox. A process that a model brings down
there is an answer too (tests/grader/test_runner.py); an exception that nobody foresaw is none.
"""

import json
import os
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from grader import runner, sandbox
from helpers import wire
from helpers.graph import ALLOWED

# --- the wire ------------------------------------------------------------------------------------

sizes = st.integers(0, 4) | st.integers(0, 2**70) | st.sampled_from([10**4000, -1, 2**63])
odd = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers()
arrays = st.lists(
    st.tuples(st.sampled_from([*wire.DTYPES, "object", "O", "str"]) | odd, st.lists(sizes | odd))
    | odd,
    max_size=4,
)
plain = st.recursive(
    odd | st.builds(lambda n: {"__array__": n}, st.integers(-1, 3) | odd),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
nested = st.builds(lambda depth: "[" * depth + "]" * depth, st.integers(0, 3000))


def packed(message: str, shapes: object, body: bytes) -> bytes:
    header = json.dumps({"message": message, "arrays": shapes}).encode()
    return struct.pack(">I", len(header)) + header + body


@settings(max_examples=400)
@given(
    st.binary(max_size=200)
    | st.builds(packed, st.builds(json.dumps, plain) | nested | st.text(), arrays | odd,
                st.binary(max_size=64))
)  # fmt: skip
def test_a_message_is_read_or_refused(data):
    sys.set_int_max_str_digits(0)  # so that the test can write such numbers
    try:
        assert wire.encode(wire.decode(data)) is not None
    except wire.WireError:
        pass
    finally:
        sys.set_int_max_str_digits(4300)


@pytest.mark.parametrize(
    "data",
    [
        packed("[" * 900 + "]" * 900, [], b""),
        packed('{"a":' * 900 + "1" + "}" * 900, [], b""),
        packed("1", [["bool", [10**600] * 6]], b""),
        packed("1", [["bool", [0, 10**30]]], b""),
        packed("1", [["float64", [2**62, 0, 2**62]]], b""),
        packed("1" * 5000, [], b""),
    ],
)
def test_what_is_nested_or_counted_beyond_reason_is_refused(data):
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_a_lie_about_sizes_costs_no_memory():
    tracemalloc.start()
    for shape in ([wire.MAX_BODY], [2**15, 2**11], [2**40]):
        with pytest.raises(wire.WireError):
            wire.decode(packed("1", [["uint8", shape]], b"few"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


# --- models --------------------------------------------------------------------------------------

READER = """
import struct, sys
from helpers import architecture
def exactly(size):
    data = sys.stdin.buffer.read(size)
    if len(data) < size: sys.exit()
    return data
while True:
    model = exactly(*struct.unpack(">I", exactly(4)))
    try:
        architecture.read(model)
        said = "read"
    except ValueError as error:
        said = "refused: " + str(error)
    except BaseException as error:
        said = "broke: " + repr(error)
    print(ascii(said)[1:-1][:300], flush=True)
"""


class Reader:
    """Reads models in the sandbox, one after the other; starts anew when a model ends it."""

    def __init__(self, run):
        sandbox.prepare(run, helpers=runner.MODULES)
        limits = sandbox.Limits(memory_mib=2048, processes=16, cpu_seconds=60)
        self.command = sandbox.command(
            [sys.executable, "-c", READER], run, sandbox.environment(run), limits
        )
        self.process = None

    def __call__(self, model: bytes) -> str:
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]},
            )  # fmt: skip
        try:
            self.process.stdin.write(struct.pack(">I", len(model)) + model)
            self.process.stdin.flush()
            said = self.process.stdout.readline().decode().strip()
        except BrokenPipeError:
            said = ""
        if not said:
            self.close()
        return said or "brought its process down"

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process = None


@pytest.fixture(scope="module")
def read(tmp_path_factory, sandboxed):
    reader = Reader(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.close()


CONSTANTS = {
    "w": np.ones((3, 3, 1, 1), np.float32),
    "w3": np.ones((5, 3, 3, 3), np.float32),
    "m": np.ones((16, 16), np.float32),
    "v": np.ones(16, np.float32),
    "s": np.array(2, np.float32),
    "i": np.array([1, -1, 2], np.int64),
    "four": np.array([1, 3, 16, 16], np.int64),
    "huge": np.array([2**31, 2**31], np.int64),
    "empty": np.ones((0, 3), np.float32),
}
VALUES = {
    "axis": st.integers(-5, 5) | st.just(2**31),
    "perm": st.permutations(range(4)) | st.lists(st.integers(-1, 5), min_size=1),
    "kernel_shape": st.lists(st.integers(0, 3), min_size=1, max_size=3),
    "strides": st.just([2, 2]) | st.lists(st.integers(-1, 3), min_size=1, max_size=3),
    "pads": st.just([1] * 4) | st.lists(st.integers(-3, 3), min_size=1, max_size=5),
    "dilations": st.just([2, 2]) | st.just([10**6, 1]),
    "group": st.integers(0, 4),
    "to": st.integers(0, 17),
    "axes": st.lists(st.integers(-5, 5), min_size=1, max_size=3),
    "mode": st.sampled_from(["nearest", "linear", "", "\x00"]),
    "blocksize": st.integers(0, 4),
    "keepdims": st.integers(-1, 2),
    "equation": st.sampled_from(["nchw->nhwc", "...", "nchw,ij->nij", "a->"]),
}
attributes = st.just({}) | st.just({}) | st.fixed_dictionaries({}, optional=VALUES)
JOINTS = "Relu Transpose Flatten Squeeze Identity Add Mul GlobalAveragePool Shape MatMul Reshape"
JOINTS = (JOINTS + " ReduceMean Concat Softmax ConvTranspose Cast Exp Sum Gather").split()


@st.composite
def graphs(draw):
    """A model of one to five layers that are put together anyhow."""
    names, nodes = ["image", "image", *CONSTANTS, ""], []
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(sorted(ALLOWED)) | st.sampled_from(["Concat", "Transpose"]))
        inputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        if draw(st.booleans()):
            inputs[0] = nodes[-1].output[0] if nodes else "image"
        outputs = [f"x{number}", *draw(st.sampled_from([[], [f"y{number}"], [""]]))]
        nodes.append(helper.make_node(kind, inputs, outputs, **draw(attributes)))
        names += [f"x{number}"] * 3
    image = draw(
        st.sampled_from([["N", 3, 16, 16], ["N", 16, 16, 3], [1, 3, "H", "W"], [1, 3, 2**31, 2**31],
                         [10**9, 3, 16, 16], [1, 3, -4, 16], [1, 3, 1, 1], [3], []])
    )  # fmt: skip
    value = helper.make_tensor_value_info
    last = draw(st.sampled_from([nodes[-1].output[0], "image", "w", "nowhere"]))
    graph = helper.make_graph(
        nodes, "graph", [value("image", TensorProto.FLOAT, image)],
        [value(last, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made.SerializeToString()


def small() -> bytes:
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Conv", ["image", "w3"], ["a"], pads=[1] * 4),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["b", "", "scale"], ["c"]),
        helper.make_node("Concat", ["a", "c"], ["logits"], axis=1),
    ]
    scale = np.array([1, 1, 2, 2], np.float32)
    graph = helper.make_graph(
        nodes, "graph", [value("image", TensorProto.FLOAT, ["N", 3, 16, 16])],
        [value("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(CONSTANTS["w3"], "w3"), numpy_helper.from_array(scale, "scale")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made.SerializeToString()


@st.composite
def rebuilt(draw):
    """A good network in which layers were put in, taken out, joined otherwise."""
    made = onnx.load_model_from_string(small())
    for number in range(draw(st.integers(1, 3))):
        nodes = made.graph.node
        place = draw(st.integers(0, len(nodes) - 1))
        if draw(st.booleans()):  # another layer's input is this one's output, through a new layer
            kind = draw(st.sampled_from(JOINTS))
            more = draw(st.lists(st.sampled_from([*CONSTANTS, "a"]), max_size=1))
            before = [nodes[place].output[0], *more]
            new = helper.make_node(kind, before, [f"n{number}"], **draw(attributes))
            for node in nodes[place + 1 :]:
                for n, name in enumerate(node.input):
                    if name == before[0]:
                        node.input[n] = f"n{number}"
            nodes.insert(place + 1, new)
        else:
            for name, value in draw(attributes).items():
                del nodes[place].attribute[:]
                nodes[place].attribute.append(helper.make_attribute(name, value))
    known = {tensor.name for tensor in made.graph.initializer}
    made.graph.initializer.extend(
        numpy_helper.from_array(v, k) for k, v in CONSTANTS.items() if k not in known
    )
    if draw(st.booleans()):
        made.graph.output[0].name = made.graph.node[-1].output[0]
    return made.SerializeToString()


@st.composite
def damaged(draw):
    """A good file, with bytes changed, cut out or put in."""
    data = bytearray(small())
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data) - 1))
        end = place + draw(st.integers(0, 4))
        data[place:end] = draw(st.binary(max_size=4))
    return bytes(data)


def test_the_file_that_is_damaged_is_good(read):
    assert read(small()) == "read"
    assert onnx.load_model_from_string(small()).graph.node


@settings(max_examples=300)
@given(st.binary(max_size=100) | damaged() | rebuilt() | rebuilt() | graphs())
def test_a_model_is_read_or_refused(read, model):
    assert_foreseen(read(model))


def assert_foreseen(said):
    assert said.split(":")[0] in ("read", "refused", "brought its process down"), said
