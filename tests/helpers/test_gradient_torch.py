"""The gradient of one output pixel, where the answer is known: all weights are 1."""

import numpy as np
import torch
from torch import nn

from helpers.pytorch.gradient import input_gradient
from helpers.widgets.receptive_field import conv, paths, pool


def test_a_network_of_ones_counts_paths():
    model = nn.Sequential(
        nn.Conv2d(3, 1, 3, padding=1), nn.BatchNorm2d(1, eps=0), nn.AvgPool2d(2), nn.Conv2d(1, 2, 1)
    )
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    found = input_gradient(model, image, (2, 5))
    layers = [conv(), pool()]
    expected = np.outer(paths(layers, 12, 2), paths(layers, 16, 5))
    # three channels, a mean of four, two maps
    assert np.allclose(found, expected * 3 / 4 * 2)
    assert found.dtype == np.float32 and model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(model[1].running_mean, torch.zeros(1))
