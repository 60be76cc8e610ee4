"""``score``: new logs or any sequence Parquet scored by a saved bundle, refused or written with a page; no training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lo2.artefacts import provenance
from lo2.artefacts.files import read_parquet, sha256
from lo2.artefacts.layout import Home
from lo2.artefacts.outside import outside_sequences_path
from lo2.engine import EngineOptions
from lo2.errors import CheckFailedError, InputNotFoundError, UsageError
from lo2.evaluation.drift import DriftReport, drift, drift_sample
from lo2.evaluation.options import DriftLimits
from lo2.evaluation.runs import Runs
from lo2.evaluation.shortcuts import PANEL
from lo2.evaluation.warnings import figure_warnings
from lo2.explain.document import explanation_document
from lo2.explain.options import ExplainOptions
from lo2.explain.tokens import ranked_tokens_text
from lo2.loading.inventory import LoadOptions
from lo2.models.base import Fitted
from lo2.options import record_options
from lo2.pipeline.calls import detect_call
from lo2.pipeline.cards import read_fitted_with_card
from lo2.pipeline.events import raw_logs_at_hand
from lo2.pipeline.learnt_variables import checked_with_templates
from lo2.pipeline.options import ScoreRunOptions
from lo2.pipeline.phase import Phase, phase
from lo2.pipeline.preprocessing import outdated_preprocessing, preprocessing_options
from lo2.pipeline.recorded import Recorded
from lo2.pipeline.reference import read_reference, reference_formats
from lo2.pipeline.scored import (
    NewLogs,
    ScoredLogs,
    columns_to_score,
    keeps_startup_lines,
    read_new_logs,
    score_new_logs,
)
from lo2.pipeline.sequences import Sequences, read_sequences
from lo2.report.findings_document import findings_document
from lo2.report.html import render_html
from lo2.report.sources import Sources, source_scalar_columns
from lo2.report.summary import summarise


@dataclass(frozen=True, repr=False)
class Scored:
    """What was found of new data, where the predictions were written, and how far it has drifted from the hold-out."""

    found: ScoredLogs
    path: Path
    model: str
    threshold: float
    drift: DriftReport | None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Scored({self.model}: {self.flagged:,} of {self.predictions.height:,} flagged, {self.path})"

    @property
    def predictions(self) -> pl.DataFrame:
        """Predictions of every row."""
        return self.found.predictions

    @property
    def runs(self) -> Runs:
        """The runs."""
        return self.found.runs

    @property
    def report(self) -> Path | None:
        """The page, where one was written."""
        page = self.path.with_name("report.html")
        return page if page.is_file() else None

    @property
    def flagged(self) -> int:
        """Number of sequences whose p-value is at most the level."""
        return int(self.predictions[f"flagged_{self.model}"].fill_null(value=False).sum())

    @property
    def warnings(self) -> list[str]:
        """What must be said before the scores are read."""
        runs = {self.model: self.runs}
        own, reasons = {self.model: self.predictions}, {self.model: self.found.reasons}
        found = figure_warnings(own, {}, pl.DataFrame(schema=PANEL), runs, reasons)
        return [*(() if self.drift is None else self.drift.loud), *found]


def score_run(
    home: Home,
    options: ScoreRunOptions,
    *,
    load: LoadOptions = LoadOptions(),
    engine: EngineOptions = EngineOptions(),
    limits: DriftLimits = DriftLimits(),
) -> Scored:
    """Score and explain; write ``scored/<fingerprint>/<model>/``.

    Raises
    ------
    UsageError
        Unless exactly one of ``root`` and ``sequences`` is given (neither: those of ``home``).
    UntrustedBundleError
        If the bundle fails a check, before anything in it runs.
    """
    if options.root is not None and options.sequences is not None:
        raise UsageError("--root and --sequences name two inputs. Give one")
    recommended = home.path("model_bundle", model="knn_words")
    used = options.model or (recommended if recommended.is_file() else home.path("bundle"))
    if options.model is None and not used.is_file():
        raise InputNotFoundError(
            f"There is no bundle {used}. Train one with: {detect_call(home, saving=True)}, or name one with --model"
        )
    fitted, bundle = read_fitted_with_card(used)
    reference = read_reference(used, bundle.card)
    load = preprocessing_options(bundle.card.get("door"), load, reference_formats(reference))
    loaded = record_options(load) if options.root is not None else None
    name, digest = fitted.spec.name, sha256(used)
    explain = None if options.no_explain else ExplainOptions()
    facts = {"bundle_sha256": digest, "load": loaded, "no_explain": options.no_explain}
    with phase(home, "score", facts, accept_changed=options.accept_changed, bundle=used.absolute()) as p:
        new = _read_logs_to_score(p, fitted, options, load, engine)
        found = score_new_logs(
            fitted,
            new,
            None if explain is None else reference,
            options=explain,
            keep_startup=keeps_startup_lines(bundle.card),
        )
        fingerprint = new.table.fingerprint
        where = {"fingerprint": fingerprint[:16], "folder": _score_folder(p, name, digest), "model": name}
        path = write_score(p, found, where, new.table, bundle.card)
        source = options.root or options.sequences or outside_sequences_path(home)
        p.fingerprint, p.sources = fingerprint, {}
        p.noted |= {"source": source.absolute(), "fingerprint": fingerprint}
        old = outdated_preprocessing(bundle.card.get("door"), load) if options.root is not None else ()
        notes = [*old, *new.table.notes, *bundle.notes, *fitted.notes, *found.notes]
        # Scores of rows that were trained on do not drift, they flatter.
        same = bundle.card.get("data_fingerprint") == fingerprint
        if same:
            notes.append("these are the sequences the bundle was trained on: scores of training rows flatter it")
        report = None if same else _score_drift(home, fitted, new.table, found.predictions, limits)
    said = tuple(dict.fromkeys([*notes, *p.notes]))
    return Scored(found, path, name, fitted.thresholds.overall, report, said)


def score_again(recorded: Recorded) -> dict[str, Any]:
    """Arguments of the recorded call: the data that was scored, where the log says it was, with the bundle of then."""
    wanted, load = recorded.facts["input_fingerprint"], recorded.values["load"]
    runs = [run for run in provenance.read_run_log(recorded.home)["runs"] if run.get("fingerprint") == wanted]
    source = Path(runs[-1]["source"]) if runs else Path("the data that was scored")
    if not source.exists():
        raise InputNotFoundError(f"{source} is not there any more: its predictions cannot be made again")
    given: dict[str, Any] = {"sequences" if load is None else "root": source}
    bundle = recorded.inputs({"bundle": recorded.values["bundle_sha256"]})["bundle"]
    options = ScoreRunOptions(model=bundle, no_explain=recorded.values.get("no_explain", True), **given)
    return {"options": options, "load": LoadOptions() if load is None else recorded.options(LoadOptions, "load")}


def _score_folder(p: Phase, name: str, digest: str) -> str:
    """Folder of a model: its name where it is the one of the model root, else also what tells it from that."""
    current = p.bundle(name)
    return name if current.is_file() and sha256(current) == digest else f"{name}-{digest[:8]}"


def write_score(
    p: Phase, found: ScoredLogs, where: Mapping[str, Any], table: Sequences, card: Mapping[str, Any]
) -> Path:
    """Write what was found of new logs; the path of the predictions."""
    path = p.write("scored", found.predictions, **where)
    p.write("scored_runs", found.runs.frame, **where)
    if found.explanation is not None:
        one, model = found.explanation, where["model"]
        tables = {"nn_mapping.csv": one.neighbours.drop("differences"), "line_attribution.csv": one.lines.drop("novel")}
        for file, value in (*tables.items(), ("top_tokens.txt", ranked_tokens_text(one.tokens))):
            p.write("scored_explained", value, **where, file=f"{model}_{file}")
    if found.explanation is not None or not found.findings.why:
        p.write("scored_findings", findings_document(found.findings), **where)
        p.write("scored_report", render_html(summarise(_score_page_sources(found, where, table, card))), **where)
    return path


def _score_page_sources(
    found: ScoredLogs, where: Mapping[str, Any], table: Sequences, card: Mapping[str, Any]
) -> Sources:
    """What the page of new logs is made of; it is never shared, and shows original lines."""
    model, predictions = where["model"], {where["model"]: found.predictions}
    explained = None
    if found.explanation is not None:
        explained = explanation_document({model: found.explanation}, predictions, table.frame)
    return Sources(
        f"{where['fingerprint']}/{where['folder']}",
        source_scalar_columns(table.frame),
        predictions,
        explanations=explained,
        cards={model: card},
        findings=findings_document(found.findings),
        originals=True,
        runs=found.runs,
    )


def refuse_score(scored: Scored, *, fail_on: str) -> None:
    """Raise if a drift limit is broken, or sequences are flagged of a bundle that knows no normal run to judge runs by.

    Raises
    ------
    CheckFailedError
        With what was found.
    """
    if scored.drift is not None:
        scored.drift.refuse_drift()
    above = int(scored.predictions[f"pred_{scored.model}_threshold"].sum())
    if fail_on == "flagged" and not scored.runs.n and above:
        raise CheckFailedError(f"{above} of {scored.predictions.height} sequences are flagged by the threshold")


def _read_logs_to_score(
    p: Phase, fitted: Fitted, options: ScoreRunOptions, load: LoadOptions, engine: EngineOptions
) -> NewLogs:
    if options.root is not None:
        return read_new_logs(options.root, fitted, load, engine)
    path = options.sequences or outside_sequences_path(p.home)
    table = checked_with_templates(p, path, heavy=columns_to_score(fitted))
    return NewLogs(table, raw_logs_at_hand(table))


def _score_drift(
    home: Home, fitted: Fitted, table: Sequences, predictions: pl.DataFrame, limits: DriftLimits
) -> DriftReport | None:
    """Drift against the hold-out of this data state, where its predictions are at hand."""
    name = fitted.spec.name
    known = home.path("predictions", model=name)
    if not known.is_file() or not home.path("sequences").is_file():
        return None
    before = read_parquet(known)
    holdout = before.filter(pl.col("split") == "holdout")["seq_id"]
    rows = read_sequences(home.path("sequences"), heavy=["e_event_drain_id", "e_event_drain_id_count"], rows=holdout)
    if not rows.frame.height:
        return None
    reference = drift_sample(before, rows.frame, model=name, split="holdout")
    return drift(reference, drift_sample(predictions, table.frame, model=name), limits=limits)
