"""A pair is an image and its mask; `Pairs` is a sequence of them that reads when asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from helpers.classes import LYFT, Classes
from helpers.masks import decode

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}


@dataclass(frozen=True)
class Pair:
    """The files of one image and its mask. `mask` is None if no file of that name was found."""

    image: Path
    mask: Path | None
    drive: str
    lyft: bool

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """The image, uint8 H×W×3, and its mask, uint8 H×W, with the ids as they are in the file.

        Raises ValueError: no mask, a file that is no picture or is cut off, sizes that differ.
        """
        if self.mask is None:
            raise ValueError(f"{short(self.image)}: no mask of the same name beside it")
        image, mask = read_picture(self.image, "RGB"), decode(read_picture(self.mask))
        if image.shape[:2] != mask.shape:
            raise ValueError(
                f"{short(self.mask)}: the mask is {mask.shape[0]}×{mask.shape[1]}, its image "
                f"{image.shape[0]}×{image.shape[1]} (rows × columns). They must be the same."
            )
        return image, mask


@dataclass(frozen=True)
class Pairs(Sequence):
    """A sequence of pairs: `pairs[i]` reads the i-th and gives (image, mask)."""

    items: tuple[Pair, ...]
    classes: Classes = LYFT

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        return self.items[i].read()

    @property
    def names(self) -> list[str]:
        """The file name of each pair, without its ending."""
        return [pair.image.stem for pair in self.items]

    @property
    def drives(self) -> list[str]:
        """The drive that each pair comes from."""
        return [pair.drive for pair in self.items]


def read_picture(path: Path, mode: str | None = None) -> np.ndarray:
    """A picture file as uint8 H×W×channels (or H×W), converted to Pillow's `mode` if one is given.

    Raises ValueError, naming the file, when it is no picture or was cut off.
    """
    try:
        with Image.open(path) as picture:
            # a palette's pixel values are the ids; its colours are only for looking at
            picture = picture.convert(mode) if mode else picture
            return np.array(picture)
    except UnidentifiedImageError:
        raise ValueError(f"{short(path)}: not a picture. Was the download complete?") from None
    except (OSError, SyntaxError) as fault:
        raise ValueError(f"{short(path)}: cut off or damaged ({fault}). Fetch it again.") from None


def short(path: Path) -> str:
    """The last two parts of a path: enough to find the file, short enough for a sentence."""
    return "/".join(path.parts[-2:])
