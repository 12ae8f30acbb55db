"""The losses of assignment 3: real mistakes are caught and named, other ways are right."""

import re

import numpy as np
import pytest

from course import build
from grader.checks import assignment
from grader.settings import REPOSITORY
from helpers.check import describe, respond
from helpers.verdict import wrong

NAME = "losses_and_imbalance"
QUESTIONS = assignment(NAME)
CELLS = build.assignment(REPOSITORY / f"assignments/text/{NAME}.py")["cells"]


def functions(framework, question="", old="", new=""):
    """The functions of the solution, with one change in the answer to a question."""
    names = {"__name__": "notebook"}
    for cell in CELLS:
        source = "".join(cell["source"])
        marked = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if marked == f"{question}_answer":
            assert source.count(old) == 1, (source.count(old), old)
            source = source.replace(old, new)
        if marked.endswith("_answer") or source.startswith(("FRAMEWORK", "import numpy")):
            exec(source.replace('"pytorch"', f'"{framework}"', source.startswith("FRAME")), names)
    return names


def verdicts(question, answer, framework=None, seed=7):
    """What the check says of each case, as in grading."""
    said = []
    for case in QUESTIONS[question].cases(np.random.default_rng(seed)):
        challenge = {"kind": QUESTIONS[question].kind, "inputs": case.inputs}
        try:
            said.append(wrong(case, respond(challenge, answer, framework)))
        except Exception as fault:
            said.append(describe(fault))
    return said


@pytest.mark.parametrize("framework", ["pytorch", "keras"])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_solution_gets_every_point(question, framework, seed):
    answer = functions(framework)[question]
    assert set(verdicts(question, answer, framework, seed)) == {None}


# ---- mistakes: question → framework → the hint's words → what stands in the solution, and instead

LOG_SOFTMAX = "torch.log_softmax(logits, 1)", "keras.ops.log_softmax(logits, -1)"
SOFTMAX = "torch.softmax(logits.permute(0, 2, 3, 1), -1)", "keras.ops.softmax(logits, -1)"
MEAN = (
    "return -log_p.sum() / counts.sum().clamp(min=1)",
    "return -keras.ops.sum(log_p) / keras.ops.maximum(keras.ops.sum(counts), 1)",
)
FOCAL_MEAN = (
    "return -(factor * log_p).sum() / counts.sum().clamp(min=1)",
    "return -keras.ops.sum(factor * log_p) / keras.ops.maximum(keras.ops.sum(counts), 1)",
)
FOCAL = "(1 - log_p.exp()) ** gamma", "(1 - keras.ops.exp(log_p)) ** gamma"
DICE = "(2 * sums(p * t) + smooth) / (sums(p) + sums(t) + smooth)"
TVERSKY = "tp / (tp + alpha * fp + beta * fn + 1e-12)"
PRESENT = (
    "torch.where(present, losses, 0).sum() / present.sum().clamp(min=1)",
    'present = keras.ops.cast(present, "float32")',
)
WEIGHTED = (
    "return -(w * log_p).sum() / w.sum().clamp(min=1e-12)",
    "return -keras.ops.sum(w * log_p) / keras.ops.maximum(keras.ops.sum(w), 1e-12)",
)
GROWTH = (
    "torch.cat([wrong[:1], wrong.diff(dim=0)])",
    "ops.concatenate([wrong[:1], wrong[1:] - wrong[:-1]])",
)

# each: question, words of the hint, (old, new) in PyTorch, (old, new) in Keras; None: not there
MISTAKES = [
    ("cross_entropy", "softmax is taken twice",
     (LOG_SOFTMAX[0], "torch.log_softmax(torch.softmax(logits, 1), 1)"),
     (LOG_SOFTMAX[1], "keras.ops.log_softmax(keras.ops.softmax(logits, -1), -1)")),
    ("cross_entropy", "taken for log-probabilities", (LOG_SOFTMAX[0], "logits"),
     (LOG_SOFTMAX[1], "logits")),
    ("cross_entropy", "runs over the columns", (LOG_SOFTMAX[0], "torch.log_softmax(logits, -1)"),
     (LOG_SOFTMAX[1], "keras.ops.log_softmax(logits, 2)")),
    ("cross_entropy", "runs over the rows", (LOG_SOFTMAX[0], "torch.log_softmax(logits, 2)"),
     (LOG_SOFTMAX[1], "keras.ops.log_softmax(logits, 1)")),
    ("cross_entropy", "it is infinite", (LOG_SOFTMAX[0], "torch.softmax(logits, 1).log()"),
     (LOG_SOFTMAX[1], "keras.ops.where(keras.ops.one_hot(masks, logits.shape[-1]) > 0, "
                      "keras.ops.log(keras.ops.softmax(logits, -1)), 0.0)")),
    ("cross_entropy", "exp of a logit above 88 overflows",
     (LOG_SOFTMAX[0], "(logits.exp() / logits.exp().sum(1, keepdim=True)).log()"),
     (LOG_SOFTMAX[1], "keras.ops.log(keras.ops.exp(logits) / "
                      "keras.ops.sum(keras.ops.exp(logits), -1, keepdims=True))")),
    ("cross_entropy", "the loss stops at 18",
     (LOG_SOFTMAX[0], "torch.log(torch.softmax(logits, 1) + 1e-8)"),
     (LOG_SOFTMAX[1], "keras.ops.log(keras.ops.softmax(logits, -1) + 1e-8)")),
    ("cross_entropy", "the loss stops at 16",
     (LOG_SOFTMAX[0], "torch.softmax(logits, 1).clamp(1e-7, 1).log()"),
     (LOG_SOFTMAX[1], "keras.ops.log(keras.ops.clip(keras.ops.softmax(logits, -1), 1e-7, 1))")),
    ("cross_entropy", "the log is missing", (LOG_SOFTMAX[0], "torch.softmax(logits, 1)"),
     (LOG_SOFTMAX[1], "keras.ops.softmax(logits, -1)")),
    ("cross_entropy", "the sign is wrong", (MEAN[0], MEAN[0].replace("-log", "log")),
     (MEAN[1], MEAN[1].replace("-k", "k"))),
    ("cross_entropy", "ignored pixels are counted below",
     (MEAN[0], "return -log_p.mean()"), (MEAN[1], "return -keras.ops.mean(log_p)")),
    ("cross_entropy", "that is the sum over the pixels: the mean", (MEAN[0], "return -log_p.sum()"),
     (MEAN[1], "return -keras.ops.sum(log_p)")),
    ("cross_entropy", "divided by the number of images",
     (MEAN[0], "return -log_p.sum((1, 2)).mean()"),
     (MEAN[1], "return -keras.ops.mean(keras.ops.sum(log_p, (1, 2)))")),
    ("cross_entropy", "nan where all pixels are ignored",
     (MEAN[0], "return -log_p.sum() / counts.sum()"),
     (MEAN[1], "return -keras.ops.sum(log_p) / keras.ops.sum(counts)")),
    ("cross_entropy", "(255) count for class 0",
     ("return log_p * counts, counts", "return log_p, torch.ones_like(counts)"),
     ("t = keras.ops.one_hot(masks, logits.shape[-1])\n    return",
      "t = keras.ops.one_hot(masks % 255, logits.shape[-1])\n"
      "    counts = counts * 0 + 1\n    return")),
    ("cross_entropy", "each image is averaged for itself",
     (MEAN[0], "return -(log_p.sum((1, 2)) / counts.sum((1, 2)).clamp(min=1)).mean()"),
     (MEAN[1], "return -keras.ops.mean(keras.ops.sum(log_p, (1, 2)) / keras.ops.maximum("
               "keras.ops.sum(counts, (1, 2)), 1))")),
    ("cross_entropy", "nothing could be learnt",
     (MEAN[0], MEAN[0].replace("log_p", "log_p.detach()")),
     (MEAN[1], MEAN[1].replace("(log_p)", "(keras.ops.stop_gradient(log_p))"))),
    ("cross_entropy", "no tensor, so nothing could be learnt",
     (MEAN[0], "return -log_p.sum().item()"), (MEAN[1], "return float(-keras.ops.sum(log_p))")),
    ("cross_entropy", "ignored pixels have a gradient", None,
     (MEAN[1], "each = keras.losses.categorical_crossentropy(keras.ops.one_hot(masks, "
               "logits.shape[-1]), logits, from_logits=True)\n"
               "    return keras.ops.sum(each) / keras.ops.maximum(keras.ops.sum(counts), 1)")),
    ("cross_entropy", "one number is asked for", (MEAN[0], "return -log_p"),
     (MEAN[1], "return -log_p")),
    ("weighted_cross_entropy", "divided by the number of pixels",
     (WEIGHTED[0], "return -(w * log_p).sum() / counts.sum().clamp(min=1)"),
     (WEIGHTED[1], "return -keras.ops.sum(w * log_p) / keras.ops.maximum("
                   "keras.ops.sum(counts), 1)")),
    ("weighted_cross_entropy", "the number of all pixels",
     (WEIGHTED[0], "return -(w * log_p).mean()"),
     (WEIGHTED[1], "return -keras.ops.mean(w * log_p)")),
    ("weighted_cross_entropy", "the sum of the C weights",
     (WEIGHTED[0], "return -(w * log_p).sum() / weights.sum()"),
     (WEIGHTED[1], "return -keras.ops.sum(w * log_p) / keras.ops.sum(weights)")),
    ("weighted_cross_entropy", "below with the weight of class 0",
     ("masks)] * counts", "masks)]"), ("masks)) * counts", "masks))")),
    ("weighted_cross_entropy", "the weight is that of the predicted class",
     ("weights[torch.where(masks == 255, 0, masks)]", "weights[logits.argmax(1)]"),
     ("keras.ops.where(masks == 255, 0, masks)", "keras.ops.argmax(logits, -1)")),
    ("weighted_cross_entropy", "nan where all pixels are ignored",
     (".clamp(min=1e-12)", ""), ("keras.ops.maximum(keras.ops.sum(w), 1e-12)", "keras.ops.sum(w)")),
    ("focal_loss", "the 1 − is missing", (FOCAL[0], "log_p.exp() ** gamma"),
     (FOCAL[1], "keras.ops.exp(log_p) ** gamma")),
    ("focal_loss", "γ multiplies", (FOCAL[0], "(1 - log_p.exp()) * gamma"),
     (FOCAL[1], "(1 - keras.ops.exp(log_p)) * gamma")),
    ("focal_loss", "it should be (1 − p)^γ", (FOCAL[0], "1 - log_p.exp() ** gamma"),
     (FOCAL[1], "1 - keras.ops.exp(log_p) ** gamma")),
    ("focal_loss", "γ is the exponent of the log",
     (FOCAL_MEAN[0], "return ((1 - log_p.exp()) * (-log_p) ** gamma).sum() / "
                     "counts.sum().clamp(min=1)"),
     (FOCAL_MEAN[1], "return keras.ops.sum((1 - keras.ops.exp(log_p)) * (-log_p) ** gamma) / "
                     "keras.ops.maximum(keras.ops.sum(counts), 1)")),
    ("focal_loss", "γ is always 2", ("exp()) ** gamma", "exp()) ** 2"),
     ("exp(log_p)) ** gamma", "exp(log_p)) ** 2")),
    ("focal_loss", "the factor is detached", (FOCAL[0], "(1 - log_p.detach().exp()) ** gamma"),
     (FOCAL[1], "keras.ops.stop_gradient(1 - keras.ops.exp(log_p)) ** gamma")),
    ("focal_loss", "computed once, from the mean loss",
     (FOCAL_MEAN[0], "loss = cross_entropy(logits, masks)\n"
                     "        return (1 - torch.exp(-loss)) ** gamma * loss"),
     (FOCAL_MEAN[1], "loss = cross_entropy(logits, masks)\n"
                     "    return (1 - keras.ops.exp(-loss)) ** gamma * loss")),
    ("focal_loss", "divided by the sum of the factors",
     (FOCAL_MEAN[0], "return -(factor * log_p).sum() / (factor * counts).sum().clamp(min=1e-9)"),
     (FOCAL_MEAN[1], "return -keras.ops.sum(factor * log_p) / keras.ops.maximum("
                     "keras.ops.sum(factor * counts), 1e-9)")),
    ("dice_loss", "the softmax is missing", (SOFTMAX[0], "logits.permute(0, 2, 3, 1)"),
     (SOFTMAX[1], "logits")),
    ("dice_loss", "softmax is taken twice", (SOFTMAX[0], f"torch.softmax({SOFTMAX[0]}, -1)"),
     (SOFTMAX[1], f"keras.ops.softmax({SOFTMAX[1]}, -1)")),
    ("dice_loss", "sigmoid instead of softmax",
     (SOFTMAX[0], "logits.permute(0, 2, 3, 1).sigmoid()"),
     (SOFTMAX[1], "keras.ops.sigmoid(logits)")),
    ("dice_loss", "runs over the rows", (SOFTMAX[0], SOFTMAX[0].replace("-1", "1")),
     (SOFTMAX[1], SOFTMAX[1].replace("-1", "1"))),
    ("dice_loss", "leave out those without a true pixel", (PRESENT[0], "losses.mean()"),
     (PRESENT[1], "present = keras.ops.ones_like(losses)")),
    ("dice_loss", "divided by the number of all classes",
     (PRESENT[0], "torch.where(present, losses, 0).mean()"),
     ("return keras.ops.sum(present * losses) / keras.ops.maximum(keras.ops.sum(present), 1)",
      "return keras.ops.mean(present * losses)")),
    ("dice_loss", "still count in the size of the prediction",
     (f"{SOFTMAX[0]} * counts", SOFTMAX[0]), (f"{SOFTMAX[1]} * counts", SOFTMAX[1])),
    ("dice_loss", "one Dice over all classes together",
     ("maps.sum((0, 1, 2))", "maps.sum()"),
     ("keras.ops.sum(maps, (0, 1, 2))", "keras.ops.sum(maps)")),
]  # fmt: skip
ANY = [  # the same code in both frameworks
    ("dice_loss", "the 2 before the overlap", DICE, DICE.replace("2 *", "")),
    ("dice_loss", "that is Dice itself", "1 - dice,", "dice,"),
    ("dice_loss", "that is −Dice", "1 - dice,", "-dice,"),
    ("dice_loss", "`smooth` is missing", DICE, DICE.replace("+ smooth", "+ 1e-9")),
    ("dice_loss", "`smooth` is always 1", DICE, DICE.replace("+ smooth", "+ 1")),
    ("dice_loss", "stands below only", DICE, DICE.replace("t) + smooth) /", "t)) /")),
    ("dice_loss", "stands above only", DICE, DICE.replace("sums(t) + smooth", "sums(t)")),
    ("dice_loss", "added inside the 2", DICE, DICE.replace("t) + smooth) /", "t) + 2 * smooth) /")),
    ("dice_loss", "p is squared below", DICE, DICE.replace("sums(p) +", "sums(p * p) +")),
    ("tversky_loss", "α and β are swapped", "alpha * fp + beta * fn", "alpha * fn + beta * fp"),
    ("tversky_loss", "that is Dice", "alpha * fp + beta * fn", "0.5 * fp + 0.5 * fn"),
    ("tversky_loss", "that is Jaccard", "alpha * fp + beta * fn", "fp + fn"),
    ("tversky_loss", "always 0.3 and 0.7", "alpha * fp + beta * fn", "0.3 * fp + 0.7 * fn"),
    ("tversky_loss", "β is taken to be 1 − α", "beta * fn", "(1 - alpha) * fn"),
    ("tversky_loss", "the Tversky index itself", "1 - tp", "tp"),
    ("tversky_loss", "are all of p", "sums(p * (1 - t))", "sums(p)"),
    ("tversky_loss", "are all of t", "sums((1 - p) * t)", "sums(t)"),
    ("tversky_loss", "TP counts twice", TVERSKY, TVERSKY.replace("tp", "2 * tp")),
]
MISTAKES += [(question, hint, (old, new), (old, new)) for question, hint, old, new in ANY]
MISTAKES += [
    ("tversky_loss", "nan where all pixels are ignored", (" + 1e-12", ""), (" + 1e-12", "")),
    ("lovasz_loss", "sorted from small to large", (", descending=True", ""), ("-errors", "errors")),
    ("lovasz_loss", "weighed by 1 − IoU itself", (GROWTH[0], "wrong"), (GROWTH[1], "wrong")),
    ("lovasz_loss", "makes the union larger", (" + (1 - true).cumsum(0)", ""),
     ("(area + ops.cumsum(1 - true, 0))", "ops.maximum(area, 1)")),
    ("lovasz_loss", "there are no weights yet",
     ("(errors * weights).sum(0)", "errors.mean(0)"),
     ("ops.sum(errors * weights, 0)", "ops.mean(errors, 0)")),
    ("lovasz_loss", "one place off", (GROWTH[0], f"torch.cat([0 * wrong[:1], {GROWTH[0]}[:-1]])"),
     (GROWTH[1], f"ops.concatenate([0 * wrong[:1], {GROWTH[1]}[:-1]])")),
    ("lovasz_loss", "the errors are not sorted",
     ("errors, order = (t - p).abs().flatten(0, 2).sort(0, descending=True)",
      "errors = (t - p).abs().flatten(0, 2)\n"
      "        order = torch.arange(len(errors))[:, None].expand_as(errors)"),
     ("(ops.take_along_axis(values, order, 0) for values in (errors, true))", "errors, true")),
]  # fmt: skip
CASES = [
    pytest.param(question, framework, hint, *change, id=f"{question}-{hint[:30]}-{framework}")
    for question, hint, *changes in MISTAKES
    for framework, change in zip(("pytorch", "keras"), changes, strict=True)
    if change
]


@pytest.mark.parametrize(("question", "framework", "hint", "old", "new"), CASES)
def test_mistakes_in_real_code_are_caught_and_named(question, framework, hint, old, new):
    answer = functions(framework, question, old, new)[question]
    said = verdicts(question, answer, framework)
    assert any(hint in fault for fault in said if fault), said


@pytest.mark.parametrize(
    ("hint", "old", "new"),
    [
        ("number of classes present is missing", " / present.sum()", ""),
        ("divided by the number of all classes", "present.sum()", "classes"),
        ("that is 1 / pixels", "pixels.sum() / pixels[present] / present.sum()",
         "1 / pixels[present]"),
        ("those images only", "shown[present]", "counts.sum()"),
        ("take their median", "np.median", "np.mean"),
        ("both rules give the inverse", 'rule == "inverse"', "True"),
        ("both rules give the median", 'rule == "inverse"', "False"),
        ("gets nan", "np.zeros(classes)", "np.full(classes, np.nan)"),
        ("gets the weight 1", "np.zeros(classes)", "np.ones(classes)"),
        ("infinite weight", "np.zeros(classes)", "np.full(classes, np.inf)"),
        ("counted as class 0", "(masks[", "((masks % 255)["),
        ("counted in the number of pixels", "counts.sum(1)", "np.full(len(masks), masks[0].size)"),
        ("counted in the number of pixels", "pixels.sum()", "masks.size"),
        ("sum to 1", "return weights", "return weights / weights.sum()"),
        ("mean 1", "return weights", "return weights / weights.mean()"),
        ("the largest is 1", "return weights", "return weights / weights.max()"),
        ("upside down", "return weights",
         "return np.divide(1, weights, where=weights > 0, out=0 * weights)"),
        ("absent ones, with frequency 0", "np.median(frequency)",
         "np.median(pixels / np.maximum(shown, 1))"),
    ],
)  # fmt: skip
def test_mistakes_in_weights_are_caught_and_named(hint, old, new):
    said = verdicts(
        "class_weights", functions("pytorch", "class_weights", old, new)["class_weights"]
    )
    assert any(hint in fault for fault in said if fault), said


def test_every_question_has_many_mistakes_of_real_code():
    by_question = {q: {hint for name, hint, *_ in MISTAKES if name == q} for q in QUESTIONS}
    assert all(len(hints) >= 6 for q, hints in by_question.items() if q != "class_weights")
    assert sum(map(len, by_question.values())) >= 60


# ---- right in another way


def torch_ways():
    import torch
    from torch.nn import functional as F

    def builtin(logits, masks, weights=None):
        loss = F.cross_entropy(logits, masks, weights, ignore_index=255)
        return logits.sum() * 0 if (masks == 255).all() else loss

    def in_double(logits, masks):
        return cross_entropy_of_list(logits.double(), masks).float()

    def cross_entropy_of_list(logits, masks):
        z, ids = logits.movedim(1, -1)[masks < 255], masks[masks < 255]
        losses = z.logsumexp(-1) - z[torch.arange(len(ids)), ids]
        return losses.sum() / max(len(ids), 1)

    def weighted_by_loop(logits, masks, weights):
        log_p, above, below = F.log_softmax(logits, 1), 0 * logits.sum(), 0
        for c, w in enumerate(weights):
            here = masks == c
            above = above - w * log_p[:, c][here].sum()
            below = below + w * here.sum()
        return above / below if below > 0 else above

    def focal_by_cross_entropy(logits, masks, gamma):
        each = F.cross_entropy(logits, masks, ignore_index=255, reduction="none")
        return ((1 - torch.exp(-each)).pow(gamma) * each).sum() / max((masks < 255).sum(), 1)

    def counts(logits, masks):
        y = torch.stack([masks == c for c in range(logits.shape[1])], 1).float()
        p = logits.softmax(1) * (masks < 255)[:, None]
        return torch.einsum("nchw,nchw->c", p, y), p.sum((0, 2, 3)), y.sum((0, 2, 3))

    def dice_by_einsum(logits, masks, smooth):
        overlap, p, y = counts(logits, masks)
        kept = [1 - (2 * overlap[c] + smooth) / (p[c] + y[c] + smooth) for c in y.nonzero()[:, 0]]
        return sum(kept) / len(kept) if kept else 0 * logits.sum()

    def tversky_by_sums(logits, masks, alpha, beta):
        tp, p, y = counts(logits, masks)
        index = tp / (tp + alpha * (p - tp) + beta * (y - tp)).clamp(min=1e-9)
        return ((1 - index) * (y > 0)).sum() / (y > 0).sum().clamp(min=1)

    def lovasz_by_loop(logits, masks):
        p, y = logits.softmax(1).movedim(1, -1)[masks < 255], masks[masks < 255]
        losses = []
        for c in y.unique():
            t = (y == c).float()
            errors, order = torch.sort((t - p[:, c]).abs(), descending=True)
            t = t[order]
            loss, before = 0, 0
            for k in range(len(t)):
                now = 1 - t[k + 1 :].sum() / (t.sum() + (1 - t[: k + 1]).sum())
                loss, before = loss + errors[k] * (now - before), now
            losses.append(loss)
        return torch.stack(losses).mean() if losses else 0 * logits.sum()

    return {
        "cross_entropy": [builtin, in_double, cross_entropy_of_list],
        "weighted_cross_entropy": [builtin, weighted_by_loop],
        "focal_loss": [focal_by_cross_entropy],
        "dice_loss": [dice_by_einsum],
        "tversky_loss": [tversky_by_sums],
        "lovasz_loss": [lovasz_by_loop],
    }


def keras_ways():
    import tensorflow as tf

    from helpers.keras import keras

    ops = keras.ops

    def builtin(logits, masks):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
        return loss(masks, logits)

    def by_boolean_mask(logits, masks):
        counted = masks < 255
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(masks[counted], logits[counted])
        return tf.reduce_sum(each) / tf.maximum(tf.cast(tf.size(each), each.dtype), 1)

    def weighted_by_gather(logits, masks, weights):
        place = tf.where(masks < 255)
        ids, z = tf.gather_nd(masks, place), tf.gather_nd(logits, place)
        w = tf.gather(weights, ids)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(ids, z)
        return tf.math.divide_no_nan(tf.reduce_sum(w * each), tf.reduce_sum(w))

    def focal_by_power(logits, masks, gamma):
        t = ops.one_hot(masks, logits.shape[-1])
        counted = ops.sum(t, -1)
        each = keras.losses.categorical_crossentropy(t, logits, from_logits=True) * counted
        factor = ops.power(1 - ops.sum(t * ops.softmax(logits), -1), gamma)
        return ops.sum(factor * each) / max(int(ops.sum(t)), 1)

    def counts(logits, masks):
        y = ops.one_hot(masks, logits.shape[-1])
        p = ops.softmax(logits) * ops.sum(y, -1, keepdims=True)
        return [tf.einsum("nhwc->c", x) for x in (p * y, p, y)]

    def dice_by_loop(logits, masks, smooth):
        losses = [
            1 - (2 * tp + smooth) / (p + y + smooth)
            for tp, p, y in zip(*(list(x) for x in counts(logits, masks)), strict=True)
            if y > 0
        ]
        return tf.add_n(losses) / len(losses) if losses else 0 * tf.reduce_sum(logits)

    def tversky_by_divide_no_nan(logits, masks, alpha, beta):
        tp, p, y = counts(logits, masks)
        index = tf.math.divide_no_nan(tp, tp + alpha * (p - tp) + beta * (y - tp))
        present = tf.cast(y > 0, tp.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(present * (1 - index)), tf.reduce_sum(present))

    def lovasz_by_top_k(logits, masks):
        p, y = ops.softmax(logits)[masks < 255], masks[masks < 255]
        losses = []
        for c in np.unique(y):
            t = tf.cast(y == c, p.dtype)
            errors, order = tf.math.top_k(tf.abs(t - p[:, c]), len(y))
            t = tf.gather(t, order).numpy()
            union = t.sum() + (1 - t).cumsum()
            jaccard = 1 - (t.sum() - t.cumsum()) / union
            losses.append(tf.tensordot(errors, np.diff(jaccard, prepend=np.float32(0)), 1))
        return tf.add_n(losses) / len(losses) if losses else 0 * tf.reduce_sum(logits)

    return {
        "cross_entropy": [builtin, by_boolean_mask],
        "weighted_cross_entropy": [weighted_by_gather],
        "focal_loss": [focal_by_power],
        "dice_loss": [dice_by_loop],
        "tversky_loss": [tversky_by_divide_no_nan],
        "lovasz_loss": [lovasz_by_top_k],
    }


WAYS = {"pytorch": torch_ways, "keras": keras_ways}


@pytest.mark.parametrize("framework", WAYS)
@pytest.mark.parametrize("question", [q for q in QUESTIONS if q != "class_weights"])
def test_other_ways_are_right(question, framework):
    for answer in WAYS[framework]()[question]:
        for seed in (1, 2, 3):
            assert set(verdicts(question, answer, framework, seed)) == {None}, answer.__name__


def weights_by_loop(masks, classes, rule):
    pixels, weights = [int((masks == c).sum()) for c in range(classes)], []
    shares = []
    for c in range(classes):
        of_images = sum(int((mask != 255).sum()) for mask in masks if (mask == c).any())
        shares.append(pixels[c] / of_images if of_images else None)
    middle = np.median([share for share in shares if share])
    for c in range(classes):
        if not pixels[c]:
            weights.append(0)
        elif rule == "inverse":
            weights.append(sum(pixels) / (pixels[c] * sum(n > 0 for n in pixels)))
        else:
            weights.append(middle / shares[c])
    return weights


def weights_by_helpers(masks, classes, rule):
    from helpers import class_weights

    counts = class_weights.count(masks, classes)
    return getattr(class_weights, f"{rule}_frequency")(counts).astype(np.float32)


@pytest.mark.parametrize("answer", [weights_by_loop, weights_by_helpers])
def test_other_ways_to_weights_are_right(answer):
    for seed in (1, 2, 3):
        assert set(verdicts("class_weights", answer, seed=seed)) == {None}


# ---- the text


def test_the_shares_stand_in_the_text():
    text = "".join("".join(c["source"]) for c in CELLS if c["cell_type"] == "markdown")
    sections = re.split(r"^## \d · ", text, flags=re.MULTILINE)[2:]
    for section, question in zip(sections, QUESTIONS.values(), strict=False):
        shares = [int(share) / 100 for share in re.findall(r"\| (\d+) % \|", section)]
        assert shares == list(question.parts.values()), section[:40]
