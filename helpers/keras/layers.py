"""The blocks that the networks are built from. Layers bear the names of their PyTorch twins."""

import math

import keras
from keras import ops
from keras.layers import (
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    DepthwiseConv2D,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)

from helpers.sizes import check_size


def conv(
    x,
    channels: int,
    size: int,
    name: str,
    bias: bool = True,
    padding: str = "same",
    dilation: int = 1,
):
    """A convolution that keeps H and W; kernels from He's normal distribution (1502.01852)."""
    layer = Conv2D(
        channels,
        size,
        padding=padding,
        dilation_rate=dilation,
        use_bias=bias,
        kernel_initializer="he_normal",
        name=name,
    )
    return layer(x)


def double_conv(
    x,
    after: int,
    norm: bool = True,
    padding: str = "same",
    dilation: int = 1,
    name: str = "double_conv",
):
    """Two 3×3 convolutions, each with batch norm and ReLU: N×H×W×before to N×H×W×after.

    With padding "valid" each convolution takes a pixel from every edge: N×(H−4)×(W−4)×after.
    """
    for i in (1, 2):
        # The shift of the batch norm does the work of a bias.
        x = conv(x, after, 3, f"{name}_conv{i}", not norm, padding, dilation)
        if norm:
            x = BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_norm{i}")(x)
        x = ReLU(name=f"{name}_relu{i}")(x)
    return x


def conv_norm_relu(
    x,
    after: int,
    size: int = 3,
    norm: bool = True,
    dilation: int = 1,
    name: str = "conv_norm_relu",
):
    """A convolution that keeps H and W, batch norm and ReLU: N×H×W×before to N×H×W×after."""
    x = conv(x, after, size, f"{name}_conv", bias=not norm, dilation=dilation)
    if norm:
        x = BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_norm")(x)
    return ReLU(name=f"{name}_relu")(x)


def separable_conv(x, after: int, dilation: int = 1, name: str = "separable_conv"):
    """A convolution in two steps, batch norm and ReLU: N×H×W×before to N×H×W×after.

    First a 3×3 kernel for each channel alone, then a 1×1 convolution that mixes them: for many
    channels about a ninth of the work.
    """
    depthwise = DepthwiseConv2D(
        3,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        # He's, for the nine values that such a kernel sees; "he_normal" counts all channels.
        depthwise_initializer=keras.initializers.RandomNormal(stddev=math.sqrt(2 / 9)),
        name=f"{name}_depthwise",
    )
    x = conv(depthwise(x), after, 1, f"{name}_pointwise", bias=False)
    x = BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_norm")(x)
    return ReLU(name=f"{name}_relu")(x)


def padded_conv_norm(
    x,
    after: int | None,
    size: int,
    stride: int,
    dilation: int,
    conv: str,
    norm: str,
    scale: str = "ones",
):
    """A convolution and batch norm, named `conv` and `norm`: N×H×W×before to N×H'×W'×after.

    Its zeros are the same at every edge, as in PyTorch: those of padding "same" depend on the
    stride. Without `after` each channel is filtered alone. `scale` is how that of the norm begins.
    """
    if size > 1:
        x = ZeroPadding2D(dilation * (size // 2), name=f"{conv}_pad")(x)
    how = {"strides": stride, "dilation_rate": dilation, "use_bias": False, "name": conv}
    if after:
        layer = Conv2D(after, size, kernel_initializer="he_normal", **how)
    else:
        spread = keras.initializers.RandomNormal(stddev=math.sqrt(2 / size**2))
        layer = DepthwiseConv2D(size, depthwise_initializer=spread, **how)
    norm = BatchNormalization(epsilon=1e-5, momentum=0.9, gamma_initializer=scale, name=norm)
    return norm(layer(x))


def standardize(image, name: str):
    """N×H×W×3 in [0, 1], set to the mean and spread of ImageNet, with which torchvision trains."""
    mean, spread = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    scale = [1 / s for s in spread]
    offset = [-m / s for m, s in zip(mean, spread, strict=True)]
    return Rescaling(scale, offset, name=name)(image)


def upsample(x, after: int, up: str = "transposed", name: str = "upsample"):
    """Doubles height and width: N×H×W×before to N×2H×2W×after.

    "transposed" learns a 2×2 kernel per pair of channels. "nearest" copies each value to 2×2
    pixels, and a 2×2 convolution follows. "bilinear" interpolates; there a 1×1 convolution comes
    first: the result is the same either way round, for a quarter of the work.
    """
    if up == "transposed":
        layer = Conv2DTranspose(
            after, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_conv"
        )
        return layer(x)
    if up == "bilinear":
        return Bilinear(name=f"{name}_resize")(conv(x, after, 1, f"{name}_conv"))
    if up == "nearest":
        x = keras.layers.UpSampling2D(2, name=f"{name}_resize")(x)
        return conv(x, after, 2, f"{name}_conv")
    raise ValueError(f'up is {up!r}; it can be "transposed", "bilinear" or "nearest".')


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
class Resize(keras.layers.Layer):
    """The maps x, interpolated to the height and width of `like`."""

    def call(self, x, like):
        return ops.image.resize(x, ops.shape(like)[1:3], interpolation="bilinear")

    def compute_output_shape(self, x_shape, like_shape):
        return (x_shape[0], *like_shape[1:3], x_shape[3])


@keras.saving.register_keras_serializable("pixelwise")
class Crop(keras.layers.Layer):
    """The middle of the maps x, of the height and width of `like`."""

    def call(self, x, like):
        height, width = ops.shape(like)[1:3]
        top, left = (ops.shape(x)[1] - height) // 2, (ops.shape(x)[2] - width) // 2
        return x[:, top : top + height, left : left + width]

    def compute_output_shape(self, x_shape, like_shape):
        return (x_shape[0], *like_shape[1:3], x_shape[3])


@keras.saving.register_keras_serializable("pixelwise")
class CheckSize(keras.layers.Layer):
    """Raises ValueError with a size that would fit, unless the image does: `helpers.sizes`."""

    def __init__(self, factor: int, padding: str = "same", **options):
        super().__init__(**options)
        self.factor, self.padding = factor, padding

    def call(self, x):
        height, width = x.shape[1:3]
        if height and width:
            check_size(height, width, self.factor, self.padding)
        return x

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "padding": self.padding}
