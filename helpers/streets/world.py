"""A drive: one street with its weather, and what stands where along it.

The street is endless. It is made block by block, 24 m at a time, each from its own seed, so that any
frame can be drawn without the ones before it. Cars and walkers that move belong to the drive.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import sin

import numpy as np

from helpers.streets import shapes, texture
from helpers.streets.light import Weather, weather
from helpers.streets.shapes import LEAFY, SOLID, Faces, Mesh, darker

BLOCK = 24.0  # metres of street made at a time
SIGHT = 96.0  # metres that the camera sees

# Seen from the middle of a straight street, a ray only ever moves outwards. So within a block,
# what stands farther out is painted first, and what stands on the road last.
ROAD, PAVEMENT, EDGE, GARDEN, FRONT, BEHIND = range(6)


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
    tint = (rng.random(3) - 0.5) * (24 if rng.random() < 0.6 else 90)
    return np.clip(grey + tint, 12, 240)


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
            [0.35, 0.1, 0.2, 0.1, 0.25],  # nothing, wall, boards, rails, hedge
            [0.05, 0.5, 0.25, 0.05, 0.15],
            [0.05, 0.1, 0.65, 0.05, 0.15],
            [0.05, 0.05, 0.35, 0.35, 0.2],
            [0.05, 0.1, 0.2, 0.05, 0.6],
        ]
    )
    return Drive(
        key=(seed, number),
        light=weather(rng),
        half=lane * lanes + 0.3 + 0.5 * u[3],
        lane=lane,
        pavement=(2.6 + 5.5 * u[4], 2.6 + 5.5 * u[5]),
        verge=1.2 * u[6] if u[7] < 0.25 else 0.0,
        camera=1.3 + 0.35 * u[8],
        pitch=0.46 + 0.06 * u[9],
        step=0.5 + 0.5 * u[10],
        bend=(0.006 * (u[11] - 0.2), 0.008 + 0.014 * u[12], 6.28 * u[13]),
        hill=(0.0007 * u[14], 0.01 + 0.02 * u[15], 6.28 * u[16]),
        habits=(mixes[rng.integers(5)], mixes[rng.integers(5)]),
        built=(0.2 + 0.75 * rng.random(), 0.2 + 0.75 * rng.random()),
        tall=u[17],
        green=0.7 + 1.0 * u[18],
        leaf=np.array([42 + 38 * u[19], 66 + 32 * u[20], 30 + 18 * u[21]]),
        stones=tuple(paint(rng) for _ in range(6)),
        asphalt=np.clip(grey + 14 * (rng.random(3) - 0.5), 20, 220),
        slab=np.clip(grey * (0.75 + 0.75 * u[22]) + 22 * (rng.random(3) - 0.5), 25, 220),
        lawn=np.array([64 + 40 * u[23], 84 + 30 * u[2], 44.0]) * (0.75 + 0.4 * u[5]),
        line=np.array([225, 168, 40] if u[6] < 0.6 else [222, 222, 214]) * (0.75 + 0.25 * u[8]),
        marks=(rng.random() < 0.7, rng.random() < 0.55, lanes == 2),
        traffic=rng.random(),
    )


def is_crossing(street: Drive, index: int) -> bool:
    """Whether a side street crosses in this block; never where the drive begins."""
    return index > 1 and texture.random(*street.key, 1, index).random() < 0.13


@lru_cache(256)
def block(street: Drive, index: int) -> tuple[Faces, Faces]:
    """Ground faces, and standing faces, of the 24 m of street from 24·index metres on."""
    rng = texture.random(*street.key, 2, index)
    ground, mesh = Mesh(), Mesh()
    start = index * BLOCK
    crossing = is_crossing(street, index)
    _lines(ground, street, start, crossing)

    def layer(depth: int, s: float) -> None:
        mesh.order = (index * 8 + depth) * BLOCK + min(max(s - start, 0.0), BLOCK - 0.01)

    for side in (-1, 1):
        edge = street.half + street.pavement[side > 0] + (street.verge if side > 0 else 0)
        _street_furniture(mesh, rng, street, side, edge, start, crossing, layer)
        if not crossing:
            _lots(mesh, rng, street, side, edge, start, layer)
    return ground.freeze(street.light), mesh.freeze(street.light)


def _lines(ground: Mesh, street: Drive, start: float, crossing: bool) -> None:
    """Dashes, and where a side street crosses, its asphalt and the zebra stripes."""
    if crossing:
        for side in (-1, 1):
            a, b = sorted((side * (street.half - 0.1), side * 60.0))
            for s0, s1 in ((start, start + 8), (start + 16, start + BLOCK)):
                shapes.flat(ground, a, b, s0, s1, shapes.SIDEWALKS, street.slab, texture.SLABS)
            shapes.flat(ground, a, b, start + 8, start + 16, shapes.ROADS, street.asphalt,
                        texture.ASPHALT)  # fmt: skip
        shapes.flat(ground, -street.half, street.half, start + 4.5, start + 17, shapes.ROADS,
                    street.asphalt, texture.ASPHALT)  # fmt: skip
        x = -street.half + 0.5
        while x < street.half - 0.6:
            shapes.flat(ground, x, x + 0.55, start + 5, start + 7.6, shapes.ROAD_LINES, street.line)
            x += 1.15
        return
    double, _, dashes = street.marks
    for k in range(4):
        s = start + 6 * k
        if not double:
            shapes.flat(ground, -0.11, 0.11, s, s + 3.4, shapes.ROAD_LINES, street.line)
        if dashes:
            for x in (-street.lane, street.lane):
                shapes.flat(
                    ground, x - 0.1, x + 0.1, s, s + 2.8, shapes.ROAD_LINES, (215, 215, 208)
                )


def _street_furniture(mesh, rng, street, side, edge, start, crossing, layer) -> None:
    """What stands on the sidewalk and at the curb: poles, signs, people, bins, parked cars."""
    u = rng.random(24).tolist()
    curb = side * (street.half + 0.45)
    metal = street.stones[0]
    s = start + 2 + 3 * u[0]
    layer(PAVEMENT, s)
    if crossing:
        layer(PAVEMENT, start + 3)
        if u[1] < 0.6:
            shapes.traffic_light(mesh, curb, start + 3, metal, int(3 * u[2]))
        return
    if u[1] < 0.5:
        shapes.lamp(mesh, curb, s, 5.5 + 2 * u[2], metal)
    if u[3] < 0.3:
        s = start + 10 + 8 * u[4]
        layer(PAVEMENT, s)
        shapes.sign(mesh, curb, s, int(3 * u[5]), metal)
    if u[6] < 0.22:
        s = start + 6 + 16 * u[7]
        layer(PAVEMENT, s)
        for k in range(1 + int(3 * u[8] * u[8])):
            x = side * (street.half + 1 + (edge - street.half - 1.3) * rng.random())
            shapes.person(mesh, rng, x + 0.1 * k, s, paint(rng), paint(rng, 30, 120))
    if u[9] < 0.35:
        s = start + 5 + 16 * u[10]
        layer(PAVEMENT, s)
        _other(mesh, rng, side * (edge - 0.6), s, side, street)
    if u[11] < 0.3 * street.green:
        s = start + 4 + 16 * u[12]
        layer(PAVEMENT, s)
        shapes.tree(mesh, rng, side * (street.half + 0.9), s, 4 + 3 * u[13], street.leaf)
    models = (shapes.SEDAN, shapes.HATCH, shapes.SEDAN, shapes.VAN)
    for k in range(3):
        if u[14 + k] < 0.03 + 0.12 * street.traffic:
            s = start + 1 + 7.5 * k + u[17 + k]
            layer(ROAD, s)
            model = models[int(4 * u[20 + k])]
            colour = paint(rng, 25, 235)
            shapes.vehicle(mesh, model, side * (street.half - 1.05), s, colour, side > 0, 0.0)


def _other(mesh, rng, x, s, side, street) -> None:
    """Bins, benches, planters and bus stops: class Other."""
    kind = int(rng.integers(4))
    colour = paint(rng)
    if kind == 0:
        shapes.box(mesh, x - 0.3, x + 0.3, 0, 1.0, s, s + 0.6, shapes.OTHER, colour)
    elif kind == 1:
        shapes.box(mesh, x - 0.25, x + 0.25, 0.35, 0.47, s, s + 1.8, shapes.OTHER, colour)
        shapes.flank(mesh, x + side * 0.25, 0.5, 0.95, s, s + 1.8, shapes.OTHER, colour)
    elif kind == 2:
        shapes.box(mesh, x - 0.5, x + 0.5, 0, 0.5, s, s + 2.5, shapes.OTHER, colour)
        for k in (2, 1, 0):
            shapes.bush(mesh, rng, x, s + 0.4 + 0.8 * k, 0.9, street.leaf)
    else:
        shapes.flank(mesh, x + side * 0.4, 0, 2.3, s, s + 3, shapes.OTHER, darker(colour, 0.7))
        shapes.box(mesh, x - 0.6, x + 0.6, 2.3, 2.5, s, s + 3, shapes.OTHER, colour)


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
            shapes.box(mesh, a, b, 0, height, s0, s1, shapes.WALLS, colour, stone)
            shapes.box(mesh, a - 0.05, b + 0.05, height, height + 0.1, s0, s1, shapes.WALLS,
                       darker(colour, 0.8))  # fmt: skip
        elif kind == 2:
            shapes.flank(mesh, x, 0.05, height, s0, s1, shapes.FENCES, colour,
                         material=texture.BOARDS, flags=shapes.CAST)  # fmt: skip
            shapes.upright(mesh, x - 0.08, x + 0.08, 0, height + 0.12, s0, shapes.FENCES, colour)
        elif kind == 3:
            shapes.rails(mesh, x, s0, s1, height, colour, 2 + int(2 * u[3]), u[4] < 0.5)
        else:
            a, b = sorted((x, x + side * 0.9))
            shapes.box(mesh, a, b, 0, height, s0, s1, shapes.VEGETATION, street.leaf * 0.95,
                       texture.LEAVES, LEAFY)  # fmt: skip
    house = u[5] < street.built[side > 0]
    setback = 0.6 + 7 * u[6] if house else 0.0
    front = edge + 1 + setback
    for k in range(int((1.5 + 3.2 * u[7]) * street.green)):
        s = start + BLOCK * rng.random()
        room = setback if house else 16.0
        layer(GARDEN, s)
        x = side * (edge + 1.4 + room * rng.random())
        shade = street.leaf * (0.75 + 0.5 * rng.random())
        if house and setback < 2.5:
            shapes.bush(mesh, rng, x, s, 0.6 + 1.2 * rng.random(), shade)
        else:
            grow = shapes.conifer if rng.random() < 0.2 else shapes.tree
            grow(mesh, rng, x, s, 5 + (5 if house else 10) * rng.random(), shade)
    if house:
        _houses(mesh, rng, street, side, front, start, layer)
    for k in range(int(1.5 + 2.5 * street.green * u[8])):
        s = start + BLOCK * (1 - (k + u[9 + k]) / 5)
        layer(BEHIND, s)
        x = side * (front + (14 if house else 6) + 10 * u[13 + k])
        shapes.tree(mesh, rng, x, s, 10 + 9 * u[17 + k], street.leaf * 0.8)


def _houses(mesh, rng, street, side, front, start, layer) -> None:
    s = start + 0.5 + 3 * rng.random()
    while s < start + BLOCK - 6:
        u = rng.random(6).tolist()
        length = min(7 + 11 * u[0], start + BLOCK - 0.5 - s)
        storeys = 1 + int(u[1] * (2 + 4 * street.tall))
        material = (texture.WINDOWS, texture.RIBBONS, texture.BALCONIES)[int(3 * u[2])]
        pitch = 1.5 + 2 * u[3] if storeys < 3 and u[4] < 0.75 else 0
        layer(FRONT, s)
        wall = street.stones[3 + int(3 * u[5])]
        shapes.house(mesh, side * (front + 1.5 * u[3]), side, s, s + length, 4.0 * storeys - 0.6,
                     9.0, wall, paint(rng, 40, 130), material, pitch)  # fmt: skip
        s += length + 0.6 + 5 * u[2]


@lru_cache(64)
def movers(street: Drive) -> tuple[tuple[Faces, float, float, int], ...]:
    """Cars and walkers: (faces at s = 0, place at frame 0, metres per frame past us, kind)."""
    rng = texture.random(*street.key, 3)
    found = []
    models = (shapes.SEDAN, shapes.HATCH, shapes.SEDAN, shapes.VAN, shapes.TRUCK)
    for lane in range(-2, 3):
        if lane == 0 or abs(lane) * street.lane > street.half:
            continue
        for k in range(2):
            u = rng.random(6).tolist()
            if u[0] > 0.15 + 0.35 * street.traffic:
                continue
            mesh = Mesh()
            x = lane * street.lane - (0.5 if lane > 0 else -0.5) * street.lane
            shapes.vehicle(mesh, models[int(5 * u[1])], x, 0, paint(rng, 25, 235), lane > 0, u[2])
            ours = lane == (2 if street.marks[2] else 1)
            speed = 0.25 * u[3] if ours else (u[3] - 0.4 if lane > 0 else -0.8 - u[3])
            found.append((mesh.freeze(street.light), 60.0 * (k + u[4]), speed, 1 if ours else 0))
    for _ in range(int(3 * rng.random())):
        mesh = Mesh()
        u = rng.random(3).tolist()
        side = -1 if u[0] < 0.5 else 1
        x = side * (street.half + 0.7 + (street.pavement[side > 0] - 0.9) * u[1])
        shapes.person(mesh, rng, x, 0, paint(rng), paint(rng, 30, 120))
        found.append((mesh.freeze(street.light), 100 * u[2], -street.step + 0.12, 0))
    return tuple(found)


def moving(street: Drive, frame: int) -> list[Faces]:
    """The movers at a frame. A car ahead in our lane comes nearer and falls back, 11 m to 51 m."""
    here = frame * street.step
    placed = []
    for faces, place, speed, kind in movers(street):
        if kind:
            swing = (place + speed * frame) % 80
            ahead = 11 + min(swing, 80 - swing)
        else:
            ahead = (place + speed * frame) % 112 - 8
        s = here + ahead
        index = s // BLOCK
        order = (index * 8 + ROAD) * BLOCK + s - index * BLOCK
        placed.append(
            replace(
                faces,
                points=faces.points + (0.0, 0.0, s),
                order=np.full(len(faces.order), order),
            )
        )
    return placed


def surface(street: Drive, here: float) -> Faces:
    """The ground in sight, painted first: lawn, sidewalks, curbs, road, continuous lines."""
    mesh = Mesh()
    steps = here + np.array([0.8, 2, 3, 4.5, 6.5, 9, 12.5, 17, 23, 31, 42, 56, 74, SIGHT])
    there, back = steps.tolist(), steps[::-1].tolist()

    def strip(x0, x1, label, colour, material) -> None:
        points = [(x1, 0, there[0])] + [(x0, 0, s) for s in there] + [(x1, 0, s) for s in back[:-1]]
        mesh.face(points, label, colour, material, shapes.GROUND, SOLID)

    left, right = street.half + street.pavement[0], street.half + street.pavement[1] + street.verge
    strip(-300, 300, shapes.NONE, street.lawn, texture.GRASS)
    strip(-left, -street.half, shapes.SIDEWALKS, street.slab, texture.SLABS)
    strip(street.half + street.verge, right, shapes.SIDEWALKS, street.slab, texture.SLABS)
    for side in (-1, 1):
        a, b = sorted((side * street.half, side * (street.half + 0.35)))
        strip(a, b, shapes.SIDEWALKS, street.slab * 0.72, texture.STONE)
    strip(-street.half, street.half, shapes.ROADS, street.asphalt, texture.ASPHALT)
    double, edges, _ = street.marks
    lines = [-0.22, 0.22] if double else []
    lines += [0.35 - street.half, street.half - 0.35] if edges else []
    for x in lines:
        colour = street.line if abs(x) < 1 else np.array([212.0, 212, 206])
        strip(x - 0.1, x + 0.1, shapes.ROAD_LINES, colour, texture.ASPHALT)
    return mesh.freeze(street.light)
