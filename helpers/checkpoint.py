"""Arrays and plain values in one file, written whole or not at all; safetensors, never a pickle.

A folder of `helpers.train` holds network.json, which says how the network is built, beside its
weights: best.safetensors (PyTorch) or best.keras.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save


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
        part.write_bytes(save(rows, {"about": json.dumps(about or {})}))
        os.replace(part, path)
    except OSError as fault:
        with suppress(OSError):
            part.unlink()
        raise OSError(
            f"{path}: cannot be written ({fault}). Is there room, and may you write there?"
        ) from None


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


def describe(folder: str | Path, about: dict) -> None:
    """Writes network.json: how the network in this folder is built."""
    (Path(folder) / "network.json").write_text(json.dumps(about, indent=1))


def description(folder: str | Path) -> dict:
    """What network.json says: framework, network, options, height and width of the images.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it does not say that.
    """
    path = Path(folder) / "network.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file. `python -m helpers.train` writes it beside the weights."
        )
    try:
        about = json.loads(path.read_text())
        return {key: about[key] for key in ("framework", "network", "options", "height", "width")}
    except (ValueError, KeyError, TypeError) as fault:
        raise ValueError(f"{path}: does not say how the network is built ({fault!r})") from None
