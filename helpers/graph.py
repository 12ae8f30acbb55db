"""An ONNX file of a network, checked and run once: its plain graph, and every tensor's real shape.

Static shape inference loses shapes, and what a file declares may be wrong. So every intermediate
result is made an output, and the graph runs on a random image.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

MAX_BYTES = 16 * 2**20
MAX_INPUT = 2**25
"""Numbers in an input: a colour image of 11 million pixels."""
IMAGES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
"""How onnxruntime calls the types that an image may have, and NumPy."""
CONVOLUTIONS = {"Conv", "ConvTranspose"}
ELEMENTWISE = set("Add Sub Mul Div Sum Mean Max Min Pow Where PRelu".split())
ACTIVATIONS = set(
    """
    Softmax LogSoftmax Exp Sigmoid HardSigmoid Tanh Relu LeakyRelu PRelu Elu Selu Celu Gelu Erf Mish
    HardSwish Softplus Softsign Clip
    """.split()
)
ALLOWED = CONVOLUTIONS | ELEMENTWISE | ACTIVATIONS
ALLOWED |= set(
    """
    MaxPool AveragePool GlobalAveragePool GlobalMaxPool Resize Upsample DepthToSpace SpaceToDepth
    MatMul Gemm Einsum BatchNormalization InstanceNormalization LayerNormalization LRN
    GroupNormalization Dropout Identity Cast Sqrt Log Sin Cos Abs Neg Sign IsNaN
    Reciprocal Floor Ceil Round Mod Not And Or Equal Greater GreaterOrEqual Less LessOrEqual CumSum
    ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare
    ReduceLogSumExp Concat Split Slice Pad Reshape
    Flatten Transpose Squeeze Unsqueeze Expand Tile Shape Size Gather Range Constant
    ConstantOfShape DequantizeLinear
    """.split()
)


def plain_model(model: str | Path | bytes) -> onnx.ModelProto:
    """What an ONNX file holds, without anything that could hide a network, or more than one.

    Args:
        model: the path of the file, or its bytes.

    Raises:
        ValueError: the file is too large, broken, not complete in itself, or uses something that
            is no plain layer; the sentence says what.
    """
    data = model if isinstance(model, bytes) else Path(model).read_bytes()
    if len(data) > MAX_BYTES:
        raise ValueError(
            f"The model has {len(data) / 2**20:.1f} MiB; at most {MAX_BYTES // 2**20} are read. "
            "Make the network narrower (width=)."
        )
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        raise ValueError("This is not an ONNX file, or it was cut off. Export it again.") from error
    if not model.graph.node:
        raise ValueError("The ONNX file holds no network. Export it again.")
    if model.functions:
        raise ValueError(
            f"The model holds a function of its own, {model.functions[0].name}. "
            "Export it with helpers.export, which writes plain layers."
        )
    tensors = list(model.graph.initializer)
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ValueError(
                f"The model uses {node.op_type} of '{node.domain}', which is no part of ONNX. "
                "Build the network of plain layers."
            )
        if node.op_type in ("Loop", "If", "Scan") or any(
            a.HasField("g") or a.graphs for a in node.attribute
        ):
            raise ValueError(
                f"The model uses {node.op_type}, a control flow. Build the network of plain "
                "layers, without loops or branches on what the input holds."
            )
        if node.op_type not in ALLOWED:
            raise ValueError(
                f"The model uses {node.op_type}, which is not among the layers that are read. "
                "Build the network of plain layers."
            )
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
    tensors += [t for s in model.graph.sparse_initializer for t in (s.values, s.indices)]
    if any(t.external_data or t.data_location == onnx.TensorProto.EXTERNAL for t in tensors):
        raise ValueError(
            "The model keeps its weights in a second file. Export it with helpers.export: one file."
        )
    model.graph.ClearField("value_info")  # declared shapes may be wrong; only real ones count
    return model


def image_input(graph: onnx.GraphProto, height: int, width: int) -> tuple[str, tuple[int, ...]]:
    """The layout and the shape of the one input; the batch is 1 where it is free."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ValueError(
            f"The model has {len(inputs)} inputs and {len(graph.output)} outputs: one image "
            "goes in and one array of logits comes out."
        )
    n, *rest = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim] or [0]
    if len(rest) != 3 or (rest[0] != 3 and rest[2] != 3):
        raise ValueError(
            f"The input of the model is {'×'.join(str(d or '?') for d in (n, *rest))}: it must be "
            "N×3×H×W or N×H×W×3."
        )
    layout, (h, w) = ("NCHW", rest[1:]) if rest[0] == 3 else ("NHWC", rest[:2])
    n, h, w = n or 1, h or height, w or width
    if min(n, h, w) < 1 or n * h * w * 3 > MAX_INPUT:
        raise ValueError(
            f"The input of the model is {n} images of {h}×{w}, which is more than can be tried. "
            "Export it for images of the size that the assignment names."
        )
    return layout, (n, 3, h, w) if layout == "NCHW" else (n, h, w, 3)


def real_shapes(model: onnx.ModelProto, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor, from one run on a random image."""
    found = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output if name]
    del probe.graph.output[:]
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    image = np.random.default_rng(0).random(shape, np.float32)
    try:
        session = onnxruntime.InferenceSession(probe.SerializeToString(), options)
        (source,) = session.get_inputs()
        results = session.run(
            names, {source.name: image.astype(IMAGES.get(source.type, image.dtype))}
        )
    except Exception as error:
        said, size = " ".join(str(error).split()), "×".join(map(str, shape))
        if "Failed to allocate memory" in said:
            raise ValueError(
                f"The model's maps for an image of {size} need too much memory. Make the network "
                "smaller."
            ) from None
        raise ValueError(f"The model fails on an image of {size}: {said[:200]}") from error
    found |= {name: result.shape for name, result in zip(names, results, strict=True)}
    return found | {source.name: shape}
