"""What students get: complete, running, and without anything that is not theirs."""

import json
import zipfile

import nbformat
import pytest

from grader import bundle
from grader.settings import settings

NAME = "lyft_unet"


@pytest.fixture(scope="module")
def made(classroom):
    released = classroom.run / "release" / NAME / f"{NAME}.ipynb"
    return bundle.make(released, classroom.run / "bundles")


@pytest.fixture
def source(classroom):
    return classroom.assignments / "source" / NAME / f"{NAME}.ipynb"


def test_both_run_as_a_student_gets_them_and_hold_nothing_of_ours(made, source):
    assert bundle.leaks(source, made) == []
    assert bundle.stops(made) == []


def test_the_zip_holds_the_notebook_and_the_helpers_with_the_cases_of_this_assignment(made):
    with zipfile.ZipFile(made[0]) as archive:
        names = archive.namelist()
    assert f"{NAME}/{NAME}.ipynb" in names and f"{NAME}/helpers/check.py" in names
    cases = [name for name in names if "/cases/" in name]
    assert cases == [f"{NAME}/helpers/cases/{NAME}.bin"]


def test_the_kaggle_notebook_is_small_enough_and_switches_the_internet_off(made):
    assert made[1].stat().st_size < 1_000_000, "Kaggle takes one megabyte"
    metadata = json.loads(made[2].read_text())
    assert metadata["enable_internet"] is False and metadata["code_file"] == made[1].name


def test_a_solution_the_seed_and_the_grader_are_found(made, source, tmp_path):
    line = min(bundle.solution_lines(source))
    notebook = nbformat.read(made[1], as_version=4)
    notebook.cells[-1].source += f"\n    {line}"
    kaggle = tmp_path / made[1].name
    nbformat.write(notebook, kaggle)
    packed = tmp_path / made[0].name
    packed.write_bytes(made[0].read_bytes())
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(f"{NAME}/grader/judge.py", "")
        archive.writestr(f"{NAME}/notes.txt", f"seed = {settings().seed}")
    said = " | ".join(bundle.leaks(source, [packed, kaggle]))
    assert line in said and "grader/judge.py" in said and "notes.txt holds the seed" in said


def test_a_notebook_that_stops_is_found(made, tmp_path):
    notebook = nbformat.read(made[1], as_version=4)
    notebook.cells[1].source = "import nothing_that_is_there"
    kaggle = tmp_path / made[1].name
    nbformat.write(notebook, kaggle)
    (said,) = bundle.stops([made[0], kaggle])
    assert said.startswith("for Kaggle:") and "nothing_that_is_there" in said
