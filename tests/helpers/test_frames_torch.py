import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from helpers import data
from helpers.augment import STREET, Augment
from helpers.pytorch.frames import Frames
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.streets import scenes, write

IMAGES, MASKS = scenes(range(5), range(2), height=24, width=32)


def contents(loader):
    """What an epoch shows, as a set: the order is the loader's own affair."""
    return {
        x.numpy().tobytes() + y.numpy().tobytes()
        for xs, ys in loader
        for x, y in zip(xs, ys, strict=True)
    }


def test_a_sample_is_a_float_image_and_a_long_mask():
    x, truth = Frames(IMAGES, MASKS)[3]
    assert x.dtype == torch.float32 and x.shape == (3, 24, 32) and x.is_contiguous()
    assert truth.dtype == torch.int64 and truth.shape == (24, 32)
    assert np.array_equal((x * 255).permute(1, 2, 0).round().numpy(), IMAGES[3])
    assert np.array_equal(truth.numpy(), MASKS[3])


def test_an_epoch_is_the_same_whatever_the_number_of_workers():
    seen = []
    for workers in (0, 2):
        frames = Frames(IMAGES, MASKS, STREET, seed=3)
        loader = DataLoader(frames, batch_size=4, shuffle=True, num_workers=workers)
        for frames.epoch in range(2):
            seen.append(contents(loader))
    assert seen[0] == seen[2] and seen[1] == seen[3]
    assert len(seen[0] | seen[1]) == 20, "each epoch draws anew"
    assert contents(DataLoader(Frames(IMAGES, MASKS, STREET, seed=4))).isdisjoint(seen[0])


def test_workers_that_stay_alive_learn_of_the_epoch():
    alive, plain = Frames(IMAGES, MASKS, STREET), Frames(IMAGES, MASKS, STREET)
    loader = DataLoader(alive, num_workers=2, persistent_workers=True)
    for epoch in range(3):
        alive.epoch = plain.epoch = epoch
        assert contents(loader) == contents(DataLoader(plain))


def test_workers_that_are_started_afresh_learn_of_the_epoch():
    frames = Frames(IMAGES, MASKS, STREET)
    loader = DataLoader(frames, num_workers=1, multiprocessing_context="spawn")
    frames.epoch = 5
    assert contents(loader) == contents(DataLoader(frames))


def test_pairs_are_read_when_they_are_asked_for(tmp_path):
    pairs = data.find(write(tmp_path, [1], range(3), height=60, width=80))
    frames = Frames(pairs, augment=Augment(height=24, width=32))
    assert len(frames) == 3
    x, truth = next(iter(DataLoader(frames, batch_size=3)))
    assert x.shape == (3, 3, 24, 32) and truth.shape == (3, 24, 32)
    whole, mask = Frames(pairs)[2]
    assert np.array_equal(mask.numpy(), pairs[2][1]) and whole.shape == (3, 60, 80)


def test_images_and_masks_must_be_as_many():
    with pytest.raises(ValueError, match="10 images and 9 masks"):
        Frames(IMAGES, MASKS[:9])


def test_a_loop_over_a_loader_learns():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = unet(13, width=8, depth=2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    frames = Frames(IMAGES, MASKS, Augment(flip=0.5, rotate=5))
    loader = DataLoader(frames, batch_size=5, shuffle=True)
    losses = []
    for frames.epoch in range(15):
        for x, truth in loader:
            loss = nn.functional.cross_entropy(model(x), truth, ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert np.mean(losses[-4:]) < 0.6 * losses[0]


def test_train_takes_an_augment():
    torch.set_num_threads(1)

    def losses(augment):
        torch.manual_seed(0)
        model = unet(13, width=8, depth=2)
        history = train(model, IMAGES, MASKS, steps=3, progress=False, augment=augment)
        return [loss for _, loss in history]

    assert losses(STREET) == losses(STREET) != losses(None)
