"""Kaggle's versions of the lessons: what they carry, that they run, and how they get there."""

import base64
import io
import json
import re
import subprocess
import tarfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import nbformat
import pytest
from kagglesdk import kaggle_env
from slugify import slugify

import build
import for_kaggle
import launch
import run as runner
from helpers import carry
from tests import loopback
from tests.course import rooms

LESSONS = build.lessons()
START = Path("course/00_start_here.ipynb")
METRICS = Path("course/03_metrics_before_models.ipynb")


@pytest.fixture
def few(tmp_path, monkeypatch) -> Path:
    """Two lessons only, and a folder of their own to build in."""
    monkeypatch.setattr(
        for_kaggle, "lessons", lambda: {where: LESSONS[where] for where in (START, METRICS)}
    )
    monkeypatch.setattr(for_kaggle, "OUT", tmp_path / "kaggle")
    monkeypatch.setattr("sys.argv", ["for_kaggle.py"])
    return tmp_path / "kaggle"


def unpacked(notebook: dict) -> list[str]:
    """The names of the files that a notebook carries."""
    code = next(c["source"] for c in notebook["cells"] if c["cell_type"] == "code")
    text = re.search('CARRIED = """(.*?)"""', "".join(code), re.DOTALL)[1]
    content = base64.b85decode("".join(text.split()))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


@pytest.mark.parametrize("where", LESSONS, ids=str)
def test_each_lesson_has_a_version_that_carries_what_it_reads(where):
    text, track = LESSONS[where]
    made = for_kaggle.notebook(where, text, track)
    assert len(build.to_text(made).encode()) <= carry.LIMIT
    nbformat.validate(nbformat.from_dict(made))
    code = "\n".join("".join(c["source"]) for c in made["cells"] if c["cell_type"] == "code")
    assert "pip install" not in code and "git clone" not in code
    names = unpacked(made)
    assert {name.split("/")[0] for name in names} <= {"helpers", "course"}
    assert not any("solution" in name.lower() for name in names)
    for folder in build.TRACKS:
        assert any(name.startswith(f"helpers/{folder}/") for name in names) == (folder == track)
    for name in re.findall(r'where\.stored\("((?:results|twins)/\w+\.\w+)"\)', code):
        assert f"course/{name}" in names


def test_the_same_helpers_give_the_same_bytes():
    files = {"a": Path(__file__), "b": Path(build.__file__)}
    assert carry.unpacking(files) == carry.unpacking(dict(reversed(files.items())))


def test_the_capstone_carries_the_public_cases_and_the_stand_ins():
    text = build.ROOT / "course/source/11_capstone_lyft.py"
    where = build.target(text, "keras")
    names = unpacked(for_kaggle.notebook(where, text, "keras"))
    assert [name for name in names if "/cases/" in name] == ["helpers/cases/lyft_unet.bin"]
    assert "helpers/spare/onnxruntime.py" in names and "helpers/spare/tf2onnx/convert.py" in names
    assert any("LICENSE" in name for name in names)


@pytest.mark.parametrize("where", LESSONS, ids=str)
def test_what_kaggle_is_told(where):
    told = for_kaggle.metadata(where, LESSONS[where][0].read_text("utf-8"), "ada")
    owner, slug = told["id"].split("/")
    assert owner == "ada" and slug == slugify(told["title"])  # else Kaggle invents another one
    assert len(told["title"]) <= 50
    assert told["enable_internet"] is False and told["is_private"] is True
    reads_frames = where.name[:2] in ("00", "02", "11")
    assert bool(told["dataset_sources"]) == reads_frames


@pytest.mark.parametrize("layout", rooms.LAYOUTS)
def test_lesson_00_finds_the_attached_frames(layout, sandboxed, shared, few, tmp_path):
    ran = in_the_room("00-start-here", tmp_path, shared / "data/lyft_frames", layout)
    assert "2 pictures with masks" in ran.texts()
    assert rooms.LAYOUTS[layout] in ran.texts()
    assert "place        kaggle" in ran.texts()
    shown = [o["data"] for c in ran.notebook.cells for o in c.get("outputs", []) if "data" in o]
    assert any("<iframe" in data.get("text/html", "") for data in shown)
    assert not any("application/vnd.jupyter.widget-view+json" in data for data in shown)


def test_lesson_03_runs_without_any_data(sandboxed, few, tmp_path):
    in_the_room("03-metrics-before-models", tmp_path)


def in_the_room(name: str, tmp_path: Path, *data) -> rooms.Ran:
    (tmp_path / "work").mkdir()
    folders = {folder.name: folder for folder in for_kaggle.make("ada")}
    ran = rooms.kaggle(folders[name] / f"{name}.ipynb", tmp_path / "work", *data)
    assert ran.fault == ""
    assert runner.answer_faults(ran.notebook.cells, solved=False) == []
    assert list((tmp_path / "work").iterdir()) == []  # what lies there becomes the kernel's output
    return ran


class Taking(BaseHTTPRequestHandler):
    """What Kaggle does with a push: it takes notebooks, but for those that are to be refused."""

    server_knows: dict

    def do_POST(self) -> None:
        held = self.server_knows
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"active": True, "username": "ada"}
        if self.path.endswith("KernelsApiService/SaveKernel"):
            refusal = held["refused"].get(asked["slug"])
            if not refusal:
                held["taken"].append(asked)
            answer = {"error": refusal} if refusal else {"url": f"/code/{asked['slug']}"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def kaggle(kaggle_home, monkeypatch):
    """The server; the client of this process is pointed at it, with a right token in its home."""
    held = {"taken": [], "refused": {}}
    server = loopback.start(Taking, held)
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, url)
    yield held
    loopback.stop(server)


def test_all_are_pushed_to_the_account_that_is_signed_in(few, kaggle, capsys):
    for_kaggle.main()
    assert [asked["slug"] for asked in kaggle["taken"]] == [
        "ada/pixelwise-00-start-here",
        "ada/pixelwise-03-metrics-before-models",
    ]
    first = kaggle["taken"][0]
    assert first["enableInternet"] is False and first["isPrivate"] is True
    assert first["datasetDataSources"] == ["kumaresanmanickavelu/lyft-udacity-challenge"]
    assert "CARRIED" in first["text"]
    assert "00-start-here: pushed, /code/ada/" in capsys.readouterr().out


def test_a_second_call_pushes_what_was_refused_and_no_others(few, kaggle, capsys):
    slug = "ada/pixelwise-03-metrics-before-models"
    kaggle["refused"] = {slug: "Maximum batch CPU session count of 5 reached."}
    with pytest.raises(SystemExit, match="03-metrics-before-models: Maximum batch CPU session"):
        for_kaggle.main()
    kaggle["refused"].clear()
    for_kaggle.main()
    assert [asked["slug"] for asked in kaggle["taken"]][1:] == [slug]
    assert "00-start-here: there already" in capsys.readouterr().out


def test_without_credentials_it_builds_and_says_what_is_missing(few, kaggle_home, capsys):
    (kaggle_home / ".kaggle/access_token").unlink()
    for_kaggle.main()
    said = capsys.readouterr().out
    assert "2 notebooks in" in said and "Not pushed. No credentials." in said
    assert "Generate New Token" in said
    metadata = json.loads((few / "00-start-here/kernel-metadata.json").read_text())
    assert metadata["id"].startswith(f"{launch.OWNER}/")


def test_publishing_replaces_the_branch_that_the_links_lead_to(few, tmp_path, monkeypatch):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{remote.as_uri()}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", launch.REPOSITORY)
    monkeypatch.setattr("sys.argv", ["for_kaggle.py", "--publish"])
    for _ in range(2):
        for_kaggle.main()
    git = ["git", "-C", str(remote)]
    names = subprocess.check_output([*git, "ls-tree", "--name-only", launch.KAGGLE_BRANCH])
    assert names.split() == [b"00-start-here.ipynb", b"03-metrics-before-models.ipynb"]
    log = subprocess.check_output([*git, "rev-list", launch.KAGGLE_BRANCH])
    assert len(log.split()) == 1  # no history: the files are large
