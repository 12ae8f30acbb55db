"""torchvision's networks as references, where torchvision is installed."""

import importlib.util
import sys
import sysconfig
from types import ModuleType

import pytest
import torch

_kept = []


def models() -> ModuleType:
    """`torchvision.models`; skips the test where there is none."""
    apart = f"{sysconfig.get_path('data')}/references"  # where course/install.py puts it
    if apart not in sys.path:
        sys.path.append(apart)
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("no torchvision; make test installs it")
    try:
        import torchvision.models
    except RuntimeError:  # built for another kind of torch: its own operators are missing
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _kept.append(torch.library.Library("torchvision", "DEF"))
        for operator in ("nms", "qnms"):
            _kept[0].define(
                f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
        import torchvision.models
    return torchvision.models
