"""Training and validation sets that share no frame, nor a near-duplicate of one."""

from collections import Counter

import numpy as np

from helpers.data.pairs import Pairs


def split(pairs: Pairs, validation: float = 0.2, seed: int = 0) -> tuple[Pairs, Pairs]:
    """Training and validation pairs with no drive in both.

    Args:
        pairs: what to split.
        validation: the share of the frames that go to validation, as near as whole drives allow;
            at least one drive goes to each side.
        seed: which ones.

    Raises:
        ValueError: there is only one drive, so a split would put near-duplicates on both sides;
            or the share is none.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation is {validation}; it is a share, between 0 and 1")
    frames = Counter(pairs.drives)
    if len(frames) < 2:
        raise ValueError(
            f"only one drive ({', '.join(frames)}): its frames are near-duplicates, so validation "
            "needs pairs of another drive. A drive is a folder, or the file names' part before "
            "the last number."
        )
    shuffled = np.random.default_rng(seed).permutation(sorted(frames)).tolist()
    wanted, held_out = validation * len(pairs), []
    for drive in shuffled:
        lacking = wanted - sum(frames[held] for held in held_out)
        if abs(lacking - frames[drive]) < abs(lacking) and len(held_out) < len(frames) - 1:
            held_out.append(drive)
    held_out = held_out or [min(shuffled, key=frames.get)]
    sides = (
        [p for p in pairs.items if p.drive not in held_out],
        [p for p in pairs.items if p.drive in held_out],
    )
    return Pairs(tuple(sides[0]), pairs.classes), Pairs(tuple(sides[1]), pairs.classes)
