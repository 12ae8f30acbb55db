"""The clickable U of lesson 06 in JupyterLab: blocks answer, and an input of 101 breaks."""

import nbformat
import pytest

from tests.browser.jupyter import run_notebook

CODE = """
import numpy as np
from helpers.widgets import clickable_u as u
options = dict(channels=3, classes=13, first=8, depth=4)
rng = np.random.default_rng(0)
maps = {b.name: rng.random((b.height, b.width, int(b.shape.split("×")[2])))
        for b in u.blocks(96, 128, **options)}
u.clickable_u(maps, size=96, **options)
"""


@pytest.fixture(scope="module")
def tab(browser, lab):
    cell = nbformat.v4.new_code_cell(CODE)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec})
    nbformat.write(notebook, lab.folder / "u.ipynb")
    tab = run_notebook(browser, lab, "u.ipynb")
    tab.get_by_role("button", name="bottom · 6").wait_for()
    yield tab
    tab.close()


def test_a_block_shows_its_size_parameters_and_maps(tab, screenshots):
    tab.get_by_role("button", name="join 2 · 24").click()
    tab.get_by_text("24×24×32, ").wait_for()
    picture = tab.get_by_alt_text("First maps of join 2")
    assert picture.evaluate("image => image.naturalWidth") > 100
    tab.screenshot(path=screenshots / "06_u.png")


def test_101_breaks_where_24_meets_25(tab, screenshots):
    number = tab.locator(".widget-readout").first
    number.click()
    number.fill("101")
    number.press("Enter")
    tab.get_by_role("button", name="join 2 · ✗ 24 ≠ 25").wait_for()
    broken = tab.locator("button.mod-danger")
    assert broken.count() == 1
    assert tab.get_by_text("✗ join 2: 24 ≠ 25").count() >= 1
    tab.screenshot(path=screenshots / "06_u_101.png")


def test_valid_padding_takes_572_and_gives_388(tab):
    tab.get_by_role("button", name="valid", exact=True).click()
    number = tab.locator(".widget-readout").first
    number.click()
    number.fill("572")
    number.press("Enter")
    tab.get_by_text("✓ 572×572 in, 388×388 out").wait_for()
