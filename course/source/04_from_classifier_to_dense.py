# %% [markdown]
# # 04 · From classifier to dense output
#
# A classifier looks at a picture and says one word: 'road'. Suppose you have a good
# one. Now you want a word for **every pixel**, and you may not train anything again.
# Can the weights that it has do that?
#
# At the end of this lesson they will: you rebuild a trained classifier without
# changing one of its numbers, and it labels a whole street. Then you enlarge the
# answer to full size, by hand and with the framework.
#
# Plan about 80 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Say what convolution, nonlinearity, batch norm and pooling do, and compute each of
#   them in NumPy.
# - Compute the size of any map, and say which input sizes a network accepts and why.
# - Turn a dense layer into a convolution with the same weights.
# - Compute a receptive field, and say why networks shrink their maps at all.
# - Say what an encoder is for and what a decoder is for.
# - Enlarge a map in five ways: nearest, bed of nails, max-unpooling, bilinear,
#   transposed convolution.
# - Compute a transposed convolution by hand, and say when it leaves a checkerboard.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. A network was trained on pictures of 224 × 224. You hand it one of 227 × 227.
#    Does it stop with an error?
# 2. The end of a classifier reads a map of 3 × 3 × 64 and is a dense layer. It shall
#    run on a picture of any size. How many of its weights must change?
# 3. You stack ten 3 × 3 convolutions, without any pooling. How many pixels wide is
#    the part of the picture that one output pixel sees?
# 4. A transposed convolution with a 3 × 3 kernel of ones and stride 2 gets a map that
#    is 1 everywhere. What does it give?

# %% [markdown]
# ## Get ready
#
# From this lesson on there are two tracks. The text is the same in both; what differs
# is a few cells of PyTorch or Keras.

# %% tags=["torch"]
import time

import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib.patches import Rectangle
from torch import nn
from torch.nn import functional as F

from helpers import figures, where
from helpers.check import exercise
from helpers.classes import GRADED, LYFT
from helpers.masks import resize_image
from helpers.metrics import Confusion
from helpers.pytorch.gradient import input_gradient
from helpers.pytorch.predict import tensor
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets.convolution import convolution
from helpers.widgets.receptive_field import conv, geometry, pool, receptive_field

_ = where.set_threads()

# %% tags=["keras"]
import time

import numpy as np
from IPython.display import Markdown, display
from matplotlib.patches import Rectangle

from helpers import figures, where
from helpers.check import exercise
from helpers.classes import GRADED, LYFT
from helpers.keras.gradient import input_gradient
from helpers.masks import resize_image
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.streets import scenes
from helpers.widgets.convolution import convolution
from helpers.widgets.receptive_field import conv, geometry, pool, receptive_field

_ = where.set_threads()

# %% tags=["keras"]
import keras  # after helpers.keras, which chooses the backend
from keras import layers

# %% [markdown]
# One function hides the difference between the frameworks: it hands images to a network
# and gives what comes out as a NumPy array, N × H × W × C, or N × C where there is no
# height and width.


# %% tags=["torch"]
def answers(network, images, batch=64):
    """Images uint8 N×H×W×3 → what the network says, N×H×W×C or N×C."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for i in range(0, len(images), batch):
            y = network(tensor(images[i : i + batch]))
            parts.append((y.permute(0, 2, 3, 1) if y.ndim == 4 else y).numpy())
    return np.concatenate(parts)


# %% tags=["keras"]
def answers(network, images, batch=64):
    """Images uint8 N×H×W×3 → what the network says, N×H×W×C or N×C."""
    parts = []
    for i in range(0, len(images), batch):
        x = images[i : i + batch] / np.float32(255)
        parts.append(np.asarray(network(x, training=False)))
    return np.concatenate(parts)


# %% [markdown]
# The data: street scenes of 80 drives to learn from, 30 scenes of other drives to be
# judged on. And one helper for small pictures with their numbers written in.


# %%
images, masks = scenes(drives=range(80), frames=(0, 30))
new_images, new_masks = scenes(drives=range(1000, 1030), frames=(0,))
image, truth = new_images[1], new_masks[1]


def numbers(axis, values, title, top=None):
    """A small array as a picture, dark = large, with its numbers."""
    top = top or max(np.abs(values).max(), 1e-9)
    axis.imshow(values, cmap="Blues", vmin=0, vmax=1.6 * top)
    for (row, column), value in np.ndenumerate(values):
        axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=11)
    axis.set(title=title, xticks=[], yticks=[])


figures.grid(
    [image, truth],
    ["a new scene, 96 × 128", "its true mask"],
    alt="Left: a street scene. Right: its true mask, one class for each pixel. At the "
    "end of the lesson a classifier shall give such a mask.",
)

# %% [markdown]
# ## Four layers that classifiers are made of
#
# ### Convolution
#
# A small grid of weights, the **kernel**, slides over the picture. At each place,
# multiply the weights with the pixels under them and add up. The sum is one pixel of
# the output. Step through it: watch the window move and the products add up.

# %%
edge = np.array([[0, 0, 0, 4, 4, 4]] * 6)
upright = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
convolution(
    edge,
    upright,
    alt="A 3 by 3 kernel slides over a 6 by 6 picture that is 0 on the left and 4 on "
    "the right. The output is 12 along the edge and 0 elsewhere.",
)

# %% [markdown]
# This kernel answers where brightness changes from left to right, and is silent where
# nothing changes. It was written by hand. A network *learns* its kernels.
#
# Two more words. **Stride** is the step of the window: with stride 2 it visits every
# second place, and the output is half as large. **Padding** is a rim of zeros, which
# keeps the output from shrinking at the borders. Try both in the controls above.
#
# With several channels the kernel has a slice for each, and all products are added.
# With several kernels there are several output maps. (Mathematicians turn the kernel by
# 180 degrees first, and call what you see here cross-correlation. A network learns its
# kernels, so it makes no difference.) In NumPy:


# %%
def convolve(x, kernel, stride=1):
    """x H×W×in, kernel k×k×in×out → h×w×out, with h = (H − k) // stride + 1."""
    k = len(kernel)
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(0, 1))
    windows = windows[::stride, ::stride]  # h×w×in×k×k
    return np.einsum("hwiab,abio->hwo", windows, kernel)


found = convolve(edge[..., None], upright[..., None, None])[..., 0]
print(found.astype(int))
assert found.shape == (4, 4) and np.array_equal(np.unique(found), [0, 12])
assert convolve(edge[..., None], upright[..., None, None], stride=2).shape == (2, 2, 1)

# %% [markdown]
# ### Batch norm, nonlinearity, pooling
#
# - **Batch norm** shifts and scales each channel to mean 0 and spread 1, over all
#   pixels of the batch. (Two learned numbers for each channel may then undo that.) A
#   trained network takes averages that it noted during training in place of the batch's,
#   so that its answer does not depend on the pictures beside it.
# - The **nonlinearity**, mostly ReLU, replaces negative values by 0. Without it a stack
#   of convolutions would be no more than one large convolution.
# - **Pooling** keeps one value of each 2 × 2 block: the largest (max-pooling) or the
#   mean (average pooling). Height and width halve.


# %%
def batch_norm(x):
    return (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-5)


def relu(x):
    return np.maximum(x, 0)


def max_pool(x):
    height, width = x.shape[0] // 2, x.shape[1] // 2  # an odd row or column is dropped
    blocks = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1)
    return blocks.max((1, 3))


grey = image.mean(-1, keepdims=True) / 255
steps = {"the picture": grey}
steps["convolution"] = convolve(grey, upright[..., None, None])
steps["batch norm"] = batch_norm(steps["convolution"])
steps["ReLU"] = relu(steps["batch norm"])
steps["2×2 max-pooling"] = max_pool(steps["ReLU"])

# %%
figure, axes = figures.canvas(2, 3, height=5.4)
for axis, (name, found) in zip(axes.flat, steps.items(), strict=False):
    axis.imshow(found[..., 0], cmap="gray")
    low, high = found.min(), found.max()
    axis.set_title(f"{name}\n{low:.1f} to {high:.1f}", fontsize=12)
for axis in axes.flat:
    axis.set_axis_off()
figures.show(
    figure,
    alt="One scene after each layer. The convolution leaves upright edges, bright on "
    "one side and dark on the other. Batch norm changes the range only. ReLU blackens "
    "all that was negative. Pooling gives the same picture at half the size.",
)
assert abs(steps["batch norm"].mean()) < 1e-6 and steps["ReLU"].min() == 0
assert steps["2×2 max-pooling"].shape == (47, 63, 1)

# %% [markdown]
# Read the ranges above the pictures. Convolution and batch norm show the same picture;
# only the scale is new. The ReLU keeps one kind of edge, from dark to bright, and drops
# the other. 96 × 128 became 94 × 126 by the convolution and 47 × 63 by the pooling.
#
# Does the framework compute the same? Sixteen random kernels, all four layers:

# %% tags=["torch"]
x = image / 255
kernels = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 16))
weight = torch.tensor(kernels).permute(3, 2, 0, 1)  # PyTorch: out×in×k×k
y = F.conv2d(torch.tensor(x).permute(2, 0, 1)[None], weight)
y = F.max_pool2d(F.relu(F.batch_norm(y, None, None, training=True)), 2)
theirs = y[0].permute(1, 2, 0).numpy()

# %% tags=["keras"]
x = image / 255
kernels = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 16))
y = keras.ops.conv(x[None], kernels)  # Keras: k×k×in×out
y = layers.BatchNormalization(epsilon=1e-5, dtype="float64")(y, training=True)
theirs = np.asarray(layers.MaxPooling2D(2, dtype="float64")(keras.ops.relu(y)))[0]

# %%
ours = max_pool(relu(batch_norm(convolve(x, kernels))))
print(f"{ours.shape}, largest difference {np.abs(ours - theirs).max():.1e}")
assert ours.shape == (47, 63, 16) and np.allclose(ours, theirs, atol=1e-6)

# %% [markdown]
# The same numbers. These four layers, again and again: that is a classifier, up to its
# last part. (Not every one has all four: AlexNet and VGG, which you meet below, are older
# than batch norm.)

# %% [markdown]
# ## A classifier: sizes fall, channels rise
#
# Ours looks at a **patch** of 38 × 38 pixels and says which class fills the 8 × 8
# pixels in its middle. Three stages of convolution, batch norm, ReLU and pooling, then
# two **fully connected** (dense) layers: the first reads all values of the last map
# and makes 64 numbers of them, the second makes 13 scores, one for each class.

# %% tags=["torch"]
torch.manual_seed(0)


def stage(before, after):
    return nn.Sequential(
        nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)
    )


features = nn.Sequential(stage(3, 16), stage(16, 32), stage(32, 64))
head = nn.Sequential(
    nn.Flatten(), nn.Linear(3 * 3 * 64, 64), nn.ReLU(), nn.Linear(64, 13)
)
classifier = nn.Sequential(features, head)


def upto(n):
    """The first n stages."""
    return features[:n]


# %% tags=["keras"]
keras.utils.set_random_seed(0)


def stage(x, after):
    x = layers.Conv2D(after, 3, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.MaxPooling2D(2)(layers.ReLU()(x))


maps = [keras.Input((None, None, 3))]
for after in (16, 32, 64):
    maps.append(stage(maps[-1], after))
features = keras.Model(maps[0], maps[-1])
head = keras.Sequential(
    [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(13)]
)
patch_input = keras.Input((38, 38, 3))
classifier = keras.Model(patch_input, head(features(patch_input)))


def upto(n):
    """The first n stages."""
    return keras.Model(maps[0], maps[n])


# %% [markdown]
# The patches: pad each scene by 15 pixels, mirrored, and move a window of 38 × 38 in
# steps of 8. So the middles of the windows tile the scene: 12 × 16 blocks of 8 × 8.

# %%
SIDE, STEP, RIM = 38, 8, 15


def pad(images, before=RIM, after=RIM):
    rim = (before, after)
    return np.pad(images, ((0, 0), rim, rim, (0, 0)), mode="reflect")


def windows(images):
    """All patches of padded images, N×12×16×38×38×3, as a view."""
    found = np.lib.stride_tricks.sliding_window_view(images, (SIDE, SIDE), axis=(1, 2))
    return np.moveaxis(found[:, ::STEP, ::STEP], 3, -1)


def block_class(masks, block=STEP):
    """The most frequent class of each block, N×H/block×W/block."""
    n, height, width = masks.shape
    rows, columns = height // block, width // block
    blocks = masks.reshape(n, rows, block, columns, block).swapaxes(2, 3)
    blocks = blocks.reshape(n, rows, columns, -1)
    counts = np.stack([(blocks == k).sum(-1) for k in range(13)], -1)
    return counts.argmax(-1)


# %%
patches, labels = windows(pad(images)), block_class(masks)
new_patches, new_labels = windows(pad(new_images)), block_class(new_masks)
assert patches.shape == (160, 12, 16, 38, 38, 3) and labels.shape == (160, 12, 16)

blocks = truth.reshape(12, 8, 16, 8) == new_labels[1][:, None, :, None]
pure = blocks.mean((1, 3))[2:-2, 2:-2]  # how much of each block its class fills
inner_labels = new_labels[1, 2:-2, 2:-2]
kinds = np.argsort(-np.bincount(inner_labels.ravel()))[:4]
shown = []
for k in kinds:
    row, column = np.unravel_index((pure * (inner_labels == k)).argmax(), pure.shape)
    shown.append(new_patches[1, row + 2, column + 2].copy())
    shown[-1][14:24, [14, 23]] = shown[-1][[14, 23], 14:24] = 255  # a white frame
names = [LYFT.names[k] for k in kinds]
figures.grid(
    shown,
    names,
    alt="Four patches of 38 by 38 pixels from one scene. A white frame marks the 8 by "
    f"8 pixels in the middle; the classes that fill them are {', '.join(names)}.",
    columns=4,
)

# %% [markdown]
# Look at the shapes on the way through. The same cell runs one patch through the first
# stage, the first two, and all three.

# %%
patch = new_patches[1, 9, 8][None].copy()
print(f"the patch        {SIDE} × {SIDE} ×  3 = {patch.size:>5,} values")
for n in (1, 2, 3):
    _, height, width, channels = answers(upto(n), patch).shape
    print(
        f"after stage {n}    {height:>2} × {width:>2} × {channels:>2} = "
        f"{height * width * channels:>5,} values"
    )
print(f"after the head   {answers(classifier, patch).shape[1]:>20} scores")
assert answers(features, patch).shape == (1, 3, 3, 64)
assert answers(classifier, patch).shape == (1, 13)

# %% [markdown]
# **Height and width fall, channels rise.** Each pooling keeps one value of four, and each
# stage has more kinds of values than the one before: 16, 32, 64. Less about *where*, more
# about *what*.

# %% [markdown]
# ### How it learns
#
# The kernels begin with random weights. Training repeats one **step** hundreds of times:
#
# 1. Take a **batch** of patches and let the network answer.
# 2. Say in one number how wrong it is: the **loss**. Ours is *cross-entropy*. The
#    **softmax** turns the 13 scores into 13 probabilities (e to the power of each score,
#    divided by their sum). Then a patch costs −log of the probability that its true class
#    got: nothing for sure and right, very much for sure and wrong. (Lesson 07 takes losses
#    apart.)
# 3. Ask for each weight: were it a little larger, would the loss rise or fall, and how
#    fast? That slope is the **gradient**. The framework computes it for all weights at
#    once, backwards through the layers.
# 4. Move each weight a little against its slope. How far, says the **learning rate**.
#    **Adam** is a rule that finds a pace of its own for each weight.
#
# With one weight you can watch it. The answer is w · 2, and 6 is wanted:

# %%
w = 0.0
for step in range(5):
    off = w * 2 - 6
    print(f"step {step}: w = {w:.3f}, loss {off**2:.3f}, slope {2 * off * 2:.2f}")
    w -= 0.1 * (2 * off * 2)  # 0.1 is the learning rate
assert abs(w - 3) < 0.01

p = np.exp([2, 0, 0]) / np.exp([2, 0, 0]).sum()  # softmax of the scores 2, 0, 0
print(f"scores 2, 0, 0 give the probabilities {p.round(3)}")
print(f"loss if class 0 is true {-np.log(p[0]):.2f}, if class 1 {-np.log(p[1]):.2f}")
assert np.allclose(-np.log(p[:2]), [0.2395, 2.2395], atol=1e-4)

# %% [markdown]
# Now the classifier with its many weights: 400 steps of 64 patches, cross-entropy, Adam.
# It takes some seconds.


# %%
def training_batches(seed=0):
    random = np.random.default_rng(seed)
    while True:
        n, row, column = (random.integers(0, size, 64) for size in labels.shape)
        yield patches[n, row, column], labels[n, row, column]


# %% tags=["torch"]
optimizer = torch.optim.Adam(classifier.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=400)
classifier.train()
for _, (some, their_labels) in zip(range(400), training_batches(), strict=False):
    loss = F.cross_entropy(classifier(tensor(some)), torch.from_numpy(their_labels))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

# %% tags=["keras"]
rate = keras.optimizers.schedules.PolynomialDecay(3e-3, 400, end_learning_rate=0)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
classifier.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
pairs = ((some / np.float32(255), true) for some, true in training_batches())
_ = classifier.fit(pairs, steps_per_epoch=400, verbose=0)

# %%
some = new_patches[::3].reshape(-1, SIDE, SIDE, 3)
found, true = answers(classifier, some).argmax(-1), new_labels[::3].ravel()
right = (found == true).mean()
most = np.bincount(labels.ravel()).argmax()
print(f"right on {right:.1%} of {len(true)} new patches")
print(f"always saying '{LYFT.names[most]}' is right on {(true == most).mean():.1%}")

# %% tags=["test"]
assert right > 0.75 and right > (true == most).mean() + 0.2

# %% [markdown]
# A fair classifier. One patch in, one word out. From here on its weights stay as they
# are.

# %% [markdown]
# ### From low-level to high-level features
#
# What do the stages hold? Convolutions slide, so the three stages take a whole scene as
# well as a patch. Look for the map of each stage that is **most like the true mask** of
# one class. Likeness is the correlation r: 1 is equal, 0 has nothing to do with it.


# %%
def most_like(n, k):
    """The map of stage n that is most like the mask of class k, and its correlation."""
    found = answers(upto(n), image[None])[0]
    _, jump, start = geometry([conv(3, padding=0), pool()] * n)[-1]
    rows, columns = (np.arange(side) * jump + start for side in found.shape[:2])
    mask = truth[np.ix_(rows.astype(int), columns.astype(int))] == k
    mask, flat = mask - mask.mean(), found - found.mean((0, 1))
    r = (flat * mask[..., None]).sum((0, 1))
    r /= np.sqrt((flat**2).sum((0, 1)) * (mask**2).sum()) + 1e-9
    return found[..., r.argmax()], r.max()


# %%
figure, axes = figures.canvas(3, 3, height=7.2)
likeness = np.zeros((3, 3))
for (row, column), axis in np.ndenumerate(axes):
    k = LYFT.id(("None", "Vegetation", "Roads")[column])
    found, likeness[row, column] = most_like(row + 1, k)
    axis.imshow(found, cmap="gray")
    title = f"stage {row + 1}, {LYFT.names[k]}: r = {likeness[row, column]:.2f}"
    axis.set_title(title, fontsize=12)
    axis.set_axis_off()
figures.show(
    figure,
    alt="Nine maps: a row for each stage, a column for None (the sky), Vegetation and "
    "Roads. In stage 1 the maps show brightness and edges in 47 by 63 pixels. In stage "
    "3, in 10 by 14 pixels, what is bright is mostly where the class is.",
)

# %% tags=["test"]
assert likeness[2].mean() > likeness[0].mean() + 0.05, likeness

# %% [markdown]
# Stage 1 looks like the picture: edges, colours, brightness. In stage 3 whole areas
# light up, mostly where the class is. That is one scene; make it a number for many.
# Take the values in the middle of each patch after each stage, and let a plain
# **linear** rule guess the class from them. The more the stage has worked out, the
# better so simple a rule does.

# %%
random = np.random.default_rng(0)
n, row, column = (random.integers(0, size, 3000) for size in labels.shape)
learn, learn_labels = patches[n, row, column], labels[n, row, column]
middles = {0: slice(15, 23), 1: slice(7, 11), 2: slice(3, 5), 3: slice(1, 2)}


def middle(n, some):
    """The mean values in the middle of patches after n stages, and a 1."""
    found = answers(upto(n), some) if n else some / 255
    found = found[:, middles[n], middles[n]].mean((1, 2))
    return np.column_stack([found, np.ones(len(found))])


readable = []
for n in range(4):
    rule = np.linalg.lstsq(middle(n, learn), np.eye(13)[learn_labels], rcond=None)[0]
    readable.append(((middle(n, some) @ rule).argmax(-1) == true).mean())
    print(f"after stage {n}: a linear rule is right on {readable[-1]:.1%}")

# %% tags=["test"]
assert readable[0] < readable[1] < readable[3] and readable[2] < readable[3] + 0.02

# %% [markdown]
# Stage 0 is the colour itself. From stage to stage the class becomes easier to read off.
# Each pixel of a late map has looked at a larger part of the picture, and its channels
# say less about light and more about things. That is what people mean by **low-level**
# and **high-level** features.

# %% [markdown]
# ## Fully connected layers destroy space
#
# The last map is 3 × 3 × 64. `Flatten` lays its 576 values in a row, and the dense layer
# gives each its own weight. Rows and columns are gone. For a dense layer there is no
# 'beside', 'above' or 'near'. Here is the proof: shuffle the 576 values, shuffle the
# weights in the same way, and the answer is the same.

# %%
random = np.random.default_rng(0)
values, weights = answers(features, patch).reshape(576), random.normal(size=(576, 64))
order = random.permutation(576)
kept, shuffled = values @ weights, values[order] @ weights[order]
print(f"dense layer, values shuffled: {np.abs(kept - shuffled).max():.1e} difference")
assert np.allclose(kept, shuffled, atol=1e-3)

# %% [markdown]
# So a dense layer would learn just as well from pictures whose pixels somebody has
# shuffled, all in the same way. A convolution would not: its window takes neighbours,
# and in a shuffled picture they have nothing to do with each other.
#
# A convolution **keeps space**. Move the picture, and its maps move along:

# %%
moved = np.roll(image, -STEP, axis=1)  # eight pixels to the left
before, after = answers(features, np.stack([image, moved]))
print(f"one column on: difference {np.abs(before[:, 1:-1] - after[:, :-2]).max():.1e}")
assert before.shape == (10, 14, 64)
assert np.allclose(before[:, 1:-1], after[:, :-2], atol=1e-4)

# %% [markdown]
# Eight pixels in the picture are one pixel in the map. (Move it by fewer than eight, and
# the pools see other blocks: then the maps change a little.)
#
# Dense layers are also where the **weights** are. Count them in VGG-16, a famous
# classifier for 224 × 224 pixels, 13 convolutions and 3 dense layers:

# %%
side, before, vgg = 224, 3, {"convolutions": [0, 0], "dense layers": [0, 0]}
for after, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    for _ in range(repeats):
        vgg["convolutions"][0] += 9 * before * after + after
        vgg["convolutions"][1] += side * side * 9 * before * after
        before = after
    side //= 2
for before, after in ((7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)):
    vgg["dense layers"][0] += before * after + after
    vgg["dense layers"][1] += before * after
for name, (parameters, products) in vgg.items():
    print(f"{name:<13}{parameters:>12,} parameters {products:>15,} multiplications")
total = sum(parameters for parameters, _ in vgg.values())
print(f"the dense layers hold {vgg['dense layers'][0] / total:.0%} of {total:,}")
assert side == 7 and total == 138_357_544
assert 7 * 7 * 512 * 4096 + 4096 == 102_764_544  # the first dense layer alone

# %% [markdown]
# Nine weights out of ten sit in the dense layers, most of them in the first, and they
# do less than one hundredth of the work. And they fix the size of the picture, because
# there is one weight for each value of the last map.

# %% [markdown]
# ## 224 or 227: which sizes fit?
#
# **Predict first.** Take out your answer to question 1. A widespread tutorial says: a
# network trained on 224 × 224 throws an error for 227 × 227, because of its dense
# layers. Is that so?
#
# All sizes follow from one formula. A layer with kernel k, stride s and padding p turns
# the side n into
#
# $$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$$
#
# The brackets mean: round **down**. What is left over is dropped.


# %%
def out_side(side, kernel, stride, padding):
    return (side + 2 * padding - kernel) // stride + 1


def walk(side, layers):
    sides = [side]
    for layer in layers:
        sides.append(out_side(sides[-1], *layer))
    return sides


same, halve, strided = (3, 1, 1), (2, 2, 0), (3, 2, 1)
networks = {
    "VGG: five 2×2 poolings": [same, halve] * 5,
    "five strided 3×3 convolutions": [strided] * 5,
    "AlexNet, without padding at first": [
        (11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), *[same] * 3, (3, 2, 0)
    ],
}
last = {}
for name, network in networks.items():
    last[name] = [walk(side, network)[-1] for side in (224, 227)]
    print(f"{name:<35} 224 → {last[name][0]}, 227 → {last[name][1]}")
assert list(last.values()) == [[7, 7], [7, 8], [5, 6]]

# %% [markdown]
# So it depends on what halves the map.
#
# - **VGG** pools. 227 → 113 → 56 → 28 → 14 → **7**: each pooling drops the odd row, and
#   the dense layer gets its 7 × 7. No error. All sides from 224 to 255 work.
# - **Strided convolutions** with padding round *up*. 227 → 114 → 57 → 29 → 15 → **8**.
#   Here 227 is an error.
# - **AlexNet** was published with 224, but its numbers only work out for **227**: there
#   its dense layers get 6 × 6. With 224 it is 5 × 5, and the layer stops.
#
# What a dense layer needs is not a size of the picture but a size of the **last map**.
# Try it on our own classifier. Which sides does it accept?


# %%
def accepts(side):
    try:
        answers(classifier, np.zeros((1, side, side, 3), np.uint8))
    except Exception:  # what is raised differs between the frameworks
        return False
    return True


ours = [(3, 1, 0), halve] * 3
for side in (37, 38, 45, 46):
    print(f"{side} × {side}: the last map is {walk(side, ours)[-1]} wide")
assert [walk(side, ours)[-1] for side in (37, 38, 45, 46)] == [2, 3, 3, 4]

# %% tags=["torch"]
print({side: accepts(side) for side in (37, 38, 45, 46)})
assert [accepts(side) for side in (37, 38, 45, 46)] == [False, True, True, False]

# %% tags=["keras"]
# Keras compares with the shape that the model was built for, so it is stricter
print({side: accepts(side) for side in (37, 38, 45, 46)})
assert [accepts(side) for side in (37, 38, 46)] == [False, True, False]

# %% [markdown]
# ### Pooling or stride
#
# Both halve a map. A pooling has no weights and rounds down. A **strided convolution**
# learns how to shrink, and costs a quarter of the products of the same convolution with
# stride 1, as it visits a quarter of the places. Some encoders use nothing else
# (MobileNet, lesson 10).

# %%
kernel = random.normal(size=(3, 3, 3, 16))
every, second = convolve(image / 255, kernel), convolve(image / 255, kernel, stride=2)
assert np.allclose(every[::2, ::2], second)  # the same values, three in four left out
print(f"stride 1 {every.shape}, stride 2 {second.shape}")

# %% [markdown]
# ## A dense layer is a convolution
#
# **Predict first** (question 2). The head reads 3 × 3 × 64. How many of its weights must
# change, so that it runs on a scene of any size?
#
# Look at what the first dense layer computes: for each of its 64 outputs, a weighted sum
# of all values of a 3 × 3 × 64 map. A **convolution with a 3 × 3 kernel** computes that
# very sum at every place where its window fits. On a 3 × 3 map it fits once. On a larger
# map it slides.
#
# The second dense layer reads 64 numbers, which is a map of 1 × 1 × 64. It becomes a
# **1 × 1 convolution**. You may read that all dense layers become 1 × 1 convolutions;
# for the first one that is wrong. Its kernel is as large as the map it was trained on:
# in VGG-16 it is 7 × 7.
#
# The weights only change their shape:

# %% tags=["torch"]
first, second = nn.Conv2d(64, 64, kernel_size=3), nn.Conv2d(64, 13, kernel_size=1)
with torch.no_grad():
    # Flatten goes through channels, rows, columns: so do kernels in PyTorch
    first.weight.copy_(head[1].weight.reshape(64, 64, 3, 3))
    first.bias.copy_(head[1].bias)
    second.weight.copy_(head[3].weight.reshape(13, 64, 1, 1))
    second.bias.copy_(head[3].bias)
converted = nn.Sequential(features, first, nn.ReLU(), second)

# %% tags=["keras"]
first, second = layers.Conv2D(64, 3, activation="relu"), layers.Conv2D(13, 1)
converted = keras.Model(features.inputs[0], second(first(features.outputs[0])))
weights, bias = head.layers[1].get_weights()
# Flatten goes through rows, columns, channels: so do kernels in Keras
first.set_weights([weights.reshape(3, 3, 64, 64), bias])
weights, bias = head.layers[2].get_weights()
second.set_weights([weights.reshape(1, 1, 64, 13), bias])

# %% [markdown]
# Is it the same network? On a patch it must give the same 13 scores. On a padded scene
# it must give, at each place, what the classifier says about the patch there.

# %%
on_patch = answers(converted, patch)
assert on_patch.shape == (1, 1, 1, 13)
assert np.allclose(on_patch[0, 0, 0], answers(classifier, patch)[0], atol=1e-3)

start = time.perf_counter()
by_window = answers(classifier, new_patches[1].reshape(-1, SIDE, SIDE, 3))
by_window, slow = by_window.reshape(12, 16, 13), time.perf_counter() - start
start = time.perf_counter()
scores = answers(converted, pad(image[None]))[0]
fast = time.perf_counter() - start

print(f"{scores.shape[0]} × {scores.shape[1]} places, 13 scores each")
print(f"largest difference of a score: {np.abs(scores - by_window).max():.1e}")
print(f"192 windows {1000 * slow:.0f} ms, one pass {1000 * fast:.0f} ms")
assert scores.shape == (12, 16, 13) and np.allclose(scores, by_window, atol=1e-3)

# %% [markdown]
# The answer to question 2 is **none**. The same weights in another shape, and the
# classifier runs on a scene: 12 × 16 answers in one pass. A network without dense layers
# is called **fully convolutional**. It takes any size that is not too small.
#
# The 192 windows give the same numbers, but they overlap, and where they overlap the
# same products are computed again and again. Count how often:


# %%
def products(height, width):
    """The multiplications of the converted classifier on a picture of this size."""
    total = 0
    for before, after, kernel, pooled in (
        (3, 16, 3, 2), (16, 32, 3, 2), (32, 64, 3, 2), (64, 64, 3, 1), (64, 13, 1, 1)
    ):
        height, width = height - kernel + 1, width - kernel + 1
        total += height * width * kernel**2 * before * after
        height, width = height // pooled, width // pooled
    return total


once, windowed = products(126, 158), 192 * products(38, 38)
print(f"one pass {once:,}; 192 windows {windowed:,}")
print(f"{windowed / once:.1f} times as much")
assert 8 < windowed / once < 20

# %% [markdown]
# ## Every pixel gets a word
#
# 12 × 16 answers, each for a block of 8 × 8 pixels. The simplest way to full size:
# repeat each answer 8 times in both directions.
#
# The score is the mean IoU of lesson 03, over the six classes that are large enough to
# be judged at this size (roads, sidewalks, vegetation, buildings, vehicles, road lines).
# The baseline never looks at the picture: it says, for each place, the class that is
# most frequent there.

# %%
all_scores = answers(converted, pad(new_images), batch=8)
coarse = all_scores.argmax(-1).astype(np.uint8)
enlarged = coarse.repeat(STEP, 1).repeat(STEP, 2)

graded = [LYFT.id(name) for name in GRADED]
votes = np.stack([(masks == k).sum(0) for k in range(13)])
prior = np.repeat(votes.argmax(0)[None].astype(np.uint8), len(new_masks), 0)

score = {
    "no model: the usual class of each place": Confusion().add(new_masks, prior),
    "classifier, each answer repeated": Confusion().add(new_masks, enlarged),
}
for name, confusion in score.items():
    print(f"{name:<42} mean IoU {confusion.mean_iou(graded):.3f}")
figures.grid(
    [truth, enlarged[1]],
    ["truth", "the classifier, without new training"],
    alt="Left: the true mask. Right: the answer of the converted classifier in blocks "
    "of 8 by 8 pixels: sky, vegetation, road are where they belong, with stairs for "
    "borders; thin things are missing.",
)

# %% tags=["test"]
repeated = score["classifier, each answer repeated"]
assert repeated.mean_iou(graded) > score[next(iter(score))].mean_iou(graded) + 0.03

# %% [markdown]
# That answers the question at the top: **yes, the weights can do it.** A word for each
# pixel, without any training. It beats the prior, which never looks at the picture.
#
# And you see what is wrong: stairs in place of borders, and nothing thin. Is that the
# fault of this classifier?

# %% [markdown]
# ## What versus where
#
# Ask how well a **perfect** classifier of blocks would do. It always knows the most
# frequent class of a block. Whatever is lost now is lost to the block size alone.
#
# **Predict first.** The networks of the next lesson have maps 32 times smaller than the
# picture. What mean IoU is left for a perfect one?

# %%
blocks, ceilings = [1, 2, 4, 8, 16, 32], []
for block in blocks:
    best = block_class(new_masks, block).astype(np.uint8)
    best = best.repeat(block, 1).repeat(block, 2)
    ceilings.append(Confusion().add(new_masks, best).iou())
ceilings = np.array(ceilings)

chosen = ["Roads", "Vehicles", "Poles", "RoadLines"]
curves = {name: (blocks, ceilings[:, LYFT.id(name)]) for name in chosen}
figures.curves(
    curves,
    alt="IoU of the true classes in blocks, over the side of the blocks from 1 to 32. "
    "All begin at 1. Roads fall slowly, vehicles faster; poles and road lines fall to "
    "almost nothing at 8.",
    xlabel="side of the blocks, in pixels",
    ylabel="IoU of the true classes",
)
for block, row in zip(blocks, ceilings, strict=True):
    print(f"blocks of {block:>2}: mean IoU {row[graded].mean():.3f}")
assert (ceilings[0] == 1).all() and (np.diff(ceilings[:, 7]) < 0).all()
assert 0.55 < ceilings[3][graded].mean() < 0.65 and ceilings[5][graded].mean() < 0.25
assert ceilings[3, LYFT.id("RoadLines")] < 0.2 < 0.7 < ceilings[3, LYFT.id("Roads")]

# %% [markdown]
# With blocks of 8 it is 0.6, with blocks of 32 less than a quarter, and that for an
# answer without a single mistake. No training lifts this ceiling. (A rule that prefers
# thin classes could gain a little on those and would lose on others. And our scenes are
# small: on frames of 600 × 800 a block of 32 is a smaller part, but poles stay thin.)
#
# This is the tension at the heart of segmentation: the paper of lesson 05 calls it one
# between semantics and location. *What* something is shows only from afar: you need a
# large view and coarse maps. *Where* it ends shows only from near: you need fine maps.
# Why does pooling lose the place? Because these four pictures are the same to it:

# %%
corners = np.zeros((4, 4, 4))
for n, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
    corners[n, row, column] = 9
figure, axes = figures.canvas(1, 5, height=2.4)
for n, axis in enumerate(axes[0, :4]):
    numbers(axis, corners[n], f"picture {n + 1}")
pooled = max_pool(corners[3][..., None])[..., 0]
numbers(axes[0, 4], pooled, "pooled: all four", top=9)
figures.show(
    figure,
    alt="Four pictures of 4 by 4 with a single 9 in another place of the first 2 by 2 "
    "block. Max-pooling gives the same 2 by 2 result for all four.",
)
assert all(np.array_equal(max_pool(c[..., None])[..., 0], pooled) for c in corners)

# %% [markdown]
# One pooling forgets which of four places it was. Three poolings forget one of 64. (A
# network can note some of the place in other channels, but it has to spend channels on
# it.) What was forgotten, no later layer can bring back, unless it gets the early maps as
# well. That is the idea of **skip connections**, and lesson 05.

# %% [markdown]
# ## Why shrink at all? A stack of same-size convolutions
#
# If pooling hurts, leave it out: stack convolutions with padding, keep 96 × 128 all the
# way, and end in a 1 × 1 convolution with 13 maps. People tried. It works, and it is
# very expensive, for one reason: how much one pixel sees.
#
# The part of the picture that one output pixel depends on is its **receptive field**.
# Two rules give its side. Let *jump* be how far apart, in the picture, two neighbours
# of the current map lie. At first the field is 1 and the jump is 1. Then, layer by layer:
#
# - the field grows by (k − 1) · jump;
# - the jump is multiplied by the stride.
#
# **Predict first** (question 3): ten 3 × 3 convolutions, no pooling.


# %%
def field(layers):
    """Field and jump after layers given as (kernel, stride)."""
    side, jump = 1, 1
    for kernel, stride in layers:
        side += (kernel - 1) * jump
        jump *= stride
    return side, jump


ten = field([(3, 1)] * 10)
vgg_layers = []
for repeats in (2, 2, 3, 3, 3):
    vgg_layers += [(3, 1)] * repeats + [(2, 2)]
print(f"ten convolutions:    field {ten[0]}, jump {ten[1]}")
print(f"VGG-16 to its end:   field {field(vgg_layers)[0]}, jump {field(vgg_layers)[1]}")
print(f"our classifier:      field {field([(3, 1), (2, 2)] * 3 + [(3, 1)])}")
assert ten == (21, 1) and field(vgg_layers) == (212, 32)
assert field([(3, 1), (2, 2)] * 3 + [(3, 1)]) == (38, 8)

helper = geometry([conv(), pool()] * 3 + [conv()])[-1]  # the package's own
assert helper[:2] == (38, 8)

# %% [markdown]
# Ten convolutions see **21** pixels: two more with each layer. VGG's thirteen see 212,
# because each pooling doubles what the following layers add. (Our classifier sees 38:
# its whole patch, and nothing else.)
#
# How many same-size convolutions would see 212 pixels, and what would they cost at
# 224 × 224 with 64 channels?

# %%
layers_needed = -(-(212 - 1) // 2)  # rounded up
per_layer = 224 * 224 * 9 * 64 * 64
stack = layers_needed * per_layer
kept = layers_needed * 224 * 224 * 64 * 4 / 1e6  # float32, all kept for training
vgg_kept, side = 0, 224
for channels, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    vgg_kept += repeats * side * side * channels * 4 / 1e6
    side //= 2

vgg_products = vgg["convolutions"][1]
print(f"{layers_needed} layers:  {stack / 1e9:.0f} billion products, {kept:.0f} MB")
print(f"VGG-16, 13:   {vgg_products / 1e9:.0f} billion products, {vgg_kept:.0f} MB")
work, memory = stack / vgg_products, kept / vgg_kept
print(f"{work:.0f} times the work, {memory:.0f} times the memory")
assert layers_needed == 106 and stack > 12 * vgg_products and kept > 20 * vgg_kept

# %% [markdown]
# That is the price of never shrinking: for one picture more than ten times the work and
# over a gigabyte of maps, and with 64 channels throughout, where VGG ends with 512.
#
# Now explore it. Point at an output pixel to see its field in the scene. Change layers,
# strides and dilation below it. The first view counts paths; the *effective* one shows
# how strongly the trained classifier really reacts to each pixel.

# %%
ours = [conv(3, padding=0), pool()] * 3 + [conv(3, padding=0)]
pixel = (5, 6)
gradient = input_gradient(converted, image, pixel)
receptive_field(
    ours,
    image=image,
    effective=gradient,
    pixel=pixel,
    alt="A street scene; the 38 by 38 pixels that one output pixel of the classifier "
    "depends on are marked, strongest in the middle.",
)

# %%
rows, columns = np.nonzero(gradient)
box = gradient[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
inner = box[9:-9, 9:-9].sum() / box.sum()
print(f"the gradient is 0 outside {box.shape[0]} × {box.shape[1]} pixels")
print(f"the middle {box.shape[0] - 18} × {box.shape[1] - 18} hold {inner:.0%} of it")
assert max(box.shape) <= 38

# %% tags=["test"]
assert min(box.shape) >= 30 and inner > 20 * 20 / 38**2 + 0.1

# %% [markdown]
# Outside its field the pixel is blind: the gradient is exactly 0. Inside, the middle
# counts more than the rim, for more paths lead there. If all counted alike, the middle
# would hold (20 / 38)², which is 28 %. The field you compute is an upper bound; what a
# network *uses* is smaller.

# %% [markdown]
# ## Encoder and decoder
#
# So both are needed. Shrink, because only coarse maps see far and can be many. Then
# enlarge, because the answer must be as large as the picture.
#
# - The **encoder** goes down. Its job is *what*: meaning and context.
# - The **decoder** goes up. Its job is *where*: back to the places of the picture. Its
#   maps grow, and their channels get fewer again.
#
# Any classifier without its end can be the encoder: AlexNet, VGG, ResNet, or ours. The
# drawing compares the two designs. The height of a box is the height of the maps; its
# width grows with the number of channels.

# %%
designs = {
    "same size all the way": [(96, 64)] * 9,
    "encoder-decoder": [(96, 16), (48, 32), (24, 64), (12, 128), (6, 256)]
    + [(12, 128), (24, 64), (48, 32), (96, 16)],
}
figure, axes = figures.canvas(2, 1, height=5.4)
for axis, (name, boxes) in zip(axes[:, 0], designs.items(), strict=True):
    left = 0
    for height, channels in boxes:
        wide = 6 + channels / 2
        box = (left, -height / 2)
        axis.add_patch(Rectangle(box, wide, height, fc="#c9d8ff", ec="k"))
        label = f"{height}\n×{channels}"
        axis.text(left + wide / 2, -62, label, ha="center", va="top", fontsize=11)
        left += wide + 14
    axis.set(xlim=(-5, 640), ylim=(-110, 52))
    axis.set_title(name, loc="left")
    axis.set_axis_off()
figures.show(
    figure,
    alt="Above: nine equal tall boxes, height 96, 64 channels each. Below: boxes that "
    "get lower and wider down to height 6 with 256 channels, and then taller and "
    "narrower again up to height 96.",
    caption="Height of the maps and number of channels.",
)

# %% [markdown]
# Count both, with one 3 × 3 convolution from each box to the next, at 96 × 128:

# %%
work = {}
for name, boxes in designs.items():
    work[name] = 0
    for (above, before), (below, after) in zip(boxes, boxes[1:], strict=False):
        height = min(above, below)  # pool first, and enlarge last
        work[name] += height * (height * 128 // 96) * 9 * before * after
    print(f"{name:<22}{work[name]:>14,} multiplications")
times = work["same size all the way"] / work["encoder-decoder"]
sees = [field([(3, 1)] * 8)[0], field([(2, 2), (3, 1)] * 4)[0]]
print(f"{times:.0f} times as much; after it one pixel sees {sees[0]} pixels")
print(f"at the bottom of the encoder-decoder one pixel sees {sees[1]}")
assert 15 < times < 50 and sees == [17, 76]

# %% [markdown]
# The encoder-decoder has four times the channels in its middle, sees more than four
# times as far, and costs a thirtieth.
#
# Our converted classifier is an encoder with the simplest decoder of all: repeat each
# value. The rest of the lesson is about better ways up.

# %% [markdown]
# ## Unpooling: four ways without weights
#
# A pooling made one value of four. **Unpooling** makes four of one. What to put into the
# other three places?
#
# - **Nearest**, the partner of average pooling: the value itself, four times. Pool it
#   again, and you are back.
# - **Bed of nails**: the value in the upper left corner, zeros elsewhere.
# - **Max-unpooling**: the value where the maximum *had been*, zeros elsewhere. The
#   pooling has to remember the place for that.
# - **Bilinear**: a mixture of the neighbours, by distance.


# %%
def average_pool(x):
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).mean((1, 3))


def pool_with_places(x):
    """Maxima of the 2×2 blocks, and which of the four places held each: 0 to 3."""
    height, width = x.shape[0] // 2, x.shape[1] // 2
    blocks = x.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(height, width, 4)
    return blocks.max(-1), blocks.argmax(-1)


def max_unpool(values, places):
    height, width = values.shape
    blocks = np.zeros((height, width, 4))
    np.put_along_axis(blocks, places[..., None], values[..., None], -1)
    return blocks.reshape(height, width, 2, 2).swapaxes(1, 2).reshape(2 * height, -1)


def bed_of_nails(values):
    return max_unpool(values, np.zeros(values.shape, int))


def nearest(values, factor=2):
    return values.repeat(factor, 0).repeat(factor, 1)


# %% [markdown]
# A small example with its numbers. Follow the 8: where does it come out in each way?

# %%
small = np.array([[1, 3, 2, 1], [2, 8, 0, 1], [0, 1, 5, 6], [4, 3, 7, 4]])
values, places = pool_with_places(small)
shown = {
    "the map": small,
    "max-pooled": values,
    "nearest": nearest(values),
    "bed of nails": bed_of_nails(values),
    "max-unpooling": max_unpool(values, places),
}
figure, axes = figures.canvas(1, 5, height=2.4)
for axis, (name, found) in zip(axes[0], shown.items(), strict=True):
    numbers(axis, found, name, top=8)
figures.show(
    figure,
    alt="A 4 by 4 map, its maxima 8, 2, 4, 7 in 2 by 2, and three enlargements. "
    "Nearest: each value four times. Bed of nails: each in the upper left of its "
    "block. Max-unpooling: each where it stood in the map, zeros around.",
)
assert values.tolist() == [[8, 2], [4, 7]] and places.tolist() == [[3, 0], [2, 2]]
back = max_unpool(values, places)
assert (back[back > 0] == small[back > 0]).all() and (back > 0).sum() == 4
assert np.array_equal(average_pool(nearest(values)), values)  # pooled again: back

# %% [markdown]
# The 8 stood at the lower right of its block. Only max-unpooling puts it back there:
# it carries two bits of *where* past the small map. A network called SegNet is built on
# that (lesson 10).
#
# The same on a scene in grey, pooled four times as small. How far is each from the
# original?

# %%
grey = image.mean(-1)
once, first_places = pool_with_places(grey)
twice, second_places = pool_with_places(once)
small_grey = average_pool(average_pool(grey)).astype(np.uint8)
bilinear = resize_image(np.repeat(small_grey[..., None], 3, -1), 96, 128)[..., 0]
ways = {
    "original": grey,
    "nearest": nearest(small_grey, 4),
    "bilinear": bilinear,
    "max-pooled, then nearest": nearest(twice, 4),
    "bed of nails": bed_of_nails(bed_of_nails(twice)),
    "max-unpooling": max_unpool(max_unpool(twice, second_places), first_places),
}
off = {name: np.sqrt(((way - grey) ** 2).mean()) for name, way in ways.items()}
figures.grid(
    [way.astype(np.uint8) for way in ways.values()],
    [f"{name}: {off[name]:.0f} off" if off[name] else name for name in ways],
    alt="A scene in grey and five reconstructions from a quarter of its side. Nearest "
    "has blocks, bilinear is soft, both are close. Bed of nails and max-unpooling are "
    "black with bright points.",
    classes=None,
)
assert off["bilinear"] < off["nearest"] < off["max-unpooling"]

# %% [markdown]
# Bilinear comes closest, nearest is next. The two with zeros are hardly pictures at all.
# They are not meant to be: a convolution follows and fills the gaps from the nails
# around. That suggests an idea: put the filling-in and the enlarging into *one* layer,
# and learn it.

# %% [markdown]
# ## Transposed convolution
#
# A convolution **gathers**: it takes a window of the input, multiplies with the kernel,
# and adds up to one output value. A **transposed convolution** does it the other way
# round. It **scatters**: it takes *one* value of the input, multiplies the whole kernel
# with it, and lays the result into the output. The next value's copy of the kernel goes
# `stride` pixels further. Where copies overlap, they are added.
#
# Step through it, with stride 2:

# %%
spread = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
tiny = np.array([[1, 2], [3, 0]])
convolution(
    tiny,
    spread,
    kind="transposed",
    stride=2,
    alt="A transposed convolution of a 2 by 2 map with a 3 by 3 kernel and stride 2: "
    "four copies of the kernel, times 1, 2, 3 and 0, are laid into 5 by 5 pixels and "
    "added where they overlap.",
)

# %% [markdown]
# In NumPy it is three lines. The output side follows from the picture: the last copy
# begins at (n − 1) · stride and is k wide.


# %%
def transposed(x, kernel, stride):
    """x H×W×in, kernel k×k×out×in → ((H−1)·stride + k)×((W−1)·stride + k)×out."""
    k, (height, width) = len(kernel), x.shape[:2]
    shape = ((height - 1) * stride + k, (width - 1) * stride + k, kernel.shape[2])
    out = np.zeros(shape)
    for row, column in np.ndindex(height, width):
        top, left = row * stride, column * stride
        out[top : top + k, left : left + k] += kernel @ x[row, column]
    return out


by_hand = transposed(tiny[..., None], spread[..., None, None], stride=2)[..., 0]
print(by_hand.astype(int))
assert by_hand[0, 2] == 1 * 1 + 2 * 1 and by_hand[2, 2] == 1 + 2 + 3 + 0

# %% [markdown]
# Check two places. Row 0, column 2 gets the corner 1 of the first copy (times 1) and the
# corner 1 of the second (times 2): 3. The middle gets a corner of all four copies:
# 1 + 2 + 3 + 0 = 6.
#
# Does the framework do the same? Three channels in, two out, random numbers:

# %% tags=["torch"]
random = np.random.default_rng(0)
x, kernel = random.normal(size=(5, 6, 3)), random.normal(size=(3, 3, 2, 3))
layer = nn.ConvTranspose2d(3, 2, kernel_size=3, stride=2, bias=False).double()
with torch.no_grad():
    # PyTorch keeps it as in×out×k×k; nothing is mirrored
    layer.weight.copy_(torch.tensor(kernel).permute(3, 2, 0, 1))
    theirs = layer(torch.tensor(x).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()

# %% tags=["keras"]
random = np.random.default_rng(0)
x, kernel = random.normal(size=(5, 6, 3)), random.normal(size=(3, 3, 2, 3))
layer = layers.Conv2DTranspose(2, 3, strides=2, use_bias=False, dtype="float64")
layer.build((None, 5, 6, 3))
layer.set_weights([kernel])  # Keras keeps it as k×k×out×in
theirs = np.asarray(layer(x[None]))[0]

# %%
ours = transposed(x, kernel, stride=2)
print(f"{x.shape} → {ours.shape}, largest difference {np.abs(ours - theirs).max():.1e}")
assert ours.shape == (11, 13, 2) and np.allclose(ours, theirs)

# %% [markdown]
# Equal. Frameworks then offer **padding**, which here means the opposite: it *cuts*
# p pixels off each side. So the side is
#
# $$(n - 1)\,s + k - 2p$$
#
# With k = 2, s = 2, p = 0 it is exactly 2n. With k = 4, s = 2, p = 1 too. With k = 3 it
# never is, and each framework mends that in its own way.

# %% [markdown]
# ### Why 'transposed'
#
# Write the picture as one long row of numbers. A convolution is then a **matrix**: one
# row for each output pixel, with the kernel's weights at the pixels it looks at. A
# transposed convolution is the same matrix, transposed.

# %%
weights = np.arange(1, 10).reshape(3, 3)
matrix = np.zeros((4, 16))  # 3×3 kernel, 4×4 pixels in, 2×2 out
for n, (row, column) in enumerate(np.ndindex(2, 2)):
    window = np.zeros((4, 4))
    window[row : row + 3, column : column + 3] = weights
    matrix[n] = window.ravel()

figure, axes = figures.canvas(height=3)
numbers(axes[0, 0], matrix, "the matrix of a 3 × 3 convolution: 16 pixels in, 4 out")
figures.show(
    figure,
    alt="A matrix of 4 rows and 16 columns. Each row holds the weights 1 to 9 in three "
    "groups of three with zeros between; each row is shifted against the one before.",
)
picture, values = random.normal(size=16), random.normal(size=4)
gathered = convolve(picture.reshape(4, 4, 1), weights[..., None, None])
scattered = transposed(values.reshape(2, 2, 1), weights[..., None, None], stride=1)
assert np.allclose(matrix @ picture, gathered.ravel())
assert np.allclose(matrix.T @ values, scattered.ravel())

# %% [markdown]
# That is where the name comes from, and why another name is wrong. You will often read
# **deconvolution**. In signal processing that word means to *undo* a convolution.
# The transposed one gives back the shape, not the values:

# %%
undone = matrix.T @ (matrix @ picture)
print(f"into 4 values and back to 16: {np.abs(undone - picture).max():.0f} off")
rank = np.linalg.matrix_rank(matrix.T @ matrix)
print(f"the product of the two has rank {rank} of 16")
assert not np.allclose(undone, picture) and rank == 4

# %% [markdown]
# Four numbers cannot hold sixteen. Say 'transposed convolution', and read the other word
# as the same thing.
#
# A third view, which you may meet in explanations: put `stride − 1` **zeros** between the
# values, pad by k − 1, and run an ordinary convolution with the kernel turned by 180
# degrees. The same numbers once more, only with many products by zero:

# %%
stretched = np.zeros((2 * 5 - 1, 2 * 6 - 1, 3))
stretched[::2, ::2] = x  # bed of nails
stretched = np.pad(stretched, ((2, 2), (2, 2), (0, 0)))
turned = kernel[::-1, ::-1].swapaxes(2, 3)
assert np.allclose(convolve(stretched, turned), ours)
print(f"{stretched.shape} → {convolve(stretched, turned).shape}: the same numbers")

# %% [markdown]
# So a transposed convolution *is* a bed of nails, filled in by learned weights.

# %% [markdown]
# ## Overlap and the checkerboard
#
# **Predict first** (question 4). Kernel 3 × 3, stride 2, all weights 1, and a map that is
# 1 everywhere. Each output value then counts how many copies of the kernel reach it.

# %%
flat = np.ones((5, 5, 1))
figure, axes = figures.canvas(1, 4, height=3.2)
reached = {}
for axis, k in zip(axes[0], (2, 3, 4, 5), strict=True):
    found = transposed(flat, np.ones((k, k, 1, 1)), stride=2)[..., 0]
    inside = found[k - 1 : 1 - k, k - 1 : 1 - k]
    reached[k] = np.unique(inside).astype(int).tolist()
    numbers(axis, found[:8, :8], f"{k} × {k}, stride 2", top=9)
    print(f"{k} × {k}: inside, each pixel is written to {reached[k]} times")
figures.show(
    figure,
    alt="How often each output pixel is written to, for kernels of side 2 to 5 and "
    "stride 2. Side 2: once everywhere. Side 3: a checkerboard of 1, 2 and 4. Side 4: "
    "4 times, apart from the border. Side 5: a checkerboard of 4, 6 and 9.",
)
assert reached == {2: [1], 3: [1, 2, 4], 4: [4], 5: [4, 6, 9]}

# %% [markdown]
# A flat map comes out as a **checkerboard** of 1, 2 and 4. Nothing in the input asks for
# it. Training must first learn weights that cancel it, and often some of it stays.
#
# You may read the advice: choose a kernel that does not overlap. That is stricter than
# needed. 4 × 4 with stride 2 overlaps everywhere, and evenly: 4 copies at each pixel. The
# rule is:
#
# > the kernel's side should be **divisible by the stride**.
#
# Even then, *learned* weights may be uneven. A 2 × 2 kernel with four different weights
# repeats its own pattern all over the map:

# %%
uneven = np.array([[1.0, 0.2], [0.6, 0.9]])
own_pattern = transposed(flat, uneven[..., None, None], stride=2)[..., 0]
assert np.array_equal(own_pattern, np.tile(uneven, (5, 5)))
print(own_pattern[:4, :6])

# %% [markdown]
# Nothing forces that pattern, though, and the network can learn it away. If you want to
# be safe: enlarge bilinearly first, and convolve then.

# %% [markdown]
# ## Start as bilinear interpolation
#
# Random weights are a poor start for an up-step. There is a kernel that makes a
# transposed convolution *equal* to bilinear interpolation. Begin with that, and let
# training improve on it.
#
# To enlarge by a factor f (even), take stride f, kernel side k = 2f, and padding f / 2.
# Each value then fades out linearly over its neighbours. Along one axis, the weight at
# place i is
#
# $$1 - \frac{|i - c|}{f}, \qquad c = \frac{k - 1}{2}$$
#
# and the kernel is the product of two such rows.

# %%
for f in (2, 4, 8):
    row = 1 - np.abs(np.arange(2 * f) - (2 * f - 1) / 2) / f
    assert np.allclose(row[:f] + row[f:], 1)  # two neighbours share each pixel fully
    print(f"factor {f}: {np.round(row, 4)}")
kernel = np.outer(row, row)
assert kernel.shape == (16, 16)

# %% [markdown]
# Now enlarge the 12 × 16 scores of the classifier by 8 with it, each class for itself,
# and compare with the framework's own bilinear resize.

# %%
every = kernel[..., None, None] * np.eye(13)  # each class from its own scores only
larger = transposed(scores, every, stride=8)[4:-4, 4:-4]  # padding 4 cuts the rim off
assert larger.shape == (96, 128, 13)

# %% tags=["torch"]
coarse_scores = torch.from_numpy(all_scores).permute(0, 3, 1, 2)
resized = F.interpolate(coarse_scores, scale_factor=8, mode="bilinear")
resized = resized.permute(0, 2, 3, 1).numpy()

# %% tags=["keras"]
enlarge = layers.UpSampling2D(8, interpolation="bilinear")
resized = np.concatenate([enlarge(all_scores[i : i + 8]) for i in range(0, 30, 8)])

# %%
inside = np.abs(larger - resized[1])[4:-4, 4:-4].max()
print(f"largest difference away from the border: {inside:.1e}")
print(f"at the border: {np.abs(larger - resized[1]).max():.1f}")
assert inside < 1e-3 * np.abs(scores).max()

# %% [markdown]
# Inside the same. Along the border of 4 pixels the transposed convolution is too dim: it
# has no neighbours there to add, while the resize repeats the last value.
#
# What did it bring? Three masks and their numbers:

# %%
smooth = resized.argmax(-1).astype(np.uint8)
score["classifier, scores enlarged bilinearly"] = Confusion().add(new_masks, smooth)
for name, confusion in score.items():
    print(f"{name:<42} mean IoU {confusion.mean_iou(graded):.3f}")
perfect = ceilings[3][graded].mean()
print(f"{'the true classes in blocks of 8':<42} mean IoU {perfect:.3f}")
figures.grid(
    [enlarged[1], smooth[1], truth],
    ["repeated", "bilinear", "truth"],
    alt="Three masks of one scene. Repeated: stairs of 8 pixels. Bilinear: the same "
    "areas with smooth, rounded borders. Truth: exact borders and thin things.",
)

# %%
ious = [confusion.mean_iou(graded) for confusion in score.values()]
display(
    Markdown(
        f"Read it out loud. Without any training for it, the classifier labels whole "
        f"scenes with a mean IoU of **{ious[1]:.3f}**, and of **{ious[2]:.3f}** if its "
        f"scores are enlarged bilinearly. A prior that never looks has {ious[0]:.3f}. "
        f"The true classes themselves, in blocks of 8, have {perfect:.3f}."
    )
)

# %% tags=["test"]
assert ious[0] < ious[1] < ious[2] + 0.01

# %% [markdown]
# The stairs are gone. But the borders are round, not right. Enlarging makes the answer *smooth*. It cannot make
# it *know* where the kerb runs: the small map has forgotten that.
#
# ### Another way: shift and stitch
#
# There is a way to get more places out of the classifier: run it 64 times, each time with
# the picture shifted by another 0 to 7 pixels down and right, and weave the 64 answers
# together. (The authors of the FCN weighed this trick against learning to enlarge, and
# left it out.)

# %%
stitched = np.zeros((6, 96, 128), np.uint8)  # six scenes
wide = pad(new_images[:6], before=19, after=18)  # room for shifts up to 7
for down, along in np.ndindex(STEP, STEP):
    part = wide[:, down : down + 126, along : along + 158]
    stitched[:, down::STEP, along::STEP] = answers(converted, part).argmax(-1)

for name, found in {"stitched": stitched, "bilinear": smooth[:6]}.items():
    confusion = Confusion().add(new_masks[:6], found)
    print(f"{name}: mean IoU {confusion.mean_iou(graded):.3f} on six scenes")
agree = (stitched == smooth[:6]).mean()
print(f"the two agree at {agree:.1%} of the pixels")

# %% tags=["test"]
assert agree > 0.7

# %% [markdown]
# 64 times the work for much the same answer. The classifier was never trained to say
# where something *ends*. The next lesson trains the way up together with the way down,
# and hands the early maps across.

# %% [markdown]
# ## The twin
#
# This lesson exists for PyTorch and for Keras. Where do the two agree, and where not?
# Here is one transposed convolution with whole numbers. The result below is written
# out in full and stands in both tracks: if one framework differed, its notebook would
# stop here.

# %%
x = np.array([[1, 2], [3, 4]], float)
kernel = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], float)
both = [[1, 2, 5, 4, 6], [4, 5, 14, 10, 12], [10, 14, 36, 24, 30],
        [12, 15, 34, 20, 24], [21, 24, 55, 32, 36]]  # fmt: skip
ours = transposed(x[..., None], kernel[..., None, None], stride=2)[..., 0]
assert np.array_equal(ours, both)

# %% tags=["torch"]
z = torch.tensor(x)[None, None]
mine = F.conv_transpose2d(z, torch.tensor(kernel)[None, None], stride=2)
assert np.array_equal(mine[0, 0].numpy(), both)
doubled = F.conv_transpose2d(
    z, torch.tensor(kernel)[None, None], stride=2, padding=1, output_padding=1
)
print("to twice the size, padding 1 and output_padding 1:")
print(doubled[0, 0].numpy())
assert np.array_equal(doubled[0, 0].numpy(), np.array(both)[1:, 1:])

# %% tags=["keras"]
z = x[None, :, :, None]
mine = keras.ops.conv_transpose(z, kernel[..., None, None], strides=2)
assert np.array_equal(np.asarray(mine)[0, ..., 0], both)
doubled = keras.ops.conv_transpose(
    z, kernel[..., None, None], strides=2, padding="same"
)
print("to twice the size, padding 'same':")
print(np.asarray(doubled)[0, ..., 0])
assert np.array_equal(np.asarray(doubled)[0, ..., 0], np.array(both)[:-1, :-1])

# %% [markdown]
# The full result is the same in both. The difference is in the cutting: with a 3 × 3 kernel and
# stride 2 the result is 5 × 5, and 4 × 4 is wanted. PyTorch, with padding 1 and
# output_padding 1, drops the **first** row and column. Keras, with `"same"`, drops the
# **last**. If you carry such a layer from one to the other, the picture moves by a
# pixel. Kernels of side 2 or 4 leave nothing to choose: one more reason to take those.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · Every size that fits
#
# A classifier with a dense layer was trained at `side`. Its layers before that are a list
# of (kernel, stride, padding). Write a function that returns **all** sides from 1 to
# `largest`, as a NumPy array in rising order, for which the last map has the same side
# as in training.
#
# <details><summary>Hint 1</summary>
# <code>walk(side, layers)[-1]</code> of the lesson gives the side of the last map.
# </details>
# <details><summary>Hint 2</summary>
# Compute the side that is wanted once, then test every side from 1 to
# <code>largest</code>, both included.
# </details>
#
# The target: the last map of two networks, over the side of the picture. The sides that
# fit are the ones on the same step as 224.

# %%
sides = np.arange(150, 301)
stairs = {
    name: (sides, [walk(side, networks[name])[-1] for side in sides])
    for name in list(networks)[:2]
}
figures.curves(
    stairs,
    alt="Two stairs. With poolings the last map has side 7 for pictures from 224 to "
    "255. With strided convolutions it has side 7 from 193 to 224.",
    xlabel="side of the picture",
    ylabel="side of the last map",
)


# %%
def sides_that_fit(side, layers, largest):
    # BEGIN SOLUTION
    wanted = walk(side, layers)[-1]
    fits = [n for n in range(1, largest + 1) if walk(n, layers)[-1] == wanted]
    return np.array(fits)
    # END SOLUTION


# %% [markdown]
# Check it, on four networks:


# %% jupyter={"source_hidden": true}
def all_sides(side, layers, largest, step=out_side):
    def end(n):
        for layer in layers:
            n = step(n, *layer)
        return n

    return np.array([n for n in range(1, largest + 1) if end(n) == end(side)])


def rounding_up(side, kernel, stride, padding):
    return -(-(side + 2 * padding - kernel) // stride) + 1


def one_sided(side, kernel, stride, padding):
    return (side + padding - kernel) // stride + 1


# %%
exercise(
    sides_that_fit,
    all_sides,
    inputs=[(224, network, 320) for network in networks.values()]
    + [(38, [(3, 1, 0), halve] * 3, 45)],
    mistakes={
        "Sizes are rounded down, not up.": (
            lambda *call: all_sides(*call, step=rounding_up)
        ),
        "Padding is added on both sides: 2 · padding.": (
            lambda *call: all_sides(*call, step=one_sided)
        ),
        "The side `largest` belongs to the range: range(1, largest + 1).": (
            lambda side, layers, largest: all_sides(side, layers, largest - 1)
        ),
        "Only the trained side? Others have the same last map.": (
            lambda side, layers, largest: np.array([side])
        ),
    },
)

# %% [markdown]
# ### Exercise 2 · How deep must it be?
#
# An encoder is made of equal blocks: `convs` convolutions of 3 × 3, then a 2 × 2 pooling
# with stride 2. Write a function that returns how many blocks it takes until one pixel of
# the last map sees **at least** `wanted` pixels.
#
# <details><summary>Hint 1</summary>
# Start with field 1 and jump 1. In a <code>while</code> loop, add one block at a time.
# </details>
# <details><summary>Hint 2</summary>
# A block adds <code>convs * 2 * jump</code>, then the pooling adds
# <code>1 * jump</code>, then the jump doubles.
# </details>
#
# The target: the field after each block, for one, two and three convolutions in a block.

# %%
growth = {}
for convs in (1, 2, 3):
    sees = [field(([(3, 1)] * convs + [(2, 2)]) * n)[0] for n in range(6)]
    growth[f"{convs} in a block"] = (range(6), sees)
growth["no pooling, 3 in a block"] = (range(6), [1 + 6 * n for n in range(6)])
figures.curves(
    growth,
    alt="The receptive field over the number of blocks, 0 to 5. With poolings it about "
    "doubles with each block, up to 94, 156 and 218. Without poolings it rises along a "
    "line to 31.",
    xlabel="blocks",
    ylabel="pixels that one pixel sees",
)
assert growth["2 in a block"][1][5] == 156


# %%
def blocks_needed(wanted, convs):
    # BEGIN SOLUTION
    side, jump, blocks = 1, 1, 0
    while side < wanted:
        side += convs * 2 * jump
        side += jump
        jump *= 2
        blocks += 1
    return blocks
    # END SOLUTION


# %% [markdown]
# Check it:


# %% jupyter={"source_hidden": true}
def count_blocks(wanted, convs, pooling=1, growth=2, strict=False, taps=2):
    side, jump, blocks = 1, 1, 0
    while side < wanted or (strict and side == wanted):
        side += (convs * taps + pooling) * jump
        jump *= growth
        blocks += 1
    return blocks


# %%
exercise(
    blocks_needed,
    count_blocks,
    inputs=[(1, 2), (100, 2), (212, 2), (6, 2), (16, 1), (500, 3), (32, 1)],
    mistakes={
        "After each pooling the jump doubles: later layers add more.": (
            lambda w, c: count_blocks(w, c, growth=1)
        ),
        "The pooling has a kernel of 2: it adds one jump to the field.": (
            lambda w, c: count_blocks(w, c, pooling=0)
        ),
        "'At least' means: stop when the field equals what is wanted.": (
            lambda w, c: count_blocks(w, c, strict=True)
        ),
        "A 3 × 3 kernel adds (3 − 1) · jump, not 3 · jump.": (
            lambda w, c: count_blocks(w, c, taps=3)
        ),
    },
)

# %% [markdown]
# ### Exercise 3 · Who makes a checkerboard?
#
# Along one axis: `side` values go into a transposed convolution with this kernel and this
# stride. Write a function that returns how many copies of the kernel reach each output
# pixel, as an array of (side − 1) · stride + kernel counts. No padding.
#
# <details><summary>Hint 1</summary>
# Begin with zeros. Each input value adds 1 to <code>kernel</code> places in a row.
# </details>
# <details><summary>Hint 2</summary>
# Value n begins at place <code>n * stride</code>. Add with a slice and
# <code>+=</code>.
# </details>
#
# The target: the counts for four layers. The bars should be level away from the ends.

# %%
settings = [(2, 2), (3, 2), (4, 2), (5, 3)]
figure, axes = figures.canvas(1, 4, height=2.8)
for axis, (k, s) in zip(axes[0], settings, strict=True):
    counts = transposed(np.ones((8, 1, 1)), np.ones((k, k, 1, 1)), s)[:, 0, 0]
    axis.bar(range(len(counts)), counts, color="#0036d1")
    axis.set(title=f"kernel {k}, stride {s}", xlabel="output pixel", ylim=(0, 2.4))
figures.show(
    figure,
    alt="Bars for each output pixel. Kernel 2, stride 2: all 1. Kernel 3, stride 2: 1 "
    "and 2 in turn. Kernel 4, stride 2: all 2 apart from the ends. Kernel 5, stride 3: "
    "2, 2, 1 repeated.",
)


# %%
def copies(side, kernel, stride):
    # BEGIN SOLUTION
    counts = np.zeros((side - 1) * stride + kernel, int)
    for n in range(side):
        counts[n * stride : n * stride + kernel] += 1
    return counts
    # END SOLUTION


# %% [markdown]
# Check it:


# %% jupyter={"source_hidden": true}
def laid_down(side, kernel, stride, step=None, once=False, length=None):
    length = (side - 1) * stride + kernel if length is None else length
    counts = np.zeros(length, int)
    for n in range(side):
        start = n * (stride if step is None else step)
        part = slice(start, start + kernel)
        counts[part] = 1 if once else counts[part] + 1
    return counts


# %%
exercise(
    copies,
    laid_down,
    inputs=[(5, 3, 2), (4, 2, 2), (6, 4, 2), (3, 5, 3), (1, 3, 2), (4, 2, 3)],
    mistakes={
        "Value n begins at n · stride, not at n.": (
            lambda n, k, s: laid_down(n, k, s, step=1)
        ),
        "Where copies overlap they add up: use += and not =.": (
            lambda n, k, s: laid_down(n, k, s, once=True)
        ),
        "The output has (side − 1) · stride + kernel pixels.": (
            lambda n, k, s: laid_down(n, k, s, length=n * s)
        ),
    },
)

# %% [markdown]
# ### Exercise 4 · The bilinear kernel for any factor
#
# Write the kernel that makes a transposed convolution with stride `factor` interpolate
# bilinearly, for even **and odd** factors. Its side is 2 · factor − factor % 2. Along one
# axis the weight at place i is 1 − |i − c| / factor, where c is the middle of the kernel.
#
# <details><summary>Hint 1</summary>
# For a side k the middle is (k − 1) / 2: between two places if k is even, on a place if
# k is odd.
# </details>
# <details><summary>Hint 2</summary>
# <code>np.outer(row, row)</code> makes the kernel from one row.
# </details>
#
# The target: the kernels for three factors.

# %%
figure, axes = figures.canvas(1, 3, height=3.4)
for axis, f in zip(axes[0], (2, 3, 8), strict=True):
    k = 2 * f - f % 2
    hat = 1 - np.abs(np.arange(k) - (k - 1) / 2) / f
    axis.imshow(np.outer(hat, hat), cmap="gray", vmin=0, vmax=1)
    axis.set(title=f"factor {f}: {k} × {k}", xticks=[], yticks=[])
figures.show(
    figure,
    alt="Three kernels, bright in the middle and darker to the corners. Factor 2: 4 by "
    "4. Factor 3: 5 by 5, with a brightest pixel in the middle. Factor 8: 16 by 16.",
)


# %%
def bilinear_kernel(factor):
    # BEGIN SOLUTION
    side = 2 * factor - factor % 2
    row = 1 - np.abs(np.arange(side) - (side - 1) / 2) / factor
    return np.outer(row, row)
    # END SOLUTION


# %% [markdown]
# Check it:


# %% jupyter={"source_hidden": true}
def hat_kernel(factor, side=None, centre=None, scale=1.0, product=np.outer):
    side = side or 2 * factor - factor % 2
    centre = (side - 1) / 2 if centre is None else centre
    row = 1 - np.abs(np.arange(side) - centre) / factor
    return scale * product(row, row)


# %%
exercise(
    bilinear_kernel,
    hat_kernel,
    inputs=[(2,), (3,), (4,), (8,), (1,)],
    mistakes={
        "The side is 2 · factor − factor % 2: one less for odd factors.": (
            lambda f: hat_kernel(f, side=2 * f)
        ),
        "The middle of k places is (k − 1) / 2, for they count from 0.": (
            lambda f: hat_kernel(f, centre=f)
        ),
        "Do not scale it to sum 1: its copies overlap and share each pixel.": (
            lambda f: hat_kernel(f, scale=1 / hat_kernel(f).sum())
        ),
        "Multiply the two rows (np.outer), do not take one row alone.": (
            lambda f: hat_kernel(f, product=lambda a, b: a)
        ),
    },
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A dense layer reads a map of 7 × 7 × 512. Which convolution replaces it?",
    {
        "1 × 1": "It would see one place of the map, not all 49.",
        "7 × 7": "As large as the map that it was trained on.",
        "3 × 3": "That was our classifier, whose last map is 3 × 3.",
    },
    answer="7 × 7",
)
quiz(
    "Why do encoders shrink their maps?",
    {
        "To see more of the picture at less cost": (
            "Each halving doubles what later layers add to the field."
        ),
        "To find borders more exactly": "Shrinking loses exactly that.",
        "Because convolutions cannot work on large maps": "They can, at a price.",
    },
    answer="To see more of the picture at less cost",
)

# %%
quiz(
    "Which transposed convolution writes equally often to each pixel inside?",
    {
        "kernel 3, stride 2": "1, 2 and 4 times: a checkerboard.",
        "kernel 4, stride 2": "4 is divisible by 2: four times everywhere.",
        "kernel 5, stride 3": "5 is not divisible by 3.",
    },
    answer="kernel 4, stride 2",
)
quiz(
    "What does max-unpooling know that a bed of nails does not?",
    {
        "All four values of a block": "Three of them are gone for good.",
        "Where in the block the maximum was": "The pooling kept its place.",
        "The class of the block": "Neither knows any class.",
    },
    answer="Where in the block the maximum was",
)

# %%
quiz(
    "A transposed convolution follows a convolution with the same kernel. You get …",
    {
        "the input again": "It is not an inverse, whatever 'deconvolution' suggests.",
        "the shape of the input, with other values": "The matrix is transposed only.",
        "an error": "The shapes fit.",
    },
    answer="the shape of the input, with other values",
)

# %% [markdown]
# ## Pitfalls
#
# - **'Dense layers become 1 × 1 convolutions.'** The first one does not: its kernel is
#   as large as the last map.
# - **The order of `Flatten`.** Channels first in PyTorch, last in Keras. Reshape in the
#   wrong order, and the network runs and answers nonsense. Compare on one patch.
# - **Padding inside the classifier.** With padded convolutions a window sees zeros at its
#   rim where the whole scene has pixels, so windows and one pass differ a little.
# - **'224 only.'** What must fit is the last map. Compute it before you blame the size.
# - **Kernel 3, stride 2 on the way up.** A checkerboard, and half a pixel of shift that
#   differs between frameworks.
# - **Random start for ×8 or ×32.** Start bilinearly, or leave it bilinear.
# - **Enlarging ids.** Enlarge *scores*, then take the argmax. Ids between classes mean
#   nothing (lesson 02).
# - **A computed field taken for what the network uses.** The effective one is smaller.

# %% [markdown]
# ## What to remember
#
# - On the way down sizes fall and channels rise: less *where*, more *what*.
# - A dense layer destroys space and fixes the size. As a convolution with the same
#   weights it does neither, and a classifier labels a whole scene in one pass.
# - Side of the next map: ⌊(n + 2p − k) / s⌋ + 1. On the way up: (n − 1) s + k − 2p.
# - The field grows by (k − 1) · jump, and the jump by the stride. Without shrinking,
#   a large field costs more than ten times the work.
# - A transposed convolution scatters: each value lays down the kernel, copies add up.
#   It is no inverse. Its kernel's side should be divisible by the stride.
# - Answers in blocks have a ceiling, however good the classifier. Enlarging smooths;
#   it does not find borders.
#
# Next: **05 · FCN**. The way up is trained together with the way down, and finer maps are
# led past the coarse ones.

# %% [markdown]
# ## References
#
# - J. Long, E. Shelhamer, T. Darrell: Fully Convolutional Networks for Semantic
#   Segmentation. 2014, CVPR 2015, arXiv:1411.4038.
# - K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image
#   Recognition. 2014, ICLR 2015, arXiv:1409.1556.
# - A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep
#   Convolutional Neural Networks. NIPS 2012.
# - V. Dumoulin, F. Visin: A guide to convolution arithmetic for deep learning. 2016,
#   arXiv:1603.07285.
# - A. Odena, V. Dumoulin, C. Olah: Deconvolution and Checkerboard Artifacts. Distill,
#   2016, doi:10.23915/distill.00003.
# - W. Luo and others: Understanding the Effective Receptive Field in Deep Convolutional
#   Neural Networks. NIPS 2016, arXiv:1701.04128.
# - A. Araujo, W. Norris, J. Sim: Computing Receptive Fields of Convolutional Neural
#   Networks. Distill, 2019, doi:10.23915/distill.00021.
# - V. Badrinarayanan, A. Kendall, R. Cipolla: SegNet. 2015, IEEE TPAMI 2017,
#   arXiv:1511.00561 (max-unpooling).
# - S. Ioffe, C. Szegedy: Batch Normalization. ICML 2015, arXiv:1502.03167.
