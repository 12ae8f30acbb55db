"""Networks that begin with weights from a file: the same ones in both frameworks."""

import functools
import hashlib
import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save

import helpers.keras  # noqa: F401  sets the backend of Keras

# isort: split
import keras

from helpers import pretrained as files
from helpers.classes import VOC
from helpers.keras import pretrained as keras_pretrained
from helpers.keras import twin as keras_twin
from helpers.pytorch import convert
from helpers.pytorch import pretrained as torch_pretrained
from helpers.pytorch import twin as torch_twin
from helpers.pytorch.deeplab_mobilenet import deeplab_mobilenet
from helpers.pytorch.encoder import ENCODERS
from helpers.pytorch.predict import tensor
from tests.helpers.random_weights import draw
from tests.helpers.weights_server import Server
from tests.torchvision_models import models

VOC_NAME = "deeplabv3_mobilenet_v3_large"
X = np.random.default_rng(0).random((2, 64, 96, 3), np.float32)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("PIXELWISE_WEIGHTS", raising=False)
    monkeypatch.setattr(files, "KAGGLE", tmp_path / "kaggle")
    return tmp_path


@pytest.fixture
def serve(home, monkeypatch):
    """Makes the weights called `name` be `content`, on a server that `serve` returns."""
    running = []

    def start(name, content, end=""):
        server = Server(content).__enter__()
        running.append(server)
        source = replace(
            files.SOURCES[name], url=server.url + end, sha256=hashlib.sha256(content).hexdigest()
        )
        monkeypatch.setitem(files.SOURCES, name, source)
        return server

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def offline(home, monkeypatch):
    with Server(b"") as gone:
        pass
    for name, source in files.SOURCES.items():
        url = gone.url + source.url[-4:]  # .pth says that it is a checkpoint
        monkeypatch.setitem(files.SOURCES, name, replace(source, url=url))


@functools.cache
def encoder_file(name: str) -> tuple[dict, bytes]:
    """As torchvision would give it, with the layer for the 1000 classes."""
    state = ENCODERS[name]().state_dict()
    arrays = draw({key: tuple(array.shape) for key, array in state.items()})
    arrays["classifier.1.weight"] = np.zeros((1000, 7), np.float32)
    return arrays, save(arrays)


def both(network, *arguments, **options):
    torch_model = torch_pretrained.pretrained(network, *arguments, **options).eval()
    return torch_model, keras_pretrained.pretrained(network, *arguments, **options)


def logits(torch_model, keras_model):
    with torch.no_grad():
        ours = torch_model(torch.from_numpy(X).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    return ours, keras_model(X, training=False).numpy()


@pytest.mark.parametrize(
    ("network", "encoder"),
    [
        *(("unet", name) for name in ENCODERS),
        *((name, "mobilenet_v2") for name in ("fcn8", "pspnet", "deeplabv3", "deeplabv3plus")),
    ],
)
def test_both_frameworks_read_one_file(network, encoder, serve):
    arrays, content = encoder_file(encoder)
    server = serve(encoder, content)
    torch_model, keras_model = both(network, 5, encoder, width=4)
    assert server.asked == [None]
    for name, array in torch_model.encoder.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(array, arrays[name], name)
    # the rest begins at random, in each as it likes
    keras_twin.set_weights(
        keras_model, torch_twin.get_weights(torch_model) | encoder_of(keras_model)
    )
    ours, theirs = logits(torch_model, keras_model)
    assert ours.std(axis=(0, 1, 2)).min() > 0
    np.testing.assert_allclose(theirs, ours, atol=1e-4 * max(1, np.abs(ours).max()))


def encoder_of(model: keras.Model) -> dict[str, np.ndarray]:
    weights = keras_twin.get_weights(model)
    return {name: array for name, array in weights.items() if name.startswith("encoder_")}


@pytest.mark.parametrize("name", ENCODERS)
def test_state_dicts_of_torchvision_come_in(name, home, tmp_path):
    """Its own network with the weights loaded says at the end of the encoder what ours says."""
    theirs = getattr(models(), name)(weights=None).eval()
    head = "fc" if hasattr(theirs, "fc") else "classifier"
    setattr(theirs, head, torch.nn.Linear(3, 2))  # a small one: it is not taken over
    state = draw({key: tuple(array.shape) for key, array in theirs.state_dict().items()})
    theirs.load_state_dict({key: torch.from_numpy(array) for key, array in state.items()})
    torch.save(theirs.state_dict(), tmp_path / f"{name}.pth")
    (home / ".cache/pixelwise").mkdir(parents=True)
    convert.convert(tmp_path / f"{name}.pth", home / f".cache/pixelwise/{name}.safetensors")
    ours = torch_pretrained.pretrained("fcn8", 5, name).eval()
    image = torch.from_numpy(X).permute(0, 3, 1, 2)
    with torch.no_grad():
        x = ours.encoder.standardize(image)
        if hasattr(theirs, "features"):
            expected = theirs.features(x)
        else:
            x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x))))
            expected = theirs.layer4(theirs.layer3(theirs.layer2(theirs.layer1(x))))
        made = ours.encoder(image)[-1]
    assert expected.std() > 1e-3
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)


def test_without_a_network_there_is_a_sentence_and_the_course_s_own_encoder(offline, capsys):
    made = both("unet", 5, "resnet18", width=4)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[0] == said[1]
    assert said[0].startswith("These weights (47 MB) are not on this machine")
    assert said[0].endswith("Until then the network has the course's own encoder, untrained.")
    own = torch_pretrained.NETWORKS["unet"](5, 4)
    assert sum(p.numel() for p in made[0].parameters()) == sum(p.numel() for p in own.parameters())
    keras_twin.set_weights(made[1], torch_twin.get_weights(made[0]))
    np.testing.assert_allclose(*logits(*made), atol=1e-4)


@pytest.mark.parametrize("package", [torch_pretrained, keras_pretrained])
def test_a_wrong_file_leaves_the_network_whole(package, serve, capsys):
    serve("resnet18", encoder_file("resnet50")[1])
    package.pretrained("fcn8", 5, "resnet18", width=4)
    said = capsys.readouterr().out
    assert "resnet18.safetensors: encoder_layer" in said and "own encoder, untrained" in said


@pytest.mark.parametrize("package", [torch_pretrained, keras_pretrained])
def test_unknown_encoders_are_named(package, home):
    with pytest.raises(ValueError, match="encoder is 'alexnet'; it can be plain, resnet18"):
        package.pretrained("fcn8", 5, "alexnet")
    with pytest.raises(ValueError, match="no weights are known for 'plain'"):
        package.pretrained("fcn8", 5, "plain")


@functools.cache
def voc_checkpoint() -> tuple[dict, bytes]:
    """As torchvision publishes it, with the second classifier."""
    state = deeplab_mobilenet().state_dict()
    arrays = draw({key: tuple(array.shape) for key, array in state.items()})
    arrays["aux_classifier.4.weight"] = np.ones((21, 10, 1, 1), np.float32)
    file = io.BytesIO()
    torch.save({key: torch.from_numpy(array) for key, array in arrays.items()}, file)
    return arrays, file.getvalue()


def test_a_checkpoint_of_torchvision_serves_both_frameworks(serve, home):
    arrays, content = voc_checkpoint()
    server = serve(VOC_NAME, content, "/checkpoint.pth")
    server.cut_after = [len(content) // 2]
    models = torch_pretrained.voc(), keras_pretrained.voc()
    assert server.asked == [None, f"bytes={len(content) // 2}-"]  # Keras found the converted file
    kept = [path.name for path in (home / ".cache/pixelwise").iterdir()]
    assert kept == [f"{VOC_NAME}.safetensors"]
    assert not models[0].training
    for name, array in models[0].state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(array, arrays[name], name)
    ours, theirs = logits(*models)
    assert ours.shape == (2, 64, 96, 21) and ours.std(axis=(0, 1, 2)).min() > 1e-3
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


def test_a_checkpoint_that_holds_more_than_arrays_is_refused(serve, home, capsys):
    """The check sum says which file it is; that nothing in it runs is looked at all the same."""
    file = io.BytesIO()
    torch.save({"backbone": deeplab_mobilenet}, file)
    serve(VOC_NAME, file.getvalue(), "/checkpoint.pth")
    assert torch_pretrained.voc() is None
    said = capsys.readouterr().out
    assert "cannot be turned into deeplabv3_mobilenet_v3_large.safetensors" in said
    assert "no checkpoint of arrays alone (Weights only load failed" in said
    assert not list((home / ".cache/pixelwise").glob("*.safetensors*"))


def test_the_command_names_what_it_cannot_convert(tmp_path, repo):
    (tmp_path / "cut.pth").write_bytes(voc_checkpoint()[1][:1_000_000])
    for name, why in {"cut.pth": "cut off, or no checkpoint", "none.pth": "No such file"}.items():
        command = [sys.executable, "-m", "helpers.pytorch.convert", tmp_path / name, tmp_path / "a"]
        run = subprocess.run(command, cwd=repo, capture_output=True, text=True)
        assert run.returncode == 1 and "Traceback" not in run.stderr
        assert name in run.stderr and why in run.stderr
    assert not (tmp_path / "a").exists()


def test_without_pytorch_the_command_for_another_machine_is_named(
    serve, tmp_path, monkeypatch, capsys
):
    serve(VOC_NAME, voc_checkpoint()[1], "/checkpoint.pth")
    (tmp_path / "lacks/torch").mkdir(parents=True)
    (tmp_path / "lacks/torch/__init__.py").write_text("raise ModuleNotFoundError('no torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lacks"))
    assert keras_pretrained.voc() is None
    said = capsys.readouterr().out
    assert "no torch" in said and "run `python -m helpers.pytorch.convert " in said
    monkeypatch.delenv("PYTHONPATH")
    assert keras_pretrained.voc() is not None  # what has come is used


@pytest.mark.parametrize("package", [torch_pretrained, keras_pretrained])
def test_without_a_network_there_is_no_whole_model(package, offline, capsys):
    assert package.voc() is None
    said = capsys.readouterr().out
    assert said.startswith("These weights (42 MB) are not on this machine")
    assert "bring the file and run `python -m helpers.pytorch.convert FILE " in said


PROGRAM = """
import sys
from dataclasses import replace
from helpers import pretrained
sys.path.insert(0, "course")
import pretrained_prediction
_, url, digest, out = sys.argv
known = pretrained.SOURCES["deeplabv3_mobilenet_v3_large"]
pretrained.SOURCES["deeplabv3_mobilenet_v3_large"] = replace(known, url=url, sha256=digest)
pretrained_prediction.main(["--out", out])
"""


def predict(server, content, out, repo):
    digest = hashlib.sha256(content).hexdigest()
    command = [sys.executable, "-c", PROGRAM, server.url + "/checkpoint.pth", digest, str(out)]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True)


def test_the_command_stores_a_prediction(home, tmp_path, repo):
    _, content = voc_checkpoint()
    with Server(content) as server:
        run = predict(server, content, tmp_path / "mask.png", repo)
    assert run.returncode == 0, run.stderr
    assert "mask.png: " in run.stdout and "; found " in run.stdout
    with Image.open(tmp_path / "mask.png") as picture:
        mask, colours = np.asarray(picture), np.asarray(picture.convert("RGB"))
    assert mask.dtype == np.uint8 and mask.shape == (600, 512)
    np.testing.assert_array_equal(colours, VOC.palette[mask])
    from matplotlib.cbook import get_sample_data

    with Image.open(get_sample_data("grace_hopper.jpg")) as photo:
        image = np.array(photo)[None]
    with torch.no_grad():
        expected = torch_pretrained.voc()(tensor(image))[0].argmax(0).numpy()
    assert (mask == expected).mean() > 0.999  # the last digit may decide at a border
    assert len(np.unique(expected)) > 1


def test_the_command_writes_nothing_without_a_network(home, tmp_path, repo):
    with Server(b"") as gone:
        pass
    run = predict(gone, b"", tmp_path / "mask.png", repo)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "are not on this machine" in run.stdout and not (tmp_path / "mask.png").exists()
