"""dt_trigrams and rf_words: trees on labelled sequences."""

from dataclasses import dataclass
from typing import Any

from lo2.models.base import ModelSpec
from lo2.models.estimators import Supervised
from lo2.models.options import TrainOptions
from lo2.options import option


@dataclass(frozen=True, kw_only=True)
class TreeOptions(TrainOptions):
    """Options of ``dt_trigrams``."""

    max_depth: int | None = option(None, "Depth at most")
    min_samples_leaf: int = option(5, "Rows of a leaf at least")


@dataclass(frozen=True, kw_only=True)
class TreesOptions(TreeOptions):
    """Options of ``rf_words``."""

    n_estimators: int = option(100, "Trees of the forest")


def build_tree(*, seed: int, **params: Any) -> Supervised:
    """Unfitted decision tree."""
    from sklearn.tree import DecisionTreeClassifier

    return Supervised(DecisionTreeClassifier(class_weight="balanced", random_state=seed, **params))


def build_trees(*, seed: int, **params: Any) -> Supervised:
    """Unfitted random forest."""
    from sklearn.ensemble import RandomForestClassifier

    return Supervised(RandomForestClassifier(class_weight="balanced", random_state=seed, **params))


MODELS = {
    "dt_trigrams": ModelSpec(
        name="dt_trigrams", column="e_trigrams", supervised=True, explains="tree", build=build_tree, counts=True,
        options=TreeOptions, meaning="decision tree on counts of character trigrams",
    ),
    "rf_words": ModelSpec(
        name="rf_words", column="e_words", supervised=True, explains="tree", build=build_trees, counts=True,
        options=TreesOptions, meaning="random forest on word counts",
    ),
}  # fmt: skip
