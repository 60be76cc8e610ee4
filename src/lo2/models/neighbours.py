"""knn_words: how far a sequence is from the nearest normal one of its service, and how much of it is new there."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector, group_codes
from lo2.models.nearest import NearestUsual
from lo2.models.products import nearest_rows
from lo2.models.threshold import Floats
from lo2.sparse import csr_matrix


class NearestNormal(Detector):
    """Cosine distance to the nearest training row of the same group: what bundles of knn_words of format 1 hold.

    Weights are tf-idf with smoothed idf, the counts logarithmic: volume matters little. The column of novel tokens,
    which no training row holds, weighs most and matches nothing. A row without tokens is at distance 1 from everything;
    a group that training did not see is compared with all rows.

    Examples
    --------
    >>> X = csr_matrix([[0, 1, 0], [0, 0, 3], [1, 1, 0], [0, 0, 0]], dtype=np.float32)
    >>> NearestNormal().fit(X[:2]).score_samples(X).round(2).tolist()
    [-0.0, -0.0, -0.44, -1.0]
    """

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Remember normal rows and their groups."""
        from sklearn.feature_extraction.text import TfidfTransformer

        X = self.checked(X, fitting=True)
        self.tfidf_ = TfidfTransformer(sublinear_tf=True).fit(X.astype(np.float64))
        self.rows_ = self.weigh(X)
        self.groups_, self.codes_ = group_codes(groups, X.shape[0])
        return self.set_offset(X, groups)

    def weigh(self, X: Any) -> Any:
        """tf-idf of rows, each of length 1."""
        return csr_matrix(self.tfidf_.transform(X.astype(np.float64)))

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the distance, from -1 to 0."""
        return -self.kneighbors(X, groups)[0][:, 0]

    def kneighbors(self, X: Any, groups: Any = None, n_neighbors: int = 1) -> tuple[Floats, NDArray[np.int64]]:
        """Distances and training-row numbers of the nearest normals, nearest first, ties by row number.

        Both of shape (n_rows, k), k at most the number of candidates of the smallest group asked for.
        """
        X = self.checked(X)
        query, (_, codes) = self.weigh(X), group_codes(groups, X.shape[0], known=self.groups_)
        pools = {c: np.flatnonzero((self.codes_ == c) | (c == len(self.groups_))) for c in np.unique(codes)}
        k = min([n_neighbors, *(candidates.size for candidates in pools.values())])
        distances, indices = np.ones((X.shape[0], k)), np.zeros((X.shape[0], k), np.int64)
        for code, candidates in pools.items():
            rows = np.flatnonzero(codes == code)
            distances[rows], places = nearest_rows(query[rows], self.rows_[candidates], k)
            indices[rows] = candidates[places]
        return distances, indices


MODELS = {
    "knn_words": ModelSpec(
        name="knn_words", explains="neighbour", build=lambda seed: NearestUsual(), counts=True, grouped=True,
        by_run=True, novel_once=True, learnt=True, stable=True, older=(NearestNormal,), library="",
        meaning="distance to the service's nearest normal sequence, and new words beyond what is typical: recommended",
    ),
}  # fmt: skip
