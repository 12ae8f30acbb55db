"""Cars and walkers that move. They belong to the drive, not to a place."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from helpers.streets import shapes, texture
from helpers.streets.mesh import Faces, Mesh
from helpers.streets.street import BLOCK, Drive, paint
from helpers.streets.vehicles import HATCH, SEDAN, TRUCK, VAN, vehicle
from helpers.streets.world import ROAD


@lru_cache(64)
def movers(street: Drive) -> tuple[tuple[Faces, float, float, bool], ...]:
    """Cars and walkers: (faces at s = 0, place at frame 0 and metres per frame relative to us,
    whether it is the car ahead in our lane). The cars of a lane share a speed, so none overlap."""
    rng = texture.random(*street.key, 3)
    found = []
    models = (SEDAN, HATCH, SEDAN, VAN, TRUCK)
    for lane in range(-2, 3):
        if lane == 0 or abs(lane) * street.lane > street.half:
            continue
        ours = lane == (2 if street.marks[2] else 1)
        pace = rng.random()
        speed = 0.25 * pace if ours else (pace - 0.4 if lane > 0 else -0.8 - pace)
        for k in range(1 if ours else 2):
            u = rng.random(6).tolist()
            if u[0] > (0.25 if ours else 0.15) + 0.32 * street.traffic:
                continue
            mesh = Mesh()
            x = lane * street.lane - (0.5 if lane > 0 else -0.5) * street.lane
            vehicle(mesh, models[int(5 * u[1])], x, 0, paint(rng, 25, 235), lane > 0, u[2])
            found.append((mesh.freeze(street.light), 56 * k + 40 * u[4], speed, ours))
    for _ in range(int(2.4 * rng.random())):
        mesh = Mesh()
        u = rng.random(3).tolist()
        side = -1 if u[0] < 0.5 else 1
        x = side * (street.half + 0.7 + (street.pavement[side > 0] - 0.9) * u[1])
        shapes.person(mesh, rng, x, 0, paint(rng), paint(rng, 30, 120))
        found.append((mesh.freeze(street.light), 100 * u[2], -street.step + 0.12, False))
    return tuple(found)


def moving(street: Drive, frame: int) -> list[Faces]:
    """The movers at a frame. A car ahead in our lane comes nearer and falls back, 11 m to 51 m."""
    here = frame * street.step
    placed = []
    for faces, place, speed, ours in movers(street):
        if ours:
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
