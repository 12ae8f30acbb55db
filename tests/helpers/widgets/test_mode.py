"""One call decides how widgets are shown."""

import subprocess
import sys

import pytest

from helpers.widgets.mode import mode


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    for name in ("PIXELWISE_WIDGETS", "PIXELWISE_JUDGE", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)


def test_live_where_there_is_anywidget():
    assert mode() == "live"


def test_kaggle_is_html(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert mode() == "html"


def test_grading_is_text_on_kaggle_too(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv("PIXELWISE_JUDGE", "/somewhere/judge.sock")
    assert mode() == "text"


def test_the_variable_comes_first(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv("PIXELWISE_WIDGETS", "live")
    assert mode() == "live"
    monkeypatch.setenv("PIXELWISE_WIDGETS", "lively")
    with pytest.raises(ValueError, match="'lively'; it may be live, html, text"):
        mode()


def test_without_anywidget_and_ipywidgets_there_is_still_html():
    """They may be missing: nothing imports them before a live widget is shown."""
    code = """
import sys
sys.modules["anywidget"] = sys.modules["ipywidgets"] = None
import importlib.util, numpy as np
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "anywidget" else found(name)
from helpers.widgets.overlay import overlay
mask = np.ones((4, 6), np.uint8)
data, _ = overlay(np.zeros((4, 6, 3), np.uint8), mask)._repr_mimebundle_()
print(sorted(data))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['image/jpeg', 'text/html', 'text/plain']", done.stderr
