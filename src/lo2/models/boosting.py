"""xgb_words: boosted trees on labelled sequences; the only module that imports it (extra ``models``)."""

from typing import Any, Self

import numpy as np

from lo2.extras import need_extra
from lo2.models.base import ModelSpec
from lo2.models.estimators import Labelled, check_both_labels
from lo2.models.threshold import Floats


class BoostedTrees(Labelled):
    """XGBoost classifier; fitted, it is the bytes of the booster, so that a bundle needs no class of xgboost."""

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit on rows of both labels, the rarer weighing as much as the other."""
        X = self.checked(X, fitting=True)
        labels = check_both_labels(y, X.shape[0])
        model = _import_xgboost().XGBClassifier(
            n_estimators=200, max_depth=6, learning_rate=0.1, tree_method="hist", n_jobs=1,
            scale_pos_weight=float((~labels).sum() / labels.sum()), random_state=self.random_state,
        )  # fmt: skip
        raw = model.fit(X, labels).get_booster().save_raw("ubj")
        self.booster_ = np.frombuffer(bytes(raw), np.uint8).copy()
        return self.set_offset(X[~labels])

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the probability of an anomaly, from -1 to 0."""
        return -self._predict_with_xgboost(X)

    def contributions(self, X: Any) -> tuple[Floats, Floats]:
        """Exact SHAP values of the log-odds, (n_rows, n_columns + 1) with the base last, and the log-odds."""
        return self._predict_with_xgboost(X, pred_contribs=True), self._predict_with_xgboost(X, output_margin=True)

    def _predict_with_xgboost(self, X: Any, **what: bool) -> Floats:
        X = self.checked(X)
        booster = _import_xgboost().Booster({"nthread": 1}, model_file=bytearray(self.booster_.tobytes()))
        return np.asarray(booster.predict(_import_xgboost().DMatrix(X, nthread=1), **what), np.float64)


def _import_xgboost() -> Any:
    need_extra("xgboost", what="xgb_words")
    import xgboost

    return xgboost


MODELS = {
    "xgb_words": ModelSpec(
        name="xgb_words", supervised=True, explains="boosted", build=lambda seed: BoostedTrees(random_state=seed),
        library="xgboost", counts=True, rates=True,
        meaning="boosted trees on word rates (counts per word); needs the extra `models`",
    ),
}  # fmt: skip
