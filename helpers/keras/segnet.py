"""SegNet (Badrinarayanan et al. 2015, arXiv:1511.00561): maxima return to where they came from."""

import keras
from keras import ops
from keras.layers import MaxPooling2D, Multiply, UpSampling2D

from helpers.keras.layers import CheckSize, conv, double_conv


def segnet(classes: int, width: int = 16, depth: int = 5) -> keras.Model:
    """A SegNet that gives logits N×H×W×classes for images N×H×W×3, float32 in [0, 1].

    `width` is the number of channels at full resolution; the maps are halved `depth` times, and
    doubled as often. H and W must be divisible by 2**depth: otherwise the call raises a ValueError
    naming a size that fits.
    """
    image = keras.Input((None, None, 3), name="image")
    x = CheckSize(2**depth, name="check_size")(image)  # with width 16 and depth 5:   96×128×3
    places = []
    for i in range(depth):
        x = double_conv(x, width * 2**i, name=f"down_{i}")
        # 96×128×16   48×64×32   24×32×64   12×16×128   6×8×256
        switches = Switches(name=f"switches_{i}")(x)
        # 96×128×16   48×64×32   24×32×64   12×16×128   6×8×256
        places.append(switches)
        x = MaxPooling2D(2, name=f"pool_{i}")(x)  # 48×64×16 24×32×32 12×16×64 6×8×128 3×4×256
    for i in range(depth):
        x = unpool(x, places.pop(), f"unpool_{i}")
        # 6×8×256   12×16×128   24×32×64   48×64×32   96×128×16
        x = double_conv(x, max(x.shape[-1] // 2, width), name=f"up_{i}")
        # 6×8×128   12×16×64   24×32×32   48×64×16   96×128×16
    logits = conv(x, classes, 1, "head")  # 96×128×classes
    return keras.Model(image, logits, name="segnet")


@keras.saving.register_keras_serializable("pixelwise")
class Switches(keras.layers.Layer):
    """Where the maxima of the 2×2 windows are: 1 there, 0 elsewhere; N×H×W×C like x.

    Of equal values the first counts, in the order of reading, as in PyTorch's `nn.MaxPool2d`.
    """

    def call(self, x):
        x = ops.stop_gradient(x)
        height, width = ops.shape(x)[1:3]
        highest = ops.cast(x == self.spread_maxima(x), x.dtype)
        order = ops.cast([[4, 3], [2, 1]], x.dtype)
        points = highest * ops.tile(order, (height // 2, width // 2))[..., None]
        return ops.cast(points == self.spread_maxima(points), x.dtype)

    def spread_maxima(self, x):
        maxima = ops.max_pool(x, 2)
        return ops.repeat(ops.repeat(maxima, 2, axis=1), 2, axis=2)

    def compute_output_shape(self, shape):
        return shape


def unpool(x, places, name: str):
    """Each value goes back to where the maximum was, zeros around it: N×H×W×C to N×2H×2W×C."""
    return Multiply(name=name)([UpSampling2D(2, name=f"{name}_spread")(x), places])
