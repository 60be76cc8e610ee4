"""Metrics of a detection: detectors evaluated on test rows and compared; written with panel, card, copies per run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from lo2.evaluation.card import detection_card
from lo2.evaluation.headline import headline, headline_by_service
from lo2.evaluation.metric import Metric, metrics_frame
from lo2.evaluation.options import ScoreOptions
from lo2.evaluation.runs import Runs, run_metrics
from lo2.evaluation.shortcuts import service_shortcut_panels, shortcut_panel, shortcut_values
from lo2.evaluation.signals import detectable_rows, signals
from lo2.pipeline.phase import Phase


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Metrics per model, shortcut panels, detection cards, and where there is a signal.

    ``panel`` is over all test rows; ``detectable`` and ``panel_by_service`` leave out those pairs of fault and service
    whose logs show no signal (empty where no pair shows one).
    """

    headline: Mapping[str, Mapping[str, Metric]]
    by_service: Mapping[str, Mapping[str, Mapping[str, Metric]]]
    panel: pl.DataFrame
    detectable: pl.DataFrame
    panel_by_service: pl.DataFrame
    cards: Mapping[str, pl.DataFrame]
    signals: pl.DataFrame
    runs: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Evaluation({', '.join(self.headline)})"

    @property
    def card(self) -> pl.DataFrame:
        """Detection card of the first model."""
        return next(iter(self.cards.values()))


def evaluate_detectors(
    sequences: pl.DataFrame,
    predictions: Mapping[str, pl.DataFrame],
    reference: Mapping[str, pl.DataFrame],
    *,
    score: ScoreOptions,
    seed: int,
    panel_of: tuple[str, ...] = (),
    runs: Mapping[str, Runs] | None = None,
) -> Evaluation:
    """Measure every model, and the reference models next to them, on test rows, and the ``runs`` that models judge.

    ``panel_of`` names the models of the panels (all unless given): they need the same test rows.
    """
    measured = {**predictions, **reference}
    everything = {name: frame for name, frame in measured.items() if not panel_of or name in (*panel_of, *reference)}
    found = signals(sequences)
    touched = {name: detectable_rows(frame, found) for name, frame in everything.items()}
    shown = any(frame["anomaly"].any() for frame in touched.values())
    values = shortcut_values(sequences)
    panel = shortcut_panel(values, everything, options=score, seed=seed)
    return Evaluation(
        {name: headline(frame, model=name, options=score, seed=seed) for name, frame in measured.items()},
        {name: headline_by_service(frame, model=name, options=score, seed=seed) for name, frame in measured.items()},
        panel,
        shortcut_panel(values, touched, options=score, seed=seed) if shown else panel.clear(),
        service_shortcut_panels(values, touched if shown else everything, options=score, seed=seed),
        {
            name: detection_card(frame, model=name, signals=found, options=score, seed=seed)
            for name, frame in predictions.items()
        },
        found,
        {name: run_metrics(one, options=score, seed=seed) for name, one in (runs or {}).items()},
    )


def detector_comparison(evaluation: Evaluation, *, seed: int = 0) -> pl.DataFrame:
    """Detectors side by side: one row per detector, per log and per run, each figure with its interval."""
    names = {"auc": "auc", "ap": "ap", "f1": "f1_at_threshold", "recall": "recall_at_threshold",
             "fp_rate": "fp_rate_at_threshold"}  # fmt: skip
    rows = []
    for per, found in (("log", evaluation.headline), ("run", evaluation.runs)):
        for detector, metrics in found.items():
            row: dict[str, str | int | float | None] = {"detector": detector, "per": per, "seed": seed}
            for short, name in names.items():
                metric = metrics[name]
                row |= {short: metric.value, f"{short}_low": metric.low, f"{short}_high": metric.high}
            rows.append(row | {"prevalence": metrics["prevalence"].value, "n": metrics["auc"].n})
    texts, counts = ("detector", "per"), ("seed", "n")
    columns = rows[0] if rows else ()
    kinds = {c: pl.String() if c in texts else pl.Int64() if c in counts else pl.Float64() for c in columns}
    return pl.DataFrame(rows, schema=kinds)


def write_metrics(p: Phase, evaluation: Evaluation) -> None:
    """Write ``metrics/`` of a detection."""
    for name, metrics in evaluation.headline.items():
        services = evaluation.by_service[name]
        by_service = {s: {k: m.as_dict() for k, m in found.items()} for s, found in services.items()}
        p.write("metrics_json", {**_metrics_payload(name, metrics), "by_service": by_service}, model=name)
        p.write("metrics_csv", metrics_frame(metrics), model=name)
    for name, metrics in evaluation.runs.items():
        p.write("run_metrics_json", _metrics_payload(name, metrics), model=name)
        p.write("run_metrics_csv", metrics_frame(metrics), model=name)
    panels = {"panel": evaluation.panel, "traced": evaluation.detectable, "by_service": evaluation.panel_by_service}
    p.write("shortcuts_json", {name: frame.to_dicts() for name, frame in panels.items()})
    p.write("shortcuts_csv", evaluation.panel)
    for name, card in evaluation.cards.items():
        p.write("detection_card" if card is evaluation.card else "model_detection_card", card, model=name)
    p.write("signals", evaluation.signals)


def _metrics_payload(name: str, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    return {"model": name, "metrics": {key: metric.as_dict() for key, metric in metrics.items()}}
