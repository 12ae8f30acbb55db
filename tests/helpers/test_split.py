import io

import numpy as np
import pytest
from PIL import Image

from helpers import data
from helpers.classes import CAMVID
from helpers.data.near_duplicates import NEAR
from helpers.data.pairs import Pair
from helpers.streets import scene, write

FRAMES, DRIVES = 5, 40


def pairs_of(path, **drives: int) -> data.Pairs:
    """Pairs without files: so many frames of each drive."""
    frames = [(drive, i) for drive, count in drives.items() for i in range(count)]
    return data.Pairs(tuple(Pair(path / f"{d}-{i}.png", None, d, True) for d, i in frames))


def test_equal_drives_share_by_their_number(tmp_path):
    pairs = pairs_of(tmp_path, **{f"F{drive}": 3 for drive in range(10)})
    for share, drives in ((0.01, 1), (0.2, 2), (0.33, 3), (0.5, 5), (0.99, 9)):
        for seed in range(5):
            train, validation = data.split(pairs, share, seed)
            assert len(set(validation.drives)) == drives and len(validation) == 3 * drives
            assert not set(train.drives) & set(validation.drives)
            assert {*train.items, *validation.items} == {*pairs.items}
    assert len({tuple(data.split(pairs, seed=seed)[1].drives) for seed in range(20)}) > 10


@pytest.mark.parametrize("seed", range(8))
def test_drives_of_unequal_length_share_the_frames(tmp_path, seed):
    lengths = {"long": 600, **{f"short{i}": 20 for i in range(20)}}
    train, validation = data.split(pairs_of(tmp_path, **lengths), 0.2, seed)
    assert len(validation) == 200 and "long" in train.drives
    train, validation = data.split(pairs_of(tmp_path, long=90, short=10), 0.2, seed)
    assert set(validation.drives) == {"short"} and set(train.drives) == {"long"}


def test_several_folders_with_the_same_file_names_are_several_drives(tmp_path):
    for folder in ("dataA", "dataB"):
        for kind in ("CameraRGB", "CameraSeg"):
            place = tmp_path / folder / folder / kind
            place.mkdir(parents=True)
            for name in ("F1-0.png", "F1-1.png"):
                Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(place / name)
    train, validation = data.split(data.find(tmp_path))
    assert set(train.drives) | set(validation.drives) == {"dataA/F1", "dataB/F1"}
    assert len(train) == len(validation) == 2


def test_what_can_not_be_split_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"only one drive \(F1\).*A drive is a folder, or"):
        data.split(pairs_of(tmp_path, F1=9))
    with pytest.raises(ValueError, match="validation is 20; it is a share, between 0 and 1"):
        data.split(pairs_of(tmp_path, F1=9, F2=9), validation=20)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """40 drives of 5 neighbouring frames, as files."""
    folder = tmp_path_factory.mktemp("streets")
    return data.find(write(folder, range(DRIVES), range(FRAMES), height=96, width=128))


def seen(train, validation) -> float:
    """The share of the validation frames that have a near-duplicate in training."""
    return len({j for _, j, _ in data.near_duplicates(train, validation)}) / len(validation)


def test_a_split_by_drive_shares_no_near_duplicate_and_a_random_one_nearly_all(streets):
    for seed in range(3):
        assert seen(*data.split(streets, seed=seed)) == 0
    shuffled = [streets.items[i] for i in np.random.default_rng(0).permutation(len(streets))]
    validation, train = data.Pairs(tuple(shuffled[:40])), data.Pairs(tuple(shuffled[40:]))
    assert seen(train, validation) > 0.75


def test_neighbours_lie_apart_from_other_drives(streets):
    prints = np.stack([data.fingerprint(image) for image, _ in streets])
    assert prints.shape == (DRIVES * FRAMES, 8) and prints.dtype == np.uint64
    bits = np.bitwise_count(prints[:, None] ^ prints).sum(-1)
    drive = np.array(streets.drives)
    others = bits[drive[:, None] != drive]
    neighbours = np.diagonal(bits, 1)[drive[1:] == drive[:-1]]
    assert others.min() > NEAR
    assert np.median(neighbours) < 0.4 * np.median(others)
    assert (neighbours <= NEAR).mean() > 0.75


def jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def test_a_changed_copy_keeps_its_fingerprint():
    image = scene(3, 0, height=300, width=400)[0]
    other = scene(4, 0, height=300, width=400)[0]
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    copies = [
        (image * 0.7).astype(np.uint8),
        np.clip(image * 1.2 + 10, 0, 255).astype(np.uint8),
        np.clip(image + noise, 0, 255).astype(np.uint8),
        jpeg(image),
        np.asarray(Image.fromarray(image).resize((160, 120), Image.Resampling.BILINEAR)),
    ]
    found = data.near_duplicates(copies, [other, image])
    assert [(i, j) for i, j, _ in found] == [(i, 1) for i in range(len(copies))]
    assert max(bits for *_, bits in found) < 60


def test_the_distance_decides_and_every_frame_finds_itself(streets):
    few = data.Pairs(streets.items[:FRAMES])
    exact = [(i, i, 0) for i in range(FRAMES)]
    assert data.near_duplicates(few, few, distance=0) == exact
    assert len(data.near_duplicates(few, streets, distance=512)) == FRAMES * len(streets)
    assert data.near_duplicates(few, []) == []


def test_chunks_change_nothing():
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (300, 20, 20, 3), np.uint8))
    prints = np.stack([data.fingerprint(image) for image in images])
    bits = np.bitwise_count(prints[:, None] ^ prints).sum(-1, dtype=int)
    many = data.near_duplicates(images * 4, images * 4, distance=220)  # in more than one chunk
    assert many == [(i, j, b) for (i, j), b in np.ndenumerate(np.tile(bits, (4, 4))) if b <= 220]


def test_real_frames(shared):
    camvid = data.find(shared / "data/camvid_pairs", CAMVID)
    found = {(i, j) for i, j, _ in data.near_duplicates(camvid, camvid) if i < j}
    names, numbers = camvid.names, [int(name.split("_")[1]) for name in camvid.names]
    near = {(i, j) for i in range(8) for j in range(i) if names[i][:4] == names[j][:4]}
    assert found <= {(j, i) for i, j in near}, "never frames of two sequences"
    assert {(j, i) for i, j in near if abs(numbers[i] - numbers[j]) <= 4} <= found
    lyft = data.find(shared / "data/lyft_frames")
    assert data.near_duplicates(lyft, camvid) == []
    assert [(i, j) for i, j, _ in data.near_duplicates(lyft, lyft)] == [(0, 0), (1, 1)]


def test_a_file_that_can_not_be_read_is_named(tmp_path):
    for kind in ("CameraRGB", "CameraSeg"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "F1-0.png").write_text("<html>404</html>")
    with pytest.raises(ValueError, match="CameraRGB/F1-0.png: not a picture"):
        data.near_duplicates(data.find(tmp_path), [])
