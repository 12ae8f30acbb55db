"""A model in files: the best weights, and everything that a training needs to go on."""

import os
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np

import helpers.keras.networks  # noqa: F401  registers the course's layers

BEST = "best.keras"


def save(model: keras.Model, folder: str | Path) -> None:
    """Writes the model to best.keras, whole or not at all. Raises OSError: it cannot."""
    path = Path(folder) / BEST
    part = path.with_name("part.keras")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(part)
        os.replace(part, path)
    except OSError as fault:
        with suppress(OSError):
            part.unlink()
        raise OSError(
            f"{path}: cannot be written ({fault}). Is there room, and may you write there?"
        ) from None


def load(path: str | Path) -> keras.Model:
    """The model in a .keras file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged, or no model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as fault:  # Keras raises whatever it stumbles over
        reason = " ".join(str(fault).split())[:200]
        raise ValueError(f"{path}: not a Keras model, or cut off ({reason})") from None


def state(model: keras.Model, optimizer: keras.Optimizer) -> dict[str, np.ndarray]:
    """Weights, the optimizer's averages and the random numbers' state."""
    return {name: variable.numpy() for name, variable in _variables(model, optimizer).items()}


def set_state(
    model: keras.Model, optimizer: keras.Optimizer, arrays: dict[str, np.ndarray], path: Path
) -> None:
    """Puts back what `state` gave. Raises ValueError: it is of another network."""
    variables = _variables(model, optimizer)
    ours = {name: tuple(variable.shape) for name, variable in variables.items()}
    theirs = {name: array.shape for name, array in arrays.items()}
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            raise ValueError(
                f"{path}: of another network. {name} has the shape {theirs.get(name)} there, "
                f"{ours.get(name)} in this one."
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _variables(model: keras.Model, optimizer: keras.Optimizer) -> dict[str, keras.Variable]:
    """By number: the names of a second model in the same process have counters in them."""
    return {
        f"{owner}.{i}": variable
        for owner, variables in (("model", model.variables), ("optimizer", optimizer.variables))
        for i, variable in enumerate(variables)
    }
