"""Losses on logits N×C×H×W and masks N×H×W of integer class ids; 255 = ignore. All give a scalar.

A pixel that is ignored adds nothing and counts nowhere; where all are, the loss is 0.
"""

import torch
from torch.nn import functional as F

from helpers.classes import IGNORE


def cross_entropy(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The mean over the pixels of −log p(true class), p = softmax(logits)."""
    masks = masks.long()
    total = F.cross_entropy(logits.float(), masks, ignore_index=IGNORE, reduction="sum")
    return total / (masks != IGNORE).sum().clamp(min=1)


def soft_dice(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """1 − the mean over the classes present of 2 Σ p·t / (Σ p + Σ t), sums over the whole batch.

    p = softmax(logits), t = 1 where the class is the true one, else 0. Milletari, Navab and
    Ahmadi 2016 (V-Net, arXiv:1606.04797) with plain sums in place of the squares, as in Drozdzal
    et al. 2016 (arXiv:1608.04117). A class that is absent has no overlap to gain, so it is left
    out.
    """
    classes = logits.shape[1]
    valid = masks != IGNORE
    truth = F.one_hot(torch.where(valid, masks, classes).long(), classes + 1)[..., :-1].float()
    p = torch.softmax(logits.float().permute(0, 2, 3, 1), dim=-1) * valid[..., None]
    overlap, area = (p * truth).sum((0, 1, 2)), truth.sum((0, 1, 2))
    size = p.sum((0, 1, 2)) + area
    present = area > 0
    dice = torch.where(present, 2 * overlap / size.clamp(min=1e-7), 0)
    return (present.sum() - dice.sum()) / present.sum().clamp(min=1)


def cross_entropy_dice(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """`cross_entropy` + `soft_dice` (Isensee et al. 2018, nnU-Net, arXiv:1809.10486)."""
    return cross_entropy(logits, masks) + soft_dice(logits, masks)
