"""The encoders that FCN, PSPNet, DeepLab and U-Net share.

The course's own follows VGG (Simonyan and Zisserman 2014, arXiv:1409.1556), with batch norm.
"""

from functools import partial

from keras.layers import MaxPooling2D

from helpers.keras.layers import CheckSize, double_conv
from helpers.keras.mobilenet import mobilenet_v2
from helpers.keras.resnet import resnet
from helpers.keras.vgg import vgg16

LEVELS = 6


ENCODERS = {
    "resnet18": partial(resnet, layers=18),
    "resnet50": partial(resnet, layers=50),
    "mobilenet_v2": mobilenet_v2,
    "vgg16": vgg16,
}
"""The encoders that have widths of their own; weights of torchvision's models fit."""


def make_encoder(image, name: str, width: int, output_stride: int = 32) -> list:
    """The maps of the encoder "plain", the course's own, or of one of `ENCODERS`.

    Raises ValueError: there is no such encoder, or output stride.
    """
    if output_stride not in (8, 16, 32):
        raise ValueError(f"output_stride is {output_stride}; it can be 8, 16 or 32.")
    if name == "plain":
        return plain(image, width, output_stride)
    if name not in ENCODERS:
        raise ValueError(f"encoder is {name!r}; it can be plain, {', '.join(ENCODERS)}.")
    return ENCODERS[name](image, output_stride=output_stride)


def plain(image, width: int, output_stride: int = 32) -> list:
    """N×H×W×3 to a list of maps, one for each of six levels, the finest first.

    Before each level the maps are halved, until a pixel of theirs stands for `output_stride` pixels
    of the image: 8, 16 or 32. After that they keep their size, and the kernels are spread out by
    dilation instead. So each still sees as much of the image, and the weights stay the same ones
    (Chen et al. 2016, arXiv:1606.00915).
    """
    x = CheckSize(output_stride, name="check_size")(image)  # with width 16 and output stride 32
    maps = []
    for level in range(LEVELS):
        if 1 < 2**level <= output_stride:
            x = MaxPooling2D(2, name=f"encoder_pool_{level}")(x)
            # 48×64×16   24×32×32   12×16×64   6×8×128   3×4×256
        after, dilation = width * min(2**level, 16), max(1, 2**level // output_stride)
        x = double_conv(x, after, dilation=dilation, name=f"encoder_{level}")
        # 96×128×16   48×64×32   24×32×64   12×16×128   6×8×256   3×4×256
        maps.append(x)
    return maps
