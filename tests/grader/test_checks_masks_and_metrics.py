"""Right is right, however it is written: other ways to each answer of masks_and_metrics."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn import metrics as sk

from grader.checks import (
    assignment,
    boundary,
    colours,
    f_beta,
    from_matrix,
    masks,
    mean_iou,
    metrics,
)
from helpers import boundary as helper_boundary
from helpers import metrics as helper_metrics
from helpers.check import respond
from helpers.classes import CHALLENGE, LYFT
from helpers.masks import challenge_classes
from helpers.threshold import Sweep
from helpers.verdict import wrong

QUESTIONS = assignment("masks_and_metrics")


def verdicts(question, answer, seed):
    """What the check says of each case, as in grading."""
    cases = QUESTIONS[question].cases(np.random.default_rng(seed))
    return [
        wrong(c, respond({"kind": "function", "inputs": c.inputs}, answer, None)) for c in cases
    ]


def test_the_known_mistakes_are_many():
    tables = [
        colours.COLOUR_MISTAKES,
        masks.LABEL_MISTAKES,
        metrics.CONFUSION_MISTAKES,
        from_matrix.ACCURACY_MISTAKES,
        from_matrix.IOU_DICE_MISTAKES,
        mean_iou.MEAN_MISTAKES,
        f_beta.CHALLENGE_MISTAKES,
        f_beta.THRESHOLD_MISTAKES,
        boundary.BOUNDARY_MISTAKES,
    ]
    for question, table in zip(QUESTIONS.values(), tables, strict=True):
        drawn = question.cases(np.random.default_rng(1))
        carried = {metrics.CARRIED}  # known from what was asked before
        assert {hint for case in drawn for hint, _ in case.mistakes} - carried == set(table)
    assert sum(map(len, tables)) >= 90


# ---- to_ids


def ids_by_loop(picture, palette):
    names = {tuple(colour): k for k, colour in enumerate(palette.tolist())}
    return [[names.get(tuple(pixel), 255) for pixel in row] for row in picture.tolist()]


def ids_by_one_number(picture, palette):
    weights = np.array([1 << 16, 1 << 8, 1])
    table = np.full(1 << 24, 255, np.uint8)
    table[palette @ weights] = np.arange(len(palette))
    return table[picture @ weights].astype(np.float32)


def ids_by_distance(picture, palette):
    difference = picture[:, :, None].astype(int) - palette[None, None]
    distance = np.abs(difference).sum(-1)
    return np.where(distance.min(-1) == 0, distance.argmin(-1), 255)


# ---- prepare_label


def label_by_index(label, height, width):
    full = label[..., 0].astype(int)
    rows = np.arange(full.shape[0])[:, None]
    full[(rows >= 496 * full.shape[0] // 600) & (full == 10)] = 0
    y, x = ((np.arange(n) + 0.5) * m / n for n, m in zip((height, width), full.shape, strict=True))
    return full[np.ix_(y.astype(int), x.astype(int))]


def label_by_zoom(label, height, width):
    mask = np.array(label[:, :, 0])
    top = mask.shape[0] * 496 // 600
    mask[top:] = np.where(mask[top:] == 10, 0, mask[top:])
    factors = height / mask.shape[0], width / mask.shape[1]
    return ndimage.zoom(mask, factors, order=0, grid_mode=True, mode="nearest")


# ---- confusion


def confusion_by_loop(truth, prediction, classes):
    matrix = [[0] * classes for _ in range(classes)]
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if t != 255:
            matrix[t][p] += 1
    return matrix


def confusion_by_add(truth, prediction, classes):
    matrix = np.zeros((classes + 1, classes), np.uint32)
    np.add.at(matrix, (np.where(truth == 255, classes, truth), prediction), 1)
    return matrix[:-1]


def confusion_by_one_hot(truth, prediction, classes):
    t, p = (np.eye(256)[m.ravel().astype(int)][:, :classes] for m in (truth, prediction))
    return t.T @ p


def confusion_by_scikit_learn(truth, prediction, classes):
    counted = truth != 255
    if not counted.any():
        return np.zeros((classes, classes))
    return sk.confusion_matrix(truth[counted], prediction[counted], labels=range(classes))


# ---- accuracies


def accuracies_by_loop(matrix):
    rows = matrix.tolist()
    right = [row[k] / sum(row) if sum(row) else float("nan") for k, row in enumerate(rows)]
    total = sum(map(sum, rows))
    hits = sum(row[k] for k, row in enumerate(rows))
    return hits / total if total else float("nan"), right


def accuracies_masked(matrix):
    rows = matrix.sum(axis=1)
    share = np.ma.masked_array(np.diag(matrix), rows == 0) / np.maximum(rows, 1)
    overall = np.float64(np.diag(matrix).sum()) / np.float64(matrix.sum())
    return np.array(overall), share


# ---- iou_and_dice


def iou_and_dice_by_loop(matrix):
    iou, dice = [], []
    for k in range(len(matrix)):
        tp, fn, fp = matrix[k, k], 0, 0
        for other in range(len(matrix)):
            if other != k:
                fn, fp = fn + matrix[k, other], fp + matrix[other, k]
        nothing = tp + fn + fp == 0
        iou.append(np.nan if nothing else tp / (tp + fn + fp))
        dice.append(np.nan if nothing else 2 * tp / (2 * tp + fn + fp))
    return iou, dice


def dice_from_iou(matrix):
    m = torch.tensor(matrix, dtype=torch.float32)
    iou = m.diag() / (m.sum(0) + m.sum(1) - m.diag())
    return iou, 2 * iou / (1 + iou)


# ---- mean_ious


def mean_ious_with_nanmean(truths, predictions, classes):
    def one(truth, prediction):
        scores = np.full(classes, np.nan, np.float32)
        for k in range(classes):
            t, p = truth == k, (prediction == k) & (truth != 255)
            if (t | p).any():
                scores[k] = (t & p).sum() / (t | p).sum()
        return np.nanmean(scores)

    each = [one(t, p) for t, p in zip(truths, predictions, strict=True)]
    return one(truths, predictions), np.nanmean(each)


def mean_ious_by_sets(truths, predictions, classes):
    def mean(values):
        values = [value for value in values if value == value]
        return sum(values) / len(values) if values else float("nan")

    def one(truth, prediction):
        places = [i for i, t in enumerate(truth.flat) if t != 255]
        t, p = truth.ravel()[places].tolist(), prediction.ravel()[places].tolist()
        present = sorted({*t, *p})
        return mean(sk.jaccard_score(t, p, labels=present, average=None)) if present else np.nan

    return one(truths, predictions), mean(map(one, truths, predictions))


# ---- challenge_score


def score_by_helpers(truths, predictions, frames_per_second):
    merged = [challenge_classes(masks) for masks in (truths, predictions)]
    confusion = helper_metrics.Confusion(3).add(*merged)
    vehicles = confusion.f_beta(2, absent=0)[CHALLENGE.id("Vehicle")]
    road = confusion.f_beta(0.5, absent=0)[CHALLENGE.id("Road")]
    return 50 * (vehicles + road) - max(0, 10 - frames_per_second)


def score_by_scikit_learn(truths, predictions, frames_per_second):
    def score(ids, beta):
        pair = [np.isin(masks, ids).ravel() for masks in (truths, predictions)]
        return sk.fbeta_score(*pair, beta=beta, zero_division=0)

    score = 50 * (score([10], 2) + score([6, 7], 0.5))
    return score - (10 - frames_per_second) * (frames_per_second < 10)


# ---- best_threshold


def threshold_by_loop(truth, probabilities, thresholds, beta):
    best = None, -1
    for t in thresholds.tolist():
        tp = fp = fn = 0
        for is_class, p in zip(truth.ravel(), probabilities.ravel(), strict=True):
            tp, fp = tp + (is_class and p >= t), fp + (not is_class and p >= t)
            fn += is_class and p < t
        precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
        below = beta**2 * precision + recall
        score = (1 + beta**2) * precision * recall / below if below else 0.0
        if score > best[1] + 1e-12:
            best = t, score
    return best


def threshold_by_sweep(truth, probabilities, thresholds, beta):
    sweep = Sweep(thresholds).add(truth, probabilities)
    return sweep.best(np.nan_to_num(sweep.f_beta(beta)))


# ---- boundary_f1


def boundary_by_distance_map(truth, prediction, tolerance):
    def line(mask):
        return mask & ~ndimage.binary_erosion(mask, border_value=1)

    def share(line, other):
        away = ndimage.distance_transform_edt(~other) if other.any() else np.full(other.shape, 1e9)
        return (away[line] <= tolerance).mean() if line.any() else 0.0

    true, predicted = line(truth), line(prediction)
    if not true.any() and not predicted.any():
        return float("nan")
    precision, recall = share(predicted, true), share(true, predicted)
    return np.float32(2 * precision * recall / max(1e-12, precision + recall))


def boundary_by_loop(truth, prediction, tolerance):
    def line(mask):
        height, width = mask.shape
        return [
            (y, x)
            for y in range(height)
            for x in range(width)
            if mask[y, x]
            and any(
                0 <= v < height and 0 <= u < width and not mask[v, u]
                for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
            )
        ]

    def near(a, others):
        return any((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 <= tolerance**2 for b in others)

    true, predicted = line(truth), line(prediction)
    if not true and not predicted:
        return float("nan")
    hits = sum(near(p, true) for p in predicted), sum(near(t, predicted) for t in true)
    if not all(hits):
        return 0
    precision, recall = hits[0] / len(predicted), hits[1] / len(true)
    return 2 / (1 / precision + 1 / recall)


def boundary_by_helper(truth, prediction, tolerance):
    pair = [mask.astype(np.uint8) for mask in (truth, prediction)]
    return helper_boundary.boundary_f1(*pair, classes=2, tolerance=tolerance)[1]


WAYS = [
    ("to_ids", ids_by_loop),
    ("to_ids", ids_by_one_number),
    ("to_ids", ids_by_distance),
    ("prepare_label", label_by_index),
    ("prepare_label", label_by_zoom),
    ("confusion", confusion_by_loop),
    ("confusion", confusion_by_add),
    ("confusion", confusion_by_one_hot),
    ("confusion", confusion_by_scikit_learn),
    ("confusion", lambda t, p, c: helper_metrics.Confusion(c).add(t, p).matrix),
    ("accuracies", accuracies_by_loop),
    ("accuracies", accuracies_masked),
    ("iou_and_dice", iou_and_dice_by_loop),
    ("iou_and_dice", dice_from_iou),
    ("mean_ious", mean_ious_with_nanmean),
    ("mean_ious", mean_ious_by_sets),
    ("challenge_score", score_by_helpers),
    ("challenge_score", score_by_scikit_learn),
    ("best_threshold", threshold_by_loop),
    ("best_threshold", threshold_by_sweep),
    ("boundary_f1", boundary_by_distance_map),
    ("boundary_f1", boundary_by_loop),
    ("boundary_f1", boundary_by_helper),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("question", "answer"), WAYS)
def test_other_ways_are_right(question, answer, seed):
    found = verdicts(question, answer, seed)
    assert found == [None] * len(found)


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_is_right_in_two_other_ways_at_least(question):
    assert sum(name == question for name, _ in WAYS) >= 2


def test_ids_in_the_checks_are_those_of_the_classes():
    assert LYFT.id("Vehicles") == f_beta.VEHICLES
    assert (LYFT.id("RoadLines"), LYFT.id("Roads")) == f_beta.ROAD_IDS
