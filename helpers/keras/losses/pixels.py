"""What every loss does first: look at the shapes, set the ignored pixels aside."""

import tensorflow as tf
from keras import ops

from helpers.classes import IGNORE


def counted(logits: tf.Tensor, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The two inputs of a loss, ready to compute with, and which pixels count.

    Returns:
        logits in float32 at least, N×H×W×C; masks int32 N×H×W, 0 where ignored; valid N×H×W, 1 or
        0 in the dtype of the logits.

    Raises:
        ValueError: the shapes do not fit.
        tf.errors.InvalidArgumentError: an id is neither below C nor 255.
    """
    logits, masks = ops.convert_to_tensor(logits), ops.convert_to_tensor(masks)
    if not (logits.shape.rank == 4 and logits.shape[:3].is_compatible_with(masks.shape)):
        raise ValueError(
            f"logits {tuple(logits.shape)} and masks {tuple(masks.shape)} do not fit: "
            "N×H×W×C logits go with N×H×W class ids"
        )
    if logits.dtype != tf.float64:
        logits = ops.cast(logits, "float32")
    masks = ops.cast(masks, "int32")
    valid = ops.not_equal(masks, IGNORE)
    masks = ops.where(valid, masks, 0)
    classes = logits.shape[-1]
    allowed = f"ids are 0 to {classes - 1}, or {IGNORE} for ignore"
    tf.debugging.assert_less(masks, classes, f"a class id is too large; {allowed}")
    tf.debugging.assert_non_negative(masks, f"a class id is negative; {allowed}")
    return logits, masks, ops.cast(valid, logits.dtype)


def probabilities(logits: tf.Tensor, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """p and t of the formulas, both N×H×W×C and 0 where ignored."""
    logits, masks, valid = counted(logits, masks)
    p = ops.softmax(logits, axis=-1) * valid[..., None]
    t = ops.one_hot(masks, logits.shape[-1], dtype=logits.dtype) * valid[..., None]
    return p, t


def mean_over_present(losses: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """The mean of the losses (C) of those classes that have a true pixel; 0 if there is none.

    A class that is absent has no overlap to gain, so it is left out.
    """
    present = ops.cast(ops.sum(t, (0, 1, 2)) > 0, losses.dtype)
    return ops.sum(present * losses) / ops.maximum(ops.sum(present), 1)
