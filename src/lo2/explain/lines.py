"""Contributions of tokens carried to the log lines that hold them, with file and line number."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from lo2.features import FEATURES
from lo2.features.templates import template_id
from lo2.loading.startup import is_startup

SCHEMA: dict[str, pl.DataType] = {
    "seq_id": pl.String(), "template": pl.String(), "contribution": pl.Float64(), "count": pl.UInt32(),
    "first_time": pl.Datetime("ms"), "file": pl.String(), "line": pl.UInt32(), "text": pl.String(),
}  # fmt: skip
WITH_RAW = {**SCHEMA, "raw": pl.String()}
NO_EVENTS = "the raw lines are not at hand: masked templates without file and line, continuation lines left out"


@dataclass
class Line:
    """A distinct masked physical line of one sequence: how often it occurs, and where first."""

    masked: str
    count: int
    first_time: datetime | None = None
    file: str | None = None
    line: int | None = None
    raw: str | None = None


def tokens_of(column: str) -> Callable[[str], list[str]] | None:
    """How a masked line gives the tokens of ``column``; None where its tokens do not come from lines."""
    return next((feature.tokens for feature in FEATURES.values() if feature.column == column), None)


def lines_of_events(events: pl.DataFrame, *, keep_startup: bool = False) -> list[Line]:
    """Distinct masked lines of one sequence from its events, in order of first appearance.

    Continuation lines are lines of their own, with their own physical line number; start-up lines, which the features
    leave out, are left out here too.
    """
    wanted = ["e_message_masked", "m_timestamp", "file", "line", "m_message", "startup"]
    first = (
        events.sort("line")
        .group_by("e_message_masked", maintain_order=True)
        .agg(pl.len().alias("count"), *(pl.col(name).first() for name in wanted[1:]))
    )
    found: dict[str, Line] = {}
    for row in first.iter_rows(named=True):
        for offset, masked, raw in _physical(row["e_message_masked"], row["m_message"] or ""):
            hidden = row["startup"] if offset == 0 and not masked.startswith("\n") else is_startup(masked)
            if hidden and not keep_startup:
                continue
            number = row["line"] + offset
            line = found.setdefault(masked, Line(masked, 0, row["m_timestamp"], row["file"], number, raw or None))
            line.count += row["count"]
    return list(found.values())


def _physical(masked: str, raw: str) -> Iterator[tuple[int, str, str]]:
    """(offset, masked line, raw line) of an event; continuation lines keep the line feed in front, as in the bags."""
    first, *rest = masked.split("\n")
    raw_first, *raw_rest = raw.split("\n")
    if first or not rest:
        yield 0, first, raw_first
    shift = 1 if first or not rest else 0
    raws = raw_rest if len(raw_rest) == len(rest) else [""] * len(rest)
    for offset, (line, text) in enumerate(zip(rest, raws, strict=True), start=shift):
        yield offset, f"\n{line}", text


def lines_of_templates(sequence: Mapping[str, Any], texts: Mapping[str, str]) -> list[Line]:
    """The same from the sequence's own templates and the table of their texts; no place, no continuation lines."""
    names = sequence.get("e_event_drain_id") or []
    counts = sequence.get("e_event_drain_id_count") or [1] * len(names)
    return [Line(texts[name], n) for name, n in zip(names, counts, strict=True) if name in texts]


def attribute_lines(
    seq_id: str,
    contributions: Mapping[str, float],
    lines: list[Line],
    tokens: Callable[[str], list[str]],
) -> pl.DataFrame:
    """Contribution of each distinct line: each occurrence of a token carries an equal part of the token's.

    Parameters
    ----------
    contributions : mapping of token to float
        Attributions of this sequence.
    lines : list of Line
        Its distinct lines.
    tokens : callable
        Tokens of one masked line, see :func:`tokens_of`.

    Returns
    -------
    DataFrame
        ``SCHEMA``, the highest contributions first, then the earliest line; lines without one are left out. ``text`` is
        masked; ``raw`` beside it is the first occurrence as it stands in the log, secrets included, and null where
        the log is not at hand.

    Examples
    --------
    >>> rows = attribute_lines("s", {"ERR1": 2.0}, [Line("a ERR1", 3), Line("b ERR1", 1)], str.split)
    >>> rows["contribution"].to_list()
    [1.5, 0.5]
    """
    bags = [Counter(token for token in tokens(line.masked) if token in contributions) for line in lines]
    totals: Counter[str] = Counter()
    for line, bag in zip(lines, bags, strict=True):
        totals.update({token: n * line.count for token, n in bag.items()})
    rows = []
    for line, bag in zip(lines, bags, strict=True):
        carried = sum(contributions[token] * n * line.count / totals[token] for token, n in sorted(bag.items()))
        if not carried:
            continue
        place = (line.first_time, line.file, line.line)
        text = (line.masked.strip("\r\n"), line.raw)
        rows.append((seq_id, template_id(line.masked), float(carried), line.count, *place, *text))
    frame = pl.DataFrame(rows, schema=WITH_RAW, orient="row")
    # Rounded for the order alone: equal sums may differ in their last bit.
    key = pl.col("contribution").round(12)
    return frame.sort(key, "line", "template", descending=[True, False, False], nulls_last=True)
