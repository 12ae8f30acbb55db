"""Verifying a dataset against bare decoding of the same files."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from PIL import Image

from helpers import data, streets
from helpers.where import cores
from tests.bench.measure import compare


def rows() -> Iterator[dict]:
    """CPU time at two sizes; then time on the clock, on all cores and on one."""
    for height, width, count in ((600, 800, 12), (96, 128, 240)):
        with tempfile.TemporaryDirectory() as folder:
            pairs = data.find(streets.write(folder, range(2), range(count // 2), 0, height, width))
            files = [path for pair in pairs.items for path in (pair.image, pair.mask)]
            size = f"{width}×{height}"

            def bare(workers: int, files: list[Path] = files) -> None:
                with ThreadPoolExecutor(workers) as pool:
                    list(pool.map(decode, files))

            def ours(workers: int, pairs: data.Pairs = pairs) -> None:
                with mock.patch("helpers.data.verify.cores", lambda: workers):
                    assert data.verify(pairs) == []

            many = cores()
            yield compare(
                f"verify, {size}",
                lambda: ours(many),
                lambda: bare(many),
                "Pillow decodes the same files",
                len(pairs),
                "pair/s CPU",
            )
            yield compare(
                f"verify, {size}, {many} cores",
                lambda: ours(many),
                lambda: ours(1),
                "on one core",
                len(pairs),
                "pair/s",
                time.perf_counter,
            )


def decode(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()
