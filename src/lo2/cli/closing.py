"""The closing screen of a run: what was found, three hits with their line, the artefacts, tables when asked."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lo2.artefacts.scan import Scanned
from lo2.cli.hints import hints_with_flags
from lo2.cli.screen import Verbosity, note, print_table, say_result
from lo2.cli.tables import metrics_table, panel_table, runs_table
from lo2.report.reasons import FIRST
from lo2.report.values import Hit, ReportSummary
from lo2.wording import counted_noun, cut_text

if TYPE_CHECKING:
    from lo2.pipeline.run import RunResult

_WIDTH = 240


def closing_screen(result: "RunResult", verbosity: Verbosity) -> None:
    """Print what was found and where to look first; tables with ``-v``, with ``-q`` only what went wrong."""
    wrong = [one for one in result.findings if one.is_problem]
    if not verbosity.quiet:
        if verbosity.verbose:
            _print_closing_tables(result)
        for line in closing_found_lines(result.summary):
            say_result(line)
        say_result(hints_with_flags(closing_artefacts_line(result.findings)))
        say_result(f"open {result.report}")
    elif wrong:
        note(closing_artefacts_line(result.findings))


def closing_found_lines(summary: ReportSummary) -> Iterator[str]:
    """What a report says first, as lines of a terminal: the same sentences and hits in the same order as the page."""
    yield hints_with_flags(summary.verdict.found)
    yield from (f"!! {text}" for text in summary.verdict.warnings)
    for place, one in enumerate(summary.findings[:FIRST], 1):
        yield ""
        yield from _closing_screen_hit_lines(place, one)
    if summary.findings:
        yield ""
    if summary.verdict.headline:
        yield summary.verdict.headline.replace("`", "'")


def _closing_screen_hit_lines(place: int, one: Hit) -> Iterator[str]:
    row, line = one.row, one.line
    case = row.test_case if row.anomaly is not None else ""
    what = ", ".join(filter(None, (case, f"log of {row.service}" if case and row.service else row.service)))
    run = row.run if row.run != row.seq_id else ""
    wrong = "a false alarm" if row.outcome == "false alarm" else ""
    yield f"{place}. {', '.join(filter(None, (what or row.seq_id, run, wrong)))}"
    if line is None:
        yield from ([f"   {row.reason}"] if row.reason else [])
        return
    yield f"   {cut_text(line.text, _WIDTH)}"
    where = f"{line.file}:{line.number}" if line.file and line.number else "raw logs are not at hand"
    yield f"   {where} ({row.reason})" if row.reason else f"   {where}"


def closing_artefacts_line(findings: list[Scanned]) -> str:
    """How many required artefacts there are, and the first that needs attention."""
    required = [one for one in findings if one.required and one.name != "run"]
    wrong = [one for one in findings if one.is_problem]
    state = (
        f"{len(wrong)} need attention, {wrong[0].path} first ({wrong[0].state}): lo2 scan" if wrong else "all present"
    )
    return f"{counted_noun(len(required), 'required artefact')}, {state}"


def _print_closing_tables(result: "RunResult") -> None:
    detection = result.detection
    metrics_table(detection.evaluation)
    panel_table(detection.evaluation)
    runs_table(detection.runs[detection.leading])
    required = [f for f in result.findings if (f.required and f.name != "run") or f.is_problem]
    cells = [[f.state, f"{f.bytes:,}", f.path] for f in required]
    print_table("Required artefacts", ["state", "bytes", "artefact"], cells, right=(1,))
    say_result("")
