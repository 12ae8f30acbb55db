"""Scores inside training: Keras metrics on logits N×H×W×C and masks N×H×W of integer class ids.

    model.compile(optimizer, loss, metrics=[ConfusionMetric(13)])
    model.fit(images, masks)            # shows the mean IoU, pooled over the epoch so far

The formulas are those of `helpers.metrics`, so the values are the same.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from helpers.boundary import BoundaryF1
from helpers.classes import IGNORE
from helpers.metrics import Confusion, fraction


@keras.saving.register_keras_serializable("pixelwise")
class ConfusionMetric(keras.metrics.Metric):
    """Counts pixels by true and predicted class; its result is one score of them.

    Args:
        classes: C.
        score: 'accuracy', or the mean over the classes of 'iou', 'dice', 'precision', 'recall',
            'f_beta' (classes where the denominator is 0 are left out), or
            'frequency_weighted_iou'.
        ids: the classes whose mean is taken, by default all.
        ignore: the true id that does not count.
        beta: of f_beta.
        name: under which it is shown; by default the score's.
    """

    def __init__(
        self,
        classes: int,
        score: str = "iou",
        ids: Sequence[int] | None = None,
        ignore: int = IGNORE,
        beta: float = 1.0,
        name: str | None = None,
        **keras_options,
    ) -> None:
        super().__init__(name=name or score, **keras_options)
        if score not in ("accuracy", "frequency_weighted_iou"):
            fraction(score, 0, 0, 0)  # raises if there is no such score
        self.classes, self.score, self.ids, self.ignore = classes, score, ids, ignore
        self.beta = beta
        self.matrix = self.add_weight(
            shape=(classes, classes), initializer="zeros", dtype="int64", name="matrix"
        )

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Counts a batch: masks N×H×W, logits or probabilities N×H×W×C."""
        truth, prediction = _ids(y_true, y_pred, self.classes, self.ignore, sample_weight)
        size, nothing = self.classes**2 + 1, tf.constant(self.classes**2, tf.int64)
        pair = tf.where(truth == self.ignore, nothing, truth * self.classes + prediction)
        counts = tf.math.bincount(tf.reshape(pair, [-1]), minlength=size, dtype=tf.int64)
        self.matrix.assign_add(tf.reshape(counts[:-1], (self.classes, self.classes)))

    def result(self):
        """The score of all that was counted since the last reset, a float64 scalar."""
        matrix = tf.cast(self.matrix.value, tf.float64)
        tp, true = tf.linalg.diag_part(matrix), tf.reduce_sum(matrix, 1)
        if self.score == "accuracy":
            return tf.reduce_sum(tp) / tf.reduce_sum(matrix)
        formula = self.score.removeprefix("frequency_weighted_")
        part, whole = fraction(formula, tp, tf.reduce_sum(matrix, 0) - tp, true - tp, self.beta)
        scores, weights = tf.math.divide_no_nan(part, whole), tf.cast(whole > 0, tf.float64)
        if self.score == "frequency_weighted_iou":
            weights = true
        if self.ids is not None:
            scores, weights = tf.gather(scores, self.ids), tf.gather(weights, self.ids)
        return tf.reduce_sum(weights * scores) / tf.reduce_sum(weights)

    def get_config(self) -> dict:
        """What Keras needs to save a compiled model."""
        options = {k: getattr(self, k) for k in ("classes", "score", "ids", "ignore", "beta")}
        return super().get_config() | options

    def confusion(self) -> Confusion:
        """The counts, for every other score."""
        return Confusion(self.classes, self.ignore, self.matrix.numpy())


@keras.saving.register_keras_serializable("pixelwise")
class BoundaryMetric(keras.metrics.Metric):
    """The mean boundary F1 over the classes; see `helpers.boundary.BoundaryF1`, which counts."""

    def __init__(
        self,
        classes: int,
        tolerance: float = 0.0075,
        ignore: int = IGNORE,
        name: str = "boundary_f1",
        **keras_options,
    ) -> None:
        super().__init__(name=name, **keras_options)
        self.classes, self.tolerance, self.ignore = classes, tolerance, ignore
        self.counts = self.add_weight(  # true and predicted, of each class: found, not found
            shape=(2, classes, 2), initializer="zeros", dtype="int64", name="counts"
        )

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Counts a batch: masks N×H×W, logits or probabilities N×H×W×C."""

        def count(truth, prediction):
            score = BoundaryF1(self.classes, self.tolerance, self.ignore).add(truth, prediction)
            return np.stack([score.true, score.predicted])

        ids = _ids(y_true, y_pred, self.classes, self.ignore, sample_weight)
        counts = tf.numpy_function(count, ids, tf.int64)
        self.counts.assign_add(tf.ensure_shape(counts, self.counts.shape))

    def result(self):
        """The mean over the classes that have a contour, a float64 scalar."""
        true, predicted = tf.unstack(tf.cast(self.counts.value, tf.float64))
        recall, precision = (
            tf.math.divide_no_nan(c[:, 0], tf.reduce_sum(c, 1)) for c in (true, predicted)
        )
        f1 = tf.math.divide_no_nan(2 * precision * recall, precision + recall)
        present = tf.cast(tf.reduce_sum(true + predicted, 1) > 0, tf.float64)
        return tf.reduce_sum(f1) / tf.reduce_sum(present)

    def get_config(self) -> dict:
        """What Keras needs to save a compiled model."""
        options = {k: getattr(self, k) for k in ("classes", "tolerance", "ignore")}
        return super().get_config() | options


def _ids(y_true, y_pred, classes: int, ignore: int, sample_weight) -> tuple[tf.Tensor, tf.Tensor]:
    """True and predicted ids, int64 N×H×W. Raises for weights, nan and ids out of range."""
    if sample_weight is not None:
        raise ValueError(
            "a pixel counts or not: give what should not count the ignore label, "
            "and pass this metric in metrics=, not in weighted_metrics="
        )
    truth, logits = tf.cast(y_true, tf.int64), tf.convert_to_tensor(y_pred)
    good = (truth == ignore) | ((truth >= 0) & (truth < classes))
    first = tf.boolean_mask(truth, ~good)[:1]
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(good), ["class id", first, f"in the masks; ids are 0 to {classes - 1}"]
        ),
        tf.debugging.Assert(
            ~tf.reduce_any(tf.math.is_nan(logits)), ["nan in the logits. Has training diverged?"]
        ),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(truth), tf.argmax(logits, -1)
