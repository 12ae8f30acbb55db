"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) as an encoder, with torchvision's names."""

from keras.layers import Add, ReLU

from helpers.keras.layers import CheckSize, padded_conv_norm, standardize

PLAN = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2 of the paper: how often wider inside, maps, number of blocks, stride of the first."""


def mobilenet_v2(image, output_stride: int = 32) -> list:
    """N×H×W×3 in [0, 1] to a list of maps like `plain`; the first of them is the image itself.

    The weights of torchvision's mobilenet_v2 fit, but for the `classifier` that names the 1000
    classes of ImageNet.
    """
    x = CheckSize(output_stride, name="check_size")(image)  # with output stride 32: 96×128×3
    x = standardize(x, "encoder_standardize")  # 96×128×3
    x = conv_norm_relu6(x, 32, 3, 2, "encoder_features_0")  # 48×64×32
    maps, layer, level = [image], 1, 1
    for wider, after, repeats, stride in PLAN:
        if stride == 2:
            maps.append(x)  # 48×64×16   24×32×24   12×16×32   6×8×96
        for step in (stride, *[1] * (repeats - 1)):
            # where the maps would be halved, the kernel still sees those of the level before
            dilation = max(1, 2**level // output_stride)
            level += step - 1
            halves = step if 2**level <= output_stride else 1
            name = f"encoder_features_{layer}"
            x = inverted_residual(x, after, wider, halves, dilation, name)
            layer += 1
    maps.append(conv_norm_relu6(x, 1280, 1, 1, "encoder_features_18"))  # 3×4×1280
    return maps


def inverted_residual(x, after: int, wider: int, stride: int, dilation: int, name: str):
    """Makes the maps many by a 1×1 convolution, filters each alone, makes them few again.

    Without a ReLU at the end, for few maps would lose too much. Where as many go out as came in,
    the result is added to them: at first nothing, for its scale begins at 0 (1706.02677).
    """
    before, y, part = x.shape[-1], x, 0
    if wider > 1:
        y = conv_norm_relu6(y, wider * before, 1, 1, f"{name}_conv_0")
        part = 1
    y = conv_norm_relu6(y, None, 3, stride, f"{name}_conv_{part}", dilation)
    names = f"{name}_conv_{part + 1}", f"{name}_conv_{part + 2}"
    y = padded_conv_norm(y, after, 1, 1, 1, *names, scale="zeros" if before == after else "ones")
    return Add(name=f"{name}_add")([x, y]) if before == after else y


def conv_norm_relu6(x, after: int | None, size: int, stride: int, name: str, dilation: int = 1):
    """A convolution, of each channel alone without `after`, batch norm, a ReLU that ends at 6."""
    x = padded_conv_norm(x, after, size, stride, dilation, f"{name}_0", f"{name}_1")
    return ReLU(max_value=6, name=f"{name}_2")(x)
