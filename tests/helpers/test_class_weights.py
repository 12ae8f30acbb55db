import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from helpers import class_weights
from helpers.streets import scenes

RULES = (
    class_weights.inverse_frequency,
    class_weights.median_frequency,
    class_weights.effective_number,
)
# two masks of 10 pixels, four classes: the last is absent, class 2 is in the second mask alone
COUNTS = np.array([[8, 2, 0, 0], [4, 2, 4, 0]])


def test_pixels_are_counted_by_mask_and_class_and_255_is_not():
    masks = np.array([[[0, 0, 255], [1, 0, 2]], [[2, 2, 2], [255, 255, 0]]], np.uint8)
    counts = class_weights.count(masks, 4)
    np.testing.assert_array_equal(counts, [[3, 1, 1, 0], [1, 0, 3, 0]])
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(class_weights.count(masks.astype(np.int64), 4), counts)
    assert class_weights.count(masks[:0], 4).shape == (0, 4)
    with pytest.raises(ValueError, match="class id 2 at row 1, column 2"):
        class_weights.count(masks, 2)
    with pytest.raises(ValueError, match="N×H×W"):
        class_weights.count(masks[0], 4)


def test_inverse_frequency_is_the_balanced_rule_of_scikit_learn():
    _, masks = scenes(range(3), [0], height=48, width=64)
    present = np.unique(masks)
    weights = class_weights.inverse_frequency(class_weights.count(masks))
    theirs = compute_class_weight("balanced", classes=present, y=masks.ravel())
    np.testing.assert_allclose(weights[present], theirs)
    assert weights[~np.isin(np.arange(13), present)].sum() == 0
    total = class_weights.count(masks).sum(0) * weights  # every class adds up to the same
    np.testing.assert_allclose(total[present], total[present[0]])


def test_median_frequency_by_hand():
    # frequencies: 12/20, 4/20, and 4/10 since only the second mask shows class 2; their median 0.4
    weights = class_weights.median_frequency(COUNTS)
    np.testing.assert_allclose(weights, [0.4 / 0.6, 0.4 / 0.2, 1, 0])


def test_effective_number_by_hand():
    raw = np.array([0.5 / (1 - 0.5**n) for n in (12, 4, 4)])
    weights = class_weights.effective_number(COUNTS, beta=0.5)
    np.testing.assert_allclose(weights, [*(raw * 3 / raw.sum()), 0])
    np.testing.assert_allclose(class_weights.effective_number(COUNTS, beta=0), [1, 1, 1, 0])
    nearly = class_weights.effective_number(COUNTS, beta=1 - 1e-9)
    inverse = class_weights.inverse_frequency(COUNTS)
    np.testing.assert_allclose(nearly / nearly[0], inverse / inverse[0], rtol=1e-6)
    for beta in (1, -0.1, 2):
        with pytest.raises(ValueError, match="beta is"):
            class_weights.effective_number(COUNTS, beta)


@pytest.mark.parametrize("rule", RULES)
def test_rare_classes_weigh_more_and_absent_ones_nothing(rule):
    weights = rule(np.array([[10**7, 10**4, 0, 10]]))
    assert weights[0] < weights[1] < weights[3] and weights[2] == 0
    assert weights.dtype == np.float64
    assert (rule(np.zeros((2, 4), int)) == 0).all() and (rule(np.zeros((0, 4), int)) == 0).all()
    with pytest.raises(ValueError, match="N×C"):
        rule(np.array([1, 2, 3]))
