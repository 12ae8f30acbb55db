"""Weights drawn by name, of a size that keeps signals alive through many layers."""

import zlib

import numpy as np


def draw(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """An array for each name of a state dict, the same ones every time."""
    arrays = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if name.endswith("num_batches_tracked"):
            arrays[name] = np.array(1, np.int64)
        elif len(shape) > 1:
            spread = np.prod(shape[1:]) ** -0.5
            arrays[name] = rng.normal(0, spread, shape).astype(np.float32)
        elif name.endswith(("weight", "running_var")):
            arrays[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            arrays[name] = rng.normal(0, 0.1, shape).astype(np.float32)
    return arrays
