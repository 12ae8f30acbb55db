"""What is behind the street: the sky with its clouds, and how a car's hood mirrors it."""

import numpy as np
from PIL import Image, ImageFilter

from helpers.streets import texture
from helpers.streets.light import Weather


def sky(light: Weather, key: tuple[int, int], height: int, width: int, level: float) -> np.ndarray:
    """The sky above a horizon at row `level`, float32 H×W×3.

    Clouds are where a noise exceeds a threshold. Their tops, where the noise falls off upwards,
    are lit; their bases are not. Drawn at half the size: clouds are soft.
    """
    rows, columns = max(2, round(level / 2)), width // 2
    fall = np.linspace(1, 0, rows, dtype=np.float32)[:, None]
    near = fall * (2 - fall)
    colour = light.horizon + (light.zenith - light.horizon) * near[..., None]
    tile = texture.clouds()
    distance = 1 / (fall + np.float32(0.3))  # clouds crowd together towards the horizon
    across = np.linspace(-0.5, 0.5, columns, dtype=np.float32) * (0.75 + 0.3 * distance) * 260
    shift_v, shift_u = texture.random(*key, 6).integers(0, 512, 2).tolist()
    v = ((distance * 110).astype(np.int32) + shift_v) & 511
    u = (across + (1024 + shift_u)).astype(np.int32) & 511
    puff = tile[v, u].astype(np.float32)
    relief = puff - tile[v - (distance * 6).astype(np.int32), u]
    density = np.clip((puff - 190 + 110 * np.float32(light.cover)) / 40, 0, 1)
    density *= np.clip(0.35 + 2 * fall, 0, 1)  # haze takes the farthest
    bright = np.clip(0.55 + relief / 60, 0, 1)
    cloud = light.shade + (light.lit - light.shade) * bright[..., None]
    colour = colour + (cloud - colour) * (density * np.float32(0.92))[..., None]
    above = Image.fromarray(np.clip(colour, 0, 255).astype(np.uint8))
    picture = np.empty((height, width, 3), np.float32)
    first = min(2 * rows, height)
    picture[:first] = above.resize((width, 2 * rows), Image.Resampling.BICUBIC)
    picture[first:] = light.horizon
    return picture


def hood(sky: np.ndarray, first: int) -> np.ndarray:
    """The ego car's bonnet from row `first` on, float32: black, with a dull gleam of the sky."""
    height, width, _ = sky.shape
    rows = height - first
    squeezed = Image.fromarray(sky[: height // 2].astype(np.uint8)).resize((width, rows))
    blurred = squeezed.transpose(Image.Transpose.FLIP_TOP_BOTTOM).filter(
        ImageFilter.BoxBlur(max(1, height // 60))
    )
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    beside = np.abs(np.linspace(-1, 1, width, dtype=np.float32))
    gleam = np.clip(5 * down * (0.75 - down), 0, 1) * np.clip(1.4 - 1.6 * beside, 0, 1)
    mirrored = np.asarray(blurred, np.float32)
    contrast = np.clip(mirrored.mean(2, keepdims=True) / np.float32(200), 0, 1)
    return 9 + mirrored * contrast * gleam[..., None] * np.float32(0.4)
