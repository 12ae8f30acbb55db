"""Right answers to losses_and_imbalance in Keras."""

from tests.right.answer import Right

RIGHT = [
    Right(
        "cross_entropy",
        "a subclass of keras.losses.Loss, behind a function",
        """
class CrossEntropy(keras.losses.Loss):
    def call(self, masks, logits):
        kept = keras.ops.cast(keras.ops.not_equal(masks, 255), logits.dtype)
        ids = keras.ops.where(masks == 255, 0, masks)
        each = keras.ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)
        return keras.ops.sum(each * kept) / keras.ops.maximum(keras.ops.sum(kept), 1.0)

def cross_entropy(logits, masks):
    return CrossEntropy(reduction=None)(masks, logits)
""",
        "keras",
    ),
    Right(
        "cross_entropy",
        "logsumexp, and a compiled graph",
        """
import tensorflow as tf

@tf.function(reduce_retracing=True)
def cross_entropy(logits, masks):
    counted = tf.not_equal(masks, 255)
    own = tf.gather(logits, tf.where(counted, masks, 0), axis=3, batch_dims=3)
    each = tf.reduce_logsumexp(logits, axis=3) - own
    each = tf.where(counted, each, tf.zeros_like(each))
    return tf.math.divide_no_nan(tf.reduce_sum(each), tf.reduce_sum(tf.cast(counted, each.dtype)))
""",
        "keras",
    ),
    Right(
        "weighted_cross_entropy",
        "the weights spread over one-hot maps",
        """
def weighted_cross_entropy(logits, masks, weights):
    ops = keras.ops
    hot = ops.one_hot(masks, logits.shape[-1]) * weights
    below = ops.sum(hot)
    above = -ops.einsum("nhwc,nhwc->", hot, ops.log_softmax(logits, axis=-1))
    return above / ops.where(below > 0, below, 1.0)
""",
        "keras",
    ),
    Right(
        "weighted_cross_entropy",
        "a loop over the classes",
        """
def weighted_cross_entropy(logits, masks, weights):
    log_p = keras.ops.log_softmax(logits)
    above, below = keras.ops.sum(logits) * 0, 0.0
    for c in range(logits.shape[-1]):
        here = keras.ops.cast(keras.ops.equal(masks, c), "float32")
        above -= weights[c] * keras.ops.sum(here * log_p[..., c])
        below += weights[c] * keras.ops.sum(here)
    return keras.ops.divide_no_nan(above, below)
""",
        "keras",
    ),
    Right(
        "focal_loss",
        "pixels that count, picked out",
        """
import tensorflow as tf

def focal_loss(logits, masks, gamma):
    kept = masks != 255
    z, ids = logits[kept], masks[kept]
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ids, logits=z)
    factor = tf.math.pow(1.0 - tf.math.exp(-each), tf.cast(gamma, each.dtype))
    return tf.reduce_sum(factor * each) / tf.cast(tf.maximum(tf.shape(each)[0], 1), each.dtype)
""",
        "keras",
    ),
    Right(
        "focal_loss",
        "take_along_axis and square, in float64",
        """
def focal_loss(logits, masks, gamma):
    ops = keras.ops
    log_p = ops.log_softmax(ops.cast(logits, "float64"))
    ids = ops.expand_dims(ops.where(masks < 255, masks, 0), -1)
    own = ops.squeeze(ops.take_along_axis(log_p, ops.cast(ids, "int64"), -1), -1)
    kept = ops.cast(masks < 255, "float64")
    factor = ops.ones_like(own) if gamma == 0 else (1 - ops.exp(own)) ** gamma
    total = -ops.sum(kept * factor * own) / ops.maximum(ops.sum(kept), 1)
    return ops.cast(total, "float32")
""",
        "keras",
    ),
    Right(
        "dice_loss",
        "flattened pixels, matrix products",
        """
def dice_loss(logits, masks, smooth):
    ops, classes = keras.ops, logits.shape[-1]
    t = ops.reshape(ops.one_hot(masks, classes), (-1, classes))
    counted = ops.max(t, axis=1, keepdims=True)
    p = ops.reshape(keras.activations.softmax(logits), (-1, classes)) * counted
    overlap = ops.diagonal(ops.matmul(ops.transpose(p), t))
    area = ops.sum(t, 0)
    each = 1 - (2 * overlap + smooth) / (ops.sum(p, 0) + area + smooth)
    present = ops.cast(ops.greater(area, 0), each.dtype)
    return ops.vdot(present, each) / ops.maximum(ops.sum(present), 1)
""",
        "keras",
    ),
    Right(
        "dice_loss",
        "boolean_mask, and the mean of those that are there",
        """
import tensorflow as tf

def dice_loss(logits, masks, smooth):
    kept = tf.not_equal(masks, 255)
    p = tf.nn.softmax(tf.boolean_mask(logits, kept))
    t = tf.one_hot(tf.boolean_mask(masks, kept), logits.shape[-1])
    area = tf.reduce_sum(t, 0)
    each = 1 - (2 * tf.reduce_sum(p * t, 0) + smooth) / (tf.reduce_sum(p, 0) + area + smooth)
    each = tf.boolean_mask(each, area > 0)
    if tf.size(each) == 0:
        return tf.reduce_sum(logits * 0)
    return tf.reduce_mean(each)
""",
        "keras",
    ),
    Right(
        "tversky_loss",
        "tensordot, with a where before the division",
        """
def tversky_loss(logits, masks, alpha, beta):
    ops = keras.ops
    t = ops.one_hot(masks, logits.shape[-1])
    counted = ops.cast(ops.expand_dims(masks, -1) != 255, t.dtype)
    p = ops.softmax(logits, axis=-1)
    tp = ops.sum(p * t, axis=(0, 1, 2))
    fp = ops.tensordot(ops.squeeze(counted, -1), p * (1 - t), axes=([0, 1, 2], [0, 1, 2]))
    fn = ops.sum(t, axis=(0, 1, 2)) - tp
    present = tp + fn > 0
    below = ops.where(present, tp + alpha * fp + beta * fn, ops.ones_like(tp))
    each = ops.where(present, 1 - tp / below, ops.zeros_like(tp))
    number = ops.sum(ops.cast(present, "float32"))
    return ops.sum(each) / ops.maximum(number, 1)
""",
        "keras",
    ),
    Right(
        "tversky_loss",
        "segment sums over sorted pixels",
        """
import tensorflow as tf

def tversky_loss(logits, masks, alpha, beta):
    place = tf.where(masks != 255)
    ids = tf.gather_nd(masks, place)
    p = tf.gather_nd(tf.nn.softmax(logits), place)
    classes = logits.shape[-1]
    own = tf.gather(p, ids, batch_dims=1)
    tp = tf.math.unsorted_segment_sum(own, ids, classes)
    area = tf.math.unsorted_segment_sum(tf.ones_like(own), ids, classes)
    index = tf.math.divide_no_nan(
        tp, tp + alpha * (tf.reduce_sum(p, 0) - tp) + beta * (area - tp))
    known = tf.cast(area > 0, tf.float32)
    return tf.reduce_sum((1 - index) * known) / tf.maximum(tf.reduce_sum(known), 1.0)
""",
        "keras",
    ),
    Right(
        "lovasz_loss",
        "sorted by Keras, one class after the other",
        """
def lovasz_loss(logits, masks):
    ops = keras.ops
    labels = ops.reshape(masks, (-1,))
    p = ops.reshape(ops.softmax(logits), (-1, logits.shape[-1]))
    counted = ops.cast(labels != 255, "float32")
    total, number = ops.sum(p) * 0, 0
    for c in range(p.shape[-1]):
        t = ops.cast(labels == c, "float32")
        area = ops.sum(t)
        if area == 0:
            continue
        e = ops.absolute(t - p[:, c]) * counted
        order = ops.flip(ops.argsort(e))
        t, e, n = (ops.take(v, order) for v in (t, e, counted))
        j = 1 - (area - ops.cumsum(t)) / (area + ops.cumsum(n - t))
        total += ops.sum(e * (j - ops.concatenate([ops.zeros(1), j[:-1]])))
        number += 1
    return total / max(number, 1)
""",
        "keras",
    ),
    Right(
        "lovasz_loss",
        "tf.sort with a map over the classes",
        """
import tensorflow as tf

def lovasz_loss(logits, masks):
    kept = masks != 255
    p = tf.nn.softmax(logits)[kept]
    ids = masks[kept]
    if len(ids) == 0:
        return 0.0 * tf.math.reduce_sum(logits)

    def one(c):
        t = tf.cast(ids == c, tf.float32)
        e = tf.abs(t - p[:, c])
        order = tf.argsort(e, direction="DESCENDING", stable=True)
        t, e = tf.gather(t, order), tf.gather(e, order)
        j = 1 - (tf.reduce_sum(t) - tf.cumsum(t)) / (tf.reduce_sum(t) + tf.cumsum(1 - t))
        return tf.tensordot(e, tf.stop_gradient(j - tf.pad(j, [[1, 0]])[:-1]), 1)

    present, _ = tf.unique(ids)
    return tf.add_n([one(c) for c in present]) / tf.cast(len(present), tf.float32)
""",
        "keras",
    ),
]
