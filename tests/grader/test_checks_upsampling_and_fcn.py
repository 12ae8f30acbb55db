"""Right is right, however it is written, and wrong is named: each check of upsampling_and_fcn."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course import build
from grader.checks import assignment, dense_layers, shapes, upsampling
from helpers.check import respond
from helpers.verdict import wrong

QUESTIONS = assignment("upsampling_and_fcn")
MISTAKES = {
    "output_sizes": shapes.SIZE_MISTAKES,
    "receptive_field": shapes.FIELD_MISTAKES,
    "unpool": upsampling.UNPOOL_MISTAKES,
    "transposed_conv": upsampling.TRANSPOSED_MISTAKES,
    "overlaps": upsampling.OVERLAP_MISTAKES,
    "bilinear_kernel": upsampling.BILINEAR_MISTAKES,
    "dense_as_conv": dense_layers.DENSE_MISTAKES,
}


def verdicts(question, answer, seed=1):
    """What the check says of each case, as in grading."""

    def verdict(case):
        try:
            answered = respond({"kind": "function", "inputs": case.inputs}, answer, None)
        except ValueError as fault:
            return f"your code stops: {fault}"
        return wrong(case, answered)

    return [verdict(case) for case in QUESTIONS[question].cases(np.random.default_rng(seed))]


def test_the_known_mistakes_are_many():
    for question, table in MISTAKES.items():
        drawn = QUESTIONS[question].cases(np.random.default_rng(1))
        assert {hint for case in drawn for hint, _ in case.mistakes} == set(table)
    assert sum(map(len, MISTAKES.values())) >= 70


# ---- mistakes in real code: the solution, with one change


def changed(repo, question, old, new):
    """The function of the solution's cell after one replacement."""
    cells = build.assignment(repo / "assignments/text/upsampling_and_fcn.py")["cells"]
    (source,) = (
        "".join(cell["source"])
        for cell in cells
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"{question}_answer"
    )
    assert old in source, (question, old)
    names = {"np": np}
    exec(source.replace(old, new), names)
    return names[question]


SIDE = "2 * factor - factor % 2"
CUT = "return out[padding : len(out) - padding, padding : out.shape[1] - padding]"
COUNTS = "return counts[padding : len(counts) - padding]"
PLANTED = [
    ("output_sizes", "round down", '// layer["stride"] + 1', '// -layer["stride"] * -1 + 1'),
    ("output_sizes", "the + 1 is missing", '// layer["stride"] + 1', '// layer["stride"]'),
    ("output_sizes", "at one end only", 'size + 2 * layer["padding"]', 'size + layer["padding"]'),
    ("output_sizes", "the dilation is left out", 'layer["dilation"] * ', ""),
    ("output_sizes", "too wide", '(layer["kernel"] - 1)', 'layer["kernel"] - 1'),
    ("output_sizes", "goes the other way", '"transposed"', '"other"'),
    ("output_sizes", "cut off, not added", '- 2 * layer["padding"]', '+ 2 * layer["padding"]'),
    ("output_sizes", "size − 1 strides apart", '(size - 1) * layer["stride"]',
     'size * layer["stride"]'),
    ("output_sizes", "the last size alone", "return sizes", "return size"),
    ("receptive_field", "the jump is left out", "reach * jump", "reach"),
    ("receptive_field", "k − 1 jumps", "size += reach * jump",
     'size += (reach + layer["dilation"]) * jump'),
    ("receptive_field", "the dilation is left out", 'layer["dilation"] * ', ""),
    ("receptive_field", "their product", "jump *=", "jump += -1 +"),
    ("receptive_field", "stride of the last layer", "jump *=", "jump ="),
    ("receptive_field", "ignores the padding", '- layer["padding"]', ""),
    ("receptive_field", "this is its first pixel", "return size, jump, start",
     "return size, jump, start - (size - 1) / 2"),
    ("receptive_field", "its centre is at 0", "size, jump, start = 1, 1, 0",
     "size, jump, start = 1, 1, 0.5"),
    ("receptive_field", "start is rounded", "return size, jump, start",
     "return size, jump, start // 1"),
    ("receptive_field", "start stays at 0", "return size, jump, start", "return size, jump, 0"),
    ("unpool", "at the upper left", "out[::factor, ::factor]",
     "out[factor - 1 :: factor, factor - 1 :: factor]"),
    ("unpool", "every pixel of a block", "out[::factor, ::factor] = maps",
     "out = maps.repeat(factor, 0).repeat(factor, 1)"),
    ("unpool", "the places are not used", "places is None", "True"),
    ("unpool", "row by row", "rows, columns = np.divmod(places, factor * width)",
     "columns, rows = np.divmod(places, factor * height)"),
    ("unpool", "each has its own", "places, factor * width", "places[..., :1], factor * width"),
    ("transposed_conv", "the last one wins", "+= copy", "= copy"),
    ("transposed_conv", "turned round", "stride + m] += copy", "stride + m] += copy[::-1, ::-1]"),
    ("transposed_conv", "are exchanged: kernel[", "kernel, (0, 2)", "kernel, (0, 3)"),
    ("transposed_conv", "not cut off", CUT, "return out"),
    ("transposed_conv", "top and left only", CUT, "return out[padding:, padding:]"),
    ("transposed_conv", "cut to stride times the size", CUT,
     "return out[: height * stride, : width * stride]"),
    ("overlaps", "not cut off", COUNTS, "return counts"),
    ("overlaps", "at one end only", COUNTS, "return counts[padding:]"),
    ("overlaps", "count how many do", "+= 1", "= 1"),
    ("overlaps", "0", "np.zeros((size - 1) * stride + kernel, int)",
     "np.maximum(1, np.zeros((size - 1) * stride + kernel, int))"),
    ("overlaps", "these are shares", COUNTS, COUNTS + " / counts.max()"),
    ("bilinear_kernel", "0.5 off the centre", "(side - 1) / 2", "side / 2"),
    ("bilinear_kernel", "it is 2 · factor − 1", SIDE, "2 * factor"),
    ("bilinear_kernel", "it is 2 · factor", SIDE, "2 * factor - 1"),
    ("bilinear_kernel", "sum to factor²", "np.outer(weights, weights)",
     "(np.outer(weights, weights) / weights.sum() ** 2)"),
    ("bilinear_kernel", "every map leads to every map", "np.eye(maps)", "np.ones((maps, maps))"),
    ("bilinear_kernel", "the two axes of the maps are missing", "[..., None, None] * np.eye(maps)",
     ""),
    ("dense_as_conv", "as in PyTorch", "weights.reshape(height, width, maps.shape[2], -1)",
     "weights.reshape(maps.shape[2], height, width, -1).transpose(1, 2, 0, 3)"),
    ("dense_as_conv", "turned round", "kernel[r, c]", "kernel[-1 - r, -1 - c]"),
    ("dense_as_conv", "the bias is missing", " + bias", ""),
    ("dense_as_conv", "once for each answer", " + bias", " + height * width * bias"),
    ("dense_as_conv", "the first window alone", "return out", "return out[0, 0]"),
    ("dense_as_conv", "averaged", "return out", "return out.mean((0, 1), keepdims=True)"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "hint", "old", "new"), PLANTED)
def test_mistakes_in_real_code_are_caught_and_named(question, hint, old, new, repo):
    said = verdicts(question, changed(repo, question, old, new))
    assert any(hint in fault for fault in said if fault), said


def test_every_question_has_mistakes_of_real_code():
    assert all(sum(name == q for name, *_ in PLANTED) >= 5 for q in MISTAKES)


# ---- right in another way


def sizes_by_torch(size, layers):
    x, sizes = torch.zeros(1, 1, size), []
    for one in layers:
        numbers = one["kernel"], one["stride"], one["padding"]
        if one["kind"] == "pool":
            made = nn.MaxPool1d(*numbers, dilation=one["dilation"])
        elif one["kind"] == "conv":
            made = nn.Conv1d(1, 1, *numbers, dilation=one["dilation"])
        else:
            made = nn.ConvTranspose1d(1, 1, *numbers, dilation=one["dilation"])
        x = made(x)
        sizes.append(x.shape[-1])
    return sizes


def sizes_by_counting(size, layers):
    sizes = [size]
    for one in layers:
        kernel, s, p, d = (one[key] for key in ("kernel", "stride", "padding", "dilation"))
        reach = d * (kernel - 1) + 1
        if one["kind"] == "transposed":
            last = max(range(0, sizes[-1] * s, s)) + reach
            sizes.append(last - p - p)
        else:
            sizes.append(len(range(-p, sizes[-1] + p - reach + 1, s)))
    return np.array(sizes[1:], np.int32)


def field_backwards(layers):
    size, first, jump = 1, 0, 1
    for one in reversed(layers):
        s, reach = one["stride"], one["dilation"] * (one["kernel"] - 1)
        size, first, jump = (size - 1) * s + reach + 1, first * s - one["padding"], jump * s
    return [size, jump, first + (size - 1) / 2]


def field_by_places(layers):
    """The first and the last pixel that two neighbours depend on."""

    def ends(place):
        low = high = place
        for one in layers[::-1]:
            low, high = (n * one["stride"] - one["padding"] for n in (low, high))
            high += one["dilation"] * (one["kernel"] - 1)
        return low, high

    (low, high), (second, _) = ends(0), ends(1)
    return float(high - low + 1), second - low, np.float32((low + high) / 2)


def unpool_by_torch(maps, factor, places):
    if places is None:
        return np.kron(maps, np.eye(1, factor**2).reshape(factor, factor, 1))
    x, where = (torch.tensor(a).permute(2, 0, 1)[None] for a in (maps, places))
    return F.max_unpool2d(x, where, factor)[0].permute(1, 2, 0)


def unpool_flat(maps, factor, places):
    h, w, c = maps.shape
    if places is None:
        r, k = np.indices((h, w)) * factor
        places = np.repeat((r * w * factor + k)[..., None], c, 2)
    out = np.zeros((h * w * factor**2, c), np.float32)
    for channel in range(c):
        out[places[..., channel].ravel(), channel] = maps[..., channel].ravel()
    return out.reshape(h * factor, w * factor, c)


def transposed_by_torch(maps, kernel, stride, padding):
    x, weight = torch.tensor(maps).permute(2, 0, 1)[None], torch.tensor(kernel).permute(2, 3, 0, 1)
    return F.conv_transpose2d(x, weight, stride=stride, padding=padding)[0].permute(1, 2, 0)


def transposed_by_gathering(maps, kernel, stride, padding):
    (h, w, a), (k, m, *_) = maps.shape, kernel.shape
    nails = np.zeros(((h - 1) * stride + 1, (w - 1) * stride + 1, a))
    nails[::stride, ::stride] = maps
    padded = np.pad(nails, ((k - 1, k - 1), (m - 1, m - 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, m), (0, 1))
    out = np.einsum("rcakm,kmab->rcb", windows, kernel[::-1, ::-1])
    return out[padding : out.shape[0] - padding, padding : out.shape[1] - padding]


def transposed_by_tensorflow(maps, kernel, stride, padding):
    import tensorflow as tf

    out = tf.nn.conv2d_transpose(
        maps[None].astype(np.float32),
        kernel.swapaxes(2, 3).astype(np.float32),
        [1, *((n - 1) * stride + k for n, k in zip(maps.shape[:2], kernel.shape[:2], strict=True)),
         kernel.shape[3]],
        stride,
        "VALID",
    )[0]  # fmt: skip
    return out[padding : out.shape[0] - padding, padding : out.shape[1] - padding]


def overlaps_by_gathering(size, kernel, stride, padding):
    places = range(padding, (size - 1) * stride + kernel - padding)
    return [sum(0 <= at - r * stride < kernel for r in range(size)) for at in places]


def overlaps_by_torch(size, kernel, stride, padding):
    ones = torch.ones(1, 1, size), torch.ones(1, 1, kernel)
    return F.conv_transpose1d(*ones, stride=stride, padding=padding).flatten()


def bilinear_as_published(factor, maps):
    """As the networks of the paper fill theirs."""
    size = 2 * factor - factor % 2
    centre = factor - 1 if size % 2 == 1 else factor - 0.5
    rows, columns = np.ogrid[:size, :size]
    tent = (1 - abs(rows - centre) / factor) * (1 - abs(columns - centre) / factor)
    kernel = np.zeros((size, size, maps, maps), np.float32)
    kernel[:, :, range(maps), range(maps)] = tent[..., None]
    return kernel


def bilinear_of_boxes(factor, maps):
    """Two boxes convolved make a tent; for an even factor it is shifted by half a pixel."""
    side = np.convolve(np.ones(factor), np.ones(factor)) / factor
    if factor % 2 == 0:
        side = np.convolve(side, [0.5, 0.5])
    return np.einsum("i,j,ab->ijab", side, side, np.identity(maps))


def dense_by_windows(maps, weights, bias, height, width):
    rows, columns = maps.shape[0] - height + 1, maps.shape[1] - width + 1
    return [
        [maps[r : r + height, c : c + width].reshape(-1) @ weights + bias for c in range(columns)]
        for r in range(rows)
    ]


def dense_by_torch(maps, weights, bias, height, width):
    kernel = weights.reshape(height, width, maps.shape[2], -1).transpose(3, 2, 0, 1).copy()
    x = torch.tensor(maps).permute(2, 0, 1)[None].float()
    out = F.conv2d(x, torch.tensor(kernel).float(), torch.tensor(bias).float())
    return out[0].permute(1, 2, 0)


OTHER_WAYS = [
    ("output_sizes", sizes_by_torch),
    ("output_sizes", sizes_by_counting),
    ("receptive_field", lambda layers: tuple(field_backwards(layers))),
    ("receptive_field", field_by_places),
    ("unpool", unpool_by_torch),
    ("unpool", unpool_flat),
    ("transposed_conv", transposed_by_torch),
    ("transposed_conv", transposed_by_gathering),
    ("transposed_conv", transposed_by_tensorflow),
    ("overlaps", overlaps_by_gathering),
    ("overlaps", overlaps_by_torch),
    ("bilinear_kernel", bilinear_as_published),
    ("bilinear_kernel", bilinear_of_boxes),
    ("dense_as_conv", dense_by_windows),
    ("dense_as_conv", dense_by_torch),
]


@pytest.mark.parametrize(("question", "answer"), OTHER_WAYS)
def test_other_ways_are_right(question, answer):
    for seed in range(1, 5):
        assert set(verdicts(question, answer, seed)) == {None}


# ---- what the question asks for is what the frameworks do


def test_the_bilinear_kernel_interpolates_away_from_the_edges():
    for factor in (2, 3, 4, 8):
        x = np.random.default_rng(0).normal(size=(5, 6, 2))
        kernel = upsampling.bilinear_kernel(factor, 2)
        found = upsampling.transposed_conv(x, kernel, factor, factor // 2)
        known = F.interpolate(
            torch.tensor(x).permute(2, 0, 1)[None], scale_factor=factor, mode="bilinear"
        )[0].permute(1, 2, 0)
        edge = np.s_[factor:-factor, factor:-factor]
        np.testing.assert_allclose(found[edge], known[edge], atol=1e-9)


def test_the_shares_of_the_network_stand_in_the_text(repo):
    text = (repo / "assignments/text/upsampling_and_fcn.py").read_text("utf-8")
    for part, share in QUESTIONS["fcn"].parts.items():
        row = next(line for line in text.splitlines() if line.startswith(f"# | `{part}`:"))
        assert f"| {share:.0%} |".replace("%", " %") in row


def test_the_builder_is_asked_for_each_stride_at_sizes_that_fit():
    for seed in range(20):
        hidden = QUESTIONS["fcn"].builds(np.random.default_rng(seed))
        for builds in (hidden, QUESTIONS["fcn"].public_builds):
            assert {build.settings["stride"] for build in builds} == {8, 16, 32}
            assert all(build.height % 32 == build.columns % 32 == 0 for build in builds)
            assert len({(build.classes, build.height, build.columns) for build in builds}) > 2
