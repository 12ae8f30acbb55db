"""Attacks by what is handed in: archives, links, special files, modules, other models' formats."""

import io
import json
import os
import pickle
import stat
import struct
import zipfile

import nbformat

from tests.attacks.attack import Attack
from tests.grader.classroom import NAME, RIGHT

BOTH = RIGHT
STEAL = """
import os
for name in os.listdir("."):
    if os.path.isfile(name): print(name, open(name, "rb").read(300))
"""


class Evil:
    """What unpickling this does shows as a file that was left behind."""

    def __reduce__(self):
        return os.system, ("touch /tmp/pwned-by-pickle",)


def keras_file() -> bytes:
    layer = {"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAAAAAAAAAB", None, None]}}
    config = {"module": "os", "class_name": "system", "config": {"command": "touch /tmp/pwned-k"},
              "layers": [layer]}  # fmt: skip
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.writestr("../../../../tmp/pwned-by-keras", "x")
    return data.getvalue()


OTHER_MODELS = {
    "model.pt": pickle.dumps(Evil()),
    "model.npy": b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'} " + pickle.dumps(Evil()),
    "model.keras": keras_file(),
    "model.safetensors": struct.pack("<Q", 2**63) + b"{}",
    "weights.safetensors": struct.pack("<Q", 92)
    + b'{"w": {"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 184467440737]}}',
    "model.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
}


def archive(*entries):
    """Packs entries (name or ZipInfo, content) beside the notebook."""

    def pack(path, notebook):
        with zipfile.ZipFile(f"{path}.zip", "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr(f"{NAME}.ipynb", nbformat.writes(notebook))
            for name, content in entries:
                made.writestr(name, content)

    return pack


def link(name: str, to: str):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry, to


def lying(path, notebook):
    """A bomb whose entry says that it is small."""
    with zipfile.ZipFile(f"{path}.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"{NAME}.ipynb", nbformat.writes(notebook))
        made.writestr("model.onnx", bytes(300 << 20))
    data = open(f"{path}.zip", "rb").read().replace(struct.pack("<I", 300 << 20), b"\x10\0\0\0")
    open(f"{path}.zip", "wb").write(data)


def raw(text: str | bytes):
    def pack(path, notebook):
        with open(f"{path}.ipynb", "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    return pack


def folder_of_links(path, notebook):
    place = path.with_name(path.name.split("_")[0])
    place.mkdir()
    (place / f"{NAME}.ipynb").symlink_to("/etc/passwd")


def a_link(to):
    def make(path):
        path.unlink(missing_ok=True)
        path.symlink_to(to)

    return make


def a_pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def deep_folders(path):
    here = os.getcwd()
    try:
        path.mkdir()
        os.chdir(path)
        for _ in range(200):
            os.mkdir("deeper")
            os.chdir("deeper")
    finally:
        os.chdir(here)


CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": "1"}

ATTACKS = [
    Attack("a link to the seed", STEAL, files={"key.txt": a_link("../../../grading.toml")}),
    Attack(
        "links to folders, and links to links", STEAL + "\nimport os\n"
        "for name in ('course', 'a', 'b'):\n    if os.path.exists(name): gained(name)",
        files={"course": a_link("../../.."), "a": a_link("/"), "b": a_link("a")},
    ),
    Attack("a notebook that is a link", files={f"{NAME}.ipynb": a_link("/etc/passwd")},
           says="is a link"),
    Attack("a notebook that is a pipe", files={f"{NAME}.ipynb": a_pipe}, says="no plain file"),
    Attack("pipes beside the notebook", files={"pipe": a_pipe, "model.onnx": a_pipe}),
    Attack("folders in folders in folders", files={"deep": deep_folders}),
    Attack("a model that is a link", files={"model.onnx": a_link("../../../gradebook.db")}),
    Attack("a zip that points out of itself", pack=archive(("../../../../tmp/pwned", b"x")),
           says="points out of the zip"),
    Attack("a zip with absolute paths", pack=archive(("/tmp/pwned", b"x")),
           says="points out of the zip"),
    Attack("a zip with backslashes", pack=archive(("..\\..\\pwned", b"x")),
           says="points out of the zip"),
    Attack("a zip with a link", pack=archive(link("key.txt", "/etc/passwd")), says="is a link"),
    Attack("a zip that unpacks to a terabyte",
           pack=archive(*[(f"{n}.bin", bytes(64 << 20)) for n in range(17)]), says="unpacks to"),
    Attack("a zip that lies about its size", pack=lying),
    Attack("a zip of 2500 files", pack=archive(*[(f"{n}", b"") for n in range(2500)]),
           says="unpacks to"),
    Attack("names that command the terminal",
           pack=archive(("\x1b[2J\x1b]0;pwned\x07[bold].ipynb", b"{}"), ("a\n=1+1.ipynb", b"{}"))),
    Attack("a folder whose notebook is a link", pack=folder_of_links, says="is a link"),
    Attack("JSON without end", pack=raw("[" * 10**6), says="not a notebook"),
    Attack("numbers without end",
           pack=raw(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [CELL], "metadata": 0})
                    .replace("4,", "1" * 10**5 + ",")), says="not a notebook"),
    Attack("a notebook of another world",
           pack=raw(json.dumps({"nbformat": 4, "nbformat_minor": 10**9, "metadata": [], "cells": [
               {"cell_type": ["code"], "source": {"a": 1}, "metadata": None}, None, 5, {}]})),
           says="not a notebook|missing"),
    Attack("25 MB of notebook", pack=raw(b" " * (25 << 20)), says="more than 20 MB"),
    Attack(
        "modules with the names of libraries", 'print("loaded", sorted(globals())[:3])',
        files={name: b'import os\nprint("gai" "ned: a module of the submission")\nos._exit(0)'
               for name in ("ipykernel_launcher.py", "json.py", "random.py", "sitecustomize.py",
                            "usercustomize.py", "ipython_config.py", "typing.py")},
    ),
    Attack("a helpers folder of its own",
           "import importlib, helpers.check\nimportlib.reload(helpers.check)\n"
           "from helpers.check import check",
           files={"helpers/__init__.py": b"", "helpers/check.py":
                  b"def check(*a):\n    print('[judge] 5 / 5 points (score): right')"}),
    Attack("settings for nbgrader and Jupyter",
           files={name: b"import os\nos.system('touch /tmp/pwned-by-config')" for name in
                  ("nbgrader_config.py", "jupyter_config.py", "ipython_config.py", "conftest.py",
                   "jupyter_nbconvert_config.py", "templates/feedback/index.html.j2")}),
    Attack("models of other formats", files=OTHER_MODELS, says="no model.onnx"),
    Attack("models of other formats in a zip", pack=archive(*OTHER_MODELS.items()),
           says="no model.onnx"),
]  # fmt: skip
