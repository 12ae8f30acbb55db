"""SegNet, PSPNet, DeepLabv3 and v3+ in the same contest as course/experiments/ranking.py.

The scenes, the width, the minutes and the measures are those of the ranking, so that the two files
together are one table of all eight networks. Of each of the eight: its parameters, the processor
time of a step of training, and that of one image at 96×128 and at 416×608. Lesson 10 reads the
figures.

A busy processor makes each step dearer, and this runs at another hour than the ranking did. So the
minutes are those of the ranking's clock: its four networks are timed again here, and what they now
take more or less, the others are granted.
"""

import json
import statistics
import time

import torch

from course.experiments.ranking import (
    MINUTES,
    scenes_to_rank,
    scores,
    seconds_per_step,
    start,
    trained,
    without_model,
)
from course.experiments.ranking import RANKED as BEFORE
from course.results import FOLDER

RANKED = {
    "segnet": "SegNet",
    "pspnet": "PSPNet",
    "deeplabv3": "DeepLabv3",
    "deeplabv3plus": "DeepLabv3+",
}
SIZES = {(96, 128): 30, (416, 608): 5}
"""Height and width, and how many runs to take the median of."""


@torch.inference_mode()
def milliseconds(name: str, height: int, width: int, runs: int) -> float:
    """Processor time of one image, in milliseconds: the median, after two runs to warm up."""
    network = start(name, 0).to(memory_format=torch.channels_last).eval()
    image = torch.rand(1, 3, height, width).to(memory_format=torch.channels_last)
    times = []
    for _ in range(2 + runs):
        before = time.process_time()
        network(image)
        times.append(time.process_time() - before)
    return 1000 * statistics.median(times[2:])


def pace(seconds: dict[str, float]) -> float:
    """How many times longer a step takes now than when the ranking ran; by its four networks."""
    stored = json.loads((FOLDER / "ranking.json").read_text())["values"]
    then = [60 * MINUTES / statistics.mean(stored[f"{title}: steps"]) for title in BEFORE.values()]
    return sum(seconds[name] for name in BEFORE) / sum(then)


def measure(seed: int) -> dict:
    torch.set_num_threads(1)
    images, masks, new_images, new_masks = scenes_to_rank()
    values = {"no model: mean IoU": without_model(masks, new_masks)}
    seconds = {name: seconds_per_step(name, images, masks) for name in BEFORE | RANKED}
    values["pace"] = round(pace(seconds), 3)
    for name, title in (BEFORE | RANKED).items():
        values[f"{title}: parameters"] = sum(p.numel() for p in start(name, 0).parameters())
        values[f"{title}: seconds per step"] = round(seconds[name], 4)
        for (height, width), runs in SIZES.items():
            row = f"{title}: ms per image of {height}×{width}"
            values[row] = round(milliseconds(name, height, width, runs), 2)
    for name, title in RANKED.items():
        steps = round(60 * MINUTES * pace(seconds) / seconds[name])
        values[f"{title}: steps"] = steps
        found = scores(trained(name, seed, steps, images, masks), new_images, new_masks)
        values |= {f"{title}: {measure}": value for measure, value in found.items()}
    return values
