import shutil

import numpy as np
import pytest
from PIL import Image

from helpers import data, masks
from helpers.classes import CAMVID


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def lyft(root, names, height=60, width=80, outer="dataA", inner="dataA"):
    """Pairs in the Lyft layout; the mask's first row holds the number of its frame."""
    for number, name in enumerate(names):
        label = np.zeros((height, width, 3), np.uint8)
        label[0, :, 0] = number % 13
        label[-5:, :, 0] = 10
        write(root / outer / inner / "CameraRGB" / f"{name}.png", label + number)
        write(root / outer / inner / "CameraSeg" / f"{name}.png", label)
    return root


@pytest.mark.parametrize(("outer", "inner"), [("dataA", "dataA"), ("dataa", "dataA"), (".", ".")])
def test_lyft_layout_is_found_wherever_it_lies(tmp_path, outer, inner):
    pairs = data.find(
        lyft(tmp_path / "deep/down", ["F6-2", "F6-10", "F7-1"], outer=outer, inner=inner)
    )
    assert pairs.names == ["F6-2", "F6-10", "F7-1"], "frame 10 comes after frame 2"
    assert pairs.drives[0] == pairs.drives[1] != pairs.drives[2]
    assert pairs[2][1][0, 0] == 2


def test_folders_of_pairs_in_several_spellings(tmp_path):
    picture, mask = np.zeros((4, 6, 3), np.uint8), np.ones((4, 6), np.uint8)
    for images, labels in (
        ("train_images", "train_masks"),
        ("images", "labels"),
        ("v_img_photos", "v_img_seg"),
    ):
        write(tmp_path / images / "a_1.png", picture)
        write(tmp_path / labels / "a_1.png", mask)
    pairs = data.find(tmp_path)
    assert len(pairs) == 3 and all((m == 1).all() for _, m in pairs)


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
    assert {len(train), len(validation)} == {3, 5} and not set(train.drives) & set(
        validation.drives
    )


def test_masks_are_cleaned_before_they_are_resized(tmp_path):
    root = lyft(tmp_path, ["F1-1"], height=600, width=800)
    _, mask = data.load(data.find(root))
    assert mask.shape == (1, 96, 128) and not (mask == 10).any()


def test_nothing_there_says_what_was_looked_for(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no pairs. Expected a folder CameraRGB"):
        data.find(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        data.find(tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIXELWISE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="`make lab` writes street scenes"):
        data.find()


def test_every_fault_gets_a_sentence_with_its_place(tmp_path):
    root = lyft(tmp_path, ["F1-1", "F1-2", "F1-3", "F1-4", "F1-5", "F1-6"])
    seg = root / "dataA/dataA/CameraSeg"
    (seg / "F1-1.png").unlink()
    bad = np.zeros((60, 80, 3), np.uint8)
    bad[12, 34, 0] = 17
    write(seg / "F1-2.png", bad)
    write(seg / "F1-3.png", np.zeros((30, 40, 3), np.uint8))
    whole = (seg / "F1-4.png").read_bytes()
    (seg / "F1-4.png").write_bytes(whole[: len(whole) // 2])
    (seg / "F1-5.png").write_text("<html>404</html>")
    faults = data.verify(data.find(root))
    assert len(faults) == 5
    for name, words in (
        ("F1-1", "no mask of the same name"),
        ("CameraSeg/F1-2.png", "class id 17 at row 12, column 34; ids are 0 to 12"),
        ("CameraSeg/F1-3.png", "the mask is 30×40, its image 60×80"),
        ("CameraSeg/F1-4.png", "cut off or damaged"),
        ("CameraSeg/F1-5.png", "not a picture"),
    ):
        assert any(name in fault and words in fault for fault in faults), (name, faults)
    with pytest.raises(ValueError, match="no mask"):
        data.load(data.find(root))


def test_jpeg_masks_are_reported(tmp_path):
    write(tmp_path / "images/a.png", np.zeros((8, 8, 3), np.uint8))
    write(tmp_path / "masks/a.jpg", np.zeros((8, 8), np.uint8))
    assert "JPEG changes ids" in data.verify(data.find(tmp_path))[0]


def test_palette_masks_give_ids_not_colours(tmp_path):
    write(tmp_path / "images/a.png", np.zeros((2, 2, 3), np.uint8))
    picture = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    picture.putpalette([10, 20, 30] * 4)
    (tmp_path / "masks").mkdir()
    picture.save(tmp_path / "masks/a.png")
    assert data.find(tmp_path)[0][1].tolist() == [[0, 1], [2, 3]]


def test_split_keeps_drives_whole(tmp_path):
    names = [f"F{drive}-{frame}" for drive in range(10) for frame in range(3)]
    pairs = data.find(lyft(tmp_path, names))
    train, validation = data.split(pairs, 0.3, seed=1)
    assert len(train) == 21 and len(validation) == 9
    assert not set(train.drives) & set(validation.drives)
    assert data.split(pairs, 0.3, seed=1)[1].names == validation.names
    assert data.split(pairs, 0.3, seed=2)[1].names != validation.names
    shutil.rmtree(tmp_path / "dataA")
    with pytest.raises(ValueError, match="only one drive"):
        data.split(data.find(lyft(tmp_path, ["F1-1", "F1-2"])))


def test_batches_show_every_pair_once_an_epoch_and_flip_both():
    images = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((12, 4, 6, 3), np.uint8)
    images[:, :, 0] = 255
    label = np.zeros((12, 4, 6), np.uint8)
    label[:, :, 0] = 5
    stream = data.batches(images, label, batch=4, seed=3)
    seen, sides = [], []
    for _ in range(3):
        x, y = next(stream)
        seen += x[:, 0, 2, 0].tolist()
        left, right = (x[:, 0, 0, 0] == 255), (x[:, 0, -1, 0] == 255)
        assert np.array_equal(left, y[:, 0, 0] == 5) and np.array_equal(right, y[:, 0, -1] == 5)
        sides += left.tolist()
    assert sorted(seen) == list(range(12)) and len(set(sides)) == 2
    assert (images[:, 0, 0, 0] == 255).all(), "the source stays as it was"
    with pytest.raises(ValueError, match="do not fill a batch of 13"):
        next(data.batches(images, label, batch=13))


def test_outlines_of_a_loaded_mask_can_be_drawn(tmp_path):
    images, cleaned = data.load(data.find(lyft(tmp_path, ["F1-1", "F2-1"])))
    assert masks.overlay(images[0], cleaned[0]).shape == (96, 128, 3)
