"""Linear models (lr_words, lsvm_words, lr_numeric) and trees (dt_trigrams, rf_words) on labelled sequences."""

from lo2.models.base import NUMERIC, ModelSpec
from lo2.models.estimators import Supervised


def _linear(name: str, seed: int) -> Supervised:
    """Weighed counts, or scaled numbers, and a linear classifier; the margin of the SVM stands for a probability."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    weights = StandardScaler(with_mean=False) if name == "lr_numeric" else TfidfTransformer(sublinear_tf=True)
    kind, how = (LinearSVC, {"dual": True}) if name == "lsvm_words" else (LogisticRegression, {"solver": "liblinear"})
    return Supervised(make_pipeline(weights, kind(class_weight="balanced", random_state=seed, max_iter=1000, **how)))


def _tree(seed: int) -> Supervised:
    from sklearn.tree import DecisionTreeClassifier

    # Small leaves are pure: most normals would share the highest score, and no threshold could lie between.
    return Supervised(DecisionTreeClassifier(class_weight="balanced", min_weight_fraction_leaf=0.1, random_state=seed))


def _trees(seed: int) -> Supervised:
    from sklearn.ensemble import RandomForestClassifier

    # Few columns to choose from at a split: words that come together share the weight, so that all can be named.
    return Supervised(
        RandomForestClassifier(
            n_estimators=200, max_features="log2", min_samples_leaf=5, class_weight="balanced", random_state=seed
        )
    )


MODELS = {
    "lr_words": ModelSpec(
        name="lr_words", supervised=True, explains="linear", build=lambda seed: _linear("lr_words", seed), counts=True,
        meaning="logistic regression on tf-idf of word counts",
    ),
    "lsvm_words": ModelSpec(
        name="lsvm_words", supervised=True, explains="linear", build=lambda seed: _linear("lsvm_words", seed),
        counts=True, meaning="linear support vector machine on tf-idf of word counts",
    ),
    "lr_numeric": ModelSpec(
        name="lr_numeric", column=NUMERIC, supervised=True, explains="linear",
        build=lambda seed: _linear("lr_numeric", seed),
        meaning="logistic regression on lengths, duration and levels: a yardstick",
    ),
    "dt_trigrams": ModelSpec(
        name="dt_trigrams", column="e_trigrams", supervised=True, explains="tree", build=_tree,
        meaning="decision tree on which character trigrams occur",
    ),
    "rf_words": ModelSpec(
        name="rf_words", supervised=True, explains="tree", build=_trees, counts=True, rates=True,
        meaning="random forest on word rates (counts per word)",
    ),
}  # fmt: skip
