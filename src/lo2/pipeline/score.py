"""Scoring with a saved bundle and its threshold: new logs or any sequence Parquet, no training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from lo2.artefacts import provenance
from lo2.artefacts.files import sha256
from lo2.artefacts.layout import Home
from lo2.artefacts.places import sequences_path
from lo2.engine import EngineOptions, run_shards
from lo2.errors import CheckFailedError, RunFailedError, UsageError
from lo2.evaluation import DriftLimits, DriftReport, Runs, drift, drift_sample, judge_runs, verdicts
from lo2.evaluation.runs import LEVEL
from lo2.evaluation.shortcuts import PANEL
from lo2.loading.inventory import LoadOptions, Shard, take_inventory
from lo2.models.base import Fitted
from lo2.models.training import judged, predict
from lo2.options import option, record
from lo2.pipeline.cards import read_bundle
from lo2.pipeline.door import through
from lo2.pipeline.judging import run_rows
from lo2.pipeline.phase import phase
from lo2.pipeline.sequences import Sequences, coded, find_sequences, fingerprint, read_sequences
from lo2.pipeline.shards import load_shard, pieces


@dataclass(frozen=True)
class ScoreRunOptions:
    """What to score with what."""

    model: Path | None = option(None, "Bundle, by default models/knn_words.joblib, else models/lo2_if.joblib")
    root: Path | None = option(None, "Raw logs to load and score")
    sequences: Path | None = option(None, "Sequence Parquet to score")
    fail_on: str = option("never", "`flagged`: exit 3 when a run is flagged at 0.05")
    accept_changed: bool = option(False, "Go on with an edited sequence Parquet, and record it", more=True)


@dataclass(frozen=True)
class Scored:
    """Predictions of new data, where they were written, and how far the data has drifted from the hold-out."""

    predictions: pl.DataFrame
    path: Path
    model: str
    threshold: float
    drift: DriftReport | None
    notes: tuple[str, ...] = ()
    runs: Runs | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def flagged(self) -> int:
        """Number of sequences whose p-value is at most the level."""
        return int(self.predictions[f"flagged_{self.model}"].fill_null(value=False).sum())

    @property
    def verdicts(self) -> list[str]:
        """What must be said before the scores are read."""
        runs = {} if self.runs is None else {self.model: self.runs}
        own, reasons = {self.model: self.predictions}, {self.model: self.reasons}
        found = verdicts(own, {}, pl.DataFrame(schema=PANEL), runs, reasons)
        return [*(() if self.drift is None else self.drift.loud), *found]


def score_run(
    home: Home,
    options: ScoreRunOptions,
    *,
    load: LoadOptions = LoadOptions(),
    engine: EngineOptions = EngineOptions(),
    limits: DriftLimits = DriftLimits(),
) -> Scored:
    """Score and write ``scored/<fingerprint>/``.

    Raises
    ------
    UsageError
        Unless exactly one of ``root`` and ``sequences`` is given (neither: those of ``home``).
    UntrustedBundleError
        If the bundle fails a check, before anything in it runs.
    """
    if options.root is not None and options.sequences is not None:
        raise UsageError("--root and --sequences name two inputs. Give one")
    if options.fail_on not in ("never", "flagged"):
        raise UsageError(f"--fail-on {options.fail_on!r} does not exist. Choices: never, flagged")
    recommended = home.path("model_bundle", model="knn_words")
    used = options.model or (recommended if recommended.is_file() else home.path("bundle"))
    fitted, bundle = read_bundle(used)
    load = through(bundle.card.get("door"), load)
    source = options.root or options.sequences or sequences_path(home)
    facts = {"bundle_sha256": sha256(used), "load": record(load) if options.root is not None else None}
    with phase(home, "score", facts, source=source.absolute(), bundle=used.absolute()) as p:
        table = _read(home, fitted, options, load, engine)
        p.fingerprint = p.noted["fingerprint"] = table.fingerprint
        name = fitted.spec.name
        scores = fitted.score(table.frame)
        judgement = judged(fitted, table.frame, scores)
        predictions = predict(fitted, table.frame, scores=scores, judgement=judgement)
        runs = judge_runs(run_rows(table.frame, judgement.p_value, scores), known=fitted.reference.runs)
        place = table.fingerprint[:16]
        path = p.write("scored", predictions, fingerprint=place, model=name)
        p.write("scored_runs", runs.frame, fingerprint=place, model=name)
        notes = [*table.notes, *bundle.notes, *fitted.notes]
        if bundle.card.get("data_fingerprint") == table.fingerprint:
            notes.append("these are the sequences the bundle was trained on: scores of training rows flatter it")
        # Scores of rows that were trained on do not drift, they flatter.
        same = bundle.card.get("data_fingerprint") == table.fingerprint
        report = None if same else _drift(home, fitted, table, predictions, limits)
    said = tuple(dict.fromkeys([*notes, *p.notes]))
    return Scored(predictions, path, name, fitted.thresholds.overall, report, said, runs, judgement.reasons)


def verdict(scored: Scored, *, fail_on: str) -> None:
    """Raise if the caller wanted to know of flagged runs, or a drift limit is broken.

    Where there are too few normal runs to tell, that ends a run that was to be judged, too.

    Raises
    ------
    CheckFailedError
        With what was found.
    """
    if scored.drift is not None and scored.drift.breaches:
        raise CheckFailedError("drift beyond its limit: " + "; ".join(scored.drift.breaches))
    if fail_on != "flagged" or scored.runs is None:
        return
    runs = scored.runs
    if not runs.n:  # a bundle that knows no normal run
        above = int(scored.predictions[f"pred_{scored.model}_threshold"].sum())
        if above:
            raise CheckFailedError(f"{above} of {scored.predictions.height} sequences are flagged by the threshold")
    elif not runs.tellable:
        raise CheckFailedError(
            f"whether a run is flagged cannot be told: the bundle knows {runs.n} normal runs, a p-value of {LEVEL:g} "
            f"takes {round(1 / LEVEL) - 1}. Train on more runs"
        )
    elif runs.flagged.height:
        row = runs.flagged.row(0, named=True)
        raise CheckFailedError(
            f"{runs.flagged.height} of {runs.frame.height} runs are flagged, {row['run']!r} first "
            f"(p {row['p_value']:.3f}; look first at {row['earliest_service'] or 'its log'})"
        )


def _read(home: Home, fitted: Fitted, options: ScoreRunOptions, load: LoadOptions, engine: EngineOptions) -> Sequences:
    heavy = [fitted.spec.column, f"{fitted.spec.column}_count", "e_event_drain_id", "e_event_drain_id_count"]
    if options.root is not None:
        return _load(options.root, heavy, load, engine)
    path = find_sequences(options.sequences or sequences_path(home))
    provenance.check_read(home, path, accept_changed=options.accept_changed)
    return read_sequences(path, heavy=heavy)


@dataclass(frozen=True)
class _LightShard:
    """Loads a shard and lets go of the columns nobody asked for, in the worker."""

    options: LoadOptions
    columns: tuple[str, ...]

    def __call__(self, shard: Shard) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
        result = load_shard(shard, self.options)
        heavy = [
            n for n in result.sequences.columns if n.startswith(("e_trigrams", "e_event")) and n not in self.columns
        ]
        return result.sequences.drop(heavy), result.bad_files


def _pieces(shard: Shard, options: LoadOptions, engine: EngineOptions) -> list[Shard]:
    return pieces(shard, engine.batch_bytes, whole=bool(options.group_by or options.window))


def _load(root: Path, heavy: list[str], options: LoadOptions, engine: EngineOptions) -> Sequences:
    inventory = take_inventory(root, options, labelled=False)
    work = [piece for shard in inventory.shards for piece in _pieces(shard, options, engine)]
    done = [
        (coded(frame), bad) for frame, bad in run_shards(_LightShard(inventory.options, tuple(heavy)), work, engine)
    ]
    bad = [*inventory.bad, *(pair for _, pairs in done for pair in pairs)]
    if bad and not options.skip_bad_files:
        raise RunFailedError(
            f"{len(bad)} files could not be read, first {bad[0][0]} ({bad[0][1]}). See --skip-bad-files"
        )
    frame = pl.concat([frame for frame, _ in done]).sort("seq_id")
    return Sequences(frame, fingerprint(frame))


def _drift(
    home: Home, fitted: Fitted, table: Sequences, predictions: pl.DataFrame, limits: DriftLimits
) -> DriftReport | None:
    """Drift against the hold-out of this data state, where its predictions are at hand."""
    name = fitted.spec.name
    known = home.path("predictions", model=name)
    if not known.is_file() or not home.path("sequences").is_file():
        return None
    before = pl.read_parquet(known)
    holdout = before.filter(pl.col("split") == "holdout")["seq_id"]
    rows = read_sequences(home.path("sequences"), heavy=["e_event_drain_id", "e_event_drain_id_count"], rows=holdout)
    if not rows.frame.height:
        return None
    reference = drift_sample(before, rows.frame, model=name, split="holdout")
    return drift(reference, drift_sample(predictions, table.frame, model=name), limits=limits)
