"""The figures of the course: drawn with matplotlib, shown as one picture with alt text.

Every function needs `alt`: one or two sentences that tell what the picture shows to somebody who
cannot see it. Colour never speaks alone: a class has its name and id beside its colour, a curve its
own dashes. Importing this file sets matplotlib's font sizes, so that your own plots match.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from helpers.classes import IGNORE, LYFT, Classes
from helpers.masks import colourize

WIDTH = 10.0
"""The width of a figure in inches; 100 pixels to the inch fill a notebook's column."""

plt.rcParams.update(
    {
        "font.size": 13,
        "axes.titlesize": 14,
        "legend.fontsize": 12,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "legend.columnspacing": 1.2,
    }
)
_DASHES = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)))
_INK = ("#0036d1", "#9a4529", "#561d55", "#5f7000", "#45423f")  # dark hues of the class palette
_HATCHES = ("", "//", "..", "xx")
_LARGEST = 280_000  # bytes: a bigger picture is stored with 256 colours


def show(figure: Figure, alt: str, caption: str = "") -> None:
    """Displays a figure once, as a picture with alt text, and closes it.

    Args:
        figure: a matplotlib figure.
        alt: what the picture shows, in words; where no picture can be shown, it stands alone.
        caption: text under the picture.

    Raises:
        ValueError: `alt` is empty.
    """
    page = picture(figure, alt, caption)
    display({"text/html": page, "text/plain": alt}, raw=True)


def picture(figure: Figure, alt: str, caption: str = "") -> str:
    """The figure as a piece of HTML, `<figure><img alt=… src="data:…"></figure>`; closes it."""
    if not alt or not alt.strip():
        raise ValueError("alt is empty: tell in one sentence what the picture shows")
    data = base64.b64encode(png(figure)).decode()
    plt.close(figure)
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure style="margin: 0.5em 0"><img alt="{html.escape(alt)}" '
        f'style="max-width: 100%; height: auto" src="data:image/png;base64,{data}">{below}</figure>'
    )


def canvas(rows: int = 1, columns: int = 1, height: float = 4.0) -> tuple[Figure, np.ndarray]:
    """An empty figure of the course's width and `height` inches, and its axes, rows×columns."""
    return plt.subplots(rows, columns, figsize=(WIDTH, height), layout="constrained", squeeze=False)


def grid(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    *,
    alt: str,
    columns: int | None = None,
    classes: Classes | None = LYFT,
    ids: Sequence[int] = (),
) -> None:
    """Shows pictures side by side: `side_by_side`, with alt text.

    Args:
        alt: what the figure shows.
    """
    show(side_by_side(pictures, titles, columns, classes, ids), alt)


def side_by_side(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int | None = None,
    classes: Classes | None = LYFT,
    ids: Sequence[int] = (),
) -> Figure:
    """A figure of pictures side by side.

    Args:
        pictures: images (uint8, H×W×3) and masks (uint8, H×W). A mask is coloured, the names of its
            larger classes are written into it, and the legend lists the classes that occur.
        titles: one for each picture.
        columns: pictures in a row, by default all of them up to three.
        classes: the label scheme of the masks; None: an H×W array is grey, 0 black, 255 white.
        ids: further classes for the legend, for example those of an overlay.
    """
    columns = columns or min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    present = set(ids)
    if classes is not None:
        present |= {k for p in pictures if p.ndim == 2 for k in np.unique(p).tolist()}
    shape = max(p.shape[0] / p.shape[1] for p in pictures)
    height = rows * (WIDTH / columns * shape + 0.35) + 0.27 * -(-len(present) // 5)
    figure, axes = canvas(rows, columns, height)
    for axis in axes.flat[len(pictures) :]:
        axis.set_axis_off()
    for axis, title, shown in zip(axes.flat, titles, pictures, strict=False):
        axis.set(title=title, xticks=[], yticks=[])
        if shown.ndim == 2 and classes is not None:
            draw_mask(axis, shown, classes)
        else:
            axis.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    if present:
        key(figure, classes, sorted(present))
    return figure


def draw_mask(
    axis: Axes, mask: np.ndarray, classes: Classes = LYFT, smallest: float = 0.03
) -> None:
    """Draws a mask (uint8, H×W) in its colours and writes the class names into it.

    A class gets its name where its region is widest, if it covers the share `smallest`. Where that
    would be on an earlier name, it moves within its region.
    """
    axis.imshow(colourize(mask, classes), interpolation="nearest")
    height, width = mask.shape
    place = axis.get_subplotspec()
    columns = place.get_gridspec().ncols if place else 1
    pixel = width * columns / (100 * WIDTH)  # a pixel of the figure, in pixels of the mask
    free = np.ones(mask.shape, bool)
    for k, name in enumerate(classes.names):
        region = mask == k
        if region.mean() < smallest:
            continue
        # blurred, a region is brightest in its widest part; the rim keeps that off the border
        framed = Image.fromarray(np.pad(region, height // 2).astype(np.uint8) * 255)
        blurred = np.asarray(framed.filter(GaussianBlur(height / 8)))
        blurred = blurred[height // 2 :, height // 2 :][:height, :width]
        allowed = region & free if (region & free).any() else region
        row, column = np.unravel_index((blurred * allowed).argmax(), mask.shape)
        column = np.clip(column, 0.2 * width, 0.8 * width)
        text = axis.text(column, row, name, color="white", ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=3, foreground="black")])
        # a line is 24 pixels high, a letter 11 wide; 50 for one half of the next name
        above, beside = 24 * pixel, (5.5 * len(name) + 50) * pixel
        top, left = max(int(row - above), 0), max(int(column - beside), 0)
        free[top : int(row + above) + 1, left : int(column + beside) + 1] = False


def key(figure: Figure, classes: Classes, ids: Sequence[int]) -> None:
    """Puts the legend under a figure: colour, id and name of the classes `ids`."""
    colours = {**dict(enumerate(classes.colours)), IGNORE: "#808080"}
    names = {**dict(enumerate(classes.names)), IGNORE: "ignore"}
    patches = [Patch(fc=colours[k], ec="black", label=f"{k} {names[k]}") for k in ids]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(5, len(patches)))


def legend(classes: Classes = LYFT, *, alt: str) -> None:
    """Shows all classes of a scheme: colour, id, name."""
    figure = plt.figure(figsize=(WIDTH, 0.3 * -(-len(classes) // 5)), layout="constrained")
    key(figure, classes, range(len(classes)))
    show(figure, alt)


def class_bars(
    values: Mapping[str, Sequence[float]], *, alt: str, label: str, classes: Classes = LYFT
) -> None:
    """Shows one horizontal bar for each class and series; the number stands at its end.

    Args:
        values: name of the series → one value for each class, 0 to 1; a class that is nan
            everywhere is left out.
        alt: what the figure shows.
        label: what a bar's length means.
        classes: the label scheme.
    """
    table = np.array([list(series) for series in values.values()], float)
    present = np.flatnonzero(~np.isnan(table).all(0))
    single, thick = len(table) == 1, 0.8 / len(table)
    figure, axes = canvas(height=0.9 + len(present) * (0.16 + 0.24 * len(table)))
    axis = axes[0, 0]
    for s, (name, row) in enumerate(zip(values, table[:, present], strict=True)):
        y = np.arange(len(present)) + (s - (len(table) - 1) / 2) * thick
        colours = [classes.colours[k] for k in present] if single else _INK[s % 5]
        bars = axis.barh(
            y, np.nan_to_num(row), thick, color=colours, hatch=_HATCHES[s % 4], label=name
        )
        plt.setp(bars, edgecolor="black" if single else "white")
        axis.bar_label(bars, [_number(v) for v in row], padding=4, fontsize=11)
    axis.set_yticks(range(len(present)), [f"{k} {classes.names[k]}" for k in present])
    axis.set(xlabel=label, xlim=(0, min(1.12, np.nanmax(table) * 1.15 + 0.02)))
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    if not single:
        figure.legend(loc="outside upper center", ncols=min(3, len(table)))
    show(figure, alt)


def _number(value: float) -> str:
    if np.isnan(value):
        return "absent"
    return "<0.001" if 0 < value < 0.001 else f"{value:.3f}"


def confusion(matrix: np.ndarray, *, alt: str, classes: Classes = LYFT) -> None:
    """Shows a confusion matrix (C×C counts, row = truth) as shares of each row, in percent."""
    present = np.flatnonzero(matrix.sum(0) + matrix.sum(1))
    part = matrix[np.ix_(present, present)]
    share = 100 * part / np.maximum(part.sum(1, keepdims=True), 1)
    figure, axes = canvas(height=1.8 + 0.42 * len(present))
    axis = axes[0, 0]
    axis.imshow(share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.5:
            colour = "white" if value > 55 else "black"
            axis.text(column, row, f"{value:.0f}", color=colour, ha="center", va="center")
    names = [f"{k} {classes.names[k]}" for k in present]
    axis.set_xticks(range(len(present)), names, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(present)), names)
    axis.set(xlabel="predicted class", ylabel="true class")
    show(figure, alt)


def curves(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
) -> None:
    """Shows lines, each with its own colour and dashes. `series`: name → (x values, y values)."""
    figure, axes = canvas(height=4.2)
    axis = axes[0, 0]
    for s, (name, (x, y)) in enumerate(series.items()):
        axis.plot(x, y, linestyle=_DASHES[s % 5], color=_INK[s % 5], linewidth=2.2, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend()
    show(figure, alt)


def drawn(figure: Figure) -> np.ndarray:
    """A figure as an image, uint8 H×W×3."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG; with 256 colours if it would be large."""
    figure.draw_without_rendering()  # the layout settles in a second pass; one cuts off titles
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white")
    if file.tell() > _LARGEST:
        # the default method would merge a rare colour, such as a small class, with another
        how = Image.Quantize.MAXCOVERAGE
        picture = Image.open(file).convert("RGB").quantize(256, how, dither=Image.Dither.NONE)
        file = io.BytesIO()
        picture.save(file, "png", optimize=True)
    return file.getvalue()
