# %% [markdown]
# # 01 · What is semantic segmentation?
#
# You look at a street. At once you know what is road, what is tree and what is car,
# down to the edge of each thing. In this lesson you give a computer that task. What
# exactly counts as an answer? And how far does mere colour get?
#
# Plan about 60 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Say what semantic segmentation is, and how it differs from recognition, detection
#   and instance segmentation.
# - Name the four requirements that an answer must meet, and show what breaks when one
#   is missing.
# - Read and write the arrays: image, mask, one-hot target, and the way back with
#   argmax.
# - Lay a mask over a photo.
# - Measure a baseline that uses colour alone, and say where it fails and why its
#   accuracy flatters it.
# - Question a claim such as 'computers see better than humans'.

# %% [markdown]
# ## Predict first
#
# Write three answers on paper before you go on. You will meet all three again.
#
# 1. A picture has 96 rows and 128 columns, and there are 13 classes. How many
#    separate decisions does one answer contain?
# 2. Somebody tells you: 'My method gets more than half of the pixels right.' Is that
#    good?
# 3. Roads are grey, trees are green, the sky is blue. Is the colour of a pixel enough
#    to tell its class?

# %% [markdown]
# ## One street, one question for each pixel
#
# The pictures of this course are drawn by a program, `helpers.streets`. They imitate
# the frames of a driving simulator, and they come with exact labels. A **drive** is
# one trip of the camera; a drive has many frames.

# %%
import numpy as np
from matplotlib.patches import Rectangle

from helpers import figures, masks, metrics
from helpers.check import exercise
from helpers.classes import CHALLENGE, IGNORE, LYFT, Classes
from helpers.quiz import quiz
from helpers.streets import scene, scenes
from helpers.widgets.choose import choose

DRIVE = 35  # a street with four vehicles, a person far away, and a large pole
image, raw_mask = scene(DRIVE, frame=0, height=300, width=400)
mask = masks.remove_hood(raw_mask)  # the camera car's own bonnet counts as 'None'

figures.grid(
    [image, mask],
    ["the image", "the mask: a class for each pixel"],
    alt="Left: a drawn street seen from a car. Right: the same street as flat areas of "
    "colour, one for each class, with the names of the larger classes written in.",
)

# %% [markdown]
# **Semantic segmentation** means: give every pixel of an image exactly one class out
# of a fixed list.
#
# The answer is called a **mask** (or label map). It is no photo. It is a table of
# small whole numbers, the **class ids**. The colours on the right are chosen by us,
# so that people can read the table. They stand in the **legend**: a colour, an id and
# a name for each class.

# %%
names = ", ".join(f"{k} {name}" for k, name in enumerate(LYFT.names))
figures.legend(LYFT, alt=f"The 13 classes with their colours: {names}.")

for row, column in ((30, 200), (220, 200), (170, 300)):
    k = mask[row, column]
    print(f"row {row:3}, column {column:3}: the mask says {k:2}, {LYFT.names[k]}")
print(f"\n{mask.shape[0]} × {mask.shape[1]} pixels = {mask.size:,} decisions")
assert set(np.unique(mask)) <= set(range(len(LYFT)))

# %% [markdown]
# Since every pixel gets an answer, people also call the task **dense prediction**. At
# 96 × 128 pixels, the size that the networks of this course work at, one answer is
# 12,288 decisions. That was question 1.
#
# The class list is fixed before you start. A dog on this street has no class of its
# own, and a correct mask cannot say 'dog'. Here it would be 'Other'. The sky belongs
# to class 0, 'None'.
#
# The classes are far from equally common:

# %%
assert 96 * 128 == 12_288

share = np.bincount(mask.ravel(), minlength=len(LYFT)) / mask.size
figures.class_bars(
    {"share": np.where(share > 0, share, np.nan)},
    alt="One bar for each class of the street above: how much of the picture it "
    "covers. A few classes cover nearly everything, poles and signs next to nothing.",
    label="share of the pixels",
)
largest = np.argsort(share)[::-1][:4]
print("The four largest classes:", ", ".join(LYFT.names[k] for k in largest))
print(f"They cover {share[largest].sum():.0%} of this picture.")

# %% [markdown]
# Keep this chart in mind. It is the reason why question 2 is a trap.

# %% [markdown]
# ## Four tasks that are easily mixed up
#
# Four tasks ask 'what is in this picture?', each in its own way.
#
# | task | the answer | says where? | tells two cars apart? |
# |---|---|---|---|
# | **recognition** (classification) | a list of classes | no | no |
# | **detection** | a box and a class for each object | roughly | yes |
# | **semantic segmentation** | a class for each pixel | exactly | no |
# | **instance segmentation** | a class and an object number for each pixel of an object | exactly | yes |
#
# In its strictest form, recognition names a single class for the whole picture.
#
# You can compute rough versions of the other three from a mask. A list of classes is
# easy: which ids occur? For boxes and objects you need to know which pixels hang
# together. Two pixels **hang together** if you can walk from one to the other, up,
# down, left or right, without leaving the class.


# %%
def parts(region):
    """Numbers the parts that hang together: bool H×W → int H×W, 0 = outside."""
    label = np.where(region, np.arange(1, region.size + 1).reshape(region.shape), 0)
    while True:
        p = np.pad(label, 1)
        neighbours = [p[:-2, 1:-1], p[2:, 1:-1], p[1:-1, :-2], p[1:-1, 2:]]
        # every pixel takes the largest number among itself and its neighbours
        grown = np.where(region, np.maximum.reduce([label, *neighbours]), 0)
        if (grown == label).all():
            break
        label = grown
    _, number = np.unique(np.append(0, label), return_inverse=True)
    return number[1:].reshape(region.shape)


two = np.array([[1, 1, 0, 0, 1], [0, 1, 0, 1, 1], [0, 0, 0, 1, 0]], bool)
print(parts(two))
assert parts(two).max() == 2

# %% [markdown]
# Every pixel starts with its own number. Then it takes the largest number next to it,
# again and again, until nothing changes. In the small example two parts are left,
# numbered 1 and 2.
#
# Now the street. Countable things get boxes: vehicles and pedestrians. For road, sky
# or trees a box says little, since a box around the road is nearly the whole picture.
# People call the first kind *things* and the second kind *stuff*.
#
# A part of fewer than 25 pixels gets no box. Here that leaves out the only person, who
# is far away.

# %%
things = [LYFT.id("Vehicles"), LYFT.id("Pedestrians")]
instances = np.zeros(mask.shape, int)  # 0 = no object, 1, 2, 3 … = the objects
boxes = []  # (object's number, class id, top, left, bottom, right)
for k in things:
    numbered = parts(mask == k)
    for n in range(1, numbered.max() + 1):
        rows, columns = np.nonzero(numbered == n)
        if len(rows) < 25:
            continue  # a speck
        box = rows.min(), columns.min(), rows.max(), columns.max()
        boxes.append((len(boxes) + 1, k, *box))
        instances[numbered == n] = len(boxes)

present = [LYFT.names[k] for k in np.unique(mask)]
print(f"recognition:           {len(present)} names")
print(f"detection:             {len(boxes)} boxes, {5 * len(boxes)} numbers")
print(f"semantic segmentation: {mask.size:,} numbers")
print(f"instance segmentation: {2 * mask.size:,} numbers (class and object)")
assert 0 < (mask == LYFT.id("Pedestrians")).sum() < 25 and len(boxes) == 4

# %% [markdown]
# A dozen names, four boxes, or at least one number for each pixel: the answers differ
# in size by a factor of thousands.
#
# Here they are for one and the same street. Choose one with the buttons, and compare
# semantic with instance segmentation above all.

# %%
YELLOW = "#fff200"


def recognition(axis):
    axis.imshow(image // 3)
    words = "\n".join(f"{k}  {LYFT.names[k]}" for k in np.unique(mask))
    axis.text(150, 150, words, color="white", va="center", fontsize=16)


def detection(axis):
    axis.imshow(image)
    from_the_left = sorted(boxes, key=lambda box: box[3])
    for i, (n, k, top, left, bottom, right) in enumerate(from_the_left):
        corner, size = (left - 1, top - 1), (right - left + 2, bottom - top + 2)
        axis.add_patch(Rectangle(corner, *size, fill=False, color=YELLOW, linewidth=2))
        label = {"facecolor": YELLOW, "pad": 1}
        row = top - 6 if i % 2 else bottom + 14  # so labels do not overlap
        axis.text(left, row, f"{n} {LYFT.names[k]}", fontsize=11, bbox=label)


# %%
def semantic(axis):
    figures.draw_mask(axis, mask, smallest=0.006)


def instance(axis):
    shown = image // 3
    for n, *_ in boxes:
        shown[instances == n] = LYFT.palette[[10, 12, 4, 6, 11, 8][n % 6]]
    axis.imshow(shown)
    for n, _, top, left, _, right in boxes:
        axis.text((left + right) / 2, top - 5, n, color="white", ha="center")


# %%
answers = {
    "recognition": (recognition, "The names of the classes, without any place."),
    "detection": (detection, "A numbered box around each of the four vehicles."),
    "semantic": (semantic, "The mask: all vehicles have one and the same colour."),
    "instance": (instance, "Each vehicle has a colour and a number of its own."),
}
drawn = {}
for name, (draw, _) in answers.items():
    drawn[name], axes = figures.canvas(height=6)
    draw(axes[0, 0])
    axes[0, 0].set_axis_off()
choose(drawn, {name: alt for name, (_, alt) in answers.items()}, "The answer of")

# %% [markdown]
# Look at the vehicles. Both segmentations mark the same pixels, but the semantic mask
# says 'vehicle' for all of them alike. It cannot say *how many* there are. The
# instance picture can, and it leaves the stuff alone. (There a colour stands for an
# object, and not for a class.)
#
# ### Predict first: two cars that touch
#
# We got the objects by asking which pixels hang together. Below, one car stands half
# behind another. How many objects will `parts` find?

# %%
cars = np.zeros((60, 100), int)  # a true instance mask, drawn by hand
cars[18:40, 44:88] = 2  # the car behind
cars[24:50, 10:60] = 1  # the car in front covers a part of it
street = np.full((60, 100), LYFT.id("Roads"), np.uint8)
street[cars > 0] = LYFT.id("Vehicles")

found = parts(street == LYFT.id("Vehicles"))
shades = np.array([[60, 60, 60], [0, 54, 209], [169, 254, 185]], np.uint8)
figures.grid(
    [shades[cars], street, shades[found]],
    ["true instances: 2", "semantic mask", f"parts found: {found.max()}"],
    alt="Left: two overlapping cars in two colours. Middle: the semantic mask, one "
    "blue shape. Right: the parts that hang together, a single one.",
)
assert cars.max() == 2 and found.max() == 1

# %% [markdown]
# One. Where the cars touch, the border between them is not in the semantic mask, and
# no later step can bring it back. So the boxes and objects above are right only as
# long as no two objects of a class touch. Instance segmentation is a task of its own,
# with methods of its own (for example Mask R-CNN). This course teaches the semantic
# kind.

# %% [markdown]
# ## Four requirements, each shown by breaking it
#
# An answer to our question must meet four requirements.
#
# 1. **A class for each pixel**: exactly one, out of the list.
# 2. **The same size** as the image.
# 3. **The same location**: entry (row, column) of the mask speaks about pixel (row,
#    column) of the image.
# 4. **Accuracy of a pixel**: borders lie where they are, not roughly there.
#
# What does each one buy us? Break one at a time and look. From here on we work at 96
# × 128.

# %%
small_images, small_masks = scenes([DRIVE], frames=[0])
photo, truth = small_images[0], small_masks[0]

# 1: a detector's boxes, painted as if they were a mask; the rest has no answer (255)
boxed = np.full(truth.shape, IGNORE, np.uint8)
for k in things:
    numbered = parts(truth == k)
    for n in range(1, numbered.max() + 1):
        rows, columns = np.nonzero(numbered == n)
        boxed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = k
inside = boxed != IGNORE
wrong = (boxed != truth)[inside].mean()
print(f"1. {1 - inside.mean():.0%} of the pixels have no class,")
print(f"   and of the pixels in the boxes {wrong:.0%} have a wrong one.")

# 2: an eighth of the size
tiny = masks.resize_mask(truth, 12, 16)
assert tiny.size == 192
try:
    metrics.accuracy(truth, tiny)
except ValueError as refusal:
    print("2. Comparing is refused:", refusal)

# %% [markdown]
# The first answer cannot be used for driving: it says nothing about the road. The
# second cannot even be compared. There is no rule for which of its 192 entries speaks
# about which pixel.
#
# ### Predict first: move the answer by a few pixels
#
# Take the *perfect* mask and move it to the right by 4 pixels. Nothing else is wrong
# with it. Guess two numbers: the share of pixels that are still right, and the share
# of the *poles* that are still right. Then move it with the buttons, step by step.


# %%
def moved(mask, step):
    """The mask moved to the right; the first column is repeated at the left border."""
    return np.pad(mask, ((0, 0), (step, 0)), mode="edge")[:, : mask.shape[1]]


pictures, alts = {}, {}
for step in (0, 1, 2, 4, 8):
    answer = moved(truth, step)
    share_wrong = (answer != truth).mean()
    name = f"{step} pixels"
    pictures[name], axes = figures.canvas(1, 2, height=4.2)
    left, right = axes[0]
    left.imshow(masks.overlay(photo, answer))
    left.set(title=f"the mask, moved by {name}", xticks=[], yticks=[])
    right.imshow(answer != truth, cmap="gray_r", vmin=0, vmax=1)
    right.set(title=f"wrong, in black: {share_wrong:.1%}", xticks=[], yticks=[])
    alts[name] = f"The street under its mask, moved by {name}: {share_wrong:.1%} wrong."
choose(pictures, alts, "Move by")

# %%
answer = moved(truth, 4)
poles = truth == LYFT.id("Poles")
all_right, poles_right = (answer == truth).mean(), (answer == truth)[poles].mean()
print(f"moved by 4 pixels: {all_right:.0%} of all pixels are still right,")
print(f"and {poles_right:.0%} of the pixels of poles.")

# %% tags=["test"]
assert 0.75 < all_right < 0.97
assert poles.sum() > 15 and len(boxes) >= 4, "choose a DRIVE with more to see"
assert poles_right < 0.3

# %% [markdown]
# Most pixels are still right, and next to none of the poles. Large areas hardly
# notice the move: inside the road, a moved road is still road. Only borders are hurt.
# But a thin thing is nothing *but* border. That is the third requirement, and it
# shows why one number for all pixels hides so much.
#
# The fourth requirement fails in a sneakier way. Give every 8 × 8 block a single
# class and blow the answer up to full size. Each pixel has a class, size and place
# are right, only the borders are coarse.

# %%
blocky = masks.resize_mask(tiny, 96, 128)
figures.grid(
    [truth, blocky],
    ["the true mask", "one class for each 8 × 8 block"],
    alt="Left: the true mask of the street. Right: the same mask made of large square "
    "blocks; borders are stairs, thin things are broken or gone.",
)
figures.class_bars(
    {
        "moved by 4 pixels": metrics.iou(truth, answer),
        "8 × 8 blocks": metrics.iou(truth, blocky),
    },
    alt="For each class, the overlap with the truth, for the moved and for the blocky "
    "mask. Large classes keep most of it, thin classes lose most of it.",
    label="IoU: overlap with the truth, 1 = perfect",
)
print(f"8 × 8 blocks: {metrics.accuracy(truth, blocky):.0%} of the pixels are right.")

# %% [markdown]
# Again most pixels are right, and again the thin classes lose nearly everything.
#
# The bars show the **IoU** of each class, *intersection over union*. Take the pixels
# of a class in the truth and in the answer. Divide the number of pixels in both by
# the number in at least one. It is 1 if the two agree and 0 if they do not meet.
# Lesson 03 is all about such measures; here you only need to read them.
#
# Remember the blocks. A network that shrinks its picture to see more of it at once
# ends up with exactly this problem, and lessons 04 to 06 are about getting the
# borders back.

# %% [markdown]
# ## The arrays: W × H × 3, or H × W × 3?
#
# Articles often write: the input is W × H × 3 and the output is W × H. They put the
# width first, as one does for screens. **Arrays put the row first**, as in
# `image[row, column]`, so the shape is H × W × 3. Both mean the same picture. Mixing
# them up transposes it.

# %%
print("image:", image.shape, "  mask:", mask.shape)
height, width = mask.shape
print("height", height, " width", width)
assert image.shape == (height, width, 3)

try:
    mask[350, 30]  # column 350, row 30 meant: x first, as on a screen
except IndexError as refusal:
    print("mask[350, 30]:", refusal)
print("mask[30, 350]:", LYFT.names[mask[30, 350]])

figures.grid(
    [image, image.transpose(1, 0, 2)],
    ["image: rows, columns, channels", "transposed: W × H × 3"],
    alt="Left: the street. Right: the same array with rows and columns exchanged; the "
    "street lies on its side, mirrored.",
    columns=2,
)

# %% [markdown]
# The error was luck. `mask[30, 250]` and `mask[250, 30]` both exist, and there a
# mix-up stays silent.
#
# Some pictures have one channel instead of three: an X-ray, an MRI slice, a night
# camera. Such a **grayscale** image is H × W × 1 (or H × W; the last 1 is only a
# convention). The mask does not care: it is H × W in both cases. Where you read that
# the output is 'H × W × 1', it is the same mask with a channel axis of length one.

# %%
gray = image.mean(axis=2, keepdims=True)
print("grayscale image:", gray.shape, " without channel axis:", gray[:, :, 0].shape)
print("mask:", mask.shape, " with a channel axis:", mask[:, :, None].shape)
assert gray.shape == (height, width, 1) and mask[:, :, None].shape == (height, width, 1)

# %% [markdown]
# ### Predict first: the smallest example
#
# Here is the smallest picture that is worth looking at: 2 × 2 pixels, grayscale.
# Beside it a mask with two classes, 0 and 1. Is there a brightness limit, so that all
# pixels on one side of it are class 1?

# %%
tiny_image = np.array([[255, 230], [128, 12]], np.uint8)
tiny_mask = np.array([[1, 0], [1, 1]], np.uint8)

works = []
for limit in range(257):
    works.append(((tiny_image >= limit) == tiny_mask).all())
    works.append(((tiny_image < limit) == tiny_mask).all())
print("limits that give this mask:", sum(works))
assert tiny_image.shape == tiny_mask.shape and not any(works)

# %% [markdown]
# None of them. The brightest pixel (255) and the darkest (12) are class 1, and 230,
# between them, is class 0. That is no flaw of the mask. A class means *what a thing
# is*, and brightness does not settle that. To decide, you need to look around the
# pixel.
#
# In such examples you may also read that the outputs are 'numbers between 0 and 1'.
# Those are **probabilities**: how sure a method is of class 1. They become classes in
# one more step, which comes now.

# %% [markdown]
# ## One-hot target, and argmax back
#
# Ids are names, not amounts. Class 8 (sidewalk) is not twice class 4 (pedestrian),
# and the mean of road (7) and vegetation (9) is not a sidewalk (8). So a network does
# not answer with an id. It answers with one number for each class, and is compared
# with a target of the same form: the **one-hot** target, H × W × C. It has one
# channel for each of the C classes, 1 where the pixel has that class and 0 elsewhere.
#
# By hand, for the 2 × 2 mask and its two classes:

# %%
channel_0 = (tiny_mask == 0).astype(np.float32)
channel_1 = (tiny_mask == 1).astype(np.float32)
target = np.stack([channel_0, channel_1], axis=-1)
print("shape", target.shape)
print("row 0, column 0:", target[0, 0], "  row 0, column 1:", target[0, 1])
assert target.shape == (2, 2, 2)
assert (target.sum(axis=-1) == 1).all()  # exactly one class for each pixel

# %% [markdown]
# Read the target along its last axis: each pixel holds C numbers, a single 1 among
# zeros. Read it channel by channel: each channel is a black-and-white picture that
# shows where one class is. Such a channel is also called **a mask**. The word has
# both meanings: the H × W table of all ids, and one channel of the target. Here are
# three channels of the street.

# %%
channels = ("Roads", "Vegetation", "Vehicles")
figures.grid(
    [(mask == LYFT.id(name)).astype(np.uint8) * 255 for name in channels],
    [f"channel {LYFT.id(name)}: {name}" for name in channels],
    alt="Three black-and-white pictures of the street: white where the road is, where "
    "the vegetation is, and where the vehicles are.",
    classes=None,
)

# %% [markdown]
# The way back is **argmax**: for each pixel, the position of the largest number along
# the last axis. For a one-hot target that is the id. For probabilities it is the most
# probable class.

# %%
assert (target.argmax(axis=-1) == tiny_mask).all()

probabilities = np.array([[[0.2, 0.8], [0.7, 0.3]], [[0.4, 0.6], [0.5, 0.5]]])
print(probabilities.argmax(axis=-1))
assert (probabilities.argmax(axis=-1) == [[1, 0], [1, 0]]).all()

# %% [markdown]
# Look at the last pixel: 0.5 against 0.5. In a tie, argmax takes the first, so class
# 0 wins. And argmax throws away how sure the answer was: 0.6 and 0.99 give the same
# id.

# %% [markdown]
# ## Overlay: the mask on the photo
#
# To judge a mask, lay it over its image. For each pixel, mix photo and class colour
# with an **opacity** $a$ between 0 and 1:
#
# $$\text{shown} = (1-a)\cdot\text{photo} + a\cdot\text{colour of the class}$$


# %%
def blend(image, mask, opacity):
    """Image (uint8 H×W×3) under its mask (uint8 H×W) → uint8 H×W×3."""
    colours = LYFT.palette[mask].astype(float)  # a table lookup: H×W ids → H×W×3
    return ((1 - opacity) * image + opacity * colours).round().astype(np.uint8)


shown = {f"opacity {a:.0%}": blend(image, mask, a) for a in (0.2, 0.6, 1)}
figures.grid(
    list(shown.values()),
    list(shown),
    alt="The street under the colours of its mask at three opacities: at 20 % the "
    "colours are hardly there, at 60 % both show, at 100 % you see the mask alone.",
)

# %% [markdown]
# At 20 % the colours are hardly there, at 100 % you see the mask alone. Somewhere
# between, mistakes become visible: colour that runs over an edge of the photo.
#
# `overlay` does the same for every opacity, in your browser. It leaves class 0 as
# photo, and draws white outlines, so that nobody has to tell the classes apart by
# colour alone. Move the slider. Point at the picture, or walk through it with the
# arrow keys: the line below names the pixel. In the list, *only* shows one class.
# (`masks.overlay` makes a still picture of the same kind.)

# %%
from helpers.widgets.overlay import overlay

overlay(image, truth=mask, alt="The street; its mask can be faded in and out.")

# %% [markdown]
# ## What it is good for
#
# The street is our running example, but nothing in the definition speaks of streets.
# Below are six other scenes. They are *drawn* for this course, neither photos nor
# scans, and stand for the real thing: an indoor scene, a cat against its background,
# a slice of a brain with a tumour, the lungs and heart of a chest X-ray, land seen
# from a satellite, and a field with weeds.

# %%
from helpers import drawings

figure, axes = figures.canvas(3, 4, height=6.6)
pairs = axes.reshape(6, 2)
for (left, right), draw in zip(pairs, drawings.ALL, strict=True):
    drawn_image, drawn_mask, scheme = draw()
    left.imshow(drawn_image)
    left.set_title(f"{scheme.name} (drawn)")
    figures.draw_mask(right, drawn_mask, scheme, smallest=0.008)
    right.set_title(f"{len(scheme)} classes")
for axis in axes.flat:
    axis.set_axis_off()
figures.show(
    figure,
    alt="Six drawn pictures, each beside its mask: a bedroom with wall, floor, bed, "
    "window and lamp; a cat; a slice of a brain with a tumour; a chest with lungs and "
    "heart; land from above with field, forest, water, road and houses; rows of crop "
    "with weeds between them.",
)

# %% [markdown]
# The number of classes is a choice, and it follows from the *use*:
#
# | field | classes | what is done with the mask |
# |---|---|---|
# | driving | road, lane line, vehicle, pedestrian … | where may the car go? |
# | robotics, indoors and in industry | floor, wall, bed, part, tool … | where can the robot roll, what can it grasp? |
# | medicine: brain MRI | tumour, other tissue | measure the tumour, plan the treatment |
# | medicine: chest X-ray | lung, heart | outline the organs, measure the heart |
# | geosensing (satellite, aerial) | water, forest, field, road, house | maps, floods, harvests |
# | agriculture | crop, weed, soil | spray the weed alone |
# | faces | skin, hair, eyes, lips … | effects, try-on of make-up |
# | fashion | shirt, trousers, shoe … | search for a garment, try it on |
# | photos | cat, background | cut the cat out |
#
# Often several classes are merged for one question. 'Where may I drive?' needs two
# answers only. The **drivable area** is road and lane lines together:

# %%
drivable = np.isin(mask, [LYFT.id("Roads"), LYFT.id("RoadLines")]).astype(np.uint8)
area = Classes("drivable area", ("other", "drivable"), CHALLENGE.colours[:2])
figures.grid(
    [image, masks.overlay(image, drivable, classes=area)],
    ["the street", f"drivable: {drivable.mean():.0%} of the pixels"],
    alt="Left: the street. Right: the same street, the road and its lane lines tinted.",
    classes=area,
    ids=[1],
)

# %% [markdown]
# ## The story so far, and claims to question
#
# Neural networks took over computer vision between 2012 and 2019. First they won at
# recognition, then the same networks were rebuilt to segment. The numbers below are
# as published (see *References*).

# %%
# ImageNet challenge (ILSVRC), winners: % of pictures whose class is not in 5 guesses
top5_error = {2010: 28.2, 2011: 25.8, 2012: 16.4, 2013: 11.7, 2014: 6.7, 2015: 3.57}
# PASCAL VOC 2012, test set: mean IoU in %, with the year of the first preprint
voc = {
    "FCN-8s\n2014": 62.2,
    "DeepLab\n2014": 71.6,
    "PSPNet\n2016": 85.4,
    "DeepLabv3+\n2018": 89.0,
}
figure, axes = figures.canvas(1, 2, height=4.2)
left, right = axes[0]
left.plot(list(top5_error), list(top5_error.values()), "o-", linewidth=2.2)
for year, value in top5_error.items():
    left.annotate(f"{value}", (year, value), (4, 6), textcoords="offset points")
left.set(title="recognition: top-5 error, %", ylim=(0, 32), xlim=(2009.5, 2015.9))
right.bar_label(right.bar(list(voc), list(voc.values()), color="#561d55"), fmt="%.1f")
right.set(title="segmentation: mean IoU, %", ylim=(0, 100))
figures.show(
    figure,
    alt="Left: the winner's top-5 error falls from 28.2 % in 2010 to 3.57 % in 2015. "
    "Right: mean IoU on PASCAL VOC 2012, from 62.2 % (FCN-8s) to 89.0 % (DeepLabv3+).",
)

# %% [markdown]
# - **2012** AlexNet, a deep convolutional network, wins ILSVRC by a wide margin.
# - **2014** VGG and GoogLeNet go deeper. FCN turns such classifiers into segmenters,
#   trained from end to end (lesson 05).
# - **2015** ResNet. U-Net, made for microscopy with few training pictures: the
#   network of this course's main assignment (lesson 06).
# - **2014 to 2018** DeepLab in several versions (lesson 09), PSPNet in 2016 (lesson
#   10). In texts of 2019 they are 'the state of the art'.
# - **After 2019** transformers such as SegFormer (2021) and Segment Anything (2023).
#   'State of the art' is a date, not a property.
#
# Even this chart needs care. The 89.0 % of DeepLabv3+ also rests on 300 million extra
# pictures to learn from; without them its authors report 87.8 %. On the left nobody had
# extra pictures. With them the same winners reached 15.3 % in 2012 and 11.2 % in 2013,
# and those are the numbers that you often read.
#
# Tutorials draw conclusions from such numbers. Three of them deserve a second look.

# %%
# claim 1: 'VGG reaches 92.7 %, ResNet 96.4 %', in tutorials often without more words
resnet, vgg = 100 - 3.57, 100 - 7.3
print(f"ResNet {resnet:.1f} %, VGG {vgg:.1f} %: right within FIVE guesses")
print(f"blindly, in 1000 classes: {1 / 1000:.1%}, with five guesses {5 / 1000:.1%}")
assert round(resnet, 1) == 96.4 and round(vgg, 1) == 92.7

# claim 2: 'better than humans'; the human is ONE person: 5.1 % on 1500 pictures
person, seen = 0.051, 1500
error = 1.96 * np.sqrt(person * (1 - person) / seen)
print(f"that person: {person:.1%}, but chance alone allows for")
print(f"{person - error:.1%} to {person + error:.1%} (95 % interval)")
print("a second person: 12.0 %")
assert 0.039 < person - error < 0.041 and 0.061 < person + error < 0.063

# %% [markdown]
# **Claim 1: '96.4 % and 92.7 % accuracy'.** These are *top-5* figures. The method may
# name five classes out of a thousand and is right if one of them fits. Each is also
# the vote of several networks. With one network and one guess both are clearly lower.
# And they are of ILSVRC 2015 (ResNet) and 2014 (VGG); you will also read '2016' and
# '2013', which is wrong. Ask: *which measure, which year, which test pictures?*
#
# **Claim 2: 'Computers are now better at recognition than humans.'** ResNet's 3.57 %
# lies below the interval of one trained person, that much is true. But a second
# person had 12.0 %, so 'human level' is no fixed number. It is one task: photos from
# the web, 1000 classes, 120 of them breeds of dogs, and a fixed set of test pictures.
# Recht and others (2019) collected new test pictures in the same way, and the
# networks lost 11 to 14 points. Shankar and others (2020) compared with five trained
# people: their best did as well as the best networks of 2020, and people did equally
# well on the old and on the new pictures. Ask: *better at what, than whom, and on
# which pictures?*
#
# **Claim 3: 'These cars have driven 1.2 billion miles, so deep learning works.'** Miles
# with a person watching count what car and person did together, on roads that the
# person chose. They say nothing about the share of right pixels. Ask: *what would the
# same number be without the method?* This question has a name: the **baseline**.

# %% [markdown]
# ## A baseline that sees colour alone
#
# Before any network, build the simplest method you can think of: *what colour is this
# pixel, and which class did this colour mostly have before?*
#
# There are 256³ colours, far too many to have met each. So put similar colours into
# one cell: eight steps of red, of green and of blue, that is 512 cells. For each cell
# count how often each class occurs. The answer for a cell is its most frequent class.
# There is nothing else to learn, and nothing to tune.
#
# ### Predict first: is colour enough?
#
# Write down your guess for the share of right pixels, on drives that the method has
# not seen. Then name two classes that it must confuse.

# %%
train_images, train_masks = scenes(drives=range(20), frames=range(3))
test_images, test_masks = scenes(drives=range(1000, 1010), frames=range(3))
print("to count on:", train_images.shape, " to be judged on:", test_images.shape)

CELLS = 8**3


def colour_cell(images):
    """The colour cell of each pixel: uint8 …×3 → int …, 0 to 511."""
    red, green, blue = np.moveaxis(images.astype(int) // 32, -1, 0)
    return (red * 8 + green) * 8 + blue


def count(cells, masks, n):
    """How often does each class occur in each of n cells? → int n×13."""
    pairs = cells * len(LYFT) + masks
    return np.bincount(pairs.ravel(), minlength=n * len(LYFT)).reshape(n, len(LYFT))


counts = count(colour_cell(train_images), train_masks, CELLS)
favourite = counts.argmax(axis=1).astype(np.uint8)  # 512 cells → the class of each
by_colour = favourite[colour_cell(test_images)]
print(f"{(counts.sum(1) > 0).sum()} of the {CELLS} cells occur")

# %% [markdown]
# The pictures that judge the method come from *other drives*. Neighbouring frames of
# one drive look nearly alike, so a method could seem good merely because it has seen
# the same street before. Lesson 02 measures that effect.

# %%
shown = [3, 14, 25]
figures.grid(
    [p for i in shown for p in (test_images[i], test_masks[i], by_colour[i])],
    ["unseen street", "truth", "by colour"] * len(shown),
    alt="Three rows. Left an unseen street, in the middle its true mask, on the right "
    "the answer of the colour table: speckled, with many classes mixed up.",
)

# %% [markdown]
# Look at one of them closely. Left of the handle you see the truth, right of it the
# answer; drag it. *Errors* shows the wrong pixels alone.

# %%
overlay(
    test_images[3],
    truth=test_masks[3],
    prediction=by_colour[3],
    alt="An unseen street under its true mask and under the answer by colour.",
)

# %%
colour_score = metrics.Confusion().add(test_masks, by_colour)
print(f"pixel accuracy {colour_score.accuracy():.0%}")
print(f"mean IoU       {colour_score.mean_iou():.3f}")

# %% tags=["test"]
assert 0.35 < colour_score.accuracy() < 0.80
assert colour_score.mean_iou() < 0.25

# %% [markdown]
# Two numbers for one and the same answer, and they could hardly differ more. The
# first sounds like a promising start. The second, the mean of the classes' IoU, says
# that the answer is poor. Which one lies?

# %%
figures.class_bars(
    {"colour": colour_score.iou()},
    alt="IoU of each class for the colour table: a few large classes have long bars, "
    "most of the others are near zero.",
    label="IoU on unseen drives",
)
iou = colour_score.iou()
poor = [LYFT.names[k] for k in np.flatnonzero(iou < 0.05)]
print(f"{len(poor)} of the {(~np.isnan(iou)).sum()} classes have an IoU under 0.05:")
print(", ".join(poor))

# %% [markdown]
# Neither lies; they answer different questions. **Accuracy counts pixels, mean IoU
# counts classes.** Big classes have most of the pixels, so they alone decide the
# accuracy. Push it to the extreme: somebody labels the four largest classes
# perfectly, and calls every other pixel 'None'.

# %%
share = np.bincount(test_masks.ravel(), minlength=len(LYFT)) / test_masks.size
big = np.argsort(share)[::-1][:4]
lazy = np.where(np.isin(test_masks, big), test_masks, 0)
lazy_score = metrics.Confusion().add(test_masks, lazy)
print("the four largest classes:", ", ".join(LYFT.names[k] for k in big))
print(f"pixel accuracy {lazy_score.accuracy():.0%}")
print(f"mean IoU       {lazy_score.mean_iou():.3f}")
small_ids = [k for k in range(1, len(LYFT)) if k not in big]
assert np.nansum(lazy_score.iou()[small_ids]) == 0  # no small class was ever named

# %% tags=["test"]
assert lazy_score.accuracy() > 0.75 and lazy_score.mean_iou() < 0.4
assert LYFT.id("Vehicles") not in big

# %% [markdown]
# No vehicle, no person, no sign was ever named, and the accuracy is still high. That
# answers question 2: 'more than half of the pixels' may mean next to nothing.

# %% [markdown]
# ### Where does it fail?
#
# The **confusion matrix** shows what becomes of the pixels of each true class. A row
# is a true class, a column what the method said. The diagonal is right.

# %%
figures.confusion(
    colour_score.matrix,
    alt="The confusion matrix of the colour table in percent of each true class. Most "
    "small classes are called by the name of a large one.",
)
for name in ("Sidewalks", "Vehicles", "Walls"):
    row = colour_score.matrix[LYFT.id(name)]
    for k in row.argsort()[::-1][:2]:
        print(f"true {name}: {row[k] / row.sum():.0%} called {LYFT.names[k]}")

# %% [markdown]
# Read a few rows. A pavement is as grey as a road, and so is many a wall. Vehicles
# come in every paint, so they have no colour of their own. In rain, in shade and at
# dusk all colours move.
#
# Would more streets help? Give the table the best chance there is: let it cheat, and
# count on the very pictures that judge it. No other table with these 512 cells can
# get more of their pixels right, however many streets it has seen.

# %%
cheat = count(colour_cell(test_images), test_masks, CELLS).argmax(axis=1)
cheat_score = metrics.Confusion().add(test_masks, cheat[colour_cell(test_images)])
print(f"cheating: pixel accuracy {cheat_score.accuracy():.0%}")
print(f"          mean IoU       {cheat_score.mean_iou():.3f}")
assert cheat_score.accuracy() >= colour_score.accuracy()

# %% tags=["test"]
assert cheat_score.mean_iou() < 0.35

# %% [markdown]
# Even the cheat stays poor. That answers question 3. **One colour, many classes; one
# class, many colours.** More data cannot mend this: the method looks at the wrong
# thing.

# %% [markdown]
# ### What position adds
#
# The sky is above, the road below. So let the table see the row as well: 12 bands of
# 8 rows. Each cell is now a colour *and* a band. Will it help more in accuracy or in
# mean IoU?

# %%
BANDS = 12
band = np.arange(96)[:, None] // 8  # 96×1: the band of each row


def colour_and_band(images):
    """Colour cell and band of each pixel in one number, 0 to 512·12 − 1."""
    return colour_cell(images) * BANDS + band


counts = count(colour_and_band(train_images), train_masks, CELLS * BANDS)
by_both = counts.argmax(axis=1).astype(np.uint8)[colour_and_band(test_images)]
both_score = metrics.Confusion().add(test_masks, by_both)
print(f"pixel accuracy {both_score.accuracy():.0%}, was {colour_score.accuracy():.0%}")
print(f"mean IoU {both_score.mean_iou():.3f}, was {colour_score.mean_iou():.3f}")

# %% tags=["test"]
assert both_score.accuracy() > colour_score.accuracy() + 0.02
assert colour_score.mean_iou() < both_score.mean_iou() < 0.40

# %%
i = shown[0]
figures.grid(
    [test_images[i], test_masks[i], by_colour[i], by_both[i]],
    ["unseen street", "truth", "by colour", "by colour and row"],
    alt="An unseen street, its true mask, the answer by colour, and the answer by "
    "colour and row, in which fewer classes are in impossible places.",
    columns=2,
)
figures.class_bars(
    {"colour": colour_score.iou(), "colour and row": both_score.iou()},
    alt="IoU of each class for both tables. Large classes with a fixed place gain from "
    "the row, and so do signs; poles, pedestrians and fences stay near zero.",
    label="IoU on unseen drives",
)
signs = LYFT.id("TrafficSigns")
true_signs = test_masks == signs
print(f"pixels of signs: {true_signs.sum()} in {len(test_masks)} pictures,")
print(f"found by colour and row: {(by_both[true_signs] == signs).sum()}")

# %% tags=["test"]
assert true_signs.sum() < 100 and 10 < (by_both[true_signs] == signs).sum() < 20

# %% [markdown]
# Position helps the large classes that have a fixed place. It does not help a pole or
# a person, who may be anywhere. The signs seem to gain a lot, but look at the last two
# lines: a few dozen pixels in all pictures together, and about a dozen hits make that
# bar. **The IoU of a rare class is a shaky number.**
#
# What is missing is the *neighbourhood*: a pole is a thin upright line, a vehicle has
# wheels and windows and stands on a road. Looking at neighbourhoods is what
# convolutional networks do. You now have the number that they must beat, and you will
# see them beat it from lesson 05 on.

# %% [markdown]
# ## Exercises
#
# Replace `...  # your code here`. Each exercise has a target picture and a check cell
# that answers at once. The check cells are folded; run them like any other cell.
#
# ### Exercise 1 · One-hot, for any mask
#
# Write `one_hot(mask, classes)`. It takes a mask (H × W) and the number of classes C,
# and returns the one-hot target, float32, H × W × C. A pixel with the id 255 is to be
# ignored: it is 0 in *every* channel.
#
# <details><summary>Hint 1</summary>
# Start from an array of zeros with the shape (H, W, C), or build the C channels one
# by one.
# </details>
# <details><summary>Hint 2</summary>
# Channel k is <code>mask == k</code>. In which channel does 255 appear, then?
# </details>
# <details><summary>Hint 3</summary>
# Channels belong on the last axis: <code>np.stack(..., axis=-1)</code>. Then mind the
# dtype.
# </details>

# %%
corner = np.array([[0, 1, 2], [2, 255, 1]], np.uint8)
figures.grid(
    [(masks.one_hot(corner, 3)[:, :, k] * 255).astype(np.uint8) for k in range(3)],
    [f"target: channel {k}" for k in range(3)],
    alt="The right answer for the mask 0 1 2 over 2 255 1, three black-and-white "
    "pictures. Channel 0 is white at the top left, channel 1 at the top middle and "
    "bottom right, channel 2 at the top right and bottom left.",
    classes=None,
)


# %%
def one_hot(mask, classes):
    """The one-hot target of a mask: uint8 H×W → float32 H×W×C."""
    # BEGIN SOLUTION
    return np.stack([mask == k for k in range(classes)], axis=-1).astype(np.float32)
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _late(mask, classes):
    shifted = np.where(mask < 255, (mask.astype(int) + classes - 1) % classes, 255)
    return masks.one_hot(shifted, classes)


def _ignored_as(mask, classes, k):
    return masks.one_hot(np.where(mask == 255, k, mask), classes)


exercise(
    one_hot,
    masks.one_hot,
    inputs=[(corner, 3), (tiny_mask, 2), (truth, 13)],
    mistakes={
        "the channels come first; they belong last": lambda m, c: np.moveaxis(
            masks.one_hot(m, c), -1, 0
        ),
        "you count ids from 1, but class 0 has a channel too": _late,
        "255 is no class, but here it counts as 0": lambda m, c: _ignored_as(m, c, 0),
        "255 is no class, but here it counts as the last one": lambda m, c: _ignored_as(
            m, c, c - 1
        ),
        "1 and 0 are exchanged": lambda m, c: 1 - masks.one_hot(m, c),
    },
)

# %% [markdown]
# ### Exercise 2 · Highlight one class
#
# Write `highlight(image, mask, k, colour, opacity)`. Pixels of class `k` are mixed
# with `colour` (three numbers, 0 to 255) as in the overlay formula. All other pixels
# stay as they are. The result is uint8, rounded, and `image` itself is not changed.
#
# <details><summary>Hint 1</summary>
# <code>mask == k</code> is an array of True and False. It can be used as an index:
# <code>image[mask == k]</code> are the pixels of the class, n × 3.
# </details>
# <details><summary>Hint 2</summary>
# Compute with floats, on a copy: <code>image.astype(float)</code> makes one. uint8
# cannot hold 127.5, and cuts it off.
# </details>
# <details><summary>Hint 3</summary>
# Last step: <code>.round().astype(np.uint8)</code>.
# </details>

# %%
WALK = LYFT.id("Sidewalks")
PURPLE = LYFT.palette[WALK]
target_mask = np.where(mask == WALK, mask, 0)
figures.grid(
    [image, masks.overlay(image, target_mask, 0.6)],
    ["the street", "target (the white outline is not asked for)"],
    alt="Left: the street. Right: the same street with its sidewalks tinted purple.",
    ids=[WALK],
)


# %%
def highlight(image, mask, k, colour, opacity):
    """The image with class k tinted: uint8 H×W×3, uint8 H×W → uint8 H×W×3."""
    # BEGIN SOLUTION
    result = image.astype(float)
    here = mask == k
    result[here] = (1 - opacity) * result[here] + opacity * np.asarray(colour)
    return result.round().astype(np.uint8)
    # END SOLUTION


yours = highlight(image, mask, WALK, PURPLE, 0.6)
if isinstance(yours, np.ndarray):
    figures.grid([yours], ["yours"], alt="Your picture of the street.", columns=2)


# %% jupyter={"source_hidden": true}
from functools import partial


def _mixed(image, colour, opacity):
    return (1 - opacity) * image.astype(float) + opacity * np.asarray(colour)


def _highlight(image, mask, k, colour, opacity, outside=None, inside=True):
    here = (mask == k)[..., None] == inside
    other = image if outside is None else outside
    mixed = _mixed(image, colour, opacity).round()
    return np.where(here, mixed, other).astype(np.uint8)


def _exchanged(image, mask, k, colour, opacity):
    return _highlight(image, mask, k, colour, 1 - opacity)


def _cut_off(image, mask, k, colour, opacity):
    here = (mask == k)[..., None]
    return np.where(here, _mixed(image, colour, opacity), image).astype(np.uint8)


# %% jupyter={"source_hidden": true}
exercise(
    highlight,
    _highlight,
    inputs=[(photo, truth, 8, PURPLE, 0.6), (photo, truth, 9, (0, 54, 209), 0.3)],
    mistakes={
        "every pixel is tinted": lambda i, m, k, c, a: _mixed(i, c, a).round(),
        "the others are tinted, not the class": partial(_highlight, inside=False),
        "opacity is the share of the colour, not of the photo": _exchanged,
        "outside the class the photo is gone": partial(_highlight, outside=0),
        "decimals are cut off: round before you make it uint8": _cut_off,
    },
)

# %% [markdown]
# ### Exercise 3 · Count the objects
#
# Write `count_objects(mask, k, smallest)`: how many parts of class `k` hang together
# and have at least `smallest` pixels? Use `parts` from above.
#
# <details><summary>Hint 1</summary>
# <code>parts(mask == k)</code> numbers the parts 1, 2, 3 … and says 0 outside.
# </details>
# <details><summary>Hint 2</summary>
# <code>np.bincount(numbered.ravel())</code> says how many pixels each number has.
# Which entry is not an object?
# </details>

# %%
vehicles = np.where(mask == LYFT.id("Vehicles"), mask, 0)
figures.grid(
    [vehicles, street],
    ["count these vehicles", f"target here: {found.max()} object"],
    alt="Left: the vehicles of the street in blue on black. Right: the drawn pair of "
    "cars, which touch and count as one object.",
)


# %%
def count_objects(mask, k, smallest):
    """How many parts of class k have at least `smallest` pixels: uint8 H×W → int."""
    # BEGIN SOLUTION
    sizes = np.bincount(parts(mask == k).ravel())[1:]
    return int((sizes >= smallest).sum())
    # END SOLUTION


counted = count_objects(mask, LYFT.id("Vehicles"), 25)
if counted is not None:
    print("vehicles with 25 pixels or more:", counted)


# %% jupyter={"source_hidden": true}
def _sizes(mask, k):
    numbered = parts(mask == k)
    return np.array([(numbered == n).sum() for n in range(1, numbered.max() + 1)])


def _strictly(mask, k, smallest):
    return (_sizes(mask, k) > smallest).sum()


def _with_background(mask, k, smallest):
    return (_sizes(mask, k) >= smallest).sum() + ((mask != k).sum() >= smallest)


small = two.astype(np.uint8)  # parts of 3 and of 4 pixels
exercise(
    count_objects,
    lambda m, k, n: (_sizes(m, k) >= n).sum(),
    inputs=[(street, 10, 1), (small, 1, 10), (small, 1, 3), (small, 5, 1)],
    mistakes={
        "number 0 is the background, no object": _with_background,
        "small parts are counted as well": lambda m, k, n: len(_sizes(m, k)),
        "a part of exactly that size counts as well": _strictly,
        "these are pixels; objects are asked for": lambda m, k, n: (m == k).sum(),
    },
)

# %% [markdown]
# ### Exercise 4 · A baseline that closes its eyes
#
# Last, a method that does not look at the picture at all. Write
# `position_prior(stack)`: from a `stack` of masks (N × H × W), make one mask (H × W)
# that holds, for each place, the class that is most frequent *at this place*. If two
# classes are equally frequent, take the smaller id.
#
# Predict first: this method gives the same answer for every street. Does it beat the
# colour table in mean IoU?
#
# <details><summary>Hint 1</summary>
# Count for one class first: <code>(stack == k).sum(axis=0)</code> is H × W: in how
# many masks is class k here?
# </details>
# <details><summary>Hint 2</summary>
# Do so for all 13 classes, stack the counts along a new last axis, and use what
# brings you back from channels to ids.
# </details>

# %% jupyter={"source_hidden": true}
figures.grid(
    [masks.one_hot(train_masks).sum(axis=0).argmax(axis=-1).astype(np.uint8)],
    ["target: the most frequent class at each place"],
    alt="The target: a blurred street with its large classes and no small things.",
    columns=2,
)


# %%
def position_prior(stack):
    """The most frequent class at each place: uint8 N×H×W → uint8 H×W."""
    # BEGIN SOLUTION
    counts = np.stack([(stack == k).sum(axis=0) for k in range(len(LYFT))], axis=-1)
    return counts.argmax(axis=-1).astype(np.uint8)
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _counts(stack):
    return masks.one_hot(stack).sum(0)


def _mean(stack):
    return stack.mean(0).astype(np.uint8)


def _median(stack):
    return np.median(stack, 0).astype(np.uint8)


def _one_for_all(stack):
    return np.full(stack.shape[1:], np.bincount(stack.ravel()).argmax())


# %% jupyter={"source_hidden": true}
three = [[[7, 9, 0], [7, 7, 3]], [[7, 1, 0], [8, 10, 2]], [[9, 9, 5], [8, 10, 0]]]
exercise(
    position_prior,
    lambda stack: _counts(stack).argmax(-1),
    inputs=[(np.array(three, np.uint8),), (train_masks[:9],)],
    mistakes={
        "that is the most frequent class of all; count at each place": _one_for_all,
        "ids are names: count them, don't take their mean": _mean,
        "ids are names: count them, don't take their median": _median,
        "that is how often it occurs, not its id": lambda stack: _counts(stack).max(-1),
    },
)

# %%
prior = position_prior(train_masks)
if isinstance(prior, np.ndarray):
    blind_score = metrics.Confusion()
    for one in test_masks:
        blind_score.add(one, prior)
    scores = {"colour": colour_score, "place": blind_score, "both": both_score}
    for name, score in scores.items():
        print(f"{name:11}{score.accuracy():.0%} right, mean IoU {score.mean_iou():.3f}")

# %% tags=["test"]
assert blind_score.mean_iou() < 0.40

# %% [markdown]
# If you solved it: compare the three lines. A method that never looks at the picture
# can beat one that looks at colour alone. Cameras are mounted in one place and
# streets resemble each other; so a part of every good-looking number is owed to the
# data, and not to the method. In lesson 03 you will meet an even cheaper trick.

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Three cyclists overlap in a picture. What does a perfect semantic mask say?",
    {
        "which pixels belong to cyclists": "It gives the class of each pixel, no more.",
        "that there are three of them": "Overlapping objects of a class make one "
        "region. Counting them needs instance segmentation.",
        "a box around each cyclist": "That is detection. From the mask you would get "
        "one box for all three.",
    },
    answer="which pixels belong to cyclists",
)
quiz(
    "An image array has the shape (360, 480, 3). Which shape has its mask?",
    {
        "(480, 360)": "Arrays say row, column; the mask has the rows of the image.",
        "(360, 480)": "A class id for each pixel: the same rows, the same columns.",
        "(360, 480, 3)": "A mask holds one id for each pixel. Three channels would be "
        "a picture of the mask.",
        "(180, 240)": "That breaks the second requirement, the same size.",
    },
    answer="(360, 480)",
)

# %%
quiz(
    "The probabilities of one pixel are `[0.1, 0.6, 0.3]`. What does argmax give?",
    {
        "0.6": "That is the largest value (max). Argmax gives its position.",
        "1": "The largest value stands at position 1, counted from 0.",
        "2": "Positions are counted from 0.",
    },
    answer="1",
)
quiz(
    "80 % of the pixels are right, and the mean IoU is 0.2. How can that be?",
    {
        "large classes are right, small ones are missed": "Accuracy counts pixels, "
        "mean IoU counts classes.",
        "one of the two numbers is wrong": "Both can be true of one answer.",
        "the borders are a little coarse": "That costs the large classes little, and "
        "they alone would keep the mean IoU higher.",
    },
    answer="large classes are right, small ones are missed",
)

# %% [markdown]
# ## Pitfalls
#
# - **x before y.** `mask[row, column]` is `mask[y, x]`. On square pictures a mix-up
#   raises no error.
# - **Computing with ids.** Ids are names. Their mean, or a smooth resize, invents
#   classes that are not there (lesson 02).
# - **Counting objects in a semantic mask.** Objects that touch are one region.
# - **Believing the pixel accuracy.** A few large classes decide it. Look at each
#   class.
# - **Judging on streets that were seen.** Frames of one drive look alike; judge on
#   other drives.
# - **Comparing masks of different size.** Bring the *answer* to the size of the
#   truth, never the other way round.
# - **Trusting colour.** In your pictures of masks as well: add names, ids or
#   outlines.

# %% [markdown]
# ## What to remember
#
# - Semantic segmentation gives every pixel one class out of a fixed list. It does not
#   tell objects apart.
# - Four requirements: a class for each pixel, the same size, the same location, the
#   accuracy of a pixel.
# - Image H × W × 3 (or H × W × 1 in grayscale) → mask H × W of ids. Arrays say row,
#   column.
# - Network output and one-hot target are H × W × C; argmax over the last axis gives
#   the mask.
# - Colour alone stays under a mean IoU of 0.25 on unseen streets. What a pixel *is*
#   shows in its surroundings.
# - A number means little without the measure, the test data and a baseline.
#
# Next: **02 · Labels and datasets.** There you follow a label from the person who draws
# it to the batch that a network eats, and break it on the way.

# %%
for name, score in (("colour", colour_score), ("colour and row", both_score)):
    print(f"by {name:16} mean IoU {score.mean_iou():.3f} on unseen streets")

# %% [markdown]
# ## References
#
# - Krizhevsky, Sutskever, Hinton (2012), AlexNet:
#   [ImageNet Classification with Deep Convolutional Neural Networks](https://papers.nips.cc/paper/4824)
# - Simonyan, Zisserman (2014), VGG:
#   [Very Deep Convolutional Networks for Large-Scale Image Recognition](https://arxiv.org/abs/1409.1556)
# - Russakovsky et al. (2014), the ILSVRC results and the two people who tried it:
#   [ImageNet Large Scale Visual Recognition Challenge](https://arxiv.org/abs/1409.0575)
# - Long, Shelhamer, Darrell (2014), FCN:
#   [Fully Convolutional Networks for Semantic Segmentation](https://arxiv.org/abs/1411.4038)
# - Chen et al. (2014), DeepLab:
#   [Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs](https://arxiv.org/abs/1412.7062)
# - Ronneberger, Fischer, Brox (2015), U-Net:
#   [Convolutional Networks for Biomedical Image Segmentation](https://arxiv.org/abs/1505.04597)
# - He et al. (2015), ResNet: [Deep Residual Learning for Image
#   Recognition](https://arxiv.org/abs/1512.03385)
# - Zhao et al. (2016), PSPNet: [Pyramid Scene Parsing
#   Network](https://arxiv.org/abs/1612.01105)
# - He et al. (2017): [Mask R-CNN](https://arxiv.org/abs/1703.06870)
# - Chen et al. (2018), DeepLabv3+:
#   [Encoder-Decoder with Atrous Separable Convolution](https://arxiv.org/abs/1802.02611)
# - Recht et al. (2019): [Do ImageNet Classifiers Generalize to
#   ImageNet?](https://arxiv.org/abs/1902.10811)
# - Shankar et al. (2020):
#   [Evaluating Machine Accuracy on ImageNet](https://proceedings.mlr.press/v119/shankar20c.html)
# - Xie et al. (2021): [SegFormer](https://arxiv.org/abs/2105.15203); Kirillov et al.
#   (2023): [Segment Anything](https://arxiv.org/abs/2304.02643)
# - Havaei et al. (2015): [Brain Tumor Segmentation with Deep Neural
#   Networks](https://arxiv.org/abs/1505.03540)
