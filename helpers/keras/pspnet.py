"""PSPNet (Zhao et al. 2017, arXiv:1612.01105): what a pixel is depends on what is all around."""

import keras
from keras import ops
from keras.layers import Concatenate

from helpers.keras.encoder import make_encoder
from helpers.keras.layers import Resize, conv, conv_norm_relu


def pspnet(
    classes: int,
    width: int = 16,
    output_stride: int = 8,
    bins: tuple[int, ...] = (1, 2, 3, 6),
    encoder: str = "plain",
) -> keras.Model:
    """A PSPNet that gives logits N×H×W×classes for images N×H×W×3, float32 in [0, 1].

    The last maps of the encoder have one pixel for `output_stride` pixels of the image, 8, 16 or
    32. They are averaged over 1×1, 2×2, 3×3 and 6×6 `bins`, and each pixel gets these means beside
    its own maps. `encoder` is "plain", "resnet18", "resnet50", "mobilenet_v2" or "vgg16". H and W
    must be divisible by output_stride: otherwise the call raises a ValueError naming a size
    that fits.
    """
    image = keras.Input((None, None, 3), name="image")  # with width 16, output stride 8:   96×128×3
    x = make_encoder(image, encoder, width, output_stride)[-1]  # 12×16×256
    branches = [x]
    for i, side in enumerate(bins):
        y = Average(side, name=f"average_{i}")(x)  # 1×1×256   2×2×256   3×3×256   6×6×256
        # A single bin is one value for each map: too few for the statistics of a batch norm.
        y = conv_norm_relu(y, x.shape[-1] // len(bins), 1, norm=side > 1, name=f"pyramid_{i}")
        # 1×1×64   2×2×64   3×3×64   6×6×64
        branches.append(Resize(name=f"resize_{i}")(y, x))
    x = Concatenate(name="concat")(branches)  # 12×16×512
    x = conv_norm_relu(x, 4 * width, name="mix")  # 12×16×64
    x = conv(x, classes, 1, "head")  # 12×16×classes
    logits = Resize(name="resize")(x, image)  # 96×128×classes
    return keras.Model(image, logits, name="pspnet")


@keras.saving.register_keras_serializable("pixelwise")
class Average(keras.layers.Layer):
    """The means of side × side bins: N×H×W×C to N×side×side×C.

    Where H or W is not divisible, neighbouring bins share a row or column, as in PyTorch's
    `nn.AdaptiveAvgPool2d`.
    """

    def __init__(self, side: int, **options):
        super().__init__(**options)
        self.side = side

    def call(self, x):
        if self.side == 1:
            return ops.mean(x, (1, 2), keepdims=True)
        height, width = ops.shape(x)[1:3]
        side = self.side
        rows = [
            ops.mean(x[:, i * height // side : -(-(i + 1) * height // side)], 1, keepdims=True)
            for i in range(side)
        ]
        x = ops.concatenate(rows, axis=1)
        columns = [
            ops.mean(x[:, :, i * width // side : -(-(i + 1) * width // side)], 2, keepdims=True)
            for i in range(side)
        ]
        return ops.concatenate(columns, axis=2)

    def compute_output_shape(self, shape):
        return shape[0], self.side, self.side, shape[3]

    def get_config(self):
        return {**super().get_config(), "side": self.side}
