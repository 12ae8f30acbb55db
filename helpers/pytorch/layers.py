"""The blocks that the networks are built from. Sub-layers bear the names of their Keras twins."""

from collections import OrderedDict

from torch import nn


def double_conv(before: int, after: int, norm: bool = True) -> nn.Sequential:
    """Two 3×3 convolutions, each with batch norm and ReLU: N×before×H×W to N×after×H×W."""
    layers = OrderedDict()
    for i, channels in enumerate((before, after), start=1):
        # The shift of the batch norm does the work of a bias.
        layers[f"conv{i}"] = nn.Conv2d(channels, after, 3, padding=1, bias=not norm)
        if norm:
            layers[f"norm{i}"] = nn.BatchNorm2d(after, eps=1e-5, momentum=0.1)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def upsample(before: int, after: int, up: str = "transposed") -> nn.Sequential:
    """Doubles height and width: N×before×H×W to N×after×2H×2W.

    "transposed" learns a 2×2 kernel per pair of channels; "bilinear" interpolates. There the 1×1
    convolution comes first: the result is the same either way round, for a quarter of the work.
    """
    if up == "transposed":
        return nn.Sequential(OrderedDict(conv=nn.ConvTranspose2d(before, after, 2, stride=2)))
    if up == "bilinear":
        conv = nn.Conv2d(before, after, 1)
        resize = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        return nn.Sequential(OrderedDict(conv=conv, resize=resize))
    raise ValueError(f'up is {up!r}; it can be "transposed" or "bilinear".')


def check_size(height: int, width: int, factor: int) -> None:
    """Raises ValueError with the padded size that would fit, unless both sides are multiples."""
    if height % factor or width % factor:
        fits = f"{-(-height // factor) * factor}×{-(-width // factor) * factor}"
        raise ValueError(
            f"The input is {height}×{width}, and this network halves it until one side is a "
            f"{factor}th: both must be divisible by {factor}. Pad or resize it to {fits}."
        )


def initialize(model: nn.Module) -> None:
    """Draws every kernel from He's normal distribution (arXiv:1502.01852) and zeroes the biases."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
