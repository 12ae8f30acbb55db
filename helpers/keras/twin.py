"""The weights of a model in the layout that both frameworks share: how a network comes over."""

import json
from pathlib import Path

import keras
import numpy as np
from keras.layers import BatchNormalization, Conv2D, Conv2DTranspose, DepthwiseConv2D

from helpers.keras.networks import NETWORKS


def get_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """The arrays of the model by name, kernels H×W×in×out.

    A transposed convolution has H×W×out×in, a depthwise one H×W×in×1. The arrays of the layer
    `down_0_norm1` are called down_0_norm1.scale, .shift, .mean and .variance; other layers have
    .kernel and .bias.
    """
    return {name: variable.numpy() for name, variable in _variables(model).items()}


def set_weights(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Puts arrays, as `get_weights` of either framework gives them, into the model.

    Raises ValueError: the names are not those of this model; it says which.
    """
    variables = _variables(model)
    if different := sorted(variables.keys() ^ weights.keys()):
        raise ValueError(f"The networks differ: only one of them has {', '.join(different)}.")
    for name, variable in variables.items():
        variable.assign(weights[name])


def load_twin(path: str | Path) -> tuple[keras.Model, np.ndarray, np.ndarray]:
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
    return model, image, logits


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    variables = {}
    for layer in model.layers:
        if isinstance(layer, Conv2D | Conv2DTranspose | DepthwiseConv2D):
            variables[f"{layer.name}.kernel"] = layer.kernel
            if layer.use_bias:
                variables[f"{layer.name}.bias"] = layer.bias
        elif isinstance(layer, BatchNormalization):
            variables[f"{layer.name}.scale"] = layer.gamma
            variables[f"{layer.name}.shift"] = layer.beta
            variables[f"{layer.name}.mean"] = layer.moving_mean
            variables[f"{layer.name}.variance"] = layer.moving_variance
    return variables
