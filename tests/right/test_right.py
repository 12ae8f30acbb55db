"""Ten right answers before a real judge; `make trust` runs all of them."""

from collections import Counter

import pytest

from grader.checks import assignment
from tests import right
from tests.mutants.judged import solution

pytestmark = pytest.mark.usefixtures("sandboxed")


def test_right_answers_get_every_point():
    found = [r for grade in right.submissions(sample=True) for r in grade()]
    assert len(found) == 10
    assert not [f"{one.name}: {one.said}" for one in found if not one.ok]


@pytest.mark.parametrize("name", right.ASSIGNMENTS)
def test_each_question_is_answered_in_two_other_ways_at_least(name):
    ways = Counter((answer.question, answer.way) for answer in right.of(name))
    assert set(ways.values()) == {1}, "two with the same name"
    by_question = Counter(question for question, _ in ways)
    assert by_question.keys() == assignment(name).keys()
    assert min(by_question.values()) >= 2


@pytest.mark.parametrize("name", right.ASSIGNMENTS)
def test_each_answer_is_that_of_its_question(name):
    """Below the solution it would not be missed."""
    cells = solution(name)
    for answer in right.of(name):
        if f"{answer.question}_answer" in cells:
            made = {f"def {answer.question}(", f"{answer.question} = "}
            assert any(f"\n{start}" in answer.code for start in made), answer.way


def test_networks_and_losses_are_answered_in_both_frameworks():
    for name in right.ASSIGNMENTS:
        for question, asked in assignment(name).items():
            if asked.kind != "function":
                found = {a.framework for a in right.of(name) if a.question == question}
                assert found == {"pytorch", "keras"}, question
