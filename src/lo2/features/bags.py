"""Bags of tokens per sequence: keys and counts, by algebra on a table of messages and the tokens that each holds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.kernel import Arrays, Kernel, kernel

_CELLS = 2_000_000
_DENSE = 4
_KEPT = 2_000_000
_BATCH = 1_000


@dataclass(frozen=True)
class Occurrences:
    """Which messages each sequence holds, in order of first appearance, and how often (a CSR by rows)."""

    starts: NDArray[np.int64]
    messages: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def from_message_numbers(cls, sequences: Sequence[NDArray[np.uint32]]) -> "Occurrences":
        """From the message numbers of each sequence's lines, in order."""
        if (compiled := kernel()) is not None:
            width = max((int(lines.max(initial=0)) for lines in sequences), default=0) + 1
            ids, counts, ends = _bag_count_arrays(
                compiled.count([np.ascontiguousarray(lines) for lines in sequences], width)
            )
            return cls(np.concatenate([[0], ends]), ids.astype(np.int64), counts)
        found = [_count_bag_keys(lines) for lines in sequences]
        sizes = [len(ids) for ids, _ in found]
        empty = np.empty(0, np.int64)
        return cls(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([empty, *(ids for ids, _ in found)]),
            np.concatenate([empty, *(counts for _, counts in found)]),
        )


def _bag_count_arrays(found: Arrays) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    keys, sums, ends = found
    return np.frombuffer(keys, np.uint32), np.frombuffer(sums, np.int64), np.frombuffer(ends, np.int64)


def _count_bag_keys(
    keys: NDArray[Any], amounts: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct keys in order of first appearance, and how often each occurs, or what its ``amounts`` add up to."""
    size = int(keys.max(initial=0)) + 1
    if size > _DENSE * keys.size:
        found, seen, inverse = np.unique(keys, return_index=True, return_inverse=True)
        order = np.argsort(seen)
        return found[order].astype(np.int64), np.bincount(inverse, amounts)[order].astype(np.int64)
    counts, first = np.zeros(size, np.int64), np.full(size, keys.size)
    for start in range(0, keys.size, _CELLS):
        part = keys[start : start + _CELLS]
        weights = None if amounts is None else amounts[start : start + _CELLS]
        counts += np.bincount(part, weights, minlength=size).astype(np.int64)
        place = np.full(size, keys.size)
        place[part[::-1]] = np.arange(start + part.size - 1, start - 1, -1)
        first = np.minimum(first, place)
    ids = np.flatnonzero(first < keys.size)
    ids = ids[np.argsort(first[ids])]
    return ids, counts[ids]


def bags(occurrences: Occurrences, texts: Sequence[str], tokens: Callable[[str], list[str]]) -> pl.DataFrame:
    """Distinct tokens of every sequence in order of first appearance, and how often each occurs.

    Parameters
    ----------
    occurrences : Occurrences
        Rows are sequences, columns messages.
    texts : sequence of str
        Masked messages by number.
    tokens : callable
        Tokens of one message, in order, repeated as they occur.

    Returns
    -------
    polars.DataFrame
        ``tokens`` (List[String]) and ``counts`` (List[UInt32]), one row per sequence.

    Examples
    --------
    >>> lines = [np.array([1, 0, 1], np.uint32)]
    >>> bags(Occurrences.from_message_numbers(lines), ["up", "down up up"], str.split).rows()
    [(['down', 'up'], [2, 5])]
    """
    known = _known_message_tokens(tokens)
    used = np.flatnonzero(np.bincount(occurrences.messages))
    lengths, ids, times = known.token_bags([texts[message] for message in used.tolist()])
    sizes = np.zeros(int(used[-1]) + 2 if used.size else 1, np.int64)
    sizes[used + 1] = lengths
    table = _Table(np.cumsum(sizes), ids, times)
    names = known.token_names()
    compiled = kernel()
    parts = [pl.DataFrame(schema={"tokens": pl.List(pl.String), "counts": pl.List(pl.UInt32)})]
    for first, last in _bounded_bag_batches(occurrences, sizes):
        ids, amounts, cuts = _expand_message_bags(occurrences, table, first, last, compiled, len(names))
        lengths = np.diff(cuts, prepend=0, append=len(ids))
        counts = bag_list_series(pl.Series(amounts).cast(pl.UInt32), lengths)
        parts.append(pl.DataFrame({"tokens": bag_list_series(names.gather(ids), lengths), "counts": counts}))
    return pl.concat(parts)


def bag_list_series(flat: pl.Series, sizes: NDArray[np.int64]) -> pl.Series:
    """Series of lists: ``flat`` in pieces of these sizes, without a Python object for each.

    Examples
    --------
    >>> bag_list_series(pl.Series(["a", "b", "c"]), np.array([2, 0, 1])).to_list()
    [['a', 'b'], [], ['c']]
    """
    rows = pl.Series("row", np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)).set_sorted()
    frame = pl.DataFrame([rows, flat.alias("item")])
    found = frame.group_by("row", maintain_order=True).agg("item")
    if found.height < len(sizes):  # empty lists make no group
        every = pl.DataFrame({"row": np.arange(len(sizes), dtype=np.uint32)})
        found = every.join(found, on="row", how="left", maintain_order="left")
        found = found.with_columns(pl.col("item").fill_null(pl.lit([], pl.List(flat.dtype))))
    return found["item"]


class _KnownTokens:
    """Tokens of the messages that were met lately, as numbers: runs repeat each other's messages."""

    def __init__(self, tokens: Callable[[str], list[str]]) -> None:
        self.vocabulary: dict[str, int] = defaultdict(count().__next__)  # numbered as they appear
        self._tokens = tokens
        self._numbers: dict[str, int] = {}
        self._starts, self._ids, self._times = np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
        self._names = pl.Series([], dtype=pl.String)
        self._held = 0

    def token_names(self) -> pl.Series:
        """The tokens by number."""
        fresh = list(islice(self.vocabulary, len(self._names), None))
        if fresh:
            self._names = pl.concat([self._names, pl.Series(fresh, dtype=pl.String)], rechunk=True)
        return self._names

    def token_bags(self, messages: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """How many distinct tokens each message has; these in order, and how often each occurs, of all messages."""
        fresh = [message for message in messages if message not in self._numbers]
        for start in range(0, len(fresh), _BATCH):
            self._learn_message_tokens(fresh[start : start + _BATCH])
        rows = np.fromiter(map(self._numbers.__getitem__, messages), np.int64, len(messages))
        starts, sizes = self._starts[rows], self._starts[rows + 1] - self._starts[rows]
        cells = np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
        return sizes, self._ids[cells], self._times[cells]

    def _learn_message_tokens(self, messages: Sequence[str]) -> None:
        tokens = [self._tokens(message) for message in messages]
        sizes = np.fromiter(map(len, tokens), np.int64, len(tokens))
        numbers = np.fromiter(map(self.vocabulary.__getitem__, chain.from_iterable(tokens)), np.int64, sizes.sum())
        rows = np.repeat(np.arange(len(tokens)), sizes)
        ids, counts, cuts = _counted_bag_tokens(rows, numbers, None, len(tokens))
        self._numbers.update(zip(messages, count(len(self._numbers))))
        ends = np.append(cuts, len(ids)) + len(self._ids)
        self._starts = np.concatenate([self._starts, ends])
        self._ids, self._times = np.concatenate([self._ids, ids]), np.concatenate([self._times, counts])
        self._held += sum(map(len, messages)) + len(ids)

    @property
    def must_forget_tokens(self) -> bool:
        """Whether it is time to forget."""
        return self._held > _KEPT


_KNOWN: dict[Callable[[str], list[str]], _KnownTokens] = {}


def _known_message_tokens(tokens: Callable[[str], list[str]]) -> _KnownTokens:
    known = _KNOWN.get(tokens)
    if known is None or known.must_forget_tokens:
        known = _KNOWN[tokens] = _KnownTokens(tokens)
    return known


@dataclass(frozen=True)
class _Table:
    """Tokens of each message (a CSR): distinct, in order, with multiplicity."""

    starts: NDArray[np.int64]
    ids: NDArray[np.int64]
    times: NDArray[np.int64]


def _bounded_bag_batches(occurrences: Occurrences, sizes: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of sequences whose expanded bags stay below a bounded number of cells."""
    cells = np.concatenate([[0], np.cumsum(sizes[occurrences.messages + 1])])[occurrences.starts]
    ranges, first, n = [], 0, len(cells) - 1
    while first < n:
        last = int(np.searchsorted(cells, cells[first] + _CELLS, side="right")) - 1
        last = min(max(last, first + 1), n)
        ranges.append((first, last))
        first = last
    return ranges


def _expand_message_bags(
    occurrences: Occurrences, table: _Table, first: int, last: int, compiled: Kernel | None, width: int
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Token numbers and counts of a range of sequences, one after the other, and where each but the first begins."""
    if compiled is not None:
        part = (occurrences.starts[first : last + 1], occurrences.messages, occurrences.counts)
        ids, sums, ends = _bag_count_arrays(compiled.expand(*part, table.starts, table.ids, table.times, width))
        return ids, sums, ends[:-1]
    lo, hi = occurrences.starts[first], occurrences.starts[last]
    messages, weights = occurrences.messages[lo:hi], occurrences.counts[lo:hi]
    rows = np.repeat(np.arange(last - first), np.diff(occurrences.starts[first : last + 1]))
    lengths = table.starts[messages + 1] - table.starts[messages]
    offsets = np.cumsum(lengths) - lengths
    cells = np.arange(lengths.sum()) + np.repeat(table.starts[messages] - offsets, lengths)
    amounts = np.repeat(weights, lengths) * table.times[cells]
    return _counted_bag_tokens(np.repeat(rows, lengths), table.ids[cells], amounts, last - first)


def _counted_bag_tokens(
    rows: NDArray[np.int64], ids: NDArray[np.int64], amounts: NDArray[np.int64] | None, n_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct ids of each row in order of first appearance, their sums, and where each row but the first begins."""
    width = int(ids.max(initial=0)) + 1
    keys, counts = _count_bag_keys(rows * width + ids, amounts)
    return keys % width, counts, np.searchsorted(keys // width, np.arange(1, n_rows))
