"""One augmented pair at 192×256 against Pillow's own operations and against Keras' layers."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from helpers import streets
from helpers.augment import STREET, Augment
from helpers.augment.photometry import colour_matrix
from tests.bench.measure import compare

SIZE = (192, 256)
PAIRS = 8
EVERYTHING = replace(STREET, elastic=0.03)
WITHOUT_NOISE = replace(STREET, noise=0)


def rows() -> Iterator[dict]:
    images, masks = streets.scenes([2], range(PAIRS), height=SIZE[0], width=SIZE[1])

    def ours(augment: Augment) -> None:
        for i, pair in enumerate(zip(images, masks, strict=True)):
            augment(*pair, i)

    yield compare(
        "augment, everything on, 192×256",
        lambda: ours(EVERYTHING),
        lambda: [pillow(*pair) for pair in zip(images, masks, strict=True)],
        "Pillow: MESH, matrix, GaussianBlur; no noise",
        PAIRS,
        "pair/s CPU",
    )
    yield compare(
        "augment, flip zoom turn colour blur, 192×256",
        lambda: ours(WITHOUT_NOISE),
        keras_layers(images, masks),
        "keras.layers.Pipeline, masks by nearest",
        PAIRS,
        "pair/s CPU",
    )


def pillow(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same kinds of change with what Pillow has: bends in 8×6 pieces with straight edges."""
    height, width = mask.shape
    corners = np.stack(np.mgrid[0 : width + 1 : width / 8, 0 : height + 1 : height / 6], -1) * 0.9
    mesh = []
    for column in range(8):
        for row in range(6):
            box = [width * column // 8, height * row // 6]
            box += [width * (column + 1) // 8, height * (row + 1) // 6]
            across, down = slice(column, column + 2), slice(row, row + 2)
            (nw, sw), (ne, se) = corners[across, down]
            mesh.append((tuple(box), (*nw, *sw, *se, *ne)))
    bent = Image.fromarray(image).transform(
        (width, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR
    )
    ids = Image.fromarray(mask).transform(
        (width, height), Image.Transform.MESH, mesh, Image.Resampling.NEAREST, fillcolor=255
    )
    bent = bent.convert("RGB", tuple(colour_matrix(1.1, 0.9, 1.2, 5).ravel()))
    return np.array(bent.filter(ImageFilter.GaussianBlur(0.5))), np.array(ids)


def keras_layers(images: np.ndarray, masks: np.ndarray) -> Callable:
    importlib.import_module("helpers.keras")  # hushes TensorFlow before it comes
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    nearest = {"interpolation": "nearest", "fill_mode": "constant", "fill_value": 255}
    layers = keras.layers.Pipeline(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomZoom((-0.35, 0.25), **nearest),
            keras.layers.RandomRotation(4 / 360, **nearest),
            keras.layers.RandomColorJitter((0, 255), 0.3, 0.3, (0.35, 0.65), 10 / 360),
            keras.layers.RandomGaussianBlur(1.0, kernel_size=5, sigma=1.0),
        ]
    )
    run = tf.function(lambda batch: layers(batch, training=True), jit_compile=False)
    batch = {
        "images": tf.constant(images, tf.float32),
        "segmentation_masks": tf.constant(masks[..., None], tf.float32),
    }
    return lambda: run(batch)["images"].numpy()
