# %% [markdown]
# # 05 · FCN: scores on several scales, added up
#
# Two networks have about 600,000 parameters each. But for 1.3 % of them, they are built
# alike. They train on the same streets for the same number of steps. One finds no lane
# lines at all. The other finds them. **What is in the 1.3 %?**
#
# The two are called FCN-32s and FCN-8s, and they are where today's segmentation began. You
# build both, train both, and take the better one apart.
#
# Plan about 70 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Say what becomes of each layer when AlexNet or VGG-16 is made convolutional, and what
#   that costs in parameters.
# - Say what interpolation can and cannot bring back when a network answers once for
#   32 × 32 pixels.
# - Write FCN-32s, FCN-16s and FCN-8s, count their parameters, and draw them from memory.
# - Enlarge scores by a transposed convolution that starts as bilinear interpolation.
# - Add up scores in stages, and show what each summand brings.
# - Measure blurred borders by boundary IoU and boundary F1.
# - Tell what a sum and a concatenation have in common, and where they differ.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. VGG-16 has 138 million parameters in 16 layers. How many of them sit in one single
#    layer, the first dense one: a tenth, a third, three quarters?
# 2. A perfect answer in blocks of 32 × 32 pixels is poor (lesson 04). Now *interpolate*
#    between the blocks. How much of the mean IoU comes back?
# 3. You train an FCN-8s. Then you take away the scores of the *coarsest* level, which has
#    seen most of the scene. Does it fail more or less than without the finest?
# 4. The FCN adds its skips. You concatenate in place of adding, and put one 1 × 1
#    convolution behind it. How much better does that get?

# %% [markdown]
# ## Get ready
#
# One cell loads what the lesson needs. The function at its end prints the shape of maps,
# always as height × width × channels.

# %% tags=["torch"]
import json

import numpy as np
import torch
from IPython.display import Markdown, display
from torch import nn
from torch.nn import functional as F

from helpers import figures, where
from helpers.boundary import boundary_f1, boundary_iou
from helpers.check import exercise
from helpers.classes import GRADED, LYFT
from helpers.masks import argmax
from helpers.metrics import Confusion
from helpers.pytorch.fcn import fcn
from helpers.pytorch.layers import initialize
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.train import train
from helpers.pytorch.twin import load_twin
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets.overlay import overlay

_ = where.set_threads()


# %% tags=["keras"]
import json

import numpy as np
from IPython.display import Markdown, display

from helpers import figures, where
from helpers.boundary import boundary_f1, boundary_iou
from helpers.check import exercise
from helpers.classes import GRADED, LYFT
from helpers.keras.fcn import fcn
from helpers.keras.layers import Resize
from helpers.keras.predict import predict_masks
from helpers.keras.train import train
from helpers.keras.twin import load_twin
from helpers.masks import argmax
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets.overlay import overlay

_ = where.set_threads()

# %% tags=["keras"]
import keras  # after helpers.keras, which chooses the backend
from keras import layers

# %% [markdown]
# The data: 360 street scenes to learn from and 40 of other drives to be judged on. One of
# those, with a car, a pole and lane lines, goes with you through the lesson.

# %%
images, masks = scenes(drives=range(120), frames=(0, 20, 40))
new_images, new_masks = scenes(drives=range(1000, 1040), frames=(0,))
graded = [LYFT.id(name) for name in GRADED]
chosen = 32
image, truth = new_images[chosen], new_masks[chosen]

assert images.shape == (360, 96, 128, 3) and new_masks.shape == (40, 96, 128)
figures.grid(
    [image, truth],
    ["a new scene", "its true mask"],
    alt="Left: a street scene of 96 by 128 pixels that the network will never train "
    "on. Right: its true mask, one class for each pixel.",
)

# %% tags=["torch"]
def report(step, maps):
    _, channels, height, width = maps.shape
    print(f"{step:<36}{height:>4} × {width:>3} × {channels}")


x = tensor(image[None])  # uint8 1×96×128×3 → float32 1×3×96×128 in [0, 1]
report("the image", x)


# %% tags=["keras"]
def report(step, maps):
    _, height, width, channels = maps.shape
    print(f"{step:<36}{height:>4} × {width:>3} × {channels}")


x = image[None] / np.float32(255)  # uint8 1×96×128×3 → float32 in [0, 1]
report("the image", x)

# %% [markdown]
# ## AlexNet and VGG, made convolutional
#
# In 2014 networks could name what is in a photo. AlexNet (2012) and VGG-16 (2014) were the
# famous ones: convolutions and pools, and then three **dense layers**, in which the *where*
# is lost.
#
# In November of that year Jonathan Long, Evan Shelhamer and Trevor Darrell put a paper on
# arXiv (published in 2015). They did to AlexNet and VGG what you did to a small classifier
# in lesson 04: a dense layer on maps *is* a convolution whose kernel is as large as the
# maps. Same weights, same sums. Written that way, the network takes an image of any size and
# answers in many places at once.
#
# AlexNet's dense part reads maps of 6 × 6 × 256, VGG's reads 7 × 7 × 512. So the first dense
# layer becomes a 6 × 6 or a 7 × 7 convolution, and only the two after it become 1 × 1. Count
# them. **Take out your answer to question 1.**


# %%
def conv(k, before, after):
    return k * k * before * after + after


vgg = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256)]
vgg += [(256, 512)] + 5 * [(512, 512)]  # 13 convolutions, all of them 3×3
vgg_maps = sum(conv(3, *pair) for pair in vgg)
vgg_dense = [conv(7, 512, 4096), conv(1, 4096, 4096), conv(1, 4096, 1000)]

alex_maps = conv(11, 3, 96) + conv(5, 48, 256) + conv(3, 256, 384)  # 48, 192: each
alex_maps += conv(3, 192, 384) + conv(3, 192, 256)  # kernel sees one half of the maps
alex_dense = [conv(6, 256, 4096), conv(1, 4096, 4096), conv(1, 4096, 1000)]

for name, below, above in (
    ("VGG-16", vgg_maps, vgg_dense),
    ("AlexNet", alex_maps, alex_dense),
):
    shares = " + ".join(f"{n:,}" for n in above)
    print(f"{name:<8}{below:>11,} + {shares} = {below + sum(above):,}")
assert vgg_maps + sum(vgg_dense) == 138_357_544
assert alex_maps + sum(alex_dense) == 60_965_224

# %% [markdown]
# Each line has the convolutional part first, then the three dense layers. In VGG-16 the first
# of those has 102,764,544 of 138,357,544 parameters: **three quarters**, in one layer.
#
# To segment, the authors took off the last layer, which knows 1000 kinds of things, and put
# a 1 × 1 convolution to the 21 classes of their data in its place:

# %%
score = conv(1, 4096, 21)
fully_convolutional = {
    "AlexNet": alex_maps + sum(alex_dense[:2]) + score,
    "VGG-16": vgg_maps + sum(vgg_dense[:2]) + score,
}
for name, number in fully_convolutional.items():
    print(f"{name} made convolutional: {number / 1e6:.0f} million parameters")
assert round(fully_convolutional["AlexNet"] / 1e6) == 57
assert round(fully_convolutional["VGG-16"] / 1e6) == 134
assert round(vgg_dense[0] / (vgg_maps + sum(vgg_dense)), 2) == 0.74

# %% [markdown]
# 57 and 134 million are the numbers in the paper, too. All the weights but the last layer's
# come from training on a million photos of ImageNet: the network knows what a wheel is
# before it sees its first mask. That is **transfer learning** (lesson 08). Then the whole
# network is trained on masks **end to end**: pixels go in, a class for each pixel comes out,
# and nothing in between is made by hand. On PASCAL VOC, with 20 classes and a background,
# VGG-16 reached a mean IoU of .56 and AlexNet .40.

# %% [markdown]
# ## The ×32 problem
#
# VGG halves its maps five times; AlexNet begins with a stride of 4 and halves three times.
# Either way one number speaks for 32 × 32 pixels at the end. Our scenes have 96 × 128, so
# 3 × 4 numbers are left for each class. How good can a mask be that is made of them?
#
# In lesson 04 a perfect network answered in blocks, and repeated each answer over its block.
# That is crude. Do better: let it give the *share* of each class in each block, and
# **interpolate** the shares between the blocks. Then take the largest at each pixel.
#
# **Predict first** (question 2). How much comes back?


# %%
def shares_of(masks, stride):
    """The share of each class in each block: N×H×W to N×H/stride×W/stride×13."""
    n, height, width = masks.shape
    one_hot = masks[..., None] == np.arange(13)
    blocks = one_hot.reshape(n, height // stride, stride, width // stride, stride, 13)
    return blocks.mean((2, 4))


def enlarge(maps, factor):
    """Bilinear interpolation: N×H×W×C to N×(H·factor)×(W·factor)×C."""
    for axis in (1, 2):
        side = maps.shape[axis]
        place = (np.arange(side * factor) + 0.5) / factor - 0.5
        lower = np.floor(place).astype(int)
        part = (place - lower).reshape(-1, *[1] * (3 - axis))
        first = maps.take(lower.clip(0, side - 1), axis)
        second = maps.take((lower + 1).clip(0, side - 1), axis)
        maps = first * (1 - part) + second * part
    return maps


# %%
best = {}
for stride in (32, 16, 8, 4):
    shares = shares_of(new_masks, stride)
    blocks = argmax(shares).repeat(stride, 1).repeat(stride, 2)
    best[stride] = blocks, argmax(enlarge(shares, stride))
    ious = [Confusion().add(new_masks, mask).iou() for mask in best[stride]]
    lines = ious[1][LYFT.id("RoadLines")]
    print(
        f"×{stride:<3}mean IoU: blocks {np.nanmean(ious[0]):.3f}, interpolated "
        f"{np.nanmean(ious[1]):.3f} (RoadLines {lines:.3f})"
    )
    best[stride] += (ious,)
assert [round(np.nanmean(values), 2) for values in best[32][2]] == [0.19, 0.26]

# %% [markdown]
# The same in pictures, for one scene:

# %%
names = [f"{how}, ×{s}" for how in ("blocks", "interpolated") for s in (32, 16, 8)]
figures.grid(
    [truth, *(best[s][kind][chosen] for kind in (0, 1) for s in (32, 16, 8))],
    ["truth", *names],
    alt="The true mask, and six versions of it after shrinking. Blocks of 32 pixels "
    "are a patchwork, blocks of 8 a mosaic in which the scene can be seen. "
    "Interpolated, the borders are smooth curves: at 32 large soft blobs without any "
    "thin thing, at 8 close to the truth but for poles, signs and lines.",
    columns=4,
)

# %% [markdown]
# That was question 2: at ×32 the mean IoU rises from 0.19 to **0.26**. Interpolation makes the
# borders smooth, and it helps, but three quarters are still gone, and every thin thing with
# them. A lane line is one to four pixels wide. In a block of 32 × 32 it never has the largest
# share, and between two blocks neither. And these are *perfect* shares; no network has made a
# mistake yet.
#
# It is no hard limit: a network may choose better scores than shares, and you will see that it
# does. But it shows what coarse scores are short of. And it depends on the size of the scene:
# the photos in the paper have about 500 × 375 pixels, where ×32 costs much less than here.
#
# So interpolation alone is no cure. The finer levels of the encoder know where the line runs.
# How do you let them speak?

# %% [markdown]
# ## Enlarge by a transposed convolution
#
# First a tool. The FCN enlarges its scores by **transposed convolutions** with a 4 × 4 kernel
# and stride 2: each value is multiplied by the kernel and scattered, and where the pieces
# overlap, they are added. It starts from the bilinear kernel of lesson 04:
#
# $$k = (\tfrac14, \tfrac34, \tfrac34, \tfrac14), \qquad K = k\,k^\mathsf{T}$$
#
# There is one such kernel for each class, and zeros between the classes:


# %%
k = np.array([0.25, 0.75, 0.75, 0.25])


def bilinear_start(classes):
    """The kernel 4×4×classes×classes; each class is interpolated for itself."""
    return np.outer(k, k)[..., None, None] * np.eye(classes)


assert bilinear_start(13).shape == (4, 4, 13, 13)
assert np.isclose(bilinear_start(13)[..., 0, 0].sum(), 4)  # 1 for each of 2×2 pixels

# %% tags=["torch"]
def doubling(classes):
    layer = nn.ConvTranspose2d(classes, classes, 4, stride=2, padding=1, bias=False)
    kernel = torch.from_numpy(bilinear_start(classes)).float()
    layer.weight.data = kernel.permute(2, 3, 0, 1).contiguous()  # in×out×4×4
    return layer


scores = np.random.default_rng(0).normal(size=(1, 6, 8, 13)).astype(np.float32)
with torch.inference_mode():
    doubled = doubling(13)(torch.from_numpy(scores).permute(0, 3, 1, 2))
report("scores, doubled", doubled)
doubled = doubled.permute(0, 2, 3, 1).numpy()


# %% tags=["keras"]
def doubling(classes, name=None):
    return layers.Conv2DTranspose(
        classes,
        4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=lambda shape, dtype: bilinear_start(classes),
        name=name,
    )


scores = np.random.default_rng(0).normal(size=(1, 6, 8, 13)).astype(np.float32)
doubled = doubling(13)(scores)
report("scores, doubled", doubled)
doubled = np.asarray(doubled)

# %%
inner = np.s_[:, 1:-1, 1:-1]
difference = np.abs(doubled - enlarge(scores, 2))[inner].max()
print(f"largest difference from interpolation, edge aside: {difference:.1e}")
assert difference < 1e-5

# %% [markdown]
# Inside it *is* interpolation, and no checkerboard arises. (At the very edge the neighbour
# outside is missing, and the values are too small.)
#
# Why a layer with weights, if it starts as interpolation? Because it may learn to do better.
# The authors let the doublings learn. The last and largest step, ×8, ×16 or ×32, they kept
# as plain interpolation. So do we. (You will read that the FCN uses transposed convolutions
# *in place of* interpolation. It uses both.)

# %% [markdown]
# ## FCN-32s: one score, enlarged 32 times
#
# Now build it. The encoder follows VGG: blocks of 3 × 3 convolutions, and a halving between
# the blocks. Ours is narrower (8 channels at the top in place of 64), has two convolutions in
# every block (VGG-16 has two or three), a batch norm behind each (VGG had none), and a sixth
# block where VGG has its dense layers. (How wide the random weights are drawn at the start,
# by He's rule, is a matter of lesson 06.)

# %% tags=["torch"]
def double_conv(before, after):
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


torch.manual_seed(0)
widths = [8, 16, 32, 64, 128, 128]
y, maps = x, []
for level, width in enumerate(widths):
    y = F.max_pool2d(y, 2) if level else y
    y = double_conv(y.shape[1], width)(y)
    report(f"level {level}: a pixel is {2**level}×{2**level}", y)
    maps.append(y)
assert y.shape == (1, 128, 3, 4)


# %% tags=["keras"]
def double_conv(x, after):
    for _ in range(2):
        x = layers.Conv2D(
            after, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
        x = layers.ReLU()(x)
    return x


keras.utils.set_random_seed(0)
widths = [8, 16, 32, 64, 128, 128]
y, maps = x, []
for level, width in enumerate(widths):
    y = layers.MaxPooling2D(2)(y) if level else y
    y = double_conv(y, width)
    report(f"level {level}: a pixel is {2**level}×{2**level}", y)
    maps.append(y)
assert y.shape == (1, 3, 4, 128)

# %% [markdown]
# At level 5 one pixel stands for 32 × 32. The **score layer** is a 1 × 1 convolution: at
# each of the 3 × 4 places it makes 13 scores out of 128 numbers. Enlarge those 32 times,
# and the FCN-32s is complete.

# %% tags=["torch"]
score_5 = nn.Conv2d(128, 13, 1)(maps[5])
report("scores of level 5", score_5)
logits = F.interpolate(score_5, size=(96, 128), mode="bilinear")
report("enlarged 32 times: FCN-32s", logits)
assert logits.shape == (1, 13, 96, 128)

# %% tags=["keras"]
score_5 = layers.Conv2D(13, 1)(maps[5])
report("scores of level 5", score_5)
logits = keras.ops.image.resize(score_5, (96, 128), interpolation="bilinear")
report("enlarged 32 times: FCN-32s", logits)
assert logits.shape == (1, 96, 128, 13)

# %% [markdown]
# ## FCN-16s and FCN-8s: add finer scores in stages
#
# The encoder still has its finer maps: level 4 with 6 × 8 and level 3 with 12 × 16. They see
# less of the scene, but they know better *where*. The edges are blurry because that knowledge
# gets lost on the way down. So lead it around: give the finer levels score layers too. These
# connections past the deeper levels are the **skips**.
#
# How do you join 3 × 4 scores and 6 × 8 scores? Double the coarse ones, and **add**:

# %% tags=["torch"]
score_4 = nn.Conv2d(128, 13, 1)(maps[4])
score_3 = nn.Conv2d(64, 13, 1)(maps[3])
report("scores of level 4", score_4)
both = doubling(13)(score_5) + score_4
report("level 5, doubled, + level 4", both)
three = doubling(13)(both) + score_3
report("that, doubled, + level 3", three)
logits = F.interpolate(three, size=(96, 128), mode="bilinear")
report("enlarged 8 times: FCN-8s", logits)
assert both.shape == (1, 13, 6, 8) and three.shape == (1, 13, 12, 16)

# %% tags=["keras"]
score_4 = layers.Conv2D(13, 1)(maps[4])
score_3 = layers.Conv2D(13, 1)(maps[3])
report("scores of level 4", score_4)
both = doubling(13)(score_5) + score_4
report("level 5, doubled, + level 4", both)
three = doubling(13)(both) + score_3
report("that, doubled, + level 3", three)
logits = keras.ops.image.resize(three, (96, 128), interpolation="bilinear")
report("enlarged 8 times: FCN-8s", logits)
assert both.shape == (1, 6, 8, 13) and three.shape == (1, 12, 16, 13)

# %% [markdown]
# Enlarge after the first sum, 16 times, and you have the **FCN-16s**. Enlarge after the
# second, 8 times, and you have the **FCN-8s**. The number is the step that is left to
# interpolation. (The paper takes its finer scores right behind two of VGG's poolings, `pool4`
# and `pool3`. Ours come two convolutions later, at the same sizes.) Here is the whole of it in
# one drawing.


# %%
def box(axis, x, y, text, colour):
    style = dict(boxstyle="round,pad=0.4", facecolor=colour, edgecolor="black")
    axis.text(x, y, text, ha="center", va="center", fontsize=10.5, bbox=style)


def arrow(axis, start, end, text=""):
    gap = 38 if start[1] == end[1] else 22  # boxes are wider than high
    look = dict(arrowstyle="->", linewidth=1.6, shrinkA=gap, shrinkB=gap)
    axis.annotate("", end, start, arrowprops=look)
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.13
    axis.text(*middle, text, ha="center", fontsize=10.5)


# %%
def encoder_and_scores(axis):
    for level, width in enumerate(widths):
        size = f"{96 >> level}×{128 >> level}"
        box(axis, level, 2, f"level {level}\n{size}×{width}", "#dfe8fb")
        if level:
            arrow(axis, (level - 1, 2), (level, 2), "½")
        if level >= 3:
            box(axis, level, 1, f"score\n{size}×13", "#fbeedd")
            arrow(axis, (level, 2), (level, 1))


# %%
figure, axes = figures.canvas(height=4.8)
axis = axes[0, 0]
encoder_and_scores(axis)
box(axis, 4, 0, "sum\n6×8×13", "#e3f3e3")
box(axis, 3, 0, "sum\n12×16×13", "#e3f3e3")
box(axis, 1.3, 0, "FCN-8s\n96×128×13", "#e3f3e3")
for start, end, text in (
    ((5, 1), (4, 0), "×2"), ((4, 1), (4, 0), ""), ((4, 0), (3, 0), "×2"),
    ((3, 1), (3, 0), ""), ((3, 0), (1.3, 0), "×8"),
):  # fmt: skip
    arrow(axis, start, end, text)
axis.set(xlim=(-0.6, 5.6), ylim=(-0.5, 2.5))
axis.set_axis_off()
figures.show(
    figure,
    alt="The FCN-8s as a drawing. Above, from left to right, six levels, each half the "
    "size of the one before, from 96×128×8 to 3×4×128. Levels 5, 4 and 3 have a score "
    "below them. The scores of level 5 are doubled and added to those of level 4, the "
    "sum is doubled and added to those of level 3, and that sum is enlarged 8 times to "
    "96×128×13.",
)

# %% [markdown]
# ## The whole network
#
# All parts together. `stride` chooses one of the three networks. The score layers are named by
# their order: 0 is the coarsest.

# %% tags=["torch"]
class MyFCN(nn.Module):
    def __init__(self, classes, width=8, stride=8):
        super().__init__()
        widths = [width * min(2**level, 16) for level in range(6)]
        stages = {32: 0, 16: 1, 8: 2}[stride]
        self.encoder = nn.ModuleList(map(double_conv, [3, *widths[:-1]], widths))
        deepest = widths[::-1][: stages + 1]  # 128, 128, 64
        self.score = nn.ModuleList(nn.Conv2d(w, classes, 1) for w in deepest)
        initialize(self)  # random weights by He's rule, lesson 06
        self.up = nn.ModuleList(doubling(classes) for _ in range(stages))

    def scores(self, x):  # from the coarsest to the finest
        maps = []
        for level, block in enumerate(self.encoder):
            x = block(F.max_pool2d(x, 2) if level else x)
            maps.append(x)
        return [score(maps.pop()) for score in self.score]

    def forward(self, image):
        return add_up(self.up, self.scores(image), image.shape[-2:])


# %% [markdown] tags=["torch"]
# `add_up` is the staged sum. It stands apart because you will want to feed it other scores.


# %% tags=["torch"]
def add_up(doublings, scores, size):
    x = scores[0]  # the coarsest
    for double, score in zip(doublings, scores[1:], strict=True):
        x = double(x) + score
    return F.interpolate(x, size=size, mode="bilinear")


def parameters(network):
    return sum(p.numel() for p in network.parameters())


# %% tags=["keras"]
def my_fcn(classes, width=8, stride=8):
    def score(x, name):
        return layers.Conv2D(classes, 1, kernel_initializer="he_normal", name=name)(x)

    x = image = keras.Input((None, None, 3))
    maps = []
    for level in range(6):
        x = layers.MaxPooling2D(2)(x) if level else x
        x = double_conv(x, width * min(2**level, 16))
        maps.append(x)
    x = score(maps.pop(), "score_0")  # the coarsest
    for stage in range({32: 0, 16: 1, 8: 2}[stride]):
        x = doubling(classes, f"up_{stage}")(x)
        x = layers.Add()([x, score(maps.pop(), f"score_{stage + 1}")])
    return keras.Model(image, Resize()(x, image))  # bilinear, to the image's size


# %% [markdown] tags=["keras"]
# `Resize` is a layer of the course that interpolates to the size of the image. Counting:


# %% tags=["keras"]
def parameters(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


# %% [markdown]
# That is a complete FCN. The course's package has one too, `fcn`, with a few more options.
# Is yours the same network? For each of the three: the same number of parameters, and, with
# the same weights in both, the same logits.

# %% tags=["torch"]
counts = {}
for stride in (32, 16, 8):
    mine = MyFCN(13, stride=stride).eval()
    theirs = fcn(13, width=8, stride=stride).eval()
    assert parameters(mine) == parameters(theirs)
    counts[stride] = parameters(mine)
    values = theirs.state_dict().values()
    mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
    with torch.inference_mode():
        difference = (mine(x) - theirs(x)).abs().max().item()
    print(f"FCN-{stride}s: {counts[stride]:,}, logits differ by {difference:.1e}")
    assert difference < 1e-5

# %% tags=["keras"]
counts = {}
for stride in (32, 16, 8):
    mine, theirs = my_fcn(13, stride=stride), fcn(13, width=8, stride=stride)
    assert parameters(mine) == parameters(theirs)
    counts[stride] = parameters(mine)
    mine.set_weights(theirs.get_weights())
    difference = np.abs(mine(x, training=False) - theirs(x, training=False)).max()
    print(f"FCN-{stride}s: {counts[stride]:,}, logits differ by {difference:.1e}")
    assert difference < 1e-5

# %% [markdown]
# So what do the skips cost?

# %%
score_layers = (128 * 13 + 13) + (64 * 13 + 13)
doublings = 2 * 4 * 4 * 13 * 13
print(f"two score layers {score_layers:,}, two doublings {doublings:,}")
print(f"together {(counts[8] - counts[32]) / counts[8]:.1%} of the FCN-8s")
assert counts == {32: 592_645, 16: 597_026, 8: 600_575}
assert counts[8] - counts[32] == score_layers + doublings == 7_930

# %% [markdown]
# 7,930 parameters: that is the 1.3 % of the question at the top. What they *do* is the rest of
# the lesson.
#
# One more check, at the door. Five halvings, so height and width must be divisible by
# 2⁵ = 32. The package's network says so when they are not:

# %% tags=["torch"]
try:
    theirs(torch.rand(1, 3, 100, 130))
except ValueError as error:
    print(error)
    assert "128×160" in str(error)

# %% tags=["keras"]
try:
    theirs(np.zeros((1, 100, 130, 3), np.float32))
except ValueError as error:
    print(next(line for line in str(error).splitlines() if "160" in line))
    assert "128×160" in str(error)

# %% [markdown]
# ## Train all three
#
# First the baseline without a model. For each pixel, take the class that was there most often
# in the training scenes: sky above, road below, whatever the image shows.

# %%
often = np.stack([(masks == k).sum(0) for k in range(13)], -1)
prior = np.broadcast_to(argmax(often), new_masks.shape)
answers = {"no model": prior}
print(f"mean IoU without a model {Confusion().add(new_masks, prior).mean_iou():.3f}")

# %% tags=["test"]
assert Confusion().add(new_masks, prior).mean_iou() < 0.3

# %% [markdown]
# Now the three networks: same seed, same scenes in the same order, same 300 steps with
# batches of 8, same loss (cross-entropy plus Dice, lesson 07). They differ in the skips and
# in nothing else. Each takes about 20 seconds.

# %% tags=["torch"]
def trained(network):
    history = train(network, images, masks, steps=300, learning_rate=0.01)
    return network, np.array([loss for _, loss in history])


torch.manual_seed(0)
fcn_32, losses_32 = trained(MyFCN(13, stride=32))

# %% tags=["torch"]
torch.manual_seed(0)
fcn_16, losses_16 = trained(MyFCN(13, stride=16))

# %% tags=["torch"]
torch.manual_seed(0)
fcn_8, losses_8 = trained(MyFCN(13, stride=8))

# %% tags=["keras"]
def trained(network):
    history = train(network, images, masks, steps=300, learning_rate=0.01)
    return network, np.array([loss for _, loss in history])


keras.utils.set_random_seed(0)
fcn_32, losses_32 = trained(my_fcn(13, stride=32))

# %% tags=["keras"]
keras.utils.set_random_seed(0)
fcn_16, losses_16 = trained(my_fcn(13, stride=16))

# %% tags=["keras"]
keras.utils.set_random_seed(0)
fcn_8, losses_8 = trained(my_fcn(13, stride=8))

# %% [markdown]
# One step is noisy, so draw the mean of 20.

# %%
smooth = {
    name: (np.arange(19, 300), np.convolve(values, np.ones(20) / 20, "valid"))
    for name, values in (
        ("FCN-32s", losses_32), ("FCN-16s", losses_16), ("FCN-8s", losses_8)
    )
}  # fmt: skip
figures.curves(
    smooth,
    alt="The loss of the three networks over 300 steps. All fall; the FCN-32s stays "
    "highest, the FCN-8s ends lowest.",
    xlabel="step",
    ylabel="loss, mean of 20 steps",
)

# %% [markdown]
# The loss is about the scenes they learn from. What counts are the new ones. First look:

# %%
for name, network in (("FCN-32s", fcn_32), ("FCN-16s", fcn_16), ("FCN-8s", fcn_8)):
    answers[name] = predict_masks(network, new_images)
figures.grid(
    [image, truth, *(mask[chosen] for mask in answers.values())],
    ["scene", "truth", *answers],
    alt="A new scene, its true mask, the baseline without a model, and the masks of "
    "the three networks. The baseline is the same for every scene. FCN-32s gives large "
    "soft blobs, FCN-16s recognisable shapes, FCN-8s borders that follow the scene, "
    "and pieces of the lane lines.",
    columns=3,
)

# %% [markdown]
# In the lower row, from left to right, the blobs get borders. Go close: swipe between the
# truth and the FCN-32s, then do the same with the FCN-8s. *Errors* shows the wrong pixels
# alone.

# %%
overlay(
    image,
    truth=truth,
    prediction=answers["FCN-32s"][chosen],
    alt="A new street scene under its true mask and under the mask of the FCN-32s.",
)

# %%
overlay(
    image,
    truth=truth,
    prediction=answers["FCN-8s"][chosen],
    alt="The same street scene under its true mask and under the mask of the FCN-8s.",
)

# %% [markdown]
# ## Measure the borders
#
# IoU counts areas, and large areas hide their borders. Lesson 03 gave you two measures that
# look at borders alone:
#
# - **Boundary IoU**: the IoU of the bands along the borders, here 3 pixels wide.
# - **Boundary F1**: which share of the contours lies within 1 pixel of the other mask's? It
#   joins the share of the network's contour (precision) and of the true one (recall).
#
# Both for this one scene, as the mean over its classes:

# %%
table = {}
for name, found in answers.items():
    iou = Confusion().add(truth, found[chosen]).iou()
    bands = boundary_iou(truth, found[chosen])
    f1 = boundary_f1(truth, found[chosen], tolerance=1)
    table[name] = [np.nanmean(values) for values in (iou, bands, f1)]

print(f"{'this scene':<12}{'mean IoU':>10}{'boundary IoU':>15}{'boundary F1':>14}")
for name, (iou, bands, f1) in table.items():
    print(f"{name:<12}{iou:>10.3f}{bands:>15.3f}{f1:>14.3f}")

# %% [markdown]
# And the edge of the road with its lines, drawn over the scene:

# %%
drivable = [LYFT.id("Roads"), LYFT.id("RoadLines")]
figure, axes = figures.canvas(1, 3, height=2.9)
for axis, name in zip(axes[0], ("FCN-32s", "FCN-16s", "FCN-8s"), strict=True):
    axis.imshow(image // 2 + 120)
    found = answers[name][chosen]
    for mask, ink, dash in ((truth, "black", "-"), (found, "#c0001f", "--")):
        edge = np.isin(mask, drivable)
        axis.contour(edge, [0.5], colors=ink, linewidths=2, linestyles=dash)
    axis.set(title=name, xticks=[], yticks=[])
figures.show(
    figure,
    alt="The scene three times, pale. A black line is the true edge of the road, a "
    "dashed red line the edge in the answer. FCN-32s: a smooth curve that runs past "
    "the edge. FCN-16s: closer. FCN-8s: close along most of it.",
    caption="black: the true edge of the road and its lines; red: the network's",
)

# %%
gain = np.divide(table["FCN-8s"], table["FCN-32s"])
step = np.subtract(table["FCN-8s"], table["FCN-16s"])
display(
    Markdown(
        f"Read it out loud. From FCN-32s to FCN-8s the mean IoU of this scene grows "
        f"from {table['FCN-32s'][0]:.2f} to **{table['FCN-8s'][0]:.2f}**, by a factor "
        f"of {gain[0]:.1f}. Boundary IoU grows by a factor of **{gain[1]:.1f}** and "
        f"boundary F1 by **{gain[2]:.1f}**. From FCN-16s to FCN-8s mean IoU moves by "
        f"{step[0]:+.3f}, boundary F1 by {step[2]:+.3f}. See how little the FCN-32s "
        f"knows of borders: its boundary F1 is {table['FCN-32s'][2]:.2f}, that of the "
        f"baseline, which never looks, {table['no model'][2]:.2f}."
    )
)

# %% tags=["test"]
assert table["FCN-8s"][1] > table["FCN-32s"][1] + 0.05, table
assert table["FCN-8s"][2] > table["FCN-32s"][2] + 0.10, table

# %% [markdown]
# One scene proves little. All forty, class by class:

# %%
iou = {name: Confusion().add(new_masks, mask).iou() for name, mask in answers.items()}
figures.class_bars(
    {name: iou[name] for name in ("FCN-32s", "FCN-16s", "FCN-8s")},
    alt="For each class three bars, the IoU of FCN-32s, FCN-16s and FCN-8s on 40 new "
    "scenes. The large classes gain some, thin ones such as road lines only appear "
    "with the finer networks; poles, signs and pedestrians stay near zero.",
    label="IoU on 40 new scenes",
)

# %% [markdown]
# Look at the shortest bars first: thin classes gain most.

# %%
lines = LYFT.id("RoadLines")
mean = {name: np.nanmean(values) for name, values in iou.items()}
display(
    Markdown(
        f"Read it out loud. Mean IoU over all classes that occur: no model "
        f"{mean['no model']:.3f}, FCN-32s {mean['FCN-32s']:.3f}, FCN-16s "
        f"{mean['FCN-16s']:.3f}, FCN-8s **{mean['FCN-8s']:.3f}**. For RoadLines: "
        f"{iou['FCN-32s'][lines]:.3f}, {iou['FCN-16s'][lines]:.3f} and "
        f"**{iou['FCN-8s'][lines]:.3f}**."
    )
)

# %% tags=["test"]
assert mean["no model"] < mean["FCN-32s"] < mean["FCN-16s"] < mean["FCN-8s"], mean
assert iou["FCN-32s"][lines] < 0.05 < 0.15 < iou["FCN-8s"][lines], iou

# %% [markdown]
# There is the lane line of the question at the top. It is hardly a matter of training longer:
# at level 5 the line is a small part of one cell, and whatever the cell says, it says for
# 32 × 32 pixels. (The stored comparison below trained for many more steps.)
#
# One thing may surprise you. Hold these numbers against the table of *perfect shares* above:

# %%
for stride, name in ((32, "FCN-32s"), (16, "FCN-16s"), (8, "FCN-8s")):
    perfect = best[stride][2][1]
    print(
        f"{name:<8} mean IoU {mean[name]:.3f}, perfect shares "
        f"{np.nanmean(perfect):.3f}; RoadLines {iou[name][lines]:.3f}, perfect shares "
        f"{perfect[lines]:.3f}"
    )

# %% tags=["test"]
assert iou["FCN-8s"][lines] > best[8][2][1][lines], iou

# %% [markdown]
# With 12 × 16 scores the FCN-8s finds lines that the true shares lose. It does not answer with
# shares. It learns scores that are right *after* the interpolation: it may shout 'line' in a
# cell that is mostly road. Training through the enlarging, pixels in and pixels out, is worth
# that much.

# %% [markdown]
# ## Take the sum apart
#
# The scores are made, and from there on everything is **linear**: doubling, adding,
# interpolating. So the logits are *exactly* a sum of three pictures, one from each level. You
# can compute each summand alone: set the other scores to 0.

# %% tags=["torch"]
@torch.inference_mode()
def summands(network, images):
    """What each level adds to the logits: levels×N×H×W×13, the coarsest first."""
    parts = []
    for i in range(0, len(images), 8):
        scores = network.scores(tensor(images[i : i + 8]))
        levels = range(len(scores))
        alone = [[s * (n == level) for n, s in enumerate(scores)] for level in levels]
        logits = [add_up(network.up, s, images.shape[1:3]) for s in alone]
        parts.append([z.permute(0, 2, 3, 1).numpy() for z in logits])
    return np.concatenate(parts, axis=1)


three = summands(fcn_8, new_images)
with torch.inference_mode():
    logits = fcn_8(tensor(new_images[:4])).permute(0, 2, 3, 1).numpy()

# %% tags=["keras"]
def summands(network, images):
    """What each level adds to the logits: levels×N×H×W×13, the coarsest first."""
    levels = range(sum(layer.name.startswith("score_") for layer in network.layers))
    scored = [network.get_layer(f"score_{level}").output for level in levels]
    probe, parts = keras.Model(network.inputs[0], scored), []

    def add_up(scores):
        z = scores[0]
        for stage, score in enumerate(scores[1:]):
            z = network.get_layer(f"up_{stage}")(z) + score
        z = keras.ops.image.resize(z, images.shape[1:3], interpolation="bilinear")
        return np.asarray(z)

    for i in range(0, len(images), 8):
        scores = probe(images[i : i + 8] / np.float32(255), training=False)
        alone = [[s * (n == level) for n, s in enumerate(scores)] for level in levels]
        parts.append([add_up(scores) for scores in alone])
    return np.concatenate(parts, axis=1)


three = summands(fcn_8, new_images)
logits = np.asarray(fcn_8(new_images[:4] / np.float32(255), training=False))

# %%
difference = np.abs(three.sum(0)[:4] - logits).max()
print(f"logits up to {np.abs(logits).max():.1f}; the sum differs by {difference:.1e}")
assert three.shape == (3, 40, 96, 128, 13) and difference < 1e-3

# %% [markdown]
# The three add up to the logits. Look at them for two classes. Only differences between
# classes count, so the mean over the classes is taken away first. Bright means 'rather this
# class', dark means 'rather another'.

# %%
titles = ("from level 5, ×32", "from level 4, ×16", "from level 3, ×8", "their sum")
relative = three[:, chosen] - three[:, chosen].mean(-1, keepdims=True)
figure, axes = figures.canvas(2, 4, height=4.4)
for row, name in zip(axes, ("Roads", "RoadLines"), strict=True):
    pictures = [*relative[..., LYFT.id(name)]]
    pictures.append(sum(pictures))
    for axis, picture, title in zip(row, pictures, titles, strict=True):
        reach = np.quantile(np.abs(picture), 0.98)  # grey is 0
        axis.imshow(picture, cmap="gray", vmin=-reach, vmax=reach)
        axis.contour(truth == LYFT.id(name), [0.5], colors="#ffd000", linewidths=1)
        axis.set(title=title, xticks=[], yticks=[])
    row[0].set_ylabel(name)
figures.show(
    figure,
    alt="Two rows, Roads and RoadLines, of four grey pictures each: what levels 5, 4 "
    "and 3 add to the logit of the class, and the sum. Level 5 is a soft cloud, level "
    "4 has rough shapes, level 3 is detailed and shows edges and lines. A yellow line "
    "marks the true region.",
    caption="bright: for the class; dark: against it, each picture with its own scale; "
    "yellow line: the true region",
)

# %% [markdown]
# The coarse levels are clouds: somewhere here is road. Level 3 draws, but it sees little
# around itself. Only the sum does both.

# %% [markdown]
# ### Skips on and off
#
# Now leave out summands and measure. Nothing is trained in between. **Predict first**
# (question 3): without which single level does it
# fail most?

# %%
kept = {
    "all three": (0, 1, 2),
    "without level 5": (1, 2),
    "without level 4": (0, 2),
    "without level 3": (0, 1),
    "level 5 alone": (0,),
    "level 3 alone": (2,),
}
cut = {name: argmax(sum(three[n] for n in levels)) for name, levels in kept.items()}
assert (cut["all three"] == answers["FCN-8s"]).mean() > 0.999
columns = [*GRADED, "mean of all"]


def row_of(found):
    values = Confusion().add(new_masks, found).iou()
    return [*values[graded], np.nanmean(values)]


rows = {name: row_of(found) for name, found in cut.items()}
rows["FCN-16s, trained so"] = row_of(answers["FCN-16s"])
rows["FCN-32s, trained so"] = row_of(answers["FCN-32s"])

# %%
values = np.array(list(rows.values()))
figure, axes = figures.canvas(height=4.6)
axes[0, 0].imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(values):
    ink = "white" if value > 0.55 else "black"
    axes[0, 0].text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
axes[0, 0].set_xticks(range(len(columns)), columns)
axes[0, 0].set_yticks(range(len(rows)), rows)
axes[0, 0].set_title("IoU on the new scenes")
figures.show(
    figure,
    alt="A table of IoU. Rows: the FCN-8s whole, without each of its levels, with one "
    "level alone, and the FCN-16s and FCN-32s that were trained with fewer skips. "
    "Columns: the graded classes and the mean of all, which is: "
    + "; ".join(f"{name} {row[-1]:.2f}" for name, row in rows.items())
    + ".",
)

# %% [markdown]
# The rows as pictures, for our scene:

# %%
figures.grid(
    [truth, *(mask[chosen] for mask in cut.values())],
    ["truth", *cut],
    alt="The true mask, and the answer of the FCN-8s with all its levels, without one "
    "of them, and with one alone. Without level 3 the borders are soft and the lines "
    "gone; without level 5 the areas fray and change their class.",
    columns=4,
)

# %%
single = {name: rows[name][-1] for name in list(rows)[1:4]}
most = min(single, key=single.get)
lost = np.subtract(rows["all three"], rows["without level 5"])[: len(GRADED)]
coarse = "more" if single["without level 5"] < single["without level 3"] else "less"
display(
    Markdown(
        f"Read it out loud. Whole, the FCN-8s has a mean IoU of "
        f"**{rows['all three'][-1]:.2f}**. Of the single cuts the worst is **{most}**: "
        f"{single[most]:.2f} is left. So question 3: it fails **{coarse}** without the "
        f"coarsest level ({single['without level 5']:.2f}) than without the finest "
        f"({single['without level 3']:.2f}). The coarsest is missed most by "
        f"{GRADED[int(np.argmax(lost))]}. Level 5 alone, torn out of the FCN-8s, has "
        f"{rows['level 5 alone'][-1]:.2f}; the FCN-32s, which was *trained* with "
        f"level 5 alone, {rows['FCN-32s, trained so'][-1]:.2f}."
    )
)

# %% tags=["test"]
assert max(single.values()) < rows["all three"][-1], rows
assert rows["level 5 alone"][-1] < rows["FCN-32s, trained so"][-1], rows

# %% [markdown]
# Two ways to switch a skip off, and they answer two questions. **Cutting** it says how much
# *this* network relies on it. **Training without** it says what it is *worth*: the rest has
# had time to make up for it. The second number is the fairer one when you choose a network.
#
# Have the doublings moved away from interpolation? They were free to.

# %% tags=["torch"]
learned = [up.weight.detach().permute(2, 3, 0, 1).numpy() for up in fcn_8.up]

# %% tags=["keras"]
learned = [np.asarray(fcn_8.get_layer(f"up_{stage}").kernel) for stage in (0, 1)]

# %%
for stage, kernel in enumerate(learned):
    moved = np.abs(kernel - bilinear_start(13))
    own = np.eye(13, dtype=bool)
    print(
        f"doubling {stage + 1}: moved by {moved[..., own].mean():.3f} within a class, "
        f"{moved[..., ~own].mean():.3f} between classes (start: mean "
        f"{bilinear_start(13)[..., own].mean():.2f} and 0)"
    )
assert all(np.abs(kernel - bilinear_start(13)).max() > 1e-3 for kernel in learned)

# %% [markdown]
# The tent within a class is still there, a bit bent, and small weights between the classes have
# come up: a score of one class now speaks for or against its neighbours. Whether that helps is
# another question. You would have to fix the kernels, train again, and compare over seeds.

# %% [markdown]
# ## Sum or concatenation?
#
# The next lesson's U-Net does not add. It lays maps side by side, a **concatenation**, and
# lets a convolution choose. Is that a different thing?
#
# Take the scores from below, s, and the maps of the encoder, f. The FCN computes
# s + f W + b. Now concatenate s and f, and use one 1 × 1 convolution with these weights:
#
# $$[\,s \;\; f\,]\begin{pmatrix} I \\ W \end{pmatrix} + b = s + f\,W + b$$

# %%
random = np.random.default_rng(0)
s, f = random.normal(size=(6, 8, 13)), random.normal(size=(6, 8, 128))
W, b = random.normal(size=(128, 13)), random.normal(size=13)

added = s + f @ W + b
side_by_side = np.concatenate([s, f], axis=-1) @ np.concatenate([np.eye(13), W]) + b
print(f"{np.abs(added - side_by_side).max():.1e}")
print(f"more weights for each join: {(13 + 128) * 13 - 128 * 13}")
assert np.allclose(added, side_by_side)

# %% [markdown]
# So the sum is **a special case** of the concatenation, with the weights for s fixed to
# 1 and 0. Freeing them costs 13 · 13 = 169 weights for each join. **Predict first** (question
# 4): how much better does the FCN-8s get? Same seed, same scenes, same 300 steps:

# %% tags=["torch"]
class ConcatFCN(MyFCN):
    def __init__(self, classes, width=8):
        super().__init__(classes, width, stride=8)
        before = [classes + score.in_channels for score in self.score[1:]]
        self.join = nn.ModuleList(nn.Conv2d(n, classes, 1) for n in before)
        self.score = self.score[:1]
        initialize(self.join)

    def forward(self, image):
        x, maps = image, []
        for level, block in enumerate(self.encoder):
            x = block(F.max_pool2d(x, 2) if level else x)
            maps.append(x)
        x = self.score[0](maps.pop())
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), maps.pop()], dim=1))
        return F.interpolate(x, size=image.shape[-2:], mode="bilinear")


torch.manual_seed(0)
concat, _ = trained(ConcatFCN(13))

# %% tags=["keras"]
def concat_fcn(classes, width=8):
    def conv(x):
        return layers.Conv2D(classes, 1, kernel_initializer="he_normal")(x)

    x = image = keras.Input((None, None, 3))
    maps = []
    for level in range(6):
        x = layers.MaxPooling2D(2)(x) if level else x
        x = double_conv(x, width * min(2**level, 16))
        maps.append(x)
    x = conv(maps.pop())
    for _ in range(2):
        x = layers.Concatenate()([doubling(classes)(x), maps.pop()])
        x = conv(x)
    return keras.Model(image, Resize()(x, image))


keras.utils.set_random_seed(0)
concat, _ = trained(concat_fcn(13))

# %%
answers["concatenated"] = predict_masks(concat, new_images)
iou["concatenated"] = Confusion().add(new_masks, answers["concatenated"]).iou()
for name in ("FCN-8s", "concatenated"):
    values = iou[name]
    print(f"{name:<14}mean IoU {np.nanmean(values):.3f}, RoadLines {values[lines]:.3f}")
gap = np.nanmean(iou["concatenated"]) - mean["FCN-8s"]
print(f"difference {gap:+.3f} for {parameters(concat) - parameters(fcn_8)} parameters")
assert parameters(concat) - parameters(fcn_8) == 2 * 13 * 13

# %% tags=["test"]
assert abs(gap) < 0.1, gap

# %% [markdown]
# The answer to question 4: by nothing that one run could show. The difference is small, and
# another seed may turn it round (the next section shows how much a seed can do). It should
# not surprise you. Behind the join there is
# nothing but a 1 × 1 convolution, without a ReLU, and it makes 13 scores at once.
#
# Concatenation earns its keep elsewhere. The U-Net carries many **features** up in place of
# 13 scores, and lets 3 × 3 convolutions **with ReLUs** work on what lies side by side. There
# a sum would force the two to agree channel by channel. And it goes up to full
# resolution, where the FCN-8s stops at ×8.

# %% [markdown]
# ## Three seeds, equal time
#
# What you have seen is one run of each, with 300 steps. The comparison below was stored with
# the lesson: wider networks (16 channels), 1200 scenes, three seeds, and the U-Net of the next
# lesson beside them. Each had the same *time* on one core, so the heavier network got
# fewer steps.

# %%
stored = json.loads(where.stored("results/ranking.json").read_text())
ranked = ["FCN-32s", "FCN-16s", "FCN-8s", "U-Net"]
measures = ["mean IoU", "IoU of RoadLines", "boundary F1"]
runs = {
    (name, measure): np.array(stored["values"][f"{name}: {measure}"])
    for name in ranked
    for measure in measures
}
blind = np.mean(stored["values"]["no model: mean IoU"])
steps = {name: stored["values"][f"{name}: steps"] for name in ranked}
print(f"seeds {stored['seeds']}, written by: {stored['command']}")
print("steps:", ", ".join(f"{name} {np.mean(n):.0f}" for name, n in steps.items()))
print(f"one class everywhere, no model: mean IoU {blind:.3f}")
assert all(len(run) == 3 for run in runs.values())

# %%
figure, axes = figures.canvas(1, 3, height=3.8)
for axis, measure in zip(axes[0], measures, strict=True):
    for n, name in enumerate(ranked):
        each = runs[name, measure]
        ends = [[each.mean() - each.min()], [each.max() - each.mean()]]
        axis.barh(n, each.mean(), color="#93afe8", edgecolor="black", hatch="/" * n)
        axis.errorbar(each.mean(), n, xerr=ends, color="black", capsize=6)
        axis.plot(each, [n] * len(each), "o", color="#9a4529", markersize=5)
        place = dict(xytext=(8, 0), textcoords="offset points", va="center")
        axis.annotate(f"{each.mean():.3f}", (each.max(), n), fontsize=11, **place)
    axis.set(title=measure, xlim=(0, 1))
    axis.set_yticks(range(4), ranked if measure == measures[0] else [""] * 4)
    axis.invert_yaxis()
axes[0, 0].axvline(blind, color="black", linestyle=":")
figures.show(
    figure,
    alt="Bars for FCN-32s, FCN-16s, FCN-8s and U-Net, three seeds each. " + " ".join(
        f"{m}: " + ", ".join(f"{n} {runs[n, m].mean():.3f}" for n in ranked) + "."
        for m in measures
    ),
    caption="bar: mean; dots: single runs; dotted line: one class everywhere, no model",
)  # fmt: skip

# %%
def clear(better, worse, measure):
    """Whether each run of the one beats every run of the other."""
    return runs[better, measure].min() > runs[worse, measure].max()


spread = max(np.ptp(run) for run in runs.values())
for measure in measures:
    assert clear("FCN-16s", "FCN-32s", measure) and clear("FCN-8s", "FCN-16s", measure)
assert clear("U-Net", "FCN-8s", "IoU of RoadLines")
means = {key: run.mean() for key, run in runs.items()}
ahead = runs["U-Net", "mean IoU"] - runs["FCN-8s", "mean IoU"]
display(
    Markdown(
        f"Read it out loud. Each step from 32 to 16 to 8 helps: mean IoU "
        f"{means['FCN-32s', 'mean IoU']:.3f}, {means['FCN-16s', 'mean IoU']:.3f}, "
        f"{means['FCN-8s', 'mean IoU']:.3f}. RoadLines grow from "
        f"{means['FCN-32s', measures[1]]:.3f} to {means['FCN-8s', measures[1]]:.3f}. A "
        f"change of seed moves a number by up to {spread:.3f}. By mean IoU the U-Net "
        f"is before the FCN-8s in {(ahead > 0).sum()} of 3 seeds, by "
        f"{ahead.mean():.3f} on average: about what a seed can do. By RoadLines it has "
        f"**{means['U-Net', measures[1]]:.3f}**."
    )
)

# %% [markdown]
# What you may say, and what you may not:
#
# - The order 32 < 16 < 8 holds for each seed and each measure.
# - The FCN-32s saw many more steps than in your run and still finds no lines. It is not a
#   matter of patience.
# - Mean IoU hides the most. By it the FCN-8s and the U-Net look alike; for thin classes they
#   are far apart. Ask which number you need.
# - Scenes of 96 × 128 make the ×32 problem worse than larger photos do. In the paper the three
#   reached 59.4, 62.4 and 62.7 on PASCAL VOC (with more training scenes than for the .56
#   above). There the second skip gave 0.3 points, so the authors stopped at 8: no FCN-4s.
# - Equal time is one fair budget among several. Equal steps is another one.

# %% [markdown]
# ## The twin
#
# This lesson exists twice, for PyTorch and for Keras, and so does every network in it.
# The file loaded here was written by the *other* framework: the weights of a tiny FCN-8s
# that it had trained, one image, and the logits that it got for it.

# %% tags=["torch"]
twin, twin_image, their_logits = load_twin(where.stored("twins/fcn8_from_keras.npz"))
with torch.inference_mode():
    our_logits = twin(tensor(twin_image)).permute(0, 2, 3, 1).numpy()

# %% tags=["keras"]
twin, twin_image, their_logits = load_twin(where.stored("twins/fcn8_from_pytorch.npz"))
our_logits = np.asarray(twin(twin_image / np.float32(255), training=False))

# %%
difference = np.abs(our_logits - their_logits).max()
same_class = (our_logits.argmax(-1) == their_logits.argmax(-1)).mean()
print(f"{parameters(twin):,} parameters; largest difference {difference:.1e}")
print(f"the same class at {same_class:.1%} of the pixels")
assert difference < 1e-4 and same_class > 0.999

figures.grid(
    [twin_image[0], argmax(their_logits)[0], argmax(our_logits)[0]],
    ["image", "the other framework", "this one"],
    alt="A small street scene and two predicted masks, from the other framework and "
    "from this one. The masks are alike pixel for pixel.",
)

# %% [markdown]
# The same answer to a ten-thousandth. The 4 × 4 kernels of the doublings come over without
# a flip; only the order of their axes differs.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · What does a skip cost?
#
# Write a function that counts the parameters that *one* more skip adds to an FCN: a 1 × 1
# score layer with bias on maps of `channels` channels, and a doubling with a 4 × 4 kernel
# from all classes to all classes, without bias.
#
# <details><summary>Hint 1</summary>
# The score layer has one weight for each pair of a channel and a class. And a bias for each
# class.
# </details>
# <details><summary>Hint 2</summary>
# A kernel of the doubling has 4 · 4 numbers, and there is one for each pair of classes.
# </details>
#
# The target: what the skips of levels 4 to 0 would cost in our network. The first two are
# those of the FCN-8s.

# %%
skip_costs = [width * 13 + 13 + 16 * 13 * 13 for width in widths[4::-1]]
figure, axes = figures.canvas(height=3.4)
labels = [f"level {n}" for n in (4, 3, 2, 1, 0)]
bars = axes[0, 0].bar(labels, skip_costs, color="#0036d1")
axes[0, 0].bar_label(bars, [f"{cost:,}" for cost in skip_costs])
axes[0, 0].set_ylabel("parameters of the skip")
axes[0, 0].spines[["top", "right"]].set_visible(False)
figures.show(
    figure,
    alt="A bar for each level's skip: "
    + ", ".join(f"level {4 - n} {cost:,}" for n, cost in enumerate(skip_costs))
    + ".",
)
assert sum(skip_costs[:2]) == counts[8] - counts[32]


# %%
def skip_cost(channels, classes):
    # BEGIN SOLUTION
    return channels * classes + classes + 4 * 4 * classes * classes
    # END SOLUTION


# %% [markdown]
# Check it. The next cell tries four cases and answers in one line.

# %%
exercise(
    skip_cost,
    lambda channels, classes: (channels + 1) * classes + 16 * classes**2,
    inputs=[(128, 13), (64, 13), (512, 21), (8, 2)],
    mistakes={
        "The score layer has a bias for each class.": (
            lambda channels, classes: channels * classes + 16 * classes**2
        ),
        "The doubling has a kernel for each pair of classes, not for each class.": (
            lambda channels, classes: (channels + 1) * classes + 16 * classes
        ),
        "The doubling has no bias.": (
            lambda channels, classes: (channels + 2) * classes + 16 * classes**2
        ),
        "The kernel of the doubling is 4 × 4.": (
            lambda channels, classes: (channels + 1) * classes + 4 * classes**2
        ),
    },
)

# %% [markdown]
# ### Exercise 2 · A sum, written as a concatenation
#
# A trained FCN adds `s + f @ W + b`, with s the 13 scores from below and f the maps of the
# encoder. You want the same answer from a network that concatenates, with the encoder's maps
# **first**: `np.concatenate([f, s], axis=-1) @ V + b`. Write the function that makes V out of
# W. W has one row for each channel of f and one column for each class.
#
# <details><summary>Hint 1</summary>
# V has as many rows as f and s have channels together. Which rows meet f?
# </details>
# <details><summary>Hint 2</summary>
# The rows that meet s must let each score through to its own class and to no other:
# <code>np.eye</code>.
# </details>
#
# The target: W and V for 8 channels and 5 classes.

# %%
def beside(W):
    return np.concatenate([W, np.eye(W.shape[1])])


W_small = np.random.default_rng(1).uniform(-1, 1, (8, 5))
figure, axes = figures.canvas(1, 2, height=4)
for axis, (name, found) in zip(
    axes[0], {"W": W_small, "V": beside(W_small)}.items(), strict=True
):
    axis.imshow(found, cmap="gray", vmin=-1, vmax=1)
    axis.set(title=f"{name}: {found.shape[0]}×{found.shape[1]}", xticks=[], yticks=[])
figures.show(
    figure,
    alt="Left a grey matrix with 8 rows and 5 columns. Right the same, and below it "
    "five more rows: white on the diagonal, grey elsewhere.",
)


# %%
def as_concatenation(W):
    # BEGIN SOLUTION
    classes = W.shape[1]
    return np.concatenate([W, np.eye(classes)], axis=0)
    # END SOLUTION


# %% [markdown]
# Check it, on three sizes:

# %%
exercise(
    as_concatenation,
    beside,
    inputs=[(W_small,), (W,), (W_small[:3, :2],)],
    mistakes={
        "The maps of the encoder come first here, so their rows do.": (
            lambda W: np.concatenate([np.eye(W.shape[1]), W])
        ),
        "Each score goes to its own class alone: the identity, not ones everywhere.": (
            lambda W: np.concatenate([W, np.ones([W.shape[1]] * 2)])
        ),
        "The rows that let the scores through are missing.": lambda W: W,
        "The identity has as many rows as there are classes.": (
            lambda W: np.concatenate([W, np.eye(len(W), W.shape[1])])
        ),
    },
    tolerance=1e-9,
)

# %% [markdown]
# ### Exercise 3 · The staged sum
#
# You are given the scores of several levels, a list with the coarsest first; each is twice as
# large as the one before. Add them up in stages and return the sum at the size of the finest.
# For the doublings there is `double(maps)`: H×W×C in, 2H×2W×C out, interpolated. `use` is a
# list of True and False: a level with False adds nothing, but the stages stay the same.
#
# <details><summary>Hint 1</summary>
# Keep one running sum. At each stage: double it, then add the next scores.
# </details>
# <details><summary>Hint 2</summary>
# <code>scores[0] * use[0]</code> is the scores or zeros. Each later level is added in the same
# way.
# </details>
#
# The target: the scores of three levels for a class, and their staged sum.

# %%
def double(maps):
    return enlarge(maps[None], 2)[0]


def staged(scores, use):
    total = scores[0] * use[0]
    for score, keep in zip(scores[1:], use[1:], strict=True):
        total = double(total) + score * keep
    return total


levels = [shares_of(new_masks[chosen][None], stride)[0] for stride in (32, 16, 8)]
shown = [*levels, staged(levels, [True] * 3)]
figure, axes = figures.canvas(1, 4, height=2.8)
for axis, found in zip(axes[0], shown, strict=True):
    axis.imshow(found[..., LYFT.id("Roads")], cmap="gray")
    axis.set_title("×".join(map(str, found.shape)))
    axis.set_axis_off()
figures.show(
    figure,
    alt="Four grey pictures of the road's scores: 3 by 4, 6 by 8 and 12 by 16 places, "
    "and their staged sum with 12 by 16 places.",
)


# %%
def staged_sum(scores, use):
    # BEGIN SOLUTION
    total = scores[0] * use[0]
    for score, keep in zip(scores[1:], use[1:], strict=True):
        total = double(total) + score * keep
    return total
    # END SOLUTION


# %% [markdown]
# Check it, with two, three and four levels:


# %%
def pyramid(count):
    shapes = [(2 * 2**n, 3 * 2**n, 5) for n in range(count)]
    return [random.normal(size=shape) for shape in shapes]


def added_after(scores, use):  # adds first and doubles then
    total = scores[0] * use[0]
    for score, keep in zip(scores[1:], use[1:], strict=True):
        total = double(total) + double(score)[::2, ::2] * keep
    return total


def by_copying(scores, use):
    total = scores[0] * use[0]
    for score, keep in zip(scores[1:], use[1:], strict=True):
        total = total.repeat(2, 0).repeat(2, 1) + score * keep
    return total


# %%
exercise(
    staged_sum,
    staged,
    inputs=[
        (pyramid(2), [True, True]),
        (pyramid(3), [True, False, True]),
        (pyramid(3), [False, True, True]),
        (pyramid(4), [True, True, True, False]),
    ],
    mistakes={
        "`use` has no effect: a level with False should add nothing.": (
            lambda scores, use: staged(scores, [True] * len(use))
        ),
        "A sum is wanted, not a mean.": (
            lambda scores, use: staged(scores, use) / len(scores)
        ),
        "Double with `double`, which interpolates; you copy the values.": by_copying,
        "The finest scores are added as they are, not interpolated.": added_after,
    },
    tolerance=1e-9,
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "VGG-16's maps are 7 × 7 × 512 before its dense layers. What does the first dense "
    "layer become?",
    {
        "a 1 × 1 convolution": "Those are the layers after it.",
        "a 7 × 7 convolution": "It covers the maps once; on larger maps it slides.",
        "a 3 × 3 convolution": "Then most of its weights would have no place.",
    },
    answer="a 7 × 7 convolution",
)
quiz(
    "What does the 8 in FCN-8s stand for?",
    {
        "8 skips": "An FCN-8s has two skips.",
        "8 channels": "The channels are called width here.",
        "The last step enlarges 8 times": "The finest scores stand for 8 × 8 pixels.",
    },
    answer="The last step enlarges 8 times",
)

# %% [markdown]
# Two about the joins and the measures:

# %%
quiz(
    "How does an FCN join coarse and fine scores?",
    {
        "It doubles the coarse ones and adds": "In stages: sum, double, sum.",
        "It concatenates them": "That is the U-Net.",
        "It takes the larger of the two": "The levels would not work together.",
    },
    answer="It doubles the coarse ones and adds",
)
quiz(
    "Mean IoU hardly moves, boundary F1 grows a lot. What has happened?",
    {
        "One of the measures is wrong": "They measure different things.",
        "The borders fit better": "Border pixels are few, so the area hardly notices.",
        "The network finds more classes": "That would move the mean IoU.",
    },
    answer="The borders fit better",
)

# %% [markdown]
# And one to look back on:

# %%
quiz(
    "You train an FCN-32s ten times as long. Will it find lane lines?",
    {
        "Yes, with patience": "Look at its RoadLines in the stored comparison.",
        "Hardly: 3 × 4 scores cannot draw them": "Thin things need finer scores.",
        "Only with a larger learning rate": "That does not change the sizes.",
    },
    answer="Hardly: 3 × 4 scores cannot draw them",
)

# %% [markdown]
# ## Pitfalls
#
# - **'Dense layers become 1 × 1 convolutions.'** Not the first one: it takes the size of the
#   maps it was trained on.
# - **A size that is not divisible by 32.** At 112 × 144, doubled scores of 6 × 8 meet 7 × 9
#   ones, and the sum fails. The paper's network padded the image by 100 pixels and cropped the scores.
# - **Adding in one go.** Enlarging each score to full size and adding there also runs. It is
#   another network, and it costs more.
# - **Adding features in place of scores.** The channels of two levels do not mean the same
#   thing. Scores do: one channel for each class.
# - **A transposed convolution that starts at random.** It has to learn to interpolate first.
#   Kernel 4, stride 2, padding 1, started bilinear, is even from the first step.
# - **A ReLU on the scores.** It would cut off 'against this class', and the sum
#   needs both signs.
# - **Judging a skip by mean IoU alone.** Look at thin classes and at the borders.

# %% [markdown]
# ## What to remember
#
# - A dense layer on maps is a convolution with a kernel as large as the maps. Written so, a
#   classifier takes any size and answers in many places.
# - Five halvings leave one answer for 32 × 32 pixels. Even a perfect mask loses its borders
#   and thin things there.
# - FCN-32s enlarges one score map 32 times. FCN-16s and FCN-8s add finer scores: **double,
#   add, double, add**, then interpolate.
# - The skips cost about one percent of the weights and bring the borders and the thin classes.
# - The logits are exactly a sum of what each level says.
# - A sum is a special case of a concatenation with a 1 × 1 convolution. The U-Net gains by
#   carrying features and by working on them.
#
# Next: **06 · U-Net line by line**. The decoder grows as large as the encoder, and the skips
# carry features up to full resolution.

# %% [markdown]
# ## References
#
# - J. Long, E. Shelhamer, T. Darrell: Fully Convolutional Networks for Semantic
#   Segmentation. 2014, CVPR 2015, arXiv:1411.4038. The longer version of 2016:
#   arXiv:1605.06211.
# - K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image
#   Recognition. 2014, ICLR 2015, arXiv:1409.1556 (VGG).
# - A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep Convolutional
#   Neural Networks. NIPS 2012 (AlexNet).
# - O. Ronneberger, P. Fischer, T. Brox: U-Net. MICCAI 2015, arXiv:1505.04597.
# - B. Cheng and others: Boundary IoU. CVPR 2021, arXiv:2103.16562.
# - G. Csurka and others: What is a good evaluation measure for semantic segmentation?
#   BMVC 2013 (boundary F1).
