"""Drift of numbers and categories: population stability index (PSI), its bins, the level that chance explains."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def psi(reference: ArrayLike, new: ArrayLike, *, bins: int = 10) -> float:
    """Population stability index of ``new`` against ``reference``, binned at the reference's quantiles (Siddiqi 2006).

    0 is no change; by custom 0.1 is watched and 0.25 acted upon, provided it is above ``psi_by_chance``. Values that
    the reference repeats across a bin border get a bin of their own. ValueError if a side is empty or holds NaN.

    Examples
    --------
    >>> psi([1, 2, 3, 4], [4, 3, 2, 1], bins=2)
    0.0
    >>> round(psi([1, 2, 3, 4], [3, 4, 3, 4], bins=2), 2)
    0.88
    """
    before, after = np.asarray(reference, dtype=np.float64), np.asarray(new, dtype=np.float64)
    if not before.size or not after.size or np.isnan(before).any() or np.isnan(after).any():
        raise ValueError(f"PSI needs numbers on both sides, without NaN; found {before.size} and {after.size}")
    quantiles = np.sort(before)[-(-before.size * np.arange(1, bins) // bins) - 1]
    edges = np.unique(quantiles)
    if edges.size < quantiles.size or edges.size == 0:
        edges = np.unique(np.concatenate([edges, np.nextafter(edges, -np.inf)]))
    counts = [np.bincount(np.searchsorted(edges, side), minlength=edges.size + 1) for side in (before, after)]
    return _population_stability_index(counts[0], counts[1])


def categorical_psi(reference: Mapping[str, float], new: Mapping[str, float]) -> float:
    """Population stability index of category counts, such as how often each template occurs.

    Examples
    --------
    >>> categorical_psi({"a": 5}, {"a": 5, "new": 5}) > 0.25
    True
    """
    names = sorted(reference.keys() | new.keys())
    before, after = (np.array([side.get(name, 0) for name in names], dtype=np.float64) for side in (reference, new))
    if not before.sum() or not after.sum():
        raise ValueError(f"PSI needs counts on both sides; found {before.sum():g} and {after.sum():g}")
    return _population_stability_index(before, after)


def psi_by_chance(n_reference: int, n_new: int, *, bins: int = 10, level: float = 0.99) -> float:
    """PSI that samples of one and the same distribution stay below with probability ``level``.

    It is distributed as ``(1/n + 1/m)`` times chi-square of ``bins - 1`` degrees of freedom (Yurdakul, Naranjo 2020).

    Examples
    --------
    >>> round(psi_by_chance(100, 100), 2)
    0.43
    """
    low, high = 0.0, 1.0
    while _chi_square_tail(high, max(1, bins - 1)) > 1 - level:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _chi_square_tail(middle, max(1, bins - 1)) > 1 - level else (low, middle)
    return (1 / n_reference + 1 / n_new) * high


def _chi_square_tail(value: float, freedom: int) -> float:
    """Probability of more than ``value``: the tail of one degree of freedom or two, and a term for each two more."""
    half, shape = value / 2, 1.0 - freedom % 2 / 2
    tail = math.exp(-half) if shape == 1.0 else math.erfc(math.sqrt(half))
    while half and shape < freedom / 2:
        tail += math.exp(shape * math.log(half) - half - math.lgamma(shape + 1))
        shape += 1
    return tail


def psi_bins(n_reference: int, n_new: int) -> int:
    """Bins with at least five expected values each, 2 to 10; 0 where a side holds fewer than ten values.

    Examples
    --------
    >>> psi_bins(200, 200), psi_bins(23, 200), psi_bins(200, 9)
    (10, 4, 0)
    """
    fewer = min(n_reference, n_new)
    return 0 if fewer < 10 else min(10, fewer // 5)


def _population_stability_index(*sides: NDArray[Any]) -> float:
    # Half a count more in every bin keeps an empty one finite.
    old, now = ((counts + 0.5) / (counts.sum() + 0.5 * counts.size) for counts in sides)
    return float(((now - old) * np.log(now / old)).sum())
