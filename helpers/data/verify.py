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
    faults, image, mask = [], None, None
    try:
        image = open_picture(pair.image)
        faults += _image_storage(image, pair.image)
    except Unreadable as error:
        faults.append(error.fault)
    if pair.mask is None:
        what = f"{short(pair.image)}: an image without a mask of the same name"
        return [*faults, Fault("no mask", pair.image, what)]
    try:
        mask = open_picture(pair.mask)
        numbers = ids(mask, pair.mask)
        faults += _mask_storage(mask, pair.mask)
        faults += _numbers(numbers, pair.mask, classes)
    except Unreadable as error:
        faults.append(error.fault)
    if image and mask:
        faults += _sizes(image, mask, pair)
    return faults


def _image_storage(image: Image.Image, path: Path) -> Iterator[Fault]:
    if image.mode.startswith(("I", "F")):
        what = f"{short(path)}: more than 8 bits ({image.mode}); what is above 255 would be white"
        yield Fault("mode", path, what)


def _mask_storage(mask: Image.Image, path: Path) -> Iterator[Fault]:
    """Masks that we read right, and other programs do not."""
    place = short(path)
    if mask.mode in ("P", "PA"):
        palette = np.zeros((256, 3), int)
        entries = mask.getpalette("RGB") or []
        palette.flat[: len(entries)] = entries
        used = np.unique(np.asarray(mask.getchannel(0)))
        coloured = used[(palette[used] != used[:, None]).any(1)]
        if len(coloured):
            index, colour = coloured[0], tuple(palette[coloured[0]].tolist())
            what = f"{place}: a palette: OpenCV and TensorFlow read id {index} as colour {colour}"
            yield Fault("palette", path, what, True)
    elif mask.mode == "1":
        yield Fault("1 bit", path, f"{place}: 1 bit; OpenCV and others read 0 and 255", True)
    elif mask.mode.startswith("I"):
        yield Fault("16 bit", path, f"{place}: 16 bits; OpenCV reads every id as 0", True)
    if mask.mode in ("LA", "PA", "RGBA"):
        yield Fault("alpha", path, f"{place}: an alpha channel beside the ids", True)


def _numbers(mask: np.ndarray, path: Path, classes: int) -> Iterator[Fault]:
    outside = (mask >= classes) & (mask != IGNORE)
    if outside.any():
        row, column = np.unravel_index(outside.argmax(), mask.shape)
        found = np.unique(mask[outside]).tolist()
        listed = ", ".join(map(str, found[:8])) + (" …" if len(found) > 8 else "")
        what = (
            f"{short(path)}: class id {mask[row, column]} at row {row}, column {column}; ids are 0 "
            f"to {classes - 1}. In all {outside.sum()} pixels with {listed}"
        )
        yield Fault("ids", path, what)
    elif classes == 2 and mask.any() and np.isin(mask, (0, IGNORE)).all():
        yield Fault("0 and 255", path, f"{short(path)}: holds 0 and 255 alone")


def _sizes(image: Image.Image, mask: Image.Image, pair: Pair) -> Iterator[Fault]:
    turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    upright = image.size[::-1] if turn in (5, 6, 7, 8) else image.size
    if turn in range(2, 9):
        # with other sizes only one of the two fits the mask: that tells how it was drawn
        clear = upright != image.size and mask.size in (upright, image.size)
        what = f"{short(pair.image)}: viewers turn it (EXIF orientation {turn}), programs do not"
        yield Fault("rotated", pair.image, what, clear)
    if mask.size not in (upright, image.size):
        (columns, rows), (wide, high) = mask.size, image.size
        what = f"the mask is {rows}×{columns}, its image {high}×{wide} (rows × columns)"
        yield Fault("size", pair.mask, f"{short(pair.mask)}: {what}")
