"""U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597), with padding and batch norm."""

import keras
from keras.layers import Concatenate, MaxPooling2D, SpatialDropout2D

from helpers.keras.layers import CheckSize, conv, double_conv, upsample


def unet(
    classes: int,
    width: int = 16,
    depth: int = 4,
    channels: int = 3,
    up: str = "transposed",
    norm: bool = True,
    dropout: float = 0.0,
) -> keras.Model:
    """A U-Net that gives logits N×H×W×classes for images N×H×W×channels, float32 in [0, 1].

    `width` is the number of channels at full resolution, doubled `depth` times on the way down;
    `up` is "transposed" or "bilinear"; `dropout` drops whole maps at the bottom. H and W must be
    divisible by 2**depth: otherwise the call raises a ValueError naming a size that fits.
    """
    image = keras.Input((None, None, channels), name="image")
    x = CheckSize(2**depth, name="check_size")(image)  # with width 16 and depth 4:   96×128×3
    skips = []
    for i in range(depth):
        x = double_conv(x, width * 2**i, norm, f"down_{i}")
        skips.append(x)  # 96×128×16   48×64×32   24×32×64   12×16×128
        x = MaxPooling2D(2, name=f"pool_{i}")(x)  # 48×64×16   24×32×32   12×16×64   6×8×128
    x = double_conv(x, width * 2**depth, norm, "bottom")  # 6×8×256
    x = SpatialDropout2D(dropout, name="dropout")(x)
    for i, skip in enumerate(reversed(skips)):
        after = skip.shape[-1]
        x = upsample(x, after, up, f"up_{i}")  # 12×16×128   24×32×64   48×64×32   96×128×16
        x = Concatenate(name=f"concat_{i}")([skip, x])
        # 12×16×256   24×32×128   48×64×64   96×128×32
        x = double_conv(x, after, norm, f"join_{i}")  # 12×16×128   24×32×64   48×64×32   96×128×16
    logits = conv(x, classes, 1, "head")  # 96×128×classes
    return keras.Model(image, logits, name="unet")
