"""The drawn streets: exact labels, the Lyft layout, the same picture everywhere."""

import os
import subprocess
import sys
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from helpers import data
from helpers.classes import LYFT
from helpers.masks import decode, outlines, remove_hood
from helpers.streets import light, render, scene, scenes, sky, street, texture, traffic, write
from helpers.streets.camera import NEAR, Camera

VEHICLES = LYFT.id("Vehicles")


@pytest.mark.parametrize(("height", "width"), [(600, 800), (192, 256), (101, 75), (24, 32)])
def test_a_scene_is_an_image_and_its_mask(height, width):
    image, mask = scene(3, 40, height=height, width=width)
    assert image.shape == (height, width, 3) and image.dtype == np.uint8
    assert mask.shape == (height, width) and mask.dtype == np.uint8
    assert mask.max() < len(LYFT) and len(np.unique(mask)) >= 4


def test_a_scene_depends_on_its_three_numbers_alone():
    script = (
        "import zlib; from helpers.streets import scene\n"
        "print(*[zlib.crc32(a.tobytes()) for a in scene(7, 25, 3, 96, 128)])"
    )
    here = [n for d, f in ((8, 1), (7, 24), (7, 25)) for n in crc(*scene(d, f, 3, 96, 128))]
    for salt in ("1", "2"):  # a fresh process that drew nothing before, with other string hashes
        environment = os.environ | {"PYTHONHASHSEED": salt}
        run = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == [str(n) for n in here[-2:]]
    assert len(set(here)) == len(here)
    assert not np.array_equal(scene(7, 25, 4, 96, 128)[1], scene(7, 25, 3, 96, 128)[1])


def crc(*arrays):
    return [zlib.crc32(array.tobytes()) for array in arrays]


def test_the_tiles_are_the_same_on_every_machine():
    assert crc(texture.atlas(), texture.clouds(), texture.grain()) == [
        3947970463,
        367827027,
        2070595851,
    ]


@pytest.mark.parametrize(
    ("drive", "frame", "seed", "height", "width", "image", "mask"),
    [
        (3, 40, 0, 192, 256, 2228298277, 1453792052),
        (3, 40, 0, 600, 800, 1389439077, 1391719333),
        (29, 33, 0, 192, 256, 1026842315, 1346525841),
        (29, 33, 0, 600, 800, 2156527128, 1576964868),
        (52, 70, 1, 192, 256, 3244481381, 3960190092),
        (52, 70, 1, 600, 800, 2256171917, 1363672466),
    ],
)
def test_scenes_are_the_same_on_every_machine(drive, frame, seed, height, width, image, mask):
    """With every Python and NumPy, and every Pillow from 11.2.1 on, which draws as this does."""
    assert crc(*scene(drive, frame, seed, height, width)) == [image, mask]


def test_numbers_below_0_and_tiny_pictures_are_refused():
    with pytest.raises(ValueError, match="frame is -1; drives, frames and seeds count from 0"):
        scene(0, -1)
    with pytest.raises(ValueError, match="10×10 pixels is too small; 24×32 is the least"):
        scene(0, 0, height=10, width=10)


def test_a_point_twice_as_far_is_half_as_large():
    camera = Camera(street.drive(0, 0), 0, 600, 800)
    camera.curve = camera.twist = camera.slope = 0.0
    camera.x = 0.0
    post = [(3.0, 0, 10), (3.0, 2, 10), (3.1, 0, 10)]
    far = [(x, y, 20) for x, y, _ in post]
    picture, counts = camera.project(camera.see(np.array(post + far)), np.array([3, 3]))
    assert counts.tolist() == [3, 3]
    picture = picture[[0, 3]]
    right = picture[:, 0] - camera.u0
    down = picture[:, 1] - camera.v0
    assert right[0] == 2 * right[1] == 120  # f = 400 pixels: 400 · 3 / 10
    assert down[0] == pytest.approx(2 * down[1], abs=1 / 8)


def test_what_is_behind_the_camera_is_cut_off():
    camera = Camera(street.drive(0, 0), 0, 600, 800)
    wall = np.array([(3.0, -1.0, -5.0), (3.0, 1.0, -5.0), (3.0, 1.0, 5.0), (3.0, -1.0, 5.0)])
    picture, counts = camera.project(np.concatenate([wall, wall - (0, 0, 9)]), np.array([4, 4]))
    assert counts.tolist() == [4, 0]
    u = camera.u0 + camera.f * 3 / np.array([NEAR, NEAR, 5, 5])
    assert np.allclose(sorted(picture[:, 0]), sorted(u), atol=1 / 16)


def test_the_hood_is_where_it_is_in_the_real_frames(shared):
    folder = shared / "data/lyft_frames/dataA/dataA/CameraSeg"
    for path in sorted(folder.glob("*.png")):
        real = decode(np.array(Image.open(path)))[496:] == VEHICLES
        ours = scene(1, 5)[1][496:] == VEHICLES
        assert (real & ours).sum() / (real | ours).sum() > 0.985
    assert not (remove_hood(scene(1, 5)[1])[496:] == VEHICLES).any()


def test_neighbouring_frames_are_near_duplicates_and_drives_are_not():
    def alike(a, b):
        return np.mean([np.mean(x == y) for x, y in zip(a, b, strict=True)])

    masks = scenes(range(12), (30, 31, 60), height=48, width=64)[1].reshape(12, 3, 48, 64)
    neighbours = alike(masks[:, 0], masks[:, 1])
    strangers = alike(masks[:, 0], np.roll(masks[:, 0], 1, axis=0))
    assert neighbours > 0.9 and neighbours > strangers + 0.15
    assert strangers < alike(masks[:, 0], masks[:, 2]) < neighbours


def test_oncoming_cars_come_nearer_than_parked_ones_do():
    moved = 0
    for number in range(30):
        drive = street.drive(number, 0)
        before, after = traffic.moving(drive, 10), traffic.moving(drive, 11)
        for a, b in zip(before, after, strict=True):
            step = (b.points - a.points)[:, 2]
            assert np.allclose(step, step[0])  # a car keeps its shape
            moved += bool(-4 < step[0] < -0.1)
    assert moved >= 5


def test_every_weather_occurs_and_lasts_a_drive():
    kinds = [street.drive(number, 0).light.kind for number in range(80)]
    assert set(kinds) == set(light.KINDS)
    rain = kinds.index("rain")
    skies = [scene(rain, frame, height=96, width=128)[0][:8].mean() for frame in (0, 50)]
    assert abs(skies[0] - skies[1]) < 25


def test_label_edges_lie_on_colour_edges():
    """The label comes from the same call as the colour: shifted by two pixels it fits worse."""
    here = shifted = 0.0
    for number in range(10):
        image, mask = scene(number, 20, height=192, width=256)
        grey = image.astype(float).mean(2)
        contrast = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
        contrast += np.abs(np.diff(grey, axis=0, append=grey[-1:]))
        edge = outlines(mask)
        here += contrast[edge].mean()
        shifted += np.mean([contrast[np.roll(edge, 2, axis)].mean() for axis in (0, 1)])
    assert here > 1.4 * shifted


def test_wet_ground_changes_the_colour_and_not_the_class():
    drive = street.drive(0, 0)
    dry, wet = (
        render.draw_frame(replace(drive, light=replace(drive.light, wet=w)), 8, 192, 256)
        for w in (0.0, 0.8)
    )
    assert np.array_equal(dry[1], wet[1])
    change = np.abs(dry[0].astype(float) - wet[0]).mean(2)
    assert change[dry[1] == LYFT.id("Roads")].mean() > 5
    assert change[:80].max() == 0  # the sky stays dry


def test_a_wet_road_mirrors_what_stands_above_it():
    """Column by column, the far part of a wet road is bright where the sky above it is."""
    fits = {}
    for wet in (0.0, 0.9):
        found = []
        for number in range(6):
            drive = street.drive(number, 0)
            drive = replace(drive, light=replace(drive.light, wet=wet))
            image, mask = render.draw_frame(drive, 8, 192, 256)
            grey, road = image.mean(2), mask == LYFT.id("Roads")
            horizon = int(drive.pitch * 192)
            columns = road[horizon + 20 : horizon + 50].all(0)
            above = grey[horizon - 50 : horizon - 20].mean(0)[columns]
            below = grey[horizon + 20 : horizon + 50].mean(0)[columns]
            found.append(np.corrcoef(above, below)[0, 1])
        fits[wet] = np.mean(found)
    assert fits[0.9] > 0.4 and fits[0.9] > fits[0.0] + 0.2


def test_clouds_cover_the_sky_as_the_weather_says():
    clear = next(d for n in range(40) if (d := street.drive(n, 0)).light.kind == "clear")

    def blue(cover):
        picture = sky.sky(replace(clear.light, cover=cover), clear.key, 192, 256, 90)[:60]
        return (picture[..., 2] - picture[..., 0]).mean()

    assert blue(0.0) > blue(0.5) + 5 > blue(1.0) + 10


def test_scenes_come_drive_by_drive_and_without_the_hood():
    images, masks = scenes(iter((4, 9)), iter((0, 3, 6)), seed=2, height=48, width=64)
    assert images.shape == (6, 48, 64, 3) and masks.shape == (6, 48, 64)
    alone = scenes([9], [3], seed=2, height=48, width=64)
    assert np.array_equal(images[4], alone[0][0]) and np.array_equal(masks[4], alone[1][0])
    assert not (masks[:, 41:] == VEHICLES).any()


def test_write_makes_the_lyft_layout(tmp_path):
    write(tmp_path, range(5, 15), (0, 8), height=60, width=80)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"data{c}" for c in "ABCDE"]
    first = tmp_path / "dataA/dataA"
    names = ["F5-0.png", "F5-8.png", "F6-0.png", "F6-8.png"]
    for kind in ("CameraRGB", "CameraSeg"):
        assert sorted(p.name for p in (first / kind).iterdir()) == names
    label = np.array(Image.open(first / "CameraSeg/F6-8.png"))
    image, mask = scene(6, 8, height=60, width=80)
    assert np.array_equal(label[..., 0], mask) and not label[..., 1:].any()
    assert np.array_equal(np.array(Image.open(first / "CameraRGB/F6-8.png")), image)

    pairs = data.find(tmp_path)
    assert len(pairs) == 20 and not data.verify(pairs)
    train, validation = data.split(pairs)
    assert len(set(pairs.drives)) == 10 and not set(train.drives) & set(validation.drives)


def test_write_goes_on_where_it_was_stopped(tmp_path):
    write(tmp_path, [1], [0, 1], height=48, width=64)
    folder = tmp_path / "dataA/dataA"
    whole, lost = folder / "CameraSeg/F1-0.png", folder / "CameraSeg/F1-1.png"
    before, content = whole.stat().st_mtime_ns, lost.read_bytes()
    lost.replace(lost.with_suffix(".part"))  # as if stopped while writing
    write(tmp_path, [1], [0, 1], height=48, width=64)
    assert whole.stat().st_mtime_ns == before and lost.read_bytes() == content
    assert not list(tmp_path.rglob("*.part"))
