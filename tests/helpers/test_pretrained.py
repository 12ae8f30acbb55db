"""Finding and fetching weights, against a real server on loopback. No framework is loaded."""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from helpers import pretrained
from helpers.pretrained import WeightsError
from tests.helpers.weights_server import Server

RNG = np.random.default_rng(0)
ARRAYS = {
    "conv1.weight": RNG.normal(size=(64, 3, 7, 7)).astype(np.float32),
    "bn1.weight": RNG.random(64, np.float32),
    "bn1.bias": RNG.random(64, np.float32),
    "bn1.running_mean": RNG.random(64, np.float32),
    "bn1.running_var": RNG.random(64, np.float32),
    "bn1.num_batches_tracked": np.array(7),
    "fc.weight": RNG.random((1000, 512), np.float32),
}
FILE = save(ARRAYS)
CUT = 1_000_000
PROGRAM = """
import signal, resource, sys
from dataclasses import replace
from helpers import pretrained
_, url, digest, limit = sys.argv
known = pretrained.SOURCES["resnet18"]
pretrained.SOURCES["resnet18"] = replace(known, url=url, sha256=digest)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
pretrained.weights("resnet18")
"""
"""Fetches resnet18 from the server, where no file can be larger than the limit."""
OWN = {
    "encoder_conv1.kernel": np.zeros((7, 7, 3, 64), np.float32),
    "encoder_bn1.mean": np.zeros(64, np.float32),
    "head.bias": np.ones(2, np.float32),
}


def start(server, repo, limit=10**9, box=()):
    digest = hashlib.sha256(FILE).hexdigest()
    command = [*box, sys.executable, "-c", PROGRAM, server.url, digest, str(limit)]
    run = subprocess.run(command, cwd=repo, capture_output=True, text=True)
    return run.stderr.strip().splitlines()[-1]


def serve(monkeypatch, server):
    """Makes resnet18 lie on the server, with the check sum of what should lie there."""
    digest = hashlib.sha256(FILE).hexdigest()
    source = replace(pretrained.SOURCES["resnet18"], url=server.url, sha256=digest)
    monkeypatch.setitem(pretrained.SOURCES, "resnet18", source)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("PIXELWISE_WEIGHTS", raising=False)
    monkeypatch.setattr(pretrained, "KAGGLE", tmp_path / "kaggle")
    return tmp_path


@pytest.fixture
def server(home, monkeypatch):
    with Server(FILE) as running:
        serve(monkeypatch, running)
        yield running


@pytest.fixture
def cache(home):
    return home / ".cache/pixelwise"


def assert_whole(cache):
    assert [path.name for path in cache.iterdir()] == ["resnet18.safetensors"]
    assert (cache / "resnet18.safetensors").read_bytes() == FILE


def test_a_file_is_fetched_once(server, cache, capfd):
    arrays = pretrained.weights("resnet18")
    assert set(arrays) == {name for name in ARRAYS if name.startswith(("conv", "bn1."))} - {
        "bn1.num_batches_tracked"
    }
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
    assert "weights of resnet18: 100%" in capfd.readouterr().err
    assert_whole(cache)
    again = pretrained.weights("resnet18")
    assert again.keys() == arrays.keys() and server.asked == [None]


def test_after_a_cut_only_the_rest_is_fetched(server, cache):
    server.cut_after = [CUT, 500_000]
    assert "conv1.weight" in pretrained.weights("resnet18")
    assert server.asked == [None, f"bytes={CUT}-", f"bytes={CUT + 500_000}-"]
    assert_whole(cache)


def test_what_an_earlier_run_left_is_gone_on_from(server, cache):
    cache.mkdir(parents=True)
    (cache / "resnet18.part").write_bytes(FILE[:CUT])
    pretrained.weights("resnet18")
    assert server.asked == [f"bytes={CUT}-"]
    assert_whole(cache)


def test_a_whole_part_needs_no_more_bytes(server, cache):
    cache.mkdir(parents=True)
    (cache / "resnet18.part").write_bytes(FILE)
    pretrained.weights("resnet18")
    assert_whole(cache)


def test_a_server_without_ranges_sends_it_all_again(server, cache):
    server.ranges = False
    server.cut_after = [CUT]
    pretrained.weights("resnet18")
    assert len(server.asked) == 2
    assert_whole(cache)


def test_a_line_that_always_breaks_at_once_is_given_up(server, cache):
    server.cut_after = [CUT, 0, 0, 0]
    with pytest.raises(WeightsError, match="not on this machine.*cut off.*Run this again where"):
        pretrained.weights("resnet18")
    assert [path.name for path in cache.iterdir()] == ["resnet18.part"]
    server.cut_after = []
    pretrained.weights("resnet18")
    assert server.asked[-1] == f"bytes={CUT}-"
    assert_whole(cache)


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_is_a_sentence(server, cache, status):
    server.status = status
    with pytest.raises(WeightsError, match=f"{server.url} answers {status} .*save the file as"):
        pretrained.weights("resnet18")
    assert not list(cache.iterdir())


def test_no_network_is_a_sentence(server, cache, monkeypatch):
    with Server(b"") as gone:
        pass
    serve(monkeypatch, gone)
    with pytest.raises(WeightsError) as fault:
        pretrained.weights("resnet18")
    assert re.fullmatch(
        r"These weights \(47 MB\) are not on this machine, and http://127\S+ cannot be reached "
        r"\(.*refused.*\)\. Run this again where there is a network, or save the file as "
        rf"{cache}/resnet18\.safetensors\.",
        str(fault.value),
    )


@pytest.mark.parametrize("part", [b"", FILE[:CUT]], ids=["from the beginning", "after a cut"])
def test_a_sign_in_page_is_not_kept(server, cache, part):
    cache.mkdir(parents=True)
    if part:
        (cache / "resnet18.part").write_bytes(part)
    server.content, server.ranges = b"<html>please sign in to the hotel's network</html>", False
    with pytest.raises(WeightsError, match="not the file with the weights.*was removed.*sign-in"):
        pretrained.weights("resnet18")
    assert not list(cache.iterdir())
    server.content, server.ranges = FILE, True
    pretrained.weights("resnet18")
    assert_whole(cache)


def test_one_wrong_byte_is_seen(server, cache):
    wrong = bytearray(FILE)
    wrong[-1] ^= 1
    server.content = bytes(wrong)
    with pytest.raises(WeightsError, match="SHA-256"):
        pretrained.weights("resnet18")
    assert not list(cache.iterdir())


@pytest.mark.parametrize("content", [FILE[:CUT], FILE[:3], b"", b"<html></html>" * 9])
def test_a_file_of_the_users_own_that_is_cut_off_is_named(server, cache, content):
    cache.mkdir(parents=True)
    (cache / "resnet18.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=f"{cache}/resnet18.safetensors cannot be read"):
        pretrained.weights("resnet18")
    assert not server.asked  # it may be somebody's only copy: they remove it themselves


def test_folders_are_looked_through_first(server, home, cache, monkeypatch):
    def place(folder, value):
        folder.mkdir(parents=True)
        save_file({"conv1.weight": np.full(1, value)}, folder / "resnet18.safetensors")

    place(cache, 1)
    assert pretrained.weights("resnet18")["conv1.weight"] == 1
    place(home / "kaggle/models/someone/weights/1", 2)
    assert pretrained.weights("resnet18")["conv1.weight"] == 2
    monkeypatch.setenv("PIXELWISE_WEIGHTS", str(home / "mine"))
    assert pretrained.weights("resnet18")["conv1.weight"] == 2
    place(home / "mine/deep/down", 3)
    assert pretrained.weights("resnet18")["conv1.weight"] == 3
    assert pretrained.weights("resnet18")["conv1.weight"].dtype == np.float32
    assert not server.asked


def test_a_folder_of_ones_own_gets_the_download(server, home, cache, monkeypatch):
    monkeypatch.setenv("PIXELWISE_WEIGHTS", str(home / "mine"))
    pretrained.weights("resnet18")
    assert_whole(home / "mine")
    assert not cache.exists()


def test_a_place_that_cannot_be_written_is_named(server, home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("PIXELWISE_WEIGHTS", str(home / "file/folder"))
    with pytest.raises(WeightsError, match="file/folder: Not a directory. Make room, or set PIXEL"):
        pretrained.weights("resnet18")
    assert not server.asked


def test_a_read_only_cache_is_a_sentence(server, cache, repo):
    if not shutil.which("bwrap"):
        pytest.skip("no bubblewrap; on Debian: sudo apt-get install bubblewrap")
    box = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev"]
    if subprocess.run([*box, "true"], capture_output=True).returncode:
        pytest.skip("bubblewrap may not make namespaces here")
    cache.mkdir(parents=True)
    said = f"{cache}/resnet18.part: Read-only file system. Make room, or set PIXELWISE_WEIGHTS to"
    assert said in start(server, repo, box=box)


def test_a_disk_that_fills_up_keeps_what_has_come(server, cache, repo):
    assert "File too large. Make room, or set PIXELWISE" in start(server, repo, limit=CUT)
    pretrained.weights("resnet18")
    assert server.asked == [None, f"bytes={CUT}-"]
    assert_whole(cache)


def test_arrays_come_into_their_places(server):
    filled = pretrained.fit(OWN, "resnet18", "encoder_")
    kernel = ARRAYS["conv1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(filled["encoder_conv1.kernel"], kernel)
    np.testing.assert_array_equal(filled["encoder_bn1.mean"], ARRAYS["bn1.running_mean"])
    np.testing.assert_array_equal(filled["head.bias"], 1)
    assert filled.keys() == OWN.keys()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"encoder_conv1.kernel": np.zeros((3, 3, 3, 64))}, r"the shape \(3, 3, 3, 64\), the file"),
        ({"encoder_layer1_0.kernel": np.zeros((3, 3, 3, 64))}, "the file has nothing"),
    ],
)
def test_weights_of_another_network_are_refused(server, cache, other, said):
    with pytest.raises(WeightsError, match=f"{cache}/resnet18.*{said}.*something else than resnet"):
        pretrained.fit(OWN | other, "resnet18", "encoder_")


def test_an_unknown_name_lists_the_known_ones(home):
    with pytest.raises(ValueError, match="no weights are known for 'plain'; there are resnet18, "):
        pretrained.weights("plain")


def test_a_source_is_one_version_for_good():
    for name, source in pretrained.SOURCES.items():
        if source.url.endswith(".pth"):  # as torchvision does it: the check sum is in the name
            assert f"{name}-{source.sha256}.pth" in source.url
        else:
            assert re.search(r"/resolve/[0-9a-f]{40}/model.safetensors$", source.url), name
            assert re.fullmatch("[0-9a-f]{64}", source.sha256), name


def test_neither_framework_is_loaded(repo):
    program = (
        "import sys; from helpers import pretrained;"
        "print({'torch', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=repo, capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr
