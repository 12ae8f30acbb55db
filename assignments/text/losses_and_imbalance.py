# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 3 · Losses and class imbalance
#
# A loss decides what a network works at, and on a street most pixels are road and sky. In this
# assignment you write six losses, and the weights that rare classes need. Then you look at where each
# loss pushes a network, and let two of them train. Everything that you need was taught in lesson 07.
#
# | question | what you write | points |
# |---|---|---|
# | 1 | `cross_entropy`: from logits, and nothing can break it | 15 |
# | 2 | `class_weights`: by inverse and by median frequency | 15 |
# | 3 | `weighted_cross_entropy`: rare classes count more | 10 |
# | 4 | `focal_loss`: difficult pixels count more | 15 |
# | 5 | `dice_loss`: every class has the same say | 15 |
# | 6 | `tversky_loss`: misses and false alarms have their prices | 10 |
# | 7 | `lovasz_loss`: the hard one, straight at IoU | 10 |
# | 8 | your analysis, in words | 10 |
# | | together | 100 |
#
# **Time:** about three hours, of which the machine trains for one minute. You need PyTorch or Keras.
#
# **The data.** Small street scenes that the course draws when you run the cells: 240 to look at and to
# train on, and 60 of other drives. The checks bring small logits and masks of their own.
#
# **How it is graded.** Under each question stands one call, `check(...)`. At your desk it runs public
# cases and says at once what is wrong. When the notebook is graded, the same call gets hidden cases:
# other logits, other sizes, other classes. The table under a question says which part brings which
# share of its points; the names are those that `check` prints. A part counts whole or not at all, and
# no part waits for another. What is judged is the value of a loss **and its gradient** with respect
# to the logits, both to one part in a thousand: a loss with the right value and no gradient teaches a
# network nothing. Functions are called with arguments like those in the text, and must not rely on
# your data. Question 8 is read by a person.
#
# **What you may use:** the building blocks of your framework, such as `log_softmax`, `one_hot`,
# `sort` and its own cross-entropy, and your functions from earlier questions. The finished losses in
# the course's `helpers` are no answers: they are missing when the notebook is graded. How you get
# there is up to you: loops are as right as one clever line.
#
# **What you hand in.** One zip with this notebook. The last cell writes it.

# %% [markdown]
# ## 0 · Choose your framework
#
# Write `"pytorch"` or `"keras"`. The questions and the points are the same.

# %%
FRAMEWORK = "pytorch"

# %%
import numpy as np

from helpers.check import check, desk
from helpers.quiet import quiet

if FRAMEWORK == "pytorch":
    import torch
else:
    with quiet():  # TensorFlow has much to say when it starts
        import keras

# `desk` is True where you work and False when the notebook is graded.
# Cells that begin with `if desk:` are for you: pictures and training.

# %% [markdown]
# ## What goes in and what comes out
#
# | | PyTorch | Keras |
# |---|---|---|
# | `logits`, any number at all | float32 N×C×H×W | float32 N×H×W×C |
# | `masks`, class ids | int64 N×H×W | int32 N×H×W |
# | the loss | a tensor with one number | a tensor with one number |
#
# For every loss in this notebook:
#
# - $p$ is the softmax of the logits over the classes, and $t$ is 1 at the true class and 0 elsewhere.
# - N, H, W and C differ from case to case. Pixels are those of the **whole batch**.
# - A pixel with the id 255 is **ignored**. It adds nothing, it is counted nowhere, and its gradient
#   is 0.
# - Where all pixels are ignored the loss is 0 and so is its gradient. The 0 must still hang on the
#   logits: a constant has no gradient at all, and training would stop at that batch.
#
# Below is a scene and what a made-up network thinks of it. The network is sure of large areas,
# unsure at their borders, and misses what is small. Your losses will have to tell it so.

# %%
if desk:
    from helpers import figures, masks
    from helpers.check import respond
    from helpers.classes import LYFT
    from helpers.streets import scenes

    def blurred(maps, reach):
        """The mean of each map over a square of side 2 · reach + 1."""
        for axis in (0, 1):
            shifts = range(-reach, reach + 1)
            maps = np.mean([np.roll(maps, shift, axis) for shift in shifts], 0)
        return maps

    images, labels = scenes(range(120), frames=(0, 20), height=64, width=96)
    image, truth = images[32], labels[32]
    noise = np.random.default_rng(0).normal(size=(64, 96, 13))
    made_up = 9 * blurred(masks.one_hot(truth, 13), 4) + 0.3 * noise
    counts = np.bincount(labels.ravel(), minlength=13)
    rare = counts < 0.03 * counts.sum()
    figures.grid(
        [image, truth, made_up.argmax(-1).astype(np.uint8)],
        ["a scene", "its true mask", "what the network answers"],
        alt="A street scene, its true mask, and an answer that has the large areas but "
        "lacks the thin and small ones.",
    )
    print("Rare, below 3 % of all pixels:", ", ".join(np.array(LYFT.names)[rare]))

# %% [markdown]
# ## 1 · Cross-entropy that cannot break (15 points)
#
# Write `cross_entropy(logits, masks)`: the mean, over the pixels that count, of $-\log p$ of the
# true class.
#
# $$L = \frac{1}{M} \sum_{i\ \text{counts}} -\log p_{i,\,y_i}, \qquad
# M = \text{number of pixels that count}$$
#
# | what is judged | share |
# |---|---|
# | `values`: value and gradient of ordinary logits | 40 % |
# | `ignored pixels`: some or all of them | 30 % |
# | `extreme logits`: ±10,000, neither nan nor infinity, and the exact value | 30 % |
#
# <details><summary>Hint 1</summary>
#
# Softmax and then log breaks at large logits. Both at once is `torch.log_softmax` or
# `keras.ops.log_softmax`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Multiply the loss of each pixel by 1 where it counts and by 0 where it is ignored. Then divide the
# sum by the number of ones, but by 1 at least.
#
# </details>
# <details><summary>Hint 3</summary>
#
# In PyTorch, 255 is no index: put another id there first, since those pixels are multiplied by 0
# anyway. In Keras, `one_hot` gives 0 in all classes for it.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "cross_entropy_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# Helpers for your losses, if you like. Later questions may use them.
### BEGIN SOLUTION
def true_log_p(logits, masks):
    """N×H×W: log p of the true class, 0 where ignored; and 1.0 where a pixel counts."""
    if FRAMEWORK == "pytorch":
        counts = (masks != 255).float()
        ids = torch.where(masks == 255, 0, masks)
        log_p = torch.log_softmax(logits, 1).gather(1, ids[:, None])[:, 0]
        return log_p * counts, counts
    counts = keras.ops.cast(masks != 255, "float32")
    t = keras.ops.one_hot(masks, logits.shape[-1])
    return keras.ops.sum(t * keras.ops.log_softmax(logits, -1), -1), counts
### END SOLUTION


def cross_entropy(logits, masks):
    ### BEGIN SOLUTION
    log_p, counts = true_log_p(logits, masks)
    if FRAMEWORK == "pytorch":
        return -log_p.sum() / counts.sum().clamp(min=1)
    return -keras.ops.sum(log_p) / keras.ops.maximum(keras.ops.sum(counts), 1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "cross_entropy", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
check("cross_entropy", cross_entropy, FRAMEWORK)

# %% [markdown]
# ## 2 · Weights for rare classes (15 points)
#
# Write `class_weights(masks, classes, rule)` with NumPy. `masks` is uint8 N×H×W. It returns an array
# of `classes` floats. Let $n_c$ be the number of pixels of class $c$ in all masks together.
#
# - `rule == "inverse"`: all pixels, divided by $n_c$ and by the number of classes **that are
#   present**. So each class adds up to the same.
#
# $$w_c = \frac{\sum_k n_k}{n_c \cdot \text{number of classes present}}$$
#
# - `rule == "median"`: the *frequency* of a class is $n_c$ divided by all pixels of those **images
#   that show it**. Its weight is the median of the frequencies of the classes present, divided by
#   its own frequency.
# - A class without a pixel gets the weight 0. Ignored pixels (255) are counted nowhere, not among
#   'all pixels' either.
#
# | what is judged | share |
# |---|---|
# | `inverse frequency` | 30 % |
# | `median frequency` | 30 % |
# | `absent classes`: those without a pixel | 20 % |
# | `ignored pixels` | 20 % |
#
# <details><summary>Hint 1</summary>
#
# First make a table of N×C counts: `(masks[..., None] == np.arange(classes)).sum((1, 2))`.
# All else follows from it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Start with `np.zeros(classes)` and fill in the classes present only.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "class_weights_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def class_weights(masks, classes, rule):
    ### BEGIN SOLUTION
    counts = (masks[..., None] == np.arange(classes)).sum((1, 2))
    pixels = counts.sum(0)
    present = pixels > 0
    weights = np.zeros(classes)
    if rule == "inverse":
        weights[present] = pixels.sum() / pixels[present] / present.sum()
    else:
        shown = (counts > 0).T @ counts.sum(1)
        frequency = pixels[present] / shown[present]
        weights[present] = np.median(frequency) / frequency
    return weights
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "class_weights", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
check("class_weights", class_weights)

# %% [markdown]
# ## 3 · Weighted cross-entropy (10 points)
#
# Write `weighted_cross_entropy(logits, masks, weights)`. `weights` is a float32 tensor of C numbers.
# Each pixel counts with the weight of its true class, above and below the line:
#
# $$L = \frac{\sum_i w_{y_i} \cdot (-\log p_{i,\,y_i})}{\sum_i w_{y_i}}
# \qquad \text{over the pixels that count}$$
#
# | what is judged | share |
# |---|---|
# | `values`: value and gradient | 60 % |
# | `ignored pixels`: some or all of them | 40 % |
#
# <details><summary>Hint</summary>
#
# The weight of each pixel is one look-up: `weights[ids]` in PyTorch,
# `keras.ops.take(weights, ids)` in Keras, where `ids` has no 255. Set it to 0
# where the pixel is ignored.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "weighted_cross_entropy_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def weighted_cross_entropy(logits, masks, weights):
    ### BEGIN SOLUTION
    log_p, counts = true_log_p(logits, masks)
    if FRAMEWORK == "pytorch":
        w = weights[torch.where(masks == 255, 0, masks)] * counts
        return -(w * log_p).sum() / w.sum().clamp(min=1e-12)
    w = keras.ops.take(weights, keras.ops.where(masks == 255, 0, masks)) * counts
    return -keras.ops.sum(w * log_p) / keras.ops.maximum(keras.ops.sum(w), 1e-12)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "weighted_cross_entropy", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("weighted_cross_entropy", weighted_cross_entropy, FRAMEWORK)

# %% [markdown]
# ## 4 · Focal loss (15 points)
#
# Write `focal_loss(logits, masks, gamma)`. Pixels that the network is sure of are turned down, each
# by a factor of its own:
#
# $$L = \frac{1}{M} \sum_{i\ \text{counts}} -(1 - p_{i,\,y_i})^{\gamma} \, \log p_{i,\,y_i}$$
#
# `gamma` is 0, or at least 1. The factor depends on the logits, so it has its part in the gradient.
#
# | what is judged | share |
# |---|---|
# | `values`: value and gradient with γ = 2 | 40 % |
# | `any γ`: other γ, 0 among them | 20 % |
# | `ignored pixels`: some or all of them | 20 % |
# | `extreme logits`: ±10,000, γ = 2 | 20 % |
#
# <details><summary>Hint</summary>
#
# You have log p of the true class from question 1. Then p is its `exp`: that can't
# overflow, since log p is never above 0.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "focal_loss_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def focal_loss(logits, masks, gamma):
    ### BEGIN SOLUTION
    log_p, counts = true_log_p(logits, masks)
    if FRAMEWORK == "pytorch":
        factor = (1 - log_p.exp()) ** gamma
        return -(factor * log_p).sum() / counts.sum().clamp(min=1)
    factor = (1 - keras.ops.exp(log_p)) ** gamma
    return -keras.ops.sum(factor * log_p) / keras.ops.maximum(keras.ops.sum(counts), 1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "focal_loss", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
check("focal_loss", focal_loss, FRAMEWORK)

# %% [markdown]
# ## 5 · The soft Dice loss (15 points)
#
# Write `dice_loss(logits, masks, smooth)`. One Dice for each class, with sums over all pixels of the
# batch that count, and `smooth` > 0 added above and below. Then 1 − Dice, and the mean over the
# classes **that are present**: those with a true pixel in the batch.
#
# $$L = \frac{1}{|P|} \sum_{c \in P} \left( 1 -
# \frac{2 \sum_i p_{i,c}\, t_{i,c} + s}{\sum_i p_{i,c} + \sum_i t_{i,c} + s} \right)$$
#
# An ignored pixel is in none of the sums: not in that of $p$ either.
#
# | what is judged | share |
# |---|---|
# | `values`: value and gradient | 60 % |
# | `absent classes` | 20 % |
# | `ignored pixels`: some or all of them | 20 % |
#
# <details><summary>Hint 1</summary>
#
# Bring both to N×H×W×C: `p` by softmax, `t` by one-hot. Multiply both by 0 where
# the pixel is ignored. Then each sum runs over the axes 0, 1 and 2, and C numbers are left.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `where(present, 1 − dice, 0)`, summed up, divided by the number of classes present, but
# by 1 at least.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "dice_loss_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# Helpers, if you like. Later questions may use them.
### BEGIN SOLUTION
def p_and_t(logits, masks):
    """p and t, both N×H×W×C and 0 where ignored; and which classes are present."""
    if FRAMEWORK == "pytorch":
        counts = (masks != 255)[..., None].float()
        ids = torch.where(masks == 255, 0, masks)
        p = torch.softmax(logits.permute(0, 2, 3, 1), -1) * counts
        t = torch.nn.functional.one_hot(ids, p.shape[-1]) * counts
        return p, t, t.sum((0, 1, 2)) > 0
    counts = keras.ops.cast(masks != 255, "float32")[..., None]
    p = keras.ops.softmax(logits, -1) * counts
    t = keras.ops.one_hot(masks, p.shape[-1])
    return p, t, keras.ops.sum(t, (0, 1, 2)) > 0


def mean_over_present(losses, present):
    if FRAMEWORK == "pytorch":
        return torch.where(present, losses, 0).sum() / present.sum().clamp(min=1)
    present = keras.ops.cast(present, "float32")
    return keras.ops.sum(present * losses) / keras.ops.maximum(keras.ops.sum(present), 1)


def sums(maps):
    """One sum for each class of maps N×H×W×C."""
    return maps.sum((0, 1, 2)) if FRAMEWORK == "pytorch" else keras.ops.sum(maps, (0, 1, 2))
### END SOLUTION


def dice_loss(logits, masks, smooth):
    ### BEGIN SOLUTION
    p, t, present = p_and_t(logits, masks)
    dice = (2 * sums(p * t) + smooth) / (sums(p) + sums(t) + smooth)
    return mean_over_present(1 - dice, present)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "dice_loss", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
check("dice_loss", dice_loss, FRAMEWORK)

# %% [markdown]
# ## 6 · The Tversky loss (10 points)
#
# Write `tversky_loss(logits, masks, alpha, beta)`. For each class, counted softly over the pixels
# that count:
#
# $$TP = \sum p\,t \qquad FP = \sum p\,(1 - t) \qquad FN = \sum (1 - p)\,t$$
#
# $$L = \frac{1}{|P|} \sum_{c \in P} \left( 1 -
# \frac{TP_c}{TP_c + \alpha\, FP_c + \beta\, FN_c} \right)$$
#
# Again the mean is over the classes that are present. α is the price of a false alarm, β that of a
# miss. They are any numbers above 0; their sum need not be 1. Nothing is added for smoothness.
#
# | what is judged | share |
# |---|---|
# | `values`: value and gradient | 60 % |
# | `absent and ignored`: absent classes; some or all pixels ignored | 40 % |
#
# <details><summary>Hint</summary>
#
# Where all pixels are ignored, the fraction is 0 / 0. `where` hides that in the value, not
# in the gradient: nan comes back all the same. Make sure that nothing is divided by 0.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "tversky_loss_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tversky_loss(logits, masks, alpha, beta):
    ### BEGIN SOLUTION
    p, t, present = p_and_t(logits, masks)
    tp, fp, fn = sums(p * t), sums(p * (1 - t)), sums((1 - p) * t)
    return mean_over_present(1 - tp / (tp + alpha * fp + beta * fn + 1e-12), present)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "tversky_loss", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("tversky_loss", tversky_loss, FRAMEWORK)

# %% [markdown]
# ## 7 · The Lovász loss (10 points)
#
# Write `lovasz_loss(logits, masks)`, the hard one. For certain answers it *is* 1 − IoU, and in between
# it weighs each error by what it costs in IoU. For one class, over the pixels that count:
#
# 1. The error of a pixel is $e = 1 - p$ if the class is true there, and $e = p$ if not.
# 2. Sort the errors from large to small. Carry $t$ along in the same order.
# 3. Imagine that the first $k$ pixels in this order are given the wrong label, and all others the
#    right one. Of the class's $A$ true pixels those among the first $k$ are lost, so
#    $I_k = A - \sum_{j \le k} t_j$. Other pixels among them come in addition, so
#    $U_k = A + \sum_{j \le k} (1 - t_j)$. Then $J_k = 1 - I_k / U_k$.
# 4. The weight of the $k$-th error is what $J$ grows by: $g_k = J_k - J_{k-1}$, with $J_0 = 0$.
# 5. The loss of the class is $\sum_k e_k\, g_k$.
#
# $L$ is the mean over the classes that are present. The weights $g$ are plain numbers; the gradient
# flows through the errors.
#
# | what is judged | share |
# |---|---|
# | `values`: value and gradient | 60 % |
# | `absent and ignored`: absent classes; some or all pixels ignored | 40 % |
#
# <details><summary>Hint 1</summary>
#
# Start with one class and one list of pixels. A loop over the classes is fine.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Steps 3 and 4 are `cumsum`, twice, and a difference. If the error of an ignored pixel is
# 0 and its `t` too, it comes last and adds nothing.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Sorting: `errors.sort(descending=True)` gives the order too, for
# `t.gather(...)`; in Keras `order = keras.ops.argsort(-errors)` and
# `keras.ops.take`.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "lovasz_loss_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lovasz_loss(logits, masks):
    ### BEGIN SOLUTION
    p, t, present = p_and_t(logits, masks)
    area = sums(t)
    if FRAMEWORK == "pytorch":
        errors, order = (t - p).abs().flatten(0, 2).sort(0, descending=True)
        true = t.flatten(0, 2).gather(0, order)
        wrong = 1 - (area - true.cumsum(0)) / (area + (1 - true).cumsum(0))
        weights = torch.cat([wrong[:1], wrong.diff(dim=0)])
        return mean_over_present((errors * weights).sum(0), present)
    ops = keras.ops
    errors, true = (ops.reshape(maps, [-1, t.shape[-1]]) for maps in (ops.abs(t - p), t))
    order = ops.argsort(-errors, 0)
    errors, true = (ops.take_along_axis(values, order, 0) for values in (errors, true))
    wrong = 1 - (area - ops.cumsum(true, 0)) / (area + ops.cumsum(1 - true, 0))
    weights = ops.concatenate([wrong[:1], wrong[1:] - wrong[:-1]])
    return mean_over_present(ops.sum(errors * weights, 0), present)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "lovasz_loss", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("lovasz_loss", lovasz_loss, FRAMEWORK)

# %% [markdown]
# ## Look where they push
#
# Each map shows how strongly a loss of yours pushes at each pixel of the scene above: dark means
# strong, and each map has its own scale. The outlines are the rare classes. The percentage says how
# much of the whole push lands on them. Losses that are still open stay out.

# %%
def push_of(loss, *settings):
    """The strength of a loss's gradient at each pixel of the scene, or None."""
    inputs = [made_up[None].astype(np.float32), truth[None], *settings]
    try:
        _, gradient = respond({"kind": "loss", "inputs": inputs}, loss, FRAMEWORK)
    except Exception:
        return None  # still open, or it stops: check says why
    return np.abs(gradient[0]).sum(-1)


if desk:
    weights = class_weights(labels, 13, "median")
    weights = None if weights is None else np.asarray(weights, np.float32)
    push = {
        "cross-entropy": push_of(cross_entropy),
        "weighted": push_of(weighted_cross_entropy, weights),
        "focal, γ = 2": push_of(focal_loss, 2.0),
        "Dice": push_of(dice_loss, 1.0),
        "Tversky 0.1, 0.9": push_of(tversky_loss, 0.1, 0.9),
        "Lovász": push_of(lovasz_loss),
    }
    push = {name: strength for name, strength in push.items() if strength is not None}

# %%
if desk and push:
    figure, axes = figures.canvas(2, 4, height=5)
    figures.draw_mask(axes[0, 0], truth)
    figures.draw_mask(axes[1, 0], made_up.argmax(-1).astype(np.uint8))
    titles = {axes[0, 0]: f"truth; rare: {rare[truth].mean():.0%}", axes[1, 0]: "answer"}
    for axis, (name, strength) in zip(axes[:, 1:].flat, push.items()):
        top = np.quantile(strength, 0.995)
        axis.imshow(strength, cmap="gray_r", vmin=0, vmax=max(top, 1e-12))
        axis.contour(rare[truth], [0.5], colors="#0036d1", linewidths=0.7)
        landed = strength[rare[truth]].sum() / max(strength.sum(), 1e-12)
        titles[axis] = f"{name}: {landed:.0%}"
    for axis in axes.flat:
        axis.set(title=titles.get(axis, "still open"), xticks=[], yticks=[])
    figures.show(
        figure,
        alt="The truth, the answer, and one map for each loss, with the rare classes outlined and "
        "the share of the push on them in the titles: "
        + ", ".join(titles[axis] for axis in axes[:, 1:].flat if axis in titles),
    )

# %% [markdown]
# ## Let two of them train
#
# The same small U-Net, the same batches; only the loss differs. So that it takes no longer than a
# minute, there are three classes, `other`, `road` and `vehicle`, and small pictures. Vehicles are
# the rare class here. `second` is yours to change: another loss, other settings, a sum. Each of the
# two is trained with two seeds, 200 steps each. `RUN = True` starts it.

# %%
RUN = False


def first(logits, masks):
    return cross_entropy(logits, masks)


def second(logits, masks):
    return cross_entropy(logits, masks) + dice_loss(logits, masks, 1.0)


# %%
if desk and RUN:
    from helpers.classes import CHALLENGE
    from helpers.metrics import Confusion

    if FRAMEWORK == "pytorch":
        from helpers.pytorch.predict import predict_masks
        from helpers.pytorch.train import train
        from helpers.pytorch.unet import unet
    else:
        from helpers.keras.predict import predict_masks
        from helpers.keras.train import train
        from helpers.keras.unet import unet
    sizes = {"height": 48, "width": 64}
    small_images, small_labels = scenes(range(120), (0, 20), **sizes)
    new_images, new_labels = scenes(range(1000, 1030), (0, 20), **sizes)
    small_labels, new_labels = map(masks.challenge_classes, (small_labels, new_labels))
    share = np.bincount(small_labels.ravel(), minlength=3) / small_labels.size
    names = dict(zip(CHALLENGE.names, share))
    print("share of the pixels:", ", ".join(f"{n} {part:.1%}" for n, part in names.items()))

# %%
if desk and RUN:
    print(f"{'IoU on new drives':<20}" + "".join(f"{name:>10}" for name in names))
    for loss in (first, second):
        for seed in (0, 1):
            if FRAMEWORK == "pytorch":
                torch.manual_seed(seed)
            else:
                keras.utils.set_random_seed(seed)
            network = unet(3, width=8)
            train(network, small_images, small_labels, 200, 8, 0.01, loss, seed, progress=False)
            iou = Confusion(3).add(new_labels, predict_masks(network, new_images)).iou()
            print(f"{f'{loss.__name__}, seed {seed}':<20}" + "".join(f"{x:10.3f}" for x in iou))

# %% [markdown]
# ## 8 · Which loss would you take? (10 points)
#
# Answer in 150 to 250 words, with numbers from your own pictures and runs.
#
# 1. Which loss spends most of its push on the rare classes, and which least? Explain one of the two
#    from its formula. (3 points)
# 2. Find a place that the network misses although it is sure of its answer. Which losses push there,
#    and which hardly do? Why? (2 points)
# 3. What did you train as `second`, and what did it change for vehicles and for roads? Is the change
#    larger than the difference between two seeds? What may you say, then? (3 points)
# 4. 'A pedestrian must not be missed; false alarms cost little.' Which loss, with which settings?
#    By which measure would you notice that it did more harm than good? (2 points)

# %% [markdown] nbgrader={"grade": true, "grade_id": "analysis", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1 (3 points). Percentages from the student's own figure. For example: plain cross-entropy gives
# every pixel the same say, so its push follows the number of wrong pixels; weighted cross-entropy
# multiplies the push of a pixel by the weight of its class; Dice divides by the size of the class,
# so a small class pushes as much as a large one.
#
# 2 (2 points). A named object. Cross-entropy pushes by p − t, which is 1 where the network is surely
# wrong. The gradient of Dice, Tversky and Lovász goes through the softmax and is multiplied by
# p (1 − p), which is near 0 there. So a sum with cross-entropy is safer than Dice alone.
#
# 3 (3 points). The four numbers, and a fair conclusion: a gap smaller than that between two seeds
# shows nothing; a larger one, with two seeds and 200 steps, is a hint and no proof. In our runs
# cross-entropy alone found no vehicle (IoU 0.00). With Dice added PyTorch's network reached 0.29, and
# that of Keras was still at 0.00. Weights found vehicles at the price of false alarms on the road.
#
# 4 (2 points). Tversky with β > α, or a larger weight for pedestrians. Recall of pedestrians should
# rise; precision, or IoU, tells what it costs. An answer that names the price gets both points.
# ### END SOLUTION

# %% [markdown]
# ## Hand it in
#
# Write your id between the quotes and save the notebook. Then run the cell: it checks that all is there
# and writes the zip. That zip is what you hand in.

# %%
STUDENT = ""  # your id, as your instructor knows it

if desk:
    from helpers.submit import bundle

    print(bundle("losses_and_imbalance.ipynb", student=STUDENT))
