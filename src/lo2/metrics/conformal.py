"""Conformal p-values from hold-out normals, left out by run, fused, by service; robust z; alert budgets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lo2.errors import UnreachableBudgetError
from lo2.metrics.bootstrap import bootstrap_row_classes
from lo2.rows import rows_of_each

Floats = NDArray[np.float64]
FUSED = 9
"""Decimals of a fused p-value."""


def p_values(holdout: ArrayLike, scores: ArrayLike, *, repeats: bool = False) -> Floats:
    """Conformal p-value of each score: ``(1 + #{holdout >= score}) / (1 + n)``, from 1/(n+1) to 1.

    ``holdout`` holds anomaly scores (higher is more anomalous) of normal sequences that the detector was not trained
    on, in any order (Bates et al. 2023). With ``repeats``, and where most hold-out scores repeat, a score up to their
    maximum also gets at least its p-value among the distinct ones: the few normals that do not repeat would else be
    flagged for being rare. That only raises p-values, so that they promise what they did. ValueError if a score is NaN.

    Examples
    --------
    >>> p_values([1.0, 2.0, 3.0], [2.5, 9.0]).tolist()
    [0.5, 0.25]
    >>> p_values([0.0] * 97 + [1.0, 2.0, 3.0], [1.5, 9.0], repeats=True).round(2).tolist()
    [0.6, 0.01]
    """
    reference, values = np.sort(np.asarray(holdout, dtype=np.float64)), np.asarray(scores, dtype=np.float64)
    if np.isnan(reference).any() or np.isnan(values).any():
        raise ValueError("scores are NaN: they have no p-value")
    at_least = reference.size - np.searchsorted(reference, values, side="left")
    found = np.asarray((1.0 + at_least) / (1.0 + reference.size), dtype=np.float64)
    if not repeats or not reference.size:
        return found
    kinds = np.unique(reference)
    if 2 * kinds.size > reference.size:
        return found
    return np.where(values > kinds[-1], found, np.maximum(found, p_values(kinds, values)))


def reachable_p_value(n: ArrayLike, level: float) -> Any:
    """Whether p-values from ``n`` normals can be as small as ``level``.

    Examples
    --------
    >>> reachable_p_value(19, 0.05), reachable_p_value(18, 0.05)
    (True, False)
    """
    found = 1.0 / (1.0 + np.asarray(n, np.float64)) <= level + 1e-12
    return bool(found) if np.ndim(n) == 0 else found


@dataclass(frozen=True)
class LeftOutP:
    """p-values, and from how many normals each is."""

    p_value: Floats
    n: NDArray[np.int64]


def left_out_p_values(scores: ArrayLike, normal: ArrayLike, runs: ArrayLike, *, repeats: bool = False) -> LeftOutP:
    """p-value of every row among the normal rows of all other runs; 1 where there is none.

    Every score is of a detector that did not see the row's own run. Normal runs that are exchangeable then have
    super-uniform p-values: the rank of one among all is uniform (Vovk, Gammerman, Shafer 2005).

    Examples
    --------
    >>> found = left_out_p_values([1.0, 2.0, 3.0, 9.0], [True, True, True, False], ["a", "b", "c", "a"])
    >>> found.p_value.round(2).tolist()
    [1.0, 0.67, 0.33, 0.33]
    """
    values, truth, names = np.asarray(scores, np.float64), np.asarray(normal, np.bool_), np.asarray(runs)
    _, codes = np.unique(names.astype(np.str_), return_inverse=True)
    found, n = np.ones(values.size), np.zeros(values.size, np.int64)
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if order.size else ():
        others = values[truth & (codes != codes[rows[0]])]
        n[rows] = others.size
        if others.size:
            found[rows] = p_values(others, values[rows], repeats=repeats)
    return LeftOutP(found, n)


def fused_p_value(p_value: ArrayLike, count: ArrayLike) -> Floats:
    """Fisher's combination of ``count`` p-values from the sum of their negative logarithms: ``-log P(sum >= that)``.

    Under independence it is exponential whatever the count; a run that lacks a service is not favoured for it.

    Examples
    --------
    >>> fused_p_value([-np.log(0.01)], [1]).round(3).tolist() == [round(-np.log(0.01), 3)]
    True
    """
    total, k = np.asarray(p_value, np.float64), np.asarray(count, np.int64)
    # The tail is exp(-total) times the sum of total**j / j! over j < count: in logarithms, no total is too large.
    term, held = np.zeros(total.size), np.zeros(total.size)
    with np.errstate(divide="ignore"):
        step = np.log(total)
    for j in range(1, int(k.max(initial=1))):
        term = term + step - np.log(j)
        held = np.where(j < k, np.logaddexp(held, term), held)
    # Rounded, so that what is equal ties whatever sums it is made of.
    return np.asarray(np.round(np.maximum(total - held, 0.0), FUSED), np.float64)


def robust_z(holdout: ArrayLike, scores: ArrayLike) -> Floats:
    """(score - median) / MAD of the hold-out scores: breaks ties of p-values across services.

    Examples
    --------
    >>> robust_z([1.0, 2.0, 4.0], [2.0, 5.0]).tolist()
    [0.0, 3.0]
    """
    centre = np.median(np.asarray(holdout, np.float64))
    # Identical normals have a MAD of 0: any distance from them is then far, and stays finite.
    spread = np.median(np.abs(np.asarray(holdout, np.float64) - centre)) or 1e-9 * max(1.0, abs(centre))
    return np.asarray((np.asarray(scores, np.float64) - centre) / spread)


def merged_ranks(p_value: Floats, z: Floats) -> Floats:
    """Ranks of rows whose scores do not compare, of several services or models: by p-value, its ties by ``robust_z``.

    Higher is more anomalous, equal rows have equal ranks; NaN where there is no p-value.

    Examples
    --------
    >>> merged_ranks(np.array([0.5, 0.1, 0.1, np.nan]), np.array([9.0, 1.0, 3.0, 9.0])).tolist()
    [1.0, 2.0, 3.0, nan]
    """
    return np.where(np.isnan(p_value), np.nan, bootstrap_row_classes(-p_value, z)[1] + 1.0)


def within_each_service(
    how: Callable[[Floats, Floats], Floats],
    holdout: Mapping[str, Floats],
    scores: Floats,
    services: NDArray[Any],
    *,
    otherwise: float,
) -> Floats:
    """``how(holdout, scores)`` within each service, with all hold-out scores where it has none or no name."""
    values, pooled = np.full(scores.size, otherwise), np.concatenate([np.empty(0), *holdout.values()])
    for service, rows in rows_of_each(services):
        own = holdout.get(service, pooled) if service else pooled
        if own.size:
            values[rows] = how(own, scores[rows])
    return values


@dataclass(frozen=True)
class AlertBudget:
    """A threshold (``score >= threshold`` alerts) and what may be promised of it, given ``n`` hold-out normals.

    ``expected_rate`` is the false-alert rate over all hold-outs that might have been drawn. ``bound`` is what the rate
    of this very hold-out's threshold stays below with probability ``confidence``, and ``bound_per_thousand`` the
    number of alerts that the next 1000 normal sequences stay within with that probability.
    """

    threshold: float
    per_thousand: float
    n: int
    expected_rate: float
    bound: float
    bound_per_thousand: int
    confidence: float


def alert_budget(holdout: ArrayLike, per_thousand: float, *, confidence: float = 0.99) -> AlertBudget:
    """Lowest threshold that alerts on p-values up to ``per_thousand / 1000``, with its finite-sample bound.

    The threshold lies just above the r-th highest of n hold-out scores, ``r = floor((n + 1) * per_thousand / 1000)``.
    For exchangeable normal sequences without ties the false-alert rate is then distributed as Beta(r, n + 1 - r), and
    the alerts among 1000 as its beta-binomial (Vovk 2012); ties make it smaller. Rows of one service from different
    runs are near enough to exchangeable; rows of several services pooled are not. UnreachableBudgetError if the budget
    is below 1/(n+1); its message says which n it takes.

    Examples
    --------
    >>> budget = alert_budget(range(199), per_thousand=10)
    >>> budget.threshold > 197, budget.n, round(budget.bound, 3), budget.bound_per_thousand
    (True, 199, 0.033, 35)
    """
    from scipy.stats import beta, betabinom

    falling = np.sort(np.asarray(holdout, dtype=np.float64))[::-1]
    n, rate = falling.size, per_thousand / 1000
    if not 0 < rate < 1:
        raise ValueError(f"an alert budget of {per_thousand:g} in 1000 is out of range: choose above 0 and below 1000")
    place = int(np.floor((n + 1) * rate + 1e-9))
    if place < 1:
        raise UnreachableBudgetError(
            f"{per_thousand:g} false alerts in 1000 cannot be promised from {n} normal hold-out sequences: it takes "
            f"{int(np.ceil(1 / rate - 1e-9)) - 1}. The smallest budget within reach is {1000 / (n + 1):.4g}"
        )
    return AlertBudget(
        threshold=float(np.nextafter(falling[place - 1], np.inf)),
        per_thousand=per_thousand,
        n=n,
        expected_rate=place / (n + 1),
        bound=float(beta.ppf(confidence, place, n + 1 - place)),
        bound_per_thousand=int(betabinom.ppf(confidence, 1000, place, n + 1 - place)),
        confidence=confidence,
    )
