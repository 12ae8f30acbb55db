"""Draws the gallery of the README: 24 street scenes, each above its mask.

python course/gallery.py
"""

from pathlib import Path

from PIL import Image

from helpers.classes import LYFT
from helpers.masks import colourize, remove_hood
from helpers.streets import scene

ROOT = Path(__file__).resolve().parent.parent
SCENES = (
    (5, 22), (1, 30), (14, 40), (46, 40), (27, 22), (30, 50),
    (49, 61), (24, 30), (51, 44), (8, 33), (29, 33), (13, 52),
    (0, 10), (2, 5), (20, 70), (25, 52), (9, 44), (32, 12),
    (22, 90), (16, 50), (47, 33), (36, 90), (23, 10), (55, 52),
)  # fmt: skip
HEIGHT, WIDTH, COLUMNS, GAP = 192, 256, 6, 8


def main() -> None:
    lines = len(SCENES) // COLUMNS
    page = Image.new(
        "RGB", (COLUMNS * (WIDTH + GAP) - GAP, lines * (2 * HEIGHT + GAP) - GAP), "white"
    )
    for k, (drive, frame) in enumerate(SCENES):
        image, mask = scene(drive, frame, height=2 * HEIGHT, width=2 * WIDTH)
        photo = Image.fromarray(image).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        label = Image.fromarray(colourize(remove_hood(mask), LYFT)).resize((WIDTH, HEIGHT))
        left, top = k % COLUMNS * (WIDTH + GAP), k // COLUMNS * (2 * HEIGHT + GAP)
        page.paste(photo, (left, top))
        page.paste(label, (left, top + HEIGHT))
    page.save(ROOT / "course/pictures/streets.jpg", quality=85)


if __name__ == "__main__":
    main()
