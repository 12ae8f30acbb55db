"""Networks of keras-unet-collection, some on encoders of keras.applications: what is read of them
is what was built."""

import math

import pytest

from helpers import architecture, graph
from helpers.export import export
from tests.reading import assert_read

SHAPE, WIDTHS = (96, 128, 3), [8, 16, 32, 64]
DOWN, UP = [0, 1, 2, 3], [2, 1, 0]
SKIPS = [(2, "concat", 32, 32), (1, "concat", 16, 16), (0, "concat", 8, 8)]
# attention: maps of the encoder and from below are first added, half as many, to weigh the former
GATED = [(2, "add", 16, 16), (2, "concat", 32, 64), (1, "add", 8, 8), (1, "concat", 16, 32)]
GATED += [(0, "add", 4, 4), (0, "concat", 8, 16)]

# builder, its options, and the resolutions on the way down and up again with the skips
NETWORKS = {
    "unet": ("unet_2d", {}, DOWN, UP, SKIPS),
    "strides": ("unet_2d", {"pool": False, "unpool": False}, DOWN, UP, SKIPS),
    "recurrent": ("r2_unet_2d", {}, DOWN, UP, SKIPS),
    "attention": ("att_unet_2d", {}, DOWN, UP, GATED),
    "VGG16": (
        *("unet_2d", {"backbone": "VGG16", "weights": None}, DOWN, UP),
        [(2, "concat", 256, 32), (1, "concat", 128, 16), (0, "concat", 64, 8)],
    ),
    "ResNet50": (
        *("unet_2d", {"backbone": "ResNet50", "weights": None}, [1, 2, 3], UP),
        [(2, "concat", 256, 32), (1, "concat", 64, 16)],
    ),
    "EfficientNetB0": (
        *("unet_2d", {"backbone": "EfficientNetB0", "weights": None}, [1, 2, 3], UP),
        [(2, "concat", 144, 32), (1, "concat", 96, 16)],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_read_is_what_they_built(name, tmp_path, monkeypatch):
    models = pytest.importorskip("keras_unet_collection.models", reason="make test installs it")
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)
    builder, options, down, up, skips = NETWORKS[name]
    model = getattr(models, builder)(
        SHAPE, WIDTHS, 13, batch_norm=True, output_activation=None, **options
    )
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    assert_read(found, down, up, skips)
    assert found.output == (1, 96, 128, 13)
    assert (found.dense, found.dilation, found.parameters) == (0, 1, folded(model))


def folded(model) -> int:
    """The parameters when batch norm is folded away: weights, and one bias for each map."""
    from keras import layers

    turned = (layers.Conv2DTranspose, layers.DepthwiseConv2D)  # the maps come third, not last
    kernels = {
        layer: layer.kernel.shape
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, (layers.Conv2D, *turned))
    }
    maps = {layer: shape[2 if isinstance(layer, turned) else 3] for layer, shape in kernels.items()}
    return sum(math.prod(shape) + maps[layer] for layer, shape in kernels.items())
