"""The explorer's values: ranked sequences, why each flagged one is flagged, and its detail view."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from lo2.explain.document import Explained
from lo2.report.options import ReportOptions
from lo2.report.reasons import is_background_reason, is_telling_reason, line_as_reason, reason_of_row
from lo2.report.sources import Sources
from lo2.report.values import Detail, DetectorExplanation, Explorer, Fact, Rating, SequenceRow
from lo2.rows import rows_by_rank, service_names

_OTHERS = 20  # details in which the other detectors say why, too
_BRIEF, _LEAST = 2, 500  # lines of a short detail; details from which on it is one
_LINE = 120
_COUNTS = {
    "seq_len": "events", "duration_sec": "seconds", "n_error": "ERROR events", "n_warn": "WARN events",
    "n_exceptions": "stack traces", "continuation_lines": "continuation lines",
}  # fmt: skip
_Why = Mapping[str, Explained]


def explorer(sources: Sources, options: ReportOptions) -> Explorer:
    """Rows by rank of the first detector, and details of those that are flagged or were explained."""
    models = tuple(sources.predictions)
    if not models:
        return Explorer((), (), sources.sequences.height, (), ("No predictions yet: run lo2 detect.",))
    wide = _explorer_predictions(sources)
    floors = {model: _explorer_least_p_values(frame, model) for model, frame in sources.predictions.items()}
    labelled = bool(wide["anomaly"].any())
    chosen = _explorer_rows_shown(wide, models[0], options)
    rows = [_explorer_row(values, models, floors, labelled=labelled) for values in chosen.iter_rows(named=True)]
    explained = {
        one.detector: one.sequences for one in (sources.explanations.detectors if sources.explanations else ())
    }
    why, empty = explained.get(models[0], {}), sources.explanations.empty if sources.explanations else ()
    rows = [_explorer_reasoned_row(row, why.get(row.seq_id), empty) for row in rows]
    # An empty log says nothing where normal ones are empty, too: it stands behind those that hold lines.
    rows.sort(key=lambda row: is_background_reason(row, why.get(row.seq_id), empty))
    rows = list(_explorer_rows_numbered(rows, why, options))
    # Hits of the test side are shown in full before others.
    shown = sorted((row for row in rows if row.detail is not None), key=lambda row: row.split != "test")
    full = {row.seq_id for row in shown[: options.report_details]}
    details = tuple(_explorer_detail_views(rows, explained, sources, options, full))
    notes = tuple(_explorer_notes(wide.height, len(rows), details, models[0], options))
    return Explorer(models, tuple(rows), wide.height, details, notes)


def _explorer_predictions(sources: Sources) -> pl.DataFrame:
    """Predictions of all detectors next to each other, by rank of the first."""
    (first, wide), *others = sources.predictions.items()
    for model, frame in others:
        names = ["seq_id", f"score_{model}", f"rank_{model}", f"flagged_{model}", f"p_value_{model}"]
        wide = wide.join(frame.select(names), on="seq_id", how="left", maintain_order="left")
    return rows_by_rank(wide, first)


def _explorer_least_p_values(predictions: pl.DataFrame, model: str) -> dict[str, float]:
    """The least p-value that the normal rows of other runs allow, by service, where no row is below it."""
    normal = ~pl.col("anomaly").fill_null(value=False)
    rows = predictions.with_columns(service_names(predictions))
    least = pl.col(f"p_value_{model}").min().alias("least")
    found = rows.group_by("service").agg(normal.sum().alias("n"), least).filter(pl.col("least").is_not_null())
    return {service: p for service, n, p in found.iter_rows() if p >= 1 / (n + 1) - 1e-9}


def _explorer_rows_shown(wide: pl.DataFrame, model: str, options: ReportOptions) -> pl.DataFrame:
    """The first rows by rank, then all that are flagged on the test side, false positives and misses among the rest."""
    most, rest = options.report_mistakes, wide[options.report_rows :]
    flagged, anomaly = pl.col(f"flagged_{model}").fill_null(value=False), pl.col("anomaly")
    wrong = [rest.filter(flagged & ~anomaly)[:most], rest.filter(~flagged & anomaly)[:most]]
    hits = rest.filter(flagged & anomaly & (pl.col("split") == "test"))[:most]
    return rows_by_rank(pl.concat([wide[: options.report_rows], *wrong, hits]), model)


def _explorer_row(
    values: dict[str, Any], models: tuple[str, ...], floors: Mapping[str, Mapping[str, float]], *, labelled: bool
) -> SequenceRow:
    ratings = []
    for m in models:
        p = values[f"p_value_{m}"]
        floor = floors[m].get(values["service"] or "")
        least = p is not None and floor is not None and p <= floor + 1e-9
        ratings.append(Rating(values[f"rank_{m}"], values[f"score_{m}"], p, values[f"flagged_{m}"], least))
    run, case, service, split = (values[name] or "" for name in ("run", "test_case", "service", "split"))
    return SequenceRow(
        values["seq_id"], run, case, service, split, values["anomaly"] if labelled else None, tuple(ratings)
    )


def _explorer_reasoned_row(row: SequenceRow, why: Explained | None, empty: Sequence[str]) -> SequenceRow:
    """The row with why it is flagged, if it is: the strongest line of another one may be as normal as can be."""
    if row.ratings[0].flagged is False:
        return row
    line = line_as_reason(why)
    return replace(row, reason=reason_of_row(row, why, empty), line=line.text[:_LINE] if line is not None else "")


def _explorer_rows_numbered(rows: list[SequenceRow], why: _Why, options: ReportOptions) -> Iterator[SequenceRow]:
    """Rows with the number of their detail view: every flagged one, and the first others that were explained."""
    flagged = sum(bool(row.ratings[0].flagged) and row.split != "train" for row in rows)
    others, number = max(0, options.report_details - flagged), 0
    for row in rows:
        outside = row.split != "train"
        wanted = bool(row.ratings[0].flagged) and outside
        if not wanted and row.seq_id in why and others:
            others, wanted = others - 1, True
        number += wanted
        yield replace(row, detail=number) if wanted else row


def _explorer_detail_views(
    rows: list[SequenceRow], explained: Mapping[str, _Why], sources: Sources, options: ReportOptions, full: set[str]
) -> Iterator[Detail]:
    numbers = {row.seq_id for row in rows if row.detail is not None}
    traits = {one["seq_id"]: one for one in sources.sequences.iter_rows(named=True) if one["seq_id"] in numbers}
    for row in rows:
        if row.detail is not None:
            brief = row.seq_id not in full
            given = tuple(_explorer_explanations(row, explained, sources, options, brief=brief))
            yield Detail(row, tuple(_explorer_facts(traits.get(row.seq_id, {}))) if not brief else (), given, brief)


def _explorer_facts(traits: Mapping[str, Any]) -> Iterator[Fact]:
    yield from (Fact(label, f"{traits[key]:,.6g}") for key, label in _COUNTS.items() if traits.get(key) is not None)
    if traits.get("start_time") is not None:
        yield Fact("start (UTC)", f"{traits['start_time']:%Y-%m-%d %H:%M:%S}")


def _explorer_explanations(
    row: SequenceRow, explained: Mapping[str, _Why], sources: Sources, options: ReportOptions, *, brief: bool
) -> Iterator[DetectorExplanation]:
    figures = {one.name: one.threshold for one in sources.evaluation.detectors} if sources.evaluation else {}
    for place, (model, rating) in enumerate(zip(sources.predictions, row.ratings, strict=True)):
        found = explained.get(model, {}).get(row.seq_id)
        if found is None or (place and (brief or (row.detail or 0) > _OTHERS)):
            continue
        most = (1 if (row.detail or 0) > _LEAST else _BRIEF) if brief else options.report_tokens
        most = most if not place else min(most, _BRIEF)
        tokens = tuple(pair for pair in found.tokens if is_telling_reason(pair[0]))[: 0 if brief else most]
        near = found.neighbour
        if near is not None:
            kept = tuple(one for one in near.differences if is_telling_reason(one.text))[: 0 if brief else most]
            near = replace(near, differences=kept, parts_at=near.parts_at[:300])
        yield DetectorExplanation(model, figures.get(model), rating, Explained(found.lines[:most], tokens, near))


def _explorer_notes(
    total: int, held: int, details: tuple[Detail, ...], model: str, options: ReportOptions
) -> Iterator[str]:
    if held < total:
        yield (
            f"This page holds {held:,} of {total:,} sequences: the first {options.report_rows:,} by rank of {model}, "
            f"and up to {options.report_mistakes:,} more of each kind: found, false alarms, missed."
        )
    if brief := sum(one.brief for one in details):
        yield f"Of {len(details):,} detail views {brief:,} are short: they hold the strongest lines."
    if not details:
        yield "No explanations yet, so there are no detail views: run lo2 explain."
