"""Sources of a report, read from a data state or given: sequences, predictions, documents of the phases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl

from lo2 import schema
from lo2.artefacts import provenance
from lo2.artefacts.files import scan_parquet
from lo2.artefacts.json_yaml import parse_json, parse_yaml, read_bounded_text
from lo2.artefacts.layout import ARTEFACTS, Home, identify_artefact
from lo2.artefacts.outside import models_with_predictions, not_applicable, outside_sequences_path
from lo2.document import document_restored
from lo2.errors import InputError, InputNotFoundError
from lo2.evaluation.figures import EvaluationDocument
from lo2.evaluation.runs import Runs
from lo2.explain.document import ExplanationDocument
from lo2.models.options import LEADING
from lo2.report.values import File

_SCALARS = (
    *schema.IDENTITY, "anomaly", "start_time", "end_time", "duration_sec", "seq_len", "continuation_lines",
    "startup_lines", "replaced_bytes", "n_error", "n_warn", "n_exceptions",
)  # fmt: skip
_PHASES = ("load", "detect", "explain")
_MISSING = (
    ("quality", "data", "There is no quality report (lo2_quality.json): what was skipped is not known."),
    ("provenance", "data", "There is no provenance.json: options and files cannot be listed."),
    ("evaluation", "evaluation", "There is no metrics/evaluation.json: run lo2 detect."),
    ("explanation", "findings", "There is no explainability/explanation.json: run lo2 explain."),
)  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """Frames and documents of one report; what is not there is empty or None, and ``notes`` say so by section.

    ``predictions`` are by detector, the leading one first, with the columns of ``schema.predictions_table``. Of the
    ``findings`` (their JSON document) the page shows masked lines, or the ``originals`` where it is never shared; the
    ``runs`` are needed where there is no evaluation.
    """

    title: str
    sequences: pl.DataFrame
    predictions: Mapping[str, pl.DataFrame]
    evaluation: EvaluationDocument | None = None
    explanations: ExplanationDocument | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)
    cards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    phases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    run_name: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    findings: Mapping[str, Any] = field(default_factory=dict)
    originals: bool = False
    runs: Runs | None = None

    @classmethod
    def from_home(cls, home: Home) -> Self:
        """Sources of a data state; only the sequences must be there.

        Raises
        ------
        InputNotFoundError
            Without sequences.
        InputError, SchemaError
            If an artefact cannot be read.
        """
        evaluation = _read_report_document(home.path("evaluation"), EvaluationDocument)
        known = provenance.load_provenance(home)
        predictions = _report_predictions(
            home, [] if evaluation is None else [one.name for one in evaluation.detectors]
        )
        why = {name: not_applicable(known).get(ARTEFACTS[name].phase) for name, _, _ in _MISSING}
        notes = [
            (section, f"There is no {name} report: {why[name]}." if why[name] else text)
            for name, section, text in _MISSING
            if not home.path(name).is_file()
        ]
        if not predictions:
            notes.append(("evaluation", f"There are no {ARTEFACTS['predictions'].pattern}: run lo2 detect."))
        cards = {m: home.path("card" if m == "if" else "model_card", model=m) for m in predictions}
        return cls(
            home.result.name or "lo2",
            _report_sequence_scalars(outside_sequences_path(home)),
            predictions,
            evaluation,
            _read_report_document(home.path("explanation"), ExplanationDocument),
            _parsed_report_file(home.path("quality"), parse_json),
            {model: _parsed_report_file(path, parse_yaml) for model, path in cards.items()},
            {name: facts for name, facts in sorted(known.phases.items()) if name in _PHASES},
            tuple(_report_source_file(entry) for _, entry in sorted(known.artefacts.items()) if entry.phase in _PHASES),
            _report_kept_run_name(home),
            tuple(notes),
            _parsed_report_file(home.path("findings"), parse_json),
        )


def _report_sequence_scalars(path: Path) -> pl.DataFrame:
    """Sequences without their token lists."""
    if not path.is_file():
        raise InputNotFoundError(
            f"{path} is missing, so there is nothing to report. Run lo2 load ROOT, or lo2 run ROOT"
        )
    scanned = scan_parquet(path)
    scalars = scanned.select(name for name in scanned.collect_schema() if name in _SCALARS)
    known = schema.conform(scalars, schema.SEQUENCES, needed=["seq_id"], what=path.name)
    return source_scalar_columns(known.collect())


def source_scalar_columns(sequences: pl.DataFrame) -> pl.DataFrame:
    """Columns of sequences that the page shows; labels and names that are not there are null."""
    found = sequences.columns
    frame = sequences.select(name for name in _SCALARS if name in found)
    absent = [name for name in (*schema.IDENTITY, "anomaly") if name not in found]
    return frame.with_columns(pl.lit(None, dtype=schema.SEQUENCES[name].dtype).alias(name) for name in absent)


def _report_predictions(home: Home, order: list[str]) -> dict[str, pl.DataFrame]:
    """Predictions by detector in the ``order`` of the evaluation, others behind."""
    found = {}
    for model, path in models_with_predictions(home, tuple(dict.fromkeys([*order, *LEADING]))).items():
        scanned, table = scan_parquet(path), schema.predictions_table(model)
        if (flag := f"flagged_{model}") not in scanned.collect_schema():  # of an earlier version
            scanned = scanned.with_columns(pl.lit(None, pl.Boolean).alias(flag))
        schema.check_schema(scanned, table, what=path.name)
        found[model] = scanned.select(list(table)).collect().sort("seq_id")
    return found


def _report_source_file(entry: provenance.Entry) -> File:
    known = identify_artefact(entry.path)
    return File(entry.path, entry.phase, entry.bytes, entry.sha256, known[0].meaning if known else "")


def _report_kept_run_name(home: Home) -> str:
    """Name under which these metrics were kept for comparison; empty where they were not."""
    path = home.path("shortcuts_csv")
    now = path.read_bytes() if path.is_file() else None
    kept = [copy for copy in sorted(home.metrics.glob(f"run_*/{path.name}")) if copy.read_bytes() == now]
    return kept[-1].parent.name.removeprefix("run_") if kept else ""


def _read_report_document(path: Path, kind: type) -> Any:
    values = _parsed_report_file(path, parse_json)
    try:
        return document_restored(kind, values) if values else None
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is not the document that was written ({error}). Repair: lo2 restore --all") from error


def _parsed_report_file(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        return dict(parse(read_bounded_text(path)) or {}) if path.is_file() else {}
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}). Repair: lo2 restore --all, or run its phase again") from error
