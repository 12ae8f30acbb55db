"""The judge: a trusted process that deals the challenges, compares answers and keeps the ledger.

The student's process connects over a socket, names a question, and gets inputs; it sends back what
its function returned. Expected values, masks and scores stay here. The first answer to a question
counts: who could ask again would have an oracle. The submitted model is judged from the file that
was handed in, whether or not the notebook gets that far.

    python -m grader.judge --assignment lyft_unet --socket S --ledger L --submission FOLDER
"""

import argparse
import hashlib
import json
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from grader.checks import Question, assignment
from grader.networks import Networks, NoAnswer
from grader.settings import Settings, settings
from helpers import wire
from helpers.verdict import by_fault, wrong

PATIENCE = 120.0
"""Seconds that one answer may take; the notebook's own limits usually end it earlier."""


class Judge:
    """Judges one submission of one student.

    Attributes:
        questions: the questions of the assignment, by name.
        networks: judges graphs and models.
        ledger: where each event is written as a line of JSON, at once.
    """

    def __init__(self, name: str, submission: Path, ledger: Path, chosen: Settings) -> None:
        self.name = name
        self.questions = assignment(name)
        self.settings = chosen
        self.networks = Networks(name, submission, chosen)
        self.asked: set[str] = set()
        self._ledger = open(ledger, "a", buffering=1)
        self._lock = threading.RLock()  # SIGTERM may come while it is held
        self._model = threading.Thread(target=self._judge_model, daemon=True)

    def serve(self, path: Path) -> None:
        """Listens on a Unix socket until the process is told to stop."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        path.chmod(0o666)
        server.listen(8)
        self._model.start()  # before "ready": who reads that may end us at once
        self.write(event="ready")
        while True:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(PATIENCE)
                self._serve_one(connection)

    def finish(self) -> None:
        """Waits for the model's score, so that the ledger is complete."""
        if self._model.ident:
            self._model.join()
        self.write(event="finished")

    def write(self, **event) -> None:
        """Adds one event to the ledger."""
        with self._lock:
            self._ledger.write(json.dumps(event) + "\n")

    def _serve_one(self, connection: socket.socket) -> None:
        name = None
        try:
            message = wire.receive(connection)
            name = message.get("question") if isinstance(message, dict) else None
            if not isinstance(name, str) or name not in self.questions:
                wire.send(connection, {"end": "there is no such question"})
                return
            if name in self.asked:
                self.write(event="repeated", question=name)
                wire.send(connection, {"end": "the first answer counts"})
                return
            self.asked.add(name)
            question = self.questions[name]
            if question.kind == "model":
                wire.send(connection, {"end": "the file that you handed in is judged"})
                return
            faults = self._ask(connection, name, question)
            self._score(name, question, faults)
            wire.send(connection, {"end": "recorded"})  # nothing about right or wrong goes back
        except NoAnswer as nothing:
            self.write(event="no answer", question=name, remark=str(nothing))
            _quietly_send(connection, {"end": "recorded"})
        except (wire.WireError, EOFError, OSError) as fault:
            if name in self.questions:
                remark = f"the connection to the judge broke off while it was answered ({fault})"
                self.write(event="no answer", question=name, remark=remark)
        except Exception:
            self._give_up(name)

    def _ask(self, connection: socket.socket, name: str, question: Question) -> dict[str, str]:
        """Part → what is wrong with it, for each part that is not right."""

        def put(challenge: dict) -> list[np.ndarray]:
            wire.send(connection, challenge)
            return _answer(wire.receive(connection))

        if question.kind == "network":
            return self.networks.judge_builder(question, put, self._generator(name))
        faults: dict[str, str] = {}
        answered = False
        for case in question.cases(self._generator(name)):
            try:
                got = put({"kind": question.kind, "inputs": case.inputs})
                answered = True
                fault = wrong(case, got)
            except NoAnswer as nothing:
                fault = str(nothing)
            if fault:
                faults.setdefault(case.part, fault)
        if not answered:
            raise NoAnswer(next(iter(faults.values())))
        return faults

    def _score(self, name: str, question: Question, faults: dict[str, str]) -> None:
        share = sum(part for which, part in question.parts.items() if which not in faults)
        said = "; ".join(f"{parts}: {fault}" for parts, fault in by_fault(faults).items())
        self.write(
            event="score",
            question=name,
            points=round(question.points * share, 6),
            max=question.points,
            remark=said or "right",
        )

    def _judge_model(self) -> None:
        for name, question in self.questions.items():
            if question.kind != "model":
                continue
            try:
                share, remark = self.networks.judge_model()
                points = round(question.points * share, 6)
                self.write(
                    event="score", question=name, points=points, max=question.points, remark=remark
                )
            except NoAnswer as nothing:
                self.write(event="no answer", question=name, remark=str(nothing))
            except Exception:
                self._give_up(name)

    def _give_up(self, name: str | None) -> None:
        """Our own fault: the question is not graded, and nobody loses a point for it."""
        traceback.print_exc(file=sys.stderr)
        what = traceback.format_exc().strip().splitlines()[-1]
        self.write(event="not graded", question=name, remark=f"the judge broke down: {what}")

    def _generator(self, question: str) -> np.random.Generator:
        """The same cases for everybody and at every regrade, and other ones for another seed."""
        text = f"{self.settings.seed} {self.name} {question}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))


def _answer(message: object) -> list[np.ndarray]:
    if isinstance(message, dict) and isinstance(message.get("answer"), list):
        if all(isinstance(array, np.ndarray) for array in message["answer"]):
            return message["answer"]
    if isinstance(message, dict) and "unanswered" in message:
        raise NoAnswer(f"not answered: {str(message['unanswered'])[:300]}")
    if isinstance(message, dict) and "error" in message:
        raise NoAnswer(f"your code stops: {str(message['error'])[:400]}")
    raise NoAnswer("what was sent is no answer")


def _quietly_send(connection: socket.socket, message: dict) -> None:
    try:
        wire.send(connection, message)
    except OSError:
        pass  # the student's process is gone; the ledger has what matters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assignment", required=True)
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("--ledger", required=True, type=Path)
    parser.add_argument("--submission", required=True, type=Path)
    parser.add_argument("--student", default="")
    given = parser.parse_args()
    judge = Judge(given.assignment, given.submission, given.ledger, settings())

    def stop(*_: object) -> None:
        judge.finish()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    judge.serve(given.socket)


if __name__ == "__main__":
    main()
