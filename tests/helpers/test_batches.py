import multiprocessing
import os
import subprocess
import sys
import zipfile
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from helpers import data
from helpers.augment import Augment
from helpers.data import cache
from helpers.streets import scenes, write

CHANGES = Augment(flip=0.5, rotate=10, brightness=0.3)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """Eight pairs of streets on disk, 60×80, in the Lyft layout; not to be written to."""
    root = write(tmp_path_factory.mktemp("streets"), range(2), range(0, 16, 4), height=60, width=80)
    return data.find(root)


@pytest.fixture
def own(tmp_path):
    """Four pairs of streets on disk, to be changed."""
    return data.find(write(tmp_path / "own", [5], range(4), height=48, width=64))


def numbered(count, height=4, width=6):
    """Pairs whose pixels are their number."""
    numbers = np.arange(count, dtype=np.uint8)
    masks = numbers[:, None, None] * np.ones((count, height, width), np.uint8)
    return np.stack([masks] * 3, -1), masks


# load


def test_load_gives_every_pair_in_order_at_the_size_that_was_asked_for(streets):
    images, masks = data.load(streets, 60, 80, clean=False)
    for i, (image, mask) in enumerate(streets):
        assert np.array_equal(images[i], image) and np.array_equal(masks[i], mask)
    images, masks = data.load(streets, 24, 32)
    assert images.shape == (8, 24, 32, 3) and masks.shape == (8, 24, 32)
    assert images.dtype == masks.dtype == np.uint8


def test_masks_are_cleaned_at_full_size_before_they_are_resized(tmp_path):
    label = np.zeros((600, 800, 3), np.uint8)
    label[496:, :, 0] = 10  # at 96 rows the hood would begin between two of them
    for name in ("CameraRGB", "CameraSeg"):
        (tmp_path / name).mkdir()
        Image.fromarray(label).save(tmp_path / name / "F1-1.png")
    pairs = data.find(tmp_path)
    assert not data.load(pairs)[1].any()
    assert data.load(pairs, clean=False)[1].any()


def test_the_first_faulty_pair_in_order_speaks(own):
    for i, text in ((3, b""), (1, b"<html>"), (2, b"")):
        own.items[i].mask.write_bytes(text)
    for _ in range(5):
        with pytest.raises(ValueError, match=f"{own.items[1].mask.name}: not a picture"):
            data.load(own)
    Image.fromarray(np.full((48, 64), 17, np.uint8)).save(own.items[0].mask)
    with pytest.raises(ValueError, match="class id 17 at row 0, column 0; ids are 0 to 12"):
        data.load(own)


def test_real_frames_are_loaded_and_cleaned(shared):
    images, cleaned = data.load(data.find(shared / "data/lyft_frames"))
    assert images.shape == (2, 96, 128, 3) and cleaned.shape == (2, 96, 128)
    assert not (cleaned[:, 80:] == 10).any(), "the hood is gone"
    raw = data.load(data.find(shared / "data/lyft_frames"), clean=False)[1]
    assert (raw[:, 85:] == 10).mean() > 0.9


def test_ctrl_c_ends_the_loading(streets, monkeypatch):
    read = []

    def interrupted(pair):
        read.append(pair)
        if len(read) == 3:
            raise KeyboardInterrupt
        return np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.uint8)

    monkeypatch.setattr(data.Pair, "read", interrupted)
    many = data.Pairs(streets.items * 500)
    with pytest.raises(KeyboardInterrupt):
        data.load(many, 6, 8)
    assert len(read) < 2000


# cache


def counted(monkeypatch):
    """How often a picture was decoded, as a list that grows."""
    decoded, read = [], data.Pair.read

    def counting(pair):
        decoded.append(pair)
        return read(pair)

    monkeypatch.setattr(data.Pair, "read", counting)
    return decoded


def test_the_cache_spares_the_decoding(streets, tmp_path, monkeypatch):
    decoded = counted(monkeypatch)
    plain = data.load(streets, 24, 32)
    for expected in (8, 0, 0):
        decoded.clear()
        kept = data.load(streets, 24, 32, cache=tmp_path / "new" / "folder")
        assert len(decoded) == expected
        for a, b in zip(kept, plain, strict=True):
            assert np.array_equal(a, b) and a.dtype == b.dtype and a.flags.writeable


def test_other_pairs_sizes_and_options_have_their_own_file(streets, tmp_path):
    half = data.Pairs(streets.items[:4])
    wanted = [
        (streets, 24, 32, True),
        (streets, 32, 24, True),
        (streets, 24, 32, False),
        (half, 24, 32, True),
    ]
    for _ in range(2):
        for pairs, *options in wanted:
            kept, plain = data.load(pairs, *options, cache=tmp_path), data.load(pairs, *options)
            assert all(np.array_equal(a, b) for a, b in zip(kept, plain, strict=True))
    assert len(list(tmp_path.iterdir())) == 4


def test_a_changed_file_is_noticed(own, tmp_path):
    first = data.load(own, 24, 32, cache=tmp_path / "cache")[1]
    mask = own.items[2].mask
    state = mask.stat()
    Image.fromarray(np.full((48, 64), 8, np.uint8)).save(mask)
    changed = data.load(own, 24, 32, cache=tmp_path / "cache")[1]
    assert (changed[2] == 8).all() and np.array_equal(changed[3], first[3])
    mask.write_bytes(mask.read_bytes() + b"\0")  # another size, the time put back
    os.utime(mask, ns=(state.st_atime_ns, state.st_mtime_ns))
    before = (tmp_path / "cache").stat().st_mtime_ns
    data.load(own, 24, 32, cache=tmp_path / "cache")
    assert (tmp_path / "cache").stat().st_mtime_ns > before
    assert len(list((tmp_path / "cache").iterdir())) == 1, "the stale one is replaced"


def test_changed_code_is_noticed(streets, tmp_path, monkeypatch):
    data.load(streets, 24, 32, cache=tmp_path)
    decoded = counted(monkeypatch)
    monkeypatch.setattr(cache.PIL, "__version__", "99")
    data.load(streets, 24, 32, cache=tmp_path)
    assert len(decoded) == 8


def test_a_damaged_cache_is_built_again(streets, tmp_path):
    plain = data.load(streets, 24, 32, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1  # one bit of one pixel
    rng = np.random.default_rng(0)
    noisy = [bytearray(whole) for _ in range(20)]
    for copy in noisy:
        for at in rng.integers(0, len(whole), 50):
            copy[at] ^= 255
    for damaged in (b"", b"PK", whole[: len(whole) // 2], flipped, rng.bytes(5000), *noisy):
        file.write_bytes(damaged)
        kept = data.load(streets, 24, 32, cache=tmp_path)
        assert all(np.array_equal(a, b) for a, b in zip(kept, plain, strict=True))
    assert file.read_bytes()[:100] == whole[:100] and len(list(tmp_path.iterdir())) == 1


def test_faulty_pairs_leave_nothing_behind(own, tmp_path):
    own.items[1].mask.unlink()
    with pytest.raises(ValueError, match="no such file"):
        data.load(own, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_interrupted_write_leaves_nothing_behind(streets, tmp_path, monkeypatch):
    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cache.np, "savez", interrupted)
        data.load(streets, 24, 32, cache=tmp_path)
    assert not list(tmp_path.iterdir())


def _load(pairs, folder, barrier, answers):
    barrier.wait()
    answers.put(int(data.load(pairs, 24, 32, cache=folder)[0].sum()))


def test_two_processes_may_write_the_same_cache(streets, tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    both = [
        context.Process(target=_load, args=(streets, tmp_path, barrier, answers)) for _ in range(2)
    ]
    for process in both:
        process.start()
    sums = [answers.get(timeout=120) for _ in both]
    for process in both:
        process.join()
    assert sums == [int(data.load(streets, 24, 32)[0].sum())] * 2
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_pairs_in_a_zip_are_cached_too(own, tmp_path, monkeypatch):
    archive = tmp_path / "zipped" / "lyft.zip"
    archive.parent.mkdir()
    root = own.items[0].image.parents[1]
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*.png")):
            file.write(path, path.relative_to(root))
    pairs = data.find(archive)
    plain = data.load(own)
    decoded = counted(monkeypatch)
    for expected in (4, 0):
        decoded.clear()
        kept = data.load(pairs, cache=tmp_path / "cache")
        assert all(np.array_equal(a, b) for a, b in zip(kept, plain, strict=True))
        assert len(decoded) == expected


# batches


def test_batches_show_every_pair_once_an_epoch_and_flip_both():
    images, masks = numbered(12)
    images[:, :, 0] = 255
    label = np.zeros_like(masks)
    label[:, :, 0] = 5
    seen, sides = [], []
    for x, y in islice(data.batches(images, label, batch=4, seed=3), 3):
        seen += x[:, 0, 2, 0].tolist()
        left, right = (x[:, 0, 0, 0] == 255), (x[:, 0, -1, 0] == 255)
        assert np.array_equal(left, y[:, 0, 0] == 5) and np.array_equal(right, y[:, 0, -1] == 5)
        sides += left.tolist()
    assert sorted(seen) == list(range(12)) and len(set(sides)) == 2
    assert (images[:, 0, 0, 0] == 255).all(), "the source stays as it was"
    with pytest.raises(ValueError, match="do not fill a batch of 13"):
        next(data.batches(images, label, batch=13))


def test_the_plain_stream_never_changes():
    """Graded examples were trained on it."""
    images, masks = numbered(7, 1, 3)
    masks[:, :, 0] += 100
    drawn = [y[:, 0].tolist() for _, y in islice(data.batches(images, masks, 2, seed=5), 4)]
    assert drawn == [
        [[1, 1, 101], [4, 4, 104]],
        [[2, 2, 102], [3, 3, 103]],
        [[6, 6, 106], [105, 5, 5]],
        [[102, 2, 2], [1, 1, 101]],
    ]


def test_an_augment_takes_the_place_of_the_flip():
    images, masks = scenes(range(3), range(2), height=24, width=32)
    as_they_are = data.batches(images, masks, 3, augment=Augment())
    whole = {image.tobytes() for x, _ in islice(as_they_are, 2) for image in x}
    assert whole == {image.tobytes() for image in images}
    stream = data.batches(images, masks, 3, seed=4, augment=CHANGES)
    epochs = [[next(stream) for _ in range(2)] for _ in range(2)]
    for x, y in sum(epochs, []):
        assert x.shape == (3, 24, 32, 3) and y.shape == (3, 24, 32)
        assert x.dtype == y.dtype == np.uint8
    seen = {image.tobytes() for x, _ in sum(epochs, []) for image in x}
    assert len(seen) == 12, "each epoch draws anew"
    expected = {
        CHANGES(images[i], masks[i], (4, epoch, i))[0].tobytes()
        for epoch in range(2)
        for i in range(6)
    }
    assert seen == expected, "(seed, epoch, index) is the sample"


def test_windows_make_batches_of_their_size():
    images, masks = scenes([0], range(4), height=60, width=80)
    x, y = next(data.batches(images, masks, 4, augment=Augment(height=20, width=30)))
    assert x.shape == (4, 20, 30, 3) and y.shape == (4, 20, 30)


# both frameworks

FRAMES = """
import sys
import hashlib
import numpy as np
from helpers.augment import STREET
from helpers.streets import scenes
images, masks = scenes(range(3), range(2), height=24, width=32)
def digest(image, mask):
    image, mask = np.ascontiguousarray(image, "<f4"), np.ascontiguousarray(mask, "<i4")
    print(hashlib.sha256(image.tobytes() + mask.tobytes()).hexdigest())
"""
TORCH = """
from helpers.pytorch.frames import Frames
frames = Frames(images, masks, STREET, seed=9)
for frames.epoch in range(3):
    for x, truth in frames:
        digest(x.permute(1, 2, 0).numpy(), truth.numpy())
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
"""
KERAS = """
from helpers.keras.frames import Frames
frames = Frames(images, masks, STREET, seed=9, batch=4, shuffle=False)
for epoch in range(3):
    for i in range(len(frames)):
        for x, truth in zip(*frames.at(epoch, i)):
            digest(x, truth)
assert "torch" not in sys.modules
"""


def test_the_samples_are_the_same_in_both_frameworks(repo):
    said = [
        subprocess.run(
            [sys.executable, "-c", FRAMES + own],
            cwd=repo,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for own in (TORCH, KERAS)
    ]
    assert said[0] == said[1]
    assert len(set(said[0])) == 18
