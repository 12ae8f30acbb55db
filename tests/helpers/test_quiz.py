from html.parser import HTMLParser

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from helpers.quiz import quiz

OPTIONS = {"3": "One <more>.", "`4`": "Two and two."}


@pytest.fixture(autouse=True, scope="module")
def shell(tmp_path_factory):
    """The shell that a notebook's outputs go through."""
    yield InteractiveShell.instance(ipython_dir=str(tmp_path_factory.mktemp("ipython")))
    InteractiveShell.clear_instance()


def shown(question="2 + 2?", options=OPTIONS, answer="`4`") -> dict[str, str]:
    with capture_output() as captured:
        quiz(question, options, answer)
    return captured.outputs[0].data


def tags(page: str) -> list[tuple[str, dict]]:
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(page)
    return found


def test_every_button_has_a_label_and_keeps_its_keys_to_itself():
    found = tags(shown()["text/html"])
    buttons = [a for tag, a in found if tag == "input"]
    labels = [a["for"] for tag, a in found if tag == "label"]
    assert len(buttons) == 2
    assert [b["id"] for b in buttons] == labels
    assert len({b["name"] for b in buttons}) == 1
    assert all("data-lm-suppress-shortcuts" in b for b in buttons)


def test_feedback_is_hidden_until_its_button_is_chosen():
    page = shown()["text/html"]
    replies = [a for tag, a in tags(page) if tag == "p"]
    assert len(replies) == 2 and all("hidden" in a for a in replies)
    for button, reply in zip((a for t, a in tags(page) if t == "input"), replies, strict=True):
        assert f"#{button['id']}:checked ~ div .{reply['class']} {{display: block}}" in page


def test_text_is_escaped_and_backticks_become_code():
    page = shown()["text/html"]
    assert "One &lt;more&gt;." in page
    assert "<code>4</code>" in page


def test_plain_text_gives_no_answer_away():
    plain = shown()["text/plain"]
    assert plain.splitlines() == ["2 + 2?", "  ( ) 3", "  ( ) `4`"]


def test_an_answer_that_is_no_option_is_refused():
    with pytest.raises(ValueError, match="'5' is not among the options: 3, `4`"):
        shown(answer="5")


def test_two_questions_do_not_share_their_buttons():
    names = {
        attributes["name"]
        for question in ("2 + 2?", "1 + 3?")
        for tag, attributes in tags(shown(question)["text/html"])
        if tag == "input"
    }
    assert len(names) == 2
