"""How soon is the picture repainted when an opacity slider moves, in JupyterLab in Chromium."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import row
from tests.browser.conftest import CHROMIUM, chromium, jupyter_lab
from tests.browser.widgets import in_lab

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"800×600": (600, 800), "1920×1080": (1080, 1920)}

SCENE = """
import io
import numpy as np
import ipywidgets
import matplotlib.pyplot as plt
from PIL import Image
from helpers import masks, streets
from helpers.widgets.overlay import overlay
image, truth = streets.scene(1, 2, height={0}, width={1})
"""
OURS = SCENE + "overlay(image, truth)"
IMAGE = (
    SCENE
    + """
def encoded(opacity):
    file = io.BytesIO()
    Image.fromarray(masks.overlay(image, truth, opacity)).save(file, "JPEG", quality=85)
    return file.getvalue()

slider = ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.01)
picture = ipywidgets.Image(value=encoded(0.5), format="jpeg", layout=dict(max_width="800px"))
slider.observe(lambda change: setattr(picture, "value", encoded(change.new)), "value")
ipywidgets.VBox([slider, picture])
"""
)
INTERACT = (
    SCENE
    + """
def draw(opacity):
    figure, axes = plt.subplots(figsize=(8, 6))
    axes.imshow(image)
    axes.imshow(masks.colourize(truth), alpha=opacity)
    plt.show()

ipywidgets.interact(draw, opacity=ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.01));
"""
)

# the time from a movement of the mouse to the frame that shows it, in ms
WATCH = """() => {
  window.times = [];
  let start = null;
  document.addEventListener("pointermove", () => (start = performance.now()), true);
  const painted = new MessageChannel(); // its message comes after the frame is painted
  painted.port1.onmessage = () => {
    const canvas = document.querySelector(".pixelwise canvas");
    canvas?.getContext("2d").getImageData(0, 0, 1, 1); // waits until all is drawn
    if (start !== null) times.push(performance.now() - start);
    start = null;
  };
  const picture = () => document.querySelector(".jp-OutputArea img");
  let before = picture()?.src;
  const look = async () => {
    if (document.querySelector(".pixelwise canvas")) return painted.port2.postMessage(0);
    const now = picture();
    if (!now?.src || now.src === before) return;
    before = now.src;
    await now.decode();
    requestAnimationFrame(() => painted.port2.postMessage(0));
  };
  const attributeFilter = ["data-frame", "src"];
  new MutationObserver(look).observe(document.querySelector(".jp-Notebook"), {
    subtree: true, childList: true, attributes: true, attributeFilter,
  });
}"""


def rows() -> Iterator[dict]:
    if not CHROMIUM:
        print("no Chromium: the widgets are not measured")
        return
    with tempfile.TemporaryDirectory() as home:

        def folder(name: str) -> Path:
            path = Path(home, name)
            path.mkdir()
            return path

        variables = {"PIXELWISE_WIDGETS": "live"}
        with jupyter_lab(ROOT, folder, **variables) as lab, chromium(folder("profile")) as browser:
            for size, shape in SIZES.items():
                ours = moves(browser, lab, OURS.format(*shape), 100)
                peers = {"Image widget, JPEG 85": moves(browser, lab, IMAGE.format(*shape), 40)}
                if size == "800×600":
                    peers["matplotlib, interact"] = moves(browser, lab, INTERACT.format(*shape), 15)
                for name, theirs in peers.items():
                    yield from compared(size, name, ours, theirs)


def compared(size: str, name: str, ours: tuple, theirs: tuple) -> Iterator[dict]:
    """The rows of median and 95th percentile, as movements a second."""
    for what, which in (("median", 0), ("p95", 1)):
        note = (
            f"{name}: {theirs[which]:.1f} ms and {theirs[2]:,.0f} bytes a move; "
            f"ours {ours[which]:.1f} ms and {ours[2]:,.0f}"
        )
        rates = 1000 / ours[which], 1000 / theirs[which]
        yield row(f"opacity {size}, {what}, {name.split(',')[0]}", *rates, note, "move/s", ours[3])


def moves(browser, lab, code: str, count: int) -> tuple[float, float, float, int]:
    """Drags the slider of a new notebook: median and 95th percentile in ms, bytes per move, n."""
    came = []

    def hear(socket):
        if "/channels" in socket.url:  # the kernel's; the other one tells of files
            socket.on("framereceived", lambda data: came.append(len(data)))

    def listen(tab):
        tab.on("websocket", hear)

    browser.on("page", listen)
    tab = in_lab(browser, lab, f"moves{time.monotonic_ns()}.ipynb", code)
    browser.remove_listener("page", listen)
    slider = tab.locator("[data-name=opacity], .noUi-handle").first
    slider.wait_for()
    tab.wait_for_timeout(1500)
    box = slider.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.evaluate(WATCH)
    received = len(came)
    for n in range(count):
        before = tab.evaluate("() => times.length")
        tab.mouse.move(x + (17 if n % 2 else -17) + n % 5, y)
        try:
            tab.wait_for_function("n => times.length > n", arg=before, timeout=5000)
        except Exception:  # the picture was the same, or late: that move does not count
            continue
        tab.wait_for_timeout(20)
    total = sum(came[received:])
    tab.mouse.up()
    times = tab.evaluate("() => times")
    tab.close()
    p95 = statistics.quantiles(times, n=20)[-1]
    return statistics.median(times), p95, total / len(times), len(times)
