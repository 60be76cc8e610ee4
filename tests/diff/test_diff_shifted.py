"""Rates: floors, chance, and one reading per line and per second."""

from hypothesis import given
from hypothesis import strategies as st

from lo2.diff.baseline import Service
from lo2.diff.shifted import rate_shifts


@given(st.integers(0, 9), st.integers(0, 9))
def test_small_counts_are_chance(theirs: int, mine: int):
    known = Service([100], [None], {"x": [theirs]}, {"x": 0.0})
    assert list(rate_shifts(known, 100, None, {"x": mine})) == []


def test_a_run_twice_as_long_has_twice_as_many():
    known = Service([100], [10.0], {"x": [50]}, {"x": 0.0})
    assert list(rate_shifts(known, 200, 20.0, {"x": 100})) == []


def test_a_rate_that_is_right_per_second_is_no_finding():
    known = Service([100], [10.0], {"x": [50]}, {"x": 0.0})
    assert list(rate_shifts(known, 100, 60.0, {"x": 300})) == []


def test_a_rate_that_varied_before_may_vary_again():
    known = Service([100, 100, 100], [None] * 3, {"x": [5, 60, 30]}, {"x": 0.0})
    assert list(rate_shifts(known, 100, None, {"x": 70})) == []
