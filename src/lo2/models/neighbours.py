"""knn_words: distance to the nearest normal sequence of the same service, by tf-idf of word counts."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector, group_codes
from lo2.models.matrix import document_frequency
from lo2.models.threshold import Floats

# Cells of one batch of similarities, and of the dense block of frequent columns: 128 MB each.
CELLS = 16_000_000
# Columns in more than this share of the rows are multiplied densely: sparse products pay for every pair they share.
FREQUENT = 0.05


class NearestNormal(Detector):
    """Cosine distance to the nearest training row of the same group.

    Weights are tf-idf with smoothed idf, the counts logarithmic: volume matters little. The column of novel tokens,
    which no training row holds, weighs most and matches nothing. A row without tokens is at distance 1 from everything;
    a group that training did not see is compared with all rows.

    Examples
    --------
    >>> X = sparse.csr_matrix([[0, 1, 0], [0, 0, 3], [1, 1, 0], [0, 0, 0]], dtype=np.float32)
    >>> NearestNormal().fit(X[:2]).score_samples(X).round(2).tolist()
    [-0.0, -0.0, -0.44, -1.0]
    """

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Remember normal rows and their groups."""
        from sklearn.feature_extraction.text import TfidfTransformer

        self.n_features_in_ = X.shape[1]
        self.tfidf_ = TfidfTransformer(sublinear_tf=True).fit(X.astype(np.float64))
        self.rows_ = self.weigh(X)
        self.groups_, self.codes_ = group_codes(groups, X.shape[0])
        return self

    def weigh(self, X: Any) -> Any:
        """tf-idf of rows, each of length 1."""
        return sparse.csr_matrix(self.tfidf_.transform(X.astype(np.float64)))

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the distance, from -1 to 0."""
        return -self.kneighbors(X, groups)[0][:, 0]

    def kneighbors(self, X: Any, groups: Any = None, n_neighbors: int = 1) -> tuple[Floats, NDArray[np.int64]]:
        """Distances and training-row numbers of the nearest normals, nearest first, ties by row number.

        Both of shape (n_rows, k), k at most the number of candidates of the smallest group asked for.
        """
        query, (_, codes) = self.weigh(X), group_codes(groups, X.shape[0], known=self.groups_)
        pools = {c: np.flatnonzero((self.codes_ == c) | (c == len(self.groups_))) for c in np.unique(codes)}
        k = min([n_neighbors, *(candidates.size for candidates in pools.values())])
        distances, indices = np.ones((X.shape[0], k)), np.zeros((X.shape[0], k), np.int64)
        for code, candidates in pools.items():
            rows = np.flatnonzero(codes == code)
            for at, similarity in _similarities(query[rows], self.rows_[candidates]):
                # Rounded, so that equal rows tie whatever order their products were summed in.
                distance: Floats = np.round(np.clip(1.0 - similarity, 0.0, 1.0), 12).astype(np.float64)
                order = distance.argmin(axis=1, keepdims=True) if k == 1 else distance.argsort(axis=1, kind="stable")
                nearest = order[:, :k]
                distances[rows[at]] = np.take_along_axis(distance, nearest, axis=1)
                indices[rows[at]] = candidates[nearest]
        return distances, indices


def _similarities(query: Any, rows: Any) -> Iterator[tuple[slice, Floats]]:
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


MODELS = {
    "knn_words": ModelSpec(
        name="knn_words", explains="neighbour", build=lambda seed: NearestNormal(), counts=True, grouped=True,
        meaning="distance to the nearest normal sequence of the service, tf-idf of word counts: recommended",
    ),
}  # fmt: skip
