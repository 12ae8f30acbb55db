"""One training loop for every network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.augment import Augment
from helpers.data import batches
from helpers.pytorch.losses import cross_entropy_dice
from helpers.pytorch.predict import tensor
from helpers.schedule import timetable


def train(
    model: nn.Module,
    images: np.ndarray,
    masks: np.ndarray,
    steps: int = 600,
    batch: int = 8,
    learning_rate: float = 3e-3,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = cross_entropy_dice,
    seed: int = 0,
    seconds: float | None = None,
    progress: bool = True,
    augment: Augment | None = None,
) -> list[tuple[int, float]]:
    """Trains the model in place, where it is (CPU or GPU), and gives the loss of each step.

    AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101) under a one-cycle learning rate with the
    peak `learning_rate`. The same seed gives the same run on a CPU with one thread.

    Args:
        model: gives logits N×C×H×W for float32 images N×3×H×W in [0, 1].
        images: uint8 N×H×W×3.
        masks: uint8 N×H×W of class ids, 255 = ignore.
        steps: how many batches to learn from.
        loss: of (float32 logits, int64 masks); see `losses`.
        seconds: train for so long, in place of `steps`; the schedule fits itself to the clock.
        augment: how to change the pairs; without it, half of them are mirrored.

    Returns:
        [(step, loss), …]. Ctrl-C stops early: the model keeps what it has learnt.
    """
    torch.manual_seed(seed)
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), learning_rate, eps=1e-7, weight_decay=0.004, fused=True
    )
    pairs = batches(images, masks, batch, seed, augment)
    history = []
    try:
        for step, factor, bar in timetable(steps, seconds, progress):
            x, truth = next(pairs)
            optimizer.param_groups[0]["lr"] = factor * learning_rate
            with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
                logits = model(tensor(x, device)).float()
            value = loss(logits, torch.from_numpy(truth).to(device, torch.int64))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            history.append((step, value.item()))
            bar.set_postfix(loss=f"{value.item():.3f}", refresh=False)
    except KeyboardInterrupt:
        pass
    model.eval()
    return history


def fast_bfloat16(device: torch.device) -> bool:
    """Whether 16-bit convolutions are native there: elsewhere they are slower than 32-bit ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpu = Path("/proc/cpuinfo")  # Linux; other systems stay with float32
    return device.type == "cpu" and cpu.exists() and "avx512_bf16" in cpu.read_text()
