"""One training loop for every network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.augment import Augment
from helpers.data import batches
from helpers.metrics import Confusion
from helpers.pytorch import checkpoint
from helpers.pytorch.losses import cross_entropy_dice
from helpers.pytorch.predict import tensor
from helpers.training import History, Training, same_again


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
    epochs: int | None = None,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    every: int | None = None,
    folder: str | Path | None = None,
) -> History:
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
        epochs: see every pair so often, in place of `steps`.
        validation: images and masks that are not trained on; after each epoch their mean IoU and
            loss are measured.
        every: validate and save after so many steps, in place of after each epoch (of 50 steps or
            more).
        folder: keeps the weights with the best mean IoU in validation (best.safetensors), and
            resume.safetensors. A training that was cut off, by Ctrl-C or otherwise, goes on from
            there when it is called again, and gives the history of an undisturbed one.

    Returns:
        [(step, loss), …], with the attribute `validation`: [(step, mean IoU, loss), …]. Ctrl-C
        stops early: the model keeps what it has learnt.

    Raises:
        ValueError: there are fewer pairs than one batch needs; or the folder holds a training of
            another network or with other settings.
        OSError: the folder cannot be written.
    """
    torch.manual_seed(seed)
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), learning_rate, eps=1e-7, weight_decay=0.004, fused=True
    )
    settings = same_again(images, batch, learning_rate, seed, augment)
    epoch = max(1, len(images) // batch)
    training = Training(epoch, steps, epochs, seconds, every, folder, progress, settings)
    if training.arrays:
        checkpoint.set_state(model, optimizer, training.arrays, training.file)
    pairs = batches(images, masks, batch, seed, augment, skip=training.step)
    with training:
        while not training.over:
            x, truth = next(pairs)
            optimizer.param_groups[0]["lr"] = training.factor * learning_rate
            with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
                logits = model(tensor(x, device)).float()
            value = loss(logits, torch.from_numpy(truth).to(device, torch.int64))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            training.log(value.item(), glance(logits, truth))

            if validation and training.validation_due:
                best = training.score(*evaluate(model, *validation, loss, batch))
                if best and folder:
                    checkpoint.save(model, folder)
            if training.saving_due:
                training.save(checkpoint.state(model, optimizer))
    model.eval()
    return training.history


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    images: np.ndarray,
    masks: np.ndarray,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = cross_entropy_dice,
    batch: int = 8,
) -> tuple[float, float]:
    """The mean IoU, pooled over all images, and the mean loss; as `train` does for validation.

    Args: as in `train`. The model is not changed.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    confusion, total = None, 0.0
    for i in range(0, len(images), batch):
        logits = model(tensor(images[i : i + batch], device)).float()
        truth = masks[i : i + batch]
        total += len(truth) * loss(logits, torch.from_numpy(truth).to(device, torch.int64)).item()
        confusion = confusion or Confusion(logits.shape[1])
        confusion.add(truth, logits.argmax(1).cpu().numpy())
    model.train(was_training)
    return confusion.mean_iou(), total / len(images)


def glance(logits: torch.Tensor, truth: np.ndarray) -> float | None:
    """The mean IoU of every fourth row and column of a batch: quick, for the progress bar."""
    if logits.shape[2:] != truth.shape[1:]:
        return None
    prediction = logits.detach()[:, :, ::4, ::4].argmax(1).cpu().numpy()
    return Confusion(logits.shape[1]).add(truth[:, ::4, ::4], prediction).mean_iou()


def fast_bfloat16(device: torch.device) -> bool:
    """Whether 16-bit convolutions are native there: elsewhere they are slower than 32-bit ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpu = Path("/proc/cpuinfo")  # Linux; other systems stay with float32
    return device.type == "cpu" and cpu.exists() and "avx512_bf16" in cpu.read_text()
