"""Shortcut panel: does a detector detect, or does it measure how long a file is and when it was written?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from lo2.evaluation.headline import DEFAULTS, ScoreOptions
from lo2.evaluation.merging import TestRows, holdout_normals, merged_score, service_names, test_mask
from lo2.metrics.bootstrap import RunBootstrap, run_bootstrap
from lo2.metrics.conformal import p_values
from lo2.metrics.ranking import TieGroups, auc

Floats = NDArray[np.float64]

SHORTCUTS: Mapping[str, str] = {
    "seq_len": "number of events",
    "duration_sec": "time from first to last event",
    "n_error": "number of ERROR events: grep",
    "position_in_run": "place of the test case in the order of its run",
    "startup_lines": "start-up and lazy-config lines",
}
SHUFFLE = "label_shuffle"
INVERTED_BELOW = 0.3
PANEL: Mapping[str, pl.DataType] = {
    "detector": pl.String(),
    "auc": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "clears_shortcuts": pl.Boolean(),
    "inverted": pl.Boolean(),
}


def shortcut_panel(
    sequences: pl.DataFrame,
    predictions: Mapping[str, pl.DataFrame],
    *,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """AUC of every detector beside one-feature baselines and the label-shuffle null, services merged.

    A shortcut is ranked and merged over services as a detector is; whether more or less of it is anomalous is learned
    on labelled rows of training and hold-out runs (on the test rows where those hold no anomaly). ``label_shuffle``
    is the best detector's score against labels shuffled within run and service: what chance alone spans.

    Parameters
    ----------
    sequences : DataFrame
        With ``seq_id`` and whatever columns of ``SHORTCUTS`` there are; a shortcut without data has no AUC.
    predictions : mapping of str to DataFrame
        Predictions by model, all with the same test rows.
    options, seed
        Resamples of runs and their seed.

    Returns
    -------
    DataFrame
        ``detector, auc, low, high, clears_shortcuts, inverted``: detectors as given, then shortcuts.
        ``clears_shortcuts``: the 95 % interval of the paired difference to the best shortcut lies above 0, and that
        of the AUC above 0.5; False where that cannot be shown, null for the shortcuts. ``inverted``: AUC below 0.3.

    Raises
    ------
    ValueError
        If two models have different test rows.
    """
    rows = {model: TestRows.of(frame, model=model) for model, frame in predictions.items()}
    first = next(iter(rows.values()))
    if any(not np.array_equal(other.seq_id, first.seq_id) for other in rows.values()):
        raise ValueError(f"the test rows of {', '.join(rows)} differ: shortcuts and detectors need the same rows")
    frame = predictions[next(iter(rows))]
    boot = run_bootstrap(first.runs, resamples=options.resamples, seed=seed)
    detectors = {model: _aucs(found, boot) for model, found in rows.items()}
    shortcuts = {name: _aucs(_shortcut_rows(name, sequences, frame, first), boot) for name in SHORTCUTS}
    bars = [np.full(options.resamples + 1, 0.5), *_best(shortcuts)]
    table = [_line(name, found, boot, clears=_clears(found, bars, boot)) for name, found in detectors.items()]
    table += [_line(name, found, boot, clears=None) for name, found in shortcuts.items()]
    if first.labels.any() and not first.labels.all():
        leader = max(rows, key=lambda model: detectors[model][0])
        table.append(_shuffled(rows[leader], options, seed))
    return pl.DataFrame(table, schema=PANEL, orient="row")


def shortcut_panel_by_service(
    sequences: pl.DataFrame,
    predictions: Mapping[str, pl.DataFrame],
    *,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """The panel of every service by itself: ``service`` and the columns of ``shortcut_panel``, services by name."""
    names = sorted({name for frame in predictions.values() for name in service_names(frame).unique()})
    parts = []
    for name in names:
        chosen = {model: frame.filter(service_names(frame) == name) for model, frame in predictions.items()}
        panel = shortcut_panel(sequences, chosen, options=options, seed=seed)
        parts.append(panel.select(pl.lit(name).alias("service"), pl.all()))
    return pl.concat(parts)


_Line = tuple[str, float | None, float | None, float | None, bool | None, bool | None]


def _aucs(rows: TestRows | None, boot: RunBootstrap) -> Floats:
    """AUC, then its replicates; NaN where a class or the feature is missing."""
    if rows is None or rows.labels.all() or not rows.labels.any():
        return np.full(len(boot.draws) + 1, np.nan)
    groups = TieGroups.of(rows.score, rows.labels)
    return np.concatenate([groups.auc()[None], boot.replicate(groups.auc)])


def _best(shortcuts: Mapping[str, Floats]) -> list[Floats]:
    """The shortcut to beat, if any could be measured."""
    measured = [found for found in shortcuts.values() if not np.isnan(found[0])]
    return [max(measured, key=lambda found: float(found[0]))] if measured else []


def _clears(detector: Floats, bars: list[Floats], boot: RunBootstrap) -> bool:
    lows = [boot.interval(detector[1:] - bar[1:]).low for bar in bars]
    return all(low is not None and low > 0 for low in lows)


def _line(name: str, found: Floats, boot: RunBootstrap, *, clears: bool | None) -> _Line:
    if np.isnan(found[0]):
        return name, None, None, None, clears, None
    interval = boot.interval(found[1:])
    return name, float(found[0]), interval.low, interval.high, clears, bool(found[0] < INVERTED_BELOW)


def _shortcut_rows(name: str, sequences: pl.DataFrame, predictions: pl.DataFrame, like: TestRows) -> TestRows | None:
    """Test rows scored by one feature as if it were a detector with per-service p-values."""
    values = _feature(name, sequences)
    if values is None:
        return None
    joined = predictions.select("seq_id").join(values, on="seq_id", how="left", maintain_order="left")["value"]
    if joined.null_count() == joined.len():
        return None
    filled = joined.fill_null(joined.median()).to_numpy()
    services, normals = service_names(predictions).to_numpy(), holdout_normals(predictions)
    score = filled * _direction(filled, predictions, services)
    p_value = np.ones(score.size)
    for service in np.unique(services):
        rows = services == service
        p_value[rows] = p_values(score[normals & rows] if (normals & rows).any() else score[normals], score[rows])
    ranked = predictions.with_columns(pl.Series("score_one", score), pl.Series("p_value_one", p_value))
    merged = merged_score(ranked, model="one").to_numpy()
    return replace(like, score=merged[test_mask(predictions)])


def _feature(name: str, sequences: pl.DataFrame) -> pl.DataFrame | None:
    """``seq_id`` and the feature as ``value``; None where the columns for it are missing."""
    if name in sequences.columns:
        return sequences.select("seq_id", pl.col(name).cast(pl.Float64).alias("value"))
    if name != "position_in_run" or not {"run", "test_case", "start_time"} <= set(sequences.columns):
        return None
    began = pl.col("start_time").min().over("run", "test_case")
    return sequences.select("seq_id", began.rank("dense").over("run").cast(pl.Float64).alias("value"))


def _direction(values: Floats, predictions: pl.DataFrame, services: NDArray[np.object_]) -> float:
    """1 where more of the feature is anomalous, -1 where less of it is, learned outside the test rows if possible."""
    labels = predictions["anomaly"].fill_null(value=False).to_numpy()
    known = predictions["anomaly"].is_not_null().to_numpy()
    outside = known & (predictions["split"] != "test").fill_null(value=False).to_numpy()
    chosen = outside if labels[outside].any() and not labels[outside].all() else known & ~outside
    lean = 0.0
    for service in np.unique(services):
        rows = chosen & (services == service)
        if labels[rows].any() and not labels[rows].all():
            lean += auc(values[rows], labels[rows]) - 0.5
    return -1.0 if lean < 0 else 1.0


def _shuffled(rows: TestRows, options: ScoreOptions, seed: int) -> _Line:
    """Null row of the panel: AUC over shuffles of the labels within run and service, else over all rows."""
    names = pl.DataFrame({"run": rows.runs.tolist(), "service": rows.services.tolist(), "anomaly": rows.labels})
    stratum = pl.struct("run", "service").rank("dense")
    mixed = pl.col("anomaly").n_unique().over("run", "service") > 1
    strata = names.select(pl.when(mixed.any()).then(stratum).otherwise(0).cast(pl.Float64))["run"].to_numpy()
    by_stratum = rows.labels[np.argsort(strata, kind="stable")]
    ranks, generator = rankdata(rows.score), np.random.default_rng(seed)
    n, n_anomalies = rows.labels.size, int(rows.labels.sum())
    found = np.empty(options.resamples)
    for place in range(options.resamples):
        found[place] = ranks[np.argsort(strata + generator.random(n))][by_stratum].sum()
    found = (found - n_anomalies * (n_anomalies + 1) / 2) / (n_anomalies * (n - n_anomalies))
    low, high = np.quantile(found, [0.025, 0.975])
    return SHUFFLE, float(found.mean()), float(low), float(high), None, False
