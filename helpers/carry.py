"""A notebook that carries its code inside: for Kaggle, which has no internet to install from.

Only one file gets there, so the helpers lie in the notebook's first cell as text, which unpacks
them into a temporary folder.
"""

import base64
import importlib.util
import io
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

from helpers.data.download import DATASET

LIMIT = 1_000_000
"""Kaggle takes notebooks of one megabyte, in bytes."""

TFLITE = {"__init__", "Model", "TensorType"}
"""What tf2onnx imports of its large folder for another format, which is left out."""

UNPACK = '''\
# The course's helpers travel inside this notebook. Run this cell first: it unpacks them.
import base64, io, os, sys, tarfile, tempfile

CARRIED = """
{carried}
"""
home = tempfile.mkdtemp(prefix="pixelwise-")
with tarfile.open(fileobj=io.BytesIO(base64.b85decode("".join(CARRIED.split())))) as archive:
    archive.extractall(home, filter="data")
sys.path = [home, *sys.path, os.path.join(home, "helpers/spare")]
os.environ["PYTHONPATH"] = os.pathsep.join([home, os.environ.get("PYTHONPATH", "")])
'''
FOLDED = {"jupyter": {"source_hidden": True}, "_kg_hide-input": True}
"""The metadata that folds the cell in Jupyter and on Kaggle."""


def unpacking(files: Mapping[str, Path]) -> str:
    """The code of a cell that unpacks files and makes Python look there, the same at each call.

    Args:
        files: where each lies in the unpacked folder -> the file. What lies in `helpers/spare`
            stands in for packages that are missing.
    """
    file = io.BytesIO()
    with lzma.open(file, "w", preset=6) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    text = base64.b85encode(file.getvalue()).decode()
    return UNPACK.format(carried="\n".join(text[i : i + 2000] for i in range(0, len(text), 2000)))


def helper_files() -> dict[str, Path]:
    """The files of this package by their names in the archive, without the public cases."""
    package = Path(__file__).parent
    return {
        path.relative_to(package.parent).as_posix(): path
        for path in sorted(package.rglob("*"))
        if path.is_file() and not {"__pycache__", "cases"} & set(path.parts)
    }


def tf2onnx() -> dict[str, Path]:
    """The code and the licence of the installed tf2onnx, which is pure Python, among the spares:
    Kaggle lacks it, and Keras writes ONNX with it."""
    (folder,) = map(Path, importlib.util.find_spec("tf2onnx").submodule_search_locations)
    paths = [*folder.rglob("*.py"), *folder.parent.glob("tf2onnx-*.dist-info/**/LICENSE*")]
    return {
        f"helpers/spare/{path.relative_to(folder.parent).as_posix()}": path
        for path in paths
        if path.parent.name != "tflite" or path.stem in TFLITE
    }


def kernel_metadata(owner: str, title: str, code_file: str, lyft: bool) -> dict:
    """What `kaggle kernels push` reads beside a notebook; `lyft` attaches the real frames."""
    return {
        "id": f"{owner}/{title.lower().replace(' ', '-')}",
        "title": title,
        "code_file": code_file,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": False,
        "enable_internet": False,
        "dataset_sources": [DATASET] if lyft else [],
    }
