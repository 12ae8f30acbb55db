"""Scores inside training, on logits N×C×H×W and masks N×H×W of integer class ids.

Counting happens where the tensors are; only the C×C counts move. The formulas are those of
`helpers.metrics`, so the values are the same. To score many batches, add their counts:

    matrix = sum(confusion_matrix(model(x), y) for x, y in loader)
    Confusion(13, matrix=matrix.cpu()).mean_iou()
"""

import torch

from helpers.boundary import BoundaryF1
from helpers.classes import IGNORE
from helpers.metrics import Confusion


@torch.no_grad()
def confusion_matrix(
    logits: torch.Tensor, masks: torch.Tensor, ignore: int = IGNORE
) -> torch.Tensor:
    """How many pixels of each true class (row) got which class (column), int64 C×C, on the device.

    Args:
        logits: N×C×H×W, logits or probabilities.
        masks: integer ids N×H×W on the same device; those that are `ignore` do not count.

    Raises:
        ValueError: shapes do not fit, a logit is nan, a true id is out of range.
    """
    classes = logits.shape[1]
    if logits.shape[:1] + logits.shape[2:] != masks.shape:
        raise ValueError(
            f"logits {tuple(logits.shape)} need masks N×H×W of the same N, H and W, "
            f"these are {tuple(masks.shape)}"
        )
    if logits.isnan().any():
        place = tuple(logits.isnan().nonzero()[0].tolist())
        raise ValueError(f"logits: nan at {place}. Has training diverged?")
    truth = masks.long()
    counted = truth != ignore
    wrong = counted & ((truth < 0) | (truth >= classes))
    if wrong.any():
        place = tuple(wrong.nonzero()[0].tolist())
        raise ValueError(f"masks: class id {truth[place]} at {place}; ids are 0 to {classes - 1}")
    pair = torch.where(counted, truth * classes + logits.argmax(1), classes**2)
    counts = torch.bincount(pair.flatten(), minlength=classes**2 + 1)
    return counts[:-1].reshape(classes, classes)


def confusion(logits: torch.Tensor, masks: torch.Tensor, ignore: int = IGNORE) -> Confusion:
    """The counts of a batch as a `Confusion`: it knows every score. Raises as confusion_matrix."""
    matrix = confusion_matrix(logits, masks, ignore)
    return Confusion(len(matrix), ignore, matrix.cpu().numpy())


def mean_iou(logits: torch.Tensor, masks: torch.Tensor, ignore: int = IGNORE) -> float:
    """The mean IoU of a batch over the classes present, pooled; see `metrics.mean_iou`."""
    return confusion(logits, masks, ignore).mean_iou()


def boundary_f1(
    logits: torch.Tensor, masks: torch.Tensor, tolerance: float = 0.0075, ignore: int = IGNORE
) -> BoundaryF1:
    """The contours of a batch, counted on the CPU; see `BoundaryF1`."""
    prediction = logits.detach().argmax(1).cpu().numpy()
    return BoundaryF1(logits.shape[1], tolerance, ignore).add(masks.cpu().numpy(), prediction)
