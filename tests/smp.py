"""The parts of segmentation-models-pytorch that need torch alone: losses, metrics, decoders.

Its __init__ also loads the encoders, and with them torchvision and timm, which are not installed.
"""

import importlib.util
import sys
from importlib import import_module
from types import ModuleType

import pytest

NAME = "segmentation_models_pytorch"


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
