"""Memory is measured in a process of its own."""

import math

import pytest

from helpers.memory import peak_mib


def test_what_is_held_counts_even_after_it_is_freed():
    empty = peak_mib("pass")
    if math.isnan(empty):
        pytest.skip("this system does not tell the peak of a process")
    assert 190 < peak_mib("x = bytearray(200 * 2**20); del x") - empty < 215


def test_what_the_caller_holds_does_not_count():
    here = bytearray(300 * 2**20)
    assert not peak_mib("pass") > 100
    del here


def test_code_that_fails_says_why():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        peak_mib("1 / 0")
