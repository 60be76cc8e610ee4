"""Tables of detections, with cells of numbers and intervals: metrics, runs, the shortcut panel, budgets, models."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lo2.cli.screen import print_table
from lo2.evaluation.metric import Metric
from lo2.evaluation.runs import LEVEL, Runs

if TYPE_CHECKING:
    from lo2.pipeline.detection import Detection
    from lo2.pipeline.metrics import Evaluation

_SHOWN = ("auc", "ap", "precision_at_10", "recall_at_threshold", "fp_rate_at_threshold", "prevalence")


def metrics_table(evaluation: "Evaluation") -> None:
    """One row per model: value and 95 % interval over runs, on test rows."""
    shown = [name for name in _SHOWN if any(name in found for found in evaluation.headline.values())]
    rows = [
        [model, *(_metric_interval_cell(found.get(name)) for name in shown)]
        for model, found in evaluation.headline.items()
    ]
    print_table("Test runs, per log (95 % intervals over runs)", ["detector", *shown], rows)
    shown_runs = [name for name in _SHOWN if not name.startswith("precision")]
    rows = [
        [model, *(_metric_interval_cell(found.get(name)) for name in shown_runs)]
        for model, found in evaluation.runs.items()
    ]
    if rows:
        print_table("Per run and case", ["detector", *shown_runs], rows)
    reasons = {
        f"{name}: {m.why}"
        for found in evaluation.headline.values()
        for name, m in found.items()
        if m.value is None and name in _SHOWN
    }
    for reason in sorted(reasons):
        print(f"  {reason}")


def number_cell(value: Any, form: str = ".4g") -> str:
    """A value as a cell: numbers with fractions in this form, a dash where there is none."""
    return "-" if value is None else f"{value:{form}}" if isinstance(value, float) else str(value)


def interval_cell(low: float | None, high: float | None) -> str:
    """An interval as a cell; empty where there is none."""
    return "" if low is None or high is None else f"[{low:.2f}, {high:.2f}]"


def _metric_interval_cell(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    return f"{number_cell(metric.value, '.3f')} {interval_cell(metric.low, metric.high)}".rstrip()


def panel_table(evaluation: "Evaluation") -> None:
    """Detectors next to one-feature shortcuts; one that does not clear the best of them is marked."""
    detectable = {row["detector"]: row for row in evaluation.detectable.iter_rows(named=True)}
    rows = [
        [
            row["detector"],
            *_auc_cells(row),
            *(_auc_cells(detectable[row["detector"]]) if row["detector"] in detectable else ("-", "-")),
            _shortcut_panel_mark(row, detectable),
        ]
        for row in evaluation.panel.iter_rows(named=True)
    ]
    names = ["detector", "auc", "interval", "detectable auc", "interval", "against shortcuts"]
    print_table(
        "Shortcut panel (detectable: without fault-service pairs whose logs show no signal)", names, rows, right=(1, 3)
    )


def _auc_cells(row: Mapping[str, Any]) -> tuple[str, str]:
    return number_cell(row["auc"], ".3f"), interval_cell(row["low"], row["high"]) or "-"


def _shortcut_panel_mark(row: Mapping[str, Any], detectable: Mapping[str, Mapping[str, Any]]) -> str:
    row = detectable.get(row["detector"], row)
    if row["clears_shortcuts"] is None:
        return "shortcut"
    if row["auc"] is None:
        return "not measured"
    mark = "clears the shortcuts" if row["clears_shortcuts"] else "!! does not clear the best shortcut"
    return mark + (", inverted" if row["inverted"] else "")


def runs_table(runs: Runs, *, top: int = 10) -> None:
    """The most suspicious runs: fused score, p-value, how many services are flagged, and which to look at first."""
    shown = runs.frame.head(top)
    rows = [
        [str(place), row["run"] or "-", row["test_case"] or "-",
         number_cell(row["score"], ".3f"), number_cell(row["p_value"], ".3f"),
         f"{row['n_flagged']} of {row['n_services']}", row["earliest_service"] or "-"]
        for place, row in enumerate(shown.iter_rows(named=True), 1)
    ]  # fmt: skip
    columns = ["", "run", "test case", "score", "p-value", "services flagged", "look first at"]
    rest = f" of {runs.frame.height:,}" if runs.frame.height > top else ""
    print_table(
        f"Most suspicious runs{rest} (a service to look at first is no proof of a cause)", columns, rows, right=(3, 4)
    )
    flagged = runs.flagged_runs
    if runs.tellable:
        print(f"  {flagged.height} of {runs.frame.height} runs and cases are flagged at {LEVEL:g}")


def print_warnings(detection: "Detection") -> None:
    """What must be said before the figures are read."""
    for text in detection.warnings:
        print(f"!! {text}")


def budget_table(detection: "Detection") -> None:
    """What an alert budget promises per service, with its n, and the false alerts of the test runs."""
    if not detection.budgets:
        return
    from lo2.pipeline.detect import alert_budget_frame

    shown = ("model", "service", "per_thousand", "n", "threshold", "bound_per_thousand")
    rows = [
        [*(number_cell(row[name]) or "(all)" for name in shown), f"{row['false_alerts']} of {row['test_normals']}"]
        for row in alert_budget_frame(detection).iter_rows(named=True)
    ]
    columns = ["detector", "service", "per 1000", "n", "threshold", "99 % bound per 1000", "test false alerts"]
    print_table("Alert budget", columns, rows, right=(2, 3, 4, 5))


def models_table() -> None:
    """Detectors that ``--models`` knows."""
    from lo2.models.table import MODELS

    kinds = {True: "stable", False: "experimental"}
    rows = [[s.name, s.column, "labels" if s.supervised else "normals", kinds[s.stable], s.meaning]
            for s in MODELS.values()]  # fmt: skip
    print_table("Detectors", ["name", "reads", "learns from", "on real sets", "what it measures"], rows)
