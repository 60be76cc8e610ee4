"""Drift report: do later logs still look like the normal hold-out that thresholds come from?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from lo2.errors import CheckFailedError
from lo2.evaluation.options import DriftLimits
from lo2.metrics.drift import categorical_psi, psi, psi_bins, psi_by_chance
from lo2.metrics.ranking import Floats
from lo2.pool import unpooled
from lo2.rows import service_names

REPORT = {
    **dict.fromkeys(("service", "signal"), pl.String()),
    **dict.fromkeys(("value", "chance", "limit"), pl.Float64()),
    "breach": pl.Boolean(),
    **dict.fromkeys(("n_reference", "n_new"), pl.Int64()),
    "why": pl.String(),
}
ALL = "all"
# PSI that by custom is acted upon.
CUSTOM = 0.25
_TEMPLATES = {"e_event_drain_id": "template", "e_event_drain_id_count": "count"}


@dataclass(frozen=True)
class DriftSample:
    """One side of the comparison: ``rows`` (service, score, seq_len, oov_share), ``templates`` (service, template,
    count); null columns where the input has none."""

    rows: pl.DataFrame
    templates: pl.DataFrame


@dataclass(frozen=True, repr=False)
class DriftReport:
    """``frame`` with one row per service (``all``: the services on both sides) and signal; ``breaches`` of limits that
    were given, and what is ``loud`` in any case: a PSI beyond 0.25 and beyond chance over all services, in words."""

    frame: pl.DataFrame
    breaches: tuple[str, ...]
    loud: tuple[str, ...] = ()

    def __repr__(self) -> str:
        said = "; ".join((*self.breaches, *self.loud)) or "nothing beyond its limit or chance"
        return f"DriftReport({self.frame['service'].n_unique()} services: {said})"

    def refuse_drift(self) -> None:
        """Raise if drift is beyond a limit that was given.

        Raises
        ------
        CheckFailedError
            Naming the signals.
        """
        if self.breaches:
            raise CheckFailedError("drift beyond its limit: " + "; ".join(self.breaches))


def drift_sample(
    predictions: pl.DataFrame, sequences: pl.DataFrame | None = None, *, model: str, split: str | None = None
) -> DriftSample:
    """Side of a drift comparison from predictions and, for templates and volume, their sequences.

    ``split`` chooses the rows: ``"holdout"`` for the reference, ``"test"`` or None (all) for the new data; training
    rows never belong here. Where some of the rows are labelled normal, only those are taken, because the share of
    anomalies is not drift; unlabelled data is taken whole.
    """
    rows = predictions if split is None else predictions.filter(pl.col("split") == split)
    rows = rows.filter(pl.col("split").fill_null("") != "train")
    normal = rows.filter(pl.col("anomaly") == pl.lit(value=False))
    rows = normal if normal.height else rows
    rows = rows.select("seq_id", service_names(rows), pl.col(f"score_{model}").alias("score"), "oov_share")
    given = rows.select("seq_id") if sequences is None else sequences
    wanted = ["seq_id", *(name for name in (*_TEMPLATES, "seq_len") if name in given.columns)]
    joined = rows.join(given.select(wanted), on="seq_id", how="left", maintain_order="left")
    length = pl.col("seq_len").cast(pl.Float64) if "seq_len" in wanted else pl.lit(None, pl.Float64).alias("seq_len")
    sample = joined.select("service", "score", "oov_share", length)
    if not set(_TEMPLATES) <= set(wanted):
        return DriftSample(
            sample, pl.DataFrame(schema={"service": pl.String, "template": pl.String, "count": pl.Float64})
        )
    held = unpooled(joined).filter(pl.col("e_event_drain_id").list.len() > 0)
    flat = held.select("service", *(pl.col(old).alias(new) for old, new in _TEMPLATES.items())).explode(
        "template", "count"
    )
    counts = flat.group_by("service", pl.col("template").cast(pl.String)).agg(pl.col("count").cast(pl.Float64).sum())
    return DriftSample(sample, counts.sort("service", "template"))


def drift(reference: DriftSample, new: DriftSample, *, limits: DriftLimits = DriftLimits()) -> DriftReport:
    """Drift of ``new`` against ``reference``, the normal hold-out: overall and per service.

    Four signals: PSI of ``scores``, of ``templates`` (how often each occurs) and of ``volume`` (events per sequence),
    and ``unseen_tokens``, the rise of the mean share of tokens that training never saw. ``chance`` is the value that
    99 of 100 samples without drift stay below. A breach is a value above its limit and above chance.
    """
    services = sorted(set(reference.rows["service"]) & set(new.rows["service"]))
    table: list[tuple[str | float | int | None, ...]] = []
    for name in [ALL, *services] if len(services) != 1 else services:
        chosen = pl.col("service").is_in(services if name == ALL else [name])
        sides = [DriftSample(one.rows.filter(chosen), one.templates.filter(chosen)) for one in (reference, new)]
        for signal, measure in _SIGNALS.items():
            value, chance, why = measure(*sides)
            limit = getattr(limits, signal)
            breach = value is not None and limit is not None and value > max(limit, chance or 0.0)
            table.append((name, signal, value, chance, limit, breach, *(side.rows.height for side in sides), why))
    for name in sorted(set(new.rows["service"]) - set(services)):
        n_new = new.rows.filter(pl.col("service") == name).height
        table.append((name, "scores", None, None, None, False, 0, n_new, "the hold-out has no such service"))
    frame = pl.DataFrame(table, schema=REPORT, orient="row")
    broken = frame.filter("breach").select("service", "signal", "value", "limit").rows()
    said = tuple(f"{s}: {kind} {value:.3g} is above {limit:g}" for s, kind, value, limit in broken)
    return DriftReport(frame, said, tuple(_drift_report_warnings(frame)))


def _drift_report_warnings(frame: pl.DataFrame) -> Iterator[str]:
    """What nobody should miss; templates have no law of chance, and unseen tokens no custom."""
    beyond = (pl.col("value") > CUSTOM) & (pl.col("value") > pl.col("chance"))
    rows = frame.head(len(_SIGNALS)).filter(pl.col("signal").is_in(["scores", "volume"]) & beyond)
    meaning = {"scores": "scores of later normal sequences", "volume": "events per normal sequence"}
    for row in rows.iter_rows(named=True):
        yield (
            f"drift: {meaning[row['signal']]} are not those of the hold-out (PSI {row['value']:.2f}; chance stays "
            f"below {row['chance']:.2f}): thresholds and p-values promise less than they say. Train on newer runs"
        )


_Measured = tuple[float | None, float | None, str | None]


def _drift_report_samples(reference: DriftSample, new: DriftSample, column: str) -> tuple[Floats, Floats]:
    before, after = (side.rows[column].drop_nulls().to_numpy() for side in (reference, new))
    return before, after


def _drift_report_column_psi(reference: DriftSample, new: DriftSample, *, column: str) -> _Measured:
    before, after = _drift_report_samples(reference, new, column)
    bins = psi_bins(before.size, after.size)
    if not bins:
        return None, None, f"needs ten sequences on both sides, found {before.size} and {after.size}"
    return psi(before, after, bins=bins), psi_by_chance(before.size, after.size, bins=bins), None


def _drift_report_template_psi(reference: DriftSample, new: DriftSample) -> _Measured:
    counts = [side.templates.group_by("template").agg(pl.col("count").sum()) for side in (reference, new)]
    before, after = (dict(side.sort("template").iter_rows()) for side in counts)
    if not before or not after:
        return None, None, "no templates on one of the sides"
    # Events of one sequence depend on each other, so that no simple law says what chance gives.
    return categorical_psi(before, after), None, None


def _drift_report_unseen_tokens(reference: DriftSample, new: DriftSample) -> _Measured:
    before, after = _drift_report_samples(reference, new, "oov_share")
    if before.size < 2 or after.size < 2:
        return None, None, f"needs two sequences on both sides, found {before.size} and {after.size}"
    chance = 2.326 * np.sqrt(before.var(ddof=1) / before.size + after.var(ddof=1) / after.size)
    return float(after.mean() - before.mean()), float(chance), None


_SIGNALS: dict[str, Callable[[DriftSample, DriftSample], _Measured]] = {
    "scores": partial(_drift_report_column_psi, column="score"),
    "templates": _drift_report_template_psi,
    "volume": partial(_drift_report_column_psi, column="seq_len"),
    "unseen_tokens": _drift_report_unseen_tokens,
}
