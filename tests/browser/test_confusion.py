"""The confusion matrix in the browser: counts are Confusion's, the lit pixels those of the cell."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from helpers.classes import LYFT
from helpers.metrics import Confusion
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, pointer, settle, told

CODE = """
import numpy as np
from helpers import masks
from helpers.streets import scene
from helpers.widgets.confusion import confusion
image, truth = scene(22, 0, height=150, width=200)
truth[-20:, :30] = 255
coarse = masks.resize_mask(np.where(truth == 255, 0, truth), 19, 25)
prediction = masks.resize_mask(coarse, 150, 200)
w = confusion(image, truth, prediction)
"""
YELLOW = [255, 242, 0]


@pytest.fixture(scope="module")
def made():
    names = {}
    exec(CODE, names)
    return names["w"], names["truth"], names["prediction"]


@pytest.fixture
def tab(browser, made, tmp_path):
    tab = bare(browser, made[0], tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def numbers(tab):
    """What the cells say, by (true, called)."""
    all_cells = tab.locator("[data-cell]")
    said = all_cells.evaluate_all("all => all.map(c => [c.dataset.cell, c.textContent])")
    return {tuple(map(int, name.split("-"))): text for name, text in said}


def pixels_of(canvas):
    """What is painted, uint8 H×W×3, in the canvas's own pixels."""
    settle(canvas.page)
    data = canvas.evaluate("c => c.toDataURL().split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_counts_and_both_normalisations(tab, made):
    matrix = Confusion().add(*made[1:]).matrix
    tab.get_by_label("Counts", exact=True).check()
    for cell, said in numbers(tab).items():
        count = matrix[*cell]
        short = f"{count / 1000:.1f}k" if count >= 1000 else str(count)
        assert said == (short if count else "·")
    for name, whole in (
        ("% of the true", matrix.sum(1, keepdims=True)),
        ("% of the called", matrix.sum(0, keepdims=True)),
    ):
        tab.get_by_label(name, exact=True).check()
        percent = 100 * matrix / np.maximum(whole, 1)
        for cell, said in numbers(tab).items():
            if said not in ("·", "<1"):
                assert abs(int(said) - percent[*cell]) <= 0.5
            else:
                assert percent[*cell] < 0.5 and (said == "·") == (matrix[*cell] == 0)


def test_exactly_the_cells_pixels_are_lit(tab, made):
    _, truth, prediction = made
    canvas = tab.locator("canvas")
    scale = canvas.evaluate("c => c.width") // 200
    for t, p in ((7, 7), (9, 9), (7, 6)):
        tab.locator(f"[data-cell='{t}-{p}']").click()
        inside = (truth == t) & (prediction == p)
        painted = pixels_of(canvas)[scale // 2 :: scale, scale // 2 :: scale]
        assert inside.sum() > 60  # fewer have rings around them
        assert ((painted == YELLOW).all(axis=2) == inside).all()
        lit = f"Lit: true {t} {LYFT.names[t]}, called {p} {LYFT.names[p]}, {inside.sum():,} pixels"
        assert tab.locator(".pw-score").inner_text() == lit


def test_arrow_keys_and_enter(tab):
    start = tab.locator("[data-cell='7-7']")
    start.click()
    start.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.ariaPressed") == "true"
    assert "true 8 Sidewalks, called 8 Sidewalks" in tab.locator(".pw-score").inner_text()
    assert tab.locator("[data-cell][tabindex='0']").count() == 1  # Tab stops once


def test_a_pixel_of_the_picture_chooses_its_cell(tab, made):
    _, truth, prediction = made
    canvas, said = tab.locator("canvas"), tab.locator(".pw-readout").last
    y, x = np.argwhere((truth == 8) & (prediction == 7))[5].tolist()
    tab.mouse.click(*pointer(canvas, x, y, 200, 150))
    assert tab.locator("[data-cell='8-7']").get_attribute("aria-pressed") == "true"
    assert "true 8 Sidewalks, called 7 Roads ✗ wrong" in said.inner_text()
    tab.mouse.move(*pointer(canvas, 5, 145, 200, 150))
    assert said.inner_text() == "row 145, column 5 · 255 ignored"


def test_few_pixels_get_rings(tab, made):
    _, truth, prediction = made
    pairs, counts = np.unique(
        np.stack([truth, prediction]).reshape(2, -1), axis=1, return_counts=True
    )
    few = (counts <= 60) & (pairs[0] != 255)
    t, p = pairs[:, few][:, 0].tolist()
    tab.locator(f"[data-cell='{t}-{p}']").click()
    assert pixels_of(tab.locator("canvas")).min(axis=2).max() == 255  # white


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_against_accessibility(browser, made, tmp_path, screenshots, dark):
    tab = bare(browser, made[0], tmp_path, dark)
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"confusion_{'dark' if dark else 'light'}.png")
    tab.close()


def test_in_jupyterlab(browser, lab, screenshots):
    tab = in_lab(browser, lab, "confusion.ipynb", CODE + "w")
    tab.locator(".pixelwise[data-ready]").wait_for()
    cell = tab.locator("[data-cell='9-9']")
    cell.click()
    cells = tab.locator(".jp-Notebook .jp-CodeCell").count()
    for key in ("x", "b", "a", "ArrowLeft", "Enter"):
        tab.keyboard.press(key)
    assert tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    told(tab, "print(w.cell)", "[9, 8]".__eq__)
    execute(tab, "w.cell = [7, 7]")
    tab.locator(".pw-score", has_text="true 7 Roads").wait_for()
    tab.locator(".pixelwise").screenshot(path=screenshots / "confusion_lab.png")
    tab.close()
