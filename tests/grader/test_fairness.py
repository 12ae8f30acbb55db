"""No honest point is lost: noise, slow code, another precision, and accidents on our side.

Accidents end as 'not graded', with the reason, until a later run grades the submission.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, numpy_helper

from grader.outcomes import read_ledger
from tests.grader.classroom import NAME, RIGHT, graded, opened

# Each stands at the head of both functions, so that it speaks while the judge asks.
NOISE = {
    "noisy": """
    import logging, os, subprocess, sys, traceback, warnings
    print("Downloading...", file=sys.stderr)
    os.write(2, b"A library written in C speaks\\n")
    subprocess.run("echo a command speaks >&2", shell=True)
    warnings.warn("this will change", FutureWarning)
    np.zeros(2) / 0
    logging.basicConfig(level="DEBUG")
    logging.error("an error that is none")
    try:
        1 / 0
    except ZeroDivisionError:
        traceback.print_exc()
""",
    "barred": """
    import matplotlib.pyplot as plt
    from IPython.display import clear_output, display
    from ipywidgets import IntProgress
    from tqdm.auto import tqdm
    for _ in tqdm(range(3), desc="pixels"):
        print(end=".", flush=True)
    display(IntProgress(value=3))
    plt.plot([0, 1])
    plt.show()
    clear_output()
""",
    "slow": """
    import time
    time.sleep(0.5)
""",
    "parallel": """
    import multiprocessing
    from concurrent.futures import ThreadPoolExecutor
    list(ThreadPoolExecutor(8).map(abs, range(100)))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(abs, range(4))
""",
}
OWN_CELL = """
from google.colab import drive
from helpers import streets
train(model, *streets.scenes(range(120)))
"""
WAIT = "import time; time.sleep(3)"
AUTOMATIC = ("one_hot", "crop_flip", "trained_model")


def with_noise(noise):
    """Both answers, with the noise at the head of each function."""
    return {
        name: code.replace(":\n", ":" + noise, 1) if name in AUTOMATIC else code
        for name, code in RIGHT.items()
    }


def in_half(model):
    """A model.onnx whose weights, image and logits are float16."""
    graph = model.graph
    tensors = [*graph.initializer, *(a.t for n in graph.node for a in n.attribute)]
    for tensor in [t for t in tensors if t.data_type == TensorProto.FLOAT]:
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    graph.ClearField("value_info")
    return model.SerializeToString()


@pytest.fixture(scope="module")
def classroom(tmp_path_factory, sandboxed):
    """A classroom with the limits that a course has, on a machine of any speed."""
    with opened(tmp_path_factory.mktemp("classroom")) as room:
        with open(room.assignments / "nbgrader_config.py", "a") as file:
            for limit in ("timeout = 60", "total_timeout = 300", "memory_mib = 3072"):
                file.write(f"c.SandboxExecute.{limit}\n")
        yield room


@pytest.fixture(scope="module")
def trained(repo):
    return onnx.load(repo / "assignments/examples/ada/model.onnx")


@pytest.mark.parametrize("student", NOISE)
def test_what_code_prints_draws_or_waits_costs_nothing(student, classroom):
    course = classroom.take(student, classroom.notebook(with_noise(NOISE[student])))
    found = graded(course, student)
    assert [found[q].points for q in ("one_hot", "crop_flip")] == [5, 5], found


def test_own_cells_that_stop_and_a_model_in_float16_cost_nothing(classroom, trained):
    notebook = classroom.notebook(extra=OWN_CELL)
    course = classroom.take("half", notebook, model__onnx=in_half(trained))
    found = graded(course, "half")
    assert [found[q].points for q in AUTOMATIC] == [5, 5, 25], found


# ---- accidents


def kill(judge, ledger):
    judge.kill()


def fill_the_disk(judge, ledger):
    """No byte more may be written; to the judge that is as good as a full disk."""
    size = ledger.stat().st_size
    judge.rlimit(psutil.RLIMIT_FSIZE, (size, size))


def ledger_of(process):
    """Where a judge keeps the score; None while it has none open, and for any other process."""
    try:
        files = process.open_files() if process.name() == "pixelwise-judge" else []
    except psutil.NoSuchProcess:
        return None
    return next((Path(file.path) for file in files if file.path.endswith(".jsonl")), None)


def happens(accident, question="one_hot", patience=300):
    """Waits until the judge that this process started has judged a question; then it happens."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        for child in psutil.Process().children(recursive=True):
            if ledger := ledger_of(child):
                events = read_ledger(ledger)
                if any(e["event"] == "score" and e["question"] == question for e in events):
                    return accident(child, ledger)
        time.sleep(0.02)
    raise AssertionError(f"no judge has judged {question}")


@pytest.mark.parametrize(
    ("accident", "reason"),
    [(kill, "the judge broke down"), (fill_the_disk, "the ledger can't be written")],
)
def test_a_judge_that_breaks_on_the_way_is_our_fault_and_the_next_run_mends_it(
    accident, reason, classroom
):
    student = accident.__name__.replace("_", "")
    course = classroom.take(student, classroom.notebook(extra=WAIT))
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(happens, accident)
        found = graded(course, student)
        done.result()
    assert found["one_hot"].points == 5, "it was judged before"
    assert (found["crop_flip"].outcome, found["crop_flip"].points) == ("not graded", None)
    assert reason in found["crop_flip"].remark
    assert not course.is_graded(NAME, student)
    found = graded(course, student)
    assert [found[q].points for q in ("one_hot", "crop_flip")] == [5, 5]
    assert course.is_graded(NAME, student)


def test_without_a_sandbox_nothing_is_graded_until_there_is_one(classroom, tmp_path, monkeypatch):
    course = classroom.take("early", classroom.notebook())
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        for _ in range(2):
            found = graded(course, "early")
            assert {found[q].outcome for q in AUTOMATIC} == {"not graded"}
            assert all(found[q].points is None for q in AUTOMATIC)
            assert "`bwrap` is missing" in found["one_hot"].remark
            assert not course.is_graded(NAME, "early")
    page = course.feedback(NAME, "early") / f"{NAME}.html"
    assert "not graded" in page.read_text()
    found = graded(course, "early")
    assert [found[q].points for q in ("one_hot", "crop_flip")] == [5, 5]
    assert course.is_graded(NAME, "early")
