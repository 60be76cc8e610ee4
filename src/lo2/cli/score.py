"""``lo2 score``: a saved bundle on new data."""

from dataclasses import replace
from typing import Annotated

import typer

from lo2.cli.flags import RootArgument, Where, the_root, with_options
from lo2.cli.screen import Verbosity, note, print_json, say, table
from lo2.cli.tables import runs_table
from lo2.engine import EngineOptions
from lo2.evaluation import DriftLimits
from lo2.loading.inventory import LoadOptions
from lo2.pipeline.score import ScoreRunOptions, score_run, verdict


@with_options
def score(
    options: ScoreRunOptions,
    load: LoadOptions,
    engine: EngineOptions,
    limits: DriftLimits,
    where: Where,
    verbosity: Verbosity,
    json: Annotated[bool, typer.Option("--json", help="Print the predictions as JSON")] = False,
    place: RootArgument = None,
) -> None:
    """Score new logs (ROOT) or a sequence Parquet (--sequences) with a saved bundle and its threshold.

    Example: lo2 score --model models/knn_words.joblib ~/new-logs --fail-on flagged
    """
    if place is not None:
        options = replace(options, root=the_root(place, options.root, command="score"))
    scored = score_run(where.home(), options, load=load, engine=engine, limits=limits)
    for text in scored.notes:
        note(text, verbosity)
    name, frame = scored.model, scored.predictions
    if json:
        drift = scored.drift.frame.to_dicts() if scored.drift else None
        runs = scored.runs.frame.to_dicts() if scored.runs is not None else []
        found = {"path": str(scored.path), "flagged": scored.flagged, "runs": runs, "verdicts": scored.verdicts}
        print_json({**found, "sequences": frame.to_dicts(), "drift": drift})
    else:
        for text in scored.verdicts:
            say(f"!! {text}")
        if scored.runs is not None:
            runs_table(scored.runs)
        shown = frame.sort(f"rank_{name}", "seq_id").head(20)
        columns = ["seq_id", f"score_{name}", f"rank_{name}", f"flagged_{name}", f"p_value_{name}"]
        rows = [[_cell(v) for v in row] for row in shown.select(columns).iter_rows()]
        table(
            f"Most anomalous of {frame.height}",
            ["sequence", "score", "rank", "flagged", "p-value"],
            rows,
            right=(1, 2, 4),
        )
        above = int(frame[f"pred_{name}_threshold"].sum())
        say(f"{scored.flagged} of {frame.height} sequences are flagged by their p-value")
        say(f"{above} of {frame.height} sequences are at or above the pooled threshold {scored.threshold:.4f}")
        say(f"predictions are in {scored.path}")
    verdict(scored, fail_on=options.fail_on)


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)
