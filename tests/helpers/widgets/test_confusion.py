"""The confusion matrix with lit pixels, in Python."""

import numpy as np
import pytest

from helpers.metrics import Confusion
from helpers.widgets.confusion import LIT, confusion

rng = np.random.default_rng(0)
TRUTH = rng.integers(0, 5, (30, 40), np.uint8)
PREDICTION = np.where(rng.random((30, 40)) < 0.7, TRUTH, 7).astype(np.uint8)
IMAGE = rng.integers(0, 256, (30, 40, 3), np.uint8)


def test_at_first_the_largest_mistake_is_lit():
    widget = confusion(IMAGE, TRUTH, PREDICTION)
    matrix = Confusion().add(TRUTH, PREDICTION).matrix
    t, p = widget.cell
    assert p == 7 and matrix[t, 7] == matrix[:, 7].max()
    assert f"{matrix[t, 7]:,} pixels" in widget.text().splitlines()[0]


def test_the_still_picture_lights_the_cells_pixels():
    widget = confusion(IMAGE, TRUTH, PREDICTION)
    widget.cell = [2, 2]
    lit = (TRUTH == 2) & (PREDICTION == 2)
    picture = widget.picture()
    assert (picture[lit] == LIT).all()
    assert picture[~lit].max() <= 85


def test_ignored_pixels_are_in_no_cell():
    truth = TRUTH.copy()
    truth[:10] = 255
    widget = confusion(IMAGE, truth, PREDICTION)
    widget.cell = [1, 1]
    count = Confusion().add(truth, PREDICTION).matrix[1, 1]
    assert widget.text().startswith(f"Lit: true 1 Buildings, called 1 Buildings: {count:,} pixels")


def test_errors_name_the_mask():
    with pytest.raises(ValueError, match="prediction has the shape"):
        confusion(IMAGE, TRUTH, PREDICTION[:4])
    with pytest.raises(ValueError, match="truth"):
        confusion(IMAGE, TRUTH + 40, PREDICTION)


def test_a_perfect_answer_has_no_mistakes():
    words = confusion(IMAGE, TRUTH, TRUTH).text()
    assert words == f"Lit: true 0 None, called 0 None: {(TRUTH == 0).sum()} pixels"
