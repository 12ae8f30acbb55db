"""A new folder with the good pairs of a dataset, and with those that can be mended without loss."""

import os
import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePath

import numpy as np
from PIL import ExifTags, Image, ImageOps
from tqdm.auto import tqdm

from helpers.data.find import matching
from helpers.data.pairs import Pair, Pairs
from helpers.data.pictures import Fault, ids, open_picture
from helpers.where import cores


def repair(pairs: Pairs, faults: list[Fault], folder: str | Path) -> list[Fault]:
    """Writes what is good or can be mended into a new folder; the originals stay as they are.

    Masks that other programs would read differently become 8-bit PNGs of one channel; images
    that viewers turn become upright PNGs, together with their masks; a mask gets the name of its
    image. All else is copied byte by byte.

    Args:
        pairs: what to copy.
        faults: what `verify` said about them.
        folder: is made; must be empty if it is there.

    Returns:
        The faults for which a pair or a file was left out.

    Raises:
        FileExistsError: there is something in the folder.
    """
    folder = check_new(folder)
    by_path = defaultdict(list)
    for fault in faults:
        by_path[fault.path].append(fault)
    left_out = [fault for fault in faults if not fault.repairable]
    bad = {fault.path for fault in left_out}
    kept = [pair for pair in pairs.items if not {pair.image, pair.mask} & bad]
    # files that are half written do not lie under the name that was asked for
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    homes = _homes(kept, part)
    for home in set(homes.values()):
        for side in home:
            side.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(cores())
    try:
        done = pool.map(partial(_write, by_path=by_path, homes=homes), kept)
        for _ in tqdm(done, "write", len(kept), leave=False, unit="pair"):
            pass
        pool.shutdown()
    except BaseException:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    part.rename(folder)
    return left_out


def check_new(folder: str | Path) -> Path:
    """The folder's path. Raises FileExistsError: there is something in it."""
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder}: is there already; repairs go into a new folder")
    return folder


Home = tuple[Path, Path]  # where images go, and their masks


def _homes(pairs: list[Pair], new: Path) -> dict[PurePath, Home]:
    """For each folder of images the new ones: at the same place, with names that `find` knows."""
    partners = {pair.image.parent: pair.mask.parent for pair in pairs}
    if not partners:
        return {}
    root = os.path.commonpath(map(os.path.abspath, [*partners, *partners.values()]))
    top = os.path.commonpath(partners)
    homes = {}
    for images, masks in partners.items():
        home = [os.path.relpath(folder, root) for folder in (images, masks)]
        if not matching(*map(PurePath, home)):  # two folders of any name, and maybe far apart
            home = [Path(side, os.path.relpath(images, top)) for side in ("images", "masks")]
        homes[images] = new / home[0], new / home[1]
    return homes


def _write(pair: Pair, by_path: dict[PurePath, list[Fault]], homes: dict[PurePath, Home]) -> None:
    images, masks = homes[pair.image.parent]
    mask, turn = open_picture(pair.mask), 1
    if any(fault.kind == "rotated" for fault in by_path[pair.image]):
        image = open_picture(pair.image)
        turn = image.getexif()[ExifTags.Base.Orientation]
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.save(images / f"{pair.image.stem}.png")
        turn = turn if mask.size == image.size else 1
    else:
        (images / pair.image.name).write_bytes(pair.image.open("rb").read())
    if turn > 1 or by_path[pair.mask] or _is_grey_rgb(mask):
        numbers = Image.fromarray(np.asarray(ids(mask, pair.mask)))  # without a palette
        numbers.getexif()[ExifTags.Base.Orientation] = turn
        ImageOps.exif_transpose(numbers).save(masks / f"{pair.image.stem}.png")
    else:
        path = masks / (pair.image.stem + pair.mask.suffix)
        path.write_bytes(pair.mask.open("rb").read())


def _is_grey_rgb(mask: Image.Image) -> bool:
    return mask.mode == "RGB" and mask.getchannel(1).getbbox() is not None
