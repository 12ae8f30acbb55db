# %% [markdown]
# # 07 · Losses and class imbalance
#
# A network does what its loss pays for, and nothing else. Pay for pixels, and it learns
# the sky and forgets the pedestrian. In this lesson you take the losses of segmentation
# apart, look at the gradient that each one sends to each pixel, and let five of them
# train the same network.
#
# Plan about 75 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Write pixel-wise cross-entropy from logits so that no logit can break it.
# - Say why equal weight for each pixel is unfair to rare classes, and measure it.
# - Write the soft Dice loss and say what each part of it is for.
# - Tell Dice, Jaccard, Tversky, focal and Lovász losses apart, and combine two.
# - Compute class weights from pixel counts by three rules, and a border map.
# - Read a gradient map: where does this loss push?
# - Compare losses fairly, with several seeds, and say when a difference is noise.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. A network gives the true class of one pixel the probability 0.5, and that of
#    another 0.001. How many times as large is the second pixel's loss?
# 2. A sign covers 9 of 6144 pixels. The network misses it completely, all else is
#    perfect. Which loss rises more because of that: cross-entropy or Dice?
# 3. One logit is 1000. What does `exp` make of it? And the loss?
# 4. Same network, same data, same seed: cross-entropy or Dice, which one finds more of
#    the rare classes? Would you bet on it after one run?

# %% [markdown]
# ## Get ready
#
# One cell loads what the lesson needs. The functions after it are the only lines that
# know about the framework: one asks a loss for its value **and its gradient**, one
# trains a small U-Net, one asks it for its logits. Everything else is NumPy.

# %% tags=["torch"]
import json

import numpy as np
import torch
from IPython.display import Markdown, display

from helpers import class_weights, figures, where
from helpers.border_weights import border_weights, parts
from helpers.check import exercise
from helpers.classes import IGNORE, LYFT
from helpers.metrics import Confusion
from helpers.pytorch import losses
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.quiz import quiz
from helpers.streets import scene, scenes

_ = where.set_threads()

# %% tags=["keras"]
import json

import numpy as np
from IPython.display import Markdown, display

from helpers import class_weights, figures, where
from helpers.border_weights import border_weights, parts
from helpers.check import exercise
from helpers.classes import IGNORE, LYFT
from helpers.keras import losses
from helpers.keras.predict import predict_masks
from helpers.keras.train import train
from helpers.keras.unet import unet
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.streets import scene, scenes

_ = where.set_threads()

# %% tags=["keras"]
import keras  # after helpers.keras, which chooses the backend
import tensorflow as tf


# %% tags=["torch"]
def value_and_gradient(loss, logits, masks):
    """A loss of logits N×H×W×C and masks N×H×W, and its gradient, as NumPy arrays."""
    z = torch.tensor(logits).permute(0, 3, 1, 2).requires_grad_()
    value = loss(z, torch.tensor(masks))
    if value is None:
        return None, None  # an exercise that is not done yet
    value.backward()
    return value.item(), z.grad.permute(0, 2, 3, 1).numpy()


def trained(loss, steps, seed=0):
    torch.manual_seed(seed)
    network = unet(13, width=8)
    train(network, images, masks, steps, 8, 0.01, loss, seed, progress=False)
    return network


def logits_of(network, image):
    with torch.inference_mode():
        return network(tensor(image[None])).permute(0, 2, 3, 1).numpy()


# %% tags=["keras"]
def value_and_gradient(loss, logits, masks):
    """A loss of logits N×H×W×C and masks N×H×W, and its gradient, as NumPy arrays."""
    z = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = loss(z, tf.constant(masks))
    if value is None:
        return None, None  # an exercise that is not done yet
    return float(value), tape.gradient(value, z).numpy()


def trained(loss, steps, seed=0):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    network = unet(13, width=8)
    train(network, images, masks, steps, 8, 0.01, loss, seed, progress=False)
    return network


def logits_of(network, image):
    return np.asarray(network(image[None] / np.float32(255), training=False))


# %% [markdown]
# The data: 360 scenes to learn from, 80 of other drives to be judged on. They are only
# 64 × 96 pixels, so that five trainings fit into this lesson.

# %%
images, masks = scenes(range(120), frames=(0, 20, 40), height=64, width=96)
new_images, new_masks = scenes(range(1000, 1040), (0, 20), height=64, width=96)

kinds = np.array([len(np.unique(mask)) for mask in new_masks])
many = kinds >= kinds.max() - 2
chosen = int(np.argmax(new_images.mean((1, 2, 3)) * many))  # the brightest of these
image, truth = new_images[chosen], new_masks[chosen]
figures.grid(
    [image, truth],
    ["a new scene", f"its true mask: {kinds[chosen]} classes"],
    alt="Left: a new street scene that shows many classes. Right: its true mask. Road, "
    "sky and vegetation fill most of it; several classes have a few pixels only.",
)
assert images.shape == (360, 64, 96, 3) and new_masks.shape == (80, 64, 96)

# %% [markdown]
# ## One pixel, two classes: binary cross-entropy
#
# Start with the smallest case. One pixel, one question: road or not? The network answers
# with a probability p for 'road'. What should it pay?
#
# If the pixel *is* road: nothing for p = 1, more the smaller p is, and without limit
# towards p = 0. The logarithm does just that. If it is not road, the same with 1 − p.

# %%
p = np.linspace(0.002, 0.998, 500)
figures.curves(
    {
        "it is road: −log p": (p, -np.log(p)),
        "it is not: −log(1 − p)": (p, -np.log(1 - p)),
    },
    alt="Two curves that mirror each other. The loss of a road pixel falls from above "
    "6 at p near 0 to 0 at p = 1; the loss of any other pixel rises the same way.",
    xlabel="p, the network's probability for 'road'",
    ylabel="loss of the pixel",
)

# %% [markdown]
# Let t be 1 for road and 0 for anything else. Then both curves fit into one formula, the
# **binary cross-entropy**:
#
# $$-\,t \log p - (1 - t) \log (1 - p)$$
#
# One of its two terms is always 0. Many networks with one sigmoid map are trained by it.


# %%
def binary_cross_entropy(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


unsure, wrong = binary_cross_entropy(0.5, 1), binary_cross_entropy(0.001, 1)
print(f"p = 0.5: {unsure:.3f}   p = 0.001: {wrong:.3f}   ratio {wrong / unsure:.1f}")
assert np.isclose(unsure, 0.693, atol=1e-3) and np.isclose(wrong, 6.908, atol=1e-3)

# %% [markdown]
# That was question 1: about **ten times**. 'I don't know' costs 0.693, which is log 2.
# Being sure and wrong is what costs.

# %% [markdown]
# ## Every pixel, every class: pixel-wise cross-entropy
#
# With C classes the network gives C scores at each pixel, the **logits**. The softmax
# turns them into C probabilities that sum to 1:
#
# $$p_c = \frac{e^{z_c}}{\sum_k e^{z_k}}$$
#
# The **one-hot target** t has a 1 at the true class and 0 at all others. Cross-entropy
# goes through the picture *pixel by pixel*, looks along the C channels, and compares:
#
# $$-\sum_c t_c \log p_c = -\log p_\text{true class}$$
#
# The sum has one term that is not 0. The mean over all pixels is the loss.


# %%
def softmax(z):
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def one_hot(mask, classes):
    return (mask[..., None] == np.arange(classes)).astype(float)


def cross_entropy(z, mask):
    p, t = softmax(z), one_hot(mask, z.shape[-1])
    return -(t * np.log(p)).sum(-1).mean()


z = np.array([[[2.0, 0.0, 0.0], [0.0, 3.0, 1.0]]])  # 1×2 pixels, 3 classes
mask = np.array([[0, 2]])
for n in range(2):
    print(f"pixel {n}: p {softmax(z)[0, n].round(3)}, t {one_hot(mask, 3)[0, n]}")
print(f"cross-entropy {cross_entropy(z, mask):.4f}")
assert np.isclose(cross_entropy(z, mask), (0.2395 + 2.1698) / 2, atol=1e-4)

# %% [markdown]
# Pixel 0 is right and pays 0.24. Pixel 1 is of class 2, and the network prefers class 1:
# it pays 2.17. The mean is 1.20.
#
# Now real logits. Train a small U-Net for 150 steps, so that it knows something, but not
# much. Its logits for the scene above will serve in the whole lesson.

# %%
half_trained = trained(losses.cross_entropy, steps=150)
z = logits_of(half_trained, image)
ours = cross_entropy(z[0].astype(float), truth)
theirs, gradient = value_and_gradient(losses.cross_entropy, z, truth[None])
print(f"in NumPy {ours:.6f}, helpers' loss {theirs:.6f}")
assert z.shape == gradient.shape == (1, 64, 96, 13)
assert np.isclose(ours, theirs, rtol=1e-4)

# %% [markdown]
# The same number. Before the mean is taken, the loss is a picture: one number for each
# pixel. Where is it high?

# %%
per_pixel = -np.log((softmax(z[0].astype(float)) * one_hot(truth, 13)).sum(-1))
answer = z[0].argmax(-1).astype(np.uint8)


def map_of(axis, values, title):
    """A map in grey, dark = much, with the largest value in the title."""
    axis.imshow(values, cmap="gray_r", vmin=0, vmax=max(values.max(), 1e-12))
    axis.set(title=title, xticks=[], yticks=[])


figure, axes = figures.canvas(1, 3, height=3.1)
figures.draw_mask(axes[0, 0], truth)
figures.draw_mask(axes[0, 1], answer)
for axis, title in zip(axes[0], ("truth", "answer"), strict=False):
    axis.set(title=title, xticks=[], yticks=[])
map_of(axes[0, 2], per_pixel, f"loss of each pixel, up to {per_pixel.max():.1f}")
figures.show(
    figure,
    alt="Left: the true mask. Middle: the answer after 150 steps, large areas only. "
    "Right: the loss of each pixel: pale inside the large areas, dark along their "
    "borders and on everything that the network misses.",
)

# %% [markdown]
# ## Equal weight for each pixel
#
# The mean treats all pixels alike. That sounds fair. But classes are not equally large.
# Count the pixels of each class in the training scenes:

# %%
counts = class_weights.count(masks)  # one row for each mask, one column for each class
share = counts.sum(0) / counts.sum()
rare = share < 0.03
figures.class_bars(
    {"share": share},
    alt="A bar for each class: its share of the training pixels. None, vegetation and "
    "roads have most; pedestrians and signs are below one in a thousand.",
    label="share of the pixels in 360 scenes",
)
names = [LYFT.names[k] for k in np.flatnonzero(rare)]
print(f"rare, below 3 % each: {', '.join(names)}")
print(f"{rare.sum()} of 13 classes, {share[rare].sum():.1%} of the pixels")
assert 5 <= rare.sum() <= 9 and share[rare].sum() < 0.15

# %% [markdown]
# From here on these classes are called **rare**, and the others common. They are many,
# they have few pixels, and among them is what a driver must not hit.
#
# A network that never says 'pedestrian' loses next to nothing. Watch it: draw one square
# object on an empty picture, and make it smaller and smaller. One network finds it
# (p = 0.9 inside), another misses it (p = 0.0001 everywhere). How much better, says the
# loss, is the first?
#
# **Predict first** (question 2). Sketch two curves over the size of the object, one for
# cross-entropy and one for Dice.

# %%
sides = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48])


def gap(loss, side):
    """How much worse a missed square is than a found one."""
    mask = np.zeros((1, 64, 96), np.uint8)
    mask[:, :side, :side] = 1
    values = []
    for inside in (0.9, 0.0001):
        p = np.where(mask == 1, inside, 0.0001)
        logits = np.log(np.stack([1 - p, p], -1)).astype(np.float32)
        values.append(value_and_gradient(loss, logits, mask)[0])
    return values[1] - values[0]


gaps = {
    "cross-entropy": [gap(losses.cross_entropy, side) for side in sides],
    "soft Dice": [gap(losses.soft_dice, side) for side in sides],
    "Lovász": [gap(losses.lovasz_softmax, side) for side in sides],
}

# %%
figure, axes = figures.canvas(height=4.4)
for (name, values), dash in zip(gaps.items(), ("-", "--", ":"), strict=True):
    axes[0, 0].loglog(sides**2, values, dash, linewidth=2.2, label=name)
axes[0, 0].set(
    xlabel="pixels of the object, of 6144", ylabel="loss if missed − loss if found"
)
axes[0, 0].grid(alpha=0.3)
axes[0, 0].legend()
figures.show(
    figure,
    alt="Both axes logarithmic. Cross-entropy is a straight line that falls to about a "
    "thousandth for one pixel. Dice and Lovász stay between 0.3 and 0.7 whatever the "
    "size of the object.",
)
drop = gaps["cross-entropy"][2] / gaps["cross-entropy"][-1]
print(f"9 pixels against 2304: cross-entropy pays {drop:.4f} as much for finding it,")
print(f"Dice {gaps['soft Dice'][2] / gaps['soft Dice'][-1]:.2f} as much")
assert np.isclose(drop, 9 / 2304, rtol=0.05)
assert 0.3 < min(gaps["soft Dice"]) and max(gaps["soft Dice"]) < 0.7

# %% [markdown]
# That is question 2. What cross-entropy pays is **proportional to the number of pixels**.
# For nine pixels it pays about 256 times less than for 2304. Dice pays much the same for
# both. The rest of this lesson is about three ways out:
#
# 1. measure **overlap** of each class in place of pixels: Dice and its family;
# 2. **weigh** the pixels: by class, by difficulty (focal), by place (border map);
# 3. do **both**.

# %% [markdown]
# ## Dice, by multiplying two pictures
#
# In lesson 03 you met Dice as a measure of two masks: twice the pixels that both have,
# divided by the pixels of the one plus those of the other.
#
# $$\text{Dice} = \frac{2\,|A \cap B|}{|A| + |B|}$$
#
# A network gives probabilities, not a mask. So multiply **element by element**. Where the
# target t is 0, the product is 0. Where it is 1, the probability stays. The sum of the
# product takes the place of |A ∩ B|.

# %%
t = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], float)
p = np.array(
    [[0, 0.1, 0, 0], [0.1, 0.9, 0.7, 0.2], [0, 0.8, 0.4, 0.1], [0, 0, 0.3, 0]], float
)
figure, axes = figures.canvas(1, 3, height=3.4)
shown = {"p: prediction": p, "t: target": t, "p · t: the product": p * t}
for axis, (name, values) in zip(axes[0], shown.items(), strict=True):
    map_of(axis, values, f"{name}, sum {values.sum():.1f}")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if value > 0.5 else "black"
        axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink)
figures.show(
    figure,
    alt="Three 4 by 4 pictures with their numbers. The prediction sums to 3.6, the "
    "target to 4.0. Their product is 0 outside the target and sums to 2.8.",
)
dice = 2 * (p * t).sum() / (p.sum() + t.sum())
print(f"Dice 2 · {(p * t).sum():.1f} / ({p.sum():.1f} + {t.sum():.1f}) = {dice:.4f}")
print(f"loss 1 − Dice = {1 - dice:.4f}")
assert np.isclose(dice, 2 * 2.8 / 7.6)

# %% [markdown]
# Three remarks.
#
# - The loss is **1 − Dice**, because training makes losses small.
# - It is called **soft**, because probabilities go in as they are. Cut them at 0.5 first,
#   and the loss becomes a staircase: flat nearly everywhere, no gradient, no learning.
# - The denominator **normalises**. It holds the size of the prediction and of the target,
#   so a class of ten pixels and a class of ten thousand have the same say.
#
# And the 2? For a perfect answer p = t the product sums to |t| and the denominator to
# 2 |t|. With the 2, perfect is 1. (V-Net, the network that made this loss known in 2016,
# has squares in the denominator: the sum of p² plus the sum of t². You will meet both.)
#
# For several classes: one Dice per class, then the mean over the classes that are
# present. (A class that is absent has 0 / small. Other libraries add a small number above
# and below in place of leaving it out. Always look up which one you have.)


# %%
def soft_dice(z, masks):
    p, t = softmax(z), one_hot(masks, z.shape[-1])
    overlap, size = (p * t).sum((0, 1, 2)), (p + t).sum((0, 1, 2))
    present = t.sum((0, 1, 2)) > 0
    return 1 - (2 * overlap / size)[present].mean()


ours = soft_dice(z.astype(float), truth[None])
theirs, _ = value_and_gradient(losses.soft_dice, z, truth[None])
print(f"in NumPy {ours:.6f}, helpers' loss {theirs:.6f}")
assert np.isclose(ours, theirs, rtol=1e-4)

# %% [markdown]
# Far from 0, and 1 would be the worst there is: for a network that has most pixels right.
# Dice asks each class in turn, and this network knows only a few of them.

# %% [markdown]
# ### The family: Jaccard, Tversky, Lovász
#
# Count softly what is right and wrong for one class:
#
# $$TP = \sum p\,t \qquad FP = \sum p\,(1 - t) \qquad FN = \sum (1 - p)\,t$$
#
# Then one formula makes three losses, the **Tversky** loss (Salehi and others, 2017):
#
# $$1 - \frac{TP}{TP + \alpha\,FP + \beta\,FN}$$
#
# - α = β = ½ is soft **Dice**.
# - α = β = 1 is soft **Jaccard**, that is, 1 − IoU.
# - β > α makes a missed pixel cost more than a false alarm. The authors took α = 0.3 and
#   β = 0.7, to find small lesions in the brain.
#
# **Focal Tversky** (Abraham and Khan, 2018) raises the loss of each class to the power
# ¾. **Generalised Dice** (Sudre and others, 2017) adds up all classes into one Dice and
# weighs each by 1 / size².

# %%
for name, loss in {
    "soft Dice": losses.soft_dice,
    "Tversky ½, ½": lambda z, m: losses.tversky(z, m, 0.5, 0.5),
    "Jaccard": losses.jaccard,
    "Tversky 1, 1": lambda z, m: losses.tversky(z, m, 1, 1),
    "Tversky 0.3, 0.7": losses.tversky,
    "focal Tversky": losses.focal_tversky,
    "generalised Dice": losses.generalised_dice,
    "Lovász": losses.lovasz_softmax,
}.items():
    print(f"{name:<18}{value_and_gradient(loss, z, truth[None])[0]:.4f}")

# %% [markdown]
# Rows one and two agree, and so do three and four. Generalised Dice is nearly 1 here: by
# 1 / size² the smallest class, a few pixels, outweighs all others together.
#
# What does α against β do? Take a target of 20 × 20 pixels and answers that are a bit
# too small or too large. Which one is best is clear, the right size. But what do you pay
# to the left and to the right of it?

# %%
edges = np.arange(12, 29)
square = np.zeros((1, 64, 96), np.uint8)
square[:, :20, :20] = 1
tilts = {}
for alpha, beta in ((0.5, 0.5), (0.3, 0.7), (0.1, 0.9)):
    values = []
    for edge in edges:
        logits = np.zeros((1, 64, 96, 2), np.float32)
        logits[..., 0] = 20
        logits[:, :edge, :edge] = 0, 20
        loss = lambda z, m, a=alpha, b=beta: losses.tversky(z, m, a, b)  # noqa: E731
        values.append(value_and_gradient(loss, logits, square)[0])
    tilts[f"α = {alpha}, β = {beta}"] = edges, values
figures.curves(
    tilts,
    alt="Three curves with their minimum, 0, at side 20. The larger beta is against "
    "alpha, the steeper the left side, too small, and the flatter the right side.",
    xlabel="side of the predicted square; the true one has 20",
    ylabel="Tversky loss",
)

# %% [markdown]
# With β = 0.9 an answer that is too large costs little, one that is too small costs
# much. A network in doubt will then rather say 'lesion'. Its recall rises and its
# precision falls. That is a choice about *mistakes*, not a better loss.
#
# The **Lovász-softmax** loss (Berman and others, 2018) comes from another side. IoU is
# defined for masks only, for the corners where every error is 0 or 1. There is one best
# way to fill the space between the corners: straight where possible, and bent so that
# the whole is convex. In practice: sort the errors from large to small, and weigh each
# by what 1 − IoU grows by when that pixel, too, goes wrong. Check the corners:

# %%
random = np.random.default_rng(0)
guess = np.where(random.random(truth.shape) < 0.3, np.roll(truth, 9, 1), truth)
certain = np.where(one_hot(guess, 13)[None] == 1, 100, 0).astype(np.float32)
iou = Confusion().add(truth, guess).iou()[np.unique(truth)]

lovasz, _ = value_and_gradient(losses.lovasz_softmax, certain, truth[None])
print(f"1 − mean IoU of a certain answer {1 - iou.mean():.6f}, Lovász {lovasz:.6f}")
assert np.isclose(lovasz, 1 - iou.mean(), atol=1e-5)

# %% [markdown]
# For certain answers the Lovász loss *is* 1 − mean IoU, the number you are judged by.
# So is soft Jaccard. They differ in between, where a network lives while it learns.

# %% [markdown]
# ## Weigh the classes
#
# The second way out keeps cross-entropy, and lets rare pixels count more:
#
# $$\frac{\sum_i w_{y_i} \cdot (-\log p_{y_i})}{\sum_i w_{y_i}}$$
#
# Dividing by the sum of the weights keeps the loss in its usual range, so only their
# ratios matter. Where do the weights come from? From counts. Three rules are common:
#
# | rule | weight of class c |
# |---|---|
# | inverse frequency | 1 / share of c |
# | median frequency (Eigen and Fergus, 2015) | median of all frequencies / frequency of c; counted in those images that show c |
# | effective number (Cui and others, 2019) | (1 − β) / (1 − βⁿ) for n pixels |
#
# The third says: a thousand more pixels of sky tell you little, because they look like
# those before. βⁿ is how much news is left.

# %%
rules = {
    "inverse frequency": class_weights.inverse_frequency(counts),
    "median frequency": class_weights.median_frequency(counts),
    "effective number": class_weights.effective_number(counts),
}
order = np.argsort(share)
total = counts.sum(0) * rules["inverse frequency"]
assert np.allclose(total, total[0])  # every class adds up to the same

# %%
figure, axes = figures.canvas(height=4.2)
for (name, values), mark, size in zip(rules.items(), "osx", (13, 7, 8), strict=True):
    look = dict(markersize=size, markeredgewidth=2, markerfacecolor="none")
    axes[0, 0].plot(values[order] / values[0], mark, label=name, **look)
axes[0, 0].set_yscale("log")
labels = [f"{LYFT.names[k]}\n{share[k]:.2%}" for k in order]
axes[0, 0].set_xticks(range(13), labels, rotation=60, fontsize=10)
axes[0, 0].set_ylabel("weight, None = 1")
axes[0, 0].grid(alpha=0.3)
axes[0, 0].legend()
figures.show(
    figure,
    alt="The weight of each class by three rules, rarest class first, logarithmic. "
    "Inverse frequency spans the widest range, effective number the narrowest. Where "
    "each image shows a class, inverse and median frequency are the same.",
)
weights = rules["median frequency"]
top = int(np.argmax(weights))
ratio = weights[top] / weights[0]
print(f"median frequency: {LYFT.names[top]} weighs {ratio:.0f} times as much as None")

# %% [markdown]
# The first two rules differ only for classes that some images do not show. All three give
# large ratios. A weight of 100 says: I would rather have 99 false alarms than
# one missed pixel. Expect many false alarms, then. A common softer choice is the square
# root of the weights.

# %% [markdown]
# ## Weigh the difficult pixels: focal loss
#
# Most pixels are easy. The network is right about them and sure of it, each pays next to
# nothing, but there are so many of them. Lin and others (2017) turn them down by how
# sure the network already is:
#
# $$-(1 - p)^\gamma \log p$$
#
# With γ = 0 it is cross-entropy. They took γ = 2. (Their network had a sigmoid for each
# class, and they weighed the classes besides. Here a softmax, and no weights.)

# %%
p = np.linspace(0.01, 0.999, 400)
figures.curves(
    {f"γ = {g}": (p, -((1 - p) ** g) * np.log(p)) for g in (0, 1, 2, 5)},
    alt="Four curves, all infinite at p = 0 and 0 at p = 1. The larger gamma, the "
    "earlier the curve comes close to zero.",
    xlabel="p of the true class",
    ylabel="loss of the pixel",
)
sure = 0.9
factor = (1 - sure) ** 2
print(f"a pixel with p = {sure} counts {factor:.2f} as much as in cross-entropy")
assert np.isclose(factor, 0.01)

# %%
p_true = np.sort((softmax(z[0].astype(float)) * one_hot(truth, 13)).sum(-1).ravel())
easiest = slice(p_true.size // 2, None)  # the half of the pixels with the largest p
for gamma in (0, 2):
    pays = -((1 - p_true) ** gamma) * np.log(p_true)
    part = pays[easiest].sum() / pays.sum()
    print(f"γ = {gamma}: the easy half of the pixels pays {part:.1%} of the loss")
assert part < 0.1

# %% [markdown]
# Focal loss knows nothing about classes. It finds the rare ones because they are
# *difficult*. It also finds pixels whose label is simply wrong: those stay difficult for
# ever.

# %% [markdown]
# ## Weigh the places: the border map of the first U-Net
#
# The U-Net of 2015 had to separate cells that touch. The background between two of them
# is a line one pixel wide, a few pixels among many. So its authors computed a map of
# weights for each mask, and multiplied the cross-entropy of each pixel by it:
#
# $$w = w_c + w_0 \cdot \exp\left(-\frac{(d_1 + d_2)^2}{2\sigma^2}\right)$$
#
# d₁ and d₂ are a pixel's distances to the nearest and to the second nearest object.
# Both are small only in a narrow gap. They took w₀ = 10 and σ = 5 pixels.
#
# Cells come with numbers. In a semantic mask you have to say what an **object** is.
# Here: a part of vehicles or pedestrians that hangs together.

# %%
with_objects = [LYFT.id("Vehicles"), LYFT.id("Pedestrians")]
crowd = [scene(drive, 0, height=192, width=256)[1][:158] for drive in range(1000, 1024)]
numbered = [parts(mask, with_objects) for mask in crowd]
maps = [border_weights(objects, w0=10, sigma=5) for objects in numbered]
few = [objects.max() <= 8 for objects in numbered]  # leaves can cut a car into specks
gaps_in = [(weight > 2).sum() * ok for weight, ok in zip(maps, few, strict=True)]
shown = int(np.argmax(gaps_in))

figure, axes = figures.canvas(1, 2, height=3.6)
figures.draw_mask(axes[0, 0], crowd[shown])
title = f"the mask: {numbered[shown].max()} objects"
axes[0, 0].set(title=title, xticks=[], yticks=[])
map_of(axes[0, 1], maps[shown] - 1, f"the border map, up to {maps[shown].max():.1f}")
axes[0, 1].contour(numbered[shown] > 0, [0.5], colors="#0036d1", linewidths=1)
figures.show(
    figure,
    alt="Left: a mask with vehicles and pedestrians. Right: the border map, dark "
    "in the narrow gaps between two objects, which are outlined; it is white inside "
    "them and far from them.",
)
assert maps[shown].min() == 1 and 3 < maps[shown].max() < 11

# %% [markdown]
# Check the formula at one pixel of your own: a gap of three pixels between two squares.

# %%
two = np.zeros((20, 23), int)
two[5:15, 2:10], two[5:15, 13:21] = 1, 2  # columns 10, 11 and 12 are the gap
weight = border_weights(two)
by_hand = 1 + 10 * np.exp(-((2 + 2) ** 2) / (2 * 5**2))  # 2 pixels to either side
print(f"in the middle of the gap {weight[10, 11]:.4f}, by hand {by_hand:.4f}")
assert np.isclose(weight[10, 11], by_hand) and weight[10, 5] == 1

# %% [markdown]
# `cross_entropy(logits, masks, pixel_weights=map)` takes it. For streets it is of little
# use, as touching cars may merge there. If you count cells, two that merge are one too few.

# %% [markdown]
# ## Pixels that nobody labelled
#
# Real masks have pixels of id 255, 'ignore': unlabelled, or too doubtful. They must not
# push anything. A loss that honours them leaves them out of the sum **and** out of the
# number it divides by.

# %%
partly = truth.copy()
partly[:, :48] = IGNORE
value, gradient = value_and_gradient(losses.cross_entropy, z, partly[None])
right = z[:, :, 48:], truth[None, :, 48:]
right_half, _ = value_and_gradient(losses.cross_entropy, *right)
unlabelled = np.full_like(truth, IGNORE)[None]
nothing, still = value_and_gradient(losses.cross_entropy, z, unlabelled)
print(f"left half ignored: {value:.6f}; the right half alone: {right_half:.6f}")
print(f"all ignored: {nothing}")
assert np.isclose(value, right_half, rtol=1e-5) and (gradient[:, :, :48] == 0).all()
assert nothing == 0 and (still == 0).all()

# %% [markdown]
# If nothing is labelled, the loss is 0, and so is the gradient. Don't take that for
# granted: some built-in losses divide 0 by 0 here, and one such batch turns every weight
# of your network into `nan`.

# %% [markdown]
# ## Logits, and how a right formula breaks
#
# Our `softmax` above is the textbook formula. **Predict first** (question 3): what does
# it make of a logit of 1000?

# %%
with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
    print("exp(1000) =", np.exp(np.float32(1000)))
    broken = softmax(np.array([1000, 0, 0], np.float32))
    print("softmax of 1000, 0, 0:", broken)
    underflow = -np.log(softmax(np.array([-200, 0, 0], np.float32))[0])
    print("loss of a true class with logit −200:", underflow)
    for kind in (np.float32, np.float16):
        largest = np.floor(np.log(np.finfo(kind).max))
        print(f"{kind.__name__}: exp overflows beyond {largest:.0f}")
assert np.isnan(broken[0]) and np.isinf(underflow)

# %% [markdown]
# Infinity divided by infinity is `nan`. And where p underflows to 0, the logarithm gives
# an infinite loss. In 16-bit floats, a logit of 12 is enough. The formula is right; the
# *order* of its steps is wrong. Put the two steps together:
#
# $$\log p_c = z_c - \max z - \log \sum_k e^{z_k - \max z}$$
#
# Subtracting the maximum changes nothing, since it cancels. But now the largest
# exponent is 0, and no exponential can overflow. At least one term is 1, and so no
# logarithm gets a 0. This is why losses want **logits**, not probabilities.


# %%
def log_softmax(z):
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


print("log p of 1000, 0, 0:", log_softmax(np.array([1000, 0, 0], np.float32)))
print("loss at logit −200:", -log_softmax(np.array([-200, 0, 0], np.float32))[0])

extreme = np.where(one_hot(truth, 13)[None] == 1, -1e4, 1e4).astype(np.float32)
for name in ("cross_entropy", "focal", "soft_dice", "lovasz_softmax"):
    value, gradient = value_and_gradient(getattr(losses, name), extreme, truth[None])
    print(f"{name:<16} at logits of ±10,000, all wrong: {value:.2f}")
    assert np.isfinite(value) and np.isfinite(gradient).all()

# %% [markdown]
# For **one sigmoid map** and its binary cross-entropy the same trick reads
#
# $$\max(z, 0) - z\,t + \log\left(1 + e^{-|z|}\right)$$

# %%
one_map = np.array([-10_000, -3, 0, 3, 10_000], float)
for t in (0, 1):
    safe = np.maximum(one_map, 0) - one_map * t + np.log1p(np.exp(-np.abs(one_map)))
    p = 1 / (1 + np.exp(-one_map[1:4]))  # the textbook's way, for harmless logits
    assert np.isfinite(safe).all()
    assert np.allclose(safe[1:4], binary_cross_entropy(p, t))
    print(f"t = {t}: " + "  ".join(f"{value:.3f}" for value in safe))

# %% [markdown]
# ### Softmax twice
#
# Now the most common mistake of all. Your network ends in a softmax, *and* your loss
# takes logits, so it applies another one. Nothing breaks. Nothing warns. The best that
# such a network can do: put 1 on the true class and 0 on the other 12.

# %%
best = np.zeros(13)
best[0] = 1  # a perfect answer, in probabilities
floor = -np.log(softmax(best)[0])
print(f"the loss of a perfect answer: {floor:.4f}")
assert np.isclose(floor, np.log(np.e + 12) - 1) and np.isclose(floor, 1.689, atol=1e-3)

# %% [markdown]
# With 13 classes the loss can never go below 1.69. If yours sticks there, look for the
# second softmax.

# %% [markdown]
# ## Where does each loss push?
#
# Training never sees the loss, only its **gradient** with respect to the logits. For
# cross-entropy it is beautifully simple: at each pixel, prediction minus target, divided
# by the number of pixels.
#
# $$\frac{\partial}{\partial z_c} = \frac{p_c - t_c}{N}$$

# %%
_, gradient = value_and_gradient(losses.cross_entropy, z, truth[None])
by_formula = (softmax(z.astype(float)) - one_hot(truth, 13)[None]) / truth.size
print(f"largest difference to (p − t) / N: {np.abs(gradient - by_formula).max():.1e}")
assert np.allclose(gradient, by_formula, atol=1e-7)

# %% [markdown]
# A pixel pushes as hard as it is wrong, whatever class it shows. For the other losses let
# the framework compute the gradient. Here is the strength of the push at each pixel, for
# eight losses and the same logits. Dark means strong; each map has its own scale. The
# outlines are the rare classes. The percentage says how much of the whole push lands on
# them.

# %%
eight = {
    "cross-entropy": losses.cross_entropy,
    "weighted": lambda z, m: losses.cross_entropy(z, m, weights),
    "focal": losses.focal,
    "soft Dice": losses.soft_dice,
    "CE + Dice": losses.cross_entropy_dice,
    "Tversky": losses.tversky,
    "Jaccard": losses.jaccard,
    "Lovász": losses.lovasz_softmax,
}
is_rare = rare[truth]
push, landed = {}, {}
for name, loss in eight.items():
    _, gradient = value_and_gradient(loss, z, truth[None])
    push[name] = np.abs(gradient[0]).sum(-1)
    landed[name] = push[name][is_rare].sum() / push[name].sum()

# %%
figure, axes = figures.canvas(3, 3, height=7.4)
figures.draw_mask(axes[0, 0], truth)
title = f"truth; rare: {is_rare.mean():.0%} of the pixels"
axes[0, 0].set(title=title, xticks=[], yticks=[])
for axis, (name, strength) in zip(axes.flat[1:], push.items(), strict=True):
    shown = np.minimum(strength, np.quantile(strength, 0.995))
    map_of(axis, shown, f"{name}: {landed[name]:.0%} on rare")
    axis.contour(is_rare, [0.5], colors="#0036d1", linewidths=0.7)
figures.show(
    figure,
    alt="The truth and eight maps of the gradient's strength, rare classes outlined. "
    "The share on rare classes: "
    + ", ".join(f"{name} {part:.0%}" for name, part in landed.items())
    + ".",
)

# %% [markdown]
# Compare the percentages with the share of pixels in the first title.

# %%
strongest = max(landed, key=landed.get)
display(
    Markdown(
        f"Read it out loud. The rare classes have {is_rare.mean():.0%} of the pixels. "
        f"Cross-entropy spends {landed['cross-entropy']:.0%} of its push on them, "
        f"since they are also the ones it gets wrong; weighted cross-entropy "
        f"{landed['weighted']:.0%}, focal loss {landed['focal']:.0%}, soft Dice "
        f"{landed['soft Dice']:.0%}. Most goes there with **{strongest}**."
    )
)

# %% tags=["test"]
assert landed["weighted"] > landed["cross-entropy"] + 0.1, landed
assert landed["focal"] > landed["cross-entropy"], landed

# %% [markdown]
# The map of soft Dice has a weakness, and it keeps its share of the push down. Where the
# network is sure, p is near 0 or 1, and the softmax passes hardly any gradient: p (1 − p)
# is small. A class that is missed with certainty, p ≈ 0, gets a small push from Dice, and
# a full one from cross-entropy. Measure it at one pixel that is getting more and more
# wrong:

# %%
wrongness = np.linspace(0, 12, 25)
small = np.zeros((1, 8, 8), np.uint8)
small[0, 4, 4] = 1
strength = {"cross-entropy": [], "soft Dice": [], "CE + Dice": []}
for score in wrongness:
    logits = np.zeros((1, 8, 8, 2), np.float32)
    logits[..., 0] = score  # class 0 everywhere, also at the one pixel of class 1
    for name, pushes in strength.items():
        _, gradient = value_and_gradient(eight[name], logits, small)
        pushes.append(np.abs(gradient[0, 4, 4]).sum())
figures.curves(
    {name: (wrongness, pushes) for name, pushes in strength.items()},
    alt="The push on one missed pixel, over how surely it is missed. Cross-entropy "
    "rises and stays; soft Dice rises, then falls to zero; their sum never falls "
    "below cross-entropy.",
    xlabel="logit of the wrong class minus logit of the right one",
    ylabel="push on the missed pixel",
)
assert strength["soft Dice"][-1] < 0.01 * max(strength["soft Dice"])
assert strength["CE + Dice"][-1] > 0.95 * strength["cross-entropy"][-1]

# %% [markdown]
# That is the reason for **cross-entropy + Dice**. Dice sees to it that small classes
# count, and cross-entropy never stops pushing. The nnU-Net, which won a long row of
# contests on medical images, is trained with this sum, and the networks of this course are
# too.

# %% [markdown]
# ## Five losses, one seed
#
# Now let them train. The same network, the same start, the same batches in the same
# order; only the loss differs. The first row of the table needs no network at all: it says
# at each place the class that was there most often in the training scenes.
#
# **Predict first** (question 4). Which one finds most of the rare classes after 100
# steps?

# %%
five = {
    "cross-entropy": losses.cross_entropy,
    "weighted cross-entropy": lambda z, m: losses.cross_entropy(z, m, weights),
    "focal": losses.focal,
    "soft Dice": losses.soft_dice,
    "cross-entropy + Dice": losses.cross_entropy_dice,
}
often = np.stack([(masks == k).sum(0) for k in range(13)]).argmax(0).astype(np.uint8)
prior = np.broadcast_to(often, new_masks.shape)
live, answers = {}, {}


def judge(name, predicted):
    iou = live[name] = Confusion().add(new_masks, predicted).iou()
    answers[name] = predicted[chosen]
    row = iou.mean(), iou[~rare].mean(), iou[rare].mean()
    print(f"{name:<26}" + "".join(f"{value:8.3f}" for value in row))


print(f"{'mean IoU, 100 steps':<26}{'all':>8}{'common':>8}{'rare':>8}")
judge("no model", prior)
for name in ("cross-entropy", "soft Dice", "cross-entropy + Dice"):
    judge(name, predict_masks(trained(five[name], steps=100), new_images))

# %% [markdown]
# Pixels, overlap, and the sum of both. Now the two that weigh pixels:

# %%
for name in ("weighted cross-entropy", "focal"):
    judge(name, predict_masks(trained(five[name], steps=100), new_images))
figures.grid(
    [truth, *answers.values()],
    ["truth", *answers],
    alt="The true mask of one scene, the baseline without a model, and the masks that "
    "the five networks predict. All have the large areas, more or less; the weighted "
    "loss sprinkles rare classes over the picture.",
    columns=4,
)
behind = [name for name in five if live[name].mean() < live["no model"].mean()]
display(
    Markdown(
        f"Read it out loud. By the mean over all classes {len(behind)} of the five "
        f"networks are still behind the baseline that never looks "
        f"({', '.join(behind) or 'none'}). So short a run says who *starts* fast, and "
        "not yet who is good."
    )
)

# %% tags=["test"]
assert len(behind) < 5, live
assert live["no model"][rare].mean() < 0.1, live
assert min(iou.mean() for iou in live.values()) > 0.08, live
assert live["cross-entropy"][rare].mean() < 0.15, live

# %% [markdown]
# A hundred steps are few, and this is *one* run. Change the seed, and the order may
# change. So the same comparison was made with more steps and three seeds, and stored with
# this lesson. Each dot below is one run; the bar is their mean, and the line with caps goes
# from the lowest to the highest. The dotted line is the baseline without a model.

# %%
stored = json.loads(where.stored("results/losses.json").read_text())
steps = stored["values"]["training steps"][0]
runs = {
    name: np.array([stored["values"][f"{name}: {k}"] for k in LYFT.names]).T
    for name in five
}  # seeds × classes
groups = {"common classes": ~rare, "rare classes": rare}
print(f"{steps} steps, seeds {stored['seeds']}, PyTorch {stored['versions']['torch']}")
print(f"together {stored['minutes']:.0f} minutes on one core: {stored['command']}")
assert all(run.shape == (3, 13) for run in runs.values())

# %%
figure, axes = figures.canvas(1, 2, height=4.2)
for axis, (group, members) in zip(axes[0], groups.items(), strict=True):
    for n, run in enumerate(runs.values()):
        each = run[:, members].mean(1)
        ends = [[each.mean() - each.min()], [each.max() - each.mean()]]
        axis.barh(n, each.mean(), color="#93afe8", edgecolor="black", hatch="/" * n)
        axis.errorbar(each.mean(), n, xerr=ends, color="black", capsize=6)
        axis.plot(each, [n] * 3, "o", color="#9a4529", markersize=5)
        label = dict(xytext=(8, 0), textcoords="offset points", va="center")
        axis.annotate(f"{each.mean():.3f}", (each.max(), n), fontsize=11, **label)
    axis.axvline(live["no model"][members].mean(), color="black", linestyle=":")
    axis.set(title=group, xlabel="mean IoU on new drives")
    axis.set_yticks(range(5), list(runs) if group == "common classes" else [""] * 5)
    axis.set_xlim(0, axis.get_xlim()[1] * 1.15)
    axis.invert_yaxis()
means = {name: run[:, rare].mean() for name, run in runs.items()}
figures.show(
    figure,
    alt=f"Bars for five losses, {steps} steps, three seeds. Mean IoU, rare classes: "
    + ", ".join(f"{name} {value:.3f}" for name, value in means.items())
    + f". Without a model {live['no model'][rare].mean():.3f}.",
)

# %%
best, second = sorted(means, key=means.get)[:-3:-1]
spread = {name: np.ptp(run[:, rare].mean(1)) for name, run in runs.items()}
lead = means[best] - means[second]
clear = runs[best][:, rare].mean(1).min() > runs[second][:, rare].mean(1).max()
common = {name: run[:, ~rare].mean() for name, run in runs.items()}
verdict = (
    "Every run of the first beats every run of the second: that is a difference"
    if clear
    else "Their runs overlap: with three seeds you **cannot tell** which is better"
)
display(
    Markdown(
        f"Read it out loud. For the rare classes **{best}** leads with a mean of "
        f"{means[best]:.3f}, before {second} with {means[second]:.3f}: a lead of "
        f"{lead:.3f}. The same loss with another seed moves by up to "
        f"{max(spread.values()):.3f}. {verdict}. Plain cross-entropy has "
        f"{means['cross-entropy']:.3f}. For the common classes the five means lie "
        f"between {min(common.values()):.3f} and {max(common.values()):.3f}."
    )
)

# %% [markdown]
# What you may say after such a figure, and what you may not:
#
# - **Compare the gap with the spread.** A lead that is smaller than what a change of seed
#   does is noise. Three seeds show large differences, and only those.
# - **One data set, one network, one learning rate.** Each loss has a best learning rate of
#   its own; all five had the same here. A loser may win with another.
# - **The number of steps matters.** Hold the table after 100 steps against this figure:
#   the order need not be the same. Ask how long a network was trained before you believe
#   a comparison of losses.
# - **A weighted loss can lose IoU and gain recall.** It finds more of the rare pixels,
#   and raises more false alarms. Look at both (lesson 03) before you judge.

# %%
each = {name: run.mean(0) for name, run in runs.items()}
shown = [k for k in np.argsort(share) if rare[k]]
print(f"{'':<26}" + "".join(f"{LYFT.names[k][:9]:>10}" for k in shown))
for name, iou in each.items():
    print(f"{name:<26}" + "".join(f"{iou[k]:10.3f}" for k in shown))

people, signs = (LYFT.id(name) for name in ("Pedestrians", "TrafficSigns"))
others = [iou[signs] for name, iou in each.items() if name != "soft Dice"]
assert max(iou[people] for iou in each.values()) < 0.05
assert max(others) < 0.1 < 0.25 < each["soft Dice"][signs]

# %% [markdown]
# Read one column at a time. Pedestrians, a few pixels each at this size, are hardly found
# by any loss: no loss can show what the picture does not hold. Traffic signs are as rare,
# and yet soft Dice finds them, alone among the five. Poles and road lines are found by
# some and not by others: there the choice matters.
#
# ### Why not Dice alone, then?
#
# For the rare classes soft Dice is ahead of cross-entropy + Dice, with every seed. Still
# the networks of this course are trained with the sum. Is that a mistake?

# %%
alone, both = runs["soft Dice"], runs["cross-entropy + Dice"]
for group, members in groups.items():
    ahead = alone[:, members].mean(1) - both[:, members].mean(1)
    print(f"{group:<15} Dice alone minus the sum, seed by seed: {ahead.round(3)}")
assert (alone[:, rare].mean(1).min() > both[:, rare].mean(1)).all()
assert (alone[:, ~rare].mean(1).max() < both[:, ~rare].mean(1)).all()

# %% [markdown]
# For the common classes the sum is ahead, with every seed too. So each has its price. And
# Dice alone goes quiet where a network is surely wrong, as you have measured. None of
# these three runs got stuck; nothing promises that for yours. The sum is the careful
# habit, not the winner of every table. If the rare classes are what counts, train both
# and measure.

# %% [markdown]
# ## Which one to take
#
# | you have | take |
# |---|---|
# | classes of similar size | cross-entropy |
# | small objects in large pictures | cross-entropy + Dice, or Dice alone: measure both |
# | a class that must not be missed | Tversky with β > α, or class weights |
# | a score that is IoU, a network that is trained already | some steps of Lovász at the end |
# | objects that touch and must be told apart | a border map |
# | nothing known yet | cross-entropy + Dice, then measure |

# %% [markdown]
# ### The ready-made ones
#
# Your framework has some of these losses. Look closely before you take one.

# %% tags=["torch"]
z_torch = torch.tensor(z).permute(0, 3, 1, 2)
settings = dict(weight=torch.tensor(weights, dtype=torch.float32), ignore_index=IGNORE)
target = torch.tensor(truth[None]).long()
ready = torch.nn.functional.cross_entropy(z_torch, target, **settings)
ours = losses.cross_entropy(z_torch, target, weights)
print(f"torch's weighted cross-entropy {ready:.6f}, ours {ours:.6f}")
assert np.isclose(ready, ours, rtol=1e-5)

blank = torch.full((1, 64, 96), IGNORE)
nothing = torch.nn.functional.cross_entropy(z_torch, blank, **settings)
print(f"all ignored: {nothing:.1f}")
assert nothing.isnan()

# %% [markdown] tags=["torch"]
# `F.cross_entropy` takes logits, weights and an ignore id, and divides by the sum of the
# weights. It gives `nan` where all pixels are ignored. `F.nll_loss` wants the output of
# `log_softmax`, `F.binary_cross_entropy` wants probabilities: prefer
# `F.binary_cross_entropy_with_logits`. Dice and its family are not in torch.

# %% tags=["keras"]
settings = dict(from_logits=True, ignore_class=IGNORE)
ready = float(keras.losses.SparseCategoricalCrossentropy(**settings)(truth[None], z))
ours = float(losses.cross_entropy(z, truth[None]))
print(f"Keras' cross-entropy {ready:.6f}, ours {ours:.6f}")
assert np.isclose(ready, ours, rtol=1e-5)

three = (new_masks[:2] % 3).astype(np.int32)  # three made-up classes, all present
scores = np.random.default_rng(0).normal(size=(*three.shape, 3)).astype(np.float32)
swapped = keras.losses.Tversky(alpha=0.7, beta=0.3, axis=(0, 1, 2))
ready = float(swapped(one_hot(three, 3), softmax(scores)))
ours = float(losses.tversky(scores, three, alpha=0.3, beta=0.7))
print(f"Keras' Tversky with 0.7, 0.3: {ready:.6f}; ours with 0.3, 0.7: {ours:.6f}")
assert np.isclose(ready, ours, rtol=1e-4)

# %% [markdown] tags=["keras"]
# Three traps. Keras' losses expect **probabilities** unless you say `from_logits=True`.
# Its `Tversky` has α and β the other way round than the paper. And
# `fit(class_weight=…)` does not work for masks: give `sample_weight`, one number per
# pixel, or weigh inside the loss as here.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · Cross-entropy that cannot break
#
# Write pixel-wise cross-entropy in NumPy: logits N×H×W×C in, masks N×H×W of ids. Pixels
# with 255 are left out. It must survive logits of ±10,000.
#
# <details><summary>Hint 1</summary>
# Take <code>log_softmax</code> from above. You never need p itself.
# </details>
# <details><summary>Hint 2</summary>
# <code>counted = masks != 255</code>, then <code>logits[counted]</code> is a list of
# pixels × C, and <code>masks[counted]</code> their ids. Pick the true class with
# <code>log_p[np.arange(len(ids)), ids]</code>.
# </details>
#
# The target: this loss of each pixel, and the mean beside it.

# %%
partly = truth.copy()
partly[40:, 60:] = IGNORE
kept = np.where(partly == IGNORE, 0, per_pixel)
figure, axes = figures.canvas(1, 2, height=3.4)
figures.draw_mask(axes[0, 0], partly)
axes[0, 0].set(title="a mask with an ignored corner, grey", xticks=[], yticks=[])
mean = per_pixel[partly != IGNORE].mean()
map_of(axes[0, 1], kept, f"loss of each pixel; mean of those that count {mean:.4f}")
figures.show(
    figure,
    alt="Left: the true mask with the lower right corner set to ignore. Right: the "
    "loss of each pixel, 0 in that corner.",
)


# %%
def stable_cross_entropy(logits, masks):
    # BEGIN SOLUTION
    counted = masks != 255
    log_p, ids = log_softmax(logits[counted]), masks[counted]
    return -log_p[np.arange(len(ids)), ids].mean()
    # END SOLUTION


# %% [markdown]
# Check it, on ordinary logits, with an ignored corner, and on extreme logits:


# %%
def pixelwise(logits, masks, twice=False, ready=False, over=1, ignored=False, sign=-1):
    counted = masks != 255
    z = logits[counted].astype(float)
    log_p = z if ready else log_softmax(z)
    log_p = log_softmax(np.exp(log_p)) if twice else log_p
    total = log_p[np.arange(len(z)), masks[counted]].sum()
    return sign * total / (masks.size if ignored else len(z)) / over


def breakable(logits, masks):
    with np.errstate(all="ignore"):
        p = softmax(logits[masks != 255])
        return -np.log(p[np.arange(len(p)), masks[masks != 255]]).mean()


first = z.astype(np.float64)
inputs = [
    (first, truth[None]),
    (first, partly[None]),
    (np.where(first > 0, 1e4, -1e4), truth[None]),
]

# %%
exercise(
    stable_cross_entropy,
    pixelwise,
    inputs=inputs,
    mistakes={
        "It breaks at large logits: exp overflows. Take log_softmax.": breakable,
        "A softmax too many: log_softmax already holds one.": (
            lambda z, m: pixelwise(z, m, twice=True)
        ),
        "The logits are no log-probabilities yet: take log_softmax first.": (
            lambda z, m: pixelwise(z, m, ready=True)
        ),
        "The mean runs over the classes too: sum over them, mean over pixels.": (
            lambda z, m: pixelwise(z, m, over=z.shape[-1])
        ),
        "Divide by the pixels that count, not by all of them.": (
            lambda z, m: pixelwise(z, m, ignored=True)
        ),
        "The sign: log p is negative, the loss is −log p.": (
            lambda z, m: pixelwise(z, m, sign=1)
        ),
    },
)

# %% [markdown]
# ### Exercise 2 · Dice, and one mean at a time
#
# Write the soft Dice **loss** for probabilities N×H×W×C and a one-hot target of the same
# shape: one Dice per class with sums over the whole batch, then 1 − the mean over all
# classes.
#
# <details><summary>Hint 1</summary>
# Sum over the axes 0, 1 and 2. What is left has C entries.
# </details>
# <details><summary>Hint 2</summary>
# Three sums per class: of p · t, of p, of t. The 2 stands above.
# </details>
#
# The target: the Dice of each class on two scenes, which you then average.

# %%
pair = new_masks[:2] % 3  # three made-up classes, all of them present
random = np.random.default_rng(1)
p_pair = softmax(random.normal(size=(2, 64, 96, 3)) + 2 * one_hot(pair, 3))
t_pair = one_hot(pair, 3)
sums = [(a).sum((0, 1, 2)) for a in (p_pair * t_pair, p_pair, t_pair)]
figure, axes = figures.canvas(height=2.6)
drawn = axes[0, 0].barh(range(3), 2 * sums[0] / (sums[1] + sums[2]), color="#93afe8")
axes[0, 0].bar_label(drawn, fmt="%.4f", padding=4)
axes[0, 0].set_yticks(range(3), [f"class {k}" for k in range(3)])
axes[0, 0].set(xlabel="Dice over both scenes", xlim=(0, 1))
figures.show(
    figure,
    alt="Three bars: the Dice of class 0, 1 and 2 over both scenes, "
    + ", ".join(f"{d:.3f}" for d in 2 * sums[0] / (sums[1] + sums[2]))
    + ".",
)


# %%
def dice_loss(p, t):
    # BEGIN SOLUTION
    overlap = (p * t).sum(axis=(0, 1, 2))
    size = p.sum(axis=(0, 1, 2)) + t.sum(axis=(0, 1, 2))
    return 1 - (2 * overlap / size).mean()
    # END SOLUTION


# %%
def dice_like(p, t, factor=2, axes=(0, 1, 2), loss=True, union=False):
    overlap, size = (p * t).sum(axes), (p + t).sum(axes)
    dice = (factor * overlap / (size - overlap if union else size)).mean()
    return 1 - dice if loss else dice


# %%
exercise(
    dice_loss,
    dice_like,
    inputs=[(p_pair, t_pair), (p_pair[:, :9], t_pair[:, :9])],
    mistakes={
        "The 2 above is missing: a perfect answer would get 0.5.": (
            lambda p, t: dice_like(p, t, factor=1)
        ),
        "That is Dice itself. The loss is 1 − Dice.": (
            lambda p, t: dice_like(p, t, loss=False)
        ),
        "The sums run over one image: sum over the batch as well.": (
            lambda p, t: dice_like(p, t, axes=(1, 2))
        ),
        "The sums run over the classes too: one Dice per class first.": (
            lambda p, t: dice_like(p, t, axes=(0, 1, 2, 3))
        ),
        "That is Jaccard: the denominator of Dice counts the overlap twice.": (
            lambda p, t: dice_like(p, t, factor=1, union=True)
        ),
    },
)

# %% [markdown]
# ### Exercise 3 · Weights by median frequency
#
# Write the rule of Eigen and Fergus. `counts` is N×C, a row for each mask. The frequency
# of a class is its pixels divided by all pixels **of those images that show it**. Its
# weight is the median of the frequencies divided by its own. Every class occurs
# somewhere.
#
# <details><summary>Hint 1</summary>
# <code>counts > 0</code> says which image shows which class, and
# <code>counts.sum(1)</code> how many pixels each image has.
# </details>
# <details><summary>Hint 2</summary>
# <code>(counts > 0).T @ counts.sum(1)</code> adds up the pixels of the images that show
# each class.
# </details>
#
# The target: what your rule makes of the training scenes.

# %%
figure, axes = figures.canvas(height=3.8)
drawn = axes[0, 0].barh(range(13), weights, color=LYFT.colours, edgecolor="black")
axes[0, 0].bar_label(drawn, [f"{w:.2f}" for w in weights], padding=4, fontsize=10)
axes[0, 0].set_yticks(range(13), [f"{k} {name}" for k, name in enumerate(LYFT.names)])
axes[0, 0].set(xlabel="weight by median frequency", xlim=(0, weights.max() * 1.1))
axes[0, 0].invert_yaxis()
figures.show(
    figure,
    alt="The weight of each class: "
    + ", ".join(f"{n} {w:.2f}" for n, w in zip(LYFT.names, weights, strict=True))
    + ".",
)


# %%
def median_weights(counts):
    # BEGIN SOLUTION
    shown = (counts > 0).T @ counts.sum(1)
    frequency = counts.sum(0) / shown
    return np.median(frequency) / frequency
    # END SOLUTION


# %%
def frequencies(counts, everywhere=False):
    shown = counts.sum() if everywhere else (counts > 0).T @ counts.sum(1)
    return counts.sum(0) / shown


exercise(
    median_weights,
    lambda counts: np.median(frequencies(counts)) / frequencies(counts),
    inputs=[(counts,), (np.array([[8, 2, 0], [4, 2, 4]]),)],
    mistakes={
        "Count only the images that show the class, not all of them.": (
            lambda n: np.median(frequencies(n, True)) / frequencies(n, True)
        ),
        "Upside down: a rare class gets a large weight.": (
            lambda n: frequencies(n) / np.median(frequencies(n))
        ),
        "That is the mean; the rule takes the median.": (
            lambda n: frequencies(n).mean() / frequencies(n)
        ),
    },
)

# %% [markdown]
# ### Exercise 4 · Focal loss in your framework
#
# Write the focal loss with softmax, γ = 2, for logits and masks without ignored pixels.
# Value *and* gradient are compared.

# %% [markdown] tags=["torch"]
# Logits are N×C×H×W here, masks N×H×W of whole numbers.
#
# <details><summary>Hint 1</summary>
# <code>torch.log_softmax(logits, dim=1)</code>; then pick the true class with
# <code>log_p.gather(1, masks[:, None].long())</code>.
# </details>
# <details><summary>Hint 2</summary>
# p is <code>log_p.exp()</code>. Don't detach it: its gradient belongs to the loss.
# </details>

# %% [markdown] tags=["keras"]
# Logits are N×H×W×C here, masks N×H×W of whole numbers.
#
# <details><summary>Hint 1</summary>
# <code>keras.ops.log_softmax(logits, axis=-1)</code>; then pick the true class by
# multiplying with <code>keras.ops.one_hot(masks, classes)</code> and adding up.
# </details>
# <details><summary>Hint 2</summary>
# p is <code>keras.ops.exp(log_p)</code>. Don't stop its gradient: it belongs to the loss.
# </details>

# %% [markdown]
# The target: the push of your loss on one scene.

# %%
figure, axes = figures.canvas(height=4)
map_of(axes[0, 0], push["focal"], "the strength of the gradient, focal loss, γ = 2")
figures.show(
    figure,
    alt="The strength of the gradient of the focal loss at each pixel: dark on borders "
    "and on missed classes, nearly white inside large areas.",
)


# %% tags=["torch"]
def my_focal(logits, masks):
    # BEGIN SOLUTION
    log_p = torch.log_softmax(logits, dim=1).gather(1, masks[:, None].long())
    return -((1 - log_p.exp()) ** 2 * log_p).mean()
    # END SOLUTION


# %% tags=["keras"]
def my_focal(logits, masks):
    # BEGIN SOLUTION
    log_p = keras.ops.log_softmax(logits, axis=-1)
    t = keras.ops.one_hot(masks, logits.shape[-1])
    log_p = keras.ops.sum(log_p * t, axis=-1)
    return -keras.ops.mean((1 - keras.ops.exp(log_p)) ** 2 * log_p)
    # END SOLUTION


# %% [markdown]
# Check it. The mistakes below are written in NumPy, with (value, gradient) by finite
# differences.


# %%
def focal_like(gamma=2, sign=-1, over=1, frozen=False):
    def value_at(z, masks, fixed=None):
        log_p = (log_softmax(z) * one_hot(masks, z.shape[-1])).sum(-1)
        missing = 1 - np.exp(log_p) if fixed is None else fixed
        return sign * (missing**gamma * log_p).mean() / over

    def run(z, masks):
        z = z.astype(float)
        p = (np.exp(log_softmax(z)) * one_hot(masks, z.shape[-1])).sum(-1)
        fixed, gradient = 1 - p if frozen else None, np.empty_like(z)
        for place in np.ndindex(z.shape):
            step = np.zeros_like(z)
            step[place] = 1e-5
            ends = [value_at(z + s * step, masks, fixed) for s in (1, -1)]
            gradient[place] = (ends[0] - ends[1]) / 2e-5
        return np.array(value_at(z, masks)), gradient

    return run


# %%
random = np.random.default_rng(2)
tiny = random.normal(size=(1, 3, 4, 3)).astype(np.float32)
ids = random.integers(0, 3, (1, 3, 4)).astype(np.uint8)
exercise(
    lambda logits, masks: value_and_gradient(my_focal, logits, masks),
    focal_like(),
    inputs=[(tiny, ids), (3 * tiny, ids)],
    mistakes={
        "That is cross-entropy: the factor (1 − p)² is missing.": focal_like(gamma=0),
        "The factor is 1 − p; it should be its square.": focal_like(gamma=1),
        "The sign: log p is negative.": focal_like(sign=1),
        "The mean runs over the classes too.": focal_like(over=3),
        "The factor was detached: its gradient is missing.": focal_like(frozen=True),
    },
    tolerance=1e-4,
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "A class covers 0.1 % of the pixels. What does plain cross-entropy lose if the "
    "network never predicts it?",
    {
        "Nothing at all": "A little: those pixels pay, but they are few.",
        "About 0.1 % of the pixels pay a high price": (
            "So a lower loss on the sky may outweigh it."
        ),
        "As much as for any other class": "That would be Dice.",
    },
    answer="About 0.1 % of the pixels pay a high price",
)
quiz(
    "Your network ends in a softmax. Which loss fits?",
    {
        "One that takes logits": "Softmax twice: the loss sticks at a floor above 0.",
        "One that takes probabilities, or remove the softmax and use logits": (
            "And the second is better: logits are numerically safe."
        ),
        "It makes no difference": "It does: with 13 classes the floor is 1.69.",
    },
    answer="One that takes probabilities, or remove the softmax and use logits",
)

# %%
quiz(
    "You want fewer missed pedestrians and accept false alarms. Tversky with …",
    {
        "α = 0.7, β = 0.3": "α is the price of false positives: fewer alarms.",
        "α = 0.3, β = 0.7": "β is the price of false negatives, of misses.",
        "α = β = 1": "That is Jaccard: both mistakes cost the same.",
    },
    answer="α = 0.3, β = 0.7",
)
quiz(
    "Loss A has a mean IoU of 0.412 over three seeds, loss B 0.405. Single runs differ "
    "by 0.02. What do you report?",
    {
        "A is better": "The gap is a third of what a seed alone does.",
        "No difference could be shown with three seeds": "More seeds might show one.",
        "They are equal": "Not shown either: you can't see a small difference.",
    },
    answer="No difference could be shown with three seeds",
)

# %%
quiz(
    "Why is Dice computed from probabilities and not from the predicted mask?",
    {
        "A mask has no gradient": "Argmax is a staircase: its slope is 0 or undefined.",
        "Probabilities are more exact": "Worse: with a mask nothing is learnt.",
        "To save memory": "Probabilities take more memory than a mask.",
    },
    answer="A mask has no gradient",
)

# %% [markdown]
# ## Pitfalls
#
# - **Softmax twice, or probabilities where logits are expected.** No error, a floor under
#   the loss, slow learning.
# - **A loss that overflows.** `log(softmax(z))` in two steps. Use the loss that takes
#   logits, and compute it in 32 bits even if the network runs in 16.
# - **The mean over the wrong axis.** Over the classes as well, and the loss is C times too
#   small: the same as a learning rate C times too small.
# - **Ignored pixels in the denominator**, or a batch with none that count: `nan`.
# - **Dice of a class that is absent.** Left out, 0 or 1? Libraries differ; so do their
#   losses.
# - **Dice per image or over the batch.** On small batches with rare classes the two are far
#   apart.
# - **α and β exchanged.** Papers and libraries disagree about which one belongs to false
#   positives. Test it: give an answer that is too large.
# - **Comparing values of different losses.** A Dice loss of 0.5 and a cross-entropy of 0.5
#   have nothing to do with each other. Compare IoU.
# - **One seed.** You have measured the seed.

# %% [markdown]
# ## What to remember
#
# - Cross-entropy: −log p of the true class, mean over the pixels. Each pixel has the same
#   weight, so large classes rule.
# - Dice: multiply, add up, divide by both sizes, 1 minus it. Each class has the same
#   weight.
# - Tversky tilts between misses and false alarms; Jaccard and Lovász aim at IoU; focal
#   turns easy pixels down; weights from counts turn rare classes up.
# - Dice alone goes quiet where the network is surely wrong. Cross-entropy + Dice doesn't.
#   In our comparison Dice alone found more of the rare classes all the same, and the sum
#   was better on the common ones.
# - Hand logits to the loss, never the output of a softmax.
# - Compare losses by IoU, with several seeds, and hold the gap against the spread.
#
# Next: **08 · Training well**. The same network and the same loss, and more from the
# scenes that you have: augmentation, validation, checkpoints.

# %% [markdown]
# ## References
#
# - F. Milletari, N. Navab, S. Ahmadi: V-Net. 2016, arXiv:1606.04797 (Dice loss).
# - C. Sudre and others: Generalised Dice overlap as a deep learning loss function. 2017,
#   arXiv:1707.03237.
# - S. Salehi, D. Erdogmus, A. Gholipour: Tversky loss function. 2017, arXiv:1706.05721.
# - N. Abraham, N. Khan: A novel focal Tversky loss function. 2018,
#   arXiv:1810.07842.
# - M. Berman, A. Rannen Triki, M. Blaschko: The Lovász-softmax loss. CVPR 2018,
#   arXiv:1705.08790.
# - T. Lin and others: Focal loss for dense object detection. ICCV 2017, arXiv:1708.02002.
# - D. Eigen, R. Fergus: Predicting depth, surface normals and semantic labels. ICCV 2015,
#   arXiv:1411.4734 (median frequency).
# - Y. Cui and others: Class-balanced loss based on effective number of samples. CVPR 2019,
#   arXiv:1901.05555.
# - O. Ronneberger, P. Fischer, T. Brox: U-Net. MICCAI 2015, arXiv:1505.04597 (border
#   weights).
# - F. Isensee and others: nnU-Net. 2018, Nature Methods 2021, arXiv:1809.10486
#   (cross-entropy + Dice).
