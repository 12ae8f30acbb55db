"""What check(...) says at the student's desk."""

import shutil

import numpy as np
import pytest

from helpers.check import check
from helpers.desk import run_public_cases
from helpers.pytorch.unet import unet


def test_parts_are_told_one_by_one(capsys):
    def ignoring_nothing(mask, classes):
        return np.eye(classes, dtype=np.float32)[np.minimum(mask, classes - 1)]

    check("one_hot", ignoring_nothing)
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["one_hot", "  ✓ maps"]
    assert said[2].startswith("  ✗ ignore: ignored pixels (255) count for the last class")


def test_stubs_faults_and_unknown_questions_never_raise():
    assert "not done yet" in run_public_cases("iou", lambda t, p, c: ..., None)
    assert "ZeroDivisionError" in run_public_cases("iou", lambda t, p, c: 1 / 0, None)
    assert "no assignment has a question 'life'" in run_public_cases("life", 42, None)
    assert "set it to 'pytorch' or 'keras'" in run_public_cases("soft_dice", max, "jax")


def test_the_network_is_shown_as_the_judge_sees_it(tmp_path, monkeypatch, repo):
    monkeypatch.chdir(tmp_path)
    said = run_public_cases("unet", unet, "pytorch")
    assert said.count("✓") == 4 and "same as model.onnx" not in said
    assert "decoder      96×128  8, 8, 8, 13      skip: concat 8 + 8" in said
    shutil.copy(repo / "assignments/examples/ada/model.onnx", tmp_path)
    assert "✓ same as model.onnx" in run_public_cases("unet", unet, "pytorch")
    shutil.copy(repo / "assignments/examples/noor/model.onnx", tmp_path)
    assert "export the network that unet() builds" in run_public_cases("unet", unet, "pytorch")


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("ada", "✓ 100% of the points"),
        ("noor", "Vehicles 0."),
        (None, "there is no model.onnx yet"),
    ],
)
def test_a_model_is_tried_on_public_scenes(student, words, tmp_path, monkeypatch, repo):
    monkeypatch.chdir(tmp_path)
    if student:
        shutil.copy(repo / f"assignments/examples/{student}/model.onnx", tmp_path)
    assert words in run_public_cases("trained_model", "model.onnx", "streets")


def test_a_broken_model_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"rubbish")
    assert "not an ONNX file" in run_public_cases("trained_model", "model.onnx", "streets")
