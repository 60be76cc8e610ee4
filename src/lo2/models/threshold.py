"""Thresholds: percentiles of the scores of hold-out normals, over all rows and per service; the offset they make."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lo2.errors import TooFewError
from lo2.rows import rows_of_each

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ServiceThreshold:
    """Threshold of one service and the number of hold-out normals behind it."""

    threshold: float
    n: int


@dataclass(frozen=True)
class Thresholds:
    """A row is flagged when its score is at or above ``overall``; ``percentile`` is 0 to 100, ``n`` its normals."""

    overall: float
    percentile: float
    n: int
    by_service: dict[str, ServiceThreshold] = field(default_factory=dict)


def fit_thresholds(scores: ArrayLike, services: ArrayLike, *, percentile: float) -> Thresholds:
    """Thresholds from the anomaly scores of hold-out normals; rows of service "" count in the overall one only.

    Examples
    --------
    >>> fit_thresholds([1.0, 1.0, 1.0], ["a", "a", "a"], percentile=95).overall > 1.0
    True
    >>> fit_thresholds([1.0, 2.0, 3.0], ["a", "a", "b"], percentile=100).by_service["a"]
    ServiceThreshold(threshold=2.0, n=2)
    """
    values, names = np.asarray(scores, np.float64), np.asarray(services, object)
    if values.size == 0:
        raise TooFewError("no normal sequence is held out: there is nothing to take a threshold from")
    by_service = {
        name: ServiceThreshold(_percentile_above_ties(values[rows], percentile), int(rows.sum()))
        for name, rows in rows_of_each(names)
        if name
    }
    return Thresholds(_percentile_above_ties(values, percentile), percentile, int(values.size), by_service)


def offset_of_threshold(threshold: float) -> float:
    """``offset_`` with which scikit-learn's ``predict()`` flags exactly the rows whose score is >= ``threshold``.

    ``predict`` flags ``score_samples < offset_``, that is score > -offset_; the next float below turns > into >=.
    """
    return float(-np.nextafter(threshold, -np.inf))


def _percentile_above_ties(values: Floats, percentile: float) -> float:
    """Percentile; just above it where several normals share that very score, else all of them would be flagged."""
    value = float(np.percentile(values, percentile))
    tied, share = int((values == value).sum()), float((values >= value).mean())
    return float(np.nextafter(value, np.inf)) if tied > 1 and share > 1 - percentile / 100 else value
