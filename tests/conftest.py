"""What tests of every package share."""

import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

# how long an example takes says something about the machine only
hypothesis.settings.register_profile(
    "pixelwise", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("pixelwise")

REPO = Path(__file__).resolve().parent.parent

# as `helpers.keras` does, for tests that import Keras before it
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def pytest_configure() -> None:
    """Where tests run in the background, Ctrl-C is ignored, also by the programs they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the repository."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real frames, which are not ours to copy into the repository:
    PIXELWISE_SHARED, or ../shared beside the repository. Skips where there is none."""
    folder = Path(os.environ.get("PIXELWISE_SHARED", REPO.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real frames at {folder}/data; PIXELWISE_SHARED names the folder")
    return folder


@pytest.fixture(scope="session")
def sandboxed() -> None:
    """Skips where no sandbox can be started, and says why."""
    from grader import sandbox  # not where helpers alone are tested

    try:
        sandbox.preflight()
    except sandbox.SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def kaggle_home(tmp_path, monkeypatch) -> Path:
    """A home with a right token for Kaggle in it; nothing of the real one is seen."""
    for name in list(os.environ):
        if name.startswith("KAGGLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    monkeypatch.setenv("NO_PROXY", "*")
    token = tmp_path / "home/.kaggle/access_token"
    token.parent.mkdir(parents=True)
    token.write_text("right\n")
    return tmp_path / "home"


@pytest.fixture(scope="module", autouse=True)
def _forget_networks():
    """Keras keeps every network that a module built; all of them together take gigabytes."""
    yield
    if keras := sys.modules.get("keras"):
        keras.backend.clear_session()
