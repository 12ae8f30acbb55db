# %% [markdown]
# # 00 · Start here
#
# Welcome. In this course you teach a computer to look at a street and to say, for every single
# pixel, what it belongs to: road, pavement, tree, car. This first notebook asks two things. Is your
# machine ready? And what is a picture, to a computer? On the way you see how a lesson works.
#
# You need to know a little Python. If NumPy is new to you, the first link under *References* is
# enough. You need no graphics card.
#
# Plan about 20 minutes. Press **Shift + Enter** to run a cell and go to the next one.

# %% [markdown]
# ## What you will be able to do
#
# - Tell whether everything that the course needs is here: packages, memory, processor, data.
# - Tell whether what can be touched works where you are, and what to do if it does not.
# - Choose where to run the course: Binder, Kaggle, Colab or your own machine.
# - Read a picture and its mask as arrays, with the row first.
# - Work through an exercise: the task, the hints, the target picture, the check.

# %% [markdown]
# ## Predict first
#
# Every lesson begins with questions that you cannot know the answer to yet. Write down a guess on
# paper. A wrong guess is worth as much as a right one: you will remember the surprise.
#
# 1. A small colour picture has 240 rows and 320 columns. How many numbers does the computer keep
#    for it?
# 2. You want the pixel 50 to the right and 200 down. Do you write `image[50, 200]` or
#    `image[200, 50]`?
# 3. How many processor cores does this notebook have for itself? Is it as many as the machine has?

# %% [markdown]
# ## Is everything here?
#
# The next cell asks the machine. On Binder or Kaggle your notebook lives in a container: a fenced
# part of a big machine. Linux calls the fence a *cgroup* (control group). It says how many cores
# and how much memory you may use, and that is what counts. So `cores` and `memory` tell **your
# share**, and not the size of the machine.

# %%
import os

from helpers import where

threads = where.set_threads()
report = where.report()
for name, found in report.items():
    print(f"{name:12} {found}")
print(f"\nThe machine has {os.cpu_count()} cores; {report['cores']} of them are yours, "
      f"and the libraries use {threads}.")

# %% [markdown]
# The last line answers question 3. The call `where.set_threads()` matters more than it looks. A library
# that starts eight threads on one core does not run faster. Its threads wait for each other, and training
# takes several times as long.
#
# The next cell reads the list for you.

# %%
memory = where.memory_gib()
remarks = []
if memory < 1.5:
    remarks.append("Memory is short. Keep one notebook open at a time.")
if report["torch"] == report["keras"] == "not installed":
    remarks.append("Neither PyTorch nor Keras is here: only lessons 00 to 03 run.")
elif "not installed" in (report["torch"], report["keras"]):
    track = "Keras" if report["torch"] == "not installed" else "PyTorch"
    remarks.append(f"Only {track} is here: take the {track} track from lesson 04 on.")
print("\n".join(remarks) or "All is well: every lesson of both tracks runs here.")

# %% [markdown]
# Now the data. Two kinds of pictures go with this course, and both lie in the same folders with the same
# names. So every lesson runs on either.
#
# - **Street scenes** drawn by a program that is part of the course. They are always there.
# - **The Lyft-Udacity frames**, 5 GB of pictures from a driving simulator. They are the real task of the
#   last lesson, 11. You do not need them before that.

# %%
from helpers import data

try:
    pairs = data.find()
    print(f"{len(pairs)} pictures with masks, from {len(set(pairs.drives))} drives")
    print("the first:", pairs.items[0].image)
except FileNotFoundError as nothing:
    print("No folder of pictures here. None is needed yet: lessons draw their own.")
    print(nothing)

# %% [markdown]
# ## Look at something
#
# Here is one street scene. It was drawn when you ran the cell: no file was read.

# %%
from helpers import figures, masks
from helpers.classes import LYFT
from helpers.streets import scene

image, mask = scene(drive=4, frame=2, height=240, width=320)
mask = masks.remove_hood(mask)  # the camera car's own bonnet is no class of the street
figures.grid(
    [image, mask],
    ["the picture", "its mask"],
    alt="Left: a street, seen from a car. Right: the same street as flat areas, one "
    "colour for each class, with the names of the larger classes written in.",
)

# %% [markdown]
# On the right you see what this course is about. Each pixel has got a **class**: road, vegetation, vehicle
# and so on. The picture on the right is called a **mask**. There are 13 classes, numbered 0 to 12; the list
# with their names and colours is `LYFT`. Class 0, *None*, is what belongs to no other class: mostly the sky,
# and here also the bonnet of the car that carries the camera.

# %% [markdown]
# ## Does it answer when you touch it?
#
# Many lessons have something to touch. Run the cell, then try four things: drag **Opacity**; point at the
# picture and read the line below it; press **only** beside a class; press **all** to get the rest back.

# %%
from helpers.widgets.mode import mode
from helpers.widgets.overlay import overlay

touch = overlay(image, truth=mask)
touch

# %% [markdown]
# The fading happens in your browser. But does Python hear of it? Leave the slider somewhere else, and run
# the next cell.

# %%
heard = "Python has heard." if touch.opacity != 0.55 else "As at the beginning."
print(f"opacity {touch.opacity:.2f}. {heard} Way of showing: {mode()}.")

# %% [markdown]
# Three things can happen.
#
# - **It answers, and Python hears it.** Way of showing: live. All is well. Go on.
# - **It answers, but Python does not hear it.** Kaggle is such a place, and so is a notebook that was saved
#   as a web page. Everything that you can touch works. Only what you paint or set stays in the page.
# - **There is just a picture.** This viewer runs no programs. You can still read everything: the picture
#   shows what the cell would show, and the text around it says what to look at. To touch things, open the
#   notebook in one of the places below.
#
# No mouse? Every control can be reached with the Tab key, and in the picture the arrow keys move the cursor.
# *Keys*, below the picture, lists them.

# %% [markdown]
# Look at the white lines between the classes, and at the names in the mask above. In this course a colour
# never stands alone. You can follow every lesson if you do not see colours as most people do.

# %% [markdown]
# ## A picture is an array
#
# Everything in this course is an array of numbers. Ask the two arrays above for their shapes.

# %%
print("picture:", image.shape, image.dtype, f"{image.size:,} numbers")
print("mask:   ", mask.shape, mask.dtype, f"{mask.size:,} numbers")

assert image.shape == (240, 320, 3)
assert image.size == 240 * 320 * 3 == 230_400

# %% [markdown]
# That was question 1. The picture has 240 rows, 320 columns and three numbers for each pixel: how much
# red, green and blue, from 0 to 255. Together that makes 230,400 numbers. The mask needs a third of that,
# as it has one number for each pixel: the **id** of the class.
#
# Question 2: the **row comes first**. The pixel 50 to the right and 200 down is `image[200, 50]`. That is
# the order of a table, and not the order (x, y) of a diagram. Rows count from the top.

# %%
row, column = 200, 50
k = mask[row, column]
print("picture at row 200, column 50:", image[row, column])
print(f"mask at the same place: {k}, that is {LYFT.names[k]}")

# %% [markdown]
# A comparison such as `mask == 7` asks every pixel at once. It gives an array of the same height and width
# that holds True or False. We call it a **region**. With a region you can count, and you can pick pixels.

# %%
road = mask == LYFT.id("Roads")
print("shape:", road.shape, "· first entries of row 200:", road[200, :5])
print(f"{road.sum():,} of {road.size:,} pixels are road")
print("mean colour of the road:", image[road].mean(axis=0).round())

# %% [markdown]
# The last line is worth a second look. `image[road]` takes the pixels of the region and forgets where they
# were: it has one row for each road pixel, and three columns. The three means are close to each other, so
# the road is grey.

# %% [markdown]
# ## Where to run the course
#
# The row of links at the top of each notebook opens that notebook elsewhere. Below it stands a folded
# cell: three dots. Only Colab needs it; elsewhere it does nothing.
#
# | where | good for | what to know |
# |---|---|---|
# | **Binder** | a first look, nothing to install | 1 core, 2 GB; stops after 10 idle minutes and forgets everything |
# | **Kaggle** | the real data, a free graphics card | the data is one click away; what you touch answers, but Python does not hear of it |
# | **Colab** | a free graphics card | the data has to be fetched each time |
# | **your own machine** | everything | Python 3.11 to 3.13, 5 to 13 GB of disk |
#
# <details><summary>Binder, step by step</summary>
#
# 1. Click *Binder* in the row of links. The first start can take some minutes.
# 2. Keep one notebook open at a time. Two kernels with a framework in each need more than 2 GB.
#    *Kernel → Shut Down Kernel* frees the memory.
# 3. Before you leave: *File → Download*. Nothing is kept.
#
# </details>
#
# <details><summary>Kaggle, step by step</summary>
#
# 1. Click *Kaggle*. Kaggle's version of this one notebook is copied into your account. It needs no
#    internet and nothing to install: the helpers travel inside.
# 2. Run the first cell. It unpacks them.
# 3. For the real frames: *Add Input*, then search for `lyft-udacity-challenge`. `data.find()` finds them.
# 4. For training: *Settings → Accelerator → GPU*.
#
# </details>
#
# <details><summary>Colab, step by step</summary>
#
# 1. Click *Colab*. Run the first cell of the notebook, *Only Colab needs this cell*. It fetches the
#    course. After *Restart session*, run it again.
# 2. For training: *Runtime → Change runtime type → GPU*.
# 3. Files that you write are gone with the runtime. Save what you need to your drive.
#
# </details>
#
# <details><summary>Your own machine, step by step</summary>
#
# 1. You need Python 3.11, 3.12 or 3.13, git and make.
# 2. `git clone https://github.com/pixelwise-course/pixelwise`, then `cd pixelwise` and `make lab`. It
#    sets up a folder `.venv` with everything and opens this notebook. A second `make lab` takes seconds.
# 3. For the real frames, in a terminal, with a Kaggle key in place:
#    `kaggle datasets download kumaresanmanickavelu/lyft-udacity-challenge -p data --unzip`
#
# </details>

# %% [markdown]
# ## Two tracks, one course
#
# Lessons 00 to 03 need NumPy only. From lesson 04 on there are two tracks: **PyTorch** (folder `pytorch/`)
# and **Keras** (folder `keras/`). Both tell the same story with the same networks. The same trained
# weights even give the same answers in both, and the lessons show it.
#
# Take the one that you know or need. If you know neither, take PyTorch: its lessons need less memory. Do
# not run both in one notebook: a kernel that holds two frameworks needs twice the memory.

# %% [markdown]
# ## How an exercise answers
#
# Under each exercise stands a cell that calls `exercise(…)`. It compares your function with ours on several
# inputs, and it knows some mistakes by sight. Here it meets three answers to a tiny task: *how many
# rows does a picture have?*

# %%
from helpers.check import exercise


def rows(picture):
    return picture.shape[0]


def not_written_yet(picture):
    ...


def mixed_up(picture):
    return picture.shape[1]


hints = {"That is the number of columns. The row comes first.": mixed_up}
for answer in (not_written_yet, mixed_up, rows):
    exercise(answer, rows, inputs=[(image,), (mask,)], mistakes=hints)

# %% [markdown]
# The first answer is still empty, so there is nothing to judge. The second makes a mistake that many people
# make, and the line tells which. The third is right. A check never stops your notebook and never counts
# against you: run it as often as you like.
#
# In the exercises the cells with target pictures and checks are folded to three dots, as they would give
# the answer away. Run them like any other cell. A click on the dots unfolds them.
#
# The **graded** tasks are in the folder `assignments/`. They work in the same way.

# %% [markdown]
# ## Exercises
#
# Three small ones, each a little harder. Replace the line `...  # your code here`. Try before you open a
# hint. The target picture shows what a right answer does.
#
# ### Exercise 1 · Which class is there?
#
# Write `class_at(mask, row, column)`. It returns the id of the class at that place.
#
# <details><summary>Hint 1</summary>
#
# A mask is a table with rows and columns. Square brackets read one entry.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `table[r, c]` is the entry in row r and column c.
#
# </details>

# %%
figure, axes = figures.canvas(height=4.5)
figures.draw_mask(axes[0, 0], mask)
for row, column in ((30, 160), (190, 70)):
    name = LYFT.names[mask[row, column]]
    axes[0, 0].plot(column, row, "o", color="white", markeredgecolor="black")
    axes[0, 0].annotate(
        f"row {row}, column {column}: {mask[row, column]} {name}", (column + 7, row),
        va="center", bbox={"facecolor": "white", "alpha": 0.9},
    )
axes[0, 0].set(xlabel="column", ylabel="row", title="Target: what stands where")
figures.show(
    figure,
    alt="The mask with two marked places. Each has a label with its row, its column, "
    "and the id and the name of its class.",
)


# %%
def class_at(mask, row, column):
    # BEGIN SOLUTION
    return mask[row, column]
    # END SOLUTION


# %%
exercise(
    class_at,
    lambda mask, row, column: mask[row, column],
    inputs=[(mask, 30, 160), (mask, 190, 70), (mask, 130, 20)],
    mistakes={
        "Row and column are swapped: the row comes first.": lambda m, r, c: m[c, r],
    },
)

# %% [markdown]
# ### Exercise 2 · How much of the picture?
#
# Write `share(mask, k)`. It returns the share of the pixels that have class `k`, a number from 0 to 1.
#
# <details><summary>Hint 1</summary>
#
# `mask == k` is a region: True where the class is `k`. What do you get when you sum it up?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Divide the number of True pixels by the number of all pixels, `mask.size`. Or take a mean: True counts
# as 1 and False as 0.
#
# </details>

# %%
counts = [(mask == k).sum() for k in range(len(LYFT))]
figures.class_bars(
    {"share": [count / mask.size if count else float("nan") for count in counts]},
    alt="One bar for each class in the mask, as long as its share of the pixels.",
    label="target: share of the pixels",
)


# %%
def share(mask, k):
    # BEGIN SOLUTION
    return (mask == k).mean()
    # END SOLUTION


# %%
exercise(
    share,
    lambda mask, k: (mask == k).mean(),
    inputs=[(mask, 7), (mask, 0), (mask, 4), (mask[:100], 9)],
    mistakes={
        "That is the number of pixels. Divide by how many there are.":
            lambda m, k: (m == k).sum(),
        "You divide by the size of the first mask. Ask the mask that you were given.":
            lambda m, k: (m == k).sum() / mask.size,
        "You divide by the number of rows. A pixel is one entry of the whole table.":
            lambda m, k: (m == k).sum() / len(m),
    },
)

# %% [markdown]
# ### Exercise 3 · Paint a region
#
# Write `paint(image, region, colour)`. It returns a **new** picture. Inside the region, each of the three
# numbers of a pixel is the mean of the old number and the colour's number. Outside, nothing changes. The
# type stays `uint8`; how you round does not matter.
#
# <details><summary>Hint 1</summary>
#
# Start with `painted = image.copy()`. Then `painted[region]` gives the pixels of the region, and
# `painted[region] = …` replaces them.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Something odd happens in `uint8`: the largest number is 255, and 200 + 100 is 44. Divide before you add,
# or compute with a larger type: `image[region].astype(int)`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `colour` is an array of three numbers. NumPy adds it to every row of `image[region]` by itself.
#
# </details>

# %%
import numpy as np

YELLOW = np.array([255, 220, 0], np.uint8)
vegetation = mask == LYFT.id("Vegetation")


def paint_reference(image, region, colour):
    painted = image.copy()
    painted[region] = (image[region].astype(int) + colour) // 2
    return painted


figures.grid(
    [image, paint_reference(image, vegetation, YELLOW)],
    ["before", "target: the vegetation in half yellow"],
    alt="Left the street, right the same street with all of its vegetation tinted "
    "yellow; everything else is unchanged.",
)


# %%
def paint(image, region, colour):
    # BEGIN SOLUTION
    painted = image.copy()
    painted[region] = (image[region].astype(int) + colour) // 2
    return painted
    # END SOLUTION


# %%
def overflows(image, region, colour):
    painted = image.copy()
    painted[region] = (image[region] + colour) // 2
    return painted


def covers(image, region, colour):
    painted = image.copy()
    painted[region] = colour
    return painted


exercise(
    paint,
    paint_reference,
    inputs=[(image, vegetation, YELLOW), (image, road, YELLOW[::-1].copy())],
    mistakes={
        "The sum does not fit into uint8 and starts again at 0: see hint 2.": overflows,
        "The colour covers the picture. Take the mean of old and new.": covers,
    },
    tolerance=1 / 255,  # rounding up or down
)

# %% [markdown]
# That is the heart of the overlay that you faded in and out above: a mean of picture and colour, pixel by
# pixel. So this course works: you write a thing once, understand it, and then use the version in `helpers`.

# %% [markdown]
# ## Quiz
#
# Choose an answer, and it tells you at once why it is right or wrong. Nothing is recorded.

# %%
from helpers.quiz import quiz

quiz(
    "What does `image[10, 30]` give?",
    {
        "The pixel 10 to the right and 30 down.": "That is the order (x, y). Arrays "
        "are tables: the row comes first.",
        "The pixel 30 to the right and 10 down.": "Row 10, column 30, counted from the "
        "top left corner.",
        "Row 10 to row 30.": "That would be a slice, `image[10:30]`.",
    },
    answer="The pixel 30 to the right and 10 down.",
)

# %%
quiz(
    "The machine has 32 cores, your share is 1. How many threads train fastest?",
    {
        "32": "They take turns on one core and wait for each other: far slower.",
        "1": "One core can keep one thread busy. `where.set_threads()` sees to it.",
        "It makes no difference.": "It does: threads that wait cost time.",
    },
    answer="1",
)

# %%
quiz(
    "A mask has the shape (240, 320). What is the shape of `mask == 7`?",
    {
        "(240, 320)": "Every pixel is asked, and every pixel answers.",
        "One number: how often 7 occurs.": "That would be `(mask == 7).sum()`.",
        "(240, 320, 3)": "A picture has three numbers for each pixel, a mask one.",
    },
    answer="(240, 320)",
)

# %% [markdown]
# ## Pitfalls
#
# - **Cells run out of order.** A cell sees what was run before it, and not what stands above it. When
#   something is odd: *Kernel → Restart Kernel and Run All Cells*.
# - **Too many kernels.** A notebook that you close in the browser goes on living. Each kernel with a
#   framework takes half a gigabyte or more. When a kernel dies without a word, memory was short.
# - **Column before row.** `image[x, y]` looks right and is wrong. On a square picture no error warns you.
# - **`uint8` starts again at 0.** `np.uint8(200) + np.uint8(100)` is 44. Change the type before you compute.
# - **The same array under two names.** `painted = image` makes no copy. Painting one paints both. Write
#   `image.copy()`.

# %%
a, b = np.array([200], np.uint8), np.array([100], np.uint8)
print("200 + 100 in uint8:", (a + b)[0], "· in int:", (a.astype(int) + b)[0])
assert (a + b)[0] == 44

# %% [markdown]
# ## What to remember
#
# - A picture is an array height × width × 3, a mask is an array height × width of class ids.
# - The row comes first, and rows count from the top.
# - `mask == k` is a region: count it, or pick pixels with it.
# - In a container your share counts, and threads follow your share.
# - Predict, run, read the number, compare with your guess.
#
# Next: **01 · What is semantic segmentation?** It gives the task its exact form, and finds out how far
# mere colour gets.

# %% [markdown]
# ## References
#
# - [NumPy: the absolute basics for beginners](https://numpy.org/doc/stable/user/absolute_beginners.html)
# - [JupyterLab: the interface](https://jupyterlab.readthedocs.io/en/stable/user/interface.html)
# - [Binder: frequently asked questions](https://mybinder.readthedocs.io/en/latest/about/faq.html)
# - [The Lyft-Udacity challenge data on Kaggle](https://www.kaggle.com/datasets/kumaresanmanickavelu/lyft-udacity-challenge)
