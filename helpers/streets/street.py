"""A drive: all that stays the same from its first frame to its last."""

from dataclasses import dataclass
from functools import lru_cache
from math import sin

import numpy as np

from helpers.streets import texture
from helpers.streets.light import Weather, weather

BLOCK = 24.0  # metres of street made at a time
SIGHT = 96.0  # metres that the camera sees


@dataclass(frozen=True, eq=False)
class Drive:
    """All that stays the same from the first frame of a drive to the last. Lengths in metres."""

    key: tuple[int, int]  # seed, drive
    light: Weather
    half: float  # from the middle of the road to the curb
    lane: float  # width of a lane
    pavement: tuple[float, float]  # width of the sidewalk left, right
    verge: float  # strip of grass between curb and sidewalk, right
    camera: float  # height of the camera
    pitch: float  # the horizon's row as a share of the height
    step: float  # metres from frame to frame
    bend: tuple[float, float, float]  # curve of the road: strength, waves per metre, phase
    hill: tuple[float, float, float]
    habits: tuple[np.ndarray, np.ndarray]  # what the edge of the lots is, left and right
    built: tuple[float, float]  # how often there is a house
    tall: float
    green: float  # how many trees
    leaf: np.ndarray  # the colours of this town
    stones: tuple[np.ndarray, ...]
    asphalt: np.ndarray
    slab: np.ndarray
    lawn: np.ndarray
    line: np.ndarray
    marks: tuple[bool, bool, bool]  # double middle line, lines at the edge, dashes between lanes
    traffic: float
    worn: float  # patches on the road

    def curve(self, s: float) -> float:
        """Curvature of the road at s, 1/m."""
        strength, waves, phase = self.bend
        return strength * sin(waves * s + phase)

    def slope(self, s: float) -> float:
        """How fast the slope of the road changes at s, 1/m."""
        strength, waves, phase = self.hill
        return strength * sin(waves * s + phase)


def paint(rng: np.random.Generator, low: float = 45, high: float = 215) -> np.ndarray:
    """A colour that anything man-made may have: often a grey, sometimes brick, cream, blue …"""
    grey = low + (high - low) * rng.random()
    tint = (rng.random(3) - 0.5) * (0.15 if rng.random() < 0.6 else 0.48)
    return np.clip(grey * (1 + tint), 12, 240)


@lru_cache(64)
def drive(number: int, seed: int) -> Drive:
    """Draw a street."""
    rng = texture.random(seed, number, 0)
    u = rng.random(24).tolist()
    lanes = 2 if u[0] < 0.3 else 1
    lane = 3.3 + 1.2 * u[1]
    grey = 70 + 65 * u[2]
    mixes = np.array(
        [
            [0.2, 0.2, 0.25, 0.05, 0.3],  # nothing, wall, boards, rails, hedge
            [0.05, 0.65, 0.15, 0.05, 0.1],
            [0.05, 0.1, 0.75, 0.05, 0.05],
            [0.0, 0.15, 0.5, 0.25, 0.1],
            [0.05, 0.1, 0.25, 0.0, 0.6],
        ]
    )
    return Drive(
        key=(seed, number),
        light=weather(rng),
        half=lane * lanes + 0.3 + 0.5 * u[3],
        lane=lane,
        pavement=(3.6 + 6 * u[4], 3.6 + 6 * u[5]),
        verge=1.2 * u[6] if u[7] < 0.25 else 0.0,
        camera=1.3 + 0.35 * u[8],
        pitch=0.46 + 0.06 * u[9],
        step=0.5 + 0.5 * u[10],
        bend=(0.006 * (u[11] - 0.2), 0.008 + 0.014 * u[12], 6.28 * u[13]),
        hill=(0.0007 * u[14], 0.01 + 0.02 * u[15], 6.28 * u[16]),
        habits=(mixes[rng.integers(5)], mixes[rng.integers(5)]),
        built=(0.3 + 0.7 * rng.random(), 0.3 + 0.7 * rng.random()),
        tall=u[17],
        green=1.0 + 1.1 * u[18],
        leaf=np.array([42 + 38 * u[19], 66 + 32 * u[20], 30 + 18 * u[21]]),
        stones=tuple(paint(rng) for _ in range(6)),
        asphalt=np.clip(grey + 10 * (rng.random(3) - 0.5), 20, 220),
        slab=np.clip(grey * (0.75 + 0.75 * u[22]) + 14 * (rng.random(3) - 0.5), 25, 220),
        lawn=np.array([58 + 30 * u[23], 88 + 26 * u[2], 40.0]) * (0.75 + 0.4 * u[5]),
        line=np.array([225, 168, 40] if u[6] < 0.6 else [222, 222, 214]) * (0.75 + 0.25 * u[8]),
        marks=(rng.random() < 0.7, rng.random() < 0.45, lanes == 2),
        traffic=rng.random(),
        worn=rng.random(),
    )
