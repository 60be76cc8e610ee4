"""scikit-learn's base classes for estimators, and what stands for them where it is not installed.

Without it nothing is trained, and a bundle of the recommended detector scores all the same: its estimator brings its
own arithmetic. Names of the other models are known, and whoever needs one is told what to install.
"""

from typing import Any

import numpy as np

from lo2.sparse import csr_matrix

try:
    from sklearn.base import BaseEstimator, OutlierMixin, TransformerMixin
    from sklearn.tree import DecisionTreeClassifier
except ModuleNotFoundError:

    class BaseEstimator:  # type: ignore[no-redef]
        """A detector that a bundle brings fitted."""

    class OutlierMixin:  # type: ignore[no-redef]
        """Nothing is asked of it without scikit-learn."""

    TransformerMixin, DecisionTreeClassifier = OutlierMixin, BaseEstimator

__all__ = ["BaseEstimator", "CountVectorizer", "DecisionTreeClassifier", "OutlierMixin", "TransformerMixin"]


class CountVectorizer:
    """Stands for scikit-learn's in a bundle: nothing but what it was pickled with, its vocabulary above all."""

    stands_for = "sklearn.feature_extraction.text.CountVectorizer"
    """What it is to whoever asks for names of classes."""


def checked_rows(estimator: Any, X: Any) -> Any:
    """CSR rows of finite counts, of the width that a fitted estimator knows; ``ValueError`` for any others.

    Examples
    --------
    >>> one = CountVectorizer()
    >>> one.n_features_in_ = 2
    >>> checked_rows(one, [[0.0, 1.0]]).shape
    (1, 2)
    """
    rows = csr_matrix(X)
    if rows.data.dtype not in (np.float64, np.float32):
        rows = csr_matrix(rows, dtype=np.float64)
    if rows.shape[1] != estimator.n_features_in_:
        raise ValueError(f"X has {rows.shape[1]} features, expected are {estimator.n_features_in_}")
    if not np.all((rows.data >= 0) & np.isfinite(rows.data)):
        raise ValueError("X holds numbers that are no counts")
    return rows
