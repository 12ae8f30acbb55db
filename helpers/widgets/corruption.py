"""What a smooth resize and JPEG do to ids: the corruption lab."""

import io

import numpy as np
from PIL import Image

from helpers import masks
from helpers.classes import IGNORE, LYFT, Classes
from helpers.widgets.core import Synced, Widget, packed

FILTERS = ("nearest", "box", "bilinear", "bicubic", "lanczos")
UNKNOWN = -2  # shown: ids of no class


class Corruption(Widget):
    """What `corruption` returns; every attribute can be set from Python.

    Attributes:
        resize: the filter: nearest, box, bilinear, bicubic or lanczos.
        jpeg: whether the resized mask is saved as JPEG and read back.
        quality: of the JPEG, 1 to 100.
        view: 'after', 'before' or 'changed'.
        shown: an id whose pixels are shown alone, -2 for those of no class, -1 for all.
    """

    script = "corruption.js"
    resize = Synced("bilinear")
    jpeg = Synced(False)
    quality = Synced(75)
    view = Synced("after")
    shown = Synced(-1)

    def __init__(self, mask, height, width, classes, alt) -> None:
        self._mask, self._size, self._classes = mask, (width, height), classes
        super().__init__(
            "Corruption lab",
            alt or f"A mask, resized to {width}×{height} pixels in a way that you choose.",
            width=width,
            height=height,
            names=list(classes.names),
            colours=list(classes.colours),
            **{name: packed(self._resized(name)) for name in FILTERS},
        )

    def _resized(self, name: str) -> np.ndarray:
        chosen = Image.Resampling[name.upper()]
        return np.array(Image.fromarray(self._mask).resize(self._size, chosen))

    @property
    def damaged(self) -> np.ndarray:
        """The mask as Pillow makes it with the present settings, uint8."""
        ids = self._resized(self.resize)
        if not self.jpeg:
            return ids
        file = io.BytesIO()
        Image.fromarray(ids).save(file, "JPEG", quality=int(self.quality))
        return np.array(Image.open(file))

    def text(self) -> str:
        """How many pixels changed, and the ids that are there now."""
        damaged, right = self.damaged, self._resized("nearest")
        changed = damaged != right
        saved = f", JPEG {self.quality:g}" if self.jpeg else ""
        lines = [
            f"Resized by {self.resize}{saved}: {changed.sum():,} of {changed.size:,} pixels "
            f"changed ({changed.mean():.1%})",
            f"ids: {len(np.unique(right))} before, {len(np.unique(damaged))} now",
            "  id class            pixels  invented",
        ]
        for k in np.unique(damaged):
            here = damaged == k
            name = "ignored" if k == IGNORE else "no such class"
            name = self._classes.names[k] if k < len(self._classes) else name
            lines.append(f"{k:4} {name:14} {here.sum():8,} {changed[here].mean():9.0%}")
        return "\n".join(lines)

    def picture(self) -> np.ndarray:
        """The damaged mask in its classes' colours; ids of no class are black and white."""
        damaged = self.damaged
        unknown = (damaged >= len(self._classes)) & (damaged != IGNORE)
        shown = masks.colourize(np.where(unknown, 0, damaged).astype(np.uint8), self._classes)
        checks = np.indices(damaged.shape).sum(axis=0) % 2 * 255
        return np.where(unknown[..., None], checks[..., None], shown).astype(np.uint8)


def corruption(
    mask: np.ndarray,
    height: int = 192,
    width: int = 256,
    classes: Classes = LYFT,
    alt: str = "",
) -> Corruption:
    """Resizes a mask with a filter of your choice and saves it as JPEG: see which ids appear.

    The right mask, to compare with, is resized by nearest and not saved as JPEG. The page computes
    what JPEG does to a picture of one channel with the same whole numbers as Pillow, so every id
    is the one that you would read back, with a kernel or without.

    Args:
        mask: class ids, uint8 H×W.
        height, width: the new size, at most 65,536 pixels in all.
        classes: the label scheme: names and colours.
        alt: what the picture shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: the mask is no uint8 H×W of ids, or the size is too large.
    """
    mask = np.asarray(mask)
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"mask is {mask.dtype} {mask.shape}; it must be ids, uint8 H×W")
    masks.check_ids(mask, len(classes))
    if not 0 < height * width <= 65_536:
        raise ValueError(
            f"{height}×{width} pixels; the lab takes up to 65,536, such as 192×256, so that it "
            "follows each move at once"
        )
    return Corruption(mask, height, width, classes, alt)
