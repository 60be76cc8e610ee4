"""The bootstrap: intervals by run, replicates by drawing whole runs, never rows, for rows of a run share its state."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_CELLS = 2_000_000  # weights held at a time: 16 MB
_BLOCKS = 2_000


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

    def replicate(
        self,
        statistic: Callable[[Floats], Floats],
        *,
        rows: ArrayLike | None = None,
        classes: NDArray[np.int64] | None = None,
    ) -> Floats:
        """Values of ``statistic`` over all resamples, shape (resamples, ...).

        ``statistic`` gets weights of shape (some, n), how often each row was drawn, and returns (some, ...); with
        ``rows`` only those rows are weighed, while the runs are still drawn from all. ``classes`` names the class of
        each row, from 0: the weights are then those of classes, in which rows that count alike are counted together.
        """
        codes = self.codes if rows is None else self.codes[np.asarray(rows)]
        width = codes.size if classes is None else int(classes.max(initial=-1)) + 1
        step = max(1, _CELLS // max(1, width))
        held = None
        if classes is not None:
            shape = (self.n_runs, width)
            from scipy import sparse

            held = sparse.csr_matrix((np.ones(codes.size), (codes, classes)), shape=shape)
        parts = []
        for at in range(0, len(self.draws), step):
            draws = self.draws[at : at + step]
            parts.append(statistic(draws[:, codes] if held is None else np.asarray(draws @ held)))
        return np.concatenate(parts)

    def interval(self, replicates: Floats) -> Interval:
        """``percentile_interval`` of ``replicates`` of this bootstrap."""
        return percentile_interval(replicates, n_runs=self.n_runs)


def run_bootstrap(runs: ArrayLike, *, resamples: int = 1000, seed: int = 0) -> RunBootstrap:
    """Draws of as many runs as there are, with replacement; ``runs`` (n_rows,) names the run of every row.

    Same seed and same set of runs, same draws, in whatever order the rows come. More than 2,000 runs are drawn in
    2,000 blocks of neighbours by name: the interval is the same, the memory is not.

    Examples
    --------
    >>> run_bootstrap(["b", "a", "b"], resamples=4).draws.sum(axis=1).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    names, codes = np.unique(np.asarray(runs, dtype=np.str_), return_inverse=True)
    n = min(names.size, _BLOCKS)
    codes = codes * n // max(names.size, 1)
    draws = np.zeros((resamples, n))
    if n:
        draws += np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples)
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


def bootstrap_row_classes(*columns: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One row of each class of rows that are equal in all ``columns``, and the class of every row, by rising values.

    Examples
    --------
    >>> bootstrap_row_classes([0.5, 0.1, 0.5], [True, False, True])[1].tolist()
    [1, 0, 1]
    """
    parts = [np.asarray(column) for column in columns]
    order = np.lexsort(parts[::-1])
    new = np.zeros(order.size, np.bool_)
    new[:1] = True
    for part in parts:
        new[1:] |= part[order][1:] != part[order][:-1]
    kind = np.empty(order.size, np.int64)
    kind[order] = np.cumsum(new) - 1
    return order[new].astype(np.int64), kind
