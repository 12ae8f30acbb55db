"""segmentation-models-pytorch by its parts: losses, metrics, encoders, decoders.

Its __init__ also loads timm, which is not installed: whole networks are put together here.
"""

import importlib.util
import sys
from importlib import import_module
from types import ModuleType

import pytest
from torch import nn

from tests import torchvision_models

NAME = "segmentation_models_pytorch"
CHANNELS = {
    "resnet18": (3, 64, 64, 128, 256, 512),
    "mobilenet_v2": (3, 16, 24, 32, 96, 1280),
}
DECODER = (256, 128, 64, 32, 16)


def part(name: str) -> ModuleType:
    """A module such as "losses" or "decoders.pspnet.decoder", without the __init__ of the packages
    that it lies in; skips the test where segmentation-models-pytorch is missing."""
    full = f"{NAME}.{name}"
    for end in (i for i, letter in enumerate(full) if letter == "."):
        package = full[:end]
        if package not in sys.modules:
            found = importlib.util.find_spec(package)
            if found is None:
                pytest.skip("no segmentation-models-pytorch; make test installs it")
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = list(found.submodule_search_locations)
    return import_module(full)


def encoder_of(name: str, depth: int = 5) -> nn.Module:
    models = torchvision_models.models()
    channels = list(CHANNELS[name][: depth + 1])
    if name == "mobilenet_v2":
        return part("encoders.mobilenet").MobileNetV2Encoder(channels, depth)
    block = models.resnet.BasicBlock
    encoder = part("encoders.resnet").ResNetEncoder
    return encoder(channels, depth=depth, block=block, layers=[2, 2, 2, 2])


def network(name: str, encoder: str = "resnet18") -> nn.Module:
    """As their default arguments make it, but for the encoder."""
    channels, head = CHANNELS[encoder], part("base.heads").SegmentationHead
    part("base.modules")
    decoder = part(f"decoders.{name}.decoder") if name != "deeplabv3plus" else None
    if name == "unet":
        parts = decoder.UnetDecoder(channels, DECODER), head(16, 13)
    elif name == "unetplusplus":
        parts = decoder.UnetPlusPlusDecoder(channels, DECODER), head(16, 13)
    elif name == "linknet":
        parts = decoder.LinknetDecoder(channels), head(32, 13, 1)
    elif name == "fpn":
        parts = decoder.FPNDecoder(channels), head(128, 13, 1, upsampling=4)
    elif name == "pspnet":
        parts = decoder.PSPDecoder(channels[:4]), head(512, 13, upsampling=8)
    else:
        decoder = part("decoders.deeplabv3.decoder").DeepLabV3PlusDecoder
        rates = (12, 24, 36)
        parts = decoder(channels, 5, 256, rates, 16, True, 0.5), head(256, 13, 1, upsampling=4)
    first = encoder_of(encoder, depth=3 if name == "pspnet" else 5)
    if name == "deeplabv3plus":
        first.make_dilated(16)
    return nn.Sequential(first, *parts).eval()
