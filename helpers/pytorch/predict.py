"""What the model says, as NumPy arrays."""

import numpy as np
import torch
from torch import nn


def tensor(images: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """Images uint8 N×H×W×3 as float32 N×3×H×W in [0, 1], channels last in memory."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255


def predict(model: nn.Module, images: np.ndarray, batch: int = 8) -> np.ndarray:
    """Class probabilities float32 N×H×W×C for images uint8 N×H×W×3."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    probabilities = []
    with torch.inference_mode():
        for i in range(0, len(images), batch):
            logits = model(tensor(images[i : i + batch], device))
            probabilities.append(torch.softmax(logits, dim=1).permute(0, 2, 3, 1).cpu().numpy())
    model.train(training)
    return np.concatenate(probabilities)


def predict_masks(model: nn.Module, images: np.ndarray, batch: int = 8) -> np.ndarray:
    """The most likely class of each pixel, uint8 N×H×W, for images uint8 N×H×W×3."""
    # By parts: the probabilities of many images take 13 × 4 times the memory of their masks.
    parts = [images[i : i + batch] for i in range(0, len(images), batch)]
    masks = [predict(model, part, batch).argmax(-1).astype(np.uint8) for part in parts]
    return np.concatenate(masks)
