"""The receptive field against a network of ones, pixel by pixel."""

import numpy as np
import pytest

from helpers.widgets.receptive_field import (
    Layer,
    conv,
    geometry,
    paths,
    pool,
    receptive_field,
    sizes,
    transposed,
)

NETWORKS = {
    "two convolutions": [conv(), conv()],
    "strided": [conv(3, stride=2), conv(5), pool(3, 2, 1)],
    "gridding": [conv(dilation=2), conv(dilation=2)],
    "up again": [conv(), pool(), conv(), transposed(), conv()],
    "transposed 3×3": [pool(), transposed(3, 2), conv(2, padding=0)],
    "dilated transposed": [Layer("transposed", 3, 2, 2, 1)],
    "no padding": [conv(padding=0), conv(dilation=3, padding=0)],
}


def ones(layer, maps):
    """N×H×W through a layer whose weights are all 1; its definition, value by value."""
    n, high, wide = maps.shape
    out = np.zeros((n, layer.size(high), layer.size(wide)))
    k, s, d, p = layer.kernel, layer.stride, layer.dilation, layer.padding
    up = layer.kind == "transposed"
    small, large = ((high, wide), out.shape[1:]) if up else (out.shape[1:], (high, wide))
    for y, x in np.ndindex(*small):
        for a, b in np.ndindex(k, k):
            v, u = y * s - p + a * d, x * s - p + b * d
            if 0 <= v < large[0] and 0 <= u < large[1]:
                if up:
                    out[:, v, u] += maps[:, y, x]
                else:
                    out[:, y, x] += maps[:, v, u]
    return out


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_the_paths_are_the_gradient_of_a_network_of_ones(layers):
    high, wide = 10, 12
    out = np.eye(high * wide).reshape(-1, high, wide)  # one image for each input pixel
    for layer in layers:
        out = ones(layer, out)
    for y, x in np.ndindex(*out.shape[1:]):
        found = np.outer(paths(layers, high, y), paths(layers, wide, x))
        assert (found == out[:, y, x].reshape(high, wide)).all()


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_field_jump_and_start_describe_the_paths(layers):
    field, jump, start = geometry(layers)[-1]
    outputs = sizes(layers, 64)[-1]
    seen = [np.flatnonzero(paths(layers, 64, at)) for at in range(outputs)]
    inner = [at for at in range(outputs // 3, 2 * outputs // 3) if len(seen[at])]
    assert max(seen[at][-1] - seen[at][0] + 1 for at in inner) == field
    # the middles lie on the line start + jump · at, if the layer's neighbours are taken together
    middles = [(seen[at][0] + seen[at][-1]) / 2 - (start + jump * at) for at in inner]
    period = int(np.prod([each.stride for each in layers if each.kind == "transposed"]))
    whole = middles[: len(middles) // period * period]
    assert np.mean(whole) == pytest.approx(0, abs=0.5)
    if period == 1:
        assert np.ptp(middles) == middles[0] == 0


def test_vgg_16():
    layers = []
    for convolutions in (2, 2, 3, 3, 3):
        layers += [conv()] * convolutions + [pool()]
    assert geometry(layers)[-1] == (212, 32, 15.5)
    assert sizes(layers, 224)[-1] == 7


def test_the_words():
    said = receptive_field([conv(dilation=2), conv(dilation=2)], side=21).text()
    assert " 1 convolution         3      1        2       2      21×21     5     1      0" in said
    assert "(10, 10): its field is 9×9, it sees 25 of 81 pixels, one of them by 9 paths" in said


def test_the_picture_is_blue_where_it_sees():
    shown = receptive_field([conv()], side=5).picture()
    cell = len(shown) // 5
    middles = shown[cell // 2 :: cell, cell // 2 :: cell]
    assert (middles[0] == 255).all()
    assert (middles[1:4, 1:4, 0] < 60).all()


def test_the_effective_field():
    gradient = np.zeros((33, 33))
    gradient[14:19, 14:19] = -1
    gradient[0, 0] = 0.5
    w = receptive_field([conv(9), conv(9)], effective=gradient)
    assert "95 % of the gradient lies in the nearest 5×5 pixels" in w.text()


@pytest.mark.parametrize(
    ("layers", "more", "said"),
    [
        ([pool(), pool(), pool()], {"side": 4}, "layer 3, pooling 2×2: nothing is left of 1"),
        ([conv()], {"pixel": (33, 0)}, "33×33 pixels"),
        ([conv()], {"side": 1000}, "3 to 512"),
        ([conv()], {"effective": np.zeros((33, 33))}, "not zero"),
        ([conv()], {"effective": np.ones((32, 33))}, "33×33"),
    ],
)
def test_what_is_wrong_is_said(layers, more, said):
    with pytest.raises(ValueError, match=said):
        receptive_field(layers, **more)


def test_layers_must_be_possible():
    with pytest.raises(ValueError, match="may be convolution, pooling, transposed"):
        Layer("dense", 3, 1, 1, 0)
    with pytest.raises(ValueError, match="1 or more"):
        conv(0)
