"""Keras metrics, inside compile and fit: the values of helpers.metrics."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import boundary, metrics
from helpers.keras.metrics import BoundaryMetric, ConfusionMetric
from helpers.metrics import Confusion

SCORES = {
    "accuracy": Confusion.accuracy,
    "iou": Confusion.mean_iou,
    "dice": lambda c: metrics.mean(c.dice()),
    "precision": lambda c: metrics.mean(c.precision()),
    "recall": lambda c: metrics.mean(c.recall()),
    "f_beta": lambda c: metrics.mean(c.f_beta(2)),
    "frequency_weighted_iou": Confusion.frequency_weighted_iou,
}


def batch(seed, classes, shape, hidden):
    """Masks N×H×W, a share of them ignored, and logits N×H×W×C."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, classes, shape).astype(np.uint8)
    masks[rng.random(shape) < hidden] = 255
    return masks, rng.normal(size=(*shape, classes)).astype(np.float32)


@pytest.mark.parametrize("score", SCORES)
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([2, 3, 13]),
    st.sampled_from([(1, 1, 1), (2, 5, 7), (3, 1, 9)]),
    st.sampled_from([0, 0.3, 1]),
)
def test_equals_helpers_metrics(score, seed, classes, shape, hidden):
    metric = ConfusionMetric(classes, score, beta=2)
    ours = Confusion(classes)
    for step in range(2):
        masks, logits = batch(seed + step, classes, shape, hidden)
        metric.update_state(masks, logits)
        ours.add(masks, logits.argmax(-1))
    assert np.array_equal(metric.confusion().matrix, ours.matrix)
    np.testing.assert_allclose(metric.result(), SCORES[score](ours), rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2, 5]), st.sampled_from([0, 0.3]))
def test_equals_keras_mean_iou(seed, classes, hidden):
    masks, logits = batch(seed, classes, (2, 6, 5), hidden)
    theirs = keras.metrics.MeanIoU(classes, ignore_class=255, sparse_y_pred=False)
    theirs.update_state(masks, logits)
    ours = metrics.mean_iou(masks, logits.argmax(-1), classes)
    assert float(theirs.result()) == pytest.approx(ours, rel=1e-6)  # theirs is float32


def network(classes):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((6, 5, 3)), keras.layers.Conv2D(classes, 3, padding="same")]
    )


def test_in_compile_and_fit():
    def loss(masks, logits):
        valid = tf.cast(masks != 255, tf.float32)
        truth = tf.where(masks != 255, tf.cast(masks, tf.int32), 0)
        return valid * keras.losses.sparse_categorical_crossentropy(truth, logits, from_logits=True)

    classes = 4
    masks, _ = batch(0, classes, (10, 6, 5), 0.2)
    images = np.random.default_rng(1).random((10, 6, 5, 3), np.float32)
    model = network(classes)
    scores = [ConfusionMetric(classes, score, beta=2) for score in SCORES]
    only = ConfusionMetric(classes, ids=[1, 3], name="two_classes")
    model.compile("sgd", loss, metrics=[*scores, only, BoundaryMetric(classes)])
    logs = model.fit(
        images, masks, batch_size=4, epochs=2, validation_data=(images, masks), verbose=0
    ).history
    assert not model.run_eagerly
    prediction = model.predict(images, verbose=0).argmax(-1)
    ours = Confusion(classes).add(masks, prediction)
    for score, value in SCORES.items():
        assert len(logs[score]) == 2
        assert logs[f"val_{score}"][-1] == pytest.approx(value(ours), rel=1e-6)
    assert logs["val_two_classes"][-1] == pytest.approx(ours.mean_iou([1, 3]), rel=1e-6)
    f1 = metrics.mean(boundary.boundary_f1(masks, prediction, classes))
    assert logs["val_boundary_f1"][-1] == pytest.approx(f1, rel=1e-6)
    assert scores[0].confusion().matrix.sum() == (masks != 255).sum(), "reset between the epochs"


def test_boundary_f1_over_batches():
    metric, ours = BoundaryMetric(3, tolerance=1.5), boundary.BoundaryF1(3, tolerance=1.5)
    for seed in range(3):
        masks, logits = batch(seed, 3, (2, 9, 8), 0.1)
        metric.update_state(masks, logits)
        ours.add(masks, logits.argmax(-1))
    assert float(metric.result()) == pytest.approx(metrics.mean(ours.f1()), rel=1e-12)


def test_a_compiled_model_is_saved_with_its_metrics(tmp_path):
    model = network(3)
    metrics = [ConfusionMetric(3, "dice", [1, 2], 0), BoundaryMetric(3, tolerance=2)]
    model.compile("sgd", "mse", metrics=metrics)
    model.save(tmp_path / "model.keras")
    config = keras.saving.load_model(tmp_path / "model.keras").get_compile_config()
    for metric, saved in zip(metrics, config["metrics"], strict=True):
        again = keras.saving.deserialize_keras_object(saved)
        assert type(again) is type(metric) and again.get_config() == metric.get_config()


def test_counts_stay_exact_beyond_what_float32_holds():
    metric = ConfusionMetric(2)
    metric.matrix.assign(np.array([[2**40, 0], [0, 0]]))
    metric.update_state(np.zeros((1, 1, 1), np.uint8), np.array([[[[1.0, 0.0]]]]))
    assert metric.confusion().matrix[0, 0] == 2**40 + 1


def test_bad_input_is_named():
    masks, logits = batch(0, 3, (1, 4, 5), 0)
    with pytest.raises(ValueError, match="no score 'jaccard'; there are precision.*iou"):
        ConfusionMetric(3, "jaccard")
    with pytest.raises(ValueError, match="ignore label"):
        ConfusionMetric(3).update_state(masks, logits, sample_weight=np.ones(1))
    wrong = np.where(masks == 2, 7, masks)
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)class id.*7.*ids are 0 to 2"):
        ConfusionMetric(3).update_state(wrong, logits)
    with pytest.raises(tf.errors.InvalidArgumentError, match="nan in the logits"):
        ConfusionMetric(3).update_state(masks, logits * np.nan)
    model = network(3)
    model.compile("sgd", lambda y, p: tf.reduce_mean(p), metrics=[ConfusionMetric(3)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)class id.*ids are 0 to 2"):
        model.fit(np.zeros((1, 6, 5, 3)), np.full((1, 6, 5), 7), verbose=0)
