"""Looks for what is wrong with the files of a dataset, before a network learns it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from tqdm.auto import tqdm

from helpers.classes import IGNORE
from helpers.data.pairs import Pair, Pairs
from helpers.data.pictures import Fault, Unreadable, ids, open_picture, short
from helpers.where import cores

Size = tuple[int, int]


def verify(pairs: Pairs) -> list[Fault]:
    """What is wrong with the pairs, so an empty list is good news.

    Decodes every file, on all cores. What it looks for is listed in `helpers.data.pictures`;
    str(fault) is a sentence with the place and the remedy.
    """
    faults = list(pairs.faults)
    pool = ThreadPoolExecutor(cores())  # threads will do: Pillow decodes without Python's lock
    try:
        found = pool.map(partial(_look, classes=len(pairs.classes)), pairs.items)
        for more in tqdm(found, "verify", len(pairs), leave=False, unit="pair"):
            faults += more
    finally:
        pool.shutdown(cancel_futures=True)
    return faults


def _look(pair: Pair, classes: int) -> list[Fault]:
    faults, size = [], None
    try:
        image = open_picture(pair.image)
        faults += _image_storage(image, pair.image)
        size, turn = image.size, image.getexif().get(ExifTags.Base.Orientation, 1)
        del image  # the mask can have its memory
    except Unreadable as error:
        faults.append(error.fault)
    if pair.mask is None:
        what = f"{short(pair.image)}: an image without a mask of the same name"
        return [*faults, Fault("no mask", pair.image, what)]
    try:
        mask = open_picture(pair.mask)
        if size:
            faults += _sizes(size, turn, mask.size, pair)
        numbers = ids(mask, pair.mask)
        faults += _mask_storage(mask, numbers, pair.mask)
        faults += _numbers(numbers, pair.mask, classes)
    except Unreadable as error:
        faults.append(error.fault)
    return faults


def _image_storage(image: Image.Image, path: Path) -> Iterator[Fault]:
    if image.mode.startswith(("I", "F")):
        what = f"{short(path)}: more than 8 bits ({image.mode}); what is above 255 would be white"
        yield Fault("mode", path, what)


def _mask_storage(mask: Image.Image, numbers: Image.Image, path: Path) -> Iterator[Fault]:
    """Masks that we read right, and other programs do not."""
    place = short(path)
    if mask.mode in ("P", "PA"):
        palette = bytes(mask.getpalette("RGB") or ()).ljust(768, b"\0")
        for index in sorted(index for _, index in numbers.getcolors()):
            colour = tuple(palette[3 * index : 3 * index + 3])
            if colour != (index, index, index):
                what = f"{place}: a palette: OpenCV and TensorFlow read id {index} as {colour}"
                yield Fault("palette", path, what, True)
                break
    elif mask.mode == "1":
        yield Fault("1 bit", path, f"{place}: 1 bit; OpenCV and others read 0 and 255", True)
    elif mask.mode.startswith("I"):
        yield Fault("16 bit", path, f"{place}: 16 bits; OpenCV reads every id as 0", True)
    if mask.mode in ("LA", "PA", "RGBA"):
        yield Fault("alpha", path, f"{place}: an alpha channel beside the ids", True)


def _numbers(mask: Image.Image, path: Path, classes: int) -> Iterator[Fault]:
    found = sorted(index for _, index in mask.getcolors())
    outside = [index for index in found if classes <= index != IGNORE]
    if outside:
        numbers = np.asarray(mask)
        wrong = np.isin(numbers, outside)
        row, column = np.unravel_index(wrong.argmax(), wrong.shape)
        listed = ", ".join(map(str, outside[:8])) + (" …" if len(outside) > 8 else "")
        what = (
            f"{short(path)}: class id {numbers[row, column]} at row {row}, column {column}; ids "
            f"are 0 to {classes - 1}. In all {wrong.sum()} pixels with {listed}"
        )
        yield Fault("ids", path, what)
    elif classes == 2 and found in ([0, IGNORE], [IGNORE]):
        yield Fault("0 and 255", path, f"{short(path)}: holds 0 and 255 alone")


def _sizes(size: Size, turn: int, mask: Size, pair: Pair) -> Iterator[Fault]:
    """An image's size (columns, rows) and EXIF orientation against the size of its mask."""
    upright = size[::-1] if turn in (5, 6, 7, 8) else size
    if turn in range(2, 9):
        # with other sizes only one of the two fits the mask: that tells how it was drawn
        clear = upright != size and mask in (upright, size)
        what = f"{short(pair.image)}: viewers turn it (EXIF orientation {turn}), programs do not"
        yield Fault("rotated", pair.image, what, clear)
    if mask not in (upright, size):
        (columns, rows), (wide, high) = mask, size
        what = f"the mask is {rows}×{columns}, its image {high}×{wide} (rows × columns)"
        yield Fault("size", pair.mask, f"{short(pair.mask)}: {what}")
