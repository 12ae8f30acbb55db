"""Judges networks: the graphs that a builder makes, and the model that was handed in."""

import stat
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from grader import similar
from grader.checks import Question, bars
from grader.runner import MAX_MODEL, ModelRefused, read_model, run_model
from grader.scenes import hidden_scenes
from grader.settings import Settings, course_folder
from grader.unpack import NOTES
from helpers import rules
from helpers.classes import LYFT
from helpers.designs import Build
from helpers.masks import challenge_classes
from helpers.metrics import Confusion, challenge_score
from helpers.stages import Architecture, Skip, Stage

MAX_WIDTH = 64
"""A wider U-Net does not fit into model.onnx anyway."""


class NoAnswer(Exception):
    """Nothing to judge; the message says why.

    Attributes:
        told: why, without a word of a process that has seen a hidden case: for the feedback.
    """

    def __init__(self, message: str, told: str | None = None) -> None:
        super().__init__(message)
        self.told = told or message


class Networks:
    """The networks of one submission: what its builder makes, and its model.onnx."""

    def __init__(self, name: str, submission: Path, settings: Settings) -> None:
        self.name = name
        self.path = submission / "model.onnx"
        self.settings = settings

    def judge_model(self) -> tuple[float, str, dict[str, Any]]:
        """What model.onnx earns on the hidden scenes.

        Returns:
            the share of the points; a remark; and for the instructor's report the challenge's
            score (None where road or vehicles are missing), a hash of the weights, and a digest of
            the mistakes.

        Raises:
            NoAnswer: there is no model.onnx, or it cannot be judged.
        """
        data = self._read()
        images, truth = hidden_scenes(self.settings, course_folder())
        predicted, weights = self._run(data, images)
        confusion = Confusion().add(truth, predicted)
        share, remark = rules.reached(confusion, bars(self.name, self.settings.data))
        score = challenge_score(confusion.merge(challenge_classes(np.arange(len(LYFT)))))
        about = {
            "challenge": round(score, 2) if np.isfinite(score) else None,
            "weights": weights,
            "mistakes": similar.digest(truth, predicted),
        }
        return share, remark, about

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The masks that model.onnx makes of images (uint8 N×H×W×3): uint8 N×H×W.

        Raises NoAnswer: there is no model.onnx, or it cannot be judged.
        """
        return self._run(self._read(), images)[0]

    def _run(self, data: bytes, images: np.ndarray) -> tuple[np.ndarray, str]:
        """The masks, and the hash of the weights."""
        try:
            outputs, facts = run_model(data, images.transpose(0, 3, 1, 2).astype(np.float32) / 255)
            return rules.graded_prediction(outputs), facts["weights"]
        except (ModelRefused, ValueError) as fault:
            raise NoAnswer(str(fault)) from None

    def judge_builder(
        self,
        question: Question,
        put: Callable[[dict], list[np.ndarray]],
        rng: np.random.Generator,
    ) -> tuple[dict[str, str], dict[str, str]]:
        """What is wrong with the networks that a builder makes.

        Args:
            question: the design that is asked for.
            put: sends a challenge to the student's process and gives its answer.
            rng: draws the sizes, widths and numbers of classes.

        Returns:
            part → fault over all networks, and over those that the student may be told about.

        Raises:
            NoAnswer: it builds nothing.
        """
        builds, known = self._builds(question, rng)
        facts_of = self._facts_by(put)
        try:
            faults, networks = rules.builder_faults(question.design, builds, facts_of)
        except rules.NotBuilt:
            raise NoAnswer(self._why(question.design, builds[0], facts_of)) from None
        try:
            told, _ = rules.builder_faults(question.design, known, facts_of)
        except rules.NotBuilt as fault:
            told = dict.fromkeys(question.parts, str(fault))
        if rules.SAME in question.parts and (fault := self._differs(networks[0])):
            faults[rules.SAME] = told[rules.SAME] = fault
        return faults, told

    def _facts_by(self, put: Callable[[dict], list[np.ndarray]]) -> Callable[[Build], Architecture]:
        """A function that has the student's process build a network and reads it, each once."""
        known: dict[str, Architecture | str] = {}

        def facts_of(build: Build) -> Architecture:
            key = repr(build)
            if key not in known:
                try:
                    (data,) = put({"kind": "network", "build": asdict(build)})
                    data = data.astype(np.uint8).tobytes()
                    known[key] = self._facts(data)
                except (NoAnswer, ModelRefused) as fault:
                    known[key] = str(fault)
            if isinstance(known[key], str):
                raise rules.NotBuilt(known[key])
            return known[key]

        return facts_of

    def _why(self, design: str, build: Build, facts_of: Callable[[Build], Architecture]) -> str:
        try:
            rules.builder_faults(design, [build], facts_of)
        except rules.NotBuilt as fault:
            return str(fault)
        return ""

    def _builds(self, question: Question, rng: np.random.Generator) -> tuple[list, list]:
        """What the builder is asked for, and the public ones among them.

        First, if they are compared, the network of model.onnx.
        """
        first, *others = question.builds(rng)
        known = [build for build in others if build in question.public_builds]
        if rules.SAME in question.parts and isinstance(self._submitted, Architecture):
            width = min(rules.first_width(self._submitted), MAX_WIDTH)
            first = replace(first, width=width)
        return [first, *others], [first, *known]

    def _differs(self, facts: Architecture | None) -> str | None:
        if facts is None:
            return "the network of the size of model.onnx could not be built"
        if isinstance(self._submitted, Architecture):
            return rules.difference(facts, self._submitted)
        return self._submitted

    @cached_property
    def _submitted(self) -> Architecture | str:
        """The architecture of model.onnx, or why there is none."""
        try:
            return self._facts(self._read())
        except (NoAnswer, ModelRefused) as fault:
            return str(fault)

    def _read(self) -> bytes:
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            raise NoAnswer(self._why_missing()) from None
        if not stat.S_ISREG(status.st_mode):
            raise NoAnswer("model.onnx is no plain file")
        with open(self.path, "rb") as file:
            return file.read(MAX_MODEL + 1)

    def _why_missing(self) -> str:
        """What collecting said of a model that it did not take."""
        notes = self.path.with_name(NOTES)
        lines = notes.read_text("utf-8", "replace").splitlines() if notes.is_file() else []
        said = [line for line in lines if self.path.name in line]
        return "; ".join(["no model.onnx was handed in", *said])

    def _facts(self, data: bytes) -> Architecture:
        facts = read_model(data)
        del facts["weights"]
        return Architecture(
            **facts
            | {
                "input": tuple(facts["input"]),
                "output": tuple(facts["output"]),
                "stages": tuple(
                    Stage(**s | {"channels": tuple(s["channels"])}) for s in facts["stages"]
                ),
                "skips": tuple(
                    Skip(**s | {name: tuple(s[name]) for name in ("channels", "source")})
                    for s in facts["skips"]
                ),
            }
        )
