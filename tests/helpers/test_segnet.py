import keras
import numpy as np
import pytest
import torch
from torch import nn

from helpers.keras import segnet as keras_segnet
from helpers.pytorch import segnet


def maps_with_ties():
    """Few different values, so that many windows have several maxima; some windows all zero."""
    x = np.random.default_rng(0).integers(0, 3, (2, 5, 8, 12)).astype(np.float32)
    x[0, :, 2:6] = 0
    return x


def last(x):
    return np.ascontiguousarray(np.transpose(x, (0, 2, 3, 1)))


def test_unpooling_is_that_of_pytorch_in_both_frameworks():
    x = torch.from_numpy(maps_with_ties())
    pooled, indices = nn.MaxPool2d(2, return_indices=True)(x)
    values = torch.rand(pooled.shape)
    expected = nn.MaxUnpool2d(2)(values, indices)
    places = segnet.switches(x)
    torch.testing.assert_close(segnet.unpool(values, places), expected, rtol=0, atol=0)
    their_places = keras_segnet.Switches()(last(x))
    np.testing.assert_array_equal(their_places, last(places))
    theirs = keras_segnet.unpool(last(values), their_places, "unpool")
    np.testing.assert_array_equal(theirs, last(expected))


def test_one_place_in_each_window():
    places = segnet.switches(torch.from_numpy(maps_with_ties()))
    assert (nn.functional.avg_pool2d(places, 2) == 0.25).all()


def test_gradients_go_where_the_maxima_were():
    x = torch.rand(1, 2, 4, 6, requires_grad=True)
    pooled, indices = nn.MaxPool2d(2, return_indices=True)(x)
    weights = torch.rand(1, 2, 4, 6)
    (nn.MaxUnpool2d(2)(pooled, indices) * weights).sum().backward()
    expected, x.grad = x.grad, None
    (segnet.unpool(nn.functional.max_pool2d(x, 2), segnet.switches(x)) * weights).sum().backward()
    torch.testing.assert_close(x.grad, expected)


def test_a_model_with_pytorchs_own_layers_gives_the_same():
    torch.manual_seed(0)
    model = segnet.segnet(13, 4, 3).eval()

    def by_indices(x):
        places = []
        for block in model.down:
            x, indices = nn.functional.max_pool2d(block(x), 2, return_indices=True)
            places.append(indices)
        for block in model.up:
            x = block(nn.functional.max_unpool2d(x, places.pop(), 2))
        return model.head(x)

    x = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        torch.testing.assert_close(model(x), by_indices(x))


@pytest.mark.parametrize("network", [segnet.segnet, keras_segnet.segnet])
def test_a_size_that_does_not_fit_is_named(network):
    image = np.zeros((1, 100, 128, 3), np.float32)
    image = torch.from_numpy(image).permute(0, 3, 1, 2) if network is segnet.segnet else image
    with pytest.raises(ValueError, match="100×128.*divisible by 32.*128×128"):
        network(13, 4)(image)
    assert tuple(network(13, 4, depth=2)(image).shape[1:]) in ((13, 100, 128), (100, 128, 13))


def test_a_saved_keras_model_loads(tmp_path):
    model = keras_segnet.segnet(3, 4, 2)
    model.save(tmp_path / "segnet.keras")
    again = keras.saving.load_model(tmp_path / "segnet.keras")
    x = np.random.default_rng(0).random((1, 16, 24, 3), np.float32)
    np.testing.assert_array_equal(again(x), model(x))
