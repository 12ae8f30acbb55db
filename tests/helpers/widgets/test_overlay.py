"""The overlay in Python: what it refuses, says, and shows without a browser."""

import base64
import io
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from helpers import masks, metrics, streets
from helpers.classes import LYFT, numbered
from helpers.widgets import page
from helpers.widgets.overlay import overlay


@pytest.fixture(scope="module")
def scene():
    image, truth = streets.scene(1, 2, height=300, width=400)
    return image, truth, np.roll(truth, 9, axis=1)


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "live")


def test_the_bundle_has_something_for_every_viewer(scene):
    widget = overlay(*scene)
    data, metadata = widget._repr_mimebundle_()
    assert set(data) == {page.VIEW, "text/html", "image/jpeg", "text/plain"}
    assert data[page.VIEW]["model_id"] == widget.live.model_id
    assert metadata["image/jpeg"]["alt"] in data["text/html"]
    shown = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    assert shown.size == (400, 300)
    difference = np.abs(np.asarray(shown, float) - widget.picture())
    assert np.median(difference) < 6  # JPEG
    assert widget._ipython_display_ is None


@pytest.mark.parametrize("mode", ["html", "text"])
def test_elsewhere_no_widget_is_made(scene, monkeypatch, mode):
    monkeypatch.setenv("PIXELWISE_WIDGETS", mode)
    import ipywidgets

    def refuse(*_, **__):
        raise AssertionError("a comm was opened")

    monkeypatch.setattr(ipywidgets.Widget, "open", refuse)
    widget = overlay(*scene)
    data, _ = widget._repr_mimebundle_()
    assert page.VIEW not in data and widget.live is None
    assert ("text/html" in data) == (mode == "html")


def test_headless_it_says_what_it_would_show(scene):
    image, truth, prediction = scene
    said = overlay(image, truth, prediction).text()
    iou = metrics.iou(truth, prediction)
    road = next(line for line in said.splitlines() if "Roads" in line)
    assert road.split() == ["7", "Roads", f"{(truth == 7).sum():,}", f"{iou[7]:.3f}"]
    assert f"mean IoU {metrics.mean_iou(truth, prediction):.3f}" in said
    alone = overlay(image, prediction=prediction).text()
    assert "IoU" not in alone and f"{(prediction == 7).sum():,}" in alone


def test_values_set_before_and_after_it_is_shown(scene):
    widget = overlay(*scene)
    widget.opacity = 0.2
    assert widget.live.opacity == 0.2
    widget.hidden = [0, 7]
    assert widget.live.hidden == [0, 7]
    widget.live.swipe = 0.9  # as the page does
    assert widget.swipe == 0.9 and widget.now()["swipe"] == 0.9
    other = overlay(*scene)
    assert other.opacity == 0.55 and other.hidden == [0]


def test_it_is_an_ipywidget(scene):
    import ipywidgets

    widget = overlay(*scene)
    slider = ipywidgets.FloatSlider()
    ipywidgets.link((slider, "value"), (widget.live, "opacity"))
    slider.value = 0.75
    assert widget.opacity == 0.75
    assert ipywidgets.VBox([widget.live]).children == (widget.live,)


def test_the_still_picture_has_truth_left_and_prediction_right(scene):
    image, truth, prediction = scene
    widget = overlay(image, truth, prediction)
    picture = widget.picture()
    assert (picture[:, :199] == masks.overlay(image, truth)[:, :199]).all()
    assert (picture[:, 201:] == masks.overlay(image, prediction)[:, 201:]).all()


def test_probabilities_become_a_prediction_and_one_number_for_each_pixel(scene):
    image, truth, prediction = scene
    rng = np.random.default_rng(0)
    probabilities = masks.one_hot(prediction)[::4, ::4] + rng.random((75, 100, 13)) / 4
    probabilities /= probabilities.sum(-1, keepdims=True)
    widget = overlay(image, truth, probabilities=probabilities)
    shown = np.frombuffer(zlib.decompress(widget.values["prediction"]), np.uint8)
    expected = masks.resize_mask(masks.argmax(probabilities), 300, 400)
    assert (shown.reshape(300, 400) == expected).all()
    certainty = np.frombuffer(zlib.decompress(widget.values["certainty"]), np.uint8)
    top = probabilities.max(-1).repeat(4, 0).repeat(4, 1)
    assert np.abs(certainty.reshape(300, 400) / 100 - top).max() <= 0.005 * widget.values["step"]


def test_a_notebook_stays_small_whatever_the_probabilities_are():
    image, truth = streets.scene(1, 2)
    noise = np.random.default_rng(0).dirichlet(np.ones(13), (600, 800)).astype(np.float32)
    widget = overlay(image, truth, probabilities=noise)
    assert widget.values["step"] > 1  # coarser steps: that noise is what takes the bytes
    assert overlay(image, truth, np.roll(truth, 5, 1)).values.get("step") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truth": None}, "nothing to lay over the image: give truth=, prediction= or both"),
        ({"image": np.zeros((300, 400), np.uint8)}, "it must be uint8, H×W×3"),
        ({"image": np.zeros((300, 400, 3))}, "image is float64"),
        ({"truth": np.zeros((30, 40), np.uint8)}, r"truth has the shape \(30, 40\).*resize_mask"),
        ({"truth": np.full((300, 400), 13)}, "truth: class id 13 at row 0, column 0"),
        ({"truth": np.full((300, 400), -1)}, "truth: class id -1 at row 0"),
        ({"truth": np.zeros((300, 400))}, "truth holds float64; class ids are integers"),
        ({"prediction": np.full((300, 400), 255)}, "only a truth may say 'ignore'"),
        ({"probabilities": np.zeros((3, 4, 5))}, r"for Lyft-Udacity they are h×w×13"),
    ],
)
def test_what_it_refuses(scene, change, message):
    image, truth, _ = scene
    with pytest.raises(ValueError, match=message):
        overlay(**({"image": image, "truth": truth} | change))


def test_other_schemes(scene):
    widget = overlay(scene[0], scene[1] % 3, classes=numbered(3))
    assert widget.values["names"] == ["class 0", "class 1", "class 2"]
    assert "class 1" in widget.text()


def test_the_page_loads_nothing_and_hides_no_markup(scene):
    text = page.page("overlay.js", overlay(*scene, alt="</script><b>").values)
    assert set(re.findall(r"https?://([^/\"]*)", text)) <= {"www.w3.org"}  # the name of SVG
    assert text.count("</script>") == 1
    assert "import " not in text.split("<script")[1].split("const widget")[0]


def test_alt_names_the_largest_classes(scene):
    alt = overlay(*scene[:2]).values["alt"]
    largest = LYFT.names[np.bincount(scene[1].ravel()).argmax()]
    assert alt.startswith("A photo with its mask laid over it.") and largest in alt
