"""Networks of MONAI and torchvision, whole and as published: their architecture is read rightly.

With those of `test_published_networks` these are thirteen.
"""

import pytest
import torch
from monai.networks import nets
from torch import nn

from helpers import architecture, graph
from helpers.export import export
from tests.reading import assert_read, folded
from tests.torchvision_models import models


class Out(nn.Module):
    """torchvision's networks give a dict."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        return self.model(image)["out"]


IN = {"spatial_dims": 2, "in_channels": 3, "out_channels": 13}
NETWORKS = {
    "BasicUNet": lambda: nets.BasicUNet(**IN, features=(8, 8, 16, 32, 64, 8)),
    "UNet, residual": lambda: nets.UNet(
        **IN, channels=(8, 16, 32, 64), strides=(2, 2, 2), num_res_units=2
    ),
    "SegResNet": lambda: nets.SegResNet(**IN, init_filters=8),
    "AttentionUnet": lambda: nets.AttentionUnet(**IN, channels=(8, 16, 32), strides=(2, 2)),
    "FCN, ResNet-50": lambda: Out(
        models().segmentation.fcn_resnet50(
            weights=None, weights_backbone=None, num_classes=13, aux_loss=False
        )
    ),
    "LR-ASPP, MobileNetV3": lambda: Out(
        models().segmentation.lraspp_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=13
        )
    ),
}
# resolutions on the way down and up again, as halvings of the image; skips as (level, kind,
# channels of the encoder, channels from below); the widest dilation
EXPECTED = {
    "BasicUNet": (
        [0, 1, 2, 3, 4],
        [3, 2, 1, 0],
        [(3, "concat", 32, 32), (2, "concat", 16, 16), (1, "concat", 8, 8), (0, "concat", 8, 8)],
        1,
    ),
    # its first convolution halves; the bottom lies at the resolution of the block above
    "UNet, residual": (
        [1, 2, 3],
        [2, 1, 0],
        [(2, "concat", 16, 16), (1, "concat", 8, 8)],
        1,
    ),
    "SegResNet": (
        [0, 1, 2, 3],
        [2, 1, 0],
        [(2, "add", 32, 32), (1, "add", 16, 16), (0, "add", 8, 8)],
        1,
    ),
    # the gate looks at both, by a sum of half as many maps
    "AttentionUnet": (
        [0, 1, 2],
        [1, 0],
        [(1, "add", 8, 8), (1, "concat", 16, 16), (0, "add", 4, 4), (0, "concat", 8, 8)],
        1,
    ),
    "FCN, ResNet-50": ([1, 2, 3], [], [], 4),
    "LR-ASPP, MobileNetV3": ([1, 2, 3, 4], [3], [(3, "add", 13, 13)], 2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_read_is_what_they_built(name, tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MAX_BYTES", 2**30)
    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    down, up, skips, dilation = EXPECTED[name]
    found = architecture.read(export(model, tmp_path / "model.onnx"))
    assert_read(found, down, up, skips)
    assert found.output == (1, 13, 96, 128)
    assert (found.dense, found.dilation, found.parameters) == (0, dilation, folded(model))
