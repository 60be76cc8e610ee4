"""Lines attributed: tokens' contributions, surplus and rarity carried to the log lines and events that hold them."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.canonical import canonical_line
from lo2.explain.bags import bag_count_matrix, bag_token_totals, mean_service_bag, tokens_in_bags
from lo2.features import FEATURES
from lo2.features.templates import template_id
from lo2.loading.formats.startup import is_startup
from lo2.rows import service_names
from lo2.sparse import row_numbers, with_data

SCHEMA: dict[str, pl.DataType] = {
    "seq_id": pl.String(), "template": pl.String(), "contribution": pl.Float64(), "count": pl.UInt32(),
    "first_time": pl.Datetime("ms"), "file": pl.String(), "line": pl.UInt32(), "text": pl.String(),
    "novel": pl.UInt32(),
}  # fmt: skip
WITH_RAW = {**SCHEMA, "raw": pl.String()}
BELOW = " ↳ "
NO_EVENTS = "the raw lines are not at hand: masked templates without file and line, continuation lines left out"


@dataclass
class DistinctLine:
    """A distinct masked physical line of one sequence: how often it occurs, and where first.

    ``below`` holds the distinct continuation lines of its events, in order of first appearance.
    """

    masked: str
    count: int
    first_time: datetime | None = None
    file: str | None = None
    line: int | None = None
    raw: str | None = None
    below: dict[str, None] = field(default_factory=dict)


def tokens_of(column: str) -> Callable[[str], list[str]] | None:
    """How a masked line gives the tokens of ``column``; None where its tokens do not come from lines."""
    return next((feature.tokens for feature in FEATURES.values() if feature.column == column), None)


def lines_of_events(events: pl.DataFrame, *, keep_startup: bool = False) -> list[DistinctLine]:
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
    found: dict[str, DistinctLine] = {}
    for row in first.iter_rows(named=True):
        head = ""
        for offset, masked, raw in _event_lines(row["e_message_masked"], row["m_message"] or ""):
            hidden = row["startup"] if offset == 0 and not masked.startswith("\n") else is_startup(masked)
            if hidden and not keep_startup:
                continue
            number = row["line"] + offset
            line = found.setdefault(
                masked, DistinctLine(masked, 0, row["m_timestamp"], row["file"], number, raw or None)
            )
            line.count += row["count"]
            head = head if masked.startswith("\n") else masked
            if head in found and masked != head:
                found[head].below[masked] = None
    return list(found.values())


def _event_lines(masked: str, raw: str) -> Iterator[tuple[int, str, str]]:
    """(offset, masked line, raw line) of an event; continuation lines keep the line feed in front, as in the bags."""
    first, *rest = masked.split("\n")
    raw_first, *raw_rest = raw.split("\n")
    if first or not rest:
        yield 0, first, raw_first
    shift = 1 if first or not rest else 0
    raws = raw_rest if len(raw_rest) == len(rest) else [""] * len(rest)
    for offset, (line, text) in enumerate(zip(rest, raws, strict=True), start=shift):
        yield offset, f"\n{line}", text


def lines_of_templates(sequence: Mapping[str, Any], texts: Mapping[str, str]) -> list[DistinctLine]:
    """Distinct masked lines of a sequence from its templates and their texts; no place, no continuation lines."""
    names = sequence.get("e_event_drain_id") or []
    counts = sequence.get("e_event_drain_id_count") or [1] * len(names)
    return [DistinctLine(texts[name], n) for name, n in zip(names, counts, strict=True) if name in texts]


def token_surplus(sequences: pl.DataFrame, reference: pl.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """By ``seq_id`` and token: the share of its occurrences beyond the baseline, from 0 to 1; -1 where it is rarer.

    The baseline is the mean rate in ``reference`` rows of the same service, times the tokens of this row; within two
    standard deviations of a Poisson count above it lies chance.

    Examples
    --------
    >>> columns = {"seq_id": ["n", "a"], "e_words": [["up"], ["up", "ERR1"]], "e_words_count": [[9], [9, 3]]}
    >>> frame = pl.DataFrame(columns)
    >>> token_surplus(frame.tail(1), frame.head(1), "e_words")
    {'a': {'ERR1': 1.0, 'up': -1.0}}
    """
    found: dict[str, dict[str, float]] = {seq_id: {} for seq_id in sequences["seq_id"]}
    names = sorted(tokens_in_bags(sequences[column]))
    if not names:
        return found
    index = {name: i for i, name in enumerate(names)}
    here, there = (bag_count_matrix(frame, column, index) for frame in (sequences, reference))
    known, totals = (np.maximum(bag_token_totals(frame, column), 1) for frame in (reference, sequences))
    rates = with_data(there, (1 / known)[row_numbers(there)] * there.data)
    baseline, service = mean_service_bag(rates, *(service_names(f).to_numpy() for f in (reference, sequences)))
    rows = row_numbers(here)
    expected = baseline[service[rows], here.indices] * totals[rows]
    share = np.clip(1 - (expected + 2 * np.sqrt(expected)) / here.data, 0, 1)
    share[here.data < expected] = -1.0
    return _line_values_by_token(found, sequences, names, here, share)


def token_rarity(sequences: pl.DataFrame, reference: pl.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """By ``seq_id`` and token: how rare it is among the ``reference`` rows of the service, 1 where nowhere.

    ``log((n + 1) / (df + 1)) / log(n + 1)`` for a token that ``df`` of ``n`` rows hold; half of it where the service
    lacks the token and others do not: it is new here, not new.

    Examples
    --------
    >>> columns = {"seq_id": ["n", "a"], "e_words": [["up"], ["up", "ERR1"]]}
    >>> frame = pl.DataFrame(columns)
    >>> token_rarity(frame.tail(1), frame.head(1), "e_words")
    {'a': {'ERR1': 1.0, 'up': 0.0}}
    """
    found: dict[str, dict[str, float]] = {seq_id: {} for seq_id in sequences["seq_id"]}
    names = sorted(tokens_in_bags(sequences[column]))
    if not names:
        return found
    index = {name: i for i, name in enumerate(names)}
    here, there = (bag_count_matrix(frame, column, index) for frame in (sequences, reference))
    presence = with_data(there, (there.data > 0).astype(np.float64))
    share, service = mean_service_bag(presence, *(service_names(f).to_numpy() for f in (reference, sequences)))
    known = Counter(service_names(reference).to_list())
    sizes = np.array([known[name] or reference.height for name in service_names(sequences).to_list()])
    rows = row_numbers(here)
    n, own = sizes[rows], share[service[rows], here.indices]
    rare = 1 - np.log1p(own * n) / np.log1p(n)
    elsewhere = (own == 0) & (share[-1, here.indices] > 0)
    return _line_values_by_token(found, sequences, names, here, np.clip(np.where(elsewhere, rare / 2, rare), 0, 1))


def _line_values_by_token(
    found: dict[str, dict[str, float]],
    sequences: pl.DataFrame,
    names: list[str],
    cells: Any,
    values: NDArray[np.float64],
) -> dict[str, dict[str, float]]:
    ids = sequences["seq_id"].to_list()
    for row, token, value in zip(row_numbers(cells).tolist(), cells.indices.tolist(), values.tolist(), strict=True):
        found[ids[row]][names[token]] = value
    return found


def attribute_lines(
    seq_id: str,
    contributions: Mapping[str, float],
    lines: list[DistinctLine],
    tokens: Callable[[str], list[str]],
    more: Mapping[str, float],
    rare: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Contribution of each distinct line, from those of its tokens.

    What makes the sequence more anomalous is put on the occurrences of the token in lines that are more frequent than
    baseline, by how much they are: a line goes as far beyond it as the token of it that goes farthest. Where no
    line does, and for what makes the sequence more normal, all occurrences of the token share alike. A token that is
    rarer than the baseline and makes the sequence more anomalous by that stands in no line.

    Parameters
    ----------
    contributions : mapping of token to float
        Attributions of this sequence.
    lines : list of Line
        Its distinct lines.
    tokens : callable
        Tokens of one masked line, see :func:`tokens_of`.
    more : mapping of token to float
        Share of the token's occurrences beyond the baseline, -1 where it is rarer, see :func:`token_surplus`.
    rare : mapping of token to float, optional
        How rare the token is in normal sequences, see :func:`token_rarity`.

    Returns
    -------
    DataFrame
        ``SCHEMA``: with ``rare`` the strangest lines first (rarity of their tokens times surplus), also those that
        carry nothing; without it what goes beyond the baseline and makes the sequence more anomalous. Then the rest,
        each from the highest contribution down; lines without one are left out. ``text`` is masked; ``raw`` next to it
        is the first occurrence as it stands in the log, secrets included, and null where the log is not at hand.

    Examples
    --------
    >>> lines = [DistinctLine("a ERR1", 3), DistinctLine("b ERR1", 1), DistinctLine("a up", 5)]
    >>> rows = attribute_lines("s", {"ERR1": 2.0, "a": 0.5, "up": 3.0}, lines, str.split, {"ERR1": 1.0})
    >>> rows.select("text", "contribution").rows()
    [('a ERR1', 2.0), ('b ERR1', 0.5), ('a up', 3.0)]
    """
    bags = [Counter(token for token in tokens(line.masked) if token in contributions) for line in lines]
    beyond = [_line_surplus(line.masked, tokens, more) for line in lines]
    held: dict[str, list[tuple[int, float]]] = {}
    for i, (line, bag) in enumerate(zip(lines, bags, strict=True)):
        for token, n in bag.items():
            held.setdefault(token, []).append((i, float(n * line.count)))
    carried = [0.0] * len(lines)
    for token, places in sorted(held.items()):
        more_anomalous = contributions[token] > 0
        if more_anomalous and more.get(token, 0.0) < 0:
            continue
        weights = [n * beyond[i] for i, n in places] if more_anomalous else []
        if not sum(weights):
            weights = [n for _, n in places]
        total = sum(weights)
        for (i, _), weight in zip(places, weights, strict=True):
            carried[i] += contributions[token] * weight / total
    texts, inside = [line.masked for line in lines], [set(tokens(line.masked)) for line in lines]
    return _line_contribution_table(seq_id, lines, carried, beyond, texts, inside, more, rare)


def attribute_events(
    seq_id: str,
    contributions: Mapping[str, float],
    lines: list[DistinctLine],
    more: Mapping[str, float],
    rare: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Contribution of each distinct event, for models of their order, from contributions by template.

    Its ``text`` is the header line and, behind ``BELOW``, the continuation line that goes farthest beyond the baseline.

    Examples
    --------
    >>> line = DistinctLine("ERROR a b - failed", 2, below={"\\n at A": None, "\\nERR1": None})
    >>> attribute_events("s", {template_id(line.masked): 0.5}, [line], {"ERR1": 1.0})["text"].to_list()
    ['ERROR a b - failed ↳ ERR1']
    """
    words = FEATURES["words"].tokens
    texts = []
    for line in lines:
        farthest = max(line.below, key=lambda text: _line_surplus(text, words, more), default="")
        told = _line_surplus(farthest, words, more) > 0
        texts.append(f"{line.masked}{BELOW}{farthest.strip()}" if told else line.masked)
    carried = [contributions.get(template_id(line.masked), 0.0) for line in lines]
    inside = [{token for part in (line.masked, *line.below) for token in words(part)} for line in lines]
    return _line_contribution_table(seq_id, lines, carried, [0.0] * len(lines), texts, inside, more, rare)


def _line_strangeness(held: set[str], more: Mapping[str, float], rare: Mapping[str, float] | None) -> float:
    """Rarity times surplus of the tokens of a line, summed and set against the length of the line."""
    if rare is None or not held:
        return 0.0
    return sum(max(0.0, more.get(token, 0.0)) * rare.get(token, 0.0) for token in held) / math.sqrt(len(held))


def _line_surplus(text: str, tokens: Callable[[str], list[str]], more: Mapping[str, float]) -> float:
    return max((0.0, *(more.get(token, 0.0) for token in tokens(text))))


def _line_contribution_table(
    seq_id: str, lines: list[DistinctLine], carried: list[float], beyond: list[float], texts: list[str],
    held: list[set[str]], more: Mapping[str, float], rare: Mapping[str, float] | None,
) -> pl.DataFrame:  # fmt: skip
    strange = [_line_strangeness(tokens, more, rare) for tokens in held]

    def rank_lines(i: int) -> tuple[object, ...]:
        # Rounded for the order alone: equal sums may differ in their last bit.
        known = not (strange[i] or beyond[i] > 0 < carried[i])
        return (-round(strange[i], 9), known, -round(carried[i], 12), lines[i].line or 0, texts[i])

    order = sorted((i for i, part in enumerate(carried) if part or strange[i] > 0), key=rank_lines)
    rows = []
    for i in order:
        line = lines[i]
        place = (line.first_time, line.file, line.line)
        text = (canonical_line(texts[i].strip("\r\n")), line.raw)
        novel = sum((rare or {}).get(token) == 1 for token in held[i])
        rows.append((seq_id, template_id(line.masked), carried[i], line.count, *place, text[0], novel, text[1]))
    return pl.DataFrame(rows, schema=WITH_RAW, orient="row")
