"""Shapes: what trees, people, poles, signs and open fences look like."""

import numpy as np

from helpers.streets import texture
from helpers.streets.mesh import (
    ACROSS,
    ALONG,
    CAST,
    FENCES,
    LEAFY,
    PEDESTRIANS,
    POLES,
    TRAFFIC_SIGNS,
    VEGETATION,
    Mesh,
    darker,
    disc,
    flank,
    upright,
)  # fmt: skip

HALF, LONG = 0.5, 0.866  # cosines of 60° and 30°
LUMP = np.array([
    (0, 1), (HALF, LONG), (LONG, HALF), (1, 0), (LONG, -HALF), (HALF, -LONG),
    (0, -1), (-HALF, -LONG), (-LONG, -HALF), (-1, 0), (-LONG, HALF), (-HALF, LONG),
])  # fmt: skip


def blobs(mesh: Mesh, rng, lumps, s, colour) -> None:
    """Round lumps of leaves that face the camera: rows of (x, y, half width, half height, shade),
    each 0.1 m nearer than the one before."""
    rows = np.array(lumps)[:, None]
    points = np.empty((len(lumps), len(LUMP), 3))
    wobble = 0.7 + 0.5 * rng.random((len(lumps), len(LUMP), 1))
    points[..., :2] = rows[..., :2] + rows[..., 2:4] * wobble * LUMP
    np.maximum(points[..., 1], 0, out=points[..., 1])
    points[..., 2] = s - 0.1 * np.arange(len(lumps))[:, None]
    colours = [darker(colour, lump[4]) for lump in lumps]
    mesh.lumps(points, VEGETATION, colours, texture.LEAVES)


def tree(mesh: Mesh, rng, x, s, height, colour) -> None:
    """A trunk and a crown of lumps: the upper ones catch the light."""
    trunk = 0.035 * height
    bark = (72, 60, 48)
    upright(mesh, x - trunk, x + trunk, 0, height * 0.5, s, VEGETATION, bark,
            material=texture.STONE, flags=CAST)  # fmt: skip
    lumps = []
    for a, b, c, d in sorted(rng.random((8, 4)).tolist(), key=lambda r: r[1]):
        spread = height * (0.3 - 0.2 * b)
        lumps.append((x + spread * (2 * a - 1), height * (0.36 + 0.5 * b),
                      height * (0.16 + 0.1 * c), height * (0.13 + 0.08 * d),
                      0.6 + 0.6 * b))  # fmt: skip
    blobs(mesh, rng, lumps, s, colour)


def conifer(mesh: Mesh, rng, x, s, height, colour) -> None:
    for i in range(4):
        low, wide = height * (0.1 + 0.2 * i), height * (0.2 - 0.042 * i)
        points = [(x - wide, low, s), (x, low + height * 0.36, s), (x + wide, low, s)]
        mesh.face(points, VEGETATION, darker(colour, 0.65 + 0.12 * i), texture.LEAVES, ACROSS,
                  LEAFY | CAST)  # fmt: skip


def bush(mesh: Mesh, rng, x, s, height, colour) -> None:
    lumps = [
        (x + height * a, height * (0.4 + 0.3 * b), height * 0.55, height * 0.5, 0.9 + 0.4 * b)
        for a, b in (rng.random((3, 2)) - 0.5).tolist()
    ]
    blobs(mesh, rng, lumps, s, colour)


def person(mesh: Mesh, rng, x, s, shirt, trousers) -> None:
    u = rng.random(4).tolist()
    k = 0.9 + 0.15 * u[0]
    skin = darker((214, 170, 140), 0.45 + 0.55 * u[1])
    step = 0.12 * u[2]
    for a, b in ((-0.2, -0.02), (0.02, 0.2)):
        bend = step if a > 0 else -step
        points = [
            (x + a + bend, 0, s),
            (x + a, 0.9 * k, s),
            (x + b, 0.9 * k, s),
            (x + b + bend, 0, s),
        ]
        mesh.face(points, PEDESTRIANS, trousers, texture.CLOTH, flags=CAST)
    torso = [(-0.19, 0.82), (-0.26, 1.4), (-0.12, 1.52), (0.12, 1.52), (0.26, 1.4), (0.19, 0.82)]
    mesh.face([(x + a, b * k, s) for a, b in torso], PEDESTRIANS, shirt, texture.CLOTH, flags=CAST)
    for a in (-0.3, 0.22):
        upright(mesh, x + a, x + a + 0.09, 0.85 * k, 1.42 * k, s, PEDESTRIANS, darker(shirt, 0.8))
    disc(mesh, x, 1.63 * k, s, 0.12, PEDESTRIANS, skin, 0.85)
    mesh.face([(x - 0.11, 1.66 * k, s), (x - 0.07, 1.78 * k, s), (x + 0.07, 1.78 * k, s),
               (x + 0.11, 1.66 * k, s)], PEDESTRIANS, darker((60, 45, 35), 0.4 + u[3]))  # fmt: skip


def lamp(mesh: Mesh, x, s, height, colour) -> None:
    """A street lamp whose arm reaches over the road."""
    inward = -1.6 if x > 0 else 1.6
    upright(mesh, x - 0.08, x + 0.08, 0, height, s, POLES, colour, flags=CAST)
    upright(mesh, x - 0.12, x + 0.12, 0, 0.9, s, POLES, darker(colour, 0.8))
    mesh.face([(x, height - 0.15, s), (x, height, s), (x + inward, height + 0.3, s),
               (x + inward, height + 0.15, s)], POLES, colour, flags=CAST)  # fmt: skip
    a, b = sorted((x + inward, x + inward * 1.35))
    upright(mesh, a, b, height + 0.12, height + 0.34, s, POLES, darker(colour, 0.7))


def traffic_light(mesh: Mesh, x, s, colour, lit_lamp: int) -> None:
    inward = -2.6 if x > 0 else 2.6
    upright(mesh, x - 0.1, x + 0.1, 0, 5.2, s, POLES, colour, flags=CAST)
    a, b = sorted((x, x + inward))
    upright(mesh, a, b, 5.0, 5.15, s, POLES, colour, flags=CAST)
    for cx, cy in ((x + inward, 4.6), (x - 0.3, 2.6)):
        upright(mesh, cx - 0.2, cx + 0.2, cy, cy + 1.0, s - 0.1, TRAFFIC_SIGNS, (196, 160, 40))
        for i, on in enumerate(((225, 40, 30), (240, 190, 40), (60, 220, 90))):
            shown = on if i == lit_lamp else (30, 30, 28)
            disc(mesh, cx, cy + 0.82 - 0.31 * i, s - 0.12, 0.13, TRAFFIC_SIGNS, shown)


def sign(mesh: Mesh, x, s, kind: int, colour) -> None:
    upright(mesh, x - 0.05, x + 0.05, 0, 2.9, s, POLES, colour, flags=CAST)
    if kind == 0:
        disc(mesh, x, 2.6, s - 0.02, 0.4, TRAFFIC_SIGNS, (180, 30, 30))
        upright(mesh, x - 0.24, x + 0.24, 2.54, 2.66, s - 0.03, TRAFFIC_SIGNS, (230, 230, 225))
    elif kind == 1:
        upright(mesh, x - 0.34, x + 0.34, 2.1, 2.95, s - 0.02, TRAFFIC_SIGNS, (215, 215, 210))
        upright(mesh, x - 0.2, x + 0.2, 2.3, 2.6, s - 0.03, TRAFFIC_SIGNS, (40, 40, 40))
    else:
        points = [(x - 0.42, 2.2, s), (x, 2.95, s), (x + 0.42, 2.2, s)]
        mesh.face(points, TRAFFIC_SIGNS, (225, 180, 40))


def rails(mesh: Mesh, x, s0, s1, height, colour, bars: int, crossed: bool) -> None:
    """An open fence: posts, bars, and braces between them; one sees through it."""
    for k in range(1, bars + 1):
        y = height * k / bars
        flank(mesh, x, y - 0.05, y + 0.05, s0, s1, FENCES, colour)
    span, count = 2.0, max(1, int((s1 - s0) / 2.0))
    for i in range(count, -1, -1):
        s = s0 + span * i
        upright(mesh, x - 0.06, x + 0.06, 0, height + 0.1, s, FENCES, colour, flags=CAST)
        if crossed and i < count:
            for low, high in ((0.1, height), (height, 0.1)):
                mesh.face([(x, low, s), (x, low + 0.08, s), (x, high, s + span),
                           (x, high - 0.08, s + span)], FENCES, colour, lie=ALONG)  # fmt: skip
