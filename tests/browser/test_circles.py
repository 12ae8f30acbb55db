"""The two circles in the browser: drag, keys and sliders; the numbers are NumPy's."""

import pytest

from helpers import metrics
from helpers.widgets.circles import circles
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, settle, told


@pytest.fixture
def tab(browser, tmp_path):
    tab = bare(browser, circles(), tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def place(tab):
    names = ("x", "y", "radius", "true_radius", "side")
    return {n: int(tab.locator(f"[data-name={n}]").input_value()) for n in names}


def check(tab):
    """Scores and counts on the page are those of the two sets as NumPy draws them."""
    settle(tab)
    widget = circles()
    for name, value in place(tab).items():
        setattr(widget, name, value)
    a, b = widget.sets()
    c = metrics.Confusion(2).add(a.astype(int), b.astype(int))
    scores = {"IoU": c.iou()[1], "Dice": c.dice()[1], "accuracy": c.accuracy()}
    for name, score in scores.items():
        assert tab.locator(f"[data-score={name}]").inner_text() == f"{score:.3f}"
    (tn, fp), (fn, tp) = c.matrix
    for name, count in {"TP": tp, "FP": fp, "FN": fn, "TN": tn}.items():
        assert tab.locator(f"[data-count={name}]").inner_text() == f"{count:,}"


def test_sliders(tab):
    check(tab)
    for name, value in (("x", 12), ("y", -31), ("radius", 73), ("true_radius", 22), ("side", 480)):
        tab.locator(f"[data-name={name}]").fill(str(value))
        check(tab)


def test_drag(tab):
    box = tab.locator(".pw-circles").bounding_box()
    tab.mouse.move(box["x"] + 200, box["y"] + 200)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 246, box["y"] + 223, steps=4)
    tab.mouse.up()
    by = 320 / tab.locator(".pw-circles svg").bounding_box()["width"]
    assert place(tab)["x"] == pytest.approx(30 + 46 * by, abs=1)
    assert place(tab)["y"] == pytest.approx(23 * by, abs=1)
    check(tab)


def test_keys(tab):
    picture = tab.locator(".pw-circles")
    picture.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowDown", "+", "+", "-", "+"):
        picture.press(key)
    assert place(tab) == {"x": 41, "y": 1, "radius": 42, "true_radius": 40, "side": 320}
    assert "IoU" in tab.locator("[aria-live=polite]").inner_text()
    for _ in range(20):
        picture.press("Shift+ArrowRight")
    assert place(tab)["x"] == 160
    check(tab)


def test_places(tab):
    tab.get_by_role("button", name="Touching").click()
    assert tab.locator("[data-score=IoU]").inner_text() == "0.000"
    check(tab)
    tab.get_by_role("button", name="Same").click()
    assert tab.locator("[data-score=Dice]").inner_text() == "1.000"


def test_in_jupyterlab(browser, lab, screenshots):
    code = "from helpers.widgets.circles import circles\nw = circles(x=20)\nw"
    tab = in_lab(browser, lab, "circles.ipynb", code)
    tab.locator(".pixelwise[data-ready]").wait_for()
    check(tab)
    picture = tab.locator(".pw-circles")
    picture.focus()
    cells = tab.locator(".jp-Notebook .jp-CodeCell").count()
    for key in ("ArrowUp", "x", "b", "a", "d", "d"):
        picture.press(key)
    assert tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    told(tab, "print(w.x, w.y)", "20 -1".__eq__)
    execute(tab, "w.radius = 60")
    tab.locator("[data-name=radius][aria-valuetext='60 px']").wait_for()
    check(tab)
    tab.locator(".pixelwise").screenshot(path=screenshots / "circles_lab.png")
    tab.close()


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_against_accessibility(browser, tmp_path, screenshots, dark):
    tab = bare(browser, circles(), tmp_path, dark)
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"circles_{'dark' if dark else 'light'}.png")
    tab.close()
