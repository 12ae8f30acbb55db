"""The augmentation explorer in Python."""

import numpy as np
import pytest

from helpers import masks
from helpers.augment import STREET, Augment
from helpers.streets import scene
from helpers.widgets.augmentation import GAP, augmentation

IMAGE, MASK = scene(35, 0, height=48, width=64)


def test_the_sliders_are_an_augment_and_back():
    widget = augmentation(IMAGE, MASK, STREET)
    assert widget.augment == STREET
    widget.rotate, widget.scale_low = 30, 0.7
    assert (widget.augment.rotate, widget.augment.scale) == (30, (0.7, 1.6))
    widget.set(Augment())
    assert widget.augment == Augment()


def test_the_pair_is_what_augment_makes_of_the_seed():
    widget = augmentation(IMAGE, MASK, STREET)
    widget.seed = 3
    image, mask = widget.pair()
    expected = STREET(IMAGE, MASK, 3)
    assert (image == expected[0]).all() and (mask == expected[1]).all()
    assert widget.text().endswith("the mask moves with the image: 0.0% of the pixels are wrong")


def test_a_mask_left_behind_is_wrong_and_says_so():
    widget = augmentation(IMAGE, MASK, Augment(flip=1))
    widget.paired = False
    image, mask = widget.pair()
    assert (image == IMAGE[:, ::-1]).all() and (mask == MASK).all()
    wrong = (MASK != MASK[:, ::-1]).mean()
    assert f"stays where it was: {wrong:.1%} of the pixels are wrong" in widget.text()


def test_the_still_picture_is_image_and_mask():
    widget = augmentation(IMAGE, MASK, STREET)
    picture, (_, mask) = widget.picture(), widget.pair()
    assert picture.shape == (48, 2 * 64 + GAP, 3)
    assert (picture[:, 64 + GAP :] == masks.colourize(mask)).all()


@pytest.mark.parametrize(
    "change, says",
    [
        ({"mask": MASK[:4]}, "mask has the shape"),
        ({"augment": Augment(scale=(0.2, 1))}, "sliders go from 0.5"),
        ({"augment": Augment(height=8, width=8)}, "keeps the size"),
        (dict(zip(("image", "mask"), scene(35, 0), strict=True)), "up to 65,536 pixels"),
    ],
)
def test_errors_name_the_remedy(change, says):
    with pytest.raises(ValueError, match=says):
        augmentation(**{"image": IMAGE, "mask": MASK, **change})


def test_the_page_stays_small():
    image, mask = scene(35, 0, height=192, width=256)
    assert len(augmentation(image, np.asarray(mask)).html()) < 150_000
