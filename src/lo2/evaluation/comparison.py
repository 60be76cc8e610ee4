"""Two sets of predictions side by side, on the rows and the draws of runs that they share."""

import numpy as np
import polars as pl

from lo2.evaluation.headline import DEFAULTS, ScoreOptions, statistics
from lo2.evaluation.merging import TestRows
from lo2.metrics.bootstrap import run_bootstrap

COMPARISON = {
    "metric": pl.String(),
    "a": pl.Float64(),
    "b": pl.Float64(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "n": pl.Int64(),
    "why": pl.String(),
}


def compare(
    a: pl.DataFrame,
    b: pl.DataFrame,
    *,
    model_a: str,
    model_b: str,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """Differences ``b - a`` of the labelled headline metrics with paired 95 % intervals over runs.

    Only sequences that are labelled test rows on both sides are compared, so that neither side is measured on rows
    it was trained on; an interval without 0 is a difference that other runs should show as well.

    Parameters
    ----------
    a, b : DataFrame
        Predictions of ``model_a`` and ``model_b``, the same name twice for two runs of one model.
    options, seed
        Which metrics, how many resamples of runs, and their seed.

    Returns
    -------
    DataFrame
        ``metric, a, b, difference, low, high, n, why``; a metric that one side lacks has no difference, and its
        reason.
    """
    left, right = TestRows.of(a, model=model_a), TestRows.of(b, model=model_b)
    shared = np.intersect1d(left.seq_id, right.seq_id)
    left, right = left.take(shared), right.take(shared)
    if not shared.size:
        return pl.DataFrame(schema=COMPARISON)
    if not np.array_equal(left.labels, right.labels):
        raise ValueError(
            f"{int((left.labels != right.labels).sum())} of {shared.size} shared sequences differ in label"
        )
    boot = run_bootstrap(left.runs, resamples=options.resamples, seed=seed)
    sides = [statistics(rows, options) for rows in (left, right)]
    once = np.ones((1, shared.size))
    first, second = (side(once) for side in sides)
    names = [name for name in first if name in second and name != "prevalence"]
    replicates = boot.replicate(lambda w: np.stack(_difference(sides[0](w), sides[1](w), names), axis=-1))
    table = []
    for place, name in enumerate(names):
        values = [None if np.isnan(side[name][0]) else float(side[name][0]) for side in (first, second)]
        if values[0] is None or values[1] is None:
            table.append((name, *values, None, None, None, shared.size, "undefined on the shared test rows"))
            continue
        interval = boot.interval(replicates[:, place])
        table.append((name, *values, values[1] - values[0], interval.low, interval.high, shared.size, interval.why))
    return pl.DataFrame(table, schema=COMPARISON, orient="row")


def _difference(first: dict[str, np.ndarray], second: dict[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
    return [second[name] - first[name] for name in names]
