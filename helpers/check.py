"""check(question, answer): the one call that stands under each question of an assignment.

At your desk it runs the public cases and says what is wrong. When the notebook is graded it takes
the judge's hidden cases, computes your answers and sends them; right or wrong is decided on the
other side, where your code cannot reach.

exercise(answer, reference, ...) does the same in a lesson, on the spot.
"""

import math
import os
import socket
import sysconfig
import tempfile
import traceback
from collections.abc import Callable, Sequence
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np

from helpers import wire

JUDGE = os.environ.get("PIXELWISE_JUDGE")
desk = JUDGE is None
"""True at your desk; False while the notebook is graded, which never trains and never plots."""

LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
LIBRARIES += [str(Path(__file__).parent)]


def check(question: str, answer: Any, choice: str | None = None) -> None:
    """Checks your answer to a question of an assignment. Prints what it found; never raises.

    Args:
        question: its name, as it stands in the notebook.
        answer: your function, or the path of your model.
        choice: "pytorch" or "keras" for a network or a loss, "streets" or "lyft" for a trained
            model; the notebook has both as FRAMEWORK and DATA.
    """
    if desk:
        from helpers.desk import run_public_cases

        print(run_public_cases(question, answer, choice))
        return
    try:
        with socket.socket(socket.AF_UNIX) as judge:
            judge.connect(JUDGE)
            wire.send(judge, {"question": question})
            while "end" not in (challenge := wire.receive(judge)):
                judge.sendall(_attempt(challenge, answer, choice))
            print(f"{question}: {challenge['end']}")
    except (OSError, EOFError, wire.WireError) as fault:
        print(f"{question}: the judge can't be reached ({fault})")


def exercise(
    answer: Any,
    reference: Any,
    inputs: Sequence[tuple] = ((),),
    mistakes: dict[str, Callable] | None = None,
    tolerance: float = 1e-6,
) -> None:
    """Checks an exercise of a lesson. Prints one line; never raises.

    Args:
        answer: your function, or your value.
        reference: a function that is right, or the right value.
        inputs: the calls to compare on, one tuple of arguments each.
        mistakes: hint → a function that makes one known mistake.
        tolerance: how far a number may be off.
    """
    from helpers.verdict import Case, wrong

    for arguments in inputs:
        try:
            if callable(reference):
                expected = respond_to_call(reference, list(arguments))
                known = [
                    (hint, respond_to_call(mistake, list(arguments)))
                    for hint, mistake in (mistakes or {}).items()
                ]
                got = respond_to_call(answer, list(arguments))
            else:
                expected, known, got = _arrays(reference), [], _arrays(answer)
        except Unanswered as unanswered:
            print(f"… Not done yet: {unanswered}")
            return
        except Exception as fault:
            print(f"✗ Your code stops: {describe(fault)}")
            return
        fault = wrong(Case("", [], expected, known, tolerance), got)
        if fault:
            print(f"✗ Not yet: {fault}")
            return
    count = f" on {len(inputs)} inputs" if len(inputs) > 1 else ""
    print(f"✓ Right{count}.")


class Unanswered(Exception):
    """The answer is still the stub."""


def respond(challenge: dict, answer: Any, framework: str | None) -> list[np.ndarray]:
    """What your answer returns for a challenge. Whatever your code raises passes through."""
    kind = challenge["kind"]
    if kind == "function":
        return respond_to_call(answer, challenge["inputs"])
    if kind == "loss":
        return _loss_and_gradient(answer, framework, *challenge["inputs"])
    if kind == "network":
        return [_exported(answer, **challenge["build"])]
    raise ValueError(f"a challenge of the unknown kind '{kind}'")


def respond_to_call(answer: Any, inputs: list) -> list[np.ndarray]:
    """Calls a function and gives its outputs as arrays. Raises Unanswered for a stub."""
    if answer is None or answer is ...:
        raise Unanswered("there is no function yet")
    # copies: a function that writes into its inputs must not spoil the next comparison
    return _arrays(answer(*(x.copy() if isinstance(x, np.ndarray) else x for x in inputs)))


def describe(fault: BaseException) -> str:
    """An exception in one line, with the line of the notebook that raised it."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*LIBRARIES, "<frozen"))]
    line = f" (your line: {own[-1].line})" if own and own[-1].line else ""
    return f"{type(fault).__name__}: {str(fault)[:300]}{line}"


def _attempt(challenge: dict, answer: Any, framework: str | None) -> bytes:
    try:
        return wire.encode({"answer": respond(challenge, answer, framework)})
    except Unanswered as unanswered:
        return wire.encode({"unanswered": str(unanswered)})
    except Exception as fault:  # also where the answer is nothing that can be sent
        return wire.encode({"error": describe(fault)})


def _arrays(value: Any) -> list[np.ndarray]:
    outputs = list(value) if isinstance(value, tuple) else [value]
    if any(output is None or output is ... for output in outputs):
        raise Unanswered("your function returns nothing")
    try:
        return [_array(output) for output in outputs]
    except (TypeError, ValueError, RuntimeError):
        if not isinstance(value, list):
            raise
        return [_array(output) for output in value]  # a list of several outputs


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a PyTorch tensor
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    if isinstance(value, np.ma.MaskedArray):  # where there is no number: nan
        value = value.astype(np.float64).filled(np.nan)
    array = np.asarray(value, order="C")
    if array.dtype == np.longdouble or array.dtype.name == "bfloat16":
        array = array.astype(np.float64)
    if array.dtype == object and all(isinstance(item, Number) for item in array.flat):
        array = array.astype(np.float64)  # fractions, decimals
    if array.dtype == object:
        raise TypeError(f"an array was expected, but there is a {type(value).__name__}")
    return array


def _loss_and_gradient(
    loss: Callable, framework: str | None, logits: np.ndarray, masks: np.ndarray, *settings: Any
) -> list[np.ndarray]:
    """The loss and its gradient with respect to the logits, float32 N×H×W×C in both frameworks.

    Args:
        settings: what else the loss takes; arrays become tensors.
    """
    if loss is None or loss is ...:
        raise Unanswered("there is no function yet")
    if framework == "pytorch":
        import torch

        x = torch.tensor(logits.transpose(0, 3, 1, 2), requires_grad=True)
        settings = [torch.tensor(s) if isinstance(s, np.ndarray) else s for s in settings]
        value = loss(x, torch.tensor(masks, dtype=torch.int64), *settings)
        _check_loss(value, torch.is_tensor(value), "torch")
        if value.requires_grad:
            value.sum().backward()
        gradient = None if x.grad is None else x.grad.numpy().transpose(0, 2, 3, 1)
    elif framework == "keras":
        import tensorflow as tf

        x = tf.constant(logits)
        settings = [tf.constant(s) if isinstance(s, np.ndarray) else s for s in settings]
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x, tf.constant(masks.astype(np.int32)), *settings)
        _check_loss(value, tf.is_tensor(value), "keras.ops")
        gradient = tape.gradient(value, x)
        gradient = None if gradient is None else _array(tf.convert_to_tensor(gradient))
    else:
        raise ValueError(f"FRAMEWORK is {framework!r}; set it to 'pytorch' or 'keras'")
    if gradient is None:
        raise ValueError(
            "the loss does not depend on the logits, so nothing could be learnt: a constant, a "
            "detached tensor, argmax and NumPy let no gradient through"
        )
    return [_array(value).reshape(()), gradient]


def _check_loss(value: Any, tensor: bool, functions: str) -> None:
    """Raises Unanswered for the return value of a stub, ValueError for what is no loss."""
    if value is None or value is ...:
        raise Unanswered("your function returns nothing")
    if not tensor:
        raise ValueError(
            f"the loss is a {type(value).__name__} and no tensor, so nothing could be learnt: "
            f"compute it with {functions}"
        )
    if math.prod(value.shape) != 1:
        raise ValueError(f"the loss has the shape {tuple(value.shape)}; one number is asked for")


def _exported(
    build: Callable, classes: int, width: int, height: int, columns: int, settings: dict
) -> np.ndarray:
    """Builds a network and gives its ONNX file, for images of height × columns, as uint8."""
    from helpers.export import export

    if build is None or build is ...:
        raise Unanswered("there is no function yet")
    model = build(classes, width, *settings.values())
    if model is None or model is ...:
        raise Unanswered("your function returns nothing")
    with tempfile.TemporaryDirectory() as folder:
        path = export(model, Path(folder) / "model.onnx", height, columns)
        return np.frombuffer(path.read_bytes(), np.uint8)
