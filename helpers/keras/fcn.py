"""FCN (Long, Shelhamer, Darrell 2015, arXiv:1411.4038): scores for classes, summed over scales."""

import keras
import numpy as np
from keras.layers import Add, Conv2DTranspose

from helpers.keras.encoder import make_encoder
from helpers.keras.layers import Resize, conv


def fcn(classes: int, width: int = 16, stride: int = 8, encoder: str = "plain") -> keras.Model:
    """An FCN that gives logits N×H×W×classes for images N×H×W×3, float32 in [0, 1].

    `stride` is 32, 16 or 8, for FCN-32s, 16s or 8s: the finest maps that are scored have one pixel
    for so many pixels of the image. Coarser scores are doubled in size by kernels that start as
    bilinear interpolation and learn, and the last step interpolates, as in the paper. `encoder` is
    "plain", "resnet18", "resnet50", "mobilenet_v2" or "vgg16". H and W must be divisible by 32:
    otherwise the call raises a ValueError naming a size that fits.
    """
    if stride not in (32, 16, 8):
        raise ValueError(f"stride is {stride}; it can be 32, 16 or 8.")
    image = keras.Input((None, None, 3), name="image")  # with width 16 and stride 8:   96×128×3
    maps = make_encoder(
        image, encoder, width
    )  # 96×128×16 48×64×32 24×32×64 12×16×128 6×8×256 3×4×256
    x = conv(maps.pop(), classes, 1, "score_0")  # 3×4×classes
    for i in range({32: 0, 16: 1, 8: 2}[stride]):
        up = Conv2DTranspose(
            classes,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=interpolate_at_first,
            name=f"up_{i}",
        )
        x = up(x)  # 6×8×classes   12×16×classes
        score = conv(maps.pop(), classes, 1, f"score_{i + 1}")  # 6×8×classes   12×16×classes
        x = Add(name=f"add_{i}")([x, score])  # 6×8×classes   12×16×classes
    logits = Resize(name="resize")(x, image)  # 96×128×classes
    return keras.Model(image, logits, name="fcn")


@keras.saving.register_keras_serializable("pixelwise")
def interpolate_at_first(shape, dtype=None):
    """A 4×4 kernel of stride 2 as bilinear interpolation, each channel for itself."""
    side = np.array([0.25, 0.75, 0.75, 0.25])
    kernel = np.outer(side, side)[..., None, None] * np.eye(shape[-1])
    return keras.ops.convert_to_tensor(kernel, dtype)
