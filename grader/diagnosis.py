"""The usual mistakes of a training, found by what would mend them on public scenes."""

from collections.abc import Callable

import numpy as np

from helpers.classes import GRADED, LYFT
from helpers.masks import remove_hood
from helpers.metrics import Confusion
from helpers.rules import judged_iou

CLASSES = len(LYFT)
GAIN = 0.05
"""A change that mends a mistake lifts the mean IoU by more than this."""

IMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "it was trained on blue, green, red: images are RGB, as Pillow reads them": (
        lambda images: images[..., ::-1]
    ),
    "it was trained on images of 0 to 255: images in [0, 1] go in, so divide before you train": (
        lambda images: images.astype(np.float32) * 255
    ),
}
"""Hint → images (0 to 255) on which such a model does better."""

MASKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "its masks are mirrored: what flips an image must flip its mask": lambda p: p[:, :, ::-1],
    "its masks are upside down: what turns an image must turn its mask": lambda p: p[:, ::-1],
    "its ids are one too high: the first class is 0": lambda p: (p + CLASSES - 1) % CLASSES,
    "its ids are one too low: the first map is that of class 0": lambda p: (p + 1) % CLASSES,
    "it calls the hood a vehicle: train on labels that prepare_label has cleaned": (
        lambda p: np.stack([*map(remove_hood, p)])
    ),
}
"""Hint → what makes better masks of those of such a model."""


def training_mistake(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
) -> str:
    """The hint of the mistake that explains most of what is wrong, or "".

    Args:
        predict: what the model makes of images.
        images: of 0 to 255, N×H×W×3.
        truth, prediction: masks N×H×W; the prediction is that of these images.
    """
    if (prediction == prediction[0]).all():
        return "it gives the same mask for every image: it does not look at them"
    plain = graded(truth, prediction)
    trials = {hint: change(prediction) for hint, change in MASKS.items()}
    trials |= {hint: predict(change(images)) for hint, change in IMAGES.items()}
    reached = {hint: graded(truth, masks.astype(np.uint8)) for hint, masks in trials.items()}
    best = max(reached, key=reached.get)
    if reached[best] > plain + GAIN:
        return best
    never = [name for name in GRADED if not (prediction == LYFT.id(name)).any()]
    return (
        f"it never says {' or '.join(never)}: is the class in your training masks?" if never else ""
    )


def graded(truth: np.ndarray, prediction: np.ndarray) -> float:
    """The mean IoU of the graded classes."""
    return judged_iou(Confusion().add(truth, prediction))["graded"]
