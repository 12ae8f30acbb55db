"""A training that is cut off goes on to the same curve."""

import os
import signal
import subprocess
import sys
import time
from importlib import import_module

import numpy as np
import pytest
import torch

from helpers import checkpoint
from helpers.augment import Augment
from helpers.streets import scenes
from helpers.training import Training

IMAGES, MASKS = scenes(range(6), range(0, 40, 10), height=16, width=24)
HELD_OUT = IMAGES[:6], MASKS[:6]
OPTIONS = {"steps": 13, "batch": 4, "every": 4, "validation": HELD_OUT, "progress": False}


@pytest.fixture(params=["pytorch", "keras"])
def framework(request):
    torch.set_num_threads(1)

    class Framework:
        train = staticmethod(import_module(f"helpers.{request.param}.train").train)
        predict = staticmethod(import_module(f"helpers.{request.param}.predict").predict)
        best = import_module(f"helpers.{request.param}.checkpoint").BEST

        @staticmethod
        def unet(depth=1):
            torch.manual_seed(0)
            if request.param == "keras":
                import_module("keras").utils.set_random_seed(0)
            unet = import_module(f"helpers.{request.param}.unet").unet
            return unet(13, width=4, depth=depth, dropout=0.3)

        @staticmethod
        def load(folder):
            options = {"classes": 13, "width": 4, "depth": 1}
            about = {"framework": "", "network": "unet", "options": options}
            checkpoint.describe(folder, about | {"height": 16, "width": 24})
            module = import_module(f"helpers.{request.param}.checkpoint")
            return module.load(folder / module.BEST)

    return Framework


def curve(framework, **options):
    model = framework.unet()
    history = framework.train(model, IMAGES[6:], MASKS[6:], **OPTIONS | options)
    return list(history), history.validation, framework.predict(model, IMAGES[:1]).tobytes()


@pytest.mark.parametrize("augment", [None, Augment(flip=0.5, brightness=0.3)])
def test_ctrl_c_and_the_same_call_give_the_undisturbed_curve(
    framework, tmp_path, monkeypatch, augment
):
    undisturbed = curve(framework, augment=augment)
    log = Training.log

    def interrupted(self, *arguments):
        if self.step == 5:  # Ctrl-C in the middle of the sixth step
            os.kill(os.getpid(), signal.SIGINT)
        log(self, *arguments)

    monkeypatch.setattr(Training, "log", interrupted)
    model = framework.unet()
    options = OPTIONS | {"folder": tmp_path, "augment": augment}
    history = framework.train(model, IMAGES[6:], MASKS[6:], **options)
    assert history.interrupted and len(history) == 6 and list(history) == undisturbed[0][:6]
    monkeypatch.undo()

    assert curve(framework, folder=tmp_path, augment=augment) == undisturbed
    # what is finished stays so
    again = curve(framework, folder=tmp_path, augment=augment)
    assert again == undisturbed


def test_ctrl_c_without_a_folder_keeps_what_is_learnt(framework, monkeypatch):
    log = Training.log

    def interrupted(self, *arguments):
        log(self, *arguments)
        if self.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Training, "log", interrupted)
    history = framework.train(framework.unet(), IMAGES, MASKS, steps=50, progress=False)
    assert history.interrupted and 2 <= len(history) <= 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


PROGRAM = """
import sys
from importlib import import_module
from helpers.where import set_threads
set_threads(1)
from helpers.streets import scenes
framework, folder = sys.argv[1:]
if framework == "keras":
    import helpers.keras
    import keras
    keras.utils.set_random_seed(0)
else:
    import torch
    torch.manual_seed(0)
unet = import_module(f"helpers.{framework}.unet").unet
images, masks = scenes(range(6), range(0, 40, 10), height=16, width=24)
model = unet(13, width=4, depth=1, dropout=0.3)
import_module(f"helpers.{framework}.train").train(
    model, images[6:], masks[6:], 60, 4, every=5, validation=(images[:6], masks[:6]),
    folder=folder, progress=False,
)
"""


def test_kill_and_the_same_call_give_the_undisturbed_curve(framework, tmp_path, repo):
    name = framework.train.__module__.split(".")[1]

    def start(folder):
        return subprocess.Popen([sys.executable, "-c", PROGRAM, name, folder], cwd=repo)

    whole, cut = start(tmp_path / "whole"), start(tmp_path / "cut")
    file = tmp_path / "cut" / "resume.safetensors"
    while not file.exists():
        assert cut.poll() is None
        time.sleep(0.005)
    cut.send_signal(signal.SIGKILL)
    assert cut.wait() == -signal.SIGKILL
    steps = len(checkpoint.read(file)[1]["history"])
    assert steps % 5 == 0 and steps < 60
    assert start(tmp_path / "cut").wait() == 0
    assert whole.wait() == 0

    (ours, about), (theirs, undisturbed) = (
        checkpoint.read(tmp_path / folder / "resume.safetensors") for folder in ("cut", "whole")
    )
    assert about["history"] == undisturbed["history"]
    assert about["validation"] == undisturbed["validation"]
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_best_weights_are_kept(framework, tmp_path):
    scores = iter([0.2, 0.9, 0.1, 0.5])
    seen, score = [], Training.score

    def given(self, mean_iou, loss):
        best = score(self, next(scores), loss)
        seen.append(best)
        return best

    Training.score = given
    try:
        model = framework.unet()
        framework.train(model, IMAGES[6:], MASKS[6:], **OPTIONS | {"steps": 8}, folder=tmp_path)
        expected = framework.predict(model, IMAGES[:2])
        framework.train(model, IMAGES[6:], MASKS[6:], **OPTIONS | {"steps": 16}, folder=tmp_path)
    finally:
        Training.score = score
    assert seen == [True, True, False, False]
    assert not np.allclose(framework.predict(model, IMAGES[:2]), expected, atol=1e-3)
    assert np.array_equal(framework.predict(framework.load(tmp_path), IMAGES[:2]), expected)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [framework.best, "network.json", "resume.safetensors"]
    )


def test_another_training_in_the_folder_is_not_overwritten(framework, tmp_path):
    curve(framework, folder=tmp_path, steps=1)
    before = (tmp_path / "resume.safetensors").read_bytes()
    with pytest.raises(ValueError, match=r"batch = 4, asked for is 3.*another folder"):
        curve(framework, folder=tmp_path, batch=3)
    with pytest.raises(ValueError, match=r"resume\.safetensors: of another network"):
        framework.train(framework.unet(depth=2), IMAGES[6:], MASKS[6:], **OPTIONS, folder=tmp_path)
    assert (tmp_path / "resume.safetensors").read_bytes() == before


def test_a_damaged_file_is_named(framework, tmp_path):
    curve(framework, folder=tmp_path, steps=1)
    file = tmp_path / "resume.safetensors"
    for content in (file.read_bytes()[:-100], b"", b"no checkpoint"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"resume\.safetensors: not a safetensors file"):
            curve(framework, folder=tmp_path)
    (tmp_path / framework.best).write_bytes(b"rubbish")
    with pytest.raises(ValueError, match=framework.best):
        framework.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(framework, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"file.*cannot be written"):
        curve(framework, folder=tmp_path / "file")
