"""Ranking metrics against slow twins, scikit-learn and their own invariances."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from lo2.metrics.ranking import (
    TieGroups,
    auc,
    average_precision_of,
    pr_curve,
    precision_of,
    ranking_threshold,
    roc_curve,
)


def naive_auc(scores, labels):
    anomalies = [s for s, label in zip(scores, labels, strict=True) if label]
    normals = [s for s, label in zip(scores, labels, strict=True) if not label]
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in anomalies for b in normals)
    return wins / (len(anomalies) * len(normals))


def average_precision(scores, labels):
    return float(average_precision_of(*TieGroups.from_scores(scores, labels).tie_counts()))


def precision_at_k(scores, labels, k):
    return float(precision_of(*TieGroups.from_scores(scores, labels).tie_counts(), k))


def naive_precision_at_k(scores, labels, k):
    """Mean over every order of the rows that the scores allow."""
    orders = itertools.permutations(range(len(scores)))
    allowed = [order for order in orders if all(scores[i] >= scores[j] for i, j in itertools.pairwise(order))]
    shares = [sum(labels[i] for i in order[:k]) / k for order in allowed]
    return sum(shares) / len(shares)


@st.composite
def ranked(draw, largest=30):
    n = draw(st.integers(2, largest))
    scores = draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    labels = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda x: any(x) and not all(x)))
    return [float(s) for s in scores], labels


@given(ranked())
def test_auc_equals_its_slow_twin_and_scikit_learn(case):
    assert auc(*case) == pytest.approx(naive_auc(*case))
    assert auc(*case) == pytest.approx(roc_auc_score(case[1], case[0]))


@given(ranked())
def test_auc_ignores_a_monotone_transform_and_mirrors_when_scores_are_negated(case):
    scores, labels = np.array(case[0]), case[1]
    assert auc(np.exp(scores) * 3 + 1, labels) == pytest.approx(auc(scores, labels))
    assert auc(-scores, labels) == pytest.approx(1 - auc(scores, labels))


@given(ranked())
def test_average_precision_equals_scikit_learn(case):
    assert average_precision(*case) == pytest.approx(average_precision_score(case[1], case[0]))


@given(ranked(largest=6), st.data())
def test_precision_at_k_is_the_mean_over_all_orders_of_the_ties(case, data):
    k = data.draw(st.integers(1, len(case[0])))
    assert precision_at_k(*case, k) == pytest.approx(naive_precision_at_k(*case, k))


@given(ranked())
def test_precision_at_n_is_the_prevalence(case):
    scores, labels = case
    assert precision_at_k(scores, labels, len(labels)) == pytest.approx(np.mean(labels))


@given(ranked(), st.integers(0, 99))
def test_row_weights_count_like_repeated_rows(case, seed):
    scores, labels = np.array(case[0]), np.array(case[1])
    weights = np.random.default_rng(seed).integers(0, 4, labels.size)
    repeated = np.repeat(scores, weights), np.repeat(labels, weights)
    groups, weight = TieGroups.from_scores(scores, labels), weights[None, :].astype(float)
    if 0 < repeated[1].sum() < repeated[1].size:
        assert groups.auc(weight)[0] == pytest.approx(auc(*repeated))
        assert average_precision_of(*groups.tie_counts(weight))[0] == pytest.approx(average_precision(*repeated))
        assert precision_of(*groups.tie_counts(weight), 1)[0] == pytest.approx(precision_at_k(*repeated, 1))
    else:
        assert np.isnan(groups.auc(weight)[0])
        assert np.isnan(average_precision_of(*groups.tie_counts(weight))[0])
    assert np.isnan(precision_of(*groups.tie_counts(weight), int(weights.sum()) + 1)[0])


@pytest.mark.parametrize(
    ("scores", "labels"), [([1.0], [True]), ([np.nan, 1.0], [True, False]), ([], []), ([1.0, 2.0], [True])]
)
def test_auc_refuses_what_it_is_not_defined_for(scores, labels):
    with pytest.raises(ValueError):
        auc(scores, labels)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60), st.sampled_from([0.01, 0.05, 0.1, 0.5]))
def test_the_threshold_at_alpha_never_flags_more_than_alpha_and_is_the_lowest_such(normals, alpha):
    if int(alpha * len(normals) + 1e-9) < 1:
        with pytest.raises(ValueError, match="at least"):
            ranking_threshold(normals, alpha)
        return
    threshold = ranking_threshold(normals, alpha)
    assert sum(s >= threshold for s in normals) <= alpha * len(normals) + 1e-9
    next_lower = max(s for s in normals if s < threshold)
    assert sum(s >= next_lower for s in normals) > alpha * len(normals) + 1e-9


@given(ranked())
def test_the_areas_under_the_curves_are_the_metrics(case):
    roc, recall_precision = roc_curve(*case), pr_curve(*case)
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(auc(*case))
    steps = np.diff(np.r_[0.0, recall_precision.x])
    assert (steps * recall_precision.y).sum() == pytest.approx(average_precision(*case))
