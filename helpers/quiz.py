"""Self-check questions that answer on the spot.

Plain HTML: choosing an option shows its feedback by a rule of the style sheet. So a quiz needs no
kernel and no JavaScript, and works in a saved notebook too. Where a viewer drops style sheets (an
untrusted notebook, a preview on the web), the answers stand folded under the question instead.
"""

import hashlib
import html
import re
from collections.abc import Mapping

from IPython.display import display


def quiz(question: str, options: Mapping[str, str], answer: str) -> None:
    """Shows a question with one button for each option.

    Args:
        question: the question; `code` between backticks.
        options: option → what to say when it is chosen: why it is right, or what it overlooks.
        answer: the option that is right.

    Raises:
        ValueError: `answer` is not among the options.
    """
    if answer not in options:
        raise ValueError(f"the answer '{answer}' is not among the options: {', '.join(options)}")
    plain = "\n".join([question, *(f"  ( ) {option}" for option in options)])
    display({"text/html": page(question, options, answer), "text/plain": plain}, raw=True)


def page(question: str, options: Mapping[str, str], answer: str) -> str:
    """The question as a piece of HTML."""
    name = "quiz-" + hashlib.sha256(question.encode()).hexdigest()[:8]
    rules, buttons, replies, folded = [], [], [], []
    for n, (option, feedback) in enumerate(options.items()):
        verdict = "✓ Right." if option == answer else "✗ Not this one."
        reply = f"<b>{verdict}</b> {_marked(feedback)}"
        rules.append(f"#{name}-{n}:checked ~ div .{name}-{n} {{display: block}}")
        # without the data attribute Jupyter takes keys pressed here, such as x, as its commands
        buttons.append(
            f'<input type="radio" name="{name}" id="{name}-{n}" data-lm-suppress-shortcuts="true"> '
            f'<label for="{name}-{n}">{_marked(option)}</label><br>'
        )
        replies.append(f'<p hidden class="{name}-{n}">{reply}</p>')
        folded.append(f"<li>{_marked(option)}: {reply}</li>")
    return (
        f"<style>{' '.join(rules)} .{name}-folded {{display: none}} "
        f"#{name} p {{margin: 0.6em 0 0}} #{name} label {{line-height: 1.8}}</style>"
        f'<fieldset id="{name}"><legend>{_marked(question)}</legend>'
        f'{"".join(buttons)}<div role="status">{"".join(replies)}</div></fieldset>'
        f'<details class="{name}-folded"><summary>The answers</summary><ul>{"".join(folded)}</ul>'
        "</details>"
    )


def _marked(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
