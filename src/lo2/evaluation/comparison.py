"""The comparison of two sets of predictions: differences of metrics on the rows and draws of runs that both share."""

import numpy as np
import polars as pl

from lo2.evaluation.headline import DEFAULTS, headline_statistics
from lo2.evaluation.merging import TestRows
from lo2.evaluation.options import ScoreOptions
from lo2.metrics.bootstrap import run_bootstrap
from lo2.metrics.ranking import Floats

COMPARISON = {
    "metric": pl.String(),
    **dict.fromkeys(("a", "b", "difference", "low", "high"), pl.Float64()),
    "n": pl.Int64(),
    "why": pl.String(),
}


def compare_predictions(
    a: pl.DataFrame,
    b: pl.DataFrame,
    *,
    model_a: str,
    model_b: str,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """Differences ``b - a`` of the labelled headline metrics with paired 95 % intervals over runs: ``COMPARISON``.

    Only sequences that are labelled test rows on both sides are compared, so that neither side is measured on rows
    it was trained on; an interval without 0 is a difference that other runs should show as well. A metric that one
    side lacks has no difference, and its reason. Two runs of one model have the same name twice. ValueError if a
    shared sequence is labelled differently.
    """
    left, right = TestRows.from_predictions(a, model=model_a), TestRows.from_predictions(b, model=model_b)
    shared = np.intersect1d(left.seq_id, right.seq_id)
    left, right = left.take_test_rows(shared), right.take_test_rows(shared)
    if not shared.size:
        return pl.DataFrame(schema=COMPARISON)
    differ = int((left.labels != right.labels).sum())
    if differ:
        raise ValueError(f"{differ} of {shared.size} shared sequences differ in label")
    boot = run_bootstrap(left.runs, resamples=options.resamples, seed=seed)
    sides = [headline_statistics(rows, options) for rows in (left, right)]
    first, second = (side(np.ones((1, shared.size))) for side in sides)
    names = [name for name in first if name in second and name != "prevalence"]

    def paired_differences(weights: Floats) -> Floats:
        before, after = (side(weights) for side in sides)
        return np.stack([after[name] - before[name] for name in names], axis=-1)

    table: list[tuple[str | float | int | None, ...]] = []
    for name, replicates in zip(names, boot.replicate(paired_differences).T, strict=True):
        values = [None if np.isnan(side[name][0]) else float(side[name][0]) for side in (first, second)]
        if values[0] is None or values[1] is None:
            table.append((name, *values, None, None, None, shared.size, "undefined on the shared test rows"))
        else:
            found = boot.interval(replicates)
            table.append((name, *values, values[1] - values[0], found.low, found.high, shared.size, found.why))
    return pl.DataFrame(table, schema=COMPARISON, orient="row")
