"""The brush in Python."""

import numpy as np
import pytest

from helpers import metrics
from helpers.classes import CAMVID, LYFT
from helpers.widgets.brush import brush

IMAGE = np.full((6, 8, 3), 90, np.uint8)
TRUTH = np.zeros((6, 8), np.uint8)
TRUTH[2:, :5] = 7
TRUTH[0, 0] = 255


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "live")


def test_it_begins_empty_with_the_largest_class():
    widget = brush(IMAGE, TRUTH)
    assert widget.paint == 7 and not widget.mask.any()
    assert widget.mask.dtype == np.uint8 and widget.mask.shape == (6, 8)
    assert brush(IMAGE, TRUTH, paint="Roads").paint == 7


def test_the_mask_can_be_set_before_and_after_it_is_shown():
    widget = brush(IMAGE, TRUTH)
    mask = np.where(np.arange(8) < 4, 7, 0) * np.ones((6, 1), int)
    widget.mask = mask
    assert widget.live.painted == widget.values["painted"]
    assert (widget.mask == mask).all()
    widget.live.painted = brush(IMAGE, TRUTH).values["painted"]  # as the page does
    assert not widget.mask.any()
    widget.mask[:] = 3  # a copy
    assert not widget.mask.any()


def test_bytes_from_the_page_arrive():
    widget = brush(IMAGE, TRUTH)
    widget.mask = np.full((6, 8), 7)
    sent = widget.live.painted
    widget.mask = np.zeros((6, 8), np.uint8)
    widget.live.set_state({"painted": memoryview(sent)})
    assert (widget.mask == 7).all()


def test_headless_it_says_the_scores():
    widget = brush(IMAGE, TRUTH)
    mask = np.uint8(TRUTH == 7) * 7
    mask[2] = 0
    widget.mask = mask
    iou = metrics.iou(TRUTH, mask)[7]
    assert widget.text().splitlines()[-1].split()[:3] == ["7", "Roads", f"{iou:.3f}"]


def test_another_background():
    truth = np.where(TRUTH == 7, CAMVID.id("Road"), 0).astype(np.uint8)
    widget = brush(IMAGE, truth, CAMVID, paint="Sky", background=CAMVID.id("Unlabelled"))
    assert (widget.mask == 11).all() and widget.paint == 0


def test_the_picture_shows_what_is_painted():
    widget = brush(IMAGE, TRUTH)
    widget.mask, widget.opacity = np.full((6, 8), 7), 1.0
    assert (widget.picture()[:-1, :-1] == LYFT.palette[7]).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"truth": TRUTH * 0}, ValueError, "truth holds only 0, the background"),
        ({"paint": 3}, ValueError, "paint is 3; the truth has 7"),
        ({"paint": "Road"}, KeyError, "no class 'Road'"),
        ({"truth": TRUTH[:3]}, ValueError, r"truth has the shape \(3, 8\)"),
    ],
)
def test_what_it_refuses(options, error, message):
    with pytest.raises(error, match=message):
        brush(**({"image": IMAGE, "truth": TRUTH} | options))


def test_a_mask_must_fit():
    widget = brush(IMAGE, TRUTH)
    with pytest.raises(ValueError, match="mask: class id 14 at row 0, column 0"):
        widget.mask = np.full((6, 8), 14)
    with pytest.raises(ValueError, match="mask holds 255"):
        widget.mask = np.full((6, 8), 255)
