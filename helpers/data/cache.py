"""Decoded pairs, kept on disk between runs."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import PIL

from helpers.data.pairs import Pairs

CODE = ("masks.py", "data/pictures.py", "data/pairs.py", "data/batches.py")

Arrays = tuple[np.ndarray, np.ndarray]


def cached(folder: str | Path, pairs: Pairs, options: dict, read: Callable[[], Arrays]) -> Arrays:
    """What `read` gives, from the folder if it is there, else read and kept there.

    A file for each set of pairs and options. It is written anew when an image or a mask has
    another size or time, when the code that reads or Pillow has changed, or when it is damaged.

    Args:
        folder: where to keep it; made if it is not there.
        pairs: what is read.
        options: how it is read, as JSON can hold it.
        read: gives images and masks.

    Raises:
        OSError: the folder can't be written.
    """
    paths = [path for pair in pairs.items for path in (pair.image, pair.mask) if path]
    what = [[os.path.abspath(path) for path in paths], len(pairs.classes), options]
    code = [files("helpers").joinpath(name).read_text() for name in CODE]
    stamp = _digest([[_state(path) for path in paths], code, PIL.__version__])
    file = Path(folder) / f"{_digest(what)[:16]}.npz"
    try:
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["stamp"]) == stamp:
                return kept["images"], kept["masks"]  # the zip's check sums are compared
    except Exception:  # not there yet; and a damaged file can make the reader raise anything
        pass
    images, masks = read()
    _write(file, images=images, masks=masks, stamp=stamp)
    return images, masks


def _state(path: Path) -> list[int] | None:
    try:
        state = path.stat()
    except OSError:
        return None  # reading it will say what is wrong
    return [state.st_size, state.st_mtime_ns]


def _digest(what: list) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def _write(file: Path, **arrays) -> None:
    """Under another name first: nobody may find half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False)
    try:
        with part:
            np.savez(part, **arrays)
        os.replace(part.name, file)
    except BaseException:
        os.unlink(part.name)
        raise
