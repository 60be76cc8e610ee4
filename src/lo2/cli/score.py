"""``lo2 score``: a saved bundle on new data."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from lo2.cli.findings import OutputOptions, check_fail_on, end_with_findings
from lo2.cli.flags import RootArgument, Where, flags_from_options, root_from_flags
from lo2.cli.screen import Verbosity, note, print_table, say_result
from lo2.engine import EngineOptions
from lo2.evaluation.options import DriftLimits
from lo2.loading.options import LoadOptions
from lo2.options import Shown
from lo2.pipeline.options import ScoreRunOptions
from lo2.report.options import AmountOptions

if TYPE_CHECKING:
    from lo2.pipeline.score import Scored


@flags_from_options
def score(
    options: ScoreRunOptions,
    load: Annotated[LoadOptions, Shown("layout log_format service_types")],
    engine: EngineOptions,
    limits: DriftLimits,
    where: Where,
    outputs: OutputOptions,
    amount: AmountOptions,
    verbosity: Verbosity,
    place: RootArgument = None,
) -> None:
    """Score new logs (ROOT) or a sequence Parquet (--sequences) with a saved bundle: odd runs and lines.

    Example: lo2 score --model models/knn_words.joblib ~/new-logs --fail-on flagged
    """
    from lo2.pipeline.score import refuse_score, score_run

    check_fail_on(outputs.fail_on)
    if place is not None:
        options = replace(options, root=root_from_flags(place, options.root, command="score"))
    scored = score_run(where.home_from_flags(), options, load=load, engine=engine, limits=limits)
    for text in scored.notes:
        note(text, verbosity)
    end_with_findings(
        scored.found.findings, outputs, verbosity,
        document=lambda: _scored_document(scored),
        screen=lambda: _print_scored(scored, amount, verbosity),
        refuse=lambda: refuse_score(scored, fail_on=outputs.fail_on),
        judged=bool(scored.runs.n),
    )  # fmt: skip


def _print_scored(scored: "Scored", amount: AmountOptions, verbosity: Verbosity) -> None:
    from lo2.cli.tables import runs_table
    from lo2.evaluation.counts import count_flagged, counts_sentence
    from lo2.report.findings_text import TextOptions, findings_lines

    say_result(counts_sentence(count_flagged(scored.predictions, model=scored.model, runs=scored.runs)))
    for text in scored.warnings:
        say_result(f"!! {text}")
    runs_table(scored.runs, top=10 if verbosity.verbose else 3)
    if verbosity.verbose:
        _print_scored_sequences(scored)
    for text in findings_lines(scored.found.findings, TextOptions(every=amount.every)):
        say_result(text)
    say_result(f"predictions are in {scored.path}" if scored.report is None else f"open {scored.report}")


def _scored_document(scored: "Scored") -> dict[str, Any]:
    """The document of the findings, and with it what was scored."""
    from lo2.report.findings_document import findings_document

    values = findings_document(scored.found.findings)
    rows = zip(scored.runs.frame.to_dicts(), values["runs"], strict=True)
    drift = scored.drift.frame.to_dicts() if scored.drift else None
    values |= {"runs": [{**row, **judged} for row, judged in rows]}
    values |= {"path": str(scored.path), "flagged": scored.flagged, "warnings": scored.warnings}
    return {**values, "sequences": scored.predictions.to_dicts(), "drift": drift}


def _print_scored_sequences(scored: "Scored") -> None:
    """The most anomalous sequences, and how many are flagged."""
    from lo2.cli.tables import number_cell
    from lo2.rows import rows_by_rank

    name, frame = scored.model, scored.predictions
    shown = rows_by_rank(frame, name).head(20)
    columns = ["seq_id", f"score_{name}", f"rank_{name}", f"flagged_{name}", f"p_value_{name}"]
    rows = [[number_cell(v, ".4f") for v in row] for row in shown.select(columns).iter_rows()]
    head = ["sequence", "score", "rank", "flagged", "p-value"]
    print_table(f"Most anomalous of {frame.height}", head, rows, right=(1, 2, 4))
    above = int(frame[f"pred_{name}_threshold"].sum())
    say_result(f"{scored.flagged} of {frame.height} sequences are flagged by their p-value")
    say_result(f"{above} of {frame.height} sequences are at or above the pooled threshold {scored.threshold:.4f}")
