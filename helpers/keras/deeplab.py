"""DeepLabv3 (Chen et al. 2017, arXiv:1706.05587) and v3+ (Chen et al. 2018, arXiv:1802.02611)."""

import keras
from keras.layers import Concatenate, GlobalAveragePooling2D

from helpers.keras.encoder import make_encoder
from helpers.keras.layers import Resize, conv, conv_norm_relu, separable_conv


def aspp(x, after: int, rates: list[int], separable: bool = False):
    """Looks at the same maps through kernels of several widths: N×H×W×before to N×H×W×after.

    Atrous spatial pyramid pooling: a 1×1 convolution, a dilated 3×3 one for each of the `rates`,
    and the mean of the whole image, side by side.
    """
    # in DeepLabv3 with width 16 and output stride 8, from 12×16×256
    branches = [conv_norm_relu(x, after, 1, name="aspp_point")]  # 12×16×64
    dilated = separable_conv if separable else conv_norm_relu
    for i, rate in enumerate(rates):
        y = dilated(x, after, dilation=rate, name=f"aspp_dilated_{i}")  # 12×16×64 12×16×64 12×16×64
        branches.append(y)
    mean = GlobalAveragePooling2D(keepdims=True, name="aspp_mean")(x)  # 1×1×256
    # One value for each map: too few for the statistics of a batch norm.
    mean = conv_norm_relu(mean, after, 1, norm=False, name="aspp_image")  # 1×1×64
    branches.append(Resize(name="aspp_resize")(mean, x))
    x = Concatenate(name="aspp_concat")(branches)  # 12×16×320
    return conv_norm_relu(x, after, 1, name="aspp_mix")  # 12×16×64


def deeplabv3(
    classes: int,
    width: int = 16,
    output_stride: int = 8,
    rates: tuple[int, ...] = (1, 2, 3),
    encoder: str = "plain",
) -> keras.Model:
    """A DeepLabv3 that gives logits N×H×W×classes for images N×H×W×3, float32 in [0, 1].

    The last maps of the encoder have one pixel for `output_stride` pixels of the image, 8, 16 or
    32. `rates` are those of the ASPP at output stride 16, and are doubled at 8. The paper's (6, 12,
    18) are for images of 513×513: on small maps such kernels reach over the edge, and only their
    centres see something. `encoder` is "plain", "resnet18", "resnet50", "mobilenet_v2" or "vgg16".
    H and W must be divisible by output_stride: otherwise the call raises a ValueError naming a
    size that fits.
    """
    image = keras.Input((None, None, 3), name="image")  # with width 16, output stride 8:   96×128×3
    x = make_encoder(image, encoder, width, output_stride)[-1]  # 12×16×256
    x = aspp(x, 4 * width, scaled(rates, output_stride))  # 12×16×64
    x = conv(x, classes, 1, "head")  # 12×16×classes
    logits = Resize(name="resize")(x, image)  # 96×128×classes
    return keras.Model(image, logits, name="deeplabv3")


def deeplabv3plus(
    classes: int,
    width: int = 16,
    output_stride: int = 16,
    rates: tuple[int, ...] = (1, 2, 3),
    encoder: str = "plain",
) -> keras.Model:
    """A DeepLabv3+ that gives logits N×H×W×classes for images N×H×W×3, float32 in [0, 1].

    `deeplabv3` with a decoder: its maps, enlarged to a quarter of the image, meet maps of that size
    from early in the encoder, and separable convolutions join them. The arguments are the same.
    """
    image = keras.Input((None, None, 3), name="image")  # width 16, output stride 16:   96×128×3
    maps = make_encoder(image, encoder, width, output_stride)
    # 96×128×16   48×64×32   24×32×64   12×16×128   6×8×256   6×8×256
    x = aspp(maps[-1], 4 * width, scaled(rates, output_stride), separable=True)  # 6×8×64
    # Few maps, lest the edges of the low level outweigh what the high one knows.
    low = conv_norm_relu(maps[2], width, 1, name="low")  # 24×32×16
    x = Resize(name="resize_to_low")(x, low)  # 24×32×64
    x = Concatenate(name="concat")([low, x])  # 24×32×80
    x = separable_conv(x, 4 * width, name="join1")  # 24×32×64
    x = separable_conv(x, 4 * width, name="join2")  # 24×32×64
    x = conv(x, classes, 1, "head")  # 24×32×classes
    logits = Resize(name="resize")(x, image)  # 96×128×classes
    return keras.Model(image, logits, name="deeplabv3plus")


def scaled(rates: tuple[int, ...], output_stride: int) -> list[int]:
    """The rates of the ASPP, given for output stride 16: twice as wide on maps twice as large."""
    return [max(1, rate * 16 // output_stride) for rate in rates]
