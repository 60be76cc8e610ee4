"""ngram_events: how rare and how novel the n-grams, successions of events, are among normal sequences."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.errors import TooFewError
from lo2.models.base import ORDER, ModelSpec
from lo2.models.bases import BaseEstimator, TransformerMixin
from lo2.models.estimators import Summed
from lo2.models.matrix import csr_from_cells, flat_token_batches
from lo2.models.threshold import Floats
from lo2.sparse import stacked

Ints = NDArray[np.int64]
BATCH_ROWS = 1024
LISTS = pl.List(pl.Int64)


class EventGrams(TransformerMixin, BaseEstimator):
    """Event sequences to counts of their n-grams; column 0 counts those that training never saw.

    Every event ends one n-gram, the first ones beginning with a start symbol, so that a row sums to its length.

    Examples
    --------
    >>> grams = EventGrams(n=2).fit([[1, 2, 2]])
    >>> grams.names()
    ['<novel>', '<start> > 1', '1 > 2', '2 > 2']
    >>> grams.transform([[1, 2, 9], []]).toarray().tolist()
    [[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(self, n: int = 2) -> None:
        self.n = n

    def fit(self, sequences: Any, y: Any = None) -> Self:
        """Learn which n-grams occur; ``TooFewError`` for fewer than two distinct events."""
        series = pl.Series(sequences, dtype=LISTS)
        self.events_ = _sorted_distinct_ngrams(part for part, _, _ in flat_token_batches(series, size=BATCH_ROWS))
        if self.events_.size < 2:
            raise TooFewError(f"{len(series)} training rows hold {self.events_.size} distinct events: order takes 2")
        self.grams_ = _sorted_distinct_ngrams(pl.Series(codes) for codes, _ in self._event_ngram_codes(series))
        self.n_features_out_ = 1 + int(self.grams_.size)
        return self

    def transform(self, sequences: Any) -> Any:
        """CSR matrix (float32) of shape (n_sequences, n_features_out_)."""
        parts = []
        for codes, lengths in self._event_ngram_codes(pl.Series(sequences, dtype=LISTS)):
            indptr = np.concatenate([[0], np.cumsum(lengths)])
            parts.append(
                csr_from_cells(
                    np.ones(codes.size),
                    1 + _known_ngram_places(codes, self.grams_, missing=-1),
                    indptr,
                    self.n_features_out_,
                )
            )
        return stacked(parts)

    def names(self) -> list[str]:
        """What every column counts, its events joined by `` > ``."""
        labels = ["<start>", *map(str, self.events_.tolist()), "<novel>"]
        base, grams = len(labels), self.grams_.tolist()
        digits = [[gram // base**k % base for k in reversed(range(self.n))] for gram in grams]
        return ["<novel>", *(" > ".join(labels[d] for d in row) for row in digits)]

    def novel_share(self, sequences: pl.Series) -> Floats:
        """Share of each row's distinct n-grams that training never saw; 0 for a row without events."""
        shares = []
        for codes, lengths in self._event_ngram_codes(pl.Series(sequences, dtype=LISTS)):
            cells = pl.DataFrame({"row": np.repeat(np.arange(lengths.size), lengths), "gram": codes}).unique()
            novel = _known_ngram_places(cells["gram"].to_numpy(), self.grams_, missing=-1) < 0
            total = np.bincount(cells["row"], minlength=lengths.size)
            shares.append(np.bincount(cells["row"], novel, lengths.size) / np.maximum(total, 1))
        return np.concatenate(shares)

    def _event_ngram_codes(self, series: pl.Series) -> Iterator[tuple[Ints, Ints]]:
        """Per batch of rows: the n-gram each event ends as one number, and the row lengths."""
        # 0 is the start symbol, known events follow, and one more number stands for every other event.
        base = self.events_.size + 2
        for events, _, lengths in flat_token_batches(series, size=BATCH_ROWS):
            code = 1 + _known_ngram_places(events.to_numpy(), self.events_, missing=base - 2)
            place = np.arange(code.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            gram = code.copy()
            for back in range(1, self.n):
                gram += np.where(place >= back, np.roll(code, back), 0) * base**back
            yield gram, lengths


class RareOrder(Summed):
    """Mean over a sequence's events of -log of the share of the group's training rows that hold its n-gram.

    A mean per event, so that length, which varies ninefold in v2, hardly matters; 0 for a sequence without events.
    """

    def _estimator_cell_contributions(self, cells: Any, row: Any, weights: Floats) -> Floats:
        return np.asarray(cells.data * (weights / np.bincount(row, cells.data)[row]), np.float64)


def _known_ngram_places(values: Ints, known: Ints, *, missing: int) -> Ints:
    """Place of each value among the sorted ``known`` ones."""
    at = np.minimum(np.searchsorted(known, values), known.size - 1)
    return np.where(known[at] == values, at, missing).astype(np.int64)


def _sorted_distinct_ngrams(parts: Iterable[pl.Series]) -> Ints:
    """Sorted distinct values; Polars' ``unique``, for numpy's is a hundred times slower on codes like these."""
    return pl.concat([part.unique() for part in parts]).unique().sort().to_numpy()


MODELS = {
    "ngram_events": ModelSpec(
        name="ngram_events", column=ORDER, explains="sum", build=lambda seed: RareOrder(), grouped=True,
        vectorise=lambda series: EventGrams().fit(series),
        meaning="mean rarity of each succession of two events among the normal sequences of the service",
    ),
}  # fmt: skip
