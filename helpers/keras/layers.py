"""The blocks that the networks are built from. Layers bear the names of their PyTorch twins."""

import keras
from keras import ops
from keras.layers import BatchNormalization, Conv2D, Conv2DTranspose, ReLU


def conv(x, channels: int, size: int, name: str, bias: bool = True):
    """A convolution that keeps H and W; kernels from He's normal distribution (1502.01852)."""
    layer = Conv2D(
        channels,
        size,
        padding="same",
        use_bias=bias,
        kernel_initializer="he_normal",
        name=name,
    )
    return layer(x)


def double_conv(x, after: int, norm: bool = True, name: str = "double_conv"):
    """Two 3×3 convolutions, each with batch norm and ReLU: N×H×W×before to N×H×W×after."""
    for i in (1, 2):
        # The shift of the batch norm does the work of a bias.
        x = conv(x, after, 3, f"{name}_conv{i}", bias=not norm)
        if norm:
            x = BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_norm{i}")(x)
        x = ReLU(name=f"{name}_relu{i}")(x)
    return x


def upsample(x, after: int, up: str = "transposed", name: str = "upsample"):
    """Doubles height and width: N×H×W×before to N×2H×2W×after.

    "transposed" learns a 2×2 kernel per pair of channels; "bilinear" interpolates. There the 1×1
    convolution comes first: the result is the same either way round, for a quarter of the work.
    """
    if up == "transposed":
        layer = Conv2DTranspose(
            after, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_conv"
        )
        return layer(x)
    if up == "bilinear":
        return Bilinear(name=f"{name}_resize")(conv(x, after, 1, f"{name}_conv"))
    raise ValueError(f'up is {up!r}; it can be "transposed" or "bilinear".')


@keras.saving.register_keras_serializable("pixelwise")
class Bilinear(keras.layers.Layer):
    """Doubles H and W by interpolation, corners not aligned: PyTorch's `align_corners=False`.

    Keras 3.14 and 3.15 fail at `UpSampling2D(interpolation="bilinear")` with free H and W.
    """

    def call(self, x):
        height, width = ops.shape(x)[1:3]
        return ops.image.resize(x, (2 * height, 2 * width), interpolation="bilinear")

    def compute_output_shape(self, shape):
        n, height, width, channels = shape
        return n, height and 2 * height, width and 2 * width, channels


@keras.saving.register_keras_serializable("pixelwise")
class CheckSize(keras.layers.Layer):
    """Raises ValueError with the padded size that would fit, unless both sides are multiples."""

    def __init__(self, factor: int, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        height, width = x.shape[1:3]
        if height and width and (height % self.factor or width % self.factor):
            fits = "×".join(str(-(-side // self.factor) * self.factor) for side in (height, width))
            raise ValueError(
                f"The input is {height}×{width}, and this network halves it until one side is a "
                f"{self.factor}th: both must be divisible by {self.factor}. "
                f"Pad or resize it to {fits}."
            )
        return x

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
