"""Bases of the registry's estimators: scikit-learn's API, higher ``score_samples`` is more normal."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone

from lo2.errors import TooFewError
from lo2.models.threshold import Floats


class Detector(OutlierMixin, BaseEstimator):
    """Anomaly detector whose ``predict`` follows ``offset_``, which training sets from the hold-out threshold."""

    offset_: float = -np.inf

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Normality of each row; higher is more normal."""
        raise NotImplementedError

    def decision_function(self, X: Any, groups: Any = None) -> Floats:
        """``score_samples`` minus ``offset_``: below 0 is anomalous."""
        return self.score_samples(X, groups) - self.offset_

    def predict(self, X: Any, groups: Any = None) -> NDArray[np.int64]:
        """-1 for anomalous rows, 1 for normal ones."""
        return np.where(self.score_samples(X, groups) < self.offset_, -1, 1)


class Supervised(Detector):
    """A classifier as detector: ``score_samples`` is minus the probability of an anomaly.

    Parameters
    ----------
    estimator : classifier
        Fitted on labels True (anomaly) and False. One without ``predict_proba`` gives its margin through the logistic
        function, which keeps the order.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit on rows of both labels.

        Raises
        ------
        TooFewError
            If only one label occurs.
        """
        labels = both_labels(y, X.shape[0])
        self.estimator_ = clone(self.estimator).fit(X, labels)
        self.n_features_in_ = X.shape[1]
        return self

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the probability of an anomaly, from -1 to 0."""
        if hasattr(self.estimator_, "predict_proba"):
            return -np.asarray(self.estimator_.predict_proba(X)[:, 1], np.float64)
        from scipy.special import expit

        return -np.asarray(expit(self.estimator_.decision_function(X)), np.float64)


def both_labels(y: Any, n_rows: int) -> NDArray[np.bool_]:
    """Labels as booleans.

    Raises
    ------
    TooFewError
        If only one label occurs.
    """
    labels = np.zeros(n_rows, bool) if y is None else np.asarray(y, bool)
    if labels.all() or not labels.any():
        n = int(labels.sum())
        raise TooFewError(f"{n} of {labels.size} training rows are anomalies: a supervised model needs both kinds")
    return labels


def group_codes(groups: Any, n_rows: int, *, known: list[str] | None = None) -> tuple[list[str], NDArray[np.int64]]:
    """Sorted names of the groups and the number of each row's; one past the last for a group that is not ``known``.

    Without ``groups`` there is one, named "".

    Examples
    --------
    >>> group_codes(["b", "a", "z"], 3, known=["a", "b"])
    (['a', 'b'], array([1, 0, 2]))
    """
    names = [""] * n_rows if groups is None else [str(name) for name in groups]
    table = sorted(set(names)) if known is None else known
    place = {name: i for i, name in enumerate(table)}
    return table, np.array([place.get(name, len(table)) for name in names], dtype=np.int64)
