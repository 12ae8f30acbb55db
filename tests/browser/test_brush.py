"""The brush: what is painted is scored as helpers.metrics scores it, and comes back to Python."""

import zlib

import numpy as np
import pytest

from helpers import metrics, streets
from helpers.classes import LYFT
from helpers.masks import remove_hood
from helpers.widgets.brush import brush
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, pixel, pointer, settle, told

CODE = """
from helpers import metrics, masks, streets
from helpers.widgets.brush import brush
image, truth = streets.scene(1, 2)
truth = masks.remove_hood(truth)
w = brush(image, truth)
w
"""
ROADS = LYFT.id("Roads")


@pytest.fixture(scope="module")
def lab_tab(browser, lab):
    tab = in_lab(browser, lab, "brush.ipynb", CODE)
    tab.locator(".pixelwise[data-ready]").wait_for()
    yield tab
    tab.close()


@pytest.fixture
def widget():
    image, truth = streets.scene(1, 2, height=300, width=400)
    return brush(image, remove_hood(truth))


@pytest.fixture
def tab(browser, widget, tmp_path):
    tab = bare(browser, widget, tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def drag(tab, canvas, size, *points):
    """Paints along image points."""
    tab.mouse.move(*pointer(canvas, *points[0], *size))
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*pointer(canvas, *point, *size), steps=4)
    tab.mouse.up()


def score(tab):
    return tab.locator(".pw-score").inner_text()


def said(truth, mask, k=ROADS):
    iou, dice = metrics.iou(truth, mask)[k], metrics.dice(truth, mask)[k]
    return f"{LYFT.names[k]}: IoU {iou:.3f} · Dice {dice:.3f}"


def test_painting_is_scored_as_in_python_and_comes_back(lab_tab, screenshots):
    canvas = lab_tab.locator(".pixelwise canvas")
    lab_tab.locator("[data-name=size]").fill("60")
    drag(lab_tab, canvas, (800, 600), (150, 440), (650, 440), (420, 360))
    figures = told(
        lab_tab,
        "m = w.mask; print(m.dtype, m.shape, sorted(set(m.ravel().tolist())));"
        "iou, dice = metrics.iou(truth, m)[7], metrics.dice(truth, m)[7];"
        "print(f'Roads: IoU {iou:.3f} · Dice {dice:.3f}')",
        lambda said: said.endswith(score(lab_tab)),
    ).splitlines()
    assert figures == ["uint8 (600, 800) [0, 7]", score(lab_tab)]
    assert "IoU 0.000" not in figures[1]
    row = lab_tab.locator("tr", has=lab_tab.locator("[data-paint='7']")).inner_text().split()
    assert row[-2:] == [figures[1].split()[2], figures[1].split()[-1]]
    lab_tab.screenshot(path=screenshots / "brush_lab_light.png")
    lab_tab.get_by_role("button", name="Undo").click()
    assert score(lab_tab) == "Roads: IoU 0.000 · Dice 0.000"
    told(lab_tab, "print(w.mask.any())", "False".__eq__)
    lab_tab.get_by_role("button", name="Redo").click()
    assert score(lab_tab) == figures[1]


def test_python_sets_the_mask(lab_tab):
    execute(lab_tab, "w.mask = truth")
    lab_tab.get_by_text("Roads: IoU 1.000 · Dice 1.000").wait_for()
    assert "Mean IoU of all classes 1.000" in lab_tab.locator(".pw-legend").inner_text()
    execute(lab_tab, "w.mask = 0 * truth")
    lab_tab.get_by_text("Roads: IoU 0.000 · Dice 0.000").wait_for()
    assert execute(lab_tab, "print(w.mask.any())") == "False"


def test_keys_paint_in_the_lab_and_touch_no_cell(lab_tab):
    cells = lab_tab.locator(".jp-Notebook .jp-CodeCell").count()
    canvas = lab_tab.locator(".pixelwise canvas")
    canvas.focus()
    for key in ("x", "b", "Space", "ArrowDown", "Enter", "ArrowDown", "Enter", "z", "d", "d"):
        canvas.press(key)
    assert lab_tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    assert "IoU" in score(lab_tab)


# one page of its own for each of these: no kernel is needed


def test_one_dab_covers_a_disc(tab, widget):
    """The keyboard alone: to a place, and Space."""
    canvas = tab.locator("canvas")
    canvas.focus()
    tab.locator("[data-name=size]").fill("21")
    canvas.focus()
    canvas.press("Shift+ArrowDown")  # from the middle, (200, 150), to row 175
    canvas.press("Space")
    y, x = np.mgrid[:300, :400]
    disc = (x - 200) ** 2 + (y - 175) ** 2 <= 10.5**2
    assert score(tab) == said(widget._truth, np.where(disc, ROADS, 0).astype(np.uint8))


def test_enter_puts_the_brush_down_and_arrows_draw(tab, widget):
    canvas = tab.locator("canvas")
    tab.locator("[data-name=size]").fill("1")
    canvas.focus()
    canvas.press("Shift+ArrowDown")
    canvas.press("Enter")
    canvas.press("Shift+ArrowDown")
    canvas.press("Enter")
    canvas.press("Shift+ArrowDown")  # the brush is up again
    mask = np.zeros((300, 400), np.uint8)
    mask[175:201, 200] = ROADS
    assert score(tab) == said(widget._truth, mask)
    assert tab.locator(".pw-score").get_attribute("aria-live") == "polite"


def test_undo_redo_erase_and_clear(tab, widget):
    canvas, size = tab.locator("canvas"), (400, 300)
    nothing = score(tab)
    tab.locator("[data-name=size]").fill("30")
    drag(tab, canvas, size, (100, 220), (300, 220))
    first = score(tab)
    drag(tab, canvas, size, (100, 200), (300, 200))
    second = score(tab)
    assert len({nothing, first, second}) == 3
    tab.get_by_role("button", name="Undo").click()
    assert score(tab) == first
    canvas.focus()
    canvas.press("Control+z")
    assert score(tab) == nothing
    canvas.press("Control+Shift+Z")
    assert score(tab) == first
    tab.get_by_role("button", name="Redo").click()
    assert score(tab) == second
    assert tab.get_by_role("button", name="Redo").is_disabled()
    tab.get_by_role("radio", name="Eraser").check()
    drag(tab, canvas, size, (100, 200), (300, 200))
    erased = score(tab)
    assert erased != second
    tab.get_by_role("button", name="Clear").click()
    assert score(tab) == nothing
    canvas.focus()
    canvas.press("z")
    assert score(tab) == erased


def test_another_class_paints_in_its_colour(tab):
    canvas = tab.locator("canvas")
    tab.locator("[data-paint='9']").check()
    tab.locator("[data-name=opacity]").fill("1")
    drag(tab, canvas, (400, 300), (100, 100), (140, 100))
    scale = canvas.evaluate("c => c.width") // 400
    tab.mouse.move(0, 0)
    assert pixel(canvas, 120 * scale, 100 * scale) == LYFT.palette[9].tolist()
    assert score(tab).startswith("Vegetation: IoU 0.")


def test_without_a_kernel_the_widget_says_that_the_mask_stays(tab, widget, monkeypatch):
    assert tab.get_by_text("What you paint stays in this page").is_visible()
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    with pytest.warns(UserWarning, match="stays in the page"):
        assert not widget.mask.any()


def test_a_finger_paints(tab):
    canvas = tab.locator("canvas")
    before = score(tab)
    session = tab.context.new_cdp_session(tab)
    points = [pointer(canvas, x, 200, 400, 300) for x in (100, 150, 200)]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        event = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
        session.send("Input.dispatchTouchEvent", event)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(tab)
    assert score(tab) != before


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser, widget, tmp_path, screenshots, dark):
    tab = bare(browser, widget, tmp_path, dark)
    drag(tab, tab.locator("canvas"), (400, 300), (100, 220), (300, 220))
    tab.get_by_label("Show the truth's outline").check()
    tab.locator(".pw-keys summary").click()
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"brush_{'dark' if dark else 'light'}.png", full_page=True)
    tab.set_viewport_size({"width": 320, "height": 640})
    settle(tab)
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 320
    tab.close()
    assert tab.errors == []


def test_ignored_pixels_are_not_scored(browser, tmp_path):
    image, truth = streets.scene(1, 2, height=300, width=400)
    truth = truth.copy()
    truth[:, :200] = 255
    widget = brush(image, truth, paint="Roads")
    tab = bare(browser, widget, tmp_path)
    tab.locator("[data-name=size]").fill("40")
    drag(tab, tab.locator("canvas"), (400, 300), (20, 220), (380, 220))
    size, y, x = 20, *np.mgrid[:300, :400]
    near = np.clip(x, 20, 380)
    line = (x - near) ** 2 + (y - 220) ** 2 <= size**2
    iou = float(score(tab).split()[2])
    mask = np.where(line, ROADS, 0).astype(np.uint8)
    assert iou == pytest.approx(metrics.iou(truth, mask)[ROADS], abs=0.02)  # the mouse rounds
    assert len(zlib.decompress(widget.painted)) == truth.size
    tab.close()
