"""The overlay in JupyterLab: what the browser paints and says is what NumPy computes."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from helpers import masks, metrics, streets
from helpers.classes import LYFT
from helpers.widgets.overlay import overlay
from tests.browser.widgets import execute, in_lab, pixel, pointer, settle, told

CODE = """
import numpy as np
from helpers import masks, streets
from helpers.widgets.overlay import overlay
image, truth = streets.scene(1, 2)
prediction = np.roll(truth, 9, axis=1)
probabilities = 0.02 + 0.74 * masks.one_hot(prediction)
w = overlay(image, truth=truth, prediction=prediction, probabilities=probabilities)
w
"""
ROAD, SKY = (400, 440), (400, 60)  # x, y


@pytest.fixture(scope="module")
def scene():
    """Image, truth and prediction as in the notebook."""
    image, truth = streets.scene(1, 2)
    return image, truth, np.roll(truth, 9, axis=1)


@pytest.fixture(scope="module")
def shown(scene):
    """The photo as the browser gets it: JPEG."""
    data = overlay(scene[0], truth=scene[1]).values["image"]
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float)


@pytest.fixture(scope="module")
def tab(browser, lab):
    tab = in_lab(browser, lab, "overlay.ipynb", CODE)
    tab.locator(".pixelwise[data-ready]").wait_for()
    yield tab
    tab.close()


@pytest.fixture
def canvas(tab):
    execute(
        tab, "w.opacity, w.hidden, w.view, w.swipe, w.outlines = 0.55, [0], 'truth', 0.5, False"
    )
    canvas = tab.locator(".pixelwise canvas")
    canvas.scroll_into_view_if_needed()
    settle(tab)
    return canvas


def blend(photo, colour, opacity):
    return photo * (1 - opacity) + np.array(colour) * opacity


def test_a_moved_slider_blends_as_computed_and_tells_the_kernel(tab, canvas, shown):
    x, y = ROAD
    colour = LYFT.palette[LYFT.id("Roads")]
    for opacity in (0, 0.3, 1):
        tab.locator("[data-name=opacity]").fill(str(opacity))
        expected = blend(shown[y, x], colour, opacity)
        assert pixel(canvas, x, y) == pytest.approx(expected, abs=3)
    told(tab, "print(w.opacity)", "1".__eq__)


def test_python_moves_the_page(tab, canvas, shown):
    execute(tab, "w.opacity = 1.0")
    assert pixel(canvas, *ROAD) == LYFT.palette[LYFT.id("Roads")].tolist()
    assert tab.locator("[data-name=opacity]").input_value() == "1"


def test_the_whole_picture_is_numpys(tab, canvas, scene, shown):
    execute(tab, "w.opacity = 0.4")
    settle(tab)
    data = canvas.evaluate("c => c.toDataURL().split(',')[1]")
    painted = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), float)
    expected = blend(shown, masks.colourize(scene[1]), 0.4)
    expected[scene[1] == 0] = shown[scene[1] == 0]
    assert np.abs(painted - expected).max() <= 4


def test_hover_reads_the_pixel_out(tab, canvas, scene):
    _, truth, prediction = scene
    line = tab.locator(".pw-readout")
    wrong = np.argwhere((truth == LYFT.id("Sidewalks")) & (prediction == LYFT.id("Roads")))
    y, x = wrong[len(wrong) // 2].tolist()
    tab.mouse.move(*pointer(canvas, x, y, 800, 600))
    assert line.inner_text() == (
        f"row {y}, column {x} · truth 8 Sidewalks · prediction 7 Roads ✗ wrong · "
        "probability 0.76, of Sidewalks 0.02"
    )
    tab.mouse.move(*pointer(canvas, *ROAD, 800, 600))
    assert line.inner_text() == (
        "row 440, column 400 · truth 7 Roads · prediction 7 Roads ✓ right · probability 0.76"
    )


def test_isolating_a_class_leaves_the_photo_elsewhere(tab, canvas, shown, scene):
    execute(tab, "w.opacity = 1.0")
    tab.locator("[data-only='8']").click()
    y, x = np.argwhere(scene[1] == 8)[5000].tolist()
    assert pixel(canvas, x, y) == LYFT.palette[8].tolist()
    assert pixel(canvas, *ROAD) == pytest.approx(shown[ROAD[1], ROAD[0]], abs=3)
    assert tab.locator("[data-only='8']").get_attribute("aria-pressed") == "true"
    told(tab, "print(w.hidden)", lambda said: 8 not in json.loads(said) and "7" in said)
    tab.locator("[data-only='8']").click()  # again: the others come back
    told(tab, "print(w.hidden)", "[0]".__eq__)
    assert pixel(canvas, *ROAD) == LYFT.palette[7].tolist()


def test_one_click_hides_a_class(tab, canvas, shown):
    execute(tab, "w.opacity = 1.0")
    tab.get_by_role("checkbox", name="show Roads").uncheck()
    assert pixel(canvas, *ROAD) == pytest.approx(shown[ROAD[1], ROAD[0]], abs=3)
    told(tab, "print(w.hidden)", "[0, 7]".__eq__)


def test_the_legend_has_counts_and_iou(tab, canvas, scene):
    _, truth, prediction = scene
    iou = metrics.iou(truth, prediction)
    row = tab.locator("tr", has=tab.locator("[data-id='7']"))
    cells = row.locator("td").all_inner_texts()
    assert cells[:2] == [f"{(truth == 7).sum():,}", f"{iou[7]:.3f}"]
    note = tab.locator(".pw-legend .pw-note").inner_text()
    mean, right = metrics.mean_iou(truth, prediction), metrics.accuracy(truth, prediction)
    assert note == f"Mean IoU {mean:.3f}, accuracy {100 * right:.1f} %"


def test_swipe_has_truth_on_the_left_and_prediction_on_the_right(tab, canvas, scene):
    _, truth, prediction = scene
    execute(tab, "w.opacity, w.view, w.hidden = 1.0, 'swipe', []")
    differ = np.argwhere((truth != prediction) & (np.abs(np.arange(800) - 400) > 60))
    for y, x in (differ[len(differ) // 3].tolist(), differ[len(differ) // 2].tolist()):
        for swipe, mask in ((0.0, prediction), (1.0, truth)):
            tab.locator("[data-name=swipe]").fill(str(swipe))
            if 20 < x < 780:
                assert pixel(canvas, x, y) == LYFT.palette[mask[y, x]].tolist()
    # the handle can be dragged in the picture
    box = canvas.bounding_box()
    tab.locator("[data-name=swipe]").fill("0.5")
    settle(tab)
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 4, box["y"] + 100, steps=5)
    tab.mouse.up()
    told(tab, "print(w.swipe)", lambda said: abs(float(said) - 0.25) < 0.01)


def test_the_error_map_marks_what_is_wrong_and_nothing_else(tab, canvas, scene, shown):
    _, truth, prediction = scene
    execute(tab, "w.opacity, w.view, w.hidden = 1.0, 'errors', []")
    y, x = np.argwhere(truth != prediction)[3000].tolist()
    k = prediction[y, x]
    colours = [LYFT.palette[k].tolist(), [0, 0, 0], [255, 255, 255]]
    assert pixel(canvas, x, y) in colours
    darker = shown[ROAD[1], ROAD[0]] * 0.1 + 24 * 0.9
    assert pixel(canvas, *ROAD) == pytest.approx(darker, abs=4)


def test_outlines_run_between_shown_classes(tab, canvas, scene, shown):
    execute(tab, "w.opacity, w.outlines = 0.0, True")
    y, x = np.argwhere(masks.outlines(scene[1])[500:] & (scene[1][500:] != 0))[50].tolist()
    y += 500
    assert pixel(canvas, x, y) == pytest.approx(blend(shown[y, x], [255] * 3, 0.8), abs=3)
    assert pixel(canvas, *SKY) == pytest.approx(shown[SKY[1], SKY[0]], abs=3)


def test_the_keyboard_goes_everywhere_and_stays_inside(tab, canvas, scene):
    cells = tab.locator(".jp-Notebook .jp-CodeCell").count()
    canvas.focus()
    for key in ("0", "Shift+ArrowDown", "ArrowLeft", "x", "b", "a", "d", "d"):
        canvas.press(key)
    said = tab.locator(".pw-readout")
    assert "truth" in said.inner_text() and said.get_attribute("aria-live") == "polite"
    before = said.inner_text()
    canvas.press("ArrowRight")
    assert said.inner_text() != before
    slider = tab.locator("[data-name=opacity]")
    slider.focus()
    for key in ("ArrowRight", "x", "b"):
        slider.press(key)
    assert slider.input_value() == "0.56"
    assert tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    # every control is reached with Tab, and shows it
    tab.locator("[data-name=view]").nth(1).focus()
    reached = set()
    for _ in range(50):
        tab.keyboard.press("Tab")
        reached.add(
            tab.evaluate(
                "() => document.activeElement.ariaLabel ?? document.activeElement.dataset.name"
            )
        )
    assert {"Zoom in", "Save as PNG", "opacity", "outlines", "show Roads only"} <= reached


def test_no_key_pressed_in_a_control_is_a_command_of_the_notebook(tab, canvas):
    """Jupyter looks at the focused element alone."""
    bare = tab.evaluate(
        """() => [...document.querySelectorAll(
          ".pixelwise :is(button, canvas, input, select, summary, [tabindex])"
        )].filter((node) => !node.dataset.lmSuppressShortcuts).map((node) => node.outerHTML)"""
    )
    assert bare == []


def test_zoom_keeps_the_cursor_in_view(tab, canvas):
    canvas.focus()
    canvas.press("0")
    for _ in range(4):
        canvas.press("+")
    assert tab.locator(".pw-zoom").inner_text() == "506 %"
    for _ in range(60):
        canvas.press("Shift+ArrowRight")
    assert "column 799" in tab.locator(".pw-readout").inner_text()
    tab.mouse.move(*pointer(canvas, 798, 300, 800, 600))
    assert "column 799" in tab.locator(".pw-readout").inner_text()
    canvas.press("0")
    assert tab.locator(".pw-zoom").inner_text() == "100 %"


def test_the_png_has_the_images_size(tab, canvas, scene):
    execute(tab, "w.opacity, w.hidden = 1.0, []")
    settle(tab)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save as PNG").click()
    saved = np.asarray(Image.open(download.value.path()).convert("RGB"))
    assert (saved == masks.colourize(scene[1])).all()


def test_screenshots(tab, canvas, screenshots):
    execute(tab, "w.view, w.outlines = 'swipe', True")
    settle(tab)
    tab.screenshot(path=screenshots / "overlay_lab_light.png")
    tab.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    tab.locator(".pixelwise[data-theme=dark]").wait_for()
    tab.locator("#jupyterlab-splash").wait_for(state="detached")
    tab.screenshot(path=screenshots / "overlay_lab_dark.png")
    tab.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
    )
    tab.locator(".pixelwise[data-theme=light]").wait_for()


def test_notebook_7(browser, lab, screenshots):
    name = "notebook7.ipynb"
    tab = in_lab(browser, lab, name, CODE, page=f"notebooks/{name}")
    tab.locator(".pixelwise[data-ready]").wait_for()
    tab.locator("[data-name=opacity]").fill("0.25")
    told(tab, "print(w.opacity)", "0.25".__eq__)
    canvas = tab.locator(".pixelwise canvas")
    canvas.scroll_into_view_if_needed()
    tab.mouse.move(*pointer(canvas, *ROAD, 800, 600))
    assert "truth 7 Roads" in tab.locator(".pw-readout").inner_text()
    tab.screenshot(path=screenshots / "overlay_notebook7.png")
    tab.close()
