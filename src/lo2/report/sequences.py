"""The explorer's values: ranked sequences, and for the explained ones why, beside their nearest normal sequence."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from lo2.artefacts.files import read_parquet
from lo2.patterns import mask
from lo2.report.inputs import Inputs, number, table, whole
from lo2.report.values import Detail, Explanation, Explorer, Fact, Line, Neighbour, Rating, Row

_FEWEST = 20
_RATES = re.compile(r"(.+?) \(([\d.e+-]+) -> ([\d.e+-]+)\)(?: \| |$)", re.DOTALL)
_COUNTS = {
    "seq_len": "events", "duration_sec": "seconds", "n_error": "ERROR events", "n_warn": "WARN events",
    "n_exceptions": "stack traces", "continuation_lines": "continuation lines",
}  # fmt: skip
_Rows = Mapping[str, list[dict[str, Any]]]


class _Explained(NamedTuple):
    """What the explain phase wrote about one detector, by sequence."""

    nearest: _Rows
    lines: _Rows
    tokens: _Rows


def explorer(inputs: Inputs) -> Explorer:
    """Rows by rank of the first detector, and details of those that were explained."""
    models = tuple(inputs.predictions)
    if not models:
        return Explorer((), (), inputs.sequences.height, (), ("No predictions yet: run lo2 detect.",))
    wide = _wide(inputs)
    rows = [_row(values, models) for values in _chosen(wide, models[0], inputs).iter_rows(named=True)]
    explained = {model: _explained(inputs, model) for model in models}
    covered = [row.seq_id for row in rows if any(row.seq_id in part for one in explained.values() for part in one)]
    # Those explained line by line first: the most anomalous and the mistakes. Explained detectors share the page.
    covered.sort(key=lambda seq_id: not _closely(explained[models[0]], seq_id))
    most, sharing = inputs.options.report_details, sum(bool(one.lines or one.tokens) for one in explained.values())
    shown = set(covered[: max(min(most, _FEWEST), most // max(1, sharing))])
    numbers = {seq_id: place for place, seq_id in enumerate([row.seq_id for row in rows if row.seq_id in shown], 1)}
    rows = [replace(row, detail=numbers.get(row.seq_id)) for row in rows]
    traits = {one["seq_id"]: one for one in inputs.sequences.iter_rows(named=True) if one["seq_id"] in numbers}
    details = tuple(
        Detail(row, tuple(_facts(traits.get(row.seq_id, {}))), tuple(_explanations(row, explained, inputs)))
        for row in rows
        if row.detail is not None
    )
    return Explorer(models, tuple(rows), wide.height, details, tuple(_notes(wide.height, len(rows), details, inputs)))


def _wide(inputs: Inputs) -> pl.DataFrame:
    """Predictions of all detectors beside each other, by rank of the first."""
    (first, wide), *others = inputs.predictions.items()
    for model, frame in others:
        names = ["seq_id", f"score_{model}", f"rank_{model}", f"pred_{model}_threshold", f"p_value_{model}"]
        wide = wide.join(frame.select(names), on="seq_id", how="left", maintain_order="left")
    return wide.sort(f"rank_{first}", "seq_id", nulls_last=True)


def _chosen(wide: pl.DataFrame, model: str, inputs: Inputs) -> pl.DataFrame:
    """The first rows by rank, then the false positives and misses among the rest."""
    most, options = inputs.options.report_mistakes, inputs.options
    rest, flagged, anomaly = wide[options.report_rows :], pl.col(f"pred_{model}_threshold"), pl.col("anomaly")
    wrong = [rest.filter(flagged & ~anomaly)[:most], rest.filter(~flagged & anomaly)[:most]]
    return pl.concat([wide[: options.report_rows], *wrong]).sort(f"rank_{model}", "seq_id", nulls_last=True)


def _row(values: dict[str, Any], models: tuple[str, ...]) -> Row:
    ratings = tuple(
        Rating(values[f"rank_{m}"], values[f"score_{m}"], values[f"p_value_{m}"], values[f"pred_{m}_threshold"])
        for m in models
    )
    run, case, service, split = (values[name] or "" for name in ("run", "test_case", "service", "split"))
    return Row(values["seq_id"], run, case, service, split, values["anomaly"], ratings)


def _explained(inputs: Inputs, model: str) -> _Explained:
    nearest, lines = (table(inputs.home.path(name, model=model)) for name in ("nn_mapping", "line_attribution"))
    path, columns = inputs.home.path("attributions", model=model), ["seq_id", "token", "contribution"]
    tokens = read_parquet(path, columns=columns) if path.is_file() else pl.DataFrame()
    return _Explained(*(_by_sequence(frame) for frame in (nearest, lines, tokens)))


def _closely(explained: _Explained, seq_id: str) -> bool:
    """Whether its lines were explained, or it has none that could be: an empty log is beside no normal sequence."""
    return seq_id in explained.lines or any(not one["normal_seq_id"] for one in explained.nearest.get(seq_id, []))


def _by_sequence(frame: pl.DataFrame) -> _Rows:
    parts = frame.partition_by("seq_id", as_dict=True, maintain_order=True) if frame.height else {}
    return {str(key[0]): part.to_dicts() for key, part in parts.items()}


def _facts(traits: dict[str, Any]) -> Iterator[Fact]:
    yield from (Fact(label, f"{traits[key]:,.6g}") for key, label in _COUNTS.items() if traits.get(key) is not None)
    if traits.get("start_time") is not None:
        yield Fact("start (UTC)", f"{traits['start_time']:%Y-%m-%d %H:%M:%S}")


def _explanations(row: Row, explained: dict[str, _Explained], inputs: Inputs) -> Iterator[Explanation]:
    limit = inputs.options.report_tokens
    raw = bool(inputs.provenance.phases.get("explain", {}).get("options", {}).get("show_raw"))
    for (model, found), rating in zip(explained.items(), row.ratings, strict=True):
        nearest, lines, tokens = (part.get(row.seq_id, []) for part in found)
        if not (tokens or lines or nearest):
            continue
        pairs = sorted(((one["token"], float(one["contribution"])) for one in tokens), key=lambda p: (-abs(p[1]), p[0]))
        shown = [_line(one, raw=raw) for one in lines]
        neighbour = _neighbour(nearest[0], limit=limit) if nearest else None
        yield Explanation(model, inputs.threshold(model), rating, tuple(pairs[:limit]), tuple(shown[:limit]), neighbour)


def _neighbour(row: dict[str, Any], *, limit: int) -> Neighbour:
    if not row["normal_seq_id"]:
        return Neighbour("", None, row["missing"] or "no normal sequence to compare with", ())
    extra, missing = (differences(row[side] or "") for side in ("extra", "missing"))
    note = f"The order of events parts at {row['diverges_at']}." if row["diverges_at"] else ""
    return Neighbour(row["normal_seq_id"], number(row["similarity"]), note, (*extra[:limit], *missing[: limit // 2]))


def differences(listed: str) -> tuple[tuple[str, float, float], ...]:
    """What ``missing`` or ``extra`` of the neighbour table lists: texts with their rates here and in the normal.

    Examples
    --------
    >>> differences("a | b (0 -> 0.5) | c (0.1 -> 0)")
    (('a | b', 0.5, 0.0), ('c', 0.0, 0.1))
    """
    found = _RATES.findall(listed)
    return tuple((text, number(here) or 0.0, number(normal) or 0.0) for text, normal, here in found)


def _line(row: dict[str, Any], *, raw: bool) -> Line:
    """Line of the attribution table; raw text, written on --show-raw alone, is masked before it goes into a page."""
    text, time = (row["text"] or row["template"] or "").strip(), (row["first_time"] or "").replace("T", " ")
    text, contribution = mask(text, profile="tree") if raw else text, number(row["contribution"]) or 0.0
    return Line(text, contribution, whole(row["count"]), time, row["file"] or "", whole(row["line"]))


def _notes(total: int, held: int, details: tuple[Detail, ...], inputs: Inputs) -> Iterator[str]:
    if held < total:
        yield (
            f"This page holds {held:,} of {total:,} sequences: the first {inputs.options.report_rows:,} by rank of "
            f"{next(iter(inputs.predictions))}, and up to {inputs.options.report_mistakes:,} more of its false "
            "positives and misses each."
        )
    if details:
        yield f"{len(details):,} sequences have a detail view: the first of those that lo2 explain covered."
    else:
        yield "No explanations yet, so there are no detail views: run lo2 explain."
