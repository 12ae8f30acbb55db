"""The prediction of one image after each epoch: a strip that grows while the network trains."""

import base64
import zlib

import numpy as np
from IPython.display import display

from helpers import masks
from helpers.classes import LYFT, Classes
from helpers.metrics import Confusion
from helpers.widgets.core import Synced, Widget, check_image, check_mask, jpeg, packed
from helpers.widgets.mode import mode

_WIDEST = 400  # pixels: wider images are shown smaller


class TrainingStrip(Widget):
    """What `training_strip` returns.

    Attributes:
        epochs: a dict for each epoch: epoch, loss, mean_iou (None where unknown), and the mask as
            text. Grows by `add`.
        shown: which of them is shown, counted from 0; -1 follows the newest.
        opacity: of the mask over the image.
        outlines: whether white lines follow the edges of the truth.
    """

    script = "training_strip.js"
    epochs = Synced([])
    shown = Synced(-1)
    opacity = Synced(0.7)
    outlines = Synced(True)

    def __init__(self, image, truth, classes, alt) -> None:
        self._full, self._truth, self._classes, self._handle = image, truth, classes, None
        height, width = image.shape[:2]
        self._size = max(1, round(height * min(1, _WIDEST / width))), min(width, _WIDEST)
        self._image = masks.resize_image(image, *self._size)
        parts = {} if truth is None else {"truth": packed(masks.resize_mask(truth, *self._size))}
        super().__init__(
            "Training strip",
            alt or "The prediction of one image after each epoch of a training.",
            image=jpeg(self._image),
            width=self._size[1],
            height=self._size[0],
            names=list(classes.names),
            colours=list(classes.colours),
            epochs=[],
            **parts,
        )

    def add(
        self,
        epoch: int,
        mask: np.ndarray,
        loss: float | None = None,
        mean_iou: float | None = None,
    ) -> None:
        """Appends what the network says now. The first call shows the strip, if nothing else did.

        Args:
            epoch: larger than the one before; a number of steps does as well.
            mask: the predicted class ids, uint8 H×W, in the image's size.
            loss: any number; its curve is drawn.
            mean_iou: on the validation images, say. Without it, and with a truth, that of this
                image.

        Raises:
            ValueError: the epoch is not larger, or the mask does not fit.
        """
        if self.epochs and epoch <= self.epochs[-1]["epoch"]:
            raise ValueError(
                f"epoch {epoch} comes after epoch {self.epochs[-1]['epoch']}: for another training "
                "make another training_strip"
            )
        mask = check_mask("mask", mask, self._full, self._classes, ignore=False)
        if mean_iou is None and self._truth is not None:
            mean_iou = Confusion(len(self._classes)).add(self._truth, mask).mean_iou()
        small = packed(masks.resize_mask(mask, *self._size))
        row = {
            "epoch": int(epoch),
            "loss": _number(loss),
            "mean_iou": _number(mean_iou),
            "mask": base64.b64encode(small).decode(),
        }
        first = self._live is None
        self.epochs = [*self.epochs, row]  # a new list, so that the page is told
        now = mode()
        if now == "text":
            print(_line(row))
        elif now == "live":
            if first:
                display(self)
        elif self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def text(self) -> str:
        """A line for each epoch."""
        return "\n".join(["Training strip", *map(_line, self.epochs)])

    def picture(self) -> np.ndarray:
        """The image, up to five epochs from the first to the last, and the truth, side by side."""
        chosen = np.unique(
            np.linspace(0, len(self.epochs) - 1, min(5, len(self.epochs)), dtype=int)
        )
        shown = [self._mask(self.epochs[n]) for n in chosen]
        if self._truth is not None:
            shown.append(masks.resize_mask(self._truth, *self._size))
        how = (self.opacity, self._classes)
        return np.hstack(
            [self._image, *(masks.overlay(self._image, mask, *how, hide=(0,)) for mask in shown)]
        )

    def _mask(self, row: dict) -> np.ndarray:
        raw = zlib.decompress(base64.b64decode(row["mask"]))
        return np.frombuffer(raw, np.uint8).reshape(self._size)


def training_strip(
    image: np.ndarray, truth: np.ndarray | None = None, classes: Classes = LYFT, alt: str = ""
) -> TrainingStrip:
    """A strip of predictions that grows while a network trains; afterwards it can be scrubbed.

        strip = training_strip(image, truth)
        for epoch in range(1, 11):
            ...  # train
            strip.add(epoch, predict_masks(model, image[None])[0], loss=loss)

    With Keras, as a callback:

        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: strip.add(
            epoch + 1, predict_masks(model, image[None])[0], loss=logs["loss"]))

    `strip` as the last line of a later cell shows it again, with all epochs: that one stays in the
    saved notebook.

    Args:
        image: uint8 H×W×3.
        truth: its true mask, uint8 H×W; 255 is ignored.
        classes: the label scheme.
        alt: what it shows, in a sentence.

    Raises:
        ValueError: sizes differ, or an id is no class.
    """
    image = check_image(image)
    if truth is not None:
        truth = check_mask("truth", truth, image, classes)
    return TrainingStrip(image, truth, classes, alt)


def _number(value: float | None) -> float | None:
    """What the page can read: None for a missing number, and for nan and infinity."""
    return None if value is None or not np.isfinite(value) else float(value)


def _line(row: dict) -> str:
    parts = [f"epoch {row['epoch']}"]
    if row["loss"] is not None:
        parts.append(f"loss {row['loss']:.3f}")
    if row["mean_iou"] is not None:
        parts.append(f"mean IoU {row['mean_iou']:.3f}")
    return ", ".join(parts)
