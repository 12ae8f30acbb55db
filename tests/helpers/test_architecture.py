"""What is read from a graph is the network that was written, however it was written."""

import json
import subprocess
import sys

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn
from torch.nn import functional as F

from helpers import architecture
from helpers.export import export
from helpers.pytorch.unet import unet
from tests.reading import Attention


def read(model, folder, height=96, width=128):
    return architecture.read(export(model, folder / "model.onnx", height, width))


def facts(found: architecture.Architecture) -> list:
    """What must not depend on the framework, in plain lists."""
    return [
        [[s.part, s.height, s.width] for s in found.stages],
        [[s.height, s.width, s.kind, *s.channels] for s in found.skips],
        [found.parameters, found.dense, found.downsamplings, found.upsamplings],
    ]


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("depth", [3, 4])
def test_unet(tmp_path, up, norm, depth):
    found = read(unet(13, 8, depth, up=up, norm=norm), tmp_path)
    assert (found.layout, found.input, found.output) == ("NCHW", (1, 3, 96, 128), (1, 13, 96, 128))
    levels = list(range(depth))
    assert [(s.part, s.height, s.width) for s in found.stages] == [
        *(("encoder", 96 >> i, 128 >> i) for i in levels),
        ("bottleneck", 96 >> depth, 128 >> depth),
        *(("decoder", 96 >> i, 128 >> i) for i in reversed(levels)),
    ]
    assert [s.channels for s in found.stages[:depth]] == [(8 << i, 8 << i) for i in levels]
    assert found.stages[depth].channels[:2] == (8 << depth, 8 << depth)
    assert found.skips == tuple(
        architecture.Skip(96 >> i, 128 >> i, "concat", (8 << i, 8 << i)) for i in reversed(levels)
    )
    assert (found.dense, found.downsamplings, found.upsamplings) == (0, depth, depth)
    # batch norm is folded: where it has a scale and a shift, the file has one bias
    model = unet(13, 8, depth, up=up, norm=False)
    assert found.parameters == sum(p.numel() for p in model.parameters())


def test_summary_is_a_table_for_students(tmp_path):
    parameters = sum(p.numel() for p in unet(13, 4, 2, norm=False).parameters())
    assert read(unet(13, 4, 2), tmp_path).summary() == (
        f"input 3×96×128 (NCHW), {parameters:,} parameters\n"
        "encoder      96×128  4, 4\n"
        "encoder      48×64   8, 8\n"
        "bottleneck   24×32   16, 16\n"
        "decoder      48×64   8, 8, 8          skip: concat 8 + 8\n"
        "decoder      96×128  4, 4, 4, 13      skip: concat 4 + 4"
    )


class HandWritten(nn.Module):
    """A U-Net with three halvings as a student may write it."""

    def __init__(self, up="size", join="concat", skips=(0, 1, 2), pool="max", width=4, gate=False):
        super().__init__()
        self.up, self.join, self.skips, self.pool = up, join, skips, pool
        sizes = [width << i for i in range(4)]
        twice = {i: 2 if join == "concat" and i in skips else 1 for i in range(3)}
        self.down = nn.ModuleList(self.block(*ab) for ab in zip([3, *sizes], sizes, strict=False))
        more = 4 if up == "shuffle" else 1
        self.fewer = nn.ModuleList(nn.Conv2d(2 * c, more * c, 1) for c in sizes[:3])
        self.merge = nn.ModuleList(self.block(twice[i] * c, c) for i, c in enumerate(sizes[:3]))
        self.squeeze = nn.Sequential(nn.Linear(width, 2), nn.ReLU(), nn.Linear(2, width))
        self.gate = gate
        self.head = nn.Conv2d(width, 13, 1)

    @staticmethod
    def block(before, after):
        return nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1)
        )

    def forward(self, x):
        kept = []
        for i, block in enumerate(self.down):
            x = F.relu(block(x))
            if self.gate and i == 0:  # squeeze-and-excitation: one factor for each map
                x = x * torch.sigmoid(self.squeeze(x.mean((2, 3))))[:, :, None, None]
            kept.append(x)
            if i < 3:
                x = F.max_pool2d(x, 2) if self.pool == "max" else F.avg_pool2d(x, 2)
        for i in (2, 1, 0):
            x, skip = self.fewer[i](x), kept[i]
            if self.up == "size":
                x = F.interpolate(x, size=skip.shape[2:], mode="bilinear")
            elif self.up == "shuffle":
                x = F.pixel_shuffle(x, 2)
            else:
                x = F.interpolate(x, scale_factor=2)
            if self.up == "pad":
                x = F.pad(x[:, :, 1:, 1:], (0, 1, 1, 0))
            if i in self.skips:
                x = torch.cat([x, skip], 1) if self.join == "concat" else x + skip
            x = F.relu(self.merge[i](x))
        return self.head(x)


SIZES = [[24, 32], [48, 64], [96, 128]]
ALL = [[*SIZES[i], "concat", c, c] for i, c in enumerate((16, 8, 4))]


@pytest.mark.parametrize("up", ["size", "nearest", "shuffle", "pad"])
def test_ways_to_up_sample(tmp_path, up):
    stages, skips, (_, *counts) = facts(read(HandWritten(up), tmp_path))
    assert stages == [
        *(["encoder", *size] for size in reversed(SIZES)),
        ["bottleneck", 12, 16],
        *(["decoder", *size] for size in SIZES),
    ]
    assert skips == ALL
    assert counts == [0, 3, 3]


def test_a_size_that_does_not_halve_evenly(tmp_path):
    found = read(HandWritten(), tmp_path, 100, 130)
    assert found.input == (1, 3, 100, 130)  # the size that is fixed in the file
    assert [s.height for s in found.skips] == [25, 50, 100]
    assert (found.downsamplings, found.upsamplings) == (3, 3)


@pytest.mark.parametrize(
    "options, skips",
    [
        ({"skips": ()}, []),
        ({"skips": (0, 2)}, [ALL[0], ALL[2]]),
        ({"join": "add"}, [[*s[:2], "add", *s[3:]] for s in ALL]),
        ({"pool": "average"}, ALL),
        ({"gate": True}, ALL),
    ],
    ids=str,
)
def test_skips_that_are_missing_or_other(tmp_path, options, skips):
    stages, found, (_, *counts) = facts(read(HandWritten(**options), tmp_path))
    assert found == skips
    assert len(stages) == 7 and counts == [0, 3, 3]


def test_a_residual_sum_is_no_skip(tmp_path):
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 13, 1), nn.Conv2d(13, 13, 3, padding=1)

        def forward(self, x):
            x = self.first(x)
            return x + F.interpolate(x * 1.5, scale_factor=1.0) + self.second(x)

    assert read(Residual(), tmp_path).skips == ()


def test_dense_layers_on_flattened_maps(tmp_path):
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=8),
        nn.Flatten(),
        nn.Linear(4 * 12 * 16, 4),
        nn.Linear(4, 13 * 12 * 16),
        nn.Unflatten(1, (13, 12, 16)),
        nn.Upsample(scale_factor=8),
    )
    found = read(model, tmp_path)
    assert found.dense == 2
    assert found.summary().endswith("dense layers: 2")


def test_attention_is_no_dense_layer(tmp_path):
    found = read(Attention(), tmp_path)
    assert found.dense == 0
    assert [(s.part, s.height) for s in found.stages] == [("bottleneck", 6), ("decoder", 96)]


KERAS = """
import json, sys
from helpers.keras.unet import unet
import keras
from keras import layers as L
from helpers import architecture
from helpers.export import export

def block(x, channels):
    for _ in range(2):
        x = L.Conv2D(channels, 3, padding="same", activation="relu")(x)
    return x

def hand_written(up="nearest", join="concat", skips=(0, 1, 2), size=(None, None)):
    image = x = L.Input((*size, 3))
    kept = []
    for i in range(4):
        x = block(x, 4 << i)
        kept.append(x)
        x = L.MaxPooling2D()(x) if i < 3 else x
    for i in (2, 1, 0):
        if up == "transposed":
            x = L.Conv2DTranspose(4 << i, 2, strides=2)(x)
        elif up == "nearest, last":
            x = L.UpSampling2D()(L.Conv2D(4 << i, 1)(x))
        else:
            x = L.Conv2D(4 << i, 1)(L.UpSampling2D(interpolation=up)(x))
        if i in skips:
            x = L.Concatenate()([x, kept[i]]) if join == "concat" else L.Add()([x, kept[i]])
        x = block(x, 4 << i)
    return keras.Model(image, L.Dense(13, activation="softmax")(x))  # a 1x1 by another name

dense = keras.Sequential(
    [L.Conv2D(4, 3, 8), L.Flatten(), L.Dense(4), L.Dense(13 * 12 * 16), L.Reshape((12, 16, 13)),
     L.UpSampling2D(8)]
)
image = L.Input((96, 128, 3))
words = L.Reshape((48, 24))(L.Conv2D(24, 16, 16)(image))
words = L.Add()([words, L.MultiHeadAttention(4, 6)(words, words)])
maps = L.Conv2DTranspose(13, 16, 16)(L.Reshape((6, 8, 24))(words))
attention = keras.Model(image, maps)
models = {
    "attention": attention,
    "unet transposed": unet(13, 8),
    "unet bilinear": unet(13, 8, 3, up="bilinear", norm=False),
    "nearest": hand_written(),
    "nearest fixed": hand_written(size=(96, 128)),
    "nearest, last": hand_written("nearest, last"),
    "transposed": hand_written("transposed"),
    "no skips": hand_written("bilinear", skips=()),
    "one missing": hand_written(skips=(0, 2)),
    "add": hand_written(join="add"),
    "dense": dense,
}
for name, model in models.items():
    found = architecture.read(export(model, sys.argv[1]))
    assert found.layout == "NHWC" and found.input == (1, 96, 128, 3), name
    print(json.dumps([name, [
        [[s.part, s.height, s.width] for s in found.stages],
        [[s.height, s.width, s.kind, *s.channels] for s in found.skips],
        [found.parameters, found.dense, found.downsamplings, found.upsamplings],
    ]]))
"""


def test_keras_gives_the_same_facts(tmp_path, repo):
    done = subprocess.run(
        [sys.executable, "-c", KERAS, tmp_path / "k.onnx"], cwd=repo, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = dict(map(json.loads, done.stdout.splitlines()))

    def ours(model):
        return facts(read(model, tmp_path))

    assert found["unet transposed"] == ours(unet(13, 8))
    assert found["unet bilinear"] == ours(unet(13, 8, 3, up="bilinear", norm=False))
    assert found["nearest"] == found["nearest fixed"] == ours(HandWritten("nearest"))
    assert found["nearest, last"][1:] == ours(HandWritten("nearest"))[1:]
    assert found["transposed"][:2] == ours(HandWritten())[:2]
    assert found["no skips"] == ours(HandWritten(skips=()))
    assert found["one missing"] == ours(HandWritten(skips=(0, 2)))
    assert found["add"] == ours(HandWritten(join="add"))
    assert found["dense"][2][1] == 2
    assert found["attention"][2][1] == 0
    assert found["attention"][0] == [["bottleneck", 6, 8], ["decoder", 96, 128]]


# ---- what is refused -------------------------------------------------------------------------


def graph(*nodes, initializers=(), functions=(), inputs=("image",), shape=("N", 3, 96, 128)):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)
    made = helper.make_graph(list(nodes), "g", values, [logits], list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(made, opset_imports=opsets, functions=functions, ir_version=8)


def relu(domain=None, before="image"):
    return helper.make_node("Relu", [before], ["logits"], domain=domain)


def outside():
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.0])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


FUNCTION = helper.make_function(
    "own", "Hidden", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])],
    [helper.make_opsetid("", 17)],
)  # fmt: skip
BRANCH = helper.make_node(
    "If", ["image"], ["logits"],
    then_branch=helper.make_graph([relu()], "a", [], []),
    else_branch=helper.make_graph([relu()], "b", [], []),
)  # fmt: skip


@pytest.mark.parametrize(
    "model, sentence",
    [
        (graph(), "no network"),
        (graph(relu("own")), "Relu of 'own', which is no part of ONNX"),
        (graph(relu(), functions=[FUNCTION]), "function of its own, Hidden"),
        (graph(BRANCH), "If, a control flow"),
        (graph(helper.make_node("RandomNormalLike", ["image"], ["logits"])), "RandomNormalLike"),
        (graph(relu(), initializers=[outside()]), "second file"),
        (graph(helper.make_node("Constant", [], ["logits"], value=outside())), "second file"),
        (graph(relu(), inputs=("image", "other")), "2 inputs and 1 outputs"),
        (graph(relu(), shape=("N", 1, 96, 128)), r"\?×1×96×128: it must be N×3×H×W"),
        (graph(relu(before="nothing")), "fails on an image of 1×3×96×128"),
    ],
)
def test_what_is_no_plain_network_is_refused(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        architecture.read(model.SerializeToString())


def test_broken_and_large_files_are_refused(tmp_path):
    data = graph(relu()).SerializeToString()
    assert architecture.read(data).parameters == 0
    with pytest.raises(ValueError, match="not an ONNX file"):
        architecture.read(data[: len(data) // 2])
    big = helper.make_tensor("w", TensorProto.FLOAT, [5_000_000], bytes(20_000_000), raw=True)
    onnx.save(graph(relu(), initializers=[big]), tmp_path / "big.onnx")
    with pytest.raises(ValueError, match="19.1 MiB; at most 16"):
        architecture.read(tmp_path / "big.onnx")
