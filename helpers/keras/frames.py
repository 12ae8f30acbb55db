"""Pairs for `model.fit`, as a PyDataset or as a tf.data pipeline."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from helpers.augment import Augment
from helpers.data.batches import sample


class Frames(keras.utils.PyDataset):
    """Batches of pairs: images float32 N×H×W×3 in [0, 1] and masks int32 N×H×W.

    The sample of (seed, epoch, index) is always the same, whatever the number of workers or the
    framework. `model.fit(Frames(*data.load(pairs), augment=STREET), epochs=20)` counts the epochs
    by itself, and each shows every pair once, in another order.

    Args:
        images, masks: uint8 N×H×W×3 and N×H×W; or only a sequence of pairs, such as `data.Pairs`,
            which are read each time they are asked for, as they are in the files.
        augment: how to change each pair; None leaves it as it is.
        seed: of the order and of the augmentation.
        batch: pairs in a batch; the last one of an epoch may be smaller.
        shuffle: False keeps the order, for a validation set.
        options: `workers` and the like of keras.utils.PyDataset.

    Raises:
        ValueError: not as many images as masks.
    """

    def __init__(
        self,
        images: np.ndarray | Sequence,
        masks: np.ndarray | None = None,
        augment: Augment | None = None,
        seed: int = 0,
        batch: int = 8,
        shuffle: bool = True,
        **options,
    ):
        super().__init__(**options)
        if masks is not None and len(images) != len(masks):
            raise ValueError(f"{len(images)} images and {len(masks)} masks: one for each is needed")
        self.images, self.masks, self.augment, self.seed = images, masks, augment, seed
        self.batch, self.shuffle = batch, shuffle
        self.epoch = 0
        self._begun = False

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        return self.at(self.epoch, i)

    def at(self, epoch: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        """The i-th batch of that epoch."""
        order = np.arange(len(self.images))
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(order)
        seen = [
            sample(self.images, self.masks, index, self.augment, self.seed, epoch)
            for index in order[i * self.batch : (i + 1) * self.batch]
        ]
        images, masks = (np.stack(arrays) for arrays in zip(*seen, strict=True))
        return images.astype(np.float32) / 255, masks.astype(np.int32)

    # Keras ends an epoch before it begins the first. The count must not change at the beginning:
    # by then the workers are at work.
    def on_epoch_begin(self) -> None:
        self._begun = True

    def on_epoch_end(self) -> None:
        self.epoch += self._begun
        self._begun = False


def dataset(frames: Frames) -> tf.data.Dataset:
    """The batches of `frames` as a tf.data pipeline; each pass over it is the next epoch."""

    def epoch():
        number = frames.epoch
        frames.epoch += 1
        for i in range(len(frames)):
            yield frames.at(number, i)

    shapes = [(None, *array.shape[1:]) for array in frames[0]]
    signature = tuple(map(tf.TensorSpec, shapes, (tf.float32, tf.int32)))
    pipeline = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    cardinality = tf.data.experimental.assert_cardinality(len(frames))
    return pipeline.apply(cardinality).prefetch(tf.data.AUTOTUNE)
