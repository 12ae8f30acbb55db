"""Draws the picture of the README: photo, truth and prediction of three unseen drives.

    python course/overview.py

The prediction is that of the PyTorch example submission (assignments/examples/ada/model.onnx).
"""

from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw

from helpers import masks, streets

ROOT = Path(__file__).resolve().parent.parent
SCENES = ((1004, 0), (1008, 20), (1018, 10))
HEIGHT, WIDTH, GAP, TITLE = 240, 320, 6, 22


def main() -> None:
    model = ROOT / "assignments/examples/ada/model.onnx"
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    size = (3 * (WIDTH + GAP) - GAP, TITLE + len(SCENES) * (HEIGHT + GAP) - GAP)
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for column, title in enumerate(("the photo", "the truth", "the U-Net's prediction")):
        pen.text((column * (WIDTH + GAP) + 4, 3), title, "black", font_size=14)
    for row, (drive, frame) in enumerate(SCENES):
        image, mask = streets.scene(drive, frame, height=HEIGHT, width=WIDTH)
        small = masks.resize_image(image, 96, 128).transpose(2, 0, 1)[None] / np.float32(255)
        (logits,) = session.run(None, {"image": small})
        predicted = masks.resize_mask(logits[0].argmax(0).astype(np.uint8), HEIGHT, WIDTH)
        cells = (
            image,
            masks.overlay(image, masks.remove_hood(mask)),
            masks.overlay(image, predicted),
        )
        for column, cell in enumerate(cells):
            place = column * (WIDTH + GAP), TITLE + row * (HEIGHT + GAP)
            page.paste(Image.fromarray(cell), place)
    page.save(ROOT / "course/pictures/overview.jpg", quality=88)


if __name__ == "__main__":
    main()
