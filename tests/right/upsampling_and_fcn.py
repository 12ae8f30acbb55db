"""Right answers to upsampling_and_fcn; the networks stand in fcn.py."""

from tests.right import fcn
from tests.right.answer import Right

RIGHT = [
    Right(
        "output_sizes",
        "accumulate over the layers",
        """
from itertools import accumulate

def output_sizes(size, layers):
    def after(size, layer):
        kind, k, s, p, d = layer.values()
        covered = d * k - d + 1
        if kind == "transposed":
            return size * s - s + covered - 2 * p
        return int(np.floor((size + 2 * p - covered) / s)) + 1

    return list(accumulate(layers, after, initial=size))[1:]
""",
    ),
    Right(
        "output_sizes",
        "recursion, and match",
        """
def output_sizes(size, layers):
    match layers:
        case []:
            return []
        case [{"kind": "transposed", "kernel": k, "stride": s, "padding": p, "dilation": d}, *rest]:
            new = (size - 1) * s - 2 * p + d * (k - 1) + 1
        case [{"kernel": k, "stride": s, "padding": p, "dilation": d}, *rest]:
            new = (size + 2 * p - d * (k - 1) - 1) // s + 1
    return [new, *output_sizes(new, rest)]
""",
        "keras",
    ),
    Right(
        "receptive_field",
        "a list of three, exact in fractions",
        """
from fractions import Fraction

def receptive_field(layers):
    field, step, centre = 1, 1, Fraction(0)
    for layer in layers:
        wide = (layer["kernel"] - 1) * layer["dilation"]
        centre += step * (Fraction(wide, 2) - layer["padding"])
        field, step = field + wide * step, step * layer["stride"]
    return [field, step, centre]
""",
    ),
    Right(
        "receptive_field",
        "products of matrices, as an array",
        """
def receptive_field(layers):
    edges = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    for layer in layers:
        reach = layer["dilation"] * (layer["kernel"] - 1)
        s, p = layer["stride"], layer["padding"]
        edges = edges @ np.array([[s, 0, -p], [0, s, reach - p], [0, 0, 1]])
    first, last = edges[0, 2], edges[1, 2]
    return np.float32([last - first + 1, edges[0, 0], (first + last) / 2])
""",
        "keras",
    ),
    Right(
        "unpool",
        "put_along_axis",
        """
def unpool(maps, factor, places):
    h, w, c = maps.shape
    flat = np.zeros((h * w * factor * factor, c), maps.dtype)
    if places is None:
        places = np.arange(h)[:, None] * factor * factor * w + np.arange(w) * factor
        places = np.broadcast_to(places[..., None], maps.shape)
    np.put_along_axis(flat, places.reshape(-1, c), maps.reshape(-1, c), 0)
    return flat.reshape(h * factor, w * factor, c)
""",
    ),
    Right(
        "unpool",
        "each number is repeated over its block, and kept at one pixel",
        """
def unpool(maps, factor, places):
    large = maps.repeat(factor, 0).repeat(factor, 1)
    rows, columns = np.indices(large.shape[:2])[..., None]
    if places is None:
        return large * (rows % factor + columns % factor == 0)
    number = rows * large.shape[1] + columns
    return np.where(places.repeat(factor, 0).repeat(factor, 1) == number, large, 0)
""",
        "keras",
    ),
    Right(
        "transposed_conv",
        "a loop over the kernel, strided slices",
        """
def transposed_conv(maps, kernel, stride, padding):
    (h, w, _), (k, m, _, b) = maps.shape, kernel.shape
    out = np.zeros(((h - 1) * stride + k, (w - 1) * stride + m, b))
    for i in range(k):
        for j in range(m):
            rows = slice(i, i + (h - 1) * stride + 1, stride)
            out[rows, j : j + (w - 1) * stride + 1 : stride] += maps @ kernel[i, j]
    if padding:
        out = out[padding:-padding, padding:-padding]
    return out
""",
    ),
    Right(
        "transposed_conv",
        "np.add.at with an einsum of all copies",
        """
def transposed_conv(maps, kernel, stride, padding):
    h, w, _ = maps.shape
    k, m, _, b = kernel.shape
    copies = np.einsum("rca,kmab->rckmb", maps, kernel, optimize=True)
    rows = stride * np.arange(h)[:, None] + np.arange(k)
    columns = stride * np.arange(w)[:, None] + np.arange(m)
    out = np.zeros((rows.max() + 1, columns.max() + 1, b), np.float64)
    np.add.at(out, (rows[:, None, :, None], columns[None, :, None, :]), copies)
    height, width = (n - 2 * padding for n in out.shape[:2])
    return out[padding:][:height, padding:][:, :width]
""",
    ),
    Right(
        "transposed_conv",
        "SciPy convolves maps with zeros between",
        """
from scipy.signal import convolve2d

def transposed_conv(maps, kernel, stride, padding):
    spread = np.zeros(((maps.shape[0] - 1) * stride + 1, (maps.shape[1] - 1) * stride + 1,
                       maps.shape[2]))
    spread[::stride, ::stride, :] = maps
    outputs = []
    for b in range(kernel.shape[3]):
        outputs.append(sum(convolve2d(spread[..., a], kernel[..., a, b])
                           for a in range(kernel.shape[2])))
    out = np.dstack(outputs)
    return out[padding : out.shape[0] - padding, padding : out.shape[1] - padding, :]
""",
        "keras",
    ),
    Right(
        "overlaps",
        "np.convolve",
        """
def overlaps(size, kernel, stride, padding):
    nails = np.zeros((size - 1) * stride + 1)
    nails[::stride] = 1
    counts = np.convolve(nails, np.ones(kernel))
    return np.round(counts[padding : counts.size - padding]).astype(np.int8)
""",
    ),
    Right(
        "overlaps",
        "begins and ends, summed up",
        """
def overlaps(size, kernel, stride, padding):
    change = [0] * ((size - 1) * stride + kernel + 1)
    for begin in range(0, size * stride, stride):
        change[begin] += 1
        change[begin + kernel] -= 1
    counts, now = [], 0
    for step in change[:-1]:
        now += step
        counts.append(now)
    return counts[padding : len(counts) - padding]
""",
        "keras",
    ),
    Right(
        "bilinear_kernel",
        "four loops",
        """
def bilinear_kernel(factor, maps):
    side = 2 * factor if factor % 2 == 0 else 2 * factor - 1
    kernel = np.zeros((side, side, maps, maps))
    for i in range(side):
        for j in range(side):
            for a in range(maps):
                row, column = (1 - abs(n - (side - 1) / 2) / factor for n in (i, j))
                kernel[i, j, a, a] = row * column
    return kernel
""",
    ),
    Right(
        "bilinear_kernel",
        "torch, in float32",
        """
import torch

def bilinear_kernel(factor, maps):
    k = factor * 2 - factor % 2
    w = 1 - (torch.arange(k) - 0.5 * (k - 1)).abs() / factor
    return torch.einsum("i,j,ab->ijab", w, w, torch.eye(maps))
""",
        "keras",
    ),
    Right(
        "dense_as_conv",
        "sliding windows and tensordot",
        """
from numpy.lib.stride_tricks import sliding_window_view

def dense_as_conv(maps, weights, bias, height, width):
    windows = sliding_window_view(maps, (height, width), axis=(0, 1))
    kernel = weights.reshape(height, width, -1, weights.shape[1])
    return np.tensordot(windows, kernel, axes=([3, 4, 2], [0, 1, 2])) + bias
""",
    ),
    Right(
        "dense_as_conv",
        "Keras convolves",
        """
import keras

def dense_as_conv(maps, weights, bias, height, width):
    kernel = weights.reshape(height, width, maps.shape[-1], len(bias))
    out = keras.ops.conv(maps[None].astype("float32"), kernel.astype("float32"), padding="valid")
    return (out + bias.astype("float32"))[0]
""",
        "keras",
    ),
    *fcn.RIGHT,
]
