# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 2 · Up-sampling and FCN
#
# A classifier makes an image smaller and smaller, until one answer is left. For a mask you have to
# come back to full size. In this assignment you count what a stack of layers does to sizes, you write
# the ways back up by hand, and then you build a fully convolutional network. Everything that you need
# was taught in lessons 04 and 05.
#
# | question | what you write | points |
# |---|---|---|
# | 1 | `output_sizes`: the size after each layer of a stack | 8 |
# | 2 | `receptive_field`: how much of the image one number sees | 10 |
# | 3 | `unpool`: bed of nails and max-unpooling | 8 |
# | 4 | `transposed_conv`: one copy of the kernel after the other | 14 |
# | 5 | `overlaps`: where the checkerboard comes from | 6 |
# | 6 | `bilinear_kernel`: a transposed convolution that interpolates | 10 |
# | 7 | `dense_as_conv`: a dense layer on images of any size | 9 |
# | 8 | `fcn`: FCN-32s, FCN-16s and FCN-8s in your framework | 25 |
# | 9 | your judgement, in words | 10 |
# | | together | 100 |
#
# **Time:** about three hours. Questions 1 to 7 need NumPy alone; question 8 needs PyTorch or Keras.
# Nothing is trained.
#
# **The data.** Four street scenes that the course draws when you run the cells. They are there to look
# at and to fill the table of question 9. The checks bring small maps of their own.
#
# **How it is graded.** Under each question stands one call, `check(...)`. At your desk it runs public
# cases and says at once what is wrong. When the notebook is graded, the same call gets hidden cases:
# other layers, other sizes, other numbers of maps. The table under a question says which part brings
# which share of its points; the names are those that `check` prints. A part counts whole or not at
# all, and no part waits for another. What is judged is what your functions return: loops are as good
# as one line of NumPy. Functions are called with arguments like those in the text, and must not rely
# on your data. Question 9 is read by a person.
#
# **What you hand in.** One zip with this notebook. The last cell writes it.
#
# **For the whole notebook:** maps are H×W×channels, rows first, and kernels are
# rows×columns×maps in×maps out. Numbers may be off by one part in 100,000.

# %%
import numpy as np

from helpers.check import check, desk

# `desk` is True where you work and False when the notebook is graded.
# Cells that begin with `if desk:` are for you: data and pictures.

# %%
if desk:
    from helpers import figures, masks, streets

    images, truths = streets.scenes([2, 5, 11, 14], [0])
    image, truth = images[2], truths[2]

# %% [markdown]
# ## 1 · The size after each layer (8 points)
#
# Write `output_sizes(size, layers)` for one side of an image.
#
# - `size` is the number of pixels of that side.
# - `layers` is a list. Each layer is a dict such as
#   `{"kind": "conv", "kernel": 3, "stride": 2, "padding": 1, "dilation": 1}`. The kind is `"conv"`,
#   `"pool"` or `"transposed"`, and all four numbers are always there.
# - The result is a list: the size after each layer. Each layer starts from the size before it.
#
# A convolution and a pooling drop a last window that does not fit any more. The padding stands at
# both ends. A transposed convolution undoes what a convolution of the same four numbers does to the
# size, where nothing was dropped.
#
# For 10 pixels and the layer above the result is `[5]`. The same layer as `"transposed"` makes
# `[19]` of 10.
#
# | what is judged | share |
# |---|---|
# | `convolution and pooling`: also where a last window does not fit | 40 % |
# | `dilation` | 30 % |
# | `transposed convolution` | 30 % |
#
# <details><summary>Hint 1</summary>
#
# A kernel of k with dilation d covers d · (k − 1) + 1 pixels. How many places has a window of that
# length on size + 2 · padding pixels, if it moves `stride` at a time? Don't forget the first one.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Solve the equation of the convolution for the size that goes in. Padding is now taken away.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "output_sizes_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def output_sizes(size, layers):
    ### BEGIN SOLUTION
    sizes = []
    for layer in layers:
        reach = layer["dilation"] * (layer["kernel"] - 1)
        if layer["kind"] == "transposed":
            size = (size - 1) * layer["stride"] - 2 * layer["padding"] + reach + 1
        else:
            size = (size + 2 * layer["padding"] - reach - 1) // layer["stride"] + 1
        sizes.append(size)
    return sizes
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "output_sizes", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("output_sizes", output_sizes)

# %% [markdown]
# ## 2 · The receptive field (10 points)
#
# Write `receptive_field(layers)` for a list of layers as above, of the kinds `"conv"` and `"pool"`.
# It returns three numbers, along one side:
#
# - `size`: how many pixels of the image one number of the last maps depends on, from the first to the
#   last.
# - `jump`: how many pixels of the image lie between two neighbours of the last maps.
# - `start`: where the centre of the field of the *first* number lies. The centre of the first pixel of
#   the image is 0, that of the second is 1. A field may begin outside the image: padding moves it
#   there.
#
# One convolution of 3 with stride 2 and padding 1 gives `(3, 2, 0)`: the first field is centred on
# the first pixel. One pooling of 2 with stride 2 and padding 0 gives `(2, 2, 0.5)`.
#
# | what is judged | share |
# |---|---|
# | `size and jump` | 40 % |
# | `dilation` | 20 % |
# | `start`: where the first field is centred | 40 % |
#
# <details><summary>Hint 1</summary>
#
# Begin with size 1, jump 1 and start 0, and go from the image to the last layer. A layer that reaches
# over d · (k − 1) *steps* of its maps reaches over so many *jumps* of the image.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The first window of a layer begins `padding` steps before the first number, and its centre lies half
# of its reach further on. One step is one jump long: that of *before* this layer.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "receptive_field_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def receptive_field(layers):
    ### BEGIN SOLUTION
    size, jump, start = 1, 1, 0
    for layer in layers:
        reach = layer["dilation"] * (layer["kernel"] - 1)
        size += reach * jump
        start += (reach / 2 - layer["padding"]) * jump
        jump *= layer["stride"]
    return size, jump, start
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "receptive_field", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("receptive_field", receptive_field)

# %% [markdown]
# Below are the blocks of the encoder that you will build in question 8: two 3×3 convolutions in each,
# and a 2×2 pooling before each but the first. Your functions tell what it does to an image of 96×128.
# You need these numbers in question 9.

# %%
if desk:
    conv3 = {"kind": "conv", "kernel": 3, "stride": 1, "padding": 1, "dilation": 1}
    pool2 = {"kind": "pool", "kernel": 2, "stride": 2, "padding": 0, "dilation": 1}
    encoder = []
    for block_number in range(6):
        encoder += [conv3, conv3] if block_number == 0 else [pool2, conv3, conv3]
        sides = [output_sizes(side, encoder) for side in (96, 128)]
        field = receptive_field(encoder)
        if None not in (*sides, field):
            print(f"block {block_number}: {sides[0][-1]:3}×{sides[1][-1]:<4}"
                  f"one number sees {field[0]:3} pixels; neighbours lie {field[1]:2} apart")

# %% [markdown]
# ## 3 · Unpooling (8 points)
#
# Pooling keeps one number of a block. Unpooling puts it back into an empty block. Write
# `unpool(maps, factor, places)`.
#
# - `maps` is float, H×W×C. The result is float, `factor`·H × `factor`·W × C: each number goes to one
#   pixel of its `factor`×`factor` block, and all other pixels are 0.
# - If `places` is `None`, that pixel is the upper left one of the block. This is a *bed of nails*.
# - If not, `places` is int, H×W×C, and says where the largest number of each block stood before it was
#   pooled: *max-unpooling*. A place is the number of a pixel in the large map of its channel, counted
#   row by row, so it is row · (`factor`·W) + column.
#
# | what is judged | share |
# |---|---|
# | `bed of nails` | 40 % |
# | `max unpooling` | 60 % |
#
# <details><summary>Hint 1</summary>
#
# `out[::2, ::2]` are all upper left corners of 2×2 blocks, of all channels at once.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.divmod(places, factor * W)` gives all rows and all columns. Each channel has its own places; a
# loop over the channels is fine.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "unpool_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unpool(maps, factor, places):
    ### BEGIN SOLUTION
    height, width, channels = maps.shape
    out = np.zeros((factor * height, factor * width, channels))
    if places is None:
        out[::factor, ::factor] = maps
    else:
        rows, columns = np.divmod(places, factor * width)
        out[rows, columns, np.arange(channels)] = maps
    return out
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "unpool", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("unpool", unpool)

# %% [markdown]
# The next cell pools a scene by 4 and unpools it again, in both ways. Look at the window frames and at
# the edge of the road: which of the two knows where things stood?

# %%
def max_pool(maps, factor):
    """The largest number of each block, and its place in the large map."""
    height, width, channels = maps.shape
    blocks = maps.reshape(height // factor, factor, width // factor, factor, channels)
    blocks = blocks.transpose(0, 2, 1, 3, 4).reshape(height // factor, width // factor, -1, channels)
    r, c = np.divmod(blocks.argmax(2), factor)
    rows, columns = np.indices(r.shape)[:2] * factor
    return blocks.max(2), (rows + r) * width + columns + c


if desk:
    bright = images[0].astype(float).mean(-1, keepdims=True)
    pooled, places = max_pool(bright, 4)
    found = [unpool(pooled, 4, None), unpool(pooled, 4, places)]
    if not any(maps is None for maps in found):
        pictures = [bright, pooled.repeat(4, 0).repeat(4, 1), *found]
        figures.grid(
            [np.repeat(maps, 3, -1).astype(np.uint8) for maps in pictures],
            ["brightness", "pooled by 4", "bed of nails", "max-unpooling"],
            alt="A scene in grey, its coarse version, and two dark pictures with single bright "
            "pixels: in a regular grid, and along the edges of things.",
            columns=2,
        )

# %% [markdown]
# ## 4 · Transposed convolution (14 points)
#
# A convolution gathers: many numbers make one. A transposed convolution scatters: each number lays a
# copy of the kernel into the output. Write `transposed_conv(maps, kernel, stride, padding)`.
#
# - `maps` is float, H×W×A. `kernel` is float, k×m×A×B. Mind the order: maps in, then maps out. In
#   lesson 04 it was the other way round.
# - The number `maps[r, c, a]` lays `maps[r, c, a] * kernel[:, :, a, b]` into map b of the output. The
#   upper left corner of this copy lies at row r·`stride`, column c·`stride`. Where copies overlap they
#   add up. Every map a has a copy for every map b.
# - At the end `padding` rows and columns are **cut off**, at all four edges. So the result has
#   (H − 1)·`stride` + k − 2·`padding` rows.
#
# | what is judged | share |
# |---|---|
# | `one map`: one in, one out | 30 % |
# | `several maps`: also kernels that are not square | 30 % |
# | `padding` | 30 % |
# | `gaps`: a stride larger than the kernel leaves 0 between the copies | 10 % |
#
# <details><summary>Hint 1</summary>
#
# Start with an output of zeros, as large as it is *before* anything is cut off. Loop over r and c. One
# copy for all maps at once is `np.tensordot(maps[r, c], kernel, (0, 2))`, which is k×m×B.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `out[padding:-padding]` is empty when `padding` is 0. `out[padding : len(out) - padding]` is not.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "transposed_conv_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transposed_conv(maps, kernel, stride, padding):
    ### BEGIN SOLUTION
    (height, width, _), (k, m, _, outputs) = maps.shape, kernel.shape
    out = np.zeros(((height - 1) * stride + k, (width - 1) * stride + m, outputs))
    for r in range(height):
        for c in range(width):
            copy = np.tensordot(maps[r, c], kernel, (0, 2))
            out[r * stride : r * stride + k, c * stride : c * stride + m] += copy
    return out[padding : len(out) - padding, padding : out.shape[1] - padding]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "transposed_conv", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
check("transposed_conv", transposed_conv)

# %% [markdown]
# ## 5 · Overlaps (6 points)
#
# Some places of the output are written more often than others. Write
# `overlaps(size, kernel, stride, padding)`: for a transposed convolution along *one* side, how many
# copies of the kernel reach each place. `size` is the number of pixels that go in. The result is a list
# or an array of (size − 1)·`stride` + `kernel` − 2·`padding` counts.
#
# Two pixels, a kernel of 3 and stride 2 give `[1, 1, 2, 1, 1]`.
#
# | what is judged | share |
# |---|---|
# | `counts`: without padding | 50 % |
# | `gaps`: a stride larger than the kernel | 20 % |
# | `padding` | 30 % |
#
# <details><summary>Hint</summary>
#
# It is question 4 with one row, ones everywhere, and one map.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "overlaps_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def overlaps(size, kernel, stride, padding):
    ### BEGIN SOLUTION
    counts = np.zeros((size - 1) * stride + kernel, int)
    for place in range(size):
        counts[place * stride : place * stride + kernel] += 1
    return counts[padding : len(counts) - padding]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "overlaps", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("overlaps", overlaps)

# %% [markdown]
# In two dimensions the counts of rows and columns are multiplied. The figure shows your counts for 8×8
# pixels and three kernels. A map that was even comes out with this pattern if all weights are equal.
# Guess before you run it: which kernels give an even middle at stride 2?

# %%
if desk:
    settings = [(2, 2, 0), (3, 2, 1), (4, 2, 1)]
    sides = [overlaps(8, *numbers) for numbers in settings]
    if not any(side is None for side in sides):
        figure, axes = figures.canvas(1, 3, height=2.9)
        for axis, side, (k, s, _) in zip(axes.flat, sides, settings):
            counts = np.outer(side, side)
            axis.imshow(counts, cmap="cividis", vmin=1, vmax=4)
            axis.set(title=f"kernel {k}, stride {s}", xticks=[], yticks=[])
            for (r, c) in np.ndindex(6, 6):
                axis.text(c, r, counts[r, c], ha="center", va="center", fontsize=7,
                          color="white" if counts[r, c] < 3 else "black")
        figures.show(
            figure,
            alt="Three grids of counts, those of the upper left corner written out. Kernel 2 is even, "
            "kernel 3 alternates between 1, 2 and 4 like a checkerboard, kernel 4 is even but for "
            "its edge.",
        )

# %% [markdown]
# ## 6 · A kernel that interpolates (10 points)
#
# A transposed convolution can do what bilinear interpolation does, with the right weights. FCNs begin
# with them. Write `bilinear_kernel(factor, maps)`, for an up-sampling by `factor` with stride `factor`.
#
# - The side of the kernel is $k = 2 \cdot factor$ for an even factor and $2 \cdot factor - 1$ for an
#   odd one.
# - Along one side, the weight of pixel $i = 0, 1, \ldots, k - 1$ falls in a straight line from the
#   centre of the kernel, which is at $(k - 1) / 2$:
#
# $$w_i = 1 - \frac{\left| i - (k - 1) / 2 \right|}{factor}$$
#
# - In two dimensions the weight of row $i$ and column $j$ is $w_i \, w_j$.
# - The result is k×k×`maps`×`maps`. Each map leads to itself alone: between different maps all weights
#   are 0.
#
# | what is judged | share |
# |---|---|
# | `even factors`: one map | 40 % |
# | `odd factors`: one map, and factor 1 too | 30 % |
# | `several maps` | 30 % |
#
# <details><summary>Hint</summary>
#
# `np.outer(w, w)` is k×k and `np.eye(maps)` is maps×maps. Give the first two more axes with `None`,
# and multiply.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "bilinear_kernel_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bilinear_kernel(factor, maps):
    ### BEGIN SOLUTION
    side = 2 * factor - factor % 2
    weights = 1 - np.abs(np.arange(side) - (side - 1) / 2) / factor
    return np.outer(weights, weights)[..., None, None] * np.eye(maps)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "bilinear_kernel", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("bilinear_kernel", bilinear_kernel)

# %% [markdown]
# ## 7 · A dense layer on images of any size (9 points)
#
# A classifier ends in a dense layer: it flattens its maps and multiplies them by a matrix. So it takes
# one size of image alone. But the same weights can slide over larger maps, as a convolution. Write
# `dense_as_conv(maps, weights, bias, height, width)`.
#
# - `weights` is float, (height·width·C)×units, and `bias` has one number per unit. The layer was trained
#   on maps of height×width×C: its answer is `maps.reshape(-1) @ weights + bias`. So the rows of `weights`
#   run over row, column and channel, the channel fastest.
# - `maps` is float, H×W×C, with H ≥ height and W ≥ width.
# - The result is (H − height + 1) × (W − width + 1) × units: the answer of the layer for *each* window
#   of height×width, one pixel apart, without padding and without activation.
#
# | what is judged | share |
# |---|---|
# | `the size of the layer`: one window, one answer | 40 % |
# | `larger maps` | 60 % |
#
# <details><summary>Hint 1</summary>
#
# On maps of height×width there is one window, and the answer is that of the dense layer. Begin there.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Either cut out each window and let the dense layer answer, or turn the weights into a kernel,
# `weights.reshape(height, width, C, units)`, and convolve.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "dense_as_conv_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dense_as_conv(maps, weights, bias, height, width):
    ### BEGIN SOLUTION
    rows, columns = maps.shape[0] - height + 1, maps.shape[1] - width + 1
    kernel = weights.reshape(height, width, maps.shape[2], -1)
    out = np.zeros((rows, columns, len(bias))) + bias
    for r in range(height):
        for c in range(width):
            out += maps[r : r + rows, c : c + columns] @ kernel[r, c]
    return out
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "dense_as_conv", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
check("dense_as_conv", dense_as_conv)

# %% [markdown]
# ## 8 · The FCN (25 points)
#
# Now build it. Choose your framework: write `"pytorch"` or `"keras"`. The points are the same.

# %%
FRAMEWORK = "pytorch"

# %%
from helpers.quiet import quiet

if FRAMEWORK == "pytorch":
    import torch
    nn = torch.nn
else:
    with quiet():  # TensorFlow has much to say when it starts
        import keras
        from keras import layers

# %% [markdown]
# Write `fcn(classes, width, stride)`. It returns a network of your framework, FCN-32s, FCN-16s or
# FCN-8s, for `stride` 32, 16 or 8.
#
# **The encoder** has six blocks. Before each but the first the maps are halved.
#
# | block | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | one pixel stands for | 1 | 2 | 4 | 8 | 16 | 32 pixels |
# | maps | `width` | 2·`width` | 4·`width` | 8·`width` | 16·`width` | 16·`width` |
#
# **The scores.** A 1×1 convolution makes `classes` maps of the maps of block 5. That is enough for
# stride 32. For stride 16 the scores are doubled in size, and the scores of block 4 are **added**. For
# stride 8 that sum is doubled in size once more, and the scores of block 3 are added. At the end the
# scores are brought to the size of the image.
#
# - The output are logits: no softmax and no other activation behind the scores. There are no dense
#   layers.
# - It takes RGB images in [0, 1] of any height and width that 32 divides. PyTorch: N×3×H×W. Keras:
#   N×H×W×3, so begin with `Input((None, None, 3))`.
# - Your choice: how many convolutions a block has (one at least), whether you normalise or drop out,
#   whether a pooling or a stride halves, and how you up-sample: transposed convolution, bilinear or
#   nearest.
#
# | what is judged, on the exported graph | share |
# |---|---|
# | `any size`: output H×W×classes at several sizes and class numbers | 20 % |
# | `encoder`: five halvings, and the numbers of maps in the table | 20 % |
# | `stride 32`: scores of block 5, and no skips | 10 % |
# | `stride 16`: one sum of scores, with block 4 | 20 % |
# | `stride 8`: two sums of scores, with blocks 4 and 3 | 20 % |
# | `logits`: no activation at the end, no dense layer | 10 % |
#
# <details><summary>Hint 1</summary>
#
# First write the encoder as a loop that keeps the maps of each block in a list. Then score the last
# ones and bring them to full size: that is FCN-32s. `check` shows what it sees in your network.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A second loop runs over the blocks 4 and 3, as far as `stride` wants: double what you have, score the
# maps of that block, add.
#
# </details>

# %% nbgrader={"grade": false, "grade_id": "fcn_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# Helpers for your network, if you like: a block, a class.
### BEGIN SOLUTION
def scored_blocks(stride):
    """The blocks that are scored, the coarsest first."""
    return [k for k in (5, 4, 3) if 2**k >= stride]


if FRAMEWORK == "pytorch":

    def block(before, after):
        return nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )

    class FCN(nn.Module):
        def __init__(self, classes, width, stride):
            super().__init__()
            widths = [width * min(2**k, 16) for k in range(6)]
            self.blocks = nn.ModuleList(block(a, b) for a, b in zip([3, *widths], widths))
            self.scored = scored_blocks(stride)
            self.scores = nn.ModuleList(nn.Conv2d(widths[k], classes, 1) for k in self.scored)

        def forward(self, x):
            maps = []
            for k, block in enumerate(self.blocks):
                x = block(x if k == 0 else nn.functional.max_pool2d(x, 2))
                maps.append(x)
            total = self.scores[0](x)
            for k, score in zip(self.scored[1:], self.scores[1:]):
                total = self.larger(total, 2) + score(maps[k])
            return self.larger(total, 2 ** self.scored[-1])

        def larger(self, x, factor):
            return nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")

else:

    def block(x, channels):
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.ReLU()(x)
        return x

    def larger(x, classes, factor):
        return layers.Conv2DTranspose(classes, 2 * factor, strides=factor, padding="same")(x)
### END SOLUTION


def fcn(classes, width, stride):
    ### BEGIN SOLUTION
    if FRAMEWORK == "pytorch":
        return FCN(classes, width, stride)
    inputs = x = layers.Input((None, None, 3))
    maps = []
    for k in range(6):
        x = block(x if k == 0 else layers.MaxPooling2D()(x), width * min(2**k, 16))
        maps.append(x)
    scored = scored_blocks(stride)
    total = layers.Conv2D(classes, 1)(x)
    for k in scored[1:]:
        score = layers.Conv2D(classes, 1)(maps[k])
        total = layers.Add()([larger(total, classes, 2), score])
    return keras.Model(inputs, larger(total, classes, 2 ** scored[-1]))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "fcn", "locked": true, "points": 25, "schema_version": 3, "solution": false, "task": false}
check("fcn", fcn, FRAMEWORK)

# %% [markdown]
# ## 9 · What does the stride cost? (10 points)
#
# Suppose that a network knows all about the street, but decides on coarse maps. The next cell plays it.
# It takes the true masks and says, for each block of 32×32, 16×16 or 8×8 pixels, which share of it each
# class has. These shares are the scores. Then **your** `transposed_conv` with **your**
# `bilinear_kernel` brings them to full size, and the class with the highest score wins. So what is
# wrong in the result comes from the stride alone. (It is an example and no strict limit: a trained
# network may find scores that serve one class better, at the cost of another.) It fills in as your
# questions get done.

# %%
if desk:
    from helpers.metrics import Confusion

    def perfect(truth, stride):
        """The masks of a network that knows the share of each class in each block."""
        height, width = (n // stride for n in truth.shape)
        blocks = masks.one_hot(truth, 13).reshape(height, stride, width, stride, 13)
        shares, kernel = blocks.mean((1, 3)), bilinear_kernel(stride, 1)
        scores = [transposed_conv(s[..., None], kernel, stride, stride // 2)
                  for s in np.moveaxis(shares, -1, 0)]
        return np.concatenate(scores, -1).argmax(-1).astype(np.uint8)

    try:
        answers = {s: np.stack([perfect(t, s) for t in truths]) for s in (32, 16, 8)}
    except Exception:
        answers = {}  # questions 4 and 6 are still open
    shown = {"Roads": 7, "Buildings": 1, "Vehicles": 10, "Poles": 5}
    for stride, answer in answers.items():
        found = Confusion().add(truths, answer)
        ious = "".join(f"   {name} {found.iou()[c]:.2f}" for name, c in shown.items())
        print(f"stride {stride:2}: mean IoU {found.mean_iou():.2f}{ious}")

# %%
if desk and answers:
    figures.grid(
        [masks.overlay(image, truth), *(masks.overlay(image, a[2]) for a in answers.values())],
        ["the truth", *(f"perfect, stride {s}" for s in answers)],
        alt="A scene with its true mask, and with the best masks at strides 32, 16 and 8: the "
        "coarser the stride, the rounder the outlines; thin things are missing.",
        columns=2,
    )

# %% [markdown]
# Answer in 150 to 250 words, with numbers of your own table and figures.
#
# 1. Which class loses most by stride 32, and which loses least? Say why, from their shapes. What do the
#    skips at 16 and 8 bring back? (3 points)
# 2. In question 2 you counted how many pixels one number of block 5 sees. Is that more or less than the
#    image? Then why can FCN-32s still not draw a pole? (2 points)
# 3. Your figure of overlaps shows a checkerboard for one kernel. Which rule do kernel and stride have to
#    keep so that the middle is even? Name one other way to avoid the pattern. (3 points)
# 4. A classifier with a dense layer was trained on 96×128. You turn it into a convolution as in question
#    7 and show it an image of 192×128. How many answers do you get if the maps before the dense layer
#    are 3×4 for 96×128? What is each of them about? (2 points)

# %% [markdown] nbgrader={"grade": true, "grade_id": "judgement", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# 1 (3 points). Numbers from the student's own table; ours go from 0.24 to 0.37 and 0.49 in the mean
# IoU for strides 32, 16 and 8. Poles are at 0.00 throughout, since a pole is thinner than a block and
# never has the largest share of it. Vehicles lose least (0.61, 0.80, 0.91), since they fill whole
# blocks. The skips bring back outlines and things of the size of the finer blocks, and no thin ones.
#
# 2 (2 points). 284 pixels, more than the 96×128 of the image. The size of the field says what a number
# may depend on, not how finely answers lie: neighbours are 32 pixels apart, and between them there is
# only interpolation. Context is there, the place is lost.
#
# 3 (3 points). The kernel is a multiple of the stride: 2 and 4 at stride 2, not 3. Another way: resize
# (nearest or bilinear) and convolve; or begin with bilinear weights. One point each for rule, reason
# and way.
#
# 4 (2 points). The maps are 6×4, the windows 3×4: 4 × 1 answers. Each is about one 96×128 part of the
# image, moved down by as many pixels as one step on the maps has (32). Not 2: they overlap.
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

    print(bundle("upsampling_and_fcn.ipynb", student=STUDENT))
