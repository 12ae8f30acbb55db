"""Looks for what is wrong with the files of a dataset, before a network learns it."""

from tqdm.auto import tqdm

from helpers.data.pairs import Pairs, short
from helpers.masks import check_ids


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
