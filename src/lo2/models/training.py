"""Training: a model fitted, calibrated on hold-out normals, with a budget, per service or cross-fitted; predictions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lo2 import schema
from lo2.errors import SchemaError, TooFewError, UnreachableBudgetError, UsageError
from lo2.metrics.conformal import AlertBudget, alert_budget, merged_ranks
from lo2.models.base import (
    Fitted,
    ModelSpec,
    Reference,
    Strings,
    check_model_column,
    fit_with_vocabulary,
    model_matrix,
)
from lo2.models.judgement import ENOUGH, Judgement, LeftOutScores, judgement_of_scores
from lo2.models.matrix import make_vectorizer, make_vocabulary
from lo2.models.options import TrainOptions
from lo2.models.split import check_split, fold_runs, trainable_rows
from lo2.models.table import MODELS
from lo2.models.threshold import Floats, ServiceThreshold, Thresholds, fit_thresholds, offset_of_threshold
from lo2.pool import distinct_pool_lists
from lo2.registry import lookup
from lo2.rows import rows_of_each, run_names, service_names


def train(
    name: str | ModelSpec,
    sequences: pl.DataFrame,
    split: pl.Series,
    *,
    options: TrainOptions | None = None,
    seed: int = 0,
) -> Fitted:
    """Model ``name``, of the registry or one's own, fitted on training runs, with thresholds from hold-out normals.

    ``sequences`` are ``lo2.schema.SEQUENCES`` or what there is of it, in any order; ``split`` has the side of each row,
    from ``split_runs`` and its like; ``options`` are of the model's own ``ModelSpec.options``. Supervised models also
    learn from the ``unused`` rows (anomalies) of training runs; all others see training normals only.

    Raises
    ------
    TooFewError
        If there is too little to train on, or no hold-out normal.
    """
    check_split(sequences, split)
    holdout = sequences.filter(split == "holdout")
    fitted = _train_uncalibrated(name, sequences, split, options, seed)
    scores, services = fitted.score(holdout), service_names(holdout).to_numpy()
    calibrated = _calibrate_on_normals(fitted, scores, services)
    few = any(one.size < ENOUGH for one in calibrated.reference.holdout.values())
    if not fitted.spec.by_run or not few:
        return calibrated
    rows = sequences.filter(split == "train").sort("seq_id", maintain_order=True)
    left = _training_scores_left_out(fitted.spec, rows, trainable_rows(rows), seed)
    normal = _calibration_scores(
        np.concatenate([left, scores]), np.concatenate([service_names(rows).to_numpy(), services])
    )
    return replace(calibrated, reference=replace(calibrated.reference, normal=normal))


def train_left_out(
    name: str | ModelSpec, sequences: pl.DataFrame, *, options: TrainOptions | None = None, seed: int = 0
) -> LeftOutScores | None:
    """Score of every row by a model that learnt from all normal rows of other runs; None where there is one run.

    One fit serves for models that can leave a row's own run out; others are fitted in five folds of whole runs.
    """
    normal, runs = trainable_rows(sequences), run_names(sequences)
    n_runs = runs.filter(normal).n_unique()
    if n_runs < 2 or normal.sum() < 3:
        return None
    spec = _spec_to_train(name)
    if spec.by_run:
        scores = _training_scores_left_out(spec, sequences, normal, seed)
    else:
        fold = fold_runs(sequences, folds=min(5, n_runs), seed=seed).to_numpy()
        scores = _train_on_folds(name, sequences, fold, options, seed)[0]
    return LeftOutScores(scores, normal.to_numpy(), np.asarray(runs.to_list(), object))


def _training_scores_left_out(spec: ModelSpec, rows: pl.DataFrame, normal: pl.Series, seed: int) -> Floats:
    """Scores of ``rows`` among those that are ``normal``, each without its own run."""
    vectorizer = make_vectorizer(
        make_vocabulary(distinct_pool_lists(rows.filter(normal), spec.reads(rows))[0].to_series())
    )
    X, services, runs = (
        model_matrix(spec, vectorizer, (), rows),
        service_names(rows).to_numpy(),
        run_names(rows).to_numpy(),
    )
    learnt = normal.to_numpy()
    estimator = spec.build(seed=seed).set_params(leave_own_run=True)
    with threadpool_limits(1):
        estimator.fit(X[learnt], groups=services[learnt], runs=runs[learnt])
        return -np.asarray(estimator.score_samples(X, services, runs), np.float64)


def with_alert_budget(fitted: Fitted, per_thousand: float) -> tuple[Fitted, dict[str, AlertBudget]]:
    """The model with thresholds that keep an alert budget, and what each promises; service "" stands for all rows."""
    budgets = {}
    for service, holdout in sorted({**fitted.reference.holdout, "": fitted.reference.pooled_scores()}.items()):
        try:
            budgets[service] = alert_budget(holdout, per_thousand)
        except UnreachableBudgetError as error:
            raise UnreachableBudgetError(f"{fitted.spec.name}, {service or 'all services'}: {error}") from error
    by_service = {s: ServiceThreshold(b.threshold, b.n) for s, b in budgets.items() if s}
    overall = budgets[""]
    thresholds = Thresholds(overall.threshold, 100 * (1 - per_thousand / 1000), overall.n, by_service)
    return _with_calibration(fitted, thresholds, fitted.reference), budgets


def trained_p_values(
    fitted: Fitted, sequences: pl.DataFrame, scores: Floats | None = None, left: LeftOutScores | None = None
) -> Judgement:
    """p-values of ``sequences`` at the model's level: new data, or with ``left`` those that it was made with."""
    scores = fitted.score(sequences) if scores is None else scores
    repeats, services = fitted.spec.by_run, service_names(sequences).to_numpy()
    return judgement_of_scores(fitted.reference, scores, services, level=fitted.level, left_out=left, repeats=repeats)


def predict(
    fitted: Fitted,
    sequences: pl.DataFrame,
    split: pl.Series | None = None,
    *,
    scores: Floats | None = None,
    judgement: Judgement | None = None,
) -> pl.DataFrame:
    """Predictions of every row, ``lo2.schema.predictions_table(name)``, sorted by ``seq_id``.

    Without ``split`` all rows count as ``test``: new data. p-values and flags are null on training rows. ``scores`` and
    ``judgement`` are those of the rows where they are known already.
    """
    scores = fitted.score(sequences) if scores is None else scores
    found_p = trained_p_values(fitted, sequences, scores) if judgement is None else judgement
    name, p_value = fitted.spec.name, found_p.p_value
    side = pl.Series(["test"] * sequences.height, dtype=pl.String) if split is None else split.cast(pl.String)
    values: dict[str, Any] = {
        "split": side,
        f"score_{name}": scores,
        f"rank_{name}": pl.Series(scores).rank("min", descending=True),
        # What predict() does, without scoring twice; the estimator's offset carries the threshold.
        "pred_ano": -scores < fitted.estimator.offset_,
        f"pred_{name}_threshold": scores >= fitted.thresholds.overall,
        f"p_value_{name}": pl.Series(p_value).fill_nan(None).set(side == "train", None),
        "oov_share": fitted.oov_share(sequences),
        f"flagged_{name}": found_p.flagged.set(side == "train", None),
    }
    table = schema.predictions_table(name)
    identity = [column for column in (*schema.IDENTITY, "anomaly") if column in sequences.columns]
    found = sequences.select(identity).with_columns(pl.Series(column, value) for column, value in values.items())
    found = found.with_columns(pl.lit(None).alias(column) for column in table if column not in found.columns)
    typed = [pl.col(column).cast(kind.dtype) for column, kind in table.items()]
    return found.select(typed).sort("seq_id", maintain_order=True)


def train_per_service(
    name: str, sequences: pl.DataFrame, split: pl.Series, *, options: TrainOptions | None = None, seed: int = 0
) -> tuple[dict[str, Fitted], dict[str, str]]:
    """One model per service; and for each service that has too little for one, why."""
    if "service" not in sequences.columns:
        raise SchemaError("one model per service needs the column 'service' (String); it is missing")
    fitted, skipped, names = {}, {}, service_names(sequences).to_numpy()
    for service, own in rows_of_each(names):
        if not service:
            continue
        rows = pl.Series(own)
        try:
            fitted[service] = train(name, sequences.filter(rows), split.filter(rows), options=options, seed=seed)
        except TooFewError as error:
            skipped[service] = str(error)
    if not fitted:
        raise TooFewError(f"no service has enough for a {name} of its own: {skipped}")
    return fitted, skipped


def predict_per_service(
    fitted: Mapping[str, Fitted], sequences: pl.DataFrame, split: pl.Series | None = None
) -> pl.DataFrame:
    """Predictions of all services in one table; rows of services without a model are left out.

    Scores of different models do not compare: the p-value ranks, and (score - median) / MAD of the service's hold-out
    normals breaks its ties.
    """
    names, parts, keys = service_names(sequences).to_numpy(), [], []
    for service, own in rows_of_each(names):
        if service not in fitted:
            continue
        model, rows = fitted[service], pl.Series(own)
        part = predict(model, sequences.filter(rows), None if split is None else split.filter(rows))
        compared = part[f"score_{model.spec.name}"].to_numpy(), names[own]
        p_value = trained_p_values(model, sequences.filter(rows), compared[0]).p_value
        parts.append(part)
        keys.append(np.stack([p_value, model.reference.robust_z(*compared)]))
    ranks = pl.Series(merged_ranks(*np.concatenate(keys, axis=1))).fill_nan(0.0)
    column = next(name for name in parts[0].columns if name.startswith("rank_"))
    rank = ranks.rank("min", descending=True).cast(pl.UInt32)
    return pl.concat(parts).with_columns(rank.alias(column)).sort("seq_id")


def train_cross_fitted(
    name: str, sequences: pl.DataFrame, *, folds: int = 5, options: TrainOptions | None = None, seed: int = 0
) -> pl.DataFrame:
    """Out-of-sample predictions of every row, each fold of runs scored by a model that never saw it.

    For few normals, where a hold-out would be smaller still. Threshold and p-values of a fold come from the
    out-of-fold scores of the other folds' normals (cross-conformal); every row counts as ``test``.
    """
    fold, normal = fold_runs(sequences, folds=folds, seed=seed).to_numpy(), trainable_rows(sequences).to_numpy()
    services, parts = service_names(sequences).to_numpy(), []
    scores, models = _train_on_folds(name, sequences, fold, options, seed)
    for k in range(folds):
        rows, others = fold == k, (fold != k) & normal
        model = _calibrate_on_normals(models[k], scores[others], services[others])
        parts.append(predict(model, sequences.filter(pl.Series(rows)), scores=scores[rows]))
    rank = pl.col(f"score_{name}").rank("min", descending=True).cast(pl.UInt32)
    return pl.concat(parts).with_columns(rank.alias(f"rank_{name}")).sort("seq_id", maintain_order=True)


def _spec_to_train(name: str | ModelSpec) -> ModelSpec:
    return lookup(MODELS, name, kind="model") if isinstance(name, str) else name


def _train_on_folds(
    name: str | ModelSpec, sequences: pl.DataFrame, fold: NDArray[np.int64], options: TrainOptions | None, seed: int
) -> tuple[Floats, list[Fitted]]:
    """Scores of all rows, each by the model of its fold, which saw none of it; and these models."""
    normal, scores, models = trainable_rows(sequences).to_numpy(), np.zeros(sequences.height), []
    for k in range(int(fold.max()) + 1):
        side = pl.Series(np.where(fold == k, "test", np.where(normal, "train", "unused")))
        models.append(_train_uncalibrated(name, sequences, side, options, seed))
        scores[fold == k] = models[k].score(sequences.filter(side == "test"))
    return scores, models


def _train_uncalibrated(
    name: str | ModelSpec, sequences: pl.DataFrame, split: pl.Series, options: TrainOptions | None, seed: int
) -> Fitted:
    """Model fitted on the training side, not yet calibrated."""
    spec = _spec_to_train(name)
    name = spec.name
    chosen = spec.options() if options is None else options
    if type(chosen) is not spec.options:
        raise UsageError(f"{name} takes {spec.options.__name__}, not {type(chosen).__name__}")
    spec = replace(spec, column=getattr(chosen, "item", spec.column))
    check_model_column(spec, sequences)
    learnt, runs = split == "train", run_names(sequences)
    if spec.supervised:
        learnt |= (split == "unused") & runs.is_in(runs.filter(learnt).unique().implode())
    rows = sequences.filter(learnt).sort("seq_id", maintain_order=True)
    if rows.height < 2:
        raise TooFewError(
            f"{rows.height} rows to train {name} on: it takes 2 normal sequences or more in training runs"
        )
    # On one thread: sums over several depend on which comes first.
    with threadpool_limits(1):
        estimator, vectorizer, numeric = (spec.fit or fit_with_vocabulary)(spec, rows, chosen, seed)
    uncounted = spec.counts and f"{spec.column}_count" not in sequences.columns
    notes = (f"no column '{spec.column}_count': tokens count as present or absent",) if uncounted else ()
    thresholds = Thresholds(np.inf, chosen.percentile, 0)
    return Fitted(spec, vectorizer, estimator, thresholds, Reference(rows.height, 0), numeric, chosen, seed, notes)


def _calibrate_on_normals(fitted: Fitted, scores: Floats, services: Strings) -> Fitted:
    """Model with thresholds and p-values from the scores of normals that it did not see."""
    thresholds = fit_thresholds(scores, services, percentile=fitted.options.percentile)
    reference = replace(fitted.reference, holdout_rows=scores.size, holdout=_calibration_scores(scores, services))
    return _with_calibration(fitted, thresholds, reference)


def _calibration_scores(scores: Floats, services: Strings) -> dict[str, Floats]:
    return {service: np.sort(scores[rows]) for service, rows in rows_of_each(services)}


def _with_calibration(fitted: Fitted, thresholds: Thresholds, reference: Reference) -> Fitted:
    # In a copy: whoever holds the fitted estimator keeps it as it was. Not ``copy``, which leaves out what pickles do.
    estimator = object.__new__(type(fitted.estimator))
    vars(estimator).update(vars(fitted.estimator), offset_=offset_of_threshold(thresholds.overall))
    return replace(fitted, estimator=estimator, thresholds=thresholds, reference=reference)
