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


def fcn_builds(rng: np.random.Generator) -> list[Build]:
    """All three strides at one size, and one at another; classes and widths vary."""
    builds = []
    for stride in (8, 16, 32, 8):
        height, columns = 96, 128
        if len(builds) == 3:
            sizes = rng.choice([2, 4, 5], 2, replace=False)
            height, columns = (32 * int(n) for n in sizes)
        classes, width = 2 * int(rng.integers(1, 8)) + 1, 2 * int(rng.integers(2, 5))
        builds.append(Build(classes, width, height, columns, {"stride": stride}))
    return builds


QUESTIONS = {
    "output_sizes": Question(
        8,
        "function",
        {"convolution and pooling": 0.4, "dilation": 0.3, "transposed convolution": 0.3},
        size_cases,
    ),
    "receptive_field": Question(
        10, "function", {"size and jump": 0.4, "dilation": 0.2, "start": 0.4}, field_cases
    ),
    "unpool": Question(8, "function", {"bed of nails": 0.4, "max unpooling": 0.6}, unpool_cases),
    "transposed_conv": Question(
        14,
        "function",
        {"one map": 0.3, "several maps": 0.3, "padding": 0.3, "gaps": 0.1},
        transposed_cases,
    ),
    "overlaps": Question(
        6, "function", {"counts": 0.5, "gaps": 0.2, "padding": 0.3}, overlap_cases
    ),
    "bilinear_kernel": Question(
        10,
        "function",
        {"even factors": 0.4, "odd factors": 0.3, "several maps": 0.3},
        bilinear_cases,
    ),
    "dense_as_conv": Question(
        9, "function", {"the size of the layer": 0.4, "larger maps": 0.6}, dense_cases
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
        public_builds=(
            Build(13, 8, 96, 128, {"stride": 8}),
            Build(5, 6, 96, 128, {"stride": 16}),
            Build(7, 4, 96, 128, {"stride": 32}),
            Build(3, 4, 160, 64, {"stride": 8}),
        ),
    ),
}
