"""A contact sheet: some pairs of a dataset as overlays, to see whether masks fit their images."""

from pathlib import Path

import numpy as np

from helpers import figures
from helpers.data.pairs import Pairs
from helpers.data.pictures import short
from helpers.masks import check_ids, overlay


def contact_sheet(pairs: Pairs, path: str | Path, number: int = 9) -> list[str]:
    """Draws overlays with file names, class names and a legend, and writes them as PNG.

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
    shown, faults = [], []
    for pair in (pairs.items[i] for i in chosen):
        try:
            image, mask = pair.read()
            check_ids(mask, len(pairs.classes), short(pair.mask))
            shown.append((short(pair.image), image, mask))
        except ValueError as fault:
            faults.append(str(fault))
    if not shown:
        raise ValueError("\n".join(["No pair can be shown.", *faults]))

    present = np.unique(np.concatenate([np.unique(mask) for _, _, mask in shown])).tolist()
    columns = min(3, len(shown))
    # each row is as high as its tallest picture, and its title
    tall = [figures.WIDTH / columns * mask.shape[0] / mask.shape[1] for _, _, mask in shown]
    heights = [0.4 + max(tall[i : i + columns]) for i in range(0, len(shown), columns)]
    legend = 0.3 * -(-len(present) // 5)
    figure, axes = figures.canvas(len(heights), columns, sum(heights) + legend + 0.2)
    axes[0, 0].get_gridspec().set_height_ratios(heights)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, image, mask) in zip(axes.flat, shown, strict=False):
        figures.draw_mask(axis, mask, pairs.classes)  # for the names; the overlay covers the mask
        axis.imshow(overlay(image, mask, classes=pairs.classes), interpolation="nearest")
        axis.set_title(name, fontsize=10)
    figures.key(figure, pairs.classes, present)
    figure.savefig(path, facecolor="white")
    return faults
