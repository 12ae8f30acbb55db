"""Checks of the Lovász-softmax loss (Berman, Rannen Triki and Blaschko 2018, arXiv:1705.08790).

References take a stack of logits, ...×N×H×W×C; see losses.py.
"""

import numpy as np

from grader.checks.losses import EMPTY_MISTAKES, draw, loss_case, softmax
from grader.checks.overlap_losses import divided, maps, mean_over_present, tversky_loss
from helpers.verdict import Case

# ---- lovasz_loss(logits, masks)


def lovasz_loss(
    logits,
    masks,
    activation=softmax,
    weigh=None,
    sort=None,
    ignore=True,
    carry=True,
    times=None,
    **mean,
):
    keep = (masks != 255) | (not ignore)
    p, t = maps(logits, masks, activation, ignore)
    p, kept = p[..., keep, :], t[keep]
    errors = np.where(kept == 1, 1 - p, p)
    order = (sort or from_large_to_small)(errors.real)
    errors = np.take_along_axis(errors, order, -2)
    true = np.broadcast_to(kept, errors.shape)
    true = np.take_along_axis(true, order, -2) if carry else true
    times = times(masks) if times else 1
    return mean_over_present((errors * (weigh or growth)(true)).sum(-2) * times, t, **mean)


def from_large_to_small(errors):
    return np.argsort(-errors, axis=-2, kind="stable")


def one_minus_iou(true):
    """1 − IoU if the first pixels, down to each one, are given the wrong label."""
    area = true.sum(-2, keepdims=True)
    intersection = area - true.cumsum(-2)
    union = area + (1 - true).cumsum(-2)
    return 1 - divided(intersection, union)


def growth(true):
    values = one_minus_iou(true)
    return np.diff(values, axis=-2, prepend=0)


def lovasz_per_image(logits, masks):
    each = [
        lovasz_loss(logits[..., n : n + 1, :, :, :], masks[n : n + 1]) for n in range(len(masks))
    ]
    return sum(each) / len(masks)


def soft_jaccard(logits, masks):
    return tversky_loss(logits, masks, 1, 1)


def union_without_others(true):
    area = true.sum(-2, keepdims=True)
    return np.diff(1 - divided(area - true.cumsum(-2), area + 0 * true), axis=-2, prepend=0)


def one_too_late(true):
    """The weights of the pixel before."""
    return np.roll(growth(true), 1, -2) * (np.arange(true.shape[-2]) > 0)[:, None]


LOVASZ_MISTAKES = {
    "the errors are sorted from small to large: the largest comes first": (
        lambda z, m: lovasz_loss(z, m, sort=lambda e: np.argsort(e, axis=-2, kind="stable"))
    ),
    "the errors are not sorted": (
        lambda z, m: lovasz_loss(
            z, m, sort=lambda e: np.broadcast_to(np.arange(e.shape[-2])[:, None], e.shape)
        )
    ),
    "each error is weighed by 1 − IoU itself: take what it grows by from the pixel before": (
        lambda z, m: lovasz_loss(z, m, weigh=one_minus_iou)
    ),
    "pixels of other classes cost nothing: their errors are |t − p|, without a sign, and each "
    "makes the union larger": (lambda z, m: lovasz_loss(z, m, weigh=union_without_others)),
    "the weights are one place off: the first pixel has the first weight": (
        lambda z, m: lovasz_loss(z, m, weigh=one_too_late)
    ),
    "the errors are averaged: there are no weights yet": (
        lambda z, m: lovasz_loss(z, m, weigh=lambda t: np.full(t.shape, 1 / max(t.shape[-2], 1)))
    ),
    "t is not carried along: sort it as the errors are sorted": (
        lambda z, m: lovasz_loss(z, m, carry=False)
    ),
    "the products are averaged over the pixels: sum them up, the weights add up to 1": (
        lambda z, m: lovasz_loss(z, m, times=lambda masks: 1 / masks.size)
    ),
    "that is soft Jaccard": soft_jaccard,
    "the softmax is missing: the errors are |t − p|": lambda z, m: lovasz_loss(z, m, lambda x: x),
    "softmax is taken twice": lambda z, m: lovasz_loss(z, m, lambda x: softmax(softmax(x))),
    "it is taken per image and then averaged: sort the pixels of the whole batch": lovasz_per_image,
    "the classes are summed up: take their mean": (
        lambda z, m: lovasz_loss(z, m) * len(np.unique(m[m < 255]))
    ),
    "the mean runs over all classes: leave out those without a true pixel": (
        lambda z, m: lovasz_loss(z, m, all_of_them=True)
    ),
    "ignored pixels (255) are sorted in with the others: leave them out": (
        lambda z, m: lovasz_loss(z, m, ignore=False)
    ),
}


def draw_apart(rng: np.random.Generator, kind: str, images: int) -> list[np.ndarray]:
    """Like `draw`, with errors so far apart that 32 bits sort them as 64 do."""
    while True:
        logits, masks = draw(rng, kind, images)
        p, t = maps(logits.astype(np.float64), masks, ignore=False)
        errors = np.sort(np.abs(t - p).reshape(-1, p.shape[-1]), axis=0)
        if np.diff(errors, axis=0).min() > 1e-5:
            return [logits, masks]


def lovasz_cases(rng: np.random.Generator) -> list[Case]:
    return [
        loss_case(part, draw_apart(rng, kind, images), lovasz_loss, LOVASZ_MISTAKES, EMPTY_MISTAKES)
        for part, kind, images in (
            ("values", "plain", 1),
            ("values", "plain", 3),
            ("absent and ignored", "absent", 2),
            ("absent and ignored", "ignored", 2),
            ("absent and ignored", "all ignored", 2),
        )
    ]
