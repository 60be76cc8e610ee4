"""The ledger of benchmark runs: a folder ``metrics/run_<name>/`` per kept run; found, listed, differences of two."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lo2.artefacts.files import json_text, sha256_bytes, sha256_sums_text, write_bytes
from lo2.artefacts.json_yaml import DocumentError, parse_json, read_bounded_text
from lo2.artefacts.kinds import either, none, number
from lo2.artefacts.layout import Home
from lo2.artefacts.naming import RunName
from lo2.artefacts.outside import remembered_home
from lo2.errors import InputNotFoundError
from lo2.registry import lookup

_FIGURE = either(none, number())


@dataclass(frozen=True)
class Run:
    """One kept run; ``metrics`` by model and metric, ``facts`` (options, data fingerprint) where it noted them."""

    name: str
    folder: Path
    date: dt.date | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def kept_predictions(self, model: str) -> Path | None:
        """Predictions of ``model`` as the run kept them, or None."""
        path = self.folder / f"lo2_{model}_predictions.parquet"
        return path if path.is_file() else None


@dataclass(frozen=True)
class LedgerDifference:
    """One thing in which two runs differ; None where a run has none."""

    what: str
    a: Any
    b: Any


def keep_run(home: Home, name: RunName, files: Iterable[Path], facts: Mapping[str, Any]) -> Path:
    """Copy a run's files to its folder, with ``facts`` as ``run.json`` and their sums; the same bytes are the same run.

    The repeat in ``name`` is raised until the folder is free or holds this very run.
    """
    contents = {path.name: path.read_bytes() for path in files}
    contents["run.json"] = json_text(dict(facts)).encode()
    listed = sha256_sums_text({file: sha256_bytes(content) for file, content in contents.items()}).encode()
    kept = home.metrics / f"run_{name}" / "SHA256SUMS"
    # A folder without sums is one that a killed run left half done: it is completed.
    while kept.exists() and kept.read_bytes() != listed:
        name = replace(name, repeat=name.repeat + 1)
        kept = home.metrics / f"run_{name}" / "SHA256SUMS"
    for file, content in sorted(contents.items()):
        write_bytes(kept.parent / file, content)
    write_bytes(kept, listed)
    return kept.parent


def kept_runs(home: Home) -> list[Run]:
    """Kept runs of ``home``, oldest first; plain-date folders such as ``run_2025-11-03`` count."""
    folders = sorted(path for path in home.metrics.glob("run_*") if path.is_dir())
    return sorted((read_kept_run(folder) for folder in folders), key=lambda run: (run.date or dt.date.min, run.name))


def read_kept_run(folder: Path) -> Run:
    """The run kept in ``folder``, whatever its name tells."""
    name = folder.name.removeprefix("run_")
    try:
        date = dt.date.fromisoformat(name[:10])
    except ValueError:
        date = None
    return Run(name, folder, date, _ledger_json(folder / "run.json"), kept_metrics(folder))


def _ledger_json(path: Path) -> dict[str, Any]:
    try:
        return parse_json(read_bounded_text(path))
    except (OSError, DocumentError):
        return {}


def kept_metrics(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Metrics per model in a folder, from JSON, or from CSV where there is no JSON."""
    models_found = {}
    logs = (path for path in folder.glob("*_metrics.*") if not path.stem.endswith("_run_metrics"))
    models = {path.stem.removesuffix("_metrics") for path in logs}
    for model in sorted(models):
        table = _ledger_json(folder / f"{model}_metrics.json")
        inner = table.get("metrics", table)
        table = inner if type(inner) is dict else {}
        found = {k: v if isinstance(v, dict) else {"value": v} for k, v in table.items() if k != "format"}
        path = folder / f"{model}_metrics.csv"
        if not found and path.is_file():
            with path.open(newline="", encoding="utf-8") as handle:
                found = {
                    row["metric"]: _ledger_metric_numbers(row) for row in csv.DictReader(handle) if "metric" in row
                }
        figures = ("value", "low", "high")
        found = {name: facts for name, facts in found.items() if all(_FIGURE(facts.get(key)) for key in figures)}
        if found:
            models_found[model] = found
    return models_found


def _ledger_metric_numbers(row: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {"why": row.get("why") or None}
    for key in ("value", "low", "high"):
        try:
            values[key] = float(row.get(key) or "")
        except ValueError:
            values[key] = None
    return values


def find_kept_run(home: Home, name: str) -> Run:
    """Kept run called ``name`` (with or without ``run_``), the one in the folder ``name``, or a result root's last.

    Raises
    ------
    InputNotFoundError
        If no runs are kept.
    UsageError
        If there is no such run; the message lists them.
    """
    folder, kept = Path(name), {run.name: run for run in kept_runs(home)}
    if folder.is_dir() and name.removeprefix("run_") not in kept:
        if kept_here := kept_runs(remembered_home(Home(folder, home.models), models=False)):
            return replace(kept_here[-1], name=f"{folder.name}/{kept_here[-1].name}")
        if (run := read_kept_run(folder)).metrics:
            return run
        raise InputNotFoundError(
            f"{folder} is neither a run's folder nor a result root with runs. Make one with: lo2 detect"
        )
    if not kept:
        raise InputNotFoundError(f"{home.metrics} holds no runs yet. Make one with: lo2 detect")
    return lookup(kept, name.removeprefix("run_"), kind="run")


def kept_run_differences(a: Run, b: Run) -> list[LedgerDifference]:
    """Facts in which two runs differ (options, seed, data state), nested keys joined by dots, by name."""
    left, right = dict(_flat_ledger_facts(a.facts)), dict(_flat_ledger_facts(b.facts))
    names = sorted({*left, *right} - {"format", "name"})
    return [LedgerDifference(n, left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)]


def _flat_ledger_facts(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat_ledger_facts(inner, f"{prefix}{key}.")
        else:
            yield prefix + str(key), inner


def kept_metric_differences(a: Run, b: Run) -> list[LedgerDifference]:
    """Metrics of the models that both runs have, where their values differ, as ``model.metric``."""
    found = []
    for model in sorted({*a.metrics} & {*b.metrics}):
        left, right = a.metrics[model], b.metrics[model]
        for metric in sorted({*left, *right}):
            pair = left.get(metric, {}).get("value"), right.get(metric, {}).get("value")
            if pair[0] != pair[1]:
                found.append(LedgerDifference(f"{model}.{metric}", *pair))
    return found
