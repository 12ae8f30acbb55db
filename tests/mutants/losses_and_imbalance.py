"""Mistakes in assignment 3: losses on the wrong thing, over the wrong axis, without the ignored."""

from helpers.desk import find_question
from tests.mutants.judged import Mutant


def by_heart(question: str) -> str:
    """Code that knows value and gradient of a loss in the public cases, and nothing else."""
    table = {
        str(case["inputs"][0].ravel()[:3].round(3).tolist()): (
            float(case["expected"][0]),
            case["expected"][1].round(8).tolist(),
        )
        for case in find_question(question)["cases"]
    }
    return (
        f"    known = {table!r}\n"
        "    x = logits.permute(0, 2, 3, 1)\n"
        "    key = str(x.detach().numpy().ravel()[:3].round(3).tolist())\n"
        "    value, slope = known.get(key, (1.0, 0.1))\n"
        "    return ((x - x.detach()) * torch.tensor(slope)).sum() + value\n"
    )


def weights_by_heart() -> str:
    """The same for the class weights."""
    table = {
        (int(case["inputs"][0].sum()), case["inputs"][2]): case["expected"][0].tolist()
        for case in find_question("class_weights")["cases"]
    }
    return f"    return {table!r}.get((int(masks.sum()), rule), [1.0] * classes)\n"


HEAD = {
    "cross_entropy": "def cross_entropy(logits, masks):\n",
    "class_weights": "def class_weights(masks, classes, rule):\n",
    "weighted_cross_entropy": "def weighted_cross_entropy(logits, masks, weights):\n",
    "focal_loss": "def focal_loss(logits, masks, gamma):\n",
    "dice_loss": "def dice_loss(logits, masks, smooth):\n",
    "tversky_loss": "def tversky_loss(logits, masks, alpha, beta):\n",
    "lovasz_loss": "def lovasz_loss(logits, masks):\n",
}


def instead(
    question: str, code: str, hint: str, points: float = 0, framework: str = "pytorch"
) -> Mutant:
    """Another body of the function, before the right one."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    return Mutant(question, HEAD[question], HEAD[question] + body, hint, points, framework)


def keras(question: str, old: str, new: str, hint: str, points: float = 0) -> Mutant:
    return Mutant(question, old, new, hint, points, "keras")


LOG_P, COUNTED = "torch.log_softmax(logits, 1)", "-log_p.sum() / counts.sum().clamp(min=1)"
KERAS_LOG_P = "keras.ops.log_softmax(logits, -1)"
KERAS_COUNTED = "-keras.ops.sum(log_p) / keras.ops.maximum(keras.ops.sum(counts), 1)"
SPARSE = "keras.losses.SparseCategoricalCrossentropy"

CROSS_ENTROPY = [
    Mutant("cross_entropy", LOG_P, "torch.log(logits.clamp(min=1e-7))", "logits|should be"),
    Mutant("cross_entropy", LOG_P, "logits", "taken for log-probabilities"),
    Mutant(
        "cross_entropy", LOG_P, "torch.log_softmax(logits.softmax(1), 1)", "softmax is taken tw"
    ),
    Mutant("cross_entropy", LOG_P, "torch.softmax(logits, 1)", "the log is missing"),
    Mutant("cross_entropy", LOG_P, "torch.log_softmax(logits, 0)", "over the images"),
    Mutant("cross_entropy", LOG_P, "torch.log_softmax(logits, 2)", "over the rows"),
    Mutant("cross_entropy", LOG_P, "torch.log_softmax(logits, -1)", "over the columns"),
    Mutant(
        "cross_entropy", LOG_P, "torch.log(torch.softmax(logits, 1) + 1e-7)", "only hides", 10.5
    ),
    Mutant("cross_entropy", LOG_P, "torch.log(torch.softmax(logits, 1))", "underflows to 0", 10.5),
    Mutant(
        "cross_entropy", LOG_P, "(logits - logits.exp().sum(1, True).log())", "exp of a logit", 10.5
    ),
    Mutant("cross_entropy", LOG_P, "torch.log_softmax(logits.detach(), 1)", "let no gradient"),
    Mutant("cross_entropy", "(masks != 255).float()", "(masks != 254).float()", "class 0", 10.5),
    Mutant("cross_entropy", COUNTED, "-log_p.mean()", "ignored pixels are counted below", 10.5),
    Mutant("cross_entropy", COUNTED, "-log_p.sum()", "that is the sum over the pixels"),
    Mutant("cross_entropy", COUNTED, "-log_p.sum() / len(masks)", "by the number of images"),
    Mutant("cross_entropy", COUNTED, COUNTED[1:], "the sign is wrong"),
    Mutant("cross_entropy", COUNTED, "-log_p.sum() / counts.sum()", "0 / 0", 10.5),
    Mutant("cross_entropy", COUNTED, f"({COUNTED}).item()", "no tensor"),
    Mutant(
        "cross_entropy",
        COUNTED,
        "-(log_p.sum((1, 2)) / counts.sum((1, 2)).clamp(min=1)).mean()",
        "each image is averaged for itself",
        10.5,
    ),
    Mutant(
        "cross_entropy",
        COUNTED,
        f"{COUNTED} if counts.any() else torch.tensor(0.0)",
        "does not depend on the logits",
        10.5,
    ),
    instead(
        "cross_entropy",
        "return torch.nn.functional.cross_entropy(logits, masks, ignore_index=255)",
        "0 / 0",
        10.5,
    ),
    instead(
        "cross_entropy",
        "return torch.nn.functional.cross_entropy(logits, masks.where(masks != 255, 0))",
        "count for class 0",
        10.5,
    ),
    instead(
        "cross_entropy",
        "t = torch.nn.functional.one_hot(masks.where(masks != 255, 0), 13)\n"
        "return -(t * logits.log_softmax(1).permute(0, 2, 3, 1)).sum(-1).mean()",
        "stops|fixed in your code",
    ),
    Mutant(
        "cross_entropy",
        HEAD["cross_entropy"],
        f"{HEAD['cross_entropy']}{by_heart('cross_entropy')}",
        "an answer fixed in your code",
    ),
    keras("cross_entropy", KERAS_LOG_P, "keras.ops.log(keras.ops.maximum(logits, 1e-7))", "."),
    keras("cross_entropy", KERAS_LOG_P, "keras.ops.log_softmax(logits, 1)", "over the rows"),
    keras("cross_entropy", KERAS_LOG_P, "keras.ops.softmax(logits, -1)", "the log is missing"),
    keras("cross_entropy", KERAS_COUNTED, "-keras.ops.mean(log_p)", "ignored pixels are co", 10.5),
    keras("cross_entropy", KERAS_COUNTED, "-keras.ops.sum(log_p)", "that is the sum over"),
    keras("cross_entropy", KERAS_COUNTED, f"float({KERAS_COUNTED})", "no tensor"),
    keras(
        "cross_entropy",
        KERAS_COUNTED,
        "-keras.ops.sum(log_p) / keras.ops.sum(counts)",
        "0 / 0",
        10.5,
    ),
    instead(
        "cross_entropy",
        "t = keras.ops.one_hot(masks, logits.shape[-1])\n"
        "losses = keras.losses.categorical_crossentropy(t, logits, from_logits=True)\n"
        "counts = keras.ops.cast(masks != 255, 'float32')\n"
        "return keras.ops.sum(losses) / keras.ops.maximum(keras.ops.sum(counts), 1)",
        "ignored pixels have a gradient",
        10.5,
        "keras",
    ),
    instead(
        "cross_entropy",
        "t = keras.ops.one_hot(masks, logits.shape[-1])\n"
        "p = keras.ops.clip(keras.ops.softmax(logits), 1e-7, 1 - 1e-7)\n"
        "losses = -keras.ops.sum(t * keras.ops.log(p), -1)\n"
        "counts = keras.ops.cast(masks != 255, 'float32')\n"
        "return keras.ops.sum(losses * counts) / keras.ops.maximum(keras.ops.sum(counts), 1)",
        "only hides",
        10.5,
        "keras",
    ),
    instead(
        "cross_entropy",
        f"return {SPARSE}(from_logits=True, ignore_class=255)(masks, keras.ops.softmax(logits))",
        "softmax is taken twice",
        0,
        "keras",
    ),
]

INVERSE = "pixels.sum() / pixels[present] / present.sum()"
WEIGHTS = [
    Mutant("class_weights", INVERSE, "pixels.sum() / pixels[present]", "missing below", 4.5),
    Mutant(
        "class_weights",
        INVERSE,
        "pixels.sum() / pixels[present] / classes",
        "the number of those that are present",
        12,
    ),
    Mutant("class_weights", INVERSE, "1 / pixels[present]", "all pixels is missing above", 4.5),
    Mutant(
        "class_weights",
        INVERSE,
        "pixels.sum() // pixels[present] / present.sum()",
        "whole numbers",
        4.5,
    ),
    Mutant(
        "class_weights",
        INVERSE,
        "masks.size / pixels[present] / present.sum()",
        "ignored pixels .* are counted in",
        12,
    ),
    Mutant("class_weights", "np.zeros(classes)", "np.ones(classes)", "the weight 1: it gets 0", 12),
    Mutant("class_weights", "np.zeros(classes)", "np.full(classes, np.nan)", "gets nan", 12),
    Mutant(
        "class_weights",
        "(counts > 0).T @ counts.sum(1)",
        "np.full(classes, pixels.sum())",
        "those images only",
        4.5,
    ),
    Mutant(
        "class_weights",
        "(counts > 0).T @ counts.sum(1)",
        "(counts > 0).sum(0) * masks[0].size",
        "ignored pixels .* are counted in",
        12,
    ),
    Mutant(
        "class_weights",
        "np.median(frequency) / frequency",
        "frequency / np.median(frequency)",
        "upside down",
        4.5,
    ),
    Mutant("class_weights", "np.median(frequency)", "np.mean(frequency)", "take their median", 4.5),
    Mutant("class_weights", "np.median(frequency) /", "1 /", "the median .* is missing", 4.5),
    Mutant(
        "class_weights",
        "np.median(frequency)",
        "np.median(np.append(frequency, [0] * (classes - len(frequency))))",
        "absent ones",
        12,
    ),
    Mutant(
        "class_weights",
        "return weights",
        "return weights / weights.sum()",
        "scaled so that they sum to 1",
    ),
    Mutant("class_weights", "masks[..., None] ==", "masks[..., None] % 255 ==", "as class 0", 12),
    Mutant("class_weights", "sum((1, 2))", "sum((1, 2), dtype=np.uint8)", "wraps around at 256"),
    Mutant("class_weights", 'if rule == "inverse"', "if True", "give the inverse frequency", 4.5),
    Mutant("class_weights", 'if rule == "inverse"', "if False", "give the median frequency", 4.5),
    instead(
        "class_weights",
        "if len(masks) > 1:\n"
        "    return np.mean([class_weights(m[None], classes, rule) for m in masks], 0)",
        "count all masks together",
    ),
    Mutant(
        "class_weights",
        HEAD["class_weights"],
        f"{HEAD['class_weights']}{weights_by_heart()}",
        "an answer fixed in your code",
    ),
]

WEIGHED = "w.sum().clamp(min=1e-12)"
WEIGHTED = [
    Mutant("weighted_cross_entropy", WEIGHED, "counts.sum()", "by the sum of their weights"),
    Mutant("weighted_cross_entropy", WEIGHED, "masks.numel()", "by the (number|sum)"),
    Mutant("weighted_cross_entropy", WEIGHED, "weights.sum()", "the sum of the C weights"),
    Mutant("weighted_cross_entropy", WEIGHED, "w.sum().clamp(min=1)", "taken as 1 where", 4),
    Mutant("weighted_cross_entropy", WEIGHED, "w.sum()", "0 / 0", 6),
    Mutant("weighted_cross_entropy", "masks)] * counts", "masks)]", "the weight of class 0", 6),
    Mutant(
        "weighted_cross_entropy",
        "weights[torch.where(masks == 255, 0, masks)] * counts",
        "counts",
        "no effect",
    ),
    Mutant(
        "weighted_cross_entropy",
        "weights[torch.where(masks == 255, 0, masks)] * counts",
        "weights[logits.argmax(1)] * counts",
        "of the predicted class",
    ),
    instead(
        "weighted_cross_entropy",
        "return cross_entropy(logits * weights[:, None, None], masks)",
        "logits are multiplied",
    ),
    instead(
        "weighted_cross_entropy",
        "return torch.nn.functional.cross_entropy(logits, masks, weights, ignore_index=255)",
        "0 / 0",
        6,
    ),
    keras(
        "weighted_cross_entropy",
        "keras.ops.maximum(keras.ops.sum(w), 1e-12)",
        "keras.ops.sum(counts)",
        "by the sum of their weights",
    ),
    keras(
        "weighted_cross_entropy",
        "keras.ops.maximum(keras.ops.sum(w), 1e-12)",
        "keras.ops.maximum(keras.ops.sum(w), 1)",
        "taken as 1 where",
        4,
    ),
    keras(
        "weighted_cross_entropy",
        "keras.ops.maximum(keras.ops.sum(w), 1e-12)",
        "keras.ops.sum(w)",
        "0 / 0",
        6,
    ),
    keras("weighted_cross_entropy", "0, masks)) * counts", "0, masks))", "of class 0", 6),
    instead(
        "weighted_cross_entropy",
        "return cross_entropy(logits * weights, masks)",
        "logits are multiplied",
        0,
        "keras",
    ),
]

FACTOR, MEAN = "(1 - log_p.exp()) ** gamma", "-(factor * log_p).sum() / counts.sum().clamp(min=1)"
KERAS_FACTOR = "(1 - keras.ops.exp(log_p)) ** gamma"
KERAS_MEAN = "-keras.ops.sum(factor * log_p) / keras.ops.maximum(keras.ops.sum(counts), 1)"
FOCAL = [
    Mutant("focal_loss", FACTOR, "log_p.exp() ** gamma", "the 1 − is missing"),
    Mutant("focal_loss", FACTOR, "(1 - log_p.exp()) * gamma", "it is an exponent"),
    Mutant("focal_loss", FACTOR, "1 - log_p.exp() ** gamma", "the factor is 1 − p\\^γ"),
    Mutant("focal_loss", FACTOR, "(1 - log_p.exp()) ** 2", "γ is always 2", 12),
    Mutant("focal_loss", FACTOR, "0.25 * (1 - log_p.exp()) ** gamma", "a factor α of 0.25"),
    Mutant("focal_loss", FACTOR, "(1 - log_p.exp().detach()) ** gamma", "the factor is detached"),
    Mutant("focal_loss", FACTOR, "(1 - log_p) ** gamma", "should be"),
    Mutant("focal_loss", MEAN, "-(factor * log_p).sum() / factor.sum()", "sum of the factors"),
    Mutant("focal_loss", MEAN, "-(factor * log_p).sum()", "that is the sum over the pixels"),
    Mutant("focal_loss", MEAN, "-(factor * log_p).mean()", "ignored pixels are counted below", 12),
    instead(
        "focal_loss",
        "loss = cross_entropy(logits, masks)\nreturn (1 - torch.exp(-loss)) ** gamma * loss",
        "from the mean loss",
    ),
    keras("focal_loss", KERAS_FACTOR, "keras.ops.exp(log_p) ** gamma", "the 1 − is missing"),
    keras("focal_loss", KERAS_FACTOR, "(1 - keras.ops.exp(log_p)) * gamma", "it is an exponent"),
    keras("focal_loss", KERAS_FACTOR, "(1 - keras.ops.exp(log_p)) ** 2", "γ is always 2", 12),
    keras(
        "focal_loss",
        KERAS_FACTOR,
        "keras.ops.stop_gradient((1 - keras.ops.exp(log_p)) ** gamma)",
        "the factor is detached",
    ),
    keras("focal_loss", KERAS_MEAN, "-keras.ops.mean(factor * log_p)", "counted below", 12),
    instead(
        "focal_loss",
        "loss = cross_entropy(logits, masks)\nreturn (1 - keras.ops.exp(-loss)) ** gamma * loss",
        "from the mean loss",
        0,
        "keras",
    ),
]

TORCH_P = "torch.softmax(logits.permute(0, 2, 3, 1), -1) * counts"
KERAS_P = "keras.ops.softmax(logits, -1) * counts"
DICE = [
    Mutant("dice_loss", "(2 * sums(p * t)", "(sums(p * t)", "the 2 before the overlap"),
    Mutant("dice_loss", "(1 - dice, present)", "(dice, present)", "that is Dice itself"),
    Mutant("dice_loss", "(1 - dice, present)", "(-dice, present)", "that is −Dice"),
    Mutant("dice_loss", "+ sums(t) + smooth)", "+ sums(t))", "it belongs below too"),
    Mutant("dice_loss", "2 * sums(p * t) + smooth", "2 * (sums(p * t) + smooth)", "inside the 2"),
    Mutant("dice_loss", "(sums(p) + sums(t)", "(sums(p * p) + sums(t)", "p is squared below"),
    Mutant("dice_loss", "(sums(p) + sums(t)", "(sums(p.detach()) + sums(t)", "are detached"),
    Mutant("dice_loss", TORCH_P, TORCH_P.replace(" * counts", ""), "set p to 0 there", 12),
    Mutant("dice_loss", TORCH_P, "logits.permute(0, 2, 3, 1) * counts", "the softmax is missing"),
    Mutant("dice_loss", TORCH_P, TORCH_P.replace("soft", "log_soft"), "that is log_softmax"),
    Mutant("dice_loss", TORCH_P, TORCH_P.replace("-1)", "1)"), "runs over the rows"),
    Mutant(
        "dice_loss", TORCH_P, f"torch.softmax({TORCH_P}, -1) * counts", "softmax is taken twice"
    ),
    Mutant(
        "dice_loss", TORCH_P, "torch.sigmoid(logits.permute(0, 2, 3, 1)) * counts", "sigmoid inst"
    ),
    Mutant(
        "dice_loss",
        TORCH_P,
        "torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]) * counts",
        "does not depend on the logits",
    ),
    Mutant(
        "dice_loss", "one_hot(ids, p.shape[-1]) * counts", "one_hot(ids, p.shape[-1])", "t to 0", 12
    ),
    Mutant("dice_loss", "present)\n", "present) * present.sum()\n", "summed up"),
    Mutant(
        "dice_loss",
        "return mean_over_present(1 - dice, present)",
        "return (1 - dice).mean()",
        "leave out those without",
        12,
    ),
    Mutant("dice_loss", "/ present.sum().clamp(min=1)", "/ present.sum()", "0 / 0", 12),
    Mutant("dice_loss", "/ present.sum().clamp(min=1)", "/ len(present)", "number of all", 12),
    Mutant("dice_loss", "maps.sum((0, 1, 2)) if", "maps.mean((0, 1, 2)) if", "over all pixels"),
    Mutant("dice_loss", "maps.sum((0, 1, 2)) if", "maps.sum() if", "one Dice over all classes"),
    Mutant("dice_loss", "maps.sum((0, 1, 2)) if", "maps.sum((1, 2)).mean(0) if", "over the images"),
    keras("dice_loss", "(2 * sums(p * t)", "(sums(p * t)", "the 2 before the overlap"),
    keras("dice_loss", KERAS_P, "keras.ops.softmax(logits, -1)", "set p to 0 there", 12),
    keras("dice_loss", KERAS_P, "logits * counts", "the softmax is missing"),
    keras("dice_loss", KERAS_P, "keras.ops.softmax(logits, 1) * counts", "runs over the rows"),
    keras("dice_loss", KERAS_P, f"keras.ops.softmax({KERAS_P}) * counts", "softmax is taken twice"),
    keras("dice_loss", "(1 - dice, present)", "(dice, present)", "that is Dice itself"),
    keras(
        "dice_loss",
        "return mean_over_present(1 - dice, present)",
        "return keras.ops.mean(1 - dice)",
        "leave out those without",
        12,
    ),
    keras(
        "dice_loss",
        "keras.ops.maximum(keras.ops.sum(present), 1)",
        "keras.ops.sum(present)",
        "0 / 0",
        12,
    ),
    keras(
        "dice_loss", "keras.ops.sum(maps, (0, 1, 2))", "keras.ops.sum(maps)", "one Dice over all"
    ),
]

INDEX = "tp / (tp + alpha * fp + beta * fn + 1e-12)"
TVERSKY = [
    Mutant("tversky_loss", "alpha * fp + beta * fn", "beta * fp + alpha * fn", "are swapped"),
    Mutant("tversky_loss", "alpha * fp + beta * fn", "alpha * fp + (1 - alpha) * fn", "1 − α"),
    Mutant("tversky_loss", "alpha * fp + beta * fn", "0.5 * fp + 0.5 * fn", "that is Dice"),
    Mutant("tversky_loss", "sums(p * (1 - t)), sums((1 - p) * t)", "sums(p), sums(t)", "all of t"),
    Mutant("tversky_loss", "sums(p * (1 - t))", "sums(p)", "are all of p"),
    Mutant("tversky_loss", "1 - tp / (tp + alpha", "1 - 2 * tp / (2 * tp + alpha", "twice"),
    Mutant("tversky_loss", "1 - tp / (tp + alpha", "1 - 2 * tp / (tp + alpha", "a 2 above"),
    Mutant("tversky_loss", f"1 - {INDEX}", INDEX, "index itself"),
    Mutant(
        "tversky_loss", INDEX, INDEX.replace("tp / ", "(tp + 1) / ").replace("1e-12", "1"), "1 is"
    ),
    Mutant("tversky_loss", " + 1e-12", " + 1", "1 is added below"),
    Mutant("tversky_loss", " + 1e-12", "", "its gradient is nan", 6),
    keras("tversky_loss", "alpha * fp + beta * fn", "beta * fp + alpha * fn", "are swapped"),
    keras("tversky_loss", " + 1e-12", " + 1", "1 is added below"),
    keras("tversky_loss", f"1 - {INDEX}", INDEX, "index itself"),
    instead(
        "tversky_loss",
        "return keras.losses.Tversky(alpha, beta)(keras.ops.one_hot(masks, logits.shape[-1]), "
        "keras.ops.softmax(logits))",
        "should be|overall|together",
        0,
        "keras",
    ),
]

WRONG = "1 - (area - true.cumsum(0)) / (area + (1 - true).cumsum(0))"
LOVASZ = [
    Mutant("lovasz_loss", "descending=True", "descending=False", "the largest comes first"),
    Mutant("lovasz_loss", "(t - p).abs()", "(t - p)", "without a sign"),
    Mutant("lovasz_loss", " / (area + (1 - true).cumsum(0))", " / area", "makes the union larger"),
    Mutant("lovasz_loss", "(errors * weights).sum(0)", "(errors * weights).mean(0)", "sum them up"),
    Mutant(
        "lovasz_loss", "(errors * weights).sum(0)", "(errors * wrong).sum(0)", "what it grows by"
    ),
    Mutant("lovasz_loss", "(errors * weights).sum(0)", "errors.mean(0)", "no weights yet"),
    Mutant("lovasz_loss", "torch.cat([wrong[:1],", "torch.cat([0 * wrong[:1],", "one place off|sh"),
    Mutant("lovasz_loss", ".gather(0, order)", "", "t is not carried along"),
    Mutant(
        "lovasz_loss", "(t - p).abs()", "(t - p).abs().detach()", "does not depend on the logits"
    ),
    Mutant(
        "lovasz_loss",
        "(errors * weights).sum(0), present",
        "(errors * weights).sum(0), present | True",
        "leave out those",
        6,
    ),
    instead(
        "lovasz_loss",
        "if len(masks) > 1:\n"
        "    return sum(lovasz_loss(z[None], m[None]) for z, m in zip(logits, masks)) / len(masks)",
        "per image and then averaged",
    ),
    keras("lovasz_loss", "ops.argsort(-errors, 0)", "ops.argsort(errors, 0)", "the largest comes"),
    keras("lovasz_loss", "ops.abs(t - p)", "t - p", "without a sign"),
    keras("lovasz_loss", "errors * weights, 0)", "errors * wrong, 0)", "what it grows by"),
    keras(
        "lovasz_loss",
        "ops.take_along_axis(values, order, 0) for values in (errors, true)",
        "ops.take_along_axis(errors, order, 0) if k == 0 else true for k in (0, 1)",
        "t is not carried along",
    ),
]
MUTANTS = CROSS_ENTROPY + WEIGHTS + WEIGHTED + FOCAL + DICE + TVERSKY + LOVASZ
