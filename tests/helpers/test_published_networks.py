"""Networks of segmentation-models-pytorch: their architecture is read rightly, and our U-Net of an
encoder is theirs.

Their encoders, decoders and heads are put together here, for what builds whole models there loads
far more than torchvision.
"""

import pytest
import torch

from helpers import architecture, graph
from helpers.export import export
from helpers.pytorch.unet import unet
from tests.reading import assert_read, folded
from tests.smp import CHANNELS, DECODER, encoder_of, network, part

# resolutions on the way down and up again, skips as (level, kind, channels of the encoder, channels
# from below), the widest dilation
EXPECTED = {
    ("unet", "resnet18"): (
        [1, 2, 3, 4, 5],
        [4, 3, 2, 1, 0],
        [(4, "concat", 256, 512), (3, "concat", 128, 256), (2, "concat", 64, 128)]
        + [(1, "concat", 64, 64)],
        1,
    ),
    ("unet", "mobilenet_v2"): (
        [1, 2, 3, 4, 5],
        [4, 3, 2, 1, 0],
        [(4, "concat", 96, 1280), (3, "concat", 32, 256), (2, "concat", 24, 128)]
        + [(1, "concat", 16, 64)],
        1,
    ),
    ("linknet", "resnet18"): (
        [1, 2, 3, 4, 5],
        [4, 3, 2, 1, 0],
        [(4, "add", 256, 256), (3, "add", 128, 128), (2, "add", 64, 64), (1, "add", 64, 64)],
        1,
    ),
    ("fpn", "resnet18"): (
        [1, 2, 3, 4, 5],
        [4, 3, 2],
        [(level, "add", 256, 256) for level in (4, 3, 2)],
        1,
    ),
    ("deeplabv3plus", "resnet18"): ([1, 2, 3, 4], [2], [(2, "concat", 48, 256)], 36),
}


@pytest.mark.parametrize("name, encoder", EXPECTED)
def test_what_is_read_is_what_they_built(name, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)
    model = network(name, encoder)
    down, up, skips, dilation = EXPECTED[name, encoder]
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    assert_read(found, down, up, skips)
    assert found.output == (1, 13, 96, 128)
    assert (found.dense, found.dilation, found.parameters) == (0, dilation, folded(model))


def test_the_ten_skips_of_unet_plus_plus(tmp_path, monkeypatch):
    """Each of its ten nodes joins maps from the encoder with coarser ones."""
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)
    model = network("unetplusplus")
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    assert sorted(s.height for s in found.skips) == [6, 12, 12, 24, 24, 24, 48, 48, 48, 48]
    assert {s.kind for s in found.skips} == {"concat"}
    assert found.parameters == folded(model)


def test_their_pspnet(tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)
    model = network("pspnet")
    # its means can be exported only where every number of bins divides the maps: here 12×18
    found = architecture.read(export(model, tmp_path / "model.onnx", 96, 144))
    assert [(s.part, s.height) for s in found.stages] == [
        *(("encoder", 96 >> level) for level in (1, 2, 3)),
        *(("encoder", 6), ("encoder", 3), ("bottleneck", 2), ("decoder", 12)),
    ]
    (skip,) = found.skips
    assert (skip.height, skip.kind, *skip.channels) == (12, "concat", 128 + 32, 3 * 32)
    assert (found.dense, found.dilation) == (0, 1)


@pytest.mark.parametrize("encoder", CHANNELS)
def test_our_unet_of_an_encoder_is_theirs(encoder):
    """But for two things: before maps are enlarged, a 1×1 convolution of ours makes them fewer; and
    our last block has a skip too, the image."""
    theirs = encoder_of(encoder).eval()
    part("base.modules")
    torch.manual_seed(0)
    ours = unet(13, 16, up="bilinear", encoder=encoder)
    ours(torch.rand(2, 3, 64, 96))  # moves the statistics
    ours.eval()
    theirs.load_state_dict(ours.encoder.state_dict())
    skips = CHANNELS[encoder][-2::-1]
    with torch.no_grad():
        image = torch.rand(1, 3, 64, 96)
        *maps, x = theirs(ours.encoder.standardize(image))
        maps[0] = image
        for i, (after, skip) in enumerate(zip(DECODER, skips, strict=True)):
            block = part("decoders.unet.decoder").UnetDecoderBlock(
                after, skip, after, interpolation_mode="bilinear"
            )
            target = [block.conv1[0], block.conv1[1], block.conv2[0], block.conv2[1]]
            join = ours.join[i]
            for layer, source in zip(
                target, (join.conv1, join.norm1, join.conv2, join.norm2), strict=True
            ):
                layer.load_state_dict(source.state_dict())
            order = [*range(skip, skip + after), *range(skip)]  # our skip comes first
            block.conv1[0].weight.copy_(join.conv1.weight[:, order])
            other = maps.pop()
            x = block.eval()(ours.up[i].conv(x), *other.shape[2:], other)
        torch.testing.assert_close(ours.head(x), ours(image), rtol=0, atol=1e-4)
