"""ResNet-18 (He et al. 2015, arXiv:1512.03385) as an encoder, with the names of torchvision's."""

import numpy as np
from keras.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    MaxPooling2D,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)

from helpers.keras.layers import CheckSize

WIDTHS = (3, 64, 64, 128, 256, 512)


def resnet18(image, output_stride: int = 32) -> list:
    """N×H×W×3 in [0, 1] to a list of maps like `encoder`; the first of them is the image itself.

    The weights of torchvision's resnet18 fit, but for the `fc` that names the 1000 classes of
    ImageNet. The image is set to the mean and spread that such weights have learnt with.
    """
    x = CheckSize(output_stride, name="check_size")(image)  # with output stride 32: 96×128×3
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scale, offset = (1 / spread).tolist(), (-mean / spread).tolist()
    x = Rescaling(scale, offset, name="encoder_rescale")(x)
    x = conv_norm(x, 64, 7, 2, 1, "encoder_conv1", "encoder_bn1")
    x = ReLU(name="encoder_relu")(x)  # 48×64×64
    maps = [image, x]
    x = ZeroPadding2D(1, name="encoder_pad")(x)  # 50×66×64
    x = MaxPooling2D(3, strides=2, name="encoder_pool")(x)  # 24×32×64
    for level in (2, 3, 4, 5):
        stride = 2 if 4 < 2**level <= output_stride else 1
        # the first kernel still sees maps of the level before
        old, new = (max(1, 2**i // output_stride) for i in (level - 1, level))
        name = f"encoder_layer{level - 1}"
        x = block(x, WIDTHS[level], stride, old, new, f"{name}_0")
        # 24×32×64   12×16×128   6×8×256   3×4×512
        x = block(x, WIDTHS[level], 1, new, new, f"{name}_1")
        # 24×32×64   12×16×128   6×8×256   3×4×512
        maps.append(x)
    return maps


def block(x, after: int, stride: int, old: int, new: int, name: str):
    """Two 3×3 convolutions, dilated by `old` and `new`; their result is added to what came in."""
    y = conv_norm(x, after, 3, stride, old, f"{name}_conv1", f"{name}_bn1")
    y = ReLU(name=f"{name}_relu1")(y)
    y = conv_norm(y, after, 3, 1, new, f"{name}_conv2", f"{name}_bn2")
    if x.shape[-1] != after:
        x = conv_norm(x, after, 1, stride, 1, f"{name}_downsample_0", f"{name}_downsample_1")
    return ReLU(name=f"{name}_relu2")(Add(name=f"{name}_add")([y, x]))


def conv_norm(x, after: int, size: int, stride: int, dilation: int, conv: str, norm: str):
    """A convolution and batch norm. Its zeros are the same at every edge, as in PyTorch: those of
    padding "same" depend on the stride."""
    if size > 1:
        x = ZeroPadding2D(dilation * (size // 2), name=f"{conv}_pad")(x)
    layer = Conv2D(
        after,
        size,
        strides=stride,
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer="he_normal",
        name=conv,
    )
    return BatchNormalization(epsilon=1e-5, momentum=0.9, name=norm)(layer(x))
