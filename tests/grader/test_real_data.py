"""An instructor who names real Lyft frames: the release says so, and models are judged on them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grader import scenes
from grader.calibrate import HIDDEN, METHODS, TABLE
from grader.checks import bars
from grader.networks import Networks, NoAnswer
from grader.scenes import hidden_scenes
from grader.settings import Settings
from helpers import masks
from helpers.export import export
from helpers.metrics import Confusion
from helpers.pytorch.unet import unet


@pytest.fixture
def frames(shared):
    return shared / "data/lyft_frames"


def test_hidden_scenes_are_the_real_frames_cleaned(frames, tmp_path):
    images, truth = hidden_scenes(Settings(1, "lyft", frames), tmp_path)
    assert images.shape == (2, 96, 128, 3) and not (truth[:, 80:] == 10).any()
    again = hidden_scenes(Settings(1, "lyft", frames), tmp_path)
    assert np.array_equal(again[0], images), "the second time they come from the cache"
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o077 == 0, "nobody else may read it"


def test_other_frames_or_another_drawing_are_not_taken_from_the_cache(
    frames, tmp_path, monkeypatch
):
    mine = shutil.copytree(frames, tmp_path / "frames")
    before = hidden_scenes(Settings(1, "lyft", mine), tmp_path / "cache")[0]
    first, second = sorted(mine.rglob("CameraRGB/*.png"))
    shutil.copyfile(first, second)
    after = hidden_scenes(Settings(1, "lyft", mine), tmp_path / "cache")[0]
    assert not np.array_equal(before[1], after[1]) and np.array_equal(after[0], after[1])

    key = scenes._key(1)
    assert key == scenes._key(1)
    other = shutil.copytree(Path(scenes.streets.__file__).parent, tmp_path / "streets")
    with (other / "sky.py").open("a") as file:
        file.write("# a later version\n")
    monkeypatch.setattr(scenes.streets, "__file__", str(other / "__init__.py"))
    assert key != scenes._key(1)


def test_a_model_is_judged_on_them(frames, tmp_path, monkeypatch):
    monkeypatch.setenv("PIXELWISE_COURSE", str(tmp_path / "course"))
    networks = Networks("lyft_unet", tmp_path, Settings(1, "lyft", frames))
    with pytest.raises(NoAnswer, match="no model.onnx"):
        networks.judge_model()
    export(unet(13, 4), tmp_path / "model.onnx")
    share, remark, _ = networks.judge_model()
    assert share == 0 and "(0 of the bars 0.9, 0.93, 0.95)" in remark


def test_the_released_notebook_names_them(frames, tmp_path, repo):
    env = {
        **os.environ,
        "PIXELWISE_COURSE": str(tmp_path / "course"),
        "PIXELWISE_DATA": str(frames),
    }
    command = [sys.executable, "-m", "grader", "release", "lyft_unet", "--no-run"]
    subprocess.run(command, cwd=repo, env=env, check=True, capture_output=True)
    text = (tmp_path / "course/release/lyft_unet/lyft_unet.ipynb").read_text()
    assert 'DATA = \\"lyft\\"' in text and str(frames) not in text


def test_an_overlay_of_a_real_frame_can_be_drawn(frames, tmp_path, repo):
    """The command line of the course on a real frame, with a model of the examples."""
    model = repo / "assignments/examples/ada/model.onnx"
    command = [sys.executable, "-m", "helpers.predict", str(frames / "dataA/dataA/CameraRGB/0.png")]
    command += [str(tmp_path), "--model", str(model)]
    subprocess.run(command, cwd=repo, check=True, capture_output=True)
    assert len(list(tmp_path.iterdir())) >= 2


# ---- the bars on streets, held against runs of `python -m grader.calibrate`


@pytest.fixture(scope="module")
def table():
    return json.loads(TABLE.read_text())["iou"]


def test_every_seed_in_both_frameworks_clears_every_bar(table):
    runs = {name: row for name, row in table.items() if name.startswith("U-Net")}
    assert len(runs) == 6
    for name, row in runs.items():
        for bar in bars("lyft_unet", "streets"):
            assert min(row[bar.classes]) > bar.iou, (name, bar)


def test_no_draw_of_the_hidden_scenes_costs_a_complete_example_a_point(table):
    runs = {name: row for name, row in table.items() if name.startswith("example")}
    assert set(runs) == {name for name in METHODS if name.startswith("example")} != set()
    for name, row in runs.items():
        for bar in bars("lyft_unet", "streets"):
            assert min(row[bar.classes]) > bar.iou, (name, bar)


def test_what_needs_no_model_clears_no_bar(table):
    """Run again, live: the seeds and the scenes are fixed."""
    for name in ("no model: place", "no model: colour and place"):
        live = METHODS[name]()
        for bar in bars("lyft_unet", "streets"):
            assert max(live[bar.classes]) < bar.iou - 0.02, (name, bar)
            assert live[bar.classes] == pytest.approx(table[name][bar.classes], abs=0.005)
            assert len(live[bar.classes]) == len(HIDDEN)


def test_the_hood_is_no_vehicle():
    """A constant hood scores on raw labels, and nothing on cleaned ones."""
    from helpers.streets import scene

    _, raw = scene(0, 0, seed=5)
    hood = np.zeros_like(raw)
    hood[500:] = 10
    assert Confusion().add(raw, hood).iou()[10] > 0.6
    assert Confusion().add(masks.remove_hood(raw), hood).iou()[10] == 0
