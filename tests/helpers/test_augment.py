from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from helpers.augment import ELASTIC_MOST, STREET, Augment
from helpers.augment.geometry import CELLS, resample, source
from helpers.augment.photometry import add_noise, blur, colour_matrix, recolour
from helpers.classes import CAMVID, IGNORE
from helpers.data import find
from helpers.streets import scenes

EVERYTHING = replace(STREET, crop=1, elastic=ELASTIC_MOST, rotate=180)
GEOMETRY = Augment(flip=0.5, crop=6, scale=(0.6, 2.5), rotate=180, elastic=ELASTIC_MOST)
PHOTOMETRY = Augment(brightness=1, contrast=1, saturation=1, hue=180, blur=3, noise=0.2)
S1 = Augment(crop=16, flip=0.5, blur=3)  # the recipe of the small U-Net that the course mends

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
seeds = st.integers(0, 2**63) | st.tuples(*[st.integers(0, 2**31)] * 3)


def pair(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 256, (height, width, 3), np.uint8),
        rng.integers(0, 256, (height, width), np.uint8),
    )


def coordinates(height=120, width=150):
    """An image whose red is its row and green its column, and two masks with the same."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.dstack([rows, columns, np.zeros_like(rows)]), rows, columns


# Geometry


@settings(deadline=None)
@given(size=sizes, seed=seeds, strengths=st.sampled_from([EVERYTHING, GEOMETRY, STREET]))
def test_a_mask_gets_no_id_that_it_did_not_have(size, seed, strengths):
    image, mask = pair(*size)
    strengths = replace(strengths, crop=min(strengths.crop, (min(size) - 1) // 2))
    seen, ids = strengths(image, mask, seed)
    assert set(np.unique(ids)) <= set(np.unique(mask)) | {IGNORE}
    assert ids.shape == size and ids.dtype == np.uint8 and ids.flags.c_contiguous
    assert seen.shape == (*size, 3) and seen.dtype == np.uint8 and seen.flags.c_contiguous
    assert seen.flags.writeable and ids.flags.writeable


@settings(deadline=None)
@given(seed=seeds)
def test_image_and_mask_stay_aligned(seed):
    """The image says where each pixel was fetched from; so do the masks, to half a pixel."""
    image, rows, columns = coordinates()
    seen, row = GEOMETRY(image, rows, seed)
    _, column = GEOMETRY(image, columns, seed)
    there = row != IGNORE
    assert np.array_equal(there, column != IGNORE)
    assert there.any()
    for channel, ids in ((seen[..., 0], row), (seen[..., 1], column)):
        # both are whole numbers: half a pixel, and half a grey level of the image's rounding
        assert np.abs(channel.astype(int) - ids)[there].max() <= 1
        assert np.abs(channel.astype(float) - ids)[there].mean() <= 0.5


@settings(deadline=None)
@given(seed=seeds)
def test_what_is_fetched_is_what_the_places_say(seed):
    """The same places, read by another library."""
    rng = np.random.default_rng(seed)
    image, mask = pair(23, 31, seed)
    shifts = rng.uniform(-1, 1, (2, CELLS + 3, CELLS + 3)) * [[[1.4]], [[1.8]]]
    box = (*rng.uniform(-5, 5, 2), *rng.uniform(10, 40, 2))
    places = source((29, 27), box, rng.uniform(-180, 180), seed == 0, shifts)
    seen, ids = resample(image, mask, *places)
    for channel in range(3):
        expected = map_coordinates(
            image[..., channel].astype(float), places, order=1, mode="nearest"
        )
        assert np.abs(seen[..., channel] - expected).max() <= 2.5  # places are rounded to 1/256
    nearest = map_coordinates(mask, places, order=0, mode="nearest")
    inside = np.logical_and.reduce(
        [(p > -0.49) & (p < n - 0.51) for p, n in zip(places, mask.shape, strict=True)]
    )
    on_the_edge = np.any([np.abs(p % 1 - 0.5) < 0.01 for p in places], axis=0)
    assert np.array_equal(ids[inside & ~on_the_edge], nearest[inside & ~on_the_edge])
    outside = np.any(
        [(p < -0.51) | (p > n - 0.49) for p, n in zip(places, mask.shape, strict=True)], axis=0
    )
    assert (ids[outside] == IGNORE).all()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_equal_rot90(turns):
    image, mask = pair(24, 24)
    seen, ids = resample(image, mask, *source((24, 24), (0, 0, 24, 24), degrees=90 * turns))
    assert np.array_equal(seen, np.rot90(image, turns))
    assert np.array_equal(ids, np.rot90(mask, turns))


@pytest.mark.parametrize(("height", "width"), [(16, 20), (15, 21), (1, 1), (1, 7), (7, 1)])
def test_scale_2_is_what_nearest_says(height, width):
    image, mask = pair(height, width)
    size = (2 * height, 2 * width)
    seen, ids = resample(image, mask, *source(size, (0, 0, height, width)))
    assert np.array_equal(ids, mask.repeat(2, 0).repeat(2, 1))
    pillow = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    assert np.abs(seen.astype(int) - np.asarray(pillow)).max() <= 1


@given(size=sizes)
def test_flip_twice_is_where_it_began(size):
    image, mask = pair(*size)
    flip = Augment(flip=1)
    once = flip(image, mask, 0)
    assert np.array_equal(once[0], image[:, ::-1]) and np.array_equal(once[1], mask[:, ::-1])
    twice = flip(*once, 1)
    assert np.array_equal(twice[0], image) and np.array_equal(twice[1], mask)
    resampled = resample(image, mask, *source(size, (0, 0, *size), mirror=True))
    assert np.array_equal(resampled[0], once[0]) and np.array_equal(resampled[1], once[1])


def test_half_of_the_pairs_are_flipped():
    image, mask = pair(4, 6)
    flipped = [Augment(flip=0.5)(image, mask, i)[1][0, 0] != mask[0, 0] for i in range(400)]
    assert 160 < sum(flipped) < 240


def test_a_window_is_a_piece_of_the_pair_as_it_is():
    image, rows, columns = coordinates()
    window = Augment(height=40, width=50)
    corners = set()
    for seed in range(50):
        seen, row = window(image, rows, seed)
        column = window(image, columns, seed)[1]
        top, left = row[0, 0], column[0, 0]
        assert np.array_equal(seen, image[top : top + 40, left : left + 50])
        assert np.array_equal(row, rows[top : top + 40, left : left + 50])
        corners.add((top, left))
    assert len(corners) > 40
    _, larger = Augment(height=200, width=200)(image, rows, 0)
    assert (larger == IGNORE).sum() == 200 * 200 - rows.size, "what is not there is ignored"


def test_crop_cuts_each_side_by_itself_and_keeps_the_size():
    image, rows, columns = coordinates()
    sides = []
    for seed in range(200):
        row, column = (Augment(crop=16)(image, m, seed)[1] for m in (rows, columns))
        assert row.shape == rows.shape and not (row == IGNORE).any()
        sides.append((row.min(), 119 - row.max(), column.min(), 149 - column.max()))
    sides = np.array(sides)
    assert (sides.min(0) == 0).all() and (sides.max(0) == 16).all()
    assert np.abs(np.corrcoef(sides.T) - np.eye(4)).max() < 0.3


def test_zoom_stays_in_its_range_and_wanders():
    image, rows, _ = coordinates()
    shown, tops = [], []
    for seed in range(100):
        row = Augment(scale=(1, 2))(image, rows, seed)[1]
        assert not (row == IGNORE).any()
        shown.append(int(row.max()) - row.min() + 1)
        tops.append(row.min())
    assert 59 <= min(shown) < 66 and 114 < max(shown) <= 120
    assert len(set(tops)) > 20
    smaller = Augment(scale=(0.5, 0.5))(image, rows, 0)[1]
    assert (smaller == IGNORE).mean() == pytest.approx(0.75, abs=0.02)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(8, 300), width=st.integers(8, 300))
def test_elastic_bends_and_never_folds(seed, height, width):
    rng = np.random.default_rng(seed)
    most = ELASTIC_MOST * np.reshape([height, width], (2, 1, 1))
    shifts = rng.choice([-1, 1], (2, CELLS + 3, CELLS + 3)) * most  # as rough as can be
    size = (height, width)
    rows, columns = source(size, (0, 0, height, width), shifts=shifts)
    straight = source(size, (0, 0, height, width))
    assert np.abs(rows - straight[0]).max() <= most[0] + 1e-9
    assert np.abs(columns - straight[1]).max() <= most[1] + 1e-9
    (yy, yx), (xy, xx) = np.gradient(rows), np.gradient(columns)
    assert (yy * xx - yx * xy > 0).all()


# Photometry


@settings(deadline=None)
@given(size=sizes, seed=seeds)
def test_photometry_leaves_the_mask_alone(size, seed):
    image, mask = pair(*size)
    before = image.copy(), mask.copy()
    seen, ids = PHOTOMETRY(image, mask, seed)
    assert np.array_equal(ids, mask) and ids is not mask
    assert seen.shape == image.shape and seen.dtype == np.uint8
    assert np.array_equal(image, before[0]) and np.array_equal(mask, before[1])


def test_one_matrix_does_brightness_contrast_saturation_and_hue():
    image = pair(20, 30)[0]
    plain = image.astype(float)
    cases = (
        ({}, plain),
        ({"brightness": 1.3}, plain * 1.3),
        ({"contrast": 0.5}, (plain - 127.5) * 0.5 + 127.5),
        ({"saturation": 0}, plain.mean(2, keepdims=True).repeat(3, 2)),
        ({"hue": 120}, plain[..., [2, 0, 1]]),
        ({"hue": -240, "brightness": 0.5}, plain[..., [2, 0, 1]] / 2),
    )
    for factors, expected in cases:
        seen = recolour(image, colour_matrix(**factors))
        assert np.abs(seen - expected.clip(0, 255)).max() <= 0.51, factors


def test_grey_has_no_hue():
    grey = np.full((2, 2, 3), 90, np.uint8)
    assert np.array_equal(recolour(grey, colour_matrix(hue=77, saturation=2)), grey)


@pytest.mark.parametrize("sigma", [0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5])
def test_blur_is_gaussian(sigma):
    spot = np.zeros((81, 81, 3), np.uint8)
    spot[20:61, 20:61] = 200  # its edge's slope shows the kernel
    seen = blur(spot, sigma)
    expected = gaussian_filter(spot.astype(float), (sigma, sigma, 0), mode="nearest")
    if sigma >= 0.5:  # below, a Gaussian that is sampled at whole pixels has another variance
        assert np.abs(seen - expected).max() < 10
    assert np.array_equal(seen, seen[::-1]) and np.array_equal(seen, seen[:, ::-1])
    slope = np.diff(blur(spot, sigma)[40, :41, 0].astype(float))
    at = np.arange(40) + 0.5
    mean = (slope * at).sum() / slope.sum()
    measured = ((slope * (at - mean) ** 2).sum() / slope.sum()) ** 0.5
    assert measured == pytest.approx(sigma, abs=0.03)
    flat = np.full((5, 4, 3), 255, np.uint8)
    assert np.array_equal(blur(flat, sigma), flat)


def test_no_blur_is_no_change():
    image = pair(9, 9)[0]
    assert np.array_equal(blur(image, 0), image)


def test_noise_has_the_deviation_that_was_asked_for():
    grey = np.full((200, 300, 3), 128, np.uint8)
    for deviation in (1, 5, 20):
        noise = add_noise(grey, deviation, 0.3).astype(float) - 128
        assert noise.mean() == pytest.approx(0, abs=0.02 * deviation + 0.01)
        assert noise.std() == pytest.approx((deviation**2 + 1 / 12) ** 0.5, rel=0.02)
        channels = noise.reshape(-1, 3).T
        assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < 0.02
    assert add_noise(np.zeros((600, 800, 3), np.uint8), 3, 0.99).std() > 1, "larger than the table"


# All together


@given(size=sizes, seed=seeds)
@settings(deadline=None)
def test_the_same_seed_is_the_same_result(size, seed):
    image, mask = pair(*size)
    augment = replace(EVERYTHING, crop=0)
    once, again = (augment(image, mask, seed) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    backwards = augment(image[:, ::-1][:, ::-1], np.asfortranarray(mask), seed)
    assert all(np.array_equal(a, b) for a, b in zip(once, backwards, strict=True)), "any strides"


def test_other_seeds_are_other_results():
    image, mask = pair(40, 50)
    seeds = [(run, epoch, index) for run in range(3) for epoch in range(3) for index in range(3)]
    seen = {EVERYTHING(image, mask, seed)[0].tobytes() for seed in seeds}
    assert len(seen) == len(seeds)


def test_the_numbers_are_the_same_everywhere():
    """If this fails, runs that were made with an older version can't be repeated."""
    rows, columns = np.mgrid[:30, :40]
    image = np.dstack([8 * rows, 6 * columns, 3 * (rows + columns)]).astype(np.uint8)
    mask = (rows // 8 * 5 + columns // 9).astype(np.uint8)
    seen, ids = EVERYTHING(image, mask, (1, 2, 5))
    assert ids[::12, ::8].tolist() == [
        [255, 255, 18, 14, 255],
        [255, 16, 12, 7, 3],
        [15, 10, 5, 1, 255],
    ]
    assert seen[::10, ::13, 1].tolist() == [
        [161, 209, 255, 255],
        [91, 129, 188, 246],
        [1, 63, 128, 170],
    ]


def test_one_strength_leaves_the_draws_of_the_others_alone():
    image, mask = pair(30, 40)
    for name in (f.name for f in fields(STREET) if f.name in ("brightness", "hue", "noise")):
        weaker = replace(STREET, **{name: 0})
        for seed in range(5):
            assert np.array_equal(STREET(image, mask, seed)[1], weaker(image, mask, seed)[1])


def test_all_off_is_a_copy():
    image, mask = pair(7, 9)
    seen, ids = Augment()(image, mask, 3)
    assert np.array_equal(seen, image) and np.array_equal(ids, mask)
    assert not np.shares_memory(seen, image) and not np.shares_memory(ids, mask)


def test_the_recipe_of_the_course():
    (image,), (mask,) = scenes([3], [0], height=192, width=256)
    seen, ids = S1(image, mask, 5)
    assert set(np.unique(ids)) <= set(np.unique(mask)) and seen.shape == image.shape
    assert not np.array_equal(ids, mask)
    assert np.array_equal(replace(S1, blur=0)(image, mask, 5)[1], ids)


def test_it_works_on_real_frames(shared):
    for image, mask in list(find(shared / "data/camvid_pairs", CAMVID))[:2]:
        seen, ids = STREET(image, mask, 0)
        assert set(np.unique(ids)) <= set(np.unique(mask)) | {IGNORE}
        assert np.corrcoef(seen.mean(2).ravel(), image.mean(2).ravel())[0, 1] > -1
        assert (ids == IGNORE).mean() < 0.5


@pytest.mark.parametrize(
    ("image", "mask", "words"),
    [
        (np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), "the image is float64; augment takes"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), int), "the mask is int64; augment takes"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8), r"\(4, 4, 3\).*mask \(4, 5\)"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8), "they are H×W×3 and H×W"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 13), np.uint8), "with the same H and W"),
        (np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4), np.uint8), "the same H and W"),
    ],
)
def test_what_is_no_pair_is_refused(image, mask, words):
    with pytest.raises(ValueError, match=words):
        STREET(image, mask, 0)


def test_a_crop_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="crop=16 can cut 16 pixels .* mask of 32×40"):
        S1(*pair(32, 40), 0)


@pytest.mark.parametrize(
    ("strengths", "words"),
    [
        ({"flip": 1.5}, "flip is 1.5; it goes from 0 .off. to 1"),
        ({"elastic": 0.2}, "elastic is 0.2; .* to 0.06"),
        ({"blur": -1}, "blur is -1; it goes from 0 .off. upwards"),
        ({"rotate": float("nan")}, "rotate is nan"),
        ({"scale": (0, 1)}, r"scale is \(0, 1\)"),
        ({"scale": (2, 1)}, r"\(lowest, highest\)"),
        ({"height": 5}, "give both or none"),
        ({"height": 0, "width": 5}, "at least 1 pixel"),
    ],
)
def test_strengths_that_make_no_sense_are_refused(strengths, words):
    with pytest.raises(ValueError, match=words):
        Augment(**strengths)
