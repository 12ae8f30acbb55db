"""The widgets of lessons 01 to 03 and 08, exported with nbconvert: no kernel, no network."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest

from helpers import masks
from helpers.streets import scene
from helpers.threshold import Sweep
from helpers.widgets.augmentation import augmentation
from helpers.widgets.circles import circles
from helpers.widgets.confusion import confusion
from helpers.widgets.corruption import corruption
from helpers.widgets.threshold import threshold
from tests.browser.widgets import bare, settle

MOST = 300_000  # bytes that a widget may take in a notebook
IMAGE, MASK = scene(22, 0, height=192, width=256)
PRIOR = np.linspace(0, 1, 192)[:, None].repeat(256, axis=1)
COARSE = masks.resize_mask(masks.resize_mask(MASK, 24, 32), 192, 256)
MAKE = {
    "threshold": lambda: threshold(IMAGE, PRIOR, MASK, k=7),
    "circles": circles,
    "confusion": lambda: confusion(IMAGE, MASK, COARSE),
    "corruption": lambda: corruption(MASK),
    "augmentation": lambda: augmentation(IMAGE, MASK),
}


@pytest.fixture
def html(monkeypatch):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")


@pytest.mark.usefixtures("html")
def test_an_exported_notebook_works_offline(browser, tmp_path):
    cells = []
    for name, make in MAKE.items():
        widget = make()
        data, metadata = widget._repr_mimebundle_()
        size = sum(map(len, data.values()))
        print(f"{name}: {size:,} bytes")
        assert size <= MOST and widget.live is None
        output = nbformat.v4.new_output("display_data", data, metadata=metadata)
        cells.append(nbformat.v4.new_code_cell("w", outputs=[output]))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "saved.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html"]
    subprocess.run([*command, str(tmp_path / "saved.ipynb")], check=True, capture_output=True)
    tab = browser.new_page()
    tab.route("http**", lambda route: route.abort())
    tab.goto((tmp_path / "saved.html").as_uri())

    def frame(name):
        n = list(MAKE).index(name)
        tab.locator("iframe").nth(n).scroll_into_view_if_needed()
        found = tab.frame_locator("iframe").nth(n)
        found.locator(".pixelwise[data-ready]").wait_for()
        return found

    cut = frame("threshold")
    cut.locator("[data-name=threshold]").fill("0.8")
    iou = Sweep().add(MASK, PRIOR, 7).iou()[80]
    cut.locator("[data-score=iou]", has_text=f"{iou:.3f}").wait_for()
    round_ones = frame("circles")
    round_ones.get_by_role("button", name="Touching").click()
    round_ones.locator("[data-score=IoU]", has_text="0.000").wait_for()
    matrix = frame("confusion")
    matrix.locator("[data-cell='8-7']").click()
    lit = ((MASK == 8) & (COARSE == 7)).sum()
    matrix.get_by_text(f"Lit: true 8 Sidewalks, called 7 Roads, {lit:,} pixels").wait_for()
    lab = frame("corruption")
    lab.locator("[data-name=jpeg]").check()
    lab.locator("[data-name=quality]").fill("60")
    lab.get_by_text("no such class").wait_for()
    play = frame("augmentation")
    play.locator("[data-name=flip]").fill("1")
    play.locator("[data-name=paired]").uncheck()
    wrong = 100 * (MASK != MASK[:, ::-1]).mean()
    play.get_by_text(f"left behind: {wrong:.1f} % of the pixels are wrong").wait_for()
    tab.close()


@pytest.mark.parametrize("name", MAKE)
def test_nothing_is_cut_in_a_narrow_window(browser, tmp_path, screenshots, name):
    tab = bare(browser, MAKE[name](), tmp_path)
    for wide in (640, 320):  # 1280 at 200 and at 400 %
        tab.set_viewport_size({"width": wide, "height": 640})
        settle(tab)
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= wide
    tab.screenshot(path=screenshots / f"narrow_{name}.png", full_page=True)
    assert tab.errors == []
    tab.close()


@pytest.mark.parametrize("name", MAKE)
def test_in_grading_there_are_words_alone(name, monkeypatch):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "text")
    data, _ = MAKE[name]()._repr_mimebundle_()
    assert set(data) == {"text/plain"} and any(c.isdigit() for c in data["text/plain"])
