"""Mistakes of a trained model, and models that know no street: what they get for model.onnx.

Most are the example submission's network, with a mistake before or behind it that a training would
have put inside.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from grader.settings import REPOSITORY
from helpers import desk, streets
from helpers.classes import LYFT
from tests.mutants.judged import Result, judged, solution

HEIGHT, WIDTH, CLASSES = 96, 128, len(LYFT)
HOOD = 496 * HEIGHT // 600
VEHICLES = LYFT.id("Vehicles")
GOOD = REPOSITORY / "assignments/examples/ada/model.onnx"
WITHOUT_SKIPS = REPOSITORY / "assignments/examples/noor/model.onnx"


@dataclass(frozen=True)
class Wrong:
    """A model that was handed in.

    Attributes:
        name: what is wrong with it.
        make: gives the file.
        hint: what is said of it, as a regular expression.
        points: what `question` may give it at most.
        question: "trained_model", or "unet" for a file beside a right builder.
        framework: of the builder.
    """

    name: str
    make: Callable[[], onnx.ModelProto]
    hint: str
    points: float = 0
    question: str = "trained_model"
    framework: str = "pytorch"


def plain(nodes: list, constants: dict[str, np.ndarray], maps: int = CLASSES) -> onnx.ModelProto:
    """A file of its own: `image` N×3×96×128 to `logits`."""
    shapes = {"image": ["N", 3, HEIGHT, WIDTH], "logits": ["N", maps, HEIGHT, WIDTH]}
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "model", ends[:1], ends[1:], weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def around(
    before: list = (), behind: list = (), file: Path = GOOD, **constants: np.ndarray
) -> onnx.ModelProto:
    """A trained network with nodes before it, from `image` to `input`, or behind it, from `maps` to
    `logits`."""
    model = onnx.load(file)
    for node in model.graph.node:
        names = {"image": "input"} if before else {}
        names |= {"logits": "maps"} if behind else {}
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
    nodes = [*before, *model.graph.node, *behind]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


node = helper.make_node
MIRRORED = np.arange(WIDTH)[::-1].copy()


@cache
def public() -> tuple[np.ndarray, np.ndarray]:
    """The scenes that `check` shows at the desk: images N×96×128×3 and masks."""
    return streets.scenes(desk.DRIVES, [0])


def prior() -> np.ndarray:
    """How often each class stands at each place of the public scenes: 1×13×96×128."""
    _, masks = public()
    counts = (masks[..., None] == np.arange(CLASSES)).mean(0, dtype=np.float32)
    return counts.transpose(2, 0, 1)[None]


def nothing_of_it() -> list:
    """Nodes that make 0, N×1×96×128, of the image."""
    return [
        node("ReduceMean", ["image"], ["grey"], axes=[1]),
        node("Sub", ["grey", "grey"], ["nothing"]),
    ]


def constant(values: np.ndarray) -> onnx.ModelProto:
    """The same maps for every image."""
    return plain([*nothing_of_it(), node("Add", ["nothing", "values"], ["logits"])],
                 {"values": values})  # fmt: skip


def road_everywhere() -> onnx.ModelProto:
    return constant(np.eye(CLASSES, dtype=np.float32)[LYFT.id("Roads")].reshape(1, -1, 1, 1))


def colour_alone() -> onnx.ModelProto:
    """One 1×1 convolution: the mean colour of each class that is nearest, and the prior."""
    images, masks = public()
    images = images.astype(np.float32) / 255
    means = np.stack([images[masks == k].mean(0) if (masks == k).any() else np.full(3, 9.0)
                      for k in range(CLASSES)]).astype(np.float32)  # fmt: skip
    weights = {"w": 40 * means[..., None, None], "b": -20 * (means**2).sum(1)}
    weights["prior"] = np.log(prior() + 1e-3).astype(np.float32)
    return plain([node("Conv", ["image", "w", "b"], ["colour"]),
                  node("Add", ["colour", "prior"], ["logits"])], weights)  # fmt: skip


def nearest_public_scene(scale: int = 8) -> onnx.ModelProto:
    """Finds the public scene that is most like the image, and gives its mask."""
    images, masks = public()
    small = images.reshape(len(images), HEIGHT // scale, scale, WIDTH // scale, scale, 3)
    small = small.mean((2, 4)).transpose(0, 3, 1, 2).reshape(len(images), -1) / 255
    hot = (masks[..., None] == np.arange(CLASSES)).transpose(0, 3, 1, 2).astype(np.float32)
    hot = hot[:, :, ::2, ::2].reshape(len(images), -1)  # of every second pixel: 16 MiB at most
    size = [0, CLASSES, HEIGHT // 2, WIDTH // 2]
    return plain(
        [
            node("AveragePool", ["image"], ["small"], kernel_shape=[scale] * 2,
                 strides=[scale] * 2),
            node("Flatten", ["small"], ["flat"]),
            node("MatMul", ["flat", "scenes"], ["alike"]),
            node("Add", ["alike", "lengths"], ["score"]),
            node("Softmax", ["score"], ["chosen"]),
            node("MatMul", ["chosen", "masks"], ["mask"]),
            node("Reshape", ["mask", "size"], ["maps"]),
            node("Resize", ["maps", "", "twice"], ["logits"], mode="nearest"),
        ],
        {"scenes": (200 * small.T).astype(np.float32), "masks": hot,
         "lengths": (-100 * (small**2).sum(1)).astype(np.float32), "size": np.array(size),
         "twice": np.array([1, 1, 2, 2], np.float32)},
    )  # fmt: skip


def bgr() -> onnx.ModelProto:
    return around([node("Gather", ["image", "order"], ["input"], axis=1)],
                  order=np.array([2, 1, 0]))  # fmt: skip


def not_divided() -> onnx.ModelProto:
    """Trained on images of 0 to 255."""
    return around([node("Div", ["image", "most"], ["input"])], most=np.float32([255]))


def mirrored() -> onnx.ModelProto:
    """Trained on mirrored images with their masks as they were."""
    return around(behind=[node("Gather", ["maps", "order"], ["logits"], axis=3)], order=MIRRORED)


def upside_down() -> onnx.ModelProto:
    return around(behind=[node("Gather", ["maps", "order"], ["logits"], axis=2)],
                  order=np.arange(HEIGHT)[::-1].copy())  # fmt: skip


def both_ways() -> onnx.ModelProto:
    """Trained on images that were mirrored half of the time, with their masks as they were."""
    return around(behind=[node("Gather", ["maps", "order"], ["other"], axis=3),
                          node("Softmax", ["maps"], ["p"], axis=1),
                          node("Softmax", ["other"], ["q"], axis=1),
                          node("Add", ["p", "q"], ["logits"])], order=MIRRORED)  # fmt: skip


def ids_from_one() -> onnx.ModelProto:
    """Trained on masks whose ids begin with 1."""
    return around(behind=[node("Gather", ["maps", "order"], ["logits"], axis=1)],
                  order=np.roll(np.arange(CLASSES), 1))  # fmt: skip


def with_hood() -> onnx.ModelProto:
    """Trained on labels with the hood: the lower rows are vehicle."""
    hood = np.zeros((1, CLASSES, HEIGHT, WIDTH), np.float32)
    hood[:, VEHICLES, HOOD:] = 100
    return around(behind=[node("Add", ["maps", "hood"], ["logits"])], hood=hood)


def without(name: str) -> Callable[[], onnx.ModelProto]:
    """Never says one class."""

    def make() -> onnx.ModelProto:
        never = np.zeros((1, CLASSES, 1, 1), np.float32)
        never[:, LYFT.id(name)] = -1000
        return around(behind=[node("Add", ["maps", "never"], ["logits"])], never=never)

    return make


def shifted() -> onnx.ModelProto:
    """Masks were cropped 12 pixels beside their images."""
    order = np.clip(np.arange(WIDTH) + 12, 0, WIDTH - 1)
    return around(behind=[node("Gather", ["maps", "order"], ["logits"], axis=3)], order=order)


def untrained() -> onnx.ModelProto:
    model = onnx.load(GOOD)
    rng = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.ndim == 4:
            scale = np.sqrt(2 / np.prod(value.shape[1:]))
            new = numpy_helper.from_array(
                (scale * rng.normal(size=value.shape)).astype(np.float32), tensor.name
            )
            tensor.CopyFrom(new)
    return model


def with_nan() -> onnx.ModelProto:
    return around(behind=[node("Add", ["maps", "fault"], ["logits"])],
                  fault=np.float32([np.nan]))  # fmt: skip


def argmax() -> onnx.ModelProto:
    return around(behind=[node("ArgMax", ["maps"], ["ids"], axis=1, keepdims=1),
                          node("Cast", ["ids"], ["logits"], to=TensorProto.FLOAT)])  # fmt: skip


def maps(count: int) -> Callable[[], onnx.ModelProto]:
    def make() -> onnx.ModelProto:
        order = np.arange(count) % CLASSES
        return around(behind=[node("Gather", ["maps", "order"], ["logits"], axis=1)], order=order)

    return make


def half_size() -> onnx.ModelProto:
    return around(behind=[node("MaxPool", ["maps"], ["logits"], kernel_shape=[2, 2],
                               strides=[2, 2])])  # fmt: skip


def one_layer() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    return plain([node("Conv", ["image", "w"], ["logits"], pads=[1] * 4)],
                 {"w": rng.normal(size=(CLASSES, 3, 3, 3)).astype(np.float32)})  # fmt: skip


KNOWN = r"graded classes 0\.3.*on 6 public scenes the mean of the graded classes is 0\.[789]"
MODELS = [
    Wrong("road everywhere", road_everywhere, "the same mask for every image"),
    Wrong("the most frequent class of each place", lambda: constant(prior()),
          "the same mask for every image"),
    Wrong("colour and place", colour_alone, "0 of the bars"),
    Wrong("the public scenes by heart", nearest_public_scene, KNOWN),
    Wrong("the public scenes by heart, coarser", lambda: nearest_public_scene(16), KNOWN),
    Wrong("untrained", untrained, "it never says Roads"),
    Wrong("blue, green, red", bgr, "trained on blue, green, red", 18.75),
    Wrong("0 to 255", not_divided, "trained on images of 0 to 255"),
    Wrong("mirrored images, masks as they were", mirrored, "its masks are mirrored"),
    Wrong("mirrored half of the time, masks as they were", both_ways, "Vehicles"),
    Wrong("upside down", upside_down, "its masks are upside down"),
    Wrong("masks beside their images", shifted, "Vehicles", 5),
    Wrong("ids begin with 1", ids_from_one, "ids are one too high"),
    Wrong("the hood is a vehicle", with_hood, "it calls the hood a vehicle", 3.75),
    Wrong("never a vehicle", without("Vehicles"), "it never says Vehicles", 11.25),
    Wrong("never a road", without("Roads"), "it never says Roads"),
    Wrong("nan", with_nan, "gives nan"),
    Wrong("argmax in the file", argmax, "ArgMax"),
    Wrong("12 maps", maps(12), "gives 12 maps"),
    Wrong("14 maps", maps(14), "gives 14 maps"),
    Wrong("half the size", half_size, "gives 48×64 maps for 96×128 images"),
    Wrong("a network without skips beside a U-Net", lambda: onnx.load(WITHOUT_SKIPS),
          "same as model.onnx: .*unet", 20, "unet"),
    Wrong("one layer beside a U-Net", one_layer, "same as model.onnx: .*unet", 20, "unet"),
    Wrong("the prior beside a U-Net", lambda: constant(prior()), "same as model.onnx", 20, "unet",
          "keras"),
    Wrong("13 maps more behind the U-Net", maps(26), "same as model.onnx", 20, "unet", "keras"),
]  # fmt: skip


def submissions() -> Iterator[Callable[[], list[Result]]]:
    """All of them; each call grades one."""
    cells = solution("lyft_unet")
    kept = {k: v for k, v in cells.items() if "check(" not in v or k == "unet"}
    yield from (partial(results, kept, wrong) for wrong in MODELS)


def results(builder: dict[str, str], wrong: Wrong) -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        onnx.save(wrong.make(), path)
        code = builder if wrong.question == "unet" else {}
        said = judged("lyft_unet", code, wrong.framework, path)
    return [result(wrong, said.get(wrong.question, {}))]


def result(wrong: Wrong, event: dict) -> Result:
    points, remark = event.get("points", 0), event.get("remark", "nothing was said")
    caught = event.get("event") in ("score", "no answer") and points <= wrong.points + 1e-6
    ok = caught and re.search(wrong.hint, remark) is not None
    said = f"{points:g} of {wrong.points:g} points: {remark}"
    name = f"lyft_unet/{wrong.question}: {wrong.name}"
    return Result("mutant", name, ok, said, wrong.question, points, wrong.points)
