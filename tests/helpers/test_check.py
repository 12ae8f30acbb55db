from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from helpers import masks, wire
from helpers.check import desk, exercise, respond_to_call
from helpers.verdict import Case, wrong

MASK = np.array([[0, 1], [2, 255]], np.uint8)
FIRST = {"the class axis comes last": lambda m, c: masks.one_hot(m, c).transpose(2, 0, 1)}


def said(capsys, *arguments, **options):
    exercise(*arguments, **options)
    return capsys.readouterr().out.strip()


def test_at_the_desk_unless_a_judge_is_named():
    assert desk


@pytest.mark.parametrize("stub", [None, ..., lambda m, c: ..., lambda m, c: None])
def test_a_stub_is_not_done_yet(capsys, stub):
    assert said(capsys, stub, masks.one_hot, [(MASK, 3)]).startswith("… Not done yet")


def test_right_wrong_and_known_mistakes(capsys):
    inputs = [(MASK, 3), (MASK, 4)]
    assert said(capsys, masks.one_hot, masks.one_hot, inputs) == "✓ Right on 2 inputs."
    first = lambda m, c: (m[None] == np.arange(c)[:, None, None]).astype(float)  # noqa: E731
    assert (
        said(capsys, first, masks.one_hot, inputs, FIRST) == "✗ Not yet: the class axis comes last"
    )
    double = lambda m, c: 2 * masks.one_hot(m, c)  # noqa: E731
    assert (
        said(capsys, double, masks.one_hot, inputs)
        == "✗ Not yet: it is 2 at [0, 0, 0] and should be 1"
    )
    assert "shape (2, 2, 2) and should have (2, 2, 3)" in said(
        capsys, lambda m, c: masks.one_hot(np.minimum(m, 1), 2), masks.one_hot, inputs
    )


def test_code_that_stops_names_the_line(capsys):
    def divide(mask, classes):
        return mask / 0 + undefined_name  # noqa: F821

    with np.errstate(all="ignore"):
        out = said(capsys, divide, masks.one_hot, [(MASK, 3)])
    assert "NameError" in out and "your line: return mask / 0 + undefined_name" in out


def test_values_and_functions_that_write_into_their_inputs(capsys):
    assert said(capsys, 4, 4) == "✓ Right."
    assert said(capsys, 3.5, 4) == "✗ Not yet: it is 3.5 and should be 4"

    def spoil(mask, classes):
        mask[:] = 0
        return masks.one_hot(mask, classes)

    before = MASK.copy()
    assert "✗" in said(capsys, spoil, masks.one_hot, [(MASK, 3)])
    assert np.array_equal(MASK, before)


def test_nan_equals_nan_and_nothing_else():
    case = Case("", [], [np.array([0.5, np.nan])])
    assert wrong(case, [np.array([0.5, np.nan])]) is None
    assert "nan at [0]" in wrong(case, [np.array([np.nan, np.nan])])
    assert "0 at [1] and should be nan" in wrong(case, [np.array([0.5, 0])])


def test_small_gradients_are_compared_by_their_own_size():
    gradient = np.full((3, 3), 1e-7)
    case = Case("", [], [gradient], tolerance=1e-3)
    assert wrong(case, [gradient * 1.0001]) is None
    assert wrong(case, [np.zeros((3, 3))])


def test_a_resized_mask_may_be_any_id_of_its_part():
    allowed = np.array([[0b110, 0b001]], np.uint16)  # id 1 or 2, then id 0
    case = Case("", [], [np.array([[1, 0]])], allowed=allowed)
    assert wrong(case, [np.array([[2, 0]])]) is None
    assert "50.0% of the pixels" in wrong(case, [np.array([[3, 0]])])
    assert "class ids are integers" in wrong(case, [np.array([[1.5, 0]])])
    assert wrong(case, [np.array([[1, 300]])])


def test_the_first_mistake_is_named_although_a_later_output_has_another_one():
    halves, doubles = [np.array(0.25), np.array(1.0)], [np.array(0.5), np.array(2.0)]
    mistakes = [("the first is halved", halves), ("the second is doubled", doubles)]
    case = Case("", [], [np.array(0.5), np.array(1.0)], mistakes, names=["a", "b"])
    assert wrong(case, [np.array(0.25), np.array(2.0)]) == "the first is halved"
    assert wrong(case, [np.array(0.5), np.array(2.0)]) == "the second is doubled"
    assert wrong(case, [np.array(0.3), np.array(2.0)]) == "a is 0.3 and should be 0.5"


@pytest.mark.parametrize(
    "value",
    [
        [[0.5], [1.5]],
        ((0.5,), (1.5,)),
        np.array([[0.5], [1.5]], np.longdouble),
        [[Fraction(1, 2)], [Decimal("1.5")]],
        [torch.tensor([0.5]), torch.tensor([1.5], requires_grad=True)],
        torch.tensor([[0.5], [1.5]], dtype=torch.bfloat16),
    ],
)
def test_right_numbers_are_right_whatever_holds_them(value):
    given = respond_to_call(lambda: value, [])
    assert wrong(Case("", [], [np.array([[0.5], [1.5]])]), given) is None
    assert wrong(Case("", [], [np.array([[0.5], [1.6]])]), given)
    wire.encode(given)  # as in grading


@pytest.mark.parametrize(
    "value", [(0.5, [2, 3]), [0.5, [2, 3]], [Fraction(1, 2), (2, 3)], (0.5, torch.tensor([2, 3]))]
)
def test_two_outputs_may_come_as_a_list(value):
    case = Case("", [], [np.array(0.5), np.array([2, 3])])
    assert wrong(case, respond_to_call(lambda: value, [])) is None


@pytest.mark.parametrize("value", [[1, 2, 3], np.array([1, 2, 3]), (1, 2, 3)])
def test_several_numbers_may_come_as_a_list_or_an_array(value):
    given = respond_to_call(lambda: value, [])
    assert wrong(Case("", [], [np.array(n) for n in (1, 2, 3)]), given) is None
    assert "should return 2" in wrong(Case("", [], [np.array(1), np.array(2)]), given)
    hint = ("the first is doubled", [np.array(n) for n in (1, 2, 3)])
    assert wrong(Case("", [], [np.array(n) for n in (0.5, 2, 3)], [hint]), given) == hint[0]


def test_another_axis_stays_wrong():
    row = Case("", [], [np.array([1, 2])])
    assert "shape (1, 2)" in wrong(row, respond_to_call(lambda: [[1, 2]], []))
    assert "2 values" in wrong(row, respond_to_call(lambda: ([1, 2], [1, 2]), []))


@pytest.mark.parametrize("value", [[None, 1.0], {"a": 1}, object(), [[Fraction(1, 2), None]]])
def test_what_is_no_number_does_not_become_one(value):
    with pytest.raises(TypeError, match="an array was expected"):
        respond_to_call(lambda: value, [])
