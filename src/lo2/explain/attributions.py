"""Exact attributions of each model's score onto tokens; more is more anomalous. The only module that imports shap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from lo2.explain.allocation import Contributions, allocate_to_tokens
from lo2.explain.bags import EXPECTED, Bag, Floats, mean_service_bag
from lo2.explain.distances import compressed_distance, distance_link, neighbour_distance
from lo2.explain.headless import headless
from lo2.extras import need_extra
from lo2.models.base import Fitted
from lo2.registry import lookup
from lo2.rows import service_names
from lo2.sparse import cell_values, csr_matrix, row_numbers, row_sums, stacked, with_data

_CELLS = 4_000_000
# Rounding leaves dust on columns that say nothing.
_DUST = 1e-13


@dataclass(frozen=True)
class Attributions:
    """What every token added to the score of its sequence.

    ``frame`` (seq_id, token, contribution) is sorted by ``seq_id``, then from the highest contribution down; ``counts``
    says how often the sequence holds that token, 0 where it is missing. ``rows`` (seq_id, base, value, score) has one
    row per sequence: base plus the contributions is the value, and the score is a monotone function of the value.
    ``unit`` names the value and its unit. Where tokens are successions of events, ``events`` gives the templates of
    each.
    """

    frame: pl.DataFrame
    counts: pl.Series
    rows: pl.DataFrame
    unit: str
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def attributions(
    fitted: Fitted, sequences: pl.DataFrame, *, reference: pl.DataFrame, texts: Mapping[str, str] | None = None
) -> Attributions:
    """Attributions of each of ``sequences``, additive and exact.

    Parameters
    ----------
    fitted : Fitted
        Any model of the registry.
    sequences : DataFrame
        Rows to explain.
    reference : DataFrame
        Training normals: what each service usually holds; missing tokens are told by it.
    texts : mapping of template id to text, optional
        For models of the order of events, whose tokens are successions of templates.

    Raises
    ------
    UsageError
        If nobody wrote an explanation for this kind of model.
    """
    explain = lookup(EXPLAINERS, fitted.spec.explains, kind="explanation")
    ordered = sequences.sort("seq_id")
    bag = Bag.from_sequences(fitted, ordered, reference, texts or {})
    tokens, names = allocate_to_tokens(explain(fitted, ordered, reference), bag, fitted.numeric)
    value = tokens.base + row_sums(tokens.values)
    rows = pl.DataFrame({"seq_id": ordered["seq_id"], "base": tokens.base, "value": value, "score": tokens.link(value)})
    frame = _attribution_frame(tokens.values, names, bag, ordered)
    return Attributions(frame.drop("count"), frame["count"], rows, tokens.unit, bag.events)


def _attribution_frame(values: Any, names: list[str], bag: Bag, sequences: pl.DataFrame) -> pl.DataFrame:
    """Non-zero contributions with the count of their tokens; a numeric column counts as present."""
    keep = np.abs(values.data) > _DUST
    row, column, data = row_numbers(values)[keep], values.indices[keep], values.data[keep]
    counts = np.where(column < len(bag.names), cell_values(bag.occurrences, row, column), 1.0)
    return pl.DataFrame(
        {
            "seq_id": sequences["seq_id"].gather(row),
            "token": pl.Series(names, dtype=pl.String).gather(column),
            "contribution": data,
            "count": counts.astype(np.uint32),
        }
    ).sort("seq_id", pl.col("contribution").round(12), "count", "token", descending=[False, True, True, False])


def _isolation_forest_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    """Isolation Forest: shap splits the mean path length, which is shorter the more anomalous a row is."""
    forest = fitted.estimator
    values, mean = _tree_shap(forest, fitted.matrix(sequences))
    unit = _isolation_path_length(forest.max_samples_)
    return Contributions(
        -values,
        np.full(sequences.height, -mean),
        lambda value: np.exp2(value / unit),
        f"minus the mean path length in the trees; score = 2 ** (value / {unit:.6g})",
    )


def _isolation_path_length(n: int) -> float:
    """Mean depth at which a binary search tree of ``n`` rows isolates one (Liu, Ting, Zhou 2008)."""
    if n <= 2:
        return float(max(n - 1, 0))
    return float(2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n)


def _tree_shap(model: Any, X: Any) -> tuple[Any, float]:
    """SHAP values (CSR, rows x columns) of the last output of a tree model, and its mean output.

    Only columns that some tree asks for can contribute, so the trees are renumbered to those; the values are the
    same, and dense batches stay small.
    """
    need_extra("shap", what="Splitting the score of trees over words")
    with headless():
        import shap

    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    ensemble = explainer.model
    used = np.unique(ensemble.features[ensemble.features >= 0])
    mean = float(np.ravel(explainer.expected_value)[-1])
    if used.size == 0:
        return csr_matrix(X.shape), mean
    places = np.searchsorted(used, ensemble.features)
    ensemble.features = np.where(ensemble.features >= 0, places, ensemble.features).astype(ensemble.features.dtype)
    narrow, step = X.tocsc()[:, used].tocsr(), max(1, _CELLS // used.size)
    parts = [csr_matrix((0, used.size))]
    for start in range(0, X.shape[0], step):
        values = np.asarray(explainer.shap_values(narrow[start : start + step].toarray(), check_additivity=False))
        values = values[..., -1] if values.ndim == 3 else values
        parts.append(csr_matrix(np.where(np.abs(values) > _DUST, values, 0.0)))
    found = stacked(parts)
    return csr_matrix((found.data, used[found.indices], found.indptr), shape=X.shape), mean


def _decision_tree_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    values, mean = _tree_shap(fitted.estimator.estimator_, fitted.matrix(sequences))
    return Contributions(
        values,
        np.full(sequences.height, mean),
        distance_link,
        "probability of an anomaly, from 0 to 1; this is the score",
    )


def _boosted_tree_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    """Boosted trees: xgboost's own SHAP values of the log-odds; their 32-bit rounding goes to the base."""
    X, width = fitted.matrix(sequences), fitted.estimator.n_features_in_
    step, parts, base = max(1, _CELLS // (width + 1)), [csr_matrix((0, width))], [np.empty(0)]
    for start in range(0, X.shape[0], step):
        found, margin = fitted.estimator.contributions(X[start : start + step])
        parts.append(csr_matrix(found[:, :-1], dtype=np.float64))
        base.append(margin - row_sums(parts[-1]))
    return Contributions(stacked(parts), np.concatenate(base), _attribution_log_odds_link, _LOG_ODDS)


def _linear_model_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    """Linear models in closed form: weight times departure from the baseline of the service."""
    weights, model = fitted.estimator.estimator_[:-1], fitted.estimator.estimator_[-1]
    frames = (sequences, reference)
    rows, seen = (csr_matrix(weights.transform(fitted.matrix(f)), dtype=np.float64) for f in frames)
    baseline = _attribution_baseline_columns(seen, sequences, reference)
    slope = np.asarray(model.coef_, np.float64).ravel()
    weighed, other = (with_data(part, part.data * slope[part.indices]) for part in (baseline, rows - baseline))
    base = row_sums(weighed) + float(np.ravel(model.intercept_)[0])
    return Contributions(other, base, _attribution_log_odds_link, _LOG_ODDS)


def _column_sum_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    """Scores that are sums over columns by their own definition, against the baseline of the service."""
    rows, seen = (
        csr_matrix(fitted.estimator.contributions(fitted.matrix(frame), _attribution_groups(fitted, frame)))
        for frame in (sequences, reference)
    )
    baseline = _attribution_baseline_columns(seen, sequences, reference)
    meaning = f"{fitted.spec.meaning}; this is the score"
    return Contributions(csr_matrix(rows - baseline), row_sums(baseline), distance_link, meaning)


def _undivided_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    """An estimator of the user's own does not say what each word adds: all of the score is base."""
    nothing = csr_matrix((sequences.height, fitted.matrix(sequences).shape[1]))
    unit = f"the score of {fitted.spec.name}, which does not say what each word adds"
    return Contributions(nothing, fitted.score(sequences), distance_link, unit)


def _nearest_normal_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    return neighbour_distance(fitted.estimator, fitted.matrix(sequences), _attribution_groups(fitted, sequences))


def _distance_attribution(fitted: Fitted, sequences: pl.DataFrame, reference: pl.DataFrame) -> Contributions:
    weigh = fitted.estimator.tfidf_.transform
    seen = csr_matrix(weigh(fitted.matrix(reference).astype(np.float64)))
    return compressed_distance(
        fitted.estimator, fitted.matrix(sequences), _attribution_baseline_columns(seen, sequences, reference)
    )


def _attribution_baseline_columns(seen: Any, sequences: pl.DataFrame, reference: pl.DataFrame) -> Any:
    """CSR rows, one per sequence: mean of the columns that most reference rows of its service hold, 0 elsewhere."""
    theirs, ours = service_names(reference).to_numpy(), service_names(sequences).to_numpy()
    mean, service = mean_service_bag(seen, theirs, ours)
    share, _ = mean_service_bag(with_data(seen, (seen.data != 0).astype(np.float64)), theirs, ours)
    return csr_matrix(np.where(share >= EXPECTED, mean, 0.0))[service]


def _attribution_groups(fitted: Fitted, sequences: pl.DataFrame) -> Any:
    return service_names(sequences).to_numpy() if fitted.spec.grouped else None


def _attribution_log_odds_link(value: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(value), np.float64)


_LOG_ODDS = "log-odds of an anomaly; score = 1 / (1 + exp(-value))"

EXPLAINERS: Mapping[str, Callable[[Fitted, pl.DataFrame, pl.DataFrame], Contributions]] = {
    "forest": _isolation_forest_attribution,
    "tree": _decision_tree_attribution,
    "boosted": _boosted_tree_attribution,
    "linear": _linear_model_attribution,
    "neighbour": _nearest_normal_attribution,
    "sum": _column_sum_attribution,
    "distance": _distance_attribution,
    "own": _undivided_attribution,
}
"""How each ``ModelSpec.explains`` is decomposed over the columns of its matrix."""
BY_SHAP = frozenset({"forest", "tree"})
"""Those that shap decomposes."""
