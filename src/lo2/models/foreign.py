"""Foreign estimators: anybody's scikit-learn model as a detector, ``detect(sequences, model=IsolationForest())``."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

from lo2.errors import UsageError
from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector, check_both_labels
from lo2.models.table import MODELS
from lo2.models.threshold import Floats


class Foreign(Detector):
    """An estimator of scikit-learn's API on the counts of words; higher ``score_samples`` is more normal.

    What it offers is taken in this order: ``score_samples``, ``decision_function``, ``predict_proba``, ``predict``.
    Classifiers learn from labels, and their scores are turned around: they rate the anomaly. Estimators that do not
    take sparse matrices, or do not say, are given dense ones.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __sklearn_tags__(self) -> Any:
        """What the estimator takes is its own business."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = False
        return tags

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit a clone: on both kinds of rows where it is a classifier, else on normal ones."""
        model = clone(self.estimator, safe=False)  # a copy where it is no scikit-learn class
        X = _dense_for_foreign(model, self.checked(X, fitting=True))
        labels = check_both_labels(y, X.shape[0]) if _is_foreign_classifier(model) else None
        self.estimator_ = model.fit(X) if labels is None else model.fit(X, labels)
        return self.set_offset(X if labels is None else X[~labels])

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Normality of each row."""
        X = self.checked(X)
        X = _dense_for_foreign(self.estimator_, X)
        if not _is_foreign_classifier(self.estimator_):
            for name in ("score_samples", "decision_function", "predict"):
                if hasattr(self.estimator_, name):
                    return np.asarray(getattr(self.estimator_, name)(X), np.float64).ravel()
        if hasattr(self.estimator_, "predict_proba"):
            return -np.asarray(self.estimator_.predict_proba(X)[:, 1], np.float64)
        how = getattr(self.estimator_, "decision_function", self.estimator_.predict)
        return -np.asarray(how(X), np.float64).ravel()


def _dense_for_foreign(estimator: Any, X: Any) -> Any:
    """``X`` dense unless the estimator says that it takes a sparse matrix."""
    takes = _has_foreign_tags(estimator) and get_tags(estimator).input_tags.sparse
    return X if takes or not sparse.issparse(X) else X.toarray()


def _is_foreign_classifier(estimator: Any) -> bool:
    return _has_foreign_tags(estimator) and bool(is_classifier(estimator))


def _has_foreign_tags(estimator: Any) -> bool:
    """Whether it says what it is; a class with ``fit`` and a score alone does not."""
    return hasattr(estimator, "__sklearn_tags__")


def foreign_model(estimator: Any) -> ModelSpec:
    """Row of the registry for an estimator, under the name of its class.

    Raises
    ------
    UsageError
        If it cannot be fitted, or rates nothing.
    """
    if isinstance(estimator, type):
        raise UsageError(f"model={estimator.__name__} is a class. Pass an estimator: model={estimator.__name__}()")
    rates = ("score_samples", "decision_function", "predict_proba", "predict")
    if not hasattr(estimator, "fit") or not any(hasattr(estimator, name) for name in rates):
        raise UsageError(
            f"model={estimator!r} is no estimator, which has fit and one of {', '.join(rates)}, and no name. Names: "
            f"{', '.join(sorted(MODELS))}"
        )
    return ModelSpec(
        name=type(estimator).__name__, explains="own", build=lambda seed: Foreign(estimator), counts=True,
        supervised=_is_foreign_classifier(estimator), meaning=f"{type(estimator).__name__} on counts of words",
    )  # fmt: skip
