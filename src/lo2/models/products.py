"""Inner products of sparse rows with all rows of a pool, a batch at a time, and the nearest rows by them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lo2.models.distinct import Ints
from lo2.models.matrix import document_frequency
from lo2.models.threshold import Floats
from lo2.sparse import dense_columns, dense_product, kept_cells, transposed

# Cells of one batch of similarities, and of the dense block of frequent columns: 128 MB each.
CELLS = 16_000_000
# Columns in more than this share of the rows are multiplied densely: sparse products pay for every pair they share.
FREQUENT = 0.05


def inner_products(query: Any, rows: Any) -> Iterator[tuple[slice, Floats]]:
    """Inner products of query rows with all ``rows``, a batch of query rows at a time."""
    frequency = document_frequency(rows)
    step = max(1, CELLS // max(rows.shape[0], 1))
    order = np.argsort(-frequency, kind="stable")[:step]
    dense = np.sort(order[frequency[order] > FREQUENT * rows.shape[0]])
    rest = np.ones(rows.shape[1], np.bool_)
    rest[dense] = False
    thick, thin = dense_columns(rows, dense).T, transposed(kept_cells(rows, rest[rows.indices]))
    for start in range(0, query.shape[0], step):
        batch = query[start : start + step]
        yield slice(start, start + batch.shape[0]), dense_product(batch, thin) + dense_columns(batch, dense) @ thick


def nearest_rows(
    query: Any, pool: Any, k: int, barred: Callable[[slice], NDArray[np.bool_]] | None = None
) -> tuple[Floats, Ints]:
    """Cosine distances and places in ``pool`` of the ``k`` nearest of its rows, nearest first, ties by place.

    Rows of both have length 1. Pairs that are ``barred``, asked for a batch of query rows, are at distance 1.

    Examples
    --------
    >>> from lo2.sparse import csr_matrix
    >>> pool = csr_matrix([[1.0, 0.0], [0.6, 0.8]])
    >>> distances, places = nearest_rows(csr_matrix([[0.0, 1.0]]), pool, 2)
    >>> distances.round(2).tolist(), places.tolist()
    ([[0.2, 1.0]], [[1, 0]])
    """
    k = min(k, pool.shape[0])
    distances, places = np.ones((query.shape[0], k)), np.zeros((query.shape[0], k), np.int64)
    for at, similarity in inner_products(query, pool):
        # Rounded, so that equal rows tie whatever order their products were summed in.
        distance: Floats = np.round(np.clip(1.0 - similarity, 0.0, 1.0), 12).astype(np.float64)
        if barred is not None:
            distance[barred(at)] = 1.0
        order = distance.argmin(axis=1, keepdims=True) if k == 1 else distance.argsort(axis=1, kind="stable")
        places[at] = order[:, :k]
        distances[at] = np.take_along_axis(distance, places[at], axis=1)
    return distances, places
