"""Photo and masks: fade, swipe, isolate a class, read out a pixel, see the errors."""

import numpy as np

from helpers import masks
from helpers.classes import IGNORE, LYFT, Classes
from helpers.metrics import Confusion
from helpers.widgets.core import Synced, Widget, check_image, check_mask, jpeg, packed

_STEPS = (1, 2, 5, 10)  # percent
_BYTES = 0.13  # for the probabilities, per pixel: 62 kB at 800×600


class Overlay(Widget):
    """What `overlay` returns; every attribute can be set from Python.

    Attributes:
        opacity: 0 shows the photo, 1 the mask.
        hidden: ids that are not shown.
        view: 'truth', 'prediction', 'swipe' or 'errors'; used where there are two masks.
        swipe: where the truth ends and the prediction begins, 0 to 1.
        outlines: whether white lines follow the edges between classes.
    """

    script = "overlay.js"
    opacity = Synced(0.55)
    hidden = Synced([0])
    view = Synced("swipe")
    swipe = Synced(0.5)
    outlines = Synced(True)

    def __init__(self, image, truth, prediction, probabilities, classes, alt) -> None:
        self._image, self._masks, self._classes = image, (truth, prediction), classes
        height, width = image.shape[:2]
        parts = {"truth": truth, "prediction": prediction}
        parts = {name: packed(mask) for name, mask in parts.items() if mask is not None}
        if probabilities is not None:
            parts |= _percent(probabilities, truth, prediction)
        super().__init__(
            "Overlay",
            alt or self._alt(),
            image=jpeg(image),
            width=width,
            height=height,
            names=list(classes.names),
            colours=list(classes.colours),
            **parts,
        )

    def _alt(self) -> str:
        shown = next(mask for mask in self._masks if mask is not None)
        counts = np.bincount(shown.ravel(), minlength=256)[: len(self._classes)]
        largest = [k for k in np.argsort(-counts, kind="stable")[:4] if counts[k]]
        parts = ", ".join(
            f"{self._classes.names[k]} {100 * counts[k] / shown.size:.0f} %" for k in largest
        )
        both = all(mask is not None for mask in self._masks)
        what = "its true and its predicted mask" if both else "its mask"
        return f"A photo with {what} laid over it. The largest classes: {parts}."

    def text(self) -> str:
        """The classes with their pixels and, where there are two masks, their IoU."""
        truth, prediction = self._masks
        height, width = self._image.shape[:2]
        names, n = self._classes.names, len(self._classes)
        if truth is None or prediction is None:
            counts = np.bincount((prediction if truth is None else truth).ravel(), minlength=n)
            rows = [f"{k:4} {names[k]:14} {counts[k]:9,}" for k in range(n) if counts[k]]
            return "\n".join(
                [f"Overlay, {width}×{height} pixels", "  id class             pixels", *rows]
            )
        confusion = Confusion(n).add(truth, prediction)
        iou, counts = confusion.iou(), np.bincount(truth.ravel(), minlength=n)
        rows = [
            f"{k:4} {names[k]:14} {counts[k]:9,}  {iou[k]:.3f}" for k in range(n) if iou[k] >= 0
        ]
        head = f"Overlay of truth and prediction, {width}×{height} pixels"
        foot = f"mean IoU {confusion.mean_iou():.3f}, accuracy {100 * confusion.accuracy():.1f} %"
        return "\n".join([head, "  id class             pixels    IoU", *rows, foot])

    def picture(self) -> np.ndarray:
        """The masks over the photo; of two masks the truth on the left, the prediction right."""
        truth, prediction = self._masks
        shown = truth if prediction is None else prediction.copy()
        if truth is not None and prediction is not None:
            split = round(self.swipe * truth.shape[1])
            shown[:, :split] = truth[:, :split]
        return masks.overlay(
            self._image, shown, self.opacity, self._classes, hide=tuple(self.hidden)
        )


def overlay(
    image: np.ndarray,
    truth: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
    probabilities: np.ndarray | None = None,
    classes: Classes = LYFT,
    alt: str = "",
) -> Overlay:
    """Masks over a photo: fade them, swipe between them, isolate a class, read out a pixel.

    Everything happens in the browser; class 0 is hidden at first. The legend counts the pixels of
    the truth (of the prediction where there is no truth) and gives each class its IoU.

    Args:
        image: uint8, H×W×3.
        truth, prediction: class ids, uint8 H×W; 255 is ignored. One of them may be missing.
        probabilities: h×w×C, rows that add up to 1, in the image's size or in another, as the
            network gave them. Without `prediction` the most probable class is the prediction.
        classes: the label scheme: names and colours. `LYFT_CARLA` has CARLA's colours.
        alt: what the picture shows, in a sentence; without it one is made of the largest classes.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: there is no mask, sizes differ, or an id is no class.
    """
    image = check_image(image)
    if probabilities is not None:
        probabilities = np.asarray(probabilities)
        if probabilities.ndim != 3 or probabilities.shape[2] != len(classes):
            raise ValueError(
                f"probabilities have the shape {probabilities.shape}; for {classes.name} "
                f"they are h×w×{len(classes)}"
            )
        if prediction is None:
            prediction = masks.resize_mask(masks.argmax(probabilities), *image.shape[:2])
    if truth is None and prediction is None:
        raise ValueError("nothing to lay over the image: give truth=, prediction= or both")
    if truth is not None:
        truth = check_mask("truth", truth, image, classes)
    if prediction is not None:
        prediction = check_mask("prediction", prediction, image, classes, ignore=False)
    return Overlay(image, truth, prediction, probabilities, classes, alt)


def _percent(probabilities: np.ndarray, truth: np.ndarray | None, prediction: np.ndarray) -> dict:
    """For each pixel the probability of its predicted class and, where wrong, of the true one.

    In steps of one percent, or coarser ones where that would take too many bytes.
    """
    height, width = prediction.shape
    # the cell of each pixel, as in masks.resize_mask
    rows = ((np.arange(height) + 0.5) * probabilities.shape[0] / height).astype(int)[:, None]
    columns = ((np.arange(width) + 0.5) * probabilities.shape[1] / width).astype(int)[None]
    parts = {"certainty": probabilities[rows, columns, prediction]}
    if truth is not None:
        wrong = (truth != prediction) & (truth != IGNORE)
        other = probabilities[rows, columns, np.where(wrong, truth, 0)]
        parts["missed"] = np.where(wrong, other, 0)
    for step in _STEPS:
        levels = {n: np.uint8(np.round(p * 100 / step) * step) for n, p in parts.items()}
        done = {name: packed(level) for name, level in levels.items()}
        if sum(map(len, done.values())) <= _BYTES * prediction.size:
            break
    return {**done, "step": step}
