"""The corruption lab of lesson 02: moving a slider damages the mask in another way."""

import re
import shutil

import pytest

from tests.browser.jupyter import run_notebook


@pytest.fixture(scope="module")
def lab_cell(browser, lab, repo):
    """The output of the lab's cell, in a notebook that was run from top to bottom."""
    shutil.copy(repo / "course/02_labels_and_datasets.ipynb", lab.folder)
    tab = run_notebook(browser, lab, "02_labels_and_datasets.ipynb")
    yield tab.locator(".jp-OutputArea", has=tab.locator(".widget-hslider")).first
    tab.close()


def test_the_sliders_change_picture_and_ids(lab_cell, screenshots):
    picture, handles = lab_cell.locator("img").first, lab_cell.locator(".noUi-handle")
    picture.scroll_into_view_if_needed()
    assert "bilinear with JPEG off" in picture.get_attribute("alt")
    assert "no such class" not in lab_cell.inner_text()

    before = picture.get_attribute("src")
    handles.nth(1).focus()
    handles.nth(1).press("End")
    lab_cell.get_by_alt_text(re.compile("bilinear with JPEG 25")).wait_for()
    assert lab_cell.locator("img").first.get_attribute("src") != before
    assert "no such class" in lab_cell.inner_text()
    lab_cell.screenshot(path=screenshots / "02_lab.png")

    handles.nth(0).focus()
    handles.nth(0).press("Home")
    lab_cell.get_by_alt_text(re.compile("nearest with JPEG 25")).wait_for()
