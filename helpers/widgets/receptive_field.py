"""What one pixel of the output sees of the input, through a list of layers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod

import numpy as np

from helpers.widgets.core import Synced, Widget, check_image, jpeg, packed

KINDS = ("convolution", "pooling", "transposed")
_BLUE, _YELLOW = np.array([0, 54, 209]), np.array([255, 216, 77])


@dataclass(frozen=True)
class Layer:
    """One layer with a square kernel; see `conv`, `pool` and `transposed`."""

    kind: str
    kernel: int
    stride: int
    dilation: int
    padding: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a layer is '{self.kind}'; it may be {', '.join(KINDS)}")
        if min(self.kernel, self.stride, self.dilation, self.padding + 1) < 1:
            raise ValueError(
                f"{self}: kernel, stride and dilation are 1 or more, padding 0 or more"
            )

    @property
    def reach(self) -> int:
        """How far apart the first and the last weight of the kernel lie."""
        return self.dilation * (self.kernel - 1)

    def size(self, side: int) -> int:
        """The side of the output for an input of this side."""
        if self.kind == "transposed":
            return (side - 1) * self.stride - 2 * self.padding + self.reach + 1
        return (side + 2 * self.padding - self.reach - 1) // self.stride + 1

    def sees(self, at: int) -> list[int]:
        """The input positions, along one axis, that the output position is computed from."""
        taps = [self.dilation * k - self.padding for k in range(self.kernel)]
        if self.kind != "transposed":
            return [at * self.stride + tap for tap in taps]
        return [(at - tap) // self.stride for tap in taps if (at - tap) % self.stride == 0]


def conv(kernel: int = 3, stride: int = 1, dilation: int = 1, padding: int | None = None) -> Layer:
    """A convolution; without `padding` it gets as much as keeps the size at stride 1."""
    if padding is None:
        padding = dilation * (kernel - 1) // 2
    return Layer("convolution", kernel, stride, dilation, padding)


def pool(kernel: int = 2, stride: int | None = None, padding: int = 0) -> Layer:
    """A pooling; without `stride` its windows stand side by side."""
    return Layer("pooling", kernel, kernel if stride is None else stride, 1, padding)


def transposed(kernel: int = 2, stride: int = 2, padding: int | None = None) -> Layer:
    """A transposed convolution; without `padding` the output is `stride` times as large."""
    if padding is None:
        padding = max(0, kernel - stride) // 2
    return Layer("transposed", kernel, stride, 1, padding)


def sizes(layers: Sequence[Layer], side: int) -> list[int]:
    """The side of the input and of each layer's output.

    Raises:
        ValueError: nothing is left after a layer.
    """
    found = [side]
    for n, layer in enumerate(layers, 1):
        found.append(layer.size(found[-1]))
        if found[-1] < 1:
            raise ValueError(
                f"layer {n}, {layer.kind} {layer.kernel}×{layer.kernel}: nothing is left of "
                f"{found[-2]} pixels. Give a larger size, more padding or fewer layers."
            )
    return found


def paths(layers: Sequence[Layer], side: int, at: int) -> np.ndarray:
    """How many paths lead from each input position, along one axis, to the output position `at`.

    The paths of a pixel are the product of those of its row and of its column. Where all weights
    are 1 this is the gradient of the output with respect to the input.

    Returns:
        float64 of length `side`, exact up to 2**53. Paths out of the padding are not counted.
    """
    bounds = sizes(layers, side)
    counts = np.zeros(bounds[-1])
    counts[at] = 1
    for layer, before in zip(reversed(layers), reversed(bounds[:-1]), strict=True):
        after, counts = counts, np.zeros(before)
        for i in np.flatnonzero(after):
            for j in layer.sees(int(i)):
                if 0 <= j < before:
                    counts[j] += after[i]
    return counts


def geometry(layers: Sequence[Layer]) -> list[tuple[int, float, float]]:
    """After each layer (field, jump, start), in input pixels; borders aside.

    field: the side of the receptive field. jump: how far the fields of neighbours lie apart.
    start: the middle of the field of output pixel 0, where the middle of input pixel 0 is 0.
    Araujo, Norris and Sim 2019, doi:10.23915/distill.00021.
    """
    rows, jump, start = [], 1.0, 0.0
    for n, layer in enumerate(layers, 1):
        middle = layer.reach / 2 - layer.padding
        if layer.kind == "transposed":
            jump /= layer.stride
            start -= middle * jump
        else:
            start += middle * jump
            jump *= layer.stride
        # transposed convolutions: neighbours may see differently much
        strides = [each.stride for each in layers[:n] if each.kind == "transposed"]
        fields = [_extent(layers[:n], phase) for phase in range(min(64, prod(strides)))]
        rows.append((max(fields), jump, start))
    return rows


def _extent(layers: Sequence[Layer], at: int) -> int:
    seen = {at}
    for layer in reversed(layers):
        seen = {j for i in seen for j in layer.sees(i)}
    return max(seen) - min(seen) + 1 if seen else 0


class ReceptiveField(Widget):
    """What `receptive_field` returns; every attribute can be set from Python.

    Attributes:
        layers: a dict for each layer: kind, kernel, stride, dilation, padding.
        pixel: row and column of the output pixel.
        view: 'theoretical' or 'effective', where there is one.
        side: of the square input; not used where there is an image.
    """

    script = "receptive_field.js"
    layers = Synced([])
    pixel = Synced([0, 0])
    view = Synced("theoretical")
    side = Synced(33)

    def __init__(self, layers, side, image, effective, pixel, alt) -> None:
        self._image = image
        extent = None if image is None else list(image.shape[:2])
        parts = {} if image is None else {"image": jpeg(image)}
        high, wide = extent or (side, side)
        out = [sizes(layers, high)[-1], sizes(layers, wide)[-1]]
        pixel = [n // 2 for n in out] if pixel is None else list(pixel)
        if not all(0 <= at < n for at, n in zip(pixel, out, strict=True)):
            raise ValueError(f"pixel is {tuple(pixel)}; the output has {out[0]}×{out[1]} pixels")
        window = 0
        if effective is not None:
            centre = [_middle(layers, n, at) for n, at in zip((high, wide), pixel, strict=True)]
            window = _window(effective, centre)
            parts["effective"] = packed(np.uint8(np.round(255 * effective / effective.max())))
        super().__init__(
            "Receptive field",
            alt or f"What one pixel of the output sees of {high}×{wide} input pixels.",
            layers=[asdict(layer) for layer in layers],
            side=side,
            pixel=pixel,
            measured=pixel,
            extent=extent,
            window=window,
            width=wide,
            height=high,
            **parts,
        )

    def _paths(self) -> tuple[np.ndarray, np.ndarray]:
        layers = [Layer(**layer) for layer in self.layers]
        extents = self.values["extent"] or [self.side, self.side]
        return tuple(paths(layers, n, at) for n, at in zip(extents, self.pixel, strict=True))

    def text(self) -> str:
        """A table of the layers; what the chosen pixel sees."""
        layers = [Layer(**layer) for layer in self.layers]
        rows, columns = self._paths()
        sides = zip(sizes(layers, len(rows))[1:], sizes(layers, len(columns))[1:], strict=True)
        lines = [" layer            kernel stride dilation padding       size field  jump  start"]
        for n, (layer, (field, jump, start), (high, wide)) in enumerate(
            zip(layers, geometry(layers), sides, strict=True), 1
        ):
            lines.append(
                f"{n:2} {layer.kind:14} {layer.kernel:6} {layer.stride:6} {layer.dilation:8} "
                f"{layer.padding:7} {f'{high}×{wide}':>10} {field:5} {jump:5g} {start:6g}"
            )
        seen = np.count_nonzero(rows) * np.count_nonzero(columns)
        spans = [np.ptp(np.flatnonzero(axis)) + 1 if axis.any() else 0 for axis in (rows, columns)]
        most = rows.max() * columns.max()
        many = f"{most:,.0f}" if most < 2**53 else f"about {most:.3g}"
        lines.append(
            f"output pixel {tuple(self.pixel)}: its field is {spans[0]}×{spans[1]}, it sees "
            f"{seen:,} of {spans[0] * spans[1]:,} pixels, one of them by {many} paths"
        )
        if self.values["window"]:
            n = self.values["window"]
            lines.append(
                f"effective field: 95 % of the gradient lies in the nearest {n}×{n} pixels"
            )
        return "\n".join(lines)

    def picture(self) -> np.ndarray:
        """The input, blue where the chosen pixel sees it, stronger where more paths lead; a photo
        is dim, and yellow there."""
        rows, columns = self._paths()
        seen = np.outer(rows, columns)
        alpha = 0.9 * np.sqrt(seen / max(1, seen.max()))[..., None]
        under, colour = (255.0, _BLUE) if self._image is None else (0.45 * self._image, _YELLOW)
        shown = np.uint8(under * (1 - alpha) + colour * alpha)
        enlarge = max(1, 400 // shown.shape[1])
        return shown.repeat(enlarge, 0).repeat(enlarge, 1)


def receptive_field(
    layers: Sequence[Layer],
    side: int = 33,
    image: np.ndarray | None = None,
    effective: np.ndarray | None = None,
    pixel: tuple[int, int] | None = None,
    alt: str = "",
) -> ReceptiveField:
    """What an output pixel sees: point at it. The layers can be changed in the page.

        receptive_field([conv(3), pool(2), conv(3, dilation=2)])

    Args:
        layers: made by `conv`, `pool` and `transposed`; kernels are square.
        side: of the square input, 3 to 512.
        image: uint8 H×W×3, up to 512×512: what the network looks at, in place of `side`.
        effective: H×W, the size of the input: the gradient of the output at `pixel`, its sign put
            aside; `input_gradient` of helpers.pytorch or helpers.keras computes one.
        pixel: row and column of the output pixel at first; the middle one by default.
        alt: what it shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: nothing is left after a layer; sizes differ; the pixel is outside.
    """
    if image is not None:
        image = check_image(image)
    high, wide = (side, side) if image is None else image.shape[:2]
    if not 3 <= min(high, wide) <= max(high, wide) <= 512:
        raise ValueError(f"the input has {high}×{wide} pixels; 3 to 512 a side can be shown")
    if effective is not None:
        effective = np.abs(np.asarray(effective, np.float64))
        if effective.shape != (high, wide) or not 0 < effective.max() < np.inf:
            raise ValueError(
                f"effective is {effective.shape} with the largest value {effective.max():g}; "
                f"it must be {high}×{wide} and not zero everywhere"
            )
    return ReceptiveField(list(layers), side, image, effective, pixel, alt)


def _middle(layers: Sequence[Layer], side: int, at: int) -> int:
    """The middle of the field of an output position, along one axis."""
    seen = np.flatnonzero(paths(layers, side, at))
    return int(seen[0] + seen[-1]) // 2 if len(seen) else side // 2


def _window(effective: np.ndarray, centre: list[int]) -> int:
    """The smallest odd side of a square about the centre that holds 95 % of the sum."""
    row, column = centre
    for half in range(max(effective.shape)):
        part = effective[
            max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1
        ]
        if part.sum() >= 0.95 * effective.sum():
            break
    return 2 * half + 1
