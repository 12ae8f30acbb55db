"""Pairs of an image and its mask, wherever they lie on disk.

Two layouts are found by walking: the Lyft one (a folder CameraRGB beside a folder CameraSeg, any
spelling, any depth) and two sibling folders such as train_images/ and train_masks/. Frames of one
drive are near-duplicates, so a split keeps each drive whole.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm.auto import tqdm

from helpers.classes import LYFT, Classes
from helpers.masks import check_ids, decode, remove_hood, resize_image, resize_mask

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
IMAGE_WORD = re.compile(r"camerargb|images?|photos?", re.I)
MASK_WORD = re.compile(r"cameraseg|masks?|labels?|annotations?|segmentations?|annot|seg", re.I)
PLACES = ("/kaggle/input", "data", "../data", "../../data")


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


def verify(pairs: Pairs) -> list[str]:
    """What is wrong with the pairs: one sentence for each fault, so an empty list is good news.

    Reads every file: no mask, not a picture, cut off, another size, a lossy format, ids out of
    range with the place of the first.
    """
    faults = []
    for pair in tqdm(pairs.items, desc="verify", unit="pair", leave=False):
        try:
            _, mask = pair.read()
            if pair.mask.suffix.lower() in (".jpg", ".jpeg"):
                raise ValueError(f"{short(pair.mask)}: JPEG changes ids. Save masks as PNG.")
            check_ids(mask, len(pairs.classes), short(pair.mask))
        except ValueError as fault:
            faults.append(str(fault))
    return faults


def split(pairs: Pairs, validation: float = 0.2, seed: int = 0) -> tuple[Pairs, Pairs]:
    """Training and validation pairs with no drive in both.

    Args:
        pairs: what to split.
        validation: the share of the drives that go to validation; at least one does.
        seed: which ones.

    Raises:
        ValueError: there is only one drive, so a split would put near-duplicates on both sides.
    """
    drives = sorted(set(pairs.drives))
    if len(drives) < 2:
        raise ValueError(
            f"only one drive ({', '.join(drives)}): its frames are near-duplicates, so "
            "validation needs pairs of another drive"
        )
    shuffled = np.random.default_rng(seed).permutation(drives)
    held_out = set(shuffled[: max(1, round(validation * len(drives)))])
    sides = (
        [p for p in pairs.items if p.drive not in held_out],
        [p for p in pairs.items if p.drive in held_out],
    )
    return Pairs(tuple(sides[0]), pairs.classes), Pairs(tuple(sides[1]), pairs.classes)


def load(
    pairs: Pairs, height: int = 96, width: int = 128, clean: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs as two arrays.

    Args:
        pairs: what to read.
        height, width: the size of the result; images are resized bilinearly, masks by nearest.
        clean: remove the ego car's hood from Lyft masks (at full size, before the resizing).

    Returns:
        images uint8 N×H×W×3 and masks uint8 N×H×W.

    Raises:
        ValueError: a pair is faulty, an id is out of range; it names file, place and remedy.
    """
    images = np.empty((len(pairs), height, width, 3), np.uint8)
    masks = np.empty((len(pairs), height, width), np.uint8)
    for i, pair in enumerate(tqdm(pairs.items, desc="load", unit="pair", leave=False)):
        image, mask = pair.read()
        check_ids(mask, len(pairs.classes), short(pair.mask))
        if clean and pair.lyft:
            mask = remove_hood(mask)
        images[i] = resize_image(image, height, width)
        masks[i] = resize_mask(mask, height, width)
    return images, masks


def batches(
    images: np.ndarray, masks: np.ndarray, batch: int = 8, seed: int = 0, flip: bool = True
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless shuffled batches; each epoch shows every pair once, in another order.

    Args:
        images, masks: uint8, N×H×W×3 and N×H×W.
        batch: pairs in a batch; the rest of an epoch that fills no batch is left out.
        seed: gives the order and the flips.
        flip: mirror half of the pairs left to right, image and mask together.

    Yields:
        images uint8 B×H×W×3 and masks uint8 B×H×W.

    Raises:
        ValueError: there are fewer pairs than one batch needs.
    """
    if len(images) != len(masks) or len(images) < batch:
        raise ValueError(
            f"{len(images)} images and {len(masks)} masks do not fill a batch of {batch}"
        )
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            x, y = images[chosen], masks[chosen]
            if flip:
                mirrored = rng.random(batch) < 0.5
                x[mirrored], y[mirrored] = x[mirrored, :, ::-1], y[mirrored, :, ::-1]
            yield x, y


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
