"""Augmentation to play with: image and mask side by side, as `helpers.augment` makes them."""

import numpy as np

from helpers import masks
from helpers.augment import STREET, Augment, draws
from helpers.classes import LYFT, Classes
from helpers.widgets.core import Synced, Widget, check_image, check_mask, jpeg, packed

SEEDS = 8
GAP = 8  # between image and mask


class Augmentation(Widget):
    """What `augmentation` returns; every attribute can be set from Python.

    Attributes:
        seed: 0 to 7: which numbers are drawn.
        paired: whether the mask is moved with the image.
        flip, crop, rotate, elastic, brightness, contrast, saturation, hue, blur, noise: the
            strengths, as in `helpers.augment.Augment`.
        scale_low, scale_high: its `scale`.
        outlines: whether the mask's edges are drawn on the image.
    """

    script = "augmentation.js"
    seed = Synced(0)
    paired = Synced(True)
    flip = Synced(0)
    crop = Synced(0)
    scale_low = Synced(1)
    scale_high = Synced(1)
    rotate = Synced(0)
    elastic = Synced(0)
    brightness = Synced(0)
    contrast = Synced(0)
    saturation = Synced(0)
    hue = Synced(0)
    blur = Synced(0)
    noise = Synced(0)
    outlines = Synced(True)

    def __init__(self, image, mask, classes, augment, alt) -> None:
        self._image, self._mask, self._classes = image, mask, classes
        height, width = mask.shape
        drawn = [draws(seed) for seed in range(SEEDS)]
        super().__init__(
            "Augmentation",
            alt or "An augmented photo and, beside it, its mask.",
            image=jpeg(image, 92),
            mask=packed(mask),
            draws=[draw for draw, _ in drawn],
            shifts=[shifts.round(6).ravel().tolist() for _, shifts in drawn],
            image_width=width,
            width=2 * width + GAP,
            height=height,
            presets={"Off": _strengths(Augment()), "Street": _strengths(STREET)},
            names=list(classes.names),
            colours=list(classes.colours),
        )
        self.set(augment)

    @property
    def augment(self) -> Augment:
        """The sliders as an `Augment`, to train with."""
        names = _strengths(Augment()).keys() - {"scale_low", "scale_high"}
        return Augment(
            scale=(self.scale_low, self.scale_high), **{n: getattr(self, n) for n in names}
        )

    def set(self, augment: Augment) -> None:
        """Moves all sliders to the strengths of `augment`."""
        for name, strength in _strengths(augment).items():
            setattr(self, name, strength)

    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Image and mask as they are shown, uint8 H×W×3 and H×W."""
        image, mask = self.augment(self._image, self._mask, self.seed)
        return image, mask if self.paired else self._mask.copy()

    def text(self) -> str:
        """The strengths, and how many pixels have a wrong class."""
        _, right = self.augment(self._image, self._mask, self.seed)
        wrong = (self.pair()[1] != right).mean()
        moved = "the mask moves with the image" if self.paired else "the mask stays where it was"
        return f"{self.augment}\nseed {self.seed}, {moved}: {wrong:.1%} of the pixels are wrong"

    def picture(self) -> np.ndarray:
        """The photo under the outlines of the mask, and the mask."""
        image, mask = self.pair()
        image[masks.outlines(mask)] = 255
        shown = masks.colourize(mask, self._classes)
        gap = np.full((mask.shape[0], GAP, 3), 255, np.uint8)
        return np.hstack([image, gap, shown])


def _strengths(augment: Augment) -> dict[str, float]:
    """The strengths by the names of the sliders."""
    strengths = {n: v for n, v in vars(augment).items() if n not in ("scale", "height", "width")}
    return {**strengths, "scale_low": augment.scale[0], "scale_high": augment.scale[1]}


def augmentation(
    image: np.ndarray,
    mask: np.ndarray,
    augment: Augment | None = None,
    classes: Classes = LYFT,
    alt: str = "",
) -> Augmentation:
    """Sliders for every strength of `helpers.augment`; image and mask follow side by side.

    The page computes what `widget.augment(image, mask, widget.seed)` gives, from the same drawn
    numbers; only the grains of the noise are others. It does so with a kernel or without.

    Args:
        image: uint8 H×W×3, at most 65,536 pixels.
        mask: class ids, uint8 H×W; 255 is ignored.
        augment: the strengths at first; without it, all is off.
        classes: the label scheme: names and colours.
        alt: what the picture shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: sizes differ, an id is no class, the image is too large, or a strength is
            beyond its slider.
    """
    image = check_image(image)
    mask = check_mask("mask", mask, image, classes)
    if mask.size > 65_536:
        raise ValueError(
            f"the image is {mask.shape[0]}×{mask.shape[1]}; the explorer takes up to 65,536 pixels,"
            " such as 192×256: use masks.resize_image and masks.resize_mask"
        )
    augment = augment or Augment()
    if augment.height is not None:
        raise ValueError("the explorer keeps the size: leave height and width of augment out")
    if not (0.5 <= augment.scale[0] <= 1 <= augment.scale[1] <= 2):
        raise ValueError(f"scale is {augment.scale}; the sliders go from 0.5 to 1 and from 1 to 2")
    return Augmentation(image, mask, classes, augment, alt)
