"""The drawing of a U-Net knows its sizes."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from helpers.widgets.clickable_u import blocks, clickable_u, draw, mosaic, table


def shapes(listed):
    return {block.name: block.shape for block in listed}


def test_the_paper():
    listed = blocks(572, 572, channels=1, classes=2, first=64, padding="valid", norm=False)
    found = shapes(listed)
    assert found["down 0"] == "568×568×64"
    assert found["bottom"] == "28×28×1024"
    assert found["up 3"] == "56×56×512"
    assert found["head"] == "388×388×2"
    assert sum(block.parameters for block in listed) == 31_030_658  # summed by hand, layer by layer


def test_same_keeps_the_size():
    listed = blocks(96, 128)
    assert shapes(listed)["bottom"] == "6×8×128"
    assert shapes(listed)["head"] == "96×128×13"
    assert not any(block.broken for block in listed)


@pytest.mark.parametrize(
    ("size", "place", "why"),
    [
        ((101, 101), "join 2", "24 ≠ 25"),
        ((100, 128), "join 2", "24 ≠ 25"),
        ((96, 130), "join 1", "64 ≠ 65"),
    ],
)
def test_a_size_that_does_not_fit_breaks_at_the_concatenation(size, place, why):
    last = blocks(*size)[-1]
    assert (last.name, last.broken) == (place, why)
    assert why in table(blocks(*size))


def test_nothing_is_left_of_a_small_valid_input():
    assert blocks(64, 64, padding="valid")[-1].broken == "nothing is left"


def test_pictures():
    assert draw(blocks(101, 101), title="101").axes
    tiled = mosaic(np.random.default_rng(0).random((6, 8, 3)), columns=2, height=12)
    assert tiled.shape == (32, 40) and tiled.dtype == np.uint8
    assert (tiled[18:, 22:] == 255).all()  # the fourth place stays empty: there are three maps


def test_the_words_follow_side_and_padding():
    u = clickable_u(side=96)
    assert "join 2   24×24×32           27,776 parameters" in u.text()
    assert "✓ 96×96 comes out; 486,661 parameters" in u.text()
    u.side = 101
    assert u.text().splitlines()[-1].split("  ")[0] == "join 2"
    assert "✗ 24 ≠ 25" in u.text()
    u.side, u.padding = 572, "valid"
    assert "388×388 comes out" in u.text()
    assert u.picture().shape[2] == 3 and u.picture().std() > 10


def test_the_maps_of_a_block_travel_as_a_picture():
    maps = np.random.default_rng(0).random((6, 8, 128))
    source, *shape = clickable_u({"bottom": maps}).values["maps"]["bottom"]
    assert shape == [6, 8, 128]
    picture = Image.open(BytesIO(base64.b64decode(source.partition(",")[2])))
    assert (np.asarray(picture.convert("L")) == mosaic(maps)).all()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"maps": {"down 9": np.zeros((4, 4, 8))}}, "the blocks are down 0, down 1"),
        ({"maps": {"down 0": np.zeros((4, 4, 9))}}, "H×W×8 is right"),
        ({"side": 8}, "may be 16 to 600"),
    ],
)
def test_what_is_wrong_is_said(how, said):
    with pytest.raises(ValueError, match=said):
        clickable_u(**how)
