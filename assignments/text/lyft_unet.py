# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 4 · A U-Net for the Lyft-Udacity challenge
#
# Now all of it together. In this assignment you prepare labels, build a U-Net, write its loss and its
# measure, train it on driving scenes, and hand in the network with this notebook. Everything that you
# need was taught in lessons 01 to 08.
#
# | question | what you write | points |
# |---|---|---|
# | 1 | `prepare_label`: decode, clean and resize a label | 10 |
# | 2 | `one_hot`: ids to maps | 5 |
# | 3 | `crop_flip`: image and mask move together | 5 |
# | 4 | `unet`: the network | 25 |
# | 5 | `iou`: one number per class | 10 |
# | 6 | `soft_dice`: a loss that sees rare classes | 10 |
# | 7 | `model.onnx`: your trained network | 25 |
# | 8 | your analysis, in words | 10 |
# | | together | 100 |
#
# **Time:** about four hours, of which the machine trains for ten minutes at most. You need PyTorch or
# Keras.
#
# **The data.** Your instructor chose it, and the cell with `DATA` says which: `"streets"` are scenes
# that the course draws, `"lyft"` are the frames of the challenge. Both look the same to your code. The
# scenes that judge your network come from the same source, and from drives that you have not seen.
#
# **How it is graded.** Under each question stands one call, `check(...)`. At your desk it runs public
# cases and says at once what is wrong. When the notebook is graded, the same call gets hidden cases:
# other inputs, other sizes, other scenes. The table under a question says which part brings which
# share of its points; the names are those that `check` prints. A part counts whole or not at all, and
# no part waits for another. What is judged is what your functions return: loops are as good as one
# line of NumPy. Functions are called with arguments like those in the text, and must not rely on your
# data. Question 8 is read by a person. **Grading never trains:** train here, on Kaggle, on Binder or
# at home.
#
# **What you hand in.** One zip with this notebook and `model.onnx`, your trained network. The last
# cells write both.

# %% [markdown]
# ## 0 · Choose your framework
#
# Write `"pytorch"` or `"keras"`. The questions and the points are the same.

# %%
FRAMEWORK = "pytorch"

# %%
import numpy as np
from PIL import Image

from helpers.check import check, desk

# `desk` is True where you work and False when the notebook is graded.
# Cells that begin with `if desk:` are for you: data, training, pictures.

# %% nbgrader={"grade": false, "grade_id": "data", "locked": true, "schema_version": 3, "solution": false, "task": false}
DATA = "streets"  # the scenes that your network will be judged on

if desk:
    from helpers import data, figures, masks, streets

# %% [markdown]
# ## The data
#
# The frames look as they do in the Lyft-Udacity challenge: an image of 600 rows and 800 columns,
# and a label of the same size. The label is an RGB file. The class id stands in its red channel, and
# green and blue are 0, so it looks black.
#
# Run the next cell. You see one frame, its label as the file has it, and the same label in the
# colours of its classes. The dark shape at the bottom is the hood of the car that carries the
# camera. It is labelled Vehicles.

# %%
if desk:
    image, mask = streets.scene(drive=3, frame=0)
    label = np.dstack([mask, np.zeros_like(mask), np.zeros_like(mask)])
    figures.grid(
        [image, label, masks.colourize(mask)],
        ["the image", "the label file", "the label in colours"],
        alt="A street scene, its almost black label file, and the label in class colours.",
    )

# %% [markdown]
# ## 1 · Decode, clean and resize a label (10 points)
#
# Write `prepare_label(label, height, width)`.
#
# - `label` is uint8, H×W×3, RGB, as Pillow reads it. The id is in the red channel.
# - The hood goes: at full size, each pixel of class 10 (Vehicles) in rows ≥ 496 of 600 becomes 0. For
#   a label of H rows that is row `496 * H // 600` and all rows below it.
# - Then the mask is resized to `height` × `width`. Each pixel of the result must have a class that
#   stands at its place in the label: a mixture of two ids is a third class, which was never there.
# - The result is a mask of integers, height×width.
#
# | what is judged | share |
# |---|---|
# | `decode and clean`: the right channel, and no hood | 50 % |
# | `resize`: other sizes, and no class that was not there | 50 % |
#
# <details><summary>Hint 1</summary>
#
# It is question 2 of assignment 1. If you have that function, take it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Clean at full size, and on a copy; then resize with `Image.NEAREST`. Pillow wants the width first.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "prepare_label_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prepare_label(label, height, width):
    ### BEGIN SOLUTION
    mask = label[:, :, 0].copy()
    lower = mask[496 * len(mask) // 600 :]
    lower[lower == 10] = 0
    return np.array(Image.fromarray(mask).resize((width, height), Image.NEAREST))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "prepare_label", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("prepare_label", prepare_label)

# %% [markdown]
# ## 2 · One-hot (5 points)
#
# Write `one_hot(mask, classes)`: ids H×W in, maps H×W×classes out. Map k is 1 where the id is k and
# 0 elsewhere. A pixel with the id 255 is *ignored*: it is 0 in every map.
#
# | what is judged | share |
# |---|---|
# | `maps`: also of classes that do not occur | 60 % |
# | `ignore`: the id 255 | 40 % |
#
# <details><summary>Hint</summary>
#
# `mask[..., None]` has one more axis: it can be compared with all ids at once. In which map does 255
# turn up then?
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "one_hot_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def one_hot(mask, classes):
    ### BEGIN SOLUTION
    return (mask[..., None] == np.arange(classes)).astype(np.float32)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "one_hot", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("one_hot", one_hot)

# %% [markdown]
# ## 3 · Crop and flip, together (5 points)
#
# Write `crop_flip(image, mask, top, left, height, width, flip)`. It cuts the same `height` rows and
# `width` columns out of both, beginning at row `top` and column `left`. After that, if `flip` is
# True, it mirrors both from left to right. It returns `(image, mask)`.
#
# | what is judged | share |
# |---|---|
# | `crop`: not mirrored | 40 % |
# | `flip`: cropped and mirrored | 60 % |
#
# <details><summary>Hint</summary>
#
# Two slices, rows first. Another one mirrors: `[:, ::-1]`. Whatever you do to the image, do to the mask.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "crop_flip_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def crop_flip(image, mask, top, left, height, width, flip):
    ### BEGIN SOLUTION
    image = image[top : top + height, left : left + width]
    mask = mask[top : top + height, left : left + width]
    if flip:
        image, mask = image[:, ::-1], mask[:, ::-1]
    return image, mask
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "crop_flip", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("crop_flip", crop_flip)

# %% [markdown]
# Look at a pair that your function made. The outlines must lie on the edges in the picture.

# %%
if desk and crop_flip(image, mask, 100, 200, 300, 400, True) is not None:
    pair = crop_flip(image, mask, 100, 200, 300, 400, True)
    figures.grid(
        [pair[0], masks.overlay(*pair)],
        ["cropped and flipped", "with its mask"],
        alt="A mirrored part of the scene, and the same part with the mask laid over it.",
    )

# %% [markdown]
# ## 4 · The U-Net (25 points)
#
# Write `unet(classes, width=16)`. It returns a network of your framework.
#
# - Four times down, four times up, with a bottleneck between. On the way down the height and width
#   halve and the channels double: `width`, 2·`width`, 4·`width`, 8·`width`; 16·`width` at the bottom.
#   On the way up it is the other way round.
# - At each of the four resolutions the maps from the way down are **concatenated** with the
#   up-sampled ones.
# - How you up-sample (transposed convolution, nearest, bilinear), whether you normalise, and where
#   you drop out is your choice. Two 3×3 convolutions with *same* padding per block are the norm.
# - The output has the height and width of the input and `classes` maps: logits or probabilities.
# - It takes RGB images in [0, 1] of any height and width that 16 divides. PyTorch: N×3×H×W. Keras:
#   N×H×W×3, so begin with `Input((None, None, 3))`.
# - No dense layers.
#
# | what is judged, on the exported graph | share |
# |---|---|
# | `any size`: output H×W×classes at three sizes and class numbers | 20 % |
# | `levels`: halving, doubling, and back | 20 % |
# | `skips`: a concatenation at each of the four resolutions | 30 % |
# | `parameters`: their number is that of a U-Net, and no layer is dense | 10 % |
# | `same as model.onnx`: the network that you hand in is this one | 20 % |
#
# <details><summary>Hint 1</summary>
#
# Lesson 06 builds it block by block. Keep the maps of each level in a list on the way down, and take them
# from its end on the way up.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `check` shows the table of the graph: sizes, channels, and where maps are joined. Compare it with the list
# above, line by line.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "unet_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# Helpers for your network, if you like: a block, a class.
### BEGIN SOLUTION
if FRAMEWORK == "pytorch":
    import torch
    from torch import nn

    def block(channels_in, channels):
        return nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )

    class UNet(nn.Module):
        def __init__(self, classes, width):
            super().__init__()
            sizes = [width * 2**level for level in range(5)]
            self.down = nn.ModuleList(block(a, b) for a, b in zip([3, *sizes], sizes))
            self.up = nn.ModuleList(
                nn.ConvTranspose2d(2 * size, size, 2, stride=2) for size in sizes[:4]
            )
            self.merge = nn.ModuleList(block(2 * size, size) for size in sizes[:4])
            self.head = nn.Conv2d(width, classes, 1)

        def forward(self, x):
            skips = []
            for level, down in enumerate(self.down):
                x = down(x)
                if level < 4:
                    skips.append(x)
                    x = nn.functional.max_pool2d(x, 2)
            for level in reversed(range(4)):
                x = torch.cat([skips[level], self.up[level](x)], 1)
                x = self.merge[level](x)
            return self.head(x)

else:
    import keras
    from keras import layers

    def block(x, channels):
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.ReLU()(x)
        return x
### END SOLUTION


def unet(classes, width=16):
    ### BEGIN SOLUTION
    if FRAMEWORK == "pytorch":
        return UNet(classes, width)
    inputs = x = layers.Input((None, None, 3))
    skips = []
    for level in range(4):
        x = block(x, width * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, width * 16)
    for level in reversed(range(4)):
        x = layers.Conv2DTranspose(width * 2**level, 2, strides=2)(x)
        x = block(layers.Concatenate()([skips[level], x]), width * 2**level)
    return keras.Model(inputs, layers.Conv2D(classes, 1)(x))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "unet", "locked": true, "points": 25, "schema_version": 3, "solution": false, "task": false}
check("unet", unet, FRAMEWORK)

# %% [markdown]
# ## 5 · Intersection over union (10 points)
#
# Write `iou(truth, prediction, classes)` with NumPy: two masks of ids in, one number per class out, an
# array of `classes` floats. Pixels whose *true* id is 255 don't count. A class that is in neither
# of the two masks has no IoU: nan.
#
# | what is judged | share |
# |---|---|
# | `values`: all classes occur | 50 % |
# | `absent`: classes that are in neither mask | 30 % |
# | `ignore`: the true id 255 | 20 % |
#
# <details><summary>Hint</summary>
#
# First leave out the pixels whose true id is 255, in both masks. Then one class after the other:
# intersection over union, and nan where the union is empty.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "iou_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def iou(truth, prediction, classes):
    ### BEGIN SOLUTION
    counted = truth != 255
    values = np.full(classes, np.nan)
    for k in range(classes):
        t, p = (truth == k) & counted, (prediction == k) & counted
        union = (t | p).sum()
        if union:
            values[k] = (t & p).sum() / union
    return values
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "iou", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("iou", iou)

# %% [markdown]
# ## 6 · The soft Dice loss (10 points)
#
# Write `soft_dice(logits, masks)` in your framework. With $p$ the softmax of the logits over the
# classes and $y$ the one-hot masks, sums over all pixels of the whole batch:
#
# $$L = 1 - \frac{1}{C}\sum_{c=1}^{C}\frac{2\sum p_c\,y_c + 1}{\sum p_c + \sum y_c + 1}$$
#
# - PyTorch: logits float N×C×H×W, masks int64 N×H×W. Keras: logits float N×H×W×C, masks int32 N×H×W.
# - It returns one number that gradients flow through. The gradient is checked too.
#
# | what is judged | share |
# |---|---|
# | `loss`: its value and its gradient | 100 % |
#
# <details><summary>Hint</summary>
#
# Bring $p$ and $y$ to the same layout. Then each sum runs over all axes but that of the classes, and C
# numbers are left. Use your framework's functions throughout: NumPy has no gradients.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "soft_dice_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_dice(logits, masks):
    ### BEGIN SOLUTION
    if FRAMEWORK == "pytorch":
        p = torch.softmax(logits, 1)
        y = nn.functional.one_hot(masks, logits.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
        overlap, areas = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
        return 1 - ((2 * overlap + 1) / (areas + 1)).mean()
    p = keras.ops.softmax(logits, -1)
    y = keras.ops.one_hot(masks, logits.shape[-1], dtype=p.dtype)
    overlap, areas = keras.ops.sum(p * y, (0, 1, 2)), keras.ops.sum(p + y, (0, 1, 2))
    return 1 - keras.ops.mean((2 * overlap + 1) / (areas + 1))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "soft_dice", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("soft_dice", soft_dice, FRAMEWORK)

# %% [markdown]
# ## 7 · Train it and hand it in (25 points)
#
# Your network is judged on scenes that you have not seen, from other drives than yours, at 96×128.
# The IoU of a class is pooled over all of them. *graded* is the mean over Roads, Sidewalks,
# Vegetation, Buildings, Vehicles and RoadLines. `check` prints the bars and where you stand on
# public scenes; the hidden ones are as hard. Each bar that you clear brings its share.
#
# | what is judged | share |
# |---|---|
# | `Roads`: IoU, three bars | 30 % |
# | `Vehicles`: IoU, three bars | 30 % |
# | `graded`: mean IoU of the six, three bars | 40 % |
#
# The next cells make the training data with **your** `prepare_label`. On streets that is 120 drives,
# ten frames each. Frames of one drive are near-duplicates, so validation takes other drives.

# %%
def street_pairs(drives, count):
    """(image, mask) of some frames of each drive, 300×400, with the hood."""
    for drive in drives:
        for frame in range(0, 4 * count, 4):
            yield streets.scene(drive, frame, height=300, width=400)


def prepared(pairs):
    """Images N×96×128×3 and your masks N×96×128."""
    images, labels = [], []
    for image, mask in pairs:
        label = np.dstack([mask, np.zeros_like(mask), np.zeros_like(mask)])
        images.append(masks.resize_image(image, 96, 128))
        labels.append(prepare_label(label, 96, 128))
    return np.stack(images), np.stack(labels).astype(np.uint8)


# %%
ready = desk and prepare_label(np.zeros((6, 8, 3), np.uint8), 3, 4) is not None
if ready and DATA == "streets":
    train_pairs, test_pairs = street_pairs(range(120), 10), street_pairs(range(1000, 1030), 2)
elif ready:
    train_pairs, test_pairs = data.split(data.find())
if ready:
    train_images, train_masks = prepared(train_pairs)
    test_images, test_masks = prepared(test_pairs)

# %% [markdown]
# 1500 steps take about three minutes on one core with a width of 8. A wider network that trains for
# longer gets further: change `WIDTH` and `STEPS` when all else is done.

# %%
WIDTH, STEPS = 8, 1500

model = unet(13, WIDTH) if ready else None
if model is not None and FRAMEWORK == "pytorch":
    from helpers.pytorch.losses import cross_entropy
    from helpers.pytorch.train import train
elif model is not None:
    from helpers.keras.losses import cross_entropy
    from helpers.keras.train import train


def loss(logits, masks):
    dice = soft_dice(logits, masks)  # None while question 6 is open
    return cross_entropy(logits, masks) + (0 if dice is None else dice)


if model is not None:
    history = train(model, train_images, train_masks, loss=loss, steps=STEPS)

# %% [markdown]
# Look at what it does on drives that it has never seen, before you trust any number.

# %%
if model is not None:
    if FRAMEWORK == "pytorch":
        from helpers.pytorch.predict import predict_masks
    else:
        from helpers.keras.predict import predict_masks
    predicted = predict_masks(model, test_images)
    rows = [0, len(test_images) // 3, 2 * len(test_images) // 3]
    figures.grid(
        [
            picture
            for i in rows
            for picture in (
                test_images[i],
                masks.overlay(test_images[i], test_masks[i]),
                masks.overlay(test_images[i], predicted[i]),
            )
        ],
        ["image", "truth", "prediction"] * len(rows),
        columns=3,
        alt="Three unseen scenes: the image, the true mask and the predicted mask.",
    )

# %% [markdown]
# Write it to a file, and see where it stands.

# %%
if model is not None:
    from helpers.export import export

    export(model, "model.onnx", height=96, width=128)

# %% nbgrader={"grade": true, "grade_id": "trained_model", "locked": true, "points": 25, "schema_version": 3, "solution": false, "task": false}
check("trained_model", "model.onnx", DATA)

# %% [markdown]
# ## 8 · What does your network not understand? (10 points)
#
# Answer in 100 to 200 words, from your own runs.
#
# 1. Which class is worst, and where in the picture does it go wrong? (3 points)
# 2. What did you change, and what did it do to the IoU? (3 points)
# 3. What would you try next, and how would you notice that it did not help? (4 points)

# %% [markdown] nbgrader={"grade": true, "grade_id": "analysis", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1 (3 points). The worst class, its IoU in the student's own run, and where it fails: thin, far, rare.
# 2 (3 points). One change, with the numbers before and after, ideally over more than one seed.
# 3 (4 points). A next step with a reason, and the measurement that would refute it.
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

    print(bundle("lyft_unet.ipynb", "model.onnx", STUDENT))
