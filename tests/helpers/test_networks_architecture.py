"""The networks of the course, read from their ONNX files; `test_twins` shows that Keras' agree."""

import numpy as np
import onnxruntime
import pytest
import torch

from helpers import architecture, graph
from helpers.export import export
from helpers.pytorch.networks import NETWORKS
from tests.reading import assert_read, folded

# Resolutions on the way down and up again, as halvings of the image; skips as (level, kind,
# channels of the encoder, channels from below); the widest dilation.
EXPECTED = {
    "fcn32": ([0, 1, 2, 3, 4, 5], [], [], 1),
    "fcn16": ([0, 1, 2, 3, 4, 5], [4], [(4, "add", 13, 13)], 1),
    "fcn8": ([0, 1, 2, 3, 4, 5], [4, 3], [(4, "add", 13, 13), (3, "add", 13, 13)], 1),
    "segnet": ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [], 1),  # at level 5 there is only pooling
    "unet": (
        [0, 1, 2, 3, 4],
        [3, 2, 1, 0],
        [(level, "concat", 8 << level, 8 << level) for level in (3, 2, 1, 0)],
        1,
    ),
    "deeplabv3": ([0, 1, 2, 3], [], [], 6),
    "deeplabv3plus": ([0, 1, 2, 3, 4], [2], [(2, "concat", 8, 32)], 3),
}


MAPS = {
    "resnet18": (3, 64, 64, 128, 256, 512),
    "resnet50": (3, 64, 256, 512, 1024, 2048),
    "mobilenet_v2": (3, 16, 24, 32, 96, 1280),
    "vgg16": (64, 128, 256, 512, 512, 512),
}


@pytest.mark.parametrize("encoder", MAPS)
def test_the_unet_of_an_encoder(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)
    torch.manual_seed(0)
    model = NETWORKS["unet"](13, 8, encoder=encoder)
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    assert [(s.height, s.kind, *s.channels) for s in found.skips] == [
        (96 >> level, "concat", MAPS[encoder][level], 8 << level) for level in (4, 3, 2, 1, 0)
    ]
    # the image itself has no convolution, and VGG-16 has none after its last pooling
    down = (0, 1, 2, 3, 4) if encoder == "vgg16" else (1, 2, 3, 4, 5)
    levels = [96 >> level for level in (*down, 4, 3, 2, 1, 0)]
    assert [s.height for s in found.stages] == levels
    assert (found.downsamplings, found.upsamplings, found.dilation) == (5, 5, 1)
    assert found.parameters == folded(model)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_read_is_what_was_built(name, tmp_path):
    torch.manual_seed(0)
    model = NETWORKS[name](13, 8)
    down, up, skips, dilation = EXPECTED[name]
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    assert_read(found, down, up, skips)
    assert found.output == (1, 13, 96, 128)
    assert (found.dense, found.dilation, found.parameters) == (0, dilation, folded(model))
    assert (found.dilation > 1) == ("dilation: up to" in found.summary())


def test_the_pyramid_of_pspnet_is_coarser_than_its_encoder(tmp_path):
    model = NETWORKS["pspnet"](13, 8)
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    sizes = [(s.part, s.height, s.width) for s in found.stages]
    assert sizes[:4] == [("encoder", 96 >> level, 128 >> level) for level in range(4)]
    assert sizes[4:] == [("bottleneck", 2, 2), ("decoder", 3, 3), ("decoder", 6, 6),
                         ("decoder", 12, 16)]  # fmt: skip
    (skip,) = found.skips  # the mean of the whole image is one value for each map: no coarser maps
    assert (skip.height, skip.kind, *skip.channels) == (12, "concat", 128 + 32, 3 * 32)
    assert (found.dense, found.dilation, found.parameters) == (0, 4, folded(model))


@pytest.mark.parametrize("name", NETWORKS)
def test_any_size_and_any_number_of_images(name, tmp_path):
    torch.manual_seed(0)
    model = NETWORKS[name](5, 4).eval()
    path = export(model, tmp_path / "model.onnx", 64, 160)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for n in (1, 3):
        image = np.random.default_rng(n).random((n, 3, 64, 160), np.float32)
        (logits,) = session.run(None, {"image": image})
        with torch.no_grad():
            expected = model(torch.from_numpy(image)).numpy()
        np.testing.assert_allclose(logits, expected, atol=1e-4)
