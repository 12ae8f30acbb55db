"""The first lesson as a student meets it: JupyterLab in a browser."""

import shutil

import pytest

from helpers import quiz
from tests.browser.jupyter import run_notebook
from tests.browser.widgets import execute, told

CELL_COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"


@pytest.fixture(scope="module")
def lesson(browser, lab, repo):
    """Lesson 00 in a browser, all of its cells run."""
    shutil.copy(repo / "course/00_start_here.ipynb", lab.folder)
    tab = run_notebook(browser, lab, "00_start_here.ipynb")
    yield tab
    tab.close()


def test_pictures_have_alt_text(lesson):
    pictures = lesson.locator(".jp-OutputArea img")
    assert pictures.count() >= 4
    alts = pictures.evaluate_all("all => all.map(picture => picture.alt)")
    assert all(len(alt) > 30 for alt in alts), alts


def test_the_picture_answers_and_python_hears_it(lesson, screenshots):
    widget = lesson.locator(".pixelwise").first
    widget.scroll_into_view_if_needed()  # it is built when it comes into view
    lesson.locator(".pixelwise[data-ready]").first.wait_for()
    lesson.screenshot(path=screenshots / "00_touch.png")
    assert "0.55" in execute(lesson, "print(touch.opacity)")
    widget.locator("[data-name=opacity]").fill("0.8")
    assert told(lesson, "print(touch.opacity)", lambda said: said == "0.8")


def test_a_quiz_answers_in_place(lesson, screenshots):
    question = lesson.locator("fieldset", has_text="What does image[10, 30] give?")
    question.scroll_into_view_if_needed()
    reply = question.get_by_role("status").locator("p:visible")
    assert reply.count() == 0
    question.get_by_label("The pixel 10 to the right").check()
    assert "Not this one." in reply.inner_text()
    question.get_by_label("The pixel 30 to the right").check()
    assert "Right." in reply.inner_text()
    assert lesson.locator("details", has_text="The answers").locator("visible=true").count() == 0
    lesson.screenshot(path=screenshots / "00_quiz.png")


def test_keys_pressed_in_a_quiz_do_not_touch_the_notebook(lesson):
    cells = lesson.evaluate(CELL_COUNT)
    button = lesson.locator("fieldset input").first
    button.focus()
    for key in "xbad":  # cut, insert below, insert above, the first half of delete
        button.press(key)
    assert lesson.evaluate(CELL_COUNT) == cells


def test_without_style_sheets_a_quiz_shows_its_answers_folded(page):
    html = quiz.page("2 + 2?", {"3": "One short.", "4": "Two and two."}, "4")
    page.set_content(html[html.index("</style>") :])
    page.get_by_text("The answers").click()
    assert page.locator("li").all_inner_texts() == [
        "3: ✗ Not this one. One short.",
        "4: ✓ Right. Two and two.",
    ]


def test_the_exercises_answer(lesson, screenshots):
    said = lesson.locator(".jp-OutputArea", has_text="Not done yet")
    assert said.count() >= 3
    lesson.get_by_text("Exercise 1 · Which class is there?").last.scroll_into_view_if_needed()
    lesson.screenshot(path=screenshots / "00_exercise.png")
    lesson.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    lesson.screenshot(path=screenshots / "00_top.png")
