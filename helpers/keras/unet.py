"""U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597), with padding and batch norm."""

import keras
from keras.layers import Concatenate, MaxPooling2D, SpatialDropout2D

from helpers.keras.encoder import make_encoder
from helpers.keras.layers import CheckSize, Crop, conv, double_conv, upsample


def unet(
    classes: int,
    width: int = 16,
    depth: int = 4,
    channels: int = 3,
    up: str = "transposed",
    norm: bool = True,
    dropout: float = 0.0,
    padding: str = "same",
    encoder: str = "plain",
) -> keras.Model:
    """A U-Net that gives logits N×H×W×classes for images N×H×W×channels, float32 in [0, 1].

    `width` is the number of channels at full resolution, doubled `depth` times on the way down;
    `up` is "transposed", "bilinear" or "nearest"; `dropout` drops whole maps at the bottom. H and W
    must be divisible by 2**depth: otherwise the call raises a ValueError naming a size that fits.
    With padding "valid", as in the paper, each 3×3 convolution takes a pixel from every edge, the
    skips are cropped, and the logits are of the middle alone: of 388×388 pixels out of 572×572.

    `encoder` is "plain", the left half of the paper, or "resnet18", "resnet50", "mobilenet_v2" or
    "vgg16", which have five halvings and widths of their own, and take three channels.
    """
    if encoder != "plain":
        if (depth, channels, padding) != (4, 3, "same"):
            raise ValueError(f"{encoder} is as it is: it takes no depth, channels or padding.")
        return unet_of_encoder(classes, width, up, norm, dropout, encoder)
    if padding not in ("same", "valid"):
        raise ValueError(f'padding is {padding!r}; it can be "same" or "valid".')
    image = keras.Input((None, None, channels), name="image")
    x = CheckSize(2**depth, padding, name="check_size")(image)
    # with width 16 and depth 4:   96×128×3
    skips = []
    for i in range(depth):
        x = double_conv(x, width * 2**i, norm, padding, name=f"down_{i}")
        skips.append(x)  # 96×128×16   48×64×32   24×32×64   12×16×128
        x = MaxPooling2D(2, name=f"pool_{i}")(x)  # 48×64×16   24×32×32   12×16×64   6×8×128
    x = double_conv(x, width * 2**depth, norm, padding, name="bottom")  # 6×8×256
    x = SpatialDropout2D(dropout, name="dropout")(x)
    for i, skip in enumerate(reversed(skips)):
        after = skip.shape[-1]
        x = upsample(x, after, up, f"up_{i}")  # 12×16×128   24×32×64   48×64×32   96×128×16
        if padding == "valid":
            skip = Crop(name=f"crop_{i}")(skip, x)
        x = Concatenate(name=f"concat_{i}")([skip, x])
        # 12×16×256   24×32×128   48×64×64   96×128×32
        x = double_conv(x, after, norm, padding, name=f"join_{i}")
        # 12×16×128   24×32×64   48×64×32   96×128×16
    logits = conv(x, classes, 1, "head")  # 96×128×classes
    return keras.Model(image, logits, name="unet")


def unet_of_encoder(
    classes: int, width: int, up: str, norm: bool, dropout: float, encoder: str
) -> keras.Model:
    """A U-Net whose left half is one of `helpers.keras.encoder`; H and W divisible by 32."""
    image = keras.Input((None, None, 3), name="image")  # with width 16 and resnet18:   96×128×3
    skips = make_encoder(image, encoder, width)
    # 96×128×3   48×64×64   24×32×64   12×16×128   6×8×256   3×4×512
    x = SpatialDropout2D(dropout, name="dropout")(skips.pop())  # 3×4×512
    for i in range(5):
        after = width * 2 ** (4 - i)
        x = upsample(
            x, after, up, f"up_{i}"
        )  # 6×8×256   12×16×128   24×32×64   48×64×32   96×128×16
        x = Concatenate(name=f"concat_{i}")([skips.pop(), x])
        # 6×8×512   12×16×256   24×32×128   48×64×96   96×128×19
        x = double_conv(x, after, norm, name=f"join_{i}")
        # 6×8×256   12×16×128   24×32×64   48×64×32   96×128×16
    logits = conv(x, classes, 1, "head")  # 96×128×classes
    return keras.Model(image, logits, name="unet")
