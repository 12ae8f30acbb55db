"""What may become of a trained network before it is handed in: its answers stay the same."""

from tests.right.answer import Right

HALF = """
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

model = onnx.load("model.onnx")
graph = model.graph
for tensor in list(graph.initializer):
    if tensor.data_type == TensorProto.FLOAT:
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
"""

RIGHT = [
    Right(
        "trained_model",
        "weights stored as float16, computed in float32",
        HALF
        + """
casts = []
for tensor in graph.initializer:
    if tensor.data_type == TensorProto.FLOAT16:
        wide, tensor.name = tensor.name, tensor.name + "_half"
        casts.append(helper.make_node("Cast", [tensor.name], [wide], to=TensorProto.FLOAT))
nodes = [*casts, *graph.node]
del graph.node[:]
graph.node.extend(nodes)
onnx.save(model, "model.onnx")
""",
    ),
    Right(
        "trained_model",
        "all of it in float16, image and logits too",
        HALF
        + """
for value in (*graph.input, *graph.output):
    value.type.tensor_type.elem_type = TensorProto.FLOAT16
for node in graph.node:
    for attribute in node.attribute:
        if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(attribute.t).astype(np.float16)
            attribute.t.CopyFrom(numpy_helper.from_array(values))
graph.ClearField("value_info")
onnx.save(model, "model.onnx")
""",
    ),
    Right(
        "trained_model",
        "turned round: a PyTorch network that takes N×H×W×3",
        """
import onnx
from onnx import helper

model = onnx.load("model.onnx")
graph = model.graph
first = helper.make_node("Transpose", ["photo"], ["image"], perm=[0, 3, 1, 2])
last = helper.make_node("Transpose", ["logits"], ["answer"], perm=[0, 2, 3, 1])
shape = lambda maps: ["N", 96, 128, maps]
photo = helper.make_tensor_value_info("photo", 1, shape(3))
answer = helper.make_tensor_value_info("answer", 1, shape(13))
turned = helper.make_graph([first, *graph.node, last], "g", [photo], [answer], graph.initializer)
made = helper.make_model(turned, opset_imports=model.opset_import, ir_version=model.ir_version)
onnx.save(made, "model.onnx")
""",
    ),
    Right(
        "trained_model",
        "a softmax behind the logits, any height and width, one image at a time",
        """
import onnx
from onnx import helper

model = onnx.load("model.onnx")
graph = model.graph
graph.node.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
del graph.output[:]
graph.output.append(helper.make_tensor_value_info("probabilities", 1, None))
dims = graph.input[0].type.tensor_type.shape.dim
dims[0].dim_value = 1
for dim, name in ((dims[2], "height"), (dims[3], "width")):
    dim.Clear()
    dim.dim_param = name
graph.ClearField("value_info")
onnx.save(model, "model.onnx")
""",
    ),
    Right(
        "trained_model",
        "quantised weights with a scale",
        """
import numpy as np
import onnx
from onnx import helper, numpy_helper

model = onnx.load("model.onnx")
graph = model.graph
added, tensors = [], []
for tensor in graph.initializer:
    values = numpy_helper.to_array(tensor)
    if values.ndim != 4 or values.dtype != np.float32:
        tensors.append(tensor)
        continue
    scale = np.abs(values).max() / 32000
    whole = np.round(values / scale).astype(np.int32)
    name = tensor.name
    tensors += [numpy_helper.from_array(whole, name + "_q"),
                numpy_helper.from_array(np.float32(scale), name + "_s")]
    added.append(helper.make_node("DequantizeLinear", [name + "_q", name + "_s"], [name]))
nodes = [*added, *graph.node]
del graph.initializer[:], graph.node[:]
graph.initializer.extend(tensors)
graph.node.extend(nodes)
onnx.save(model, "model.onnx")
""",
    ),
    Right(
        "trained_model",
        "as the onnx simplifiers leave it: weights as Constant nodes, batch of eight, no names",
        """
import onnx
from onnx import helper

model = onnx.load("model.onnx")
graph = model.graph
constants = [helper.make_node("Constant", [], [t.name], value=t) for t in graph.initializer]
nodes = [*constants, *graph.node]
del graph.initializer[:], graph.node[:]
graph.node.extend(nodes)
for node in graph.node:
    node.name = ""
graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8
graph.output[0].type.tensor_type.shape.dim[0].dim_value = 8
model.doc_string = "trained on a T4"
onnx.save(model, "model.onnx")
""",
        "keras",
    ),
]
