"""Phases D and E: split, train, threshold, score, evaluate; predictions, metrics, bundles written and recorded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from lo2 import schema
from lo2.artefacts import provenance
from lo2.artefacts.bundle import save_bundle
from lo2.artefacts.card import check_writable, read_card
from lo2.artefacts.files import write_json, write_parquet
from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.errors import ArtefactExistsError, UsageError
from lo2.evaluation.headline import ScoreOptions
from lo2.models import MODELS
from lo2.models.base import Fitted, ModelSpec
from lo2.models.bundles import EXTRA_ALLOWED, parameters, payload
from lo2.models.options import ForestOptions, TrainOptions
from lo2.models.split import SplitOptions, apply_sides, sides_of, split_runs
from lo2.models.training import predict, train
from lo2.options import option, record, restore
from lo2.pipeline.cards import make_card, read_bundle
from lo2.pipeline.load import suggest_variant
from lo2.pipeline.metrics import Evaluation, evaluate, keep, write_metrics
from lo2.pipeline.sequences import Sequences, read_sequences
from lo2.pipeline.source import now
from lo2.registry import lookup

REFERENCE = "if_binary_words"


@dataclass(frozen=True)
class DetectOptions:
    """Which detectors run, and what is kept of them."""

    models: tuple[str, ...] = option((), "Further detectors, see --list-models")
    skip_if: bool = option(False, "Leave the Isolation Forest out")
    save_model: bool = option(
        False, "Write bundles and their cards to the model root", flag="--save-model/--no-save-model"
    )
    overwrite_model: bool = option(False, "Replace a bundle that would change")
    load_model: Path | None = option(None, "Score with this bundle instead of training the forest")
    save_enhancers: bool = option(False, "Also write the feature cache enhanced/ for notebooks")
    sequences: Path | None = option(None, "Any sequence Parquet with seq_id and e_words")
    split_file: Path | None = option(None, "Use the split of this file (run -> train, holdout, test)")
    save_split: Path | None = option(None, "Write the split to this file")
    accept_changed: bool = option(False, "Go on with an edited sequence Parquet, and record it")
    seed: int = option(0, "Seed of forests, pseudo-novelty and bootstrap")


@dataclass(frozen=True)
class Detection:
    """Fitted models with their predictions and metrics, by model name; ``notes`` are worth saying."""

    sequences: Sequences
    split: pl.Series
    fitted: Mapping[str, Fitted]
    predictions: Mapping[str, pl.DataFrame]
    evaluation: Evaluation
    notes: tuple[str, ...] = ()


def detect_run(
    home: Home,
    options: DetectOptions = DetectOptions(),
    *,
    forest: ForestOptions = ForestOptions(),
    split: SplitOptions = SplitOptions(),
    score: ScoreOptions = ScoreOptions(),
    source: str = "detect",
    inputs: Mapping[str, Path] | None = None,
) -> Detection:
    """Train and evaluate on the sequences of ``home``, or of ``options.sequences``.

    ``inputs`` replaces those options that name files outside ``home``; ``lo2 restore`` takes them from the run's log.

    Raises
    ------
    ArtefactExistsError
        Before any work, if a bundle would change and ``overwrite_model`` is off.
    CheckFailedError
        If the sequence Parquet is not the one that was written.
    """
    given: dict[str, Any] = dict(inputs or {})
    options = replace(options, **given)
    names = chosen_models(options)
    with lock(home):
        started = datetime.now(UTC)
        path = options.sequences or home.path("sequences")
        provenance.check_read(home, path, accept_changed=options.accept_changed)
        table = read_sequences(path, heavy=_heavy(names))
        if options.save_model:
            for name in names:
                _check_bundle(home, name, table, options, forest, source)
        detection = run_models(names, table, options, forest=forest, split=split, score=score)
        written = _write(home, detection, path)
        models = _save_models(home, detection, options, source) if options.save_model else []
        _save_split(options, detection)
        facts = _facts(options, forest, split, score)
        written += write_metrics(home, detection.evaluation)
        kept = {"data_fingerprint": table.fingerprint, "options": facts, "seed": options.seed}
        keep(home, written, feature_set=feature_set(forest), contamination=forest.contamination, facts=kept)
        if options.save_enhancers:
            written.append(_write_cache(home, detection))
        provenance.record(
            home,
            phase="detect",
            options={**facts, "source": source},
            seed=options.seed,
            input_fingerprint=table.fingerprint,
            written=[*written, *models],
            made_from={one: [path] for one in (*written, *models) if _inside(home, path)},
        )
        outside = {name: getattr(options, name).absolute() for name in facts["inputs"]}
        provenance.log_run(home, phase="detect", started=started.isoformat(), seconds=_since(started), **outside)
    return detection


def run_models(
    names: tuple[str, ...],
    table: Sequences,
    options: DetectOptions,
    *,
    forest: ForestOptions = ForestOptions(),
    split: SplitOptions = SplitOptions(),
    score: ScoreOptions = ScoreOptions(),
) -> Detection:
    """Fit, predict and evaluate in memory, writing nothing."""
    sides = _split(table, options, split)
    fitted = {name: _fit(name, table, sides, options, forest) for name in names}
    predictions = {name: predict(model, table.frame, sides) for name, model in fitted.items()}
    reference = {}
    if "if" in fitted and options.load_model is None:
        usual = train(REFERENCE, table.frame, sides, options=model_options(REFERENCE, forest), seed=options.seed)
        reference = {REFERENCE: predict(usual, table.frame, sides)}
    evaluation = evaluate(table.frame, predictions, reference, score=score, seed=options.seed)
    notes = (*table.notes, *dict.fromkeys(note for model in fitted.values() for note in model.notes))
    return Detection(table, sides, fitted, predictions, evaluation, notes)


def refit(name: str, table: Sequences, facts: Mapping[str, Any]) -> Fitted:
    """Model fitted again as the facts of a recorded detection say it was; the same bytes come out."""
    recorded = facts["options"]
    forest = restore(ForestOptions, recorded["if"])
    split = split_runs(table.frame, restore(SplitOptions, recorded["split"]))
    return train(name, table.frame, split, options=model_options(name, forest), seed=facts["seed"])


def chosen_models(options: DetectOptions) -> tuple[str, ...]:
    """Names of the models that run, the forest first unless it is skipped."""
    for name in options.models:
        lookup({n: s for n, s in MODELS.items() if not s.reference_only}, name, kind="model")
    names = tuple(dict.fromkeys([*([] if options.skip_if else ["if"]), *options.models]))
    if not names:
        raise UsageError("--skip-if leaves no model. Name others with --models, see lo2 detect --list-models")
    if options.skip_if and options.load_model is not None:
        raise UsageError("--load-model scores with the forest that --skip-if leaves out. Choose one")
    return names


def model_options(name: str, forest: ForestOptions) -> TrainOptions:
    """Options of a model: the forest's own, and for the others the threshold that was asked for."""
    spec: ModelSpec = MODELS[name]
    if spec.options is ForestOptions:
        return forest
    return spec.options(contamination=forest.contamination, threshold_percentile=forest.threshold_percentile)


def feature_set(forest: ForestOptions) -> str:
    """Name of the features for the run's name: ``words``, ``trigrams``, ``words+numeric``."""
    return "+".join([forest.item.removeprefix("e_"), *(["numeric"] if forest.numeric else [])])


def _heavy(names: tuple[str, ...]) -> list[str]:
    columns = {MODELS[name].column for name in names}
    return ["e_event_drain_id", "e_event_drain_id_count", *sorted(columns), *(f"{c}_count" for c in sorted(columns))]


def _split(table: Sequences, options: DetectOptions, split: SplitOptions) -> pl.Series:
    if options.split_file is None:
        return split_runs(table.frame, split)
    try:
        sides = json.loads(options.split_file.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--split-file {options.split_file} cannot be read ({error}). Write one with --save-split"
        ) from error
    return apply_sides(table.frame, sides)


def _save_split(options: DetectOptions, detection: Detection) -> None:
    if options.save_split is not None:
        write_json(options.save_split, {"runs": sides_of(detection.sequences.frame, detection.split)})


def _fit(name: str, table: Sequences, sides: pl.Series, options: DetectOptions, forest: ForestOptions) -> Fitted:
    if name == "if" and options.load_model is not None:
        fitted, bundle = read_bundle(options.load_model)
        return replace(fitted, notes=(*fitted.notes, *bundle.notes))
    return train(name, table.frame, sides, options=model_options(name, forest), seed=options.seed)


def _check_bundle(
    home: Home, name: str, table: Sequences, options: DetectOptions, forest: ForestOptions, source: str
) -> None:
    intended = {
        "data_fingerprint": table.fingerprint,
        "if_params": parameters(model_options(name, forest), seed=options.seed),
    }
    check_writable(bundle_path(home, name), intended, overwrite=options.overwrite_model, source=source)


def check_bundles(home: Home, root: Path, options: DetectOptions) -> None:
    """Refuse, before anything is loaded, to replace bundles of another root.

    Raises
    ------
    ArtefactExistsError
        With the variant to type.
    """
    if not options.save_model or options.overwrite_model or provenance.raw_root(home) == root.absolute():
        return
    for name in chosen_models(options):
        path = bundle_path(home, name)
        card = read_card(path) if path.exists() else {}
        if path.exists() and card.get("source") != "demo":
            raise ArtefactExistsError(
                f"{path} was trained on other data. Keep both with --variant {suggest_variant(root)}, or replace it "
                f"with --overwrite-model"
            )


def bundle_path(home: Home, name: str) -> Path:
    """Where the bundle of a model is kept."""
    return home.path("bundle") if name == "if" else home.path("model_bundle", model=name)


def _save_models(home: Home, detection: Detection, options: DetectOptions, source: str) -> list[Path]:
    written: list[Path] = []
    for name, fitted in detection.fitted.items():
        metrics = detection.evaluation.headline[name]
        card = make_card(fitted, data_fingerprint=detection.sequences.fingerprint, metrics=metrics, source=source)
        path = bundle_path(home, name)
        written += save_bundle(
            path, payload(fitted), card, overwrite=options.overwrite_model, extra_allowed=EXTRA_ALLOWED
        )
    return written


def _write(home: Home, detection: Detection, path: Path) -> list[Path]:
    written = []
    for name, predictions in detection.predictions.items():
        schema.check(predictions, schema.predictions_table(name), what=f"predictions of {name}")
        target = home.path("predictions", model=name)
        write_parquet(target, predictions)
        written.append(target)
    return written


def _write_cache(home: Home, detection: Detection) -> Path:
    """Sequences with the forest's own columns and scores beside them, for exploration only."""
    target = home.path("enhanced_cache")
    frame = detection.sequences.frame.with_columns(detection.split)
    if "if" in detection.fitted:
        counts = detection.fitted["if"].matrix(frame)[:, :4].toarray()
        names = ("e_if_novel", "e_if_rare", "e_if_uncommon", "e_if_common")
        frame = frame.with_columns(pl.Series(name, counts[:, i]).cast(pl.UInt32) for i, name in enumerate(names))
    write_parquet(target, frame, row_group_size=1_024)
    return target


def _facts(options: DetectOptions, forest: ForestOptions, split: SplitOptions, score: ScoreOptions) -> dict[str, Any]:
    own = record(options)
    own.pop("save_split")
    given = [name for name in ("load_model", "sequences", "split_file") if own.pop(name) is not None]
    groups = {"if": record(forest), "split": record(split), "score": record(score)}
    return {**own, **groups, "inputs": given, "generated_at": now().isoformat()}


def _inside(home: Home, path: Path) -> bool:
    return path.absolute().is_relative_to(home.result.absolute())


def _since(started: datetime) -> float:
    return round((datetime.now(UTC) - started).total_seconds(), 3)
