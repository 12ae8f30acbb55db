# %% [markdown]
# # 08 · Training well
#
# The training loss falls and falls. **Is the network getting better?**
#
# In this lesson you watch one that is not. Then you learn what to do about it: measure on
# streets it has not seen, change the pairs at random, keep the best state, start from what
# another network knows. And you learn to find the bugs that raise no error.
#
# Plan about 100 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Write a training loop, and say what a step, a batch and an epoch are.
# - See overfitting in two curves, and measure it on other drives.
# - Augment image and mask together, and tell geometric from photometric changes.
# - Choose a learning rate, and say what the schedule does with it.
# - Repeat a run exactly, stop it, go on, and keep its best state.
# - Predict one image, a folder, and from a checkpoint, in the right mode, with the right
#   scale, on the right device.
# - Start from a trained encoder, frozen or free, and say what it brought.
# - Name the bug behind a symptom.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. A U-Net learns twelve scenes for 400 steps. Guess its mean IoU on these twelve, and on
#    scenes of other drives.
# 2. Your code mirrors an image and forgets the mask. How many pixels get a wrong label? And
#    what does the framework say?
# 3. Which helps more: twelve scenes with augmentation, or sixty without?
# 4. You ask a trained network for the mask of one image. Then you ask again, with seven other
#    images in the same batch. Is it the same mask?

# %% [markdown]
# ## Get ready
#
# One cell loads what the lesson needs.

# %% tags=["torch"]
import json
import signal
import tempfile
from pathlib import Path

import numpy as np
import torch
from IPython.display import Markdown, display
from PIL import Image, ImageFilter

from helpers import checkpoint, figures, masks, where
from helpers.augment import STREET, Augment, draws
from helpers.check import exercise
from helpers.classes import IGNORE
from helpers.data import batches
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.schedule import one_cycle
from helpers.streets import scene, scenes
from helpers.widgets.augmentation import augmentation
from helpers.widgets.training_strip import training_strip

_ = where.set_threads()

# %% tags=["keras"]
import json
import signal
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Markdown, display
from PIL import Image, ImageFilter

from helpers import checkpoint, figures, masks, where
from helpers.augment import STREET, Augment, draws
from helpers.check import exercise
from helpers.classes import IGNORE
from helpers.data import batches
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.schedule import one_cycle
from helpers.streets import scene, scenes
from helpers.widgets.augmentation import augmentation
from helpers.widgets.training_strip import training_strip

_ = where.set_threads()

# %% [markdown]
# And one that knows the framework:

# %% tags=["torch"]
from helpers.predict import main as predict_command
from helpers.pytorch.checkpoint import BEST, load
from helpers.pytorch.losses import cross_entropy_dice
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.train import evaluate, train
from helpers.pytorch.unet import unet


def fresh(seed=0, classes=13, depth=4):
    torch.manual_seed(seed)
    return unet(classes, width=8, depth=depth)


def copy_of(network):
    same = fresh()
    same.load_state_dict(network.state_dict())
    return same


def logits_of(network, images):
    """Logits as a NumPy array N×H×W×13, in the mode that the network is in."""
    with torch.no_grad():
        return network(tensor(images)).permute(0, 2, 3, 1).numpy()


# %% tags=["keras"]
from helpers.keras.checkpoint import BEST, load
from helpers.keras.losses import cross_entropy_dice
from helpers.keras.predict import predict_masks
from helpers.keras.train import evaluate, train
from helpers.keras.unet import unet
from helpers.predict import main as predict_command


def fresh(seed=0, classes=13, depth=4):
    keras.utils.set_random_seed(seed)
    return unet(classes, width=8, depth=depth)


def copy_of(network):
    same = fresh()
    same.set_weights(network.get_weights())
    return same


def logits_of(network, images, training=False):
    """Logits as a NumPy array N×H×W×13, in one mode or the other."""
    return np.asarray(network(images / np.float32(255), training=training))


# %% tags=["keras"]
import keras  # after helpers.keras, which chooses the backend
import tensorflow as tf

# %% [markdown]
# The data: **twelve** scenes to learn from, each of a drive of its own. That is little, on
# purpose: a radiologist may have outlined twelve scans, and no more will come. To judge by,
# there are 40 scenes of other drives, 20 for **validation** while you choose and 20 for the
# **test** at the end. And there is a third kind, which will teach you something: the same
# twelve drives, five frames later.

# %%
SIZE = {"height": 64, "width": 96}
images, truths = scenes(range(12), (0,), **SIZE)
near_images, near_truths = scenes(range(12), (5,), **SIZE)
other_images, other_truths = scenes(range(1000, 1040), (0,), **SIZE)
valid_images, valid_truths = other_images[::2], other_truths[::2]
test_images, test_truths = other_images[1::2], other_truths[1::2]
few = images, truths

figures.grid(
    [images[6], near_images[6], test_images[3]],
    ["one of the twelve", "its drive, five frames later", "another drive"],
    alt="Three small street scenes. The second is nearly the first one, seen from a "
    "little further on. The third is another street.",
)
assert images.shape == (12, 64, 96, 3) and len(valid_images) == len(test_images) == 20

# %% [markdown]
# ## The loop: step, batch, epoch
#
# Training is one loop, and every library has the same one inside. Take some pairs, a
# **batch**. Predict. Compute the loss. Compute its gradient for each weight. Move each weight
# a little against its gradient. That was one **step**. After all pairs have been seen once,
# one **epoch** is over.
#
# With 12 pairs and batches of 4, an epoch has 3 steps. Lessons 05 to 07 called `train`. Here
# is the loop itself:

# %% tags=["torch"]
def learn(network, pairs, steps, rate, loss=cross_entropy_dice, after=None, frozen=()):
    """`rate` gives the learning rate for the part, 0 to 1, that is done."""
    free = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(free, weight_decay=0.004)
    network.train()
    for part in frozen:
        part.eval()
    history = []
    for step in range(steps):
        x, truth = next(pairs)  # a batch
        logits = network(tensor(x))  # predict
        value = loss(logits, torch.from_numpy(truth).long())
        optimizer.zero_grad()  # forget the last gradient
        value.backward()  # a gradient for each weight
        optimizer.param_groups[0]["lr"] = rate(step / steps)
        optimizer.step()  # move the weights
        history.append(value.item())
        if after:
            after(step + 1, history)
    network.eval()
    return history


# %% tags=["keras"]
def learn(network, pairs, steps, rate, loss=cross_entropy_dice, after=None):
    """`rate` gives the learning rate for the part, 0 to 1, that is done."""
    optimizer = keras.optimizers.AdamW(weight_decay=0.004)
    optimizer.build(network.trainable_variables)

    @tf.function  # built once, then fast
    def update(x, truth):
        with tf.GradientTape() as tape:
            logits = network(tf.cast(x, tf.float32) / 255, training=True)  # predict
            value = loss(logits, tf.cast(truth, tf.int32))
        gradients = tape.gradient(value, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)  # move the weights
        return value

    history = []
    for step in range(steps):
        optimizer.learning_rate = rate(step / steps)
        history.append(float(update(*next(pairs))))  # a batch
        if after:
            after(step + 1, history)
    return history


# %% [markdown] tags=["torch"]
# `train()` and `eval()` switch between two modes; `frozen` will be needed for transfer
# learning. Sections on both follow. The optimizer is AdamW: it scales each weight's step by
# how large its gradients have been lately. (The W is for weight decay: each step also pulls
# all weights a little towards 0.)

# %% [markdown] tags=["keras"]
# `training=True` is one of two modes; a section on them follows. In Keras you would mostly
# write `model.compile(…)` and `model.fit(…)`; inside, `fit` does just this. The optimizer is
# AdamW: it scales each weight's step by how large its gradients have been lately. (The W is for
# weight decay: each step also pulls all weights a little towards 0.)

# %% [markdown]
# `batches` deals the pairs, shuffled anew in each epoch. Count one epoch:

# %%
pairs = batches(*few, batch=4, seed=0, augment=Augment())  # Augment(): change nothing
dealt = [next(pairs) for _ in range(3)]
print("a batch:", dealt[0][0].shape, dealt[0][1].shape)
seen = {image.tobytes() for x, _ in dealt for image in x}
print(f"{len(dealt)} batches showed {len(seen)} different scenes: one epoch")
assert len(seen) == 12 and 400 // 3 == 133

# %% [markdown]
# ## Overfitting: two curves that part
#
# **Predict first** (question 1). Now train for 400 steps, which are 133 epochs. Every 25
# steps, look at the loss on the validation scenes too. Those are never trained on.


# %%
def peak(done):
    return 0.01 * one_cycle(done)  # a section below is about this


def watched(network, each=25):
    """A list for (step, mean IoU, loss) in validation, and a function that fills it."""
    rows = []

    def look(step, history):
        if step % each == 0:
            rows.append((step, *evaluate(network, valid_images, valid_truths)))

    return rows, look


memorised = fresh()
validation, look = watched(memorised)
losses = learn(memorised, pairs, 400, peak, after=look)
print(f"loss: {np.mean(losses[:10]):.2f} at first, {np.mean(losses[-10:]):.2f} at last")

# %%
validation_steps, validation_iou, validation_loss = map(
    np.array, zip(*validation, strict=True)
)
smooth = np.convolve(losses, np.ones(15) / 15, "valid")
figures.curves(
    {
        "training: the twelve scenes": (np.arange(15, 401), smooth),
        "validation: other drives": (validation_steps, validation_loss),
    },
    alt="Two curves over 400 steps. The training loss falls all the way. The "
    "validation loss falls with it at first, then stays where it is, far above.",
    xlabel="step",
    ylabel="loss",
)
lowest = int(validation_steps[validation_loss.argmin()])
gap = validation_loss[-1] / smooth[-1]
print(f"validation loss: lowest after step {lowest}, {gap:.1f} × training loss at last")

# %% tags=["test"]
assert gap > 1.4, (validation_loss, smooth[-1])

# %% [markdown]
# First both fall: what is learnt about the twelve holds for other streets too. Then they
# part. The training loss goes on falling, and the validation loss does not. What is learnt
# now is true of these twelve pictures alone: *this* tree, *that* window. It is called
# **overfitting**, or learning by heart.
#
# So the answer to the question at the top is: **you cannot tell from the training loss.**
# The second curve tells.

# %% [markdown]
# ### The same network, three scores
#
# Now the mean IoU, with a baseline that never looks at an image: the class that was most
# frequent at each pixel of the twelve masks.


# %%
def score(found, truth):
    return Confusion().add(truth, found).mean_iou()


prior = np.stack([(truths == k).sum(0) for k in range(13)]).argmax(0).astype(np.uint8)
blind = score(np.broadcast_to(prior, test_truths.shape), test_truths)
groups = {
    "the twelve": few,
    "their drives, 5 frames on": (near_images, near_truths),
    "other drives": (test_images, test_truths),
}


def scores_of(network):
    return {k: score(predict_masks(network, x), y) for k, (x, y) in groups.items()}


by_heart = scores_of(memorised)
for name, value in by_heart.items():
    print(f"{name:<28}{value:.3f}")
print(f"{'no model, other drives':<28}{blind:.3f}")

# %%
leak = by_heart["their drives, 5 frames on"] - by_heart["other drives"]
display(
    Markdown(
        f"Read it out loud. On what it has learnt the network has a mean IoU of "
        f"**{by_heart['the twelve']:.2f}**, on other drives "
        f"**{by_heart['other drives']:.2f}**: that was question 1. No model at all has "
        f"{blind:.2f}. And on frames of the *same* drives, which it has never seen, "
        f"it has {by_heart['their drives, 5 frames on']:.2f}, which is {leak:+.2f} "
        f"against other drives."
    )
)

# %% tags=["test"]
assert by_heart["the twelve"] > by_heart["other drives"] + 0.1, by_heart
assert leak > 0.02, by_heart
assert by_heart["other drives"] > blind, (by_heart, blind)

# %% [markdown]
# The second number is the dangerous one. Split your frames **at random**, and validation
# consists of such near neighbours: unseen frames of seen streets. It would report the second
# number, and you would believe it. Lesson 02 showed the leak with no network at all; here a
# network profits from it. So **validate by drive**: whole drives go to one side or the other.
#
# Why keep a test set apart from validation? You will use validation to choose: when to stop,
# which rate, which augmentation. Each choice fits your method to those scenes a little. The
# test scenes are looked at once, at the end. (This lesson shows them several times. It may,
# because it chooses nothing by them.)

# %% [markdown]
# ## Augmentation: photometric and geometric
#
# More labelled scenes would be the best cure. What if there are none? Then make the twelve
# look different each time. A mirrored street is a street. So is a darker one, or one seen from a bit
# closer. Such changes come in two kinds:
#
# - **photometric**: hue, saturation, brightness, contrast, blur, noise. They change the light,
#   and no pixel moves.
# - **geometric**: flip, crop, scale, rotate, bend. They move pixels.
#
# Which kind must change the mask too? The white lines are the outlines of the mask.

# %%
photo, photo_truth = (found[0] for found in scenes((6,), (0,), height=144, width=192))
kinds = {
    "as it was": Augment(),
    "brightness, contrast": Augment(brightness=0.6, contrast=0.6),
    "hue, saturation": Augment(hue=60, saturation=0.8),
    "blur, noise": Augment(blur=3, noise=0.2),
    "flip": Augment(flip=1),
    "crop": Augment(crop=40),
    "rotate, scale": Augment(rotate=25, scale=(0.8, 1)),
    "bend (elastic)": Augment(elastic=0.06),
}
views = {name: kind(photo, photo_truth, 2) for name, kind in kinds.items()}


# %%
def outlined(image, mask):
    """The image, with white lines where the mask changes its class."""
    return np.where(masks.outlines(mask)[..., None], np.uint8(255), image)


figures.grid(
    [outlined(*view) for view in views.values()],
    list(views),
    columns=4,
    alt="Eight versions of one street with the outlines of its mask. Above: as it was, "
    "other light, other colours, blurred with noise; the outlines are the same. "
    "Below: mirrored, cropped, turned, bent; the outlines have moved with the street.",
)
same = [name for name, view in views.items() if (view[1] == photo_truth).all()]
print("the mask is as it was:", "; ".join(same))
assert len(same) == 4

# %% [markdown]
# The upper row is photometric: the mask stays. The lower row is geometric: the mask must move
# **with** the image, and by nearest neighbour, since ids cannot be mixed (lesson 02).

# %% [markdown]
# ### One draw for both
#
# Here is a recipe that many tutorials use. Crop 0 to 16 pixels from each side and stretch the
# rest back, mirror half of the pictures, blur with a sigma of 0 to 3. The point is *how* it is
# drawn: **one set of random numbers, used for the image and the mask.**


# %%
def changed(picture, numbers, is_mask):
    """The crop, the flip and (for images) the blur that `numbers` say."""
    top, bottom, left, right = numbers["cut"]
    height, width = picture.shape[:2]
    cut = picture[top : height - bottom, left : width - right]
    cut = cut[:, ::-1] if numbers["mirror"] else cut
    how = Image.Resampling.NEAREST if is_mask else Image.Resampling.BILINEAR
    whole = Image.fromarray(np.ascontiguousarray(cut)).resize((width, height), how)
    if not is_mask:
        whole = whole.filter(ImageFilter.GaussianBlur(numbers["sigma"]))
    return np.array(whole)


def crop_flip_blur(image, mask, seed):
    drawn, _ = draws(seed)  # numbers in [0, 1), each with a name
    sides = ("top", "bottom", "left", "right")
    numbers = {
        "cut": [int(drawn[side] * 17) for side in sides],  # 0 to 16
        "mirror": drawn["mirror"] < 0.5,
        "sigma": float(drawn["blur"]) * 3,
    }
    return changed(image, numbers, False), changed(mask, numbers, True)


# %%
recipe = Augment(crop=16, flip=0.5, blur=3)
agree = []
for seed in range(20):
    ours = crop_flip_blur(photo, photo_truth, seed)
    theirs = recipe(photo, photo_truth, seed)
    assert set(np.unique(ours[1])) <= set(np.unique(photo_truth))  # no id is invented
    agree.append((ours[1] == theirs[1]).mean())
print(f"the helper gives the same mask at {min(agree):.1%} of the pixels or more")
assert min(agree) > 0.97

figures.grid(
    [outlined(*recipe(photo, photo_truth, n)) for n in range(4)],
    [f"seed {n}" for n in range(4)],
    columns=4,
    alt="Four versions of the street, cropped, some of them mirrored, blurred more or "
    "less. In each one the outlines of the mask follow the street.",
)

# %% [markdown]
# `Augment(crop=16, flip=0.5, blur=3)` is the same recipe in one line. (At the borders of
# regions the two round differently.) A recipe has a scale in it: 16 pixels and a sigma of 3 were meant
# for photos of several hundred pixels. Sixteen of our 64 rows are a quarter.

# %% [markdown]
# <details><summary>What you will read elsewhere: imgaug</summary>
#
# Many tutorials use **imgaug** for this recipe: `to_deterministic()` fixes the draw, then it
# is applied to image and mask. The idea is right. The library is no longer kept: its last
# version, 0.4, asks NumPy for `np.sctypes`, which NumPy 2 does not have, so it stops at the
# import. The next cell shows it.
#
# The same tutorials set the number of classes to `np.max(mask) + 1`, image by image. Then a
# scene without a sign has fewer classes than the next one. The number of classes belongs to
# the label scheme, not to a picture.
#
# </details>

# %%
print("np.sctypes is there:", hasattr(np, "sctypes"))
highest = [int(truth.max()) + 1 for truth in truths]
print("'number of classes' of the twelve scenes:", highest)
assert not hasattr(np, "sctypes") and len(set(highest)) > 1

# %% [markdown]
# Twelve scenes of one label scheme with 13 classes, and the rule gives several answers.

# %% [markdown]
# ### The explorer: paired and mis-paired
#
# Every strength has a slider. Begin with *Street*, then move one at a time, and go through the
# seeds. Then take away *The mask moves with the image*. That is the bug of question 2, live:
# the wrong pixels are counted below.

# %%
explorer = augmentation(
    photo,
    photo_truth,
    Augment(flip=1),
    alt="A street scene with sliders for each strength of augmentation, and its mask "
    "beside it.",
)
explorer

# %%
flipped_only = [(truth != truth[:, ::-1]).mean() for truth in truths]
print("image mirrored, mask not: wrong pixels in the twelve scenes")
print("  " + " ".join(f"{share:.0%}" for share in flipped_only))
print(f"  mean {np.mean(flipped_only):.0%}")
assert 0.25 < np.mean(flipped_only) < 0.6

# %% [markdown]
# That was question 2. Not all pixels, because streets are nearly symmetrical: sky above, road
# below, on both sides. And the framework says **nothing**. The shapes fit, the ids are legal,
# the loss falls. You find such a bug by looking at augmented pairs *before* you train, and in
# no other way that is as cheap.
#
# Also look at how strong it is. If *you* can no longer label the picture, the network can't
# either. And not every change is true to the world: a street never stands on its head, a digit
# 6 mirrored is no digit. The authors of the U-Net had 30 images of nerve tissue under the
# microscope, and bent them strongly. Tissue bends; houses do not. So `STREET`, the course's set for streets, has no
# bending. (`train` and `batches` without `augment=` mirror half of the pairs. `Augment()` changes
# nothing at all.)

# %%
print(STREET)

# %% [markdown]
# ## The same twelve scenes, augmented
#
# Same network, same start, same 400 steps, same rate. Only the pairs change, at each step
# anew. While it trains, the strip below grows. Every 16 epochs it shows what the network says of
# one validation scene, and the mean IoU of that scene. Drag along it afterwards. (It takes about
# 20 seconds.)

# %%
strip = training_strip(
    valid_images[4],
    valid_truths[4],
    alt="The prediction of a validation scene after every 16 epochs, with the outlines "
    "of its truth.",
)
augmented = fresh()
validation_2, look_2 = watched(augmented)


def look_and_show(step, history):
    look_2(step, history)
    if step % 48 == 0:
        mask = predict_masks(augmented, valid_images[4:5])[0]
        strip.add(step // 3, mask, np.mean(history[-48:]))  # 3 steps are an epoch


losses_2 = learn(
    augmented, batches(*few, 4, 0, STREET), 400, peak, after=look_and_show
)

# %% [markdown]
# Look at the order. What is large and lies at the same place in each street, such as sky and
# road, comes early. Shapes follow, and thin things come last, if at all.

# %%
names = ("off", "augmented")
figure, axes = figures.canvas(1, 2, height=4)
for axis, name, history, rows in zip(
    axes[0], names, (losses, losses_2), (validation, validation_2), strict=True
):
    smooth_2 = np.convolve(history, np.ones(15) / 15, "valid")
    steps, _, values = zip(*rows, strict=True)
    axis.plot(np.arange(15, 401), smooth_2, color="#0036d1", label="training")
    axis.plot(steps, values, "o--", color="#9a4529", markersize=4, label="validation")
    axis.set(title=name, xlabel="step", ylim=(0, 3))
    axis.grid(alpha=0.3)
    axis.legend()
axes[0, 0].set_ylabel("loss")
figures.show(
    figure,
    alt="Left, without augmentation: training and validation loss part. Right, with "
    "it: the two stay close together, and the training loss ends much higher.",
)

# %%
with_street = scores_of(augmented)
print(f"{'mean IoU':<28}{'off':>8}{'street':>10}")
for name in groups:
    print(f"{name:<28}{by_heart[name]:8.3f}{with_street[name]:10.3f}")
apart = [d["the twelve"] - d["other drives"] for d in (by_heart, with_street)]
display(
    Markdown(
        f"Read it out loud. Without augmentation the twelve and the other drives are "
        f"**{apart[0]:.2f}** apart, with it **{apart[1]:.2f}**. On other drives it is "
        f"{by_heart['other drives']:.3f} without and "
        f"**{with_street['other drives']:.3f}** with it."
    )
)

# %% tags=["test"]
assert apart[1] < apart[0] - 0.05, (by_heart, with_street)
assert with_street["other drives"] < by_heart["other drives"] + 0.01

# %% [markdown]
# Two things have happened. The **gap is much smaller**: it is hard to learn by heart what never
# comes twice. But look at the last two numbers: on other drives nothing is gained. The task has
# become *harder*, and 400 steps are few for it: in the right plot the two curves stay together,
# but the training loss is still high at the end. So do not judge augmentation by a short run.
# The next section has longer ones.

# %% [markdown]
# ## More scenes, or more augmentation?
#
# **Predict first** (question 3). Here is the comparison that takes longer than a lesson: 12,
# 60 and 300 scenes, each of a drive of its own, always the same number of steps, three seeds.
# A seed draws other drives, another start and another order.

# %%
stored = json.loads(where.stored("results/augmentation.json").read_text())
steps = stored["values"]["training steps"][0]
runs = {name: np.array(each) for name, each in stored["values"].items()}
no_model = runs["no model: new drives"].mean()
print(f"{steps} steps with batches of 8, seeds {stored['seeds']}")
print(f"{stored['minutes']:.0f} minutes on one core: {stored['command']}\n")
print(f"{'mean IoU':<24}{'seen':>8}{'new drives':>14}")
print(f"{'no model':<24}{'':>8}{no_model:>10.3f}")
for name in [f"{n} scenes, {k}" for n in (12, 60, 300) for k in ("off", "street")]:
    on_seen, on_new = runs[f"{name}: seen"], runs[f"{name}: new drives"]
    ends = f"{on_new.min():.3f}–{on_new.max():.3f}"
    print(f"{name:<24}{on_seen.mean():>8.3f}{on_new.mean():>10.3f}   {ends}")
assert all(len(run) == 3 for run in runs.values())

# %%
new = {
    (n, kind): runs[f"{n} scenes, {kind}: new drives"]
    for n in (12, 60, 300)
    for kind in ("off", "street")
}
own = {key: runs[f"{key[0]} scenes, {key[1]}: seen"] for key in new}


def lines_of(axis, scores, title):
    """Mean, lowest and highest of three seeds over the number of scenes."""
    looks = {"off": ("#9a4529", "o--"), "street": ("#0036d1", "s-")}
    for kind, (colour, mark) in looks.items():
        each = np.array([scores[n, kind] for n in (12, 60, 300)])
        middle = each.mean(1)
        ends = [middle - each.min(1), each.max(1) - middle]
        look = dict(color=colour, fmt=mark, capsize=5, label=kind)
        axis.errorbar((12, 60, 300), middle, ends, **look)
    axis.set(title=title, xlabel="scenes", xscale="log", ylim=(0, 1.05))
    axis.set_xticks((12, 60, 300), ("12", "60", "300"))
    axis.minorticks_off()
    axis.grid(alpha=0.3)


# %%
figure, axes = figures.canvas(1, 2, height=4.2)
lines_of(axes[0, 0], own, "judged on the scenes it has seen")
lines_of(axes[0, 1], new, "judged on new drives")
axes[0, 1].axhline(no_model, color="black", linestyle=":", label="no model")
axes[0, 0].set_ylabel("mean IoU")
axes[0, 1].legend()
figures.show(
    figure,
    alt="Two plots of mean IoU over the number of scenes, with and without "
    "augmentation: on the scenes seen in training, and on new drives. There: "
    + ", ".join(f"{n} {kind} {run.mean():.2f}" for (n, kind), run in new.items())
    + ".",
    caption="markers: mean of three seeds; whiskers: lowest and highest",
)

# %%
def verdict(a, b):
    """In words, how two rows of three seeds compare; the seeds share their drives."""
    each = a - b
    if (each > 0).all() or (each < 0).all():
        return f"{each.mean():+.3f}, with the same sign in each seed"
    return f"{each.mean():+.3f}, but not with the same sign in each seed"


lines = [
    f"With {n} scenes augmentation changes the mean IoU on new drives by "
    f"{verdict(new[n, 'street'], new[n, 'off'])}."
    for n in (12, 60, 300)
]
better = "more" if new[60, "off"].mean() > new[12, "street"].mean() else "less"
lines.append(
    f"Question 3: sixty scenes without augmentation have {new[60, 'off'].mean():.3f}, "
    f"twelve with it {new[12, 'street'].mean():.3f}. Five times the scenes are worth "
    f"**{better}** than augmentation."
)
display(Markdown("Read it out loud. " + " ".join(lines)))

# %%
gaps = {key: (own[key] - new[key]).mean() for key in new}
for n in (12, 60, 300):
    print(f"{n:>3} scenes: each is seen {steps * 8 / n:.0f} times; gap", end=" ")
    print(f"{gaps[n, 'off']:.2f} without augmentation, {gaps[n, 'street']:.2f} with it")
assert (new[12, "street"] > new[12, "off"]).all()
assert (new[60, "street"] < new[60, "off"]).all()
assert (new[300, "street"] < new[300, "off"]).all()
assert own[12, "off"].min() > 0.98 and new[60, "off"].min() > new[12, "street"].max()
assert gaps[60, "off"] > 0.3 and gaps[60, "street"] < 0.05 and gaps[300, "off"] < 0.1

# %% [markdown]
# **Twelve scenes.** Each one is seen more than 500 times, and the network knows them by heart:
# more than 0.98 on them, with each seed, and a third of that on new drives. Here augmentation
# helps, with each seed.
#
# **300 scenes.** Each one is seen some 20 times. That is too few to learn them by heart, so there
# is little overfitting to fight. Augmentation only makes the task harder, and at this number of
# steps the score *falls*, with each seed.
#
# **Sixty scenes** are the case to learn from. Without augmentation the gap is wide. Augmentation
# closes it, *and the score on new drives falls*, with each seed. The gap is closed from the wrong
# side: the network has become worse on the scenes that it has seen. It met each of them a hundred
# times, never twice the same, and that was too little to learn them.
#
# So the rule is not 'always augment', and it is not 'augment where there is a gap'. A gap says
# that augmentation *may* help. Whether it does, with the steps that you have, only the score on
# new drives says. A closed gap is not the aim.
#
# And sixty scenes beat twelve augmented ones by far. New drives bring something that no
# augmentation has: streets that the twelve do not show. A mirrored, darkened house is still the
# same house.
#
# ### Which kind, and how strong?
#
# Which *kind* does the work? For twelve scenes, the same comparison with geometry alone, with
# photometry alone, and with a set that is far stronger than `STREET`:

# %%
def bars_of_runs(rows, no_model):
    """One bar for each row, name → three seeds."""
    figure, axes = figures.canvas(height=1.2 + 0.45 * len(rows))
    for n, each in enumerate(rows.values()):
        middle = each.mean()
        ends = [[middle - each.min()], [each.max() - middle]]
        axes[0, 0].barh(n, middle, color="#93afe8", edgecolor="black", hatch="/" * n)
        axes[0, 0].errorbar(middle, n, xerr=ends, color="black", capsize=6)
        axes[0, 0].plot(each, [n] * 3, "o", color="#9a4529", markersize=5)
        place = dict(xytext=(8, 0), textcoords="offset points", va="center")
        axes[0, 0].annotate(f"{middle:.3f}", (each.max(), n), fontsize=11, **place)
    axes[0, 0].axvline(no_model, color="black", linestyle=":")
    axes[0, 0].set_yticks(range(len(rows)), list(rows))
    axes[0, 0].set(xlabel="mean IoU on new drives", xlim=(0, 0.6))
    axes[0, 0].invert_yaxis()
    said = ", ".join(f"{name} {each.mean():.3f}" for name, each in rows.items())
    figures.show(
        figure,
        alt=f"Bars of mean IoU on new drives: {said}; no model {no_model:.3f}.",
        caption="bar: mean; dots: single runs; dotted line: no model",
    )


# %%
kinds_12 = ("off", "photometric only", "geometric only", "street", "strong")
of_kind = {kind: runs[f"12 scenes, {kind}: new drives"] for kind in kinds_12}
bars_of_runs(of_kind, no_model)

# %%
best_kind = max(of_kind, key=lambda k: of_kind[k].mean())
changes = [
    f"{kind}: {verdict(of_kind[kind], of_kind['off'])}" for kind in kinds_12[1:]
]
display(
    Markdown(
        "Read it out loud. Against no augmentation, " + "; ".join(changes) + ". The "
        f"highest mean has **{best_kind}**."
    )
)
assert (of_kind["geometric only"] > of_kind["off"]).all() and best_kind == "street"
assert (of_kind["strong"] < of_kind["off"]).all()
assert runs["12 scenes, photometric only: seen"].min() > 0.98

# %% [markdown]
# Geometry does the work here, alone and in `STREET`. Photometry alone stops nothing: such a network
# still knows the twelve by heart. And too strong is a bit worse than none: whoever must cope with
# everything at once does not get to the end in these steps.
#
# What you may say, and what you may not:
#
# - Hold each change against the whiskers. With three seeds you see large differences only. 'The
#   same sign in each seed' is a hint and no proof: three coins fall alike one time in four.
# - All rows had the same number of **steps**. The augmented networks are not done by then: their
#   score on the scenes seen is still low. With many more steps they may gain, and with 300 scenes
#   they may overtake. That was not measured here.
# - These are drawn streets and a small network. On other data, with other cameras, photometry
#   may matter more. Measure again.

# %% [markdown]
# ## The learning rate: find one
#
# Each step moves the weights by the learning rate times something like the sign of the
# gradient (AdamW does about that). Too small, and you wait for ever. Too large, and each step
# jumps over the valley. It is the one number that you always have to choose.
#
# A cheap way to choose (after Smith, 2015): start tiny, multiply the rate at every step, and watch
# the loss. From 0.00001 towards 1 in 80 steps:


# %%
def rising(done):
    return 1e-5 * 1e5**done


tried = fresh(seed=1)
found = np.array(learn(tried, batches(*few, 4, 1, STREET), 80, rising))
rates = np.array([rising(n / 80) for n in range(80)])


def smoothed(values, keep=0.8):
    """An average that forgets: each new value counts 1 − keep."""
    total, result = values[0], []
    for value in values:
        total = keep * total + (1 - keep) * value
        result.append(total)
    return np.array(result)


# %%
curve = smoothed(found)
lowest = int(curve.argmin())
figure, axes = figures.canvas(height=3.6)
axes[0, 0].semilogx(rates, found, ".", color="#93afe8", label="each step")
axes[0, 0].semilogx(rates, curve, color="#0036d1", label="smoothed")
axes[0, 0].axvline(rates[lowest] / 10, color="#9a4529", ls="--", label="a tenth")
axes[0, 0].set(xlabel="learning rate", ylabel="loss", ylim=(0, 2 * found[0]))
axes[0, 0].legend()
figures.show(
    figure,
    alt="The loss over the learning rate, which rises from 0.00001 to 1. At first the "
    "loss is flat, then it falls, and beyond its lowest point it gets unruly.",
)

# %%
display(
    Markdown(
        f"Read it out loud. Below {rates[20]:.4f} nothing happens. The smoothed loss "
        f"is lowest at a rate of {rates[lowest]:.3f}. There it is already about to "
        f"break: take a tenth of it, here **{rates[lowest] / 10:.3f}**. The course "
        f"trains with a peak of 0.01."
    )
)

# %% tags=["test"]
assert 0.003 < rates[lowest] <= 1, rates[lowest]

# %% [markdown]
# The number is rough. The valley of this curve is flat, and where exactly it is lowest is luck:
# try `fresh(seed=2)` and `fresh(seed=3)`, and it may move by a factor of three or more. It
# protects you from being wrong by a factor of a hundred. ('A tenth of the lowest' is a rule of
# thumb. Smith's paper takes two rates from such a run: where things begin to get better, and where
# that ends.)

# %% [markdown]
# ### The schedule: up, then down
#
# One rate for the whole training is a compromise. At the start the weights are random and the
# gradients wild: go slowly. In the middle, go fast. At the end you want to settle in the
# valley and no longer jump across it: go ever more slowly. That is the **one-cycle schedule** of
# Smith and Topin (2017). Theirs comes down along straight lines. The one here, like the one in
# most libraries, comes down along half a cosine (Loshchilov and Hutter, 2016). With d, the part
# of the training that is done:
#
# $$r(d) = r_\text{peak} \cdot \begin{cases} 0.04 + 0.96\,\dfrac{d}{0.15} & d < 0.15 \\[2mm]
# \tfrac12 + \tfrac12 \cos\!\left(\pi\,\dfrac{d - 0.15}{0.85}\right) & d \ge 0.15 \end{cases}$$


# %%
def cycle(done):
    if done < 0.15:
        return 0.04 + 0.96 * done / 0.15
    return 0.5 + 0.5 * np.cos(np.pi * (done - 0.15) / 0.85)


parts = np.linspace(0, 1, 200)
assert np.allclose([cycle(d) for d in parts], [one_cycle(d) for d in parts])
print(f"start {cycle(0):.2f}, peak {cycle(0.15):.2f}, ", end="")
print(f"half-way down {cycle(0.575):.2f}, end {cycle(1):.2f}")
assert np.isclose(cycle(0.575), 0.5) and np.isclose(cycle(1), 0)

# %%
looks, _, look_loss = map(np.array, zip(*validation_2, strict=True))
moves = np.abs(np.diff(look_loss))
middle, end = moves[4:10].mean(), moves[-3:].mean()

figure, axes = figures.canvas(1, 2, height=3.4)
axes[0, 0].plot(parts, [one_cycle(d) for d in parts], color="#0036d1")
axes[0, 0].set(xlabel="part that is done", ylabel="factor on the peak rate")
axes[0, 1].plot(looks, look_loss, "o--", color="#9a4529")
axes[0, 1].set(xlabel="step", ylabel="validation loss", ylim=(0, None))
figures.show(
    figure,
    alt="Left: the factor rises from 0.04 to 1 in the first 15 percent, then falls "
    "along half a cosine to 0. Right: the validation loss of the augmented training, "
    "up and down in the middle, calm at the end.",
    caption="left: the schedule; right: the augmented training from above",
)
print(f"from look to look it moves by {middle:.3f} in the middle, {end:.3f} at the end")

# %% tags=["test"]
assert end < middle, moves

# %% [markdown]
# In the middle, at a high rate, each look finds the network somewhere else in the valley. At the
# end, with small steps, it has settled. Mind what follows from it: **the schedule must know the
# length.** Half-way, the rate is still high; stop there, and you have stopped in mid-jump. So
# compare networks at the *end* of their schedules, never at the same step of different ones.

# %% [markdown]
# ## Seeds: the same run again
#
# Random numbers go into the start of the weights, the order of the pairs, and the
# augmentation. Fix them all, and you can repeat a run. Three short trainings of a small network:

# %%
def eight_steps(seed):
    network = fresh(seed, depth=1)
    return learn(network, batches(*few, 4, seed, STREET), 8, peak)


first, again, another = eight_steps(0), eight_steps(0), eight_steps(1)
print("seed 0      ", np.round(first, 4))
print("seed 0 again", np.round(again, 4))
print("seed 1      ", np.round(another, 4))
difference = np.abs(np.subtract(first, again)).max()
print(f"largest difference of the first two: {difference:.1e}")
assert difference < 1e-3 < np.abs(np.subtract(first, another)).max()

# %% [markdown]
# On one thread of one machine the same seed gives the same losses. Not everywhere: more
# threads or a GPU add up in another order, rounding differs, and after a thousand steps the
# two runs are different networks. So write down seed *and* machine, and never bet on one run.
# **Another seed is another sample.** It is how you learn what a difference is worth.

# %% [markdown]
# ## Epochs and checkpoints
#
# A training may take days, and machines fail. `train`, the helper, has the loop from above and
# three things more, each one argument:
#
# - `epochs=` or `steps=`: how long. One epoch shows every pair once.
# - `validation=`: pairs to be judged on, after every epoch or every so many steps.
# - `folder=`: where to keep the **best** state so far and the **last** one.
#
# Why two? They are for two purposes. The *best* one, by validation, is what you use. The
# *last* one, with the averages of the optimizer and the random state, is what you **resume**
# from.

# %%
work = Path(tempfile.mkdtemp(prefix="training-"))
settings = dict(batch=4, epochs=16, learning_rate=0.01, augment=STREET, progress=False)
settings |= dict(validation=(valid_images, valid_truths), every=12)

whole = train(fresh(depth=2), *few, **settings)
print(f"{len(whole)} steps; validated after {[row[0] for row in whole.validation]}")
assert len(whole) == 16 * (12 // 4) == 48

# %% [markdown]
# Now the same training, but somebody presses *stop* in epoch 8. The class below does it by
# program: it augments as `STREET` does, and sends the signal that Ctrl-C sends.


# %%
class PressStop:
    pressed = False

    def __call__(self, image, mask, seed):
        if seed[1] == 8 and not self.pressed:  # seed is (seed, epoch, index)
            PressStop.pressed = True
            signal.raise_signal(signal.SIGINT)
        return STREET(image, mask, seed)

    def __repr__(self):
        return repr(STREET)


pressing = settings | {"augment": PressStop()}
stopped = train(fresh(depth=2), *few, **pressing, folder=work)
print(f"stopped after {len(stopped)} steps; interrupted: {stopped.interrupted}")
print("in the folder:", sorted(path.name for path in work.iterdir()))
assert stopped.interrupted and len(stopped) < 48

# %% [markdown]
# Call it again with the same settings, on a *fresh* network. It finds the folder and goes on.

# %%
resumed = train(fresh(depth=2), *few, **settings, folder=work)
difference = max(abs(a[1] - b[1]) for a, b in zip(whole, resumed, strict=True))
print(f"{len(resumed)} steps; off the undisturbed run by up to {difference:.1e}")
assert len(resumed) == 48

# %% tags=["test"]
assert difference < 1e-3, difference

# %% [markdown]
# As if nothing had happened, because *everything* was kept: weights, the averages of AdamW, the
# position in the schedule, the random state. The command line does the same. Press Ctrl-C, and
# the same command goes on:
#
# ```
# python -m helpers.train PAIRS --epochs 40 --augment street --out training
# ```
#
# It also splits by drive and writes an ONNX file at the end.
#
# And if you keep the weights alone? Then two things are lost: the averages of AdamW, and the place
# in the schedule. Take the weights of the long training without augmentation, and let them learn
# on for 40 steps, with a cold optimizer and at a rate of 0.01 again:

# %%
weights_alone = copy_of(memorised)
after_that, look_5 = watched(weights_alone, each=5)
anew = batches(*few, 4, 9, Augment())
learn(weights_alone, anew, 40, lambda done: 0.01, after=look_5)
jump = [row[2] for row in after_that]

figure, axes = figures.canvas(height=3.2)
axes[0, 0].plot(validation_steps, validation_loss, "o-", color="#0036d1")
axes[0, 0].plot([400 + row[0] for row in after_that], jump, "s--", color="#9a4529")
axes[0, 0].axvline(400, color="black", linestyle=":")
axes[0, 0].set(xlabel="step", ylabel="validation loss", ylim=(0, None))
figures.show(
    figure,
    alt="The validation loss falls and is flat up to step 400. Behind that, gone on "
    "with from the weights alone, it jumps up and comes down again.",
    caption="behind the dotted line: gone on with from the weights alone",
)
print(f"validation loss {validation_loss[-1]:.2f}, then up to {max(jump):.2f}")

# %% tags=["test"]
assert max(jump) > validation_loss[-1] + 0.1, jump

# %% [markdown]
# It jumps. A cold AdamW has no averages yet, so its first step moves *every* weight by the full
# rate, however small the gradient; and the rate is high. Then the loss comes down again: some
# steps have gone into learning what was known. (Which of the two did it? One run does not tell.
# Set the rate to 0.0001, and look.)
#
# Which state is the best? Look at the validation of the long training above:

# %%
best_row = int(validation_iou.argmax())
print("step     " + "".join(f"{step:>7}" for step in validation_steps[3::2]))
print("mean IoU " + "".join(f"{iou:>7.3f}" for iou in validation_iou[3::2]))
print("loss     " + "".join(f"{loss:>7.3f}" for loss in validation_loss[3::2]))
print(f"best mean IoU after step {validation_steps[best_row]}, ", end="")
print(f"lowest loss after step {validation_steps[validation_loss.argmin()]}")

# %% [markdown]
# The two need not agree: a network that is *surely* wrong at few pixels has a high loss and a fair
# IoU. Choose by the number that you will be judged by. And the best of many looks is a bit
# lucky: on the test scenes expect less.
#
# To stop when validation has not improved for a while is called **early stopping**. It saves
# time; with a schedule that ends in small steps, keeping the best state does the same job.

# %% [markdown]
# ## Predict: one image, a folder, from a checkpoint
#
# The training is over, and the notebook is closed. What do you need to use the network
# tomorrow? The weights, *and* how the network is built. `network.json` says that; the command
# line writes it by itself, here it takes a line.

# %% tags=["torch"]
about = {"framework": "torch", "network": "unet"}
about |= {"options": {"classes": 13, "width": 8, "depth": 2}, "height": 64, "width": 96}
checkpoint.describe(work, about)

network = load(work / BEST)  # in a new process as well
one = predict_masks(network, test_images[:1])[0]
print(f"from {BEST}: a mask {one.shape} of {one.dtype}, classes {np.unique(one)}")
assert one.shape == (64, 96)

# %% tags=["keras"]
about = {"framework": "keras", "network": "unet"}
about |= {"options": {"classes": 13, "width": 8, "depth": 2}, "height": 64, "width": 96}
checkpoint.describe(work, about)

network = load(work / BEST)  # in a new process as well
one = predict_masks(network, test_images[:1])[0]
print(f"from {BEST}: a mask {one.shape} of {one.dtype}, classes {np.unique(one)}")
assert one.shape == (64, 96)

# %% [markdown]
# That was one image. For files there is a command, `python -m helpers.predict`. It takes
# one picture or a folder of them, of any size:
#
# ```
# python -m helpers.predict photo.png   out --model training
# python -m helpers.predict my_pictures out --model training
# python -m helpers.predict my_pictures out --model model.onnx
# ```
#
# `training` is the folder of a training. An ONNX file needs neither PyTorch nor Keras. The
# cell calls the same command from Python, for a folder with three photos of 300 × 400:

# %%
pictures, out = work / "pictures", work / "out"
pictures.mkdir(exist_ok=True)
for drive in (1001, 1003, 1005):
    Image.fromarray(scene(drive, 0, height=300, width=400)[0]).save(
        pictures / f"street-{drive}.png"
    )
code = predict_command([str(pictures), str(out), "--model", str(work / BEST)])
for path in sorted(out.iterdir()):
    with Image.open(path) as picture:
        print(path.name, picture.size)
assert code == 0 and len(list(out.iterdir())) == 6

# %% [markdown]
# Two files for each picture: the mask with class ids (in the red channel, as in the Lyft
# data), and an overlay to look at. Look at one:

# %%
street = np.array(Image.open(pictures / "street-1003.png"))
shown = np.array(Image.open(out / "street-1003-overlay.png"))
label = np.array(Image.open(out / "street-1003-mask.png"))
figures.grid(
    [street, label[..., 0], shown],
    ["the photo, 300×400", "ids, red channel", "the overlay"],
    alt="A photo of a street, the mask that the small network predicts in coarse "
    "regions, and the mask laid over the photo.",
)
assert label.shape == (300, 400, 3) and label[..., 1:].max() == 0

# %% [markdown]
# The masks are coarse: this network has seen twelve scenes for 48 steps. And three things
# happened on the way. The photo was resized to the size of the training; the mask was
# resized **back by nearest**; and the pixels were scaled exactly as in training. The next two
# sections are about what goes wrong there.

# %% [markdown]
# ## Two modes: training and evaluation
#
# Batch norm (lesson 04) subtracts a mean and divides by a spread. *Which* mean?
#
# - In **training mode**: that of the batch at hand.
# - In **evaluation mode**: a running average, gathered while training.
#
# Dropout differs too: it drops in training mode only. **Predict first** (question 4), then
# look: one image alone, and the same image in a batch of eight.

# %% tags=["torch"]
trio = {}
for mode in ("eval", "train"):
    memorised.train(mode == "train")
    kept = {k: v.clone() for k, v in memorised.state_dict().items()}
    alone = logits_of(memorised, test_images[:1])[0]
    in_batch = logits_of(memorised, test_images[:8])[0]
    moved = [k for k, v in memorised.state_dict().items() if (v != kept[k]).any()]
    memorised.load_state_dict(kept)
    trio[mode] = alone, in_batch
    print(f"{mode}(): logits differ by up to {np.abs(alone - in_batch).max():.1e}; ")
    print(f"         {len(moved)} arrays of the network were changed by predicting")
_ = memorised.eval()
assert np.allclose(*trio["eval"], atol=1e-3) and len(moved) > 0

# %% tags=["keras"]
trio = {}
for mode in ("eval", "train"):
    kept = memorised.get_weights()
    training = mode == "train"
    alone = logits_of(memorised, test_images[:1], training)[0]
    in_batch = logits_of(memorised, test_images[:8], training)[0]
    pairs_of = zip(kept, memorised.get_weights(), strict=True)
    moved = sum(bool((a != b).any()) for a, b in pairs_of)
    memorised.set_weights(kept)
    trio[mode] = alone, in_batch
    apart_by = np.abs(alone - in_batch).max()
    print(f"training={training}: logits differ by up to {apart_by:.1e};")
    print(f"   {moved} arrays of the network were changed by predicting")
assert np.allclose(*trio["eval"], atol=1e-3) and moved > 0

# %%
changed_classes = [
    (a.argmax(-1) != b.argmax(-1)).mean() for a, b in (trio["eval"], trio["train"])
]
right = [score(trio[mode][0].argmax(-1), test_truths[0]) for mode in ("eval", "train")]
print(f"pixels whose class depends on the batch: evaluation {changed_classes[0]:.1%}, ")
print(f"training mode {changed_classes[1]:.1%}")
print(f"mean IoU of the image alone: {right[0]:.3f} and {right[1]:.3f}")
assert changed_classes[0] < 0.001 < changed_classes[1]

# %% [markdown]
# That was question 4. In evaluation mode it is the same mask. In training mode the answer for
# *your* image depends on who else is in the batch, and predicting even changes the network: the
# running averages move on, with test images in them.

# %% [markdown] tags=["torch"]
# So the three lines of every prediction in PyTorch:
#
# ```python
# model.eval()                    # which means batch norm uses, and no dropout
# with torch.no_grad():           # no record for gradients
#     logits = model(x)
# ```
#
# They are two different things. `eval()` changes the **answer**. `no_grad()` changes what is
# **kept**: without it PyTorch records every map for a backward pass that never comes. How much
# is that, for one batch of eight small scenes?

# %% [markdown] tags=["keras"]
# So in Keras: `model(x, training=False)`, or `model.predict(x)`, which says so by itself.
# Calling `model(x)` on its own in a loop of your own is evaluation too; only inside `fit` is
# training the default. `training=` changes the **answer**.
#
# Another thing is what is **kept**. PyTorch records every map for a backward pass unless you
# forbid it (`torch.no_grad()`). TensorFlow records only inside a `tf.GradientTape`. So predict
# outside of it. How much would the maps be, for one batch of eight small scenes?

# %% tags=["torch"]
kept_bytes = 0


def count(saved):
    global kept_bytes
    kept_bytes += saved.numel() * saved.element_size()
    return saved


x = tensor(test_images[:8])
with torch.autograd.graph.saved_tensors_hooks(count, lambda saved: saved):
    logits = memorised(x)
recorded, kept_bytes = kept_bytes, 0
with torch.no_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda s: s):
    logits_2 = memorised(x)
print(f"recorded: {recorded / 2**20:.0f} MiB; under no_grad: {kept_bytes} bytes")
print("the same logits:", bool(torch.equal(logits, logits_2)))
assert logits.grad_fn is not None and logits_2.grad_fn is None and kept_bytes == 0

# %% tags=["keras"]
every_map = [layer.output for layer in memorised.layers]
probe = keras.Model(memorised.inputs, every_map)
x = test_images[:8] / np.float32(255)
recorded = sum(np.asarray(found).nbytes for found in probe([x], training=False))
print(f"the maps of all {len(every_map)} layers: {recorded / 2**20:.0f} MiB")
assert recorded > 2**23
del probe

# %%
display(
    Markdown(
        f"Read it out loud. One batch of eight scenes of 64 × 96 means "
        f"**{recorded / 2**20:.0f} MiB** of maps; a photo of 640 × 960 has a hundred "
        f"times the pixels of one of them. Kept for nothing, that is how a prediction "
        f"runs out of memory where the training did not."
    )
)

# %% [markdown]
# ## Mean and standard deviation
#
# Everywhere in code for images you will meet six numbers: a mean of 0.485, 0.456, 0.406 and a
# standard deviation of 0.229, 0.224, 0.225. They are the red, green and blue of **ImageNet**, a
# collection of a million photos, in units of [0, 1]. Images are normalised by them:
#
# $$\hat x = \frac{x - \text{mean}}{\text{std}}$$

# %%
mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
x01 = images / 255  # uint8 → [0, 1]
x_hat = (x01 - mean) / std
print("black becomes", ((0 - mean) / std).round(2))
print("white becomes", ((1 - mean) / std).round(2))
print("our scenes: mean", x01.mean((0, 1, 2)).round(2))
print("             std", x01.std((0, 1, 2)).round(2))
assert np.allclose((x_hat * std + mean) * 255, images)  # and back
assert ((0 - mean) / std).min().round(3) == -2.118
assert ((1 - mean) / std).max().round(3) == 2.64

# %% [markdown]
# Do you need them? That depends on **who made the weights**. A first layer with weights W and bias
# b can do the same by itself:
#
# $$W\,\frac{x - m}{s} + b \;=\; \frac{W}{s}\,x + \Big(b - W\,\frac{m}{s}\Big)$$

# %%
random = np.random.default_rng(0)
W, b = random.normal(size=(3, 8)), random.normal(size=8)
normalised_first = x_hat @ W + b
folded = x01 @ (W / std[:, None]) + (b - (mean / std) @ W)
print(f"largest difference: {np.abs(normalised_first - folded).max():.1e}")
assert np.allclose(normalised_first, folded)

# %% [markdown]
# So a network that *you* train from scratch learns it, and [0, 1] is fine. A network that comes
# with weights was trained on one kind of numbers, and you must feed it the same. The encoders
# of the course that can start from ImageNet (`resnet18` and others) do it inside, so that every
# network here takes [0, 1].
#
# In general: **whatever was done to the pixels in training is done once, and only once, at
# prediction.** What happens otherwise? The network from above, fed with four kinds of numbers:

# %% tags=["torch"]
def classes_for(x):
    """The predicted mask for one image float H×W×3, in whatever units."""
    batch = torch.from_numpy(x[None].astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        return memorised(batch)[0].argmax(0).numpy().astype(np.uint8)


# %% tags=["keras"]
def classes_for(x):
    """The predicted mask for one image float H×W×3, in whatever units."""
    logits = memorised(x[None].astype(np.float32), training=False)
    return np.asarray(logits)[0].argmax(-1).astype(np.uint8)


# %%
picture, its_truth = images[6], truths[6]  # one of the twelve
fed = {
    "as in training: 0 to 1": picture / 255,
    "not scaled: 0 to 255": picture * 1.0,
    "scaled twice: 0 to 0.004": picture / 255 / 255,
    "normalised by ImageNet": (picture / 255 - mean) / std,
}
answers = {name: classes_for(x) for name, x in fed.items()}
figures.grid(
    [picture, its_truth, *answers.values()],
    ["a scene that it learnt", "its mask", *answers],
    alt="A scene that the network learnt, its true mask, and the answers to four kinds "
    "of input. Only the first one resembles the mask; the others are mostly wrong.",
)
for name, found in answers.items():
    print(f"{name:<26}mean IoU {score(found, its_truth):.3f}")

# %% tags=["test"]
fed_scores = [score(found, its_truth) for found in answers.values()]
assert fed_scores[0] > max(fed_scores[1:]) + 0.15, fed_scores

# %% [markdown]
# No error in any of them, even for a scene that it knows by heart.

# %% [markdown]
# ## Device
#
# Arrays live in the memory of the processor (CPU) or of a graphics card (GPU). Both sides of a
# multiplication must be in the same place.

# %% tags=["torch"]
device = "cuda" if torch.cuda.is_available() else "cpu"
model = memorised.to(device)  # moves the weights
batch = tensor(test_images[:2]).to(device)  # and these must follow
with torch.no_grad():
    answer = model(batch).argmax(1).cpu().numpy()  # back, for NumPy
print(f"computed on {next(model.parameters()).device}, an array {answer.shape}")
memorised.to("cpu")
assert answer.shape == (2, 64, 96)

# %% [markdown] tags=["torch"]
# PyTorch leaves it to you: `model.to(device)` **and** `x.to(device)`. One of them forgotten,
# and it stops with 'Expected all tensors to be on the same device'. Before NumPy, `.cpu()`.
# Saved on a GPU and loaded without one? `torch.load(path, map_location="cpu")`. The files of
# the course hold plain arrays, so they load anywhere.

# %% tags=["keras"]
gpus = tf.config.list_logical_devices("GPU")
with tf.device("GPU:0" if gpus else "CPU:0"):  # only if you must; it chooses by itself
    answer = memorised(test_images[:2] / np.float32(255), training=False)
print(f"{len(gpus)} GPUs; computed on {answer.device[-5:]}, an array {answer.shape}")
answer = np.asarray(answer).argmax(-1)
assert answer.shape == (2, 64, 96)

# %% [markdown] tags=["keras"]
# Keras on TensorFlow chooses by itself: a GPU if it sees one. So there is nothing to write,
# and one thing to check: does it *see* the GPU? `tf.config.list_logical_devices("GPU")` is
# empty when the driver or the version does not fit, and then all goes on, slowly, on the CPU.

# %% [markdown]
# On a shared machine count your cores too. Eight threads on one core are several times
# *slower* than one thread. `where.set_threads()` at the top of each lesson sees to that.

# %% [markdown]
# ## Transfer learning
#
# A network that has learnt one task knows edges, textures and shapes that help with another.
# **Transfer learning** takes its weights as the start. In segmentation one mostly takes the
# *encoder*, the left half, from a network that has learnt to name photos: a ResNet or a VGG
# trained on ImageNet. Then there are two ways to go on:
#
# - **freeze** the encoder, and train the rest. Fast, and less can be learnt by heart.
# - **fine-tune** everything. More can adapt, also to twelve pictures and nothing else.
#
# <details><summary>With weights from ImageNet</summary>
#
# In the course's package it is one line, in both tracks:
#
# ```python
# from helpers.pytorch.pretrained import pretrained   # or helpers.keras.pretrained
# network = pretrained("unet", 13, encoder="resnet18")   # 47 MB, once
# ```
#
# It looks for the file on this machine, then fetches it. With no network it prints where it
# looked, what is missing and how to bring it, and gives you the course's own encoder,
# untrained, so that the notebook goes on. This lesson must run without a network, so it trains
# an encoder itself.
#
# </details>
#
# The **source**: 150 scenes with *coarse* labels. Somebody has painted six groups in a hurry:
# none, buildings and walls, poles and signs, people and vehicles, ground, vegetation. The
# **target** are your twelve scenes with all 13 classes.

# %%
groups_of = np.array([0, 1, 1, 2, 3, 2, 4, 4, 4, 5, 3, 1, 2], np.uint8)  # 13 ids → 6
source_images, source_truths = scenes(range(300, 450), (0,), **SIZE)
coarse = groups_of[source_truths]
source = fresh(seed=5, classes=6)
deal = batches(source_images, coarse, 4, 5, Augment())
source_losses = learn(source, deal, 150, peak)
print(f"coarse loss: {source_losses[0]:.2f} → {np.mean(source_losses[-10:]):.2f}")

in_grey = np.repeat(coarse[5][..., None] * np.uint8(51), 3, axis=-1)
figures.grid(
    [source_images[5], in_grey, source_truths[5]],
    ["a scene of the source", "its six groups, in grey", "the 13 classes (not used)"],
    alt="A scene, its coarse mask in six greys, and its full mask. In the coarse one "
    "road, lines and sidewalk are one grey.",
)

# %% [markdown]
# Now carry it over. Everything fits but the **head**: it had 6 outputs and needs 13, so it
# begins anew.

# %% tags=["torch"]
def carried():
    network = fresh()
    known = source.state_dict().items()
    kept = {name: w.clone() for name, w in known if not name.startswith("head")}
    network.load_state_dict(network.state_dict() | kept)
    return network


frozen_network, free_network = carried(), carried()
encoder = [frozen_network.down, frozen_network.bottom]  # the left half
for part in encoder:
    part.requires_grad_(False)
sizes = {
    "all": sum(w.numel() for w in frozen_network.parameters()),
    "free": sum(w.numel() for w in frozen_network.parameters() if w.requires_grad),
}

# %% tags=["keras"]
def carried():
    network = fresh()
    for ours, theirs in zip(network.layers, source.layers, strict=True):
        if ours.name != "head":
            ours.set_weights(theirs.get_weights())
    return network


frozen_network, free_network = carried(), carried()
for layer in frozen_network.layers:
    if layer.name.startswith(("down", "bottom")):  # the left half
        layer.trainable = False
sizes = {
    "all": sum(int(np.prod(w.shape)) for w in free_network.trainable_weights),
    "free": sum(int(np.prod(w.shape)) for w in frozen_network.trainable_weights),
}

# %%
print(f"{sizes['free']:,} of {sizes['all']:,} weights are free: ", end="")
print(f"{sizes['free'] / sizes['all']:.0%}")
assert sizes == {"all": 486_661, "free": 191_117}

# %% [markdown] tags=["torch"]
# A trap: `requires_grad_(False)` stops the *weights*. The running averages of batch norm are no
# weights. In training mode they go on moving. So a frozen part must also be put into
# evaluation mode; that is what `frozen=` in `learn` does.

# %% [markdown] tags=["keras"]
# A trap elsewhere: the running averages of batch norm are no weights, and in training mode they
# move. In Keras a batch norm with `trainable = False` runs in evaluation mode, so a frozen
# part is really frozen. In other frameworks you must see to it. And with `fit`, set
# `trainable` *before* `compile`.

# %% [markdown]
# Same twelve scenes, same 100 steps for all three:

# %% tags=["torch"]
twelve = {
    "from scratch": (fresh(), []),
    "carried over, encoder frozen": (frozen_network, encoder),
    "carried over, all free": (free_network, []),
}
found = {}
for name, (network, frozen) in twelve.items():
    learn(network, batches(*few, 4, 0, Augment()), 100, peak, frozen=frozen)
    found[name] = predict_masks(network, test_images)
    print(f"{name:<32}mean IoU on other drives {score(found[name], test_truths):.3f}")

# %% tags=["keras"]
twelve = {
    "from scratch": fresh(),
    "carried over, encoder frozen": frozen_network,
    "carried over, all free": free_network,
}
found = {}
for name, network in twelve.items():
    learn(network, batches(*few, 4, 0, Augment()), 100, peak)
    found[name] = predict_masks(network, test_images)
    print(f"{name:<32}mean IoU on other drives {score(found[name], test_truths):.3f}")

# %%
figures.grid(
    [test_images[2], test_truths[2], *(mask[2] for mask in found.values())],
    ["another drive", "truth", *found],
    alt="A scene of another drive, its true mask, and three answers after 100 steps on "
    "twelve scenes: from scratch, with the carried-over encoder frozen, and with all "
    "weights free.",
)

# %% [markdown]
# One run of each, again, and a short one. Here is the stored comparison with three seeds and more
# steps. It has a fourth row, for fairness: the carried networks got the steps of the source on
# top, so one network from scratch gets *twice* the steps.

# %%
stored = json.loads(where.stored("results/transfer.json").read_text())
values = {name: np.array(each) for name, each in stored["values"].items()}
rows = ["from scratch", "from scratch, twice the steps"]
rows += ["carried over, encoder frozen", "carried over, all free"]
bars_of_runs({name: values[name] for name in rows}, values["no model"].mean())

# %%
scratch, longer, frozen, free = (values[name] for name in rows)
display(
    Markdown(
        f"Read it out loud. After {values['steps on the target'][0]} steps on the "
        f"twelve scenes, from scratch has {scratch.mean():.3f}. Carried over, with the "
        f"encoder frozen: {verdict(frozen, scratch)}; with all free: "
        f"{verdict(free, scratch)}. But hold it against *twice the steps* from "
        f"scratch: all free is off by {verdict(free, longer)}."
    )
)
print("twice the steps − all free, seed by seed:", (longer - free).round(3))
assert (free > scratch).all() and (free > frozen).all() and (longer > free).all()
assert np.median(longer - free) < 0.01

# %% [markdown]
# So what was carried over is a **head start**: after the same steps it is ahead, with each seed.
# It is no more than that. Give the network from scratch the steps that the source has cost, and
# it has caught up: level in two seeds, ahead in the third. You will often see the first
# comparison alone.
#
# What you may say, and what you may not:
#
# - Here *you* paid for the source: 300 coarse labels (in the stored runs), and the time to learn
#   them. With ImageNet somebody else has paid, for a million photos and for weeks. That is why it
#   is used.
# - The source is close to the target here, the same kind of streets, but small. How much comes
#   over depends on both.
# - Free was ahead of frozen in the stored runs, with twelve scenes and these steps. In your short
#   run it may be the other way round. A frozen encoder is cheaper, and it cannot forget. Try both.
# - With many pairs of your own and enough steps, the start hardly matters. (He and others, 2019,
#   for finding and outlining objects.)
# - When all is free, many take a smaller rate than from scratch, so that the first steps do not
#   wipe out what was carried over.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · How many steps?
#
# Write a function that says how many steps a training has, for so many pairs, a batch size and
# a number of epochs. As in `train`, the rest of an epoch that fills no batch is left out.
#
# <details><summary>Hint 1</summary>
# How many full batches are there in one epoch?
# </details>
# <details><summary>Hint 2</summary>
# <code>//</code> divides and drops the rest.
# </details>
#
# The target: the steps of ten epochs with batches of 8.

# %%
sizes_of_sets = (12, 20, 60, 100, 300)
bars_of = [n // 8 * 10 for n in sizes_of_sets]
figure, axes = figures.canvas(height=2.8)
drawn_bars = axes[0, 0].bar(range(5), bars_of, color="#93afe8", edgecolor="black")
axes[0, 0].bar_label(drawn_bars)
axes[0, 0].set_xticks(range(5), [f"{n} pairs" for n in sizes_of_sets])
axes[0, 0].set(ylabel="steps", ylim=(0, 420))
figures.show(
    figure,
    alt="Steps of ten epochs with batches of 8: "
    + ", ".join(f"{n} pairs {k}" for n, k in zip(sizes_of_sets, bars_of, strict=True))
    + ".",
)


# %%
def steps_of(pairs, batch, epochs):
    # BEGIN SOLUTION
    return pairs // batch * epochs
    # END SOLUTION


# %%
exercise(
    steps_of,
    lambda pairs, batch, epochs: pairs // batch * epochs,
    inputs=[(12, 8, 10), (300, 8, 10), (61, 4, 3)],
    mistakes={
        "The last batch of an epoch is not full: it is left out.": (
            lambda pairs, batch, epochs: -(-pairs // batch) * epochs
        ),
        "The rest is left out in each epoch, not once at the end.": (
            lambda pairs, batch, epochs: pairs * epochs // batch
        ),
        "That counts pairs, not batches.": lambda pairs, batch, epochs: pairs * epochs,
        "That is one epoch.": lambda pairs, batch, epochs: pairs // batch,
    },
)

# %% [markdown]
# ### Exercise 2 · Crop and flip a pair
#
# Cut `top`, `bottom`, `left` and `right` pixels from the sides, mirror left to right if
# `mirror`, and resize back to the old size. Return the new image and the new mask.
# `masks.resize_image(image, height, width)` resizes bilinearly, `masks.resize_mask` by
# nearest.
#
# <details><summary>Hint 1</summary>
# <code>image[top : height - bottom, left : width - right]</code> cuts. The same slices fit the
# mask.
# </details>
# <details><summary>Hint 2</summary>
# <code>[:, ::-1]</code> mirrors columns, of an image and of a mask. Each has its own way to be
# resized.
# </details>
#
# The target: a pair, cropped and mirrored.


# %%
def cropped(image, mask, top, bottom, left, right, mirror, as_image=False, both=True):
    height, width = mask.shape
    window = np.s_[top : height - bottom, left : width - right]
    new_image, new_mask = image[window], mask[window]
    if mirror:
        new_image = new_image[:, ::-1]
        new_mask = new_mask[:, ::-1] if both else new_mask
    resize = masks.resize_image if as_image else masks.resize_mask
    new_image = masks.resize_image(np.ascontiguousarray(new_image), height, width)
    new_mask = resize(np.ascontiguousarray(new_mask), height, width)
    return np.array(new_image), np.array(new_mask)


wanted = cropped(photo, photo_truth, 30, 10, 50, 0, True)
figures.grid(
    [photo, *wanted],
    ["the image", "cropped and mirrored", "its mask"],
    alt="A street, the same street cropped on three sides and mirrored, and the mask "
    "of the second picture, which fits it.",
)


# %%
def crop_and_flip(image, mask, top, bottom, left, right, mirror):
    # BEGIN SOLUTION
    height, width = mask.shape
    image = image[top : height - bottom, left : width - right]
    mask = mask[top : height - bottom, left : width - right]
    if mirror:
        image, mask = image[:, ::-1], mask[:, ::-1]
    image = masks.resize_image(image, height, width)
    return image, masks.resize_mask(mask, height, width)
    # END SOLUTION


# %%
def ends_at_minus_0(image, mask, top, bottom, left, right, mirror):
    window = np.s_[top:-bottom, left:-right]
    parts = [part[window][:, :: -1 if mirror else 1] for part in (image, mask)]
    new_image = masks.resize_image(parts[0], *mask.shape)
    return new_image, masks.resize_mask(parts[1], *mask.shape)


two_pairs = [
    (photo, photo_truth, 30, 10, 50, 0, True),
    (images[0], truths[0], 0, 7, 3, 16, False),
]

# %%
exercise(
    crop_and_flip,
    cropped,
    inputs=two_pairs,
    mistakes={
        "The image is mirrored and the mask is not.": (
            lambda *pair: cropped(*pair, both=False)
        ),
        "The mask was resized like an image: ids were mixed.": (
            lambda *pair: cropped(*pair, as_image=True)
        ),
        "Rows and columns are exchanged: top and bottom cut rows.": (
            lambda i, m, t, b, le, r, flip: cropped(i, m, le, r, t, b, flip)
        ),
        "`mirror` has no effect.": lambda *pair: cropped(*pair[:-1], False),
        "It mirrors always.": lambda *pair: cropped(*pair[:-1], True),
        "It mirrors top to bottom: columns are the second axis.": (
            lambda *pair: tuple(x[::-1] for x in cropped(*pair[:-1], False))
        ),
        "A slice that ends at -0 is empty: end it at `width - right`.": ends_at_minus_0,
        "Top and bottom, left and right are exchanged.": (
            lambda i, m, t, b, le, r, mirror: cropped(i, m, b, t, r, le, mirror)
        ),
    },
)

# %% [markdown]
# ### Exercise 3 · Early stopping
#
# After each epoch you get a score in validation; higher is better. Training stops when
# `patience` epochs in a row have brought no new best. Return two numbers, counted from 0: the
# epoch of the **best** score, and the epoch **after which it stops**. If patience never runs
# out, that is the last one.
#
# <details><summary>Hint 1</summary>
# Go through the scores and remember the best epoch so far. A tie is no new best.
# </details>
# <details><summary>Hint 2</summary>
# Stop as soon as <code>epoch - best == patience</code>. Return both numbers as a tuple.
# </details>
#
# The target: the best epoch and the stop for a patience of 3.


# %%
def stopping(scores, patience, first=True, limit=0, compare=None):
    best = 0
    for epoch, value in enumerate(scores):
        reference = scores[max(epoch - 1, 0)] if compare == "last" else scores[best]
        if value > reference or (not first and value == reference):
            best = epoch
        if epoch - best == patience + limit:
            return best, epoch
    return best, len(scores) - 1


wave = [0.20, 0.27, 0.31, 0.30, 0.33, 0.33, 0.32, 0.31, 0.36, 0.35]
best, stop = stopping(wave, 3)
figure, axes = figures.canvas(height=3)
axes[0, 0].plot(wave, "o-", color="#0036d1")
for place, word in ((best, "best"), (stop, "stop")):
    axes[0, 0].axvline(place, color="#9a4529", linestyle="--")
    axes[0, 0].annotate(word, (place, 0.21), xytext=(6, 0), textcoords="offset points")
axes[0, 0].set(xlabel="epoch", ylabel="validation score")
figures.show(
    figure,
    alt=f"Scores of ten epochs. The best before the stop is epoch {best}; training "
    f"stops after epoch {stop}, before a later rise.",
)


# %%
def early_stopping(scores, patience):
    # BEGIN SOLUTION
    best = 0
    for epoch, value in enumerate(scores):
        if value > scores[best]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(scores) - 1
    # END SOLUTION


# %%
exercise(
    early_stopping,
    stopping,
    inputs=[([0.2, 0.3, 0.25, 0.28, 0.2, 0.1], 2), (wave, 3), (wave, 1), (wave, 6)],
    mistakes={
        "A tie is no new best.": lambda s, p: stopping(s, p, first=False),
        "It stops one epoch late.": lambda s, p: stopping(s, p, limit=1),
        "Compare with the best so far, not with the epoch before.": (
            lambda s, p: stopping(s, p, compare="last")
        ),
        "The best of all epochs: but those after the stop are never trained.": (
            lambda s, p: (int(np.argmax(s)), stopping(s, p)[1])
        ),
        "Higher is better here.": lambda s, p: stopping([-v for v in s], p),
        "First the best epoch, then the stop.": lambda s, p: stopping(s, p)[::-1],
        "Return the epoch of the best score, not the score.": (
            lambda s, p: (s[stopping(s, p)[0]], stopping(s, p)[1])
        ),
        "Epochs count from 0.": lambda s, p: tuple(n + 1 for n in stopping(s, p)),
    },
)

# %% [markdown]
# ### Exercise 4 · Batch norm in two modes
#
# Write batch norm for maps N×H×W×C, without scale and shift: subtract a mean, divide by the
# square root of a variance + 0.00001, for each channel. In training mode both come from the
# batch; otherwise they are given, one number for each channel.
#
# <details><summary>Hint 1</summary>
# A channel's mean runs over the batch, the rows and the columns: axes 0, 1 and 2.
# </details>
# <details><summary>Hint 2</summary>
# <code>x.mean((0, 1, 2))</code> and <code>x.var((0, 1, 2))</code> have C entries, as the
# running averages have.
# </details>
#
# The target: one channel of two images, normalised in both modes. The running averages come
# from other scenes.


# %%
def normed(x, mean, variance, training, axes=(0, 1, 2), small=1e-5, root=True):
    if training:
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    variance = variance + small
    return (x - mean) / (np.sqrt(variance) if root else variance)


bright = test_images[:2] / 255
running = x01.mean((0, 1, 2)), x01.var((0, 1, 2))
figure, axes = figures.canvas(1, 2, height=3)
for axis, mode in zip(axes[0], (True, False), strict=True):
    red = normed(bright, *running, mode)[..., 0].ravel()
    axis.hist(red, 40, color="#93afe8", edgecolor="white")
    axis.axvline(red.mean(), color="#9a4529", linestyle="--")
    axis.set(title=f"training={mode}: mean {red.mean():.2f}", xlabel="red, normalised")
figures.show(
    figure,
    alt="Two histograms of the red channel of two images. In training mode the mean "
    "is 0; in evaluation mode the heap lies elsewhere.",
)


# %%
def batch_norm(x, mean, variance, training):
    # BEGIN SOLUTION
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) / np.sqrt(variance + 1e-5)
    # END SOLUTION


# %%
exercise(
    batch_norm,
    normed,
    inputs=[(bright, *running, True), (bright, *running, False)],
    mistakes={
        "The mean runs over rows and columns alone: over the batch as well.": (
            lambda *given: normed(*given, axes=(1, 2))
        ),
        "One mean for all channels: each channel has its own.": (
            lambda *given: normed(*given, axes=(0, 1, 2, 3))
        ),
        "In training mode it uses the running averages.": (
            lambda x, m, v, training: normed(x, m, v, False)
        ),
        "In evaluation mode it uses the batch.": (
            lambda x, m, v, training: normed(x, m, v, True)
        ),
        "Divide by the square root of the variance.": (
            lambda *given: normed(*given, root=False)
        ),
    },
    tolerance=1e-4,
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "The training loss falls, the validation loss has been rising. What now?",
    {
        "Train longer": "It will learn the training scenes by heart even better.",
        "Keep the best state; more data, augmentation or a smaller network": (
            "The gap is overfitting: these close it."
        ),
        "Raise the learning rate": "That is no matter of the rate.",
    },
    answer="Keep the best state; more data, augmentation or a smaller network",
)
# %%
quiz(
    "Which of these must change the mask too?",
    {
        "Darker": "Light does not move pixels.",
        "Blurred": "The things stay where they are.",
        "Turned by 10 degrees": "Geometry moves pixels, by nearest for the mask.",
    },
    answer="Turned by 10 degrees",
)
quiz(
    "What does a resumed training need besides the weights?",
    {
        "Nothing": "Then AdamW starts cold, and the schedule begins anew.",
        "The state of the optimizer, the step and the random state": (
            "With these it goes on as if nothing had happened."
        ),
        "The training images as of then": "They must be the same, but lie elsewhere.",
    },
    answer="The state of the optimizer, the step and the random state",
)

# %% [markdown]
# ### Spot the bug
#
# Nine trainings that went wrong. None of them stopped with an error. For each one you see a few
# lines of code and a **symptom**, which is real: it was computed a moment ago. Name the bug
# before you choose. Most of these lines have been published: in tutorials, in exercises, in
# examples of the libraries themselves.
#
# The folded cell below trains the networks that you will see, one after the other, on the twelve
# scenes, and a right one to compare with. (It takes about 20 seconds.)

# %%
def fast(done):
    return 0.03 * one_cycle(done)  # near the rate that was found


# %% tags=["torch"]
def small_run(pairs, rate=fast, loss=cross_entropy_dice, steps=80, wrap=None):
    """The losses of a short training, and the network."""
    network = fresh(depth=2)
    wrapped = wrap(network) if wrap else network
    return learn(wrapped, pairs, steps, rate, loss), wrapped


def with_softmax(network):
    return torch.nn.Sequential(network, torch.nn.Softmax(dim=1))


# %% tags=["keras"]
def small_run(pairs, rate=fast, loss=cross_entropy_dice, steps=80, wrap=None):
    """The losses of a short training, and the network."""
    network = fresh(depth=2)
    wrapped = wrap(network) if wrap else network
    return learn(wrapped, pairs, steps, rate, loss), wrapped


def with_softmax(network):
    return keras.Model(network.inputs, keras.ops.softmax(network.outputs[0], axis=-1))


# %%
def half_flipped(pairs):
    """Mirrors half of the images, and no mask."""
    draw = np.random.default_rng(0)
    for x, y in pairs:
        mirrored = draw.random(len(x)) < 0.5
        yield np.where(mirrored[:, None, None, None], x[:, :, ::-1], x), y


def dealt_from(image_set, mask_set, augment=None):
    return batches(image_set, mask_set, 4, 0, augment or Augment())


others = np.random.default_rng(3).permutation(12)
assert (others != np.arange(12)).sum() > 8
mirror = Augment(flip=0.5)
bugs = {
    "right": small_run(dealt_from(*few, mirror)),
    "B": small_run(half_flipped(dealt_from(*few))),
    "C": small_run(dealt_from(images, truths[others])),
    "G": small_run(dealt_from(*few), rate=lambda done: 1.0),
    "I": small_run(dealt_from(images, np.zeros_like(truths)), steps=40),
}


# %%
def curves_of(names, alt):
    """Loss curves, mean of 8 steps, of some of the trainings."""
    shown = {}
    for name, label in names.items():
        each = np.array(bugs[name][0])
        mean_of = np.convolve(each, np.ones(8) / 8, "valid")
        shown[label] = np.arange(8, len(each) + 1), mean_of
    figures.curves(shown, alt=alt, xlabel="step", ylabel="training loss")


def last_loss(name):
    return float(np.mean(bugs[name][0][-8:]))


# %% [markdown]
# **Case A.** 'Some classes in my masks do not exist in the data set.'
#
# ```python
# image = Image.open(image_path).resize((96, 64))
# mask = Image.open(mask_path).resize((96, 64))
# ```

# %%
small = np.array(Image.fromarray(photo_truth).resize((96, 64)))
nearest = masks.resize_mask(photo_truth, 64, 96)
wrong = small != nearest
new_ids = sorted(set(np.unique(small).tolist()) - set(np.unique(photo_truth).tolist()))
in_white = np.repeat(wrong[..., None] * np.uint8(255), 3, axis=-1)
figures.grid(
    [nearest, np.where(small < 13, small, IGNORE), in_white],
    ["what it should be", "what it is", "white: different"],
    alt="The small mask as it should be, as it is, and where they differ: along all "
    "borders, where thin lines of foreign classes have come up.",
)
print(f"{wrong.mean():.1%} of the pixels differ; ids that were not there: {new_ids}")
assert wrong.mean() > 0.02

# %%
quiz(
    "Case A: what is the bug?",
    {
        "The image is resized too small": "Then both would only be coarse.",
        "The mask is resized by interpolation": (
            "Pillow's default mixes ids: between 7 and 9 it finds an 8. Use NEAREST."
        ),
        "Width and height are exchanged": "(96, 64) is right for Pillow: width first.",
    },
    answer="The mask is resized by interpolation",
)

# %% [markdown]
# **Case B.** 'I switched augmentation on, and the network has become worse.'
#
# ```python
# for image, mask in pairs:
#     if random.random() < 0.5:
#         image = image[:, ::-1]
#     yield image, mask
# ```

# %%
mask_b = predict_masks(bugs["B"][1], images[3:4])[0]
mask_r = predict_masks(bugs["right"][1], images[3:4])[0]
curves_of(
    {"right": "augmented rightly", "B": "case B"},
    alt="Two loss curves: that of case B stays above the right one.",
)
figures.grid(
    [truths[3], mask_r, mask_b],
    ["truth", "augmented rightly", "case B"],
    alt="The truth, the mask of a right training after 80 steps, and that of case B. "
    "Both are coarse.",
)

# %% tags=["test"]
assert last_loss("B") > last_loss("right") + 0.05, (last_loss("B"), last_loss("right"))

# %%
quiz(
    "Case B: what is the bug?",
    {
        "Flipping does not fit streets": "It does: a mirrored street is a street.",
        "The image is flipped and the mask is not": (
            "One draw must serve both. Look at augmented pairs before you train."
        ),
        "One half is too often": "Half is the usual share.",
    },
    answer="The image is flipped and the mask is not",
)

# %% [markdown]
# **Case C.** 'It predicts the same thing for every image.'
#
# ```python
# images = [read(path) for path in Path("images").iterdir()]
# masks = [read(path) for path in Path("masks").iterdir()]
# ```

# %%
answers = {name: predict_masks(bugs[name][1], images) for name in ("right", "C")}
curves_of(
    {"right": "a right training", "C": "case C"},
    alt="Two loss curves: that of case C falls as well, and ends a bit above the "
    "other.",
)
figures.grid(
    [*images[[1, 6]], prior, *answers["C"][[1, 6]], truths[6]],
    ["scene 1", "scene 6", "most frequent", "case C: 1", "case C: 6", "truth of 6"],
    alt="Above: two different scenes and the map of the most frequent class at each "
    "pixel. Below: the masks of case C for the two scenes, which resemble each other "
    "and that map more than their scenes, and the true mask of the second.",
)
print("pixels in which the masks of two scenes differ, on average:")
unlike = {}
for name, found in {"truth": truths, **answers}.items():
    unlike[name] = (found[:-1] != found[1:]).mean()
    print(f"  {name:<6}{unlike[name]:.0%}")

# %% tags=["test"]
assert last_loss("C") > last_loss("right") + 0.02, last_loss("C")
assert unlike["C"] < unlike["truth"], unlike

# %%
quiz(
    "Case C: what is the bug?",
    {
        "The listings are not sorted, so images meet other images' masks": (
            "What is left to learn is the mean of all masks. Pair by file name."
        ),
        "The learning rate is too small": "Then the loss would fall slowly but on.",
        "The network is too small": "The right one has the same size.",
    },
    answer="The listings are not sorted, so images meet other images' masks",
)

# %% [markdown]
# **Case D.** 'The loss falls a little, and is stuck near 2.' It is the framework's own cross-entropy:

# %% [markdown] tags=["torch"]
# ```python
# model = nn.Sequential(unet(13), nn.Softmax(dim=1))
# loss = nn.functional.cross_entropy(model(x), masks)
# ```

# %% [markdown] tags=["keras"]
# ```python
# outputs = keras.layers.Softmax()(logits)
# loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
# ```

# %% tags=["torch"]
def plain_loss(z, y):
    return torch.nn.functional.cross_entropy(z, y, ignore_index=IGNORE)


# %% tags=["keras"]
def plain_loss(z, y):
    settings = dict(from_logits=True, ignore_class=IGNORE)
    return keras.losses.SparseCategoricalCrossentropy(**settings)(y, z)


# %%
bugs["CE"] = small_run(dealt_from(*few), loss=plain_loss)
bugs["D"] = small_run(dealt_from(*few), loss=plain_loss, wrap=with_softmax)
floor = np.log(np.e + 12) - 1
curves_of(
    {"CE": "a right training", "D": "case D"},
    alt="Two loss curves: the right one falls on and on, that of case D stays near 2.",
)
print(f"last losses: right {last_loss('CE'):.2f}, case D {last_loss('D'):.2f}")
print(f"the best loss that case D can ever have: {floor:.2f}")
assert min(bugs["D"][0]) > floor > 1.68

# %% tags=["test"]
assert last_loss("CE") < 1.4 < last_loss("D"), last_loss("CE")

# %%
quiz(
    "Case D: what is the bug?",
    {
        "The loss has no class weights": "Then it would still fall further.",
        "A softmax before a loss that expects logits": (
            "It applies another one: with 13 classes the floor is 1.69 (lesson 07)."
        ),
        "There are too many classes": "Thirteen are no problem for it.",
    },
    answer="A softmax before a loss that expects logits",
)

# %% [markdown] tags=["keras"]
# (Take away `ignore_class`, and Keras on TensorFlow notices this bug: it finds the logits behind
# the softmax, uses those, and warns. Do not count on it. With `ignore_class` it says nothing.)

# %% [markdown]
# **Case E.** 'The mask of one photo changes when I send others with it.'

# %% [markdown] tags=["torch"]
# ```python
# with torch.no_grad():
#     for batch in loader:
#         masks = model(batch).argmax(1)
# ```

# %% [markdown] tags=["keras"]
# ```python
# for batch in dataset:
#     masks = ops.argmax(model(batch, training=True), -1)
# ```

# %%
alone, with_others = (logits.argmax(-1).astype(np.uint8) for logits in trio["train"])
differs = np.repeat((alone != with_others)[..., None] * np.uint8(255), 3, axis=-1)
figures.grid(
    [alone, with_others, differs],
    ["sent alone", "sent with seven others", "white: different"],
    alt="Two masks of the same photo, which differ along borders and in some areas, "
    "and the places where they differ.",
)
print(f"{(alone != with_others).mean():.1%} of the pixels have another class")
assert (alone != with_others).any()

# %%
quiz(
    "Case E: what is the bug?",
    {
        "Noise; it is never quite the same": "In the right mode it is the same mask.",
        "The network is in training mode": (
            "Batch norm then uses the batch at hand. eval(), or training=False."
        ),
        "The photos got mixed up": "It is the same photo, the first of the batch.",
    },
    answer="The network is in training mode",
)

# %% [markdown]
# **Case F.** 'In the notebook it was fine, in my app the masks are nonsense.'
#
# ```python
# def load(path):
#     return np.array(Image.open(path)) / 255
#
# logits = model(load(path) / 255)
# ```

# %%
dark = picture / 255 / 255
in_app = classes_for(dark)
figures.grid(
    [picture, classes_for(picture / 255), in_app],
    ["the photo", "in the notebook", "in the app"],
    alt="A photo, the mask in the notebook, which fits, and the mask in the app, with "
    "large areas of wrong classes.",
)
print(f"largest number that goes in: {dark.max():.5f}")
assert dark.max() <= 1 / 255

# %%
quiz(
    "Case F: what is the bug?",
    {
        "The image is scaled twice": "Everything is nearly black. Print the range.",
        "The network has overfitted": "It is the same network, and the same photo.",
        "Colours are in the wrong order": "That would change hues, not all.",
    },
    answer="The image is scaled twice",
)

# %% [markdown]
# **Case G.** 'The loss falls for some steps, and then no more.'
#
# ```python
# optimizer = AdamW(weights, learning_rate=1.0)
# ```

# %%
curves_of(
    {"right": "a right training", "G": "case G"},
    alt="Two loss curves: the right one falls on and on; that of case G soon stays "
    "where it is, far above.",
)
print(f"at last: right {last_loss('right'):.2f}, case G {last_loss('G'):.2f}")

# %% tags=["test"]
assert last_loss("G") > last_loss("right") + 0.3, (last_loss("G"), last_loss("right"))

# %%
quiz(
    "Case G: what is the bug?",
    {
        "The learning rate is far too large": (
            "A hundred times: each step leaps over the valley. Find one first."
        ),
        "The batch is too large": "It is 4 in both.",
        "The data are shuffled": "They should be.",
    },
    answer="The learning rate is far too large",
)

# %% [markdown]
# **Case H.** 'Validation says the network is good. On the road it is not.'
#
# ```python
# history = train(network, images, masks, validation=(images, masks))
# ```

# %%
told, real = by_heart["the twelve"], by_heart["other drives"]
figure, axes = figures.canvas(height=2.4)
drawn = axes[0, 0].barh((0, 1), (told, real), color="#93afe8", edgecolor="black")
axes[0, 0].bar_label(drawn, fmt="%.3f", padding=4)
axes[0, 0].set_yticks((0, 1), ("'validation'", "new drives"))
axes[0, 0].set(xlabel="mean IoU", xlim=(0, 1))
axes[0, 0].invert_yaxis()
figures.show(
    figure,
    alt=f"Two bars: what is called validation {told:.3f}, new drives {real:.3f}.",
)

# %%
quiz(
    "Case H: what is the bug?",
    {
        "There are too few epochs": "More would widen the gap.",
        "Mean IoU is the wrong measure": "It is the same one in both rows.",
        "Validation is made of the training pairs": (
            "No split at all. Hold out whole drives."
        ),
    },
    answer="Validation is made of the training pairs",
)

# %% [markdown]
# **Case I.** 'After a few steps the loss is nearly 0 and accuracy is 100 %. It's done!'
#
# ```python
# mask = np.array(Image.open(path))[..., 2]
# ```

# %%
read = label[..., 2]  # the file that the prediction wrote, in the Lyft layout
curves_of(
    {"right": "a right training", "I": "case I"},
    alt="Two loss curves: that of case I drops to nearly 0 within 40 steps.",
)
print(f"loss at last {last_loss('I'):.4f}; ids in the masks: {np.unique(read)}")
print(f"accuracy of 'always 0': {(read == 0).mean():.0%}")
assert np.unique(read).tolist() == [0] and len(np.unique(label[..., 0])) > 3

# %% tags=["test"]
assert last_loss("I") < 0.2 < last_loss("right"), last_loss("I")

# %%
quiz(
    "Case I: what is the bug?",
    {
        "It is so easy a task": "Streets are not that easy. Be suspicious.",
        "The label was read from the wrong channel": (
            "Lyft's ids are in red, channel 0. The others are 0: all sky. Count ids."
        ),
        "The test scenes are among the training scenes": (
            "Then the loss would still be higher than that."
        ),
    },
    answer="The label was read from the wrong channel",
)

# %% [markdown]
# Nine symptoms. Three habits find most of them early:
#
# 1. **Look at three augmented pairs as the network gets them, and print shapes, types, ranges and
#    ids.** That finds A, B, C and I before the first step, and F if you do it where you predict.
# 2. **Let it learn a handful of pairs by heart, on purpose.** A network that cannot learn four scenes
#    by heart has a bug: D or G.
# 3. **Ask a question whose answer you know.** One image alone and in a batch: E. Which drives are
#    on both sides of the split? None, or it is H.

# %% [markdown]
# ## Pitfalls
#
# - **Judging by the training loss.** It falls in most of the broken trainings, too.
# - **A random split of video frames.** Validation then asks for what is nearly known.
# - **Choosing on the test scenes.** Look once; whatever you choose by is validation.
# - **Two draws for one pair.** Image and mask need the same numbers.
# - **A recipe without its scale.** A crop of 16 and a blur of 3 depend on the size of the image.
# - **Augmenting validation.** Judge on pictures as they will come.
# - **Judging augmentation by a short run**, or by the gap alone.
# - **Comparing at the same step of different schedules.** Let each come down to 0.
# - **Keeping the weights alone** and calling that a checkpoint.
# - **A frozen encoder whose batch norms still move.**
# - **Believing one seed.**

# %% [markdown]
# ## What to remember
#
# - A falling training loss says that the network learns the training scenes. Only pairs of
#   **other drives** say whether it gets better.
# - Photometric changes leave the mask, geometric ones move it: one draw for both, nearest for
#   the mask.
# - Augmentation closes the gap and costs steps. With twelve scenes it helped; with sixty and more,
#   at these steps, it cost. Judge it by the score on new drives, and not by the gap. New drives
#   bring what no augmentation can.
# - Find a learning rate, let it rise and fall, and let the schedule end.
# - Keep two states: the best one to use, the last one to resume.
# - Predict in evaluation mode, without gradients, with the pixels scaled exactly as in
#   training.
# - Transfer: everything but the head comes over. It is a head start. Compare it with the same
#   steps from scratch, and count what the source has cost.
# - Look at your pairs. Most bugs raise no error.
#
# Next: **09 · DeepLab.** How a network sees farther without more weights; and at its end you use
# one that others have trained.

# %% [markdown]
# ## References
#
# - O. Ronneberger, P. Fischer, T. Brox: U-Net. MICCAI 2015, arXiv:1505.04597 (30 images,
#   elastic deformation).
# - S. Ioffe, C. Szegedy: Batch Normalization. ICML 2015, arXiv:1502.03167 (two modes).
# - L. Smith: Cyclical Learning Rates for Training Neural Networks. 2015, WACV 2017,
#   arXiv:1506.01186 (finding a rate).
# - L. Smith, N. Topin: Super-Convergence. 2017, arXiv:1708.07120 (one cycle).
# - I. Loshchilov, F. Hutter: SGDR. ICLR 2017, arXiv:1608.03983 (cosine); Decoupled Weight
#   Decay Regularization. ICLR 2019, arXiv:1711.05101 (AdamW).
# - J. Yosinski and others: How transferable are features in deep neural networks? NIPS 2014,
#   arXiv:1411.1792.
# - K. He, R. Girshick, P. Dollár: Rethinking ImageNet Pre-training. ICCV 2019,
#   arXiv:1811.08883 (with enough data and steps the start matters little; on COCO).
# - J. Deng and others: ImageNet: A large-scale hierarchical image database. CVPR 2009.
# - A. Buslaev and others: Albumentations. Information 11(2), 2020, arXiv:1809.06839
#   (augmentation of images and masks).
# - A. Jung and others: imgaug. 2020, github.com/aleju/imgaug.
