"""Animated pictures (GIF, WebP, APNG): short films that Pillow reads and writes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

ANIMATED_SUFFIXES = {".gif", ".webp", ".png", ".apng"}


def is_animation(path: Path) -> bool:
    """Whether the file holds several pictures that are shown one after the other."""
    if path.suffix.lower() not in ANIMATED_SUFFIXES:
        return False
    try:
        with Image.open(path) as picture:
            return getattr(picture, "is_animated", False)
    except OSError:
        return False  # no picture: whoever reads it says so


def frames(path: Path) -> Iterator[tuple[np.ndarray, float]]:
    """Each picture, uint8 H×W×3, and how many milliseconds it is shown.

    Raises ValueError: the file is cut off.
    """
    with Image.open(path) as picture:
        try:
            for frame in ImageSequence.Iterator(picture):
                image = np.array(frame.convert("RGB"))
                yield image, frame.info.get("duration", 100)  # WebP knows it once it is decoded
        except (OSError, SyntaxError) as fault:
            raise ValueError(f"{path}: cut off or damaged ({fault})") from None


def write_animation(path: Path, images: list[np.ndarray], durations: list[float]) -> None:
    """Pictures uint8 H×W×3 as an endless animation; the ending of `path` names the format."""
    first, *rest = map(Image.fromarray, images)
    first.save(path, save_all=True, append_images=rest, duration=durations, loop=0)
