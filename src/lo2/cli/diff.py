"""``lo2 diff``: which lines of a bad log are unusual against good ones."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.flags import path, with_options
from lo2.cli.screen import Verbosity, counted, note, say
from lo2.cli.streams import drawing
from lo2.diff.comparison import Comparison
from lo2.errors import CheckFailedError, RunFailedError, UsageError
from lo2.pipeline.diff import DiffOptions, diff_run, today
from lo2.report.findings_text import TextOptions, headline, lines

_FAIL_ON = ("findings", "new")
_COLOURS = ("auto", "always", "never")


@with_options
def diff(
    options: DiffOptions,
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
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
    html: Annotated[Path | None, typer.Option("--html", parser=path, metavar="FILE", help="Write the page")] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", parser=path, metavar="FILE", help="Write a test report")
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Write the summary of a CI step to $GITHUB_STEP_SUMMARY, else print it")
    ] = False,
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
    if fail_on not in (None, *_FAIL_ON):
        raise UsageError(f"--fail-on {fail_on!r} does not exist. Choices: {', '.join(_FAIL_ON)}")
    if top is not None and top < 1:
        raise UsageError(f"--top {top} is out of range: at least 1 line")
    accepted = [name for text in add_ignore for name in text.replace(",", " ").split()]
    day, options = (options.until or None, replace(options, until="")) if accepted else (None, options)
    target = options.ignore_file
    if accepted:
        if target is None:
            raise UsageError("--add-ignore needs --ignore-file FILE: where are accepted findings kept?")
        options = options if target.is_file() else replace(options, ignore_file=None)
    good, bad = _two(places, baseline)
    found, held = diff_run(good, bad, options)
    if accepted and target is not None:
        from lo2.pipeline.accepted import add_ignored

        add_ignored(target, found, accepted, reason=reason, until=day, today=today())
        note(f"{len(accepted)} added to {target}", verbosity)
    if save_baseline is not None:
        from lo2.artefacts.files import write_bytes
        from lo2.report.findings_document import json_text

        write_bytes(save_baseline, json_text(held.document()).encode())
        note(f"the good logs are kept in {save_baseline}", verbosity)
    for target, write in ((html, _page), (junit, _junit)):
        if target is not None:
            write(target, found)
            note(f"written: {target}", verbosity)
    step = _step(found) if github else False
    if json:
        from lo2.diff.ranking import best
        from lo2.report.findings_document import document, json_text

        narrow = "utf" not in str(sys.stdout.encoding).lower()
        chosen = None if top is None else best(found.findings, top)
        say(json_text(document(found, chosen), ascii_only=narrow))
    elif not step:
        watched = sys.stdout.isatty()
        shown = TextOptions(every=every or not watched, top=top, colour=_coloured(color, watched))
        for text in lines(found, shown):  # visible already, but for colours of ours
            print(text, file=drawing(sys.stdout))
    if found.bad_files and not options.skip_bad_files:
        name, why = found.bad_files[0]
        many = counted(len(found.bad_files), "file")
        raise RunFailedError(f"{many} cannot be read, first {name} ({why}). --skip-bad-files accepts that")
    failing = [one for one in found.findings if fail_on == "findings" or one.kind == "new"]
    if fail_on is not None and failing:
        what = counted(len(failing), "new finding" if fail_on == "new" else "finding")
        raise CheckFailedError(f"{what} (--fail-on {fail_on}). {headline(found)}")


def _page(target: Path, found: Comparison) -> None:
    from lo2.artefacts.files import write_text
    from lo2.report.findings_page import render_findings

    write_text(target, render_findings(found))


def _junit(target: Path, found: Comparison) -> None:
    from lo2.artefacts.files import write_text
    from lo2.report.findings_junit import junit

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    made = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
    write_text(target, junit(found, timestamp=made.strftime("%Y-%m-%dT%H:%M:%S")))


def _step(found: Comparison) -> bool:
    """Write the summary of a step; True where it was printed."""
    from lo2.report.findings_github import summary

    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(summary(found))
        return False
    say(summary(found))
    return True


def _two(places: Sequence[str], baseline: Sequence[str]) -> tuple[list[str], list[str]]:
    """Good and bad ones of the command line."""
    if any(not text for text in (*places, *baseline)):
        raise UsageError("a path is empty, perhaps a variable that is not set")
    if baseline:
        return list(baseline), list(places)
    if len(places) < 2:
        raise UsageError("diff needs good logs and a bad one. Example: lo2 diff good.log bad.log")
    return list(places[:-1]), [places[-1]]


def _coloured(choice: str, watched: bool) -> bool:
    if choice not in _COLOURS:
        raise UsageError(f"--color {choice!r} does not exist. Choices: {', '.join(_COLOURS)}")
    if choice == "auto":
        return watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"
