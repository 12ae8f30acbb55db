"""What a cell has shown, as HTML. Figures and widgets become files that load when they are near."""

import base64
import hashlib
import html
import io
import re
from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert.filters.ansi import ansi2html
from nbformat import NotebookNode
from PIL import Image

from pages.markdown import Text

WIDGET = "application/vnd.jupyter.widget-view+json"
HOME = f"{Path.home()}/"
EMBEDDED = re.compile(r"data:image/(png|jpeg);base64,(.*)", re.DOTALL)


class Outputs:
    """Turns the outputs of one page into HTML.

    Args:
        files: the folder for figures and widgets.
        address: how the page calls that folder.
        widgets: the final states of ipywidgets, by id.
    """

    def __init__(self, files: Path, address: str, widgets: dict[str, dict]):
        self.files, self.address, self.widgets = files, address, widgets

    def render(self, outputs: list[NotebookNode]) -> str:
        """The HTML of a cell's outputs, '' if it shows nothing. Paths below the home of whoever ran
        it begin with ~."""
        made, printed = [], ""
        for output in outputs:
            if output.output_type == "stream":
                printed += output.text if output.name == "stdout" else ""
                continue
            made += [_text(printed), self._shown(output.get("data", {}))]
            printed = ""
        shown = "\n".join(part for part in (*made, _text(printed)) if part)
        return shown if HOME == "//" else shown.replace(HOME, "~/")

    def _shown(self, data: dict[str, str]) -> str:
        """One display; the richest kind that needs no kernel."""
        if WIDGET in data and "text/html" not in data:
            return _text(self._last_line(data[WIDGET]["model_id"]))
        if "text/html" in data:
            return self._html(data["text/html"])
        if "text/markdown" in data:
            return Text().render(data["text/markdown"])
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                said = html.escape(data.get("text/plain", ""))
                return self._html(f'<img alt="{said}" src="data:{kind};base64,{data[kind]}">')
        return _text(data.get("text/plain", ""))

    def _html(self, page: str) -> str:
        """HTML whose pictures and frames lie in files of their own."""
        soup = BeautifulSoup(page, "html.parser")
        for image in soup.find_all("img"):
            if found := EMBEDDED.match(image.get("src", "")):
                content = base64.b64decode(found[2])
                image["width"], image["height"] = Image.open(io.BytesIO(content)).size
                image["src"] = self._file(content, "jpg" if found[1] == "jpeg" else "png")
                image["loading"] = "lazy"
        for frame in soup.find_all("iframe", srcdoc=True):
            frame["src"] = self._file(frame["srcdoc"].encode(), "html")
            frame["loading"] = "lazy"
            del frame["srcdoc"]
            frame.parent["class"] = "widget"
        return str(soup)

    def _file(self, content: bytes, suffix: str) -> str:
        """Writes a file that is named by what is in it; its address."""
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
        self.files.mkdir(parents=True, exist_ok=True)
        (self.files / name).write_bytes(content)
        return f"{self.address}/{name}"

    def _last_line(self, model: str) -> str:
        """What a progress bar said at its end; '' where it has vanished."""
        parts = [self._state(child) for child in self._state(model).get("children", [])]
        if not any(part.get("bar_style") for part in parts):  # set at the end of those that stay
            return ""
        said = [part["value"] for part in parts if isinstance(part.get("value"), str)]
        return " ".join(html.unescape(" ".join(said)).split())

    def _state(self, model: str) -> dict:
        return self.widgets.get(model.removeprefix("IPY_MODEL_"), {}).get("state", {})


def _text(printed: str) -> str:
    """Printed text; of a line that was written over, its last state."""
    lines = [
        line.rpartition("\r")[2] for line in printed.rstrip().replace("\r\n", "\n").split("\n")
    ]
    text = "\n".join(lines)
    return f'<pre class="printed">{ansi2html(text)}</pre>' if text.strip() else ""
