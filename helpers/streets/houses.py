"""Houses with pitched roofs, and blocks of flats."""

from helpers.streets import texture
from helpers.streets.mesh import (
    ACROSS,
    ALONG,
    BUILDINGS,
    CAST,
    SOLID,
    Mesh,
    box,
    darker,
    flank,
    upright,
)

STOREY = 4.0  # metres, as the windows on the tiles have it
EAVES = 0.5  # how far a roof stands out


def house(mesh: Mesh, rng, x, side, s0, s1, storeys, depth, wall, roof, material, pitch) -> None:
    """A block of flats (pitch 0) or a house with a roof; its front stands at x.

    Seen from below: what is on top is painted first, then the walls cover its underside.
    """
    u = rng.random(4).tolist()
    a, b = sorted((x, x + side * depth))
    top = STOREY * storeys - 0.6
    if pitch:
        if u[0] < 0.6:  # a chimney on the far half of the roof
            c, s = a + depth * (0.5 + 0.2 * side), s0 + (s1 - s0) * (0.3 + 0.4 * u[1])
            box(mesh, c - 0.4, c + 0.4, top, top + pitch + 0.9, s, s + 0.8, BUILDINGS,
                darker(roof, 0.8), texture.BRICK)  # fmt: skip
    else:
        if u[0] < 0.5:  # the housing of stairs or a lift
            c, s = a + depth / 2, s0 + (s1 - s0) * 0.6 * u[1]
            box(mesh, c - 2, c + 2, top, top + 3, s, s + 3, BUILDINGS, darker(wall, 0.85))
        box(mesh, a - 0.25, b + 0.25, top, top + 0.5, s0 - 0.25, s1 + 0.25, BUILDINGS, roof)
    box(mesh, a, b, 0, top, s0, s1, BUILDINGS, wall, material)
    if pitch:
        _roof(mesh, a, b, s0, s1, side, top, pitch, wall, roof, u[2] < 0.6)
    front = x - side * 0.03
    flank(mesh, front, 0, 0.8, s0, s1, BUILDINGS, darker(wall, 0.6), SOLID)
    upright(mesh, a, b, 0, 0.8, s0 - 0.03, BUILDINGS, darker(wall, 0.6))
    door = s0 + 0.8 + (s1 - s0 - 3) * u[3]
    flank(mesh, front - side * 0.01, 0, 2.6, door, door + 1.4, BUILDINGS, darker(roof, 0.7), SOLID)
    if storeys > 2 and material == texture.BALCONIES:
        _balconies(mesh, x, side, s0, s1, storeys, darker(wall, 1.25))


def _balconies(mesh: Mesh, x, side, s0, s1, storeys, colour) -> None:
    """One or two on each upper storey: underside, near end, front."""
    middle = (s0 + s1) / 2
    bays = [(s0 + 1, s1 - 1)] if s1 - s0 < 11 else [(middle + 0.7, s1 - 1), (s0 + 1, middle - 0.7)]
    out = x - side * 1.1
    a, b = sorted((x, out))
    for near, far in bays:
        for k in range(storeys - 1, 0, -1):
            y = STOREY * k + 0.2
            below = [(a, y, far), (a, y, near), (b, y, near), (b, y, far)]
            mesh.face(below, BUILDINGS, darker(colour, 0.5), flags=CAST)
            upright(mesh, a, b, y, y + 1.2, near, BUILDINGS, colour)
            flank(mesh, out, y, y + 1.2, near, far, BUILDINGS, colour, SOLID,
                  material=texture.BOARDS)  # fmt: skip


def _roof(mesh: Mesh, a, b, s0, s1, side, y, pitch, wall, roof, along) -> None:
    """A gable roof from x = a to b: its ridge runs along the road or, if not `along`, across."""
    low, edge, dark = y - 0.25, EAVES, darker(roof, 0.65)
    if along:
        middle = (a + b) / 2
        mesh.face([(a, y, s0), (middle, y + pitch, s0), (b, y, s0)], BUILDINGS, wall,
                  texture.PLAIN, ACROSS, SOLID)  # fmt: skip
        eave = (a if side > 0 else b) - side * edge
        ends = (s1 + edge, s0 - edge) if side > 0 else (s0 - edge, s1 + edge)
        slope = [(eave, low, ends[0]), (middle, y + pitch, ends[0]), (middle, y + pitch, ends[1]),
                 (eave, low, ends[1])]  # fmt: skip
        mesh.face(slope, BUILDINGS, roof, texture.TILES, ALONG, SOLID | CAST)
        flank(mesh, eave, low - 0.22, low, s0 - edge, s1 + edge, BUILDINGS, dark, SOLID)
        for foot, turn in ((a - edge, 1), (b + edge, -1)):  # the boards along the gable
            s = s0 - edge
            board = [(foot, low, s), (middle, y + pitch, s), (middle, y + pitch - 0.3, s),
                     (foot, low - 0.3, s)]  # fmt: skip
            mesh.face(board[::turn], BUILDINGS, dark, texture.PLAIN, ACROSS, SOLID)
        return
    middle, front = (s0 + s1) / 2, a if side > 0 else b
    ends = (s1, s0) if side > 0 else (s0, s1)
    gable = [(front, y, ends[0]), (front, y + pitch, middle), (front, y, ends[1])]
    mesh.face(gable, BUILDINGS, wall, texture.PLAIN, ALONG, SOLID | CAST)
    slope = [(a - 0.12, low, s0 - edge), (a - 0.12, y + pitch, middle),
             (b + 0.12, y + pitch, middle), (b + 0.12, low, s0 - edge)]  # fmt: skip
    mesh.face(slope, BUILDINGS, roof, texture.TILES, ACROSS, SOLID | CAST)
    upright(mesh, a - 0.12, b + 0.12, low - 0.22, low, s0 - edge, BUILDINGS, dark)
    out = front - side * 0.12
    for foot, turn in ((ends[0] + side * edge, 1), (ends[1] - side * edge, -1)):
        board = [(out, low, foot), (out, y + pitch, middle), (out, y + pitch - 0.3, middle),
                 (out, low - 0.3, foot)]  # fmt: skip
        mesh.face(board[::turn], BUILDINGS, dark, texture.PLAIN, ALONG, SOLID)
