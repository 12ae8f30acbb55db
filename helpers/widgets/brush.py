"""Paint a mask on a photo, and see its IoU and Dice against the truth while you paint."""

import warnings
import zlib

import numpy as np

from helpers import masks
from helpers.classes import LYFT, Classes
from helpers.metrics import Confusion
from helpers.widgets.core import Synced, Widget, check_image, check_mask, jpeg, packed
from helpers.widgets.mode import mode


class Brush(Widget):
    """What `brush` returns; every attribute can be set from Python.

    Attributes:
        mask: what is painted, uint8 H×W.
        paint: the id that the brush paints.
        tool: 'brush' or 'erase'.
        size: the brush's diameter in pixels, 1 to 120.
        opacity: of the painted mask, 0 to 1.
        show_truth: whether the true outline of the class is shown.
    """

    script = "brush.js"
    paint = Synced(0)
    tool = Synced("brush")
    size = Synced(24)
    opacity = Synced(0.55)
    show_truth = Synced(False)
    painted = Synced(b"")
    given = Synced(0)

    def __init__(self, image, truth, classes, paint, background, alt) -> None:
        self._image, self._truth, self._classes = image, truth, classes
        self._background = background
        height, width = truth.shape
        super().__init__(
            "Brush",
            alt or f"A photo of {width}×{height} pixels to paint a mask on.",
            image=jpeg(image),
            truth=packed(truth),
            painted=packed(np.full_like(truth, background)),
            paint=paint,
            background=background,
            width=width,
            height=height,
            names=list(classes.names),
            colours=list(classes.colours),
        )

    @property
    def mask(self) -> np.ndarray:
        if mode() == "html":
            warnings.warn(
                "what is painted stays in the page: here widgets cannot send it to Python. "
                "This is the mask as Python set it last.",
                stacklevel=2,
            )
        return self._painted().copy()

    @mask.setter
    def mask(self, mask: np.ndarray) -> None:
        self.painted = packed(check_mask("mask", mask, self._image, self._classes, ignore=False))
        self.given += 1

    def _painted(self) -> np.ndarray:
        return np.frombuffer(zlib.decompress(self.painted), np.uint8).reshape(self._truth.shape)

    def text(self) -> str:
        """IoU and Dice of what is painted, for each class of the truth."""
        confusion = Confusion(len(self._classes)).add(self._truth, self._painted())
        iou, dice = confusion.iou(), confusion.dice()
        ids = [k for k in np.unique(self._truth) if k < len(iou) and k != self._background]
        height, width = self._truth.shape
        lines = [
            f"Brush on a photo of {width}×{height} pixels",
            "  id class             IoU   Dice",
        ]
        lines += [f"{k:4} {self._classes.names[k]:14} {iou[k]:6.3f} {dice[k]:6.3f}" for k in ids]
        return "\n".join(lines)

    def picture(self) -> np.ndarray:
        """What is painted, over the photo."""
        hide = (self._background,)
        return masks.overlay(self._image, self._painted(), self.opacity, self._classes, hide)


def brush(
    image: np.ndarray,
    truth: np.ndarray,
    classes: Classes = LYFT,
    paint: int | str | None = None,
    background: int = 0,
    alt: str = "",
) -> Brush:
    """A photo to paint a mask on, with the mouse, a finger or the keyboard.

    IoU and Dice of each class are counted in the browser after every stroke. With a kernel behind
    it, `widget.mask` is what has been painted; where widgets are plain pages (Kaggle, a saved
    notebook) the mask stays in the page.

    Args:
        image: uint8, H×W×3.
        truth: class ids, uint8 H×W; 255 is ignored.
        classes: the label scheme: names and colours.
        paint: the class that the brush paints first, as an id or a name; by default the largest
            one of the truth.
        background: the id of what is not painted.
        alt: what the picture shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: sizes differ, an id is no class, or there is nothing to paint.
        KeyError: no class is called `paint`.
    """
    image = check_image(image)
    truth = check_mask("truth", truth, image, classes)
    ids, counts = np.unique(
        truth[(truth < len(classes)) & (truth != background)], return_counts=True
    )
    if not len(ids):
        raise ValueError(
            f"truth holds only {background}, the background: there is nothing to paint"
        )
    if isinstance(paint, str):
        paint = classes.id(paint)
    if paint is None:
        paint = int(ids[counts.argmax()])
    if paint not in ids:
        raise ValueError(f"paint is {paint}; the truth has {', '.join(map(str, ids))}")
    return Brush(image, truth, classes, int(paint), background, alt)
