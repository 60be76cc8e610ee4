"""Honesty about models: headline metrics with intervals, shortcut panel, detection card, comparison, drift.

In go predictions (the columns of ``lo2.schema.predictions_table``) and sequences, out come values and frames under
the names of the contract; no file is read or written. Every metric is measured on ``test`` rows, intervals draw whole
runs, and what cannot be computed is null with its reason. A new metric is one line in ``headline.statistics``; a new
shortcut one line in ``shortcuts.SHORTCUTS``.
"""

from lo2.evaluation.card import detection_card
from lo2.evaluation.comparison import compare
from lo2.evaluation.drift import DriftLimits, DriftReport, drift, drift_sample
from lo2.evaluation.headline import ScoreOptions, headline, headline_by_service
from lo2.evaluation.metric import Metric, metrics_frame
from lo2.evaluation.runs import Runs, judge_runs, run_metrics
from lo2.evaluation.shortcuts import shortcut_panel, shortcut_panel_by_service, shortcut_values
from lo2.evaluation.signals import signals, traced_rows
from lo2.evaluation.verdict import verdicts

__all__ = [
    "DriftLimits", "DriftReport", "Metric", "Runs", "ScoreOptions", "compare",
    "detection_card", "drift", "drift_sample", "headline", "headline_by_service", "judge_runs",
    "metrics_frame", "run_metrics", "shortcut_panel", "shortcut_panel_by_service", "shortcut_values", "signals",
    "traced_rows", "verdicts",
]  # fmt: skip
