"""``lo2 report``: one page of a run."""

from lo2.cli.flags import Where, flags_from_options
from lo2.cli.screen import Verbosity, note, say_result
from lo2.report.options import ReportOptions


@flags_from_options
def report(options: ReportOptions, where: Where, verbosity: Verbosity) -> None:
    """Write report.html: one self-contained page that opens without a network.

    Example: lo2 report --variant lo2_drain
    """
    from lo2.cli.closing import closing_found_lines
    from lo2.pipeline.report import report_run

    path, summary = report_run(where.home_from_flags(), options)
    note(f"{path.stat().st_size / 1e3:.0f} kB", verbosity)
    for _, text in summary.notes:
        note(text, verbosity)
    if not verbosity.quiet:
        for line in closing_found_lines(summary):
            say_result(line)
        say_result(f"open {path}")
