"""The part of the runner that runs inside the sandbox: a model goes in, predictions come out.

Started as a program by `grader.runner`, with helpers.architecture beside it. It writes JSON lines
to standard output: "ready", then "refused" or "done"; after "done" follow the predictions as .npy.
"""

import dataclasses
import hashlib
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

from helpers import architecture
from helpers.graph import IMAGES

BATCH = 8


class Refused(Exception):
    """The model is not one that can be judged; the message is for the student."""


def predict(data: bytes, images: np.ndarray) -> np.ndarray:
    """Runs the model on images (float32, N×3×H×W, in [0, 1]); float32 N×C×H×W."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Refused(f"onnxruntime cannot load model.onnx: {brief(error)}") from None
    if len(session.get_inputs()) != 1 or len(session.get_outputs()) != 1:
        raise Refused(
            f"model.onnx has {len(session.get_inputs())} inputs and {len(session.get_outputs())} "
            "outputs; it needs one of each."
        )
    (node,) = session.get_inputs()
    last = channels_last(node)
    fixed = isinstance(node.shape[0], int)
    batch = node.shape[0] if fixed else BATCH
    height, width = images.shape[2:]
    size = node.shape[1:3] if last else node.shape[2:4]
    for got, want in zip(size, (height, width), strict=True):
        if isinstance(got, int) and got != want:
            raise Refused(
                f"model.onnx takes images of {size[0]}×{size[1]}; the judge's are {height}×{width}."
            )
    outputs = []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        missing = batch - len(part) if fixed else 0
        given = np.pad(part, ((0, missing), (0, 0), (0, 0), (0, 0))).astype(IMAGES[node.type])
        given = np.ascontiguousarray(given.transpose(0, 2, 3, 1)) if last else given
        try:
            (output,) = session.run(None, {node.name: given})
        except Exception as error:
            raise Refused(f"model.onnx fails on an image: {brief(error)}") from None
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f" or output.ndim != 4:
            raise Refused("model.onnx must give one array of 4 dimensions of floats.")
        output = output.transpose(0, 3, 1, 2) if last else output
        if output.shape[0] != len(given) or output.shape[2:] != (height, width):
            layout = "N×H×W×classes" if last else "N×classes×H×W"
            raise Refused(
                f"model.onnx gives {output.shape[2]}×{output.shape[3]} maps for {height}×{width} "
                f"images; its output must be {layout}, like its input."
            )
        outputs.append(output[: len(part)].astype(np.float32))
    return np.concatenate(outputs)


def channels_last(node: onnxruntime.NodeArg) -> bool:
    """Whether the input is N×H×W×3 (Keras) rather than N×3×H×W (PyTorch)."""
    shape = node.shape
    if node.type not in IMAGES or len(shape) != 4 or (shape[1] != 3 and shape[3] != 3):
        raise Refused(
            f"model.onnx takes {node.type} of shape {list(shape)}; it needs images of floats, "
            "N×3×H×W or N×H×W×3."
        )
    return shape[1] != 3


def weights_of(data: bytes) -> str:
    """A hash of the numbers that a network learnt; "" for one that learnt none.

    It stays the same whatever the tensors are called, in which order they stand, whether they are
    initializers or constants, and with the channels of a layer in another order.
    """
    graph = onnx.load_model_from_string(data).graph
    tensors = list(graph.initializer)
    tensors += [a.t for node in graph.node for a in node.attribute if a.HasField("t")]
    kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    arrays = [onnx.numpy_helper.to_array(tensor) for tensor in tensors if tensor.data_type in kinds]
    # a handful of numbers are an epsilon or the scales of a Resize
    learnt = [np.sort(array, axis=None) for array in arrays if array.size > 4]
    digests = sorted(hashlib.sha256(numbers.tobytes()).digest() for numbers in learnt)
    return hashlib.sha256(b"".join(digests)).hexdigest() if digests else ""


def brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def main(folder: str) -> None:
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the lines

    def say(**message) -> None:
        channel.write(json.dumps(message).encode() + b"\n")
        channel.flush()

    say(event="ready")
    with open(f"{folder}/model.onnx", "rb") as file:
        data = file.read()
    path = f"{folder}/images.npy"  # without it, the network is only read
    images = np.load(path, allow_pickle=False) if os.path.exists(path) else None
    try:
        # first: it refuses what is more than a plain network, before anything of it is loaded
        try:
            facts = dataclasses.asdict(architecture.read(data)) | {"weights": weights_of(data)}
        except ValueError as error:
            raise Refused(brief(error)) from None
        outputs = None if images is None else predict(data, images)
    except Refused as error:
        say(event="refused", remark=str(error))
        return
    say(event="done", facts=facts)
    if outputs is not None:
        np.save(channel, outputs, allow_pickle=False)
    channel.flush()


if __name__ == "__main__":
    main(sys.argv[1])
