"""The scenes that a submitted model is judged on. They never enter a student's process."""

import hashlib
import os
from pathlib import Path

import numpy as np

from grader.settings import Settings
from helpers import streets

DRIVES, FRAMES = 40, 2


def hidden_scenes(settings: Settings, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 N×96×128×3 and cleaned masks uint8 N×96×128.

    From the instructor's seed (streets: other worlds than any that a student can draw, since the
    seed is secret) or from the instructor's folder of held-out frames (lyft).

    Args:
        settings: names the data, the seed and the folder.
        cache: a folder of the instructor's; the arrays are kept there for the next submission.
    """
    if settings.data == "lyft":
        from helpers import data  # slow to import: a judge starts for each submission

        return data.load(data.find(settings.folder), cache=cache)
    path = cache / f"hidden-{_key(settings.seed)}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            return kept["images"], kept["masks"]
    # frames far apart: neighbours are near-duplicates and would count twice
    frames = range(0, 40 * FRAMES, 40)
    images, masks = streets.scenes(range(DRIVES), frames, seed=settings.seed % 2**63)
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npz")
    with open(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        np.savez(file, images=images, masks=masks)
    part.rename(path)
    return images, masks


def _key(seed: int) -> str:
    """Another one for another seed, and for streets that are drawn in another way."""
    key = hashlib.sha256(f"{seed} {DRIVES} {FRAMES}".encode())
    for file in sorted(Path(streets.__file__).parent.glob("*.py")):
        key.update(file.read_bytes())
    return key.hexdigest()[:16]
