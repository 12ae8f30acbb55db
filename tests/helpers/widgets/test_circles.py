"""The two circles in Python."""

import numpy as np
import pytest

from helpers import metrics
from helpers.widgets.circles import circles
from helpers.widgets.threshold import FN, FP, TP


@pytest.mark.parametrize("x, y, radius", [(0, 0, 40), (30, -10, 40), (80, 0, 40), (5, 5, 150)])
def test_the_words_are_the_metrics_of_the_two_sets(x, y, radius):
    widget = circles(x, y, radius)
    a, b = (region.astype(int) for region in widget.sets())
    scores = metrics.Confusion(2).add(a, b)
    assert f"= {scores.iou()[1]:.3f}\n" in widget.text()
    assert f"= {scores.dice()[1]:.3f}\n" in widget.text()
    assert widget.text().endswith(f"= {scores.accuracy():.3f}")


def test_the_still_picture_has_four_groups():
    widget = circles(30)
    a, b = widget.sets()
    picture = widget.picture()
    assert (picture[a & b] == TP).all()
    assert (picture[b & ~a] == FP).all() and (picture[a & ~b] == FN).all()


def test_a_larger_picture_changes_the_accuracy_alone():
    widget = circles(80)
    small = np.mean(np.equal(*widget.sets()))
    widget.side = 800
    assert np.mean(np.equal(*widget.sets())) > small
    assert "IoU = |A∩B| / |A∪B| = 0 /" in widget.text()


def test_beyond_the_sliders_is_refused():
    with pytest.raises(ValueError, match="radius is 0; it goes from 1 to 160"):
        circles(radius=0)
