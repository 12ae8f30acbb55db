"""Ten hostile submissions and an honest one after them; `make trust` runs all of them."""

import pytest

from tests import attacks

pytestmark = pytest.mark.usefixtures("sandboxed")


@pytest.mark.timeout(1800)  # a minute of processor time, and waits for limits
@pytest.mark.parametrize("start", ["warm", "cold"])
def test_an_attack_gains_nothing_leaves_nothing_and_harms_nobody(start):
    found = [r for grade in attacks.submissions(True, start == "cold") for r in grade()]
    assert len(found) == 10
    assert not [f"{one.name}: {one.said}" for one in found if not one.ok]


def test_attacks_are_told_apart_by_their_names():
    names = [attack.name for attack in attacks.all_of_them()]
    assert len(names) == len(set(names)) >= 40
    assert set(attacks.SAMPLE) <= set(names)
