import keras
import numpy as np
import pytest
import torch
from torch import nn

from helpers.keras import deeplab as keras_deeplab
from helpers.pytorch import deeplab
from tests.smp import part

BOTH = ["deeplabv3", "deeplabv3plus"]


def transplant(ours: nn.Sequential, theirs: nn.Module) -> None:
    """Copies convolutions in the order in which they stand, and random batch-norm statistics."""

    def layers(module):
        return [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]

    for target, source in zip(layers(ours), layers(theirs), strict=True):
        if isinstance(source, nn.BatchNorm2d):
            for tensor in (source.weight, source.bias, source.running_mean, source.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
        target.load_state_dict(source.state_dict())


@pytest.mark.parametrize("separable", [False, True])
def test_the_pyramid_is_that_of_segmentation_models_pytorch(separable):
    torch.manual_seed(0)
    ours = deeplab.ASPP(32, 8, (2, 4, 6), separable).eval()
    theirs = part("decoders.deeplabv3.decoder").ASPP(32, 8, (2, 4, 6), separable, 0.0).eval()
    point, *dilated, pooled = theirs.convs
    transplant(ours.point, point)
    for target, source in zip(ours.dilated, dilated, strict=True):
        transplant(target, source)
    transplant(ours.mix, theirs.project)
    # their batch norm of the image's mean, folded into our convolution
    _, conv, norm, _ = pooled
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(tensor, 0.5, 1.5)
    x = torch.rand(2, 32, 12, 16)
    with torch.no_grad():
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        ours.image.conv.weight.copy_(conv.weight * factor[:, None, None, None])
        ours.image.conv.bias.copy_(norm.bias - norm.running_mean * factor)
        torch.testing.assert_close(ours(x), theirs(x))


def test_the_decoder_is_that_of_segmentation_models_pytorch():
    """Theirs enlarges with the corners on the corners, has 48 maps of the low level behind the
    others, and one separable convolution of the two after the ASPP in place of after the joint."""
    torch.manual_seed(0)
    ours = deeplab.deeplabv3plus(13, 48).eval()
    decoder = part("decoders.deeplabv3.decoder").DeepLabV3PlusDecoder
    theirs = decoder([3, 48, 192, 384, 768, 768], 5, 192, (1, 2, 3), 16, True, 0.0).eval()
    theirs.up.align_corners = False
    theirs.aspp = ours.aspp
    transplant(ours.low, theirs.block1)
    transplant(ours.join1, theirs.block2)
    ours.join2 = nn.Identity()
    ours.head = nn.Identity()
    depthwise, pointwise = ours.join1.depthwise, ours.join1.pointwise
    order = [*range(192, 240), *range(192)]  # our low level comes first
    with torch.no_grad():
        depthwise.weight.copy_(depthwise.weight[order])
        pointwise.weight.copy_(pointwise.weight[:, order])
        image = torch.rand(1, 3, 64, 96)
        expected = theirs(ours.encoder(image))
        seen = []
        ours.head.register_forward_hook(lambda _, __, out: seen.append(out))
        ours(image)
    torch.testing.assert_close(seen[0], expected)


@pytest.mark.parametrize("name", BOTH)
def test_rates_follow_the_output_stride(name):
    def dilations(output_stride, **rates):
        model = getattr(deeplab, name)(13, 4, output_stride, **rates)
        return [
            next(m.dilation[0] for m in block.modules() if isinstance(m, nn.Conv2d))
            for block in model.aspp.dilated
        ]

    assert dilations(16) == [1, 2, 3]
    assert dilations(8) == [2, 4, 6]
    assert dilations(8, rates=(6, 12, 18)) == [12, 24, 36]


def test_kernels_wider_than_the_maps_see_with_their_centres_alone():
    model = deeplab.deeplabv3(13, 4, rates=(18,)).eval()
    x = torch.rand(1, 64, 12, 16)
    conv = model.aspp.dilated[0].conv
    with torch.no_grad():
        centre = nn.functional.conv2d(x, conv.weight[:, :, 1:2, 1:2])
        torch.testing.assert_close(conv(x), centre)


def test_a_separable_convolution_is_a_full_one_of_products():
    layer = deeplab.separable_conv(6, 5, dilation=2)
    kernel = torch.einsum("cij,oc->ocij", layer.depthwise.weight[:, 0], layer.pointwise.weight[
        :, :, 0, 0])  # fmt: skip
    x = torch.rand(2, 6, 9, 11)
    with torch.no_grad():
        full = nn.functional.conv2d(x, kernel, padding=2, dilation=2)
        torch.testing.assert_close(layer.pointwise(layer.depthwise(x)), full)
    weights = layer.depthwise.weight.numel() + layer.pointwise.weight.numel()
    assert (weights, kernel.numel()) == (9 * 6 + 6 * 5, 9 * 6 * 5)


@pytest.mark.parametrize("name", BOTH)
def test_kernels_have_the_spread_of_he_in_both_frameworks(name):
    keras.utils.set_random_seed(0)
    torch.manual_seed(0)
    ours, theirs = (getattr(package, name)(13) for package in (deeplab, keras_deeplab))
    kernels = {
        "aspp_mix_conv": (ours.aspp.mix.conv, (2 / 320) ** 0.5),
        "encoder_5_conv2": (ours.encoder[5].conv2, (2 / (9 * 256)) ** 0.5),
    }
    if name == "deeplabv3plus":
        kernels["join1_depthwise"] = (ours.join1.depthwise, (2 / 9) ** 0.5)
    for layer, (module, spread) in kernels.items():
        assert module.weight.std().item() == pytest.approx(spread, rel=0.1)
        assert theirs.get_layer(layer).kernel.numpy().std() == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize("package", [deeplab, keras_deeplab])
@pytest.mark.parametrize("name", BOTH)
def test_what_does_not_fit_is_named(package, name):
    network = getattr(package, name)
    image = np.zeros((1, 100, 128, 3), np.float32)
    image = torch.from_numpy(image).permute(0, 3, 1, 2) if package is deeplab else image
    with pytest.raises(ValueError, match="100×128.*divisible by 8.*104×128"):
        network(13, 4, output_stride=8)(image)
    with pytest.raises(ValueError, match="output_stride is 4; it can be 8, 16 or 32"):
        network(13, 4, output_stride=4)


@pytest.mark.parametrize("name", BOTH)
def test_one_image_is_enough_to_train_on(name):
    model = getattr(deeplab, name)(13, 4).train()  # batch norm on a single value would raise
    assert model(torch.rand(1, 3, 32, 48)).shape == (1, 13, 32, 48)


@pytest.mark.parametrize("name", BOTH)
def test_a_saved_keras_model_loads(name, tmp_path):
    model = getattr(keras_deeplab, name)(3, 4)
    model.save(tmp_path / "deeplab.keras")
    again = keras.saving.load_model(tmp_path / "deeplab.keras")
    x = np.random.default_rng(0).random((1, 32, 48, 3), np.float32)
    np.testing.assert_array_equal(again(x), model(x))
