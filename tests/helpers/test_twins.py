"""The one test that loads both frameworks: it shows that each network is one network."""

import json
import subprocess
import sys

import numpy as np
import pytest

from helpers import architecture, graph, twins
from helpers.keras import losses as keras_losses
from helpers.keras import networks as keras_networks
from helpers.keras import twin as keras_twin
from helpers.keras.train import train as train_keras
from helpers.pytorch import losses as torch_losses
from helpers.pytorch import networks as torch_networks
from helpers.pytorch import twin as torch_twin
from helpers.pytorch.encoder import ENCODERS
from helpers.streets import scenes

IMAGES, MASKS = scenes(range(4), [0], height=64, width=96)
X = IMAGES.astype(np.float32) / 255
NAMES = list(torch_networks.NETWORKS)
WITH_ENCODER = ("unet", {"encoder": "mobilenet_v2"})


@pytest.mark.parametrize("network, options", twins.ROWS, ids=str)
def test_weights_of_pytorch_give_the_same_network_in_keras(network, options, tmp_path, monkeypatch):
    row = twins.measure(network, options, IMAGES[:2], MASKS[:2], tmp_path, width=4)
    assert row["max_logit_difference"] < 1e-4
    assert row["max_gradient_difference"] < 1e-3
    assert row["onnx_difference"] < 1e-4
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)  # for encoders that are larger
    facts = [architecture.read(tmp_path / f"{name}.onnx") for name in ("torch", "keras")]
    ours, theirs = (
        [
            [(s.part, s.height, s.width, sorted(s.channels)) for s in f.stages],
            [f.skips, f.parameters, f.dense, f.dilation],
        ]
        for f in facts
    )
    assert ours == theirs


def test_every_network_is_compared():
    assert {network for network, _ in twins.ROWS} == set(NAMES) == set(keras_networks.NETWORKS)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("network", ["fcn32", "fcn8", "pspnet", "deeplabv3", "deeplabv3plus"])
def test_every_network_takes_every_encoder(network, encoder):
    options = {"classes": 13, "width": 4, "encoder": encoder}
    with twins.torch.device("meta"):
        torch_model = torch_networks.NETWORKS[network](**options)
    keras_model = keras_networks.NETWORKS[network](**options)
    ours, theirs = torch_twin._tensors(torch_model), keras_twin._variables(keras_model)
    assert {k: tuple(v.shape) for k, v in ours.items()} == {
        k: tuple(v.shape) for k, v in theirs.items()
    }


@pytest.mark.parametrize("network, options", [*((name, {}) for name in NAMES), WITH_ENCODER])
def test_nothing_is_lost_on_the_way_back(network, options):
    torch_model, keras_model = twins.twins(network, 4, **options)
    assert np.ptp(keras_model(X, training=False), axis=(0, 1, 2)).min() > 0.1  # it tells pixels
    again = torch_networks.NETWORKS[network](13, 4, **options)
    twins.to_torch(keras_model, again)
    for name, tensor in torch_model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert twins.torch.equal(tensor, again.state_dict()[name]), name


@pytest.mark.parametrize("network, options", [*((name, {}) for name in NAMES), WITH_ENCODER])
def test_twins_are_alike_in_training_too(network, options):
    torch_model, keras_model = twins.twins(network, 4, **options)
    with twins.torch.no_grad():
        logits = torch_model.train()(twins.tensor(IMAGES)).permute(0, 2, 3, 1).numpy()
    # wider, for the statistics of few and small values enlarge what the last digits differ
    np.testing.assert_allclose(keras_model(X, training=True), logits, atol=2e-3)
    # the batch has moved the statistics of both, by momentum 0.1, the same as Keras' 0.9
    ours, theirs = torch_twin.get_weights(torch_model), keras_twin.get_weights(keras_model)
    for name, values in ours.items():
        # PyTorch remembers the unbiased variance: n/(n−1) times the other, of 24 values at least
        np.testing.assert_allclose(
            theirs[name], values, rtol=1 / 23 if "variance" in name else 0, atol=1e-5
        )


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
def test_weights_of_keras_give_the_same_network_in_pytorch(up, tmp_path):
    options = {"width": 4, "depth": 3, "up": up}
    keras_model = keras_networks.NETWORKS["unet"](13, **options)
    train_keras(keras_model, IMAGES, MASKS, steps=15, batch=4, progress=False)
    means = keras_model.get_layer("down_0_norm1").moving_mean.numpy()
    assert np.abs(means).min() > 1e-4  # the statistics were really trained
    torch_model = torch_networks.NETWORKS["unet"](13, **options)
    twins.to_torch(keras_model, torch_model)
    row = twins.compare(torch_model, keras_model, IMAGES, MASKS, tmp_path)
    assert row["max_logit_difference"] < 1e-4


def test_networks_that_differ_are_not_mixed():
    with pytest.raises(ValueError, match="only one of them has down_2_conv1.kernel"):
        twins.to_keras(
            torch_networks.NETWORKS["unet"](13, 4, 3), keras_networks.NETWORKS["unet"](13, 4, 2)
        )


@pytest.mark.parametrize("name", ["cross_entropy", "soft_dice", "cross_entropy_dice"])
def test_losses_and_their_gradients_are_the_same(name):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 6, 5, 5)).astype(np.float32)
    masks = rng.integers(0, 4, (2, 6, 5)).astype(np.uint8)
    masks[1, 3:] = 255
    x = twins.torch.tensor(logits.transpose(0, 3, 1, 2), requires_grad=True)
    value = getattr(torch_losses, name)(x, twins.torch.from_numpy(masks))
    value.backward()
    variable = twins.tf.Variable(logits)
    with twins.tf.GradientTape() as tape:
        other = getattr(keras_losses, name)(variable, masks)
    gradient = tape.gradient(other, variable).numpy()
    assert float(other) == pytest.approx(value.item(), rel=1e-6)
    np.testing.assert_allclose(gradient, x.grad.permute(0, 2, 3, 1), atol=1e-7)


@pytest.mark.parametrize(
    "package, file",
    [
        (torch_twin, "unet_from_keras"),
        (torch_twin, "fcn8_from_keras"),
        (torch_twin, "deeplabv3plus_from_keras"),
        (torch_twin, "pspnet_from_keras"),
        (keras_twin, "unet_from_pytorch"),
        (keras_twin, "fcn8_from_pytorch"),
        (keras_twin, "deeplabv3plus_from_pytorch"),
        (keras_twin, "pspnet_from_pytorch"),
    ],
)
def test_the_files_of_the_lessons_open_in_the_other_framework(package, file, repo):
    path = repo / "course" / "twins" / f"{file}.npz"
    assert path.stat().st_size < 300_000
    model, image, logits = package.load_twin(path)
    x = image.astype(np.float32) / 255
    if package is torch_twin:
        x = twins.torch.from_numpy(x).permute(0, 3, 1, 2)
        ours = model(x).detach().permute(0, 2, 3, 1).numpy()
    else:
        ours = model(x, training=False).numpy()
    assert ours.shape == logits.shape
    assert np.ptp(logits) > 1  # it has learnt something
    np.testing.assert_allclose(ours, logits, atol=1e-4)


def test_files_of_any_network_can_be_written(tmp_path):
    images, masks = scenes(range(8), [0], height=32, width=64)
    twins.write_lesson_files("fcn16", {"width": 2}, tmp_path, images, masks, steps=5)
    model, image, logits = torch_twin.load_twin(tmp_path / "fcn16_from_keras.npz")
    ours = model(twins.tensor(image)).detach().permute(0, 2, 3, 1)
    np.testing.assert_allclose(ours, logits, atol=1e-4)
    model, image, logits = keras_twin.load_twin(tmp_path / "fcn16_from_pytorch.npz")
    np.testing.assert_allclose(model(image / np.float32(255)), logits, atol=1e-4)
    assert max(file.stat().st_size for file in tmp_path.iterdir()) < 300_000


@pytest.mark.parametrize("package", ["pytorch", "keras"])
def test_a_lesson_loads_one_framework_alone(package, repo):
    program = (
        f"import sys, json; from helpers.{package} import unet, losses, train, predict, twin;"
        f"twin.load_twin('course/twins/unet_from_keras.npz');"
        "print(json.dumps([m for m in ('torch', 'keras', 'tensorflow') if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo, capture_output=True, text=True, check=True
    )
    loaded = ["torch"] if package == "pytorch" else ["keras", "tensorflow"]
    assert json.loads(done.stdout) == loaded
    assert done.stderr == ""
