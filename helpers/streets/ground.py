"""The ground of a street: lawn, sidewalks, curbs, asphalt and what is painted on it."""

import numpy as np

from helpers.streets import texture
from helpers.streets.mesh import (
    CIRCLE,
    GROUND,
    NONE,
    ROAD_LINES,
    ROADS,
    SIDEWALKS,
    SOLID,
    Faces,
    Mesh,
    flat,
)
from helpers.streets.street import BLOCK, SIGHT, Drive


def surface(street: Drive, here: float) -> Faces:
    """The ground in sight, painted first: lawn, sidewalks, curbs, road, continuous lines."""
    mesh = Mesh()
    steps = here + np.array([0.3, 2, 3, 4.5, 6.5, 9, 12.5, 17, 23, 31, 42, 56, 74, SIGHT])
    there, back = steps.tolist(), steps[::-1].tolist()

    def strip(x0, x1, label, colour, material) -> None:
        points = [(x1, 0, there[0])] + [(x0, 0, s) for s in there] + [(x1, 0, s) for s in back[:-1]]
        mesh.face(points, label, colour, material, GROUND, SOLID)

    left, right = street.half + street.pavement[0], street.half + street.pavement[1] + street.verge
    strip(-300, 300, NONE, street.lawn, texture.GRASS)
    strip(-left, -street.half, SIDEWALKS, street.slab, texture.SLABS)
    strip(street.half + street.verge, right, SIDEWALKS, street.slab, texture.SLABS)
    for side in (-1, 1):
        a, b = sorted((side * street.half, side * (street.half + 0.35)))
        strip(a, b, SIDEWALKS, street.slab * 0.72, texture.STONE)
    strip(-street.half, street.half, ROADS, street.asphalt, texture.ASPHALT)
    double, edges, _ = street.marks
    lines = [-0.22, 0.22] if double else []
    lines += [0.35 - street.half, street.half - 0.35] if edges else []
    for x in lines:
        colour = street.line if abs(x) < 1 else np.array([212.0, 212, 206])
        strip(x - 0.1, x + 0.1, ROAD_LINES, colour, texture.ASPHALT)
    return mesh.freeze(street.light)


def patches(ground: Mesh, rng, street: Drive, start: float) -> None:
    """Repaired asphalt, darker or lighter than the rest, and manhole covers."""
    for _ in range(int(3 * rng.random() * street.worn)):
        u = rng.random(5).tolist()
        x0, s0 = street.half * (1.6 * u[0] - 1), start + BLOCK * u[1]
        x1, s1 = min(x0 + 0.8 + 2 * u[2], street.half), s0 + 1.5 + 5 * u[3]
        shade = street.asphalt * (0.75 + 0.45 * u[4])
        flat(ground, x0, x1, s0, s1, ROADS, shade, texture.ASPHALT)
    if rng.random() < 0.3:
        x, s = street.half * (1.2 * rng.random() - 0.6), start + BLOCK * rng.random()
        cover = [(x + 0.4 * a, 0, s + 0.4 * b) for a, b in CIRCLE]
        ground.face(cover, ROADS, (52, 50, 48), texture.TILES, GROUND, SOLID)


def lines(ground: Mesh, street: Drive, start: float, crossing: bool) -> None:
    """Dashes, and where a side street crosses, its asphalt and the zebra stripes."""
    if crossing:
        for side in (-1, 1):
            a, b = sorted((side * (street.half - 0.1), side * 60.0))
            for s0, s1 in ((start, start + 8), (start + 16, start + BLOCK)):
                flat(ground, a, b, s0, s1, SIDEWALKS, street.slab, texture.SLABS)
            flat(ground, a, b, start + 8, start + 16, ROADS, street.asphalt,
                        texture.ASPHALT)  # fmt: skip
        flat(ground, -street.half, street.half, start + 4.5, start + 17, ROADS,
                    street.asphalt, texture.ASPHALT)  # fmt: skip
        x = -street.half + 0.5
        while x < street.half - 0.6:
            flat(ground, x, x + 0.55, start + 5, start + 7.6, ROAD_LINES, street.line)
            x += 1.15
        return
    double, _, dashes = street.marks
    for k in range(4):
        s = start + 6 * k
        if not double:
            flat(ground, -0.11, 0.11, s, s + 3.4, ROAD_LINES, street.line)
        if dashes:
            for x in (-street.lane, street.lane):
                flat(ground, x - 0.1, x + 0.1, s, s + 2.8, ROAD_LINES, (215, 215, 208))
