"""The reference next to a bundle, what stays of training normals: templates, counts, variables, normal sequences.

One table of several kinds of rows. Words at learnt positions are in none of them: texts, ids and words are those that
are left when ``<*>`` stands there, so that new logs are compared after the same merging.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from lo2 import schema
from lo2.artefacts.card import card_reference_path
from lo2.artefacts.files import sha256_bytes
from lo2.artefacts.json_yaml import DocumentError, parse_json, read_bounded_text
from lo2.errors import UntrustedBundleError
from lo2.features.templates import template_id
from lo2.features.variables import Variables
from lo2.models.learnt_words import LEARNT, TEMPLATES, WORDS
from lo2.pool import unpooled
from lo2.rows import evenly_spread_rows, identified_rows, rows_where

SHOWN_RUNS = 64
"""Training runs of a service whose counts are kept one by one; more are thinned evenly."""
NORMALS = 256
"""Distinct training normals that are kept of a service; more are thinned evenly."""
_LOOKED_AT = 4_096
_MOST_BYTES = 1 << 28
_MOST_ROWS = 1 << 22
_SLICE = 8_192

_STR, _U32, _F64 = pl.String(), pl.UInt32(), pl.Float64()
_COUNTS, _TOKENS = pl.List(pl.UInt32()), pl.List(pl.String())
SERVICES: dict[str, pl.DataType] = {
    "service": _STR, "runs": _U32, "sequences": _U32, "events": _COUNTS, "seconds": _F64, "formats": _TOKENS,
}  # fmt: skip
LINES: dict[str, pl.DataType] = {
    "service": _STR, "template_id": _STR, "text": _STR, "runs": _U32, "count": pl.UInt64(), "rate": _F64,
    "counts": _COUNTS,
}  # fmt: skip
SEQUENCES: dict[str, pl.DataType] = {
    "seq_id": _STR, "run": _STR, "service": _STR, WORDS: _TOKENS, f"{WORDS}_count": _COUNTS, TEMPLATES: _TOKENS,
    f"{TEMPLATES}_count": _COUNTS, "seq_len": _U32, "duration_sec": _F64,
}  # fmt: skip
_VARIABLES: dict[str, pl.DataType] = {"text": _STR, "positions": _COUNTS}
_KINDS = {"service": SERVICES, "template": LINES, "normal": SEQUENCES, "variable": _VARIABLES}
TABLE: dict[str, pl.DataType] = {"kind": _STR} | {n: kind for table in _KINDS.values() for n, kind in table.items()}


@dataclass(frozen=True)
class TrainingReference:
    """What new logs are compared with.

    ``services``: training runs, sequences, events per run, median seconds of a sequence, formats. ``templates``: per
    service and line in how many training runs it stands, how often, as a share of the service's events, and how often
    per run (``counts``, next to ``events``). ``normals``: training sequences. ``variables``: the learnt positions.
    """

    services: pl.DataFrame
    templates: pl.DataFrame
    normals: pl.DataFrame
    variables: Variables = field(default_factory=Variables)

    def merged(self, texts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """By template id of new logs: id and text as this reference has them."""
        return reference_templates(texts, self.variables)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All of it as one table, ``TABLE``."""
        learnt = pl.DataFrame(list(self.variables.templates), schema=_VARIABLES, orient="row")
        parts = (self.services, self.templates, self.normals, learnt)
        frames = [
            part.select(pl.lit(kind).alias("kind"), *(pl.col(name).cast(dtype) for name, dtype in columns.items()))
            for (kind, columns), part in zip(_KINDS.items(), parts, strict=True)
        ]
        return pl.concat(frames, how="diagonal").select(pl.col(name).cast(dtype) for name, dtype in TABLE.items())

    @cached_property
    def data(self) -> bytes:
        """The bytes of ``<stem>_reference.parquet``."""
        target = BytesIO()
        self.table.write_parquet(target, compression="zstd", compression_level=3, row_group_size=65_536)
        return target.getvalue()


def reference_templates(texts: Mapping[str, str], variables: Variables) -> dict[str, tuple[str, str]]:
    """Each template with ``<*>`` at learnt positions: by id, the id and the text that it has then.

    Examples
    --------
    >>> variables = Variables((("login of <*> failed", (4,)),))
    >>> one = reference_templates({"a": "login of kim failed", "b": "login of ada failed", "c": "up"}, variables)
    >>> one["a"] == one["b"], one["c"]
    (True, ('c', 'up'))
    """
    merged = zip(texts.items(), variables.merge_variables(texts.values()), strict=True)
    return {name: (name if text == old else template_id(text), text) for (name, old), text in merged}


def make_reference(
    sequences: pl.DataFrame,
    split: pl.Series,
    texts: Mapping[str, str] | None,
    variables: Variables,
    *,
    formats: Mapping[str, Iterable[str]] | None = None,
) -> TrainingReference:
    """Reference from the rows of ``sequences`` whose ``split`` is ``train``; what the table lacks stays empty."""
    rows = identified_rows(unpooled(rows_where(sequences, split == "train")).sort("seq_id"))
    order = _reference_runs_in_order(rows)
    known = reference_templates(texts or {}, variables)
    services = _reference_service_rows(rows, order, {name: list(found) for name, found in (formats or {}).items()})
    templates = (
        _reference_template_rows(rows, order, known)
        if _reference_counts_templates(rows)
        else pl.DataFrame(schema=LINES)
    )
    return TrainingReference(services, templates, _reference_normal_rows(rows, known), variables)


def formats_of_load(quality: Path) -> dict[str, list[str]]:
    """Formats of each service's logs, most frequent first, as ``lo2_quality.json`` of the last load has them."""
    try:
        understood = parse_json(read_bounded_text(quality)).get("understood")
    except DocumentError:
        understood = None
    return {row["service"]: list(row["formats"]) for row in understood or ()}


def reference_formats(reference: TrainingReference | None) -> dict[str, list[str]]:
    """Formats of each service's training logs; none without a reference."""
    return {} if reference is None else dict(reference.services.select("service", "formats").iter_rows())


def read_reference(bundle: Path, card: Mapping[str, Any]) -> TrainingReference | None:
    """The reference next to a bundle, checked against the bundle's card; None where either has none.

    Raises
    ------
    UntrustedBundleError
        If it is not the one of the card, or damaged.
    """
    path, expected = card_reference_path(bundle), card.get("reference_sha256")
    if expected is None or not path.is_file():
        return None
    if path.stat().st_size > _MOST_BYTES:
        raise UntrustedBundleError(f"{path} has more than {_MOST_BYTES:,} bytes. Get it again from where it came from")
    data = path.read_bytes()
    if sha256_bytes(data) != expected:
        raise UntrustedBundleError(
            f"{path} has sha256 {sha256_bytes(data)[:12]}..., its card says {str(expected)[:12]}... Get both again "
            "from where they came from, or train again"
        )
    try:
        return _parsed_reference(data)
    except (pl.exceptions.PolarsError, ValueError, TypeError, OSError) as error:
        raise UntrustedBundleError(f"{path} is no reference ({error!s:.200}). Train again") from error


def _parsed_reference(data: bytes) -> TrainingReference:
    if pl.scan_parquet(BytesIO(data)).select(pl.len()).collect().item() > _MOST_ROWS:
        raise ValueError(f"more than {_MOST_ROWS:,} rows")
    found = pl.read_parquet(BytesIO(data))
    schema.check_schema(found, {name: schema.Column(dtype, "") for name, dtype in TABLE.items()}, what="the table")
    parts = {kind: found.filter(pl.col("kind") == kind).select(list(table)) for kind, table in _KINDS.items()}
    learnt = parts["variable"]
    if learnt.null_count().sum_horizontal().item():
        raise ValueError("a variable has no text or no positions")
    variables = Variables(tuple((text, tuple(places)) for text, places in learnt.iter_rows()))
    return TrainingReference(
        parts["service"], parts["template"], _reference_with_learnt(parts["normal"], variables), variables
    )


def _reference_with_learnt(normals: pl.DataFrame, variables: Variables) -> pl.DataFrame:
    """Normals with the columns that models read; without counts that the table they are of had not."""
    counts = (f"{WORDS}_count", f"{TEMPLATES}_count")
    normals = normals.drop(name for name in counts if normals[name].null_count() == normals.height)
    if not variables.templates:
        return normals
    words = [name for name in (WORDS, f"{WORDS}_count") if name in normals.columns]
    return normals.with_columns(pl.col(name).alias(name.replace(WORDS, LEARNT)) for name in words)


def _reference_runs_in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """``service``, ``run`` and ``place``: the runs of each service by start, then name."""
    start = pl.col("start_time") if "start_time" in rows.columns else pl.lit(None, pl.Datetime("ms"))
    runs = rows.select("service", "run", start.alias("start")).group_by("service", "run").agg(pl.col("start").min())
    runs = runs.sort("service", "start", "run", nulls_last=True)
    return runs.select("service", "run", place=pl.int_range(pl.len()).over("service"))


def _reference_run_counts(counted: pl.DataFrame, keys: list[str], order: pl.DataFrame) -> pl.DataFrame:
    """``counted`` (keys, run, count) with the counts of each key over its service's runs as one list, zeros in."""
    sizes = dict(order.group_by("service").agg(pl.len()).iter_rows())
    kept = {
        service: {place: i for i, place in enumerate(evenly_spread_rows(n, SHOWN_RUNS).tolist())}
        for service, n in sizes.items()
    }
    lists: dict[tuple[Any, ...], list[int]] = {}
    placed = counted.join(order, on=["service", "run"], how="left").sort(*keys, "place")
    for *key, place, count in placed.select(*keys, "place", "count").iter_rows():
        own = lists.setdefault(tuple(key), [0] * len(kept[key[0]]))
        if place in kept[key[0]]:
            own[kept[key[0]][place]] += count
    columns = {name: [key[i] for key in lists] for i, name in enumerate(keys)}
    return pl.DataFrame(
        columns | {"counts": list(lists.values())}, schema=dict.fromkeys(keys, pl.String) | {"counts": _COUNTS}
    )


def _reference_service_rows(rows: pl.DataFrame, order: pl.DataFrame, formats: Mapping[str, list[str]]) -> pl.DataFrame:
    given = rows.columns
    length = pl.col("seq_len") if "seq_len" in given else pl.lit(0, _U32)
    seconds = pl.col("duration_sec") if "duration_sec" in given else pl.lit(None, _F64)
    one = rows.group_by("service", maintain_order=True).agg(
        pl.col("run").n_unique().alias("runs"), pl.len().alias("sequences"), seconds.median().alias("seconds")
    )
    events = _reference_run_counts(
        rows.group_by("service", "run").agg(length.cast(pl.Int64).sum().alias("count")), ["service"], order
    )
    found = one.join(events, on="service", how="left").with_columns(
        pl.col("counts").alias("events"),
        pl.Series("formats", [formats.get(name, []) for name in one["service"]], dtype=_TOKENS),
    )
    return found.select(pl.col(name).cast(dtype) for name, dtype in SERVICES.items()).sort("service")


def _reference_counts_templates(rows: pl.DataFrame) -> bool:
    return {TEMPLATES, f"{TEMPLATES}_count"} <= set(rows.columns)


def _reference_template_rows(
    rows: pl.DataFrame, order: pl.DataFrame, known: Mapping[str, tuple[str, str]]
) -> pl.DataFrame:
    parts = []
    for part in rows.select("service", "run", TEMPLATES, f"{TEMPLATES}_count").iter_slices(_SLICE):
        flat = part.filter(pl.col(TEMPLATES).list.len() > 0).explode(TEMPLATES, f"{TEMPLATES}_count")
        flat = flat.with_columns(
            _reference_template_names(flat[TEMPLATES], known), count=pl.col(f"{TEMPLATES}_count").cast(pl.Int64)
        )
        parts.append(flat.group_by("service", "run", "template_id").agg(pl.col("count").sum()))
    keys = ["service", "template_id"]
    counted = pl.concat(parts).group_by(*keys, "run").agg(pl.col("count").sum())
    sums = counted.group_by(keys).agg(
        pl.col("run").filter(pl.col("count") > 0).n_unique().alias("runs"), pl.col("count").sum()
    )
    texts = dict(known.values())
    found = sums.join(_reference_run_counts(counted, keys, order), on=keys, how="left").with_columns(
        pl.Series("text", [texts.get(name) for name in sums["template_id"]], dtype=pl.String),
        rate=pl.col("count") / pl.col("count").sum().over("service"),
    )
    return found.select(pl.col(name).cast(dtype) for name, dtype in LINES.items()).sort(keys)


def _reference_template_names(ids: pl.Series, known: Mapping[str, tuple[str, str]]) -> pl.Series:
    moved = {old: name for old, (name, _) in known.items() if old != name}
    return ids.cast(pl.String).replace(list(moved), list(moved.values())).alias("template_id")


def _reference_normal_rows(rows: pl.DataFrame, known: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """Training sequences that differ in their words, at most ``NORMALS`` of a service, evenly over their order."""
    words = LEARNT if LEARNT in rows.columns else WORDS
    counts = f"{words}_count"
    given = rows.with_columns(pl.lit(None, _COUNTS).alias(counts)) if counts not in rows.columns else rows
    some = _thinned_reference_rows(given, _LOOKED_AT)
    bag = [pl.col(words).cast(_TOKENS).list.join("\x1f"), pl.col(counts).cast(_TOKENS).list.join(",")]
    key = some.select(pl.concat_str(*(one.fill_null("") for one in bag), separator="\x1e").alias("key")).to_series()
    distinct = some.with_columns(key).unique(["service", "key"], keep="first", maintain_order=True).drop("key")
    chosen = _thinned_reference_rows(distinct, NORMALS).sort("seq_id")
    missing = [name for name in SEQUENCES if name not in chosen.columns and not name.startswith(WORDS)]
    chosen = chosen.with_columns(pl.lit(None, SEQUENCES[name]).alias(name) for name in missing)
    chosen = chosen.with_columns(pl.col(words).alias(WORDS), pl.col(counts).alias(f"{WORDS}_count"))
    chosen = chosen.select(pl.col(name).cast(dtype) for name, dtype in SEQUENCES.items())
    return chosen.with_columns(merge_template_lists(chosen, known)) if _reference_counts_templates(rows) else chosen


def _thinned_reference_rows(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many rows of each service."""
    place, n = pl.int_range(pl.len()).over("service"), pl.len().over("service")
    return rows.filter(place % ((n + most - 1) // most) == 0)


def merge_template_lists(rows: pl.DataFrame, known: Mapping[str, tuple[str, str]]) -> list[pl.Series]:
    """Template ids and counts of rows, several that became one as one."""
    ids, counts = [], []
    for names, times in rows.select(TEMPLATES, f"{TEMPLATES}_count").iter_rows():
        own: dict[str, int] = {}
        for name, n in zip(names or [], times or [], strict=False):
            merged = known.get(name, (name, ""))[0]
            own[merged] = own.get(merged, 0) + n
        ids.append(list(own))
        counts.append(list(own.values()))
    return [pl.Series(TEMPLATES, ids, dtype=_TOKENS), pl.Series(f"{TEMPLATES}_count", counts, dtype=_COUNTS)]
