"""Procedural street scenes in the layout of the Lyft-Udacity challenge: images with exact labels.

`scene` draws one frame, `scenes` many small ones ready for a network, `write` a folder like the
real data. A *drive* is a street with its weather; a *frame* moves the camera on by half a metre to
a metre, so frames of one drive look alike. Same (drive, frame, seed), same picture, on any machine.

    image, mask = scene(drive=3, frame=40)

How a picture is made, and where to read it:

street.py   a drive: the road and its habits, its colours, its weather (light.py)
world.py    what stands along the street, on the ground.py; traffic.py what moves
shapes.py   trees, people, poles and signs as flat polygons, collected in a mesh.py;
            houses.py, vehicles.py; sky.py what is behind all of them
camera.py   where each corner lands in the picture; render.py paints the polygons far to near
shade.py    colour and class of each pixel: texture.py, shadow, wet ground, fog, sensor noise
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.masks import remove_hood, resize_image, resize_mask
from helpers.streets.render import draw_frame
from helpers.streets.street import drive as _drive

__all__ = ["scene", "scenes", "write"]

FOLDERS = "ABCDE"


def scene(
    drive: int, frame: int, seed: int = 0, height: int = 600, width: int = 800
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one frame → image uint8 H×W×3 RGB, mask uint8 H×W of Lyft ids.

    The mask is raw, as in the real data: the hood of the camera's own car, from row 498 of 600
    downwards, is labelled Vehicles (10). All three numbers must be 0 or more.
    """
    for name, value in (("drive", drive), ("frame", frame), ("seed", seed)):
        if value < 0:
            raise ValueError(f"{name} is {value}; drives, frames and seeds count from 0")
    if height < 24 or width < 32:
        raise ValueError(f"a scene of {height}×{width} pixels is too small; 24×32 is the least")
    return draw_frame(_drive(int(drive), int(seed)), int(frame), int(height), int(width))


def scenes(
    drives: Iterable[int],
    frames: Iterable[int],
    seed: int = 0,
    height: int = 96,
    width: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw every frame of every drive → images uint8 N×H×W×3, masks uint8 N×H×W, hood removed.

    N = len(drives) · len(frames), all frames of the first drive first. Drawn at twice the size; the
    hood becomes None (0) there; then images shrink bilinearly and masks by nearest neighbour.
    """
    frames = list(frames)
    pairs = [(d, f) for d in drives for f in frames]
    images = np.empty((len(pairs), height, width, 3), np.uint8)
    masks = np.empty((len(pairs), height, width), np.uint8)
    for i, (d, f) in enumerate(pairs):
        image, mask = scene(d, f, seed, 2 * height, 2 * width)
        images[i] = resize_image(image, height, width)
        masks[i] = resize_mask(remove_hood(mask), height, width)
    return images, masks


def write(
    folder: str | Path,
    drives: Iterable[int],
    frames: Iterable[int],
    seed: int = 0,
    height: int = 600,
    width: int = 800,
) -> Path:
    """Write scenes in the layout of the Lyft-Udacity data → the folder.

    `folder/dataA/dataA/CameraRGB/F<drive>-<frame>.png` and `…/CameraSeg/` with the same name; the
    label is an RGB PNG with the id in the red channel. Drives are dealt to dataA … dataE in blocks.
    Frames that are there already are left alone, so a broken-off call can be repeated.
    """
    from tqdm.auto import tqdm

    drives, frames, folder = list(drives), list(frames), Path(folder)
    todo = [(i, d, f) for i, d in enumerate(drives) for f in frames]
    for i, d, f in tqdm(todo, desc="streets", unit="frame"):
        name = f"data{FOLDERS[i * len(FOLDERS) // len(drives)]}"
        paths = [
            folder / name / name / kind / f"F{d}-{f}.png" for kind in ("CameraRGB", "CameraSeg")
        ]
        if all(path.exists() for path in paths):
            continue
        image, mask = scene(d, f, seed, height, width)
        label = np.zeros_like(image)
        label[..., 0] = mask
        for path, pixels in zip(paths, (image, label), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")  # a file under its own name is a complete one
            Image.fromarray(pixels).save(partial, "PNG")
            partial.replace(path)
    return folder
