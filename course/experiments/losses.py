"""Five losses, the same network, data and order of batches: the IoU of each class on new drives.

A U-Net of width 8 learns 360 scenes of 64×96 pixels in PyTorch and is judged on 80 scenes of other
drives. The seed gives the network's start and the order of the batches; the scenes stay the same.
Lesson 07 shows the figures beside a shorter run of its own.
"""

import numpy as np
import torch

from helpers import class_weights
from helpers.classes import LYFT
from helpers.metrics import Confusion
from helpers.pytorch import losses
from helpers.pytorch.predict import predict_masks
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.streets import scenes

SEEDS = (0, 1, 2)
STEPS = 800


def five(weights: np.ndarray) -> dict:
    """name → loss(logits, masks); `weights` are those of the classes."""
    return {
        "cross-entropy": losses.cross_entropy,
        "weighted cross-entropy": lambda z, m: losses.cross_entropy(z, m, weights),
        "focal": losses.focal,
        "soft Dice": losses.soft_dice,
        "cross-entropy + Dice": losses.cross_entropy_dice,
    }


def iou_by(loss, seed: int, steps: int, data: tuple) -> np.ndarray:
    """Trains one network by `loss` and gives the IoU of each class, C."""
    images, masks, new_images, new_masks = data
    torch.manual_seed(seed)
    network = unet(len(LYFT), width=8)
    train(network, images, masks, steps, 8, 0.01, loss, seed, progress=False)
    return Confusion().add(new_masks, predict_masks(network, new_images)).iou()


def scenes_of_lesson() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and masks to learn from, images and masks to be judged on: uint8, as in lesson 07."""
    seen = scenes(range(120), (0, 20, 40), height=64, width=96)
    return *seen, *scenes(range(1000, 1040), (0, 20), height=64, width=96)


def measure(seed: int, steps: int = STEPS) -> dict:
    torch.set_num_threads(1)
    data = scenes_of_lesson()
    counts = class_weights.count(data[1])
    values = {"training steps": steps}
    for name, share in zip(LYFT.names, counts.sum(0) / counts.sum(), strict=True):
        values[f"share of the pixels: {name}"] = round(float(share), 5)
    for loss_name, loss in five(class_weights.median_frequency(counts)).items():
        for class_name, iou in zip(LYFT.names, iou_by(loss, seed, steps, data), strict=True):
            values[f"{loss_name}: {class_name}"] = round(float(iou), 4)
    return values
