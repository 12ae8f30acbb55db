"""The clickable U of lesson 06 in a browser: blocks answer, and an input of 101 breaks."""

import numpy as np
import pytest

from helpers.widgets import clickable_u as u
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, told

OPTIONS = {"channels": 3, "classes": 13, "first": 8, "depth": 4}
# sets the slider to every side; for each, what every block says, and the verdict
SIDES = """(sides) => sides.map((side) => {
  const slider = document.querySelector("[data-name=side]");
  slider.value = side;
  slider.dispatchEvent(new Event("input"));
  const blocks = [...document.querySelectorAll("[data-block]")].map((node) =>
    [node.dataset.block, node.querySelector("span").textContent]);
  return [blocks, document.querySelector(".pw-verdict").textContent];
})"""


def maps():
    rng = np.random.default_rng(0)
    return {b.name: rng.random((b.height, b.width, b.channels)) for b in u.blocks(96, 128)}


@pytest.fixture
def tab(browser, monkeypatch, tmp_path):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    tab = bare(browser, u.clickable_u(maps(), **OPTIONS), tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_every_side_has_the_sizes_that_python_counts(tab, padding):
    tab.get_by_label(padding, exact=True).check()
    sides = list(range(16, 601))
    for side, (said, verdict) in zip(sides, tab.evaluate(SIDES, sides), strict=True):
        listed = u.blocks(side, side, padding=padding, **OPTIONS)
        known = {b.name: f"✗ {b.broken}" if b.broken else b.shape for b in listed}
        assert dict(said) == {name: known.get(name, "–") for name, _ in said}
        last = listed[-1]
        if last.broken:
            assert f"{last.name} stops with {last.broken}" in verdict
        else:
            assert f"{side}×{side} in, {last.height}×{last.width} out. 486,661" in verdict


def test_a_block_shows_its_size_parameters_and_maps(tab):
    tab.locator("[data-block='join 2']").click()
    assert tab.locator(".pw-readout").inner_text() == "join 2: 24×24×32, 27,776 parameters"
    picture = tab.get_by_alt_text("join 2 for the given image: the first 8 of 32 maps, 24×32")
    assert picture.evaluate("image => image.naturalWidth") == 4 * (128 + 4)


def test_the_keyboard_walks_along_the_computation(tab):
    tab.locator("[data-block='bottom']").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        tab.keyboard.press(key)
    assert tab.locator("[data-block='join 3']").get_attribute("aria-pressed") == "true"
    assert "join 3: 12×12×64" in tab.locator(".pw-readout").inner_text()


@pytest.mark.parametrize("dark", [False, True])
def test_101_breaks_where_24_meets_25(browser, monkeypatch, tmp_path, screenshots, dark):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    tab = bare(browser, u.clickable_u(maps(), **OPTIONS), tmp_path, dark)
    tab.get_by_label("or type it").fill("101")
    tab.get_by_label("or type it").press("Enter")
    assert tab.locator(".pw-broken").all_inner_texts() == ["join 2\n✗ 24 ≠ 25"]
    assert "must be divisible by 2⁴ = 16" in tab.locator(".pw-verdict").inner_text()
    tab.locator("[data-block='join 0']").click()
    assert tab.locator(".pw-readout").inner_text() == "join 0: not reached"
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"clickable_u_101{'_dark' * dark}.png")
    tab.close()


CODE = """
import numpy as np
from helpers.widgets import clickable_u as u
rng = np.random.default_rng(0)
maps = {b.name: rng.random((b.height, b.width, b.channels)) for b in u.blocks(96, 128)}
w = u.clickable_u(maps, channels=3, classes=13, first=8, depth=4)
w
"""


def test_in_jupyterlab(browser, lab, screenshots):
    tab = in_lab(browser, lab, "clickable_u.ipynb", CODE)
    tab.locator(".pixelwise[data-ready]").wait_for()
    block = tab.locator("[data-block='down 1']")
    cells = tab.locator(".jp-Cell").count()
    block.focus()
    for key in ("x", "b", "Enter"):
        block.press(key)
    assert tab.locator(".jp-Cell").count() == cells
    told(tab, "print(w.block)", "down 1".__eq__)
    execute(tab, "w.side, w.padding = 572, 'valid'")
    tab.get_by_text("✓ 572×572 in, 388×388 out").wait_for()
    assert "388×388 comes out" in execute(tab, "print(w.text())")
    tab.screenshot(path=screenshots / "clickable_u_lab.png")
    tab.close()
