"""From a folder of pairs to masks of new pictures, as a user does it."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import checkpoint, data, predict, train
from helpers.keras import networks as keras_networks
from helpers.pytorch import networks as torch_networks
from helpers.streets import write

SMALL = ["--channels", "4", "--depth", "2", "--height", "24", "--width", "32"]


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    return write(folder, range(3), range(0, 16, 4), height=120, width=160)


def pictures(folder, count, ids=3, drives=1, size=(24, 32)):
    """`count` pairs in images and masks, and the two folders' names."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        image = Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8))
        image.save(folder / "images" / f"drive{i % drives}_{i}.png")
        mask = Image.fromarray(rng.integers(0, ids, size, np.uint8))
        mask.save(folder / "masks" / f"drive{i % drives}_{i}.png")
    return [str(folder / "images"), str(folder / "masks")]


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_camvid_end_to_end(framework, shared, tmp_path, capsys):
    camvid, out = shared / "data/camvid_pairs", tmp_path / "new" / "model"
    call = [str(camvid), "--classes", "12", "--framework", framework, "--out", str(out)]
    assert train.main([*call, *SMALL, "--steps", "4"]) == 0
    said = capsys.readouterr().out
    assert "5 pairs to train on, 3 to validate (other drives: camvid_pairs/0016E5)" in said
    assert len(re.findall(r"^class \d+ +(\d\.\d{3}|absent)$", said, re.M)) == 12
    assert "mean IoU" in said
    assert len(json.loads((out / "history.json").read_text())["training"]) == 4

    # the weights and the ONNX file are one model
    images = camvid / "images_prepped_test"
    for model in ("model.onnx", "."):
        predict.main([str(images), str(tmp_path / model), "--model", str(out / model)])
    (out / "model.onnx").unlink()
    assert predict.main([str(images), str(tmp_path / "seen"), "--model", str(out)]) == 0
    assert "3 of 3 are done" in capsys.readouterr().out
    for file in images.iterdir():
        mask = data.read_mask(tmp_path / "seen" / f"{file.stem}-mask.png")
        image = Image.open(tmp_path / "seen" / f"{file.stem}-overlay.png")
        assert mask.shape == Image.open(file).size[::-1] == image.size[::-1] and mask.max() < 12
        onnx = data.read_mask(tmp_path / "model.onnx" / f"{file.stem}-mask.png")
        assert (onnx == mask).mean() > 0.99


def test_lyft_masks_are_written_as_lyft_writes_them(streets, tmp_path, capsys):
    out = tmp_path / "model"
    assert train.main(["--data", str(streets), "--out", str(out), "--steps", "3", *SMALL]) == 0
    said = capsys.readouterr().out
    assert "8 pairs to train on, 4 to validate" in said and "RoadLines" in said
    folder = streets / "dataA" / "dataA" / "CameraRGB"
    assert predict.main([str(folder), str(tmp_path / "seen"), "--model", str(out)]) == 0
    for file in folder.iterdir():
        mask = np.asarray(Image.open(tmp_path / "seen" / f"{file.stem}-mask.png"))
        assert mask.shape == (120, 160, 3)
        assert mask[..., 0].max() < 13 and not mask[..., 1:].any()


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_ctrl_c_and_the_same_command_goes_on(framework, streets, tmp_path, repo):
    def start(out, steps):
        command = [sys.executable, "-m", "helpers.train", str(streets), *SMALL]
        command += ["--framework", framework, "--out", str(out), "--steps", str(steps)]
        environment = {**os.environ, "PYTHONPATH": str(repo), "OMP_NUM_THREADS": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=environment, text=True, **pipes)

    run, shown = start(tmp_path, 10**6), ""
    while "loss=" not in shown:  # it trains
        shown += (more := run.stderr.read(1))
        assert more, shown
    run.send_signal(signal.SIGINT)
    said = run.communicate()[0]
    assert run.returncode == 130
    steps = len(json.loads((tmp_path / "history.json").read_text())["training"])
    assert f"Stopped after {steps} steps. The same command goes on." in said
    assert (tmp_path / "model.onnx").exists()
    again = start(tmp_path, steps + 5)
    assert "Going on with the training" in again.communicate()[0] and again.returncode == 0
    after = json.loads((tmp_path / "history.json").read_text())["training"]
    assert [step for step, _ in after] == list(range(steps + 5))


def test_another_network_in_the_folder_is_named(streets, tmp_path, capsys):
    call = [str(streets), "--out", str(tmp_path), "--steps", "1", *SMALL]
    assert train.main(call) == 0
    assert train.main([*call, "--framework", "keras"]) == 2
    assert train.main([*call, "--network", "fcn8"]) == 2
    said = capsys.readouterr().err
    assert "framework torch, asked for is keras" in said
    assert "network unet, asked for is fcn8" in said and "--out" in said


def test_how_pairs_are_split_is_said(tmp_path, capsys):
    for count, drives, words in (
        (10, 1, "8 pairs to train on, 2 to validate (the last frames of the only drive"),
        (10, 5, "8 pairs to train on, 2 to validate (other drives: "),
        (1, 1, "1 pairs to train on, 1 to validate (the same one"),
    ):
        folder = tmp_path / f"{count}-{drives}"
        call = [*pictures(folder, count, drives=drives), "--classes", "3", *SMALL]
        assert train.main([*call, "--steps", "2", "--out", str(folder / "model")]) == 0
        assert words in capsys.readouterr().out


def test_rubbish_is_answered_in_a_sentence(tmp_path, capsys):
    images, masks = pictures(tmp_path / "pairs", 4)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    few = [images, masks, "--classes", "3", "--steps", "1", "--out", str(tmp_path / "model")]
    for call, words in (
        ([str(tmp_path / "empty")], "no pairs"),
        ([str(tmp_path / "nothing"), masks], "no such folder"),
        ([images, masks], "How many classes"),
        ([*few, "--height", "90"], "divisible by 16. Pad or resize it to 96×128"),
        ([*few, "--height", "90", "--framework", "keras"], "Pad or resize it to 96×128"),
        ([*few, "--network", "fcn8", "--depth", "2"], "fcn8 takes no --depth"),
        ([*few, "--network", "fcn8", "--encoder", "resnet9"], "encoder is 'resnet9'"),
        ([*few, "--pretrained"], "--pretrained needs --encoder"),
        ([*few, "--validation", "1"], "validation is 1"),
        ([*few, "--out", str(tmp_path / "file" / "model")], "Not a directory"),
    ):
        assert train.main(call) == 2, call
        said = capsys.readouterr().err
        assert words in said and "Traceback" not in said, said
    assert train.main([*few, "--classes", "2"]) == 2
    said = capsys.readouterr()
    assert "class id 2 at row" in said.out and "--fix NEW" in said.err
    for call in ([*few, "--steps", "0"], [*few, "--epochs", "2"], [*few, "--data", images]):
        with pytest.raises(SystemExit):
            train.main(call)


def test_a_damaged_checkpoint_is_named(tmp_path, capsys):
    call = [*pictures(tmp_path, 4), "--classes", "3", "--steps", "1", *SMALL]
    call += ["--out", str(tmp_path / "model")]
    assert train.main(call) == 0
    (tmp_path / "model/resume.safetensors").write_bytes(b"rubbish")
    assert train.main(call) == 2
    assert "resume.safetensors: not a safetensors file" in capsys.readouterr().err


def test_the_help_knows_every_network():
    assert sorted(train.NETWORKS) == sorted(torch_networks.NETWORKS)
    assert sorted(train.NETWORKS) == sorted(keras_networks.NETWORKS)


def test_a_network_is_described_beside_its_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"network\.json: no such file"):
        checkpoint.description(tmp_path)
    for rubbish in ("", "[]", "{}"):
        (tmp_path / "network.json").write_text(rubbish)
        with pytest.raises(ValueError, match=r"network\.json: does not say"):
            checkpoint.description(tmp_path)
