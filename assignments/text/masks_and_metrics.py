# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 1 · Masks and metrics
#
# Before anybody trains a network, somebody reads the labels and decides how answers are scored. A
# mistake there spoils every number that follows, and no error message tells. In this assignment you
# write that part yourself. Everything that you need was taught in lessons 01 to 03.
#
# | question | what you write | points |
# |---|---|---|
# | 1 | `to_ids`: a picture in class colours back to ids | 8 |
# | 2 | `prepare_label`: decode, clean and resize a label | 10 |
# | 3 | `confusion`: the confusion matrix | 12 |
# | 4 | `accuracies`: overall and per class | 8 |
# | 5 | `iou_and_dice`: two numbers per class | 12 |
# | 6 | `mean_ious`: pooled and per image | 12 |
# | 7 | `challenge_score`: F-beta where a miss costs more | 8 |
# | 8 | `best_threshold`: where to cut a probability | 8 |
# | 9 | `boundary_f1`: how well the borders fit | 12 |
# | 10 | your judgement, in words | 10 |
# | | together | 100 |
#
# **Time:** about two hours. You need NumPy and no framework; nothing is trained.
#
# **The data.** Seven street scenes that the course draws when you run the cells. They are there to look
# at and to fill the table of question 10. The checks bring small masks of their own.
#
# **How it is graded.** Under each question stands one call, `check(...)`. At your desk it runs public
# cases and says at once what is wrong. When the notebook is graded, the same call gets hidden cases:
# other masks, other sizes, other integer types. The table under a question says which part brings
# which share of its points; the names are those that `check` prints. A part counts whole or not at
# all, and no part waits for another. What is judged is what your functions return: loops are as good
# as one line of NumPy. Functions are called with arguments like those in the text, and must not rely
# on your data. Question 10 is read by a person.
#
# **What you hand in.** One zip with this notebook. The last cell writes it.
#
# **For the whole notebook:** a mask holds ids 0 to `classes` − 1, rows first. In the truth the id 255
# means *ignored*: such a pixel counts for nothing, whatever was predicted there. Where there is nothing
# to divide by, a value is nan, unless the question says otherwise.

# %%
import numpy as np
from PIL import Image

from helpers.check import check, desk

# `desk` is True where you work and False when the notebook is graded.
# Cells that begin with `if desk:` are for you: data and pictures.

# %%
if desk:
    from helpers import boundary, figures, masks, streets
    from helpers.classes import LYFT

    image, mask = streets.scene(drive=3, frame=0)

# %% [markdown]
# ## 1 · From colours to ids (8 points)
#
# Many data sets, CamVid among them, store a label as a picture: each class has its colour. Training
# needs ids. Write `to_ids(picture, palette)`.
#
# - `picture` is uint8, H×W×3, RGB. `palette` is uint8, C×3: row k is the colour of class k, and no
#   two rows are the same.
# - The result is H×W: the id of each pixel's colour. All three channels must be the same.
# - A colour that is not in the palette becomes 255. Don't guess the nearest class: such a pixel is a
#   fault of the file, and you want to see it.
#
# | what is judged | share |
# |---|---|
# | `ids`: all colours are in the palette | 50 % |
# | `unknown`: colours that are not in it become 255 | 50 % |
#
# <details><summary>Hint 1</summary>
#
# Begin with a mask full of 255. Then take one class after the other: where does the picture have its
# colour?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `picture == colour` compares each channel: H×W×3. `.all(-1)` asks for all three. Comparing is safe;
# subtracting uint8 numbers is not: 3 − 5 gives 254.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "to_ids_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_ids(picture, palette):
    ### BEGIN SOLUTION
    mask = np.full(picture.shape[:2], 255, np.uint8)
    for k, colour in enumerate(palette):
        mask[(picture == colour).all(-1)] = k
    return mask
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "to_ids", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("to_ids", to_ids)

# %% [markdown]
# Try it on a mask that somebody coloured and saved as JPEG. To the eye the file is perfect. White is
# what you marked with 255. JPEG doesn't store red, green and blue but three mixtures of them, rounded:
# some colours come back a little different, whole areas of them, and near borders all do.

# %%
if desk:
    import io

    file = io.BytesIO()
    Image.fromarray(masks.colourize(mask)).save(file, "JPEG", quality=95)
    saved = np.asarray(Image.open(file))
    found = to_ids(saved, LYFT.palette)
    if found is not None:
        figures.grid(
            [saved, np.where((found == 255)[..., None], np.uint8(255), saved)],
            ["the JPEG file", f"your mask: {np.mean(found == 255):.0%} unknown"],
            alt="A mask in class colours, and the same with much of it white: there the colour is "
            "that of no class.",
        )

# %% [markdown]
# ## 2 · Decode, clean and resize a label (10 points)
#
# The Lyft-Udacity labels are RGB files too, but the id itself stands in the red channel; green and
# blue are 0, so the file looks black. The dark shape at the bottom of the image is the hood of the
# car that carries the camera. It is labelled Vehicles, in every frame at the same place, so it
# would give any network a high score for nothing. The figure shows image, file and classes.

# %%
if desk:
    label = np.dstack([mask, np.zeros_like(mask), np.zeros_like(mask)])
    figures.grid(
        [image, label, masks.colourize(mask)],
        ["the image", "the label file", "the label in colours"],
        alt="A street scene, its almost black label file, and the label in class colours.",
    )

# %% [markdown]
# Write `prepare_label(label, height, width)`.
#
# - `label` is uint8, H×W×3, RGB, as Pillow reads it.
# - The hood goes: at full size, each pixel of class 10 (Vehicles) in rows ≥ 496 of 600 becomes 0. For
#   a label of H rows that is row `496 * H // 600` and all rows below it.
# - Then the mask is resized to `height` × `width`. Each pixel of the result must have a class that
#   stands at its place in the label: a mixture of two ids is a third class, which was never there.
# - The result is a mask of integers, height×width.
#
# Keep what you write: assignment 4 asks for the same function.
#
# | what is judged | share |
# |---|---|
# | `decode and clean`: the right channel, and no hood | 50 % |
# | `resize`: other sizes, and no class that was not there | 50 % |
#
# <details><summary>Hint 1</summary>
#
# `label[:, :, 0]` is a *view*: who writes into it changes the label. Take a `.copy()`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `Image.fromarray(mask).resize((width, height), Image.NEAREST)`: Pillow wants the width first.
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
# ## 3 · The confusion matrix (12 points)
#
# Write `confusion(truth, prediction, classes)`: a `classes` × `classes` array of counts. The number
# in row i and column j says how many pixels *are* i and *were predicted* as j.
#
# - `truth` and `prediction` are masks of the same shape, H×W or N×H×W, and of any integer type.
# - Pixels whose true id is 255 are not counted.
# - The matrix always has `classes` rows, also if some class does not occur.
#
# For the truth `[[0, 1], [1, 255]]` and the prediction `[[0, 1], [0, 0]]` with 2 classes it is
# `[[1, 0], [1, 1]]`.
#
# | what is judged | share |
# |---|---|
# | `counts`: rows are the truth, columns the prediction | 50 % |
# | `ignore`: the true id 255, here and there or everywhere | 25 % |
# | `any size and type`: up to 40 classes, down to one pixel, every integer type | 25 % |
#
# <details><summary>Hint 1</summary>
#
# `matrix[truth, prediction] += 1` looks right. But where the same pair of indices comes twice, NumPy
# adds 1 once. `np.add.at(matrix, (truth, prediction), 1)` adds each time.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Faster: `truth * classes + prediction` is another number for each pair, and `np.bincount` counts
# numbers. With 40 classes these numbers reach 1599. Do they fit into uint8?
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "confusion_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def confusion(truth, prediction, classes):
    ### BEGIN SOLUTION
    counted = truth != 255
    pairs = truth[counted].astype(np.int64) * classes + prediction[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "confusion", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
check("confusion", confusion)

# %% [markdown]
# For the rest of the notebook there are two answers to six scenes. We made them from the truth, so
# that you know what is wrong with each. **Coarse** decides for whole blocks of 8×8 pixels. **Blind**
# has every border right, but it sees no small things: vehicles, pedestrians, poles, lane lines and
# signs are road to it. Guess first: which one has the better mean IoU?

# %%
if desk:
    images, truths = streets.scenes([2, 5, 11, 14, 22, 31], [0])
    blocks = truths[:, 4::8, 4::8]
    answers = {
        "coarse": blocks.repeat(8, 1).repeat(8, 2),
        "blind": np.where(np.isin(truths, [4, 5, 6, 10, 12]), 7, truths).astype(np.uint8),
    }
    figures.grid(
        [images[0], masks.overlay(images[0], truths[0])]
        + [masks.overlay(images[0], answer[0]) for answer in answers.values()],
        ["image", "truth", *answers],
        columns=2,
        alt="A street scene, its truth, the coarse answer with steps along every border, and the "
        "blind answer without vehicles and lane lines.",
    )

# %% [markdown]
# If question 3 is done, the next cell shows your confusion matrix of the blind answer. A column
# stands for what was predicted. Which column is fed by classes that are not its own?

# %%
if desk and confusion(truths, answers["blind"], 13) is not None:
    figures.confusion(
        confusion(truths, answers["blind"], 13),
        alt="A confusion matrix: a strong diagonal, and pedestrians, poles, lane lines, vehicles "
        "and signs in the column of Roads.",
    )

# %% [markdown]
# ## 4 · Accuracy, overall and per class (8 points)
#
# Write `accuracies(matrix)`. It takes a confusion matrix as in question 3 and returns
# `(overall, per_class)`:
#
# - `overall`: the share of all counted pixels that are right, one number. nan if there is no pixel.
# - `per_class`: for each class the share of its *true* pixels that are right, an array. nan for a
#   class without true pixels.
#
# For `[[6, 2, 0], [1, 1, 0], [0, 0, 0]]` they are 0.7 and `[0.75, 0.5, nan]`.
#
# | what is judged | share |
# |---|---|
# | `values`: all classes occur | 75 % |
# | `absent`: classes that are never true, or no pixel at all | 25 % |
#
# <details><summary>Hint</summary>
#
# The right pixels of a class lie on the diagonal, its true pixels in its row: `matrix.sum(1)`. NumPy
# gives nan for 0 / 0, with a warning that does no harm; `with np.errstate(invalid="ignore"):` keeps
# it quiet.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "accuracies_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def accuracies(matrix):
    ### BEGIN SOLUTION
    with np.errstate(invalid="ignore"):
        return np.trace(matrix) / matrix.sum(), np.diag(matrix) / matrix.sum(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "accuracies", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("accuracies", accuracies)

# %% [markdown]
# ## 5 · IoU and Dice (12 points)
#
# Write `iou_and_dice(matrix)`. It returns `(iou, dice)`, each an array with one number per class:
#
# $$\mathrm{IoU} = \frac{TP}{TP + FP + FN} \qquad \mathrm{Dice} = \frac{2\,TP}{2\,TP + FP + FN}$$
#
# - A class that is in *neither* mask, so that TP = FP = FN = 0, has no value: nan.
# - A class that is in one of the two only has the value 0. It was missed, or made up.
#
# | what is judged | share |
# |---|---|
# | `values`: all classes occur | 50 % |
# | `absent`: classes that were missed, made up, or are in neither mask | 50 % |
#
# <details><summary>Hint</summary>
#
# TP is the diagonal. A row sums up to TP + FN, a column to TP + FP. So what is
# `matrix.sum(0) + matrix.sum(1)`, and how often does it hold TP?
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "iou_and_dice_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def iou_and_dice(matrix):
    ### BEGIN SOLUTION
    hit, areas = np.diag(matrix), matrix.sum(0) + matrix.sum(1)
    with np.errstate(invalid="ignore"):
        return hit / (areas - hit), 2 * hit / areas
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "iou_and_dice", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
check("iou_and_dice", iou_and_dice)

# %% [markdown]
# ## 6 · Two kinds of mean IoU (12 points)
#
# A paper reports 'mean IoU 0.61'. The mean over what? Write
# `mean_ious(truths, predictions, classes)` for stacks of masks, N×H×W. It returns
# `(pooled, per_image)`, two numbers:
#
# - `pooled`: count the pixels of all images together, take the IoU of each class, then the mean over
#   the classes.
# - `per_image`: for each image by itself take the IoU of each class and the mean over the classes;
#   then the mean over the images.
#
# What has no value stays out of a mean: a class that is in neither mask; an image in which every
# pixel is ignored. If nothing is left, the mean is nan.
#
# | what is judged | share |
# |---|---|
# | `values`: all classes are in every image | 50 % |
# | `absent`: images that lack classes | 25 % |
# | `ignore`: images that are ignored in part or altogether | 25 % |
#
# <details><summary>Hint 1</summary>
#
# You have `confusion` and `iou_and_dice`. Pooled: one matrix of the whole stack. Per image: one
# matrix of each image. A mistake in those two shows here again, so get them right first.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.nanmean` leaves nan out. Where there is nothing but nan it gives nan, and a warning that does
# no harm.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "mean_ious_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_ious(truths, predictions, classes):
    ### BEGIN SOLUTION
    def mean(values):
        values = np.asarray(values)[~np.isnan(values)]
        return values.mean() if len(values) else np.nan

    def mean_iou(truth, prediction):
        return mean(iou_and_dice(confusion(truth, prediction, classes))[0])

    return mean_iou(truths, predictions), mean([mean_iou(*p) for p in zip(truths, predictions)])
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "mean_ious", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
check("mean_ious", mean_ious)

# %% [markdown]
# ## 7 · A miss is worse than a false alarm (8 points)
#
# The Lyft-Udacity challenge scores two things only, vehicles and the road, by F-beta:
#
# $$F_\beta = \frac{(1 + \beta^2)\,TP}{(1 + \beta^2)\,TP + \beta^2\,FN + FP}$$
#
# With β = 2 a missed pixel weighs four times as much as a false one; with β = 0.5 it is the other way
# round. Write `challenge_score(truths, predictions, frames_per_second)`. It returns one number:
#
# $$100 \cdot \frac{F_2(\text{vehicles}) + F_{0.5}(\text{road})}{2} - \max(0,\ 10 - \text{frames per second})$$
#
# - The masks are stacks, N×H×W, of Lyft's 13 ids; the hood is gone, and nothing is ignored. Count TP,
#   FP and FN over all images together.
# - Vehicles are class 10. The road is class 7 (Roads) and class 6 (RoadLines) as *one* class: a lane
#   line that is called road is right.
# - If TP is 0, take F-beta as 0.
#
# | what is judged | share |
# |---|---|
# | `score`: at 10 frames per second or more | 75 % |
# | `speed`: what slow networks pay, and fast ones don't earn | 25 % |
#
# <details><summary>Hint</summary>
#
# A function for F-beta of two bool masks serves here twice, and in question 8 again.
# `np.isin(mask, [6, 7])` is True on the road.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "challenge_score_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# A function of your own for F-beta, if you like.
### BEGIN SOLUTION
def f_beta(truth, prediction, beta):
    hit = (truth & prediction).sum()
    missed, false = (truth & ~prediction).sum(), (prediction & ~truth).sum()
    weighed = (1 + beta**2) * hit
    return weighed / (weighed + beta**2 * missed + false) if hit else 0.0
### END SOLUTION


def challenge_score(truths, predictions, frames_per_second):
    ### BEGIN SOLUTION
    vehicles = f_beta(truths == 10, predictions == 10, 2)
    road = f_beta(np.isin(truths, [6, 7]), np.isin(predictions, [6, 7]), 0.5)
    return 100 * (vehicles + road) / 2 - max(0, 10 - frames_per_second)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "challenge_score", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("challenge_score", challenge_score)

# %% [markdown]
# ## 8 · Where to cut (8 points)
#
# A network gives each pixel a probability. 'Vehicle where p ≥ threshold' makes a mask of it, and each
# threshold another one. Write `best_threshold(truth, probabilities, thresholds, beta)`.
#
# - `truth` is bool, H×W. `probabilities` is float, H×W. `thresholds` is float, rising.
# - The result is `(threshold, score)`: the threshold whose mask has the highest F-beta, and that
#   F-beta. If TP is 0, F-beta is 0. Of several equally good thresholds take the lowest.
#
# | what is judged | share |
# |---|---|
# | `threshold`: one is best | 75 % |
# | `ties and nothing`: several are best, or no pixel is true | 25 % |
#
# <details><summary>Hint</summary>
#
# One mask and one score for each threshold; then the place of the highest score. Of several equal
# ones `np.argmax` gives the first. But beware of nan: `np.argmax([0.2, nan])` is 1.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "best_threshold_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_threshold(truth, probabilities, thresholds, beta):
    ### BEGIN SOLUTION
    scores = [f_beta(truth, probabilities >= t, beta) for t in thresholds]
    best = int(np.argmax(scores))  # the first of several
    return thresholds[best], scores[best]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "best_threshold", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("best_threshold", best_threshold)

# %% [markdown]
# ## 9 · How well do the borders fit? (12 points)
#
# Large areas hide their borders: shift a road by three pixels, and its IoU hardly falls. Boundary F1
# looks at the contours alone. Write `boundary_f1(truth, prediction, tolerance)` for two bool masks,
# H×W, of one class. It returns one number.
#
# - The **contour** of a mask: its True pixels that have a False pixel directly left, right, above or
#   below. Beyond the end of the picture there is nothing: an area that runs out of the picture has no
#   contour there.
# - A contour pixel is **found** if the other mask has a contour pixel at most `tolerance` away. The
#   distance is straight: $\sqrt{\Delta row^2 + \Delta column^2}$.
# - Precision is the share of the predicted contour that is found in the true one; recall is the share
#   of the true contour that is found in the predicted one. The result is
#   $2 \cdot \frac{precision\,\cdot\,recall}{precision\,+\,recall}$.
# - If neither mask has a contour, it is nan. If one of them has, or nothing is found, it is 0.
#
# | what is judged | share |
# |---|---|
# | `contours`: blobs, and areas that run out of the picture | 50 % |
# | `tolerance`: distances that are no whole numbers | 25 % |
# | `empty`: masks without a contour | 25 % |
#
# <details><summary>Hint 1</summary>
#
# `np.roll` puts what leaves on the right back in on the left. Pad the mask first,
# `np.pad(mask, 1, mode="edge")`, then four slices of it are the four neighbours.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.argwhere(contour)` gives the places, N×2. With `a[:, None] - b[None]` you get all differences of
# two lists of places at once, N×M×2. A contour is short: that fits into memory.
#
# </details>

# %% [markdown]
# The figure shows the road of the first scene, in the truth and in the coarse answer, with its
# contour in black. Along the bottom, where the hood was, there is a border; at the left end of the
# picture there is none.

# %%
if desk:
    roads = [truths[0] == 7, answers["coarse"][0] == 7]
    lines = [boundary.contour(road.astype(np.uint8), none=2) & road for road in roads]
    grey = [np.where(line, 0, np.where(road, 170, 255)) for road, line in zip(roads, lines)]
    figures.grid(
        [np.dstack([picture] * 3).astype(np.uint8) for picture in grey],
        [f"truth: {lines[0].sum()} pixels", f"coarse: {lines[1].sum()} pixels"],
        alt="The area of the road in grey with a thin black contour; in the coarse answer the "
        "contour goes in steps.",
    )

# %% nbgrader={"grade": false, "grade_id": "boundary_f1_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# A function of your own for the contour, if you like.
### BEGIN SOLUTION
def contour(mask):
    p = np.pad(mask, 1, mode="edge")
    return mask & ~(p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:])
### END SOLUTION


def boundary_f1(truth, prediction, tolerance):
    ### BEGIN SOLUTION
    true, predicted = np.argwhere(contour(truth)), np.argwhere(contour(prediction))
    if not len(true) and not len(predicted):
        return np.nan
    if not len(true) or not len(predicted):
        return 0.0
    near = ((true[:, None] - predicted[None]) ** 2).sum(-1) <= tolerance**2
    recall, precision = near.any(1).mean(), near.any(0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "boundary_f1", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
check("boundary_f1", boundary_f1)

# %% [markdown]
# ## 10 · Which answer is better? (10 points)
#
# The next cell puts your functions together, for the two answers to the six scenes. It fills in as
# your questions get done.

# %%
def shown(compute, answer):
    """The value, or … while a question is open."""
    try:
        value = compute(answer)
        return "…" if value is None or value is ... else f"{value:.3f}"
    except Exception:
        return "…"


if desk:
    rows = {
        "overall accuracy": lambda a: accuracies(confusion(truths, a, 13))[0],
        "accuracy of Vehicles": lambda a: accuracies(confusion(truths, a, 13))[1][10],
        "mean IoU, pooled": lambda a: mean_ious(truths, a, 13)[0],
        "mean IoU, per image": lambda a: mean_ious(truths, a, 13)[1],
        "challenge score at 10 frames/s": lambda a: challenge_score(truths, a, 10),
        "boundary F1 of Roads, first scene": lambda a: boundary_f1(truths[0] == 7, a[0] == 7, 2),
        "boundary F1 of Buildings, first scene": lambda a: boundary_f1(
            truths[0] == 1, a[0] == 1, 2
        ),
    }
    print(f"{'':38}" + "".join(f"{name:>10}" for name in answers))
    for row, compute in rows.items():
        values = [shown(compute, answer) for answer in answers.values()]
        print(f"{row:38}" + "".join(f"{value:>10}" for value in values))

# %% [markdown]
# A car maker asks you which of the two to take, and wants one number to compare networks by from now
# on. Answer in 100 to 200 words.
#
# 1. Which numbers of your table speak for which answer? Name at least two that disagree, and say why
#    they do. (4 points)
# 2. Why do the two mean IoUs of the same answer differ? (2 points)
# 3. Which number would you report, and what does it hide? How would somebody notice? (4 points)

# %% [markdown] nbgrader={"grade": true, "grade_id": "judgement", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1 (4 points). Numbers of the student's own table. Overall accuracy prefers the blind answer, because
# small things have few pixels; the accuracy of Vehicles and the challenge score prefer the coarse one.
# Boundary F1 shows what the coarse answer costs.
#
# 2 (2 points). A class that is rare in one image weighs as much there as a large one, and absent classes
# leave the mean of an image.
#
# 3 (4 points). A named choice with a reason that fits its purpose (a car must not miss vehicles: recall
# or F2 of Vehicles). It says what the number does not see (false alarms, borders, other classes), and
# names a second number or a look at pictures that would show it.
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

    print(bundle("masks_and_metrics.ipynb", student=STUDENT))
