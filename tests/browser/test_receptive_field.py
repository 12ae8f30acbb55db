"""The receptive field in a browser: what it says is what Python computes."""

import numpy as np
import pytest

from helpers.widgets.receptive_field import (
    Layer,
    conv,
    geometry,
    paths,
    pool,
    receptive_field,
    transposed,
)
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, pixel, pointer, settle, told

LAYERS = [conv(dilation=2), pool(), conv(5), transposed(3, 2)]
# points at every pixel of the input, and gives the numbers of paths that are read out
COUNTS = """([side, line]) => {
  const canvas = document.querySelector("[data-picture=input]");
  const box = canvas.getBoundingClientRect();
  const counts = [];
  for (let i = 0; i < side * side; i++) {
    const clientX = box.left + ((i % side) + 0.5) * box.width / side;
    const clientY = box.top + (Math.floor(i / side) + 0.5) * box.height / side;
    canvas.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY }));
    const said = document.querySelector(line).textContent;
    counts.push(Number(said.match(/· ([\\d,]+) path/)[1].replaceAll(",", "")));
  }
  return counts;
}"""


def counts(tab, side):
    return np.array(tab.evaluate(COUNTS, [side, ".pw-readout"])).reshape(side, side)


def expected(layers, side, row, column):
    return np.outer(paths(layers, side, row), paths(layers, side, column))


@pytest.fixture
def tab(browser, monkeypatch, tmp_path):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    tab = bare(browser, receptive_field(LAYERS, side=21, pixel=(3, 12)), tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def test_the_paths_are_those_of_python(tab):
    assert (counts(tab, 21) == expected(LAYERS, 21, 3, 12)).all()
    row = tab.locator(".pw-wide tbody tr").nth(3)
    assert row.locator("td").all_inner_texts()[4:8] == ["21×21", "16", "1", "-0.5"]
    assert geometry(LAYERS)[-1] == (16, 1, -0.5)


def test_the_keyboard_chooses_an_output_pixel(tab):
    output = tab.locator("canvas").nth(1)
    output.focus()
    output.press("ArrowLeft")  # from the middle
    assert "output row 10, column 9 · " in tab.locator(".pw-readout").inner_text()
    assert (counts(tab, 21) == expected(LAYERS, 21, 10, 9)).all()


def test_a_layer_is_changed_added_and_removed(tab):
    tab.get_by_label("layer 1: dilation").fill("3")
    tab.get_by_label("layer 1: dilation").press("Enter")
    assert tab.get_by_label("layer 1: padding").input_value() == "3"  # it kept the size, and does
    tab.get_by_label("remove layer 2").click()
    tab.get_by_role("button", name="+ convolution").click()
    layers = [conv(dilation=3), conv(5), transposed(3, 2), conv()]
    assert (counts(tab, 21) == expected(layers, 21, 3, 12)).all()
    tab.get_by_label("layer 2: kind").select_option("pooling")
    layers[1] = Layer("pooling", 5, 1, 1, 2)
    assert (counts(tab, 21) == expected(layers, 21, 3, 12)).all()


def test_a_layer_that_leaves_nothing_is_marked(tab):
    tab.get_by_label("layer 3: padding").fill("0")
    tab.get_by_label("layer 3: padding").press("Enter")
    tab.get_by_label("Side of the input").fill("8")
    tab.get_by_label("Side of the input").press("Enter")
    row = tab.locator(".pw-wide tbody tr").nth(2)
    assert "✗ nothing is left" in row.inner_text()
    assert tab.locator("canvas").nth(1).is_hidden()
    tab.get_by_label("Side of the input").fill("30")
    tab.get_by_label("Side of the input").press("Enter")
    assert tab.locator("canvas").nth(1).is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_gridding_is_seen(browser, monkeypatch, tmp_path, screenshots, dark):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    w = receptive_field([conv(dilation=2), conv(dilation=2)], side=21)
    tab = bare(browser, w, tmp_path, dark)
    assert "sees 25 pixels of it (31 %)" in tab.locator(".pw-readout").inner_text()
    canvas = tab.locator("canvas").first
    side = canvas.evaluate("canvas => canvas.width") // 21
    corners = [pixel(canvas, (10 + d) * side + 3, 10 * side + 3) for d in (0, 1, 2)]
    assert corners[0] != corners[1] and corners[1] == pixel(canvas, 3, 3)
    assert corners[2][2] > corners[2][0] + 30  # blue
    tab.screenshot(path=screenshots / f"receptive_field{'_dark' * dark}.png")
    assert faults(tab) == []
    assert tab.errors == []
    tab.close()


CODE = """
import numpy as np
from helpers.widgets.receptive_field import conv, pool, receptive_field
image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
effective = np.zeros((48, 64))
effective[20:28, 28:40] = 1
w = receptive_field([conv(), pool()], image=image, effective=effective)
w
"""


def test_in_jupyterlab(browser, lab, screenshots):
    tab = in_lab(browser, lab, "receptive_field.ipynb", CODE)
    tab.locator(".pixelwise[data-ready]").wait_for()
    output = tab.locator(".pixelwise canvas").nth(1)
    output.scroll_into_view_if_needed()
    tab.mouse.move(*pointer(output, 5, 20, 32, 24))
    tab.locator(".pw-readout", has_text="output row 20, column 5 · ").wait_for()
    tab.mouse.down()
    tab.mouse.up()
    cells = tab.locator(".jp-Cell").count()
    tab.get_by_label("layer 1: kernel").focus()
    for key in "xba":
        tab.keyboard.press(key)
    assert tab.locator(".jp-Cell").count() == cells
    tab.get_by_label("layer 1: kernel").fill("5")
    tab.keyboard.press("Enter")
    tab.get_by_label("Effective").check()
    settle(tab)
    told(tab, "print(w.pixel, w.layers[0]['kernel'], w.view)", "[20, 5] 5 effective".__eq__)
    assert "its field is 6×6" in execute(tab, "print(w.text())")
    tab.screenshot(path=screenshots / "receptive_field_lab.png")
    tab.close()
