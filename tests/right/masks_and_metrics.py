"""Right answers to masks_and_metrics."""

from tests.right.answer import Right

RIGHT = [
    Right(
        "to_ids",
        "np.unique over palette and picture",
        """
def to_ids(picture, palette):
    both = np.concatenate([palette, picture.reshape(-1, 3)])
    _, place = np.unique(both, axis=0, return_inverse=True)
    place = place.ravel()
    table = np.full(place.max() + 1, 255)
    table[place[: len(palette)]] = range(len(palette))
    return table[place[len(palette) :]].reshape(picture.shape[:2])
""",
    ),
    Right(
        "to_ids",
        "a torch tensor comes back",
        """
import torch

def to_ids(picture, palette):
    same = (torch.tensor(picture)[:, :, None] == torch.tensor(palette)).all(-1)
    ids = same.int().argmax(-1)
    ids[~same.any(-1)] = 255
    return ids
""",
    ),
    Right(
        "prepare_label",
        "Pillow alone; a picture comes back",
        """
def prepare_label(label, height, width):
    red = Image.fromarray(label).getchannel("R")
    start = 496 * red.height // 600
    lower = red.crop((0, start, red.width, red.height))
    red.paste(lower.point(lambda value: 0 if value == 10 else value), (0, start))
    return red.resize((width, height), Image.Resampling.NEAREST)
""",
    ),
    Right(
        "prepare_label",
        "the most frequent id of each block",
        """
def prepare_label(label, height, width):
    full = np.asarray(label)[..., 0].astype(np.int16)
    rows, columns = full.shape
    hood = (np.indices(full.shape)[0] >= rows * 496 // 600) & (full == 10)
    full = np.where(hood, 0, full)
    result = np.zeros((height, width), int)
    for r in range(height):
        for c in range(width):
            block = full[
                r * rows // height : (r + 1) * rows // height,
                c * columns // width : (c + 1) * columns // width,
            ]
            result[r, c] = np.bincount(block.ravel()).argmax()
    return result
""",
    ),
    Right(
        "confusion",
        "np.histogram2d: counts as floats",
        """
def confusion(truth, prediction, classes):
    kept = truth != 255
    edges = np.arange(classes + 1) - 0.5
    return np.histogram2d(truth[kept], prediction[kept], [edges, edges])[0]
""",
    ),
    Right(
        "confusion",
        "Counter of pairs",
        """
from collections import Counter

def confusion(truth, prediction, classes):
    pairs = Counter(zip(truth.ravel().tolist(), prediction.ravel().tolist()))
    return [[pairs[row, column] for column in range(classes)] for row in range(classes)]
""",
    ),
    Right(
        "confusion",
        "a sparse matrix of SciPy",
        """
from scipy.sparse import coo_array

def confusion(truth, prediction, classes):
    t, p = (mask[truth != 255].astype(np.intp) for mask in (truth, prediction))
    return coo_array((np.ones(len(t), int), (t, p)), (classes, classes)).todense()
""",
    ),
    Right(
        "accuracies",
        "longdouble",
        """
def accuracies(matrix):
    matrix = np.array(matrix, np.longdouble)
    with np.errstate(all="ignore"):
        return matrix.trace() / matrix.sum(), np.diagonal(matrix) / matrix.sum(axis=1)
""",
    ),
    Right(
        "accuracies",
        "fractions, in a list of two",
        """
from fractions import Fraction

def accuracies(matrix):
    def share(part, whole):
        return Fraction(int(part), int(whole)) if whole else float("nan")

    per_class = [share(row[k], row.sum()) for k, row in enumerate(matrix)]
    return [share(np.trace(matrix), matrix.sum()), per_class]
""",
    ),
    Right(
        "iou_and_dice",
        "both rows of one array",
        """
def iou_and_dice(matrix):
    hit, areas = matrix.diagonal(), matrix.sum(0) + matrix.sum(1)
    below = np.stack([areas - hit, areas]).astype(float)
    below[below == 0] = np.nan
    return np.stack([hit, 2 * hit]) / below
""",
    ),
    Right(
        "iou_and_dice",
        "einsum, and masked where there is nothing",
        """
def iou_and_dice(matrix):
    hit = np.einsum("ii->i", matrix)
    areas = np.einsum("ij->i", matrix) + np.einsum("ij->j", matrix)
    areas = np.ma.masked_equal(areas, 0)
    dice = 2 * hit / areas
    return dice / (2 - dice), dice
""",
    ),
    Right(
        "mean_ious",
        "a class that adds up; warnings on the way",
        """
class Seen:
    def __init__(self, classes):
        self.matrix = np.zeros((classes, classes))

    def add(self, truth, prediction):
        for t, p in zip(truth.flat, prediction.flat):
            if t != 255:
                self.matrix[t, p] += 1
        return self

    def mean(self):
        hit = np.diag(self.matrix)
        return np.nanmean(hit / (self.matrix.sum(0) + self.matrix.sum(1) - hit))

def mean_ious(truths, predictions, classes):
    images = [Seen(classes).add(t, p) for t, p in zip(truths, predictions)]
    pooled = Seen(classes)
    pooled.matrix = sum(image.matrix for image in images)
    return pooled.mean(), np.nanmean([image.mean() for image in images])
""",
    ),
    Right(
        "mean_ious",
        "all images at once, from one-hot maps",
        """
def mean_ious(truths, predictions, classes):
    ids, counted = np.arange(classes), (truths != 255)[..., None]
    t, p = ((masks[..., None] == ids) & counted for masks in (truths, predictions))
    both = np.einsum("nhwc,nhwc->nc", t.astype(np.float32), p.astype(np.float32))
    either = (t | p).sum((1, 2))

    def mean(above, below):
        values = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
        known = np.isfinite(values)
        count = known.sum(-1)
        total = np.where(known, values, 0).sum(-1)
        return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)

    each = mean(both, either)
    each = each[~np.isnan(each)]
    return [mean(both.sum(0), either.sum(0)), each.mean() if each.size else np.nan]
""",
    ),
    Right(
        "challenge_score",
        "precision and recall in float32, with torch",
        """
import torch

def challenge_score(truths, predictions, frames_per_second):
    t, p = torch.from_numpy(truths), torch.from_numpy(predictions)
    score = 0
    for ids, beta in (((10,), 2.0), ((6, 7), 0.5)):
        true, found = (torch.isin(m, torch.tensor(ids)).float() for m in (t, p))
        hit = (true * found).sum()
        if hit > 0:
            precision, recall = hit / found.sum(), hit / true.sum()
            below = beta**2 * precision + recall
            score = score + (1 + beta**2) * precision * recall / below
    return 50 * score - max(0, 10 - frames_per_second)
""",
    ),
    Right(
        "challenge_score",
        "counted pixel by pixel",
        """
def challenge_score(truths, predictions, frames_per_second):
    counts = {"vehicle": [0, 0, 0], "road": [0, 0, 0]}
    for t, p in zip(truths.ravel().tolist(), predictions.ravel().tolist()):
        for name, ids in (("vehicle", {10}), ("road", {6, 7})):
            counts[name][0] += t in ids and p in ids
            counts[name][1] += t in ids and p not in ids
            counts[name][2] += t not in ids and p in ids

    def f(tp, fn, fp, square):
        return (1 + square) * tp / ((1 + square) * tp + square * fn + fp) if tp else 0

    mean = (f(*counts["vehicle"], 4) + f(*counts["road"], 1 / 4)) / 2
    if frames_per_second >= 10:
        return np.array([100 * mean]).item()
    return 100 * mean - 10 + frames_per_second
""",
    ),
    Right(
        "best_threshold",
        "all thresholds at once",
        """
def best_threshold(truth, probabilities, thresholds, beta):
    found = probabilities[None] >= np.asarray(thresholds)[:, None, None]
    hit = np.count_nonzero(found & truth, axis=(1, 2))
    size = np.count_nonzero(found, axis=(1, 2))
    below = np.maximum(beta**2 * truth.sum() + size, 1)
    scores = (1 + beta**2) * hit / below
    return np.array([thresholds[scores.argmax()], scores.max()])
""",
    ),
    Right(
        "best_threshold",
        "max with a key, and scikit-learn",
        """
from sklearn.metrics import fbeta_score

def best_threshold(truth, probabilities, thresholds, beta):
    def score(t):
        cut = (probabilities >= t).ravel()
        return fbeta_score(truth.ravel(), cut, beta=beta, zero_division=0)

    best = max(thresholds, key=lambda t: (score(t), -t))
    return best, score(best)
""",
    ),
    Right(
        "boundary_f1",
        "k-d trees",
        """
from scipy.spatial import cKDTree

def boundary_f1(truth, prediction, tolerance):
    def line(mask):
        edge = np.zeros(mask.shape, bool)
        edge[1:] |= mask[1:] & ~mask[:-1]
        edge[:-1] |= mask[:-1] & ~mask[1:]
        edge[:, 1:] |= mask[:, 1:] & ~mask[:, :-1]
        edge[:, :-1] |= mask[:, :-1] & ~mask[:, 1:]
        return np.transpose(np.nonzero(edge))

    a, b = line(truth), line(prediction)
    if a.size == b.size == 0:
        return np.float32("nan")
    if a.size == 0 or b.size == 0:
        return 0
    recall = np.mean(cKDTree(b).query(a)[0] <= tolerance + 1e-9)
    precision = np.mean(cKDTree(a).query(b)[0] <= tolerance + 1e-9)
    return 0 if recall == 0 else 2 * precision * recall / (precision + recall)
""",
    ),
    Right(
        "boundary_f1",
        "one contour, dilated by a disc, under the other",
        """
from scipy.ndimage import binary_dilation, convolve

def boundary_f1(truth, prediction, tolerance):
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    lines = [m & (convolve((~m).astype(int), cross, mode="nearest") > 0)
             for m in (truth, prediction)]
    reach = int(tolerance)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = y * y + x * x <= tolerance * tolerance
    found = [(line & binary_dilation(other, disc)).sum()
             for line, other in (lines, lines[::-1])]
    sizes = [line.sum() for line in lines]
    if not any(sizes):
        return np.nan
    if not all(found):
        return 0.0
    recall, precision = (f / s for f, s in zip(found, sizes))
    return 2 * precision * recall / (precision + recall)
""",
    ),
]
