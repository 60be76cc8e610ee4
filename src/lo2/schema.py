"""The schema of the tables that pass between phases: column, type, meaning; and the one check of them.

``EVENTS``, ``SEQUENCES`` and ``predictions_table`` are the columns of ``lo2_events.parquet``,
``lo2_sequences_enhanced.parquet`` and ``lo2_<model>_predictions.parquet``, in their order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from lo2.errors import SchemaError
from lo2.pool import is_pooled


@dataclass(frozen=True)
class Column:
    """Type and meaning of one column."""

    dtype: pl.DataType
    meaning: str


Table = Mapping[str, Column]

_STR, _BOOL, _U32, _F64 = pl.String(), pl.Boolean(), pl.UInt32(), pl.Float64()
_TIME, _SPAN = pl.Datetime("ms"), pl.Duration("ms")
_TOKENS, _COUNTS = pl.List(pl.String()), pl.List(pl.UInt32())


def _bag_columns(name: str, what: str, *, totals: bool = True) -> Table:
    """Columns of a feature: what a sequence holds, how often each, and their number and sum."""
    found = {
        name: Column(_TOKENS, f"{what}, in order of first appearance"),
        f"{name}_count": Column(_COUNTS, "how often each of them occurs"),
    }
    sums = {f"{name}_len": Column(_U32, "number of them"), f"{name}_total": Column(_U32, "sum of the counts")}
    return {**found, **sums} if totals else found


EVENTS: Table = {
    "seq_id": Column(_STR, "sequence the event belongs to: run__test_case__service"),
    "m_timestamp": Column(_TIME, "time of the event, UTC, with its real date where the run name tells it"),
    "thread": Column(_STR, "thread that wrote it"),
    "correlation_id": Column(_STR, "request it belongs to; null for lines outside a request"),
    "level": Column(_STR, "DEBUG, INFO, WARN, ERROR; null where the format has none"),
    "logger": Column(_STR, "logger name as printed"),
    "method": Column(_STR, "Java method"),
    "m_message": Column(_STR, "message with its continuation lines"),
    "e_message_masked": Column(_STR, "level, logger, method and message, ids replaced by <*>"),
    "e_event_drain_id": Column(_STR, "template of the event"),
    "startup": Column(_BOOL, "a start-up or lazy-config line, left out of the features"),
    "file": Column(_STR, "raw log, relative to the root"),
    "line": Column(_U32, "line number of the event's first physical line, from 1"),
}

IDENTITY: Table = {
    "seq_id": Column(_STR, "run__test_case__service"),
    "run": Column(_STR, "run folder"),
    "test_case": Column(_STR, "test case folder"),
    "service": Column(_STR, "service whose log it is"),
}

SEQUENCES: Table = {
    **IDENTITY,
    "normal": Column(_BOOL, "the test case is the normal one (`correct`)"),
    "anomaly": Column(_BOOL, "the negation of `normal`"),
    "start_time": Column(_TIME, "first event, UTC; null where the run name has no date"),
    "end_time": Column(_TIME, "last event, UTC; null where the run name has no date"),
    "duration": Column(_SPAN, "end minus start"),
    "duration_sec": Column(_F64, "the same in seconds"),
    "seq_len": Column(_U32, "events, start-up lines excluded"),
    "continuation_lines": Column(_U32, "physical lines without a header: stack frames, plain stdout text"),
    "startup_lines": Column(_U32, "start-up and lazy-config lines left out of the features"),
    "replaced_bytes": Column(_U32, "bytes that were not UTF-8 text, or NUL, each shown as U+FFFD"),
    "n_error": Column(_U32, "events of level ERROR (and FATAL, SEVERE)"),
    "n_warn": Column(_U32, "events of level WARN"),
    "n_exceptions": Column(_U32, "stack traces: groups of continuation lines with at least one frame"),
    **_bag_columns("e_words", "distinct tokens of the masked messages"),
    **_bag_columns("e_trigrams", "distinct character trigrams of the masked messages"),
    **_bag_columns("e_event_drain_id", "templates that occur", totals=False),
    "e_event_sequence": Column(_COUNTS, "template number of every event, in order"),
}

BASE_SEQUENCES: Table = {
    **{name: SEQUENCES[name] for name in (*IDENTITY, "normal", "anomaly", "start_time", "end_time", "duration")},
    "m_message": Column(_STR, "the messages of all events, joined by line feeds"),
}


def predictions_table(model: str) -> Table:
    """Columns of the predictions of ``model`` (``"if"`` for the forest), in order.

    Examples
    --------
    >>> list(predictions_table("if"))[6:9]
    ['score_if', 'rank_if', 'pred_ano']
    """
    return {
        **IDENTITY,
        "split": Column(_STR, "train, holdout, test or unused"),
        "anomaly": Column(_BOOL, "label; null where there is none"),
        f"score_{model}": Column(_F64, "anomaly score, higher is more anomalous"),
        f"rank_{model}": Column(_U32, "1 is the most anomalous row of the file, ties share a rank"),
        "pred_ano": Column(pl.UInt8(), "1 where the model's own predict() flags the row"),
        f"pred_{model}_threshold": Column(_BOOL, "score at or above the overall threshold"),
        f"p_value_{model}": Column(_F64, "conformal p-value within the service; null on train rows"),
        "oov_share": Column(_F64, "share of the row's distinct tokens that training never saw"),
        f"flagged_{model}": Column(_BOOL, "p-value at or below the level asked; null where too few normals could tell"),
    }


RUNS: Table = {
    "run": Column(_STR, "run folder"),
    "test_case": Column(_STR, "test case folder; null where there is none"),
    "score": Column(_F64, "fused p-values of its services, higher is more anomalous; null without any"),
    "p_value": Column(_F64, "rank of the score among those of left-out normal runs; null where there are none"),
    "n_services": Column(_U32, "services with a p-value"),
    "n_flagged": Column(_U32, "services that Benjamini and Hochberg flag at 0.05"),
    "earliest_service": Column(_STR, "service to look at first: not called a cause"),
    "earliest_time": Column(_TIME, "first odd line there; null before `lo2 explain`"),
    "earliest_file": Column(_STR, "its file"),
    "earliest_line": Column(_U32, "its line"),
}

TEMPLATES: Table = {
    "template_id": Column(_STR, "template of an event"),
    "text": Column(_STR, "its masked text"),
}


def schema_columns(table: str, *, model: str = "if") -> Table:
    """Columns of a table by the name that rows of ``ARTEFACTS`` give.

    Examples
    --------
    >>> list(schema_columns("predictions", model="lof"))[5:7]
    ['anomaly', 'score_lof']
    """
    if table == "predictions":
        return predictions_table(model)
    known = {"sequences": SEQUENCES, "base_sequences": BASE_SEQUENCES, "events": EVENTS, "runs": RUNS}
    return (known | {"templates": TEMPLATES})[table]


CODED: Mapping[str, pl.DataType] = {
    name: pl.List(pl.Categorical()) for name, column in SEQUENCES.items() if column.dtype == pl.List(pl.String())
}
"""Token columns as they are held in memory: four bytes a token instead of thirty."""


POOLED = tuple(name for column in CODED for name in (column, f"{column}_count"))
"""Columns that a table may hold once per distinct row, see ``lo2.pool``."""


def check_schema(
    frame: pl.DataFrame | pl.LazyFrame, table: Table, *, only: Iterable[str] | None = None, what: str
) -> None:
    """Raise unless ``frame`` has the columns of ``table`` (or ``only`` some of them) with their types.

    Raises
    ------
    SchemaError
        Naming the first column that is missing or of another type, with both types.

    Examples
    --------
    >>> check_schema(pl.DataFrame({"seq_id": [1]}), SEQUENCES, only=["seq_id"], what="a.parquet")
    Traceback (most recent call last):
    lo2.errors.SchemaError: a.parquet: column 'seq_id' is Int64, expected String (run__test_case__service)
    """
    found = frame.collect_schema()
    for name in table if only is None else only:
        column = table[name]
        if name not in found:
            raise SchemaError(
                f"{what}: column {name!r} ({column.dtype}: {column.meaning}) is missing. "
                f"Columns found: {', '.join(found) or 'none'}"
            )
        if found[name] not in (column.dtype, CODED.get(name)) and not is_pooled(found[name]):
            raise SchemaError(f"{what}: column {name!r} is {found[name]}, expected {column.dtype} ({column.meaning})")


def conform(found: pl.LazyFrame, table: Table, *, needed: Iterable[str], what: str) -> pl.LazyFrame:
    """A stranger's table with the columns of ``table`` that it has as ``table`` has them; its own ones stay.

    What loses nothing is taken: integers of any width and as whole floats (pandas makes them of a column with a gap),
    integers as names of runs, cases and services, times of any unit, dates, categories, and columns that hold nothing.

    Raises
    ------
    SchemaError
        Naming the first column that is needed and missing, or of another type, or a number that is no such integer.

    Examples
    --------
    >>> strangers = pl.LazyFrame({"seq_id": ["a"], "n_error": [3.0], "colour": ["red"]})
    >>> dict(conform(strangers, SEQUENCES, needed=["seq_id"], what="a.parquet").collect_schema())
    {'seq_id': String, 'n_error': UInt32, 'colour': String}
    """
    held = found.collect_schema()
    mine = {name: column.dtype for name, column in table.items() if name in held}
    changed = {
        name: dtype
        for name, dtype in mine.items()
        if held[name] not in (dtype, CODED.get(name))
        and (_loses_nothing(held[name], dtype) or (name in IDENTITY and name not in needed and held[name].is_integer()))
    }
    _check_integers(found, {name: table[name] for name in changed}, what=what)
    found = found.with_columns(_without_gaps(name, held[name]).cast(dtype) for name, dtype in changed.items())
    check_schema(found, table, only=[*needed, *mine], what=what)
    return found


def _check_integers(found: pl.LazyFrame, table: Table, *, what: str) -> None:
    """Raise if a number would be another one, or none, as the integer that ``table`` has."""
    held, odd = found.collect_schema(), {}
    for name, column in table.items():
        value, wanted = _without_gaps(name, held[name]), column.dtype
        if isinstance(wanted, pl.List) and isinstance(held[name], pl.List):
            value, wanted = value.explode(), wanted.inner  # type: ignore[assignment]
        if wanted.is_integer():
            odd[name] = value.filter(value.cast(wanted, strict=False).ne_missing(value)).first()
    if not odd:
        return
    for name, value in found.select(**odd).collect(engine="streaming").row(0, named=True).items():
        if value is not None:
            expected = f"{table[name].dtype} ({table[name].meaning})"
            raise SchemaError(f"{what}: column {name!r} is {held[name]} and holds {value}, expected {expected}")


def _without_gaps(name: str, found: pl.DataType) -> pl.Expr:
    return pl.col(name).fill_nan(None) if found.is_float() else pl.col(name)


def _loses_nothing(found: Any, wanted: Any) -> bool:
    """Whether the type alone, or ``_check_integers`` with it, tells that a cast keeps every value."""
    if isinstance(found, pl.List) and isinstance(wanted, pl.List):
        return found.inner == wanted.inner or _loses_nothing(found.inner, wanted.inner)
    return bool(
        found == pl.Null
        or ((found.is_integer() or found.is_float()) and wanted.is_integer())
        or (found.is_numeric() and wanted.is_float())
        or (found == pl.Date and isinstance(wanted, pl.Datetime))
        or any(isinstance(found, kind) and isinstance(wanted, kind) for kind in (pl.Datetime, pl.Duration))
        or (isinstance(found, pl.Categorical | pl.Enum) and wanted == pl.String)
    )
