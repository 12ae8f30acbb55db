"""Masks: label files, class ids, one-hot maps, and pictures of them.

A mask is uint8, H×W, one class id per pixel; 255 is 'ignore'. An image is uint8, H×W×3, RGB.
"""

import numpy as np
from PIL import Image

from helpers.classes import IGNORE, LYFT, Classes

VEHICLES, ROAD_LINES, ROADS = LYFT.id("Vehicles"), LYFT.id("RoadLines"), LYFT.id("Roads")
HOOD_TOP = 496 / 600
"""The ego car's hood starts below this share of the height (496 of 600 rows in the Lyft data)."""


def decode(label: np.ndarray) -> np.ndarray:
    """The mask that a label file holds: its red channel.

    Args:
        label: uint8, H×W×3 or H×W×4 RGB(A) as Pillow reads it, or H×W if the file has one channel.

    Returns:
        The mask, uint8, H×W.

    Raises:
        ValueError: the array is no label: it holds floats, or has another shape.
    """
    label = np.asarray(label)
    if label.dtype != np.uint8:
        raise ValueError(
            f"a label holds whole numbers 0 to 255 (uint8), this one {label.dtype}. "
            "plt.imread returns floats: read it with PIL.Image.open."
        )
    if label.ndim == 2:
        return label.copy()
    if label.ndim != 3 or label.shape[2] not in (3, 4):
        raise ValueError(f"a label is H×W×3 or H×W, this one has the shape {label.shape}")
    return label[:, :, 0].copy()


def remove_hood(mask: np.ndarray) -> np.ndarray:
    """A copy of a Lyft mask in which the ego car's hood is 'None'.

    The hood is labelled Vehicles; it covers 15 % of each frame, always in the same place. Like
    the challenge itself, this sets every vehicle pixel in rows >= 496 of 600 to 0 (in proportion
    for other heights). Do it before any resizing.
    """
    mask = mask.copy()
    lower = mask[round(mask.shape[0] * HOOD_TOP) :]
    lower[lower == VEHICLES] = 0
    return mask


def challenge_classes(mask: np.ndarray) -> np.ndarray:
    """The challenge's three classes of a Lyft mask: 0 other, 1 road (with its lines), 2 vehicle."""
    merged = np.zeros_like(mask)
    merged[(mask == ROADS) | (mask == ROAD_LINES)] = 1
    merged[mask == VEHICLES] = 2
    merged[mask == IGNORE] = IGNORE
    return merged


def one_hot(mask: np.ndarray, classes: int = len(LYFT)) -> np.ndarray:
    """One map per class: 1 where the pixel has that class, else 0.

    Args:
        mask: ids, H×W (or N×H×W); an ignored pixel (255) is 0 in every map.
        classes: C, how many maps.

    Returns:
        float32, H×W×C (or N×H×W×C).

    Raises:
        ValueError: an id is neither below `classes` nor 255; it names the first and its place.
    """
    check_ids(mask, classes)
    return (np.asarray(mask)[..., None] == np.arange(classes)).astype(np.float32)


def check_ids(mask: np.ndarray, classes: int, where: str = "mask") -> None:
    """Raises ValueError that names the first id that is neither in 0…classes-1 nor 255."""
    wrong = ((mask < 0) | (mask >= classes)) & (mask != IGNORE)
    if wrong.any():
        *_, row, column = place = np.argwhere(wrong)[0]
        raise ValueError(
            f"{where}: class id {mask[tuple(place)]} at row {row}, column {column}; "
            f"ids are 0 to {classes - 1}. Was it saved as JPEG, or resized smoothly?"
        )


def argmax(probabilities: np.ndarray) -> np.ndarray:
    """The mask of the most probable class: H×W×C (or N×H×W×C) → uint8 H×W (or N×H×W)."""
    return probabilities.argmax(-1).astype(np.uint8)


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The image at another size, uint8 height×width×3; bilinear, averaging when it shrinks."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask at another size, uint8 height×width. Always nearest: mixed ids are other classes."""
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))


def outlines(mask: np.ndarray) -> np.ndarray:
    """True where a pixel's right or lower neighbour has another class; bool, H×W."""
    edge = np.zeros(mask.shape, bool)
    edge[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    edge[:-1] |= mask[:-1] != mask[1:]
    return edge


def colourize(mask: np.ndarray, classes: Classes = LYFT) -> np.ndarray:
    """The mask in the colours of its classes, uint8 H×W×3; ignored pixels are grey."""
    check_ids(mask, len(classes))
    table = np.full((256, 3), 128, np.uint8)
    table[: len(classes)] = classes.palette
    return table[mask]


def overlay(
    image: np.ndarray,
    mask: np.ndarray,
    opacity: float = 0.55,
    classes: Classes = LYFT,
    hide: tuple[int, ...] = (0,),
) -> np.ndarray:
    """The mask laid over the image, with white outlines between classes.

    Args:
        image: uint8, H×W×3.
        mask: uint8, H×W.
        opacity: 0 shows the photo alone, 1 the mask alone.
        classes: the label scheme, for the colours.
        hide: ids that stay photo.

    Returns:
        uint8, H×W×3.

    Raises:
        ValueError: image and mask differ in size.
    """
    if image.shape[:2] != mask.shape:
        raise ValueError(
            f"the image is {image.shape[0]}×{image.shape[1]} and the mask "
            f"{mask.shape[0]}×{mask.shape[1]}: they must have the same size"
        )
    blend = image * (1 - opacity) + colourize(mask, classes) * opacity
    hidden = np.isin(mask, hide)
    blend[hidden] = image[hidden]
    edge = outlines(mask)
    blend[edge] = blend[edge] * (1 - opacity) + 255 * opacity
    return blend.round().astype(np.uint8)
