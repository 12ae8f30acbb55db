"""A real judge in its own process, and a student's process at the other end of the socket."""

import os
import socket
import subprocess
import sys
import time

import pytest

from grader import outcomes
from helpers import wire

RIGHT = """
import numpy as np
from helpers.check import check
def one_hot(mask, classes):
    return (mask[..., None] == np.arange(classes)).astype(np.float32)
def iou(truth, prediction, classes):
    counted = (truth != 255)[..., None]
    t, p = ((m[..., None] == np.arange(classes)) & counted for m in (truth, prediction))
    union = (t | p).sum((0, 1))
    with np.errstate(invalid="ignore"):
        return (t & p).sum((0, 1)) / union
"""


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The instructor's folder; one for all tests, so that hidden scenes are drawn once."""
    return tmp_path_factory.mktemp("course")


@pytest.fixture
def judge(tmp_path, repo, course):
    """Starts a judge; gives a function that runs a student's code and one that ends the judge and
    gives its ledger."""
    path, ledger = tmp_path / "judge.sock", tmp_path / "ledger.jsonl"
    (tmp_path / "submission").mkdir(exist_ok=True)
    env = {
        **os.environ,
        "PYTHONPATH": str(repo),
        "PIXELWISE_COURSE": str(course),
        "PIXELWISE_SEED": "7",
    }
    command = [sys.executable, "-m", "grader.judge", "--assignment", "lyft_unet"]
    command += ["--socket", path, "--ledger", ledger, "--submission", tmp_path / "submission"]
    line, theirs = socket.socketpair()
    command += ["--line", theirs.fileno()]
    with theirs:
        process = subprocess.Popen(
            [*map(str, command)], env=env, cwd=repo, pass_fds=[theirs.fileno()]
        )
    while not (ledger.exists() and "ready" in ledger.read_text()):
        assert process.poll() is None, "the judge did not start"
        time.sleep(0.02)

    def student(code):
        run = subprocess.run(
            [sys.executable, "-c", RIGHT + code],
            env=env | {"PIXELWISE_JUDGE": str(path)},
            cwd=repo,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return run.stdout + run.stderr

    def verdict():
        line.sendall(b".")
        assert process.wait(120) == 0
        events = outcomes.read_ledger(ledger)
        said = {e["question"]: e for e in reversed(events) if e["event"] in outcomes.FINAL}
        run = outcomes.Run(events)
        for name, event in said.items():
            event["remark"] = outcomes.decide(name, event.get("max", 0), run, None).remark
        return said

    yield student, verdict, path
    line.close()  # whoever leaves without a word ends it too
    assert process.wait(60) in (0, 1)


def test_right_wrong_half_right_and_not_answered(judge):
    student, verdict, _ = judge
    out = student(
        """
check("one_hot", one_hot)
check("iou", lambda t, p, c: np.nan_to_num(iou(t, p, c)))
check("crop_flip", lambda image, mask, y, x, h, w, flip: (image, mask))
check("prepare_label", lambda *a: undefined)
check("soft_dice", None, "pytorch")
"""
    )
    assert out.count(": recorded") == 5, out
    assert "right" not in out and "points" not in out, "nothing about right or wrong goes back"
    said = verdict()
    assert said["one_hot"]["points"] == said["one_hot"]["max"] == 5
    assert said["iou"]["points"] == 7 and "has IoU 0: it must be nan" in said["iou"]["remark"]
    assert said["crop_flip"]["points"] == 0 and "shape" in said["crop_flip"]["remark"]
    assert said["prepare_label"]["event"] == "no answer"
    assert "NameError" in said["prepare_label"]["remark"]
    assert said["soft_dice"]["event"] == "no answer"
    assert "no model.onnx was handed in" in said["trained_model"]["remark"]
    assert "unet" not in said


def test_the_first_answer_counts(judge):
    student, verdict, _ = judge
    out = student(
        "check('one_hot', lambda m, c: np.zeros((*m.shape, c)))\ncheck('one_hot', one_hot)"
    )
    assert "the first answer counts" in out
    assert verdict()["one_hot"]["points"] == 0


def test_unknown_questions_and_rubbish_do_not_stop_it(judge):
    student, verdict, path = judge
    assert "no such question" in student("check('passwords', one_hot)")
    for rubbish in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4096, b"\x00\x00\x00\x05hello"):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(path))
            other.sendall(rubbish)
    for message in ([1], {"question": ["one_hot"]}, {"question": None}, {}):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(path))
            wire.send(other, message)
            assert "end" in wire.receive(other)
    student("check('one_hot', one_hot)")
    assert verdict()["one_hot"]["points"] == 5


@pytest.mark.parametrize(
    "lie",
    [
        {"answer": "all right"},
        {"answer": [1, 2]},
        {"event": "score", "points": 5},
        {"end": "recorded"},
        ["answer"],
        {"answer": []},
    ],
)
def test_who_speaks_the_protocol_and_lies_gets_nothing(judge, lie):
    _, verdict, path = judge
    with socket.socket(socket.AF_UNIX) as liar:
        liar.connect(str(path))
        wire.send(liar, {"question": "one_hot"})
        while "end" not in (message := wire.receive(liar)):
            assert "expected" not in message and "mistakes" not in message
            wire.send(liar, lie)
    assert verdict()["one_hot"].get("points", 0) == 0


def test_a_student_who_goes_away_in_the_middle_has_not_answered(judge):
    student, verdict, path = judge
    with socket.socket(socket.AF_UNIX) as gone:
        gone.connect(str(path))
        wire.send(gone, {"question": "iou"})
        wire.receive(gone)
    student("check('one_hot', one_hot)")
    said = verdict()
    assert said["iou"]["event"] == "no answer" and said["one_hot"]["points"] == 5


def test_hidden_cases_differ_from_the_public_ones_and_stay_the_same(judge):
    student, verdict, _ = judge
    show = """
import zlib
from helpers.desk import find_question
seen = []
def spy(mask, classes):
    seen.append(zlib.crc32(mask.tobytes())); return one_hot(mask, classes)
check("one_hot", spy)
public = [zlib.crc32(c["inputs"][0].tobytes()) for c in find_question("one_hot")["cases"]]
hidden, asked_again = seen[:-len(public)], seen[-len(public):]
print("HIDDEN", asked_again == public and hidden and not set(hidden) & set(public))
"""
    assert "HIDDEN True" in student(show), "first the hidden ones, then the public ones"


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b"", "is empty"),
        (b"this is no model", "not an ONNX file"),
        (b"\0" * (17 << 20), "more than 16 MiB"),
        ("link", "no plain file"),
    ],
)
def test_models_that_are_none_get_a_sentence(tmp_path, request, content, remark):
    folder = tmp_path / "submission"
    folder.mkdir()
    if content == "link":
        (folder / "model.onnx").symlink_to("/etc/hostname")
    else:
        (folder / "model.onnx").write_bytes(content)
    _, verdict, _ = request.getfixturevalue("judge")
    said = verdict()["trained_model"]
    assert said["event"] == "no answer" and remark in said["remark"], said


STOPPED = """
import os, socket, sys, threading, time
from grader import judge

ours, theirs = socket.socketpair()
sys.argv += ["--line", str(theirs.fileno())]
moment, accept, write = sys.argv.pop(1), socket.socket.accept, judge.Judge.write

def and_stop(self, **event):
    write(self, **event)
    if event["event"] == "ready" and moment == "ready":
        ours.sendall(b".")

def stopped(self):
    if moment == "about to wait":
        ours.sendall(b".")
    elif moment == "waiting":
        threading.Timer(0.3, ours.sendall, [b"."]).start()
    return accept(self)

judge.Judge.write, socket.socket.accept = and_stop, stopped
judge.main()
"""


@pytest.mark.parametrize("moment", ["ready", "about to wait", "waiting"])
def test_the_model_is_judged_even_if_the_notebook_ends_at_once(moment, tmp_path, repo, course):
    (tmp_path / "model.onnx").write_bytes(b"this is no model")
    command = [sys.executable, "-c", STOPPED, moment, "--assignment", "lyft_unet"]
    command += ["--socket", tmp_path / "s", "--ledger", tmp_path / "l", "--submission", tmp_path]
    env = {**os.environ, "PIXELWISE_COURSE": str(course), "PIXELWISE_SEED": "7"}
    subprocess.run([*map(str, command)], env=env, cwd=repo, check=True, timeout=120)
    said = outcomes.read_ledger(tmp_path / "l")
    assert "not an ONNX file" in str(said) and said[-1] == {"event": "finished"}
