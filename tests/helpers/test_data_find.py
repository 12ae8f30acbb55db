"""Pairs are found wherever they lie: folders in every spelling, zips, Kaggle's mounts."""

import importlib
import os
import shutil
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import data
from helpers.classes import CAMVID

PHOTO, MASK = np.zeros((4, 6, 3), np.uint8), np.ones((4, 6), np.uint8)


def write(path, array=PHOTO):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def lyft(root, names=("F6-2", "F6-10", "F7-1"), folder="dataA/dataA", rgb="CameraRGB"):
    """Pairs in the Lyft layout; the mask holds the number of its frame."""
    for number, name in enumerate(names):
        label = np.zeros((4, 6, 3), np.uint8)
        label[:, :, 0] = number % 13
        write(root / folder / rgb / f"{name}.png", label + 50)
        write(root / folder / "CameraSeg" / f"{name}.png", label)
    return root


def zipped(folder, archive):
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    shutil.rmtree(folder)
    return archive


@pytest.fixture(autouse=True)
def nothing_else(tmp_path, monkeypatch):
    """No pairs of this machine: the usual places lie below tmp_path."""
    monkeypatch.delenv("PIXELWISE_DATA", raising=False)
    monkeypatch.setattr(importlib.import_module("helpers.data.find"), "KAGGLE", tmp_path / "kaggle")
    (tmp_path / "a/b/c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b/c")


@pytest.mark.parametrize("folder", ["dataA/dataA", "dataa/dataA", "DATA_A", ".", "deep/down/dataB"])
@pytest.mark.parametrize("rgb", ["CameraRGB", "camerargb"])
def test_lyft_layout_is_found_in_any_spelling(tmp_path, folder, rgb):
    pairs = data.find(lyft(tmp_path / "lyft", folder=folder, rgb=rgb))
    assert pairs.names == ["F6-2", "F6-10", "F7-1"], "frame 10 comes after frame 2"
    assert pairs.drives[0] == pairs.drives[1] != pairs.drives[2]
    assert pairs[2][1][0, 0] == 2 and all(pair.lyft for pair in pairs.items)


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("train_images", "train_segmentation"),
        ("images_prepped_train", "annotations_prepped_train"),
        ("train_images", "train_masks"),
        ("Images", "LABELS"),
        ("imgs", "masks"),
        ("v_img_photos", "v_img_seg"),
        ("train/images", "train/masks"),
        ("images/training", "annotations/training"),
    ],
)
def test_folders_of_pairs_in_several_spellings(tmp_path, images, masks):
    write(tmp_path / "own" / images / "a_1.jpg")
    write(tmp_path / "own" / masks / "a_1.png", MASK)
    pairs = data.find(tmp_path / "own")
    assert len(pairs) == 1 and (pairs[0][1] == 1).all()
    assert pairs.faults == ()


def test_training_and_validation_folders_are_two_drives(tmp_path):
    for side in ("train", "val"):
        for name in ("img0001", "img0002"):
            write(tmp_path / f"own/{side}_images/{name}.png")
            write(tmp_path / f"own/{side}_segmentation/{name}.png", MASK)
    pairs = data.find(tmp_path / "own")
    assert len(pairs) == 4 and len(set(pairs.drives)) == 2
    train, validation = data.split(pairs)
    assert {p.image.parent for p in train.items}.isdisjoint(
        p.image.parent for p in validation.items
    )


@pytest.mark.parametrize(
    "mask", ["Img-7", "Img-7_mask", "Img-7_L", "img-7", "Img-7-seg", "Img-7_gt"]
)
def test_masks_may_be_called_a_little_differently(tmp_path, mask):
    write(tmp_path / "own/images/Img-7.jpg")
    write(tmp_path / "own/images/Img-8.jpg")
    write(tmp_path / f"own/masks/{mask}.png", MASK)
    pairs = data.find(tmp_path / "own")
    assert pairs.items[0].mask.stem == mask and pairs.items[1].mask is None


def test_the_exact_name_goes_before_a_similar_one(tmp_path):
    write(tmp_path / "own/images/a.jpg")
    write(tmp_path / "own/images/a_l.jpg")
    write(tmp_path / "own/masks/a.png", MASK)
    write(tmp_path / "own/masks/a_l.png", MASK)
    pairs = data.find(tmp_path / "own")
    assert [pair.mask.name for pair in pairs.items] == ["a.png", "a_l.png"] and not pairs.faults


def test_any_two_folders(tmp_path):
    for name in ("x1", "sub/x1", "sub/x2"):
        write(tmp_path / f"here/{name}.jpg")
        write(tmp_path / f"there/{name}.png", MASK)
    (tmp_path / "there/sub/x2.png").unlink()
    write(tmp_path / "there/other/x3.png", MASK)
    pairs = data.pair_folders(tmp_path / "here", tmp_path / "there")
    assert [pair.mask and pair.mask.name for pair in pairs.items] == ["x1.png", "x1.png", None]
    assert [fault.kind for fault in pairs.faults] == ["no image"]
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        data.pair_folders(tmp_path / "here", tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="a: no pictures"):
        data.pair_folders(tmp_path / "a", tmp_path / "there")
    with pytest.raises(ValueError, match="need a folder each"):
        data.pair_folders(tmp_path / "here", tmp_path / "there/../here")


def test_a_drive_whose_masks_are_all_missing_is_not_lost_in_silence(tmp_path):
    root = lyft(lyft(tmp_path / "lyft"), ["F9-1", "F9-2"], folder="dataB/dataB")
    shutil.rmtree(root / "dataB/dataB/CameraSeg")
    pairs = data.find(root)
    assert len(pairs) == 5
    assert [fault.kind for fault in data.verify(pairs)] == ["no mask", "no mask"]
    shutil.rmtree(root / "dataA/dataA/CameraSeg")
    with pytest.raises(FileNotFoundError, match="no pairs"):
        data.find(root)


# ---- zips


def test_a_zip_is_read_without_unpacking(tmp_path):
    folder = lyft(tmp_path / "lyft")
    whole = [pair for pair in data.find(folder)]
    archive = zipped(folder, tmp_path / "downloads/lyft-udacity-challenge.zip")
    for root in (archive, archive.parent):
        pairs = data.find(root)
        assert pairs.names == ["F6-2", "F6-10", "F7-1"] and pairs.drives[0] == "dataA/F6"
        for (image, mask), (same_image, same_mask) in zip(pairs, whole, strict=True):
            assert np.array_equal(image, same_image) and np.array_equal(mask, same_mask)
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    assert data.verify(pairs) == []
    assert data.load(pairs)[0].shape == (3, 96, 128, 3)


def test_many_readers_share_a_zip(tmp_path):
    """5000 members: listed once, read by threads and by forked processes at the same time."""
    archive = tmp_path / "many.zip"
    folder = lyft(tmp_path / "lyft", [f"F{k}-{k}" for k in range(13)])
    rgb, seg = (sorted((folder / "dataA/dataA" / f).iterdir()) for f in ("CameraRGB", "CameraSeg"))
    with zipfile.ZipFile(archive, "w") as file:
        for copy in range(193):
            for path in (*rgb, *seg):
                inner = path.relative_to(folder)
                file.write(path, Path(f"data{copy}", *inner.parts[1:]))
    pairs = data.find(archive)
    assert len(pairs) == 2509
    values = [int(name.split("-")[1]) for name in pairs.names]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda pair: pair.read()[1][0, 0], pairs.items))
    assert read == values
    if sys.platform == "linux":
        with ProcessPoolExecutor(2, get_context("fork")) as pool:
            masks = pool.map(data.read_mask, [p.mask for p in pairs.items[:400]], chunksize=20)
            assert [mask[0, 0] for mask in masks] == values[:400]


def test_what_is_unpacked_goes_before_the_zip(tmp_path):
    zipped(lyft(tmp_path / "other", ["F1-1"]), tmp_path / "lyft/old.zip")
    assert len(data.find(lyft(tmp_path / "lyft"))) == 3


def test_a_damaged_zip_is_one_sentence(tmp_path, monkeypatch):
    archive = zipped(lyft(tmp_path / "lyft"), tmp_path / "a/data/lyft/lyft.zip")
    write(tmp_path / "a/data/streets/dataA/CameraRGB/0.png")
    write(tmp_path / "a/data/streets/dataA/CameraSeg/0.png")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    for root in (archive, archive.parent, None):
        with pytest.raises(FileNotFoundError, match=r"lyft.zip: cut off or damaged .* Fetch it"):
            data.find(root)
    (tmp_path / "no.txt").write_text("no zip")
    with pytest.raises(FileNotFoundError, match="no.txt: no pairs"):
        data.find(tmp_path / "no.txt")


def test_a_damaged_member_is_a_fault_of_that_file(tmp_path):
    """The list of members is whole, and one of them is not."""
    archive = zipped(lyft(tmp_path / "lyft"), tmp_path / "lyft.zip")
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        member = file.getinfo("dataA/dataA/CameraRGB/F6-10.png")
    start = member.header_offset
    end = start + 30 + len(member.filename) + member.compress_size
    for at in range(start, end - 2, 3):
        archive.write_bytes(
            whole[:at] + bytes(b ^ 255 for b in whole[at : at + 3]) + whole[at + 3 :]
        )
        pairs = data.find(archive)
        faults = data.verify(pairs)
        assert len(pairs) == 3 and len(faults) <= 1
        for fault in faults:
            assert fault.kind == "cut off" and "CameraRGB/F6-10.png: cut off or" in str(fault)
    assert faults, "the last bytes, too, are looked at"


# ---- which data


def test_both_of_kaggles_mounts(tmp_path):
    kaggle = tmp_path / "kaggle"
    own = kaggle / "a-brain-scan"
    write(own / "images/a.png")
    write(own / "masks/a.png", MASK)
    assert len(data.find()) == 1
    by_owner = lyft(kaggle / "datasets/somebody/lyft-udacity-challenge", ["F1-1", "F1-2"])
    assert data.find().names == ["F1-1", "F1-2"], "Lyft goes before other data"
    shutil.move(by_owner, kaggle / "lyft-udacity-challenge")
    assert data.find().names == ["F1-1", "F1-2"]
    lyft(kaggle / "datasets/other/mirror", ["F1-1", "F1-2"])
    assert len(data.find()) == 2, "two copies are not mixed: validation would know all frames"


def test_real_data_wins_over_drawn_and_they_never_mix(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="`make lab` writes street scenes"):
        data.find()
    lyft(tmp_path / "a/b/c/data/streets", ["F0-0"])
    assert data.find().names == ["F0-0"]
    lyft(tmp_path / "a/data/lyft", ["F1-1"])
    assert data.find().names == ["F1-1"], "two levels higher, and real"
    zipped(lyft(tmp_path / "lyft", ["F3-3"]), tmp_path / "a/b/data/lyft-udacity-challenge.zip")
    assert data.find().names == ["F3-3"], "one level higher"
    lyft(tmp_path / "kaggle/lyft-udacity-challenge", ["F2-2"])
    assert data.find().names == ["F2-2"]
    shutil.copytree(tmp_path / "a/b/c/data/streets", tmp_path / "a/data/streets")
    assert data.find(tmp_path / "a").names == ["F1-1"], "below one root as well"
    monkeypatch.setenv("PIXELWISE_DATA", str(tmp_path / "a/b/c/data/streets"))
    assert data.find().names == ["F0-0"]
    monkeypatch.setenv("PIXELWISE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere \(PIXELWISE_DATA\): no such folder"):
        data.find()


def test_nothing_there_says_what_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="no pairs. Expected a folder CameraRGB"):
        data.find(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        data.find(tmp_path / "nowhere")


def test_links_that_lead_in_a_circle_neither_hang_nor_repeat(tmp_path):
    root = lyft(tmp_path / "lyft")
    (root / "dataA/back").symlink_to("..")
    (root / "dataA/up").symlink_to(tmp_path)
    (root / "again").symlink_to("dataA")
    (root / "itself").symlink_to("itself")
    pairs = data.find(root)
    assert len(pairs) == 3
    sentence = "dataA/back: a link to a folder that is read already. Remove the link."
    assert sentence in [str(fault) for fault in pairs.faults]
    assert {fault.kind for fault in data.verify(pairs)} == {"link"}


def test_links_to_data_elsewhere_are_followed(tmp_path):
    elsewhere = lyft(tmp_path / "big_disk")
    (tmp_path / "a/data").mkdir()
    (tmp_path / "a/data/lyft").symlink_to(elsewhere)
    assert len(data.find()) == 3
    own = tmp_path / "own/images"
    own.mkdir(parents=True)
    for path in (elsewhere / "dataA/dataA/CameraRGB").iterdir():
        (own / path.name).symlink_to(path)
    shutil.copytree(elsewhere / "dataA/dataA/CameraSeg", tmp_path / "own/masks")
    assert len(data.find(tmp_path / "own")) == 3


def test_notes_of_the_operating_system_are_no_pictures(tmp_path):
    root = lyft(tmp_path / "lyft")
    (root / "dataA/dataA/CameraRGB/._F6-2.png").write_text("macOS")
    (root / "dataA/dataA/CameraRGB/Thumbs.db").write_text("Windows")
    shutil.copytree(root / "dataA", root / "__MACOSX/dataA")
    archive = zipped(root, tmp_path / "lyft.zip")
    assert len(data.find(archive)) == 3


def test_names_that_are_hard_to_sort(tmp_path):
    for name in ("²", "1", "a²b", "10", "٣", "é"):
        write(tmp_path / f"own/images/{name}.png")
        write(tmp_path / f"own/masks/{name}.png", MASK)
    names = data.find(tmp_path / "own").names
    assert len(names) == 6 and names.index("1") < names.index("10")
    if os.name == "posix":
        for folder in ("images", "masks"):
            shutil.copy(
                tmp_path / f"own/{folder}/1.png",
                os.fsencode(tmp_path / "own" / folder) + b"/\xff.png",
            )
        assert len(data.find(tmp_path / "own")) == 7


# ---- real frames


def test_real_frames(shared):
    pairs = data.find(shared / "data/lyft_frames")
    assert len(pairs) == 2 and data.verify(pairs) == []
    images, cleaned = data.load(pairs)
    assert images.shape == (2, 96, 128, 3) and cleaned.shape == (2, 96, 128)
    assert not (cleaned[:, 80:] == 10).any(), "the hood is gone"
    raw = data.load(pairs, clean=False)[1]
    assert (raw[:, 85:] == 10).mean() > 0.9
    camvid = data.find(shared / "data/camvid_pairs", CAMVID)
    assert len(camvid) == 8 and data.verify(camvid) == []
    train, validation = data.split(camvid)
    assert {len(train), len(validation)} == {3, 5}
    assert not set(train.drives) & set(validation.drives)
    assert len(data.find(shared / "data")) == 2, "two label schemes are not mixed"
    folder = shared / "data/camvid_pairs"
    same = data.pair_folders(folder / "images_prepped_test", folder / "annotations_prepped_test")
    assert same.names == camvid.names[:3]
