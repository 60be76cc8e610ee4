"""Inner products of sparse rows with all rows of a pool, a batch at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from lo2.models.matrix import document_frequency
from lo2.models.threshold import Floats

# Cells of one batch of similarities, and of the dense block of frequent columns: 128 MB each.
CELLS = 16_000_000
# Columns in more than this share of the rows are multiplied densely: sparse products pay for every pair they share.
FREQUENT = 0.05


def similarities(query: Any, rows: Any) -> Iterator[tuple[slice, Floats]]:
    """Inner products of query rows with all ``rows``, a batch of query rows at a time."""
    frequency = document_frequency(rows)
    step = max(1, CELLS // max(rows.shape[0], 1))
    order = np.argsort(-frequency, kind="stable")[:step]
    dense = np.sort(order[frequency[order] > FREQUENT * rows.shape[0]])
    rest = np.ones(rows.shape[1], np.float64)
    rest[dense] = 0.0
    thick, thin = rows[:, dense].toarray().T, (rows @ sparse.diags(rest)).T.tocsr()
    thin.eliminate_zeros()
    for start in range(0, query.shape[0], step):
        batch = query[start : start + step]
        similarity = np.asarray((batch @ thin).todense())
        yield slice(start, start + batch.shape[0]), similarity + batch[:, dense].toarray() @ thick
