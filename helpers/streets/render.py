"""The painter: flat polygons in the world become one picture and its exact label.

1. Pinhole camera. A point x metres right, y up and z ahead of the camera lands at column
   u = u₀ + f·x/z and row v = v₀ − f·y/z: twice as far is half as large.
2. Painter's algorithm. Faces are painted from far to near, so near ones cover far ones. What is
   painted is not a colour but the number of the face, once. Colour and class are then looked up by
   that number, so they cannot disagree at any pixel.
3. Shading. A face is a plane, and 1/z is linear on a plane's picture; so the number of the face also
   tells how far away each pixel is and which point of the world it shows. Texture, shadow, wet ground
   and fog follow from that point.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from helpers.streets import light, shapes, texture, world

FOCAL = 0.5  # of the width: a field of view of 90°, as in the real frames
NEAR = 0.8  # metres; nothing nearer is drawn

# Top row of the ego car's hood in the real frames, every 20 columns of 800, of 600 rows.
HOOD = (
    518, 518, 518, 519, 520, 521, 517, 510, 508, 507, 506, 505, 504, 504, 503, 502, 501, 500, 499, 499,
    498, 499, 499, 500, 501, 502, 503, 504, 504, 505, 506, 507, 509, 510, 517, 521, 520, 519, 518, 518,
)  # fmt: skip


class Camera:
    """Where the camera stands at a frame, and how it projects."""

    def __init__(self, street: world.Drive, frame: int, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.f = FOCAL * width
        self.u0, self.v0 = width / 2, street.pitch * height
        self.up = street.camera
        self.s = frame * street.step
        # in the middle of our lane, which is the right one next to the curb
        self.x = street.half - street.lane / 2 - 0.4
        self.curve = street.curve(self.s)
        self.twist = street.curve(self.s + 10) / 10 - self.curve / 10
        self.slope = street.slope(self.s)

    def bend(self, z):
        """Metres that the road has bent to the right, z metres ahead."""
        return z * z * (self.curve / 2 + z * self.twist / 6)

    def rise(self, z):
        """Metres that the road has risen, z metres ahead."""
        return z * z * (self.slope / 2)

    def see(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Road coordinates N×3 → camera coordinates N×3 (right, down, ahead), picture N×2.

        What is nearer than NEAR is moved to NEAR; for faces along or across the road that is the
        same as cutting them off there.
        """
        z = points[:, 2] - self.s
        seen = np.stack(
            [points[:, 0] - self.x + self.bend(z), self.up - points[:, 1] - self.rise(z), z], 1
        )
        ahead = np.maximum(z, NEAR)
        right = points[:, 0] - self.x + self.bend(ahead)
        down = self.up - points[:, 1] - self.rise(ahead)
        picture = np.stack([self.u0 + self.f * right / ahead, self.v0 + self.f * down / ahead], 1)
        return seen, np.rint(picture * 16) / 16

    def ground(self) -> np.ndarray:
        """1/z of the ground at each row, float32; 0 above the horizon."""
        t = (np.arange(self.height) + 0.5 - self.v0) / self.f
        root = np.sqrt(np.maximum(t * t + 2 * self.slope * self.up, 0))
        return np.clip((t + root) / (2 * self.up), 1e-3, None).astype(np.float32)


def _collect(street: world.Drive, frame: int) -> tuple[shapes.Faces, int]:
    """All faces near the camera in the order of painting, and how many of them are ground."""
    here = frame * street.step
    first, last = int(here // world.BLOCK), int((here + world.SIGHT) // world.BLOCK)
    blocks = [world.block(street, i) for i in range(first, last + 1)]
    ground = [world.surface(street, here)] + [a for a, _ in blocks]
    parts = ground + [b for _, b in blocks] + world.moving(street, frame)
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
    faces = shapes.Faces(
        points[rows],
        picked,
        np.concatenate([p.colour for p in parts])[sequence],
        np.concatenate([p.table for p in parts])[sequence],
        order[sequence],
    )
    return faces, flat


def _visible(faces: shapes.Faces, picture: np.ndarray, camera: Camera) -> np.ndarray:
    """Which faces are in the picture, large enough to be seen, and do not show their back."""
    start = np.cumsum(faces.counts) - faces.counts
    after = np.arange(1, len(picture) + 1)
    after[start + faces.counts - 1] = start
    turn = picture[:, 0] * picture[after, 1] - picture[after, 0] * picture[:, 1]
    area = np.add.reduceat(turn, start)
    low, high = np.minimum.reduceat(picture, start), np.maximum.reduceat(picture, start)
    far = np.maximum.reduceat(faces.points[:, 2], start)
    # only faces along the road may be cut off at NEAR; others are left out whole
    cut = np.minimum.reduceat(faces.points[:, 2], start) < camera.s + NEAR
    cut &= faces.table[:, 2] == shapes.ACROSS
    solid = faces.table[:, 3] & shapes.SOLID > 0
    inside = (high > 0).all(1) & (low[:, 0] < camera.width) & (low[:, 1] < camera.height)
    return (
        (far > camera.s + 1.25 * NEAR) & ~cut & inside & (np.where(solid, area, np.abs(area)) > 2)
    )


def _planes(faces: shapes.Faces, seen: np.ndarray, camera: Camera) -> np.ndarray:
    """a, b, c of each face with 1/z = a·u + b·v + c at column u, row v. float32 3×K."""
    start = np.cumsum(faces.counts) - faces.counts
    p = seen[start]
    normal = np.cross(seen[start + 1] - p, seen[start + 2] - p)
    offset = (normal * p).sum(1)
    offset = np.where(np.abs(offset) < 1e-6, 1e-6, offset)
    a, b = normal[:, 0] / (camera.f * offset), normal[:, 1] / (camera.f * offset)
    c = normal[:, 2] / offset - a * camera.u0 - b * camera.v0
    return np.stack([a, b, c]).astype(np.float32)


def _shadows(faces: shapes.Faces, street: world.Drive, camera: Camera) -> np.ndarray:
    """Shadows on the ground, bool H×W: each face slid along the sunlight until it lies flat."""
    right, up, ahead = street.light.towards
    casts = faces.table[:, 3] & shapes.CAST > 0
    if not street.light.sunny:  # only what is right under a car
        right, ahead = 0.0, 0.0
        casts &= faces.table[:, 0] == shapes.VEHICLES
    picture = Image.new("1", (camera.width, camera.height))
    draw = ImageDraw.Draw(picture)
    if not casts.any():
        return np.asarray(picture)
    points = faces.points[np.repeat(casts, faces.counts)]
    points[:, 0] -= points[:, 1] * right / up
    points[:, 2] -= points[:, 1] * ahead / up
    points[:, 1] = 0
    _, spots = camera.see(points)
    counts = faces.counts[casts]
    start = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(spots, start), np.maximum.reduceat(spots, start)
    keep = (high > low + 1).all(1) & (high > 0).all(1) & (low[:, 0] < camera.width)
    flat = spots.ravel().tolist()
    for begin, count in zip(2 * start[keep], 2 * counts[keep], strict=True):
        draw.polygon(flat[begin : begin + count], fill=1)
    return np.asarray(picture)


@lru_cache(4)
def _sky(street: world.Drive, height: int, width: int) -> np.ndarray:
    return light.sky(street.light, street.key, height, width, street.pitch * height)


def draw_frame(
    street: world.Drive, frame: int, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """One frame → image uint8 H×W×3 and label uint8 H×W, hood included."""
    camera = Camera(street, frame, height, width)
    everything, flat = _collect(street, frame)
    seen, picture = camera.see(everything.points)
    keep = _visible(everything, picture, camera)
    corner = np.repeat(keep, everything.counts)
    faces = shapes.Faces(
        everything.points[corner], everything.counts[keep], everything.colour[keep],
        everything.table[keep], everything.order[keep],
    )  # fmt: skip
    number = _paint(faces, picture[corner], street, camera)
    ground = int(keep[:flat].sum())
    image, mask = _shade(number, faces, seen[corner], ground, everything, street, camera, frame)
    return image, mask


def _skyline(street: world.Drive, camera: Camera) -> list[tuple[float, float]]:
    """The far trees and hills along the horizon."""
    heights = texture.random(*street.key, 4).random(64)
    smooth = (heights + np.roll(heights, 1) + np.roll(heights, 2)) / 3
    top = (5 + 14 * smooth * (0.4 + street.green)) / 110 * camera.f
    level = camera.v0 - camera.f * camera.rise(world.SIGHT) / world.SIGHT
    level = level + camera.f * camera.up / world.SIGHT
    across = np.linspace(0, camera.width, 64)
    return [*zip(across.tolist(), (level - top).tolist(), strict=True),
            (camera.width, level + 2), (0, level + 2)]  # fmt: skip


def _paint(faces, picture, street, camera) -> np.ndarray:
    """The number of the face at each pixel, int32 H×W: 0 sky, 1 skyline, 2… faces, last the hood."""
    canvas = Image.new("I", (camera.width, camera.height), 0)
    draw = ImageDraw.Draw(canvas)
    draw.polygon(_skyline(street, camera), fill=1)
    flat, end = picture.ravel().tolist(), 0
    for i, count in enumerate(faces.counts.tolist(), 2):
        begin, end = end, end + 2 * count
        draw.polygon(flat[begin:end], fill=i)
    number = _fray(np.asarray(canvas), faces, camera)
    rows = np.interp(np.arange(camera.width) * (800 / camera.width), np.arange(0, 800, 20), HOOD)
    top = np.rint(rows * camera.height / 600).astype(np.int64)
    number[np.arange(camera.height)[:, None] >= top] = len(faces.counts) + 2
    return number


@lru_cache(4)
def _gusts(height: int, width: int) -> np.ndarray:
    """Random directions, float32 2×H×W in -1 to 1, the same for a few neighbouring pixels."""
    cell = max(1, height // 250)
    small = texture.random(2015, 8).random((2, height // cell + 1, width // cell + 1))
    large = np.repeat(np.repeat(2 * small - 1, cell, 1), cell, 2)
    return large[:, :height, :width].astype(np.float32)


def _fray(number: np.ndarray, faces: shapes.Faces, camera: Camera) -> np.ndarray:
    """Ragged leaves: a pixel may take over its neighbour's face where the nearer one is leafy."""
    height, width = number.shape
    leafy = np.zeros(len(faces.counts) + 2, bool)
    leafy[1] = True
    leafy[2:] = faces.table[:, 3] & shapes.LEAFY > 0
    near = np.zeros(len(leafy), np.float32)
    near[2:] = 1 / np.maximum(faces.points[np.cumsum(faces.counts) - 1, 2] - camera.s, 4)
    reach = np.clip(0.45 * camera.f * near, height / 150, height / 12) * leafy + height / 150
    noise = _gusts(height, width)
    v = np.arange(height)[:, None] + (noise[0] * reach[number]).astype(np.int32)
    u = np.arange(width) + (noise[1] * reach[number]).astype(np.int32)
    other = number[np.clip(v, 0, height - 1), np.clip(u, 0, width - 1)]
    return np.where(leafy[np.maximum(number, other)], other, number)


def _shade(number, faces, seen, ground, everything, street, camera, frame):
    """Colours and classes from face numbers."""
    height, width, air = camera.height, camera.width, street.light
    table = np.zeros((len(faces.counts) + 3, 4), np.int64)
    table[1] = shapes.VEGETATION, texture.LEAVES, shapes.ACROSS, 0
    table[2:-1] = faces.table
    table[-1] = shapes.VEHICLES, texture.PLAIN, shapes.ACROSS, 0
    mask = table[:, 0].astype(np.uint8).take(number)

    # 1/z at each pixel, from the plane of its face; the ground is not quite flat, but level in x
    plane = np.zeros((3, len(table)), np.float32)
    plane[2] = 1 / world.SIGHT
    plane[:, 2:-1] = _planes(faces, seen, camera)
    on_ground = (number >= 2) & (number < ground + 2)
    u = np.arange(width, dtype=np.float32) + 0.5
    v = np.arange(height, dtype=np.float32)[:, None] + 0.5
    near = plane[0].take(number)
    near *= u
    slant = plane[1].take(number)
    slant *= v
    near += slant
    near += plane[2].take(number)
    np.clip(near, 0.008, 1 / NEAR, out=near)
    np.copyto(near, camera.ground()[:, None], where=on_ground)
    z = 1 / near

    # the point of the world behind the pixel: x, y and s, and the tile's pixel there
    f = np.float32(camera.f)
    x = (u - np.float32(camera.u0)) / f * z + np.float32(camera.x) - camera.bend(z)
    y = np.float32(camera.up) - (v - np.float32(camera.v0)) / f * z - camera.rise(z)
    s = z + np.float32(camera.s % 512)
    lie = table[:, 2].astype(np.uint8).take(number)
    scale = (texture.SIZE / texture.METRES[table[:, 1]]).astype(np.float32).take(number)
    across = np.where(lie == shapes.ALONG, s, x)
    upward = np.where(lie == shapes.GROUND, s, y)
    column = ((across + 1024) * scale).astype(np.int32) & 127
    row = ((upward + 1024) * scale).astype(np.int32) & 127
    pixels = z * scale * np.float32(0.7 / camera.f)  # of the tile in one of the picture
    level = np.clip(np.frexp(pixels)[1], 0, texture.LEVELS - 1)
    sheet = (table[:, 1] * texture.LEVELS).astype(np.int32).take(number) + level
    bright = texture.atlas().take((sheet * 128 + row) * 128 + column).astype(np.float32)
    shadow = _shadows(everything, street, camera) & on_ground
    bright *= np.where(shadow, np.float32(0.45 / 128), np.float32(1 / 128))

    colour = np.zeros((len(table), 3), np.float32)
    colour[1] = street.leaf * 0.7 * (air.ambient + 0.3 * air.sun)
    colour[2:-1] = faces.colour
    picture = colour.take(number, axis=0)
    picture *= bright[..., None]
    lost = z * np.float32(air.haze)
    lost /= 1 + lost
    for i in range(3):
        picture[..., i] += (np.float32(air.horizon[i]) - picture[..., i]) * lost
    np.copyto(picture, _sky(street, height, width), where=(number == 0)[..., None])
    if air.wet:
        _wet(picture, on_ground, x, s, near, camera, air.wet)
    picture = _hood(picture, number == len(table) - 1, camera)
    return _sensor(picture, street, frame), mask


def _wet(picture, on_ground, x, s, near, camera, strength) -> None:
    """Puddles mirror what stands above the horizon, more so the flatter one looks at them."""
    rows = np.arange(camera.height)
    mirror = np.clip((2 * camera.v0 - rows).astype(np.int64), 0, None)
    puddle = texture.atlas()[
        (((x + 1024) * 6).astype(np.int32) & 127)
        + 128 * (((s + 1024) * 3).astype(np.int32) & 127)
        + 128 * 128 * texture.LEVELS * texture.LEAVES
        + 128 * 128 * 2
    ].astype(np.float32)
    amount = np.clip(puddle / 128 - 0.45, 0, 1) * (strength / (1 + 4 * near))
    first = int(camera.v0)
    amount = np.where(on_ground, amount, 0)[first:, :, None].astype(np.float32)
    picture[first:] *= (
        np.float32(1 - 0.35 * strength) * on_ground[first:, :, None] + ~on_ground[first:, :, None]
    )
    picture[first:] += (picture[mirror[first:]] * np.float32(0.8) - picture[first:]) * amount


def _hood(picture, hood, camera) -> np.ndarray:
    """A black bonnet with a dull gleam of the sky."""
    first = int(0.82 * camera.height)
    rows = np.arange(camera.height - first, dtype=np.float32)[:, None]
    columns = np.abs(np.arange(camera.width, dtype=np.float32) / camera.width - 0.5)
    gleam = np.clip(1 - rows / (0.13 * camera.height), 0, 1) * np.clip(0.42 - columns, 0, 1)
    sky = picture[camera.height // 8, camera.width // 2]
    shiny = 12 + gleam[..., None] * sky * np.float32(0.35)
    picture[first:] = np.where(hood[first:, :, None], shiny, picture[first:])
    return picture


def _sensor(picture: np.ndarray, street: world.Drive, frame: int) -> np.ndarray:
    """Soft lens, rain on it, grain."""
    height, width, _ = picture.shape
    rng = texture.random(*street.key, 5, frame)
    soft = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(
        ImageFilter.BoxBlur(0.4)
    )
    picture = np.asarray(soft).astype(np.float32)
    dv, du = rng.integers(0, 256, 2)
    rows, columns = (np.arange(height) + dv) & 255, (np.arange(width) + du) & 255
    noise = texture.grain()[rows[:, None], columns].astype(np.float32)
    noise *= np.float32(street.light.noise / 37)
    if street.light.rain:
        noise += light.streaks(rng, street.light.rain, height, width)
    picture += noise[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)
