"""One of several pictures at a time, with a button for each."""

import hashlib
import html
from collections.abc import Mapping

from IPython.display import display
from matplotlib.figure import Figure

from helpers.figures import picture


def choose(pictures: Mapping[str, Figure], alts: Mapping[str, str], label: str = "Show") -> None:
    """Shows one of several figures at a time, with a button for each.

    Plain HTML, as in `helpers.quiz`: it needs no kernel and no JavaScript, and works in a saved
    notebook. Where a viewer drops style sheets, the pictures stand one below the other.

    Args:
        pictures: name on the button → figure.
        alts: the same names → alt text.
        label: what is chosen.
    """
    pages = [picture(figure, alts[name]) for name, figure in pictures.items()]
    key = "choose-" + hashlib.sha256("".join(pages).encode()).hexdigest()[:8]
    rules, buttons, views = [], [], []
    for n, (name, page) in enumerate(zip(pictures, pages, strict=True)):
        rules.append(f"#{key}-{n}:checked ~ .{key}-{n} {{display: block}}")
        # without the data attribute Jupyter takes keys pressed here, such as x, as its commands
        buttons.append(
            f'<input type="radio" name="{key}" id="{key}-{n}" data-lm-suppress-shortcuts="true"'
            f'{" checked" * (n == 0)}> <label for="{key}-{n}">{html.escape(name)}</label> &ensp;'
        )
        views.append(f'<div class="{key} {key}-{n}"><b>{html.escape(name)}</b>{page}</div>')
    page = (
        f"<style>.{key}, .{key} b {{display: none}} {' '.join(rules)}</style><fieldset>"
        f"<legend>{html.escape(label)}</legend>{''.join(buttons)}{''.join(views)}</fieldset>"
    )
    display({"text/html": page, "text/plain": "\n".join(alts[n] for n in pictures)}, raw=True)
