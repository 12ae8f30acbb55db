"""The stepper's arithmetic against PyTorch's, its words and its errors."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from helpers.widgets.convolution import convolution, convolve, multiplications, scatter

HOW = list(itertools.product((1, 2, 3), (1, 2), (0, 1, 2)))  # stride, dilation, padding


@pytest.mark.parametrize(("stride", "dilation", "padding"), HOW)
def test_a_convolution_is_pytorchs(stride, dilation, padding):
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-3, 4, (7, 9, 2)), rng.integers(-3, 4, (3, 3, 2))
    x, w = (torch.from_numpy(a).double().permute(2, 0, 1)[None] for a in (image, kernel))
    expected = F.conv2d(x, w, stride=stride, dilation=dilation, padding=padding)[0, 0]
    assert (convolve(image, kernel, stride, dilation, padding) == expected.numpy()).all()


@pytest.mark.parametrize(("stride", "dilation", "padding"), HOW)
def test_a_transposed_convolution_is_pytorchs(stride, dilation, padding):
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-3, 4, (4, 5)), rng.integers(-3, 4, (3, 3))
    x, w = (torch.from_numpy(a).double()[None, None] for a in (image, kernel))
    how = {"stride": stride, "dilation": dilation, "padding": padding}
    out, counts = scatter(image, kernel, **how)
    assert (out == F.conv_transpose2d(x, w, **how)[0, 0].numpy()).all()
    ones = F.conv_transpose2d(torch.ones_like(x), torch.ones_like(w), **how)[0, 0]
    assert (counts == ones.numpy()).all()


def test_a_separable_convolution_is_depthwise_then_pointwise():
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-3, 4, (6, 6, 3)), rng.integers(-3, 4, (3, 3, 3))
    w = convolution(image, kernel, kind="separable", weights=[2, -1, 3])
    x = torch.from_numpy(image).double().permute(2, 0, 1)[None]
    deep = F.conv2d(x, torch.from_numpy(kernel).double().permute(2, 0, 1)[:, None], groups=3)
    expected = F.conv2d(deep, torch.tensor([2.0, -1, 3]).double()[None, :, None, None])
    assert (w.result()[0] == expected[0, 0].numpy()).all()


def test_the_saving_of_a_separable_convolution():
    # 12×12×3 with 5×5 kernels and 256 maps
    assert multiplications(8 * 8, 5, 3, 256) == 1_228_800
    assert multiplications(8 * 8, 5, 3, 256, separable=True) == 4_800 + 49_152 == 53_952
    w = convolution(np.ones((12, 12, 3)), np.ones((5, 5, 3)), maps=256)
    assert "1,228,800 multiplications" in w.text() and "53,952 if it is separable" in w.text()


def test_the_checkerboard_is_told():
    w = convolution(np.ones((2, 2), int), np.ones((3, 3), int), "transposed", stride=2)
    said = w.text()
    assert "2×2×1, kernel 3×3, stride 2, dilation 1, padding 0 → 5×5" in said
    assert "written to:\n1 1 2 1 1\n1 1 2 1 1\n2 2 4 2 2\n1 1 2 1 1\n1 1 2 1 1" in said
    assert w.picture().shape[2] == 3 and w.picture().std() > 10


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"kind": "deconvolution"}, "may be convolution, transposed, separable"),
        ({"image": np.ones((17, 4))}, "up to 16×16×3"),
        ({"image": np.full((4, 4), np.nan)}, "must be numbers"),
        ({"kernel": np.ones((2, 3))}, "must be square"),
        ({"image": np.ones((4, 4, 2)), "kernel": np.ones((3, 3))}, r"2 channel\(s\) of image"),
        ({"image": np.ones((4, 4, 3)), "kind": "transposed"}, "does not go with 3"),
        ({"image": np.ones((4, 4)), "kind": "separable"}, "does not go with 1"),
        ({"weights": [1, 2]}, r"must hold 1 number\(s\)"),
        ({"stride": 0}, "stride is 0; it may be 1 to 4"),
    ],
)
def test_what_is_wrong_is_said(how, said):
    with pytest.raises(ValueError, match=said):
        convolution(**how)
