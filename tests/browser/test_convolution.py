"""The convolution stepper in a browser: every number is that of NumPy."""

import numpy as np
import pytest

from helpers.widgets.convolution import convolution, convolve, scatter
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, settle, told

RNG = np.random.default_rng(5)
IMAGE, KERNEL = RNG.integers(-2, 4, (5, 6)), RNG.integers(-2, 3, (3, 3))


@pytest.fixture
def page(browser, monkeypatch, tmp_path):
    """Opens a stepper in a bare page."""
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    opened = []

    def open_page(*given, dark=False, **how):
        opened.append(bare(browser, convolution(*given, **how), tmp_path, dark))
        return opened[-1]

    yield open_page
    for tab in opened:
        assert tab.errors == []
        tab.close()


def numbers(tab, name, shape):
    """What a grid shows, as an array; nan where it shows nothing."""
    texts = tab.locator(f"[data-grid={name}] [data-at]").evaluate_all(
        "cells => cells.map(cell => [...cell.dataset.at.split(','), "
        "cell.textContent.replace('−', '-')])"
    )
    shown = np.full(shape, np.nan)
    for y, x, text in texts:
        shown[int(y), int(x)] = float(text) if text else np.nan
    assert len(texts) == shown.size
    return shown


def enter(tab, label, value):
    tab.get_by_label(label, exact=True).fill(str(value))
    tab.get_by_label(label, exact=True).press("Enter")
    settle(tab)


@pytest.mark.parametrize(("stride", "dilation", "padding"), [(1, 1, 0), (2, 1, 1), (1, 2, 2)])
def test_the_last_step_shows_numpys_values(page, stride, dilation, padding):
    tab = page(IMAGE, KERNEL)
    for label, value in (("Padding", padding), ("Stride", stride), ("Dilation", dilation)):
        enter(tab, label, value)
    tab.get_by_role("button", name="Last step").click()
    expected = convolve(IMAGE[..., None], KERNEL[..., None], stride, dilation, padding)
    assert (numbers(tab, "output", expected.shape) == expected).all()
    tab.get_by_label("Transposed").check()
    tab.get_by_role("button", name="Last step").click()
    expected, counts = scatter(IMAGE, KERNEL, stride, dilation, padding)
    assert (numbers(tab, "output", expected.shape) == expected).all()
    assert (numbers(tab, "counts", counts.shape) == counts).all()


def test_the_keyboard_steps_and_the_products_are_written_out(page):
    tab = page(IMAGE, KERNEL)
    grid = tab.locator("[data-grid=output] .pw-pick")
    grid.press("ArrowDown")
    grid.press("ArrowRight")
    window = IMAGE[1:4, 1:4]
    said = tab.locator(".pw-products").inner_text().replace("−", "-")
    first, *_, last = said.strip().splitlines()
    factors = [f"{a}·{b}" for a, b in zip(window[0], KERNEL[0], strict=True)]
    assert first.strip().replace("(", "").replace(")", "") == " + ".join(factors)
    assert last == f"= {(window * KERNEL).sum()}"
    line = tab.locator(".pw-readout")
    assert "Step 6 of 12 · output row 1, column 1" in line.inner_text()
    assert line.get_attribute("aria-live") == "polite"
    shown = numbers(tab, "output", (3, 4))
    assert np.isnan(shown.ravel()[6:]).all() and not np.isnan(shown.ravel()[:6]).any()
    assert tab.locator("[data-grid=input0] .pw-in").count() == 9
    grid.press("End")
    assert "Step 12 of 12" in line.inner_text()


def test_a_transposed_step_scatters(page):
    tab = page(np.array([[1, 2], [3, 4]]), np.ones((3, 3), int), "transposed", stride=2)
    tab.locator("[data-grid=input0] .pw-pick").press("ArrowRight")
    first = np.zeros((5, 5))
    first[:3, :3] += 1
    first[:3, 2:] += 2
    assert (numbers(tab, "output", (5, 5)) == first).all()
    assert tab.locator("[data-grid=output] .pw-in").count() == 9
    assert "2 times the kernel" in tab.locator(".pw-products").inner_text()


def test_typing_into_the_kernel_and_resizing_it(page):
    tab = page(IMAGE, KERNEL)
    enter(tab, "kernel, row 0, column 2", 7)
    enter(tab, "Kernel", 4)
    kernel = np.ones((4, 4), int)
    kernel[:3, :3] = KERNEL
    kernel[0, 2] = 7
    tab.get_by_role("button", name="Last step").click()
    expected = convolve(IMAGE[..., None], kernel[..., None])
    assert (numbers(tab, "output", expected.shape) == expected).all()
    enter(tab, "Dilation", 3)
    assert "Nothing is left: the kernel spans 10×10" in tab.get_by_role("alert").inner_text()
    enter(tab, "Dilation", 1)
    assert tab.get_by_role("alert").count() == 0


def test_separable_takes_53_952_multiplications(page, screenshots):
    image, kernel = RNG.integers(0, 4, (12, 12, 3)), RNG.integers(-1, 2, (5, 5, 3))
    tab = page(image, kernel, "separable", maps=256, weights=[1, 2, -1])
    tab.get_by_role("button", name="Last step").click()
    expected = convolve(image, kernel * [1, 2, -1])
    assert (numbers(tab, "output", (8, 8)) == expected).all()
    one = convolve(image[..., 1:2], kernel[..., 1:2])
    assert (numbers(tab, "depthwise1", (8, 8)) == one).all()
    assert tab.locator("[data-count=ordinary]").inner_text() == "1,228,800"
    assert tab.locator("[data-count=separable]").inner_text() == "53,952"
    tab.screenshot(path=screenshots / "convolution_separable.png", full_page=True)
    enter(tab, "1×1 weight of channel 2", 0)
    tab.get_by_label("Ordinary").check()
    assert (numbers(tab, "output", (8, 8)) == convolve(image, kernel)).all()


def test_it_plays_to_the_end_and_stops(page):
    tab = page(np.ones((3, 3), int), np.ones((2, 2), int))
    tab.get_by_role("button", name="Play").click()
    tab.get_by_text("Step 4 of 4").wait_for()
    tab.get_by_role("button", name="Play").wait_for()
    assert tab.get_by_role("button", name="Pause").count() == 0


def test_nothing_moves_by_itself_where_less_motion_is_asked_for(page):
    tab = page(IMAGE, KERNEL)
    tab.emulate_media(reduced_motion="reduce")
    tab.reload()
    tab.get_by_role("button", name="Next step").click()
    assert "Step 2 of 12" in tab.locator(".pw-readout").inner_text()
    assert not tab.get_by_text("Play", exact=True).is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_how_it_looks(page, screenshots, dark):
    tab = page(kind="transposed", stride=2, dark=dark)
    tab.locator("[data-grid=input0] [data-at='2,2']").click()
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"convolution{'_dark' * dark}.png", full_page=True)


def test_in_jupyterlab(browser, lab, screenshots):
    code = "from helpers.widgets.convolution import convolution\nw = convolution(padding=1)\nw"
    tab = in_lab(browser, lab, "convolution.ipynb", code)
    tab.locator(".pixelwise[data-ready]").wait_for()
    cells = tab.locator(".jp-Cell").count()
    grid = tab.locator("[data-grid=output] .pw-pick")
    grid.focus()
    for key in ("x", "b", "ArrowRight", "ArrowDown"):
        grid.press(key)
    assert tab.locator(".jp-Cell").count() == cells
    enter(tab, "kernel, row 1, column 1", 5)
    told(tab, "print(w.step, w.kernel[0][1])", "7 [2, 5, -2]".__eq__)
    execute(tab, "w.step = 35")
    tab.get_by_text("Step 36 of 36").wait_for()
    shown = numbers(tab, "output", (6, 6))
    told(tab, "print(w.result()[0].tolist())", str(shown.tolist()).__eq__)
    tab.screenshot(path=screenshots / "convolution_lab.png")
    tab.close()
