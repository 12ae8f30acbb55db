"""Large images by tiles, and mirror images: the same for every framework."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from helpers.pytorch.predict import predict, tensor
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.streets import scenes
from helpers.tiles import mirrored, tiled

IMAGE = scenes([3], [0], height=192, width=320)[0][0]


def logits(model, images):
    with torch.inference_mode():
        return model(tensor(images)).permute(0, 2, 3, 1).numpy()


def small_view(reach):
    """A network that looks `reach` pixels to each side."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1) for i in range(reach)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(*(part for layer in layers for part in (nn.ReLU(), layer)))


@pytest.mark.parametrize("size", [(192, 320), (192, 96), (190, 301), (100, 130), (97, 96)])
@pytest.mark.parametrize("overlap", [18, 33, 70])
def test_tiles_equal_the_whole_where_the_receptive_field_allows(size, overlap):
    image = IMAGE[: size[0], : size[1]]
    run = partial(logits, small_view(6))
    whole = run(image[None])[0]
    assert np.abs(tiled(run, image, 96, 96, overlap) - whole).max() < 1e-5


def test_less_overlap_than_the_receptive_field_shows():
    run = partial(logits, small_view(6))
    whole = run(IMAGE[None])[0]
    assert np.abs(tiled(run, IMAGE, 96, 96, 6) - whole).max() > 1e-3


def test_an_image_smaller_than_a_tile_is_mirrored_outwards():
    run = partial(logits, small_view(2))
    image = IMAGE[:40, :50]
    found = tiled(run, image, 96, 128)
    assert found.shape == (40, 50, 8)
    padded = np.pad(image, ((0, 56), (0, 78), (0, 0)), "symmetric")
    assert np.allclose(found, run(padded[None])[0, :40, :50], atol=1e-6)


def test_the_weights_add_up_to_one_whatever_the_sizes():
    rng = np.random.default_rng(0)
    for _ in range(30):
        height, width = rng.integers(1, 400, 2)
        tile, overlap = rng.integers(33, 200), rng.integers(0, 33)
        image = np.zeros((height, width, 3), np.uint8)
        ones = tiled(lambda x: np.ones((*x.shape[:3], 2), np.float32), image, tile, tile, overlap)
        assert ones.shape == (height, width, 2) and np.allclose(ones, 1, atol=1e-6)


@pytest.fixture(scope="module")
def learnt():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = unet(13, width=8, depth=3)
    images, masks = scenes(range(12), [0, 20], height=96, width=160)
    train(model, images, masks, steps=60, learning_rate=0.01, progress=False)
    return model


def test_a_unet_shows_no_seams(learnt):
    """The steps from pixel to pixel are no larger at the tiles' borders than elsewhere."""
    run = partial(predict, learnt)
    whole, found = run(IMAGE[None])[0], tiled(run, IMAGE, 96, 96)
    difference = found - whole
    assert np.abs(difference).mean() < 0.02
    across = np.abs(np.diff(difference, axis=1)).mean(axis=(0, 2))
    borders = [start + side for start in (64, 128, 192) for side in (-1, 31)]
    assert across[borders].mean() < 1.5 * np.median(across)
    cut = np.concatenate([run(IMAGE[None, :, x : x + 64])[0] for x in range(0, 320, 64)], axis=1)
    seams = np.abs(np.diff(cut - whole, axis=1)).mean(axis=(0, 2))
    assert seams[[63, 127, 191]].mean() > 5 * across[borders].mean(), "tiles without blending do"


def test_a_mirror_image_has_the_mirrored_answer(learnt):
    run = mirrored(partial(predict, learnt))
    found = run(IMAGE[None])
    assert np.allclose(found.sum(-1), 1, atol=1e-5)
    flipped = run(np.ascontiguousarray(IMAGE[None, :, ::-1]))[:, :, ::-1]
    assert np.allclose(found, flipped, atol=1e-5)
    assert np.abs(found - predict(learnt, IMAGE[None])).max() > 0.01


def test_nonsense_is_named():
    with pytest.raises(ValueError, match="overlap is 96.*less than the tile of 96×128"):
        tiled(predict, IMAGE, 96, 128, 96)
