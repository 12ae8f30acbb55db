"""Losses that judge each pixel by itself."""

from collections.abc import Sequence

import tensorflow as tf
from keras import ops

from helpers.keras.losses.pixels import counted


def cross_entropy(
    logits: tf.Tensor,
    masks: tf.Tensor,
    class_weights: Sequence[float] | None = None,
    pixel_weights: tf.Tensor | None = None,
) -> tf.Tensor:
    """The mean over the pixels of −log p(true class), from logits; weighted if you like.

        Σ w · −log p(true class) / Σ w,    w = class weight of the true class · pixel weight

    Equal weights are no weights: only their ratios matter.

    Args:
        logits, masks: see `losses`.
        class_weights: C numbers, for example of `helpers.class_weights`.
        pixel_weights: N×H×W, for example of `helpers.border_weights`.

    Raises:
        ValueError: shapes that do not fit.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    logits, masks, valid = counted(logits, masks)
    losses = ops.sparse_categorical_crossentropy(masks, logits, from_logits=True)
    if class_weights is None and pixel_weights is None:
        return ops.sum(losses * valid) / ops.maximum(ops.sum(valid), 1)
    return weighted_mean(losses, masks, valid, logits.shape[-1], class_weights, pixel_weights)


def focal(
    logits: tf.Tensor,
    masks: tf.Tensor,
    gamma: float = 2.0,
    class_weights: Sequence[float] | None = None,
) -> tf.Tensor:
    """The mean over the pixels of −(1 − p)^γ log p, p of the true class: easy pixels count less.

    Lin, Goyal, Girshick, He and Dollár 2017 (arXiv:1708.02002), equation 5, with the softmax in
    place of the sigmoid; their α is `class_weights`. γ = 0 is `cross_entropy`.

    Args:
        logits, masks: see `losses`.
        gamma: how strongly easy pixels are turned down, 0 or more.
        class_weights: C numbers; the mean is then a weighted one, as in `cross_entropy`.

    Raises:
        ValueError: shapes that do not fit, gamma below 0.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    if gamma < 0:
        raise ValueError(f"gamma is {gamma}; below 0 the easy pixels would count most")
    logits, masks, valid = counted(logits, masks)
    losses = ops.sparse_categorical_crossentropy(masks, logits, from_logits=True)
    missing = -ops.expm1(-losses)  # 1 − p, exact where p is nearly 1
    # where nothing is missing the loss is 0 anyway, and the slope of 0^γ would be infinite or nan
    losses = losses * ops.where(missing > 0, missing, 1) ** gamma
    return weighted_mean(losses, masks, valid, logits.shape[-1], class_weights)


def weighted_mean(
    losses: tf.Tensor,
    masks: tf.Tensor,
    valid: tf.Tensor,
    classes: int,
    class_weights: Sequence[float] | None = None,
    pixel_weights: tf.Tensor | None = None,
) -> tf.Tensor:
    """Σ w·losses / Σ w over the pixels that count; 0 where all weights are 0. All N×H×W."""
    weights = valid
    if class_weights is not None:
        per_class = ops.cast(class_weights, losses.dtype)
        if per_class.shape != (classes,):
            raise ValueError(
                f"{len(class_weights)} class weights for {classes} classes: one for each"
            )
        weights = weights * ops.take(per_class, masks)
    if pixel_weights is not None:
        per_pixel = ops.cast(pixel_weights, losses.dtype)
        if not per_pixel.shape.is_compatible_with(masks.shape):
            raise ValueError(
                f"pixel weights {tuple(per_pixel.shape)} for masks {tuple(masks.shape)}: "
                "one for each pixel"
            )
        weights = weights * per_pixel
    return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), 1e-12)
