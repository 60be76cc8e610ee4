"""``lo2 compare``: two kept runs side by side."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from lo2.artefacts.ledger import Run, find_kept_run, kept_metric_differences, kept_run_differences
from lo2.cli.flags import Where, flags_from_options
from lo2.cli.screen import JsonOptions, print_json, print_table, say_result
from lo2.options import option


@dataclass(frozen=True)
class CompareOptions(JsonOptions):
    """How the differences are drawn and printed."""

    seed: int = option(0, "Seed of the bootstrap", more=True)


@flags_from_options
def compare(
    a: Annotated[str, typer.Argument(help="Name of a run (lo2 ledger), path of its folder, or of a result root")],
    b: Annotated[str, typer.Argument(help="The other")],
    options: CompareOptions,
    where: Where,
) -> None:
    """Show options, data states and metrics in which two runs differ, with paired intervals over runs.

    Example: lo2 compare 2025-11-03_words_0.10 2025-11-04_words_0.10
    """
    from lo2.cli.tables import number_cell

    first, second = find_kept_run(where.home_from_flags(), a), find_kept_run(where.home_from_flags(), b)
    facts, metrics = kept_run_differences(first, second), kept_metric_differences(first, second)
    paired = _differences_of_kept_runs(first, second, options.seed)
    if options.json:
        plain = {"facts": facts, "metrics": metrics}
        print_json({**{k: [vars(d) for d in v] for k, v in plain.items()}, "paired": paired})
        return
    for title, rows in (("What differs", facts), ("Metrics", metrics)):
        cells = [[d.what, number_cell(d.a), number_cell(d.b)] for d in rows]
        print_table(title, ["", first.name, second.name], cells, right=(1, 2)) if cells else say_result(
            f"{title}: nothing"
        )
    cells = [[*(number_cell(row[k]) for k in ("metric", "difference", "low", "high", "n", "why"))] for row in paired]
    print_table("Paired over the shared test rows", ["metric", "difference", "low", "high", "n", "why"], cells)


def _differences_of_kept_runs(first: Run, second: Run, seed: int) -> list[dict[str, Any]]:
    """Differences with intervals of every model whose predictions both runs kept."""
    from lo2.artefacts.files import read_parquet
    from lo2.evaluation.comparison import compare_predictions as paired

    rows: list[dict[str, Any]] = []
    for model in sorted({*first.metrics} & {*second.metrics}):
        left, right = first.kept_predictions(model), second.kept_predictions(model)
        if left is not None and right is not None:
            found = paired(read_parquet(left), read_parquet(right), model_a=model, model_b=model, seed=seed)
            rows += [{**row, "metric": f"{model}.{row['metric']}"} for row in found.to_dicts()]
    return rows
