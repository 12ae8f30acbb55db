"""The judge: a trusted process that deals the challenges, compares answers and keeps the ledger.

The student's process connects over a socket, names a question, and gets inputs; it sends back what
its function returned. Expected values, masks and scores stay here. The first answer to a question
counts: who could ask again would have an oracle. The submitted model is judged from the file that
was handed in, whether or not the notebook gets that far.

    python -m grader.judge --assignment lyft_unet --socket S --ledger L --submission FOLDER --line 3
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import socket
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from grader import public
from grader.checks import Question, assignment
from grader.networks import Networks, NoAnswer
from grader.settings import Settings, settings
from helpers import wire
from helpers.verdict import Finding, explain, look_at

PATIENCE = 600.0
"""Seconds that one answer may take; the notebook's own limits end it earlier."""
PATIENCE_TO_ASK = 10.0
"""Seconds until a connection must have named its question; `check` does so at once."""
NOT_DONE = "not answered yet"


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
        self._lock = threading.RLock()  # of the ledger; `finish` writes while it holds it
        self._model = threading.Thread(target=self._judge_model, daemon=True)

    def serve(self, path: Path) -> None:
        """Listens on a Unix socket until the process ends."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        path.chmod(0o666)
        server.listen(8)
        self._model.start()  # before "ready": who reads that may end us at once
        self.write(event="ready")
        while True:
            connection, _ = server.accept()
            with connection:
                self._serve_one(connection)

    def finish(self) -> None:
        """Waits for the model's score, so that the ledger is complete, and ends the process."""
        if self._model.ident:
            self._model.join()
        with self._lock:  # nothing else is half written
            self.write(event="finished")
            sys.stderr.flush()
            os._exit(0)  # a fork need not take down what it shares with others

    def write(self, **event) -> None:
        """Adds one event to the ledger.

        Where that fails, as on a full disk, the judge ends: what is not in the ledger is then not
        graded, and does not look unanswered.
        """
        with self._lock:
            try:
                self._ledger.write(json.dumps(event) + "\n")
            except OSError as fault:
                print(f"the ledger can't be written: {fault}", file=sys.stderr, flush=True)
                os._exit(1)

    def _serve_one(self, connection: socket.socket) -> None:
        name = None
        try:
            connection.settimeout(PATIENCE_TO_ASK)
            message = wire.receive(connection)
            connection.settimeout(PATIENCE)
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
            self.write(event="asked", question=name)
            self._judge_answer(connection, name, question)
            wire.send(connection, {"end": "recorded"})  # nothing about right or wrong goes back
        except (wire.WireError, EOFError, OSError) as fault:
            if name in self.questions:
                remark = f"the connection to the judge broke off while it was answered ({fault})"
                self.write(event="no answer", question=name, remark=remark)
        except Exception:
            self._give_up(name)

    def _judge_answer(self, connection: socket.socket, name: str, question: Question) -> None:
        """Writes the points as soon as they are known: they stand whatever comes after."""

        def put(challenge: dict) -> list[np.ndarray]:
            wire.send(connection, challenge)
            return _answer(wire.receive(connection))

        if question.kind == "network":
            try:
                faults, told = self.networks.judge_builder(question, put, self._generator(name))
            except NoAnswer as nothing:
                self.write(event="no answer", question=name, remark=str(nothing))
                return
            self._score(name, question, dict.fromkeys(faults, ""))
            self.write(event="shown", question=name, said=public.about(faults, told))
            return
        try:
            faults = self._ask(name, question, put)
            self._score(name, question, faults)
        except NoAnswer as nothing:
            faults = dict.fromkeys(question.parts, "")
            self.write(event="no answer", question=name, remark=nothing.told)
            if nothing.told == NOT_DONE:
                return
        # everybody is asked these: who were asked only after a mistake would know of it
        said, picture = public.show(name, faults, put)
        self._write_shown(name, said, picture)

    def _ask(self, name: str, question: Question, put: public.Put) -> dict[str, str]:
        """Part that is not right → the hint of its mistake, or "". Raises NoAnswer."""
        faults: dict[str, str] = {}
        silent = None
        findings: list[Finding] = []
        for case in question.cases(self._generator(name)):
            try:
                answer = put({"kind": question.kind, "inputs": case.inputs})
                findings.append(look_at(case, answer))
            except NoAnswer as nothing:
                silent = silent or nothing
                faults[case.part] = ""
        if not findings:
            raise silent
        for finding, fault in zip(findings, explain(findings), strict=True):
            part = finding.case.part
            if fault and not faults.get(part):
                faults[part] = fault.hint
        return faults

    def _score(self, name: str, question: Question, faults: dict[str, str]) -> None:
        parts = [
            {"part": part, "max": round(question.points * share, 6), "hint": faults.get(part)}
            for part, share in question.parts.items()
        ]
        points = round(sum(p["max"] for p in parts if p["hint"] is None), 6)
        self.write(event="score", question=name, points=points, max=question.points, parts=parts)

    def _write_shown(self, name: str, said: dict[str, str], picture: public.Picture | None) -> None:
        drawn = {}
        if picture:
            drawn = {"png": base64.b64encode(picture.png).decode(), "alt": picture.alt}
        self.write(event="shown", question=name, said=said, **drawn)

    def _judge_model(self) -> None:
        for name, question in self.questions.items():
            if question.kind != "model":
                continue
            try:
                share, remark, about = self.networks.judge_model()
                points = round(question.points * share, 6)
                verdict = {"points": points, "max": question.points, "remark": remark}
                self.write(event="score", question=name, **verdict, **about)
                if share < 1 and self.settings.data == "streets":
                    sentence, picture = public.show_model(self.networks)
                    self._write_shown(name, {"": sentence}, picture)
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
        raise NoAnswer(NOT_DONE)
    if isinstance(message, dict) and "error" in message:
        said = str(message["error"])[:400]
        raise NoAnswer(
            f"your code stops: {said}", f"your code stops ({public.kind_of_error(said)})"
        )
    raise NoAnswer("what was sent is no answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assignment", required=True)
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("--ledger", required=True, type=Path)
    parser.add_argument("--submission", required=True, type=Path)
    parser.add_argument("--line", required=True, type=int, help="a word on this file says: finish")
    given = parser.parse_args()
    judge = Judge(given.assignment, given.submission, given.ledger, settings())
    threading.Thread(target=listen, args=(given.line, judge), daemon=True).start()
    judge.serve(given.socket)


def listen(line: int, judge: Judge) -> None:
    """Finishes when a word comes, and ends the process when the other end is closed: who was killed
    closes it too. A signal would not do: one that comes just before `accept` waits is not noticed.
    """
    with contextlib.suppress(ConnectionResetError):  # killed before it read our number
        while os.read(line, 1):
            threading.Thread(target=judge.finish, daemon=True).start()
    os._exit(1)


if __name__ == "__main__":
    main()
