"""All that is measured of a detection, and its files: metrics, shortcut panel, detection card, copies per run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lo2.artefacts.files import write_csv, write_json
from lo2.artefacts.layout import Home
from lo2.evaluation import (
    Metric,
    ScoreOptions,
    detection_card,
    headline,
    headline_by_service,
    metrics_frame,
    shortcut_panel,
    shortcut_panel_by_service,
    signals,
    traced_rows,
)


@dataclass(frozen=True)
class Evaluation:
    """Metrics per model, shortcut panels, detection cards, and where there is a signal.

    ``panel`` is over all test rows; ``traced`` and ``panel_by_service`` leave out those pairs of fault and service
    whose logs show no signal (empty where no pair shows one).
    """

    headline: Mapping[str, Mapping[str, Metric]]
    by_service: Mapping[str, Mapping[str, Mapping[str, Metric]]]
    panel: pl.DataFrame
    traced: pl.DataFrame
    panel_by_service: pl.DataFrame
    cards: Mapping[str, pl.DataFrame]
    signals: pl.DataFrame

    @property
    def card(self) -> pl.DataFrame:
        """Detection card of the first model."""
        return next(iter(self.cards.values()))


def evaluate(
    sequences: pl.DataFrame,
    predictions: Mapping[str, pl.DataFrame],
    reference: Mapping[str, pl.DataFrame],
    *,
    score: ScoreOptions,
    seed: int,
    panel_of: tuple[str, ...] = (),
) -> Evaluation:
    """Measure every model, and the reference models beside them, on test rows.

    ``panel_of`` names the models of the panels (all unless given): they need the same test rows.
    """
    measured = {**predictions, **reference}
    everything = {name: frame for name, frame in measured.items() if not panel_of or name in (*panel_of, *reference)}
    found = signals(sequences)
    touched = {name: traced_rows(frame, found) for name, frame in everything.items()}
    shown = any(frame["anomaly"].any() for frame in touched.values())
    panel = shortcut_panel(sequences, everything, options=score, seed=seed)
    return Evaluation(
        {name: headline(frame, model=name, options=score, seed=seed) for name, frame in measured.items()},
        {name: headline_by_service(frame, model=name, options=score, seed=seed) for name, frame in measured.items()},
        panel,
        shortcut_panel(sequences, touched, options=score, seed=seed) if shown else panel.clear(),
        shortcut_panel_by_service(sequences, touched if shown else everything, options=score, seed=seed),
        {
            name: detection_card(frame, model=name, signals=found, options=score, seed=seed)
            for name, frame in predictions.items()
        },
        found,
    )


def write_metrics(home: Home, evaluation: Evaluation) -> list[Path]:
    """Write ``metrics/`` and return the paths."""
    written = []
    for name, metrics in evaluation.headline.items():
        services = evaluation.by_service[name]
        payload = {
            "model": name,
            "metrics": {key: metric.as_dict() for key, metric in metrics.items()},
            "by_service": {s: {k: m.as_dict() for k, m in found.items()} for s, found in services.items()},
        }
        write_json(home.path("metrics_json", model=name), payload)
        write_csv(home.path("metrics_csv", model=name), metrics_frame(metrics))
        written += [home.path("metrics_json", model=name), home.path("metrics_csv", model=name)]
    panels = {"panel": evaluation.panel, "traced": evaluation.traced, "by_service": evaluation.panel_by_service}
    panel = {name: frame.to_dicts() for name, frame in panels.items()}
    write_json(home.path("shortcuts_json"), panel)
    write_csv(home.path("shortcuts_csv"), evaluation.panel)
    for name, card in evaluation.cards.items():
        first = card is evaluation.card
        target = home.path("detection_card") if first else home.path("model_detection_card", model=name)
        write_csv(target, card)
        written.append(target)
    write_csv(home.path("signals"), evaluation.signals)
    written += [home.path("shortcuts_json"), home.path("shortcuts_csv"), home.path("signals")]
    return written
