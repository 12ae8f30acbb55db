"""Other views of the same pair: geometry for image and mask together, photometry for the image.

geometry.py    where each pixel comes from, and the one resampling that fetches it
photometry.py  colours, blur, noise
"""

import math
from dataclasses import dataclass

import numpy as np

from helpers.augment.geometry import CELLS, resample, source
from helpers.augment.photometry import add_noise, blur, colour_matrix, recolour

ELASTIC_MOST = 0.06


@dataclass(frozen=True)
class Augment:
    """How strongly to augment; `augment(image, mask, seed)` does it. All is off by default.

    Every strength is the end of a range that each sample draws from evenly, so 0 is off. Image
    and mask get the same geometry in one resampling: the image bilinearly, the mask by nearest.
    What comes from outside the picture repeats its edge in the image and is 255 (ignore) in the
    mask. Changing one strength leaves the draws of the others as they are.

    Args:
        flip: the probability of mirroring left to right.
        crop: up to so many pixels are cut from each side, and the rest is stretched back.
        scale: the lowest and highest zoom; 2 shows a random half of each side, 0.5 leaves a rim.
        rotate: up to so many degrees either way.
        elastic: bends by up to this share of each side, at most 0.06, so that nothing folds.
        brightness, contrast, saturation: each factor is drawn from 1 - strength to 1 + strength.
        hue: turns the colours by up to so many degrees.
        blur: Gaussian blur of up to this sigma, in pixels.
        noise: Gaussian noise of up to this standard deviation, as a share of 255.
        height, width: the size of the result, a random window; without them, the input's size.
    """

    flip: float = 0
    crop: int = 0
    scale: tuple[float, float] = (1, 1)
    rotate: float = 0
    elastic: float = 0
    brightness: float = 0
    contrast: float = 0
    saturation: float = 0
    hue: float = 0
    blur: float = 0
    noise: float = 0
    height: int | None = None
    width: int | None = None

    def __post_init__(self):
        most = dict.fromkeys(("flip", "brightness", "contrast", "saturation", "noise"), 1)
        most |= {"elastic": ELASTIC_MOST, "rotate": 180, "hue": 180, "crop": None, "blur": None}
        for name, end in most.items():
            value = getattr(self, name)
            if not 0 <= value <= (math.inf if end is None else end):
                upwards = "upwards" if end is None else f"to {end}"
                raise ValueError(f"{name} is {value}; it goes from 0 (off) {upwards}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale is {self.scale}; it is (lowest, highest), both above 0")
        if (self.height is None) != (self.width is None):
            raise ValueError(f"height is {self.height}, width {self.width}: give both or none")
        if self.height is not None and min(self.height, self.width) < 1:
            raise ValueError(f"height is {self.height}, width {self.width}: at least 1 pixel each")

    def __call__(
        self, image: np.ndarray, mask: np.ndarray, seed: int | tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The pair as the seed says; the same seed is the same result in every loader.

        Args:
            image: uint8 H×W×3.
            mask: uint8 H×W of ids.
            seed: such as (seed of the run, epoch, index of the sample).

        Returns:
            New arrays of the same types, height×width where these are given.

        Raises:
            ValueError: not uint8, shapes that do not fit, or a crop that leaves nothing.
        """
        _check(image, mask, self.crop)
        draw, shifts = draws(seed)
        image, mask = self._geometry(image, mask, draw, shifts)
        return self._photometry(image, draw), mask

    def _geometry(self, image, mask, draw, shifts):
        mirror = bool(draw["mirror"] < self.flip)
        if not (self.crop or self.rotate or self.elastic or self.height or self.scale != (1, 1)):
            step = -1 if mirror else 1
            return image[:, ::step].copy(), mask[:, ::step].copy()
        size = (self.height or mask.shape[0], self.width or mask.shape[1])
        degrees = self.rotate * (2 * draw["angle"] - 1)
        bent = shifts * self.elastic * np.reshape(size, (2, 1, 1)) if self.elastic else None
        places = source(size, self._box(mask.shape, size, draw), degrees, mirror, bent)
        return resample(image, mask, *places)

    def _box(self, shape, size, draw):
        """Top, left, height and width of what is seen, in pixels of the source."""
        zoom = self.scale[0] * (self.scale[1] / self.scale[0]) ** draw["zoom"]
        starts, lengths = [], []
        for axis, names in enumerate((("top", "bottom", "row"), ("left", "right", "column"))):
            start, end = (int(draw[name] * (self.crop + 1)) for name in names[:2])
            rest = shape[axis] - start - end
            length = (size[axis] if self.height else rest) / zoom
            # a whole pixel, so that a window without zoom stays sharp
            starts.append(start + round(draw[names[2]] * (rest - length)))
            lengths.append(length)
        return *starts, *lengths

    def _photometry(self, image, draw):
        def factor(name):
            return 1 + getattr(self, name) * (2 * draw[name] - 1)

        if self.brightness or self.contrast or self.saturation or self.hue:
            hue = self.hue * (2 * draw["hue"] - 1)
            factors = (factor(name) for name in ("brightness", "contrast", "saturation"))
            middle = image[::4, ::4].mean() if self.contrast else 0
            image = recolour(image, colour_matrix(*factors, hue, middle))
        if self.blur:
            image = blur(image, self.blur * draw["blur"])
        if self.noise:
            image = add_noise(image, 255 * self.noise * draw["noise"], draw["noise_place"])
        return image


STREET = Augment(
    flip=0.5,
    scale=(0.8, 1.6),
    rotate=4,
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    hue=10,
    blur=1.0,
    noise=0.03,
)
"""A moderate start for street scenes. Nothing elastic: houses and poles do not bend."""


def draws(seed: int | tuple[int, ...]) -> tuple[dict[str, float], np.ndarray]:
    """All that a seed draws, whatever is switched on.

    Returns:
        numbers in [0, 1) by name, and the elastic coefficients, 2 × (CELLS+3) × (CELLS+3),
        in [-1, 1).
    """
    rng = np.random.default_rng(seed)
    draw = dict(zip(_DRAWS, rng.random(len(_DRAWS)), strict=True))
    return draw, rng.uniform(-1, 1, (2, CELLS + 3, CELLS + 3))


_DRAWS = """mirror top bottom left right zoom row column angle
    brightness contrast saturation hue blur noise noise_place""".split()


def _check(image: np.ndarray, mask: np.ndarray, crop: int) -> None:
    """Raises ValueError that says why this is no pair to augment."""
    for name, array in (("image", image), ("mask", mask)):
        if array.dtype != np.uint8:
            raise ValueError(
                f"the {name} is {array.dtype}; augment takes uint8, before anything is made a "
                "float or one-hot"
            )
    if mask.ndim != 2 or image.shape != (*mask.shape, 3) or not mask.size:
        raise ValueError(
            f"the image has the shape {image.shape} and the mask {mask.shape}; they are H×W×3 and "
            "H×W, with the same H and W"
        )
    if 2 * crop >= min(mask.shape):
        raise ValueError(
            f"crop={crop} can cut {crop} pixels from both sides of a mask of {mask.shape[0]}×"
            f"{mask.shape[1]}, and nothing would be left"
        )
