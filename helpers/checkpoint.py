"""Arrays and plain values in one file, written whole or not at all; safetensors, never a pickle."""

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file


def write(path: str | Path, arrays: dict[str, np.ndarray], about: dict | None = None) -> None:
    """Writes the arrays, and `about`, which JSON can hold, in place of the file of before.

    Whoever is cut off while writing leaves the old file as it was.

    Raises:
        OSError: no room, or no right to write there; it says where and what helps.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    rows = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(rows, part, {"about": json.dumps(about or {})})
        os.replace(part, path)
    except (OSError, SafetensorError) as fault:
        with suppress(OSError):
            part.unlink()
        raise OSError(f"{path}: cannot be written ({fault}). Is there room, and a right?") from None


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays of a file, and what it says about them ({} where it does not).

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds no arrays in this format, or is cut off.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with safe_open(path, "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            return arrays, json.loads((file.metadata() or {}).get("about", "{}"))
    except (SafetensorError, ValueError) as fault:
        raise ValueError(
            f"{path}: not a safetensors file, or cut off ({fault}). Remove it to begin anew."
        ) from None
