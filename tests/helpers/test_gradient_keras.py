"""The gradient of one output pixel, where the answer is known: all weights are 1."""

import keras
import numpy as np
from keras import layers

from helpers.keras.gradient import input_gradient
from helpers.widgets.receptive_field import conv, paths, pool


def test_a_network_of_ones_counts_paths():
    image = keras.Input((12, 16, 3))
    x = layers.Conv2D(1, 3, padding="same", kernel_initializer="ones")(image)
    x = layers.BatchNormalization(epsilon=0)(x)
    x = layers.AveragePooling2D(2)(x)
    model = keras.Model(image, layers.Conv2D(2, 1, kernel_initializer="ones")(x))
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    found = input_gradient(model, pixels, (2, 5))
    expected = np.outer(paths([conv(), pool()], 12, 2), paths([conv(), pool()], 16, 5))
    # three channels, a mean of four, two maps
    assert np.allclose(found, expected * 3 / 4 * 2)
    assert found.dtype == np.float32
