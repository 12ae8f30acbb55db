"""Training and validation sets that share no frame, nor a near-duplicate of one."""

import numpy as np

from helpers.data.pairs import Pairs


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
