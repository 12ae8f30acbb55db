import shutil

import numpy as np
import pytest
from PIL import Image

from helpers import data, masks


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


def test_masks_are_cleaned_before_they_are_resized(tmp_path):
    root = lyft(tmp_path, ["F1-1"], height=600, width=800)
    _, mask = data.load(data.find(root))
    assert mask.shape == (1, 96, 128) and not (mask == 10).any()


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
