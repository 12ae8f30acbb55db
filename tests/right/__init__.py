"""Right answers, each written in another way than the solution.

There is one file for each assignment. A real judge asks them in the sandbox, as in grading; each
must get every point of its question.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from tests.mutants.judged import Result, judged, solution
from tests.right.answer import Right, model_of

ASSIGNMENTS = ("masks_and_metrics", "upsampling_and_fcn", "losses_and_imbalance", "lyft_unet")
SAMPLE = {
    ("masks_and_metrics", "pytorch"): 4,
    ("upsampling_and_fcn", "pytorch"): 2,
    ("losses_and_imbalance", "keras"): 2,
    ("lyft_unet", "pytorch"): 2,
}
"""How many of each the tests run."""


def of(name: str) -> list[Right]:
    """The right answers to an assignment."""
    return import_module(f"tests.right.{name}").RIGHT


def rounds(answers: list[Right]) -> Iterator[list[Right]]:
    """Answers that share a submission: of one framework, one to each question, one model."""
    waiting: dict[str, list[Right]] = defaultdict(list)
    for answer in answers:
        waiting[answer.framework].append(answer)
    for rest in waiting.values():
        while rest:
            together = {}
            for answer in rest:
                networks = {"unet", "trained_model"}
                if not (answer.question in networks and networks & together.keys()):
                    together.setdefault(answer.question, answer)
            yield list(together.values())
            rest = [answer for answer in rest if answer not in together.values()]


def handed_in(cells: dict[str, str], answers: list[Right]) -> dict[str, str]:
    """The cells of the solution with these answers; checked is nothing else.

    Each stands below the solution, whose small functions other questions may use.
    """
    asked = {answer.question for answer in answers}
    kept = {name: code for name, code in cells.items() if "check(" not in code or name in asked}
    return kept | {
        f"{answer.question}_answer": f"{cells[f'{answer.question}_answer']}\n\n{answer.code}"
        for answer in answers
        if f"{answer.question}_answer" in cells
    }


def submissions(sample: bool = False) -> Iterator[Callable[[], list[Result]]]:
    """All right answers, or ten of them, by submissions: each call grades one."""
    for name in ASSIGNMENTS:
        cells = solution(name)
        left = dict(SAMPLE)
        for together in rounds(of(name)):
            framework = together[0].framework
            if sample:
                together = together[: left.pop((name, framework), 0)]
            if together:
                yield partial(results, name, cells, together)


def results(name: str, cells: dict[str, str], answers: list[Right]) -> list[Result]:
    """What each of the answers of one submission gets."""
    said, silence = {}, "nothing was said"
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = [model_of(answer, Path(folder)) for answer in answers]
            model = next(filter(None, made), None)
            said = judged(name, handed_in(cells, answers), answers[0].framework, model)
        except AssertionError as fault:
            silence = f"it could not be handed in: {fault}"
    found = []
    for answer in answers:
        event = said.get(answer.question, {"event": silence})
        points, most = event.get("points") or 0, event.get("max")
        which = "" if answer.framework == "pytorch" else f" ({answer.framework})"
        about = event.get("remark") or event.get("parts") or event["event"]
        result = Result(
            "right",
            f"{name}/{answer.question}{which}: {answer.way}",
            event["event"] == "score" and points == most,
            f"{points:g} of {most} points: {about}",
            answer.question,
            points,
            most or 0,
        )
        found.append(result)
    return found
