"""Make Kaggle's version of every notebook, and push them there: python course/for_kaggle.py

Each lies in build/kaggle/<name>/ with its kernel-metadata.json. It carries the helpers and the
files that the lesson reads in its first code cell, so that it needs no internet and no pip. Kaggle
lacks onnxruntime and tf2onnx: what stands in for them travels along.

With credentials the notebooks are pushed to that account, private, and run there. A second call
pushes those that changed or were refused.

    python course/for_kaggle.py --publish    puts them on the branch that the launch links lead to
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import launch
from build import NAMES, TRACKS, lesson, lessons, to_text
from helpers import carry
from helpers.data.download import DATASET, DownloadError, sign_in

ROOT = launch.ROOT
OUT = ROOT / "build/kaggle"


def notebook(where: Path, text: Path, track: str | None) -> dict:
    """Kaggle's version of a lesson: it unpacks the helpers where the others fetch the course."""
    made = lesson(text, track)
    code = "".join(line for cell in made["cells"] for line in cell["source"])
    (cell,) = [cell for cell in made["cells"] if "colab" in cell["metadata"].get("tags", ())]
    cell["source"] = carry.unpacking(carried(code, track)).splitlines(keepends=True)
    cell["metadata"] = carry.FOLDED
    made["cells"][0]["source"] = [first_row(where, code, track)]
    return made


def carried(code: str, track: str | None) -> dict[str, Path]:
    """The files that a lesson with this code needs, by their names in the archive."""
    files = carry.helper_files()
    others = tuple(f"helpers/{folder}/" for folder in TRACKS if folder != track)
    files = {name: path for name, path in files.items() if not name.startswith(others)}
    del files["helpers/twins.py"]  # imports both frameworks
    if "results/" in code:
        files |= named("course/results", "*.json")
    for name in re.findall(r"(?:twins|pictures)/\w+\.(?:npz|png)", code):
        files |= named("course", name)
    for question in re.findall(r'^check\("(\w+)"', code, re.MULTILINE):
        files |= named("helpers/cases", f"{assignment_of(question)}.bin")
    if "helpers.export" in code and track == "keras":
        files |= carry.tf2onnx()
    return files


def named(folder: str, pattern: str) -> dict[str, Path]:
    """The files of the repository with that name; none where it is not there."""
    return {path.relative_to(ROOT).as_posix(): path for path in (ROOT / folder).glob(pattern)}


def assignment_of(question: str) -> str:
    """The assignment that asks this question."""
    texts = (ROOT / "assignments/text").glob("*.py")
    return next(text.stem for text in texts if f'check("{question}"' in text.read_text("utf-8"))


def first_row(where: Path, code: str, track: str | None) -> str:
    """What stands where the other notebooks have their launch row."""
    course = f"[the course]({launch.REPOSITORY})"
    row = f"**For Kaggle**: the helpers of {course} are inside; no internet is needed"
    if "data.find()" in code:
        row += f" — for the real frames: *Add Input*, then `{DATASET.split('/')[1]}`"
    for other in TRACKS:
        if track and other != track:
            sibling = launch.links(where.parent.parent / other / where.name)["Kaggle"]
            row += f" — the same lesson in [{NAMES[other]}]({sibling})"
    return row


def metadata(where: Path, code: str, owner: str) -> dict:
    """What Kaggle is told about a notebook."""
    name = launch.kaggle_name(where)
    title = f"Pixelwise {name.replace('-', ' ')}"
    return carry.kernel_metadata(owner, title, f"{name}.ipynb", "data.find()" in code)


def make(owner: str) -> list[Path]:
    """Writes Kaggle's versions for the account `owner`; the folders, one for each."""
    folders = []
    for where, (text, track) in lessons().items():
        made = to_text(notebook(where, text, track))
        if len(made.encode()) > carry.LIMIT:
            raise ValueError(f"{where}: {len(made.encode()):,} bytes; Kaggle takes {carry.LIMIT:,}")
        folder = OUT / launch.kaggle_name(where)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{folder.name}.ipynb").write_text(made, "utf-8")
        about = to_text(metadata(where, text.read_text("utf-8"), owner))
        (folder / "kernel-metadata.json").write_text(about)
        folders.append(folder)
    return folders


def push(api, folders: list[Path]) -> list[str]:
    """Pushes what is not at Kaggle yet; what was refused, in words."""
    refused = []
    for folder in folders:
        content = b"".join(path.read_bytes() for path in sorted(folder.glob("*.[ij]*")))
        digest, pushed = hashlib.sha256(content).hexdigest(), folder / "pushed"
        if pushed.exists() and pushed.read_text() == digest:
            print(f"{folder.name}: there already")
            continue
        try:
            answer = api.kernels_push(str(folder))
            fault = answer.error or ", ".join(answer.invalid_dataset_sources or [])
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            fault = " ".join(str(error).split())[:200]
        if fault:
            refused.append(f"{folder.name}: {fault}")
            continue
        pushed.write_text(digest)
        print(f"{folder.name}: pushed, {answer.url}", flush=True)
    return refused


def publish(folders: list[Path]) -> None:
    """Makes the notebooks the only content of the branch that the launch links lead to."""

    def git(*arguments: str, **settings: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": f"{scratch}/index"}
        for folder in folders:
            blob = git("hash-object", "-w", str(folder / f"{folder.name}.ipynb"))
            entry = f"100644,{blob},{folder.name}.ipynb"
            git("update-index", "--add", "--cacheinfo", entry, **index)
        tree = git("write-tree", **index)
    commit = git("commit-tree", "-m", f"Kaggle's notebooks of {launch.TAG}", tree)
    git("push", "--force", launch.REPOSITORY, f"{commit}:refs/heads/{launch.KAGGLE_BRANCH}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--publish", action="store_true", help="to the branch of the launch links")
    asked = parser.parse_args()
    if asked.publish:
        publish(make(launch.OWNER))
        return
    try:
        api, why = sign_in(), ""
        owner = api.get_config_value(api.CONFIG_NAME_USER)
    except DownloadError as fault:
        api, why, owner = None, str(fault), launch.OWNER
    folders = make(owner)
    print(f"{len(folders)} notebooks in {OUT}")
    if not api:
        print(f"Not pushed. {why}")
        return
    if refused := push(api, folders):
        sys.exit("\n".join([*refused, "The same command pushes these again, and no others."]))


if __name__ == "__main__":
    main()
