"""The evaluation document that ``detect`` writes and page, closing screen and Python show: panels, card, figures."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from lo2.evaluation.conclusion import conclude
from lo2.evaluation.counts import count_flagged
from lo2.evaluation.curves import ranking_curves, score_distribution
from lo2.evaluation.figures import Bar, Card, Cell, EvaluationDocument, Figures, Panel
from lo2.evaluation.merging import TestRows
from lo2.evaluation.metric import Metric
from lo2.evaluation.runs import Runs
from lo2.evaluation.shortcuts import SHORTCUTS, SHUFFLE
from lo2.evaluation.signals import detectable_rows

FORMAT = 2
_MEANING = {**SHORTCUTS, SHUFFLE: "the best detector against shuffled labels: chance"}
_Metrics = Mapping[str, Mapping[str, Metric]]


def evaluation_document(
    predictions: Mapping[str, pl.DataFrame],
    *,
    metrics: _Metrics,
    run_metrics: _Metrics,
    panels: Sequence[Panel],
    cards: Mapping[str, pl.DataFrame],
    signals: pl.DataFrame,
    thresholds: Mapping[str, float],
    runs: Mapping[str, Runs],
    warnings: Iterable[str] = (),
) -> EvaluationDocument:
    """Document of the detectors in ``predictions``, the leading one first; panels by :func:`document_panels`."""
    leading = next(iter(predictions))
    detectable = bool(panels and panels[0].detectable)
    counts = count_flagged(predictions[leading], model=leading, signals=signals, runs=runs.get(leading))
    figures = []
    for model, frame in predictions.items():
        judged = detectable_rows(frame, signals) if detectable else frame
        rows = TestRows.from_predictions(judged, model=model)
        labelled = bool(rows.labels.any()) and not rows.labels.all()
        roc, pr = ranking_curves(rows) if labelled else (None, None)
        threshold = thresholds.get(model)
        drawn = score_distribution(frame, judged, model=model, threshold=threshold)
        prevalence = float(rows.labels.mean()) if labelled else None
        own = metrics.get(model, {}), run_metrics.get(model, {})
        figures.append(Figures(model, threshold, *own, drawn, roc, pr, prevalence))
    shown = tuple(document_card(model, card) for model, card in cards.items() if card.height)
    verdict = conclude(panels, shown, counts, warnings=warnings)
    return EvaluationDocument(FORMAT, leading, counts, verdict, tuple(figures), tuple(panels), shown)


def document_panels(
    panel: pl.DataFrame, detectable: pl.DataFrame, by_service: pl.DataFrame, *, detectors: Iterable[str]
) -> tuple[Panel, ...]:
    """Shortcut panels, the one to judge by first: detectable rows, all rows, then service by service."""
    kinds = {**dict.fromkeys(SHORTCUTS, "shortcut"), SHUFFLE: "null", **dict.fromkeys(detectors, "detector")}
    merged = [_evaluation_panel("", frame is detectable, frame, kinds) for frame in (detectable, panel) if frame.height]
    parts = by_service.partition_by("service", maintain_order=True) if by_service.height else []
    services = [
        _evaluation_panel(part["service"][0], bool(detectable.height), part, kinds)
        for part in parts
        if part["service"][0]
    ]
    return (*merged, *(one for one in services if one.measured))


def _evaluation_panel(service: str, detectable: bool, rows: pl.DataFrame, kinds: Mapping[str, str]) -> Panel:
    return Panel(service, tuple(_evaluation_bar(row, kinds) for row in rows.iter_rows(named=True)), detectable)


def _evaluation_bar(row: Mapping[str, Any], kinds: Mapping[str, str]) -> Bar:
    name = row["detector"]
    figures = (row["auc"], row["low"], row["high"], row["clears_shortcuts"], bool(row["inverted"]))
    return Bar(name, kinds.get(name, "reference"), *figures, _MEANING.get(name, ""))


def document_card(model: str, card: pl.DataFrame) -> Card:
    """Detection card of ``model`` as rows of cells."""
    services, cases = (sorted(card[name].fill_null("").unique()) for name in ("service", "test_case"))
    cells = {
        (row["test_case"] or "", row["service"] or ""): Cell(
            row["n"], row["signal_in_data"], row["recall"], row["auc"], row["low"], row["high"]
        )
        for row in card.iter_rows(named=True)
    }
    return Card(model, tuple(services), tuple((case, tuple(cells.get((case, s)) for s in services)) for case in cases))
