"""``lo2 run``: the main job on own logs."""

from typing import Annotated

import typer

from lo2.cli.closing import closing_screen
from lo2.cli.findings import (
    OutputOptions,
    check_fail_on,
    fail_on_findings,
    fail_on_flagged,
    print_document,
    write_outputs,
)
from lo2.cli.flags import RootArgument, RootOption, Where, rarely, the_root, with_options
from lo2.cli.screen import Verbosity, load_bar, note, print_quality
from lo2.engine import EngineOptions
from lo2.pipeline.findings import FAIL_ON
from lo2.pipeline.load import refuse_bad_files
from lo2.pipeline.run import RunOptions, run_all
from lo2.report.findings_document import document


@with_options
@rarely(
    "sequences load_model contamination threshold_percentile n_estimators holdout_fraction report_precision_at "
    "nn_top_k shap_sample save_base_sequences save_events errors_per_run"
)
def run(
    options: RunOptions,
    engine: EngineOptions,
    where: Where,
    outputs: OutputOptions,
    verbosity: Verbosity,
    save_model: Annotated[
        bool,
        typer.Option(
            "--save-model/--no-save-model", help="Save the trained models, each with its card, to the model root"
        ),
    ] = True,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit 3 on `flagged` test runs, on `findings` in them, or on `new` ones")
    ] = "never",
    place: RootArgument = None,
    root: RootOption = None,
) -> None:
    """Load, detect, explain, report and scan in one go.

    Example: lo2 run ~/shop-logs --normal baseline --variant shop
    """
    check_fail_on(fail_on, FAIL_ON)
    with load_bar(verbosity) as on_part:
        result = run_all(the_root(place, root, command="run"), where.home(), options, engine=engine, on_part=on_part)
    print_quality(result.loaded.quality, result.loaded.reused_runs, verbosity)
    for text in (*result.loaded.notes, *result.detection.notes):
        note(text, verbosity)
    found = result.explained.findings
    step = write_outputs(found, outputs, verbosity)
    if outputs.json:
        print_document({**document(found), "report": str(result.report)})
    elif not step:
        closing_screen(result, verbosity)
    refuse_bad_files(result.loaded, options.load)
    fail_on_flagged(found, fail_on)
    fail_on_findings(found, fail_on)
