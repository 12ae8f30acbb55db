"""Shapes: what cars, trees, people, poles, fences and houses look like."""

from helpers.streets import texture
from helpers.streets.mesh import (
    ACROSS,
    ALONG,
    BUILDINGS,
    CAST,
    CIRCLE,
    FENCES,
    GROUND,
    LEAFY,
    PEDESTRIANS,
    POLES,
    ROUND,
    SOLID,
    TRAFFIC_SIGNS,
    VEGETATION,
    VEHICLES,
    Mesh,
    box,
    darker,
    disc,
    flank,
    prism,
    upright,
)  # fmt: skip

GLASS = (46, 54, 64)
TYRE = (24, 24, 26)

# Side views of vehicles that drive away from us: (s, y) from the rear bumper over the roof to the
# front, what each edge is, the corners of the side windows, and the width.
SEDAN = (
    [(0, 0.3), (0, 0.9), (0.7, 0.97), (1.3, 1.42), (2.6, 1.44), (3.3, 0.97), (4.3, 0.82),
     (4.4, 0.3)],
    "bbgbgbb.", [(1.0, 0.98), (1.4, 1.36), (2.55, 1.37), (3.05, 0.98)], 1.8, (0.85, 3.5),
)  # fmt: skip
HATCH = (
    [(0, 0.3), (0, 0.95), (0.45, 1.5), (2.3, 1.55), (3.0, 1.02), (3.8, 0.85), (3.9, 0.3)],
    "bgbgbb.", [(0.45, 1.0), (0.75, 1.44), (2.2, 1.47), (2.75, 1.0)], 1.75, (0.75, 3.1),
)  # fmt: skip
VAN = (
    [(0, 0.35), (0, 1.2), (0.1, 2.1), (4.2, 2.15), (4.9, 1.3), (5.2, 1.1), (5.25, 0.35)],
    "bgbgbb.", [(3.1, 1.25), (3.1, 1.95), (4.1, 1.97), (4.6, 1.25)], 2.0, (1.0, 4.3),
)  # fmt: skip
TRUCK = (
    [(0, 0.6), (0, 3.0), (5.0, 3.0), (5.05, 2.3), (6.3, 2.3), (6.7, 1.4), (6.75, 0.5)],
    "bbb.gb.", [(5.3, 1.4), (5.3, 2.1), (6.2, 2.1), (6.4, 1.4)], 2.3, (1.3, 5.6),
)  # fmt: skip


def vehicle(mesh: Mesh, model, x, s, colour, away=True, braking=0.5) -> None:
    """A car, van or truck whose nearer end stands at s; away: we see its back."""
    profile, edges, windows, width, axles = model
    length = profile[-1][0]
    x0, x1 = x - width / 2, x + width / 2
    paint = [{"b": colour, "g": GLASS, ".": None}[e] for e in edges]
    if away:
        turned, paints = [(s + a, y) for a, y in profile], paint
        panes = [(s + a, y) for a, y in windows]
    else:  # mirrored along s, which turns the corners round: reverse them
        turned = [(s + length - a, y) for a, y in reversed(profile)]
        paints = paint[-2::-1] + paint[-1:]
        panes = [(s + length - a, y) for a, y in reversed(windows)]
        axles = tuple(length - a for a in reversed(axles))
    under = [(x0, 0.2, s), (x0, 0.2, s + length), (x1, 0.2, s + length), (x1, 0.2, s)]
    mesh.face(under, VEHICLES, TYRE, lie=GROUND, flags=CAST)
    for left in (x0, x1 - 0.22):
        upright(mesh, left, left + 0.22, 0, 0.5, s + 0.3, VEHICLES, TYRE)
    prism(mesh, turned, x0, x1, VEHICLES, paints, colour)
    (sa, ya), (sb, yb), (sc, yc), (sd, yd) = panes
    middle = (sb + sc) / 2
    for side, turn in ((x1 + 0.01, 1), (x0 - 0.01, -1)):
        for pane in (
            [(sa, ya), (sb, yb), (middle - 0.05, (yb + yc) / 2), (middle - 0.05, ya)],
            [(middle + 0.05, ya), (middle + 0.05, (yb + yc) / 2), (sc, yc), (sd, yd)],
        ):
            corners = [(side, y, t) for t, y in pane[::turn]]
            mesh.face(corners, VEHICLES, GLASS, lie=ALONG, flags=SOLID)
        for axle in axles:
            for radius, grey in ((0.36, TYRE), (0.2, (110, 112, 116))):
                wheel = [(side, 0.36 + radius * b, s + axle + radius * a) for a, b in CIRCLE]
                mesh.face(wheel[::turn], VEHICLES, grey, lie=ALONG, flags=SOLID)
    low = profile[0][1]
    lamp = (150 + 105 * braking, 25, 20) if away else (245, 240, 215)
    for left in (x0 + 0.06, x1 - 0.42):
        upright(mesh, left, left + 0.36, low + 0.32, low + 0.5, s - 0.02, VEHICLES, lamp)
    upright(mesh, x - 0.26, x + 0.26, low + 0.12, low + 0.26, s - 0.02, VEHICLES, (205, 205, 190))
    upright(mesh, x0, x1, low, low + 0.08, s - 0.02, VEHICLES, (38, 38, 40))


def blob(mesh: Mesh, rng, x, y, s, wide, high, colour, flags) -> None:
    """A round lump of leaves that faces the camera."""
    wobble = 0.7 + 0.5 * rng.random(16)
    points = [
        (x + wide * k * a, max(0.0, y + high * k * b), s)
        for k, (a, b) in zip(wobble.tolist(), ROUND, strict=True)
    ]
    mesh.face(points, VEGETATION, colour, texture.LEAVES, ACROSS, flags | LEAFY)


def tree(mesh: Mesh, rng, x, s, height, colour) -> None:
    """A trunk and a crown of lumps: the upper ones catch the light."""
    u = rng.random((8, 4)).tolist()
    trunk = 0.035 * height
    bark = (72, 60, 48)
    upright(mesh, x - trunk, x + trunk, 0, height * 0.5, s, VEGETATION, bark,
            material=texture.STONE, flags=CAST)  # fmt: skip
    for i, (a, b, c, d) in enumerate(sorted(u, key=lambda r: r[1])):
        y = height * (0.36 + 0.5 * b)
        spread = height * (0.3 - 0.2 * b)
        blob(mesh, rng, x + spread * (2 * a - 1), y, s - 0.1 * i, height * (0.16 + 0.1 * c),
             height * (0.13 + 0.08 * d), darker(colour, 0.6 + 0.6 * b), CAST)  # fmt: skip


def conifer(mesh: Mesh, rng, x, s, height, colour) -> None:
    for i in range(4):
        low, wide = height * (0.1 + 0.2 * i), height * (0.2 - 0.042 * i)
        points = [(x - wide, low, s), (x, low + height * 0.36, s), (x + wide, low, s)]
        mesh.face(points, VEGETATION, darker(colour, 0.65 + 0.12 * i), texture.LEAVES, ACROSS,
                  LEAFY | CAST)  # fmt: skip


def bush(mesh: Mesh, rng, x, s, height, colour) -> None:
    for a, b in (rng.random((3, 2)) - 0.5).tolist():
        blob(mesh, rng, x + height * a, height * (0.4 + 0.3 * b), s, height * 0.55, height * 0.5,
             darker(colour, 0.9 + 0.4 * b), CAST)  # fmt: skip


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


def house(mesh: Mesh, x, side, s0, s1, height, depth, wall, roof, material, pitch) -> None:
    """A block of flats (pitch 0) or a house with a roof; its front stands at x."""
    a, b = sorted((x, x + side * depth))
    box(mesh, a, b, 0, height, s0, s1, BUILDINGS, wall, material)
    flank(mesh, x - side * 0.03, 0, 0.7, s0, s1, BUILDINGS, darker(wall, 0.6), SOLID)
    if pitch:
        middle = (s0 + s1) / 2
        edge = 0.5
        ridge = [(s0 - edge, height - 0.1), (middle, height + pitch), (s1 + edge, height - 0.1)]
        prism(
            mesh,
            ridge,
            a - edge,
            b + edge,
            BUILDINGS,
            [roof, roof, darker(wall, 0.6)],
            wall,
            texture.TILES,
        )
    else:
        box(mesh, a - 0.4, b + 0.4, height, height + 0.45, s0 - 0.4, s1 + 0.4, BUILDINGS, roof)
