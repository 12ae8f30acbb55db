"""Right answers to lyft_unet; the networks stand in unet.py and trained.py."""

from tests.right import trained, unet
from tests.right.answer import Right

RIGHT = [
    Right(
        "prepare_label",
        "TensorFlow resizes",
        """
def prepare_label(label, height, width):
    import tensorflow as tf

    mask = label[:, :, :1].astype("int32")
    hood = slice(len(mask) * 496 // 600, None)
    mask[hood] *= mask[hood] != 10
    return tf.image.resize(mask, (height, width), method="nearest")[..., 0]
""",
        "keras",
    ),
    Right(
        "prepare_label",
        "torch.nn.functional.interpolate, then uint8",
        """
import torch

def prepare_label(label, height, width):
    red = torch.as_tensor(np.ascontiguousarray(label[..., 0]))
    rows = torch.arange(len(red))[:, None]
    red = red.masked_fill((rows * 600 >= 496 * len(red) // 600 * 600) & (red == 10), 0)
    small = torch.nn.functional.interpolate(red[None, None].double(), size=(height, width))
    return small.squeeze().byte()
""",
    ),
    Right(
        "one_hot",
        "np.put_along_axis, in float16",
        """
def one_hot(mask, classes):
    maps = np.zeros(mask.shape + (256,), np.float16)
    np.put_along_axis(maps, mask[..., None].astype(int), 1, axis=-1)
    return maps[..., :classes]
""",
    ),
    Right(
        "one_hot",
        "a list of maps, on the last axis",
        """
def one_hot(mask, classes):
    maps = []
    for k in range(classes):
        maps.append(np.where(mask == k, 1, 0))
    return np.moveaxis(np.array(maps), 0, -1).tolist()
""",
        "keras",
    ),
    Right(
        "crop_flip",
        "torch tensors in a list",
        """
import torch

def crop_flip(image, mask, top, left, height, width, flip):
    pair = [torch.from_numpy(a) for a in (image, mask)]
    pair = [a.narrow(0, top, height).narrow(1, left, width) for a in pair]
    return [a.flip(1) for a in pair] if flip else pair
""",
    ),
    Right(
        "crop_flip",
        "index arrays; the mask rides as a fourth channel",
        """
def crop_flip(image, mask, top, left, height, width, flip):
    both = np.dstack([image, mask])
    columns = range(left, left + width)
    both = both[np.ix_(range(top, top + height), columns[::-1] if flip else columns)]
    return both[..., :3], both[..., 3]
""",
        "keras",
    ),
    Right(
        "iou",
        "divided with 0 / 0 and its warning",
        """
def iou(truth, prediction, classes):
    counted = truth != 255
    t = truth[counted][:, None] == np.arange(classes)
    p = prediction[counted][:, None] == np.arange(classes)
    return np.logical_and(t, p).sum(0) / np.logical_or(t, p).sum(0).astype(np.float32)
""",
    ),
    Right(
        "iou",
        "scikit-learn, for the classes that are there",
        """
from sklearn.metrics import jaccard_score

def iou(truth, prediction, classes):
    kept = truth.ravel() != 255
    t, p = truth.ravel()[kept], prediction.ravel()[kept]
    values = dict.fromkeys(range(classes), float("nan"))
    there = np.union1d(t, p)
    if len(there):
        values |= zip(there.tolist(), jaccard_score(t, p, labels=there, average=None))
    return list(values.values())
""",
        "keras",
    ),
    Right(
        "soft_dice",
        "MONAI's Dice",
        """
def soft_dice(logits, masks):
    from monai.losses import DiceLoss

    loss = DiceLoss(softmax=True, to_onehot_y=True, batch=True, smooth_nr=1.0, smooth_dr=1.0)
    return loss(logits, masks.unsqueeze(1))
""",
    ),
    Right(
        "soft_dice",
        "a module with scatter, in float64",
        """
class SoftDice(nn.Module):
    def forward(self, logits, masks):
        p = torch.exp(logits.double() - torch.logsumexp(logits.double(), 1, keepdim=True))
        y = torch.zeros_like(p).scatter_(1, masks.unsqueeze(1), 1)
        p, y = (v.transpose(0, 1).flatten(1) for v in (p, y))
        dice = (2 * torch.linalg.vecdot(p, y) + 1) / (p.sum(1) + y.sum(1) + 1)
        return torch.mean(1 - dice)

soft_dice = SoftDice()
""",
    ),
    Right(
        "soft_dice",
        "a custom gradient",
        """
import tensorflow as tf

@tf.custom_gradient
def soft_dice(logits, masks):
    p = tf.nn.softmax(logits)
    y = tf.one_hot(masks, tf.shape(logits)[-1])
    above = 2 * tf.reduce_sum(p * y, [0, 1, 2]) + 1
    below = tf.reduce_sum(p + y, [0, 1, 2]) + 1

    def backward(upstream):
        slope = -(2 * y * below - above) / below**2 / tf.cast(tf.shape(logits)[-1], tf.float32)
        return upstream * p * (slope - tf.reduce_sum(slope * p, -1, keepdims=True)), None

    return 1 - tf.reduce_mean(above / below), backward
""",
        "keras",
    ),
    Right(
        "soft_dice",
        "a loop that adds up, keras.ops",
        """
def soft_dice(logits, masks):
    p = keras.activations.softmax(logits, axis=3)
    classes, total = logits.shape[3], keras.ops.convert_to_tensor(1.0)
    for c in range(classes):
        y = keras.ops.cast(masks == c, p.dtype)
        above = 2 * keras.ops.sum(keras.ops.multiply(p[:, :, :, c], y)) + 1
        total -= above / (keras.ops.sum(p[..., c]) + keras.ops.sum(y) + 1) / classes
    return total
""",
        "keras",
    ),
    *unet.RIGHT,
    *trained.RIGHT,
]
