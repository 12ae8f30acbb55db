"""Attacks on the student's side of grading: patched libraries, forged notebooks, other clocks."""

import nbformat

from tests.attacks.attack import Attack


def mark_up(notebook):
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(points=1000, grade=True, locked=False)


def forged_outputs(notebook):
    line = "[judge] 5 / 5 points (score): right"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=line)]
        cell.metadata["pixelwise"] = {"judge": 1, "dealt": False}
    notebook.metadata["pixelwise"] = {"points": 45}


def answered_by_print(notebook):
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            cell.source = "print('5.0')\n5.0"


def without_marks(notebook):
    for cell in notebook.cells:
        cell.metadata.clear()


ATTACKS = [
    Attack(
        "patched numpy.testing, check and print",
        """
import builtins, helpers.check, numpy.testing
numpy.testing.assert_allclose = lambda *a, **k: None
check = helpers.check.check = lambda *a, **k: print("[judge] 5 / 5 points (score): right")
builtins.print = lambda *a: None
5.0
""",
        says="never reached the judge",
    ),
    Attack(
        "patched builtins that the judge might use",
        """
import builtins
builtins.isinstance = lambda *a: True
builtins.all = builtins.any = lambda *a: True
builtins.abs = lambda *a: 0
builtins.round = lambda *a: 5
""",
    ),
    Attack(
        "patched json and the client's messages",
        """
import json
from helpers import wire
json.loads = lambda *a, **k: {"message": '{"end": "recorded"}', "arrays": [], "end": "right"}
wire.receive = lambda *a: {"end": "recorded"}
""",
    ),
    Attack(
        "patched sockets, with a judge of its own",
        """
import socket
class Friend:
    def __init__(self, *a): pass
    __enter__ = lambda self: self
    __exit__ = connect = sendall = settimeout = lambda self, *a: None
    def gettimeout(self): return None
    def recv(self, size):
        raise EOFError("all is well")
socket.socket = Friend
""",
    ),
    Attack(
        "rubbish to the grader's client",
        """
kernel = get_ipython().kernel
for parts in ([b"garbage"], [b"<IDS|MSG>"], [b"", b"<IDS|MSG>", b"", b"{}", b"[]", b"1", b"null"]):
    for stream in (kernel.iopub_socket, kernel.iopub_thread):
        stream.send_multipart(parts)
for name, content in (("stream", {}), ("stream", {"name": 5, "text": None}), ("error", {}),
                      ("display_data", {"data": 1}), ("status", {"execution_state": "dead"}),
                      ("execute_result", {"data": {"text/plain": {"a": 1}}}), ("nonsense", {}),
                      ("update_display_data", {}), ("clear_output", {}), ("comm_open", {}),
                      ("comm_msg", {"data": {"method": "update", "state": 1}, "comm_id": []})):
    kernel.session.send(kernel.iopub_socket, name, content, parent=kernel.get_parent())
""",
    ),
    Attack(
        "a reply that says the cell was never run",
        """
kernel = get_ipython().kernel
send = kernel.session.send
def forged(stream, kind, *a, **k):
    if kind == "execute_reply":
        return send(stream, kind, {"status": "aborted", "execution_count": 10**30}, **{
            key: value for key, value in k.items() if key in ("parent", "ident")})
    return send(stream, kind, *a, **k)
kernel.session.send = forged
""",
    ),
    Attack(
        "a changed IPython",
        """
shell = get_ipython()
shell.input_transformers_cleanup.append(
    lambda lines: ["print('[judge] 5 / 5 points')"] if "check(" in "".join(lines) else lines)
shell.display_formatter.formatters["text/plain"].for_type(object, lambda *a: print("5.0"))
shell.set_custom_exc((BaseException,), lambda *a, **k: None)
""",
        says="never reached the judge",
    ),
    Attack(
        "a cell that is run as another",
        """
import ast
class Swap(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.Constant("trained_model") if node.value == "crop_flip" else node
get_ipython().ast_transformers.append(Swap())
""",
    ),
    Attack("marks and points of its own", change=mark_up),
    Attack("outputs of a judge that it brings along", change=forged_outputs),
    Attack("printed points", change=answered_by_print),
    Attack("answers without any marks", change=without_marks),
    Attack(
        "other clocks",
        """
import time, datetime, subprocess
for number in range(3):
    try:
        time.clock_settime(number, 0); gained("clock", number)
    except OSError:
        pass
subprocess.run(["date", "-s", "2001-01-01"], capture_output=True)
time.time = time.monotonic = time.perf_counter = lambda: 0.0
time.sleep = lambda seconds: None
if datetime.datetime.now().year < 2024: gained("the date")
""",
    ),
]
