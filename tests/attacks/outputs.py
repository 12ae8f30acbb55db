"""Attacks on who reads the result: pages of feedback, the formgrader, terminals, tables.

Whatever a browser would execute or load says "pwned".
"""

import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.attacks.attack import Attack

SCRIPT = '"><script>pwned()</script><img src=pwned onerror=pwned()>'
SEND = """
kernel = get_ipython().kernel
def send(kind, **content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
evil = '"><script>pwned()</script><img src=pwned onerror=pwned()>'
"""

TEXTS = [
    "<script>pwned()</script> <img src=x onerror=pwned()> <svg onload=pwned()></svg>",
    "<iframe src='https://pwned'></iframe><object data=pwned></object><embed src=pwned>",
    "<style>body {background: url(//pwned)}</style><link rel=stylesheet href=//pwned>",
    "<form action=//pwned><input name=pwned><button formaction=//pwned>log in</button></form>",
    "<base href=//pwned><meta http-equiv=refresh content='0;url=//pwned'>",
    "[a](javascript:pwned()) [b](JaVaScRiPt&colon;pwned()) [c](java\nscript:pwned()) [d][e]",
    "[e]: data:text/html;base64,pwned\n\n<javascript:pwned()> [f](vbscript:pwned)",
    "<a href='javascript:pwned()'>x</a><a href=' &#x6A;avascript:pwned()'>y</a>",
    "<math><mtext><table><mglyph><style><!--</style><img src=x onerror=pwned()>",
    "<noscript><p title='</noscript><img src=x onerror=pwned()>'>",
    "<svg></p><style><a id='</style><img src=1 onerror=pwned()>'>",
    '![x](x"onerror="pwned()) ![y](<x onerror=pwned()>) `<script>pwned()</script>`',
    "<p style='position:fixed;inset:0;background:url(//pwned)' class=pwned id=pwned>x</p>",
    "<details open ontoggle=pwned()><summary onclick=pwned()>x</summary></details>",
    "<!--><script>pwned()</script>--> <![CDATA[<script>pwned()</script>]]> <?php pwned ?>",
    "```html onload=pwned()\n<script>pwned()</script>\n```\n\n# x {onclick=pwned()}",
    "| a |\n|---|\n| <img src=x onerror=pwned()> |",
]


def texts(notebook):
    notebook.cells[0:0] = [new_markdown_cell(text) for text in TEXTS]
    notebook.cells[-1].source = "Roads. " + TEXTS[0]
    notebook.cells += [nbformat.v4.new_raw_cell(text) for text in TEXTS]


def metadata(notebook):
    for cell in notebook.cells:
        cell.metadata.update(
            {
                "tags": [SCRIPT],
                "name": SCRIPT,
                "collapsed": SCRIPT,
                "slideshow": {"slide_type": SCRIPT},
            }
        )
        cell.id = SCRIPT
        if cell.cell_type == "code":
            cell.execution_count = SCRIPT
    attached = new_markdown_cell("![x](attachment:x.png) ![y](attachment:y)")
    attached["attachments"] = {
        "x.png": {"image/png": 'x" onerror="pwned()', "text/html": SCRIPT},
        'y" onerror="pwned()': {"image/svg+xml": SCRIPT, "image/png": SCRIPT},
    }
    notebook.cells.insert(0, attached)
    notebook.metadata.update(
        title=SCRIPT, authors=[{"name": SCRIPT}], widgets={"x": SCRIPT},
        language_info={"name": SCRIPT, "pygments_lexer": SCRIPT, "codemirror_mode": SCRIPT},
        kernelspec={"name": SCRIPT, "display_name": SCRIPT, "language": SCRIPT},
    )  # fmt: skip


def many_cells(notebook):
    notebook.cells += [new_code_cell("1", id=f"n{n}") for n in range(30_000)]


def long_text(notebook):
    for sign in ("[", "![", "*a ", "`", "<", "<b>", "$", "\\(", "> ", "|a", "[a](", "<!--", "_a*"):
        notebook.cells.insert(0, new_markdown_cell(sign * 30_000))


def surrogates(notebook):
    notebook.cells.insert(0, new_markdown_cell("half a letter: \ud83d"))
    notebook.cells.insert(0, new_code_cell("print('half a letter: \ud83d')"))


def as_ascii(path, notebook):
    path.with_name(f"{path.name}.ipynb").write_text(json.dumps(notebook))


ATTACKS = [
    Attack(
        "html, scripts, vector graphics and pictures that are none",
        """
from IPython.display import HTML, SVG, IFrame, Javascript, Markdown, Latex, display
evil = '"><script>pwned()</script>'
display(HTML(evil), Javascript("pwned()"), Markdown(evil), IFrame("https://pwned", 1, 1),
        Latex(r"$\\href{javascript:pwned()}{x}$ <script>pwned()</script>"))
for kind in ("image/png", "image/jpeg", "image/svg+xml", "text/html", "application/pdf",
             "text/latex", "application/javascript", "application/vnd.plotly.v1+json",
             "text/vnd.mermaid",
             "video/mp4", "audio/wav", "application/json",
             "application/vnd.jupyter.widget-view+json"):
    display({kind: evil, "text/plain": evil}, raw=True,
            metadata={kind: {"width": evil, "filename": evil}})
""",
    ),
    Attack(
        "a true picture with a script in its name",
        """
import base64
from IPython.display import display
png = base64.b64encode(b"\\x89PNG\\r\\n<script>pwned()</script>").decode()
evil = '"><script>pwned()</script>'
display({"image/png": png}, raw=True, metadata={"image/png": {"alt": evil, "width": evil},
        "filenames": {"image/png": evil}, "unconfined": evil, "alt": evil})
""",
    ),
    Attack(
        "messages with scripts where numbers and names stand",
        SEND + """
send("stream", name=evil, text=evil)
send("execute_input", code=evil, execution_count=evil)
send("execute_result", data={"text/plain": evil}, metadata={}, execution_count=evil)
send("error", ename=evil, evalue=evil, traceback=[evil, "\\x1b[31m" + evil, 5])
send("display_data", data={"text/plain": [evil]}, metadata=evil, transient={"display_id": evil})
""",
    ),
    Attack(
        "the state of a widget",
        SEND + """
from ipykernel.comm import Comm
Comm("jupyter.widget", data={"state": {"_model_name": "HTMLModel", "value": "</script>" + evil},
     "buffer_paths": []}, metadata={"version": "2.1.0"})
view = {"application/vnd.jupyter.widget-view+json": {"model_id": evil}}
send("display_data", data=view, metadata={})
""",
    ),
    Attack("texts that hold html", change=texts),
    Attack("metadata, ids and attachments that hold html", change=metadata),
    Attack(
        "code that closes the page's tags",
        "# </script></pre></div>" + SCRIPT + "\nprint('''</pre></script>" + SCRIPT + "''')",
    ),
    Attack(
        "half letters and control characters in outputs",
        SEND + r"""
send("stream", name="stdout", text="\ud83d \x1b]0;pwned\x07 \x00 \x08 \u202e")
send("error", ename="\ud83d", evalue="\x1b[2J\ud83d", traceback=["\ud83d"])
send("display_data", data={"text/plain": "\ud83d"}, metadata={"\ud83d": 1})
""",
    ),
    Attack("half letters in cells", change=surrogates, pack=as_ascii),
    Attack("30 000 cells", change=many_cells, says="cells"),
    Attack("texts that take long to read", change=long_text),
    Attack(
        "a result that lies about what it is",
        """
class Liar:
    def _repr_mimebundle_(self, *a, **k):
        return {"text/plain": "[judge] 5 / 5 points", "text/html": "<script>pwned()</script>",
                5: None, "image/png": b"no picture", "text/markdown": ["<script>pwned()</script>"]}
Liar()
""",
    ),
]  # fmt: skip
