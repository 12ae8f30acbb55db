"""Mistakes in assignment 1: reading a label, counting, and dividing."""

from helpers.desk import find_question
from tests.mutants.judged import Mutant


def by_heart(question: str) -> str:
    """Code that knows the public cases of a function of one matrix, and nothing else."""
    table = {
        case["inputs"][0].tobytes(): tuple(value.tolist() for value in case["expected"])
        for case in find_question(question)["cases"]
    }
    return f"nan = np.nan\n    return {table!r}.get(matrix.tobytes(), (0.5, [0.5] * len(matrix)))"


LABELS = [
    Mutant("to_ids", "2], 255, np", "2], 0, np", "becomes class 0", 4),
    Mutant("to_ids", "255, np.uint8", "-1, np.int16", "becomes −1", 4),
    Mutant("to_ids", ".all(-1)", ".any(-1)", "one equal channel is enough.*last one wins"),
    Mutant("to_ids", "picture == colour", "picture[..., ::-1] == colour", "blue, green, red"),
    Mutant(
        "to_ids", "(picture == colour).all(-1)", "picture[..., 0] == colour[0]", "red channel is"
    ),
    Mutant("to_ids", "] = k\n", "] = k + 1\n", "ids begin with 1"),
    Mutant("to_ids", "] = k\n    return", "] = k\n        return", "before you return"),
    Mutant("to_ids", "enumerate(palette)", "enumerate(palette[:-1])", "last colour is left out"),
    Mutant(
        "to_ids",
        "for k, colour in enumerate(palette):\n",
        "for k in range(13):\n        colour = palette[k]\n",
        "out of bounds",
    ),
    Mutant(
        "to_ids", "np.full(picture.shape[:2], 255, np.uint8)", "picture[..., 0]", "new array", 4
    ),
    Mutant(
        "to_ids",
        "(picture == colour).all(-1)",
        "picture.sum(-1) == colour.sum()",
        "sums of the channels",
    ),
    Mutant(
        "to_ids",
        "(picture == colour).all(-1)",
        "((picture - colour) ** 2).sum(-1) == 0",
        "wraps around",
    ),
    Mutant(
        "to_ids",
        "(picture == colour).all(-1)",
        "picture @ np.array([1, 256, 65536]).astype(np.uint8) == "
        "colour @ np.array([1, 256, 65536]).astype(np.uint8)",
        "red channel",
    ),
    Mutant(
        "to_ids",
        "return mask",
        "return ((picture[:, :, None].astype(int) - palette) ** 2).sum(-1).argmin(-1)",
        "nearest one",
        4,
    ),
    Mutant(
        "to_ids",
        "(picture == colour).all(-1)",
        "(abs(picture.astype(int) - colour) < 10).all(-1)",
        "nearest one",
        4,
    ),
    Mutant("prepare_label", "Image.NEAREST", "Image.BILINEAR", "mixes ids", 5),
    Mutant("prepare_label", ", Image.NEAREST", "", "default filter", 5),
    Mutant("prepare_label", "label[:, :, 0]", "label[:, :, 2]", "blue channel"),
    Mutant(
        "prepare_label",
        "label[:, :, 0].copy()",
        "np.array(Image.fromarray(label).convert('L'))",
        "[Gg]rayscale",
    ),
    Mutant("prepare_label", "lower[lower == 10] = 0", "pass", "the hood is still there"),
    Mutant("prepare_label", "lower[lower == 10] = 0", "lower[:] = 0", "only the vehicle pixels"),
    Mutant("prepare_label", "lower[lower == 10] = 0", "lower[lower == 10] = 255", "it becomes 0"),
    Mutant("prepare_label", "lower[lower == 10]", "lower[lower == 9]", "have the id 10"),
    Mutant("prepare_label", "lower[lower == 10]", "mask[mask == 10]", "every vehicle is gone"),
    Mutant("prepare_label", "496 * len(mask) // 600 :", "496:", "a label of H rows"),
    Mutant("prepare_label", "// 600 :", "// 600 + 1 :", "first row is still there", 5),
    Mutant("prepare_label", "496 * len(mask) // 600 :", ": 496 * len(mask) // 600", "lower ones"),
    Mutant("prepare_label", "len(mask)", "height", "at its own size", 5),
    Mutant("prepare_label", "(width, height)", "(height, width)", "has the shape|shape"),
    Mutant("prepare_label", "(width, height)", "(128, 96)", "has the shape|shape"),
    Mutant(
        "prepare_label",
        "return np.array(Image.fromarray(mask).resize((width, height), Image.NEAREST))",
        "return mask[:: len(mask) // height, :: mask.shape[1] // width]",
        "has the shape|shape",
        5,
    ),
]
COUNTS = [
    Mutant("confusion", "truth != 255", "truth < classes - 1", "last class is left out"),
    Mutant("confusion", "truth != 255", "(truth > 0) & (truth != 255)", "class 0 is left out"),
    Mutant("confusion", "truth != 255", "truth != 256", "ignore.*reshape", 6),
    Mutant("confusion", "truth != 255", "prediction != 255", "ignore.*reshape", 6),
    Mutant(
        "confusion",
        "counted = truth != 255",
        "counted = truth == truth\n    truth = np.where(truth == 255, 0, truth)",
        "counted as class 0",
        6,
    ),
    Mutant(
        "confusion",
        "counted = truth != 255",
        "counted = truth == truth\n    truth = truth.clip(0, classes - 1)",
        "counted as the last class",
        6,
    ),
    Mutant("confusion", ".reshape(classes, classes)", ".reshape(classes, classes).T", "exchanged"),
    Mutant("confusion", ".astype(np.int64)", "", "wraps around", 9),
    Mutant("confusion", ", minlength=classes**2", "", "reshape", 6),
    Mutant(
        "confusion",
        "np.bincount(pairs, minlength=classes**2)",
        "np.isin(np.arange(classes**2), pairs)",
        "once at most",
    ),
    Mutant(
        "confusion",
        ".reshape(classes, classes)",
        ".reshape(classes, classes).astype(np.uint8)",
        "wraps around at 256",
        9,
    ),
    Mutant(
        "confusion",
        ".reshape(classes, classes)",
        ".reshape(classes, classes).astype(np.uint16)",
        "wraps around at 65536",
        9,
    ),
    Mutant(
        "confusion",
        ".reshape(classes, classes)",
        ".reshape(classes, classes) / max(1, counted.sum())",
        "shares of all pixels",
    ),
    Mutant(
        "confusion",
        "def confusion(truth, prediction, classes):\n",
        "def confusion(truth, prediction, classes, matrices={}):\n"
        "    matrix = matrices.setdefault(classes, np.zeros((classes, classes), int))\n"
        "    counted = truth != 255\n"
        "    np.add.at(matrix, (truth[counted], prediction[counted]), 1)\n"
        "    return matrix\n",
        "earlier call",
    ),
    Mutant(
        "confusion",
        "def confusion(truth, prediction, classes):\n",
        "def confusion(truth, prediction, classes):\n"
        "    matrix = np.zeros((classes, classes), int)\n"
        "    for row in range(truth.shape[0]):\n"
        "        for column in range(truth.shape[1]):\n"
        "            if truth[row, column] != 255:\n"
        "                matrix[truth[row, column], prediction[row, column]] += 1\n"
        "    return matrix\n",
        "ambiguous",
    ),
    Mutant(
        "confusion",
        "def confusion(truth, prediction, classes):\n",
        "def confusion(truth, prediction, classes):\n"
        "    from helpers.metrics import Confusion\n\n"
        "    return Confusion(classes).add(truth, prediction).matrix\n",
        "No module named 'helpers.metrics'",
    ),
]
FROM_MATRIX = [
    Mutant("accuracies", "matrix.sum(1)", "matrix.sum(0)", "precision"),
    Mutant("accuracies", "matrix.sum(1)", "np.maximum(1, matrix.sum(1))", "0: it must be nan", 6),
    Mutant(
        "accuracies",
        "np.trace(matrix) / matrix.sum()",
        "np.nanmean(np.diag(matrix) / matrix.sum(1))",
        "counts pixels",
    ),
    Mutant(
        "accuracies", "np.trace(matrix) / matrix.sum()", "np.trace(matrix) / matrix.size", "cel"
    ),
    Mutant(
        "accuracies",
        "np.trace(matrix) / matrix.sum()",
        "np.trace(matrix) / max(1, matrix.sum())",
        "overall accuracy is 0: it must be nan",
        6,
    ),
    Mutant("accuracies", "np.diag(matrix) / matrix", "np.diag(matrix) // matrix", "whole numbers"),
    Mutant(
        "accuracies",
        "np.diag(matrix) / matrix.sum(1)",
        "(np.diag(matrix) / matrix.sum(1)).round(2)",
        "rounded",
    ),
    Mutant(
        "accuracies",
        "np.diag(matrix) / matrix.sum(1)",
        "[matrix[k, k] / matrix[k].sum() for k in range(5)]",
        "shape|out of bounds",
    ),
    Mutant(
        "accuracies",
        "with np.errstate",
        f"{by_heart('accuracies')}\n    with np.errstate",
        "answer fixed in your code",
    ),
    Mutant("iou_and_dice", "2 * hit / areas", "hit / areas", "lacks the 2"),
    Mutant("iou_and_dice", "(areas - hit)", "areas", "overlap counts twice"),
    Mutant("iou_and_dice", "(areas - hit)", "matrix.sum(1)", "the first is recall"),
    Mutant("iou_and_dice", "(areas - hit)", "matrix.sum(0)", "the first is precision"),
    Mutant("iou_and_dice", "2 * hit / areas", "2 * hit / (areas - hit)", "Dice is not 2 · IoU"),
    Mutant("iou_and_dice", "hit / (areas - hit),", "hit // (areas - hit),", "whole numbers"),
    Mutant(
        "iou_and_dice", "2 * hit / areas", "2 * hit / np.maximum(areas, 1)", "0: it must be nan", 6
    ),
    Mutant(
        "iou_and_dice",
        "hit / (areas - hit), 2 * hit / areas",
        "hit / (areas - hit + 1e-7), 2 * hit / (areas + 1e-7)",
        "0: it must be nan",
        6,
    ),
    Mutant(
        "iou_and_dice",
        "hit / (areas - hit),",
        "np.where(areas > 0, hit / (areas - hit), 1),",
        "1: it must be nan",
        6,
    ),
    Mutant(
        "iou_and_dice",
        "hit, areas =",
        "hit, areas = np.where(np.diag(matrix) > 0, np.diag(matrix), np.nan), 0\n    _, areas =",
        "missed altogether",
        6,
    ),
    Mutant(
        "iou_and_dice",
        "areas = np.diag(matrix), matrix.sum(0)",
        "areas = np.diag(matrix), np.where(matrix.sum(1), matrix.sum(0), np.nan)",
        "predicted and is nowhere true",
        6,
    ),
    Mutant(
        "iou_and_dice",
        "hit / (areas - hit), 2 * hit / areas",
        "np.nanmean(hit / (areas - hit)), np.nanmean(2 * hit / areas)",
        "one per class",
    ),
    Mutant(
        "iou_and_dice", "hit / (areas - hit), 2 *", "(hit + 1) / (areas - hit + 1), 2 *", "adde"
    ),
]
MEANS = [
    Mutant("mean_ious", "[~np.isnan(values)]", "[np.nan_to_num(values) > 0]", "0 is a value", 3),
    Mutant(
        "mean_ious",
        "np.asarray(values)[~np.isnan(values)]",
        "np.nan_to_num(values)",
        "counts as 0: leave",
        6,
    ),
    Mutant(
        "mean_ious",
        "mean([mean_iou(*p) for p in zip(truths, predictions)])",
        "mean_iou(truths, predictions)",
        "both numbers are pooled",
    ),
    Mutant(
        "mean_ious",
        "return mean_iou(truths, predictions), mean",
        "return mean([mean_iou(*p) for p in zip(truths, predictions)]), mean",
        "both numbers are means over the images",
    ),
    Mutant(
        "mean_ious",
        "return mean(iou_and_dice(confusion(truth, prediction, classes))[0])",
        "return mean(iou_and_dice(confusion(truth, prediction, classes))[1])",
        "mean Dice",
    ),
    Mutant(
        "mean_ious",
        "return mean(iou_and_dice(confusion(truth, prediction, classes))[0])",
        "values = iou_and_dice(confusion(truth, prediction, classes))[0]\n"
        "        return mean(values[np.isin(np.arange(classes), truth)])",
        "made up has the IoU 0",
        9,
    ),
    Mutant(
        "mean_ious",
        "return mean(iou_and_dice(confusion(truth, prediction, classes))[0])",
        "return mean(iou_and_dice(confusion(truth, prediction, classes))[0][1:])",
        "class 0 is left out",
    ),
    Mutant(
        "mean_ious",
        "return mean(iou_and_dice(confusion(truth, prediction, classes))[0])",
        "return mean(iou_and_dice(confusion(truth, prediction, 13))[0])",
        "reshape",
        6,
    ),
    Mutant(
        "mean_ious",
        "mean([mean_iou(*p) for p in zip(truths, predictions)])",
        "np.nan_to_num([mean_iou(*p) for p in zip(truths, predictions)]).mean()",
        "all is ignored counts as 0",
        9,
    ),
    Mutant(
        "mean_ious",
        "mean([mean_iou(*p) for p in zip(truths, predictions)])",
        "mean([c for p in zip(truths, predictions)\n"
        "        for c in iou_and_dice(confusion(*p, classes))[0]])",
        "one mean over all images and classes",
        6,
    ),
    Mutant(
        "mean_ious",
        "def mean(values):\n",
        "truths[truths == 255] = 0\n\n    def mean(values):\n",
        "counted as class 0",
        9,
    ),
    Mutant(
        "mean_ious",
        "def mean_ious(truths, predictions, classes):\n",
        "def mean_ious(truths, predictions, classes, each=[]):\n"
        "    def mean_iou(truth, prediction):\n"
        "        return np.nanmean(iou_and_dice(confusion(truth, prediction, classes))[0])\n\n"
        "    each += [mean_iou(*pair) for pair in zip(truths, predictions)]\n"
        "    return mean_iou(truths, predictions), np.nanmean(each)\n",
        "earlier call",
    ),
]
SCORES = [
    Mutant("challenge_score", "predictions == 10, 2)", "predictions == 10, 0.5)", "both .* 0.5"),
    Mutant("challenge_score", "[6, 7]), 0.5)", "[6, 7]), 2)", "both betas are 2"),
    Mutant("challenge_score", "np.isin(truths, [6, 7])", "truths == 7", "in the prediction only"),
    Mutant("challenge_score", "np.isin(predictions, [6, 7])", "predictions == 7", "in the truth"),
    Mutant("challenge_score", "beta**2 * missed", "beta * missed", "squared above and not below"),
    Mutant(
        "challenge_score", "beta**2 * missed + false", "missed + beta**2 * false", "false alarms"
    ),
    Mutant("challenge_score", "(1 + beta**2) * hit", "hit", "above and below"),
    Mutant("challenge_score", " if hit else 0.0", "", "is nan", 2),
    Mutant(
        "challenge_score",
        "truths == 10, predictions == 10",
        "truths == 9, predictions == 9",
        "class 10",
    ),
    Mutant(
        "challenge_score", "100 * (vehicles + road) / 2", "100 * (vehicles + road)", "their mean"
    ),
    Mutant("challenge_score", "100 * (vehicles + road) / 2", "(vehicles + road) / 2", "times 100"),
    Mutant("challenge_score", "max(0, 10 - frames_per_second)", "(10 - frames_per_second)", "fast"),
    Mutant(
        "challenge_score",
        "max(0, 10 - frames_per_second)",
        "abs(10 - frames_per_second)",
        "fast network loses",
    ),
    Mutant(
        "challenge_score",
        "- max(0, 10 - frames_per_second)",
        "+ max(0, 10 - frames_per_second)",
        "slow network gains",
        6,
    ),
    Mutant("challenge_score", "- frames_per_second)", "- int(frames_per_second))", "whole", 6),
    Mutant("challenge_score", " - max(0, 10 - frames_per_second)", "", "nothing is taken off", 6),
    Mutant("best_threshold", "probabilities >= t", "probabilities > t", ">= and not >", 2),
    Mutant("best_threshold", "probabilities >= t", "probabilities <= t", "."),
    Mutant(
        "best_threshold",
        "int(np.argmax(scores))",
        "len(scores) - 1 - int(np.argmax(scores[::-1]))",
        "take the lowest",
        6,
    ),
    Mutant("best_threshold", "thresholds[best], scores[best]", "best, scores[best]", "its value"),
    Mutant(
        "best_threshold",
        "thresholds[best], scores[best]",
        "scores[best], thresholds[best]",
        "exchanged",
    ),
    Mutant(
        "best_threshold",
        "def best_threshold(truth, probabilities, thresholds, beta):\n",
        "def best_threshold(truth, probabilities, thresholds, beta):\n"
        "    thresholds = np.arange(1, 16) / 16\n",
        ".",
    ),
    Mutant(
        "best_threshold",
        "f_beta(truth, probabilities >= t, beta)",
        "f_beta(truth, probabilities >= t, 1)",
        "beta is ignored",
    ),
    Mutant(
        "best_threshold",
        "f_beta(truth, probabilities >= t, beta)",
        "f_beta(probabilities >= t, truth, beta)",
        "exchanged",
    ),
    Mutant("best_threshold", "np.argmax(scores)", "np.argmin(scores)", "the worst", 2),
    Mutant(
        "best_threshold",
        "    best = int(np.argmax(scores))",
        "    best, top = None, 0\n"
        "    for k, score in enumerate(scores):\n"
        "        if score > top:\n"
        "            best, top = k, score\n"
        "    return (None if best is None else thresholds[best]), top",
        "ties and nothing.*not answered",
        6,
    ),
    Mutant(
        "best_threshold",
        "[f_beta(truth, probabilities >= t, beta) for t in thresholds]",
        "[np.mean(truth == (probabilities >= t)) for t in thresholds]",
        "accuracy is maximised",
    ),
]
BORDERS = [
    Mutant("boundary_f1", 'mode="edge"', 'mode="constant"', "end of the picture counts"),
    Mutant("boundary_f1", 'mode="edge"', 'mode="wrap"', "np.roll", 6),
    Mutant("boundary_f1", "return mask & ~(", "return ~mask & (", "."),
    Mutant("boundary_f1", "<= tolerance**2", "< tolerance**2", "<= and not <", 6),
    Mutant("boundary_f1", "<= tolerance**2", "<= tolerance", "square both or none", 3),
    Mutant("boundary_f1", "<= tolerance**2", "<= int(tolerance) ** 2", "cut to a whole number", 9),
    Mutant("boundary_f1", "<= tolerance**2", "<= 4", "always 2", 3),
    Mutant(
        "boundary_f1",
        "((true[:, None] - predicted[None]) ** 2).sum(-1) <= tolerance**2",
        "abs(true[:, None] - predicted[None]).max(-1) <= tolerance",
        "which is a square",
        3,
    ),
    Mutant(
        "boundary_f1",
        "((true[:, None] - predicted[None]) ** 2).sum(-1) <= tolerance**2",
        "abs(true[:, None] - predicted[None]).sum(-1) <= tolerance",
        "which is a diamond",
        3,
    ),
    Mutant(
        "boundary_f1",
        "near.any(1).mean(), near.any(0).mean()",
        "near.any(1).mean(), near.any(1).mean()",
        "recall alone",
        3,
    ),
    Mutant(
        "boundary_f1",
        "return 2 * precision * recall / (precision + recall)",
        "return (precision + recall) / 2",
        "plain mean",
        3,
    ),
    Mutant("boundary_f1", " if precision + recall else 0.0", "", "nothing is found", 9),
    Mutant("boundary_f1", "return np.nan", "return 1.0", "value 1: it must be nan", 9),
    Mutant("boundary_f1", "return 0.0", "return np.nan", "one mask alone", 9),
    Mutant(
        "boundary_f1",
        "np.argwhere(contour(truth)), np.argwhere(contour(prediction))",
        "np.argwhere(truth), np.argwhere(prediction)",
        "whole areas",
    ),
]
MUTANTS = LABELS + COUNTS + FROM_MATRIX + MEANS + SCORES + BORDERS
