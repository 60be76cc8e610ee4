"""Sparse matrices (CSR): SciPy's where it is installed, else what scoring needs of their cells and rows, in NumPy.

Whatever can be said with ``data``, ``indices`` and ``indptr`` is a function here and the same in every install. Sums
are taken in the order in which SciPy takes them, so that a score has the same bits with it and without it.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Products of two cells that are held at a time without SciPy.
_PRODUCTS = 2_000_000


class CsrMatrix:
    """Sparse rows as ``scipy.sparse.csr_matrix`` lays them out and is called; columns are not selected.

    Examples
    --------
    >>> X = CsrMatrix((np.array([1.0, 2.0, 3.0]), np.array([1, 0, 0]), np.array([0, 2, 3])), shape=(2, 2))
    >>> X.toarray().tolist(), X[[1, 1]].toarray().tolist()
    ([[2.0, 1.0], [3.0, 0.0]], [[3.0, 0.0], [3.0, 0.0]])
    """

    stands_for = "scipy.sparse._csr.csr_matrix"
    """What it is to whoever asks for names of classes."""
    data: NDArray[Any]
    indices: NDArray[Any]
    indptr: NDArray[Any]
    _shape: tuple[int, int]

    def __init__(self, held: Any, shape: tuple[int, int] | None = None, dtype: Any = None, copy: bool = False) -> None:
        """From ``(data, indices, indptr)``, ``(data, (rows, columns))``, a shape, a matrix, or rows of numbers."""
        if isinstance(held, CsrMatrix):
            data, indices, indptr, shape = held.data, held.indices, held.indptr, held.shape
        elif isinstance(held, tuple) and len(held) == 3:
            data, indices, indptr = (np.asarray(part) for part in held)
        else:
            data, rows, indices, shape = _cells_of(held, shape)
            order = np.argsort(rows, kind="stable")
            data, indices = data[order], indices[order]
            indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))])
        if shape is None:
            raise ValueError("rows by places need a shape")
        kind = np.int32 if max(data.size, *shape) <= np.iinfo(np.int32).max else np.int64
        self.data, self.indices, self.indptr = (
            np.array(part, to, copy=copy or None)
            for part, to in ((data, dtype or data.dtype), (indices, kind), (indptr, kind))
        )
        self._shape = (int(shape[0]), int(shape[1]))
        if isinstance(held, tuple) and len(held) == 2:
            self.sum_duplicates()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._shape

    @property
    def has_canonical_format(self) -> bool:
        """Whether the columns of every row rise."""
        rows = row_numbers(self)
        return bool(np.all((self.indices[1:] > self.indices[:-1]) | (rows[1:] > rows[:-1])))

    def copy(self) -> Self:
        """A matrix equal to this one with arrays of its own."""
        return type(self)(self, copy=True)

    def sum_duplicates(self) -> None:
        """Let the columns of every row rise, and each stand there once."""
        if self.has_canonical_format:
            return
        rows = row_numbers(self)
        order = np.lexsort((self.indices, rows))
        rows, columns = rows[order], self.indices[order]
        new = np.concatenate([[True], (rows[1:] > rows[:-1]) | (columns[1:] > columns[:-1])])
        self.data = np.add.reduceat(self.data[order], np.flatnonzero(new), dtype=self.data.dtype)
        held = np.bincount(rows[new], minlength=self.shape[0])
        self.indices, self.indptr = columns[new], np.concatenate([[0], np.cumsum(held)]).astype(self.indptr.dtype)

    def __getitem__(self, rows: Any) -> "CsrMatrix":
        """Some of the rows: a number, a slice, numbers, or which."""
        asked = np.atleast_1d(np.arange(self.shape[0])[rows])
        lengths = np.diff(self.indptr)[asked]
        cells = _ranges(self.indptr[asked], lengths)
        parts = self.data[cells], self.indices[cells], np.concatenate([[0], np.cumsum(lengths)])
        return CsrMatrix(parts, shape=(asked.size, self.shape[1]))

    def toarray(self) -> NDArray[Any]:
        """Dense rows."""
        dense: NDArray[Any] = dense_columns(self, np.arange(self.shape[1])).astype(self.data.dtype)
        return dense

    def transposed(self) -> "CsrMatrix":
        """Columns as rows."""
        order = np.argsort(self.indices, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(self.indices, minlength=self.shape[1]))])
        return CsrMatrix((self.data[order], row_numbers(self)[order], indptr), shape=self.shape[::-1])

    def inner(self, other: "CsrMatrix") -> Floats:
        """Dense product with a matrix, a few rows at a time; cells are added as they stand in the rows."""
        width, per_cell = other.shape[1], np.diff(other.indptr)[self.indices]
        ends = np.concatenate([[0], np.cumsum(per_cell, dtype=np.int64)])[self.indptr]
        product = np.zeros((self.shape[0], width))
        start = 0
        while start < self.shape[0]:
            stop = max(start + 1, int(np.searchsorted(ends, ends[start] + _PRODUCTS, side="right")) - 1)
            rows, columns, values = products(self[start:stop], other)
            flat = np.bincount(rows * width + columns, values, (stop - start) * width)
            product[start:stop] = flat.reshape(stop - start, width)
            start = stop
        return product


try:
    from scipy.sparse import csr_matrix as csr_matrix
except ModuleNotFoundError:
    csr_matrix = CsrMatrix


def row_numbers(X: Any) -> Ints:
    """Row of every cell."""
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))


def with_data(X: Any, data: NDArray[Any]) -> Any:
    """A matrix of the same cells with other numbers in them."""
    return type(X)((data, X.indices, X.indptr), shape=X.shape)


def kept_cells(X: Any, keep: NDArray[np.bool_]) -> Any:
    """The cells that are to be kept, of the same shape."""
    indptr = np.concatenate([[0], np.cumsum(keep)])[X.indptr]
    return type(X)((X.data[keep], X.indices[keep], indptr), shape=X.shape)


def row_sums(X: Any) -> Floats:
    """Sum of every row, as SciPy's ``sum(axis=1)`` adds it up."""
    sums, held = np.zeros(X.shape[0]), np.flatnonzero(np.diff(X.indptr))
    sums[held] = np.add.reduceat(X.data, X.indptr[held]) if held.size else 0.0
    return sums


def column_means(X: Any) -> Floats:
    """Mean of every column over one row or more, as SciPy's ``mean(axis=0)`` adds it up."""
    return np.bincount(X.indices, X.data * (1.0 / X.shape[0]), X.shape[1]).astype(np.float64, copy=False)


def dense_columns(X: Any, columns: NDArray[Any]) -> Floats:
    """Some of the columns, dense, in the order asked for."""
    place = np.full(X.shape[1], -1, np.int64)
    place[columns] = np.arange(len(columns))
    there = place[X.indices]
    held = there >= 0
    flat = row_numbers(X)[held] * len(columns) + there[held]
    dense = np.bincount(flat, X.data[held], X.shape[0] * len(columns)).astype(np.float64, copy=False)
    return dense.reshape(X.shape[0], len(columns))


def cell_values(X: Any, rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
    """What a matrix whose columns rise holds in some cells, 0 where nothing stands or no such column is."""
    known = row_numbers(X) * X.shape[1] + X.indices
    asked = np.where(columns < X.shape[1], rows * X.shape[1] + columns, -1)
    place = np.searchsorted(known, asked)
    hit = np.append(known, -2)[place] == asked
    return np.where(hit, np.append(X.data, 0.0)[place], 0.0)


def added(A: Any, B: Any) -> Any:
    """Sum of two matrices of one shape, without zeros."""
    cells = (np.concatenate([f(A), f(B)]) for f in (row_numbers, lambda X: X.indices))
    found = type(A)((np.concatenate([A.data, B.data]), tuple(cells)), shape=A.shape)
    return kept_cells(found, found.data != 0)


def stacked(parts: Sequence[Any]) -> Any:
    """Matrices of one width, one below the other."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(part.data.size for part in parts)])
    indptr = [part.indptr[1:] + start for part, start in zip(parts, starts, strict=False)]
    data, indices = (np.concatenate([getattr(part, name) for part in parts]) for name in ("data", "indices"))
    shape = (sum(part.shape[0] for part in parts), parts[0].shape[1])
    return type(parts[0])((data, indices, np.concatenate([[0], *indptr])), shape=shape)


def transposed(X: Any) -> Any:
    """Columns as rows."""
    return X.transposed() if isinstance(X, CsrMatrix) else X.T.tocsr()


def products(A: Any, B: Any) -> tuple[Ints, Any, Any]:
    """Rows, columns and values of all products of two cells that the product of two matrices is the sum of."""
    lengths = np.diff(B.indptr)[A.indices]
    there = _ranges(B.indptr[A.indices], lengths)
    return np.repeat(row_numbers(A), lengths), B.indices[there], np.repeat(A.data, lengths) * B.data[there]


def dense_product(A: Any, B: Any) -> Floats:
    """Product of two sparse matrices, dense."""
    return A.inner(B) if isinstance(A, CsrMatrix) else np.asarray((A @ B).todense())


def _ranges(starts: NDArray[Any], lengths: NDArray[Any]) -> Ints:
    """Places from each start on, so many of each."""
    ends = np.cumsum(lengths, dtype=np.int64)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1] if ends.size else 0)


def _cells_of(held: Any, shape: tuple[int, int] | None) -> tuple[Any, Any, Any, tuple[int, int]]:
    """Data, rows, columns and shape of what is not laid out by rows."""
    if isinstance(held, tuple) and isinstance(held[1], tuple) and shape is not None:
        data, (rows, columns) = held
        return np.asarray(data), np.asarray(rows), np.asarray(columns), shape
    if isinstance(held, tuple):
        return np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), held
    dense = np.atleast_2d(np.asarray(held))
    rows, columns = np.nonzero(dense)
    return dense[rows, columns], rows, columns, dense.shape
