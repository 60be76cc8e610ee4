"""Detectors in figures: metrics, score distributions, curves with bands, shortcut panels, detection cards."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.evaluation.merging import TestRows
from lo2.evaluation.shortcuts import SHORTCUTS, SHUFFLE
from lo2.metrics.bootstrap import run_bootstrap
from lo2.metrics.ranking import TieGroups, pr_curve, roc_curve
from lo2.report.inputs import Inputs, number, table, top_tokens, whole
from lo2.report.values import Bar, Card, Cell, Curve, Detector, Distribution, Fact, Group, Panel, Points

Floats = NDArray[np.float64]
_BINS = 48
_GRID = np.linspace(0.0, 1.0, 51)
_POINTS = 160
_MEANING = {**SHORTCUTS, SHUFFLE: "the best detector against shuffled labels: chance"}


def detector(inputs: Inputs, model: str) -> Detector:
    """Everything the page says about one detector."""
    judged = inputs.judged(model)
    rows = TestRows.of(judged, model=model)
    labelled = rows.labels.size > 0 and rows.labels.any() and not rows.labels.all()
    roc, pr = curves(rows, resamples=inputs.options.report_resamples) if labelled else (None, None)
    tokens = tuple(top_tokens(inputs.home.path("top_tokens", model=model)))[: inputs.options.report_tokens]
    return Detector(
        name=model,
        facts=_facts(inputs.model_cards.get(model, {})),
        metrics=inputs.metrics(model),
        distribution=distribution(inputs.predictions[model], judged, model=model, threshold=inputs.threshold(model)),
        roc=roc,
        pr=pr,
        prevalence=float(rows.labels.mean()) if labelled else None,
        tokens=tokens,
    )


def distribution(
    predictions: pl.DataFrame, judged: pl.DataFrame, *, model: str, threshold: float | None
) -> Distribution | None:
    """Histogram of the scores of hold-out and test rows; a row without a label counts as normal."""
    rows = predictions.filter(pl.col("split").is_in(["holdout", "test"]) & pl.col(f"score_{model}").is_finite())
    if not rows.height:
        return None
    scores, sides = rows[f"score_{model}"].to_numpy(), rows["split"].to_numpy()
    anomaly = rows["anomaly"].fill_null(value=False).to_numpy()
    traced = rows["seq_id"].is_in(judged["seq_id"].to_list()).to_numpy()
    ends = [*scores, *([] if threshold is None else [threshold])]
    low, high = float(min(ends)), float(max(ends))
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    silent = (sides == "test") & anomaly & ~traced
    kinds = {
        "hold-out, normal": (sides == "holdout") & ~anomaly,
        "test, normal": (sides == "test") & ~anomaly,
        "test, fault with trace" if silent.any() else "test, anomalous": (sides == "test") & anomaly & traced,
        "test, fault, no trace": silent,
    }
    groups = []
    for label, chosen in kinds.items():
        if n := int(chosen.sum()):
            shares = np.histogram(scores[chosen], edges)[0] / n
            groups.append(Group(label, n, tuple(shares.round(5).tolist()), "fault" in label or "anomalous" in label))
    return Distribution(tuple(edges.tolist()), tuple(groups), threshold)


def curves(rows: TestRows, *, resamples: int, seed: int = 0) -> tuple[Curve, Curve]:
    """ROC and precision-recall curve of the merged ranking, with pointwise 95 % bands over runs."""
    groups = TieGroups.of(rows.score, rows.labels)
    boot = run_bootstrap(rows.runs, resamples=resamples, seed=seed)
    roc, pr = roc_curve(rows.score, rows.labels), pr_curve(rows.score, rows.labels)
    if boot.n_runs < 2:
        return Curve(_points(roc.x, roc.y)), Curve(_points(pr.x, pr.y))
    replicates = boot.replicate(lambda weights: _on_grid(*groups.counts(weights)))
    low, high = np.nanquantile(replicates, [0.025, 0.975], axis=0)
    bands = [(_points(_GRID, low[side]), _points(_GRID, high[side])) for side in (0, 1)]
    return Curve(_points(roc.x, roc.y), *bands[0]), Curve(_points(pr.x, pr.y), *bands[1])


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
    merged = [(key == "traced", written[key]) for key in ("traced", "panel") if written.get(key)]
    traced = any(side for side, _ in merged)
    found = [_panel("", side, rows, inputs) for side, rows in merged]
    services = [_panel(name, traced, rows, inputs) for name, rows in by_service.items() if name]
    return (*found, *(panel for panel in services if any(bar.auc is not None for bar in panel.bars)))


def _panel(service: str, traced: bool, rows: list[dict[str, Any]], inputs: Inputs) -> Panel:
    bars = []
    for row in rows:
        name = row["detector"]
        kinds = {
            **dict.fromkeys(SHORTCUTS, "shortcut"),
            SHUFFLE: "null",
            **dict.fromkeys(inputs.predictions, "detector"),
        }
        kind = kinds.get(name, "reference")
        figures = (number(row["auc"]), number(row["low"]), number(row["high"]))
        bars.append(Bar(name, kind, *figures, row["clears_shortcuts"], bool(row["inverted"]), _MEANING.get(name, "")))
    return Panel(service, tuple(bars), traced)


def cards(inputs: Inputs) -> tuple[Card, ...]:
    """Detection cards in the order of the detectors; the one without a name belongs to the first that was asked for."""
    named = {model: table(inputs.home.path("model_detection_card", model=model)) for model in inputs.predictions}
    unnamed = table(inputs.home.path("detection_card"))
    owner = next((m for m in sorted(named, key=lambda m: (m != "if", m)) if not named[m].height), None)
    found = [(model, unnamed if model == owner else card) for model, card in named.items()]
    return tuple(_card(model, card) for model, card in found if card.height)


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


def _facts(card: dict[str, Any]) -> tuple[Fact, ...]:
    wanted = {
        "training_rows": "training sequences", "holdout_rows": "hold-out sequences", "threshold": "threshold",
        "threshold_percentile": "threshold percentile", "feature_set": "features", "item_list_col": "token column",
    }  # fmt: skip
    return tuple(Fact(label, shown(card[key])) for key, label in wanted.items() if card.get(key) is not None)


def shown(value: Any) -> str:
    """Value of an option or a card as short text.

    Examples
    --------
    >>> shown(0.123456789), shown(["a", "b"]), shown(None), shown(True)
    ('0.1235', 'a, b', '-', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ([], {}, ()):
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list | tuple):
        return ", ".join(shown(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(one)}" for key, one in value.items())
    return str(value)
