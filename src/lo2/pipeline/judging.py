"""Judging rows and runs by a fitted model: left-out p-values, and the runs that a model remembers."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from lo2.evaluation.runs import Runs, judge_runs
from lo2.metrics.conformal import reachable_p_value
from lo2.models.base import Fitted, Reference
from lo2.models.judgement import ENOUGH, Judgement, LeftOutScores, judgement_of_scores
from lo2.models.options import ForestOptions, TrainOptions
from lo2.models.split import trainable_rows
from lo2.models.table import MODELS
from lo2.models.threshold import Floats
from lo2.models.training import train_left_out, trained_p_values
from lo2.pipeline.sequences import Sequences
from lo2.rows import evenly_spread_rows, run_names, service_names

# Fused scores of normal runs, and counts of their ERROR events, that a card keeps at most.
_MOST_RUNS = 2_000


@dataclass(frozen=True)
class JudgedRows:
    """Scores of all rows, their judgement, and the runs."""

    scores: Floats
    judgement: Judgement
    runs: Runs


def judging_options(name: str, forest: ForestOptions) -> TrainOptions:
    """Options of a model: the forest's own, and for the others the threshold that was asked for."""
    kind: type[TrainOptions] = MODELS[name].options if name in MODELS else TrainOptions
    if kind is ForestOptions:
        return forest
    return kind(contamination=forest.contamination, threshold_percentile=forest.threshold_percentile)


def judge_rows(
    fitted: Fitted, table: Sequences, sides: pl.Series, forest: ForestOptions, *, seed: int, loaded: bool
) -> JudgedRows:
    """Judge the rows that a model was made with; a ``loaded`` one knows their like from its card alone."""
    scores = fitted.score(table.frame)
    left = None if loaded else _judge_left_out(fitted, table, sides, forest, seed)
    judgement = trained_p_values(fitted, table.frame, scores, left)
    if left is None:
        p_value = np.where((sides == "train").to_numpy(), np.nan, judgement.p_value)
        return JudgedRows(scores, judgement, judge_runs(rows_to_judge(table.frame, p_value, scores)))
    everywhere = judgement_of_scores(
        Reference(0, 0), scores, service_names(table.frame).to_numpy(), level=fitted.level, left_out=left,
        repeats=fitted.spec.by_run,
    )  # fmt: skip
    return JudgedRows(scores, judgement, judge_runs(rows_to_judge(table.frame, everywhere.p_value, left.scores)))


def rows_to_judge(sequences: pl.DataFrame, p_value: Floats, scores: Floats) -> pl.DataFrame:
    """What runs are judged from."""
    given = sequences.columns
    return pl.DataFrame(
        {
            "run": run_names(sequences),
            "test_case": sequences["test_case"].cast(pl.String) if "test_case" in given else None,
            "service": service_names(sequences),
            "anomaly": sequences["anomaly"] if "anomaly" in given else ~trainable_rows(sequences),
            "normal": trainable_rows(sequences),
            "p_value": pl.Series(p_value).fill_nan(None),
            "score": scores,
            "n_error": sequences["n_error"].cast(pl.Float64) if "n_error" in given else None,
        },
        schema_overrides={"test_case": pl.String, "n_error": pl.Float64, "anomaly": pl.Boolean},
    )


def remember_runs(fitted: Fitted, runs: Runs) -> Fitted:
    """The model with the fused scores and ERROR events of left-out normal runs, thinned evenly where they are many."""
    errors = {service: _thin_judged_runs(found) for service, found in runs.errors.items()}
    return replace(fitted, reference=replace(fitted.reference, runs=_thin_judged_runs(runs.normal), errors=errors))


def _thin_judged_runs(values: Floats) -> Floats:
    kept = np.sort(values)
    return np.asarray(kept[evenly_spread_rows(kept.size, _MOST_RUNS)])


def _judge_left_out(
    fitted: Fitted, table: Sequences, sides: pl.Series, forest: ForestOptions, seed: int
) -> LeftOutScores | None:
    """Scores without the own run where hold-outs are few: of services or of runs; for models that are slow to fit again
    only where the hold-out could not reach the level."""
    services = service_names(table.frame).to_numpy()
    sizes = [fitted.reference.holdout.get(name, np.empty(0)).size for name in sorted(set(services.tolist()))]
    if fitted.spec.by_run:
        held = run_names(table.frame).filter(sides == "holdout").n_unique()
        wanted = min(sizes) < ENOUGH or held < ENOUGH
    else:
        wanted = not all(reachable_p_value(n, fitted.level) for n in sizes) and fitted.level > 0
    if not wanted:
        return None
    return train_left_out(fitted.spec, table.frame, options=judging_options(fitted.spec.name, forest), seed=seed)
