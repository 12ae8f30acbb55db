"""Losses on logits and masks: `loss(logits, masks)` gives a scalar, small where the masks are met.

    logits  float N×H×W×C, before any softmax; computed in float32 (float64 stays float64)
    masks   integer N×H×W, class ids 0 to C−1; 255 = ignore

In the formulas p = softmax(logits) over the classes, and t is 1 where a pixel has the class, else
0. A pixel that is ignored adds nothing and counts nowhere; where all are, the loss is 0. Sums run
over the whole batch.

Raises, everywhere: ValueError for shapes that do not fit; tf.errors.InvalidArgumentError for an id
that is no class, also inside a compiled training step.

The twin in `helpers.pytorch.losses` has the same names, arguments, values and gradients.
"""

from helpers.keras.losses.lovasz import lovasz_softmax
from helpers.keras.losses.overlap import (
    cross_entropy_dice,
    focal_tversky,
    generalised_dice,
    jaccard,
    soft_dice,
    tversky,
)
from helpers.keras.losses.pixelwise import cross_entropy, focal

__all__ = [
    "cross_entropy",
    "cross_entropy_dice",
    "focal",
    "focal_tversky",
    "generalised_dice",
    "jaccard",
    "lovasz_softmax",
    "soft_dice",
    "tversky",
]
