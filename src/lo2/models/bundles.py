"""Between a fitted model and what a bundle holds: payload, facts for its card, self-test, and back."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
from scipy import sparse

from lo2.errors import InputError, UntrustedBundleError
from lo2.models.base import NUMERIC, ORDER, Fitted, Reference
from lo2.models.forest import BUCKETS
from lo2.models.matrix import NOVEL
from lo2.models.options import ForestOptions, TrainOptions
from lo2.models.table import MODELS
from lo2.models.threshold import ServiceThreshold, Thresholds

# Classes beside the forest's own that bundles of registry models are made of.
EXTRA_ALLOWED: tuple[str, ...] = (
    "lo2.models.boosting.BoostedTrees",
    "lo2.models.density.LocalOutlier",
    "lo2.models.density.NearestCentre",
    "lo2.models.density.OneClass",
    "lo2.models.estimators.Supervised",
    "lo2.models.neighbours.NearestNormal",
    "lo2.models.ngrams.EventGrams",
    "lo2.models.ngrams.RareOrder",
    "lo2.models.rarity.RareTokens",
    "lo2.models.rarity.UnseenTokens",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.cluster._kmeans.KMeans",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.neighbors._lof.LocalOutlierFactor",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.OneClassSVM",
    "sklearn.tree._classes.DecisionTreeClassifier",
)
_UNSEEN = ("novel-token-1", "novel-token-2", "novel-token-3")


def payload(fitted: Fitted) -> tuple[Any, Any]:
    """What the bundle holds: the plain tuple ``(estimator, vectoriser)``."""
    return fitted.estimator, fitted.vectorizer


def card_facts(fitted: Fitted) -> dict[str, Any]:
    """What of the card the model knows, under the keys of the contract, and ``numeric`` and ``holdout_scores`` beside.

    ``holdout_scores`` are the sorted scores of hold-out normals per service that p-values are read from.
    """
    spec, thresholds, reference = fitted.spec, fitted.thresholds, fitted.reference
    token_type = "List[UInt32]" if spec.column == ORDER else "List[String]"
    columns = [] if spec.column == NUMERIC else [spec.column]
    by_service = {s: {"threshold": t.threshold, "n": t.n} for s, t in thresholds.by_service.items()}
    features = [*(column.removeprefix("e_") for column in columns), *([NUMERIC] if fitted.numeric else [])]
    return {
        "feature_set": "+".join(features),
        "item_list_col": spec.column,
        "if_params": parameters(fitted.options, seed=fitted.seed),
        "training_rows": reference.training_rows,
        "holdout_rows": reference.holdout_rows,
        "threshold": thresholds.overall,
        "threshold_percentile": thresholds.percentile,
        "thresholds_by_service": by_service,
        "score": "-score_samples",
        "inputs": [
            *({"column": column, "type": token_type} for column in columns),
            *({"column": name, "type": "numeric"} for name in fitted.numeric),
        ],
        "outputs": [
            {"column": f"score_{spec.name}", "type": "Float64"},
            {"column": f"pred_{spec.name}_threshold", "type": "Boolean"},
        ],
        "numeric": list(fitted.numeric),
        "holdout_scores": {service: scores.tolist() for service, scores in sorted(reference.holdout.items())},
    }


def parameters(options: TrainOptions, *, seed: int) -> dict[str, Any]:
    """Parameters of a model as its card records them."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(options).items()}
    return {**values, "seed": seed, **({"buckets": list(BUCKETS)} if isinstance(options, ForestOptions) else {})}


def self_test(fitted: Fitted) -> list[dict[str, Any]]:
    """Eight token lists with their scores, an empty and an all-novel one among them.

    A model of event numbers gets lists of numbers, a numeric model rows of values.
    """
    lists = _test_lists(fitted)
    scores = self_test_scores(payload(fitted), lists)
    return [{"tokens": tokens, "score": score} for tokens, score in zip(lists, scores, strict=True)]


def self_test_scores(payload: Any, lists: Sequence[Sequence[Any]]) -> list[float]:
    """Anomaly scores of token lists by the estimator and its vectoriser alone; numeric columns count as 0.

    Raises
    ------
    UntrustedBundleError
        If the two do not fit each other.
    """
    estimator, vectorizer = checked_pair(payload)
    try:
        if vectorizer is None:
            X = sparse.csr_matrix(np.asarray(lists, np.float32))
        else:
            X = sparse.csr_matrix(vectorizer.transform([list(tokens) for tokens in lists]), dtype=np.float32)
            X.resize(X.shape[0], max(X.shape[1], estimator.n_features_in_))
        return [float(score) for score in -estimator.score_samples(X)]
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise UntrustedBundleError(f"The bundle cannot score its self-test ({error}). Train it anew") from error


def from_bundle(payload: Any, card: Mapping[str, Any]) -> Fitted:
    """Model from a bundle and its card; one made elsewhere, with a plain vocabulary and hardly a card, will do.

    Raises
    ------
    UntrustedBundleError
        If the payload is not such a tuple, or its analyser is a bound method or another function.
    InputError
        If the card leaves out numeric columns that the estimator needs.
    """
    estimator, vectorizer = checked_pair(payload)
    name = card.get("model") or "if"
    spec = MODELS.get(name)
    if spec is None:
        raise InputError(f"the card names a model {name!r} that this version does not have")
    if vectorizer is not None and isinstance(getattr(vectorizer, "vocabulary_", None), dict):
        # A plain vocabulary was made from lists that repeat a token as often as it occurs.
        counts = spec.counts or not isinstance(vectorizer.vocabulary_, Counter)
        spec = replace(spec, counts=counts)
    spec = replace(spec, column=card.get("item_list_col") or spec.column)
    numeric = tuple(card.get("numeric") or ())
    width = len(numeric) + (0 if vectorizer is None else _width(vectorizer))
    needed = getattr(estimator, "n_features_in_", width)
    if width != needed:
        raise InputError(
            f"the estimator needs {needed} columns, vocabulary and card name {width}: "
            "it was trained with numeric columns that its card does not list under 'numeric'"
        )
    params = card.get("if_params") or {}
    known = {f.name: params[f.name] for f in fields(spec.options) if f.name in params}
    chosen: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    reference = _reference(card)
    return Fitted(
        spec=spec,
        vectorizer=vectorizer,
        estimator=estimator,
        thresholds=_thresholds(card, estimator),
        reference=reference,
        numeric=numeric,
        options=spec.options(**chosen),
        seed=int(params.get("seed") or 0),
        notes=() if reference.holdout else ("the bundle's card holds no hold-out scores: there are no p-values",),
    )


def checked_pair(payload: Any) -> tuple[Any, Any]:
    """Estimator and vectoriser of a payload.

    Raises
    ------
    UntrustedBundleError
        If it is no such tuple, or the vectoriser's analyser is not ``list`` or another builtin type.
    """
    if not isinstance(payload, tuple) or len(payload) != 2 or not hasattr(payload[0], "score_samples"):
        raise UntrustedBundleError("A bundle holds a tuple (estimator, vectoriser); this one holds something else")
    estimator, vectorizer = payload
    analyzer = getattr(vectorizer, "analyzer", list)
    if analyzer not in (list, tuple):
        raise UntrustedBundleError(
            f"The bundle's analyser is {analyzer!s:.60}, which runs foreign code or splits text itself. "
            "Export it again with vectorizer.analyzer = list"
        )
    return estimator, vectorizer


def _width(vectorizer: Any) -> int:
    if hasattr(vectorizer, "vocabulary_"):
        return len(vectorizer.vocabulary_)
    return int(vectorizer.n_features_out_)


def _reference(card: Mapping[str, Any]) -> Reference:
    found = {str(s): np.sort(np.asarray(v, np.float64)) for s, v in (card.get("holdout_scores") or {}).items()}
    return Reference(int(card.get("training_rows") or 0), int(card.get("holdout_rows") or 0), found)


def _thresholds(card: Mapping[str, Any], estimator: Any) -> Thresholds:
    overall = card.get("threshold")
    if overall is None:
        overall = np.nextafter(-getattr(estimator, "offset_", -np.inf), np.inf)
    by_service = {
        service: ServiceThreshold(float(t["threshold"]), int(t["n"]))
        for service, t in (card.get("thresholds_by_service") or {}).items()
    }
    percentile = card.get("threshold_percentile")
    n = int(card.get("holdout_rows") or 0)
    return Thresholds(float(overall), math.nan if percentile is None else float(percentile), n, by_service)


def _test_lists(fitted: Fitted) -> list[list[Any]]:
    if fitted.vectorizer is None:
        width = len(fitted.numeric)
        return [[0.0] * width, *([float(10**k * (1 + i % 3)) for i in range(width)] for k in range(7))]
    known, unseen = _known(fitted.vectorizer)
    some = known[:: max(1, len(known) // 20)][:20]
    return [
        [], unseen, some[:1], some[:3], some, [*some, unseen[0]], [*some[::2], *unseen[:2]], [*some[1::2], *some[:2]],
    ]  # fmt: skip


def _known(vectorizer: Any) -> tuple[list[Any], list[Any]]:
    """Tokens that a vectoriser knows, sorted, and three that it does not."""
    if hasattr(vectorizer, "vocabulary_"):
        known = sorted(token for token in vectorizer.vocabulary_ if token != NOVEL)
        return known, [token for token in _UNSEEN if token not in vectorizer.vocabulary_]
    events: list[int] = vectorizer.events()
    return events, [max(events) + 1 + i for i in range(3)]
