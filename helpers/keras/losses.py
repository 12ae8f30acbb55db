"""Losses on logits N×H×W×C and masks N×H×W of integer class ids; 255 = ignore. All give a scalar.

A pixel that is ignored adds nothing and counts nowhere; where all are, the loss is 0.
"""

from keras import ops

from helpers.classes import IGNORE


def cross_entropy(logits, masks):
    """The mean over the pixels of −log p(true class), p = softmax(logits)."""
    logits, masks, valid = _prepare(logits, masks)
    losses = ops.sparse_categorical_crossentropy(masks, logits, from_logits=True)
    return ops.sum(losses * valid) / ops.maximum(ops.sum(valid), 1)


def soft_dice(logits, masks):
    """1 − the mean over the classes present of 2 Σ p·t / (Σ p + Σ t), sums over the whole batch.

    p = softmax(logits), t = 1 where the class is the true one, else 0. Milletari, Navab and
    Ahmadi 2016 (V-Net, arXiv:1606.04797) with plain sums in place of the squares, as in Drozdzal
    et al. 2016 (arXiv:1608.04117). A class that is absent has no overlap to gain, so it is left
    out.
    """
    logits, masks, valid = _prepare(logits, masks)
    truth = ops.one_hot(masks, logits.shape[-1], dtype="float32") * valid[..., None]
    p = ops.softmax(logits, axis=-1) * valid[..., None]
    overlap, area = ops.sum(p * truth, (0, 1, 2)), ops.sum(truth, (0, 1, 2))
    size = ops.sum(p, (0, 1, 2)) + area
    present = ops.cast(area > 0, "float32")
    dice = present * 2 * overlap / ops.maximum(size, 1e-7)
    return ops.sum(present - dice) / ops.maximum(ops.sum(present), 1)


def cross_entropy_dice(logits, masks):
    """`cross_entropy` + `soft_dice` (Isensee et al. 2018, nnU-Net, arXiv:1809.10486)."""
    return cross_entropy(logits, masks) + soft_dice(logits, masks)


def _prepare(logits, masks):
    """Logits as float32, masks as int32 with 0 where ignored, and 1 or 0 for counted or not."""
    masks = ops.cast(masks, "int32")
    valid = ops.not_equal(masks, IGNORE)
    return (
        ops.cast(logits, "float32"),
        ops.where(valid, masks, 0),
        ops.cast(valid, "float32"),
    )
