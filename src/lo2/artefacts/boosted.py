"""Bytes of boosted trees, read here before xgboost reads a booster: its parser believes what it is told.

Universal binary JSON as xgboost writes it; see https://ubjson.org. What comes out is checked like scikit-learn's trees.
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

_FIXED = {"i": "b", "U": "B", "I": "h", "l": "i", "L": "q", "d": "f", "D": "d"}
_CONSTANTS = {"T": True, "F": False, "Z": None}
_DEPTH = 12
_PER_NODE = (
    "base_weights", "default_left", "left_children", "loss_changes", "parents", "right_children", "split_conditions",
    "split_indices", "split_type", "sum_hessian",
)  # fmt: skip
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
_LEARNER = {
    "attributes", "feature_names", "feature_types", "gradient_booster", "learner_model_param", "objective",
}  # fmt: skip
_MODEL = {"cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees"}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def marker(self) -> str:
        return self.take(1).decode("latin-1")

    def number(self, kind: str) -> Any:
        code = _FIXED[kind]
        return struct.unpack(">" + code, self.take(struct.calcsize(">" + code)))[0]

    def text(self) -> str:
        return self.take(self.number(self.marker())).decode()

    def value(self, kind: str, depth: int = 0) -> Any:
        if depth > _DEPTH:
            raise ValueError("it is nested too deeply")
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == "S":
            return self.text()
        if kind == "{":
            return self.mapping(depth)
        return self.array(depth) if kind == "[" else self.number(kind)

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (kind := self.marker()) != "}":
            name = self.take(self.number(kind)).decode()
            if name in found:
                raise ValueError("it says something twice")
            found[name] = self.value(self.marker(), depth + 1)
        return found

    def array(self, depth: int) -> Any:
        kind = self.marker()
        if kind == "$":
            code = _FIXED[self.marker()]
            if self.marker() != "#":
                raise ValueError("an array without a length")
            n = self.number(self.marker())
            return np.frombuffer(self.take(n * struct.calcsize(code)), np.dtype(">" + code))
        if kind != "#":
            raise ValueError("an array without a length")
        n = self.number(self.marker())
        if n > len(self.data) - self.at:
            raise ValueError("it ends too early")
        return [self.value(self.marker(), depth + 1) for _ in range(n)]


def check_booster(booster: Any, width: int) -> str:
    """What is wrong with the bytes of a booster of ``width`` columns, or nothing.

    Examples
    --------
    >>> check_booster(np.frombuffer(b"{L", np.uint8), 3)
    'its boosted trees are damaged (it ends too early)'
    """
    reader = _Reader(booster.tobytes())
    try:
        if booster.dtype != np.uint8 or reader.marker() != "{":
            return "its boosted trees are no bytes of a booster"
        whole = reader.mapping(0)
        return (
            ""
            if reader.at == len(reader.data) and _booster_fits_width(whole, width)
            else "its boosted trees do not fit each other"
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error, OverflowError) as error:
        return f"its boosted trees are damaged ({error!s:.80})"


def _booster_fits_width(whole: Mapping[str, Any], width: int) -> bool:
    learner = whole["learner"]
    facts, booster = learner["learner_model_param"], learner["gradient_booster"]
    model = booster["model"]
    trees, ends = model["trees"], np.asarray(model["iteration_indptr"])
    return (
        set(whole) == {"learner", "version"} and set(learner) <= _LEARNER and set(model) <= _MODEL
        and booster["name"] == "gbtree" and learner["objective"]["name"] == "binary:logistic"
        and int(facts["num_feature"]) == width and int(facts["num_class"]) == 0 and int(facts["num_target"]) == 1
        and bool(np.isfinite(float(facts["base_score"].strip("[]"))))
        and not len(learner["feature_names"]) and not len(learner["feature_types"]) and not len(learner["attributes"])
        and all(not len(part) for part in model.get("cats", {}).values())
        and len(trees) == len(model["tree_info"]) == int(model["gbtree_model_param"]["num_trees"])
        and not np.any(np.asarray(model["tree_info"])) and bool(np.all(np.diff(ends) >= 0))
        and int(ends[0]) == 0 and int(ends[-1]) == len(trees)
        and all(_booster_tree_fits_width(tree, i, width) for i, tree in enumerate(trees))
    )  # fmt: skip


def _booster_tree_fits_width(tree: Mapping[str, Any], place: int, width: int) -> bool:
    facts, n = tree["tree_param"], int(tree["tree_param"]["num_nodes"])
    arrays = {name: np.asarray(tree[name]) for name in _PER_NODE}
    left, right, index = arrays["left_children"], arrays["right_children"], np.arange(n)
    if n < 1 or any(len(part) != n for part in arrays.values()) or any(len(tree[name]) for name in _CATEGORIES):
        return False
    inner = left != -1
    children = np.concatenate([left[inner], right[inner]])
    columns = arrays["split_indices"]
    return (
        set(tree) == {*_PER_NODE, *_CATEGORIES, "id", "tree_param"} and tree["id"] == place
        and int(facts["num_deleted"]) == 0 and int(facts["num_feature"]) == width
        and int(facts["size_leaf_vector"]) in (0, 1)
        and bool(np.array_equal(inner, right != -1)) and not np.any(arrays["split_type"])
        and bool(np.all(children > np.concatenate([index[inner]] * 2))) and bool(np.all(children < n))
        and len(np.unique(children)) == n - 1 and bool(np.all((columns >= 0) & (columns < width)))
        and bool(np.isfinite(arrays["split_conditions"]).all() and np.isfinite(arrays["base_weights"]).all())
    )  # fmt: skip
