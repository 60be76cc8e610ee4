"""Supervised classifiers: linear (lr_words, lsvm_words, lr_numeric) and trees (dt_trigrams, rf_words), on labels."""

from typing import Any, Self

from lo2.models.base import NUMERIC, ModelSpec
from lo2.models.bases import DecisionTreeClassifier
from lo2.models.estimators import Supervised


def _linear_classifier(name: str, seed: int) -> Supervised:
    """Weighed counts, or scaled numbers, and a linear classifier; the margin of the SVM stands for a probability."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    weights = StandardScaler(with_mean=False) if name == "lr_numeric" else TfidfTransformer(sublinear_tf=True)
    kind, how = (LinearSVC, {"dual": True}) if name == "lsvm_words" else (LogisticRegression, {"solver": "liblinear"})
    return Supervised(make_pipeline(weights, kind(class_weight="balanced", random_state=seed, max_iter=1000, **how)))


class SmoothedTree(DecisionTreeClassifier):
    """Decision tree whose small leaves are less certain: each share of a leaf is drawn towards one half.

    Otherwise most leaves are pure, normals share the probability 1 with the anomalies, and no threshold can lie
    between them. A leaf that holds a hundredth of the weight is drawn half the way.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit, then smooth (an m-estimate with m = 1 % of the weight of all rows)."""
        super().fit(X, y, sample_weight=sample_weight)
        tree = self.tree_
        weight = tree.weighted_n_node_samples[:, None]
        m = weight[0] / 100
        share = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        tree.value[:, 0, :] = (share * weight + m / 2) / (weight + m)
        return self


def _decision_tree_classifier(seed: int) -> Supervised:
    return Supervised(SmoothedTree(class_weight="balanced", min_samples_leaf=5, random_state=seed))


def _random_forest_classifier(seed: int) -> Supervised:
    from sklearn.ensemble import RandomForestClassifier

    # Few columns to choose from at a split: words that come together share the weight, so that all can be named.
    return Supervised(
        RandomForestClassifier(
            n_estimators=200, max_features="log2", min_samples_leaf=5, class_weight="balanced", random_state=seed
        )
    )


MODELS = {
    "lr_words": ModelSpec(
        name="lr_words", supervised=True, explains="linear", build=lambda seed: _linear_classifier("lr_words", seed),
        counts=True, meaning="logistic regression on tf-idf of word counts",
    ),
    "lsvm_words": ModelSpec(
        name="lsvm_words", supervised=True, explains="linear",
        build=lambda seed: _linear_classifier("lsvm_words", seed),
        counts=True, meaning="linear support vector machine on tf-idf of word counts",
    ),
    "lr_numeric": ModelSpec(
        name="lr_numeric", column=NUMERIC, supervised=True, explains="linear",
        build=lambda seed: _linear_classifier("lr_numeric", seed),
        meaning="logistic regression on lengths, duration and levels: a yardstick",
    ),
    "dt_trigrams": ModelSpec(
        name="dt_trigrams", column="e_trigrams", supervised=True, explains="tree", build=_decision_tree_classifier,
        meaning="decision tree on which character trigrams occur",
    ),
    "rf_words": ModelSpec(
        name="rf_words", supervised=True, explains="tree", build=_random_forest_classifier, counts=True, rates=True,
        meaning="random forest on word rates (counts per word)",
    ),
}  # fmt: skip
