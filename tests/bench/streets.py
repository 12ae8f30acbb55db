"""Street scenes drawn in a second of one core, against reading such pairs from PNG files."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.streets import scene, write
from tests.bench.measure import compare, row

SIZES = ((192, 256, 20, 100), (600, 800, 4, 10))  # rows, columns, frames a turn, goal a second


def rows() -> Iterator[dict]:
    for height, width, frames, goal in SIZES:
        name = f"streets {width}×{height}, scenes drawn"
        with tempfile.TemporaryDirectory() as folder:
            write(folder, [0], range(frames), height=height, width=width)
            paths = sorted(Path(folder).rglob("*.png"))
            drives = count(1)  # new streets at each turn: nothing is left over from the last one

            def draw(drives=drives, frames=frames, height=height, width=width) -> None:
                for k in range(frames // 2):
                    drive = next(drives)
                    for frame in (0, 60):
                        scene(drive, frame, k, height, width)

            def read(paths=paths) -> None:
                for path in paths:
                    np.asarray(Image.open(path))

            found = compare(name, draw, read, "Pillow reading PNG pairs", frames, "pairs/s")
        yield found
        yield row(f"{name}, goal", found["ours"], goal, "goal", "pairs/s", found["n"])
