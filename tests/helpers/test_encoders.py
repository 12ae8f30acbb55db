"""The encoders are the networks of torchvision and, as far as those are the same, Keras' own."""

import keras
import numpy as np
import pytest
import torch
from torch import nn

from helpers.keras import encoder as keras_encoder
from helpers.keras import twin as keras_twin
from helpers.pytorch import twin as torch_twin
from helpers.pytorch.encoder import ENCODERS, make_encoder
from helpers.pytorch.layers import Standardize
from tests import torchvision_models

# the published number of parameters, and those of the layers that name the classes of ImageNet
PARAMETERS = {
    "resnet18": 11_689_512 - (512 + 1) * 1000,
    "resnet50": 25_557_032 - (2048 + 1) * 1000,
    "mobilenet_v2": 3_504_872 - (1280 + 1) * 1000,
    "vgg16": 138_357_544 - (25_088 + 1) * 4096 - (4096 + 1) * 4096 - (4096 + 1) * 1000,
}
RESNET = ("relu", "layer1", "layer2", "layer3", "layer4")
TAPS = {
    "resnet18": RESNET,
    "resnet50": RESNET,
    "mobilenet_v2": [f"features.{i}" for i in (1, 3, 6, 13, 18)],
    "vgg16": [f"features.{i}" for i in (3, 8, 15, 22, 29, 30)],
}
"""The layers of torchvision that give the maps, level by level."""


def draw_norms(model: nn.Module) -> None:
    """Scales, shifts and statistics as if the model had learnt something."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                nn.init.normal_(tensor, 0, 0.2)


def in_keras(name: str, output_stride: int = 32) -> keras.Model:
    """The encoder alone."""
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras_encoder.make_encoder(image, name, 16, output_stride))


def carry(encoder: nn.Module, model: keras.Model) -> None:
    weights = torch_twin.get_weights(nn.ModuleDict({"encoder": encoder}))
    keras_twin.set_weights(model, weights)


def test_both_frameworks_have_the_same_encoders():
    assert list(ENCODERS) == list(keras_encoder.ENCODERS) == list(TAPS)


@pytest.mark.parametrize("name", ENCODERS)
def test_parameters_are_as_many_as_published(name):
    assert sum(p.numel() for p in make_encoder(name, 16).parameters()) == PARAMETERS[name]
    model = in_keras(name)
    assert sum(v.numpy().size for v in model.trainable_variables) == PARAMETERS[name]


@pytest.mark.parametrize("name", ENCODERS)
def test_maps_are_those_of_torchvision_in_both_frameworks(name):
    torch.manual_seed(0)
    theirs = getattr(torchvision_models.models(), name)(weights=None).eval()
    draw_norms(theirs)
    ours = make_encoder(name, 16).eval()
    state = theirs.state_dict()
    ours.load_state_dict({k: v for k, v in state.items() if not k.startswith(("fc", "classifier"))})
    model = in_keras(name)
    carry(ours, model)

    expected = []
    for tap in TAPS[name]:
        layer = theirs.get_submodule(tap)
        layer.register_forward_hook(lambda _, __, maps: expected.append(maps.clone()))
    image = torch.rand(2, 3, 96, 128)
    with torch.no_grad():
        theirs(Standardize()(image))
        maps = ours(image)
    assert [x.shape[1] for x in maps] == list(ours.widths)
    if name != "vgg16":  # where nothing was computed yet, the first maps are the image
        expected.insert(0, image)
    in_tensorflow = model(image.permute(0, 2, 3, 1).numpy(), training=False)
    for mine, keras_maps, other in zip(maps, in_tensorflow, expected, strict=True):
        assert other.std() > 0.01
        last_digits = 1e-5 * other.abs().max().item()
        torch.testing.assert_close(mine, other, rtol=0, atol=last_digits)
        np.testing.assert_allclose(keras_maps, other.permute(0, 2, 3, 1), atol=last_digits)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_image_of_the_mean_colour_is_nothing_to_it(name):
    model = make_encoder(name, 16).eval()
    image = Standardize().mean.expand(1, 3, 32, 32).contiguous()
    if name == "vgg16":
        for layer in model.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.bias)
    maps = [x for x in model(image) if x.shape[1] > 3]
    assert all(grey.abs().max() == 0 for grey in maps)
    other = in_keras(name)(image.permute(0, 2, 3, 1).numpy(), training=False)
    assert max(np.abs(grey).max() for grey in other if grey.shape[-1] > 3) < 1e-5


@pytest.mark.parametrize("output_stride", [8, 16])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2"])
def test_dilation_keeps_what_halving_gives_at_every_other_pixel(name, output_stride):
    """Not so in VGG: where its pooling is left out, its maxima are too."""
    torch.manual_seed(0)
    coarse, fine = (make_encoder(name, 16, stride).eval() for stride in (32, output_stride))
    draw_norms(coarse)
    fine.load_state_dict(coarse.state_dict())
    with torch.no_grad():
        *_, few = coarse(image := torch.rand(1, 3, 96, 128))
        *_, many = fine(image)
    step = 32 // output_stride
    assert many.shape[2:] == (96 // output_stride, 128 // output_stride)
    torch.testing.assert_close(many[..., ::step, ::step], few, rtol=0, atol=1e-5)
    model = in_keras(name, output_stride)
    carry(fine, model)
    *_, many = model(image.permute(0, 2, 3, 1).numpy(), training=False)
    few = few.permute(0, 2, 3, 1)
    np.testing.assert_allclose(many[:, ::step, ::step], few, rtol=0, atol=1e-4)


def test_vgg_keeps_its_maps_as_large_as_asked():
    sides = [x.shape[2] for x in make_encoder("vgg16", 16, 8)(torch.rand(1, 3, 32, 32))]
    assert sides == [32, 16, 8, 4, 4, 4]
    model = make_encoder("vgg16", 16, 8)
    assert [model.features[i].dilation[0] for i in (21, 24, 28)] == [1, 2, 2]


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2"])
def test_a_residual_block_begins_as_nothing(name):
    block = {
        "resnet18": lambda model: model.layer2[1],
        "resnet50": lambda model: model.layer2[1],
        "mobilenet_v2": lambda model: model.features[3],
    }[name](make_encoder(name, 16))
    x = torch.rand(2, *{"resnet18": (128,), "resnet50": (512,), "mobilenet_v2": (24,)}[name], 6, 6)
    torch.testing.assert_close(block(x), x)
    last = {
        "resnet18": "layer2_1_bn2",
        "resnet50": "layer2_1_bn3",
        "mobilenet_v2": "features_3_conv_3",
    }[name]
    assert not np.any(in_keras(name).get_layer(f"encoder_{last}").gamma)


# ---- keras.applications ----------------------------------------------------------------------


def layers(model: keras.Model) -> list:
    kinds = keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.BatchNormalization
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def transplant(ours: list, theirs: list, flip: bool = False) -> None:
    """Draws weights and statistics, and puts them in both; ours have no bias before a norm, and
    another epsilon."""
    rng = np.random.default_rng(0)
    bias = 0
    for target, source in zip(ours, theirs, strict=True):
        if isinstance(source, keras.layers.BatchNormalization):
            shape = source.gamma.shape
            scale, variance = rng.uniform(0.5, 1.5, (2, *shape))
            shift, mean = rng.normal(0, 0.2, (2, *shape))
            source.set_weights([scale, shift, mean, variance])
            variance += source.epsilon - target.epsilon
            target.set_weights([scale, shift, mean - bias, variance])
            bias = 0
        else:
            kernel = source.kernel.numpy()
            arrays = [kernel[::-1, ::-1] if flip else kernel]
            if source.use_bias:
                bias = rng.normal(0, 0.2, source.bias.shape)
                source.bias.assign(bias)
                arrays += [bias] if target.use_bias else []
            target.set_weights(arrays)


def their_maps(model: keras.Model, names: list[str], image) -> list[np.ndarray]:
    part = keras.Model(model.input, [model.get_layer(name).output for name in names])
    scaled = Standardize()(torch.from_numpy(image).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return [x.numpy() for x in part(scaled.numpy(), training=False)]


IMAGE = np.random.default_rng(1).random((2, 96, 128, 3), np.float32)


def test_vgg16_of_keras_has_the_same_maps():
    theirs, ours = keras.applications.VGG16(include_top=False, weights=None), in_keras("vgg16")
    transplant(layers(ours), layers(theirs))
    names = ["block1_conv2", "block2_conv2", *(f"block{i}_conv3" for i in (3, 4, 5)), "block5_pool"]
    expected = their_maps(theirs, names, IMAGE)
    for maps, other in zip(ours(IMAGE), expected, strict=True):
        np.testing.assert_allclose(maps, other, rtol=0, atol=1e-4)


def test_mobilenet_v2_of_keras_has_the_same_maps_in_a_mirror():
    """Where theirs halves the maps it pads at the lower right edge alone, and ours at all edges, of
    which those at the upper left count: with image and kernels turned by 180° they are the same."""
    theirs = keras.applications.MobileNetV2(
        input_shape=(96, 128, 3), include_top=False, weights=None
    )
    ours = in_keras("mobilenet_v2")
    transplant(layers(ours), layers(theirs), flip=True)
    ends = ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "out_relu")
    expected = their_maps(theirs, list(ends), IMAGE[:, ::-1, ::-1].copy())
    for maps, other in zip(ours(IMAGE, training=False)[1:], expected, strict=True):
        np.testing.assert_allclose(maps, other[:, ::-1, ::-1], rtol=0, atol=1e-4)


def test_resnet50_of_keras_begins_with_the_same_maps():
    """Theirs halves the maps in the 1×1 convolution before the 3×3 one, so that the blocks which
    halve, from the fourth on, are others. Up to there they are the same, but for biases in front of
    norms; and it has as many weights."""
    theirs, ours = (
        keras.applications.ResNet50(include_top=False, weights=None),
        in_keras("resnet50"),
    )
    kernels = [
        sorted(tuple(layer.kernel.shape) for layer in layers(model) if hasattr(layer, "kernel"))
        for model in (ours, theirs)
    ]
    assert kernels[0] == kernels[1]

    pairs = {"conv1_conv": "conv1", "conv1_bn": "bn1"}
    for i in (1, 2, 3):
        for j in (1, 2, 3):
            pairs[f"conv2_block{i}_{j}_conv"] = f"layer1_{i - 1}_conv{j}"
            pairs[f"conv2_block{i}_{j}_bn"] = f"layer1_{i - 1}_bn{j}"
    pairs["conv2_block1_0_conv"] = "layer1_0_downsample_0"
    pairs["conv2_block1_0_bn"] = "layer1_0_downsample_1"
    transplant(
        [ours.get_layer(f"encoder_{name}") for name in pairs.values()],
        [theirs.get_layer(name) for name in pairs],
    )
    expected = their_maps(theirs, ["conv1_relu", "conv2_block3_out"], IMAGE)
    for maps, other in zip(ours(IMAGE, training=False)[1:3], expected, strict=True):
        np.testing.assert_allclose(maps, other, rtol=0, atol=1e-4)
