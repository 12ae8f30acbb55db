"""The assignment lyft_unet: its questions, their points, and the IoU bars of the trained model."""

import numpy as np

from grader.checks import Question, masks_and_metrics
from grader.checks.losses import dice_cases
from grader.checks.masks import crop_cases, hot_cases
from grader.checks.metrics import iou_cases
from helpers.designs import Build
from helpers.rules import SAME, Bar

BARS = {
    # On hidden streets a map of the most frequent class at each place reaches 0.83 on Roads, 0.00
    # on Vehicles and 0.32 on the mean; a table of colour and place 0.82, 0.11 and 0.48. Every bar
    # lies above both. The course's U-Net of width 8 clears the last ones with each seed, and the
    # examples' models do on each of a hundred draws (assignments/calibration.json).
    "streets": (
        Bar("Roads", 0.86, 0.10),
        Bar("Roads", 0.87, 0.10),
        Bar("Roads", 0.88, 0.10),
        Bar("Vehicles", 0.30, 0.10),
        Bar("Vehicles", 0.40, 0.10),
        Bar("Vehicles", 0.50, 0.10),
        Bar("graded", 0.55, 0.15),
        Bar("graded", 0.65, 0.15),
        Bar("graded", 0.72, 0.10),
    ),
    # For real frames: from what is published, not from runs of ours. Run your own solution first.
    "lyft": (
        Bar("Roads", 0.90, 0.10),
        Bar("Roads", 0.93, 0.10),
        Bar("Roads", 0.95, 0.10),
        Bar("Vehicles", 0.30, 0.10),
        Bar("Vehicles", 0.45, 0.10),
        Bar("Vehicles", 0.60, 0.10),
        Bar("graded", 0.50, 0.15),
        Bar("graded", 0.60, 0.15),
        Bar("graded", 0.68, 0.10),
    ),
}
"""IoU on the hidden scenes, pooled over all of them → share of the points of `trained_model`."""


PUBLIC = (Build(13, 8, 96, 128), Build(5, 6, 64, 80), Build(3, 4, 112, 48))


def unet_builds(rng: np.random.Generator) -> list[Build]:
    """The network of the challenge, another public one, and one of its own size and width."""
    height, columns = (16 * int(n) for n in rng.choice((2, 3, 7, 9), 2, replace=False))
    classes = int(rng.choice([n for n in range(2, 21) if n not in (5, 13)]))
    return [*PUBLIC[:2], Build(classes, 2 * int(rng.choice((2, 5, 6))), height, columns)]


QUESTIONS = {
    "prepare_label": masks_and_metrics.QUESTIONS["prepare_label"],
    "one_hot": Question(
        5,
        "function",
        {"maps": 0.6, "ignore": 0.4},
        hot_cases,
        asks="one_hot(mask, classes) gives a map of 0 and 1 for each class; 255 is in none.",
        lesson="01 One-hot target, and argmax back",
    ),
    "crop_flip": Question(
        5,
        "function",
        {"crop": 0.4, "flip": 0.6},
        crop_cases,
        asks=(
            "crop_flip(image, mask, top, left, height, width, flip) cuts both alike, and mirrors "
            "both or none."
        ),
        lesson="02 Augmentation comes in pairs",
    ),
    "unet": Question(
        25,
        "network",
        {
            "any size": 0.2,
            "levels": 0.2,
            "skips": 0.3,
            "parameters": 0.1,
            SAME: 0.2,
        },
        design="unet",
        builds=unet_builds,
        public_builds=PUBLIC,
        asks="unet(classes, width) builds a U-Net with four levels and skips by concatenation.",
        lesson="06 The whole U",
    ),
    "iou": Question(
        10,
        "function",
        {"values": 0.5, "absent": 0.3, "ignore": 0.2},
        iou_cases,
        asks=(
            "iou(truth, prediction, classes) gives the IoU of each class; nan where it is in "
            "neither mask."
        ),
        lesson="03 IoU and Dice",
    ),
    "soft_dice": Question(
        10,
        "loss",
        {"loss": 1.0},
        dice_cases,
        asks="soft_dice(logits, masks) gives one minus the mean soft Dice of all classes.",
        lesson="07 Dice, by multiplying two pictures",
    ),
    "trained_model": Question(
        25,
        "model",
        {"IoU": 1.0},
        asks="model.onnx labels hidden scenes; its IoU is held against bars.",
        lesson="08 What to remember",
    ),
}
