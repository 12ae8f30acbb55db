"""The painter: projects the polygons of the world and paints each one once.

Painter's algorithm: faces are painted from far to near, so near ones cover far ones. What is
painted is not a colour but the number of the face. Colour and class are then looked up by that
number (shade.py), so they cannot disagree at any pixel.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from helpers.streets import mesh, texture
from helpers.streets.camera import Camera, following
from helpers.streets.ground import surface
from helpers.streets.mesh import Faces
from helpers.streets.shade import FIRST, cast_shadows, shade
from helpers.streets.street import BLOCK, SIGHT, Drive
from helpers.streets.traffic import moving
from helpers.streets.world import block

# Top row of the ego car's hood in the real frames, every 20 columns of 800, of 600 rows.
HOOD = (
    518, 518, 518, 519, 520, 521, 517, 510, 508, 507,
    506, 505, 504, 504, 503, 502, 501, 500, 499, 499,
    498, 499, 499, 500, 501, 502, 503, 504, 504, 505,
    506, 507, 509, 510, 517, 521, 520, 519, 518, 518,
)  # fmt: skip


def draw_frame(street: Drive, frame: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """One frame → image uint8 H×W×3 and label uint8 H×W, hood included."""
    camera = Camera(street, frame, height, width)
    faces, flat = _collect(street, frame)
    seen = camera.see(faces.points)
    keep, corners = _visible(faces, seen, camera)
    number = _fray(_paint(corners, street, camera), faces, keep, camera)
    _hood(number, len(keep) + FIRST)
    planes = camera.planes(seen, faces.counts)[:, keep]
    ground = np.searchsorted(keep, flat)
    shadow = cast_shadows(faces, street, camera)
    return shade(
        number, faces.colour[keep], faces.table[keep], planes, ground, shadow, street, camera, frame
    )


def _collect(street: Drive, frame: int) -> tuple[Faces, int]:
    """All faces near the camera in the order of painting, and how many of them are ground."""
    here = frame * street.step
    first, last = int(here // BLOCK), int((here + SIGHT) // BLOCK)
    blocks = [block(street, i) for i in range(first, last + 1)]
    ground = [surface(street, here)] + [a for a, _ in blocks]
    parts = ground + [b for _, b in blocks] + moving(street, frame)
    counts = np.concatenate([p.counts for p in parts])
    order = np.concatenate([p.order for p in parts])
    flat = sum(len(p.counts) for p in ground)
    sequence = np.concatenate([np.arange(flat), flat + np.argsort(-order[flat:], kind="stable")])
    points = np.concatenate([p.points for p in parts])
    start = np.cumsum(counts) - counts
    picked = counts[sequence]
    rows = np.repeat(start[sequence] - (np.cumsum(picked) - picked), picked) + np.arange(
        len(points)
    )
    faces = Faces(
        points[rows],
        picked,
        np.concatenate([p.colour for p in parts])[sequence],
        np.concatenate([p.table for p in parts])[sequence],
        order[sequence],
    )
    return faces, flat


def _visible(faces: Faces, seen: np.ndarray, camera: Camera) -> tuple[np.ndarray, list]:
    """Which faces are in the picture, cover a pixel and do not show their back: their numbers,
    and for each a flat list of its corners."""
    picture, counts = camera.project(seen, faces.counts)
    there = np.flatnonzero(counts)
    counts = counts[there]
    start = np.cumsum(counts) - counts
    after = following(counts)
    turn = picture[:, 0] * picture[after, 1] - picture[after, 0] * picture[:, 1]
    twice = np.add.reduceat(turn, start)  # the area, twice; above 0 if clockwise
    low, high = np.minimum.reduceat(picture, start), np.maximum.reduceat(picture, start)
    solid = faces.table[there, 3] & mesh.SOLID > 0
    inside = (high > 0).all(1) & (low < (camera.width, camera.height)).all(1)
    keep = inside & (np.where(solid, twice, np.abs(twice)) > 2)
    flat = picture.ravel().tolist()
    spans = zip(2 * start[keep], 2 * (start + counts)[keep], strict=True)
    return there[keep], [flat[a:b] for a, b in spans]


def _paint(corners: list, street: Drive, camera: Camera) -> np.ndarray:
    """The face at each pixel, int32 H×W: 0 sky, 1 hills, 2 far trees, then the faces."""
    canvas = Image.new("I", (camera.width, camera.height), 0)
    draw = ImageDraw.Draw(canvas)
    for i, polygon in enumerate(_skyline(street, camera), 1):
        draw.polygon(polygon, fill=i)
    for i, polygon in enumerate(corners, FIRST):
        draw.polygon(polygon, fill=i)
    return np.asarray(canvas)


def _hood(number: np.ndarray, hood: int) -> None:
    """Put the ego car's hood over everything."""
    height, width = number.shape
    rows = np.interp(np.arange(width) * (800 / width), np.arange(0, 800, 20), HOOD)
    number[np.arange(height)[:, None] >= np.rint(rows * height / 600)] = hood


def _skyline(street: Drive, camera: Camera) -> list[list[tuple[float, float]]]:
    """The hills and the line of far trees along the horizon."""
    rng = texture.random(*street.key, 4)
    level = camera.v0 + camera.f * (camera.up / SIGHT - camera.rise(SIGHT) / SIGHT)
    across = np.linspace(0, camera.width, 64).tolist()
    lines = []
    for smooth, low, high in ((10, 4, 34 * rng.random()), (2, 5, 14 * (0.4 + street.green))):
        heights = rng.random(64 + smooth)
        total = np.cumsum(heights)
        heights = (total[smooth:] - total[:-smooth]) / smooth
        top = level - (low + high * heights) / 110 * camera.f
        lines.append([*zip(across, top.tolist(), strict=True),
                      (camera.width, level + 2), (0, level + 2)])  # fmt: skip
    return lines


@lru_cache(4)
def _gusts(height: int, width: int) -> np.ndarray:
    """Random directions, float32 2×H×W in -1 to 1, the same for a few neighbouring pixels."""
    cell = max(1, height // 250)
    small = texture.random(2015, 8).random((2, height // cell + 1, width // cell + 1))
    large = np.repeat(np.repeat(2 * small - 1, cell, 1), cell, 2)
    return large[:, :height, :width].astype(np.float32)


def _fray(number: np.ndarray, faces: Faces, keep: np.ndarray, camera: Camera) -> np.ndarray:
    """Ragged leaves: a pixel may take over its neighbour's face where the nearer one is leafy."""
    height, width = number.shape
    leafy = np.zeros(len(keep) + FIRST, bool)
    leafy[FIRST - 1] = True  # the far trees
    leafy[FIRST:] = faces.table[keep, 3] & mesh.LEAFY > 0
    away = faces.points[(np.cumsum(faces.counts) - 1)[keep], 2] - camera.s
    reach = np.full(len(leafy), height / 150, np.float32)  # in pixels; 0.45 m for what is near
    reach[FIRST:] += leafy[FIRST:] * np.clip(0.45 * camera.f / np.maximum(away, 4), 0, height / 12)
    noise = _gusts(height, width)
    v = np.arange(height)[:, None] + (noise[0] * reach[number]).astype(np.int32)
    u = np.arange(width) + (noise[1] * reach[number]).astype(np.int32)
    other = number[np.clip(v, 0, height - 1), np.clip(u, 0, width - 1)]
    return np.where(leafy[np.maximum(number, other)], other, number)
