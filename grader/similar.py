"""Submissions that resemble each other: pairs for a person to look at, each with the reason.

None of it is a proof. Models are compared by their weights and by their mistakes on the hidden
scenes, which the judge wrote into the ledger; code by what it has in common beyond the released
notebook (winnowing: Schleimer, Wilkerson and Aiken 2003, as copydetect does it).
"""

import base64
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from helpers.classes import IGNORE

SCENES, STEP = 16, 4
"""A digest holds so many of the hidden scenes, and every so many-th row and column of them."""
RIGHT = 255
"""Stands in a digest where the model is right."""
SAME_MISTAKES = 0.6
"""Networks that were trained apart agree in 0.14 to 0.49 of their mistakes (the examples and two
more), copies that were trained on for 30 to 300 steps in 0.65 to 0.90."""
ENOUGH_MISTAKES = 50
"""With fewer wrong pixels there is nothing to compare."""
SAME_CODE = 0.6
"""Whole notebooks that were written apart have up to 0.2 in common, single short answers up to 0.5
(the right answers in tests/right)."""
ENOUGH_CODE = 300
"""Letters of code beyond the released notebook, names shortened to one letter each."""
GRAM, WINDOW = 25, 6
"""copydetect's own: runs of 25 letters, of which one in six at most is kept."""


@dataclass(frozen=True)
class Pair:
    """Two submissions to look at.

    Attributes:
        first, second: the students.
        reasons: what they have in common, one sentence each.
    """

    first: str
    second: str
    reasons: tuple[str, ...]


def digest(truth: np.ndarray, predicted: np.ndarray) -> str:
    """The mistakes of a model in a few thousand letters: what it says where it is wrong.

    Args:
        truth, predicted: masks, uint8 N×H×W.
    """
    wrong = (truth != predicted) & (truth != IGNORE)
    mistakes = np.where(wrong, predicted, RIGHT).astype(np.uint8)
    few = mistakes[:: max(1, len(mistakes) // SCENES)][:SCENES, ::STEP, ::STEP]
    return base64.b64encode(zlib.compress(few.tobytes(), 9)).decode()


def mistakes_of(text: str) -> np.ndarray:
    """What `digest` packed: uint8, one number per pixel."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)


def same_mistakes(first: np.ndarray, second: np.ndarray) -> float:
    """Of the pixels where at least one is wrong, the share where both say the same wrong class.

    nan where there are too few to tell, or the two were made of other scenes.
    """
    if first.shape != second.shape:
        return float("nan")
    wrong = (first != RIGHT) | (second != RIGHT)
    if wrong.sum() < ENOUGH_MISTAKES:
        return float("nan")
    return float((first[wrong] == second[wrong]).mean())


def pairs(
    weights: Mapping[str, str],
    mistakes: Mapping[str, str],
    code: Mapping[str, str],
    released: str,
) -> list[Pair]:
    """The pairs to look at, those with the most reasons first.

    Args:
        weights: student → hash of the network's weights; "" is never compared.
        mistakes: student → `digest`.
        code: student → all code of the notebook.
        released: the code of the notebook as it was released: common to all.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for pair in combinations(sorted(weights), 2):
        if weights[pair[0]] and weights[pair[0]] == weights[pair[1]]:
            found.setdefault(pair, []).append("identical weights")
    unpacked = {student: mistakes_of(text) for student, text in mistakes.items()}
    for pair in combinations(sorted(unpacked), 2):
        share = same_mistakes(unpacked[pair[0]], unpacked[pair[1]])
        if share >= SAME_MISTAKES:
            sentence = f"the models make the same mistakes: {share:.0%} of their wrong pixels agree"
            found.setdefault(pair, []).append(sentence)
    for pair, (whose, share) in same_code(code, released).items():
        (other,) = set(pair) - {whose}
        sentence = f"{share:.0%} of the code of {whose} stands in that of {other}, names aside"
        found.setdefault(pair, []).append(sentence)
    made = [Pair(*pair, tuple(reasons)) for pair, reasons in found.items()]
    return sorted(made, key=lambda pair: (-len(pair.reasons), pair.first, pair.second))


def same_code(code: Mapping[str, str], released: str) -> dict[tuple[str, str], tuple[str, float]]:
    """Pairs with much code in common → whose code stands in the other's, and how much of it."""
    prints = fingerprints(code, released)
    large = sorted(name for name, one in prints.items() if one.token_coverage >= ENOUGH_CODE)
    found = {}
    for pair in combinations(large, 2):
        shares = overlap(*(prints[name] for name in pair))
        share, whose = max(zip(shares, pair, strict=True))
        if share >= SAME_CODE:
            found[pair] = whose, share
    return found


def fingerprints(code: Mapping[str, str], released: str) -> dict[str, "CodeFingerprint"]:  # noqa: F821
    """copydetect's fingerprint of each student's code, without what was released."""
    from copydetect import CodeFingerprint  # it brings matplotlib; the judge imports this module

    def fingerprint(text: str, window: int, known: Sequence[int]) -> CodeFingerprint:
        return CodeFingerprint("code.py", GRAM, window, boilerplate=known, fp=io.StringIO(text))

    known = np.array(sorted(fingerprint(released, 1, ()).hashes)) if released.strip() else ()
    return {name: fingerprint(text, WINDOW, known) for name, text in code.items()}


def overlap(first: "CodeFingerprint", second: "CodeFingerprint") -> tuple[float, float]:  # noqa: F821
    """Of the code that each wrote, the share that the other has, too; 0 where it is far from
    `SAME_CODE`."""
    from copydetect import compare_files

    common, fewer = len(first.hashes & second.hashes), min(len(first.hashes), len(second.hashes))
    if common < max(1, fewer * SAME_CODE / 2):  # most pairs; to compare them in full takes longer
        return 0.0, 0.0
    _, shares, _ = compare_files(first, second)
    return min(1.0, float(shares[0])), min(1.0, float(shares[1]))
