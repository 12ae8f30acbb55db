"""A kernel that was forked warm stands where a cold one stands, and nothing outlives its grader."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader import warm
from grader.settings import REPOSITORY
from tests.grader.classroom import NAME, command_of, graded, started_by

pytestmark = pytest.mark.usefixtures("sandboxed")

# "environ" would have the kernel started cold
LOOK = """
import json, os, sys
import numpy as np
numbers = np.random.rand(3).tolist()
status = dict(line.strip().split(":", 1) for line in open("/proc/self/status"))
rights = [key for key in status if key[:3] in ("Uid", "Gid", "Gro", "Cap", "NoN", "Sec")]
found = {key: status[key].split() for key in rights}
found["limits"] = open("/proc/self/limits").read().splitlines()
found["ids"] = [open(f"/proc/self/{kind}_map").read().split() for kind in ("uid", "gid")]
found["mounts"] = [line.split()[3:6] for line in open("/proc/self/mountinfo")]
found["variables"] = {k: v for k, v in vars(os)["envi" + "ron"].items() if "PWD" not in k}
found["folder"], found["path"] = os.getcwd(), sys.path
found["owner of its memory"] = os.stat("/proc/self/mem").st_uid
links = [f"/proc/self/fd/{number}" for number in range(512)]
kinds = [os.readlink(link).split(":")[0] for link in links if os.path.lexists(link)]
found["files"] = {kind: kinds.count(kind) for kind in kinds if kind.startswith(("/home", "/tmp"))}
found["mask"] = os.umask(0o022)
spaces = {name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")}
others = [name for name in os.listdir("/proc") if name.isdigit()]
print("LOOK" + json.dumps([found, spaces, numbers, "torch" in sys.modules, len(others)]))
"""


def grade(classroom, student, code):
    """Hands in and grades: question → outcome."""
    return graded(classroom.take(student, classroom.notebook(extra=code)), student)


def look(classroom, student, code):
    """What a submission's kernel sees of itself."""
    grade(classroom, student, code)
    folder = classroom.course().folder / "autograded" / student / NAME
    cells = json.loads((folder / f"{NAME}.ipynb").read_text())["cells"]
    said = "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))
    (line,) = [line for line in said.splitlines() if line.startswith("LOOK")]
    found = json.loads(line[4:])
    run = found[0]["variables"]["PYTHONPATH"].removesuffix("/lib")
    return json.loads(json.dumps(found).replace(run, "RUN"))


def test_a_warm_kernel_has_the_rights_of_a_cold_one(classroom):
    cold = look(classroom, "cold", f"{LOOK}# environ")
    hot = look(classroom, "warm", f"{LOOK}\nimport torch")
    assert (cold[3], hot[3]) == (False, True), "one of them was forked with PyTorch loaded"
    for what in cold[0]:
        assert hot[0][what] == cold[0][what], what
    assert hot[0]["CapBnd"] == ["0" * 16] and hot[0]["Seccomp"] == ["2"]
    outside = {name: os.readlink(f"/proc/self/ns/{name}") for name in cold[1]}
    for name in ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user"):
        assert len({hot[1][name], cold[1][name], outside[name]}) >= 2
        assert hot[1][name] != outside[name], name
    assert hot[4] <= cold[4] + 2, "itself, the first process, and the shell that keeps the seat"


def test_kernels_from_one_process_do_not_share_their_random_numbers(classroom):
    assert look(classroom, "one", LOOK)[2] != look(classroom, "two", LOOK)[2]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_forker_that_was_killed_is_replaced(how, classroom):
    before = warm.kernels("numpy")
    grade(classroom, f"early{how}", "")
    for process in psutil.Process().children():
        if str(warm.FORKER) in command_of(process):
            process.send_signal(how)
            process.wait()
    found = grade(classroom, f"late{how}", "")
    assert [found[q].points for q in ("one_hot", "crop_flip")] == [5, 5]
    assert warm.kernels("numpy") is before


def test_what_cannot_be_forked_is_said_after_a_second_try():
    forker = warm.Forker(("json",), dict(os.environ))
    request = {"name": "none", "environment": {}, "folder": "/nowhere", "path": [], "argv": []}
    with open(os.devnull, "w") as log:
        with pytest.raises(warm.WarmStartFailed, match="does not answer"):
            forker.fork({**request, "seat": 2**22 - 1}, log.fileno(), log.fileno())
        with pytest.raises(warm.WarmStartFailed, match="cannot load no_such_module"):
            warm.Forker(("no_such_module",), dict(os.environ)).fork(request, log.fileno())
        pid, line = forker.fork(
            {**request, "folder": "/", "call": "json:JSONEncoder"}, log.fileno()
        )
    assert pid and line.recv(1) == b"", "it did what was asked for, and ended"


@pytest.mark.parametrize(
    ("lines", "framework"),
    [
        (["import numpy as np"], "numpy"),
        (["import torch.nn as nn"], "pytorch"),
        (["x = 1", "if x:\n    from keras import layers"], "keras"),
        (['FRAMEWORK = "keras"', "import torch", "import tensorflow as tf"], "keras"),
        (['FRAMEWORK = "pytorch"', "import keras", "import torch"], "pytorch"),
        (['FRAMEWORK = "jax"', "import torchvision"], "numpy"),
        (["import torch", 'os.environ["KERAS_BACKEND"] = "torch"'], None),
    ],
)
def test_what_a_notebook_imports_is_loaded_before(lines, framework):
    assert warm.framework_of(new_notebook(cells=[*map(new_code_cell, lines)])) == framework


DIES = """
import os, sys, tempfile, time
from pathlib import Path
from grader import warm
folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
argv = ["grader.judge", "--assignment", "lyft_unet", "--line", "3", "--submission", str(folder)]
argv += ["--socket", f"{folder}/s", "--ledger", f"{folder}/l"]
send = warm.Forker._send
def and_die(self, request, files):
    send(self, request, files)
    while not os.path.exists(folder / "s"):
        time.sleep(0.01)
    os._exit(9)
if sys.argv[2] == "before it reads who was forked":
    warm.Forker._send = and_die
with open(folder / "log", "w") as log:
    pid, line = warm.judge("lyft_unet", argv, log.fileno(), True)
while sys.argv[2] == "later" and not os.path.exists(folder / "s"):
    time.sleep(0.01)
os._exit(9)
"""


@pytest.mark.parametrize("moment", ["before it reads who was forked", "at once", "later"])
def test_a_judge_ends_with_its_grader_at_whatever_moment_that_dies(moment, tmp_path):
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PIXELWISE_COURSE": str(tmp_path)}
    variables["STARTED_BY"] = str(tmp_path)
    command = [sys.executable, "-c", DIES, str(tmp_path), moment]
    assert subprocess.run(command, env=variables, timeout=300).returncode == 9

    end = time.monotonic() + 60
    while found := started_by(tmp_path):
        assert time.monotonic() < end, found
        time.sleep(0.1)
