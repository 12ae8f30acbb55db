"""Segments pictures from the command line: `python -m helpers.predict --model model.onnx A.png`.

Needs neither PyTorch nor Keras. For each picture it writes NAME-mask.png, with the class id in the
red channel as in the Lyft data, and NAME-overlay.png, to look at.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tqdm.auto import tqdm

from helpers.data import IMAGE_SUFFIXES, read_picture
from helpers.masks import overlay, resize_image, resize_mask


def segment(session: onnxruntime.InferenceSession, image: np.ndarray) -> np.ndarray:
    """The class of each pixel, uint8 H×W, of an image uint8 H×W×3 of any size.

    The image is resized to what the model takes, and the mask back by nearest neighbour.
    """
    (source,) = session.get_inputs()
    last = source.shape[1] != 3  # N×H×W×3
    height, width = source.shape[1:3] if last else source.shape[2:]
    x = resize_image(image, height, width)[None].astype(np.float32) / 255
    x = x if last else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    (logits,) = session.run(None, {source.name: x})
    mask = logits[0].argmax(-1 if last else 0).astype(np.uint8)
    return resize_mask(mask, *image.shape[:2])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m helpers.predict",
        description="Writes the mask and the overlay of one picture, or of a folder of them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("pictures", type=Path, help="a picture or a folder")
    parser.add_argument("--model", type=Path, default=Path("model.onnx"), help="an ONNX file")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="where to write")
    options = parser.parse_args(arguments)
    files = [options.pictures]
    if options.pictures.is_dir():
        files = sorted(p for p in options.pictures.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    for path in (options.model, *files):
        if not path.is_file():
            parser.error(f"{path}: no such file")
    if not files:
        parser.error(f"{options.pictures}: no pictures in this folder")
    session = onnxruntime.InferenceSession(str(options.model), providers=["CPUExecutionProvider"])
    options.out.mkdir(parents=True, exist_ok=True)
    for file in tqdm(files, unit="picture"):
        image = read_picture(file, "RGB")
        mask = segment(session, image)
        label = np.stack([mask, np.zeros_like(mask), np.zeros_like(mask)], -1)
        Image.fromarray(label).save(options.out / f"{file.stem}-mask.png")
        Image.fromarray(overlay(image, mask)).save(options.out / f"{file.stem}-overlay.png")
    print(f"{len(files)} masks and overlays are in {options.out}.")


if __name__ == "__main__":
    main()
