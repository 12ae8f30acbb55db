"""What the model says, as NumPy arrays."""

import keras
import numpy as np
from keras import ops


def predict(model: keras.Model, images: np.ndarray, batch: int = 8) -> np.ndarray:
    """Class probabilities float32 N×H×W×C for images uint8 N×H×W×3."""
    probabilities = []
    for i in range(0, len(images), batch):
        x = ops.cast(images[i : i + batch], "float32") / 255
        logits = ops.cast(model(x, training=False), "float32")
        probabilities.append(ops.convert_to_numpy(ops.softmax(logits, axis=-1)))
    return np.concatenate(probabilities)


def predict_masks(model: keras.Model, images: np.ndarray, batch: int = 8) -> np.ndarray:
    """The most likely class of each pixel, uint8 N×H×W, for images uint8 N×H×W×3."""
    # By parts: the probabilities of many images take 13 × 4 times the memory of their masks.
    parts = [images[i : i + batch] for i in range(0, len(images), batch)]
    masks = [predict(model, part, batch).argmax(-1).astype(np.uint8) for part in parts]
    return np.concatenate(masks)
