"""The Lovász-softmax loss."""

import torch

from helpers.pytorch.losses.pixels import mean_over_present, probabilities


def lovasz_softmax(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The mean over the classes present of the Lovász extension of 1 − IoU.

    Berman, Rannen Triki and Blaschko 2018 (arXiv:1705.08790), algorithm 1. For one class let
    m = |t − p| be the errors, sorted from large to small. The loss is Σ m_i g_i, where g_i is what
    1 − IoU grows by when pixel i, too, is given the wrong label. With I and U the intersection and
    the union after that,

        g_i = 1 / U for a true pixel of the class,    g_i = I / (U (U − 1)) for any other

    It is convex in the errors, and equals 1 − IoU where all of them are 0 or 1.

    Args:
        logits, masks: see `losses`.

    Raises:
        ValueError: shapes that do not fit, an id that is no class.
    """
    p, t = probabilities(logits, masks)
    errors = (t - p).abs().flatten(0, 2).T  # C×pixels, 0 if ignored
    errors, order = errors.sort(dim=1, descending=True, stable=True)
    true = t.flatten(0, 2).T.gather(1, order)
    area = true.sum(1, keepdim=True)
    intersection = area - true.cumsum(1)
    union = area + (1 - true).cumsum(1)
    others = intersection / (union * (union - 1)).clamp(min=1)
    growth = torch.where(true > 0, 1 / union, others)
    return mean_over_present((errors * growth).sum(1), t)
