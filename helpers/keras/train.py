"""One training loop for every network."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from helpers.augment import Augment
from helpers.data import batches
from helpers.keras.losses import cross_entropy_dice
from helpers.schedule import timetable


def train(
    model: keras.Model,
    images: np.ndarray,
    masks: np.ndarray,
    steps: int = 600,
    batch: int = 8,
    learning_rate: float = 3e-3,
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = cross_entropy_dice,
    seed: int = 0,
    seconds: float | None = None,
    progress: bool = True,
    augment: Augment | None = None,
) -> list[tuple[int, float]]:
    """Trains the model in place and gives the loss of each step.

    AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101) under a one-cycle learning rate with the
    peak `learning_rate`. The same seed gives the same run on a CPU with one thread.

    Args:
        model: gives logits N×H×W×C for float32 images N×H×W×3 in [0, 1].
        images: uint8 N×H×W×3.
        masks: uint8 N×H×W of class ids, 255 = ignore.
        steps: how many batches to learn from.
        loss: of (float32 logits, int32 masks); see `losses`.
        seconds: train for so long, in place of `steps`; the schedule fits itself to the clock.
        augment: how to change the pairs; without it, half of them are mirrored.

    Returns:
        [(step, loss), …]. Ctrl-C stops early: the model keeps what it has learnt.
    """
    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.AdamW(learning_rate, epsilon=1e-7, weight_decay=0.004)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=False)  # compiling takes half a minute on a CPU and gains nothing
    def learn(x, truth):
        with tf.GradientTape() as tape:
            logits = model(tf.cast(x, tf.float32) / 255, training=True)
            value = loss(logits, tf.cast(truth, tf.int32))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return value

    pairs = batches(images, masks, batch, seed, augment)
    history = []
    try:
        for step, factor, bar in timetable(steps, seconds, progress):
            x, truth = next(pairs)
            optimizer.learning_rate = factor * learning_rate
            value = float(learn(tf.constant(x), tf.constant(truth)))
            history.append((step, value))
            bar.set_postfix(loss=f"{value:.3f}", refresh=False)
    except KeyboardInterrupt:
        pass
    return history
