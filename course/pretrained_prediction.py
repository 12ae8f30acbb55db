"""Stores what the pretrained DeepLabv3 says of a photo, for places without a network.

    python course/pretrained_prediction.py

Writes course/pictures/voc_prediction.png: the class of each pixel, with the colours of Pascal VOC.
The photo comes with matplotlib: Grace Hopper in 1984, taken by the US Navy, in the public domain.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image

from helpers.classes import VOC
from helpers.pytorch.predict import predict_masks
from helpers.pytorch.pretrained import voc

ROOT = Path(__file__).resolve().parent.parent
PHOTO = "grace_hopper.jpg"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = ROOT / "course/pictures/voc_prediction.png"
    parser.add_argument("--out", type=Path, default=out, help="where to write")
    options = parser.parse_args(arguments)
    model = voc()
    if model is None:  # it has said why
        raise SystemExit(1)
    with Image.open(get_sample_data(PHOTO)) as photo:
        image = np.array(photo.convert("RGB"))
    mask = predict_masks(model, image[None])[0]
    picture = Image.fromarray(mask)
    picture.putpalette(VOC.palette.tobytes())
    picture.save(options.out, optimize=True)
    found = ", ".join(VOC.names[k] for k in np.unique(mask))
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB; found {found}.")


if __name__ == "__main__":
    main()
