# %% [markdown]
# # 09 · DeepLab: see farther, at the same size and for the same weights
#
# Two networks are seven convolutions in a row. Both have 14,701 parameters. Both do the same
# number of multiplications. Neither ever shrinks its maps. But a pixel of the one sees
# 15 × 15 pixels of the scene, a pixel of the other 67 × 67. **In what do they differ?**
#
# How can a convolution see farther without more weights and without shrinking the map? The
# answer is one number for each layer. It is what DeepLab is built on. You build DeepLab, and
# at the end you ask one that others have trained.
#
# Plan about 100 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Pool maps of any size into a vector of one length, and say what that costs.
# - Write the atrous convolution by hand, and choose its rate.
# - Compute the field of view of a row of rates, and see where it has holes.
# - Say what is left of a kernel whose rate is too large for the map.
# - Trade a stride for a rate, and name the price.
# - Count multiplications, and split a convolution into two cheap steps.
# - Build DeepLabv3+: the atrous pyramid and the decoder.
# - Use a pretrained network: normalise, take the argmax, colour, plot.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. A 3 × 3 kernel has nine weights. How wide can the window be that it looks at: 3 pixels,
#    5, any number?
# 2. Three layers look at every second pixel, one after the other. Together they span 13 × 13 =
#    169 pixels. How many of those does the last one see?
# 3. A kernel with rate 18 lies on a map of 6 × 8. How many of its nine weights ever meet the
#    map?
# 4. A layer of 5 × 5 kernels makes 8 × 8 × 256 numbers out of 12 × 12 × 3. It takes 1,228,800
#    multiplications. The same sizes in two cheap steps: a half, a tenth, a twentieth of that?

# %% [markdown]
# ## Get ready
#
# These cells load what the lesson needs.

# %% tags=["torch"]
import torch
from torch import nn
from torch.nn import functional as F

from helpers import where
from helpers.pytorch.deeplab import ASPP, deeplabv3plus
from helpers.pytorch.deeplab_mobilenet import deeplab_mobilenet
from helpers.pytorch.gradient import input_gradient
from helpers.pytorch.layers import Standardize, initialize
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.pretrained import voc
from helpers.pytorch.train import train
from helpers.pytorch.twin import load_twin

_ = where.set_threads()


def parameters(network):
    return sum(p.numel() for p in network.parameters())


# %% tags=["keras"]
from helpers import where
from helpers.keras.deeplab import aspp, deeplabv3plus
from helpers.keras.deeplab_mobilenet import deeplab_mobilenet
from helpers.keras.gradient import input_gradient
from helpers.keras.layers import Resize, standardize
from helpers.keras.predict import predict_masks
from helpers.keras.pretrained import voc
from helpers.keras.train import train
from helpers.keras.twin import load_twin

_ = where.set_threads()

# %% tags=["keras"]
import keras  # after helpers.keras, which chooses the backend
from keras import layers


def parameters(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


# %%
import io
import json
import time

import numpy as np
from IPython.display import Markdown, display
from matplotlib.cbook import get_sample_data
from PIL import Image

from helpers import figures
from helpers.check import exercise
from helpers.classes import GRADED, LYFT, VOC
from helpers.masks import argmax, resize_image, resize_mask
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets.convolution import convolution
from helpers.widgets.receptive_field import conv, geometry, paths, pool, receptive_field

# %% [markdown]
# The data: 360 street scenes to learn from, and 40 of other drives to be judged on. One of
# those goes with you through the lesson.

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

# %% [markdown]
# ## Training at several scales
#
# A car far away is five pixels wide, the same car near is fifty. A kernel has one size. So how
# does a network know both? Two answers came first, and both are still in use.
#
# The first changes the **training**: show each scene enlarged by a random factor, and
# cut out a piece of the usual size. DeepLab draws its factors from 0.5 to 2.


# %%
def scaled(image, mask, factor, height=96, width=128):
    """Image and mask enlarged by a factor ≥ 1, and the middle of the usual size."""
    tall, wide = round(factor * height), round(factor * width)
    top, left = (tall - height) // 2, (wide - width) // 2
    middle = np.s_[top : top + height, left : left + width]
    image, mask = resize_image(image, tall, wide), resize_mask(mask, tall, wide)
    return image[middle], mask[middle]


factors = (1, 1.5, 2)
seen = [scaled(image, truth, factor) for factor in factors]
figures.grid(
    [picture for picture, _ in seen] + [mask for _, mask in seen],
    [f"× {factor}" for factor in factors] + [f"mask × {factor}" for factor in factors],
    alt="The scene and its mask three times: as they are, and the middle of them "
    "enlarged 1.5 and 2 times. The same things are larger each time.",
)

# %% [markdown]
# The image is resized bilinearly, the mask by nearest neighbour (lesson 02). A convolution
# does not mind: its weights know nothing of the size of the image.
#
# A dense layer does mind. It has one weight for each number that comes in, so it needs maps of
# *one* size. In 2014 nearly all classifiers ended in such layers. How do you train those at
# several scales?

# %% [markdown]
# ## Spatial pyramid pooling
#
# The second answer came from Kaiming He and others, for a classifier called **SPP-net**. Lay
# a grid of 4 × 4 bins over the maps, whatever their size, and keep the largest value in each
# bin. Do the same with 2 × 2 bins, and with a single one. The bins grow with the image, their
# number stays.
#
# Here is one map, a coarse version of our scene's brightness, under the three grids:

# %%
bright = np.asarray(resize_image(image, 24, 32)).mean(-1)


def bins_of(side, n):
    """Where each of n bins begins and ends on a side; they cover all of it."""
    return [slice(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]


def largest(map, n):
    """The largest value in each of n×n bins of a map H×W."""
    rows, columns = (bins_of(side, n) for side in map.shape)
    return np.array([[map[row, column].max() for column in columns] for row in rows])


# %%
figure, axes = figures.canvas(2, 3, height=5.4)
for (above, below), n in zip(axes.T, (4, 2, 1), strict=True):
    above.imshow(bright, cmap="gray", vmin=0, vmax=255)
    for row in bins_of(24, n):
        above.axhline(row.stop - 0.5, color="#ffd84d", linewidth=3)
    for column in bins_of(32, n):
        above.axvline(column.stop - 0.5, color="#ffd84d", linewidth=3)
    most = largest(bright, n)
    below.imshow(most, cmap="gray", vmin=0, vmax=255, aspect=0.75)
    for (row, column), value in np.ndenumerate(most):
        ink = "black" if value > 128 else "white"
        below.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink)
    above.set(title=f"{n} × {n} bins", xticks=[], yticks=[])
    below.set(title=f"numbers: {n * n}", xticks=[], yticks=[])
figures.show(
    figure,
    alt="Above: a grey map of 24 by 32 under grids of 4 by 4, 2 by 2 and 1 by 1 bins. "
    "Below: the largest value of each bin, 16, 4 and 1 numbers.",
)

# %% [markdown]
# With C maps, a grid of n × n bins gives n²·C numbers, and the three together
#
# $$(4^2 + 2^2 + 1^2)\,C = 21\,C$$
#
# SPP-net had 256 maps. Give its pooling three sizes of them: an image of 224 × 224 pixels made
# maps of 13 × 13 there, one of 180 × 180 made 10 × 10.


# %%
def spatial_pyramid(maps, grids=(4, 2, 1)):
    """The largest value in each bin of each grid: H×W×C → a vector of 21·C."""
    height, width, _ = maps.shape
    return np.concatenate(
        [
            maps[row, column].max((0, 1))
            for n in grids
            for row in bins_of(height, n)
            for column in bins_of(width, n)
        ]
    )


random = np.random.default_rng(0)
for height, width in ((13, 13), (10, 10), (24, 32)):
    vector = spatial_pyramid(random.normal(size=(height, width, 256)))
    print(f"maps of {height} × {width} × 256 → a vector of {len(vector):,}")
    assert len(vector) == (16 + 4 + 1) * 256 == 21 * 256 == 5_376

# %% [markdown]
# Always 5,376 numbers. Now the dense layers fit at any size, and SPP-net trained one round
# with images of 224, the next with 180, with the same weights.
#
# (These three grids are the ones in the paper's drawing, and in every copy of it. Its best
# network had four, with 50 bins.)
#
# ### What spatial pyramid pooling costs
#
# The pooling itself multiplies nothing. The price is paid by the dense layer behind it, of
# 4,096 units: it has a weight for each of the 5,376 numbers. Put beside it what stands there
# without a pyramid: a single bin, or the fixed 6 × 6 pool that SPP-net replaced.

# %%
weights = {
    "one bin alone": 256 * 4096,
    "pyramid, 21 bins": 5376 * 4096,
    "fixed 6 × 6": 36 * 256 * 4096,
}
for name, number in weights.items():
    print(f"{name:<18}{number:>12,} weights behind it")
assert weights["pyramid, 21 bins"] == 21 * weights["one bin alone"] == 22_020_096
assert weights["pyramid, 21 bins"] < weights["fixed 6 × 6"] == 37_748_736

# %% [markdown]
# So a pyramid costs 21 times as much as one bin, and less than the 6 × 6 it replaced. It has
# another price, which no counter shows: **the place is gone.** The vector says that something
# bright is in the upper left quarter. It has no pixels any more. That is fine for naming a
# photo, and useless for a mask.
#
# > **What you may read elsewhere.** 'DeepLab uses spatial pyramid pooling with a vector of
# > 5,376 numbers, and atrous convolution cures what the pyramid costs.' The number is right,
# > but it belongs to SPP-net, a classifier. DeepLab took over the *idea* of several scales side
# > by side, and keeps maps (you build it below). And atrous convolution is no cure for SPP's
# > cost. It keeps the maps large, which costs more.

# %% [markdown]
# ## Holes in the kernel: the atrous convolution
#
# Now the idea that DeepLab adds. Take a 3 × 3 kernel and pull its weights apart, so that
# it looks at every second pixel, or every third. The distance is the **rate** r. Between the
# weights are holes, in French *trous*: an **atrous** or dilated convolution.

# %%
figure, axes = figures.canvas(1, 4, height=2.8)
for axis, rate in zip(axes[0], (1, 2, 3, 6), strict=True):
    window = np.zeros((15, 15))
    half = slice(7 - rate, 8 + rate)
    window[half, half] = 0.25
    window[half, half][::rate, ::rate] = 1
    axis.imshow(window, cmap="Blues", vmin=0, vmax=1.1)
    for place in np.argwhere(window == 1):
        axis.text(*place[::-1], "w", ha="center", va="center", color="white")
    axis.set(title=f"rate {rate}: {2 * rate + 1} × {2 * rate + 1}")
    axis.set(xticks=np.arange(-0.5, 15), yticks=np.arange(-0.5, 15))
    axis.set(xticklabels=[], yticklabels=[])
    axis.tick_params(length=0)
    axis.grid(color="white", linewidth=1)
figures.show(
    figure,
    alt="Four grids of 15 by 15 cells with nine dark cells each, marked w. At rate 1 "
    "they touch, at rate 2 one cell lies between them, at rate 3 two, at rate 6 five. "
    "The pale window around them grows from 3 to 13 cells a side.",
    caption="dark, w: the nine weights; pale: the window that they span",
)

# %% [markdown]
# Along one axis, with a kernel of k weights around the middle:
#
# $$y_i = \sum_a x_{i + r a}\, w_a \qquad\text{and the window is}\qquad r\,(k - 1) + 1
# \;\text{ pixels wide}$$
#
# With r = 1 it is the convolution you know. Step through one with rate 2, and change the
# dilation, as the rate is called there:

# %%
convolution(
    np.random.default_rng(3).integers(0, 5, (9, 9)),
    np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
    dilation=2,
    padding=2,
    alt="A 3 by 3 kernel with dilation 2 slides over 9 by 9 numbers: it meets every "
    "second pixel of a 5 by 5 window. With padding 2 the output has 9 by 9 too.",
)

# %% [markdown]
# By hand it is short: shift the map by r times the place of the weight, multiply, add up.
# With r zeros around the map the output keeps its size.


# %%
def atrous(x, kernel, rate):
    """x H×W×in, kernel k×k×in×out → H×W×out: a convolution with holes."""
    k, (height, width) = len(kernel), x.shape[:2]
    edge = rate * (k // 2)
    padded = np.pad(x, ((edge, edge), (edge, edge), (0, 0)))
    out = np.zeros((height, width, kernel.shape[3]))
    for a, b in np.ndindex(k, k):
        shifted = padded[rate * a :][:height, rate * b :][:, :width]
        out += shifted @ kernel[a, b]
    return out


# %% [markdown]
# Does the framework do the same?

# %% tags=["torch"]
def by_framework(x, kernel, rate):
    maps = torch.from_numpy(x[None]).permute(0, 3, 1, 2)
    weight = torch.from_numpy(kernel).permute(3, 2, 0, 1)
    out = F.conv2d(maps, weight, padding=rate * (len(kernel) // 2), dilation=rate)
    return out[0].permute(1, 2, 0).numpy()


# %% tags=["keras"]
def by_framework(x, kernel, rate):
    out = keras.ops.conv(x[None], kernel, padding="same", dilation_rate=rate)
    return np.asarray(out)[0]


# %%
x = random.normal(size=(24, 32, 8))
kernel = random.normal(size=(3, 3, 8, 16))
for rate in (1, 2, 6, 18):
    difference = np.abs(atrous(x, kernel, rate) - by_framework(x, kernel, rate)).max()
    print(f"rate {rate:>2}: largest difference {difference:.1e}")
    assert difference < 1e-9

# %% [markdown]
# The same to the last digits.
#
# ### The rates 6, 12 and 18
#
# What does the rate change, and what not? DeepLab's famous values are **6, 12 and 18**. It uses
# all three, side by side.

# %%
print("rate   window    weights   multiplications for 24×32, 8 maps to 16")
for rate in (1, 2, 6, 12, 18):
    side = rate * (3 - 1) + 1
    print(f"{rate:>4}{side:>6}×{side:<3}{kernel.size:>9,}{24 * 32 * kernel.size:>12,}")
    assert geometry([conv(3, dilation=rate)])[0][0] == side
assert kernel.size == 3 * 3 * 8 * 16 == 1_152

# %% [markdown]
# That is question 1. The window may have **any** odd width: 3, 5, 13, 25, 37 at these rates.
# The weights stay nine for each pair of maps, and so do the multiplications. The field of view
# grows for free.
#
# For free? Between the weights it is blind. You will see what comes of that.

# %% [markdown]
# ## Seven layers, twice: field of view at the same parameters
#
# Back to the two networks at the top. Each is a row of seven 3 × 3 convolutions with 16 maps
# and a 1 × 1 convolution to the classes. The first has rate 1 throughout. The second
# has the rates 1, 1, 2, 4, 8, 16, 1. (Fisher Yu and Vladlen Koltun chose them in 2015.) With
# stride 1 each layer adds r · (k − 1) to the field:
#
# $$\text{field} = 1 + \sum_\text{layers} r\,(k - 1) = 1 + 2 \sum r$$

# %%
near, far = (1, 1, 1, 1, 1, 1, 1), (1, 1, 2, 4, 8, 16, 1)
for rates in (near, far):
    side = 1 + 2 * sum(rates)
    print(f"rates {rates}: field {side} × {side}")
    assert geometry([conv(3, dilation=rate) for rate in rates])[-1][0] == side
assert 1 + 2 * sum(near) == 15 and 1 + 2 * sum(far) == 67

# %% tags=["torch"]
def row_of(rates, width=16):
    before = [3] + [width] * len(rates)
    row = []
    for b, rate in zip(before, rates, strict=False):
        row.append(nn.Conv2d(b, width, 3, padding=rate, dilation=rate, bias=False))
        row += [nn.BatchNorm2d(width), nn.ReLU()]
    network = nn.Sequential(*row, nn.Conv2d(width, 13, 1))
    initialize(network)  # He's rule for every kernel
    return network


print(f"{parameters(row_of(near)):,} and {parameters(row_of(far)):,} parameters")
assert parameters(row_of(near)) == parameters(row_of(far)) == 14_701


# %% tags=["keras"]
def row_of(rates, width=16):
    x = image = keras.Input((None, None, 3))
    how = dict(padding="same", use_bias=False, kernel_initializer="he_normal")
    for rate in rates:
        x = layers.Conv2D(width, 3, dilation_rate=rate, **how)(x)
        x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
        x = layers.ReLU()(x)
    return keras.Model(image, layers.Conv2D(13, 1, kernel_initializer="he_normal")(x))


print(f"{parameters(row_of(near)):,} and {parameters(row_of(far)):,} parameters")
assert parameters(row_of(near)) == parameters(row_of(far)) == 14_701

# %% [markdown]
# 14,701 parameters both. The multiplications are the same, and every map is 96 × 128. Only
# the rates differ. Train both on the same scenes in the same order, for 200 steps. What will
# the wide one do better, and what worse?

# %% tags=["torch"]
def trained(network, steps):
    train(network, images, masks, steps=steps, learning_rate=0.01)
    return network


torch.manual_seed(0)
near_network = trained(row_of(near), 200)

# %% tags=["torch"]
torch.manual_seed(0)
far_network = trained(row_of(far), 200)


# %% tags=["keras"]
def trained(network, steps):
    train(network, images, masks, steps=steps, learning_rate=0.01)
    return network


keras.utils.set_random_seed(0)
near_network = trained(row_of(near), 200)

# %% tags=["keras"]
keras.utils.set_random_seed(0)
far_network = trained(row_of(far), 200)

# %% [markdown]
# Beside them a baseline without a model: at each place the class that was there most often in
# the training scenes.

# %%
often = np.stack([(masks == k).sum(0) for k in range(13)], -1)
answers = {"no model": np.broadcast_to(argmax(often), new_masks.shape)}
answers["field 15"] = predict_masks(near_network, new_images)
answers["field 67"] = predict_masks(far_network, new_images)
iou = {name: Confusion().add(new_masks, found).iou() for name, found in answers.items()}
figures.grid(
    [image, truth, answers["field 15"][chosen], answers["field 67"][chosen]],
    ["scene", "truth", "rates 1: field 15", "rates to 16: field 67"],
    alt="A new scene, its true mask and two answers. With field 15 the house and the "
    "car have patches of other classes in them. With field 67 the areas are large and "
    "connected, and thin things are lost.",
    columns=2,
)

# %%
figures.class_bars(
    {name: np.where(np.isin(range(13), graded), v, np.nan) for name, v in iou.items()},
    alt="For each of six classes three bars: IoU without a model, with field 15, with "
    "field 67. Roads, sidewalks and buildings gain most by the wide field.",
    label="IoU on 40 new scenes",
)

# %%
roads, lines = LYFT.id("Roads"), LYFT.id("RoadLines")
mean = {name: np.nanmean(values) for name, values in iou.items()}
display(
    Markdown(
        f"Read it out loud. Mean IoU: no model {mean['no model']:.3f}, field 15 "
        f"{mean['field 15']:.3f}, field 67 **{mean['field 67']:.3f}**. Roads: "
        f"{iou['field 15'][roads]:.2f} with field 15, **{iou['field 67'][roads]:.2f}** "
        f"with field 67. RoadLines: {iou['field 15'][lines]:.2f} and "
        f"{iou['field 67'][lines]:.2f}."
    )
)
unseen = [LYFT.id(name) for name in ("Buildings", "Vehicles", "RoadLines")]
assert max(iou["no model"][unseen]) < 0.05 and iou["no model"][roads] > 0.8

# %% tags=["test"]
assert iou["field 67"][roads] > iou["field 15"][roads] + 0.05, iou
assert mean["field 67"] > mean["field 15"], mean

# %% [markdown]
# Asphalt and a grey wall look alike in 15 × 15 pixels. What tells them apart lies farther
# off: sky above, a kerb beside. The wide field sees that much. For a lane line the near
# surroundings say enough, and there the wide kernels with their holes are no help, at least in 200
# steps.
#
# Three honest remarks.
#
# - The baseline has more of the *road* than you may like: in these scenes the road always lies
#   below. It knows the place and not the image. A convolution knows the image and, at first
#   sight, not the place. But the zeros around a map tell it that an edge is near, and a field of
#   67 reaches an edge from most rows. Part of what the wide network gains on the road may come
#   from there. Buildings, cars and lines the baseline never finds.
# - 200 steps are few, and it is one seed. The table near the end has three, at equal time.
# - Neither network is good. Full size all the way is expensive (lesson 04), so there is room for
#   only 16 maps.
#
# Point at a pixel to see what the trained wide network looks at. *Effective* shows how
# strongly it reacts:

# %%
pixel = (60, 64)
gradient = input_gradient(far_network, image, pixel)
receptive_field(
    [conv(3, dilation=rate) for rate in far],
    image=image,
    effective=gradient,
    pixel=pixel,
    alt="A street scene. The 67 by 67 pixels that one output pixel of the wide network "
    "can see are marked, strongest in the middle.",
)

# %%
rows, columns = np.nonzero(gradient)
print(f"the gradient is 0 outside {np.ptp(rows) + 1} × {np.ptp(columns) + 1} pixels")
assert np.ptp(rows) + 1 <= 67 and np.ptp(columns) + 1 <= 67

to_edge = np.minimum(np.arange(96), np.arange(96)[::-1])  # of each row
print(f"rows from which the field reaches past an edge: {(to_edge < 33).mean():.0%}")
assert (to_edge < 33).sum() == 66

# %% [markdown]
# ## Gridding: what the holes do
#
# Take three layers with rate 2, one after the other. Their field is 1 + 2 · 6 = 13 pixels wide.
# **Take out your answer to question 2.** Change one pixel of a map, push it through three such
# layers, and look which outputs notice:


# %%
def touched(rates, size=17):
    """Which outputs of atrous layers in a row change with the middle pixel."""
    start = np.random.default_rng(1)
    kernels = [start.uniform(0.1, 1, (3, 3, 1, 1)) for _ in rates]
    before = start.uniform(size=(size, size, 1))
    after = before.copy()
    after[size // 2, size // 2] += 1
    for rate, kernel in zip(rates, kernels, strict=True):
        before, after = atrous(before, kernel, rate), atrous(after, kernel, rate)
    return np.abs(after - before)[..., 0] > 1e-9


trios = (2, 2, 2), (1, 2, 3), (1, 1, 4)
reached = [touched(rates) for rates in trios]
figures.grid(
    [np.uint8(255 * found) for found in reached],
    [f"rates {r[0]}, {r[1]}, {r[2]}: {f.sum()} pixels" for r, f in zip(trios, reached)],
    alt="Three pictures of 17 by 17 pixels, white where an output changes. Rates 2, 2, "
    "2: 49 single white dots on every second row and column of a 13 by 13 square. "
    "Rates 1, 2, 3 and rates 1, 1, 4: the whole 13 by 13 square is white.",
    classes=None,
)
assert [found.sum() for found in reached] == [49, 169, 169]

# %% [markdown]
# **49 of 169.** With rate 2 throughout, the even pixels talk to even pixels only. The map falls
# apart into four grids that never hear of each other, and neighbouring pixels of the answer
# come from different grids. That is **gridding**: answers with a pattern of dots, and thin
# things that fall through.
#
# The other two trios have the same field of 13, the same nine weights a layer, and no hole. Two
# rules of thumb:
#
# - Rates in a row should have **no common factor** and begin with 1.
# - No rate should be larger than the field of what is below it: at rate 4 the gaps are filled
#   if each pixel below already speaks for 4 of them.
#
# The seven layers from above keep both rules:

# %%
for rates in ((2, 2, 2), (4, 4, 4, 4, 4, 4, 4), far):
    seen_by = paths([conv(3, dilation=rate) for rate in rates], 201, 100) > 0
    field = 1 + 2 * sum(rates)
    print(f"rates {rates}: sees {seen_by.sum() ** 2:,} of {field**2:,} pixels")
    if rates == far:
        assert seen_by.sum() == field == 67

# %% [markdown]
# DeepLab's rates 6, 12 and 18 have the common factor 6. But they lie **side by side** and not
# in a row, with a 1 × 1 convolution beside them. And the encoder below has a wide field.

# %% [markdown]
# ## The rate and the size of the map
#
# A wide kernel needs room. Near the edge its outer weights lie on the zeros around the map,
# and do nothing. How many of the nine weights meet the map? A convolution can count them:
# ones everywhere, on the map and in the kernel.


# %%
def meeting(height, width, rate):
    """How many of the nine weights lie on the map, at each place: H×W."""
    ones = np.ones((height, width, 1))
    return atrous(ones, np.ones((3, 3, 1, 1)), rate)[..., 0].astype(int)


figure, axes = figures.canvas(1, 4, height=2.6)
for axis, rate in zip(axes[0], (1, 2, 3, 6), strict=True):
    counts = meeting(6, 8, rate)
    axis.imshow(counts, cmap="Blues", vmin=0, vmax=9)
    for (row, column), value in np.ndenumerate(counts):
        ink = "white" if value > 5 else "black"
        axis.text(column, row, value, ha="center", va="center", color=ink)
    axis.set(title=f"rate {rate}: mean {counts.mean():.1f}", xticks=[], yticks=[])
figures.show(
    figure,
    alt="Four maps of 6 by 8 cells with a number in each: how many of nine weights "
    "meet the map. At rate 1 nine inside and four in the corners. At rate 3 four to "
    "six. At rate 6 one nearly everywhere, two near the left and right edge.",
)

# %% [markdown]
# Along an axis of n cells there are three weights. The middle one always meets the map. Each of
# the two outer ones misses it at min(r, n) of the n cells. So the mean number is
#
# $$\Bigl(3 - 2\min\bigl(1, \tfrac{r}{H}\bigr)\Bigr)
# \Bigl(3 - 2\min\bigl(1, \tfrac{r}{W}\bigr)\Bigr)$$
#
# It lies between 9 and 1. Where it is 1, only the middle weight is left, and the 3 × 3
# convolution has **degenerated to 1 × 1**. (The authors of DeepLabv3 counted so, on 65 × 65
# cells.)

# %%
def expected(height, width, rate):
    return (3 - 2 * min(1, rate / height)) * (3 - 2 * min(1, rate / width))


sizes = {"6 × 8": (6, 8), "12 × 16": (12, 16), "33 × 33": (33, 33), "65 × 65": (65, 65)}
rates = np.arange(1, 41)
series = {}
for name, size in sizes.items():
    counted = [meeting(*size, rate).mean() for rate in rates]
    assert np.allclose(counted, [expected(*size, rate) for rate in rates])
    series[f"map of {name}"] = rates, counted
figures.curves(
    series,
    alt="How many of nine weights meet the map, over the rate, for four sizes. On 6 by "
    "8 it falls to 1 at rate 8. On 12 by 16 it is 1 at rate 16. On 33 by 33 it falls "
    "from 9 to about 4 at rate 18, on 65 by 65 to 6.",
    xlabel="rate",
    ylabel="weights that meet the map, mean",
)

# %%
print("rate      " + "".join(f"{name:>10}" for name in sizes))
for rate in (1, 2, 3, 6, 12, 18):
    cells = [f"{expected(*size, rate):>10.2f}" for size in sizes.values()]
    print(f"{rate:<10}" + "".join(cells))
assert (meeting(6, 8, 18) == 1).all() and expected(6, 8, 6) == 1.5
assert [round(expected(33, 33, rate), 1) for rate in (6, 12, 18)] == [7.0, 5.2, 3.6]

# %% [markdown]
# That is question 3: on 6 × 8, a kernel of rate 18 has **one** weight that ever meets the map.
# The other eight are multiplied with zeros and learn nothing.
#
# DeepLab trains on images of 513 × 513, whose maps are 33 × 33. There 6, 12 and 18 have
# 7.0, 5.2 and 3.6 weights at work. Our scenes give maps of 6 × 8. What would be a fair
# copy? Compare the window with the shorter side of the map:

# %%
for rates, side, whose in (((6, 12, 18), 33, "DeepLab"), ((1, 2, 3), 6, "here")):
    shares = [(2 * rate + 1) / side for rate in rates]
    print(f"{whose:<8} rates {rates} on {side} cells: window / side", end=" ")
    print(", ".join(f"{share:.2f}" for share in shares))
assert round(13 / 33, 1) == 0.4 and 3 / 6 == 0.5 and 37 / 33 > 1 and 7 / 6 > 1

# %% [markdown]
# With **1, 2 and 3** our three windows cover about the same shares of the map as DeepLab's
# do. So our networks use those, and you will see in the stored comparison what 6, 12, 18 do on
# 6 × 8. Rates copied from a paper without its image size are a common mistake.

# %% [markdown]
# ## Output stride: trade a stride for a rate
#
# An encoder that halves five times ends at one cell for 32 × 32 pixels. Its **output stride**
# is 32. For masks you want finer maps. But the encoder was trained with those halvings: leave
# one out, and every kernel behind it sees half as far as in its training.
#
# Unless you double its rate. Here a layer follows a stride of 2. Beside it the same layer,
# with the same weights and rate 2, on the map that was *not* thinned out:

# %%
x = random.normal(size=(24, 32, 8))
thinned = atrous(x[::2, ::2], kernel, 1)  # stride 2, then the kernel as it is
dense = atrous(x, kernel, 2)  # no stride, rate 2
difference = np.abs(dense[::2, ::2] - thinned).max()
print(f"{thinned.shape} and {dense.shape}")
print(f"at every second place they differ by {difference:.1e}")
assert thinned.shape == (12, 16, 16) and dense.shape == (24, 32, 16)
assert difference < 1e-12

# %% [markdown]
# The same numbers at every second place, and **new answers in between**. So the old weights
# stay good, the field stays as it is, and the map has four times the cells. Do that to the
# last halving, and the output stride is **16**. Do it to the last two, with rates 2 and 4:
# output stride 8.
#
# (That holds exactly where the halving is a stride, as in a ResNet. Where it is max pooling, as
# in VGG, keep the pooling and take the stride out of it alone.)
#
# Our encoder is that of lesson 05, six levels of two convolutions, with this rule in it. It is
# trained from scratch, so its pooling may go with the stride:
#
# > Halve until the output stride is reached. From there on double the rate in place of halving.

# %% tags=["torch"]
def conv_block(before, after, size=3, rate=1):
    """A convolution that keeps the size, batch norm, ReLU."""
    edge = rate * (size // 2)
    layer = nn.Conv2d(before, after, size, padding=edge, dilation=rate, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU())


class Encoder(nn.ModuleList):
    def __init__(self, width, output_stride):
        widths = [3] + [width * min(2**level, 16) for level in range(6)]
        rates = [max(1, 2**level // output_stride) for level in range(6)]
        super().__init__(
            nn.Sequential(conv_block(b, a, rate=r), conv_block(a, a, rate=r))
            for b, a, r in zip(widths[:-1], widths[1:], rates, strict=True)
        )
        self.output_stride = output_stride

    def forward(self, x):
        maps = []
        for level, block in enumerate(self):
            x = F.max_pool2d(x, 2) if 1 < 2**level <= self.output_stride else x
            maps.append(block(x))
            x = maps[-1]
        return maps


# %% tags=["keras"]
def conv_block(x, after, size=3, rate=1):
    """A convolution that keeps the size, batch norm, ReLU."""
    how = dict(padding="same", use_bias=False, kernel_initializer="he_normal")
    x = layers.Conv2D(after, size, dilation_rate=rate, **how)(x)
    x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
    return layers.ReLU()(x)


def encoder(x, width, output_stride):
    maps = []
    for level in range(6):
        x = layers.MaxPooling2D(2)(x) if 1 < 2**level <= output_stride else x
        rate = max(1, 2**level // output_stride)
        for _ in range(2):
            x = conv_block(x, width * min(2**level, 16), rate=rate)
        maps.append(x)
    return maps


# %% [markdown]
# What does a finer map cost? Count. A convolution multiplies k · k · in · out numbers at each
# place:


# %%
def products(places, k, before, after):
    """Multiplications of a k×k convolution at so many places, with any rate."""
    return places * k * k * before * after


work, widths = {}, [3, 8, 16, 32, 64, 128, 128]
for stride in (32, 16, 8):
    work[stride] = []
    for level in range(6):
        halvings = min(level, int(np.log2(stride)))
        places = (96 >> halvings) * (128 >> halvings)
        before, after = widths[level : level + 2]
        two = products(places, 3, before, after) + products(places, 3, after, after)
        work[stride].append(two)
    print(
        f"output stride {stride:>2}: last maps {96 // stride:>2} × {128 // stride:>2}, "
        f"{sum(work[stride]):>11,} products, {work[stride][-1]:>11,} in the last level"
    )
assert work[16][-1] == 4 * work[32][-1] and work[8][-1] == 16 * work[32][-1]

# %% [markdown]
# Each halving left out makes the levels behind it four times as expensive. That is the price:
# not in weights, but in multiplications and in memory. DeepLabv3+ settles for 16. (The
# first versions used 8. In the papers that is a little better, and much heavier.)

# %% [markdown]
# ## ASPP: several rates side by side
#
# Now put it together: the several scales of the pyramid, and the kernels with holes. **Atrous
# spatial pyramid pooling** lets several convolutions look at the *same* maps:
#
# - a 1 × 1 convolution, for each cell alone,
# - three 3 × 3 convolutions with small, middle and large rate,
# - the mean of each map over the whole image, for what no kernel reaches. (New in v3: just
#   because wide kernels degenerate on small maps.)
#
# Their five answers are laid side by side, and a 1 × 1 convolution mixes them. Every branch
# gives a *map*. Nothing is flattened, and the place is kept.


# %%
def box(axis, x, y, text, colour):
    style = dict(boxstyle="round,pad=0.4", facecolor=colour, edgecolor="black")
    axis.text(x, y, text, ha="center", va="center", fontsize=10.5, bbox=style)


def arrow(axis, start, end, gap=(0, 0), text=""):
    """From box to box; `gap` is how far off their middles it begins and ends."""
    look = dict(arrowstyle="->", linewidth=1.5, shrinkA=0, shrinkB=0)
    (x, y), (u, v) = start, end
    away = np.array(gap) * np.sign((u - x, v - y))
    axis.annotate("", (u, v) - away, (x, y) + away, arrowprops=look)
    axis.text((x + u) / 2, (y + v) / 2 + 0.1, text, ha="center", fontsize=10.5)


# %%
figure, axes = figures.canvas(height=4.2)
axis = axes[0, 0]
names = ["1 × 1", *(f"3 × 3, rate {rate}" for rate in (1, 2, 3)), "image's mean"]
box(axis, 0, 2, "maps\n6×8×128", "#dfe8fb")
box(axis, 3.3, 2, "side by side\n6×8×160", "#e3f3e3")
box(axis, 4.7, 2, "1 × 1\n6×8×32", "#e3f3e3")
for y, name in zip((4, 3, 2, 1, 0), names, strict=True):
    box(axis, 1.6, y, f"{name} → 6×8×32", "#fbeedd")
    arrow(axis, (0.32, 2 + (y - 2) / 6), (0.95, y))
    arrow(axis, (2.25, y), (2.88, 2 + (y - 2) / 6))
arrow(axis, (3.3, 2), (4.7, 2), gap=(0.38, 0))
axis.set(xlim=(-0.5, 5.2), ylim=(-0.5, 4.5))
axis.set_axis_off()
figures.show(
    figure,
    alt="The ASPP as a drawing: maps of 6×8×128 go into five branches, 1 by 1, three 3 "
    "by 3 with rates 1, 2 and 3, and the mean of the image. Each gives 6×8×32. They "
    "are laid side by side to 6×8×160, and a 1 by 1 convolution makes 6×8×32 of them.",
)

# %% tags=["torch"]
class Pyramid(nn.Module):
    def __init__(self, before, after, rates, block=conv_block):
        super().__init__()
        self.point = conv_block(before, after, size=1)
        self.dilated = nn.ModuleList(block(before, after, rate=r) for r in rates)
        self.image = nn.Sequential(nn.Conv2d(before, after, 1), nn.ReLU())
        self.mix = conv_block((2 + len(rates)) * after, after, size=1)

    def forward(self, x):  # N×before×H×W
        branches = [self.point(x), *(look(x) for look in self.dilated)]
        mean = self.image(x.mean((2, 3), keepdim=True))  # N×after×1×1
        branches.append(mean.expand_as(branches[0]))  # the same at every place
        return self.mix(torch.cat(branches, dim=1))  # N×after×H×W


# %% tags=["keras"]
def pyramid(x, after, rates, block=conv_block):
    branches = [conv_block(x, after, size=1)]  # N×H×W×after
    branches += [block(x, after, rate=rate) for rate in rates]
    mean = layers.GlobalAveragePooling2D(keepdims=True)(x)
    mean = layers.Conv2D(after, 1, kernel_initializer="he_normal")(mean)
    mean = layers.ReLU()(mean)  # N×1×1×after
    branches.append(Resize()(mean, x))  # the same at every place
    return conv_block(layers.Concatenate()(branches), after, size=1)


# %% [markdown]
# (Here the branch of the image has no batch norm: it has one value for each map, too few for a
# mean and a spread over a small batch. DeepLab's has one, and batches of 16.) The package has an ASPP too. Same number of parameters?
# With the same weights, the same maps?

# %% tags=["torch"]
mine, theirs = Pyramid(128, 32, (1, 2, 3)).eval(), ASPP(128, 32, (1, 2, 3)).eval()
values = theirs.state_dict().values()
mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
maps = torch.rand(1, 128, 6, 8)
with torch.inference_mode():
    difference = (mine(maps) - theirs(maps)).abs().max().item()
print(f"{parameters(mine):,} parameters, maps differ by {difference:.1e}")
assert parameters(mine) == parameters(theirs) and difference < 1e-5

# %% tags=["keras"]
start = keras.Input((6, 8, 128))
mine = keras.Model(start, pyramid(start, 32, (1, 2, 3)))
theirs = keras.Model(start, aspp(start, 32, (1, 2, 3)))
mine.set_weights(theirs.get_weights())
maps = np.random.default_rng(0).random((1, 6, 8, 128), np.float32)
difference = np.abs(mine(maps, training=False) - theirs(maps, training=False)).max()
print(f"{parameters(mine):,} parameters, maps differ by {difference:.1e}")
assert parameters(mine) == parameters(theirs) and difference < 1e-5

# %%
by_hand = 2 * (128 * 32) + 32 + 3 * (9 * 128 * 32) + 160 * 32 + 5 * 2 * 32
print(f"1×1 and mean, 3×3 thrice, mix, five batch norms: {by_hand:,}")
assert parameters(mine) == by_hand == 124_256

# %% [markdown]
# Most of it sits in the three 3 × 3 convolutions. In the paper they are the largest part, too:
# 2,048 maps come in, and each branch makes 256. That is where the next idea saves.
#
# DeepLab's story in four lines, so that you know which one somebody means:
#
# | | new in it |
# |---|---|
# | DeepLab (v1), 2014 | atrous convolution in VGG-16; a random field sharpens the borders |
# | v2, 2016 | ASPP with rates 6, 12, 18, 24; ResNet-101 |
# | v3, 2017 | 1 × 1 and image mean in the ASPP, batch norm; rates 6, 12, 18; no random field |
# | v3+, 2018 | a decoder with a skip; depthwise separable convolutions; Xception |
#
# The rates 6, 12, 18 of v3 and v3+ belong to output stride 16. At output stride 8 the maps are
# twice as large, and the rates double to 12, 24, 36. (Those of v2 are for stride 8 as they stand.)

# %% [markdown]
# ## Depthwise separable convolution: count multiplications
#
# An ordinary kernel does two things at once: it looks at the neighbours, and it mixes the
# maps. Do them one after the other:
#
# 1. **depthwise**: one k × k kernel for each map, each map for itself,
# 2. **pointwise**: a 1 × 1 convolution that mixes the maps.
#
# Take question 4. An image of 12 × 12 × 3, kernels of 5 × 5 without padding, so 8 × 8 places,
# and 256 maps. Ordinary, each of the 256 kernels has 5 · 5 · 3 weights:
#
# $$256 \cdot 5 \cdot 5 \cdot 3 \cdot 8 \cdot 8 = 1{,}228{,}800$$
#
# In two steps:
#
# $$3 \cdot 5 \cdot 5 \cdot 8 \cdot 8 \;+\; 256 \cdot 1 \cdot 1 \cdot 3 \cdot 8 \cdot 8 =
# 4{,}800 + 49{,}152 = 53{,}952$$


# %%
def separable_products(places, k, before, after):
    """Multiplications of a depthwise k×k convolution and a pointwise one."""
    return places * k * k * before + places * before * after


ordinary = products(8 * 8, 5, 3, 256)
split = separable_products(8 * 8, 5, 3, 256)
print(f"ordinary {ordinary:,}, separable {split:,}: {split / ordinary:.1%}")
assert ordinary == 1_228_800 and split == 53_952

# %% [markdown]
# **4.4 %**, a bit less than a twentieth. Step through it and change the number of maps:

# %%
convolution(
    np.random.default_rng(5).integers(0, 4, (12, 12, 3)),
    np.random.default_rng(6).integers(-1, 2, (5, 5, 3)),
    kind="separable",
    weights=np.array([1, 2, -1]),
    maps=256,
    alt="A depthwise separable convolution of 12 by 12 by 3 numbers with 5 by 5 "
    "kernels: first three maps of 8 by 8, then their sum with weights. For 256 output "
    "maps the counter says 1,228,800 multiplications ordinary and 53,952 separable.",
)

# %% [markdown]
# > **What you may read elsewhere.** The same example with an output of '12 × 12 × 256'. The
# > counts of multiplications are right, but they are those of 8 × 8 × 256: without padding a
# > 5 × 5 kernel fits at 12 − 5 + 1 = 8 places. With padding 2 the output would be
# > 12 × 12 × 256, and both counts 2.25 times as large.

# %%
assert 12 - 5 + 1 == 8
assert products(12 * 12, 5, 3, 256) == 2.25 * ordinary == 2_764_800
assert separable_products(12 * 12, 5, 3, 256) == 2.25 * split

# %% [markdown]
# In general the share is
#
# $$\frac{k^2\, c_\text{in} + c_\text{in}\, c_\text{out}}{k^2\, c_\text{in}\, c_\text{out}} =
# \frac{1}{c_\text{out}} + \frac{1}{k^2}$$
#
# With many maps and 3 × 3 kernels: about a ninth. What is given up? Every output map uses the
# *same* pattern of neighbours for an input map, and only weighs it. In formulas the kernel is a
# product, K[a, b, i, o] = d[a, b, i] · p[i, o]:


# %%
def depthwise(x, depth, rate):
    """x H×W×in, depth k×k×in → H×W×in: each map with a kernel of its own."""
    maps = [
        atrous(x[..., i : i + 1], depth[..., i : i + 1, None], rate)
        for i in range(x.shape[2])
    ]
    return np.concatenate(maps, axis=-1)


depth, point = random.normal(size=(3, 3, 8)), random.normal(size=(8, 16))
for rate in (1, 2):
    two_steps = depthwise(x, depth, rate) @ point
    one_kernel = depth[..., None] * point  # 3×3×8×16
    difference = np.abs(two_steps - atrous(x, one_kernel, rate)).max()
    print(f"rate {rate}: largest difference {difference:.1e}")
    assert difference < 1e-9
print(f"{depth.size + point.size} numbers in place of {one_kernel.size:,}")
assert depth.size + point.size == 200 and one_kernel.size == 1_152

# %% [markdown]
# And it goes with any rate. The paper's ASPP, at 33 × 33 cells from 2,048 maps to 256:

# %%
full = products(33 * 33, 3, 2048, 256)
cheap = separable_products(33 * 33, 3, 2048, 256)
print(f"one branch: {full:,} or {cheap:,}, {full / cheap:.1f} times fewer")
assert np.isclose(cheap / full, 1 / 256 + 1 / 9) and round(full / cheap, 1) == 8.7

# %% [markdown]
# Fewer multiplications are not as many times fewer *seconds*. The depthwise step touches much
# memory and does little with it. Measure it here: 128 maps of 24 × 32 to 128, eight at a
# time.

# %% tags=["torch"]
def block_of(separable):
    if not separable:
        return nn.Conv2d(128, 128, 3, padding=1, bias=False)
    first = nn.Conv2d(128, 128, 3, padding=1, groups=128, bias=False)
    return nn.Sequential(first, nn.Conv2d(128, 128, 1, bias=False))


maps = torch.rand(8, 128, 24, 32).to(memory_format=torch.channels_last)


@torch.inference_mode()
def run(block):
    return block(maps)


# %% tags=["keras"]
def block_of(separable):
    how = dict(padding="same", use_bias=False)
    if not separable:
        return layers.Conv2D(128, 3, **how)
    first = layers.DepthwiseConv2D(3, **how)
    return keras.Sequential([first, layers.Conv2D(128, 1, **how)])


maps = keras.random.uniform((8, 24, 32, 128))


def run(block):
    return np.asarray(block(maps))


# %%
def milliseconds(block, times=9):
    run(block)  # the first call prepares
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run(block)
        found.append(1000 * (time.perf_counter() - start))
    return np.median(found)


took = [milliseconds(block_of(separable)) for separable in (False, True)]
fewer = 1 / (1 / 128 + 1 / 9)
print(f"ordinary {took[0]:.1f} ms, separable {took[1]:.1f} ms", end=": ")
print(f"{took[0] / took[1]:.1f} times as fast")
print(f"by the count it should be {fewer:.1f} times")
assert round(fewer, 1) == 8.4

# %% [markdown]
# ### Which step first? Xception
#
# DeepLabv3+ has an encoder called **Xception** (François Chollet, 2016): nearly all its
# convolutions are separable. The name is short for 'extreme Inception', and the paper derives
# the idea from there: **pointwise first**, then each map for itself. The layers that frameworks
# call separable go **depthwise first**. So does DeepLab, and so does the code of Xception that
# Keras has from its author. In a long row the two are nearly the same thing. For one layer they
# are not:

# %%
depthwise_first = separable_products(8 * 8, 5, 3, 256)
pointwise_first = 12 * 12 * 3 * 256 + 8 * 8 * 5 * 5 * 256
print(f"depthwise first {depthwise_first:,}, pointwise first {pointwise_first:,}")
assert pointwise_first == 520_192

# %% [markdown]
# From 3 maps to 256, pointwise first means 256 maps to filter in place of 3: nearly ten times
# the work.
#
# DeepLab changed Xception in three ways: it is deeper; a batch norm and a ReLU follow each
# depthwise step; and separable convolutions with stride 2 stand in place of max pooling, so
# that the last stride can be traded for a rate.
#
# > **What you may read elsewhere.** 'Xception is pointwise first, and so is DeepLab.' The first
# > half is the paper's idea, the second half is wrong. Look at the order in the code before you
# > carry weights over.

# %% [markdown]
# ## DeepLabv3+: a decoder with one skip
#
# DeepLabv3 ends after the ASPP: a 1 × 1 convolution to the classes, and one big
# interpolation, × 16. You know that problem from the FCN-32s. DeepLabv3+ puts a small
# **decoder** behind it:
#
# 1. enlarge the ASPP's maps **× 4**,
# 2. lay **low-level features** beside them: maps of the encoder at a quarter of the image,
#    made few by a 1 × 1 convolution so that they do not drown the rest (48 in the paper),
# 3. two 3 × 3 convolutions, then a 1 × 1 to the classes,
# 4. enlarge × 4 again.

# %%
drawn = {
    "image\n96×128×3": (0, 2),
    "level 2\n24×32×32": (1.5, 2),
    "level 5\n6×8×128": (3, 2),
    "ASPP\n6×8×32": (4.5, 2),
    "1 × 1\n24×32×8": (1.5, 1),
    "side by side\n24×32×40": (3, 1),
    "enlarged × 4\n24×32×32": (4.5, 1),
    "3×3, 3×3, 1×1\n24×32×13": (3, 0),
    "enlarged × 4\n96×128×13 ": (4.5, 0),
}

# %%
figure, axes = figures.canvas(height=4.6)
axis = axes[0, 0]
for n, (text, place) in enumerate(drawn.items()):
    box(axis, *place, text, "#dfe8fb" if n < 3 else "#fbeedd" if n == 3 else "#e3f3e3")
places = list(drawn.values())
for a, b in ((0, 1), (1, 2), (2, 3), (4, 5), (6, 5), (7, 8)):
    arrow(axis, places[a], places[b], gap=(0.42, 0), text="¼" if b in (1, 2) else "")
for a, b in ((1, 4), (3, 6), (5, 7)):
    arrow(axis, places[a], places[b], gap=(0, 0.2))
axis.set(xlim=(-0.6, 5.2), ylim=(-0.4, 2.4))
axis.set_axis_off()
figures.show(
    figure,
    alt="DeepLabv3+ as a drawing. Above: image 96×128×3, a quarter of it at level 2, a "
    "quarter of that at level 5 with 6×8×128, then the ASPP with 6×8×32. Below: the "
    "ASPP's maps, enlarged 4 times, meet 8 maps made of level 2. Two 3 by 3 "
    "convolutions and a 1 by 1 make 24×32×13, which is enlarged 4 times.",
)

# %% [markdown]
# Blue is the encoder, orange the pyramid, green the decoder. One skip, where the U-Net has
# four, and it works at a quarter of the size. The 3 × 3 convolutions of pyramid and decoder are
# separable. All of it in code:

# %% tags=["torch"]
def separable_block(before, after, rate=1):
    how = dict(padding=rate, dilation=rate, groups=before, bias=False)
    depth = nn.Conv2d(before, before, 3, **how)  # groups: each map for itself
    point = nn.Conv2d(before, after, 1, bias=False)
    return nn.Sequential(depth, point, nn.BatchNorm2d(after), nn.ReLU())


class MyDeepLab(nn.Module):
    def __init__(self, classes, width=8, output_stride=16, rates=(1, 2, 3)):
        super().__init__()
        self.encoder = Encoder(width, output_stride)
        self.aspp = Pyramid(16 * width, 4 * width, rates, separable_block)
        self.low = conv_block(4 * width, width, size=1)
        self.join1 = separable_block(5 * width, 4 * width)
        self.join2 = separable_block(4 * width, 4 * width)
        self.head = nn.Conv2d(4 * width, classes, 1)
        initialize(self)

    def forward(self, image):
        maps = self.encoder(image)
        low, deep = self.low(maps[2]), self.aspp(maps[-1])
        x = F.interpolate(deep, size=low.shape[-2:], mode="bilinear")
        x = self.join2(self.join1(torch.cat([low, x], dim=1)))
        return F.interpolate(self.head(x), size=image.shape[-2:], mode="bilinear")


# %% tags=["keras"]
def separable_block(x, after, rate=1):
    spread = keras.initializers.RandomNormal(stddev=np.sqrt(2 / 9))  # He's rule for 3×3
    how = dict(padding="same", dilation_rate=rate, depthwise_initializer=spread)
    x = layers.DepthwiseConv2D(3, use_bias=False, **how)(x)  # each map for itself
    return conv_block(x, after, size=1)


def my_deeplab(classes, width=8, output_stride=16, rates=(1, 2, 3)):
    image = keras.Input((None, None, 3))
    maps = encoder(image, width, output_stride)
    deep = pyramid(maps[-1], 4 * width, rates, separable_block)
    low = conv_block(maps[2], width, size=1)
    x = layers.Concatenate()([low, Resize()(deep, low)])
    x = separable_block(separable_block(x, 4 * width), 4 * width)
    x = layers.Conv2D(classes, 1, kernel_initializer="he_normal")(x)
    return keras.Model(image, Resize()(x, image))


# %% [markdown]
# The package's `deeplabv3plus` again: same parameters, and with the same weights the same
# logits? Also with other rates and output strides?

# %% tags=["torch"]
x = tensor(image[None])  # uint8 1×96×128×3 → float32 1×3×96×128 in [0, 1]
for stride, rates in ((16, (1, 2, 3)), (16, (6, 12, 18)), (32, (1, 2, 3))):
    mine = MyDeepLab(13, 8, stride, rates).eval()
    theirs = deeplabv3plus(13, 8, stride, tuple(r * stride // 16 for r in rates)).eval()
    values = theirs.state_dict().values()
    mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
    with torch.inference_mode():
        difference = (mine(x) - theirs(x)).abs().max().item()
    print(f"stride {stride}, rates {rates}: {parameters(mine):,}, {difference:.1e}")
    assert difference < 1e-4 and parameters(mine) == parameters(theirs) == 624_157

# %% tags=["keras"]
x = image[None] / np.float32(255)  # uint8 1×96×128×3 → float32 in [0, 1]
for stride, rates in ((16, (1, 2, 3)), (16, (6, 12, 18)), (32, (1, 2, 3))):
    mine = my_deeplab(13, 8, stride, rates)
    theirs = deeplabv3plus(13, 8, stride, tuple(r * stride // 16 for r in rates))
    mine.set_weights(theirs.get_weights())
    difference = np.abs(mine(x, training=False) - theirs(x, training=False)).max()
    print(f"stride {stride}, rates {rates}: {parameters(mine):,}, {difference:.1e}")
    assert difference < 1e-4 and parameters(mine) == parameters(theirs) == 624_157

# %% [markdown]
# Three networks with 624,157 parameters each. Rates and strides are no weights: you may change
# them after the training, and the same weights run. (They give other answers.) The package
# takes its rates for output stride 16 and fits them to other strides; that is why the cell
# above converts them.

# %% [markdown]
# ## Train it
#
# 350 steps, as ever with cross-entropy plus Dice (lesson 07).

# %% tags=["torch"]
torch.manual_seed(0)
deeplab = trained(MyDeepLab(13), 350)

# %% tags=["keras"]
keras.utils.set_random_seed(0)
deeplab = trained(my_deeplab(13), 350)

# %%
assert round(parameters(deeplab) / parameters(far_network)) == 42
answers["DeepLabv3+"] = predict_masks(deeplab, new_images)
iou["DeepLabv3+"] = Confusion().add(new_masks, answers["DeepLabv3+"]).iou()
mean["DeepLabv3+"] = np.nanmean(iou["DeepLabv3+"])
figures.grid(
    [image, truth, answers["field 67"][chosen], answers["DeepLabv3+"][chosen]],
    ["scene", "truth", "seven layers, field 67", "DeepLabv3+"],
    alt="A new scene, its true mask, the answer of the seven layers with the wide "
    "field, and that of DeepLabv3+: its areas are in place and their borders "
    "smoother, with pieces of the lane lines.",
    columns=2,
)
display(
    Markdown(
        f"Read it out loud. Mean IoU: no model {mean['no model']:.3f}, seven layers "
        f"{mean['field 67']:.3f}, DeepLabv3+ **{mean['DeepLabv3+']:.3f}**. RoadLines: "
        f"{iou['field 67'][lines]:.2f} and **{iou['DeepLabv3+'][lines]:.2f}**."
    )
)

# %% tags=["test"]
assert mean["DeepLabv3+"] > mean["field 67"] and mean["DeepLabv3+"] > 0.3, mean

# %% [markdown]
# It has 42 times the weights of the seven layers, and sees the whole scene by the mean in its
# pyramid. So this is no proof of anything; the fair comparison comes below.
#
# ### Scenes at another scale
#
# Now back to the scales. It has met each kind of thing at the sizes of *these* scenes. Show it
# the 40 new ones at half and at twice their size. The network runs; its weights do not care
# about the size. Does its score?

# %%
by_scale = {}
for factor in (0.5, 1, 2):
    size = round(96 * factor), round(128 * factor)
    pictures = np.stack([resize_image(picture, *size) for picture in new_images])
    found = predict_masks(deeplab, pictures, batch=4)
    found = np.stack([resize_mask(mask, 96, 128) for mask in found])
    by_scale[factor] = Confusion().add(new_masks, found).mean_iou()
    print(f"× {factor:<4}{size[0]:>4} × {size[1]:<4} mean IoU {by_scale[factor]:.3f}")

small = [resize_mask(resize_mask(mask, 48, 64), 96, 128) for mask in new_masks]
ceiling = Confusion().add(new_masks, np.stack(small)).mean_iou()
print(f"the truth itself, halved and enlarged again: {ceiling:.3f}")
assert ceiling > 0.6

# %% tags=["test"]
assert by_scale[1] > max(by_scale[0.5], by_scale[2]), by_scale

# %% [markdown]
# It knows things at the size at which it has seen them. (At half the size some details are gone
# for everybody. The last line shows that this alone does not explain it.) That is what training at
# several scales is for. The papers add one more step when they test: they ask the network at six
# scales and average its answers. It helps by a point or two, for many times the work.

# %% [markdown]
# ## Three seeds, equal time
#
# One seed and a few hundred steps say little. The comparison below was stored with the lesson:
# 600 scenes, three seeds, the same processor *time* for each network, about a minute. It asks
# four questions. What is a wide field worth? Do the rates of the ASPP matter? What does the
# decoder bring? And is DeepLab better than a U-Net here? Guess before you run the next cells.

# %%
stored = json.loads(where.stored("results/atrous.json").read_text())
measures = ["mean IoU", "IoU of RoadLines", "boundary F1"]
titles = [row.removesuffix(": steps") for row in stored["values"] if ": steps" in row]
runs = {
    (title, measure): np.array(stored["values"][f"{title}: {measure}"])
    for title in titles
    for measure in measures
}
blind = np.mean(stored["values"]["no model: mean IoU"])
each = stored["minutes"] / len(titles) / len(stored["seeds"])
print(f"seeds {stored['seeds']}, written by: {stored['command']}")
print(f"{each:.1f} minutes on one core for each training, judging included")
print(f"{'':<30}{'parameters':>11}{'steps':>8}")
for title in titles:
    size, steps = (stored["values"][f"{title}: {k}"] for k in ("parameters", "steps"))
    print(f"{title:<30}{size[0]:>11,}{np.mean(steps):>8.0f}")
assert all(len(run) == 3 for run in runs.values()) and 0.9 < each < 1.3

# %%
figure, axes = figures.canvas(1, 3, height=4.8)
for axis, measure in zip(axes[0], measures, strict=True):
    for n, title in enumerate(titles):
        each = runs[title, measure]
        axis.barh(n, each.mean(), color="#93afe8", edgecolor="black")
        axis.plot(each, [n] * len(each), "o", color="#9a4529", markersize=5)
        place = dict(xytext=(8, 0), textcoords="offset points", va="center")
        axis.annotate(f"{each.mean():.3f}", (each.max(), n), fontsize=11, **place)
    axis.set(title=measure, xlim=(0, 1))
    axis.set_yticks(range(len(titles)), titles if measure == measures[0] else [])
    axis.invert_yaxis()
axes[0, 0].axvline(blind, color="black", linestyle=":")
figures.show(
    figure,
    alt=f"Bars for {len(titles)} networks, three seeds each. " + " ".join(
        f"{m}: " + ", ".join(f"{t} {runs[t, m].mean():.3f}" for t in titles) + "."
        for m in measures
    ),
    caption="bar: mean; dots: single runs; dotted line: no model, the most frequent "
    "class at each place",
)  # fmt: skip

# %%
def gap(better, worse, measure="mean IoU"):
    """By how much the one is ahead on average, and in how many seeds, in words."""
    each = runs[better, measure] - runs[worse, measure]
    return f"{each.mean():+.3f}, ahead in {(each > 0).sum()} of 3 seeds"


near_title, far_title = titles[:2]
bare, ones, plus, paper = titles[2:6]
spread = max(np.ptp(runs[title, "mean IoU"]) for title in titles)
display(
    Markdown(
        "Read it out loud. A change of seed moves a mean IoU by up to "
        f"{spread:.3f}.\n\n"
        f"1. Wide field, same weights: {gap(far_title, near_title)}; RoadLines "
        f"{gap(far_title, near_title, measures[1])}.\n"
        f"2. Rates 1, 2, 3 in place of 1, 1, 1: {gap(plus, ones)}; in place of 6, 12, "
        f"18: {gap(plus, paper)}.\n"
        f"3. With the decoder: {gap(plus, bare)}; RoadLines "
        f"{gap(plus, bare, measures[1])}; boundary F1 {gap(plus, bare, measures[2])}.\n"
        f"4. The U-Net against DeepLabv3+: {gap('U-Net', plus)}; RoadLines "
        f"{gap('U-Net', plus, measures[1])}."
    )
)

# %%
def ahead(better, worse, measure="mean IoU"):
    # whether the one is ahead with each seed
    return (runs[better, measure] > runs[worse, measure]).all()


assert ahead(far_title, near_title) and ahead(near_title, far_title, measures[1])
assert all(ahead(plus, bare, measure) for measure in measures)
assert all(ahead(far_title, bare, measure) for measure in measures)
assert round(715_653 / 14_701) == 49
assert ahead(plus, "U-Net") and ahead("U-Net", plus, measures[1])
assert np.ptp([runs[t, "mean IoU"].mean() for t in (ones, plus, paper)]) < 0.03

# %% [markdown]
# The second answer may disappoint you. Three pyramids with different rates, and the scores lie
# close together; if anything, the one *without* holes is ahead. Why do the rates matter so little
# here? Ask how far a cell sees *before* the pyramid:

# %%
levels = []
for level in range(6):
    levels += [pool()] if 1 < 2**level <= 16 else []
    levels += 2 * [conv(3, dilation=max(1, 2**level // 16))]
side = geometry(levels)[-1][0]
print(f"a cell of the encoder sees {side} × {side} pixels; the scene has 96 × 128")
assert side == 268

# %% [markdown]
# It sees 268 × 268 pixels, more than the whole scene. No rate can add to that. In the paper
# the images are 513 × 513 and hold things of all sizes; there the ASPP gained points.
#
# And the U-Net? A step of it takes longest, so it had the fewest. Look at what it does with more
# of them, in the table of lesson 05 (it is twice as wide there):

# %%
patient = json.loads(where.stored("results/ranking.json").read_text())["values"]
for place, values in {"here": stored["values"], "lesson 05": patient}.items():
    steps, score = (np.mean(values[f"U-Net: {k}"]) for k in ("steps", "mean IoU"))
    print(f"U-Net, {place:<10}{steps:>5.0f} steps, mean IoU {score:.3f}")
had = {title: np.mean(stored["values"][f"{title}: steps"]) for title in titles}
assert min(had, key=had.get) == "U-Net"

# %% [markdown]
# What you may say, and what you may not:
#
# - With the same weights and the same products for each pixel, the wide field beats the narrow
#   one by mean IoU, with each seed. That was the question of this lesson. On RoadLines the narrow
#   one stays ahead.
# - Short runs mislead. Look up what your own wide network had of the RoadLines, after 200 steps,
#   and hold it against the table: three times the steps make another network.
# - The decoder brings what the FCN's skips brought: borders and thin things. (The DeepLabv3 in
#   the table has ordinary convolutions in its pyramid. That is a second difference, but no
#   pyramid can draw a line on 6 × 8 cells.)
# - How much that is worth, row two says: seven small layers at full size are ahead of the
#   DeepLabv3, by all three measures, which has 49 times the weights and draws on 6 × 8 cells.
# - Where two numbers are closer than the spread over seeds, say nothing. The three pyramids are
#   such a case. They differ in their number of steps, too.
# - 'Atrous convolution does not help' does *not* follow. It was tested on small scenes, with an
#   encoder that sees everything, for a short time. On large photos, with a deep pretrained
#   encoder, published ablations say otherwise.
# - Which is better, DeepLab or the U-Net? By mean IoU DeepLab, by the lane lines the U-Net, after
#   a minute each. A short equal time asks who learns *fast*. A longer one asks something else, and
#   DeepLab's strong side, a large pretrained encoder, is switched off in both. Lesson 10 weighs
#   them up.
# - One learning rate served all. Another one may suit some of them better.

# %% [markdown]
# ## Use a network that others have trained
#
# Nobody trains DeepLab for 350 steps. Published ones have seen tens of thousands of photos, for
# days. Here are three that torchvision offers, all trained on photos of COCO for the 20
# things of PASCAL VOC and a background, and judged on other photos of COCO. (Size and mean IoU
# are read from its documentation, not measured here.)
#
# | network | parameters | file | mean IoU |
# |---|---|---|---|
# | `deeplabv3_resnet101` | 61.0 million | 233 MB | 67.4 |
# | `deeplabv3_mobilenet_v3_large` | 11.0 million | 42 MB | 60.3 |
# | `lraspp_mobilenet_v3_large` | 3.2 million | 12.5 MB | 57.9 |
#
# A weight takes four bytes, so the size of the file follows from the first column. Start with
# the light one: a fifth of the weights for seven points. Tutorials start with the heavy one:
#
# ```python
# model = torch.hub.load("pytorch/vision", "deeplabv3_resnet101", weights="DEFAULT")
# ```
#
# > **What you may read elsewhere.** `pretrained=True` in that line. Since torchvision 0.13 it
# > is `weights=…`, because there are several sets of weights for one network.
#
# The package has the light one in both frameworks, with torchvision's weights. Count its
# parameters:

# %%
light = deeplab_mobilenet()
count = parameters(light)
print(f"{count:,} parameters, {4 * count / 2**20:.0f} MB (of 2²⁰ bytes)")
assert round(count / 1e6, 1) == 11.0 and round(4 * count / 2**20) == 42
assert round(4 * 61.0e6 / 2**20) == 233
del light

# %% [markdown]
# Four steps lead from a photo to a coloured mask. Take them one by one. Where they need a
# network, use your own.
#
# ### Step 1: normalise
#
# The weights were trained on images that were **normalised**: scaled to [0, 1], then for each
# colour channel minus the mean of ImageNet, divided by its standard deviation.

# %%
mean_rgb = np.array([0.485, 0.456, 0.406])
std_rgb = np.array([0.229, 0.224, 0.225])


def normalized(image):
    """uint8 H×W×3 → float64, about −2 to 2.6."""
    return (image / 255 - mean_rgb) / std_rgb


for value in (0, 124, 255):
    print(f"{value:>3} becomes {normalized(np.full(3, value)).round(2)}")
assert np.allclose(normalized(np.full(3, 255)), [2.249, 2.429, 2.640], atol=1e-3)
assert np.allclose(normalized(np.full(3, 0)), [-2.118, -2.036, -1.804], atol=1e-3)

# %% [markdown]
# The package's pretrained networks do this inside, as their first layer. Is it the same?

# %% tags=["torch"]
inside = Standardize()(tensor(image[None]))[0].permute(1, 2, 0).numpy()

# %% tags=["keras"]
inside = np.asarray(standardize(image[None] / np.float32(255), name="scale"))[0]

# %%
difference = np.abs(inside - normalized(image)).max()
print(f"largest difference {difference:.1e}")
assert difference < 1e-5

# %% [markdown]
# What if you forget it, or do it twice? A network must get what it was trained with. Ours was
# trained with [0, 1]. Feed it normalised images, and see:

# %% tags=["torch"]
@torch.inference_mode()
def logits_of(network, x):
    """x float N×H×W×3 → logits N×H×W×C."""
    z = network(torch.from_numpy(np.float32(x)).permute(0, 3, 1, 2))
    return z.permute(0, 2, 3, 1).numpy()


# %% tags=["keras"]
def logits_of(network, x):
    """x float N×H×W×3 → logits N×H×W×C."""
    return network.predict(np.float32(x), batch_size=8, verbose=0)


# %%
right = argmax(logits_of(deeplab, new_images / 255))
wrong = argmax(logits_of(deeplab, normalized(new_images)))
right_iou, wrong_iou = (
    Confusion().add(new_masks, found).mean_iou() for found in (right, wrong)
)
print(f"as trained: mean IoU {right_iou:.3f}, normalised: {wrong_iou:.3f}")
assert (right == answers["DeepLabv3+"]).mean() > 0.999

# %% tags=["test"]
assert wrong_iou < right_iou - 0.05

# %% [markdown]
# No error, just a bad mask. The same happens the other way round, to whoever forgets to normalise
# for a pretrained network. It is a common mistake.
#
# ### Step 2: argmax
#
# The network gives one logit for each class and pixel. The mask is the class with the largest
# one. No softmax is needed: it does not change which one is largest.

# %%
logits = logits_of(deeplab, image[None] / 255)[0]
mask = logits.argmax(-1).astype(np.uint8)
softmax = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
print(f"logits {logits.shape} → mask {mask.shape}, classes {np.unique(mask)}")
assert mask.shape == (96, 128) and (softmax.argmax(-1) == mask).mean() > 0.9999

# %% [markdown]
# ### Step 3: a palette
#
# A mask of ids looks black. A **palette** gives each id a colour, and leaves the ids as they
# are. PASCAL VOC has a famous one, made from the bits of the id: the lowest three bits become
# the highest bits of red, green and blue, the next three the second highest, and so on.


# %%
def voc_palette(count):
    colours = np.zeros((count, 3), np.uint8)
    for k, place, channel in np.ndindex(count, 8, 3):
        bit = k >> (3 * place + channel) & 1
        colours[k, channel] |= bit << (7 - place)
    return colours


assert np.array_equal(voc_palette(21), VOC.palette)
large = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])
tutorial = (np.arange(21)[:, None] * large % 255).astype(np.uint8)
print(f"VOC     : {voc_palette(21)[[1, 2, 15]].tolist()}")
print(f"tutorial: {tutorial[[1, 2, 15]].tolist()}")
assert tutorial[1].tolist() == [1, 127, 31] and len(np.unique(tutorial, axis=0)) == 21

# %% [markdown]
# The second one is from a tutorial that is copied a lot: three large numbers times the id,
# modulo 255. It is short and gives 21 different colours, but red never exceeds 20. See both:

# %%
figure, axes = figures.canvas(2, 1, height=2.7)
for axis, (name, colours) in zip(
    axes[:, 0], {"VOC": voc_palette(21), "tutorial": tutorial}.items(), strict=True
):
    axis.imshow(colours[None], aspect="auto")
    for k, colour in enumerate(colours):
        ink = "white" if colour @ [0.3, 0.6, 0.1] < 110 else "black"
        axis.text(k, 0, k, ha="center", va="center", color=ink)
    axis.set(title=name, xticks=[], yticks=[])
figures.show(
    figure,
    alt="Two rows of 21 colour patches, numbered 0 to 20. Above VOC's palette: black, "
    "dark red, dark green and so on in all hues. Below the tutorial's: black, then "
    "greens and blues, without any red.",
)
assert tutorial[:, 0].max() == 20

# %% [markdown]
# ### Step 4: plot, and store
#
# A PNG can hold the ids *and* the palette. Any viewer shows colours, and who reads it gets the
# ids back. No colour is ever mistaken for a class:

# %%
picture = Image.fromarray(mask)  # one channel of ids
picture.putpalette(LYFT.palette.tobytes())  # how to show them
file = io.BytesIO()
picture.save(file, "png")
again = np.array(Image.open(file))
print(f"{len(file.getvalue()):,} bytes; ids unchanged: {np.array_equal(again, mask)}")
assert np.array_equal(again, mask)

figures.grid(
    [image, again],
    ["image", "what your network says"],
    alt="A street scene and the coloured mask that the network of this lesson gives.",
)

# %% [markdown]
# ### The pretrained network
#
# Now a photo that is no street: Grace Hopper in 1984, who wrote one of the first compilers. (The US Navy
# took it; it comes with matplotlib.) The next cell asks for the weights, 42 MB. If they are
# neither on this machine nor can be fetched, it says so, and looks for a mask that was stored
# with the course.

# %%
photo = np.array(Image.open(get_sample_data("grace_hopper.jpg")).convert("RGB"))
pretrained = voc()
if pretrained is not None:
    logits = logits_of(pretrained, photo[None] / 255)[0]  # it normalises inside
    person, source = argmax(logits), "the network, just now"
else:
    try:
        person = np.array(Image.open(where.stored("pictures/voc_prediction.png")))
        source = "stored with the course, by the same network"
    except FileNotFoundError:
        person, source = None, "not here"
print(f"photo {photo.shape}; the mask: {source}")

# %%
if person is None:
    print(
        "No weights and no stored mask on this machine, so no answer to show.\n"
        "Nothing else in this lesson needs it. Where there is a network,\n"
        "run the cell above again, or store the mask once and for all:\n"
        "`python course/pretrained_prediction.py`"
    )
    alt = "A portrait of a woman in uniform in front of a flag."
    figures.grid([photo], ["the photo"], alt=alt, columns=2)
else:
    assert person.shape == photo.shape[:2] and person.max() < 21
    figures.grid(
        [photo, person],
        ["the photo", f"the mask: {source}"],
        alt="Left: a portrait of a woman in uniform. Right: the mask; it finds "
        + ", ".join(VOC.names[k] for k in np.unique(person))
        + ".",
        classes=VOC,
    )
    for k in np.unique(person):
        print(f"{VOC.names[k]:<14}{(person == k).mean():>7.1%} of the pixels")

# %% [markdown]
# When you have the mask: hold its outline against the photo. The network has output stride 16,
# one interpolation × 16 and no decoder. And note what it *cannot* say: flag, uniform, cap. It
# knows 21 words, and all else is background.
#
# To make such a network answer for streets, take its encoder, put a new head on it and go on
# training: that is transfer learning (lesson 08).

# %% [markdown]
# ## The twin
#
# This lesson exists twice, for PyTorch and for Keras, and so does every network in it.
# The file loaded here was written by the *other* framework: the weights of a tiny DeepLabv3+
# that it had trained, one image, and the logits that it got for it.

# %% tags=["torch"]
file = where.stored("twins/deeplabv3plus_from_keras.npz")
twin, twin_image, their_logits = load_twin(file)
our_logits = logits_of(twin, twin_image / 255)

# %% tags=["keras"]
file = where.stored("twins/deeplabv3plus_from_pytorch.npz")
twin, twin_image, their_logits = load_twin(file)
our_logits = logits_of(twin, twin_image / 255)

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
# The same answer to a ten-thousandth. One thing to look out for: a depthwise kernel is in × 1 ×
# 3 × 3 in PyTorch and 3 × 3 × in × 1 in Keras, an ordinary one out × in × 3 × 3 and 3 × 3 ×
# in × out.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · What does a separable layer cost?
#
# Write a function that counts the multiplications of a **depthwise separable** convolution *with
# padding* that keeps the size: maps of `height` × `width`, `before` of them come in, `after` go
# out, kernel k × k, rate r. Depthwise first.
#
# <details><summary>Hint 1</summary>
# With padding there are as many places as pixels, and zeros count like numbers.
# </details>
# <details><summary>Hint 2</summary>
# Add the two steps. In which of them does k occur? Does the rate occur anywhere?
# </details>
#
# The target: how many times cheaper it is than an ordinary layer, for 3 × 3 kernels.

# %%
counts_of_maps = [1, 4, 16, 64, 256, 1024]
gains = [1 / (1 / n + 1 / 9) for n in counts_of_maps]
figure, axes = figures.canvas(height=3.2)
bars = axes[0, 0].bar([str(n) for n in counts_of_maps], gains, color="#0036d1")
axes[0, 0].bar_label(bars, [f"{gain:.1f} ×" for gain in gains])
axes[0, 0].set(xlabel="maps that go out", ylabel="times cheaper", ylim=(0, 10))
axes[0, 0].spines[["top", "right"]].set_visible(False)
figures.show(
    figure,
    alt="Bars: how many times cheaper a separable 3 by 3 layer is, by the maps that go "
    "out: "
    + ", ".join(f"{n}: {g:.1f}" for n, g in zip(counts_of_maps, gains))
    + ".",
)


# %%
def separable_cost(height, width, before, after, k, rate):
    # BEGIN SOLUTION
    return height * width * before * (k * k + after)
    # END SOLUTION


# %% [markdown]
# Check it. The next cell tries four cases and answers in one line.

# %%
def cost(height, width, before, after, k, rate):
    return separable_products(height * width, k, before, after)


left_out = {
    "The pointwise step is missing.": lambda h, w, b, a, k, r: h * w * b * k * k,
    "The depthwise step is missing.": lambda h, w, b, a, k, r: h * w * b * a,
    "Those are the weights: multiply by the places.": (
        lambda h, w, b, a, k, r: b * (k * k + a)
    ),
    "The steps come one after the other: add, do not multiply.": (
        lambda h, w, b, a, k, r: (h * w) ** 2 * b * k * k * b * a
    ),
}

# %%
exercise(
    separable_cost,
    cost,
    inputs=[(12, 12, 3, 256, 5, 1), (33, 33, 2048, 256, 3, 6), (6, 8, 8, 8, 3, 2),
            (24, 32, 40, 32, 3, 1)],
    mistakes={
        "That is an ordinary convolution.": (
            lambda h, w, b, a, k, r: products(h * w, k, b, a)
        ),
        "Padding keeps the size: there is one place for each pixel.": (
            lambda h, w, b, a, k, r: (h - k + 1) * (w - k + 1) * b * (k * k + a)
        ),
        "The rate moves the weights apart; it adds none.": (
            lambda h, w, b, a, k, r: h * w * b * ((r * (k - 1) + 1) ** 2 + a)
        ),
        "Depthwise first: the k × k kernels work on the maps that come in.": (
            lambda h, w, b, a, k, r: h * w * a * (k * k + b)
        ),
    } | left_out,
)  # fmt: skip

# %% [markdown]
# ### Exercise 2 · Holes in a row of rates
#
# Write a function that takes a list of rates, those of 3 × 3 layers in a row with stride 1, and
# returns two numbers: the side of the field, and how many of the pixels along that side are
# *seen*. For rates 2, 2, 2 it returns 13 and 7.
#
# <details><summary>Hint 1</summary>
# One axis is enough. Begin with one position, 0. What positions does a layer of rate r see for
# each of these?
# </details>
# <details><summary>Hint 2</summary>
# Position p sees p − r, p and p + r. Collect them in a set, layer by layer.
# </details>
#
# The target: the seen positions along a row, for five lists of rates.


# %%
def field_and_seen(rates):
    positions = {0}
    for rate in rates:
        positions = {p + step for p in positions for step in (-rate, 0, rate)}
    return 1 + 2 * sum(rates), len(positions)


lists = [(1, 1, 1), (2, 2, 2), (1, 2, 3), (1, 2, 5), (2, 4, 8)]
figure, axes = figures.canvas(height=3.4)
for n, rates in enumerate(lists):
    line = paths([conv(3, dilation=rate) for rate in rates], 31, 15) > 0
    for at in range(31):
        look = dict(facecolor="#0036d1" if line[at] else "white", edgecolor="#888888")
        axes[0, 0].bar(at - 15, 0.7, width=0.9, bottom=n - 0.35, **look)
axes[0, 0].set_yticks(range(len(lists)), [", ".join(map(str, r)) for r in lists])
axes[0, 0].set(xlabel="position", ylabel="rates", ylim=(4.5, -0.5))
figures.show(
    figure,
    alt="Five rows of 31 cells, filled where a position is seen. Rates 1, 1, 1: 7 "
    "cells in a row. 2, 2, 2: every second of 13. 1, 2, 3: all of 13. 1, 2, 5: all of "
    "17. 2, 4, 8: every second of 29.",
)


# %%
def what_is_seen(rates):
    # BEGIN SOLUTION
    positions = {0}
    for rate in rates:
        positions = {p + step for p in positions for step in (-rate, 0, rate)}
    return max(positions) - min(positions) + 1, len(positions)
    # END SOLUTION


# %% [markdown]
# Check it, on six lists:


# %%
def without_middle(rates):
    positions = [0]
    for rate in rates:
        positions = [p + step for p in positions for step in (-rate, rate)]
    return positions


misread = {
    "First the side of the field, then the number seen.": (
        lambda rates: field_and_seen(rates)[::-1]
    ),
    "The middle counts too: 1 + 2 · the sum of the rates.": (
        lambda rates: (2 * sum(rates), field_and_seen(rates)[1])
    ),
    "Count along one side, not in the square.": (
        lambda rates: tuple(n * n for n in field_and_seen(rates))
    ),
}

# %%
rows_of_rates = [1, 1, 1], [2, 2, 2], [1, 2, 3], [1, 2, 9], [6], list(far)
exercise(
    what_is_seen,
    field_and_seen,
    inputs=[(rates,) for rates in rows_of_rates],
    mistakes={
        "A layer adds r on both sides of the field.": (
            lambda rates: (1 + sum(rates), field_and_seen(rates)[1])
        ),
        "You say that all pixels of the field are seen; there may be holes.": (
            lambda rates: (field_and_seen(rates)[0],) * 2
        ),
        "Some positions are reached twice. Count each once.": (
            lambda rates: (field_and_seen(rates)[0], 3 ** len(rates))
        ),
        "A layer sees p itself, too: three positions, not two.": (
            lambda rates: (field_and_seen(rates)[0], len({*without_middle(rates)}))
        ),
    }
    | misread,
)

# %% [markdown]
# ### Exercise 3 · The separable atrous convolution
#
# The layer that DeepLabv3+ has in its pyramid and in its decoder, without batch norm and ReLU.
# `x` is H×W×in, `depth` is 3×3×in, `point` is in×out. Depthwise with the rate first, then
# pointwise. Zeros around, so that the result is H×W×out. Use NumPy alone.
#
# <details><summary>Hint 1</summary>
# Pad by <code>rate</code> on every side. For each of the nine weights cut out a shifted H×W
# piece.
# </details>
# <details><summary>Hint 2</summary>
# <code>piece * depth[a, b]</code> multiplies each map by its own weight. The piece begins at row
# <code>a * rate</code>. The pointwise step is <code>@ point</code>.
# </details>
#
# The target: three maps of the scene, red, green and blue, through edge kernels of rates 1, 2 and
# 6, mixed into one. (The bright bands at the sides come from the zeros around the image.)


# %%
def separable_atrous(x, depth, point, rate):
    return depthwise(x, depth, rate) @ point


edges = np.repeat([[[1], [0], [-1]], [[2], [0], [-2]], [[1], [0], [-1]]], 3, axis=2)
grey = np.ones((3, 1)) / 3
shown = [separable_atrous(image / 255, edges, grey, rate)[..., 0] for rate in (1, 2, 6)]
figures.grid(
    [np.uint8(255 * np.abs(found / 2).clip(0, 1)) for found in shown],
    ["rate 1", "rate 2", "rate 6"],
    alt="Upright edges of the scene as bright lines: thin at rate 1, wider and doubled "
    "at rate 2, far apart and ghostly at rate 6, with bright bands at both sides.",
    classes=None,
)


# %%
def my_separable(x, depth, point, rate):
    # BEGIN SOLUTION
    height, width, _ = x.shape
    padded = np.pad(x, ((rate, rate), (rate, rate), (0, 0)))
    filtered = np.zeros(x.shape)
    for a, b in np.ndindex(3, 3):
        piece = padded[a * rate : a * rate + height, b * rate : b * rate + width]
        filtered += piece * depth[a, b]
    return filtered @ point
    # END SOLUTION


# %% [markdown]
# Check it, with three rates:


# %%
def case(rate):
    draw = np.random.default_rng(rate)
    shapes = ((9, 11, 4), (3, 3, 4), (4, 5))
    return *(draw.normal(size=shape) for shape in shapes), rate


def padded_otherwise(x, depth, point, rate, step=None, mode="constant"):
    (height, width, _), step = x.shape, step or rate
    padded = np.pad(x, ((rate, rate), (rate, rate), (0, 0)), mode=mode)
    pieces = [
        padded[a * step :][:height, b * step :][:, :width] * depth[a, b]
        for a, b in np.ndindex(3, 3)
    ]
    return sum(pieces) @ point


# %%
exercise(
    my_separable,
    separable_atrous,
    inputs=[case(1), case(2), case(4)],
    mistakes={
        "The rate has no effect yet.": lambda x, d, p, r: separable_atrous(x, d, p, 1),
        "A convolution here does not mirror the kernel.": (
            lambda x, d, p, r: separable_atrous(x, d[::-1, ::-1], p, r)
        ),
        "Rows and columns of the kernel are swapped.": (
            lambda x, d, p, r: separable_atrous(x, d.transpose(1, 0, 2), p, r)
        ),
        "Each map has a kernel of its own.": (
            lambda x, d, p, r: separable_atrous(x, np.repeat(d[..., :1], 4, 2), p, r)
        ),
        "The piece begins at row a · rate, not at row a.": (
            lambda x, d, p, r: padded_otherwise(x, d, p, r, step=1)
        ),
        "Zeros around, not the edge repeated.": (
            lambda x, d, p, r: padded_otherwise(x, d, p, r, mode="edge")
        ),
    },
    tolerance=1e-9,
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A 3 × 3 convolution gets rate 6 in place of 1. What grows?",
    {
        "its weights": "They stay nine for each pair of maps.",
        "its multiplications": "One for each weight and place, whatever the rate.",
        "its field of view": "From 3 × 3 to 13 × 13, with holes.",
    },
    answer="its field of view",
)
quiz(
    "Where does the vector of 5,376 numbers belong?",
    {
        "to SPP-net, a classifier": "21 bins × 256 maps, for its dense layers.",
        "to DeepLab's ASPP": "The ASPP keeps maps. A vector has no place left.",
        "to the decoder of DeepLabv3+": "That joins maps at a quarter of the image.",
    },
    answer="to SPP-net, a classifier",
)

# %% [markdown]
# Two about rates:

# %%
quiz(
    "Your maps are 6 × 8. You copy the rates 6, 12, 18 from a paper. What do you get?",
    {
        "A very wide view": "The outer weights lie beyond the map, on zeros.",
        "1 × 1 convolutions that cost as much as 3 × 3": (
            "At 12 and 18 the middle weight is alone, at 6 nearly."
        ),
        "An error": "It runs without a word. That is the trouble.",
    },
    answer="1 × 1 convolutions that cost as much as 3 × 3",
)
quiz(
    "You take the last stride out of a trained encoder. What must the rest be given?",
    {
        "the double rate": "Then each kernel sees what it has learnt to see.",
        "half the weights": "The weights stay the same ones.",
        "nothing": "Then their kernels see half as far as in training.",
    },
    answer="the double rate",
)

# %% [markdown]
# And one for the pretrained network:

# %%
quiz(
    "A pretrained network gives a poor mask without any error. Look first at …",
    {
        "the palette": "It only changes how the ids look.",
        "the normalisation": "Forgotten, or done twice: it fails without a word.",
        "the softmax": "It does not change which class is largest.",
    },
    answer="the normalisation",
)

# %% [markdown]
# ## Pitfalls
#
# - **Rates without their image size.** 6, 12, 18 go with 513 × 513 at output stride 16. On
#   small maps they are 1 × 1 convolutions in disguise.
# - **One rate many times over.** 2, 2, 2 leaves 120 of 169 pixels unseen.
# - **Padding that stays 1.** In PyTorch the padding of a 3 × 3 kernel must equal the rate, or
#   the map shrinks. Keras' `same` sees to it.
# - **A stride taken out, and the rates left alone.** The trained kernels then see half as far.
# - **A batch norm on one value.** In training, the mean of the image gives one value for each map
#   and image. With a batch of one the spread is 0, and PyTorch stops.
# - **Counting multiplications and promising seconds.** The depthwise step waits for memory.
# - **Normalising twice**, or not at all. Look whether the network does it inside.
# - **Resizing the coloured mask.** Resize the ids, by nearest neighbour, and colour after that.

# %% [markdown]
# ## What to remember
#
# - A rate r spreads a kernel: window r(k − 1) + 1, the same weights, the same multiplications,
#   the same size of the map. That is the answer to the question at the top.
# - Rates in a row: begin with 1, no common factor, none larger than the field below it.
#   Otherwise the field has holes.
# - A rate needs a map that is larger than it is. Count the weights that meet the map.
# - A stride can be traded for a rate. The weights stay good, the maps get finer, and each
#   halving left out costs four times the multiplications behind it.
# - ASPP: 1 × 1, three rates and the image's mean, side by side. It keeps maps, SPP does not.
# - Depthwise, then pointwise: 1/c + 1/k² of the multiplications.
# - DeepLabv3+ adds × 4, low-level features, × 4.
# - Pretrained: normalise as in training, argmax, palette, plot.
#
# Next: **10 · Choosing a model.** FCN, SegNet, U-Net, PSPNet, DeepLab: which one, for what data,
# on what machine?

# %% [markdown]
# ## References
#
# - L.-C. Chen and others: Semantic Image Segmentation with Deep Convolutional Nets and Fully
#   Connected CRFs. 2014, ICLR 2015, arXiv:1412.7062 (DeepLab v1).
# - L.-C. Chen and others: DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous
#   Convolution, and Fully Connected CRFs. 2016, TPAMI 2018, arXiv:1606.00915 (v2, ASPP).
# - L.-C. Chen, G. Papandreou, F. Schroff, H. Adam: Rethinking Atrous Convolution for Semantic Image
#   Segmentation. 2017, arXiv:1706.05587 (v3).
# - L.-C. Chen and others: Encoder-Decoder with Atrous Separable Convolution for Semantic Image
#   Segmentation. ECCV 2018, arXiv:1802.02611 (v3+).
# - K. He, X. Zhang, S. Ren, J. Sun: Spatial Pyramid Pooling in Deep Convolutional Networks for
#   Visual Recognition. ECCV 2014, arXiv:1406.4729.
# - F. Yu, V. Koltun: Multi-Scale Context Aggregation by Dilated Convolutions. ICLR 2016,
#   arXiv:1511.07122.
# - P. Wang and others: Understanding Convolution for Semantic Segmentation. WACV 2018,
#   arXiv:1702.08502 (gridding).
# - F. Chollet: Xception: Deep Learning with Depthwise Separable Convolutions. 2016, CVPR 2017,
#   arXiv:1610.02357.
# - A. Howard and others: Searching for MobileNetV3. ICCV 2019, arXiv:1905.02244.
# - M. Everingham and others: The PASCAL Visual Object Classes Challenge. IJCV 2010.
# - T.-Y. Lin and others: Microsoft COCO: Common Objects in Context. ECCV 2014, arXiv:1405.0312.
# - M. A. Islam and others: How Much Position Information Do Convolutional Neural Networks
#   Encode? ICLR 2020, arXiv:2001.08248 (the zeros at the edge).
