"""What a report reads: the artefacts of one data state, optional ones as empty values where they are missing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from lo2 import schema
from lo2.artefacts import provenance
from lo2.artefacts.documents import parse_json, parse_yaml, read_text
from lo2.artefacts.files import read_csv, scan_parquet
from lo2.artefacts.layout import Home, identify
from lo2.artefacts.provenance import Provenance
from lo2.errors import InputError, InputNotFoundError
from lo2.evaluation.metric import Metric
from lo2.evaluation.signals import traced_rows
from lo2.report.values import ReportOptions

_SCALARS = (
    *schema.IDENTITY, "anomaly", "start_time", "end_time", "duration_sec", "seq_len", "continuation_lines",
    "startup_lines", "replaced_bytes", "n_error", "n_warn", "n_exceptions",
)  # fmt: skip


@dataclass(frozen=True)
class Inputs:
    """Artefacts of ``home`` as frames and plain values, each read when first asked for."""

    home: Home
    options: ReportOptions

    @cached_property
    def sequences(self) -> pl.DataFrame:
        """Sequences without their token lists."""
        path = self.home.path("sequences")
        if not path.is_file():
            raise InputNotFoundError(f"{path} is missing: there is nothing to report on. Run lo2 load, or lo2 run")
        scanned = scan_parquet(path)
        found = scanned.collect_schema().names()
        schema.check(scanned, schema.SEQUENCES, only=["seq_id"], what=path.name)
        frame = scanned.select(name for name in _SCALARS if name in found).collect()
        absent = [name for name in (*schema.IDENTITY, "anomaly") if name not in found]
        return frame.with_columns(pl.lit(None, dtype=schema.SEQUENCES[name].dtype).alias(name) for name in absent)

    @cached_property
    def predictions(self) -> dict[str, pl.DataFrame]:
        """Predictions by detector: those with the best AUC first, the forest before others of its AUC."""
        found = {}
        for path in sorted(self.home.result.glob("lo2_*_predictions.parquet")):
            known = identify(path.name)
            if known is not None and known[0].name == "predictions":
                model, scanned = known[1]["model"], scan_parquet(path)
                table = schema.predictions_table(model)
                if (flag := f"flagged_{model}") not in scanned.collect_schema():  # of an earlier version
                    scanned = scanned.with_columns(pl.lit(None, pl.Boolean).alias(flag))
                schema.check(scanned, table, what=path.name)
                found[model] = scanned.select(list(table)).collect().sort("seq_id")
        auc = {model: self.metrics(model).get("auc", Metric.missing("")).value or 0.0 for model in found}
        return {model: found[model] for model in sorted(found, key=lambda model: (-auc[model], model != "if", model))}

    @cached_property
    def provenance(self) -> Provenance:
        """Record of the phases."""
        return provenance.load(self.home)

    @cached_property
    def quality(self) -> dict[str, Any]:
        """Quality report of the loader."""
        return _parsed(self.home.path("quality"), parse_json)

    @cached_property
    def shortcuts(self) -> dict[str, Any]:
        """Shortcut panels."""
        return _parsed(self.home.path("shortcuts_json"), parse_json)

    @cached_property
    def run_name(self) -> str:
        """Name under which these metrics were kept for comparison; empty where they were not."""
        path = self.home.path("shortcuts_csv")
        now = path.read_bytes() if path.is_file() else None
        kept = [copy for copy in sorted(self.home.metrics.glob(f"run_*/{path.name}")) if copy.read_bytes() == now]
        return kept[-1].parent.name.removeprefix("run_") if kept else ""

    @cached_property
    def model_cards(self) -> dict[str, dict[str, Any]]:
        """Model card of every detector."""
        paths = {m: self.home.path("card" if m == "if" else "model_card", model=m) for m in self.predictions}
        return {model: _parsed(path, parse_yaml) for model, path in paths.items()}

    def metrics(self, model: str) -> dict[str, Metric]:
        """Headline metrics of ``model``."""
        found = {}
        for row in table(self.home.path("metrics_csv", model=model)).iter_rows(named=True):
            value, low, high = (number(row[key]) for key in ("value", "low", "high"))
            found[row["metric"]] = Metric(value, low, high, whole(row["n"]) or 0, row["why"])
        return found

    def judged(self, model: str) -> pl.DataFrame:
        """Rows that the shortcut panel judges by: those with a trace of their fault in the log, else all."""
        signals = table(self.home.path("signals"))
        if not self.shortcuts.get("traced") or not signals.height:
            return self.predictions[model]
        return traced_rows(self.predictions[model], signals.with_columns(pl.col("signal_in_data") == "true"))

    def threshold(self, model: str) -> float | None:
        """Threshold of ``model`` from its card, else the lowest flagged score."""
        noted = self.model_cards[model].get("threshold")
        if isinstance(noted, int | float):
            return float(noted)
        flagged = self.predictions[model].filter(pl.col(f"pred_{model}_threshold"))[f"score_{model}"].to_list()
        return min(flagged, default=None)


def table(path: Path) -> pl.DataFrame:
    """CSV artefact with text columns, formula guards undone; empty where the file is missing."""
    try:
        frame = read_csv(path, infer=False) if path.is_file() else pl.DataFrame()
    except pl.exceptions.NoDataError:
        return pl.DataFrame()
    except pl.exceptions.ComputeError as error:
        raise InputError(f"{path} is not the table that was written there ({error}). Repair: lo2 restore") from error
    return frame.with_columns(pl.col(pl.String).str.replace(r"^'([=+\-@\t\r])", "${1}"))


def number(text: Any) -> float | None:
    """Finite number in a cell, or None."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if abs(value) < float("inf") else None


def whole(text: Any) -> int | None:
    """Whole number in a cell, or None."""
    value = number(text)
    return None if value is None else int(value)


def _parsed(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        return dict(parse(read_text(path)) or {}) if path.is_file() else {}
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}). Repair: lo2 restore, or run its phase again") from error
