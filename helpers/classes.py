"""The classes of a label scheme: ids, names and colours."""

import colorsys
from dataclasses import dataclass

import numpy as np

IGNORE = 255
"""The id of a pixel that is neither trained on nor scored."""


@dataclass(frozen=True)
class Classes:
    """A label scheme. A class id is the position of its name: 0, 1, 2, ...

    Attributes:
        name: how the scheme is called.
        names: one name for each id.
        colours: one '#rrggbb' for each id.
    """

    name: str
    names: tuple[str, ...]
    colours: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def id(self, name: str) -> int:
        """The id of the class called `name`. Raises KeyError that lists the names."""
        if name not in self.names:
            raise KeyError(f"no class '{name}' in {self.name}; it has {', '.join(self.names)}")
        return self.names.index(name)

    @property
    def palette(self) -> np.ndarray:
        """The colours as uint8, C×3 RGB."""
        return np.array([tuple(bytes.fromhex(c[1:])) for c in self.colours], np.uint8)


_LYFT_NAMES = (
    "None",
    "Buildings",
    "Fences",
    "Other",
    "Pedestrians",
    "Poles",
    "RoadLines",
    "Roads",
    "Sidewalks",
    "Vegetation",
    "Vehicles",
    "Walls",
    "TrafficSigns",
)

# CARLA's hues, moved until any two classes differ by CIEDE2000 >= 16, colour-blind or not
LYFT = Classes(
    "Lyft-Udacity",
    _LYFT_NAMES,
    (
        "#000000",
        "#45423f",
        "#9a4529",
        "#d7a5ae",
        "#ea0072",
        "#e6eff9",
        "#a9feb9",
        "#561d55",
        "#9b61fd",
        "#819800",
        "#0036d1",
        "#93afe8",
        "#fff200",
    ),
)

# the colours of CARLA's own pictures and of the papers that show them
LYFT_CARLA = Classes(
    "Lyft-Udacity in CARLA's colours",
    _LYFT_NAMES,
    (
        "#000000",
        "#464646",
        "#be9999",
        "#48005a",
        "#dc143c",
        "#999999",
        "#9dea32",
        "#804080",
        "#f423e8",
        "#6b8e23",
        "#0000ff",
        "#66669c",
        "#dcdc00",
    ),
)

CHALLENGE = Classes(
    "Lyft challenge", ("Other", "Road", "Vehicle"), ("#000000", "#9b61fd", "#0036d1")
)

CAMVID = Classes(
    "CamVid",
    (
        "Sky",
        "Building",
        "Pole",
        "Road",
        "Pavement",
        "Tree",
        "SignSymbol",
        "Fence",
        "Car",
        "Pedestrian",
        "Bicyclist",
        "Unlabelled",
    ),
    (
        "#808080",
        "#800000",
        "#c0c080",
        "#804080",
        "#3c28de",
        "#808000",
        "#c08080",
        "#404080",
        "#400080",
        "#404000",
        "#0080c0",
        "#000000",
    ),
)

# what many published models tell apart; the colours are those of its own masks
VOC = Classes(
    "Pascal VOC",
    (
        "background",
        "aeroplane",
        "bicycle",
        "bird",
        "boat",
        "bottle",
        "bus",
        "car",
        "cat",
        "chair",
        "cow",
        "dining table",
        "dog",
        "horse",
        "motorbike",
        "person",
        "potted plant",
        "sheep",
        "sofa",
        "train",
        "monitor",
    ),
    (
        "#000000",
        "#800000",
        "#008000",
        "#808000",
        "#000080",
        "#800080",
        "#008080",
        "#808080",
        "#400000",
        "#c00000",
        "#408000",
        "#c08000",
        "#400080",
        "#c00080",
        "#408080",
        "#c08080",
        "#004000",
        "#804000",
        "#00c000",
        "#80c000",
        "#004080",
    ),
)


def numbered(count: int) -> Classes:
    """A scheme for data of your own: `count` classes (1 to 255) without names.

    Class 0 is black; then come the brighter colours of Lyft, then hues around the colour circle.
    """
    if not 1 <= count <= IGNORE:
        raise ValueError(f"{count} classes; a mask of 8 bits holds 1 to {IGNORE}")
    hues = [colorsys.hsv_to_rgb(k * 0.618 % 1, 0.5 + 0.4 * (k % 2), 0.9) for k in range(count)]
    colours = ["#" + "".join(f"{round(255 * part):02x}" for part in hue) for hue in hues]
    bright = (LYFT.colours[0], *LYFT.colours[2:])
    colours[: len(bright)] = bright[:count]
    return Classes(f"{count} classes", tuple(f"class {k}" for k in range(count)), tuple(colours))


GRADED = ("Roads", "Sidewalks", "Vegetation", "Buildings", "Vehicles", "RoadLines")
"""The Lyft classes that can be seen, and so are judged, at 96×128: there a sign is four pixels."""
