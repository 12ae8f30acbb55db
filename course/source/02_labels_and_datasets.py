# %% [markdown]
# # 02 · Labels and datasets
#
# A network learns what its labels say, right or wrong. So where do labels come from,
# and where do they break without anybody noticing? In this lesson you follow a label
# from the person or program that makes it to the batch that a network eats. On the way
# you break it in every way that people break labels in practice. Hardly any of the
# breakages raises an error. You learn to see them.
#
# Plan about 75 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Say where labels come from and what they cost; turn a polygon into a mask.
# - Store a mask as ids in a file, read it back, and recognise six ways to read it
#   wrongly.
# - Check a folder of pairs before any training, and mend it.
# - Show what JPEG and smooth resizing do to ids, in numbers.
# - Clean the Lyft-Udacity labels in the right order.
# - Split a dataset so that validation measures something, and find the leak when
#   somebody else did not.
# - Bring images and masks as arrays and batches to the door of a network.

# %% [markdown]
# ## Predict first
#
# Write three answers on paper. All three come back.
#
# 1. A mask is saved as JPEG at quality 95. It looks perfect. What share of its ids is
#    different afterwards?
# 2. A 'method' never looks at the picture. For every frame it answers: *the vehicles
#    are where my own bonnet is.* Which IoU does it get for vehicles, from 0 to 1?
# 3. Another 'method' has learnt nothing either. It looks for the most similar picture
#    in the training set and answers with *that picture's* mask. Which mean IoU does it
#    get?

# %%
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from helpers import data, drawings, figures, masks, metrics
from helpers.check import exercise
from helpers.classes import IGNORE, LYFT
from helpers.quiz import quiz
from helpers.streets import scene, scenes, write
from helpers.widgets.choose import choose

workshop = tempfile.TemporaryDirectory()  # goes away with the kernel
FOLDER = Path(workshop.name)

# %% [markdown]
# ## Where labels come from
#
# A label says, for every pixel, what is true. People also call it **annotation** or
# **ground truth**. Somebody or something has to make it, and there are two ways.
#
# - **By hand.** A person draws around each object. *labelme* stores the corners of
#   polygons; in an image editor such as *GIMP* you paint the regions.
# - **By script.** A program draws the picture, so it knows what it drew where. That is
#   a driving simulator such as *CARLA*, a computer game, or the street drawer of this
#   course.
#
# Before a network sees it, either kind is **preprocessed**: outlines become ids, all
# pictures get one size, flaws are cleaned away. This lesson is mostly about that step,
# as that is where most labels are spoilt.
#
# ### Predict first: how long does one picture take?
#
# A person labels every pixel of one street picture, with care. How many minutes? The
# cell shows published figures, and the time that this machine needs to draw a street
# of 800 × 600 pixels with its label.

# %%
start = time.perf_counter()
image, label_mask = scene(drive=35, frame=0)
ours = time.perf_counter() - start

seconds = {  # per picture; see the references
    "Cityscapes, fine\nby hand": 90 * 60,
    "CamVid\nby hand": 60 * 60,
    "Cityscapes, coarse\nby hand": 7 * 60,
    "GTA5: a game tells\nwhat belongs together": 49 * 3600 / 24_966,
    "this course's streets\nby script": ours,
}
figure, axes = figures.canvas(height=3.6)
bars = axes[0, 0].barh(list(seconds), list(seconds.values()), color="#561d55")
times = [f"{s / 60:.0f} min" if s > 60 else f"{s:.2g} s" for s in seconds.values()]
axes[0, 0].bar_label(bars, times, padding=4)
axes[0, 0].set(xscale="log", xlabel="seconds for one picture (each step: ten times)")
axes[0, 0].set_xlim(0.03, 60_000)
axes[0, 0].invert_yaxis()
told = ", ".join(f"{n} {t}" for n, t in zip(seconds, times)).replace("\n", " ")
figures.show(figure, alt=f"Bars on a logarithmic axis, time for one picture: {told}.")

# %%
lyft_frames = 5 * 1000
by_hand = lyft_frames * seconds["Cityscapes, fine\nby hand"] / 3600
print(f"{lyft_frames:,} frames by hand at 90 minutes: {by_hand:,.0f} hours,")
print(f"about {by_hand / 1700:.1f} years for one person (1,700 working hours a year)")
assert by_hand == 7500

# %% [markdown]
# An hour and a half for one picture. The Lyft-Udacity set of this course has 5,000
# frames; by hand that would be more than four years of work. It was not made by hand.
#
# Neither way gives you the truth as such.
#
# - **People differ.** Two careful people do not put an edge on the same pixel, and far
#   away they do not agree what a thing is. No network can be judged more exactly than
#   that.
# - **Programs are exact and odd.** Every pixel is right *by the program's own rules*.
#   Those may be strange: you will meet a car bonnet that counts as traffic. And a
#   drawn street is not a real one. A network that has seen drawn streets alone does
#   worse on real ones. That is called the *domain gap*.

# %% [markdown]
# ### From corners to pixels
#
# Here is a cat, and a person who clicks around it. labelme writes the clicks into a
# JSON file. We write such a file ourselves: the corners lie on the cat's true outline,
# as many as the person has patience for.


# %%
photo, truth, cat_classes = drawings.cat()


def click_around(region, corners):
    """Corners on the outline of a region, as labelme stores them: [x, y] pairs."""
    rows, columns = np.nonzero(region)
    middle = rows.mean(), columns.mean()
    angle = np.arctan2(rows - middle[0], columns - middle[1])
    reach = np.hypot(rows - middle[0], columns - middle[1])
    sector = ((angle + np.pi) / (2 * np.pi) * corners).astype(int) % corners
    outermost = [
        np.flatnonzero(sector == s)[reach[sector == s].argmax()]
        for s in range(corners)
        if (sector == s).any()
    ]
    return [[float(columns[i]), float(rows[i])] for i in outermost]


shape = {"label": "cat", "points": click_around(truth == 1, 8), "shape_type": "polygon"}
annotation = {"shapes": [shape], "imageHeight": 96, "imageWidth": 128}
print(json.dumps(annotation)[:84], "…")

# %% [markdown]
# Two things to notice. The label is a **word**: which id 'cat' gets is up to you. And
# a corner is **[x, y]**, so the column comes first. That is the other way round than in
# an array. Pillow's drawing functions want [x, y] as well, so here nothing needs to be
# swapped.
#
# Filling a polygon with pixels is called **rasterising**. Pillow does it.


# %%
def fill(points, height, width, k):
    """A polygon of [x, y] corners as a mask: k inside, 0 outside; uint8 H×W."""
    paper = Image.new("L", (width, height), 0)  # Pillow: width first
    ImageDraw.Draw(paper).polygon([tuple(p) for p in points], fill=k)
    return np.asarray(paper)


pictures, alts = {}, {}
for corners in (5, 8, 16, 40):
    points = click_around(truth == 1, corners)
    filled = fill(points, 96, 128, 1)
    iou = metrics.iou(truth, filled, classes=2)[1]
    name = f"{corners} corners"
    pictures[name], axes = figures.canvas(1, 2, height=4.2)
    axes[0, 0].imshow(photo)
    axes[0, 0].plot(*zip(*points, points[0]), "o-", color="#fff200", linewidth=2)
    axes[0, 0].set(title=f"the clicks: {name}", xticks=[], yticks=[])
    axes[0, 1].imshow(filled + 2 * (filled != truth), cmap="gray_r", vmin=0, vmax=3)
    verdict = f"IoU {iou:.2f}. Black: too much; dark grey: missed"
    axes[0, 1].set(title=verdict, xticks=[], yticks=[])
    alts[name] = (
        f"A cat with {name} clicked around it; IoU with the true cat {iou:.2f}."
    )
    print(f"{name:10}: IoU {iou:.2f}")
choose(pictures, alts, "Patience for")

# %% [markdown]
# More clicks, better labels, more time: that is the trade behind the chart above. It
# also means that a good part of what a network 'gets wrong' at edges is the label's
# fault.
#
# Our imitated person has a weakness of their own: in each direction from the middle
# they click the outermost point of the cat. So the hollow behind the tail is filled,
# with any number of clicks.
#
# Where polygons overlap, the **order** decides. Draw what is far away first and what
# is near last, as a painter does. Exercise 2 has a picture where it matters.

# %% [markdown]
# ## Ids are pixel values
#
# Give each class a whole number, its **id**. The mask is then a picture whose pixel
# values *are* the ids. This is the format of most datasets. Try it on the smallest
# example: 30 × 30 pixels, nearly all of class 0.
#
# ### Predict first: where is the 1?
#
# The cell below sets `[3, 4]` to 1. In the picture, is that pixel 3 to the right and 4
# down, or 4 to the right and 3 down? And what will the saved picture look like?

# %%
small = np.zeros((30, 30), np.uint8)
small[3, 4] = 1
small[0, 0] = 2
Image.fromarray(small).save(FOLDER / "ann_1.png")

back = np.array(Image.open(FOLDER / "ann_1.png"))
assert back.dtype == np.uint8 and (back == small).all()
assert (back > 0).sum() == 2 and (back[3, 4], back[0, 0]) == (1, 2)
print("read back:", back.shape, back.dtype, "· ids", np.unique(back).tolist())

figure, axes = figures.canvas(1, 2, height=4.8)
axes[0, 0].imshow(back, cmap="gray", vmin=0, vmax=255)
axes[0, 0].set(title="as a viewer shows it", xlabel="column", ylabel="row")
axes[0, 1].imshow(back[:8, :8], cmap="Greys", vmin=0, vmax=3)
for (row, column), k in np.ndenumerate(back[:8, :8]):
    ink = "white" if k == 2 else "black"
    axes[0, 1].text(column, row, k, ha="center", va="center", color=ink)
axes[0, 1].set(
    title="its upper left corner, with the ids", xlabel="column", ylabel="row"
)
figures.show(
    figure,
    alt="Left: a picture that looks black. Right: its first 8 rows and columns with "
    "the ids written in: a 2 at row 0, column 0, a 1 at row 3, column 4, else 0.",
)

# %% [markdown]
# Row 3, column 4: **4 to the right and 3 down**. Tutorials that write 'pixel (3, 4)'
# mean the array's order too, but a picture viewer calls the same place x = 4, y = 3.
#
# Some tutorials store the ids three times, as 30 × 30 × 3 with equal channels. Then you
# read any one of the three.
#
# And the picture is black. That is right! A 2 out of 255 is nearly black. Beginners
# throw such files away as broken.
#
# The Lyft labels look just as black. They have three channels: the id is in the **red**
# one, green and blue are 0. Let us make one such file, and look.

# %%
label = np.zeros((*label_mask.shape, 3), np.uint8)
label[:, :, 0] = label_mask
LABEL = FOLDER / "label.png"
Image.fromarray(label).save(LABEL)

figures.grid(
    [label, label_mask],
    ["the label file, as it looks", "its red channel in colours and names"],
    alt="Left: a black picture in which next to nothing can be seen. Right: the red "
    "channel of the same file, each id in a colour of its own, with class names.",
)
print("largest value in each channel:", label.max(axis=(0, 1)).tolist())

# %% [markdown]
# ### Six ways to read it wrongly
#
# Each of these has been seen in real code, and none of them raises an error. Which one
# do you think does the least harm?
#
# The last line of the table reads a **JPEG** copy of the label. PNG and BMP give back
# every pixel as it was saved. JPEG gives back something that *looks* alike.

# %%
Image.fromarray(label).save(FOLDER / "label.jpg", quality=95)
Image.fromarray(label).save(FOLDER / "label.bmp")
file = Image.open(LABEL)
opencv = np.array(file)[:, :, ::-1]  # cv2.imread gives blue, green, red

readings = {
    "red channel (right)": np.array(file)[:, :, 0],
    "BMP, red channel": np.array(Image.open(FOLDER / "label.bmp"))[:, :, 0],
    "blue channel": np.array(file)[:, :, 2],
    "OpenCV, channel 0": opencv[:, :, 0],
    'convert("L")': np.array(file.convert("L")),
    "plt.imread": plt.imread(LABEL)[:, :, 0],
    "plt.imread, astype": plt.imread(LABEL)[:, :, 0].astype(np.uint8),
    "JPEG, red channel": np.array(Image.open(FOLDER / "label.jpg"))[:, :, 0],
}
wrong = {how: (read != label_mask).mean() for how, read in readings.items()}
print(f"{'read how':22}{'type':>8}{'largest':>9}{'wrong pixels':>14}")
for how, read in readings.items():
    print(f"{how:22}{read.dtype!s:>8}{read.max():9.3g}{wrong[how]:14.1%}")
assert wrong["red channel (right)"] == wrong["BMP, red channel"] == 0
assert readings["blue channel"].max() == readings["OpenCV, channel 0"].max() == 0

# %% [markdown]
# Read the table line by line.
#
# - **Blue channel**, which is also what OpenCV calls channel 0: everything is class 0.
#   A check such as 'all ids are below 13' passes happily.
# - **`convert("L")`** makes grey out of colour: 0.299 · red, and so on. Thirteen ids
#   become a handful of others.
# - **`plt.imread`** divides by 255. Ids become floats such as 0.0392. Turned into whole
#   numbers they are all 0.
# - **JPEG** changes ids even at quality 95. That answers question 1, and the share is
#   larger than most people guess. The *corruption lab* below looks closer.
#
# Note that all of these but JPEG still agree with the truth wherever the class is 0. So
# a wrong reading is not wrong everywhere: a look at a few pixels of sky finds nothing.

# %% [markdown]
# ### Palette files: colourful and still ids
#
# There is a kind of PNG that is readable for people *and* for programs. A **palette**
# PNG stores one number for each pixel, and a table of colours beside them. Viewers show
# the colours; `np.array` gives the numbers. PASCAL VOC uses it.
#
# The trap: as soon as somebody converts it to RGB, the ids are gone.

# %%
indexed = Image.fromarray(label_mask).convert("P")
indexed.putpalette(LYFT.palette.tobytes())
indexed.save(FOLDER / "palette.png")

file = Image.open(FOLDER / "palette.png")
ids, colours = np.array(file), np.array(file.convert("RGB"))
wrong_ids = (ids != label_mask).mean()
print(f"mode {file.mode}: np.array gives {ids.shape}, wrong {wrong_ids:.1%}")
wrong_red = (colours[:, :, 0] != label_mask).mean()
print(f"converted to RGB: {colours.shape}, red channel wrong {wrong_red:.1%}")
assert (ids == label_mask).all() and wrong_red > 0.3

sizes = {name: (FOLDER / name).stat().st_size / 1024 for name in
         ("label.bmp", "label.jpg", "label.png", "palette.png")}
for name, size in sizes.items():
    print(f"{name:12}{size:8.1f} KiB")

# %% tags=["test"]
assert sizes["palette.png"] < sizes["label.png"] < sizes["label.jpg"]

# %% [markdown]
# OpenCV's `imread` converts without being asked, so it gives you colours. Pillow leaves
# the numbers alone. Read masks with Pillow.
#
# Look at the sizes, too. JPEG is not even smaller here: masks have large areas of one
# value, and PNG is made for that. There is no reason to store a mask as JPEG.

# %% [markdown]
# ## Two folders, the same names
#
# An image and its mask belong together in three ways: **same file name, same height,
# same width**. The usual tree has one folder of images and one of masks, twice:
#
# ```
# dataset/
#     train_images/          img0001.png  img0002.png  img0003.png
#     train_segmentation/    img0001.png  img0002.png  img0003.png
#     val_images/            img0004.png  img0005.png  img0006.png
#     val_segmentation/      img0004.png  img0005.png  img0006.png
# ```
#
# Some code lists both folders and pairs the first with the first, the second with the
# second, and so on. Let us do that, with two ordinary accidents: names that are not
# sorted as you think, and one file that is missing.

# %%
names = [f"img{n}.png" for n in range(1, 13)]
print("sorted:", sorted(names)[:5], "…")

image_names = sorted(names)
mask_names = sorted(set(names) - {"img2.png"})  # one mask was never made
by_position = list(zip(image_names, mask_names))
wrong_pairs = sum(a != b for a, b in by_position)
print(f"paired by position: {wrong_pairs} of {len(by_position)} pairs are wrong")
by_name = sorted(set(image_names) & set(mask_names))
print(f"paired by name: 0 of {len(by_name)} are wrong, and {names[1]} is left out")
assert sorted(names)[1] == "img10.png" and wrong_pairs == 7

# %% [markdown]
# In text order `img10` comes before `img2`. That alone does no harm as long as *both*
# folders are sorted alike. But after one missing file every later pair is wrong, and
# the picture of one street is trained with the mask of another. **Pair by name.**
#
# `data.pair_folders` does so for any two folders. `data.find` looks for the folders by
# itself: for real Lyft frames first, then for the drawn ones of `make lab`. If there is
# nothing at all, we draw a few here. The rest of this lesson uses what it finds.

# %%
try:
    pairs = data.find()
    if not pairs.items[0].lyft:
        raise FileNotFoundError("pairs, but not in the Lyft layout")
except FileNotFoundError:
    pairs = data.find(write(FOLDER / "streets", drives=(2, 4, 5, 9), frames=(0, 8, 16)))

drawn = "streets" in str(pairs.items[0].image)
print("drawn streets:" if drawn else "other frames, perhaps the real ones:")
print(pairs.items[0].image)
print(f"{len(pairs):,} pairs from {len(set(pairs.drives))} drives")

some = np.unique(np.linspace(0, len(pairs) - 1, 24).round().astype(int))
few = data.Pairs(tuple(pairs.items[i] for i in some))  # 24 at most, evenly spread
frames = list(few)
image, raw = frames[len(frames) // 2]
print("image", image.shape, image.dtype, "· mask", raw.shape, raw.dtype)
assert image.shape == (*raw.shape, 3) and raw.max() < len(LYFT)

# %% [markdown]
# And here is a folder of our own in the layout of the tree above, with 10 pairs. It is
# checked at once.

# %%
home = FOLDER / "dataset"
image_folder, mask_folder = home / "train_images", home / "train_segmentation"
image_folder.mkdir(parents=True)
mask_folder.mkdir()
for n in range(10):
    picture, mask = scene(drive=n, frame=0, height=96, width=128)
    Image.fromarray(picture).save(image_folder / f"img{n}.png")
    Image.fromarray(mask).save(mask_folder / f"img{n}.png")

found = data.pair_folders(image_folder, mask_folder)
print(len(found), "pairs, the first:", found.names[:3])
print(len(data.verify(found)), "faults")
assert len(data.verify(found)) == 0

# %% [markdown]
# ### Verify before you train
#
# That folder is in order. Now let eight people work on it, each in the best of
# intentions. After that, image 0 and image 9 are the only ones with a good mask.


# %%
def file(n):
    return mask_folder / f"img{n}.png"


file(1).unlink()  # was too much work
Image.open(file(2)).resize((64, 48), 0).save(file(2))  # 'the files were so large'
ids = np.array(Image.open(file(3)))
ids[10, 20] = 17  # a slip of the brush
Image.fromarray(ids).save(file(3))
Image.open(file(4)).save(mask_folder / "img4.jpg", quality=95)  # 'JPEG is smaller'
file(4).unlink()
indexed = Image.open(file(5)).convert("P")
indexed.putpalette(LYFT.palette.tobytes())  # 'so that one can see something'
indexed.save(file(5))
wide = np.array(Image.open(file(6))).astype(np.uint16)  # another program's habit
Image.fromarray(wide).save(file(6))
file(7).write_bytes(file(7).read_bytes()[:300])  # the disk was full
Image.fromarray(LYFT.palette[np.array(Image.open(file(8)))]).save(file(8))  # colours

faults = data.verify(data.pair_folders(image_folder, mask_folder))
print(len(faults), "faults")

# %% [markdown]
# ### Predict first: what can be mended?
#
# Some of the eight masks still hold every id; only their packaging is unusual. Those
# can be mended without loss. For the others somebody has to make the mask again. Which
# are which? Decide for all eight, then look.
#
# The command line does the same as `data.verify`, and with `--fix` it writes what can
# be saved into a *new* folder. Your files stay as they are.

# %%
command = [sys.executable, "-m", "helpers.data", "verify", str(image_folder)]
command += [str(mask_folder), "--classes", "13", "--fix", str(FOLDER / "mended")]
done = subprocess.run(command, capture_output=True, text=True)
print(
    "$ python -m helpers.data verify train_images train_segmentation "
    "--classes 13 --fix mended\n"
)
print(
    done.stdout.replace(f"{FOLDER}/", ""),
    done.stderr[-300:] if done.returncode > 1 else "",
)
print("exit code:", done.returncode)

# %%
mended = data.find(FOLDER / "mended")
print("in the new folder:", mended.names, "·", len(data.verify(mended)), "faults")
repairable = sorted(fault.path.name for fault in faults if fault.repairable)
print("mended:", repairable)
assert mended.names == ["img0", "img5", "img6", "img9"]
assert repairable == ["img5.png", "img6.png"] and len(faults) >= 8
assert len(data.verify(mended)) == 0

# %% [markdown]
# Eight faults, two mended. The palette (5) and the 16 bits (6) are only packaging: all
# ids are still there. A cut-off file, a JPEG or a mask that was made smaller has lost
# something, and no program can know what. The colours (8) can be turned back into ids, but
# only by somebody who has the legend.
#
# The exit code is not 0 as long as there are faults. So a script that starts a
# training can stop before it.
#
# A program cannot see everything. A mask with valid ids in the *wrong places* passes. So
# also **look** at some pairs, mask over image. (Older tutorials call the two commands
# `verify_dataset` and `visualize_dataset`.)

# %%
sheet = FOLDER / "sheet.png"
command = [sys.executable, "-m", "helpers.data", "show", str(FOLDER / "mended")]
command += ["--classes", "13", "--number", "3", "--out", str(sheet)]
subprocess.run(command, capture_output=True, check=True)
print("$ python -m helpers.data show mended --classes 13 --number 3")
figures.grid(
    [np.array(Image.open(sheet).convert("RGB"))],
    ["the sheet that the command writes"],
    alt="Three streets, each under its mask: colours and white outlines follow the "
    "things in the pictures, so image and mask belong together.",
)

# %% [markdown]
# The outlines follow the things, so these masks belong to these images. The command
# does not know what your ids mean, so it writes 'class 7', and its colours are not those
# of our legend.


# %% [markdown]
# ## The corruption lab
#
# Ids are names, not amounts. Resizing with a smooth filter, or saving as JPEG, mixes
# neighbours as if they were amounts of light. Between road (7) and vegetation (9) the
# mean is 8, and 8 is a sidewalk. At the edge of a vehicle (10) before the sky (0) lies
# every id from 1 to 9.
#
# ### Predict first: how many pixels change?
#
# A mask shrinks from 800 × 600 to 256 × 192. The right way takes, for each new pixel,
# the *nearest* old one. Guess the share of pixels that come out differently if you
# use **bilinear** interpolation. And which filter does Pillow take if you name none?

# %%
FILTERS = {
    name: Image.Resampling[name.upper()]
    for name in ("nearest", "box", "bilinear", "bicubic", "lanczos")
}


def shrink(mask, filter="nearest"):
    """The mask at 256 × 192; with filter=None, whatever Pillow does by itself."""
    chosen = FILTERS[filter] if filter else None
    return np.array(Image.fromarray(mask).resize((256, 192), chosen))


def as_jpeg(mask, quality):
    """The mask after being saved as a JPEG file and read back."""
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


right = shrink(raw)
assert (right == masks.resize_mask(raw, 192, 256)).all()
for name in ("box", "bilinear", "bicubic", "lanczos", None):
    print(f"{name or 'no filter named':16}{(shrink(raw, name) != right).mean():6.1%}")
assert (shrink(raw, None) == shrink(raw, "bicubic")).all()

# %% [markdown]
# If you name no filter, Pillow takes bicubic, and a few percent of the ids change. The
# same holds in other libraries: `skimage`, `cv2.resize` and `tf.image.resize` are smooth
# unless you ask for *nearest*. Even two official Keras examples resize their masks
# bilinearly.
#
# A few percent sounds harmless. So look *where* they are and *what* they become.

# %%
from helpers.widgets.corruption import corruption

lab = corruption(raw)  # 256 × 192, bilinear, JPEG off
assert np.array_equal(lab.damaged, shrink(raw, "bilinear"))
lab

# %% [markdown]
# Four things to try:
#
# 1. *nearest*, JPEG off: nothing changes. That is the reference.
# 2. *bilinear*: the list says for each class how many of its pixels are inventions. Which
#    classes suffer most? Press *only* beside one, and see where it stands.
# 3. *nearest* with JPEG at 95, then lower and lower: soon there are ids that no class has.
#    They are black and white.
# 4. Point at an edge: what was this pixel, and what is it now?
#
# The page computes JPEG with the same whole numbers as Pillow, so these are the ids that
# you would read back. Here are three settings side by side (grey: an id that no class
# has), and the shares for all.

# %%
settings = {
    "bilinear": shrink(raw, "bilinear"),
    "JPEG 95": as_jpeg(right, 95),
    "JPEG 50": as_jpeg(right, 50),
}
crop = np.s_[70:142, 80:176]  # a part of the picture, so that single pixels show
shown = {"nearest (right)": right, **settings}
shown = {name: np.where(m < 13, m, np.uint8(IGNORE))[crop] for name, m in shown.items()}
figure, axes = figures.canvas(2, 2, height=8.4)
for axis, (name, part) in zip(axes.flat, shown.items()):
    figures.draw_mask(axis, part, smallest=0.12)
    axis.set(title=name, xticks=[], yticks=[])
figures.key(figure, LYFT, np.unique(list(shown.values())).tolist())
figures.show(
    figure,
    alt="A part of the mask four times. By nearest: clean areas. Bilinear: thin "
    "lines of other classes along the edges. JPEG 95 and 50: more and more freckles "
    "of classes that are not there, and grey pixels whose id belongs to no class.",
)

# %%
qualities = [100, 95, 90, 75, 50, 25]
by_quality = [(as_jpeg(right, q) != right).mean() for q in qualities]
by_filter = {f: (shrink(raw, f) != right).mean() for f in FILTERS}

figure, axes = figures.canvas(1, 2, height=3.8)
percent = 100 * np.array(list(by_filter.values()))
bars = axes[0, 0].barh(list(by_filter), percent, color="#561d55")
axes[0, 0].bar_label(bars, fmt="%.1f", padding=4)
axes[0, 0].set(
    title="changed by the filter, %", xlim=(0, 130 * max(by_filter.values()))
)
percent = 100 * np.array(by_quality)
bars = axes[0, 1].barh([str(q) for q in qualities], percent, color="#561d55")
axes[0, 1].bar_label(bars, fmt="%.1f", padding=4)
axes[0, 1].set(title="changed by JPEG, %", ylabel="quality")
axes[0, 1].set_xlim(0, 130 * max(by_quality))
for axis in axes[0]:
    axis.invert_yaxis()
figures.show(
    figure,
    alt="Left: share of changed pixels for each resize filter, "
    + ", ".join(f"{f} {s:.1%}" for f, s in by_filter.items())
    + ". Right: by JPEG quality, "
    + ", ".join(f"{q}: {s:.1%}" for q, s in zip(qualities, by_quality)),
)

# %%
soft, invented = settings["bilinear"], {}
for k in np.unique(soft):
    here = soft == k
    invented[k] = (right[here] != k).mean()
    print(
        f"{k:3} {LYFT.names[k]:14}{here.sum():7,} pixels, {invented[k]:4.0%} invented"
    )
print("ids after JPEG 50:", np.unique(settings["JPEG 50"]).tolist())
assert by_filter["nearest"] == 0 and min(by_quality[1:]) > 0.01
assert soft.max() <= raw.max()  # nothing that a check of the range could find

# %% tags=["test"]
assert max(invented.values()) > 0.3 and invented[LYFT.id("Roads")] < 0.1
assert settings["JPEG 50"].max() > 12

# %% [markdown]
# Bilinear is the worse crime, even where it changes fewer pixels. Every id that it
# invents **is a valid class**, so no check for 'ids out of range' will ever find it.
# And the inventions are not spread evenly. Large areas hardly notice: of the road nearly
# all is real. But of some small classes a third or more of the pixels are not there in
# truth. A network trained on this learns that edges are made of pedestrians and fences.
#
# JPEG is caught sooner, as it also makes ids that no class has. By the way, an RGB label
# suffers more than a mask of one channel, as JPEG mixes red with green and blue. That was
# the larger number in the table of readings above.
#
# **The rule:** masks are PNG, and every change of size or shape uses *nearest*. Images
# are light, and may be smoothed: bilinear is right for *them*.

# %% [markdown]
# ## The Lyft-Udacity frames
#
# In 2018 Lyft and Udacity held a challenge: find road and vehicles in the pictures of a
# simulated car. The data is on Kaggle, about 5 GB, and it is the task of lesson 11.
#
# - five folders `dataA` … `dataE`, each with 1,000 pairs: `dataA/dataA/CameraRGB/*.png`
#   and `dataA/dataA/CameraSeg/*.png`, the same file name in both (some copies spell it
#   `dataa`; `data.find` does not mind);
# - 800 × 600 pixels, so arrays of 600 × 800 × 3, PNG;
# - labels in the **red** channel, ids 0 to 12; 0 is 'None', which is mostly sky.
#
# The drawn streets have the same layout, so everything below runs on either.
#
# ### How much of each class?

# %%
counts = sum(np.bincount(mask.ravel(), minlength=len(LYFT)) for _, mask in frames)
cleaned = [masks.remove_hood(mask) for _, mask in frames]
clean_counts = sum(np.bincount(mask.ravel(), minlength=len(LYFT)) for mask in cleaned)
share, clean_share = counts / counts.sum(), clean_counts / clean_counts.sum()
figures.class_bars(
    {"as in the files": share, "cleaned (see below)": clean_share},
    alt="Two bars for each class, its share of the pixels in the files and after "
    "cleaning. A few classes have nearly everything; vehicles have a large share in "
    "the files and a small one after cleaning.",
    label=f"share of the pixels of {len(frames)} frames",
)
order = np.argsort(clean_share)[::-1]
rare = order[6:]
print("the six largest classes:", ", ".join(LYFT.names[k] for k in order[:6]))
print(f"all seven others together: {clean_share[rare].sum():.1%} of the pixels")
people = clean_share[LYFT.id("Pedestrians")]
print(f"pedestrians: {people:.2%}, that is {people * 96 * 128:.0f} pixels of 96 × 128")

# %% tags=["test"]
assert clean_share[rare].sum() < 0.15 and people < 0.01

# %% [markdown]
# This is **class imbalance**. A network that never says any of the seven small classes
# loses only these few percent of its pixel accuracy, and it would never see a person.
# Lesson 03 chooses measures that notice. Lesson 07 chooses losses that care.

# %% [markdown]
# ### The bonnet
#
# Now look at the vehicles in the files: one class has shrunk a lot by 'cleaning'. Which
# pixels are *vehicle* in **every** frame?

# %%
VEHICLES = LYFT.id("Vehicles")
first_row = round(len(raw) * 496 / 600)
always = np.all([mask == VEHICLES for _, mask in frames], axis=0)
always[:first_row] = False
print(
    f"in every frame: {always.mean():.1%} of all pixels, rows "
    f"{always.any(axis=1).argmax()} to {np.flatnonzero(always.any(axis=1))[-1]}"
)
figures.grid(
    [image, raw, masks.remove_hood(raw)],
    ["a frame", "its label, as in the file", "cleaned"],
    alt="Left: a street; the bonnet of the camera car fills the lower edge. Middle: "
    "its label, in which the bonnet is a large vehicle. Right: the cleaned label; "
    "the bonnet is None, other vehicles are unchanged.",
)

# %% tags=["test"]
assert 0.14 < always.mean() < 0.17 and 496 <= always.any(axis=1).argmax() <= 500

# %% [markdown]
# The camera looks over its own bonnet (also called the *hood*), and the simulator
# labels it 'Vehicles'. By its own rules that is right. For us it is a gift to bad
# methods: question 2. Here is the method that never looks at the picture.

# %%
answer = np.where(always, VEHICLES, 0).astype(np.uint8)
on_raw, on_clean = metrics.Confusion(), metrics.Confusion()
for (_, mask), clean in zip(frames, cleaned):
    on_raw.add(mask, answer)
    on_clean.add(clean, answer)
raw_iou, clean_iou = on_raw.iou()[VEHICLES], on_clean.iou()[VEHICLES]
print(f"always the bonnet: vehicle IoU {raw_iou:.2f} on the labels in the files")
print(f"                   vehicle IoU {clean_iou:.2f} on cleaned labels")
assert clean_iou == 0

# %% tags=["test"]
assert raw_iou > 0.6

# %% [markdown]
# It finds not a single vehicle on the road, and its IoU for vehicles looks excellent.
# Whoever trains on uncleaned labels sees a number close to that, and is happy. So the
# cleaning is not cosmetic.
#
# The rule that the challenge itself used: every *vehicle* pixel in row 496 or below
# becomes 0. Other classes stay, even down there.


# %%
def remove_hood(mask):
    """A copy without the bonnet, for masks of 600 rows: uint8 600×W → uint8 600×W."""
    cleaned = mask.copy()
    lower = cleaned[496:]  # a view: what we write here lands in `cleaned`
    lower[lower == VEHICLES] = 0
    return cleaned


assert (remove_hood(label_mask) == masks.remove_hood(label_mask)).all()
assert (remove_hood(label_mask)[:496] == label_mask[:496]).all()

# %% [markdown]
# ### Lane lines are road
#
# The challenge asked for two things, road and vehicles. For its score lane lines (6)
# are road (7): a car may drive on them. That is one more line, `mask[mask == 6] = 7`.
# `masks.challenge_classes` does it, and merges all the rest.
#
# The networks of this course learn all 13 ids, with the bonnet removed. They merge
# only when the challenge's score is computed. You can always merge later, but never
# take apart again.

# %%
three = masks.challenge_classes(masks.remove_hood(raw))
lines = (raw == LYFT.id("RoadLines")).sum()
print(f"{lines:,} pixels of lane lines become road")
print(
    "shares:",
    {
        n: f"{(three == k).mean():.1%}"
        for k, n in enumerate(("other", "road", "vehicle"))
    },
)
assert (three[raw == LYFT.id("RoadLines")] == 1).all()

# %% [markdown]
# ### Clean first, then resize
#
# Does the order matter? Three ways to the same size. The first is right. The second
# resizes and then applies the rule with its row 496. The third resizes *smoothly* and
# then cleans at the right height.


# %%
def clean_from(mask, row):
    done = mask.copy()
    done[row:][done[row:] == VEHICLES] = 0
    return done


start_row = round(192 * 496 / 600)
ways = {
    "clean, then nearest": shrink(remove_hood(label_mask)),
    "nearest, then row 496": clean_from(shrink(label_mask), 496),
    "bilinear, then clean": clean_from(shrink(label_mask, "bilinear"), start_row),
}
rim = np.s_[start_row - 12 : start_row + 12, 80:144]  # a part, so that pixels show
figures.grid(
    [mask[rim] for mask in ways.values()],
    list(ways),
    alt="The upper edge of the bonnet, three times. First: no bonnet. Second: the "
    "whole bonnet is still there. Third: the bonnet is gone but its rim is left as "
    "a thin coloured line of several classes.",
)
for name, mask in ways.items():
    wrong_share = (mask != ways["clean, then nearest"]).mean()
    print(f"{name:24}{wrong_share:6.1%} of the pixels wrong")

# %% tags=["test"]
assert (ways["nearest, then row 496"] == shrink(label_mask)).all()
assert (ways["bilinear, then clean"][start_row:] > 0).sum() > 0

# %% [markdown]
# The second way does **nothing**: there is no row 496 in a mask of 192 rows, and a slice
# beyond the end is simply empty. No error tells you. The third way leaves a rim of
# invented classes where the bonnet was.
#
# So: **clean at full size, then resize.** Numbers such as 496 belong to the size in
# which they were measured.

# %% [markdown]
# ## Split by drive
#
# You train on some frames and judge on others. Which ones? The usual recipe is to
# shuffle, then cut. For videos this is a disaster. Look at three frames.

# %%
DRIVES, FRAMES = 30, 12
images, truths = scenes(drives=range(DRIVES), frames=range(FRAMES))
drive = np.repeat(np.arange(DRIVES), FRAMES)  # the drive of each frame
print(images.shape, truths.shape)

A, B = 9 * FRAMES, 10 * FRAMES  # where drives 9 and 10 begin
figures.grid(
    [images[A], images[A + 1], images[B]],
    ["drive 9, frame 0", "drive 9, frame 1", "drive 10, frame 0"],
    alt="Three streets. The first two look alike but for a small step of the "
    "camera; the third is another street in other light.",
)
same = (truths[A] == truths[A + 1]).mean()
print(f"masks of frames 0 and 1 of drive 9: {same:.0%} of the pixels agree")

# %% [markdown]
# Frames 0 and 1 are **near-duplicates**. If one of them is in the training set and the
# other in the validation set, then validation asks for something that was learnt by
# heart.
#
# ### Find near-duplicates: a fingerprint
#
# How do you find such frames in thousands of files? A checksum is no help: one changed
# pixel changes it completely. A **perceptual hash** is made to stay nearly the same. Here
# is one, the *difference hash*. Shrink the picture to 17 × 17 grey cells. Then ask 16 × 16
# of them two questions: are you lighter than your left neighbour, and than the one
# above? That gives 512 answers, yes or no.


# %%
def fingerprint(image):
    """The difference hash of an image: uint8 H×W×3 → 512 bits as uint64, 8."""
    gray = Image.fromarray(image).convert("L")
    cells = np.asarray(gray.resize((17, 17), Image.Resampling.BILINEAR))
    lighter_than_left = cells[1:, 1:] > cells[1:, :-1]
    lighter_than_above = cells[1:, 1:] > cells[:-1, 1:]
    return np.packbits([lighter_than_left, lighter_than_above]).view(np.uint64)


assert (fingerprint(images[A]) == data.fingerprint(images[A])).all()
prints = np.stack([fingerprint(image) for image in images])
distance = np.bitwise_count(prints[:, None] ^ prints).sum(axis=2)  # bits that differ
print("frames 0 and 1 of drive 9 differ in", distance[A, A + 1], "of 512 bits")
print("frame 0 of drives 9 and 10 differ in", distance[A, B], "of 512 bits")

bits = np.unpackbits(prints[[A, A + 1, B]].view(np.uint8), axis=1) * np.uint8(255)
figures.grid(
    list(bits.reshape(3, 2, 16, 16)[:, 0]),
    ["drive 9, frame 0", "drive 9, frame 1", "drive 10, frame 0"],
    alt="The first half of three fingerprints as black and white cells. The first "
    "two are nearly equal, the third is different.",
    classes=None,
)

# %% [markdown]
# White says 'lighter than my left neighbour'. The first two patterns are nearly equal,
# as their frames are. Now for all pairs of frames at once:

# %%
i, j = np.indices(distance.shape)
heaps = {
    "neighbouring frames": ((j == i + 1) & (drive[i] == drive[j]), "#561d55", "//"),
    "frames of different drives": (drive[i] != drive[j], "#93afe8", ""),
}
figure, axes = figures.canvas(height=3.4)
for name, (chosen, colour, hatch) in heaps.items():
    bars = axes[0, 0].hist(distance[chosen], range(0, 301, 5), density=True, label=name)
    plt.setp(bars[2], color=colour, hatch=hatch, edgecolor="white", alpha=0.85)
axes[0, 0].set(xlabel="bits in which two fingerprints differ", ylabel="share per bit")
axes[0, 0].legend()
figures.show(
    figure,
    alt="Two heaps. Neighbouring frames differ in few bits, frames of different "
    "drives in many more; the heaps hardly overlap.",
)

# %% [markdown]
# A limit between the two heaps finds frames that are too similar.
# `data.near_duplicates` does this for thousands of frames, with a limit of 88 bits.
#
# ### How many validation frames were seen in training?
#
# Two splits of the same frames. **At random**: shuffle all frames, a fifth becomes
# validation. **By drive**: shuffle the *drives*, a fifth of them becomes validation.


# %%
def at_random(seed):
    """The validation frames: a fifth of all, shuffled. → bool N"""
    shuffled = np.random.default_rng(seed).permutation(len(drive))
    return np.isin(np.arange(len(drive)), shuffled[: len(drive) // 5])


def by_drive(seed):
    """The validation frames: all frames of a fifth of the drives. → bool N"""
    shuffled = np.random.default_rng(seed).permutation(DRIVES)
    return np.isin(drive, shuffled[: DRIVES // 5])


LIMIT = 88  # bits; where the heap of neighbours ends
seen = {}
for name, how in (("at random", at_random), ("by drive", by_drive)):
    held_out = how(seed=0)
    twins = data.near_duplicates(images[~held_out], images[held_out], LIMIT)
    seen[name] = len({j for _, j, _ in twins}) / held_out.sum()
    print(f"split {name:10} {held_out.sum()} validation frames,")
    print(f"                 {seen[name]:.0%} with a near-duplicate in training")

# %% tags=["test"]
assert seen["at random"] > 0.8 and seen["by drive"] < 0.1

# %% [markdown]
# Nearly every validation frame of the random split has a twin that was learnt from. By
# drive there is next to none. Does that matter?

# %% [markdown]
# ### Predict first: an answer without a model
#
# Now use the leak. For each validation frame, find the training frame that looks most
# similar (thumbnails of 12 × 16 pixels, compared pixel by pixel), and **answer with
# its mask**. Nothing is learnt. In lesson 01 the table of colours stayed under a mean
# IoU of 0.25, and colour with row under 0.40. What will this get, under each split?

# %%
thumbs = np.stack(
    [
        np.asarray(Image.fromarray(x).resize((16, 12), Image.Resampling.BOX))
        for x in images
    ]
)
thumbs = thumbs.reshape(len(images), -1).astype(np.float32)


def look_up(held_out):
    """For each held-out frame the number of the most similar other frame."""
    seen, unseen = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    apart = ((thumbs[unseen][:, None] - thumbs[seen][None]) ** 2).sum(axis=2)
    return seen[apart.argmin(axis=1)]


scores = {}
for name, how in (("at random", at_random), ("by drive", by_drive)):
    splits = [how(seed) for seed in range(5)]
    scores[name] = [metrics.mean_iou(truths[v], truths[look_up(v)]) for v in splits]
    low, high = min(scores[name]), max(scores[name])
    print(
        f"split {name:10} mean IoU {np.mean(scores[name]):.2f} "
        f"(five splits: {low:.2f} to {high:.2f})"
    )

# %% tags=["test"]
assert min(scores["at random"]) > 0.6 and max(scores["by drive"]) < 0.3

# %%
leaky, honest = at_random(0), by_drive(0)
rows = []
for held_out, chosen in ((leaky, 9), (honest, drive[honest][0])):
    n = np.flatnonzero(drive[held_out] == chosen)[0]
    i = np.flatnonzero(held_out)[n]
    rows += [images[i], truths[i], truths[look_up(held_out)[n]]]
figures.grid(
    rows,
    [
        "random split: a frame",
        "its true mask",
        "the answer",
        "by drive: a frame",
        "its true mask",
        "the answer",
    ],
    alt="Two rows. Under the random split the answer is nearly the true mask. Under "
    "the split by drive it is the mask of another street: sky and road fit, the "
    "rest not.",
)

# %% [markdown]
# The same 'method', the same frames. Split at random it gets more than 0.6 and looks
# brilliant. On streets that it has not seen it stays under 0.3, in the range of the
# tables of lesson 01. So the answer to question 3 is: *it depends on the split.* **The
# gap between the two numbers is the leak**, and it has nothing to do with the method.
#
# A real network profits from a leak as well, only less visibly. It remembers streets, and
# a random split rewards it for that. Then it fails on the first new street.
#
# **The rule:** whatever comes from one source goes to one side. For video that is the
# drive, for medicine the patient, for satellites the region. `data.split` splits by
# drive; it reads the drive from the file name (`F3-17.png` is drive `F3`). With a single
# drive it refuses.

# %%
try:
    training, validation = data.split(pairs, validation=0.25, seed=0)
    print(len(training), "training pairs,", len(validation), "validation pairs")
    print("in both:", set(training.drives) & set(validation.drives) or "no drive")
    assert not set(training.drives) & set(validation.drives)
except ValueError as refusal:
    print("Refused:", refusal)

# %% [markdown]
# ## One channel instead of three
#
# X-rays, MRI slices and night cameras give **grayscale** images: H × W × 1. A colour
# image can be made grey, with weights that follow the eye's sensitivity. The mask stays
# H × W. Only the first layer of a network changes: one input channel instead of three.
#
# What is lost? Use the table of lesson 01 once with 512 colour cells, once with 256
# grey levels, on the split by drive.

# %%
gray = (images @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
print("colour", images.shape, "→ grayscale", gray[..., None].shape)
print("masks in both cases", truths.shape)
red, green, blue = np.moveaxis(images.astype(int) // 32, -1, 0)

# %%
judged = {}
for name, cell in (
    ("512 colour cells", (red * 8 + green) * 8 + blue),
    ("256 grey levels", gray.astype(int)),
):
    hits = cell[~honest] * len(LYFT) + truths[~honest]
    table = np.bincount(hits.ravel(), minlength=512 * len(LYFT)).reshape(512, len(LYFT))
    guess = table.argmax(axis=1).astype(np.uint8)[cell[honest]]
    judged[name] = one = metrics.Confusion().add(truths[honest], guess)
    print(f"{name:18}{one.accuracy():.0%} right, mean IoU {one.mean_iou():.3f}")

figures.grid(
    [images[A], gray[A][..., None].repeat(3, axis=2)],
    ["H × W × 3", "H × W × 1"],
    alt="A street in colour and in grey. In grey, things of different colour but "
    "equal brightness can no longer be told apart.",
    columns=2,
)

# %% tags=["test"]
in_colour, in_grey = judged.values()
assert in_grey.accuracy() < in_colour.accuracy() - 0.05
assert in_grey.mean_iou() < in_colour.mean_iou() - 0.03

# %% [markdown]
# Both numbers fall: green leaves and grey walls of the same brightness have become one.
# This table sees a single pixel and nothing else, so it loses a lot. A network also sees
# shapes, and those survive in grey. Where colour carries the meaning (a red or a green
# light), keep it.
#
# One warning: grey is for **images**. The same `convert("L")` on a *label* destroys it,
# as you saw above.

# %% [markdown]
# ## Augmentation comes in pairs
#
# When you have few pairs, you make more out of them: mirror, turn, crop, brighten. Each
# change gives another picture with a label that you get for free. Two kinds:
#
# - **Geometric** changes move pixels: flip, crop, scale, rotate. The mask must move
#   *by the same amount*, by nearest.
# - **Photometric** changes alter light: brightness, contrast, hue, blur, noise. The
#   mask stays as it is.
#
# What happens if image and mask each roll their own dice?

# %%
photo, truth = images[A], truths[A]
mirrored, mirrored_truth = photo[:, ::-1], truth[:, ::-1]
figures.grid(
    [masks.overlay(mirrored, mirrored_truth), masks.overlay(mirrored, truth)],
    ["both mirrored", "the image mirrored, the mask not"],
    alt="Left: a mirrored street with its mirrored mask, which fits. Right: the "
    "same street with the mask as it was; the outlines do not follow the picture.",
    ids=np.unique(truth).tolist(),
)
print(
    f"mask left behind: {(mirrored_truth != truth).mean():.0%} of the pixels are wrong"
)

# %% [markdown]
# The sky is still the sky, so a good part of the pixels even agrees, and training runs
# without an error. It only learns less. You find it by looking at augmented pairs.
#
# `helpers.augment` draws all numbers once, from a seed, and uses them for both. Three
# seeds:

# %%
from helpers.augment import Augment

augment = Augment(flip=0.5, scale=(0.8, 1.2), rotate=12, brightness=0.3, hue=10)
views = [augment(photo, truth, seed) for seed in (0, 1, 2)]
figures.grid(
    [masks.overlay(*pair, opacity=0.4) for pair in views],
    ["seed 0", "seed 1", "seed 2"],
    alt="Three views of one street, turned, scaled and in other light. In each one "
    "the outlines of the mask follow the picture.",
    ids=sorted({int(k) for _, mask in views for k in np.unique(mask)}),
)
for _, mask in views:
    assert set(np.unique(mask)) <= {*np.unique(truth), IGNORE}  # no id is invented
again = augment(photo, truth, seed=1)
assert all((a == b).all() for a, b in zip(again, views[1]))  # same seed, same pair

# %% [markdown]
# At the rim, where the turned picture has no content, the mask says 255, *ignore*
# (grey): nobody knows what is there. Lesson 08 tries out what augmentation is worth.
#
# <details><summary>What to use elsewhere: torchvision and Keras</summary>
#
# The course uses one small module for both tracks. In your own projects:
#
# - **torchvision** (`torchvision.transforms.v2`): wrap the pair as
#   `tv_tensors.Image(image)` and `tv_tensors.Mask(mask)`, and call the transform with
#   both at once. Geometry then changes both, the mask by nearest; colours change the
#   image alone. With plain tensors, or in the older `torchvision.transforms`, that is
#   not so: there a mask counts as one more image.
# - **Keras**: layers such as `RandomFlip` and `RandomRotation` take a dictionary,
#   `layer({"images": x, "segmentation_masks": y})`, and use the same draw for both. But
#   mind the filter: `RandomRotation` and `RandomZoom` interpolate **bilinearly, the
#   mask too**, and hand back floats (seen with Keras 3.13). Write
#   `interpolation="nearest"`, and be aware that the image is then treated so as well.
# - **imgaug**, which older tutorials use, no longer works with NumPy 2.
#
# </details>

# %% [markdown]
# ## From files to arrays to batches
#
# Everything above, in two calls. `data.load` reads the pairs, checks the ids, removes the
# bonnet at full size, then resizes: images bilinearly, masks by nearest.
# `data.batches` shuffles them, again and again.

# %%
loaded, loaded_masks = data.load(few, height=96, width=128)
print("images", loaded.shape, loaded.dtype)
print("masks ", loaded_masks.shape, loaded_masks.dtype)
stream = data.batches(loaded, loaded_masks, batch=2, seed=0)
x, y = next(stream)
print("one batch:", x.shape, "and", y.shape)
assert x.shape == (2, 96, 128, 3) and y.shape == (2, 96, 128)
assert x.dtype == y.dtype == np.uint8

for height, width in ((600, 800), (96, 128)):
    size = 5000 * height * width * 4  # three bytes for the image, one for the mask
    print(f"5,000 pairs of {height} × {width} as arrays: {size / 1e9:.2f} GB")

# %% [markdown]
# N pairs give N × H × W × 3 and N × H × W. As `uint8` and at 96 × 128 even the whole
# Lyft set fits into memory; at full size it does not. Floats would need four times as
# much, so images become floats in the network's first step and not before.
#
# ### How many classes are there?
#
# One trap is left, and it is in a well-known tutorial: the number of classes is computed
# *from the picture at hand*, as its largest id plus one.

# %%
largest = truths.max(axis=(1, 2))
for k in np.unique(largest):
    i = np.flatnonzero(largest == k)[0]
    shape = masks.one_hot(truths[i], k + 1).shape
    print(f"{(largest == k).sum():3} frames such as frame {i:3}: one-hot {shape}")
print("right for all of them:   ", masks.one_hot(truths[A], len(LYFT)).shape)

# %% [markdown]
# A street without a traffic sign (12) would have fewer channels than a street with one:
# such targets cannot even be stacked into a batch. The number of classes belongs to the
# **dataset**. Write it down once.

# %% [markdown]
# ## Exercises
#
# Replace `...  # your code here`. Each exercise has a target picture and a check cell
# that answers at once. Those cells are folded; run them like any other cell.
#
# ### Exercise 1 · Decode a label
#
# Write `decode(label)`. A label file was read with Pillow into an array, uint8. It is
# H × W × 3 with the ids in the **red** channel, or H × W × 4 (with transparency), or
# already H × W. Return the mask, uint8, H × W. What stands in green and blue does not
# matter.
#
# <details><summary>Hint 1</summary>
#
# Pillow gives red, green, blue. How many axes does the array have: `label.ndim`?
#
# </details>
# <details><summary>Hint 2</summary>
#
# With three axes the red channel is `label[:, :, 0]`. With two axes nothing is left to
# do.
#
# </details>

# %%
figures.grid(
    [label, masks.decode(label)],
    ["given", "target"],
    alt="Left: a label file that looks black. Right: the mask in it, in colours.",
)


# %%
def decode(label):
    """The mask in a label file: uint8 H×W×3, H×W×4 or H×W → uint8 H×W."""
    # BEGIN SOLUTION
    return label if label.ndim == 2 else label[:, :, 0]
    # END SOLUTION


# %%
busy = np.random.default_rng(0).integers(0, 256, (6, 8, 4)).astype(np.uint8)
busy[:, :, 0] %= 13  # ids in red, anything in the other channels
exercise(
    decode,
    masks.decode,
    inputs=[(busy[:, :, :3],), (busy,), (busy[:, :, 0].copy(),), (label,)],
    mistakes={
        "that is the blue channel; Pillow puts red first": lambda a: a[..., 2],
        "that is the green channel": lambda a: a[..., 1],
        "channels are averaged; the id is in one of them": lambda a: a[..., :3].mean(
            -1
        ),
        "the other channels count as well; only red holds the id": lambda a: a[
            ..., :3
        ].max(-1),
        "the channels are still there; take one of them": lambda a: a,
        "divided by 255: ids are whole numbers": lambda a: masks.decode(a) / 255,
    },
)

# %% [markdown]
# ### Exercise 2 · From polygons to a mask
#
# Write `rasterise(annotation, ids)`. `annotation` is what labelme's JSON holds: its
# `shapes`, `imageHeight` and `imageWidth`. `ids` says which id each word gets. Return the
# mask, uint8, H × W. What no polygon covers is 0. Where polygons overlap, the **later**
# one in the list lies on top.
#
# <details><summary>Hint 1</summary>
#
# One sheet of paper for all polygons: `Image.new("L", (width, height), 0)`. Then draw one
# polygon after the other on it, as in `fill`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The corners are [x, y], and Pillow wants (x, y). So nothing is swapped, but each corner
# must be a tuple: `[tuple(p) for p in points]`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# The id of a shape: `ids[shape["label"]]`. At the end: `np.asarray(paper)`.
#
# </details>

# %%
street_ids = {"road": 7, "vehicle": 10, "pole": 5}
corners = {
    "road": [[0, 59], [30, 28], [50, 28], [79, 59]],
    "vehicle": [[14, 50], [14, 36], [22, 27], [44, 27], [50, 38], [50, 50]],
    "pole": [[36, 4], [39, 4], [39, 58], [36, 58]],
}
order = ("road", "vehicle", "pole")
shapes = [{"label": word, "points": corners[word]} for word in order]
street_json = {"shapes": shapes, "imageHeight": 60, "imageWidth": 80}


# %% jupyter={"source_hidden": true}
def draw_in(order, swap=False, height=60, width=80):
    paper = Image.new("L", (width, height), 0)
    for shape in order:
        at = [tuple(p[::-1] if swap else p) for p in shape["points"]]
        ImageDraw.Draw(paper).polygon(at, fill=street_ids.get(shape["label"], 1))
    return np.asarray(paper)


figures.grid(
    [draw_in(shapes)],
    ["target: the pole is in front of the vehicle"],
    alt="A mask of a road that narrows into the distance, a vehicle on it, and a "
    "thin pole that stands in front of the vehicle.",
    columns=2,
)


# %%
def rasterise(annotation, ids):
    """The mask of a labelme annotation: its shapes in order → uint8 H×W."""
    # BEGIN SOLUTION
    size = annotation["imageWidth"], annotation["imageHeight"]
    paper = Image.new("L", size, 0)
    pen = ImageDraw.Draw(paper)
    for shape in annotation["shapes"]:
        pen.polygon([tuple(p) for p in shape["points"]], fill=ids[shape["label"]])
    return np.asarray(paper)
    # END SOLUTION


# %%
turned = {**street_json, "shapes": shapes[::-1]}
exercise(
    rasterise,
    lambda a, ids: draw_in(a["shapes"]),
    inputs=[(street_json, street_ids), (turned, street_ids)],
    mistakes={
        "the first polygon lies on top; it should be the last": lambda a, ids: draw_in(
            a["shapes"][::-1]
        ),
        "x and y are swapped: labelme and Pillow both put x first": lambda a, ids: (
            draw_in(a["shapes"], swap=True)
        ),
        "height and width are swapped: Pillow wants (width, height)": lambda a, ids: (
            draw_in(a["shapes"], height=80, width=60)
        ),
        "every polygon has the same id; look it up in ids": lambda a, ids: (
            draw_in(a["shapes"]) > 0
        ).astype(int),
        "only the last polygon is there; draw all on one sheet": lambda a, ids: draw_in(
            a["shapes"][-1:]
        ),
    },
)

# %% [markdown]
# ### Exercise 3 · Clean and resize, in the right order
#
# Write `prepare(mask, height, width)`. `mask` is a raw Lyft mask of 600 × 800. Return the
# mask that the challenge scores, at `height` × `width`: without the bonnet (vehicle
# pixels in rows 496 and below become 0) and with lane lines (6) as road (7).
#
# <details><summary>Hint 1</summary>
#
# In which size is 'row 496' measured? That step comes before the resizing.
#
# </details>
# <details><summary>Hint 2</summary>
#
# You have `remove_hood` from above. The lane lines are one line: which pixels, and what
# do they become? Work on a copy.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `masks.resize_mask(mask, height, width)` takes the nearest pixel.
#
# </details>


# %%
def _prepare(mask, height, width, hood=masks.remove_hood, lines=7, smooth=False):
    mask = hood(mask)
    mask[mask == 6] = lines
    if smooth:
        return np.array(Image.fromarray(mask).resize((width, height)))
    return masks.resize_mask(mask, height, width)


figures.grid(
    [label_mask, _prepare(label_mask, 96, 128)],
    ["given: 600 × 800", "target: 96 × 128"],
    alt="Left: a raw mask with a large bonnet at the bottom and lane lines. Right: "
    "the prepared mask, without the bonnet, the lane lines part of the road.",
)


# %%
def prepare(mask, height, width):
    """A raw Lyft mask, cleaned and resized: uint8 600×800 → uint8 height×width."""
    # BEGIN SOLUTION
    cleaned = remove_hood(mask)
    cleaned[cleaned == 6] = 7
    return masks.resize_mask(cleaned, height, width)
    # END SOLUTION


# %% jupyter={"source_hidden": true}
def _all_below(mask):
    mask = mask.copy()
    mask[496:] = 0
    return mask


def _late(mask, height, width):
    small = masks.resize_mask(mask, height, width).copy()
    small[496:][small[496:] == 10] = 0
    return np.where(small == 6, 7, small)


# things stand on the road beside the bonnet in this one
staged = label_mask.copy()
staged[500:560, :40], staged[440:470, 300:340], staged[460:494, 400:420] = 8, 10, 6

# %%
exercise(
    prepare,
    _prepare,
    inputs=[(label_mask, 96, 128), (staged, 192, 256), (staged, 60, 80)],
    mistakes={
        "the bonnet is still there: row 496 is counted at full size": _late,
        "everything below row 496 is gone; only vehicles should be": lambda *a: (
            _prepare(*a, hood=_all_below)
        ),
        "vehicles further up are gone, too": lambda *a: _prepare(
            *a, hood=lambda m: np.where(m == 10, 0, m)
        ),
        "lane lines are still 6": lambda *a: _prepare(*a, lines=6),
        "lane lines became 0; they are road": lambda *a: _prepare(*a, lines=0),
        "ids were mixed: resize by nearest": lambda *a: _prepare(*a, smooth=True),
    },
)

# %% [markdown]
# ### Exercise 4 · Split by drive, without a leak
#
# Write `split_by_drive(names, n)`. `names` is a list such as `["F2-0.png", "F10-3.png"]`:
# the drive's number stands between `F` and `-`. The **n drives with the largest numbers**
# go to validation. Return one True or False for each name, in the order given: True means
# validation.
#
# <details><summary>Hint 1</summary>
#
# First the drive of one name: `name.split("-")[0]` gives `F10`. What is missing to make a
# number of it?
#
# </details>
# <details><summary>Hint 2</summary>
#
# As text, `F10` comes before `F2`. As numbers it does not: `int("10")`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `np.unique` sorts and drops repeats: the last n entries are the drives you want.
# `np.isin(drives, chosen)` answers for each frame.
#
# </details>

# %% jupyter={"source_hidden": true}
frame_names = [f"F{d}-{f}.png" for f in range(5) for d in (2, 10, 1, 11)]
frame_names = frame_names[:18] + ["F3-0.png", "F3-1.png"]


def _numbers(names):
    return np.array([[int(p) for p in name[1:-4].split("-")] for name in names])


def _last(values, n):
    return np.isin(values, np.unique(values)[-n:])


# %%
figure, axes = figures.canvas(height=2.8)
colours, edges = ("white", "#fff200"), (":", "-")
for name, (d, f) in zip(frame_names, _numbers(frame_names)):
    look = {"facecolor": colours[int(d >= 10)], "linestyle": edges[int(d >= 10)]}
    level = (1, 2, 3, 10, 11).index(d)
    axes[0, 0].text(f, level, name, ha="center", va="center", bbox=look)
axes[0, 0].set(xlim=(-0.5, 4.5), ylim=(-0.6, 4.6), xlabel="frame", ylabel="drive")
axes[0, 0].set_title("target for n = 2: solid and yellow is validation")
axes[0, 0].set_yticks(range(5), ["F1", "F2", "F3", "F10", "F11"])
figures.show(
    figure,
    alt="File names in rows, one row for each drive. All names of drives F10 and "
    "F11 are marked as validation, all of F1, F2 and F3 are not.",
)


# %%
def split_by_drive(names, n):
    """Which frames go to validation: those of the n largest drives → bool, N."""
    # BEGIN SOLUTION
    drives = np.array([int(name[1:].split("-")[0]) for name in names])
    return np.isin(drives, np.unique(drives)[-n:])
    # END SOLUTION


# %%
many = [f"F{d}-{f}.png" for d in (8, 9, 10, 100) for f in (7, 30, 101)]
exercise(
    split_by_drive,
    lambda names, n: _last(_numbers(names)[:, 0], n),
    inputs=[(frame_names, 2), (frame_names, 1), (many, 3), (many[::-1], 2)],
    mistakes={
        "sorted as text: F10 comes before F2 there": lambda names, n: _last(
            [name.split("-")[0] for name in names], n
        ),
        "that is a split by frame number, with every drive on both sides": (
            lambda names, n: _last(_numbers(names)[:, 1], n)
        ),
        "those are the last n frames; whole drives are asked for": lambda names, n: (
            np.arange(len(names)) >= len(names) - n
        ),
        "training and validation are exchanged": lambda names, n: (
            ~_last(_numbers(names)[:, 0], n)
        ),
        "those are the smallest drive numbers": lambda names, n: _last(
            -_numbers(names)[:, 0], n
        ),
    },
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "You open a label file in a viewer, and it is black. What do you do first?",
    {
        "Read it with Pillow and look at `np.unique`": "Ids such as 7 out of 255 look "
        "black. The numbers tell.",
        "Fetch the file again": "It may well be in order: small ids look black.",
        "Brighten it in an image editor and save it": "Then the ids are gone: that "
        "changes pixel values, and pixel values are ids.",
    },
    answer="Read it with Pillow and look at `np.unique`",
)
quiz(
    "A mask was resized bilinearly. Does a check for ids out of range find it?",
    {
        "Yes, always": "A mean of 7 and 9 is 8, and 8 is a class.",
        "No: what is invented lies between valid ids": "So look at the picture, or at "
        "the code.",
        "Only if the mask is a PNG": "PNG keeps what it is given, wrong or not.",
    },
    answer="No: what is invented lies between valid ids",
)

# %%
quiz(
    "What can `verify --fix` mend without loss?",
    {
        "a mask saved as JPEG": "The ids were changed; nobody can know what they were.",
        "a mask with a palette or with 16 bits": "All ids are still in the file.",
        "a mask of half the size": "Three quarters of its pixels were thrown away.",
    },
    answer="a mask with a palette or with 16 bits",
)
quiz(
    "A colleague reports mean IoU 0.85 on video frames, split at random. What now?",
    {
        "Ask for the number under a split by drive": "Only that says something about "
        "streets that were not seen.",
        "Congratulate": "Looking up the most similar frame also gets a fine number.",
        "Ask for more validation frames": "More frames of the same drives leak just as "
        "much.",
    },
    answer="Ask for the number under a split by drive",
)

# %%
quiz(
    "In which order do you prepare a Lyft mask?",
    {
        "remove the bonnet, then resize by nearest": "Row 496 is counted at full size.",
        "resize by nearest, then set rows from 496 on": "A small mask has no row 496: "
        "nothing happens, and nothing warns you.",
        "resize bilinearly, then remove the bonnet": "The rim of the bonnet stays as "
        "invented classes.",
    },
    answer="remove the bonnet, then resize by nearest",
)
quiz(
    "You brighten an image to augment it. What happens to its mask?",
    {
        "Nothing": "Light changes, places do not.",
        "It is brightened by the same amount": "Its values are ids. Brighter ids are "
        "other classes.",
        "It is mirrored": "Only if the image is mirrored as well.",
    },
    answer="Nothing",
)

# %% [markdown]
# ## Pitfalls
#
# - **JPEG for masks.** PNG or BMP, always. 'I saved it at quality 100' is no excuse.
# - **A resize without a filter named.** It is smooth nearly everywhere. For masks write
#   *nearest*.
# - **`max(mask) < classes` as the only check.** Passes for the blue channel, for bilinear
#   masks, for floats.
# - **`convert("L")`, `plt.imread`, `cv2.imread`** on labels. Pillow and the right channel.
# - **Pairing by position.** One missing file shifts all the others. Pair by name.
# - **A random split of a video.** Near-duplicates on both sides.
# - **Cleaning after resizing**, with row numbers of the full size.
# - **Own dice for image and mask** in augmentation.
# - **The number of classes from one picture.** It belongs to the dataset.
# - **Trusting labels.** Look at twenty pairs before the first training. It takes two
#   minutes.

# %% [markdown]
# ## What to remember
#
# - A label is made by a person or a program; both have their own rules and errors.
# - A mask is a table of ids. It is stored as PNG and looks black.
# - Ids are names: no means, no smoothing, no JPEG, no brightness.
# - Same name, same height, same width; verify, then look.
# - Clean at full size, then resize: images bilinearly, masks by nearest.
# - Rare classes are rare: a person on the street is a handful of pixels.
# - Split by source. A number from a leaky split measures memory.
#
# Next: **03 · Metrics before models.** There the bonnet comes back, and you choose
# measures that cannot be bribed so easily.

# %%
jpeg = wrong["JPEG, red channel"]
print(f"JPEG, quality 95, three channels: {jpeg:.0%} of the ids changed")
print(f"always the bonnet: vehicle IoU {raw_iou:.2f} raw, {clean_iou:.2f} cleaned")
for name, values in scores.items():
    print(f"no model, split {name}: mean IoU {np.mean(values):.2f}")

# %% [markdown]
# ## References
#
# - Brostow, Fauqueur, Cipolla (2009), CamVid:
#   [Semantic object classes in video](https://doi.org/10.1016/j.patrec.2008.04.005)
# - Cordts et al. (2016): [The Cityscapes Dataset for Semantic Urban Scene
#   Understanding](https://arxiv.org/abs/1604.01685); 1.5 hours for a fine, 7 minutes for a
#   coarse picture
# - Richter et al. (2016): [Playing for Data: Ground Truth from Computer
#   Games](https://arxiv.org/abs/1608.02192); 24,966 pictures in 49 hours, and the 60 minutes
#   of CamVid
# - Dosovitskiy et al. (2017): [CARLA: An Open Urban Driving
#   Simulator](https://arxiv.org/abs/1711.03938)
# - Russell et al. (2008): [LabelMe: A Database and Web-Based Tool for Image
#   Annotation](https://doi.org/10.1007/s11263-007-0090-8); the program
#   [labelme](https://github.com/wkentaro/labelme), and [GIMP](https://www.gimp.org)
# - Everingham et al. (2010): [The PASCAL Visual Object Classes
#   Challenge](https://doi.org/10.1007/s11263-009-0275-4), with palette PNGs as labels
# - The challenge data: [Lyft-Udacity on
#   Kaggle](https://www.kaggle.com/datasets/kumaresanmanickavelu/lyft-udacity-challenge)
# - [torchvision: transforms v2](https://docs.pytorch.org/vision/stable/transforms.html);
#   [Keras: image augmentation
#   layers](https://keras.io/api/layers/preprocessing_layers/image_augmentation/)
