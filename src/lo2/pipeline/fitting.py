"""Fitting in memory: models chosen, trained or loaded and refitted, with the reference forest; as options say."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from lo2.artefacts.bundle import Bundle
from lo2.errors import UsageError
from lo2.evaluation.drift import drift, drift_sample
from lo2.evaluation.options import DriftLimits, ScoreOptions
from lo2.extras import need_extra
from lo2.features.variables import Variables
from lo2.metrics.conformal import AlertBudget
from lo2.models.base import Fitted, ModelSpec
from lo2.models.options import LEADING, ForestOptions, SplitOptions
from lo2.models.split import apply_split, split_runs
from lo2.models.table import MODELS
from lo2.models.training import (
    predict,
    predict_per_service,
    train,
    train_cross_fitted,
    train_per_service,
    with_alert_budget,
)
from lo2.pipeline.cards import read_fitted_with_card
from lo2.pipeline.detection import Detection
from lo2.pipeline.judging import judge_rows, judging_options, remember_runs
from lo2.pipeline.learnt_variables import learn_table_variables
from lo2.pipeline.metrics import evaluate_detectors
from lo2.pipeline.options import DetectOptions
from lo2.pipeline.recorded import Recorded
from lo2.pipeline.sequences import Sequences
from lo2.registry import Named, lookup

REFERENCE = "if_binary_words"


def detect_options(recorded: Recorded) -> DetectOptions:
    """Options of the recorded call, but for files that it was given."""
    own: DetectOptions = recorded.options(DetectOptions)
    return replace(
        own,
        # Before there was such an option, knn_words ran only where it was named.
        skip_knn=recorded.values.get("skip_knn", True),
        forest=recorded.options(ForestOptions, "if"),
        split=recorded.options(SplitOptions, "split"),
        score=recorded.options(ScoreOptions, "score"),
    )


def fit_models(
    names: tuple[str, ...],
    table: Sequences,
    options: DetectOptions,
    *,
    limits: DriftLimits = DriftLimits(),
    own: ModelSpec | None = None,
) -> Detection:
    """Fit, predict and evaluate in memory, writing nothing. ``own`` is a model that the registry does not have."""
    sides = _split_for_fitting(table, options)
    variables = Variables()
    if any(_fits_learnt_words(name) for name in names):
        table, variables = learn_table_variables(table, sides)
    fitted, budgets = _fitted_models(names, table, sides, options, variables, own)
    judged = {
        name: judge_rows(model, table, sides, options.forest, seed=options.seed, loaded=options.loads_model(name))
        for name, model in fitted.items()
    }
    runs = {name: one.runs for name, one in judged.items()}
    fitted = {name: remember_runs(model, runs[name]) for name, model in fitted.items()}
    predictions = {
        name: predict(model, table.frame, sides, scores=judged[name].scores, judgement=judged[name].judgement)
        for name, model in fitted.items()
    }
    per_service, notes = _fit_per_service(names, table, sides, options) if options.per_service else ({}, [])
    predictions |= _predict_further(names, per_service, table, sides, options)
    paneled = tuple(name for name in predictions if not name.endswith("_cross_fit"))
    reference = _predict_reference_forest(table, sides, options, fitted)
    evaluation = evaluate_detectors(
        table.frame, predictions, reference, panel_of=paneled, score=options.score,
        seed=options.seed, runs=runs,
    )  # fmt: skip
    before, later = (
        drift_sample(predictions[names[0]], table.frame, model=names[0], split=side) for side in ("holdout", "test")
    )
    said = tuple(dict.fromkeys((*table.notes, *notes, *(note for model in fitted.values() for note in model.notes))))
    report = drift(before, later, limits=limits)
    judgements = {name: one.judgement for name, one in judged.items()}
    by_name = partial(Named, "detector")
    return Detection(
        table, sides, by_name(fitted), by_name(predictions), evaluation, report, by_name(per_service), by_name(budgets),
        said, by_name(runs), by_name(judgements), variables,
    )  # fmt: skip


def chosen_models(options: DetectOptions) -> tuple[str, ...]:
    """Names of the models that run: the recommended one first, then the forest, unless they are skipped."""
    choices = {n: s for n, s in MODELS.items() if not s.reference_only}
    groups = {"all": tuple(choices), "stable": tuple(n for n, s in choices.items() if s.stable)}
    named = [one for name in options.models for one in groups.get(name, (name,))]
    for name in named:
        lookup(choices, name, kind="model")
    skipped = dict(zip(LEADING, (options.skip_knn, options.skip_if), strict=True))
    # What is named by its own name runs, whatever is skipped; a group leaves out what is.
    named = [name for name in named if not skipped.get(name) or name in options.models]
    default = [name for name in LEADING if not skipped[name]]
    names = tuple(dict.fromkeys([*default, *named]))
    if not names:
        raise UsageError("--skip-if and --skip-knn leave no model. Name others with --models, see --list-models")
    for name in names:
        need_extra(MODELS[name].library or "sklearn", what=f"Training {name}")
    if "if" not in names and options.load_model is not None:
        raise UsageError("--load-model scores with the forest that --skip-if leaves out. Choose one")
    return names


def refit_model(name: str, table: Sequences, recorded: Recorded, *, predictions: pl.DataFrame | None = None) -> Fitted:
    """Model fitted again, or loaded again, as a recorded detection of this table says it was; the same bytes come out.

    Its ``predictions``, where they are at hand, hold the split that a file gave.

    Raises
    ------
    InputNotFoundError
        If the detection used a file that is gone or changed: a loaded model, or a given split.
    """
    forest = recorded.options(ForestOptions, "if")
    inputs = recorded.values["inputs"]
    if name == "if" and "load_model" in inputs:
        fitted, _ = read_fitted_with_card(recorded.inputs({"load_model": inputs["load_model"]})["load_model"])
    else:
        sides, variables = _refitted_split(table, recorded, predictions), Variables()
        if _fits_learnt_words(name):
            table, variables = learn_table_variables(table, sides)
        fitted = train(name, table.frame, sides, options=judging_options(name, forest), seed=recorded.facts["seed"])
        fitted = replace(fitted, variables=variables)
    budget = recorded.values.get("alert_budget")
    return fitted if budget is None else with_alert_budget(fitted, budget)[0]


def _refitted_split(table: Sequences, recorded: Recorded, predictions: pl.DataFrame | None) -> pl.Series:
    if predictions is not None and _are_same_fitted_rows(predictions, table):
        return predictions["split"]
    if digest := recorded.values["inputs"].get("split_file"):
        given = recorded.inputs({"split_file": digest})["split_file"]
        return _split_for_fitting(table, DetectOptions(split_file=given))
    return split_runs(table.frame, recorded.options(SplitOptions, "split"))


def _fits_learnt_words(name: str) -> bool:
    return name in MODELS and MODELS[name].learnt


def _are_same_fitted_rows(predictions: pl.DataFrame, table: Sequences) -> bool:
    return predictions.height == table.frame.height and bool((predictions["seq_id"] == table.frame["seq_id"]).all())


def rename_fitted_predictions(predictions: pl.DataFrame, model: str, name: str) -> pl.DataFrame:
    """Predictions of ``model`` under another name."""
    columns = [*(f"{kind}_{model}" for kind in ("score", "rank", "p_value", "flagged")), f"pred_{model}_threshold"]
    return predictions.rename({column: column.replace(f"_{model}", f"_{name}", 1) for column in columns})


def _split_for_fitting(table: Sequences, options: DetectOptions) -> pl.Series:
    if options.split_file is None:
        return split_runs(table.frame, options.split)
    try:
        sides = json.loads(options.split_file.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--split-file {options.split_file} cannot be read ({error}). Write one with --save-split"
        ) from error
    return apply_split(table.frame, sides)


def _fitted_models(
    names: tuple[str, ...],
    table: Sequences,
    sides: pl.Series,
    options: DetectOptions,
    variables: Variables,
    own: ModelSpec | None,
) -> tuple[dict[str, Fitted], dict[str, Mapping[str, AlertBudget]]]:
    """The models, trained or loaded, and what their alert budgets promise."""
    fitted: dict[str, Fitted] = {}
    budgets: dict[str, Mapping[str, AlertBudget]] = {}
    for name in names:
        if options.load_model is not None and options.loads_model(name):
            model = _load_fitted_model(options.load_model, table, sides)
        else:
            spec = own if own is not None and own.name == name else name
            model = train(spec, table.frame, sides, options=judging_options(name, options.forest), seed=options.seed)
        if _fits_learnt_words(name):
            model = replace(model, variables=variables)
        if options.alert_budget is not None:
            model, budgets[name] = with_alert_budget(model, options.alert_budget)
        fitted[name] = model
    return fitted, budgets


def _load_fitted_model(path: Path, table: Sequences, sides: pl.Series) -> Fitted:
    fitted, bundle = read_fitted_with_card(path)
    return replace(fitted, notes=(*fitted.notes, *bundle.notes, *_fitting_split_notes(path, bundle, table, sides)))


def _fitting_split_notes(path: Path, bundle: Bundle, table: Sequences, sides: pl.Series) -> tuple[str, ...]:
    """What is to be said where the split is not the one that the bundle was trained with."""
    if bundle.card.get("data_fingerprint") != table.fingerprint:
        why = f"{path} was trained on other sequences than these"
    elif bundle.card.get("training_rows") != int((sides == "train").sum()):
        why = f"{path} was trained with another split of these sequences"
    else:
        return ()
    return (f"{why}: rows it may have seen flatter its figures, and `split` does not tell which they are",)


def _fit_per_service(
    names: tuple[str, ...], table: Sequences, sides: pl.Series, options: DetectOptions
) -> tuple[dict[str, dict[str, Fitted]], list[str]]:
    models, notes = {}, []
    for name in names:
        models[name], skipped = train_per_service(
            name, table.frame, sides, options=judging_options(name, options.forest), seed=options.seed
        )
        notes += [f"{name} has no model of its own for {service}: {why}" for service, why in skipped.items()]
    return models, notes


def _predict_further(
    names: tuple[str, ...],
    per_service: Mapping[str, Mapping[str, Fitted]],
    table: Sequences,
    sides: pl.Series,
    options: DetectOptions,
) -> dict[str, pl.DataFrame]:
    """Predictions of models per service, and cross-fitted ones, under names of their own."""
    found = {}
    for name, models in per_service.items():
        of_service = predict_per_service(models, table.frame, sides)
        found[f"{name}_per_service"] = rename_fitted_predictions(of_service, name, f"{name}_per_service")
    for name in names if options.cross_fit else ():
        chosen = judging_options(name, options.forest)
        frame = train_cross_fitted(name, table.frame, folds=options.cross_fit, options=chosen, seed=options.seed)
        found[f"{name}_cross_fit"] = rename_fitted_predictions(frame, name, f"{name}_cross_fit")
    return found


def _predict_reference_forest(
    table: Sequences, sides: pl.Series, options: DetectOptions, fitted: Mapping[str, Fitted]
) -> dict[str, pl.DataFrame]:
    """The standard design next to the forest, as a row of the tables."""
    if "if" not in fitted or options.load_model is not None:
        return {}
    forest = train(REFERENCE, table.frame, sides, options=options.forest, seed=options.seed)
    return {REFERENCE: predict(forest, table.frame, sides)}
