"""How many scenes, and how they are changed: mean IoU on the training scenes and on new drives.

A U-Net of width 8 learns 12, 60 or 300 scenes of 64×96 pixels, each of a drive of its own, in
PyTorch, always with the same number of steps. The seed gives the drives to learn from, the start of
the network, the order of the batches and what is drawn; all are judged on the same 80 scenes of
other drives. Lesson 08 shows the figures.
"""

from dataclasses import replace

import numpy as np
import torch

from helpers.augment import STREET, Augment
from helpers.classes import LYFT
from helpers.metrics import Confusion
from helpers.pytorch.predict import predict_masks
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.streets import scenes

STEPS = 800
MOST = 300  # scenes of one seed
SIZE = {"height": 64, "width": 96}

KINDS = {
    "off": Augment(),
    "street": STREET,
    "geometric only": Augment(flip=STREET.flip, scale=STREET.scale, rotate=STREET.rotate),
    "photometric only": replace(STREET, flip=0, scale=(1, 1), rotate=0),
    "strong": Augment(
        flip=0.5,
        scale=(0.5, 2),
        rotate=15,
        elastic=0.05,
        brightness=0.5,
        contrast=0.5,
        saturation=0.5,
        hue=30,
        blur=1.5,
        noise=0.08,
    ),
}
ROWS = [(12, kind) for kind in KINDS]
ROWS += [(count, kind) for count in (60, 300) for kind in ("off", "street")]


def prior(masks: np.ndarray) -> np.ndarray:
    """The most frequent class of each pixel, H×W: an answer that looks at no image."""
    return np.stack([(masks == k).sum(0) for k in range(len(LYFT))]).argmax(0).astype(np.uint8)


def mean_iou(truth: np.ndarray, found: np.ndarray) -> float:
    return round(Confusion().add(truth, found).mean_iou(), 4)


def measure(seed: int, steps: int = STEPS) -> dict:
    torch.set_num_threads(1)
    images, masks = scenes(range(seed * MOST, (seed + 1) * MOST), (0,), **SIZE)
    new_images, new_masks = scenes(range(1000, 1040), (0, 20), **SIZE)
    blind = np.broadcast_to(prior(masks), new_masks.shape)
    values = {"training steps": steps, "no model: new drives": mean_iou(new_masks, blind)}
    for count, kind in ROWS:
        torch.manual_seed(seed)
        network = unet(len(LYFT), width=8)
        seen = images[:count], masks[:count]
        train(network, *seen, steps, 8, 0.01, seed=seed, augment=KINDS[kind], progress=False)
        for where, (x, truth) in {"seen": seen, "new drives": (new_images, new_masks)}.items():
            values[f"{count} scenes, {kind}: {where}"] = mean_iou(truth, predict_masks(network, x))
    return values
