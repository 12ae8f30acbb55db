"""The base of all widgets: values, one script, and the ways to show them.

A widget is a plain object. It holds values; the page reads them all, by name, and may change those
that are `Synced`. A new widget is one .py and one .js:

    class Threshold(Widget):
        script = "threshold.js"
        threshold = Synced(0.5)

        def text(self): ...        what the widget shows, in words
        def picture(self): ...     the same as uint8 H×W×3, where no script runs

    Threshold("Threshold", alt, image=jpeg(image), map=packed(map), width=800, height=600)

The script imports what it needs from pixels.js (arithmetic), stage.js (the picture) and parts.js
(controls), and ends in `export default mount(async (root, model) => {...})`. There
`model.get(name)` gives a value; bytes go through `toBytes`.
"""

import base64
import io
import zlib
from typing import Any

import numpy as np
from PIL import Image

from helpers import masks
from helpers.classes import IGNORE, Classes
from helpers.widgets import page
from helpers.widgets.mode import mode


class Synced:
    """A value that Python and the page share: set it here or there, and the other side follows.

    In the html mode the page keeps its changes to itself.
    """

    def __init__(self, default: Any) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, widget: "Widget | None", owner: type | None = None) -> Any:
        if widget is None:
            return self
        return getattr(widget._live, self.name) if widget._live else widget.values[self.name]

    def __set__(self, widget: "Widget", value: Any) -> None:
        widget.values[self.name] = value
        if widget._live:
            setattr(widget._live, self.name, value)


class Widget:
    """What all widgets share.

    Attributes:
        script: the name of its JavaScript file, beside this one.
        values: all that the page reads: plain values, and bytes (see `jpeg` and `packed`).
    """

    script: str

    def __init__(self, title: str, alt: str, **values: Any) -> None:
        """Args:
        title: what kind of widget it is, for screen readers.
        alt: what it shows, in one or two sentences.
        values: what the page reads; a `Synced` that is not among them has its default.
        """
        names = {name for kind in type(self).__mro__ for name in vars(kind)}
        shared = {name: getattr(type(self), name) for name in names}
        defaults = {n: s.default for n, s in shared.items() if isinstance(s, Synced)}
        self.values = {**defaults, **values, "title": title, "alt": alt}
        self._live = None

    def text(self) -> str:
        """What the widget shows, in words."""
        return self.values["alt"]

    def picture(self) -> np.ndarray:
        """What it shows where no script runs, uint8 H×W×3."""
        raise NotImplementedError

    @property
    def live(self):
        """The widget as an ipywidget, for VBox, jslink and observe; None in other modes."""
        if self._live is None and mode() == "live":
            self._live = page.live(type(self).__name__, self.script, self.values)
        return self._live

    def html(self) -> str:
        """The whole widget as a piece of HTML that needs no kernel and no network."""
        return page.fragment(self.script, self.now(), self._still())

    def now(self) -> dict[str, Any]:
        """The values as they are now, those that the page changed included."""
        return {name: getattr(self._live, name, v) for name, v in self.values.items()}

    def _still(self) -> bytes:
        picture = Image.fromarray(self.picture())
        picture.thumbnail((640, 640))
        return _jpeg(picture, 75)

    # with ipywidgets 7 a widget's own _ipython_display_ would come before the bundle
    _ipython_display_ = None

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict, dict]:
        data = {"text/plain": self.text()}
        if mode() == "text":
            return data, {}
        data["text/html"] = self.html()  # a saved notebook has no live widgets
        data["image/jpeg"] = base64.b64encode(self._still()).decode()
        metadata = {"image/jpeg": {"alt": self.values["alt"]}}
        if self.live is not None:
            view, hosts = self.live._repr_mimebundle_()  # Colab wants more said about a widget
            data[page.VIEW] = view[page.VIEW]
            metadata |= hosts
        return data, metadata


def jpeg(image: np.ndarray, quality: int = 85) -> bytes:
    """An image, uint8 H×W×3 or H×W, as JPEG: photos only, never ids."""
    return _jpeg(Image.fromarray(image), quality)


def packed(array: np.ndarray) -> bytes:
    """A uint8 array (ids, probabilities in steps) as zlib; `inflate` in pixels.js unpacks it."""
    if array.dtype != np.uint8:
        raise ValueError(f"packed takes uint8, this is {array.dtype}")
    return zlib.compress(array.tobytes(), 9)


def check_image(image: np.ndarray) -> np.ndarray:
    """The image as an array; raises ValueError unless it is uint8, H×W×3."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image is {image.dtype} {image.shape}; it must be uint8, H×W×3")
    return image


def check_mask(
    name: str, mask: np.ndarray, image: np.ndarray, classes: Classes, ignore: bool = True
) -> np.ndarray:
    """The mask as uint8; raises ValueError that says what `name` has wrong.

    It must be class ids in the image's size; 255 only where `ignore` allows it.
    """
    mask = np.asarray(mask)
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"{name} has the shape {mask.shape}, the image is {image.shape[0]}×{image.shape[1]}: "
            "resize the mask with masks.resize_mask"
        )
    if not np.issubdtype(mask.dtype, np.integer):
        raise ValueError(f"{name} holds {mask.dtype}; class ids are integers")
    masks.check_ids(mask, len(classes), name)
    if not ignore and (mask == IGNORE).any():
        raise ValueError(f"{name} holds {IGNORE}: only a truth may say 'ignore'")
    return np.ascontiguousarray(mask, np.uint8)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()
