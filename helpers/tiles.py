"""Large images by overlapping tiles, and an image together with its mirror image.

Both take a function from images uint8 N×H×W×3 to probabilities (or logits) float32 N×H×W×C, so
they serve PyTorch, Keras and ONNX alike:

    probabilities = tiled(partial(predict, model), image, 512, 512)
"""

from collections.abc import Callable

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]

ALIGN = 32
"""Tiles begin at multiples of this, where the networks' coarsest maps have their corners."""


def tiled(
    predict: Predict, image: np.ndarray, height: int, width: int, overlap: int | None = None
) -> np.ndarray:
    """The probabilities of a large image, float32 H×W×C, from tiles of height×width.

    Where two tiles overlap, the outer third at a tile's inner border does not count, for there the
    network missed what lies beyond it. In the middle third one tile fades into the other. So the
    result equals that of the whole image where a third of the overlap is as far as the network
    looks to one side: half of its receptive field.

    Args:
        predict: from uint8 N×height×width×3 to float32 N×height×width×C.
        image: uint8 H×W×3; one that is smaller than a tile is mirrored outwards.
        height, width: of a tile.
        overlap: pixels that neighbouring tiles share at least; by default a third of a tile's
            shorter side.

    Raises:
        ValueError: the overlap leaves nothing of a tile.
    """
    overlap = min(height, width) // 3 if overlap is None else overlap
    if not 0 <= overlap < min(height, width):
        raise ValueError(
            f"overlap is {overlap}; it is at least 0 and less than the tile of {height}×{width}"
        )
    rows, columns = image.shape[:2]
    beyond = ((0, max(0, height - rows)), (0, max(0, width - columns)), (0, 0))
    image = np.pad(image, beyond, "symmetric")
    across = _windows(image.shape[1], width, overlap)
    result = None
    for top, down in _windows(image.shape[0], height, overlap):
        strip = image[top : top + height]
        found = predict(np.stack([strip[:, left : left + width] for left, _ in across]))
        if result is None:
            result = np.zeros((*image.shape[:2], found.shape[-1]), np.float32)
        for (left, right), tile in zip(across, found, strict=True):
            weight = (down[:, None] * right)[..., None]
            result[top : top + height, left : left + width] += weight * tile
    return result[:rows, :columns]


def mirrored(predict: Predict) -> Predict:
    """The mean of the probabilities of an image and of its mirror image, mirrored back."""

    def both(images: np.ndarray) -> np.ndarray:
        flipped = np.ascontiguousarray(images[:, :, ::-1])
        return (predict(images) + predict(flipped)[:, :, ::-1]) / 2

    return both


def _windows(length: int, size: int, overlap: int) -> list[tuple[int, np.ndarray]]:
    """Where tiles begin along a side, and the weight of each of their pixels, float32.

    The weights of all tiles add up to 1 at every pixel.
    """
    step = size - overlap
    step = step // ALIGN * ALIGN or step
    starts = [*range(0, length - size, step), length - size]
    fade = (np.arange(size) + 0.5 - overlap // 3) / max(1, overlap - 2 * (overlap // 3))
    rise = np.clip(fade, 0, 1)
    total, weights = np.zeros(length), []
    for start in starts:
        weight = np.ones(size)
        if start > 0:
            weight *= rise
        if start < length - size:
            weight *= rise[::-1]
        weights.append(weight)
        total[start : start + size] += weight
    return [
        (start, (weight / total[start : start + size]).astype(np.float32))
        for start, weight in zip(starts, weights, strict=True)
    ]
