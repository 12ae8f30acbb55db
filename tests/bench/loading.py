"""Does the loader keep up with training, and what is gained by keeping decoded pairs."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from helpers import data, streets
from helpers.augment import STREET, Augment
from tests.bench.measure import compare, row

ROOT = Path(__file__).resolve().parents[2]
BATCH, STEPS = 8, 20
AUGMENTS = {"mirrored": None, "everything on": replace(STREET, elastic=0.03)}

CONSUMER = f"""
import time
from helpers.streets import scenes
from helpers.where import set_threads
from helpers.FRAMEWORK.train import train
from helpers.FRAMEWORK.unet import unet

set_threads(1)
images, masks = scenes(range(4), range(8), height=96, width=128)

def seconds(steps):
    model = unet(13, width=16, depth=4)
    start = time.process_time()
    train(model, images, masks, steps, {BATCH}, progress=False)
    return time.process_time() - start

seconds(2)
print(min(seconds({STEPS + 5}) - seconds(5) for _ in range(3)))  # the start is not counted
"""


def rows() -> Iterator[dict]:
    arrays = streets.scenes(range(8), range(8), height=96, width=128)
    for framework, name in (("pytorch", "PyTorch"), ("keras", "Keras")):
        command = [sys.executable, "-c", CONSUMER.replace("FRAMEWORK", framework)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        consumed = STEPS * BATCH / float(done.stdout.split()[-1])
        for how, augment in AUGMENTS.items():
            rate, rounds = delivered(arrays, augment)
            yield row(
                f"batches 96×128 for {name}, {how}",
                rate,
                consumed,
                "16-channel U-Net trains",
                "pair/s CPU",
                rounds,
            )
    with tempfile.TemporaryDirectory() as folder:
        pairs = data.find(streets.write(Path(folder, "streets"), range(2), range(10)))
        kept = Path(folder, "cache")
        data.load(pairs, cache=kept)
        yield compare(
            "load 800×600, kept",
            lambda: data.load(pairs, cache=kept),
            lambda: data.load(pairs),
            "decoding anew, all cores",
            len(pairs),
            "pair/s",
            time.perf_counter,
        )


def delivered(arrays: tuple, augment: Augment | None) -> tuple[float, int]:
    """The best rate of pairs per second of CPU time, and of how many rounds."""
    stream, best, rounds = data.batches(*arrays, BATCH, augment=augment), 0.0, 40
    for _ in range(rounds):
        start = time.process_time()
        for _ in islice(stream, STEPS):
            pass
        best = max(best, STEPS * BATCH / (time.process_time() - start))
    return best, rounds
