"""Judges networks: the graphs that a builder makes, and the model that was handed in."""

import stat
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from grader.checks import Question, bars
from grader.collect import NOTES
from grader.runner import MAX_MODEL, ModelRefused, read_model, run_model
from grader.scenes import hidden_scenes
from grader.settings import Settings, course_folder
from helpers import rules
from helpers.architecture import Architecture, Skip, Stage
from helpers.designs import Build
from helpers.metrics import Confusion

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

    def judge_model(self) -> tuple[float, str]:
        """The share of the points that model.onnx earns on the hidden scenes, and a remark.

        Raises NoAnswer: there is no model.onnx, or it cannot be judged.
        """
        images, truth = hidden_scenes(self.settings, course_folder())
        confusion = Confusion().add(truth, self.predict(images))
        return rules.reached(confusion, bars(self.name, self.settings.data))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The masks that model.onnx makes of images (uint8 N×H×W×3): uint8 N×H×W.

        Raises NoAnswer: there is no model.onnx, or it cannot be judged.
        """
        data = self._read()
        try:
            outputs, _ = run_model(data, images.transpose(0, 3, 1, 2).astype(np.float32) / 255)
            return rules.graded_prediction(outputs)
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
            raise NoAnswer(self._why(facts_of, builds[0])) from None
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

    def _why(self, facts_of: Callable[[Build], Architecture], build: Build) -> str:
        try:
            facts_of(build)
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
