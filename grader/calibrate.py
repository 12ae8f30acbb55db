"""Are the IoU bars fair? Trains the course's own U-Net and runs methods without a model.

    python -m grader.calibrate            all runs: three seeds in both frameworks, about 30 minutes

Every run is scored on three sets of hidden scenes, and the complete example submissions on a
hundred: each course draws a set of its own, and nobody may lose a point to that draw. The table
goes to assignments/calibration.json; a test holds the bars against it: a network as small as those
of the examples clears every bar with each seed, and what needs no network clears none.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from grader.checks import bars
from grader.runner import run_model
from grader.scenes import hidden_scenes
from grader.settings import REPOSITORY, Settings, course_folder
from helpers import streets
from helpers.classes import LYFT
from helpers.metrics import Confusion
from helpers.rules import graded_prediction, judged_iou

TABLE = REPOSITORY / "assignments" / "calibration.json"
WIDTH, STEPS, SEEDS, HIDDEN = 8, 1500, (0, 1, 2), (101, 102, 103)
DRAWS = range(1000, 1100)
DRIVES, FRAMES = range(120), range(0, 40, 4)


def score(predict, seeds: Iterable[int] = HIDDEN) -> dict[str, list[float]]:
    """Bar → IoU on each set of hidden scenes; `predict` takes images and gives masks."""
    found: dict[str, list[float]] = {}
    for seed in seeds:
        images, truth = hidden_scenes(Settings(seed, "streets", None), course_folder())
        values = judged_iou(Confusion().add(truth, predict(images)))
        for name in dict.fromkeys(bar.classes for bar in bars("lyft_unet", "streets")):
            found.setdefault(name, []).append(round(values[name], 4))
    return found


def network(framework: str, seed: int) -> dict[str, list[float]]:
    """Trains the course's U-Net and scores it. One framework in a process."""
    images, masks = streets.scenes(DRIVES, FRAMES)
    if framework == "pytorch":
        import torch

        from helpers.pytorch.predict import predict_masks
        from helpers.pytorch.train import train
        from helpers.pytorch.unet import unet

        torch.set_num_threads(1)
        torch.manual_seed(seed)
    else:
        from helpers.keras import keras
        from helpers.keras.predict import predict_masks
        from helpers.keras.train import train
        from helpers.keras.unet import unet

        keras.utils.set_random_seed(seed)
    model = unet(len(LYFT), WIDTH)
    train(model, images, masks, steps=STEPS, seed=seed)
    return score(lambda unseen: predict_masks(model, unseen))


def place_prior() -> dict[str, list[float]]:
    """The most frequent class at each place: the road lies where roads lie."""
    _, masks = streets.scenes(DRIVES, FRAMES)
    prior = np.stack([(masks == k).sum(0) for k in range(len(LYFT))]).argmax(0).astype(np.uint8)
    return score(lambda unseen: np.broadcast_to(prior, unseen.shape[:3]))


def colour_and_place() -> dict[str, list[float]]:
    """The most frequent class of a colour (8 steps a channel) in a cell of 8×8 pixels."""
    images, masks = streets.scenes(DRIVES, FRAMES)

    def key(pictures: np.ndarray) -> np.ndarray:
        rows, columns = np.indices(pictures.shape[1:3]) // 8
        colour = (pictures // 32).astype(np.int64) @ np.array([64, 8, 1])
        return (rows * 16 + columns) * 512 + colour

    pairs = key(images).ravel() * len(LYFT) + masks.ravel()
    counts = np.bincount(pairs, minlength=12 * 16 * 512 * len(LYFT)).reshape(-1, len(LYFT))
    table = counts.argmax(1).astype(np.uint8)
    return score(lambda unseen: table[key(unseen)])


def example(student: str) -> dict[str, list[float]]:
    """The model that an example submission hands in: the lowest IoU of all draws."""
    model = (REPOSITORY / "assignments" / "examples" / student / "model.onnx").read_bytes()

    def predict(images: np.ndarray) -> np.ndarray:
        given = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
        return graded_prediction(run_model(model, given)[0])

    return {name: [min(values)] for name, values in score(predict, DRAWS).items()}


METHODS = {
    "no model: place": place_prior,
    "no model: colour and place": colour_and_place,
} | {
    f"U-Net {WIDTH}, {framework}, seed {seed}": lambda f=framework, s=seed: network(f, s)
    for framework in ("pytorch", "keras")
    for seed in SEEDS
}
METHODS |= {
    f"example {student}, lowest of {len(DRAWS)} draws": lambda s=student: example(s)
    for student in ("ada", "grace")
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=METHODS, help="one method; its row alone is made anew")
    given = parser.parse_args()
    if given.only:
        table = json.loads(TABLE.read_text())["iou"]
        save(TABLE, table | {given.only: METHODS[given.only]()})
        return
    for name in METHODS:  # one framework in a process
        command = [sys.executable, "-m", "grader.calibrate", "--only", name]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        print(name, json.loads(TABLE.read_text())["iou"][name])


def save(path: Path, table: dict) -> None:
    """Writes the table with what it was made of."""
    made_of = {"width": WIDTH, "steps": STEPS, "drives": len(DRIVES), "hidden_seeds": HIDDEN}
    path.write_text(json.dumps({"made_of": made_of, "iou": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
