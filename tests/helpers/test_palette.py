"""The palette's promise: any two classes differ, also to eyes that miss a kind of cone."""

from itertools import combinations

import numpy as np
import pytest

from helpers.classes import LYFT, LYFT_CARLA

# dichromats' view of linear RGB: Machado, Oliveira and Fernandes 2009, severity 1
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def lab(rgb: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """sRGB, 0 to 1, seen by an eye → CIELAB (D65)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ eye.T, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = (linear @ np.array(to_xyz).T / [0.95047, 1, 1.08883]).T
    f = [np.where(v > 216 / 24389, np.cbrt(v), (24389 / 27 * v + 16) / 116) for v in (x, y, z)]
    return np.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])], axis=-1)


def ciede2000(first: np.ndarray, second: np.ndarray) -> float:
    """The colour difference of two CIELAB colours (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 1.5 - 0.5 * np.sqrt(c7 / (c7 + 25**7))
    a1, a2 = g * a1, g * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    waves = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(k * np.cos(np.radians(n * mean_h + shift)) for k, n, shift in waves)
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    sc, sh = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    blue = np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    rt = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25**7)) * blue
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, dh / sh
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + rt * dc * dh))


def smallest(classes, eye):
    """The smallest difference of two classes. Black, of what is hidden, is not one of them."""
    colours = lab(classes.palette[1:] / 255, EYES[eye])
    return min(ciede2000(a, b) for a, b in combinations(colours, 2))


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [  # rows of the paper's table
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ],
)
def test_the_formula_gives_the_papers_values(first, second, difference):
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("eye", EYES)
def test_any_two_of_our_classes_differ(eye):
    assert smallest(LYFT, eye) >= 16


def test_carlas_colours_do_not_for_everybody():
    """Why they are not the default."""
    assert smallest(LYFT_CARLA, "normal") > 12
    assert smallest(LYFT_CARLA, "protanopia") < 2
    assert smallest(LYFT_CARLA, "deuteranopia") < 3
