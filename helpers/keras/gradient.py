"""What an output pixel of a network really looks at: its gradient with respect to the image."""

import keras
import numpy as np
import tensorflow as tf


def input_gradient(model: keras.Model, image: np.ndarray, pixel: tuple[int, int]) -> np.ndarray:
    """The effective receptive field of one output pixel, float32 H×W (Luo et al. 2016,
    arXiv:1701.04128): how strongly the sum of its logits reacts to each pixel of the image.

    Args:
        model: gives logits N×h×w×C for float32 images N×H×W×3 in [0, 1].
        image: uint8 H×W×3.
        pixel: row and column in the output.
    """
    row, column = pixel
    x = tf.constant(image[None] / np.float32(255))
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = tf.reduce_sum(model(x, training=False)[0, row, column])
    return np.abs(tape.gradient(logits, x)[0].numpy()).sum(-1)
