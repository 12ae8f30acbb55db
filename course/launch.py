"""Where the course is published, and the addresses that open a notebook elsewhere.

The repository and the version stand in pyproject.toml and nowhere else. Binder and Colab take a
notebook as it is at the tag of that version. Kaggle takes one file: a version that carries the
helpers, from the branch `kaggle` (see for_kaggle.py).
"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
OWNER, NAME = REPOSITORY.removeprefix("https://github.com/").split("/")
TAG = f"v{PROJECT['version']}"
KAGGLE_BRANCH = "kaggle"

FETCH = f"""\
# @title Only Colab needs this cell: it fetches the course. Elsewhere it does nothing.
import os

if "COLAB_RELEASE_TAG" in os.environ:
    !test -d /content/{NAME} || git clone -q --depth 1 -b {TAG} -c advice.detachedHead=false \\
        {REPOSITORY} /content/{NAME}
    %pip install -q /content/{NAME} onnxruntime tf2onnx
    %cd -q /content/{NAME}/{{folder}}"""


def links(where: Path) -> dict[str, str]:
    """Name of the place -> the address that opens the notebook `where` (relative) there."""
    path = where.as_posix()
    kaggle = f"{REPOSITORY}/blob/{KAGGLE_BRANCH}/{kaggle_name(where)}.ipynb"
    colab = f"https://colab.research.google.com/github/{OWNER}/{NAME}/blob/{TAG}/{path}"
    return {
        "Binder": f"https://mybinder.org/v2/gh/{OWNER}/{NAME}/{TAG}?urlpath=lab/tree/{path}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src={kaggle}",
        "Colab": colab,
    }


def kaggle_name(where: Path) -> str:
    """What a notebook's version for Kaggle is called: '05-fcn-pytorch'."""
    track = where.parts[1:-1]
    return "-".join([*where.stem.split("_"), *track])


def fetch(where: Path) -> str:
    """The code that fetches the course in Colab and goes to the folder of the notebook `where`."""
    return FETCH.format(folder=where.parent.as_posix())
