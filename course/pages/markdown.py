"""The text of a notebook as HTML: headings with anchors, formulas as MathML, links to pages."""

import html
import re
from urllib.parse import urlsplit

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

NO_HEADER = re.compile(r"<th( [^>]*)?></th>")  # the corner of a table is no header
TAG = re.compile(r"<[^>]+>")


class Renderer(IPythonRenderer):
    """Attributes:
    headings: (level, anchor, words as HTML) in the order of the page.
    """

    def __init__(self):
        super().__init__(escape=False)
        self.headings: list[tuple[int, str, str]] = []

    def heading(self, text: str, level: int, **_) -> str:
        anchor = slug(text)
        taken = {anchor for _, anchor, _ in self.headings}
        if anchor in taken:
            anchor = next(a for n in range(2, 99) if (a := f"{anchor}-{n}") not in taken)
        self.headings.append((level, anchor, text))
        link = f'<a class="anchor" href="#{anchor}" aria-hidden="true" tabindex="-1"></a>'
        return f'<h{level} id="{anchor}">{text}{link}</h{level}>\n'

    def block_math(self, body: str) -> str:
        return f'<span class="math">{mathml(body, "block")}</span>'

    def inline_math(self, body: str) -> str:
        return mathml(body, "inline")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, page_address(url), title)


class Text(MarkdownWithMath):
    """Markdown → HTML for the cells of one page; `headings` grows with each."""

    def __init__(self):
        super().__init__(Renderer())

    @property
    def headings(self) -> list[tuple[int, str, str]]:
        return self.renderer.headings

    def render(self, source: str) -> str:
        """The HTML of one cell; wide tables get a box to scroll in."""
        made = NO_HEADER.sub(r"<td\1></td>", super().render(source))
        made = made.replace("<table>", '<div class="wide"><table>')
        return made.replace("</table>", "</table></div>")


def mathml(latex: str, display: str) -> str:
    """A formula as MathML. Bars stand close to what is between them, not as far as an operator."""
    made = convert(latex.strip(), display=display)
    return made.replace('stretchy="false">&#x0007C;', 'stretchy="false" lspace="0" rspace="0">|')


def slug(words: str) -> str:
    """The anchor of a heading: its letters and digits, joined by '-'."""
    plain = html.unescape(TAG.sub("", words)).lower()
    return "-".join(re.findall(r"[^\W_]+", plain)) or "section"


def page_address(url: str) -> str:
    """A link to a notebook beside this one becomes a link to its page."""
    parts = urlsplit(url)
    if parts.scheme or not parts.path.endswith(".ipynb"):
        return url
    return parts._replace(path=parts.path.removesuffix(".ipynb") + ".html").geturl()
