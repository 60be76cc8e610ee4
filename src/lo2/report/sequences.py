"""The explorer's values: ranked sequences, and for the explained ones why, beside their nearest normal sequence."""

import re
from dataclasses import replace
from typing import Any

import polars as pl

from lo2.patterns import mask
from lo2.report.inputs import Inputs, by_sequence, number, table, whole
from lo2.report.values import Detail, Difference, Explanation, Explorer, Fact, Line, Neighbour, Rating, Row

_FEWEST = 20
_RATES = re.compile(r"(.+?) \(([\d.e+-]+) -> ([\d.e+-]+)\)(?: \| |$)", re.DOTALL)
_COUNTS = {
    "seq_len": "events", "duration_sec": "seconds", "n_error": "ERROR events", "n_warn": "WARN events",
    "n_exceptions": "stack traces", "continuation_lines": "continuation lines",
}  # fmt: skip


def explorer(inputs: Inputs) -> Explorer:
    """Rows by rank of the first detector, and details of those that were explained."""
    models = tuple(inputs.predictions)
    if not models:
        return Explorer((), (), inputs.sequences.height, (), ("No predictions yet: run lo2 detect.",))
    wide = _wide(inputs)
    chosen = _chosen(wide, models[0], inputs)
    rows = [_row(values, models) for values in chosen.iter_rows(named=True)]
    explained = _Explained(inputs, models)
    # Those explained line by line first: the most anomalous and the mistakes.
    covered = sorted(
        (row.seq_id for row in rows if row.seq_id in explained), key=lambda one: not explained.closely(one)
    )
    most = inputs.options.report_details
    shown = set(covered[: max(min(most, _FEWEST), most // max(1, explained.detectors))])
    numbers = {seq_id: place for place, seq_id in enumerate([row.seq_id for row in rows if row.seq_id in shown], 1)}
    rows = [replace(row, detail=numbers.get(row.seq_id)) for row in rows]
    traits = {one["seq_id"]: one for one in inputs.sequences.iter_rows(named=True) if one["seq_id"] in numbers}
    details = [explained.detail(row, traits.get(row.seq_id, {})) for row in rows if row.detail is not None]
    return Explorer(models, tuple(rows), wide.height, tuple(details), tuple(_notes(wide, rows, details, inputs)))


def _wide(inputs: Inputs) -> pl.DataFrame:
    models = list(inputs.predictions)
    wide = inputs.predictions[models[0]]
    for model in models[1:]:
        columns = [
            "seq_id",
            *(name.format(model) for name in ("score_{}", "rank_{}", "pred_{}_threshold", "p_value_{}")),
        ]
        wide = wide.join(inputs.predictions[model].select(columns), on="seq_id", how="left", maintain_order="left")
    return wide.sort(f"rank_{models[0]}", "seq_id", nulls_last=True)


def _chosen(wide: pl.DataFrame, model: str, inputs: Inputs) -> pl.DataFrame:
    """The first rows by rank, then the false positives and misses among the rest."""
    options = inputs.options
    first, rest = wide[: options.report_rows], wide[options.report_rows :]
    flagged, anomaly = pl.col(f"pred_{model}_threshold"), pl.col("anomaly")
    wrong = [rest.filter(flagged & ~anomaly), rest.filter(~flagged & anomaly)]
    return pl.concat([first, *(frame[: options.report_mistakes] for frame in wrong)]).sort(
        f"rank_{model}", "seq_id", nulls_last=True
    )


def _row(values: dict[str, Any], models: tuple[str, ...]) -> Row:
    ratings = tuple(
        Rating(values[f"rank_{m}"], values[f"score_{m}"], values[f"p_value_{m}"], values[f"pred_{m}_threshold"])
        for m in models
    )
    run, case, service, split = (values[name] or "" for name in ("run", "test_case", "service", "split"))
    return Row(values["seq_id"], run, case, service, split, values["anomaly"], ratings)


class _Explained:
    """What the explain phase wrote, by detector and sequence."""

    def __init__(self, inputs: Inputs, models: tuple[str, ...]) -> None:
        self.inputs, self.models = inputs, models
        path = inputs.home.path
        self.nearest = {m: by_sequence(table(path("nn_mapping", model=m))) for m in models}
        self.lines = {m: by_sequence(table(path("line_attribution", model=m))) for m in models}
        self.tokens = {m: by_sequence(_attributions(inputs, m)) for m in models}
        self.raw = bool(inputs.provenance.phases.get("explain", {}).get("options", {}).get("show_raw"))

    def __contains__(self, seq_id: str) -> bool:
        return any(seq_id in source[m] for source in (self.nearest, self.lines, self.tokens) for m in self.models)

    @property
    def detectors(self) -> int:
        """How many detectors were explained: their explanations share the page."""
        return sum(bool(self.lines[m] or self.tokens[m]) for m in self.models)

    def closely(self, seq_id: str) -> bool:
        """Whether the first detector's lines are at hand."""
        return seq_id in self.lines[self.models[0]]

    def detail(self, row: Row, traits: dict[str, Any]) -> Detail:
        """Detail view of ``row``."""
        facts = [Fact(label, f"{traits[key]:,.6g}") for key, label in _COUNTS.items() if traits.get(key) is not None]
        if traits.get("start_time") is not None:
            facts.append(Fact("start (UTC)", f"{traits['start_time']:%Y-%m-%d %H:%M:%S}"))
        found = [self._explanation(m, row, row.ratings[place]) for place, m in enumerate(self.models)]
        return Detail(row.detail or 0, row, tuple(facts), tuple(one for one in found if one is not None))

    def _explanation(self, model: str, row: Row, rating: Rating) -> Explanation | None:
        limit, seq_id = self.inputs.options.report_tokens, row.seq_id
        tokens = [(one["token"], float(one["contribution"])) for one in self.tokens[model].get(seq_id, [])]
        lines = [_line(one, raw=self.raw) for one in self.lines[model].get(seq_id, [])]
        nearest = self.nearest[model].get(seq_id, [])
        if not (tokens or lines or nearest):
            return None
        tokens.sort(key=lambda pair: (-abs(pair[1]), pair[0]))
        lines.sort(key=lambda line: -line.contribution)
        neighbour = _neighbour(nearest[0], limit=limit) if nearest else None
        threshold = self.inputs.threshold(model)
        return Explanation(model, threshold, rating, tuple(tokens[:limit]), tuple(lines[:limit]), neighbour)


def _neighbour(row: dict[str, Any], *, limit: int) -> Neighbour:
    if not row["normal_seq_id"]:
        return Neighbour("", None, row["missing"] or "no normal sequence to compare with", ())
    extra, missing = (differences(row[side] or "") for side in ("extra", "missing"))
    note = f"The order of events parts at {row['diverges_at']}." if row["diverges_at"] else ""
    return Neighbour(row["normal_seq_id"], number(row["similarity"]), note, (*extra[:limit], *missing[: limit // 2]))


def differences(listed: str) -> tuple[Difference, ...]:
    """What ``missing`` or ``extra`` of the neighbour table lists: texts with their rates, normal first.

    Examples
    --------
    >>> differences("a | b (0 -> 0.5) | c (0.1 -> 0)")
    (Difference(text='a | b', here=0.5, normal=0.0), Difference(text='c', here=0.0, normal=0.1))
    """
    found = _RATES.findall(listed)
    return tuple(Difference(text, number(here) or 0.0, number(normal) or 0.0) for text, normal, here in found)


def _line(row: dict[str, Any], *, raw: bool) -> Line:
    """Line of the attribution table; raw text, written on --show-raw alone, is masked before it goes into a page."""
    text, time = (row["text"] or row["template"] or "").strip(), (row["first_time"] or "").replace("T", " ")
    masked = mask(text, profile="tree") if raw else text
    return Line(
        masked, number(row["contribution"]) or 0.0, whole(row["count"]), time, row["file"] or "", whole(row["line"])
    )


def _attributions(inputs: Inputs, model: str) -> pl.DataFrame:
    path = inputs.home.path("attributions", model=model)
    return pl.read_parquet(path, columns=["seq_id", "token", "contribution"]) if path.is_file() else pl.DataFrame()


def _notes(wide: pl.DataFrame, rows: list[Row], details: list[Detail], inputs: Inputs) -> list[str]:
    lead, options, notes = next(iter(inputs.predictions)), inputs.options, []
    if len(rows) < wide.height:
        notes.append(
            f"This page holds {len(rows):,} of {wide.height:,} sequences: the first {options.report_rows:,} by rank of "
            f"{lead}, and up to {options.report_mistakes:,} more of its false positives and misses each."
        )
    if not details:
        return [*notes, "No explanations yet, so there are no detail views: run lo2 explain."]
    return [*notes, f"{len(details):,} sequences have a detail view: the first of those that lo2 explain covered."]
