"""Runs judged: which test case of which run is odd, its ERROR p-values, and which of its services to look at first.

The p-values of a run's services are fused (Fisher): of each the detector's own, and that of its ERROR events among
those of normal runs. The fused score is ranked among those of left-out normal runs, which makes the p-value of a run
what it says, however services, words and levels depend on each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from lo2 import schema
from lo2.evaluation.headline import DEFAULTS, labelled_headline
from lo2.evaluation.merging import TestRows
from lo2.evaluation.metric import Metric
from lo2.evaluation.options import ScoreOptions
from lo2.metrics.conformal import FUSED, fused_p_value, left_out_p_values, p_values, reachable_p_value
from lo2.metrics.ranking import Floats
from lo2.rows import UNIT, rows_of_each, service_names

# Level at which runs are judged, and services within a run.
LEVEL = 0.05
ODD = pl.col("p_value") <= LEVEL + 1e-12
"""Whether a run, or a service in it, is flagged."""
NEEDED = f"a p-value of {LEVEL:g} takes {round(1 / LEVEL) - 1}"
"""How many normal runs it takes to tell."""
# Quantile of a service's normal runs up to which ERROR events are typical.
TYPICAL = 0.95
METRICS = ("auc", "ap", "f1_at_threshold", "recall_at_threshold", "fp_rate_at_threshold", "prevalence")
_ROWS = (*UNIT, "service", "anomaly", "normal", "p_value", "score", "n_error")


@dataclass(frozen=True, repr=False)
class Runs:
    """``frame`` (``schema.RUNS``, most anomalous first), ``services`` (ranked within each run and case), the fused
    ``normal`` scores of left-out normal runs, ``labels`` (anomaly per run and case, null where a row has none), from
    how many normal runs the p-values are at least, and the ``errors`` (ERROR events) of each service's normal runs."""

    frame: pl.DataFrame
    services: pl.DataFrame
    normal: Floats
    labels: pl.DataFrame
    n: int
    errors: Mapping[str, Floats] = field(default_factory=dict)

    def __repr__(self) -> str:
        judged = f"{self.flagged_runs.height:,} flagged" if self.tellable else "too few normal ones to flag any"
        return f"Runs({self.frame.height:,} runs and cases, {judged}; {self.n:,} normal ones known)"

    @property
    def tellable(self) -> bool:
        """Whether there are enough normal runs for a p-value of ``LEVEL``."""
        return bool(reachable_p_value(self.n, LEVEL))

    @property
    def flagged_runs(self) -> pl.DataFrame:
        """Runs and cases whose p-value is at most ``LEVEL``."""
        return self.frame.filter(ODD) if self.tellable else self.frame.clear()


def judge_runs(rows: pl.DataFrame, *, known: Floats | None = None, errors: Mapping[str, Floats] | None = None) -> Runs:
    """Runs of ``rows``: ``run, test_case, service, anomaly, normal, p_value, score, n_error``; every row has a run.

    Rows without a p-value are left out. Several sequences of one service in one run and case count as one (Simes). A
    run and case is normal where all its rows are. ``known`` are fused scores of normal runs and ``errors`` their ERROR
    events by service, for new data; else those of the other normal runs in ``rows`` serve, which needs p-values of rows
    that were left out. Where nothing is known of ERROR events, the detector alone is heard.
    """
    services = _rank_run_services(rows, {} if known is not None and errors is None else errors)
    heard = 1 + int(services["p_error"].null_count() < services.height)
    units = (
        services.group_by(UNIT, maintain_order=True)
        .agg(
            (pl.col("p_value").log().neg() + pl.col("p_error").log().neg().fill_null(0.0)).sum().alias("total"),
            pl.col("score").sum().alias("strength"),
            pl.len().cast(pl.UInt32).alias("n_services"),
            pl.col("found").sum().cast(pl.UInt32).alias("n_flagged"),
            pl.col("service").first().alias("earliest_service"),
            pl.col("normal").all(),
            pl.when(pl.col("unlabelled").any()).then(None).otherwise(pl.col("anomaly").any()).alias("anomaly"),
        )
        .with_columns(pl.col("total").clip(lower_bound=0.0))
    )
    score = fused_p_value(units["total"].to_numpy(), heard * units["n_services"].to_numpy())
    normal, runs = units["normal"].to_numpy().astype(bool), units["run"].to_numpy()
    if known is None:
        one = left_out_p_values(score, normal, runs)
        p_value, n = one.p_value, int(one.n.min(initial=normal.sum()))
        p_value = np.where(one.n > 0, p_value, np.nan)
        known = np.sort(score[normal])
    else:
        n = known.size
        p_value = p_values(np.round(known, FUSED), score) if n else np.full(score.size, np.nan)
    found = units.with_columns(pl.Series("score", score), pl.Series("p_value", p_value).fill_nan(None))
    missing = [name for name in schema.RUNS if name not in found.columns]
    found = found.with_columns(pl.lit(None).alias(name) for name in missing)
    # With few normal runs many fused scores are equal: what is far beyond them stands before what is just beyond.
    order = [pl.col("score").round(9), pl.col("strength"), *map(pl.col, UNIT)]
    found = found.sort(order, descending=[True, True, False, False], nulls_last=True)
    typed = found.select(pl.col(name).cast(column.dtype) for name, column in schema.RUNS.items())
    return Runs(typed, services, known, found.select(*UNIT, "anomaly"), n, _normal_run_errors(services))


def run_metrics(runs: Runs, *, options: ScoreOptions = DEFAULTS, seed: int = 0) -> dict[str, Metric]:
    """Headline metrics of runs and cases, flagged at ``LEVEL``, with intervals over runs."""
    frame = runs.frame.join(runs.labels, on=UNIT, how="left", maintain_order="left", nulls_equal=True)
    frame = frame.filter(pl.col("anomaly").is_not_null())
    rows = TestRows(
        score=frame["score"].to_numpy(),
        labels=frame["anomaly"].to_numpy().astype(np.bool_),
        flagged=frame.select(ODD.fill_null(value=False)).to_series().to_numpy(),
        runs=frame["run"].to_numpy().astype(np.str_),
        services=np.full(frame.height, "", dtype=np.str_),
        reference=runs.normal,
        seq_id=frame.select(pl.concat_str(pl.col(UNIT).fill_null(""), separator="\0"))["run"]
        .to_numpy()
        .astype(np.str_),
    )
    found = labelled_headline(rows, options, seed)
    if not runs.tellable:
        why = f"too few to tell ({runs.n} normal runs, {NEEDED})"
        found |= {name: Metric.missing(why, n=rows.labels.size) for name in METRICS if name.endswith("threshold")}
    return {name: found[name] for name in METRICS}


def _rank_run_services(rows: pl.DataFrame, errors: Mapping[str, Floats] | None) -> pl.DataFrame:
    """One row per run, case and service, in each run the one to look at first on top.

    Flagged services come first; among them those with more ERROR events than is typical of it, then those whose
    score is further above its typical one. That names a service, it does not prove a cause.
    """
    known = rows.select(*_ROWS[:2], service_names(rows), *_ROWS[3:]).filter(pl.col("p_value").is_not_null())
    keys = [*UNIT, "service"]
    place, size = pl.col("p_value").rank("ordinal").over(keys), pl.len().over(keys)
    one = (
        known.with_columns(simes=pl.col("p_value") * size / place)
        .group_by(keys)
        .agg(
            pl.col("simes").min().clip(upper_bound=1.0).alias("p_value"),
            pl.col("score").max(),
            pl.when(pl.col("n_error").is_not_null().any()).then(pl.col("n_error").cast(pl.Float64).sum()),
            pl.col("normal").all(),
            pl.col("anomaly").any(),
            pl.col("anomaly").is_null().any().alias("unlabelled"),
        )
        .sort(keys, nulls_last=True)
    )
    of_normals = one.filter("normal").group_by("service").agg(
        pl.col("n_error").quantile(TYPICAL, "linear").alias("typical_errors"),
        pl.col("score").median().alias("typical_score")
    )  # fmt: skip
    if errors is not None:
        typical = {name: float(np.quantile(found, TYPICAL)) for name, found in errors.items() if found.size}
        known_errors = pl.col("service").replace_strict(typical, default=None, return_dtype=pl.Float64)
        of_normals = of_normals.with_columns(typical_errors=known_errors)
    one = one.join(of_normals, on="service", how="left", maintain_order="left").with_columns(
        _run_error_p_values(one, errors),
        errors_beyond=(pl.col("n_error").fill_null(0.0) - pl.col("typical_errors").fill_null(0.0)).clip(
            lower_bound=0.0
        ),
        score_beyond=pl.col("score") - pl.col("typical_score").fill_null(0.0),
    )
    rank, count = pl.col("p_value").rank("ordinal").over(UNIT), pl.len().over(UNIT)
    within = pl.col("p_value") <= LEVEL * rank / count + 1e-12
    last = pl.when(within).then(rank).max().over(UNIT).fill_null(0)
    one = one.with_columns(found=rank <= last, odd=ODD)
    order = [*UNIT, "odd", "errors_beyond", "score_beyond", "p_value", "service"]
    return one.sort(order, descending=[False, False, True, True, True, False, False], nulls_last=True)


def _run_error_p_values(one: pl.DataFrame, errors: Mapping[str, Floats] | None) -> pl.Series:
    """p-value of the ERROR events of each service of a run: among ``errors``, or in other normal runs of ``one``."""
    found = np.full(one.height, np.nan)
    services, n_error = one["service"].to_numpy(), one["n_error"].to_numpy().astype(np.float64)
    normal, runs = one["normal"].to_numpy().astype(bool), one["run"].to_numpy()
    for service, own in rows_of_each(services):
        rows = own & ~np.isnan(n_error)
        if errors is None:
            found[rows] = left_out_p_values(n_error[rows], normal[rows], runs[rows]).p_value
        elif service in errors:
            found[rows] = p_values(errors[service], n_error[rows])
    return pl.Series("p_error", found).fill_nan(None)


def _normal_run_errors(services: pl.DataFrame) -> dict[str, Floats]:
    """ERROR events of each service's normal runs, sorted."""
    rows = services.filter(pl.col("normal") & pl.col("n_error").is_not_null()).sort("service", "n_error")
    return {str(name): part["n_error"].to_numpy() for (name,), part in rows.group_by(["service"], maintain_order=True)}
