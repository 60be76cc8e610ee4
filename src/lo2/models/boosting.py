"""xgb_words: boosted trees on labelled sequences; the one door to xgboost (extra ``models``)."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from lo2.errors import MissingExtraError
from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector, both_labels
from lo2.models.options import TrainOptions
from lo2.models.threshold import Floats
from lo2.options import option


@dataclass(frozen=True, kw_only=True)
class BoostingOptions(TrainOptions):
    """Options of ``xgb_words``."""

    n_estimators: int = option(200, "Boosting rounds")
    max_depth: int = option(4, "Depth of each tree")
    learning_rate: float = option(0.1, "Weight of each tree")


class BoostedTrees(Detector):
    """XGBoost classifier; fitted, it is the bytes of the booster, so that a bundle needs no class of xgboost."""

    def __init__(
        self, n_estimators: int = 200, max_depth: int = 4, learning_rate: float = 0.1, random_state: int = 0
    ) -> None:
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit on rows of both labels, the rarer weighing as much as the other.

        Raises
        ------
        MissingExtraError
            If xgboost is not installed.
        TooFewError
            If only one label occurs.
        """
        xgboost, labels = _xgboost(), both_labels(y, X.shape[0])
        self.n_features_in_ = X.shape[1]
        model = xgboost.XGBClassifier(
            **self.get_params(), n_jobs=1, tree_method="hist", scale_pos_weight=float((~labels).sum() / labels.sum())
        )
        raw = model.fit(X, labels).get_booster().save_raw("ubj")
        self.booster_ = np.frombuffer(bytes(raw), np.uint8).copy()
        return self

    def booster(self) -> Any:
        """The fitted ``xgboost.Booster``."""
        return _xgboost().Booster({"nthread": 1}, model_file=bytearray(self.booster_.tobytes()))

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the probability of an anomaly, from -1 to 0."""
        return -np.asarray(self.booster().predict(_xgboost().DMatrix(X, nthread=1)), np.float64)

    def contributions(self, X: Any) -> tuple[Floats, Floats]:
        """Exact SHAP values of the log-odds, (n_rows, n_columns + 1) with the base last, and the log-odds."""
        booster, rows = self.booster(), _xgboost().DMatrix(X, nthread=1)
        values = np.asarray(booster.predict(rows, pred_contribs=True), np.float64)
        return values, np.asarray(booster.predict(rows, output_margin=True), np.float64)


def _xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtraError(
            "xgb_words needs xgboost. Install it with: pip install 'lo2-pipeline[models]'"
        ) from error
    return xgboost


def build_boosted(*, seed: int, **params: Any) -> BoostedTrees:
    """Unfitted boosted trees."""
    return BoostedTrees(random_state=seed, **params)


MODELS = {
    "xgb_words": ModelSpec(
        name="xgb_words", column="e_words", supervised=True, explains="boosted", build=build_boosted, counts=True,
        options=BoostingOptions, meaning="boosted trees on word counts; needs the extra `models`",
    ),
}  # fmt: skip
