from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from helpers.pytorch import losses, unet
from helpers.pytorch.layers import double_conv
from helpers.pytorch.predict import predict, predict_masks


def expected_parameters(classes, width, depth, up, norm):
    """Counted from the paper's figure, level by level."""

    def block(before, after):
        weights = 9 * before * after + 9 * after * after
        return weights + (4 * after if norm else 2 * after)  # scale and shift, or one bias

    widths = [width * 2**i for i in range(depth + 1)]
    down = sum(block(a, b) for a, b in pairwise([3, *widths]))
    kernel = 4 if up == "transposed" else 1
    up_steps = sum(kernel * b * a + a for a, b in pairwise(widths))
    joins = sum(block(2 * a, a) for a in widths[:-1])
    return down + up_steps + joins + width * classes + classes


@pytest.mark.parametrize("up", ["transposed", "bilinear"])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("width, depth", [(16, 4), (8, 3)])
def test_parameters_are_those_of_the_formula(width, depth, up, norm):
    model = unet.unet(13, width, depth, up=up, norm=norm)
    count = sum(p.numel() for p in model.parameters())
    assert count == expected_parameters(13, width, depth, up, norm)


def test_the_course_network_has_1_942_781_parameters():
    assert sum(p.numel() for p in unet.unet(13).parameters()) == 1_942_781


def test_parameters_are_those_that_were_published():
    """Of three widely copied Keras networks, by what differs from ours."""

    def count(*parts):
        return sum(p.numel() for part in parts for p in part.parameters())

    with torch.device("meta"):
        # 64 to 1024 channels for grey images; two more layers in the place of the head
        large = unet.unet(1, 64, channels=1, up="nearest", norm=False)
        head = nn.Conv2d(64, 2, 3), nn.Conv2d(2, 1, 1)
        assert count(large) - count(large.head) + count(*head) == 31_031_685
        # 16 to 256 channels; 3×3 kernels in the transposed convolutions, where ours are 2×2
        small = unet.unet(1, 16, channels=1, norm=False)
        wider = sum((9 - 4) * 2 * c * c for c in (16, 32, 64, 128))
        assert count(small) + wider == 2_158_417
        # three levels and 51 classes; what comes up is only enlarged before it meets the skip
        blocks = [(3, 32), (32, 64), (64, 128), (128 + 64, 64), (64 + 32, 32)]
        tiny = [double_conv(before, after, norm=False) for before, after in blocks]
        assert count(*tiny, nn.Conv2d(32, 51, 1)) == 473_203


def test_without_padding_the_sizes_are_those_of_the_paper():
    model = unet.unet(2, 4, channels=1, padding="valid", norm=False).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 1, 572, 572)).shape == (1, 2, 388, 388)
        assert model(torch.zeros(1, 1, 188, 204)).shape == (1, 2, 4, 20)  # the smallest height
    with pytest.raises(ValueError, match="96×200.*multiple of 16 less 4, and 188.*188×204"):
        model(torch.zeros(1, 1, 96, 200))


@pytest.mark.parametrize("up", ["transposed", "bilinear", "nearest"])
def test_without_padding_the_middle_is_as_with_padding(up):
    """Far from the edges, where no pixel has seen any padding, the two are one network."""
    torch.manual_seed(0)
    same, valid = (unet.unet(5, 4, 1, up=up, padding=padding) for padding in ("same", "valid"))
    valid.load_state_dict(same.state_dict())
    x = torch.rand(1, 3, 60, 68)
    with torch.no_grad():
        a, b = same.eval()(x), valid.eval()(x)
    assert b.shape == (1, 5, 44, 52)
    torch.testing.assert_close(a[:, :, 12:-12, 12:-12], b[:, :, 4:-4, 4:-4])


def test_an_unknown_padding_is_named():
    with pytest.raises(ValueError, match="'reflect'.*same.*valid"):
        unet.unet(13, padding="reflect")


def test_a_size_that_cannot_be_halved_is_named_with_one_that_fits():
    with pytest.raises(ValueError, match="100×130.*divisible by 16.*112×144"):
        unet.unet(13, 4)(torch.zeros(1, 3, 100, 130))
    assert unet.unet(13, 4, depth=1)(torch.zeros(1, 3, 100, 130)).shape == (1, 13, 100, 130)


def test_an_unknown_up_sampling_is_named():
    with pytest.raises(ValueError, match="'cubic'.*transposed.*bilinear.*nearest"):
        unet.unet(13, up="cubic")


def test_bilinear_and_1x1_convolution_may_change_places():
    from helpers.pytorch.layers import upsample

    layer = upsample(6, 3, "bilinear")
    x = torch.randn(2, 6, 5, 7)
    torch.testing.assert_close(layer(x), layer.conv(layer.resize(x)))


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    model, x = unet.unet(3, 4, 2, norm=False, dropout=0.5), torch.rand(1, 3, 16, 16)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_kernels_have_the_spread_of_he():
    torch.manual_seed(0)
    model = unet.unet(13)
    kernel = model.bottom.conv2.weight
    assert kernel.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
    assert all((m.bias == 0).all() for m in model.modules() if isinstance(m, nn.ConvTranspose2d))


def logits_and_masks():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 4, (2, 6, 5)).astype(np.uint8)  # class 4 is absent
    masks[0, :2] = 255
    return rng.normal(size=(2, 5, 6, 5)), masks


def test_cross_entropy_is_the_mean_over_the_pixels_that_count():
    logits, masks = logits_and_masks()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    values = [
        -np.log(p[n, masks[n, i, j], i, j])
        for n, i, j in np.ndindex(masks.shape)
        if masks[n, i, j] != 255
    ]
    loss = losses.cross_entropy(torch.tensor(logits), torch.from_numpy(masks))
    assert loss.item() == pytest.approx(np.mean(values), rel=1e-6)


def test_soft_dice_is_over_the_batch_and_the_classes_present():
    logits, masks = logits_and_masks()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    counted = masks != 255
    dice = []
    for c in range(4):
        t = masks == c
        dice.append(2 * p[:, c][t].sum() / (p[:, c][counted].sum() + t.sum()))
    loss = losses.soft_dice(torch.tensor(logits), torch.from_numpy(masks))
    assert loss.item() == pytest.approx(1 - np.mean(dice), rel=1e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "soft_dice", "cross_entropy_dice"])
def test_ignored_pixels_change_nothing_and_get_no_gradient(name):
    logits, masks = logits_and_masks()
    loss = getattr(losses, name)
    x = torch.tensor(logits, requires_grad=True)
    value = loss(x, torch.from_numpy(masks))
    value.backward()
    assert (x.grad[0, :, :2] == 0).all() and (x.grad[0, :, 2:] != 0).any()
    logits[0, :, :2] += 7
    assert loss(torch.tensor(logits), torch.from_numpy(masks)).item() == pytest.approx(value.item())
    all_ignored = torch.full((2, 6, 5), 255)
    assert loss(torch.tensor(logits), all_ignored).item() == 0


def test_prediction_is_in_numpy_by_any_batch_size():
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 32, 3), np.uint8)
    model = unet.unet(4, 4, 2).train()
    p = predict(model, images, batch=2)
    assert model.training
    assert p.shape == (5, 16, 32, 4) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(predict(model, images, batch=5), p, atol=1e-5)
    masks = predict_masks(model, images, batch=2)
    assert masks.dtype == np.uint8
    np.testing.assert_array_equal(masks, p.argmax(-1))
