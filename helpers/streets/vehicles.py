"""Cars, vans and trucks."""

from typing import NamedTuple

from helpers.streets.mesh import (
    ALONG,
    CAST,
    CIRCLE,
    GROUND,
    ROUND,
    SOLID,
    VEHICLES,
    Mesh,
    darker,
    prism,
    upright,
)

GLASS, TRIM, TYRE, RIM = (46, 54, 64), (36, 36, 38), (24, 24, 26), (118, 120, 124)


class Model(NamedTuple):
    """Side view of a vehicle that drives away from us, in metres: (s, y) along it and upwards."""

    profile: list  # from the rear bumper over the roof to the front
    edges: str  # what each edge is: b body, g glass, . nothing
    windows: list  # corners of the side windows
    doors: tuple  # where the lines between doors are
    axles: tuple
    width: float
    load: tuple | None = None  # (s, s, y, y) of a wall that has a colour of its own


SEDAN = Model(
    [(0, 0.3), (0.02, 0.62), (0.05, 0.9), (0.7, 0.99), (1.3, 1.42), (2.5, 1.45), (3.25, 1.0),
     (4.25, 0.84), (4.4, 0.6), (4.4, 0.3)],
    "bbbgbgbbb.", [(1.0, 1.0), (1.4, 1.36), (2.5, 1.38), (3.05, 1.0)], (1.2, 2.1, 3.0),
    (0.85, 3.5), 1.8,
)  # fmt: skip
HATCH = Model(
    [(0, 0.3), (0, 0.95), (0.45, 1.48), (1.2, 1.56), (2.2, 1.54), (2.95, 1.04), (3.75, 0.86),
     (3.9, 0.6), (3.9, 0.3)],
    "bgbbgbbb.", [(0.5, 1.02), (0.78, 1.44), (2.15, 1.47), (2.75, 1.02)], (1.7, 2.7),
    (0.75, 3.1), 1.75,
)  # fmt: skip
VAN = Model(
    [(0, 0.35), (0, 1.2), (0.1, 2.05), (0.3, 2.15), (4.1, 2.18), (4.8, 1.3), (5.15, 1.1),
     (5.25, 0.35)],
    "bgbbgbb.", [(3.1, 1.25), (3.1, 1.92), (4.0, 1.95), (4.55, 1.25)], (1.6, 3.0, 4.5),
    (1.0, 4.3), 2.0, (0.15, 5.0, 0.85, 1.05),
)  # fmt: skip
TRUCK = Model(
    [(0, 0.6), (0, 3.0), (5.0, 3.0), (5.05, 2.3), (6.3, 2.3), (6.7, 1.4), (6.75, 0.5)],
    "bbb.gb.", [(5.3, 1.4), (5.3, 2.1), (6.2, 2.1), (6.4, 1.4)], (5.2, 6.4),
    (1.3, 5.6), 2.3, (0.08, 4.92, 0.75, 2.9),
)  # fmt: skip


def vehicle(mesh: Mesh, model: Model, x, s, colour, away=True, braking=0.5) -> None:
    """A vehicle whose nearer end stands at s; away: we see its back. Its load's colour is made
    from its own, so that a truck is a cab and a box."""
    length = model.profile[-1][0]
    x0, x1 = x - model.width / 2, x + model.width / 2
    profile, edges = model.profile, model.edges
    windows, doors, axles, load = model.windows, model.doors, model.axles, model.load
    if not away:  # mirrored along s, which turns the corners round: reverse them
        profile, windows = ([(length - a, y) for a, y in reversed(p)] for p in (profile, windows))
        edges = edges[-2::-1] + edges[-1:]
        doors, axles = ([length - a for a in reversed(p)] for p in (doors, axles))
        load = load and (length - load[1], length - load[0], *load[2:])
    profile = [(s + a, y) for a, y in profile]
    under = [(x0, 0.2, s), (x0, 0.2, s + length), (x1, 0.2, s + length), (x1, 0.2, s)]
    mesh.face(under, VEHICLES, TYRE, lie=GROUND, flags=CAST)
    for left in (x0 + 0.02, x1 - 0.24):
        upright(mesh, left, left + 0.22, 0, 0.5, s + 0.3, VEHICLES, TYRE)
    if away:  # what stands out at the far end is painted first
        _mirrors(mesh, x0, x1, s + windows[-1][0], windows[-1][1], colour)
    paint = [None if e == "." else colour for e in edges]
    prism(mesh, profile, x0, x1, VEHICLES, paint, darker(colour, 0.95))
    for i in range(len(edges) - 1, -1, -1):
        if edges[i] == "g":
            _pane(mesh, profile[i], profile[i + 1], x0 + 0.1, x1 - 0.1)
    for side, turn in ((x1 + 0.01, 1), (x0 - 0.01, -1)):
        _flank(mesh, side, turn, s, profile[0 if away else -1][1], length, colour, windows, doors,
               load)  # fmt: skip
        for axle in axles:
            for radius, shape, grey in ((0.37, ROUND, TYRE), (0.22, CIRCLE, RIM),
                                        (0.09, CIRCLE, TYRE)):  # fmt: skip
                wheel = [(side, 0.36 + radius * b, s + axle + radius * a) for a, b in shape]
                mesh.face(wheel[::turn], VEHICLES, grey, lie=ALONG, flags=SOLID)
    if not away:
        _mirrors(mesh, x0, x1, s + windows[0][0], windows[0][1], colour)
    _end(mesh, x0, x1, s - 0.02, profile[0][1], away, braking)
    if load and away and load[3] > 2:  # a truck's roller door
        top = load[3]
        upright(mesh, x0 + 0.12, x1 - 0.12, 1.25, top, s - 0.02, VEHICLES, _other(colour))
        for k in range(1, 5):
            y = 1.25 + (top - 1.25) * k / 5
            upright(mesh, x0 + 0.12, x1 - 0.12, y, y + 0.04, s - 0.02, VEHICLES, TRIM)


def _other(colour) -> tuple:
    """A second paint: light with a dark colour, dark with a light one."""
    r, g, b = colour
    return (0.35 * g + 125, 0.35 * b + 125, 0.35 * r + 120) if g < 110 else (0.6 * b, 0.5 * g, 60)


def _pane(mesh: Mesh, a, b, x0, x1) -> None:
    """Glass in a frame, along an edge of the profile."""
    (sa, ya), (sb, yb) = a, b
    low = (ya + 0.08 * (yb - ya), sa + 0.08 * (sb - sa))
    high = (ya + 0.9 * (yb - ya), sa + 0.9 * (sb - sa))
    middle = (0.45 * low[0] + 0.55 * high[0], 0.45 * low[1] + 0.55 * high[1])
    for (y, s), (t, u), shine in ((low, middle, 0.85), (middle, high, 1.35)):
        points = [(x0, y, s), (x0, t, u), (x1, t, u), (x1, y, s)]
        mesh.face(points, VEHICLES, darker(GLASS, shine), flags=SOLID)


def _flank(mesh: Mesh, x, turn, s, low, length, colour, windows, doors, load) -> None:
    """What is on a vehicle's side: a load's wall or a stripe, sill, lines of doors, windows."""

    def patch(s0, s1, y0, y1, paint) -> None:
        points = [(x, y0, s + s0), (x, y1, s + s0), (x, y1, s + s1), (x, y0, s + s1)]
        mesh.face(points[::turn], VEHICLES, paint, lie=ALONG, flags=SOLID)

    if load:
        patch(*load, _other(colour))
        if load[3] > 2:  # something like a name on it
            for k in range(3):
                patch(load[0] + 0.7 + 1.2 * k, load[0] + 1.6 + 1.2 * k, 1.9, 2.4, colour)
    patch(0.1, length - 0.1, low, low + 0.13, TRIM)
    sill = windows[0][1]
    for door in doors:
        patch(door - 0.015, door + 0.015, low + 0.15, sill, darker(colour, 0.45))
    patch(doors[0] + 0.12, doors[0] + 0.3, sill - 0.16, sill - 0.11, TRIM)
    (sa, ya), (sb, yb), (sc, yc), (sd, yd) = windows
    middle = (sb + sc) / 2
    for pane in (
        [(sa, ya), (sb, yb), (middle - 0.05, (yb + yc) / 2), (middle - 0.05, ya)],
        [(middle + 0.05, ya), (middle + 0.05, (yb + yc) / 2), (sc, yc), (sd, yd)],
    ):
        corners = [(x, y, s + t) for t, y in pane[::turn]]
        mesh.face(corners, VEHICLES, GLASS, lie=ALONG, flags=SOLID)


def _mirrors(mesh: Mesh, x0, x1, s, y, colour) -> None:
    for a, b in ((x0 - 0.2, x0), (x1, x1 + 0.2)):
        upright(mesh, a, b, y, y + 0.16, s, VEHICLES, darker(colour, 0.7))


def _end(mesh: Mesh, x0, x1, s, low, away, braking) -> None:
    """Lights, number plate and bumper of the end that we see."""
    middle = (x0 + x1) / 2
    upright(mesh, x0, x1, low, low + 0.2, s, VEHICLES, TRIM)
    if not away:
        upright(mesh, x0 + 0.5, x1 - 0.5, low + 0.28, low + 0.46, s, VEHICLES, TRIM)
    for left, inner in ((x0 + 0.06, x0 + 0.3), (x1 - 0.42, x1 - 0.42)):
        lamp = (150 + 105 * braking, 25, 20) if away else (245, 240, 215)
        upright(mesh, left, left + 0.36, low + 0.3, low + 0.48, s, VEHICLES, lamp)
        other = (225, 150, 60) if away else (200, 130, 60)
        upright(mesh, inner, inner + 0.12, low + 0.3, low + 0.38, s, VEHICLES, other)
    upright(mesh, middle - 0.26, middle + 0.26, low + 0.12, low + 0.26, s, VEHICLES,
            (205, 205, 190))  # fmt: skip
