"""One training loop for every network."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from helpers.augment import Augment
from helpers.classes import IGNORE
from helpers.data import batches
from helpers.keras import checkpoint
from helpers.keras.losses import cross_entropy_dice
from helpers.metrics import Confusion
from helpers.training import History, Training, same_again


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
    epochs: int | None = None,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    every: int | None = None,
    folder: str | Path | None = None,
) -> History:
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
        epochs: see every pair so often, in place of `steps`.
        validation: images and masks that are not trained on; after each epoch their mean IoU and
            loss are measured.
        every: validate and save after so many steps, in place of after each epoch (of 50 steps or
            more).
        folder: keeps the weights with the best mean IoU in validation (best.keras), and
            resume.safetensors. A training that was cut off, by Ctrl-C or otherwise, goes on from
            there when it is called again, and gives the history of an undisturbed one.

    Returns:
        [(step, loss), …], with the attribute `validation`: [(step, mean IoU, loss), …]. Ctrl-C
        stops early: the model keeps what it has learnt.

    Raises:
        ValueError: there are fewer pairs than one batch needs; or the folder holds a training of
            another network or with other settings.
        OSError: the folder cannot be written.
    """
    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.AdamW(learning_rate, epsilon=1e-7, weight_decay=0.004)
    optimizer.build(model.trainable_variables)
    settings = same_again(images, batch, learning_rate, seed, augment)
    epoch = max(1, len(images) // batch)
    training = Training(epoch, steps, epochs, seconds, every, folder, progress, settings)
    if training.arrays:
        checkpoint.set_state(model, optimizer, training.arrays, training.file)
    pairs = batches(images, masks, batch, seed, augment, skip=training.step)
    learner = Learner(model)
    learner.compile(
        optimizer,
        loss=lambda truth, logits: loss(logits, tf.cast(truth, tf.int32)),
        metrics=[Glance(model.output_shape[-1], name="mean_iou")],
        jit_compile=False,  # compiling takes half a minute on a CPU and gains nothing
    )

    def validate():
        if validation and training.validation_due:
            best = training.score(*evaluate(model, *validation, loss, batch))
            if best and folder:
                checkpoint.save(model, folder)
        if training.saving_due:
            training.save(checkpoint.state(model, optimizer))

    with training:
        if not training.over:
            # One long epoch: the callback ends it, at any step.
            learner.fit(pairs, verbose=0, callbacks=[Follow(training, learning_rate, validate)])
    return training.history


class Learner(keras.Model):
    """The model on images uint8. What is compiled here leaves the model itself as it was."""

    def __init__(self, model: keras.Model):
        super().__init__()
        self.model = model

    def call(self, images, training=False):
        return self.model(tf.cast(images, tf.float32) / 255, training=training)


class Follow(keras.callbacks.Callback):
    """Before each step the learning rate, after it the loss, and what `after` does."""

    def __init__(self, training: Training, learning_rate: float, after: Callable[[], None]):
        super().__init__()
        self.training, self.learning_rate, self.after = training, learning_rate, after

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.training.factor * self.learning_rate
        self.model.reset_metrics()  # so that the loss is this batch's, not the mean so far

    def on_train_batch_end(self, batch, logs=None):
        self.training.log(float(logs["loss"]), float(logs["mean_iou"]))
        self.after()
        self.model.stop_training = self.training.over


class Glance(keras.metrics.MeanIoU):
    """The mean IoU of every fourth row and column of a batch: quick, for the progress bar."""

    def __init__(self, classes: int, **options):
        super().__init__(classes, ignore_class=IGNORE, sparse_y_pred=False, **options)

    def update_state(self, truth, logits, sample_weight=None):
        if truth.shape[1:] == logits.shape[1:-1]:
            super().update_state(truth[:, ::4, ::4], logits[:, ::4, ::4])


def evaluate(
    model: keras.Model,
    images: np.ndarray,
    masks: np.ndarray,
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = cross_entropy_dice,
    batch: int = 8,
) -> tuple[float, float]:
    """The mean IoU, pooled over all images, and the mean loss; as `train` does for validation.

    Args: as in `train`. The model is not changed.
    """
    confusion, total = Confusion(model.output_shape[-1]), 0.0
    for i in range(0, len(images), batch):
        logits = model(tf.cast(images[i : i + batch], tf.float32) / 255, training=False)
        truth = masks[i : i + batch]
        total += len(truth) * float(loss(logits, tf.cast(truth, tf.int32)))
        confusion.add(truth, tf.argmax(logits, -1).numpy())
    return confusion.mean_iou(), total / len(images)
