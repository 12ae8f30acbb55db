"""A private JupyterLab and a headless Chromium."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
# no news, no autosave, and cells outside the window are drawn too
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True)
class Lab:
    """A running server: its address, its token and the folder that it shows."""

    address: str
    token: str
    folder: Path


@pytest.fixture(scope="session")
def lab(repo, tmp_path_factory):
    """JupyterLab over an empty folder, with nothing of the user's own settings."""
    with jupyter_lab(repo, tmp_path_factory.mktemp) as server:
        yield server


@contextmanager
def jupyter_lab(repo, make_folder, disabled=(), cwd=None, **variables):
    """A JupyterLab of its own, without the `disabled` extensions, and with these variables.

    `make_folder` gives the folder for a name, "jupyter" or "work"; it is started in `cwd`.
    """
    home, folder = make_folder("jupyter"), make_folder("work")
    page = home / "config/labconfig/page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"disabledExtensions": {name: True for name in disabled}}))
    for name, values in SETTINGS.items():
        path = home / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, log = secrets.token_hex(16), home / "log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"]
    command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
    command += ["--LabApp.extension_manager=readonly", "--LabApp.news_url=None"]
    env = {**os.environ, **{name: str(home / sub) for name, sub in own.items()}}
    env |= {"PYTHONPATH": str(repo), **variables}
    with log.open("wb") as file:
        server = subprocess.Popen(command, env=env, stdout=file, stderr=file, cwd=cwd)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(server, f"{address}/api?token={token}", log)
        yield Lab(address, token, folder)
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    """Returns when the server answers; fails with its log when it ends or takes two minutes."""
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A window of Chromium with no history. Skips where there is no Chromium."""
    if not CHROMIUM:
        pytest.skip("no Chromium; on Debian: sudo apt-get install chromium")
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        yield window


@contextmanager
def chromium(profile):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        window = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS.split(),
            viewport={"width": 1400, "height": 1100},
        )
        yield window
        window.close()


@pytest.fixture
def page(browser):
    tab = browser.new_page()
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def screenshots(repo) -> Path:
    """Where tests leave pictures of what they saw, for people to look at."""
    folder = repo / "build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
