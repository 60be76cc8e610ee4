"""``AnomalyDetector``: the guide's reuse lines as they stand, on plain scikit-learn objects."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lo2.artefacts.files import read_parquet
from lo2.artefacts.layout import home
from lo2.errors import InputNotFoundError, SchemaError, UsageError
from lo2.extras import need_extra


class AnomalyDetector:
    """Predict with a model and its vectoriser, with LogLead's attribute names.

    Attributes
    ----------
    item_list_col : str
        Column of token lists.
    filter_anos : bool
        Leave anomalies out of training. Prediction never filters: every row is predicted, in order.
    train_df, test_df : polars.DataFrame or None
        Without ``test_df`` the standard sequence Parquet under the working directory is read.
    model : estimator
        Anything with ``predict`` (-1 anomalous, 1 normal), such as an IsolationForest.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> sad = AnomalyDetector()
    >>> sad.train_df = sad.test_df = pl.DataFrame({"e_words": [["a", "b"], ["a", "c"]], "anomaly": [False, False]})
    >>> sad.prepare_train_test_data()
    >>> sad.model = IsolationForest(n_estimators=5, random_state=0).fit(sad.X_train)
    >>> sad.predict()["pred_ano"].to_list()
    [0, 0]
    """

    def __init__(self) -> None:
        self.item_list_col = "e_words"
        self.filter_anos = False
        self.train_df: pl.DataFrame | None = None
        self.test_df: pl.DataFrame | None = None
        self.model: Any = None
        self.vectorizer: Any = None
        self.X_train: Any = None
        self.X_test: Any = None

    def __repr__(self) -> str:
        model = "no model" if self.model is None else type(self.model).__name__
        return f"AnomalyDetector({model} on {self.item_list_col})"

    def prepare_train_test_data(self, vectorizer_class: Any = None) -> None:
        """Matrices of both frames; ``vectorizer_class`` is a fitted vectoriser, or a class to fit on ``train_df``.

        Raises
        ------
        InputNotFoundError
            If no frame is assigned and there is no sequence Parquet under the working directory.
        UsageError
            If a vectoriser has to be fitted and there is no ``train_df``.
        """
        test = self._detector_test_frame()
        train = self.train_df
        if train is not None and self.filter_anos and "anomaly" in train.columns:
            train = train.filter(~pl.col("anomaly"))
        if vectorizer_class is None or isinstance(vectorizer_class, type):
            if train is None:
                raise UsageError("train_df is not assigned: a new vectoriser has nothing to be fitted on")
            self.vectorizer = _detector_vectoriser(vectorizer_class).fit(self._detector_token_lists(train))
        else:
            self.vectorizer = vectorizer_class
        self.X_train = None if train is None else self.vectorizer.transform(self._detector_token_lists(train))
        self.X_test = self.vectorizer.transform(self._detector_token_lists(test))

    def predict(self) -> pl.DataFrame:
        """Rows of ``test_df`` in their order, with ``pred_ano`` (1 anomalous, 0 normal)."""
        if self.model is None or self.X_test is None:
            raise UsageError("assign model and call prepare_train_test_data() before predict()")
        flagged = np.asarray(self.model.predict(self.X_test)) < 0
        return self._detector_test_frame().with_columns(pl.Series("pred_ano", flagged.astype(np.uint8)))

    def _detector_test_frame(self) -> pl.DataFrame:
        if self.test_df is None:
            path = home().path("sequences")
            if not path.is_file():
                raise InputNotFoundError(
                    f"test_df is not assigned and {Path.cwd() / path} does not exist. Assign it, or run lo2 load ROOT"
                )
            self.test_df = read_parquet(path)
        return self.test_df

    def _detector_token_lists(self, frame: pl.DataFrame) -> list[list[str]]:
        if self.item_list_col not in frame.columns:
            raise SchemaError(f"there is no column {self.item_list_col!r}; columns: {', '.join(frame.columns)}")
        lists: list[list[str]] = frame[self.item_list_col].to_list()
        return lists


def _detector_vectoriser(kind: Any) -> Any:
    if kind is not None:
        return kind(analyzer=list)
    need_extra("sklearn", what="AnomalyDetector")
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(analyzer=list)
