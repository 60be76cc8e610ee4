"""A fitted model as the payload of a bundle, with facts for its card and a self-test; and fitted again from both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import polars as pl

from lo2.errors import InputError, UntrustedBundleError
from lo2.models.base import NUMERIC, ORDER, Fitted, Reference
from lo2.models.forest import BUCKETS
from lo2.models.matrix import NOVEL, token_matrix
from lo2.models.options import ForestOptions, TrainOptions
from lo2.models.table import CLASSES, MODELS
from lo2.models.threshold import ServiceThreshold, Thresholds
from lo2.options import record_options, restore_options
from lo2.sparse import csr_matrix

# Classes of the registry's models, which bundles may hold besides those of the table in ``lo2.artefacts.attributes``.
EXTRA_ALLOWED: tuple[str, ...] = CLASSES

_MALFORMED = (ValueError, IndexError, TypeError, AttributeError, KeyError, OverflowError, ArithmeticError)
# Numeric columns stand next to the vectoriser's.
_MOST_NUMERIC = 1000


def bundle_payload(fitted: Fitted) -> tuple[Any, Any]:
    """What the bundle holds: the plain tuple ``(estimator, vectoriser)``."""
    return fitted.estimator, fitted.vectorizer


def card_facts(fitted: Fitted) -> dict[str, Any]:
    """What of the card the model knows, under the keys of the contract, and next to them what p-values are read from.

    ``holdout_scores`` are the sorted scores of hold-out normals per service, ``normal_scores`` those of all normals
    without their own run where hold-outs are few, ``run_scores`` the fused scores of left-out normal runs, and
    ``normal_errors`` the ERROR events of their services.
    """
    spec, thresholds, reference = fitted.spec, fitted.thresholds, fitted.reference
    columns = (
        {} if spec.column == NUMERIC else {spec.column: "List[UInt32]" if spec.column == ORDER else "List[String]"}
    )
    inputs = columns | dict.fromkeys(fitted.numeric, "numeric")
    outputs = {f"score_{spec.name}": "Float64", f"pred_{spec.name}_threshold": "Boolean"}
    outputs |= {f"p_value_{spec.name}": "Float64", f"flagged_{spec.name}": "Boolean"}
    features = [*(column.removeprefix("e_") for column in columns), *([NUMERIC] if fitted.numeric else [])]
    return {
        "feature_set": "+".join(features),
        "item_list_col": spec.column,
        "if_params": card_parameters(fitted.options, seed=fitted.seed),
        "training_rows": reference.training_rows,
        "holdout_rows": reference.holdout_rows,
        "threshold": thresholds.overall,
        "threshold_percentile": thresholds.percentile,
        "thresholds_by_service": {service: asdict(found) for service, found in thresholds.by_service.items()},
        "score": "-score_samples",
        "inputs": [{"column": column, "type": kind} for column, kind in inputs.items()],
        "outputs": [{"column": column, "type": kind} for column, kind in outputs.items()],
        "numeric": list(fitted.numeric),
        "holdout_scores": {service: scores.tolist() for service, scores in sorted(reference.holdout.items())},
        "normal_scores": {service: scores.tolist() for service, scores in sorted(reference.normal.items())},
        "run_scores": reference.runs.tolist(),
        "normal_errors": {service: found.tolist() for service, found in sorted(reference.errors.items())},
        "learnt_positions": sum(len(places) for _, places in fitted.variables.templates),
    }


def card_parameters(options: TrainOptions, *, seed: int) -> dict[str, Any]:
    """Parameters of a model as its card records them."""
    return {
        **record_options(options),
        "seed": seed,
        **({"buckets": list(BUCKETS)} if isinstance(options, ForestOptions) else {}),
    }


def self_test(fitted: Fitted) -> list[dict[str, Any]]:
    """Eight token lists with their scores, an empty and an all-novel one among them.

    A model of event numbers gets lists of numbers, a numeric model rows of values.
    """
    lists = _self_test_tokens(fitted)
    scores = self_test_scores(bundle_payload(fitted), lists)
    return [{"tokens": tokens, "score": score} for tokens, score in zip(lists, scores, strict=True)]


def self_test_scores(payload: Any, lists: Sequence[Sequence[Any]]) -> list[float]:
    """Anomaly scores of token lists by the estimator and its vectoriser alone; numeric columns count as 0."""
    estimator, vectorizer = _payload_pair(payload)
    _check_bundle_width(estimator, vectorizer)
    try:
        if vectorizer is None:
            X = csr_matrix(np.asarray(lists, np.float32))
        else:
            X = _self_test_counts(vectorizer, lists)
            width = max(X.shape[1], estimator.n_features_in_)
            X = csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], width))
        return [float(score) for score in -estimator.score_samples(X)]
    except (*_MALFORMED, MemoryError) as error:
        raise UntrustedBundleError(f"The bundle cannot score its self-test ({error!s:.200}). Train it anew") from error


def fitted_from_bundle(payload: Any, card: Mapping[str, Any]) -> Fitted:
    """Model from a bundle and its card; one made elsewhere, with a plain vocabulary and hardly a card, will do.

    ``UntrustedBundleError`` for a payload that is no such tuple, whose analyser is a function of its own, or that does
    not fit its card.
    """
    estimator, vectorizer = _payload_pair(payload)
    _check_bundle_width(estimator, vectorizer)
    try:
        fitted = _fitted_from_bundle(estimator, vectorizer, card)
        _check_bundle_options(fitted.options)
    except (InputError, UntrustedBundleError):
        raise
    except _MALFORMED as error:
        raise UntrustedBundleError(f"The bundle's card does not fit it ({error!s:.200}). Train it anew") from error
    if not card.get("self_test"):
        # Nobody says what it should give: it must at least give something.
        self_test_scores(payload, [[0.0] * len(fitted.numeric)] if vectorizer is None else [[]])
    return fitted


def _check_bundle_width(estimator: Any, vectorizer: Any) -> None:
    """Refuse an estimator much wider than its vectoriser: a matrix of its width would be made."""
    if vectorizer is None:
        return
    made = getattr(vectorizer, "vocabulary_", None)
    width = len(made) if made is not None else vectorizer.n_features_out_
    if estimator.n_features_in_ - width > _MOST_NUMERIC:
        raise UntrustedBundleError(
            f"The bundle's estimator has {estimator.n_features_in_} columns, its vectoriser {width}. Train it anew"
        )


def _check_bundle_options(options: TrainOptions) -> None:
    """Refuse options of a card whose types are not those of their defaults."""
    for field in fields(options):
        value, default = getattr(options, field.name), field.default
        plain = value is None or isinstance(value, str | int | float | tuple)
        same = default is None or isinstance(default, str) or isinstance(value, type(default)) or value is None
        counted = isinstance(default, int | float) and isinstance(value, int | float)
        if not plain or not (same or counted):
            raise UntrustedBundleError(f"The card's {field.name} is a {type(value).__name__}. Train the bundle anew")


def _fitted_from_bundle(estimator: Any, vectorizer: Any, card: Mapping[str, Any]) -> Fitted:
    name = card.get("model") or "if"
    if name not in MODELS:
        raise InputError(f"the card names a model {name!r} that this version does not have")
    spec, vocabulary = MODELS[name], getattr(vectorizer, "vocabulary_", None)
    known = (type(spec.build(seed=0)), *spec.older)
    if type(estimator) not in known or (vectorizer is None) != (spec.column == NUMERIC):
        raise UntrustedBundleError(f"The card names {name!r}, the bundle holds a {type(estimator).__name__}")
    # A plain vocabulary was made from lists that repeat a token as often as it occurs.
    counts = spec.counts or type(vocabulary) is dict
    learnt = spec.learnt and bool(card.get("learnt_positions"))
    spec = replace(spec, counts=counts, learnt=learnt, column=card.get("item_list_col") or spec.column)
    numeric = tuple(card.get("numeric") or ())
    tokens = len(vocabulary) if vocabulary is not None else getattr(vectorizer, "n_features_out_", 0)
    width, needed = len(numeric) + tokens, getattr(estimator, "n_features_in_", len(numeric) + tokens)
    if width != needed:
        raise InputError(
            f"the estimator needs {needed} columns, vocabulary and card name {width}: "
            "it was trained with numeric columns that its card does not list under 'numeric'"
        )
    params = card.get("if_params") or {}
    options = restore_options(spec.options, {f.name: params[f.name] for f in fields(spec.options) if f.name in params})
    seed, (thresholds, reference) = int(params.get("seed") or 0), _calibration_from_card(card, estimator)
    notes = () if reference.holdout else ("the bundle's card holds no hold-out scores: there are no p-values",)
    return Fitted(
        spec, vectorizer, estimator, thresholds, reference, numeric, options, seed, notes,
        trained_on=card.get("data_fingerprint"),
    )  # fmt: skip


def _payload_pair(payload: Any) -> tuple[Any, Any]:
    """Estimator and vectoriser of a payload."""
    if not isinstance(payload, tuple) or len(payload) != 2 or not hasattr(type(payload[0]), "score_samples"):
        raise UntrustedBundleError("A bundle holds a tuple (estimator, vectoriser); this one holds something else")
    analyzer = getattr(payload[1], "analyzer", list)
    if analyzer not in (list, tuple):
        raise UntrustedBundleError(
            f"The bundle's analyser is {analyzer!s:.60}, which runs foreign code or splits text itself. "
            "Export it again with vectorizer.analyzer = list"
        )
    return payload


def _calibration_from_card(card: Mapping[str, Any], estimator: Any) -> tuple[Thresholds, Reference]:
    """What the hold-out normals gave, as far as the card says; else the threshold of the estimator's own offset."""
    overall, percentile, n = card.get("threshold"), card.get("threshold_percentile"), int(card.get("holdout_rows") or 0)
    if overall is None:
        overall = np.nextafter(-getattr(estimator, "offset_", -np.inf), np.inf)
    services = card.get("thresholds_by_service") or {}
    by_service = {service: ServiceThreshold(float(t["threshold"]), int(t["n"])) for service, t in services.items()}
    holdout, normal, errors = (
        {str(service): np.sort(np.asarray(values, np.float64)) for service, values in (card.get(key) or {}).items()}
        for key in ("holdout_scores", "normal_scores", "normal_errors")
    )
    runs = np.sort(np.asarray(card.get("run_scores") or [], np.float64))
    thresholds = Thresholds(float(overall), math.nan if percentile is None else float(percentile), n, by_service)
    return thresholds, Reference(int(card.get("training_rows") or 0), n, holdout, normal, runs, errors)


def _self_test_counts(vectorizer: Any, lists: Sequence[Sequence[Any]]) -> Any:
    """Counts of token lists by a vocabulary, or of event numbers by the vectoriser of their order."""
    if not hasattr(vectorizer, "vocabulary_"):
        return vectorizer.transform([list(tokens) for tokens in lists])
    tokens = pl.Series([[str(token) for token in one] for one in lists], dtype=pl.List(pl.String))
    return token_matrix(tokens, vectorizer.vocabulary_, binary=vectorizer.binary)


def _self_test_tokens(fitted: Fitted) -> list[list[Any]]:
    vectorizer, width = fitted.vectorizer, len(fitted.numeric)
    if vectorizer is None:
        return [[0.0] * width, *([float(10**k * (1 + i % 3)) for i in range(width)] for k in range(7))]
    if hasattr(vectorizer, "vocabulary_"):
        known = sorted(token for token in vectorizer.vocabulary_ if token != NOVEL)
        unseen: list[Any] = [t for t in (f"novel-token-{i}" for i in (1, 2, 3)) if t not in known]
    else:
        known = vectorizer.events_.tolist()
        unseen = [known[-1] + 1 + i for i in range(3)]
    some = known[:: max(1, len(known) // 20)][:20]
    return [
        [], unseen, some[:1], some[:3], some, [*some, unseen[0]], [*some[::2], *unseen[:2]], [*some[1::2], *some[:2]],
    ]  # fmt: skip
