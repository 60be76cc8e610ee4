"""The door to sparse matrices: what stands for SciPy's where it is not installed does what SciPy does, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lo2.models import bases, distinct, estimators, nearest, neighbours
from lo2.models.nearest import NearestUsual
from lo2.models.products import inner_products, nearest_rows
from lo2.sparse import (
    CsrMatrix,
    added,
    cell_values,
    column_means,
    csr_matrix,
    dense_columns,
    dense_product,
    kept_cells,
    products,
    row_sums,
    stacked,
    transposed,
    with_data,
)

# Sums of these depend on the order in which they are added.
NUMBERS = st.sampled_from([0.1, 0.2, 0.3, 1e-9, 1e9, 1 / 3, -0.1, -1e9, 7.0, 0.0])


@st.composite
def cells(draw, width: int = 0, height: int = 0, numbers=NUMBERS):
    """Data, rows, columns and shape; several may be of one cell."""
    shape = height or draw(st.integers(0, 7)), width or draw(st.integers(1, 40))
    places = st.tuples(st.integers(0, max(shape[0] - 1, 0)), st.integers(0, shape[1] - 1))
    found = draw(st.lists(st.tuples(places, numbers), max_size=60 if shape[0] else 0))
    data, rows, columns = ([], [], []) if not found else zip(*((n, *place) for place, n in found), strict=True)
    return np.array(data, float), np.array(rows, np.int64), np.array(columns, np.int64), shape


def both(named) -> tuple[CsrMatrix, sparse.csr_matrix]:
    """The matrix of these cells, the same number twice in one place once, as either has it."""
    data, rows, columns, shape = named
    first = np.unique(rows * shape[1] + columns, return_index=True)[1]
    parts = data[first], (rows[first], columns[first])
    return CsrMatrix(parts, shape=shape), sparse.csr_matrix(parts, shape=shape)


def equal(a, b) -> bool:
    """Whether two matrices, or arrays, are the same to the bit."""
    if hasattr(a, "indptr"):
        assert a.shape == b.shape
        return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("data", "indices", "indptr"))
    assert a.shape == np.shape(b)
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_this_install_has_scipy():
    assert csr_matrix is sparse.csr_matrix


@given(cells())
def test_cells_are_laid_out_and_summed_as_scipy_lays_them_out(named):
    data, rows, columns, shape = named
    whole = np.round(data * 8) / 8 % 64  # what adds up without rounding, in whatever order
    for numbers in (whole, whole.astype(np.float32), whole.astype(np.int64)):
        own, theirs = (kind((numbers, (rows, columns)), shape=shape) for kind in (CsrMatrix, sparse.csr_matrix))
        assert own.has_canonical_format
        assert own.data.dtype == theirs.data.dtype
        assert own.indices.dtype == own.indptr.dtype == theirs.indices.dtype
        assert equal(own, theirs)
        assert equal(own.toarray(), theirs.toarray())
        own = kept_cells(own, own.data != 0)
        theirs.eliminate_zeros()
        assert equal(own, theirs)
        assert equal(CsrMatrix(own.toarray()), theirs) or not shape[0]


@given(cells())
def test_rows_with_a_column_twice_are_mended_as_scipy_mends_them(named):
    data, rows, columns, shape = named
    order = np.argsort(rows, kind="stable")
    indptr = np.searchsorted(rows[order], np.arange(shape[0] + 1))
    parts = np.round(data[order]), columns[order], indptr
    own, theirs = (kind(parts, shape=shape, copy=True) for kind in (CsrMatrix, sparse.csr_matrix))
    assert own.has_canonical_format == theirs.has_canonical_format
    copy = own.copy()
    for one in (own, theirs):
        one.sum_duplicates()
    assert equal(own, theirs)
    assert equal(copy, CsrMatrix(parts, shape=shape))


@given(cells(), st.data())
def test_rows_are_selected_as_scipy_selects_them(named, data):
    own, theirs = both(named)
    n = own.shape[0]
    chosen = [
        slice(data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9)), data.draw(st.integers(1, 3))),
        np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=9) if n else st.just([])), np.int64),
        np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool),
    ]
    for rows in chosen:
        assert equal(own[rows], theirs[rows])
    if n:
        assert equal(own[n - 1], theirs[n - 1])


@given(cells(), st.data())
def test_sums_means_and_columns_are_those_of_scipy_in_either_kind(named, data):
    own, theirs = both(named)
    columns = np.array(sorted(data.draw(st.sets(st.integers(0, own.shape[1] - 1)))), np.int64)
    dense = theirs[:, columns].toarray() if columns.size else np.empty((own.shape[0], 0))
    for one in (own, theirs):
        assert equal(row_sums(one), np.asarray(theirs.sum(axis=1)).ravel())
        assert equal(dense_columns(one, columns), dense)
        if own.shape[0]:
            assert equal(column_means(one), np.asarray(theirs.mean(axis=0)).ravel())
        assert equal(transposed(one), theirs.T.tocsr())
        assert equal(kept_cells(one, one.data > 0).toarray(), np.maximum(theirs.toarray(), 0.0))
        assert equal(with_data(one, one.data**2).toarray(), theirs.toarray() ** 2)


@given(cells(width=9), cells(width=9))
def test_matrices_are_stacked_and_added_as_scipy_does_it(first, second):
    a, b = both(first), both(second)
    assert equal(stacked([a[0], b[0], a[0]]), sparse.vstack([a[1], b[1], a[1]], format="csr"))
    n = min(a[0].shape[0], b[0].shape[0])
    total = sparse.csr_matrix(a[1][:n] + b[1][:n])
    total.eliminate_zeros()
    for one, other in zip(a, b, strict=True):
        assert equal(added(one[:n], other[:n]), total)


@settings(max_examples=200)
@given(cells(width=5, height=2), cells(width=2, height=5), st.integers(1, 30))
def test_products_are_added_in_the_order_of_scipy(first, second, held):
    a, b = both(first), both(second)
    expected = np.asarray((a[1] @ b[1]).todense())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lo2.sparse._PRODUCTS", held)  # a few rows at a time, or one
        assert equal(dense_product(*(one[0] for one in (a, b))), expected)
    rows, columns, values = products(a[0], b[0])
    assert rows.size == columns.size == values.size


@given(cells(), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 60)), max_size=20))
def test_values_of_cells_are_looked_up_also_where_nothing_stands(named, asked):
    own, theirs = both(named)
    rows, columns = (np.array([one[i] for one in asked if one[0] < own.shape[0]], np.int64) for i in (0, 1))
    dense = np.hstack([theirs.toarray(), np.zeros((own.shape[0], 61))])
    for one in (own, theirs):
        assert cell_values(one, rows, columns).tolist() == dense[rows, columns].tolist()


@given(cells(width=12, numbers=st.sampled_from([0.3, 0.1, 0.7])), cells(width=12, numbers=st.sampled_from([0.5, 0.9])))
def test_similarities_and_nearest_rows_have_the_same_bits(query, pool):
    asked, known = both(query), both(pool)
    own, theirs = (list(inner_products(q, p)) for q, p in zip(asked, known, strict=True))
    assert [at for at, _ in own] == [at for at, _ in theirs]
    assert all(equal(one, other) for (_, one), (_, other) in zip(own, theirs, strict=True))
    if known[0].shape[0]:
        found = [nearest_rows(q, p, 2) for q, p in zip(asked, known, strict=True)]
        assert equal(found[0][0], found[1][0])
        assert equal(found[0][1], found[1][1])


def without_libraries(patch: pytest.MonkeyPatch) -> None:
    """Let the models see what a base install has."""
    for module in (nearest, neighbours, estimators, distinct, bases):
        patch.setattr(module, "csr_matrix", CsrMatrix)
    patch.setattr(estimators, "library_installed", lambda name: False)


COUNTS = st.sampled_from([1.0, 2.0, 3.0, 40.0])


@settings(max_examples=60, deadline=None)
@given(cells(width=10, numbers=COUNTS), cells(width=10, numbers=COUNTS), st.integers(1, 3))
def test_a_bundles_estimator_scores_and_explains_alike_without_scikit_learn(training, query, groups):
    normal, asked = both(training)[1], both(query)
    if normal.shape[0] < 2:
        return
    fitted = NearestUsual().fit(normal, groups=[f"g{i % groups}" for i in range(normal.shape[0])])
    bare = object.__new__(NearestUsual)
    as_rows = {name: CsrMatrix((m.data, m.indices, m.indptr), m.shape) for name in ("df_", "rows_") for m in [getattr(fitted, name)]}  # fmt: skip
    vars(bare).update(vars(fitted) | as_rows)
    services = [f"g{i % 4}" for i in range(asked[0].shape[0])]
    with pytest.MonkeyPatch.context() as patch:
        if not asked[0].shape[0]:
            return
        expected = [f(asked[1], services) for f in (fitted.score_samples, fitted.contributions, fitted.kneighbors)]
        without_libraries(patch)
        found = [f(asked[0], services) for f in (bare.score_samples, bare.contributions, bare.kneighbors)]
    assert type(found[1][0]) is CsrMatrix
    for own, theirs in zip(found, expected, strict=True):
        assert all(
            equal(a, b) for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (own, theirs)), strict=True)
        )


@pytest.mark.parametrize(
    ("rows", "said"), [([[1.0]], "1 features"), ([[1.0, -1.0]], "no counts"), ([[1.0, np.inf]], "no counts")]
)
def test_rows_that_do_not_fit_are_refused_without_scikit_learn(rows, said):
    fitted = NearestUsual().fit(np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.MonkeyPatch.context() as patch:
        without_libraries(patch)
        with pytest.raises(ValueError, match=said):
            fitted.score_samples(rows)
