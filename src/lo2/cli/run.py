"""``lo2 run``: the main job on own logs."""

from lo2.cli.findings import OutputOptions, check_fail_on, end_with_findings
from lo2.cli.flags import RootArgument, RootOptions, Where, flags_from_options, root_from_flags
from lo2.cli.screen import Verbosity, load_progress_bar, note, print_load_quality
from lo2.engine import EngineOptions
from lo2.pipeline.options import RunOptions


@flags_from_options
def run(
    root: RootOptions,
    options: RunOptions,
    engine: EngineOptions,
    where: Where,
    outputs: OutputOptions,
    verbosity: Verbosity,
    place: RootArgument = None,
) -> None:
    """Load, detect, explain, report and scan in one go.

    Example: lo2 run ~/shop-logs --normal baseline --variant shop
    """
    from lo2.cli.closing import closing_screen
    from lo2.pipeline.load import refuse_bad_files
    from lo2.pipeline.run import run_all_phases
    from lo2.report.findings_document import findings_document

    check_fail_on(outputs.fail_on)
    with load_progress_bar(verbosity) as on_part:
        given = root_from_flags(place, root.root, command="run")
        result = run_all_phases(given, where.home_from_flags(), options, engine=engine, on_part=on_part)
    print_load_quality(result.loaded.quality, result.loaded.reused_runs, verbosity)
    for text in (*result.loaded.load_notes, *result.detection.notes):
        note(text, verbosity)
    found = result.explained.findings
    end_with_findings(
        found, outputs, verbosity,
        document=lambda: {**findings_document(found), "report": str(result.report)},
        screen=lambda: closing_screen(result, verbosity),
        refuse=lambda: refuse_bad_files(result.loaded, options.load),
    )  # fmt: skip
