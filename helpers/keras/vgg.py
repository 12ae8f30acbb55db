"""VGG-16 (Simonyan and Zisserman 2014, arXiv:1409.1556) as an encoder, with torchvision's names."""

from keras.layers import MaxPooling2D, ReLU

from helpers.keras.layers import CheckSize, conv, standardize

PLAN = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512), ())
"""Column D of Table 1 of the paper: the maps of each convolution, level by level."""


def vgg16(image, output_stride: int = 32) -> list:
    """N×H×W×3 in [0, 1] to a list of maps like `plain`; the last of them are only pooled.

    The weights of torchvision's vgg16 fit, but for the `classifier` that names the 1000 classes of
    ImageNet.
    """
    x = CheckSize(output_stride, name="check_size")(image)  # with output stride 32: 96×128×3
    x = standardize(x, "encoder_standardize")  # 96×128×3
    maps, layer = [], 0
    for level, channels in enumerate(PLAN):
        if 1 < 2**level <= output_stride:
            x = MaxPooling2D(2, name=f"encoder_features_{layer}")(x)
            # 48×64×64   24×32×128   12×16×256   6×8×512   3×4×512
        layer += level > 0  # the pooling has a number, even where it is left out
        dilation = max(1, 2**level // output_stride)
        for after in channels:
            x = conv(x, after, 3, f"encoder_features_{layer}", dilation=dilation)
            x = ReLU(name=f"encoder_features_{layer + 1}")(x)
            layer += 2
        maps.append(x)  # 96×128×64   48×64×128   24×32×256   12×16×512   6×8×512   3×4×512
    return maps
