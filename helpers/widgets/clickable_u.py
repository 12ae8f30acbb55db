"""A U-Net as a drawing and as a U of buttons: choose a block, see its maps, its size, its weights.

Only arithmetic and pictures: no framework is imported. clickable_u.js counts the same. Levels count
halvings: `down 0` works at full resolution, `bottom` at the smallest one, `up 3` brings the maps
back to the size of level 3, and `join 3` mixes them with the skip from `down 3`.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from helpers.figures import drawn
from helpers.widgets.core import Synced, Widget

_SIDES = 16, 600


@dataclass(frozen=True)
class Block:
    """One block of the U and what leaves it.

    Attributes:
        name: 'down 0', 'bottom', 'up 3', 'join 3', 'head', ...
        height, width, channels: the size of its output.
        parameters: how many numbers it learns.
        broken: why the network stops here; empty if it does not.
    """

    name: str
    height: int
    width: int
    channels: int
    parameters: int
    broken: str = ""

    @property
    def shape(self) -> str:
        return f"{self.height}×{self.width}×{self.channels}"


def blocks(
    height: int,
    width: int,
    channels: int = 3,
    classes: int = 13,
    first: int = 8,
    depth: int = 4,
    padding: str = "same",
    norm: bool = True,
) -> list[Block]:
    """The blocks of a U-Net in the order of the computation, with their output sizes.

    Args:
        height, width, channels: the input image.
        classes: maps that leave the head.
        first: channels at level 0; they double at each level.
        depth: how many times the maps are halved.
        padding: 'same' keeps the size in a convolution; 'valid' loses a pixel at each edge, and the
            skips are cropped to fit, as in the paper (arXiv:1505.04597).
        norm: batch norm after each 3×3 convolution (which then has no bias).

    Returns:
        all blocks, or those up to and including the first that cannot work (its `broken` says why).
    """
    loss = 0 if padding == "same" else 4  # two convolutions, a pixel at each edge
    size, before = (height, width), channels
    skips, done = [], []

    def add(name: str, after: int, parameters: int, broken: str = "") -> bool:
        if min(size) < 1:
            broken = "nothing is left"
        done.append(Block(name, *size, after, parameters, broken))
        return not broken

    def double(before: int, after: int) -> int:
        return 9 * before * after + 9 * after * after + (4 if norm else 2) * after

    for level in range(depth + 1):
        after = first * 2**level
        size = (size[0] - loss, size[1] - loss)
        if not add(f"down {level}" if level < depth else "bottom", after, double(before, after)):
            return done
        if level < depth:
            skips.append(size)
            size = (size[0] // 2, size[1] // 2)
        before = after
    for level in reversed(range(depth)):
        after, skip = first * 2**level, skips[level]
        size = (2 * size[0], 2 * size[1])
        add(f"up {level}", after, 4 * before * after + after)
        if padding == "same" and size != skip:
            side = int(size[0] == skip[0])
            add(f"join {level}", after, double(before, after), f"{size[side]} ≠ {skip[side]}")
            return done
        size = (size[0] - loss, size[1] - loss)
        if not add(f"join {level}", after, double(before, after)):
            return done
        before = after
    add("head", classes, before * classes + classes)
    return done


def table(listed: list[Block]) -> str:
    """The blocks as a Markdown table: name, height×width×channels, parameters."""
    rows = ["| block | height×width×channels | parameters |", "|---|---|---:|"]
    for block in listed:
        shape = f"✗ {block.broken}" if block.broken else block.shape
        rows.append(f"| {block.name} | {shape} | {block.parameters:,} |")
    if not listed[-1].broken:
        rows.append(f"| **all** | | **{sum(block.parameters for block in listed):,}** |")
    return "\n".join(rows)


def _place(block: Block, depth: int) -> tuple[int, float]:
    """Row and column of a block in the U: down in column 0 … depth-1, up again to 2·depth."""
    kind, _, level = block.name.partition(" ")
    if kind == "head":
        return 0, 2 * depth + 1.25
    if kind == "bottom":
        return depth, depth
    return int(level), int(level) if kind == "down" else 2 * depth - int(level)


def draw(listed: list[Block], depth: int = 4, title: str = "") -> Figure:
    """The U as a figure: a box for each block, dashed arrows for the skips; ✗ where it breaks."""
    figure = Figure(figsize=(10, 1.0 * depth + 1.3), layout="constrained")
    axes = figure.subplots()
    found = {block.name: _place(block, depth) for block in listed if block.name[:2] != "up"}

    def arrow(start: str, end: str, text: str, style: str = "-") -> None:
        if start in found and end in found:
            (row, column), (to_row, to_column) = found[start], found[end]
            line = {"arrowstyle": "->", "linestyle": style, "color": "0.35", "shrinkA": 24}
            line |= {"shrinkB": 40 if row == to_row else 20}
            axes.annotate("", (to_column, -to_row), (column, -row), arrowprops=line, zorder=0)
            x, y = (column + to_column) / 2, -(row + to_row) / 2
            side = "right" if column < depth and row != to_row else "left"
            side = "center" if row == to_row else side
            x += {"left": 0.15, "right": -0.1, "center": 0}[side]
            axes.text(x, y + 0.06, f" {text} ", ha=side, color="0.3", fontsize=9)

    ups = {block.name: f"up {block.shape}" for block in listed if block.name[:2] == "up"}
    for level in range(depth):
        deeper = f"{level + 1}" if level + 1 < depth else ""
        arrow(f"down {level}", f"down {deeper}" if deeper else "bottom", "pool")
        arrow(f"join {deeper}" if deeper else "bottom", f"join {level}", ups.get(f"up {level}", ""))
        arrow(f"down {level}", f"join {level}", "skip", "--")
    arrow("join 0", "head", "")
    for block in listed:
        if block.name not in found:  # an up-step is the arrow that climbs to its level
            continue
        row, column = found[block.name]
        lines = [block.name, f"✗ {block.broken}" if block.broken else block.shape]
        box = {"boxstyle": "round,pad=0.35", "facecolor": "#dfe9fb", "edgecolor": "#0036d1"}
        if block.broken:
            box |= {"facecolor": "#ffffff", "edgecolor": "#b00000", "linewidth": 2.5}
        text = "\n".join(lines)
        axes.text(column, -row, text, ha="center", va="center", bbox=box, fontsize=10)
    axes.set(xlim=(-0.7, 2 * depth + 1.9), ylim=(-depth - 0.4, 0.4))
    axes.set_title(title)
    axes.axis("off")
    return figure


def mosaic(maps: np.ndarray, columns: int = 4, height: int = 96) -> np.ndarray:
    """The first 2·columns maps of a block, tiled: float H×W×C → uint8 grey picture.

    Each map is stretched to its own darkest and brightest value and enlarged (nearest, so that
    the true pixels stay visible) to `height` rows.
    """
    tiles = []
    for i in range(2 * columns):
        if i >= maps.shape[2]:
            tiles.append(np.full_like(tiles[0], 255))
            continue
        one = maps[:, :, i].astype(np.float64)
        low, high = one.min(), one.max()
        grey = np.uint8(255 * (one - low) / (high - low if high > low else 1))
        size = (round(height * one.shape[1] / one.shape[0]), height)
        tile = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.NEAREST))
        tiles.append(np.pad(tile, 2, constant_values=255))
    return np.vstack([np.hstack(tiles[:columns]), np.hstack(tiles[columns:])])


class ClickableU(Widget):
    """What `clickable_u` returns; every attribute can be set from Python.

    Attributes:
        side: of the square input.
        padding: 'same' or 'valid'.
        block: the name of the block that is shown.
    """

    script = "clickable_u.js"
    side = Synced(96)
    padding = Synced("same")
    block = Synced("down 0")

    def blocks(self) -> list[Block]:
        """The blocks for the side and the padding as they are now."""
        return blocks(self.side, self.side, padding=self.padding, **self.values["network"])

    def text(self) -> str:
        """The blocks with their sizes and parameters, and where the network breaks."""
        listed = self.blocks()
        lines = [f"U-Net, {self.side}×{self.side} goes in, padding {self.padding}"]
        for b in listed:
            what = f"✗ {b.broken}" if b.broken else b.shape
            lines.append(f"{b.name:8} {what:14} {b.parameters:10,} parameters")
        last = listed[-1]
        if not last.broken:
            total = sum(b.parameters for b in listed)
            lines.append(f"✓ {last.height}×{last.width} comes out; {total:,} parameters")
        return "\n".join(lines)

    def picture(self) -> np.ndarray:
        """The U, drawn."""
        title = f"{self.side} × {self.side} goes in, padding {self.padding}"
        return drawn(draw(self.blocks(), self.values["network"]["depth"], title))


def clickable_u(
    maps: Mapping[str, np.ndarray] | None = None, side: int = 96, alt: str = "", **network
) -> ClickableU:
    """A U of buttons: a block shows its maps, size and parameters; the input can be resized.

    Args:
        maps: for each block's name its output for one image, float H×W×C. A block that is not in
            it has sizes, but no picture.
        side: the side of the square input at first, 16 to 600.
        alt: what it shows, in a sentence.
        network: `channels`, `classes`, `first`, `depth`, `norm` as in `blocks`.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: the side is out of range; maps of a block that the network has not, or of
            another shape than H×W×C.
    """
    network = {"channels": 3, "classes": 13, "first": 8, "depth": 4, "norm": True} | network
    if not _SIDES[0] <= side <= _SIDES[1]:
        raise ValueError(f"side is {side}; it may be {_SIDES[0]} to {_SIDES[1]}")
    known = {b.name: b.channels for b in blocks(512, 512, **network)}
    pictures = {}
    for name, found in (maps or {}).items():
        if name not in known:
            raise ValueError(f"maps has '{name}'; the blocks are {', '.join(known)}")
        if found.ndim != 3 or found.shape[2] != known[name]:
            raise ValueError(
                f"maps of '{name}' have the shape {found.shape}; H×W×{known[name]} is right"
            )
        pictures[name] = [_picture(found), *found.shape]
    return ClickableU(
        "Clickable U-Net",
        alt or f"A U-Net with {network['depth']} levels of skips, as a U of buttons.",
        network=network,
        maps=pictures,
        sides=list(_SIDES),
        side=side,
        width=960,
        height=820,
    )


def _picture(maps: np.ndarray) -> str:
    """The first eight maps as the address of a picture; where pixels are small, compressed."""
    how = {"lossless": True} if len(maps) <= 24 else {"quality": 60}
    file = BytesIO()
    Image.fromarray(mosaic(maps)).save(file, "WEBP", **how)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
