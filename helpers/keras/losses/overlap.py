"""Losses that judge each class by the overlap of what is predicted and what is true.

All but `generalised_dice` are the mean of one loss per class, over the classes that are present.
"""

import tensorflow as tf
from keras import ops

from helpers.keras.losses.pixels import mean_over_present, probabilities
from helpers.keras.losses.pixelwise import cross_entropy

ALL_PIXELS = (0, 1, 2)


def soft_dice(logits: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """1 − the mean over the classes present of 2 Σ p·t / (Σ p + Σ t).

    Milletari, Navab and Ahmadi 2016 (V-Net, arXiv:1606.04797) with plain sums in place of the
    squares, as in Drozdzal et al. 2016 (arXiv:1608.04117). Nothing is added for smoothness.

    Args:
        logits, masks: see `losses`.

    Raises:
        ValueError: shapes that do not fit.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    p, t = probabilities(logits, masks)
    overlap, area = ops.sum(p * t, ALL_PIXELS), ops.sum(t, ALL_PIXELS)
    size = ops.sum(p, ALL_PIXELS) + area
    present = ops.cast(area > 0, p.dtype)
    dice = present * 2 * overlap / ops.maximum(size, 1e-7)
    return ops.sum(present - dice) / ops.maximum(ops.sum(present), 1)


def cross_entropy_dice(logits: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """`cross_entropy` + `soft_dice` (Isensee et al. 2018, nnU-Net, arXiv:1809.10486).

    Args:
        logits, masks: see `losses`.

    Raises:
        ValueError: shapes that do not fit.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    return cross_entropy(logits, masks) + soft_dice(logits, masks)


def generalised_dice(logits: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """1 − 2 Σ_c w Σ p·t / Σ_c w Σ (p + t), w = 1 / (Σ t)²: one Dice for all classes together.

    Sudre, Li, Vercauteren, Ourselin and Cardoso 2017 (arXiv:1707.03237). The weights make up for
    the size of the classes; one that is absent gets the weight 0.

    Args:
        logits, masks: see `losses`.

    Raises:
        ValueError: shapes that do not fit.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    p, t = probabilities(logits, masks)
    area = ops.sum(t, ALL_PIXELS)
    weights = ops.where(area > 0, 1 / ops.square(ops.maximum(area, 1)), 0)
    apart = ops.sum(p * (1 - t) + (1 - p) * t, ALL_PIXELS)  # p + t − 2·p·t
    size = ops.sum(p + t, ALL_PIXELS)
    return ops.sum(weights * apart) / ops.maximum(ops.sum(weights * size), 1e-30)


def tversky(
    logits: tf.Tensor, masks: tf.Tensor, alpha: float = 0.3, beta: float = 0.7
) -> tf.Tensor:
    """1 − the mean over the classes present of TP / (TP + α FP + β FN), in soft counts.

        TP = Σ p·t,    FP = Σ p·(1 − t),    FN = Σ (1 − p)·t

    Salehi, Erdogmus and Gholipour 2017 (arXiv:1706.05721), whose best were α = 0.3, β = 0.7: a
    missed pixel costs more than a false alarm. α = β = 0.5 is `soft_dice`, 1 is `jaccard`.

    Args:
        logits, masks: see `losses`.
        alpha, beta: the weights of false positives and of false negatives, 0 or more.

    Raises:
        ValueError: shapes that do not fit, alpha or beta below 0.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    missing, t = _one_minus_tversky(logits, masks, alpha, beta)
    return mean_over_present(missing, t)


def focal_tversky(
    logits: tf.Tensor,
    masks: tf.Tensor,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 4 / 3,
) -> tf.Tensor:
    """The mean over the classes present of (1 − TP / (TP + α FP + β FN))^(1/γ).

    Abraham and Khan 2018 (arXiv:1810.07842), with γ = 4/3 and missed pixels weighed 0.7 as there;
    they call that weight α and sum over the classes. γ > 1 turns towards classes that are nearly
    met, γ = 1 is `tversky`.

    Args:
        logits, masks: see `losses`.
        alpha, beta: the weights of false positives and of false negatives, as in `tversky`.
        gamma: above 0; they recommend 1 to 3.

    Raises:
        ValueError: shapes that do not fit, alpha or beta below 0, or gamma not above 0.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    if gamma <= 0:
        raise ValueError(f"gamma is {gamma}; it must be above 0")
    missing, t = _one_minus_tversky(logits, masks, alpha, beta)
    # where nothing is missing the slope of 0^(1/γ) would be infinite
    power = ops.where(missing > 0, missing, 1) ** (1 / gamma)
    return mean_over_present(ops.where(missing > 0, power, 0), t)


def jaccard(logits: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """1 − the mean over the classes present of Σ p·t / Σ (p + t − p·t): a soft 1 − IoU.

    Rahman and Wang 2016 (Optimizing Intersection-Over-Union in Deep Neural Networks for Image
    Segmentation), equations 1 to 3.

    Args:
        logits, masks: see `losses`.

    Raises:
        ValueError: shapes that do not fit.
        tf.errors.InvalidArgumentError: an id that is no class.
    """
    return tversky(logits, masks, alpha=1, beta=1)


def _one_minus_tversky(logits, masks, alpha, beta):
    """(α FP + β FN) / (TP + α FP + β FN) for each class, C: exact where it is nearly 0; and t."""
    if alpha < 0 or beta < 0:
        raise ValueError(f"alpha is {alpha} and beta {beta}; a mistake can't cost less than 0")
    p, t = probabilities(logits, masks)
    tp = ops.sum(p * t, ALL_PIXELS)
    wrong = alpha * ops.sum(p * (1 - t), ALL_PIXELS) + beta * ops.sum((1 - p) * t, ALL_PIXELS)
    return wrong / ops.maximum(tp + wrong, 1e-30), t
