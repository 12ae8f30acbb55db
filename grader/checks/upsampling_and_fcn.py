"""The assignment upsampling_and_fcn: its questions and their points."""

import numpy as np

from grader.checks import Question
from grader.checks.dense_layers import dense_cases
from grader.checks.shapes import field_cases, size_cases
from grader.checks.upsampling import (
    bilinear_cases,
    overlap_cases,
    transposed_cases,
    unpool_cases,
)
from helpers.designs import Build

PUBLIC = (
    Build(13, 8, 96, 128, {"stride": 8}),
    Build(5, 6, 96, 128, {"stride": 16}),
    Build(7, 4, 96, 128, {"stride": 32}),
    Build(3, 4, 160, 64, {"stride": 8}),
)


def fcn_builds(rng: np.random.Generator) -> list[Build]:
    """The public ones, and one of another size, with its own classes and width."""
    stride = int(rng.choice((8, 16, 32)))
    height, columns = (32 * int(n) for n in rng.choice([2, 4, 5], 2, replace=False))
    classes, width = 2 * int(rng.choice((4, 5, 7))) + 1, 10
    return [*PUBLIC, Build(classes, width, height, columns, {"stride": stride})]


QUESTIONS = {
    "output_sizes": Question(
        8,
        "function",
        {"convolution and pooling": 0.4, "dilation": 0.3, "transposed convolution": 0.3},
        size_cases,
        asks="output_sizes(size, layers) gives the size of the map after each layer.",
        lesson="04 Four layers that classifiers are made of",
    ),
    "receptive_field": Question(
        10,
        "function",
        {"size and jump": 0.4, "dilation": 0.2, "start": 0.4},
        field_cases,
        asks="receptive_field(layers) gives size, jump and start of the field of one output pixel.",
        lesson="04 A classifier: sizes fall, channels rise",
    ),
    "unpool": Question(
        8,
        "function",
        {"bed of nails": 0.4, "max unpooling": 0.6},
        unpool_cases,
        asks=(
            "unpool(maps, factor, places) enlarges maps by a bed of nails, or back to the places "
            "of the maxima."
        ),
        lesson="04 Unpooling: four ways without weights",
    ),
    "transposed_conv": Question(
        14,
        "function",
        {"one map": 0.3, "several maps": 0.3, "padding": 0.3, "gaps": 0.1},
        transposed_cases,
        asks=(
            "transposed_conv(maps, kernel, stride, padding) adds a scaled kernel for each input "
            "pixel."
        ),
        lesson="04 Transposed convolution",
    ),
    "overlaps": Question(
        6,
        "function",
        {"counts": 0.5, "gaps": 0.2, "padding": 0.3},
        overlap_cases,
        asks=(
            "overlaps(size, kernel, stride, padding) counts the input pixels that reach each "
            "output pixel."
        ),
        lesson="04 Overlap and the checkerboard",
    ),
    "bilinear_kernel": Question(
        10,
        "function",
        {"even factors": 0.4, "odd factors": 0.3, "several maps": 0.3},
        bilinear_cases,
        asks=(
            "bilinear_kernel(factor, maps) gives the kernel with which a transposed convolution "
            "interpolates."
        ),
        lesson="04 Start as bilinear interpolation",
    ),
    "dense_as_conv": Question(
        9,
        "function",
        {"the size of the layer": 0.4, "larger maps": 0.6},
        dense_cases,
        asks=(
            "dense_as_conv(maps, weights, bias, height, width) slides a dense layer over maps of "
            "any size."
        ),
        lesson="04 A dense layer is a convolution",
    ),
    "fcn": Question(
        25,
        "network",
        {
            "any size": 0.2,
            "encoder": 0.2,
            "stride 32": 0.1,
            "stride 16": 0.2,
            "stride 8": 0.2,
            "logits": 0.1,
        },
        design="fcn",
        builds=fcn_builds,
        public_builds=PUBLIC,
        asks="fcn(classes, width, stride) builds an FCN-32s, FCN-16s or FCN-8s.",
        lesson="05 FCN-16s and FCN-8s: add finer scores in stages",
    ),
}
