"""Shading: from the number of the face at each pixel to its colour and its class.

A face is a plane, and on the picture of a plane 1/z is linear. So the number of the face also
tells how far away a pixel is, and with that which point of the world it shows. Texture, shadow,
wet ground and fog follow from that point.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from helpers.streets import light, mesh, sky, texture
from helpers.streets.camera import NEAR, Camera
from helpers.streets.mesh import Faces
from helpers.streets.street import SIGHT, Drive

FIRST = 3  # the number of the first face; before it the sky, the hills and the far trees


def shade(number, colours, faces, planes, ground, shadow, street, camera, frame):
    """Image uint8 H×W×3 and mask uint8 H×W from face numbers.

    number int H×W: sky, hills, far trees, K faces from FIRST on (the first `ground` of them lie
    on the ground), last the hood; colours float32 K×3; faces int K×4 as in mesh.Faces.table; planes
    float32 3×K from Camera.planes; shadow bool H×W, where the ground gets no sunlight.
    """
    height, width, air = camera.height, camera.width, street.light
    table = np.zeros((len(faces) + FIRST + 1, 4), np.int64)
    table[1:FIRST] = mesh.VEGETATION, texture.LEAVES, mesh.ACROSS, 0
    table[FIRST:-1] = faces
    table[-1] = mesh.VEHICLES, texture.PLAIN, mesh.ACROSS, 0
    mask = table[:, 0].astype(np.uint8).take(number)

    # 1/z at each pixel, from the plane of its face; the ground is not quite flat, but level in x
    plane = np.zeros((3, len(table)), np.float32)
    plane[2] = 1 / SIGHT
    plane[:, FIRST:-1] = planes
    on_ground = (number >= FIRST) & (number < ground + FIRST)
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
    across = np.where(lie == mesh.ALONG, s, x)
    upward = np.where(lie == mesh.GROUND, s, y)
    column = ((across + 1024) * scale).astype(np.int32) & 127
    row = ((upward + 1024) * scale).astype(np.int32) & 127
    pixels = z * scale * np.float32(0.7 / camera.f)  # of the tile in one of the picture
    level = np.clip(np.frexp(pixels)[1], 0, texture.LEVELS - 1)
    sheet = (table[:, 1] * texture.LEVELS).astype(np.int32).take(number) + level
    bright = texture.atlas().take((sheet * 128 + row) * 128 + column).astype(np.float32)
    bright *= np.where(shadow & on_ground, np.float32(0.45 / 128), np.float32(1 / 128))

    colour = np.zeros((len(table), 3), np.float32)
    colour[2] = street.leaf * 0.7 * (air.ambient + 0.3 * air.sun)
    colour[1] = 0.45 * colour[2] + 0.45 * air.horizon * (0.6, 0.66, 0.72)
    colour[FIRST:-1] = colours
    lost = z * np.float32(air.haze)
    lost /= 1 + lost
    picture = np.empty((height, width, 3), np.float32)
    for i in range(3):  # one channel at a time is faster
        channel = colour[:, i].take(number)
        channel *= bright
        channel += (np.float32(air.horizon[i]) - channel) * lost
        picture[..., i] = channel
    above, hood = _sky(street, height, width)
    np.copyto(picture, above, where=(number == 0)[..., None])
    if air.wet:
        _wet(picture, on_ground, x, s, near, camera, air.wet)
    first = height - len(hood)
    np.copyto(picture[first:], hood, where=(number[first:] == len(table) - 1)[..., None])
    return _sensor(picture, street, frame), mask


def cast_shadows(faces: Faces, street: Drive, camera: Camera) -> np.ndarray:
    """Shadows on the ground, bool H×W: each face slid along the sunlight until it lies flat."""
    right, up, ahead = street.light.towards
    casts = faces.table[:, 3] & mesh.CAST > 0
    if not street.light.sunny:  # only what is right under a car
        right, ahead = 0.0, 0.0
        casts &= faces.table[:, 0] == mesh.VEHICLES
    picture = Image.new("1", (camera.width, camera.height))
    draw = ImageDraw.Draw(picture)
    if not casts.any():
        return np.asarray(picture)
    points = faces.points[np.repeat(casts, faces.counts)]
    points[:, 0] -= points[:, 1] * right / up
    points[:, 2] -= points[:, 1] * ahead / up
    points[:, 1] = 0
    spots, counts = camera.project(camera.see(points), faces.counts[casts])
    counts = counts[counts > 0]
    start = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(spots, start), np.maximum.reduceat(spots, start)
    keep = (high > low + 1).all(1) & (high > 0).all(1) & (low[:, 0] < camera.width)
    flat = spots.ravel().tolist()
    for begin, count in zip(2 * start[keep], 2 * counts[keep], strict=True):
        draw.polygon(flat[begin : begin + count], fill=1)
    return np.asarray(picture)


@lru_cache(4)
def _sky(street: Drive, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The sky, and the hood that mirrors it: the same in all frames of a drive."""
    above = sky.sky(street.light, street.key, height, width, street.pitch * height)
    return above, sky.hood(above, int(0.82 * height))


def _wet(picture, on_ground, x, s, near, camera, strength) -> None:
    """Wet ground is darker, and mirrors what stands on it, more so the flatter one looks.

    The mirror image of a column begins where the ground does. Ripples tear it apart.
    """
    first = max(int(camera.v0), 0)
    floor, below = on_ground[first:], picture[first:]
    height, width = floor.shape
    column = ((x[first:] + 1024) * 6).astype(np.int32) & 127
    row = ((s[first:] + 1024) * 3).astype(np.int32) & 127
    sheet = texture.LEAVES * texture.LEVELS + 2  # the leaves' blotches, coarse
    ripple = texture.atlas().take((sheet * 128 + row) * 128 + column).astype(np.float32)
    ripple -= 108
    edge = floor.argmax(0)  # the first row of ground in each column
    depth = np.maximum(np.arange(height, dtype=np.float32)[:, None] - edge, 0)
    away = depth * (1 + ripple * np.float32(0.011)) + ripple * np.float32(camera.height / 6000)
    mirror = np.clip(edge + first - away.astype(np.int32), 0, camera.height - 1)
    amount = np.clip(0.65 + ripple / 36, 0.08, 1) * np.float32(strength) / (1 + 3 * near[first:])
    amount = (amount * floor)[..., None]
    seen = picture[mirror, np.arange(width)]
    below *= np.where(floor[..., None], np.float32(1 - 0.5 * strength), np.float32(1))
    below += (seen * np.float32(0.9) - below) * amount


def _sensor(picture: np.ndarray, street: Drive, frame: int) -> np.ndarray:
    """Soft lens, rain on it, grain."""
    height, width, _ = picture.shape
    rng = texture.random(*street.key, 5, frame)
    soft = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(
        ImageFilter.BoxBlur(0.4)
    )
    dv, du = rng.integers(0, 256, 2)
    rows, columns = (np.arange(height) + dv) & 255, (np.arange(width) + du) & 255
    noise = texture.grain()[rows[:, None], columns].astype(np.float32)
    noise *= np.float32(street.light.noise / 37)
    if street.light.rain:
        noise += light.streaks(rng, street.light.rain, height, width)
    soft, sharp = np.asarray(soft), np.empty((height, width, 3), np.uint8)
    for i in range(3):
        channel = soft[..., i] + noise
        np.clip(channel, 0, 255, out=channel)
        sharp[..., i] = channel
    return sharp
