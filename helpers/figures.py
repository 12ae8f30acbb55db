"""The figures of the course: drawn with matplotlib, shown as one picture with alt text.

Every function needs `alt`: one or two sentences that tell what the picture shows to somebody who
cannot see it. Colour never speaks alone: a class has its name and id beside its colour, a curve its
own dashes. Importing this file sets matplotlib's font sizes, so that your own plots match.
"""

import base64
import hashlib
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
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
    {"font.size": 13, "axes.titlesize": 14, "legend.fontsize": 12, "figure.dpi": 100}
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
    data = base64.b64encode(_png(figure)).decode()
    plt.close(figure)
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure style="margin: 0.5em 0"><img alt="{html.escape(alt)}" '
        f'style="max-width: 100%; height: auto" src="data:image/png;base64,{data}">{below}</figure>'
    )


def choose(figures: Mapping[str, Figure], alts: Mapping[str, str], label: str = "Show") -> None:
    """Shows one of several figures at a time, with a button for each.

    Plain HTML, as in `helpers.quiz`: it needs no kernel and no JavaScript, and works in a saved
    notebook. Where a viewer drops style sheets, the pictures stand one below the other.

    Args:
        figures: name on the button → figure.
        alts: the same names → alt text.
        label: what is chosen.
    """
    pages = [picture(figure, alts[name]) for name, figure in figures.items()]
    key = "choose-" + hashlib.sha256("".join(pages).encode()).hexdigest()[:8]
    rules, buttons, views = [], [], []
    for n, (name, page) in enumerate(zip(figures, pages, strict=True)):
        rules.append(f"#{key}-{n}:checked ~ .{key}-{n} {{display: block}}")
        # without the data attribute Jupyter takes keys pressed here, such as x, as its commands
        buttons.append(
            f'<input type="radio" name="{key}" id="{key}-{n}" data-lm-suppress-shortcuts="true"'
            f'{" checked" * (n == 0)}> <label for="{key}-{n}">{html.escape(name)}</label> &ensp;'
        )
        views.append(f'<div class="{key} {key}-{n}"><b>{html.escape(name)}</b>{page}</div>')
    page = (
        f"<style>.{key}, .{key} b {{display: none}} {' '.join(rules)}</style><fieldset>"
        f"<legend>{html.escape(label)}</legend>{''.join(buttons)}{''.join(views)}</fieldset>"
    )
    display({"text/html": page, "text/plain": "\n".join(alts[n] for n in figures)}, raw=True)


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
    caption: str = "",
) -> None:
    """Shows pictures side by side.

    Args:
        pictures: images (uint8, H×W×3) and masks (uint8, H×W). A mask is coloured, the names of its
            larger classes are written into it, and the legend lists the classes that occur.
        titles: one for each picture.
        alt: what the figure shows.
        columns: pictures in a row, by default all of them up to three.
        classes: the label scheme of the masks; None: an H×W array is grey, 0 black, 255 white.
        ids: further classes for the legend, for example those of an overlay.
        caption: text under the figure.
    """
    columns = columns or min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    shape = max(p.shape[0] / p.shape[1] for p in pictures)
    present = set(ids)
    height = rows * (WIDTH / columns * shape + 0.4)
    figure, axes = canvas(rows, columns, height)
    for axis, title, shown in zip(axes.flat, titles, pictures, strict=False):
        axis.set_title(title)
        if shown.ndim == 2 and classes is not None:
            present |= set(np.unique(shown).tolist())
            draw_mask(axis, shown, classes)
        else:
            axis.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for axis in axes.flat:
        axis.set_axis_off()
    if present and classes is not None:
        key(figure, classes, sorted(present))
    show(figure, alt, caption)


def draw_mask(
    axis: Axes, mask: np.ndarray, classes: Classes = LYFT, smallest: float = 0.03
) -> None:
    """Draws a mask (uint8, H×W) in its colours and writes the class names into it.

    A class gets its name where its region is widest, if it covers the share `smallest`.
    """
    axis.imshow(colourize(mask, classes), interpolation="nearest")
    height, width = mask.shape
    for k in range(len(classes)):
        region = mask == k
        if region.mean() < smallest:
            continue
        # blurred, a region is brightest in its widest part; the rim keeps that off the border
        framed = Image.fromarray(np.pad(region, height // 2).astype(np.uint8) * 255)
        blurred = np.asarray(framed.filter(GaussianBlur(height / 8)))
        blurred = blurred[height // 2 :, height // 2 :][:height, :width]
        row, column = np.unravel_index((blurred * region).argmax(), mask.shape)
        column = np.clip(column, 0.2 * width, 0.8 * width)
        text = axis.text(column, row, classes.names[k], color="white", ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=3, foreground="black")])


def key(figure: Figure, classes: Classes, ids: Sequence[int]) -> None:
    """Puts the legend under a figure: colour, id and name of the classes `ids`."""
    patches = []
    for k in ids:
        colour, name = (
            ("#808080", "ignore") if k == IGNORE else (classes.colours[k], classes.names[k])
        )
        patches.append(Patch(facecolor=colour, edgecolor="black", label=f"{k} {name}"))
    figure.legend(
        handles=patches, loc="outside lower center", ncols=min(6, len(patches)), frameon=False
    )


def legend(classes: Classes = LYFT, *, alt: str) -> None:
    """Shows all classes of a scheme: colour, id, name."""
    rows = -(-len(classes) // 5)
    figure, axes = canvas(height=0.55 * rows)
    axes[0, 0].set_axis_off()
    axes[0, 0].set(xlim=(0, 5), ylim=(rows, 0))
    for k, (name, colour) in enumerate(zip(classes.names, classes.colours, strict=True)):
        x, y = k % 5, k // 5
        axes[0, 0].add_patch(
            plt.Rectangle((x, y + 0.15), 0.22, 0.7, facecolor=colour, edgecolor="black")
        )
        axes[0, 0].text(x + 0.27, y + 0.5, f"{k} {name}", va="center")
    show(figure, alt)


def class_bars(
    values: Mapping[str, Sequence[float]],
    *,
    alt: str,
    label: str,
    classes: Classes = LYFT,
    caption: str = "",
) -> None:
    """Shows one horizontal bar for each class and series; the number stands at its end.

    Args:
        values: name of the series → one value for each class, 0 to 1; a class that is nan
            everywhere is left out.
        alt: what the figure shows.
        label: what a bar's length means.
        classes: the label scheme.
        caption: text under the figure.
    """
    table = np.array([list(series) for series in values.values()], float)
    present = np.flatnonzero(~np.isnan(table).all(0))
    thick = 0.8 / len(table)
    figure, axes = canvas(height=0.9 + len(present) * (0.16 + 0.24 * len(table)))
    axis = axes[0, 0]
    for s, (name, row) in enumerate(zip(values, table, strict=True)):
        y = np.arange(len(present)) + (s - (len(table) - 1) / 2) * thick
        colours = [classes.colours[k] for k in present] if len(table) == 1 else _INK[s]
        hatch, edge = _HATCHES[s % len(_HATCHES)], "black" if len(table) == 1 else "white"
        bars = axis.barh(
            y, np.nan_to_num(row[present]), thick, color=colours, edgecolor=edge, hatch=hatch
        )
        bars.set_label(name)
        texts = ["absent" if np.isnan(v) else f"{v:.3f}" for v in row[present]]
        axis.bar_label(bars, texts, padding=4, fontsize=11)
    axis.set_yticks(range(len(present)), [f"{k} {classes.names[k]}" for k in present])
    axis.set(xlabel=label, xlim=(0, min(1.12, np.nanmax(table) * 1.15 + 0.02)))
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    if len(table) > 1:
        axis.legend()
    show(figure, alt, caption)


def confusion(matrix: np.ndarray, *, alt: str, classes: Classes = LYFT, caption: str = "") -> None:
    """Shows a confusion matrix (C×C pixel counts, row = truth) as shares of each row, in percent."""
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
    show(figure, alt, caption)


def curves(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    xlabel: str,
    ylabel: str,
    caption: str = "",
) -> None:
    """Shows lines, each with its own colour and dashes. `series`: name → (x values, y values)."""
    figure, axes = canvas(height=4.2)
    axis = axes[0, 0]
    for s, (name, (x, y)) in enumerate(series.items()):
        axis.plot(x, y, linestyle=_DASHES[s % 5], color=_INK[s % 5], linewidth=2.2, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    show(figure, alt, caption)


def _png(figure: Figure) -> bytes:
    """The figure as PNG; with 256 colours if it would be large."""
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white")
    if file.tell() > _LARGEST:
        picture = Image.open(file).convert("RGB").quantize(256)
        file = io.BytesIO()
        picture.save(file, "png", optimize=True)
    return file.getvalue()
