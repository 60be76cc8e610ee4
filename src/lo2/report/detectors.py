"""Detectors in figures: metrics, score distributions, curves with bands, shortcut panels, detection cards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lo2.evaluation.merging import TestRows
from lo2.evaluation.shortcuts import SHORTCUTS, SHUFFLE
from lo2.metrics.bootstrap import run_bootstrap
from lo2.metrics.ranking import Floats, TieGroups, pr_curve, roc_curve
from lo2.report.inputs import Inputs, number, table, whole
from lo2.report.values import Bar, Card, Cell, Curve, Detector, Distribution, Fact, Group, Panel, Points

_BINS = 48
_GRID = np.linspace(0.0, 1.0, 51)
_POINTS = 160
_CARD_KEYS = (
    "feature_set", "item_list_col", "if_params", "params", "training_rows", "holdout_rows", "threshold",
    "threshold_percentile", "generated_at", "lo2_version", "git_commit", "git_commit_why", "bundle_sha256",
    "data_fingerprint", "versions",
)  # fmt: skip
_MEANING = {**SHORTCUTS, SHUFFLE: "the best detector against shuffled labels: chance"}


def detector(inputs: Inputs, model: str) -> Detector:
    """Everything the page says about one detector."""
    judged, card = inputs.judged(model), inputs.model_cards[model]
    rows = TestRows.of(judged, model=model)
    labelled = rows.labels.any() and not rows.labels.all()
    roc, pr = curves(rows, resamples=inputs.options.report_resamples) if labelled else (None, None)
    return Detector(
        name=model,
        facts=tuple(Fact(key, shown(card[key])) for key in _CARD_KEYS if card.get(key) is not None),
        metrics=inputs.metrics(model),
        distribution=distribution(inputs.predictions[model], judged, model=model, threshold=inputs.threshold(model)),
        roc=roc,
        pr=pr,
        prevalence=float(rows.labels.mean()) if labelled else None,
        tokens=tuple(_top_tokens(inputs.home.path("top_tokens", model=model)))[: inputs.options.report_tokens],
    )


def _top_tokens(path: Path) -> Iterator[tuple[str, float]]:
    """Tokens and mean absolute contributions of a ``*_top_tokens.txt``; lines of another shape are skipped."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        token, tab, last = line.partition("\t")[2].rpartition("\t")
        if tab and (value := number(last)) is not None:
            yield token, value


def distribution(
    predictions: pl.DataFrame, judged: pl.DataFrame, *, model: str, threshold: float | None
) -> Distribution | None:
    """Histogram of the scores of hold-out and test rows; a row without a label counts as normal."""
    rows = predictions.filter(pl.col("split").is_in(["holdout", "test"]) & pl.col(f"score_{model}").is_finite())
    if not rows.height:
        return None
    scores, test = rows[f"score_{model}"].to_numpy(), (rows["split"] == "test").to_numpy()
    anomaly = rows["anomaly"].fill_null(value=False).to_numpy()
    traced = rows["seq_id"].is_in(judged["seq_id"].to_list()).to_numpy()
    ends = [scores.min(), scores.max(), *([] if threshold is None else [threshold])]
    low, high = float(min(ends)), float(max(ends))
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    silent = test & anomaly & ~traced
    kinds = {
        "hold-out, normal": ~test & ~anomaly,
        "test, normal": test & ~anomaly,
        "test, fault with trace" if silent.any() else "test, anomalous": test & anomaly & traced,
        "test, fault, no trace": silent,
    }
    groups = []
    for label, chosen in kinds.items():
        if n := int(chosen.sum()):
            shares = np.histogram(scores[chosen], edges)[0] / n
            groups.append(Group(label, n, tuple(shares.round(5).tolist()), "normal" not in label))
    return Distribution(tuple(edges.tolist()), tuple(groups), threshold)


def curves(rows: TestRows, *, resamples: int, seed: int = 0) -> tuple[Curve, Curve]:
    """ROC and precision-recall curve of the merged ranking, with pointwise 95 % bands over runs."""
    groups = TieGroups.of(rows.score, rows.labels)
    boot = run_bootstrap(rows.runs, resamples=resamples, seed=seed)
    lines = [_points(*metric(rows.score, rows.labels)) for metric in (roc_curve, pr_curve)]
    if boot.n_runs < 2:
        return Curve(lines[0]), Curve(lines[1])
    replicates = boot.replicate(lambda weights: _on_grid(*groups.counts(weights)))
    low, high = np.nanquantile(replicates, [0.025, 0.975], axis=0)
    roc, pr = (Curve(lines[i], _points(_GRID, low[i]), _points(_GRID, high[i])) for i in (0, 1))
    return roc, pr


def _on_grid(anomalies: Floats, normals: Floats) -> Floats:
    """Recall at each false-positive rate, and precision at each recall, shape (resamples, 2, grid)."""
    values = np.full((len(anomalies), 2, _GRID.size), np.nan)
    for place, (found, false) in enumerate(zip(np.cumsum(anomalies, 1), np.cumsum(normals, 1), strict=True)):
        if found[-1] and false[-1]:
            values[place, 0] = np.interp(_GRID, np.r_[0.0, false / false[-1]], np.r_[0.0, found / found[-1]])
            at = np.minimum(np.searchsorted(found / found[-1], _GRID - 1e-12), found.size - 1)
            seen = found[at] + false[at]
            values[place, 1] = np.divide(found[at], seen, out=np.ones_like(seen), where=seen > 0)
    return values


def _points(x: Floats, y: Floats) -> Points:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).round().astype(int))
    pairs = zip(x[keep].round(4).tolist(), y[keep].round(4).tolist(), strict=True)
    return tuple((a, b) for a, b in pairs if a == a and b == b)


def panels(inputs: Inputs) -> tuple[Panel, ...]:
    """Shortcut panels as written, the one to judge by first: traced rows, all rows, then service by service."""
    written = inputs.shortcuts
    by_service: dict[str, list[dict[str, Any]]] = {}
    for row in written.get("by_service", []):
        by_service.setdefault(row["service"], []).append(row)
    traced = bool(written.get("traced"))
    merged = [_panel("", key == "traced", written[key], inputs) for key in ("traced", "panel") if written.get(key)]
    services = [_panel(name, traced, rows, inputs) for name, rows in by_service.items() if name]
    return (*merged, *(panel for panel in services if any(bar.auc is not None for bar in panel.bars)))


def _panel(service: str, traced: bool, rows: list[dict[str, Any]], inputs: Inputs) -> Panel:
    kinds = {**dict.fromkeys(SHORTCUTS, "shortcut"), SHUFFLE: "null", **dict.fromkeys(inputs.predictions, "detector")}
    bars = []
    for row in rows:
        name, auc, low, high = row["detector"], row["auc"], row["low"], row["high"]
        kind, clears, inverted = kinds.get(name, "reference"), row["clears_shortcuts"], bool(row["inverted"])
        bars.append(Bar(name, kind, auc, low, high, clears, inverted, _MEANING.get(name, "")))
    return Panel(service, tuple(bars), traced)


def cards(inputs: Inputs) -> tuple[Card, ...]:
    """Detection cards in the order of the detectors; the one without a name belongs to the first that was asked for."""
    named = {model: table(inputs.home.path("model_detection_card", model=model)) for model in inputs.predictions}
    unnamed = [model for model in sorted(named, key=lambda model: (model != "if", model)) if not named[model].height]
    if unnamed:
        named[unnamed[0]] = table(inputs.home.path("detection_card"))
    return tuple(_card(model, card) for model, card in named.items() if card.height)


def _card(model: str, card: pl.DataFrame) -> Card:
    services, cases = (sorted(card[name].fill_null("").unique()) for name in ("service", "test_case"))
    cells = {
        (row["test_case"] or "", row["service"] or ""): Cell(
            whole(row["n"]) or 0,
            {"true": True, "false": False}.get(row["signal_in_data"] or ""),
            *(number(row[key]) for key in ("recall", "auc", "low", "high")),
        )
        for row in card.iter_rows(named=True)
    }
    return Card(model, tuple(services), tuple((case, tuple(cells.get((case, s)) for s in services)) for case in cases))


def shown(value: Any) -> str:
    """Value of an option or a card as short text.

    Examples
    --------
    >>> shown(0.123456789), shown(["a", "b"]), shown(None), shown(True)
    ('0.1235', 'a, b', '-', 'yes')
    """
    if value is None or value in ([], {}, ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(one)}" for key, one in value.items())
    return ", ".join(map(shown, value)) if isinstance(value, list | tuple) else str(value)
