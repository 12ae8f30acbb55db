"""DeepLabv3 on MobileNetV3-Large, as torchvision builds it and with the names of torchvision.

DeepLabv3: Chen et al. 2017, arXiv:1706.05587. MobileNetV3: Howard et al. 2019, arXiv:1905.02244.
"""

from functools import partial

import keras
from keras.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Multiply,
    ZeroPadding2D,
)

from helpers.keras.layers import Resize, standardize
from helpers.mobilenet_v3 import LAST, PLAN, STEM, Row


def deeplab_mobilenet(classes: int = 21) -> keras.Model:
    """A light DeepLabv3: logits N×H×W×classes for images N×H×W×3, float32 in [0, 1].

    11.0 million parameters. torchvision's weights of deeplabv3_mobilenet_v3_large fit, but for the
    second classifier that it trains with; `pretrained.voc` loads them.
    """
    image = keras.Input((None, None, 3), name="image")  # 96×128×3
    x = standardize(image, "standardize")  # 96×128×3
    x = small(x, STEM, "backbone_0", "hard_silu", size=3, stride=2)
    for i, row in enumerate(PLAN, start=1):
        x = inverted_residual(x, row, f"backbone_{i}")
    x = small(x, LAST, f"backbone_{len(PLAN) + 1}", "hard_silu")  # 6×8×960
    x = aspp(x, 256, (12, 24, 36), "classifier_0")  # 6×8×256
    x = conv_norm(x, 256, "classifier", "relu", size=3, first=1)  # 6×8×256
    x = Conv2D(classes, 1, name="classifier_4")(x)  # 6×8×classes
    logits = Resize(name="resize")(x, image)  # 96×128×classes
    return keras.Model(image, logits, name="deeplab_mobilenet")


def conv_norm(
    x,
    after: int,
    name: str,
    activation: str = "linear",
    size=1,
    stride=1,
    dilation=1,
    depthwise=False,
    first=0,
    epsilon=1e-5,
    momentum=0.9,
):
    """A convolution, batch norm and activation; the layers are name_first, name_(first + 1).

    Its zeros are the same at every edge, as in PyTorch: those of padding "same" depend on the
    stride."""
    if size > 1:
        x = ZeroPadding2D(dilation * (size // 2), name=f"{name}_{first}_pad")(x)
    make = DepthwiseConv2D if depthwise else partial(Conv2D, after)
    options = dict(strides=stride, dilation_rate=dilation, use_bias=False)
    x = make(size, **options, name=f"{name}_{first}")(x)
    x = BatchNormalization(epsilon=epsilon, momentum=momentum, name=f"{name}_{first + 1}")(x)
    return Activation(activation, name=f"{name}_{first + 2}")(x)


small = partial(conv_norm, epsilon=1e-3, momentum=0.99)
"""With the batch norm of the MobileNets."""


def inverted_residual(x, row: Row, name: str):
    """N×H×W×before to N×H/stride×W/stride×after; what came in is added where it fits."""
    before, y, part = x.shape[-1], x, 0
    act = "hard_silu" if row.hard_swish else "relu"
    if row.wide != before:
        y, part = small(y, row.wide, f"{name}_block_0", act), 1
    spatial = (row.size, row.stride, row.dilation)
    y = small(y, row.wide, f"{name}_block_{part}", act, *spatial, depthwise=True)
    if row.squeeze:
        part += 1
        y = squeeze_excitation(y, row.squeeze, f"{name}_block_{part}")
    y = small(y, row.after, f"{name}_block_{part + 1}")
    if row.stride == 1 and before == row.after:
        y = Add(name=f"{name}_add")([x, y])
    return y


def squeeze_excitation(x, squeeze: int, name: str):
    """Weighs each map by what all maps are on average (Hu et al. 2017, arXiv:1709.01507)."""
    mean = GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    y = Conv2D(squeeze, 1, activation="relu", name=f"{name}_fc1")(mean)
    y = Conv2D(x.shape[-1], 1, activation="hard_sigmoid", name=f"{name}_fc2")(y)
    return Multiply(name=f"{name}_multiply")([x, y])


def aspp(x, after: int, rates: tuple[int, ...], name: str):
    """The one of `helpers.keras.deeplab`, with a batch norm after the mean of the image too."""
    branches = [conv_norm(x, after, f"{name}_convs_0", "relu")]  # 6×8×256
    for i, rate in enumerate(rates, start=1):
        y = conv_norm(x, after, f"{name}_convs_{i}", "relu", size=3, dilation=rate)
        branches.append(y)  # 6×8×256 6×8×256 6×8×256
    mean = GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)  # 1×1×960
    mean = conv_norm(mean, after, f"{name}_convs_4", "relu", first=1)  # 1×1×256
    branches.append(Resize(name=f"{name}_resize")(mean, x))  # 6×8×256
    x = Concatenate(name=f"{name}_concat")(branches)  # 6×8×1280
    x = conv_norm(x, after, f"{name}_project", "relu")  # 6×8×256
    return Dropout(0.5, name=f"{name}_project_3")(x)
