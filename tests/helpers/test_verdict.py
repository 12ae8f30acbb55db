"""What is said of an answer: the hint of the mistake that it makes, and of no other."""

import numpy as np

from helpers.verdict import Case, explain, look_at

HINTS = {"that is twice the value": lambda x: 2 * x, "that is the square": lambda x: x**2}


def findings(answer, *inputs):
    for x in inputs:
        known = [(hint, [np.array(mistake(x))]) for hint, mistake in HINTS.items()]
        yield look_at(Case("", [x], [np.array(x)], known), [np.array(answer(x))])


def hints(answer, *inputs):
    return [fault and fault.hint for fault in explain(list(findings(answer, *inputs)))]


def test_mistakes_that_look_alike_in_one_case_are_told_apart_by_the_others():
    square, twice = "that is the square", "that is twice the value"
    assert hints(lambda x: x**2, 2.0) == [twice]  # 2 · 2 = 2²
    assert hints(lambda x: x**2, 2.0, 3.0) == [square, square]
    assert hints(lambda x: 2 * x, 2.0, 3.0) == [twice, twice]


def test_a_right_answer_speaks_against_the_mistakes_that_show_there():
    assert hints(lambda x: x**2 if x < 2.5 else x, 2.0, 3.0) == ["that is twice the value", None]
    assert hints(lambda x: x**2, 2.0, 1.0) == ["that is the square", None]


def test_where_no_mistake_agrees_with_all_cases_the_one_that_fits_is_named():
    three = hints(lambda x: x**2 if x < 4 else -x, 2.0, 3.0, 5.0)
    assert three == ["that is the square", "that is the square", ""]


def test_a_mistake_that_spoils_an_earlier_output_is_not_that_of_a_later_one():
    known = [("both are wrong", [np.array(7.0), np.array(8.0)])]
    case = Case("", [], [np.array(1.0), np.array(2.0)], known)
    first_alone, second_alone = ([np.array(7.0), np.array(2.0)], [np.array(1.0), np.array(8.0)])
    assert [fault.hint for fault in explain([look_at(case, first_alone)])] == ["both are wrong"]
    assert [fault.hint for fault in explain([look_at(case, second_alone)])] == [""]
