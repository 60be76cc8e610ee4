"""``lo2 ledger``: the benchmark runs."""

from dataclasses import dataclass
from typing import Any

from lo2.artefacts.ledger import Run, kept_runs
from lo2.cli.flags import Where, flags_from_options
from lo2.cli.screen import JsonOptions, print_json, print_table, say_result
from lo2.options import option


@dataclass(frozen=True)
class LedgerOptions(JsonOptions):
    """What is shown of the runs."""

    metric: tuple[str, ...] = option(("auc", "ap", "recall_at_threshold"), "Metrics to show")


@flags_from_options
def ledger(options: LedgerOptions, where: Where) -> None:
    """List the runs kept under metrics/run_*, oldest first, plain-date folders included.

    Example: lo2 ledger --metric auc,ap
    """
    from lo2.cli.hints import hints_with_flags

    wanted, home = options.metric, where.home_from_flags()
    found = kept_runs(home)
    if options.json:
        print_json([{"name": run.name, "metrics": run.metrics, **run.facts} for run in found])
    elif found:
        rows = [
            [run.name, model, *(_ledger_cell(run, model, name) for name in wanted)]
            for run in found
            for model in run.metrics
        ]
        print_table("", ["run", "model", *wanted], rows, right=tuple(range(2, 2 + len(wanted))))
    else:
        say_result(hints_with_flags(f"{home.metrics} holds no runs yet. Make one with: lo2 detect"))


def _ledger_cell(run: Run, model: str, metric: str) -> str:
    found: dict[str, Any] = dict(run.metrics[model].get(metric, {}))
    value, low, high = found.get("value"), found.get("low"), found.get("high")
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
