"""Pictures, folders and animations from the command line, with any kind of model."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from helpers import checkpoint, predict
from helpers.export import export
from helpers.keras import checkpoint as keras_checkpoint
from helpers.keras.unet import unet as keras_unet
from helpers.pytorch import checkpoint as torch_checkpoint
from helpers.pytorch.unet import unet
from helpers.streets import scenes

IMAGES, _ = scenes(range(4), [0], height=60, width=80)
NETWORK = {"classes": 13, "width": 4, "depth": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder as `helpers.train` writes it, for each framework."""
    folders = {}
    for framework, make, module in (
        ("torch", unet, torch_checkpoint),
        ("keras", keras_unet, keras_checkpoint),
    ):
        folders[framework] = folder = tmp_path_factory.mktemp(framework)
        torch.manual_seed(0)
        model = make(**NETWORK)
        module.save(model, folder)
        about = {"framework": framework, "network": "unet", "options": NETWORK}
        checkpoint.describe(folder, about | {"height": 24, "width": 32})
        export(model, folder / "model.onnx", 24, 32)
    return folders


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, image in enumerate(IMAGES):
        Image.fromarray(image).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize("how", [[], ["--flip"], ["--tile"], ["--tile", "--flip"]])
def test_every_kind_of_model_gives_the_same_masks(models, pictures, tmp_path, framework, how):
    folder = models[framework]
    weights = folder / ("best.safetensors" if framework == "torch" else "best.keras")
    found = []
    for name, model in (("onnx", folder / "model.onnx"), ("weights", weights), ("all", folder)):
        call = [str(pictures), str(tmp_path / name), "--model", str(model), *how]
        assert predict.main(call) == 0
        masks = [np.asarray(Image.open(tmp_path / name / f"{i}-mask.png")) for i in range(4)]
        found.append(np.array(masks)[..., 0])
    assert found[0].shape == (4, 60, 80)
    assert (found[0] == found[1]).mean() > 0.995 and np.array_equal(found[0], found[2])


def test_tiles_keep_what_shrinking_loses(models, pictures, tmp_path):
    for name, how in (("shrunk", []), ("tiles", ["--tile"])):
        model = str(models["torch"])
        predict.main([str(pictures), str(tmp_path / name), "--model", model, *how])
    shrunk, tiles = (
        np.asarray(Image.open(tmp_path / name / "0-mask.png"))[..., 0]
        for name in ("shrunk", "tiles")
    )
    changes = [np.count_nonzero(np.diff(mask.astype(int))) for mask in (shrunk, tiles)]
    assert changes[1] > changes[0]


def test_one_picture_and_two_of_the_same_name(models, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    model = ["--model", str(models["torch"])]
    assert predict.main([str(pictures / "0.png"), str(out), *model]) == 0
    assert sorted(f.name for f in out.iterdir()) == ["0-mask.png", "0-overlay.png"]
    Image.fromarray(IMAGES[1]).save(pictures / "0.jpg")
    assert predict.main([str(pictures), str(out), *model]) == 0
    assert {"0.jpg-mask.png", "0.png-mask.png", "1-mask.png"} <= {f.name for f in out.iterdir()}
    assert "5 of 5 are done" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_an_animation_gives_an_animation(models, tmp_path, suffix):
    film = tmp_path / f"film{suffix}"
    first, *rest = map(Image.fromarray, IMAGES)
    first.save(film, save_all=True, append_images=rest, duration=[100, 200, 300, 400])
    assert predict.main([str(film), str(tmp_path / "out"), "--model", str(models["torch"])]) == 0
    with Image.open(tmp_path / "out" / f"film-overlay{suffix}") as seen:
        assert seen.n_frames == 4 and seen.size == (80, 60)
        seen.seek(1)
        seen.load()
        assert seen.info["duration"] == 200
    assert len(list((tmp_path / "out").glob("film-0000?-mask.png"))) == 4


def test_a_broken_picture_does_not_stop_the_others(models, pictures, tmp_path, capsys):
    (pictures / "2.png").write_bytes((pictures / "2.png").read_bytes()[:300])
    (pictures / "film.gif").write_bytes(b"GIF89a")
    call = [str(pictures), str(tmp_path / "out"), "--model", str(models["torch"])]
    assert predict.main(call) == 1
    said = capsys.readouterr()
    assert "3 of 5 are done" in said.out
    assert "left out: pictures/2.png: cut off" in said.err
    assert "left out: pictures/film.gif" in said.err


def test_rubbish_is_answered_in_a_sentence(models, pictures, tmp_path, capsys):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "film.mp4").write_bytes(b"...")
    for name in ("rubbish.onnx", "rubbish.safetensors", "model.txt", "rubbish.keras"):
        (folder / name).write_bytes(b"rubbish")
    about = {"framework": "torch", "network": "unet", "options": NETWORK | {"width": 8}}
    checkpoint.describe(folder, about | {"height": 24, "width": 32})
    other = models["torch"] / "best.safetensors"
    (folder / "other.safetensors").write_bytes(other.read_bytes())
    for source, model, words in (
        (tmp_path / "nothing", models["torch"], "nothing: no such file"),
        (tmp_path / "empty", models["torch"], "no pictures in this folder"),
        (tmp_path / "film.mp4", models["torch"], "ffmpeg"),
        (pictures, tmp_path / "nothing.onnx", "nothing.onnx: no such file"),
        (pictures, tmp_path / "empty", "empty: no model.onnx, best.safetensors or best.keras"),
        (pictures, folder / "rubbish.onnx", "rubbish.onnx: not an ONNX model"),
        (pictures, folder / "rubbish.safetensors", "not a safetensors file"),
        (pictures, folder / "rubbish.keras", "not a Keras model"),
        (pictures, folder / "model.txt", "a model ends with .onnx, .safetensors or .keras"),
        (pictures, folder / "other.safetensors", "of another network"),
    ):
        assert predict.main([str(source), str(tmp_path / "out"), "--model", str(model)]) == 2
        said = capsys.readouterr().err
        assert words in said, said
    (tmp_path / "file").write_text("")
    call = [str(pictures), str(tmp_path / "file"), "--model", str(models["torch"])]
    assert predict.main(call) == 2
    (folder / "network.json").write_text(json.dumps(about))
    call = [str(pictures), str(tmp_path / "out"), "--model", str(folder / "other.safetensors")]
    assert predict.main(call) == 2
    assert "network.json: does not say" in capsys.readouterr().err
