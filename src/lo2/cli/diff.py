"""``lo2 diff``: which lines of a bad log are unusual against good ones."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.findings import KINDS, OutputOptions, check_fail_on, fail_on_findings, print_document, write_outputs
from lo2.cli.flags import path, with_options
from lo2.cli.screen import Verbosity, note
from lo2.cli.streams import drawing
from lo2.diff.baseline import Baseline
from lo2.diff.comparison import Comparison
from lo2.errors import RunFailedError, UsageError
from lo2.pipeline.diff import DiffOptions, diff_run, today
from lo2.report.findings_text import TextOptions, lines
from lo2.wording import counted

_COLOURS = ("auto", "always", "never")


@with_options
def diff(
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
    baseline: Annotated[list[str], typer.Option("--baseline", metavar="GOOD", help="A good one; repeatable")] = [],  # noqa: B006
    top: Annotated[int | None, typer.Option("--top", help="Findings, best first, until N lines")] = None,
    every: Annotated[bool, typer.Option("--all", help="All findings at a terminal, also more than 50")] = False,
    fail_on: Annotated[str | None, typer.Option("--fail-on", help="Exit 3 on `findings` or on `new` ones")] = None,
    add_ignore: Annotated[
        list[str], typer.Option("--add-ignore", metavar="ID[,ID]", help="Accept findings: add them to --ignore-file")
    ] = [],  # noqa: B006
    reason: Annotated[str, typer.Option("--reason", help="Why they are accepted")] = "",
    save_baseline: Annotated[
        Path | None, typer.Option("--save-baseline", parser=path, metavar="FILE", help="Keep what the good logs hold")
    ] = None,
    color: Annotated[str, typer.Option("--color", help="auto, always or never (also NO_COLOR)")] = "auto",
) -> None:
    """Which lines of a bad log are unusual against one or more good ones, and why.

    Example: lo2 diff good.log bad.log
    """
    check_fail_on(fail_on, KINDS)
    if top is not None and top < 1:
        raise UsageError(f"--top {top} is out of range: at least 1 line")
    accepted = [name for text in add_ignore for name in text.replace(",", " ").split()]
    good, bad = _good_and_bad_arguments(places, baseline)
    found, held = diff_run(good, bad, _diff_options_to_accept(options) if accepted else options)
    if accepted and options.ignore_file is not None:
        from lo2.pipeline.accepted import add_ignored

        add_ignored(options.ignore_file, found, accepted, reason=reason, until=options.until or None, today=today())
        note(f"{len(accepted)} added to {options.ignore_file}", verbosity)
    if save_baseline is not None:
        _write_diff_baseline(save_baseline, held)
        note(f"the good logs are kept in {save_baseline}", verbosity)
    step = write_outputs(found, outputs, verbosity)
    if outputs.json:
        from lo2.diff.ranking import best
        from lo2.report.findings_document import document

        print_document(document(found, None if top is None else best(found.findings, top)))
    elif not step:
        _print_diff_findings(found, top, color, every=every)
    if not options.skip_bad_files:
        _refuse_unreadable_bad_logs(found)
    fail_on_findings(found, fail_on)


def _write_diff_baseline(target: Path, held: Baseline) -> None:
    from lo2.artefacts.files import write_bytes
    from lo2.report.findings_document import json_text

    write_bytes(target, json_text(held.document()).encode())


def _refuse_unreadable_bad_logs(found: Comparison) -> None:
    if found.bad_files:
        name, why = found.bad_files[0]
        many = counted(len(found.bad_files), "file")
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


def _print_diff_findings(found: Comparison, top: int | None, color: str, *, every: bool) -> None:
    watched = sys.stdout.isatty()
    shown = TextOptions(every=every or not watched, top=top, colour=_diff_output_is_coloured(color, watched))
    for text in lines(found, shown):  # visible already, but for colours of ours
        print(text, file=drawing(sys.stdout))


def _good_and_bad_arguments(places: Sequence[str], baseline: Sequence[str]) -> tuple[list[str], list[str]]:
    """Good and bad ones of the command line."""
    if any(not text for text in (*places, *baseline)):
        raise UsageError("a path is empty, perhaps a variable that is not set")
    if baseline:
        return list(baseline), list(places)
    if len(places) < 2:
        raise UsageError("diff needs good logs and a bad one. Example: lo2 diff good.log bad.log")
    return list(places[:-1]), [places[-1]]


def _diff_output_is_coloured(choice: str, watched: bool) -> bool:
    if choice not in _COLOURS:
        raise UsageError(f"--color {choice!r} does not exist. Choices: {', '.join(_COLOURS)}")
    if choice == "auto":
        return watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"
