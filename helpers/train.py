"""Trains a network on your own pairs: `python -m helpers.train IMAGES MASKS --classes N`.

Writes into one folder (--out):

    model.onnx          what `python -m helpers.predict` and every ONNX runtime opens
    best.safetensors    (Keras: best.keras) the weights with the best mean IoU in validation
    network.json        how the network is built
    history.json        the losses, and the mean IoU in validation
    resume.safetensors  from which the same command goes on after Ctrl-C
"""

import argparse
import importlib
import inspect
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from helpers import checkpoint, data
from helpers.augment import STREET, Augment
from helpers.classes import LYFT, numbered
from helpers.data.__main__ import report
from helpers.data.pairs import Pairs
from helpers.export import export
from helpers.metrics import Confusion
from helpers.predict import PACKAGES
from helpers.where import set_threads

HARMLESS = {"palette", "1 bit", "16 bit", "alpha", "no image", "link"}
"""Faults that other programs stumble over; here the ids are read right all the same."""

AUGMENTS = {"mirror": None, "street": STREET, "none": Augment()}


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.data and options.images:
        parser.error("give IMAGES and MASKS, or --data")
    try:
        return _train(options)
    except (OSError, ValueError) as fault:
        print(_sentence(fault), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _train(options: argparse.Namespace) -> int:
    set_threads()
    pairs = find_pairs(options)
    faults = data.verify(pairs)
    if any(fault.kind not in HARMLESS for fault in faults):
        print(report(pairs, faults))
        raise ValueError(
            "Mend or remove these first. `python -m helpers.data verify … --fix NEW` copies the "
            "good pairs to a new folder."
        )
    network = {"classes": len(pairs.classes)}
    wanted = {"width": options.channels, "depth": options.depth, "encoder": options.encoder}
    network |= {name: value for name, value in wanted.items() if value is not None}
    resumed = describe(options, network)

    framework = {
        name: importlib.import_module(f"helpers.{PACKAGES[options.framework]}.{name}")
        for name in ("networks", "train", "predict", "checkpoint")
    }
    _seed(options)
    model = build(framework["networks"].NETWORKS, options.network, network)
    if options.pretrained and not resumed:
        begin_with_pretrained(model, options)
    # now, and not after minutes of reading: does this size fit the network?
    predict_masks = framework["predict"].predict_masks
    predict_masks(model, np.zeros((1, options.height, options.width, 3), np.uint8))

    training, validation = split(pairs, options.validation, options.seed)
    arrays = data.load(training, options.height, options.width)
    held_out = data.load(validation, options.height, options.width)
    history = framework["train"].train(
        model,
        *arrays,
        steps=options.steps or 600,
        batch=min(options.batch, len(training)),
        learning_rate=options.learning_rate,
        seed=options.seed,
        seconds=options.seconds,
        augment=AUGMENTS[options.augment],
        epochs=options.epochs,
        validation=held_out,
        folder=options.out,
    )
    rows = {"training": history, "validation": history.validation}
    (options.out / "history.json").write_text(json.dumps(rows))

    best = options.out / framework["checkpoint"].BEST
    if best.exists():
        model = framework["checkpoint"].load(best)
        step, score, _ = max(history.validation, key=lambda row: row[1])
        print(f"Best in validation after {step} of {len(history)} steps: mean IoU {score:.3f}.")
    confusion = Confusion(len(pairs.classes)).add(held_out[1], predict_masks(model, held_out[0]))
    for name, iou in zip(pairs.classes.names, confusion.iou(), strict=True):
        print(f"{name:14} {'absent' if np.isnan(iou) else f'{iou:.3f}'}")
    print(f"mean IoU       {confusion.mean_iou():.3f}")
    print(f"{export(model, options.out / 'model.onnx', options.height, options.width)} is written.")
    if history.interrupted:
        print(f"Stopped after {len(history)} steps. The same command goes on.")
    return 130 if history.interrupted else 0


def describe(options: argparse.Namespace, network: dict) -> bool:
    """Writes network.json; True if the folder holds a training of this network, to go on from."""
    about = {"framework": options.framework, "network": options.network, "options": network}
    about |= {"height": options.height, "width": options.width}
    resumed = (options.out / "resume.safetensors").exists()
    if resumed and (before := checkpoint.description(options.out)) != about:
        wrong = [
            f"{k} {before[k]}, asked for is {about[k]}" for k in about if before[k] != about[k]
        ]
        raise ValueError(
            f"{options.out} holds a training with {'; '.join(wrong)}. Name another folder with "
            "--out, or remove this one."
        )
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint.describe(options.out, about)
    if resumed:
        print(f"Going on with the training in {options.out}. Remove the folder to begin anew.")
    return resumed


def find_pairs(options: argparse.Namespace) -> Pairs:
    """The pairs that the command names, with its number of classes."""
    if options.masks:
        pairs = data.pair_folders(options.images, options.masks)
    else:
        pairs = data.find(options.images or options.data)
    lyft = all(pair.lyft for pair in pairs.items)
    if options.classes is None and not lyft:
        raise ValueError("How many classes? Say --classes N; ids are 0 to N-1, and 255 is ignored.")
    if options.classes is None or (lyft and options.classes == len(LYFT)):
        return pairs
    return replace(pairs, classes=numbered(options.classes))


def split(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """Training and validation: by drive, or where there is but one, its end. Says which."""
    if not 0 < share < 1:
        raise ValueError(f"validation is {share}; it is a share, between 0 and 1")
    if len(set(pairs.drives)) > 1:
        training, validation = data.split(pairs, share, seed)
        how = "other drives: " + ", ".join(sorted(set(validation.drives))[:5])
    elif len(pairs) > 1:
        cut = min(len(pairs) - 1, max(1, round(len(pairs) * (1 - share))))
        training = replace(pairs, items=pairs.items[:cut])
        validation = replace(pairs, items=pairs.items[cut:])
        how = "the last frames of the only drive: near-duplicates make the score too good"
    else:
        training = validation = pairs
        how = "the same one, for there is no other: the score says nothing about new pictures"
    print(f"{len(training)} pairs to train on, {len(validation)} to validate ({how}).")
    return training, validation


def build(networks: dict, name: str, network: dict):
    """The network, or a ValueError that names the option which it does not have."""
    known = inspect.signature(networks[name]).parameters
    for option in network:
        if option not in known:
            raise ValueError(f"{name} takes no --{'channels' if option == 'width' else option}")
    return networks[name](**network)


def begin_with_pretrained(model, options: argparse.Namespace) -> None:
    """Puts the encoder's weights from ImageNet into the model, or says why it cannot."""
    from helpers import pretrained

    if options.encoder in (None, "plain"):
        raise ValueError("--pretrained needs --encoder, one that has weights from ImageNet")
    twin = importlib.import_module(f"helpers.{PACKAGES[options.framework]}.twin")
    try:
        arrays = pretrained.fit(twin.get_weights(model), options.encoder, "encoder_")
    except pretrained.WeightsError as fault:
        print(f"{fault} The encoder begins untrained.")
    else:
        twin.set_weights(model, arrays)


def _seed(options: argparse.Namespace) -> None:
    if options.framework == "torch":
        importlib.import_module("torch").manual_seed(options.seed)
    else:
        importlib.import_module("keras").utils.set_random_seed(options.seed)


def _sentence(fault: Exception) -> str:
    """What was wrong, without what Keras writes around it."""
    around = re.search(r"\x1b\[1m(.*?)\x1b\[0m", str(fault), re.S)
    return around[1] if around else str(fault)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m helpers.train",
        description="Trains a network on pairs of images and masks, measures it on others, and "
        "writes it as ONNX. Ctrl-C, and the same command goes on.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("images", type=Path, nargs="?", help="the images, or the folder or zip of a dataset")
    add("masks", type=Path, nargs="?", help="the masks, if they lie elsewhere")
    add("--data", type=Path, help="the folder of a dataset; without any, the usual places")
    add("--classes", type=int, metavar="N", help="ids are 0 to N-1; for Lyft's layout it is known")
    add("--out", type=Path, default=Path("model"), help="the folder to write to")
    add("--framework", choices=PACKAGES, default="torch", help="which one trains")
    add("--network", choices=NETWORKS, default="unet", help="what is trained")
    add("--encoder", help="of the network: plain, resnet18, mobilenet_v2, resnet50 or vgg16")
    add("--pretrained", action="store_true", help="the encoder begins with weights from ImageNet")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=_positive, help="batches to learn from; 600 unless said")
    length.add_argument("--epochs", type=_positive, help="how often to see every pair")
    length.add_argument("--seconds", type=float, help="how long to train")
    add("--batch", type=_positive, default=8, help="pairs in a batch")
    add("--learning-rate", type=float, default=3e-3, help="the peak of the one-cycle schedule")
    add("--augment", choices=AUGMENTS, default="mirror", help="how the pairs are changed")
    add("--validation", type=float, default=0.2, help="the share of the pairs held out")
    add("--channels", type=_positive, help="channels at full resolution; 16 unless said")
    add("--depth", type=_positive, help="how often a U-Net or a SegNet halves the maps")
    add("--height", type=_positive, default=96, help="rows that the images are resized to")
    add("--width", type=_positive, default=128, help="columns that the images are resized to")
    add("--seed", type=int, default=0, help="of the split, the start, the order and the flips")
    return parser


NETWORKS = "fcn32 fcn16 fcn8 segnet unet pspnet deeplabv3 deeplabv3plus".split()
"""The names in `helpers.pytorch.networks`, for the help, which loads no framework."""


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
