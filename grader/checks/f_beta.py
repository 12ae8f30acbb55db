"""Checks of scores that weigh misses against false alarms: the challenge's score, thresholds."""

import numpy as np

from grader.checks import case
from helpers.verdict import Case


def f_beta(truth, prediction, beta, square=True, plus=True, own=1, below=None, nothing=0.0):
    """F-beta of two bool masks; 0 where no pixel is right."""
    weight = beta**2 if square else beta
    hit = np.sum(truth & prediction)
    missed, false = np.sum(truth & ~prediction), np.sum(prediction & ~truth)
    if not missed + hit + false:
        return nothing
    whole = (1 + own * weight) * hit + (below or weight) * missed + false
    return ((1 + weight) if plus else 1) * hit / whole if hit else 0.0


# ---- challenge_score(truths, predictions, frames_per_second) → at most 100

VEHICLES, ROAD_LINES, ROADS = 10, 6, 7
ROAD_IDS = (ROAD_LINES, ROADS)


def challenge_score(
    truths,
    predictions,
    speed,
    betas=(2, 0.5),
    road=(ROAD_IDS, ROAD_IDS),
    slow=None,
    vehicles=VEHICLES,
    **options,
):
    vehicle = f_beta(truths == vehicles, predictions == vehicles, betas[0], **options)
    roads = [np.isin(masks, ids) for masks, ids in zip((truths, predictions), road, strict=True)]
    slow = max(0, 10 - speed) if slow is None else slow(speed)
    return 100 * (vehicle + f_beta(*roads, betas[1], **options)) / 2 - slow


def _per_image(truths, predictions, speed):
    pairs = zip(truths, predictions, strict=True)
    return np.mean([challenge_score(t, p, speed) for t, p in pairs])


def _over_all(truths, predictions, speed):
    merged = [np.isin(m, ROAD_IDS) + 2 * (m == VEHICLES) for m in (truths, predictions)]
    return 100 * np.mean(merged[0] == merged[1]) - max(0, 10 - speed)


def _beta_below(truths, predictions, speed):
    """beta² above, but plain beta with the misses."""
    parts = ((VEHICLES,), 2), (ROAD_IDS, 0.5)
    scores = [
        f_beta(np.isin(truths, ids), np.isin(predictions, ids), beta, below=beta)
        for ids, beta in parts
    ]
    return 100 * np.mean(scores) - max(0, 10 - speed)


CHALLENGE_MISTAKES = {
    "the two betas are exchanged, or beta² stands with the false alarms: it belongs to the misses, "
    "and is 2² for vehicles, where a miss is worse, 0.5² for the road": (
        lambda t, p, s: challenge_score(t, p, s, betas=(0.5, 2))
    ),
    "beta is not squared": lambda t, p, s: challenge_score(t, p, s, square=False),
    "beta is squared above and not below: the misses are multiplied by beta²": _beta_below,
    "both betas are 0.5: it is 2 for vehicles, where a miss is worse": (
        lambda t, p, s: challenge_score(t, p, s, betas=(0.5, 0.5))
    ),
    "both betas are 2: it is 0.5 for the road, where a false alarm is worse": (
        lambda t, p, s: challenge_score(t, p, s, betas=(2, 2))
    ),
    "that is F1 for both: the betas are 2 and 0.5": (
        lambda t, p, s: challenge_score(t, p, s, betas=(1, 1))
    ),
    "the factor 1 + beta² above is missing": lambda t, p, s: challenge_score(t, p, s, plus=False),
    "the score is taken per image and then averaged: count the pixels of all images together": (
        _per_image
    ),
    "the lane lines are missing: Roads and RoadLines together are the road": (
        lambda t, p, s: challenge_score(t, p, s, road=((ROADS,), (ROADS,)))
    ),
    "the lane lines are merged into the road in the truth only: they are road in both masks": (
        lambda t, p, s: challenge_score(t, p, s, road=(ROAD_IDS, (ROADS,)))
    ),
    "the lane lines are merged into the road in the prediction only: they are road in both masks": (
        lambda t, p, s: challenge_score(t, p, s, road=((ROADS,), ROAD_IDS))
    ),
    "no vehicle is found: Vehicles are class 10": (
        lambda t, p, s: challenge_score(t, p, s, vehicles=-1)
    ),
    "class 9 is scored: Vehicles are class 10": lambda t, p, s: challenge_score(
        t, p, s, vehicles=9
    ),
    "the factor 1 + beta² is missing, above and below: TP counts that many times": (
        lambda t, p, s: challenge_score(t, p, s, plus=False, own=0)
    ),
    "where no pixel is vehicle, F-beta is nan (0 / 0): take it as 0": (
        lambda t, p, s: challenge_score(t, p, s, nothing=np.nan)
    ),
    "where no pixel is vehicle, F-beta is taken as 1: take it as 0": (
        lambda t, p, s: challenge_score(t, p, s, nothing=1.0)
    ),
    "the two F-betas are added: take their mean": (
        lambda t, p, s: 2 * challenge_score(t, p, s, slow=lambda speed: 0) - max(0, 10 - s)
    ),
    "a fast network gains points: from 10 frames per second on nothing is taken off or added": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: 10 - speed)
    ),
    "a fast network loses points: from 10 frames per second on nothing is taken off": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: abs(10 - speed))
    ),
    "a slow network gains points: what is missing to 10 frames per second is taken off": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: -max(0, 10 - speed))
    ),
    "the frames per second are cut to a whole number: at 2.7 there are 7.3 missing to 10": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: max(0, 10 - int(speed)))
    ),
    "nothing is taken off a slow network: one point for each frame per second below 10": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: 0)
    ),
    "the frames per second are taken off: take off how many are missing to 10": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: speed if speed < 10 else 0)
    ),
    "the score runs from 0 to 1: times 100": (
        lambda t, p, s: challenge_score(t, p, s, slow=lambda speed: 0) / 100 - max(0, 10 - s)
    ),
    "that is the share of right pixels: take F-beta of vehicles and of the road": _over_all,
}


def street_masks(rng: np.random.Generator, images: int) -> list[np.ndarray]:
    """Truths and predictions N×H×W: road below, a vehicle on it, lane lines, a wrong pixel here
    and there. No image is like another."""
    truths = np.full((images, 30, 44), 9)
    truths[:, 14:] = ROADS
    for truth in truths:
        truth[16:, rng.integers(4, 40)] = ROAD_LINES
        row, column = rng.integers(12, 20), rng.integers(2, 30)
        truth[row : row + rng.integers(2, 9), column : column + rng.integers(3, 12)] = VEHICLES
    predictions = truths.copy()
    for prediction in predictions:
        wrong = rng.random(prediction.shape) < rng.uniform(0.05, 0.4)
        prediction[wrong] = rng.choice([9, *ROAD_IDS, VEHICLES], wrong.sum())
    return [truths.astype(np.uint8), predictions.astype(np.uint8)]


def challenge_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for part, images, speed in (
        ("score", 3, 10.0),
        ("score", 1, 25.5),
        ("score", 2, 12.0),
        ("speed", 2, int(rng.integers(1, 4)) + 0.7),
        ("speed", 2, round(rng.uniform(12, 40), 1)),
    ):
        masks = street_masks(rng, images)
        if speed == 12:  # an empty road
            masks = [np.where(mask == VEHICLES, ROADS, mask).astype(np.uint8) for mask in masks]
        cases.append(case(part, [*masks, speed], challenge_score, CHALLENGE_MISTAKES))
    return cases


# ---- best_threshold(truth, probabilities, thresholds, beta) → threshold, score


def best_threshold(
    truth,
    probabilities,
    thresholds,
    beta,
    reaches=np.greater_equal,
    last=False,
    score=f_beta,
    choose=np.argmax,
):
    scores = np.array([score(truth, reaches(probabilities, t), beta) for t in thresholds])
    at = len(scores) - 1 - scores[::-1].argmax() if last else choose(scores)
    return thresholds[at], scores[at]


def _place(truth, probabilities, thresholds, beta):
    best, score = best_threshold(truth, probabilities, thresholds, beta)
    return list(thresholds).index(best), score


def _with(score):
    return lambda *arguments: best_threshold(*arguments, score=score)


def _iou(truth, prediction, beta):
    return (truth & prediction).sum() / max(1, (truth | prediction).sum())


def _rounded(truth, probabilities, thresholds, beta):
    best, score = best_threshold(truth, probabilities, thresholds, beta)
    return np.round(best, 1), np.round(score, 2)


THRESHOLD_MISTAKES = {
    "a pixel whose probability equals the threshold is left out: >= and not >": (
        lambda *a: best_threshold(*a, reaches=np.greater)
    ),
    "the mask holds what lies below the threshold": lambda *a: best_threshold(*a, reaches=np.less),
    "the worst threshold is returned: the highest F-beta is asked for": (
        lambda *a: best_threshold(*a, choose=np.argmin)
    ),
    "the recall is maximised, which the lowest threshold always wins: F-beta is asked for": (
        _with(lambda t, p, beta: (t & p).sum() / max(1, t.sum()))
    ),
    "the precision is maximised: F-beta is asked for": (
        _with(lambda t, p, beta: (t & p).sum() / max(1, p.sum()))
    ),
    "the numbers are rounded: return them as they are": _rounded,
    "of several equally good thresholds the last is returned: take the lowest": (
        lambda *a: best_threshold(*a, last=True)
    ),
    "the place of the threshold comes back: its value is asked for": _place,
    "the two numbers are exchanged: the threshold comes first": (
        lambda *a: best_threshold(*a)[::-1]
    ),
    "beta is ignored: that is F1": _with(lambda t, p, beta: f_beta(t, p, 1)),
    "beta is not squared": _with(lambda t, p, beta: f_beta(t, p, beta, square=False)),
    "beta² stands with the false alarms, or truth and prediction are exchanged: it belongs to what "
    "is true and was missed": (_with(lambda t, p, beta: f_beta(t, p, 1 / beta))),
    "the accuracy is maximised: F-beta is asked for": _with(lambda t, p, beta: np.mean(t == p)),
    "the IoU is maximised: F-beta is asked for": _with(_iou),
    "where nothing is right, F-beta is nan, and argmax takes nan for the best: it must be 0": (
        _with(lambda t, p, beta: f_beta(t, p, beta) or np.nan)
    ),
}


def threshold_cases(rng: np.random.Generator) -> list[Case]:
    """Probabilities and thresholds are 32nds, so that both are exact in every float type."""
    cases = []
    for part, beta, shape in (
        ("threshold", 2.0, (26, 33)),
        ("threshold", 0.5, (26, 33)),
        ("threshold", 3.0, (8, 50)),
        ("ties and nothing", 2.0, (12, 9)),
        ("ties and nothing", 1.0, (6, 8)),
        ("ties and nothing", 1.0, (1, 1)),
    ):
        thresholds = np.sort(rng.choice(np.arange(1, 32), rng.integers(12, 20), replace=False)) / 32
        truth = rng.random(shape) < 0.3
        sure = rng.normal(0.4 + 0.25 * truth, 0.2)
        if beta == 2 and part != "threshold":
            sure = np.where(rng.random(shape) < 0.8, truth, ~truth)  # 0 and 1 alone: all tie
        if beta == 1:
            truth[...] = False
        probabilities = np.clip(np.round(sure * 32) / 32, 0, 1).astype(np.float32)
        inputs = [truth, probabilities, thresholds, beta]
        names = ("the threshold", "the score")
        cases.append(case(part, inputs, best_threshold, THRESHOLD_MISTAKES, names=names))
    return cases
