import pytest

from helpers.classes import numbered


@pytest.mark.parametrize("count", [1, 2, 13, 40, 255])
def test_numbered_classes_have_a_colour_each(count):
    classes = numbered(count)
    assert len(classes) == count and classes.names[-1] == f"class {count - 1}"
    assert len(set(classes.colours)) == count and classes.palette.shape == (count, 3)


@pytest.mark.parametrize("count", [0, 256])
def test_a_mask_holds_1_to_255_classes(count):
    with pytest.raises(ValueError, match=f"{count} classes; a mask of 8 bits holds 1 to 255"):
        numbered(count)
