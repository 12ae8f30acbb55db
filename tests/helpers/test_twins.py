"""The one test that loads both frameworks: it shows that each network is one network."""

import json
import subprocess
import sys

import numpy as np
import pytest

from helpers import twins
from helpers.keras import losses as keras_losses
from helpers.keras import twin as keras_twin
from helpers.keras.train import train as train_keras
from helpers.pytorch import losses as torch_losses
from helpers.pytorch import twin as torch_twin
from helpers.streets import scenes

IMAGES, MASKS = scenes(range(4), range(0, 40, 10), height=48, width=64)


@pytest.mark.parametrize("options", twins.OPTIONS, ids=str)
def test_weights_of_pytorch_give_the_same_network_in_keras(options):
    row = twins.measure(options, IMAGES, MASKS)
    assert row["max_logit_difference"] < 1e-4
    assert row["max_gradient_difference"] < 1e-3
    assert row["onnx_difference"] < 1e-4


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
def test_weights_of_keras_give_the_same_network_in_pytorch(up):
    options = {"width": 4, "depth": 3, "up": up}
    keras_model = twins.keras_unet(13, **options)
    train_keras(keras_model, IMAGES, MASKS, steps=15, progress=False)
    means = keras_model.get_layer("down_0_norm1").moving_mean.numpy()
    assert np.abs(means).min() > 1e-4  # the statistics were really trained
    torch_model = twins.torch_unet(13, **options)
    twins.to_torch(keras_model, torch_model)
    assert twins.compare(torch_model, keras_model, IMAGES, MASKS)["max_logit_difference"] < 1e-4
    # and back again: nothing is lost on the way
    again = twins.keras_unet(13, **options)
    twins.to_keras(torch_model, again)
    for before, after in zip(keras_model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_networks_that_differ_are_not_mixed():
    with pytest.raises(ValueError, match="only one of them has down_2_conv1.kernel"):
        twins.to_keras(twins.torch_unet(13, 4, 3), twins.keras_unet(13, 4, 2))


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
    "package, file", [(torch_twin, "unet_from_keras"), (keras_twin, "unet_from_pytorch")]
)
def test_the_files_of_the_lessons_open_in_the_other_framework(package, file, repo):
    path = repo / "course" / "twins" / f"{file}.npz"
    assert path.stat().st_size < 200_000
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
