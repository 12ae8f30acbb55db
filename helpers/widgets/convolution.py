"""A convolution, one position at a time: ordinary, strided, dilated, transposed, separable."""

import numpy as np
from matplotlib.figure import Figure

from helpers.figures import drawn
from helpers.widgets.core import Synced, Widget

KINDS = ("convolution", "transposed", "separable")


def convolve(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, dilation: int = 1, padding: int = 0
) -> np.ndarray:
    """H×W×C with a kernel k×k×C: one map, (H + 2·padding − dilation·(k−1) − 1) // stride + 1 high.

    As in every framework the kernel is not mirrored.
    """
    reach = dilation * (len(kernel) - 1) + 1
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    high, wide = ((side - reach) // stride + 1 for side in padded.shape[:2])
    out = np.zeros((max(0, high), max(0, wide)))
    for y, x in np.ndindex(out.shape):
        top, left = y * stride, x * stride
        window = padded[top : top + reach : dilation, left : left + reach : dilation]
        out[y, x] = (window * kernel).sum()
    return out


def scatter(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, dilation: int = 1, padding: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The transposed convolution of H×W with k×k: each value lays down the kernel, times itself.

    Returns:
        the map, (H−1)·stride − 2·padding + dilation·(k−1) + 1 high, and how often each of its
        pixels was written to.
    """
    reach = dilation * (len(kernel) - 1) + 1
    out = np.zeros([max(0, (side - 1) * stride + reach) for side in image.shape])
    counts = np.zeros(out.shape, int)
    for y, x in np.ndindex(image.shape):
        part = np.s_[
            y * stride : y * stride + reach : dilation, x * stride : x * stride + reach : dilation
        ]
        out[part] += image[y, x] * kernel
        counts[part] += 1
    inside = np.s_[padding : len(out) - padding, padding : out.shape[1] - padding]
    return out[inside], counts[inside]


def multiplications(
    positions: int, kernel: int, channels: int = 1, maps: int = 1, separable: bool = False
) -> int:
    """How many products a convolution of k×k takes at so many positions.

    Ordinary: k·k·channels·maps each. Separable: k·k·channels, then channels·maps.
    """
    if separable:
        return positions * kernel**2 * channels + positions * channels * maps
    return positions * kernel**2 * channels * maps


class Convolution(Widget):
    """What `convolution` returns; every attribute can be set from Python.

    Attributes:
        kind: 'convolution', 'transposed' or 'separable'.
        kernel: numbers, channels × k × k.
        weights: of the 1×1 convolution that ends a separable one, one for each channel.
        stride, dilation, padding: as in the frameworks.
        step: the position that is shown; they are counted row by row.
        maps: how many output maps the multiplications are counted for.
    """

    script = "convolution.js"
    kind = Synced("convolution")
    kernel = Synced([])
    weights = Synced([])
    stride = Synced(1)
    dilation = Synced(1)
    padding = Synced(0)
    step = Synced(0)
    maps = Synced(1)

    def result(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The whole output, h×w, and for a transposed convolution how often it was written to."""
        image = np.moveaxis(np.array(self.values["image"], float), 0, 2)
        kernel = np.moveaxis(np.array(self.kernel, float), 0, 2)
        how = (self.stride, self.dilation, self.padding)
        if self.kind == "transposed":
            return scatter(image[..., 0], kernel[..., 0], *how)
        if self.kind == "separable":
            kernel = kernel * np.array(self.weights)
        return convolve(image, kernel, *how), None

    def text(self) -> str:
        """What goes in and comes out, and the multiplications."""
        out, counts = self.result()
        channels, high, wide = np.shape(self.values["image"])
        size = len(self.kernel[0])
        how = f"stride {self.stride}, dilation {self.dilation}, padding {self.padding}"
        lines = [
            f"{self.kind}: {high}×{wide}×{channels}, kernel {size}×{size}, {how} "
            f"→ {out.shape[0]}×{out.shape[1]}",
            _matrix(out),
        ]
        if counts is not None:
            lines += ["how often each pixel is written to:", _matrix(counts)]
        positions = high * wide if counts is not None else out.size
        parts = (positions, size, channels, self.maps)
        lines.append(f"{multiplications(*parts):,} multiplications for {self.maps} output map(s)")
        if channels > 1:
            lines.append(f"{multiplications(*parts, separable=True):,} if it is separable")
        return "\n".join(lines)

    def picture(self) -> np.ndarray:
        """Input (its first channel) and output as squares with numbers."""
        out, counts = self.result()
        shown = {"input": np.array(self.values["image"][0]), "kernel": np.array(self.kernel[0])}
        shown |= {"output": out} | ({} if counts is None else {"how often written": counts})
        figure = Figure(figsize=(3 * len(shown), 3.2), layout="constrained")
        for axes, (name, values) in zip(figure.subplots(1, len(shown)), shown.items(), strict=True):
            axes.set_title(name)
            axes.axis("off")
            if not values.size:
                continue
            axes.imshow(values, cmap="Blues", vmax=2 * max(1e-9, np.abs(values).max()))
            for (y, x), value in np.ndenumerate(values):
                axes.text(x, y, f"{value:g}", ha="center", va="center", fontsize=8)
        return drawn(figure)


def convolution(
    image: np.ndarray | None = None,
    kernel: np.ndarray | None = None,
    kind: str = "convolution",
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    weights: np.ndarray | None = None,
    maps: int = 1,
    alt: str = "",
) -> Convolution:
    """Steps through a convolution: window, products, sum. Everything can be changed in the page.

    With one channel an ordinary and a transposed convolution can be compared, with several an
    ordinary and a depthwise-separable one.

    Args:
        image: H×W or H×W×C, up to 16×16×3; small whole numbers read best. By default 6×6, and
            three channels where `kind` is 'separable'.
        kernel: k×k or k×k×C, up to 5×5; by default 3×3.
        kind: 'convolution', 'transposed' or 'separable' (depthwise first, then 1×1).
        stride, dilation, padding: as in the frameworks: 1 to 4, 1 to 4, 0 to 4.
        weights: C numbers, for the 1×1 convolution of 'separable'; all 1 by default.
        maps: for how many output maps the multiplications are counted.
        alt: what it shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: an array or a number is not as above.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is '{kind}'; it may be {', '.join(KINDS)}")
    channels = 3 if kind == "separable" and image is None else 1
    if image is None:
        image = np.random.default_rng(3).integers(0, 5, (6, 6, channels))
    image = _three("image", image, 16)
    channels = image.shape[2]
    if kernel is None:
        kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
        kernel = np.repeat(kernel[..., None], channels, axis=2)
    kernel = _three("kernel", kernel, 5)
    if kernel.shape[0] != kernel.shape[1] or kernel.shape[2] != channels:
        raise ValueError(
            f"kernel is {kernel.shape}; it must be square, with the {channels} channel(s) of image"
        )
    if (kind == "transposed") != (channels == 1) and kind != "convolution":
        raise ValueError(f"kind '{kind}' does not go with {channels} channel(s)")
    weights = np.ones(channels, int) if weights is None else np.asarray(weights)
    if weights.shape != (channels,):
        raise ValueError(f"weights is {weights.shape}; it must hold {channels} number(s)")
    for name, value, least, most in (
        ("stride", stride, 1, 4),
        ("dilation", dilation, 1, 4),
        ("padding", padding, 0, 4),
        ("maps", maps, 1, 4096),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name} is {value}; it may be {least} to {most}")
    high, wide = image.shape[:2]
    return Convolution(
        "Convolution",
        alt or f"A {kind} of {high}×{wide} numbers, step by step.",
        image=np.moveaxis(image, 2, 0).tolist(),
        kernel=np.moveaxis(kernel, 2, 0).tolist(),
        weights=weights.tolist(),
        kind=kind,
        stride=stride,
        dilation=dilation,
        padding=padding,
        maps=maps,
        width=2 * wide,
        height=high + 2,
    )


def _three(name: str, array: np.ndarray, most: int) -> np.ndarray:
    array = np.asarray(array)
    array = array[..., None] if array.ndim == 2 else array
    numbers = array.dtype.kind in "iuf" and np.isfinite(array).all()
    if array.ndim != 3 or not numbers or max(array.shape[:2]) > most or array.shape[2] > 3:
        raise ValueError(
            f"{name} is {array.dtype} {array.shape}; it must be numbers, up to {most}×{most}×3"
        )
    return array


def _matrix(values: np.ndarray) -> str:
    cells = [[f"{value:g}" for value in row] for row in values]
    width = max((len(cell) for row in cells for cell in row), default=0)
    return "\n".join(" ".join(cell.rjust(width) for cell in row) for row in cells)
