"""A pair is an image and its mask; `Pairs` is a sequence of them that reads when asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.classes import LYFT, Classes
from helpers.data.pictures import Fault, read_mask, read_picture, short


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
        image, mask = read_picture(self.image, "RGB"), read_mask(self.mask)
        if image.shape[:2] != mask.shape:
            raise ValueError(
                f"{short(self.mask)}: the mask is {mask.shape[0]}×{mask.shape[1]}, its image "
                f"{image.shape[0]}×{image.shape[1]} (rows × columns). They must be the same."
            )
        return image, mask


@dataclass(frozen=True)
class Pairs(Sequence):
    """A sequence of pairs: `pairs[i]` reads the i-th and gives (image, mask).

    `faults` is what stood out when the files were listed: masks without an image, links in a
    circle. `verify` reports it together with what it reads.
    """

    items: tuple[Pair, ...]
    classes: Classes = LYFT
    faults: tuple[Fault, ...] = ()

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
