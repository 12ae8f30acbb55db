"""What every loss does first: look at the shapes, set the ignored pixels aside."""

import torch
from torch.nn import functional as F

from helpers.classes import IGNORE


def counted(
    logits: torch.Tensor, masks: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The two inputs of a loss, ready to compute with, and which pixels count.

    Returns:
        logits in float32 at least, N×C×H×W; masks int64 N×H×W, 0 where ignored; valid bool N×H×W.

    Raises:
        ValueError: the shapes do not fit, or an id is neither below C nor 255.
    """
    shape, classes = tuple(logits.shape), logits.shape[1] if logits.ndim == 4 else None
    if classes is None or tuple(masks.shape) != (shape[0], *shape[2:]):
        raise ValueError(
            f"logits {shape} and masks {tuple(masks.shape)} do not fit: "
            "N×C×H×W logits go with N×H×W class ids"
        )
    valid = masks != IGNORE
    masks = torch.where(valid, masks, 0).long()
    if (wrong := (masks < 0) | (masks >= classes)).any():
        image, row, column = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"class id {masks[image, row, column]} at row {row}, column {column} of mask {image} "
            f"of the batch; ids are 0 to {classes - 1}, or 255 for ignore"
        )
    return logits.to(torch.promote_types(logits.dtype, torch.float32)), masks, valid


def probabilities(logits: torch.Tensor, masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """p and t of the formulas, both N×H×W×C and 0 where ignored."""
    logits, masks, valid = counted(logits, masks)
    p = torch.softmax(logits.permute(0, 2, 3, 1), dim=-1) * valid[..., None]
    t = F.one_hot(masks, logits.shape[1]).to(p.dtype) * valid[..., None]
    return p, t


def mean_over_present(losses: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The mean of the losses (C) of those classes that have a true pixel; 0 if there is none.

    A class that is absent has no overlap to gain, so it is left out.
    """
    present = t.sum((0, 1, 2)) > 0
    return torch.where(present, losses, 0).sum() / present.sum().clamp(min=1)
