"""Which networks count as an FCN: right ones in many forms, both frameworks; wrong ones named."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.checks import assignment
from grader.networks import Networks, NoAnswer
from grader.settings import Settings
from helpers import architecture, rules
from helpers.check import respond
from helpers.export import export

QUESTION = assignment("upsampling_and_fcn")["fcn"]


def faults(builder, folder):
    def facts_of(b):
        try:
            model = builder(b.classes, b.width, *b.settings.values())
            path = export(model, folder / "model.onnx", b.height, b.columns)
            return architecture.read(path, b.height, b.columns)
        except Exception as fault:
            raise rules.NotBuilt(str(fault)) from fault

    return rules.builder_faults("fcn", QUESTION.public_builds, facts_of)[0]


class FCN(nn.Module):
    """An FCN with a switch for each thing that can be other, right or wrong."""

    def __init__(self, classes, width, stride, up="bilinear", norm=True, head=1, halve="pool",
                 halvings=5, join="add", skips=(4, 3), shift=0, ending=None, convs=2,
                 residual=False, last=None, growing=16):  # fmt: skip
        super().__init__()
        self.up, self.halve, self.join, self.ending = up, halve, join, ending
        self.residual, self.last, self.shift = residual, last, shift
        widths = [width * min(2**k, growing) for k in range(halvings + 1)]
        before = [3, *widths]
        self.blocks = nn.ModuleList(
            self.block(a, b, convs, norm, 2 if halve == "stride" and k else 1)
            for k, (a, b) in enumerate(zip(before, widths, strict=False))
        )
        self.levels = [k for k in skips if 2**k >= stride and k < halvings]
        score = [widths[-1], *(widths[k - shift] for k in self.levels)]
        self.score = nn.ModuleList(
            nn.Sequential(
                *(nn.Conv2d(n, n, 3, padding=1) for _ in range(head - 1)), nn.Conv2d(n, classes, 1)
            )
            for n in score
        )
        self.twice = nn.ModuleList(
            nn.ConvTranspose2d(classes, classes, 4, 2, 1) for _ in range(2 if up == "learnt" else 0)
        )
        self.finest = 2 ** (self.levels[-1] if self.levels else halvings)
        if up == "learnt":
            finest = self.finest
            self.full = nn.ConvTranspose2d(classes, classes, 2 * finest, finest, finest // 2)
        self.merge = nn.ModuleList(nn.Conv2d(2 * classes, classes, 1) for _ in self.levels)

    def block(self, a, b, convs, norm, stride):
        layers = []
        for k in range(convs):
            layers += [nn.Conv2d(a if k == 0 else b, b, 3, stride if k == 0 else 1, 1)]
            layers += [nn.BatchNorm2d(b)] if norm else []
            layers += [nn.ELU(), nn.Dropout2d(0.1)]
        return nn.Sequential(*layers)

    def larger(self, x, factor, step):
        if self.up != "learnt":
            return F.interpolate(x, scale_factor=factor, mode=self.up)
        return self.full(x) if step is None else self.twice[step](x)

    def forward(self, x):
        maps = []
        for k, block in enumerate(self.blocks):
            if k and self.halve != "stride":
                x = F.avg_pool2d(x, 2) if self.halve == "mean" else F.max_pool2d(x, 2)
            y = block(x)
            x = y + block[0](x) if self.residual else y
            maps.append(x)
        total = self.score[0](x)
        for step, (k, score) in enumerate(zip(self.levels, self.score[1:], strict=True)):
            finer = score(maps[k - self.shift])
            if self.shift:
                finer = F.max_pool2d(finer, 2**self.shift)
            total = self.larger(total, 2, step)
            total = torch.cat([total, finer], 1) if self.join == "cat" else total + finer
            if self.join == "cat":
                total = self.merge[step](total)
        total = self.larger(total, self.last or self.finest, None)
        return self.ending(total) if self.ending else total


class Published(nn.Module):
    """FCN-8s as its authors wrote it: three scores, the finer ones weighted down."""

    def __init__(self, classes, width, stride):
        super().__init__()
        sizes = [3, *(width * min(2**k, 16) for k in range(6))]
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True))
            for a, b in zip(sizes, sizes[1:], strict=False)
        )
        self.fc7 = nn.Sequential(nn.Conv2d(sizes[6], 64, 1), nn.ReLU(), nn.Dropout2d())
        self.fr, self.four, self.three = (nn.Conv2d(n, classes, 1) for n in (64, *sizes[5:3:-1]))
        self.stride = stride

    def forward(self, image):
        x, pools = image, []
        for k, block in enumerate(self.down):
            x = block(x if k == 0 else F.max_pool2d(x, 2, ceil_mode=True))
            pools.append(x)
        x = self.fr(self.fc7(x))
        if self.stride <= 16:
            x = F.interpolate(x, pools[4].shape[-2:]) + self.four(pools[4] * 0.01)
        if self.stride == 8:
            x = self.three(pools[3] * 0.0001) + F.interpolate(x, pools[3].shape[-2:])
        return F.interpolate(x, image.shape[-2:], mode="bicubic")


def of_the_course(classes, width, stride):
    from helpers.pytorch.fcn import fcn

    return fcn(classes, width, stride)


def wide_kernels_of_stride_32(classes, width, stride):
    return FCN(classes, width, stride, up="learnt", norm=False, convs=1)


RIGHT = {
    "plain": FCN,
    "of the course": of_the_course,
    "published": Published,
    "learnt up-sampling": wide_kernels_of_stride_32,
    "nearest": lambda *a: FCN(*a, up="nearest"),
    "strides halve": lambda *a: FCN(*a, halve="stride"),
    "mean pooling": lambda *a: FCN(*a, halve="mean", norm=False),
    "three convolutions, deeper heads": lambda *a: FCN(*a, convs=3, head=2),
    "residual blocks": lambda *a: FCN(*a, residual=True, convs=1),
    "inside another module": lambda *a: nn.Sequential(nn.Identity(), FCN(*a)),
}


@pytest.mark.parametrize("builder", RIGHT.values(), ids=RIGHT)
def test_other_fcns_are_right(builder, tmp_path):
    assert faults(builder, tmp_path) == {}


class SumOfFeatures(FCN):
    """Scores of the coarsest maps are spread to features, added, and scored again."""

    def __init__(self, classes, width, stride):
        super().__init__(classes, width, stride)
        counts = [width * min(2**k, 16) for k in self.levels]
        self.spread = nn.ModuleList(nn.Conv2d(classes, n, 1) for n in counts)

    def forward(self, x):
        maps = []
        for k, block in enumerate(self.blocks):
            x = block(F.max_pool2d(x, 2) if k else x)
            maps.append(x)
        x = self.score[0](x)
        for k, spread, score in zip(self.levels, self.spread, self.score[1:], strict=True):
            x = score(spread(self.larger(x, 2, 0)) + maps[k])
        return self.larger(x, self.finest, None)


class ScoresTimesZero(FCN):
    """There are sums, but nothing is added."""

    def __init__(self, classes, width, stride):
        super().__init__(classes, width, stride)
        for k in range(1, len(self.score)):
            self.score[k].register_forward_hook(lambda layer, inputs, output: 0 * output)


WRONG = [
    (lambda *a: FCN(*a, join="cat"), {"stride 16", "stride 8"}, "concatenated at 12×16"),
    (lambda *a: FCN(*a, skips=()), {"stride 16", "stride 8"}, "no sum of scores at 6×8"),
    (lambda *a: FCN(*a, skips=(4,)), {"stride 8"}, "no sum of scores at 12×16"),
    (lambda c, w, s: FCN(c, w, 8), {"stride 16", "stride 32"},
     "there is a skip at 12×16; with stride 16, only at 6×8"),
    (lambda c, w, s: FCN(c, w, 16), {"stride 8", "stride 32"}, "no sum of scores at 12×16"),
    (lambda *a: FCN(*a, shift=1), {"stride 16", "stride 8"}, "come from the wrong level"),
    (lambda *a: FCN(*a, halvings=4),
     {"encoder", "stride 8", "stride 16", "stride 32"}, "→ 12×16 → 6×8; 5 halvings give"),
    (lambda *a: FCN(*a, halvings=4), {"encoder", "stride 8", "stride 16", "stride 32"},
     "there are no scores at 3×4"),
    (lambda *a: FCN(*a, ending=nn.Softmax(1)), {"logits"}, "an activation, Softmax"),
    (lambda *a: FCN(*a, ending=nn.Sigmoid()), {"logits"}, "an activation, Sigmoid"),
    (lambda *a: FCN(*a, ending=nn.ReLU()), {"logits"}, "an activation, Relu"),
    (lambda *a: FCN(*a, ending=nn.LogSoftmax(1)), {"logits"}, "LogSoftmax"),
    (lambda *a: FCN(*a, ending=lambda x: x.exp() / x.exp().sum(1, keepdim=True)), {"logits"},
     "Exp"),
    (lambda c, w, s: FCN(c + 1, w, s), {"any size", "stride 32", "stride 16", "stride 8"},
     "it gives 14×96×128 instead of 13×96×128"),
    (lambda c, w, s: FCN(13, w, s), {"any size", "stride 32", "stride 16", "stride 8"},
     "it gives 13×96×128 instead of 5×96×128"),
    # the sums are right, though not the encoder's width: no part waits for another
    (lambda c, w, s: FCN(c, 8, s), {"encoder"},
     "at 96×128 the convolutions give 8, 8 maps; 6 are asked for (width 6 × 1)"),
    (lambda *a: FCN(*a, growing=1), {"encoder"}, "16 are asked for"),
    (lambda *a: FCN(*a, last=4), {"any size"}, "it gives 13×48×64 instead of 13×96×128"),
    (lambda c, w, s: nn.Sequential(FCN(c, w, s), nn.Upsample((96, 128))), {"any size"},
     "for 160×64 images"),
    (lambda c, w, s: nn.Conv2d(3, c, 1), {"encoder", "stride 32", "stride 16", "stride 8"},
     "there are no scores at 3×4"),
    (ScoresTimesZero, {"stride 16", "stride 8"}, "no sum of scores at 6×8"),
    (SumOfFeatures, {"stride 16", "stride 8"}, "score them first, one map for each of the 13"),
]  # fmt: skip


@pytest.mark.parametrize(("builder", "parts", "words"), WRONG)
def test_what_is_no_fcn_is_named(builder, parts, words, tmp_path):
    found = faults(builder, tmp_path)
    assert found.keys() == parts, found
    assert any(words in fault for fault in found.values()), found


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


class Constant(nn.Module):
    def forward(self, x):
        return torch.zeros_like(x[:, :1]).expand(-1, 13, -1, -1) + 1


class Blind(FCN):
    def forward(self, x):
        return super().forward(torch.zeros_like(x))


@pytest.mark.parametrize(
    "builder", [Blind, lambda *a: nn.Sequential(Times(0), FCN(*a)), lambda *a: Constant()]
)
def test_a_network_that_does_not_look_at_the_image_is_none(builder, tmp_path):
    with pytest.raises(rules.NotBuilt, match="nothing of the image|0 inputs"):
        faults(builder, tmp_path)


@pytest.mark.usefixtures("sandboxed")
def test_in_grading_it_is_told_why_such_a_network_gets_nothing(tmp_path):
    networks = Networks("upsampling_and_fcn", tmp_path, Settings(7, "streets", None))
    with pytest.raises(NoAnswer, match="nothing of the image"):
        networks.judge_builder(
            QUESTION, lambda c: respond(c, Blind, "pytorch"), np.random.default_rng(7)
        )


def test_a_network_that_gives_ids_is_told_to_give_scores(tmp_path):
    with pytest.raises(rules.NotBuilt, match="Leave argmax out of the network"):
        faults(lambda *a: FCN(*a, ending=lambda x: x.argmax(1)), tmp_path)


def test_a_dense_layer_at_the_end_is_no_fcn(tmp_path):
    class Dense(nn.Module):
        def __init__(self, classes, width, stride):
            super().__init__()
            self.fcn, self.dense = FCN(classes, width, stride), nn.Linear(13 * 96 * 128, 2)

        def forward(self, x):
            x = self.fcn(x)
            return x + self.dense(x.flatten(1)).mean()

    found = faults(Dense, tmp_path)
    assert "dense layer" in found["logits"]
    assert "for 96×128 images, stride 16" in found["any size"]
    assert "stride 8" not in found and "stride 16: " in found["stride 16"], found


def test_a_stride_that_cannot_be_built_is_not_right(tmp_path):
    def only_32(classes, width, stride):
        if stride != 32:
            raise NotImplementedError("not yet")
        return FCN(classes, width, 32)

    found = faults(only_32, tmp_path)
    assert found.keys() == {"any size", "stride 16", "stride 8"}
    assert "not yet" in found["stride 8"]


# ---- Keras: the same rules on its graphs

KERAS = """
import json, pathlib, sys
import keras
from keras import layers as L
from grader.checks import assignment
from helpers import architecture, rules
from helpers.export import export
from helpers.keras.fcn import fcn as of_the_course

def block(x, channels, norm=False):
    x = L.Conv2D(channels, 3, padding="same", use_bias=not norm)(x)
    x = L.BatchNormalization()(x) if norm else x
    return L.Activation("relu")(x)

def larger(x, classes, factor, up):
    if up == "learnt":
        return L.Conv2DTranspose(classes, 2 * factor, factor, padding="same", use_bias=False)(x)
    return L.UpSampling2D(factor, interpolation=up)(x)

def functional(classes, width, stride, up="nearest", norm=False, join=L.Add, ending=None,
               skips=(4, 3), size=(None, None), halvings=5, score="same"):
    image = x = L.Input((*size, 3))
    maps = []
    for k in range(halvings + 1):
        x = block(x if k == 0 else L.MaxPooling2D()(x), width * min(2**k, 16), norm)
        maps.append(x)
    total = L.Conv2D(classes, 1)(x)
    finest = halvings
    for k in skips:
        if 2**k >= stride and k < halvings:
            total = join()([larger(total, classes, 2, up), L.Dense(classes)(maps[k])])
            if join is L.Concatenate:
                total = L.Conv2D(classes, 1)(total)
            finest = k
    total = larger(total, classes, 2**finest, up)
    return keras.Model(image, L.Activation(ending)(total) if ending else total)

class Subclassed(keras.Model):
    def __init__(self, classes, width, stride):
        super().__init__()
        self.blocks = [
            keras.Sequential(([L.MaxPooling2D()] if k else []) + [
                L.Conv2D(width * min(2**k, 16), 3, padding="same"),
                L.BatchNormalization(), L.LeakyReLU()])
            for k in range(6)]
        self.scored = [k for k in (5, 4, 3) if 2**k >= stride]
        self.scores = [L.Conv2D(classes, 1) for _ in self.scored]
        self.double = L.UpSampling2D(2, interpolation="bilinear")
        self.full = L.UpSampling2D(2**self.scored[-1], interpolation="bilinear")

    def call(self, x):
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        total = self.scores[0](x)
        for k, score in zip(self.scored[1:], self.scores[1:]):
            total = keras.ops.add(self.double(total), score(maps[k]))
        return self.full(total)

def with_sequential_parts(classes, width, stride):
    image = L.Input((None, None, 3))
    parts = [keras.Sequential([L.Conv2D(width * min(2**k, 16), 3, 2 if k else 1, "same"), L.ReLU()])
             for k in range(6)]
    maps = [parts[0](image)]
    for part in parts[1:]:
        maps.append(part(maps[-1]))
    x = L.Conv2D(classes, 1)(maps[5])
    for k in (4, 3):
        if 2**k >= stride:
            x = L.Conv2D(classes, 1)(maps[k]) + L.Conv2DTranspose(classes, 2, 2)(x)
    return keras.Model(image, L.UpSampling2D(min(stride, 32))(x))

builders = {
    "of the course": of_the_course,
    "nearest": functional,
    "learnt": lambda *a: functional(*a, up="learnt", norm=True),
    "subclassed": Subclassed,
    "sequential parts": with_sequential_parts,
    "concatenated": lambda *a: functional(*a, join=L.Concatenate),
    "no skips": lambda *a: functional(*a, skips=()),
    "softmax": lambda *a: functional(*a, ending="softmax"),
    "one pooling too few": lambda *a: functional(*a, halvings=4),
    "fixed size": lambda *a: functional(*a, size=(96, 128)),
}

def facts_of(b):
    try:
        model = builder(b.classes, b.width, *b.settings.values())
        path = export(model, pathlib.Path(sys.argv[1]), b.height, b.columns)
        return architecture.read(path, b.height, b.columns)
    except Exception as fault:
        raise rules.NotBuilt(str(fault)) from fault

builds = assignment("upsampling_and_fcn")["fcn"].public_builds
for name, builder in builders.items():
    print(json.dumps([name, rules.builder_faults("fcn", builds, facts_of)[0]]))
"""

KERAS_EXPECTED = {
    "of the course": {},
    "nearest": {},
    "learnt": {},
    "subclassed": {},
    "sequential parts": {},
    "concatenated": {"stride 16": "concatenated", "stride 8": "concatenated"},
    "no skips": {"stride 16": "no sum of scores at 6×8", "stride 8": "no sum of scores at 12×16"},
    "softmax": {"logits": "Softmax"},
    "one pooling too few": {"encoder": "5 halvings give"} | dict.fromkeys(
        ("stride 32", "stride 16", "stride 8"), "no scores at 3×4"),
    "fixed size": {"any size": "for 160×64 images, stride 8"},
}  # fmt: skip


@pytest.fixture(scope="module")
def found_in_keras(tmp_path_factory, repo):
    path = tmp_path_factory.mktemp("keras") / "model.onnx"
    done = subprocess.run(
        [sys.executable, "-c", KERAS, path], cwd=repo, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("name", KERAS_EXPECTED)
def test_keras_is_judged_by_the_same_rules(name, found_in_keras):
    found, expected = found_in_keras[name], KERAS_EXPECTED[name]
    assert found.keys() == expected.keys(), found
    assert all(words in found[part] for part, words in expected.items()), found
