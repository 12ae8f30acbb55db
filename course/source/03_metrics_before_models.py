# %% [markdown]
# # 03 · Metrics before models
#
# From the next lesson on you build networks, and each of them gets a number. What can
# such a number tell, and what does it hide? In this lesson you write every usual
# measure out, fool most of them, and choose among them.
#
# Plan about 75 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Write IoU (Jaccard) and Dice as sets and in TP, FP and FN, and turn one into the
#   other.
# - Read a confusion matrix, and compute every pixel measure from it.
# - Say why pixel accuracy misleads, for all classes together and for each class.
# - Say which mean a 'mean IoU' is: pooled or per image, and what became of absent
#   classes and of ignored pixels.
# - Measure borders, and say when you need to.
# - Weigh precision against recall with F-beta, and choose a threshold.
# - Beat a respectable score without any model, and so know what a score is worth.
# - Choose a measure for a task.

# %% [markdown]
# ## Predict first
#
# Write your guesses on paper.
#
# 1. The truth has 100 pixels of a class. An answer names 100 pixels too, and 50 of
#    them are the same. How much is the IoU? Is it one half?
# 2. A method never says 'vehicle'. For how many per cent of the pixels is its
#    yes-or-no to 'vehicle' right?
# 3. Two people score the *same* answers to the *same* pictures. Both report the mean
#    IoU, with different results. Which of them made a mistake?
# 4. Can you find nearly all vehicle pixels of a street without looking at it?

# %% [markdown]
# ## Two sets of pixels
#
# Pick one class, vehicles. The truth says which pixels are vehicles: a **set** of
# pixels, call it $A$. An answer gives another set, $B$.
#
# We have no network yet, so the next cell imitates one. It decides for whole blocks
# instead of pixels, and it gets some blocks wrong. That is much like what the first
# networks of lesson 05 do.

# %%
import numpy as np
from matplotlib.patches import Patch

from helpers import boundary, figures, masks, metrics
from helpers.check import exercise
from helpers.classes import CHALLENGE, IGNORE, LYFT, Classes
from helpers.quiz import quiz
from helpers.streets import scene, scenes
from helpers.threshold import Sweep
from helpers.widgets.circles import circles
from helpers.widgets.confusion import confusion

DRIVE, VEHICLES = 22, LYFT.id("Vehicles")


def imitate(mask, block, seed=0):
    """An answer like that of a coarse network: blocks, a few with a wrong class."""
    height, width = mask.shape
    small = masks.resize_mask(mask, height // block, width // block)
    rng = np.random.default_rng(seed)
    elsewhere = np.roll(small, rng.integers(2, 9), axis=1)
    wrong = rng.random(small.shape) < 0.05
    return masks.resize_mask(np.where(wrong, elsewhere, small), height, width)


# %%
photo, raw_truth = scene(DRIVE, frame=0, height=240, width=320)
truth = masks.remove_hood(raw_truth)
answer = imitate(truth, block=8)
figures.grid(
    [photo, truth, answer],
    ["the street", "the truth", "an answer"],
    alt="Left: a street. Middle: its true mask. Right: an answer made of square "
    "blocks, with coarse borders and some blocks of a wrong class.",
)

# %% [markdown]
# Each pixel now falls into one of four groups.
#
# | | the truth says vehicle | the truth says no |
# |---|---|---|
# | **the answer says vehicle** | true positive, **TP** | false positive, **FP** |
# | **the answer says no** | false negative, **FN** | true negative, **TN** |
#
# 'Positive' means that the answer says yes. 'True' means that it is right to do so.

# %%
COLOURS = ("#0036d1", "#fff200", "#ea0072", "#dddddd")
GROUPS = Classes("groups", ("TP", "FP", "FN", "TN"), COLOURS)


def groups(a, b):
    """TP 0, FP 1, FN 2, TN 3 for each pixel of the truth a and the answer b (bool)."""
    return np.select([a & b, ~a & b, a & ~b], [0, 1, 2], 3).astype(np.uint8)


def draw_groups(axis, a, b):
    """The four groups in colours; the legend below counts them."""
    group = groups(a, b)
    figures.draw_mask(axis, group, GROUPS, smallest=0.02)
    axis.set(xticks=[], yticks=[])
    handles = [
        Patch(fc=colour, ec="black", label=f"{name} {(group == n).sum():,}")
        for n, (name, colour) in enumerate(zip(GROUPS.names, GROUPS.colours))
    ]
    axis.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4)


# %%
a, b = truth == VEHICLES, answer == VEHICLES
rows, columns = np.nonzero(a | b)
window = (slice(max(rows.min() - 6, 0), rows.max() + 7),
          slice(max(columns.min() - 12, 0), columns.max() + 13))
figure, axes = figures.canvas(height=4.6)
draw_groups(axes[0, 0], a[window], b[window])
figures.show(
    figure,
    alt="The vehicles in four colours, enlarged. Their inside is TP. Along their "
    "borders there are strips of FP and FN; single blocks of FP lie elsewhere.",
)
tp, fp, fn, tn = (int((groups(a, b) == n).sum()) for n in range(4))
print(f"in the whole picture: TP {tp:,}, FP {fp:,}, FN {fn:,}, TN {tn:,}")
assert tp + fn == a.sum() and tp + fp == b.sum() and tp + fp + fn + tn == a.size

# %% [markdown]
# The last line of the code is worth a second look. The truth is $|A| = TP + FN$: what
# was found and what was missed. The answer is $|B| = TP + FP$: what is right in it
# and what is not. And TN, by far the largest number, is all that nobody asked about.

# %% [markdown]
# ## IoU and Dice
#
# How well do two sets agree? Both usual measures compare what they share with their
# size.
#
# **Intersection over union**, IoU, also called the **Jaccard** index $J$: of all
# pixels in at least one set, how many are in both?
#
# $$J = \frac{|A\cap B|}{|A\cup B|} = \frac{TP}{TP+FP+FN}$$
#
# **Dice**, $D$ (in full Sørensen–Dice, and also called F1): how large is the shared
# part, measured against the mean size of the two sets?
#
# $$D = \frac{2\,|A\cap B|}{|A|+|B|} = \frac{2\,TP}{2\,TP+FP+FN}$$
#
# In NumPy, before any helper:


# %%
def jaccard(a, b):
    """IoU of two sets of pixels, bool arrays of the same shape."""
    intersection = np.logical_and(a, b).sum()
    union = np.logical_or(a, b).sum()
    return intersection / union


def dice(a, b):
    """Dice of two sets of pixels."""
    return 2 * np.logical_and(a, b).sum() / (a.sum() + b.sum())


print(f"vehicles: IoU {jaccard(a, b):.3f}, Dice {dice(a, b):.3f}")
assert jaccard(a, b) == tp / (tp + fp + fn)
assert dice(a, b) == 2 * tp / (2 * tp + fp + fn)

# %% [markdown]
# The sets and the counts give the same numbers, exactly.
#
# The **bounds** are easy to see. No common pixel: $TP=0$, so both are 0. The same
# set: $FP=FN=0$, so both are 1. In between they grow with the overlap. TN is in
# neither formula. Keep that in mind for the circles.
#
# And question 1? The sets have 100 pixels each and share 50. Together they have 150,
# not 200: the shared ones count once.

# %%
line = np.arange(150)
first, second = line < 100, line >= 50
print(f"IoU {jaccard(first, second):.3f}, Dice {dice(first, second):.3f}")
assert jaccard(first, second) == 50 / 150 and dice(first, second) == 100 / 200
assert jaccard(first, ~first) == dice(first, ~first) == 0  # the lower bound
assert jaccard(first, first) == dice(first, first) == 1  # the upper bound

# %% [markdown]
# One third, not one half. The half is the Dice. IoU is a strict measure: an answer
# with an IoU of 0.5 often looks better than its number.

# %% [markdown]
# ## Two circles
#
# ### Predict first: circles that only touch
#
# The truth is a circle, the answer a circle of the same size that only touches it. So
# no pixel of the class is right. What are IoU, Dice, and the **accuracy**, the share
# of pixels whose yes-or-no is right?

# %%
SIDE, RADIUS = 320, 40
y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
true_circle = x**2 + y**2 < RADIUS**2


def circle(distance, radius=RADIUS):
    """The answer: a circle that lies `distance` pixels to the right."""
    return (x - distance) ** 2 + y**2 < radius**2


# %%
# the widget draws the same two circles
assert np.array_equal(circles(80).sets()[1], circle(80))
circles(x=30)

# %% [markdown]
# Drag the picture, or use the sliders or the arrow keys: the answer B moves. Press
# *Touching*. IoU and Dice are 0, as they should be. The accuracy still claims that
# most is right: it counts all the pixels in neither circle, where there was nothing
# to find.
#
# Then try what else an answer can do wrong. It is too small, or so large that it
# covers everything. Which of the three numbers notices?

# %% [markdown]
# All distances at once:

# %%
distances = np.arange(0, 101, 2)
series = {
    "IoU": [jaccard(true_circle, circle(s)) for s in distances],
    "Dice": [dice(true_circle, circle(s)) for s in distances],
    "accuracy": [(true_circle == circle(s)).mean() for s in distances],
}
figures.curves(
    {name: (distances, values) for name, values in series.items()},
    alt="Three curves over the distance of the circles. IoU and Dice fall from 1 to 0 "
    "at 80 pixels, IoU faster. The accuracy falls from 1 to 0.90 and stays there.",
    xlabel="distance of the circles, pixels",
    ylabel="score",
)
lowest = min(series["accuracy"])
print(f"no overlap at all: IoU {series['IoU'][-1]:.0f}, accuracy {lowest:.2f}")
assert series["IoU"][-1] == series["Dice"][-1] == 0 and 0.90 < lowest < 0.91

# %% [markdown]
# Put the same two circles on a larger canvas, and the accuracy rises further, though
# nothing got better. IoU and Dice do not notice the canvas. (In the widget, that is
# the slider *Picture*.)

# %%
missed = circle(80)
for margin in (0, 100, 400):
    t, p = np.pad(true_circle, margin), np.pad(missed, margin)
    print(f"{t.shape[0]:5} × {t.shape[1]}: accuracy {(t == p).mean():.3f}, "
          f"IoU {jaccard(t, p):.0f}")

# %% [markdown]
# ## From one to the other
#
# In the curves, Dice lies above IoU everywhere between the ends. The two are tied:
#
# $$D = \frac{2J}{1+J} \qquad\qquad J = \frac{D}{2-D}$$
#
# It follows from the formula of Dice: divide top and bottom by $TP+FP+FN$. The top
# becomes $2J$, and the bottom $1+J$. A thousand random pairs of sets agree.

# %%
rng = np.random.default_rng(0)
pairs = []
for _ in range(1000):
    first, second = rng.random((2, 200)) < rng.uniform(0.1, 0.9, (2, 1))
    pairs.append((jaccard(first, second), dice(first, second)))
j, d = np.array(pairs).T
assert np.allclose(d, 2 * j / (1 + j), rtol=1e-12)
assert np.allclose(j, d / (2 - d), rtol=1e-12)
print(f"IoU 0.5 ↔ Dice {2 * 0.5 / 1.5:.3f}, IoU 0.9 ↔ Dice {2 * 0.9 / 1.9:.3f}")

# %% [markdown]
# So for *one* class on *one* set of pixels it does not matter which of the two you
# take: both put any two answers in the same order. Medicine mostly reports Dice,
# street scenes IoU.
#
# For a **mean** of several, it does matter. Here are two methods and two classes.

# %%
one, other = np.array([1.0, 0.0]), np.array([0.45, 0.45])  # IoU of the two classes
for name, iou in (("method 1", one), ("method 2", other)):
    as_dice = 2 * iou / (1 + iou)
    print(f"{name}: IoU {iou}, mean {iou.mean():.3f} · mean Dice {as_dice.mean():.3f}")
assert one.mean() > other.mean()
assert (2 * one / (1 + one)).mean() < (2 * other / (1 + other)).mean()

# %% [markdown]
# By mean IoU, method 1 wins. By mean Dice, method 2. And $2J/(1+J)$ of the mean IoU
# is not the mean Dice. **The formula holds for each class, not for means.**

# %% [markdown]
# ## Many classes: a worked example
#
# A mask has many classes. Take them one at a time: for class $k$, the sets are 'the
# truth says $k$' and 'the answer says $k$'. Then take the mean.
#
# Do this one by hand. Twenty pixels, three classes. Where truth and answer differ,
# the pixel has a frame.

# %%
small_truth = np.array(
    [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 0, 2, 1, 1], [0, 0, 2, 2, 2]], np.uint8
)
small_answer = np.array(
    [[0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 2, 1, 1], [0, 2, 2, 1, 2]], np.uint8
)
SMALL = Classes("small", ("grey", "green", "violet"), ("#dddddd", "#a9feb9", "#9b61fd"))


def draw_ids(axis, ids, title, frame=None):
    """A small mask with its ids written in; True in `frame`: a black frame."""
    colours = np.full((256, 3), 128, np.uint8)  # 255 is grey
    colours[:3] = SMALL.palette
    axis.imshow(colours[ids])
    for place, k in np.ndenumerate(ids):
        axis.text(place[1], place[0], k, ha="center", va="center", fontsize=16)
    for row, column in np.argwhere(frame if frame is not None else ids < 0):
        box = figures.plt.Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False)
        axis.add_patch(box).set_linewidth(3)
    axis.set(title=title, xticks=[], yticks=[])


# %%
different = small_truth != small_answer
figure, axes = figures.canvas(1, 2, height=3.4)
draw_ids(axes[0, 0], small_truth, "truth")
draw_ids(axes[0, 1], small_answer, "answer; a frame where it is wrong", different)
figures.show(
    figure,
    alt="Two tables of 4 rows and 5 columns of ids 0, 1 and 2. They differ in three "
    "places: row 0 column 3 is 1 and is called 0; row 3 column 1 is 0 and is called "
    "2; row 3 column 3 is 2 and is called 1.",
)

# %% [markdown]
# The **mean IoU** over $C$ classes is $\frac{1}{C}\sum_k J_k$.
#
# Count, class by class, and write your counts down before you unfold ours.
#
# <details><summary>The counts</summary>
#
# | class | TP | FP | FN | IoU |
# |---|---|---|---|---|
# | 0 | 9 | 1 | 1 | 9/11 = 0.818 |
# | 1 | 5 | 1 | 1 | 5/7 = 0.714 |
# | 2 | 3 | 1 | 1 | 3/5 = 0.600 |
#
# Each wrong pixel is counted twice: as FN of the class that it is, and as FP of the
# class that it was called.
#
# </details>

# %%
by_class = []
for k in range(3):
    t, p = small_truth == k, small_answer == k
    tp, fp, fn = (t & p).sum(), (~t & p).sum(), (t & ~p).sum()
    by_class.append(jaccard(t, p))
    print(f"class {k}: TP {tp}, FP {fp}, FN {fn}, IoU {by_class[-1]:.3f}")
assert by_class == [9 / 11, 5 / 7, 3 / 5]
print(f"mean IoU {np.mean(by_class):.3f}")
assert np.isclose(np.mean(by_class), metrics.mean_iou(small_truth, small_answer, 3))

# %% [markdown]
# The three classes have one wrong pixel of each kind, and yet different IoU: one
# pixel weighs more in a small class. The **mean IoU** weighs all classes the same,
# large or small. The last line compares with `metrics.mean_iou`, which you already
# used in lesson 01.

# %% [markdown]
# ## The confusion matrix holds everything
#
# Nobody loops over classes three times. Count once how often each pair (true class,
# answered class) occurs. That is the **confusion matrix**: row = truth, column =
# answer.

# %%
matrix = np.zeros((3, 3), int)
for t, p in zip(small_truth.ravel(), small_answer.ravel(), strict=True):
    matrix[t, p] += 1
print(matrix)

hit = np.diag(matrix)
print("TP", hit, " FP", matrix.sum(axis=0) - hit, " FN", matrix.sum(axis=1) - hit)
print("IoU", (hit / (matrix.sum(axis=0) + matrix.sum(axis=1) - hit)).round(3))
counted = metrics.Confusion(3).add(small_truth, small_answer)
assert np.array_equal(counted.matrix, matrix)

# %% [markdown]
# The diagonal holds the TP. The rest of a column are the FP of its class, the rest of
# a row the FN. Row sum plus column sum counts the diagonal twice; take it off once
# and you have the union.
#
# `metrics.Confusion` counts the same, and fast. Here it is for the street.

# %%
street = metrics.Confusion().add(truth, answer)
figures.confusion(
    street.matrix,
    alt="The confusion matrix of the street in percent of each true class. The "
    "diagonal is strong for large classes and weak for thin ones such as poles.",
)

# %% [markdown]
# ### Which pixels are in a cell?
#
# A cell is not only a number. It is a set of pixels. At first the largest mistake is
# lit. Click on other cells, or go there with the arrow keys and press Enter, and see
# where their pixels lie. A click into the picture goes the other way round: from a
# pixel to its cell.

# %%
lit = confusion(photo, truth, answer)
t, p = lit.cell
assert street.matrix[t, p] == ((truth == t) & (answer == p)).sum()
lit

# %% [markdown]
# Most of these pixels follow borders, and the single squares are the blocks that went
# wrong. A large cell that is a thin line tells you to work on borders. A large cell
# that is one big patch tells you that the two classes look alike. The number alone
# tells neither.
#
# Switch from *% of the true* to *% of the called*. The first makes each row add up to
# 100, the second each column. Look at the diagonal: it then holds two measures that
# you will soon meet by name.

# %% [markdown]
# ## Pixel accuracy, and why it misleads
#
# **Pixel accuracy** is the share of right pixels. It comes in two forms.
#
# - **Global**: the diagonal over everything, $\sum_k TP_k$ over all pixels. Lesson 01
#   showed its weakness: a few large classes decide it.
# - **Per class**: of the true pixels of a class, how many were found? That is
#   $TP/(TP+FN)$. It has a second name, **recall**.
#
# Some texts use yet another accuracy per class, the yes-or-no of the circles:
#
# $$\frac{TP+TN}{TP+TN+FP+FN}$$
#
# For a rare class it is nearly 1 even if you never name it: TN alone is nearly
# everything.

# %%
never = np.where(truth == VEHICLES, LYFT.id("Roads"), truth)  # no vehicle, else perfect
everywhere = np.where(truth == LYFT.id("Roads"), VEHICLES, truth)  # all road is vehicle
print("answers       global   recall   yes-or-no   IoU of vehicles")
table = {"imitated": answer, "never": never, "everywhere": everywhere}
for name, given in table.items():
    c = metrics.Confusion().add(truth, given)
    yes_or_no = ((truth == VEHICLES) == (given == VEHICLES)).mean()
    print(f"{name:12}{c.accuracy():8.3f}{c.recall()[VEHICLES]:9.3f}"
          f"{yes_or_no:12.3f}{c.iou()[VEHICLES]:8.3f}")

# %% tags=["test"]
assert metrics.accuracy(truth, never) > metrics.accuracy(truth, answer)
assert round(((truth == VEHICLES) == (never == VEHICLES)).mean(), 2) == 0.97
assert metrics.iou(truth, everywhere)[VEHICLES] < 0.3
assert metrics.Confusion().add(truth, everywhere).recall()[VEHICLES] == 1

# %% [markdown]
# Read the last two rows.
#
# - The answer that **never** says vehicle has the best global accuracy, and a fine
#   yes-or-no, about 97 %. That was question 2.
# - The answer that calls the whole road a vehicle, **everywhere**, has the best
#   recall there is. Recall does not count false positives.
# - Only the IoU is low for both.
#
# A measure of a class needs FP *and* FN. IoU and Dice have both.

# %%
figures.class_bars(
    {"recall (class accuracy)": street.recall(), "IoU": street.iou()},
    alt="Recall and IoU of each class for the imitated answer. The IoU is the smaller "
    "one everywhere, and for some small classes by far.",
    label="the imitated answer",
)
gap = street.recall() - street.iou()
widest = np.nanargmax(gap)
print(f"widest apart: {LYFT.names[widest]}, recall {street.recall()[widest]:.2f}, "
      f"IoU {street.iou()[widest]:.2f}")
assert (gap[~np.isnan(gap)] >= 0).all()  # the IoU divides by more: by the FP as well

# %% [markdown]
# Recall is never below IoU. Where it is far above, the class was named too often, and
# the wrong pixels are in other rows of the confusion matrix.
#
# One more mean belongs here. The **frequency-weighted IoU**, $\sum_k s_k J_k$, weighs
# each class by its share $s_k$ of the true pixels. It counts FP and FN, but small
# classes hardly matter again. In the paper on FCN, and in many others, you find these
# four side by side:

# %%
share = street.matrix.sum(axis=1) / street.matrix.sum()
weighted = (share * street.iou(absent=0)).sum()
print(f"accuracy {street.accuracy():.3f} · mean over the classes' accuracy "
      f"{metrics.mean(street.recall()):.3f}")
print(f"mean IoU {street.mean_iou():.3f} · frequency-weighted IoU {weighted:.3f}")
assert np.isclose(weighted, street.frequency_weighted_iou())

# %% tags=["test"]
assert street.mean_iou() < weighted < street.accuracy()

# %% [markdown]
# ## Beat 0.95 with no model
#
# Time to use what you know, for cheating. Your task: segment the vehicles of streets
# that you have never seen. You may not look at the pictures. Aim: Dice above 0.95.
#
# Look at a *raw* label again, as it comes from the data.

# %%
figures.grid(
    [photo, raw_truth],
    ["the street", "its raw label"],
    alt="Left: the street, with the dark bonnet of the camera car along the lower "
    "edge. Right: its raw label; the bonnet is a large area of class Vehicles.",
    columns=2,
)
lower = raw_truth[-30:] == VEHICLES
print(f"the lowest 30 rows: {lower.mean():.0%} Vehicles")

# %% [markdown]
# The camera looks over the bonnet of its own car, the **hood**, and it is labelled
# Vehicles. It is in the same place in every frame. So say 'vehicle' exactly where
# *every* training street has it, and nowhere else.

# %%
SIZE = {"height": 150, "width": 200}
training = np.stack([scene(drive, 0, **SIZE)[1] for drive in range(20)])
unseen = np.stack([scene(drive, 0, **SIZE)[1] for drive in range(1000, 1020)])
hood = np.where((training == VEHICLES).all(axis=0), VEHICLES, 0).astype(np.uint8)

blind = metrics.Confusion()
for mask in unseen:
    blind.add(mask, hood)  # the same answer to every street
print(f"Vehicles: IoU {blind.iou()[VEHICLES]:.3f}, Dice {blind.dice()[VEHICLES]:.3f}")

# %% tags=["test"]
assert blind.dice()[VEHICLES] > 0.95

# %% [markdown]
# That answers question 4. One constant answer scores what many a trained network
# would be proud of. It found no car at all. Now remove the hood from the truth, as
# lesson 02 did, and ask again.

# %%
clean = metrics.Confusion()
for mask in unseen:
    clean.add(masks.remove_hood(mask), hood)
print(f"without the hood: IoU {clean.iou()[VEHICLES]:.3f}")
assert clean.iou()[VEHICLES] == 0

# %% [markdown]
# Exactly 0. **A score is a score of the data as well.** Before you believe a number,
# ask what a constant answer gets.

# %% [markdown]
# ## Absent classes
#
# A street without pedestrians. The truth has none, the answer has none:
# $TP=FP=FN=0$, and the IoU is $0/0$. There are three ways out.
#
# | rule | reasoning | what it does |
# |---|---|---|
# | **nan**, left out of the mean | there was nothing to measure | the mean is over the classes present |
# | **1** | nothing was asked, nothing said: right | the mean rises with each absent class |
# | **0** | nothing was found | the mean falls, and even a perfect answer gets less than 1 |

# %%
perfect = metrics.Confusion().add(truth, truth)
print("classes in this street:", (~np.isnan(perfect.iou())).sum(), "of", len(LYFT))
for rule in (np.nan, 1, 0):
    print(f"absent = {rule}: perfect answer {perfect.mean_iou(absent=rule):.3f}, "
          f"imitated {street.mean_iou(absent=rule):.3f}")
assert perfect.mean_iou() == perfect.mean_iou(absent=1) == 1

# %% [markdown]
# The same answer, three numbers. In this course absent means nan, and every docstring
# says so. Beware: a class that is not in the truth but *is* in the answer is not
# absent. It has FP, so its IoU is 0, and rightly.

# %% [markdown]
# ## One prediction, nine 'mean IoUs'
#
# With several pictures there is one more choice. **Pooled**: add up the confusion
# matrices of all pictures, then compute one IoU for each class. **Per image**:
# compute the IoU in each picture, then take means, and there are several orders to do
# so.
#
# ### Predict first: how far apart?
#
# One fixed answer to 24 streets. Nine people compute its mean IoU, all without a
# bug. What is the largest difference?

# %%
test_images, test_masks = scenes(drives=range(1000, 1012), frames=(0, 20))
answers = np.stack([imitate(m, 4, seed) for seed, m in enumerate(test_masks)])
pooled = metrics.Confusion().add(test_masks, answers)
each = metrics.iou_per_image(test_masks, answers)
has_truth = np.array([[(m == k).any() for k in range(13)] for m in test_masks])
in_truth = np.where(has_truth, each, np.nan)
zeros, ones = np.nan_to_num(each, nan=0), np.nan_to_num(each, nan=1)
print(f"streets × classes: {each.shape}, {np.isnan(each).mean():.0%} of them absent")
assert each.shape == (24, 13)


# %%
def means(scores, axis):
    """The mean along an axis, leaving nan out; nan where all are nan."""
    known = ~np.isnan(scores)
    count = known.sum(axis)
    total = np.where(known, scores, 0).sum(axis)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


nine = {
    "pooled": pooled.mean_iou(),
    "pooled, without class None": pooled.mean_iou(range(1, 13)),
    "pooled in batches of 4, then over batches": np.mean(
        [metrics.mean_iou(test_masks[i : i + 4], answers[i : i + 4])
         for i in range(0, 24, 4)]
    ),
    "all classes of all images at once": metrics.mean(each),
    "mean of each image, then over images": metrics.mean(means(each, axis=1)),
    "mean of each class, then over classes": metrics.mean(means(each, axis=0)),
    "per image, classes of the truth alone": metrics.mean(means(in_truth, axis=1)),
    "per image, absent = 0": zeros.mean(),
    "per image, absent = 1": ones.mean(),
}

# %%
ordered = dict(sorted(nine.items(), key=lambda item: item[1]))
figure, axes = figures.canvas(height=4.2)
bars = axes[0, 0].barh(list(ordered), list(ordered.values()), color="#0036d1")
axes[0, 0].bar_label(bars, fmt="%.3f", padding=4)
axes[0, 0].set(xlabel="'mean IoU' of one and the same prediction", xlim=(0, 1))
axes[0, 0].spines[["top", "right"]].set_visible(False)
figures.show(
    figure,
    alt="Nine bars, each a way to compute the mean IoU of the same answers: "
    + ", ".join(f"{name} {value:.3f}" for name, value in ordered.items()),
)
low, high = min(nine.values()), max(nine.values())
print(f"from {low:.3f} to {high:.3f}: a difference of {high - low:.3f}")

# %% tags=["test"]
assert high - low > 0.06 and len({round(v, 3) for v in nine.values()}) >= 7

# %% [markdown]
# Nobody made a mistake: that was question 3. Libraries differ in just this way, in
# their defaults. Some pool (scikit-learn's `jaccard_score`, Keras' `MeanIoU`,
# torchmetrics' `JaccardIndex`), some go image by image, some give absent classes a 1.
#
# **A mean IoU without its rule is half a number.** In this course: pooled over all
# test pictures, absent classes nan. Pooled scores let large objects speak louder, and
# every pixel counts the same. Scores per image let every picture count the same,
# which suits a doctor: each patient matters as much as the next.

# %% [markdown]
# ## Pixels that do not count
#
# Some pixels have no right answer: a border that nobody can place to the pixel, an
# object that the labeller could not name. They get the id 255, **ignore**. A pixel
# counts unless its *true* id is 255. What the answer says there does not matter.
#
# ### Predict first: the borders left out
#
# Ignore a strip along all borders of the truth. Will the imitated answer score higher
# or lower?

# %%
near = ~boundary.inside(truth, 3)  # within 3 pixels of another class, or of the end
lenient = np.where(near, IGNORE, truth)
figures.grid(
    [truth, lenient],
    ["the truth", f"grey: ignored, {near.mean():.0%} of the pixels"],
    alt="Left: the true mask. Right: the same mask with grey strips along all borders "
    "between classes; thin things are grey all over.",
    columns=2,
)
wrong_way = np.where(lenient == IGNORE, 0, lenient)  # 255 taken for class 0
print(f"every pixel counts:     {metrics.mean_iou(truth, answer):.3f}")
print(f"borders ignored:        {metrics.mean_iou(lenient, answer):.3f}")
print(f"255 taken for class 0:  {metrics.mean_iou(wrong_way, answer):.3f}")

# %% tags=["test"]
assert metrics.accuracy(lenient, answer) > metrics.accuracy(truth, answer) + 0.02
assert metrics.mean_iou(wrong_way, answer) < metrics.mean_iou(truth, answer)

# %% [markdown]
# Coarse borders were the main fault of this answer, and now nobody looks at them. So
# an ignore label can flatter as well: when you compare two papers, compare what they
# leave out. And a program that takes 255 for a class punishes an answer for what
# nobody knows.

# %% [markdown]
# ## Borders
#
# A large area hides its border. Move the mask of a street to the right by three pixels:
# the road loses little of its IoU.
#
# **Boundary IoU** (Cheng and others, 2021) looks at a band only: $A_d$ are the pixels
# of $A$ at most $d$ pixels away from its border. It is the IoU of the two bands,
# $|A_d\cap B_d|\,/\,|A_d\cup B_d|$. To get a band, take the inside away. And the inside is what remains when you **erode**
# the region: keep a pixel only if all its neighbours are in the region too; repeat
# $d$ times.


# %%
def erode(region):
    """Keeps the pixels whose 8 neighbours are all in the region; outside is not."""
    p = np.pad(region, 1)
    height, width = region.shape
    shifted = [p[r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.logical_and.reduce(shifted)


def band(region, distance):
    """The pixels of the region at most `distance` pixels away from its border."""
    inner = region
    for _ in range(distance):
        inner = erode(inner)
    return region & ~inner


square = np.zeros((7, 9), bool)
square[1:6, 1:8] = True
print(band(square, 1).astype(int))
assert square.sum() == 35 and band(square, 1).sum() == 35 - 3 * 5

# %%
moved = np.roll(truth, 3, axis=1)
moved[:, :3] = truth[:, :3]
distance = round(0.02 * np.hypot(*truth.shape))  # 2 % of the diagonal, as published
road = LYFT.id("Roads")
t, p = truth == road, moved == road
figure, axes = figures.canvas(1, 2, height=3.6)
draw_groups(axes[0, 0], t[100:], p[100:])
axes[0, 0].set_title(f"the road: IoU {jaccard(t, p):.3f}")
t, p = band(t, distance), band(p, distance)
draw_groups(axes[0, 1], t[100:], p[100:])
axes[0, 1].set_title(f"its bands, {distance} pixels wide: IoU {jaccard(t, p):.3f}")
for axis in axes[0]:
    handles = axis.get_legend().legend_handles
    axis.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2)
figures.show(
    figure,
    alt="Left: the road of the moved mask against the truth, nearly all TP with thin "
    "lines of FP and FN. Right: only the bands along the road's borders; the same "
    "lines are now a good part of all that is counted.",
)
expected = boundary.boundary_iou(truth, moved)[road]
assert np.isclose(jaccard(t, p), expected)

# %% [markdown]
# The same error, but now it is measured against the border and not against the whole
# road. `boundary.boundary_iou` gives the same number as our own band.
#
# For a **thin** class the band is the whole thing, so boundary IoU tells nothing new,
# and both are merciless: shift a pole of two pixels' width by two pixels, and both
# are 0. **Boundary F1** is made for this. It takes the contour, one pixel wide, and
# asks with a tolerance: how much of the answered contour lies close to the true one
# (precision), and how much of the true contour lies close to the answered one
# (recall)? F1 joins the two, $2PR/(P+R)$; more of it in the next section.


# %%
def contour(region):
    """The places (row, column) of the pixels with a neighbour outside the region."""
    p = np.pad(region, 1, mode="edge")  # the end of the picture is no border
    inner = p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:]
    return np.argwhere(region & ~inner)


def close(places, others, tolerance):
    """The share of the places with one of the others at most `tolerance` away."""
    squares = ((places[:, None] - others[None]) ** 2).sum(axis=-1)
    return (squares.min(axis=1) <= tolerance**2).mean()


pole = LYFT.id("Poles")
true_places, places = contour(truth == pole), contour(moved == pole)
for tolerance in (0, 1, 2, 3, 4):
    precision = close(places, true_places, tolerance)
    recall = close(true_places, places, tolerance)
    f1 = 2 * precision * recall / (precision + recall)
    print(f"poles, tolerance {tolerance}: boundary F1 {f1:.3f}")
    assert np.isclose(f1, boundary.boundary_f1(truth, moved, tolerance=tolerance)[pole])

# %% [markdown]
# The mask was moved by 3 pixels. With a tolerance of 3 it is perfect, and with less it
# is not. Now all three measures side by side, with a tolerance of 4 pixels:

# %%
kinds = {
    "IoU": metrics.iou(truth, moved),
    "boundary IoU": boundary.boundary_iou(truth, moved),
    "boundary F1": boundary.boundary_f1(truth, moved, tolerance=4),
}
chosen = [LYFT.id(n) for n in ("Roads", "Vegetation", "Vehicles", "Poles", "RoadLines")]
shown = {name: np.full(13, np.nan) for name in kinds}
for name, values in kinds.items():
    shown[name][chosen] = values[chosen]
figures.class_bars(
    shown,
    alt="IoU, boundary IoU and boundary F1 of five classes for the mask that was moved "
    "by 3 pixels. Roads: high IoU, lower boundary IoU. Lane lines: low IoU and "
    "boundary IoU. Boundary F1 with 4 pixels' tolerance is high for all.",
    label="score of a mask that is right, but 3 pixels off",
)

# %% tags=["test"]
lines = LYFT.id("RoadLines")
assert kinds["IoU"][road] > kinds["boundary IoU"][road] + 0.05
assert kinds["boundary F1"][lines] > kinds["IoU"][lines] + 0.3

# %% [markdown]
# Three questions, three answers. *How much area is right?* IoU. *How exact is the
# border of a large thing?* Boundary IoU. *Is the thin thing there, about where it
# should be?* Boundary F1. Its tolerance belongs to the number, like the rule for
# absent classes.

# %% [markdown]
# ## Precision, recall and F-beta
#
# FP and FN do not always cost the same. Split the question:
#
# $$P = \frac{TP}{TP+FP} \quad\text{(precision: is what I say right?)} \qquad
# R = \frac{TP}{TP+FN} \quad\text{(recall: did I find it all?)}$$
#
# **F-beta** joins them and says which matters more:
#
# $$F_\beta = \frac{(1+\beta^2)\,P\,R}{\beta^2 P + R}
# = \frac{(1+\beta^2)\,TP}{(1+\beta^2)\,TP + \beta^2 FN + FP}$$
#
# With $\beta=1$ it is Dice. With $\beta=2$ a missed pixel weighs four times as much
# as a false one, with $\beta=0.5$ a quarter as much.


# %%
def f_beta(precision, recall, beta):
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def grow(region):
    """The region and all pixels next to it."""
    p = np.pad(region, 1)
    height, width = region.shape
    shifted = [p[r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.logical_or.reduce(shifted)


vehicles = truth == VEHICLES
kept = {"cautious": erode(erode(vehicles)), "bold": grow(grow(vehicles))}
score = {}
for name, given in kept.items():
    c = metrics.Confusion(2).add(vehicles.astype(int), given.astype(int))
    precision, recall = score[name] = c.precision()[1], c.recall()[1]
    print(f"{name:9}precision {precision:.3f}, recall {recall:.3f}, F_0.5 "
          f"{c.f_beta(0.5)[1]:.3f}, F_1 {c.f_beta(1)[1]:.3f}, F_2 {c.f_beta(2)[1]:.3f}")
    assert np.isclose(c.f_beta(2)[1], f_beta(precision, recall, 2))
    assert np.isclose(c.f_beta(1)[1], c.dice()[1])

# %% [markdown]
# The cautious answer names only pixels that it is sure of: all it says is right, but
# it misses the rims. The bold one adds two pixels all around: it misses nothing. F_0.5
# prefers the cautious one, F_2 the bold one. Neither is better. It depends on what a
# mistake costs.


# %%
BETAS, MARKED = np.geomspace(0.25, 4, 65), np.array([0.25, 0.5, 1, 2, 4])
figure, axes = figures.canvas(height=3.8)
axis = axes[0, 0]
for (name, pair), dashes in zip(score.items(), ("-", ":"), strict=True):
    axis.plot(BETAS, f_beta(*pair, BETAS), dashes, color="#0036d1", lw=2.2, label=name)
    values = f_beta(*pair, MARKED)
    axis.plot(MARKED, values, "o", color="black")
    for beta, value in zip(MARKED, values, strict=True):
        above = 9 if name == "bold" or beta < 1 else -18  # no number on another
        at = {"xytext": (0, above), "textcoords": "offset points", "ha": "center"}
        axis.annotate(f"{value:.2f}", (beta, value), **at)
axis.set(xscale="log", xlabel="β", ylabel="F_β")
axis.minorticks_off()
axis.set_xticks(MARKED, [f"{beta:g}" for beta in MARKED])
axis.margins(y=0.2)
axis.legend(loc="center right")
figures.show(
    figure,
    alt="F_β over β from 0.25 to 4. It falls for the cautious answer and rises for the "
    "bold one; the curves cross.",
)

# %% [markdown]
# For small β a curve starts near the precision, for large β it ends near the recall.
# Where the two curves cross, the two answers are equally good. Below, where you cut at
# a threshold, you move β yourself.

# %% [markdown]
# ## The score of the challenge
#
# The Lyft-Udacity challenge, the task of the last lesson, merges its classes to road
# (with lane lines), vehicle and other. A missed vehicle is worse than a false one, so
# $\beta=2$. Road where there is none is worse than a missed bit of road, so
# $\beta=0.5$. And whoever is slower than 10 frames per second pays:
#
# $$S = 100\cdot\frac{F_2(\text{vehicle}) + F_{0.5}(\text{road})}{2}
# - \max(0,\; 10 - \text{frames per second})$$

# %%
merged = metrics.Confusion(3)
for mask, given in zip(test_masks, answers, strict=True):
    merged.add(masks.challenge_classes(mask), masks.challenge_classes(given))
f2 = merged.f_beta(2)[CHALLENGE.id("Vehicle")]
f05 = merged.f_beta(0.5)[CHALLENGE.id("Road")]
print(f"vehicle F_2 {f2:.3f}, road F_0.5 {f05:.3f}")
for speed in (25, 10, 4):
    points = 100 * (f2 + f05) / 2 - max(0, 10 - speed)
    print(f"{speed:3} frames per second: {points:.1f} points")
    assert np.isclose(points, metrics.challenge_score(merged, speed))

# %% [markdown]
# Six frames per second too few cost six points. Above 10, speed earns nothing. Every
# such formula is a decision about what matters, and models are then built for the
# formula.
#
# ## The road prior: a baseline that never looks
#
# You cheated with vehicles. Is the other half of the score safe? The road has no
# hood. But it lies below, in the middle, nearly always. For each place, take the share
# of training streets with road there. That is a map of probabilities, and it needs no
# picture at all.

# %%
_, train_masks = scenes(drives=range(30), frames=[0])
ROAD = CHALLENGE.id("Road")
prior = (masks.challenge_classes(train_masks) == ROAD).mean(axis=0)  # 96×128, 0 to 1
test_road = masks.challenge_classes(test_masks) == ROAD
guess = prior >= 0.5
figures.grid(
    [(255 * prior).astype(np.uint8), (255 * guess).astype(np.uint8),
     (255 * test_road[3]).astype(np.uint8)],
    ["how often road", "road in most streets", "the road of one street"],
    alt="Left: a blurred bright triangle, bright where training streets mostly have "
    "road. Middle: the same, cut at one half. Right: the true road of an unseen "
    "street, a similar triangle with a car's shape missing.",
    classes=None,
)
road_prior = metrics.Confusion(2)
for one_road in test_road:
    road_prior.add(one_road.astype(int), guess.astype(int))  # always the same answer
print(f"road prior on unseen drives: F_0.5 {road_prior.f_beta(0.5)[1]:.3f}, "
      f"IoU {road_prior.iou()[1]:.3f}")

# %% tags=["test"]
assert road_prior.f_beta(0.5)[1] > 0.85

# %% [markdown]
# The road prior is a **baseline**: the score that costs nothing. On the real frames a
# road prior does about as well. So a network with a road F_0.5 of 0.95 has learnt
# almost nothing, and one with 0.99 quite a lot. Small differences at the top can be
# large ones.
#
# Both tricks together, hood and road prior, on labels that nobody cleaned:

# %%
both = np.where(hood == VEHICLES, 2, 0).astype(np.uint8)
road_there = masks.resize_mask(guess.astype(np.uint8), 150, 200) == 1
both[road_there & (both == 0)] = 1
blind_all, blind_clean = metrics.Confusion(3), metrics.Confusion(3)
for mask in unseen:
    blind_all.add(masks.challenge_classes(mask), both)
    cleaned = masks.challenge_classes(masks.remove_hood(mask))
    blind_clean.add(cleaned, np.where(both == 2, 0, both))
print(f"raw labels:   {metrics.challenge_score(blind_all):.1f} of 100 points, blindly")
print(f"hood removed: {metrics.challenge_score(blind_clean):.1f} of 100 points")

# %% tags=["test"]
assert metrics.challenge_score(blind_all) > 85
assert metrics.challenge_score(blind_clean) < 60

# %% [markdown]
# For comparison: the winning entry of the challenge reached about 92 points, on real
# frames and with the hood removed. The makers of the challenge knew why they removed it.

# %% [markdown]
# ## Where to cut: the threshold
#
# The prior is a map of probabilities. We cut it at 0.5, for no reason. Each
# **threshold** makes another mask: a low one is bold, a high one cautious.
#
# `Sweep` counts TP, FP and FN at a hundred and one thresholds at once. First by hand,
# for one of them:

# %%
at = 0.7
cut = np.broadcast_to(prior >= at, test_road.shape)
tp, fp, fn = (cut & test_road).sum(), (cut & ~test_road).sum(), (~cut & test_road).sum()
precision, recall = tp / (tp + fp), tp / (tp + fn)
print(f"threshold {at}: precision {precision:.3f}, recall {recall:.3f}")

sweep = Sweep()
for street_road in test_road:
    sweep.add(street_road, prior)
assert np.isclose(sweep.precision()[70], precision)
assert np.isclose(sweep.recall()[70], recall)

# %%
scores = {"precision": sweep.precision(), "recall": sweep.recall()}
scores |= {"F_0.5": sweep.f_beta(0.5), "F_2": sweep.f_beta(2)}
figures.curves(
    {name: (sweep.thresholds[5:96], v[5:96]) for name, v in scores.items()},
    alt="Four curves over the threshold. Precision rises, recall falls. F_0.5 has its "
    "top at a higher threshold than F_2.",
    xlabel="threshold",
    ylabel="score of the road prior",
)
for name in ("F_0.5", "F_2"):
    cut_at, best = sweep.best(scores[name])
    print(f"best {name}: {best:.3f} at threshold {cut_at:.2f}")

# %% tags=["test"]
assert sweep.best(scores["F_0.5"])[0] > sweep.best(scores["F_2"])[0]

# %% [markdown]
# Now one street alone. Move the threshold, and watch what the mask wins and loses.
# Then set β to 0.5 and press *Best*, set it to 2 and press again.

# %%
from helpers.widgets.threshold import threshold

street_sweep = Sweep().add(test_road[3], prior)
cut_at, best = street_sweep.best(street_sweep.f_beta(0.5))
one_street = threshold(test_images[3], prior, test_road[3], beta=0.5)
assert f"The best F_0.5 is {best:.3f}, at threshold {cut_at:.2f}" in one_street.text()
one_street

# %% [markdown]
# The measure chooses the threshold. For the cautious F_0.5 the best cut is high, for
# F_2 it is low. Entries of the challenge did exactly this: another threshold for road
# than for vehicles, and points for nothing.
#
# One warning. These thresholds were chosen on the streets that judge them. That is
# cheating a little. Choose on validation streets, and report on others.

# %% [markdown]
# ## Choose a measure: five briefs
#
# There is no best measure. There is one that fits what a mistake costs. Choose for
# each client.

# %%
quiz(
    "Brief 1. A hospital measures tumours. Every patient matters the same, whether the "
    "tumour is large or small. Doctors are used to one certain number.",
    {
        "Dice per patient, then the mean and the spread": "Per image each patient "
        "counts once; pooled, the large tumours would decide. And say what happens "
        "when there is no tumour.",
        "pixel accuracy": "Most of the picture is no tumour: 0.99 for finding nothing.",
        "pooled IoU": "One huge tumour would outweigh ten small ones.",
    },
    answer="Dice per patient, then the mean and the spread",
)
quiz(
    "Brief 2. A car's emergency brake looks at pedestrians. A missed one is far worse "
    "than a false alarm, but it must not brake all the time.",
    {
        "recall of pedestrians": "An answer that says 'pedestrian' everywhere is "
        "perfect by recall alone. It would brake all the time.",
        "F_2 of pedestrians": "It weighs a miss four times as much as a false pixel, "
        "and still counts both.",
        "mean IoU": "Pedestrians are one class of many there, and a miss costs no more "
        "than a false alarm.",
    },
    answer="F_2 of pedestrians",
)

# %%
quiz(
    "Brief 3. A photo app cuts people out. Users complain about frayed hair, never "
    "about missing arms.",
    {
        "IoU of the person": "It is nearly 1 for all candidates: the inside hides the "
        "border.",
        "boundary IoU of the person": "People are large, and the complaint is about "
        "the rim: the band looks there and nowhere else.",
        "recall of the person": "A cut-out with a wide rim of background would be "
        "perfect.",
    },
    answer="boundary IoU of the person",
)
quiz(
    "Brief 4. A robot sprays weeds. Spray on the crop kills the harvest; a weed that "
    "was missed is sprayed next week.",
    {
        "F_0.5 of weeds": "False positives are the costly ones, so precision counts "
        "more.",
        "F_2 of weeds": "That is for the opposite case, where a miss is costly.",
        "frequency-weighted IoU": "Soil has most of the pixels and would decide it.",
    },
    answer="F_0.5 of weeds",
)

# %%
quiz(
    "Brief 5. Two teams compare street models of 19 classes on one set of test "
    "pictures, for a paper. Rare classes should count as much as common ones.",
    {
        "global pixel accuracy": "Road and sky would decide.",
        "pooled mean IoU, and the rule for absent and ignored": "The usual measure of "
        "such papers, and now the number is whole.",
        "mean IoU": "Which of the nine?",
    },
    answer="pooled mean IoU, and the rule for absent and ignored",
)

# %% [markdown]
# Whatever you choose: report it for each class, put a baseline beside it, and look at
# the worst pictures. A number tells you *that* something is wrong. Only a picture
# tells you *what*.

# %% [markdown]
# ## Exercises
#
# Replace `...  # your code here`. The check cells are folded; run them like any other
# cell.
#
# ### Exercise 1 · IoU of one class
#
# Write `class_iou(truth, prediction, k)` for two masks (H × W ids). Pixels whose true
# id is 255 do not count. If class `k` is in neither mask, return `float("nan")`.
#
# <details><summary>Hint 1</summary>
# First throw away what does not count: <code>counted = truth != 255</code>, then
# <code>truth[counted]</code> and <code>prediction[counted]</code>.
# </details>
# <details><summary>Hint 2</summary>
# <code>np.logical_and</code> and <code>np.logical_or</code> of the two regions, as in
# <code>jaccard</code> above. Look at the union before you divide.
# </details>

# %%
with_hole = small_truth.copy()
with_hole[0, 3:] = IGNORE
figure, axes = figures.canvas(1, 2, height=3.4)
draw_ids(axes[0, 0], with_hole, "truth")
draw_ids(axes[0, 1], small_answer, "answer")
target = [metrics.iou(with_hole, small_answer, 4)[k] for k in range(4)]
values = [f"class {k}: {value:.3f}" for k, value in enumerate(target)]
figure.suptitle("target: " + ", ".join(values))
figures.show(
    figure,
    alt="The small truth with two ignored pixels at its top right, and the answer. "
    "Target: class 0 0.900, class 1 0.800, class 2 0.600, class 3 nan.",
)
assert np.allclose(target[:3], [9 / 10, 4 / 5, 3 / 5]) and np.isnan(target[3])


# %%
def class_iou(truth, prediction, k):
    """IoU of class k in two masks, uint8 H×W; nan if it is in neither."""
    # BEGIN SOLUTION
    counted = truth != 255
    t, p = truth[counted] == k, prediction[counted] == k
    union = np.logical_or(t, p).sum()
    return np.logical_and(t, p).sum() / union if union else float("nan")
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _counts(truth, prediction, k, ignore=255):
    counted = truth != ignore
    t, p = truth[counted] == k, prediction[counted] == k
    return (t & p).sum(), (~t & p).sum(), (t & ~p).sum()


def _divide(part, whole, absent=float("nan")):
    return part / whole if whole else absent


def _iou(truth, prediction, k, absent=float("nan"), ignore=255):
    tp, fp, fn = _counts(truth, prediction, k, ignore)
    return _divide(tp, tp + fp + fn, absent)


# %% jupyter={"source_hidden": true}
def _sum_for_union(truth, prediction, k):
    tp, fp, fn = _counts(truth, prediction, k)
    return _divide(tp, 2 * tp + fp + fn)


def _as_dice(truth, prediction, k):
    tp, fp, fn = _counts(truth, prediction, k)
    return _divide(2 * tp, 2 * tp + fp + fn)


def _as_recall(truth, prediction, k):
    tp, _, fn = _counts(truth, prediction, k)
    return _divide(tp, tp + fn)


# %% jupyter={"source_hidden": true}
exercise(
    class_iou,
    _iou,
    inputs=[(with_hole, small_answer, 1), (small_truth, small_answer, 0),
            (small_truth, small_answer, 3), (truth, answer, 9)],
    mistakes={
        "the union is not |A| + |B|: shared pixels count once": _sum_for_union,
        "that is the Dice": _as_dice,
        "you divide by the true pixels alone: that is recall": _as_recall,
        "pixels with the true id 255 must not count": lambda t, p, k: _iou(
            t, p, k, ignore=-1
        ),
        "an absent class is nan, not 0": lambda t, p, k: _iou(t, p, k, absent=0),
        "an absent class is nan, not 1": lambda t, p, k: _iou(t, p, k, absent=1),
    },
)

# %% [markdown]
# ### Exercise 2 · Mean Dice from a confusion matrix
#
# Write `mean_dice(matrix)`: the mean of the classes' Dice, from a confusion matrix
# alone (C × C, row = truth). Leave absent classes out.
#
# <details><summary>Hint 1</summary>
# TP is the diagonal. TP + FN is a row sum, TP + FP a column sum. So the sizes of both
# sets are there already.
# </details>
# <details><summary>Hint 2</summary>
# A class is absent if its row sum and its column sum are 0. Choose the others before
# you divide.
# </details>

# %%
four = np.pad(matrix, (0, 1))  # a fourth class that never occurs
target = metrics.Confusion(4, matrix=four).dice()
figures.class_bars(
    {"Dice": target[:3]},
    alt="Target: the Dice of the classes 0, 1 and 2 of the small example: 0.900, 0.833 "
    "and 0.750. The fourth class is absent and has no bar.",
    label=f"target for the small example: their mean is {np.nanmean(target):.4f}",
    classes=SMALL,
)


# %%
def mean_dice(matrix):
    """The mean Dice of the classes present, from a confusion matrix, int C×C."""
    # BEGIN SOLUTION
    hit = np.diag(matrix)
    sizes = matrix.sum(axis=0) + matrix.sum(axis=1)
    present = sizes > 0
    return (2 * hit[present] / sizes[present]).mean()
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _dice_of(matrix, absent=np.nan, factor=2):
    hit, sizes = np.diag(matrix), matrix.sum(0) + matrix.sum(1)
    values = np.where(sizes > 0, factor * hit / np.maximum(sizes, 1), absent)
    return values[~np.isnan(values)]


def _mean_iou(matrix):
    return metrics.Confusion(len(matrix), matrix=matrix).mean_iou()


def _from_mean_iou(matrix):
    return 2 * _mean_iou(matrix) / (1 + _mean_iou(matrix))


def _all_classes_together(matrix):
    return 2 * np.trace(matrix) / (2 * matrix.sum())


# %% jupyter={"source_hidden": true}
exercise(
    mean_dice,
    lambda matrix: _dice_of(matrix).mean(),
    inputs=[(matrix,), (four,), (street.matrix,)],
    mistakes={
        "the 2 is missing": lambda m: _dice_of(m, factor=1).mean(),
        "an absent class is left out, not 0": lambda m: _dice_of(m, absent=0).mean(),
        "an absent class is left out, not 1": lambda m: _dice_of(m, absent=1).mean(),
        "2J/(1+J) holds for each class, not for means": _from_mean_iou,
        "Dice for each class first, then the mean": _all_classes_together,
        "that is the mean IoU": _mean_iou,
    },
)

# %% [markdown]
# ### Exercise 3 · F-beta from counts
#
# Write `f_score(tp, fp, fn, beta)`, from counts to F-beta. Use the form with TP, FP
# and FN: it needs no precision, and so has no division by zero when nothing was
# predicted. All counts together are at least 1.
#
# <details><summary>Hint 1</summary>
# The formula stands above, on the right. <code>beta**2</code> occurs twice.
# </details>
# <details><summary>Hint 2</summary>
# Test your function: with beta = 1 it is Dice. With tp = 50, fp = 0, fn = 50 and beta
# = 2 it is 250/450.
# </details>

# %%
betas = np.geomspace(0.25, 4, 30)
figures.curves(
    {name: (betas, [metrics.Confusion(2, matrix=m).f_beta(beta)[1] for beta in betas])
     for name, m in (("tp 50, fp 0, fn 50", [[0, 0], [50, 50]]),
                     ("tp 50, fp 50, fn 0", [[0, 50], [0, 50]]))},
    alt="Target: F-beta over beta from 0.25 to 4. With 50 missed pixels it falls from "
    "0.94 to 0.52, with 50 false ones it rises from 0.52 to 0.94; they cross at 1.",
    xlabel="beta",
    ylabel="target",
)


# %%
def f_score(tp, fp, fn, beta):
    """F-beta from counts."""
    # BEGIN SOLUTION
    hit = (1 + beta**2) * tp
    return hit / (hit + beta**2 * fn + fp)
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _f(tp, fp, fn, weight):
    return (1 + weight) * tp / ((1 + weight) * tp + weight * fn + fp)


exercise(
    f_score,
    lambda tp, fp, fn, beta: _f(tp, fp, fn, beta**2),
    inputs=[(50, 0, 50, 2.0), (30, 10, 20, 0.5), (7, 1, 3, 1.0), (0, 0, 5, 2.0)],
    mistakes={
        "beta is squared in the formula": lambda tp, fp, fn, b: _f(tp, fp, fn, b),
        "beta² belongs to what was missed, FN": lambda tp, fp, fn, b: _f(
            tp, fn, fp, b**2
        ),
        "that is F_1: beta has no effect": lambda tp, fp, fn, b: _f(tp, fp, fn, 1),
        "only half of the formula has 1 + beta²": lambda tp, fp, fn, b: tp
        / ((1 + b**2) * tp + b**2 * fn + fp),
    },
)

# %% [markdown]
# ### Exercise 4 · The best threshold
#
# Write `best_threshold(truth, probability, thresholds)`. It cuts the probability map
# at each threshold (`probability >= threshold`) and returns the threshold whose mask
# has the highest IoU with `truth` (bool). If several are equally good, return the
# lowest of them.
#
# <details><summary>Hint 1</summary>
# A loop over the thresholds, and <code>jaccard(truth, probability >= t)</code> in it.
# </details>
# <details><summary>Hint 2</summary>
# <code>np.argmax</code> gives the position of the first of the highest values. Turn
# the position into a threshold.
# </details>

# %%
one_road, tenths = test_road[3], np.arange(1, 10) / 10
values = [jaccard(one_road, prior >= t) for t in tenths]
best = tenths[np.argmax(values)]
figures.curves(
    {"IoU with one street's road": (tenths, values), "target": ([best] * 2, [0, 1])},
    alt="IoU over nine thresholds, with a dashed upright line at the highest: the "
    "target.",
    xlabel=f"threshold; target: {best:.1f}",
    ylabel="IoU",
)


# %%
def best_threshold(truth, probability, thresholds):
    """The threshold with the highest IoU: bool H×W, float H×W, float T → float."""
    # BEGIN SOLUTION
    scores = [jaccard(truth, probability >= t) for t in thresholds]
    return thresholds[np.argmax(scores)]
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _best(truth, probability, thresholds, measure=None, above=np.greater_equal):
    def iou(t, p):
        return (t & p).sum() / max((t | p).sum(), 1)

    scores = [(measure or iou)(truth, above(probability, t)) for t in thresholds]
    return thresholds[int(np.argmax(scores))]


def _position(truth, probability, thresholds):
    return list(thresholds).index(_best(truth, probability, thresholds))


def _recall(t, p):
    return (t & p).sum() / t.sum()


def _value(truth, probability, thresholds):
    t = _best(truth, probability, thresholds)
    return jaccard(truth, probability >= t)


# %% jupyter={"source_hidden": true}
line_truth = np.array([[True, True, True, False, False]])
line_map = np.array([[0.9, 0.8, 0.4, 0.3, 0.6]])
rare = np.arange(10) < 4
rare_map = np.array([0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.4, 0.1, 0.1, 0.1])
exercise(
    best_threshold,
    _best,
    inputs=[(one_road, prior, tenths),
            (line_truth, line_map, np.array([0.4, 0.6, 0.8])),
            (rare, rare_map, np.array([0.3, 0.7]))],
    mistakes={
        "that is its position, not the threshold": _position,
        "that is the IoU, not the threshold": _value,
        "that is the best for accuracy; IoU is asked for": lambda t, p, s: _best(
            t, p, s, lambda a, b: (a == b).mean()
        ),
        "that is the best for recall, always the lowest": lambda t, p, s: _best(
            t, p, s, _recall
        ),
        "a pixel at the threshold belongs to the mask: >=": lambda t, p, s: _best(
            t, p, s, above=np.greater
        ),
    },
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Answer and truth have 60 pixels each and share 40. How much is the IoU?",
    {
        "0.5": "40 of 80: together they have 60 + 60 − 40 pixels.",
        "0.667": "That is the Dice, 80 of 120.",
        "0.333": "You took 120 for the union: the shared pixels count once.",
    },
    answer="0.5",
)
quiz(
    "The IoU of a class is 0.5. How much is its Dice?",
    {
        "0.5": "They are the same only at 0 and at 1.",
        "0.667": "2 · 0.5 / 1.5.",
        "It depends on the class's size.": "For one class, Dice follows from IoU.",
    },
    answer="0.667",
)

# %%
quiz(
    "No picture of the test set has a pedestrian, and the answer names some. What is "
    "the IoU of pedestrians?",
    {
        "nan": "Only if they were in neither. Here there are false positives.",
        "0": "TP = 0 and FP > 0.",
        "1": "There was nothing to find, but something was claimed.",
    },
    answer="0",
)
quiz(
    "A network's mean IoU rises from 0.61 to 0.66 after an update of the library that "
    "computes it. What do you check first?",
    {
        "whether the network was trained longer": "The network is the same.",
        "how the library now treats absent classes and means": "That alone can move a "
        "mean IoU by more than 0.05.",
        "whether the pictures changed": "Only the library was updated.",
    },
    answer="how the library now treats absent classes and means",
)

# %% [markdown]
# ## Pitfalls
#
# - **The union as a sum.** $|A\cup B|$ is $|A|+|B|-|A\cap B|$.
# - **Dice without the 2**, or with a 2 and the union below.
# - **Mean IoU without a rule** for absent classes, and without 'pooled' or 'per
#   image'.
# - **2J/(1+J) of a mean.** It holds for each class only.
# - **Accuracy of one class as yes-or-no.** For rare classes it is always nearly 1.
# - **Recall alone, or precision alone.** Each is perfect for a silly answer.
# - **255 as a class.** Ignored pixels belong to no class, whatever the answer says.
# - **The threshold chosen on the test set.** Choose on validation data.
# - **No baseline.** A constant answer may already score 0.95.

# %% [markdown]
# ## What to remember
#
# - IoU = TP/(TP+FP+FN), Dice = 2TP/(2TP+FP+FN) = 2J/(1+J), both between 0 and 1. TN
#   is in neither.
# - The confusion matrix holds every pixel measure: diagonal TP, rest of the column FP,
#   rest of the row FN.
# - Accuracy counts pixels, mean IoU counts classes, a per-image mean counts pictures.
# - Absent classes: nan, 1 or 0. Say which. In this course nan, and pooled.
# - Borders of large things: boundary IoU. Thin things: boundary F1. Costs that differ:
#   F-beta, and its own threshold.
# - Every score needs a baseline beside it.

# %%
print(f"hood, blindly:       vehicles' Dice {blind.dice()[VEHICLES]:.3f}")
print(f"road prior, blindly: road's F_0.5 {road_prior.f_beta(0.5)[1]:.3f}")
print(f"one answer, nine mean IoUs: {low:.3f} to {high:.3f}")

# %% [markdown]
# Next: **04 · From classifier to dense output**. Now that you can judge an answer, you
# build the first network that gives one.
#
# ## References
#
# - Jaccard (1912): The distribution of the flora in the alpine zone, *New Phytologist*
#   11; Dice (1945): Measures of the amount of ecologic association between species,
#   *Ecology* 26
# - Long, Shelhamer, Darrell (2015), accuracy, mean and frequency-weighted IoU: [Fully
#   Convolutional Networks for Semantic Segmentation](https://arxiv.org/abs/1411.4038)
# - Csurka, Larlus, Perronnin (2013), boundary F1 and scores per image: What is a good
#   evaluation measure for semantic segmentation?, *BMVC*
# - Perazzi and others (2016), boundary F1 with a tolerance: A benchmark dataset and
#   evaluation methodology for video object segmentation, *CVPR*
# - Cheng and others (2021): [Boundary IoU](https://arxiv.org/abs/2103.16562)
# - van Rijsbergen (1979), F-beta: *Information Retrieval*
# - Maier-Hein and others (2024), how to choose a measure: [Metrics
#   reloaded](https://arxiv.org/abs/2206.01653)
