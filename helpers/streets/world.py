"""What stands where along a street.

The street is endless. It is made block by block, 24 m at a time, each from its own seed, so that
any frame can be drawn without the ones before it.
"""

from functools import lru_cache

import numpy as np

from helpers.streets import ground, shapes, texture
from helpers.streets.houses import house
from helpers.streets.mesh import (
    CAST,
    FENCES,
    LEAFY,
    OTHER,
    VEGETATION,
    WALLS,
    Faces,
    Mesh,
    box,
    darker,
    flank,
    upright,
)
from helpers.streets.street import BLOCK, Drive, paint
from helpers.streets.vehicles import HATCH, SEDAN, VAN, vehicle

# Seen from the middle of a straight street, a ray only ever moves outwards. So within a block,
# what stands farther out is painted first, and what stands on the road last.
ROAD, PAVEMENT, EDGE, GARDEN, FRONT, BEHIND = range(6)


def is_crossing(street: Drive, index: int) -> bool:
    """Whether a side street crosses in this block; never where the drive begins."""
    return index > 1 and texture.random(*street.key, 1, index).random() < 0.13


@lru_cache(256)
def block(street: Drive, index: int) -> tuple[Faces, Faces]:
    """Ground faces, and standing faces, of the 24 m of street from 24·index metres on."""
    rng = texture.random(*street.key, 2, index)
    floor, mesh = Mesh(), Mesh()
    start = index * BLOCK
    crossing = is_crossing(street, index)
    ground.patches(floor, rng, street, start)
    ground.lines(floor, street, start, crossing)

    def layer(depth: int, s: float) -> None:
        mesh.order = (index * 8 + depth) * BLOCK + min(max(s - start, 0.0), BLOCK - 0.01)

    for side in (-1, 1):
        edge = street.half + street.pavement[side > 0] + (street.verge if side > 0 else 0)
        _street_furniture(mesh, rng, street, side, edge, start, crossing, layer)
        if not crossing:
            _lots(mesh, rng, street, side, edge, start, layer)
    return floor.freeze(street.light), mesh.freeze(street.light)


def _street_furniture(mesh, rng, street, side, edge, start, crossing, layer) -> None:
    """What stands on the sidewalk and at the curb: poles, signs, people, bins, parked cars."""
    u = rng.random(24).tolist()
    curb = side * (street.half + 0.45)
    metal = 0.3 * street.stones[0] + 0.7 * street.stones[0].mean()
    s = start + 2 + 3 * u[0]
    layer(PAVEMENT, s)
    if crossing:
        layer(PAVEMENT, start + 3)
        if u[1] < 0.6:
            shapes.traffic_light(mesh, curb, start + 3, metal, int(3 * u[2]))
        return
    if u[1] < 0.5:
        shapes.lamp(mesh, curb, s, 5.5 + 2 * u[2], metal)
    if u[3] < 0.15:
        s = start + 10 + 8 * u[4]
        layer(PAVEMENT, s)
        shapes.sign(mesh, curb, s, int(3 * u[5]), metal)
    if u[6] < 0.12:
        s = start + 6 + 16 * u[7]
        layer(PAVEMENT, s)
        for k in range(1 + int(3 * u[8] * u[8])):
            x = side * (street.half + 1 + (edge - street.half - 1.3) * rng.random())
            shapes.person(mesh, rng, x + 0.1 * k, s, paint(rng), paint(rng, 30, 120))
    if u[9] < 0.5:
        s = start + 5 + 16 * u[10]
        layer(PAVEMENT, s)
        _other(mesh, rng, side * (edge - 0.6), s, side, street)
    if u[11] < 0.2 * street.green:
        s = start + 4 + 16 * u[12]
        layer(PAVEMENT, s)
        shapes.tree(mesh, rng, side * (street.half + 0.9), s, 4 + 3 * u[13], street.leaf)
    models = (SEDAN, HATCH, SEDAN, VAN)
    for k in range(3):
        if u[14 + k] < 0.03 + 0.1 * street.traffic:
            s = start + 1 + 7.5 * k + u[17 + k]
            layer(ROAD, s)
            model = models[int(4 * u[20 + k])]
            colour = paint(rng, 25, 235)
            x = side * (street.half - min(1.05, street.lane / 2 - 1.5))  # half on the sidewalk
            vehicle(mesh, model, x, s, colour, side > 0, 0.0)


def _other(mesh, rng, x, s, side, street) -> None:
    """Bins, benches, planters and bus stops: class Other."""
    kind = int(rng.integers(4))
    colour = paint(rng)
    if kind == 0:
        box(mesh, x - 0.3, x + 0.3, 0, 1.0, s, s + 0.6, OTHER, colour)
    elif kind == 1:
        box(mesh, x - 0.25, x + 0.25, 0.35, 0.47, s, s + 1.8, OTHER, colour)
        flank(mesh, x + side * 0.25, 0.5, 0.95, s, s + 1.8, OTHER, colour)
    elif kind == 2:
        box(mesh, x - 0.5, x + 0.5, 0, 0.5, s, s + 2.5, OTHER, colour)
        for k in (2, 1, 0):
            shapes.bush(mesh, rng, x, s + 0.4 + 0.8 * k, 0.9, street.leaf)
    else:
        flank(mesh, x + side * 0.4, 0, 2.3, s, s + 3, OTHER, darker(colour, 0.7))
        box(mesh, x - 0.6, x + 0.6, 2.3, 2.5, s, s + 3, OTHER, colour)


def _lots(mesh, rng, street, side, edge, start, layer) -> None:
    """Behind the sidewalk: a wall, a fence or a hedge; a garden with trees; houses; more trees."""
    u = rng.random(24).tolist()
    colour = street.stones[1 + int(2 * u[0])]
    x = side * (edge + 0.25)
    kind = int(np.searchsorted(np.cumsum(street.habits[side > 0])[:-1], u[1]))
    height = (0, 0.9 + 2.2 * u[2], 1.6 + 1.4 * u[2], 1.1 + 0.5 * u[2], 1.2 + 2.2 * u[2])[kind]
    for k in (3, 2, 1, 0) if kind else ():
        s0, s1 = start + 6 * k, start + 6 * k + 6
        layer(EDGE, s0)
        if kind == 1:
            stone = texture.BRICK if u[3] < 0.5 else texture.STONE
            a, b = sorted((x, x + side * 0.3))
            box(mesh, a, b, 0, height, s0, s1, WALLS, colour, stone)
            box(mesh, a - 0.05, b + 0.05, height, height + 0.1, s0, s1, WALLS,
                       darker(colour, 0.8))  # fmt: skip
        elif kind == 2:
            flank(mesh, x, 0.05, height, s0, s1, FENCES, colour,
                         material=texture.BOARDS, flags=CAST)  # fmt: skip
            upright(mesh, x - 0.08, x + 0.08, 0, height + 0.12, s0, FENCES, colour)
        elif kind == 3:
            shapes.rails(mesh, x, s0, s1, height, colour, 2 + int(2 * u[3]), u[4] < 0.5)
        else:
            a, b = sorted((x, x + side * 0.9))
            box(mesh, a, b, 0, height, s0, s1, VEGETATION, street.leaf * 0.95,
                       texture.LEAVES, LEAFY)  # fmt: skip
    built = u[5] < street.built[side > 0]
    setback = 0.6 + 7 * u[6] if built else 0.0
    front = edge + 1 + setback
    for _ in range(int((1.5 + 3.2 * u[7]) * street.green)):
        s = start + BLOCK * rng.random()
        room = setback if built else 16.0
        layer(GARDEN, s)
        x = side * (edge + 1.4 + room * rng.random())
        shade = street.leaf * (0.75 + 0.5 * rng.random())
        if built and setback < 2.5:
            shapes.bush(mesh, rng, x, s, 0.6 + 1.2 * rng.random(), shade)
        else:
            grow = shapes.conifer if rng.random() < 0.2 else shapes.tree
            grow(mesh, rng, x, s, 6.5 + (6 if built else 12) * rng.random(), shade)
    if built:
        _houses(mesh, rng, street, side, front, start, layer)
    for k in range(int(1.5 + 2.5 * street.green * u[8])):
        s = start + BLOCK * (1 - (k + u[9 + k]) / 5)
        layer(BEHIND, s)
        x = side * (front + (14 if built else 6) + 10 * u[13 + k])
        shapes.tree(mesh, rng, x, s, 13 + 10 * u[17 + k], street.leaf * 0.8)


def _houses(mesh, rng, street, side, front, start, layer) -> None:
    s = start + 0.5 + 3 * rng.random()
    while s < start + BLOCK - 6:
        u = rng.random(6).tolist()
        length = min(7 + 11 * u[0], start + BLOCK - 0.5 - s)
        storeys = 1 + int(u[1] * (2 + 4 * street.tall))
        material = (texture.WINDOWS, texture.RIBBONS, texture.BALCONIES)[int(3 * u[2])]
        pitch = 2 + 2 * u[3] if storeys < 3 and u[4] < 0.85 else 0
        layer(FRONT, s)
        wall = street.stones[3 + int(3 * u[5])]
        house(mesh, rng, side * (front + 1.5 * u[3]), side, s, s + length, storeys, 9.0, wall,
              paint(rng, 40, 130), material, pitch)  # fmt: skip
        s += length + 0.6 + 5 * u[2]
