"""Counts at a threshold, conformal p-values and the promise that an alert budget makes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from lo2.errors import TooFewError, UnreachableBudgetError
from lo2.metrics.conformal import alert_budget, left_out_p_values, p_values
from lo2.metrics.labels import confusion

numbers = st.lists(st.integers(-20, 20), min_size=0, max_size=40)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_counts_and_f1_equal_a_loop_and_scikit_learn(rows):
    flagged, labels = [f for f, _ in rows], [x for _, x in rows]
    found = confusion(flagged, labels)
    assert (found.tp, found.fp) == (sum(f and x for f, x in rows), sum(f and not x for f, x in rows))
    assert (found.fn, found.tn) == (sum(x and not f for f, x in rows), sum(not x and not f for f, x in rows))
    if any(labels):
        assert found.f1 == pytest.approx(f1_score(labels, flagged, zero_division=0.0))
        assert found.recall == found.tp / sum(labels)
    else:
        assert np.isnan(found.f1)
        assert np.isnan(found.recall)


def test_weights_give_one_count_per_resample():
    found = confusion([True, False], [True, True], weights=np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(found.recall, [0.5, 1.0, np.nan])


@given(numbers, st.lists(st.integers(-20, 20), min_size=1, max_size=10))
def test_p_values_equal_their_definition(holdout, scores):
    expected = [(1 + sum(h >= s for h in holdout)) / (1 + len(holdout)) for s in scores]
    assert p_values(holdout, scores) == pytest.approx(expected)


def test_p_values_of_exchangeable_scores_are_super_uniform():
    generator = np.random.default_rng(7)
    p = np.concatenate([p_values(draw[:19], draw[19:]) for draw in generator.normal(size=(4000, 20)).round(1)])
    for level in (0.05, 0.1, 0.25, 0.5, 0.9):
        slack = 3 * np.sqrt(level * (1 - level) / p.size)
        assert (p <= level).mean() <= level + slack


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.sampled_from([0.05, 0.1, 0.25, 0.5]), st.booleans())
def test_the_promised_rate_holds_on_any_ties(scores, level, repeats):
    values, everyone = np.array(scores, float), np.arange(len(scores))
    found = left_out_p_values(values, everyone >= 0, everyone, repeats=repeats).p_value
    assert (found <= level).sum() <= level * len(scores) + 1e-9
    each = [p_values(np.delete(values, i), values[i : i + 1], repeats=repeats)[0] for i in everyone]
    np.testing.assert_allclose(found, each)


def test_p_values_refuse_nan():
    with pytest.raises(ValueError, match="NaN"):
        p_values([1.0], [np.nan])


@given(st.lists(st.integers(-9, 9), min_size=19, max_size=60), st.floats(60, 990))
def test_a_budget_alerts_exactly_on_p_values_within_it(holdout, per_thousand):
    budget = alert_budget(holdout, per_thousand)
    scores = np.arange(-10, 11)
    np.testing.assert_array_equal(
        scores >= budget.threshold, p_values(holdout, scores) <= per_thousand / 1000 + 1e-9 / (1 + len(holdout))
    )


def test_an_unreachable_budget_says_which_n_it_takes():
    with pytest.raises(UnreachableBudgetError, match=r"from 56 normal .* it takes 199\. .* 17\.54") as caught:
        alert_budget(np.arange(56.0), 5)
    assert isinstance(caught.value, TooFewError)
    assert alert_budget(np.arange(199.0), 5).n == 199
    with pytest.raises(UnreachableBudgetError):
        alert_budget(np.arange(198.0), 5)


@pytest.mark.parametrize("per_thousand", [0, -1, 1000, float("nan")])
def test_a_budget_out_of_range_is_refused(per_thousand):
    with pytest.raises(ValueError, match="out of range"):
        alert_budget([1.0, 2.0], per_thousand)


@pytest.mark.parametrize(("n", "per_thousand"), [(40, 50), (199, 5), (300, 20)])
def test_over_200_resamples_the_realised_false_alert_rate_keeps_within_the_bound(n, per_thousand):
    generator = np.random.default_rng(n)
    within_rate, within_count, rates = 0, 0, []
    for _ in range(200):
        budget = alert_budget(generator.exponential(size=n), per_thousand)
        rate = np.exp(-budget.threshold)  # of the exponential law itself: no test set blurs it
        rates.append(rate)
        within_rate += rate <= budget.bound
        within_count += (generator.exponential(size=1000) >= budget.threshold).sum() <= budget.bound_per_thousand
    assert within_rate >= 0.95 * 200
    assert within_count >= 0.95 * 200
    assert np.mean(rates) == pytest.approx(budget.expected_rate, abs=4 * np.std(rates) / np.sqrt(200))
    assert budget.expected_rate <= per_thousand / 1000


def test_the_bound_is_not_vacuous():
    generator = np.random.default_rng(1)
    budgets = [alert_budget(generator.exponential(size=199), 20, confidence=0.5) for _ in range(200)]
    share = np.mean([np.exp(-budget.threshold) <= budget.bound for budget in budgets])
    assert 0.4 < share < 0.6
