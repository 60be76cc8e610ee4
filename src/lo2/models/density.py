"""lof_words, ocsvm_words, kmeans_words: how far from where normal sequences are dense, on compressed tf-idf."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np

from lo2.errors import TooFewError
from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector
from lo2.models.threshold import Floats
from lo2.sparse import csr_matrix, row_sums, with_data

DIRECTIONS = 50
# Training rows that the one-class SVM draws at most: it is quadratic in them.
MAX_ROWS = 5000


class _Compressed(Detector):
    """Base: tf-idf, its leading directions, and what they leave over of each row as one more dimension.

    Without the remainder the directions, found on normal rows, would be blind to novel tokens.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Learn the space from training rows, and where in it they lie."""
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.utils.extmath import randomized_svd

        X = self.checked(X, fitting=True)
        self.tfidf_ = TfidfTransformer().fit(X.astype(np.float64))
        rows = self.tfidf_.transform(X.astype(np.float64))
        size = max(1, min(DIRECTIONS, min(rows.shape) - 1))
        self.components_ = randomized_svd(rows, size, random_state=self.random_state)[2]
        self.model_ = self._fit_density_model(self._compressed_tf_idf_rows(X))
        return self.set_offset(X)

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the local outlier factor, the density, or minus the distance."""
        places = self._compressed_tf_idf_rows(self.checked(X))
        return np.asarray(self.model_.score_samples(places), np.float64)

    @abstractmethod
    def _fit_density_model(self, places: Floats) -> Any:
        """The fitted model of scikit-learn."""

    def _compressed_tf_idf_rows(self, X: Any) -> Floats:
        """Coordinates of rows; rounded, so that equal rows stay equal."""
        rows = csr_matrix(self.tfidf_.transform(X.astype(np.float64)))
        inside = np.asarray(rows @ self.components_.T)
        length = row_sums(with_data(rows, rows.data**2))
        left = np.sqrt(np.clip(length - (inside**2).sum(axis=1), 0.0, None))
        return np.round(np.column_stack([inside, left]), 7)


class LocalOutlier(_Compressed):
    """Local outlier factor among the distinct normal rows: a pile of equal rows would make any other look far."""

    def _fit_density_model(self, places: Floats) -> Any:
        from sklearn.neighbors import LocalOutlierFactor

        places = np.unique(places, axis=0)
        if len(places) < 3:
            raise TooFewError(f"{len(places)} distinct training rows: a local density takes at least 3")
        neighbours = min(20, len(places) - 1)
        return LocalOutlierFactor(n_neighbors=neighbours, novelty=True, algorithm="brute").fit(places)


class OneClass(_Compressed):
    """One-class SVM (RBF) on at most ``MAX_ROWS`` training rows, drawn with the seed."""

    def _fit_density_model(self, places: Floats) -> Any:
        from sklearn.svm import OneClassSVM

        if len(places) > MAX_ROWS:
            drawn = np.random.default_rng(self.random_state).choice(len(places), size=MAX_ROWS, replace=False)
            places = places[np.sort(drawn)]
        return OneClassSVM(nu=0.05).fit(places)


class NearestCentre(_Compressed):
    """Minus the distance to the nearest of at most 8 centres of normal rows."""

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the distance to the nearest centre."""
        places = self._compressed_tf_idf_rows(self.checked(X))
        # By differences: the common expansion of the square loses half the digits near a centre.
        each = [np.linalg.norm(places - centre, axis=1) for centre in self.model_.cluster_centers_]
        return -np.asarray(np.min(each, axis=0), np.float64)

    def _fit_density_model(self, places: Floats) -> Any:
        from sklearn.cluster import KMeans

        clusters = min(8, len(np.unique(places, axis=0)))
        return KMeans(n_clusters=clusters, n_init=4, random_state=self.random_state).fit(places)


MODELS = {
    "lof_words": ModelSpec(
        name="lof_words", explains="distance", build=lambda seed: LocalOutlier(random_state=seed),
        meaning="local outlier factor among distinct normal sequences, tf-idf of words in 50 directions and the rest",
    ),
    "ocsvm_words": ModelSpec(
        name="ocsvm_words", explains="distance", build=lambda seed: OneClass(random_state=seed),
        meaning="one-class SVM on at most 5,000 normal sequences, tf-idf of words in 50 directions and the rest",
    ),
    "kmeans_words": ModelSpec(
        name="kmeans_words", explains="distance", build=lambda seed: NearestCentre(random_state=seed),
        meaning="distance to the nearest centre of normal sequences, tf-idf of words in 50 directions and the rest",
    ),
}  # fmt: skip
