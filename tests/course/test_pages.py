"""Cells become HTML: text, formulas, printed lines, progress, figures, widgets."""

import re

import nbformat
import numpy as np
import pytest
from PIL import Image

from build import read, texts
from helpers import figures
from helpers.widgets import page
from helpers.widgets.core import jpeg
from pages.contents import ABOUT, Lesson, neighbours
from pages.markdown import Text, page_address
from pages.outputs import WIDGET, Outputs

STILL = jpeg(np.zeros((30, 40, 3), np.uint8))
new = nbformat.v4.new_output


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path / "files", "files", BAR)


def bar(box, style, said):
    """The final state of one of tqdm's bars."""
    return {
        box: {"state": {"children": [f"IPY_MODEL_{box}-{n}" for n in "lbr"]}},
        f"{box}-l": {"state": {"value": "100%"}},
        f"{box}-b": {"state": {"value": 7.0, "bar_style": style}},
        f"{box}-r": {"state": {"value": said}},
    }  # fmt: skip


BAR = bar("kept", "success", " 7/7 [00:01&lt;00:00]") | bar("gone", "", " 0/7")


def test_headings_get_anchors_that_differ():
    made = Text()
    html = made.render("# 05 · FCN\n\n## The `end`\n\n```\n# no heading\n```\n\n## The end")
    assert [anchor for _, anchor, _ in made.headings] == ["05-fcn", "the-end", "the-end-2"]
    assert re.findall(r'<h2 id="(.*?)"', html) == ["the-end", "the-end-2"]


def test_formulas_become_mathml():
    html = Text().render(r"The share $\frac{a}{b}$, and" "\n\n$$\\sum_i w_i$$")
    assert html.count("<math") == 2 and "<mfrac>" in html and 'display="block"' in html
    assert "$" not in html


def test_no_formula_of_a_lesson_has_a_command_that_is_unknown():
    formulas = []
    for text in texts():
        cells = [cell["source"] for cell in read(text) if cell["cell_type"] == "markdown"]
        html = "".join(map(Text().render, cells))
        formulas += re.findall(r"<math.*?</math>", html, re.DOTALL)
        assert "$$" not in re.sub(r"<(pre|code).*?</\1>", "", html, flags=re.DOTALL), text.name
    assert len(formulas) > 50
    assert [formula for formula in formulas if "\\" in formula] == []


def test_the_empty_corner_of_a_table_is_no_header():
    html = Text().render("| | a |\n|---|---:|\n| b | 1 |")
    assert html.count("<th") - html.count("<thead") == 1 and '<div class="wide">' in html


def test_links_between_notebooks_become_links_between_pages():
    assert page_address("../keras/05_fcn.ipynb#the-end") == "../keras/05_fcn.html#the-end"
    assert page_address("https://x.org/a.ipynb") == "https://x.org/a.ipynb"


def test_of_a_line_that_was_written_over_the_last_state_stays(outputs):
    printed = [
        new("stream", text="1 %\r50 %\r100 %\n<done>\n"),
        new("stream", name="stderr", text="!"),
    ]
    assert outputs.render(printed) == '<pre class="printed">100 %\n&lt;done&gt;</pre>'


def test_a_progress_bar_is_its_last_line_and_vanishes_where_it_vanished(outputs):
    def shown(box):
        return outputs.render(
            [new("display_data", data={WIDGET: {"model_id": box}, "text/plain": "0%"})]
        )

    assert shown("kept") == '<pre class="printed">100% 7/7 [00:01&lt;00:00]</pre>'
    assert shown("gone") == ""


def test_a_figure_is_a_lazy_file_with_its_size_and_its_alt_text(outputs, tmp_path):
    figure, _ = figures.canvas(height=2)
    html = outputs.render(
        [new("display_data", data={"text/html": figures.picture(figure, "A box.")})]
    )
    file = tmp_path / re.search(r'src="(files/\w+\.png)"', html)[1]
    width, height = Image.open(file).size
    assert f'width="{width}"' in html and f'height="{height}"' in html
    assert 'loading="lazy"' in html and 'alt="A box."' in html and "base64" not in html


def test_a_widget_is_a_lazy_page_of_its_own(outputs, tmp_path):
    values = {"title": "Threshold", "alt": "A slider & more."}
    html = outputs.render(
        [new("display_data", data={"text/html": page.fragment("threshold.js", values, STILL)})]
    )
    file = tmp_path / re.search(r'src="(files/\w+\.html)"', html)[1]
    assert file.read_text("utf-8") == page.page("threshold.js", values)
    assert 'title="Threshold"' in html and 'loading="lazy"' in html and "srcdoc" not in html


def test_every_lesson_says_what_it_is_about_and_how_long_it_takes():
    lessons = [Lesson(text) for text in texts()]
    assert [lesson.number for lesson in lessons] == sorted(ABOUT)
    assert all(lesson.minutes for lesson in lessons)


def test_from_the_last_common_lesson_two_ways_lead_on():
    lessons = [Lesson(text) for text in texts()]
    after = neighbours(lessons, 3, None)["after"]
    assert [page for _, page in after] == [
        f"{t}/{lessons[4].text.stem}.html" for t in ("pytorch", "keras")
    ]
    assert neighbours(lessons, 4, "keras")["before"] == [(lessons[3].title, lessons[3].pages[None])]
    assert neighbours(lessons, 5, "keras")["after"][0][1].startswith("keras/06")
    assert neighbours(lessons, 11, "keras")["after"] == neighbours(lessons, 0, None)["before"] == []
