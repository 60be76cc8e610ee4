"""lof_words, ocsvm_words, kmeans_words: how far from where normal sequences are dense, on compressed tf-idf."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lo2.errors import TooFewError
from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector
from lo2.models.options import TrainOptions
from lo2.models.threshold import Floats
from lo2.options import option


@dataclass(frozen=True, kw_only=True)
class CompressionOptions(TrainOptions):
    """What the models of this family share."""

    n_components: int = option(50, "Directions that tf-idf is compressed to")


@dataclass(frozen=True, kw_only=True)
class LofOptions(CompressionOptions):
    """Options of ``lof_words``."""

    n_neighbors: int = option(20, "Neighbours whose density is compared")


@dataclass(frozen=True, kw_only=True)
class OcsvmOptions(CompressionOptions):
    """Options of ``ocsvm_words``."""

    nu: float = option(0.05, "Share of training rows that may lie outside")
    max_rows: int = option(5000, "Training rows drawn at most: the method is quadratic in them")


@dataclass(frozen=True, kw_only=True)
class KmeansOptions(CompressionOptions):
    """Options of ``kmeans_words``."""

    n_clusters: int = option(8, "Centres of normal sequences")


class _Compressed(Detector):
    """Base: tf-idf, its leading directions, and what they leave over of each row as one more dimension.

    Without the remainder the directions, found on normal rows, would be blind to novel tokens.
    """

    n_components: int
    random_state: int

    def _fit_space(self, X: Any) -> Floats:
        """Learn the space from training rows; their coordinates."""
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.utils.extmath import randomized_svd

        self.n_features_in_ = X.shape[1]
        self.tfidf_ = TfidfTransformer().fit(X.astype(np.float64))
        rows = self.tfidf_.transform(X.astype(np.float64))
        size = max(1, min(self.n_components, min(rows.shape) - 1))
        self.components_ = randomized_svd(rows, size, random_state=self.random_state)[2]
        return self._place(X)

    def _place(self, X: Any) -> Floats:
        """Coordinates of rows; rounded, so that equal rows stay equal."""
        rows = sparse.csr_matrix(self.tfidf_.transform(X.astype(np.float64)))
        inside = np.asarray(rows @ self.components_.T)
        length = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        left = np.sqrt(np.clip(length - (inside**2).sum(axis=1), 0.0, None))
        return np.round(np.column_stack([inside, left]), 7)


class LocalOutlier(_Compressed):
    """Local outlier factor among the distinct normal rows: a pile of equal rows would make any other look far."""

    def __init__(self, n_components: int = 50, n_neighbors: int = 20, random_state: int = 0) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Densities of the distinct training rows.

        Raises
        ------
        TooFewError
            If fewer than 3 training rows differ.
        """
        from sklearn.neighbors import LocalOutlierFactor

        places = _distinct(self._fit_space(X))
        if len(places) < 3:
            raise TooFewError(f"{len(places)} distinct training rows: a local density takes at least 3")
        neighbours = min(self.n_neighbors, len(places) - 1)
        self.model_ = LocalOutlierFactor(n_neighbors=neighbours, novelty=True, algorithm="brute").fit(places)
        return self

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the local outlier factor."""
        return np.asarray(self.model_.score_samples(self._place(X)), np.float64)


class OneClass(_Compressed):
    """One-class SVM (RBF) on at most ``max_rows`` training rows, drawn with the seed."""

    def __init__(self, n_components: int = 50, nu: float = 0.05, max_rows: int = 5000, random_state: int = 0) -> None:
        self.n_components = n_components
        self.nu = nu
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Boundary around the drawn training rows."""
        from sklearn.svm import OneClassSVM

        places = self._fit_space(X)
        if len(places) > self.max_rows:
            drawn = np.random.default_rng(self.random_state).choice(len(places), size=self.max_rows, replace=False)
            places = places[np.sort(drawn)]
        self.model_ = OneClassSVM(nu=self.nu).fit(places)
        return self

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Kernel density inside the boundary, unnormalised."""
        return np.asarray(self.model_.score_samples(self._place(X)), np.float64)


class NearestCentre(_Compressed):
    """Minus the distance to the nearest of ``n_clusters`` centres of normal rows."""

    def __init__(self, n_components: int = 50, n_clusters: int = 8, random_state: int = 0) -> None:
        self.n_components = n_components
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Centres of the training rows."""
        from sklearn.cluster import KMeans

        places = self._fit_space(X)
        clusters = min(self.n_clusters, len(_distinct(places)))
        self.model_ = KMeans(n_clusters=clusters, n_init=4, random_state=self.random_state).fit(places)
        return self

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the distance to the nearest centre."""
        places = self._place(X)
        # By differences: the usual expansion of the square loses half the digits near a centre.
        each = [np.linalg.norm(places - centre, axis=1) for centre in self.model_.cluster_centers_]
        return -np.asarray(np.min(each, axis=0), np.float64)


def _distinct(places: Floats) -> NDArray[np.float64]:
    return np.unique(places, axis=0)


def build_lof(*, seed: int, **params: Any) -> LocalOutlier:
    """Unfitted local outlier factor."""
    return LocalOutlier(random_state=seed, **params)


def build_ocsvm(*, seed: int, **params: Any) -> OneClass:
    """Unfitted one-class SVM."""
    return OneClass(random_state=seed, **params)


def build_kmeans(*, seed: int, **params: Any) -> NearestCentre:
    """Unfitted k-means."""
    return NearestCentre(random_state=seed, **params)


MODELS = {
    "lof_words": ModelSpec(
        name="lof_words", column="e_words", supervised=False, explains="distance", build=build_lof, options=LofOptions,
        meaning="local outlier factor among distinct normal sequences, tf-idf of words in 50 directions and the rest",
    ),
    "ocsvm_words": ModelSpec(
        name="ocsvm_words", column="e_words", supervised=False, explains="distance", build=build_ocsvm,
        options=OcsvmOptions,
        meaning="one-class SVM on at most 5,000 normal sequences, tf-idf of words in 50 directions and the rest",
    ),
    "kmeans_words": ModelSpec(
        name="kmeans_words", column="e_words", supervised=False, explains="distance", build=build_kmeans,
        options=KmeansOptions,
        meaning="distance to the nearest centre of normal sequences, tf-idf of words in 50 directions and the rest",
    ),
}  # fmt: skip
