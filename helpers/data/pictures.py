"""How a picture file becomes an array, and what may be wrong with one."""

import errno
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}

REMEDIES = {
    "no mask": "Give it the image's name, or draw it.",
    "no image": "Give both the same name, or remove the mask.",
    "same name": "Keep one of them.",
    "size": "Make both the same; resize masks by nearest neighbour only.",
    "ids": "Was it saved as JPEG, or resized smoothly? Is the number of classes right?",
    "0 and 255": "255 means 'ignore', so the second class would be lost: save it as id 1.",
    "colours": "Turn each colour into its class id, and save one channel as PNG.",
    "JPEG": "JPEG changes ids: export the mask anew, as PNG.",
    "palette": "Save the ids as an 8-bit grey PNG.",
    "16 bit": "Save it with 8 bits.",
    "1 bit": "Save the ids 0 and 1 as an 8-bit grey PNG.",
    "alpha": "Save the ids without transparency.",
    "mode": "Save whole numbers 0 to 255 (masks: one channel).",
    "rotated": "Turn the pixels themselves, and save the image as PNG.",
    "cut off": "Fetch or export it again.",
    "empty": "Fetch or export it again.",
    "no picture": "Was the download complete?",
    "missing": "Bring it back, or remove the link.",
    "link": "Remove the link.",
    "zip": "Fetch it again.",
    "permission": "Make it readable: chmod u+rwX.",
}
"""What can be wrong with a file, and what to do about it."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file; as a text, a sentence with the place and the remedy.

    Attributes:
        kind: one of REMEDIES.
        path: the file or folder.
        message: the place and what is wrong there.
        repairable: `python -m helpers.data verify … --fix NEW` mends it without loss.
    """

    kind: str
    path: Path
    message: str
    repairable: bool = False

    @property
    def remedy(self) -> str:
        return REMEDIES[self.kind]

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}"


class Unreadable(ValueError):
    """A file holds no picture or no mask; `fault` says why."""

    # one argument alone: so it passes from a worker process to its parent
    def __init__(self, fault: Fault):
        super().__init__(fault)
        self.fault = fault


def _unreadable(kind: str, path: Path, what: str) -> Unreadable:
    return Unreadable(Fault(kind, path, f"{short(path)}: {what}"))


def open_picture(path: Path) -> Image.Image:
    """The picture in a file, decoded.

    Raises Unreadable, a ValueError with a sentence: not there, not readable, no picture, cut off.
    """
    try:
        file = path.open("rb")
    except PermissionError:
        raise _unreadable("permission", path, "you may not read this") from None
    except FileNotFoundError:
        what = "a link to a file that is not there" if path.is_symlink() else "no such file"
        raise _unreadable("missing", path, what) from None
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise _unreadable("link", path, "a link that leads to itself") from None
        raise _unreadable("cut off", path, f"cut off or damaged ({fault})") from None
    with file:
        if not file.read(1):
            raise _unreadable("empty", path, "an empty file, 0 bytes")
        file.seek(0)
        try:
            picture = Image.open(file)
            stored = picture.tile[0].args if picture.tile else ""
            stored = stored if isinstance(stored, str) else str(stored[:1])  # "RGB;16B"
            picture.load()
            picture.info["16 bit"] = picture.mode.startswith("RGB") and ";16" in stored
            return picture
        except UnidentifiedImageError:
            raise _unreadable("no picture", path, "not a picture") from None
        except Exception as fault:  # decoders raise whatever they stumble over
            raise _unreadable("cut off", path, f"cut off or damaged ({fault})") from None


def read_picture(path: Path, mode: str | None = None) -> np.ndarray:
    """A picture file as an array, H×W×channels or H×W, converted to Pillow's `mode` if given.

    Raises Unreadable (a ValueError), naming the file, when it is no picture or was cut off.
    """
    picture = open_picture(path)
    return np.array(picture.convert(mode) if mode else picture)


def read_mask(path: Path) -> np.ndarray:
    """The class ids in a mask file, uint8 H×W. Raises Unreadable, a ValueError, as `ids` does."""
    return np.array(ids(open_picture(path), path))


def ids(picture: Image.Image, path: Path) -> Image.Image:
    """A mask's picture as one channel of 8 bits, mode L or P, whose values are the class ids.

    Taken are a grey picture of 1, 8 or 16 bits; a palette's indices, whatever its colours; the red
    channel where green and blue are 0 (Lyft) or the same. Alpha does not count.

    Raises Unreadable, a ValueError: JPEG, colours, numbers above 255 or with fractions.
    """
    if picture.format in ("JPEG", "MPO") or picture.info.get("compression") == "jpeg":
        values = len(picture.getchannel(0).getcolors())
        raise _unreadable("JPEG", path, f"a JPEG; it holds {values} different values")
    if picture.info.get("16 bit"):
        what = "three channels of 16 bits, of which Pillow keeps the upper 8"
        raise _unreadable("16 bit", path, what)
    if picture.mode in ("L", "P"):
        return picture
    if picture.mode in ("LA", "PA"):
        return picture.getchannel(0)
    if picture.mode in ("RGB", "RGBA"):
        colours = picture.getcolors(256) or picture.getcolors(picture.width * picture.height)
        if any(green != blue or green not in (0, red) for _, (red, green, blue, *_) in colours):
            number = len({colour[:3] for _, colour in colours})
            raise _unreadable("colours", path, f"{number} colours, not class ids")
        return picture.getchannel(0)
    if picture.mode == "1" or picture.mode.startswith("I"):
        numbers = np.asarray(picture)
        if numbers.min() < 0 or numbers.max() > 255:
            what = f"holds {numbers.min()} to {numbers.max()}; a mask of 8 bits ends at 255"
            raise _unreadable("16 bit", path, what)
        return Image.fromarray(numbers.astype(np.uint8))
    raise _unreadable("mode", path, f"Pillow's mode {picture.mode} holds no class ids")


def short(path: Path) -> str:
    """The last two parts of a path: enough to find the file, short enough for a sentence."""
    return "/".join(path.parts[-2:])
