"""What an output pixel of a network really looks at: its gradient with respect to the image."""

import numpy as np
import torch
from torch import nn

from helpers.pytorch.predict import tensor


def input_gradient(model: nn.Module, image: np.ndarray, pixel: tuple[int, int]) -> np.ndarray:
    """The effective receptive field of one output pixel, float32 H×W (Luo et al. 2016,
    arXiv:1701.04128): how strongly the sum of its logits reacts to each pixel of the image.

    Args:
        model: gives logits N×C×h×w for float32 images N×3×H×W in [0, 1].
        image: uint8 H×W×3.
        pixel: row and column in the output.
    """
    training = model.training
    model.eval()
    x = tensor(image[None], next(model.parameters()).device).requires_grad_()
    logits = model(x)[0, :, *pixel].sum()
    (gradient,) = torch.autograd.grad(logits, x)
    model.train(training)
    return gradient[0].abs().sum(0).cpu().numpy()
