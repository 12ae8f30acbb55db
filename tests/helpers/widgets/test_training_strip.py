"""The training strip keeps what it is fed, and says it."""

import numpy as np
import pytest

from helpers.metrics import Confusion
from helpers.widgets.training_strip import training_strip

IMAGE = np.full((20, 30, 3), 90, np.uint8)
TRUTH = np.full((20, 30), 7, np.uint8)
TRUTH[:10] = 8


@pytest.fixture(autouse=True)
def text(monkeypatch):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "text")


def half(n):
    """Right but for the lowest n rows."""
    mask = TRUTH.copy()
    mask[20 - n :] = 8
    return mask


def test_each_epoch_is_told_at_once_and_again_at_the_end(capsys):
    strip = training_strip(IMAGE, TRUTH)
    strip.add(1, half(6), loss=1.5)
    expected = Confusion(13).add(TRUTH, half(6)).mean_iou()
    assert capsys.readouterr().out == f"epoch 1, loss 1.500, mean IoU {expected:.3f}\n"
    strip.add(2, half(0), loss=float("nan"), mean_iou=0.25)
    lines = strip.text().splitlines()
    assert lines[1:] == [f"epoch 1, loss 1.500, mean IoU {expected:.3f}", "epoch 2, mean IoU 0.250"]


def test_without_a_truth_there_is_no_iou_of_its_own():
    strip = training_strip(IMAGE)
    strip.add(10, TRUTH)
    assert strip.epochs[0]["mean_iou"] is None and strip.text().endswith("epoch 10")


def test_the_picture_has_image_epochs_and_truth():
    strip = training_strip(IMAGE, TRUTH)
    assert (strip.picture()[:, :30] == IMAGE).all()
    for epoch in range(1, 9):
        strip.add(epoch, half(8 - epoch))
    shown = strip.picture()
    assert shown.shape == (20, 7 * 30, 3)  # the image, five epochs, the truth
    assert (shown[:, 150:180] == shown[:, 180:]).all()  # the last epoch is right
    assert (shown[:, 30:60] != shown[:, 180:]).any()


def test_a_large_image_is_kept_small():
    truth = np.zeros((600, 800), np.uint8)
    strip = training_strip(np.zeros((600, 800, 3), np.uint8), truth)
    strip.add(1, truth)
    assert strip.picture().shape[:2] == (300, 3 * 400)
    assert len(strip.html()) < 100_000


def test_the_messages_name_the_remedy():
    strip = training_strip(IMAGE, TRUTH)
    strip.add(3, TRUTH)
    with pytest.raises(ValueError, match="epoch 3 comes after epoch 3.*another training_strip"):
        strip.add(3, TRUTH)
    with pytest.raises(ValueError, match="resize the mask"):
        strip.add(4, TRUTH[:10])
    with pytest.raises(ValueError, match="class id 13 at row 0, column 0"):
        strip.add(4, np.full_like(TRUTH, 13))
    with pytest.raises(ValueError, match="H×W×3"):
        training_strip(TRUTH)
