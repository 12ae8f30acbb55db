"""What rates are worth: seven convolutions in a row, DeepLab and a U-Net, after the same time.

96×128 pixels, PyTorch, cross-entropy + Dice, judged as in `ranking`. Each network gets as many
steps as fit in SECONDS of processor time. The seed gives the start of the network and the order of
the batches; the scenes stay the same. Lesson 09 reads the figures.
"""

import time
from functools import partial

import numpy as np
import torch
from torch import nn

from course.experiments.augmentation import prior
from course.experiments.ranking import scores
from helpers.classes import LYFT
from helpers.metrics import Confusion
from helpers.pytorch.deeplab import deeplabv3, deeplabv3plus
from helpers.pytorch.layers import conv_norm_relu, initialize
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.streets import scenes


def row_of_convolutions(classes: int, rates: tuple[int, ...], width: int = 16) -> nn.Sequential:
    """3×3 convolutions, one for each rate, and a 1×1: N×3×H×W to N×classes×H×W, never smaller.

    With the rates (1, 1, 2, 4, 8, 16, 1) they see what the context module of Yu and Koltun 2016
    (arXiv:1511.07122) sees.
    """
    before = [3] + len(rates) * [width]
    layers = [conv_norm_relu(b, width, dilation=r) for b, r in zip(before, rates, strict=False)]
    network = nn.Sequential(*layers, nn.Conv2d(width, classes, 1))
    initialize(network)
    return network


COMPARED = {
    "7 convolutions, all rates 1": partial(row_of_convolutions, rates=7 * (1,)),
    "7 convolutions, rates to 16": partial(row_of_convolutions, rates=(1, 1, 2, 4, 8, 16, 1)),
    "DeepLabv3, stride 16": partial(deeplabv3, width=8, output_stride=16),
    "DeepLabv3+, rates 1 1 1": partial(deeplabv3plus, width=8, rates=(1, 1, 1)),
    "DeepLabv3+, rates 1 2 3": partial(deeplabv3plus, width=8, rates=(1, 2, 3)),
    "DeepLabv3+, rates 6 12 18": partial(deeplabv3plus, width=8, rates=(6, 12, 18)),
    "U-Net": partial(unet, width=8),
}
"""title → network(classes). The output stride of the DeepLabv3+ is 16."""
SECONDS = 60


def trained(title: str, seed: int, steps: int, images: np.ndarray, masks: np.ndarray):
    """The network after so many steps, and the processor time of one, in seconds."""
    torch.manual_seed(seed)
    network = COMPARED[title](len(LYFT))
    before = time.process_time()
    train(network, images, masks, steps, learning_rate=0.01, seed=seed, progress=False)
    return network, (time.process_time() - before) / steps


def scenes_of_experiment() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and masks to learn from, images and masks of other drives to be judged on."""
    return *scenes(range(200), (0, 30, 60)), *scenes(range(1000, 1040), (0, 30, 60))


def measure(seed: int, seconds: float = SECONDS) -> dict:
    torch.set_num_threads(1)
    images, masks, new_images, new_masks = scenes_of_experiment()
    blind = np.broadcast_to(prior(masks), new_masks.shape)
    values = {"no model: mean IoU": round(Confusion().add(new_masks, blind).mean_iou(), 4)}
    for title in COMPARED:
        # the fastest of some short runs: other programs disturb the others, and the first is slow
        fastest = min(trained(title, 0, 5, images, masks)[1] for _ in range(3))
        steps = max(2, round(seconds / fastest))
        network, _ = trained(title, seed, steps, images, masks)
        values[f"{title}: parameters"] = sum(p.numel() for p in network.parameters())
        values[f"{title}: steps"] = steps
        values |= {f"{title}: {k}": v for k, v in scores(network, new_images, new_masks).items()}
    return values
