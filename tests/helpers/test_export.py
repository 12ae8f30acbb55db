"""A model of either framework becomes one file that gives the same logits."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from helpers.export import export
from helpers.pytorch.unet import unet
from tests.reading import Attention


def run(path, n, height, width):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (source,), (target,) = session.get_inputs(), session.get_outputs()
    assert (source.name, target.name, source.type) == ("image", "logits", "tensor(float)")
    image = np.random.default_rng(1).random((n, 3, height, width), np.float32)
    last = source.shape[-1] == 3
    (logits,) = session.run(None, {"image": image.transpose(0, 2, 3, 1) if last else image})
    return image, logits.transpose(0, 3, 1, 2) if last else logits


def assert_written(model, path):
    """The file gives what the model gives."""
    image, logits = run(path, 2, 96, 128)
    expected = model(torch.from_numpy(image)).detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_the_unet_with_trained_statistics(tmp_path):
    torch.manual_seed(0)
    model = unet(13, 8).train()
    for _ in range(3):
        model(torch.rand(2, 3, 32, 32))
    path = export(model, tmp_path / "new" / "model.onnx")
    assert model.training  # as it was before
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]
    assert path.stat().st_size < 4_000_000
    model.eval()
    for n in (1, 3):
        image, logits = run(path, n, 96, 128)
        expected = model(torch.from_numpy(image)).detach().numpy()
        np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_another_size(tmp_path):
    path = export(unet(13, 4, 3), tmp_path / "m.onnx", 64, 72)
    assert run(path, 2, 64, 72)[1].shape == (2, 13, 64, 72)
    with pytest.raises(Exception, match="[Ii]nvalid [Dd]imensions"):
        run(path, 1, 96, 128)


def test_models_that_students_write(tmp_path):
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 13, 1))
    image, logits = run(export(model, tmp_path / "m.onnx"), 1, 96, 128)
    expected = model(torch.from_numpy(image)).detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_of_another_precision_are_written_as_float32(tmp_path, dtype):
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 13, 1)).to(dtype)
    image, logits = run(export(model, tmp_path / "m.onnx"), 1, 96, 128)
    assert next(model.parameters()).dtype is dtype  # as it was before
    expected = model.float()(torch.from_numpy(image)).detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.parametrize("size, dilation", [(3, 1), (3, 6), (2, 1), (4, 3), ((1, 5), (1, 2))])
def test_same_padding_is_that_of_pytorch(tmp_path, size, dilation):
    model = nn.Conv2d(3, 13, size, padding="same", dilation=dilation)
    assert_written(model, export(model, tmp_path / "m.onnx"))


def test_attention_is_written_in_plain_operators(tmp_path):
    model = Attention()
    assert_written(model, export(model, tmp_path / "m.onnx"))
    assert torch.backends.mha.get_fastpath_enabled()  # as it was before


def test_a_compiled_network_is_the_network(tmp_path):
    model = nn.Conv2d(3, 13, 1)
    assert_written(model, export(torch.compile(model), tmp_path / "m.onnx"))


class Unpooled(nn.Conv2d):
    def forward(self, x):
        maxima, places = nn.functional.max_pool2d(x, 2, return_indices=True)
        return super().forward(nn.functional.max_unpool2d(maxima, places, 2))


def test_a_network_that_was_spread_over_several_gpus(tmp_path):
    model = nn.DataParallel(nn.Conv2d(3, 13, 1))
    assert run(export(model, tmp_path / "m.onnx"), 2, 96, 128)[1].shape == (2, 13, 96, 128)


class Stacked(nn.Conv2d):
    def forward(self, x):
        return torch.hstack([super().forward(x), x])


def test_maps_joined_by_hstack_are_a_concatenation(tmp_path):
    path = export(Stacked(3, 10, 1), tmp_path / "m.onnx")
    assert [node.op_type for node in onnx.load(path).graph.node] == ["Conv", "Concat"]
    assert run(path, 2, 96, 128)[1].shape == (2, 13, 96, 128)


class Noisy(nn.Conv2d):
    def forward(self, x):
        return super().forward(x) + torch.rand(1).item()


class Two(nn.Conv2d):
    def forward(self, x):
        return super().forward(x), x


class Broken(nn.Conv2d):
    def forward(self, x):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


@pytest.mark.parametrize(
    "model, error, sentence",
    [
        (Noisy(3, 13, 1), ValueError, "differs from the model.*random numbers"),
        (Two(3, 13, 1), ValueError, "one tensor"),
        (Unpooled(3, 13, 1), ValueError, "max_unpool2d has no way.*segnet has one"),
        (Broken(3, 13, 1), ValueError, "Cannot export.*Broken.*mat1"),
        (unet, TypeError, "function.*torch.nn.Module or a keras.Model"),
        ({"weights": 1}, TypeError, "dict.*torch.nn.Module or a keras.Model"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(tmp_path, model, error, sentence):
    with pytest.raises(error, match=sentence):
        export(model, tmp_path / "m.onnx")


KERAS = """
import sys
from helpers.keras.unet import unet
from helpers.export import export
import keras, numpy as np, tensorflow as tf

class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(13, 3, padding="same")

    def call(self, x):
        return self.conv(x)

image = np.load(sys.argv[1])
layers = keras.layers
sequential = keras.Sequential([layers.UpSampling2D(), layers.Conv2D(13, 2, 2)])
gelu = keras.Sequential([layers.Conv2D(13, 3, padding="same", activation="gelu")])
celu = keras.Sequential([layers.Conv2D(13, 3, padding="same", activation="celu")])
standardized = keras.Sequential(
    [layers.Normalization(mean=[0.5, 0.4, 0.3], variance=[0.1, 0.2, 0.3]), layers.Conv2D(13, 1)]
)
grouped = keras.Sequential([layers.Conv2D(8, 1), layers.Conv2D(16, 3, groups=4)])
augmented = keras.Sequential([layers.RandomFlip(), layers.RandomContrast(0.5)])
grouped.add(layers.Conv2D(13, 1))
augmented.add(layers.Conv2D(13, 1))
models = [unet(13, 4), unet(13, 4, up="bilinear"), Subclass(), sequential, gelu, celu]
models += [standardized, grouped, augmented, keras.Sequential([standardized])]
for i, model in enumerate(models):
    path = export(model, f"{sys.argv[2]}/{i}.onnx")
    np.save(f"{sys.argv[2]}/{i}.npy", model(image, training=False))
for policy in ("mixed_float16", "mixed_bfloat16", "float64"):  # as some train on a GPU or a TPU
    keras.mixed_precision.set_global_policy(policy)
    model = unet(13, 4)
    model = keras.Sequential([model, keras.layers.Conv2D(13, 1, activation="gelu")])
    export(model, f"{sys.argv[2]}/{policy}.onnx")
    np.save(f"{sys.argv[2]}/{policy}.npy", keras.ops.cast(model(image), "float32"))
keras.mixed_precision.set_global_policy("float32")
try:
    export(unet(13, 4), f"{sys.argv[2]}/x.onnx", 100, 130)
except ValueError as error:
    print(error)
class Hue(layers.Layer):
    def call(self, x):
        return tf.image.rgb_to_hsv(x)

try:
    export(keras.Sequential([Hue(), layers.Conv2D(13, 1)]), f"{sys.argv[2]}/x.onnx")
except ValueError as error:
    print(error)
assert "torch" not in sys.modules
"""


def test_keras_models_in_a_process_of_their_own(tmp_path, repo):
    image = np.random.default_rng(1).random((3, 3, 96, 128), np.float32)
    np.save(tmp_path / "image.npy", image.transpose(0, 2, 3, 1))
    done = subprocess.run(
        [sys.executable, "-c", KERAS, tmp_path / "image.npy", tmp_path],
        cwd=repo,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    size, operator = done.stdout.splitlines()
    assert "112×144" in size and "RGBToHSV, which ONNX does not have" in operator
    for i in range(10):
        _, logits = run(tmp_path / f"{i}.onnx", 3, 96, 128)
        expected = np.load(tmp_path / f"{i}.npy").transpose(0, 3, 1, 2)
        np.testing.assert_allclose(logits, expected, atol=1e-4)
        onnx.checker.check_model(onnx.load(tmp_path / f"{i}.onnx"))
    # numbers of bfloat16 lie 0.06 apart above 8
    for policy, tolerance in (("mixed_float16", 0.1), ("mixed_bfloat16", 0.25), ("float64", 0.1)):
        _, logits = run(tmp_path / f"{policy}.onnx", 3, 96, 128)
        expected = np.load(tmp_path / f"{policy}.npy").transpose(0, 3, 1, 2)
        np.testing.assert_allclose(logits, expected, atol=tolerance)
        assert logits.dtype == np.float32
