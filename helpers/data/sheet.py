"""A contact sheet: some pairs of a dataset as overlays, to see whether masks fit their images."""

from pathlib import Path

import numpy as np

from helpers import figures
from helpers.data.pairs import Pairs
from helpers.masks import check_ids, overlay, remove_hood

COLUMNS = 3


def contact_sheet(pairs: Pairs, path: str | Path, number: int = 9) -> list[str]:
    """Draws overlays with their names, the ids in them and a legend, and writes them as PNG.

    Args:
        pairs: shown are `number` of them, evenly spaced; those that cannot be read are left out.
        path: where to write.
        number: how many pictures at most.

    Returns:
        A sentence for each pair that was left out.

    Raises:
        ValueError: none of them can be read.
    """
    chosen = np.linspace(0, len(pairs) - 1, min(number, len(pairs))).round().astype(int)
    shown, skipped = [], []
    for i in chosen:
        try:
            image, mask = pairs[i]
            check_ids(mask, len(pairs.classes), pairs.items[i].image.name)
        except ValueError as fault:
            skipped.append(str(fault))
            continue
        if pairs.items[i].lyft:
            mask = remove_hood(mask)
        hide = (0,) if pairs.items[i].lyft else ()
        shown.append(
            (pairs.items[i], overlay(image, mask, 0.55, pairs.classes, hide), np.unique(mask))
        )
    if not shown:
        raise ValueError("\n".join(["no pair can be shown.", *skipped]))
    present = sorted({int(k) for _, _, found in shown for k in found})
    rows = -(-len(shown) // COLUMNS)
    shape = max(picture.shape[0] / picture.shape[1] for _, picture, _ in shown)
    legend = 0.27 * -(-len(present) // 5)
    figure, axes = figures.canvas(
        rows, COLUMNS, rows * (figures.WIDTH / COLUMNS * shape + 0.5) + legend
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (pair, picture, found) in zip(axes.flat, shown, strict=False):
        axis.imshow(picture, interpolation="nearest")
        axis.set_title(
            f"{pair.drive} {pair.image.name}\nids {' '.join(map(str, found))}", fontsize=9
        )
    figures.key(figure, pairs.classes, present)
    figure.savefig(path, dpi=110, facecolor="white")
    return skipped
