from itertools import pairwise

import keras
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from helpers.keras.fcn import fcn as keras_fcn
from helpers.pytorch.encoder import Encoder
from helpers.pytorch.fcn import fcn


def test_parameters_are_those_of_the_plan():
    widths = [16, 32, 64, 128, 256, 256]
    encoder = sum(9 * a * b + 9 * b * b + 4 * b for a, b in pairwise([3, *widths]))
    scores = [13 * width + 13 for width in (256, 256, 128)]
    up = 4 * 4 * 13 * 13
    for stride, steps in {32: 0, 16: 1, 8: 2}.items():
        count = sum(p.numel() for p in fcn(13, stride=stride).parameters())
        assert count == encoder + sum(scores[: steps + 1]) + steps * up
        keras_count = sum(v.numpy().size for v in keras_fcn(13, stride=stride).trainable_variables)
        assert keras_count == count


def test_up_sampling_begins_as_bilinear_interpolation():
    (up,) = fcn(5, 4, stride=16).up
    x = torch.rand(1, 5, 6, 8)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    # at the edges the interpolation repeats the last pixel, and the kernel meets zeros
    torch.testing.assert_close(up(x)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    ours, theirs = up.weight.detach().permute(2, 3, 1, 0), keras_fcn(5, 4, 16).get_layer("up_0")
    np.testing.assert_array_equal(theirs.kernel, ours)


def test_finer_strides_add_detail():
    """FCN-32s can give nothing but what a map of one pixel for 32 × 32 interpolates to."""
    x = torch.rand(1, 3, 96, 128)
    for stride in (32, 16, 8):
        torch.manual_seed(0)
        with torch.no_grad():
            logits = fcn(13, 4, stride).eval()(x)
        assert logits.shape == (1, 13, 96, 128)
        # pixels in the centres between two rows lie halfway, except where a coarse pixel begins
        bends = (logits[..., 2:, :] - 2 * logits[..., 1:-1, :] + logits[..., :-2, :]).abs()
        bent = {row + 1 for row in range(94) if bends[0, :, row].max() > 1e-5}
        assert {row % stride for row in bent} == {stride // 2 - 1, stride // 2}


def test_all_levels_learn():
    model = fcn(13, 4)
    model(torch.rand(2, 3, 64, 96)).square().mean().backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())


@pytest.mark.parametrize("network", [fcn, keras_fcn])
def test_what_does_not_fit_is_named(network):
    with pytest.raises(ValueError, match="stride is 4; it can be 32, 16 or 8"):
        network(13, stride=4)
    with pytest.raises(
        ValueError, match="'vgg'; it can be plain, resnet18, resnet50, mobilenet_v2, vgg16"
    ):
        network(13, encoder="vgg")
    image = np.zeros((1, 100, 128, 3), np.float32)
    image = torch.from_numpy(image).permute(0, 3, 1, 2) if network is fcn else image
    with pytest.raises(ValueError, match="100×128.*divisible by 32.*128×128"):
        network(13, 4)(image)


def test_a_saved_keras_model_loads(tmp_path):
    model = keras_fcn(3, 4, 16)
    model.save(tmp_path / "fcn.keras")
    again = keras.saving.load_model(tmp_path / "fcn.keras")
    x = np.random.default_rng(0).random((1, 32, 64, 3), np.float32)
    np.testing.assert_array_equal(again(x), model(x))


def test_dilation_sees_as_much_as_halving_with_the_same_weights():
    """The dilated encoder gives, at every second pixel, what the halving one gives everywhere."""
    torch.manual_seed(0)
    coarse, fine = Encoder(4, 32).eval(), Encoder(4, 16).eval()
    fine.load_state_dict(coarse.state_dict())
    x = torch.rand(1, 64, 12, 16)
    with torch.no_grad():
        torch.testing.assert_close(fine[5](x)[..., ::2, ::2], coarse[5](x[..., ::2, ::2]))
