"""The threshold widget in the browser: the numbers on the page are Sweep's."""

import numpy as np
import pytest

from helpers.threshold import Sweep
from helpers.widgets.threshold import FN, FP, TP, threshold
from tests.browser.axe import faults
from tests.browser.widgets import bare, execute, in_lab, pixel, pointer, settle, told

CODE = """
import numpy as np
from helpers import masks
from helpers.streets import scenes
from helpers.widgets.threshold import threshold
prior = (masks.challenge_classes(scenes(range(12), [0])[1]) == 1).mean(axis=0)
images, truths = scenes([1003], [0])
truth = masks.challenge_classes(truths[0])
w = threshold(images[0], prior, truth, k=1)
"""


@pytest.fixture(scope="module")
def made():
    """The notebook's widget, and its counts."""
    names = {}
    exec(CODE, names)
    sweep = Sweep().add(names["truth"], names["prior"], 1)
    return names["w"], names["prior"], names["truth"] == 1, sweep


@pytest.fixture
def tab(browser, made, tmp_path):
    tab = bare(browser, made[0], tmp_path)
    yield tab
    assert tab.errors == []
    tab.close()


def shown(tab):
    """Scores and counts as the page says them."""
    settle(tab)
    cells = tab.locator("[data-score], [data-count]")
    texts = zip(
        cells.evaluate_all("all => all.map(c => c.dataset.score ?? c.dataset.count)"),
        cells.all_inner_texts(),
        strict=True,
    )
    return dict(texts)


def expected(sweep, at, beta):
    score = {
        "precision": sweep.precision()[at],
        "recall": sweep.recall()[at],
        "iou": sweep.iou()[at],
        "fBeta": sweep.f_beta(beta)[at],
    }
    score = {k: "–" if np.isnan(v) else f"{v:.3f}" for k, v in score.items()}
    counts = {"TP": sweep.tp[at], "FP": sweep.fp[at], "FN": sweep.fn[at]}
    return score | {k: f"{v:,}" for k, v in counts.items()}


def test_the_numbers_are_sweeps_at_every_threshold_and_beta(tab, made):
    sweep = made[3]
    for at, beta in ((0, 1), (7, 0.5), (29, 2), (50, 1), (83, 4), (100, 0.25)):
        tab.locator("[data-name=threshold]").fill(str(at / 100))
        tab.locator("[data-name=beta]").fill(str(beta))
        assert shown(tab) == expected(sweep, at, beta)


def test_the_button_goes_to_the_best_threshold(tab, made):
    sweep = made[3]
    for beta in (0.5, 1, 4):
        tab.locator("[data-name=beta]").fill(str(beta))
        best, most = sweep.best(sweep.f_beta(beta))
        note = tab.locator(".pw-legend .pw-note").inner_text()
        assert note == f"Best F_{beta:g}: {most:.3f} at threshold {best:.2f}"
        tab.get_by_role("button", name="Best").click()
        assert float(tab.locator("[data-name=threshold]").input_value()) == best


def test_pixels_have_the_colour_of_their_group(tab, made):
    _, prior, truth, _ = made
    canvas = tab.locator("canvas")
    tab.locator("[data-name=opacity]").fill("1")
    scale = canvas.evaluate("c => c.width") // 128
    for at in (0.1, 0.8):
        tab.locator("[data-name=threshold]").fill(str(at))
        named = prior >= at
        for where, colours in (
            (named & truth, [TP]),
            (named & ~truth, [FP, (20, 20, 20)]),
            (~named & truth, [FN, (255, 255, 255)]),
        ):
            for y, x in np.argwhere(where)[:: max(1, where.sum() // 5)].tolist():
                painted = pixel(canvas, x * scale + scale // 2, y * scale + scale // 2)
                assert tuple(painted) in colours


def test_hover_keyboard_and_chart(tab, made):
    _, prior, truth, sweep = made
    canvas, said = tab.locator("canvas"), tab.locator(".pw-readout")
    y, x = np.argwhere(truth & (prior >= 0.5))[40].tolist()
    tab.mouse.move(*pointer(canvas, x, y, 128, 96))
    assert said.inner_text() == (
        f"row {y}, column {x} · probability {int(100 * prior[y, x] + 1e-9) / 100:.2f}"
        f"{'' if prior[y, x] == 1 else '…'} · true positive (TP)"
    )
    canvas.focus()
    canvas.press("ArrowDown")
    assert said.get_attribute("aria-live") == "polite"
    slider = tab.locator("[data-name=threshold]")
    slider.focus()
    slider.press("ArrowRight")
    assert shown(tab) == expected(sweep, 51, 1)
    chart = tab.locator(".pw-chart")
    assert f"IoU {sweep.iou()[51]:.3f}" in chart.get_attribute("aria-label")
    box = chart.locator("svg").bounding_box()
    tab.mouse.click(box["x"] + box["width"] * (36 + 300 * 0.25) / 350, box["y"] + 80)
    assert slider.input_value() == "0.25"


def test_in_jupyterlab_values_go_both_ways(browser, lab, made, screenshots):
    tab = in_lab(browser, lab, "threshold.ipynb", CODE + "w")
    tab.locator(".pixelwise[data-ready]").wait_for()
    tab.locator("[data-name=threshold]").fill("0.3")
    told(tab, "print(w.threshold)", "0.3".__eq__)
    assert shown(tab) == expected(made[3], 30, 1)
    execute(tab, "w.threshold, w.beta = 0.62, 2.0")
    tab.locator("[data-name=beta][aria-valuetext='2.00']").wait_for()
    assert shown(tab) == expected(made[3], 62, 2)
    cells = tab.locator(".jp-Notebook .jp-CodeCell").count()
    for key in "xbad":
        tab.locator("[data-name=beta]").press(key)
    assert tab.locator(".jp-Notebook .jp-CodeCell").count() == cells
    tab.locator(".pixelwise").screenshot(path=screenshots / "threshold_lab.png")
    tab.close()


def test_the_page_stays_small(made):
    assert len(threshold(np.zeros((96, 128, 3), np.uint8), made[1], made[2]).html()) < 100_000


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_against_accessibility(browser, made, tmp_path, screenshots, dark):
    tab = bare(browser, made[0], tmp_path, dark)
    assert tab.locator(".pixelwise").get_attribute("data-theme") == ("dark" if dark else "light")
    assert faults(tab) == []
    tab.screenshot(path=screenshots / f"threshold_{'dark' if dark else 'light'}.png")
    tab.close()
