"""Weather and light of a drive: sun, sky, fog, wet ground, rain, and the camera's noise."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

KINDS = ("clear", "cloudy", "dusk", "overcast", "rain", "fog")


@dataclass(frozen=True)
class Weather:
    """One light for a whole drive. Colours are float RGB factors, or 0 to 255 where noted."""

    kind: str
    sun: np.ndarray  # light that comes from one direction
    ambient: np.ndarray  # light that comes from everywhere
    towards: tuple[float, float, float]  # unit-ish vector to the sun: right, up, ahead
    zenith: np.ndarray  # sky colour overhead, 0 to 255
    horizon: np.ndarray  # sky colour at the horizon, and the colour of the fog, 0 to 255
    lit: np.ndarray  # colour of the clouds' tops, 0 to 255
    shade: np.ndarray  # and of their bases
    cover: float  # how much of the sky is cloud, 0 to 1
    haze: float  # fog per metre: half the light is lost at 1/haze metres
    wet: float  # how mirror-like the ground is, 0 to 1
    rain: int  # streaks in the picture
    noise: float  # sensor noise in grey levels

    @property
    def sunny(self) -> bool:
        return self.kind in ("clear", "cloudy", "dusk")


def weather(rng: np.random.Generator) -> Weather:
    """Draw a drive's weather."""
    kind = KINDS[int(rng.choice(6, p=(0.3, 0.2, 0.12, 0.14, 0.14, 0.1)))]
    u = rng.random(12)
    sunny = {"clear": 1.0, "cloudy": 0.8, "dusk": 0.6}.get(kind, 0.05)
    level = {"dusk": 0.7, "rain": 0.7, "overcast": 0.8, "fog": 0.85}.get(kind, 0.8)
    level *= 0.8 + 0.45 * u[0]
    warm = np.array([1.25, 0.9, 0.6] if kind == "dusk" else [1.06, 1.0, 0.92])
    cool = np.array([0.95, 1.0, 1.06]) + 0.1 * (u[1:4] - 0.5)
    height = 0.45 if kind == "dusk" else 0.5 + 0.9 * u[4]
    blue = np.array([80.0, 116.0, 158.0]) * (0.8 + 0.4 * u[5])
    grey = np.array([165.0, 170.0, 176.0]) * (0.75 + 0.4 * u[6])
    clear = kind in ("clear", "cloudy", "dusk")
    horizon = {"dusk": np.array([225.0, 160.0, 110.0]), "clear": np.array([190.0, 205.0, 215.0])}
    dim = {"dusk": 0.62, "rain": 0.95}.get(kind, 1.0)
    tops, bases = {
        "dusk": (np.array([236.0, 170, 122]), np.array([96.0, 84, 96])),
        "clear": (np.array([226.0, 230, 235]), np.array([150.0, 162, 178])),
        "cloudy": (np.array([216.0, 220, 225]), np.array([118.0, 128, 142])),
    }.get(kind, (grey * (dim * 1.16), grey * (dim * 0.8)))
    return Weather(
        kind=kind,
        sun=0.9 * sunny * level * warm,
        ambient=({"dusk": 0.66}.get(kind, 0.5) if clear else 0.95) * level * cool,
        towards=(2.4 * u[7] - 1.2, height, 2 * u[8] - 1),
        zenith=dim * (blue if clear else grey),
        horizon=dim * horizon.get(kind, grey * 1.08),
        lit=tops,
        shade=bases,
        cover={"clear": 0.25, "cloudy": 0.6, "dusk": 0.4}.get(kind, 0.95) * (0.6 + 0.5 * u[9]),
        haze={"fog": 0.012 + 0.025 * u[10], "rain": 0.008}.get(kind, 0.0008 + 0.003 * u[10] ** 2),
        wet={"rain": 0.5 + 0.4 * u[11]}.get(kind, 0.35 if u[11] > 0.88 else 0.0),
        rain=int(80 + 140 * u[10]) if kind == "rain" else 0,
        noise=2.0 + 4.0 * u[3] * u[3],
    )


def lit(colour: np.ndarray, normal: np.ndarray, solid: np.ndarray, light: Weather) -> np.ndarray:
    """Lambert's law: ambient light, plus sunlight by the cosine between normal and sun.

    colour K×3 (0 to 255), normal K×3 of unit length, solid K bools (a face that is not solid,
    a leaf or a lamp arm, is lit from both sides) → float32 K×3.
    """
    right, up, ahead = light.towards
    length = np.sqrt(right * right + up * up + ahead * ahead)
    cosine = (normal[:, 0] * right + normal[:, 1] * up + normal[:, 2] * ahead) / length
    cosine = np.where(solid, np.maximum(cosine, 0), 0.3 + 0.5 * np.abs(cosine))[:, None]
    sky = (0.8 + 0.2 * normal[:, 1])[:, None]
    return (colour * (light.ambient * sky + light.sun * cosine)).astype(np.float32)


def streaks(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Rain as short slanted lines, uint8 H×W."""
    picture = Image.new("L", (width, height))
    draw = ImageDraw.Draw(picture)
    x, y, length = rng.random((3, count))
    for a, b, c in zip((x * width).tolist(), (y * height).tolist(), length.tolist(), strict=True):
        end = b + (0.03 + 0.06 * c) * height
        draw.line((a, b, a - 0.1 * (end - b), end), fill=int(20 + 35 * c))
    return np.asarray(picture)
