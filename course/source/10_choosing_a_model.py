# %% [markdown]
# # 10 · Choosing a model
#
# Eight networks, one car. It wants 10 frames a second, and the computer in it has 2 GB of
# memory. **Which network do you build in, and how would you know?**
#
# Six of the eight you know: three FCNs, the U-Net and two DeepLabs. The other two, SegNet and
# PSPNet, you write here, in about thirty lines each. You count and measure all of them, and
# choose.
#
# Plan about 80 minutes.

# %% [markdown]
# ## What you will be able to do
#
# - Name the three criteria, accuracy, speed and memory, and say when each of them decides.
# - Count parameters, multiplications and maps before anything runs.
# - Measure a latency and a memory peak so that the numbers mean something.
# - Choose an encoder: ResNet, VGG, MobileNet or one of your own.
# - Write SegNet and PSPNet, and explain RefineNet and the Global Convolutional Network.
# - Choose the size of the input, and say what a larger one costs and asks for.
# - Read a table of results with its uncertainty, draw the Pareto front, and decide.

# %% [markdown]
# ## Predict first
#
# Write four answers on paper. You meet all four again.
#
# 1. VGG-16 has 16 layers, ResNet-50 has 50. Both see the same photo. Which of them takes
#    longer, and how many times as long?
# 2. SegNet hands no maps from the encoder to the decoder. It only remembers *where* each
#    maximum was. How many lane lines does it find: none, like the FCN-32s, or about as many
#    as the U-Net?
# 3. You double the height and the width of the input. By which factor grow the parameters,
#    the multiplications, and the memory for the maps?
# 4. PSPNet and DeepLab were built to see the whole scene. Small street scenes, equal time to
#    train: are they ahead of the U-Net?

# %% [markdown]
# ## Get ready

# %% tags=["torch"]
import copy
import json
import time

import numpy as np
import torch
from IPython.display import Markdown, display
from torch import nn
from torch.nn import functional as F

from helpers import figures, where
from helpers.check import exercise
from helpers.classes import LYFT
from helpers.masks import argmax, remove_hood, resize_image, resize_mask
from helpers.memory import peak_mib
from helpers.metrics import Confusion
from helpers.pytorch.encoder import ENCODERS, Encoder
from helpers.pytorch.layers import conv_norm_relu, double_conv, initialize
from helpers.pytorch.networks import NETWORKS
from helpers.pytorch.predict import predict_masks, tensor
from helpers.pytorch.train import train
from helpers.pytorch.twin import load_twin
from helpers.quiz import quiz
from helpers.streets import scene, scenes

# %% tags=["torch"]
_ = where.set_threads(1)

# %% tags=["keras"]
import json
import time

import numpy as np
from IPython.display import Markdown, display

from helpers import figures, where
from helpers.check import exercise
from helpers.classes import LYFT
from helpers.keras.encoder import ENCODERS, make_encoder
from helpers.keras.layers import Resize, conv, conv_norm_relu, double_conv
from helpers.keras.networks import NETWORKS
from helpers.keras.predict import predict_masks
from helpers.keras.pspnet import Average
from helpers.keras.train import train
from helpers.keras.twin import load_twin
from helpers.masks import argmax, remove_hood, resize_image, resize_mask
from helpers.memory import peak_mib
from helpers.metrics import Confusion
from helpers.quiz import quiz
from helpers.streets import scene, scenes

# %% tags=["keras"]
_ = where.set_threads(1)

import keras  # after helpers.keras, which chooses the backend
from keras import layers, ops

# %% [markdown]
# The eight networks, all with 16 channels at full resolution and with the course's own
# encoder. FCN, U-Net and DeepLab are those of lessons 05, 06 and 09. Everything runs on one
# thread, as in the comparison that is stored with the lesson.

# %%
TITLES = {
    "fcn32": "FCN-32s", "fcn16": "FCN-16s", "fcn8": "FCN-8s", "segnet": "SegNet",
    "unet": "U-Net", "pspnet": "PSPNet", "deeplabv3": "DeepLabv3",
    "deeplabv3plus": "DeepLabv3+",
}  # fmt: skip
eight = {title: NETWORKS[name](13, width=16) for name, title in TITLES.items()}

chosen = 32  # this scene goes with you through the lesson
image = scenes(drives=[1000 + chosen], frames=(0,))[0][0]
assert len(eight) == 8 and image.shape == (96, 128, 3)

# %% [markdown]
# ## Three criteria
#
# - **Accuracy.** How good are the masks, by the measure that your task cares about? It
#   decides where an answer may take its time: a tumour in an MRI scan, a map from a
#   satellite.
# - **Speed.** How long does one answer take? It decides where the world does not wait: a car,
#   a robot, a video.
# - **Memory.** How much does it need, to train and to answer? It decides on a phone, on a
#   drone, and on the graphics card on which you train.
#
# You cannot maximise three things at once. So make **limits** out of two of them, and
# maximise the third among what is left. The Lyft challenge did it that way. Its score falls
# below 10 frames a second and gains nothing above:
#
# $$S = 100 \cdot \frac{F_\text{car} + F_\text{road}}{2} - \max(0,\; 10 - \text{frames per
# second})$$
#
# A network with 40 frames a second is not better there than one with 10. It has time left,
# and a larger network could have used it.


# %%
def challenge_score(car, road, frames_per_second):
    return 100 * (car + road) / 2 - max(0, 10 - frames_per_second)


for frames in (4, 10, 40):
    print(
        f"{frames:>2} frames a second: {challenge_score(0.85, 0.99, frames):.1f} points"
    )
assert challenge_score(0.85, 0.99, 40) == challenge_score(0.85, 0.99, 10)

# %% [markdown]
# ### Three questions about your data
#
# Before the networks, look at the images.
#
# - **How many are labelled?** With few, a pretrained encoder and strong augmentation weigh
#   more than the architecture (lesson 08).
# - **How large are they, and how small is what you look for?** This decides the input size,
#   and with it the cost of everything else.
# - **What do they show?** Photos of streets and rooms look like ImageNet, and an encoder
#   trained there helps. MRI slices or radar images do not; there the help is smaller, and an
#   encoder of your own may do as well.

# %% [markdown]
# ## Count before you run
#
# Three numbers follow from the drawing of a network alone.
#
# - **Parameters.** 4 bytes each in 32 bits. Training needs four times that: weights,
#   gradients, and the two averages of Adam.
# - **Multiplications.** A convolution uses each weight once for each place of its result:
#
# $$\underbrace{k \cdot k \cdot C_\text{in} \cdot C_\text{out}}_\text{weights} \cdot
# \underbrace{H \cdot W}_\text{places}$$
#
# With *groups* (the depthwise convolutions of lesson 09) a kernel sees $C_\text{in}$ / groups
# maps. A transposed convolution counts the places of what goes *in*. Papers that say 'FLOPs'
# often count the additions too, which doubles the number.
# - **Maps.** All values that the convolutions give. Training keeps them for the way back:
#   about two for each convolution, its result and what batch norm and ReLU make of it.

# %% [markdown] tags=["torch"]
# A hook notes the size of the result while a copy of the network runs on the device `meta`.
# There tensors have a shape and no values: nothing is computed, and any size costs nothing.


# %% tags=["torch"]
def parameters(network):
    return sum(p.numel() for p in network.parameters())


def count(network, height, width):
    """Parameters; multiplications and map values for one image."""
    shadow, found = copy.deepcopy(network).to("meta").eval(), []

    def note(layer, given, result):
        transposed = isinstance(layer, nn.ConvTranspose2d)
        places = (given[0] if transposed else result)[0, 0].numel()
        found.append((layer.weight.numel() * places, result[0].numel()))

    for layer in shadow.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(note)
    shadow(torch.zeros(1, 3, height, width, device="meta"))
    return parameters(network), *map(sum, zip(*found, strict=True))


# %% [markdown] tags=["keras"]
# Keras can tell the shape of each layer's result without computing it.


# %% tags=["keras"]
def parameters(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


def count(network, height, width):
    """Parameters; multiplications and map values for one image."""
    convs = [layer for layer in network.layers if hasattr(layer, "kernel")]
    ends = [[layer.input, layer.output] for layer in convs]
    shapes = keras.Model(network.inputs[0], ends).compute_output_shape(
        (1, height, width, 3)
    )
    multiplications = values = 0
    for layer, (given, result) in zip(convs, shapes, strict=True):
        transposed = isinstance(layer, layers.Conv2DTranspose)
        _, rows, columns, _ = given if transposed else result
        multiplications += int(np.prod(layer.kernel.shape)) * rows * columns
        values += int(np.prod(result[1:]))
    return parameters(network), multiplications, values


# %%
counted = {title: count(network, 96, 128) for title, network in eight.items()}
print(f"{'at 96×128':<12}{'parameters':>12}{'multiplications':>18}{'map values':>13}")
for title, numbers in counted.items():
    print(f"{title:<12}{numbers[0]:>12,}{numbers[1]:>18,}{numbers[2]:>13,}")
assert counted["U-Net"] == (1_942_781, 570_949_632, 2_027_520)
assert counted["SegNet"] == (1_773_133, 347_602_944, 1_499_136)
assert counted["PSPNet"] == (2_722_301, 614_985_728, 951_872)

# %% [markdown]
# The eight have between 1.8 and 2.9 million parameters, and yet their multiplications differ
# by a factor of three. The FCNs have *more* parameters than the U-Net and much less to
# compute. The reason is where the work is done: a weight at full resolution is used 12,288
# times, a weight in the middle of the U 48 times.

# %%
print(f"full size {96 * 128:,} places, level 4 {6 * 8} places")
most, least = (f([n[1] for n in counted.values()]) for f in (max, min))
print(f"multiplications: largest / smallest = {most / least:.1f}")
assert 96 * 128 == 12_288 and 6 * 8 == 48 and 2.9 < most / least < 3.1

# %% [markdown]
# So **the number of parameters does not tell you the speed**. It tells how large the file is,
# and hints at how many images the network needs.

# %% [markdown]
# ## Measure
#
# Multiplications are a guide and not a clock. Take the time. Three rules make a time mean
# something:
#
# 1. **Batch 1.** The car has one frame, and it wants the answer before the next.
# 2. **Warm up.** The first runs are slow: memory is fetched, plans are made, graphs are
#    built.
# 3. **The median** of several runs. A mean would count each time another program came in.


# %% tags=["torch"]
def runner(network, height, width):
    """A function that lets the network answer for one frame."""
    frame = torch.rand(1, 3, height, width).to(memory_format=torch.channels_last)
    network.to(memory_format=torch.channels_last).eval()

    @torch.inference_mode()
    def run():
        network(frame)

    return run


# %% tags=["keras"]
def runner(network, height, width):
    """A function that lets the network answer for one frame."""
    frame = np.random.default_rng(0).random((1, height, width, 3), np.float32)
    return lambda: network.predict_on_batch(frame)


# %%
def milliseconds(run, runs=9):
    """Median time of one run, after two to warm up."""
    times = []
    for _ in range(2 + runs):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times[2:])), times


latency, times = {}, {}
for title, network in eight.items():
    latency[title], times[title] = milliseconds(runner(network, 96, 128))
print("FCN-32s, run by run:", " ".join(f"{t:.1f}" for t in times["FCN-32s"]), "ms")

# %% [markdown]
# The first runs of a session are slow, often by far the slowest. Had you measured one of them
# alone, you would have measured the warm-up. Now the eight, against their multiplications:

# %%
figure, axes = figures.canvas(height=4.6)
axis = axes[0, 0]
for title in eight:
    work = counted[title][1] / 1e6
    axis.plot(work, latency[title], "o", color="#0036d1")
    below = title in ("FCN-16s", "DeepLabv3")
    shift = (0, -18) if below else (0, 9)
    if title == "FCN-32s":
        shift = (-34, 0)
    axis.annotate(
        title, (work, latency[title]), shift, textcoords="offset points", ha="center"
    )
axis.set(xlabel="million multiplications", ylabel="ms for one frame of 96×128")
axis.set(xlim=(150, 720), ylim=(0, 1.25 * max(latency.values())))
axis.grid(alpha=0.3)
figures.show(
    figure,
    alt="Eight points, multiplications against milliseconds: "
    + ", ".join(
        f"{t} {counted[t][1] / 1e6:.0f} million, {latency[t]:.1f} ms" for t in eight
    )
    + ".",
)

# %%
rate = {title: counted[title][1] / latency[title] / 1e6 for title in eight}
slowest = max(latency, key=latency.get)
display(
    Markdown(
        f"Read it out loud. On your machine, with one thread, the eight take "
        f"{min(latency.values()):.0f} to **{latency[slowest]:.0f} ms** for a frame of "
        f"96 × 128; the slowest is {slowest}. That is {1000 / latency[slowest]:.0f} "
        f"frames a second and more: at this size the limit of 10 sorts out "
        f"{sum(t > 100 for t in latency.values())} of them. Per millisecond they do "
        f"{min(rate.values()):.0f} to {max(rate.values()):.0f} million "
        f"multiplications. So the count gives the order of size, and no more."
    )
)

# %% [markdown]
# ### How much memory?
#
# Inside a running notebook that is hard to tell: what is freed is kept for the next time. So
# `peak_mib` starts a *process of its own*, runs a few lines in it, and asks the operating
# system for the most that the process ever held. This is the number that a limit of 2 GB is
# about: the framework counts, too.

# %% tags=["torch"]
BEGIN = "from helpers import where; where.set_threads(1); import torch;"
BEGIN += "from helpers.pytorch.networks import NETWORKS; net = NETWORKS['unet'](13);"
ANSWER = BEGIN + "net.eval().requires_grad_(False)(torch.rand(1, 3, {}, {}))"
LEARN = BEGIN + "from helpers.pytorch.train import train;"

# %% tags=["keras"]
BEGIN = "from helpers import where; where.set_threads(1); import numpy as np;"
BEGIN += "from helpers.keras.networks import NETWORKS; net = NETWORKS['unet'](13);"
ANSWER = BEGIN + "net.predict_on_batch(np.zeros((1, {}, {}, 3), np.float32))"
LEARN = BEGIN + "from helpers.keras.train import train;"

# %%
LEARN += "from helpers.streets import scenes;"
LEARN += "train(net, *scenes(range(8), [0]), steps=3, progress=False)"
peak = {
    "no frame yet": peak_mib(BEGIN),
    "answers, 416×608": peak_mib(ANSWER.format(416, 608)),
    "learns, 8 of 96×128": peak_mib(LEARN),
}
values = counted["U-Net"][2]
kept = 2 * values * 4 * 8 / 2**20  # two maps for each convolution, 4 bytes, 8 images
for what, mib in peak.items():
    print(f"U-Net {what:<22}{mib:>7.0f} MiB")
print(f"maps that learning keeps, from the shapes: {kept:.0f} MiB")
assert round(kept) == 124

# %%
idle, answers, learns = peak.values()
display(
    Markdown(
        f"Read it out loud. The framework alone takes **{idle:.0f} MiB**, before it "
        f"has seen a frame. One large frame adds {answers - idle:.0f}. Learning from "
        f"eight small ones adds {learns - idle:.0f}, and not the {kept:.0f} of the "
        f"maps alone: gradients, the averages of Adam, and room to compute in come on "
        f"top."
    )
)

# %% tags=["test"]
assert answers > idle and learns > idle + kept, peak

# %% [markdown]
# So the count of the maps is a lower bound, and it grows with the input and with the batch.
# You see how fast in the section on the input size.

# %% [markdown]
# ## The encoder: fewer layers, faster?
#
# Most segmentation networks stand on an encoder that somebody trained to name photos. Nearly
# any encoder fits under nearly any decoder. The usual ones:
#
# - **VGG-16** (2014): 13 convolutions of 3 × 3 and three dense layers. Plain, wide, and for
#   years the standard start.
# - **ResNet-50** (2015): 50 layers, in blocks whose result is *added* to what came in. So the
#   gradient finds a way past each block, and deep networks can be trained. ResNet-18 is its
#   small sibling.
# - **MobileNetV2** (2018): depthwise separable convolutions, made for phones. Small and with
#   few multiplications, at a small price in accuracy.
# - **Your own**, as in this course: small and to measure. It cannot be had pretrained.
#
# **Take out your answer to question 1.** Count and measure at 224 × 224, the size they were
# trained at, without the layers that name photos:

# %% tags=["torch"]
def encoder(name):
    return Encoder(16) if name == "plain" else ENCODERS[name]()


def convolutions(network):
    return sum(isinstance(layer, nn.Conv2d) for layer in network.modules())


# %% tags=["keras"]
def encoder(name):
    start = keras.Input((None, None, 3))
    return keras.Model(start, make_encoder(start, name, 16)[-1])


def convolutions(network):
    return sum(hasattr(layer, "kernel") for layer in network.layers)


# %%
encoders = {
    "vgg16": "VGG-16", "resnet50": "ResNet-50", "resnet18": "ResNet-18",
    "mobilenet_v2": "MobileNetV2", "plain": "our own, 16",
}  # fmt: skip
weights, work, took, layered = {}, {}, {}, {}
print(f"{'':<13}{'convolutions':>13}{'parameters':>12}{'multiplications':>17}{'ms':>6}")
for name, title in encoders.items():
    network = encoder(name)
    layered[title] = convolutions(network)
    weights[title], work[title], _ = count(network, 224, 224)
    took[title], _ = milliseconds(runner(network, 224, 224), runs=7)
    print(
        f"{title:<13}{layered[title]:>13}{weights[title]:>12,}"
        f"{work[title]:>17,}{took[title]:>6.0f}"
    )
del network
assert set(encoders) == {*ENCODERS, "plain"}
assert work["VGG-16"] == 15_346_630_656 and work["ResNet-50"] == 4_087_136_256
assert work["MobileNetV2"] == 299_494_272 and weights["VGG-16"] == 14_714_688
assert (layered["VGG-16"], layered["ResNet-50"]) == (13, 53)

# %%
figure, axes = figures.canvas(1, 2, height=3.6)
for axis, numbers, label in (
    (axes[0, 0], {t: n / 1e9 for t, n in work.items()}, "billion multiplications"),
    (axes[0, 1], took, "ms for one photo, measured here"),
):
    bars = axis.barh(
        list(numbers), numbers.values(), color="#93afe8", edgecolor="black"
    )
    short = [f"{n:.2g}" if n < 10 else f"{n:.0f}" for n in numbers.values()]
    axis.bar_label(bars, short, padding=4)
    axis.set(xlabel=label, xlim=(0, 1.2 * max(numbers.values())))
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
axes[0, 1].set_yticks([])
figures.show(
    figure,
    alt="Bars for five encoders. Multiplications and milliseconds: "
    + ", ".join(f"{t} {work[t] / 1e9:.2f} billion, {took[t]:.0f} ms" for t in work)
    + ".",
)

# %%
more = work["VGG-16"] / work["ResNet-50"]
speed = {title: work[title] / took[title] / 1e6 for title in work}
longer = took["VGG-16"] / took["ResNet-50"]
fewer = work["ResNet-50"] / work["MobileNetV2"]
assert round(more, 1) == 3.8 and round(fewer) == 14
display(
    Markdown(
        f"Read it out loud. VGG-16 has a quarter of ResNet-50's convolutions and "
        f"**{more:.1f} times** its multiplications. On your machine it takes "
        f"{took['VGG-16']:.0f} ms, ResNet-50 {took['ResNet-50']:.0f} ms: "
        f"**{longer:.1f} times** as long. MobileNetV2 has {fewer:.0f} times fewer "
        f"multiplications than ResNet-50, but does {speed['MobileNetV2']:.0f} million "
        f"of them in a millisecond, where VGG-16 does {speed['VGG-16']:.0f} million."
    )
)

# %% [markdown]
# That was question 1. A layer is no unit of work. VGG's first ones are wide and at full
# resolution, and all are 3 × 3. ResNet halves twice before its first block, and its 1 × 1
# convolutions narrow the maps before each 3 × 3. (Why 53 convolutions in a ResNet-50? 49 on
# the main path and the dense layer make its 50 layers. Four more, 1 × 1, stand on the
# shortcuts, where sizes change. The names count no shortcuts.)
#
# And a multiplication is no unit of time either. Large plain convolutions keep the processor
# busy. Depthwise ones do few multiplications for each value that they fetch, and wait for the
# memory. On a large graphics card with one small image the *number* of layers can matter more
# than their size, for each has to be started. So: count first, then measure **on the machine
# that will run it**.

# %% [markdown]
# ### What you will read elsewhere
#
# You will find that ResNet reached 96.4 % in the ImageNet contest of 2016 and VGG-16 92.7 %
# in that of 2013, and that VGG trains much faster because it has fewer layers. Three things
# are wrong with that.
#
# - The years. VGG took part in ILSVRC 2014, ResNet won in 2015.
# - The measure. Both are **top-5** figures: an answer counts when the right name is among
#   *five* guesses out of 1000. And both are of an ensemble of several networks.
# - The speed. You have just measured it.

# %%
top_5_error = {"ResNet, ILSVRC 2015": 3.57, "VGG, ILSVRC 2014": 7.3}  # percent
for entry, error in top_5_error.items():
    print(f"{entry}: {100 - error:.1f} % top-5")
assert [round(100 - e, 1) for e in top_5_error.values()] == [96.4, 92.7]

# One network, one crop, one guess; as published with torchvision's weights of each.
top_1 = {"VGG-16": 71.6, "ResNet-50": 76.1, "ResNet-18": 69.8, "MobileNetV2": 71.9}
for title, share in top_1.items():
    print(f"{title:<12}{share:>6} % top-1 for {work[title] / 1e9:5.2f} billion")

# %% [markdown]
# The last table is read, not measured here. It says: MobileNetV2 is as good as VGG-16, for a
# fiftieth of the multiplications.

# %%
print(f"VGG-16 / MobileNetV2: {work['VGG-16'] / work['MobileNetV2']:.0f} times")
assert round(work["VGG-16"] / work["MobileNetV2"]) == 51

# %% [markdown]
# ## SegNet: remember only where
#
# SegNet (Badrinarayanan, Kendall and Cipolla 2015) is a U without the bars across. Each
# max-pool notes *where* in its 2 × 2 window the maximum was. On the way up each value goes
# back to that place, with zeros around it, and convolutions fill the gaps. There are **no
# skip connections** and nothing is learnt in the up-sampling itself. Encoder and decoder are
# mirror images.
#
# You know the pair from lesson 04. Once more, on a real scene: red channel, pooled, and put
# back.


# %%
def pool_with_places(x):
    """H×W to the maxima of 2×2 windows, and 1 where each was (the first, if equal)."""
    height, width = x.shape
    windows = x.reshape(height // 2, 2, width // 2, 2).transpose(0, 2, 1, 3)
    windows = windows.reshape(height // 2, width // 2, 4)
    places = np.eye(4)[windows.argmax(-1)].reshape(height // 2, width // 2, 2, 2)
    return windows.max(-1), places.transpose(0, 2, 1, 3).reshape(height, width)


def unpool(x, places):
    return x.repeat(2, 0).repeat(2, 1) * places


red = image[..., 0].astype(float)
small, places = pool_with_places(red)
back = unpool(small, places)
assert small.shape == (48, 64) and places.sum() == small.size
assert (back[places == 1] == red[places == 1]).all() and (back > 0).mean() <= 0.25

# %%
figures.grid(
    [
        x.astype(np.uint8)[20:60, 20:80]
        for x in (red, small.repeat(2, 0).repeat(2, 1), back)
    ],
    ["before pooling", "pooled, copied back", "pooled, put back in place"],
    alt="Three grey pictures of the same piece of a scene. Before pooling, sharp. "
    "Pooled and copied back: in blocks of 2 by 2. Put back in place: three of four "
    "pixels are black, the others stand exactly where the maxima were.",
    classes=None,
)

# %% [markdown]
# What does it save? A U-Net hands whole maps across, 32 bits for each value. A window has
# four values, and to say which of them was the largest takes 2 bits.

# %%
levels = [(16, 96, 128), (32, 48, 64), (64, 24, 32), (128, 12, 16)]
map_values = sum(channels * height * width for channels, height, width in levels)
as_maps = 32 * map_values / 8
as_places = 2 * map_values / 4 / 8
as_int64 = 64 * map_values / 4 / 8
print(f"skips of the U-Net {as_maps:,.0f} bytes, places {as_places:,.0f} bytes")
print(f"{as_maps / as_places:.0f} times less")
print(f"as 64-bit numbers {as_int64:,.0f} bytes: {as_maps / as_int64:.0f} times less")
assert map_values == 368_640 and as_maps / as_places == 64 and as_maps / as_int64 == 2

# %% [markdown]
# 64 times less, on paper. PyTorch stores each place as a 64-bit number, which leaves a factor
# of 2. A saving counts when the program makes it, too. And in training everything is kept
# anyway, for the way back.

# %% [markdown]
# ### SegNet, written out
#
# `double_conv` is the pair of 3 × 3 convolutions of lessons 05 and 06.


# %% tags=["torch"]
class MySegNet(nn.Module):
    def __init__(self, classes, width=16, depth=5):
        super().__init__()
        widths = [width * 2**level for level in range(depth)]  # 16, 32, … 256
        self.down = nn.ModuleList(map(double_conv, [3, *widths[:-1]], widths))
        mirrored = [(w, max(w // 2, width)) for w in reversed(widths)]
        self.up = nn.ModuleList(double_conv(*pair) for pair in mirrored)
        self.head = nn.Conv2d(width, classes, 1)
        initialize(self)

    def forward(self, x):
        places = []
        for block in self.down:
            x, where_from = F.max_pool2d(block(x), 2, return_indices=True)
            places.append(where_from)
        for block in self.up:
            x = block(F.max_unpool2d(x, places.pop(), 2))
        return self.head(x)


# %% tags=["keras"]
class Places(layers.Layer):
    """1 where the maximum of each 2×2 window is, else 0; of equal ones the first."""

    def call(self, x):
        height, width = ops.shape(x)[1:3]
        channels = x.shape[-1]
        windows = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
        windows = ops.transpose(windows, (0, 1, 3, 2, 4, 5))
        windows = ops.reshape(windows, (-1, height // 2, width // 2, 4, channels))
        first = ops.one_hot(ops.argmax(windows, axis=3), 4, axis=3)
        first = ops.reshape(first, (-1, height // 2, width // 2, 2, 2, channels))
        first = ops.transpose(first, (0, 1, 3, 2, 4, 5))
        return ops.reshape(first, (-1, height, width, channels))

    def compute_output_shape(self, shape):
        return shape


# %% [markdown] tags=["keras"]
# That is `pool_with_places`, for N × H × W × C. `UpSampling2D` copies each value to its
# window, and the product with the places leaves one of the four.


# %% tags=["keras"]
def my_segnet(classes, width=16, depth=5):
    x = start = keras.Input((None, None, 3))
    places = []
    for level in range(depth):
        x = double_conv(x, width * 2**level, name=f"down_{level}")
        places.append(Places()(x))
        x = layers.MaxPooling2D(2)(x)
    for level in range(depth):
        x = layers.Multiply()([layers.UpSampling2D(2)(x), places.pop()])
        x = double_conv(x, max(x.shape[-1] // 2, width), name=f"up_{level}")
    return keras.Model(start, conv(x, classes, 1, "head"))


# %% [markdown]
# Is it the network of the package? The same number of parameters, and with the package's
# weights the same logits:


# %% tags=["torch"]
def hold_against(mine, theirs):
    """Carries weights over; the largest difference of the logits for a scene."""
    assert parameters(mine) == parameters(theirs)
    values = theirs.state_dict().values()
    mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
    with torch.inference_mode():
        x = tensor(image[None])
        return (mine.eval()(x) - theirs.eval()(x)).abs().max().item()


difference = hold_against(MySegNet(13), eight["SegNet"])
print(f"SegNet: {parameters(eight['SegNet']):,} parameters, differ by {difference:.1e}")
assert difference < 1e-4


# %% tags=["keras"]
def hold_against(mine, theirs):
    """Carries weights over; the largest difference of the logits for a scene."""
    assert parameters(mine) == parameters(theirs)
    mine.set_weights(theirs.get_weights())
    x = image[None] / np.float32(255)
    mine, theirs = (np.asarray(net(x, training=False)) for net in (mine, theirs))
    return np.abs(mine - theirs).max()


difference = hold_against(my_segnet(13), eight["SegNet"])
print(f"SegNet: {parameters(eight['SegNet']):,} parameters, differ by {difference:.1e}")
assert difference < 1e-4

# %% [markdown]
# ## PSPNet: look at the whole scene
#
# A grey patch of 30 pixels: road, wall or sky? Nobody can say without the rest of the scene.
# The Pyramid Scene Parsing Network (Zhao and others 2016) gives that rest to every pixel. It
# averages the encoder's maps over the whole image, over 2 × 2 bins, over 3 × 3 and over 6 ×
# 6. Each of the four passes a 1 × 1 convolution, is enlarged to the size of the maps, and is
# laid beside them. So a pixel knows at once what is here, what is around, and what scene this
# is.
#
# See it on the image itself, in place of the maps:


# %%
def bin_means(maps, side):
    """The means of side×side bins, H×W×C to side×side×C; bins may share rows."""

    def cut(maps, axis):  # bin i goes from i·n/side, rounded down, to (i+1)·n/side, up
        n = maps.shape[axis]
        ends = [(i * n // side, -(-(i + 1) * n // side)) for i in range(side)]
        return [maps.take(range(*pair), axis).mean(axis) for pair in ends]

    return np.stack(cut(np.stack(cut(maps, axis=0)), axis=1), axis=1)


# %%
sides = (1, 2, 3, 6)
pyramid = [bin_means(image.astype(float), side) for side in sides]
assert np.allclose(pyramid[0][0, 0], image.mean((0, 1)))
figures.grid(
    [
        image,
        *(resize_mask(means.round().astype(np.uint8), 96, 128) for means in pyramid),
    ],
    ["the scene", *(f"{side} × {side} bins" for side in sides)],
    alt="A street scene, and its mean colours in 1 by 1, 2 by 2, 3 by 3 and 6 by 6 "
    "bins. With 1 the whole is one colour; with 6 one makes out sky, houses and road.",
    classes=None,
    columns=5,
)

# %% [markdown]
# (`-(-a // b)` divides and rounds up. With 16 columns and 6 bins a column may count in two
# bins; both frameworks do it that way.)
#
# The finer bins tell what is near, the coarse ones what kind of scene it is. Small things are
# caught by the fine bins, large ones by the coarse.

# %% [markdown]
# ### PSPNet, written out
#
# The encoder is the dilated one of lesson 09: from ⅛ of the size on it dilates its kernels in
# place of halving, so that the maps stay fine enough for bins.


# %% tags=["torch"]
class MyPSPNet(nn.Module):
    def __init__(self, classes, width=16, bins=(1, 2, 3, 6)):
        super().__init__()
        self.encoder, self.bins = Encoder(width, output_stride=8), bins
        maps = self.encoder.widths[-1]  # 256
        each = maps // len(bins)  # 64 for each level of the pyramid
        self.pyramid = nn.ModuleList(
            # one value for each map is too few for the statistics of a batch norm
            conv_norm_relu(maps, each, 1, norm=side > 1)
            for side in bins
        )
        self.mix = conv_norm_relu(2 * maps, 4 * width)
        self.head = nn.Conv2d(4 * width, classes, 1)
        initialize(self)

    def forward(self, image):
        x = self.encoder(image)[-1]
        beside = [x]
        for side, block in zip(self.bins, self.pyramid, strict=True):
            means = block(F.adaptive_avg_pool2d(x, side))
            beside.append(F.interpolate(means, size=x.shape[-2:], mode="bilinear"))
        logits = self.head(self.mix(torch.cat(beside, dim=1)))
        return F.interpolate(logits, size=image.shape[-2:], mode="bilinear")


# %% tags=["keras"]
def my_pspnet(classes, width=16, bins=(1, 2, 3, 6)):
    start = keras.Input((None, None, 3))
    x = make_encoder(start, "plain", width, output_stride=8)[-1]
    each = x.shape[-1] // len(bins)  # 64 for each level of the pyramid
    beside = [x]
    for n, side in enumerate(bins):
        means = Average(side)(x)
        # one value for each map is too few for the statistics of a batch norm
        means = conv_norm_relu(means, each, 1, norm=side > 1, name=f"pyramid_{n}")
        beside.append(Resize()(means, x))
    x = conv_norm_relu(layers.Concatenate()(beside), 4 * width, name="mix")
    x = conv(x, classes, 1, "head")
    return keras.Model(start, Resize()(x, start))


# %% [markdown] tags=["keras"]
# `Average` is `bin_means` as a layer, and `Resize` interpolates. Both are the package's.

# %% tags=["torch"]
maps = np.random.default_rng(0).random((12, 16, 4), np.float32)
theirs = F.adaptive_avg_pool2d(torch.from_numpy(maps).permute(2, 0, 1)[None], 6)[0]
assert np.allclose(bin_means(maps, 6), theirs.permute(1, 2, 0).numpy(), atol=1e-6)
difference = hold_against(MyPSPNet(13), eight["PSPNet"])
print(f"PSPNet: {parameters(eight['PSPNet']):,} parameters, differ by {difference:.1e}")
assert difference < 1e-4

# %% tags=["keras"]
maps = np.random.default_rng(0).random((12, 16, 4), np.float32)
theirs = np.asarray(Average(6)(maps[None]))[0]
assert np.allclose(bin_means(maps, 6), theirs, atol=1e-6)
difference = hold_against(my_pspnet(13), eight["PSPNet"])
print(f"PSPNet: {parameters(eight['PSPNet']):,} parameters, differ by {difference:.1e}")
assert difference < 1e-4

# %% [markdown]
# ### Why PSPNet likes large inputs
#
# The authors' network for PASCAL VOC takes 473 × 473 pixels, the one for Cityscapes 713 × 713.
# Count what a bin sees there, and here:

# %%
for height, width in ((473, 473), (96, 128)):
    rows, columns = -(-height // 8), -(-width // 8)
    print(
        f"{height}×{width}: maps {rows}×{columns}, a bin of 6×6 has "
        f"{rows / 6:.1f}×{columns / 6:.1f} values and covers "
        f"{height / 6:.0f}×{width / 6:.0f} pixels"
    )
assert (-(-473 // 8), 96 // 8, 128 // 8) == (60, 12, 16)

# %% [markdown]
# With 60 × 60 maps a bin is a mean of 100 values. With 12 × 16 it is a mean of about five:
# hardly more than the map itself. That is the reason for the advice to give PSPNet about 500
# × 500 pixels. Below that the pyramid has little to sum up, and the ×8 at the end costs
# borders.

# %% [markdown]
# ## RefineNet and the Global Convolutional Network
#
# Two more that you will meet in papers. You don't build them; the idea of each fits in a
# drawing.
#
# **RefineNet** (Lin and others 2016) goes up in small careful steps. It takes the maps of a
# ResNet at four sizes. At each size a *RefineNet block* lets the finer maps and what came
# from below pass residual convolutions, brings both to the finer size, **adds** them, and
# gathers context by *chained residual pooling*: 5 × 5 max-pools with stride 1, a convolution
# behind each, one after the other, and each result is added. There are short ways past nearly
# everything, as in a ResNet, so the gradient easily reaches the early layers.
#
# **The Global Convolutional Network** (Peng and others 2017) starts from a conflict. To name
# a thing, you want to see all of it: a *large* kernel. To place it, you want a convolution
# and no dense layer. So: a convolution with a kernel nearly as large as the map. That is
# dear, so it is made of strips: k × 1 after 1 × k, plus 1 × k after k × 1. A small residual
# block then sharpens the borders.


# %%
def box(axis, x, y, text, colour):
    style = dict(boxstyle="round,pad=0.4", facecolor=colour, edgecolor="black")
    axis.text(x, y, text, ha="center", va="center", fontsize=10.5, bbox=style)


def arrow(axis, start, end):
    look = dict(arrowstyle="->", linewidth=1.6, shrinkA=27, shrinkB=27)
    axis.annotate("", end, start, arrowprops=look)


def draw(axis, boxes, arrows, title):
    for name, (x, y, colour) in boxes.items():
        box(axis, x, y, name, colour)
    for start, end in arrows:
        arrow(axis, boxes[start][:2], boxes[end][:2])
    axis.set(title=title, xlim=(-0.7, 3.7), ylim=(-0.5, 3.5))
    axis.set_axis_off()


# %%
ENC, DEC, OUT = "#dfe8fb", "#e3f3e3", "#fbeedd"
refine = {f"maps\n1/{4 * 2**n}": (n, 3, ENC) for n in range(4)}
refine |= {f"refine\n1/{4 * 2**n}": (n, 1.5, DEC) for n in range(4)}
refine["scores"] = (0, 0, OUT)
ways = [(f"maps\n1/{n}", f"refine\n1/{n}") for n in (4, 8, 16, 32)]
ways += [(f"maps\n1/{n}", f"maps\n1/{2 * n}") for n in (4, 8, 16)]
ways += [(f"refine\n1/{2 * n}", f"refine\n1/{n}") for n in (4, 8, 16)]
strips = {
    "maps of one size": (1.5, 3.2, ENC),
    "1 × k": (0.5, 2.2, DEC), "k × 1": (2.5, 2.2, DEC),
    "k × 1 ": (0.5, 1.2, DEC), "1 × k ": (2.5, 1.2, DEC),
    "sum: scores": (1.5, 0.2, OUT),
}  # fmt: skip

# %%
names = list(strips)
flow = ((0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5))
flow = [(names[a], names[b]) for a, b in flow]
figure, axes = figures.canvas(1, 2, height=4.4)
draw(axes[0, 0], refine, [*ways, ("refine\n1/4", "scores")], "RefineNet")
draw(axes[0, 1], strips, flow, "one global convolution")
figures.show(
    figure,
    alt="Two drawings. RefineNet: maps of a quarter to a thirty-second of the size, "
    "under each a refine block; each block also gets the result of the next coarser "
    "one, and the finest gives the scores. Global convolution: maps go through 1 by k "
    "then k by 1, and beside it through k by 1 then 1 by k; the sum is the scores.",
)

# %% [markdown]
# What do the strips save? Take k = 15, 256 maps in, 21 classes out.

# %%
k, before, classes = 15, 256, 21
full = k * k * before * classes
strips = 2 * (k * before * classes + k * classes * classes)
print(f"k × k: {full:,} weights; strips: {strips:,}; {full / strips:.1f} times fewer")
assert (full, strips) == (1_209_600, 174_510)

# %% [markdown]
# And what do they lose? Follow one map in and one map out. A column of weights after a row of
# weights acts like one kernel, their outer product, and that has rank 1. With one map in
# between, the two branches together have rank 2 of 15. With 21 maps in between, 21 such
# products add up:

# %%
random = np.random.default_rng(0)


def kernel_of_strips(between):
    """What two branches of strips do to one map: a sum of outer products, k×k."""
    products = random.normal(size=(2 * between, 2, k))
    return sum(np.outer(column, row) for column, row in products)


kernels = [kernel_of_strips(1), kernel_of_strips(21), random.normal(size=(k, k))]
ranks = np.linalg.matrix_rank(np.stack(kernels))
print("rank with 1 map between, with 21, and of a free kernel:", ranks)
assert ranks.tolist() == [2, 15, 15]

# %% [markdown]
# So each single kernel may become anything. Only not each for itself: all 256 × 21 kernels are
# mixed from the same strips, and a seventh of the weights must do for all of them. They still
# reach over all 15 × 15 places. DeepLab's dilation makes the opposite bargain: free weights,
# but few places.

# %% [markdown]
# ## One short run
#
# Your SegNet and your PSPNet beside a U-Net: 8 channels, 400 steps with batches of 8, the
# same scenes in the same order, the same loss (cross-entropy + Dice). So that it is over
# soon, the scenes have 48 × 64 pixels, and SegNet halves four times, as the U-Net does. First
# the baseline without a model: the class that was there most often at each pixel.

# %%
images, masks = scenes(range(120), (0, 20, 40), height=48, width=64)
new_images, new_masks = scenes(range(1000, 1040), (0,), height=48, width=64)
often = np.stack([(masks == k).sum(0) for k in range(13)], -1)
answers = {"no model": np.broadcast_to(argmax(often), new_masks.shape)}


def short_run(title, network):
    start = time.perf_counter()
    train(network, images, masks, steps=400, learning_rate=0.01)
    took = time.perf_counter() - start
    print(f"{title}: {parameters(network):,} parameters, {took:.0f} s")
    answers[title] = predict_masks(network, new_images)


# %% tags=["torch"]
torch.manual_seed(0)
short_run("SegNet", MySegNet(13, width=8, depth=4))

# %% tags=["torch"]
torch.manual_seed(0)
short_run("PSPNet", MyPSPNet(13, width=8))

# %% tags=["keras"]
keras.utils.set_random_seed(0)
short_run("SegNet", my_segnet(13, width=8, depth=4))

# %% tags=["keras"]
keras.utils.set_random_seed(0)
short_run("PSPNet", my_pspnet(13, width=8))

# %% [markdown]
# **Predict first** (question 2): what will SegNet make of the lines? The U-Net, for
# comparison:

# %% tags=["torch"]
torch.manual_seed(0)
short_run("U-Net", NETWORKS["unet"](13, width=8))

# %% tags=["keras"]
keras.utils.set_random_seed(0)
short_run("U-Net", NETWORKS["unet"](13, width=8))

# %%
figures.grid(
    [new_images[chosen], new_masks[chosen], *(m[chosen] for m in answers.values())],
    ["scene", "truth", *answers],
    alt="A new scene, its true mask, the baseline without a model, and the answers of "
    "SegNet, PSPNet and U-Net after 400 steps. All three find sky, road and trees. "
    "PSPNet's borders are smooth; SegNet's and U-Net's follow the pixels.",
    columns=3,
)

# %%
iou = {title: Confusion().add(new_masks, mask).iou() for title, mask in answers.items()}
lines = LYFT.id("RoadLines")
for title, values in iou.items():
    print(
        f"{title:<9} mean IoU {np.nanmean(values):.3f}, RoadLines {values[lines]:.3f}"
    )

# %% tags=["test"]
mean = {title: np.nanmean(values) for title, values in iou.items()}
assert mean["no model"] < min(mean[t] for t in ("SegNet", "PSPNet", "U-Net")), mean
assert iou["U-Net"][lines] > 0.15, iou

# %% [markdown]
# One run of each, narrow and with few steps: look, and don't conclude. Thin lines come late.
# The stored comparison further down has three seeds, wider networks, larger scenes and many
# more steps, and there SegNet's lines may surprise you.

# %% [markdown]
# ## The size of the input
#
# Few choices move speed and memory as much as the size of the input. Common sizes are between
# 200 and 600 pixels a side. **Take out your answer to question 3**: double both sides.

# %%
small_size, double_size = (
    count(eight["U-Net"], *size) for size in ((96, 128), (192, 256))
)
slow, _ = milliseconds(runner(eight["U-Net"], 192, 256))
grown = [b / a for a, b in zip(small_size, double_size, strict=True)]
for what, factor in zip(("parameters", "multiplications", "maps"), grown, strict=True):
    print(f"{what:<16} × {factor:.0f}")
print(f"{'time':<16} × {slow / latency['U-Net']:.1f}, measured")
assert grown == [1, 4, 4]

# %% [markdown]
# Parameters × 1, multiplications × 4, maps × 4. The weights do not know how large the image
# is. The time follows the multiplications, roughly.
#
# An example of a library's front page: a U-Net on VGG-16, images of **416 × 608**, **51
# classes**. What does it ask for?

# %%
front_page = NETWORKS["unet"](51, width=16, encoder="vgg16")
weights, multiplications, values = count(front_page, 416, 608)
logits = 51 * 416 * 608
print(f"{weights:,} parameters, {multiplications / 1e9:.0f} billion multiplications")
print(f"logits of one image: {logits:,} values, {4 * logits / 1e6:.0f} MB")
for batch in (1, 2, 8):
    print(
        f"maps kept in training, batch {batch}: {2 * 4 * values * batch / 1e9:.1f} GB"
    )
del front_page
assert logits == 12_899_328 and 416 % 32 == 608 % 32 == 0
assert round(4 * logits / 1e6) == 52

# %% [markdown]
# The logits alone take 52 MB for each image, and the loss makes more maps of that size. With
# a batch of 8 the training does not fit into 2 GB, nor with 2: weights and framework come on
# top. What can you do? Take one image at a time, crops, or an encoder with fewer maps at full
# size. Fewer *parameters* alone do not help: it is the maps that fill the memory.
#
# 416 and 608 are no accident: both are divisible by 32, which five halvings need. 200, 500
# and 600 are not.

# %%
sides = [side for side in range(200, 601) if side % 32 == 0]
print("multiples of 32 from 200 to 600:", sides)
assert {200, 500, 600}.isdisjoint(sides) and len(sides) == 12
memory = {}
for title in ("FCN-8s", "SegNet", "U-Net", "PSPNet"):
    kept = [2 * 4 * 8 * count(eight[title], side, side)[2] / 2**30 for side in sides]
    memory[title] = sides, kept
figures.curves(
    memory,
    alt="The memory for the maps in training with batches of 8, against the side of a "
    "square input from 224 to 576 pixels. All four curves bend upwards; the U-Net's is "
    f"the highest, up to {memory['U-Net'][1][-1]:.1f} GiB, the FCN's the lowest.",
    xlabel="side of the input, pixels",
    ylabel="GiB for the maps, batch of 8",
)

# %% [markdown]
# ### What does a larger input bring?
#
# Shrink the *true* mask to the input size, enlarge it again, and judge it at 384 × 512. That
# is about the best that an answer in pixels of that size can reach:

# %%
wide = [scene(drive, frame=0, height=384, width=512) for drive in range(1000, 1008)]
wide_masks = [remove_hood(mask) for _, mask in wide]
sizes = [(48, 64), (96, 128), (192, 256), (288, 384)]
ceiling = {}
for size in sizes:
    found = Confusion()
    for mask in wide_masks:
        found.add(mask, resize_mask(resize_mask(mask, *size), 384, 512))
    ceiling[size] = found.iou()
heights = [height for height, _ in sizes]
watched = ("Roads", "Vehicles", "RoadLines", "Poles", "Pedestrians")
best = {n: [ceiling[size][LYFT.id(n)] for size in sizes] for n in watched}
figures.curves(
    {name: (heights, values) for name, values in best.items()},
    alt="The IoU of the true mask after shrinking to some height, for five classes. "
    "Roads are above 0.9 at every height. "
    + " ".join(
        f"{n}: {best[n][0]:.2f} at 48, {best[n][-1]:.2f} at 288." for n in watched[2:]
    ),
    xlabel="height of the input, pixels",
    ylabel="IoU of the true mask, shrunk",
)

# %%
pole = best["Poles"]
print(f"Roads {best['Roads'][0]:.2f} at 48×64, {best['Roads'][-1]:.2f} at 288×384")
print(
    f"Poles {pole[0]:.2f} at 48×64, {pole[1]:.2f} at 96×128, {pole[-1]:.2f} at 288×384"
)
assert best["Roads"][0] > 0.85 and pole[0] < 0.65 and pole[-1] > 0.85

# %% [markdown]
# The road does not need many pixels. A pole does. So: **many objects in the image want a
# larger input**, because where there are many, most are small. Few large things do with a
# small one.

# %% [markdown]
# ### Larger inputs want deeper models
#
# Enlarge the image, and each thing in it has more pixels. But the network sees as many pixels
# as before. How many? Add up for the lowest level of a U-Net with d halvings: two 3 × 3
# convolutions at level $l$ widen the field by $4 \cdot 2^l$, a pool by $2^l$.
#
# $$r = 1 + \sum_{l=0}^{d-1} (4 + 1) \cdot 2^l + 4 \cdot 2^d = 9 \cdot 2^d - 4$$


# %%
def field(depth):
    """The side of what one value at the bottom of a U-Net sees, in pixels."""
    return 1 + sum(5 * 2**level for level in range(depth)) + 4 * 2**depth


fields = {depth: field(depth) for depth in (3, 4, 5, 6)}
print(fields)
assert fields == {3: 68, 4: 140, 5: 284, 6: 572}
assert all(r == 9 * 2**depth - 4 for depth, r in fields.items())

# %%
from matplotlib.patches import Rectangle

big, _ = scene(1000 + chosen, frame=0, height=416, width=608)
figure, axes = figures.canvas(1, 3, height=2.8)
for axis, (height, width) in zip(
    axes[0], ((96, 128), (208, 304), (416, 608)), strict=True
):
    axis.imshow(resize_image(big, height, width))
    for depth, dash in ((4, "-"), (5, "--"), (6, ":")):
        side = fields[depth]
        corner = (width - side) / 2, (height - side) / 2
        for ink, thick in (("black", 4), ("white", 2)):
            look = dict(color=ink, linewidth=thick, linestyle=dash)
            axis.add_patch(Rectangle(corner, side, side, fill=False, **look))
    axis.set(title=f"{height}×{width}", xticks=[], yticks=[])
    axis.set(xlim=(0, width), ylim=(height, 0))
figures.show(
    figure,
    alt="One scene at three input sizes. Squares show what the bottom of a U-Net with "
    "4, 5 and 6 halvings sees. At 96 by 128 the square of 4 halvings is larger than "
    "the scene; at 208 by 304 it covers the middle; at 416 by 608 a small part of it.",
    caption="solid: 4 halvings, 140 pixels; dashed: 5, 284; dotted: 6, 572",
)

# %% [markdown]
# At 96 × 128 four halvings see everything, at least from the middle. At 416 × 608 they see a
# third of the height, and a house nearby is a wall without an end. One more level doubles the
# field:

# %%
deeper = {d: count(NETWORKS["unet"](13, width=16, depth=d), 416, 608) for d in (4, 5)}
more_weights, more_work, _ = np.divide(deeper[5], deeper[4])
print(f"parameters × {more_weights:.1f}, multiplications × {more_work:.2f}")
assert round(more_weights, 1) == 4.0 and more_work < 1.3

# %% [markdown]
# Four times the parameters, and about a quarter more work: the level is small and wide.
# Deeper is not the only way. Dilation (lesson 09) and a pyramid widen the field, too. And the
# field is only an upper bound: what counts most lies in the middle of it.

# %% [markdown]
# ## Eight networks, three seeds, equal time
#
# The comparison that was stored with the lesson: each network with 16 channels, 1200 scenes
# of 96 × 128, three minutes on one core, three seeds. A network with slower steps got fewer
# of them. The FCNs and the U-Net ran for lesson 05, the others later with the same code.
# Their minutes were set by the same clock: the first four were timed again beside them.

# %%
stored = {}
for name in ("ranking", "choosing"):
    found = json.loads(where.stored(f"results/{name}.json").read_text())
    stored |= {row: np.array(values) for row, values in found["values"].items()}
    print(f"{found['what']}\n  written by: {found['command']}, seeds {found['seeds']}")
measures = ["mean IoU", "IoU of RoadLines", "boundary F1"]
runs = {(t, m): stored[f"{t}: {m}"] for t in eight for m in measures}
blind = stored["no model: mean IoU"].mean()
assert all(len(run) == 3 for run in runs.values())

# %%
rows = ["| | parameters | steps | " + " | ".join(measures) + " |", "|---|" + "--:|" * 5]
for title in eight:
    cells = [f"{counted[title][0]:,}", f"{stored[f'{title}: steps'].mean():,.0f}"]
    for measure in measures:
        run = runs[title, measure]
        cells.append(f"**{run.mean():.3f}** ({run.min():.3f} to {run.max():.3f})")
    rows.append(f"| {title} | " + " | ".join(cells) + " |")
rows.append(f"| one class everywhere, no model | 0 | 0 | {blind:.3f} | | |")
display(Markdown("\n".join(rows)))

# %% [markdown]
# Bold is the mean of three seeds; in brackets are the smallest and the largest run. The
# baseline names one class everywhere. (The most frequent class at each place does better, as in
# the short run.) The table as a picture:

# %%
figure, axes = figures.canvas(1, 3, height=5)
for axis, measure in zip(axes[0], measures, strict=True):
    for n, title in enumerate(eight):
        each = runs[title, measure]
        ends = [[each.mean() - each.min()], [each.max() - each.mean()]]
        axis.barh(n, each.mean(), color="#93afe8", edgecolor="black")
        axis.errorbar(each.mean(), n, xerr=ends, color="black", capsize=5)
        place = dict(xytext=(7, 0), textcoords="offset points", va="center")
        axis.annotate(f"{each.mean():.3f}", (each.max(), n), fontsize=11, **place)
    axis.set(title=measure, xlim=(0, 1), xticks=[0, 0.5, 1])
    axis.set_yticks(range(8), list(eight) if axis is axes[0, 0] else [])
    axis.invert_yaxis()
axes[0, 0].axvline(blind, color="black", linestyle=":")
figures.show(
    figure,
    alt="Bars for eight networks, the mean of three seeds. " + " ".join(
        f"{m}: " + ", ".join(f"{t} {runs[t, m].mean():.3f}" for t in eight) + "."
        for m in measures
    ),
    caption="bar: mean; whiskers: smallest and largest run; dotted: no model",
)  # fmt: skip

# %% [markdown]
# When is one *clearly* ahead of another? Here: when each of its runs beats every run of the
# other. If two networks are equally good, that happens by chance in one of twenty cases, and
# the other way round in another one. There are 28 pairs in this table. So don't pick a single
# pair and trust it.


# %%
def clear(better, worse, measure):
    """Whether each run of the one beats every run of the other."""
    return runs[better, measure].min() > runs[worse, measure].max()


for measure in measures:
    means = {title: runs[title, measure].mean() for title in eight}
    order = sorted(means, key=means.get, reverse=True)
    level = [t for t in order[1:] if not clear(order[0], t, measure)]
    beside = (
        f"; not clearly behind: {', '.join(level)}" if level else "; all clearly behind"
    )
    print(f"{measure}: {order[0]} {means[order[0]]:.3f}{beside}")
ways = 6 * 5 * 4 // (3 * 2 * 1)  # to choose which 3 of 6 runs are the best
print(f"chance that 3 runs all beat 3 others of the same kind: 1 in {ways}")
assert ways == 20 and 8 * 7 // 2 == 28

# %%
lines, level = measures[1], measures[0]
means = {key: run.mean() for key, run in runs.items()}


def against_the_u_net(title, measure):
    gap = means[title, measure] - means["U-Net", measure]
    if clear("U-Net", title, measure) or clear(title, "U-Net", measure):
        return f"{gap:+.3f}"
    return f"{gap:+.3f} (not clear)"


others = "; ".join(
    f"{title} {against_the_u_net(title, level)} and {against_the_u_net(title, lines)}"
    for title in ("PSPNet", "DeepLabv3", "DeepLabv3+")
)
display(
    Markdown(
        f"Read it out loud. Question 2: IoU of the road lines, FCN-32s "
        f"{means['FCN-32s', lines]:.3f}, **SegNet {means['SegNet', lines]:.3f}**, "
        f"FCN-8s {means['FCN-8s', lines]:.3f}, U-Net {means['U-Net', lines]:.3f}. "
        f"Question 4: against the U-Net, by mean IoU and by road lines: {others}."
    )
)

# %% [markdown]
# Question 2: nearly as many as the U-Net. SegNet reaches five sixths of its IoU of the lines.
# Once it has learnt for long enough, the places of the maxima alone bring thin things back. Its
# *mean* IoU is low all the same, only the FCN-32s has a lower one: to know where is not to know
# what.
#
# Question 4: no. PSPNet and DeepLabv3 are behind the U-Net by both measures. The likely reason:
# in scenes of 96 × 128 there is little that an encoder doesn't see anyway, and the ×8 at the
# end costs lines and borders. DeepLabv3+ has one finer map on the way up. By mean IoU it is
# level with the U-Net; the lines it finds less well.

# %%
assert abs(means["SegNet", lines] / means["U-Net", lines] - 5 / 6) < 0.01
assert sorted(eight, key=lambda t: means[t, level]).index("SegNet") == 1
for title in ("PSPNet", "DeepLabv3"):
    assert clear("U-Net", title, level) and clear("U-Net", title, lines)
assert not clear("U-Net", "DeepLabv3+", level) and clear("U-Net", "DeepLabv3+", lines)

# %% [markdown]
# What did it cost? Processor times of the machine on which the comparison ran, the smallest of
# three: other programs can only make them longer.

# %%
kinds = ("ms per step", "ms per image of 96×128", "ms per image of 416×608")
stored |= {f"{t}: {kinds[0]}": 1000 * stored[f"{t}: seconds per step"] for t in eight}
cost = {t: [stored[f"{t}: {kind}"].min() for kind in kinds] for t in eight}
print(f"{'':<12}" + "".join(f"{kind:>25}" for kind in kinds))
for title, numbers in cost.items():
    print(f"{title:<12}" + "".join(f"{number:>25.1f}" for number in numbers))
    assert stored[f"{title}: parameters"][0] == counted[title][0]
in_time = [title for title, numbers in cost.items() if numbers[2] <= 100]
print("10 frames of 416×608 a second:", ", ".join(in_time))
assert in_time == ["FCN-32s", "FCN-16s", "FCN-8s", "DeepLabv3+"]

# %% [markdown]
# At 96 × 128 all eight are far above 10 frames a second, and speed decides nothing. At 416 ×
# 608 four of them are too slow on that machine, the U-Net first of all. DeepLabv3+ costs about
# as much as the FCN-8s there: it decodes at a quarter of the size, where the U-Net goes up to
# the full size.

# %% [markdown]
# ## What suits what
#
# The idea of each, and when to try it. This table is advice from papers and from the runs
# above; your data has the last word.
#
# | network | idea | try it when | mind |
# |---|---|---|---|
# | FCN-8s | adds scores of three sizes | you want a quick first result; few large things | thin things |
# | SegNet | puts maxima back in place | simple scenes with few classes, lines among them; memory for maps is short | the places of maxima are all the detail it gets |
# | U-Net | carries maps across | small things, sharp borders, few images: medicine, road lines | full resolution is dear |
# | PSPNet | means over bins beside each pixel | rooms and streets, things of many sizes, input of about 500 × 500 | borders come from ×8 |
# | DeepLabv3 | dilated kernels of several rates | the same as PSPNet | borders come from ×8 |
# | DeepLabv3+ | the same, and one finer map on the way up | context *and* borders at a moderate price | one skip, at ¼ |
# | RefineNet | refines in residual steps over four sizes | large photos, a large pretrained encoder, no hurry | many layers |
# | Global Convolutional Network | large kernels made of strips | large things that fill the image | borders need help |
#
# Where a few large things stand before a plain background, U-Net and PSPNet are more than you
# need. Start small.

# %% [markdown]
# ## Decide
#
# Draw time against accuracy. A network is **beaten** if another is at least as fast and at
# least as good, and better in one of the two. Those that nobody beats are the **Pareto
# front**: only among them is there a choice to make.


# %%
def front(milliseconds, scores):
    """For each network whether nobody beats it; both arguments N values."""
    t, s = np.asarray(milliseconds), np.asarray(scores)
    no_worse = (t[None] <= t[:, None]) & (s[None] >= s[:, None])
    better = (t[None] < t[:, None]) | (s[None] > s[:, None])
    return ~(no_worse & better).any(axis=1)


toy = front([5, 5, 9, 9, 3], [0.5, 0.4, 0.6, 0.5, 0.1])
assert toy.tolist() == [True, False, True, False, True]

# %%
def draw_front(axis, measure):
    """Time against accuracy; gives the names of those that nobody beats."""
    each = [runs[title, measure] for title in eight]
    means, ms = np.mean(each, axis=1), np.array(list(latency.values()))
    ahead = front(ms, means)
    line = np.flatnonzero(ahead)[np.argsort(ms[ahead])]
    axis.step(ms[line], means[line], where="post", color="#9a4529", linestyle="--")
    ends = [means - np.min(each, axis=1), np.max(each, axis=1) - means]
    axis.errorbar(ms, means, ends, color="#0036d1", fmt="none", capsize=4)
    low, high = means.min() - 0.05 * np.ptp(means), means.max() + 0.05 * np.ptp(means)
    right, top = 1.6 * ms.max(), np.linspace(low, high, 10)[1:-1]
    for place, n in enumerate(np.argsort(means)):  # the names stand in a column
        axis.plot(ms[n], means[n], "o" if ahead[n] else "X", color="#0036d1", ms=9)
        ends = [ms[n], 1.15 * ms.max()], [means[n], top[place]]
        axis.plot(*ends, color="grey", linewidth=0.8)
        axis.text(1.16 * ms.max(), top[place], list(eight)[n], va="center", fontsize=12)
    axis.set(title=measure, xlabel="ms for one frame of 96×128, on your machine")
    axis.set(xlim=(0.8 * ms.min(), right), ylim=(low, high))
    return [title for title, yes in zip(eight, ahead, strict=True) if yes]


# %%
figure, axes = figures.canvas(1, 2, height=4.8)
fronts = [draw_front(axes[0, n], measures[n]) for n in (0, 1)]
said = [f"{m}: {', '.join(f)}" for m, f in zip(measures, fronts, strict=False)]
figures.show(
    figure,
    alt="Milliseconds against mean IoU, and against the IoU of RoadLines, a point for "
    "each of the eight networks. On the front are, by " + "; by ".join(said) + ".",
    caption="dots: the front; crosses: beaten by another; whiskers: all three seeds",
)
print("nobody beats them, by", "; by ".join(said))

# %% [markdown]
# ### Your needs
#
# Now the question at the top. Write your needs into the next cell and run it and the one
# after it. It measures the eight **on your machine**, at your size. The memory is reckoned
# high: the framework as measured above, the weights, and all maps at once, as if none were
# freed.

# %%
need = dict(height=416, width=608, frames=10, mebibytes=1907, measure="mean IoU")
# 2 GB are 1907 MiB


# %%
def offers(need):
    """For each network: ms, MiB, mean of the stored measure, and whether it fits."""
    table = {}
    for title, network in eight.items():
        weights, _, values = count(network, need["height"], need["width"])
        ms, _ = milliseconds(runner(network, need["height"], need["width"]), runs=5)
        mib = peak["no frame yet"] + 4 * (weights + 2 * values) / 2**20
        fits = ms <= 1000 / need["frames"] and not mib > need["mebibytes"]
        table[title] = ms, mib, runs[title, need["measure"]].mean(), fits
    return table


table = offers(need)
print(f"{'':<12}{'frames/s':>9}{'MiB, at most':>14}{need['measure']:>18}   fits")
for title in sorted(table, key=lambda title: -table[title][2]):
    ms, mib, score, fits = table[title]
    yes = "yes" if fits else "no"
    print(f"{title:<12}{1000 / ms:>9.1f}{mib:>14.0f}{score:>18.3f}   {yes}")

# %%
fitting = [title for title, row in table.items() if row[3]]
if fitting:
    best = max(fitting, key=lambda title: table[title][2])
    level = [t for t in fitting if t != best and not clear(best, t, need["measure"])]
    out = [title for title in eight if title not in fitting]
    text = (
        f"On this machine {len(fitting)} of the eight fit your needs (not: "
        f"{', '.join(out) or 'none'}). Of those, **{best}** has the highest stored "
        f"{need['measure']}, {table[best][2]:.3f}. Not clearly behind it: "
        f"{', '.join(level) or 'none'}."
    )
else:
    text = "None of the eight fits. Ask for a smaller size, or for fewer frames."
display(Markdown(text))

# %% [markdown]
# Change the needs and run the two cells again. What if road lines are what you care about? If
# you have 30 frames a second? If 192 × 256 is enough?

# %% [markdown]
# ### What this table does not say
#
# - **Other sizes.** The accuracy was measured at 96 × 128, the time at your size. At 416 ×
#   608 the order may be another one: PSPNet may gain by larger inputs, the FCN's ×8 hurts less.
# - **Real photos.** The scenes are drawn. They are clean, small and alike.
# - **Pretraining.** Nobody had any here. With it, ResNet and MobileNet encoders come within
#   reach, and the order may turn.
# - **One width, one learning rate, three minutes.** A network that needs longer, or smaller
#   steps, looks worse here than it is. Nothing was tuned for any of them.
# - **Three seeds.** Small differences are not shown, in either direction.
# - **Our versions.** They have the idea of each paper, with the course's encoder. PSPNet in
#   the paper stands on a ResNet of 50 to 269 layers and has a second loss in the middle.
# - **One core.** On a graphics card, or with another library, the times change their order.
#
# It does say how you would know: limits first; candidates with little effort; the same data,
# budget and measure for all; several seeds; on the machine that it is for.

# %% [markdown]
# ## The twin
#
# The lesson exists for PyTorch and for Keras. The file loaded here was written by the *other*
# framework: a tiny trained PSPNet, one image, and the logits that it got for it.

# %% tags=["torch"]
file = where.stored("twins/pspnet_from_keras.npz")
twin, twin_image, their_logits = load_twin(file)
with torch.inference_mode():
    our_logits = twin(tensor(twin_image)).permute(0, 2, 3, 1).numpy()

# %% tags=["keras"]
file = where.stored("twins/pspnet_from_pytorch.npz")
twin, twin_image, their_logits = load_twin(file)
our_logits = np.asarray(twin(twin_image / np.float32(255), training=False))

# %%
difference = np.abs(our_logits - their_logits).max()
same_class = (our_logits.argmax(-1) == their_logits.argmax(-1)).mean()
print(f"{parameters(twin):,} parameters; largest difference {difference:.1e}")
print(f"the same class at {same_class:.1%} of the pixels")
assert difference < 1e-4 and same_class > 0.999

figures.grid(
    [twin_image[0], argmax(their_logits)[0], argmax(our_logits)[0]],
    ["image", "the other framework", "this one"],
    alt="A small street scene and two predicted masks, from the other framework and "
    "from this one. The masks are alike pixel for pixel.",
)

# %% [markdown]
# The pyramid is the delicate part: which rows a bin averages when they don't divide evenly.
# Both let neighbouring bins share a row.

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 · Count a convolution
#
# Write a function that counts the multiplications of a k × k convolution on maps of height ×
# width, with `before` maps in and `after` out. With a `stride` the result is so many times
# smaller on each side (sizes divide evenly). With `groups`, each kernel sees `before` /
# `groups` maps.
#
# <details><summary>Hint 1</summary>
# How many places has the result? How many weights has the layer? Each weight is used once at
# each place.
# </details>
# <details><summary>Hint 2</summary>
# A layer with groups has k · k · (before / groups) · after weights.
# </details>
#
# The target: the first convolution of ResNet, a 3 × 3 one of VGG, and a depthwise one of
# MobileNet, all on a photo of 224 × 224.


# %%
def count_one(k, before, after, height, width, stride=1, groups=1):
    places = (height // stride) * (width // stride)
    return places * k * k * (before // groups) * after


cases = {
    "ResNet's first, 7×7, stride 2": (7, 3, 64, 224, 224, 2, 1),
    "VGG's second, 3×3": (3, 64, 64, 224, 224, 1, 1),
    "MobileNet's first depthwise": (3, 32, 32, 112, 112, 1, 32),
}
figure, axes = figures.canvas(height=2.8)
found = [count_one(*case) for case in cases.values()]
bars = axes[0, 0].barh(list(cases), np.divide(found, 1e9), color="#0036d1")
axes[0, 0].bar_label(bars, [f"{n:,}" for n in found], padding=5)
axes[0, 0].set(xlabel="billion multiplications", xlim=(0, 1.3 * max(found) / 1e9))
axes[0, 0].invert_yaxis()
figures.show(
    figure,
    alt="Three bars: "
    + ", ".join(f"{name} {n:,}" for name, n in zip(cases, found, strict=True))
    + " multiplications.",
)


# %%
def multiplications(k, before, after, height, width, stride=1, groups=1):
    # BEGIN SOLUTION
    weights = k * k * (before // groups) * after
    return weights * (height // stride) * (width // stride)
    # END SOLUTION


# %% [markdown]
# Check it, on five layers:

# %%
five_layers = [
    (3, 64, 64, 224, 224),
    (7, 3, 64, 224, 224, 2),
    (1, 256, 13, 12, 16),
    (3, 32, 32, 112, 112, 1, 32),
    (3, 96, 96, 56, 56, 2, 96),
]

# %%
exercise(
    multiplications,
    count_one,
    inputs=five_layers,
    mistakes={
        "The stride shortens both sides, so it counts twice.": (
            lambda k, b, a, h, w, s=1, g=1: count_one(k, b, a, h, w, 1, g) // s
        ),
        "The stride is missing: the result has fewer places than the input.": (
            lambda k, b, a, h, w, s=1, g=1: count_one(k, b, a, h, w, 1, g)
        ),
        "A kernel has k · k values, not k.": (
            lambda k, b, a, h, w, s=1, g=1: count_one(k, b, a, h, w, s, g) // k
        ),
        "With groups a kernel sees only a part of the maps.": (
            lambda k, b, a, h, w, s=1, g=1: count_one(k, b, a, h, w, s, 1)
        ),
        "Groups narrow what a kernel sees. There are `after` kernels all the same.": (
            lambda k, b, a, h, w, s=1, g=1: count_one(k, b, a // g, h, w, s, g)
        ),
        "These are the weights. Each is used once at each place of the result.": (
            lambda k, b, a, h, w, s=1, g=1: count_one(k, b, a, 1, 1, 1, g)
        ),
    },
)

# %% [markdown]
# ### Exercise 2 · The largest size that is fast enough
#
# A network takes `ms` milliseconds for a square of `side` pixels, and its time grows with the
# number of pixels. Write a function that gives the largest side, a multiple of 32, at which
# it still makes `frames` frames a second.
#
# <details><summary>Hint 1</summary>
# It may take 1000 / frames milliseconds. How many times more pixels is that?
# </details>
# <details><summary>Hint 2</summary>
# Twice the pixels is √2 times the side. Round <em>down</em> to a multiple of 32.
# </details>
#
# The target: frames a second against the side, for a network that takes 10 ms at 128 × 128.
# With 10 frames a second the answer is 384.


# %%
def by_pixels(ms, side, frames):
    return 32 * int(side * (1000 / frames / ms) ** 0.5 // 32)


many = np.arange(96, 640, 32)
figure, axes = figures.canvas(height=3.6)
axes[0, 0].plot(many, 1000 / (10 * (many / 128) ** 2), "o-", color="#0036d1")
axes[0, 0].axhline(10, color="#9a4529", linestyle="--")
axes[0, 0].axvline(by_pixels(10, 128, 10), color="black", linestyle=":")
axes[0, 0].set(xlabel="side, pixels", ylabel="frames a second", yscale="log")
axes[0, 0].set_xticks(many[::2])
axes[0, 0].set_yticks([5, 10, 20, 50, 100, 200], [5, 10, 20, 50, 100, 200])
axes[0, 0].grid(alpha=0.3)
figures.show(
    figure,
    alt="Frames a second fall with the side, a dot for each multiple of 32. A dashed "
    "line at 10 frames a second, and a dotted one at 384, the last dot above it.",
)
assert by_pixels(10, 128, 10) == 384


# %%
def largest_side(ms, side, frames):
    # BEGIN SOLUTION
    times_more = 1000 / frames / ms
    return int(side * times_more**0.5) // 32 * 32
    # END SOLUTION


# %% [markdown]
# Check it:

# %%
exercise(
    largest_side,
    by_pixels,
    inputs=[(10, 128, 10), (9.1, 112, 10), (30.0, 224, 25), (3.3, 96, 30)],
    mistakes={
        "The time grows with the pixels, so with the square of the side.": (
            lambda ms, side, frames: 32 * int(side * (1000 / frames / ms) // 32)
        ),
        "Round down: the next multiple of 32 is too slow.": (
            lambda ms, side, frames: by_pixels(ms, side, frames) + 32
        ),
        "Five halvings need a multiple of 32.": (
            lambda ms, side, frames: int(side * (1000 / frames / ms) ** 0.5)
        ),
        "10 frames a second leave 1000 / 10 milliseconds for each.": (
            lambda ms, side, frames: 32 * int(side * (frames / ms) ** 0.5 // 32)
        ),
        "A second has 1000 milliseconds.": lambda ms, side, frames: by_pixels(
            1000 * ms, side, frames
        ),
        "Upside down: the more time there is, the larger the side.": (
            lambda ms, side, frames: 32 * int(side * (ms * frames / 1000) ** 0.5 // 32)
        ),
    },
)

# %% [markdown]
# ### Exercise 3 · Who could be the one?
#
# A decision that hides its uncertainty is worth little. Write a function that gives, for each
# network, True if it may be the right choice: it takes at most `limit` milliseconds, **and**
# its best run is at least as good as the worst run of the *leader*. The leader is the network
# with the highest mean among those within the limit. `ms` has N values; `runs` has a row for
# each network and a column for each seed.
#
# <details><summary>Hint 1</summary>
# First <code>fits = ms <= limit</code>. The leader must be one of those:
# <code>np.where(fits, runs.mean(1), -np.inf).argmax()</code>.
# </details>
# <details><summary>Hint 2</summary>
# <code>runs.max(1)</code> is each network's best run, <code>runs[leader].min()</code> the leader's worst.
# </details>
#
# The target: five networks, four within the limit of 10 ms. Two of them may be the right
# choice.


# %%
def could_be(ms, runs, limit):
    fits = ms <= limit
    leader = np.where(fits, runs.mean(1), -np.inf).argmax()
    return fits & (runs.max(1) >= runs[leader].min())


toy_ms = np.array([4.0, 6.0, 8.0, 9.0, 14.0])
toy_means = np.array([0.41, 0.523, 0.543, 0.477, 0.61])
toy_runs = toy_means[:, None] + [-0.02, 0.005, 0.015]

# %%
figure, axes = figures.canvas(height=3.8)
axis, may = axes[0, 0], could_be(toy_ms, toy_runs, 10)
for x, three, yes in zip(toy_ms, toy_runs, may, strict=True):
    axis.plot([x] * 3, three, "o" if yes else "x", color="#0036d1", markersize=9)
    place = dict(xytext=(8, 4), textcoords="offset points")
    axis.annotate("yes" if yes else "no", (x, three.max()), **place)
axis.axvline(10, color="black", linestyle=":")
axis.axhline(toy_runs[2].min(), color="#9a4529", linestyle="--")
axis.set(xlabel="milliseconds", ylabel="mean IoU", xlim=(2, 16), ylim=(0.35, 0.68))
figures.show(
    figure,
    alt="Three runs each of five networks. The one at 14 ms is beyond the limit of 10. "
    "A dashed line marks the worst run of the leader, at 8 ms. Only the leader and the "
    "network at 6 ms reach it; they say yes, the others no.",
    caption="dotted: the limit; dashed: the leader's worst run",
)
assert may.tolist() == [False, True, True, False, False]


# %%
def candidates(ms, runs, limit):
    # BEGIN SOLUTION
    fits = ms <= limit
    leader = np.where(fits, runs.mean(axis=1), -np.inf).argmax()
    return fits & (runs.max(axis=1) >= runs[leader].min())
    # END SOLUTION


# %% [markdown]
# Check it, with several limits and with random runs:

# %%
def leader_of(ms, runs, limit):
    return np.where(ms <= limit, runs.mean(1), -np.inf).argmax()


def against(bar, own=np.max, compare=np.greater_equal):
    """Compares each network's best run with some bar of the leader's runs."""
    return lambda ms, runs, limit: (
        (ms <= limit)
        & compare(own(runs, axis=1), bar(runs[leader_of(ms, runs, limit)]))
    )


def without_limit(ms, runs, limit):
    return runs.max(1) >= runs[leader_of(ms, runs, limit)].min()


# %%
some = np.random.default_rng(4)
tied_runs = np.array(
    [[0.3, 0.4, 0.5], [0.3, 0.45, 0.65], [0.51, 0.52, 0.55], [0.5, 0.6, 0.7]]
)
four_inputs = [
    (np.array([4.0, 6.0, 7.0, 9.0]), tied_runs, 10),
    (toy_ms, toy_runs, 20),
    (toy_ms, toy_runs, 5),
    (some.uniform(3, 12, 30), 0.4 + 0.03 * some.normal(size=(30, 3)), 8),
]

# %%
exercise(
    candidates,
    could_be,
    inputs=four_inputs,
    mistakes={
        "The leader has to keep the limit, too.": (
            lambda ms, runs, limit: could_be(0 * ms, runs, limit) & (ms <= limit)
        ),
        "A network beyond the limit is no candidate.": without_limit,
        "Compare with the leader's worst run, not with its mean.": against(np.mean),
        "Compare with the leader's worst run, not with its best.": against(np.max),
        "Compare each network's best run, not its mean.": against(np.min, own=np.mean),
        "At least as good: ≥, not >.": against(np.min, compare=np.greater),
    },
)

# %% [markdown]
# ## Quiz

# %%
quiz(
    "Network A has half the parameters of network B. Is it faster?",
    {
        "Yes, twice": "Parameters are not work. Where are they used, and how often?",
        "That can't be said": "Count the multiplications, then take the time.",
        "No, slower": "That can't be said either.",
    },
    answer="That can't be said",
)
quiz(
    "Why does VGG-16 take longer than ResNet-50 for one photo, with fewer layers?",
    {
        "It has several times the multiplications": "Wide 3 × 3 layers at full size.",
        "It has more parameters": "As an encoder it has fewer: 14.7 to 23.5 million.",
        "It has no batch norm": "That saves a little.",
    },
    answer="It has several times the multiplications",
)

# %% [markdown]
# Two about the networks:

# %%
quiz(
    "What passes from SegNet's encoder to its decoder, besides the lowest maps?",
    {
        "The maps of each level": "That is the U-Net.",
        "Where each maximum was": "2 bits for a window would do.",
        "Nothing": "Then it could not put values back in place.",
    },
    answer="Where each maximum was",
)
quiz(
    "Your images are 96 × 128 and you use PSPNet. What about its 6 × 6 bins?",
    {
        "A bin is a mean of few values": "At ⅛ of the size there are 12 × 16 in all.",
        "They fail": "They share rows and columns; it runs.",
        "They see more of the scene": "They see a 36th of it, at any size.",
    },
    answer="A bin is a mean of few values",
)

# %% [markdown]
# And one to look back on:

# %%
quiz(
    "You time a network once, right after building it: 80 ms. Too slow for 25 frames a "
    "second?",
    {
        "Yes: 80 is more than 40": "You have timed the warm-up.",
        "No": "Perhaps. You don't know yet.",
        "Warm up, take the median of several runs, on the target machine, then say": (
            "And at batch 1, with the size of the real frames."
        ),
    },
    answer="Warm up, take the median of several runs, on the target machine, then say",
)

# %% [markdown]
# ## Pitfalls
#
# - **Parameters as a measure of speed.** The FCNs have more than the U-Net and are faster.
# - **The first run as a latency.** It holds the warm-up.
# - **Throughput as latency.** 32 images in 320 ms are not 10 ms for one: the first answer
#   comes after 320.
# - **A graphics card and no waiting.** There a call returns before the work is done. Wait for
#   it (`torch.cuda.synchronize()`) before you stop the clock.
# - **Timing in training mode.** Dropout and batch norm do other work there, and all maps are
#   kept for the gradients.
# - **Top-5 next to top-1, an ensemble next to one network.** Ask what was counted.
# - **Comparing at a budget that suits one.** Equal steps favour the slow, equal time the
#   quick.
# - **A saving on paper.** SegNet's 2 bits are 64 in PyTorch. Measure the process.
# - **A size that five halvings don't divide.** 200, 500 and 600 fail or are padded.
# - **One seed**, or a difference of means without the spread.

# %% [markdown]
# ## What to remember
#
# - Make limits of two criteria and maximise the third. Above the limit nothing is gained.
# - Parameters: file and data. Multiplications: order of the time. Maps: memory. Then measure:
#   batch 1, warm-up, median, the target machine.
# - Layers are no unit of work: VGG-16 has 13 convolutions and 3.8 times the multiplications
#   of ResNet-50's 53.
# - FCN adds scores, SegNet remembers places, U-Net carries maps, PSPNet averages bins,
#   DeepLab dilates, RefineNet refines in steps, the Global Convolutional Network uses strips.
# - Double the sides: parameters × 1, work and maps × 4. Small or many things want larger
#   inputs, larger inputs want a larger field.
# - Choose among those that nobody beats, and say who cannot be told apart.

# %% [markdown]
# ## References
#
# - V. Badrinarayanan, A. Kendall, R. Cipolla: SegNet. 2015, TPAMI 2017, arXiv:1511.00561.
# - H. Zhao and others: Pyramid Scene Parsing Network. 2016, CVPR 2017, arXiv:1612.01105.
# - G. Lin, A. Milan, C. Shen, I. Reid: RefineNet. 2016, CVPR 2017, arXiv:1611.06612.
# - C. Peng and others: Large Kernel Matters (Global Convolutional Network). CVPR 2017,
#   arXiv:1703.02719.
# - K. Simonyan, A. Zisserman: Very Deep Convolutional Networks. 2014, ICLR 2015,
#   arXiv:1409.1556.
# - K. He and others: Deep Residual Learning. 2015, CVPR 2016, arXiv:1512.03385.
# - M. Sandler and others: MobileNetV2. CVPR 2018, arXiv:1801.04381.
# - O. Russakovsky and others: ImageNet Large Scale Visual Recognition Challenge. IJCV 2015,
#   arXiv:1409.0575 (top-5).
# - J. Long, E. Shelhamer, T. Darrell: Fully Convolutional Networks. CVPR 2015,
#   arXiv:1411.4038.
# - O. Ronneberger, P. Fischer, T. Brox: U-Net. MICCAI 2015, arXiv:1505.04597.
# - L. Chen and others: DeepLabv3 and v3+. 2017, arXiv:1706.05587; ECCV 2018,
#   arXiv:1802.02611.
# - W. Luo and others: Understanding the Effective Receptive Field. NIPS 2016,
#   arXiv:1701.04128.
#
# Next: **11 · Capstone: the Lyft challenge**. All lessons together, on the challenge's own
# score.
