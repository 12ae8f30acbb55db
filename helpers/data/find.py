"""Finds the pairs below a folder or in a zip, in the layouts that are in use."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from helpers.classes import LYFT, Classes
from helpers.data.archive import members
from helpers.data.pairs import Pair, Pairs
from helpers.data.pictures import IMAGE_SUFFIXES, Fault, short

IMAGE_WORD = re.compile(r"camerargb|images?|imgs?|photos?", re.I)
MASK_WORD = re.compile(
    r"cameraseg|masks?|labels?|annotations?|annot|segmentations?|seg|targets?|gt", re.I
)
MASK_ENDING = re.compile(r"[-_. ](masks?|labels?|l|annotations?|segmentations?|seg|gt)$", re.I)

KAGGLE = Path("/kaggle/input")
SLUG = "lyft-udacity-challenge"
UP = (".", "..", "../..")
REAL = [Path(up, "data", name) for up in UP for name in ("lyft", f"{SLUG}.zip")]
DRAWN = [Path(up, "data/streets") for up in UP]

Folders = dict[PurePath, list[PurePath]]  # each folder with the pictures that lie in it


def find(root: str | Path | None = None, classes: Classes = LYFT) -> Pairs:
    """All pairs below a folder, in the order of their names.

    The Lyft layout: a folder CameraRGB beside CameraSeg, in any spelling, at any depth. Your own:
    folders whose paths differ in one word, such as train_images and train_segmentation, or
    images/train and masks/train. A mask is called like its image, or img_mask, img_L and so on.
    Where there are both layouts, the Lyft layout counts alone; drawn scenes (what lies in a folder
    `streets`) count only where there is nothing else.

    Args:
        root: a folder, or a zip, which is read without unpacking; so is a zip in a folder that
            has no pairs. Without root: what PIXELWISE_DATA names; else Kaggle's input folder;
            else data/lyft or data/lyft-udacity-challenge.zip, here or up to two levels higher;
            else data/streets.
        classes: the label scheme of the masks.

    Raises:
        FileNotFoundError: nothing there, or nothing that can be read; it says what was looked for.
    """
    named = os.environ.get("PIXELWISE_DATA")
    source = " (PIXELWISE_DATA)" if named and not root else ""
    root = root or named
    for place in [Path(root)] if root else [*_mounts(), *REAL, *DRAWN]:
        pairs = _search(place, classes)
        if pairs:
            return pairs
        for fault in pairs.faults:
            if fault.kind in ("zip", "permission"):
                raise FileNotFoundError(str(fault))
    if not root:
        raise FileNotFoundError(
            f"no pairs in {KAGGLE}, data/lyft or data/streets. `make lab` writes street scenes to "
            "data/streets; or set PIXELWISE_DATA to the folder that holds your pairs."
        )
    if not os.path.exists(root):
        raise FileNotFoundError(f"{root}{source}: no such folder")
    raise FileNotFoundError(
        f"{root}{source}: no pairs. Expected a folder CameraRGB beside CameraSeg (the Lyft "
        "layout), two folders such as train_images and train_segmentation with the same file names "
        "in both, or a zip with one of these. Any other two folders: "
        "data.pair_folders(images, masks)."
    )


def pair_folders(images: str | Path, masks: str | Path, classes: Classes = LYFT) -> Pairs:
    """The pairs of any two folders, in the order of their names.

    Args:
        images, masks: the folders; a subfolder of one belongs to the same subfolder of the other.
        classes: the label scheme of the masks.

    Raises:
        FileNotFoundError: no such folder, or no pictures in `images`.
        ValueError: both are the same folder.
    """
    images, masks = Path(images), Path(masks)
    for folder in (images, masks):
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"{folder}: no such folder")
    if images.samefile(masks):
        raise ValueError(f"{images}: images and masks need a folder each")
    left, _, faults = _walk(images)
    right, _, more = _walk(masks)
    if not left:
        raise FileNotFoundError(f"{images}: no pictures ({', '.join(sorted(IMAGE_SUFFIXES))})")
    matches = [(folder, masks / folder.relative_to(images)) for folder in left]
    matches += [(images / folder.relative_to(masks), folder) for folder in right]
    return _pairs(dict.fromkeys(matches), {**left, **right}, faults + more, classes)


def _mounts() -> list[Path]:
    """What is mounted on Kaggle, by either convention; one that has Lyft's name comes first."""
    mounts = {*KAGGLE.glob("*"), *KAGGLE.glob("datasets/*/*")} - {KAGGLE / "datasets"}
    return sorted(mounts, key=lambda path: (path.name != SLUG, str(path)))


def _search(root: Path, classes: Classes) -> Pairs:
    """The pairs below a folder or in a zip; maybe none, but then maybe faults."""
    if os.path.isdir(root):
        folders, zips, faults = _walk(root)
    else:
        is_zip = root.suffix.lower() == ".zip" and os.path.exists(root)
        folders, zips, faults = {}, [root] if is_zip else [], []
    matches = _matches(root, folders)
    for archive in zips:
        if matches:
            break
        try:
            folders = _in_zip(archive)
        except PermissionError:
            what = f"{short(archive)}: you may not read this"
            faults.append(Fault("permission", archive, what))
        except OSError as fault:
            faults.append(Fault("zip", archive, f"{short(archive)}: cut off or damaged ({fault})"))
        else:
            matches = _matches(archive, folders)
    return _pairs(matches, folders, faults, classes)


def _walk(root: Path) -> tuple[Folders, list[Path], list[Fault]]:
    """The folders with pictures below root, the zips, and what could not be entered."""
    folders, zips, faults = {}, [], []

    def unreadable(error: OSError) -> None:
        path = Path(error.filename)
        faults.append(Fault("permission", path, f"{short(path)}: you may not read this"))

    real = Path(os.path.realpath(root))
    seen = {str(real), *map(str, real.parents)}  # a link to where we come from leads in a circle
    for name, subfolders, files in os.walk(root, followlinks=True, onerror=unreadable):
        folder = Path(name)
        subfolders.sort(key=lambda sub: (os.path.islink(folder / sub), sub))  # links come last
        for sub in list(subfolders):
            real = os.path.realpath(folder / sub)
            if real in seen:
                what = f"{short(folder / sub)}: a link to a folder that is read already"
                faults.append(Fault("link", folder / sub, what))
            if real in seen or sub.startswith("."):
                subfolders.remove(sub)
            seen.add(real)
        zips += [folder / file for file in sorted(files) if file.lower().endswith(".zip")]
        if pictures := [folder / file for file in sorted(files) if _is_picture(file)]:
            folders[folder] = pictures
    return folders, zips, faults


def _in_zip(archive: Path) -> Folders:
    folders = defaultdict(list)
    for member in members(archive):
        if _is_picture(member.name) and "__MACOSX" not in member.parts:
            folders[member.parent].append(member)
    return folders


def _is_picture(name: str) -> bool:
    # ._0.png and the like are what macOS notes about a file
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")


def _matches(root: Path, folders: Folders) -> list[tuple[PurePath, PurePath]]:
    """Which folder of masks belongs to which folder of images."""
    masks = {}
    for folder in sorted(folders):
        for key in _keys(MASK_WORD, folder.relative_to(root)):
            masks.setdefault(key, folder)
    matches, alone = defaultdict(list), defaultdict(list)
    for folder in sorted(folders):
        inside = folder.relative_to(root)
        real = "streets" not in inside.parts
        rank = real, real and _is_lyft(folder)
        key = next((key for key in _keys(IMAGE_WORD, inside) if key in masks), None)
        if key is not None:
            matches[rank].append((folder, masks[key]))
        elif _is_lyft(folder):  # a fifth of the data without masks must not be lost in silence
            alone[rank].append((folder, folder.with_name("CameraSeg")))
    best = max(matches, default=None)
    return matches[best] + alone[best] if matches else []


def matching(images: PurePath, masks: PurePath) -> bool:
    """Whether the paths of two folders say that they belong together."""
    return not set(_keys(IMAGE_WORD, images)).isdisjoint(_keys(MASK_WORD, masks))


def _keys(word: re.Pattern, path: PurePath) -> Iterator[str]:
    """The path, once for each place where the word occurs, with a star instead of it."""
    text = path.as_posix().lower()
    for found in word.finditer(text):
        yield f"{text[: found.start()]}*{text[found.end() :]}"


def _is_lyft(images: PurePath) -> bool:
    return images.name.lower() == "camerargb"


def _pairs(
    matches: Iterable[tuple[PurePath, PurePath]],
    folders: Folders,
    faults: list[Fault],
    classes: Classes,
) -> Pairs:
    pairs = []
    for images, masks in matches:
        found, more = _partners(folders.get(images, []), folders.get(masks, []))
        pairs += found
        faults = faults + more
    pairs.sort(key=lambda pair: (str(pair.image.parent), _natural(pair.image.name)))
    return Pairs(tuple(pairs), classes, tuple(faults))


def _partners(images: list[PurePath], masks: list[PurePath]) -> tuple[list[Pair], list[Fault]]:
    """Each image with its mask; and names that occur twice, and masks without an image."""
    exact, loose, by_stem = defaultdict(list), defaultdict(list), defaultdict(list)
    for mask in masks:
        exact[mask.stem].append(mask)
        loose[MASK_ENDING.sub("", mask.stem).casefold()].append(mask)
    for image in images:
        by_stem[image.stem].append(image)
    pairs, used, twice = [], set(), []
    for stem, same in by_stem.items():
        partners = exact.get(stem) or loose.get(stem.casefold(), [])
        mask = partners[0] if partners else None
        pairs += [Pair(image, mask, _drive(image), _is_lyft(image.parent)) for image in same]
        used.update(partners)
        twice += [group for group in (same, partners) if len(group) > 1]
    faults = [
        Fault("same name", path, f"{short(path)}: of the same name as {other.name}")
        for group in twice
        for path, other in zip(group, [*group[1:], group[0]], strict=True)
    ]
    faults += [
        Fault("no image", mask, f"{short(mask)}: a mask without an image of the same name")
        for mask in masks
        if mask not in used
    ]
    return pairs, faults


def _drive(image: PurePath) -> str:
    folder = image.parent
    if prefix := re.match(r"(.*)[-_]\d+$", image.stem):
        return f"{folder.parent.name}/{prefix[1]}"
    return folder.parent.name if _is_lyft(folder) else f"{folder.parent.name}/{folder.name}"


def _natural(name: str) -> list:
    # every second part is a number: frame 10 comes after frame 2
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name))]
