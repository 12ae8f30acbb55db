"""Twenty planted mistakes before a real judge; `make trust` runs all of them."""

import pytest

from grader.checks import assignment
from tests import mutants
from tests.mutants.judged import changed, solution

pytestmark = pytest.mark.usefixtures("sandboxed")


def test_planted_mistakes_get_no_point_too_many_and_a_hint_that_leads_to_them():
    found = [r for grade in mutants.submissions(sample=True) for r in grade()]
    assert len(found) == 20
    assert not [f"{one.name}: {one.said}" for one in found if not one.ok]


@pytest.mark.parametrize("name", mutants.ASSIGNMENTS)
def test_every_planted_mistake_has_its_place_in_the_solution(name):
    cells = solution(name)
    for mutant in mutants.of(name):
        assert changed(cells, mutant) != cells


@pytest.mark.parametrize("name", mutants.ASSIGNMENTS)
def test_every_question_that_is_judged_by_its_answer_has_planted_mistakes(name):
    planted = {mutant.question for mutant in mutants.of(name)}
    asked = {key for key, question in assignment(name).items() if question.kind != "model"}
    assert planted == asked
