"""The shortcut panel: does a detector detect, or does one feature as much (length, time, ERROR), or shuffled labels?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.evaluation.headline import DEFAULTS
from lo2.evaluation.merging import TestRows, by_service_normals, mask_of_test_rows, merged_score
from lo2.evaluation.options import ScoreOptions
from lo2.metrics.bootstrap import RunBootstrap, bootstrap_row_classes, run_bootstrap
from lo2.metrics.conformal import p_values
from lo2.metrics.ranking import Floats, TieGroups, auc, auc_of
from lo2.rows import rows_of_each, service_names

SHORTCUTS: Mapping[str, str] = {
    "seq_len": "number of events",
    "duration_sec": "time from first to last event",
    "n_error": "number of ERROR events: grep",
    "position_in_run": "place of the test case in the order of its run",
    "startup_lines": "start-up and lazy-config lines",
}
SHUFFLE = "label_shuffle"
INVERTED_BELOW = 0.3
# Rows that are shuffled one by one; beyond, only how many anomalies each score gets is drawn.
_MOST_SHUFFLED = 20_000
PANEL: Mapping[str, pl.DataType] = {
    "detector": pl.String(),
    **dict.fromkeys(("auc", "low", "high"), pl.Float64()),
    **dict.fromkeys(("clears_shortcuts", "inverted"), pl.Boolean()),
}


def shortcut_panel(
    sequences: pl.DataFrame,
    predictions: Mapping[str, pl.DataFrame],
    *,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """AUC of every detector and of one-feature baselines and the label-shuffle null, services merged.

    A shortcut is ranked and merged over services as a detector is; whether more or less of it is anomalous is learned
    on labelled rows of training and hold-out runs (on the test rows where those hold no anomaly). ``label_shuffle``
    is the best detector's score against labels shuffled within run and service: what chance alone spans.

    A shortcut whose column ``sequences`` lacks has no AUC. The result has the columns of ``PANEL``: detectors as given,
    then shortcuts. ``clears_shortcuts``: the 95 % interval of the paired difference to the best shortcut lies above 0,
    and that of the AUC above 0.5; False where that cannot be shown, null for the shortcuts. ``inverted``: AUC below
    0.3. ValueError if two models have different test rows.
    """
    rows = {model: TestRows.from_predictions(frame, model=model) for model, frame in predictions.items()}
    first = next(iter(rows.values()))
    if any(not np.array_equal(other.seq_id, first.seq_id) for other in rows.values()):
        raise ValueError(f"the test rows of {', '.join(rows)} differ: shortcuts and detectors need the same rows")
    frame = predictions[next(iter(rows))]
    values = shortcut_values(sequences)
    features = frame.select("seq_id").join(values, on="seq_id", how="left", maintain_order="left")
    boot = run_bootstrap(first.runs, resamples=options.resamples, seed=seed)
    detectors = {model: _shortcut_auc_replicates(found, boot) for model, found in rows.items()}
    shortcuts = {
        name: _shortcut_auc_replicates(_shortcut_rows(name, features, frame, first), boot) for name in SHORTCUTS
    }
    measured = [found for found in shortcuts.values() if not np.isnan(found[0])]
    best = max(measured, key=lambda found: float(found[0]), default=0.5)
    table: list[_Line] = []
    for name, found in {**detectors, **shortcuts}.items():
        span, *above = (boot.interval((found - bar)[1:]) for bar in (0.0, 0.5, best))
        clears = all(one.low is not None and one.low > 0 for one in above)
        value = None if np.isnan(found[0]) else float(found[0])
        inverted = None if value is None else value < INVERTED_BELOW
        table.append((name, value, span.low, span.high, clears if name in detectors else None, inverted))
    if _shortcut_sees_both(first.labels):
        leader = max(rows, key=lambda model: detectors[model][0])
        table.append(_shuffled_shortcut_row(rows[leader], options, seed))
    return pl.DataFrame(table, schema=PANEL, orient="row")


def service_shortcut_panels(
    sequences: pl.DataFrame,
    predictions: Mapping[str, pl.DataFrame],
    *,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """The panel of every service by itself: ``service`` and the columns of ``shortcut_panel``, services by name."""
    names = sorted({name for frame in predictions.values() for name in service_names(frame).unique()})
    parts, sequences = [], shortcut_values(sequences)
    for name in names:
        chosen = {model: frame.filter(service_names(frame) == name) for model, frame in predictions.items()}
        panel = shortcut_panel(sequences, chosen, options=options, seed=seed)
        parts.append(panel.select(pl.lit(name).alias("service"), pl.all()))
    return pl.concat(parts)


_Line = tuple[str, float | None, float | None, float | None, bool | None, bool | None]


def _shortcut_auc_replicates(rows: TestRows | None, boot: RunBootstrap) -> Floats:
    """AUC, then its replicates; NaN where a class or the feature is missing."""
    if rows is None or not _shortcut_sees_both(rows.labels):
        return np.full(len(boot.draws) + 1, np.nan)
    first, kind = bootstrap_row_classes(rows.score, rows.labels)
    groups = TieGroups.from_scores(rows.score[first], rows.labels[first])
    return np.concatenate(
        [groups.auc(np.bincount(kind).astype(np.float64))[None], boot.replicate(groups.auc, classes=kind)]
    )


def shortcut_values(sequences: pl.DataFrame) -> pl.DataFrame:
    """``seq_id`` and every shortcut whose columns are there.

    Examples
    --------
    >>> rows = {"seq_id": ["a", "b"], "run": ["1", "1"], "test_case": ["x", "y"], "start_time": [7, 3]}
    >>> shortcut_values(pl.DataFrame(rows))["position_in_run"].to_list()
    [2.0, 1.0]
    """
    given = [pl.col(name).cast(pl.Float64) for name in SHORTCUTS if name in sequences.columns]
    unit = ["run", "test_case"]
    if "position_in_run" in sequences.columns or not {*unit, "start_time"} <= set(sequences.columns):
        return sequences.select("seq_id", *given)
    place = pl.col("start_time").rank("dense").over("run").cast(pl.Float64).alias("position_in_run")
    units = sequences.lazy().group_by(unit).agg(pl.col("start_time").min()).select(*unit, place)
    found = sequences.lazy().select("seq_id", *unit, *given)
    found = found.join(units, on=unit, how="left", nulls_equal=True, maintain_order="left")
    return found.drop(unit).collect()


def _shortcut_rows(name: str, features: pl.DataFrame, predictions: pl.DataFrame, like: TestRows) -> TestRows | None:
    """Test rows scored by one feature as if it were a detector with per-service p-values."""
    if name not in features.columns or features[name].null_count() == features.height:
        return None
    filled = features[name].fill_null(features[name].median()).to_numpy()
    score = filled * _shortcut_direction(filled, predictions)
    p_value = by_service_normals(p_values, predictions, score, otherwise=1.0)
    ranked = predictions.with_columns(score_one=pl.Series(score), p_value_one=pl.Series(p_value))
    return replace(like, score=merged_score(ranked, model="one").to_numpy()[mask_of_test_rows(predictions)])


def _shortcut_direction(values: Floats, predictions: pl.DataFrame) -> float:
    """1 where more of the feature is anomalous, -1 where less of it is, learned outside the test rows if possible."""
    labels = predictions["anomaly"].fill_null(value=False).to_numpy()
    known, services = predictions["anomaly"].is_not_null().to_numpy(), service_names(predictions).to_numpy()
    outside = known & (predictions["split"] != "test").fill_null(value=False).to_numpy()
    chosen = outside if _shortcut_sees_both(labels[outside]) else known & ~outside
    parts = [chosen & rows for _, rows in rows_of_each(services)]
    lean = sum(auc(values[rows], labels[rows]) - 0.5 for rows in parts if _shortcut_sees_both(labels[rows]))
    return -1.0 if lean < 0 else 1.0


def _shortcut_sees_both(labels: NDArray[np.bool_]) -> bool:
    return bool(labels.any() and not labels.all())


def _shuffled_shortcut_row(rows: TestRows, options: ScoreOptions, seed: int) -> _Line:
    """Null row of the panel: AUC over shuffles of the labels within run and service, else over all rows."""
    names = pl.DataFrame({"run": rows.runs.tolist(), "service": rows.services.tolist(), "anomaly": rows.labels})
    stratum = pl.struct("run", "service").rank("dense")
    mixed = pl.col("anomaly").n_unique().over("run", "service") > 1
    strata = names.select(pl.when(mixed.any()).then(stratum).otherwise(0).cast(pl.Float64))["run"].to_numpy()
    if rows.labels.size > _MOST_SHUFFLED:
        found = _shuffled_shortcut_aucs(rows, strata, options.resamples, seed)
    else:
        from scipy.stats import rankdata

        by_stratum = rows.labels[np.argsort(strata, kind="stable")]
        ranks, generator = rankdata(rows.score), np.random.default_rng(seed)
        n, n_anomalies = rows.labels.size, int(rows.labels.sum())
        draws = (np.argsort(strata + generator.random(n)) for _ in range(options.resamples))
        found = np.array([ranks[order][by_stratum].sum() for order in draws])
        found = (found - n_anomalies * (n_anomalies + 1) / 2) / (n_anomalies * (n - n_anomalies))
    low, high = np.quantile(found, [0.025, 0.975])
    return SHUFFLE, float(found.mean()), float(low), float(high), None, False


def _shuffled_shortcut_aucs(rows: TestRows, strata: Floats, resamples: int, seed: int) -> Floats:
    """AUC of shuffled labels for many rows: how many anomalies each score gets is drawn, not which row."""
    falling, kind = np.unique(-rows.score, return_inverse=True)
    generator, total = np.random.default_rng(seed), np.bincount(kind, minlength=falling.size).astype(np.float64)
    anomalies = np.zeros((resamples, falling.size))
    order = np.argsort(strata, kind="stable")
    for chosen in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        held, wanted = np.bincount(kind[chosen], minlength=falling.size), int(rows.labels[chosen].sum())
        # Below ten draws a score that no row of the stratum has takes nothing from the generator: it may be left out.
        few = min(wanted, chosen.size - wanted) < 10
        there = np.flatnonzero(held) if few else np.arange(falling.size)
        if wanted:
            drawn = generator.multivariate_hypergeometric(held[there], wanted, size=resamples, method="marginals")
            anomalies[:, there] += drawn
    return auc_of(anomalies, total - anomalies)
