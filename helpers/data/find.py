"""Finds the pairs below a folder, in the layouts that are in use."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from helpers.classes import LYFT, Classes
from helpers.data.pairs import IMAGE_SUFFIXES, Pair, Pairs

IMAGE_WORD = re.compile(r"camerargb|images?|photos?", re.I)
MASK_WORD = re.compile(r"cameraseg|masks?|labels?|annotations?|segmentations?|annot|seg", re.I)
PLACES = ("/kaggle/input", "data", "../data", "../../data")


def find(root: str | Path | None = None, classes: Classes = LYFT) -> Pairs:
    """All pairs below a folder, in the order of their names.

    Args:
        root: where to look. Without it: the folder that PIXELWISE_DATA names, Kaggle's input
            folder, then `data` here or up to two levels higher.
        classes: the label scheme of the masks.

    Raises:
        FileNotFoundError: no such folder, or no pairs in it; it says what was looked for.
    """
    if root is None:
        places = [os.environ.get("PIXELWISE_DATA"), *PLACES]
        for place in filter(None, places):
            pairs = _walk(Path(place))
            if pairs:
                return Pairs(pairs, classes)
        raise FileNotFoundError(
            f"no pairs in {', '.join(filter(None, places))}. `make lab` writes street scenes to "
            "data/streets; or set PIXELWISE_DATA to the folder that holds your pairs."
        )
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    pairs = _walk(root)
    if not pairs:
        raise FileNotFoundError(
            f"{root}: no pairs. Expected a folder CameraRGB beside CameraSeg (the Lyft layout), or "
            "two folders such as train_images and train_masks with the same file names in both."
        )
    return Pairs(pairs, classes)


def _walk(root: Path) -> tuple[Pair, ...]:
    pairs = []
    for folder, subfolders, _ in os.walk(root, followlinks=True):
        subfolders.sort()
        images = {_key(IMAGE_WORD, name): name for name in subfolders if IMAGE_WORD.search(name)}
        masks = {_key(MASK_WORD, name): name for name in subfolders if MASK_WORD.search(name)}
        for key in images.keys() & masks.keys():
            pairs += _partners(Path(folder, images[key]), Path(folder, masks[key]))
    return tuple(sorted(pairs, key=lambda p: (str(p.image.parent), _natural(p.image.stem))))


def _key(word: re.Pattern, name: str) -> str:
    return word.sub("*", name, count=1).lower()


def _partners(images: Path, masks: Path) -> Iterator[Pair]:
    by_stem = {p.stem: p for p in masks.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES}
    lyft = images.name.lower() == "camerargb"
    for path in images.iterdir():
        if path.suffix.lower() in IMAGE_SUFFIXES:
            prefix = re.match(r"(.*)[-_]\d+$", path.stem)
            drive = f"{images.parent.name}/{prefix[1]}" if prefix else images.parent.name
            yield Pair(path, by_stem.get(path.stem), drive, lyft)


def _natural(stem: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", stem)]
