"""The parts of segmentation-models-pytorch that need torch alone: its losses and its metrics.

Its __init__ also loads the networks, and with them torchvision and timm, which are not installed.
"""

import importlib.util
import sys
from importlib import import_module
from types import ModuleType

import pytest

NAME = "segmentation_models_pytorch"


def part(name: str) -> ModuleType:
    """The subpackage "losses" or "metrics"; skips the test where the package is missing."""
    if NAME not in sys.modules:
        found = importlib.util.find_spec(NAME)
        if found is None:
            pytest.skip("no segmentation-models-pytorch; make test installs it")
        package = ModuleType(NAME)
        package.__path__ = list(found.submodule_search_locations)
        sys.modules[NAME] = package
    return import_module(f"{NAME}.{name}")
