"""The zip that students hand in."""

import json
import zipfile

import pytest

from helpers.submit import bundle

NOTEBOOK = json.dumps({"cells": [{"metadata": {"nbgrader": {"grade_id": "iou"}}}]})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work.ipynb").write_text(NOTEBOOK)
    return tmp_path


def test_an_assignment_without_a_model_hands_in_its_notebook_alone(folder):
    (folder / "model.onnx").write_bytes(b"of another assignment")
    said = bundle("work.ipynb", student="ada")
    assert said == "ada_work.zip is written. Hand in this file. In it:\n- work.ipynb"
    assert zipfile.ZipFile("ada_work.zip").namelist() == ["work.ipynb"]


def test_a_model_goes_in_where_one_is_asked_for(folder):
    (folder / "model.onnx").write_bytes(bytes(1 << 20))
    assert "- model.onnx (1.0 MiB)" in bundle("work.ipynb", "model.onnx", "ada")
    assert zipfile.ZipFile("ada_work.zip").namelist() == ["work.ipynb", "model.onnx"]


def test_a_model_that_is_missing_or_too_large_is_named_and_the_rest_is_packed(folder):
    assert "no model.onnx: the question of the trained" in bundle("work.ipynb", "model.onnx", "ada")
    (folder / "model.onnx").write_bytes(bytes((16 << 20) + 1))
    assert "Take a smaller WIDTH" in bundle("work.ipynb", "model.onnx", "ada")
    assert zipfile.ZipFile("ada_work.zip").namelist() == ["work.ipynb"]


@pytest.mark.parametrize(
    ("name", "text", "student", "words"),
    [
        ("work.ipynb", NOTEBOOK, "", "set STUDENT to your id"),
        ("other.ipynb", NOTEBOOK, "ada", "there is no work.ipynb"),
        ("work.ipynb", "%PDF", "ada", "work.ipynb is not a notebook"),
        ("work.ipynb", '{"cells": [{}]}', "ada", "lost the marks of its questions"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(folder, name, text, student, words):
    (folder / "work.ipynb").unlink()
    (folder / name).write_text(text)
    assert words in bundle("work.ipynb", "model.onnx", student)
    assert not list(folder.glob("*.zip"))
