import keras
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.keras import pspnet as keras_pspnet
from helpers.pytorch import pspnet
from tests.smp import part


@pytest.mark.parametrize("side", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("size", [(12, 16), (6, 8), (3, 4), (7, 11)])
def test_averages_are_those_of_pytorch_in_both_frameworks(side, size):
    x = torch.rand(2, 5, *size)
    expected = nn.AdaptiveAvgPool2d(side)(x)
    torch.testing.assert_close(pspnet.average(x, side), expected)
    theirs = keras_pspnet.Average(side)(x.permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(theirs, expected.permute(0, 2, 3, 1), atol=1e-6)


def test_averages_of_maps_whose_size_is_not_known_yet():
    image = keras.Input((None, None, 5))
    model = keras.Model(image, keras_pspnet.Average(3)(image))
    x = np.random.default_rng(0).random((2, 7, 11, 5), np.float32)
    np.testing.assert_allclose(model.predict(x, verbose=0), model(x), atol=1e-6)


def test_the_pyramid_is_that_of_segmentation_models_pytorch(monkeypatch):
    part("base.modules")
    theirs = part("decoders.pspnet.decoder").PSPModule(in_channels=64).eval()
    # it alone sets the corners of enlarged maps on the corners of the others
    enlarge = F.interpolate
    monkeypatch.setattr(F, "interpolate", lambda x, **how: enlarge(x, **how | dict.fromkeys(
        ["align_corners"], False)))  # fmt: skip
    torch.manual_seed(0)
    ours = pspnet.pspnet(13, 4).eval()
    for block, other in zip(ours.pyramid, theirs.blocks, strict=True):
        conv, norm, _ = other.pool[1]
        block.conv.load_state_dict(conv.state_dict())
        if hasattr(block, "norm"):
            nn.init.uniform_(norm.running_mean)
            nn.init.uniform_(norm.weight)
            block.norm.load_state_dict(norm.state_dict())
    x = torch.rand(2, 3, 96, 128)
    seen = []
    ours.mix.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        ours(x)
        expected = theirs(ours.encoder(x)[-1])
    bins, maps = expected.split(64, dim=1)  # theirs come first
    torch.testing.assert_close(seen[0], torch.cat([maps, bins], dim=1))


def test_every_pixel_knows_of_the_whole_image():
    torch.manual_seed(0)
    model = pspnet.pspnet(13, 4).eval()
    x = torch.rand(1, 3, 384, 512, requires_grad=True)
    model(x)[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, -8:, -8:].abs().max() > 0
    for parameter in model.pyramid.parameters():
        nn.init.zeros_(parameter)
    x.grad = None
    model(x)[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, -8:, -8:].abs().max() == 0  # without the pyramid it does not


@pytest.mark.parametrize("network", [pspnet.pspnet, keras_pspnet.pspnet])
def test_a_size_that_does_not_fit_is_named(network):
    image = np.zeros((1, 100, 128, 3), np.float32)
    image = torch.from_numpy(image).permute(0, 3, 1, 2) if network is pspnet.pspnet else image
    with pytest.raises(ValueError, match="100×128.*divisible by 8.*104×128"):
        network(13, 4)(image)
    with pytest.raises(ValueError, match="output_stride is 4; it can be 8, 16 or 32"):
        network(13, 4, output_stride=4)


def test_one_image_is_enough_to_train_on():
    model = pspnet.pspnet(13, 4).train()  # batch norm on a single value would raise
    assert model(torch.rand(1, 3, 32, 48)).shape == (1, 13, 32, 48)


def test_a_saved_keras_model_loads(tmp_path):
    model = keras_pspnet.pspnet(3, 4, bins=(1, 3))
    model.save(tmp_path / "pspnet.keras")
    again = keras.saving.load_model(tmp_path / "pspnet.keras")
    x = np.random.default_rng(0).random((1, 32, 40, 3), np.float32)
    np.testing.assert_array_equal(again(x), model(x))
