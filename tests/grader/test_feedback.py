"""What a student reads after grading: the fault on a public case, and nothing of a hidden one."""

import base64
import hashlib
import html
import io
import os
import re
import zlib
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from grader.checks import assignment
from grader.settings import settings
from helpers import desk
from helpers.verdict import Case

NAME = "masks_and_metrics"
PUBLIC = [zlib.crc32(c["inputs"][0].tobytes()) for c in desk.find_question("confusion")["cases"]]
CHANGES = {
    # blue, green, red: a fault that a picture shows
    "(picture == colour).all(-1)": "(picture[..., ::-1] == colour).all(-1)",
    # right at the desk alone; and it prints what it was given
    "    counted = truth != 255\n": (
        "    import zlib; counted = truth != 255; print('SPIED', truth.sum(), 'pixels')\n"
        f"    prediction = prediction * (zlib.crc32(truth.tobytes()) in {PUBLIC})\n"
    ),
    # stops, and tells in its error what it was given
    "np.trace(matrix) /": "int(str(matrix.tolist())) /",
    "2 * hit / areas": "hit / areas + 0.0001",
}


@pytest.fixture(scope="module")
def page(day):
    return html.unescape((day / f"feedback/rosa/{NAME}/{NAME}.html").read_text())


def hidden_cases(day, question):
    with patch.dict(os.environ, {"PIXELWISE_COURSE": str(day)}):
        seed = settings().seed
    text = f"{seed} {NAME} {question}"
    first = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    return assignment(NAME)[question].cases(np.random.default_rng(first))


def numbers(arrays):
    """The numbers as remarks write them; short ones could stand in a page by chance."""
    found = {f"{x:.6g}" for a in arrays for x in np.ravel(np.asarray(a, np.float64)).tolist()}
    return {text for text in found if len(text.lstrip("-0.")) >= 6}


def lines(page, question):
    """The judge's lines under a question."""
    text = re.sub(r"<[^>]+>", "", page)
    under = text[text.index(f'check("{question}", ') :]
    said = under[under.index("[judge] ") + 8 :].partition("Grade cell")[0]
    return " ".join(said.partition("\n\n")[0].split())


def test_each_part_has_its_line_and_wrong_questions_say_what_to_reread(page):
    said = lines(page, "iou_and_dice")
    assert said.startswith("0 / 12 points (score) ✗ values 0 / 6: in public case")
    assert "✗ absent 0 / 6:" in said
    assert 'reread: lesson 03, "Many classes: a worked example"' in said
    assert "asked: iou_and_dice(matrix) gives the IoU" in said
    assert "reread" not in lines(page, "boundary_f1")


def test_the_fault_is_shown_on_a_case_that_lies_at_the_desk(page):
    number, got, at, want = re.search(
        r"in public case (\d+) Dice is (\S+) at \[(\d+)\] and should be (\S+)",
        lines(page, "iou_and_dice"),
    ).groups()
    case = Case(**desk.find_question("iou_and_dice")["cases"][int(number) - 1])
    assert f"{case.expected[1][int(at)]:.6g}" == want and got != want


def test_a_fault_that_no_public_case_shows_is_named_without_numbers(page):
    said = lines(page, "confusion")
    assert said.startswith("0 / 12 points (score) ✗ counts 0 / 6: it is right in the cases at your")
    assert "is a size, a type, a number of classes or an answer fixed in your code?" in said


def test_an_error_is_told_as_it_came_in_a_public_case(page):
    said = lines(page, "accuracies")
    assert "your code stops (ValueError); in public case 1 your code stops: ValueError: " in said
    assert "(your line: return int(str(matrix.tolist())) /" in said


def test_a_picture_shows_truth_answer_and_errors_and_says_what_it_shows(page):
    images = re.findall(r"<img[^>]+>", page)
    (image,) = [image for image in images if "the right mask, yours, and the" in image]
    alt, data = (re.search(rf'{key}="([^"]+)"', image)[1] for key in ("alt", "src"))
    data = data.removeprefix("data:image/png;base64,")
    assert re.match(r"Public case \d+: the right mask, yours, and the [\d.]+% of the pixels", alt)
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.width > 800


@pytest.mark.parametrize("question", list(assignment(NAME)))
def test_nothing_of_a_hidden_case_stands_in_any_page_or_table(day, question):
    files = [*day.glob("feedback/*/*/*.html"), *day.glob("*.csv"), day.parent / "grade.json"]
    text = "\n".join(file.read_text() for file in files)
    public = [Case(**fields) for fields in desk.find_question(question)["cases"]]
    hidden = hidden_cases(day, question)
    shown = numbers(e for c in public for e in (*c.expected, *(x for x in c.inputs if np.ndim(x))))
    secret = numbers(e for c in hidden for e in (*c.expected, *(x for x in c.inputs if np.ndim(x))))
    leaked = {x for x in secret - shown if re.search(rf"(?<![\d.]){re.escape(x)}(?!\d)", text)}
    assert not leaked, (question, leaked)


def test_what_was_printed_once_hidden_cases_had_been_dealt_stays_with_the_instructor(day, page):
    kept = (day / f"autograded/rosa/{NAME}/{NAME}.ipynb").read_text()
    printed = re.compile(r"SPIED \d+ pixels")
    assert printed.search(kept) and not printed.search(page)
