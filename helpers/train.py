"""Trains a U-Net from the command line: `python -m helpers.train --framework torch --data FOLDER`.

Writes model.onnx, and beside it model.npz with the weights. Ctrl-C stops early and writes both all
the same; the same command again goes on from model.npz, in either framework.
"""

import argparse
import importlib
import json
from pathlib import Path

import numpy as np

from helpers import data
from helpers.export import export
from helpers.metrics import Confusion
from helpers.where import set_threads


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    set_threads()
    pairs = data.find(options.data)
    if len(set(pairs.drives)) > 1:
        training, validation = data.split(pairs, seed=options.seed)
    else:
        training = validation = pairs
        print("Only one drive: what follows is measured on the frames that are trained on.")
    images, masks = data.load(training, options.height, options.width)
    print(f"{len(training)} pairs to train on, {len(validation)} to validate.")

    unet, train, predict, twin = (
        importlib.import_module(f"helpers.{_PACKAGES[options.framework]}.{name}")
        for name in ("unet", "train", "predict", "twin")
    )
    network = {"classes": len(pairs.classes), "width": options.channels, "depth": options.depth}
    model = unet.unet(**network)
    weights = options.out.with_suffix(".npz")
    if weights.exists():
        print(f"Going on from {weights}. Remove it to begin anew.")
        with np.load(weights, allow_pickle=False) as file:
            arrays = dict(file)
        if (before := json.loads(str(arrays.pop("options")))) != network:
            raise SystemExit(f"{weights} holds {before}, asked for is {network}.")
        twin.set_weights(model, arrays)

    train.train(
        model,
        images,
        masks,
        steps=options.steps,
        batch=min(options.batch, len(images)),
        learning_rate=options.learning_rate,
        seed=options.seed,
        seconds=options.seconds,
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(weights, options=json.dumps(network), **twin.get_weights(model))
    export(model, options.out, options.height, options.width)

    images, masks = data.load(validation, options.height, options.width)
    confusion = Confusion(len(pairs.classes)).add(masks, predict.predict_masks(model, images))
    for name, iou in zip(pairs.classes.names, confusion.iou(), strict=True):
        print(f"{name:14} {'absent' if np.isnan(iou) else f'{iou:.3f}'}")
    print(f"mean IoU       {confusion.mean_iou():.3f}\n{options.out} is written.")


_PACKAGES = {"torch": "pytorch", "keras": "keras"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m helpers.train",
        description="Trains a U-Net on pairs of images and masks, and writes it as ONNX.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--framework", choices=_PACKAGES, default="torch", help="which one trains")
    add("--data", type=Path, help="the folder with the pairs; without it, the usual places")
    add("--out", type=Path, default=Path("model.onnx"), help="where to write")
    add("--steps", type=int, default=600, help="batches to learn from")
    add("--seconds", type=float, help="how long to train, in place of --steps")
    add("--batch", type=int, default=8, help="pairs in a batch")
    add("--learning-rate", type=float, default=3e-3, help="the peak of the one-cycle schedule")
    add("--channels", type=int, default=16, help="channels at full resolution")
    add("--depth", type=int, default=4, help="how often the maps are halved")
    add("--height", type=int, default=96, help="rows that the images are resized to")
    add("--width", type=int, default=128, help="columns that the images are resized to")
    add("--seed", type=int, default=0, help="of the split, the order and the flips")
    return parser


if __name__ == "__main__":
    main()
