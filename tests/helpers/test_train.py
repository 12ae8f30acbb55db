from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
import torch

from helpers.metrics import Confusion
from helpers.pytorch.train import fast_bfloat16
from helpers.schedule import one_cycle
from helpers.streets import scenes
from helpers.training import Training

IMAGES, MASKS = scenes(range(6), range(0, 40, 10), height=32, width=48)


@pytest.fixture(params=["pytorch", "keras"])
def framework(request):
    """A namespace that answers alike for both frameworks: a network, `train`, `predict_masks`."""
    torch.set_num_threads(1)

    class Framework:
        losses = import_module(f"helpers.{request.param}.losses")
        train = staticmethod(import_module(f"helpers.{request.param}.train").train)
        predict_masks = staticmethod(
            import_module(f"helpers.{request.param}.predict").predict_masks
        )

        @staticmethod
        def unet():
            torch.manual_seed(0)
            if request.param == "keras":
                import_module("keras").utils.set_random_seed(0)
            return import_module(f"helpers.{request.param}.unet").unet(13, width=8, depth=2)

    return Framework


def test_one_cycle_rises_and_falls_to_nothing():
    factors = [one_cycle(done) for done in np.linspace(0, 1, 101)]
    assert factors[0] < 0.1 and factors[-1] == pytest.approx(0)
    assert max(factors) == pytest.approx(1)
    peak = int(np.argmax(factors))
    assert 5 <= peak <= 30
    assert all(a < b for a, b in pairwise(factors[: peak + 1]))
    assert all(a > b for a, b in pairwise(factors[peak:]))


def test_training_learns_and_says_how(framework, capsys):
    model = framework.unet()
    history = framework.train(model, IMAGES, MASKS, steps=100)
    assert [step for step, _ in history] == list(range(100))
    assert np.mean([loss for _, loss in history[-10:]]) < 0.6 * history[0][1]
    shown = capsys.readouterr().err
    assert "100/100" in shown and "loss=" in shown and "mean_iou=" in shown
    found = Confusion().add(MASKS, framework.predict_masks(model, IMAGES))
    always_roads = Confusion().add(MASKS, np.full_like(MASKS, 7))
    assert found.accuracy() > always_roads.accuracy() + 0.2


def test_the_same_seed_is_the_same_run(framework):
    def run(seed):
        return framework.train(framework.unet(), IMAGES, MASKS, steps=4, seed=seed, progress=False)

    first = run(0)
    assert run(0) == first
    assert run(1) != first


def test_seconds_end_the_training(framework, monkeypatch):
    model = framework.unet()
    rates = []

    class Watched(Training):
        @property
        def factor(self):
            rates.append(super().factor)
            return rates[-1]

    module = import_module(framework.train.__module__)
    monkeypatch.setattr(module, "Training", Watched)
    history = framework.train(model, IMAGES, MASKS, steps=10**9, seconds=2, progress=False)
    assert 1 <= len(history) == len(rates)
    assert rates[-1] < 0.7, "the schedule follows the clock"


def test_bfloat16_is_left_alone_where_it_is_not_known():
    assert not fast_bfloat16(torch.device("meta"))


def test_epochs_are_so_many_looks_at_every_pair(framework):
    history = framework.train(framework.unet(), IMAGES, MASKS, batch=5, epochs=2, progress=False)
    assert len(history) == 2 * (len(IMAGES) // 5)


def test_validation_says_how_good_the_model_is_on_other_pairs(framework, capsys):
    model = framework.unet()
    held_out = IMAGES[:10], MASKS[:10]
    history = framework.train(
        model, IMAGES[10:], MASKS[10:], batch=4, steps=7, every=3, validation=held_out
    )
    assert [step for step, *_ in history.validation] == [3, 6, 7]
    found = Confusion().add(MASKS[:10], framework.predict_masks(model, IMAGES[:10]))
    assert history.validation[-1][1] == pytest.approx(found.mean_iou(), abs=1e-3)
    assert 0 < history.validation[-1][2] < 10
    assert "validation=" in capsys.readouterr().err


def test_validation_changes_nothing_in_the_training(framework):
    plain = framework.train(framework.unet(), IMAGES, MASKS, steps=5, progress=False)
    watched = framework.train(
        framework.unet(),
        IMAGES,
        MASKS,
        steps=5,
        progress=False,
        every=2,
        validation=(IMAGES, MASKS),
    )
    assert watched == plain
