# %% [markdown]
# # 06 · U-Net line by line
#
# A U-Net is small enough to keep in your head. In this lesson you build one, line by
# line, and print the shape after each line. Then you train it on street scenes, look
# into every block, cut its skips one at a time, and see what each of them was for.
#
# Plan about 70 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Draw a U-Net from memory, with its sizes and channels.
# - Write its four parts: double convolution, down-step, up-step with a skip, head.
# - Count its parameters by a formula, and check the count by building it.
# - Say which input sizes fit, why 101 × 101 breaks, and how to mend it.
# - Choose between one sigmoid map and C softmax maps.
# - Train a U-Net and read its IoU for each class next to a baseline.
# - Show, by cutting a skip, what that skip is good for.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. A U-Net halves its maps four times. You hand it an image of 101 × 101 pixels.
#    Does it work? If not, in which line does it stop?
# 2. The best-known U-Net in Keras has two 3 × 3 convolutions per block, from 64 up to
#    1024 channels. How many parameters: 3, 30 or 300 million?
# 3. You train a U-Net. Then you cut only the topmost skip, the one at full
#    resolution. Which class suffers most?
# 4. Somebody puts a ReLU just before the last layer. How many of eight trainings
#    fail?

# %% [markdown]
# ## Get ready
#
# One cell loads what the lesson needs. The two small functions at its end hand an
# image to a network and print the shape of what comes out, always as
# height × width × channels.

# %% tags=["torch"]
import gc

import numpy as np
import torch
from IPython.display import Markdown, display
from torch import nn
from torch.nn import functional as F

from helpers import figures, where
from helpers.check import exercise
from helpers.classes import GRADED, LYFT
from helpers.masks import argmax
from helpers.metrics import Confusion
from helpers.pytorch.layers import initialize
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.train import train
from helpers.pytorch.twin import load_twin
from helpers.pytorch.unet import unet
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets import clickable_u as u

_ = where.set_threads()

# %% tags=["keras"]
import gc

import numpy as np
from IPython.display import Markdown, display

from helpers import figures, where
from helpers.check import exercise
from helpers.classes import GRADED, LYFT
from helpers.keras.predict import predict_masks
from helpers.keras.train import train
from helpers.keras.twin import load_twin
from helpers.keras.unet import unet
from helpers.masks import argmax
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets import clickable_u as u

_ = where.set_threads()

# %% tags=["keras"]
import keras  # after helpers.keras, which chooses the backend
from keras import layers

# %% [markdown]
# The data: 360 street scenes to learn from and 40 to be judged on. They come from
# different drives, so that no scene of the second group has a near-twin in the first.

# %%
images, masks = scenes(drives=range(120), frames=(0, 20, 40))
new_images, new_masks = scenes(drives=range(1000, 1040), frames=(0,))
image = new_images[1]

assert images.shape == (360, 96, 128, 3) and new_masks.shape == (40, 96, 128)
figures.grid(
    [image, new_masks[1]],
    ["a new scene", "its true mask"],
    alt="Left: a street scene of 96 by 128 pixels that the network will never train "
    "on. Right: its true mask, one class for each pixel.",
)

# %% tags=["torch"]
x = tensor(image[None])  # uint8 1×96×128×3 → float32 1×3×96×128 in [0, 1]


def report(step, maps):
    _, channels, height, width = maps.shape
    print(f"{step:<36}{height:>4} × {width:>3} × {channels}")


report("the image", x)

# %% tags=["keras"]
x = image[None] / np.float32(255)  # uint8 1×96×128×3 → float32 in [0, 1]


def report(step, maps):
    _, height, width, channels = maps.shape
    print(f"{step:<36}{height:>4} × {width:>3} × {channels}")


report("the image", x)

# %% [markdown]
# ## The picture first: one U, three parts
#
# Olaf Ronneberger, Philipp Fischer and Thomas Brox published the U-Net in 2015, to
# find the outlines of cells in microscope pictures. For one of their tasks they had 30
# labelled pictures, and no more.
#
# Here it is, with the sizes of the paper. Each box is two convolutions. Follow the
# arrows: down the left side, along the bottom, up the right side.

# %%
paper = dict(channels=1, classes=2, first=64, norm=False)
published = u.blocks(572, 572, padding="valid", **paper)
figures.show(
    u.draw(published, title="The U-Net of the paper: 572 × 572 × 1 goes in"),
    alt="A drawing in the shape of a U. Left, downwards: down 0 with 568×568×64, "
    "down 1 with 280×280×128, down 2 with 136×136×256, down 3 with 64×64×512. At the "
    "bottom 28×28×1024. Right, upwards: join 3 with 52×52×512 up to join 0 with "
    "388×388×64, then the head with 388×388×2. A dashed arrow, the skip, leads from "
    "each down block to the join block of the same level.",
)

# %% [markdown]
# The U has three parts.
#
# - **Contracting path** (left). Four blocks. Each one ends in a pooling that halves
#   height and width, and the next block doubles the channels: 64, 128, 256, 512. It
#   finds out *what* is there, and loses track of *where*.
# - **Bottleneck** (below). Two more convolutions, 1024 channels, the smallest maps.
# - **Expanding path** (right). Four blocks, the mirror image: each doubles height and
#   width and halves the channels. It brings *where* back.
#
# The dashed arrows are the **skips**. At each level the maps from the left are laid
# *beside* the maps that come from below. That is a **concatenation**: nothing is
# added up, the channels simply stand next to each other, and the following
# convolution decides what to take from which.

# %%
size = {block.name: block.shape for block in published}
assert size["down 0"] == "568×568×64"  # 572 → 570 → 568
assert size["bottom"] == "28×28×1024"
assert size["up 3"] == "56×56×512"
beside = int(size["up 3"].split("×")[2]) + int(size["down 3"].split("×")[2])
assert beside == 1024
print(f"bottom {size['bottom']} → up {size['up 3']} → beside the skip: 56×56×{beside}")

# %% [markdown]
# Read that line slowly, it is the whole trick of the right side. From the bottom come
# 28 × 28 × 1024. The up-step makes 56 × 56 × 512 of them. The skip brings another 512
# maps. Side by side that is 56 × 56 × **1024**, which the next two convolutions
# squeeze into 512 again.
#
# In lesson 05 you met the FCN, which has skips too. Two things are different here.
# The FCN **adds** the skips to its class scores; the U-Net **concatenates** feature
# maps. And the FCN's decoder is tiny, while the U-Net's is as big as its encoder: the
# two sides are **symmetric**. How large is that difference?

# %%
right_side = [b for b in published if b.name.split()[0] in ("up", "join", "head")]
unet_decoder = sum(block.parameters for block in right_side)

classes = 21  # FCN-8s for PASCAL VOC: score maps from two pools, then up ×2, ×2, ×8
fcn_scores = (512 * classes + classes) + (256 * classes + classes)
fcn_up = 2 * (4 * 4 * classes * classes)
fcn_up += 16 * 16 * classes * classes  # the last ×8: counted, though it does not learn
fcn_decoder = fcn_scores + fcn_up

print(f"FCN-8s: {fcn_decoder:>10,} parameters after the encoder")
print(
    f"U-Net: {unet_decoder:>10,}, that is {unet_decoder / fcn_decoder:.0f} times as "
    f"many"
)
assert unet_decoder > 80 * fcn_decoder

# %% [markdown]
# The U-Net gives its decoder more than eighty times the parameters. With so many maps on
# the way up, it can carry much more than class scores to the fine levels. This is the
# main improvement over the FCN.
#
# From here on you build a small one: 8 channels at the top in place of 64, and street
# scenes in place of cells.

# %% [markdown]
# ## The contracting path
#
# The formula of one block on the way down:
#
# > convolution → convolution → pooling → dropout (if you want it)
#
# Run it one line at a time.

# %% tags=["torch"]
torch.manual_seed(0)
y = nn.Conv2d(3, 8, kernel_size=3, padding=1, bias=False)(x)
report("3×3 convolution, 8 kernels", y)
y = nn.BatchNorm2d(8)(y)
report("batch norm", y)
y = nn.ReLU()(y)
report("ReLU", y)
y = nn.Conv2d(8, 8, kernel_size=3, padding=1, bias=False)(y)
y = nn.ReLU()(nn.BatchNorm2d(8)(y))
report("the same once more: the skip", y)
y = nn.MaxPool2d(2)(y)
report("2×2 max-pooling", y)
y = nn.Dropout2d(0.25)(y)
report("dropout", y)
assert y.shape == (1, 8, 48, 64)

# %% tags=["keras"]
keras.utils.set_random_seed(0)
y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
report("3×3 convolution, 8 kernels", y)
y = layers.BatchNormalization()(y)
report("batch norm", y)
y = layers.ReLU()(y)
report("ReLU", y)
y = layers.Conv2D(8, 3, padding="same", use_bias=False)(y)
y = layers.ReLU()(layers.BatchNormalization()(y))
report("the same once more: the skip", y)
y = layers.MaxPooling2D(2)(y)
report("2×2 max-pooling", y)
y = layers.SpatialDropout2D(0.25)(y)
report("dropout", y)
assert y.shape == (1, 48, 64, 8)

# %% [markdown]
# Only two lines change the shape. The first convolution turns 3 channels into 8. The
# pooling turns 96 × 128 into 48 × 64. What the others are for:
#
# - **Two** convolutions, because together they see 5 × 5 pixels with fewer weights
#   than one 5 × 5 kernel, and with a ReLU in between.
# - **Padding** puts a rim of zeros around the maps, so that the convolution does not
#   shrink them. The paper did without; more on that below.
# - **Batch norm** keeps the values in a good range. The paper had none; most U-Nets
#   since then do. It adds a shift of its own, so the convolution needs no bias.
# - **Dropout** fights overfitting by zeroing values at random during training (here whole
#   maps; in the networks below single values). Tastes differ: some put 0.2 between the
#   two convolutions, some 0.25 after the first pooling and 0.5 after the others and after
#   each concatenation, some only two 0.5 at the bottom. Our network takes none.
#
# Put the first part into a function. You will need it nine times.


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


def parameters(network):
    return sum(p.numel() for p in network.parameters())


count = parameters(double_conv(3, 8))
print(f"double_conv from 3 to 8 channels: {count} parameters")
assert count == 9 * 3 * 8 + 9 * 8 * 8 + 4 * 8 == 824


# %% tags=["keras"]
def double_conv(x, after, name=None):
    for last in (None, name):
        x = layers.Conv2D(
            after, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
        x = layers.ReLU(name=last)(x)
    return x


def parameters(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


probe = keras.Input((None, None, 3))
count = parameters(keras.Model(probe, double_conv(probe, 8)))
print(f"double_conv from 3 to 8 channels: {count} parameters")
assert count == 9 * 3 * 8 + 9 * 8 * 8 + 4 * 8 == 824

# %% [markdown]
# 824 parameters: 9 · 3 · 8 in the first convolution, 9 · 8 · 8 in the second, and two
# numbers for each of the 8 channels (scale and shift) in each of the two batch norms.
#
# A trap when you compare: a batch norm also keeps a running mean and variance for each
# channel. They are not learned by gradient. PyTorch calls them buffers and leaves them
# out of `parameters()`. Keras includes them in `count_params()`. Here only what is
# trained is counted, so both frameworks give the same number.

# %% [markdown]
# Where does training start? Each weight is drawn at random. Kaiming He's rule (Keras
# calls it `he_normal`) fits the width of that draw to the ReLU, which throws half of
# the signal away:
#
# $$\text{standard deviation} = \sqrt{2 / (k \cdot k \cdot c_\text{in})}$$
#
# With it, the values neither die out nor blow up on the way through 19 layers. See it
# happen with plain matrices:

# %%
random = np.random.default_rng(0)
signal = random.normal(size=(1000, 256))
for rule, spread in (("He", (2 / 256) ** 0.5), ("too small", 0.05), ("too large", 0.2)):
    values = signal
    for _ in range(19):
        values = np.maximum(values @ random.normal(0, spread, (256, 256)), 0)
    print(f"{rule:>10}: mean square after 19 layers {np.mean(values**2):.1e}")
    assert (0.1 < np.mean(values**2) < 10) == (rule == "He")

# %% [markdown]
# Now the whole left side: block, pooling, block, pooling, and the bottleneck.

# %% tags=["torch"]
y, skips = x, []
for level in range(4):
    y = double_conv(y.shape[1], 8 * 2**level)(y)
    report(f"down {level}", y)
    skips.append(y)
    y = nn.MaxPool2d(2)(y)
y = double_conv(64, 128)(y)
report("bottom", y)
assert y.shape == (1, 128, 6, 8)

# %% tags=["keras"]
y, skips = x, []
for level in range(4):
    y = double_conv(y, 8 * 2**level)
    report(f"down {level}", y)
    skips.append(y)
    y = layers.MaxPooling2D(2)(y)
y = double_conv(y, 128)
report("bottom", y)
assert y.shape == (1, 6, 8, 128)

# %% [markdown]
# How much is left of the image at the bottom? Count the values at both ends.

# %%
values = {"down 0": 96 * 128 * 8, "bottom": 6 * 8 * 128}
assert values["down 0"] == 16 * values["bottom"]
print(f"{values['down 0']:,} values at the top, {values['bottom']:,} at the bottom")

# %% [markdown]
# Each level has a quarter of the pixels and twice the channels, so half of the values.
# After four levels one sixteenth is left. One value at the bottom sums up a large part
# of the image; where exactly the kerb ran is gone. The four maps in `skips` still know
# it.

# %% [markdown]
# ## The expanding path
#
# The formula of one block on the way up:
#
# > transposed convolution → concatenation with the skip → convolution → convolution
#
# The **transposed convolution** (lesson 04) doubles height and width: with kernel 2 and
# stride 2, each value is spread over its own 2 × 2 pixels.

# %% tags=["torch"]
up = nn.ConvTranspose2d(128, 64, kernel_size=2, stride=2)(y)
report("bottom, transposed convolution", up)
report("the skip from level 3", skips[3])
both = torch.cat([skips[3], up], dim=1)
report("side by side", both)
joined = double_conv(128, 64)(both)
report("join 3", joined)
assert both.shape == (1, 128, 12, 16) and joined.shape == (1, 64, 12, 16)

# %% tags=["keras"]
up = layers.Conv2DTranspose(64, kernel_size=2, strides=2)(y)
report("bottom, transposed convolution", up)
report("the skip from level 3", skips[3])
both = layers.Concatenate()([skips[3], up])
report("side by side", both)
joined = double_conv(both, 64)
report("join 3", joined)
assert both.shape == (1, 12, 16, 128) and joined.shape == (1, 12, 16, 64)

# %% [markdown]
# 64 maps from below, 64 from the left, 128 side by side, 64 after the two convolutions.
# The sizes of both must be equal: 12 × 16 from below and 12 × 16 from the left. Keep
# that in mind for question 1.
#
# Three more such steps lead back to 96 × 128 × 8.

# %% [markdown]
# ## The head
#
# The last layer turns the 8 maps into as many maps as there are classes. Its kernel is
# 1 × 1: for each pixel, a weighted sum of the 8 values at that pixel. (The paper has
# 1 × 1. Some write 3 × 3 there; it works, and costs nine times the weights.)

# %% tags=["torch"]
features = torch.rand(1, 8, 96, 128)
logits = nn.Conv2d(8, 13, kernel_size=1)(features)
report("13 maps of scores", logits)
mask = argmax(logits.permute(0, 2, 3, 1).detach().numpy())

# %% tags=["keras"]
features = np.random.default_rng(0).random((1, 96, 128, 8), np.float32)
logits = layers.Conv2D(13, kernel_size=1)(features)
report("13 maps of scores", logits)
mask = argmax(np.asarray(logits))

# %%
assert mask.shape == (1, 96, 128)
print(f"1×1 head: {8 * 13 + 13} parameters. 3×3 head: {9 * 8 * 13 + 13}.")
assert (8 * 13 + 13, 9 * 8 * 13 + 13) == (117, 949)

# %% [markdown]
# The scores are called **logits**. The largest one at each pixel names its class: that
# is `argmax`, and it gives a mask of 96 × 128, as large as the image.
#
# Notice what the network does *not* have: a **dense layer**. A dense layer has one
# weight for each pixel and so fits one image size only. Convolutions slide, so a U-Net
# takes small images and large ones with the same weights.

# %% [markdown]
# ## The whole U
#
# All parts together. The only new thing is `severed`: a list of levels whose skip is
# replaced by zeros. Leave it empty for now; it is for the experiment later.


# %% tags=["torch"]
class MyUNet(nn.Module):
    def __init__(self, classes, width=8, depth=4, severed=()):
        super().__init__()
        widths = [width * 2**level for level in range(depth)]  # 8, 16, 32, 64
        before = [3, *widths[:-1]]
        self.down = nn.ModuleList(map(double_conv, before, widths))
        self.bottom = double_conv(widths[-1], 2 * widths[-1])
        upwards = widths[::-1]  # 64, 32, 16, 8
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in upwards)
        self.join = nn.ModuleList(double_conv(2 * w, w) for w in upwards)
        self.head = nn.Conv2d(width, classes, 1)
        self.severed = severed
        initialize(self)  # He's rule for every kernel

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.down):
            x = block(x)
            skips.append(torch.zeros_like(x) if level in self.severed else x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)


# %% tags=["keras"]
def my_unet(classes, width=8, depth=4, severed=()):
    image = keras.Input((None, None, 3))
    x, skips = image, []
    for level in range(depth):
        x = double_conv(x, width * 2**level, f"down_{level}")
        skips.append(keras.ops.zeros_like(x) if level in severed else x)
        x = layers.MaxPooling2D(2)(x)
    x = double_conv(x, width * 2**depth, "bottom")
    for level in reversed(range(depth)):
        after = width * 2**level
        x = layers.Conv2DTranspose(
            after, 2, 2, kernel_initializer="he_normal", name=f"up_{level}"
        )(x)
        x = layers.Concatenate()([skips.pop(), x])
        x = double_conv(x, after, f"join_{level}")
    head = layers.Conv2D(classes, 1, kernel_initializer="he_normal", name="head")
    return keras.Model(image, head(x))


# %% [markdown]
# That is a complete U-Net in about twenty lines. The course's own package has one too,
# with a few more options. Is yours the same network? Two tests: the same number of
# parameters, and, with the same weights in both, the same logits.

# %% tags=["torch"]
torch.manual_seed(0)
mine, theirs = MyUNet(13).eval(), unet(13, width=8).eval()
values = theirs.state_dict().values()
mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
with torch.inference_mode():
    difference = (mine(x) - theirs(x)).abs().max().item()

# %% tags=["keras"]
keras.utils.set_random_seed(0)
mine, theirs = my_unet(13), unet(13, width=8)
mine.set_weights(theirs.get_weights())
difference = np.abs(mine(x, training=False) - theirs(x, training=False)).max()

# %% [markdown]
# And the verdict:

# %%
print(f"parameters: mine {parameters(mine):,}, the package's {parameters(theirs):,}")
print(f"largest difference of a logit: {difference:.1e}")
assert parameters(mine) == parameters(theirs) == 486_661
assert difference < 1e-5

# %% [markdown]
# 486,661 parameters, and the same logits. From here on you may use either.
#
# Where do the parameters sit? The table gives each block its size for a scene of
# 96 × 128 and its share of the weights.

# %%
course = dict(channels=3, classes=13, first=8, depth=4)
listed = u.blocks(96, 128, **course)
assert sum(block.parameters for block in listed) == parameters(mine)
display(Markdown(u.table(listed)))

# %% [markdown]
# Read the last column from both ends. Bottom and `join 3` hold more than half of the
# weights, the top blocks hardly any. Is it the bottom, then, that takes the time? Each
# weight of a convolution is multiplied once at every pixel. Count it for the double
# convolutions:

# %%
work = {}
for block in listed:
    kind, (height, width, after) = block.name.split()[0], block.shape.split("×")
    pixels, after = int(height) * int(width), int(after)
    before = {"down": after // 2, "bottom": after // 2, "join": 2 * after}.get(kind)
    before = 3 if block.name == "down 0" else before
    if before:
        work[block.name] = pixels * 9 * (before + after) * after
print("million multiplications")
print(", ".join(f"{name} {number / 1e6:.1f}" for name, number in work.items()))
assert work["down 1"] == work["down 2"] == work["down 3"] == work["bottom"]
assert work["join 0"] == work["join 1"] == work["join 3"] == 2 * work["bottom"]

# %% [markdown]
# The **work is the same at every level**: a quarter of the pixels, four times the
# weights. (A join takes twice as much, because twice as many maps go in; `down 0` a
# little less, because only 3 do.) What sits at the top is the *memory*: each level down
# has half of the values. Double the width, and weights and work grow about fourfold,
# memory twofold.

# %% [markdown]
# ## Four published networks, counted
#
# A parameter count is a good test of whether you have understood a network: one wrong
# layer, and the sum is off. Four U-Nets that you will meet:
#
# | network | channels | way up | head |
# |---|---|---|---|
# | the paper, 2 classes | 64 … 1024 | transposed 2 × 2 | 1 × 1 |
# | the Keras U-Net that countless tutorials copy | 64 … 1024 | up-sampling, then 2 × 2 convolution | 3 × 3 to 2 maps with ReLU, then 1 × 1 to 1 |
# | a tutorial with `start_neurons=16` | 16 … 256 | transposed 3 × 3 | 1 × 1 to 1 |
# | a small one for 51 classes | 32, 64, 128 | up-sampling alone | 1 × 1 to 51 |
#
# None of them has batch norm. The first three take grey images (1 channel), the last
# one colour. A convolution with a k × k kernel has
#
# $$k \cdot k \cdot c_\text{in} \cdot c_\text{out} + c_\text{out}$$
#
# parameters: the kernels, and a bias for each map that comes out. A transposed one has
# the same. That is all you need.


# %%
def conv(k, before, after):
    return k * k * before * after + after


def double(before, after):
    return conv(3, before, after) + conv(3, after, after)


def count(channels, widths, up, head):
    """up: kernel size of the up-step, or 0 for up-sampling without weights."""
    total, before = head, channels
    for after in widths:  # down, and the bottom
        total += double(before, after)
        before = after
    for after in reversed(widths[:-1]):  # up
        from_below = after if up else before
        total += (conv(up, before, after) if up else 0) + double(
            after + from_below, after
        )
        before = after
    return total


# %%
large, middle, small = [64, 128, 256, 512, 1024], [16, 32, 64, 128, 256], [32, 64, 128]
counts = {
    "paper": count(1, large, up=2, head=conv(1, 64, 2)),
    "tutorial": count(1, large, up=2, head=conv(3, 64, 2) + conv(1, 2, 1)),
    "start 16": count(1, middle, up=3, head=conv(1, 16, 1)),
    "51 classes": count(3, small, up=0, head=conv(1, 32, 51)),
}
for name, number in counts.items():
    print(f"{name:<12}{number:>12,}")
assert counts["tutorial"] == 31_031_685
assert counts["start 16"] == 2_158_417
assert counts["51 classes"] == 473_203
assert counts["paper"] == sum(block.parameters for block in published) == 31_030_658
assert 65 < max(counts.values()) / min(counts.values()) < 66

# %% [markdown]
# So question 2 has the answer **31 million**. The largest and the smallest differ by a
# factor of more than 65, and both are called U-Net.
#
# Now build the 31-million network in full and check the sum. Here it is as it stands
# in the tutorials, in the order of its lines: `he_normal`, dropout 0.5 at the last two
# levels, up-sampling followed by a 2 × 2 convolution, and a sigmoid at the end.


# %% tags=["torch"]
class TutorialUNet(nn.Module):
    def __init__(self):
        def conv(before, after, k=3):
            rim = nn.ZeroPad2d((0, 1, 0, 1) if k == 2 else 1)  # `same`, as in Keras
            return nn.Sequential(rim, nn.Conv2d(before, after, k), nn.ReLU())

        def pair(before, after):
            return nn.Sequential(conv(before, after), conv(after, after))

        super().__init__()
        w, self.drop = [1, 64, 128, 256, 512, 1024], nn.Dropout(0.5)
        self.down = nn.ModuleList(map(pair, w[:-1], w[1:]))
        self.up = nn.ModuleList(conv(2 * n, n, k=2) for n in w[4:0:-1])
        self.join = nn.ModuleList(pair(2 * n, n) for n in w[4:0:-1])
        self.head = nn.Sequential(conv(64, 2), nn.Conv2d(2, 1, 1), nn.Sigmoid())

    def forward(self, x):
        skips = []
        for n, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if n else x)
            skips.append(self.drop(x) if n >= 3 else x)
        x = skips.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(F.interpolate(x, scale_factor=2))], 1))
        return self.head(x)


# %% tags=["torch"]
# the device "meta" has shapes but no memory: the weights alone would take 124 MB
with torch.device("meta"):
    tutorial = TutorialUNet()
    answer = tutorial(torch.empty(1, 1, 256, 256))
print(
    f"{parameters(tutorial):,} parameters; 256 × 256 × 1 in, {tuple(answer.shape)} out"
)
assert parameters(tutorial) == counts["tutorial"] == 31_031_685


# %% tags=["keras"]
def tutorial_unet():
    def conv(x, n, k=3):
        start = "he_normal"
        return layers.Conv2D(
            n, k, activation="relu", padding="same", kernel_initializer=start
        )(x)

    x = image = keras.Input((256, 256, 1))
    skips = []
    for n in (64, 128, 256, 512):
        x = conv(conv(x, n), n)
        x = layers.Dropout(0.5)(x) if n == 512 else x
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.5)(conv(conv(x, 1024), 1024))
    for n in (512, 256, 128, 64):
        x = conv(layers.UpSampling2D(2)(x), n, k=2)
        x = layers.Concatenate()([skips.pop(), x])
        x = conv(conv(x, n), n)
    x = conv(x, 2)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


# %% tags=["keras"]
tutorial = tutorial_unet()
tutorial.compile(keras.optimizers.Adam(learning_rate=1e-4), loss="binary_crossentropy")
summary = []
tutorial.summary(line_length=80, print_fn=lambda text: summary.append(text))
lines = "\n".join(summary).splitlines()
print("\n".join(lines[:8] + ["   …"] + lines[-4:]))
assert tutorial.count_params() == counts["tutorial"] == 31_031_685

# %% [markdown]
# The count agrees. It was trained with Adam at a learning rate of 1e-4 and binary
# cross-entropy, and the tutorials let you load **pretrained weights**: a file that
# fits only if every layer has the same size. Four things in it deserve a closer look:
#
# - It calls `Model(input=…, output=…)` and `Adam(lr=…)`. Keras 3 knows neither name.
# - It reports accuracy, which flatters (lesson 03).
# - It ends in *one* map with a sigmoid.
# - It has a ReLU just before that last layer.
#
# The last two get their own sections.

# %% tags=["torch"]
tutorial = answer = None
_ = gc.collect()

# %% tags=["keras"]
for call in (
    lambda: keras.Model(input=tutorial.inputs, output=tutorial.outputs),
    lambda: keras.optimizers.Adam(lr=1e-4),
):
    try:
        call()
        raise AssertionError("Keras has learnt the old names again")
    except (TypeError, ValueError) as error:
        print(f"{type(error).__name__}: {str(error).splitlines()[0][:90]}")
tutorial = None
keras.backend.clear_session()
_ = gc.collect()

# %% [markdown]
# ## Sizes that fit, and sizes that break
#
# **Predict first.** Take out your answer to question 1. The pools halve 101 four times
# and drop what is left over. Write down the five sizes on the way down, then the sizes
# on the way up. Where do two numbers meet that should be equal and are not?

# %% tags=["torch"]
try:
    mine(torch.rand(1, 3, 101, 101))
except RuntimeError as error:
    message = str(error)
print(message)
assert "24" in message and "25" in message

# %% tags=["keras"]
try:
    mine(np.random.default_rng(0).random((1, 101, 101, 3), np.float32))
except Exception as error:
    message = str(error)
print(next(line for line in message.splitlines() if "24" in line)[:200])
assert "24" in message and "25" in message

# %% [markdown]
# The message names two numbers, but not the place. The drawing does.

# %%
broken = u.blocks(101, 101, **course)
assert (broken[-1].name, broken[-1].broken) == ("join 2", "24 ≠ 25")
figures.show(
    u.draw(broken, title="101 × 101 goes in"),
    alt="The U for an input of 101 by 101. Left: 101, 50, 25, 12, at the bottom 6. "
    "Right: join 3 has 12, as its skip. The up-step to level 2 gives 24 by 24, its "
    "skip has 25 by 25: join 2 is marked with a cross, and nothing comes after it.",
)

# %% [markdown]
# Down: 101 → 50 → 25 → 12 → 6. Each halving of an odd number loses half a pixel. Up:
# 6 → 12 fits. 12 → **24**, and the skip has **25**. The network stops in the
# concatenation of `join 2`.
#
# The rule: with four halvings, height and width must be divisible by 2⁴ = **16**. In
# general, by 2 to the power of the depth. 101 × 101 is not far-fetched: a well-known
# competition on salt in seismic images had just that size.
#
# The package's network checks the size first and names one that would fit:

# %% tags=["torch"]
try:
    theirs(torch.rand(1, 3, 101, 101))
except ValueError as error:
    print(error)
    assert "112×112" in str(error)

# %% tags=["keras"]
try:
    theirs(np.zeros((1, 101, 101, 3), np.float32))
except ValueError as error:
    print(next(line for line in str(error).splitlines() if "112" in line))
    assert "112×112" in str(error)

# %% [markdown]
# There are two cures: resize or pad the image before, or pad the maps that came up too
# small. You write the first one in Exercise 4.

# %% [markdown]
# ### Valid convolutions and cropping
#
# The paper's network does not pad. Such a convolution is called **valid**: it computes
# only where the whole kernel lies inside the image. A 3 × 3 kernel then loses one pixel
# at each edge. Two of them turn 572 into 570 and then into 568.
#
# Two things follow. The skip is larger than the maps from below, 64 × 64 against
# 56 × 56 at level 3, so its border is **cropped** before the concatenation. And
# the answer is smaller than the image: 572 in, 388 out. For a whole picture the authors
# cut it into overlapping tiles and mirrored the image at its borders.
#
# Many tutorials show the figure of the paper, with 572 and 568, and beside it code with
# `padding="same"`, where nothing shrinks. Don't let that confuse you: the figure is
# valid, the code is same.


# %%
def sizes(padding):
    listed = u.blocks(576 if padding == "same" else 572, 576, padding=padding, **paper)
    return {b.name: b.height for b in listed}


valid, same = sizes("valid"), sizes("same")
print("block   " + "".join(f"{name:>8}" for name in valid))
print("valid   " + "".join(f"{side:>8}" for side in valid.values()))
print("same    " + "".join(f"{side:>8}" for side in same.values()))
assert (valid["down 3"], valid["up 3"], valid["head"]) == (64, 56, 388)
assert same["head"] == 576

# %% [markdown]
# Today nearly everybody pads. The zeros at the rim disturb the border of the picture a
# little, but image and mask have the same size, and nothing has to be cropped.

# %% [markdown]
# ## One map or many: sigmoid and softmax heads
#
# Two of the four networks above end in **one** map with a sigmoid, the other two in as
# many maps as classes, with a softmax. For two classes, which is right?
#
# Both, and they are the same. Let the two scores of a pixel be $z_0$ and $z_1$. Divide
# numerator and denominator of the softmax by $e^{z_1}$:
#
# $$\frac{e^{z_1}}{e^{z_0} + e^{z_1}} = \frac{1}{1 + e^{-(z_1 - z_0)}}
# = \sigma(z_1 - z_0)$$
#
# Only the difference counts. One map that holds this difference says all that two maps
# say. Check it on a million pixels, and the losses with it:

# %%
random = np.random.default_rng(0)
z = random.normal(0, 3, (1000, 1000, 2))  # two scores for each pixel
truth = random.integers(0, 2, (1000, 1000))

softmax = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
sigmoid = 1 / (1 + np.exp(-(z[..., 1] - z[..., 0])))

cross_entropy = -np.log(np.take_along_axis(softmax, truth[..., None], -1)).mean()
binary = -(truth * np.log(sigmoid) + (1 - truth) * np.log(1 - sigmoid)).mean()

print(f"largest difference: {np.abs(softmax[..., 1] - sigmoid).max():.1e}")
print(f"cross-entropy {cross_entropy:.6f}, binary cross-entropy {binary:.6f}")
assert np.allclose(softmax[..., 1], sigmoid, atol=1e-12)
assert np.isclose(cross_entropy, binary)
assert ((sigmoid > 0.5) == (softmax.argmax(-1) == 1)).all()

# %% [markdown]
# The same probabilities, the same loss, the same mask. So:
#
# - **Two classes**, such as cell or not: one map and a sigmoid, or two and a softmax.
# - **More classes, one per pixel**: C maps and a softmax. That is our street.
# - **Labels that may overlap**, such as 'wet' and 'road': C maps, a sigmoid for each.
#
# And never both: a softmax over *one* map is 1 everywhere.

# %% [markdown]
# ## A ReLU in the wrong place
#
# Look at the end of the 31-million network again: 64 maps → convolution to 2 maps
# **with ReLU** → convolution to 1 map → sigmoid.
#
# A ReLU passes nothing where its input is negative, and no gradient either. With 64
# maps that does no harm, some are always alive. With two maps, and nothing beside them,
# it can be fatal. If both are negative at every pixel, the last layer sees only zeros.
# The answer is then the same everywhere, and no gradient reaches the network.
#
# **Predict first** (question 4). Train a tiny U-Net to find the road, with this ReLU and
# without, each from eight random starts. How many of the eight fail with it? And
# without it?

# %%
small_images = images[:, ::4, ::4].copy()
small_road = (masks[:, ::4, ::4] == LYFT.id("Roads")).astype(np.float32)
new_road = new_masks[:, ::4, ::4] == LYFT.id("Roads")


def road_iou(scores):
    found = scores > 0  # a score above 0 is a probability above one half
    return (found & new_road).sum() / (found | new_road).sum()


# %% [markdown]
# The training itself is plain: three rounds through the scenes in batches of 8,
# binary cross-entropy, gradient descent. The scenes are shrunk to 24 × 32 pixels so
# that sixteen trainings take seconds.


# %% tags=["torch"]
def road_finder(relu, seed):
    torch.manual_seed(seed)
    body = unet(2, width=4, depth=2)
    last = nn.Conv2d(2, 1, 1)
    nn.init.xavier_uniform_(last.weight)  # as Keras draws it
    network = nn.Sequential(body, *[nn.ReLU()] * relu, last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2)
    x, truth = tensor(small_images), torch.from_numpy(small_road)
    for _ in range(3):
        for batch in torch.randperm(len(x)).split(8):
            scores = network(x[batch])[:, 0]
            loss = F.binary_cross_entropy_with_logits(scores, truth[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    with torch.inference_mode():
        return road_iou(network(tensor(new_images[:, ::4, ::4].copy()))[:, 0].numpy())


scores = {
    relu: [road_finder(relu, seed) for seed in range(8)] for relu in (True, False)
}


# %% tags=["keras"]
def road_finder(relu):
    layers_after = [layers.ReLU()] * relu + [layers.Conv2D(1, 1)]
    return keras.Sequential([unet(2, width=4, depth=2), *layers_after])


def eight_trainings(relu):
    network, found = road_finder(relu), []
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    for seed in range(8):
        keras.utils.set_random_seed(seed)
        network.set_weights(road_finder(relu).get_weights())  # a new random start
        network.fit(
            small_images / np.float32(255),
            small_road[..., None],
            8,
            epochs=3,
            verbose=0,
        )
        maps = network(new_images[:, ::4, ::4] / np.float32(255), training=False)
        found.append(road_iou(np.asarray(maps)[..., 0]))
    return found


scores = {relu: eight_trainings(relu) for relu in (True, False)}

# %% [markdown]
# Count a network as failed if it found no road worth mentioning on the new scenes.

# %%
failed = {relu: sum(iou < 0.05 for iou in ious) for relu, ious in scores.items()}
for relu, name in ((True, "with the ReLU"), (False, "without it")):
    row = " ".join(f"{iou:.2f}" for iou in scores[relu])
    print(f"{name:<14} IoU of the road: {row}   {failed[relu]} of 8 found no road")

# %% tags=["test"]
assert np.mean(scores[True]) < np.mean(scores[False]) - 0.03, scores
assert failed[False] <= 3 and np.median(scores[False]) > 0.4, scores

# %% [markdown]
# An IoU of zero is a network that answers 'no road' at every pixel. Its loss has gone down
# a little all the same: it has learnt how *rare* road is. The networks with the ReLU
# are slower, and more of them get stuck; the only difference is one line.
#
# The tiny networks have batch norm, which keeps both maps awake at some pixels, so more
# rounds would rescue most of them. The 31-million network has none. There, both maps can
# fall silent at *every* pixel, and then no amount of training helps: nothing that you
# change below the ReLU changes the answer.

# %%
two_maps = -np.abs(np.random.default_rng(0).normal(size=(96, 128, 2)))  # all negative


def last_layer(maps):
    return np.maximum(maps, 0) @ np.array([0.7, -0.4]) - 1.2


change = last_layer(two_maps + 1e-6) - last_layer(two_maps)
print(f"the score is {np.unique(last_layer(two_maps))} everywhere")
print(f"the largest gradient that reaches the maps: {np.abs(change).max() / 1e-6}")
assert (change == 0).all()

# %% [markdown]
# If your network gives an even grey picture, look at the layer before the last one
# first.

# %% [markdown]
# ## Train it
#
# First the baseline, as always: what does colour alone reach? Split each of red, green
# and blue into 16 steps, which makes 4096 colours. For each colour, remember the class
# that had it most often in the training scenes.


# %%
def colour_index(images):
    steps = (images // 16).astype(np.int64)
    return steps[..., 0] * 256 + steps[..., 1] * 16 + steps[..., 2]


votes = np.bincount(
    colour_index(images).ravel() * 13 + masks.ravel(), minlength=4096 * 13
)
best_class = votes.reshape(4096, 13).argmax(1).astype(np.uint8)

by_colour = Confusion().add(new_masks, best_class[colour_index(new_images)])
graded = [LYFT.id(name) for name in GRADED]
print(f"colour alone: mean IoU {by_colour.mean_iou():.3f} over all classes that occur,")
print(f"              {by_colour.mean_iou(graded):.3f} over the six graded ones")

# %% tags=["test"]
assert by_colour.mean_iou() < 0.25

# %% [markdown]
# Now the network. `train` draws batches of 4 scenes, mirrors half of them, and adds up
# two losses, cross-entropy and Dice (lesson 07 takes them apart). It takes 400 steps, up
# to a minute on one core. That is little: each scene is seen four or five times. With more,
# cars and lane lines gain most: write `steps=1200` and be patient.
#
# Mirroring is a small **augmentation**. The authors of the U-Net had only 30 pictures,
# so they bent and shifted them at random, again and again, image and mask alike. Few
# labels and strong augmentation: that is what made the U-Net famous. Lesson 08 does it
# in full.

# %% tags=["torch"]
torch.manual_seed(0)
network = MyUNet(13)
history = train(network, images, masks, steps=400, batch=4, learning_rate=0.01)

# %% tags=["keras"]
keras.utils.set_random_seed(0)
network = my_unet(13)
history = train(network, images, masks, steps=400, batch=4, learning_rate=0.01)

# %% [markdown]
# How did the loss fall? One step is noisy, so draw the mean of 15.

# %%
steps, losses = map(np.array, zip(*history, strict=True))
window = min(15, len(losses))
smooth = np.convolve(losses, np.ones(window) / window, "valid")
figures.curves(
    {f"loss, mean of {window} steps": (steps[window - 1 :], smooth)},
    alt="The training loss falls steeply at first, then ever more slowly.",
    xlabel="step",
    ylabel="loss",
)
print(
    f"{len(history)} steps; loss {smooth[0]:.2f} at first, {smooth[-1]:.2f} "
    f"at last"
)

# %% tags=["test"]
assert smooth[-1] < 0.6 * smooth[0], smooth

# %% [markdown]
# The number that counts is measured on the new scenes. First look, then measure.

# %%
predicted = predict_masks(network, new_images)
shown = [1, 7]
figures.grid(
    [picture for i in shown for picture in (new_images[i], new_masks[i], predicted[i])],
    ["scene", "truth", "prediction"] * len(shown),
    alt="Two new scenes, each with its true mask and the predicted one. Road, sky "
    "and large areas of vegetation and buildings agree; thin poles, signs and small "
    "far things are missing or smeared in the prediction.",
    columns=3,
)

# %% [markdown]
# It looks plausible. Looking is not measuring: here is the IoU of each class, beside the
# colour baseline.

# %%
by_network = Confusion().add(new_masks, predicted)
figures.class_bars(
    {"colour alone": by_colour.iou(), "U-Net": by_network.iou()},
    alt="For each class two bars, the IoU of the colour baseline and of the U-Net on "
    "40 new scenes. The U-Net's bar is longer for the large classes; pedestrians, "
    "poles and signs stay near zero.",
    label="IoU on 40 new scenes",
)

# %%
iou = by_network.iou()
order = [k for k in np.argsort(-np.nan_to_num(iou)) if not np.isnan(iou[k])]
best, worst = ([LYFT.names[k] for k in part] for part in (order[:3], order[-3:]))
display(
    Markdown(
        f"Read it out loud. After {len(history)} steps the U-Net reaches a mean IoU "
        f"of **{by_network.mean_iou(graded):.3f}** over the six graded classes, "
        f"colour alone {by_colour.mean_iou(graded):.3f}. Over all classes that occur "
        f"it is {by_network.mean_iou():.3f} against {by_colour.mean_iou():.3f}. Best "
        f"are {', '.join(best)}; worst are {', '.join(worst)}. Vehicles have "
        f"{iou[LYFT.id('Vehicles')]:.3f}, the thin RoadLines "
        f"{iou[LYFT.id('RoadLines')]:.3f}."
    )
)

# %% tags=["test"]
assert iou[0] > 0.6, iou
assert by_network.mean_iou(graded) > 0.40, iou
assert by_network.mean_iou() > by_colour.mean_iou() + 0.05, iou

# %% [markdown]
# A road has no colour of its own: walls, cars and the sky in rain are grey too. The
# U-Net knows what lies *around* a pixel, and the colour table does not. That is the
# whole gap between the two bars. Signs and pedestrians cover a few pixels each at this
# size; nobody can see them, not even you. Cars you can see. Where the network still has
# none, it has had too few steps for so rare a class. Lesson 07 is about that.

# %% [markdown]
# ## Click through the U
#
# What does each block see? Below are a few maps of each one for the same scene. Dark
# means low, bright means high; each map has its own scale.


# %% tags=["torch"]
def feature_maps(network, image):
    top = len(network.down) - 1
    blocks = {"bottom": network.bottom, "head": network.head}
    blocks |= {f"down {i}": block for i, block in enumerate(network.down)}
    blocks |= {f"up {top - i}": block for i, block in enumerate(network.up)}
    blocks |= {f"join {top - i}": block for i, block in enumerate(network.join)}
    maps = {}
    hooks = [
        block.register_forward_hook(
            lambda *call, name=name: maps.update({name: call[-1]})
        )
        for name, block in blocks.items()
    ]
    with torch.inference_mode():
        network.eval()(tensor(image[None]))
    for hook in hooks:
        hook.remove()
    return {name: found[0].permute(1, 2, 0).numpy() for name, found in maps.items()}


# %% tags=["keras"]
def feature_maps(network, image):
    kinds = ("down", "bottom", "up", "join", "head")
    names = [
        layer.name for layer in network.layers if layer.name.split("_")[0] in kinds
    ]
    outputs = [network.get_layer(name).output for name in names]
    probe = keras.Model(network.inputs[0], outputs)
    found = probe(image[None] / np.float32(255), training=False)
    maps = (np.asarray(one[0]) for one in found)
    return {n.replace("_", " "): one for n, one in zip(names, maps, strict=True)}


# %%
maps = feature_maps(network, image)
size = {block.name: block.shape for block in listed}
assert {name: "×".join(map(str, found.shape)) for name, found in maps.items()} == size

rows = ["down 0", "down 2", "bottom", "join 2", "join 0"]
figure, axes = figures.canvas(len(rows), 1, height=9)
for axis, name in zip(axes[:, 0], rows, strict=True):
    strip = u.mosaic(maps[name], columns=6)[:100]  # the first row of tiles: six maps
    axis.imshow(strip, cmap="gray")
    axis.set_title(f"{name}: {size[name]}, the first six maps", fontsize=12)
    axis.set_axis_off()
figures.show(
    figure,
    alt="Six maps each of five blocks for one street scene. In down 0 edges and "
    "colours of the scene are plain to see. In down 2 they are coarse. At the bottom "
    "there are 6 by 8 blurred pixels. In join 2 areas appear, in join 0 they have "
    "sharp borders again.",
)

# %% [markdown]
# Look at the top strip: `down 0` still shows the scene, with edges and brightness. At
# the bottom 6 × 8 pixels are left, and no eye can read them. `join 2` has areas in
# place of edges, and `join 0` has areas *with* sharp edges. What came from below, and
# what came through the skips?
#
# Now the same as a U that you can click. Choose a block to see its maps, its size and
# its parameters. Move the slider to 101, and to 572 with *valid*. A block with a ✗ and a
# double frame is where the network stops; what comes after it shows a –.

# %%
u.clickable_u(maps, side=96, **course)

# %%
sides = [64, 96, 100, 101, 112, 128, 188, 572]
print(f"{'input':>6}{'same':>28}{'valid':>28}")
for side in sides:
    row = f"{side:>6}"
    for padding in ("same", "valid"):
        last = u.blocks(side, side, padding=padding, **course)[-1]
        text = f"✗ {last.name}: {last.broken}" if last.broken else f"{last.height} out"
        row += f"{text:>28}"
    print(row)

# %% [markdown]
# The table puts the sizes side by side. With *same* the multiples of 16 pass, and
# the answer is as large as the image. With *valid* the sizes shrink, and a small image
# is used up before the bottom is reached.

# %% [markdown]
# ## Severed skips
#
# What is each skip good for? Take the trained network, replace the maps of *one* skip
# by zeros, and measure again. Nothing is trained in between.
#
# **Predict first** (question 3). Which skip is missed most? And which class suffers
# most when the topmost skip, at full resolution, is cut?


# %% tags=["torch"]
def severed(*levels):
    copy = MyUNet(13, severed=levels)
    copy.load_state_dict(network.state_dict())
    return copy.eval()


# %% tags=["keras"]
def severed(*levels):
    copy = my_unet(13, severed=levels)
    copy.set_weights(network.get_weights())
    return copy


# %% [markdown]
# Six versions of one network: whole, each skip cut in turn, and all four cut.

# %%
cuts = {"all skips": (), "skip 0 cut": (0,), "skip 1 cut": (1,), "skip 2 cut": (2,)}
cuts |= {"skip 3 cut": (3,), "all cut": (0, 1, 2, 3)}
pictures, table = [], []
for levels in cuts.values():
    answers = predict_masks(severed(*levels), new_images)
    pictures.append(answers[1])
    table.append(Confusion().add(new_masks, answers).iou()[graded])
table = np.array(table)
assert np.allclose(table[0], by_network.iou()[graded])

# %%
figure, axes = figures.canvas(height=4)
axes[0, 0].imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(table):
    ink = "white" if value > 0.55 else "black"
    axes[0, 0].text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
axes[0, 0].set_xticks(range(len(graded)), GRADED)
axes[0, 0].set_yticks(range(len(cuts)), cuts)
axes[0, 0].set_title("IoU on the new scenes")
figures.show(
    figure,
    alt="A table of IoU: a row for the whole network, for each of the four skips cut, "
    "and for all cut; a column for each graded class. Of the single cuts the upper "
    "ones cost most.",
)
figures.grid(
    pictures,
    list(cuts),
    alt="The predicted mask of one scene six times: with all skips, with each one "
    "cut, with all cut. With the skips the borders follow the scene; without them "
    "areas move, change their class or fray.",
)

# %% [markdown]
# The table first, then the pictures. Find the row with the largest damage.

# %%
lost = table[0] - table
mean_loss = lost.mean(1)
names = list(cuts)
most = 1 + int(np.argmax(mean_loss[1:5]))
top = int(np.argmax(lost[1]))
display(
    Markdown(
        f"Read it out loud. The whole network has a mean of **{table[0].mean():.2f}** "
        f"over these classes. Most is lost with **{names[most]}**: "
        f"{table[most].mean():.2f} is left. With all of them cut, "
        f"{table[5].mean():.2f} is left. With the topmost skip cut, **{GRADED[top]}** "
        f"suffers most: from {table[0, top]:.2f} to {table[1, top]:.2f}."
    )
)

# %% tags=["test"]
assert mean_loss[5] > 0.1 and mean_loss[1:5].max() > 0.05, table

# %% [markdown]
# The coarse layout of the scene survives in most of these masks: road below, sky above.
# That is what comes up from the bottom. What is lost is the *place*: borders that follow
# the kerb or the treetops, and thin things. Sometimes a whole area changes its class:
# leaves and bricks are told apart by their fine texture, and that comes through the upper
# skips as well.
#
# One caution about this experiment. The network was trained *with* skips and relies on
# them, so a cut one hurts twice: the information is missing, and the zeros are a sight
# that the next convolution has never met. A network trained without that skip from the
# start would do better than the severed one. To say how much a skip is *worth*, train
# both and compare; to say how much *this* network uses it, cut.

# %% [markdown]
# ## Up-sampling or transposed convolution
#
# Four ways to double a map, all in use. Take the lowest up-step of our network, from
# 128 to 64 channels:

# %%
ways = {
    "transposed 2×2, stride 2": 4 * 128 * 64 + 64,
    "transposed 3×3, stride 2": 9 * 128 * 64 + 64,
    "nearest up-sampling, then 2×2 convolution": 4 * 128 * 64 + 64,
    "bilinear up-sampling and a 1×1 convolution": 128 * 64 + 64,
}
for name, number in ways.items():
    print(f"{name:<44}{number:>8,}")
assert list(ways.values()) == [32_832, 73_792, 32_832, 8_256]

# %% [markdown]
# The 2 × 2 kernels cost the same whether the convolution is transposed or follows an
# up-sampling. 3 × 3 costs more than twice as much, bilinear a quarter.
#
# Weights are not the only difference. With kernel 3 and stride 2 the spread-out
# kernels **overlap**: some pixels get one contribution, some two, some four. **Predict
# first:** hand each of them a map that is 1 everywhere, with all weights 1. What
# pattern do you get?

# %% tags=["torch"]
flat = torch.ones(1, 1, 6, 6)
patterns = {}
for k in (3, 2):
    layer = nn.ConvTranspose2d(1, 1, k, stride=2, bias=False)
    nn.init.ones_(layer.weight)
    patterns[f"transposed {k}×{k}"] = layer(flat)[0, 0].detach().numpy()[:12, :12]
patterns["bilinear"] = F.interpolate(flat, scale_factor=2, mode="bilinear")[
    0, 0
].numpy()

# %% tags=["keras"]
flat = np.ones((1, 6, 6, 1), np.float32)
patterns = {}
for k in (3, 2):
    layer = layers.Conv2DTranspose(
        1, k, strides=2, use_bias=False, kernel_initializer="ones"
    )
    patterns[f"transposed {k}×{k}"] = np.asarray(layer(flat))[0, :12, :12, 0]
bilinear = keras.ops.image.resize(flat, (12, 12), interpolation="bilinear")
patterns["bilinear"] = np.asarray(bilinear)[0, ..., 0]

# %% [markdown]
# The three patterns, with the values of one corner written in:

# %%
figure, axes = figures.canvas(1, 3, height=3.8)
for axis, (name, pattern) in zip(axes[0], patterns.items(), strict=True):
    axis.imshow(pattern, cmap="gray", vmin=0, vmax=4)
    for place, value in np.ndenumerate(pattern[:6, :6]):
        ink = "black" if value > 2 else "white"
        axis.text(*place[::-1], f"{value:.0f}", ha="center", va="center", color=ink)
    axis.set_title(name)
    axis.set_axis_off()
figures.show(
    figure,
    alt="Three patterns of 12 by 12 pixels from a flat map. Transposed 3 by 3: a "
    "checkerboard of ones, twos and fours. Transposed 2 by 2 and bilinear: flat.",
)
inner = patterns["transposed 3×3"][1:, 1:]
assert set(np.unique(inner)) == {1, 2, 4}
assert set(np.unique(patterns["transposed 2×2"])) == {1}

# %% [markdown]
# The 3 × 3 kernel makes a **checkerboard** out of nothing: 1, 2 and 4. Training must
# first unlearn it. The 2 × 2 kernel has no overlap, so each pixel gets one
# contribution; its four weights may still come out uneven, but nothing forces them to.
# (A fine grid in some of your maps of `join 2` above is just that: uneven weights.)
# That is why the paper, and our network, take kernel 2 with stride 2.
#
# Does it matter in training? A short run of each, 60 steps from the same seed:

# %%
results = {}
for way in ("transposed", "bilinear"):
    short = unet(13, width=8, up=way)
    train(short, images, masks, steps=60, learning_rate=0.01, progress=False)
    answers = predict_masks(short, new_images)
    results[way] = Confusion().add(new_masks, answers).mean_iou(graded)
    print(f"{way:<11}{parameters(short):>9,} parameters, mean IoU {results[way]:.3f}")
    del short

# %% tags=["test"]
assert min(results.values()) > 0.05, results
assert abs(results["transposed"] - results["bilinear"]) < 0.25, results

# %% [markdown]
# One short run each, so do not read much into the difference: more steps or another seed
# can turn it round. What you may keep: bilinear saves weights and cannot make a
# checkerboard; the transposed convolution can learn how to enlarge.

# %% [markdown]
# ## Variants
#
# The U is a frame into which people have put many things.
#
# **Residual blocks.** Add the input of a double convolution to its output. The
# gradient then has a short way round each block, which helps deep networks. Where the
# channels differ, a 1 × 1 convolution fits the input.
#
# **A dense layer at the bottom.** Some add fully connected layers, to let every place
# see every other. Count before you do that:

# %%
at_the_bottom = 6 * 8 * 128
dense = at_the_bottom * at_the_bottom + at_the_bottom
residual = conv(1, 64, 128)
print(f"one dense layer, 6×8×128 to 6×8×128: {dense:>12,} parameters")
print(f"a 1×1 convolution for a residual:    {residual:>12,}")
print(f"the whole network so far:            {parameters(network):>12,}")
assert dense == 37_754_880 and residual == 8_320

# %% [markdown]
# 37.8 million for one dense layer, and the image size would be fixed for good. The
# residual costs next to nothing.
#
# **A ready-made left half.** The left side is a classifier without its end. So you can
# take one that has already been trained on a million photos, such as **ResNet-18**, and
# build only the right side. Its stages halve the image five times:
#
# | stage of ResNet-18 | size | channels | use |
# |---|---|---|---|
# | 7 × 7 convolution, stride 2 | 1/2 | 64 | skip |
# | pooling, layer 1 | 1/4 | 64 | skip |
# | layer 2 | 1/8 | 128 | skip |
# | layer 3 | 1/16 | 256 | skip |
# | layer 4 | 1/32 | 512 | bottom |
#
# Five halvings: now height and width must be divisible by 32. What such weights bring is
# called **transfer learning**, and lesson 08 comes back to it. Count them here, since it
# is only a sum:


# %%
def plain(k, before, after):  # a convolution without bias, with batch norm
    return k * k * before * after + 2 * after


resnet18 = plain(7, 3, 64) + 4 * plain(3, 64, 64)
for before, after in ((64, 128), (128, 256), (256, 512)):
    resnet18 += plain(3, before, after) + 3 * plain(3, after, after)
    resnet18 += plain(1, before, after)  # the residual's own 1×1 convolution
print(f"ResNet-18 without its classifier: {resnet18:,}")
assert resnet18 == 11_176_512

# %% [markdown]
# ## The twin
#
# This lesson exists twice, for PyTorch and for Keras, and so does every network in it.
# Are the two really the same? The file loaded here was written by the *other*
# framework: the weights of a small U-Net that it had trained, one image, and the
# logits that it got for it.

# %% tags=["torch"]
twin, twin_image, their_logits = load_twin(where.stored("twins/unet_from_keras.npz"))
with torch.inference_mode():
    our_logits = twin(tensor(twin_image)).permute(0, 2, 3, 1).numpy()

# %% tags=["keras"]
twin, twin_image, their_logits = load_twin(where.stored("twins/unet_from_pytorch.npz"))
our_logits = np.asarray(twin(twin_image / np.float32(255), training=False))

# %%
difference = np.abs(our_logits - their_logits).max()
same_class = (our_logits.argmax(-1) == their_logits.argmax(-1)).mean()
print(
    f"{parameters(twin):,} parameters; logits from {their_logits.min():.1f} to "
    f"{their_logits.max():.1f}"
)
print(
    f"largest difference {difference:.1e}; the same class at {same_class:.1%} of pixels"
)
assert difference < 1e-4 and same_class > 0.999

figures.grid(
    [twin_image[0], argmax(their_logits)[0], argmax(our_logits)[0]],
    ["image", "the other framework", "this one"],
    alt="A small street scene and two predicted masks, from the other framework and "
    "from this one. The masks are alike pixel for pixel.",
)

# %% [markdown]
# The same answer to a ten-thousandth. Only the order of the axes differs: a kernel is
# out × in × 3 × 3 in PyTorch and 3 × 3 × in × out in Keras. What you learn here holds in
# both.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · Count a double convolution
#
# Write a function that counts the trained parameters of one double convolution with
# 3 × 3 kernels. With `norm=True` each convolution has no bias, but a batch norm with two
# numbers per channel. With `norm=False` it has a bias and no batch norm.
#
# <details><summary>Hint 1</summary>
# The first convolution has 9 · before · after weights. What does the second one start
# from?
# </details>
# <details><summary>Hint 2</summary>
# Without batch norm: one bias per channel, twice. With it: scale and shift per channel,
# twice.
# </details>
#
# The target: the bars of our network, one for each double convolution.

# %%
bars = [b for b in listed if b.name.split()[0] in ("down", "bottom", "join")]
figure, axes = figures.canvas(height=3.6)
drawn = axes[0, 0].bar(
    [b.name for b in bars], [b.parameters for b in bars], color="#0036d1"
)
axes[0, 0].bar_label(drawn, [f"{b.parameters:,}" for b in bars], fontsize=10)
axes[0, 0].set_ylabel("parameters")
axes[0, 0].spines[["top", "right"]].set_visible(False)
figures.show(
    figure,
    alt="A bar for each double convolution: "
    + ", ".join(f"{b.name} {b.parameters:,}" for b in bars)
    + ".",
)
bottom_share = sum(b.parameters for b in listed if b.name in ("bottom", "join 3"))
assert bottom_share > 0.5 * parameters(mine)


# %%
def double_conv_parameters(before, after, norm):
    # BEGIN SOLUTION
    weights = 9 * before * after + 9 * after * after
    return weights + (4 * after if norm else 2 * after)
    # END SOLUTION


# %% [markdown]
# Check it. The next cell tries four cases and answers in one line.


# %%
def counted(before, after, norm):
    side = u.blocks(16, 16, channels=before, first=after, depth=1, norm=norm)
    return side[0].parameters


exercise(
    double_conv_parameters,
    counted,
    inputs=[(3, 8, True), (3, 8, False), (64, 128, True), (1, 64, False)],
    mistakes={
        "The second convolution starts from `after` channels, not from `before`.": (
            lambda b, a, norm: 18 * b * a + (4 * a if norm else 2 * a)
        ),
        "The weights are right; biases or batch norms are missing.": (
            lambda b, a, norm: 9 * a * (b + a)
        ),
        "With a batch norm the convolution has no bias.": (
            lambda b, a, norm: 9 * a * (b + a) + (6 * a if norm else 2 * a)
        ),
    },
)

# %% [markdown]
# ### Exercise 2 · Sizes in a valid network
#
# Write a function that gives the side of the answer for a square input, without
# padding: two 3 × 3 convolutions in each block, `depth` pools. Return 0 where the
# network cannot work well: when a pool meets an odd side, or when nothing is left.
#
# <details><summary>Hint 1</summary>
# Each block takes 4 from the side. There are depth + 1 blocks on the way down, with the
# bottom, and depth on the way up.
# </details>
# <details><summary>Hint 2</summary>
# The skips do not matter: they are cropped to whatever comes from below. Loop down
# (−4, test, halve), then −4 for the bottom, then loop up (double, −4).
# </details>
#
# The target: every input side that works, and the side of its answer.


# %%
def answer_side(side, depth):
    """Closed form: a loss that depends on the depth, every 2**depth pixels."""
    out = side - 12 * 2**depth + 8
    return out if out > 0 and (side + 4) % 2**depth == 0 else 0


working = [side for side in range(16, 600) if answer_side(side, 4)]
figure, axes = figures.canvas(height=4)
axes[0, 0].plot(working, [answer_side(s, 4) for s in working], "o", color="#0036d1")
axes[0, 0].annotate(
    "572 → 388", (572, 388), (440, 390), arrowprops={"arrowstyle": "->"}
)
axes[0, 0].set(xlabel="side of the input", ylabel="side of the answer")
axes[0, 0].set_title("valid convolutions, depth 4")
figures.show(
    figure,
    alt=f"Points on a straight line, from {working[0]} in and "
    f"{answer_side(working[0], 4)} out, every 16 pixels. An arrow marks 572 in, 388 "
    f"out.",
)
assert answer_side(572, 4) == 388


# %%
def valid_output(side, depth):
    # BEGIN SOLUTION
    for _ in range(depth):
        side -= 4
        if side % 2:
            return 0
        side //= 2
    side -= 4
    if side < 1:
        return 0
    for _ in range(depth):
        side = 2 * side - 4
    return max(side, 0)
    # END SOLUTION


# %% [markdown]
# Check it, on eight sizes:


# %%
def without(bottom=0, odd=0):
    def walk(side, depth):
        for _ in range(depth):
            side = (side - 4) // 2 if odd or side % 2 == 0 else 0
        side -= 4 - bottom
        for _ in range(depth):
            side = 2 * side - 4
        return max(side, 0)

    return walk


# %%
exercise(
    valid_output,
    answer_side,
    inputs=[(572, 4), (188, 4), (44, 2), (101, 3), (570, 4), (60, 4), (16, 1), (18, 1)],
    mistakes={
        "The bottom has two convolutions too.": without(bottom=4),
        "A pool that meets an odd side should give 0.": without(odd=1),
        "Each block has two convolutions: it takes 4, not 2.": (
            lambda side, depth: side - 6 * 2**depth + 4
        ),
        "The answer of the whole network is wanted, not the side at the bottom.": (
            lambda side, depth: (side + 4) // 2**depth - 8
        ),
    },
)

# %% [markdown]
# ### Exercise 3 · An up-step with a skip
#
# Write the up-step in another way: enlarge by **nearest** up-sampling, fit the channels
# with a **1 × 1 convolution** (with bias), lay the skip beside it, and finish with
# `double_conv`. `x` has `before` channels; the skip and the result have `after`.
#
# <details><summary>Hint 1</summary>
# Four steps: enlarge, 1 × 1, concatenate, double convolution. After the concatenation
# there are 2 · after channels.
# </details>

# %% [markdown] tags=["torch"]
# <details><summary>Hint 2</summary>
# <code>nn.Upsample(scale_factor=2)</code> is nearest by default. Build the layers in
# <code>__init__</code>, use <code>torch.cat([skip, x], dim=1)</code> in
# <code>forward</code>.
# </details>

# %% [markdown] tags=["keras"]
# <details><summary>Hint 2</summary>
# <code>layers.UpSampling2D(2)</code> is nearest by default;
# <code>layers.Concatenate()([skip, x])</code> joins the channels.
# </details>

# %% [markdown]
# The target: two inputs of different size, one result.

# %%
trio = {"x": maps["join 3"], "skip": maps["down 2"], "result": maps["join 2"]}
figure, axes = figures.canvas(1, 3, height=3.2)
for axis, (name, found) in zip(axes[0], trio.items(), strict=True):
    axis.imshow(found[:, :, 0], cmap="gray", interpolation="nearest")
    axis.set_title(f"{name}: {'×'.join(map(str, found.shape))}")
    axis.set_axis_off()
figures.show(
    figure,
    alt="One map each of three stacks: x with 12×16×64, coarse; the skip with "
    "24×32×32, finer; the result with 24×32×32.",
)


# %% tags=["torch"]
class UpStep(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        # BEGIN SOLUTION
        self.enlarge = nn.Upsample(scale_factor=2)
        self.fit = nn.Conv2d(before, after, 1)
        self.join = double_conv(2 * after, after)
        # END SOLUTION

    def forward(self, x, skip):
        # BEGIN SOLUTION
        x = self.fit(self.enlarge(x))
        return self.join(torch.cat([skip, x], dim=1))
        # END SOLUTION


# %% [markdown]
# Check it. Your step is fed with zeros; its shape and its parameters tell the rest.
# Two known mistakes stand ready for comparison.


# %% tags=["torch"]
def measured(step):
    """What a step makes of zeros: the shape of its result and its parameters."""

    def run(before, after, side):
        module = step(before, after)
        skip = torch.zeros(1, after, 2 * side, 2 * side)
        result = module(torch.zeros(1, before, side, side), skip)
        if result is None:
            return None
        _, channels, height, width = result.shape
        return np.array([height, width, channels, parameters(module)])

    return run


# %% tags=["torch"]
class Adds(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.fit, self.join = nn.Conv2d(before, after, 1), double_conv(after, after)

    def forward(self, x, skip):
        return self.join(skip + F.interpolate(self.fit(x), scale_factor=2))


class Unfitted(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.join = double_conv(before + after, after)

    def forward(self, x, skip):
        return self.join(torch.cat([skip, F.interpolate(x, scale_factor=2)], dim=1))


# %% tags=["torch"]
exercise(
    measured(UpStep),
    lambda b, a, s: np.array([2 * s, 2 * s, a, conv(1, b, a) + 27 * a * a + 4 * a]),
    inputs=[(64, 32, 4), (16, 8, 6), (10, 12, 2)],
    mistakes={
        "You add the skip. A U-Net lays it beside: 2 · after channels.": measured(Adds),
        "The 1 × 1 convolution is missing.": measured(Unfitted),
    },
)


# %% tags=["keras"]
def up_step(x, skip, after):
    # BEGIN SOLUTION
    x = layers.Conv2D(after, 1)(layers.UpSampling2D(2)(x))
    x = layers.Concatenate()([skip, x])
    return double_conv(x, after)
    # END SOLUTION


# %% tags=["keras"]
def measured(step):
    """The shape of a step's result, and its parameters."""

    def run(before, after, side):
        x = keras.Input((side, side, before))
        skip = keras.Input((2 * side, 2 * side, after))
        result = step(x, skip, after)
        if result is None:
            return None
        return np.array([*result.shape[1:], parameters(keras.Model([x, skip], result))])

    return run


def adds(x, skip, after):
    return double_conv(skip + layers.Conv2D(after, 1)(layers.UpSampling2D(2)(x)), after)


def unfitted(x, skip, after):
    return double_conv(layers.Concatenate()([skip, layers.UpSampling2D(2)(x)]), after)


# %% tags=["keras"]
exercise(
    measured(up_step),
    lambda b, a, s: np.array([2 * s, 2 * s, a, conv(1, b, a) + 27 * a * a + 4 * a]),
    inputs=[(64, 32, 4), (16, 8, 6), (10, 12, 2)],
    mistakes={
        "You add the skip. A U-Net lays it beside: 2 · after channels.": measured(adds),
        "The 1 × 1 convolution is missing.": measured(unfitted),
    },
)

# %% [markdown]
# ### Exercise 4 · Any size
#
# Make a network of depth 3 accept 101 × 101. Write a function that pads the image with
# zeros **at the bottom and on the right**, to the next multiple of `multiple`, calls the
# network, and crops its answer to the size of the image. An image that fits already
# is not padded.
#
# `network` is a function: H×W×3 in, H×W×C out, and it refuses sizes that do not fit.
#
# <details><summary>Hint 1</summary>
# How many rows are missing? <code>-height % multiple</code> is 0 for a multiple, and 3 for
# 101 and 8.
# </details>
# <details><summary>Hint 2</summary>
# <code>np.pad(image, ((0, rows), (0, columns), (0, 0)))</code> adds zeros. Crop with a
# slice.
# </details>
#
# The target: a picture of 101 × 101, and what the network gets to see.

# %%
square, _ = scenes(drives=[1001], frames=[0], height=101, width=101)
square = square[0]
seen = np.zeros((104, 104, 3), np.uint8)
seen[:101, :101] = square
figures.grid(
    [square, seen],
    ["101 × 101", "104 × 104: three rows and columns of zeros"],
    alt="Left: a street scene of 101 by 101 pixels. Right: the same with a narrow "
    "black strip at the bottom and on the right, 104 by 104.",
)


# %%
def any_size(network, image, multiple):
    # BEGIN SOLUTION
    height, width, _ = image.shape
    padded = np.pad(image, ((0, -height % multiple), (0, -width % multiple), (0, 0)))
    return network(padded)[:height, :width]
    # END SOLUTION


# %% [markdown]
# Check it with a stand-in for the network, three images, and three known mistakes:


# %%
def stand_in(image):
    """In place of a network: picky about sizes; every pixel sees the whole."""
    assert image.shape[0] % 8 == image.shape[1] % 8 == 0, f"{image.shape} does not fit"
    rows, columns = (np.arange(side, dtype=float) for side in image.shape[:2])
    return image * 1.0 + image.size + rows[:, None, None] - columns[:, None]


def padding(before=0, extra=0, crop=True):
    def run(network, image, multiple):
        height, width, _ = image.shape
        missing = [-side % multiple for side in (height, width)]
        missing = [m or extra * multiple for m in missing]
        pads = [(before * m, (1 - before) * m) for m in missing]
        answer = network(np.pad(image, (*pads, (0, 0))))
        top, left = (pair[0] for pair in pads)
        return answer[top : top + height, left : left + width] if crop else answer

    return run


# %%
exercise(
    any_size,
    padding(),
    inputs=[(stand_in, square, 8), (stand_in, square[:96], 8), (stand_in, seen, 8)],
    mistakes={
        "Crop the answer: it should be as large as the image.": padding(crop=False),
        "Pad at the bottom and on the right, not at the top and on the left.": (
            padding(before=1)
        ),
        "A side that fits already needs no padding.": padding(extra=1),
    },
)

# %% [markdown]
# And with a real U-Net of depth 3:

# %% tags=["torch"]
flexible = MyUNet(13, depth=3).eval()


def scores_of(image):
    with torch.inference_mode():
        return flexible(tensor(image[None]))[0].permute(1, 2, 0).numpy()


answer = any_size(scores_of, square, 8)
print("Not done yet." if answer is None else f"{square.shape} in, {answer.shape} out")

# %% tags=["keras"]
flexible = my_unet(13, depth=3)


def scores_of(image):
    return np.asarray(flexible(image[None] / np.float32(255), training=False)[0])


answer = any_size(scores_of, square, 8)
print("Not done yet." if answer is None else f"{square.shape} in, {answer.shape} out")

# %% [markdown]
# ## Quiz

# %%
quiz(
    "What does a skip of the U-Net do with the maps from the left?",
    {
        "It adds them to the maps from below": "That is the FCN, or a residual block.",
        "It lays them beside the maps from below": "A concatenation: more channels.",
        "It replaces the maps from below": "Then the bottom would have no say at all.",
    },
    answer="It lays them beside the maps from below",
)
quiz(
    "A U-Net of depth 5: which size fits?",
    {
        "112 × 112": "112 / 32 = 3.5. It is a multiple of 16: enough for depth 4.",
        "96 × 160": "Both are multiples of 2⁵ = 32.",
        "100 × 100": "100 → 50 → 25 → 12: the third halving loses half a pixel.",
    },
    answer="96 × 160",
)

# %%
quiz(
    "You have 13 classes, one per pixel. Which end is right?",
    {
        "13 maps, softmax over the maps": "A pixel's 13 probabilities sum to 1.",
        "1 map with a sigmoid": "One number between 0 and 1 tells two classes apart.",
        "13 maps with a ReLU, then softmax": (
            "The ReLU cuts off negative scores, and gradients with them."
        ),
    },
    answer="13 maps, softmax over the maps",
)

# %%
quiz(
    "What can only the topmost skip bring to the decoder?",
    {
        "Which classes are in the scene": "The bottom and the deeper skips know that.",
        "Exact borders and thin things": "Only level 0 has full resolution.",
        "A larger view of the scene": "Level 0 has the smallest view of all.",
    },
    answer="Exact borders and thin things",
)
quiz(
    "Why does the paper's network answer 388 × 388 for 572 × 572?",
    {
        "The up-steps are too weak": "They double exactly.",
        "Its convolutions do not pad": "Each 3 × 3 loses a pixel at each edge.",
        "The image is resized first": "Nothing is resized.",
    },
    answer="Its convolutions do not pad",
)

# %% [markdown]
# ## Pitfalls
#
# - **Sizes.** Not divisible by 2 to the power of the depth: an error in the
#   concatenation, far from the cause. Check the size at the door.
# - **A ReLU before the last layer.** Some seeds never learn. Nor does a softmax belong
#   inside the network if the loss expects logits.
# - **Adding in place of concatenating.** It runs, with half the channels, and is a
#   different network.
# - **A skip taken after the pooling.** It has the wrong size, or, resized, has already
#   lost what it was for.
# - **Comparing parameter counts across frameworks** without leaving out the running
#   statistics of the batch norm.
# - **Forgetting evaluation mode.** In training mode, batch norm and dropout make the
#   answer depend on the other images in the batch.
# - **Reading the figure of the paper next to code that pads.** 568 and 388 belong to
#   valid convolutions.

# %% [markdown]
# ## What to remember
#
# - A U-Net is three parts and one trick: down, bottom, up, and skips that are
#   **concatenated** at each level.
# - Down: convolution, convolution, pooling. Up: transposed convolution, concatenation,
#   convolution, convolution. End: 1 × 1, one map per class, no dense layer.
# - Each level has a quarter of the pixels and twice the channels. The weights sit at
#   the bottom, the memory at the top; the work is the same at each level.
# - Height and width must be divisible by 2 to the power of the depth, or be padded.
# - One sigmoid map and two softmax maps say the same: σ(z₁ − z₀).
# - The bottom knows *what*, the skips know *where*.
#
# Next: **07 · Losses and class imbalance**. Signs and pedestrians stay near zero here. Is
# it the network's fault, or does nobody pay it to find them?

# %% [markdown]
# ## References
#
# - O. Ronneberger, P. Fischer, T. Brox: U-Net: Convolutional Networks for Biomedical
#   Image Segmentation. MICCAI 2015, arXiv:1505.04597.
# - J. Long, E. Shelhamer, T. Darrell: Fully Convolutional Networks for Semantic
#   Segmentation. 2014, CVPR 2015, arXiv:1411.4038.
# - K. He and others: Delving Deep into Rectifiers. ICCV 2015, arXiv:1502.01852. Deep
#   Residual Learning. 2015, CVPR 2016, arXiv:1512.03385.
# - S. Ioffe, C. Szegedy: Batch Normalization. ICML 2015, arXiv:1502.03167.
# - A. Odena, V. Dumoulin, C. Olah: Deconvolution and Checkerboard Artifacts. Distill,
#   2016, doi:10.23915/distill.00003.
# - V. Dumoulin, F. Visin: A guide to convolution arithmetic for deep learning. 2016,
#   arXiv:1603.07285.
