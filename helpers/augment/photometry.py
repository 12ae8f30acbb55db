"""Colours, blur and noise of an image; the mask stays as it is."""

import math
from functools import lru_cache

import numpy as np
from PIL import Image

NOISE_SIZE = 1 << 18


def colour_matrix(
    brightness: float = 1,
    contrast: float = 1,
    saturation: float = 1,
    hue: float = 0,
    middle: float = 127.5,
) -> np.ndarray:
    """The 3×4 matrix that maps (red, green, blue, 1) to the new colour; float64, in 0 to 255.

    All four are linear, so they become one matrix: hue turns the colour about the grey axis by
    `hue` degrees (Rodrigues' formula), saturation stretches its distance from that axis, contrast
    its distance from the grey level `middle`, brightness its distance from black.
    """
    grey = np.full((3, 3), 1 / 3)
    turn = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    angle = math.radians(hue)
    chroma = math.cos(angle) * (np.eye(3) - grey) + math.sin(angle) * turn
    matrix = contrast * (grey + saturation * chroma)
    return brightness * np.column_stack([matrix, np.full(3, middle * (1 - contrast))])


def recolour(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The image, uint8 H×W×3, with each colour mapped by a 3×4 matrix, rounded and clipped."""
    return np.array(Image.fromarray(image).convert("RGB", tuple(matrix.ravel().tolist())))


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """The image, uint8 H×W×3, under a Gaussian of `sigma` pixels; the edge is repeated outwards.

    Gaussians convolve into a Gaussian, variances add up. So three-tap kernels (w, 1 - 2w, w) with
    their taps 1, 2, 4 … pixels apart and w at most 1/4 share the variance sigma². At a hard edge
    the result is within 5 % of the step of the exact filter's, for sigma from 0.5.
    """
    pixels, variance, apart = image.astype(np.uint16), sigma**2, 1
    while variance > 0:
        weight = min(0.25, variance / (2 * apart**2))
        variance -= 2 * apart**2 * weight
        for axis in (0, 1):
            pixels = _three_taps(pixels, round(256 * weight), apart, axis)
        apart *= 2
    return pixels.astype(np.uint8)


def _three_taps(pixels: np.ndarray, weight: int, apart: int, axis: int) -> np.ndarray:
    result = pixels * np.uint16(256 - 2 * weight)
    result += np.uint16(128)  # for the rounding; at most 255 · 256 + 128, so 16 bits suffice
    side = pixels * np.uint16(weight)
    to, of = result.swapaxes(0, axis), side.swapaxes(0, axis)
    to[apart:] += of[:-apart]
    to[:apart] += of[:1]
    to[:-apart] += of[apart:]
    to[-apart:] += of[-1:]
    result >>= 8
    return result


def add_noise(image: np.ndarray, deviation: float, place: float) -> np.ndarray:
    """The image, uint8 H×W×3, with Gaussian noise of so many grey levels.

    The noise is a stretch of one fixed table that starts at `place`, 0 to 1: drawing 150,000 new
    numbers would take longer than all of the rest.
    """
    table = _noise()[int(place * NOISE_SIZE / 2) :]
    noise = table[: image.size] if image.size <= len(table) else np.resize(table, image.size)
    noisy = noise.reshape(image.shape) * np.float32(deviation)
    noisy += image
    noisy += np.float32(0.5)
    return np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)


@lru_cache(maxsize=1)
def _noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(NOISE_SIZE, np.float32)
