"""The overlay without a kernel: Kaggle's stand-in, a saved notebook, a page without a network."""

import json
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from helpers import masks, streets
from helpers.classes import LYFT, LYFT_CARLA
from helpers.widgets.overlay import overlay
from tests.browser.axe import faults
from tests.browser.conftest import jupyter_lab
from tests.browser.test_overlay import CODE, ROAD
from tests.browser.widgets import TWO_FRAMES, bare, in_lab, pixel, pointer, settle

SAVE = "() => jupyterapp.commands.execute('docmanager:save')"


def pair(height=600, width=800):
    image, truth = streets.scene(1, 2, height=height, width=width)
    return image, truth, np.roll(truth, 9, axis=1)


@pytest.fixture(scope="module")
def widget():
    image, truth, prediction = pair()
    return overlay(image, truth, prediction, 0.02 + 0.74 * masks.one_hot(prediction))


@pytest.fixture
def tab(browser, widget, tmp_path):
    tab = bare(browser, widget, tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def works(frame, canvas, mouse):
    """Swipe, isolate, hover and opacity do what they should; `frame` holds the widget."""
    colour = LYFT.palette[7].tolist()
    frame.get_by_role("radio", name="Prediction").check()
    frame.locator("[data-name=outlines]").uncheck()
    frame.locator("[data-name=opacity]").fill("1")
    assert pixel_in(canvas, *ROAD) == colour
    frame.locator("[data-only='8']").click()
    assert pixel_in(canvas, *ROAD) != colour
    frame.locator("[data-only='8']").click()
    mouse.move(*pointer(canvas, *ROAD, 800, 600))
    said = frame.locator(".pw-readout").inner_text()
    assert said.startswith("row 440, column 400 · truth 7 Roads · prediction 7 Roads ✓ right")
    frame.get_by_role("radio", name="Swipe").check()
    frame.locator("[data-name=swipe]").fill("0")
    assert pixel_in(canvas, *ROAD) == colour


def pixel_in(canvas, x, y):
    canvas.evaluate(TWO_FRAMES)
    return canvas.evaluate(
        "(c, [x, y]) => [...c.getContext('2d').getImageData(x, y, 1, 1).data]", [x, y]
    )[:3]


def test_a_page_of_its_own(tab):
    works(tab, tab.locator("canvas"), tab.mouse)


def test_where_anywidget_has_no_page_side_the_frame_does_all(
    browser, repo, tmp_path_factory, screenshots
):
    """Kaggle's stand-in, and no widget is made at all: its comm would log an error there."""
    with jupyter_lab(
        repo, tmp_path_factory.mktemp, disabled=["anywidget"], PIXELWISE_WIDGETS="html"
    ) as lab:
        tab = in_lab(browser, lab, "html.ipynb", CODE, "print(w.live)")
        frame = tab.frame_locator(".jp-OutputArea iframe")
        canvas = frame.locator("canvas")
        canvas.wait_for()
        frame.locator(".pixelwise[data-ready]").wait_for()
        works(frame, canvas, tab.mouse)
        assert tab.get_by_text("None", exact=True).count() >= 1
        # the frame is as high as the widget: no second scroll bar
        room = frame.locator(":root").evaluate("e => e.scrollHeight - e.clientHeight")
        assert room <= 1
        tab.screenshot(path=screenshots / "overlay_html_mode.png")
        tab.close()


def test_a_saved_notebook_is_small_and_its_export_works_offline(
    browser, lab, tmp_path, screenshots
):
    """Run live, saved, exported with nbconvert, opened without any network."""
    tab = in_lab(browser, lab, "saved.ipynb", CODE)
    tab.locator(".pixelwise[data-ready]").wait_for()
    tab.evaluate(SAVE)
    tab.close()
    saved = lab.folder / "saved.ipynb"
    size = saved.stat().st_size
    print(f"\nnotebook with one overlay, 800×600: {size:,} bytes")
    assert size <= 300_000
    notebook = nbformat.read(saved, as_version=4)
    kinds = notebook.cells[0].outputs[0].data
    assert set(kinds) == {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "image/jpeg",
        "text/plain",
    }
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--output-dir"]
    subprocess.run([*command, str(tmp_path), str(saved)], check=True, capture_output=True)
    page = browser.new_page()
    page.route("http**", lambda route: route.abort())
    page.goto((tmp_path / "saved.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".pixelwise[data-ready]").wait_for()
    works(frame, frame.locator("canvas"), page.mouse)
    page.screenshot(path=screenshots / "overlay_export.png")
    page.close()


def test_a_notebook_that_is_not_trusted_shows_the_picture(browser, lab, widget, monkeypatch):
    """Somebody else's notebook, opened and not run: its frame is taken away, its picture is not."""
    monkeypatch.setenv("PIXELWISE_WIDGETS", "html")
    data, metadata = widget._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("w", outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), lab.folder / "theirs.ipynb")
    tab = browser.new_page()
    tab.goto(f"{lab.address}/lab/workspaces/theirs/tree/theirs.ipynb?token={lab.token}")
    picture = tab.locator(".jp-OutputArea img")
    picture.wait_for()
    assert picture.get_attribute("alt") == widget.values["alt"]
    assert picture.evaluate("image => image.naturalWidth") == 640
    assert tab.locator(".jp-OutputArea iframe").count() == 0
    tab.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser, widget, tmp_path, dark):
    tab = bare(browser, widget, tmp_path, dark)
    for view in ("swipe", "errors"):
        tab.locator(f"[data-name=view][value={view}]").check(force=True)
        assert faults(tab) == []
    tab.locator(".pw-keys summary").click()
    assert faults(tab) == []
    assert tab.errors == []
    tab.close()


def test_at_200_percent_on_a_small_window_nothing_is_cut(browser, widget, tmp_path, screenshots):
    tab = bare(browser, widget, tmp_path)
    tab.set_viewport_size({"width": 640, "height": 512})  # 1280×1024 at 200 %
    settle(tab)
    wide = tab.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 640
    tab.screenshot(path=screenshots / "overlay_200_percent.png", full_page=True)
    tab.set_viewport_size({"width": 320, "height": 640})  # WCAG 1.4.10
    settle(tab)
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 320
    tab.close()


def test_a_finger_reads_and_two_zoom(browser, widget, tmp_path):
    tab = bare(browser, widget, tmp_path)
    canvas = tab.locator("canvas")
    x, y = pointer(canvas, *ROAD, 800, 600)
    session = tab.context.new_cdp_session(tab)

    def touch(kind, *points):
        fingers = [{"x": px, "y": py, "id": n} for n, (px, py) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    touch("touchStart", (x, y))
    touch("touchEnd")
    assert "7 Roads" in tab.locator(".pw-readout").inner_text()
    touch("touchStart", (x - 40, y), (x + 40, y))
    for apart in (60, 80, 120):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    zoom = tab.locator(".pw-zoom").inner_text()
    assert 200 <= int(zoom.split()[0]) <= 320, zoom
    assert tab.errors == []
    tab.close()


def test_full_hd_and_a_tiny_picture(browser, tmp_path, screenshots):
    image, truth, prediction = pair(1080, 1920)
    tab = bare(browser, overlay(image, truth, prediction), tmp_path)
    canvas = tab.locator("canvas")
    assert canvas.evaluate("c => [c.width, c.height]") == [1920, 1080]
    tab.locator("[data-name=opacity]").fill("1")
    tab.locator("[data-name=outlines]").uncheck()
    assert pixel(canvas, 900, 900) == LYFT.palette[truth[900, 900]].tolist()
    tab.screenshot(path=screenshots / "overlay_full_hd.png")
    tab.close()
    image, truth, _ = pair(96, 128)
    tab = bare(browser, overlay(image, truth), tmp_path)
    canvas = tab.locator("canvas")
    # each pixel is a square of 5×5
    assert canvas.evaluate("c => [c.width, c.height]") == [640, 480]
    tab.locator("[data-name=opacity]").fill("1")
    tab.locator("[data-name=outlines]").uncheck()
    corners = [pixel(canvas, 5 * 60 + d, 5 * 70 + e) for d in (0, 4) for e in (0, 4)]
    assert corners == 4 * [LYFT.palette[truth[70, 60]].tolist()]
    tab.screenshot(path=screenshots / "overlay_tiny.png")
    tab.close()


def test_carlas_colours_by_name(browser, tmp_path):
    image, truth, _ = pair(300, 400)
    tab = bare(browser, overlay(image, truth, classes=LYFT_CARLA), tmp_path)
    tab.locator("[data-name=opacity]").fill("1")
    scale = tab.locator("canvas").evaluate("c => c.width") // 400
    x, y = 200, 220
    assert truth[y, x] == 7
    assert pixel(tab.locator("canvas"), x * scale, y * scale) == [0x80, 0x40, 0x80]
    tab.close()


def test_far_below_the_window_nothing_is_built_yet(browser, widget, tmp_path):
    tab = bare(browser, widget, tmp_path)
    tab.evaluate(
        """() => {
          const main = document.querySelector("main"), low = document.createElement("div");
          low.style.marginTop = "5000px";
          document.body.append(low);
          window.builds = 0;
          low.id = "low";
        }"""
    )
    values = json.dumps({"title": "low", "alt": "not built yet", "width": 4, "height": 3})
    tab.add_script_tag(type="module", content=_late(values))
    settle(tab)
    assert tab.locator("#low").inner_text() == "not built yet"
    tab.locator("#low").scroll_into_view_if_needed()
    tab.get_by_text("built now").wait_for()
    tab.close()


def _late(values):
    from helpers.widgets import page

    code = page.joined("overlay.js").split("export default")[0]
    return (
        f"{code}\nmount(async (root) => root.append('built now'))"
        f".render({{model: memory({values}), el: document.querySelector('#low')}});"
    )
