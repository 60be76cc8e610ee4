"""ngram_events: how rare the successions of events are among normal sequences."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin

from lo2.errors import TooFewError
from lo2.models.base import ORDER, ModelSpec
from lo2.models.estimators import Detector, group_codes
from lo2.models.matrix import document_frequency
from lo2.models.threshold import Floats

Ints = NDArray[np.int64]
BATCH_ROWS = 1024


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
        """Learn which n-grams occur.

        Raises
        ------
        TooFewError
            If there are fewer than two distinct events.
        """
        series = _as_series(sequences)
        self.events_ = _distinct(np.concatenate([_distinct(events) for events, _ in _batches(series)]))
        if self.events_.size < 2:
            raise TooFewError(f"{len(series)} training rows hold {self.events_.size} distinct events: order takes 2")
        self.grams_ = _distinct(np.concatenate([_distinct(codes) for codes, _ in self._codes(series)]))
        self.n_features_out_ = 1 + int(self.grams_.size)
        return self

    def transform(self, sequences: Any) -> Any:
        """CSR matrix (float32) of shape (n_sequences, n_features_out_)."""
        parts = []
        for codes, lengths in self._codes(_as_series(sequences)):
            column = self._columns(codes).astype(np.int32)
            indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
            shape = (lengths.size, self.n_features_out_)
            part = sparse.csr_matrix((np.ones(column.size, np.float32), column, indptr), shape=shape)
            part.sum_duplicates()
            parts.append(part)
        return sparse.vstack(parts, format="csr", dtype=np.float32)

    def names(self) -> list[str]:
        """What every column counts, its events joined by `` > ``."""
        labels = ["<start>", *map(str, self.events()), "<novel>"]
        base, grams = len(labels), self.grams_.tolist()
        digits = [[gram // base**k % base for k in reversed(range(self.n))] for gram in grams]
        return ["<novel>", *(" > ".join(labels[d] for d in row) for row in digits)]

    def events(self) -> list[int]:
        """Events that training knows, sorted."""
        known: list[int] = self.events_.tolist()
        return known

    def novel_share(self, sequences: pl.Series) -> Floats:
        """Share of each row's distinct n-grams that training never saw; 0 for a row without events."""
        shares = []
        for codes, lengths in self._codes(_as_series(sequences)):
            row = np.repeat(np.arange(lengths.size), lengths)
            order = np.lexsort((codes, row))
            row, codes = row[order], codes[order]
            first = np.concatenate([[True], (row[1:] != row[:-1]) | (codes[1:] != codes[:-1])])[: row.size]
            total = np.bincount(row[first], minlength=lengths.size)
            novel = np.bincount(row[first], weights=self._columns(codes[first]) == 0, minlength=lengths.size)
            shares.append(novel / np.maximum(total, 1))
        return np.concatenate(shares)

    def _columns(self, codes: Ints) -> Ints:
        at = np.minimum(np.searchsorted(self.grams_, codes), self.grams_.size - 1)
        return np.where(self.grams_[at] == codes, at + 1, 0)

    def _codes(self, series: pl.Series) -> Iterator[tuple[Ints, Ints]]:
        """Per batch of rows: the n-gram each event ends as one number, and the row lengths."""
        # 0 is the start symbol, known events follow, and one more number stands for every other event.
        base = self.events_.size + 2
        for events, lengths in _batches(series):
            at = np.minimum(np.searchsorted(self.events_, events), self.events_.size - 1)
            code = np.where(self.events_[at] == events, at + 1, base - 1).astype(np.int64)
            place = np.arange(code.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            gram = code.copy()
            for back in range(1, self.n):
                gram += np.where(place >= back, np.roll(code, back), 0) * base**back
            yield gram, lengths


class RareOrder(Detector):
    """Mean over a sequence's events of -log of the share of the group's training rows that hold its n-gram.

    A mean per event, so that length, which varies ninefold in v2, hardly matters.

    Examples
    --------
    >>> X = sparse.csr_matrix([[0, 3, 1], [2, 0, 0], [0, 0, 0]], dtype=np.float32)
    >>> RareOrder().fit(X[:1]).score_samples(X).round(2).tolist()
    [-0.29, -1.39, -0.0]
    """

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Rarity of every n-gram per group, and over all rows for groups not seen in training."""
        self.n_features_in_ = X.shape[1]
        self.groups_, codes = group_codes(groups, X.shape[0])
        blocks = [X[codes == code] for code in range(len(self.groups_))]
        shares = [(document_frequency(block) + 0.5) / (block.shape[0] + 1.0) for block in [*blocks, X]]
        self.weights_ = -np.log(np.stack(shares))
        return self

    def contributions(self, X: Any, groups: Any = None) -> Any:
        """CSR matrix of what each n-gram adds to the anomaly score; rows sum to it."""
        share = sparse.csr_matrix(X, dtype=np.float64, copy=True)
        _, codes = group_codes(groups, X.shape[0], known=self.groups_)
        length = np.maximum(np.asarray(share.sum(axis=1)).ravel(), 1.0)
        per_row = np.diff(share.indptr)
        share.data *= self.weights_[np.repeat(codes, per_row), share.indices] / np.repeat(length, per_row)
        return share

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the mean rarity; 0 for a sequence without events."""
        return -np.asarray(self.contributions(X, groups).sum(axis=1), np.float64).ravel()


def _distinct(values: Ints) -> Ints:
    """Sorted distinct values; numpy's own ``unique`` hashes, and is a hundred times slower on codes like these."""
    ordered = np.sort(values)
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size]
    return np.asarray(ordered[first], np.int64)


def _as_series(sequences: Any) -> pl.Series:
    if isinstance(sequences, pl.Series):
        return sequences
    return pl.Series([list(row) for row in sequences], dtype=pl.List(pl.Int64))


def _batches(series: pl.Series) -> Iterator[tuple[Ints, Ints]]:
    """Batches of rows as (events in one array, length of each row)."""
    for start in range(0, max(len(series), 1), BATCH_ROWS):
        rows = series.slice(start, BATCH_ROWS)
        lengths = rows.list.len().fill_null(0)
        events = rows.filter(lengths > 0).explode().cast(pl.Int64).to_numpy()
        yield events, lengths.cast(pl.Int64).to_numpy()


def build_order(*, seed: int) -> RareOrder:
    """Unfitted detector; nothing in it is random."""
    return RareOrder()


MODELS = {
    "ngram_events": ModelSpec(
        name="ngram_events", column=ORDER, supervised=False, explains="order", build=build_order, grouped=True,
        vectorise=lambda series: EventGrams().fit(series),
        meaning="mean rarity of each succession of two events among the normal sequences of the service",
    ),
}  # fmt: skip
