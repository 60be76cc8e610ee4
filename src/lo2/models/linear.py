"""lr_words, lsvm_words, lr_numeric: linear models on labelled sequences."""

from dataclasses import dataclass
from typing import Any

from lo2.models.base import NUMERIC, ModelSpec
from lo2.models.estimators import Supervised
from lo2.models.options import TrainOptions
from lo2.options import option


@dataclass(frozen=True, kw_only=True)
class LinearOptions(TrainOptions):
    """Options of the linear models."""

    C: float = option(1.0, "Inverse strength of the regularisation")
    max_iter: int = option(1000, "Iterations at most")


def build_lr_words(*, seed: int, **params: Any) -> Supervised:
    """Unfitted logistic regression on tf-idf."""
    from sklearn.feature_extraction.text import TfidfTransformer

    return Supervised(_pipeline(TfidfTransformer(sublinear_tf=True), _logistic(seed, params)))


def build_lsvm_words(*, seed: int, **params: Any) -> Supervised:
    """Unfitted linear SVM on tf-idf; its margin, squashed, stands for the probability."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.svm import LinearSVC

    svm = LinearSVC(class_weight="balanced", dual=True, random_state=seed, **params)
    return Supervised(_pipeline(TfidfTransformer(sublinear_tf=True), svm))


def build_lr_numeric(*, seed: int, **params: Any) -> Supervised:
    """Unfitted logistic regression on scaled lengths and levels."""
    from sklearn.preprocessing import StandardScaler

    return Supervised(_pipeline(StandardScaler(with_mean=False), _logistic(seed, params)))


def _logistic(seed: int, params: dict[str, Any]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced", solver="liblinear", random_state=seed, **params)


def _pipeline(transformer: Any, classifier: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([("weights", transformer), ("classifier", classifier)])


MODELS = {
    "lr_words": ModelSpec(
        name="lr_words", column="e_words", supervised=True, explains="linear", build=build_lr_words, counts=True,
        options=LinearOptions, meaning="logistic regression on tf-idf of word counts",
    ),
    "lsvm_words": ModelSpec(
        name="lsvm_words", column="e_words", supervised=True, explains="linear", build=build_lsvm_words, counts=True,
        options=LinearOptions, meaning="linear support vector machine on tf-idf of word counts",
    ),
    "lr_numeric": ModelSpec(
        name="lr_numeric", column=NUMERIC, supervised=True, explains="linear", build=build_lr_numeric,
        options=LinearOptions, meaning="logistic regression on lengths, duration and levels: a yardstick",
    ),
}  # fmt: skip
