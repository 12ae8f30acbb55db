"""Right answers to losses_and_imbalance; those for Keras stand in keras_losses.py."""

from tests.right import keras_losses
from tests.right.answer import Right

RIGHT = [
    Right(
        "class_weights",
        "bincount of each image, nan where a class is absent",
        """
def class_weights(masks, classes, rule):
    counts = np.array([np.bincount(m[m < 255], minlength=classes)[:classes] for m in masks])
    total = counts.sum(axis=0).astype(float)
    total[total == 0] = np.nan
    if rule == "median":
        sizes = np.where(counts, counts.sum(axis=1, keepdims=True), 0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            frequency = total / sizes
        weights = np.nanmedian(frequency) / frequency
    else:
        weights = np.nansum(total) / (total * np.isfinite(total).sum())
    return np.nan_to_num(weights, nan=0).astype(np.float32)
""",
    ),
    Right(
        "class_weights",
        "exact fractions in a list",
        """
from fractions import Fraction
from statistics import median

def class_weights(masks, classes, rule):
    counted = [[int((mask == c).sum()) for c in range(classes)] for mask in masks]
    pixels = [sum(column) for column in zip(*counted)]
    present = [c for c in range(classes) if pixels[c]]

    def frequency(c):
        return Fraction(pixels[c], sum(sum(row) for row in counted if row[c]))

    if rule == "inverse":
        weight = {c: Fraction(sum(pixels), pixels[c] * len(present)) for c in present}
    else:
        middle = median(frequency(c) for c in present)
        weight = {c: middle / frequency(c) for c in present}
    return [weight.get(c, 0) for c in range(classes)]
""",
        "keras",
    ),
    Right(
        "cross_entropy",
        "a module around nn.NLLLoss",
        """
class CrossEntropy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.nll = torch.nn.NLLLoss(ignore_index=255, reduction="sum")

    def forward(self, logits, masks):
        total = self.nll(logits.log_softmax(dim=1), masks)
        return total / torch.count_nonzero(masks != 255).clamp_min(1)

cross_entropy = CrossEntropy()
""",
    ),
    Right(
        "cross_entropy",
        "log-sum-exp by hand, with the largest subtracted; one number in an array",
        """
def cross_entropy(logits, masks):
    z = logits - logits.amax(1, keepdim=True).detach()
    log_sum = z.exp().sum(1).log()
    total, count = logits.new_zeros(1), 0
    for c in range(logits.shape[1]):
        here = masks == c
        total = total + (log_sum - z[:, c])[here].sum()
        count = count + here.sum()
    return total / max(int(count), 1) + 0.0 * logits.sum()
""",
    ),
    Right(
        "cross_entropy",
        "a gradient by hand, in an autograd.Function",
        """
class Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, masks):
        counted = masks != 255
        t = torch.zeros_like(logits).scatter_(1, (masks * counted)[:, None], 1.0)
        t = t * counted[:, None]
        ctx.save_for_backward((logits.softmax(1) * counted[:, None] - t) / counted.sum().clamp(1))
        return -(t * logits.log_softmax(1)).sum() / counted.sum().clamp(1)

    @staticmethod
    def backward(ctx, gradient):
        (slope,) = ctx.saved_tensors
        return gradient * slope, None

def cross_entropy(logits, masks):
    return Loss.apply(logits, masks)
""",
    ),
    Right(
        "weighted_cross_entropy",
        "F.cross_entropy, whose mean is weighted, where anything counts",
        """
import torch.nn.functional as F

def weighted_cross_entropy(logits, masks, weights):
    if bool((masks == 255).all()):
        return logits.mul(0).sum()
    return F.cross_entropy(logits, masks, weight=weights, ignore_index=255, reduction="mean")
""",
    ),
    Right(
        "weighted_cross_entropy",
        "einsum over one-hot maps in float64",
        """
def weighted_cross_entropy(logits, masks, weights):
    table = torch.cat([torch.eye(logits.shape[1]), torch.zeros(256, logits.shape[1])])
    t = table[masks].double()
    log_p = torch.log_softmax(logits.double(), 1)
    above = torch.einsum("nhwc,nchw,c->", t, log_p, weights.double())
    below = torch.einsum("nhwc,c->", t, weights.double())
    return -above / (below + (below == 0))
""",
    ),
    Right(
        "focal_loss",
        "expm1, and a class with settings",
        """
class Focal:
    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, logits, masks):
        kept = masks.ne(255)
        z = logits.permute(0, 2, 3, 1)[kept]
        log_p = torch.log_softmax(z, -1)[torch.arange(len(z)), masks[kept]]
        each = -((-torch.expm1(log_p)) ** self.gamma) * log_p
        return each.sum() / max(1, len(each))

def focal_loss(logits, masks, gamma):
    return Focal(gamma)(logits, masks)
""",
    ),
    Right(
        "focal_loss",
        "the other classes' share, take_along_dim",
        """
def focal_loss(logits, masks, gamma):
    ids = masks.masked_fill(masks == 255, 0).unsqueeze(1)
    p = torch.take_along_dim(logits.softmax(1), ids, 1).squeeze(1)
    log_p = torch.take_along_dim(logits.log_softmax(1), ids, 1).squeeze(1)
    loss = torch.pow(1 - p, gamma) * log_p.neg()
    loss = torch.where(masks == 255, torch.zeros_like(loss), loss)
    return loss.sum().div((masks != 255).sum().clamp(min=1))
""",
    ),
    Right(
        "dice_loss",
        "scatter, flattened pixels, matrix products",
        """
def dice_loss(logits, masks, smooth):
    classes = logits.size(1)
    z, y = logits.movedim(1, -1).reshape(-1, classes), masks.reshape(-1)
    kept = (y < 255).float()
    p = torch.softmax(z, dim=-1)
    t = torch.zeros_like(p).scatter(1, (y % 255)[:, None] % classes, 1.0) * kept[:, None]
    overlap = torch.diagonal(p.T @ t)
    dice = (2 * overlap + smooth) / (kept @ p + t.sum(0) + smooth)
    present = t.any(0)
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)
""",
    ),
    Right(
        "dice_loss",
        "one class after the other, in double precision",
        """
def dice_loss(logits, masks, smooth):
    counted = masks != 255
    p = torch.softmax(logits.double(), 1)
    losses = []
    for c in torch.unique(masks[counted]).tolist():
        pc, tc = p[:, c][counted], (masks[counted] == c).double()
        losses.append(1 - (2 * torch.dot(pc, tc) + smooth) / (pc.sum() + tc.sum() + smooth))
    if not losses:
        return (logits * 0).sum()
    return torch.stack(losses).mean()
""",
    ),
    Right(
        "tversky_loss",
        "boolean maps and addcmul",
        """
def tversky_loss(logits, masks, alpha, beta):
    ids = torch.arange(logits.shape[1]).view(1, -1, 1, 1)
    true = masks[:, None] == ids
    counted = (masks != 255)[:, None]
    p = logits.softmax(1)
    axes = (0, 2, 3)
    hit = (p * true).sum(axes)
    false = (p * (~true & counted)).sum(axes)
    missed = ((1 - p) * true).sum(axes)
    present = true.sum(axes) > 0
    if not present.any():
        return 0.0 * logits.sum()
    index = hit / (hit + alpha * false + beta * missed)
    return 1 - index[present].mean()
""",
    ),
    Right(
        "tversky_loss",
        "index_add over the pixels",
        """
def tversky_loss(logits, masks, alpha, beta):
    kept = masks != 255
    ids, p = masks[kept], logits.softmax(1).permute(0, 2, 3, 1)[kept]
    zero = logits.new_zeros(logits.shape[1])
    own = p.gather(1, ids[:, None]).squeeze(1) if len(ids) else p.sum(1)
    hit = zero.index_add(0, ids, own)
    area = zero.index_add(0, ids, torch.ones_like(own))
    below = hit + alpha * (p.sum(0) - hit) + beta * (area - hit)
    safe = torch.where(below > 0, below, torch.ones_like(below))
    known = (area > 0).float()
    return (known * (1 - hit / safe)).sum() / known.sum().clamp(min=1)
""",
    ),
    Right(
        "lovasz_loss",
        "weights without a gradient, as Berman and others wrote it",
        """
def growth(true):
    area = true.sum()
    jaccard = 1 - (area - true.cumsum(0)) / (area + (1 - true).cumsum(0))
    jaccard[1:] = jaccard[1:] - jaccard[:-1].clone()
    return jaccard

def lovasz_loss(logits, masks):
    flat = logits.softmax(1).permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
    labels = masks.view(-1)
    flat, labels = flat[labels != 255], labels[labels != 255]
    if labels.numel() == 0:
        return flat.sum() * 0.0 + logits.sum() * 0.0
    losses = []
    for c in range(flat.shape[1]):
        true = (labels == c).float()
        if true.sum() == 0:
            continue
        errors = (true - flat[:, c]).abs()
        order = torch.argsort(errors.detach(), descending=True)
        with torch.no_grad():
            weights = growth(true[order])
        losses.append(torch.dot(errors[order], weights))
    return sum(losses) / len(losses)
""",
    ),
    Right(
        "lovasz_loss",
        "all classes at once, the order from NumPy",
        """
def lovasz_loss(logits, masks):
    kept = masks != 255
    p = logits.softmax(1).movedim(1, -1)[kept].double()
    t = torch.nn.functional.one_hot(masks[kept], logits.shape[1]).double()
    if not len(t):
        return logits.sum() * 0
    e = torch.abs(t - p)
    order = torch.from_numpy(np.argsort(-e.detach().numpy(), axis=0, kind="stable").copy())
    e, s = torch.take_along_dim(e, order, 0), torch.take_along_dim(t, order, 0)
    area = s.sum(0)
    j = 1 - (area - s.cumsum(0)) / (area + (1 - s).cumsum(0))
    g = torch.diff(j, dim=0, prepend=torch.zeros(1, s.shape[1], dtype=j.dtype))
    return torch.einsum("kc,kc->c", e, g)[area > 0].mean().float()
""",
    ),
    *keras_losses.RIGHT,
]
