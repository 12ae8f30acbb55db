"""The blocks that the networks are built from. Sub-layers bear the names of their Keras twins."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F


def double_conv(
    before: int, after: int, norm: bool = True, padding: str = "same", dilation: int = 1
) -> nn.Sequential:
    """Two 3×3 convolutions, each with batch norm and ReLU: N×before×H×W to N×after×H×W.

    With padding "valid" each convolution takes a pixel from every edge: N×after×(H−4)×(W−4).
    """
    layers = OrderedDict()
    edge = {"same": dilation, "valid": 0}[padding]
    for i, channels in enumerate((before, after), start=1):
        # The shift of the batch norm does the work of a bias.
        layers[f"conv{i}"] = nn.Conv2d(
            channels, after, 3, padding=edge, dilation=dilation, bias=not norm
        )
        if norm:
            layers[f"norm{i}"] = nn.BatchNorm2d(after, eps=1e-5, momentum=0.1)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def conv_norm_relu(
    before: int, after: int, size: int = 3, norm: bool = True, dilation: int = 1
) -> nn.Sequential:
    """A convolution that keeps H and W, batch norm and ReLU: N×before×H×W to N×after×H×W."""
    edge = dilation * (size // 2)
    conv = nn.Conv2d(before, after, size, padding=edge, dilation=dilation, bias=not norm)
    layers = OrderedDict(conv=conv)
    if norm:
        layers["norm"] = nn.BatchNorm2d(after, eps=1e-5, momentum=0.1)
    layers["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def separable_conv(before: int, after: int, dilation: int = 1) -> nn.Sequential:
    """A convolution in two steps, batch norm and ReLU: N×before×H×W to N×after×H×W.

    First a 3×3 kernel for each channel alone, then a 1×1 convolution that mixes them: for many
    channels about a ninth of the work.
    """
    return nn.Sequential(
        OrderedDict(
            depthwise=nn.Conv2d(
                before, before, 3, padding=dilation, dilation=dilation, groups=before, bias=False
            ),
            pointwise=nn.Conv2d(before, after, 1, bias=False),
            norm=nn.BatchNorm2d(after, eps=1e-5, momentum=0.1),
            relu=nn.ReLU(inplace=True),
        )
    )


def upsample(before: int, after: int, up: str = "transposed") -> nn.Sequential:
    """Doubles height and width: N×before×H×W to N×after×2H×2W.

    "transposed" learns a 2×2 kernel per pair of channels. "nearest" copies each value to 2×2
    pixels, and a 2×2 convolution follows. "bilinear" interpolates; there a 1×1 convolution comes
    first: the result is the same either way round, for a quarter of the work.
    """
    if up == "transposed":
        return nn.Sequential(OrderedDict(conv=nn.ConvTranspose2d(before, after, 2, stride=2)))
    if up == "bilinear":
        conv = nn.Conv2d(before, after, 1)
        resize = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        return nn.Sequential(OrderedDict(conv=conv, resize=resize))
    if up == "nearest":
        resize = nn.Upsample(scale_factor=2, mode="nearest")
        pad, conv = nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(before, after, 2)
        return nn.Sequential(OrderedDict(resize=resize, pad=pad, conv=conv))
    raise ValueError(f'up is {up!r}; it can be "transposed", "bilinear" or "nearest".')


class Standardize(nn.Module):
    """N×3×H×W in [0, 1], set to the mean and spread of ImageNet, with which torchvision trains."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None], False)
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225])[:, None, None], False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image - self.mean) / self.spread


def resize(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The maps x, interpolated to the height and width of `like`."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def crop(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The middle of the maps x, of the height and width of `like`."""
    height, width = map(int, like.shape[-2:])
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top : top + height, left : left + width]


def initialize(model: nn.Module) -> None:
    """Draws every kernel from He's normal distribution (arXiv:1502.01852) and zeroes the biases."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
