import time
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

import helpers.predict
import helpers.train
from helpers.metrics import Confusion
from helpers.pytorch.train import fast_bfloat16
from helpers.schedule import one_cycle, timetable
from helpers.streets import scenes, write

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


def test_the_timetable_counts_steps_or_watches_the_clock():
    taken = [(step, factor) for step, factor, _ in timetable(50, None, False)]
    assert [step for step, _ in taken] == list(range(50))
    assert taken[-1][1] < 0.01
    factors = []
    for _, factor, _ in timetable(3, 1, False):  # seconds win over steps
        factors.append(factor)
        time.sleep(0.01)
    assert len(factors) > 3
    assert factors[-1] < 0.5 < max(factors)


def test_training_learns_and_says_how(framework, capsys):
    model = framework.unet()
    history = framework.train(model, IMAGES, MASKS, steps=100)
    assert [step for step, _ in history] == list(range(100))
    assert np.mean([loss for _, loss in history[-10:]]) < 0.6 * history[0][1]
    shown = capsys.readouterr().err
    assert "100/100" in shown and "loss=" in shown
    found = Confusion().add(MASKS, framework.predict_masks(model, IMAGES))
    always_roads = Confusion().add(MASKS, np.full_like(MASKS, 7))
    assert found.accuracy() > always_roads.accuracy() + 0.2


def test_the_same_seed_is_the_same_run(framework):
    def run(seed):
        return framework.train(framework.unet(), IMAGES, MASKS, steps=4, seed=seed, progress=False)

    first = run(0)
    assert run(0) == first
    assert run(1) != first


def test_ctrl_c_keeps_what_is_learnt(framework, monkeypatch):
    module = import_module(framework.train.__module__)

    def interrupted(*arguments):
        for step, factor, bar in timetable(*arguments):
            if step == 3:
                raise KeyboardInterrupt
            yield step, factor, bar

    monkeypatch.setattr(module, "timetable", interrupted)
    history = framework.train(framework.unet(), IMAGES, MASKS, progress=False)
    assert [step for step, _ in history] == [0, 1, 2]


def test_seconds_end_the_training(framework):
    model = framework.unet()
    history = framework.train(model, IMAGES, MASKS, steps=10**9, seconds=1, progress=False)
    assert len(history) >= 1


def test_bfloat16_is_left_alone_where_it_is_not_known():
    assert not fast_bfloat16(torch.device("meta"))


def test_the_command_lines(tmp_path, capsys):
    data = write(tmp_path / "data", range(3), range(0, 16, 4), height=120, width=160)
    out = tmp_path / "new" / "model.onnx"
    options = ["--data", str(data), "--out", str(out), "--steps", "3"]
    options += ["--channels", "4", "--depth", "2", "--height", "24", "--width", "32"]
    helpers.train.main(options)
    said = capsys.readouterr().out
    assert "8 pairs to train on, 4 to validate" in said and "mean IoU" in said
    before = out.read_bytes()

    helpers.train.main([*options, "--framework", "keras"])
    assert "Going on from" in capsys.readouterr().out
    assert out.read_bytes() != before
    with pytest.raises(SystemExit, match="'depth': 2.*asked for.*'depth': 1"):
        helpers.train.main([*options, "--depth", "1"])

    folder = data / "dataA" / "dataA" / "CameraRGB"
    count = len(list(folder.iterdir()))
    helpers.predict.main([str(folder), "--model", str(out), "--out", str(tmp_path / "seen")])
    assert f"{count} masks and overlays" in capsys.readouterr().out
    for file in folder.iterdir():
        mask = np.asarray(Image.open(tmp_path / "seen" / f"{file.stem}-mask.png"))
        assert mask.shape == (120, 160, 3)
        assert mask[..., 0].max() < 13 and not mask[..., 1:].any()
        assert Image.open(tmp_path / "seen" / f"{file.stem}-overlay.png").size == (160, 120)
    with pytest.raises(SystemExit):
        helpers.predict.main(["nothing.png", "--model", str(out)])
    assert "nothing.png: no such file" in capsys.readouterr().err
