"""``lo2 scan``: expected artefacts and their state."""

from dataclasses import asdict
from typing import Annotated

import typer

from lo2.artefacts import scan as scanning
from lo2.cli.flags import Where, with_options
from lo2.errors import CheckFailedError
from lo2.wording import counted


@with_options
def scan(
    where: Where,
    strict: Annotated[bool, typer.Option("--strict", help="Hash every file, whatever its size and time say")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also list optional artefacts that were never made")
    ] = False,
) -> None:
    """List expected artefacts with their state; exit 3 when a required one is missing, or one changed or stale.

    Example: lo2 scan --strict
    """
    from lo2.cli.screen import print_json, say

    home = where.home()
    findings = scanning.scan(home, strict=strict)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        absent = ("missing", "not applicable")
        shown = [f for f in findings if everything or f.required or f.state not in absent]
        width = max(len(f.path) for f in shown)
        say(f"{home.result} and {home.models}\nstate           bytes  {'artefact':{width}}  note")
        for f in shown:
            say(f"{f.state:8}{f.bytes:>13,}  {f.path:{width}}  {f.note}".rstrip())
        if not everything and (without := [f for f in findings if f.state == "not applicable"]):
            say(f"not applicable: {counted(len(without), 'artefact')} ({without[0].note}), see --all")
    wrong = scanning.problems(findings)
    if wrong:
        names = ", ".join(f"{f.path} ({f.state})" for f in wrong[:5])
        raise CheckFailedError(
            f"{counted(len(wrong), 'artefact')} in need of attention: {names}. {scanning.advice(findings, home)}"
        )
