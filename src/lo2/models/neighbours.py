"""knn_words: distance to the nearest normal sequence of the same service, by tf-idf of word counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector, group_codes
from lo2.models.matrix import document_frequency
from lo2.models.options import TrainOptions
from lo2.models.threshold import Floats
from lo2.options import option

# Cells of one batch of similarities, and of the dense block of frequent columns: 128 MB each.
CELLS = 16_000_000
# Columns in more than this share of the rows are multiplied densely: sparse products pay for every pair they share.
FREQUENT = 0.05


@dataclass(frozen=True, kw_only=True)
class NeighbourOptions(TrainOptions):
    """Options of ``knn_words``."""

    n_neighbors: int = option(1, "Nearest normals whose mean distance is the score")
    sublinear_tf: bool = option(True, "Count a word 1 + log(n) times: volume matters little")


class NearestNormal(Detector):
    """Mean cosine distance to the nearest training rows of the same group.

    Weights are tf-idf with smoothed idf, so that the column of novel tokens, which no training row holds, weighs most
    and matches nothing. A row without tokens is at distance 1 from everything; a group that training did not see is
    compared with all rows.

    Examples
    --------
    >>> X = sparse.csr_matrix([[0, 1, 0], [0, 0, 3], [1, 1, 0], [0, 0, 0]], dtype=np.float32)
    >>> NearestNormal().fit(X[:2]).score_samples(X).round(2).tolist()
    [-0.0, -0.0, -0.44, -1.0]
    """

    def __init__(self, n_neighbors: int = 1, sublinear_tf: bool = True) -> None:
        self.n_neighbors = n_neighbors
        self.sublinear_tf = sublinear_tf

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Remember normal rows and their groups."""
        from sklearn.feature_extraction.text import TfidfTransformer

        self.n_features_in_ = X.shape[1]
        self.tfidf_ = TfidfTransformer(sublinear_tf=self.sublinear_tf).fit(X.astype(np.float64))
        self.rows_ = self.weigh(X)
        self.groups_, self.codes_ = group_codes(groups, X.shape[0])
        return self

    def weigh(self, X: Any) -> Any:
        """tf-idf of rows, each of length 1."""
        return sparse.csr_matrix(self.tfidf_.transform(X.astype(np.float64)))

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the mean distance, from -1 to 0."""
        return -np.asarray(self.kneighbors(X, groups)[0].mean(axis=1), np.float64)

    def kneighbors(
        self, X: Any, groups: Any = None, n_neighbors: int | None = None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Distances and training-row numbers of the nearest normals, nearest first, ties by row number.

        Both of shape (n_rows, k), k at most the number of candidates of the smallest group asked for.
        """
        query, (_, codes) = self.weigh(X), group_codes(groups, X.shape[0], known=self.groups_)
        parts = []
        for code in np.unique(codes):
            candidates = np.flatnonzero((self.codes_ == code) | (code == len(self.groups_)))
            parts.append((np.flatnonzero(codes == code), candidates))
        k = min([n_neighbors or self.n_neighbors, *(candidates.size for _, candidates in parts)])
        distances, indices = np.ones((X.shape[0], k)), np.zeros((X.shape[0], k), np.int64)
        for rows, candidates in parts:
            for at, similarity in _similarities(query[rows], self.rows_[candidates]):
                # Rounded, so that equal rows tie whatever order their products were summed in.
                distance: Floats = np.round(np.clip(1.0 - similarity, 0.0, 1.0), 12).astype(np.float64)
                nearest = _smallest(distance, k)
                distances[rows[at]] = np.take_along_axis(distance, nearest, axis=1)
                indices[rows[at]] = candidates[nearest]
        return distances, indices


def _similarities(query: Any, rows: Any) -> Iterator[tuple[slice, Floats]]:
    """Inner products of query rows with all ``rows``, a batch of query rows at a time."""
    frequency = document_frequency(rows)
    order = np.argsort(-frequency, kind="stable")[: max(1, CELLS // max(rows.shape[0], 1))]
    dense = np.sort(order[frequency[order] > FREQUENT * rows.shape[0]])
    rest = np.ones(rows.shape[1], np.float64)
    rest[dense] = 0.0
    thick, thin = rows[:, dense].toarray().T, (rows @ sparse.diags(rest)).T.tocsr()
    thin.eliminate_zeros()
    step = max(1, CELLS // max(rows.shape[0], 1))
    for start in range(0, query.shape[0], step):
        batch = query[start : start + step]
        similarity = np.asarray((batch @ thin).todense())
        if dense.size:
            similarity += batch[:, dense].toarray() @ thick
        yield slice(start, start + batch.shape[0]), similarity


def _smallest(distance: Floats, k: int) -> NDArray[np.int64]:
    if k == 1:
        return np.asarray(distance.argmin(axis=1, keepdims=True), np.int64)
    return np.asarray(np.argsort(distance, axis=1, kind="stable")[:, :k], np.int64)


def build_nearest(*, seed: int, n_neighbors: int = 1, sublinear_tf: bool = True) -> NearestNormal:
    """Unfitted detector; nothing in it is random."""
    return NearestNormal(n_neighbors=n_neighbors, sublinear_tf=sublinear_tf)


MODELS = {
    "knn_words": ModelSpec(
        name="knn_words", column="e_words", supervised=False, explains="neighbour", build=build_nearest,
        options=NeighbourOptions, counts=True, grouped=True,
        meaning="distance to the nearest normal sequence of the service, tf-idf of word counts: recommended",
    ),
}  # fmt: skip
