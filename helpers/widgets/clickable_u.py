"""A U-Net as a drawing and as a U of buttons: choose a block, see its maps, its size, its weights.

Only arithmetic and pictures: no framework is imported. Levels count halvings: `down 0` works at
full resolution, `bottom` at the smallest one, `up 3` brings the maps back to the size of level 3,
and `join 3` mixes them with the skip from `down 3`.
"""

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from matplotlib.figure import Figure
from PIL import Image


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


def _picture(maps: np.ndarray, alt: str) -> str:
    file = BytesIO()
    Image.fromarray(mosaic(maps)).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def clickable_u(maps: Mapping[str, np.ndarray], size: int = 96, **network):
    """A U of buttons with a size slider and a same/valid switch, as a core ipywidgets box.

    Args:
        maps: for each block's name its output for one image, float H×W×C. A block that is not in
            it has sizes, but no picture.
        size: the side of the square input at first.
        network: `channels`, `classes`, `first`, `depth`, `norm` as in `blocks`.

    Returns:
        the widget; display it as the last line of a cell.
    """
    import ipywidgets as w

    depth = network.get("depth", 4)
    names = [block.name for block in blocks(2 ** (depth + 2), 2 ** (depth + 2), **network)]
    wide = w.Layout(width="auto")
    buttons = {name: w.Button(description=name, layout=wide) for name in names}
    side = w.IntSlider(size, 16, 600, description="input side", continuous_update=True)
    padding = w.ToggleButtons(options=["same", "valid"], description="padding")
    verdict, about = w.HTML(), w.HTML()
    chosen = ["down 0"]

    def refresh(*_):
        listed = blocks(side.value, side.value, padding=padding.value, **network)
        found = {block.name: block for block in listed}
        for name, button in buttons.items():
            block = found.get(name)
            size = "–" if block is None else f"✗ {block.broken}" if block.broken else block.height
            button.description = f"{name} · {size}"
            state = "danger" if block and block.broken else "primary" if name == chosen[0] else ""
            button.button_style = state
        last = listed[-1]
        verdict.value = (
            f"<b>✗ {last.name}: {last.broken}</b>"
            if last.broken
            else (f"<b>✓ {side.value}×{side.value} in, {last.height}×{last.width} out</b>")
        )
        block = found.get(chosen[0])
        text = "not reached" if block is None else f"{block.shape}, {block.parameters:,} parameters"
        picture = ""
        if chosen[0] in maps:
            shown = maps[chosen[0]]
            caption = f"First maps of {chosen[0]} for one street scene, {shown.shape[0]}×"
            caption += f"{shown.shape[1]} pixels, {shown.shape[2]} maps"
            picture = f"<br>{caption}<br>{_picture(shown, caption)}"
        about.value = f"<b>{chosen[0]}</b>: {text}{picture}"

    def choose(button):
        chosen[0] = next(name for name, known in buttons.items() if known is button)
        refresh()

    for button in buttons.values():
        button.on_click(choose)
    side.observe(refresh, "value")
    padding.observe(refresh, "value")
    refresh()
    spread = "space-between"
    rows = []
    for level in range(depth):
        right = [buttons[f"up {level}"], buttons[f"join {level}"]]
        right += [buttons["head"]] if level == 0 else []
        indent = w.Layout(justify_content=spread, padding=f"0 {3 * level}em")
        rows.append(w.HBox([buttons[f"down {level}"], w.HBox(right)], layout=indent))
    rows.append(w.HBox([buttons["bottom"]], layout=w.Layout(justify_content="center")))
    return w.VBox([w.HBox([side, padding]), verdict, *rows, about])
