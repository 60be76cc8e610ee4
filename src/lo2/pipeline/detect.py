"""Phases D and E over folders: sequences in; predictions, metrics and bundles written and recorded."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from lo2 import schema
from lo2.artefacts import provenance
from lo2.artefacts.files import sha256, write_csv, write_json, write_parquet
from lo2.artefacts.layout import Home
from lo2.artefacts.ledger import keep_run
from lo2.artefacts.lock import lock
from lo2.artefacts.naming import RunName
from lo2.errors import CheckFailedError
from lo2.evaluation import DriftLimits, ScoreOptions
from lo2.models import MODELS
from lo2.models.options import ForestOptions
from lo2.models.split import SplitOptions, sides_of
from lo2.options import record
from lo2.pipeline.bundles import check_bundle, save_models
from lo2.pipeline.door import door_of
from lo2.pipeline.fitting import Detection, DetectOptions, chosen_models, run_models
from lo2.pipeline.judging import model_options
from lo2.pipeline.metrics import comparison, write_metrics
from lo2.pipeline.positions import with_texts
from lo2.pipeline.sequences import find_sequences, read_sequences
from lo2.pipeline.source import Stamp


def detect_run(
    home: Home,
    options: DetectOptions = DetectOptions(),
    *,
    forest: ForestOptions = ForestOptions(),
    split: SplitOptions = SplitOptions(),
    score: ScoreOptions = ScoreOptions(),
    limits: DriftLimits = DriftLimits(),
    source: str = "detect",
    inputs: Mapping[str, Path] | None = None,
    stamp: Stamp | None = None,
) -> Detection:
    """Train and evaluate on the sequences of ``home``, or of ``options.sequences``.

    ``inputs`` replaces those options that name files outside ``home``; ``lo2 restore`` takes them from the run's log,
    and ``stamp`` from the record.

    Raises
    ------
    ArtefactExistsError
        Before any work, if a bundle would change and ``overwrite_model`` is off.
    CheckFailedError
        If the sequence Parquet is not the one that was written.
    """
    given: dict[str, Any] = dict(inputs or {})
    options, stamp = replace(options, **given), stamp or Stamp.of_now()
    names = chosen_models(options)
    with lock(home):
        started = datetime.now(UTC)
        path = find_sequences(options.sequences or home.path("sequences"))
        provenance.check_read(home, path, accept_changed=options.accept_changed)
        table = with_texts(read_sequences(path, heavy=_heavy(names, forest)), path)
        for name in names if options.save_model else ():
            settings = model_options(name, forest)
            check_bundle(
                home, name, table, settings, seed=options.seed, overwrite=options.overwrite_model, source=source
            )
        detection = run_models(names, table, options, forest=forest, split=split, score=score, limits=limits)
        facts = {**_facts(options, forest, split, score), "generated_at": stamp.generated_at}
        repeats = [
            comparison(again.evaluation, seed=other.seed)
            for other in (replace(options, seed=options.seed + i) for i in range(1, options.seeds))
            for again in [run_models(names, table, other, forest=forest, split=split, score=score, limits=limits)]
        ]
        written = _write(home, detection, options, repeats)
        run = RunName(datetime.fromisoformat(stamp.generated_at).date(), feature_set(forest), forest.contamination)
        kept = {"data_fingerprint": table.fingerprint, "options": facts, "seed": options.seed}
        keep_run(home, run, written, kept)
        if options.save_model:
            door = None if options.sequences is not None else door_of(home)
            overwrite = options.overwrite_model
            written += save_models(home, detection, overwrite=overwrite, source=source, stamp=stamp, door=door)
        if options.save_enhancers:
            written.append(_write_cache(home, detection, path))
        inside = path.absolute().is_relative_to(home.result.absolute())
        provenance.record(
            home,
            phase="detect",
            options={**facts, **asdict(stamp), "source": source},
            seed=options.seed,
            input_fingerprint=table.fingerprint,
            written=written,
            made_from={one: [path] for one in written} if inside else {},
        )
        outside = {name: getattr(options, name).absolute() for name in facts["inputs"]}
        seconds = round((datetime.now(UTC) - started).total_seconds(), 3)
        provenance.log_run(home, phase="detect", started=started.isoformat(), seconds=seconds, kept=kept, **outside)
    return detection


def refuse_drift(detection: Detection) -> None:
    """Raise if drift between hold-out and test runs is beyond a limit that was given.

    Raises
    ------
    CheckFailedError
        Naming the signals.
    """
    if detection.drift.breaches:
        raise CheckFailedError("drift beyond its limit: " + "; ".join(detection.drift.breaches))


def feature_set(forest: ForestOptions) -> str:
    """Name of the features for the run's name: ``words``, ``trigrams``, ``words+numeric``."""
    return "+".join([forest.item.removeprefix("e_"), *(["numeric"] if forest.numeric else [])])


def _heavy(names: tuple[str, ...], forest: ForestOptions) -> list[str]:
    columns = sorted({forest.item, *(MODELS[name].column for name in names)})
    return ["e_event_drain_id", "e_event_drain_id_count", *columns, *(f"{column}_count" for column in columns)]


def _write(home: Home, detection: Detection, options: DetectOptions, repeats: list[pl.DataFrame]) -> list[Path]:
    written = []
    for name, predictions in detection.predictions.items():
        schema.check(predictions, schema.predictions_table(name), what=f"predictions of {name}")
        target = home.path("predictions", model=name)
        write_parquet(target, predictions)
        written.append(target)
    side_by_side = pl.concat([comparison(detection.evaluation, seed=options.seed), *repeats])
    write_csv(home.path("comparison"), side_by_side)
    written.append(home.path("comparison"))
    write_parquet(home.path("runs"), detection.runs[detection.leading].frame)
    written.append(home.path("runs"))
    if options.save_split is not None:
        write_json(options.save_split, {"runs": sides_of(detection.sequences.frame, detection.split)})
    write_csv(home.path("drift"), detection.drift.frame)
    written.append(home.path("drift"))
    if detection.budgets:
        write_csv(home.path("alert_budget"), budget_frame(detection))
        written.append(home.path("alert_budget"))
    return [*written, *write_metrics(home, detection.evaluation)]


def budget_frame(detection: Detection) -> pl.DataFrame:
    """What an alert budget promises and what the test runs showed: one row per model and service ("" for all)."""
    rows = []
    for model, budgets in detection.budgets.items():
        test = detection.predictions[model].filter((pl.col("split") == "test") & ~pl.col("anomaly"))
        for service, budget in budgets.items():
            normal = test if not service else test.filter(pl.col("service") == service)
            alerts = int((normal[f"score_{model}"] >= budget.threshold).sum())
            rows.append(
                {"model": model, "service": service, "per_thousand": budget.per_thousand, "n": budget.n}
                | {"threshold": budget.threshold, "bound_per_thousand": budget.bound_per_thousand}
                | {"confidence": budget.confidence, "test_normals": normal.height, "false_alerts": alerts}
            )
    return pl.DataFrame(rows)


def _write_cache(home: Home, detection: Detection, path: Path) -> Path:
    """All columns of the sequences with the forest's own beside them, for exploration only."""
    target = home.path("enhanced_cache")
    frame = detection.sequences.frame
    extra = frame.select("seq_id").with_columns(detection.split)
    if "if" in detection.fitted:
        counts = detection.fitted["if"].matrix(frame)[:, :4].toarray()
        names = ("e_if_novel", "e_if_rare", "e_if_uncommon", "e_if_common")
        extra = extra.with_columns(pl.Series(name, counts[:, i]).cast(pl.UInt32) for i, name in enumerate(names))
    every = pl.read_parquet(path).join(extra, on="seq_id", how="left", maintain_order="left")
    write_parquet(target, every, row_group_size=1_024)
    return target


def _facts(options: DetectOptions, forest: ForestOptions, split: SplitOptions, score: ScoreOptions) -> dict[str, Any]:
    """What determines the bytes; of options that name files, ``inputs`` holds the hash, not the path."""
    own = record(options)
    own.pop("save_split")
    given = {name: own.pop(name) for name in ("load_model", "sequences", "split_file")}
    inputs = {name: sha256(path) for name, path in given.items() if path is not None}
    return {**own, "if": record(forest), "split": record(split), "score": record(score), "inputs": inputs}
