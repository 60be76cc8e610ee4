"""``detect``, phases D and E over folders: sequences in; predictions, feature set, budgets, metrics, bundles out."""

from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from lo2.artefacts.files import read_parquet, sha256, write_json
from lo2.artefacts.layout import Home
from lo2.artefacts.ledger import keep_run
from lo2.artefacts.naming import RunName
from lo2.document import document_values
from lo2.evaluation.options import DriftLimits
from lo2.models.options import ForestOptions
from lo2.models.split import split_by_run
from lo2.models.table import MODELS
from lo2.options import record_options
from lo2.pipeline.bundles import check_bundle_replaceable, keep_previous_bundles, save_bundles
from lo2.pipeline.code_stamp import LOGS, TABLE, CodeStamp
from lo2.pipeline.detection import Detection
from lo2.pipeline.fitting import chosen_models, detect_options, fit_models
from lo2.pipeline.generations import refuse_other_data
from lo2.pipeline.learnt_variables import checked_with_templates
from lo2.pipeline.metrics import detector_comparison, write_metrics
from lo2.pipeline.options import DetectOptions
from lo2.pipeline.phase import Phase, phase
from lo2.pipeline.preprocessing import preprocessing_of_load
from lo2.pipeline.recorded import Recorded

_ROW_GROUP = 1_024


def detect_run(
    home: Home,
    options: DetectOptions = DetectOptions(),
    *,
    limits: DriftLimits = DriftLimits(),
    stamp: CodeStamp | None = None,
    previous: bool = False,
) -> Detection:
    """Train and evaluate on the sequences of ``home``, or of ``options.sequences``.

    ``stamp`` is that of the record where a call is repeated. With ``previous`` the bundles that are there are kept
    under ``models/previous/`` and replaced.

    Raises
    ------
    ArtefactExistsError
        Before any work, if a bundle would change and ``overwrite_model`` is off, or ``home`` is of other data.
    CheckFailedError
        If the sequence Parquet is not the one that was written.
    """
    names = chosen_models(options)
    with phase(home, "detect", seed=options.seed, accept_changed=options.accept_changed) as p:
        path = options.sequences or p.path("sequences")
        if options.sequences is not None:
            refuse_other_data(p, path)
        heavy = _detect_columns(names, options.forest)
        table = checked_with_templates(p, path, heavy=heavy, pooled=True)
        p.fingerprint = table.fingerprint
        if previous:
            keep_previous_bundles(p, names)
            options = replace(options, overwrite_model=True)
        for name in names if options.save_model else ():
            check_bundle_replaceable(p, name, table, options)
        if stamp is None:
            own = p.recorded("load").values.get("source", LOGS)
            stamp = CodeStamp.stamp_now(own if options.sequences is None else TABLE)
        fit = partial(fit_models, names, table, limits=limits)
        detection = fit(options)
        facts = {**recorded_detect_options(options), "generated_at": stamp.generated_at}
        p.options = {**facts, **asdict(stamp)}
        p.noted = {name: getattr(options, name).absolute() for name in facts["inputs"]}
        more = range(options.seed + 1, options.seed + options.seeds)
        repeats = [detector_comparison(fit(replace(options, seed=seed)).evaluation, seed=seed) for seed in more]
        _write_detection(p, detection, options, repeats)
        if options.save_model:
            preprocessing = None if options.sequences is not None else preprocessing_of_load(p.recorded("load"))
            saving: dict[str, Any] = {"overwrite": options.overwrite_model, "loaded": options.load_model}
            p.keep(*save_bundles(p, detection, **saving, stamp=stamp, preprocessing=preprocessing))
        run = RunName(
            datetime.fromisoformat(stamp.generated_at).date(),
            name_feature_set(options.forest),
            options.forest.contamination,
        )
        p.noted["kept"] = {"data_fingerprint": table.fingerprint, "options": facts, "seed": options.seed}
        keep_run(p.home, run, [one for one in p.publish() if one != p.path("evaluation")], p.noted["kept"])
        if options.save_enhancers:
            p.write("enhanced_cache", _detection_feature_cache(detection, path), row_group_size=_ROW_GROUP)
    return replace(detection, notes=(*detection.notes, *p.notes))


def detect_again(recorded: Recorded) -> dict[str, Any]:
    """Arguments of the recorded call."""
    values = recorded.values
    given: dict[str, Any] = recorded.inputs()
    options = replace(detect_options(recorded), **given)
    why = values.get("git_commit_why") or "not recorded"
    stamp = CodeStamp(values["generated_at"], values.get("git_commit"), why, values.get("source", "detect"))
    return {"options": options, "stamp": stamp}


def name_feature_set(forest: ForestOptions) -> str:
    """Name of the features for the run's name: ``words``, ``trigrams``, ``words+numeric``."""
    return "+".join([forest.item.removeprefix("e_"), *(["numeric"] if forest.numeric else [])])


def _detect_columns(names: tuple[str, ...], forest: ForestOptions) -> list[str]:
    columns = sorted({forest.item, *(MODELS[name].column for name in names)})
    return ["e_event_drain_id", "e_event_drain_id_count", *columns, *(f"{column}_count" for column in columns)]


def _write_detection(p: Phase, detection: Detection, options: DetectOptions, repeats: list[pl.DataFrame]) -> None:
    for name, predictions in detection.predictions.items():
        p.write("predictions", predictions, model=name)
    p.write("comparison", pl.concat([detector_comparison(detection.evaluation, seed=options.seed), *repeats]))
    p.write("runs", detection.runs[detection.leading].frame)
    if options.save_split is not None:
        write_json(options.save_split, {"runs": split_by_run(detection.sequences.frame, detection.split)})
    p.write("drift", detection.drift.frame)
    if detection.budgets:
        p.write("alert_budget", alert_budget_frame(detection))
    write_metrics(p, detection.evaluation)
    p.write("evaluation", document_values(detection.document()))


def alert_budget_frame(detection: Detection) -> pl.DataFrame:
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


def _detection_feature_cache(detection: Detection, path: Path) -> pl.DataFrame:
    """All columns of the sequences with the forest's own next to them, for exploration only."""
    frame = detection.sequences.frame
    extra = frame.select("seq_id").with_columns(detection.split)
    if "if" in detection.fitted:
        counts = detection.fitted["if"].matrix(frame)[:, :4].toarray()
        names = ("e_if_novel", "e_if_rare", "e_if_uncommon", "e_if_common")
        extra = extra.with_columns(pl.Series(name, counts[:, i]).cast(pl.UInt32) for i, name in enumerate(names))
    return read_parquet(path).join(extra, on="seq_id", how="left", maintain_order="left")


def recorded_detect_options(options: DetectOptions) -> dict[str, Any]:
    """What determines the bytes; of options that name files, ``inputs`` holds the hash, not the path."""
    own = record_options(options)
    own.pop("save_split")
    own["if"] = own.pop("forest")
    given = {name: own.pop(name) for name in ("load_model", "sequences", "split_file")}
    inputs = {name: sha256(path) for name, path in given.items() if path is not None}
    return {**own, "inputs": inputs}
