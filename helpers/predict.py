"""Segments pictures from the command line: `python -m helpers.predict --model MODEL INPUT OUTPUT`.

MODEL is an ONNX file, which needs neither PyTorch nor Keras, or what `python -m helpers.train`
wrote: its folder, or the file of weights in it. For each picture NAME-mask.png holds the class ids:
in the red channel as in the Lyft data where there are its 13 classes, in an 8-bit grey picture
else. NAME-overlay.png is to look at. An animation (GIF, WebP, APNG) gives an animated overlay, and
a mask for each of its frames.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from helpers import checkpoint
from helpers.animation import frames, is_animation, write_animation
from helpers.classes import LYFT, numbered
from helpers.data import IMAGE_SUFFIXES, read_picture
from helpers.masks import overlay, resize_image, resize_mask
from helpers.tiles import Predict, mirrored, tiled

PACKAGES = {"torch": "pytorch", "keras": "keras"}
SUFFIXES = IMAGE_SUFFIXES | {".gif", ".webp", ".apng"}


@dataclass(frozen=True)
class Model:
    """`predict` gives probabilities float32 N×H×W×C for images uint8 N×height×width×3."""

    predict: Predict
    height: int
    width: int


def open_model(path: Path) -> Model:
    """The model in an ONNX file, in a file of weights, or in a folder of `helpers.train`.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: what is there is no model that can be used; it says why.
    """
    if path.is_dir():
        names = ("model.onnx", "best.safetensors", "best.keras")
        found = [path / name for name in names if (path / name).is_file()]
        if not found:
            raise FileNotFoundError(f"{path}: no {', '.join(names[:2])} or {names[2]} in it")
        path = found[0]
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".onnx":
        return _open_onnx(path)
    if path.suffix not in (".safetensors", ".keras"):
        raise ValueError(f"{path}: a model ends with .onnx, .safetensors or .keras")
    about = checkpoint.description(path.parent)
    package = f"helpers.{PACKAGES['torch' if path.suffix == '.safetensors' else 'keras']}"
    model = import_module(f"{package}.checkpoint").load(path)
    predict = partial(import_module(f"{package}.predict").predict, model)
    return Model(predict, about["height"], about["width"])


def _open_onnx(path: Path) -> Model:
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (source,) = session.get_inputs()
    except Exception as fault:  # the library raises whatever it stumbles over
        reason = " ".join(str(fault).split())[:150]
        raise ValueError(f"{path}: not an ONNX model with one input ({reason})") from None
    last = source.shape[-1] == 3  # N×H×W×3
    height, width = source.shape[1:3] if last else source.shape[2:]
    if not (isinstance(height, int) and isinstance(width, int)):
        raise ValueError(f"{path}: height and width are not fixed in it; export it with both")

    def predict(images: np.ndarray) -> np.ndarray:
        x = images.astype(np.float32) / 255
        x = x if last else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        (scores,) = session.run(None, {source.name: x})
        scores = scores if last else scores.transpose(0, 2, 3, 1)
        if scores.min() >= 0 and np.allclose(scores.sum(-1), 1, atol=1e-3):
            return scores  # they are probabilities already
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    return Model(predict, height, width)


def segment(model: Model, image: np.ndarray, tile: bool = False) -> tuple[np.ndarray, int]:
    """The class of each pixel of an image uint8 H×W×3 of any size: uint8 H×W, and how many classes.

    The image is resized to what the model takes, and the mask back by nearest neighbour. With
    `tile` it keeps its size, and the model sees one tile after the other.
    """
    if tile:
        probabilities = tiled(model.predict, image, model.height, model.width)
    else:
        small = np.array(resize_image(image, model.height, model.width))
        (probabilities,) = model.predict(small[None])
    mask = probabilities.argmax(-1).astype(np.uint8)
    return resize_mask(mask, *image.shape[:2]), probabilities.shape[-1]


def write(model: Model, file: Path, name: str, folder: Path, tile: bool) -> None:
    """Writes the masks and the overlay of a picture or an animation into the folder."""
    overlays, durations, moving = [], [], is_animation(file)
    for i, (image, duration) in enumerate(_images(file, moving)):
        mask, count = segment(model, image, tile)
        number = f"-{i:05}" if moving else ""
        lyft = count == len(LYFT)
        label = np.stack([mask, 0 * mask, 0 * mask], -1) if lyft else mask
        Image.fromarray(label).save(folder / f"{name}{number}-mask.png")
        overlays.append(overlay(image, mask, classes=LYFT if lyft else numbered(count)))
        durations.append(duration)
    if moving:
        write_animation(folder / f"{name}-overlay{file.suffix}", overlays, durations)
    else:
        Image.fromarray(overlays[0]).save(folder / f"{name}-overlay.png")


def _images(file: Path, moving: bool) -> Iterator[tuple[np.ndarray, float]]:
    if not moving:
        yield read_picture(file, "RGB"), 0
        return
    yield from tqdm(frames(file), file.name, unit="frame", leave=False)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _predict(options)
    except (OSError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _predict(options: argparse.Namespace) -> int:
    files = [options.input]
    if options.input.is_dir():
        files = sorted(p for p in options.input.iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise FileNotFoundError(f"{options.input}: no pictures in this folder")
    elif not options.input.exists():
        raise FileNotFoundError(f"{options.input}: no such file")
    elif options.input.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{options.input}: pictures end with {', '.join(sorted(SUFFIXES))}. Other films: turn "
            "them into pictures, with `ffmpeg -i FILM folder/%05d.png`."
        )
    model = open_model(options.model)
    if options.flip:
        model = replace(model, predict=mirrored(model.predict))
    options.output.mkdir(parents=True, exist_ok=True)
    stems, failed = Counter(file.stem for file in files), []
    for file in tqdm(files, unit="picture", disable=len(files) == 1):
        try:
            name = file.stem if stems[file.stem] == 1 else file.name  # a.png and a.jpg
            write(model, file, name, options.output, options.tile)
        except ValueError as fault:  # the other pictures can still be done
            failed.append(str(fault))
        except OSError as fault:
            raise OSError(f"{options.output}: cannot be written ({fault})") from None
    for sentence in failed:
        print(f"left out: {sentence}", file=sys.stderr)
    print(f"{len(files) - len(failed)} of {len(files)} are done: see {options.output}.")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m helpers.predict",
        description="Writes the mask and the overlay of one picture, or of a folder of them. "
        "Exit code: 0 all done, 1 some pictures could not be read, 2 wrong call.",
    )
    add = parser.add_argument
    add("input", type=Path, help="a picture, an animation (GIF, WebP, APNG) or a folder of them")
    add("output", type=Path, nargs="?", default=Path("predictions"), help="the folder to write to")
    add(
        "--model",
        type=Path,
        default=Path("model"),
        help="an ONNX file, or the folder of python -m helpers.train (default: model)",
    )
    add(
        "--tile",
        action="store_true",
        help="do not shrink a large picture: go over it in overlapping tiles. Only for models that "
        "learnt from pieces of pictures at this resolution; others see nonsense",
    )
    add("--flip", action="store_true", help="average with the mirror image: better, half as fast")
    return parser


if __name__ == "__main__":
    sys.exit(main())
