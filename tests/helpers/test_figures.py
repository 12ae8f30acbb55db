"""Every figure reaches the page once, as one picture with alt text."""

import base64
import inspect
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from helpers import drawings, figures
from helpers.classes import CHALLENGE, IGNORE, LYFT
from helpers.masks import check_ids
from helpers.widgets.choose import choose

MASK = np.repeat(np.arange(12, dtype=np.uint8), 96).reshape(24, 48)


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, as a list of bundles."""
    bundles = []

    def display(bundle, raw):
        assert raw
        bundles.append(bundle)

    monkeypatch.setattr("helpers.figures.display", display)
    monkeypatch.setattr("helpers.widgets.choose.display", display)
    return bundles


def pictures(bundle):
    """The pictures in a bundle's HTML."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', bundle["text/html"])
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


DRAWN = {
    "grid": lambda alt: figures.grid([MASK, figures.colourize(MASK)], ["a", "b"], alt=alt),
    "legend": lambda alt: figures.legend(alt=alt),
    "class_bars": lambda alt: figures.class_bars({"a": np.ones(13)}, alt=alt, label="share"),
    "confusion": lambda alt: figures.confusion(np.eye(13, dtype=int), alt=alt),
    "curves": lambda alt: figures.curves({"a": ([0, 1], [1, 2])}, alt=alt, xlabel="x", ylabel="y"),
    "show": lambda alt: figures.show(figures.canvas()[0], alt=alt),
}


@pytest.mark.parametrize("name", DRAWN)
def test_one_bundle_with_one_picture_and_its_alt_text(name, shown):
    DRAWN[name]('a "quoted" <street>')
    (bundle,) = shown
    (picture,) = pictures(bundle)
    assert picture.width >= 900
    assert bundle["text/plain"] == 'a "quoted" <street>'
    assert 'alt="a &quot;quoted&quot; &lt;street&gt;"' in bundle["text/html"]
    assert not plt.get_fignums()  # closed: the notebook must not show it a second time


@pytest.mark.parametrize("name", DRAWN)
def test_without_alt_text_nothing_is_shown(name, shown):
    with pytest.raises(ValueError, match="alt is empty"):
        DRAWN[name](" ")
    assert not shown
    plt.close("all")


def test_every_function_that_shows_asks_for_alt():
    for name in DRAWN:
        assert inspect.signature(getattr(figures, name)).parameters["alt"].default is inspect._empty


def test_a_large_figure_is_stored_small_and_keeps_rare_colours(shown):
    noise = np.random.default_rng(0).integers(0, 120, (400, 600, 3), dtype=np.uint8)
    noise[100:110, 100:110] = LYFT.palette[10]
    noise[100:110, 120:130] = LYFT.palette[12]
    figures.grid([noise] * 2, ["a", "b"], alt="noise with two small squares")
    (picture,) = pictures(shown[0])
    assert picture.mode == "P"  # 256 colours: full colour would be several times as large
    assert len(shown[0]["text/html"]) < 600_000
    colours = np.array([c for _, c in picture.convert("RGB").getcolors()], int)
    for k in (10, 12):
        assert abs(colours - LYFT.palette[k]).max(1).min() <= 16


def test_a_mask_keeps_the_colours_of_its_classes(shown):
    two = np.full((30, 40), LYFT.id("Roads"), np.uint8)
    two[:, 20:] = LYFT.id("Vehicles")
    figures.grid([two], ["mask"], alt="two halves")
    colours = {colour for _, colour in pictures(shown[0])[0].convert("RGB").getcolors(2**24)}
    assert {tuple(LYFT.palette[7].tolist()), tuple(LYFT.palette[10].tolist())} <= colours


def labels(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_the_legend_doubles_colour_by_name_and_id():
    figure, _ = figures.canvas()
    figures.key(figure, LYFT, [0, 10, IGNORE])
    assert labels(figure) == ["0 None", "10 Vehicles", "255 ignore"]
    plt.close(figure)


def test_grid_lists_the_classes_that_occur(monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: seen.append(figure))
    mask = np.array([[0, 2], [2, 0]], np.uint8)
    figures.grid([mask], ["mask"], alt="two classes", classes=CHALLENGE, ids=[1])
    assert labels(seen[0]) == ["0 Other", "1 Road", "2 Vehicle"]
    plt.close("all")


def test_names_stand_on_their_own_regions():
    figure, axes = figures.canvas()
    mask = np.zeros((60, 80), np.uint8)
    mask[30:, :] = 7
    mask[40:50, 30:50] = 10
    mask[0, 0] = 12  # too small for a name
    figures.draw_mask(axes[0, 0], mask)
    places = {text.get_text(): text.get_position() for text in axes[0, 0].texts}
    assert set(places) == {"None", "Roads", "Vehicles"}
    for name, (column, row) in places.items():
        assert LYFT.names[mask[int(row), int(column)]] == name
    plt.close(figure)


def test_names_do_not_cover_each_other():
    figure, axes = figures.canvas(1, 3)
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 24:40], mask[22:38, 40:56] = 2, 10
    figures.draw_mask(axes[0, 0], mask)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes[0, 0].texts]
    assert len(boxes) == 3
    for n, box in enumerate(boxes):
        assert box.count_overlaps(boxes[n + 1 :]) == 0
    plt.close(figure)


def test_absent_classes_have_no_bar(monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: seen.append(figure))
    values = np.full(13, np.nan)
    values[[7, 9]] = 0.5, 0.0004
    figures.class_bars({"IoU": values}, alt="two bars", label="IoU")
    (axis,) = seen[0].axes
    assert [t.get_text() for t in axis.get_yticklabels()] == ["7 Roads", "9 Vegetation"]
    assert [t.get_text() for t in axis.texts] == ["0.500", "<0.001"]
    plt.close("all")


def test_choose_shows_each_picture_under_its_button(shown):
    names = ("first", "second")
    choose({n: figures.canvas()[0] for n in names}, {n: f"the {n} picture" for n in names})
    (bundle,) = shown
    page = bundle["text/html"]
    assert len(pictures(bundle)) == 2
    assert page.count('type="radio"') == 2 and page.count(" checked>") == 1
    assert bundle["text/plain"] == "the first picture\nthe second picture"
    # hidden by the style sheet alone: where that is dropped, both pictures show
    body = page.split("</style>")[1]
    assert "hidden" not in body and "display: none" not in body


@pytest.mark.parametrize("draw", drawings.ALL)
def test_drawings_are_exact_and_repeatable(draw):
    image, mask, classes = draw()
    assert image.shape == (96, 128, 3) and image.dtype == np.uint8
    assert mask.shape == (96, 128) and mask.dtype == np.uint8
    check_ids(mask, len(classes), draw.__name__)
    assert len(np.unique(mask)) == len(classes) == len(classes.colours)
    assert (draw()[0] == image).all()
