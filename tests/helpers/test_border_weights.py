import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from helpers.border_weights import border_weights, distance, parts
from helpers.classes import LYFT
from helpers.streets import scenes

SMALL = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(arrays(bool, SMALL))
def test_distance_is_that_of_scipy(region):
    if region.any():
        theirs = ndimage.distance_transform_edt(~region)
        np.testing.assert_allclose(distance(region, 20), theirs)
    else:
        assert np.isinf(distance(region, 20)).all()


@given(arrays(np.uint8, SMALL, elements=st.integers(0, 3)))
def test_parts_are_those_of_scipy(mask):
    numbered = parts(mask, [1, 3])
    theirs, last = np.zeros(mask.shape, int), 0
    for k in (1, 3):
        found, n = ndimage.label(mask == k)
        theirs += np.where(found, found + last, 0)
        last += n
    pairs = set(zip(numbered.ravel().tolist(), theirs.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(numbered)) == len(np.unique(theirs))
    np.testing.assert_array_equal(numbered == 0, ~np.isin(mask, [1, 3]))
    first = [np.flatnonzero(numbered == n)[0] for n in range(1, numbered.max() + 1)]
    assert first == sorted(first)


@given(arrays(np.int64, SMALL, elements=st.integers(0, 3)), st.sampled_from([0.5, 2, 5]))
def test_weights_are_those_of_the_paper(objects, sigma):
    distances = [ndimage.distance_transform_edt(objects != n) for n in np.unique(objects) if n]
    expected = np.full(objects.shape, 1.0)
    if len(distances) >= 2:
        d1, d2 = np.sort(distances, axis=0)[:2]
        expected += np.where(objects == 0, 10 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)), 0)
    weights = border_weights(objects, sigma=sigma)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.dtype == np.float32


def test_a_narrow_gap_weighs_most():
    objects = np.zeros((30, 60), int)
    objects[5:25, 5:20], objects[5:25, 22:40], objects[5:25, 50:58] = 1, 2, 3
    weights = border_weights(objects)
    assert weights[15, 20] == weights.max() == pytest.approx(1 + 10 * np.exp(-9 / 50))
    assert weights[15, 20] > weights[15, 45] > 1
    assert (weights[objects > 0] == 1).all()
    balance = np.where(objects > 0, 2.0, 0.5)
    np.testing.assert_allclose(
        border_weights(objects, balance=balance), weights - 1 + balance, rtol=1e-6
    )
    assert (border_weights((objects == 1).astype(int)) == 1).all()  # one object has no gap


def test_vehicles_of_a_scene():
    _, masks = scenes([35], [0])
    vehicles = parts(masks[0], [LYFT.id("Vehicles")])
    assert vehicles.max() >= 2
    assert 1 < border_weights(vehicles).max() < 11


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="H×W"):
        border_weights(np.zeros((2, 3, 4), int))
    with pytest.raises(ValueError, match="sigma is 0"):
        border_weights(np.zeros((3, 4), int), sigma=0)
