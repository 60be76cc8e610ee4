"""How the tokens of a shared column divide its contribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lo2.explain.allocation import allocation_shares

counts = st.lists(st.floats(0, 1e4), min_size=1, max_size=8).map(np.array)


@given(counts, counts, st.booleans())
def test_shares_are_none_below_zero_and_sum_to_one(here, baseline, more):
    size = min(here.size, baseline.size)
    found = allocation_shares(here[:size], baseline[:size], more_anomalous=more)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)


def test_blame_follows_the_direction_of_the_column():
    more = allocation_shares(np.array([9.0, 0.0, 2.0]), np.array([1.0, 3.0, 2.0]), more_anomalous=True)
    assert more.tolist() == [1.0, 0.0, 0.0]
    fewer = allocation_shares(np.array([2.0, 0.0, 2.0]), np.array([1.0, 3.0, 2.0]), more_anomalous=True)
    assert fewer.tolist() == [0.0, 1.0, 0.0]


def test_what_speaks_for_normal_is_put_on_what_agrees():
    found = allocation_shares(np.array([9.0, 3.0, 0.0]), np.array([1.0, 3.0, 2.0]), more_anomalous=False)
    assert found.tolist() == [0.25, 0.75, 0.0]
