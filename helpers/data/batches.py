"""From pairs on disk to arrays, and from arrays to batches."""

from collections.abc import Iterator

import numpy as np
from tqdm.auto import tqdm

from helpers.data.pairs import Pairs, short
from helpers.masks import check_ids, remove_hood, resize_image, resize_mask


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
