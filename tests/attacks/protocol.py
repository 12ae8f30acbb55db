"""Attacks on the talk between a student's process and the judge."""

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


ATTACKS = [
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
