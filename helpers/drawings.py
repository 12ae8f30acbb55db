"""Six small drawn pictures with exact masks: what segmentation is used for, away from the street.

They are drawings, not photos and not scans: shapes with shading and noise. Each function gives
(image, mask, classes): uint8 H×W×3 RGB, uint8 H×W, and the names and colours of its ids.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from helpers.classes import LYFT, Classes

HEIGHT, WIDTH = 96, 128
Drawn = tuple[np.ndarray, np.ndarray, Classes]
_COLOURS = tuple(LYFT.colours[k] for k in (1, 8, 10, 6, 12, 2))


class _Paper:
    """An image and its mask: what is drawn, is drawn on both."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), colour)
        self.mask = Image.new("L", (WIDTH, HEIGHT), 0)
        self.pen, self.label = ImageDraw.Draw(self.image), ImageDraw.Draw(self.mask)

    def put(
        self, shape: str, xy: list, k: int, colour: tuple[int, int, int], **how: int | str
    ) -> None:
        """Draws a Pillow shape ('ellipse', 'polygon', 'rectangle', 'line') of class k."""
        getattr(self.pen, shape)(xy, fill=colour, **how)
        getattr(self.label, shape)(xy, fill=k, **how)

    def done(self, name: str, names: str, noise: float, light: np.ndarray | float = 1.0) -> Drawn:
        """The arrays, after light (H×W) and noise; `names` are the classes' names, from id 0 on."""
        image = np.asarray(self.image, float) * np.expand_dims(light, -1)
        image += np.random.default_rng(0).normal(0, noise, (HEIGHT, WIDTH, 1))
        classes = Classes(name, tuple(names.split()), _COLOURS[: len(names.split())])
        return image.clip(0, 255).astype(np.uint8), np.asarray(self.mask).copy(), classes


def _light(row: float, column: float, reach: float) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return 0.55 + 0.6 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * reach**2))


def cat() -> Drawn:
    """A cat on a carpet: the smallest scheme there is, cat against background."""
    paper, fur = _Paper((150, 120, 95)), (95, 88, 84)
    for x in range(0, WIDTH, 16):
        paper.pen.rectangle((x, 70, x + 7, 95), fill=(165, 138, 112))
    paper.put("line", [(88, 84), (104, 80), (110, 66), (104, 56)], 1, fur, width=6, joint="curve")
    paper.put("ellipse", [38, 40, 94, 90], 1, fur)
    paper.put("polygon", [(28, 22), (30, 4), (44, 16)], 1, fur)
    paper.put("polygon", [(54, 16), (66, 4), (68, 22)], 1, fur)
    paper.put("ellipse", [26, 12, 70, 50], 1, fur)
    for x in (38, 54):
        paper.put("ellipse", [x, 25, x + 6, 31], 1, (190, 205, 90))
    paper.put("polygon", [(46, 36), (52, 36), (49, 40)], 1, (205, 140, 140))
    return paper.done("cat", "background cat", 9, _light(40, 40, 60))


def bedroom() -> Drawn:
    """An indoor scene: wall, floor, bed, window, lamp."""
    paper = _Paper((188, 180, 160))
    paper.put("rectangle", [0, 62, WIDTH, HEIGHT], 1, (120, 88, 60))
    paper.put("rectangle", [12, 10, 46, 42], 3, (170, 205, 235))
    paper.put("line", [(29, 10), (29, 42)], 3, (235, 235, 230), width=2)
    paper.put("polygon", [(52, 56), (110, 56), (124, 88), (44, 88)], 2, (150, 60, 70))
    paper.put("rectangle", [52, 40, 110, 58], 2, (96, 66, 44))
    paper.put("ellipse", [60, 50, 82, 62], 2, (236, 232, 224))
    paper.put("ellipse", [84, 50, 106, 62], 2, (236, 232, 224))
    paper.put("rectangle", [119, 40, 121, 66], 4, (70, 60, 50))
    paper.put("polygon", [(114, 40), (126, 40), (123, 28), (117, 28)], 4, (240, 220, 140))
    return paper.done("bedroom", "wall floor bed window lamp", 5, _light(20, 60, 70))


def brain() -> Drawn:
    """A drawn slice of a brain, grey like an MRI scan, with a tumour."""
    paper = _Paper((6, 6, 6))
    paper.pen.ellipse((22, 2, 106, 94), fill=(150, 150, 150))
    paper.pen.ellipse((26, 6, 102, 90), fill=(25, 25, 25))
    paper.put("ellipse", [29, 9, 99, 87], 1, (105, 105, 105))
    for x in range(34, 94, 10):
        paper.pen.arc((x, 14, x + 12, 80), 60, 300, fill=(80, 80, 80))
    for box in ((54, 34, 61, 56), (67, 34, 74, 56)):
        paper.put("ellipse", list(box), 1, (45, 45, 45))
    paper.put("ellipse", [74, 22, 92, 42], 2, (178, 178, 178))
    paper.put("ellipse", [78, 27, 86, 35], 2, (140, 140, 140))
    return paper.done("brain slice", "background brain tumour", 10)


def chest() -> Drawn:
    """A drawn chest, grey like an X-ray: two lungs and the heart between them."""
    paper = _Paper((30, 30, 30))
    paper.pen.ellipse((8, 8, 120, 150), fill=(150, 150, 150))
    paper.put("polygon", [(52, 16), (58, 40), (56, 80), (24, 84), (26, 44), (38, 20)], 1, (62,) * 3)
    paper.put(
        "polygon", [(76, 16), (70, 40), (72, 80), (104, 84), (102, 44), (90, 20)], 1, (62,) * 3
    )
    paper.put("ellipse", [54, 46, 86, 82], 2, (182, 182, 182))
    for y in range(14, 84, 11):
        for left, start, end in ((18, 190, 280), (64, 260, 350)):
            paper.pen.arc((left, y, left + 46, y + 26), start, end, fill=(128, 128, 128), width=2)
    paper.pen.rectangle((62, 8, 66, 95), fill=(190, 190, 190))
    return paper.done("chest", "rest lung heart", 8)


def satellite() -> Drawn:
    """Land seen from above: fields, forest, water, roads, houses."""
    paper, random = _Paper((150, 150, 84)), np.random.default_rng(1)
    for box, colour in (((0, 0, 44, 38), (176, 164, 96)), ((84, 58, 128, 96), (120, 140, 70))):
        paper.pen.rectangle(box, fill=colour)
    for _ in range(90):
        x, y = random.uniform(0, 52), random.uniform(52, 96)
        shade = int(random.uniform(50, 90))
        paper.put("ellipse", [x - 5, y - 5, x + 5, y + 5], 1, (shade - 20, shade + 5, shade - 25))
    paper.put(
        "line",
        [(58, -5), (70, 24), (62, 50), (80, 72), (76, 100)],
        2,
        (50, 84, 104),
        width=13,
        joint="curve",
    )
    paper.put("line", [(-5, 46), (60, 40), (135, 22)], 3, (172, 170, 166), width=4)
    paper.put("line", [(104, 28), (110, 100)], 3, (172, 170, 166), width=3)
    for x, y in ((88, 34), (92, 46), (116, 36), (118, 50), (94, 60), (119, 66)):
        paper.put("rectangle", [x, y, x + 7, y + 6], 4, (168, 92, 74))
    return paper.done("satellite", "field forest water road house", 7)


def crops() -> Drawn:
    """A field seen by a weeding robot: soil, rows of crop, weeds between them."""
    paper, random = _Paper((112, 84, 62)), np.random.default_rng(2)
    for x in range(14, WIDTH, 25):
        for y in range(2, HEIGHT, 6):
            dx, dy, r = random.normal(0, 1.5), random.normal(0, 1), random.uniform(4, 6.5)
            green = int(random.uniform(115, 160))
            box = [x + dx - r, y + dy - r, x + dx + r, y + dy + r]
            paper.put("ellipse", box, 1, (60, green, 55))
    for x, y in ((27, 20), (51, 66), (77, 30), (101, 78), (28, 84), (76, 82)):
        for turn in np.arange(5) * 1.26:
            tip = (x + 8 * np.cos(turn), y + 8 * np.sin(turn))
            paper.put("line", [(x, y), tip], 2, (78, 132, 60), width=3)
    return paper.done("crops", "soil crop weed", 9)


ALL: tuple[Callable[[], Drawn], ...] = (bedroom, cat, brain, chest, satellite, crops)
