"""Our networks against those of segmentation-models-pytorch: speed, and mean IoU after the same
processor time on streets. None of them is pretrained, and our `train` trains them all.
"""

import time
from collections.abc import Callable, Iterator

import torch
from torch import nn

from helpers.metrics import Confusion
from helpers.pytorch.networks import NETWORKS
from helpers.pytorch.predict import predict_masks
from helpers.pytorch.train import train
from helpers.streets import scenes
from tests import smp
from tests.bench.measure import row

SECONDS = 90  # of training, for each network
PEERS = {
    "unet": {"plain": {"width": 16}, "resnet18": {"width": 16, "encoder": "resnet18"}},
    "deeplabv3plus": {
        "plain": {"width": 16},
        "resnet18": {"width": 64, "encoder": "resnet18"},  # 256 maps after the pyramid, as theirs
    },
}


def rows() -> Iterator[dict]:
    torch.set_num_threads(1)
    seen = scenes(range(300), (0, 30, 60))
    new = scenes(range(1000, 1040), (0, 30))
    for name, variants in PEERS.items():
        peer = f"smp {name}, resnet18"
        theirs = measured(lambda name=name: smp.network(name), seen, new)
        for encoder, options in variants.items():
            ours = measured(
                lambda name=name, options=options: NETWORKS[name](13, **options), seen, new
            )
            label = f"{name} {encoder}, 96×128"
            yield row(f"{label}, training", ours[0], theirs[0], peer, "step/s CPU", 1)
            what = f"mean IoU {SECONDS}s"
            yield row(f"{label}, quality", ours[1], theirs[1], peer, what, 1)


def measured(make: Callable[[], nn.Module], seen: tuple, new: tuple) -> tuple[float, float]:
    """Training steps of 8 pairs per second of processor time, and the mean IoU on new drives after
    as many steps as fit into SECONDS."""
    torch.manual_seed(0)
    trial = make()
    train(trial, *seen, steps=3, progress=False)
    start = time.process_time()
    train(trial, *seen, steps=15, progress=False)
    rate = 15 / (time.process_time() - start)
    torch.manual_seed(0)
    network = make()
    train(network, *seen, steps=round(SECONDS * rate), progress=False)
    return rate, Confusion().add(new[1], predict_masks(network, new[0])).mean_iou()
