import numpy as np
import pytest
from PIL import Image

from helpers import masks
from helpers.classes import CAMVID, CHALLENGE, LYFT, LYFT_CARLA


def test_ids_and_names_belong_together():
    assert LYFT.id("Vehicles") == 10 and LYFT.names[9] == "Vegetation" and len(LYFT) == 13
    with pytest.raises(KeyError, match="no class 'Cars' in Lyft-Udacity; it has None, Buildings"):
        LYFT.id("Cars")


@pytest.mark.parametrize("scheme", [LYFT, LYFT_CARLA, CHALLENGE, CAMVID])
def test_every_class_has_its_own_colour(scheme):
    assert len(scheme.names) == len(scheme.colours) == len(set(scheme.colours))
    assert scheme.palette.shape == (len(scheme), 3)


def test_real_labels_hold_their_ids_in_the_red_channel(shared):
    path = shared / "data/lyft_frames/dataA/dataA/CameraSeg/0.png"
    mask = masks.decode(np.array(Image.open(path)))
    assert mask.shape == (600, 800) and mask.max() <= 12
    hood = (mask[496:] == 10).mean()
    cleaned = masks.remove_hood(mask)
    assert hood > 0.8 and not (cleaned[496:] == 10).any()
    assert np.array_equal(cleaned[:496], mask[:496])


def test_decode_refuses_what_is_no_label():
    with pytest.raises(ValueError, match="float32. plt.imread returns floats"):
        masks.decode(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ValueError, match=r"shape \(4, 4, 2\)"):
        masks.decode(np.zeros((4, 4, 2), np.uint8))


def test_hood_rows_are_in_proportion_and_other_classes_stay():
    mask = np.full((300, 4), 10, np.uint8)
    mask[:, 0] = 7
    cleaned = masks.remove_hood(mask)
    assert (cleaned[:248, 1:] == 10).all() and (cleaned[248:, 1:] == 0).all()
    assert (cleaned[:, 0] == 7).all() and (mask[250, 1] == 10), "the original must not change"


def test_challenge_merges_lines_into_the_road():
    mask = np.array([[0, 6, 7], [10, 4, 255]], np.uint8)
    assert masks.challenge_classes(mask).tolist() == [[0, 1, 1], [2, 0, 255]]


def test_one_hot_and_argmax_are_inverse():
    mask = np.random.default_rng(0).integers(0, 13, (9, 7)).astype(np.uint8)
    maps = masks.one_hot(mask)
    assert maps.shape == (9, 7, 13) and (maps.sum(-1) == 1).all()
    assert np.array_equal(masks.argmax(maps), mask)


def test_one_hot_ignores_255_and_names_a_wrong_id():
    assert masks.one_hot(np.array([[255, 1]]), 3).tolist() == [[[0, 0, 0], [0, 1, 0]]]
    with pytest.raises(ValueError, match="class id 17 at row 1, column 0; ids are 0 to 12"):
        masks.one_hot(np.array([[0], [17]], np.uint8))


def test_masks_are_resized_without_new_ids():
    mask = np.zeros((60, 80), np.uint8)
    mask[:, 40:] = 10
    for size in ((30, 41), (96, 128), (7, 5)):
        assert set(np.unique(masks.resize_mask(mask, *size))) <= {0, 10}
        assert masks.resize_mask(mask, *size).shape == size


def test_outlines_lie_between_classes():
    mask = np.zeros((4, 4), np.uint8)
    mask[2:, 2:] = 1
    assert np.argwhere(masks.outlines(mask)).tolist() == [[1, 2], [1, 3], [2, 1], [3, 1]]


def test_overlay_mixes_photo_and_colour():
    image = np.full((3, 3, 3), 100, np.uint8)
    mask = np.full((3, 3), 7, np.uint8)
    blend = masks.overlay(image, mask, opacity=0.5)
    assert blend[1, 1].tolist() == [round((100 + c) / 2) for c in LYFT.palette[7].tolist()]
    assert np.array_equal(masks.overlay(image, np.zeros((3, 3), np.uint8)), image)
    with pytest.raises(ValueError, match="the image is 3×3 and the mask 2×3"):
        masks.overlay(image, mask[:2])
