"""Both frameworks against the formulas in float64, with gradients from finite differences."""

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import metrics
from helpers.check import _loss_and_gradient
from helpers.streets import scenes

FRAMEWORKS = ("pytorch", "keras")


# ---- the formulas, written out in NumPy: p and t are pixels×classes, ignored pixels are gone


def pixels(logits, masks):
    counted = masks != 255
    z = logits[counted].astype(np.float64)
    z = z - z.max(-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return log_p, np.eye(logits.shape[-1])[masks[counted]]


def weighted(losses, weights):
    return (losses * weights).sum() / weights.sum() if weights.sum() else 0.0


def per_class(loss):
    """The mean of loss(p, t), both of one class, over the classes present."""

    def value(logits, masks):
        log_p, t = pixels(logits, masks)
        p = np.exp(log_p)
        losses = [loss(p[:, c], t[:, c]) for c in range(t.shape[1]) if t[:, c].any()]
        return np.mean(losses) if losses else 0.0

    return value


def cross_entropy(logits, masks):
    log_p, t = pixels(logits, masks)
    return weighted(-(log_p * t).sum(1), np.ones(len(t)))


def class_weighted(logits, masks):
    log_p, t = pixels(logits, masks)
    return weighted(-(log_p * t).sum(1), t @ class_weights(logits))


def pixel_weighted(logits, masks):
    log_p, t = pixels(logits, masks)
    return weighted(
        -(log_p * t).sum(1), t @ class_weights(logits) * pixel_weights(masks)[masks != 255]
    )


def class_weights(logits):
    return np.linspace(0.5, 3, logits.shape[-1])


def pixel_weights(masks):
    return 1 + np.arange(masks.size).reshape(masks.shape) % 7 / 2


def focal(gamma):
    def value(logits, masks):
        log_p, t = pixels(logits, masks)
        log_p = (log_p * t).sum(1)
        return weighted(-((1 - np.exp(log_p)) ** gamma) * log_p, np.ones(len(t)))

    return value


def generalised_dice(logits, masks):
    log_p, t = pixels(logits, masks)
    p, area = np.exp(log_p), t.sum(0)
    if not area.any():
        return 0.0
    w = np.where(area > 0, 1 / np.maximum(area, 1) ** 2, 0)
    return 1 - 2 * (w * (p * t).sum(0)).sum() / (w * (p + t).sum(0)).sum()


def tversky(alpha, beta, power=1.0):
    def one(p, t):
        tp, fp, fn = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum()
        return max(0, 1 - tp / (tp + alpha * fp + beta * fn)) ** power

    return per_class(one)


@per_class
def lovasz_softmax(p, t):
    """The Lovász extension by its definition: 1 − IoU after each further mistake, from the sets."""
    errors = np.abs(t - p)
    order = np.argsort(-errors, kind="stable")
    losses = [0.0]
    for k in range(1, len(t) + 1):
        wrong = np.zeros(len(t), bool)
        wrong[order[:k]] = True
        found = (t > 0) ^ wrong
        losses.append(1 - (found & (t > 0)).sum() / max(1, (found | (t > 0)).sum()))
    return (errors[order] * np.diff(losses)).sum()


soft_dice = per_class(lambda p, t: 1 - 2 * (p * t).sum() / (p.sum() + t.sum()))
jaccard = per_class(lambda p, t: 1 - (p * t).sum() / (p + t - p * t).sum())

# name of the loss, further arguments (made from logits and masks), formula
LOSSES = {
    "cross_entropy": ("cross_entropy", {}, cross_entropy),
    "class weights": ("cross_entropy", {"class_weights"}, class_weighted),
    "pixel weights": ("cross_entropy", {"class_weights", "pixel_weights"}, pixel_weighted),
    "focal": ("focal", {}, focal(2.0)),
    "focal, gamma 0.5": ("focal", {"gamma": 0.5}, focal(0.5)),
    "focal, gamma 0": ("focal", {"gamma": 0}, cross_entropy),
    "soft_dice": ("soft_dice", {}, soft_dice),
    "cross_entropy_dice": (
        "cross_entropy_dice",
        {},
        lambda z, m: cross_entropy(z, m) + soft_dice(z, m),
    ),
    "generalised_dice": ("generalised_dice", {}, generalised_dice),
    "tversky": ("tversky", {}, tversky(0.3, 0.7)),
    "tversky, precision": ("tversky", {"alpha": 0.9, "beta": 0.2}, tversky(0.9, 0.2)),
    "tversky, halves": ("tversky", {"alpha": 0.5, "beta": 0.5}, soft_dice),
    "focal_tversky": ("focal_tversky", {}, tversky(0.3, 0.7, 0.75)),
    "focal_tversky, gamma 1": ("focal_tversky", {"gamma": 1}, tversky(0.3, 0.7)),
    "jaccard": ("jaccard", {}, jaccard),
    "lovasz_softmax": ("lovasz_softmax", {}, lovasz_softmax),
}


def loss(framework, key, dtype=None):
    """A loss of the package as a function of logits and masks alone, which are cast to `dtype`."""
    name, more, _ = LOSSES[key]
    package = import_module(f"helpers.{framework}.losses")

    def value(logits, masks):
        arguments = dict(more) if isinstance(more, dict) else {}
        channels_last = logits.shape if framework == "keras" else (0, logits.shape[1])
        if "class_weights" in more:
            arguments["class_weights"] = class_weights(np.empty(channels_last))
        if "pixel_weights" in more:
            arguments["pixel_weights"] = pixel_weights(np.empty(masks.shape))
        return getattr(package, name)(cast(logits, dtype), masks, **arguments)

    return value


def cast(logits, dtype):
    if dtype is None:
        return logits
    if type(logits).__module__.startswith("torch"):
        return logits.to(getattr(import_module("torch"), dtype))
    return import_module("keras").ops.cast(logits, dtype)


def case(seed, shape=(2, 3, 4, 3), scale=1.0, ignored=0.2, absent=1):
    """Logits float64 and masks; the last `absent` classes have no pixel."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, shape[-1] - absent, shape[:-1]).astype(np.uint8)
    masks[rng.random(masks.shape) < ignored] = 255
    return scale * rng.normal(size=shape), masks


def with_gradient(formula, logits, masks, step=1e-5):
    """The value and the gradient of a formula, by central differences."""
    gradient = np.empty(logits.shape)
    for place in np.ndindex(logits.shape):
        up, down = logits.astype(np.float64), logits.astype(np.float64)
        up[place] += step
        down[place] -= step
        gradient[place] = (formula(up, masks) - formula(down, masks)) / (2 * step)
    return np.asarray(formula(logits, masks)), gradient


# ---- the tests


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("key", LOSSES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_value_and_gradient_are_those_of_the_formula(key, framework, data):
    shape = data.draw(st.tuples(*(st.integers(1, n) for n in (2, 4, 4)), st.integers(2, 4)))
    logits, masks = case(
        data.draw(st.integers(0, 2**32)),
        shape,
        data.draw(st.sampled_from([0.1, 1, 4])),
        data.draw(st.sampled_from([0, 0.2, 1])),
        data.draw(st.integers(0, shape[-1] - 1)),
    )
    value, gradient = with_gradient(LOSSES[key][2], logits, masks)
    exact, exact_gradient = _loss_and_gradient(loss(framework, key), framework, logits, masks)
    assert exact.dtype == np.float64
    np.testing.assert_allclose(exact, value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(exact_gradient, gradient, atol=1e-6)
    short = logits.astype(np.float32)
    found, slope = _loss_and_gradient(loss(framework, key), framework, short, masks)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope, gradient, atol=1e-4)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """framework → value and gradient of every loss in many cases, each computed in a process of
    its own, so that neither framework knows of the other."""
    folder = tmp_path_factory.mktemp("losses")
    program = (
        "import sys; sys.path.insert(0, '.'); from tests.helpers import test_losses as t;"
        "t.write_answers(sys.argv[1], sys.argv[2])"
    )
    found = {}
    for framework in FRAMEWORKS:
        path = folder / f"{framework}.npz"
        subprocess.run([sys.executable, "-c", program, framework, str(path)], check=True)
        with np.load(path) as arrays:
            found[framework] = dict(arrays)
    return found


def twin_cases():
    """name → (logits float32, masks, dtype that the logits are cast to)."""
    cases = {}
    for seed in range(12):
        logits, masks = case(seed, (2, 6, 8, 13), (0.3, 2, 8)[seed % 3], absent=seed % 4)
        cases[f"float32 {seed}"] = (logits, masks, None)
    for dtype in ("float16", "bfloat16"):
        cases[dtype] = (*case(20, (2, 6, 8, 13), 3), dtype)
    cases["streets"] = (*streets(), None)
    cases["extreme"] = (*extreme(), None)
    cases["extreme float16"] = (*extreme(), "float16")
    cases["all ignored"] = (*case(30, ignored=1), None)
    return cases


def streets():
    """Logits that fit two scenes more or less."""
    _, masks = scenes([2], [0, 20], height=32, width=48)
    right = 4 * (masks[..., None] == np.arange(13))
    return right + np.random.default_rng(1).normal(size=right.shape), masks


def extreme():
    """Logits of about ±10,000: certain and right, certain and wrong, in one picture."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 4, (2, 5, 6)).astype(np.uint8)
    signs = np.where(rng.random((2, 5, 6, 5)) < 0.5, 1, -1)
    return 1e4 * signs + rng.normal(size=signs.shape), masks  # no two errors are equal


def write_answers(framework, path):
    found = {}
    for name, (logits, masks, dtype) in twin_cases().items():
        for key in LOSSES:
            found[f"{name}, {key}"], found[f"{name}, {key}: gradient"] = _loss_and_gradient(
                loss(framework, key, dtype), framework, logits.astype(np.float32), masks
            )
    np.savez(path, **found)
    other = {"pytorch": "tensorflow", "keras": "torch"}[framework]
    assert other not in sys.modules


def test_the_twins_agree(answers):
    ours, theirs = answers["pytorch"], answers["keras"]
    assert ours.keys() == theirs.keys() and len(ours) == 2 * len(LOSSES) * len(twin_cases())
    for name in ours:
        # half precision rounds them to equal errors, which Lovász may take in any order
        if name == "extreme float16, lovasz_softmax: gradient":
            continue
        if name.endswith(": gradient"):
            np.testing.assert_allclose(theirs[name], ours[name], atol=2e-6, err_msg=name)
        else:
            np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-5, err_msg=name)


def test_they_also_agree_with_the_formulas_on_scenes_and_in_half_precision(answers):
    for name, (logits, masks, dtype) in twin_cases().items():
        if dtype == "float16":
            logits = logits.astype(np.float16)
        elif dtype == "bfloat16":  # round to nearest, ties to even, as both frameworks do
            bits = logits.astype(np.float32).view(np.uint32)
            bits = bits + 0x7FFF + ((bits >> 16) & 1) & np.uint32(0xFFFF0000)
            logits = bits.view(np.float32)
        for key, (*_, formula) in LOSSES.items():
            value = formula(logits.astype(np.float64), masks)
            for found in answers.values():
                got = found[f"{name}, {key}"]
                np.testing.assert_allclose(got, value, rtol=1e-5, atol=2e-6, err_msg=name + key)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("key", LOSSES)
def test_an_ignored_pixel_changes_nothing_and_gets_no_gradient(key, framework):
    logits, masks = case(0, (2, 5, 6, 4))
    ignored = masks == 255
    value, gradient = _loss_and_gradient(loss(framework, key), framework, logits, masks)
    assert (gradient[ignored] == 0).all() and (gradient[~ignored] != 0).any()
    logits[ignored] = 1e4 * np.sign(logits[ignored])
    again, _ = _loss_and_gradient(loss(framework, key), framework, logits, masks)
    assert again == pytest.approx(value, rel=1e-12)
    for dtype in (None, "float16"):
        value, gradient = _loss_and_gradient(
            loss(framework, key, dtype), framework, logits, np.full_like(masks, 255)
        )
        assert value == 0 and (gradient == 0).all()


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("key", LOSSES)
def test_certain_answers_cost_a_finite_loss_with_a_finite_gradient(key, framework):
    """0 where right, and where wrong as much as the formula says; on both sides of the limits."""
    logits, masks = extreme()
    for sharp in (30, 90, 104, 1e4):
        right = np.where(masks[..., None] == np.arange(5), sharp, -sharp).astype(np.float32)
        for sign in (1, -1):
            z = sign * right
            value, gradient = _loss_and_gradient(loss(framework, key), framework, z, masks)
            assert np.isfinite(gradient).all()
            # on some processors a softmax ends one rounding short of 1: 6e-8, and ^0.75 4e-6
            np.testing.assert_allclose(value, LOSSES[key][2](z, masks), rtol=1e-5, atol=1e-5)
    for dtype in ("float16", "bfloat16"):
        value, gradient = _loss_and_gradient(
            loss(framework, key, dtype), framework, logits.astype(np.float32), masks
        )
        assert np.isfinite(value) and np.isfinite(gradient).all()
        assert value.dtype == np.float32


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_certain_answer_costs_what_the_metrics_take_off(framework):
    rng = np.random.default_rng(3)
    masks, answer = rng.integers(0, 4, (2, 2, 7, 9)).astype(np.uint8)
    logits = np.where(answer[..., None] == np.arange(4), 1e3, 0).astype(np.float32)
    iou, dice = metrics.iou(masks, answer, 4).mean(), metrics.dice(masks, answer, 4).mean()
    for key, score in {"jaccard": iou, "lovasz_softmax": iou, "soft_dice": dice}.items():
        value, _ = _loss_and_gradient(loss(framework, key), framework, logits, masks)
        assert value == pytest.approx(1 - score, rel=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("key", [key for key, (name, *_) in LOSSES.items() if key == name])
def test_a_network_learns_one_scene_by_it(key, framework):
    """In Keras inside a compiled graph, where shapes and ids are checked too."""
    images, masks = scenes([3], [0], height=32, width=48)
    images, masks = np.repeat(images, 2, 0), np.repeat(masks, 2, 0)
    masks[:, :4] = 255
    if framework == "pytorch":
        import_module("torch").manual_seed(0)
    else:
        import_module("keras").utils.set_random_seed(0)
    model = import_module(f"helpers.{framework}.unet").unet(13, width=4, depth=2)
    history = import_module(f"helpers.{framework}.train").train(
        model, images, masks, 20, 2, learning_rate=0.02, loss=loss(framework, key), progress=False
    )
    values = [value for _, value in history]
    assert np.isfinite(values).all()
    assert np.mean(values[-3:]) < 0.95 * np.mean(values[:3])


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("key", LOSSES)
def test_wrong_shapes_and_ids_are_refused(key, framework):
    logits, masks = case(0, (2, 4, 6, 3))
    no_class = ValueError
    if framework == "keras":
        no_class = import_module("tensorflow").errors.InvalidArgumentError
    for bad in (masks[:, :2], masks[0], masks[..., None]):
        with pytest.raises(ValueError, match="do not fit"):
            _loss_and_gradient(loss(framework, key), framework, logits, bad)
    masks[1, 2, 4] = 3
    with pytest.raises(no_class, match="ids are 0 to 2, or 255"):
        _loss_and_gradient(loss(framework, key), framework, logits, masks)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    "name, arguments, sentence",
    [
        ("focal", {"gamma": -1}, "gamma is -1"),
        ("tversky", {"alpha": -0.1}, "alpha is -0.1"),
        ("focal_tversky", {"gamma": 0}, "gamma is 0"),
        ("cross_entropy", {"class_weights": [1, 2]}, "2 class weights for 3 classes"),
        ("cross_entropy", {"pixel_weights": np.ones((2, 4, 5))}, r"pixel weights \(2, 4, 5\)"),
    ],
)
def test_wrong_settings_are_refused(framework, name, arguments, sentence):
    logits, masks = case(0, (2, 4, 6, 3))
    function = getattr(import_module(f"helpers.{framework}.losses"), name)
    with pytest.raises(ValueError, match=sentence):
        _loss_and_gradient(lambda z, m: function(z, m, **arguments), framework, logits, masks)
