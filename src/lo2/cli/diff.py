"""``lo2 diff``: which lines of a bad log are unusual against good ones."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lo2.cli.findings import KINDS, OutputOptions, check_fail_on, end_with_findings
from lo2.cli.flags import flags_from_options
from lo2.cli.screen import Verbosity, note
from lo2.cli.streams import drawing_stream
from lo2.diff.options import AcceptOptions, BaselineOptions
from lo2.errors import RunFailedError, UsageError
from lo2.options import option
from lo2.pipeline.options import DiffOptions
from lo2.report.options import BestOptions
from lo2.wording import counted_noun

if TYPE_CHECKING:
    from lo2.diff.baseline import Baseline
    from lo2.diff.comparison import Comparison

_COLOURS = ("auto", "always", "never")


@dataclass(frozen=True)
class ColourOptions:
    """Whether a terminal shows colours."""

    color: str = option("auto", "auto, always or never (also NO_COLOR)", more=True)

    def shows_colours(self, *, watched: bool) -> bool:
        """Whether colours are shown where ``watched`` says that somebody looks."""
        if self.color not in _COLOURS:
            raise UsageError(f"--color {self.color!r} does not exist. Choices: {', '.join(_COLOURS)}")
        if self.color == "auto":
            return watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return self.color == "always"


@flags_from_options
def diff(
    sides: BaselineOptions,
    amount: BestOptions,
    accepting: AcceptOptions,
    colours: ColourOptions,
    options: DiffOptions,
    outputs: OutputOptions,
    verbosity: Verbosity,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="GOOD... BAD",
            show_default=False,
            help="Logs, folders, archives, patterns, - or saved baselines; the last is bad (with --baseline all are)",
        ),
    ],
) -> None:
    """Which lines of a bad log are unusual against one or more good ones, and why.

    Example: lo2 diff good.log bad.log
    """
    from lo2.pipeline.diff import diff_day, diff_run

    check_fail_on(outputs.fail_on, ("never", *KINDS))
    accepted = accepting.add_ignore
    good, bad = _good_and_bad_sides(places, sides.baseline)
    found, held = diff_run(good, bad, _diff_options_to_accept(options) if accepted else options)
    if accepted and options.ignore_file is not None:
        from lo2.pipeline.ignore_file import add_to_ignore_file

        until = options.until or None
        add_to_ignore_file(options.ignore_file, found, accepted, reason=accepting.reason, until=until, today=diff_day())
        note(f"{len(accepted)} added to {options.ignore_file}", verbosity)
    if sides.save_baseline is not None:
        _write_diff_baseline(sides.save_baseline, held)
        note(f"the good logs are kept in {sides.save_baseline}", verbosity)
    end_with_findings(
        found, outputs, verbosity,
        document=lambda: _diff_document(found, amount),
        screen=lambda: _print_diff_findings(found, amount, colours),
        refuse=lambda: _refuse_unreadable_bad_logs(found, options),
    )  # fmt: skip


def _diff_document(found: "Comparison", amount: BestOptions) -> dict[str, Any]:
    from lo2.diff.ranking import rank_findings
    from lo2.report.findings_document import findings_document

    return findings_document(found, None if amount.top is None else rank_findings(found.findings, amount.top))


def _write_diff_baseline(target: Path, held: "Baseline") -> None:
    from lo2.artefacts.files import write_bytes
    from lo2.report.findings_document import findings_json

    write_bytes(target, findings_json(held.baseline_document()).encode())


def _refuse_unreadable_bad_logs(found: "Comparison", options: DiffOptions) -> None:
    if found.bad_files and not options.skip_bad_files:
        name, why = found.bad_files[0]
        many = counted_noun(len(found.bad_files), "file")
        raise RunFailedError(f"{many} cannot be read, first {name} ({why}). --skip-bad-files accepts that")


def _diff_options_to_accept(options: DiffOptions) -> DiffOptions:
    """Options of the comparison where findings are accepted: ``--until`` is their last day, the file may be new.

    Raises
    ------
    UsageError
        If there is no file to keep them in.
    """
    if options.ignore_file is None:
        raise UsageError("--add-ignore needs --ignore-file FILE: where are accepted findings kept?")
    known = options.ignore_file if options.ignore_file.is_file() else None
    return replace(options, until="", ignore_file=known)


def _print_diff_findings(found: "Comparison", amount: BestOptions, colours: ColourOptions) -> None:
    from lo2.report.findings_text import TextOptions, findings_lines

    watched = sys.stdout.isatty()
    shown = TextOptions(amount.every or not watched, amount.top, colours.shows_colours(watched=watched))
    for text in findings_lines(found, shown):  # visible already, but for colours of ours
        print(text, file=drawing_stream(sys.stdout))


def _good_and_bad_sides(places: Sequence[str], baseline: Sequence[str]) -> tuple[list[str], list[str]]:
    """Good and bad ones of the command line."""
    if any(not text for text in (*places, *baseline)):
        raise UsageError("a path is empty, perhaps a variable that is not set")
    if baseline:
        return list(baseline), list(places)
    if len(places) < 2:
        raise UsageError("diff needs good logs and a bad one. Example: lo2 diff good.log bad.log")
    return list(places[:-1]), [places[-1]]
