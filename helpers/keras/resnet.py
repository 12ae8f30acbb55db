"""ResNet-18 and 50 (He et al. 2015, arXiv:1512.03385) as encoders, with torchvision's names."""

from keras.layers import Add, MaxPooling2D, ReLU, ZeroPadding2D

from helpers.keras.layers import CheckSize, padded_conv_norm, standardize


def resnet(image, layers: int, output_stride: int = 32) -> list:
    """N×H×W×3 in [0, 1] to a list of maps like `plain`; the first of them is the image itself.

    The weights of torchvision's resnet18 or resnet50 fit, but for the `fc` that names the 1000
    classes of ImageNet.
    """
    kind, repeats = {18: (block, (2, 2, 2, 2)), 50: (bottleneck, (3, 4, 6, 3))}[layers]
    x = CheckSize(output_stride, name="check_size")(image)  # ResNet-18, stride 32: 96×128×3
    x = standardize(x, "encoder_standardize")  # 96×128×3
    x = padded_conv_norm(x, 64, 7, 2, 1, "encoder_conv1", "encoder_bn1")  # 48×64×64
    x = ReLU(name="encoder_relu")(x)  # 48×64×64
    maps = [image, x]
    x = ZeroPadding2D(1, name="encoder_pad")(x)  # 50×66×64
    x = MaxPooling2D(3, strides=2, name="encoder_pool")(x)  # 24×32×64
    for level in (2, 3, 4, 5):
        stride = 2 if 4 < 2**level <= output_stride else 1
        # the first kernel still sees maps of the level before
        old, new = (max(1, 2**i // output_stride) for i in (level - 1, level))
        for i in range(repeats[level - 2]):
            name = f"encoder_layer{level - 1}_{i}"
            narrow = 64 * 2 ** (level - 2)
            x = kind(x, narrow, 1 if i else stride, new if i else old, new, name)
            # 24×32×64 24×32×64   12×16×128 12×16×128   6×8×256 6×8×256   3×4×512 3×4×512
        maps.append(x)
    return maps


def block(x, narrow: int, stride: int, old: int, new: int, name: str):
    """Two 3×3 convolutions, dilated by `old` and `new`; their result is added to what came in.

    At first that is nothing, for their last scale begins at 0 (Goyal et al. 2017, 1706.02677).
    """
    y = padded_conv_norm(x, narrow, 3, stride, old, f"{name}_conv1", f"{name}_bn1")
    y = ReLU(name=f"{name}_relu1")(y)
    y = padded_conv_norm(y, narrow, 3, 1, new, f"{name}_conv2", f"{name}_bn2", scale="zeros")
    return add(y, x, stride, name)


def bottleneck(x, narrow: int, stride: int, old: int, new: int, name: str):
    """One 3×3 convolution, dilated by `old`, on a quarter of the maps: 1×1 ones lead in and out.

    The stride is in the 3×3 convolution, as in torchvision; in the paper it is in the 1×1 before.
    """
    y = padded_conv_norm(x, narrow, 1, 1, 1, f"{name}_conv1", f"{name}_bn1")
    y = ReLU(name=f"{name}_relu1")(y)
    y = padded_conv_norm(y, narrow, 3, stride, old, f"{name}_conv2", f"{name}_bn2")
    y = ReLU(name=f"{name}_relu2")(y)
    y = padded_conv_norm(y, 4 * narrow, 1, 1, 1, f"{name}_conv3", f"{name}_bn3", scale="zeros")
    return add(y, x, stride, name)


def add(y, x, stride: int, name: str):
    """Adds the maps that came in, brought to the number and size of y by a 1×1 convolution."""
    after = y.shape[-1]
    if x.shape[-1] != after:
        names = f"{name}_downsample_0", f"{name}_downsample_1"
        x = padded_conv_norm(x, after, 1, stride, 1, *names)
    return ReLU(name=f"{name}_relu")(Add(name=f"{name}_add")([y, x]))
