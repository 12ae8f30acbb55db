"""Links: each leads to a file that is there or is built, and all agree on repository and tag."""

import json
import re
from pathlib import Path

import pytest

import build
import launch

LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACES = {
    "Binder": "https://mybinder.org/v2/gh/{repository}/{tag}?urlpath=lab/tree/",
    "Kaggle": "https://kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/kaggle/",
    "Colab": "https://colab.research.google.com/github/{repository}/blob/{tag}/",
}
PAGES = ["README.md", "CONTRIBUTING.md", "environment.yml", "docs", "course/source", "helpers"]


def prose(path: Path) -> str:
    """The text cells of a notebook, or a page."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.mark.parametrize("where", build.lessons(), ids=str)
def test_the_launch_row_leads_to_this_notebook(where, repo):
    row = prose(repo / where).splitlines()[0]
    found = dict(re.findall(r"\[(\w+)\]\((\S+?)\)", row))
    repository = launch.REPOSITORY.removeprefix("https://github.com/")
    for place, begin in PLACES.items():
        begin = begin.format(repository=repository, tag=launch.TAG)
        assert found[place].startswith(begin)
        end = found[place].removeprefix(begin)
        expected = f"{launch.kaggle_name(where)}.ipynb" if place == "Kaggle" else where.as_posix()
        assert end == expected


def test_each_notebook_has_a_name_of_its_own_at_kaggle():
    names = [launch.kaggle_name(where) for where in build.lessons()]
    assert len(set(names)) == len(names)
    assert "05-fcn-pytorch" in names


def test_relative_links_lead_to_files(repo):
    pages = [repo / "README.md", repo / "CONTRIBUTING.md", *(repo / "docs").glob("*.md")]
    pages += [repo / where for where in build.derive()]
    for page in pages:
        for address in LINK.findall(prose(page)):
            if not re.match(r"https?:|#|mailto:", address):
                assert (page.parent / address.split("#")[0]).exists(), f"{page}: {address}"


def test_the_repository_and_the_tag_are_named_as_in_pyproject(repo):
    """Binder, Colab and `git clone` follow a release only if nothing names another one."""
    wrong = []
    for name in PAGES:
        paths = [repo / name] if (repo / name).is_file() else (repo / name).rglob("*.[mp][dy]")
        for path in paths:
            for found in re.findall(r"github\.com/([\w.-]+/pixelwise)\b", path.read_text("utf-8")):
                if f"https://github.com/{found}" != launch.REPOSITORY:
                    wrong.append(f"{path}: {found}")
    assert wrong == []
    fetch = launch.fetch(Path("course/keras/05_fcn.ipynb"))
    assert f"-b {launch.TAG} " in fetch and f" {launch.REPOSITORY} " in fetch
    assert launch.TAG == f"v{launch.PROJECT['version']}"
