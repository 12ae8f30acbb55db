"""Verifying a dataset against bare decoding of the same files."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from unittest import mock

from PIL import Image

from helpers import data, streets
from helpers.where import cores
from tests.bench.measure import compare


def rows() -> Iterator[dict]:
    """At two sizes: CPU time against bare decoding; time on the clock, all cores against one."""
    for height, width, count in ((600, 800, 12), (96, 128, 240)):
        with tempfile.TemporaryDirectory() as folder:
            pairs = data.find(streets.write(folder, range(2), range(count // 2), 0, height, width))
            files = [path for pair in pairs.items for path in (pair.image, pair.mask)]
            size, many = f"{width}×{height}", cores()
            ours = partial(verify, pairs, many)
            bare = partial(decode, files, many)
            peer = "Pillow decodes the same files"
            yield compare(f"verify, {size}", ours, bare, peer, len(pairs), "pair/s CPU")
            yield compare(
                f"verify, {size}, {many} cores",
                ours,
                partial(verify, pairs, 1),
                "on one core",
                len(pairs),
                "pair/s",
                time.perf_counter,
            )


def verify(pairs: data.Pairs, workers: int) -> None:
    with mock.patch("helpers.data.verify.cores", lambda: workers):
        assert data.verify(pairs) == []


def decode(files: list[Path], workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda path: Image.open(path).load(), files))
