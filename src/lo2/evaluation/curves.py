"""Score distributions, ROC and precision-recall curves with bands over runs, as points to draw."""

import numpy as np
import polars as pl

from lo2.evaluation.figures import Curve, Distribution, Group, Points
from lo2.evaluation.merging import TestRows
from lo2.metrics.bootstrap import run_bootstrap
from lo2.metrics.ranking import Floats, TieGroups, pr_curve, roc_curve
from lo2.rows import evenly_spread_rows

_BINS = 48
_GRID = np.linspace(0.0, 1.0, 51)
_POINTS = 160
RESAMPLES = 400


def score_distribution(
    predictions: pl.DataFrame, judged: pl.DataFrame, *, model: str, threshold: float | None
) -> Distribution | None:
    """Histogram of the scores of hold-out and test rows; a row without a label counts as normal."""
    rows = predictions.filter(pl.col("split").is_in(["holdout", "test"]) & pl.col(f"score_{model}").is_finite())
    if not rows.height:
        return None
    scores, test = rows[f"score_{model}"].to_numpy(), (rows["split"] == "test").to_numpy()
    anomaly = rows["anomaly"].fill_null(value=False).to_numpy()
    detectable = rows["seq_id"].is_in(judged["seq_id"].to_list()).to_numpy()
    ends = [scores.min(), scores.max(), *([] if threshold is None else [threshold])]
    low, high = float(min(ends)), float(max(ends))
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    silent = test & anomaly & ~detectable
    kinds = {
        "hold-out, normal": ~test & ~anomaly,
        "test, normal": test & ~anomaly,
        "test, fault with a trace" if silent.any() else "test, anomalous": test & anomaly & detectable,
        "test, fault, no trace": silent,
    }
    groups = []
    for label, chosen in kinds.items():
        if n := int(chosen.sum()):
            shares = np.histogram(scores[chosen], edges)[0] / n
            groups.append(Group(label, n, tuple(shares.round(5).tolist()), "normal" not in label))
    return Distribution(tuple(edges.tolist()), tuple(groups), threshold)


def ranking_curves(rows: TestRows) -> tuple[Curve, Curve]:
    """ROC and precision-recall curve of the merged ranking, with pointwise 95 % bands over runs."""
    groups = TieGroups.from_scores(rows.score, rows.labels)
    boot = run_bootstrap(rows.runs, resamples=RESAMPLES, seed=0)
    lines = [_curve_points(*metric(rows.score, rows.labels)) for metric in (roc_curve, pr_curve)]
    if boot.n_runs < 2:
        return Curve(lines[0]), Curve(lines[1])
    replicates = boot.replicate(lambda weights: _roc_and_precision_on_grid(*groups.tie_counts(weights)))
    low, high = np.nanquantile(replicates, [0.025, 0.975], axis=0)
    roc, pr = (Curve(lines[i], _curve_points(_GRID, low[i]), _curve_points(_GRID, high[i])) for i in (0, 1))
    return roc, pr


def _roc_and_precision_on_grid(anomalies: Floats, normals: Floats) -> Floats:
    """Recall at each false-positive rate, and precision at each recall, shape (resamples, 2, grid)."""
    values = np.full((len(anomalies), 2, _GRID.size), np.nan)
    for place, (found, false) in enumerate(zip(np.cumsum(anomalies, 1), np.cumsum(normals, 1), strict=True)):
        if found[-1] and false[-1]:
            values[place, 0] = np.interp(_GRID, np.r_[0.0, false / false[-1]], np.r_[0.0, found / found[-1]])
            at = np.minimum(np.searchsorted(found / found[-1], _GRID - 1e-12), found.size - 1)
            seen = found[at] + false[at]
            values[place, 1] = np.divide(found[at], seen, out=np.ones_like(seen), where=seen > 0)
    return values


def _curve_points(x: Floats, y: Floats) -> Points:
    keep = evenly_spread_rows(len(x), _POINTS)
    pairs = zip(x[keep].round(4).tolist(), y[keep].round(4).tolist(), strict=True)
    return tuple((a, b) for a, b in pairs if a == a and b == b)
