"""Attacks on the talk between a student's process and the judge."""

import nbformat

from tests.attacks.attack import Attack
from tests.grader.classroom import RIGHT

# right answers, given too late or to nobody
LATE = "\nimport numpy as np\n" + RIGHT["one_hot"] + "\n" + RIGHT["crop_flip"] + "\n"
JUDGE = """
import os, socket, struct, json, time
import numpy as np
from helpers import wire
def judge():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(2)
    connection.connect(os.environ["PIXELWISE_JUDGE"])
    return connection
"""


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
        "forged events to the judge",
        JUDGE + """
line = b'{"event": "score", "question": "crop_flip", "points": 5, "max": 5, "remark": ""}'
for message in (line + b"\\n", b"\\x7f\\xff\\xff\\xff", b"", line * 1000):
    with judge() as connection:
        connection.sendall(message)
for question in ("crop_flip", "trained_model", "analysis"):
    with judge() as connection:
        wire.send(connection, {"event": "score", "points": 25, "max": 25, "asked": question})
open("ledger.jsonl", "wb").write(line)
""",
    ),
    Attack(
        "an answer that is a score",
        JUDGE + """
for lie in ({"event": "score", "question": "crop_flip", "points": 5, "max": 5},):
    with judge() as connection:
        wire.send(connection, {"question": "crop_flip"})
        while "end" not in wire.receive(connection):
            wire.send(connection, lie)
""",
    ),
    Attack(
        "the right answer after the first",
        LATE + 'check("one_hot", one_hot)\ndef crop_flip(image, *rest): return image',
        says="first answer counts",
    ),
    Attack(
        "looking at the cases before answering",
        JUDGE + """
with judge() as connection:
    wire.send(connection, {"question": "crop_flip"})
    wire.receive(connection)
""" + LATE,
        says="broke off",
    ),
    Attack(
        "an oracle of many connections at once",
        JUDGE + """
many = [judge() for _ in range(6)]
for connection in many:
    wire.send(connection, {"question": "crop_flip"})
seen = 0
for number, connection in enumerate(many):
    try:
        while "end" not in (challenge := wire.receive(connection)):
            seen += number > 0
            wire.send(connection, {"answer": [np.zeros(1)]})
    except (OSError, EOFError):
        pass
if seen: gained("cases dealt twice", seen)
""" + LATE,
    ),
    Attack(
        "a replay of what was sent before",
        """
import socket
sent, made = [], socket.socket
class Tape(made):
    def sendall(self, data):
        sent.append(data); super().sendall(data)
socket.socket = Tape
check("one_hot", one_hot)
""" + JUDGE + """
for data in sent:
    with judge() as connection:
        connection.sendall(data.replace(b"one_hot", b"crop_flip") + b"".join(sent))
        try: wire.receive(connection)
        except (OSError, EOFError, wire.WireError): pass
""",
    ),
    Attack(
        "a flood of garbage",
        JUDGE + """
for number in range(400):
    try:
        with judge() as connection:
            connection.sendall(os.urandom(64 + number))
    except OSError:
        pass
""",
    ),
    Attack(
        "connections that say nothing",
        JUDGE + """
idle = []
for _ in range(30):
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try: connection.connect(os.environ["PIXELWISE_JUDGE"])
    except OSError: pass
    idle.append(connection)
""",
    ),
    Attack(
        "a message of one byte now and then",
        JUDGE + """
import threading
def drip():
    with judge() as connection:
        connection.sendall(struct.pack(">I", 1000))
        while True:
            connection.sendall(b" "); time.sleep(0.5)
threading.Thread(target=drip, daemon=True).start()
time.sleep(0.3)
""",
    ),
    Attack(
        "answers that are nested and counted beyond reason",
        JUDGE + """
def answer(message, shapes):
    header = json.dumps({"message": message, "arrays": shapes}).encode()
    return struct.pack(">I", len(header)) + header
deep = answer('{"answer": ' + "[" * 900 + "]" * 900 + "}", [])
with judge() as connection:
    wire.send(connection, {"question": "crop_flip"})
    wire.receive(connection)
    connection.sendall(deep)
""",
        says="broke off|no answer|nested",
    ),
    Attack(
        "an empty array of 10³⁰ columns",
        JUDGE + """
header = json.dumps({"message": '{"answer": [{"__array__": 0}]}',
                     "arrays": [["bool", [0, 10**30]]]}).encode()
with judge() as connection:
    wire.send(connection, {"question": "crop_flip"})
    wire.receive(connection)
    connection.sendall(struct.pack(">I", len(header)) + header)
""",
        says="broke off",
    ),
    Attack(
        "answers of 64 MiB",
        JUDGE + """
with judge() as connection:
    connection.settimeout(5)
    wire.send(connection, {"question": "crop_flip"})
    while "end" not in wire.receive(connection):
        wire.send(connection, {"answer": [np.zeros(60 << 20, np.uint8), np.zeros(1)]})
""",
    ),
    Attack(
        "answers that are not numbers",
        """
import numpy as np
class Always(np.ndarray):
    def __eq__(self, other): return True
    def tobytes(self, *a): return b""
odd = iter([float("nan"), (float("inf"),) * 2, np.array([b"x"]), 1j, "right", object(), [], {}])
def crop_flip(image, mask, *rest):
    value = next(odd, None)
    return image.view(Always), mask.view(Always) if value is None else value
""",
    ),
    Attack(
        "an error whose text commands the terminal",
        r"""
def crop_flip(*a):
    raise ValueError("\x1b[2J\x1b]0;pwned\x07\u202e \ud800 [bold]right[/bold] =1+1\n5 / 5 points")
""",
    ),
    Attack(
        "an error whose name is not text",
        r"""
def crop_flip(*a):
    raise type("\x1b[2J\ud800pwned", (Exception,), {"__str__": lambda self: 5})()
""",
    ),
    Attack(
        "a server of its own in the judge's place",
        JUDGE + """
try:
    os.unlink(os.environ["PIXELWISE_JUDGE"])
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.environ["PIXELWISE_JUDGE"])
    server.listen()
except OSError as error:
    print(error)
import socket as s
s.setdefaulttimeout(2)
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
    Attack(
        "the right answer from a thread, later",
        """
import threading, time
def later():
    time.sleep(3)
""" + LATE.replace("\n", "\n    ") + """
    check("crop_flip", crop_flip)
threading.Thread(target=later).start()
""",
    ),
]  # fmt: skip
