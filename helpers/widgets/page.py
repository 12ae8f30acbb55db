"""Widgets in the page: one script for each, as an ipywidget or as a page of its own."""

import base64
import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARED = ("pixels.js", "parts.js", "stage.js")
VIEW = "application/vnd.jupyter.widget-view+json"

_IMPORT = re.compile(r'^import [^;]*? from "\./[a-z_]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_COMMENT = re.compile(r"^ *(//.*|/\*\*[\s\S]*?\*/)\n", re.MULTILINE)


@cache
def joined(script: str) -> str:
    """A widget's script with all that it imports, as one module.

    A script that is not loaded from a file cannot import its neighbours.
    """
    parts = [(HERE / name).read_text() for name in (*SHARED, script)]
    parts = [_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts]
    return _COMMENT.sub("", "\n".join(parts))


@cache
def style() -> str:
    """The style sheet of all widgets."""
    return (HERE / "widgets.css").read_text()


def page(script: str, values: dict[str, Any]) -> str:
    """A complete page that shows the widget and loads nothing."""
    plain = {name: v for name, v in values.items() if not isinstance(v, bytes)}
    plain |= {n: base64.b64encode(v).decode() for n, v in values.items() if isinstance(v, bytes)}
    # an inline script ends at the first '</'
    data = json.dumps(plain).replace("</", "<\\/")
    code = joined(script).replace("export default ", "const widget = ")
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(values['title'])}</title>"
        f"<style>body {{margin: 0}} {style()}</style><body><main></main>"
        f'<script type="module">{code}\n'
        f'widget.render({{model: memory({data}), el: document.querySelector("main")}});</script>'
    )


def fragment(script: str, values: dict[str, Any], still: bytes) -> str:
    """The page in an iframe, with a JPEG under it for viewers that take the iframe away."""
    image = base64.b64encode(still).decode()
    alt = html.escape(values["alt"])
    source = page(script, values).replace("&", "&amp;").replace('"', "&quot;")
    return (
        f'<div style="position: relative; min-height: 300px">'
        f'<img alt="{alt}" src="data:image/jpeg;base64,{image}" style="max-width: 100%">'
        f'<iframe title="{html.escape(values["title"])}" srcdoc="{source}" style="position: '
        f'absolute; inset: 0; width: 100%; height: 100%; border: 0"></iframe></div>'
    )


def live(name: str, script: str, values: dict[str, Any]):
    """The widget as an anywidget (which is an ipywidget) with a trait for each value."""
    import anywidget
    import traitlets

    def trait(value: Any):
        if isinstance(value, bytes):
            # bytes come from the page as memoryview; without this the trait stays empty
            return traitlets.Bytes(value).tag(sync=True, from_json=lambda v, _: bytes(v))
        return traitlets.Any(value).tag(sync=True)

    members = {n: trait(v) for n, v in values.items()}
    members |= {"_esm": joined(script), "_css": style(), "_ipython_display_": None}
    return type(name, (anywidget.AnyWidget,), members)()
