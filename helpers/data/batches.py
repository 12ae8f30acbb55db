"""From pairs on disk to arrays, and from arrays to batches."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers.augment import Augment
from helpers.data.cache import cached
from helpers.data.pairs import Pairs
from helpers.data.pictures import short
from helpers.masks import check_ids, remove_hood, resize_image, resize_mask
from helpers.where import cores


def load(
    pairs: Pairs,
    height: int = 96,
    width: int = 128,
    clean: bool = True,
    cache: str | Path | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs as two arrays, decoded on all cores.

    Args:
        pairs: what to read.
        height, width: the size of the result; images are resized bilinearly, masks by nearest.
        clean: remove the ego car's hood from Lyft masks (at full size, before the resizing).
        cache: a folder that keeps the arrays for the next time; a change of the files or of the
            code that reads them is noticed.

    Returns:
        images uint8 N×H×W×3 and masks uint8 N×H×W.

    Raises:
        ValueError: a pair is faulty, an id is out of range; it names file, place and remedy.
    """
    if cache is not None:
        options = {"height": height, "width": width, "clean": clean}
        return cached(cache, pairs, options, lambda: load(pairs, **options))

    images = np.empty((len(pairs), height, width, 3), np.uint8)
    masks = np.empty((len(pairs), height, width), np.uint8)

    def read(i: int) -> None:
        pair = pairs.items[i]
        image, mask = pair.read()
        check_ids(mask, len(pairs.classes), short(pair.mask))
        if clean and pair.lyft:
            mask = remove_hood(mask)
        images[i] = resize_image(image, height, width)
        masks[i] = resize_mask(mask, height, width)

    pool = ThreadPoolExecutor(cores())  # threads: decoding and resizing let others run
    try:
        done = pool.map(read, range(len(pairs)))  # in order: the first faulty pair speaks
        for _ in tqdm(done, "load", len(pairs), unit="pair", leave=False):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return images, masks


def sample(
    images: np.ndarray | Sequence,
    masks: np.ndarray | None,
    index: int,
    augment: Augment | None = None,
    seed: int = 0,
    epoch: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The pair of that index as that epoch sees it: image uint8 H×W×3 and mask uint8 H×W.

    Every loader asks here, so that (seed, epoch, index) is the same sample in all of them.

    Args:
        images, masks: uint8 N×H×W×3 and N×H×W; or a sequence of pairs, and None.
    """
    image, mask = images[index] if masks is None else (images[index], masks[index])
    return augment(image, mask, (seed, epoch, int(index))) if augment else (image, mask)


def batches(
    images: np.ndarray,
    masks: np.ndarray,
    batch: int = 8,
    seed: int = 0,
    augment: Augment | None = None,
    skip: int = 0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless shuffled batches; each epoch shows every pair once, in another order.

    Args:
        images, masks: uint8, N×H×W×3 and N×H×W.
        batch: pairs in a batch; the rest of an epoch that fills no batch is left out.
        seed: gives the order and what `augment` draws.
        augment: how to change each pair. Without it, half of the pairs are mirrored left to right;
            Augment() leaves all as they are.
        skip: begin behind so many batches, to go on where another run stopped.

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
    for epoch in count():
        order = rng.permutation(len(images))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            mirrored = None if augment else rng.random(batch) < 0.5
            if skip > 0:
                skip -= 1
                continue
            if augment:
                seen = [sample(images, masks, i, augment, seed, epoch) for i in chosen]
                x, y = (np.stack(arrays) for arrays in zip(*seen, strict=True))
            else:
                x, y = images[chosen], masks[chosen]
                x[mirrored], y[mirrored] = x[mirrored, :, ::-1], y[mirrored, :, ::-1]
            yield x, y
