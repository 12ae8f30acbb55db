"""The corruption lab, alone and in lesson 02: the page's numbers are Pillow's and NumPy's."""

import shutil

import numpy as np
import pytest

from helpers import masks
from helpers.classes import LYFT
from helpers.streets import scene
from helpers.widgets.corruption import corruption
from tests.browser.axe import faults
from tests.browser.jupyter import run_notebook
from tests.browser.widgets import bare, pixel, pointer, settle

MASK = scene(35, 0)[1]
RIGHT = masks.resize_mask(MASK, 192, 256)


@pytest.fixture
def tab(browser, tmp_path):
    tab = bare(browser, corruption(MASK), tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def check(page, mask, **settings):
    """Every row of the page's table is what NumPy counts in the mask that Pillow made."""
    settle(page.page)
    widget = corruption(mask)
    for name, value in settings.items():
        setattr(widget, name, value)
    damaged, right = widget.damaged, masks.resize_mask(mask, 192, 256)
    changed = damaged != right
    expected = {}
    for k in np.unique(damaged[damaged < 13]).tolist():
        here = damaged == k
        expected[str(k)] = [LYFT.names[k], f"{here.sum():,}", f"{100 * changed[here].mean():.0f} %"]
    if (damaged > 12).any():
        expected["-2"] = ["no such class", f"{(damaged > 12).sum():,}", "100 %"]
    rows = page.locator("[data-row]").evaluate_all(
        "all => all.map(r => [r.dataset.row, r.querySelector('label').lastChild.textContent,"
        " r.children[1].textContent, r.children[2].textContent])"
    )
    assert {key: values for key, *values in rows} == expected
    assert page.locator(".pw-score").inner_text() == (
        f"{changed.sum():,} of 49,152 pixels changed ({100 * changed.mean():.1f} %) · "
        f"{len(np.unique(right))} ids before, {len(np.unique(damaged))} now"
    )
    return damaged


def test_filters_and_qualities(tab):
    root = tab.locator(".pixelwise")
    for name in ("nearest", "box", "bilinear", "bicubic", "lanczos"):
        tab.get_by_label(name, exact=True).check()
        check(root, MASK, resize=name)
    tab.get_by_label("nearest", exact=True).check()
    tab.get_by_label("Save as JPEG").check()
    for quality in (3, 50, 95, 100):
        tab.locator("[data-name=quality]").fill(str(quality))
        check(root, MASK, resize="nearest", jpeg=True, quality=quality)


def test_one_id_alone_and_what_changed(tab):
    canvas = tab.locator("canvas")
    damaged = check(tab.locator(".pixelwise"), MASK)
    tab.locator("[data-only='4']").click()
    assert tab.locator("[data-only='4']").get_attribute("aria-pressed") == "true"
    tab.get_by_label("Changed", exact=True).check()
    scale = canvas.evaluate("c => c.width") // 256
    for k, colour in ((4, LYFT.palette[4].tolist()), (7, [40, 40, 40])):
        for y, x in np.argwhere((damaged == k) & (damaged != RIGHT))[::50].tolist():
            assert pixel(canvas, x * scale + 1, y * scale + 1) == colour
    tab.locator("[data-only='4']").click()
    for where, colour in ((damaged != RIGHT, [255] * 3), (damaged == RIGHT, [70] * 3)):
        y, x = np.argwhere(where)[1000].tolist()
        assert pixel(canvas, x * scale + 1, y * scale + 1) == colour


def test_hover_says_what_it_was(tab):
    canvas, damaged = tab.locator("canvas"), check(tab.locator(".pixelwise"), MASK)
    y, x = np.argwhere((damaged == 8) & (RIGHT == 9))[3].tolist()
    tab.mouse.move(*pointer(canvas, x, y, 256, 192))
    said = tab.locator(".pw-readout").last.inner_text()
    assert said == f"row {y}, column {x} · was 9 Vegetation, is 8 Sidewalks ✗ invented"


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_against_accessibility(browser, tmp_path, screenshots, dark):
    widget = corruption(MASK)
    widget.jpeg, widget.quality = True, 60
    tab = bare(browser, widget, tmp_path, dark)
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"corruption_{'dark' if dark else 'light'}.png")
    tab.close()


def test_in_lesson_02(browser, lab, repo, screenshots):
    shutil.copy(repo / "course/02_labels_and_datasets.ipynb", lab.folder)
    tab = run_notebook(browser, lab, "02_labels_and_datasets.ipynb")
    root = tab.locator(".pixelwise[aria-label='Corruption lab']")
    root.scroll_into_view_if_needed()
    tab.locator(".pixelwise[aria-label='Corruption lab'][data-ready]").wait_for()
    assert "no such class" not in root.inner_text()
    root.locator("[data-name=jpeg]").check()
    slider = root.locator("[data-name=quality]")
    slider.focus()
    cells = tab.locator(".jp-Notebook .jp-CodeCell").count()
    for key in ("PageDown", "x", "b"):
        slider.press(key)
    assert tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    slider.fill("30")
    root.locator("[data-name=quality][aria-valuetext='30']").wait_for()
    assert "no such class" in root.inner_text()
    root.screenshot(path=screenshots / "02_corruption.png")
    tab.close()
