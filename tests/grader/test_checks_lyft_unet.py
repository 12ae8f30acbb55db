"""Each check is fair both ways: known mistakes are caught and named, other ways are right."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from grader.checks import assignment, lyft_unet
from helpers import architecture, designs, rules
from helpers.check import respond
from helpers.export import export
from helpers.verdict import wrong
from tests.mutants import models

QUESTIONS = assignment("lyft_unet")


def verdicts(question, answer, seed=1, framework=None):
    """What the check says of each case, as in grading."""
    kind = QUESTIONS[question].kind
    cases = QUESTIONS[question].cases(np.random.default_rng(seed))
    return [wrong(c, respond({"kind": kind, "inputs": c.inputs}, answer, framework)) for c in cases]


# ---- right in another way


def label_by_slicing(label, height, width):
    mask = np.array(label[..., 0], np.int64)
    rows = (np.arange(len(mask)) >= 496 * len(mask) // 600)[:, None]
    mask = np.where(rows & (mask == 10), 0, mask)
    r = np.arange(height) * mask.shape[0] // height
    c = np.arange(width) * mask.shape[1] // width
    return mask[r][:, c]


def label_by_torch(label, height, width):
    mask = torch.tensor(label[:, :, 0])
    start = int(496 / 600 * mask.shape[0])
    mask[start:][mask[start:] == 10] = 0
    return F.interpolate(mask[None, None].float(), (height, width), mode="nearest-exact")[0, 0].to(
        torch.uint8
    )


def one_hot_by_loop(mask, classes):
    maps = np.zeros((*mask.shape, classes))
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            if mask[row, column] != 255:
                maps[row, column, mask[row, column]] = 1
    return maps


def one_hot_by_eye(mask, classes):
    table = np.zeros((256, classes), bool)
    table[:classes] = np.eye(classes, dtype=bool)
    return table[mask]


def crop_by_pillow(image, mask, top, left, height, width, flip):
    box = (left, top, left + width, top + height)
    pair = [Image.fromarray(a).crop(box) for a in (image, mask)]
    if flip:
        pair = [p.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for p in pair]
    return tuple(np.asarray(p) for p in pair)


def crop_by_roll(image, mask, top, left, height, width, flip):
    def cut(a):
        a = np.roll(a, (-top, -left), (0, 1))[:height, :width]
        return np.fliplr(a) if flip else a

    return cut(image), cut(mask)


def iou_by_bincount(truth, prediction, classes):
    keep = truth != 255
    pairs = truth[keep].astype(int) * classes + prediction[keep]
    matrix = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    with np.errstate(invalid="ignore"):
        return np.diag(matrix) / (matrix.sum(0) + matrix.sum(1) - np.diag(matrix))


def iou_by_sets(truth, prediction, classes):
    result = []
    for k in range(classes):
        t = {i for i, v in enumerate(truth.flat) if v == k}
        p = {i for i, v in enumerate(prediction.flat) if v == k and truth.flat[i] != 255}
        result.append(len(t & p) / len(t | p) if t | p else float("nan"))
    return torch.tensor(result)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("prepare_label", label_by_slicing),
        ("prepare_label", label_by_torch),
        ("one_hot", one_hot_by_loop),
        ("one_hot", one_hot_by_eye),
        ("crop_flip", crop_by_pillow),
        ("crop_flip", crop_by_roll),
        ("iou", iou_by_bincount),
        ("iou", iou_by_sets),
    ],
)
def test_other_ways_are_right(question, answer):
    assert verdicts(question, answer) == [None] * len(verdicts(question, answer))


def dice_by_einsum(logits, masks):
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    y = torch.stack([(masks == k).float() for k in range(logits.shape[1])], 1)
    overlap = torch.einsum("nchw,nchw->c", p, y)
    areas = torch.einsum("nchw->c", p) + torch.einsum("nchw->c", y)
    return torch.mean(1 - (2 * overlap + 1) / (areas + 1))


def dice_by_loop(logits, masks):
    import tensorflow as tf

    p, total = tf.nn.softmax(logits), 0.0
    for k in range(logits.shape[-1]):
        y = tf.cast(masks == k, p.dtype)
        total += (2 * tf.reduce_sum(p[..., k] * y) + 1) / (
            tf.reduce_sum(p[..., k]) + tf.reduce_sum(y) + 1
        )
    return 1 - total / logits.shape[-1]


@pytest.mark.parametrize(
    ("answer", "framework"), [(dice_by_einsum, "pytorch"), (dice_by_loop, "keras")]
)
def test_losses_in_both_frameworks(answer, framework):
    assert verdicts("soft_dice", answer, framework=framework) == [None, None]


def test_a_loss_without_gradient_is_named():
    with pytest.raises(ValueError, match="nothing could be learnt"):
        verdicts("soft_dice", lambda z, m: torch.ones((), requires_grad=True), framework="pytorch")


# ---- networks


class UNet(nn.Module):
    """A U-Net with a switch for each thing that can be other, right or wrong."""

    def __init__(self, classes, width, levels=4, without=(), join="cat", up="nearest", grow=2):
        super().__init__()
        sizes = [width * grow**k for k in range(levels + 1)]
        self.without, self.join, self.up = without, join, up
        self.down = nn.ModuleList(
            self.block(a, b) for a, b in zip([3, *sizes], sizes, strict=False)
        )
        self.lift = nn.ModuleList(
            nn.Conv2d(b, a, 1) for a, b in zip(sizes, sizes[1:], strict=False)
        )
        self.merge = nn.ModuleList(
            self.block(a * (1 if k in without or join == "add" else 2), a)
            for k, a in enumerate(sizes[:-1])
        )
        self.head = nn.Conv2d(width, classes, 1)

    def block(self, a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ELU(), nn.Dropout(0.1),
                             nn.Conv2d(b, b, 3, padding=1), nn.ELU())  # fmt: skip

    def forward(self, x):
        skips = []
        for k, down in enumerate(self.down):
            x = down(x if k == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for k in reversed(range(len(self.merge))):
            x = self.lift[k](F.interpolate(x, scale_factor=2, mode=self.up))
            if k not in self.without:
                x = x + skips[k] if self.join == "add" else torch.cat([x, skips[k]], 1)
            x = self.merge[k](x)
        return self.head(x)


class Flattened(UNet):
    def __init__(self, classes, width):
        super().__init__(classes, width)
        self.dense = nn.Linear(classes * 96 * 128, 4)

    def forward(self, x):
        x = super().forward(x)
        return x + self.dense(x.flatten(1)).mean()


class WrongSource(UNet):
    """What is concatenated was never at that level: pooled maps of a finer one."""

    def forward(self, x):
        skips = []
        for k, down in enumerate(self.down):
            x = F.max_pool2d(x, 2) if k else x
            skips.append(F.pad(x, (0, 0, 0, 0, 0, self.head.in_channels * 2**k - x.shape[1])))
            x = down(x)
        for k in reversed(range(len(self.merge))):
            x = self.lift[k](F.interpolate(x, scale_factor=2))
            x = self.merge[k](torch.cat([x, skips[k]], 1))
        return self.head(x)


def faults(builder, tmp_path):
    def facts_of(b):
        try:
            path = export(builder(b.classes, b.width), tmp_path / "model.onnx", b.height, b.columns)
            return architecture.read(path, b.height, b.columns)
        except Exception as fault:
            raise rules.NotBuilt(str(fault)) from fault

    return rules.builder_faults("unet", QUESTIONS["unet"].public_builds, facts_of)[0]


@pytest.mark.parametrize(
    "builder",
    [
        UNet,
        lambda c, w: UNet(c, w, up="bilinear"),
        lambda c, w: nn.Sequential(UNet(c, w), nn.Softmax(1)),
    ],
)
def test_other_unets_are_right(builder, tmp_path):
    assert faults(builder, tmp_path) == {}


@pytest.mark.parametrize(
    ("builder", "part", "words"),
    [
        (lambda c, w: UNet(c, w, without=[0, 1, 2, 3]), "skips", "at 96×128, 48×64, 24×32, 12×16"),
        (lambda c, w: UNet(c, w, without=[2]), "skips", "no skip connection at 24×32"),
        (lambda c, w: UNet(c, w, join="add"), "skips", "added and not concatenated"),
        (lambda c, w: UNet(c, w, levels=3), "levels", "96×128 → 48×64 → 24×32 → 12×16 → 24×32"),
        (lambda c, w: UNet(c, w, grow=1), "levels", "4 maps; 8 are asked for"),
        (lambda c, w: UNet(13, w), "any size", "5 classes it gives 13×64×80 instead of 5×64×80"),
        (lambda c, w: UNet(c, 8), "levels", "encoder, 64×80"),
        (WrongSource, "skips", "concatenated at 96×128, 48×64, 24×32, 12×16 come from no conv"),
        (Flattened, "any size", "for 64×80 images"),
        (
            lambda c, w: nn.Sequential(UNet(c, w), nn.Upsample(scale_factor=2)),
            "any size",
            "13×192×256",
        ),
    ],
)
def test_what_is_no_unet_is_named(builder, part, words, tmp_path):
    found = faults(builder, tmp_path)
    if words.startswith("4 maps"):
        words = "8 maps; 16 are asked for"
    assert words in found[part], found


class Gated(UNet):
    """With attention on the skips: its narrow convolutions stand on the way down, too."""

    def __init__(self, classes, width):
        super().__init__(classes, width)
        self.narrow = nn.Conv2d(width, width // 2, 1)
        self.gate = nn.Conv2d(width // 2, 1, 1)

    def forward(self, x):
        skips = []
        for k, down in enumerate(self.down):
            x = down(x if k == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips[0] = skips[0] * torch.sigmoid(self.gate(F.relu(self.narrow(skips[0]))))
        for k in reversed(range(len(self.merge))):
            x = self.lift[k](F.interpolate(x, scale_factor=2))
            x = self.merge[k](torch.cat([x, skips[k]], 1))
        return self.head(x)


def test_the_width_of_a_network_is_that_of_its_first_block(tmp_path):
    for build in (UNet, Gated):
        facts = architecture.read(export(build(13, 8), tmp_path / "model.onnx"))
        assert rules.first_width(facts) == 8


def test_parameters_of_the_plain_unet_are_those_of_the_helper(tmp_path):
    from helpers.pytorch.unet import unet

    for width, classes in ((8, 13), (16, 5)):
        path = export(unet(classes, width), tmp_path / "model.onnx")
        assert architecture.read(path).parameters == designs.unet_parameters(classes, width)


def test_a_model_with_other_maps_is_another_network():
    ours = architecture.read(models.GOOD)
    more = architecture.read(models.maps(26)().SerializeToString())
    assert rules.difference(ours, ours) is None
    assert "gives 26 maps" in rules.difference(ours, more)


# ---- the text


def test_the_shares_of_the_network_stand_in_the_text(repo):
    text = (repo / "assignments/text/lyft_unet.py").read_text("utf-8")
    for part, share in QUESTIONS["unet"].parts.items():
        assert f"{share:.0%}".replace("%", " %") in text, part


@pytest.mark.parametrize("data", lyft_unet.BARS)
def test_bars_share_out_all_points(data):
    assert sum(bar.share for bar in lyft_unet.BARS[data]) == pytest.approx(1)
