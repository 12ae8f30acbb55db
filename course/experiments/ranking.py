"""FCN-32s, FCN-16s, FCN-8s and U-Net after the same time on a core, judged on new drives.

Width 16, 96×128 pixels, PyTorch, cross-entropy + Dice, one peak learning rate. A network that takes
longer for a step gets fewer steps: as many as fit in MINUTES of processor time. The seed gives the
start of the network and the order of the batches; the scenes stay the same. Lessons 05 and 10 read
the figures.
"""

import time

import numpy as np
import torch

from helpers.boundary import BoundaryF1
from helpers.classes import LYFT
from helpers.metrics import Confusion
from helpers.pytorch.networks import NETWORKS
from helpers.pytorch.predict import predict_masks
from helpers.pytorch.train import train
from helpers.streets import scenes

RANKED = {"fcn32": "FCN-32s", "fcn16": "FCN-16s", "fcn8": "FCN-8s", "unet": "U-Net"}
MINUTES = 3


def scenes_to_rank() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and masks to learn from, images and masks of other drives to be judged on."""
    return *scenes(range(400), (0, 30, 60)), *scenes(range(1000, 1040), (0, 30, 60))


def start(name: str, seed: int) -> torch.nn.Module:
    """A new network of that name; the seed draws its weights."""
    torch.manual_seed(seed)
    return NETWORKS[name](len(LYFT), width=16)


def seconds_per_step(name: str, images: np.ndarray, masks: np.ndarray, steps: int = 12) -> float:
    """Processor time of one step of training, in seconds: other programs do not count."""
    network = start(name, 0)
    train(network, images, masks, steps=3, progress=False)
    before = time.process_time()
    train(network, images, masks, steps=steps, progress=False)
    return (time.process_time() - before) / steps


def trained(name: str, seed: int, steps: int, images: np.ndarray, masks: np.ndarray):
    """The network after so many steps."""
    network = start(name, seed)
    train(network, images, masks, steps=steps, seed=seed, progress=False)
    return network


def scores(network: torch.nn.Module, images: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """Mean IoU over all classes that occur, IoU of RoadLines, mean boundary F1 within 1 pixel."""
    predicted = predict_masks(network, images)
    confusion = Confusion().add(masks, predicted)
    f1 = BoundaryF1(len(LYFT), tolerance=1).add(masks, predicted).f1()
    return {
        "mean IoU": round(confusion.mean_iou(), 4),
        "IoU of RoadLines": round(float(confusion.iou()[LYFT.id("RoadLines")]), 4),
        "boundary F1": round(float(np.nanmean(f1)), 4),
    }


def without_model(masks: np.ndarray, new_masks: np.ndarray) -> float:
    """Mean IoU of the answer that is the most frequent class everywhere."""
    most = np.bincount(masks.reshape(-1), minlength=len(LYFT)).argmax()
    return round(Confusion().add(new_masks, np.full_like(new_masks, most)).mean_iou(), 4)


def measure(seed: int) -> dict:
    torch.set_num_threads(1)
    images, masks, new_images, new_masks = scenes_to_rank()
    values = {"no model: mean IoU": without_model(masks, new_masks)}
    for name, title in RANKED.items():
        steps = round(60 * MINUTES / seconds_per_step(name, images, masks))
        values[f"{title}: steps"] = steps
        network = trained(name, seed, steps, images, masks)
        values |= {f"{title}: {k}": v for k, v in scores(network, new_images, new_masks).items()}
    return values
