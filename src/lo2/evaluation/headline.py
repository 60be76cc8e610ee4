"""The headline metrics of one model, each with its interval over runs, under the names of the contract."""

from collections.abc import Callable

import numpy as np
import polars as pl

from lo2.evaluation.merging import TestRows, holdout_normals
from lo2.evaluation.metric import Metric
from lo2.evaluation.options import ScoreOptions
from lo2.metrics.bootstrap import bootstrap_row_classes, run_bootstrap
from lo2.metrics.drift import psi, psi_bins, psi_by_chance
from lo2.metrics.labels import confusion
from lo2.metrics.ranking import Floats, TieGroups, auc_of, average_precision_of, precision_of, ranking_threshold
from lo2.rows import rows_of_each, run_names, service_names

DEFAULTS = ScoreOptions()


def headline(
    predictions: pl.DataFrame, *, model: str, options: ScoreOptions = DEFAULTS, seed: int = 0
) -> dict[str, Metric]:
    """Headline metrics of ``model`` on its ``test`` rows, in the order of the contract.

    Rows of several services are ranked by ``merged_score``. ``fp_rate_at_<alpha>`` sets its threshold on hold-out
    normals and counts test normals; its resolution stands in ``why``. ``psi_train_vs_holdout`` compares the scores of
    hold-out normals with those of test normals: training rows were fitted on, and comparing them with others would
    show that alone. It has no interval; ``why`` says which value chance explains.

    ``predictions`` holds the rows of every split. A metric that cannot be computed has the value None and its reason
    in ``why``. Two models on the same runs and ``seed`` get the same draws of runs.
    """
    metrics = labelled_headline(TestRows.from_predictions(predictions, model=model), options, seed)
    if options.report_psi:
        metrics["psi_train_vs_holdout"] = _headline_score_psi(predictions, model)
    metrics["oov_share_median"] = _headline_oov_share(predictions, options, seed)
    return {name: metrics[name] for name in _headline_metric_names(options)}


def headline_by_service(
    predictions: pl.DataFrame, *, model: str, options: ScoreOptions = DEFAULTS, seed: int = 0
) -> dict[str, dict[str, Metric]]:
    """Headline metrics of every service by itself, services sorted by name."""
    return {
        name: headline(predictions.filter(pl.Series(rows)), model=model, options=options, seed=seed)
        for name, rows in rows_of_each(service_names(predictions).to_numpy())
    }


def _headline_metric_names(options: ScoreOptions) -> list[str]:
    return [
        *(f"precision_at_{k}" for k in options.report_precision_at),
        *(f"fp_rate_at_{alpha:g}" for alpha in options.report_fp_alpha),
        *(["psi_train_vs_holdout"] if options.report_psi else []),
        *("auc", "ap", "f1_at_threshold", "recall_at_threshold", "fp_rate_at_threshold", "prevalence"),
        "oov_share_median",
    ]


def labelled_headline(rows: TestRows, options: ScoreOptions = DEFAULTS, seed: int = 0) -> dict[str, Metric]:
    """Every metric of ranked rows that needs labels."""
    names = [name for name in _headline_metric_names(options) if not name.startswith(("psi", "oov"))]
    if not rows.labels.size:
        return {name: Metric.missing("no labelled test sequence") for name in names}
    first, kind = bootstrap_row_classes(rows.score, rows.labels, rows.flagged)
    measure = headline_statistics(rows.test_rows_at(first), options)
    boot = run_bootstrap(rows.runs, resamples=options.resamples, seed=seed)
    values = {name: float(value[0]) for name, value in measure(np.bincount(kind).astype(np.float64)[None]).items()}
    replicates = boot.replicate(lambda weights: np.stack(list(measure(weights).values()), axis=-1), classes=kind)
    intervals = {name: boot.interval(replicates[:, place]) for place, name in enumerate(values)}
    metrics = {}
    for name in names:
        n, note, reason = _headline_metric_context(name, rows)
        if np.isnan(values.get(name, np.nan)):
            metrics[name] = Metric.missing(reason, n=n)
        else:
            metrics[name] = Metric.measured(values[name], intervals[name], n=n, note=note)
    return metrics


def headline_statistics(rows: TestRows, options: ScoreOptions) -> Callable[[Floats], dict[str, Floats]]:
    """Function from row weights (b, n) to every labelled metric (b,), NaN where it is undefined."""
    groups = TieGroups.from_scores(rows.score, rows.labels)
    strict = {}
    for alpha in options.report_fp_alpha:
        if rows.reference.size * alpha >= 1 - 1e-9:
            strict[f"fp_rate_at_{alpha:g}"] = rows.score >= ranking_threshold(rows.reference, alpha)

    def measure_headline(weights: Floats) -> dict[str, Floats]:
        anomalies, normals = groups.tie_counts(weights)
        at_threshold = confusion(rows.flagged, rows.labels, weights=weights)
        return {
            **{f"precision_at_{k}": precision_of(anomalies, normals, k) for k in options.report_precision_at},
            **{name: confusion(hit, rows.labels, weights=weights).fp_rate for name, hit in strict.items()},
            "auc": auc_of(anomalies, normals),
            "ap": average_precision_of(anomalies, normals),
            "f1_at_threshold": at_threshold.f1,
            "recall_at_threshold": at_threshold.recall,
            "fp_rate_at_threshold": at_threshold.fp_rate,
            "prevalence": weights @ rows.labels.astype(np.float64) / weights.sum(axis=-1),
        }

    return measure_headline


def _headline_metric_context(name: str, rows: TestRows) -> tuple[int, str | None, str]:
    """How many rows a metric rests on, what its value is to be read against, and why it has none."""
    n, n_anomalies = rows.labels.size, int(rows.labels.sum())
    normals = n - n_anomalies
    why = f"no {'normal sequence' if n_anomalies else 'anomaly'} among the {n} labelled test sequences"
    if name.startswith("precision_at_"):
        return n, f"a random ranking gets {n_anomalies / n:.3f}", f"k is above the {n} labelled test sequences"
    if name == "fp_rate_at_threshold":
        return normals, f"resolution 1/{normals}", why
    if name.startswith("fp_rate_at_"):
        if normals:
            least = np.ceil(1 / float(name.removeprefix("fp_rate_at_")))
            why = f"alpha is below the resolution: {rows.reference.size} hold-out normals, it takes {least:g}"
        return normals, f"resolution 1/{normals}; threshold from {rows.reference.size} hold-out normals", why
    return n_anomalies if name == "recall_at_threshold" else n, None, why


def _headline_score_psi(predictions: pl.DataFrame, model: str) -> Metric:
    normal = ~predictions["anomaly"].fill_null(value=True)
    later = (normal & (predictions["split"] == "test")).fill_null(value=False).to_numpy()
    scores = predictions[f"score_{model}"].to_numpy()
    reference, new = scores[holdout_normals(predictions)], scores[later]
    bins = psi_bins(reference.size, new.size)
    if not bins:
        found = f"{reference.size} in the hold-out, {new.size} in the test runs"
        return Metric.missing(f"needs ten normal sequences on both sides: {found}", n=new.size)
    chance = psi_by_chance(reference.size, new.size, bins=bins)
    note = f"hold-out against test normals in {bins} bins; chance alone stays below {chance:.2f} in 99 of 100"
    return Metric(psi(reference, new, bins=bins), None, None, new.size, note)


def _headline_oov_share(predictions: pl.DataFrame, options: ScoreOptions, seed: int) -> Metric:
    rows = predictions.filter((pl.col("split") == "test") & pl.col("oov_share").is_not_null())
    if not rows.height:
        return Metric.missing("no test sequence with tokens")
    first, kind = bootstrap_row_classes(rows["oov_share"].to_numpy())
    shares = rows["oov_share"].to_numpy()[first]

    def headline_median(weights: Floats) -> Floats:
        passed = np.cumsum(weights, axis=1)
        half = passed[:, -1:] / 2
        sides = [np.minimum(low.sum(axis=1), shares.size - 1) for low in (passed < half, passed <= half)]
        return np.asarray(shares[np.stack(sides)].mean(axis=0), dtype=np.float64)

    boot = run_bootstrap(run_names(rows).to_numpy().astype(np.str_), resamples=options.resamples, seed=seed)
    interval = boot.interval(boot.replicate(headline_median, classes=kind))
    return Metric.measured(float(np.median(rows["oov_share"].to_numpy())), interval, n=rows.height)
