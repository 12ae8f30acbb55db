"""The weights of a model in the layout that both frameworks share: how a network comes over."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.pytorch.unet import unet


def get_weights(model: nn.Module) -> dict[str, np.ndarray]:
    """The arrays of the model by name, kernels as in Keras: H×W×in×out.

    A transposed convolution has H×W×out×in. The arrays of the layer `down.0.norm1` are called
    down_0_norm1.scale, .shift, .mean and .variance; other layers have .kernel and .bias.
    """
    return {
        name: _turned(tensor, _TO_KERAS).detach().cpu().numpy().copy()
        for name, tensor in _tensors(model).items()
    }


def set_weights(model: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """Puts arrays, as `get_weights` of either framework gives them, into the model.

    Raises ValueError: the names are not those of this model; it says which.
    """
    tensors = _tensors(model)
    if different := sorted(tensors.keys() ^ weights.keys()):
        raise ValueError(f"The networks differ: only one of them has {', '.join(different)}.")
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(_turned(torch.from_numpy(weights[name]), _FROM_KERAS))


def load_twin(path: str | Path) -> tuple[nn.Module, np.ndarray, np.ndarray]:
    """A network that was trained in the other framework, from a file that `helpers.twins` wrote.

    Returns:
        The model with those weights; an image uint8 1×H×W×3; the logits float32 1×H×W×C that the
        other framework gave for it.
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    model = unet(**json.loads(str(arrays.pop("options"))))
    image, logits = arrays.pop("image"), arrays.pop("logits")
    set_weights(model, arrays)
    return model.eval(), image, logits


_TO_KERAS, _FROM_KERAS = (2, 3, 1, 0), (3, 2, 0, 1)


def _turned(tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    return tensor.permute(order) if tensor.ndim == 4 else tensor


def _tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    tensors = {}
    for path, module in model.named_modules():
        name = path.replace(".", "_")
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            tensors[f"{name}.kernel"] = module.weight
            if module.bias is not None:
                tensors[f"{name}.bias"] = module.bias
        elif isinstance(module, nn.BatchNorm2d):
            tensors[f"{name}.scale"], tensors[f"{name}.shift"] = module.weight, module.bias
            tensors[f"{name}.mean"] = module.running_mean
            tensors[f"{name}.variance"] = module.running_var
    return tensors
