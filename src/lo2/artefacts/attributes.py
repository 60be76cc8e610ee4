"""Every class that a bundle may hold, with its attributes and their kinds: the list that loaded state is checked with.

An attribute that is not listed is refused, whatever it is called: one that shadows a method would run in its place.
To let a class of scikit-learn or SciPy into bundles, add a row here, and to ``relations`` what of it must agree in
size. A model of the registry needs a row only where it holds more than numbers, texts, arrays of numbers and classes of
the table: ``_attributes_of_unlisted_class`` takes those as they are.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lo2.artefacts.kinds import Kind, array, each, either, exactly, faults, flag, none, number, pairs, text, whole

_PARAMETER = either(none, flag, number(), text(longest=100))
_NAMES = each(text())
_OFF = either(none, exactly(False), whole(0, 0))
_ALONE = either(none, whole(1, 1))
_CLASSES = either(array("b"), array("i"), array("f"))
_SEED = either(none, whole(-(1 << 62), 1 << 62))


@dataclass(frozen=True)
class AllowedState:
    """Attributes of a class: what is ``fitted`` must be there where the class is used, the rest may be."""

    fitted: Mapping[str, Kind]
    parameters: Mapping[str, Kind]


def instance_of(*names: str) -> Kind:
    """An instance of exactly one of these classes, given by full name."""
    return lambda value: class_name(value) in names


def class_name(value: Any) -> str:
    """Full name of the class of a value, or of the class that it stands for."""
    return getattr(type(value), "stands_for", "") or f"{type(value).__module__}.{type(value).__qualname__}"


def _plain_value_attributes(names: str) -> dict[str, Kind]:
    """Parameters that only training reads: any plain value."""
    return dict.fromkeys(names.split(), _PARAMETER)


FOREST = "sklearn.ensemble._iforest.IsolationForest"
RANDOM_FOREST = "sklearn.ensemble._forest.RandomForestClassifier"
VECTORIZER = "sklearn.feature_extraction.text.CountVectorizer"
TFIDF = "sklearn.feature_extraction.text.TfidfTransformer"
CSR = "scipy.sparse._csr.csr_matrix"
TREE = "sklearn.tree._tree.Tree"
REGRESSOR = "sklearn.tree._classes.ExtraTreeRegressor"
CLASSIFIER = "sklearn.tree._classes.DecisionTreeClassifier"
SMOOTHED = "lo2.models.classifiers.SmoothedTree"
PIPELINE = "sklearn.pipeline.Pipeline"
LOGISTIC = "sklearn.linear_model._logistic.LogisticRegression"
LINEAR_SVC = "sklearn.svm._classes.LinearSVC"
ONE_CLASS = "sklearn.svm._classes.OneClassSVM"
SCALER = "sklearn.preprocessing._data.StandardScaler"
OUTLIER = "sklearn.neighbors._lof.LocalOutlierFactor"
CENTRES = "sklearn.cluster._kmeans.KMeans"
NEAREST = "lo2.models.neighbours.NearestNormal"
KNN = "lo2.models.nearest.NearestUsual"
SUPERVISED = "lo2.models.estimators.Supervised"
BOOSTED = "lo2.models.boosting.BoostedTrees"
GRAMS = "lo2.models.ngrams.EventGrams"
COMPRESSED = ("lo2.models.density.LocalOutlier", "lo2.models.density.OneClass", "lo2.models.density.NearestCentre")
SUMMED = ("lo2.models.rarity.RareTokens", "lo2.models.rarity.UnseenTokens", "lo2.models.ngrams.RareOrder")

_WIDTH: dict[str, Kind] = {"n_features_in_": whole(1)}
_DETECTOR: dict[str, Kind] = {**_plain_value_attributes("random_state"), "offset_": number()}
_OF_TREES = _plain_value_attributes(
    "criterion splitter max_depth min_samples_split min_samples_leaf min_weight_fraction_leaf max_features "
    "max_leaf_nodes min_impurity_decrease min_impurity_split class_weight ccp_alpha monotonic_cst presort"
) | {"random_state": _SEED}
_OF_FORESTS = _plain_value_attributes("bootstrap oob_score warm_start max_samples max_features") | {
    "n_estimators": whole(1), "n_jobs": _ALONE, "verbose": _OFF, "random_state": _SEED, "base_estimator": _PARAMETER,
    "estimator_params": each(text(), tuple), "_n_samples": whole(), "_n_samples_bootstrap": either(none, whole()),
    "_sample_weight": either(none, array("fi")), "n_outputs_": whole(1, 1),
}  # fmt: skip
_FITTED_TREE: dict[str, Kind] = {**_WIDTH, "n_outputs_": whole(1, 1), "tree_": instance_of(TREE)}
_CLASSIFIED: dict[str, Kind] = {**_FITTED_TREE, "classes_": _CLASSES, "n_classes_": whole(1, 1000)}
_TREE_UNUSED: dict[str, Kind] = {**_OF_TREES, "max_features_": whole(), "n_features_": whole()}
_LINEAR: dict[str, Kind] = {**_WIDTH, "classes_": _CLASSES, "coef_": array("f", 2), "intercept_": array("f")}
_LINEAR_UNUSED = _plain_value_attributes(
    "penalty C l1_ratio dual tol fit_intercept intercept_scaling class_weight random_state max_iter warm_start loss"
) | {
    "solver": text("liblinear", "lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"), "n_jobs": _ALONE,
    "multi_class": text("ovr", "auto", "deprecated", "warn"), "verbose": _OFF,
    "n_iter_": either(whole(), array("i")),
}  # fmt: skip

CLASSES: Mapping[str, AllowedState] = {
    FOREST: AllowedState(
        {
            **_WIDTH, "estimators_": each(instance_of(REGRESSOR)), "estimators_features_": each(array("i")),
            "_max_samples": whole(1), "_max_features": whole(1), "offset_": number(),
            "_average_path_length_per_tree": each(array("f"), tuple, list),
            "_decision_path_lengths": each(array("i"), tuple, list),
        },
        _OF_FORESTS | {
            **_plain_value_attributes("contamination behaviour"), "estimator": none,
            "estimator_": instance_of(REGRESSOR), "base_estimator_": instance_of(REGRESSOR), "bootstrap_features": flag,
            "max_samples_": whole(1), "_seeds": array("iu"), "n_features_": whole(),
        },
    ),
    RANDOM_FOREST: AllowedState(
        {**_WIDTH, "estimators_": each(instance_of(CLASSIFIER)), "classes_": _CLASSES, "n_classes_": whole(1, 1000),
         "n_outputs_": whole(1, 1)},
        _OF_FORESTS | _OF_TREES | {
            "estimator": either(none, instance_of(CLASSIFIER)), "estimator_": instance_of(CLASSIFIER),
            "n_features_": whole(), "n_jobs": _ALONE,
        },
    ),
    REGRESSOR: AllowedState(_FITTED_TREE, _TREE_UNUSED),
    CLASSIFIER: AllowedState(_CLASSIFIED, _TREE_UNUSED),
    SMOOTHED: AllowedState(_CLASSIFIED, _TREE_UNUSED),
    VECTORIZER: AllowedState(
        {"vocabulary_": pairs(text(longest=1 << 20), whole(), dict, Counter),
         "analyzer": either(exactly(list, tuple), text("word", "char", "char_wb")), "input": text("content"),
         "dtype": exactly(np.float32, np.float64, np.int64, np.int32)},
        _plain_value_attributes("encoding lowercase max_df min_df max_features") | {
            "decode_error": text("strict", "ignore", "replace"),
            "strip_accents": either(none, text("ascii", "unicode")),
            "preprocessor": none, "tokenizer": none, "token_pattern": either(none, text(longest=200)), "binary": flag,
            "stop_words": either(none, text("english"), each(text(), list)),
            "stop_words_": either(none, each(text(longest=1 << 20), set)), "fixed_vocabulary_": flag,
            "ngram_range": each(whole(1, 20), tuple, list, most=2),
            "vocabulary": either(none, pairs(text(longest=1 << 20), whole(), dict, Counter)),
        },
    ),
    TFIDF: AllowedState(
        {**_WIDTH, "idf_": array("f")},
        {"norm": either(none, text("l1", "l2")), "use_idf": exactly(True), "smooth_idf": flag, "sublinear_tf": flag},
    ),
    CSR: AllowedState(
        {"_shape": each(whole(), tuple, most=2), "data": either(array("f"), array("i"), array("b")),
         "indices": array("i"), "indptr": array("i")},
        {"maxprint": _PARAMETER},
    ),
    PIPELINE: AllowedState(
        {"steps": lambda steps: type(steps) is list and len(steps) == 2 and all(
            type(step) is tuple and len(step) == 2 and text(longest=100)(step[0]) and class_name(step[1]) in names
            for step, names in zip(steps, ((TFIDF, SCALER), (LOGISTIC, LINEAR_SVC)), strict=True))},
        {"memory": none, "verbose": _OFF, "transform_input": none},
    ),
    LOGISTIC: AllowedState(_LINEAR, _LINEAR_UNUSED),
    LINEAR_SVC: AllowedState(_LINEAR, _LINEAR_UNUSED),
    SCALER: AllowedState(
        {**_WIDTH, "scale_": either(none, array("f"))},
        {"with_mean": exactly(False), "with_std": flag, "copy": flag, "mean_": either(none, array("f")),
         "var_": either(none, array("f")), "n_samples_seen_": either(number(0), array("fi"))},
    ),
    ONE_CLASS: AllowedState(
        {**_WIDTH, "support_": array("i"), "support_vectors_": array("f", 2), "_n_support": array("i"),
         "dual_coef_": array("f", 2), "_dual_coef_": array("f", 2), "intercept_": array("f"),
         "_intercept_": array("f"), "_probA": array("f"), "_probB": array("f"), "_sparse": exactly(False),
         "_gamma": number(0), "kernel": text("rbf"), "offset_": either(number(), array("f")),
         "shape_fit_": each(whole(1), tuple, most=2), "fit_status_": whole(0, 1)},
        _plain_value_attributes("gamma coef0 tol C nu epsilon shrinking class_weight max_iter random_state") | {
            "degree": whole(0, 100), "probability": exactly(False), "cache_size": number(1, 10_000), "verbose": _OFF,
            "_effective_probability": exactly(False), "_num_iter": array("i"), "n_iter_": either(whole(), array("i")),
        },
    ),
    OUTLIER: AllowedState(
        {**_WIDTH, "_fit_X": array("f", 2), "n_samples_fit_": whole(1), "n_neighbors_": whole(1),
         "_distances_fit_X_": array("f", 2), "_lrd": array("f"), "_fit_method": text("brute"), "_tree": none,
         "effective_metric_": text("euclidean"), "effective_metric_params_": pairs(exactly(), none),
         "offset_": number(), "novelty": exactly(True)},
        _plain_value_attributes("n_neighbors leaf_size contamination") | {
            "radius": none, "algorithm": text("brute"), "metric": text("minkowski", "euclidean"),
            "metric_params": none, "p": whole(2, 2), "n_jobs": _ALONE, "negative_outlier_factor_": array("f"),
        },
    ),
    CENTRES: AllowedState(
        {**_WIDTH, "cluster_centers_": array("f", 2)},
        _plain_value_attributes("n_clusters init max_iter tol n_init random_state copy_x algorithm _tol _n_init "
        "_algorithm inertia_") | {
            "verbose": _OFF, "_n_threads": whole(0, 10_000), "_n_features_out": whole(), "labels_": array("i"),
            "n_iter_": whole(),
        },
    ),
    NEAREST: AllowedState(
        {**_WIDTH, "tfidf_": instance_of(TFIDF), "rows_": instance_of(CSR), "groups_": _NAMES, "codes_": array("i")},
        _DETECTOR,
    ),
    KNN: AllowedState(
        {**_WIDTH, "df_": instance_of(CSR), "sizes_": array("f"), "rows_": instance_of(CSR), "groups_": _NAMES,
         "codes_": array("i"), "usual_distance_": array("f"), "usual_novelty_": array("f"), "offset_": number()},
        {**_DETECTOR, "leave_own_run": exactly(False)},
    ),
    SUPERVISED: AllowedState(
        {**_WIDTH, "estimator_": instance_of(PIPELINE, RANDOM_FOREST, SMOOTHED, CLASSIFIER)},
        {**_DETECTOR, "estimator": lambda value: class_name(value) in (PIPELINE, RANDOM_FOREST, SMOOTHED, CLASSIFIER)},
    ),
    BOOSTED: AllowedState({**_WIDTH, "booster_": array("u")}, _DETECTOR),
    GRAMS: AllowedState(
        {"n": whole(1, 8), "events_": array("iu"), "grams_": array("i"), "n_features_out_": whole(1)}, {},
    ),
    **{
        name: AllowedState(
            {**_WIDTH, "tfidf_": instance_of(TFIDF), "components_": array("f", 2), "model_": instance_of(inner)},
            _DETECTOR,
        )
        for name, inner in zip(COMPRESSED, (OUTLIER, ONE_CLASS, CENTRES), strict=True)
    },
    **{name: AllowedState({**_WIDTH, "groups_": _NAMES, "weights_": array("f", 2)}, _DETECTOR) for name in SUMMED},
}  # fmt: skip
# What scipy and scikit-learn work out again by themselves, and scikit-learn's note of its version.
DERIVED = ("_has_sorted_indices", "_has_canonical_format", "_sklearn_version", "_stop_words_id")
OWN = "lo2.models."
SHARED = tuple(name for name in CLASSES if not name.startswith(OWN))
"""Classes of other packages, which any bundle may hold."""
_ARRAYS = either(*(array("fiub", ndim) for ndim in (1, 2)))
_PLAIN = either(_PARAMETER, _NAMES, _ARRAYS, instance_of(*SHARED))


def unknown_attributes(name: str, state: Mapping[Any, Any]) -> list[str]:
    """Attributes of ``state`` that a class of this full name does not have; all where the class has no row."""
    row = CLASSES.get(name)
    later = row is None and name.startswith(OWN)  # its class says which, once there is an instance to ask
    known = {*row.fitted, *row.parameters, *DERIVED} if row else set()
    return [
        key[:60] if type(key) is str else "?" for key in state if type(key) is not str or not (later or key in known)
    ]


def wrong_attributes(part: Any, *, fitted: bool) -> list[str]:
    """What of an instance's attributes is unknown, of another kind or, where it is used ``fitted``, missing."""
    row = CLASSES.get(class_name(part))
    if row is None and not class_name(part).startswith(OWN):
        return [f"{class_name(part)} has no row in the list of attributes"]
    row = row or _attributes_of_unlisted_class(part)
    required = tuple(row.fitted) if fitted else ()
    return faults(vars(part), {**row.parameters, **row.fitted}, required=required, others=False)


def _attributes_of_unlisted_class(part: Any) -> AllowedState:
    """Row for a class of the registry without one: plain values in its parameters and in what ``fit`` sets.

    What ``fit`` sets ends in ``_``, begins with none and shadows nothing of the class.
    """
    parameters = dict.fromkeys(type(part)._get_param_names(), _PLAIN)
    learnt = (key for key in vars(part) if type(key) is str and key.endswith("_") and not key.startswith("_"))
    return AllowedState(_WIDTH, {**parameters, **{key: _PLAIN for key in learnt if not hasattr(type(part), key)}})
