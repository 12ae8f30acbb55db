"""The augmentation explorer in the browser: image and mask are those of helpers.augment."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from helpers import masks
from helpers.augment import STREET, Augment
from helpers.classes import LYFT
from helpers.streets import scene
from helpers.widgets.augmentation import GAP, augmentation
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, pointer, settle, told

PHOTO, RAW = scene(35, 0, height=96, width=128)
MASK = masks.remove_hood(RAW)
COLOURS = np.vstack([LYFT.palette, [[128] * 3]])  # the last for 255
SETTINGS = [
    Augment(flip=1),
    Augment(crop=16),
    Augment(scale=(0.5, 2)),
    Augment(rotate=90),
    Augment(elastic=0.06),
    Augment(flip=0.5, crop=6, scale=(0.7, 1.5), rotate=25, elastic=0.04),
    Augment(brightness=0.5, contrast=0.6, saturation=1, hue=90),
    Augment(blur=3),
    Augment(flip=0.5, scale=(0.8, 1.6), rotate=4, brightness=0.3, hue=10, blur=1),
]


@pytest.fixture(scope="module")
def tab(browser, tmp_path_factory):
    tab = bare(browser, augmentation(PHOTO, MASK), tmp_path_factory.mktemp("page"))
    tab.locator("[data-name=outlines]").uncheck()
    yield tab
    assert tab.errors == []
    tab.close()


@pytest.fixture(scope="module")
def photo():
    """The image as the browser gets it: JPEG."""
    data = augmentation(PHOTO, MASK).values["image"]
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def put(tab, augment, seed=0, paired=True):
    """Moves the sliders."""
    strengths = {n: v for n, v in vars(augment).items() if n not in ("scale", "height", "width")}
    strengths |= {"scale_low": augment.scale[0], "scale_high": augment.scale[1], "seed": seed}
    for name, value in strengths.items():
        tab.locator(f"[data-name={name}]").fill(str(value))
    tab.locator("[data-name=paired]").set_checked(paired)
    settle(tab)


def painted(tab):
    """What the canvas shows: image H×W×3 and mask H×W×3."""
    data = tab.locator("canvas").evaluate("c => c.toDataURL().split(',')[1]")
    whole = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    scale = whole.shape[1] // (2 * 128 + GAP)
    whole = whole[scale // 2 :: scale, scale // 2 :: scale].astype(int)
    return whole[:, :128], whole[:, 128 + GAP :]


def edges(mask):
    """Where outlines are drawn."""
    lines = np.zeros(mask.shape, bool)
    lines[:-1] |= mask[:-1] != mask[1:]
    lines[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    return lines


@pytest.mark.parametrize("augment", SETTINGS, ids=lambda a: repr(a)[:40])
def test_image_and_mask_are_those_of_augment(tab, photo, augment):
    for seed in (0, 5):
        put(tab, augment, seed)
        image, shown = painted(tab)
        expected, mask = augment(photo, MASK, seed)
        # the browser's JPEG decoder may round otherwise; a stretched contrast magnifies it
        assert np.abs(image - expected).max() <= 6 and np.abs(image - expected).mean() < 1
        inside = ~edges(mask)
        colours = COLOURS[np.where(mask == 255, 13, mask)]
        assert (shown == colours).all(axis=2)[inside].mean() == 1
        ignored = 100 * (mask == 255).mean()
        said = tab.locator(".pw-score").inner_text()
        assert said == f"✓ Image and mask fit. {ignored:.1f} % are ignored (255)."


def test_a_mask_left_behind(tab):
    augment = Augment(flip=1, rotate=10)
    put(tab, augment, seed=2, paired=False)
    _, shown = painted(tab)
    assert (shown == COLOURS[MASK]).all(axis=2)[~edges(MASK)].all()
    wrong = 100 * (augment(PHOTO, MASK, 2)[1] != MASK).mean()
    said = tab.locator(".pw-score").inner_text()
    assert said == f"✗ The mask was left behind: {wrong:.1f} % of the pixels are wrong."


def test_noise_has_the_right_size(tab, photo):
    put(tab, Augment(noise=0.2), seed=1)
    from helpers.augment import draws

    deviation = 255 * 0.2 * draws(1)[0]["noise"]
    image, _ = painted(tab)
    middle = (photo > 90) & (photo < 160)
    assert (image - photo)[middle].std() == pytest.approx(deviation, rel=0.1)


def test_the_ring_is_at_the_same_place_in_both(tab):
    put(tab, Augment(flip=1), seed=0)
    tab.mouse.move(*pointer(tab.locator("canvas"), 40, 50, 2 * 128 + GAP, 96))
    said = tab.locator(".pw-readout").last.inner_text()
    k = MASK[50, 127 - 40]
    assert said == f"row 50, column 40 · mask {k} {LYFT.names[k]} ✓"
    tab.mouse.move(*pointer(tab.locator("canvas"), 128 + GAP + 40, 50, 2 * 128 + GAP, 96))
    assert tab.locator(".pw-readout").last.inner_text() == said


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_against_accessibility(browser, tmp_path, screenshots, dark):
    tab = bare(browser, augmentation(PHOTO, MASK, STREET), tmp_path, dark)
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"augmentation_{'dark' if dark else 'light'}.png")
    tab.close()


def test_in_jupyterlab(browser, lab, screenshots):
    code = (
        "from helpers.streets import scene\nfrom helpers.widgets.augmentation import augmentation\n"
        "w = augmentation(*scene(35, 0, height=192, width=256))\nw"
    )
    tab = in_lab(browser, lab, "augmentation.ipynb", code)
    tab.locator(".pixelwise[data-ready]").wait_for()
    tab.get_by_role("button", name="Street").click()
    told(tab, "from helpers.augment import STREET; print(w.augment == STREET)", "True".__eq__)
    cells = tab.locator(".jp-Notebook .jp-CodeCell").count()
    for key in ("x", "b", "ArrowRight"):
        tab.locator("[data-name=rotate]").press(key)
    assert tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    told(tab, "print(w.rotate)", "5".__eq__)
    execute(tab, "w.paired, w.seed = False, 3")
    tab.locator(".pw-score", has_text="left behind").wait_for()
    tab.locator(".pixelwise").screenshot(path=screenshots / "augmentation_lab.png")
    tab.close()
