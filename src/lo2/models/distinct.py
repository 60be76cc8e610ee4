"""Distinct rows of a matrix: logs repeat themselves, so that whatever costs per row is done once per distinct one."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lo2.sparse import csr_matrix

Ints = NDArray[np.int64]


def distinct_rows(X: Any, codes: ArrayLike | None = None) -> tuple[Ints, Ints]:
    """Places of the first row of each kind, in order, and the kind of every row: ``X[first][kind]`` is ``X`` again.

    Two rows are of one kind when their cells and their ``codes`` are the same.

    Examples
    --------
    >>> first, kind = distinct_rows(csr_matrix([[0, 1], [2, 0], [0, 1], [0, 1]]), [0, 0, 0, 5])
    >>> first.tolist(), kind.tolist()
    ([0, 1, 3], [0, 1, 0, 2])
    """
    rows = csr_matrix(X)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    ends = rows.indptr.tolist()
    labels = [0] * rows.shape[0] if codes is None else np.asarray(codes).tolist()
    width = rows.indices.itemsize, rows.data.itemsize
    indices, data = rows.indices.tobytes(), rows.data.tobytes()
    seen: dict[tuple[Any, bytes, bytes], int] = {}
    kind = np.empty(rows.shape[0], np.int64)
    first: list[int] = []
    for i, (start, end) in enumerate(pairwise(ends)):
        key = labels[i], indices[start * width[0] : end * width[0]], data[start * width[1] : end * width[1]]
        kind[i] = seen.setdefault(key, len(seen))
        if len(first) < len(seen):
            first.append(i)
    return np.array(first, np.int64), kind
