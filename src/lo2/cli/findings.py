"""Outputs of findings besides the screen: page, JUnit report, step summary; and ``--fail-on`` what was found."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lo2.cli.screen import JsonOptions, Verbosity, note, print_json, say_result
from lo2.errors import CheckFailedError, UsageError
from lo2.options import option
from lo2.wording import counted_noun

if TYPE_CHECKING:
    from lo2.diff.comparison import Comparison

KINDS = ("findings", "new")
"""What of the findings a check may fail on."""
FAIL_ON = ("never", "flagged", *KINDS)
"""The same where runs are judged."""


@dataclass(frozen=True)
class OutputOptions(JsonOptions):
    """Outputs of findings; flags of every command that has some."""

    fail_on: str = option(
        "never", "Exit 3 on `findings` or on `new` ones, and where runs are judged on `flagged` ones (at 0.05)"
    )
    html: Path | None = option(None, "Write the findings as a page")
    junit: Path | None = option(None, "Write them as a test report", more=True)
    github: bool = option(False, "Write the summary of a CI step to $GITHUB_STEP_SUMMARY, else print it", more=True)


def end_with_findings(
    found: "Comparison",
    options: OutputOptions,
    verbosity: Verbosity,
    *,
    document: Callable[[], Any],
    screen: Callable[[], None],
    refuse: Callable[[], None],
    judged: bool = True,
) -> None:
    """How ``diff``, ``score`` and ``run`` end: outputs, then JSON or the screen, then what makes the call fail.

    ``refuse`` raises what comes before the findings; runs that were not ``judged`` flag nothing.
    """
    step = write_findings_outputs(found, options, verbosity)
    if options.json:
        print_json(document())
    elif not step:
        screen()
    refuse()
    if judged:
        fail_on_flagged(found, options.fail_on)
    fail_on_findings(found, options.fail_on)


def write_findings_outputs(found: "Comparison", options: OutputOptions, verbosity: Verbosity) -> bool:
    """Write what was asked for; True where standard output holds the summary of a step and nothing else may follow."""
    from lo2.artefacts.files import write_text

    if options.html is not None:
        from lo2.report.findings_page import render_findings_page

        write_text(options.html, render_findings_page(found))
        note(f"written: {options.html}", verbosity)
    if options.junit is not None:
        write_text(options.junit, _findings_junit(found))
        note(f"written: {options.junit}", verbosity)
    return _write_findings_step_summary(found, print_too=not options.json) if options.github else False


def _findings_junit(found: "Comparison") -> str:
    from lo2.pipeline.code_stamp import source_date_epoch
    from lo2.report.findings_junit import findings_junit

    made = source_date_epoch() or datetime.now(UTC)
    return findings_junit(found, timestamp=made.strftime("%Y-%m-%dT%H:%M:%S"))


def _write_findings_step_summary(found: "Comparison", *, print_too: bool) -> bool:
    from lo2.report.findings_github import github_summary

    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(github_summary(found))
    elif print_too:
        say_result(github_summary(found))
    return not target and print_too


def check_fail_on(chosen: str, choices: Sequence[str] = FAIL_ON) -> None:
    """Refuse a word that ``--fail-on`` does not know.

    Raises
    ------
    UsageError
        With the choices.
    """
    if chosen not in choices:
        raise UsageError(f"--fail-on {chosen!r} does not exist. Choices: {', '.join(choices)}")


def fail_on_flagged(found: "Comparison", fail_on: str) -> None:
    """Raise where runs are flagged, or too few normal ones are known to tell, and the caller wanted to know.

    Raises
    ------
    CheckFailedError
        Naming the first of them.
    """
    if fail_on != "flagged":
        return
    odd = [one for one in found.runs if one.flagged]
    if odd:
        raise CheckFailedError(
            f"{len(odd)} of {len(found.runs)} runs are flagged, {odd[0].path!r} first ({odd[0].said})"
        )
    if any(one.flagged is None for one in found.runs):
        from lo2.evaluation.runs import NEEDED

        raise CheckFailedError(
            f"whether a run is flagged cannot be told: too few normal runs, {NEEDED}. Load or train on more"
        )


def fail_on_findings(found: "Comparison", fail_on: str) -> None:
    """Raise where there are findings and the caller wanted to know of them.

    Raises
    ------
    CheckFailedError
        With their number and what was compared.
    """
    if fail_on not in KINDS:
        return
    failing = [one for one in found.findings if fail_on == "findings" or one.kind == "new"]
    if failing:
        from lo2.report.findings_text import findings_headline

        what = counted_noun(len(failing), "new finding" if fail_on == "new" else "finding")
        raise CheckFailedError(f"{what} (--fail-on {fail_on}). {findings_headline(found)}")
