"""The training strip in a browser: it grows while a loop runs, and can be scrubbed afterwards."""

import numpy as np
import pytest

from helpers.classes import LYFT
from helpers.metrics import Confusion
from helpers.widgets import training_strip as module
from helpers.widgets.training_strip import training_strip
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, pixel, pointer, told

IMAGE = np.full((24, 32, 3), 90, np.uint8)
TRUTH = np.full((24, 32), 7, np.uint8)
TRUTH[:12] = 9


def after(epoch):
    """Wrong in some columns on the right, fewer with each epoch."""
    mask = TRUTH.copy()
    mask[:, 4 * epoch :] = 10
    return mask


@pytest.fixture
def strip(monkeypatch):
    """A strip with five epochs, in the html mode, and what it showed while it grew."""
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    shown = []

    class Handle:
        def update(self, widget):
            shown.append(widget.text())

    monkeypatch.setattr(module, "display", lambda w, display_id: shown.append(w.text()) or Handle())
    strip = training_strip(IMAGE, TRUTH)
    for epoch in range(1, 6):
        strip.add(epoch, after(epoch), loss=2 / epoch)
    assert [text.count("epoch") for text in shown] == [1, 2, 3, 4, 5]
    return strip


@pytest.fixture
def tab(browser, strip, tmp_path):
    tab = bare(browser, strip, tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def colour(tab, x, y):
    """The colour of an image pixel."""
    canvas = tab.locator(".pw-stage canvas")
    scale = canvas.evaluate("canvas => canvas.width") // 32
    return pixel(canvas, x * scale + scale // 2, y * scale + scale // 2)


def mixed(k):
    """The colour of class k at opacity 0.7 over the grey image."""
    return 0.7 * LYFT.palette[k] + 0.3 * 90


def test_the_newest_epoch_is_shown_with_its_scores(tab):
    iou = Confusion(13).add(TRUTH, after(5)).mean_iou()
    assert tab.locator(".pw-readout").inner_text() == f"Epoch 5 · loss 0.400 · mean IoU {iou:.3f}"
    assert np.allclose(colour(tab, 2, 20), mixed(7), atol=3)
    assert np.allclose(colour(tab, 28, 20), mixed(10), atol=3)
    label = tab.locator("[data-curve=mean_iou] svg").get_attribute("aria-label")
    ious = [Confusion(13).add(TRUTH, after(n)).mean_iou() for n in range(1, 6)]
    listed = ", ".join(f"{n}: {iou:.3f}" for n, iou in enumerate(ious, 1))
    assert label == f"Mean IoU by epoch: {listed}"


def test_the_slider_and_the_strip_go_back(tab):
    slider = tab.locator("[data-name=shown]")
    slider.focus()
    slider.press("Home")
    assert "Epoch 1 · loss 2.000" in tab.locator(".pw-readout").inner_text()
    assert np.allclose(colour(tab, 6, 20), mixed(10), atol=3)
    tab.locator("[data-epoch='3']").click()
    assert np.allclose(colour(tab, 6, 20), mixed(7), atol=3)
    assert tab.locator("[data-epoch='3']").get_attribute("aria-pressed") == "true"
    tab.keyboard.press("ArrowLeft")
    assert "Epoch 2" in tab.locator(".pw-readout").inner_text()
    assert tab.locator("[data-epoch][tabindex='0']").get_attribute("data-epoch") == "2"


def test_a_pixel_tells_since_when_it_is_right(tab):
    canvas = tab.locator(".pw-stage canvas")
    tab.mouse.move(*pointer(canvas, 9, 20, 32, 24))
    said = "row 20, column 9 · epoch 5: 7 Roads ✓ right · since epoch 3 · truth 7 Roads"
    assert tab.locator(".pw-readout").inner_text() == said
    tab.mouse.move(*pointer(canvas, 30, 3, 32, 24))
    said = "row 3, column 30 · epoch 5: 10 Vehicles ✗ wrong · since epoch 1 · truth 9 Vegetation"
    assert tab.locator(".pw-readout").inner_text() == said


def test_it_plays_the_training_again(tab):
    tab.locator("[data-epoch='3']").click()
    tab.get_by_role("button", name="Play").click()
    tab.get_by_text("epoch 5 of 5").wait_for()
    tab.get_by_role("button", name="Play").wait_for()


@pytest.mark.parametrize("dark", [False, True])
def test_how_it_looks(browser, strip, tmp_path, screenshots, dark):
    tab = bare(browser, strip, tmp_path, dark)
    tab.locator("[data-epoch='4']").click()
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"training_strip{'_dark' * dark}.png", full_page=True)
    tab.close()


LOOP = """
import numpy as np
from helpers.widgets.training_strip import training_strip
image, truth = np.full((24, 32, 3), 90, np.uint8), np.full((24, 32), 7, np.uint8)
strip = training_strip(image, truth)
for epoch in (1, 2, 3):
    mask = truth.copy()
    mask[:, 8 * epoch:] = 10
    strip.add(epoch, mask, loss=1 / epoch)
"""


def test_in_jupyterlab_it_grows(browser, lab, screenshots):
    tab = in_lab(browser, lab, "training_strip.ipynb", LOOP, "strip")
    tab.locator(".pixelwise").nth(1).wait_for()
    assert tab.locator(".pixelwise").count() == 2  # the loop shows it once
    first = tab.locator(".pw-strip").first
    tab.wait_for_function("document.querySelector('.pw-strip')?.dataset.count == 3")
    execute(tab, "strip.add(4, truth, loss=0.1)")
    tab.wait_for_function("document.querySelector('.pw-strip')?.dataset.count == 4")
    tab.get_by_text("Epoch 4 · loss 0.100 · mean IoU 1.000").first.wait_for()
    first.locator("[data-epoch='2']").click()  # looked back: the training no longer moves it
    execute(tab, "strip.add(5, truth, loss=0.05)")
    tab.wait_for_function("document.querySelector('.pw-strip')?.dataset.count == 5")
    told(tab, "print(strip.shown)", "1".__eq__)
    assert "Epoch 2" in tab.locator(".pw-readout").first.inner_text()
    cells = tab.locator(".jp-Cell").count()
    for key in "xba":
        first.locator("[data-epoch='2']").press(key)
    assert tab.locator(".jp-Cell").count() == cells
    tab.screenshot(path=screenshots / "training_strip_lab.png")
    tab.locator(".pixelwise").nth(1).scroll_into_view_if_needed()
    again = tab.locator(".pw-strip").nth(1)
    again.wait_for()
    assert again.locator("[data-epoch]").count() == 5
    tab.close()
