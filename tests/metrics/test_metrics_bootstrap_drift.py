"""Intervals that draw whole runs, and PSI against a loop."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from lo2.metrics.bootstrap import percentile_interval, run_bootstrap
from lo2.metrics.drift import categorical_psi, psi, psi_bins, psi_by_chance


def naive_psi(reference, new, edges):
    total = 0.0
    for low, high in zip([-math.inf, *edges], [*edges, math.inf], strict=True):
        shares = [
            (sum(low < x <= high for x in side) + 0.5) / (len(side) + 0.5 * (len(edges) + 1))
            for side in (reference, new)
        ]
        total += (shares[1] - shares[0]) * math.log(shares[1] / shares[0])
    return total


def test_resampling_by_weights_equals_resampling_rows_of_drawn_runs():
    runs, values = np.array(["b", "a", "a", "c"]), np.array([1.0, 2.0, 3.0, 10.0])
    boot = run_bootstrap(runs, resamples=50, seed=3)
    means = boot.replicate(lambda w: w @ values / w.sum(axis=1))
    for draw, mean in zip(boot.draws.astype(int), means, strict=True):
        drawn = np.repeat(["a", "b", "c"], draw)
        assert len(drawn) == 3
        rows = np.concatenate([values[runs == run] for run in drawn])
        assert mean == pytest.approx(rows.mean())


def test_draws_depend_on_the_set_of_runs_and_the_seed_alone():
    first = run_bootstrap(["a", "b", "b", "c"], resamples=20, seed=1)
    assert np.array_equal(first.draws, run_bootstrap(["c", "b", "a"], resamples=20, seed=1).draws)
    assert not np.array_equal(first.draws, run_bootstrap(["a", "b", "c"], resamples=20, seed=2).draws)


def test_a_large_input_in_pieces_gives_the_same_as_row_subsets_in_one():
    runs = np.arange(30_000) % 7
    boot = run_bootstrap(runs, resamples=200, seed=0)
    assert np.array_equal(boot.replicate(lambda w: w.sum(axis=1)), boot.draws @ np.bincount(runs))
    subset = boot.replicate(lambda w: w.sum(axis=1), rows=np.flatnonzero(runs == 3))
    assert np.array_equal(subset, boot.draws[:, 3] * (runs == 3).sum())


def test_runs_are_drawn_so_that_rows_of_one_run_do_not_narrow_the_interval():
    per_run = np.random.default_rng(0).normal(size=20)
    boot = run_bootstrap(np.repeat(np.arange(20), 100), resamples=500)
    clustered = boot.interval(boot.replicate(lambda w: w @ np.repeat(per_run, 100) / w.sum(axis=1)))
    assert clustered.high - clustered.low == pytest.approx(4 * per_run.std() / np.sqrt(20), rel=0.2)


def test_degenerate_cases_have_no_interval_but_a_reason():
    assert percentile_interval(np.zeros(100), n_runs=1).why == "an interval needs two runs or more, found 1"
    mostly = np.r_[np.full(60, np.nan), np.zeros(40)]
    assert percentile_interval(mostly, n_runs=5).why == "undefined in 60 of 100 resamples of the 5 runs"
    assert percentile_interval(mostly[30:], n_runs=5).low == 0.0
    assert run_bootstrap([], resamples=10).n_runs == 0


@given(
    st.lists(st.floats(-100, 100), min_size=10, max_size=60, unique=True),
    st.lists(st.floats(-100, 100), min_size=1, max_size=60),
)
def test_psi_equals_its_slow_twin(reference, new):
    ordered = sorted(reference)
    edges = [ordered[math.ceil(len(ordered) * share / 5) - 1] for share in range(1, 5)]
    assert psi(reference, new, bins=5) == pytest.approx(naive_psi(reference, new, edges))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_psi_is_never_negative_and_zero_against_itself(reference, new):
    assert psi(reference, new) >= 0
    assert psi(reference, reference) == 0


@pytest.mark.parametrize("moved", [-1.0, 1.0])
def test_psi_sees_a_move_from_a_constant_reference_in_either_direction(moved):
    assert psi(np.zeros(50), np.full(50, moved)) > 1


@pytest.mark.parametrize(("reference", "new"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_psi_refuses_empty_sides_and_nan(reference, new):
    with pytest.raises(ValueError, match="PSI needs"):
        psi(reference, new)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99, 0.9999])
@pytest.mark.parametrize("bins", [1, 2, 3, 4, 9, 10, 25])
def test_the_chance_level_is_a_quantile_of_chi_square(bins, level):
    expected = (1 / 40 + 1 / 70) * chi2.ppf(level, max(1, bins - 1))
    assert psi_by_chance(40, 70, bins=bins, level=level) == pytest.approx(expected, rel=1e-13)


def test_the_chance_level_holds_for_samples_without_drift():
    generator = np.random.default_rng(5)
    found = [psi(generator.normal(size=200), generator.normal(size=200)) for _ in range(400)]
    assert np.mean(np.array(found) > psi_by_chance(200, 200)) < 0.03
    assert np.mean(np.array(found) > psi_by_chance(200, 200, level=0.5)) > 0.35


def test_bins_keep_five_expected_values_and_categories_unknown_to_the_reference_count():
    assert [psi_bins(n, 1000) for n in (9, 10, 26, 5000)] == [0, 2, 5, 10]
    assert categorical_psi({"a": 90, "b": 10}, {"a": 90, "b": 10}) == 0
    assert categorical_psi({"a": 100}, {"a": 100, "err": 60}) > categorical_psi({"a": 100}, {"a": 100, "err": 5}) > 0
    with pytest.raises(ValueError, match="counts on both sides"):
        categorical_psi({}, {"a": 1})
