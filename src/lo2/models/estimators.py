"""Base classes of the estimators: scikit-learn's API, column weights, cell contributions, groups and labels."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lo2.errors import TooFewError
from lo2.extras import library_installed
from lo2.models.bases import BaseEstimator, OutlierMixin, checked_rows
from lo2.models.matrix import document_frequency
from lo2.models.threshold import Floats
from lo2.sparse import csr_matrix, row_numbers, row_sums

# Training rows that an offset is taken from at most.
_OFFSET_ROWS = 5_000


class Detector(OutlierMixin, BaseEstimator, ABC):
    """Anomaly detector on counts, dense or sparse; ``fit`` takes ``offset_`` from training scores.

    ``lo2.models.training`` replaces it in a copy by the threshold of the hold-out.
    """

    offset_: float

    def __sklearn_tags__(self) -> Any:
        """Counts are never negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags

    def checked(self, X: Any, *, fitting: bool = False) -> Any:
        """CSR rows of finite counts, of the width seen in ``fit``; ``NotFittedError`` where there was none."""
        if not library_installed("sklearn"):
            return checked_rows(self, X)
        from sklearn.utils import get_tags
        from sklearn.utils.validation import check_is_fitted, validate_data

        if not fitting:
            check_is_fitted(self, "n_features_in_")
        counts = get_tags(self).input_tags.positive_only
        found = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=fitting, ensure_non_negative=counts
        )
        return csr_matrix(found)

    def set_offset(self, X: Any, groups: Any = None) -> Self:
        """Take ``offset_`` from the scores of normal training rows: it flags 1 in 20, until a hold-out sets it."""
        step = 1 + (X.shape[0] - 1) // _OFFSET_ROWS
        scores = self.score_samples(X[::step], None if groups is None else np.asarray(groups)[::step])
        self.offset_ = float(np.quantile(scores, 0.05))
        return self

    @abstractmethod
    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Normality of each row; higher is more normal."""

    def decision_function(self, X: Any, groups: Any = None) -> Floats:
        """``score_samples`` minus ``offset_``: negative where ``predict`` flags."""
        return self.score_samples(X, groups) - self.offset_

    def predict(self, X: Any, groups: Any = None) -> NDArray[np.int64]:
        """-1 for anomalous rows, 1 for normal ones."""
        return np.where(self.score_samples(X, groups) < self.offset_, -1, 1)


class Labelled(Detector):
    """Base of detectors that learn from labels, whatever the columns are."""

    def __sklearn_tags__(self) -> Any:
        """Labels are needed; numbers may be negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = False
        tags.target_tags.required = True
        return tags


class Supervised(Labelled):
    """A classifier as detector: ``score_samples`` is minus the probability of an anomaly.

    One without ``predict_proba`` gives its margin through the logistic function, which keeps the order.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit on rows of both labels, True for an anomaly."""
        from sklearn.base import clone

        X = self.checked(X, fitting=True)
        labels = check_both_labels(y, X.shape[0])
        normal, self.estimator_ = X[~labels], clone(self.estimator)
        *before, last = [step for _, step in getattr(self.estimator_, "steps", [("", self.estimator_)])]
        for step in before:
            # As a pipeline does it, but for what it keeps meanwhile: the rows of all steps, and a copy as float64.
            X = step.fit_transform(X, labels)
            X = csr_matrix((X.data.astype(np.float64), X.indices, X.indptr), X.shape)
        last.fit(X, labels)
        return self.set_offset(normal)

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the probability of an anomaly, from -1 to 0."""
        X = self.checked(X)
        if hasattr(self.estimator_, "predict_proba"):
            return -np.asarray(self.estimator_.predict_proba(X)[:, 1], np.float64)
        from scipy.special import expit

        return -np.asarray(expit(self.estimator_.decision_function(X)), np.float64)


class Summed(Detector):
    """Sum over a row's columns of what each weighs in its group; the weight is the column's rarity in training.

    The last row of ``weights_`` is for groups not seen in training.
    """

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Weights per group, and over all rows."""
        X = self.checked(X, fitting=True)
        self.groups_, codes = group_codes(groups, X.shape[0])
        blocks = [X[codes == code] for code in range(len(self.groups_))]
        self.weights_ = np.stack(
            [self._estimator_column_weights(document_frequency(b), b.shape[0]) for b in [*blocks, X]]
        )
        return self.set_offset(X, groups)

    def contributions(self, X: Any, groups: Any = None) -> Any:
        """CSR matrix of what each column adds to the anomaly score; rows sum to it."""
        cells = csr_matrix(self.checked(X), dtype=np.float64, copy=True)
        row = row_numbers(cells)
        _, codes = group_codes(groups, cells.shape[0], known=self.groups_)
        cells.data = self._estimator_cell_contributions(cells, row, self.weights_[codes[row], cells.indices])
        return cells

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the sum."""
        return -row_sums(self.contributions(X, groups))

    def _estimator_column_weights(self, frequency: Any, n_rows: int) -> Floats:
        """-log of the share of rows that hold each column, smoothed."""
        return np.asarray(-np.log((frequency + 0.5) / (n_rows + 1.0)), np.float64)

    @abstractmethod
    def _estimator_cell_contributions(self, cells: Any, row: Any, weights: Floats) -> Floats:
        """What each cell adds, given its row and its weight."""


def check_both_labels(y: Any, n_rows: int) -> NDArray[np.bool_]:
    """Labels as booleans; ``TooFewError`` if only one occurs, or there are none."""
    if y is None:
        raise TooFewError(
            f"{n_rows} rows without labels: this detector requires y to be passed, but the target y is None"
        )
    labels = np.asarray(y, bool)
    if labels.all() or not labels.any():
        n = int(labels.sum())
        raise TooFewError(
            f"{n} of {labels.size} training rows are anomalies, all of one class: a supervised model needs both kinds"
        )
    return labels


def group_codes(groups: Any, n_rows: int, *, known: list[str] | None = None) -> tuple[list[str], NDArray[np.int64]]:
    """Sorted names of the groups and the number of each row's; one past the last for a group that is not ``known``.

    Without ``groups`` there is one, named "".
    """
    names = [""] * n_rows if groups is None else [str(name) for name in groups]
    table = sorted(set(names)) if known is None else known
    place = {name: i for i, name in enumerate(table)}
    return table, np.array([place.get(name, len(table)) for name in names], dtype=np.int64)
