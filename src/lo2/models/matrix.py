"""Sparse matrices (CSR) of token lists and numeric columns; vocabulary, vectoriser, document frequency, known tokens.

Nothing loops over tokens in Python: a batch is flattened, looked up in one Polars join and laid out as CSR. A
``Counter`` as vocabulary sends every unknown token to column 0, as it does inside scikit-learn's own ``transform``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.errors import SchemaError, TooFewError
from lo2.sparse import csr_matrix, dense_columns, stacked

BATCH_ROWS = 8192
# Names column 0 in a vocabulary whose width is its length; no tokeniser writes an empty token.
NOVEL = ""
Batch = tuple[pl.Series, pl.Series | None, NDArray[np.int64]]


def token_matrix(
    tokens: pl.Series,
    vocabulary: Mapping[str, int],
    *,
    counts: pl.Series | None = None,
    binary: bool = False,
    novel_once: bool = False,
) -> Any:
    """CSR matrix (float32, int32 indices) of how often each row holds each token of ``vocabulary``.

    ``tokens`` has a list per row; null is read as empty. ``counts`` says how often each occurs, list by list; without
    it a token counts once per mention, and so do unknown tokens with ``novel_once``. As many columns as the vocabulary
    has entries; a ``Counter`` counts unknown tokens in column 0, any other mapping drops them.

    Examples
    --------
    >>> rows = pl.Series([["a", "b"], [], ["z", "a"]], dtype=pl.List(pl.String))
    >>> token_matrix(rows, Counter({"": 0, "a": 1, "b": 2})).toarray().tolist()
    [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    width = len(vocabulary)
    if max(vocabulary.values(), default=0) >= width:
        raise TooFewError(f"{width} distinct tokens are fewer than the columns they map to: train on more text")
    columns = {"token": list(vocabulary), "column": list(vocabulary.values())}
    lookup = pl.DataFrame(columns, schema={"token": pl.String, "column": pl.Int32})
    if tokens.dtype == pl.List(pl.Categorical()):  # found by their codes
        lookup = lookup.with_columns(pl.col("token").cast(pl.Categorical()))
    novel = isinstance(vocabulary, Counter)
    parts = [
        _batch_matrix(batch, lookup, novel, width, once=novel_once) for batch in flat_token_batches(tokens, counts)
    ]
    matrix = stacked(parts)
    if binary:
        matrix.data.fill(1.0)
    return matrix


def make_vocabulary(tokens: pl.Series, *, novel: bool = True, at_least: int = 1) -> dict[str, int]:
    """Sorted distinct tokens of the training rows, each with its column; ``TooFewError`` for less than ``at_least``.

    With ``novel`` a ``Counter`` whose column 0 takes what training did not see; without, a plain dict from column 0,
    as scikit-learn's.
    """
    names = sorted(
        {token for part, _, _ in flat_token_batches(tokens) for token in part.drop_nulls().unique()} - {NOVEL}
    )
    if len(names) < at_least:
        raise TooFewError(f"{len(tokens)} rows hold {len(names)} distinct tokens to learn from: it takes {at_least}")
    columns = {name: i for i, name in enumerate(names, start=int(novel))}
    return Counter({NOVEL: 0, **columns}) if novel else columns


def make_vectorizer(vocabulary: Mapping[str, int], *, binary: bool = False) -> Any:
    """Plain ``CountVectorizer(analyzer=list)`` that holds ``vocabulary`` and nothing else of the training text."""
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=list, binary=binary, dtype=np.float32)
    # Not through the constructor: it would copy the Counter into a dict, which knows no column for the unknown.
    vectorizer.vocabulary_ = vocabulary
    vectorizer.fixed_vocabulary_ = True
    return vectorizer


def document_frequency(matrix: Any) -> NDArray[np.int64]:
    """Rows that hold each column, for a CSR matrix without stored zeros."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.int64)


def numeric_matrix(sequences: pl.DataFrame, columns: tuple[str, ...]) -> Any:
    """Numeric columns as CSR float32; null and NaN become 0."""
    for name in columns:
        found = sequences.schema.get(name)
        if found is None or not found.is_numeric():
            raise SchemaError(f"column {name!r} is {found or 'missing'}, expected a number")
    values = sequences.select(pl.col(columns).cast(pl.Float32).fill_nan(None).fill_null(0.0)).to_numpy()
    return csr_matrix(values, dtype=np.float32)


def known_token_share(tokens: pl.Series, known: Mapping[str, int]) -> NDArray[np.float64]:
    """Share of each row's distinct tokens that ``known`` holds; 1 for a row without tokens."""
    # Column 0 counts the unknown, column 1 all others.
    sides = Counter({NOVEL: 0, **dict.fromkeys((token for token in known if token != NOVEL), 1)})
    counted = dense_columns(token_matrix(tokens.list.unique(), sides), np.arange(2))
    total = counted.sum(axis=1)
    share: NDArray[np.float64] = np.divide(counted[:, 1], total, out=np.ones_like(total), where=total > 0)
    return share


def flat_token_batches(
    lists: pl.Series, counts: pl.Series | None = None, *, size: int | None = None
) -> Iterator[Batch]:
    """Batches of ``size`` rows as (items in one series, their counts, length of each row)."""
    step = size or BATCH_ROWS
    for start in range(0, max(len(lists), 1), step):
        rows = lists.slice(start, step)
        lengths = rows.list.len().fill_null(0).cast(pl.Int64)
        # Only rows with items: what explode does with an empty list differs between Polars 1 and 2.
        weights = None if counts is None else counts.slice(start, step).filter(lengths > 0).explode()
        yield rows.filter(lengths > 0).explode(), weights, lengths.to_numpy()


def _batch_matrix(batch: Batch, lookup: pl.DataFrame, novel: bool, width: int, *, once: bool) -> Any:
    tokens, weights, lengths = batch
    named = tokens.cast(lookup.schema["token"]).rename("token").to_frame()
    found = named.join(lookup, on="token", how="left", maintain_order="left")["column"]
    columns = found.fill_null(0 if novel else -1).to_numpy()
    data = np.ones(columns.size, np.float32) if weights is None else weights.cast(pl.Float32).to_numpy()
    if once and weights is not None:
        data = np.where(columns == 0, np.float32(1.0), data)
    known = columns >= 0
    indptr = np.concatenate([[0], np.cumsum(known)])[np.concatenate([[0], np.cumsum(lengths)])]
    return csr_from_cells(data[known], columns[known], indptr, width)


def csr_from_cells(data: Any, columns: Any, indptr: Any, width: int) -> Any:
    """CSR matrix (float32, int32 indices) in which cells that were named several times are summed."""
    parts = (np.array(data, np.float32), columns.astype(np.int32), indptr.astype(np.int32))
    matrix = csr_matrix(parts, shape=(indptr.size - 1, width))
    matrix.sum_duplicates()
    return matrix
