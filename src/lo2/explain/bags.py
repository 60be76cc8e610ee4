"""Bags of explained rows as a model sees them: counts of held tokens, words, trigrams or n-grams of event order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.models.base import ORDER, Fitted
from lo2.models.matrix import NOVEL, token_matrix
from lo2.rows import rows_of_each, service_names
from lo2.sparse import column_means, csr_matrix, with_data

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_START = "<start>"
THEN = " > "
# Share of the reference rows of a service that hold a token for it to be expected there.
EXPECTED = 0.5


@dataclass(frozen=True)
class Bag:
    """Tokens of the explained rows and of the vocabulary.

    ``column`` is the matrix column of each of ``names``; ``counts`` (CSR, rows x tokens) is what the model counts,
    ``occurrences`` how often the token really occurs. ``baseline`` (services x tokens) is the mean count in reference
    sequences of a service, ``expected`` lists the tokens that most of them hold, and ``service`` is the row of both
    for each explained row. ``novel``: column 0 takes every
    token that the vocabulary does not know. ``events`` are the templates that a token of the order consists of.
    """

    names: list[str]
    column: Ints
    counts: Any
    occurrences: Any
    baseline: Floats
    expected: list[Ints]
    service: Ints
    novel: bool = False
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_sequences(
        cls, fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame, texts: Mapping[str, str]
    ) -> "Bag":
        """Bag of ``sequences`` as the matrix of ``fitted`` sees it; without tokens for a numeric model."""
        if fitted.vectorizer is None:
            nothing, nowhere = csr_matrix((sequences.height, 0)), np.zeros(sequences.height, np.int64)
            return cls([], nowhere[:0], nothing, nothing, np.zeros((1, 0)), [nowhere[:0]], nowhere)
        make = _event_order_bag if fitted.spec.column == ORDER else _explained_token_bag
        names, column, held, real, seen, events = make(fitted, sequences, reference, texts)
        services = service_names(reference).to_numpy(), service_names(sequences).to_numpy()
        baseline, service = mean_service_bag(seen, *services)
        share, _ = mean_service_bag(with_data(seen, (seen.data != 0).astype(np.float64)), *services)
        expected = [np.flatnonzero(row >= EXPECTED) for row in share]
        novel = fitted.spec.column == ORDER or isinstance(fitted.vectorizer.vocabulary_, Counter)
        return cls(names, column, held, real, baseline, expected, service, novel, events)


_Parts = tuple[list[str], Ints, Any, Any, Any, dict[str, tuple[str, ...]]]


def _explained_token_bag(
    fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame, texts: Mapping[str, str]
) -> _Parts:
    column, known = fitted.spec.reads(sequences), fitted.vectorizer.vocabulary_
    own = tokens_in_bags(sequences[column]) if isinstance(known, Counter) else set()
    names = sorted((own | set(known)) - {NOVEL})
    index = {name: place for place, name in enumerate(names)}
    counts = fitted.spec.counts
    held, seen = (bag_count_matrix(frame, column, index, weighted=counts) for frame in (sequences, reference))
    places = np.fromiter((known.get(name, 0) for name in names), np.int64, len(names))
    return names, places, held, bag_count_matrix(sequences, column, index), seen, {}


def tokens_in_bags(lists: pl.Series) -> set[str]:
    """Distinct tokens of all rows."""
    return set(lists.filter(lists.list.len() > 0).explode().unique())


def bag_count_matrix(frame: pl.DataFrame, column: str, index: Mapping[str, int], *, weighted: bool = True) -> Any:
    """CSR (float64) of how often each row holds the tokens of ``index``; of presence without counts."""
    weights = frame[f"{column}_count"] if weighted and f"{column}_count" in frame.columns else None
    return csr_matrix(token_matrix(frame[column], index, counts=weights), dtype=np.float64)


def bag_token_totals(frame: pl.DataFrame, column: str) -> Floats:
    """How many tokens each row holds, repeated ones included where counts are there."""
    name = f"{column}_count"
    totals = frame[name].list.sum() if name in frame.columns else frame[column].list.len()
    return totals.fill_null(0).cast(pl.Float64).to_numpy()


def _event_order_bag(
    fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame, texts: Mapping[str, str]
) -> _Parts:
    n = fitted.vectorizer.n
    events = [row.to_numpy().astype(np.int64) for frame in (sequences, reference) for row in frame[ORDER].fill_null([])]
    known = np.unique(np.concatenate([np.empty(0, np.int64), *events]))
    base = known.size + 1
    found = [
        np.unique(_event_order_ngrams(np.searchsorted(known, row) + 1, n, base), return_counts=True) for row in events
    ]
    grams = np.unique(np.concatenate([np.empty(0, np.int64), *(row for row, _ in found)]))
    digits = [[int(gram) // base**k % base for k in reversed(range(n))] for gram in grams]
    plain = [_START, *map(str, known.tolist())]
    ids = [_START, *(f"{event:08x}" for event in known.tolist())]
    shown = [" ".join(texts.get(one, one).split()) for one in ids]
    names = [THEN.join(shown[d] for d in row) for row in digits]
    columns = {name: place for place, name in enumerate(fitted.vectorizer.names())}
    places = np.array([columns.get(THEN.join(plain[d] for d in row), 0) for row in digits], np.int64)
    rows = np.repeat(np.arange(len(found)), [row.size for row, _ in found])
    cells = np.concatenate([np.empty(0, np.int64), *(np.searchsorted(grams, row) for row, _ in found)])
    data = np.concatenate([np.empty(0), *(counts.astype(np.float64) for _, counts in found)])
    counts = csr_matrix((data, (rows, cells)), shape=(len(found), grams.size))
    held = counts[: sequences.height]
    made_of = {name: tuple(ids[d] for d in row if d) for name, row in zip(names, digits, strict=True)}
    return names, places, held, held, counts[sequences.height :], made_of


def _event_order_ngrams(codes: Ints, n: int, base: int) -> Ints:
    """The n-gram that each event ends, as one number; 0 stands before the first event."""
    padded = np.concatenate([np.zeros(n - 1, np.int64), codes])
    grams = np.zeros(codes.size, np.int64)
    for k in range(n):
        grams = grams * base + padded[k : k + codes.size]
    return grams


def mean_service_bag(counts: Any, known: NDArray[np.object_], asked: NDArray[np.object_]) -> tuple[Floats, Ints]:
    """Mean row of each service, then of all rows; and for each asked service the row that is its own, or the last."""
    means = {name: column_means(counts[own]) for name, own in rows_of_each(known)}
    pooled = column_means(counts) if counts.shape[0] else np.zeros(counts.shape[1])
    place = {name: i for i, name in enumerate(means)}
    return np.stack([*means.values(), pooled]), np.array([place.get(name, len(means)) for name in asked], np.int64)
