"""Street scenes drawn in a second of one core, against reading such pairs from PNG files."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.streets import scene, write
from tests.bench.measure import compare, row

SIZES = ((192, 256, 100), (600, 800, 10))  # rows, columns, goal in scenes a second
FRAMES = range(0, 40, 4)  # of each drive, as the course trains on them


def rows() -> Iterator[dict]:
    for height, width, goal in SIZES:
        name = f"streets {width}×{height}, scenes drawn"
        with tempfile.TemporaryDirectory() as folder:
            write(folder, [0], FRAMES, height=height, width=width)
            paths = sorted(Path(folder).rglob("*.png"))
            drives = count(1)  # a new drive at each turn: nothing is left over from the last one

            def draw(drives=drives, height=height, width=width) -> None:
                drive = next(drives)
                for frame in FRAMES:
                    scene(drive, frame, 0, height, width)

            def read(paths=paths) -> None:
                for path in paths:
                    np.asarray(Image.open(path))

            found = compare(name, draw, read, "Pillow reading PNG pairs", len(FRAMES), "pairs/s")
        yield found
        yield row(f"{name}, goal", found["ours"], goal, "goal", "pairs/s", found["n"])
