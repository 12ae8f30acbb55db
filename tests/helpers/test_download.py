"""Against a real server on loopback; the client is the real one too, only its endpoint is ours."""

import io
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from kagglesdk import kaggle_env
from PIL import Image

from helpers import data
from helpers.data.download import CHUNK, DownloadError
from tests.helpers.kaggle_server import Kaggle

NAMES = [f"F{drive}-{frame}" for drive in (6, 7) for frame in range(4)]
CUT = 3 * CHUNK  # what does not fill a chunk is lost in a cut
PROGRAM = """
import sys
from kagglesdk import kaggle_env
kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = sys.argv[1]
from helpers.data.__main__ import main
code = main(["download", sys.argv[2]])
sys.exit("stdin was closed" if sys.stdin.closed else code)
"""
"""`python -m helpers.data download FOLDER`, with the client pointed at the server."""


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def archive(seed: int = 0, without: str = "") -> bytes:
    """Pairs in the Lyft layout with an outer folder spelled as some mirrors do; about 0.9 MB."""
    rng, file = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in NAMES:
            image = rng.integers(0, 256, (150, 200, 3), np.uint8)
            label = image // 20 * np.array([1, 0, 0], np.uint8)
            for kind, pixels in (("CameraRGB", image), ("CameraSeg", label)):
                if f"{kind}/{name}" != without:
                    target.writestr(f"dataa/dataA/{kind}/{name}.png", png(pixels))
    return file.getvalue()


ARCHIVE = archive()


@pytest.fixture
def home(kaggle_home, monkeypatch):
    """A home with a right token in it, and no waits."""
    monkeypatch.setattr(sys.modules["helpers.data.download"], "WAITS", (0, 0, 0))
    return kaggle_home


@pytest.fixture
def kaggle(home, monkeypatch):
    """The server, and the client of this process pointed at it."""
    with Kaggle(ARCHIVE) as running:
        point(monkeypatch, running.url)
        yield running


def point(monkeypatch, url: str) -> None:
    # the client's own settings know port 80 of localhost alone
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, url)


def contents(folder) -> dict:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_whole(folder, packed: bytes = ARCHIVE) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as source:
        assert contents(folder) == {name: source.read(name) for name in source.namelist()}
    assert data.find(folder).names == NAMES
    assert not folder.with_name(f".{folder.name}.part").exists()


def parts(folder) -> list:
    return list(folder.with_name(f".{folder.name}.part").glob("*.part"))


def test_a_whole_download_is_found_and_the_next_one_asks_nobody(kaggle, tmp_path, capsys):
    folder = tmp_path / "data/lyft"
    assert data.download(folder) == folder
    assert_whole(folder)
    said = capsys.readouterr()
    assert "8 pairs, a mask for every image, every byte checked" in said.out
    assert "download: 100%" in said.err and "B/s" in said.err
    storage = [answer for answer in kaggle.log if "storage" in answer.path]
    assert all(answer.authorization is None for answer in storage), "the token stays with the API"
    asked = len(kaggle.log)
    data.download(folder)
    assert len(kaggle.log) == asked and "there already, 8 pairs" in capsys.readouterr().out


def test_cut_off_by_the_server_it_goes_on_by_itself(kaggle, tmp_path, capsys):
    kaggle.cut_after = [CUT, 2 * CHUNK]
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")
    first, second, third = kaggle.fetched
    assert (first.status, second.status, third.status) == (200, 206, 206)
    assert first.range is None
    assert second.range == f"bytes={first.sent}-" == f"bytes={CUT}-"
    assert third.range == f"bytes={CUT + 2 * CHUNK}-"
    assert first.sent + second.sent + third.sent == len(ARCHIVE), "no byte was fetched twice"
    assert capsys.readouterr().err.count("Cut off (ChunkedEncodingError); on it goes in 0 s.") == 2


def test_an_error_page_of_the_storage_never_gets_into_the_part(kaggle, tmp_path):
    kaggle.cut_after = [CUT]
    kaggle.storage_status = [200, 503, 403]
    with pytest.raises(DownloadError, match="Kaggle answers 403 .* 0.4 MB are kept in"):
        data.download(tmp_path / "lyft")
    assert parts(tmp_path / "lyft")[0].read_bytes() == ARCHIVE[:CUT]
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")
    assert [answer.status for answer in kaggle.fetched] == [200, 503, 403, 206]


def interrupted(kaggle, folder) -> None:
    """A download that ends with CUT bytes."""
    kaggle.cut_after[:] = [CUT, 0, 0, 0]
    with pytest.raises(DownloadError, match="0.4 MB are kept in .*; the same command goes on"):
        data.download(folder)
    kaggle.cut_after.clear()


def start(kaggle, folder, repo, limit: int | None = None) -> subprocess.Popen:
    def confine():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kaggle.url, str(folder)],
        cwd=repo,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=confine,
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_a_new_process_goes_on(kaggle, tmp_path, repo, how):
    folder = tmp_path / "lyft"
    kaggle.stall_after = 500_000
    process = start(kaggle, folder, repo)
    while process.poll() is None and not (parts(folder) and parts(folder)[0].stat().st_size > 3e5):
        time.sleep(0.02)
    process.send_signal(how)
    said = process.communicate(timeout=30)[1]
    assert not folder.exists() and "Traceback" not in said
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert " MB are kept in" in said and "the same command goes on there" in said
    have = parts(folder)[0].stat().st_size
    kaggle.stall_after = None
    again = start(kaggle, folder, repo)
    assert "100%" in again.communicate(timeout=60)[1] and again.returncode == 0
    assert_whole(folder)
    assert kaggle.fetched[-1].range == f"bytes={have}-"
    assert kaggle.fetched[-1].sent == len(ARCHIVE) - have


def test_killed_while_unpacking_only_the_rest_is_unpacked(kaggle, tmp_path):
    folder = tmp_path / "lyft"
    work = tmp_path / ".lyft.part"
    done = work / f"unpacked/dataa/dataA/CameraRGB/{NAMES[0]}.png"
    cut = done.with_name(f"{NAMES[1]}.png")
    done.parent.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as source:
        for path in (done, cut):
            path.write_bytes(source.read(f"dataa/dataA/CameraRGB/{path.name}"))
    os.utime(done, (1, 1))
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(FileNotFoundError):
        data.find(tmp_path)  # half of a dataset is none
    (work / "kumaresanmanickavelu-lyft-udacity-challenge.zip").write_bytes(ARCHIVE)
    data.download(folder)
    assert_whole(folder)
    assert not kaggle.log, "the archive was there"
    assert (folder / "dataa/dataA/CameraRGB" / done.name).stat().st_mtime == 1


@pytest.mark.parametrize(
    ("which", "said"), [("fetch", "cannot be reached"), ("all", "damaged .* a sign-in page")]
)
def test_a_sign_in_page_in_between_harms_no_part(kaggle, tmp_path, which, said):
    interrupted(kaggle, tmp_path / "lyft")
    kaggle.page_instead = which
    with pytest.raises(DownloadError, match=said):
        data.download(tmp_path / "lyft")
    assert [part.read_bytes() for part in parts(tmp_path / "lyft")] == [ARCHIVE[:CUT]]
    kaggle.page_instead = ""
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")
    assert kaggle.fetched[-1].range == f"bytes={CUT}-"


def test_another_archive_at_kaggle_begins_anew(kaggle, tmp_path):
    interrupted(kaggle, tmp_path / "lyft")
    kaggle.archive = archive(seed=1)
    interrupted(kaggle, tmp_path / "lyft")
    assert [part.read_bytes() for part in parts(tmp_path / "lyft")] == [kaggle.archive[:CUT]]
    kaggle.archive = archive(seed=2)
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft", kaggle.archive)
    assert kaggle.fetched[-1].range is None and kaggle.fetched[-1].sent == len(kaggle.archive)


def test_a_storage_without_ranges_sends_it_all_again(kaggle, tmp_path):
    interrupted(kaggle, tmp_path / "lyft")
    kaggle.ranges = False
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")
    assert kaggle.fetched[-1].range and kaggle.fetched[-1].sent == len(ARCHIVE)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (401, "Unauthenticated", "does not accept the credentials. Kaggle asks who you are"),
        (403, "Permission denied", "not allowed. Open https://www.kaggle.com/datasets/kumaresan"),
        (404, "Not found", "there is no dataset kumaresanmanickavelu/lyft-udacity-challenge"),
        (429, "Quota exceeded", "too much was asked. Wait"),
        (503, "Down", "try again later"),
    ],
)
def test_each_refusal_is_a_sentence(kaggle, tmp_path, status, message, words):
    kaggle.refuse = (status, message)
    with pytest.raises(DownloadError, match=rf"Kaggle answers {status} \({message}") as fault:
        data.download(tmp_path / "lyft")
    assert words in str(fault.value)
    assert len([answer for answer in kaggle.log if answer.status == status]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["home"], "nothing is left behind"


def test_without_credentials_there_are_three_steps_and_they_work(kaggle, home, tmp_path):
    stdin = sys.stdin
    token = home / ".kaggle/access_token"
    token.unlink()
    with pytest.raises(DownloadError, match="No credentials. Kaggle asks who you are") as fault:
        data.download(tmp_path / "lyft")
    assert all(f"  {step}. " in str(fault.value) for step in (1, 2, 3))
    assert not kaggle.fetched and sys.stdin is stdin and not stdin.closed
    token.write_text("wrong")
    with pytest.raises(DownloadError, match="not accept the token from access_token: mistyped"):
        data.download(tmp_path / "lyft")
    token.write_text("right")
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")


def test_the_command_says_the_steps_without_a_traceback(kaggle, home, tmp_path, repo):
    (home / ".kaggle/access_token").unlink()
    process = start(kaggle, tmp_path / "data/lyft", repo)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2 and "Traceback" not in said
    assert said.startswith("No credentials.") and len(said.splitlines()) == 5
    assert not (tmp_path / "data").exists()


def test_a_notebook_shows_the_sentence_alone():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    with pytest.MonkeyPatch.context() as patch:
        shown = io.StringIO()
        patch.setattr("sys.stdout", shown)
        shell.run_cell("from helpers import data; data.download('/dev/null')")
    assert "something is there, but no pairs" in shown.getvalue()
    assert "Traceback" not in shown.getvalue() and "File" not in shown.getvalue()


def test_the_older_kind_of_credentials_works_too(kaggle, home, tmp_path, repo):
    (home / ".kaggle/access_token").unlink()
    (home / ".kaggle/kaggle.json").write_text('{"username": "ada", "key": "secret"}')
    process = start(kaggle, tmp_path / "lyft", repo)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert_whole(tmp_path / "lyft")
    assert kaggle.log[0].authorization.startswith("Basic ")


def test_no_network_is_a_sentence(home, tmp_path, monkeypatch):
    with Kaggle(ARCHIVE) as gone:
        pass
    point(monkeypatch, gone.url)
    with pytest.raises(DownloadError, match="Kaggle cannot be reached .* Is there a network"):
        data.download(tmp_path / "lyft")


def test_a_damaged_archive_is_said_and_fetched_anew(kaggle, tmp_path):
    damaged = bytearray(ARCHIVE)
    damaged[200_000:200_010] = bytes(10)
    kaggle.archive = bytes(damaged)
    with pytest.raises(DownloadError, match="damaged .*CameraRGB/F.*Run this again to fetch"):
        data.download(tmp_path / "lyft")
    assert not (tmp_path / "lyft").exists()
    kaggle.archive = ARCHIVE
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")


def test_too_little_disk_is_said_before_a_byte_comes(kaggle, tmp_path):
    kaggle.claimed_size = 10**15
    with pytest.raises(DownloadError, match="GB free, 2000000.0 GB needed .1000000.0 GB to down"):
        data.download(tmp_path / "lyft")
    assert not kaggle.fetched


def test_a_disk_that_fills_up_in_the_middle(kaggle, tmp_path, repo):
    process = start(kaggle, tmp_path / "lyft", repo, limit=500_000)  # of any one file
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2 and "Traceback" not in said
    assert "The disk: File too large. Make room" in said
    assert "0.5 MB are kept in" in said
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "lyft")
    assert kaggle.fetched[-1].range == "bytes=500000-"


def test_pairs_that_lack_a_mask_are_counted(kaggle, tmp_path, capsys):
    kaggle.archive = archive(without="CameraSeg/F7-2")
    data.download(tmp_path / "lyft")
    assert (
        "8 images, 1 of them without a mask (first CameraRGB/F7-2.png)" in capsys.readouterr().out
    )


def test_a_folder_with_something_else_in_it_stays_as_it_is(kaggle, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DownloadError, match="something is there, but no pairs. Name a new folder"):
        data.download(tmp_path)
    assert not kaggle.log and (tmp_path / "notes.txt").read_text() == "mine"


def test_a_link_leads_to_another_disk(kaggle, tmp_path):
    (tmp_path / "large_disk/lyft").mkdir(parents=True)
    (tmp_path / "lyft").symlink_to(tmp_path / "large_disk/lyft")
    data.download(tmp_path / "lyft")
    assert_whole(tmp_path / "large_disk/lyft")
    assert data.find(tmp_path / "lyft").names == NAMES


def test_helpers_do_not_load_the_client(repo):
    program = (
        "import sys; from helpers import data; print({'kaggle', 'requests'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=repo, capture_output=True, text=True)
    assert said.stdout.strip() == "set()", said.stderr
