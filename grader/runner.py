"""Runs a submitted model in the sandbox: images go in, predictions and facts come out.

The process that runs the model sees the model and the images, never a mask; so nothing that is
hidden in a model can learn the answers.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from grader import sandbox
from grader.run_folder import run_folder
from grader.sandbox import MIB, SandboxUnavailable
from grader.watch import BUSY, delay_of_family

MAX_MODEL = 16 * MIB
MAX_CLASSES = 64
MODULES = ("__init__.py", "architecture.py", "graph.py", "stages.py")
LIMITS = sandbox.Limits(memory_mib=3072, processes=32, cpu_seconds=120, file_mib=512)


class ModelRefused(ValueError):
    """The model cannot be judged; the message tells the student what is wrong with it."""


def run_model(
    model: bytes, images: np.ndarray, timeout: float = 60.0
) -> tuple[np.ndarray, dict[str, Any]]:
    """Run a submitted ONNX model on images, confined.

    Args:
        model: the bytes of model.onnx, at most 16 MiB; its input is N×3×H×W or N×H×W×3.
        images: float32, N×3×H×W, in [0, 1].
        timeout: seconds that all of it may take, besides waiting for a processor.

    Returns:
        The outputs, float32 N×C×H×W, and the facts of `helpers.architecture.read` as a dict, with
        `weights`, a hash of what the network learnt.

    Raises:
        ModelRefused: it is broken, empty, too large, too slow, or not a plain network.
        SandboxUnavailable: our side failed; nothing is known about the model.
    """
    return _confined(model, images, timeout)


def read_model(model: bytes, timeout: float = 60.0) -> dict[str, Any]:
    """The facts of a network alone, whatever the size of its output. Raises as `run_model` does."""
    return _confined(model, None, timeout)[1]


def _confined(model: bytes, images: np.ndarray | None, timeout: float) -> tuple[Any, dict]:
    if not model:
        raise ModelRefused("model.onnx is empty (0 bytes). Export it again.")
    if len(model) > MAX_MODEL:
        raise ModelRefused(
            f"model.onnx has more than {MAX_MODEL // MIB} MiB. Make the network narrower (width=) "
            "and export it again."
        )
    with run_folder() as run:
        sandbox.prepare(run, helpers=MODULES)
        shutil.copyfile(Path(__file__).with_name("confined.py"), run / "lib" / "confined.py")
        (run / "lib" / "model.onnx").write_bytes(model)
        if images is not None:
            np.save(run / "lib" / "images.npy", np.asarray(images, np.float32, order="C"))
        return _read(run, _start(run, timeout), images)


def _start(run: Path, timeout: float) -> int | None:
    """Runs the confined part; its exit status, or None when the time ran out."""
    env = sandbox.environment(run)
    program = [sys.executable, str(run / "lib" / "confined.py"), str(run / "lib")]
    if os.environ.get("PIXELWISE_UNCONFINED") != "1":
        program = sandbox.command(program, run, env, LIMITS)
    with open(run / "out", "wb") as out, open(run / "err", "wb") as err:
        process = subprocess.Popen(program, stdout=out, stderr=err, env=env, cwd="/")
        try:
            return _wait(process, timeout)
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen, timeout: float) -> int | None:
    """The exit status, or None when the time ran out; waiting for a processor does not count."""
    begun, waited = time.monotonic(), 0.0
    while True:
        try:
            return process.wait(min(0.5, timeout))
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - begun
            waited = max(waited, delay_of_family(process.pid))
        if passed - waited > timeout:
            return None
        if passed > BUSY * timeout:
            raise SandboxUnavailable(
                f"this machine was too busy: after {passed:.0f} s a model was not done"
            )


def _read(run: Path, status: int | None, images: np.ndarray | None) -> tuple[Any, dict]:
    with open(run / "out", "rb") as out:
        ready, answer = out.readline(1 * MIB), out.readline(1 * MIB)
        if b"ready" not in ready:
            said = (run / "err").read_bytes()[-500:].decode(errors="replace").strip()
            raise SandboxUnavailable(f"The model's sandbox did not start: {said or status}")
        if not answer and status is None:
            raise ModelRefused("model.onnx took too long to run. Make the network smaller.")
        if not answer and status != 1:
            raise ModelRefused(
                "model.onnx brought its process down (too much memory or time). "
                "Make the network smaller."
            )
        if not answer:
            said = (run / "err").read_bytes()[-500:].decode(errors="replace").strip()
            raise SandboxUnavailable(f"The model's process failed: {said}")
        message = json.loads(answer)
        if message["event"] == "refused":
            raise ModelRefused(message["remark"])
        if images is None:
            return None, message["facts"]
        count, _, height, width = images.shape
        if (
            os.path.getsize(run / "out")
            > out.tell() + count * MAX_CLASSES * height * width * 4 + MIB
        ):
            raise ModelRefused(f"model.onnx gives more than {MAX_CLASSES} maps.")
        try:
            outputs = np.load(out, allow_pickle=False)
        except (ValueError, EOFError, MemoryError):
            raise ModelRefused(
                "model.onnx's predictions were cut off: they are too large."
            ) from None
    if outputs.dtype != np.float32 or outputs.ndim != 4 or outputs.shape[0] != count:
        raise ModelRefused("model.onnx's predictions have the wrong shape.")
    if outputs.shape[1] > MAX_CLASSES:
        raise ModelRefused(f"model.onnx gives more than {MAX_CLASSES} maps.")
    return outputs, message["facts"]
