"""The widgets that explain, exported with nbconvert: no kernel, no network, narrow windows."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest

from helpers import streets
from helpers.widgets import training_strip as strips
from helpers.widgets.clickable_u import blocks, clickable_u
from helpers.widgets.convolution import convolution
from helpers.widgets.receptive_field import conv, pool, receptive_field
from tests.browser.widgets import bare, settle

MOST = 300_000  # bytes that a widget may take in a notebook


def field():
    image, _ = streets.scene(1, 2, height=96, width=128)
    return receptive_field([conv(), pool(), conv(dilation=2)], image=image)


def steps():
    return convolution(np.ones((12, 12, 3), int), np.ones((5, 5, 3), int), "separable", maps=256)


def u():
    image, _ = streets.scene(1, 2, height=96, width=128)
    grey = image.mean(-1)[..., None]
    shrunk = {b.name: grey[:: 96 // b.height, :: 96 // b.height] for b in blocks(96, 128)}
    sign = np.random.default_rng(0).normal(size=256)
    return clickable_u({b.name: shrunk[b.name] * sign[: b.channels] for b in blocks(96, 128)})


def strip():
    image, truth = streets.scene(1, 2, height=96, width=128)
    strip = strips.training_strip(image, truth)
    for epoch in range(1, 21):
        strip.add(epoch, np.roll(truth, 20 - epoch, axis=1), loss=1 / epoch)
    return strip


@pytest.fixture
def html(monkeypatch):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    monkeypatch.setattr(strips, "display", lambda *_, **__: type("", (), {"update": print})())


@pytest.mark.usefixtures("html")
def test_an_exported_notebook_works_offline(browser, tmp_path):
    cells = []
    for widget in (field(), steps(), u(), strip()):
        data, metadata = widget._repr_mimebundle_()
        size = sum(map(len, data.values()))
        print(f"{type(widget).__name__}: {size:,} bytes")
        assert size <= MOST
        output = nbformat.v4.new_output("display_data", data, metadata=metadata)
        cells.append(nbformat.v4.new_code_cell("w", outputs=[output]))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "saved.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html"]
    subprocess.run([*command, str(tmp_path / "saved.ipynb")], check=True, capture_output=True)
    tab = browser.new_page()
    tab.route("http**", lambda route: route.abort())
    tab.goto((tmp_path / "saved.html").as_uri())

    def frame(n):
        tab.locator("iframe").nth(n).scroll_into_view_if_needed()
        found = tab.frame_locator("iframe").nth(n)
        found.locator(".pixelwise[data-ready]").wait_for()
        return found

    seen = frame(0)
    seen.locator("canvas").nth(1).press("ArrowRight")
    assert "output row 24, column 33 · " in seen.locator(".pw-readout").inner_text()
    stepper = frame(1)
    assert stepper.locator("[data-count=separable]").inner_text() == "53,952"
    stepper.get_by_role("button", name="Next step").click()
    stepper.get_by_text("Step 2 of 64").wait_for()
    clicked = frame(2)
    clicked.locator("[data-name=side]").first.fill("101")
    clicked.get_by_text("join 2 stops with 24 ≠ 25").wait_for()
    clicked.locator("[data-block='bottom']").click()
    assert clicked.locator(".pw-maps").evaluate("image => image.naturalWidth") > 100
    grown = frame(3)
    grown.locator("[data-name=shown]").fill("0")
    grown.get_by_text("epoch 1 of 20").wait_for()
    tab.close()


@pytest.mark.usefixtures("html")
@pytest.mark.parametrize("make", [field, steps, u, strip])
def test_nothing_is_cut_in_a_narrow_window(browser, tmp_path, screenshots, make):
    tab = bare(browser, make(), tmp_path)
    for wide in (640, 320):  # 1280 at 200 and at 400 %
        tab.set_viewport_size({"width": wide, "height": 640})
        settle(tab)
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= wide
    tab.screenshot(path=screenshots / f"narrow_{make.__name__}.png", full_page=True)
    assert tab.errors == []
    tab.close()
