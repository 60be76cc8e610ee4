"""Intervals by run: whole runs are drawn again, never rows, because the rows of a run share its state."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_CELLS = 2_000_000  # weights held at a time: 16 MB


@dataclass(frozen=True)
class Interval:
    """Percentile interval; without bounds, ``why`` says what was missing."""

    low: float | None
    high: float | None
    why: str | None = None


@dataclass(frozen=True)
class RunBootstrap:
    """The same draws of runs for every statistic, so that differences of two statistics are paired."""

    codes: NDArray[np.intp]
    draws: Floats

    @property
    def n_runs(self) -> int:
        """Number of distinct runs."""
        return int(self.draws.shape[1])

    def replicate(self, statistic: Callable[[Floats], Floats], *, rows: ArrayLike | None = None) -> Floats:
        """Values of ``statistic`` over all resamples, shape (resamples, ...).

        ``statistic`` gets weights of shape (some, n), how often each row was drawn, and returns (some, ...); with
        ``rows`` only those rows are weighed, while the runs are still drawn from all.
        """
        codes = self.codes if rows is None else self.codes[np.asarray(rows)]
        step = max(1, _CELLS // max(1, codes.size))
        parts = [statistic(self.draws[at : at + step][:, codes]) for at in range(0, len(self.draws), step)]
        return np.concatenate(parts)

    def interval(self, replicates: Floats) -> Interval:
        """``percentile_interval`` of ``replicates`` of this bootstrap."""
        return percentile_interval(replicates, n_runs=self.n_runs)


def run_bootstrap(runs: ArrayLike, *, resamples: int = 1000, seed: int = 0) -> RunBootstrap:
    """Draws of as many runs as there are, with replacement; ``runs`` (n_rows,) names the run of every row.

    Same seed and same set of runs, same draws, in whatever order the rows come.

    Examples
    --------
    >>> run_bootstrap(["b", "a", "b"], resamples=4).draws.sum(axis=1).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    names, codes = np.unique(np.asarray(runs, dtype=np.str_), return_inverse=True)
    draws = np.zeros((resamples, names.size))
    if names.size:
        draws += np.random.default_rng(seed).multinomial(names.size, np.full(names.size, 1 / names.size), resamples)
    return RunBootstrap(codes.astype(np.intp), draws)


def percentile_interval(replicates: Floats, *, n_runs: int) -> Interval:
    """Central 95 % of the ``replicates`` (Efron, Tibshirani 1993, chapter 13); no bounds where they would mean nothing.

    A resample in which the statistic is undefined (NaN) is left out; with fewer than two runs, or when most resamples
    are undefined, there is no interval. With few runs (fewer than about ten) percentile intervals are too narrow.

    Examples
    --------
    >>> percentile_interval(np.linspace(0, 1, 101), n_runs=9)
    Interval(low=0.025, high=0.975, why=None)
    >>> percentile_interval(np.arange(101.0), n_runs=1).why
    'an interval needs two runs or more, found 1'
    """
    if n_runs < 2:
        return Interval(None, None, f"an interval needs two runs or more, found {n_runs}")
    defined = replicates[~np.isnan(replicates)]
    if 2 * defined.size <= replicates.size:
        share = f"{replicates.size - defined.size} of {replicates.size}"
        return Interval(None, None, f"undefined in {share} resamples of the {n_runs} runs")
    low, high = np.quantile(defined, [0.025, 0.975])
    return Interval(float(low), float(high))
