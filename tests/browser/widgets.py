"""What tests of widgets share: a widget in a bare page or in JupyterLab, its pixels, its kernel."""

import nbformat

from helpers.widgets import page
from tests.browser.jupyter import run_notebook

PIXEL = "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]"
TWO_FRAMES = "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"
EXECUTE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const reply = kernel.requestExecute({ code, store_history: false });
  let said = "";
  reply.onIOPub = (message) => {
    if (message.header.msg_type === "stream") said += message.content.text;
    if (message.header.msg_type === "error") said += message.content.traceback.join("\\n");
  };
  await reply.done;
  return said.trim();
}"""


def bare(browser, widget, folder, dark=False):
    """The widget as a page of its own, without Jupyter and without any network; the tab.

    `tab.errors` lists what the page threw.
    """
    path = folder / "widget.html"
    text = page.page(widget.script, widget.now())
    if dark:
        text = text.replace("body {margin: 0}", "body {margin: 0; background: #111111}")
    path.write_text(text, encoding="utf-8")
    tab = browser.new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.route("http**", lambda route: tab.errors.append(f"asks for {route.request.url}"))
    tab.goto(path.as_uri())
    tab.locator(".pixelwise[data-ready]").wait_for()
    settle(tab)
    return tab


def in_lab(browser, lab, name, *cells, page=None):
    """A new notebook with these cells, run in JupyterLab or on another `page`; the tab."""
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    sources = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=sources, metadata={"kernelspec": spec})
    nbformat.write(notebook, lab.folder / name)
    return run_notebook(browser, lab, name, page)


def execute(tab, code):
    """Runs code in the notebook's kernel; what it printed."""
    return tab.evaluate(EXECUTE, code)


def told(tab, code, ready):
    """What code prints in the kernel, as soon as `ready` says yes to it; fails after 10 s.

    A page keeps its next message back while the kernel is busy with the last one.
    """
    for _ in range(50):
        said = execute(tab, code)
        if ready(said):
            return said
        tab.wait_for_timeout(200)
    raise AssertionError(f"{code} still prints {said}")


def settle(tab):
    """Waits until what has been asked for is painted."""
    tab.evaluate(TWO_FRAMES)


def pixel(canvas, x, y):
    """The RGB of a pixel of the canvas."""
    settle(canvas.page)
    return canvas.evaluate(PIXEL, [x, y])[:3]


def pointer(canvas, x, y, width, height):
    """Where the mouse must be to point at an image pixel of a picture that is not enlarged."""
    box = canvas.bounding_box()
    return (
        box["x"] + (x + 0.5) * box["width"] / width,
        box["y"] + (y + 0.5) * box["height"] / height,
    )
