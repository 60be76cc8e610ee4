"""Sizes inside a loaded model that must not mismatch: compiled code follows them without looking.

Every instance is checked against ``attributes`` first, so that what is read here is of the kind it should be.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lo2.artefacts import attributes as known
from lo2.artefacts.attributes import class_name, wrong_attributes
from lo2.artefacts.boosted import check_booster
from lo2.artefacts.refusal import bundle_refusal

# Where a class keeps an estimator that was never fitted.
_UNFITTED = frozenset(
    (name, slot) for name in (known.FOREST, known.RANDOM_FOREST) for slot in ("estimator_", "base_estimator_")
)
_PATTERN = r"(?u)\b\w\w+\b"


def check_payload_sizes(payload: Any) -> None:
    """Refuse a payload with an instance whose attributes are not those of its class or do not fit each other.

    Raises
    ------
    UntrustedBundleError
        With the class and the attribute.
    """
    found = list(_sized_instances(payload))
    for part, fitted in found:
        short = class_name(part).rpartition(".")[2]
        if attributes := wrong_attributes(part, fitted=fitted):
            raise bundle_refusal(f"of its {short} {attributes[0]}")
    for part in (part for part, fitted in found if fitted and class_name(part) in _RELATIONS):
        if sizes := _RELATIONS[class_name(part)](part):
            raise bundle_refusal(f"{class_name(part).rpartition('.')[2]}: {sizes}")


def _sized_instances(payload: Any) -> Iterator[tuple[Any, bool]]:
    """Instances inside a payload, and whether they are used fitted."""
    seen: set[tuple[int, bool]] = set()
    left: list[tuple[Any, bool]] = [(payload, True)]
    while left:
        part, fitted = left.pop()
        if (id(part), fitted) in seen or class_name(part) == known.TREE:
            continue
        seen.add((id(part), fitted))
        if type(part) in (list, tuple, set):
            left.extend((member, fitted) for member in part if _may_hold_sized(member))
        elif isinstance(part, dict):
            left.extend((member, fitted) for member in part.values() if _may_hold_sized(member))
        elif _may_hold_sized(part):
            yield part, fitted
            left.extend(_attribute_instances(part, fitted))


def _may_hold_sized(value: Any) -> bool:
    """Whether a value may hold instances."""
    if type(value) in (list, tuple, set) or isinstance(value, dict):
        return True
    shallow = isinstance(value, str | bytes | int | float | type | np.ndarray | np.generic | np.dtype | None)
    return not shallow and class_name(value) != known.TREE


def _attribute_instances(part: Any, fitted: bool) -> Iterator[tuple[Any, bool]]:
    for slot, value in vars(part).items():
        if _may_hold_sized(value) and not isinstance(value, dict):
            yield value, fitted and slot != "estimator" and (class_name(part), slot) not in _UNFITTED


def _violated_size_conditions(**conditions: bool) -> str:
    """Names of the conditions that do not hold, as words."""
    return ", ".join(name.replace("_", " ") for name, holds in conditions.items() if not holds)


def _forest_mismatch(forest: Any) -> str:
    trees, columns, width = (
        [one.tree_ for one in forest.estimators_],
        forest.estimators_features_,
        forest.n_features_in_,
    )
    paths, depths = forest._average_path_length_per_tree, forest._decision_path_lengths
    if not 0 < len(trees) == len(columns) == len(paths) == len(depths):
        return "its trees, columns and path lengths are not equally many"
    sizes = [tree.node_count for tree in trees]
    return _violated_size_conditions(
        a_tree_does_not_fit_its_columns=[len(one) for one in columns] == [tree.n_features for tree in trees],
        a_tree_is_wider_than_the_forest=all(tree.n_features == forest._max_features <= width for tree in trees),
        a_column_lies_outside=all(_indices_within_size(one, width) for one in columns),
        path_lengths_do_not_fit_the_nodes=[len(one) for one in paths] == sizes == [len(one) for one in depths],
    )


def _random_forest_mismatch(forest: Any) -> str:
    classes = len(forest.classes_)
    return _violated_size_conditions(
        there_are_no_trees=len(forest.estimators_) > 0,
        trees_are_of_another_width=all(one.n_features_in_ == forest.n_features_in_ for one in forest.estimators_),
        classes_do_not_fit=classes == forest.n_classes_ > 1
        and all(one.n_classes_ == classes for one in forest.estimators_),
    )


def _tree_regressor_mismatch(one: Any) -> str:
    return _violated_size_conditions(its_tree_is_of_another_width=one.tree_.n_features == one.n_features_in_)


def _tree_classifier_mismatch(one: Any) -> str:
    sizes = len(one.classes_), int(one.n_classes_), int(one.tree_.max_n_classes)
    return _tree_regressor_mismatch(one) or _violated_size_conditions(classes_do_not_fit=len(set(sizes)) == 1)


def _vectoriser_mismatch(one: Any) -> str:
    own, given = one.vocabulary_, getattr(one, "vocabulary", None) or {}
    listed = one.analyzer in (list, tuple)
    return _violated_size_conditions(
        a_vocabulary_points_outside_its_matrix=all(i < len(own) for i in own.values())
        and all(i < len(given) for i in given.values()),
        # A pattern from elsewhere may take for ever.
        a_pattern_of_its_own=listed or getattr(one, "token_pattern", None) in (None, _PATTERN),
        a_range_of_one_number=len(getattr(one, "ngram_range", (1, 1))) == 2,
    )


def _idf_weights_mismatch(one: Any) -> str:
    return _violated_size_conditions(weights_do_not_fit_the_columns=len(one.idf_) == one.n_features_in_)


def _sparse_matrix_mismatch(matrix: Any) -> str:
    indptr, indices, shape = matrix.indptr, matrix.indices, matrix._shape
    if len(shape) != 2 or len(indptr) != shape[0] + 1 or indptr[0] != 0:
        return "a sparse matrix of another height"
    return _violated_size_conditions(
        a_sparse_matrix_whose_rows_overlap=bool(np.all(np.diff(indptr) >= 0)),
        a_sparse_matrix_of_another_length=int(indptr[-1]) == len(indices) == len(matrix.data),
        a_sparse_matrix_that_points_outside_itself=_indices_within_size(indices, shape[1]),
        two_types_of_indices=indptr.dtype == indices.dtype and indptr.dtype.itemsize in (4, 8),
    )


def _pipeline_mismatch(pipeline: Any) -> str:
    (_, first), (_, last) = pipeline.steps
    return _violated_size_conditions(
        its_steps_are_of_different_widths=getattr(first, "n_features_in_", 0) == last.n_features_in_
    )


def _linear_model_mismatch(one: Any) -> str:
    return _violated_size_conditions(
        coefficients_do_not_fit=one.coef_.shape == (1, one.n_features_in_) and one.intercept_.shape == (1,),
        classes_are_not_two=len(one.classes_) == 2,
    )


def _scaler_mismatch(one: Any) -> str:
    arrays = [one.scale_, getattr(one, "mean_", None), getattr(one, "var_", None)]
    return _violated_size_conditions(
        scales_do_not_fit_the_columns=all(len(a) == one.n_features_in_ for a in arrays if a is not None),
        a_scale_of_nothing=one.scale_ is None or bool(np.all(one.scale_ != 0)),
    )


def _one_class_svm_mismatch(one: Any) -> str:
    vectors, n = one.support_vectors_, len(one.support_)
    shapes = {one.dual_coef_.shape, one._dual_coef_.shape}
    return _violated_size_conditions(
        support_vectors_do_not_fit=n > 0 and vectors.shape == (n, one.n_features_in_) and shapes == {(1, n)},
        numbers_of_support_vectors_do_not_fit=one._n_support.shape == (2,) and bool(np.all(one._n_support == n)),
        intercepts_do_not_fit=one.intercept_.shape == one._intercept_.shape == (1,) and np.size(one.offset_) == 1,
        probabilities_are_not_empty=one._probA.size == one._probB.size == 0,
        its_shape_does_not_fit=len(one.shape_fit_) == 2 and one.shape_fit_[1] == one.n_features_in_,
        arrays_of_another_type=vectors.dtype == one._dual_coef_.dtype == one._intercept_.dtype == np.float64
        and one.support_.dtype == one._n_support.dtype == np.int32,
    )


def _outlier_factor_mismatch(one: Any) -> str:
    rows, k = one.n_samples_fit_, one.n_neighbors_
    return _violated_size_conditions(
        its_rows_do_not_fit=one._fit_X.shape == (rows, one.n_features_in_) and one._lrd.shape == (rows,),
        its_neighbours_do_not_fit=k < rows and one._distances_fit_X_.shape == (rows, k),
    )


def _cluster_centres_mismatch(one: Any) -> str:
    rows, width = one.cluster_centers_.shape
    return _violated_size_conditions(its_centres_do_not_fit=rows > 0 and width == one.n_features_in_)


def _compressed_model_mismatch(one: Any) -> str:
    depth, width = one.components_.shape
    return _violated_size_conditions(
        its_directions_do_not_fit=depth > 0 and width == one.n_features_in_ == one.tfidf_.n_features_in_,
        what_it_learnt_is_of_another_width=getattr(one.model_, "n_features_in_", 0) == depth + 1,
    )


def _summed_model_mismatch(one: Any) -> str:
    return _violated_size_conditions(
        its_weights_do_not_fit=one.weights_.shape == (len(one.groups_) + 1, one.n_features_in_),
        a_group_is_there_twice=len(set(one.groups_)) == len(one.groups_),
    )


def _nearest_normal_mismatch(one: Any) -> str:
    shape = getattr(one.rows_, "_shape", None)
    return _violated_size_conditions(
        its_rows_do_not_fit=len(one.codes_) > 0 and shape == (len(one.codes_), one.n_features_in_),
        its_weights_do_not_fit=getattr(one.tfidf_, "n_features_in_", 0) == one.n_features_in_,
        a_row_is_of_no_group=_indices_within_size(one.codes_, len(one.groups_)),
        a_group_has_no_row=set(np.unique(one.codes_).tolist()) == set(range(len(one.groups_))),
    )


def _knn_mismatch(one: Any) -> str:
    groups = len(one.groups_)
    per_group = (one.sizes_, one.usual_distance_, one.usual_novelty_)
    figures = (*per_group, getattr(one.df_, "data", np.array([-1.0])))
    return _violated_size_conditions(
        its_rows_do_not_fit=len(one.codes_) > 0
        and getattr(one.rows_, "_shape", None) == (len(one.codes_), one.n_features_in_),
        its_frequencies_do_not_fit=getattr(one.df_, "_shape", None) == (groups + 1, one.n_features_in_),
        a_group_has_no_figure=all(len(part) == groups + 1 for part in per_group),
        a_figure_is_out_of_range=all(bool(np.all(np.isfinite(part) & (part >= 0))) for part in figures),
        a_row_is_of_no_group=_indices_within_size(one.codes_, groups),
        a_group_has_no_row=set(np.unique(one.codes_).tolist()) == set(range(groups)),
    )


def _supervised_model_mismatch(one: Any) -> str:
    inner = one.estimator_
    last = inner.steps[-1][1] if class_name(inner) == known.PIPELINE and hasattr(inner, "steps") else inner
    return _violated_size_conditions(
        what_it_learnt_is_of_another_width=getattr(last, "n_features_in_", 0) == one.n_features_in_,
        classes_are_not_two=len(getattr(last, "classes_", ())) == 2,
    )


def _event_ngrams_mismatch(one: Any) -> str:
    rising = [bool(np.all(a[1:] > a[:-1])) for a in (one.events_, one.grams_)]
    return _violated_size_conditions(
        its_numbers_are_not_sorted=all(rising) and len(one.events_) > 0 and len(one.grams_) > 0,
        its_width_does_not_fit=one.n_features_out_ == 1 + len(one.grams_),
        its_n_is_too_large=(len(one.events_) + 2) ** one.n < 1 << 62,
    )


def _boosted_trees_mismatch(one: Any) -> str:
    return check_booster(one.booster_, one.n_features_in_)


def _indices_within_size(numbers: Any, end: int) -> bool:
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < end)


_RELATIONS: Mapping[str, Callable[[Any], str]] = {
    known.FOREST: _forest_mismatch, known.RANDOM_FOREST: _random_forest_mismatch,
    known.REGRESSOR: _tree_regressor_mismatch,
    known.CLASSIFIER: _tree_classifier_mismatch, known.SMOOTHED: _tree_classifier_mismatch,
    known.VECTORIZER: _vectoriser_mismatch, known.TFIDF: _idf_weights_mismatch,
    known.CSR: _sparse_matrix_mismatch, known.PIPELINE: _pipeline_mismatch,
    known.LOGISTIC: _linear_model_mismatch, known.LINEAR_SVC: _linear_model_mismatch,
    known.SCALER: _scaler_mismatch, known.ONE_CLASS: _one_class_svm_mismatch,
    known.OUTLIER: _outlier_factor_mismatch, known.CENTRES: _cluster_centres_mismatch,
    known.NEAREST: _nearest_normal_mismatch, known.KNN: _knn_mismatch,
    known.SUPERVISED: _supervised_model_mismatch, known.GRAMS: _event_ngrams_mismatch,
    known.BOOSTED: _boosted_trees_mismatch,
    **dict.fromkeys(known.COMPRESSED, _compressed_model_mismatch),
    **dict.fromkeys(known.SUMMED, _summed_model_mismatch),
}  # fmt: skip
