"""New logs scored and explained in memory by a fitted model: columns to read, templates known, runs and findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from lo2.diff.comparison import Comparison
from lo2.engine import EngineOptions, run_in_parallel
from lo2.errors import RunFailedError
from lo2.evaluation.runs import Runs, judge_runs
from lo2.explain.earliest import earliest_lines
from lo2.explain.explanation import Explanation, choose_explained, explain_model
from lo2.explain.options import ExplainOptions
from lo2.loading.inventory import Inventory, LoadOptions, Shard, take_inventory
from lo2.models.base import Fitted
from lo2.models.learnt_words import TEMPLATES
from lo2.models.training import predict, trained_p_values
from lo2.pipeline.events import events_reader
from lo2.pipeline.findings import OddRuns, findings_of_flagged, flagged_runs_and_cases
from lo2.pipeline.judging import rows_to_judge
from lo2.pipeline.learnt_variables import merge_learnt_variables
from lo2.pipeline.pieces import cut_into_pieces
from lo2.pipeline.reference import TrainingReference, merge_template_lists
from lo2.pipeline.sequences import Sequences, code_sequence_tokens, sequences_fingerprint
from lo2.pipeline.shards import load_shard

NO_REFERENCE = "there is no reference of the training normals next to the bundle: train again to have lines explained"


@dataclass(frozen=True)
class NewLogs:
    """A table to score, and the raw logs it was made from, where they are at hand."""

    table: Sequences
    inventory: Inventory | None = None


@dataclass(frozen=True, repr=False)
class ScoredLogs:
    """What a model says of new logs.

    ``predictions`` are by ``seq_id``; ``runs`` are fused over services; ``explanation`` is None where there was nothing
    to compare with, which ``notes`` say; ``findings`` are the lines of odd runs that the training normals do not
    explain. ``reasons`` say by service why rows are not flagged.
    """

    predictions: pl.DataFrame
    runs: Runs
    explanation: Explanation | None
    findings: Comparison
    notes: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        runs, found = (
            f"{self.runs.frame.height:,} runs, {self.runs.flagged_runs.height:,} flagged",
            self.findings.findings,
        )
        return f"ScoredLogs({self.predictions.height:,} sequences of {runs}; {len(found):,} findings)"


def score_new_logs(
    fitted: Fitted,
    new: NewLogs,
    reference: TrainingReference | None,
    *,
    options: ExplainOptions | None = ExplainOptions(),
    keep_startup: bool = False,
) -> ScoredLogs:
    """Score, judge and, unless ``options`` is None, explain new logs against the training normals."""
    table = merge_learnt_variables(new.table, fitted.variables)
    scores = fitted.score(table.frame)
    judgement = trained_p_values(fitted, table.frame, scores)
    predictions = predict(fitted, table.frame, scores=scores, judgement=judgement)
    rows, remembered = rows_to_judge(table.frame, judgement.p_value, scores), fitted.reference
    runs = judge_runs(rows, known=remembered.runs, errors=remembered.errors)
    odd = OddRuns(runs.frame, runs.n, flagged_runs_and_cases(predictions))
    if options is None:
        nothing = findings_of_flagged(None, odd, None, command="score", why="lines were not asked for")
        return ScoredLogs(predictions, runs, None, nothing, (), judgement.reasons)
    if reference is None:
        nothing = findings_of_flagged(None, odd, None, command="score", why=NO_REFERENCE)
        return ScoredLogs(predictions, runs, None, nothing, (NO_REFERENCE,), judgement.reasons)
    found = findings_of_flagged(
        reference, odd, new.inventory, command="score", why="the raw logs are not at hand", keep_startup=keep_startup
    )
    why = _why_scored_is_unexplained(fitted, reference)
    if why:
        return ScoredLogs(predictions, runs, None, found, (why,), judgement.reasons)
    explanation = _explain_scored_sequences(
        fitted, table, predictions, reference, new.inventory, options, keep_startup=keep_startup
    )
    first = earliest_lines(runs.frame, predictions, explanation.lines).select(runs.frame.columns)
    return ScoredLogs(predictions, replace(runs, frame=first), explanation, found, explanation.notes, judgement.reasons)


def _why_scored_is_unexplained(fitted: Fitted, reference: TrainingReference) -> str:
    """Why sequences cannot be explained, if so."""
    if not reference.normals.height:
        return NO_REFERENCE
    column = fitted.spec.reads(reference.normals)
    if fitted.vectorizer is not None and column not in reference.normals.columns:
        return f"{fitted.spec.name} reads {column}, which the reference of the training normals does not hold"
    return ""


def _explain_scored_sequences(
    fitted: Fitted,
    table: Sequences,
    predictions: pl.DataFrame,
    reference: TrainingReference,
    inventory: Inventory | None,
    options: ExplainOptions,
    *,
    keep_startup: bool,
) -> Explanation:
    known = reference.merged(table.texts or {})
    texts = dict(reference.templates.select("template_id", "text").drop_nulls().iter_rows()) | dict(known.values())
    chosen = choose_explained(predictions, model=fitted.spec.name, options=options)["seq_id"]
    return explain_model(
        fitted,
        _scored_with_known_templates(table.frame, chosen, known),
        predictions,
        options=options,
        texts=texts,
        events=None if inventory is None else events_reader(inventory),
        keep_startup=keep_startup,
        reference=reference.normals,
    )


def _scored_with_known_templates(
    frame: pl.DataFrame, chosen: pl.Series, known: Mapping[str, tuple[str, str]]
) -> pl.DataFrame:
    """The table with the templates of the rows to explain named as the reference names them."""
    if not {TEMPLATES, f"{TEMPLATES}_count"} <= set(frame.columns):
        return frame
    explained = pl.col("seq_id").is_in(chosen.implode())
    rows = frame.filter(explained)
    kinds = {name: frame.schema[name] for name in (TEMPLATES, f"{TEMPLATES}_count")}
    rows = rows.with_columns(one.cast(kinds[one.name]) for one in merge_template_lists(rows, known))
    return pl.concat([rows, frame.filter(~explained)]).sort("seq_id")


def read_new_logs(root: Path, fitted: Fitted, load: LoadOptions, engine: EngineOptions = EngineOptions()) -> NewLogs:
    """New logs as a model needs them: without the columns that it does not read.

    Raises
    ------
    RunFailedError
        If a file cannot be read and ``skip_bad_files`` is off.
    """
    inventory = take_inventory(root, load, labelled=False)
    whole = bool(load.group_by or load.window)
    work = [piece for shard in inventory.shards for piece in cut_into_pieces(shard, engine.batch_bytes, whole=whole)]
    bad, frames, texts = list(inventory.bad), [], dict[str, str]()
    for frame, pairs, held in run_in_parallel(
        _LightShard(inventory.options, tuple(columns_to_score(fitted))), work, engine
    ):
        frames.append(code_sequence_tokens(frame))
        bad += pairs
        texts |= held
    if bad and not load.skip_bad_files:
        raise RunFailedError(
            f"{len(bad)} files could not be read, first {bad[0][0]} ({bad[0][1]}). See --skip-bad-files"
        )
    every = pl.concat(frames).sort("seq_id")
    return NewLogs(Sequences(every, sequences_fingerprint(every), texts=texts), inventory)


def columns_to_score(fitted: Fitted) -> list[str]:
    """Heavy columns that scoring and explaining read."""
    return [fitted.spec.column, f"{fitted.spec.column}_count", TEMPLATES, f"{TEMPLATES}_count"]


@dataclass(frozen=True)
class _LightShard:
    """Loads a shard and lets go of the columns nobody asked for, in the worker."""

    options: LoadOptions
    columns: tuple[str, ...]

    def __call__(self, shard: Shard) -> tuple[pl.DataFrame, list[tuple[str, str]], dict[str, str]]:
        result = load_shard(shard, self.options)
        heavy = [
            n for n in result.sequences.columns if n.startswith(("e_trigrams", "e_event")) and n not in self.columns
        ]
        texts = {f"{number:08x}": text for number, text in result.templates.items()}
        return result.sequences.drop(heavy), result.bad_files, texts


def keeps_startup_lines(card: Mapping[str, Any]) -> bool:
    """Whether the bundle's features were made with start-up lines."""
    return bool((card.get("door") or {}).get("keep_startup"))
