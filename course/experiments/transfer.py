"""Twelve scenes, from scratch and with an encoder carried over: mean IoU on new drives.

The source is 300 scenes with six coarse labels; the target 12 scenes of other drives with all 13
classes. A U-Net of width 8 learns the source, gets a new head, and learns the target with its
encoder (the left half) frozen or free. `from scratch` begins at random, once with the same steps on
the target, once with those of the source on top. PyTorch, 64×96 pixels, no augmentation. The seed
gives the drives, the networks' starts and the order of the batches; all are judged on the same 80
scenes. Lesson 08 shows the figures.
"""

import numpy as np
import torch
from torch import nn

from course.experiments.augmentation import MOST, SIZE, mean_iou, prior
from helpers.augment import Augment
from helpers.classes import LYFT
from helpers.data import batches
from helpers.pytorch.losses import cross_entropy_dice
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.unet import unet
from helpers.schedule import one_cycle
from helpers.streets import scenes

STEPS = 300
TARGET = 12  # scenes with all 13 classes

# none; buildings, fences, walls; other, poles, signs; pedestrians, vehicles; ground; vegetation
COARSE = np.array([0, 1, 1, 2, 3, 2, 4, 4, 4, 5, 3, 1, 2], np.uint8)


def learn(network: nn.Module, images, masks, steps: int, seed: int, frozen=()) -> nn.Module:
    """Trains in place; the parts in `frozen` keep their weights and their batch norms' averages."""
    for part in frozen:
        part.requires_grad_(False)
    free = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(free, weight_decay=0.004)
    pairs = batches(images, masks, 4, seed, Augment())
    network.train()
    for part in frozen:
        part.eval()
    for step in range(steps):
        x, truth = next(pairs)
        loss = cross_entropy_dice(network(tensor(x)), torch.from_numpy(truth).long())
        optimizer.param_groups[0]["lr"] = 0.01 * one_cycle(step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def carried(source: nn.Module, seed: int) -> nn.Module:
    """A network for 13 classes with the weights of `source`, but for the head."""
    torch.manual_seed(seed)
    network = unet(len(LYFT), width=8)
    kept = {k: v for k, v in source.state_dict().items() if not k.startswith("head")}
    network.load_state_dict(network.state_dict() | kept)
    return network


def measure(seed: int, steps: int = STEPS) -> dict:
    torch.set_num_threads(1)
    images, masks = scenes(range(seed * MOST, (seed + 1) * MOST), (0,), **SIZE)
    few = scenes(range(900 + seed * TARGET, 900 + (seed + 1) * TARGET), (0,), **SIZE)
    new_images, new_masks = scenes(range(1000, 1040), (0, 20), **SIZE)

    torch.manual_seed(100 + seed)
    source = learn(unet(COARSE.max() + 1, width=8), images, COARSE[masks], steps, seed)
    values = {"steps on the target": steps}
    blind = np.broadcast_to(prior(few[1]), new_masks.shape)
    values["no model"] = mean_iou(new_masks, blind)
    for name, kind in {
        "from scratch": "scratch",
        "from scratch, twice the steps": "longer",
        "carried over, encoder frozen": "frozen",
        "carried over, all free": "free",
    }.items():
        torch.manual_seed(seed)
        from_scratch = kind in ("scratch", "longer")
        network = unet(len(LYFT), width=8) if from_scratch else carried(source, seed)
        frozen = [network.down, network.bottom] if kind == "frozen" else []
        learn(network, *few, steps * (1 + (kind == "longer")), seed, frozen)
        values[name] = mean_iou(new_masks, predict_masks(network, new_images))
    return values
