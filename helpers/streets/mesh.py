"""Meshes: flat polygons in the world, and the simple solids made of them.

Road coordinates in metres: x to the right of the middle of the road, y up from the ground, s
along the road. A face is one flat polygon with one class, one colour and one material. Seen from
its outer side, its corners run clockwise.
"""

from dataclasses import dataclass

import numpy as np

from helpers.classes import LYFT
from helpers.streets import texture
from helpers.streets.light import Weather, lit

(NONE, BUILDINGS, FENCES, OTHER, PEDESTRIANS, POLES, ROAD_LINES,
 ROADS, SIDEWALKS, VEGETATION, VEHICLES, WALLS, TRAFFIC_SIGNS) = range(len(LYFT))  # fmt: skip

GROUND, ALONG, ACROSS = range(3)  # how a texture lies on a face: (x, s), (s, y) or (x, y)
SOLID, LEAFY, CAST = 1, 2, 4  # hides its back; has a ragged edge; casts a shadow
Colour = tuple[float, float, float] | np.ndarray


@dataclass(frozen=True)
class Faces:
    """K polygons with N corners in all, ready to be projected."""

    points: np.ndarray  # float64 N×3
    counts: np.ndarray  # int64 K, corners of each face
    colour: np.ndarray  # float32 K×3, with the light in it
    table: np.ndarray  # int64 K×4: class, material, how the texture lies, flags
    order: np.ndarray  # float64 K: painted from large to small


class Mesh:
    """A growing list of faces."""

    def __init__(self) -> None:
        self.points: list[float] = []  # x, y, s of each corner, one after another
        self.counts: list = []
        self.colours: list = []
        self.rows: list = []
        self.orders: list = []
        self.order = 0.0  # where the next faces stand in the order of painting

    def face(
        self,
        points: list,
        label: int,
        colour: Colour,
        material: int = texture.PLAIN,
        lie: int = ACROSS,
        flags: int = 0,
    ) -> None:
        """Add a polygon: 3 or more corners (x, y, s) in one plane, no three first ones in line."""
        for point in points:
            self.points += point
        self.counts.append(len(points))
        self.colours.append(colour)
        self.rows.append((label, material, lie, flags))
        self.orders.append(self.order)

    def lumps(self, points: np.ndarray, label: int, colours: list, material: int) -> None:
        """Add K polygons of N corners each, K×N×3, with a ragged edge."""
        number = len(points)
        self.points += points.ravel().tolist()
        self.counts += [points.shape[1]] * number
        self.colours += colours
        self.rows += [(label, material, ACROSS, CAST | LEAFY)] * number
        self.orders += [self.order] * number

    def freeze(self, light: Weather) -> Faces:
        """The faces so far as arrays, lit."""
        points = np.array(self.points, np.float64).reshape(-1, 3)
        counts = np.array(self.counts, np.int64)
        start = np.cumsum(counts) - counts
        if len(counts):
            a, b, c = points[start], points[start + 1], points[start + 2]
            normal = np.cross(b - a, c - a)
            normal /= np.sqrt((normal * normal).sum(1, keepdims=True)) + 1e-9
        else:
            normal = np.zeros((0, 3))
        table = np.array(self.rows, np.int64).reshape(-1, 4)
        colour = lit(
            np.array(self.colours, np.float64).reshape(-1, 3),
            normal,
            table[:, 3] & SOLID > 0,
            light,
        )
        return Faces(points, counts, colour, table, np.array(self.orders, np.float64))


def darker(colour: Colour, k: float) -> tuple[float, float, float]:
    return (colour[0] * k, colour[1] * k, colour[2] * k)


def upright(mesh: Mesh, x0, x1, y0, y1, s, label, colour, **more) -> None:
    """A rectangle that faces the camera."""
    mesh.face([(x0, y0, s), (x0, y1, s), (x1, y1, s), (x1, y0, s)], label, colour, **more)


def flank(mesh: Mesh, x, y0, y1, s0, s1, label, colour, flags=0, **more) -> None:
    """A rectangle that runs along the road and faces its middle."""
    if x > 0:
        s0, s1 = s1, s0
    points = [(x, y0, s0), (x, y1, s0), (x, y1, s1), (x, y0, s1)]
    mesh.face(points, label, colour, lie=ALONG, flags=flags, **more)


def flat(mesh: Mesh, x0, x1, s0, s1, label, colour, material=texture.PLAIN, y=0.0) -> None:
    """A rectangle that lies on the ground."""
    points = [(x0, y, s0), (x0, y, s1), (x1, y, s1), (x1, y, s0)]
    mesh.face(points, label, colour, material, GROUND, SOLID)


def prism(
    mesh: Mesh, profile, x0, x1, label, colours, side, materials=texture.PLAIN, leafy=0
) -> None:
    """A side view (s, y), clockwise for one who looks left, pulled from x0 to x1.

    colours: one for each edge, in order; None leaves an edge out.
    """
    n = len(profile)
    flags = SOLID | leafy
    for i in range(n - 1, -1, -1):
        if colours[i] is None:
            continue
        (sa, ya), (sb, yb) = profile[i], profile[(i + 1) % n]
        lie = GROUND if abs(ya - yb) < 0.01 and ya < 0.3 else ACROSS
        points = [(x0, ya, sa), (x0, yb, sb), (x1, yb, sb), (x1, ya, sa)]
        mesh.face(points, label, colours[i], materials, lie, flags | CAST)
    right = [(x1, y, s) for s, y in profile]
    left = [(x0, y, s) for s, y in reversed(profile)]
    mesh.face(right, label, side, materials, ALONG, flags | CAST)
    mesh.face(left, label, side, materials, ALONG, flags)


def box(mesh: Mesh, x0, x1, y0, y1, s0, s1, label, colour, material=texture.PLAIN, leafy=0) -> None:
    profile = [(s0, y0), (s0, y1), (s1, y1), (s1, y0)]
    below = darker(colour, 0.6) if y0 > 1 else None
    edges = [colour, darker(colour, 0.95), None, below]
    prism(mesh, profile, x0, x1, label, edges, colour, material, leafy)


ROUND = [(0.0, 1.0), (0.38, 0.92), (0.71, 0.71), (0.92, 0.38), (1.0, 0.0), (0.92, -0.38),
         (0.71, -0.71), (0.38, -0.92), (0.0, -1.0), (-0.38, -0.92), (-0.71, -0.71), (-0.92, -0.38),
         (-1.0, 0.0), (-0.92, 0.38), (-0.71, 0.71), (-0.38, 0.92)]  # fmt: skip
CIRCLE = ROUND[::2]


def disc(mesh: Mesh, x, y, s, radius, label, colour, squash=1.0) -> None:
    points = [(x + radius * squash * a, y + radius * b, s) for a, b in CIRCLE]
    mesh.face(points, label, colour)
