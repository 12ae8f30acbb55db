"""The Lovász-softmax loss."""

import tensorflow as tf
from keras import ops

from helpers.keras.losses.pixels import mean_over_present, probabilities


def lovasz_softmax(logits: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """The mean over the classes present of the Lovász extension of 1 − IoU.

    Berman, Rannen Triki and Blaschko 2018 (arXiv:1705.08790), algorithm 1. For one class let
    m = |t − p| be the errors, sorted from large to small. The loss is Σ m_i g_i, where g_i is what
    1 − IoU grows by when pixel i, too, is given the wrong label. With I and U the intersection and
    the union after that,

        g_i = 1 / U for a true pixel of the class,    g_i = I / (U (U − 1)) for any other

    It is convex in the errors, and equals 1 − IoU where all of them are 0 or 1.

    Args:
        logits, masks: see `losses`.

    Raises:
        ValueError: shapes that do not fit.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    p, t = probabilities(logits, masks)
    classes = p.shape[-1]
    errors = ops.transpose(ops.reshape(ops.abs(t - p), (-1, classes)))  # C×pixels, 0 if ignored
    order = ops.argsort(-errors, axis=1)
    errors = ops.take_along_axis(errors, order, 1)
    true = ops.transpose(ops.reshape(t, (-1, classes)))
    area = ops.sum(true, 1, keepdims=True)
    true = ops.take_along_axis(true, order, 1)
    intersection = area - ops.cumsum(true, 1)
    union = area + ops.cumsum(1 - true, 1)
    others = intersection / ops.maximum(union * (union - 1), 1)
    growth = ops.where(true > 0, 1 / union, others)
    return mean_over_present(ops.sum(errors * growth, 1), t)
