"""The weights of a model in the layout that both frameworks share: how a network comes over."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.pytorch.networks import NETWORKS


def get_weights(model: nn.Module) -> dict[str, np.ndarray]:
    """The arrays of the model by name, kernels as in Keras: H×W×in×out.

    A transposed convolution has H×W×out×in, a depthwise one H×W×in×1. The arrays of the layer
    `down.0.norm1` are called down_0_norm1.scale, .shift, .mean and .variance; other layers have
    .kernel and .bias.
    """
    return {name: tensor.cpu().numpy().copy() for name, tensor in _tensors(model).items()}


def set_weights(model: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """Puts arrays, as `get_weights` of either framework gives them, into the model.

    Raises ValueError: the names are not those of this model; it says which.
    """
    tensors = _tensors(model)
    if different := sorted(tensors.keys() ^ weights.keys()):
        raise ValueError(f"The networks differ: only one of them has {', '.join(different)}.")
    for name, tensor in tensors.items():
        tensor.copy_(torch.from_numpy(weights[name]))


def load_twin(path: str | Path) -> tuple[nn.Module, np.ndarray, np.ndarray]:
    """A network that was trained in the other framework, from a file that `helpers.twins` wrote.

    Returns:
        The model with those weights; an image uint8 1×H×W×3; the logits float32 1×H×W×C that the
        other framework gave for it.
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    options = json.loads(str(arrays.pop("options")))
    model = NETWORKS[options.pop("network", "unet")](**options)
    image, logits = arrays.pop("image"), arrays.pop("logits")
    set_weights(model, arrays)
    return model.eval(), image, logits


def _tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's own tensors, seen in the layout of Keras: what is written to them stays."""
    tensors = {}
    for path, module in model.named_modules():
        name = path.replace(".", "_")
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            depthwise = module.groups > 1
            order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
            tensors[f"{name}.kernel"] = module.weight.detach().permute(order)
            if module.bias is not None:
                tensors[f"{name}.bias"] = module.bias.detach()
        elif isinstance(module, nn.BatchNorm2d):
            tensors[f"{name}.scale"] = module.weight.detach()
            tensors[f"{name}.shift"] = module.bias.detach()
            tensors[f"{name}.mean"] = module.running_mean
            tensors[f"{name}.variance"] = module.running_var
    return tensors
