"""Bags per sequence by algebra on the message dictionary: counts of messages times tokens of a message."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_CELLS = 2_000_000


@dataclass(frozen=True)
class Occurrences:
    """Which messages each sequence holds, in order of first appearance, and how often (a CSR by rows)."""

    starts: NDArray[np.int64]
    messages: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[NDArray[np.uint32]]) -> "Occurrences":
        """From the message numbers of each sequence's lines, in order."""
        found = [_first_seen(lines) for lines in sequences]
        sizes = [len(ids) for ids, _ in found]
        empty = np.empty(0, np.int64)
        return cls(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([empty, *(ids for ids, _ in found)]),
            np.concatenate([empty, *(counts for _, counts in found)]),
        )


def _first_seen(lines: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids, first, counts = np.unique(lines, return_index=True, return_counts=True)
    order = np.argsort(first)
    return ids[order].astype(np.int64), counts[order].astype(np.int64)


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
    >>> bags(Occurrences.of(lines), ["up", "down up up"], str.split).rows()
    [(['down', 'up'], [2, 5])]
    """
    vocabulary: dict[str, int] = {}
    used = np.unique(occurrences.messages)
    sizes = np.zeros(int(used[-1]) + 2 if used.size else 1, np.int64)
    ids: list[int] = []
    times: list[int] = []
    for message in used.tolist():
        bag = Counter(tokens(texts[message]))
        ids.extend(vocabulary.setdefault(token, len(vocabulary)) for token in bag)
        times.extend(bag.values())
        sizes[message + 1] = len(bag)
    table = _Table(np.cumsum(sizes), np.array(ids, np.int64), np.array(times, np.int64))
    names = pl.Series(list(vocabulary), dtype=pl.String)
    columns: list[tuple[list[list[str]], list[list[int]]]] = [
        _expand(occurrences, table, names, first, last) for first, last in _batches(occurrences, sizes)
    ]
    return pl.DataFrame(
        {
            "tokens": [row for block, _ in columns for row in block],
            "counts": [row for _, block in columns for row in block],
        },
        schema={"tokens": pl.List(pl.String), "counts": pl.List(pl.UInt32)},
    )


@dataclass(frozen=True)
class _Table:
    """Tokens of each message (a CSR): distinct, in order, with multiplicity."""

    starts: NDArray[np.int64]
    ids: NDArray[np.int64]
    times: NDArray[np.int64]


def _batches(occurrences: Occurrences, sizes: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of sequences whose expanded bags stay below a bounded number of cells."""
    cells = np.concatenate([[0], np.cumsum(sizes[occurrences.messages + 1])])[occurrences.starts]
    ranges, first, n = [], 0, len(cells) - 1
    while first < n:
        last = int(np.searchsorted(cells, cells[first] + _CELLS, side="right")) - 1
        last = min(max(last, first + 1), n)
        ranges.append((first, last))
        first = last
    return ranges


def _expand(
    occurrences: Occurrences, table: _Table, names: pl.Series, first: int, last: int
) -> tuple[list[list[str]], list[list[int]]]:
    lo, hi = occurrences.starts[first], occurrences.starts[last]
    messages, weights = occurrences.messages[lo:hi], occurrences.counts[lo:hi]
    rows = np.repeat(np.arange(last - first), np.diff(occurrences.starts[first : last + 1]))
    lengths = table.starts[messages + 1] - table.starts[messages]
    offsets = np.cumsum(lengths) - lengths
    cells = np.arange(lengths.sum()) + np.repeat(table.starts[messages] - offsets, lengths)
    width = max(1, len(names))
    keys = np.repeat(rows, lengths) * width + table.ids[cells]
    amounts = np.repeat(weights, lengths) * table.times[cells]
    distinct, seen, inverse = np.unique(keys, return_index=True, return_inverse=True)
    counts = np.bincount(inverse, weights=amounts, minlength=len(distinct)).astype(np.int64)
    order = np.argsort(seen)
    keys, counts = distinct[order], counts[order]
    cuts = np.searchsorted(keys // width, np.arange(1, last - first))
    tokens = names.gather(keys % width).to_numpy(allow_copy=True)
    return [part.tolist() for part in np.split(tokens, cuts)], [part.tolist() for part in np.split(counts, cuts)]
